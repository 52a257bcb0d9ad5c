"""Romania one to one at the documented activity, for a few days: time and memory of each, and what all days would take.

    python benchmarks/full_days.py [--days 2] [--people 8970000] [--videos-per-day 190] [--threads 2]

The shared world of configs/romania-full.yaml from its first day, with nothing kept between steps. Time is by the clock, so nothing else
should run. The extrapolation takes every later day, of both worlds, for the last one measured; its error is how far the day
before it differs: two days show how far days differ, not how they grow.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.rounds import peak_bytes
from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.footprint import PROCESS, replicate_bytes
from recsim.world.plan import make_plan
from recsim.world.warm import warm
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--people", type=int, default=8_970_000)
    parser.add_argument("--videos-per-day", type=float, default=190.0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    base = load(ROOT / "configs" / "romania-full.yaml")
    real, each = base.population.people.value, base.activity.videos_per_visit.value
    settings = [f"population.scale={options.people / real}", f"activity.visits_per_day={options.videos_per_day / each}"]
    scenario = load(ROOT / "configs" / "romania-full.yaml", settings)
    warm(load(ROOT / "configs" / "romania-full.yaml", ["population.scale=0.00002"]))
    plan = make_plan(scenario)
    late = 1 - plan.first_day
    both = plan.steps // plan.steps_per_day + late
    print(
        f"{plan.people:,} people, {options.videos_per_day:g} videos a day, {options.threads} threads; {both} simulated days in both "
        f"worlds; announced at most {(replicate_bytes(plan, options.threads) + PROCESS) / 2**30:.1f} GiB", flush=True,
    )  # fmt: skip
    began = time.perf_counter()
    world = World(plan, build_state(plan, Key(1, 0)), Key(1, 0), SHARED, threads=options.threads)
    built = time.perf_counter() - began
    print(f"built in {built:.0f} s, at most {peak_bytes() / 2**30:.2f} GiB", flush=True)
    spent: list[float] = []
    seen = 0
    for day in range(options.days):
        began = time.perf_counter()
        world.run_until((day + 1) * plan.steps_per_day)
        spent.append(time.perf_counter() - began)
        new, seen = int(world.record.feed[3]) - seen, int(world.record.feed[3])
        print(
            f"day {day + 1}: {spent[-1]:.0f} s, {new / 1e6:,.0f} M impressions, {new / spent[-1] / 1e6:.2f} M/s, at most "
            f"{peak_bytes() / 2**30:.2f} GiB so far", flush=True,
        )  # fmt: skip
    if len(spent) > 1:
        hours, error = (both * spent[-1] + built) / 3600, both * abs(spent[-1] - spent[-2]) / 3600
        print(f"all {both} days: {hours:.1f} h, give or take {error:.1f}")


if __name__ == "__main__":
    main()
