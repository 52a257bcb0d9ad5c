"""Counting: thread tallies into counters, decay, top comments, gates. Integers first, floats once per item."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.mathf import exp32, log32, sigmoid32
from recsim.kernels.philox import philox4, unit

F = np.float32
U64 = np.uint64
D_GATE, D_COMMENT = U64(7), U64(11)
VIEW, LIKE, COMMENT, WATCH, ACTIONS = 0, 2, 3, 9, 10
STOPPED = 100
TOGETHER = 512
"""Items whose counters decay together: what they need stays in a core's cache."""
FIXED = F(1.0 / 1024.0)


@njit(**KERNEL)
def count_people(
    window_start, window_end, events, candidate, counters, by_candidate, population, key0, key1, keys, length, watched
):
    """Fold the threads' events of people into the counters, and clear them.

    Args:
        window_start, window_end: numbers of the live items.
        events: (T, W, 10) int32, cleared.
        candidate: (I,) int8.
        counters: `recsim.state.Counters`, written: totals, human views and likes, top comments.
        by_candidate: (C+1, 10) int64, the day's events by candidate, last row for no candidate; written.
        population, key0, key1: draw key of comment places. keys: (I,) uint32.
        length: (I,) float32, seconds.
        watched: (1,) int64, people's watch time in 2^-14 s, added to: room for 5e14 seconds, 400 million people for a year.

    An organic comment on a candidate's item names that candidate; others name nobody. The two top comments are a
    uniform sample of all comments (reservoir sampling): the most neutral assumption about comment ranking.
    """
    nobody = by_candidate.shape[0] - 1
    for item in range(window_start, window_end):
        w = item - window_start
        views, likes, watch = 0, 0, 0
        for t in range(events.shape[0]):
            views += events[t, w, VIEW]
            likes += events[t, w, LIKE]
            watch += events[t, w, WATCH]
        if views == 0:
            continue
        about = candidate[item]
        row = about if about >= 0 else nobody
        before = counters.total[item, COMMENT]
        for t in range(events.shape[0]):
            for a in range(ACTIONS):
                n = np.int64(events[t, w, a])
                events[t, w, a] = 0
                counters.total[item, a] += n
                by_candidate[row, a] += n
        counters.human[item, 0] += views
        counters.human[item, 1] += likes
        watched[0] += watch * np.int64(length[item] * F(16.0) + F(0.5))
        for ordinal in range(before, counters.total[item, COMMENT]):
            place_comment(counters.top_comment, item, about, ordinal, population, key0, key1, keys)


@njit(**KERNEL)
def place_comment(top_comment, item, about, ordinal, population, key0, key1, keys):
    """Reservoir sampling of two top comments: comment number ``ordinal`` (from 0) may replace one."""
    place = ordinal
    if ordinal >= 2:
        a, _, _, _ = philox4(U64(keys[item]), U64(ordinal), population, D_COMMENT, key0, key1)
        place = np.int64((a * U64(ordinal + 1)) >> U64(32))
    if place < 2:
        top_comment[item, place] = about


@njit(**KERNEL)
def decay_and_add(first, last, before, factor, total, decayed, unit):
    """``decayed <- decayed * factor + (total - before) * unit`` for items first..last-1, then ``before <- total``.

    Args:
        before, total: (I, 10) int64. factor: float32, or float64 for sums that are rounded once. decayed: (10, I) float32, written. unit: float32, events that 1 is.
    """
    # Nothing happens to most items in a step: they only decay, row by row, which is vector code. What the others had is put
    # aside before, so that each of their sums is rounded once.
    place, old = np.empty(TOGETHER, np.int64), np.empty((TOGETHER, ACTIONS), np.float32)
    for low in range(first, last, TOGETHER):
        high, n = min(low + TOGETHER, last), 0
        for item in range(low, high):
            changed = np.int64(0)
            for a in range(ACTIONS):
                changed |= total[item, a] ^ before[item, a]
            if changed != 0:
                place[n] = item
                for a in range(ACTIONS):
                    old[n, a] = decayed[a, item]
                n += 1
        for a in range(ACTIONS):
            row = decayed[a, low:high]
            for k in range(row.size):
                row[k] *= factor
        for k in range(n):
            item = place[k]
            for a in range(ACTIONS):
                decayed[a, item] = old[k, a] * factor + F(total[item, a] - before[item, a]) * unit
                before[item, a] = total[item, a]


