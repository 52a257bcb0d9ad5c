"""The audit report: every section, the numbers it adds, several results in one, and its sentences."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
import string
from pathlib import Path

import fake_arms
import fake_world
import numpy as np
import pandas as pd
import pytest
from markupsafe import escape
from scipy.stats import chi2
from scipy.stats import t as student
from statsmodels.stats.power import TTestPower

import recsim.report
from recsim.audit.combine import KINDS, gather, stored_audit
from recsim.audit.enough import enough, power
from recsim.audit.evidence import evidence, write_evidence
from recsim.audit.report import SECTIONS, content, moderation_at_work
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment import Result, run
from recsim.experiment.attribution import attribute
from recsim.experiment.compare import compare
from recsim.experiment.contrasts import candidate_row
from recsim.experiment.delay import delay
from recsim.experiment.dictionary import CSV, TABLES, described
from recsim.experiment.dose import dose_response
from recsim.experiment.folder import SUMS, checksum
from recsim.experiment.summary import summarise
from recsim.experiment.sums import compare_sums, write_sums
from recsim.experiment.tradeoff import tradeoff
from recsim.report import audit_page, write, write_combined
from recsim.report.answer_words import sentences, tables
from recsim.report.audit_page import write_report
from recsim.report.enough_words import in_words
from recsim.report.figure_data import data_of
from recsim.report.figure_strings import FIGURES
from recsim.report.figures import all_figures
from recsim.report.strings import ENGLISH, say
from recsim.report.table import summary_lines
from recsim.scenario import load
from recsim.scenario.schema import Audit

FAST = {"workers": 1, "robustness": False}
SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=2"]
ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path(recsim.report.__file__).parent / "templates"
FIGURE_MODULES = [p for p in TEMPLATES.parent.glob("*.py") if "matplotlib" in p.read_text()]


pytestmark = pytest.mark.usefixtures("not_rendered")


def small(*more):
    return load(fake_world.SMALL, [*SETS, *more])


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    one = run(small("opinion.enabled=true"), out=folder / "one", **FAST)
    write(one)
    other = run(small("platform.policy=random"), out=folder / "other", **FAST)
    write(other)
    return one, other


def test_every_section_is_there_in_both_files(stored):
    one, _ = stored
    found = json.loads((one.folder / "report.json").read_text())
    assert tuple(found) == SECTIONS
    page = (one.folder / "report.html").read_text()
    for key in SECTIONS:
        assert f'<h2 id="{key}">{ENGLISH[key]}</h2>' in page
    for q in found["methods"]["quantities"]:
        assert f'<th scope="row">{q["key"]}</th>' in page.replace("<wbr>", "")
    assert found["results"]["candidates"] == one.summary["candidates"]
    assert found["summary"][0]["shift_pp"] == one.summary["candidates"][2]["shift_pp"]
    for file in ("policy_compiled.py", "exposure.parquet"):
        assert found["evidence"]["sha256"][file] in page


def test_one_replicate_and_no_dose_are_said(tmp_path):
    """Neither an interval of two dashes nor a chance that nobody knows."""
    write(run(small("run.replicates=1", "dose=0"), out=tmp_path / "r", **FAST))
    page = " ".join((tmp_path / "r" / "report.html").read_text(encoding="utf-8").split())
    assert "– to –" not in page and "1 replicates" not in page and "chance of –" not in page
    assert "no interval: fewer than two replicates" in page and "one further world would lie" not in page
    assert "The dose is 0: the campaigns do not act" in page


def test_every_column_of_every_table_is_described(stored):
    one, _ = stored
    for name, frame in one.frames.items():
        for column in frame.columns:
            assert described(name, str(column)) is not None, f"{name}.{column}"


def test_the_dictionary_holds_every_file_of_tables(stored):
    """Parquet and CSV, each column with its unit, one row per something: "one row per day", never "per a day"."""
    one, _ = stored
    found = json.loads((one.folder / "report.json").read_text())["data"]
    files = {p.name for p in one.folder.iterdir() if p.suffix in (".csv", ".parquet")}
    assert (
        {table["file"] for table in found} == files >= {"summary.csv", "by_day.csv", "metrics.csv", "exposure.parquet"}
    )
    for table in found:
        held = (
            pd.read_csv(one.folder / table["file"])
            if table["file"].endswith("csv")
            else pd.read_parquet(one.folder / table["file"])
        )
        assert [c["name"] for c in table["columns"]] == list(held.columns) and table["rows"] == len(held)
        assert table["row"] and all(c["unit"] for c in table["columns"]), table["table"]
    for name, table in TABLES.items():
        assert not re.match(r"an? ", table.row), name
    said = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    for path in one.folder.iterdir():
        assert f"`{path.name}/" in said if path.is_dir() else f"`{path.name}`" in said, path.name
    for name in TABLES.keys() - {"study"}:
        assert f"`{name}.{'csv' if name in CSV else 'parquet'}`" in said, name
    page = (one.folder / "report.html").read_text()
    assert "by_region.csv" in page and "Units are as each column says" in page
    for column in ("declared", "shift_pp", "ci_low", "sd", "replicates"):
        assert described("robustness", column) is not None


@pytest.mark.parametrize("sd, threshold, n", [(1.0, 0.5, 10), (2.0, 1.0, 30), (0.5, 1.0, 5)])
def test_power_against_statsmodels(sd, threshold, n):
    expected = TTestPower().power(effect_size=threshold / sd, nobs=n, alpha=0.05)
    assert power(sd, n, threshold) == pytest.approx(expected, abs=1e-6)
    assert power(0.0, 4, 1) == 1 and np.isnan(power(1.0, 1, 1)) and np.isnan(power(np.nan, 4, 1))
    assert power(0.01, 2, 1.0) == pytest.approx(power(0.0334, 2, 1.0), abs=0.03)  # where the noncentral t is not asked


@pytest.mark.parametrize("sd, threshold, n", [(1.0, 0.5, 10), (0.3, 1.0, 4), (4.0, 1.0, 30)])
def test_enough_replicates_against_statsmodels_and_by_trial(sd, threshold, n):
    found = enough(sd, n, threshold, threshold / 4)
    solved = TTestPower().solve_power(effect_size=threshold / sd, alpha=0.05, power=0.8)
    assert found.for_power.about == max(2, math.ceil(solved - 1e-6))
    reach = [
        student.ppf(0.975, k - 1) * sd / np.sqrt(k) for k in (found.for_width.about - 1, found.for_width.about) if k > 1
    ]
    assert reach[-1] <= threshold / 4 < reach[0]
    for span in (found.for_width, found.for_power):
        assert span.low <= span.about <= span.high
    # The spread's own interval: chi-squared, checked by what it does to the number.
    low, high = (sd * np.sqrt((n - 1) / chi2.ppf(q, n - 1)) for q in (0.975, 0.025))
    assert found.for_width.low == enough(low, n, threshold, threshold / 4).for_width.about
    assert found.for_power.high == enough(high, n, threshold, threshold / 4).for_power.about


def test_enough_says_when_nobody_could_simulate_that_many():
    found = enough(1000.0, 10, 0.1, 0.025)
    assert found.for_width.about is None and found.for_power.about is None
    assert in_words(found.for_power._asdict()) == "over 100,000"
    widest = in_words({"about": 99_999, "low": 27_111, "high": None})
    assert widest == "99,999 (27,111 to >100,000)" and len(widest) < 28  # the column of a trade-off
    assert (
        enough(0.0, 10, 1.0, 0.25) is None and enough(1.0, 1, 1.0, 0.25) is None and enough(None, 5, 1.0, 0.25) is None
    )


def test_the_report_says_power_and_how_many_are_enough(stored):
    one, _ = stored
    found = json.loads((one.folder / "report.json").read_text())["risk_analysis"]
    (row,) = found["power"]
    sd = next(r["sd_worlds"] for r in one.summary["candidates"] if r["id"] == row["id"])
    assert row["power"] == pytest.approx(power(sd, 2, found["threshold_pp"]))
    assert (
        row["enough"]["for_power"]["about"]
        == enough(sd, 2, found["threshold_pp"], row["enough"]["half_width_pp"]).for_power.about
    )
    page = " ".join((one.folder / "report.html").read_text().split())
    assert "would be told from zero with a chance of" in page and "Replicates that would be enough" in page
    terminal = " ".join(" ".join(summary_lines(one)).split())  # two replicates are exploratory
    assert f"{row['enough']['for_power']['about']:,} (" in terminal and "Replicates that would be enough" in terminal


def test_claims_and_the_command_are_those_of_the_run(stored):
    """Two worlds show that it happens, and no more; the command writes elsewhere, so that the folder still verifies."""
    one, _ = stored
    found = json.loads((one.folder / "report.json").read_text())
    page = (one.folder / "report.html").read_text()
    happened = found["summary"][0]["shift_pp"] != 0
    assert [step["reached"] for step in found["claims"]] == [happened, False, False, False, False, False]
    assert "2 replicates; 30 are asked for" in found["claims"][1]["candidates"][0]["why"]
    assert found["evidence"]["again"].endswith("--replicates 2 --out ../again") and found["evidence"]["again"] in page
    audit = json.loads((one.folder / "audit.json").read_text())
    planned = content(one, audit | {"plan": {"lock": "x"}})
    assert "--plan plan.yaml" in planned["evidence"]["again"]


def test_what_is_not_declared_or_not_in_use_is_said(stored):
    _, other = stored
    found = json.loads((other.folder / "report.json").read_text())
    page = (other.folder / "report.html").read_text().replace("<wbr>", "")
    assert found["results"]["spend_eur"] == {"network": None} and "<td>not declared</td>" in page
    unused = [q["key"] for q in found["methods"]["quantities"] if not q["in_use"]]
    assert "opinion.turnout" in unused and "campaigns.network.accounts" not in unused
    assert f"{len(unused)} more belong to what is switched off" in page and "assumption, not in use" in page
    assert sum(found["methods"]["evidence"].values()) == len(found["methods"]["quantities"]) - len(unused)
    (card,) = found["recommender_cards"]
    assert card["tags"] == ["[D]: our design"] and "[D] ([D]: our design)" in page
    assert "1 percentage point (" in page and "Dose ratio" in page and "one further world would lie" in page


def test_several_results_in_one(stored, tmp_path):
    one, other = stored
    main(["report", str(one.folder), str(other.folder), "--out", str(tmp_path / "both")])
    found = json.loads((tmp_path / "both" / "report.json").read_text())
    (beside,) = found["results"]["runs"]
    assert beside["policy"] == "random" and {d["key"] for d in beside["differs"]} == {
        "platform.policy",
        "opinion.enabled",
    }
    eva = next(r for r in other.summary["candidates"] if r["id"] == "eva")
    assert beside["candidates"][0]["shift_pp"] == eva["shift_pp"]
    assert compare_sums(tmp_path / "both").none and "platform.policy: random" in (tmp_path / "both" / "report.html").read_text()  # fmt: skip
    with pytest.raises(InputError, match="not empty"):
        write_combined(one, [], tmp_path / "both")
    for nowhere in (dataclasses.replace(one, folder=None), "a folder's name"):
        with pytest.raises(InputError, match="^result: is no stored run"):
            write_combined(nowhere, [], tmp_path / "third")
    with pytest.raises(SystemExit):
        main(["report", str(one.folder), str(other.folder)])


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A comparison and a trade-off of the same scenario, by engines that invent counts."""
    folder = tmp_path_factory.mktemp("beside")
    options = {"workers": 1, "replicates": 3}
    compared = compare(
        small(), policies=["random", "dsa38_regional"], out=folder / "cmp", simulate=fake_world.simulate, **options
    )  # fmt: skip
    saved = tradeoff(
        small(), mitigations=["friction", "political_downrank"], out=folder / "trd", simulate=fake_arms.simulate_arms, **options
    )  # fmt: skip
    return compared, saved


