"""Small texts: intervals, names and tables that are ready to be printed."""

from __future__ import annotations

from typing import Any, NamedTuple

from recsim.experiment.sets import Answer
from recsim.report.table import number


class Table(NamedTuple):
    """A table: first column text, the rest figures already as text.

    Attributes:
        caption: what it shows.
        head: names of the columns.
        rows: as many cells each.
        widths: columns on a terminal; what is longer is cut.
        text: numbers of further columns that hold text.
    """

    caption: str
    head: list[str]
    rows: list[list[str]]
    widths: list[int]
    text: tuple[int, ...] = ()


def span(row: dict[str, Any], low: str = "ci_low", high: str = "ci_high", form: str = "+.2f", factor: float = 1) -> str:
    """An interval in brackets."""
    if row.get(low) is None or row.get(high) is None:
        return "(no interval)"
    return f"({number(row[low] * factor, form)} to {number(row[high] * factor, form)})"


def mean_and_span(row: dict[str, Any]) -> str:
    """A shift with its interval."""
    return f"{number(row['shift_pp'], '+.2f')} {span(row)}"


def name_of(result: Answer, candidate: str | None = None) -> str:
    """The name of a candidate, of the one in question by default."""
    wanted = candidate or result.summary["candidate"]
    return next(c.name for c in result.scenario.candidates if c.id == wanted)


def percent(value: float | None, form: str = ".0f") -> str:
    """A share in per cent without the sign."""
    return "-" if value is None or value != value else f"{100 * value:{form}}"
