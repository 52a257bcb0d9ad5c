"""A platform's human review: cases wait, reviewers take them in order and within their hours, and decide with errors.

Everything is a value: `review` takes a queue and returns the next one. Within a step the queue runs in continuous time,
so that with Poisson arrivals and one language it is the classical queue M/M/c (Erlang 1917), which a test holds it to.
"""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np

from recsim.agents.cases import (
    Cases,
    Desk,
    Pool,
    Verdicts,
    draws,
    joined,
    make_cases,
    no_cases,
    question,
    take,
)  # fmt: skip
from recsim.agents.line import merged
from recsim.rng import Decision, Key

ENTERED, MERGED, DECIDED, EXPIRED = range(4)
LEDGER = ("entered", "merged", "decided", "expired")


class Queue(NamedTuple):
    """State between steps; `recsim.state.copied` forks it."""

    waiting: Cases  # in order
    hours: np.ndarray  # (N,) float64, length of each waiting case's review, hours
    coming: Cases  # cases whose step of entry lies ahead
    hand: Cases  # under review
    seat: np.ndarray  # (H,) int64, which reviewer
    left: np.ndarray  # (H,) float64, hours of work left
    waited: np.ndarray  # (H,) float64, hours from entry to the start of the review
    ledger: np.ndarray  # (L, 4) int64, cases by language; columns as LEDGER
    worked: np.ndarray  # (S,) float64, hours each reviewer has worked
    offered: np.ndarray  # (S,) float64, hours each reviewer could have worked


def seats(desk: Desk) -> tuple[np.ndarray, np.ndarray]:
    """Reviewers as the queue sees them: ``people`` rounded up, who share the time of ``people`` evenly.

    Returns:
        pool (S,) int64 and share of an hour worked per hour (S,) float64, in (0, 1].
    """
    pool, speed = [], []
    for number, p in enumerate(desk.pools):
        n = int(np.ceil(p.people - 1e-9 * max(1.0, p.people))) if p.people >= 1 else int(p.people > 0)
        pool += [number] * n
        speed += [min(1.0, p.people / n)] * n if n else []
    return np.array(pool, np.int64), np.array(speed, np.float64)


def new_queue(desk: Desk) -> Queue:
    """Nobody waits and nobody has worked."""
    none, count = np.empty(0, np.float64), len(seats(desk)[0])
    return Queue(
        waiting=no_cases(), hours=none, coming=no_cases(), hand=no_cases(), seat=np.empty(0, np.int64), left=none,
        waited=none, ledger=np.zeros((len(desk.pool_of), len(LEDGER)), np.int64), worked=np.zeros(count),
        offered=np.zeros(count),
    )  # fmt: skip


def review(desk: Desk, queue: Queue, cases: Cases, now: int, key: Key) -> tuple[Queue, Verdicts]:
    """One step: cases enter, reviewers work through theirs, verdicts come out.

    Args:
        desk: how review is organised. queue: state at the start of the step; not changed.
        cases: new ones, in any order; one whose step of entry lies ahead waits for it outside. A case about a subject
            that already waits is merged with it: reports add up, the largest reach, score and priority count.
        now: the step. key: seed, replicate and branch.

    Returns:
        The queue at the end of the step, and the verdicts.

    Raises:
        ValueError: a language that the desk does not know.
    """
    languages = len(desk.pool_of)
    if cases.language.size and not (cases.language.min() >= 0 and cases.language.max() < languages):
        raise ValueError(f"got language {cases.language.max()}, must be in [0, {languages - 1}]")
    ledger, begin = queue.ledger.copy(), float(now * desk.step_hours)
    waiting, hours = queue.waiting, queue.hours

    everything = joined(queue.coming, cases)
    due = everything.entered <= now
    fresh, coming = take(everything, due), take(everything, ~due)
    if fresh.kind.size:
        ledger[:, ENTERED] += _by_language(fresh, languages)
        table, gone = merged(waiting, hours, fresh, queue.hand, desk, key)
        ledger[:, MERGED] += _by_language(gone, languages)
        waiting, hours = table
    entry = _entry_hours(waiting, desk)
    late = begin - entry >= desk.expires_h
    if late.any():
        ledger[:, EXPIRED] += _by_language(take(waiting, late), languages)
        waiting, hours, entry = take(waiting, ~late), hours[~late], entry[~late]

    seat_pool, speed = seats(desk)
    worked, offered = queue.worked.copy(), queue.offered.copy()
    started: dict[int, float] = {}
    done: list[tuple[int, float]] = []  # place, time; places from len(waiting) on are those in hand
    kept: list[tuple[int, int, float]] = []  # place, seat, hours left
    pool_of_row, first_hand = desk.pool_of[waiting.language], len(hours)
    for number, pool in enumerate(desk.pools):
        day = begin - begin % 24
        opens = max(begin, day + pool.opens)
        closes = max(opens, min(begin + desk.step_hours, day + pool.closes))
        mine = np.flatnonzero(seat_pool == number)
        offered[mine] += (closes - opens) * speed[mine]
        rows = np.flatnonzero(pool_of_row == number)
        there = entry[rows] <= opens
        later = rows[~there]
        later = later[np.lexsort((later, entry[later]))]
        held = [
            (first_hand + h, int(queue.seat[h]), float(queue.left[h]))
            for h in np.flatnonzero(np.isin(queue.seat, mine)).tolist()
        ]
        _work(mine, speed, held, hours, rows[there], later, entry, opens, closes, started, done, kept, worked)
    # Each adds up times of one step after the other, so the last bits may differ.
    assert np.all(worked <= offered * (1 + 1e-9) + 1e-6), "a reviewer worked more than the hours allow"

    begun = np.array(sorted(started), np.int64)
    start = np.array([started[row] for row in begun.tolist()], np.float64)
    table = joined(waiting, queue.hand)
    waited = np.concatenate([np.zeros(first_hand), queue.waited])
    waited[begun] = start - entry[begun]
    verdicts = _decide(desk, table, waited, done, now, key)
    ledger[:, DECIDED] += _by_language(verdicts, languages)

    rest = np.ones(first_hand, bool)
    rest[begun] = False
    waiting, hours = take(waiting, rest), hours[rest]
    if np.isfinite(desk.capacity):
        over = np.zeros(len(hours), bool)
        for language in range(languages):
            # A case takes as much of the room as it is work; the one that reaches the limit still waits.
            line = np.flatnonzero(waiting.language == language)
            work = waiting.work[line].astype(np.float64)
            over[line] = np.cumsum(work) - work >= desk.capacity
        ledger[:, EXPIRED] += _by_language(take(waiting, over), languages)
        waiting, hours = take(waiting, ~over), hours[~over]
    kept.sort(key=lambda k: k[1])
    places = np.array([k[0] for k in kept], np.int64)
    after = Queue(
        waiting=waiting, hours=hours, coming=coming, hand=take(table, places),
        seat=np.array([k[1] for k in kept], np.int64), left=np.array([k[2] for k in kept], np.float64),
        waited=waited[places], ledger=ledger, worked=worked, offered=offered,
    )  # fmt: skip
    return after, verdicts


