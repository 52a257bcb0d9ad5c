"""The ranking weights that X published in August 2026.

Source: xai-org/x-algorithm at commit 625f9e30 (README dated 14 August 2026): ``home-mixer/params/param.rs`` for the
weights, ``home-mixer/scorers/ranking_scorer.rs`` for the offset rule and the out-of-network factor. Sums of the
published weights without the continuous heads: 43.32 positive, 367.22 negative, 410.54 together.

Heads in this simulator: favourite = like, repost = share, reply = comment, follow author = follow, quality video view =
watching to the end, of a video of at least ``vqv_least_s`` as published, dwell time = expected seconds watched, not
interested = hide, report = report. Without a counterpart, and zero here: quotes, shares (by message and link, too), clicks
(of the post, of links, of quoted posts), photos and videos opened, blocks, mutes, "not dwelled", posts by authors not yet
explored, and the bonus for replies among mutual followers; their weights stay in the published sums. What the
probabilities are is up to the predictor (``platform.predictor.kind``): the production model is not public.

Re-ranked as published: the slot for new authors, author diversity, and the DPP that keeps 50 of 150. The out-of-network
factor, published between the last two, is part of the score here. That gives the same order unless an author's posts reach
a person both ways, and but for the new author's post: lifted to the score at its place, it is not lowered by the factor
afterwards, so it stands higher than published.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy
from recsim.ranking.rerank.author_diversity import author_diversity
from recsim.ranking.rerank.cold_start import cold_start
from recsim.ranking.rerank.dpp import dpp

NEGATIVE_SUM = 367.22
WEIGHT_SUM = 410.54
OFFSET = 0.001


def shifted_2026(total):
    """Scores stay positive and in order: a non-negative sum is raised, a negative one squeezed below the offset."""
    return total + OFFSET if total >= 0 else (total + NEGATIVE_SUM) / WEIGHT_SUM * OFFSET


@policy(
    w_like=0.5, w_comment=5.0, w_share=1.0, w_follow=4.0, w_complete=0.05, w_play_s=0.004, w_hide=-43.2,
    w_report=-234.0, out_of_network=0.75, vqv_least_s=10.0,
    meta={
        "title": "X ranking weights of August 2026: weighted predicted actions, out-of-network factor",
        "source": "xai-org/x-algorithm 625f9e30", "evidence": "[C]", "date": "2026-08-14",
        "doors": ("E1", "E2", "E3", "E5"), "inbox": "all",
        "rerank": (cold_start, author_diversity, dpp), "rerank_top": 150,
        "ranges": {"out_of_network": (0, math.inf)},
    },
)  # fmt: skip
def x_2026_08(f, p):
    """Weighted sum of predicted actions, made positive, times the out-of-network factor."""
    good = p.w_like * f.p_like + p.w_comment * f.p_comment + p.w_share * f.p_share + p.w_follow * f.p_follow
    good = good + (p.w_complete * f.p_complete if f.length_s >= p.vqv_least_s else 0.0) + p.w_play_s * f.e_play
    score = shifted_2026(good + p.w_hide * f.p_hide + p.w_report * f.p_report)
    return score if f.in_network else p.out_of_network * score
