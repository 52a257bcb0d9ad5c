"""Plans, deviations, stopping rules, and what a run says by every procedure."""

from __future__ import annotations

import json
import os
import sys
from functools import partial

import fake_world
import pytest
import yaml

from recsim.audit import sequential
from recsim.audit.evidence import Record, evidence, write_evidence
from recsim.audit.plan import Plan, declared, deviations, half_width, load_plan, refuse, write_plan
from recsim.cli.plan import Under, held_against
from recsim.errors import InputError
from recsim.experiment import Result, run
from recsim.scenario import load

ASKED = ["audit.question=Does the network move Eva?"]
RULE = ["audit.stopping.enabled=true", "audit.stopping.first=3", "audit.stopping.batch=2", "audit.stopping.most=8"]
FAST = {"simulate": fake_world.simulate, "workers": 1, "robustness": False}
held = partial(held_against, simulate=fake_world.simulate)


pytestmark = pytest.mark.usefixtures("not_rendered")


def small(*more):
    return load(fake_world.SMALL, [*ASKED, *more])


@pytest.fixture
def plan_file(tmp_path):
    path = tmp_path / "plan.yaml"
    write_plan(small(), path)
    return path


def test_a_plan_is_read_as_it_was_written(plan_file):
    plan = load_plan(plan_file)
    assert plan.scenario == small() and plan.about["primary_candidates"] == ["eva"]
    assert plan.about["replicates"] == "4 replicates"
    assert deviations(plan, small()) == []
    assert held_against(small(), Under(plan_file)).deviations == ()


@pytest.mark.parametrize(
    "scenario, where",
    [
        (load(fake_world.SMALL), "audit.question"),
        (small("audit.threshold_reason=' '"), "audit.threshold_reason"),
        (small("campaigns=[]"), "campaigns"),
    ],
)
def test_a_plan_that_declares_too_little(tmp_path, scenario, where):
    with pytest.raises(InputError, match=where):
        write_plan(scenario, tmp_path / "plan.yaml")
    assert not (tmp_path / "plan.yaml").exists()


def test_a_plan_is_not_written_over(plan_file):
    before = plan_file.read_bytes()
    with pytest.raises(InputError, match="already exists"):
        write_plan(small(), plan_file)
    assert plan_file.read_bytes() == before


def test_every_changed_value_breaks_the_lock(plan_file):
    content = yaml.safe_load(plan_file.read_text())
    content["scenario"]["audit"]["threshold_pp"]["value"] = 2
    plan_file.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="changed after it was locked"):
        load_plan(plan_file)
    content = yaml.safe_load(plan_file.read_text()) | {"lock": "0" * 64}
    plan_file.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="changed after it was locked"):
        load_plan(plan_file)


@pytest.mark.parametrize(
    "text", ["a: 1", "plan: 3\nscenario: {}\nlock: x", "plan: {version: 9}\nscenario: {}\nlock: x"]
)
def test_what_is_no_plan(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="plan"):
        load_plan(path)


def test_deviations_need_a_reason_and_are_recorded(plan_file):
    other = small("audit.threshold_pp=0.5", "campaigns.0.accounts=1000", "run.seed=8")
    with pytest.raises(InputError, match=r"audit.threshold_pp \(planned 1, now 0.5\).*--deviation"):
        held_against(other, Under(plan_file))
    with pytest.raises(InputError, match="--deviation"):
        held_against(other, Under(plan_file, "  "))
    record = held_against(other, Under(plan_file, "typo"))
    assert {d.key for d in record.deviations} == {"audit.threshold_pp", "campaigns.network.accounts", "run.seed"}
    assert record.reason == "typo"
    with pytest.raises(InputError, match="--plan"):
        held_against(other, Under(None, "typo"))
    assert held_against(other, Under()) == Record()


def test_other_sources_are_a_deviation(plan_file):
    plan = load_plan(plan_file)
    old = Plan(plan.lock, plan.about | {"source_sha256": "f" * 64}, plan.scenario)
    (found,) = deviations(old, small())
    assert "sources" in found.key
    assert "more" not in refuse([found] * 5, plan_file).message
    assert "and 2 more" in refuse([found] * 7, plan_file).message


