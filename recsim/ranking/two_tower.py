"""Two towers: the cosine between what is known of a person and what an item is about.

Source: the form (dot product of normalised towers over a temperature) is that of published retrieval models, among
them X's Phoenix [P]; temperature ours. The person's tower is learned online from her logged responses (the interest
estimate); the item's tower is its topics. Counters play no part, so engagement by other accounts moves nothing except through
what people are shown.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy


@policy(
    temperature=0.2,
    meta={
        "title": "two towers: cosine of learned interest and topics", "source": "published form; temperature ours",
        "evidence": "[P]", "date": "2026-08-14", "doors": (),
        "positive": ("temperature",),
    },
)  # fmt: skip
def two_tower(f, p):
    """exp(cosine / temperature): positive, so that its logarithm is the cosine."""
    return math.exp(f.cosine / p.temperature)
