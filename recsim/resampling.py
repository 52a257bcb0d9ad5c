"""Resamples of replicates: always the same draws, so that a result never depends on when it is asked for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SEED = 20_241_124
RESAMPLES = 2_000
STUDENTISED_FROM = 10
"""Replicates below which the studentised bootstrap is refused: too few different resamples, and some without spread."""


@lru_cache(maxsize=2)
def resamples(n: int) -> np.ndarray:
    """(2000, n) places drawn with replacement."""
    return np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))


@lru_cache(maxsize=64)
def _distances(content: bytes) -> np.ndarray:
    """(m* - m) / (s* / sqrt(R)) over resamples that vary, of the float64 values in ``content``; an interval of another level asks again."""
    x = np.frombuffer(content)
    drawn = x[resamples(len(x))]
    mean, error = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(len(x))
    varied = error > 0
    return (mean[varied] - x.mean()) / error[varied]


def studentised(values: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Studentised bootstrap interval of the mean (Efron and Tibshirani 1993, ch. 12), for skewed effects.

    m - q s / sqrt(R) at the quantiles q of (m* - m) / (s* / sqrt(R)) over resamples: Student's interval with the quantiles
    that the differences themselves have. It is wider on the side to which they are skewed.

    Args:
        values: (R,) one difference per replicate; NaN are left out.
        level: of the interval.

    Returns:
        Both ends; None with fewer than 10 replicates, the value itself where there is no spread.
    """
    x = np.asarray(values, float)
    x = x[~np.isnan(x)]
    n = len(x)
    if n < STUDENTISED_FROM:
        return None
    if np.all(x == x[0]):
        return float(x[0]), float(x[0])
    low, high = np.quantile(_distances(x.tobytes()), (0.5 - level / 2, 0.5 + level / 2))
    own = float(x.std(ddof=1) / np.sqrt(n))
    return float(x.mean() - high * own), float(x.mean() - low * own)
