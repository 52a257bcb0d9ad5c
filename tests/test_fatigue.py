"""Feedback fatigue: the memory of hides, the factor on scores, and what a person is then served."""

from __future__ import annotations

import collections
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import frames_of, world_of
from hypothesis import given
from hypothesis import strategies as st
from test_learned import with_policy

import recsim
from recsim.audit import controls
from recsim.errors import InputError
from recsim.kernels.fatigue import fatigue_block, hide_author
from recsim.kernels.slate import Pools, Visits
from recsim.ranking.presets import PRESETS
from recsim.state import Observed

F = np.float32


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 6))
def test_the_memory_holds_the_latest_authors(hides, most):
    author, step, place = np.full(most, -1, np.int32), np.zeros(most, np.int32), np.zeros(1, np.int32)
    expected = collections.OrderedDict()
    for now, who in enumerate(hides):
        hide_author(author, step, place, np.int32(who), np.uint64(now))
        expected.pop(who, None)
        expected[who] = now
        if len(expected) > most:
            expected.popitem(last=False)
        # Where fewer than all places are taken, a place that was left is free again only for the next hide.
        newest_first = [(int(author[k]), int(step[k])) for k in ((place[0] - 1 - j) % most for j in range(most))]
        assert newest_first[: len(expected)] == [*reversed(expected.items())]
        assert all(a < 0 for a, _ in newest_first[len(expected) :])


def test_scores_are_lowered_as_the_twin_says():
    g = np.random.default_rng(3)
    people, pool, slots, items, authors, start = 12, 30, 6, 90, 14, 20
    author = g.integers(0, authors, items).astype(np.int32)
    item = np.sort(g.integers(start - 2, items, (2, pool)), axis=1).astype(np.int32)
    size = np.array([pool, pool - 5], np.int32)
    inbox = g.integers(-1, items, (people, slots)).astype(np.int32)
    hidden = np.full((people, 4), -1, np.int32)
    hidden[: people - 2] = g.integers(-1, authors, (people - 2, 4))
    for row in hidden:  # an author stands there once
        row[[k for k in range(4) if row[k] in row[:k]]] = -1
    when = g.integers(16, 21, (people, 4)).astype(np.int32)
    factors = np.array([0, 0, 0, 0.2, 0.5, 0.9, 1], F)
    scores = g.normal(size=(people, pool + slots)).astype(F)
    before = scores.copy()
    person, stratum = np.arange(people, dtype=np.int32), (np.arange(people) // 6).astype(np.int32)
    nothing = np.zeros(0, np.int8)
    pools = Pools(item, item.astype(np.uint32), item.astype(np.int8), size, item, size, item, size, item, size)
    full = Observed(*[inbox] * 7, hidden_author=hidden, hidden_step=when, hidden_next=hidden[:, :1])
    fatigue_block(
        0, people, Visits(person, stratum, nothing, nothing, person[:0]), pools, full, author, np.int64(authors),
        np.int64(start), np.int64(21), factors, scores,
    )  # fmt: skip
    changed = taken = 0
    for u in range(people):
        memory = {int(a): int(s) for a, s in zip(hidden[u], when[u], strict=True) if a >= 0}
        for column in range(pool + slots):
            i = item[stratum[u], column] if column < pool else inbox[u, column - pool]
            there = i >= start and (column >= pool or column < size[stratum[u]])
            factor = factors[min(21 - memory[author[i]], 6)] if there and author[i] in memory else F(1)
            value = before[u, column]
            expected = -np.inf if factor == 0 else value * factor if value >= 0 else value / factor
            assert scores[u, column] == F(expected)
            changed, taken = changed + (0 < factor < 1), taken + (factor == 0)
    assert changed > 20 and taken > 5
    assert np.array_equal(scores[people - 2 :], before[people - 2 :]), "who has hidden nothing keeps her scores"


@pytest.mark.slow
def test_without_effect_the_scores_are_what_they_were(small):
    """A factor of 1 at any time is the policy without a memory, bit for bit; the published one is not."""
    PRESETS["forgetful"] = dataclasses.replace(PRESETS["x_2023_04"], name="forgetful", fatigue=None)
    try:
        plain = frames_of(with_policy(small, "forgetful"))
    finally:
        del PRESETS["forgetful"]
    neutral = frames_of(with_policy(small, "x_2023_04", filter_days=0, fatigue_floor=1))
    published = frames_of(with_policy(small, "x_2023_04"))
    for name in ("exposure", "engagement", "provenance", "reach"):
        assert plain[name].equals(neutral[name]), name
    assert not plain["engagement"].equals(published["engagement"])


def test_nobody_is_served_whom_she_has_hidden(small):
    """Every hide is remembered; while the filter holds, only posts under trial and search results get past it."""
    world = world_of(with_policy(small, "x_2023_04"), steps=50)
    observed, people = world.state.observed, world.plan.people
    assert observed.hidden_author.shape == (people, 64)
    hides = int(world.state.counters.total[:, 7].sum())
    kept = int((observed.hidden_author >= 0).sum())
    assert 0.8 * hides < kept <= hides, "an author hidden twice stands there once"
    world.people.visit()
    world.creators.post()
    start, end = world.window
    world.feed.item_terms(world.now, start, end)
    world.feed.retrieve(world.now, start, end)
    high = min(128, world.people.visiting)
    world.feed.score_block(world.now, start, 0, 0, high)
    author, pools, seen = world.state.items.author, world.feed.pools, 0
    for visit in range(high):
        u, s = world.feed.visits.person[visit], world.feed.visits.stratum[visit]
        row = world.feed.scores[0][visit]
        for column in range(pools.size[s]):
            if author[pools.item[s, column]] in observed.hidden_author[u]:
                assert row[column] == -np.inf
                seen += 1
    assert seen > 10
    assert world_of(with_policy(small, "two_tower"), steps=1).state.observed.hidden_author.shape == (people, 0)


def test_a_fork_remembers_apart(small):
    world = world_of(with_policy(small, "x_2023_04"), steps=12)
    fork = world.state.fork()
    before = world.state.observed.hidden_author.copy()
    fork.observed.hidden_author[:] = 7
    assert np.array_equal(world.state.observed.hidden_author, before)


def test_controls_hold(small):
    scenario = with_policy(small, "x_2023_04")
    for control in (controls.zero_dose, controls.exchanged, controls.threads):
        ok, note = control(scenario)
        assert ok, note


def test_a_policy_of_ones_own():
    """Any policy may name such a function; misspelt parameters and factors above 1 are refused."""
    made = recsim.policy(weight=2.0, meta={"fatigue": forget})(newest)
    assert made.why_profiled[-1] == "memory of hides"
    values = SimpleNamespace(weight=0.25)
    assert made.fatigue_factors(values, 0.5, 2).tolist() == [0.0, 0.125, 0.25]
    with pytest.raises(InputError, match="the factor of fatigue must be 0 to 1"):
        made.fatigue_factors(SimpleNamespace(weight=2.0), 1.0, 2)
    with pytest.raises(InputError, match="unknown parameter 'weight'"):
        recsim.policy(wait=2.0, meta={"fatigue": forget})(newest)


def newest(f, p):
    return -f.age_h


def forget(days, p):
    return days * p.weight
