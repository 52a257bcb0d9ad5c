"""From tables of simulated counts to the numbers of a run. The unit of analysis is the replicate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.metrics import interval
from recsim.scenario.schema import Scenario
from recsim.state import STANCES

ARMS = ("factual", "counterfactual")


class Counts:
    """Dense window counts: ``x`` (R, B, 2, C, 3) impressions by replicate, branch, arm, candidate and stance."""

    def __init__(self, exposure: pd.DataFrame, candidates: list[str], replicates: list[int], branches: int) -> None:
        self.candidates, self.replicates = candidates, replicates
        shape = (len(replicates), branches, len(ARMS), len(candidates), len(STANCES))
        self.x = np.zeros(shape)
        self.comments = np.zeros(shape[:-1])
        inside = exposure[exposure["arm"].isin(ARMS)]
        if len(inside):
            place = (
                pd.Index(replicates).get_indexer(pd.Index(inside["replicate"])), inside["branch"].to_numpy(),
                pd.Index(ARMS).get_indexer(pd.Index(inside["arm"].astype(str))),
                pd.Index(candidates).get_indexer(pd.Index(inside["candidate"].astype(str))),
                pd.Index(STANCES).get_indexer(pd.Index(inside["stance"].astype(str))),
            )  # fmt: skip
            np.add.at(self.x, place, inside["impressions"].to_numpy())
            np.add.at(self.comments, place[:-1], inside["comment_exposures"].to_numpy())

    @property
    def impressions(self) -> np.ndarray:
        """(R, B, 2, C) impressions of all stances."""
        return self.x.sum(axis=-1)

    @property
    def shares(self) -> np.ndarray:
        """(R, B, 2, C) exposure shares."""
        return metrics.shares(self.impressions)

    @property
    def shift_pp(self) -> np.ndarray:
        """(R, C) shift of each replicate, mean over luck branches."""
        p = self.shares
        return 100 * (p[:, :, 0] - p[:, :, 1]).mean(axis=1)

    @property
    def stance_shift_pp(self) -> np.ndarray:
        """(R, C, 3) parts of the shift by stance; they add up to the shift."""
        total = self.x.sum(axis=(-1, -2), keepdims=True)
        p = np.divide(self.x, total, out=np.full_like(self.x, np.nan), where=total > 0)
        return 100 * (p[:, :, 0] - p[:, :, 1]).mean(axis=1)


def removed_campaigns(scenario: Scenario) -> list:
    """Campaigns that the counterfactual is without."""
    return [c for c in scenario.campaigns if c.counterfactual != "kept"]


def beneficiaries(scenario: Scenario) -> list[str]:
    """Candidates promoted by removed campaigns, in the order of the scenario's candidates."""
    promoted = {c.beneficiary for c in removed_campaigns(scenario)}
    return [c.id for c in scenario.candidates if c.id in promoted]


