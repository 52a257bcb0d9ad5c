"""Figures of a comparison: shift under every policy, what each feed gives people, and both against each other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from recsim.experiment.comparison import Comparison
from recsim.experiment.contrasts import COSTS, SATISFACTION, candidate_row, ranked
from recsim.report.compare_table import short
from recsim.report.figures import BLACK, BLUE, GREEN, ORANGE, RED, STYLE
from recsim.report.labels import Box, place_labels
from recsim.report.saving import mark_of, save
from recsim.report.strings import say

WIDTH_OF_NAMES = 28
NAMED = 8
"""Most policies that the Pareto picture names beside their points; with more, ranks stand there and a key beside."""


def _caption(s: dict[str, Any]) -> str:
    return say("caption_compare", **{key: s[key] for key in ("replicates", "luck_branches", "people", "own_policy")})


def _span(row: dict[str, Any], key: str, low: str, high: str) -> np.ndarray:
    """(2, 1) distances of an interval from its mean, 0 where unknown."""
    mean, a, b = (np.nan if row[k] is None else row[k] for k in (key, low, high))
    return np.nan_to_num(np.array([[max(0.0, mean - a)], [max(0.0, b - mean)]]))


def _policies_below(axes: Axes, rows: list[dict[str, Any]], size: float = 8.5) -> None:
    names = [short(r["policy"], WIDTH_OF_NAMES) for r in rows]
    names = [say("compare_own", policy=name) if r["own"] else name for name, r in zip(names, rows, strict=True)]
    axes.set_yticks(range(len(rows)), names, fontsize=size)
    axes.set_ylim(len(rows) - 0.4, -0.6)


def shift_per_policy(result: Comparison, candidate: str) -> Figure:
    """Shift of one beneficiary under every policy, largest first, with both intervals, luck band and threshold."""
    s = result.summary
    name = next(c.name for c in result.scenario.candidates if c.id == candidate)
    pairs = ranked(s, candidate)
    figure = Figure(figsize=(7.2, 0.36 * len(pairs) + 2.1), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    band = [row["luck_band_pp"] or 0.0 for _, row in pairs]
    axes.use_sticky_edges = False  # else the widest band ends on the frame and looks cut
    axes.barh(
        range(len(pairs)), 2 * np.array(band), left=-np.array(band), height=0.8, color="#e6e6e6",
        label=say("luck_band"),
    )  # fmt: skip
    threshold = s["threshold_pp"]
    for k, place in enumerate((-threshold, threshold)):
        label = say("threshold_line", threshold=threshold) if k == 0 else None
        axes.axvline(place, color=RED, linestyle=":", linewidth=1.1, label=label)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    used: set[str] = set()
    for y, (policy, row) in enumerate(pairs):
        if row["shift_pp"] is None:
            continue
        shown = row["p_holm"] is not None and row["p_holm"] < 0.05
        colour, marker = (ORANGE, "s") if policy["own"] else (BLUE, "o")
        label = say(f"compare_{'own' if policy['own'] else 'other'}_{'shown' if shown else 'not'}")
        wide = _span(row, "shift_pp", "simultaneous_low", "simultaneous_high")
        axes.errorbar(row["shift_pp"], y, xerr=wide, fmt="none", color=colour, linewidth=0.8, capsize=0)
        axes.errorbar(
            row["shift_pp"], y, xerr=_span(row, "shift_pp", "ci_low", "ci_high"), fmt=marker, color=colour, capsize=3,
            linewidth=1.8, markersize=5.5, markerfacecolor=colour if shown else "white",
            label=None if label in used else label,
        )  # fmt: skip
        used.add(label)
    ends = [row[key] for _, row in pairs for key in ("shift_pp", "ci_low", "ci_high") if row[key] is not None]
    far = 1.5 * max(abs(v) for v in [threshold, *band, *ends])
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, -far), min(right, far))  # the thin lines of few replicates are cut
    _policies_below(axes, [p for p, _ in pairs])
    axes.set_xlabel(say("compare_axis"))
    axes.set_title(say("compare_title", name=name), loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def pareto(result: Comparison, candidate: str) -> Figure:
    """How far the campaigns move exposure against what the feed gives people, with the frontier marked."""
    s = result.summary
    name = next(c.name for c in result.scenario.candidates if c.id == candidate)
    many = len(s["policies"]) > NAMED
    figure = Figure(figsize=(9.4 if many else 7.2, 8.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    if many:
        parts = figure.subfigures(1, 2, width_ratios=[7.2, 2.2], squeeze=False)[0]
        key = "\n".join(f"{p['rank']:>2}  {short(p['policy'], WIDTH_OF_NAMES)}" for p in s["policies"])
        parts[1].text(0.0, 0.93, key, fontsize=7.5, va="top", linespacing=1.5)
    left = parts[0] if many else figure
    panels = left.subplots(len(SATISFACTION), 1, sharex=True)
    placed = [_pareto_panel(axes, s, candidate, measure) for axes, measure in zip(panels, SATISFACTION, strict=True)]
    panels[-1].set_xlabel(say("pareto_axis", name=name))
    panels[0].set_title(say("pareto_title"), loc="left")
    legend = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    left.legend(
        list(legend.values()), list(legend), loc="outside lower center", ncols=2, fontsize=8, frameon=False
    )  # fmt: skip
    figure.canvas.draw()
    figure.set_layout_engine("none")
    for axes, (points, lines) in zip(panels, placed, strict=True):
        place_labels(axes, points, lines)
    return figure


def _pareto_panel(
    axes: Axes, s: dict[str, Any], candidate: str, measure: str
) -> tuple[list[tuple[float, float, str]], list[Box]]:
    """Draw one panel; its points with their names, and the lines that labels should not cover."""
    many = len(s["policies"]) > NAMED
    own = next(p for p in s["policies"] if p["own"])["costs"][measure]["without"]
    relative = measure.startswith("watch") and bool(own)
    factor = 100 / own if relative and own else 1.0
    best = set(s["frontier"][candidate][measure])
    points: list[tuple[float, float, str]] = []
    lines: list[Box] = []
    edge: list[tuple[float, float]] = []
    used: set[str] = set()
    for p in s["policies"]:
        row, cost = candidate_row(p, candidate), p["costs"][measure]
        if row["shift_pp"] is None or cost["difference"] is None:
            continue
        x, y = abs(row["shift_pp"]), factor * cost["difference"]
        on = p["policy"] in best
        colour = ORANGE if p["own"] else GREEN if on else BLUE
        label = say("pareto_own" if p["own"] else "pareto_best" if on else "pareto_other")
        across = _span(row, "shift_pp", "ci_low", "ci_high")
        across = across if row["shift_pp"] >= 0 else across[::-1]
        across[0] = np.minimum(across[0], x)  # absolute values end at zero
        up = factor * _span(cost, "difference", "difference_ci_low", "difference_ci_high")
        # The own policy's lies on the zero line, by construction: wider, and above it.
        alpha, width = (0.9, 1.8) if p["own"] else (0.45, 0.9)
        axes.errorbar(x, y, xerr=across, yerr=up, fmt="none", color=colour, alpha=alpha, linewidth=width)
        axes.plot(
            x, y, "s" if p["own"] else "D" if on else "o", color=colour, markersize=6, linestyle="none",
            label=None if label in used else label, zorder=3 if p["own"] else 2.5,
        )  # fmt: skip
        used.add(label)
        points.append((x, y, str(p["rank"]) if many else short(p["policy"], WIDTH_OF_NAMES)))
        lines += [(x - across[0, 0], y, x + across[1, 0], y), (x, y - up[0, 0], x, y + up[1, 0])]
        if on:
            edge.append((x, y))
    if edge:
        x_edge, y_edge = zip(*sorted(edge), strict=True)
        axes.step(
            x_edge,
            y_edge,
            where="post",
            color=GREEN,
            linestyle="--",
            linewidth=1.2,
            zorder=1,
            label=say("pareto_frontier"),
        )
        for (x0, y0), (x1, y1) in pairwise(sorted(edge)):
            lines += [(x0, y0, x1, y0), (x1, min(y0, y1), x1, max(y0, y1))]
    line = say("threshold_line", threshold=s["threshold_pp"])
    axes.axvline(s["threshold_pp"], color=RED, linestyle=":", linewidth=1.1, label=line)
    axes.axhline(0, color=BLACK, linewidth=0.6, zorder=0.9)
    _limits(axes, [p[0] for p in points], [p[1] for p in points], s["threshold_pp"])
    unit = "%" if relative else COSTS[measure].unit
    axes.set_ylabel(say("pareto_cost", what=COSTS[measure].label, unit=unit))
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    return points, [*lines, (left, 0.0, right, 0.0), (s["threshold_pp"], low, s["threshold_pp"], high)]


def _limits(axes: Axes, x: list[float], y: list[float], threshold: float) -> None:
    """Room for all points; whiskers of few replicates, which can be far longer, are cut."""
    axes.margins(0.08)
    low, high = min([0.0, *y]), max([0.0, *y])
    room = 0.6 * (high - low) or 1.0
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, low - room), min(top, high + room))
    right = min(axes.get_xlim()[1], 2.5 * max([threshold, *x]))
    axes.set_xlim(-0.03 * right, right)


def costs_per_policy(result: Comparison) -> Figure:
    """Every cost under every policy, without the campaigns (filled) and with them (cross)."""
    rows = result.summary["policies"]
    columns = 4
    lines = -(-len(COSTS) // columns)
    figure = Figure(figsize=(7.4, lines * (0.17 * len(rows) + 0.95) + 0.6), dpi=150, layout="constrained")
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(COSTS):
            axes.set_visible(False)
            continue
        name, cost = list(COSTS.items())[number]
        for y, p in enumerate(rows):
            row = p["costs"][name]
            if row["without"] is None:
                continue
            colour, marker = (ORANGE, "s") if p["own"] else (BLUE, "o")
            span = _span(row, "without", "without_ci_low", "without_ci_high")
            axes.errorbar(row["without"], y, xerr=span, fmt=marker, color=colour, capsize=2, markersize=4, linewidth=1)
            if row["change"] is not None:
                axes.plot(row["without"] + row["change"], y, "x", color=BLACK, markersize=4, markeredgewidth=0.8)
        _policies_below(axes, rows, 7)
        axes.set_title(_folded(cost.label), fontsize=7.5, loc="left")
        axes.set_xlabel(cost.unit, fontsize=6.5)
        axes.tick_params(axis="x", labelsize=6.5)
        axes.locator_params(axis="x", nbins=4)
    figure.suptitle(say("costs_title"), fontsize=10, x=0.01, ha="left")
    return figure


def _folded(text: str, width: int = 24) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def comparison_figures(result: Comparison, folder: Path, prefix: str = "") -> list[tuple[str, Path, str]]:
    """Draw everything.

    Args:
        folder: for the files. prefix: of their names, where others lie in it.

    Returns:
        Name, SVG file and caption of each figure.
    """
    caption, s = _caption(result.summary), result.summary
    mark = mark_of(s, say("mark_policies", number=len(s["policies"]), own=s["own_policy"]))
    drawn = []
    with matplotlib.rc_context(STYLE):
        for candidate in result.summary["beneficiaries"]:
            name = next(c.name for c in result.scenario.candidates if c.id == candidate)
            figures = {
                f"{prefix}pareto_{candidate}": (pareto(result, candidate), say("pareto_caption", name=name, ranks=say("pareto_ranks") if len(result.summary["policies"]) > NAMED else "", rest=caption)),
                f"{prefix}shift_{candidate}": (shift_per_policy(result, candidate), say("compare_caption", name=name, rest=caption)),
            }  # fmt: skip
            drawn += [(key, save(figure, folder, key, mark), text) for key, (figure, text) in figures.items()]
        costs = costs_per_policy(result)
        drawn.append(
            (f"{prefix}costs", save(costs, folder, f"{prefix}costs", mark), say("costs_caption", rest=caption))
        )
    return drawn
