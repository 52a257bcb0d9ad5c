"""Dose-response: how the shift grows with the number of inauthentic accounts.

    python experiments/dose_response.py configs/small.yaml --doses 0 0.3 1 3 10 --replicates 8 --out runs/dose

Writes ``dose_response.csv`` and ``dose_response.png``. All doses share every draw of luck, and smaller doses' accounts are a
subset of larger ones'.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import recsim as rs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--doses", type=float, nargs="+", default=[0, 0.3, 1, 3, 10])
    parser.add_argument("--replicates", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("runs/dose-response"))
    options = parser.parse_args()
    rows = []
    for dose in options.doses:
        scenario = rs.load(options.config, [f"dose={dose}"])
        result = rs.run(scenario, replicates=options.replicates, store=False, robustness=False)
        shift = result.shift()
        for row in shift[shift["beneficiary"]].to_dict("records"):
            rows.append({"dose": dose, "dose_ratio": result.summary["dose_ratio"], **row})
            print(
                f"dose {dose:g}: {row['candidate']} {row['shift_pp']:+.2f} pp ({row['ci_low']:+.2f} to {row['ci_high']:+.2f})"
            )
    table = pd.DataFrame(rows)
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "dose_response.csv", index=False)
    figure = Figure(figsize=(6, 4), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for name, mine in table.groupby("candidate"):
        below, above = mine["shift_pp"] - mine["ci_low"], mine["ci_high"] - mine["shift_pp"]
        axes.errorbar(mine["dose_ratio"], mine["shift_pp"], yerr=[below, above], marker="o", capsize=3, label=name)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=0.03)
    axes.set_xlabel("dose: inauthentic actions per organic action on the beneficiary's items")
    axes.set_ylabel("shift, percentage points (95 % interval)")
    axes.set_title("Dose-response, in this model", loc="left")
    axes.legend(frameon=False)
    figure.savefig(options.out / "dose_response.png")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
