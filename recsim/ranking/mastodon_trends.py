"""Mastodon's trending posts: (o - 1)^2, halved every two hours, o = boosts + favourites, within the language.

Source: Mastodon, ``app/models/trends/statuses.rb``: nothing below 5 interactions; dropped once below 0.3. Two declared
differences. The published list ends there, a feed must go on: posts that do not trend follow, newest first (``rest`` per
hour of age; 0 gives the published 0). And moderators decide there what may trend; that queue is not modelled, so this
is the upper bound of what engagement can do. The threshold counts simulated events, each of which stands for many.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    threshold=5.0, expected=1.0, half_life_h=2.0, decay_threshold=0.3, rest=1.0,
    meta={
        "title": "Mastodon trends, without the moderators' review",
        "source": "Mastodon, app/models/trends/statuses.rb", "evidence": "[C]", "doors": ("E1",),
        "stratum": "region", "inbox": "none", "ordering": "order", "sources": {"ranked": 0.75, "discovery": 0.25},
    },
)  # fmt: skip
def mastodon_trends(f, p):
    """Squared surplus of interactions, decayed; below the thresholds newest first."""
    observed = f.n_share + f.n_like
    if observed < p.threshold or observed < p.expected:
        return -p.rest * f.age_h
    surplus = observed - p.expected
    score = surplus * surplus / p.expected * 0.5 ** (f.age_h / p.half_life_h)
    return score if score >= p.decay_threshold else -p.rest * f.age_h
