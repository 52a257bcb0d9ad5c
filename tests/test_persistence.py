"""Half-life of a shift after its cause has gone: by hand, with intervals, and in runs and delays."""

from __future__ import annotations

import math

import fake_world
import numpy as np
import pandas as pd
import pytest

from recsim.experiment import persistence as p
from recsim.scenario import load


def curves(rows, n=12, noise=0.0, seed=1):
    draw = np.random.default_rng(seed)
    return np.array(rows)[None] + noise * draw.normal(0, 1, (n, len(rows)))


def test_exact_where_all_worlds_agree():
    """Starts from the mean of three days at work; 9, then 6 and 3: half (4.5) is reached after one and a half days."""
    found = p.persistence(curves([7.0, 9.0, 11.0, 6.0, 3.0, 1.0]), 2)
    assert (found.half_life, found.low, found.high) == (1.5, 1.5, 1.5) and found.reason == ""
    assert found.base_pp == 9 and (found.area, found.area_low, found.area_high) == (10, 10, 10) and found.days == 3
    assert p.persistence(curves([9.0, 6.0, 3.0]), 0).half_life == 1.5  # one day at work
    never = p.persistence(curves([9.0, 8.0, 7.0]), 0)
    assert never.half_life == math.inf and p.persistence_row(never)["halved"] == 0
    assert math.isnan(p.persistence_row(never)["half_life_days"]) and never.reason == ""


def test_undefined_stays_undefined_with_its_reason():
    assert p.persistence(curves([9.0, 6.0, 3.0]), 2).reason == p.TO_THE_END
    assert p.persistence(curves([9.0, 6.0, 3.0]), 1).reason == p.TOO_LATE
    assert p.persistence(curves([9.0, 6.0, 3.0]), -1).reason == p.NEVER  # no day at work
    nothing = p.persistence(curves([0.1, 0.1, 0.1, 0.0], noise=2.0), 0)
    assert nothing.reason == p.NOTHING and math.isnan(nothing.half_life) and nothing.area == nothing.area
    assert p.persistence(curves([9.0, 6.0, 3.0], n=1), 0).reason == p.FEW
    unknown = curves([9.0, 6.0, 3.0])
    unknown[1:, 1] = np.nan
    assert p.persistence(unknown, 0).reason == p.UNDEFINED and p.persistence(unknown, 0).n == 1
    few = p.persistence(curves([9.0, 6.0, 3.0], n=9), 0)
    assert few.half_life == 1.5 and math.isnan(few.low)
    assert math.isnan(p.persistence_row(nothing)["halved"])


def test_the_interval_covers():
    """An exponential decay of half-life 2 under noise: the interval holds it in about 95 of 100 studies."""
    days = np.arange(8)
    truth = 10 * 0.5 ** (days / 2)
    exact = p.decay(truth).half_life
    hits = 0
    for seed in range(200):
        found = p.persistence(curves(truth, 20, 1.5, seed), 0)
        hits += found.low <= exact <= found.high
    assert exact == 2 and 0.89 <= hits / 200 <= 0.99


def test_a_negative_shift_halves_too():
    assert p.persistence(curves([-8.0, -6.0, -2.0]), 0).half_life == 1.5


def test_daily_shift_by_hand():
    rows = [(0, 0, arm, day, c, n) for arm, day, c, n in [
        ("factual", -1, "a", 3), ("factual", -1, "b", 1), ("counterfactual", -1, "a", 1), ("counterfactual", -1, "b", 1),
        ("factual", 0, "a", 1), ("shared", -1, "a", 9),
    ]]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["replicate", "branch", "arm", "day", "candidate", "impressions"])
    found = p.daily_shift(frame, ["a", "b"], [0], 1, range(-1, 1))
    assert found[0, 0] == pytest.approx([25, -25]) and np.isnan(found[0, 1]).all()


def test_last_day_at_work():
    scenario = load(fake_world.SMALL)
    rows = [("factual", "network", -3, 5), ("factual", "network", -2, 1), ("factual", "network", -1, 0), ("counterfactual", "network", 0, 9)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["arm", "campaign", "day", "counted"])
    without = scenario.model_copy(update={"dose": scenario.dose.model_copy(update={"value": 0.0})})
    assert p.last_day_at_work(without, table, "eva") is None
    assert p.last_day_at_work(scenario, table, "eva") == -2 and p.last_day_at_work(scenario, table, "ada") is None


def test_a_dose_that_only_some_replicates_have_is_work():
    """Central value 0, but drawn or placed above it: the campaigns did act."""
    table = pd.DataFrame([("factual", "network", -2, 1)], columns=["arm", "campaign", "day", "counted"])
    ranged = load(fake_world.SMALL, ["dose={value: 0, range: [0, 2], evidence: assumption}"])
    placed = load(
        fake_world.SMALL,
        ["campaigns.network.dose=0", "run.ensemble={name: e, members: [{campaigns.network.dose: 1}, {}]}"],
    )
    assert p.last_day_at_work(ranged, table, "eva") == p.last_day_at_work(placed, table, "eva") == -2
    never = load(fake_world.SMALL, ["run.ensemble={name: e, members: [{dose: 0}, {dose: 0}]}"])
    assert p.last_day_at_work(never, table, "eva") is None
