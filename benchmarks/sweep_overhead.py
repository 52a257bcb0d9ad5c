"""What a sweep costs beside the simulating itself: time of all processes, against a plain loop over the same cells.

Processor time says something on a shared machine, too; time by the clock only on an idle one. Two sizes tell the fixed part
(workers that start, import and load compiled code) from the part of each cell.

    python benchmarks/sweep_overhead.py [--cells 40 120] [--workers 2] [--cluster local]
    python benchmarks/sweep_overhead.py --cells 100 1000      # measured at a thousand, about ten minutes
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from recsim.experiment.cells import bare, rows_of
from recsim.experiment.study import with_settings
from recsim.experiment.sweep import sweep
from recsim.scenario import load, realise
from recsim.world import warm
from recsim.world.pair import simulate_replicate

ROOT = Path(__file__).resolve().parent.parent


def used() -> np.ndarray:
    """Processor seconds of this process and of its children that have ended, and seconds by the clock."""
    t = os.times()
    return np.array([t.user + t.system + t.children_user + t.children_system, time.perf_counter()])


def plain(scenario, doses) -> np.ndarray:
    began = used()
    for dose in doses:
        made = bare(with_settings(scenario, {"dose": dose}, "loop", "loop"))
        rows_of(made, simulate_replicate(realise(made, made.run.seed, 0), 0))
    return used() - began


def swept(scenario, doses, folder: Path, **options) -> np.ndarray:
    began = used()
    sweep(scenario, {"dose": doses}, replicates=1, out=folder / "s", cells=folder / "c", **options)
    return used() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs=2, default=[40, 120])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--cluster",
        choices=["local"],
        help="no other: workers elsewhere are not children, and their time would be left out",
    )
    options = parser.parse_args()
    scenario = load(ROOT / "configs" / "small.yaml", ["run.luck_branches=1", "run.replicates=1"])
    warm.warm(scenario)
    times: dict[str, list[np.ndarray]] = {"plain loop": [], "sweep": []}
    for count in options.cells:
        doses = [round(0.25 + 4 * k / count, 6) for k in range(count)]
        times["plain loop"].append(plain(scenario, doses))
        with tempfile.TemporaryDirectory() as name:
            more = {"workers": options.workers, "cluster": options.cluster}
            times["sweep"].append(swept(scenario, doses, Path(name), **more))
        loop, study = times["plain loop"][-1], times["sweep"][-1]
        print(f"{count} cells: plain loop {loop[0]:.1f} s, sweep {study[0]:.1f} s of processor time; by the clock {loop[1]:.1f} and "
              f"{study[1]:.1f} s, {study[1] / loop[1] * options.workers:.3f} of the loop's time over {options.workers} workers",
              flush=True)  # fmt: skip
    few, many = options.cells
    each = {name: (b[0] - a[0]) / (many - few) for name, (a, b) in times.items()}
    fixed = times["sweep"][0][0] - few * each["sweep"]
    print(
        f"each cell: plain loop {each['plain loop']:.3f} s, sweep {each['sweep']:.3f} s; fixed part of a sweep {fixed:.1f} s"
    )
    ratio = (fixed + 1000 * each["sweep"]) / (1000 * each["plain loop"])
    print(f"1,000 cells: {ratio:.3f} of the plain loop's processor time")
    print(f"at cells of 1 s: {100 * (each['sweep'] - each['plain loop']):.1f} % for each, beside the fixed part")


if __name__ == "__main__":
    main()
