"""A world in shards beside the same world whole: time, bytes exchanged, share of time waiting.

    python benchmarks/shards.py [--people 45000] [--shards 1 2 4] [--policy NAME]

Shards share the machine: with more of them than cores they wait for each other's processor time as well, which says nothing about
shards on machines of their own; bytes do not depend on that.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import recsim as rs
from recsim.experiment.executor import default_workers
from recsim.experiment.run import configured
from recsim.world.plan import make_plan

ROOT = Path(__file__).resolve().parent.parent


def measure(scenario, shards: int) -> dict:
    """One replicate; ``shards`` 1 is the plain run with as many threads as cores."""
    options = {"shards": shards, "threads": 1} if shards > 1 else {"workers": 1, "threads": default_workers()}
    with tempfile.TemporaryDirectory() as folder:
        result = rs.run(scenario, out=Path(folder) / "r", fixed_parameters=True, robustness=False, **options)
        meta = json.loads((Path(folder) / "r" / "manifest.json").read_text())["replicate_meta"][0]
    inside = sum(meta["seconds"].values())  # of the first shard, from the first draw to the last table
    return {
        "digest": result.summary["fingerprint"],
        "meta": meta,
        "simulate_s": result.summary["timing"]["simulate_s"],
        "inside": inside,
    }


def steps_of(scenario) -> int:
    """Steps that are simulated: the shared days once, then two arms in every luck branch."""
    plan = make_plan(scenario)
    fork = min(plan.step_of(plan.first_day), plan.steps)
    return fork + 2 * scenario.run.luck_branches * (plan.steps - fork)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[45_000])
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "romania-full.yaml")
    parser.add_argument("--policy")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    print(
        f"{'people':>9}{'shards':>8}{'threads':>9}{'whole, s':>10}{'inside, s':>11}{'kB a step in':>14}{'out':>9}{'rounds':>8}{'waiting':>9}"
    )
    for people in options.people:
        whole = rs.load(options.config).population.people.value
        scenario = rs.load(options.config, [f"population.scale={people / whole}", *options.set])
        scenario = configured(scenario, None, None, options.policy)
        steps = steps_of(scenario)
        for shards in options.shards:
            found = measure(scenario, shards)
            took = found["meta"].get("shards", {"bytes_in": 0, "bytes_out": 0, "rounds": 0, "waited_s": [0.0]})
            waiting = sum(took["waited_s"]) / shards / found["inside"]
            threads = 1 if shards > 1 else default_workers()
            print(f"{people:>9}{shards:>8}{threads:>9}{found['simulate_s']:>10.1f}{found['inside']:>11.1f}"
                  f"{took['bytes_in'] / steps / 1e3:>14.1f}{took['bytes_out'] / steps / 1e3:>9.1f}{took['rounds']:>8}"
                  f"{100 * waiting:>8.0f}%", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
