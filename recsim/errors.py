"""Errors a person can act on: what was got, what is allowed, where, and the likely fix."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable


class RecsimError(Exception):
    """Any error that recsim raises on purpose."""


class InputError(RecsimError):
    """Bad input: one line, no traceback, exit code 2.

    Args:
        message: what was got, what is allowed, the likely fix.
        where: file, line and dotted key, put in front of the message.
    """

    exit_code = 2

    def __init__(self, message: str, where: str | None = None) -> None:
        self.message, self.where = message, where
        super().__init__(f"{where}: {message}" if where else message)


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name most like ``name``, or None if none is near."""
    found = difflib.get_close_matches(str(name), [str(a) for a in allowed], n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(kind: str, name: str, allowed: Iterable[str], where: str | None = None) -> InputError:
    """The error for a name that is not among those allowed, with the nearest one."""
    names = sorted(str(a) for a in allowed)
    near = nearest(name, names)
    hint = f"; did you mean {near!r}?" if near else ""
    listed = ", ".join(names) if names else "none"
    return InputError(f"got unknown {kind} {name!r}; allowed: {listed}{hint}", where)


def check_range(value: float, low: float, high: float, where: str | None = None, *, positive: bool = False) -> None:
    """Refuse a number that is not between two bounds, ends included.

    Args:
        value: what was got. low, high: the bounds, infinite for none. where: as for `InputError`.
        positive: whether it must be above 0 besides.

    Raises:
        InputError: it lies outside.
    """
    if not low <= value <= high or (positive and not value > 0):
        raise InputError(f"got {value:g}, must be {bounds(low, high, positive=positive)}", where)


def bounds(low: float, high: float, *, positive: bool = False) -> str:
    """What a number may be, in words: "0 to 1", "at least 0", "above 0 and at most 1"; "" for any."""
    if math.isfinite(low) and math.isfinite(high) and not positive:
        return f"{low:g} to {high:g}"
    least = "above 0" if positive and low <= 0 else f"at least {low:g}" if math.isfinite(low) else ""
    most = f"at most {high:g}" if math.isfinite(high) else ""
    return " and ".join(word for word in (least, most) if word)
