"""Lorenz curves: how unequally exposure falls on items, creators and people."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from recsim.experiment.result import Result
from recsim.report.figures import BLUE, RED
from recsim.report.strings import say

ARMS = (("counterfactual", BLUE, "o", "-"), ("factual", RED, "D", (0, (4, 2))))
UNITS = {"items": "lorenz_items", "creators": "lorenz_creators", "people": "lorenz_people"}


def lorenz_points(result: Result) -> pd.DataFrame | None:
    """Curves of both worlds, mean over branches and replicates; None where an older run kept none."""
    table = result.frames.get("lorenz")
    if table is None:
        return None
    table = table[table["arm"].isin([name for name, *_ in ARMS])].astype({"arm": str, "of": str})
    return None if not len(table) else table.groupby(["arm", "of", "smallest"], as_index=False)[["held", "gini"]].mean()


def lorenz_curves(result: Result) -> Figure | None:
    """Three curves with and without the campaigns, and how much the largest tenth holds."""
    points = lorenz_points(result)
    if points is None:
        return None
    units = [name for name in UNITS if points[points["of"] == name]["held"].notna().any()]
    if not units:
        return None
    figure = Figure(figsize=(7.2, 3.15), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(units), sharey=True, squeeze=False)[0]
    for axes, of in zip(panels, units, strict=True):
        axes.plot([0, 100], [0, 100], color="#888888", linewidth=0.9, linestyle=":", label=say("lorenz_equal"))
        notes = []
        for arm, colour, marker, line in ARMS:
            mine = points[(points["of"] == of) & (points["arm"] == arm)].sort_values("smallest")
            if not mine["held"].notna().any():
                continue
            axes.plot(
                100 * mine["smallest"], 100 * mine["held"], linestyle=line, color=colour, marker=marker, markersize=3,
                linewidth=1.5, label=say(f"lorenz_{arm}"),
            )  # fmt: skip
            top = 1 - float(mine[mine["smallest"] == 0.9]["held"].iloc[0])
            notes.append(say(f"lorenz_note_{arm}", gini=float(mine["gini"].iloc[0]), top=100 * top))
        axes.text(0.04, 0.97, "\n".join(notes), transform=axes.transAxes, va="top", fontsize=7, linespacing=1.35)
        axes.set_title(say(UNITS[of]), fontsize=9, loc="left")
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.set_aspect("equal")
        axes.set_xticks([0, 50, 100])
        axes.set_xlabel(say("lorenz_smallest"))
    panels[0].set_ylabel(say("lorenz_held"))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure
