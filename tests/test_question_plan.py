"""Plans of attributions, dose-responses, delays and trade-offs: locked before, held against, recorded beside the answer."""

from __future__ import annotations

import json
import sys
from functools import partial

import fake_arms
import pytest
import yaml
from fake_world import with_followers as simulate
from helpers import changed

from recsim.audit.combine import gather, stored_audit
from recsim.audit.evidence import write_evidence
from recsim.audit.plan import REPLICATES, STATISTICS, STORED, load_plan, write_plan
from recsim.audit.question_plan import (
    OTHER_CANDIDATE,
    OUTCOMES,
    PROCEDURES,
    held_to,
    question_deviations,
    write_question_plan,
)
from recsim.cli import main
from recsim.cli.plan import Under, held_against
from recsim.errors import InputError
from recsim.experiment import attribution, delay, dose, run
from recsim.experiment.folder import checksum
from recsim.experiment.sets import answer, without_table
from recsim.experiment.sums import compare_sums
from recsim.experiment.tasks import Session
from recsim.experiment.tradeoff import question_for
from recsim.experiment.tradeoff import question_of as by_name
from recsim.report import write_answer
from recsim.report.audit_page import write_report
from recsim.report.strings import say
from recsim.scenario.quantity import assumed

COMMANDS = tuple(OUTCOMES)
held = partial(held_to, simulate=fake_arms.simulate_arms)


pytestmark = pytest.mark.usefixtures("not_rendered")


def asked(*more):
    return fake_arms.three_campaigns("audit.question=What would have helped?", *more)


def question_of(command, scenario, days=(-2, 0), candidate=None, others=False):
    if command == "attribute":
        return attribution.question_of(scenario, "door", candidate)
    if command == "dose":
        return dose.question_of(scenario, "network", 0.0, 4.0, 5, candidate, others)
    if command == "delay":
        return delay.question_of(scenario, list(days), candidate)
    kinds = {"all": 1.0, "half": 0.5}
    mitigated = {name: changed(scenario, moderation={"prevented_share": assumed(v)}) for name, v in kinds.items()}
    return question_for(scenario, mitigated, candidate)


def ask(question, out, resume=False):
    return answer(question, Session(fake_arms.simulate_arms, workers=1), out, resume)


def said(out):
    return json.loads((out / "audit.json").read_text())


def in_manifest(out):
    """Which of plan and record the manifest vouches for, with the checksums that they have."""
    sums = json.loads((out / "manifest.json").read_text())["sha256"]
    return {name for name in ("audit.json", "plan.yaml") if sums.get(name) == checksum(out / name)}


def planned(command, file, out, **how):
    """A question, locked, asked under its plan, with its page."""
    question = question_of(command, asked(), **how)
    write_question_plan(question, file)
    write_answer(ask(question, out), held(question, file, None, out=out))
    return question


@pytest.mark.parametrize("command", COMMANDS)
def test_a_question_is_locked_asked_and_shown_again(tmp_path, command):
    question, file, out = question_of(command, asked()), tmp_path / "plan.yaml", tmp_path / "a"
    made = write_question_plan(question, file)
    plan = load_plan(file)
    assert plan.lock == made.lock and plan.command == command and plan.scenario == without_table(question.scenario)
    assert plan.about["primary_outcome"] == OUTCOMES[command] and plan.about["procedures"] == PROCEDURES[command]
    assert plan.about["replicates"] == "4 replicates" and plan.about["primary_candidates"] == ["eva"]
    record = held(question, file, None, out=out)
    assert record.deviations == () and record.plan.lock == plan.lock
    write_answer(ask(question, out), record)
    assert (out / "plan.yaml").read_bytes() == file.read_bytes() and in_manifest(out) == {"audit.json", "plan.yaml"}
    page = (out / f"{command}.html").read_text()
    assert plan.lock[:12] in page and say("as_planned") in page and "--plan plan.yaml" in page
    again = ask(question, out)  # without its plan: it stays planned
    assert again.reused
    write_answer(again)
    assert said(out)["plan"]["lock"] == plan.lock and compare_sums(out).none
    assert plan.lock[:12] in (out / f"{command}.html").read_text()
    assert held(question, file, None, out=out).deviations == ()
    fewer = question_of(command, asked("run.replicates=3"))  # what is shown has all four, as planned
    assert held(fewer, file, None, out=out).deviations == ()


