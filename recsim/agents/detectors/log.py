"""What a platform's log and account register hold, and what a detector says about accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recsim.rng import Key
from recsim.state import COMMENT, FOLLOW, LIKE, REPORT, SHARE

ACTS = (LIKE, COMMENT, SHARE, FOLLOW, REPORT)
"""Actions that detectors read: public or deliberate ones. Views and watch time are left out."""
FINE = 1024
"""Similarities and scores are counted in 1/1024."""
SPREAD = np.uint32(2654435761)


class Log(NamedTuple):
    """Actions of people and campaign accounts in one numbering, sorted by step."""

    actor: np.ndarray  # (N,) int32, account number, 0 to A - 1
    item: np.ndarray  # (N,) int32, >= 0
    action: np.ndarray  # (N,) int8, index in recsim.state.ACTIONS
    step: np.ndarray  # (N,) int32, not decreasing


class Facts(NamedTuple):
    """What the platform knows about accounts."""

    actors: int  # A
    created: np.ndarray  # (A,) int32, step of creation, negative before the run
    address: np.ndarray  # (A,) int32, network address, -1 unknown; accounts may share one
    seeds: np.ndarray  # (A,) bool, accounts the platform is sure of
    step_hours: float


class Truth(NamedTuple):
    """What nobody on a platform knows; read by the noise model only."""

    inauthentic: np.ndarray  # (A,) bool
    population: np.ndarray  # (A,) uint32, hash of the population that the account belongs to
    number: np.ndarray  # (A,) uint32, its number there: a change of dose renumbers nobody
    key: Key


class Finding(NamedTuple):
    """What a detector says."""

    score: np.ndarray  # (A,) int64, suspicion; its unit is the detector's
    flagged: np.ndarray  # (A,) bool
    cluster: np.ndarray  # (A,) int32, numbered by their smallest account, -1 none


class First(NamedTuple):
    """Each account's first action on each target, sorted by target, step and account."""

    actor: np.ndarray  # (P,) int64
    target: np.ndarray  # (P,) int64, dense: 0 to targets - 1
    step: np.ndarray  # (P,) int64
    targets: int


def only(log: Log, actions: Sequence[int] = ACTS) -> Log:
    """The rows with one of these actions; the follow graph, for instance, is ``only(log, (FOLLOW,))``."""
    keep = np.isin(log.action, np.asarray(actions, log.action.dtype))
    return Log(*(column[keep] for column in log))


def first_acts(log: Log, actors: int, by_action: bool = False) -> First:
    """First action of each account on each target; repetitions add nothing.

    Args:
        log: any actions; those outside `ACTS` are left out.
        actors: A.
        by_action: whether a target is an item with an action, or an item alone.

    Raises:
        ValueError: rows not sorted by step, or account numbers outside 0 to A - 1.
    """
    log = checked_log(log, actors)
    item = log.item.astype(np.int64)
    _, target = np.unique(item * 16 + log.action if by_action else item, return_inverse=True)
    targets = int(target.max()) + 1 if target.size else 0
    actor, step = log.actor.astype(np.int64), log.step.astype(np.int64)
    pair = target * actors + actor
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    order = order[np.concatenate(([True], pair[1:] != pair[:-1]))] if pair.size else order
    actor, target, step = actor[order], target[order], step[order]
    # Rows are sorted by target and account now; a stable sort by step leaves accounts in order.
    low = int(step.min()) if step.size else 0
    span = int(step.max()) - low + 1 if step.size else 1
    order = np.argsort(target * span + (step - low), kind="stable")
    return First(actor[order], target[order], step[order], targets)


def checked_log(log: Log, actors: int) -> Log:
    """The rows that detectors read; arguments and errors as `first_acts`."""
    if np.any(log.step[1:] < log.step[:-1]):
        raise ValueError("got a log whose steps go back; rows must be sorted by step")
    if log.actor.size and not 0 <= int(log.actor.min()) <= int(log.actor.max()) < actors:
        raise ValueError(
            f"got account numbers from {log.actor.min()} to {log.actor.max()}, must be in [0, {actors - 1}]"
        )
    return only(log)


def starts(numbers: np.ndarray, size: int) -> np.ndarray:
    """(size + 1,) int64, where each number begins among sorted ones, as in a CSR matrix."""
    return np.searchsorted(numbers, np.arange(size + 1)).astype(np.int64)


def scrambled(actors: int) -> np.ndarray:
    """(A,) int64, a fixed permutation in which neighbours in number lie far apart (multiplicative hash)."""
    mixed = np.arange(actors, dtype=np.uint32) * SPREAD
    place = np.empty(actors, np.int64)
    place[np.argsort(mixed, kind="stable")] = np.arange(actors)
    return place


def numbered(root: np.ndarray, smallest: int) -> np.ndarray:
    """Clusters of at least so many accounts, numbered by their smallest account.

    Args:
        root: (A,) int64, the same label for accounts of one cluster, -1 for accounts in none.
        smallest: fewest accounts of a cluster.

    Returns:
        (A,) int32, -1 none.
    """
    out = np.full(len(root), -1, np.int32)
    inside = np.flatnonzero(root >= 0)
    if inside.size:
        _, first, label, size = np.unique(root[inside], return_index=True, return_inverse=True, return_counts=True)
        large = np.flatnonzero(size >= smallest)
        number = np.full(len(size), -1, np.int32)
        number[large[np.argsort(first[large], kind="stable")]] = np.arange(len(large), dtype=np.int32)
        out[inside] = number[label]
    return out


def fine(share: float) -> int:
    """A share in units of 1/1024, rounded."""
    return round(share * FINE)


def steps_of(hours: float, facts: Facts) -> int:
    """Whole steps in so many hours."""
    return int(hours / facts.step_hours + 1e-9)
