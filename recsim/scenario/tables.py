"""Tables beside a scenario: the people's cells, and where regions lie on a map of tiles."""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterator
from pathlib import Path

from recsim.errors import InputError
from recsim.scenario.people import Segment
from recsim.sheets import opened, with_point


@contextlib.contextmanager
def _rows_of(path: Path, what: str) -> Iterator[csv.DictReader]:
    """The rows of a CSV file; see `recsim.sheets`.

    Raises:
        InputError: it cannot be read, or is in another encoding.
    """
    with opened(path, f"{what} file ") as (file, separator):
        yield csv.DictReader(file, delimiter=separator)


def read_segments(path: Path) -> list[dict]:
    """Cells of a CSV file with the columns region, language, age_band, adults.

    Raises:
        InputError: missing file or column, or a number that cannot be read, with file and line.
    """
    with _rows_of(path, "segments") as reader:
        columns = list(Segment.model_fields)
        for name in columns:
            if name not in (reader.fieldnames or []):
                raise InputError(f"column {name!r} is missing; needed: {', '.join(columns)}", f"{path}:1")
        rows = []
        for row in reader:
            try:
                adults = float(row["adults"] if reader.reader.dialect.delimiter == "," else with_point(row["adults"]))
            except (TypeError, ValueError):
                raise InputError(
                    f"got {row['adults']!r} adults; a number is needed", f"{path}:{reader.line_num}"
                ) from None
            if not math.isfinite(adults) or adults < 0:
                raise InputError(f"got {adults} adults, must be finite and at least 0", f"{path}:{reader.line_num}")
            rows.append({**{n: row[n] for n in columns[:3]}, "adults": adults})
    if not rows:
        raise InputError("the file holds no segments", str(path))
    return rows


def read_tiles(path: Path) -> dict[str, list[int]]:
    """Rows and columns by region, of a CSV file with the columns region, row, column.

    Raises:
        InputError: missing file or column, or a number that cannot be read, with file and line.
    """
    out: dict[str, list[int]] = {}
    with _rows_of(path, "tiles") as reader:
        for name in ("region", "row", "column"):
            if name not in (reader.fieldnames or []):
                raise InputError(f"column {name!r} is missing; needed: region, row, column", f"{path}:1")
        for row in reader:
            try:
                out[row["region"]] = [int(row["row"]), int(row["column"])]
            except (TypeError, ValueError):
                text = f"got row {row['row']!r} and column {row['column']!r}; whole numbers are needed"
                raise InputError(text, f"{path}:{reader.line_num}") from None
    return out
