"""Tasks on this machine: in this process, or on spawned workers that never share state."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, resource_tracker
from pathlib import Path
from typing import Any, Protocol

from recsim.errors import RecsimError

PATIENCE_S = 0.2
"""How often progress is looked at."""
LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how much memory a container may have."""
MASKS = hasattr(signal, "pthread_sigmask")
"""Whether the system blocks signals by thread; Windows does not, and there Ctrl-C goes to whatever shares the console."""
ATTEMPTS = 2
"""How often a task that may have killed its worker is begun again."""

_progress: Any = None


def _begin(progress: Any) -> None:
    """In a worker: leave Ctrl-C to the parent, end with the parent, and keep the shared progress array."""
    global _progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if MASKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked where it started; see `without_interrupt`
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


Report = Callable[[float], None]
Results = Generator[tuple[int, Any], None, None]


class Executor(Protocol):
    """Where tasks are done: in this process, on processes of this machine, or on a cluster. Never changes a result.

    Attributes:
        slots: tasks that can be done at once.
        state: what progress says instead of the task, "" if there is nothing to say.
    """

    slots: int
    state: str

    @property
    def host(self) -> str:
        """By which workers find this process."""

    def threads_for(self, tasks: int) -> int:
        """Threads of each task if there are so many of them."""

    def run(
        self, function: Callable, tasks: Sequence[tuple], report: Report, weights: Sequence[float] | None = None,
        names: Sequence[str] | None = None, apart: bool = False,
    ) -> Results:  # fmt: skip
        """Call ``function(*task, report=...)`` for every task; yield (number, result) as they finish.

        Tasks begin in the order of the list. Results that arrived are yielded before an error is raised, so that the
        caller can keep them. A task whose worker dies is done again; one that kills every worker is an error.

        Args:
            function: module-level, so that workers find it.
            tasks: arguments, all picklable.
            report: told the work done: weights of finished tasks and, where they are known, fractions of running ones.
            weights: work of each task; default 1 each.
            names: of the tasks, for errors.
            apart: all at the same time, each on a worker of its own; there must be enough of them.

        Raises:
            RecsimError: workers died again and again.
        """


