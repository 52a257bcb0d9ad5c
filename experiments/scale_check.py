"""Scale check at three sizes: does the answer depend on how many people are simulated?

    python experiments/scale_check.py configs/romania.yaml --factors 0.5 1 2 --replicates 24 --out runs/scale

Everything else is held: the number of items, parameters at their central values, seed. Writes a table and a picture.
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
    parser.add_argument("--factors", type=float, nargs="+", default=[0.5, 1, 2])
    parser.add_argument("--replicates", type=int, default=24)
    parser.add_argument("--out", type=Path, default=Path("runs/scale-check"))
    options = parser.parse_args()
    base = rs.load(options.config)
    rows = []
    for factor in options.factors:
        scenario = rs.load(options.config, [f"population.scale={base.population.scale * factor}"])
        result = rs.run(scenario, replicates=options.replicates, store=False, robustness=False, fixed_parameters=True)
        shift = result.shift()
        for row in shift[shift["beneficiary"]].to_dict("records"):
            facts = result.summary["facts"]
            rows.append(
                {
                    "people": result.summary["people"], "candidate": row["candidate"],
                    "shift_pp": row["shift_pp"], "ci_low": row["ci_low"], "ci_high": row["ci_high"],
                    "luck_band_pp": row["luck_band_pp"], "share_counterfactual": row["share_counterfactual"],
                    "dose_ratio": result.summary["dose_ratio"], "gini_views": facts["gini_views"],
                    "largest_reach": facts["largest_reach"], "like_rate": facts["like_rate"],
                }
            )  # fmt: skip
            print({k: round(v, 3) if isinstance(v, float) else v for k, v in rows[-1].items()}, flush=True)
    table = pd.DataFrame(rows)
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "scale_check.csv", index=False)
    figure = Figure(figsize=(6, 3.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for name, mine in table.groupby("candidate"):
        low, high = mine["shift_pp"] - mine["ci_low"], mine["ci_high"] - mine["shift_pp"]
        axes.errorbar(
            mine["people"], mine["shift_pp"], yerr=[low, high], marker="o", capsize=4, linestyle="none", label=name
        )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(table["people"])), [f"{p:,}" for p in sorted(set(table["people"]))])
    axes.minorticks_off()
    axes.set_xlabel("simulated people (items held fixed)")
    axes.set_ylabel("shift, percentage points\n(95 % interval)")
    axes.set_title("Scale check", loc="left")
    axes.margins(x=0.1)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, borderpad=0)
    figure.savefig(options.out / "scale_check.png")


if __name__ == "__main__":
    main()