def test_an_answer_without_a_plan_says_so(tmp_path):
    write_answer(ask(question_of("delay", asked()), tmp_path / "a"))
    assert say("not_planned") in (tmp_path / "a" / "delay.html").read_text()
    assert said(tmp_path / "a")["plan"] is None and not (tmp_path / "a" / "plan.yaml").exists()


def test_what_it_is_compared_with_is_declared(tmp_path):
    """Where the other campaigns act in both worlds, the baseline is without one campaign alone."""
    for others, text in ((False, "without network (dormant), second (absent), posts (ordinary)"), (True, "without network (dormant); the other campaigns act in both")):  # fmt: skip
        made = write_question_plan(question_of("dose", asked(), others=others), tmp_path / f"{others}.yaml")
        assert text in made.about["baseline"]


@pytest.mark.parametrize(
    "now, keys",
    [
        (lambda: question_of("delay", asked(), days=(-1, 0)), {"delay.days"}),
        (lambda: question_of("delay", asked(), candidate="ada"), {"delay.candidate"}),
        (lambda: question_of("delay", asked("audit.threshold_pp=0.5", "run.seed=9")), {"audit.threshold_pp", "run.seed"}),
        (lambda: question_of("delay", asked("run.replicates=5")), {REPLICATES}),
    ],
)  # fmt: skip
def test_what_is_asked_otherwise_needs_a_reason_and_is_recorded(tmp_path, now, keys):
    file = tmp_path / "plan.yaml"
    write_question_plan(question_of("delay", asked()), file)
    question = now()
    with pytest.raises(InputError, match=r"plan.yaml: this question differs from the plan in .*--deviation"):
        held(question, file, " ", out=tmp_path / "a")
    record = held(question, file, "the court asked", out=tmp_path / "a")
    assert {d.key for d in record.deviations} == keys and record.reason == "the court asked"
    write_answer(ask(question, tmp_path / "a"), record)
    page = (tmp_path / "a" / "delay.html").read_text()
    assert say("deviated", reason="the court asked") in page and 'id="t-deviations"' in page
    assert "--deviation" in page and "the court asked" in page[page.index("--deviation") :]


DEFENCE = {"less": {"title": "fewer accounts act", "article": "35(1)(c)", "source": "made up", "set": {"moderation.prevented_share": {"value": 0.5, "evidence": "assumption"}}}}  # fmt: skip


def with_defences(path, given):
    path.write_text(yaml.safe_dump(given, sort_keys=False))
    return by_name(asked(), None, None, path)


def test_defences_are_locked_with_what_they_set(tmp_path):
    """How the file is written does not matter; what it says does, once."""
    one = with_defences(tmp_path / "d.yaml", DEFENCE)
    plan = write_question_plan(one, tmp_path / "plan.yaml")
    less = DEFENCE["less"]
    turned = {"less": dict(reversed(less.items()))}
    assert question_deviations(plan, one) == question_deviations(plan, with_defences(tmp_path / "d.yaml", turned)) == []
    other = less | {"set": {"moderation.prevented_share": {"value": 0.6, "evidence": "assumption"}}}
    for changed_one in (other, less | {"title": "another"}):
        (found,) = question_deviations(plan, with_defences(tmp_path / "d.yaml", {"less": changed_one}))
        assert found.key == "tradeoff.defences.yaml (SHA-256)" and found.planned != found.now


def test_policies_that_defences_set_are_locked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    file = tmp_path / "own_policy_q.py"
    text = "import recsim\n\n@recsim.policy(w=1.0)\ndef good(f, p):\n    return p.w * f.n_like\n"
    file.write_text(text)
    question = with_defences(
        tmp_path / "d.yaml", {"mine": DEFENCE["less"] | {"set": {"platform.policy": "own_policy_q:good"}}}
    )
    plan = write_question_plan(question, tmp_path / "plan.yaml")
    assert question_deviations(plan, question) == []
    file.write_text(text.replace("n_like", "n_share"))
    assert [d.key for d in question_deviations(plan, question)] == ["code of policies from outside recsim"]


