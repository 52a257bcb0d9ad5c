"""Does calibration find known parameters? Ranks of the truth over many repetitions in a small world.

    python experiments/calibration_ranks.py --repetitions 60 --out runs/ranks     # some ten minutes on 2 cores

Each repetition draws parameters from the prior, simulates a world, adds the stated error to its figures and calibrates to
them (`recsim.audit.ranks`; Talts et al. 2018). ``--error 3`` adds three times the error that the method is told: the ranks
must then leave uniformity. Finished repetitions are kept in the folder; a second call goes on where the first was stopped.
Writes ``ranks.json`` and ``ranks.svg|png``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import matplotlib
import numpy as np
from kept import kept
from matplotlib.figure import Figure
from scipy import stats

import recsim as rs
from recsim.audit.ranks import Repetition, repetition, uniformity
from recsim.experiment.calibration_file import read_calibration
from recsim.experiment.executor import default_workers
from recsim.experiment.run import source_digest
from recsim.experiment.summary import cleaned
from recsim.report.figures import BLACK, BLUE, ORANGE, STYLE
from recsim.report.saving import save


def repetitions(file: Path, wanted: int, factor: float, folder: Path, workers: int) -> tuple[list[Repetition], int]:
    """Those that left particles, and how many did not; from the folder as far as they are there."""
    found, scenario, _ = read_calibration(file)
    mark = hashlib.sha256(f"{found.model_dump_json()} {factor} {source_digest()}".encode()).hexdigest()[:12]
    files = [folder / f"{mark}-{k:05d}.json" for k in range(wanted)]
    tasks = [(found, scenario, k, factor) for k in range(wanted)]
    kept(repetition, tasks, files, _write, workers, "repetitions")
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [Repetition(**row) for row in rows if row], sum(row is None for row in rows)


def _write(path: Path, row: Repetition | None) -> None:
    path.write_text(json.dumps(row._asdict() if row else None), encoding="utf-8")


def picture(rows: list[Repetition], names: list[str], out: Path) -> None:
    """Ranks sorted against what uniform ones would be, with a 95 % band of the order statistics."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * len(names), 4.7), dpi=150, layout="constrained")
        count = len(rows)
        place = (np.arange(count) + 0.5) / count
        low, high = (stats.beta.ppf(q, np.arange(1, count + 1), np.arange(count, 0, -1)) for q in (0.025, 0.975))
        for axes, k in zip(np.atleast_1d(figure.subplots(1, len(names))), range(len(names)), strict=True):
            axes.fill_between(
                place, low, high, color=ORANGE, alpha=0.3, linewidth=0, label="95 % of uniform ranks, each"
            )
            axes.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8)
            axes.plot(
                place,
                np.sort([row.rank[k] for row in rows]),
                "o",
                color=BLUE,
                markersize=3.5,
                label="rank of the truth",
            )
            axes.set_title(names[k], loc="left")
            axes.set_xlabel("part of the repetitions, 0-1")
            axes.set_ylabel("rank among the particles, 0-1")
            axes.set_aspect("equal")
            axes.legend(frameon=False, fontsize=8, loc="upper left")
        save(figure, out, "ranks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=Path(__file__).resolve().with_suffix(".yaml"))
    parser.add_argument("--repetitions", type=int, default=60)
    parser.add_argument("--error", type=float, default=1.0, help="added errors, in those that the method is told")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--out", type=Path, default=Path("runs/ranks"))
    options = parser.parse_args()
    rows, nothing = repetitions(
        options.file, options.repetitions, options.error, options.out / "repetitions", options.workers
    )
    names = [axis.column for axis in read_calibration(options.file)[0].parameters]
    table = uniformity(rows, names)
    content = {
        "recsim": rs.__version__, "repetitions": options.repetitions, "nothing_left": nothing, "error_factor": options.error,
        "mean_tolerance": float(np.mean([row.tolerance for row in rows])),
        "tolerance_1": float(np.mean([row.tolerance <= 1 for row in rows])),
        "mean_effective": float(np.mean([row.effective for row in rows])),
        "mean_left": float(np.mean([row.left for row in rows])), "truth_held": float(np.mean([row.held for row in rows])),
        "parameters": table.to_dict("records"), "ranks": [row.rank for row in rows], "truth": [row.truth for row in rows],
    }  # fmt: skip
    (options.out / "ranks.json").write_text(
        json.dumps(cleaned(content), indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    picture(rows, names, options.out)
    print({k: v for k, v in content.items() if k not in ("parameters", "ranks", "truth")})
    print(table.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