def test_fixed_parameters_are_a_deviation(plan_file):
    assert [d[0] for d in deviations(load_plan(plan_file), small(), fixed=True)] == ["fixed parameters"]
    with pytest.raises(InputError, match=r"fixed parameters .planned no, now yes."):
        held_against(small(), Under(plan_file), fixed=True)


def test_an_own_policy_that_was_edited_after_the_lock_is_a_deviation(plan_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    file, text = (
        tmp_path / "own_policy_p.py",
        "import recsim\n\n@recsim.policy(w=1.0)\ndef good(f, p):\n    return p.w * f.n_like\n",
    )
    file.write_text(text)
    scenario = small("platform.policy=own_policy_p:good")
    plan = write_plan(scenario, tmp_path / "own.yaml")
    assert deviations(load_plan(tmp_path / "own.yaml"), scenario) == []
    file.write_text(text.replace("n_like", "n_share"))
    (found,) = deviations(plan, scenario)
    assert "outside recsim" in found.key and found.planned != found.now
    plan.about.pop("own_code_sha256")  # as in a plan of an earlier version
    assert deviations(plan, scenario) == []
    assert "outside" in deviations(load_plan(plan_file), scenario)[-1].key


def test_replicates_that_were_known_before_are_deviations(plan_file, tmp_path):
    """Run, look, plan, run under the plan: the stored result is not the answer to a question asked before."""
    out = tmp_path / "r"
    result = run(small(), out=out, replicates=6, **FAST)
    wide = small("run.replicates=6")
    stopped = Under(tmp_path / "wide.yaml")
    write_plan(wide, stopped.plan)
    os.utime(out / "summary.json", (2e9, 2e9))
    assert held(wide, stopped, out=out).deviations == ()  # stopped before its page was written
    os.utime(out / "summary.json", (1e9, 1e9))
    with pytest.raises(InputError, match="stored result"):
        held(wide, stopped, out=out)  # older than the plan
    write_evidence(result, None)
    with pytest.raises(InputError, match=r"stored result .planned none, now 6 replicates were known before, under no plan.*run.replicates .planned 4, now 6"):  # fmt: skip
        held(small(), Under(plan_file), out=out)
    record = held(small("run.replicates=5"), Under(plan_file, "why"), out=out)
    assert [(d.key, d.planned) for d in record.deviations] == [("stored result", "none"), ("run.replicates", 4)]
    assert held(small(), Under(plan_file), out=out, force=True).deviations == ()  # a new folder
    # Asked again under its plan, it was known before all the same, for the reason that was given.
    write_evidence(result, record, plan_file)
    again = held(small(), Under(plan_file), out=out)
    assert set(again.deviations) == set(record.deviations) and again.reason == "why"
    assert held(small(), Under(plan_file, "typo"), out=out).reason == "why; typo"
    with pytest.raises(InputError, match=r"differs from the plan in run.replicates .planned 4, now 8.;"):
        held(small("run.replicates=8"), Under(plan_file), out=out)  # that reason was given for six
    with pytest.raises(InputError, match="under the plan"):
        held(wide, stopped, out=out)


def test_a_result_that_was_known_before_its_plan_stays_so(plan_file, tmp_path):
    """Look, plan, run under the plan with a reason; then the same command again, with the reason left out."""
    out = tmp_path / "r"
    result = run(small(), out=out, **FAST)
    write_evidence(result, None)
    with pytest.raises(InputError, match=r"4 replicates were known before, under no plan"):
        held(small(), Under(plan_file), out=out)
    record = held(small(), Under(plan_file, "a look was had"), out=out)
    for _ in range(2):
        write_evidence(result, record, plan_file)
        record = held(small(), Under(plan_file), out=out)
        assert [d.key for d in record.deviations] == ["stored result"] and record.reason == "a look was had"


def test_only_what_lies_there_of_the_same_run_was_known_before(plan_file, tmp_path):
    out = tmp_path / "r"
    write_evidence(run(small("run.seed=8"), out=out, **FAST), None)
    assert held(small(), Under(plan_file), out=out).deviations == ()  # the run itself says that another lies there
    mine = tmp_path / "mine"
    write_evidence(run(small(), out=mine, **FAST), None)
    (mine / "summary.json").write_text("{")  # is written again; what was known stands beside it
    with pytest.raises(InputError, match="4 replicates were known before, under no plan"):
        held(small(), Under(plan_file), out=mine)
    (mine / "audit.json").unlink()
    assert held(small(), Under(plan_file), out=mine).deviations == ()


def test_a_damaged_record_does_not_hide_that_a_result_was_known(plan_file, tmp_path):
    out = tmp_path / "r"
    result = run(small(), out=out, **FAST)
    write_evidence(result, None)
    (out / "audit.json").write_text("{")
    with pytest.raises(InputError, match="known before, under a damaged record"):
        held(small(), Under(plan_file), out=out)
    assert write_evidence(result, None)["plan"] is None


def test_a_planned_result_that_is_shown_again_stays_planned(tmp_path):
    """With a stopping rule a command without the plan knows how it was stopped, and nothing of the plan."""
    path, out, scenario = tmp_path / "rule.yaml", tmp_path / "r", small(*RULE)
    plan = write_plan(scenario, path)
    options = FAST | {"out": out}
    first, stopped = sequential.run_to_width(scenario, **options)
    made = write_evidence(first, Record(plan, stopped=stopped), path)
    shown, later = sequential.run_to_width(scenario, **options)
    assert len(later.looks) == 1 and len(stopped.looks) > 1
    assert write_evidence(shown, Record(stopped=later)) == made
    record = held(scenario, Under(path), out=out)
    assert record.deviations == ()
    assert write_evidence(shown, record._replace(stopped=later), path) == made  # all looks, not the last alone
    more = write_evidence(run(scenario, replicates=9, **options), Record(stopped=later))
    assert more["plan"]["lock"] == plan.lock and [d["now"] for d in more["deviations"]] == [9]


def test_fewer_replicates_than_recorded_are_called_fewer(plan_file, tmp_path):
    plan, out = load_plan(plan_file), tmp_path / "r"
    result = run(small(), out=out, **FAST)
    path = result.folder / "audit.json"
    write_evidence(result, Record(plan), plan_file)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"replicates": 9}))
    found = write_evidence(result, None)
    assert found["deviations"] == [{"key": "run.replicates", "planned": "4 replicates", "now": 4}]
    assert found["deviation_reason"] == "none given: replicates were left out without the plan"


