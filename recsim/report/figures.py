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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from recsim.experiment.result import Result
from recsim.experiment.summary import removed_campaigns
from recsim.report.strings import say, size_of

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
BEHIND = 1.5
"""Where the lines of zero stand: over bands and bars, behind points and curves."""
LINES = ((BLUE, "o", "-"), (GREEN, "s", "-"), (PINK, "^", "-"), (SKY, "D", "-"))
STYLE = {
    "svg.hashsalt": "recsim", "svg.fonttype": "path", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "figure.facecolor": "white",
}  # fmt: skip


def title_of(figure: Figure) -> str:
    """What a figure is called on itself: its title, or those of its panels."""
    titles = [figure.get_suptitle()] if figure.get_suptitle() else [axes.get_title("left") for axes in figure.axes]
    return "; ".join(" ".join(text.split()) for text in titles if text)


def plain_log(axes: Axes) -> None:
    """A logarithmic axis below, with plain numbers at 1, 2 and 5: powers of ten alone may leave one number."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write a figure as PNG and SVG, the same bytes every time; the SVG file, which has the title as text, too."""
    folder.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": "recsim"})
    figure.set_layout_engine("none")  # as laid out for the PNG: laying out costs as much as drawing
    FigureCanvasSVG(figure).print_svg(
        folder / f"{name}.svg", metadata={"Date": None, "Creator": "recsim", "Title": title_of(figure)}
    )
    return folder / f"{name}.svg"


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


def _events(result: Result, axes, top: float) -> None:
    """Start of each campaign and the vote; labels stepped so that they do not overlap."""
    starts: dict[int, list[str]] = {}
    for c in result.scenario.campaigns:
        starts.setdefault(c.start, []).append(c.id.replace("_", " "))
    first = min(axes.get_xlim()[0], *starts, 0) if starts else axes.get_xlim()[0]
    for row, (day, labels) in enumerate(sorted(starts.items(), reverse=True)):
        if day < axes.get_xlim()[0]:
            continue
        axes.axvline(day, color="#666666", linestyle="--", linewidth=0.9)
        near_right = day > first / 2
        axes.annotate(
            ", ".join(labels), (day, top * (0.99 - 0.075 * row)), xytext=(-3 if near_right else 3, 0),
            textcoords="offset points", ha="right" if near_right else "left", va="top", fontsize=7.5, color="#333333",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
        )  # fmt: skip
    axes.axvline(0, color=BLACK, linewidth=1.2)


