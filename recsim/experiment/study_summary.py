"""From a study's dataset to numbers: intervals per cell, effects per axis, and in how much of the space it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from recsim.experiment.design import Cell, kind_of, numeric
from recsim.experiment.study import Axis, Study
from recsim.metrics import Interval, interval, shift_interval, verdict, wilson

BINS = 8
"""Most groups into which a sampled axis is divided for its picture."""
LISTED = 1000
"""Most cells that the summary names one by one; cells.csv has all."""


def values_of(data: ds.Dataset, candidate: str, cells: int, replicates: int, column: str) -> np.ndarray:
    """(cells, R) a column of one candidate, mean over luck branches; NaN if any branch has none or it was not computed.

    Args:
        data: of the study.
        candidate: id.
        cells, replicates: how many; replicates beyond are left out.
        column: such as "shift_pp".
    """
    table = data.to_table(columns=["cell", "replicate", column], filter=ds.field("candidate") == candidate).to_pandas()
    table = table[table["replicate"] < replicates]
    wide = table.groupby(["cell", "replicate"])[column].agg(lambda v: v.mean(skipna=False)).unstack()
    return wide.reindex(index=range(cells), columns=range(replicates)).to_numpy(float)


def undefined_replicates(shift: np.ndarray) -> int:
    """Replicates that some cell lacks: effects of axes rest on the others. Cells that have no share at all do not count.

    Args:
        shift: (cells, R) of one candidate, NaN where it is unknown.
    """
    known = shift[~np.isnan(shift).all(axis=1)]
    return int(np.isnan(known).any(axis=0).sum()) if len(known) else shift.shape[1]


def _shown(t: Interval) -> dict[str, float]:
    return {"shift_pp": t.mean, "ci_low": t.low, "ci_high": t.high}


def cell_table(
    cells: Sequence[Cell], shift: np.ndarray, with_them: np.ndarray, without: np.ndarray, threshold: float
) -> pd.DataFrame:
    """One row per cell: values of the axes, mean shift with its interval over replicates, verdict, mean shares.

    Args:
        cells: in order of their number.
        shift, with_them, without: (cells, R) shift in percentage points and the shares it is made of.
        threshold: of materiality, percentage points.
    """
    rows = []
    for cell in cells:
        x = shift[cell.number]
        t = shift_interval(x)
        rows.append(
            {
                "cell": cell.number, **cell.values, **_shown(t), "sd_worlds": t.sd, "replicates": t.n,
                "share_factual": _mean(with_them[cell.number]), "share_counterfactual": _mean(without[cell.number]),
                "verdict": verdict(x, threshold) if t.n else "undefined",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _groups(axis: Axis, cells: Sequence[Cell]) -> list[tuple[Any, list[int]]]:
    """Values of an axis and the numbers of the cells that have them; a sampled range in groups of equal size."""
    values = [cell.values[axis.column] for cell in cells]
    if axis.is_sampled and axis.range is not None:
        order = np.argsort(np.array(values, float), kind="stable")
        parts = np.array_split(order, min(BINS, max(1, len(cells) // 4)))
        centre = np.exp if axis.scale == "log" else np.asarray
        form = np.log if axis.scale == "log" else np.asarray
        return [
            (float(centre(np.mean(form(np.array(values, float)[p])))), [int(k) for k in p]) for p in parts if len(p)
        ]
    return [(v, [k for k, other in enumerate(values) if other == v]) for v in dict.fromkeys(values)]


def effect_table(study: Study, cells: Sequence[Cell], shift: np.ndarray) -> pd.DataFrame:
    """One row per axis and value: mean over the cells that have it, and what changes against the axis's first value.

    Means over cells are taken within each replicate, which all cells share; intervals are over replicates.
    """
    rows = []
    for axis in study.axes:
        first: np.ndarray | None = None
        for value, members in _groups(axis, cells):
            x = shift[members].mean(axis=0) if members else np.full(shift.shape[1], np.nan)
            first = x if first is None else first
            t, d = interval(x), interval(x - first)
            rows.append(
                {
                    "axis": axis.column, "value": value, "cells": len(members), **_shown(t), "replicates": t.n,
                    "change_pp": d.mean, "change_ci_low": d.low, "change_ci_high": d.high,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def plausible(frame: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """In how many settings the shift exceeds the threshold, with Wilson intervals over settings.

    "mean": the mean over replicates exceeds it; "shown": the whole 95 % interval does; "below": the 90 % intervals lie
    within the threshold either way. A share of settings weighs them as the study does; it is no probability of the real one.
    """
    known = frame[frame["shift_pp"].notna()]
    found: dict[str, Any] = {"settings": len(known), "threshold_pp": threshold}
    counts = {
        "mean": int((known["shift_pp"] > threshold).sum()), "shown": int((known["verdict"] == "exceeds").sum()),
        "below": int((known["verdict"] == "below").sum()), "above_zero": int((known["shift_pp"] > 0).sum()),
    }  # fmt: skip
    for name, hits in counts.items():
        low, high = wilson(hits, len(known))
        found[name] = {
            "count": hits,
            "share": hits / len(known) if len(known) else None,
            "ci_low": low,
            "ci_high": high,
        }
    return found


def variance(shift: np.ndarray) -> dict[str, float]:
    """Variance of one world's shift over the study, split into settings, replicates that all cells share, and what is left.

    Two-way analysis of variance without replication: cells x replicates, complete ones only; components by the method of
    moments, negative ones set to zero. Percentage points squared.
    """
    x = shift[~np.isnan(shift).any(axis=1)]
    nan = float("nan")
    n, r = x.shape
    if n < 2 or r < 2:
        return {"settings": nan, "shared_luck": nan, "own_luck": nan, "share_of_settings": nan}
    rows, columns, total = x.mean(axis=1), x.mean(axis=0), x.mean()
    left = ((x - rows[:, None] - columns[None, :] + total) ** 2).sum() / ((n - 1) * (r - 1))
    settings = max(0.0, float(rows.var(ddof=1) - left / r))
    shared = max(0.0, float(columns.var(ddof=1) - left / n))
    whole = settings + shared + float(left)
    return {
        "settings": settings, "shared_luck": shared, "own_luck": float(left),
        "share_of_settings": settings / whole if whole > 0 else nan,
    }  # fmt: skip


def axis_rows(study: Study, scenario_units: dict[str, str]) -> list[dict[str, Any]]:
    """What was varied: column, keys, kind, values or range, what the key is."""
    out: list[dict[str, Any]] = []
    for axis in study.axes:
        named = axis.sets if axis.sets is not None else axis.values
        out.append(
            {
                "axis": axis.column, "key": axis.key, "kind": kind_of(axis), "numeric": numeric(axis),
                "range": list(axis.range) if axis.range else None, "scale": axis.scale, "n": axis.n,
                "values": None if named is None else [str(v) for v in named],
                "description": scenario_units.get(axis.key, ""),
            }
        )  # fmt: skip
    return out