def summarise(
    scenario: Scenario, frames: dict[str, pd.DataFrame], metas: list[dict], fingerprint: str, timing: dict,
    robustness: pd.DataFrame | None, fixed_parameters: bool,
) -> dict[str, Any]:  # fmt: skip
    """The content of ``summary.json``; NaN is None."""
    weight = 1.0 / scenario.population.scale
    candidates = [c.id for c in scenario.candidates]
    replicates = sorted(m["replicate"] for m in metas)
    counts = Counts(frames["exposure"], candidates, replicates, scenario.run.luck_branches)
    shift, stances = counts.shift_pp, counts.stance_shift_pp
    p, x = counts.shares.mean(axis=1), counts.impressions.mean(axis=1)
    band = metrics.luck_band(counts.shares[:, :, 1])
    reach = _reach(frames["reach"], candidates, replicates, scenario.run.luck_branches)
    people = metas[0]["people"]
    threshold = scenario.audit.threshold_pp.value
    promoted = beneficiaries(scenario)
    rows = []
    for k, name in enumerate(candidates):
        t = interval(shift[:, k])
        parts = {f"shift_{s}_pp": float(stances[:, k, n].mean()) for n, s in enumerate(STANCES)}
        rows.append(
            {
                "id": name, "share_factual": p[:, 0, k].mean(), "share_counterfactual": p[:, 1, k].mean(),
                "shift_pp": t.mean, "ci_low": t.low, "ci_high": t.high, "luck_band_pp": band[k], "sd_worlds": t.sd,
                "impressions_factual": x[:, 0, k].mean() * weight,
                "impressions_counterfactual": x[:, 1, k].mean() * weight,
                "excess_impressions": (x[:, 0, k] - x[:, 1, k]).mean() * weight,
                "reach_factual": reach[:, 0, k].mean(), "reach_counterfactual": reach[:, 1, k].mean(),
                "frequency_factual": _ratio(x[:, 0, k].mean(), reach[:, 0, k].mean() * people),
                "frequency_counterfactual": _ratio(x[:, 1, k].mean(), reach[:, 1, k].mean() * people),
                "comment_exposures_factual": counts.comments[:, :, 0, k].mean() * weight,
                "comment_exposures_counterfactual": counts.comments[:, :, 1, k].mean() * weight,
                "prediction_low": t.next_low, "prediction_high": t.next_high, **parts,
                "beneficiary": name in promoted, "verdict": metrics.verdict(shift[:, k], threshold),
            }
        )  # fmt: skip
    tv = interval(metrics.total_variation(counts.shares[:, :, 0], counts.shares[:, :, 1]).mean(axis=1))
    naive = naive_before_after(frames["exposure"], candidates, replicates, metas[0]["fork_day"])
    removed = removed_campaigns(scenario)
    summary = {
        "scenario": scenario.name, "fingerprint": fingerprint, "policy": scenario.platform.policy,
        "replicates": len(replicates), "seed": scenario.run.seed, "people": people, "steps": metas[0]["steps"],
        "people_real": scenario.population.people.value, "luck_branches": scenario.run.luck_branches,
        "dose": scenario.dose.value, "window_first_day": metas[0]["fork_day"], "window_last_day": 0,
        "removed": [{"id": c.id, "beneficiary": c.beneficiary, "instead": c.counterfactual} for c in removed],
        "beneficiaries": promoted, "interval_covers": "luck" if fixed_parameters else "luck and declared ranges",
        "exploratory": len(replicates) < 30, "threshold_pp": threshold,
        "candidates": rows, "tv_distance": tv.mean, "tv_distance_ci_low": tv.low, "tv_distance_ci_high": tv.high,
        "naive_before_after": naive, "dose_ratio": dose_ratio(frames["engagement"], metas, promoted),
        "inauthentic_actions": _actions(frames["campaigns"], len(replicates), scenario) ,
        "spend_eur": spend(frames, scenario, len(replicates)),
        "robustness": robustness_range(robustness, promoted),
        "facts": facts_table(frames["facts"]), "timing": timing,
    }  # fmt: skip
    return _clean(summary)


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")


def _reach(frame: pd.DataFrame, candidates: list[str], replicates: list[int], branches: int) -> np.ndarray:
    """(R, 2, C) share of people reached, mean over branches."""
    out = np.full((len(replicates), len(ARMS), len(candidates)), np.nan)
    if not len(frame):
        return out
    keys = ["replicate", "branch", "arm", "candidate"]
    sums = frame.astype({"arm": str}).groupby(keys)[["people_reached", "people"]].sum()
    share = (sums["people_reached"] / sums["people"]).groupby(["replicate", "arm", "candidate"]).mean()
    table = share.rename("value").reset_index()
    place = (
        pd.Index(replicates).get_indexer(pd.Index(table["replicate"])),
        pd.Index(ARMS).get_indexer(pd.Index(table["arm"])),
        pd.Index(candidates).get_indexer(pd.Index(table["candidate"])),
    )
    out[place] = table["value"].to_numpy()
    return out


