"""Weights: what an account's actions count for the platform."""

from __future__ import annotations

import numpy as np

from recsim.ranking.mitigation import Mitigation


def _trust(a, p):
    """min(1, age / full age) x trust."""
    return np.minimum(np.float32(1.0), a.age_days / p.full_age_days) * a.trust


def _new_account(a, p):
    return np.where(a.age_days < p.age_days, p.factor, np.float32(1.0))


def _winsor(a, p):
    """The account's actions of a day count as at most ``cap``."""
    busiest = np.maximum(a.actions_today, a.actions_yesterday)
    return p.cap / np.maximum(busiest, p.cap)


def _rate(a, p):
    return a.actions_today < p.actions_per_day


def _oracle(a, p):
    """Inauthentic accounts with chance ``recall``; as many people as the precision says, wrongly."""
    wrongly = p.recall * np.float32(a.oracle_per_person) * (1 - p.precision) / p.precision
    return a.luck >= np.where(a.oracle_inauthentic, p.recall, np.minimum(wrongly, np.float32(1.0)))


trust_weight = Mitigation(
    name="trust_weight", title="engagement counts by age and trust of the account", article="35(1)(d)",
    closes=("E1", "E2", "E4"), evidence="[C] in parts, [D] as a whole",
    source="X 2023, tweepcred and user-cred (discounts by account); linear growth over the first weeks is ours",
    parameters={"full_age_days": 90.0}, units={"full_age_days": "days"}, weight=_trust, positive=("full_age_days",),
)  # fmt: skip
new_account_discount = Mitigation(
    name="new_account_discount", title="engagement of new accounts counts less", article="35(1)(d)",
    closes=("E1", "E2", "E4"), source="our design; a step in the place of trust_weight's slope",
    parameters={"age_days": 30.0, "factor": 0.1}, units={"age_days": "days", "factor": "0-1"}, weight=_new_account,
)  # fmt: skip
winsor_users = Mitigation(
    name="winsor_users", title="the busiest accounts count as a cap's worth of actions", article="35(1)(d)",
    closes=("E1", "E2"), evidence="[C] as an idea",
    source="Community Notes attenuates hyper-active raters by (sum of weights)^-.25; the cap per day is ours",
    parameters={"cap": 20.0}, units={"cap": "actions/day"}, weight=_winsor, positive=("cap",),
)  # fmt: skip
rate_limit = Mitigation(
    name="rate_limit", title="actions beyond a number a day do not count", article="35(1)(d)",
    closes=("E1", "E2", "E4", "E5"), source="our design", parameters={"actions_per_day": 100.0},
    units={"actions_per_day": "actions/day"}, weight=_rate,
)  # fmt: skip
oracle_removal = Mitigation(
    name="oracle_removal", title="inauthentic accounts are known and removed: the upper bound", article="35(1)(c)",
    closes=("E1", "E2", "E3", "E4", "E5"), source="our design: no platform has it; beside every other measure",
    parameters={"recall": 1.0, "precision": 1.0}, units={"recall": "0-1", "precision": "0-1"}, weight=_oracle,
    positive=("precision",),
    removes=True,
)  # fmt: skip
