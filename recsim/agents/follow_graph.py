"""Follow graphs among people, as lists of edges (follower, followed); every edge hangs on keyed draws.

Uniform digraph and directed Chung-Lu graph (Chung and Lu, Annals of Combinatorics 2002: edges in proportion to the
product of two weights) have a fixed number of different edges without loops; an edge that is a loop or there already is
drawn anew under the next attempt. Random-walk growth: see `recsim.kernels.growth.grow`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from recsim.kernels import growth
from recsim.rng import Decision, Key, exponentials, hash32, moment, normals, uniforms, words
from recsim.state import Followers

GRAPH = "follow graph"
ROUNDS = 200
"""Attempts at edges that are left, and at double edges of a rewiring, before giving up."""


class Edges(NamedTuple):
    """Edges in no particular order."""

    follower: np.ndarray  # (E,) int64
    followed: np.ndarray  # (E,) int64


def _picked(word: np.ndarray, bound: int) -> np.ndarray:
    """32-bit words as integers in [0, bound), (E,) int64."""
    return ((word.astype(np.uint64) * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)


def _fixed_weights(key: Key, people: int, sigma: float, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """Running sums of the log-normal weights of following and of followers, as integers below 2^31."""
    u = uniforms(key, Decision.FOLLOW_WEIGHT, hash32(GRAPH), np.arange(people))
    first, other = normals(u[:, 0]), normals(u[:, 1])
    c = np.float32(correlation)
    second = c * first + np.sqrt(np.float32(1) - c * c) * other
    unit = np.float32(2.0 ** (28 - people.bit_length()))
    # Below e^3 times the mean weight, so that the sum stays below 2^31.
    out = []
    for z in (first, second):
        weight = exponentials(np.float32(sigma) * z - np.float32(sigma * sigma / 2))
        out.append(np.cumsum(np.maximum(1, (weight * unit).astype(np.int64))))
    return out[0], out[1]


def random_edges(key: Key, people: int, count: int, weights: tuple[np.ndarray, np.ndarray] | None = None) -> Edges:
    """``count`` different edges without loops, drawn evenly, or in proportion to weights of both ends.

    Args:
        key: of the replicate.
        people: nodes.
        count: edges; at most people (people - 1), and well below it with unequal weights.
        weights: running sums (people,) int64 of whole weights of followers and of those followed, or None.

    Raises:
        ValueError: so many edges cannot be found.
    """
    pending = np.arange(count)
    known = np.empty(0, np.int64)
    for attempt in range(ROUNDS):
        w = words(key, Decision.FOLLOW_EDGE, hash32(GRAPH), pending, attempt)
        if weights is None:
            a, b = _picked(w[:, 0], people), _picked(w[:, 1], people)
        else:
            a = np.searchsorted(weights[0], _picked(w[:, 0], int(weights[0][-1])), side="right")
            b = np.searchsorted(weights[1], _picked(w[:, 1], int(weights[1][-1])), side="right")
        edge = a * people + b
        order = np.argsort(edge, kind="stable")
        ranked = edge[order]
        fresh = np.ones(len(ranked), bool)
        fresh[1:] = ranked[1:] != ranked[:-1]
        fresh &= (ranked // people) != (ranked % people)
        if len(known):
            place = np.minimum(np.searchsorted(known, ranked), len(known) - 1)
            fresh &= known[place] != ranked
        known = np.sort(np.concatenate([known, ranked[fresh]]), kind="stable")
        pending = pending[np.sort(order[~fresh])]
        if not len(pending):
            return Edges(known // people, known % people)
    raise ValueError(f"no room for {len(pending)} of {count} edges among {people} people; lower mean_degree")


def growth_edges(key: Key, nodes: int, links: int, share: float, population: str) -> Edges:
    """Edges of random-walk growth; with at most ``links + 1`` nodes everybody follows everybody."""
    if nodes <= links + 1:
        a, b = np.divmod(np.arange(nodes * nodes), max(1, nodes))
        return Edges(a[a != b], b[a != b])
    followed = np.empty((nodes, links), np.int32)
    when = moment(0, Decision.FOLLOW_GROW)
    growth.grow(nodes, links, np.float32(share), np.uint64(hash32(population)), when, *key.words, followed)
    follower = np.repeat(np.arange(nodes), links)
    there = followed.ravel() >= 0
    return Edges(follower[there], followed.ravel()[there].astype(np.int64))


def rewired(key: Key, edges: Edges, people: int, side: np.ndarray | None = None) -> Edges:
    """The edges with their ends exchanged at random; everybody keeps the number of followers and of followed.

    All followed ends are permuted at once, then edges that are loops or double exchange ends with others drawn at
    random, until none is left: the same law as a long chain of single swaps, up to `ROUNDS`.

    Args:
        side: (people,) int8; if given, ends are exchanged only among edges that join the same sides.

    Raises:
        ValueError: some are left after so many rounds, as in a graph where nearly everybody follows everybody.
    """
    a, b = edges.follower, edges.followed.copy()
    group = np.zeros(len(a), np.int64) if side is None else side[a].astype(np.int64) * 2 + side[b]
    chosen = np.arange(len(a))
    for attempt in range(ROUNDS):
        w = words(key, Decision.FOLLOW_REWIRE, hash32(GRAPH), chosen, attempt)
        by_group = chosen[np.argsort(group[chosen], kind="stable")]
        b[by_group] = b[chosen[np.lexsort((w[:, 0], group[chosen]))]]
        edge = a * people + b
        order = np.argsort(edge, kind="stable")
        bad = np.zeros(len(a), bool)
        bad[order[1:]] = edge[order[1:]] == edge[order[:-1]]
        bad |= a == b
        wrong = np.flatnonzero(bad)
        if not len(wrong):
            return Edges(a, b)
        partner = _picked(words(key, Decision.FOLLOW_REWIRE, hash32(GRAPH), wrong, attempt)[:, 1], len(a))
        chosen = np.unique(np.concatenate([wrong, partner]))
    raise ValueError(f"the {len(a)} edges among {people} people are too dense to be rewired; lower mean_degree")


@lru_cache(maxsize=1)
def people_edges(
    key: Key, people: int, kind: str, mean_degree: float, sigma: float, correlation: float, friend_share: float
) -> Edges:
    """The follow graph among people; see `recsim.scenario.follow.FollowGraph` for the words. The last one is kept.

    Raises:
        ValueError: more edges than pairs, or too many for the weights.
    """
    if kind == "growth":
        return growth_edges(key, people, max(1, round(mean_degree)), friend_share, GRAPH)
    count = round(people * mean_degree)
    if count > people * (people - 1) // 2:
        raise ValueError(
            f"got {count} edges among {people} people, must be at most half of all pairs; lower mean_degree"
        )
    weights = _fixed_weights(key, people, sigma, correlation) if kind == "lognormal" else None
    return random_edges(key, people, count, weights)


def followers_of(edges: Edges, agents: int, most: np.ndarray) -> Followers:
    """Who follows each agent, sorted; ``most`` (N,) are the actions an agent can do in one turn."""
    edge = np.sort(edges.followed * agents + edges.follower, kind="stable")
    start, room = np.zeros(agents + 1, np.int64), np.zeros(agents + 1, np.int64)
    start[1:] = np.cumsum(np.bincount(edge // agents, minlength=agents))
    arriving = np.bincount(edges.follower, weights=most[edges.followed].astype(float), minlength=agents)
    room[1:] = np.cumsum(arriving.astype(np.int64))
    return Followers(start, (edge % agents).astype(np.int32), room)
