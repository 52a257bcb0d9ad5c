"""FA*IR: every prefix of the list holds at least a minimum number of entries of a protected group.

Source: Zehlike et al., CIKM 2017 (arXiv 1706.06368): the minimum at place i is the alpha-quantile of a binomial
distribution with i trials and chance ``share``; without the correction of alpha for multiple tests. Protected here:
posts of authors with few followers, a neutral and observable trait (ours; followers are converted to the simulated
size). Where the minimum is not met, the best protected entry comes next, else the best of all. If the list has too
few protected entries, the minimum is missed from there on.
"""

from __future__ import annotations

import numpy as np

from recsim.ranking.reranker import reranker

PLACES = 400


def least_protected(values):
    """(400,) int64: minimum number of protected entries among the first 1, 2, ... places.

    The smallest number whose cumulative binomial chance reaches alpha (but for rounding). Built up by additions and multiplications in
    double precision, so that it is the same on every machine.

    Args:
        values: parameters by name.
    """
    share, alpha = float(values["fa_ir_share"]), float(values["fa_ir_alpha"])
    chance = np.zeros(PLACES + 1)
    chance[0] = 1.0
    out = np.zeros(PLACES, np.int64)
    for place in range(PLACES):
        chance[1:] = chance[1:] * (1.0 - share) + chance[:-1] * share
        chance[0] = chance[0] * (1.0 - share)
        reached, number = chance[0], 0
        while reached < alpha * (1.0 - 1e-9) and number <= place:
            number += 1
            reached += chance[number]
        out[place] = number
    return out


@reranker(
    fa_ir_share=0.25,
    fa_ir_alpha=0.1,
    fa_ir_followers=1000.0,
    meta={
        "title": "a minimum of small authors in every prefix of the list",
        "source": "Zehlike et al., CIKM 2017; shares as in its README; protected group ours",
        "evidence": "[P]",
        "date": "2017",
        "doors": ("E3",),
        "table": least_protected,
        "ranges": {"fa_ir_share": (0, 1), "fa_ir_alpha": (0, 1)},
    },
)
def fa_ir(s, p):
    """Two queues by score; ``s.table[i]`` is the minimum among the first i + 1 places."""
    m = len(s.score)
    most = p.fa_ir_followers * s.scale
    small, other, have = 0, 0, 0
    for k in range(m):
        while small < m and s.author_followers[small] > most:
            small += 1
        while other < m and s.author_followers[other] <= most:
            other += 1
        needed = float(have) < s.table[k]
        if small < m and (needed or other >= m or small < other):
            s.order[k] = small
            small += 1
            have += 1
        else:
            s.order[k] = other
            other += 1
