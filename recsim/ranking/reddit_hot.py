"""Reddit's "hot": a decade of votes is worth 12.5 hours.

Source: reddit-archive/reddit, ``r2/r2/lib/db/_sorts.pyx``: sign(s) log10(max(|s|, 1)) + (t - 1134028003) / 45000, s = ups - downs,
t in seconds since 1970. The publisher rounds to seven decimals, which float32 cannot hold and which changes no order
here. In the simulator the time has steps of 128 s, worth 0.003, less than one step of a world. Downvotes have no
counterpart in a video feed; hides and reports stand for them.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy


@policy(
    epoch_s=1134028003.0, decade_s=45000.0,
    meta={
        "title": "Reddit hot: log of net votes plus time of posting", "source": "reddit-archive/reddit, r2/r2/lib/db/_sorts.pyx",
        "evidence": "[C]", "doors": ("E1", "E5"), "stratum": "region", "inbox": "none",
        "explores": False, "ordering": "order", "sources": {"ranked": 0.75, "discovery": 0.25},
        "positive": ("decade_s",),
    },
)  # fmt: skip
def reddit_hot(f, p):
    """Signed logarithm of net votes, plus age on a common scale."""
    net = f.ups - f.downs
    order = math.log10(max(abs(net), 1.0))
    signed = order if net > 0 else (-order if net < 0 else 0.0)
    return signed + (f.created_s - p.epoch_s) / p.decade_s