class Local:
    """This machine: everything in this process with one worker, on spawned processes with more."""

    state = ""
    host = "127.0.0.1"

    def __init__(self, workers: int) -> None:
        self.slots = max(1, workers)

    def threads_for(self, tasks: int) -> int:
        """As many as cores allow."""
        return max(1, default_workers() // max(1, min(self.slots, tasks)))

    def run(
        self, function: Callable, tasks: Sequence[tuple], report: Report, weights: Sequence[float] | None = None,
        names: Sequence[str] | None = None, apart: bool = False,
    ) -> Results:  # fmt: skip
        """See `Executor.run`."""
        workers = len(tasks) if apart else self.slots
        return run_tasks(function, tasks, workers, report, weights, names, 0 if apart else ATTEMPTS)


def run_tasks(
    function: Callable, tasks: Sequence[tuple], workers: int, report: Report, weights: Sequence[float] | None = None,
    names: Sequence[str] | None = None, attempts: int = ATTEMPTS,
) -> Results:  # fmt: skip
    """Tasks on ``workers`` processes of this machine, 1 being this one; arguments and errors as of `Executor.run`.

    ``attempts``: how often a task that may have killed its worker is begun again.
    """
    weight = [1.0] * len(tasks) if weights is None else weights
    if workers <= 1 or len(tasks) <= 1:
        return _in_process(function, tasks, report, weight)
    return _on_processes(function, tasks, min(workers, len(tasks)), report, weight, names, attempts)


def _in_process(function: Callable, tasks: Sequence[tuple], report: Report, weight: Sequence[float]) -> Results:
    done = 0.0
    for number, task in enumerate(tasks):
        size = weight[number]
        yield number, function(*task, report=lambda fraction, d=done, s=size: report(d + s * fraction))
        done += size
        report(done)


class WorkersDiedError(RecsimError):
    """Workers died as often as a task may kill them."""


class _DiedError(Exception):
    """A worker process died; ``held`` are the tasks that workers may have been doing."""

    def __init__(self, held: list[int]) -> None:
        self.held = held


def _on_processes(
    function: Callable, tasks: Sequence[tuple], workers: int, report: Report, weight: Sequence[float],
    names: Sequence[str] | None, attempts: int,
) -> Results:  # fmt: skip
    context = multiprocessing.get_context("spawn")
    progress = context.Array("d", len(tasks), lock=False)
    waiting, suspects, deaths = deque(range(len(tasks))), deque[int](), Counter[int]()
    done, most = 0.0, 0.0

    def look(running: Iterable[int]) -> None:
        nonlocal most
        most = max(most, done + sum(weight[n] * progress[n] for n in running))
        report(most)

    while waiting or suspects:
        # Which of the tasks in hand killed a worker is not known; alone, each of them shows.
        queue, size = (deque([suspects.popleft()]), 1) if suspects else (waiting, workers)
        pool = ProcessPoolExecutor(size, mp_context=context, initializer=_begin, initargs=(progress,))
        try:
            for number, result in _until_death(pool, function, tasks, queue, size, look):
                yield number, result
                done += weight[number]
                look(())
        except _DiedError as death:
            deaths.update(death.held)
            if not attempts or (len(death.held) == 1 and deaths[death.held[0]] > attempts):
                raise WorkersDiedError(
                    killed(death.held[0], names, "a worker process died", deaths[death.held[0]])
                ) from None
            suspects.extend(sorted(death.held))


def killed(number: int, names: Sequence[str] | None, what: str, times: int) -> str:
    """The line about a task that kills its workers."""
    name = names[number] if names else f"task {number}"
    return (
        f"{name}: {what} each of {times} times (out of memory?); everything else that finished is kept, use --resume "
        "with fewer --workers or a smaller --scale"
    )


def _until_death(
    pool: ProcessPoolExecutor, function: Callable, tasks: Sequence[tuple], queue: deque[int], size: int,
    look: Callable[[Iterable[int]], None],
) -> Results:  # fmt: skip
    """Do tasks from the queue until it is empty or a worker dies; few are handed over ahead, so that few are in doubt."""
    pending: dict[Future, int] = {}
    try:
        while queue or pending:
            if queue and len(pending) <= size:
                with _calm_start():
                    while queue and len(pending) <= size:
                        pending[pool.submit(_call, function, queue[0], tasks[queue[0]])] = queue[0]
                        queue.popleft()
            done_now, _ = wait(pending, timeout=PATIENCE_S, return_when=FIRST_COMPLETED)
            look(pending.values())
            failed: BaseException | None = None
            held = []
            for future in done_now:
                number, error = pending.pop(future), future.exception()
                if isinstance(error, BrokenProcessPool):
                    held.append(number)
                elif error is not None:
                    failed = failed or error
                else:
                    yield number, future.result()
            if failed is not None:
                raise failed
            if held:
                raise _DiedError(held + list(pending.values()))
        pool.shutdown()
    except BrokenProcessPool:  # it broke while a task was handed over
        pool.shutdown(wait=False, cancel_futures=True)
        raise _DiedError(list(pending.values())) from None
    except BaseException:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """While this is open, no spawned process runs the caller's script a second time.

    A spawned process imports the caller's ``__main__`` again. Ours need nothing from it, and a script without an
    ``if __name__ == "__main__"`` guard, or one read from standard input, would fail there.
    """
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    for name in hidden:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


@contextlib.contextmanager
def without_interrupt() -> Iterator[None]:
    """While this is open, processes start to which Ctrl-C says nothing; one pressed meanwhile is delivered at the end.

    A blocked signal is inherited by what starts here, a handler is not. Another thread of this process may still
    take the signal, so what it would call is put off too.
    """
    if MASKS:
        resource_tracker.ensure_running()  # it would unblock the signal if the first process here had to start it
    pressed = threading.Event()
    here = threading.current_thread() is threading.main_thread()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if MASKS else None
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.set()) if here else None
    try:
        yield
    finally:
        if here:
            signal.signal(signal.SIGINT, before)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if pressed.is_set():
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _calm_start() -> Iterator[None]:
    """While workers start: no Ctrl-C in them, and no second run of the caller's script."""
    with without_main(), without_interrupt():
        yield


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


def machine_bytes() -> float:
    """Memory of this machine, or of the container where it has less; infinity where neither says."""
    try:
        whole = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):
        whole = math.inf
    with contextlib.suppress(OSError, ValueError):
        return min(whole, float(LIMIT.read_text(encoding="ascii")))  # "max": no limit
    return whole


def now() -> float:
    """Seconds of a clock that never goes back."""
    return time.perf_counter()
