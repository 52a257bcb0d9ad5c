"""Is a 95 % interval one? Some 1,900 studies of a small scenario: attacked or without an effect, draws independent or balanced.

    python experiments/interval_coverage.py --studies 1900 --replicates 10 --out runs/coverage     # about half an hour on 2 cores
    python experiments/interval_coverage.py --studies 20 --replicates 5 --out runs/coverage-quick   # for a look

In the first world one network acts for one candidate: do intervals hold the mean over all replicates? In the next two
candidates who differ in nothing but luck have a network each: how often does a test see a shift that is not there? Then the same
two with ranged numbers drawn evenly over each ten replicates (``run.draws: balanced``; ``--balanced`` says how many replicates they
get, 0 leaves them out); intervals there are held against the mean of the independent ones if these are more. Studies of
10 to 100 replicates are also drawn from the independent ones with replacement: so many of a size that a per cent shows. At
zero dose nothing is left to chance: that is a test of the suite. Replicates are kept in the folder in batches; a second
call goes on where the first was stopped. Writes ``coverage.csv``, ``coverage.json``, ``shifts.npz`` (the shift
of every replicate, for whoever wants to try another interval) and ``coverage.svg|png``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from kept import kept
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import recsim as rs
from recsim.audit.coverage import coverage, drawn_studies, exchangeable, shifts_of
from recsim.experiment.executor import default_workers, run_tasks
from recsim.experiment.run import run_fingerprint
from recsim.experiment.summary import cleaned
from recsim.metrics import wilson
from recsim.report.figures import BLUE, GREEN, ORANGE, PINK
from recsim.report.saving import save

BATCH = 50
SMALL = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "audit.shadows=[]"]
SIZES = (5, 10, 20, 30)
DRAWN = (10, 20, 30, 50, 100)
"""Sizes of studies drawn from the replicates: cut from them they would be few."""


def replicates_of(scenario: rs.Scenario, count: int, folder: Path, workers: int) -> np.ndarray:
    """(count, C) shifts, from the folder as far as they are there."""
    mark = run_fingerprint(scenario, fixed_parameters=False)[:12]
    files = [folder / f"{scenario.name}-{mark}-{k:05d}.npy" for k in range(-(-count // BATCH))]
    tasks = [(scenario, k * BATCH, BATCH) for k in range(len(files))]
    kept(shifts_of, tasks, files, _write, workers, f"{scenario.name}: batches of {BATCH}")
    return np.concatenate([np.load(file) for file in files])[:count]


def _write(path: Path, found: np.ndarray) -> None:
    with path.open("wb") as out:  # given a name, NumPy would add its ending
        np.save(out, found)


def picture(table: pd.DataFrame, out: Path) -> None:
    """Left: how many intervals hold the mean; right: how often what is not so is said."""
    figure = Figure(figsize=(8, 4.6), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes = sorted(set(table["size"][table["world"].str.endswith("drawn")]))
    place = {size: k for k, size in enumerate(sizes)}

    def line(
        axes: Axes, world: str, values: str, label: str, style: str, colour: str, shift: float = 0.0, less: float = 0.0
    ) -> None:
        rows = table[table["world"] == world].dropna(subset=[values]).sort_values("size")
        y = np.abs(less - 100 * rows[values])
        share = rows[values].to_numpy()
        bars = 100 * np.abs(
            np.array([wilson(round(s * n), n) for s, n in zip(share, rows["studies"], strict=True)]).T - share
        )
        axes.errorbar(
            [place[s] + shift for s in rows["size"]], y, yerr=bars if less == 0 else bars[::-1], fmt=style, color=colour, label=label,
            capsize=3, markersize=5,
        )  # fmt: skip

    line(left, "attacked, drawn", "covered_either", "printed: whichever reaches further", "D-", GREEN)
    line(left, "attacked, drawn", "covered_bootstrap_t", "studentised bootstrap alone", "s:", ORANGE, -0.12)
    line(left, "attacked, drawn", "covered", "Student's t alone", "o--", BLUE, 0.12)
    left.axhspan(94, 96, color="0.85", linewidth=0)
    left.axhline(95, color="black", linewidth=0.8)
    left.set_ylabel("95 % intervals that hold the mean, %")
    left.set_title("One network acts", loc="left")
    line(right, "exchangeable, drawn", "covered_either", "no effect: interval leaves out zero", "D-", GREEN, less=100.0)
    line(right, "exchangeable, drawn", "rejected_t", "no effect: p below 0.05 (Student's t)", "o--", BLUE, 0.12)
    line(right, "attacked, drawn", "below", "at the threshold: called below", "^-", PINK)
    line(right, "attacked, drawn", "below_t", "the same by Student's t alone", "v:", ORANGE, -0.12)
    right.axhline(5, color="black", linewidth=0.8)
    right.set_ylabel("studies that say it, %")
    right.set_ylim(0)
    right.set_title("What is said and is not so", loc="left")
    for axes in (left, right):
        axes.set_xlabel("replicates of a study")
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=8)
    save(figure, out, "coverage")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--config", type=Path, default=Path(__file__).resolve().parent.parent / "configs" / "small.yaml"
    )
    parser.add_argument("--studies", type=int, default=1900, help="of --replicates each")
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--null", type=int, help="replicates of the two candidates without an effect; default: as many")
    parser.add_argument("--balanced", type=int, default=2000, help="replicates with balanced draws")
    parser.add_argument("--drawn", type=int, default=1900, help="studies of each size drawn from the replicates")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--out", type=Path, default=Path("runs/coverage"))
    options = parser.parse_args()
    base = rs.load(options.config, SMALL)
    count, rows, worlds = options.studies * options.replicates, [], {}
    even = rs.load(options.config, [*SMALL, "run.draws=balanced"])
    asked = (
        ("attacked", base, count),
        ("exchangeable", exchangeable(base), count if options.null is None else options.null),
        ("attacked, balanced", even, options.balanced),
        ("exchangeable, balanced", exchangeable(even), options.balanced),
    )
    row_of: dict[str, np.ndarray] = {}
    truths: dict[str, tuple[int, float]] = {}  # of either world: replicates it is the mean of, and the mean
    for world, scenario, wanted in asked:
        if not wanted:
            continue
        shifts = replicates_of(scenario, wanted, options.out / "batches", options.workers)
        promoted = scenario.campaigns[0].beneficiary
        x = shifts[:, [c.id for c in scenario.candidates].index(promoted)]
        row_of[world] = x
        kind, independent = world.partition(",")[0], "," not in world
        truths[kind] = max(truths.get(kind, (0, 0.0)), (len(x), float(np.nanmean(x))))
        worlds[world] = {"mean_pp": float(np.nanmean(x)), "sd_pp": float(np.nanstd(x, ddof=1)), "replicates": len(x)}
        sizes = [s for s in SIZES if len(x) // s >= 2]
        rows += [{"world": world, **coverage(x, size, truth=truths[kind][1])._asdict()} for size in sizes]
        if independent:
            tasks = [(drawn_studies(x, size, options.drawn), size, True, float(np.nanmean(x)), False) for size in DRAWN]
            for _, one in sorted(run_tasks(coverage, tasks, options.workers, lambda done: None)):
                rows.append({"world": f"{world}, drawn", **one._asdict()})
    shifts = {world.replace(", ", "-"): x.astype(np.float32) for world, x in row_of.items()}
    np.savez_compressed(options.out / "shifts.npz", **shifts)
    table = pd.DataFrame(rows)
    table.to_csv(options.out / "coverage.csv", index=False)
    content = {"recsim": rs.__version__, "scenario": base.name, "set": SMALL, "worlds": worlds, "rows": rows}
    (options.out / "coverage.json").write_text(
        json.dumps(cleaned(content), indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    picture(table, options.out)
    print(pd.DataFrame(worlds).T.to_string(float_format="{:.3f}".format))
    print(table.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
