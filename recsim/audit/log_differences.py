"""What differs between two arms of a log: shares, impressions per person, reach, and how far apart the whole is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from recsim import metrics
from recsim.audit.clusters import UNKNOWN, Error, Parts, around, error_of_difference, p_of
from recsim.audit.design_needed import LEAST_BEFORE_AFTER
from recsim.audit.exposure_table import Ratio, Table


def comparison(arm: Table, base: Table, candidates: list[str], kept: float) -> dict[str, Any]:
    """Differences of two arms, with intervals, p and Holm's p over the candidates.

    Where somebody is in both arms, or a day is, what is alike cancels. Arms that share no day are a before and an after: with
    fewer than 10 days in all nothing is said of their error, because it rests on how days differ.

    Args:
        arm, base: tables with the same codes. candidates: names. kept: what errors of labels leave of a difference, above 0.

    Returns:
        ``paired`` (the same viewers), ``shared_people``, ``days`` (of either), ``shared_days``, ``before_after`` (no day is in
        both), ``as_many`` (as many days in both), ``tv_distance`` (0-1), ``js_divergence`` (bits), ``calibration_bits`` of
        paired arms, and ``rows`` by candidate: differences in percentage points with ends, p and Holm's p, ratios, per cent.
    """
    p, q = metrics.shares(arm.x.sum(axis=0)), metrics.shares(base.x.sum(axis=0))
    both = np.intersect1d(arm.viewer, base.viewer).size
    paired = arm.people == base.people
    days = _days(arm, base)
    how = _How(paired, both == 0, bool(days["before_after"] and days["days"] < LEAST_BEFORE_AFTER), days["as_many"])
    k_groups = float(arm.weight.sum()) / float(base.weight.sum())
    rows, tests = [], []
    for k, name in enumerate(candidates):
        a, b = arm.shares[k], base.shares[k]
        difference = float(p[k] - q[k])
        error = how.error(a, b)
        low, high = around(difference, error, -1.0, 1.0)
        reached = [float(t.weight[t.x[:, k] > 0].sum()) for t in (arm, base)]
        # People reached, with one added in either arm, per person of the arm (Huszar et al. 2022).
        amplified = 100 * ((reached[0] + 1) / (k_groups * reached[1] + 1) - 1) if how.as_long else math.nan
        tests.append(p_of(difference, error))
        rows.append(
            {
                "candidate": name, "difference_pp": 100 * difference, "difference_low": 100 * low, "difference_high": 100 * high,
                **_corrected(difference, error, kept), **_log_ratio(arm, base, k, how), **_amplification(a, b, how),
                "amplification_reach_pct": amplified,
            }
        )  # fmt: skip
    for row, raw, after in zip(rows, tests, family(tests, complements=True), strict=True):
        row |= {"difference_p": raw, "difference_p_holm": after}
    return {
        **_calibration(arm, base, paired), "paired": paired, "shared_people": both, **days,
        "tv_distance": float(metrics.total_variation(p, q)),
        "js_divergence": float(metrics.js_divergence(p, q)) if len(p) and not np.isnan([*p, *q]).any() else math.nan,
        "rows": rows,
    }  # fmt: skip


def family(tests: list[float], complements: bool) -> list[float]:
    """Holm's p over the candidates.

    Args:
        tests: p by candidate. complements: whether shares, and what they are held against, add up to the same: of two candidates there is
            then one test, said twice.
    """
    if complements and len(tests) == 2:
        return list(tests)
    return [float(p) for p in metrics.holm(np.array(tests))]


class _How(NamedTuple):
    """How two arms are compared: with the same viewers, with none in common, as a before and after on too few days, over as many days."""

    same: bool
    apart: bool
    too_few: bool
    as_long: bool

    def error(self, a: Ratio, b: Ratio) -> Error:
        """Standard error of a difference of shares; unknown where that of either is."""
        if a.parts is None or b.parts is None or not (a.error.free >= 1 and b.error.free >= 1):
            return UNKNOWN
        return self.of(a.parts, b.parts)

    def of(self, a: Parts, b: Parts) -> Error:
        """Standard error of the difference of two figures."""
        return UNKNOWN if self.too_few else error_of_difference(a, b, same=self.same, apart=self.apart)


def _corrected(difference: float, error: Error, kept: float) -> dict[str, float]:
    """A difference as it would be without errors of labels, percentage points; nothing where labels have none."""
    if kept == 1:
        return {}
    low, high = around(difference / kept, error.times(1 / kept), -1.0, 1.0)
    return {
        "difference_corrected_pp": 100 * float(np.clip(difference / kept, -1.0, 1.0)),
        "difference_corrected_low": 100 * low, "difference_corrected_high": 100 * high,
    }  # fmt: skip


def _days(arm: Table, base: Table) -> dict[str, Any]:
    """How many days the two have, how many both have, whether none, and whether they have as many."""
    if arm.cell_day is None or base.cell_day is None:
        return {"days": None, "shared_days": None, "before_after": False, "as_many": True}
    a, b = np.unique(arm.cell_day), np.unique(base.cell_day)
    shared = int(np.intersect1d(a, b).size)
    return {
        "days": len(a) + len(b) - shared, "shared_days": shared, "before_after": shared == 0, "as_many": len(a) == len(b),
    }  # fmt: skip


def _amplification(a: Ratio, b: Ratio, how: _How) -> dict[str, float]:
    """M6, p(arm) / p(base), with the interval of its logarithm."""
    value = a.value / b.value if b.value > 0 else math.nan
    low = high = math.nan
    if value > 0 and a.parts is not None and b.parts is not None and a.error.free >= 1 and b.error.free >= 1:
        low, high = around(math.log(value), how.of(a.parts.times(1 / a.value), b.parts.times(1 / b.value)))
    ends = np.exp(np.minimum([low, high], 700.0)).tolist()
    return {"amplification": value, "amplification_low": ends[0], "amplification_high": ends[1]}


def _log_ratio(arm: Table, base: Table, k: int, how: _How) -> dict[str, float]:
    """M4 of impressions per person, so that arms of different sizes can be compared; not of arms over different numbers of days."""
    names = ("log_exposure_ratio", "log_exposure_ratio_low", "log_exposure_ratio_high")
    if not how.as_long:
        return dict.fromkeys(names, math.nan)
    people = [float(t.weight.sum()) for t in (arm, base)]
    value = float(np.log((arm.x[:, k].sum() + 0.5) / people[0]) - np.log((base.x[:, k].sum() + 0.5) / people[1]))
    a, b = arm.per_person(k), base.per_person(k)
    low, high = around(value, UNKNOWN if a is None or b is None else how.of(a, b))
    return dict(zip(names, (value, low, high), strict=True))


def _calibration(arm: Table, base: Table, paired: bool) -> dict[str, float]:
    """M14: how far what people are shown is from what the same people are shown in the baseline, bits, mean over people."""
    if not paired or arm.weighted:
        return {}
    bits = metrics.interval(metrics.calibration(base.x, arm.x)).within(0, math.inf)
    return {"calibration_bits": bits.mean, "calibration_low": bits.low, "calibration_high": bits.high, "calibration_people": bits.n}  # fmt: skip
