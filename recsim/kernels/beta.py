"""Quantiles of the beta distribution, by inversion of its distribution function; no libm, no rejection.

For a below `LARGE` the distribution function is the power series of the incomplete beta function, all of whose terms are
positive (DLMF 8.17.8), and is inverted by Newton's method on log scales within a bracket. From `LARGE` on, the
approximation 26.5.22 of Abramowitz and Stegun is used. ``tests/test_learned.py`` bounds the relative error of both.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import exp32

F = np.float32
LARGE = 30.0
LN2 = 0.6931471805599453
SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)
SMALLEST = 1e-30


@njit(**HELPER)
def atanh_series(z):
    """atanh(z) for |z| <= 1/3, to double precision."""
    square = z * z
    total = 0.0
    for k in range(18, -1, -1):
        total = total * square + 1.0 / (2.0 * k + 1.0)
    return z * total


@njit(**HELPER)
def log64(x):
    """log(x) in float64, for normal x > 0: exponent by bit moves, mantissa in [sqrt(1/2), sqrt(2)) by a series."""
    bits = np.float64(x).view(np.int64) - SQRT_HALF_BITS
    exponent = bits >> np.int64(52)
    mantissa = np.int64((bits & np.int64(0xFFFFFFFFFFFFF)) + SQRT_HALF_BITS).view(np.float64)
    return np.float64(exponent) * LN2 + 2.0 * atanh_series((mantissa - 1.0) / (mantissa + 1.0))


@njit(**HELPER)
def log_gamma(x):
    """Log of Gamma(x) for x > 0: Stirling's series (DLMF 5.11.1), after stepping up to 12 or more."""
    shift = 0.0
    while x < 12.0:
        shift += log64(x)
        x += 1.0
    y = 1.0 / (x * x)
    rest = (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / x
    return (x - 0.5) * log64(x) - x + 0.9189385332046727 + rest - shift


@njit(**HELPER)
def quantile_by_series(u, a, b):
    """The x with I_x(a, b) = u, for 0 < u < 1, a below `LARGE`."""
    scale = log_gamma(a + b) - log_gamma(a + 1.0) - log_gamma(b)  # log(1 / (a B))
    goal = log64(u)
    low, high = log64(SMALLEST), -1e-9
    s = min((goal - scale) / a, log64(a / (a + b)))  # exact for small x, and never far above the mean
    for _ in range(100):
        s = min(max(s, low), high)
        x = np.float64(exp32(F(s)))
        term, total = 1.0, 1.0
        n = 0
        while term > 1e-12 * total and n < 5000:
            term *= (a + b + n) * x / (a + 1.0 + n)
            total += term
            n += 1
        front = scale + a * log64(x) - 2.0 * b * atanh_series(x / (2.0 - x))
        above = front + log64(total) - goal
        if above > 0.0:
            high = min(high, s)
        else:
            low = max(low, s)
        # d log I / d log x = x density / I = a / ((1 - x) total)
        step = above * (1.0 - x) * total / a
        if abs(step) < 1e-6:
            return x
        s = s - step
        if not low < s < high:
            s = 0.5 * (low + high)
    return x


@njit(**HELPER)
def quantile_by_normal(z, a, b):
    """The approximation from a standard normal quantile z of the same probability, for large a and b."""
    first, second = 1.0 / (2.0 * a - 1.0), 1.0 / (2.0 * b - 1.0)
    h = 2.0 / (first + second)
    part = (z * z - 3.0) / 6.0
    w = -z * np.sqrt(h + part) / h - (second - first) * (part + 5.0 / 6.0 - 2.0 / (3.0 * h))
    return a / (a + b * np.float64(exp32(F(2.0 * w))))


@njit(**KERNEL)
def beta_quantiles(u, z, a, b, out):
    """Quantiles of Beta(a, b).

    Args:
        u: (N,) float32 in [0, 1). z: (N,) float32, standard normal quantiles of the same.
        a: (N,) float64, at least 0.05. b: (N,) float64, at least 20.
        out: (N,) float32, written; what lies below 1e-30 becomes 1e-30.
    """
    for n in range(u.size):
        if a[n] < LARGE:
            out[n] = F(quantile_by_series(np.float64(u[n]) + 2.0**-25, a[n], b[n]))
        else:
            out[n] = F(quantile_by_normal(np.float64(z[n]), a[n], b[n]))
