"""Expected watch time, as YouTube published it in 2016.

Source: Covington, Adams and Sargin, "Deep Neural Networks for YouTube Recommendations" (RecSys 2016), read in secondary
pages [P]: a logistic regression whose positives are weighted by watch time serves exp(Wx + b), the odds, which is about
E[T] (1 + P), and near E[T] where the chance of a click P is small. Videos start by themselves here, so there is no click,
and the score is E[T] itself, from our predictor. The pool by estimated interest stands for the nearest neighbours of the
embedding.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    meta={
        "title": "expected watch time (YouTube, 2016)", "source": "Covington, Adams and Sargin, RecSys 2016",
        "evidence": "[P]", "date": "2016", "doors": ("E1", "E2"),
    },
)  # fmt: skip
def yt_watchtime(f, p):
    """Seconds this person is expected to watch."""
    return f.e_play
