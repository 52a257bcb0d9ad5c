"""CSV files as spreadsheets write them: which sign separates cells, how numbers are written, and what to do with other files."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from recsim.errors import InputError, nearest

SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
"""Endings of files that a spreadsheet writes unless it is told to write CSV."""
FIX = "in Excel: Save as, CSV UTF-8"
SEPARATORS = {";": "semicolons", "\t": "tabs"}
"""Signs other than the comma that separate cells, and their names: Excel writes semicolons where the decimal sign is a comma."""
_DECIMAL_COMMA = re.compile(r"\s*([+-]?\d*),(\d+)\s*")


def separator_of(header: str) -> str:
    """What separates the cells of a file whose first line this is: a comma, unless the first name holds another separator."""
    first = next(csv.reader([header]), [""])
    name = first[0] if first else ""
    return next((sign for sign in SEPARATORS if sign in name), ",")


@contextlib.contextmanager
def opened(path: Path, what: str = "") -> Iterator[tuple[TextIO, str]]:
    """A CSV file in UTF-8, with or without a byte order mark, open for reading, and what separates its cells.

    Args:
        path: of the file. what: how errors call it, such as "segments file "; they name the path before it.

    Raises:
        InputError: it is a spreadsheet's own file, cannot be read, or is in another encoding.
    """
    if path.suffix.lower() in SPREADSHEETS:
        raise InputError(f"{what}is a spreadsheet; a CSV file is needed ({FIX})", str(path))
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            separator = separator_of(next((line for line in file if line.strip()), ""))
            file.seek(0)
            yield file, separator
    except FileNotFoundError as error:
        raise InputError(f"{what}cannot be read: {error.strerror}{instead(path)}", str(path)) from None
    except OSError as error:
        raise InputError(f"{what}cannot be read: {error.strerror}", str(path)) from None
    except UnicodeDecodeError:
        raise InputError(f"not UTF-8 text; save the file as UTF-8 ({FIX})", str(path)) from None
    except csv.Error as error:
        raise InputError(f"{what}cannot be read: {error}", str(path)) from None


def with_point(text: str) -> str:
    """A number with a decimal comma, as files separated by semicolons have it, with a point; other text as it is."""
    found = _DECIMAL_COMMA.fullmatch(text)
    return text if found is None else f"{found[1]}.{found[2]}"


def note(path: Path, separator: str) -> str:
    """What to say about a file that is not separated by commas; "" about others."""
    if separator == ",":
        return ""
    return f"{path}: cells are separated by {SEPARATORS[separator]}; numbers may have a decimal comma"


def instead(path: Path) -> str:
    """The file of the same folder whose name is nearest, as a question; "" if none is near."""
    # Stems are compared: all names of CSV files are alike in their endings.
    others = {p.stem: p for p in path.parent.glob("*.csv")} if path.parent.is_dir() else {}
    near = nearest(path.stem, others)
    return f"; did you mean {others[near]}?" if near else ""
