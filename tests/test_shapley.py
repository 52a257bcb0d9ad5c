"""Shapley values, dividends and sampled orders: the axioms, on random games."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsim.experiment.attribution import widened
from recsim.experiment.shapley import (
    contributions,
    dividends,
    exact_shapley,
    gap,
    is_exact,
    needed_coalitions,
    sampled_orders,
    shared_out,
    subsets,
    visited,
)
from recsim.metrics import interval

NAMES = ["gates", "ranking", "learning", "proof", "a", "b", "c"]


@st.composite
def games(draw, least=1, most=5, replicates=3):
    """Players, and a value per coalition and replicate; nothing acts without players."""
    players = draw(st.permutations(NAMES))[: draw(st.integers(least, most))]
    number = st.floats(-50, 50, allow_nan=False)
    values = {c: np.array(draw(st.lists(number, min_size=replicates, max_size=replicates))) for c in subsets(players)}
    values[frozenset()] = np.zeros(replicates)
    return players, values


def by_definition(players, values):
    """Mean over all orders of what a player adds on arrival."""
    out = {p: 0.0 for p in players}
    for order in permutations(players):
        for k, p in enumerate(order):
            out[p] = out[p] + values[frozenset(order[: k + 1])] - values[frozenset(order[:k])]
    return {p: v / math.factorial(len(players)) for p, v in out.items()}


@given(games())
def test_exact_values_are_the_mean_over_all_orders_and_add_up(game):
    players, values = game
    found = exact_shapley(players, values)
    for p, wanted in by_definition(players, values).items():
        np.testing.assert_allclose(found[p], wanted, atol=1e-10)
    np.testing.assert_allclose(sum(found.values()), values[frozenset(players)], atol=1e-10)


@given(games(), games(), st.floats(-3, 3))
def test_values_are_linear_in_the_game(one, two, factor):
    players, values = one
    other = {c: two[1].get(c, np.full(3, 1.5 * len(c))) for c in values}
    mixed = {c: values[c] + factor * other[c] for c in values}
    a, b, both = (exact_shapley(players, v) for v in (values, other, mixed))
    for p in players:
        np.testing.assert_allclose(both[p], a[p] + factor * b[p], atol=1e-9)


@given(games(most=4))
def test_who_adds_nothing_gets_nothing_and_twins_get_the_same(game):
    players, values = game
    idle = {c: values[c - {"idle"}] for c in subsets([*players, "idle"])}
    found = exact_shapley([*players, "idle"], idle)
    np.testing.assert_allclose(found["idle"], 0, atol=1e-12)
    for p in players:
        np.testing.assert_allclose(found[p], exact_shapley(players, values)[p], atol=1e-10)
    assert all(np.allclose(d, 0) for c, d in dividends([*players, "idle"], idle).items() if "idle" in c)
    first = players[0]
    twin = {c: values[c - {"twin"} | ({first} if "twin" in c else set())] for c in subsets([*players, "twin"])}
    # Two players of whom either is as good as both: same value by exchange of names.
    found = exact_shapley([*players, "twin"], twin)
    np.testing.assert_allclose(found["twin"], found[first], atol=1e-10)


@given(games())
def test_dividends_add_up_and_give_the_values(game):
    players, values = game
    found = dividends(players, values)
    np.testing.assert_allclose(sum(found.values()), values[frozenset(players)], atol=1e-9)
    for p, wanted in exact_shapley(players, values).items():
        parts = [d / len(c) for c, d in found.items() if p in c]
        np.testing.assert_allclose(np.sum(parts, axis=0), wanted, atol=1e-9)
    pairs = dividends(players, values, 2)
    assert set(pairs) == {c for c in found if len(c) <= 2}
    if len(players) > 1:
        i, j = players[:2]
        wanted = values[frozenset({i, j})] - values[frozenset({i})] - values[frozenset({j})]
        np.testing.assert_allclose(pairs[frozenset({i, j})], wanted, atol=1e-12)


@given(games(least=5, most=7), st.integers(1, 4), st.integers(0, 99))
def test_sampled_values_add_up_whatever_the_orders(game, pairs, seed):
    players, values = game
    orders = sampled_orders(players, 2 * pairs, seed)
    parts = {p: v.mean(axis=0) for p, v in contributions(orders, values).items()}
    assert gap(players, values, parts) < 1e-12
    assert visited(orders) <= set(values)


def test_all_orders_together_are_exact():
    rng = np.random.default_rng(0)
    players = NAMES[:4]
    values = {c: rng.normal(size=2) for c in subsets(players)}
    half = [o for o in permutations(players) if o < o[::-1]]
    orders = [o for one in half for o in (one, one[::-1])]
    assert len(orders) == 24
    for p, wanted in exact_shapley(players, values).items():
        np.testing.assert_allclose(contributions(orders, values)[p].mean(axis=0), wanted, atol=1e-12)


def test_orders_are_antithetic_keyed_and_do_not_hang_on_the_list():
    orders = sampled_orders(NAMES, 8, 7)
    assert all(sorted(o) == sorted(NAMES) for o in orders)
    assert all(a == b[::-1] for a, b in zip(orders[::2], orders[1::2], strict=True))
    assert orders == sampled_orders(NAMES[::-1], 8, 7) and orders[:4] == sampled_orders(NAMES, 4, 7)
    assert orders != sampled_orders(NAMES, 8, 8) and len(set(orders)) > 4
    with pytest.raises(ValueError, match="got 3 orders"):
        sampled_orders(NAMES, 3, 7)


def test_first_places_are_drawn_evenly():
    orders = sampled_orders(NAMES[:5], 2000, 1)
    first = np.array([sum(o[0] == p for o in orders) for p in NAMES[:5]])
    assert ((first - 400) ** 2 / 400).sum() < 18.5  # chi-square, 4 degrees of freedom, p = 0.001


def test_few_players_are_exact_and_many_are_sampled():
    assert is_exact(NAMES[:4], 2) and is_exact(NAMES[:5], 8) and not is_exact(NAMES[:6], 8)
    assert needed_coalitions(NAMES[:3], 2, 0) == subsets(NAMES[:3])
    many = needed_coalitions(NAMES, 8, 0)
    assert len(many) < 2**7 and set(subsets(NAMES, 2)) <= set(many) and frozenset(NAMES) in many
    assert many == needed_coalitions(NAMES[::-1], 8, 0)
    rng = np.random.default_rng(1)
    worth = {p: rng.normal(size=5) for p in NAMES}
    values = {c: sum((worth[p] for p in c), np.zeros(5)) for c in many}
    for p, (part, by_order) in shared_out(NAMES, values, 8, 0).items():
        np.testing.assert_allclose(part, worth[p], atol=1e-12)  # an additive game has no error of orders
        np.testing.assert_allclose(by_order, worth[p].mean(), atol=1e-12)


def test_the_interval_of_sampled_orders_is_wider():
    t = interval(np.array([1.0, 2.0, 3.0]))
    same, error = widened(t, None)
    assert same == t and np.isnan(error)
    wide, error = widened(t, np.array([1.0, 2.0, 3.0, 2.0]))
    other = interval(np.array([1.0, 2.0, 3.0, 2.0]))
    assert wide.high - 2 == pytest.approx(np.hypot(t.high - 2, other.high - 2)) and error == pytest.approx(other.sd / 2)
    assert np.isnan(widened(t, np.array([1.0]))[0].low)
