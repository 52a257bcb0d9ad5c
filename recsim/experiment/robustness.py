"""The table beside the headline: the same question under other plausible platform assumptions, at a smaller size."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from recsim.experiment.summary import Counts, window_start
from recsim.ranking import registry
from recsim.scenario import realise
from recsim.scenario.campaigns import Campaign
from recsim.scenario.quantity import assumed
from recsim.scenario.schema import Scenario

Cell = tuple[str, float, str]
AS_DECLARED = "as declared"
"""Head weights that are the scenario's own."""


def declared(scenario: Scenario) -> Cell:
    """The combination that the scenario itself declares."""
    return scenario.platform.gates.mode, scenario.platform.predictor.prior_events.value, AS_DECLARED


def cells(scenario: Scenario) -> list[Cell]:
    """Every combination of gates, prior strength and head weights; the declared one last, unless it is among them.

    Without it nobody could tell what the smaller size does from what the other assumptions do.
    """
    r = scenario.audit.robustness
    weights = [AS_DECLARED, *(w.id for w in r.head_weights)]
    grid: list[Cell] = [(g, p, w) for g in r.gates for p in r.prior_events for w in weights]
    own = declared(scenario)
    return grid if own in grid else [*grid, own]


def check_weights(scenario: Scenario) -> None:
    """Refuse head weights that name parameters which the policy does not have, before anything is simulated.

    Raises:
        InputError: with the nearest name.
    """
    platform = scenario.platform
    policy = registry.configured(platform.policy, platform.rerank, platform.rerank_top)
    for number, one in enumerate(scenario.audit.robustness.head_weights):
        given = {name: (value,) for name, value in one.parameters.items()}
        registry.check_parameters(policy, given, f"audit.robustness.head_weights[{number}].parameters")


def campaigns_from(scenario: Scenario, day: int) -> list[Campaign]:
    """The campaigns of a run that begins later: from ``day`` on, relative to the vote; those that are over by then left out."""
    return [
        c if c.start >= day else c.model_copy(update={"start": day}) for c in scenario.campaigns if c.end >= day
    ]  # fmt: skip


def cell_scenario(scenario: Scenario, cell: Cell) -> Scenario:
    """The scenario of one cell: no more people, items, videos and days than `audit.robustness` says."""
    r = scenario.audit.robustness
    gates, prior, weights = cell
    first = window_start(scenario, none=-1)
    start = scenario.days.vote - dt.timedelta(days=r.burn_in_days - first)
    activity, platform = scenario.activity, scenario.platform
    factor = min(1.0, r.videos_per_day / (activity.visits_per_day.value * activity.videos_per_visit.value))
    items = min(r.items_per_day, scenario.content.items_per_day)
    changed = next((w.parameters for w in r.head_weights if w.id == weights), {})
    parameters = {**platform.parameters, **{name: assumed(v) for name, v in changed.items()}}
    first_start = max(start, scenario.days.start)
    room = -(scenario.days.vote - first_start).days + 1
    return scenario.model_copy(
        update={
            "population": scenario.population.model_copy(
                update={"scale": min(scenario.population.scale, r.people / scenario.population.people.value)}
            ),
            "content": scenario.content.model_copy(
                update={"items_per_day": items, "creators": min(scenario.content.creators, items)}
            ),
            "activity": activity.model_copy(
                update={"visits_per_day": assumed(activity.visits_per_day.value * factor)}
            ),
            "days": scenario.days.model_copy(update={"start": first_start}),
            "run": scenario.run.model_copy(update={"luck_branches": 1}),
            "campaigns": campaigns_from(scenario, room),
            "opinion": scenario.opinion.model_copy(update={"enabled": False}),
            "platform": platform.model_copy(
                update={
                    "parameters": parameters,
                    "gates": platform.gates.model_copy(update={"mode": gates}),
                    "predictor": platform.predictor.model_copy(update={"prior_events": assumed(prior)}),
                }
            ),
        }
    )  # fmt: skip


def simulate_cell(
    simulate: Callable, scenario: Scenario, cell: Cell, replicate: int, threads: int,
    report: Callable[[float], None] | None = None,
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:  # fmt: skip
    """One replicate of one cell: the shift of every candidate, and how many impressions it took."""
    # Ranges stay at their central values here; the parameter sets of a calibration are taken in turn, as in the headline.
    own = cell == declared(scenario)
    scenario = realise(scenario, scenario.run.seed, replicate, fixed=True)
    small = cell_scenario(scenario, declared(scenario) if own else cell)
    outcome = simulate(small, replicate, threads=threads, report=report)
    names = [c.id for c in scenario.candidates]
    shift = Counts(outcome.frames["exposure"], names, [replicate], 1).shift_pp[0]
    gates, prior, weights = cell
    frame = pd.DataFrame(
        {
            "gates": gates, "prior_events": prior, "head_weights": weights, "replicate": replicate,
            "candidate": names, "shift_pp": shift.astype(float),
        }
    )  # fmt: skip
    return {"shift": frame}, {"impressions": outcome.meta["impressions"]}


def table(frame: pd.DataFrame, own: Cell) -> pd.DataFrame:
    """Mean, 95 % interval and standard deviation over the replicates of every cell, in the order of `cells`.

    Args:
        frame: of `simulate_cell`, all cells and replicates.
        own: the declared cell.
    """
    keys = ["gates", "prior_events", "head_weights"]
    grouped = frame.groupby([*keys, "candidate"], sort=False)["shift_pp"]
    out = grouped.agg(["mean", "std", "count"]).reset_index()
    out.insert(len(keys), "declared", (out[keys] == list(own)).all(axis=1))
    return with_intervals(out.rename(columns={"mean": "shift_pp", "std": "sd", "count": "replicates"}))


def with_intervals(cells: pd.DataFrame) -> pd.DataFrame:
    """The table with `ci_low` and `ci_high`, percentage points: Student's t over replicates, NaN with fewer than two.

    Args:
        cells: with `shift_pp`, `sd` and `replicates`; tables of earlier versions have no more.
    """
    from scipy.special import stdtrit

    n = cells["replicates"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stdtrit(n - 1, 0.975) * cells["sd"].to_numpy(float) / np.sqrt(n)
    kept = cells.drop(columns=["ci_low", "ci_high"], errors="ignore")
    place = list(kept.columns).index("shift_pp") + 1
    kept.insert(place, "ci_low", kept["shift_pp"] - half)
    kept.insert(place + 1, "ci_high", kept["shift_pp"] + half)
    return kept
