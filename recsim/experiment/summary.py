"""From tables of simulated counts to the numbers of a run. The unit of analysis is the replicate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.experiment.opinion import opinion_summary
from recsim.metrics import interval, shift_interval
from recsim.scenario.realise import realise
from recsim.scenario.schema import Scenario
from recsim.state import STANCES

ARMS = ("factual", "counterfactual")
ENOUGH = 30
"""Replicates from which a claim is more than exploratory."""


def with_a_share(s: Mapping[str, Any]) -> int:
    """Replicates of a summary on which its shifts rest: those in which every world has content about candidates."""
    return int(s["replicates"]) - int(s.get("undefined_replicates", 0))


def places(column: pd.Series, names: Sequence[Any]) -> np.ndarray:
    """(N,) where each value stands in a list of names, -1 where it does not; the names of a category are looked up once."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        among = pd.Index(list(names)).get_indexer(pd.Index(column.cat.categories))
        codes = column.cat.codes.to_numpy()
        return np.where(codes >= 0, among[codes], -1) if len(among) else np.full(len(column), -1)
    return pd.Index(list(names)).get_indexer(pd.Index(column))


class Counts:
    """Dense counts of the campaign window, simulated units.

    Attributes:
        x: (R, B, 2, C, 3) impressions by replicate, branch, arm, candidate and stance.
        comments: (R, B, 2, C) comment exposures.

    Raises:
        ValueError: the table names a candidate that is not among ``candidates`` (shares would be wrong without it).
    """

    def __init__(self, exposure: pd.DataFrame, candidates: list[str], replicates: list[int], branches: int) -> None:
        self.candidates, self.replicates = candidates, replicates
        shape = (len(replicates), branches, len(ARMS), len(candidates), len(STANCES))
        names: tuple[tuple[str, Sequence[Any]], ...] = (
            ("replicate", replicates), ("branch", range(branches)), ("arm", ARMS), ("candidate", candidates), ("stance", STANCES),
        )  # fmt: skip
        place = [places(exposure[column], known) for column, known in names]
        inside = place[2] >= 0
        if (inside & (place[3] < 0)).any():
            raise ValueError("the table names candidates that are not among those asked for")
        inside &= np.all([index >= 0 for index in place], axis=0)
        flat = np.ravel_multi_index([index[inside] for index in place], shape)
        size = int(np.prod(shape))
        self.x, self.comments = (
            np.bincount(flat, exposure[column].to_numpy(float)[inside], size).reshape(shape).astype(float)
            for column in ("impressions", "comment_exposures")
        )
        self.comments = self.comments.sum(axis=-1)

    @property
    def impressions(self) -> np.ndarray:
        """(R, B, 2, C) impressions of all stances."""
        return self.x.sum(axis=-1)

    @property
    def shares(self) -> np.ndarray:
        """(R, B, 2, C) exposure shares."""
        return metrics.shares(self.impressions)

    @property
    def paired_shares(self) -> np.ndarray:
        """(R, 2, C) exposure shares, mean over luck branches; NaN where the shift is, so that both arms are of the same replicates."""
        p = self.shares.mean(axis=1)
        return np.where(np.isnan(p).any(axis=(1, 2), keepdims=True), np.nan, p)

    @property
    def shift_pp(self) -> np.ndarray:
        """(R, C) shift of each replicate, mean over luck branches; NaN if any branch showed no candidate content."""
        p = self.shares
        return 100 * (p[:, :, 0] - p[:, :, 1]).mean(axis=1)

    @property
    def stance_shares(self) -> np.ndarray:
        """(R, B, 2, C, 3) parts of the exposure shares by stance; they add up to the shares."""
        total = self.x.sum(axis=(-1, -2), keepdims=True)
        return np.divide(self.x, total, out=np.full_like(self.x, np.nan), where=total > 0)

    @property
    def stance_shift_pp(self) -> np.ndarray:
        """(R, C, 3) parts of the shift by stance; they add up to the shift."""
        p = self.stance_shares
        return 100 * (p[:, :, 0] - p[:, :, 1]).mean(axis=1)


