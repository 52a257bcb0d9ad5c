"""Ratings explained by who rates, what is rated, and one axis on which both stand; in a fixed order."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL


@njit(**HELPER)
def _solve(count, first, second, moment, product, ridge_intercept, ridge_factor):
    """Intercept a and factor b that minimise sum (e - a - b x)^2 + ridge_intercept a^2 + ridge_factor b^2.

    Args:
        count, first, second: number of ratings, sums of x and x^2. moment, product: sums of e and e x.
    """
    top, low = count + ridge_intercept, second + ridge_factor
    determinant = top * low - first * first
    return (low * moment - first * product) / determinant, (top * product - first * moment) / determinant


@njit(**KERNEL)
def fit_ratings(
    actor_start, item_of, rating, item_start, actor_of, item_rating, intercept_weight, factor_weight, tolerance, most,
    actor_intercept, actor_factor, item_intercept, item_factor,
):  # fmt: skip
    """Minimise mean (r - mu - i_u - i_n - f_u f_n)^2 + w_i (mean i_u^2 + mean i_n^2 + mu^2) + w_f (mean f_u^2 + mean f_n^2).

    Actors' intercepts and factors, items' ones and mu are set in turn to the exact minimum given the others, so the loss
    never rises. Sums run over an actor's or an item's ratings in the order given.

    Args:
        actor_start: (A+1,) int64, item_of: (R,) int64, rating: (R,) float64: ratings by actor.
        item_start: (N+1,) int64, actor_of: (R,) int64, item_rating: (R,) float64: the same by item.
        intercept_weight, factor_weight: w_i and w_f, above 0.
        tolerance: the loss may change by that much in the last round. most: largest number of rounds.
        actor_intercept, actor_factor: (A,) float64, written.
        item_intercept, item_factor: (N,) float64; where the search starts; written.

    Returns:
        mu, the loss, and the number of rounds.
    """
    ratings, actors, items = rating.size, actor_start.size - 1, item_start.size - 1
    if ratings == 0:
        return 0.0, 0.0, 0
    # Means over parameters, as sums beside a sum over ratings.
    per_actor, per_item = ratings / actors, ratings / items
    mu, loss, before, rounds = 0.0, 0.0, np.inf, 0
    while rounds < most:
        for u in range(actors):
            first, second, moment, product = 0.0, 0.0, 0.0, 0.0
            for k in range(actor_start[u], actor_start[u + 1]):
                n = item_of[k]
                left, x = rating[k] - mu - item_intercept[n], item_factor[n]
                first += x
                second += x * x
                moment += left
                product += left * x
            count = float(actor_start[u + 1] - actor_start[u])
            actor_intercept[u], actor_factor[u] = _solve(
                count, first, second, moment, product, intercept_weight * per_actor, factor_weight * per_actor
            )
        for n in range(items):
            first, second, moment, product = 0.0, 0.0, 0.0, 0.0
            for k in range(item_start[n], item_start[n + 1]):
                u = actor_of[k]
                left, x = item_rating[k] - mu - actor_intercept[u], actor_factor[u]
                first += x
                second += x * x
                moment += left
                product += left * x
            count = float(item_start[n + 1] - item_start[n])
            item_intercept[n], item_factor[n] = _solve(
                count, first, second, moment, product, intercept_weight * per_item, factor_weight * per_item
            )
        total, square = 0.0, 0.0
        for u in range(actors):
            for k in range(actor_start[u], actor_start[u + 1]):
                n = item_of[k]
                left = rating[k] - actor_intercept[u] - item_intercept[n] - actor_factor[u] * item_factor[n]
                total += left
                square += left * left
        mu = total / (ratings * (1.0 + intercept_weight))
        fit = (square - 2.0 * mu * total) / ratings + mu * mu
        intercepts, factors = mu * mu, 0.0
        for u in range(actors):
            intercepts += actor_intercept[u] * actor_intercept[u] / actors
            factors += actor_factor[u] * actor_factor[u] / actors
        for n in range(items):
            intercepts += item_intercept[n] * item_intercept[n] / items
            factors += item_factor[n] * item_factor[n] / items
        loss = fit + intercept_weight * intercepts + factor_weight * factors
        rounds += 1
        if abs(before - loss) <= tolerance:
            break
        before = loss
    return mu, loss, rounds
