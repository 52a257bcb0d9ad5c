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
NOTHING = 1e-12
"""Below which a share, or its error, is zero but for rounding."""


class Parts(NamedTuple):
    """What viewers and days add to the error of one figure.

    Attributes:
        values: (N,) float64, in the unit of the figure. viewer: (N,) int64, codes from 0, the same for all figures.
        day: (N,) int64, codes from 0; None: the log has no days.
        viewers: how many viewers the figure rests on, those without a part included.
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


class _Sums(NamedTuple):
    """Sums of parts over G clusters, times the root of G / (G - 1), by code of the cluster."""

    by_code: np.ndarray
    clusters: int


class _Variance(NamedTuple):
    """Estimated variance and its degrees of freedom."""

    value: float
    free: float


def error_of(parts: Parts) -> Error:
    """Standard error by viewers, or by viewers and days; unknown of fewer than two viewers.

    Of one day only it is that by viewers.
    """
    viewers = _sums(parts.values, parts.viewer, parts.viewers)
    if viewers is None:
        return UNKNOWN
    by_viewer = _Variance(_squares(viewers.by_code), viewers.clusters - 1)
    days = None if parts.day is None else _sums(parts.values, parts.day)
    if days is None or parts.day is None:
        return _error(by_viewer, None, 0.0)
    cells = _sums(parts.values, _cells(parts.viewer, parts.day, int(parts.day.max()) + 1))
    assert cells is not None
    return _error(by_viewer, _Variance(_squares(days.by_code), days.clusters - 1), _squares(cells.by_code))


def error_of_difference(a: Parts, b: Parts, *, same: bool, apart: bool) -> Error:
    """Standard error of the difference of two figures, a - b.

    What a viewer or a day adds to both cancels as far as it is alike: with sums A and B over clusters, each times its own
    root of G / (G - 1), the variance is the sum of (A - B)^2. Degrees of freedom: where both have the same clusters, their number
    less 1; where they have none in common, those of Welch (1947); else the fewer less 1.

    Args:
        a, b: parts, with the same codes. same: whether both rest on the same viewers. apart: whether nobody is in both.

    Returns:
        Unknown if either rests on fewer than two viewers, or on one day where the days of the two are not the same.
    """
    of_a, of_b = _sums(a.values, a.viewer, a.viewers), _sums(b.values, b.viewer, b.viewers)
    if of_a is None or of_b is None:
        return UNKNOWN
    by_viewer = _difference(of_a, of_b, same, apart)
    if a.day is None or b.day is None:
        return _error(by_viewer, None, 0.0)
    on_a, on_b = np.unique(a.day), np.unique(b.day)
    common = np.intersect1d(on_a, on_b).size
    same_days = len(on_a) == len(on_b) == common
    if min(len(on_a), len(on_b)) < 2:
        return _error(by_viewer, None, 0.0) if same_days else UNKNOWN
    days = int(max(on_a[-1], on_b[-1])) + 1
    day_a, day_b = _sums(a.values, a.day), _sums(b.values, b.day)
    cells_a = _sums(a.values, _cells(a.viewer, a.day, days))
    cells_b = _sums(b.values, _cells(b.viewer, b.day, days))
    assert day_a is not None and day_b is not None and cells_a is not None and cells_b is not None
    by_day = _difference(day_a, day_b, same_days, common == 0)
    return _error(by_viewer, by_day, _difference(cells_a, cells_b, same, apart).value)


def _error(by_viewer: _Variance, by_day: _Variance | None, both: float) -> Error:
    """Variance by viewers plus that by days less that by viewer and day; at least either of the first two.

    The difference of three estimates can fall short of what one of them alone says, or below zero: then the larger one stands.
    """
    if by_day is None:
        return Error(math.sqrt(by_viewer.value), by_viewer.free)
    variance = max(by_viewer.value + by_day.value - both, by_viewer.value, by_day.value)
    return Error(math.sqrt(variance), min(by_viewer.free, by_day.free))


def _cells(viewer: np.ndarray, day: np.ndarray, days: int) -> np.ndarray:
    return viewer * days + day


def _sums(values: np.ndarray, cluster: np.ndarray, clusters: int | None = None) -> _Sums | None:
    """Sums by cluster; None of fewer than two.

    Args:
        values: (N,). cluster: (N,) codes. clusters: how many there are, those without a value included; None: those that are there.
    """
    number = int(np.count_nonzero(np.bincount(cluster))) if clusters is None else clusters
    if number < 2:
        return None
    return _Sums(math.sqrt(number / (number - 1)) * np.bincount(cluster, values), number)


def _difference(a: _Sums, b: _Sums, same: bool, apart: bool) -> _Variance:
    """Variance of a difference, and its degrees of freedom; see `error_of_difference`."""
    length = max(len(a.by_code), len(b.by_code))
    value = _squares(np.pad(a.by_code, (0, length - len(a.by_code))) - np.pad(b.by_code, (0, length - len(b.by_code))))
    if same or not apart:
        return _Variance(value, min(a.clusters, b.clusters) - 1)
    va, vb = _squares(a.by_code), _squares(b.by_code)
    if va + vb == 0:
        return _Variance(0.0, min(a.clusters, b.clusters) - 1)
    return _Variance(value, (va + vb) ** 2 / (va**2 / (a.clusters - 1) + vb**2 / (b.clusters - 1)))


def _squares(sums: np.ndarray) -> float:
    return float(np.square(sums).sum())


def around(value: float, error: Error, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """95 % interval by Student's t, in the unit of the value, both ends cut at what is possible; NaN where the error is not known.

    Args:
        value: of the figure. error: its. low, high: what is possible.
    """
    if not error.free >= 1 or math.isnan(value):
        return math.nan, math.nan
    from scipy.special import stdtrit

    half = float(stdtrit(error.free, 0.5 + LEVEL / 2)) * error.value
    return min(high, max(low, value - half)), min(high, max(low, value + half))


def p_of(value: float, error: Error) -> float:
    """Two-sided p, 0-1, of the hypothesis that a figure is zero (Student's t); NaN where the error is not known.

    Without spread 1 if the figure is zero, but for rounding, else 0.
    """
    if not error.free >= 1 or math.isnan(value):
        return math.nan
    if error.value <= NOTHING:
        return 1.0 if abs(value) <= NOTHING else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(error.free, -abs(value) / error.value))
