"""Attribution, dose, delay and trade-off on the terminal: 80 columns, without colour, readable when piped."""

from __future__ import annotations

from textwrap import shorten
from typing import IO

from recsim.experiment.sets import Answer
from recsim.report.answer_words import TITLES, sentences, tables
from recsim.report.compare_table import short
from recsim.report.table import footer_lines, wrapped
from recsim.report.words import Table


def print_answer(result: Answer, file: IO[str] | None = None) -> None:
    """Print what was asked."""
    print("\n".join(answer_lines(result)), file=file)


def answer_lines(result: Answer) -> list[str]:
    """The whole text, line by line."""
    s = result.summary
    lines = [
        *wrapped(f"{TITLES[s['command']]}: {result.scenario.title or s['scenario']}"),
        *wrapped(
            f"policy {s['policy']}; days {s['window_first_day']} to 0 relative to the vote; {s['people']:,} simulated people "
            f"for {s['people_real']:,.0f}; {s['worlds']} worlds per replicate"
        ),
    ]
    for table in tables(result):
        lines += ["", *table_lines(table)]
    for text in sentences(result):
        lines += ["", *wrapped(text)]
    lines += footer_lines(result, f"{s['command']}.html")
    return [line.rstrip() for line in lines]


def table_lines(table: Table) -> list[str]:
    """A table with its caption; text to the left and cut to its width, figures to the right."""
    width = sum(table.widths)

    def cell(number: int, text: str, wide: int) -> str:
        if number == 0:
            return f"{short(text, wide - 1):<{wide}}"
        if number in table.text:
            return f"{shorten(text, wide - 1, placeholder=' ..') if text else '':<{wide}}"
        return f"{text:>{wide}}"

    def line(cells: list[str]) -> str:
        return "".join(cell(k, text, wide) for k, (text, wide) in enumerate(zip(cells, table.widths, strict=True)))

    return [*wrapped(table.caption), "", line(table.head), "-" * width, *map(line, table.rows)]
