"""SimSoM's choice of what to pass on, in the feed it was published for: a follow-graph world.

Source: as `recsim.ranking.simsom`: probability proportional to appeal x shares x exp(-0.4 t^0.4), shares and t being
the counters of the slot. `simsom` is the same rule where appeal is not known and a pool is ranked.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy


@policy(
    rate=0.4, exponent=0.4,
    meta={
        "title": "SimSoM's rule in a person's own feed: appeal x shares x recency, drawn in proportion",
        "source": "osome-iu/SimSoM, libs/simsom/model.py (product of the code)", "evidence": "[C]",
        "date": "2024-07-17", "doors": ("E1", "E3"), "uses_pool": False, "inbox": "all", "explores": False,
        "choice": "proportion",
        "ranges": {"rate": (0, math.inf)}, "positive": ("exponent",),
    },
)  # fmt: skip
def simsom_feed(f, p):
    """Appeal times shares times recency."""
    return f.slot_appeal * f.slot_shares * math.exp(-p.rate * max(f.slot_age, 0.0) ** p.exponent)
