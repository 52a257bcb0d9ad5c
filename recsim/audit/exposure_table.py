"""Impressions of one arm of a log as sums by viewer and candidate, with what each viewer and day adds to the error of a share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from recsim.audit.clusters import UNKNOWN, Error, Parts, around, error_of

VIEWER, DAY, SHOWN = "_viewer", "_day", "_shown"
"""Columns that `coded` adds: codes of persons and of days, the same in all arms, and impressions times weights."""


class Ratio(NamedTuple):
    """A ratio of sums with its error; NaN where it is undefined.

    Attributes:
        value: 0 to 1. parts: what viewers and days add to its error, None where it is undefined or was made from another.
        error: its. before: what it was before it was cut at 0 and 1; None: it was not.
    """

    value: float
    parts: Parts | None
    error: Error
    before: float | None = None

    @property
    def uncut(self) -> float:
        """The value before it was cut."""
        return self.value if self.before is None else self.before

    def interval(self) -> tuple[float, float]:
        """95 %, cut at 0 and 1."""
        return around(self.uncut, self.error, 0.0, 1.0)


class Table(NamedTuple):
    """Impressions of one arm, times the weights of viewers if the log has any.

    Attributes:
        people: (P,) names. weight: (P,) weights of viewers, their mean over the log 1. weighted: whether the log has any.
        x: (P, C) impressions by viewer and candidate.
        other: (P,) impressions of anything else. viewer: (P,) codes.
        cells: (N, C + 1) impressions by viewer and day, of anything else in the last column. cell_viewer: (N,) codes.
        cell_day: (N,) codes, None if the log has no days.
        shares: (C,) of each candidate among impressions about candidates.
    """

    people: list[str]
    weight: np.ndarray
    weighted: bool
    x: np.ndarray
    other: np.ndarray
    viewer: np.ndarray
    cells: np.ndarray
    cell_viewer: np.ndarray
    cell_day: np.ndarray | None
    shares: list[Ratio]

    def content(self) -> Ratio:
        """Of impressions about candidates among all."""
        n = self.cells[:, :-1].sum(axis=1)
        return ratio(n, n + self.cells[:, -1], self.cell_viewer, self.cell_day)

    def per_person(self, k: int) -> Parts | None:
        """Parts of the logarithm of impressions of candidate k per viewer; None without impressions."""
        total = float(self.x[:, k].sum())
        if total <= 0:
            return None
        each = -self.weight / float(self.weight.sum())
        if self.cell_day is None:
            return Parts(self.x[:, k] / total + each, self.viewer, None, len(self.people))
        # Viewers count on every day of the arm, also on those on which they are shown nothing.
        days = np.unique(self.cell_day)
        return Parts(
            np.concatenate([self.cells[:, k] / total, np.repeat(each / len(days), len(days))]),
            np.concatenate([self.cell_viewer, np.repeat(self.viewer, len(days))]),
            np.concatenate([self.cell_day, np.tile(days, len(self.viewer))]),
            len(self.people),
        )


def coded(log: pd.DataFrame) -> pd.DataFrame:
    """The log with codes of viewers and days, and impressions times the weights of their viewers, whose mean is made 1."""
    codes: dict[str, np.ndarray | pd.Series] = {VIEWER: pd.factorize(log["person"], sort=True)[0]}
    if "day" in log:
        codes[DAY] = pd.factorize(log["day"], sort=True)[0]
    if "weight" in log:
        codes["weight"] = log["weight"] / log["weight"][~log["person"].duplicated()].mean()
        codes[SHOWN] = log["impressions"] * codes["weight"]
    else:
        codes[SHOWN] = log["impressions"].astype(float)
    return log.assign(**codes)


def table_of(log: pd.DataFrame, candidates: Sequence[str]) -> Table:
    """Sums by viewer, and by viewer and day.

    Args:
        log: of one arm, from `coded`. candidates: names, in the order of the columns.
    """
    first = ~log[VIEWER].duplicated().to_numpy()
    viewer = log[VIEWER].to_numpy()[first]
    order = np.argsort(viewer)
    people = log["person"].to_numpy()[first][order].tolist()
    weighted = "weight" in log
    weight = log["weight"].to_numpy()[first][order] if weighted else np.ones(len(people))
    viewer = viewer[order]
    columns = pd.Index([*candidates, ""]).get_indexer(pd.Index(log["candidate"]))
    shown = log[SHOWN].to_numpy()

    def sums(rows: np.ndarray, length: int) -> np.ndarray:
        out = np.zeros((length, len(candidates) + 1))
        np.add.at(out, (rows, columns), shown)
        return out

    whole = sums(np.searchsorted(viewer, log[VIEWER].to_numpy()), len(viewer))
    x, other = whole[:, :-1], whole[:, -1]
    cells, cell_viewer, cell_day = whole, viewer, None
    if DAY in log:
        days = int(log[DAY].max()) + 1
        keys, rows = np.unique(log[VIEWER].to_numpy() * days + log[DAY].to_numpy(), return_inverse=True)
        cells, cell_viewer, cell_day = sums(rows, len(keys)), keys // days, keys % days
    n = cells[:, :-1].sum(axis=1)
    shares = [ratio(cells[:, k], n, cell_viewer, cell_day) for k in range(len(candidates))]
    return Table(people, weight, weighted, x, other, viewer, cells, cell_viewer, cell_day, shares)


def ratio(x: np.ndarray, n: np.ndarray, viewer: np.ndarray, day: np.ndarray | None) -> Ratio:
    """Sum x / sum n with the residuals x - p n as parts.

    It rests on the viewers whose n is above 0. Without any spread (x is 0, or n, for everybody) nothing says how large its
    error is: then that is unknown, not zero.

    Args:
        x, n: (N,), 0 <= x <= n. viewer, day: (N,) codes.
    """
    total, part = float(n.sum()), float(x.sum())
    if total <= 0:
        return Ratio(math.nan, None, UNKNOWN)
    p = part / total
    viewers = int(np.count_nonzero(np.bincount(viewer, n) > 0))
    parts = Parts((x - p * n) / total, viewer, day, viewers)
    spread = part > 0 and not math.isclose(part, total, rel_tol=1e-12)
    return Ratio(p, parts, error_of(parts) if spread else UNKNOWN)


def ratio_in(log: pd.DataFrame, x: pd.Series, n: pd.Series) -> Ratio:
    """Ratio of the sums of two columns over the rows of a log from `coded`."""
    keys = [VIEWER, DAY] if DAY in log else [VIEWER]
    sums = pd.DataFrame({key: log[key] for key in keys} | {"x": x, "n": n}).groupby(keys, sort=True).sum().reset_index()
    day = sums[DAY].to_numpy() if DAY in log else None
    return ratio(sums["x"].to_numpy(float), sums["n"].to_numpy(float), sums[VIEWER].to_numpy(), day)
