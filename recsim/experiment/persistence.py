"""What is left of a shift after its cause has gone (hysteresis): half-life and area, with intervals where they can be had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.experiment.summary import places
from recsim.metrics import interval
from recsim.resampling import resamples
from recsim.scenario.in_use import most
from recsim.scenario.schema import Scenario

BASE_DAYS = 3
"""Days up to the last one at work whose mean shift is what may halve: single days are mostly luck."""
LEAST_DAYS = 2
"""Days after the last one at work below which nothing is said."""
RESAMPLED_FROM = 10
"""Replicates below which a half-life has no interval."""
TO_THE_END = "the campaigns act until the vote"
TOO_LATE = "the campaigns act until the day before the vote, and one day after says little"
NEVER = "the campaigns did nothing that could have stayed"
NOTHING = "the shift at their end cannot be told from zero"
FEW = "one replicate cannot tell"
UNDEFINED = "fewer than two replicates have content about candidates on every day"


class Decay(NamedTuple):
    """What is left of a shift after its cause has gone.

    Attributes:
        half_life: days until the shift is first at most half of what it was, by linear interpolation; infinite if it
            never is within the days given, NaN if there is nothing to halve.
        area: sum of the shift over these days, percentage-point days.
    """

    half_life: float
    area: float


class Persistence(NamedTuple):
    """Decay of a mean shift over replicates.

    Attributes:
        days: after the last one at work.
        reason: why there is no half-life, or "".
        base_pp, base_low, base_high: mean shift of the last days at work, with its 95 % interval.
        half_life, low, high: days, with the interval over resampled replicates (from 10 of them); infinite: not within
            ``days``; NaN: undefined.
        area, area_low, area_high: percentage-point days after the last day at work, with the interval of the mean.
        n: replicates that have a share on every day.
    """

    days: int
    reason: str = ""
    base_pp: float = math.nan
    base_low: float = math.nan
    base_high: float = math.nan
    half_life: float = math.nan
    low: float = math.nan
    high: float = math.nan
    area: float = math.nan
    area_low: float = math.nan
    area_high: float = math.nan
    n: int = 0


def decay(shift: np.ndarray) -> Decay:
    """Half-life and area of a shift after its cause has gone.

    Args:
        shift: (D,) by day; the first is the last day on which the cause was at work. A shift below zero counts as one
            above it with the sign turned.
    """
    x = np.asarray(shift, float)
    if not len(x) or np.isnan(x).any() or x[0] == 0:
        return Decay(float("nan"), float("nan") if np.isnan(x).any() else float(x[1:].sum()))
    return Decay(float(_half_lives(x[None])[0]), float(x[1:].sum()))


def _half_lives(curves: np.ndarray) -> np.ndarray:
    """(M,) days until a curve is first at most half of its start; (M, D), starts other than zero."""
    relative = curves / curves[:, :1]
    below = relative <= 0.5
    day = below.argmax(axis=1)
    rows = np.arange(len(curves))
    before, after = relative[rows, np.maximum(day - 1, 0)], relative[rows, day]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = day - 1 + (before - 0.5) / (before - after)
    return np.where(below.any(axis=1), found, np.inf)


def persistence(daily: np.ndarray, last: int) -> Persistence:
    """Half-life and area of the shift of one candidate.

    The curve starts with the mean of the last days at work (three, or as many as there are). A half-life is given only
    if the 95 % interval of that start leaves out zero; its own interval is that of half-lives of resampled replicates.

    Args:
        daily: (R, D) shift by replicate and day of the window, percentage points; replicates with a NaN are left out.
        last: place of the last day at work; below 0: none.
    """
    x = np.asarray(daily, float)
    x = x[~np.isnan(x).any(axis=1)]
    days = daily.shape[1] - 1 - last
    if last < 0:
        return Persistence(0, NEVER, n=len(x))
    if days < LEAST_DAYS:
        return Persistence(days, TOO_LATE if days else TO_THE_END, n=len(x))
    if len(x) < 2:
        return Persistence(days, FEW if len(daily) < 2 else UNDEFINED, n=len(x))
    start = x[:, max(0, last + 1 - BASE_DAYS) : last + 1].mean(axis=1, keepdims=True)
    curves = np.concatenate([start, x[:, last + 1 :]], axis=1)
    base, area = interval(curves[:, 0]), interval(curves[:, 1:].sum(axis=1))
    out = Persistence(
        days, NOTHING, base.mean, base.low, base.high, area=area.mean, area_low=area.low, area_high=area.high,
        n=len(x),
    )  # fmt: skip
    if not (base.low > 0 or base.high < 0):
        return out
    low = high = math.nan
    if len(x) >= RESAMPLED_FROM:
        means = curves[resamples(len(x))].mean(axis=1)
        found = np.sort(_half_lives(means[means[:, 0] != 0]))
        low, high = (float(found[round(q * (len(found) - 1))]) for q in (0.025, 0.975))
    return out._replace(half_life=decay(curves.mean(axis=0)).half_life, low=low, high=high, reason="")


def persistence_row(found: Persistence) -> dict[str, Any]:
    """As numbers for a table; ``halved`` is 1, 0 where it did not within the days after, NaN where nothing can be said."""

    def days(value: float) -> float:
        return value if math.isfinite(value) else math.nan

    return {
        "half_life_days": days(found.half_life), "half_life_low": days(found.low), "half_life_high": days(found.high),
        "days_after": found.days, "halved": math.nan if math.isnan(found.half_life) else float(math.isfinite(found.half_life)),
        "area_pp_days": found.area, "area_low": found.area_low, "area_high": found.area_high, "base_pp": found.base_pp,
        "half_life_reason": found.reason or "given",
    }  # fmt: skip


def daily_shift(
    exposure: pd.DataFrame, candidates: list[str], replicates: list[int], branches: int, days: range,
    arms: tuple[str, str] = ("factual", "counterfactual"),
) -> np.ndarray:  # fmt: skip
    """(R, D, C) shift of single days, percentage points, mean over luck branches; NaN where nothing was shown.

    Args:
        exposure: with replicate, branch, arm, day, candidate, impressions.
        candidates, replicates: order of the result.
        branches: luck branches.
        days: relative to the vote.
        arms: the first less the second.
    """
    shape = (len(replicates), branches, 2, len(days), len(candidates))
    names: tuple[tuple[str, Sequence[Any]], ...] = (
        ("replicate", replicates), ("branch", range(branches)), ("arm", arms), ("day", days), ("candidate", candidates),
    )  # fmt: skip
    place = [places(exposure[column], known) for column, known in names]
    inside = np.all([index >= 0 for index in place], axis=0)
    flat = np.ravel_multi_index([index[inside] for index in place], shape)
    x = (
        np.bincount(flat, exposure["impressions"].to_numpy(float)[inside], int(np.prod(shape)))
        .reshape(shape)
        .astype(float)
    )
    p = metrics.shares(x)
    return 100 * (p[:, :, 0] - p[:, :, 1]).mean(axis=1)


def last_day_at_work(scenario: Scenario, campaigns: pd.DataFrame, candidate: str) -> int | None:
    """Last day, relative to the vote, on which a removed campaign for the candidate did anything; None: never.

    Actions and advertisements are those that counted in the factual world; campaigns that only post are at work until
    their declared end. One whose dose is zero in every replicate does nothing.

    Args:
        scenario: as resolved.
        campaigns: the table of a run.
        candidate: beneficiary.
    """
    counted = campaigns[(campaigns["arm"].astype(str) == "factual") & (campaigns["counted"] > 0)]
    ends = []
    for c in scenario.campaigns:
        dose = most(scenario, "dose", scenario.dose) * most(scenario, f"campaigns.{c.id}.dose", c.dose)
        if c.counterfactual == "kept" or c.beneficiary != candidate or not dose:
            continue
        acted = counted[counted["campaign"].astype(str) == c.id]["day"]
        posts = c.type in ("paid_influencers", "volunteers", "impersonation")
        ends += [int(acted.max())] if len(acted) else []
        ends += [c.end] if posts else []
    return max(ends) if ends else None