def test_each_result_of_a_report_has_its_provenance_and_every_policy_its_card(stored, beside, tmp_path):
    one, other = stored
    compared, saved = beside
    found = gather(one, [other.folder, compared.folder, saved.folder])
    (tmp_path / "x").mkdir()
    write_report(one, [], stored_audit(one), found, tmp_path / "x")
    c = json.loads((tmp_path / "x" / "report.json").read_text())
    rows = c["evidence"]["results"]
    assert [r["folder"] for r in rows] == ["one", "other", "cmp", "trd"] and "sha256" not in c["evidence"]
    assert [r["fingerprint"] for r in rows] == [x.summary["fingerprint"] for x in (one, other, compared, saved)]
    words = ["run scenario.yaml", "run scenario.yaml", "compare scenario.yaml --policies dsa38_regional,random,tiktok_value", "tradeoff scenario.yaml --mitigations friction"]  # fmt: skip
    assert all(word in r["again"] for word, r in zip(words, rows, strict=True))
    assert rows[0]["sums_sha256"] == checksum(one.folder / SUMS) and rows[2]["sums_sha256"] is None
    cards = {card["policy"]: card["results"] for card in c["recommender_cards"]}
    assert cards == {"tiktok_value": ["one", "cmp", "trd"], "random": ["other", "cmp"], "dsa38_regional": ["cmp"]}
    exposure = next(t for t in c["data"] if t["table"] == "exposure")
    assert exposure["results"] == {"one": len(one.frames["exposure"]), "other": len(other.frames["exposure"])}
    assert {t["table"] for t in c["data"]} - set(CSV) == {*one.frames, *other.frames}
    page = (tmp_path / "x" / "report.html").read_text()
    for text in (rows[3]["fingerprint"], rows[3]["again"], say("files_combined"), "trd", "other"):
        assert text in page
    for key in ("again", "files_are"):  # of one run: here they would be false
        assert say(key) not in page and say(key) in (one.folder / "report.html").read_text()


