"""Figures of a run; with the other files of figures the only ones that import matplotlib.

Okabe-Ito colours, which stay apart for colour-blind readers, together with markers and line styles, so that the
figures read in grey as well.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from recsim.experiment.result import Result
from recsim.report.saving import mark_of, save
from recsim.report.strings import counted, say, size_of

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
BEHIND = 1.5
"""Where the lines of zero stand: over bands and bars, behind points and curves."""
LINES = ((BLUE, "o", "-"), (GREEN, "s", "-"), (PINK, "^", "-"), (SKY, "D", "-"))
SHOWN = 2
"""Most beneficiaries that a figure draws."""
STYLE = {
    "svg.hashsalt": "recsim", "svg.fonttype": "path", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "figure.facecolor": "white",
}  # fmt: skip


def plain_log(axes: Axes) -> None:
    """A logarithmic axis below, with plain numbers at 1, 2 and 5: powers of ten alone may leave one number."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def names_of(result: Result) -> dict[str, str]:
    """Names of the candidates by id."""
    return {c.id: c.name for c in result.scenario.candidates}


def _caption(result: Result) -> str:
    s = result.summary
    keys = ("window_first_day", "people", "policy")
    return say("caption_run" if s["removed"] else "caption_same", size=size_of(s), **{key: s[key] for key in keys})


