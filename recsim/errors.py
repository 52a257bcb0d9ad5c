"""Errors a person can act on: what was got, what is allowed, where, and the likely fix."""

from __future__ import annotations

import difflib
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
