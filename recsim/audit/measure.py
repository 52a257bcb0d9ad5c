"""The metrics of a report, computed on a log of exposures: the same code for a platform's data and for simulated people.

In a log there is one world, so the unit is the person: intervals cover which people were looked at (linearised ratios with
people as clusters), not what luck or a platform's state would have made of another day. A difference between arms is an
effect only if people were assigned to arms by chance.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.audit.exposure_log import DIVISIONS
from recsim.errors import unknown
from recsim.experiment.summary import cleaned
from recsim.state import STANCES

LEAST_PEOPLE = 50
"""People below which a cell is not printed, to protect them and because it says little."""


ENGAGED = 0.5
"""Part of an item from which it counts as watched (M10)."""


class Share(NamedTuple):
    """A share with its interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


def _ratio(x: np.ndarray, n: np.ndarray, level: float = 0.95) -> Share:
    """Sum x / sum n with people as clusters: s.e. from the residuals x - p n (Taylor linearisation; Cochran 1977, ch. 6).

    The interval is cut at 0 and 1.

    Args:
        x, n: (P,) per person.
    """
    total, people = float(n.sum()), len(n)
    if total <= 0:
        return Share(math.nan, math.nan, math.nan)
    p = float(x.sum()) / total
    if people < 2:
        return Share(p, math.nan, math.nan)
    error = math.sqrt(people / (people - 1) * float(np.square(x - p * n).sum())) / total
    low, high = _around(p, error, people - 1, level)
    return Share(p, max(0.0, low), min(1.0, high))


def _around(mean: float, error: float, free: int, level: float = 0.95) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(free, 0.5 + level / 2)) * error
    return mean - half, mean + half


class Table(NamedTuple):
    """Impressions of one arm.

    Attributes:
        people: (P,) names. x: (P, C) impressions by person and candidate. other: (P,) impressions of anything else.
    """

    people: list[str]
    x: np.ndarray
    other: np.ndarray


def table_of(log: pd.DataFrame, candidates: list[str]) -> Table:
    """Sums by person and candidate."""
    people = sorted(log["person"].unique())
    rows = pd.Index(people).get_indexer(pd.Index(log["person"]))
    columns = pd.Index([*candidates, ""]).get_indexer(pd.Index(log["candidate"]))
    sums = np.zeros((len(people), len(candidates) + 1))
    np.add.at(sums, (rows, columns), log["impressions"].to_numpy())
    return Table(people, sums[:, :-1], sums[:, -1])


def measure(log: pd.DataFrame, baseline: str | None = None) -> dict[str, Any]:
    """All metrics that a log allows, by arm; NaN is None.

    Args:
        log: from `read_log`.
        baseline: the arm that others are compared with, which must be named; None: arms are not compared.

    Returns:
        ``arms``: one block per arm: people, impressions, ``rows`` by candidate (shares and reach 0-1 with 95 % intervals over
        people, frequency in impressions), segments, concentration; ``comparisons``: one per other arm, against the baseline,
        with differences in percentage points. Formulas and their sources: docs/measure.md.

    Raises:
        InputError: there is no such arm.
    """
    arms = sorted(log["arm"].unique())
    if baseline is not None and baseline not in arms:
        raise unknown("arm", baseline, arms, "--baseline")
    candidates = sorted(set(log["candidate"]) - {""})
    tables = {arm: table_of(log[log["arm"] == arm], candidates) for arm in arms}
    blocks = [{"arm": arm, **_arm(log[log["arm"] == arm], tables[arm], candidates)} for arm in arms]
    against = [] if baseline is None else [
        {"arm": arm, "baseline": baseline, **_comparison(tables[arm], tables[baseline], candidates)}
        for arm in arms if arm != baseline
    ]  # fmt: skip
    return cleaned({"candidates": candidates, "least_people": LEAST_PEOPLE, "arms": blocks, "comparisons": against})


