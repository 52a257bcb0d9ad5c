"""Impressions of one arm of a log as sums by viewer and candidate, with what each viewer and day adds to the error of a share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from recsim.audit.clusters import UNKNOWN, Error, Parts, around, error_of

VIEWER, DAY = "_viewer", "_day"
"""Columns that `coded` adds: codes of persons and of days, the same in all arms."""


class Ratio(NamedTuple):
    """A ratio of sums with its error; NaN where it is undefined."""

    value: float
    parts: Parts | None
    error: Error

    def interval(self, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
        """95 %, cut at what is possible."""
        return around(self.value, self.error, low, high)


class Table(NamedTuple):
    """Impressions of one arm, times the weights of viewers if the log has any.

    Attributes:
        people: (P,) names. weight: (P,) weights of viewers, 1 without. x: (P, C) impressions by viewer and candidate.
        other: (P,) impressions of anything else. viewer: (P,) codes.
        cells: (N, C + 1) impressions by viewer and day, of anything else in the last column. cell_viewer: (N,) codes.
        cell_day: (N,) codes, None if the log has no days.
    """

    people: list[str]
    weight: np.ndarray
    x: np.ndarray
    other: np.ndarray
    viewer: np.ndarray
    cells: np.ndarray
    cell_viewer: np.ndarray
    cell_day: np.ndarray | None

    def share(self, k: int) -> Ratio:
        """Of candidate k among impressions about candidates."""
        return ratio(
            self.cells[:, k], self.cells[:, :-1].sum(axis=1), self.cell_viewer, self.cell_day, len(self.people)
        )

    def content(self) -> Ratio:
        """Of impressions about candidates among all."""
        n = self.cells[:, :-1].sum(axis=1)
        return ratio(n, n + self.cells[:, -1], self.cell_viewer, self.cell_day, len(self.people))

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
    """The log with codes of viewers and days, and impressions times the weights of their viewers."""
    codes = {VIEWER: pd.factorize(log["person"], sort=True)[0]}
    if "day" in log:
        codes[DAY] = pd.factorize(log["day"], sort=True)[0]
    if "weight" in log:
        codes["impressions"] = log["impressions"] * log["weight"]
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
    weight = log["weight"].to_numpy()[first][order] if "weight" in log else np.ones(len(people))
    viewer = viewer[order]
    columns = pd.Index([*candidates, ""]).get_indexer(pd.Index(log["candidate"]))
    shown = log["impressions"].to_numpy(float)

    def sums(rows: np.ndarray, length: int) -> np.ndarray:
        out = np.zeros((length, len(candidates) + 1))
        np.add.at(out, (rows, columns), shown)
        return out

    whole = sums(np.searchsorted(viewer, log[VIEWER].to_numpy()), len(viewer))
    if DAY not in log:
        return Table(people, weight, whole[:, :-1], whole[:, -1], viewer, whole, viewer, None)
    days = int(log[DAY].max()) + 1
    keys, rows = np.unique(log[VIEWER].to_numpy() * days + log[DAY].to_numpy(), return_inverse=True)
    return Table(
        people, weight, whole[:, :-1], whole[:, -1], viewer, sums(rows, len(keys)), keys // days, keys % days
    )  # fmt: skip


def ratio(x: np.ndarray, n: np.ndarray, viewer: np.ndarray, day: np.ndarray | None, viewers: int) -> Ratio:
    """Sum x / sum n with the residuals x - p n as parts.

    Args:
        x, n: (N,). viewer, day: (N,) codes. viewers: how many there are.
    """
    total = float(n.sum())
    if total <= 0:
        return Ratio(math.nan, None, UNKNOWN)
    p = float(x.sum()) / total
    parts = Parts((x - p * n) / total, viewer, day, viewers)
    return Ratio(p, parts, error_of(parts))


def ratio_in(log: pd.DataFrame, x: pd.Series, n: pd.Series) -> Ratio:
    """Ratio of the sums of two columns over the rows of a log from `coded`."""
    keys = [VIEWER, DAY] if DAY in log else [VIEWER]
    sums = pd.DataFrame({key: log[key] for key in keys} | {"x": x, "n": n}).groupby(keys, sort=True).sum().reset_index()
    viewer = sums[VIEWER].to_numpy()
    day = sums[DAY].to_numpy() if DAY in log else None
    return ratio(sums["x"].to_numpy(float), sums["n"].to_numpy(float), viewer, day, log[VIEWER].nunique())
