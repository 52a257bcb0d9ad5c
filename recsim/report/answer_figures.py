"""Figures of attribution, dose-response, delay and trade-off; colours and marks as in the other figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.patches
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from recsim.experiment.sets import Answer
from recsim.experiment.summary import removed_campaigns
from recsim.report.attribution_words import KIND_WORDS
from recsim.report.compare_table import short
from recsim.report.figures import BEHIND, BLACK, BLUE, GREEN, ORANGE, PINK, RED, SKY, STYLE
from recsim.report.saving import mark_of, save
from recsim.report.strings import say, size_of
from recsim.report.tradeoff_figures import tradeoff
from recsim.report.words import name_of

Drawn = tuple[Figure, str]
APART = 0.2
"""Rows between a part and what is beside it, which may be the same number."""
PAIRS = 8
"""Most interactions that a waterfall shows one by one."""
COLOURS = {"attribute_bar_direct": SKY, "attribute_bar_alone": BLUE, "attribute_bar_interaction": ORANGE}


def caption(result: Answer) -> str:
    """What every figure rests on."""
    s = result.summary
    keys = ("window_first_day", "people", "policy")
    return say("caption_answer", size=size_of(s), **{key: s[key] for key in keys})


def ends(row: dict[str, Any], mean: str = "shift_pp", low: str = "ci_low", high: str = "ci_high") -> np.ndarray:
    """(2, 1) distances of an interval from its mean, 0 where unknown."""
    m, a, b = (np.nan if row.get(k) is None else row[k] for k in (mean, low, high))
    return np.nan_to_num(np.array([[max(0.0, m - a)], [max(0.0, b - m)]]))


def _value(row: dict[str, Any], key: str) -> float:
    return np.nan if row.get(key) is None else float(row[key])


def threshold_line(axes: Axes, s: dict[str, Any]) -> None:
    """The declared threshold."""
    axes.axhline(
        s["threshold_pp"],
        color=RED,
        linestyle=":",
        linewidth=1.2,
        label=say("threshold_line", threshold=s["threshold_pp"]),
    )


# ---- attribution -------------------------------------------------------------------------------------------------


def waterfall_rows(s: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """Label, numbers and colour of each step from zero to the total: direct, single, together, what is left."""
    rows: list[tuple[str, dict[str, Any], str]] = []
    if s["direct"]:
        rows.append((say("attribute_direct"), s["direct"], SKY))
    for part in s["parts"]:
        alone = {"shift_pp": part["alone_pp"], "ci_low": part["alone_ci_low"], "ci_high": part["alone_ci_high"]}
        rows.append((say("attribute_alone", name=part["name"]), alone, BLUE))
    more = sorted(s["interactions"], key=lambda m: -abs(m["shift_pp"] or 0.0))
    for m in more[:PAIRS]:
        if len(more) <= PAIRS or m["shift_pp"]:
            rows.append((" x ".join(m["between"]), m, ORANGE))
    left = more[PAIRS:]
    if left or s["larger"]:
        rest = sum(m["shift_pp"] or 0.0 for m in left) + ((s["larger"]["shift_pp"] or 0.0) if s["larger"] else 0.0)
        rows.append((say("attribute_rest"), {"shift_pp": rest}, ORANGE))
    return rows


def attribution(result: Answer) -> Drawn:
    """From zero to the total: what each does alone and together; beside it each one's part."""
    s = result.summary
    steps = waterfall_rows(s)
    figure = Figure(figsize=(7.4, 0.3 * (len(steps) + 1) + 0.34 * len(s["parts"]) + 2.7), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[len(steps) + 2, len(s["parts"]) + 1.6])
    at = 0.0
    for y, (_, row, colour) in enumerate(steps):
        width = np.nan_to_num(_value(row, "shift_pp"))
        above.barh(y, width, left=at, height=0.68, color=colour)
        whisker = ends(row)
        if whisker.any():
            above.errorbar(at + width, y, xerr=whisker, fmt="none", color="#333333", capsize=2.5, linewidth=1.1)
        at += width
        above.plot([at, at], [y - 0.34, y + 1.34], color="#888888", linewidth=0.7)
    y = len(steps)
    above.barh(y, _value(s["total"], "shift_pp"), height=0.68, color=RED)
    above.errorbar(
        _value(s["total"], "shift_pp"), y, xerr=ends(s["total"]), fmt="none", color="#333333", capsize=2.5, linewidth=1.1
    )  # fmt: skip
    above.set_yticks(range(y + 1), [short(label, 42) for label, *_ in steps] + [say("attribute_total")], fontsize=8)
    above.set_ylim(y + 0.6, -0.6)
    above.set_title(say("attribute_title", name=name_of(result)), loc="left")
    for y, part in enumerate(s["parts"]):
        below.errorbar(
            _value(part, "shift_pp"), y, xerr=ends(part), fmt="D", color=RED, capsize=3, markersize=5.5,
            label=say("attribute_part") if y == 0 else None,
        )  # fmt: skip
        low, high = sorted((np.nan_to_num(_value(part, "alone_pp")), np.nan_to_num(_value(part, "on_top_pp"))))
        below.plot([low, high], [y, y], color="#bbbbbb", linewidth=5, zorder=1, solid_capstyle="butt")
        below.plot(
            _value(part, "alone_pp"),
            y - APART,
            "o",
            color=BLUE,
            markersize=5,
            label=say("attribute_none") if y == 0 else None,
        )
        below.plot(
            _value(part, "on_top_pp"),
            y + APART,
            "s",
            color=GREEN,
            markersize=5,
            label=say("attribute_all") if y == 0 else None,
        )
    below.set_yticks(range(len(s["parts"])), [short(p["name"], 42) for p in s["parts"]], fontsize=8)
    below.set_ylim(len(s["parts"]) - 0.4, -0.6)
    below.set_title(say("attribute_parts", kind=KIND_WORDS[s["by"]]), loc="left", pad=9)  # clear of the numbers above
    for axes in (above, below):
        axes.axvline(0, color=BLACK, linewidth=0.8, zorder=BEHIND)
        axes.grid(axis="y", visible=False)
    below.set_xlabel(say("attribute_axis"))
    bars = {say(label): colour for _, _, colour in steps for label, known in COLOURS.items() if known == colour}
    marks, words = below.get_legend_handles_labels()
    handles = [matplotlib.patches.Patch(color=colour, label=label) for label, colour in bars.items()]
    figure.legend([*handles, *marks], [*bars, *words], loc="outside lower center", fontsize=7.5, frameon=False, ncols=3)
    _cut(above, [0.0, *np.cumsum([np.nan_to_num(_value(row, "shift_pp")) for _, row, _ in steps])])
    _cut(below, [0.0, *(_value(p, k) for p in s["parts"] for k in ("shift_pp", "alone_pp", "on_top_pp"))])
    return figure, say("attribute_caption", name=name_of(result), kind=KIND_WORDS[s["by"]], rest=caption(result))