def test_a_comparison_and_the_costs_of_mitigations_reach_the_report(stored, beside, tmp_path):
    one, _ = stored
    compared, saved = beside
    (tmp_path / "x").mkdir()
    write_report(one, [], stored_audit(one), gather(one, [compared.folder, saved.folder]), tmp_path / "x")
    c = json.loads((tmp_path / "x" / "report.json").read_text())
    k = c["results"]["comparison"]
    assert [(p["policy"], p["profiled"]) for p in k["policies"]] == [
        (p["policy"], p["profiled"]) for p in compared.summary["policies"]
    ]
    mine = next(p for p in k["policies"] if p["policy"] == "dsa38_regional")
    row = candidate_row(next(p for p in compared.summary["policies"] if p["policy"] == "dsa38_regional"), "eva")
    for key in ("shift_pp", "ci_low", "ci_high", "share_factual", "share_counterfactual"):
        assert mine["candidates"][0][key] == row[key]
    page = (tmp_path / "x" / "report.html").read_text()
    assert '<h2 id="comparison">' in page and '<a href="#comparison">' in page and say("not_profiled_short") in page
    table = page[page.index('id="t-mitigation-costs"') :]
    change = saved.summary["rows"][0]["costs"]["utility_per_view"]["change"]
    assert format(change, "+.3g") in table and "counted actions of people" in table
    assert c["mitigation"]["compared"]["fingerprint"] == saved.summary["fingerprint"]
    assert '<h2 id="comparison">' not in (one.folder / "report.html").read_text()


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """An attribution, a dose-response and a delay, by an engine that invents counts."""
    folder = tmp_path_factory.mktemp("answers")
    options = {"workers": 1, "replicates": 3, "simulate": fake_arms.simulate_arms}
    return (
        attribute(small(), by="door", out=folder / "att", **options),
        dose_response(small("dose=2"), points=4, out=folder / "dos", **options),
        delay(small(), out=folder / "del", **options),
    )