def share_by_day(result: Result) -> Figure:
    """Exposure share by day: the beneficiary in both worlds, and the largest others."""
    daily, names = result.daily(), names_of(result)
    promoted = result.summary["beneficiaries"][:2]
    others = [c for c in result.shift().sort_values("share_factual", ascending=False)["candidate"] if c not in promoted]
    figure = Figure(figsize=(7.2, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for name, (colour, marker, line) in zip(others[:3], LINES, strict=False):
        one = daily[(daily["candidate"] == name) & daily["arm"].isin(["shared", "factual"])].sort_values("day")
        axes.plot(
            one["day"],
            100 * one["share"],
            line,
            color=colour,
            marker=marker,
            markevery=4,
            markersize=3.5,
            linewidth=1.1,
            label=names[name],
        )
    for number, name in enumerate(promoted):
        mine = daily[daily["candidate"] == name]
        both = mine[mine["arm"].isin(["shared", "factual"])].sort_values("day")
        without = mine[mine["arm"] == "counterfactual"].sort_values("day")
        colour = (RED, ORANGE)[number]
        axes.plot(
            both["day"],
            100 * both["share"],
            color=colour,
            linewidth=2.2,
            marker="D",
            markevery=4,
            markersize=4,
            label=say("day_with", name=names[name]),
        )
        axes.plot(
            without["day"],
            100 * without["share"],
            color=colour,
            linewidth=1.8,
            linestyle=(0, (2, 1.5)),
            label=say("day_without", name=names[name]),
        )
    axes.set_xlim(daily["day"].min() - 0.3, 0.6)  # the first day's marks are not cut
    top = axes.get_ylim()[1] * 1.25
    axes.set_ylim(0, top)
    _events(result, axes, top)
    axes.set_xlabel(say("day_axis"))
    axes.set_ylabel(say("day_share"))
    axes.set_title(say("day_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def activity_and_exposure(result: Result) -> Figure:
    """Counted inauthentic actions a day by campaign, above the beneficiary's excess views a day."""
    scale = result.scenario.population.scale
    table = result.frames["campaigns"]
    table = table[table["arm"].astype(str) == "factual"]
    runs = result.summary["replicates"] * result.summary["luck_branches"]
    first = result.summary["window_first_day"]
    days = np.arange(first, 1)
    figure = Figure(figsize=(7.2, 4.6), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.1, 1])
    removed = [c.id for c in removed_campaigns(result.scenario) if c.type in ("bot_network", "purchased_engagement")]
    counted = {
        name: table[table["campaign"] == name].groupby("day")["counted"].sum().reindex(days, fill_value=0)
        / runs
        / scale
        for name in removed[: len(LINES)]
    }
    acted = [value for series in counted.values() for value in series if value > 0]
    # A log axis that spans less than a decade makes a small change look like a collapse.
    wide = bool(acted) and max(acted) >= 10 * min(acted)
    for (name, series), style in zip(counted.items(), LINES, strict=False):
        shown = series.where(series > 0) if wide else series
        above.plot(days, shown, style[2], color=style[0], marker=style[1], markersize=4, label=name.replace("_", " "))
    if wide:
        above.set_yscale("log")
    else:
        above.set_ylim(0, 1.08 * max(acted, default=1.0))
    above.set_ylabel(say("activity_actions_log" if wide else "activity_actions"))
    if removed:
        above.legend(fontsize=8, frameon=False)
    above.set_title(say("activity_title"), loc="left")
    daily = result.daily()
    views: dict[str, pd.Series] = {}
    colours: dict[str, str] = {}
    for name, colour in zip(result.summary["beneficiaries"][:2], (RED, ORANGE), strict=False):
        mine = daily[daily["candidate"] == name].pivot_table(
            index="day", columns="arm", values="impressions", observed=True
        )
        if {"factual", "counterfactual"} <= set(mine.columns):
            views[name] = (mine["factual"] - mine["counterfactual"]).reindex(days)
            colours[name] = colour
    small = all(not series.abs().max() >= 2e5 for series in views.values())
    for name, series in views.items():
        below.bar(days, series / (1e3 if small else 1e6), color=colours[name], width=0.8, label=names_of(result)[name])
    below.axhline(0, color=BLACK, linewidth=0.8)
    below.set_ylabel(say("activity_views_small" if small else "activity_views"))
    below.set_xlabel(say("day_axis"))
    below.set_xticks(days[:: max(1, len(days) // 14)])
    if views:
        below.legend(fontsize=8, frameon=False)
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


def all_figures(result: Result, folder: Path) -> list[tuple[str, Path, str]]:
    """Draw everything.

    Returns:
        Name, SVG file and caption of each figure.
    """
    from recsim.report.convergence_figures import convergence
    from recsim.report.lorenz_figures import lorenz_curves
    from recsim.report.opinion_figures import swing_by_effect
    from recsim.report.region_figures import region_tiles, shift_by_region

    makers = {
        "shift": shift_per_candidate, "convergence": convergence, "robustness": other_assumptions, "share_by_day": share_by_day,
        "tiles": region_tiles, "regions": shift_by_region, "activity": activity_and_exposure, "stances": stance_parts,
        "lorenz": lorenz_curves, "opinion": swing_by_effect,
    }  # fmt: skip
    rest = _caption(result)
    drawn = []
    with matplotlib.rc_context(STYLE):
        for name, make in makers.items():
            figure = make(result)
            if figure is not None:
                drawn.append((name, save(figure, folder, name), say(f"{name}_caption", rest=rest)))
    return drawn
