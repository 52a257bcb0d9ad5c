"""How the shift grows with a campaign: slope, threshold, saturation, impressions per euro."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsim.errors import InputError, unknown
from recsim.experiment.attribution import spread
from recsim.experiment.dose_curve import RATIO_HIGH, RATIO_LOW, crossing, doublings, saturation, slope
from recsim.experiment.run import configured
from recsim.experiment.sets import Answer, Question, WorldSet, answer, chosen_candidate, without_table
from recsim.experiment.summary import removed_campaigns, without_ads
from recsim.experiment.tasks import Progress, Session, Simulate
from recsim.experiment.worlds import Worlds
from recsim.metrics import interval, shift_interval
from recsim.scenario.in_use import most
from recsim.scenario.schema import Scenario
from recsim.world.arms import Arm

ALL = "all"
"""In the place of a campaign's name: all campaigns that the counterfactual removes, by one multiplier."""


def doses_of(first: float, last: float, points: int) -> list[float]:
    """Multipliers, ascending: evenly spaced logarithms; from 0: zero, and doublings down from the last.

    Raises:
        InputError: a bad range, or one too narrow for so many points.
    """
    doses = _spaced(first, last, points)
    if len({arm_name(dose) for dose in doses}) < len(doses):
        raise InputError(
            f"got {points} between {first:g} and {last:g}, which lie too close together; take fewer", "--points"
        )
    return doses


def _spaced(first: float, last: float, points: int) -> list[float]:
    for name, value in (("--from", first), ("--to", last)):
        if not math.isfinite(value) or value < 0:
            raise InputError(f"got {value:g}, must be at least 0", name)
    if last <= first:
        raise InputError(f"got {last:g}, must be above --from ({first:g})", "--to")
    least = 3 if first == 0 else 2
    if points < least:
        raise InputError(f"got {points}, must be at least {least}", "--points")
    if first == 0:
        return [0.0, *(last * 2.0**-k for k in range(points - 2, -1, -1))]
    step = math.log(last / first) / (points - 1)
    return [*(first * math.exp(step * k) for k in range(points - 1)), last]


def dosed(scenario: Scenario, campaign: str, multiplier: float) -> Scenario:
    """The scenario with one campaign (or, with `ALL`, every inauthentic one) multiplied in size, in all its parameter sets."""
    if scenario.run.ensemble is not None:
        key = "dose" if campaign == ALL else f"campaigns.{campaign}.dose"
        members = [{k: v * multiplier if k == key else v for k, v in m.items()} for m in scenario.run.ensemble.members]
        ensemble = scenario.run.ensemble.model_copy(update={"members": members})
        scenario = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": ensemble})})
    if campaign == ALL:
        return scenario.model_copy(update={"dose": scenario.dose.times(multiplier)})
    changed = [
        c.model_copy(update={"dose": c.dose.times(multiplier)}) if c.id == campaign else c for c in scenario.campaigns
    ]
    return scenario.model_copy(update={"campaigns": changed})


def arm_name(multiplier: float) -> str:
    """Name of a point's arm."""
    return f"x{multiplier:.6g}"


def needs_its_own_counterfactual(scenario: Scenario, campaign: str, multiplier: float) -> bool:
    """Whether a dose brings people into the world without campaigns, too: authentic accounts, which post ordinary things there.

    Up to dose 1 they are those that the scenario declares, whatever the dose. The largest dose of any replicate counts.
    """
    dose = multiplier * most(scenario, "dose", scenario.dose)
    return any(
        dose * most(scenario, f"campaigns.{c.id}.dose", c.dose) > 1
        for c in removed_campaigns(scenario)
        if c.counterfactual == "ordinary" and campaign in (ALL, c.id)
    )


