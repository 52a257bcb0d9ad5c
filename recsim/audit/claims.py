"""The ladder of claims: how far a run's result carries, step by step, for every beneficiary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from recsim.experiment.summary import ALL_COVERED, ENOUGH

Band = Mapping[str, float]
"""``lowest_shift_pp`` and ``highest_shift_pp`` over a table of other platforms, percentage points."""


class Grounds(NamedTuple):
    """What the claims about a run rest on.

    Attributes:
        replicates: with a defined share.
        covers: what intervals cover, as `summary.covered` says.
        planned: whether there was a locked plan. deviated: whether something was done otherwise.
        threshold_pp: declared threshold, percentage points.
    """

    replicates: int
    covers: str
    planned: bool
    deviated: bool
    threshold_pp: float


def ladder(
    rows: Sequence[Mapping[str, Any]], shift: Mapping[str, np.ndarray], grounds: Grounds, bands: Mapping[str, Sequence[Band]]
) -> list[dict[str, Any]]:  # fmt: skip
    """The steps, lowest first. The last is out of reach for any simulation.

    Args:
        rows: of the beneficiaries: id, shift_pp, ci_low, ci_high, verdict.
        shift: (R,) percentage points by beneficiary.
        grounds: what else the claims rest on.
        bands: ranges of the mean shift over other platforms, by beneficiary; empty: no table was made.

    Returns:
        One block per step: ``step``, ``reached`` (for every beneficiary, and there is one), and ``candidates``: id,
        ``reached``, ``why``.
    """
    found = {row["id"]: _steps(row, shift[row["id"]], grounds, bands.get(row["id"], ())) for row in rows}
    out = []
    for number, step in enumerate(STEPS):
        each = [{"id": name, "reached": reached, "why": why} for name, steps in found.items() for reached, why in [steps[number]]]  # fmt: skip
        out.append({"step": step, "reached": bool(each) and all(c["reached"] for c in each), "candidates": each})
    return out


STEPS = (
    "a shift happens in this model, in some worlds",
    "it holds on average over luck, with a known error",
    "it holds on average over luck and the declared ranges of the inputs",
    "it was asked before it was answered (a locked plan, no deviation)",
    "it holds under other plausible platforms, as a range",
    "it says what a real service did",
)


def _steps(row: Mapping[str, Any], shift: np.ndarray, g: Grounds, bands: Sequence[Band]) -> list[tuple[bool, str]]:
    known = np.asarray(shift, float)[~np.isnan(shift)]
    moved = int((known != 0).sum())
    few = (
        f"{g.replicates} {'replicate' if g.replicates == 1 else 'replicates'}; {ENOUGH} are asked for"
        if g.replicates < ENOUGH
        else ""
    )
    low, high = row["ci_low"], row["ci_high"]
    if low is None or high is None or low != low or high != high:
        told, interval = False, "no interval is known"
    else:
        told = low > 0 or high < 0
        interval = f"95 % interval {low:+.2f} to {high:+.2f} {'leaves out' if told else 'includes'} zero"
        if row["verdict"] == "below":
            interval += f"; below the threshold of {g.threshold_pp:g} pp"
        elif row["verdict"] == "exceeds":
            interval += f"; exceeds the threshold of {g.threshold_pp:g} pp"
    averaged = told and not few
    why = interval if not few else f"{few}; {interval}"
    ranges = g.covers == ALL_COVERED
    ranged = averaged and ranges
    alone = f"intervals cover {g.covers}{' alone' if g.covers == 'luck' else ''}"
    return [
        (moved > 0, f"in {moved} of {len(known)} worlds"),
        (averaged, why),
        (ranged, why if ranges else f"ranges were held at their central values; {alone}"),
        (not few and g.planned and not g.deviated, _planned(g, few)),
        _elsewhere(row, ranged, why, bands),
        (False, "no simulation can"),
    ]


def _planned(g: Grounds, few: str) -> str:
    if not g.planned:
        return "no plan was locked"
    return "there were deviations" if g.deviated else few or "as planned"


def _elsewhere(row: Mapping[str, Any], ranged: bool, why: str, bands: Sequence[Band]) -> tuple[bool, str]:
    """Whether the mean shift has the same sign in every cell of every table of other platforms."""
    if not bands:
        return False, "no table of other platforms was made"
    known = [b for b in bands if b["lowest_shift_pp"] is not None]
    if not known or row["shift_pp"] is None:
        return False, f"no shift is known {'here' if known else 'under other platforms'}"
    low, high = min(b["lowest_shift_pp"] for b in known), max(b["highest_shift_pp"] for b in known)
    same = (low > 0 and row["shift_pp"] > 0) or (high < 0 and row["shift_pp"] < 0)
    text = f"{low:+.1f} to {high:+.1f} pp over other platforms" + ("" if same else ", not always of the same sign")
    return ranged and same, text if ranged or not same else f"{text}, but here: {why}"
