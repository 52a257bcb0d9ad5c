"""Finding a place in a sorted list."""

from __future__ import annotations

from numba import njit

from recsim.kernels.flags import HELPER


@njit(**HELPER)
def first_from(values, low, high, bound):
    """First place in [low, high) of sorted ``values`` that holds at least ``bound``; ``high`` if none does."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low
