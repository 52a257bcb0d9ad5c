"""The figures of a log as one long table, one row per figure, for spreadsheets and R."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd


class _Measure(NamedTuple):
    """A figure of the result: the keys of its value and of the ends of its interval, and its unit."""

    name: str
    low: str | None
    high: str | None
    unit: str


def _with_ends(unit: str, *names: str) -> list[_Measure]:
    """Figures whose ends are called as the figure is, without its unit."""
    return [
        _Measure(name, f"{name.removesuffix('_pp')}_low", f"{name.removesuffix('_pp')}_high", unit) for name in names
    ]


def _plain(unit: str, *names: str) -> list[_Measure]:
    return [_Measure(name, None, None, unit) for name in names]


OF_CANDIDATE = [
    *_with_ends("0-1", "share", "share_corrected"), *_plain("0-1", "share_of_persons", "reach"),
    *_plain("impressions per person reached", "frequency"), *_plain("impressions", "impressions"),
    *_plain("0-1", "critical_share", "neutral_share", "supportive_share"), *_with_ends("0-1", "view_through"),
    *_with_ends("percentage points", "from_reference_pp"), *_plain("p", "from_reference_p", "from_reference_p_holm"),
]  # fmt: skip
OF_ARM = [
    *_plain("viewers", "people", "effective_people"), *_plain("days", "days"), *_plain("impressions", "impressions"),
    *_with_ends("0-1", "candidate_content"), *_plain("percentage points", "parity_gap_pp", "parity_gap_uniform_pp"),
    *_plain("percentage points", "parity_to_reference_pp"), *_plain("candidates", "effective_candidates"),
    *_plain("0-1", "exposure_top1_share", "gini_people", "gini_items", "top1_items_share", "gini_creators", "top1_creators_share"),
    *_with_ends("0-1", "prevalence", "prevalence_candidates"), *_plain("0-1", "prevalence_people"),
    *_with_ends("-1 to 1", "rank_weighted_stance"),
]  # fmt: skip
OF_DIFFERENCE = [
    *_with_ends("percentage points", "difference_pp", "difference_corrected_pp"),
    *_plain("p", "difference_p", "difference_p_holm"), *_with_ends("ratio", "amplification"),
    *_with_ends("log ratio", "log_exposure_ratio"), *_plain("%", "amplification_reach_pct"),
]  # fmt: skip
OF_COMPARISON = [
    *_plain("0-1", "tv_distance"), *_plain("bits", "js_divergence"),
    _Measure("calibration_bits", "calibration_low", "calibration_high", "bits"), *_plain("viewers", "calibration_people", "shared_people"),
    *_plain("days", "days", "shared_days"),
]  # fmt: skip
OF_PILOT = [
    *_plain("impressions per account and day", "items"), *_plain("%", "share_pct"),
    *_plain("percentage points (SD)", "between_pp", "within_pp", "shared_pp"), *_plain("accounts", "accounts"), *_plain("days", "days"),
    *_plain("correlation from day to day", "persistence"),
]  # fmt: skip
COLUMNS = ("arm", "baseline", "division", "segment", "candidate", "measure", "value", "low", "high", "unit")


def rows_of(found: dict[str, Any]) -> pd.DataFrame:
    """One row per figure with the columns of `COLUMNS`; what does not apply is empty.

    Args:
        found: from `recsim.audit.measure.measure`.
    """
    return pd.DataFrame(list(_rows(found)), columns=list(COLUMNS))


def _rows(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for arm in found["arms"]:
        of = {"arm": arm["arm"]}
        yield from _figures(of, arm, OF_ARM)
        for row in arm["rows"]:
            yield from _figures({**of, "candidate": row["candidate"]}, row, OF_CANDIDATE)
        for row in arm["segments"]:
            yield from _figures(
                {**of, **{key: row[key] for key in ("division", "segment", "candidate")}}, row, OF_CANDIDATE[:1]
            )
        for row in arm.get("pilot", ()):
            yield from _figures({**of, "candidate": row["candidate"]}, row, OF_PILOT)
    for one in found["comparisons"]:
        of = {"arm": one["arm"], "baseline": one["baseline"]}
        yield from _figures(of, one, OF_COMPARISON)
        for row in one["rows"]:
            yield from _figures({**of, "candidate": row["candidate"]}, row, OF_DIFFERENCE)


def _figures(of: dict[str, str], holds: dict[str, Any], measures: list[_Measure]) -> Iterator[dict[str, Any]]:
    """Those that a block of the result holds, also where they are not known."""
    for one in measures:
        if one.name in holds:
            ends = {"low": holds[one.low], "high": holds[one.high]} if one.low and one.high else {}
            yield {**of, "measure": one.name, "value": holds[one.name], **ends, "unit": one.unit}
