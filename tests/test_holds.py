"""Measures that hold items back, against plain code: circuit breaker, cooling off, trimmed groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers import changed, frames_of, world_of
from test_safeguards import same_world, with_measure

from recsim.kernels import weighing
from recsim.state import STOPPED

F = np.float32


def terms(world):
    """Item terms of the step that comes next: (eligible, trial, age in hours) of the live items."""
    start, end = world.window
    world.feed.item_terms(world.now, start, end)
    return world.feed.eligible[: end - start].copy(), world.feed.trial[: end - start].copy(), world.feed.age_h[: end - start].copy()  # fmt: skip


def without(world):
    """(eligible, trial) as they would be without any measure: by exposure pool alone."""
    start, end = world.window
    there, stage = world.state.items.labels.present[start:end], world.state.counters.stage[start:end]
    return there & (stage > 0) & (stage != STOPPED), there & (stage == 0)


@pytest.mark.parametrize("hours", [12.0, 24.0])
def test_cooldown_holds_what_is_younger(small, hours):
    """An item of exactly that age is free, and in steps of four hours there are such items."""
    world = world_of(with_measure(small, "cooldown", hours=hours), steps=40)
    eligible, trial, age = terms(world)
    open_, tried = without(world)
    young = age < hours
    assert np.array_equal(eligible, open_ & ~young) and np.array_equal(trial, tried & ~young)
    assert (age == hours).any() and eligible[age == hours].any() and tried[young].any() and eligible.any()


@pytest.mark.parametrize("times", [1.0, 2.0])
def test_the_circuit_breaker_holds_what_is_viewed_too_fast(small, times):
    """Views an hour as decayed counts have them, against the mean over what may be ranked."""
    world = world_of(with_measure(small, "velocity_cap", times=times), steps=40)
    eligible, trial, _ = terms(world)
    open_, tried = without(world)
    start, end = world.window
    half_life = world.plan.scenario.platform.predictor.half_life_h.value
    pace = [float(views) * math.log(2) / half_life for views in world.state.counters.decayed[0, start:end]]
    mean = sum(p for p, ranked in zip(pace, open_, strict=True) if ranked) / open_.sum()
    fast = np.array([p > times * mean for p in pace])
    clear = np.abs(np.array(pace) - times * mean) > 1e-2 * mean  # rounding of the mean to 1/1024 decides about others
    assert clear.mean() > 0.95 and (open_ & fast & clear).any()
    assert np.array_equal(eligible[clear], (open_ & ~fast)[clear]) and np.array_equal(trial[clear], (tried & ~fast)[clear])  # fmt: skip
    assert eligible.any() and eligible.sum() < open_.sum()


@pytest.mark.parametrize("kind, values", [("cooldown", {"hours": 1e6}), ("velocity_cap", {"times": 0.0})])
def test_what_is_held_back_comes_from_followed_accounts_and_searches(small, kind, values):
    """With everything held (or, by the breaker, all that anybody has seen), feeds recommend nothing old."""
    p = frames_of(with_measure(small, kind, **values))["provenance"]
    p = p[p["day"] > -6]
    by_source = p.groupby(p["source"].astype(str))["impressions"].sum()
    free = {"inbox", "search", "external"} | ({"exploration"} if kind == "velocity_cap" else set())
    assert set(by_source[by_source > 0].index) <= free and by_source["inbox"] > 0


@pytest.mark.parametrize("kind, values", [("cooldown", {"hours": 0.0}), ("velocity_cap", {"times": 1e9})])
def test_holding_nothing_is_no_measure(small, kind, values):
    assert same_world(frames_of(small), frames_of(with_measure(small, kind, **values)))


def test_a_longer_cooldown_leaves_less(small):
    """Of the same world's items."""
    shown = []
    for hours in (0.0, 8.0, 24.0):
        p = frames_of(with_measure(changed(small, campaigns=[]), "cooldown", hours=hours))["provenance"]
        shown.append(p[p["source"].astype(str) == "interest"]["impressions"].sum())
    assert shown[0] > shown[1] > shown[2] > 0


@pytest.mark.parametrize("trim", [1, 2, 3])
def test_the_trimmed_sum_breaks_down_above_its_trim(trim):
    """As many polluted groups as are trimmed leave the count within those of the clean ones; one more, and it is gone."""
    clean = np.array([10, 11, 12, 13, 14, 15, 16, 17, 18]) * 1024
    for polluted in range(9):
        for sign in (1, -1):
            valued = np.zeros((1, 9, 10), np.int64)
            valued[0, :, 2] = clean
            valued[0, :polluted, 2] += sign * 10**9
            total, exact = np.zeros((1, 10), np.int64), np.zeros((1, 10), np.int64)
            weighing.put_together(0, 1, valued, valued[:0], weighing.TRIMMED, trim, total, exact)
            assert (9 * 10 <= total[0, 2] <= 9 * 18) == (polluted <= trim), (polluted, sign)
