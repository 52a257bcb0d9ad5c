"""Hacker News as popularly told: (points - 1) / (hours + 2)^1.8.

Source: the formula of many pages, such as amix.dk, "How Hacker News ranking algorithm works". It leaves out the
exponent 0.8 of the published program (`hn_arc`) and all penalties. Points are likes and the submitter's own one.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    gravity=1.8,
    meta={
        "title": "Hacker News, the popular formula", "source": "amix.dk and others", "evidence": "[P]",
        "doors": ("E1",), "stratum": "region", "inbox": "none", "ordering": "order",
        "sources": {"ranked": 0.75, "discovery": 0.25},
    },
)  # fmt: skip
def hn_popular(f, p):
    """Points of others over a power of age."""
    return (f.ups - 1.0) / (f.age_h + 2.0) ** p.gravity
