"""Everything in the person's language, newest first, the same for all.

Source: the oldest order of feeds; order by time of posting (the-algorithm, home-mixer README, on "Following"). No
engagement enters; an actor can only post more, which is no door of the list but an influence all the same. All visits
of a step look at its end, so where more is posted in a step than people look at, the last posts of each step get the
views and the first ones none. The moment within the step is drawn, so that this favours nobody.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    meta={
        "title": "everything, newest first", "source": "the-algorithm, home-mixer README (order)", "evidence": "[C]",
        "date": "2023-07-07", "doors": (), "stratum": "region", "inbox": "none", "explores": False,
        "ordering": "order", "sources": {"ranked": 0.75, "discovery": 0.25},
    },
)  # fmt: skip
def chrono(f, p):
    """Time of posting."""
    return f.created_h