def removed_campaigns(scenario: Scenario) -> list:
    """Campaigns that the counterfactual is without."""
    return [c for c in scenario.campaigns if c.counterfactual != "kept"]


def window_start(scenario: Scenario, none: int = 1) -> int:
    """First day of the campaign window, relative to the vote; ``none`` if no campaign is removed in the counterfactual."""
    return min((c.start for c in removed_campaigns(scenario)), default=none)


ALL_COVERED = "luck and declared ranges"
CALIBRATED_COVERED = "luck and calibrated parameter sets"


def covered(scenario: Scenario, fixed_parameters: bool, drawn: str = ALL_COVERED) -> str:
    """What differs between the replicates of a scenario, and so what an interval over them covers.

    Args:
        fixed_parameters: whether ranged parameters are held; the parameter sets of a calibration are taken all the same.
        drawn: the words for ranges that are drawn.
    """
    if not fixed_parameters:
        return drawn
    return "luck" if scenario.run.ensemble is None else CALIBRATED_COVERED


def beneficiaries(scenario: Scenario) -> list[str]:
    """Candidates promoted by removed campaigns, in the order of the scenario's candidates."""
    promoted = {c.beneficiary for c in removed_campaigns(scenario)}
    return [c.id for c in scenario.candidates if c.id in promoted]


def summarise(
    scenario: Scenario, frames: dict[str, pd.DataFrame], metas: list[dict], fingerprint: str, timing: dict,
    robustness: pd.DataFrame | None, fixed_parameters: bool,
) -> dict[str, Any]:  # fmt: skip
    """The content of ``summary.json``; NaN is None, order of keys fixed.

    Counts are real units (simulated ones over ``population.scale``), shares and reach fractions, shifts percentage
    points. Means are over luck branches, then over replicates; intervals are over replicates. A replicate without any
    candidate content in some branch is left out of shares and shifts and counted in ``undefined_replicates``.

    Args:
        scenario: as resolved, not realised.
        frames: tables of simulated counts, all replicates.
        metas: one per replicate.
        fingerprint: of the run.
        timing: seconds, impressions, memory.
        robustness: table of other platform assumptions, or None.
        fixed_parameters: whether ranged parameters were held at their central values.
    """
    weight = 1.0 / scenario.population.scale
    candidates = [c.id for c in scenario.candidates]
    replicates = sorted(m["replicate"] for m in metas)
    branches = scenario.run.luck_branches
    counts = Counts(frames["exposure"], candidates, replicates, branches)
    shift = counts.shift_pp
    undefined = int(np.isnan(shift).any(axis=1).sum())
    promoted = beneficiaries(scenario)
    first = metas[0]["fork_day"]
    naive = naive_change(frames["exposure"], candidates, replicates, first)
    tv = interval(metrics.total_variation(counts.shares[:, :, 0], counts.shares[:, :, 1]).mean(axis=1)).within(0, 1)
    removed = removed_campaigns(scenario)
    threshold = scenario.audit.threshold_pp.value
    summary = {
        "scenario": scenario.name, "fingerprint": fingerprint, "policy": scenario.platform.policy,
        "replicates": len(replicates), "seed": scenario.run.seed, "people": metas[0]["people"],
        "steps": metas[0]["steps"], "people_real": scenario.population.people.value, "luck_branches": branches,
        "dose": scenario.dose.value, "window_first_day": first, "window_last_day": 0,
        "removed": [{"id": c.id, "beneficiary": c.beneficiary, "instead": c.counterfactual} for c in removed],
        "beneficiaries": promoted, "interval_covers": covered(scenario, fixed_parameters),
        "exploratory": len(replicates) - undefined < ENOUGH, "undefined_replicates": undefined,
        "threshold_pp": threshold,
        "candidates": _candidate_rows(counts, frames, naive, promoted, weight, threshold),
        "tv_distance": tv.mean, "tv_distance_ci_low": tv.low, "tv_distance_ci_high": tv.high,
        "js_divergence": interval(_divergence(counts)).mean,
        "naive_before_after": naive_before_after(frames["exposure"], candidates, replicates, first),
        "dose_ratio": dose_ratio(frames["engagement"], promoted),
        "inauthentic_actions": _actions(frames["campaigns"], len(replicates), scenario),
        "spend_eur": spend(frames, scenario, replicates, fixed_parameters),
        "robustness": robustness_range(robustness, promoted),
        "facts": facts_table(frames["facts"]), "opinion": opinion_summary(scenario, frames, replicates),
        "timing": timing,
    }  # fmt: skip
    return cleaned(summary)