def question_of(
    scenario: Scenario, campaign: str = ALL, first: float = 0.0, last: float = 4.0, points: int = 9,
    candidate: str | None = None, others: bool = False,
) -> Question:  # fmt: skip
    """The worlds that a dose-response needs.

    Args:
        scenario: as resolved.
        campaign: id of a removed campaign, or `ALL`.
        first, last, points: of the multipliers, as of `doses_of`.
        candidate: whose shift is reported; None: the campaign's beneficiary.
        others: whether the other campaigns act, too, in both worlds; else none does.

    Raises:
        InputError: a bad setting, or no campaign is removed in the counterfactual.
    """
    removed = removed_campaigns(scenario)
    names = [c.id for c in removed]
    chosen = chosen_candidate(scenario, candidate)
    if campaign != ALL:
        if campaign not in names:
            raise unknown("campaign", campaign, [*names, ALL], "--campaign")
        if candidate is None:
            chosen = next(c.beneficiary for c in removed if c.id == campaign)
    doses = doses_of(first, last, points)
    acting = frozenset(names) if campaign == ALL or others else frozenset({campaign})
    without = frozenset(names) - {campaign} if others and campaign != ALL else frozenset()
    small = without_table(scenario)
    sets, against = [], {}
    # A dose of zero is the counterfactual, bit for bit; that one is simulated once, with the largest dose that shares it.
    acts = [dose for dose in doses if dose > 0]
    shared = [dose for dose in acts if not needs_its_own_counterfactual(scenario, campaign, dose)]
    for dose in acts:
        name = arm_name(dose)
        arms = [Arm(name, campaigns=acting)]
        if dose not in shared:
            against[name] = against[f"counterfactual-{name}"] = f"counterfactual-{name}"
            arms.append(Arm(against[name], campaigns=without))
        elif dose == shared[-1]:
            arms.append(Arm("counterfactual", campaigns=without))
        sets.append(WorldSet(f"dose-{name}", dosed(small, campaign, dose), tuple(arms)))
    settings = {"campaign": campaign, "doses": doses, "others": others}
    return Question("dose", scenario, tuple(sets), settings, chosen, _summarise, against=against)


