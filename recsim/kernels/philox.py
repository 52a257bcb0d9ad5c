"""Philox4x32-10, the counter-based generator behind every draw.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3;
multipliers and Weyl constants of Random123. A draw is a pure function of four counter words and two key words.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, INLINE, KERNEL

M0 = np.uint64(0xD2511F53)
M1 = np.uint64(0xCD9E8D57)
W0 = np.uint64(0x9E3779B9)
W1 = np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


@njit(**HELPER)
def philox4(c0, c1, c2, c3, k0, k1):
    """Four words from four counter words and two key words; all uint64 holding 32-bit values.

    Returns:
        Four uint64, each in [0, 2^32).
    """
    for _ in range(10):
        product0 = M0 * c0
        product1 = M1 * c2
        c0 = (product1 >> SHIFT) ^ c1 ^ k0
        c1 = product1 & LOW
        c2 = (product0 >> SHIFT) ^ c3 ^ k1
        c3 = product0 & LOW
        k0 = (k0 + W0) & LOW
        k1 = (k1 + W1) & LOW
    return c0, c1, c2, c3


@njit(**HELPER)
def unit(word):
    """A word in [0, 2^32) as float32 in [0, 1): its upper 24 bits, so that 1 is never reached."""
    return np.float32(word >> np.uint64(8)) * np.float32(5.9604644775390625e-08)


@njit(**INLINE)
def round_of(number, c0, c1, c2, c3, k0, k1):
    """One round of `philox4`, the ``number``-th of 0 to 9, with its key worked out; all uint64.

    Only the lower 32 bits of what goes in and comes out count: to clear the upper ones in every round costs a fifth.
    """
    product0 = M0 * (c0 & LOW)
    product1 = M1 * (c2 & LOW)
    first = (product1 >> SHIFT) ^ c1 ^ ((k0 + np.uint64(number) * W0) & LOW)
    third = (product0 >> SHIFT) ^ c3 ^ ((k1 + np.uint64(number) * W1) & LOW)
    return first, product1, third, product0


@njit(**INLINE)
def rounds(c0, c1, c2, c3, k0, k1):
    """All ten rounds, written out because a loop with a loop in it is not compiled to vector code.

    So they stay in registers, which is faster than going through memory after each round.
    Counter and key words are uint64 holding 32-bit values; of what comes out only the lower 32 bits count.
    """
    c0, c1, c2, c3 = round_of(0, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(1, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(2, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(3, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(4, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(5, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(6, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(7, c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(8, c0, c1, c2, c3, k0, k1)
    return round_of(9, c0, c1, c2, c3, k0, k1)


@njit(**INLINE)
def unit_of(word):
    """`unit` of a uint32, or of the lower half of a uint64: by way of int32, for which every vector unit has an instruction."""
    return np.float32(np.int32((word & LOW) >> np.uint64(8))) * np.float32(5.9604644775390625e-08)


@njit(**HELPER)
def draw_units(actor, obj, n, moment, key0, key1, out):
    """``out[j] = unit(first word of philox4(actor, obj[j], 0, moment; key))`` for j below n.

    Args:
        actor: integer in [0, 2^32). obj: (n,) uint32 or longer. moment, key0, key1: uint64 holding 32-bit values.
        out: (n,) float32 or longer, in [0, 1), written.
    """
    first, key0, key1, moment = np.uint64(actor) & LOW, key0 & LOW, key1 & LOW, moment & LOW
    for j in range(n):
        c0, _, _, _ = rounds(first, np.uint64(obj[j]), np.uint64(0), moment, key0, key1)
        out[j] = unit_of(c0)


@njit(**HELPER)
def actor_units(first, n, population, moment, key0, key1, out):
    """``out[j] = unit(first word of philox4(first + j, 0, population, moment; key))`` for j below n.

    Args:
        first: integer in [0, 2^32 - n]. population, moment, key0, key1: uint64 holding 32-bit values.
        out: (n,) float32 or longer, in [0, 1), written.
    """
    start, population, moment, key0, key1 = np.uint64(first), population & LOW, moment & LOW, key0 & LOW, key1 & LOW
    for j in range(n):
        c0, _, _, _ = rounds(start + np.uint64(j), np.uint64(0), population, moment, key0, key1)
        out[j] = unit_of(c0)


@njit(**HELPER)
def draw_lanes(actor, obj, n, population, moment, key0, key1, out):
    """``out[:, j] = philox4(actor, obj[j], population, moment; key)`` for j below n.

    Args:
        actor, population, moment, key0, key1: uint64 holding 32-bit values. obj: (n,) uint32 or longer.
        out: (4, n) uint32 or wider, written.
    """
    for j in range(n):
        c0, c1, c2, c3 = rounds(actor, np.uint64(obj[j]), population, moment, key0, key1)
        out[0, j] = np.uint32(c0 & LOW)
        out[1, j] = np.uint32(c1 & LOW)
        out[2, j] = np.uint32(c2 & LOW)
        out[3, j] = np.uint32(c3 & LOW)


@njit(**KERNEL)
def draw_words(actor, obj, population, moment, key0, key1, out):
    """One call per row: ``out[r] = philox4(actor[r], obj[r], population, moment; key)``.

    Args:
        actor: (R,) uint32, index of the actor in its population.
        obj: (R,) uint32, what the draw is about.
        population: uint64, 32-bit hash of the population's key.
        moment: uint64, step << 16 | decision.
        key0: uint64, seed.
        key1: uint64, replicate and branch.
        out: (R, 4) uint32, written.
    """
    for r in range(actor.size):
        w0, w1, w2, w3 = philox4(np.uint64(actor[r]), np.uint64(obj[r]), population, moment, key0, key1)
        out[r, 0] = w0
        out[r, 1] = w1
        out[r, 2] = w2
        out[r, 3] = w3
