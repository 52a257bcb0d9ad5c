"""The machine: what it is, and how many multiply-adds a core of it can do."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

SUMS = 12
"""Independent running sums: more than latency times units of any current core, and few enough to stay in registers."""
LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8
"""Numbers in one vector; where registers are smaller, the compiler takes two for one."""


@intrinsic
def _multiply_add(typing_context, times):
    """``times`` rounds of `SUMS` vector multiply-adds in registers; returns one of the sums, so that nothing is left out."""

    def generate(context, builder, signature, arguments):
        lanes = ir.VectorType(ir.FloatType(), LANES)
        name = f"llvm.fmuladd.v{LANES}f32"
        fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(lanes, [lanes] * 3), name)
        factor, addend = (ir.Constant(lanes, [value] * LANES) for value in (0.999, 1e-3))
        before, body, after = builder.block, builder.append_basic_block("body"), builder.append_basic_block("after")
        builder.branch(body)
        builder.position_at_end(body)
        count = builder.phi(ir.IntType(64))
        sums = [builder.phi(lanes) for _ in range(SUMS)]
        count.add_incoming(ir.Constant(count.type, 0), before)
        following = builder.add(count, ir.Constant(count.type, 1))
        count.add_incoming(following, body)
        for number, one in enumerate(sums):
            one.add_incoming(ir.Constant(lanes, [float(number)] * LANES), before)
            one.add_incoming(builder.call(fused, [one, factor, addend]), body)
        builder.cbranch(builder.icmp_signed("<", following, arguments[0]), body, after)
        builder.position_at_end(after)
        total = sums[0]
        for one in sums[1:]:
            total = builder.fadd(total, one)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.int64), generate


@njit(nogil=True)
def multiply_adds(times):
    """``times`` x `SUMS` x `LANES` float32 multiply-adds on one core; the value has no meaning."""
    return _multiply_add(times)


MULTIPLY_ADDS = SUMS * LANES
"""Of one of the ``times``."""


def cpu_model() -> str:
    """The processor's name as the system has it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def memory_gib() -> float:
    """Memory of the machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (ValueError, OSError, AttributeError):
        return float("nan")


def load() -> float | None:
    """Processes that want a core, mean of the last minute; None where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def blas() -> str:
    """The library behind NumPy's products, with the kernels it has chosen if threadpoolctl is there to ask."""
    built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    found = [f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()]
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        loaded = [one for one in threadpool_info() if one["user_api"] == "blas" and "numpy" in one["filepath"]]
        found = [f"{o['internal_api']} {o.get('version')} {o.get('architecture', '')}".strip() for o in loaded] or found
    if "OPENBLAS_CORETYPE" in os.environ:
        found.append("(its kernels are chosen by OPENBLAS_CORETYPE, which may be slower than what it would choose)")
    return " ".join(found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def facts() -> dict[str, Any]:
    """What stands above the table."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": cpu_model(), "architecture": platform.machine(), "cores": cores, "memory_gib": round(memory_gib(), 1),
        "vector_lanes": LANES, "system": platform.system(), "python": platform.python_version(), "blas": blas(),
        **{name: _version(name) for name in ("numpy", "numba", "llvmlite", "mesa")}, "recsim": _version("recsim-audit"),
    }  # fmt: skip
