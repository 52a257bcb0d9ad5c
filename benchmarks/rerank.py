"""Cost of re-rankers: microseconds per visit on top of scoring, and a world's impressions per second with and without.

    python benchmarks/rerank.py [--json] [--people 4000] [--tops 50 100] [--rerank mmr dpp ...]

All in one process and one thread, the plain policy timed again beside every re-ranker, so that ratios mean something on
a shared machine; the best of several runs, because a shared machine only ever slows things down.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from recsim.ranking.rerank import RERANKERS
from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.feed import BLOCK
from recsim.world.plan import make_plan
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 15


def world_with(people: int, rerank: str | None, top: int) -> World:
    settings = [f"population.scale={people / 8_970_000}", "days.start=2024-11-08", "campaigns.volunteers.start=-14"]
    settings += [f"platform.rerank=[{rerank}]", f"platform.rerank_top={top}"] if rerank else []
    plan = make_plan(load(ROOT / "configs" / "romania.yaml", settings))
    world = World(plan, build_state(plan, Key(1, 0)), Key(1, 0), SHARED)
    world.run_until(24 + 8)
    return world


def per_visit(world: World) -> float:
    """Microseconds of scoring (and re-ranking) one visit, best of several passes over the step's visits."""
    start, end = world.window
    world.people.visit()
    world.feed.item_terms(world.now, start, end)
    world.feed.retrieve(world.now, start, end)
    visits = world.people.visiting
    best = float("inf")
    for _ in range(REPEATS):
        began = time.perf_counter()
        for low in range(0, visits, BLOCK):
            world.feed.score_block(world.now, start, 0, low, min(visits, low + BLOCK))
        best = min(best, time.perf_counter() - began)
    return 1e6 * best / visits


def rate(world: World, steps: int = 3) -> float:
    """Impressions per second, all phases; best of three."""
    tally, best = world.feed.tally.feed, 0.0
    for _ in range(3):
        examined, began = 0, time.perf_counter()
        for _ in range(steps):
            before = tally.sum(axis=0)
            world.step()
            after = tally.sum(axis=0)
            examined += int(after[3] - (before[3] if after[0] >= before[0] else 0))
        best = max(best, examined / (time.perf_counter() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--people", type=int, default=4000)
    parser.add_argument("--tops", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--rerank", nargs="+", default=list(RERANKERS))
    options = parser.parse_args()
    rows = []
    for name in options.rerank:
        for top in options.tops:
            plain, other = world_with(options.people, None, top), world_with(options.people, name, top)
            cost = per_visit(other) - per_visit(plain)
            rates = rate(plain), rate(other)
            rows.append({"rerank": name, "top": top, "us_per_visit": cost, "ratio": rates[1] / rates[0],
                         "impressions_per_s": rates[1], "plain_impressions_per_s": rates[0]})  # fmt: skip
            if not options.json:
                print(
                    f"{name}, best {top}: {cost:.1f} us per visit; {rates[1] / 1e6:.2f} against {rates[0] / 1e6:.2f} M "
                    f"impressions/s, ratio {rates[1] / rates[0]:.2f}", flush=True,
                )  # fmt: skip
    if options.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
