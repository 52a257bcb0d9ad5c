"""Tasks on this machine: in this process, or on spawned workers that never share state."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any

from recsim.errors import RecsimError

PATIENCE_S = 0.2
"""How often progress is looked at."""

_progress: Any = None


def _begin(progress: Any) -> None:
    """In a worker: leave Ctrl-C to the parent, end with the parent, and keep the shared progress array."""
    global _progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _progress = progress
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A worker of a killed parent would otherwise wait for its next task for ever.
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _call(function: Callable, number: int, task: tuple) -> Any:
    def report(fraction: float) -> None:
        _progress[number] = fraction

    return function(*task, report=report)


def run_tasks(
    function: Callable,
    tasks: Sequence[tuple],
    workers: int,
    report: Callable[[float], None],
    weights: Sequence[float] | None = None,
) -> Generator[tuple[int, Any], None, None]:
    """Call ``function(*task, report=...)`` for every task; yield (number, result) as they finish.

    Results that arrived are yielded before an error is raised, so that the caller can keep them.

    Args:
        function: module-level, so that spawned workers find it.
        tasks: arguments, all picklable.
        workers: processes; 1 runs everything here.
        report: told the work done: weights of finished tasks and of fractions of running ones.
        weights: work of each task; default 1 each.

    Raises:
        RecsimError: a worker died.
    """
    weight = [1.0] * len(tasks) if weights is None else list(weights)
    if workers <= 1 or len(tasks) <= 1:
        done = 0.0
        for number, task in enumerate(tasks):
            size = weight[number]
            yield number, function(*task, report=lambda fraction, d=done, s=size: report(d + s * fraction))
            done += size
            report(done)
        return
    context = multiprocessing.get_context("spawn")
    progress = context.Array("d", len(tasks), lock=False)
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_begin, initargs=(progress,))
    try:
        with _calm_start():
            pending = {pool.submit(_call, function, n, task): n for n, task in enumerate(tasks)}
        while pending:
            done_now, _ = wait(pending, timeout=PATIENCE_S, return_when=FIRST_COMPLETED)
            report(sum(w * p for w, p in zip(weight, progress, strict=True)))
            failed: Future | None = None
            for future in done_now:
                number = pending.pop(future)
                if future.exception() is not None:
                    failed = failed or future
                    continue
                progress[number] = 1.0
                yield number, future.result()
            if failed is not None:
                _raise(failed)
        pool.shutdown()
    except BaseException:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _raise(failed: Future) -> None:
    error = failed.exception()
    if isinstance(error, BrokenProcessPool):
        raise RecsimError(
            "a worker process died (out of memory?); finished replicates are kept, use --resume with fewer --workers"
        ) from error
    if error is not None:
        raise error


@contextlib.contextmanager
def _calm_start() -> Iterator[None]:
    """While workers start: no Ctrl-C in them, and no second run of the caller's script.

    A spawned process imports the caller's ``__main__`` again. Ours need nothing from it, and a script without an
    ``if __name__ == "__main__"`` guard, or one read from standard input, would fail there.
    """
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    here = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if here else None
    for name in hidden:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)
        if here:
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def beside(function: Callable, *args: Any) -> Iterator[Callable[[], None]]:
    """Call ``function(*args)`` in a spawned process while the body runs here; yields how to wait for its end.

    What goes wrong there is not reported: use it only for work that is repeated here if it was not done.
    """
    process = multiprocessing.get_context("spawn").Process(target=_alone, args=(function, args), daemon=True)
    with _calm_start():
        process.start()
    try:
        yield process.join
    finally:
        if process.is_alive():
            process.terminate()
        process.join()


def _alone(function: Callable, args: tuple) -> None:
    """In the process beside: leave Ctrl-C to the parent and end with it; say nothing."""
    _begin(None)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), contextlib.suppress(Exception):
        function(*args)


def default_workers() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def now() -> float:
    """Seconds of a clock that never goes back."""
    return time.perf_counter()
