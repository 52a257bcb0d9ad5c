"""What shadow policies would have put on top: candidates among the first places of every visit, nothing shown."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.shown import memory_row
from recsim.kernels.slate import LOWEST, has_seen, sortable

F = np.float32


@njit(**KERNEL)
def count_top(first, last, thread, scores, visits, pools, observed, eligible, candidate, window_start, places, out):
    """Count, for every set of parameters, whom the best ``places`` entries of each visit are about.

    The same entries compete as in `recsim.kernels.look`, with the same rule for ties: not shown before, and allowed by
    a gate. Entries from searches and exploration are left out: no score decides about them. An item that stands in the
    pool and in the inbox counts once.

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
    best = np.empty(places, np.int64)
    number = np.empty(width, np.int64)
    declared = np.full(places, -1, np.int64)
    for visit in range(first, last):
        person = visits.person[visit]
        stratum = visits.stratum[visit]
        mine = memory_row(observed, person, window_start)
        for column in range(width):
            if column < size:
                i = np.int64(pools.item[stratum, column])
                open_to = i >= window_start and eligible[i - window_start]
            else:
                i = np.int64(observed.inbox[person, column - size])
                open_to = i >= window_start
            number[column] = i if open_to and not has_seen(observed.seen, mine, i) else -1
        for column in range(size, width):
            for other in range(size):
                if number[other] == number[column]:
                    number[column] = -1
        for k in range(sets):
            filled = 0
            lowest = LOWEST
            for column in range(width):
                if number[column] < 0:
                    continue
                code = sortable(scores[visit - first, k, column], column)
                if code == LOWEST or (filled == places and code <= lowest):
                    continue
                at = filled if filled < places else places - 1
                while at > 0 and best[at - 1] < code:
                    if at < places:
                        best[at] = best[at - 1]
                    at -= 1
                best[at] = code
                if filled < places:
                    filled += 1
                lowest = best[filled - 1]
            if k == 0:
                declared[:] = -1
            common = 0
            for place in range(filled):
                i = number[np.int64(0xFFFF) - (best[place] & np.int64(0xFFFF))]
                about = candidate[i]
                if about >= 0:
                    out[thread, k, about] += 1
                if k == 0:
                    declared[place] = i
                for other in range(places):
                    common += np.int64(declared[other] == i)
            out[thread, k, out.shape[2] - 2] += filled
            out[thread, k, out.shape[2] - 1] += common