def _arm(log: pd.DataFrame, table: Table, candidates: list[str]) -> dict[str, Any]:
    per_person = table.x.sum(axis=1)
    shown = per_person > 0
    total = table.x.sum(axis=0)
    p = metrics.shares(total)
    rows = []
    for k, name in enumerate(candidates):
        share, reached = _ratio(table.x[:, k], per_person), table.x[:, k] > 0
        own = np.divide(table.x[:, k], per_person, out=np.zeros(len(shown)), where=shown)[shown]
        rows.append(
            {
                "candidate": name, "impressions": total[k], "share": share.value, "share_low": share.low,
                "share_high": share.high, "share_of_persons": float(own.mean()) if len(own) else math.nan,
                "reach": float(reached.mean()), "frequency": total[k] / reached.sum() if reached.any() else math.nan,
                **_stances(log, name), **_view_through(log[log["candidate"] == name]),
            }
        )  # fmt: skip
    # A log of candidate content alone says nothing about its part of the whole.
    content = _ratio(per_person, per_person + table.other) if table.other.any() else Share(*[math.nan] * 3)
    out: dict[str, Any] = {
        "people": len(table.people), "impressions": float(table.x.sum() + table.other.sum()),
        "candidate_content": content.value, "candidate_content_low": content.low, "candidate_content_high": content.high,
        "parity_gap_pp": 100 * float(p.max() - p.min()) if len(p) else math.nan,
        "parity_gap_uniform_pp": 100 * float(np.abs(p - 1 / len(p)).sum()) if len(p) else math.nan,
        "effective_candidates": float(metrics.effective_number(p)) if len(p) else math.nan,
        "exposure_top1_share": metrics.top_share(per_person, 0.01), "rows": rows,
    }  # fmt: skip
    if "item" in log:
        by_item = log.groupby("item")["impressions"].sum().to_numpy()
        out |= {"gini_items": metrics.gini(by_item), "top1_items_share": metrics.top_share(by_item, 0.01)}
    if "creator" in log:
        made = log[log["creator"] != ""]
        by_creator = made.groupby("creator")["impressions"].sum().to_numpy()
        out |= {"gini_creators": metrics.gini(by_creator), "top1_creators_share": metrics.top_share(by_creator, 0.01)}
    out |= {"gini_people": metrics.gini(per_person), **_prevalence(log), **_rank_weighted(log)}
    out["segments"] = _segments(log, candidates)
    return out


def _stances(log: pd.DataFrame, candidate: str) -> dict[str, float]:
    if "stance" not in log:
        return {}
    mine = log[log["candidate"] == candidate]
    sums, total = mine.groupby("stance")["impressions"].sum(), float(mine["impressions"].sum())
    return {f"{name}_share": float(sums.get(name, 0)) / total if total else math.nan for name in STANCES}


def _by_person(log: pd.DataFrame, x: pd.Series, n: pd.Series) -> Share:
    """Share of the sums of two columns, people as clusters."""
    sums = pd.DataFrame({"person": log["person"], "x": x, "n": n}).groupby("person").sum()
    return _ratio(sums["x"].to_numpy(float), sums["n"].to_numpy(float))


def _view_through(log: pd.DataFrame) -> dict[str, float]:
    """M10: part of the impressions whose item was watched to at least one half; rows that do not say are left out."""
    if "watched" not in log:
        return {}
    known = log[log["watched"].notna()]
    found = _by_person(known, known["impressions"] * (known["watched"] >= ENGAGED), known["impressions"])
    return {"view_through": found.value, "view_through_low": found.low, "view_through_high": found.high}


def _prevalence(log: pd.DataFrame) -> dict[str, float]:
    """M9: part of the impressions, and of those of candidate content, whose item is known to come from a campaign; and of people."""
    if "inauthentic" not in log:
        return {}
    bad, out = log["impressions"] * log["inauthentic"], dict[str, float]()
    for name, chosen in (("prevalence", np.ones(len(log), bool)), ("prevalence_candidates", (log["candidate"] != "").to_numpy())):  # fmt: skip
        found = _by_person(log[chosen], bad[chosen], log["impressions"][chosen])
        out |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    people = bad.groupby(log["person"]).sum() > 0
    return {**out, "prevalence_people": float(people.mean())}


def _rank_weighted(log: pd.DataFrame) -> dict[str, float]:
    """M23 of each list, sum s (n - r + 1) / (n (n + 1) / 2), -1 to 1; mean over a person's lists, then over people."""
    if "rank" not in log:
        return {}
    shown = log[log["rank"].notna() & (log["impressions"] > 0)]
    score = shown["stance"].map({"supportive": 1.0, "critical": -1.0}).fillna(0.0)
    lists = shown.assign(score=score).groupby(["person", "visit"])
    n = lists["rank"].transform("max")
    weight = (n - shown["rank"] + 1) / (n * (n + 1) / 2)
    each = (score * weight).groupby([shown["person"], shown["visit"]]).sum()
    t = metrics.interval(each.groupby("person").mean().to_numpy()).within(-1, 1)
    return {"rank_weighted_stance": t.mean, "rank_weighted_stance_low": t.low, "rank_weighted_stance_high": t.high}