def test_answers_to_single_questions_reach_the_report_with_words_tables_and_figures(stored, beside, answers, tmp_path):
    one, _ = stored
    compared, saved = beside
    folders = [x.folder for x in (*answers, compared, saved)]
    write_combined(one, folders, tmp_path / "all")
    c = json.loads((tmp_path / "all" / "report.json").read_text())
    found = c["results"]["answers"]
    assert [x["folder"] for x in found] == ["att", "dos", "del"]
    assert [x["numbers"]["fingerprint"] for x in found] == [x.summary["fingerprint"] for x in answers]
    assert [x["differs"] != [] for x in found] == [True, True, True]  # the run has the opinion layer
    page = (tmp_path / "all" / "report.html").read_text()
    assert page.index('<h2 id="figures">') < page.index('<h2 id="answers">') < page.index('<h2 id="mitigation">')
    for answer in answers:
        command = answer.summary["command"]
        for text in sentences(answer):
            assert escape(text) in page
        for table in tables(answer):
            assert all(escape(cell) in page for row in table.rows for cell in row)
        at = page.index(f'<figure id="{command}"')
        assert page.index(f'<h3 id="{command}-answer">') < at < page.index('<h2 id="mitigation">')
        assert f'download="{command}.csv"' in page
    drawn = re.findall(r'<figure id="([^"]+)"', page)
    assert len(drawn) == len(set(drawn))
    assert page.index('<h2 id="mitigation">') < page.index('<figure id="tradeoff"')
    in_comparison = page[page.index('<h2 id="comparison">') : page.index('<h2 id="figures">')]
    assert [name for name in drawn if name.startswith("compared_")] == re.findall(
        r'<figure id="([^"]+)"', in_comparison
    )
    assert {"shift", "compared_shift_eva", "compared_pareto_eva", "compared_costs"} <= set(drawn)
    again = {r["folder"]: r["again"] for r in c["evidence"]["results"]}
    assert (
        "attribute scenario.yaml --by door" in again["att"]
        and "dose scenario.yaml" in again["dos"]
        and "--days=" in again["del"]
    )
    assert compare_sums(tmp_path / "all").none
    with pytest.raises(InputError, match="a second attribution"):
        gather(one, [answers[0].folder, answers[0].folder])


