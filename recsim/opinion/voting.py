"""Spatial voters, and what impressions do to choice and turnout if they do anything at all.

Elementwise arithmetic, our own float32 exp and log, sums over candidates in their canonical order, and integers for
every sum over people: the same bits on any machine and in any order of people.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim import rng

VOTE = 1 << 30
"""One vote in fixed point."""
CRITICAL, NEUTRAL, SUPPORTIVE = range(3)
HUNDRED = np.float32(100.0)


class Voters(NamedTuple):
    """People and candidates on the political plane.

    Attributes:
        position: (U, 2) float32, where people stand.
        place: (C, 2) float32, where candidates stand.
        prior: (U, C) float32, share of first preferences among people of the same language, rows add up to 1.
        spread: standard deviation of people around their first preference, per axis, above 0.
        turnout: share who vote without any effect, 0-1.
    """

    position: np.ndarray
    place: np.ndarray
    prior: np.ndarray
    spread: float
    turnout: float


class Effects(NamedTuple):
    """Assumed effect of one hundred impressions, percentage points; zero is the best published estimate of the first."""

    persuasion_pp: float = 0.0
    mobilisation_pp: float = 0.0
    demobilisation_pp: float = 0.0


def sweep(persuasion: list[float], mobilisation: list[float], demobilisation: list[float]) -> list[Effects]:
    """All effects zero, then each effect size alone.

    Args:
        persuasion, mobilisation, demobilisation: sizes in percentage points; zeros are skipped.
    """
    return [
        Effects(),
        *(Effects(persuasion_pp=size) for size in persuasion if size),
        *(Effects(mobilisation_pp=size) for size in mobilisation if size),
        *(Effects(demobilisation_pp=size) for size in demobilisation if size),
    ]


def squared_distance(position: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(U, C) float32, squared distances of people (U, 2) to places (C, 2)."""
    dx = position[:, None, 0] - place[None, :, 0]
    dy = position[:, None, 1] - place[None, :, 1]
    return np.asarray(dx * dx + dy * dy)


def heard(voters: Voters, impressions: np.ndarray, radius: float) -> np.ndarray:
    """Impressions that count under bounded confidence: of messages about candidates nearer than ``radius``.

    A message stands where the candidate stands whom it is about, whatever it says of her; where its author stands is not
    modelled. Source of the rule: Deffuant et al. 2000; Hegselmann & Krause 2002.

    Args:
        voters: U people, C candidates.
        impressions: (U, C, 3) integers, by candidate and stance (critical, neutral, supportive).
        radius: distance, in radii of the circle that candidates lie on; 0 lets nothing count.

    Returns:
        (U, C, 3) float32, whole numbers.
    """
    near = squared_distance(voters.position, voters.place) < np.float32(radius) * np.float32(radius)
    return np.where(near[..., None], impressions, 0).astype(np.float32)


def per_impression(persuasion_pp: float) -> np.float32:
    """Utility of one impression if a hundred move a voter from one half to one half plus ``persuasion_pp`` points.

    log((1 + 2 e) / (1 - 2 e)) / 100 with e the effect as a fraction: the inverse of the logit at one half.

    Args:
        persuasion_pp: percentage points in [0, 50).
    """
    twice = np.float32(2.0 * persuasion_pp / 100.0)
    odds = (np.float32(1.0) + twice) / (np.float32(1.0) - twice)
    return np.float32(rng.logarithms(np.array([odds], np.float32))[0] / HUNDRED)


