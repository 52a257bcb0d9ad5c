"""How far accounts and days differ in a log, so that `recsim design` need not assume it.

The model is that of `recsim.audit.design_power`: share of account i on day d = p + B(i) + T(d) + W(i, d) + the error of counting
items; T and W have the correlation rho from one day to the next. Half the mean squared difference of two shares is
    V1, two accounts, same day:   s_b2 + s_w2 + e
    V2, one account, two days:    (s_T2 + s_w2) c2 + e
    V3, two accounts, two days:   s_b2 + s_w2 + s_T2 c3 + e
with e the mean error of counting over the cells of the pairs and c the mean of 1 - rho^h over the lags h of the pairs. Solved for
the three variances; rho is taken as given, which so few days do not tell. Where a variance is below zero, 0 is given.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

LEAST_ITEMS = 2
"""Impressions about candidates that an account and day needs: of one alone, the error of counting is not known."""


class Pilot(NamedTuple):
    """Estimates for the options of `recsim design`, of one candidate.

    Attributes:
        items: impressions about candidates, an account and day. share_pct: of the candidate.
        between_pp, within_pp, shared_pp: standard deviations, percentage points; NaN where too little was looked at.
        accounts, days: on which they rest.
    """

    items: float
    share_pct: float
    between_pp: float
    within_pp: float
    shared_pp: float
    accounts: int
    days: int


def pilot(x: np.ndarray, n: np.ndarray, account: np.ndarray, day: np.ndarray, persistence: float) -> Pilot:
    """Estimates from one arm.

    Args:
        x, n: (N,) impressions of the candidate, and of all candidates, by account and day. account: (N,) codes.
        day: (N,) numbers of days, so that lags are right. persistence: rho, 0 to below 1.
    """
    items = float(n.mean()) if len(n) else math.nan
    share = 100 * float(x.sum() / n.sum()) if n.sum() > 0 else math.nan
    enough = n >= LEAST_ITEMS
    x, n = x[enough], n[enough]
    account = np.unique(account[enough], return_inverse=True)[1]
    place, day = np.unique(day[enough], return_inverse=True)
    accounts, days = int(account.max(initial=-1)) + 1, len(place)
    if accounts < 2 or days < 2:
        return Pilot(items, share, math.nan, math.nan, math.nan, accounts, days)
    y = x / n
    counting = y * (1 - y) / (n - 1)
    same_day, same_account = _pairs(y, counting, day), _pairs(y, counting, account)
    every = _pairs(y, counting, np.zeros(len(y), int))
    apart = every.minus(same_day).minus(same_account)
    if not (same_day.number and same_account.number and apart.number):
        return Pilot(items, share, math.nan, math.nan, math.nan, accounts, days)
    there = np.zeros((accounts, days))
    there[account, day] = 1
    fading = 1 - persistence ** np.abs(place[:, None] - place[None, :]).astype(float)
    together = there.T @ there
    in_all = there.sum(axis=0)
    of_one = float((fading * together).sum()) / (2 * same_account.number)
    of_two = float((fading * (np.outer(in_all, in_all) - together)).sum()) / (2 * apart.number)
    shared = (apart.mean - same_day.mean) / of_two
    within = same_account.mean / of_one - shared
    between = same_day.mean - within
    spreads = [100 * math.sqrt(max(variance, 0.0)) for variance in (between, within, shared)]
    return Pilot(items, share, spreads[0], spreads[1], spreads[2], accounts, days)


class _Pairs(NamedTuple):
    """Pairs of cells: their number, and the sum of halves of their squared differences less their errors of counting."""

    number: float
    total: float

    @property
    def mean(self) -> float:
        return self.total / self.number

    def minus(self, other: _Pairs) -> _Pairs:
        return _Pairs(self.number - other.number, self.total - other.total)


def _pairs(y: np.ndarray, counting: np.ndarray, group: np.ndarray) -> _Pairs:
    """All pairs within groups, each once.

    Args:
        y: (N,) shares. counting: (N,) estimated variances of counting. group: (N,) codes.
    """
    size = np.bincount(group).astype(float)
    mean = np.bincount(group, y) / np.maximum(size, 1)
    spread = np.bincount(group, np.square(y - mean[group]))
    # Over the pairs of n numbers, the sum of (a - b)^2 / 2 is n / 2 times the sum of squared deviations, that of (e + f) / 2 is
    # (n - 1) / 2 times the sum.
    counted = np.bincount(group, counting) * (size - 1)
    return _Pairs(float((size * (size - 1)).sum()) / 2, float((size * spread - counted).sum()) / 2)
