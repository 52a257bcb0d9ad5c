"""What a sweep costs beside the simulating itself: processor time of all processes, against a plain loop over the same cells.

Wall times on a shared machine say nothing; processor time does. Two sizes tell the fixed part (workers that start, import
and load compiled code) from the part of each cell; the rest is arithmetic.

    python benchmarks/sweep_overhead.py [--cells 40 120] [--workers 2] [--cluster local]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from recsim.experiment.cells import bare, rows_of
from recsim.experiment.study import with_settings
from recsim.experiment.sweep import sweep
from recsim.scenario import load, realise
from recsim.world import warm
from recsim.world.pair import simulate_replicate

ROOT = Path(__file__).resolve().parent.parent


def used() -> float:
    """Processor seconds of this process and of its children that have ended."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def plain(scenario, doses) -> float:
    began = used()
    for dose in doses:
        made = bare(with_settings(scenario, {"dose": dose}, "loop", "loop"))
        rows_of(made, simulate_replicate(realise(made, made.run.seed, 0), 0))
    return used() - began


def swept(scenario, doses, folder: Path, **options) -> float:
    began = used()
    sweep(scenario, {"dose": doses}, replicates=1, out=folder / "s", cells=folder / "c", **options)
    return used() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs=2, default=[40, 120])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cluster")
    options = parser.parse_args()
    scenario = load(ROOT / "configs" / "small.yaml", ["run.luck_branches=1", "run.replicates=1"])
    warm.warm(scenario)
    times: dict[str, list[float]] = {"plain loop": [], "sweep": []}
    for count in options.cells:
        doses = [round(0.25 + 4 * k / count, 6) for k in range(count)]
        times["plain loop"].append(plain(scenario, doses))
        with tempfile.TemporaryDirectory() as name:
            more = {"workers": options.workers, "cluster": options.cluster}
            times["sweep"].append(swept(scenario, doses, Path(name), **more))
        print(
            f"{count} cells: plain loop {times['plain loop'][-1]:.1f} s, sweep {times['sweep'][-1]:.1f} s of processor time"
        )
    few, many = options.cells
    each = {name: (b - a) / (many - few) for name, (a, b) in times.items()}
    fixed = times["sweep"][0] - few * each["sweep"]
    print(
        f"each cell: plain loop {each['plain loop']:.3f} s, sweep {each['sweep']:.3f} s; fixed part of a sweep {fixed:.1f} s"
    )
    ratio = (fixed + 1000 * each["sweep"]) / (1000 * each["plain loop"])
    print(f"1,000 cells: {ratio:.3f} of the plain loop's processor time")
    print(f"at cells of 1 s: {100 * (each['sweep'] - each['plain loop']):.1f} % for each, beside the fixed part")


if __name__ == "__main__":
    main()
