"""Facebook's "meaningful social interactions": points per predicted action times closeness.

Source: points of 2018 in the press on internal documents: like 1, reaction 5, reshare 5 (Washington Post, 26 October
2021, read in secondary pages [P]); comment 15, significant comment 30, less for strangers (Wall Street Journal,
September 2021, from memory [M]). By 2020 love and sad counted two likes and anger nothing [P]; what became of the
other points is not known to us, so they are kept. Ours [D], to be swept: the factor for strangers (published only as
"below 1"), the shares of reactions among likes (our worlds have one such action), and that no comment is significant.
Answers to events, messages and groups have no counterpart.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy

SOURCE = "Washington Post 26 Oct 2021 (like, reactions, reshare); WSJ Sept 2021 (comments), from memory; rest ours"
SHARES = {
    "warm_share": (0.0, 1.0), "anger_share": (0.0, 1.0), "significant_share": (0.0, 1.0), "stranger": (0.0, math.inf),
}  # fmt: skip


def interactions(f, p):
    """Points of the predicted actions times closeness; reactions are declared shares of likes, plain ones what is left of them."""
    plain = max(1.0 - p.warm_share - p.anger_share, 0.0)
    like = p.w_like * plain + p.w_warm * p.warm_share + p.w_anger * p.anger_share
    comment = p.w_comment * (1.0 - p.significant_share) + p.w_significant * p.significant_share
    points = like * f.p_like + p.w_reshare * f.p_share + comment * f.p_comment
    return points if f.in_network else p.stranger * points


@policy(
    w_like=1.0, w_warm=5.0, w_anger=5.0, w_reshare=5.0, w_comment=15.0, w_significant=30.0,
    warm_share=0.15, anger_share=0.05, significant_share=0.0, stranger=0.5,
    meta={
        "title": "meaningful social interactions, points of 2018", "source": SOURCE, "evidence": "[P] [M]",
        "date": "2018", "doors": ("E1", "E2", "E3"), "inbox": "all", "ranges": SHARES,
    },
)  # fmt: skip
def msi_2018(f, p):
    """Every reaction counts five likes."""
    return interactions(f, p)


@policy(
    w_like=1.0, w_warm=2.0, w_anger=0.0, w_reshare=5.0, w_comment=15.0, w_significant=30.0,
    warm_share=0.15, anger_share=0.05, significant_share=0.0, stranger=0.5,
    meta={
        "title": "meaningful social interactions, reactions of 2020", "source": SOURCE, "evidence": "[P] [M]",
        "date": "2020", "doors": ("E1", "E2", "E3"), "inbox": "all", "ranges": SHARES,
    },
)  # fmt: skip
def msi_2020(f, p):
    """Love and sad count two likes, anger nothing."""
    return interactions(f, p)
