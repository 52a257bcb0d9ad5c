"""Swings of expected votes by assumed effect size, over replicates; and what published studies found."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim.metrics import defined_mean, interval
from recsim.scenario.schema import Scenario

AXES = ("persuasion_pp", "mobilisation_pp", "demobilisation_pp")


class Study(NamedTuple):
    """One published effect, beside which every result of the layer stands.

    Attributes:
        axis: the effect it speaks about.
        name: authors and year.
        found: what it found, in one clause.
        effect_pp: the effect on the axis, percentage points; the studies' contacts are not our impressions.
        read: what of it was read: "abstract", or "from memory, not verified".
    """

    axis: str
    name: str
    found: str
    effect_pp: float
    read: str


LITERATURE = (
    Study("persuasion_pp", "Kalla & Broockman 2018", "campaign contact in general elections, 49 field experiments: best estimate 0", 0.0, "abstract"),
    Study("persuasion_pp", "Eady et al. 2023", "exposure to a foreign influence campaign: no meaningful relation with attitudes or vote", 0.0, "abstract"),
    Study("persuasion_pp", "Guess et al. 2023", "order of the feed changed for three months: no significant change of attitudes", 0.0, "abstract"),
    Study("mobilisation_pp", "Bond et al. 2012", "one social message on the day of the vote: turnout about +0.4 points", 0.4, "from memory, not verified"),
)  # fmt: skip
"""Published effects; ``docs/opinion.md`` says where each was read."""


def opinion_summary(
    scenario: Scenario, frames: dict[str, pd.DataFrame], replicates: list[int]
) -> dict[str, Any] | None:
    """The block ``opinion`` of ``summary.json``; None if the layer is off.

    ``swing_pp``: 100 (expected vote share, factual - counterfactual), mean over luck branches, then over replicates;
    ``media_swing_pp``: the same for an outlet that leans to the candidate and distorts, against the same outlet that
    does not. No level of a vote share is summarised: nothing here is a forecast.

    Args:
        scenario: as resolved.
        frames: tables of all replicates.
        replicates: numbers, in order.
    """
    if not scenario.opinion.enabled or "opinion" not in frames:
        return None
    names = [c.id for c in scenario.candidates]
    table, media = frames["opinion"], frames["opinion_media"]
    table = table.assign(branch=table["branch"].astype(int), arm=table["arm"].astype(str))
    effects = []
    for axis in AXES:
        for size in [q.value for q in getattr(scenario.opinion, axis)]:
            here = _at(table, axis, size)
            share = _paired(here, "vote_share", names, replicates)
            present = here[here["candidate"].astype(str) == names[0]]
            outlet = None if axis == "demobilisation_pp" else _outlet(_at(media, axis, size), names, replicates)
            row: dict[str, Any] = {"effect": axis.removesuffix("_pp"), "effect_pp": size}
            if axis != "persuasion_pp":  # persuasion moves votes between candidates only
                t = interval(_paired(present, "turnout", names[:1], replicates)[:, 0])
                row |= {
                    "turnout_swing_pp": t.mean, "turnout_swing_ci_low": t.low, "turnout_swing_ci_high": t.high,
                }  # fmt: skip
            row["candidates"] = [
                _row(name, share[:, k], None if outlet is None else outlet[:, k]) for k, name in enumerate(names)
            ]
            effects.append(row)
    none = _at(table, AXES[0], 0.0)
    return {
        "effects": effects, "added_exposures": _added(none, "supportive_counted", names, replicates, frames["reach"]),
        "added_putting_off": _added(none, "putting_off_counted", names, replicates, frames["reach"]),
        "literature": [study._asdict() for study in LITERATURE],
    }  # fmt: skip


def _at(table: pd.DataFrame, axis: str, size: float) -> pd.DataFrame:
    """Rows at one size of one effect, the others zero."""
    keep = table[axis] == size
    for other in AXES:
        if other != axis and other in table:
            keep &= table[other] == 0
    return table[keep]


def _paired(table: pd.DataFrame, column: str, names: list[str], replicates: list[int]) -> np.ndarray:
    """(R, C) 100 (factual - counterfactual) of a column, mean over luck branches."""
    wide = table.astype({"candidate": str}).pivot_table(
        index=["replicate", "branch", "candidate"], columns="arm", values=column, dropna=False
    )
    return 100 * _by_replicate(wide["factual"] - wide["counterfactual"], names, replicates)


def _outlet(table: pd.DataFrame, names: list[str], replicates: list[int]) -> np.ndarray:
    """(R, C) 100 (share with the distorting outlet - share with the even one), mean over luck branches."""
    rows = table.astype({"candidate": str}).set_index(["replicate", "branch", "candidate"])
    return 100 * _by_replicate(rows["vote_share_leaning"] - rows["vote_share_even"], names, replicates)


def _by_replicate(values: pd.Series, names: list[str], replicates: list[int]) -> np.ndarray:
    mean = values.groupby(["replicate", "candidate"]).mean().unstack()
    return mean.reindex(index=replicates, columns=names).to_numpy(float)


def _row(name: str, swing: np.ndarray, outlet: np.ndarray | None) -> dict[str, Any]:
    t = interval(swing)
    row = {"id": name, "swing_pp": t.mean, "ci_low": t.low, "ci_high": t.high}
    if outlet is not None:
        m = interval(outlet)
        row |= {"media_swing_pp": m.mean, "media_ci_low": m.low, "media_ci_high": m.high}
    return row


def _added(
    table: pd.DataFrame, column: str, names: list[str], replicates: list[int], reach: pd.DataFrame
) -> dict[str, float]:
    """Impressions that count, factual - counterfactual, per person: what the effects work on."""
    first = reach[reach["candidate"].astype(str) == names[0]]
    people = first.groupby(["replicate", "branch", "arm"], observed=True)["people"].sum().mean()
    more = _paired(table, column, names, replicates) / 100 / people
    return dict(zip(names, defined_mean(more, axis=0).tolist(), strict=True))