def _by_language(group: Any, languages: int) -> np.ndarray:
    return np.bincount(group.language, minlength=languages)


def _entry_hours(cases: Cases, desk: Desk) -> np.ndarray:
    return (cases.entered.astype(np.float64) + cases.moment.astype(np.float64)) * desk.step_hours


def _work(
    seat: np.ndarray, speed: np.ndarray, held: list[tuple[int, int, float]], hours: np.ndarray, there: np.ndarray,
    later: np.ndarray, entry: np.ndarray, opens: float, closes: float, started: dict[int, float],
    done: list[tuple[int, float]], kept: list[tuple[int, int, float]], worked: np.ndarray,
) -> None:  # fmt: skip
    """One pool from opening to closing: whoever is free takes the first case in order.

    Args:
        seat: (n,) the pool's reviewers. speed: (S,) share of an hour each works per hour.
        held: place, seat and hours left of reviews that were going on.
        hours: (N,) length of each review. there: rows that wait at the opening, in order. later: rows by entry.
        entry: (N,) hours. opens, closes: hours since the start of the run.
        started, done, kept, worked: written.
    """
    if closes <= opens or not len(seat):
        kept.extend(held)
        return
    busy = [(opens + left / float(speed[s]), s, place, opens) for place, s, left in held]
    heapq.heapify(busy)
    taken = {s for _, s, _ in held}
    free = [int(s) for s in seat if int(s) not in taken]
    ready: list[int] = []
    next_there = next_later = 0
    time = opens
    while True:
        while free and (ready or next_there < len(there)):
            if not ready or (next_there < len(there) and there[next_there] < ready[0]):
                row = int(there[next_there])
                next_there += 1
            else:
                row = heapq.heappop(ready)
            who = heapq.heappop(free)
            started[row] = time
            heapq.heappush(busy, (time + float(hours[row]) / float(speed[who]), who, row, time))
        arrival = float(entry[later[next_later]]) if next_later < len(later) else np.inf
        finish = busy[0][0] if busy else np.inf
        if min(arrival, finish) >= closes:
            break
        time = min(arrival, finish)
        if finish <= arrival:
            _, who, place, since = heapq.heappop(busy)
            worked[who] += (finish - since) * speed[who]
            done.append((place, finish))
            heapq.heappush(free, who)
        else:
            heapq.heappush(ready, int(later[next_later]))
            next_later += 1
    for finish, who, place, since in busy:
        worked[who] += (closes - since) * speed[who]
        kept.append((place, who, (finish - closes) * float(speed[who])))


def _decide(
    desk: Desk, table: Cases, waited: np.ndarray, done: list[tuple[int, float]], now: int, key: Key
) -> Verdicts:
    places = np.array([d[0] for d in done], np.int64)
    time = np.array([d[1] for d in done], np.float64)
    c = take(table, places)
    order = np.lexsort((c.subject, c.kind, time))
    places, time, c = places[order], time[order], take(c, order)
    pool = desk.pool_of[c.language]
    shape = (len(desk.pools), len(desk.pool_of))
    sensitivity = np.array([p.sensitivity for p in desk.pools], np.float32).reshape(shape)[pool, c.language]
    specificity = np.array([p.specificity for p in desk.pools], np.float32).reshape(shape)[pool, c.language]
    u = draws(key, Decision.REVIEW_VERDICT, c.subject, question(c.kind, c.round))[:, 0]
    # One draw for both: a better reviewer finds whatever a worse one finds and accuses nobody else.
    found = np.where(c.truth, u < sensitivity, u >= specificity)
    felt = np.ceil((time + desk.delay_h) / desk.step_hours)
    effect = np.maximum(np.minimum(felt, 2.0**31 - 1), now + 1).astype(np.int32)
    return Verdicts(c.kind, c.subject, c.language, c.truth, c.round, found, waited[places], time, effect)


__all__ = ["Cases", "Desk", "Pool", "Queue", "Verdicts", "make_cases", "new_queue", "review", "seats"]
