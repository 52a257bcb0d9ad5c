"""Sets of worlds: shared until the fork, then one arm each over several luck branches."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from recsim.rng import Key
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm
from recsim.world.build import State, build_state
from recsim.world.facts import platform_facts
from recsim.world.legs import Leg, Store, Walk, legs_of
from recsim.world.lorenz import lorenz_table
from recsim.world.opinion import OPINION_TABLES, opinion_tables
from recsim.world.persons import ASKED, persons_table
from recsim.world.plan import Plan, make_plan
from recsim.world.shards import ALONE, Exchange, add_up, of_all
from recsim.world.tree import branching
from recsim.world.world import World

BURN_IN_LIFETIMES = 3
TABLES = (
    "exposure", "provenance", "engagement", "campaigns", "moderation", "reviews", "detections", "collateral", "held",
    "followers", "shadows",
)  # fmt: skip


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
    store: Store | None = None,
) -> Outcome:
    """Simulate one replicate: the shared days once, then both arms in every luck branch.

    Args:
        scenario: realised (ranged parameters drawn), with segments inline.
        replicate: number of the replicate, from 0.
        threads: threads for the feed; the result does not depend on it.
        report: called with the fraction done after each simulated day.
        placebo: draw the campaigns' targets in proportion to human engagement over all content, without their posts.
        store: where to keep checkpoints and to go on from; the result does not depend on it.

    Raises:
        InputError: unknown policy or parameter.
    """
    factual = dataclasses.replace(FACTUAL, placebo=placebo)
    return simulate_arms(
        scenario, replicate, [factual, COUNTERFACTUAL], threads=threads, report=report, store=store
    )  # fmt: skip


def simulate_arms(
    scenario: Scenario,
    replicate: int,
    arms: Sequence[Arm],
    *,
    threads: int = 1,
    report: Callable[[float], None] | None = None,
    store: Store | None = None,
    exchange: Exchange = ALONE,
) -> Outcome:
    """Simulate one replicate: the shared days once, then every arm in every luck branch.

    Arms are simulated together for as long as nothing tells them apart, and forked when their difference begins: two
    sets of campaigns when a campaign starts that is only in one of them, two removal days on the earlier one. In the
    tables each arm has all its days, whoever simulated them.

    Args:
        scenario: realised (ranged parameters drawn), with segments inline.
        replicate: number of the replicate, from 0.
        arms: with different names, none of them "shared".
        threads: threads for the feed; the result does not depend on it.
        report: called with the fraction done after each simulated day.
        store: where to keep checkpoints and to go on from; the result does not depend on it.
        exchange: with the other shards, which simulate the same arms at the same time; all return the same.

    Returns:
        The outcome; ``meta["forks"]`` lists (step, arms that went on together) of every part that was simulated.

    Raises:
        InputError: unknown policy or parameter. ValueError: two arms of one name.
    """
    if len({arm.name for arm in arms} | {"shared"}) != len(arms) + 1:
        raise ValueError(f"got arms {[arm.name for arm in arms]}, names must differ and not be 'shared'")
    plan = make_plan(scenario)
    key, built = Key(scenario.run.seed, replicate), [0.0]

    def build() -> State:
        began = time.perf_counter()
        state = build_state(plan, key, exchange=exchange)
        built[0] += time.perf_counter() - began
        return state

    fork = min(plan.step_of(plan.first_day), plan.steps)
    tree = branching(plan, arms, fork) if fork < plan.steps else []
    legs = legs_of(tree, scenario.run.luck_branches, fork)
    take = functools.partial(left_behind, fork=fork)
    found = Walk(plan, key, legs, take, threads, report, store, build).go()
    return _outcome(plan, replicate, arms, legs, found, built[0])


def left_behind(world: World, leg: Leg, results: Mapping[int, dict[str, Any]], fork: int) -> dict[str, Any]:
    """What is kept of a leg: what the world did since it began or was forked off; of the shared days and at the end of a
    world also its tables.

    Args:
        world: at the end of the leg. leg: see `recsim.world.legs`.
        results: what the legs before it left, by number; of the shared days also (P, C) impressions by person and candidate.
        fork: step at which the shared days end.
    """
    out: dict[str, Any] = {
        "began": world.began, "seconds": dict(world.seconds), "visits": int(world.record.feed[0]) - world.before[0],
        "impressions": int(world.record.feed[3]) - world.before[1], "own_actions": None, "tables": {},
        "history": None,
    }  # fmt: skip
    if world.record.days and (not leg.arms or not leg.children):
        first_step = fork if leg.arms else min(BURN_IN_LIFETIMES * world.plan.lifetime, fork // 2)
        out["tables"] = {name: world.record.table(name) for name in TABLES}
        out["tables"]["facts"] = _facts_frame(world, platform_facts(world, first_step))
        out["tables"]["lorenz"] = lorenz_table(world)
        if leg.arms:
            out["tables"]["reach"] = _reach_frame(world)
            out["tables"] |= opinion_tables(world)
            history = results[0]["history"]
            if history is not None:
                out["tables"]["persons"] = persons_table(world, history)
            out["own_actions"] = int(world.record.own_actions[0])
        elif ASKED in world.plan.scenario.audit.metrics:
            out["history"] = of_all(world.state.exchange, world.feed.tally.impressions.sum(axis=2))[0]
    return out


def _outcome(
    plan: Plan, replicate: int, arms: Sequence[Arm], legs: Sequence[Leg], found: Sequence[dict[str, Any]], built: float
) -> Outcome:
    """Everything that legs left behind, once for each arm that they stand for."""
    parts: list[dict[str, pd.DataFrame]] = []
    seconds, own_actions, forks = {"build": built}, {}, []
    for leg, one in zip(legs, found, strict=True):
        names = [arm.name for arm in leg.arms] or ["shared"]
        forks.append((one["began"], names))
        for name, spent in one["seconds"].items():
            seconds[name] = seconds.get(name, 0.0) + spent
        for name in names if one["tables"] else ():
            parts.append({key: _relabelled(frame, name) for key, frame in one["tables"].items()})
            if leg.arms:
                own_actions[f"{name}:{leg.branch}"] = one["own_actions"]
    frames = {k: pd.concat([p[k] for p in parts if k in p], ignore_index=True) for k in (*TABLES, "facts", "lorenz")}
    reach = [p["reach"] for p in parts if "reach" in p]
    frames["reach"] = pd.concat(reach, ignore_index=True) if reach else _empty_reach()
    for name in (*OPINION_TABLES, "persons"):
        some = [p[name] for p in parts if name in p]
        if some:
            frames[name] = pd.concat(some, ignore_index=True)
    for frame in frames.values():
        frame["arm"] = pd.Categorical(
            frame["arm"].astype(object), categories=["shared", *(arm.name for arm in arms)]
        )  # fmt: skip
    meta = {
        "replicate": replicate, "people": plan.people, "steps": plan.steps, "fork_day": plan.first_day,
        "seconds": seconds, "own_actions": own_actions, "forks": forks,
        "impressions": sum(one["impressions"] for one in found), "visits": sum(one["visits"] for one in found),
    }  # fmt: skip
    return Outcome(frames, 1.0 / plan.scale, (plan.first_day, 0), meta)


def _relabelled(frame: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The table with another arm's name, sharing all other columns."""
    return frame.assign(arm=pd.Categorical.from_codes(np.zeros(len(frame), np.int8), categories=pd.Index([arm])))


def _reach_frame(world: World) -> pd.DataFrame:
    """People reached at least once about each candidate within the campaign window, by region."""
    plan, reached = world.plan, world.feed.tally.reached
    counts = np.zeros((1, len(plan.regions), len(plan.candidates), 2), np.int64)
    for number in range(len(plan.regions)):
        inside = world.state.cells.region == number
        for bit in range(len(plan.candidates)):
            counts[0, number, bit] = ((reached[inside] >> np.uint64(bit)) & np.uint64(1)).sum(), inside.sum()
    add_up(world.state.exchange, counts)
    rows = [
        (region, candidate.id, *counts[0, number, bit].tolist())
        for number, region in enumerate(plan.regions)
        for bit, candidate in enumerate(plan.candidates)
    ]
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


__all__ = ["Outcome", "compiled_source", "simulate_arms", "simulate_replicate"]
