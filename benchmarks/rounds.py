"""Timing in rounds: variants take turns, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import dataclasses
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """Median of the rounds, smallest and largest of them, and how many there were."""

    median: float
    low: float
    high: float
    rounds: int


class Spent(NamedTuple):
    """Seconds of one round by the clock, and of processor time of all threads."""

    clock: float
    processor: float


@dataclasses.dataclass
class Row:
    """One line of the table.

    Attributes:
        group: heading under which it stands.
        name: what was measured.
        unit: of the value.
        value: more is better, unless the unit is one of time or memory.
        time: "clock" or "processor".
        settings: everything the value depends on.
        beside: references measured in the same rounds, with how many times as fast recsim is (by rounds); a reference that
            could not be measured has a note instead.
        note: what a reader must know.
        details: for the stored file only.
    """

    group: str
    name: str
    unit: str
    value: Spread
    time: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    beside: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    note: str = ""
    details: dict[str, Any] = dataclasses.field(default_factory=dict)


def peak_bytes() -> int:
    """Largest memory of this process so far.

    From the kernel's own record where there is one: what ``getrusage`` says starts with the size of the process that
    started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if found:
            return 1024 * int(found[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def spread(values: Sequence[float]) -> Spread:
    """Median, smallest, largest and number of the values of rounds."""
    return Spread(statistics.median(values), min(values), max(values), len(values))


def timed(work: Callable[[], Any]) -> Spent:
    """Seconds of one call."""
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return Spent(time.perf_counter() - clock, time.process_time() - processor)


def interleaved(variants: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Spent]]:
    """Call every variant once without a clock, then ``rounds`` times in turn; seconds by variant."""
    for work in variants.values():
        work()
    out: dict[str, list[Spent]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            out[name].append(timed(work))
    return out


def rates(amount: float, spent: Sequence[Spent], clock: str = "processor") -> list[float]:
    """Amount per second of each round; see `Spent` for the clocks."""
    return [amount / getattr(one, clock) for one in spent]


def reference(name: str, mine: Sequence[float], theirs: Sequence[float], note: str = "") -> dict[str, Any]:
    """One entry of `Row.beside`: the rate of a reference, and the ratio in each round."""
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    return {"name": name, "value": spread(theirs), "times_as_fast": spread(ratios), "note": note}
