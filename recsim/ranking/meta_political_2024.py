"""Meta's default of 2024: no political content recommended from accounts that the person does not follow.

Source: Meta's announcement of February 2024 and its reversal of 7 January 2025, transparency.meta.com, read in
secondary pages [P]. The factor on political items by strangers is 0 (``political_oon``; 1 is the reversal); items by followed
accounts keep their score. The ranker beneath is `msi_2020`, our choice, for Meta's of 2024 is not published. What counts
as political is here what is about an electoral candidate (``is_candidate``), a narrower label than Meta's. New items have no
trial on strangers, because that would recommend them unscored; searches and outside links still find them. An item of
score 0 can be served once nothing else in the pool is new to the person.
"""

from __future__ import annotations

import math

from recsim.ranking.msi import SHARES, interactions
from recsim.ranking.policy import policy


def political(f, p):
    """The factor on items about a candidate from outside the network."""
    return p.political_oon if f.is_candidate and not f.in_network else 1.0


@policy(
    w_like=1.0, w_warm=2.0, w_anger=0.0, w_reshare=5.0, w_comment=15.0, w_significant=30.0,
    warm_share=0.15, anger_share=0.05, significant_share=0.0, stranger=0.5, political_oon=0.0,
    meta={
        "title": "no political content from strangers (Meta, 2024), over msi_2020",
        "source": "Meta, Feb 2024, reversed 7 Jan 2025; the ranker beneath is our choice", "evidence": "[P]",
        "date": "2024-02", "doors": ("E1", "E2", "E3"), "inbox": "all", "explores": False,
        "multiply": (political,),
        "ranges": {**SHARES, "political_oon": (0, math.inf)},
    },
)  # fmt: skip
def meta_political_2024(f, p):
    """Meaningful social interactions."""
    return interactions(f, p)
