"""A log of exposures, real or simulated: what columns it has, and reading one with every problem named.

The columns are those that a researcher would ask for under Art. 40 of the Digital Services Act: who was shown what, when the
item is about a candidate, and in which feed. One row per impression, or one per person and kind with a count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from recsim.audit.coding import TRUTHS, as_text, joined
from recsim.audit.log_file import MISSING, Source, misspelt, read_file, refuse
from recsim.errors import InputError, nearest, unknown
from recsim.state import STANCES


class Column(NamedTuple):
    """A column of a log: whether it must be there, what it holds, what it is for."""

    required: bool
    holds: str
    meaning: str


COLUMNS = {
    "person": Column(
        True, "text or number", "pseudonym of the viewer; people, donors and puppets go into logs of their own"
    ),
    "candidate": Column(True, "text, empty", "whom the item is about; empty: no candidate"),
    "arm": Column(False, "text", "feed or condition in which it was shown; default: all rows are one arm"),
    "impressions": Column(False, "whole number, 0 or more", "impressions the row stands for; default 1"),
    "stance": Column(False, "critical, neutral or supportive", "stance of the item towards the candidate"),
    "item": Column(False, "text or number", "the item, for concentration over items"),
    "creator": Column(False, "text or number", "who made the item, for concentration over creators"),
    "watched": Column(
        False, "0 to 1", "part of the item that was watched, mean over the row's impressions; for view-through"
    ),
    "inauthentic": Column(False, "true or false", "whether the item is known to come from a campaign; for prevalence"),
    "visit": Column(
        False, "text or number", "the page or visit in which it was shown, for lists of results; needs rank"
    ),
    "rank": Column(
        False, "whole number, 1 or more", "place in that list, from 1; for rank-weighted stance; needs stance and visit"
    ),
    "day": Column(
        False, "date as 2024-11-24, or whole number", "day on which it was shown; intervals then cover days, too"
    ),
    "weight": Column(
        False, "above 0", "how many the person stands for, such as a panel's weight; the same in all her rows"
    ),
    "region": Column(False, "text", "where the person lives"),
    "language": Column(False, "text", "the person's language"),
    "age_band": Column(False, "text", "the person's age band"),
}
NUMBERS = ("watched", "rank", "inauthentic", "weight", "day")
AS_NUMBERS = ("impressions", "watched", "rank", "weight")
"""Columns that are read as numbers; all others as text, so that a pseudonym keeps its leading zeros."""
DIVISIONS = ("region", "language", "age_band")
NAMED = ("candidate", *DIVISIONS)
"""Columns whose values are names, the words NA, None and null among them; elsewhere these stand for a missing value."""
ONE_ARM = "all"
MOST_IMPRESSIONS = 10**12
"""Impressions that one row can stand for; sums of many such rows are still exact in double precision."""
SEPARATOR = "separator"
"""Key in these attributes under which the sign stands that separates the cells of a CSV file."""
UNUSED = "unused_columns"
"""Key in the attributes of a log (`pandas.DataFrame.attrs`) under which the names of columns that are not used stand."""
LAST_DAY = 100_000
"""Largest number of a day: dates without their hyphens and seconds since 1970 are larger."""
CODING = "coding"
"""Key under which stands what `coding.joined` says of the coding sheet; absent without one."""
_DAY = re.compile(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$")


def read_log(
    path: str | Path, columns: Mapping[str, str] | None = None, coding: str | Path | None = None
) -> pd.DataFrame:
    """A log, checked, with the columns of `COLUMNS` that it has, ``arm`` and ``impressions`` always.

    Args:
        path: ``.parquet`` or ``.csv``.
        columns: our name by name in the file, where they differ.
        coding: coding sheet (`recsim.audit.coding`), which says of items whom they are about, or what else they are; the log
            then needs ``item``.

    Returns:
        ``person``, ``candidate`` (empty text: none), ``arm`` and further text as text, ``impressions`` int64, ``day`` int64
        (days since 1970, or the numbers of the file), ``weight`` float64; rows without impressions are kept, because they say
        that a person was there. ``attrs["unused_columns"]``: names of columns that no metric uses, as in the file;
        ``attrs["separator"]``: what separates the cells of a CSV file, "," ";" or a tab; ``attrs["coding"]`` with a sheet.

    Raises:
        InputError: unreadable, or a column is missing, unknown, misspelt, or holds what it must not; says in which line.
    """
    renamed = dict(columns or {})
    numbers, names = (
        {
            *(kind for kind in kinds if kind not in renamed),
            *(theirs for theirs, ours in renamed.items() if ours in kinds),
        }
        for kinds in (AS_NUMBERS, NAMED)
    )
    frame, source = read_file(Path(path), numbers, names)
    frame = _renamed(frame, renamed, source.path)
    about = None
    if coding is not None:
        frame, about = joined(frame, Path(coding), str(path))
    _complete(frame, source.path, coding is not None)
    unused = _unused(frame, source.path)
    frame = frame[[name for name in COLUMNS if name in frame.columns]].reset_index(drop=True)
    if not len(frame):
        raise InputError(
            "has no rows below the header; a log has one per impression, or per person and kind", str(path)
        )
    refuse(frame["person"].isna() | frame["person"].isin([""]), "person", "is empty; every row needs a viewer", source)
    frame["impressions"] = _counts(frame, source)
    if "arm" not in frame:
        frame["arm"] = ONE_ARM
    if "watched" in frame:
        frame["watched"] = _numbers(frame, "watched", 0.0, 1.0, "is not between 0 and 1", source)
    if "rank" in frame:
        if "visit" not in frame or "stance" not in frame:
            raise InputError("has a column 'rank' without 'visit' and 'stance', which it needs", str(path))
        frame["rank"] = _numbers(frame, "rank", 1.0, np.inf, "is not 1 or more", source)
        whole = frame["rank"].isna() | (frame["rank"] == np.floor(frame["rank"]))
        refuse(~whole, "rank", "is not a whole number", source, frame["rank"])
    if "inauthentic" in frame:
        frame["inauthentic"] = _truths(frame, source)
    if "day" in frame:
        frame["day"] = _days(frame, source)
    if "weight" in frame:
        frame["weight"] = _weights(frame, source)
    for name in frame.columns.difference(["impressions", *NUMBERS]):
        empty = frame[name].isna()
        frame[name] = frame[name].astype(object).where(~empty, "").astype(str)
        if name == "candidate":
            frame[name] = frame[name].str.strip()
    if "stance" in frame:
        wrong = ~frame["stance"].isin([*STANCES, ""]) & (frame["candidate"] != "")
        refuse(wrong, "stance", f"is none of {', '.join(STANCES)}", source, frame["stance"])
    for name in (*DIVISIONS, "weight"):
        if name in frame:
            _same_of_a_person(frame, name, source)
    frame.attrs[UNUSED], frame.attrs[SEPARATOR] = unused, source.separator
    if about is not None:
        frame.attrs[CODING] = about
    return frame


def _renamed(frame: pd.DataFrame, renamed: dict[str, str], path: Path) -> pd.DataFrame:
    """The log under our names."""
    for theirs, ours in renamed.items():
        if theirs not in frame.columns:
            raise unknown("column", theirs, map(str, frame.columns), str(path))
        if ours not in COLUMNS:
            raise unknown("column of a log", ours, COLUMNS, str(path))
    frame = frame.rename(columns=renamed)
    twice = [name for name in frame.columns[frame.columns.duplicated()] if name in COLUMNS]
    if twice:
        raise InputError(f"column {twice[0]!r} stands twice; rename or remove one", str(path))
    return frame


def _complete(frame: pd.DataFrame, path: Path, with_sheet: bool) -> None:
    """Refuse a log without the columns that every log needs."""
    for name, column in COLUMNS.items():
        if column.required and name not in frame.columns:
            near = nearest(name, map(str, frame.columns))
            hint = f"; if {near!r} is it, add --column {near}={name}" if near else ""
            if not near and name == "candidate" and "item" in frame.columns:
                hint = (
                    "; nor has the coding sheet"
                    if with_sheet
                    else "; if a coding sheet says it of the items, add --coding SHEET"
                )
            raise InputError(f"has no column {name!r} ({column.meaning}){hint}", str(path))


def _unused(frame: pd.DataFrame, path: Path) -> list[str]:
    """Names of columns that no metric uses; one that looks like a misspelt column which the log lacks is refused."""
    unused = [str(name) for name in frame.columns if name not in COLUMNS]
    lacking = [name for name in COLUMNS if name not in frame.columns]
    for name in unused:
        near = misspelt(name, lacking)
        if near:
            raise InputError(
                f"got column {name!r}; did you mean {near!r}? If so, add --column {name}={near}; if not, rename or "
                "remove it",
                str(path),
            )
    return unused


def _counts(frame: pd.DataFrame, source: Source) -> pd.Series:
    if "impressions" not in frame:
        return pd.Series(np.ones(len(frame), np.int64))
    numbers = pd.to_numeric(frame["impressions"], errors="coerce").astype(float)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    refuse(wrong, "impressions", "is not a whole number of 0 or more", source, frame["impressions"])
    refuse(numbers > MOST_IMPRESSIONS, "impressions", f"is above {MOST_IMPRESSIONS:,}, the most of one row", source, frame["impressions"])  # fmt: skip
    return numbers.astype(np.int64)


def _numbers(frame: pd.DataFrame, name: str, low: float, high: float, text: str, source: Source) -> pd.Series:
    """A column of numbers within bounds; empty cells stay so."""
    numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
    wrong = frame[name].notna() & ~((numbers >= low) & (numbers <= high) & np.isfinite(numbers))
    refuse(wrong, name, text, source, frame[name])
    return numbers


def _truths(frame: pd.DataFrame, source: Source) -> pd.Series:
    """True, false, yes, no, 1, 0 as 1 and 0; empty: not known to be, 0."""
    found = frame["inauthentic"].map(lambda value: TRUTHS.get(str(value).strip().lower(), np.nan))
    refuse(
        frame["inauthentic"].notna() & ~frame["inauthentic"].isin(MISSING) & found.isna(),
        "inauthentic",
        "is neither true nor false",
        source,
        frame["inauthentic"],
    )
    return found.fillna(0.0)


def _days(frame: pd.DataFrame, source: Source) -> pd.Series:
    """Dates as days since 1970, whole numbers as they are; all of one kind."""
    text = as_text(frame["day"])
    refuse(text == "", "day", "is empty; every row needs a day, or none has the column", source)
    found = text.str.extract(_DAY)[0]
    if not found.notna().any():
        numbers = pd.to_numeric(text, errors="coerce").astype(float)
        wrong = ~(np.isfinite(numbers) & (numbers == np.floor(numbers)) & (numbers.abs() < MOST_IMPRESSIONS))
        refuse(wrong, "day", "is neither a date such as 2024-11-24 nor a whole number", source, text)
        far = numbers.abs() > LAST_DAY
        refuse(far, "day", "is too far for the number of a day; write dates as 2024-11-24", source, text)
        return numbers.astype(np.int64)
    dates = pd.to_datetime(found, format="%Y-%m-%d", errors="coerce")
    refuse(dates.isna(), "day", "is no date such as 2024-11-24, as others are", source, text)
    return (dates - pd.Timestamp(0)) // pd.Timedelta(days=1)


def _weights(frame: pd.DataFrame, source: Source) -> pd.Series:
    numbers = pd.to_numeric(frame["weight"], errors="coerce").astype(float)
    wrong = ~(np.isfinite(numbers) & (numbers > 0))
    refuse(wrong, "weight", "is not above 0; leave out who stands for nobody", source, frame["weight"])
    return numbers


def _same_of_a_person(frame: pd.DataFrame, division: str, source: Source) -> None:
    """Refuse a person who is in two places; the message names the two, not the person."""
    first = frame.groupby("person")[division].transform("first")
    differs = frame[division] != first
    if not differs.any():
        return
    row = int(np.flatnonzero(differs.to_numpy())[0])
    earlier = int(np.flatnonzero((frame["person"] == frame["person"].iloc[row]).to_numpy())[0])
    other = first.iloc[row]
    said = repr(other) if isinstance(other, str) else f"{other:g}"
    text = f"is not the same as {said} of the same person in {source.where(earlier)}"
    refuse(differs, division, text, source, frame[division])
