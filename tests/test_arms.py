"""Arms: sets of campaigns, tactics, doors and removal days, simulated on a tree of forks."""

from __future__ import annotations

import gc

import mesa
import pytest
from helpers import changed

from recsim.agents.networks import Roster
from recsim.scenario import realise
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.world.acting import Network
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm
from recsim.world.build import State
from recsim.world.feed import Feed
from recsim.world.pair import simulate_arms, simulate_replicate
from recsim.world.plan import make_plan
from recsim.world.tree import branching, steps_of
from recsim.world.world import World


def rows(frames, name, arm):
    frame = frames[name]
    mine = frame[frame["arm"].astype(str) == arm].drop(columns="arm").reset_index(drop=True)
    return mine.astype({c: str for c in mine if mine[c].dtype.kind not in "ifb"})


def same(one, other, arm, renamed=None):
    def equal(a, b):
        return len(a) == len(b) and (a.empty or a.equals(b))

    return all(
        equal(rows(one, name, arm), rows(other, name, renamed or arm))
        for name in ("exposure", "provenance", "engagement", "campaigns", "followers", "facts", "reach")
    )


def test_pair_is_two_arms(small):
    drawn = realise(small, small.run.seed, 0)
    pair = simulate_replicate(drawn, 0).frames
    more = simulate_arms(drawn, 0, [COUNTERFACTUAL, Arm("all"), FACTUAL]).frames
    assert same(pair, more, "factual") and same(pair, more, "counterfactual") and same(pair, more, "factual", "all")


def test_campaigns_one_by_one(two_starts):
    """Arms give the same tables alone and in a tree, however late they part."""
    drawn = realise(two_starts, two_starts.run.seed, 0)
    arms = [Arm("early", frozenset({"early"})), Arm("late", frozenset({"late"})), FACTUAL, COUNTERFACTUAL]
    together = simulate_arms(drawn, 0, arms)
    plan = make_plan(drawn)
    fork = plan.step_of(plan.first_day)
    late = plan.steps - plan.step_of(-1)
    tree = branching(plan, arms, fork)
    # "late" and the counterfactual go together until the later campaign starts; so do "early" and all.
    assert [len(part.parts) for part in tree] == [2, 2]
    assert steps_of(tree) == 2 * (plan.steps - fork) + 2 * late
    for arm in arms:
        assert same(together.frames, simulate_arms(drawn, 0, [arm]).frames, arm.name), arm.name
    acts = (
        together.frames["campaigns"].astype({"arm": str, "campaign": str}).groupby(["arm", "campaign"])["counted"].sum()
    )
    assert acts["early", "early"] > 0 and acts["late", "late"] > 0
    assert ("early", "late") not in acts.index and ("late", "early") not in acts.index
    assert together.meta["impressions"] < sum(simulate_arms(drawn, 0, [arm]).meta["impressions"] for arm in arms)


def test_names_must_differ(small):
    with pytest.raises(ValueError, match="names must differ"):
        simulate_arms(realise(small, 1, 0), 0, [FACTUAL, FACTUAL])


@pytest.fixture
def two_starts(small):
    first = small.campaigns[0]
    early = first.model_copy(update={"id": "early", "key": "early"})
    late = first.model_copy(update={"id": "late", "key": "late", "start": -1})
    return changed(small.model_copy(update={"campaigns": [early, late]}), run={"luck_branches": 1})


def test_an_oracle_takes_as_many_people_in_a_tree_as_alone(two_starts):
    """How many it takes for inauthentic goes by all accounts of the arm, also of campaigns yet to start."""
    oracle = MitigationUse(kind="oracle_removal", parameters={"precision": assumed(0.5)})
    scenario = changed(two_starts, dose=assumed(20.0), platform={"mitigations": [oracle]})
    drawn = realise(scenario, scenario.run.seed, 0)
    arms = [Arm("early", frozenset({"early"})), FACTUAL]
    together = simulate_arms(drawn, 0, arms)
    for arm in arms:
        assert same(together.frames, simulate_arms(drawn, 0, [arm]).frames, arm.name), arm.name


def test_worlds_let_go_of_their_arrays(small):
    """Without waiting for the garbage collector: a set of dozens of worlds must not add up in memory."""
    drawn = realise(small, small.run.seed, 0)
    gc.collect()
    gc.disable()
    kinds = State | Feed | Network | Roster
    before = {id(o) for o in gc.get_objects() if isinstance(o, kinds)}
    try:
        simulate_arms(drawn, 0, [FACTUAL, COUNTERFACTUAL, Arm("closed", doors=frozenset())])
        left = [type(o) for o in gc.get_objects() if isinstance(o, kinds) and id(o) not in before]
        worlds = [model for model in getattr(mesa.Agent, "_ids", {}) if isinstance(model, World)]
    finally:
        gc.enable()
    assert not left and not worlds