def _candidate_rows(
    counts: Counts, frames: dict[str, pd.DataFrame], naive: np.ndarray, promoted: list[str], weight: float,
    threshold: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """One row per candidate, in the order of the scenario."""
    shift, stances = counts.shift_pp, counts.stance_shift_pp
    x, comments = counts.impressions.mean(axis=1), counts.comments.mean(axis=1)
    p = counts.paired_shares
    band = metrics.luck_band(counts.shares[:, :, 1])
    of_branches, people = _reached(frames["reach"], counts)
    reached = metrics.defined_mean(of_branches, axis=1)
    seen = np.divide(
        counts.impressions, of_branches, out=np.full_like(of_branches, np.nan), where=of_branches > 0
    ).mean(axis=1)
    rows = []
    for k, name in enumerate(counts.candidates):
        t, more = shift_interval(shift[:, k]), interval(x[:, 0, k] - x[:, 1, k])
        off = interval(naive[:, k] - shift[:, k]).within(-200, 200)  # a difference of two shifts
        row: dict[str, Any] = {
            "id": name, "share_factual": metrics.defined_mean(p[:, 0, k]),
            "share_counterfactual": metrics.defined_mean(p[:, 1, k]),
            "shift_pp": t.mean, "ci_low": t.low, "ci_high": t.high, "luck_band_pp": band[k], "sd_worlds": t.sd,
            "impressions_factual": x[:, 0, k].mean() * weight,
            "impressions_counterfactual": x[:, 1, k].mean() * weight,
            "excess_impressions": more.mean * weight,
            "excess_ci_low": more.low * weight, "excess_ci_high": more.high * weight,
        }  # fmt: skip
        for a, arm in enumerate(ARMS):
            row[f"reach_{arm}"] = metrics.defined_mean(reached[:, a, k] / people)
        for a, arm in enumerate(ARMS):
            row[f"frequency_{arm}"] = metrics.defined_mean(seen[:, a, k])
        for a, arm in enumerate(ARMS):
            row[f"comment_exposures_{arm}"] = comments[:, a, k].mean() * weight
        row |= {"prediction_low": t.next_low, "prediction_high": t.next_high}
        within = shift_interval(shift[:, k], 0.90)
        row |= {"equivalence_low": within.low, "equivalence_high": within.high}
        row |= {f"shift_{s}_pp": metrics.defined_mean(stances[:, k, n]) for n, s in enumerate(STANCES)}
        row |= {
            "naive_pp": metrics.defined_mean(naive[:, k]), "naive_error_pp": off.mean,
            "naive_error_ci_low": off.low, "naive_error_ci_high": off.high, "beneficiary": name in promoted,
            "dose_ratio": dose_ratio(frames["engagement"], [name]) if name in promoted else None,
            "verdict": metrics.verdict(shift[:, k], threshold),
        }  # fmt: skip
        rows.append(row)
    return rows


def _divergence(counts: Counts) -> np.ndarray:
    """(R,) Jensen-Shannon divergence between the arms' shares, mean over luck branches, bits."""
    return metrics.js_divergence(counts.shares[:, :, 0], counts.shares[:, :, 1]).mean(axis=1)


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b else float("nan")


def _reached(frame: pd.DataFrame, counts: Counts) -> tuple[np.ndarray, float]:
    """(R, B, 2, C) simulated people reached in the window, NaN where nobody says; and how many people there are."""
    shape = counts.impressions.shape
    if not len(frame):
        return np.full(shape, np.nan), float("nan")
    frame = frame.astype({"arm": str, "candidate": str})
    keys = ["replicate", "branch", "arm", "candidate"]
    sums = frame.groupby(keys)[["people_reached", "people"]].sum()
    full = pd.MultiIndex.from_product([counts.replicates, range(shape[1]), ARMS, counts.candidates], names=keys)
    return sums["people_reached"].reindex(full).to_numpy(float).reshape(shape), float(sums["people"].mean())


def naive_change(exposure: pd.DataFrame, candidates: list[str], replicates: list[int], first: int) -> np.ndarray:
    """What an outsider without a counterfactual would estimate, percentage points.

    100 (factual share in the window - share in the equally long span before it, as far as it was simulated).

    Args:
        exposure: the table, all arms.
        candidates, replicates: order of the result.
        first: first day of the window, relative to the vote.

    Returns:
        (R, C), luck branches pooled; NaN where nothing was shown before or in the window.
    """
    before = exposure[(exposure["arm"] == "shared") & (exposure["day"] >= first - (1 - first))]
    after = exposure[exposure["arm"] == "factual"]

    def share(frame: pd.DataFrame) -> np.ndarray:
        sums = frame.astype({"candidate": str}).groupby(["replicate", "candidate"])["impressions"].sum()
        wide = sums.unstack(fill_value=0).reindex(index=replicates, columns=candidates, fill_value=0)
        return metrics.shares(wide.to_numpy(float))

    return 100 * (share(after) - share(before))


def naive_before_after(
    exposure: pd.DataFrame, candidates: list[str], replicates: list[int], first: int
) -> dict[str, float]:
    """`naive_change` by candidate, mean over replicates."""
    change = metrics.defined_mean(naive_change(exposure, candidates, replicates, first), axis=0)
    return dict(zip(candidates, change.tolist(), strict=True))


ENGAGEMENT = ("like", "comment", "share")


def dose_ratio(engagement: pd.DataFrame, promoted: list[str]) -> float:
    """Inauthentic actions per organic action (like, comment, share) on the beneficiaries' items in the window.

    Numerator: factual world; denominator: counterfactual world, where people (volunteers among them) act alone.
    NaN without organic actions.
    """
    inside = engagement[engagement["candidate"].isin(promoted) & engagement["action"].isin(ENGAGEMENT)]
    fake = inside[(inside["arm"] == "factual") & (inside["origin"] == "inauthentic")]["count"].sum()
    organic = inside[(inside["arm"] == "counterfactual") & (inside["origin"] != "inauthentic")]["count"].sum()
    # Both arms have the same replicates and branches, so sums divide like means.
    return _ratio(float(fake), float(organic))


def without_ads(campaigns: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table of campaigns that are about actions: impressions of advertisements are none."""
    return campaigns[campaigns["tactic"].astype(str) != "ad"]


def _actions(campaigns: pd.DataFrame, replicates: int, scenario: Scenario) -> dict[str, float]:
    """Counted actions by campaign over the whole run in the factual world, real units; impressions of ads are none."""
    inside = without_ads(campaigns[campaigns["arm"].astype(str) == "factual"])
    per_branch = inside.groupby("campaign")["counted"].sum() / (replicates * scenario.run.luck_branches)
    return {str(k): float(v / scenario.population.scale) for k, v in per_branch.items()}


OF_AUTHORS = {"paid_influencers": ("per_follower",), "impersonation": ("account",)}
"""Prices that campaigns pay whose accounts do not act on items, by type."""


def priced(campaign: Any) -> bool:
    """Whether a price of what a campaign pays for is declared: one is above 0 (0 is the default), or it is of advertisements.

    Accounts are paid for by networks and impersonators, not by who buys likes and follows.
    """
    actions = type(campaign.costs).model_fields.keys() - {"account", "per_follower"}
    paid_for = OF_AUTHORS.get(campaign.type, actions | ({"account"} if campaign.type == "bot_network" else set()))
    return campaign.type == "advertising" or any(getattr(campaign.costs, name).value > 0 for name in paid_for)


def spend(
    frames: dict[str, pd.DataFrame], scenario: Scenario, replicates: Sequence[int], fixed: bool
) -> dict[str, float | None]:
    """Euro by removed campaign: accounts, actions and paid posts, mean over replicates; None where no price is declared.

    Actions, bought follows and accounts that replace removed ones are paid for as they come, in the table of campaigns;
    what is paid before anything happens follows from the numbers that each replicate drew.

    Args:
        frames: tables of all replicates.
        scenario: as resolved, not realised.
        replicates: their numbers.
        fixed: whether ranged parameters were held at their central values.
    """
    inside = frames["campaigns"][frames["campaigns"]["arm"].astype(str) == "factual"]
    actions = inside.groupby("campaign")["spend_eur"].sum() / (len(replicates) * scenario.run.luck_branches)
    before: dict[str, list[float]] = {}
    for replicate in replicates:
        drawn = realise(scenario, scenario.run.seed, replicate, fixed)
        for c in drawn.campaigns:
            before.setdefault(c.id, []).append(paid_before(c, drawn.dose.value * c.dose.value))
    out: dict[str, float | None] = {}
    for c in removed_campaigns(scenario):
        total = float(actions.get(c.id, 0.0)) + math.fsum(before[c.id]) / len(replicates)
        out[c.id] = total if total or priced(c) else None
    return out


def paid_before(c: Any, dose: float) -> float:
    """Euro for what a campaign has before it acts, at a dose: accounts, and the fees of paid posts."""
    if c.type == "bot_network":
        return float(c.affordable(dose) * c.costs.account.value)
    if c.type == "impersonation":
        return float(c.made * dose * c.costs.account.value)
    if c.type == "paid_influencers":
        posts = c.influencers.value * dose * c.posts_per_influencer.value
        return float(posts * c.followers_mean.value * c.costs.per_follower.value)
    return 0.0


def spent_in_all(found: Mapping[str, float | None], names: Sequence[str] | None = None) -> float | None:
    """Euro of all campaigns, or of those named, as far as prices are declared; None if none is."""
    declared = [euro for name, euro in found.items() if euro is not None and (names is None or name in names)]
    return float(sum(declared)) if declared else None


def facts_table(facts: pd.DataFrame) -> dict[str, float]:
    """Platform facts of the shared days, mean over replicates."""
    shared = facts[facts["arm"].astype(str) == "shared"]
    return {str(k): float(v) for k, v in shared.groupby("name")["value"].mean().items()}


def robustness_range(frame: pd.DataFrame | None, promoted: list[str]) -> dict[str, Any]:
    """Smallest and largest mean shift of each beneficiary over the cells with other assumptions than the declared ones.

    Beside them, as ``declared_shift_pp``, what the declared ones give at the same size; absent in tables of earlier
    versions, which have no such cell.
    """
    if frame is None:
        return {}
    own = frame["declared"].astype(bool) if "declared" in frame else pd.Series(False, index=frame.index)
    others = frame[~own]
    if not len(others):
        return {}
    out: dict[str, Any] = {"cells": len(others[["gates", "prior_events", "head_weights"]].drop_duplicates())}
    for name in promoted:
        mine = others[others["candidate"] == name]["shift_pp"]
        out[name] = {"lowest_shift_pp": float(mine.min()), "highest_shift_pp": float(mine.max())}
        for shift in frame[own & (frame["candidate"] == name)]["shift_pp"]:
            out[name]["declared_shift_pp"] = float(shift)
    return out


def cleaned(value: Any) -> Any:
    """Plain Python numbers for JSON; NaN and infinity become None."""
    if isinstance(value, dict):
        return {k: cleaned(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, np.integer | int):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None
