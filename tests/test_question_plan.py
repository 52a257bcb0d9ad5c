"""Plans of attributions, dose-responses, delays and trade-offs: locked before, held against, recorded beside the answer."""

from __future__ import annotations

import json
import os
from functools import partial

import fake_arms
import pytest
import yaml
from helpers import changed

from recsim.audit.plan import REPLICATES, STORED, load_plan, write_plan
from recsim.audit.question_plan import OUTCOMES, PROCEDURES, held_to, question_deviations, write_question_plan
from recsim.cli import main
from recsim.cli.plan import Under, held_against
from recsim.errors import InputError
from recsim.experiment import attribution, delay, dose
from recsim.experiment.sets import Answer, answer
from recsim.experiment.sums import compare_sums
from recsim.experiment.tasks import Session
from recsim.experiment.tradeoff import question_for
from recsim.report import write_answer
from recsim.report.strings import say
from recsim.scenario.quantity import assumed

COMMANDS = tuple(OUTCOMES)
held = partial(held_to, simulate=fake_arms.simulate_arms)


def asked(*more):
    return fake_arms.three_campaigns("audit.question=What would have helped?", *more)


def question_of(command, scenario, days=(-2, 0), half=0.5, candidate=None):
    if command == "attribute":
        return attribution.question_of(scenario, "door", candidate)
    if command == "dose":
        return dose.question_of(scenario, "network", 0.0, 4.0, 5, candidate)
    if command == "delay":
        return delay.question_of(scenario, list(days), candidate)
    kinds = {"all": 1.0, "half": half}
    mitigated = {name: changed(scenario, moderation={"prevented_share": assumed(v)}) for name, v in kinds.items()}
    return question_for(scenario, mitigated, candidate)


def ask(question, out):
    return answer(question, Session(fake_arms.simulate_arms, workers=1), out)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_question_is_locked_asked_and_shown_again(tmp_path, command):
    question, file, out = question_of(command, asked()), tmp_path / "plan.yaml", tmp_path / "a"
    made = write_question_plan(question, file)
    plan = load_plan(file)
    assert plan.lock == made.lock and plan.command == command and plan.scenario == question.scenario
    assert plan.about["primary_outcome"] == OUTCOMES[command] and plan.about["procedures"] == PROCEDURES[command]
    assert plan.about["replicates"] == "4 replicates" and plan.about["primary_candidates"] == ["eva"]
    record = held(question, file, None, out=out)
    assert record.deviations == () and record.plan.lock == plan.lock
    write_answer(ask(question, out), record, file)
    assert (out / "plan.yaml").read_bytes() == file.read_bytes() and compare_sums(out).none
    page = (out / f"{command}.html").read_text()
    assert plan.lock[:12] in page and say("as_planned") in page and "--plan plan.yaml" in page
    again = ask(question, out)  # without its plan: it stays planned
    assert again.reused
    write_answer(again)
    assert json.loads((out / "audit.json").read_text())["plan"]["lock"] == plan.lock and compare_sums(out).none
    assert plan.lock[:12] in (out / f"{command}.html").read_text()
    assert Answer.load(out, command).summary == again.summary  # checksums of its manifest hold
    assert held(question, file, None, out=out).deviations == ()


def test_an_answer_without_a_plan_says_so(tmp_path):
    write_answer(ask(question_of("delay", asked()), tmp_path / "a"))
    assert say("not_planned") in (tmp_path / "a" / "delay.html").read_text()
    assert not (tmp_path / "a" / "audit.json").exists()


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
    with pytest.raises(InputError, match=r"plan.yaml: this run differs from the plan in .*--deviation"):
        held(question, file, " ", out=tmp_path / "a")
    record = held(question, file, "the court asked", out=tmp_path / "a")
    assert {d.key for d in record.deviations} == keys and record.reason == "the court asked"
    write_answer(ask(question, tmp_path / "a"), record, file)
    page = (tmp_path / "a" / "delay.html").read_text()
    assert say("deviated", reason="the court asked") in page and 'id="t-deviations"' in page
    assert "--deviation" in page and "the court asked" in page[page.index("--deviation") :]
    assert held(question, file, None, out=tmp_path / "a").reason == "the court asked"  # given once, kept


