"""Evidence in an audit report: controls, importance of parameters, a study, a calibration; of which run each is, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from types import SimpleNamespace

import fake_world
import pandas as pd
import pytest
import yaml
from markupsafe import escape

from recsim.audit import pack
from recsim.audit.check import Report
from recsim.audit.combine import gather
from recsim.audit.controls import CONTROLS
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment import run
from recsim.experiment.calibration import calibrate
from recsim.experiment.compare import compare
from recsim.experiment.folder import checksum
from recsim.experiment.importance import not_measured
from recsim.experiment.sums import compare_sums
from recsim.experiment.sweep import sweep
from recsim.report import calibration as calibration_words
from recsim.report import study as study_words
from recsim.report import write, write_combined
from recsim.report.strings import say
from recsim.scenario import dump_yaml, load
from recsim.scenario.schema import Ensemble

SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=2"]
BROKEN = "candidates' ids exchanged"
FITTED = {
    "name": "tiny", "scenario": str(fake_world.SMALL),
    "set": {"run.luck_branches": 1, "population.scale": 0.0001, "days.start": "2024-11-18"},
    "parameters": [{"key": "dose", "range": [0.25, 16], "scale": "log"}],
    "targets": [
        {"metric": "beneficiary_views_late_M_per_day", "value": 2.5, "error": 0.5, "source": "made up"},
        {"metric": "like_rate", "value": 0.05, "error": 0.2, "role": "holdout", "source": "made up"},
    ],
    "method": {"waves": 1, "points": 8, "particles": 8, "generations": 2, "members": 5},
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("not_rendered")


def small(*more):
    return load(fake_world.SMALL, [*SETS, *more])


def observed(scenario, replicate, *, threads=1, report=None):
    """Invented counts, with the followers that a calibration looks at."""
    found = fake_world.simulate(scenario, replicate, threads=threads, report=report)
    rows = [(replicate, 0, arm, day, "eva", n) for arm, day, n in (("shared", -9, 100), ("factual", 0, 150))]
    found.frames["followers"] = fake_world._frame(rows, "day candidate followers", "candidate")
    return SimpleNamespace(**vars(found))


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A run of simulated worlds."""
    result = run(small(), out=tmp_path_factory.mktemp("pack") / "one", workers=1, robustness=False)
    write(result)
    return result


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """A study of invented counts."""
    folder = tmp_path_factory.mktemp("study")
    axes = {"dose": [0, 1, 2], "platform.policy": ["tiktok_value", "random"]}
    options = {"replicates": 2, "cells": folder / "cells", "workers": 1, "simulate": fake_world.simulate}
    return sweep(small(), axes, out=folder / "doses", **options)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A calibration to invented counts."""
    folder = tmp_path_factory.mktemp("calibration")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(FITTED))
    return calibrate(folder / "tiny.yaml", out=folder / "fit", worlds=folder / "w", workers=1, simulate=observed)


def rows_of(*failing):
    """Rows as of a check, of which some failed."""
    out = [
        {"section": "controls", "name": name, "value": None, "expected": "", "verdict": "pass", "note": f"note on {name}"}
        for name in CONTROLS
    ]  # fmt: skip
    out.append(
        {"section": "accounting", "name": "quota", "value": 12.25, "expected": "<= 20", "verdict": "pass", "note": ""}
    )
    out.append({"section": "other figures", "name": "gini_views", "value": 0.5, "expected": "", "verdict": "no target", "note": ""})  # fmt: skip
    return [row | ({"verdict": "FAIL"} if row["name"] in failing else {}) for row in out]


def controls(file, scenario, *failing, quick=False, made=None, **changes):
    """A file as ``recsim check --json`` writes it."""
    found = Report(rows_of(*failing), quick, pack.made_of(scenario) | (made or {})).to_dict() | changes
    file.write_text(json.dumps(found))
    return file


def importance_frame(scenario):
    """Rows as of `recsim.experiment.importance.importance`: one parameter moves the first candidate clearly."""
    rows = []
    for name, value, moved in (("w_like", 2.0, 0.31), ("w_share", 0.5, 0.07)):
        for k, who in enumerate([*(c.id for c in scenario.candidates), "political"]):
            shift = {"shift_more_pp": 2.5, "shift_less_pp": 1.25, "shift_pp": 2.0}
            rows.append({"parameter": name, "value": value, "reordered": moved, "candidate": who, "elasticity": 0.4 - 0.1 * k,
                         "ci_low": 0.3 - 0.1 * k, "ci_high": 0.5 - 0.1 * k, **shift})  # fmt: skip
    return pd.DataFrame(rows)


def measured(file, scenario, monkeypatch, capsys):
    """A file as ``recsim show --measure --json`` writes it, of invented numbers."""
    monkeypatch.setattr("recsim.experiment.importance.importance", lambda s, **_: importance_frame(s))
    config = file.with_suffix(".yaml")
    config.write_text(dump_yaml(scenario))
    capsys.readouterr()
    main(["show", scenario.platform.policy, "--measure", str(config), "--json", "--yes"])
    file.write_text(capsys.readouterr().out)
    return file


def report(folder):
    """Content and page of a combined report, spaces made one."""
    page = " ".join((folder / "report.html").read_text(encoding="utf-8").split())
    return json.loads((folder / "report.json").read_text(encoding="utf-8")), page


def refused(capsys, one, place, *others):
    """The line on standard error of a report that is not written."""
    with pytest.raises(SystemExit) as stop:
        main(["report", str(one.folder), *map(str, others), "--out", str(place)])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and said.count("\n") == 1 and not place.exists(), said
    return said


def test_the_json_of_a_check_says_of_which_run_it_is(one, tmp_path, monkeypatch, capsys):
    """By the command itself; the small copy that controls are made on is left out here, and so are the accounts."""
    fake = {name: (lambda _, ok=ok: (ok, "as told"), False) for name, ok in zip(CONTROLS, [True] * 5, strict=True)}
    monkeypatch.setattr("recsim.audit.check.CONTROLS", fake)
    monkeypatch.setattr("recsim.audit.check.accounting", lambda _: [])
    command = ["check", str(one.folder / "scenario.yaml"), "--quick", "--json"]
    capsys.readouterr()
    main(command)
    found = json.loads(capsys.readouterr().out)
    assert found["command"] == "check" and found["quick"] and found["passed"]
    assert found["made_of"]["fingerprint"] == one.summary["fingerprint"]
    assert found["made_of"]["source_sha256"] == json.loads((one.folder / "manifest.json").read_text())["source_sha256"]
    (tmp_path / "c.json").write_text(json.dumps(found))
    kind, raw, content = pack.read(tmp_path / "c.json")
    assert kind == "check" and raw == (tmp_path / "c.json").read_bytes() and not pack.failed(content)
    monkeypatch.setitem(fake, BROKEN, (lambda _: (False, "as told"), False))
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 1
    (tmp_path / "c.json").write_text(capsys.readouterr().out)
    assert pack.failed(pack.read(tmp_path / "c.json")[2]) == [BROKEN]


def test_controls_that_passed_stand_under_validity(one, tmp_path, capsys):
    file = controls(
        tmp_path / "controls.json", small("run.replicates=9"), quick=True
    )  # replicates make no other question
    main(["report", str(one.folder), str(file), "--out", str(tmp_path / "all")])
    assert "FAILED" not in capsys.readouterr().err
    c, page = report(tmp_path / "all")
    found = c["validity"]["check"]
    assert found["passed"] and found["failed"] == [] and found["lacking"] == [] and found["of"] == "one"
    assert found["differs"] == [] and not found["other_sources"] and not found["otherwise"]
    assert [row["name"] for row in found["rows"]] == [row["name"] for row in rows_of()]
    at = page.index('<h2 id="validity">')
    part = page[at : page.index("<h2", at + 1)]
    assert escape(say("check_passed", of="one", file="controls.json")) in part and escape(say("check_quick")) in part
    for name in CONTROLS:
        assert escape(name) in part and escape(f"note on {name}") in part
    assert "12.2" in part and "gini_views" not in part
    assert (
        'id="failed"' not in page
        and "Controls are not part of this run" not in page
        and "was made with other settings" not in part
    )
    (row,) = c["evidence"]["files"]
    copy = tmp_path / "all" / "evidence" / "controls.json"
    assert copy.read_bytes() == file.read_bytes() and row["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert row["sha256"] in page and row["kind"] == "check" and "--quick" in row["again"]
    assert c["evidence"]["again"] == "python -m recsim report one controls.json --out again"
    sums = c["evidence"]["results"][0]["sha256"]
    assert {"summary.json", "manifest.json", "exposure.parquet", "scenario.yaml"} <= sums.keys()
    assert sums["summary.json"] == checksum(one.folder / "summary.json") and compare_sums(tmp_path / "all").none
    before = "Controls are not part of this run"
    assert before in " ".join((one.folder / "report.html").read_text().split())


def test_a_failed_control_is_said_at_the_top(one, tmp_path, capsys):
    file = controls(tmp_path / "controls.json", small(), BROKEN)
    main(["report", str(one.folder), str(file), "--out", str(tmp_path / "all")])
    assert f"controls.json says that a control or an account FAILED ({BROKEN})" in capsys.readouterr().err
    c, page = report(tmp_path / "all")
    assert c["validity"]["check"]["failed"] == [BROKEN] and not c["validity"]["check"]["passed"]
    said = str(escape(say("check_failed", names=BROKEN)))
    assert page.count(said) == 2
    assert page.index('id="failed"') < page.index(said) < page.index('<h2 id="summary">')
    assert page.index('<h2 id="validity">') < page.rindex(said)
    claims = page[page.index('<h2 id="claims">') :]
    assert escape(say("check_failed_claims", names=BROKEN)) in claims and "none failed" not in page
    assert re.search(rf'<tr class="promoted"><th scope="row">{re.escape(str(escape(BROKEN)))}</th>', page)


def test_evidence_of_another_scenario_or_other_sources_is_marked(one, tmp_path):
    def block(file):
        write_combined(one, [file], tmp_path / file.stem)
        c, page = report(tmp_path / file.stem)
        return c["validity"]["check"], page

    found, page = block(controls(tmp_path / "dose.json", small("dose=3", "title=another"), BROKEN))
    assert [row["key"] for row in found["differs"]] == ["dose", "title"] and not found["other_sources"]
    said = str(escape(say("other_settings", name="dose.json", of="one", keys="dose, title")))
    assert page.count(said) == 2 and page.index(said) < page.index('<h2 id="summary">')  # beside the failure, too

    found, page = block(controls(tmp_path / "sources.json", small(), made={"source_sha256": "ab" * 32}))
    assert found["differs"] == [] and found["other_sources"] and not found["otherwise"]
    ours = json.loads((one.folder / "manifest.json").read_text())["source_sha256"][:12]
    assert escape(say("other_sources", name="sources.json", theirs="ab" * 6, of="one", ours=ours)) in page

    found, page = block(controls(tmp_path / "mark.json", small(), made={"fingerprint": "cd" * 32}))
    assert found["otherwise"] and escape(say("other_otherwise", name="mark.json", of="one")) in page

    file = controls(tmp_path / "short.json", small(), rows=rows_of()[1:])
    found, page = block(file)
    assert found["lacking"] == [next(iter(CONTROLS))] and "Not in this file: zero dose is bitwise zero" in page


def test_measured_importance_stands_on_the_card_of_its_policy(one, tmp_path, monkeypatch, capsys):
    own = measured(tmp_path / "own.json", small(), monkeypatch, capsys)
    feeds = compare(small(), policies=["random", "meta_political_2024"], out=tmp_path / "cmp", simulate=fake_world.simulate, workers=1)  # fmt: skip
    other = measured(
        tmp_path / "other.json",
        small("platform.policy=meta_political_2024", "platform.parameters={}"),
        monkeypatch,
        capsys,
    )
    write_combined(one, [feeds.folder, own, other], tmp_path / "all")
    c, page = report(tmp_path / "all")
    cards = {card["policy"]: card["importance"] for card in c["recommender_cards"]}
    assert (
        cards["random"] is None and cards["tiktok_value"]["file"] == "own.json" and cards["tiktok_value"]["of"] == "one"
    )
    assert cards["meta_political_2024"]["of"] == "cmp" and cards["meta_political_2024"]["differs"] == []
    found = cards["tiktok_value"]
    assert found["differs"] == [] and not found["other_sources"] and not found["otherwise"]
    assert found["replicates"] == 3 and found["not_measured"] == not_measured(small())
    assert len(found["importance"]) == len(importance_frame(small()))
    part = page[page.index('<h2 id="recommender_cards">') : page.index('<h2 id="assurance">')]
    assert (
        part.count("t-importance-") == 2 and "31.0" in part and "w_share" in part and say("political_content") in part
    )
    eva = next(row for row in found["importance"] if row["candidate"] == "eva")
    assert f"{eva['ci_low']:+.2f} to {eva['ci_high']:+.2f}" in part and "3 replicates" in part
    assert part.count("is measured by: ") == 1  # of the feed that nobody measured
    assert {row["file"]: row["kind"] for row in c["evidence"]["files"]} == {
        "own.json": "importance",
        "other.json": "importance",
    }
    assert "show meta_political_2024 --measure scenario.yaml --replicates 3" in c["evidence"]["files"][1]["again"]
    place = tmp_path / "none"
    said = refused(capsys, one, place, other)
    assert "measures the policy meta_political_2024, and this report is about tiktok_value" in said
    said = refused(
        capsys,
        one,
        place,
        own,
        controls(tmp_path / "x.json", small()),
        measured(tmp_path / "again.json", small(), monkeypatch, capsys),
    )
    assert "again.json: is a second measured importance of tiktok_value" in said


def test_a_study_and_a_calibration_stand_under_validity(one, varied, fitted, tmp_path, capsys):
    assert fitted.summary["generations"]  # else there would be nothing to draw
    write_combined(one, [varied.folder, fitted.folder], tmp_path / "all")
    c, page = report(tmp_path / "all")
    at = page.index('<h2 id="validity">')
    part = page[at : page.index("<h2", at + 1)]
    for words, result in ((study_words, varied), (calibration_words, fitted)):
        for text in (*words.sentences(result), words.LIMITS):
            assert escape(" ".join(text.split())) in part
        for table in words.tables(result):
            assert all(escape(cell) in part for row in table.rows for cell in row if cell)
    drawn = re.findall(r'<figure id="([^"]+)"', page)
    assert len(drawn) == len(set(drawn))
    mine = [name for name in drawn if name.startswith(("study_", "calibration_"))]
    assert mine == re.findall(r'<figure id="([^"]+)"', part)
    assert {
        "study_settings",
        "study_axis_dose",
        "calibration_parameters",
        "calibration_targets",
        "calibration_waves",
    } <= set(mine)
    assert (tmp_path / "all" / "figures" / "study_settings.png").is_file() and compare_sums(tmp_path / "all").none
    study, calibration = c["validity"]["study"], c["validity"]["calibration"]
    assert (
        study["numbers"]["plausible"] == varied.summary["plausible"]
        and study["differs"] == []
        and not study["other_sources"]
    )
    assert calibration["numbers"]["targets"] == fitted.summary["targets"] and calibration["used"] is None
    keys = [row["key"] for row in calibration["differs"]]
    assert "population.scale" in keys and escape(say("calibration_none", of="one")) in part
    assert "fit was made with other settings than one" in part and "doses was made with other settings" not in part
    rows = {row["kind"]: row for row in c["evidence"]["results"]}
    assert rows["study"]["again"] == "python -m recsim sweep study.yaml --replicates 2 --out ../again"
    assert rows["calibration"]["again"] == "python -m recsim calibrate calibration.yaml --out ../again"
    assert rows["study"]["sha256"]["study.json"] == checksum(varied.folder / "study.json")
    assert {"cells.csv", "effects.csv"} <= rows["study"]["sha256"].keys() and "particles.csv" in rows["calibration"][
        "sha256"
    ]
    assert [card["policy"] for card in c["recommender_cards"]] == ["tiktok_value"] and c["results"]["answers"] == []
    with pytest.raises(InputError, match="is a second study"):
        gather(one, [varied.folder, varied.folder])


def test_whether_a_run_took_its_parameters_from_the_calibration():
    found = {"folder": "fit", "fingerprint": "ab", "differs": [], "source_sha256": "s", "worlds": 3}
    scenario = small()
    for mark, used in (("ab", True), ("", False)):
        sets = Ensemble(name="fit", calibration=mark, members=[{"dose": 1.0}])
        with_sets = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": sets})})
        assert pack.about_calibration(found, with_sets, "s")["used"] is used
    block = pack.about_calibration(found, scenario, "t")
    assert block["used"] is None and block["other_sources"] and block["numbers"] == {"fingerprint": "ab", "worlds": 3}
    assert pack.about_calibration(None, scenario, "s") is None


def test_what_is_no_evidence_is_refused_in_one_line_and_nothing_is_written(one, tmp_path, capsys):
    place = tmp_path / "all"

    def said(name, content, *more):
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return refused(capsys, one, place, file, *more)

    good = json.loads(controls(tmp_path / "good.json", small()).read_text())
    text = said("a.txt", "CONTROLS\n  zero dose is bitwise zero   pass\n")
    assert "a.txt: is no JSON; a report takes folders of results and" in text and "lacked --json" in text
    assert "is no evidence written by recsim" in said("b.json", [1, 2])
    assert "is the JSON of recsim verify" in said("c.json", {"passed": True, "findings": []})
    assert "add --measure CONFIG" in said("d.json", {"name": "x", "doors": {}, "parameters": {}, "profiled": False})
    assert "earlier version" in said("e.json", {k: v for k, v in good.items() if k != "made_of"})
    assert "(rows.0.verdict: " in said("f.json", good | {"rows": [good["rows"][0] | {"verdict": "fine"}]})
    assert "(rows: " in said("g.json", good | {"rows": []}) and "(made_of.settings: " in said(
        "h.json", good | {"made_of": {k: v for k, v in good["made_of"].items() if k != "settings"}}
    )
    changed = [row | {"verdict": "FAIL"} for row in good["rows"]]
    assert "says passed: true, but its rows say otherwise" in said("i.json", good | {"rows": changed})
    assert "says passed: false, but its rows" in said("j.json", good | {"passed": False})
    assert "is a second check" in said("k.json", good, tmp_path / "good.json")
    ballot = good["made_of"] | {"candidates": ["x", "y"]}
    assert "is about other candidates (x, y) than the first run" in said("l.json", good | {"made_of": ballot})
    assert "is no folder and no file" in refused(capsys, one, place, tmp_path / "nothing.json")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "summary.json").write_text("{}")
    text = refused(capsys, one, place, tmp_path / "other" / "summary.json")
    assert f"is a file of a run; name its folder, {tmp_path / 'other'}" in text
    (tmp_path / "twin").mkdir()
    twin = controls(tmp_path / "twin" / "good.json", small())
    assert "same last name" in refused(capsys, one, place, tmp_path / "good.json", twin)
    inside = one.folder / "good.json"
    inside.write_text(json.dumps(good))
    try:
        assert "lies in the folder of a result (one)" in refused(capsys, one, place, inside)
    finally:
        inside.unlink()
    with pytest.raises(SystemExit) as stop:
        main(["report", str(tmp_path / "good.json"), str(one.folder), "--out", str(place)])
    assert stop.value.code == 2 and "is a file; the first must be the folder of a run" in capsys.readouterr().err


def test_a_file_as_another_system_writes_it_is_read(tmp_path):
    """The shell of Windows writes UTF-16, and others put a mark before UTF-8."""
    text = controls(tmp_path / "c.json", small()).read_text()
    for name, coding in (("a.json", "utf-16"), ("b.json", "utf-8-sig")):
        (tmp_path / name).write_bytes(text.encode(coding))
        assert pack.read(tmp_path / name)[0] == "check"
