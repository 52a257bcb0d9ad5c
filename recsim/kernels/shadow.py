"""What shadow policies would have put on top: candidates among the first places of every visit, nothing shown."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.shown import memory_row
from recsim.kernels.slate import LOWEST, sortable, turn_of, word_of

GROUP = 16
"""Columns whose best is remembered together."""
PATIENCE = 8
"""Entries taken in vain, because the person has seen them, before all that she has seen is looked up at once."""
U64 = np.uint64


@njit(**KERNEL)
def count_top(first, last, thread, scores, visits, pools, observed, eligible, candidate, window_start, places, out):
    """Count, for every set of parameters, whom the best ``places`` entries of each visit are about.

    The same entries compete as in `recsim.kernels.look`, with the same rule for ties: not shown before, and allowed by
    a gate. Entries from searches and exploration are left out: no score decides about them. An item that stands in the
    pool and in the inbox counts once, at its better place.

    Args:
        first, last: range of visits. thread: row of ``out``.
        scores: (B, K, P+M) float32, row visit - first.
        visits, pools: see `recsim.kernels.slate`. observed: `recsim.state.Observed`. eligible: (W,) bool.
        candidate: (I,) int8, -1 none. window_start: number of the oldest live item. places: at most 64.
        out: (T, K, C + 2) int64, added to; last but one: places filled by anything; last: places whose items the first set
            of parameters has among its first places too.
    """
    size = pools.item.shape[1]
    width = scores.shape[2]
    sets = scores.shape[1]
    groups = (width + GROUP - 1) // GROUP
    code = np.full(groups * GROUP, LOWEST, np.int64)
    best = np.empty(groups, np.int64)
    closed = np.zeros(width, np.bool_)
    declared = np.empty(places, np.int64)
    taken = np.empty(places, np.int64)
    memory = observed.seen
    words = memory.shape[1]
    turn = turn_of(window_start, words)
    paged = observed.pages.last.shape[0] > 0
    known_stratum = np.int64(-1)
    for visit in range(first, last):
        person = visits.person[visit]
        stratum = np.int64(visits.stratum[visit])
        if stratum != known_stratum:
            known_stratum = stratum
            for column in range(size):
                i = np.int64(pools.item[stratum, column])
                closed[column] = i < window_start or not eligible[i - window_start]
        for column in range(size, width):
            closed[column] = observed.inbox[person, column - size] < window_start
        mine = np.int64(person)
        if paged:
            mine = memory_row(observed, person)
        kept = 0
        told = False  # whether ``closed`` says what she was shown
        for k in range(sets):
            for column in range(width):
                c = sortable(scores[visit - first, k, column], column)
                code[column] = LOWEST if closed[column] else c
            for g in range(groups):
                top = LOWEST
                for column in range(g * GROUP, (g + 1) * GROUP):
                    top = max(top, code[column])
                best[g] = top
            filled, common, missed = 0, 0, 0
            while filled < places:
                top = LOWEST
                for g in range(groups):
                    top = max(top, best[g])
                if top == LOWEST:
                    break
                column = np.int64(0xFFFF) - (top & np.int64(0xFFFF))
                code[column] = LOWEST
                at = column // GROUP
                top = LOWEST
                for other in range(at * GROUP, (at + 1) * GROUP):
                    top = max(top, code[other])
                best[at] = top
                if column < size:
                    i = np.int64(pools.item[stratum, column])
                else:
                    i = np.int64(observed.inbox[person, column - size])
                fresh = True
                for place in range(filled):
                    fresh = fresh & (taken[place] != i)
                if not fresh:  # it stood in the pool and in the inbox
                    continue
                if (memory[mine, word_of(i, turn, words)] >> U64(i & 63)) & U64(1) != U64(0):
                    missed += 1
                    if missed > PATIENCE and not told:
                        told = True
                        for other in range(width):
                            i = np.int64(
                                pools.item[stratum, other] if other < size else observed.inbox[person, other - size]
                            )
                            if i >= window_start:
                                seen = (memory[mine, word_of(i, turn, words)] >> U64(i & 63)) & U64(1) != U64(0)
                                code[other] = LOWEST if seen else code[other]
                                closed[other] = closed[other] or seen
                        known_stratum = np.int64(-1)
                        for g in range(groups):
                            top = LOWEST
                            for other in range(g * GROUP, (g + 1) * GROUP):
                                top = max(top, code[other])
                            best[g] = top
                    continue
                taken[filled] = i
                about = candidate[i]
                if about >= 0:
                    out[thread, k, about] += 1
                if k == 0:
                    declared[filled] = i
                    kept = filled + 1
                for place in range(kept):
                    common += np.int64(declared[place] == i)
                filled += 1
            out[thread, k, out.shape[2] - 2] += filled
            out[thread, k, out.shape[2] - 1] += common
