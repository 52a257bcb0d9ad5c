"""Figure of the declared windows: the largest shifts in each, beside those of the whole campaign window."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from recsim.experiment.result import Result
from recsim.report.figures import BLACK, BLUE, RED, names_of
from recsim.report.strings import say
from recsim.scenario.schema import in_days

MOST = 6
"""Candidates that are drawn: beneficiaries, then those with the largest shift in any of the windows."""
COLUMNS = 3
WHOLE = ""
"""Stands for the whole campaign window, which no declared one can be called."""


def windows_data(result: Result) -> pd.DataFrame:
    """What the figure shows: window ("" the whole), first, last, candidate, shift_pp, ci_low, ci_high."""
    keep = ["window", "first", "last", "candidate", "shift_pp", "ci_low", "ci_high"]
    first = result.summary["window_first_day"]
    days = {WHOLE: (first, 0)} | {w.id: (w.first, w.last) for w in result.windows}
    table = pd.concat([result.shift().assign(window=WHOLE), result.by("window")], ignore_index=True)
    ends = pd.DataFrame([days[name] for name in table["window"]], columns=["first", "last"], index=table.index)
    return table.assign(**ends)[keep]


def _chosen(result: Result, table: pd.DataFrame) -> list[str]:
    promoted = list(result.summary["beneficiaries"])
    largest = table["shift_pp"].abs().groupby(table["candidate"]).max().sort_values(ascending=False, kind="stable")
    return [*promoted, *(str(name) for name in largest.index if name not in promoted)][:MOST]


def shift_by_window(result: Result) -> Figure | None:
    """Small multiples: the largest shifts in the whole window and in each declared one; None if none is declared."""
    if not result.windows:
        return None
    table, names = windows_data(result), names_of(result)
    chosen = _chosen(result, table)[::-1]
    panels = list(dict.fromkeys(table["window"]))
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(7.4, 0.2 * rows * len(chosen) + 0.75 * rows + 0.9), dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(panels):
            axes.set_visible(False)
            continue
        here = table[table["window"] == panels[number]].set_index("candidate")
        for place, name in enumerate(chosen):
            row, promoted = here.loc[name], name in result.summary["beneficiaries"]
            low, high = np.nan_to_num(
                [float(row["shift_pp"]) - float(row["ci_low"]), float(row["ci_high"]) - float(row["shift_pp"])]
            )
            axes.errorbar(
                row["shift_pp"], place, xerr=[[max(0, low)], [max(0, high)]], fmt="D" if promoted else "o",
                color=RED if promoted else BLUE, capsize=2, markersize=4,
            )  # fmt: skip
        axes.axvline(0, color=BLACK, linewidth=0.8)
        called = panels[number] or say("windows_whole")
        days = in_days(int(here["first"].iloc[0]), int(here["last"].iloc[0]))
        head = say("windows_panel", window=called, days=days)
        axes.set_title(head, fontsize=9, loc="left")
        axes.set_yticks(range(len(chosen)), [names[n] for n in chosen], fontsize=8)
        axes.set_ylim(-0.6, len(chosen) - 0.4)
    figure.supxlabel(say("regions_axis"), fontsize=9)
    figure.suptitle(say("windows_title"), fontsize=10, x=0.01, ha="left")
    return figure
