"""The file of a log of exposures as a table, with the line of every row."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from recsim.errors import InputError

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
"""What stands for nothing where no name is expected."""


class Source(NamedTuple):
    """Where rows come from: the file, and the line in which each row of a CSV begins."""

    path: Path
    lines: array | None = None

    def where(self, row: int) -> str:
        """``file:line`` of a row counted from 0; where there are no lines, ``file row n`` counted from 1."""
        return f"{self.path} row {row + 1}" if self.lines is None else f"{self.path}:{self.lines[row]}"


def read_file(path: Path, numbers: Collection[str], names: Collection[str]) -> tuple[pd.DataFrame, Source]:
    """A ``.parquet`` or ``.csv`` file.

    Args:
        path: of the file. numbers: columns of a CSV that are not read as text.
        names: columns of a CSV in which only an empty cell is empty: somebody or some place may be called NA.

    Raises:
        InputError: another kind of file, one that cannot be read, or a CSV whose rows do not fit its header.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise InputError(f"got a file of kind {path.suffix or 'none'!r}; allowed: .parquet, .csv", str(path))
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path), Source(path)
        header, lines = _shape(path)
        texts = {name: object for name in header if name not in numbers}
        # index_col: without it pandas takes the first column for names of rows where rows end in an empty cell.
        missing = {name: [""] if name in names else MISSING for name in header}
        frame = pd.read_csv(
            path, names=header, header=0, index_col=False, dtype=texts, keep_default_na=False, na_values=missing
        )
        return frame, Source(path, lines if len(lines) == len(frame) else None)
    except FileNotFoundError:
        raise InputError("no such file", str(path)) from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot be read ({' '.join(str(error).split())[:120]})", str(path)) from None


def _shape(path: Path) -> tuple[list[str], array]:
    """Names of the columns of a CSV and the line in which each row begins, as pandas will read it.

    Raises:
        InputError: no header, a name that stands twice, or a row with another number of cells than the header.
    """
    header: list[str] = []
    lines, begins = array("q"), 1
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for row in reader:
            here, begins = begins, reader.line_num + 1
            if len(row) < 2 and not "".join(row).strip():
                continue  # blank
            if not header:
                header = [name.strip() for name in row]
                twice = [name for name in header if name and header.count(name) > 1]
                if twice:
                    raise InputError(f"column {twice[0]!r} stands twice; rename or remove one", f"{path}:{here}")
            elif len(row) != len(header):
                raise InputError(f"got {len(row)} cells, the header names {len(header)}", f"{path}:{here}")
            else:
                lines.append(here)
    if not header:
        raise InputError("is empty; the first line must name the columns", str(path))
    return [name or f"(column {place} has no name)" for place, name in enumerate(header, 1)], lines
