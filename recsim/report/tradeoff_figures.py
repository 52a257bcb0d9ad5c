"""The picture of a trade-off: what each mitigation takes away of the shift against what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from recsim.experiment.sets import Answer
from recsim.experiment.tradeoff import COSTS
from recsim.ranking.mitigation import ARTICLES
from recsim.report.figures import BLACK, BLUE, GREEN, ORANGE, PINK, RED, SKY
from recsim.report.labels import Box, place_labels
from recsim.report.strings import say
from recsim.report.words import name_of

SHOWN = ("utility_per_view", "candidate_views")
"""Horizontal axes: what people get, and what is left of political content."""
HARM = "actions_uncounted"
"""One more where anybody is sanctioned or counted for less; drawn with its sign turned, so that right is better."""
LOOKS = dict(
    zip(
        ARTICLES,
        (
            (SKY, "^"),
            (ORANGE, "v"),
            (RED, "s"),
            (BLUE, "o"),
            (PINK, "P"),
            (GREEN, "D"),
            (BLACK, "h"),
            (ORANGE, "*"),
            (RED, "X"),
            (BLUE, "p"),
            (GREEN, "d"),
        ),
        strict=True,
    )
)
"""Colour and marker of each point of DSA Article 35(1)."""


def tradeoff(result: Answer) -> Figure:
    """One panel per cost; every mitigation as a point with both intervals; better is up and right."""
    s = result.summary
    shown = ((HARM,) if any(row["costs"][HARM]["change"] for row in s["rows"]) else ()) + SHOWN
    tall = max(4.2, 1.8 + 0.12 * len(s["rows"]))
    figure = Figure(figsize=(7.2, tall * len(shown)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(shown), 1, sharey=True)
    share = s["reference"]["shown"]
    placed = [_panel(axes, s["rows"], cost, share) for axes, cost in zip(panels, shown, strict=True)]
    panels[0].set_title(say("tradeoff_title"), loc="left")
    for axes in panels:
        axes.set_ylabel(
            say("tradeoff_share" if share else "tradeoff_points", name=name_of(result))
        )  # fmt: skip
    found = {label: h for axes in panels for h, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    handles = {
        name: Line2D([], [], color=found[name].get_color(), marker=found[name].get_marker(), linestyle=found[name].get_linestyle())
        for name in sorted(found, key=lambda name: (name in (say("tradeoff_no_article"), say("tradeoff_all")), name))
    }  # fmt: skip
    for label, face in ((say("tradeoff_works"), "#555555"), (say("tradeoff_open"), "white")):
        handles[label] = Line2D([], [], marker="o", linestyle="none", color="#555555", markerfacecolor=face)
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    for axes, (points, lines) in zip(panels, placed, strict=True):
        place_labels(axes, points, lines)
    return figure


def _panel(
    axes: Axes, rows: list[dict[str, Any]], cost: str, share: bool
) -> tuple[list[tuple[float, float, str]], list[Box]]:
    """Draw one panel; its points with their names, and the lines that labels should not cover."""
    keys = ("efficacy", "efficacy_low", "efficacy_high") if share else ("less_pp", "less_ci_low", "less_ci_high")
    factor = 100.0 if share else 1.0
    points: list[tuple[float, float, str]] = []
    lines: list[Box] = []
    used: set[str] = set()
    for row in rows:
        y, low, high = (np.nan if row[k] is None else factor * row[k] for k in keys)
        given = row["costs"][cost]
        x, left, right = (np.nan if given[k] is None else given[k] for k in ("change", "change_low", "change_high"))
        if cost == HARM:
            x, left, right = 0.0 - x, 0.0 - right, 0.0 - left
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        works = row["less_verdict"] == "more"
        article = row.get("article")
        colour, marker = LOOKS.get(article or "", ("#555555", "o"))
        label = (
            say("tradeoff_article", article=article, text=ARTICLES[article])
            if article in ARTICLES
            else say("tradeoff_no_article")
        )
        across = np.nan_to_num(np.array([[max(0.0, x - left)], [max(0.0, right - x)]]))
        up = np.nan_to_num(np.array([[max(0.0, y - low)], [max(0.0, high - y)]]))
        axes.errorbar(x, y, xerr=across, yerr=up, fmt="none", color=colour, alpha=0.45, linewidth=0.9)
        axes.plot(
            x, y, marker, color=colour, markersize=6, linestyle="none", label=None if label in used else label,
            markerfacecolor=colour if works else "white",
        )  # fmt: skip
        used.add(label)
        points.append((float(x), float(y), row["mitigation"]))
        lines += [(x - across[0, 0], y, x + across[1, 0], y), (x, y - up[0, 0], x, y + up[1, 0])]
    axes.axhline(0, color=BLACK, linewidth=0.7)
    axes.axvline(0, color=BLACK, linewidth=0.7)
    if share:
        axes.axhline(100, color="#888888", linestyle=":", linewidth=1.0, label=say("tradeoff_all"))
    _limits(axes, points)
    what = say("tradeoff_counted") if cost == HARM else COSTS[cost].label
    axes.set_xlabel(say("tradeoff_axis", what=what, unit=COSTS[cost].unit))
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    return points, [*lines, (x0, 0.0, x1, 0.0), (0.0, y0, 0.0, y1)]


def _limits(axes: Axes, points: list[tuple[float, float, str]]) -> None:
    """Room for all points; whiskers of few replicates, which can be far longer, are cut."""
    if not points:
        return
    for get, put, values in (
        (axes.get_xlim, axes.set_xlim, [p[0] for p in points]), (axes.get_ylim, axes.set_ylim, [p[1] for p in points])
    ):  # fmt: skip
        low, high = min([0.0, *values]), max([0.0, *values])
        span = (high - low) or 1.0
        ends = max(get()[0], low - 0.45 * span), min(get()[1], high + 0.45 * span)
        # Many measures cost nothing at all: their labels need room on both sides of zero.
        put(min(ends[0], low - 0.2 * span), max(ends[1], high + 0.2 * span))
