"""Arrays that begin at the edge of a cache line.

NumPy lets large arrays begin 16 bytes after one. Then every row of 64 bytes lies in two lines, and whoever reads the rows of people
scattered over memory waits for twice as many; so does vector code that reads 64 bytes at a time. Values are what they would be.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

EDGE = 128
"""Bytes: two lines, which many processors fetch together; also the size of a page of `recsim.kernels.shown`."""


def empty(shape: Any, dtype: DTypeLike) -> np.ndarray:
    """As `numpy.empty`."""
    return _placed(np.empty, shape, dtype)


def zeros(shape: Any, dtype: DTypeLike) -> np.ndarray:
    """As `numpy.zeros`: what is not written to takes no memory."""
    return _placed(np.zeros, shape, dtype)


def full(shape: Any, value: Any, dtype: DTypeLike) -> np.ndarray:
    """As `numpy.full`."""
    out = empty(shape, dtype)
    out[...] = value
    return out


def copy(array: np.ndarray) -> np.ndarray:
    """As `numpy.copy`, with rows one after the other."""
    out = empty(array.shape, array.dtype)
    out[...] = array
    return out


def give_back(array: np.ndarray, first: int, end: int) -> None:
    """Let the system have the memory of some rows until they are written to again; what they hold is lost.

    Where that cannot be asked for (elsewhere than on Linux), they stay as they are.

    Args:
        array: rows one after the other. first, end: rows first..end-1.
    """
    if not sys.platform.startswith("linux"):
        return
    start, row = array.ctypes.data, array.strides[0]
    low = -(-(start + first * row) // mmap.PAGESIZE) * mmap.PAGESIZE  # whole pages of the system only
    high = (start + end * row) // mmap.PAGESIZE * mmap.PAGESIZE
    if low < high:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(low), ctypes.c_size_t(high - low), mmap.MADV_DONTNEED)


def _placed(make: Any, shape: Any, dtype: DTypeLike) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    room = make(size + EDGE, np.uint8)
    skipped = -room.ctypes.data % EDGE
    return room[skipped : skipped + size].view(dtype).reshape(shape)
