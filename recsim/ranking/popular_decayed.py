"""Decayed popularity: the same order for everybody who shares a language.

Source: textbook weighted sum of decayed counters; half-life from the scenario's predictor (X's SimClusters uses 8 h,
the-algorithm, ``summingbird/common/Configs.scala``). The weights are ours.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


def popularity(f, p):
    """Weighted decayed events, plus a little so that an item without any has a logarithm."""
    return p.w_view * f.d_views + p.w_like * f.d_like + p.w_comment * f.d_comment + p.w_share * f.d_share + 0.01


@policy(
    w_view=0.0, w_like=1.0, w_comment=2.0, w_share=3.0,
    meta={
        "title": "decayed popularity", "source": "textbook; weights ours", "evidence": "[D]", "doors": ("E1",),
        "stratum": "region", "inbox": "none", "sources": {"trending": 0.85, "discovery": 0.15},
    },
)  # fmt: skip
def popular_decayed(f, p):
    """Popularity."""
    return popularity(f, p)
