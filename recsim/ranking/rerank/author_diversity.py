"""An author's second, third, ... entry counts for less.

Source: X's author diversity factor ``(1 - floor) decay^k + floor`` for the author's entry number k = 0, 1, ... by
score; 0.5 and 0.25 in the trees of July 2023 and August 2026 (`HeuristicScorer`, `ranking_scorer.rs`). There all scores
are positive. A negative score is divided by the factor instead, since multiplying would raise it (ours).
"""

from __future__ import annotations

from recsim.ranking.reranker import reranker


@reranker(
    author_decay=0.5,
    author_floor=0.25,
    meta={
        "title": "an author's further entries count for less",
        "source": "x-algorithm, home-mixer ranking_scorer.rs; the-algorithm, HeuristicScorer",
        "evidence": "[C]",
        "date": "2026-08-14",
        "ranges": {"author_decay": (0, 1), "author_floor": (0, 1)},
    },
)
def author_diversity(s, p):
    """Multiply by (1 - floor) decay^k + floor."""
    m = len(s.score)
    factor = s.scratch[0]
    power = 1.0
    for k in range(m):
        factor[k] = (1.0 - p.author_floor) * power + p.author_floor
        power = power * p.author_decay
    for k in range(m):
        who = s.author[k]
        earlier = 0
        for j in range(k):
            if s.author[j] == who:
                earlier += 1
        if s.score[k] >= 0.0:
            s.score[k] = s.score[k] * factor[earlier]
        else:
            s.score[k] = s.score[k] / max(factor[earlier], 1e-6)
