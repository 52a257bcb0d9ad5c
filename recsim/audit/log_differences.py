"""What differs between two arms of a log: shares, impressions per person, reach, and how far apart the whole is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from recsim import metrics
from recsim.audit.clusters import UNKNOWN, Error, around, error_of_difference, p_of
from recsim.audit.design_needed import LEAST_BEFORE_AFTER
from recsim.audit.exposure_table import Ratio, Table


def comparison(arm: Table, base: Table, candidates: list[str], kept: float) -> dict[str, Any]:
    """Differences of two arms, with intervals, p and Holm's p over the candidates.

    Where somebody is in both arms, or a day is, what is alike cancels. Arms that share no day are a before and an after: with
    fewer than 10 days in all nothing is said of their error, because it rests on how days differ.

    Args:
        arm, base: tables with the same codes. candidates: names. kept: what errors of labels leave of a difference, above 0.
    """
    p, q = metrics.shares(arm.x.sum(axis=0)), metrics.shares(base.x.sum(axis=0))
    paired, apart = arm.people == base.people, not np.intersect1d(arm.viewer, base.viewer).size
    days = _days(arm, base)
    too_few = days["before_after"] and days["days"] < LEAST_BEFORE_AFTER
    k_groups = float(arm.weight.sum()) / float(base.weight.sum())
    rows, tests = [], []
    for k, name in enumerate(candidates):
        a, b = arm.share(k), base.share(k)
        difference = float(p[k] - q[k])
        error = UNKNOWN if too_few else _error(a, b, apart)
        low, high = around(difference, error, -1.0, 1.0)
        reached = [float(t.weight[t.x[:, k] > 0].sum()) for t in (arm, base)]
        tests.append(p_of(difference, error))
        row = {
            "candidate": name, "difference_pp": 100 * difference, "difference_low": 100 * low, "difference_high": 100 * high,
        }  # fmt: skip
        if kept != 1:
            low, high = around(difference / kept, error.times(1 / kept), -1.0, 1.0)
            row |= {
                "difference_corrected_pp": 100 * difference / kept, "difference_corrected_low": 100 * low,
                "difference_corrected_high": 100 * high,
            }  # fmt: skip
        rows.append(
            {
                **row, **_log_ratio(arm, base, k, apart, too_few), **_amplification(a, b, apart, too_few),
                # People reached, with one added in either arm, per person of the arm (Huszar et al. 2022).
                "amplification_reach_pct": 100 * ((reached[0] + 1) / (k_groups * reached[1] + 1) - 1),
            }
        )  # fmt: skip
    for row, raw, after in zip(rows, tests, metrics.holm(np.array(tests)), strict=True):
        row |= {"difference_p": raw, "difference_p_holm": float(after)}
    return {
        **_calibration(arm, base, paired), "paired": paired, "same_people": not apart, **days,
        "tv_distance": float(metrics.total_variation(p, q)),
        "js_divergence": float(metrics.js_divergence(p, q)) if len(p) and not np.isnan([*p, *q]).any() else math.nan,
        "rows": rows,
    }  # fmt: skip


def _days(arm: Table, base: Table) -> dict[str, Any]:
    """How many days the two have, and whether they share none."""
    if arm.cell_day is None or base.cell_day is None:
        return {"days": None, "shared_days": None, "before_after": False}
    a, b = np.unique(arm.cell_day), np.unique(base.cell_day)
    shared = int(np.intersect1d(a, b).size)
    return {"days": len(a) + len(b) - shared, "shared_days": shared, "before_after": shared == 0}


def _error(a: Ratio, b: Ratio, apart: bool) -> Error:
    """Standard error of a difference of shares."""
    if a.parts is None or b.parts is None:
        return UNKNOWN
    return error_of_difference(a.parts, b.parts, apart)


def _amplification(a: Ratio, b: Ratio, apart: bool, too_few: bool) -> dict[str, float]:
    """M6, p(arm) / p(base), with the interval of its logarithm."""
    names = ("amplification", "amplification_low", "amplification_high")
    if not b.value > 0:
        return dict.fromkeys(names, math.nan)
    value = float(a.value / b.value)
    if not value > 0 or a.parts is None or b.parts is None or too_few:
        return dict(zip(names, (value, math.nan, math.nan), strict=True))
    error = error_of_difference(a.parts.times(1 / a.value), b.parts.times(1 / b.value), apart)
    return dict(zip(names, (value, *np.exp(around(math.log(value), error)).tolist()), strict=True))


def _log_ratio(arm: Table, base: Table, k: int, apart: bool, too_few: bool) -> dict[str, float]:
    """M4 of impressions per person, so that arms of different sizes can be compared."""
    people = [float(t.weight.sum()) for t in (arm, base)]
    value = float(np.log((arm.x[:, k].sum() + 0.5) / people[0]) - np.log((base.x[:, k].sum() + 0.5) / people[1]))
    a, b = arm.per_person(k), base.per_person(k)
    error = UNKNOWN if a is None or b is None or too_few else error_of_difference(a, b, apart)
    low, high = around(value, error)
    return {"log_exposure_ratio": value, "log_exposure_ratio_low": low, "log_exposure_ratio_high": high}


def _calibration(arm: Table, base: Table, paired: bool) -> dict[str, float]:
    """M14: how far what people are shown is from what the same people are shown in the baseline, bits, mean over people."""
    if not paired or (arm.weight != 1).any():
        return {}
    bits = metrics.interval(metrics.calibration(base.x, arm.x)).within(0, math.inf)
    return {"calibration_bits": bits.mean, "calibration_low": bits.low, "calibration_high": bits.high, "calibration_people": bits.n}  # fmt: skip
