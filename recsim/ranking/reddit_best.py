"""Reddit's "best": lower bound of the share of upvotes (Wilson), whatever the age.

Source: reddit-archive/reddit, ``r2/r2/lib/db/_sorts.pyx``; written for comments, used here for items. The bound is
(q + z^2/2n - z sqrt(q (1-q)/n + z^2/4n^2)) / (1 + z^2/n), with q = ups/n and n = ups + downs, 0 without votes. It is
computed in an equal form without a difference of nearly equal numbers, 2 ups q / (2 ups + z^2 + z sqrt(z^2 + 4 ups
(1-q))), so that float32 keeps its digits. The publisher computes in 32 bits too.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy


@policy(
    z=1.281551565545,
    meta={
        "title": "Reddit best: Wilson bound of the share of upvotes (made for comments)",
        "source": "reddit-archive/reddit, r2/r2/lib/db/_sorts.pyx", "evidence": "[C]", "doors": ("E1", "E5"),
        "stratum": "region", "inbox": "none", "ordering": "order", "sources": {"ranked": 0.75, "discovery": 0.25},
        "ranges": {"z": (0, math.inf)},
    },
)  # fmt: skip
def reddit_best(f, p):
    """Lower bound of the 80 % interval."""
    n = f.ups + f.downs
    if n <= 0:
        return 0.0
    share = f.ups / n
    spread = p.z * math.sqrt(p.z * p.z + 4.0 * f.ups * (1.0 - share))
    return 2.0 * f.ups * share / (2.0 * f.ups + p.z * p.z + spread)
