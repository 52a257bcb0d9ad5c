"""Compiled loops. The rules every file here follows.

* numpy, numba and math only; arrays in, arrays out; outputs preallocated and last.
* Module-level functions, ``@njit(**KERNEL)`` or ``@njit(**HELPER)`` from `recsim.kernels.flags`.
* No randomness but `recsim.kernels.philox`; no exp, log or pow but `recsim.kernels.mathf`.
* A kernel loops over rows it owns; sums across rows are integers, so order cannot matter.
* Every kernel has a plain-Python twin in ``tests/reference.py``, written from the formula.
"""
