"""Reach: what is recommended beyond followers, and how easily people pass things on."""

from __future__ import annotations

import numpy as np

from recsim.ranking.mitigation import Mitigation


def _too_fast(i, p):
    return i.views_per_h > p.times * np.float32(i.typical_views_per_h)


def _too_young(i, p):
    return i.age_h < p.hours


def _never(i, p):
    """Factor 0: not recommended at all, also where there is nothing else."""
    return i.is_candidate & (p.factor <= 0)


def _political(i, p):
    return np.where(i.is_candidate, p.factor, np.float32(1.0))


def _official(i, p):
    return i.official


def _kept(p):
    return 1.0 - float(p.reduction)


velocity_cap = Mitigation(
    name="velocity_cap", title="circuit breaker: items viewed far faster than others wait", article="35(1)(d)",
    closes=("E4",), source="our design; circuit breakers were asked for by civil society on the 2024 election guidelines",
    parameters={"times": 20.0}, units={"times": "multiples of the mean views per hour"}, holds=_too_fast,
)  # fmt: skip
cooldown = Mitigation(
    name="cooldown", title="no recommendation beyond followers in an item's first hours", article="35(1)(d)",
    closes=("E4",), source="our design; Mastodon's review of trends is a published relative",
    parameters={"hours": 24.0}, units={"hours": "hours"}, holds=_too_young,
)  # fmt: skip
friction = Mitigation(
    name="friction", title="a prompt before sharing", article="35(1)(a)", closes=(), evidence="[P]",
    source="WhatsApp's forward limit: about 25 % fewer forwards", parameters={"reduction": 0.25},
    units={"reduction": "share of shares not made, 0-1"}, keeps_shares=_kept,
)  # fmt: skip
political_downrank = Mitigation(
    name="political_downrank", title="items about candidates are demoted beyond followers", article="35(1)(d)",
    closes=("E1", "E2"), evidence="[P]", source="Meta, February 2024: 0; January 2025: 1", parameters={"factor": 0.0},
    units={"factor": "0-1"}, holds=_never, demotes=_political,
)  # fmt: skip
candidate_account_exclusion = Mitigation(
    name="candidate_account_exclusion", title="candidates' own accounts are not recommended", article="35(1)(d)",
    closes=("E1", "E3"), evidence="[C]", source="X 2026, published code: 665 accounts of candidates excluded in Brazil",
    holds=_official,
)  # fmt: skip
