"""Calibration: the topics of the list shall be in the proportions of the person's interests.

Source: Steck, RecSys 2018: greedily ``argmax (1 - lambda) sum of scores - lambda KL(p || (1 - alpha) q + alpha p)``, q the
mean topic shares of the list so far with the entry, p those of the person. Lambda 0.5 as in public code; alpha 0.01
from memory [M]. Ours: p is the softmax of the estimated interest, an item's shares are its topic vector over its sum,
scores are mapped to 0-1 over the entries. Only the first ``calibrated_length`` places are set. It profiles.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.kernels.mathf import exp32, log32
from recsim.ranking.reranker import reranker


@reranker(
    calibrated_lambda=0.5,
    calibrated_alpha=0.01,
    calibrated_sharpness=1.0,
    calibrated_length=50.0,
    meta={
        "title": "topics in the proportions of the person's estimated interests",
        "source": "Steck, RecSys 2018 (form); alpha from memory; scaling ours",
        "evidence": "[M]",
        "date": "2018",
        "ranges": {"calibrated_lambda": (0, 1), "calibrated_alpha": (0, 1), "calibrated_length": (0, math.inf)},
        "positive": ("calibrated_alpha",),
    },
)
def calibrated(s, p):
    """Only the part of -KL that depends on the entry is computed: topics that the entry has."""
    m, topics = len(s.score), len(s.topic)
    relevance, inverse, gain = s.scratch[0], s.scratch[1], s.scratch[2]
    wanted, listed = s.topic_scratch[0], s.topic_scratch[1]
    person_topics(s.interest, p.calibrated_sharpness, wanted)
    spread = s.score[0] - s.score[m - 1]
    for j in range(m):
        if spread > 0.0:
            relevance[j] = (1.0 - p.calibrated_lambda) * ((s.score[j] - s.score[m - 1]) / spread)
    for d in range(topics):
        for j in range(m):
            inverse[j] += s.topic[d, j]
    for j in range(m):
        inverse[j] = 1.0 / inverse[j]
    own = 1.0 - p.calibrated_alpha
    for k in range(min(m, int(p.calibrated_length))):
        share = own / float(k + 1)
        for j in range(m):
            gain[j] = 0.0
        for d in range(topics):
            floor = max(share * listed[d] + p.calibrated_alpha * wanted[d], 1e-30)
            without = log32(floor)
            weight = wanted[d]
            for j in range(m):
                # Without a branch, so that it becomes vector code; a topic that the entry lacks adds exactly nothing.
                gain[j] += weight * (log32(floor + share * (s.topic[d, j] * inverse[j])) - without)
        for j in range(m):
            gain[j] = relevance[j] + p.calibrated_lambda * gain[j]
        best = 0
        for j in range(1, m):
            if gain[j] > gain[best]:
                best = j
        s.order[k] = best
        relevance[best] = -np.inf  # taken
        for d in range(topics):
            listed[d] += s.topic[d, best] * inverse[best]


def person_topics(interest, sharpness, out):
    """Softmax of the estimated interest."""
    largest = interest[0]
    for d in range(len(interest)):
        largest = max(largest, interest[d])
    total = 0.0
    for d in range(len(interest)):
        out[d] = exp32(sharpness * (interest[d] - largest))
        total = total + out[d]
    for d in range(len(interest)):
        out[d] = out[d] / total