def as_of_an_earlier_version(folder, copy, change):
    """A copy whose summary is as another recsim would have written it."""
    shutil.copytree(folder, copy)
    (last,) = [p for p in copy.glob("*.json") if p.stem in KINDS]
    content = json.loads(last.read_text())
    change(content)
    last.write_text(json.dumps(content))
    if (copy / SUMS).exists():
        write_sums(copy)
    return copy


def without(*path):
    """A change that takes one key out of a summary."""

    def change(content):
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return change


LACKING = {
    "trade": ("rows", 0, "less_verdict"), "second": ("candidates", 2, "verdict"), "dos": ("crossing",),
    "feeds": ("policies", 0, "costs"), "att": ("interactions",), "del": ("declared",),
}  # fmt: skip
"""What an earlier version did not write, by the folder of a trade-off, another run, a dose, a comparison, an attribution, a delay."""


@pytest.mark.slow  # `test_a_run_of_an_earlier_version` shows it of the run that a report is about
@pytest.mark.parametrize("name", LACKING)
def test_a_result_of_an_earlier_version_is_refused_before_anything_is_written(stored, beside, answers, tmp_path, name):
    one, other = stored
    made = dict(zip(("att", "dos", "del"), answers, strict=True)) | {
        "feeds": beside[0],
        "trade": beside[1],
        "second": other,
    }
    folder = as_of_an_earlier_version(made[name].folder, tmp_path / f"old-{name}", without(*LACKING[name]))
    with pytest.raises(InputError, match=f"^{folder}: was made by an earlier version of recsim .it lacks") as error:
        write_combined(one, [folder] if name == "feeds" else [beside[0].folder, folder], tmp_path / "all")
    assert "\n" not in str(error.value) and not (tmp_path / "all").exists()


def test_a_run_of_an_earlier_version_is_refused_before_anything_is_written(stored, beside, tmp_path, capsys):
    one, _ = stored
    mine = as_of_an_earlier_version(one.folder, tmp_path / "first", without("candidates", 2, "equivalence_low"))
    before = {p: p.read_bytes() for p in mine.rglob("*") if p.is_file()}
    for command in (
        ["report", str(mine)],
        ["report", str(mine), str(beside[1].folder), "--out", str(tmp_path / "all")],
    ):
        with pytest.raises(SystemExit) as stop:
            main(command)
        said = capsys.readouterr().err
        assert stop.value.code == 2 and "earlier version" in said and str(mine) in said and said.count("\n") == 1
        assert before == {p: p.read_bytes() for p in mine.rglob("*") if p.is_file()}
        assert not (tmp_path / "all").exists()


