"""LinUCB with one linear model for all: expected likes, and a bonus for what is still uncertain.

Source: Li, Chu, Langford, Schapire 2010 (arXiv 1003.0146, from memory): A = I + sum x x', theta = A^-1 sum r x, score =
theta . x + alpha sqrt(x' A^-1 x). The paper has one model per arm; videos live too shortly for that, so all share one, and
the context is ours: intercept, log(1 + decayed likes per hundred decayed views), exp(-age / 24 h), estimated interest of the
person in the video. The reward is a like. alpha 1 is ours.

All impressions enter A by exact sums after every step. Likes by accounts of a campaign are rewards like any other.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.kernels.bandit import TERMS, add_impressions, contexts, ridge_estimate, split_bound
from recsim.ranking.learned import Learned, View
from recsim.ranking.policy import policy

ROWS = ("expected", "per_interest", "width_0", "width_1", "width_2")


def bandit(view: View) -> Learned:
    """Sums over all impressions so far, and the score's parts for every live item."""
    memory = view.memory
    precision = np.array(memory.get("precision", np.zeros((TERMS, TERMS))))
    reward = np.array(memory.get("reward", np.zeros(TERMS)))
    if "context" in memory:
        shown = memory["context"]
        add_impressions(view.known[0], shown, view.counts, view.counted, view.context, precision, reward)
    weight = np.zeros(TERMS)
    inverted = ridge_estimate(precision, reward, weight)
    age = ((view.now - view.created[view.first : view.last]) * np.float32(view.step_hours)).astype(np.float32)
    context = np.zeros((view.last - view.first, TERMS - 1))
    contexts(view.first, view.last, view.decayed, age, context)
    out = np.zeros((len(ROWS), len(context)), np.float32)
    split_bound(context, weight, inverted, out)
    return Learned(
        rows=dict(zip(ROWS, out, strict=True)), memory={"precision": precision, "reward": reward, "context": context}
    )


@policy(
    alpha=1.0,
    meta={
        "title": "LinUCB with a shared linear model of likes",
        "source": "arXiv 1003.0146 (from memory); context and alpha ours", "evidence": "[M]", "date": "2010-02-28",
        "doors": ("E1", "E2"), "ordering": "order", "refit": bandit, "refit_hours": 1, "log_days": 0, "learns": ROWS,
        "ranges": {"alpha": (0, math.inf)},
    },
)  # fmt: skip
def linucb(f, p):
    """Score theta . x + alpha sqrt(x' A^-1 x), with x split into the video's part and the person's interest."""
    expected = f.expected + f.per_interest * f.affinity
    width = f.width_0 + f.width_1 * f.affinity + f.width_2 * f.affinity * f.affinity
    return expected + p.alpha * math.sqrt(max(width, 0.0))
