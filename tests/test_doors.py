"""The door "learning": what policies and predictors are trained on, with the other doors open and with all of them shut."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import changed, world_of
from test_arms import rows
from test_learned import NEEDS, with_policy
from test_predictors import with_predictor

from recsim.audit.controls import same
from recsim.kernels import predictor as kernel
from recsim.scenario import realise
from recsim.scenario.quantity import assumed
from recsim.world.arms import COUNTERFACTUAL, DOORS, FACTUAL, Arm
from recsim.world.pair import simulate_arms
from recsim.world.predict import RIDGE
from recsim.world.world import World

SHUT = Arm("shut", doors=frozenset())
OTHERS_OPEN = Arm("others", doors=frozenset(DOORS) - {"learning"})
LATER = [pytest.param("als", marks=[NEEDS, pytest.mark.slow]), *(pytest.param(n, marks=pytest.mark.slow) for n in ("bridging", "thompson_beta"))]  # fmt: skip
LEARNERS = ["itemknn", "linucb", *LATER]


@pytest.fixture(scope="module")
def likes(small):
    """A strong campaign that raises counts of likes and does nothing else."""
    (one,) = small.campaigns
    tactics = one.tactics.model_copy(update={"like": assumed(1), "comment": assumed(0), "share": assumed(0)})
    alone = {"tactics": tactics, "aged_share": assumed(0)}  # nobody's account is active before the campaign
    return changed(small, dose=assumed(20.0), campaigns=[one.model_copy(update=alone)])


def of_people(frames, arm):
    """What people saw and did in an arm."""
    names = ("exposure", "provenance", "reach", "followers")
    acts = rows(frames, "engagement", arm)
    return {n: rows(frames, n, arm) for n in names} | {"engagement": acts[acts["origin"].astype(str) == "human"]}


@pytest.mark.parametrize("learner", [*LEARNERS, "logistic"])
def test_behind_shut_doors_a_campaign_teaches_nothing(likes, learner):
    """The world is the counterfactual, bit for bit; with the doors open it is not."""
    scenario = with_predictor(likes, "logistic") if learner == "logistic" else with_policy(likes, learner)
    frames = simulate_arms(realise(scenario, scenario.run.seed, 0), 0, [SHUT, COUNTERFACTUAL, FACTUAL]).frames
    shut, without, acting = (of_people(frames, arm) for arm in ("shut", "counterfactual", "factual"))
    assert same(shut, without) and not same(acting, without)
    assert rows(frames, "campaigns", "shut")["counted"].sum() > 100


def running(scenario, arm):
    before = world_of(scenario, steps=0)
    return World(before.plan, before.state, before.key, arm)


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_policy_behind_its_door_learns_from_people_alone(likes, learner):
    """No act of an account is in the log, and no inauthentic count in what it is trained on, whoever else sees them."""
    world = running(with_policy(likes, learner), OTHERS_OPEN)
    memory, learning, counters = world.state.memory, world.feed.learner, world.state.counters
    refit, fake = learning.refit, []

    def watched(step, start, end):
        refit(step, start, end)
        if step % learning.every == 0:
            assert np.array_equal(memory.counted[start:end], (counters.total - counters.fake)[start:end])
            fake.append(counters.fake[start:end].sum())

    learning.refit = watched
    world.run_until(world.plan.steps)
    assert max(fake) > 50  # the policy had something to be kept from
    assert (np.concatenate(memory.log)[:, 0] < world.plan.people).all()
    told = running(with_policy(likes, learner), FACTUAL)
    told.run_until(told.plan.steps)
    assert (np.concatenate(told.state.memory.log)[:, 0] >= told.plan.people).any()


def test_a_predictor_behind_its_door_learns_from_people_alone(likes):
    """Its weights are those of the same fit to people's counts, step by step, and not of the fit to all counts."""
    world = running(with_predictor(likes, "logistic"), OTHERS_OPEN)
    state, counters, learn = world.state, world.state.counters, world.feed.predictor.learn
    twins = [(state.head_weight.copy(), state.head_precision.copy(), np.zeros_like(counters.total)) for _ in range(2)]

    def watched(start, end, keep):
        learn(start, end, keep)
        for (weight, precision, counted), now in zip(
            twins, (counters.total - counters.fake, counters.total), strict=True
        ):
            kernel.fit_heads(start, end, counted, now, keep, RIDGE, weight, precision)
            counted[start:end] = now[start:end]

    world.feed.predictor.learn = watched
    world.run_until(world.plan.steps)
    clean, everything = (weight for weight, *_ in twins)
    assert np.array_equal(state.head_weight, clean) and not np.array_equal(clean, everything)
