"""Memory of one world, array by array: what `recsim.world.footprint` expects, what there is, and what the process takes.

    python benchmarks/memory.py [--people 120000] [--days 5.5] [--config configs/romania-full.yaml]

A child process builds a world of the scenario at that size and runs it; memory of people is at its fullest when the first items
expire (five days in the Romanian case). Bytes per person are the growth of the resident set since before the world was built, less
the follow graph and items, over people; at small sizes that holds a share of what does not grow with people.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.footprint import ITEM, people_parts, person_bytes
from recsim.world.plan import make_plan
from recsim.world.seen import pages_in_use
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent


def resident() -> float:
    """Resident set now, bytes; where the system does not say, the largest so far."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * float(resource.getpagesize())
    except OSError:
        return largest()


def largest() -> float:
    """Largest resident set so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024.0)


def warm(config: Path) -> None:
    """Compile everything, so that the compiler's memory is not taken for the world's."""
    plan = make_plan(load(config, ["population.scale=0.0001"]))
    world = World(plan, build_state(plan, Key(1, 0), paged=True), Key(1, 0), SHARED)
    world.run_until(2)


def measure(config: Path, people: int, days: float) -> dict:
    """Build, run and weigh one world; in this process."""
    warm(config)
    scenario = load(config)
    scenario = load(config, [f"population.scale={people / scenario.population.people.value}"])
    plan, before, began = make_plan(scenario), resident(), time.process_time()
    state = build_state(plan, Key(1, 0))
    built, build_s = largest(), time.process_time() - began
    world = World(plan, state, Key(1, 0), SHARED)
    most_pages = 0
    while world.now < round(days * plan.steps_per_day):
        world.step()
        pages = state.observed.pages
        most_pages = max(most_pages, pages_in_use(pages))
    after = resident()
    observed, tally, latent, pages = state.observed, world.feed.tally, state.latent, state.observed.pages
    there = {
        "taste": latent.taste.nbytes, "other traits": sum(a.nbytes for a in latent) - latent.taste.nbytes,
        "segment, region, language, age band": sum(a.nbytes for a in state.cells),
        "estimated taste": observed.estimate.nbytes, "inbox": observed.inbox.nbytes + observed.inbox_next.nbytes,
        "shown items": observed.seen.nbytes + pages.last.nbytes + pages.filled.nbytes + most_pages * pages.entry[:1].nbytes,
        "stratum, order": observed.stratum.nbytes + world.feed.order.nbytes,
        "reach, impressions of candidates": tally.reached.nbytes + tally.met.nbytes,
    }  # fmt: skip
    accounts = state.accounts
    graph = accounts.person.nbytes + 4 * int(accounts.used[0])
    fixed = graph + len(state.items.id) * ITEM
    return {
        "people": plan.people, "steps": world.now, "build_s": build_s, "graph_bytes_per_person": graph / plan.people,
        "build_peak": built - before, "expected": {p.name: p.each for p in people_parts(plan)},
        "there": {name: size / plan.people for name, size in there.items()}, "person_bytes": person_bytes(plan),
        "resident": (after - before - fixed) / plan.people, "run_s": time.process_time() - began - build_s,
        "examined": int(world.record.feed[3]), "seconds": world.seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[120_000])
    parser.add_argument("--days", type=float, default=5.5)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "romania-full.yaml")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.config, options.people[0], options.days)))
        return
    for people in options.people:
        command = [sys.executable, __file__, "--child", "--people", str(people), "--days", str(options.days)]
        found = subprocess.run([*command, "--config", str(options.config)], capture_output=True, text=True, check=True)
        row = json.loads(found.stdout.splitlines()[-1])
        print(f"{row['people']} people, {row['steps']} steps; built in {row['build_s']:.1f} s of processor time, at most "
              f"{row['build_peak'] / 2**20:.0f} MiB; run in {row['run_s']:.0f} s")  # fmt: skip
        print(f"{'bytes per person':<42}{'expected':>10}{'there':>10}")
        for name, each in row["expected"].items():
            print(f"{name:<42}{each:>10.1f}{row['there'].get(name, float('nan')):>10.1f}")
        print(f"{'all':<42}{row['person_bytes']:>10.1f}{row['resident']:>10.1f}  (resident set)")
        print(f"{'follow graph, besides':<42}{'':>10}{row['graph_bytes_per_person']:>10.1f}")


if __name__ == "__main__":
    main()
