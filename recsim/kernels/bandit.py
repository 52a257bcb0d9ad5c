"""The sums and the inverse behind a linear bandit, in a fixed order."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import exp32, log32

F = np.float32
TERMS = 4
"""Intercept, log(1 + decayed likes per hundred decayed views), freshness exp(-age / 24 h), known interest."""
UNIT = 1024.0
VIEW, LIKE = 0, 2


@njit(**KERNEL)
def contexts(first, last, decayed, age_h, out):
    """The part of the context that belongs to the item.

    Args:
        decayed: (10, I) float32. age_h: (W,) float32. out: (W, 3) float64, written.
    """
    for item in range(first, last):
        w = item - first
        rate = F(100.0) * decayed[LIKE, item] / (decayed[VIEW, item] + F(1.0))
        out[w, 0] = 1.0
        out[w, 1] = np.float64(log32(F(1.0) + rate))
        out[w, 2] = np.float64(exp32(-age_h[w] / F(24.0)))


@njit(**KERNEL)
def add_impressions(first, context, counts, counted, sums, precision, reward):
    """Add x x' and r x of every impression since the last refit; r is 1 for a like.

    The impressions of one item share their first three terms, so its sums need only the number of views and likes and
    three whole sums over the fourth term a. Events that are not in those sums (accounts of campaigns, of which the
    platform knows no interest) have a = 0; a like without a view is an impression too.

    Args:
        first: number of the first item. context: (W, 3) float64, of the last refit.
        counts, counted: (I, 10) int64, now and at the last refit. sums: (I, 3) int64, of a, a^2 and a r; a x 1024.
        precision: (4, 4) float64, added to. reward: (4,) float64, added to.
    """
    for w in range(context.shape[0]):
        item = first + w
        likes = np.float64(counts[item, LIKE] - counted[item, LIKE])
        views = max(np.float64(counts[item, VIEW] - counted[item, VIEW]), likes)
        if views <= 0:
            continue
        a, aa, ar = sums[item, 0] / UNIT, sums[item, 1] / (UNIT * UNIT), sums[item, 2] / UNIT
        for i in range(3):
            for j in range(3):
                precision[i, j] += views * context[w, i] * context[w, j]
            precision[i, 3] += a * context[w, i]
            precision[3, i] += a * context[w, i]
            reward[i] += likes * context[w, i]
        precision[3, 3] += aa
        reward[3] += ar


@njit(**HELPER)
def inverse(matrix):
    """Inverse of a symmetric positive definite matrix, by Gauss-Jordan elimination without pivots; (d, d) float64."""
    n = matrix.shape[0]
    left, right = matrix.copy(), np.zeros((n, n), np.float64)
    for i in range(n):
        right[i, i] = 1.0
    for k in range(n):
        pivot = left[k, k]
        for j in range(n):
            left[k, j] /= pivot
            right[k, j] /= pivot
        for i in range(n):
            factor = left[i, k]
            if i != k and factor != 0.0:
                for j in range(n):
                    left[i, j] -= factor * left[k, j]
                    right[i, j] -= factor * right[k, j]
    return right


@njit(**KERNEL)
def ridge_estimate(precision, reward, out_weight):
    """A^-1 for A = I + precision, and theta = A^-1 reward.

    Args:
        precision: (d, d) float64. reward: (d,) float64. out_weight: (d,) float64, written.

    Returns:
        (d, d) float64.
    """
    n = reward.size
    matrix = precision.copy()
    for i in range(n):
        matrix[i, i] += 1.0
    inverted = inverse(matrix)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += inverted[i, j] * reward[j]
        out_weight[i] = total
    return inverted


@njit(**KERNEL)
def split_bound(context, weight, inverted, out):
    """Mean and squared width of x = (context, a) as polynomials in a: mean + slope a; q0 + q1 a + q2 a^2.

    Args:
        context: (W, 3) float64. weight: (4,) float64. inverted: (4, 4) float64. out: (5, W) float32, written.
    """
    for w in range(context.shape[0]):
        mean, q0, q1 = 0.0, 0.0, 0.0
        for i in range(3):
            mean += weight[i] * context[w, i]
            q1 += 2.0 * inverted[i, 3] * context[w, i]
            for j in range(3):
                q0 += context[w, i] * inverted[i, j] * context[w, j]
        out[0, w], out[1, w] = F(mean), F(weight[3])
        out[2, w], out[3, w], out[4, w] = F(q0), F(q1), F(inverted[3, 3])
