"""Arrays at the edges of cache lines hold what NumPy's own would, and a world's rows of people are among them."""

from __future__ import annotations

import mmap
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from recsim import aligned
from recsim.rng import Key
from recsim.world.build import build_state
from recsim.world.plan import make_plan


def begins(array):
    return array.ctypes.data % aligned.EDGE


@given(
    shape=array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9),
    kind=st.sampled_from(["u1", "u2", "i4", "f4", "f8"]),
)
def test_as_numpy_would_make_them(shape, kind):
    for found, expected in (
        (aligned.zeros(shape, kind), np.zeros(shape, kind)), (aligned.full(shape, 7, kind), np.full(shape, 7, kind)),
    ):  # fmt: skip
        assert np.array_equal(found, expected) and found.dtype == expected.dtype and found.flags.c_contiguous
        assert not found.size or begins(found) == 0
    assert aligned.empty(shape, kind).shape == shape


@given(arrays(np.int32, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9)))
def test_a_copy_is_apart(array):
    for source in (array, array[::2], array.T):
        found = aligned.copy(source)
        assert np.array_equal(found, source) and begins(found) == 0 and not np.shares_memory(found, source)


@pytest.mark.parametrize("paged", [False, True])
def test_rows_of_people_begin_at_an_edge(small, paged):
    state = build_state(make_plan(small), Key(1, 0), paged=paged)
    for one in (state, state.fork()):
        rows = [one.latent.taste, one.observed.estimate, one.observed.inbox, one.items.topic]
        rows.append(one.observed.pages.entry if paged else one.observed.seen)
        assert [begins(array) for array in rows] == [0] * 5


def resident():
    """Bytes that this process has in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asked for on Linux alone")
def test_what_is_given_back_takes_no_memory_and_its_neighbours_stay():
    rows = aligned.full((1 << 19, 64), 7, np.uint16)  # 64 MiB
    before = resident()
    aligned.give_back(rows, 1000, 500_001)
    assert before - resident() > 55 * 2**20
    assert (rows[:1000] == 7).all() and (rows[500_001:] == 7).all()
    rows[400_000] = 9
    assert (rows[400_000] == 9).all()
    aligned.give_back(rows, 10, 12)  # less than a page of the system: nothing to give
    assert (rows[:1000] == 7).all()