def test_fixed_parameters_and_other_sources_are_deviations(tmp_path):
    question, file = question_of("dose", asked()), tmp_path / "plan.yaml"
    plan = write_question_plan(question, file)
    with pytest.raises(InputError, match=r"fixed parameters .planned no, now yes."):
        held(question, file, None, fixed=True, out=tmp_path / "a")
    for name, key in (("source_sha256", "recsim's simulation sources"), ("statistics_sha256", STATISTICS)):
        old = plan._replace(about=plan.about | {name: "f" * 64})
        assert [d.key for d in question_deviations(old, question)] == [key]
    for table in ("true", "false"):  # of other assumptions, which these questions do not make
        assert question_deviations(plan, question_of("dose", asked(f"audit.robustness.enabled={table}"))) == []


@pytest.mark.parametrize("damage", ["", "answer", "answer gone", "record"])
def test_what_was_known_before_stays_known(tmp_path, damage):
    """Looked at before the plan, or after it without it; also where a file was damaged or taken away since."""
    question, file, out = question_of("delay", asked()), tmp_path / "plan.yaml", tmp_path / "a"
    write_question_plan(question, file)
    write_answer(ask(question, out))
    if damage == "answer":
        (out / "delay.json").write_text("{")
    elif damage == "answer gone":
        (out / "delay.json").unlink()
    elif damage == "record":
        (out / "audit.json").write_text("{")
    under = "a damaged record" if damage == "record" else "no plan"
    with pytest.raises(
        InputError, match=f"stored result .planned none, now 4 replicates were known before, under {under}"
    ):
        held(question, file, None, out=out)
    record = held(question, file, "a rehearsal", out=out)
    assert [d.key for d in record.deviations] == [STORED]
    write_answer(ask(question, out, resume=damage == "answer gone"), record)
    again = held(question, file, None, out=out)
    assert again.deviations == record.deviations and again.reason == "a rehearsal"
    write_question_plan(question, tmp_path / "second.yaml")
    with pytest.raises(InputError, match="known before, under the plan"):
        held(question, tmp_path / "second.yaml", None, out=out)
    assert held(question, file, None, out=tmp_path / "elsewhere").deviations == ()


def test_replicates_that_were_added_without_the_plan_are_said(tmp_path):
    file, out = tmp_path / "plan.yaml", tmp_path / "a"
    question = planned("delay", file, out)
    write_answer(ask(question_of("delay", asked("run.replicates=5")), out))
    assert said(out)["replicates"] == 5 and "added without the plan" in said(out)["deviation_reason"]
    assert [(d["key"], d["now"]) for d in said(out)["deviations"]] == [(REPLICATES, 5)]
    assert in_manifest(out) == {"audit.json", "plan.yaml"}  # also where the files were written again
    with pytest.raises(InputError, match=r"run.replicates .planned 4, now 5"):
        held(question, file, None, out=out)  # what was written when they were added is no reason


def test_another_candidate_without_the_plan_is_said(tmp_path):
    """The worlds are the same, so the answer is made again in its folder: it is no longer as planned; and is again."""
    file, out = tmp_path / "plan.yaml", tmp_path / "a"
    question = planned("delay", file, out)
    write_answer(ask(question_of("delay", asked(), candidate="ada"), out))
    assert [(d["key"], d["planned"], d["now"]) for d in said(out)["deviations"]] == [("delay.candidate", "eva", "ada")]
    assert said(out)["deviation_reason"] == OTHER_CANDIDATE and said(out)["candidate"] == "ada"
    page = (out / "delay.html").read_text()
    assert OTHER_CANDIDATE in page and say("as_planned") not in page and in_manifest(out) == {"audit.json", "plan.yaml"}
    write_answer(ask(question, out))
    assert said(out)["deviations"] == [] and said(out)["deviation_reason"] == ""
    assert say("as_planned") in (out / "delay.html").read_text()


