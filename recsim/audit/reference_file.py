"""A table of shares that somebody holds to be fair (a poll, airtime), by candidate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recsim.audit.log_file import read_file
from recsim.errors import InputError


def read_reference(path: Path) -> dict[str, float]:
    """Shares by candidate, as in the file: parts, per cent or counts.

    Args:
        path: ``.csv`` or ``.parquet`` with the columns ``candidate`` and ``share``; others are not read.

    Raises:
        InputError: a column is missing, a candidate has no name or stands twice, or a share is no number of 0 or more.
    """
    frame, source = read_file(path, ("share",), ("candidate",))
    for name in ("candidate", "share"):
        if name not in frame:
            raise InputError(f"has no column {name!r}; a reference has 'candidate' and 'share'", str(path))
    names = frame["candidate"].astype(object).where(frame["candidate"].notna(), "").astype(str).str.strip()
    shares = pd.to_numeric(frame["share"], errors="coerce").astype(float)
    for column, wrong, text in (
        ("candidate", names == "", "is empty"),
        ("candidate", names.duplicated(), "stands twice"),
        ("share", ~(np.isfinite(shares) & (shares >= 0)), "is not a number of 0 or more"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong.to_numpy())[0])
            raise InputError(
                f"got {str(frame[column].iloc[row])!r}, which {text}", f"{source.where(row)}: column {column}"
            )
    return dict(zip(names, shares.tolist(), strict=True))
