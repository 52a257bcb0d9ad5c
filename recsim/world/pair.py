"""Paired worlds: shared until the fork, then factual and counterfactual over several luck branches."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from recsim.rng import Key
from recsim.scenario.schema import Scenario
from recsim.world.build import build_state
from recsim.world.facts import platform_facts
from recsim.world.opinion import OPINION_TABLES, opinion_tables
from recsim.world.plan import make_plan
from recsim.world.record import ARMS
from recsim.world.world import World

BURN_IN_LIFETIMES = 3
TABLES = ("exposure", "provenance", "engagement", "campaigns", "moderation", "followers", "shadows")


@dataclasses.dataclass
class Outcome:
    """Everything one replicate leaves behind; counts are simulated, times ``weight`` they are real.

    Attributes:
        frames: tidy tables by name.
        weight: real people per simulated person.
        window: first and last day of the campaign window, relative to the vote.
        meta: people, steps, impressions, fork day, seconds by phase.
    """

    frames: dict[str, pd.DataFrame]
    weight: float
    window: tuple[int, int]
    meta: dict


def simulate_replicate(
    scenario: Scenario,
    replicate: int,
    *,
    threads: int = 1,
    report: Callable[[float], None] | None = None,
    placebo: bool = False,
) -> Outcome:
    """Simulate one replicate: the shared days once, then both arms in every luck branch.

    Args:
        scenario: realised (ranged parameters drawn), with segments inline.
        replicate: number of the replicate, from 0.
        threads: threads for the feed; the result does not depend on it.
        report: called with the fraction done after each simulated day.
        placebo: draw the campaigns' targets in proportion to human engagement over all content.

    Raises:
        InputError: unknown policy or parameter.
    """
    plan = make_plan(scenario)
    seed, branches = scenario.run.seed, scenario.run.luck_branches
    began = time.perf_counter()
    state = build_state(plan, Key(seed, replicate))
    built = time.perf_counter() - began
    fork = min(plan.step_of(plan.first_day), plan.steps)
    total = fork + 2 * branches * (plan.steps - fork)
    done = 0

    def tick() -> None:
        nonlocal done
        done += plan.steps_per_day
        if report is not None:
            report(done / total)

    parts: list[dict[str, pd.DataFrame]] = []
    seconds = {"build": built}
    sums = {"impressions": 0, "visits": 0}
    own_actions: dict[str, int] = {}

    def finish(world: World, first_step: int) -> None:
        """Keep the world's tables and let go of everything else."""
        for name, spent in world.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + spent
        if world.record.days:
            tables = {name: getattr(world.record, name)() for name in TABLES}
            tables["facts"] = _facts_frame(world, platform_facts(world, first_step))
            if world.arm != "shared":
                tables["reach"] = _reach_frame(world)
                tables |= opinion_tables(world)
                own_actions[f"{world.arm}:{world.key.branch}"] = int(world.record.own_actions[0])
            parts.append(tables)
        sums["visits"] += int(world.record.feed[0])
        sums["impressions"] += int(world.record.feed[3])
        world.close()

    shared = World(plan, state, Key(seed, replicate), "shared", threads=threads)
    shared.run_until(fork, tick)
    finish(shared, min(BURN_IN_LIFETIMES * plan.lifetime, fork // 2))
    for branch in range(branches if plan.steps > fork else 0):
        for arm in ("factual", "counterfactual"):
            copy = state.fork()
            if arm == "counterfactual" or placebo:
                copy.items = copy.replaced
            world = World(plan, copy, Key(seed, replicate, branch), arm, step=fork, threads=threads, placebo=placebo)
            world.run_until(plan.steps, tick)
            finish(world, fork)
    frames = {name: pd.concat([p[name] for p in parts if name in p], ignore_index=True) for name in (*TABLES, "facts")}
    reach = [p["reach"] for p in parts if "reach" in p]
    frames["reach"] = pd.concat(reach, ignore_index=True) if reach else _empty_reach()
    for name in OPINION_TABLES:
        found = [p[name] for p in parts if name in p]
        if found:
            frames[name] = pd.concat(found, ignore_index=True)
    meta = {
        "replicate": replicate,
        "people": plan.people,
        "steps": plan.steps,
        "fork_day": plan.first_day,
        "seconds": seconds,
        "own_actions": own_actions,
        **sums,
    }
    return Outcome(frames, 1.0 / plan.scale, (plan.first_day, 0), meta)


def _reach_frame(world: World) -> pd.DataFrame:
    """People reached at least once about each candidate within the campaign window, by region."""
    plan, reached = world.plan, world.feed.tally.reached
    rows = []
    for number, region in enumerate(plan.regions):
        inside = world.state.cells.region == number
        for bit, candidate in enumerate(plan.candidates):
            who = int(((reached[inside] >> np.uint64(bit)) & np.uint64(1)).sum())
            rows.append((region, candidate.id, who, int(inside.sum())))
    columns = list(zip(*rows, strict=True))
    return world.record._frame(
        {
            "window": np.full(len(rows), "campaign", object), "region": np.array(columns[0], object),
            "candidate": np.array(columns[1], object), "people_reached": np.array(columns[2], np.int64),
            "people": np.array(columns[3], np.int64),
        }
    )  # fmt: skip


def _empty_reach() -> pd.DataFrame:
    names = ["replicate", "branch", "arm", "window", "region", "candidate", "people_reached", "people"]
    return pd.DataFrame({name: [] for name in names})


def _facts_frame(world: World, facts: dict[str, float]) -> pd.DataFrame:
    return world.record._frame({"name": np.array(list(facts), object), "value": np.array(list(facts.values()), float)})


def compiled_source(scenario: Scenario) -> str:
    """The generated module that scores for this scenario's policy, as text."""
    return make_plan(scenario).source


__all__ = ["ARMS", "Outcome", "compiled_source", "simulate_replicate"]
