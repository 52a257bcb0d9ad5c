"""Heating: slots that the platform gives to chosen items whatever their score."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import frames_of, world_of
from test_learned import with_policy

import recsim
from recsim.audit import controls
from recsim.errors import InputError
from recsim.state import REMOVED


def heated(small, share=0.05, **more):
    return with_policy(small, "tiktok_value", heated_views=share, heated_items=0.03, **more)


def test_off_unless_set(small):
    """Items alone do nothing, bit for bit."""
    plain, chosen = frames_of(small), frames_of(with_policy(small, "tiktok_value", heated_items=0.5))
    for name in ("exposure", "engagement", "provenance", "reach"):
        assert plain[name].equals(chosen[name]), name


def test_the_declared_share_is_given_to_the_declared_items(small):
    worlds = [world_of(heated(small, share), steps=50) for share in (0.05, 1e-9)]
    pushed = worlds[0].feed.heated
    assert np.array_equal(pushed, worlds[1].feed.heated) and 0.015 < pushed.mean() < 0.05
    share = [w.state.counters.human[pushed, 0].sum() / w.state.counters.human[:, 0].sum() for w in worlds]
    # Each person is shown an item once, and items of the trial pool or none at all may be left.
    assert 0.03 < share[0] - share[1] < 0.055


def test_forced_impressions_are_told_apart(small):
    table = frames_of(heated(small, 0.2))["provenance"].astype({"source": str})
    sums = table.groupby("source")["impressions"].sum()
    assert 0.05 < sums["heated"] / sums.sum() < 0.3


def test_who_is_pushed_is_alive_and_in_the_language(small):
    world = world_of(heated(small), steps=30)
    start, end = world.window
    world.state.status[start:end:2] |= REMOVED
    world.feed._gather_heated(start, end)
    pools, labels = world.feed.pools, world.state.items.labels
    kept = pools.heated[0, : pools.heated_count[0]]
    expected = [i for i in range(start, end) if world.feed.heated[i] and labels.present[i] and (i - start) % 2]
    assert kept.tolist() == expected and len(expected) > 2
    assert (labels.language[kept] == world.feed.strata.language[0]).all()


def test_controls_hold(small):
    for control in (controls.zero_dose, controls.exchanged, controls.threads):
        ok, note = control(heated(small, 0.1))
        assert ok, note


def test_shares_are_shares(small):
    with pytest.raises(InputError, match="heated_views: got 2, must be 0 to 1"):
        world_of(heated(small, 2.0), steps=1)
    with pytest.raises(InputError, match="heats needs a parameter heated_views"):
        recsim.policy(heated_items=0.1, meta={"heats": True})(newest)


def newest(f, p):
    return -f.age_h
