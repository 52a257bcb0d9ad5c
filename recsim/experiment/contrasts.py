"""From the worlds of several policies to the numbers of a comparison. The unit of analysis is the replicate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.experiment.efficacy import Ratio, fieller
from recsim.experiment.summary import (
    ARMS,
    Counts,
    beneficiaries,
    cleaned,
    removed_campaigns,
    spent_in_all,
    summarise,
)
from recsim.metrics import SHIFT_RANGE, Interval, further_interval, interval
from recsim.scenario.platform import Platform
from recsim.scenario.schema import Scenario

LEVEL = 0.05
"""Error rate of each family of hypotheses."""


class Cost(NamedTuple):
    """A figure of what a feed gives people; name as in the facts of a world."""

    label: str
    unit: str


COSTS = {
    "watch_s_per_person_day": Cost("watch time per person and day", "s"),
    "watch_s_per_view": Cost("watch time per view", "s"),
    "videos_per_day": Cost("videos per person and day", "videos"),
    "utility_per_view": Cost("mean utility of what is examined", "utility units"),
    "like_rate": Cost("likes per view", "0-1"),
    "effective_topics": Cost("effective topics of all views", "topics"),
    "effective_topics_visit": Cost("effective topics within a visit", "topics"),
    "gini_views": Cost("Gini of views over items", "0-1"),
    "small_creator_share": Cost("views of small creators", "0-1"),
    "emotional_share": Cost("views of the most emotional tenth", "0-1"),
}
SATISFACTION = ("watch_s_per_person_day", "utility_per_view")
"""Vertical axes of the Pareto picture."""


class Cell(NamedTuple):
    """All worlds of one policy: what was simulated, its tables and metas, replicates in order."""

    scenario: Scenario
    frames: dict[str, pd.DataFrame]
    metas: list[dict[str, Any]]


def needed(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What a comparison needs of one replicate's tables: exposure summed over segments, a twentieth of the memory.

    With 25 policies and 30 replicates the full tables would be gigabytes; on the disk they are kept.
    """
    kept = {name: frames[name] for name in ("engagement", "campaigns", "reach", "facts")}
    keys = ["replicate", "branch", "arm", "day", "candidate", "stance"]
    sums = frames["exposure"].groupby(keys, observed=True, as_index=False)
    return kept | {"exposure": sums[["impressions", "comment_exposures"]].sum()}


def costs_of(facts: pd.DataFrame, replicates: list[int]) -> dict[str, np.ndarray]:
    """Every cost by replicate and arm, mean over luck branches.

    Args:
        facts: the table of one policy.
        replicates: order of the result.

    Returns:
        (R, 2) by name, arms as in `summary.ARMS`; NaN where a world has no such figure.
    """
    means = facts.astype({"arm": str, "name": str}).groupby(["name", "replicate", "arm"])["value"].mean()
    full = pd.MultiIndex.from_product([list(COSTS), replicates, ARMS])
    values = means.reindex(full).to_numpy(float).reshape(len(COSTS), len(replicates), len(ARMS))
    return dict(zip(COSTS, values, strict=True))


def _shown(
    values: np.ndarray, prefix: str = "", family: int = 1, bounds: tuple[float, float] = (-np.inf, np.inf),
    made: Callable[..., Interval] = interval,
) -> dict[str, float]:  # fmt: skip
    """Mean over replicates with its 95 % interval and, in a family of several, its Bonferroni interval, cut at bounds.

    Args:
        made: of values and a level: the interval.
    """
    t = made(values).within(*bounds)
    wide = made(values, 1 - LEVEL / max(1, family)).within(*bounds)
    return {
        f"{prefix}": t.mean, f"{prefix}_ci_low": t.low, f"{prefix}_ci_high": t.high,
        f"{prefix}_simultaneous_low": wide.low, f"{prefix}_simultaneous_high": wide.high,
    }  # fmt: skip


def direction(values: np.ndarray, p: float) -> str:
    """In words, after adjustment: "more", "less", "no difference shown", "the same", "one replicate" or "undefined"."""
    known = values[~np.isnan(values)]
    if not len(known):
        return "undefined"
    if not known.any():
        return "the same"
    if len(known) < 2:
        return "one replicate"
    if not p < LEVEL:
        return "no difference shown"
    return "more" if known.mean() > 0 else "less"


