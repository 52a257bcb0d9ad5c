"""recsim on the common task: a world in which everybody visits in every step and the pool is the whole catalogue.

    python -m benchmarks.peers.recsim_people [--people 10000] [--items 1000] [--retrieved 256] [--steps 10]

A whole step of the engine is timed: pools, scores, selection, all responses to all ten items shown (likes, comments, shares,
follows, hides, reports, watch time), counting, and learning of interest. Nobody is shown anything twice.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path

from benchmarks.rounds import peak_bytes, timed
from recsim.ranking.policy import policy
from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.plan import make_plan
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
TOP, TOPICS, LIVE_DAYS = 10, 16, 4


@policy(meta={"stratum": "region", "sources": {"ranked": 1.0}, "inbox": "none", "ordering": "order", "explores": False})
def interest_and_likes(f, p):
    """Known interest in the item's topics, and the logarithm of its likes."""
    return f.affinity + math.log(1.0 + f.n_like)


def make_world(people: int, items: int, pool: int, threads: int) -> World:
    """A world whose catalogue holds at least ``items``, of which ``pool`` are scored for everybody."""
    a_day = math.ceil(1.06 * items / LIVE_DAYS)
    settings = {
        "population.scale": people / 500_000, "days.start": "2024-11-01", "run.step_hours": 1,
        "activity.videos_per_visit": TOP, "content.topics": TOPICS, "content.lifetime_days": LIVE_DAYS,
        "content.items_per_day": a_day, "content.real_items_per_day": max(3600, a_day), "platform.retrieval.pool": pool,
        "platform.retrieval.slate": TOP, "platform.policy": "benchmarks.peers.recsim_people:interest_and_likes",
    }  # fmt: skip
    scenario = load(ROOT / "configs" / "small.yaml", [f"{name}={value}" for name, value in settings.items()])
    plan = make_plan(scenario)
    world = World(plan, build_state(plan, Key(1, 0)), Key(1, 0), SHARED, threads=threads)
    world.run_until(24 * (LIVE_DAYS + 1))
    world.people.visit = lambda: everybody(world)  # type: ignore[method-assign]
    return world


def everybody(world: World) -> None:
    """All people come."""
    feed, people = world.feed, world.plan.people
    feed.visits.person[:people] = feed.order
    feed.visits.stratum[:people] = world.state.observed.stratum[feed.order]
    feed.visits.entry[:], feed.visits.about[:] = 0, 0
    world.people.visiting = people


def measure(people: int, items: int, pool: int, threads: int, steps: int) -> dict:
    """Seconds of steps, and what happened in them."""
    world = make_world(people, items, pool, threads)
    world.step()
    before, spent = world.feed.tally.feed.sum(axis=0), []
    for _ in range(steps):
        spent.append(timed(world.step))
    visits, _, _, examined = (world.feed.tally.feed.sum(axis=0) - before).tolist()
    if visits != people * steps or not (world.feed.pools.size == pool).all():
        raise RuntimeError("not everybody came, or a pool was not full")
    return {
        "threads": threads, "scored": pool, "seconds": [one.clock for one in spent], "processor": [one.processor for one in spent],
        "examined_per_visit": examined / visits,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--retrieved", type=int, default=256)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    if options.steps > 20:
        parser.error("at most 20 steps: then the day is closed")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    out = [
        measure(options.people, options.items, pool, threads, options.steps)
        for pool in (options.items, options.retrieved)
        for threads in sorted({1, cores})
    ]
    print(json.dumps({"variants": out, "peak_mib": peak_bytes() // 2**20}))


if __name__ == "__main__":
    main()
