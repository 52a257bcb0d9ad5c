"""Attribution, dose, delay and trade-off on an engine with known answers: numbers, files, resuming, refusals, pages."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import fake_arms
import numpy as np
import pandas as pd
import pytest
from helpers import changed, here

from recsim.cli.answers import days_of
from recsim.errors import InputError
from recsim.experiment import attribution, delay, dose
from recsim.experiment.attribution import attribute, players_of
from recsim.experiment.delay import declared_day
from recsim.experiment.dose import dose_response, doses_of
from recsim.experiment.sets import Answer, answer, chosen_candidate, expected, worlds_per_day
from recsim.experiment.shapley import exact_shapley, subsets
from recsim.experiment.tasks import Session
from recsim.experiment.tradeoff import question_for
from recsim.metrics import interval
from recsim.report import write_answer
from recsim.report.answer_figures import dose as dose_figure
from recsim.report.answer_table import answer_lines
from recsim.report.answer_words import sentences
from recsim.report.strings import say
from recsim.scenario import realise
from recsim.scenario.quantity import assumed
from recsim.scenario.schema import Ensemble
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm

COMMANDS = ("attribute", "dose", "delay", "tradeoff")


@pytest.fixture(scope="module")
def scenario():
    return fake_arms.three_campaigns()


def mitigated(scenario):
    return {
        name: changed(scenario, moderation={"prevented_share": assumed(v)}) for name, v in (("all", 1), ("half", 0.5))
    }


def ask(command, scenario, out=None, **options):
    options = {"workers": 1, "store": out is not None, "out": out, "simulate": fake_arms.simulate_arms, **options}
    if command == "attribute":
        return attribute(scenario, **{"by": "door", **options})
    if command == "dose":
        return dose_response(scenario, **{"campaign": "network", "points": 5, **options})
    if command == "delay":
        return delay.delay(scenario, **options)
    session = Session(fake_arms.simulate_arms, workers=1)
    return answer(question_for(scenario, mitigated(scenario)), session, out, store=out is not None)


def wide_of(answer, column="shift_pp", candidate="eva"):
    """Replicates by arm."""
    table = answer.frames["by_replicate"]
    return table[table["candidate"] == candidate].pivot_table(index="replicate", columns="arm", values=column)


# ---- numbers -----------------------------------------------------------------------------------------------------


def test_parts_of_doors_are_those_of_the_worlds(scenario):
    found = ask("attribute", scenario)
    s, wide = found.summary, wide_of(found)
    players = ["gates", "ranking", "learning", "proof"]
    values = {c: (wide["+".join(sorted(c)) or "none"] - wide["none"]).to_numpy() for c in subsets(players)}
    wanted = exact_shapley(players, values)
    parts = {p["name"]: p for p in s["parts"]}
    for name in players:
        t = interval(np.round(wanted[name], 9))
        assert parts[name]["shift_pp"] == pytest.approx(t.mean, abs=1e-8)
        assert (parts[name]["ci_low"], parts[name]["ci_high"]) == pytest.approx((t.low, t.high), abs=1e-8)
    assert s["direct"]["shift_pp"] == pytest.approx(wide["none"].mean()) and s["direct"]["shift_pp"] > 0
    everything = sum(p["shift_pp"] for p in s["parts"]) + s["direct"]["shift_pp"]
    assert everything == pytest.approx(s["total"]["shift_pp"]) == pytest.approx(wide["+".join(sorted(players))].mean())
    # In the invented engine two doors work together and two do nothing.
    assert parts["learning"]["shift_pp"] == parts["proof"]["ci_high"] == 0
    pair = next(m for m in s["interactions"] if m["between"] == ["gates", "ranking"])
    assert pair["ci_low"] > 0 and s["method"] == "exact" and s["efficiency_gap"] < 1e-12
    assert all(m["shift_pp"] == 0 for m in s["interactions"] if m is not pair)
    assert parts["gates"]["alone_pp"] < parts["gates"]["shift_pp"] < parts["gates"]["on_top_pp"]


def test_parts_of_campaigns_and_what_an_excess_view_costs(scenario):
    found = ask("attribute", scenario, by="campaign")
    parts = {p["name"]: p for p in found.summary["parts"]}
    assert list(parts) == ["network", "second", "posts"]
    more = wide_of(found, "excess_impressions")
    assert sum(p["excess_impressions"] for p in parts.values()) == pytest.approx(more["network+posts+second"].mean())
    # 100 likes a day for four days, a price of 0.01 for each real one; fees and follows by their price lists.
    spent = {"network": 4 * 100 * 0.01 * 1000, "second": 1000 * 0.06, "posts": 10 * 5000 * 0.005}
    for name, euro in spent.items():
        assert parts[name]["spend_eur"] == pytest.approx(euro)
        assert parts[name]["eur_per_excess"] == pytest.approx(euro / parts[name]["excess_impressions"])
    assert found.summary["total"]["spend_eur"] == pytest.approx(sum(spent.values()))
    table = found.frames["attribution"]
    for candidate in ("ada", "ben", "eva"):  # shares of views of the others fall, and add up, too
        mine = table[table["candidate"] == candidate].set_index("name")["shift_pp"]
        assert mine[list(parts)].sum() == pytest.approx(mine["total"])
    assert table[table["name"] == "total"]["shift_pp"].sum() == pytest.approx(0, abs=1e-9)


def test_tactics_are_those_with_a_share(scenario):
    assert players_of(scenario, "tactic") == ["comment", "follow", "like", "post", "share"]
    found = ask("attribute", scenario, by="tactic")
    assert {p["name"] for p in found.summary["parts"]} == set(players_of(scenario, "tactic"))
    spent = {p["name"]: p["spend_eur"] for p in found.summary["parts"]}
    assert spent["post"] == pytest.approx(250) and spent["follow"] == pytest.approx(60) and spent["share"] == 0


def test_many_players_are_sampled_and_still_add_up(scenario):
    more = [
        scenario.campaigns[0].model_copy(update={"id": f"n{k}", "key": f"n{k}", "start": -k % 3 - 2}) for k in range(4)
    ]
    found = ask(
        "attribute", scenario.model_copy(update={"campaigns": [*scenario.campaigns, *more]}), by="campaign", orders=4
    )
    s = found.summary
    assert s["method"] == "sampled orders" and s["orders"] == 4 and s["coalitions"] < 2**7
    assert sum(p["shift_pp"] for p in s["parts"]) == pytest.approx(s["total"]["shift_pp"])
    assert len(s["interactions"]) == 21 and all(p["order_error_pp"] >= 0 for p in s["parts"])
    rest = (
        s["total"]["shift_pp"] - sum(p["alone_pp"] for p in s["parts"]) - sum(m["shift_pp"] for m in s["interactions"])
    )
    assert s["larger"]["shift_pp"] == pytest.approx(rest)


def test_doses_and_what_they_give(scenario):
    found = ask("dose", scenario)
    s, wide = found.summary, wide_of(found)
    assert [p["dose"] for p in s["points"]] == [0, 0.5, 1, 2, 4] == s["doses"]
    assert (s["points"][0]["shift_pp"], s["points"][0]["ci_low"], s["points"][0]["spend_eur"]) == (0, 0, 0)
    for p in s["points"][1:]:
        assert p["shift_pp"] == pytest.approx(wide[f"x{p['dose']:g}"].mean())
        assert p["excess_per_eur"] == pytest.approx(p["excess_impressions"] / p["spend_eur"])
        assert p["spend_eur"] == pytest.approx(4000 * p["dose"]) and p["dose_ratio"] == pytest.approx(2 * p["dose"])
    two, four = s["points"][-2:]
    further = (four["excess_impressions"] - two["excess_impressions"]) / (four["spend_eur"] - two["spend_eur"])
    assert four["further_per_eur"] == pytest.approx(further)
    assert s["ratio_range"]["to"] == pytest.approx(15) and not s["ratio_range"]["spans"]
    assert set(found.frames["by_replicate"]["arm"]) == {"x0.5", "x1", "x2", "x4", "counterfactual"}
    # Only the campaign in question acts; with the others in both worlds the answer is another one.
    alone = ask("attribute", scenario, by="campaign").summary["parts"][0]["alone_pp"]
    assert next(p for p in s["points"] if p["dose"] == 1)["shift_pp"] == pytest.approx(alone)


def nothing_at_first(scenario, replicate, arms, **options):
    """Five worlds have no content about candidates."""
    outcome = fake_arms.simulate_arms(scenario, replicate, arms, **options)
    if replicate < 5:
        outcome.frames["exposure"]["impressions"] = 0
    return outcome


@pytest.mark.parametrize(
    "command, more", [("delay", {"days": [-1]}), ("dose", {"points": 3}), ("attribute", {"by": "campaign"})]
)
def test_exploratory_is_decided_by_the_replicates_that_have_a_share(scenario, command, more):
    small = changed(scenario, run={"luck_branches": 1})
    for count, few in ((30, True), (35, False)):
        found = ask(command, small, simulate=nothing_at_first, replicates=count, **more)
        assert found.summary["undefined_replicates"] == 5 and found.summary["exploratory"] is few
        said = " ".join(" ".join(answer_lines(found)).split())
        assert ("exploratory: fewer than 30 replicates with a share" in said) is few


def test_ranges_of_doses():
    assert doses_of(0, 4, 9) == [0, *(4 * 2.0**-k for k in range(7, -1, -1))]
    assert doses_of(0.5, 8, 5) == pytest.approx([0.5, 1, 2, 4, 8]) and doses_of(0.3, 3, 4)[-1] == 3
    for bad in ((4, 4, 3), (-1, 4, 3), (0, np.nan, 3), (0, 4, 2), (1, 4, 1)):
        with pytest.raises(InputError, match="must be"):
            doses_of(*bad)
    with pytest.raises(InputError, match="lie too close together"):
        doses_of(1, 1.00001, 5)


def test_a_tactic_that_only_some_replicates_use_is_a_player(scenario):
    mix = scenario.campaigns[0].tactics
    assert mix.watch.value == 0
    first = changed(scenario.campaigns[0], tactics={"watch": assumed(0, 0, 0.3)})
    before = attribution.tactics_of(scenario, scenario.campaigns[0])
    assert set(attribution.tactics_of(scenario, first)) == {*before, "watch"}
    # So do the parameter sets of a calibration, in place of what was drawn where all of them name it.
    key, bought = "campaigns.network.tactics.watch", scenario.campaigns[1]
    assert bought.id == "second" and attribution.tactics_of(scenario, bought) == ["like", "follow"]
    sets = with_sets(scenario, {key: 0.2}, {"campaigns.second.follows": 0.0})
    assert set(attribution.players_of(sets, "tactic")) == {*attribution.players_of(scenario, "tactic"), "watch"}
    assert attribution.tactics_of(sets, bought) == ["like", "follow"]  # in every second replicate
    always = with_sets(scenario, {"campaigns.second.follows": 0.0}, {"campaigns.second.follows": 0.0})
    assert attribution.tactics_of(always, bought) == ["like"]


def with_sets(scenario, *members):
    """The scenario with parameter sets as a calibration leaves them."""
    return changed(scenario, run={"ensemble": Ensemble(name="e", members=list(members))})


def test_a_dose_with_a_range_keeps_it(scenario):
    """Multiplied, and drawn as before: the intervals cover declared ranges."""
    ranged = changed(scenario, dose=assumed(1.0, 0.5, 2.0, log=True))
    for campaign in (dose.ALL, scenario.campaigns[0].id):
        for n in range(3):
            before, after = (realise(one, 1, n) for one in (ranged, dose.dosed(ranged, campaign, 3.0)))
            assert after.dose.value * after.campaigns[0].dose.value == pytest.approx(3 * before.dose.value)
    assert dose.dosed(ranged, dose.ALL, 1.0) == ranged and dose.dosed(ranged, dose.ALL, 0.0).dose.range == (0, 0)


def test_what_acting_earlier_saves(scenario):
    found = ask("delay", scenario)
    s, wide = found.summary, wide_of(found, "excess_impressions")
    assert [row["removal_day"] for row in s["rows"]] == [-3, -2, -1, 0] and s["declared_day"] == declared_day(scenario)
    assert f"only after the vote, on day {s['declared_day']:+d}, as the scenario says" in sentences(found)[0]
    for row in s["rows"]:
        left = wide[f"removed {row['removal_day']:+d}"]
        assert row["saved"] == pytest.approx(1 - left.mean() / wide["factual"].mean())
        assert row["saved_low"] <= row["saved"] <= row["saved_high"]
        assert row["days_earlier"] == s["declared_day"] - row["removal_day"]
    steps = [row["saved_per_day"] for row in s["rows"]]
    assert sum(steps) == pytest.approx(s["rows"][0]["saved"])  # a day each, until the end of the vote's day
    shifts = [row["shift_pp"] for row in s["rows"]] + [s["declared"]["shift_pp"]]
    assert shifts == sorted(shifts) and s["rows"][0]["shift_pp"] > 0  # posts are not removed
    few = ask("delay", scenario, days=[-3, 0]).summary
    assert few["rows"][0]["saved_per_day"] == pytest.approx((s["rows"][0]["saved"] - s["rows"][3]["saved"]) / 3)


def test_mitigations(scenario):
    found = ask("tradeoff", scenario)
    s = found.summary
    rows = {row["mitigation"]: row for row in s["rows"]}
    assert list(rows) == ["all", "half"] and s["reference"]["shown"]
    wide = wide_of(found)
    table = found.frames["by_replicate"]
    assert set(table["arm"]) == {
        "factual",
        "counterfactual",
        "all factual",
        "all counterfactual",
        "half factual",
        "half counterfactual",
    }
    for name, row in rows.items():
        mine = table[table["candidate"] == "eva"].pivot_table(index="replicate", columns="arm", values="share")
        shift = 100 * (mine[f"{name} factual"] - mine[f"{name} counterfactual"])
        assert row["shift_pp"] == pytest.approx(shift.mean())
        assert row["efficacy"] == pytest.approx(1 - shift.mean() / wide["factual"].mean())
        assert row["less_pp"] == pytest.approx((wide["factual"] - shift).mean())
        assert row["groups"]["region"]["south"]["change"] < -5 and row["groups"]["region"]["north"]["change"] == 0
        assert row["costs"]["candidate_views"]["change"] < 0 and row["costs"]["genuine_actions"]["change"] == 0
    assert rows["all"]["costs"]["utility_per_view"]["change"] == pytest.approx(-0.1, abs=0.05)
    assert set(found.frames["groups"]["group"]) == {"aa", "north", "south"}


def test_no_efficacy_where_the_reference_includes_zero(scenario):
    silent = changed(scenario, dose=assumed(0.0))
    found = ask("tradeoff", silent)
    s = found.summary
    shown = [row for row in s["rows"] if row["efficacy"] is not None]
    assert not s["reference"]["shown"] and shown == []
    assert "interval includes zero" in " ".join(" ".join(answer_lines(found)).split())


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_stored_shown_again_and_complete(scenario, tmp_path, command, log):
    first = ask(command, scenario, tmp_path / "a")
    write_answer(first)
    count = log()
    again = ask(command, scenario, tmp_path / "a")
    assert log() == count and again.reused and "stored result" in again.notes[0]
    assert again.summary == json.loads((tmp_path / "a" / f"{command}.json").read_text()) == first.summary
    for name, frame in first.frames.items():
        pd.testing.assert_frame_equal(Answer.load(tmp_path / "a", command).frames[name], frame, check_dtype=False)
    lines = answer_lines(again)
    assert all(len(line) <= 80 for line in lines if not line.startswith(("results:", "report:"))), lines
    page = (tmp_path / "a" / f"{command}.html").read_text()
    assert page.count("<svg") == 1 and re.findall(r'(?:src|href)="(?!#|data:text/csv)([^"]+)"', page) == []
    command_again = re.search(f"python -m recsim {command} scenario.yaml[^<]*", page)
    assert command_again is not None and command_again[0].endswith(
        " --out ../again"
    )  # not into the folder that is verified
    assert "campaigns.<wbr>network.<wbr>accounts" in page
    ET.parse(tmp_path / "a" / "figures" / f"{command}.svg")
    assert (tmp_path / "a" / "figures" / f"{command}.png").stat().st_size > 20_000


def test_the_interval_of_a_crossing_below_all_doses_is_drawn_around_it(scenario):
    found = ask("dose", scenario)
    at = found.summary["crossing"]
    assert 0 < at["dose"] < min(p["dose"] for p in found.summary["points"] if p["dose"] > 0)
    figure, _ = dose_figure(found)
    band = next(p for p in figure.axes[0].patches if p.get_label() == say("dose_crossing_interval"))
    assert band.get_x() < at["dose"] < band.get_x() + band.get_width()
    assert band.get_x() + band.get_width() == pytest.approx(at["ci_high"])


def test_workers_and_the_order_of_campaigns_change_nothing(scenario):
    turned = scenario.model_copy(update={"campaigns": scenario.campaigns[::-1]})
    one = ask("attribute", scenario, by="campaign").summary
    two = ask("attribute", turned, by="campaign", workers=2).summary
    for key in ("parts", "interactions", "total"):
        assert one[key] == two[key]


def test_more_replicates_are_added_and_another_candidate_needs_no_world(scenario, tmp_path, log):
    ask("attribute", scenario, tmp_path / "a", replicates=2)
    assert log() == 2
    more = ask("attribute", scenario, tmp_path / "a", replicates=4)
    assert log() == 4 and more.summary["replicates"] == 4 and "adding 2 replicates" in " ".join(more.notes)
    other = ask("attribute", scenario, tmp_path / "a", replicates=4, candidate="ada")
    assert log() == 4 and other.summary["candidate"] == "ada" and other.summary["total"]["shift_pp"] < 0
    plain = ask("attribute", scenario, replicates=4)
    assert plain.summary["parts"] == more.summary["parts"]
    fewer = ask("attribute", scenario, tmp_path / "a", replicates=3)
    assert log() == 8 and fewer.summary == plain.summary | {"timing": fewer.summary["timing"]}  # none of the 4 is lost
    assert "now for eva: the files are written again; with all its 4 replicates, 3 were asked for" in fewer.notes[0]


def test_an_interrupted_set_goes_on(scenario, tmp_path, log):
    seen = []

    def stop(done, total, text):
        seen.append(done / total)
        if done / total > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask("dose", scenario, tmp_path / "a", progress=stop)
    before = log()
    assert 0 < before < 16 and seen == sorted(seen)
    with pytest.raises(InputError, match="--resume"):
        ask("dose", scenario, tmp_path / "a")
    found = ask("dose", scenario, tmp_path / "a", resume=True)
    assert log() <= 17 and any("taken over" in note for note in found.notes)
    assert found.summary["points"] == ask("dose", scenario).summary["points"]


def test_questions_do_not_share_a_folder(scenario, tmp_path):
    ask("attribute", scenario, tmp_path / "a")
    for other in ("dose", "delay"):
        with pytest.raises(InputError, match="another run"):
            ask(other, scenario, tmp_path / "a")
    with pytest.raises(InputError, match="another run"):
        ask("attribute", scenario, tmp_path / "a", by="campaign")
    with pytest.raises(InputError, match="holds an attribution, and no complete dose"):
        Answer.load(tmp_path / "a", "dose")


# ---- what is refused, what is expected ----------------------------------------------------------------------------


def test_bad_questions(scenario):
    for options, message in (
        ({"by": "campain"}, "did you mean 'campaign'"), ({"candidate": "eve"}, "did you mean 'eva'"),
        ({"orders": 3}, "even number"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            attribution.question_of(scenario, **{"by": "door", **options})
    with pytest.raises(InputError, match="did you mean 'network'"):
        dose.question_of(scenario, "netwrok")
    with pytest.raises(InputError, match="got -9, must be from -3"):
        delay.question_of(scenario, [-9])
    with pytest.raises(InputError, match="name at least one"):
        delay.question_of(scenario, [])
    with pytest.raises(InputError, match="name at least one"):
        question_for(scenario, {})
    kept = [c.model_copy(update={"counterfactual": "kept"}) for c in scenario.campaigns]
    for make in (attribution.question_of, dose.question_of, delay.question_of):
        with pytest.raises(InputError, match="no campaign is removed"):
            make(scenario.model_copy(update={"campaigns": kept}))
    assert days_of("-13, -7,0") == [-13, -7, 0] and days_of("-3:-1,0") == [-3, -2, -1, 0] and days_of(None) is None
    with pytest.raises(InputError, match="got 'x'"):
        days_of("x")
    with pytest.raises(InputError, match="at most 10000 days"):
        days_of("-1000000000:0")


def test_the_candidate_of_most_campaigns_is_asked_about(scenario):
    moved = [c.model_copy(update={"beneficiary": "ben"}) if c.id == "network" else c for c in scenario.campaigns]
    assert chosen_candidate(scenario.model_copy(update={"campaigns": moved}), None) == "eva"
    moved[1] = moved[1].model_copy(update={"beneficiary": "ben"})
    assert chosen_candidate(scenario.model_copy(update={"campaigns": moved}), None) == "ben"
    assert dose.question_of(scenario.model_copy(update={"campaigns": moved}), "posts").candidate == "eva"


def test_different_worlds_are_counted_by_day(scenario):
    # network and posts start on day -3, second on day -2.
    arms = [COUNTERFACTUAL, FACTUAL, Arm("a", campaigns=frozenset({"second"}))]
    assert worlds_per_day(scenario, arms) == [2, 3, 3, 3]
    assert worlds_per_day(scenario, [COUNTERFACTUAL, FACTUAL, Arm("b", removal_day=-1)]) == [2, 2, 3, 3]
    few, many = (expected(attribution.question_of(scenario, by), 1)["seconds"] for by in ("campaign", "tactic"))
    assert 15 < few < many


# ---- command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["attribute", "--by", "doors"], "did you mean 'door'"), (["dose", "--campaign", "netwerk"], "did you mean 'network'"),
        (["dose", "--from", "2", "--to", "1"], "must be above --from"), (["delay", "--days=-99"], "got -99"),
        (["delay", "--scale", "1", "--replicates", "500"], "add --yes"), (["attribute", "--set", "campaigns=[]"], "no campaign is removed"),
    ],
)  # fmt: skip
def test_the_commands_refuse_in_one_line(tmp_path, arguments, message):
    found = here(arguments[0], fake_arms.SMALL, *arguments[1:], "--quiet", cwd=tmp_path)
    assert found.returncode == 2 and message in found.stderr and found.stderr.count("\n") == 1, found.stderr
    assert not (tmp_path / "runs").exists() and Path(fake_arms.SMALL).exists()


def test_one_replicate_has_no_interval_to_speak_of():
    one = fake_arms.three_campaigns("run.replicates=1")
    said = {command: " ".join(sentences(ask(command, one))) for command in ("dose", "tradeoff")}
    assert "times the declared accounts (no interval)" in said["dose"]
    assert "One replicate has no interval: efficacies are not given." in said["tradeoff"]
    assert not any("includes zero" in text or "no upper end" in text for text in said.values())


def one_share(scenario, replicate, arms, **options):
    """Only the first world has content about candidates."""
    outcome = fake_arms.simulate_arms(scenario, replicate, arms, **options)
    if replicate:
        outcome.frames["exposure"]["impressions"] = 0
    return outcome


def no_share(scenario, replicate, arms, **options):
    return one_share(scenario, 1, arms, **options)


def test_replicates_without_a_share_have_no_interval_either():
    four = fake_arms.three_campaigns()

    def said(command, engine):
        if command == "dose":
            return " ".join(sentences(ask("dose", four, simulate=engine)))
        return " ".join(
            sentences(answer(question_for(four, mitigated(four)), Session(engine, workers=1), None, store=False))
        )

    assert "times the declared accounts (no interval)" in said("dose", one_share)
    assert "One replicate cannot tell where the curve saturates" in said("dose", one_share)
    assert "One replicate has no interval: efficacies are not given." in said("tradeoff", one_share)
    none = said("dose", no_share)
    assert "No shift is known: no replicate has a share." in none and "not crossed" not in none
    assert "No replicate has a share: efficacies are not given." in said("tradeoff", no_share)