def summarise_comparison(
    scenario: Scenario, cells: Mapping[str, Cell], fingerprint: str, timing: dict[str, float], fixed: bool
) -> dict[str, Any]:
    """The content of ``compare.json``; NaN is None, policies in order of their rank.

    Args:
        scenario: as resolved; its own policy is the one all others are compared with.
        cells: worlds of every policy by name, the scenario's own among them; all with the same replicates.
        fingerprint: of the comparison.
        timing: seconds, impressions, memory.
        fixed: whether ranged parameters were held at their central values.
    """
    own = scenario.platform.policy
    replicates = sorted(m["replicate"] for m in cells[own].metas)
    names, promoted = [c.id for c in scenario.candidates], beneficiaries(scenario)
    branches = scenario.run.luck_branches
    counts = {p: Counts(c.frames["exposure"], names, replicates, branches) for p, c in cells.items()}
    shift = {p: c.shift_pp for p, c in counts.items()}
    costs = {p: costs_of(c.frames["facts"], replicates) for p, c in cells.items()}
    parts = {p: summarise(c.scenario, c.frames, c.metas, fingerprint, timing, None, fixed) for p, c in cells.items()}
    contrasts = _contrasts(shift, own, names, promoted)
    baselines = [p for p in sorted(cells) if not _card(p, scenario.platform)["profiled"]]
    rows = []
    for policy in cells:
        part = parts[policy]
        for k, row in enumerate(part["candidates"]):
            row |= contrasts[policy, row["id"]]
            row |= _chances(shift[policy][:, k], part["threshold_pp"])
            row["amplification"] = {
                b: _amplification(counts[policy], counts[b], k)._asdict() for b in baselines if b != policy
            }
            if row["beneficiary"]:
                row |= _yield(part, row, removed_campaigns(scenario))
        rows.append(
            {
                "policy": policy, "own": policy == own, **_card(policy, scenario.platform),
                **{k: part[k] for k in ("tv_distance", "tv_distance_ci_low", "tv_distance_ci_high", "js_divergence")},
                **{k: part[k] for k in ("undefined_replicates", "dose_ratio", "inauthentic_actions", "spend_eur")},
                "candidates": part["candidates"], "costs": _cost_rows(costs, policy, own),
            }
        )  # fmt: skip
    rows.sort(key=lambda r: (-_size(r, promoted[0]), r["policy"]))
    for rank, row in enumerate(rows, 1):
        row["rank"] = rank
    first = parts[own]
    kept = (
        "scenario", "fingerprint", "replicates", "seed", "people", "steps", "people_real", "luck_branches", "dose",
        "window_first_day", "window_last_day", "removed", "beneficiaries", "interval_covers", "exploratory", "threshold_pp",
    )  # fmt: skip
    return cleaned(
        {
            **{k: first[k] for k in kept},
            "own_policy": own, "policies": rows, "frontier": frontiers(rows, promoted),
            "simultaneous": {
                "level": 1 - LEVEL, "p_values": "Holm's step-down",
                "intervals": "Bonferroni: each at level 1 - 0.05 / family size",
                "family_shift": len(cells) * len(promoted), "family_difference": (len(cells) - 1) * len(promoted),
                "family_cost": len(cells) - 1,
            },
            "timing": timing,
        }
    )  # fmt: skip


