"""Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing if quiet."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Callable[[float, float, str], None]]:
    """A callback ``(done, total, text)`` that shows how far a run is."""
    if quiet:
        yield lambda done, total, text: None
    elif sys.stderr.isatty():
        yield from _bar()
    else:
        yield _lines()


def _bar() -> Iterator[Callable[[float, float, str], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True,
        redirect_stdout=sys.stdout.isatty(),  # what is printed meanwhile stands above the bar; into a file it goes as it is
    ) as bar:  # fmt: skip
        task = bar.add_task("starting", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


def _lines() -> Callable[[float, float, str], None]:
    began, last, first = time.monotonic(), [0.0], list[tuple[float, float]]()

    def say(done: float, total: float, text: str) -> None:
        now = time.monotonic()
        if not first and total > 1 and text != "compiling":
            first.append((now, done))  # what an earlier run has done took no time of this one
        if now - last[0] >= 10 or (last[0] == 0.0 and done == 0):
            last[0] = now
            sys.stderr.write(
                f"{text}: {100 * done / max(total, 1e-9):.0f} % after {now - began:.0f} s{left(now, done, total)}\n"
            )
            sys.stderr.flush()

    def left(now: float, done: float, total: float) -> str:
        if not first or done <= first[0][1] or done >= total:
            return ""
        seconds = (now - first[0][0]) * (total - done) / (done - first[0][1])
        return f", about {seconds:.0f} s left" if seconds < 120 else f", about {seconds / 60:.0f} min left"

    return say
