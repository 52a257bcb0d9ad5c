"""Thresholds of soft gates: where the mean chance of passing equals the declared pass share."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.mathf import sigmoid32

F = np.float32


@njit(**KERNEL)
def soft_threshold(values, slope, share):
    """The threshold at which ``mean(1 / (1 + exp(-slope (v - threshold))))`` equals ``share``; by bisection.

    Args:
        values: (N,) float32, log values met at the gate, N >= 1. slope: float32. share: float32 in [0, 1].
    """
    low, high = values[0], values[0]
    for n in range(values.size):
        low = min(low, values[n])
        high = max(high, values[n])
    low, high = low - F(20.0) / slope, high + F(20.0) / slope
    for _ in range(40):
        middle = F(0.5) * (low + high)
        total = F(0.0)
        for n in range(values.size):
            total += sigmoid32(slope * (values[n] - middle))
        if total > share * F(values.size):
            low = middle
        else:
            high = middle
    return F(0.5) * (low + high)
