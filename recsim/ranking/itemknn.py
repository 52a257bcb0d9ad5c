"""Item-based nearest neighbours: what resembles the videos you liked, because the same accounts liked both.

Source: textbook, from memory: cosine of the columns of the implicit-feedback matrix, the K nearest of every item,
summed over a person's history. Interactions are likes, shares and follows of the last two weeks. K, the length of a
history and the small share of the average score (which orders videos for people without a history) are ours.

Accounts of a campaign stand in the matrix like anybody else: by liking the videos of many people and a target they make
the target a neighbour of those videos (door E3).
"""

from __future__ import annotations

import numpy as np

from recsim.kernels.neighbours import nearest_items
from recsim.ranking.learned import Learned, View, distinct_pairs
from recsim.ranking.policy import policy


def neighbours(view: View) -> Learned:
    """The nearest live items of every item in the log, and what each person has liked."""
    most, nearest = int(view.parameters["history"]), int(view.parameters["neighbours"])
    pairs = distinct_pairs(view, most)
    number = len(pairs.items)
    by_item = np.argsort(pairs.place, kind="stable")
    live = np.where(pairs.items >= view.first, pairs.items - view.first, -1)
    place, similarity = np.full((number, nearest), -1, np.int32), np.zeros((number, nearest), np.float32)
    nearest_items(
        np.searchsorted(pairs.actor, np.arange(view.actors + 1)).astype(np.int64), pairs.place,
        np.searchsorted(pairs.place[by_item], np.arange(number + 1)).astype(np.int64), pairs.actor[by_item], live, place,
        similarity,
    )  # fmt: skip
    history = np.full((view.people, most), -1, np.int32)
    person = pairs.actor < view.people
    history[pairs.actor[person], pairs.rank[person]] = pairs.place[person]
    return Learned(history=history, neighbour=place, similarity=similarity)


@policy(
    neighbours=50, history=100, typical=0.1,
    meta={
        "title": "item-based nearest neighbours: cosine of co-engagement",
        "source": "textbook (from memory); K and history length ours", "evidence": "[M]", "doors": ("E2", "E3"),
        "ordering": "order", "refit": neighbours, "refit_hours": 24,
        "ranges": {"neighbours": (1, 10_000), "history": (1, 10_000)},
    },
)  # fmt: skip
def itemknn(f, p):
    """Sum of similarities to what she liked, and a little of what people on average would get."""
    return f.match + p.typical * f.typical_match