@njit(**KERNEL)
def proof_and_eligibility(window_start, window_end, total, stage, present, stages, social, eligible, trial):
    """Item terms of phase 3 that every policy shares.

    Args:
        total: (I, 10) int64. stage: (I,) int8. present: (I,) bool. stages: number of exposure pools (0: no
            trial either, so that every item may be ranked at once).
        social: (W,) float32, log(1 + visible likes), written.
        eligible: (W,) bool, may be ranked, written. trial: (W,) bool, is shown to explore, written.
    """
    count = window_end - window_start
    # One after the other, each with few arrays: all but the first become vector code.
    for w in range(count):
        social[w] = F(total[window_start + w, LIKE])
    for w in range(count):
        social[w] = log32(F(1.0) + social[w])
    exists, at = present[window_start:window_end], stage[window_start:window_end]
    for w in range(count):
        eligible[w] = exists[w] & (((at[w] > 0) & (at[w] != STOPPED)) | (stages == 0))
    for w in range(count):
        trial[w] = exists[w] & (at[w] == 0) & (stages > 0)


@njit(**KERNEL)
def pass_gates(
    window_start, window_end, value, total, quota, threshold, slope, hard, population, key0, key1, keys, stage,
    stage_views, arrived_value, arrived_gate, passed,
):  # fmt: skip
    """Items that have filled their exposure pool are promoted or stopped.

    A soft gate passes an item with probability 1 / (1 + exp(-slope (log value - threshold))); a hard one if log
    value exceeds the threshold. The first pool always exists (it is the trial); with one stage and threshold minus
    infinity every item passes, which is "gates off".

    Args:
        value: (W,) float32, log value of window items.
        quota: (J,) float32, views that fill pool j. threshold: (J,) float32, log value.
        slope: float32. hard: bool.
        stage: (I,) int8, stage_views: (I,) int32; written.
        arrived_value: (N,) float32, arrived_gate: (N,) int8: log values met at the gates, written.
        passed: (J,) int64, promotions by gate, added to.

    Returns:
        The number of arrivals.
    """
    arrivals = 0
    pools = quota.size
    for item in range(window_start, window_end):
        s = stage[item]
        if s >= pools:
            continue
        views = total[item, VIEW]
        if F(views - stage_views[item]) < quota[s]:
            continue
        v = value[item - window_start]
        if arrivals < arrived_value.size:
            arrived_value[arrivals] = v
            arrived_gate[arrivals] = s
        arrivals += 1
        if hard:
            promoted = v >= threshold[s]
        else:
            a, _, _, _ = philox4(U64(keys[item]), U64(s), population, D_GATE, key0, key1)
            promoted = unit(a) < sigmoid32(slope * (v - threshold[s]))
        if promoted:
            stage[item] = s + 1
            stage_views[item] = views
            passed[s] += 1
        else:
            stage[item] = STOPPED
    return arrivals


@njit(**KERNEL)
def head_logits(first, last, window_start, decayed, action, base, prior, cap, out):
    """Log odds of one action for items first..last-1: empirical-Bayes rate with a prior of ``prior`` events.

    rate = (n + prior) / (views + prior / base), at most ``cap * base`` and 0.95. Source: the conjugate gamma-Poisson
    mean; per-head priors in events because one prior in views lets a single comment move a rate fourfold.

    Args:
        decayed: (10, I) float32. action: row of ``decayed``. base, prior, cap: float32.
        out: (W,) float32, written at item - window_start.
    """
    weight = F(FIXED) if action == 9 else F(1.0)
    events, views, result = (
        decayed[action, first:last], decayed[0, first:last], out[first - window_start : last - window_start],
    )  # fmt: skip
    most, views_at_first = min(cap * base, F(0.95)), prior / base
    for k in range(last - first):  # few names and no call in the loop: it becomes vector code
        rate = (weight * events[k] + prior) / (views[k] + views_at_first)
        rate = most if rate > most else rate
        result[k] = log32(rate / (F(1.0) - rate))


@njit(**KERNEL)
def odds_against(count, values):
    """Log odds to odds against: ``values <- exp(-values)`` for the first ``count``; (W,) float32, written."""
    for w in range(count):
        values[w] = exp32(-values[w])


@njit(**KERNEL)
def log_value(count, score, ratio, age_h, half_life_h, out):
    """Retrieval value: log score less ln 2 per half-life of age (``ratio`` policies), else the score itself; NaN is minus infinity.

    Args:
        score: (W,) float32. ratio: bool. age_h: (W,) float32, hours. out: (W,) float32, written.
    """
    slope = F(0.6931472) / half_life_h
    for w in range(count):
        s = score[w] if score[w] > F(-np.inf) else F(-np.inf)
        out[w] = log32(max(s, F(1e-12))) - slope * age_h[w] if ratio else s


@njit(**KERNEL)
def exp_of(x):
    """exp(x) of one float32, by our own polynomial."""
    return exp32(x)
