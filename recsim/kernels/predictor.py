"""Online logistic regression of each action on an item's counters, refitted after every step."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import log32, sigmoid32

F = np.float32
TERMS = 3
"""Intercept, log(1 + events of the action), log(1 + views)."""
WATCH = 9
UNITS = 1024.0
LIMIT = 1.0
"""Largest change of a weight in one step: the first steps of a run see few events."""


@njit(**HELPER)
def terms(counted, item, action, out):
    """The regressors of one item for one action, from what had been counted before the step; out (3,) float64."""
    out[0] = 1.0
    out[1] = np.float64(log32(F(1.0) + F(counted[item, action]) / (F(UNITS) if action == WATCH else F(1.0))))
    out[2] = np.float64(log32(F(1.0) + F(counted[item, 0])))


@njit(**HELPER)
def solve3(a, b, out):
    """Solve the symmetric positive definite system a x = b of three unknowns by Cholesky; out (3,) written."""
    l00 = np.sqrt(a[0, 0])
    l10, l20 = a[1, 0] / l00, a[2, 0] / l00
    l11 = np.sqrt(a[1, 1] - l10 * l10)
    l21 = (a[2, 1] - l20 * l10) / l11
    l22 = np.sqrt(a[2, 2] - l20 * l20 - l21 * l21)
    y0 = b[0] / l00
    y1 = (b[1] - l10 * y0) / l11
    y2 = (b[2] - l20 * y0 - l21 * y1) / l22
    out[2] = y2 / l22
    out[1] = (y1 - l21 * out[2]) / l11
    out[0] = (y0 - l10 * out[1] - l20 * out[2]) / l00


@njit(**KERNEL)
def fit_heads(first, last, counted, total, keep, ridge, weight, precision):
    """One Newton step per action towards the events of this step, older steps discounted.

    For item i with v new views and e new events of an action, p = sigmoid(w . x): gradient sum (e - v p) x, precision
    ``keep`` times the old one plus sum v p (1 - p) x x', w += (precision + ridge I)^-1 gradient, each weight by at most
    `LIMIT`. Events by anyone count, whoever acted: this is how a predictor learns from inauthentic engagement.

    Args:
        first, last: items of the live window.
        counted: (I, 10) int64, counts before the step. total: (I, 10) int64, counts now.
        keep: float64, share of the old precision that is kept, 0-1. ridge: float64.
        weight: (10, 3) float64, precision: (10, 3, 3) float64; written, row 0 (views) unused.
    """
    x = np.empty(TERMS)
    gradient = np.empty(TERMS)
    system = np.empty((TERMS, TERMS))
    move = np.empty(TERMS)
    for action in range(1, weight.shape[0]):
        unit = UNITS if action == WATCH else 1.0
        gradient[:] = 0.0
        for a in range(TERMS):
            for b in range(TERMS):
                precision[action, a, b] *= keep
        for item in range(first, last):
            views = total[item, 0] - counted[item, 0]
            if views <= 0:
                continue
            terms(counted, item, action, x)
            z = weight[action, 0] * x[0] + weight[action, 1] * x[1] + weight[action, 2] * x[2]
            p = np.float64(sigmoid32(F(z)))
            events = (total[item, action] - counted[item, action]) / unit
            for a in range(TERMS):
                gradient[a] += (events - views * p) * x[a]
                for b in range(TERMS):
                    precision[action, a, b] += views * p * (1.0 - p) * x[a] * x[b]
        for a in range(TERMS):
            for b in range(TERMS):
                system[a, b] = precision[action, a, b]
            system[a, a] += ridge
        solve3(system, gradient, move)
        for a in range(TERMS):
            weight[action, a] += min(max(move[a], -LIMIT), LIMIT)


@njit(**KERNEL)
def logistic_logits(first, last, window_start, counted, action, weight, out):
    """Log odds of one action for items first..last-1; out (W,) float32, written at item - window_start."""
    x = np.empty(TERMS)
    for item in range(first, last):
        terms(counted, item, action, x)
        z = weight[action, 0] * x[0] + weight[action, 1] * x[1] + weight[action, 2] * x[2]
        out[item - window_start] = min(max(F(z), F(-14.0)), F(4.0))


@njit(**KERNEL)
def true_utility(first, last, window_start, quality, social, w_quality, w_social, constant, out):
    """The part of utility that depends on the item alone, as the response model has it.

    Args:
        quality: (I,) float32. social: (W,) float32. w_quality, w_social, constant: float32.
        out: (W,) float32, written at item - window_start.
    """
    for item in range(first, last):
        w = item - window_start
        out[w] = w_quality * quality[item] + w_social * social[w] - constant