def _contrasts(
    shift: dict[str, np.ndarray], own: str, names: list[str], promoted: list[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Difference to the scenario's own policy, and what is adjusted over policies and beneficiaries."""
    zero = {(p, n): x[:, k] for p, x in shift.items() for k, n in enumerate(names)}
    other = {(p, n): x - zero[own, n] for (p, n), x in zero.items()}
    shifts, differences = ([key for key in zero if key[1] in promoted and (all_ or key[0] != own)] for all_ in (1, 0))
    p_shift, p_other = adjusted({key: zero[key] for key in shifts}), adjusted({key: other[key] for key in differences})
    out = {}
    for key in zero:
        wide = _shown(zero[key], "shift", len(shifts), SHIFT_RANGE, further_interval)
        row: dict[str, Any] = {"p_value": metrics.p_value(zero[key]), "p_holm": p_shift.get(key)}
        row |= {k.removeprefix("shift_"): v for k, v in wide.items() if "simultaneous" in k and key[1] in promoted}
        row |= {
            k.replace("difference", "difference_pp", 1) if k == "difference" else k: v
            for k, v in _shown(other[key], "difference", len(differences)).items()
        }
        row |= {"difference_p_holm": p_other.get(key)}
        if key in p_other:
            row |= {"difference_verdict": direction(other[key], p_other[key])}
        out[key] = row
    return out


def adjusted(family: dict[Any, np.ndarray]) -> dict[Any, float]:
    """Holm-adjusted p-values of one family of paired differences, by key."""
    p = metrics.holm(np.array([metrics.p_value(values) for values in family.values()]))
    return dict(zip(family, p.tolist(), strict=True))


def _chances(values: np.ndarray, threshold: float) -> dict[str, float]:
    known = values[~np.isnan(values)]
    return {
        "chance_at_threshold": metrics.chance_at_least(values, threshold),
        "replicates_at_threshold": float((known >= threshold).mean()) if len(known) else float("nan"),
    }


def _amplification(policy: Counts, baseline: Counts, k: int) -> Ratio:
    """M6: share of a candidate under a policy over that under a baseline, both without campaigns, in the same worlds."""
    return fieller(policy.shares[:, :, 1, k].mean(axis=1), baseline.shares[:, :, 1, k].mean(axis=1))


def _yield(part: dict[str, Any], row: dict[str, Any], removed: list) -> dict[str, float | None]:
    """Excess impressions per counted inauthentic action and per euro of the campaigns for this candidate."""
    mine = [c.id for c in removed if c.beneficiary == row["id"]]
    actions = sum(part["inauthentic_actions"].get(name, 0.0) for name in mine)
    euro = spent_in_all(part["spend_eur"], mine)
    excess, nan = row["excess_impressions"], float("nan")
    return {
        "counted_actions": actions, "spend_eur": euro,
        "excess_per_action": excess / actions if actions else nan, "excess_per_euro": excess / euro if euro else nan,
    }  # fmt: skip


def _cost_rows(costs: dict[str, dict[str, np.ndarray]], policy: str, own: str) -> dict[str, dict[str, Any]]:
    """By cost: without the campaigns, against the scenario's own policy, and what the campaigns change."""
    out = {}
    for name in COSTS:
        without = {p: values[name][:, 1] for p, values in costs.items()}
        family = {p: x - without[own] for p, x in without.items() if p != own}
        difference = without[policy] - without[own]
        p = adjusted(family).get(policy, float("nan"))
        change = costs[policy][name][:, 0] - costs[policy][name][:, 1]
        row: dict[str, Any] = {}
        for key, values in (("without", without[policy]), ("difference", difference), ("change", change)):
            size = len(family) if key == "difference" else 1
            shown = _shown(values, key, size)
            row |= {k: v for k, v in shown.items() if size > 1 or "simultaneous" not in k}
        row |= {"difference_p_holm": p, "difference_verdict": "own" if policy == own else direction(difference, p)}
        out[name] = row
    return out


def _size(row: dict[str, Any], candidate: str) -> float:
    """Absolute shift of a candidate under a policy; 0 if undefined."""
    return abs(candidate_row(row, candidate)["shift_pp"] or 0.0)


def candidate_row(row: dict[str, Any], candidate: str) -> dict[str, Any]:
    """The numbers of one candidate under one policy."""
    return next(r for r in row["candidates"] if r["id"] == candidate)


def ranked(summary: dict[str, Any], candidate: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Policies with the numbers of one candidate, largest absolute shift first."""
    rows = [(p, candidate_row(p, candidate)) for p in summary["policies"]]
    return sorted(rows, key=lambda pair: (-_size(pair[0], candidate), pair[0]["policy"]))


def frontiers(rows: list[dict[str, Any]], promoted: list[str]) -> dict[str, dict[str, list[str]]]:
    """Policies that no other beats on both: a smaller absolute shift and more satisfaction; by mean values, where there are any.

    Returns:
        Names by beneficiary and measure of satisfaction, smallest shift first.
    """
    out: dict[str, dict[str, list[str]]] = {}
    for candidate in promoted:
        out[candidate] = {}
        for measure in SATISFACTION:
            known = [r for r in rows if candidate_row(r, candidate)["shift_pp"] is not None]
            points = [(r["policy"], _size(r, candidate), r["costs"][measure]["without"]) for r in known]
            points = [p for p in points if p[2] is not None and p[2] == p[2]]
            best = [
                p for p in points
                if not any(q[1] <= p[1] and q[2] >= p[2] and (q[1] < p[1] or q[2] > p[2]) for q in points)
            ]  # fmt: skip
            out[candidate][measure] = [p[0] for p in sorted(best, key=lambda p: (p[1], p[0]))]
    return out


def _card(policy: str, platform: Platform) -> dict[str, Any]:
    """What is known about a policy, from the registry; re-rankers of the scenario included."""
    from recsim.ranking.registry import configured

    found = configured(policy, platform.rerank, platform.rerank_top)
    return {
        "title": found.title, "profiled": found.profiled, "doors": list(found.open_doors), "evidence": found.evidence,
        "source": found.source,
    }  # fmt: skip