def _cut(axes: Axes, means: list[float], up: bool = False) -> None:
    """Room for all means; whiskers of few replicates, which can be far longer, are cut."""
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    room = max(0.7 * (high - low), 0.1)
    left, right = axes.get_ylim() if up else axes.get_xlim()
    (axes.set_ylim if up else axes.set_xlim)(max(left, low - room), min(right, high + room))


# ---- dose --------------------------------------------------------------------------------------------------------


def dose(result: Answer) -> Drawn:
    """Shift against the dose ratio, with the threshold, where it is crossed, and impressions per euro below."""
    s = result.summary
    points = [p for p in s["points"] if p["dose"] > 0 and p["shift_pp"] is not None]
    paid = [p for p in points if p["excess_per_eur"] is not None]
    figure = Figure(figsize=(7.2, 5.6 if paid else 4.2), dpi=150, layout="constrained")
    grid = figure.subplots(2 if paid else 1, 1, sharex=True, squeeze=False, height_ratios=[2.2, 1] if paid else [1])[
        :, 0
    ]
    axes = grid[0]
    x = [p["dose"] for p in points]
    low, high = ([p["shift_pp"] if p[k] is None else p[k] for p in points] for k in ("ci_low", "ci_high"))
    axes.fill_between(x, low, high, color=BLUE, alpha=0.18, linewidth=0, label=say("interval"))
    axes.plot(x, [p["shift_pp"] for p in points], "o-", color=BLUE, markersize=5, linewidth=1.6, label=say("dose_mean"))
    threshold_line(axes, s)
    axes.axhline(0, color=BLACK, linewidth=0.8, zorder=BEHIND)
    cross, full = s["crossing"], s["saturation"]
    if cross["dose"] is not None:
        a, b = cross["ci_low"], cross["ci_high"]
        start, end = max(a or 0.0, min(x[0], cross["dose"]) / 1.3), b if b is not None else x[-1]
        if s["replicates"] > 1:
            axes.axvspan(start, end, color=ORANGE, alpha=0.18, linewidth=0, label=say("dose_crossing_interval"))
        axes.axvline(cross["dose"], color=ORANGE, linewidth=1.6, label=say("dose_crossing", dose=cross["dose"]))
    if full["dose"]:
        axes.axvline(
            full["dose"],
            color=GREEN,
            linestyle="--",
            linewidth=1.4,
            label=say("dose_saturation", dose=full["dose"]),
        )
    axes.set_xscale("log", base=2)
    shown = points[:: max(1, -(-len(points) // 8))]
    for panel in grid:
        panel.set_xticks([p["dose"] for p in shown], [f"{p['dose']:.3g}" for p in shown])
        panel.xaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(say("dose_shift", name=name_of(result)))
    axes.set_title(say("dose_title"), loc="left")
    if paid:
        grid[1].plot(
            [p["dose"] for p in paid],
            [p["excess_per_eur"] for p in paid],
            "s-",
            color=PINK,
            markersize=4.5,
            label=say("dose_per_euro"),
        )
        more = [p for p in paid if p["further_per_eur"] is not None]
        grid[1].plot(
            [p["dose"] for p in more],
            [p["further_per_eur"] for p in more],
            "^:",
            color=BLACK,
            markersize=4.5,
            label=say("dose_further"),
        )
        grid[1].set_ylabel(say("dose_euro_axis"))
        grid[1].axhline(0, color=BLACK, linewidth=0.8)
    _ratio_axis(axes, shown)
    what = say("dose_all") if s["campaign"] == "all" else s["campaign"]
    grid[-1].set_xlabel(say("dose_axis", what=what))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    none = "" if s["doses"][0] else say("dose_none")
    return figure, say("dose_caption", what=what, none=none, rest=caption(result))


def _ratio_axis(axes: Axes, points: list[dict[str, Any]]) -> None:
    """The dose ratio above: inauthentic per organic action at the points marked below."""
    shown = [p for p in points if p["dose_ratio"]]
    if not shown:
        return
    upper = axes.secondary_xaxis("top")
    upper.set_xticks([p["dose"] for p in shown], [f"{p['dose_ratio']:.2g}" for p in shown], fontsize=8)
    upper.xaxis.set_minor_locator(NullLocator())
    upper.set_xlabel(say("dose_ratio_axis"), fontsize=8)


# ---- delay -------------------------------------------------------------------------------------------------------


def delay(result: Answer) -> Drawn:
    """Shift by day of removal, and the share of the excess views that it saves."""
    s = result.summary
    rows = s["rows"]
    days = [row["removal_day"] for row in rows]
    known = [row for row in rows if row["saved"] is not None]
    figure = Figure(figsize=(7.2, 5.4 if known else 3.8), dpi=150, layout="constrained")
    panels = figure.subplots(2 if known else 1, 1, sharex=True, squeeze=False, height_ratios=[1.5, 1] if known else [1])
    above, lowest = panels[0, 0], panels[-1, 0]
    mean = [_value(row, "shift_pp") for row in rows]
    low, high = (np.array([_value(row, k) for row in rows]) for k in ("ci_low", "ci_high"))
    above.fill_between(days, low, high, color=BLUE, alpha=0.18, linewidth=0, label=say("interval"))
    above.plot(days, mean, "o-", color=BLUE, markersize=4.5, linewidth=1.6, label=say("delay_removed"))
    late = s["declared"]
    above.axhline(_value(late, "shift_pp"), color=RED, linewidth=1.4, label=say("delay_declared"))
    a, b = _value(late, "ci_low"), _value(late, "ci_high")
    if np.isfinite(a) and np.isfinite(b):
        above.axhspan(a, b, color=RED, alpha=0.08, linewidth=0, label=say("delay_declared_interval"))
    _cut(above, [0.0, s["threshold_pp"], *mean, _value(late, "shift_pp")], up=True)
    threshold_line(above, s)
    above.set_ylabel(say("dose_shift", name=name_of(result)))
    above.set_title(say("delay_title"), loc="left")
    for n, row in enumerate(known):
        span = 100 * ends(row, "saved", "saved_low", "saved_high")
        lowest.errorbar(
            row["removal_day"], 100 * row["saved"], yerr=span, fmt="D", color=GREEN, capsize=3, markersize=4.5,
            label=say("delay_saved") if n == 0 else None,
        )  # fmt: skip
    if known:
        means = [100 * row["saved"] for row in known]
        lowest.set_ylim(min(-5.0, 1.3 * min(means)), max(105.0, 1.15 * max(means)))
        lowest.set_ylabel(say("delay_saved_axis"))
    for axes in panels[:, 0]:
        axes.axhline(0, color=BLACK, linewidth=0.8, zorder=BEHIND)
        for start in sorted({c.start for c in removed_campaigns(result.scenario)}):
            axes.axvline(start, color="#666666", linestyle="--", linewidth=0.8, zorder=BEHIND)
    lowest.xaxis.set_major_locator(MaxNLocator(integer=True))
    lowest.set_xlabel(say("delay_axis"))
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure, say("delay_caption", rest=caption(result))


def mitigations(result: Answer) -> Drawn:
    """The picture of a trade-off."""
    return tradeoff(result), say("tradeoff_caption", rest=caption(result))


FIGURES: dict[str, Callable[[Answer], Drawn]] = {
    "attribute": attribution, "dose": dose, "delay": delay, "tradeoff": mitigations,
}  # fmt: skip


def answer_figures(result: Answer, folder: Path) -> list[tuple[str, Path, str]]:
    """Draw what was asked.

    Returns:
        Name, SVG file and caption of each figure.
    """
    command = result.summary["command"]
    with matplotlib.rc_context(STYLE):
        figure, text = FIGURES[command](result)
        FigureCanvasAgg(figure)
        return [(command, save(figure, folder, command, mark_of(result.summary)), text)]