def test_a_planned_run_that_went_on_without_its_plan_is_not_as_planned(plan_file, tmp_path):
    plan, out = load_plan(plan_file), tmp_path / "r"
    looks = [sequential.Look(4, 1.0)]
    stopped = sequential.Stopped("half-width reached", 1.0, looks)
    write_evidence(run(small(), out=out, **FAST), Record(plan, stopped=stopped), plan_file)
    for more in (6, 8):
        found = write_evidence(run(small(), out=out, replicates=more, **FAST), None)
        assert found["plan"]["lock"] == plan.lock and found["stopping"] is None
        assert found["deviations"] == [{"key": "run.replicates", "planned": "4 replicates", "now": more}]
        assert found["deviation_reason"] == "none given: replicates were added without the plan"


def test_a_rule_does_not_take_over_replicates_that_were_added_without_it(tmp_path):
    rule, out = tmp_path / "rule.yaml", tmp_path / "r"
    plan = write_plan(small(*RULE), rule)
    stopped = sequential.Stopped("half-width reached", 1.0, [sequential.Look(4, 1.0)])
    write_evidence(run(small(*RULE), out=out, **FAST), Record(plan, stopped=stopped), rule)
    assert held(small(*RULE), Under(rule), out=out).deviations == ()
    write_evidence(run(small(*RULE), out=out, replicates=6, **FAST), None)
    with pytest.raises(InputError, match=r"run.replicates .planned 3 replicates, then.*now 6"):
        held(small(*RULE), Under(rule), out=out)
    record = held(small(*RULE), Under(rule, "by mistake"), out=out)
    # Shown under its plan, the rule stops there; that it did not add them is not forgotten.
    write_evidence(Result.load(out), record._replace(stopped=stopped), rule)
    again = held(small(*RULE), Under(rule), out=out)
    assert again.deviations == record.deviations and again.reason == "by mistake"
    assert [(d.key, d.now) for d in again.deviations] == [("run.replicates", 6)]


