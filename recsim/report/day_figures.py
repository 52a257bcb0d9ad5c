"""Figures by day: exposure shares and the shift, and what campaigns did against what was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recsim.experiment.result import Result
from recsim.experiment.summary import removed_campaigns
from recsim.report.figures import BEHIND, BLACK, LINES, ORANGE, RED, names_of
from recsim.report.strings import say

PROMOTED = ((RED, "D", "", "-"), (ORANGE, "v", "///", (0, (6, 1.5))))
"""Colour, marker, hatch and line of the beneficiaries that are drawn: each apart in grey, too."""
WIDEST = 4.0
"""Times the largest daily shift, or the threshold, at which bands are cut: two replicates have far wider ones."""
ACTING = ("bot_network", "purchased_engagement")
"""Campaigns that act on items; the others post, and their posts are no actions."""


def drawn_promoted(result: Result) -> list[str]:
    """Beneficiaries that these figures show."""
    return list(result.summary["beneficiaries"][: len(PROMOTED)])


def acting_campaigns(result: Result) -> list[str]:
    """Removed campaigns whose actions the figure of activity counts; as many as there are styles are drawn."""
    return [c.id for c in removed_campaigns(result.scenario) if c.type in ACTING]


def _events(result: Result, axes: Axes, top: float) -> None:
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
    """Exposure share by day: beneficiaries in both worlds and the largest others; below, the beneficiaries' shift with its band."""
    daily, promoted = result.daily(), drawn_promoted(result)
    shifts = result.by("day")
    shifts = shifts[shifts["candidate"].isin(promoted) & shifts["shift_pp"].notna()]
    figure = Figure(figsize=(7.2, 5.8 if len(shifts) else 4.2), dpi=150, layout="constrained")
    panels = figure.subplots(2 if len(shifts) else 1, 1, sharex=True, squeeze=False, height_ratios=[1.9, 1][: 2 if len(shifts) else 1])[:, 0]  # fmt: skip
    axes = panels[0]
    _shares(result, daily, promoted, axes)
    axes.set_xlim(daily["day"].min() - 0.3, 0.6)  # the first day's marks are not cut
    top = axes.get_ylim()[1] * 1.25
    axes.set_ylim(0, top)
    _events(result, axes, top)
    axes.set_ylabel(say("day_share"))
    axes.set_title(say("day_title"), loc="left")
    if len(shifts):
        _shift(result, shifts, promoted, panels[1])
    panels[-1].set_xlabel(say("day_axis"))
    figure.legend(loc="outside lower center", ncols=2 if len(promoted) > 1 else 3, fontsize=8, frameon=False)
    return figure


def _shares(result: Result, daily: pd.DataFrame, promoted: Sequence[str], axes: Axes) -> None:
    names = names_of(result)
    others = [c for c in result.shift().sort_values("share_factual", ascending=False)["candidate"] if c not in promoted]
    for name, (colour, marker, plain) in zip(others[:3], LINES, strict=False):
        one = daily[(daily["candidate"] == name) & daily["arm"].isin(["shared", "factual"])].sort_values("day")
        axes.plot(
            one["day"], 100 * one["share"], plain, color=colour, marker=marker, markevery=4, markersize=3.5, linewidth=1.1,
            label=names[name],
        )  # fmt: skip
    for name, (colour, marker, _, line) in zip(promoted, PROMOTED, strict=False):
        mine = daily[daily["candidate"] == name]
        both = mine[mine["arm"].isin(["shared", "factual"])].sort_values("day")
        without = mine[mine["arm"] == "counterfactual"].sort_values("day")
        axes.plot(
            both["day"], 100 * both["share"], color=colour, linestyle=line, linewidth=2.2, marker=marker, markevery=4,
            markersize=4.5, label=say("day_with", name=names[name]),
        )  # fmt: skip
        axes.plot(
            without["day"], 100 * without["share"], color=colour, linewidth=1.5, linestyle=(0, (2, 1.5)), marker=marker,
            markevery=4, markersize=4.5, markerfacecolor="white", label=say("day_without", name=names[name]),
        )  # fmt: skip


def _shift(result: Result, shifts: pd.DataFrame, promoted: Sequence[str], axes: Axes) -> None:
    """The lower panel: shift by day with its 95 % band, which says whether a gap above is more than luck."""
    for name, (colour, marker, hatch, line) in zip(promoted, PROMOTED, strict=False):
        mine = shifts[shifts["candidate"] == name].sort_values("day")
        known = mine[mine["ci_low"].notna()]
        if len(known):
            axes.fill_between(
                known["day"].to_numpy(float), known["ci_low"].to_numpy(float), known["ci_high"].to_numpy(float), alpha=0.25,
                facecolor=colour, edgecolor=colour, hatch=hatch, linewidth=0.5, label=say("day_band", name=names_of(result)[name]),
            )  # fmt: skip
        axes.plot(
            mine["day"], mine["shift_pp"], color=colour, linestyle=line, marker=marker, markersize=3.5, linewidth=1.5
        )
    most = WIDEST * float(np.nanmax([result.summary["threshold_pp"], *shifts["shift_pp"].abs()]))
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -most), min(high, most))
    axes.axhline(0, color=BLACK, linewidth=0.8, zorder=BEHIND)
    axes.axvline(0, color=BLACK, linewidth=1.2)
    axes.set_ylabel(say("day_shift"))


def activity_and_exposure(result: Result) -> Figure:
    """Counted actions a day of networks and bought engagement by campaign, above the beneficiaries' excess views a day."""
    scale = result.scenario.population.scale
    table = result.frames["campaigns"]
    table = table[table["arm"].astype(str) == "factual"]
    runs = result.summary["replicates"] * result.summary["luck_branches"]
    days = np.arange(result.summary["window_first_day"], 1)
    figure = Figure(figsize=(7.2, 4.6), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.1, 1])
    counted = {
        name: table[table["campaign"] == name].groupby("day")["counted"].sum().reindex(days, fill_value=0) / runs / scale
        for name in acting_campaigns(result)[: len(LINES)]
    }  # fmt: skip
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
    if counted:
        above.legend(title=say("activity_of"), title_fontsize=8, fontsize=8, frameon=False)
    above.set_title(say("activity_title"), loc="left")
    _excess(result, days, below)
    return figure


def _excess(result: Result, days: np.ndarray, axes: Axes) -> None:
    """Excess views a day, the bars of two beneficiaries side by side."""
    daily = result.daily()
    views: dict[str, pd.Series] = {}
    for name in drawn_promoted(result):
        mine = daily[daily["candidate"] == name].pivot_table(
            index="day", columns="arm", values="impressions", observed=True
        )
        if {"factual", "counterfactual"} <= set(mine.columns):
            views[name] = (mine["factual"] - mine["counterfactual"]).reindex(days)
    small = all(not series.abs().max() >= 2e5 for series in views.values())
    width = 0.8 / max(1, len(views))
    for place, ((name, series), (colour, _, hatch, _)) in enumerate(zip(views.items(), PROMOTED, strict=False)):
        axes.bar(
            days + (place - (len(views) - 1) / 2) * width, series / (1e3 if small else 1e6), width=width, color=colour,
            hatch=hatch, edgecolor="white", linewidth=0.3, label=names_of(result)[name],
        )  # fmt: skip
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_ylabel(say("activity_views_small" if small else "activity_views"))
    axes.set_xlabel(say("day_axis"))
    axes.set_xticks(days[:: max(1, len(days) // 14)])
    if views:
        axes.legend(fontsize=8, frameon=False)
