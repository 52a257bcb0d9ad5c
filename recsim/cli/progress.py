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
    ) as bar:  # fmt: skip
        task = bar.add_task("starting", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


def _lines() -> Callable[[float, float, str], None]:
    began, last = time.monotonic(), [0.0]

    def say(done: float, total: float, text: str) -> None:
        now = time.monotonic()
        if now - last[0] >= 10 or (last[0] == 0.0 and done == 0):
            last[0] = now
            sys.stderr.write(f"{text}: {100 * done / max(total, 1e-9):.0f} % after {now - began:.0f} s\n")
            sys.stderr.flush()

    return say
