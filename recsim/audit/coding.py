"""A coding sheet: what people read in the items of a log, joined to it by item, with how far coders agree."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim.audit.log_file import MISSING, Source, misspelt, read_file, refuse
from recsim.errors import InputError
from recsim.state import STANCES

CODES = ("candidate", "stance", "creator", "inauthentic")
"""Columns of a log that a sheet can hold; other columns of a sheet are not read."""
CODER, FINAL = "coder", "final"
"""Column that says who coded a row, and the name under which the code stands on which coders settled."""
TRUTHS = {"true": 1.0, "yes": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "no": 0.0, "0": 0.0, "0.0": 0.0}
"""How true and false are written, in small letters."""


class Sheet(NamedTuple):
    """A coding sheet.

    Attributes:
        codes: (I, 1 + codes) with ``item`` as text, each once.
        agreement: Krippendorff's alpha by column, of the items that two or more coded; None: nobody says who coded.
    """

    codes: pd.DataFrame
    agreement: dict[str, float] | None


def read_sheet(path: Path) -> Sheet:
    """A coding sheet, one row per item, or per item and coder.

    Args:
        path: ``.csv`` or ``.parquet`` with ``item`` and columns of `CODES`; ``coder`` if several people coded.

    Raises:
        InputError: a column is missing or misspelt, an item has no name or stands twice, a code is none, or coders differ and did
            not settle.
    """
    frame, source = read_file(path, (), ("candidate",))
    frame.columns = [str(name) for name in frame.columns]
    codes = _columns(frame, path)
    if not len(frame):
        raise InputError("has no rows below the header; a coding sheet has one per item", str(path))
    text = pd.DataFrame({name: as_text(frame[name]) for name in ("item", *codes, *([CODER] if CODER in frame else []))})
    refuse(text["item"] == "", "item", "is empty; every row needs an item", source)
    if "stance" in codes:
        about = text["candidate"] != "" if "candidate" in codes else True
        wrong = ~text["stance"].isin([*STANCES, ""]) & about
        refuse(wrong, "stance", f"is none of {', '.join(STANCES)}", source, text["stance"])
    if "inauthentic" in codes:
        wrong = ~text["inauthentic"].isin(MISSING) & ~text["inauthentic"].str.lower().isin(list(TRUTHS))
        refuse(wrong, "inauthentic", "is neither true nor false", source, text["inauthentic"])
    if CODER not in text:
        _once(text, ["item"], source, "; name who coded in a column 'coder', or remove one")
        return Sheet(text, None)
    text[CODER] = text[CODER].where(text[CODER].str.lower() != FINAL, FINAL)
    _once(text, ["item", CODER], source, " by the same coder; remove one")
    by_coders = text[text[CODER] != FINAL]
    # An item about nobody has no stance and perhaps no creator: that none was written down is no agreement about them.
    alpha = {}
    for name in codes:
        rows = by_coders if name == "candidate" else by_coders[by_coders[name] != ""]
        alpha[name] = krippendorff(rows["item"], rows[name])
    return Sheet(_settled(text, codes, source), alpha)


def as_text(column: pd.Series) -> pd.Series:
    """Cells as text without blanks around it; empty ones as "", whole numbers without a point."""
    whole = column.map(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)
    return whole.astype(object).where(column.notna(), "").astype(str).str.strip()


def _columns(frame: pd.DataFrame, path: Path) -> list[str]:
    """The codes that a sheet has."""
    known = ("item", CODER, *CODES)
    for name in frame.columns:
        near = None if name in known else misspelt(name, [k for k in known if k not in frame])
        if near:
            raise InputError(f"got column {name!r}; did you mean {near!r}? Rename or remove it", str(path))
    if "item" not in frame:
        raise InputError(
            "has no column 'item', by which a coding sheet is joined to the log; rename the one that names items",
            str(path),
        )
    codes = [name for name in CODES if name in frame]
    if not codes:
        raise InputError(f"codes nothing; a coding sheet has one or more of {', '.join(CODES)}", str(path))
    return codes


def _once(text: pd.DataFrame, keys: list[str], source: Source, fix: str) -> None:
    twice = np.flatnonzero(text.duplicated(keys).to_numpy())
    if twice.size:
        row = int(twice[0])
        raise InputError(f"item {text['item'].iloc[row]!r} stands twice{fix}", source.where(row))


def _settled(text: pd.DataFrame, codes: list[str], source: Source) -> pd.DataFrame:
    """One row per item: what all coders say, and where they differ what stands in the row of `FINAL`."""
    final = text[text[CODER] == FINAL].set_index("item")
    coded = text[text[CODER] != FINAL]
    out = pd.DataFrame({"item": text["item"].drop_duplicates()})
    for name in codes:
        first = coded.groupby("item")[name].first()
        differs = coded[name] != coded["item"].map(first)
        open_ = differs & ~coded["item"].isin(final.index)
        if open_.any():
            row = int(open_.index[np.flatnonzero(open_.to_numpy())[0]])
            more = coded["item"][open_].nunique() - 1
            also = f" (and {more} more item{'' if more == 1 else 's'})" if more else ""
            raise InputError(
                f"coders differ on item {text['item'][row]!r}{also}; settle it in a row whose coder is {FINAL!r}",
                f"{source.where(row)}: column {name}",
            )
        # A final row may hold only what was in dispute: where it is empty, what all agree on stands.
        agreed = first[~first.index.isin(coded["item"][differs])]
        settled = final[name][final[name] != ""] if len(final) else final[name]
        out[name] = out["item"].map(settled).fillna(out["item"].map(agreed)).fillna("")
    return out.reset_index(drop=True)


def krippendorff(item: pd.Series, code: pd.Series) -> float:
    """Krippendorff's alpha for nominal codes (2011), 1 - observed / expected disagreement; NaN if nothing could differ.

    Of each item with m > 1 codes, all ordered pairs count 1 / (m - 1).

    Args:
        item, code: (N,), one per item and coder.
    """
    coders = item.map(item.value_counts())
    counts = pd.DataFrame({"item": item, "code": code})[coders > 1].value_counts().reset_index(name="n")
    of_item = counts.groupby("item")["n"].transform("sum").astype(float)
    n = float(counts["n"].sum())
    if not n:
        return math.nan
    by_code = counts.groupby("code")["n"].sum().to_numpy(float)
    observed = float((counts["n"] * (of_item - counts["n"]) / (of_item - 1)).sum()) / n
    expected = (n**2 - float(np.square(by_code).sum())) / (n * (n - 1))
    return 1 - observed / expected if expected else math.nan


def joined(log: pd.DataFrame, path: Path, where: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The log with the codes of a sheet; where it says whom items are about, others count as not shown, and are counted.

    Args:
        log: as in its file, under our names, with ``item``. path: of the sheet. where: the log's name, for errors.

    Returns:
        The log with the sheet's columns; if the sheet has ``candidate``, rows of items that are not in it keep their viewer and
        have ``impressions`` 0. And ``file``, ``items`` (of the log), ``items_not_coded``, ``not_coded`` (part of the impressions,
        0-1), ``agreement`` (alpha by column, None if nobody says who coded).

    Raises:
        InputError: the sheet is none, the log has no rows or items or a column that the sheet has, or no item is in both.
    """
    sheet = read_sheet(path)
    if "item" not in log:
        raise InputError(
            "has no column 'item', which a coding sheet needs; if another is it, add --column NAME=item", where
        )
    if not len(log):
        raise InputError("has no rows below the header", where)
    codes = [name for name in CODES if name in sheet.codes]
    both = [name for name in codes if name in log]
    if both:
        raise InputError(f"has a column {both[0]!r}, as the coding sheet {path} has; remove one", where)
    item = as_text(log["item"])
    rows = pd.Index(sheet.codes["item"]).get_indexer(pd.Index(item))
    coded = rows >= 0
    if not coded.any():
        raise InputError(
            f"no item of the log is in it; the log has items such as {item.iloc[0]!r}, the sheet {sheet.codes['item'].iloc[0]!r}: "
            "write both alike, as text",
            str(path),
        )
    out = log.copy()
    for name in codes:
        out[name] = np.where(coded, sheet.codes[name].to_numpy(object)[rows], "")
    shown = pd.to_numeric(out["impressions"], errors="coerce") if "impressions" in out else pd.Series(1.0, out.index)
    if "candidate" in codes and not coded.all():
        out["impressions"] = out.get("impressions", shown).where(coded, 0)
    total = float(shown.sum())
    return out, {
        "file": path.name, "items": int(item[item != ""].nunique()),
        "items_not_coded": int(item[~coded & (item != "")].nunique()),
        "not_coded": float(shown[~coded].sum()) / total if total else 0.0, "agreement": sheet.agreement,
    }  # fmt: skip
