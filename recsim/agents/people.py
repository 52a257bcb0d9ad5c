"""People: traits drawn once per replicate, each a function of the person's number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recsim import aligned, rng
from recsim.rng import Decision, Key
from recsim.state import Cells, Latent

POLITICS_TOPIC = 0
"""The topic that stands for public affairs; items about candidates have it as their main topic."""
BLOCK = 1 << 16
"""People whose traits are drawn together."""
DISTANCE_WITHIN = np.float32(0.4)
"""Spread of people around the position of their first preference, where candidates lie on the unit circle."""


class PeopleTraits(NamedTuple):
    """Numbers that describe the population, as plain values."""

    population: int  # 32-bit hash of the population's key
    segment_weight: np.ndarray  # (G,) float64, share of people in each segment, adds up to 1
    region: np.ndarray  # (G,) int8
    language: np.ndarray  # (G,) int8
    age_band: np.ndarray  # (G,) int8
    topics: int
    visits_per_day: float
    visits_spread: float
    action_spread: float
    politics_interest: float
    taste_concentration: float
    preference: np.ndarray  # (L, C) float64, share of first preferences by language, rows add up to 1


def place_candidates(key: Key, populations: np.ndarray) -> np.ndarray:
    """Positions of candidates on the unit circle, drawn from each candidate's own key.

    Nobody's real position is modelled: drawing it anew in every replicate makes candidates exchangeable.

    Args:
        key: seed and replicate.
        populations: (C,) 32-bit hashes of the candidates' keys.

    Returns:
        (C, 2) float32.
    """
    rows = [rng.uniforms(key, Decision.PREFERENCE, int(p), np.zeros(1, np.uint32), 1)[0] for p in populations]
    point = rng.normals(np.array(rows, np.float32)[:, :2])
    length = np.sqrt(point[:, 0] * point[:, 0] + point[:, 1] * point[:, 1])
    return np.ascontiguousarray(point / np.maximum(length, np.float32(1e-6))[:, None])


def blocks_of(count: int, first: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows and (N,) uint32 numbers of ``count`` people from number ``first`` on, a block at a time: what is drawn for all at
    once is many times what is kept of it.
    """
    for low in range(0, count, BLOCK):
        high = min(low + BLOCK, count)
        yield slice(low, high), np.arange(first + low, first + high, dtype=np.uint32)


def place_in_cells(who: np.ndarray, count: int, weight: np.ndarray) -> np.ndarray:
    """Segment of each person by systematic allotment: exact shares, people sorted by segment.

    Args:
        who: (N,) numbers of people.
        count: all people.
        weight: (G,) shares that add up to 1.

    Returns:
        (N,) int16.
    """
    edges = np.cumsum(weight)
    edges[-1] = 1.0
    return np.searchsorted(edges, (who + 0.5) / count, side="right").astype(np.int16)


