"""A log of exposures made by the simulator, with the columns that a real one would have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from recsim.errors import InputError
from recsim.rng import Key
from recsim.scenario import realise
from recsim.scenario.schema import Scenario
from recsim.state import STANCES
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, SHARED
from recsim.world.build import build_state
from recsim.world.plan import Plan, make_plan
from recsim.world.world import World

BEFORE = "before"
"""Name of the arm of the days before the campaigns."""


def simulated_log(
    scenario: Scenario, replicate: int = 0, fixed_parameters: bool = False,
    progress: Callable[[float, float, str], None] | None = None, *, by_day: bool = False, before: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Impressions of candidate content by every simulated person in the campaign window, factual and counterfactual.

    One luck branch of one replicate: its shares are those of that branch of a run. People who were shown nothing about any
    candidate have one row without a candidate and with 0 impressions. Impressions of other content are not in it.

    Args:
        scenario: from `recsim.load`.
        replicate: number of the replicate, from 0.
        fixed_parameters: whether ranged parameters are held at their central values.
        progress: called with (done, total, text) after every simulated day.
        by_day: whether rows are of single days.
        before: whether the days before the campaigns, as many as the window has or as there are, are an arm of its own, ``before``:
            what an audit that looks before and after sees. Rows are of single days then, because arms of different days can be
            compared only by what days do.

    Returns:
        One row per person, arm, candidate and stance: person (int, from 0), arm ("factual", "counterfactual" or "before"), candidate
        (text, empty: none), stance ("critical", "neutral", "supportive", empty), region, language, age_band (text), impressions
        (int64, at least 1, or 0 in a row without a candidate); with ``by_day`` one per day, too, with ``day`` (int64, days since
        1970, as `recsim.read_log` has it); sorted by arm, day, person, candidate and stance.
        `recsim.read_log` reads the same columns from a file, `recsim.measure` computes metrics of either.

    Raises:
        InputError: a replicate below 0, ``before`` without a day before the campaigns, or a name in the scenario is unknown.
    """
    if replicate < 0:
        raise InputError(f"got {replicate}, must be at least 0", "replicate")
    # People's impressions are only kept where somebody reads them: the layer of opinion does.
    asked = scenario.model_copy(update={"opinion": scenario.opinion.model_copy(update={"enabled": True})})
    plan = make_plan(realise(asked, scenario.run.seed, replicate, fixed_parameters))
    key, by_day = Key(scenario.run.seed, replicate), by_day or before
    fork = min(plan.step_of(plan.first_day), plan.steps)
    if before and fork == 0:
        raise InputError("campaigns start on the first day: no day is before them", "days.start")
    total, days = (2 * plan.steps - fork) / plan.steps_per_day, 0

    def tick() -> None:
        nonlocal days
        days += 1
        if progress is not None:
            progress(days, total, "days of both arms")

    shared, parts = World(plan, build_state(plan, key), key, SHARED), []
    shared.run_until(max(0, 2 * fork - plan.steps) if before else fork, tick)
    if before:
        parts.append(_watched(shared, fork, BEFORE, by_day, tick))
    for arm, keep in ((FACTUAL, True), (COUNTERFACTUAL, False)):
        world = shared.fork(arm, Key(scenario.run.seed, replicate, 0), keep=keep)
        parts.append(_watched(world, plan.steps, arm.name, by_day, tick))
        world.close()
    return pd.concat(parts, ignore_index=True)


def _watched(world: World, last: int, arm: str, by_day: bool, tick: Callable[[], None]) -> pd.DataFrame:
    """Rows of the days from now to step ``last``, on which the world is when it returns."""
    plan, start = world.plan, world.feed.tally.impressions.copy()
    first, parts, seen = _date(plan, world.now), [], start
    while world.now < last:
        date = _date(plan, world.now)
        world.run_until(min(last, world.now + plan.steps_per_day) if by_day else last, tick)
        counts = world.feed.tally.impressions.copy()
        parts.append(_rows(plan, counts - seen).assign(day=date))
        seen = counts
    # Who was shown nothing was there all the same.
    nothing = np.flatnonzero((seen - start).sum(axis=(1, 2)) == 0)
    empty, zero = np.full(len(nothing), "", object), np.zeros(len(nothing), np.int64)
    none = pd.DataFrame({"person": nothing, "candidate": empty, "stance": empty, "impressions": zero, "day": first})
    frame = pd.concat([*parts, none], ignore_index=True)
    cells, who = world.state.cells, frame["person"].to_numpy()
    frame = frame.assign(
        arm=arm,
        region=np.array(plan.regions, object)[cells.region[who]],
        language=np.array(plan.languages, object)[cells.language[who]],
        age_band=np.array(sorted({s.age_band for s in plan.segments}), object)[cells.age_band[who]],
    )
    frame = frame.sort_values(["day", "person", "candidate", "stance"], kind="stable", ignore_index=True)
    days = ["day"] if by_day else []
    return frame[["person", "arm", *days, "candidate", "stance", "region", "language", "age_band", "impressions"]]


def _rows(plan: Plan, counts: np.ndarray) -> pd.DataFrame:
    """One row per person, candidate and stance with impressions; (P, C, 3) counts."""
    person, candidate, stance = np.nonzero(counts)
    return pd.DataFrame(
        {
            "person": person, "candidate": np.array([c.id for c in plan.candidates], object)[candidate],
            "stance": np.array(STANCES, object)[stance], "impressions": counts[person, candidate, stance].astype(np.int64),
        }
    )  # fmt: skip


def _date(plan: Plan, step: int) -> int:
    """Days since 1970."""
    start = np.datetime64(plan.scenario.days.start, "D").astype(np.int64)
    return int(start) + step // plan.steps_per_day