def test_a_report_about_one_result_says_so(stored, tmp_path):
    main(["report", str(stored[0].folder), "--out", str(tmp_path / "alone")])
    assert "One report about 1 result: one." in (tmp_path / "alone" / "report.html").read_text()


def test_worlds_without_content_about_candidates_have_a_page(stored, tmp_path):
    """Supply has none, and only the removed campaign posts about them: no share, no shift, and no traceback."""
    one, _ = stored
    exposure = one.frames["exposure"]
    frames = one.frames | {"exposure": exposure[exposure["arm"].astype(str) == "factual"]}
    metas = json.loads((one.folder / "manifest.json").read_text())["replicate_meta"]
    summary = summarise(one.scenario, frames, metas, "x", one.summary["timing"], None, False)
    bare = Result(one.scenario, frames, summary, one.folder)
    assert bare.shift()["shift_pp"].isna().all() and "(no share)" in "\n".join(summary_lines(bare))
    assert {"shift", "activity", "stances"} <= {name for name, *_ in all_figures(bare, tmp_path)}
    assert "excess_views" not in set(data_of(bare, "activity")["figure"])
    steps = content(bare, evidence(bare))["claims"]
    assert not any(step["reached"] for step in steps)


def test_sentences_that_fit_what_was_run(stored, tmp_path, monkeypatch):
    """Replicates without a share, a half-life without an interval, and a run in which nothing is removed."""
    one, _ = stored
    c = content(one, stored_audit(one))
    row = dict.fromkeys(("half_life_low", "half_life_high", "area_pp_days", "area_low", "area_high")) | {"id": "eva", "halved": 1.0, "half_life_days": 2.1, "base_pp": 3.0, "days_after": 4, "half_life_reason": "given"}  # fmt: skip
    c["results"]["persistence"] = [row]
    c["sampling"] |= {"replicates": 12, "with_a_share": 9}
    c["summary"][0] |= {
        "too_few_for_below": 10,
        "equivalence_low": -0.5,
        "equivalence_high": 0.5,
        "verdict": "inconclusive",
    }
    monkeypatch.setattr(audit_page, "content", lambda *_: c)

    def page():
        return write_report(one, [], stored_audit(one), out=tmp_path).read_text()

    text = page()
    assert "gone after 2.1 days (no interval: it needs 10 replicates)" in text
    assert "9 replicates are too few" in text and "Exploratory: 9 replicates;" in text
    assert "Two worlds share people" in text and "days before the vote" in text and "#t-claims th" in text
    assert 'replace(/^</, "")' in text  # so that <0.001 is sorted as a number
    c["general"] |= {"removed": [], "window_first_day": 1}
    text = page()
    assert "Two worlds share people" not in text and "day 1 to 0" not in text


def test_verdicts_say_what_they_leave_out(stored, tmp_path, monkeypatch):
    """A shift downward, "below" of few replicates, a threshold that nobody declared."""
    one, _ = stored
    c = content(one, stored_audit(one))
    monkeypatch.setattr(audit_page, "content", lambda *_: c)

    def page(**row):
        c["summary"][0] |= row
        return " ".join(write_report(one, [], stored_audit(one), out=tmp_path).read_text().split())

    assert "13 in a hundred" in page(verdict="below", ci_low=-0.1, ci_high=0.2)
    assert "the campaigns lower the share of Eva by more than the declared threshold of 1 pp" in page(
        verdict="inconclusive", shift_pp=-3.0, ci_low=-3.1, ci_high=-2.9
    )
    c["criteria"]["threshold_declared"] = False
    text = page(verdict="exceeds", shift_pp=3.0, ci_low=2.9, ci_high=3.1)
    assert (
        "exceeds the threshold of 1 pp, a default of recsim that nobody declared" in text
        and "13 in a hundred" not in text
    )


def test_what_nobody_declared_is_known():
    assert small().audit.threshold_declared
    declared = small().model_dump(mode="json")["audit"]
    assert Audit.model_validate(declared).threshold_declared
    assert (
        not Audit().threshold_declared and not Audit.model_validate(Audit().model_dump(mode="json")).threshold_declared
    )


