"""Counting with weights: fold what threads counted, put groups of accounts together, demote what measures demote."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.shown import memory_row
from recsim.kernels.slate import has_seen

SUM, MEDIAN, TRIMMED = 0, 1, 2
ACTIONS = 10


@njit(**KERNEL)
def fold_weighed(window_start, window_end, events, valued):
    """Add the threads' weighted events to the items' and clear them.

    Args:
        window_start, window_end: numbers of the live items.
        events: (T, W, G, 10) int64, cleared. valued: (I, G, 10) int64, written.
    """
    for item in range(window_start, window_end):
        w = item - window_start
        for t in range(events.shape[0]):
            for g in range(events.shape[2]):
                if events[t, w, g, 0] != 0:
                    for a in range(ACTIONS):
                        valued[item, g, a] += events[t, w, g, a]
                        events[t, w, g, a] = 0


@njit(**KERNEL)
def put_together(window_start, window_end, valued, without, how, trim, total, exact):
    """One count of each action from the counts of groups of accounts.

    Args:
        valued: (I, G, 10) int64, weighted events in 1/1024. without: the same shape, taken away first; no rows: nothing.
        how: SUM, MEDIAN (G times the median) or TRIMMED (G times the mean without ``trim`` groups at either end).
        total: (I, 10) int64, whole events, rounded; exact: (I, 10) int64, in 1/1024; written.
    """
    groups = valued.shape[1]
    values = np.empty(groups, np.int64)
    for item in range(window_start, window_end):
        for a in range(ACTIONS):
            for g in range(groups):
                value = valued[item, g, a]
                if without.shape[0] > 0:
                    value -= without[item, g, a]
                # Insertion: groups are few.
                place = g
                while how != SUM and place > 0 and values[place - 1] > value:
                    values[place] = values[place - 1]
                    place -= 1
                values[place] = value
            low, high = 0, groups
            if how == MEDIAN:
                low, high = (groups - 1) // 2, groups // 2 + 1
            elif how == TRIMMED:
                low, high = trim, groups - trim
            whole = np.int64(0)
            for g in range(low, high):
                whole += values[g]
            if how != SUM:
                whole = whole * groups // (high - low)
            exact[item, a] = whole
            total[item, a] = (whole + 512) >> 10


@njit(**KERNEL)
def demote_block(first, last, visits, pools, observed, window_start, beyond, everywhere, scores):
    """Multiply scores by factors; a negative score is divided, so that a factor below 1 always lowers.

    Args:
        first, last: range of visits; row ``visit - first`` of ``scores``.
        visits, pools: see `recsim.kernels.slate`. observed: `recsim.state.Observed`; what was shown before is skipped.
        beyond: (W,) float32 in [0, 1], factor for people who do not follow the author: pool positions.
        everywhere: (W,) float32 in [0, 1], factor for all.
        scores: (B, P + M) float32, written.
    """
    width = pools.item.shape[1]
    for visit in range(first, last):
        stratum, person = visits.stratum[visit], visits.person[visit]
        row = scores[visit - first]
        mine = memory_row(observed, person)
        for column in range(row.size):
            if column < width:
                w = np.int64(pools.item[stratum, column]) - window_start
                if w < 0 or column >= pools.size[stratum]:
                    continue
                factor = beyond[w] * everywhere[w]
            else:
                item = np.int64(observed.inbox[person, column - width])
                w = item - window_start
                if w < 0 or has_seen(observed.seen, mine, item):
                    continue
                factor = everywhere[w]
            if factor != np.float32(1.0):
                if row[column] >= np.float32(0.0):
                    row[column] = row[column] * factor
                else:
                    row[column] = row[column] / max(factor, np.float32(1e-6))
