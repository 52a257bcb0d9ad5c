"""Errors of ratios in a log, where neither two rows of one viewer nor two of one day are independent.

Every figure is linearised: each viewer and day adds a part, the parts add up to the error of the figure (Taylor; Cochran 1977,
ch. 6). Their variance is taken over viewers, and, if the log has days, over viewers and days at once (Cameron, Gelbach and
Miller 2011): what a day does to everybody who was looked at does not average out over viewers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

LEVEL = 0.95


class Parts(NamedTuple):
    """What viewers and days add to the error of one figure.

    Attributes:
        values: (N,) float64, one per viewer and day, or per viewer. viewer: (N,) int64, codes from 0, the same for all figures.
        day: (N,) int64, codes from 0; None: the log has no days.
        viewers: how many viewers there are, those without a part included.
    """

    values: np.ndarray
    viewer: np.ndarray
    day: np.ndarray | None
    viewers: int

    def times(self, factor: float) -> Parts:
        """Those of a figure that is so many times as large."""
        return self._replace(values=self.values * factor)


class Error(NamedTuple):
    """Standard error of a figure and the degrees of freedom with which it is known; NaN and 0 if it cannot be told."""

    value: float
    free: float

    def times(self, factor: float) -> Error:
        """That of a figure that is so many times as large."""
        return Error(abs(factor) * self.value, self.free)


UNKNOWN = Error(math.nan, 0.0)


class _Variance(NamedTuple):
    """Estimated variance and its degrees of freedom."""

    value: float
    free: float


def error_of(parts: Parts) -> Error:
    """Standard error by viewers, or by viewers and days."""
    return _error(parts, _over(parts.values, parts.viewer, parts.viewers), _by_day(parts))


def error_of_difference(a: Parts, b: Parts, apart: bool) -> Error:
    """Standard error of the difference of two figures, a - b.

    What a viewer or a day adds to both cancels as far as it is alike. Where the two have no viewers, or no days, in common,
    variances are added and degrees of freedom are those of Welch (1947).

    Args:
        a, b: parts, with the same codes. apart: whether nobody is in both.
    """
    values = np.concatenate([a.values, -b.values])
    viewer = np.concatenate([a.viewer, b.viewer])
    day = None if a.day is None or b.day is None else np.concatenate([a.day, b.day])
    if apart:
        by_viewer = _sum(_over(a.values, a.viewer, a.viewers), _over(b.values, b.viewer, b.viewers))
        viewers = a.viewers + b.viewers
    else:
        viewers = max(a.viewers, b.viewers, len(np.unique(viewer)))
        by_viewer = _over(values, viewer, viewers)
    joined = Parts(values, viewer, day, viewers)
    if day is not None and a.day is not None and b.day is not None and not np.intersect1d(a.day, b.day).size:
        return _error(joined, by_viewer, _sum(_by_day(a), _by_day(b)))
    return _error(joined, by_viewer, _by_day(joined))


def _error(parts: Parts, by_viewer: _Variance, by_day: _Variance) -> Error:
    """Variance by viewers plus that by days less that by viewer and day; at least either of the first two.

    The difference of three estimates can fall short of what one of them alone says, or below zero: then the larger one stands.
    """
    if not by_viewer.free >= 1:
        return UNKNOWN
    if parts.day is None or math.isnan(by_day.value):
        return Error(math.sqrt(by_viewer.value), by_viewer.free)
    cells = np.unique(parts.viewer * (int(parts.day.max()) + 1) + parts.day, return_inverse=True)[1]
    both = _over(parts.values, cells, int(cells.max()) + 1)
    variance = max(by_viewer.value + by_day.value - both.value, by_viewer.value, by_day.value)
    return Error(math.sqrt(variance), min(by_viewer.free, by_day.free))


def _by_day(parts: Parts) -> _Variance:
    if parts.day is None:
        return _Variance(math.nan, 0)
    days, codes = np.unique(parts.day, return_inverse=True)
    return _over(parts.values, codes, len(days))


def _over(values: np.ndarray, cluster: np.ndarray, clusters: int) -> _Variance:
    """G / (G - 1) times the sum over G clusters of their squared sums."""
    if clusters < 2:
        return _Variance(math.nan, 0)
    sums = np.bincount(cluster, values)
    return _Variance(clusters / (clusters - 1) * float(np.square(sums).sum()), clusters - 1)


def _sum(a: _Variance, b: _Variance) -> _Variance:
    """Of two independent estimates, with the degrees of freedom of Welch (1947)."""
    if math.isnan(a.value) or math.isnan(b.value):
        return _Variance(math.nan, 0)
    total = a.value + b.value
    if total == 0:
        return _Variance(0.0, min(a.free, b.free))
    return _Variance(total, total**2 / (a.value**2 / a.free + b.value**2 / b.free))


def around(value: float, error: Error, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """95 % interval by Student's t, cut at what is possible; NaN where the error is not known."""
    if not error.free >= 1 or math.isnan(value):
        return math.nan, math.nan
    from scipy.special import stdtrit

    half = float(stdtrit(error.free, 0.5 + LEVEL / 2)) * error.value
    return max(low, value - half), min(high, value + half)


def p_of(value: float, error: Error) -> float:
    """Two-sided p of the hypothesis that a figure is zero; without spread 1 if it is, else 0."""
    if not error.free >= 1 or math.isnan(value):
        return math.nan
    if error.value == 0:
        return 1.0 if value == 0 else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(error.free, -abs(value) / error.value))
