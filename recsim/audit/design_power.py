"""Variance of what accounts are shown, and the power that an audit with accounts has: formulas, no simulation.

The share y of items for one side, of account i on day d in arm a, is

    y = p_a + B_i + T_d + W_id + (share counted over m items),

B between accounts (SD s_b), T between days and the same for all accounts (s_T), W of one account on one day (s_w); T and W
follow an AR(1) with correlation rho from day to day. The mean of D such days has the variance s^2 tau(D) / D with
tau(D) = 1 + 2 sum_(h<D) (1 - h / D) rho^h.

All numbers here are shares from 0 to 1; `design` speaks in points and per cent.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, NamedTuple, cast, get_args

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtr, stdtrit

Compare = Literal["arms", "twins", "before-after", "share"]
COMPARISONS: tuple[Compare, ...] = get_args(Compare)
MOST_DAYS = 3650
"""Days up to which sums over days are taken."""
NORMAL = 1e7
"""Degrees of freedom from which Student's t is taken as normal."""


class Model(NamedTuple):
    """Numbers about the service and the accounts that a design has to assume.

    Attributes:
        share: p, share without the effect, above 0 and below 1.
        between: s_b, SD between accounts of one arm that days do not average away.
        within: s_w, SD of one account from day to day. shared: s_T, SD between days that all accounts share.
        persistence: rho, 0-1, correlation of T, and of W, from one day to the next.
        sensitivity, specificity: chance that an item of that side is labelled so, and that another is not; their sum above 1.
    """

    share: float
    between: float
    within: float
    shared: float
    persistence: float
    sensitivity: float = 1.0
    specificity: float = 1.0

    @property
    def of_an_item(self) -> float:
        """Variance that one item adds: p (1 - p), or q (1 - q) / (se + sp - 1)^2 of a share that is corrected for labels."""
        spread = self.sensitivity + self.specificity - 1
        labelled = self.share * self.sensitivity + (1 - self.share) * (1 - self.specificity)
        return labelled * (1 - labelled) / spread**2


class Parts(NamedTuple):
    """Variance of the difference that an audit reports, by part, and the degrees of freedom with which it is estimated.

    Attributes:
        accounts: between accounts. account_days: of an account between days. items: of counting items.
        days: between days that all accounts share.
        free: degrees of freedom; 0 where the design cannot estimate its own error.
    """

    accounts: float
    account_days: float
    items: float
    days: float
    free: float

    @property
    def total(self) -> float:
        """The whole variance."""
        return self.accounts + self.account_days + self.items + self.days


def averaged(days: float, rho: float) -> float:
    """tau(D) / D: variance of the mean of D days, as a part of the variance of one day.

    Args:
        days: D, at least 1; infinite allowed. rho: 0-1, correlation from one day to the next.
    """
    if rho >= 1:
        return 1.0
    if math.isinf(days):
        return 0.0
    h = np.arange(1, int(days))
    return float(1 + 2 * ((1 - h / days) * rho**h).sum()) / days


def _day_freedom(days: float, correlation: np.ndarray) -> tuple[float, float]:
    """Trace of M R and of M R M R, with R the correlations of days and M centring: mean and variance of a sum of squares.

    Args:
        days: D. correlation: (D,) by distance, 1 at 0.
    """
    n = int(days)
    r = correlation[:n]
    distance = np.arange(n)
    pairs = np.where(distance == 0, n, 2 * (n - distance))
    sums = np.cumsum(r)
    rows = sums + sums[::-1] - 1  # sum of each row of R
    total = float(rows.sum())
    return n - total / n, float((pairs * r**2).sum()) - 2 * float((rows**2).sum()) / n + (total / n) ** 2


@lru_cache(maxsize=4096)
def free_of_days(rho: float, blocks: tuple[float, ...]) -> float:
    """Degrees of freedom of the variance of an AR(1) within blocks of days (Satterthwaite 1946); 0 if there are none.

    As of the shocks that all accounts share: what accounts and items add is less correlated, so the true ones are not fewer.

    Args:
        rho: 0-1. blocks: days of each, with a level of its own.
    """
    if math.isinf(sum(blocks)):
        return math.inf if rho < 1 else 0.0
    correlation = rho ** np.arange(int(max(blocks)))
    traces = [_day_freedom(days, correlation) for days in blocks]
    mean, square = (sum(column) for column in zip(*traces, strict=True))
    # Rounded: of two days it is 1, which sums in floating point may miss, and below 1 nothing can be tested.
    return round(mean**2 / square, 9) if mean > 1e-9 and square > 0 else 0.0


