"""Feedback fatigue: a person's memory of authors by whom she has lately hidden something, and what it does to scores."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL

F = np.float32
LOWEST = F(-np.inf)


@njit(**HELPER)
def hide_author(author_of, step_of, place, author, step):
    """Remember one hide; an author stands in the memory once, with the latest step, and the oldest entry makes room.

    Args:
        author_of, step_of: (H,) int32, a person's row, -1 empty; written. place: (1,) int32, the entry after the newest
            one; written. author, step: what happened.
    """
    most = author_of.size
    found = most
    for k in range(most):
        if author_of[k] == author:
            found = k
    # The known author's entry is taken out, younger ones move up, and she becomes the newest.
    if found < most:
        after = (found + 1) % most
        while after != place[0]:
            before = (after - 1 + most) % most
            author_of[before], step_of[before] = author_of[after], step_of[after]
            after = (after + 1) % most
        place[0] = np.int32((place[0] - 1 + most) % most)
    author_of[place[0]] = np.int32(author)
    step_of[place[0]] = np.int32(step)
    place[0] = np.int32((place[0] + 1) % most)


@njit(**KERNEL)
def fatigue_block(first, last, visits, pools, observed, author, authors, window_start, step, factors, scores):
    """Multiply scores by the factor of the author; a negative score is divided, and at factor 0 the item is taken out.

    Args:
        first, last: range of visits; row ``visit - first`` of ``scores``.
        visits, pools: see `recsim.kernels.slate`. observed: `recsim.state.Observed`.
        author: (I,) int32. authors: how many there are. window_start, step: int64.
        factors: (N,) float32 in [0, 1], factor by steps since the hide; the last one holds for longer.
        scores: (B, P + M) float32, written.
    """
    width = pools.item.shape[1]
    most = observed.hidden_author.shape[1]
    factor_of = np.ones(authors, np.float32)
    for visit in range(first, last):
        stratum, person = visits.stratum[visit], visits.person[visit]
        row = scores[visit - first]
        lowered = False
        for k in range(most):
            a = observed.hidden_author[person, k]
            if a >= 0:
                age = min(step - np.int64(observed.hidden_step[person, k]), np.int64(factors.size - 1))
                factor_of[a] = factors[age]
                lowered = lowered | (factors[age] < F(1.0))
        if lowered:
            for column in range(row.size):
                if column < width:
                    item = np.int64(pools.item[stratum, column]) if column < pools.size[stratum] else np.int64(-1)
                else:
                    item = np.int64(observed.inbox[person, column - width])
                if item < window_start:
                    continue
                factor = factor_of[author[item]]
                if factor <= F(0.0):
                    row[column] = LOWEST
                elif factor < F(1.0):
                    row[column] = row[column] * factor if row[column] >= F(0.0) else row[column] / factor
        for k in range(most):
            a = observed.hidden_author[person, k]
            if a >= 0:
                factor_of[a] = F(1.0)
