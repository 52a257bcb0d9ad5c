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
from recsim.world.plan import make_plan
from recsim.world.world import World


def simulated_log(
    scenario: Scenario, replicate: int = 0, fixed_parameters: bool = False,
    progress: Callable[[float, float, str], None] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Impressions of candidate content by every simulated person in the campaign window, factual and counterfactual.

    One luck branch of one replicate: its shares are those of that branch of a run. People who were shown nothing about any
    candidate have one row without a candidate and with 0 impressions. Impressions of other content are not in it.

    Args:
        scenario: from `recsim.load`.
        replicate: number of the replicate, from 0.
        fixed_parameters: whether ranged parameters are held at their central values.
        progress: called with (done, total, text) after every simulated day.

    Returns:
        One row per person, arm, candidate and stance: person (int, from 0), arm ("factual" or "counterfactual"), candidate
        (text, empty: none), stance ("critical", "neutral", "supportive", empty), region, language, age_band (text), impressions
        (int64, at least 1, or 0 in a row without a candidate); sorted by arm, person, candidate and stance.
        `recsim.read_log` reads the same columns from a file, `recsim.measure` computes metrics of either.

    Raises:
        InputError: a replicate below 0, or a name in the scenario is unknown.
    """
    if replicate < 0:
        raise InputError(f"got {replicate}, must be at least 0", "replicate")
    # People's impressions are only kept where somebody reads them: the layer of opinion does.
    asked = scenario.model_copy(update={"opinion": scenario.opinion.model_copy(update={"enabled": True})})
    plan = make_plan(realise(asked, scenario.run.seed, replicate, fixed_parameters))
    key = Key(scenario.run.seed, replicate)
    fork = min(plan.step_of(plan.first_day), plan.steps)
    total, days = (2 * plan.steps - fork) / plan.steps_per_day, 0

    def tick() -> None:
        nonlocal days
        days += 1
        if progress is not None:
            progress(days, total, "days of both arms")

    shared = World(plan, build_state(plan, key), key, SHARED)
    shared.run_until(fork, tick)
    parts = []
    for arm, keep in ((FACTUAL, True), (COUNTERFACTUAL, False)):
        world = shared.fork(arm, Key(scenario.run.seed, replicate, 0), keep=keep)
        world.run_until(plan.steps, tick)
        parts.append(_rows(world, arm.name))
        world.close()
    return pd.concat(parts, ignore_index=True)


def _rows(world: World, arm: str) -> pd.DataFrame:
    plan, cells = world.plan, world.state.cells
    counts = world.feed.tally.impressions
    person, candidate, stance = np.nonzero(counts)
    seen = counts[person, candidate, stance]
    nothing = np.setdiff1d(np.arange(plan.people), person)
    names = np.array([c.id for c in plan.candidates] + [""], object)
    who = np.concatenate([person, nothing])
    none = np.full(len(nothing), len(names) - 1)
    frame = pd.DataFrame(
        {
            "person": who, "arm": arm, "candidate": names[np.concatenate([candidate, none])],
            "stance": np.concatenate([np.array(STANCES, object)[stance], np.full(len(nothing), "", object)]),
            "region": np.array(plan.regions, object)[cells.region[who]],
            "language": np.array(plan.languages, object)[cells.language[who]],
            "age_band": np.array(sorted({s.age_band for s in plan.segments}), object)[cells.age_band[who]],
            "impressions": np.concatenate([seen, np.zeros(len(nothing), seen.dtype)]).astype(np.int64),
        }
    )  # fmt: skip
    return frame.sort_values(["person", "candidate", "stance"], kind="stable", ignore_index=True)
