"""Throughput of one world with the default policy: impressions and scored pairs per second.

    python benchmarks/throughput.py [--json] [--people 20000] [--threads 2] [--hours 12]

An impression is a slate position that a person actually examined. All phases are timed; the world is built and warmed up before.
Best of three, because a shared machine only ever slows things down.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.plan import make_plan
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent


def measure(people: int, threads: int, hours: int, policy: str) -> dict:
    overrides = [f"population.scale={people / 8_970_000}", "days.start=2024-11-08", "campaigns.volunteers.start=-14"]
    scenario = load(ROOT / "configs" / "romania.yaml", [*overrides, f"platform.policy={policy}", *(
        ["platform.parameters={}"] if policy != "tiktok_value" else []
    )])  # fmt: skip
    plan = make_plan(scenario)
    world = World(plan, build_state(plan, Key(1, 0)), Key(1, 0), SHARED, threads=threads)
    world.run_until(24 + 8)
    tally = world.feed.tally.feed
    best = None
    for _ in range(3):
        visits, examined, pairs = 0, 0, 0
        began = time.perf_counter()
        for _ in range(hours // 3):
            before = tally.sum(axis=0)
            world.step()
            after = tally.sum(axis=0)
            if after[0] < before[0]:  # the day was closed within this step
                before = before * 0
            visits += int(after[0] - before[0])
            examined += int(after[3] - before[3])
            pairs += int(after[0] - before[0]) * (world.feed.size + int(plan.reaction.inbox))
        seconds = time.perf_counter() - began
        if examined and (best is None or examined / seconds > best["impressions_per_s"]):
            best = {
                "impressions_per_s": examined / seconds,
                "pairs_per_s": pairs / seconds,
                "mean_examined": examined / visits,
            }
    assert best is not None
    phases = {name: round(spent, 4) for name, spent in sorted(world.seconds.items(), key=lambda kv: -kv[1])}
    return {
        **best, "people": plan.people, "threads": threads, "policy": policy, "pool": world.feed.size,
        "slate": int(plan.reaction.slate), "topics": plan.scenario.content.topics,
        "heads": sum(r.startswith("against_") for r in plan.compiled.rows), "items_per_day": plan.supply.items_per_day,
        "seconds_by_phase": phases,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--policy", default="tiktok_value")
    options = parser.parse_args()
    rows = [measure(options.people, t, options.hours, options.policy) for t in options.threads]
    about = {"machine": platform.machine(), "numba": version("numba"), "numpy": version("numpy")}
    if options.json:
        print(json.dumps({**about, "rows": rows}, indent=1))
        return
    print(f"{about['machine']}, numba {about['numba']}, numpy {about['numpy']}")
    for r in rows:
        print(
            f"{r['policy']}: {r['impressions_per_s'] / 1e6:.2f} M impressions/s, {r['pairs_per_s'] / 1e6:.0f} M pairs/s, "
            f"{r['threads']} threads (people {r['people']}, P {r['pool']}, K {r['slate']}, D {r['topics']}, heads "
            f"{r['heads']}, mean examined {r['mean_examined']:.1f}, {r['items_per_day']} items/day)"
        )
    print("seconds by phase, warm-up included:", rows[-1]["seconds_by_phase"])


if __name__ == "__main__":
    main()
