"""Metrics as pure functions of arrays. Formulas in the docstrings; humans only in every denominator."""

from __future__ import annotations

import numpy as np


def gini(values: np.ndarray) -> float:
    """Gini coefficient of non-negative values, zeros included; NaN if all are zero or there are none.

    sum_i (2 i - n - 1) x_(i) / (n sum x) with x sorted ascending and i from 1.
    """
    x = np.sort(np.asarray(values, float))
    total = x.sum()
    if x.size == 0 or total <= 0:
        return float("nan")
    i = np.arange(1, x.size + 1)
    return float(((2 * i - x.size - 1) * x).sum() / (x.size * total))


def top_share(values: np.ndarray, share: float) -> float:
    """Part of the total held by the largest ``share`` of the values (at least one); NaN if the total is zero."""
    x = np.sort(np.asarray(values, float))[::-1]
    total = x.sum()
    if x.size == 0 or total <= 0:
        return float("nan")
    return float(x[: max(1, round(share * x.size))].sum() / total)
