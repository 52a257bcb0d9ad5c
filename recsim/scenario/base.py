"""A scenario that says only how it differs from another one: its key ``base`` names the other file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recsim.errors import InputError

BASE = "base"
Read = Callable[[Path], tuple[dict, dict[tuple, int | str]]]


def with_base(path: Path, read: Read, known: tuple[Path, ...] = ()) -> tuple[dict, dict[tuple, int | str]]:
    """A scenario file put over the one it is based on, and that one over its own.

    Args:
        path: of the file. read: gives a file's mapping and the lines of its entries.
        known: files that are being read, to find circles.

    Returns:
        The mapping without the key ``base``, and the lines of what stands in the file itself.

    Raises:
        InputError: what ``read`` raises; a base that is no file name; a circle.
    """
    raw, lines = read(path)
    if BASE not in raw:
        return raw, lines
    name, where = raw.pop(BASE), f"{path}:{lines.get((BASE,), 1)} {BASE}"
    if not isinstance(name, str) or not name:
        raise InputError(f"got {name!r}; the name of a scenario file is needed", where)
    here, other = path.resolve(), path.parent / name
    if other.resolve() in (*known, here):
        raise InputError(f"got {name}, which is based on this file; a base must come to an end", where)
    try:
        below, _ = with_base(other, read, (*known, here))
    except InputError as error:
        if other.is_file():
            raise
        raise InputError(f"got {name}: {error.message}", where) from None
    population = below.get("population")
    if isinstance(population, dict):
        for table in ("segments", "tiles"):
            if isinstance(population.get(table), str):
                # A file name in the other scenario counts from that one's folder.
                population[table] = os.path.relpath(other.parent / population[table], path.parent)
    return over(below, raw), lines


def over(below: Mapping, above: Mapping) -> dict:
    """One mapping put over another: blocks key by key; lists, quantities and single values as a whole.

    Args:
        below: what counts where ``above`` says nothing. above: what counts.
    """
    out: dict[Any, Any] = dict(below)
    for key, value in above.items():
        old = out.get(key)
        blocks = isinstance(value, dict) and isinstance(old, dict) and "value" not in value
        out[key] = over(out[key], value) if blocks else value
    return out
