"""One post of a small author is lifted to a fixed place.

Source: X's author cold start (`ranking_scorer.rs`, 14 August 2026): the best eligible post gets at least the score at
0-based place 15. Eligible: author with at most 1000 followers, fewer than 1000 impressions, within the first 85 % of
the list. It comes before author diversity. Followers are converted to the simulated size. Inauthentic
accounts run by one actor can compete for the place: it is a door of its own.
"""

from __future__ import annotations

from recsim.ranking.reranker import reranker


@reranker(
    cold_followers=1000.0,
    cold_impressions=1000.0,
    cold_place=15.0,
    cold_part=0.85,
    meta={
        "title": "one post of a small author is lifted to place 15",
        "source": "x-algorithm, home-mixer ranking_scorer.rs (author cold start)",
        "evidence": "[C]",
        "date": "2026-08-14",
        "doors": ("E4",),
        "ranges": {"cold_part": (0, 1)},
    },
)
def cold_start(s, p):
    """The best eligible entry gets max(own score, score at the place)."""
    m = len(s.score)
    place = int(p.cold_place)
    if place < 0 or place >= m:
        return
    for k in range(min(m, int(p.cold_part * float(m)))):
        small = s.author_followers[k] <= p.cold_followers * s.scale
        if small and s.impressions[k] < p.cold_impressions * s.item_scale:
            s.score[k] = max(s.score[k], s.score[place])
            return
