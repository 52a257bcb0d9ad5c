"""Kernels called block after block by their addresses do what calling them from Python does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.errors import TypingError

from recsim.kernels.chain import Entry, run_blocks
from recsim.kernels.flags import HELPER


@njit(**HELPER)
def note(low, high, rows, weight):
    total, seen = rows
    for i in range(low, high):
        total[i] += weight
        seen[i] = low
    return total[low]


@njit(**HELPER)
def spread(low, high, rows, out):
    """Needs what `note` wrote for this block, and this block only."""
    if high - low > 7:
        raise ValueError("a block of more than seven")
    for i in range(low, high):
        out[i - low] += rows[0][i] * (high - low)


def arrays():
    """Plain tuples: a type of this file in the disk cache could not be read by a process that does not know it."""
    return (np.arange(40.0), np.zeros(40, np.int64)), np.zeros(7)


@settings(max_examples=30, deadline=None)
@given(first=st.integers(0, 40), count=st.integers(0, 40), size=st.integers(1, 7))
def test_block_after_block(first, count, size):
    last = min(40, first + count)
    (rows, out), (other, expected) = arrays(), arrays()
    args = ((rows, 2.0), (rows, out))
    run_blocks(first, last, size, (Entry(note, args[0]), Entry(spread, args[1])), args)
    for low in range(first, last, size):
        note.py_func(low, min(low + size, last), other, 2.0)
        spread.py_func(low, min(low + size, last), other, expected)
    assert np.array_equal(rows[0], other[0]) and np.array_equal(rows[1], other[1])
    assert np.array_equal(out, expected)


def test_an_error_comes_through():
    rows, out = arrays()
    with pytest.raises(ValueError, match="more than seven"):
        run_blocks(0, 40, 8, (Entry(spread, (rows, out)),), ((rows, out),))


@pytest.mark.parametrize(
    "args",
    [
        lambda rows: (rows, 2), lambda rows: (rows[0], 2.0), lambda rows: (rows, 2.0, 2.0),
        lambda rows: ((rows[0][::2], rows[1]), 2.0),
    ],
)  # fmt: skip
def test_arguments_of_other_types_do_not_compile(args):
    """Machine code that is called by its address would read anything at all."""
    rows, _ = arrays()
    entry = Entry(note, (rows, 2.0))
    with pytest.raises(TypingError, match="an entry takes"):
        run_blocks(0, 4, 2, (entry,), (args(rows),))
