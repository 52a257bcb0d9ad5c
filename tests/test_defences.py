"""Defences as settings in a file: reading them, trying them, what they do to genuine people."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import fake_arms
import pandas as pd
import pytest
from helpers import here

from recsim.errors import InputError
from recsim.experiment.defences import dump_defences, read_defences, with_defence
from recsim.experiment.sets import Answer
from recsim.experiment.tradeoff import COSTS, question_of, tradeoff
from recsim.ranking.mitigation import ARTICLES
from recsim.report import write_answer
from recsim.report.answer_table import answer_lines
from recsim.report.answer_words import again
from recsim.scenario import load, realise
from recsim.scenario.dump import quantities

ROOT = Path(__file__).resolve().parents[1]
ROMANIA = ROOT / "configs" / "romania-defences.yaml"
SMALL = ROOT / "tests" / "data" / "small_defences.yaml"
GOOD = """
one:
  title: a
  article: 35(1)(c)
  source: b
  set: {moderation.prevented_share: 0.5}
"""


@pytest.fixture(scope="module")
def romania():
    return load(ROOT / "configs" / "romania.yaml")


@pytest.fixture(scope="module")
def scenario():
    return fake_arms.three_campaigns()


# ---- the Romanian file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defence", read_defences(ROMANIA), ids=lambda d: d.name)
def test_every_romanian_defence_is_a_valid_scenario_with_evidence(romania, defence):
    made = with_defence(romania, defence)
    realise(made, 1, 3)
    said = ("value", "range", "evidence", "source")  # whether a number is in use may change with the others
    before = {row["key"]: [row[name] for name in said] for row in quantities(romania)}
    new = [row for row in quantities(made) if before.get(row["key"]) != [row[name] for name in said]]
    stated = tuple(defence.settings)
    for row in new:
        if row["key"].startswith(("moderation.", "response.")):
            assert row["key"].startswith(stated), row
        # A bare number would have got this source: each number of the file has evidence of its own.
        assert not row["source"].startswith("defence "), row
    assert defence.article in ARTICLES and len(defence.source) > 10 and len(defence.name) < 20
    for block in ("run", "days", "population", "candidates", "campaigns", "content", "activity"):
        assert getattr(made, block) == getattr(romania, block)


def test_the_romanian_file_holds_the_documented_numbers(romania):
    made = {d.name: with_defence(romania, d) for d in read_defences(ROMANIA)}
    count = {name: one.moderation.reviewers["ro"].count.value for name, one in made.items() if one.moderation.reviewers}
    assert count["reviewers_380"] == 4 * count["reviewers_95"] == 16 * count["reviewers_24"] == 380
    assert (
        "hu" in made["reviewers_hungarian"].moderation.reviewers
        and "hu" not in made["reviewers_95"].moderation.reviewers
    )
    days = [made[f"removal_{n}_days"].moderation.network_removal_days.value for n in (13, 8, 3)]
    assert [romania.moderation.network_removal_days.value - d for d in days] == [5, 10, 15]
    assert made["prevented_85"].moderation.prevented_share.value == 0.85
    for name, lag, share in (("notice_24_h", 24, 0.9), ("notice_33_h", 33, 0.58)):
        (notice,) = made[name].moderation.notices
        assert (notice.day, notice.lag_h.value, notice.compliance.value) == (-3, lag, share)
    # Parameters of the former policy mean nothing to another one.
    assert made["non_profiled_feed"].platform.parameters == {}


# ---- reading -----------------------------------------------------------------------------------------------------


def test_a_file_can_be_written_again(romania, tmp_path):
    defences = read_defences(ROMANIA)
    (tmp_path / "d.yaml").write_text(dump_defences(defences))
    again = read_defences(tmp_path / "d.yaml")
    assert [d._replace(where="") for d in again] == [d._replace(where="") for d in defences]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("35(1)(c)", "35(1)(x)", "one.article: got unknown article '35(1)(x)'"),
        ("title: a", "titel: a", "one: got unknown key 'titel'.*did you mean 'title'"),
        ("title: a", "title: 3", "one.title: got 3; text is needed"),
        ("  source: b\n", "", "one: 'source' is missing"),
        ("one:", "friction:", "got 'friction', which is taken"),
        ("one:", "one two:", "got 'one two'; use letters"),
        ("{moderation.prevented_share: 0.5}", "{}", "one.set: got {}"),
        ("moderation.prevented_share", "run.seed", "one run.seed: got unknown block 'run'"),
        ("moderation.prevented_share", "moderatio.prevented_share", "did you mean 'moderation'"),
        ("moderation.prevented_share", "moderation", "got the whole block"),
        ("prevented_share", "prevented_shar", "one moderation.prevented_shar: got unknown key.*did you mean 'prevented_share'"),
        ("0.5", "1.5", "one moderation.prevented_share.*got 1.5, must be in "),
        ("moderation.prevented_share: 0.5", "platform.policy: chrno", "one.*chrno.*did you mean 'chrono'"),
        ("moderation.prevented_share: 0.5", "platform.mitigations: [frition]", "one.*did you mean 'friction'"),
        ("moderation.prevented_share: 0.5", "platform.policy: tiktok_value", "changes nothing"),
        ("one:", "one:\n  title: x\none:", "stands twice"),
    ],
)  # fmt: skip
def test_what_is_refused(scenario, tmp_path, old, new, message):
    path = tmp_path / "d.yaml"
    path.write_text(GOOD)
    assert with_defence(scenario, *read_defences(path)).moderation.prevented_share.value == 0.5
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        with_defence(scenario, *read_defences(path))
    assert re.search(message.replace("(", r"\(").replace(")", r"\)").replace("{}", r"\{\}"), str(error.value)), (
        error.value
    )
    assert "d.yaml:" in str(error.value)


def test_the_command_refuses_in_one_line(tmp_path):
    path = tmp_path / "d.yaml"
    path.write_text(GOOD.replace("prevented_share", "prevented_shar"))
    found = here("tradeoff", fake_arms.SMALL, "--defences", path, "--quiet", cwd=tmp_path)
    assert found.returncode == 2 and "did you mean 'prevented_share'" in found.stderr and found.stderr.count("\n") == 1
    found = here("tradeoff", fake_arms.SMALL, "--defences", tmp_path / "dd.yaml", "--quiet", cwd=tmp_path)
    assert found.returncode == 2 and "no such file; did you mean" in found.stderr


# ---- numbers -----------------------------------------------------------------------------------------------------


def test_defences_stand_beside_mitigations(scenario):
    alone, both = question_of(scenario, defences=SMALL), question_of(scenario, "friction", defences=SMALL)
    assert alone.settings["mitigations"] == ["flagged_at_once", "nothing_prevented_but_removed"]
    assert both.settings["mitigations"] == ["flagged_at_once", "friction", "nothing_prevented_but_removed"]
    assert set(both.settings["defences"]) == set(alone.settings["mitigations"])
    assert len(question_of(scenario).settings["mitigations"]) > 10
    assert {one.scenario.run.seed for one in both.sets} == {scenario.run.seed}


def test_collateral_precision_and_reviews_against_plain_sums(scenario, tmp_path):
    defences = tmp_path / "mine.yaml"
    shutil.copy(SMALL, defences)
    found = tradeoff(
        scenario, defences=defences, out=tmp_path / "a", workers=1, simulate=fake_arms.simulate_arms
    )  # fmt: skip
    rows = {row["mitigation"]: row for row in found.summary["rows"]}
    row, other = rows["flagged_at_once"], rows["nothing_prevented_but_removed"]
    # 30, 31, 32, 33 of 400 people in four replicates; 60 of 800 actions; 70 of 1000 item-steps.
    assert row["costs"]["people_sanctioned"]["change"] == pytest.approx(100 * 31.5 / 400)
    assert row["costs"]["actions_uncounted"]["change"] == pytest.approx(100 * 60 / 800)
    assert row["costs"]["items_demoted"]["change"] == pytest.approx(5)
    assert row["costs"]["items_withdrawn"]["change"] == pytest.approx(2)
    assert row["collateral"]["people_sanctioned"]["aa"]["mean"] == pytest.approx(100 * 31.5 / 300)
    assert row["collateral"]["people_sanctioned"]["bb"]["mean"] == 0
    assert row["costs"]["people_sanctioned"]["verdict"] == "more"
    # Per run: 5 of 46.5 flagged, 5 of 10 acting, 41.5 of 400 people; the factual arm.
    one = row["detectors"]["chance"]
    assert one["precision"] == pytest.approx(5 / 46.5) and one["recall"] == pytest.approx(0.5)
    assert one["false_positive_rate"] == pytest.approx(41.5 / 400)
    assert one["precision_low"] < one["precision"] < one["precision_high"]
    # Four days of 8 decisions; 7 wait at the end of the last day; three days of 0.5 hours and one of 2.
    assert row["reviews"]["aa"] == pytest.approx(
        {"decided": 32, "rightly_found": 20, "wrongly_found": 8, "missed": 4, "waiting": 7, "waited_h": 0.875}
    )
    assert other["detectors"] == other["reviews"] == other["collateral"] == {}
    assert all(other["costs"][name]["change"] == 0 for name in COSTS if name.startswith(("people", "actions", "items")))
    assert row["article"] == "35(1)(f)" and row["source"] == "made up for a test"
    table = found.frames["moderation"]
    mine = table[(table["of"] == "chance") & (table["figure"] == "recall")]
    assert list(mine["value"]) == pytest.approx([0.5])


def test_the_page_names_the_file_which_is_kept(scenario, tmp_path):
    found = tradeoff(scenario, defences=SMALL, out=tmp_path / "a", workers=1, simulate=fake_arms.simulate_arms)
    write_answer(found)
    lines = answer_lines(found)
    text = " ".join(" ".join(lines).split())
    assert all(len(line) <= 80 for line in lines if not line.startswith(("results:", "report:"))), lines
    assert "aa 10.5 bb 0.0" in text and "Most genuine people are sanctioned under flagged_at_once: +7.9" in text
    assert "chance" in text and "0.50 0.50-0.50" in text
    assert "--defences defences.yaml" in again(found) and "--mitigations" not in again(found)
    kept = read_defences(tmp_path / "a" / "defences.yaml")
    assert [d._replace(where="") for d in kept] == [d._replace(where="") for d in read_defences(SMALL)]
    stored = Answer.load(tmp_path / "a", "tradeoff")
    pd.testing.assert_frame_equal(stored.frames["moderation"], found.frames["moderation"], check_dtype=False)
    svg = (tmp_path / "a" / "figures" / "tradeoff.svg").read_text()
    assert svg.count('<g id="axes_') == 3  # one panel more, since people are sanctioned


def test_the_scenarios_own_moderation_is_told_beside_the_defences(scenario):
    from recsim.experiment.defences import Defence

    own = with_defence(scenario, next(d for d in read_defences(SMALL) if d.name == "flagged_at_once"))
    late = Defence("late", "a", "35(1)(c)", "b", {"moderation.network_removal_days": 2}, "here")
    found = tradeoff(own, defences=[late], workers=1, store=False, simulate=fake_arms.simulate_arms)
    (row,) = found.summary["rows"]
    # Both have the same detector, so nobody more is sanctioned, and the costs are exactly zero.
    assert found.summary["reference"]["detectors"] == row["detectors"] != {}
    assert row["costs"]["people_sanctioned"]["change"] == 0 < row["costs"]["people_sanctioned"]["without"]
    assert sum("the scenario itself" in line for line in answer_lines(found)) == 2


def test_two_defences_on_real_worlds():
    scenario = load(fake_arms.SMALL, ["run.luck_branches=1", "run.replicates=2", "campaigns.0.accounts=20000"])
    found = tradeoff(scenario, defences=SMALL, workers=1, store=False)
    rows = {row["mitigation"]: row for row in found.summary["rows"]}
    row, other = rows["flagged_at_once"], rows["nothing_prevented_but_removed"]
    # 500 people, a false-positive rate of 0.2, nobody appeals: about a fifth of them is sanctioned, campaign or not.
    assert 10 < row["costs"]["people_sanctioned"]["change"] < 30
    assert row["costs"]["actions_uncounted"]["change"] == pytest.approx(
        row["costs"]["people_sanctioned"]["change"], abs=6
    )
    one = row["detectors"]["chance"]
    assert one["recall"] == 1 and one["false_positive_rate"] == pytest.approx(0.2, abs=0.06) and one["precision"] < 0.3
    assert row["reviews"]["aa"]["decided"] > 50 and row["reviews"]["aa"]["waiting"] == 0
    # Removal of the network touches nobody where there is no network.
    assert all(cost["change"] == 0 for cost in other["costs"].values())
    reference = found.summary["reference"]["shift_pp"]
    assert reference > 2 and all(r["shift_pp"] < reference / 2 for r in rows.values())
