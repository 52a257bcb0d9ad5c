"""Hacker News as published in news.arc: (points - 1)^0.8 over ((minutes + 120) / 60)^1.8.

Source: news.arc as quoted on two pages. Its factors for posts without a link (0.4), lightweight sites (0.3, later 0.17)
and controversy have no counterpart here and are left out, and so is the front page's threshold, which changes no order.
Points are likes and the submitter's own one.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    gravity=1.8, timebase_min=120.0, exponent=0.8,
    meta={
        "title": "Hacker News, news.arc without penalties", "source": "news.arc, as quoted", "evidence": "[P]",
        "doors": ("E1",), "stratum": "region", "inbox": "none", "ordering": "order",
        "sources": {"ranked": 0.75, "discovery": 0.25},
        "positive": ("timebase_min",),
    },
)  # fmt: skip
def hn_arc(f, p):
    """A power of others' points over a power of age."""
    others = f.ups - 1.0
    base = others**p.exponent if others > 0 else others
    return base / ((60.0 * f.age_h + p.timebase_min) / 60.0) ** p.gravity
