"""The dataset of a study: Parquet parts that are written as their work is done, and read lazily."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from recsim.errors import InputError
from recsim.experiment.design import Cell
from recsim.experiment.executor import now
from recsim.experiment.folder import plain_errors, write_bytes

FOLDER = "data"
BLOCK = 256
"""Fewest cells of a part."""
PARTS = 64
"""Most parts of one replicate."""
FLUSH_S = 60.0
"""How often a part that is not complete is written, seconds."""


def load_study(folder: str | Path) -> ds.Dataset:
    """The dataset of a study, finished or not, without reading it.

    One row per cell, replicate, luck branch and candidate. ``load_study(path).to_table(columns=[...], filter=...)`` reads
    what is asked for only; see the documentation of `pyarrow.dataset.Dataset`.

    Raises:
        InputError: the folder holds no study.
    """
    files = sorted(Path(folder, FOLDER).glob("part-*.parquet"))
    if not files:
        raise InputError("holds no data of a study; name a folder written by recsim sweep", str(folder))
    return ds.dataset([str(f) for f in files], format="parquet")


class Parts:
    """Parts by replicate and block of the work order; what a part holds does not depend on who did the work when.

    Args:
        folder: of the study.
        cells: in order of their number.
        order: numbers of the cells in the order of the work.
    """

    def __init__(self, folder: Path, cells: Sequence[Cell], order: Sequence[int]) -> None:
        self.path, self.cells, self.order = folder / FOLDER, cells, order
        self.size = max(BLOCK, -(-len(order) // PARTS))
        self.place = {number: position for position, number in enumerate(order)}
        self.open: dict[tuple[int, int], dict[int, pd.DataFrame]] = {}
        self.written = now()
        with plain_errors(folder):
            self.path.mkdir(parents=True, exist_ok=True)

    def block_of(self, cell: int) -> int:
        """The block in which a cell lies."""
        return self.place[cell] // self.size

    def _file(self, replicate: int, block: int) -> Path:
        return self.path / f"part-{replicate:05d}-{block:05d}.parquet"

    def _wanted(self, block: int) -> int:
        return min(self.size, len(self.order) - block * self.size)

    def complete(self, replicate: int, block: int) -> bool:
        """Whether the part is on the disk with all its cells."""
        try:
            meta = pq.read_metadata(self._file(replicate, block)).metadata or {}
            return json.loads(meta[b"recsim"])["cells"] == self._wanted(block)
        except (OSError, ValueError, KeyError, pa.ArrowException):
            return False

    def add(self, cell: int, replicate: int, rows: pd.DataFrame) -> None:
        """One replicate of one cell; a part that is complete is written and forgotten."""
        key = (replicate, self.block_of(cell))
        self.open.setdefault(key, {})[cell] = rows
        if len(self.open[key]) == self._wanted(key[1]):
            self._write(key)
            del self.open[key]
        elif now() - self.written > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what is there of the parts that are not complete."""
        for key in self.open:
            self._write(key)
        self.written = now()

    def _write(self, key: tuple[int, int]) -> None:
        found = self.open[key]
        frames = []
        for cell in sorted(found, key=self.place.__getitem__):
            head: dict[str, Any] = {"cell": cell, **self.cells[cell].values}
            rows = found[cell].copy(deep=False)
            for at, (name, value) in enumerate(head.items()):
                rows.insert(at, name, value)
            frames.append(rows)
        frame = pd.concat(frames, ignore_index=True).astype({"cell": "int32"})
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata({"recsim": json.dumps({"cells": len(found)})})
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, write_page_checksum=True, compression="zstd")
        with plain_errors(self.path):
            write_bytes(self._file(*key), buffer.getvalue().to_pybytes())
