"""A coding sheet: what people read in the items of a log, joined to it by item, with how far coders agree."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsim.audit.log_file import Source, read_file
from recsim.errors import InputError, unknown

CODES = ("candidate", "stance", "creator", "inauthentic")
"""Columns of a log that a sheet can hold."""
CODER, FINAL = "coder", "final"
"""Column that says who coded a row, and the name under which the code stands on which coders settled."""


def read_sheet(path: Path) -> tuple[pd.DataFrame, dict[str, float]]:
    """A coding sheet, one row per item, and the agreement of its coders.

    Args:
        path: ``.csv`` or ``.parquet`` with ``item`` and columns of `CODES`; ``coder`` if several people coded.

    Returns:
        (I, 1 + codes) with ``item`` as text, each once; Krippendorff's alpha by column, of the items that two or more coded,
        empty without ``coder``.

    Raises:
        InputError: a column is missing or unknown, an item has no name or stands twice, or coders differ and did not settle.
    """
    frame, source = read_file(path, (), ("candidate",))
    frame.columns = [str(name) for name in frame.columns]
    if "item" not in frame:
        raise InputError("has no column 'item', by which a coding sheet is joined to the log", str(path))
    for name in frame.columns:
        if name not in ("item", CODER, *CODES):
            raise unknown("column of a coding sheet", name, ("item", CODER, *CODES), str(path))
    codes = [name for name in CODES if name in frame]
    if not codes:
        raise InputError(f"codes nothing; a coding sheet has one or more of {', '.join(CODES)}", str(path))
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    text["candidate"] = text["candidate"].str.strip() if "candidate" in text else ""
    nameless = np.flatnonzero((text["item"] == "").to_numpy())
    if nameless.size:
        raise InputError("is empty; every row needs an item", f"{source.where(int(nameless[0]))}: column item")
    if CODER not in text:
        _once(text, ["item"], source, "; name who coded in a column 'coder', or remove one")
        return text[["item", *codes]], {}
    _once(text, ["item", CODER], source, " by the same coder; remove one")
    by_coders = text[text[CODER] != FINAL]
    alpha = {name: krippendorff(by_coders["item"], by_coders[name]) for name in codes}
    return _settled(text, codes, source), alpha


def _once(text: pd.DataFrame, keys: list[str], source: Source, fix: str) -> None:
    twice = np.flatnonzero(text.duplicated(keys).to_numpy())
    if twice.size:
        row = int(twice[0])
        raise InputError(f"item {text['item'].iloc[row]!r} stands twice{fix}", source.where(row))


def _settled(text: pd.DataFrame, codes: list[str], source: Source) -> pd.DataFrame:
    """One row per item: that of `FINAL`, else what all coders say."""
    final = (text[CODER] == FINAL).to_numpy()
    open_ = text[~text["item"].isin(text["item"][final])]
    for name in codes:
        first = open_.groupby("item")[name].transform("first")
        differs = (open_[name] != first).to_numpy()
        if differs.any():
            row = open_.index[int(np.flatnonzero(differs)[0])]
            items = open_["item"][differs].nunique()
            more = f" (and {items - 1} more items)" if items > 1 else ""
            raise InputError(
                f"coders differ on item {text['item'][row]!r}{more}; settle it in a row whose coder is {FINAL!r}",
                f"{source.where(int(row))}: column {name}",
            )
    return pd.concat([text[final], open_.drop_duplicates("item")])[["item", *codes]].reset_index(drop=True)


def krippendorff(item: pd.Series, code: pd.Series) -> float:
    """Krippendorff's alpha for nominal codes (2011), 1 - observed / expected disagreement; NaN if nothing could differ.

    Of each item with m > 1 codes, all ordered pairs count 1 / (m - 1). The empty code is a code: about nobody.

    Args:
        item, code: (N,), one per item and coder.
    """
    counts = pd.crosstab(item, code).to_numpy(float)
    coders = counts.sum(axis=1)
    counts, coders = counts[coders > 1], coders[coders > 1]
    n = float(counts.sum())
    if not n:
        return math.nan
    by_code = counts.sum(axis=0)
    observed = float(((np.square(coders) - np.square(counts).sum(axis=1)) / (coders - 1)).sum()) / n
    expected = (n**2 - float(np.square(by_code).sum())) / (n * (n - 1))
    return 1 - observed / expected if expected else math.nan


def joined(log: pd.DataFrame, path: Path, where: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The log with the codes of a sheet; items that nobody coded count as not shown, and are counted.

    Args:
        log: as in its file, under our names, with ``item``. path: of the sheet. where: the log's name, for errors.

    Returns:
        The log with the sheet's columns; rows of items without a code keep their viewer and have ``impressions`` 0. And
        ``file``, ``items`` (in the log), ``items_not_coded``, ``rows_not_coded`` (0-1), ``agreement`` (alpha by column).

    Raises:
        InputError: the sheet is none, the log has no items or a column that the sheet has, or no item is in both.
    """
    sheet, alpha = read_sheet(path)
    if "item" not in log:
        raise InputError("has no column 'item', which a coding sheet needs", where)
    both = [name for name in CODES if name in sheet and name in log]
    if both:
        raise InputError(f"has a column {both[0]!r}, as the coding sheet {path} has; remove one", where)
    item = log["item"].astype(object).where(log["item"].notna(), "").astype(str)
    rows = pd.Index(sheet["item"]).get_indexer(pd.Index(item))
    coded = rows >= 0
    if not coded.any():
        raise InputError(
            f"no item of the log is in it; the log has items such as {item.iloc[0]!r}, the sheet {sheet['item'].iloc[0]!r}",
            str(path),
        )
    out = log.copy()
    for name in CODES:
        if name in sheet:
            out[name] = np.where(coded, sheet[name].to_numpy(object)[rows], "")
    if not coded.all():
        shown = out["impressions"] if "impressions" in out else pd.Series(1, out.index)
        out["impressions"] = shown.where(coded, 0)
    return out, {
        "file": path.name, "items": int(item.nunique()), "items_not_coded": int(item[~coded].nunique()),
        "rows_not_coded": float((~coded).mean()), "agreement": alpha,
    }  # fmt: skip
