"""Worlds of a follow-graph scenario: the same people and draws, with the campaigns, without them, without takedown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pandas as pd

from recsim.rng import Key
from recsim.scenario.follow import FollowScenario
from recsim.world.follow_plan import FollowPlan, draw_people, make_follow_plan
from recsim.world.follow_world import FollowWorld
from recsim.world.pair import Outcome

FACTUAL, COUNTERFACTUAL, UNMODERATED = "factual", "counterfactual", "unmoderated"


def arms_of(scenario: FollowScenario) -> tuple[str, ...]:
    """Worlds that a run simulates: factual; counterfactual (no campaign) and unmoderated (no takedown) if they differ."""
    arms = [FACTUAL]
    if scenario.campaigns:
        arms.append(COUNTERFACTUAL)
    if scenario.moderation.half_life_steps is not None:
        arms.append(UNMODERATED)
    return tuple(arms)


def simulate_follow(
    scenario: FollowScenario,
    replicate: int,
    *,
    threads: int = 1,
    report: Callable[[float], None] | None = None,
    arms: Sequence[str] | None = None,
) -> Outcome:
    """Simulate one replicate.

    Args:
        scenario: realised.
        replicate: number of the replicate, from 0.
        threads: threads of the delivery; the result does not depend on it.
        report: called with the fraction done after each step.
        arms: worlds; None: `arms_of`.

    Raises:
        InputError: unknown policy or parameter, or no room for so many edges.
    """
    plan, key = make_follow_plan(scenario), Key(scenario.run.seed, replicate)
    names = list(arms_of(scenario) if arms is None else arms)
    began = time.perf_counter()
    drawn = draw_people(plan, key)
    seconds = {"build": time.perf_counter() - began}
    parts, done, total = [], 0, len(names) * scenario.steps.count
    sums = {"impressions": 0, "actions": 0, "deliveries": 0}

    def tick() -> None:
        nonlocal done
        done += 1
        if report is not None:
            report(min(1.0, done / total))

    for number, name in enumerate(names):
        acting = [] if name == COUNTERFACTUAL else [n for n, count in enumerate(plan.accounts) if count]
        world = FollowWorld(plan, drawn, key, name, acting, name != UNMODERATED, threads)
        world.run(tick)
        done = (number + 1) * scenario.steps.count
        tables = world.record.tables() | {"smoothed": _smoothed(world, replicate, name)}
        parts.append(tables)
        for phase, spent in world.seconds.items():
            seconds[phase] = seconds.get(phase, 0.0) + spent
        sums["impressions"] += int(tables["exposure"][["impressions", "inauthentic_impressions"]].to_numpy().sum())
        sums["actions"] += int(tables["steps"]["actions"].sum())
        sums["deliveries"] += world.record.deliveries
    frames = {name: pd.concat([p[name] for p in parts], ignore_index=True) for name in parts[0]}
    meta = {"replicate": replicate, "people": plan.people, "seconds": seconds, **sums}
    return Outcome(frames, 1.0, (0, scenario.steps.count - 1), meta)


def _smoothed(world: FollowWorld, replicate: int, arm: str) -> pd.DataFrame:
    """Where the smoothed values stand at the end, and after how many steps."""
    quality, share = world.record.smoothed
    row = {"replicate": replicate, "arm": arm, "steps": world.now, "quality": quality, "inauthentic_share": share}
    return pd.DataFrame([row])


def follow_source(scenario: FollowScenario) -> str:
    """The generated module that scores for this scenario's policy, as text."""
    return make_follow_plan(scenario).compiled.source


__all__ = ["FollowPlan", "arms_of", "follow_source", "simulate_follow"]
