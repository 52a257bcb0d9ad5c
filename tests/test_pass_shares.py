"""Exposure pools in a world: the declared share of items passes each gate, and thresholds stand still from the fork on."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from helpers import changed, world_of

from recsim.scenario.quantity import assumed
from recsim.world.arms import COUNTERFACTUAL, FACTUAL
from recsim.world.world import World

BURN_IN, STEPS = 54, 90
"""Steps of four hours: thresholds have settled after nine days, and six more are judged."""


def gated(scenario, mode, *shares):
    """The scenario with gates of this mode, fifteen days long, without a campaign; ``shares`` pass instead of the declared ones."""
    gates = scenario.platform.gates
    stages = [
        stage.model_copy(update={"pass_share": assumed(share)})
        for stage, share in zip(gates.stages, shares or (s.pass_share.value for s in gates.stages), strict=True)
    ]
    gates = gates.model_copy(update={"mode": mode, "stages": stages})
    start = scenario.days.vote - dt.timedelta(days=14)
    return changed(scenario, days={"start": start}, platform={"gates": gates}, campaigns=[])


def passing(scenario, first=BURN_IN, last=STEPS):
    """Items that came to each gate between two steps, and the share of them that passed."""
    world = world_of(scenario, steps=first)
    before = world.platform.arrivals.copy(), world.platform.passed.copy()
    world.run_until(last)
    arrivals, passed = world.platform.arrivals - before[0], world.platform.passed - before[1]
    return arrivals[:2], passed[:2] / np.maximum(arrivals[:2], 1)


@pytest.mark.parametrize("mode, shares", [("soft", (0.6, 0.7)), ("hard", (0.6, 0.7)), ("hard", (0.25, 0.4))])
def test_the_declared_share_passes(small, mode, shares):
    arrivals, found = passing(gated(small, mode, *shares))
    assert (arrivals > 100).all()
    error = 4 * np.sqrt(np.array(shares) * (1 - np.array(shares)) / arrivals) + 0.03
    assert (np.abs(found - shares) < error).all(), (found, arrivals)


@pytest.mark.parametrize("share", [0.02, 1.0])
def test_nearly_all_or_nearly_nothing(small, share):
    """A hard gate cuts at the value of the day before: at 1 whatever is as good as the worst passes."""
    arrivals, found = passing(gated(small, "hard", share, 0.5), 18, 48)
    assert arrivals[0] > 100 and (found[0] > 0.93 if share == 1 else found[0] < 0.1), found


def test_without_gates_everything_passes(small):
    """One trial pool, and no threshold."""
    world = world_of(gated(small, "off"), steps=30)
    assert world.platform.passed[0] == world.platform.arrivals[0] > 100
    assert world.platform.arrivals[1:].sum() == 0 and len(world.feed.quota_views) == 1


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_thresholds_stand_still_from_the_fork_on(small, mode):
    """They adapt before, and then no campaign moves them, nor anything else."""
    gates = small.platform.gates.model_copy(update={"mode": mode})
    shared = world_of(changed(small, platform={"gates": gates}, dose=assumed(20.0)), steps=36)
    earlier = shared.state.threshold.copy()
    shared.run_until(42)
    there = shared.state.threshold[:2].copy()
    assert np.isfinite(there).all() and (there != earlier[:2]).all()
    for arm in (FACTUAL, COUNTERFACTUAL):
        world = World(shared.plan, shared.state.fork(), shared.key, arm, step=42)
        world.run_until(60)
        assert world.platform.arrivals[:2].min() > 10
        assert np.array_equal(world.state.threshold[:2], there), arm.name


def test_pools_are_as_large_as_declared(small):
    """80 and 400 viewers of a real item: one simulated item stands for 30, one simulated person for 1000."""
    assert world_of(small, steps=0).feed.quota_views.tolist() == [np.float32(2.4), np.float32(12.0)]
    tenth = changed(small, population={"scale": small.population.scale / 10})
    assert world_of(tenth, steps=0).feed.quota_views.tolist() == [1.0, np.float32(1.2)]
