"""The file of a log of exposures as a table, with the line of every row."""

from __future__ import annotations

import csv
import difflib
from array import array
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd

from recsim.errors import InputError
from recsim.sheets import SPREADSHEETS, instead, opened, with_point

EXACT = 10**12
"""Whole numbers below are printed without a point, as files have them."""
ALIKE = 0.8
"""Likeness (difflib's ratio) from which a column that is not read is taken for one that is misspelt."""
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
"""What stands for nothing where no name is expected."""


class Source(NamedTuple):
    """Where rows come from: the file, the line in which each row of a CSV begins, and what separates its cells."""

    path: Path
    lines: array | None = None
    separator: str = ","

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
    if path.suffix not in (".parquet", ".csv") and path.suffix.lower() not in SPREADSHEETS:
        raise InputError(f"got a file of kind {path.suffix or 'none'!r}; allowed: .parquet, .csv", str(path))
    if path.suffix != ".parquet":
        return _read_csv(path, numbers, names)
    try:
        return pd.read_parquet(path), Source(path)
    except FileNotFoundError:
        raise InputError("no such file", str(path)) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _read_csv(path: Path, numbers: Collection[str], names: Collection[str]) -> tuple[pd.DataFrame, Source]:
    if not path.exists():
        raise InputError(f"no such file{instead(path)}", str(path))
    with opened(path) as (file, separator):
        header, lines = _shape(file, separator, path)
    # With another separator numbers may have a decimal comma: they come as text, as which those with a point are read, too.
    texts = {name: object for name in header if name not in numbers or separator != ","}
    # index_col: without it pandas takes the first column for names of rows where rows end in an empty cell.
    missing = {name: [""] if name in names else MISSING for name in header}
    try:
        frame = pd.read_csv(
            path, sep=separator, names=header, header=0, index_col=False, dtype=texts, keep_default_na=False,
            na_values=missing,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if separator != ",":
        for name in [name for name in header if name in numbers]:
            frame[name] = frame[name].map(with_point, na_action="ignore")
    return frame, Source(path, lines if len(lines) == len(frame) else None, separator)


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"cannot be read ({' '.join(str(error).split())[:120]})", str(path))


def _shape(file: TextIO, separator: str, path: Path) -> tuple[list[str], array]:
    """Names of the columns of a CSV and the line in which each row begins, as pandas will read it.

    Raises:
        InputError: no header, a name that stands twice, or a row with another number of cells than the header.
    """
    header: list[str] = []
    lines, begins = array("q"), 1
    reader = csv.reader(file, delimiter=separator)
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


def misspelt(name: str, lacking: Iterable[str]) -> str | None:
    """Which of the columns that a file lacks a column of it is likely to be; None: none."""
    near = difflib.get_close_matches(name.strip().lower(), list(lacking), n=1, cutoff=ALIKE)
    return near[0] if near else None


def refuse(wrong: pd.Series, column: str, text: str, source: Source, shown: pd.Series | None = None) -> None:
    """Raise for the first row that is wrong.

    Args:
        wrong: (N,) bool. column: of the file. text: what it is. source: where rows come from. shown: (N,) cells as they are to be
            named; None: the first wrong one is not.

    Raises:
        InputError: any row is.
    """
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong.to_numpy())[0])
    value = None if shown is None else shown.iloc[row]
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)  # as the file has it
    got = "" if value is None else f"got {value!r}, which " if isinstance(value, str) else f"got {value}, which "
    more = int(wrong.sum()) - 1
    also = f" (and {more} more {'row' if more == 1 else 'rows'})" if more else ""
    raise InputError(f"{got}{text}{also}", f"{source.where(row)}: column {column}")
