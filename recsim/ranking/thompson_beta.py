"""Thompson sampling of like rates: every video's score is a draw of what its like rate may be.

Source: xai-org/x-algorithm at commit 625f9e30 (an option for new authors' posts, off in production): one draw from
Beta(0.75 + favourites, 49.25 + views - favourites); the prior's mean is 1.5 %. There it fills a few slots, here it orders the
whole feed within language and region; one draw per video and step, shared by all viewers.

Counters are scaled up to one real video first, so that the prior weighs what it weighs in reality. Likes bought for a video
that few have seen move its rate most (doors E1, E4).
"""

from __future__ import annotations

import math

import numpy as np

from recsim import rng
from recsim.kernels.beta import beta_quantiles
from recsim.ranking.learned import Learned, View
from recsim.ranking.policy import policy

VIEW, LIKE = 0, 2


def posterior_draws(view: View) -> Learned:
    """One draw of each live item's like rate; the ranges of the priors are those for which draws are accurate."""
    likes0, others0 = view.parameters["prior_likes"], view.parameters["prior_others"]
    counts = view.counts[view.first : view.last]
    likes = counts[:, LIKE] * view.weight
    others = np.maximum(counts[:, VIEW] - counts[:, LIKE], 0) * view.weight
    u = np.ascontiguousarray(view.draw(0)[:, 0])
    out = np.empty(len(u), np.float32)
    beta_quantiles(u, rng.normals(u), likes0 + likes, others0 + others, out)
    return Learned(rows={"drawn_rate": out})


@policy(
    prior_likes=0.75, prior_others=49.25,
    meta={
        "title": "Thompson sampling of like rates", "source": "xai-org/x-algorithm 625f9e30 (prior); use for a whole feed ours",
        "evidence": "[C]", "date": "2026-08-14", "doors": ("E1", "E4"), "stratum": "region", "inbox": "none",
        "ordering": "order",
        "sources": {"trending": 0.15, "regional": 0.6, "discovery": 0.25}, "refit": posterior_draws, "refit_hours": 1, "log_days": 0,
        "learns": ("drawn_rate",),
        "ranges": {"prior_likes": (0.5, math.inf), "prior_others": (20, math.inf)},
    },
)  # fmt: skip
def thompson_beta(f, p):
    """The draw."""
    return f.drawn_rate
