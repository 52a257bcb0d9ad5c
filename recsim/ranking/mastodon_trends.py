"""Mastodon's trending posts: (o - 1)^2, halved every two hours, o = boosts + favourites, within the language.

Source: Mastodon, ``app/models/trends/statuses.rb``: nothing below 5 interactions; dropped once below 0.3. The published
list ends there, a feed must go on: posts that do not trend follow, newest first (``rest`` per hour of age; 0 gives the
published 0). Like all counts that a policy reads, these are of one real post.

Review (``reviewed``, off unless set to 1): only posts that moderators have let through trend. As published, review is
requested for a trending post whose score is above that of the last allowed one among the first three of its language,
or above 0 where none of the three is allowed. Ours: the answer comes ``review_h`` hours later and is yes for the share
``approved`` of posts, drawn once per post; there a moderator may also let an account through for good. Without review
the policy is the upper bound of what engagement can do. Scores for the request are those at the start of a step.
"""

from __future__ import annotations

import math

import numpy as np

from recsim import rng
from recsim.ranking.learned import Learned, View
from recsim.ranking.policy import policy

LIKE, SHARE = 2, 4
LN_HALF = np.float32(-0.6931472)


def review(view: View) -> Learned:
    """Which live posts may trend."""
    p, live = view.parameters, slice(view.first, view.last)
    if not p["reviewed"]:
        return Learned(rows={"allowed": np.ones(view.last - view.first, np.float32)})
    asked, passes = _kept(view, "asked", -1), _kept(view, "passes", 0)
    answered = (asked >= 0) & ((view.now - asked) * view.step_hours >= p["review_h"])
    allowed = answered & (passes > 0)
    score = trending_scores(
        view.counts[live] * view.weight, (view.now - view.created[live]) * np.float32(view.step_hours), p
    )
    for language in np.unique(view.language[live]):
        here = np.flatnonzero((view.language[live] == language) & (score > 0))
        first = here[np.argsort(-score[here], kind="stable")][: int(p["review_rank"])]
        known = first[allowed[first]]
        least = score[known[-1]] if len(known) else 0.0
        asked[here[(score[here] > least) & (asked[here] < 0)]] = view.now
    new = asked == view.now
    passes[new] = view.draw(0)[new, 0] < p["approved"]
    # What is answered at once may trend at once.
    allowed |= new & (passes > 0) & (p["review_h"] <= 0)
    return Learned(rows={"allowed": allowed.astype(np.float32)}, memory={"asked": asked, "passes": passes})


def trending_scores(counts: np.ndarray, age_h: np.ndarray, p) -> np.ndarray:
    """The published score, 0 for what does not trend.

    Args:
        counts: (W, 10) float64, of one real post. age_h: (W,) float32. p: parameters by name.

    Returns:
        (W,) float32.
    """
    observed = (counts[:, LIKE] + counts[:, SHARE]).astype(np.float32)
    surplus = observed - np.float32(p["expected"])
    score = (
        surplus * surplus / np.float32(p["expected"]) * rng.exponentials(LN_HALF * age_h / np.float32(p["half_life_h"]))
    )
    trends = (observed >= p["threshold"]) & (surplus >= 0) & (score >= np.float32(p["decay_threshold"]))
    return np.where(trends, score, np.float32(0.0))


def _kept(view: View, name: str, empty: int) -> np.ndarray:
    """(W,) int64, what was remembered of posts that are still alive; ``empty`` for new ones."""
    out = np.full(view.last - view.first, empty, np.int64)
    low, high = max(view.first, view.known[0]), min(view.last, view.known[1])
    if name in view.memory and low < high:
        out[low - view.first : high - view.first] = view.memory[name][low - view.known[0] : high - view.known[0]]
    return out


@policy(
    threshold=5.0, expected=1.0, half_life_h=2.0, decay_threshold=0.3, rest=1.0, reviewed=0.0, review_rank=3.0,
    review_h=6.0, approved=1.0,
    meta={
        "title": "Mastodon trends, with the moderators' review if asked for",
        "source": "Mastodon, app/models/trends/statuses.rb; delay and verdict of a review ours", "evidence": "[C]",
        "doors": ("E1",), "stratum": "region", "inbox": "none", "ordering": "order",
        "sources": {"ranked": 0.75, "discovery": 0.25}, "refit": review, "refit_hours": 1, "log_days": 0,
        "learns": ("allowed",),
        "ranges": {"reviewed": (0, 1), "review_rank": (0, math.inf), "review_h": (0, math.inf), "approved": (0, 1)},
        "positive": ("expected", "half_life_h"),
    },
)  # fmt: skip
def mastodon_trends(f, p):
    """Squared surplus of interactions, decayed; below the thresholds, and before its review, newest first."""
    observed = f.n_share + f.n_like
    if observed < p.threshold or observed < p.expected or f.allowed <= 0.0:
        return -p.rest * f.age_h
    surplus = observed - p.expected
    score = surplus * surplus / p.expected * 0.5 ** (f.age_h / p.half_life_h)
    return score if score >= p.decay_threshold else -p.rest * f.age_h
