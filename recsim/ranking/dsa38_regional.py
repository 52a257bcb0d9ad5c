"""The non-profiled regional feed: popular items of the person's region and language (DSA Art. 38).

Source: Regulation (EU) 2022/2065 Art. 38 asks for one option per recommender that is not based on profiling; that
TikTok's shows locally and globally popular videos is from memory [M]. Region and language are context of the
request, not behaviour.
"""

from __future__ import annotations

from recsim.ranking.policy import policy
from recsim.ranking.popular_decayed import popularity


@policy(
    w_view=0.0, w_like=1.0, w_comment=2.0, w_share=3.0,
    meta={
        "title": "non-profiled regional feed (DSA Art. 38)",
        "source": "Regulation (EU) 2022/2065 Art. 38; form of the feed from memory; weights ours",
        "evidence": "[M]", "doors": ("E1",), "stratum": "region", "inbox": "none",
        "sources": {"regional": 0.5, "trending": 0.35, "discovery": 0.15},
    },
)  # fmt: skip
def dsa38_regional(f, p):
    """Popularity."""
    return popularity(f, p)