def halves(days: float) -> tuple[float, float]:
    """Days before and after, as equal as they can be."""
    return (days, days) if math.isinf(days) else (days // 2, days - days // 2)


def parts_of(compare: Compare, model: Model, accounts: float, days: float, items: float) -> Parts:
    """The variance of the difference, by part.

    ``arms``: two groups of accounts on the same days, so that T cancels; Student's t over accounts' means. ``twins``: pairs of
    accounts with one script, so that B cancels too; t over pairs. ``before-after``: the same accounts, B cancels and T stays,
    however many accounts there are; t over daily means. ``share``: one group against a fixed number, nothing cancels; clustered
    by account and by day.

    Args:
        compare: as above. model: what is assumed.
        accounts: n of each arm (pairs; accounts in all). days: D in all. items: m an account is shown a day, of those counted.
    """
    rho, n, m = model.persistence, accounts, items
    if compare == "before-after":
        before, after = halves(days)
        if before < 1:
            return Parts(0.0, math.inf, math.inf, math.inf, 0.0)
        both = averaged(before, rho) + averaged(after, rho)
        counted = model.of_an_item * (1 / before + 1 / after) / (n * m)
        free = 0.0 if n < 2 else free_of_days(rho, (before, after))  # one account shows nothing of others
        return Parts(0.0, model.within**2 * both / n, counted, model.shared**2 * both, free)
    mean = averaged(days, rho)
    accounts_, account_days, counted = (
        model.between**2 / n, model.within**2 * mean / n, model.of_an_item / (n * days * m),
    )  # fmt: skip
    if compare == "arms":
        return Parts(2 * accounts_, 2 * account_days, 2 * counted, 0.0, max(0.0, 2 * (n - 1)))
    if compare == "twins":
        return Parts(0.0, 2 * account_days, 2 * counted, 0.0, max(0.0, n - 1))
    shared = model.shared**2 * mean
    # Clustered both by account and by day: degrees of freedom of the fewer (Cameron and Miller 2015), which errs to the safe side.
    free = 0.0 if n < 2 else min(n - 1, free_of_days(rho, (days,)))
    return Parts(accounts_, account_days, counted, shared, free)


def critical(free: float, level: float) -> float:
    """Two-sided critical value of Student's t.

    Args:
        free: degrees of freedom, at least 1. level: 0-1, of the test.
    """
    return float(ndtri(1 - level / 2) if free >= NORMAL else stdtrit(free, 1 - level / 2))


@lru_cache(maxsize=1)
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    x, w = np.polynomial.legendre.leggauss(200)
    return (x + 1) / 2, w / 2


def _estimated_error(free: float) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of the estimated error over the true one, and their weights."""
    if free >= NORMAL:
        return np.ones(1), np.ones(1)
    u, weights = _nodes()
    return np.sqrt(chdtri(free, 1 - u) / free), weights


def power_at(ratio: float, free: float, level: float) -> float:
    """Chance that the two-sided t test tells an effect of so many standard errors from none; 0 if no error can be estimated.

    The normal power, averaged over what the estimated error may be: the noncentral t distribution.

    Args:
        ratio: effect over standard error, at least 0. free: degrees of freedom. level: of the test.
    """
    if free < 1:
        return 0.0
    error, weights = _estimated_error(free)
    t = critical(free, level) * error
    return float(weights @ (ndtr(ratio - t) + ndtr(-ratio - t)))


@lru_cache(maxsize=4096)
def multiple(free: float, level: float, power: float) -> float:
    """Standard errors that an effect must have to be told with this power: about 2.80 at 80 % and 5 % with many accounts.

    Infinite where no error can be estimated (fewer than one degree of freedom).
    """
    if free < 1:
        return math.inf
    from scipy.optimize import brentq  # only here: pages of runs ask for power alone

    high = critical(free, level) + 5.0
    while power_at(high, free, level) < power:
        high *= 2
    return float(cast(float, brentq(lambda ratio: power_at(ratio, free, level) - power, 0.0, high, xtol=1e-9)))


def power_of(parts: Parts, effect: float, level: float, normal: bool = False) -> float:
    """Power at an effect; with ``normal`` as if the variance were known, the approximation of most tables."""
    if parts.free < 1:
        return 0.0
    error = math.sqrt(parts.total)
    return power_at(effect / error if error > 0 else math.inf, math.inf if normal else parts.free, level)


def detectable(parts: Parts, level: float, power: float, normal: bool = False) -> float:
    """The smallest effect that is told with this power, as a share; infinite where no error can be estimated."""
    if parts.free < 1:
        return math.inf
    return multiple(math.inf if normal else parts.free, level, power) * math.sqrt(parts.total)


class Misleading(NamedTuple):
    """What a result that is called significant is worth (Gelman and Carlin 2014).

    Attributes:
        wrong_sign: chance that it has the wrong sign (type S). exaggeration: its mean size over the true one (type M).
    """

    wrong_sign: float
    exaggeration: float


def misleading(ratio: float, free: float, level: float) -> Misleading:
    """Of a true effect of so many standard errors, what the significant estimates look like.

    Args:
        ratio: effect over standard error, above 0. free: at least 1. level: of the test.
    """
    error, weights = _estimated_error(free)
    t = critical(free, level) * error
    above, below = ndtr(ratio - t), ndtr(-ratio - t)
    density = (np.exp(-0.5 * (t - ratio) ** 2) + np.exp(-0.5 * (t + ratio) ** 2)) / math.sqrt(2 * math.pi)
    found = float(weights @ (above + below))
    size = float(weights @ (density + ratio * (above - below)))
    return Misleading(float(weights @ below) / found, size / found / ratio)


def alarm_over_accounts(compare: Compare, parts: Parts, accounts: float, level: float) -> float:
    """Chance that a t test over accounts alone finds a difference where there is none; NaN of one account.

    Accounts of one day share that day: a before-after, or one group against a fixed number, repeats the day's chance in every
    account, and more accounts make it look surer. Of arms and twins the test is right.
    """
    if accounts < 2:
        return math.nan
    if compare in ("arms", "twins") or parts.total <= 0:
        return level
    seen = parts.total - parts.days
    return float(2 * stdtr(accounts - 1, -critical(accounts - 1, level) * math.sqrt(seen / parts.total)))


def alarm_over_items(parts: Parts, level: float) -> float:
    """The same of a test that counts every item as independent of all others."""
    if not 0 < parts.total < math.inf:
        return math.nan
    return float(2 * ndtr(-critical(math.inf, level) * math.sqrt(parts.items / parts.total)))