def test_moderation_at_work_is_named():
    """Two parts act without being asked for; the rest where it is declared."""
    assert moderation_at_work(small()) == ["prevented_share 0 (0 to 0.85)", "network_removal_days 18 (16 to 40)"]
    more = (
        "moderation.prevented_share=0", "moderation.detectors=[{id: d, kind: noise}]", "moderation.reviewers={aa: {count: 2}}",
        "moderation.political_labels={}",
    )  # fmt: skip
    assert moderation_at_work(small(*more))[1:] == ["detectors: d", "reviewers: aa", "political_labels"]


def test_columns_say_what_is_counted(stored):
    actions = set(stored[0].frames["engagement"]["action"].astype(str))
    named = set(TABLES["engagement"].columns["action"].meaning.split(", "))
    assert actions <= named and "watch" not in named
    assert "runs" in described("detections", "people").meaning and "runs" not in described("reach", "people").meaning
    assert "studentised" not in described("robustness", "ci_low").meaning


def test_what_cannot_stand_beside_a_run(stored, tmp_path):
    one, _ = stored
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError,
        match="no complete run, comparison, trade-off, attribution, dose-response, delay, ensemble, study or calibration",
    ):
        gather(one, [tmp_path / "empty"])
    twin = tmp_path / "twin" / one.folder.name
    shutil.copytree(one.folder, twin)
    with pytest.raises(InputError, match="same last name"):
        gather(one, [twin])
    fewer = [c for c in small().candidates if c.id != "ada"]
    scenario = small().model_copy(update={"candidates": fewer})
    run(scenario, out=tmp_path / "fewer", **FAST)
    with pytest.raises(InputError, match="other candidates"):
        gather(one, [tmp_path / "fewer"])


def test_written_again_it_is_the_same(stored):
    one, _ = stored
    before = {
        name: (one.folder / name).read_bytes() for name in ("report.html", "report.json", "audit.json", "SHA256SUMS")
    }
    main(["report", str(one.folder)])
    assert before == {name: (one.folder / name).read_bytes() for name in before}
    assert write_evidence(one, None) == json.loads(before["audit.json"])


def test_sentences_are_used_and_complete():
    """Every sentence is said by a template or is a section's name; every one that is said is there with its values."""
    text = "".join(p.read_text() for p in TEMPLATES.glob("*.j2"))
    said = set(re.findall(r'say\("(\w+)"', text)) | set(re.findall(r'head\("(\w+)"', text))
    elsewhere = {"exceeds", "below", "inconclusive", "misses", "few"}  # by the name of a verdict; on the terminal
    assert said <= set(ENGLISH) and set(ENGLISH) == said | elsewhere | set(SECTIONS)
    for key in ENGLISH:
        fields = [name for _, name, _, _ in string.Formatter().parse(ENGLISH[key]) if name]
        assert say(key, **dict.fromkeys(fields, "x"))
    with pytest.raises(KeyError):
        say("finding")


def test_words_of_figures_are_used_and_complete():
    """Every text of a figure is said by a module that draws, by its whole name or one put together; none is written there."""
    modules = {p.name: p.read_text() for p in FIGURE_MODULES}
    code = "".join(modules.values())
    whole = set(re.findall(r'"(\w+)"', code)) & set(FIGURES)
    put_together = re.findall(r'say\(\s*f"([^"]+)"', code)
    patterns = [re.compile(re.sub(r"\{.*?\}", r"[a-z_]+", text)) for text in put_together]
    made = {key for key in FIGURES if any(p.fullmatch(key) for p in patterns)}
    assert set(FIGURES) == whole | made and not set(FIGURES) & set(ENGLISH)
    assert set(re.findall(r'say\(\s*"(\w+)"', code)) <= set(FIGURES)
    for key, text in FIGURES.items():
        fields = [(name, form) for _, name, form, _ in string.Formatter().parse(text) if name]
        assert say(key, **{name: 1.0 if form else "x" for name, form in fields})
    written = r"(?:set_title|set_xlabel|set_ylabel|supxlabel|suptitle|label=)\(?f?\"[^\"]*[a-z]{3}"
    assert {name: re.findall(written, text) for name, text in modules.items() if re.findall(written, text)} == {}
