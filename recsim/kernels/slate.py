"""The slate: what a person can be offered, and exact memory of what she has been shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, INLINE, KERNEL

F = np.float32
U64 = np.uint64
LOWEST = np.int64(-(1 << 62))


class Visits(NamedTuple):
    """Who comes this step, sorted by stratum, then person."""

    person: np.ndarray  # (V,) int32
    stratum: np.ndarray  # (V,) int32
    entry: np.ndarray  # (V,) int8, 0 feed, 1 search, 2 link from elsewhere
    about: np.ndarray  # (V,) int8, candidate searched for
    ad: np.ndarray  # (V,) int32, advertisement in the first place, -1 none; V = 0 if no campaign advertises


class Pools(NamedTuple):
    """What retrieval offers to the people of each stratum."""

    item: np.ndarray  # (S, P) int32, ascending within a stratum
    key: np.ndarray  # (S, P) uint32, draw keys of those items
    source: np.ndarray  # (S, P) int8
    size: np.ndarray  # (S,) int32, items in the pool
    fresh: np.ndarray  # (S, E) int32, items under trial
    fresh_count: np.ndarray  # (S,) int32
    entry: np.ndarray  # (C, Q) int32, results of a search for a candidate, best first
    entry_count: np.ndarray  # (C,) int32
    heated: np.ndarray  # (S, E) int32, items that the platform pushes
    heated_count: np.ndarray  # (S,) int32


@njit(**HELPER)
def has_seen(seen, person, item):
    """Whether the person has been shown the item: one bit per live item, so the memory is exact.

    Args:
        seen: (R, B) uint64. person: row that is hers, see `recsim.kernels.shown.memory_row`. item: number.
    """
    word = (item >> 6) % seen.shape[1]
    return (seen[person, word] >> U64(item & 63)) & U64(1) != U64(0)


@njit(**INLINE)
def turn_of(window_start, words):
    """What `word_of` needs to know of a row of bits: one division for all items of a step instead of one for each.

    Args:
        window_start: int64, number of the oldest live item. words: of a row.
    """
    return (window_start >> 6) % words - (window_start >> 6)


@njit(**INLINE)
def word_of(item, turn, words):
    """Which word of a row holds the bit of a live item."""
    word = (item >> 6) + turn
    return word - words if word >= words else word


@njit(**KERNEL)
def forget(seen, before, after):
    """Make room for items before..after-1: words that hold their bits for the first time are cleared.

    Args:
        seen: (U, B) uint64. before, after: numbers of items known so far, and from now on.
    """
    for person in range(seen.shape[0]):  # outside, because neighbouring words share a cache line
        for word in range((before + 63) // 64, (after + 63) // 64):
            seen[person, word % seen.shape[1]] = U64(0)


@njit(**HELPER)
def is_chosen(item, items, chosen):
    """Whether the item is already in this chunk."""
    duplicate = False
    for slot in range(chosen):
        duplicate = duplicate | (items[slot] == item)
    return duplicate


@njit(**INLINE)
def is_new(seen, row, item, items, chosen, turn):
    """A live item, neither shown before nor already in this chunk."""
    word = word_of(item, turn, seen.shape[1])
    return not is_chosen(item, items, chosen) and (seen[row, word] >> U64(item & 63)) & U64(1) == U64(0)


@njit(**HELPER)
def sortable(score, column):
    """A score and its column as one integer: larger score first, then smaller column; minus infinity and NaN are LOWEST.

    Integers, because a maximum of floats does not compile to vector code without licence to ignore NaN. The sign of a NaN
    is the processor's choice, so it must not decide about a place.
    """
    bits = np.int64(np.float32(score).view(np.int32))
    if bits < 0:
        bits = np.int64(-2147483648) - bits
    code = (bits << np.int64(16)) + (np.int64(0xFFFF) - np.int64(column))
    return code if score > F(-np.inf) else LOWEST