def test_the_number_of_replicates_is_free_only_under_a_rule(tmp_path):
    for rule, expected in (([], ["run.replicates"]), (RULE, [])):
        path = tmp_path / f"{len(rule)}.yaml"
        plan = write_plan(small(*rule), path)
        assert [d.key for d in deviations(plan, small(*rule, "run.replicates=9"))] == expected
    (found,) = deviations(plan, small(*RULE, "run.replicates=9"), by_rule=False)  # --replicates in place of the rule
    assert found.key == "audit.stopping.enabled" and found.planned is True and "--replicates 9" in found.now
    with pytest.raises(InputError, match="audit.stopping.enabled .planned True, now replaced by --replicates 9"):
        held_against(small(*RULE, "run.replicates=9"), Under(path), by_rule=False)


def test_half_width_defaults_to_a_quarter_of_the_threshold():
    assert half_width(small("audit.threshold_pp=2")) == 0.5
    assert half_width(small("audit.stopping.half_width_pp=0.3")) == 0.3
    assert "at most 0.3" in declared(small(*RULE, "audit.stopping.half_width_pp=0.3"))["replicates"]
    with pytest.raises(InputError, match="above most"):
        small("audit.stopping.first=9", "audit.stopping.most=8")


def test_stops_at_the_first_look_that_is_narrow_enough(tmp_path):
    everything = run(small(), replicates=8, store=False, **FAST)
    shifts = everything.frames and evidence(everything)["candidates"]
    assert shifts[2]["replicates"] == 8

    def width(n):
        found = run(small(), replicates=n, store=False, **FAST)
        row = found.summary["candidates"][2]
        return (row["ci_high"] - row["ci_low"]) / 2

    asked = (width(5) + 1e-9) if width(5) < width(3) else width(3)
    scenario = small(*RULE, f"audit.stopping.half_width_pp={asked}")
    result, stopped = sequential.run_to_width(scenario, out=tmp_path / "r", **FAST)
    assert stopped.reason == "half-width reached"
    assert [look.half_width_pp for look in stopped.looks] == [pytest.approx(width(n)) for n in (3, 5)][
        : len(stopped.looks)
    ]
    assert result.summary["replicates"] == stopped.looks[-1].replicates
    # As if that number had been asked for at once.
    at_once = run(scenario, replicates=stopped.looks[-1].replicates, store=False, **FAST)
    assert result.summary["candidates"] == at_once.summary["candidates"]
    assert Result.load(result.folder).summary["replicates"] == result.summary["replicates"]


def test_stops_at_the_most(tmp_path):
    scenario = small(*RULE, "audit.stopping.half_width_pp=0.0001")
    result, stopped = sequential.run_to_width(scenario, out=tmp_path / "r", **FAST)
    assert stopped.reason == "most replicates reached"
    assert [look.replicates for look in stopped.looks] == [3, 5, 7, 8] and result.summary["replicates"] == 8
    again, once = sequential.run_to_width(scenario, out=tmp_path / "r", **FAST)
    assert [look.replicates for look in once.looks] == [8]
    assert again.summary["candidates"] == result.summary["candidates"]


def test_nothing_to_be_sharp_about(tmp_path):
    scenario = small(*RULE, "campaigns=[]")
    with pytest.raises(InputError, match="no campaign is removed"):
        sequential.run_to_width(scenario, out=tmp_path / "r", workers=1, robustness=False)
    assert not (tmp_path / "r").exists()  # said before thirty worlds, not after


def test_evidence_agrees_with_the_summary():
    result = run(small(), replicates=6, store=False, **FAST)
    found = evidence(result)
    for row, known in zip(found["candidates"], result.summary["candidates"], strict=True):
        for key in ("shift_pp", "ci_low", "ci_high", "prediction_low", "prediction_high", "verdict"):
            assert row[key] == known[key]
        assert row["bca_low"] is None and 0 < row["p_sign_flip"] <= 1
        assert row["equivalence_shown"] == (row["p_equivalence"] < 0.05)
    rows = {row["id"]: row for row in found["candidates"]}
    assert rows["eva"]["family"] == "primary" and rows["eva"]["p_adjusted"] == rows["eva"]["p_t"]
    assert rows["ada"]["adjustment"] == "Benjamini-Hochberg"
    assert rows["ada"]["p_adjusted"] >= rows["ada"]["p_t"]
    (segment,) = found["segments"]  # one language, one age band: nothing to compare
    assert segment["division"] == "region" and segment["segments"] == ["north", "south"]
    north, south = (result.by("region").query("candidate == 'eva' and region == @r")["shift_pp"].item() for r in ("north", "south"))  # fmt: skip
    assert segment["spread_pp"] == pytest.approx(abs(north - south))
    assert json.dumps(found, allow_nan=False)


