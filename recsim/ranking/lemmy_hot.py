"""Lemmy's "hot": log10(max(2, score + 2)) / (hours + 2)^1.8 within a week.

Source: Lemmy, ``migrations/2023-10-23-184941_hot_rank_greatest_fix``. Earlier versions differ: max(1, score + 3)
(``least=1 shift=3`` here), whole numbers of 10000 times that, and in 2019 a signed logarithm. The published condition
0 < hours excludes the instant of posting, when the column's default holds, which is the formula at 0; so 0 counts here.
``lemmy_scaled`` divides by the activity of a community; there are no communities here, so it is left out.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy


@policy(
    gravity=1.8, least=2.0, shift=2.0, window_h=168.0,
    meta={
        "title": "Lemmy hot", "source": "Lemmy, migrations/2023-10-23-184941_hot_rank_greatest_fix", "evidence": "[C]",
        "date": "2023-10-23", "doors": ("E1", "E5"), "stratum": "region", "inbox": "none", "explores": False,
        "ordering": "order", "sources": {"ranked": 0.75, "discovery": 0.25},
        "positive": ("least",),
    },
)  # fmt: skip
def lemmy_hot(f, p):
    """Logarithm of net votes over a power of age."""
    if f.age_h < 0 or f.age_h >= p.window_h:
        return 0.0
    return math.log10(max(p.least, f.ups - f.downs + p.shift)) / (f.age_h + 2.0) ** p.gravity
