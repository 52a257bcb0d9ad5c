"""How many replicates would be enough, by the spread between worlds that was seen: planning figures, not results."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from scipy.special import chdtri

from recsim.audit.design_power import critical, power_at

LEVEL = 0.05
"""Of the two-sided test, and one less the interval's."""
POWER = 0.8
"""Chance, by convention, with which a shift of the threshold's size should be told from zero."""
MOST = 100_000
"""Replicates beyond which nobody simulates; more are not looked for."""


class Span(NamedTuple):
    """A number of replicates, at least 2; None: more than `MOST`.

    Attributes:
        about: with the spread that was seen.
        low, high: with the ends of the spread's own 95 % interval (chi-squared), which of few replicates is wide.
    """

    about: int | None
    low: int | None
    high: int | None


class Enough(NamedTuple):
    """What would be enough.

    Attributes:
        half_width_pp: the half-width asked for, percentage points.
        for_width: replicates for a 95 % interval (Student's t) of that half-width.
        for_power: replicates that tell a shift of the threshold's size from zero with the chance `POWER`.
    """

    half_width_pp: float
    for_width: Span
    for_power: Span


def power(sd: float, replicates: int, shift: float) -> float:
    """Chance that a shift is told from zero: of the two-sided t test at 5 %, by the noncentral t distribution.

    Args:
        sd: between replicates, percentage points. replicates: with a share. shift: true mean, percentage points, above 0.

    Returns:
        0-1; NaN with fewer than two replicates or without a spread that is known, 1 where there is no spread.
    """
    if replicates < 2 or not shift > 0 or not sd >= 0:
        return math.nan
    if sd == 0:
        return 1.0
    return min(1.0, power_at(shift / sd * math.sqrt(replicates), replicates - 1, LEVEL))


@functools.lru_cache(maxsize=512)
def enough(sd: float | None, replicates: int, threshold: float, half: float) -> Enough | None:
    """Replicates that would be enough for an interval, and for power.

    Args:
        sd: between the replicates that were simulated, percentage points.
        replicates: how many of them have a share.
        threshold, half: shift to be told from zero, and half-width of an interval, percentage points, above 0.

    Returns:
        None with fewer than two replicates, or without a spread.
    """  # kept: terminal and page ask for the same
    if sd is None or not sd > 0 or replicates < 2 or not threshold > 0 or not half > 0:
        return None
    free = replicates - 1
    spreads = [sd, *(sd * math.sqrt(free / float(chdtri(free, above))) for above in (0.025, 0.975))]

    def narrow(s: float) -> int | None:
        return _least(lambda n: critical(n - 1, LEVEL) * s / math.sqrt(n) <= half)

    def told(s: float) -> int | None:
        return _least(lambda n: power(s, n, threshold) >= POWER)

    return Enough(half, Span(*map(narrow, spreads)), Span(*map(told, spreads)))


def as_rows(found: Enough) -> dict[str, Any]:
    """The same for JSON: ``half_width_pp``, and ``for_width`` and ``for_power`` with ``about``, ``low``, ``high``."""
    return {
        "half_width_pp": found.half_width_pp, "chance": POWER,
        "for_width": found.for_width._asdict(), "for_power": found.for_power._asdict(),
    }  # fmt: skip


def _least(holds: Callable[[int], bool]) -> int | None:
    """The smallest number from 2 for which something holds that holds for all larger ones; None beyond `MOST`."""
    low, high = 1, 2  # it does not hold at low (of which nothing is asked), and is looked for up to high
    while not holds(high):
        if high >= MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
