"""Sets of worlds: shared until the fork, then one arm each over several luck branches."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from recsim.rng import Key
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, SHARED, Arm
from recsim.world.build import build_state
from recsim.world.facts import platform_facts
from recsim.world.lorenz import lorenz_table
from recsim.world.opinion import OPINION_TABLES, opinion_tables
from recsim.world.persons import ASKED, persons_table
from recsim.world.plan import Plan, make_plan
from recsim.world.tree import Part, branching, steps_of
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
) -> Outcome:
    """Simulate one replicate: the shared days once, then both arms in every luck branch.

    Args:
        scenario: realised (ranged parameters drawn), with segments inline.
        replicate: number of the replicate, from 0.
        threads: threads for the feed; the result does not depend on it.
        report: called with the fraction done after each simulated day.
        placebo: draw the campaigns' targets in proportion to human engagement over all content, without their posts.

    Raises:
        InputError: unknown policy or parameter.
    """
    factual = dataclasses.replace(FACTUAL, placebo=placebo)
    return simulate_arms(scenario, replicate, [factual, COUNTERFACTUAL], threads=threads, report=report)


def simulate_arms(
    scenario: Scenario,
    replicate: int,
    arms: Sequence[Arm],
    *,
    threads: int = 1,
    report: Callable[[float], None] | None = None,
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

    Returns:
        The outcome; ``meta["forks"]`` lists (step, arms that went on together) of every part that was simulated.

    Raises:
        InputError: unknown policy or parameter. ValueError: two arms of one name.
    """
    if len({arm.name for arm in arms} | {"shared"}) != len(arms) + 1:
        raise ValueError(f"got arms {[arm.name for arm in arms]}, names must differ and not be 'shared'")
    plan = make_plan(scenario)
    seed, branches = scenario.run.seed, scenario.run.luck_branches
    began = time.perf_counter()
    state = build_state(plan, Key(seed, replicate))
    fork = min(plan.step_of(plan.first_day), plan.steps)
    tree = branching(plan, arms, fork) if fork < plan.steps else []
    many = Gathering(plan, replicate, arms, fork + branches * steps_of(tree), report)
    many.seconds["build"] = time.perf_counter() - began
    shared = World(plan, state, Key(seed, replicate), SHARED, threads=threads)
    shared.run_until(fork, many.tick)
    many.take(shared, (), min(BURN_IN_LIFETIMES * plan.lifetime, fork // 2))
    for branch in range(branches if tree else 0):
        for number, part in enumerate(tree):
            last = branch == branches - 1 and number == len(tree) - 1
            world = shared.fork(part.arms[0], Key(seed, replicate, branch), keep=not last)
            _grow(world, part, many, fork)
    return many.outcome()


def _grow(world: World, part: Part, many: Gathering, fork: int) -> None:
    """Simulate a part of the tree, then what it splits into."""
    world.run_until(part.end, many.tick)
    if not part.parts:
        many.take(world, part.arms, fork)
        world.close()
        return
    many.note(world, part.arms)
    for number, child in enumerate(part.parts):
        _grow(
            world.fork(child.arms[0], world.key, keep=number < len(part.parts) - 1, same_world=True), child, many, fork
        )


class Gathering:
    """Collects the tables of all worlds of a replicate, and tells how far they are."""

    def __init__(
        self, plan: Plan, replicate: int, arms: Sequence[Arm], total: int, report: Callable[[float], None] | None
    ) -> None:
        self.plan, self.replicate, self.total, self.report = plan, replicate, max(1, total), report
        self.names = ["shared", *(arm.name for arm in arms)]
        self.parts: list[dict[str, pd.DataFrame]] = []
        self.seconds: dict[str, float] = {}
        self.sums = {"impressions": 0, "visits": 0}
        self.own_actions: dict[str, int] = {}
        self.history: np.ndarray | None = None  # (P, C) impressions by person and candidate in the shared days
        self.forks: list[tuple[int, list[str]]] = []
        self.done = 0

    def tick(self) -> None:
        """A simulated day is over."""
        self.done += self.plan.steps_per_day
        if self.report is not None:
            self.report(self.done / self.total)

    def note(self, world: World, arms: Sequence[Arm]) -> None:
        """Add up what a world did since it began, or since it was forked off."""
        for name, spent in world.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
        self.sums["visits"] += int(world.record.feed[0]) - world.before[0]
        self.sums["impressions"] += int(world.record.feed[3]) - world.before[1]
        self.forks.append((world.began, [arm.name for arm in arms] or ["shared"]))

    def take(self, world: World, arms: Sequence[Arm], first_step: int) -> None:
        """Keep the world's tables, once for each arm that it stands for."""
        self.note(world, arms)
        if world.record.days:
            tables = {name: world.record.table(name) for name in TABLES}
            tables["facts"] = _facts_frame(world, platform_facts(world, first_step))
            tables["lorenz"] = lorenz_table(world)
            if arms:
                tables["reach"] = _reach_frame(world)
                tables |= opinion_tables(world)
                if self.history is not None:
                    tables["persons"] = persons_table(world, self.history)
            elif ASKED in self.plan.scenario.audit.metrics:
                self.history = world.feed.tally.impressions.sum(axis=2)
            for name in [arm.name for arm in arms] or ["shared"]:
                self.parts.append({key: _relabelled(frame, name) for key, frame in tables.items()})
                if arms:
                    self.own_actions[f"{name}:{world.key.branch}"] = int(world.record.own_actions[0])

    def outcome(self) -> Outcome:
        """Everything under each other."""
        parts, plan = self.parts, self.plan
        frames = {
            k: pd.concat([p[k] for p in parts if k in p], ignore_index=True) for k in (*TABLES, "facts", "lorenz")
        }
        reach = [p["reach"] for p in parts if "reach" in p]
        frames["reach"] = pd.concat(reach, ignore_index=True) if reach else _empty_reach()
        for name in (*OPINION_TABLES, "persons"):
            found = [p[name] for p in parts if name in p]
            if found:
                frames[name] = pd.concat(found, ignore_index=True)
        for frame in frames.values():
            frame["arm"] = pd.Categorical(frame["arm"].astype(object), categories=self.names)
        meta = {
            "replicate": self.replicate, "people": plan.people, "steps": plan.steps, "fork_day": plan.first_day,
            "seconds": self.seconds, "own_actions": self.own_actions, "forks": self.forks, **self.sums,
        }  # fmt: skip
        return Outcome(frames, 1.0 / plan.scale, (plan.first_day, 0), meta)


def _relabelled(frame: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The table with another arm's name, sharing all other columns."""
    return frame.assign(arm=pd.Categorical.from_codes(np.zeros(len(frame), np.int8), categories=pd.Index([arm])))


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


__all__ = ["Outcome", "compiled_source", "simulate_arms", "simulate_replicate"]