def test_defences_are_locked_with_what_they_set(tmp_path):
    from recsim.experiment.tradeoff import question_of as by_name

    text = "{name}:\n  title: fewer accounts act\n  article: 35(1)(c)\n  source: made up\n  set:\n    moderation.prevented_share: {{value: {share}, evidence: assumption}}\n"
    for share in (0.5, 0.6):
        (tmp_path / f"{share}.yaml").write_text(text.format(name="less", share=share))
    one, other = (by_name(asked(), None, None, tmp_path / f"{share}.yaml") for share in (0.5, 0.6))
    plan = write_question_plan(one, tmp_path / "plan.yaml")
    assert question_deviations(plan, one) == []
    (found,) = question_deviations(plan, other)
    assert found.key == "tradeoff.defences.yaml (SHA-256)" and found.planned != found.now


def test_fixed_parameters_and_other_sources_are_deviations(tmp_path):
    question = question_of("dose", asked())
    plan = write_question_plan(question, tmp_path / "plan.yaml")
    assert [d.key for d in question_deviations(plan, question, fixed=True)] == ["fixed parameters"]
    plan.about["source_sha256"] = "f" * 64
    assert [d.key for d in question_deviations(plan, question)] == ["recsim's simulation sources"]


def test_what_was_known_before_the_plan_stays_known(tmp_path):
    question, file, out = question_of("tradeoff", asked()), tmp_path / "plan.yaml", tmp_path / "a"
    write_answer(ask(question, out))
    write_question_plan(question, file)
    os.utime(out / "tradeoff.json", (1e9, 1e9))
    with pytest.raises(InputError, match="stored result"):
        held(question, file, None, out=out)
    record = held(question, file, "a rehearsal", out=out)
    assert [d.key for d in record.deviations] == [STORED] and "known before, under no plan" in record.deviations[0].now
    write_answer(ask(question, out), record, file)
    assert [d.key for d in held(question, file, None, out=out).deviations] == [STORED]
    write_question_plan(question, tmp_path / "second.yaml")
    with pytest.raises(InputError, match="known before, under the plan"):
        held(question, tmp_path / "second.yaml", None, out=out)
    assert held(question, file, None, out=tmp_path / "elsewhere").deviations == ()


def test_replicates_that_were_added_without_the_plan_are_said(tmp_path):
    question, file, out = question_of("dose", asked("run.replicates=2")), tmp_path / "plan.yaml", tmp_path / "a"
    write_question_plan(question, file)
    write_answer(ask(question, out), held(question, file, None, out=out), file)
    write_answer(ask(question_of("dose", asked("run.replicates=3")), out))
    said = json.loads((out / "audit.json").read_text())
    assert said["replicates"] == 3 and "without the plan" in said["deviation_reason"]
    assert [(d["key"], d["now"]) for d in said["deviations"]] == [(REPLICATES, 3)] and compare_sums(out).none
    with pytest.raises(InputError, match=r"differs from the plan in run.replicates"):
        held(question, file, None, out=out)  # what was written when they were added is no reason


def test_plans_of_other_commands_are_refused(tmp_path):
    scenario = asked()
    write_question_plan(question_of("delay", scenario), tmp_path / "delay.yaml")
    write_plan(scenario, tmp_path / "run.yaml")
    with pytest.raises(InputError, match="is a plan of recsim delay; this is recsim run"):
        held_against(scenario, Under(tmp_path / "delay.yaml"))
    with pytest.raises(InputError, match="is a plan of recsim run; this is recsim delay"):
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
    assert "differs from the plan: run.seed" in capsys.readouterr().err
