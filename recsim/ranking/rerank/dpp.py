"""Determinantal point process: keep a subset that is good and diverse at once; the order stays by score.

Source: greedy choice of the subset S with the largest det(L_S), ``L_ij = q_i S_ij q_j``, by the fast algorithm of Chen,
Zhang and Zhou (arXiv 1709.05135): a Cholesky factor grows by one row per choice. X (`VMRanker`, 14 August 2026) uses
theta 0.65, keeps 50 of 150, puts the others last and leaves the order by score. The mapping of theta to quality, ``q =
exp(a r)`` with ``a = theta / (2 (1 - theta))``, is from memory [M]; r is the score mapped to 0-1 over the entries and
S the cosine of topic vectors, of which a part ``dpp_own`` is every item's own, so that two items on the same topics
are alike but not the same (both ours). Choosing stops when what is left adds nothing; the best by score fill up.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.kernels.mathf import exp32
from recsim.ranking.reranker import reranker

NOTHING = 1e-7


@reranker(
    dpp_theta=0.65,
    dpp_keep=50.0,
    dpp_own=0.05,
    meta={
        "title": "keeps a good and diverse subset (greedy determinant), order by score",
        "source": "x-algorithm, VMRanker (theta, counts); arXiv 1709.05135 (algorithm); mapping of theta from memory",
        "evidence": "[P]",
        "date": "2026-08-14",
        "ranges": {"dpp_theta": (0, 1), "dpp_keep": (0, math.inf), "dpp_own": (0, 1)},
    },
)
def dpp(s, p):
    """Greedy maximum of det(L_S) by incremental Cholesky rows (``s.matrix``), then selected entries first."""
    m = len(s.score)
    quality, left, row, kept = s.scratch[0], s.scratch[1], s.scratch[2], s.marks[0]
    spread = s.score[0] - s.score[m - 1]
    slope = p.dpp_theta / (2.0 * max(1.0 - p.dpp_theta, 0.01))
    for j in range(m):
        quality[j] = 1.0
        if spread > 0.0:
            # exp(a (r - 1)): a common factor of all q changes no choice and keeps numbers small.
            quality[j] = exp32(slope * ((s.score[j] - s.score[0]) / spread))
        left[j] = quality[j] * quality[j]
    wanted = min(m, int(p.dpp_keep))
    fours = m - m % 4
    for k in range(wanted):
        # The first of the largest. Four searches side by side, since each has to wait for its last comparison.
        best, second, third, fourth = 0, 0, 0, 0
        top, top2, top3, top4 = left[0], left[0], left[0], left[0]
        for j in range(0, fours, 4):
            if left[j] > top:
                top, best = left[j], j
            if left[j + 1] > top2:
                top2, second = left[j + 1], j + 1
            if left[j + 2] > top3:
                top3, third = left[j + 2], j + 2
            if left[j + 3] > top4:
                top4, fourth = left[j + 3], j + 3
        if top2 > top or (top2 == top and second < best):
            top, best = top2, second
        if top3 > top or (top3 == top and third < best):
            top, best = top3, third
        if top4 > top or (top4 == top and fourth < best):
            top, best = top4, fourth
        for j in range(fours, m):
            if left[j] > top:
                top, best = left[j], j
        if left[best] <= NOTHING:
            break
        kept[best] = 1
        root = np.sqrt(left[best])
        for j in range(m):
            row[j] = 0.0
        for t in range(len(s.topic)):
            part = s.topic[t, best]
            if part != 0.0:
                for j in range(m):
                    row[j] += part * s.topic[t, j]
        weight = quality[best] * (1.0 - p.dpp_own)
        for j in range(m):
            row[j] = weight * row[j] * quality[j]
        done = k - k % 4
        for n in range(0, done, 4):  # four rows at a time, in the same order
            a, b, c, d = s.matrix[n, best], s.matrix[n + 1, best], s.matrix[n + 2, best], s.matrix[n + 3, best]
            for j in range(m):
                rest = row[j] - a * s.matrix[n, j] - b * s.matrix[n + 1, j]
                row[j] = rest - c * s.matrix[n + 2, j] - d * s.matrix[n + 3, j]
        for n in range(done, k):
            part = s.matrix[n, best]
            for j in range(m):
                row[j] -= part * s.matrix[n, j]
        for j in range(m):
            # The item's own part is on the diagonal alone, and the chosen entry is never asked again.
            entry = row[j] / root
            s.matrix[k, j] = entry
            left[j] = left[j] - entry * entry
        left[best] = -np.inf
    place = 0
    for j in range(m):
        if kept[j] == 1:
            s.order[place] = j
            place += 1