def shift_per_candidate(result: Result) -> Figure:
    """Shift of every candidate with its interval, the luck band behind it, and the threshold."""
    names = names_of(result)
    table = result.shift().sort_values("shift_pp", key=lambda v: v.fillna(0)).reset_index(drop=True)
    figure = Figure(figsize=(7.2, 0.34 * len(table) + 1.9), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    y = np.arange(len(table))
    band = table["luck_band_pp"].astype(float).fillna(0).to_numpy()
    axes.use_sticky_edges = False  # else the widest band ends on the frame and looks cut
    axes.barh(y, 2 * band, left=-band, height=0.8, color="#e6e6e6", label=say("luck_band"))
    threshold = result.summary["threshold_pp"]
    for k, place in enumerate((-threshold, threshold)):
        axes.axvline(
            place,
            color=RED,
            linestyle=":",
            linewidth=1.1,
            label=say("threshold_line", threshold=threshold) if k == 0 else None,
        )
    axes.axvline(0, color=BLACK, linewidth=0.8)
    for promoted, colour, marker, label in (
        (False, BLUE, "o", say("shift_other")),
        (True, RED, "D", say("shift_promoted")),
    ):
        rows = table[table["beneficiary"] == promoted]
        if not len(rows):
            continue
        low = (rows["shift_pp"] - rows["ci_low"].astype(float)).fillna(0).clip(lower=0)
        high = (rows["ci_high"].astype(float) - rows["shift_pp"]).fillna(0).clip(lower=0)
        axes.errorbar(
            rows["shift_pp"], rows.index, xerr=np.array([low, high]), fmt=marker, color=colour, capsize=3,
            markersize=5, label=label,
        )  # fmt: skip
    axes.set_yticks(y, [names[c] for c in table["candidate"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel(say("shift_axis"))
    axes.set_title(say("shift_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def other_assumptions(result: Result) -> Figure | None:
    """The beneficiary's shift in every cell of gates x prior x head weights; above them, the declared ones at that size."""
    table = result.robustness
    promoted = result.summary["beneficiaries"]
    if table is None or not len(table) or not promoted:
        return None
    mine = table[table["candidate"] == promoted[0]]
    own = mine["declared"].astype(bool) if "declared" in mine else pd.Series(False, index=mine.index)
    # One block for the declared cell, then one per gates; tables of earlier versions have no declared cell.
    blocks = [rows for _, rows in mine[own].groupby("gates")] + [
        rows for _, rows in mine[~own].groupby("gates", sort=False)
    ]
    figure = Figure(figsize=(7.2, 0.21 * len(mine) + 2.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    place, ticks, labels = 0.0, [], []
    pairs = list(dict.fromkeys(zip(mine[~own]["prior_events"], mine[~own]["head_weights"], strict=True)))
    for rows in blocks:
        for _, row in rows.iterrows():
            declared = bool(own[row.name])
            pair = (row["prior_events"], row["head_weights"])
            colour, marker = (BLACK, "*") if declared else LINES[pairs.index(pair) % len(LINES)][:2]
            span = np.nan_to_num([[row["shift_pp"] - row["ci_low"]], [row["ci_high"] - row["shift_pp"]]])
            axes.errorbar(
                row["shift_pp"], place, xerr=span, fmt=marker, color=colour, capsize=3, markersize=8 if declared else 5,
                label=say("robustness_declared") if declared else None,
            )  # fmt: skip
            ticks.append(place)
            labels.append(
                say("robustness_cell", gate=row["gates"], prior=row["prior_events"], weights=row["head_weights"])
            )
            place += 1
        place += 0.5
    axes.axvline(0, color=BLACK, linewidth=0.8)
    head = result.shift().set_index("candidate").loc[promoted[0], "shift_pp"]
    if head == head:
        axes.axvline(head, color=RED, linewidth=1.4, linestyle="--", label=say("robustness_headline"))
    axes.set_yticks(ticks, labels, fontsize=8)
    axes.invert_yaxis()
    most = int(mine["replicates"].max())
    axes.set_xlabel(say("robustness_axis", name=names_of(result)[promoted[0]], replicates=most))
    axes.set_title(say("robustness_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def stance_parts(result: Result) -> Figure:
    """Supportive, neutral and critical parts of the largest shifts."""
    names = names_of(result)
    table = result.shift()
    table = table.reindex(table["shift_pp"].abs().sort_values(ascending=False).index).head(8).iloc[::-1]
    figure = Figure(figsize=(7.2, 0.36 * len(table) + 1.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    parts = (("supportive", GREEN, ""), ("neutral", "#999999", "//"), ("critical", ORANGE, ".."))
    y = np.arange(len(table))
    height = 0.26
    for number, (stance, colour, hatch) in enumerate(parts):
        axes.barh(
            y + (1 - number) * height, table[f"shift_{stance}_pp"], height, color=colour, hatch=hatch,
            edgecolor="white", label=say(f"stance_{stance}"),
        )  # fmt: skip
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_yticks(y, [names[c] for c in table["candidate"]])
    axes.set_xlabel(say("stances_axis"))
    axes.set_title(say("stances_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


BEHIND_FIGURE = {
    "convergence": "shift_by_replicate.csv", "robustness": "robustness.csv", "share_by_day": "by_day.csv", "tiles": "by_region.csv",
    "activity": "by_day.csv", "opinion": "opinion.parquet",
}  # fmt: skip
"""Where the beneficiaries are that a figure has no room for."""


def not_drawn(result: Result, name: str) -> str:
    """What a figure has no room for, and where it is; as the end of its caption, "" if nothing is left out.

    Args:
        name: of the figure, as `all_figures` names it.
    """
    from recsim.report.day_figures import acting_campaigns
    from recsim.report.window_figures import MOST

    out = ""
    more = len(result.summary["beneficiaries"]) - (1 if name == "robustness" else SHOWN)
    if name in BEHIND_FIGURE and more > 0:
        out += say("not_drawn", what=counted(more, "more beneficiary", "more beneficiaries"), where=BEHIND_FIGURE[name])
    more = len(result.scenario.candidates) - MOST
    if name == "windows" and more > 0:
        out += say("not_drawn", what=counted(more, "more candidate"), where="by_window.csv")
    more = len(acting_campaigns(result)) - len(LINES)
    if name == "activity" and more > 0:
        out += say("not_drawn", what=counted(more, "more campaign"), where="campaigns.parquet")
    return out


def all_figures(result: Result, folder: Path) -> list[tuple[str, Path, str]]:
    """Draw everything.

    Returns:
        Name, SVG file and caption of each figure.
    """
    from recsim.report.convergence_figures import convergence
    from recsim.report.day_figures import activity_and_exposure, share_by_day
    from recsim.report.lorenz_figures import lorenz_curves
    from recsim.report.opinion_figures import swing_by_effect
    from recsim.report.region_figures import region_tiles, shift_by_region
    from recsim.report.window_figures import shift_by_window

    makers = {
        "shift": shift_per_candidate, "convergence": convergence, "robustness": other_assumptions, "share_by_day": share_by_day,
        "windows": shift_by_window, "tiles": region_tiles, "regions": shift_by_region, "activity": activity_and_exposure, "stances": stance_parts,
        "lorenz": lorenz_curves, "opinion": swing_by_effect,
    }  # fmt: skip
    rest, mark = _caption(result), mark_of(result.summary)
    drawn = []
    with matplotlib.rc_context(STYLE):
        for name, make in makers.items():
            figure = make(result)
            if figure is not None:
                drawn.append(
                    (
                        name,
                        save(figure, folder, name, mark),
                        say(f"{name}_caption", rest=rest + not_drawn(result, name)),
                    )
                )
    return drawn