def test_zero_dose_is_exactly_zero():
    result = run(small("dose=0"), replicates=4, store=False, workers=1, robustness=False)
    for row in evidence(result)["candidates"]:
        assert row["shift_pp"] == row["ci_low"] == row["ci_high"] == 0
        assert row["p_t"] == row["p_sign_flip"] == 1 and row["equivalence_shown"]
        assert row["variance_reduction"] == "infinite"


def test_small_segments_are_named_and_left_out():
    result = run(small("population.scale=0.0002"), replicates=4, store=False, **FAST)
    (segment,) = evidence(result)["segments"]
    assert segment["too_small"] == ["south"] and segment["p"] is None


def test_what_is_written_can_be_verified_and_is_kept(tmp_path, plan_file):
    result = run(small(), out=tmp_path / "r", **FAST)
    record = held_against(small("audit.threshold_pp=0.5"), Under(plan_file, "for a test"))
    write_evidence(result, record, plan_file)
    Result.load(result.folder)  # checks every sum in the manifest
    kept = json.loads((result.folder / "audit.json").read_text())
    assert kept["plan"]["lock"] == load_plan(plan_file).lock and kept["deviation_reason"] == "for a test"
    assert (result.folder / "plan.yaml").read_bytes() == plan_file.read_bytes()
    again = write_evidence(result, None)
    assert again == kept
    (result.folder / "plan.yaml").write_text("changed")
    with pytest.raises(InputError, match=r"plan\.yaml is damaged"):
        Result.load(result.folder)


def test_people_by_segment():
    people = load(fake_world.SMALL).population
    assert people.simulated("region") == pytest.approx({"north": 300, "south": 200})
    assert people.simulated("language") == pytest.approx({"aa": 500})


def test_a_plan_is_run_by_the_command_it_prints(tmp_path, monkeypatch, capsys):
    """With settings that the plan alone knows; without the scenario's file, and in a folder whose name has a space."""
    import shlex

    from recsim.cli import main

    folder = tmp_path / "my plans"
    folder.mkdir()
    sets = [
        "--set",
        f"{ASKED[0]}",
        "--set",
        "campaigns.network.accounts=777",
        "--policy",
        "random",
        "--replicates",
        "3",
    ]
    main(["plan", str(fake_world.SMALL), *sets, "--out", str(folder / "p.yaml")])
    (line,) = [text for text in capsys.readouterr().out.splitlines() if text.startswith("next: ")]
    words = shlex.split(line.removeprefix("next: "))
    assert words == ["python", "-m", "recsim", "run", "--plan", str(folder / "p.yaml")]
    ran = {}

    def run_instead(scenario, record, by_rule, **options):
        ran.update(scenario=scenario, record=record)
        raise InputError("enough")

    monkeypatch.setattr("recsim.cli.run.run_under", run_instead)
    with pytest.raises(SystemExit):
        main(words[3:])
    plan = load_plan(folder / "p.yaml")
    assert ran["scenario"] == plan.scenario and ran["record"].deviations == () and ran["record"].plan.lock == plan.lock
    assert plan.scenario.platform.policy == "random" and plan.scenario.run.replicates == 3
    for more, said in (
        (["--set", "run.seed=5"], "--set run.seed=5: needs the scenario file"),
        (["--seed", "5"], "differs from the plan in run.seed"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*words[3:], *more])
        assert stop.value.code == 2 and said in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["run"])
    assert stop.value.code == 2 and "CONFIG: is missing" in capsys.readouterr().err
    rule = [word for one in RULE for word in ("--set", one)]
    with pytest.raises(SystemExit) as stop:
        main(["plan", str(fake_world.SMALL), *rule, "--replicates", "3", "--out", str(folder / "q.yaml")])
    assert stop.value.code == 2 and "the stopping rule decides" in capsys.readouterr().err


def test_a_rule_is_followed_only_where_there_is_one(tmp_path):
    with pytest.raises(InputError, match="audit.stopping.enabled: is false"):
        sequential.run_to_width(small(), **FAST)
    with pytest.raises(InputError, match="replicates: cannot be given"):
        sequential.run_to_width(small(*RULE), replicates=3, **FAST)
