"""What would audits with donated logs have concluded, in worlds of which the truth is known?

    python experiments/audit_the_audits.py                                    # 400 worlds, some ten minutes on 2 cores
    python experiments/audit_the_audits.py --worlds 20 --out runs/audits-quick    # for a look

In each world a network acts for one candidate for two weeks, or, all else alike, does not. 3 to 100 donors, and everybody, give what
they were shown then and in the two weeks before, and `recsim measure` makes of it what it makes of a real audit's log. How far
are shares from those of all people? And how often does an audit see a manipulation where nobody acted, if it takes for one that a
share has changed since before, or that it is not what a poll says? Finished worlds are kept in the folder; a second call goes on where
the first was stopped. Writes ``audits.csv`` (rates), ``worlds.parquet`` (every world) and ``audits.svg|png``.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from kept import kept
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import recsim as rs
from recsim.audit import rehearsal
from recsim.audit.rehearsal import CHANGE, DISTANCE, DONORS, SHARE
from recsim.experiment.executor import default_workers
from recsim.experiment.run import run_fingerprint
from recsim.report.figures import BLACK, BLUE, LINES, ORANGE, STYLE
from recsim.report.saving import save

BATCH = 5
NUMBERS = (3, 10, 30, 100)


def worlds(scenario: rs.Scenario, wanted: int, folder: Path, workers: int) -> pd.DataFrame:
    """What audits said in each world, from the folder as far as it is there."""
    code = Path(rehearsal.__file__).read_bytes() + repr((NUMBERS, BATCH)).encode()
    mark = f"{run_fingerprint(scenario, fixed_parameters=False)[:12]}-{hashlib.sha256(code).hexdigest()[:6]}"
    files = [folder / f"{mark}-{k:05d}.parquet" for k in range(-(-wanted // BATCH))]
    tasks = [(scenario, k * BATCH, BATCH, NUMBERS) for k in range(len(files))]
    kept(rehearsal.rehearse, tasks, files, _write, workers, f"batches of {BATCH} worlds")
    found = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    return found[found["replicate"] < wanted]


def _write(path: Path, found: pd.DataFrame) -> None:
    found.to_parquet(path, index=False)


def picture(said: pd.DataFrame, table: pd.DataFrame, out: Path) -> None:
    """False alarms by number of donors; what the change since before says against what is true; shares that intervals hold."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 4.4), dpi=150, layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        _alarms(left, table)
        _change(middle, said)
        _shares(right, table)
        save(figure, out, "audits")


def _by_number(axes: Axes, rows: pd.DataFrame, name: str, label: str, style: tuple[str, str, str]) -> None:
    rows = rows.dropna(subset=[name]).sort_values("number")
    colour, marker, line = style
    y = 100 * rows[name].to_numpy()
    ends = 100 * rows[[f"{name}_low", f"{name}_high"]].to_numpy().T
    bars = np.abs(ends - y)
    axes.errorbar(rows["number"], y, yerr=bars, color=colour, fmt=marker + line, capsize=3, markersize=5, label=label)


def _ticks(axes: Axes, table: pd.DataFrame) -> None:
    numbers = sorted(set(table["number"]))
    axes.set_xscale("log")
    axes.set_xticks(numbers, [f"{n:,}" for n in numbers])
    axes.minorticks_off()
    axes.set_xlabel("donors")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=8)


def _alarms(axes: Axes, table: pd.DataFrame) -> None:
    rows = table[(table["donors"] == "at random") & ~table["acting"]]
    names = ((CHANGE, "the share has changed since before"), (DISTANCE, "the share is not what a poll says"))
    for (question, label), style in zip(names, LINES, strict=False):
        _by_number(axes, rows[rows["question"] == question], "apart", label, style)
    axes.axhline(5, color=BLACK, linewidth=0.8)
    axes.set_ylim(0, 102)
    axes.set_ylabel("worlds in which an interval leaves out 0, %")
    axes.set_title("Nobody acted: what passes for manipulation", loc="left", fontsize=9)
    _ticks(axes, table)


def _change(axes: Axes, said: pd.DataFrame) -> None:
    rows = said[(said["question"] == CHANGE) & (said["donors"] == "at random")]
    rows = rows[rows["number"] == max(NUMBERS)]
    for acting, colour, marker, label in ((True, ORANGE, "o", "the network acts"), (False, BLUE, "x", "nobody acts")):
        some = rows[rows["acting"] == acting]
        axes.plot(some["truth"], some["estimate"], marker, color=colour, markersize=3.5, alpha=0.6, label=label)
    ends = np.array([min(0.0, rows["truth"].min()), rows["truth"].max()])
    axes.plot(ends, ends, color=BLACK, linewidth=0.8, label="right")
    axes.set_xlabel("true shift, percentage points")
    axes.set_ylabel("change since before, percentage points")
    axes.set_title(f"{max(NUMBERS)} donors: change and truth, one point a world", loc="left", fontsize=9)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=8, ncols=3)


def _shares(axes: Axes, table: pd.DataFrame) -> None:
    rows = table[(table["question"] == SHARE) & table["acting"] & (table["number"] <= max(NUMBERS))]
    for donors, style in zip(DONORS, LINES, strict=True):
        _by_number(axes, rows[rows["donors"] == donors], "covered", f"donors {donors}", style)
    axes.axhline(95, color=BLACK, linewidth=0.8)
    axes.set_ylim(top=101)
    axes.set_ylabel("intervals that hold the share of all people, %")
    axes.set_title("What was shown: 95 % intervals", loc="left", fontsize=9)
    _ticks(axes, rows)


def main() -> None:
    """Rehearse, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path(__file__).resolve().with_suffix(".yaml"))
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--out", type=Path, default=Path("runs/audits"))
    options = parser.parse_args()
    said = worlds(rs.load(options.config), options.worlds, options.out / "worlds", options.workers)
    table = rehearsal.rates(said)
    said.to_parquet(options.out / "worlds.parquet", index=False)
    table.round(4).to_csv(options.out / "audits.csv", index=False)
    picture(said, table, options.out)
    shown = [*rehearsal.KEYS, "with_interval", "truth", "bias", "bias_se", "rmse", "covered", "above", "apart"]
    print(table[shown].to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