def naive_before_after(
    exposure: pd.DataFrame, candidates: list[str], replicates: list[int], first: int
) -> dict[str, float]:
    """What an outsider without a counterfactual would estimate: window share minus the share of the span before."""
    length = 1 - first
    before = exposure[(exposure["arm"] == "shared") & (exposure["day"] >= first - length)]
    after = exposure[exposure["arm"] == "factual"]
    if not len(before) or not len(after):
        return dict.fromkeys(candidates, float("nan"))

    def share(frame: pd.DataFrame) -> pd.DataFrame:
        table = frame.groupby(["replicate", "candidate"], observed=False)["impressions"].sum().unstack(fill_value=0)
        table = table.reindex(index=replicates, columns=candidates, fill_value=0)
        return pd.DataFrame(metrics.shares(table.to_numpy()), table.index, table.columns)

    change = 100 * (share(after) - share(before))
    return {name: float(change[name].mean()) for name in candidates}


def dose_ratio(engagement: pd.DataFrame, metas: list[dict], promoted: list[str]) -> float:
    """Inauthentic actions per organic action (like, comment, share) on the beneficiaries' items in the window."""
    fake = np.mean([np.mean([n for k, n in m["own_actions"].items() if k.startswith("factual")] or [0]) for m in metas])
    organic = engagement[
        (engagement["arm"] == "counterfactual") & engagement["candidate"].isin(promoted)
        & (engagement["origin"] == "human") & engagement["action"].isin(["like", "comment", "share"])
    ]  # fmt: skip
    arms = max(1, organic[["replicate", "branch"]].drop_duplicates().shape[0])
    total = organic["count"].sum() / arms
    return float(fake / total) if total else float("nan")


def _actions(campaigns: pd.DataFrame, replicates: int, scenario: Scenario) -> dict[str, float]:
    """Counted actions by campaign over the whole run in the factual world, real units."""
    inside = campaigns[campaigns["arm"].astype(str) == "factual"]
    per_branch = inside.groupby("campaign")["counted"].sum() / (replicates * scenario.run.luck_branches)
    return {str(k): float(v / scenario.population.scale) for k, v in per_branch.items()}


def spend(frames: dict[str, pd.DataFrame], scenario: Scenario, replicates: int) -> dict[str, float]:
    """Euro by campaign: accounts, actions and paid posts."""
    dose = scenario.dose.value
    inside = frames["campaigns"][frames["campaigns"]["arm"].astype(str) == "factual"]
    actions = inside.groupby("campaign")["spend_eur"].sum() / (replicates * scenario.run.luck_branches)
    out = {}
    for c in removed_campaigns(scenario):
        total = float(actions.get(c.id, 0.0))
        if c.type == "bot_network":
            total += c.accounts.value * dose * c.costs.account.value
        if c.type == "paid_influencers":
            posts = c.influencers.value * dose * c.posts_per_influencer.value
            total += posts * c.followers_mean.value * c.costs.per_follower.value
        if c.type == "purchased_engagement":
            total += c.follows.value * dose * c.costs.follow.value
        out[c.id] = total
    return out


def facts_table(facts: pd.DataFrame) -> dict[str, float]:
    """Platform facts of the shared days, mean over replicates."""
    shared = facts[facts["arm"].astype(str) == "shared"]
    return {str(k): float(v) for k, v in shared.groupby("name")["value"].mean().items()}


def robustness_range(frame: pd.DataFrame | None, promoted: list[str]) -> dict[str, Any]:
    """Smallest and largest mean shift of each beneficiary over the cells of the table."""
    if frame is None or not len(frame):
        return {}
    out: dict[str, Any] = {"cells": len(frame[["gates", "prior_events", "head_weights"]].drop_duplicates())}
    for name in promoted:
        mine = frame[frame["candidate"] == name]["shift_pp"]
        out[name] = {"lowest_shift_pp": float(mine.min()), "highest_shift_pp": float(mine.max())}
    return out


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, np.integer | int):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None
