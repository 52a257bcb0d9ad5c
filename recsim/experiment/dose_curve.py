"""Figures of a dose-response curve as pure functions: doses (P,) ascending, shifts (R, P) of the same worlds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim import metrics
from recsim.metrics import interval, shift_interval

RATIO_LOW, RATIO_HIGH = 0.03, 30.0
"""Inauthentic actions per organic action that a whole dose-response spans."""
LEVEL = 0.05


def doublings(doses: Sequence[float]) -> np.ndarray:
    """(P,) log2 of the doses; -inf at zero, NaN where a dose is unknown."""
    x = np.array([np.nan if d is None else d for d in doses], float)
    return np.log2(x, out=np.full(len(x), -np.inf), where=x > 0) + 0 * x


def slope(doses: Sequence[float], shift: np.ndarray) -> dict[str, float]:
    """M20, percentage points per doubling of the dose: least squares on log2 dose in each world, then over worlds.

    Dose zero has no logarithm and is left out.

    Args:
        doses: (P,). shift: (R, P) percentage points.

    Returns:
        ``pp_per_doubling`` with its 95 % interval; NaN with fewer than two positive doses.
    """
    x = doublings(doses)
    use = np.isfinite(x)
    nan = float("nan")
    if use.sum() < 2 or np.ptp(x[use]) == 0:
        return {"pp_per_doubling": nan, "ci_low": nan, "ci_high": nan}
    centred = x[use] - x[use].mean()
    t = interval((shift[:, use] * centred).sum(axis=1) / (centred**2).sum())
    return {"pp_per_doubling": t.mean, "ci_low": t.low, "ci_high": t.high}


def first_crossing(doses: Sequence[float], curve: np.ndarray, level: float) -> float | None:
    """Smallest dose at which a curve reaches a level, between points by a straight line over log2 dose.

    From dose zero, which has no logarithm, to the next point the line is over the dose itself.

    Args:
        doses: (P,) ascending. curve: (P,). level: to reach from below.

    Returns:
        None if no point reaches it.
    """
    x = np.array([np.nan if d is None else d for d in doses], float)
    for k in range(len(x)):
        if not curve[k] >= level:
            continue
        if k == 0 or not np.isfinite(x[k]) or not np.isfinite(x[k - 1]) or not np.isfinite(curve[k - 1]):
            return float(x[k])
        part = (level - curve[k - 1]) / (curve[k] - curve[k - 1])
        if x[k - 1] <= 0:
            return float(x[k - 1] + part * (x[k] - x[k - 1]))
        return float(x[k - 1] * (x[k] / x[k - 1]) ** part)
    return None


def crossing(doses: Sequence[float], shift: np.ndarray, threshold: float) -> dict[str, Any]:
    """Dose at which the mean shift reaches the threshold.

    The interval goes from where the upper ends of the 95 % intervals reach it to where the lower ends do: doses in
    between are those at which the data cannot tell on which side of the threshold the shift is.

    Returns:
        ``dose``, ``ci_low``, ``ci_high``: None where the curve in question does not reach the threshold within the
        doses; ``words``: "crossed", "crossed by the mean only" or "not crossed".
    """
    t = [shift_interval(column) for column in shift.T]
    mean = first_crossing(doses, np.array([one.mean for one in t]), threshold)
    low = first_crossing(doses, np.array([one.high for one in t]), threshold)
    high = first_crossing(doses, np.array([one.low for one in t]), threshold)
    words = "not crossed" if mean is None else "crossed by the mean only" if high is None else "crossed"
    return {"dose": mean, "ci_low": low, "ci_high": high, "words": words}


def saturation(doses: Sequence[float], shift: np.ndarray) -> dict[str, Any]:
    """First dose from which no larger one differs.

    Rule: the smallest dose whose paired differences to all larger ones have Holm-adjusted p of at least 0.05. That no
    difference is shown is no proof that there is none: ``could_differ_pp`` is the largest absolute end of the 95 %
    intervals of these differences. The last point is never the answer, since nothing larger was simulated; and a curve
    none of whose points is told from zero has no saturation.

    Returns:
        ``dose`` and ``could_differ_pp``, None if there is none; ``words``: "saturates", "not within the range", "no
        response shown" or "one replicate".
    """
    nothing = {"dose": None, "could_differ_pp": None}
    if len(shift) < 2 or (~np.isnan(shift).any(axis=1)).sum() == 1:
        return {**nothing, "words": "one replicate"}
    p = metrics.holm(np.array([metrics.p_value(column) for column in shift.T]))
    if not (p < LEVEL).any():
        return {**nothing, "words": "no response shown"}
    for k in range(len(doses) - 1):
        later = [shift[:, j] - shift[:, k] for j in range(k + 1, len(doses))]
        if (metrics.holm(np.array([metrics.p_value(d) for d in later])) < LEVEL).any():
            continue
        ends = [end for d in later for end in (interval(d).low, interval(d).high)]
        return {"dose": doses[k], "could_differ_pp": float(np.max(np.abs(ends))), "words": "saturates"}
    return {**nothing, "words": "not within the range"}