def dose_response(
    scenario: Scenario, *, campaign: str = ALL, first: float = 0.0, last: float = 4.0, points: int = 9,
    candidate: str | None = None, others: bool = False, replicates: int | None = None, seed: int | None = None,
    out: str | Path | None = None, workers: int | None = None, threads: int | None = None,
    fixed_parameters: bool = False, resume: bool = False, force: bool = False, progress: Progress | None = None,
    store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
) -> Answer:  # fmt: skip
    """Simulate the same worlds at several doses of a campaign.

    Args:
        scenario: from `recsim.load`.
        campaign: id of a removed campaign whose accounts are multiplied; "all": all removed ones.
        first, last: lowest and highest multiplier, at least 0 (first = 0: none act, then doublings down from ``last``).
        points: number of multipliers, 2 or more, evenly spaced on a logarithmic scale.
        candidate: id of the candidate whose shift is reported; None: the beneficiary of the campaign, or of most campaigns.
        others: whether the other removed campaigns act, too, in both worlds; otherwise none of them does.
        replicates, seed: override the scenario's.
        out: directory itself; default ``runs/dose-<name>-<fingerprint>``.
        workers, threads, fixed_parameters, resume, force, progress, store, simulate, cluster: as in `recsim.attribute`.

    Returns:
        An `Answer`. ``frames["dose"]`` has one row per multiplier: ``dose``, ``dose_ratio`` (inauthentic actions per organic
        one), ``shift_pp`` (percentage points) with ``ci_low``, ``ci_high``, ``excess_impressions`` (real units), spending;
        ``summary`` has slope, steepest place, the dose at the threshold and saturation. ``frames["by_replicate"]`` as of
        `recsim.attribute`.

    Source: docs/attribution.md, "Dose".

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    session = Session(simulate, fixed_parameters, workers, threads, progress, cluster)
    scenario = configured(scenario, replicates, seed, None)
    question = question_of(scenario, campaign, first, last, points, candidate, others)
    return answer(question, session, out, resume, force, store)


def _summarise(question: Question, worlds: Worlds) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    k = worlds.candidates.index(question.candidate)
    doses = question.settings["doses"]
    shift = np.column_stack([_of(worlds, "shift", dose)[:, k] for dose in doses])
    excess = np.column_stack([_of(worlds, "excess", dose)[:, k] for dose in doses])
    rows = [_row(question, worlds, dose, shift[:, n], excess[:, n]) for n, dose in enumerate(doses)]
    for n, row in enumerate(rows):
        before = rows[n - 1] if n else {"spend_eur": 0.0, "excess_impressions": 0.0}
        spent = row["spend_eur"]
        more = 0.0 if spent is None else spent - (before["spend_eur"] or 0.0)
        row["further_per_eur"] = (row["excess_impressions"] - before["excess_impressions"]) / more if more > 0 else None
    ratios = [row["dose_ratio"] for row in rows]
    summary = {
        "points": rows, "slope": slope(doses, shift), "slope_by_ratio": slope(ratios, shift),
        "steepest": steepest(doses, shift), "crossing": crossing(doses, shift, worlds.scenario.audit.threshold_pp.value),
        "crossing_ratio": crossing(ratios, shift, worlds.scenario.audit.threshold_pp.value),
        "saturation": saturation(doses, shift),
        "ratio_range": reach_of_ratio(doses, ratios),
        "undefined_replicates": int(np.isnan(shift).any(axis=1).sum()),
    }  # fmt: skip
    return summary, {"dose": pd.DataFrame(rows)}


def _of(worlds: Worlds, what: str, dose: float) -> np.ndarray:
    """(R, C) of one point; exactly zero at dose zero."""
    arm = arm_name(dose) if dose > 0 else next(a for a in worlds.arms if a.startswith("counterfactual"))
    return worlds.shift_pp(arm) if what == "shift" else worlds.excess(arm)


def _row(question: Question, worlds: Worlds, dose: float, shift: np.ndarray, excess: np.ndarray) -> dict[str, Any]:
    t, more = shift_interval(shift), interval(excess)
    spent: float | None = 0.0
    ratio, counted = 0.0, 0.0
    if dose > 0:
        name = arm_name(dose)
        one = next(s for s in question.sets if s.arms[0].name == name)
        acting = None if question.settings["campaign"] == ALL else [question.settings["campaign"]]
        spent, ratio = worlds.spend_eur(name, one.scenario, acting), worlds.dose_ratio(name, question.candidate)
        mine = worlds.of("campaigns", name)
        mine = mine if acting is None else mine[mine["campaign"].astype(str).isin(acting)]
        counted = float(without_ads(mine)["counted"].sum()) * worlds.weight
        counted /= len(worlds.replicates) * worlds.scenario.run.luck_branches
    return {
        "dose": dose, "dose_ratio": ratio, "counted_actions": counted, "shift_pp": t.mean, **spread(t),
        "excess_impressions": more.mean, **spread(more, "excess_"), "spend_eur": spent,
        "excess_per_eur": more.mean / spent if spent else None,
    }  # fmt: skip


def steepest(doses: Sequence[float], shift: np.ndarray) -> dict[str, Any] | None:
    """Between which neighbouring doses the mean shift rises most per doubling, and by how much there."""
    x = doublings(doses)
    pairs = [(a, a + 1) for a in range(len(doses) - 1) if np.isfinite(x[a]) and np.isfinite(x[a + 1])]
    if not pairs:
        return None
    rises = {(a, b): interval((shift[:, b] - shift[:, a]) / (x[b] - x[a])) for a, b in pairs}
    a, b = max(pairs, key=lambda pair: np.nan_to_num(rises[pair].mean, nan=-np.inf))
    return {"from": doses[a], "to": doses[b], "pp_per_doubling": rises[a, b].mean, **spread(rises[a, b])}


def reach_of_ratio(doses: Sequence[float], ratios: Sequence[float]) -> dict[str, Any]:
    """Dose ratios, and the multipliers that would span the whole range; actions grow in proportion to accounts."""
    known = [(d, r) for d, r in zip(doses, ratios, strict=True) if d > 0 and r and r == r]
    if not known:
        return {"lowest": None, "highest": None, "spans": False, "from": None, "to": None}
    factor = known[-1][0] / known[-1][1]
    low, high = min(r for _, r in known), max(r for _, r in known)
    return {
        "lowest": low, "highest": high, "spans": low <= RATIO_LOW and high >= RATIO_HIGH,
        "from": RATIO_LOW * factor, "to": RATIO_HIGH * factor,
    }  # fmt: skip
