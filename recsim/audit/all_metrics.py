"""Every metric of a run as one tidy table: estimate, 95 % interval, spread between worlds, prediction, and its unit.

Formulas stand in ``docs/measure.md``. Humans only are in every denominator. Each metric is computed within each replicate, as
the mean over its luck branches, and then averaged; what is undefined in a replicate leaves it out, and is counted. Intervals are
cut at what the metric can be.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.audit.cells import LEAST_PEOPLE, too_small
from recsim.experiment.contrasts import COSTS, costs_of
from recsim.experiment.efficacy import fieller
from recsim.experiment.persistence import Persistence, daily_shift, last_day_at_work, persistence
from recsim.experiment.result import Result
from recsim.experiment.summary import ARMS, Counts, removed_campaigns, without_ads
from recsim.metrics import SHIFT_RANGE, interval, shift_interval, wilson
from recsim.scenario.schema import DIVISIONS

INAUTHENTIC = ("bot", "impersonation", "advertisement", "influencer")
"""Kinds of authors whose content M9 counts."""
UNIFORM = "uniform"
RANGES = {
    "share": (0.0, 1.0), "share_of_persons": (0.0, 1.0), "shift_pp": SHIFT_RANGE, "reach": (0.0, 1.0), "frequency": (1.0, math.inf),
    "amplification_reach": (-100.0, math.inf), "parity_gap_pp": (0.0, 100.0), "parity_to_reference_pp": (0.0, 200.0),
    "tv_distance": (0.0, 1.0), "js_divergence": (0.0, 1.0), "effective_candidates": (1.0, math.inf), "gini": (0.0, 1.0),
    "top_tenth_share": (0.0, 1.0), "top_hundredth_share": (0.0, 1.0), "prevalence": (0.0, 1.0), "view_through": (0.0, 1.0),
    "calibration": (0.0, math.inf), "watch_s_per_view": (0.0, math.inf), "watch_s_per_person_day": (0.0, math.inf),
    "videos_per_day": (0.0, math.inf), "effective_topics": (1.0, math.inf), "effective_topics_visit": (1.0, math.inf),
    "like_rate": (0.0, 1.0), "gini_views": (0.0, 1.0), "small_creator_share": (0.0, 1.0), "emotional_share": (0.0, 1.0),
}  # fmt: skip
"""What metrics can be, in their unit, in one world or between two; what is not here has no bounds."""


class Metric(NamedTuple):
    """One row.

    Attributes:
        number: in the list of metrics, such as M2. metric: name. candidate, world, part: what it is about; "" is all.
        unit: of the estimate and everything beside it.
        estimate, ci_low, ci_high, sd_worlds, prediction_low, prediction_high: over replicates; NaN where undefined.
        replicates: in which it is defined. undefined: in which it is not.
        note: why there is no estimate, or how its interval was made.
    """

    number: str
    metric: str
    candidate: str
    world: str
    part: str
    unit: str
    estimate: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    sd_worlds: float = math.nan
    prediction_low: float = math.nan
    prediction_high: float = math.nan
    replicates: int = 0
    undefined: int = 0
    note: str = ""


def _row(number: str, name: str, unit: str, values: np.ndarray, candidate: str = "", world: str = "", part: str = "", note: str = "", width: float = 0.0) -> Metric:  # fmt: skip
    """A metric from its (R,) values; ``width`` of its range, if they are differences of two such metrics."""
    x = np.asarray(values, float)
    bounds = (-width, width) if width else RANGES.get(name, (-math.inf, math.inf))
    t = shift_interval(x) if name == "shift_pp" else interval(x).within(*bounds)
    left = int(np.isnan(x).sum())
    return Metric(number, name, candidate, world, part, unit, t.mean, t.low, t.high, t.sd, t.next_low, t.next_high, t.n, left, note)  # fmt: skip


def _both(number: str, name: str, unit: str, values: np.ndarray, candidate: str = "", part: str = "") -> list[Metric]:
    """A metric with and without the campaigns, and its change; (R, 2) values."""
    rows = [_row(number, name, unit, values[:, a], candidate, arm, part) for a, arm in enumerate(ARMS)]
    low, high = RANGES.get(name, (-math.inf, math.inf))
    return [*rows, _row(number, name, unit, values[:, 0] - values[:, 1], candidate, "change", part, width=high - low)]


def all_metrics(result: Result) -> pd.DataFrame:
    """One row per metric, candidate, world (factual, counterfactual, change) and part of the people; see `Metric`."""
    return result.kept("metrics", _computed)


def _computed(result: Result) -> pd.DataFrame:
    names = [c.id for c in result.scenario.candidates]
    counts = result.counts()
    rows = [
        *_exposure(result, counts), *_reach(result, counts), *_distances(result, counts), *_concentration(result),
        *_parts(result, names), *_after(result), *_costs(result), *_chances(result, counts), *_asked(result, counts),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(Metric._fields))


def _log_ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(a) - np.log(b)
    return np.where(np.isfinite(found), found, np.nan)


def _exposure(result: Result, counts: Counts) -> list[Metric]:
    """M1 to M4."""
    p, x, weight = counts.shares, counts.impressions, 1 / result.scenario.population.scale
    actions = _actions(result)
    rows = []
    for k, name in enumerate(counts.candidates):
        odds = _log_ratio(p[..., k], 1 - p[..., k])
        rows += _both("M1", "share", "0-1", counts.paired_shares[..., k], name)
        rows.append(_row("M2", "shift_pp", "percentage points", counts.shift_pp[:, k], name, "change"))
        excess = weight * (x[:, :, 0, k] - x[:, :, 1, k]).mean(axis=1)
        rows.append(_row("M3", "excess_impressions", "impressions, real units", excess, name, "change"))
        if name in actions:
            ratio = fieller(excess, actions[name])
            note = "ratio of means, Fieller" if ratio.value == ratio.value else "no actions that can be told from none"
            rows.append(Metric("M3", "excess_per_action", name, "change", "", "impressions per counted action", ratio.value, ratio.low, ratio.high, replicates=ratio.n, undefined=len(excess) - ratio.n, note=note))  # fmt: skip
        rows.append(_row("M4", "log_exposure_ratio", "nats", (np.log(x[:, :, 0, k] + 0.5) - np.log(x[:, :, 1, k] + 0.5)).mean(axis=1), name, "change"))  # fmt: skip
        rows.append(_row("M4", "log_odds_shift", "nats", (odds[:, :, 0] - odds[:, :, 1]).mean(axis=1), name, "change"))
    return rows


def _actions(result: Result) -> dict[str, np.ndarray]:
    """(R,) counted actions of the removed campaigns for each beneficiary, real units, mean over branches."""
    table = result.frames["campaigns"]
    table = without_ads(table[table["arm"].astype(str) == "factual"]).astype({"campaign": str})
    out = {}
    for who in result.summary["beneficiaries"]:
        mine = [c.id for c in removed_campaigns(result.scenario) if c.beneficiary == who]
        sums = table[table["campaign"].isin(mine)].groupby("replicate")["counted"].sum()
        found = sums.reindex(result.replicates, fill_value=0).to_numpy(float)
        out[who] = found / result.scenario.run.luck_branches / result.scenario.population.scale
    return out


def _by_branch(frame: pd.DataFrame, result: Result, keys: list[str], value: str) -> dict[Any, np.ndarray]:
    """(R, B, 2) sums of a column by further keys."""
    inside = frame[frame["arm"].isin(ARMS)].astype({"arm": str, **dict.fromkeys(keys, str)})
    sums = inside.groupby([*keys, "replicate", "branch", "arm"])[value].sum(min_count=1)
    full = pd.MultiIndex.from_product([result.replicates, range(result.scenario.run.luck_branches), list(ARMS)])
    shape = (len(result.replicates), result.scenario.run.luck_branches, len(ARMS))
    out = {}
    for key in sums.index.droplevel([-1, -2, -3]).unique() if len(sums) else []:
        out[key] = sums.loc[key].reindex(full, fill_value=0).to_numpy(float).reshape(shape)
    return out


def _divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b > 0)


def _reach(result: Result, counts: Counts) -> list[Metric]:
    """M7 and M8; M5 where asked for."""
    reached = _by_branch(result.frames["reach"], result, ["candidate"], "people_reached")
    people = _by_branch(result.frames["reach"], result, ["candidate"], "people")
    rows = []
    for k, name in enumerate(counts.candidates):
        if name not in reached:
            continue
        rows += _both("M7", "reach", "0-1", _divided(reached[name], people[name]).mean(axis=1), name)
        rows += _both("M8", "frequency", "impressions per person reached", _divided(counts.impressions[..., k], reached[name]).mean(axis=1), name)  # fmt: skip
        if "amplification_reach" in result.scenario.audit.metrics:
            more = 100 * ((reached[name][:, :, 0] + 1) / (reached[name][:, :, 1] + 1) - 1)
            rows.append(_row("M5", "amplification_reach", "%", more.mean(axis=1), name, "change"))
    return rows


def _distances(result: Result, counts: Counts) -> list[Metric]:
    """M11 to M13; M17 where asked for."""
    p = counts.shares
    rows = _both("M11", "parity_gap_pp", "percentage points", 100 * (p.max(axis=-1) - p.min(axis=-1)).mean(axis=1))
    references = {UNIFORM: np.full(p.shape[-1], 1 / p.shape[-1])}
    for one in result.scenario.audit.references:
        references[one.id] = np.array([one.shares[c].value if c in one.shares else 0.0 for c in counts.candidates])
    for name, q in references.items():
        rows += _both("M11", "parity_to_reference_pp", "percentage points", 100 * np.abs(p - q).sum(axis=-1).mean(axis=1), part=f"reference {name}")  # fmt: skip
    tv = metrics.total_variation(p[:, :, 0], p[:, :, 1]).mean(axis=1)
    rows.append(_row("M12", "tv_distance", "0-1", tv, world="change"))
    rows.append(_row("M13", "js_divergence", "bits", metrics.js_divergence(p[:, :, 0], p[:, :, 1]).mean(axis=1), world="change"))  # fmt: skip
    if "effective_candidates" in result.scenario.audit.metrics:
        rows += _both("M17", "effective_candidates", "candidates", metrics.effective_number(p).mean(axis=1))
    return rows


def _concentration(result: Result) -> list[Metric]:
    """M15 and M16 over items, creators and people."""
    table = result.frames.get("lorenz")
    rows: list[Metric] = []
    if table is None or not len(table):
        return rows
    for of in ("items", "creators", "people"):
        mine = table[table["of"].astype(str) == of]
        for number, name, point in (("M15", "gini", 1.0), ("M16", "top_tenth_share", 0.9), ("M16", "top_hundredth_share", 0.99)):  # fmt: skip
            here = mine[np.isclose(mine["smallest"], point)]
            here = here.assign(value=here["gini"] if name == "gini" else 1 - here["held"])
            wide = here[here["arm"].isin(ARMS)].astype({"arm": str}).groupby(["replicate", "arm"])["value"].agg(lambda v: v.mean(skipna=False))  # fmt: skip
            full = wide.unstack("arm").reindex(index=result.replicates, columns=list(ARMS))
            rows += _both(number, name, "0-1", full.to_numpy(float), part=of)
    return rows


def _parts(result: Result, names: list[str]) -> list[Metric]:
    """M18: the shift in every part of the people that is large enough, and how far parts are from each other."""
    exposure, rows = result.frames["exposure"], []
    for division in DIVISIONS:
        values = sorted(map(str, exposure[division].unique()))
        small = too_small(result, division)
        if len(values) < 2:
            continue
        found = {}
        for value in values:
            hidden = value in small
            part = exposure[exposure[division] == value]
            shift = result.counts(part).shift_pp
            if not hidden:
                found[value] = shift
            for k, name in enumerate(names):
                shown = np.full(len(shift), np.nan) if hidden else shift[:, k]
                note = f"fewer than {LEAST_PEOPLE} simulated people: not printed" if hidden else ""
                rows.append(_row("M18", "shift_pp", "percentage points", shown, name, "change", f"{division} {value}", note))  # fmt: skip
        if len(found) > 1:
            means = np.array([metrics.defined_mean(x, axis=0) for x in found.values()])
            tested = {name for name in result.summary["beneficiaries"] if division in result.scenario.audit.segments}
            for k, name in enumerate(names):
                spread = float(means[:, k].max() - means[:, k].min())
                note = "largest less smallest mean" + ("; tested in the section of results" if name in tested else "")
                rows.append(Metric("M18", "spread_pp", name, "change", division, "percentage points", spread, replicates=len(result.replicates), note=note))  # fmt: skip
    return rows


def what_stays(result: Result) -> dict[str, Persistence]:
    """How the shift of every beneficiary decays after the last day at work of the campaigns for her."""
    names, window = [c.id for c in result.scenario.candidates], range(result.summary["window_first_day"], 1)
    daily = daily_shift(result.frames["exposure"], names, result.replicates, result.scenario.run.luck_branches, window)
    out = {}
    for name in result.summary["beneficiaries"]:
        last = last_day_at_work(result.scenario, result.frames["campaigns"], name)
        out[name] = persistence(daily[:, :, names.index(name)], -1 if last is None else last - window.start)
    return out


def _after(result: Result) -> list[Metric]:
    """M19 for every beneficiary."""
    rows = []
    for name, found in what_stays(result).items():
        n, left = found.n, len(result.replicates) - found.n
        never = found.half_life == np.inf
        note = found.reason or (f"not halved within the {found.days} days after" if never else f"{found.days} days after the last one at work; interval over resampled replicates")  # fmt: skip
        half, low, high = (v if np.isfinite(v) else math.nan for v in (found.half_life, found.low, found.high))
        rows.append(
            Metric(
                "M19",
                "half_life_days",
                name,
                "change",
                "",
                "days",
                half,
                low,
                high,
                replicates=n,
                undefined=left,
                note=note,
            )
        )
        rows.append(Metric("M19", "area_pp_days", name, "change", "", "percentage-point days", found.area, found.area_low, found.area_high, replicates=n, undefined=left, note="" if found.area == found.area else found.reason))  # fmt: skip
    return rows


def _costs(result: Result) -> list[Metric]:
    """M22: what the feed gives people, with and without the campaigns."""
    rows: list[Metric] = []
    for name, values in costs_of(result.frames["facts"], result.replicates).items():
        if not np.isnan(values).all():
            rows += _both("M22", name, COSTS[name].unit, values)
    return rows


def _chances(result: Result, counts: Counts) -> list[Metric]:
    """M24: worlds that reach the threshold, and the chance that one further world does."""
    threshold, rows = result.summary["threshold_pp"], []
    for name in result.summary["beneficiaries"]:
        shift = counts.shift_pp[:, counts.candidates.index(name)]
        known = shift[~np.isnan(shift)]
        low, high = wilson(int((known >= threshold).sum()), len(known))
        share = float((known >= threshold).mean()) if len(known) else math.nan
        left = len(shift) - len(known)
        rows.append(Metric("M24", "worlds_at_threshold", name, "change", "", "0-1", share, low, high, replicates=len(known), undefined=left, note="Wilson"))  # fmt: skip
        rows.append(Metric("M24", "chance_at_threshold", name, "change", "", "0-1", metrics.chance_at_least(shift, threshold), replicates=len(known), undefined=left, note="one further world, predictive t"))  # fmt: skip
    return rows


def _asked(result: Result, counts: Counts) -> list[Metric]:
    """M9, M10 and M14, where asked for."""
    asked, rows = result.scenario.audit.metrics, list[Metric]()
    if "prevalence" in asked:
        kinds = _by_branch(result.frames["provenance"], result, ["kind"], "impressions")
        total = sum(kinds.values(), np.zeros(counts.impressions.shape[:3]))
        bad = sum((kinds[k] for k in INAUTHENTIC if k in kinds), np.zeros_like(total))
        rows += _both("M9", "prevalence", "0-1", _divided(bad, total).mean(axis=1), part="of impressions of content about candidates")  # fmt: skip
    if "view_through" in asked:
        table = result.frames["engagement"]
        acts = _by_branch(table[table["origin"].astype(str) == "human"], result, ["candidate", "action"], "count")
        for name in counts.candidates:
            if (name, "view") in acts:
                done = acts.get((name, "complete"), np.zeros_like(acts[name, "view"]))
                rows += _both("M10", "view_through", "0-1", _divided(done, acts[name, "view"]).mean(axis=1), name, "watched to the end")  # fmt: skip
    if "calibration" in asked and "persons" in result.frames:
        table = result.frames["persons"]
        for (name, who), values in _by_branch(table, result, ["name", "candidate"], "value").items():
            if name == "share":
                rows += _both("M1", "share_of_persons", "0-1", values.mean(axis=1), who)
            else:
                rows += _both(
                    "M14", "calibration", "bits", values.mean(axis=1), part="against people's own days before"
                )
    return rows
