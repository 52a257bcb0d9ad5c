"""Arrays that begin at the edge of a cache line.

NumPy lets large arrays begin 16 bytes after one. Then every row of 64 bytes lies in two lines, and whoever reads the rows of people
scattered over memory waits for twice as many; so does vector code that reads 64 bytes at a time. Values are what they would be.
"""

from __future__ import annotations

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


def _placed(make: Any, shape: Any, dtype: DTypeLike) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    room = make(size + EDGE, np.uint8)
    skipped = -room.ctypes.data % EDGE
    return room[skipped : skipped + size].view(dtype).reshape(shape)
