"""Random-walk growth of a follow graph, and laws of what is posted."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import exp32, log32, power32
from recsim.kernels.philox import philox4, unit


@njit(**HELPER)
def _below(word, bound):
    """A 32-bit word as an integer in [0, bound)."""
    return np.int64((word * np.uint64(bound)) >> np.uint64(32))


@njit(**HELPER)
def _word(node, number, population, moment, key0, key1):
    return philox4(np.uint64(node), np.uint64(number), population, moment, key0, key1)[0]


@njit(**HELPER)
def _distinct(count, bound, node, number, population, moment, key0, key1, out):
    """``count`` different integers below ``bound``, one draw each (Floyd); out written; number of the next draw."""
    for k in range(count):
        top = bound - count + k
        pick = _below(_word(node, number, population, moment, key0, key1), top + 1)
        number += 1
        for before in range(k):
            if out[before] == pick:
                pick = top
                break
        out[k] = pick
    return number


@njit(**KERNEL)
def grow(nodes, links, share, population, moment, key0, key1, followed):
    """A directed random-walk growth graph on ``nodes`` accounts, ``links`` each.

    The first ``links`` follow one another. Each new one follows one drawn evenly, then Binomial(links - 1, share) different
    ones of those whom that one follows, and for the rest different ones drawn evenly; an account can be followed twice.

    Args:
        nodes: at least links + 2. links: at least 1. share: float32. population, moment, key0, key1: words of the draws.
        followed: (nodes, links) int32, whom each follows, written; -1 where one of the first has no further.
    """
    picks = np.empty(links, np.int64)
    for node in range(links):
        n = 0
        for other in range(links):
            if other != node:
                followed[node, n] = other
                n += 1
        followed[node, links - 1] = -1
    for node in range(links, nodes):
        chosen = _below(_word(node, 0, population, moment, key0, key1), node)
        followed[node, 0] = chosen
        number, near = 1, 0
        for _ in range(links - 1):
            if unit(_word(node, number, population, moment, key0, key1)) < share:
                near += 1
            number += 1
        has = links if chosen >= links else links - 1
        number = _distinct(near, has, node, number, population, moment, key0, key1, picks)
        for k in range(near):
            followed[node, 1 + k] = followed[chosen, picks[k]]
        _distinct(links - 1 - near, node, node, number, population, moment, key0, key1, picks)
        for k in range(links - 1 - near):
            followed[node, 1 + near + k] = picks[k]


@njit(**KERNEL)
def draw_quality(u, slope, out):
    """Quality with density proportional to exp(slope q) on [0, 1]: log(1 - u + u exp(slope)) / slope, in 2^-24.

    Args:
        u: (R,) float32 in [0, 1). slope: float32 in [0.001, 80]. out: (R,) int32, written.
    """
    top = exp32(slope)
    for r in range(u.size):
        q = log32((np.float32(1.0) - u[r]) + u[r] * top) / slope
        out[r] = np.int32(min(max(q, np.float32(0.0)), np.float32(1.0)) * np.float32(16777216.0))


@njit(**KERNEL)
def power_law(u, power, out):
    """``out[r] = (1 - u[r]) ** power`` for u in [0, 1); both (R,) float32, power float32."""
    for r in range(u.size):
        out[r] = power32(np.float32(1.0) - u[r], power)
