"""Another policy for a scenario: what belongs to the former one goes with it, however the policy is changed."""

from __future__ import annotations

import fake_world
import pytest

from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment.compare import cell_scenario
from recsim.experiment.defences import Defence, with_defence
from recsim.experiment.run import configured
from recsim.experiment.sets import without_table
from recsim.experiment.study import with_settings
from recsim.experiment.under_policy import left_out
from recsim.scenario import load, realise
from recsim.scenario.schema import Ensemble, HeadWeights
from recsim.world.plan import make_plan

MEMBERS = [
    {"platform.parameters.w_like": 2.0, "platform.parameters.mmr_lambda": 0.5, "dose": 3.0},
    {"platform.parameters.w_share": 1.0, "dose": 2.0},
]
CALIBRATED = [
    "platform.rerank=[mmr]",
    "platform.parameters={w_like: 1.0, w_share: 1.0, mmr_lambda: 0.7}",
]


def defended(scenario, policy, **more):
    settings = {"platform.policy": policy, **more}
    return with_defence(scenario, Defence("d", "t", "35(1)(d)", "s", settings, "d.yaml:1 d"))


def in_a_study(scenario, policy, **more):
    return with_settings(scenario, {"platform.policy": policy, **more}, "study.yaml", "study s")


WAYS = {
    "run": lambda scenario, policy: configured(scenario, None, None, policy),
    "compare": cell_scenario, "tradeoff": defended, "sweep": in_a_study,
}  # fmt: skip


@pytest.fixture(scope="module")
def scenario():
    """As `recsim run --ensemble` stores it, with shadows of the policy's own parameters."""
    made = load(fake_world.SMALL, CALIBRATED)
    run = made.run.model_copy(update={"ensemble": Ensemble(name="e", members=MEMBERS)})
    audit = made.audit.model_copy(update={"shadows": [HeadWeights(id="likes", parameters={"w_like": 2.0})]})
    return made.model_copy(update={"run": run, "audit": audit})


@pytest.mark.parametrize("way", WAYS)
def test_parameter_sets_and_shadows_of_the_former_policy_are_left_out(scenario, way):
    made = WAYS[way](scenario, "chrono")
    assert set(made.platform.parameters) == {"mmr_lambda"} and made.audit.shadows == []
    assert made.run.ensemble.members == [{"platform.parameters.mmr_lambda": 0.5, "dose": 3.0}, {"dose": 2.0}]
    make_plan(made)
    for replicate, dose in ((0, 3.0), (1, 2.0)):
        assert realise(made, 1, replicate).dose.value == dose
    assert scenario.run.ensemble.members == MEMBERS


@pytest.mark.parametrize("way", WAYS)
def test_another_name_of_the_same_policy_keeps_everything(scenario, way):
    own = scenario.platform.policy
    made = WAYS[way](scenario, f"recsim.ranking.{own}:{own}")
    assert made.platform.parameters == scenario.platform.parameters
    assert made.run.ensemble == scenario.run.ensemble and realise(made, 1, 0).platform.parameters["w_like"].value == 2


def test_sets_of_nothing_else_are_no_ensemble(scenario):
    alone = Ensemble(name="e", members=[{"platform.parameters.w_like": 2.0}])
    only = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": alone})})
    made = configured(only, None, None, "chrono")
    assert made.run.ensemble is None
    assert left_out(only, made) == [
        "audit.shadows without likes: policy chrono does not have these parameters",
        "run.ensemble without platform.parameters.w_like: policy chrono does not have these parameters",
    ]
    assert left_out(only, configured(only, None, 3, None)) == []


@pytest.mark.parametrize("way", [defended, in_a_study])
@pytest.mark.parametrize("given", [{"platform.parameters": {"w_like": 5.0}}, {"platform.parameters.w_like": 5.0}])
def test_a_parameter_that_is_set_with_the_policy_is_its_own(scenario, way, given):
    """Sets of the former policy's parameter of that name do not overrule it."""
    sets = Ensemble(name="e", members=[{"platform.parameters.w_like": 2.0, "dose": 3.0}])
    only = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": sets})})
    drawn = realise(way(only, "popular_decayed", **given), 1, 0)
    assert drawn.platform.parameters["w_like"].value == 5.0 and drawn.dose.value == 3.0


def test_shadows_are_no_reason_to_refuse_a_defence(scenario):
    same = HeadWeights(id="same", parameters={})
    shadowed = scenario.model_copy(update={"audit": scenario.audit.model_copy(update={"shadows": [same]})})
    with pytest.raises(InputError, match="has no shadows"):
        make_plan(configured(shadowed, None, None, "itemknn"))
    assert without_table(defended(shadowed, "itemknn")).audit.shadows == []


def test_an_unknown_policy_is_named_where_it_stands(scenario):
    with pytest.raises(InputError, match=r"^d.yaml:1 d platform.policy: got unknown policy 'chrno'.*did you mean"):
        defended(scenario, "chrno")
    with pytest.raises(InputError, match=r"^study.yaml platform.policy: got unknown policy 'chrno'.*did you mean"):
        in_a_study(scenario, "chrno")


ROMANIA = fake_world.SMALL.with_name("romania.yaml")


class EnoughError(Exception):
    """The command got as far as it is looked at."""


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (["attribute"], "recsim.cli.answers.answer_command"), (["dose"], "recsim.cli.answers.answer_command"),
        (["delay"], "recsim.cli.answers.answer_command"), (["tradeoff"], "recsim.cli.answers.answer_command"),
        (["check"], "recsim.cli.check.check_command"), (["plan"], "recsim.cli.plan.plan_command"),
        (["log", "--out", "x.csv"], "recsim.cli.measure.log_command"), (["describe", "--card"], "recsim.audit.describe.model_card"),
        (["run"], "recsim.cli.plan.held_against"), (["validate"], "recsim.experiment.validate.validate"),
    ],
)  # fmt: skip
def test_every_question_can_be_asked_under_another_policy(command, where, monkeypatch, capsys):
    """What belongs to the scenario's policy is left out, as in a run; set with the policy alone it is refused with that hint."""
    found = []

    def kept(*given, **more):
        found.extend(given)
        raise EnoughError

    monkeypatch.setattr(where, kept)
    if where.endswith("held_against"):
        monkeypatch.setattr("recsim.cli.run.held_against", kept)
    name, *more = command
    with pytest.raises(EnoughError):
        main(["--debug", name, str(ROMANIA), "--policy", "dsa38_regional", *more])
    if where.endswith("answer_command"):
        monkeypatch.undo()
        what, policy = found[:2]
        scenario = what.scenario(policy)
    else:
        scenario = found[0]
        monkeypatch.undo()
    assert scenario.platform.policy == "dsa38_regional"
    assert not {"w_play", "w_like"} & scenario.platform.parameters.keys()
    with pytest.raises(SystemExit) as stop:
        main([name, str(ROMANIA), "--set", "platform.policy=dsa38_regional", *more])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "unknown parameter 'w_play'" in error
    assert (
        "; --policy dsa38_regional in place of --set platform.policy leaves out what belongs to the former policy"
        in error
    )


def test_another_mistake_is_not_blamed_on_the_policy(capsys):
    with pytest.raises(SystemExit):
        main(["validate", str(fake_world.SMALL), "--set", "platform.parameters.w_liek=1"])
    assert "--policy" not in capsys.readouterr().err