def test_a_report_says_of_each_result_under_which_plan_it_was_made(tmp_path):
    one = run(asked(), out=tmp_path / "run", simulate=simulate, workers=1, robustness=False)
    write_evidence(one, None)
    planned("delay", tmp_path / "plan.yaml", tmp_path / "delay")
    question, other = (by_name(asked(*more), ["friction"]) for more in ((), ("audit.threshold_pp=0.5",)))
    write_question_plan(question, tmp_path / "second.yaml")
    write_answer(
        ask(other, tmp_path / "trade"), held(other, tmp_path / "second.yaml", "a better reason", out=tmp_path / "trade")
    )
    write_answer(ask(question_of("attribute", asked()), tmp_path / "parts"))
    folders = [tmp_path / name for name in ("delay", "trade", "parts")]
    (tmp_path / "all").mkdir()
    write_report(one, [], stored_audit(one), gather(one, folders), tmp_path / "all")
    rows = {
        row["folder"]: row for row in json.loads((tmp_path / "all" / "report.json").read_text())["evidence"]["results"]
    }
    assert rows["run"]["plan"] is None and rows["parts"]["plan"] is None
    assert (
        rows["delay"]["plan"]["lock"] == load_plan(tmp_path / "plan.yaml").lock
        and rows["delay"]["plan"]["deviations"] == []
    )
    assert [d["key"] for d in rows["trade"]["plan"]["deviations"]] == ["audit.threshold_pp"]
    assert "--plan plan.yaml" in rows["delay"]["again"] and "--deviation 'a better reason'" in rows["trade"]["again"]
    assert "plan.yaml" in rows["delay"]["sha256"]
    page = (tmp_path / "all" / "report.html").read_text()
    part = page[page.index('<h2 id="plan">') : page.index("<h2", page.index('<h2 id="plan">') + 5)]
    assert say("not_planned") in part and say("not_planned_others", names="parts") in part
    assert say("as_planned") in part and say("deviated", reason="a better reason") in part and part.count("<table") == 1


def test_plans_of_other_commands_are_refused(tmp_path):
    scenario = asked()
    write_question_plan(question_of("delay", scenario), tmp_path / "delay.yaml")
    write_plan(scenario, tmp_path / "run.yaml")
    with pytest.raises(InputError, match="is a plan of recsim delay, this is recsim run; give that command"):
        held_against(scenario, Under(tmp_path / "delay.yaml"))
    with pytest.raises(InputError, match="is a plan of recsim run, this is recsim delay"):
        held(question_of("delay", scenario), tmp_path / "run.yaml", None)
    with pytest.raises(InputError, match="--deviation: is given without a plan"):
        held(question_of("delay", scenario), None, "why")
    content = yaml.safe_load((tmp_path / "delay.yaml").read_text())
    content["plan"]["asked"]["days"] = [-1]
    (tmp_path / "delay.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="changed after it was locked"):
        held(question_of("delay", scenario), tmp_path / "delay.yaml", None)
    with pytest.raises(InputError, match=r"audit.question"):
        write_question_plan(question_of("delay", fake_arms.three_campaigns()), tmp_path / "no.yaml")


def test_the_commands(tmp_path, capsys, monkeypatch):
    """--lock simulates nothing and prints how to go on; --plan holds against it before anything is simulated."""
    file = tmp_path / "plan.yaml"
    words = ["delay", str(fake_arms.SMALL), "--days=-2,0", "--set", "audit.question=When?"]
    main([*words, "--lock", str(file)])
    said = capsys.readouterr().out
    assert "question: When?" in said and "with --plan" in said and load_plan(file).about["asked"]["days"] == [-2, 0]
    for more, text in (
        (["--lock", str(file)], "already exists"),
        (["--lock", str(tmp_path / "x.yaml"), "--plan", str(file)], "--plan: cannot stand with --lock"),
        (
            ["--lock", str(tmp_path / "x.yaml"), "--fixed-parameters"],
            "--fixed-parameters: a plan draws ranged parameters",
        ),
        (["--plan", str(file), "--seed", "5"], "differs from the plan in run.seed"),
        (["--deviation", "why"], "is given without a plan"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*words, *more])
        assert stop.value.code == 2 and text in capsys.readouterr().err
    assert not (tmp_path / "x.yaml").exists()
    done = {}

    def answered(question, session, *rest):
        done["question"] = question
        raise InputError("enough")

    monkeypatch.setattr("recsim.experiment.sets.answer", answered)
    with pytest.raises(SystemExit):
        main([*words, "--plan", str(file), "--seed", "5", "--deviation", "another seed"])
    assert done["question"].scenario.run.seed == 5
    assert "recorded" not in capsys.readouterr().err  # nothing was
