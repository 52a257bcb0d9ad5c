"""Tasks on this machine: in this process, or on spawned workers that never share state."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from recsim.errors import RecsimError

_progress: Any = None


def _begin(progress: Any) -> None:
    """In a worker: leave Ctrl-C to the parent, and keep the shared progress array."""
    global _progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _progress = progress


def _call(function: Callable, number: int, task: tuple) -> Any:
    def report(fraction: float) -> None:
        _progress[number] = fraction

    return function(*task, report=report)


def run_tasks(
    function: Callable, tasks: Sequence[tuple], workers: int, report: Callable[[float], None]
) -> Iterator[tuple[int, Any]]:
    """Call ``function(*task, report=...)`` for every task; yield (number, result) as they finish.

    Args:
        function: module-level, so that spawned workers find it.
        tasks: arguments.
        workers: processes; 1 runs everything here.
        report: told the number of tasks done, fractions included.

    Raises:
        RecsimError: a worker died.
    """
    if workers <= 1 or len(tasks) <= 1:
        for number, task in enumerate(tasks):
            yield number, function(*task, report=lambda fraction, n=number: report(n + fraction))
            report(number + 1)
        return
    context = multiprocessing.get_context("spawn")
    progress = context.Array("d", len(tasks), lock=False)
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_begin, initargs=(progress,))
    try:
        pending = {pool.submit(_call, function, n, task): n for n, task in enumerate(tasks)}
        while pending:
            done, _ = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            report(sum(progress))
            for future in done:
                number = pending.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool as error:
                    raise RecsimError(
                        "a worker process died (out of memory?); finished replicates are kept, use --resume with fewer --workers"
                    ) from error
                progress[number] = 1.0
                yield number, result
        pool.shutdown()
    except BaseException:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def default_workers() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def now() -> float:
    """Seconds of a clock that never goes back."""
    return time.perf_counter()
