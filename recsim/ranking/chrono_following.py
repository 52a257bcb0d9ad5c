"""Followed accounts, newest first, nothing else.

Source: "Following" feeds of all platforms; order by time of posting (the-algorithm, home-mixer README). The follow
list is the person's own explicit choice, not profiling (DSA Art. 38).
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    meta={
        "title": "followed accounts, newest first",
        "source": "the-algorithm, home-mixer README (order)",
        "evidence": "[C]",
        "date": "2023-07-07",
        "doors": ("E3",),
        "stratum": "region",
        "uses_pool": False,
        "inbox": "all",
        "explores": False,
        "ordering": "order",
    },
)
def chrono_following(f, p):
    """Time of posting."""
    return f.created_h
