"""Who did what share of it: Shapley values and dividends of a game whose coalitions are worlds.

A game gives every set of players (a coalition) a value; here the value is what a world in which only these players act
differs by from the world without any. Values are arrays over replicates, so that every part has its spread.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from recsim import rng
from recsim.rng import Decision, Key, hash32

Coalition = frozenset[str]
EXACT_UP_TO = 4
"""Players up to which all coalitions are simulated."""
ORDERS = 8
"""Sampled orders of more players, in antithetic pairs."""


def subsets(players: Iterable[str], largest: int | None = None) -> list[Coalition]:
    """All coalitions with at most ``largest`` players, the empty one first, by size and then by name."""
    names = sorted(set(players))
    top = len(names) if largest is None else min(largest, len(names))
    return [frozenset(c) for size in range(top + 1) for c in combinations(names, size)]


def sampled_orders(players: Sequence[str], count: int, seed: int) -> list[tuple[str, ...]]:
    """Orders in which players may arrive, in antithetic pairs: each is followed by its reverse.

    The reverse halves the error where a player matters most when she comes first or last. Drawn by name, so that the
    order in which players are given changes nothing.

    Args:
        players: names, all different.
        count: orders, an even number.
        seed: of the draws.

    Raises:
        ValueError: an odd number of orders, or none.
    """
    if count < 2 or count % 2:
        raise ValueError(f"got {count} orders, must be an even number of at least 2")
    names = sorted(players)
    who = np.array([hash32(name) for name in names], np.uint32)
    out: list[tuple[str, ...]] = []
    for pair in range(count // 2):
        drawn = rng.words(Key(seed, 0), Decision.ORDER, hash32("players"), who, pair)[:, 0]
        order = tuple(name for _, name in sorted(zip(drawn.tolist(), names, strict=True)))
        out += [order, order[::-1]]
    return out


def visited(orders: Iterable[Sequence[str]]) -> set[Coalition]:
    """Coalitions that occur while players arrive in these orders, the empty and the full one among them."""
    return {frozenset(order[:k]) for order in orders for k in range(len(order) + 1)}


def exact_shapley(players: Sequence[str], values: Mapping[Coalition, np.ndarray]) -> dict[str, np.ndarray]:
    """Shapley values from all coalitions.

    phi_i = sum over S without i of s! (n - s - 1)! / n! (v(S + i) - v(S)), with s players in S (Shapley 1953).

    Args:
        players: n names.
        values: of all 2^n coalitions, arrays of one shape.

    Returns:
        By player, of that shape; they add up to v(all) - v(none).
    """
    n = len(players)
    out = {}
    for one in players:
        others = [p for p in players if p != one]
        parts = [
            math.factorial(len(s)) * math.factorial(n - len(s) - 1) / math.factorial(n) * (values[s | {one}] - values[s])
            for s in subsets(others)
        ]  # fmt: skip
        out[one] = np.sum(parts, axis=0)
    return out


def contributions(
    orders: Sequence[Sequence[str]], values: Mapping[Coalition, np.ndarray]
) -> dict[str, np.ndarray]:  # fmt: skip
    """What each player adds on arrival, mean of each antithetic pair of orders.

    Args:
        orders: from `sampled_orders`.
        values: of all coalitions that are `visited`, arrays of one shape.

    Returns:
        By player, (orders / 2, ...); the mean over the first axis estimates the Shapley value without bias (Castro,
        Gomez and Tejada 2009) and these means add up to v(all) - v(none) whatever the orders are.
    """
    out: dict[str, list[np.ndarray]] = {one: [] for one in orders[0]}
    for order in orders:
        for k, one in enumerate(order):
            out[one].append(values[frozenset(order[: k + 1])] - values[frozenset(order[:k])])
    return {one: (np.array(parts[::2]) + np.array(parts[1::2])) / 2 for one, parts in out.items()}


def dividends(
    players: Sequence[str], values: Mapping[Coalition, np.ndarray], largest: int | None = None
) -> dict[Coalition, np.ndarray]:
    """Harsanyi dividends: what a coalition has that none of its parts has alone.

    d(S) = sum over T in S of (-1)^(s - t) v(T). The dividends of all coalitions but the empty one add up to v(all) -
    v(none), and each player's Shapley value is the sum of d(S) / s over the coalitions she is in (Harsanyi 1963). Of
    one player it is her effect alone, of two their interaction.

    Args:
        players: names.
        values: of all coalitions up to that size, arrays of one shape.
        largest: size up to which dividends are wanted; None: all.
    """
    return {
        s: np.sum([(-1) ** (len(s) - len(t)) * values[t] for t in subsets(s)], axis=0)
        for s in subsets(players, largest)
        if s
    }


def is_exact(players: Sequence[str], orders: int) -> bool:
    """Whether all coalitions are simulated: few players, or no more coalitions than that many orders could visit."""
    n = len(players)
    return n <= EXACT_UP_TO or 2**n <= orders * (n - 1) + 2


def needed_coalitions(players: Sequence[str], orders: int, seed: int) -> list[Coalition]:
    """Coalitions to simulate: all if `is_exact`; else those visited, single players and pairs, and all but one player."""
    if is_exact(players, orders):
        return subsets(players)
    wanted = visited(sampled_orders(players, orders, seed)) | set(subsets(players, 2))
    wanted |= {frozenset(players) - {one} for one in players}
    return sorted(wanted, key=lambda s: (len(s), sorted(s)))


def shared_out(
    players: Sequence[str], values: Mapping[Coalition, np.ndarray], orders: int, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:  # fmt: skip
    """Each player's part of v(all) - v(none).

    Args:
        players: names.
        values: (R,) of all `needed_coalitions`.
        orders, seed: as there.

    Returns:
        By player: (R,) parts by replicate, and (orders / 2,) means over replicates by pair of orders, None if exact.

    Raises:
        ArithmeticError: the parts do not add up to the total (a fault of this program).
    """
    parts: dict[str, tuple[np.ndarray, Any]] = {}
    if is_exact(players, orders):
        parts = {one: (part, None) for one, part in exact_shapley(players, values).items()}
    else:
        for one, found in contributions(sampled_orders(players, orders, seed), values).items():
            parts[one] = found.mean(axis=0), np.array([np.nanmean(p) if (p == p).any() else np.nan for p in found])
    if gap(players, values, {one: part for one, (part, _) in parts.items()}) > 1e-9:
        raise ArithmeticError("the parts of an attribution do not add up to the total")
    return parts


def gap(players: Sequence[str], values: Mapping[Coalition, np.ndarray], parts: Mapping[str, np.ndarray]) -> float:
    """Largest difference between the sum of the parts and the total, relative to the largest value (at least 1)."""
    total = np.asarray(values[frozenset(players)] - values[frozenset()])
    off = np.abs(np.sum([parts[one] for one in players], axis=0) - total)
    size = max(1.0, *(float(np.nanmax(np.abs(v), initial=0.0)) for v in values.values()))
    return float(np.nanmax(off, initial=0.0)) / size
