"""Ratios of paired differences: what a mitigation takes away of a shift, what acting earlier would have saved."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recsim.metrics import interval, shift_interval


class Ratio(NamedTuple):
    """A ratio of two means over the same replicates; all NaN where the denominator cannot be told from zero.

    Attributes:
        value: mean of the numerators over mean of the denominators.
        low, high: 95 % interval (Fieller).
        n: replicates that are defined in both.
    """

    value: float
    low: float
    high: float
    n: int


def fieller(above: np.ndarray, below: np.ndarray, level: float = 0.95) -> Ratio:
    """Ratio of two means of paired values with Fieller's interval (Fieller 1954).

    All q for which the mean of above - q below is not told from zero by Student's t with R - 1 degrees of freedom:
    between the roots of q^2 (b^2 - t^2 s_bb / R) - 2 q (a b - t^2 s_ab / R) + a^2 - t^2 s_aa / R. Given only if the
    interval of the denominator excludes zero; else the set is no interval, and a ratio would say nothing.

    Args:
        above, below: (R,) numerators and denominators, one pair per replicate; pairs with a NaN are left out.
        level: of the interval.
    """
    a, b = np.asarray(above, float), np.asarray(below, float)
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    n, nan = len(a), float("nan")
    whole = interval(b, level)
    if n < 2 or not (whole.low > 0 or whole.high < 0):
        return Ratio(nan, nan, nan, n)
    from scipy.special import stdtrit

    c = float(stdtrit(n - 1, 0.5 + level / 2)) ** 2 / n
    s_aa, s_ab, s_bb = np.var(a, ddof=1), np.cov(a, b, ddof=1)[0, 1], np.var(b, ddof=1)
    ma, mb = float(a.mean()), float(b.mean())
    first, middle, last = mb**2 - c * s_bb, ma * mb - c * s_ab, ma**2 - c * s_aa
    spread = math.sqrt(max(0.0, middle**2 - first * last))
    return Ratio(ma / mb, float((middle - spread) / first), float((middle + spread) / first), n)


def efficacy(reference: np.ndarray, mitigated: np.ndarray) -> Ratio:
    """M21, 1 - D(with the mitigation) / D(reference), paired within worlds.

    1: nothing of the shift is left; 0: all of it; negative: the mitigation makes it larger. NaN where the interval of
    the reference that is printed (`shift_interval`) includes zero: there is nothing to mitigate.

    Args:
        reference: (R,) shifts without the mitigation, percentage points.
        mitigated: (R,) shifts of the same worlds with it.
    """
    left, shown = fieller(mitigated, reference), shift_interval(reference)
    if not (shown.low > 0 or shown.high < 0):
        return Ratio(math.nan, math.nan, math.nan, left.n)
    return Ratio(1 - left.value, 1 - left.high, 1 - left.low, left.n)


def saved(late: np.ndarray, early: np.ndarray) -> Ratio:
    """Share of the late action's excess that the early action saves, (late - early) / late, paired within worlds.

    Args:
        late, early: (R,) excess over the world without campaigns, of any unit.
    """
    return fieller(np.asarray(late, float) - np.asarray(early, float), late)


def relative_change(before: np.ndarray, after: np.ndarray) -> Ratio:
    """Relative change, after / before - 1, as a ratio of means, paired within worlds; exactly 0 if nothing changes."""
    if len(before) and np.array_equal(before, after):
        return Ratio(0.0, 0.0, 0.0, len(before))
    found = fieller(after, before)
    return Ratio(found.value - 1, found.low - 1, found.high - 1, found.n)
