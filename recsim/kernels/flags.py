"""The one place that sets how kernels are compiled.

No fastmath and no floating-point contraction on the simulation path: the same bits on every machine.
``nogil`` lets worker threads run blocks side by side; kernels themselves are serial and write only
what belongs to their own rows, so the number of threads cannot change a result.
"""

from __future__ import annotations

KERNEL = {"cache": True, "error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True, "nogil": True}
HELPER = {"error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}
INLINE = {**HELPER, "forceinline": True}
"""For what a loop calls that must become vector code: a loop around a call does not, and large helpers are not inlined by themselves."""