def choice(voters: Voters, moved: np.ndarray) -> np.ndarray:
    """Chance that each person chooses each candidate, if she votes.

    Multinomial logit (McFadden 1974) on utility log prior - distance^2 / (2 spread^2) + moved, the spatial part after
    Hotelling 1929 and Downs 1957. With ``moved`` zero this is the chance of each first preference given where the
    person stands (Bayes' rule for the way people were placed), so no weight of distance is left to choose.

    Args:
        voters: U people, C candidates.
        moved: (U, C) float32, utility added by impressions.

    Returns:
        (U, C) float64, rows add up to 1.
    """
    spread = np.float32(voters.spread)
    near = squared_distance(voters.position, voters.place) * (np.float32(-0.5) / (spread * spread))
    possible = voters.prior > 0
    top = np.where(possible, near, np.float32(-np.inf)).max(axis=1, keepdims=True)
    # Two factors, since in one float32 sum a utility of 1e-5 would vanish beside a distance.
    weight = voters.prior * rng.exponentials(near - top).astype(np.float64) * rng.exponentials(moved)
    total = np.zeros(len(weight), np.float64)
    for c in range(weight.shape[1]):
        total = total + weight[:, c]
    return np.asarray(weight / total[:, None])


def putting_off(counted: np.ndarray, demobilising: np.ndarray | None = None) -> np.ndarray:
    """(U, C) float32: impressions that put supporters off: critical ones, and all others that tell them not to vote.

    Args:
        counted: (U, C, 3) float32, from `heard`, all impressions.
        demobilising: (U, C, 3) float32, from `heard`, those among them of demobilising posts; None: none.
    """
    critical = counted[..., CRITICAL]
    if demobilising is None:
        return np.asarray(critical)
    return np.asarray(critical + demobilising[..., NEUTRAL] + demobilising[..., SUPPORTIVE])


def turning_out(
    voters: Voters, counted: np.ndarray, effects: Effects, demobilising: np.ndarray | None = None
) -> np.ndarray:
    """Chance that a supporter of each candidate votes: mobilised by support of that candidate, put off by criticism and
    by posts that tell her not to vote (which never mobilise, whatever their stance).

    clip(turnout + (mobilisation supportive - demobilisation putting off) / 100, 0, 1), effects as fractions.

    Args:
        voters: U people.
        counted: (U, C, 3) float32, from `heard`.
        effects: assumed effect sizes.
        demobilising: (U, C, 3) float32, from `heard`, the part of ``counted`` from demobilising posts; None: none.

    Returns:
        (U, C) float64.
    """
    supportive = counted[..., SUPPORTIVE]
    if demobilising is not None:
        supportive = supportive - demobilising[..., SUPPORTIVE]
    more = effects.mobilisation_pp / 1e4 * supportive.astype(np.float64)
    less = effects.demobilisation_pp / 1e4 * putting_off(counted, demobilising).astype(np.float64)
    return np.clip(voters.turnout + (more - less), 0.0, 1.0)


def expected_votes(
    voters: Voters, counted: np.ndarray, weights: np.ndarray, effects: Effects, demobilising: np.ndarray | None = None
) -> np.ndarray:
    """Expected votes of each candidate, in units of 1 / `VOTE`.

    Expected rather than drawn votes: the effect sizes in question change few votes in a thousand, which a draw per
    person would bury under luck.

    Args:
        voters: U people, C candidates.
        counted: (U, C, 3) float32, from `heard`.
        weights: (3,) float32, what an impression of each stance counts in persuasion.
        effects: assumed effect sizes.
        demobilising: (U, C, 3) float32, from `heard`, the part of ``counted`` from demobilising posts; None: none.

    Returns:
        (C,) int64.
    """
    persuasive: np.ndarray = np.zeros(counted.shape[:2], np.float32)
    for stance in (CRITICAL, NEUTRAL, SUPPORTIVE):
        persuasive = persuasive + np.float32(weights[stance]) * counted[..., stance]
    chance = choice(voters, per_impression(effects.persuasion_pp) * persuasive)
    votes = chance * turning_out(voters, counted, effects, demobilising) * VOTE
    return np.asarray(np.rint(votes).astype(np.int64).sum(axis=0))


def vote_shares(votes: np.ndarray) -> np.ndarray:
    """(C,) float64, shares of expected votes; NaN if nobody votes."""
    total = int(votes.sum())
    return votes / total if total else np.full(len(votes), np.nan)


def turnout_of(votes: np.ndarray, people: int) -> float:
    """Expected share of people who vote, 0-1."""
    return int(votes.sum()) / (people * VOTE)
