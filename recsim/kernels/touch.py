"""Reading what a block of visits will need before it is needed, all visits at once.

People who come in a step lie scattered over arrays far larger than any cache. A visit that reads them one after the other
waits for memory each time; reads of 128 visits that do not wait for each other overlap. The pages of a person's memory can
only be found one from the other, so all visits go one page further at a time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.shown import read_pages
from recsim.kernels.slate import turn_of, word_of

LINE = 8
"""Words of 64 bits that come into the cache together."""


@njit(**KERNEL)
def touch_block(first, last, visits, latent, cells, observed, reached, met, window_start, window_end):
    """Read the rows of the people of visits first..last-1. Nothing is written.

    Args:
        first, last: range of visits. visits: see `recsim.kernels.slate`. latent, cells, observed: groups of `recsim.state`.
            reached: (U,) uint64. met: (U,) int32. window_start, window_end: int64, numbers of the live items.

    Returns:
        A sum of something of every line read, so that no compiler leaves a read out.
    """
    pages = observed.pages
    topics, slots = latent.taste.shape[1] - 1, observed.inbox.shape[1]
    newest, page = np.empty(last - first, np.int64), np.empty(last - first, np.int64)
    paged = pages.last.shape[0] > 0
    seen, words = observed.seen, observed.seen.shape[1]
    turn = turn_of(window_start, words)
    live = ((window_end + 63) >> 6) - (window_start >> 6)
    total, bits = 0.0, np.uint64(0)
    for visit in range(first, last):
        person = visits.person[visit]
        if paged:
            newest[visit - first] = pages.last[person]
            total += pages.filled[person]
        else:
            for line in range(0, live + LINE - 1, LINE):
                bits |= seen[person, word_of(window_start + 64 * min(line, live), turn, words)]
        # First and last of a row: it may begin within a line.
        total += latent.taste[person, 0] + latent.taste[person, topics]
        total += observed.estimate[person, 0] + observed.estimate[person, topics]
        total += latent.position[person, 0] + latent.politics[person] + latent.susceptibility[person]
        total += latent.bias[person] + cells.segment[person] + cells.language[person] + cells.region[person]
        total += met[person] + np.float64(reached[person])
        if slots > 0:
            total += observed.inbox[person, 0] + observed.inbox[person, slots - 1]
    if paged:
        total += np.float64(read_pages(pages.entry, newest, page, last - first))
    return total + np.float64(bits)
