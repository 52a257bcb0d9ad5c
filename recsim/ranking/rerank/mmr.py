"""Maximal marginal relevance: relevance against likeness to what stands above.

Source: Carbonell and Goldstein 1998: next comes ``argmax lambda rel(i) - (1 - lambda) max_{j above} sim(i, j)``; 0.7 is a
usual lambda. Likeness is the cosine of topic vectors. Relevance is the score, mapped to 0-1 over the entries (ours).
Only the first ``mmr_length`` places are set; the rest follow by score. Lambda 1 keeps the order.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.ranking.reranker import reranker


@reranker(
    mmr_lambda=0.7,
    mmr_length=50.0,
    meta={
        "title": "maximal marginal relevance over topics",
        "source": "Carbonell and Goldstein, SIGIR 1998 (form); lambda usual; scaling of scores ours",
        "evidence": "[P]",
        "date": "1998",
        "ranges": {"mmr_lambda": (0, 1), "mmr_length": (0, math.inf)},
    },
)
def mmr(s, p):
    """Take one entry after another; topic vectors have unit length, so their product is the cosine."""
    m = len(s.score)
    relevance, nearest, likeness, value = s.scratch[0], s.scratch[1], s.scratch[2], s.scratch[3]
    spread = s.score[0] - s.score[m - 1]
    for j in range(m):
        if spread > 0.0:
            relevance[j] = p.mmr_lambda * ((s.score[j] - s.score[m - 1]) / spread)
        value[j] = relevance[j]
    distance = 1.0 - p.mmr_lambda
    for k in range(min(m, int(p.mmr_length))):
        best = 0
        for j in range(1, m):
            if value[j] > value[best]:
                best = j
        s.order[k] = best
        relevance[best] = -np.inf  # taken
        for j in range(m):
            likeness[j] = 0.0
        for d in range(len(s.topic)):
            part = s.topic[d, best]
            if part != 0.0:
                for j in range(m):
                    likeness[j] += part * s.topic[d, j]
        for j in range(m):
            nearest[j] = max(nearest[j], likeness[j])
            value[j] = relevance[j] - distance * nearest[j]
