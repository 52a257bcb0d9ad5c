"""The table: one line per measurement, what it was measured beside, and under which settings."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.rounds import Row, Spread

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
TIMES = {"s", "ns/impression", "MiB", "kB/person"}
"""Units of which less is better; never written with a prefix."""


def amount(value: float, unit: str) -> str:
    """Three digits with a prefix: 3.62 M."""
    size, letter = next(((s, p) for s, p in PREFIXES if abs(value) >= s and unit not in TIMES), (1.0, ""))
    shown = value / size
    digits = 0 if abs(shown) >= 100 else 1 if abs(shown) >= 10 else 2
    return f"{shown:.{digits}f}{' ' + letter if letter else ''}"


def between(value: Spread, unit: str) -> str:
    """Smallest to largest."""
    return f"{amount(value.low, unit)} to {amount(value.high, unit)}" if value.rounds > 1 else "once"


def setting(key: str, value: Any) -> str:
    """One setting as text."""
    shown = (
        f"{value:,}"
        if isinstance(value, int)
        else "none"
        if value == []
        else ", ".join(value)
        if isinstance(value, list)
        else value
    )
    return f"{key} {shown}"


def cells(row: Row) -> list[list[str]]:
    """Lines of one row: itself, then what it was measured beside."""
    under = [
        ", ".join([*(setting(k, v) for k, v in row.settings.items()), f"{row.time} time"]),
        *([row.note] if row.note else []),
    ]
    mine = [
        row.name, f"{amount(row.value.median, row.unit)} {row.unit}", between(row.value, row.unit), "",
        "; ".join(under),
    ]  # fmt: skip
    lines = [mine]
    for other in row.beside:
        if "value" not in other:
            lines.append([f"- beside {other['name']}", "", "", "", other["note"]])
            continue
        value, ratio = Spread(*other["value"]), Spread(*other["times_as_fast"])
        times = f"{ratio.median:.3g} ({ratio.low:.3g} to {ratio.high:.3g})"
        lines.append([
            f"- beside {other['name']}", f"{amount(value.median, row.unit)} {row.unit}", between(value, row.unit), times,
            other["note"],
        ])  # fmt: skip
    return lines


def text(rows: list[Row]) -> str:
    """Markdown: one table per group."""
    out: list[str] = []
    for group in dict.fromkeys(row.group for row in rows):
        out += [f"**{group}**", "", "| what | median | rounds | times as fast | under |", "|---|---|---|---|---|"]
        for row in rows:
            if row.group == group:
                out += ["| " + " | ".join(line) + " |" for line in cells(row)]
        out.append("")
    return "\n".join(out)


def head(facts: dict[str, Any]) -> str:
    """The machine, in two lines."""
    few = "; quick: fewer sizes and rounds than in the whole table" if facts.get("quick") else ""
    versions = ", ".join(f"{n} {facts[n]}" for n in ("python", "numpy", "numba", "mesa", "recsim") if facts.get(n))
    busy = (
        f"; load {facts['load_before']:.1f} before, {facts['load_after']:.1f} after"
        if facts.get("load_after") is not None
        else ""
    )
    if (facts.get("load_before") or 0) > 0.7:
        busy += " (busy with other work: what is timed by the clock is too slow)"
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, vectors of {facts['vector_lanes']} float32{busy};\n"
        f"{versions}; BLAS: {facts['blas']}{few}"
    )


def plain(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows as plain dictionaries, spreads by name."""
    return [_named(dataclasses.asdict(row)) for row in rows]


def _named(thing: Any) -> Any:
    if isinstance(thing, Spread):
        return thing._asdict()
    if isinstance(thing, dict):
        return {k: _named(v) for k, v in thing.items()}
    return [_named(v) for v in thing] if isinstance(thing, list) else thing