def choose(u: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Index drawn by inverting the distribution ``share`` at ``u``.

    Args:
        u: (R,) float32 in [0, 1).
        share: (n,) or (R, n) float64, adds up to 1 along the last axis.

    Returns:
        (R,) int64 in [0, n).
    """
    edges = np.cumsum(np.atleast_2d(share), axis=1)
    return np.minimum((u[:, None] >= edges).sum(axis=1), edges.shape[1] - 1)


def build_people(
    key: Key, traits: PeopleTraits, people: int, position: np.ndarray, mine: range | None = None
) -> tuple[Latent, Cells]:
    """Draw all traits of people.

    Args:
        key: seed and replicate.
        traits: the population.
        people: how many there are.
        position: (C, 2) float32, candidates' positions.
        mine: numbers of those wanted; None: all.
    """
    mine = range(people) if mine is None else mine
    count = len(mine)
    latent = Latent(
        taste=aligned.empty((count, traits.topics), np.float32), position=np.empty((count, 2), np.float32),
        politics=np.empty(count, np.float32), susceptibility=np.empty(count, np.float32),
        bias=np.empty(count, np.float32), visits=np.empty(count, np.float32), preference=np.empty(count, np.int8),
    )  # fmt: skip
    cells = Cells(np.empty(count, np.int16), *(np.empty(count, np.int8) for _ in range(3)))
    for rows, who in blocks_of(count, mine.start):
        there, what = _some_people(key, traits, who, people, position)
        for whole, part in zip((*cells, *latent), (*there, *what), strict=True):
            whole[rows] = part
    return latent, cells


def _some_people(
    key: Key, traits: PeopleTraits, who: np.ndarray, count: int, position: np.ndarray
) -> tuple[Cells, Latent]:
    """Traits of the people with numbers ``who``, (N,) uint32."""
    segment = place_in_cells(who, count, traits.segment_weight)
    cells = Cells(segment, traits.region[segment], traits.language[segment], traits.age_band[segment])

    person = rng.uniforms(key, Decision.PERSON, traits.population, who)
    spread = np.float32(traits.visits_spread)
    log_visits = rng.normals(person[:, 0]) * spread - spread * spread / 2
    visits = np.float32(traits.visits_per_day) * rng.exponentials(log_visits)
    susceptibility = rng.exponentials(rng.normals(person[:, 1]) * np.float32(0.5))
    bias = rng.normals(person[:, 2]) * np.float32(traits.action_spread)

    choice = rng.uniforms(key, Decision.PREFERENCE, traits.population, who)
    preference = choose(choice[:, 0], traits.preference[cells.language]).astype(np.int8)
    around = rng.normals(choice[:, 1:3]) * DISTANCE_WITHIN
    marked = choice[:, 3] < np.float32(traits.politics_interest)
    politics = np.where(marked, np.float32(1.0) + person[:, 3], np.float32(0.2)).astype(np.float32)

    taste = draw_taste(key, Decision.TASTE, traits, who)
    taste[:, POLITICS_TOPIC] += np.where(marked, np.float32(1.0), np.float32(-0.4))
    latent = Latent(
        taste=taste,
        position=np.ascontiguousarray(position[preference] + around),
        politics=politics,
        susceptibility=susceptibility,
        bias=bias,
        visits=visits,
        preference=preference,
    )
    return cells, latent


def draw_taste(key: Key, decision: Decision, traits: PeopleTraits, who: np.ndarray) -> np.ndarray:
    """Standardised exponential weights on topics: most people like a few topics much.

    Args:
        key, decision, traits: of the draw. who: (N,) uint32, numbers of people.

    Returns:
        (N, topics) float32, mean 0 and standard deviation `taste_concentration` within each person.
    """
    count = len(who)
    blocks = [rng.uniforms(key, decision, traits.population, who, block) for block in range((traits.topics + 3) // 4)]
    u = np.concatenate(blocks, axis=1)[:, : traits.topics]
    raw = -rng.logarithms(np.float32(1.0) - u)
    # Sums over the short topic axis in index order: NumPy's own reduction may differ between machines.
    total = np.zeros(count, np.float32)
    for d in range(traits.topics):
        total = total + raw[:, d]
    centred = raw - (total / np.float32(traits.topics))[:, None]
    squares = np.zeros(count, np.float32)
    for d in range(traits.topics):
        squares = squares + centred[:, d] * centred[:, d]
    scale = np.float32(traits.taste_concentration) / np.sqrt(squares / np.float32(traits.topics))
    return np.ascontiguousarray(centred * scale[:, None])


def first_estimate(
    key: Key, traits: PeopleTraits, taste: np.ndarray, accuracy: float, first_person: int = 0
) -> np.ndarray:
    """What the platform believes at the start: truth and noise mixed so that the spread is that of taste.

    Args:
        key: seed and replicate.
        traits: the population.
        taste: (U, D) float32, the truth.
        accuracy: correlation of the estimate with the truth, 0-1.
        first_person: number of the person in row 0.
    """
    share = np.float32(accuracy)
    out = aligned.empty(taste.shape, np.float32)
    for rows, who in blocks_of(len(taste), first_person):
        noise = draw_taste(key, Decision.KNOWN, traits, who)
        out[rows] = share * taste[rows] + np.sqrt(np.float32(1.0) - share * share) * noise
    return out
