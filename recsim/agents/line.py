"""The line of waiting cases: who stands where, and how new ones find their place."""

from __future__ import annotations

import numpy as np

from recsim.agents.cases import Cases, Desk, draws, exponential, joined, question, same_subject, take
from recsim.rng import Decision, Key


def merged(
    waiting: Cases, hours: np.ndarray, fresh: Cases, hand: Cases, desk: Desk, key: Key
) -> tuple[tuple[Cases, np.ndarray], Cases]:
    """Waiting and fresh cases in order with the lengths of their reviews, and the fresh ones that were merged.

    Only cases that are new or have changed are sorted; they are then put into the line, which may be long.
    """
    busy = same_subject(fresh, hand)
    gone, fresh = take(fresh, busy), take(fresh, ~busy)
    old = same_subject(waiting, fresh)
    both = joined(take(waiting, old), fresh)
    length = np.concatenate([hours[old], np.full(len(fresh.kind), np.nan)])
    waiting, hours = take(waiting, ~old), hours[~old]
    if not len(length):
        return (waiting, hours), gone
    # By all columns: of rows that came together the one that stays must not depend on who came first.
    columns = (both.work, both.truth, both.language, both.round, both.moment, both.entered, both.subject, both.kind)
    order = np.lexsort(columns)
    both, length = take(both, order), length[order]
    first = np.ones(len(order), bool)
    first[1:] = (both.subject[1:] != both.subject[:-1]) | (both.kind[1:] != both.kind[:-1])
    start = np.flatnonzero(first)
    gone = joined(gone, take(both, ~first))
    together = {"reports": np.add.reduceat(both.reports, start)}
    together |= {n: np.maximum.reduceat(getattr(both, n), start) for n in ("reach", "score", "priority")}
    both, length = take(both, first)._replace(**together), length[first]
    new = np.isnan(length)
    length[new] = lengths(take(both, new), desk, key)
    ranked = np.lexsort(_line(both, desk)[::-1])
    both, length = take(both, ranked), length[ranked]
    place = _places(_line(waiting, desk), _line(both, desk)) + np.arange(len(length))
    inserted = np.zeros(len(hours) + len(length), bool)
    inserted[place] = True
    target = np.concatenate([np.flatnonzero(~inserted), place])
    source = np.empty(len(target), np.int64)
    source[target] = np.arange(len(target))
    return (take(joined(waiting, both), source), np.concatenate([hours, length])[source]), gone


def _line(cases: Cases, desk: Desk) -> list[np.ndarray]:
    """Columns by which cases stand in line, the first decides."""
    keys = [-cases.priority.astype(np.int32)]
    if desk.order == "reports_reach":
        keys.append(-(cases.reports * cases.reach))
    elif desk.order == "score":
        keys.append(-cases.score)
    return [*keys, cases.entered, cases.moment, cases.kind, cases.subject]


def _places(line: list[np.ndarray], new: list[np.ndarray]) -> np.ndarray:
    """Where each new row belongs in a sorted line, by bisection of all rows at once; (R,) int64."""
    low, high = np.zeros(len(new[0]), np.int64), np.full(len(new[0]), len(line[0]), np.int64)
    while (low < high).any():
        middle = np.minimum((low + high) // 2, len(line[0]) - 1)
        before, alike = np.zeros(len(low), bool), np.ones(len(low), bool)
        for column, wanted in zip(line, new, strict=True):
            there = column[middle]
            before |= alike & (there < wanted)
            alike &= there == wanted
        more = low < high
        low, high = np.where(more & before, middle + 1, low), np.where(more & ~before, middle, high)
    return low


def lengths(cases: Cases, desk: Desk, key: Key) -> np.ndarray:
    """Hours of work that each case's review takes; 0 in a language that nobody reviews."""
    per_hour = np.array([p.items_per_hour for p in desk.pools] + [np.inf], np.float64)
    mean = cases.work.astype(np.float64) / per_hour[desk.pool_of[cases.language]]
    if not desk.exponential:
        return mean
    u = draws(key, Decision.REVIEW_TIME, cases.subject, question(cases.kind, cases.round))
    return mean * exponential(u[:, 0])