def _segments(log: pd.DataFrame, candidates: list[str]) -> list[dict[str, Any]]:
    """Shares by region, language and age band; cells with fewer than 50 people are named, not shown."""
    rows = []
    for division in DIVISIONS:
        if division not in log:
            continue
        for value in sorted(log[division].unique()):
            table = table_of(log[log[division] == value], candidates)
            people, per_person = len(table.people), table.x.sum(axis=1)
            for k, name in enumerate(candidates):
                row: dict[str, Any] = {"division": division, "segment": value, "candidate": name}
                if people < LEAST_PEOPLE:
                    rows.append({**row, "people": None, "share": None, "share_low": None, "share_high": None})
                    continue
                share = _ratio(table.x[:, k], per_person)
                rows.append({**row, "people": people, "share": share.value, "share_low": share.low, "share_high": share.high})  # fmt: skip
    return rows


def _comparison(arm: Table, base: Table, candidates: list[str]) -> dict[str, Any]:
    """Differences of shares and reach; paired where the same people are in both arms."""
    p, q = metrics.shares(arm.x.sum(axis=0)), metrics.shares(base.x.sum(axis=0))
    paired = arm.people == base.people
    k_groups = len(arm.people) / len(base.people)
    rows = []
    for k, name in enumerate(candidates):
        a, b = _residuals(arm, k), _residuals(base, k)
        difference = float(p[k] - q[k])
        low = high = math.nan
        if a is not None and b is not None:
            if paired:
                free, error = len(a) - 1, _spread(a - b)
            else:
                free, error = min(len(a), len(b)) - 1, math.hypot(_spread(a), _spread(b))
            if free >= 1:
                low, high = _around(difference, error, free)
                low, high = max(-1.0, low), min(1.0, high)
        reached = [int((t.x[:, k] > 0).sum()) for t in (arm, base)]
        rows.append(
            {
                "candidate": name, "difference_pp": 100 * difference, "difference_low": 100 * low, "difference_high": 100 * high,
                "log_exposure_ratio": _log_ratio(arm, base, k),
                "amplification": float(p[k] / q[k]) if q[k] > 0 else math.nan,
                # People reached, with one added in either arm, per person of the arm (Huszar et al. 2022).
                "amplification_reach_pct": 100 * ((reached[0] + 1) / (k_groups * reached[1] + 1) - 1),
            }
        )  # fmt: skip
    return {
        **_calibration(arm, base, paired), "paired": paired, "tv_distance": float(metrics.total_variation(p, q)),
        "js_divergence": float(metrics.js_divergence(p, q)) if not (np.isnan(p).any() or np.isnan(q).any()) else math.nan,
        "rows": rows,
    }  # fmt: skip


def _log_ratio(arm: Table, base: Table, k: int) -> float:
    """M4 of impressions per person, so that arms of different sizes can be compared."""
    return float(
        np.log((arm.x[:, k].sum() + 0.5) / len(arm.people)) - np.log((base.x[:, k].sum() + 0.5) / len(base.people))
    )


def _calibration(arm: Table, base: Table, paired: bool) -> dict[str, float]:
    """M14: how far what people are shown is from what the same people are shown in the baseline, bits, mean over people."""
    if not paired:
        return {}
    bits = metrics.interval(metrics.calibration(base.x, arm.x)).within(0, math.inf)
    return {"calibration_bits": bits.mean, "calibration_low": bits.low, "calibration_high": bits.high, "calibration_people": bits.n}  # fmt: skip


def _residuals(table: Table, k: int) -> np.ndarray | None:
    """(P,) what each person adds to the error of a share, as of `_ratio`; None where it is undefined."""
    n = table.x.sum(axis=1)
    if n.sum() <= 0:
        return None
    return (table.x[:, k] - table.x[:, k].sum() / n.sum() * n) / n.sum()


def _spread(residuals: np.ndarray) -> float:
    people = len(residuals)
    return math.sqrt(people / (people - 1) * float(np.square(residuals).sum())) if people > 1 else math.nan
