"""Pictures of the studies: means with intervals, the published range behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from recsim.report.figures import BLACK, BLUE, GREEN, ORANGE, PINK, STYLE

MARKS = ((BLUE, "o"), (GREEN, "s"), (PINK, "^"), (ORANGE, "D"))
Point = tuple[str, float, float, float]
"""Label, mean, lower and upper end of the interval."""


def dots(
    series: dict[str, Sequence[Point]], label: str, title: str, published: tuple[float, float] | None = None,
    zero: bool = True,
) -> Figure:  # fmt: skip
    """One row per label, one mark per series, whiskers 95 % intervals, the published range in grey.

    Args:
        series: points by name of the series. label: of the axis, with unit. title: of the picture.
        published: range of the source, in the unit of the axis. zero: whether to draw a line at 0.
    """
    names = list(dict.fromkeys(p[0] for points in series.values() for p in points))
    figure = Figure(figsize=(7.2, 0.42 * len(names) * max(1, len(series) * 0.55) + 1.8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    if published is not None:
        axes.axvspan(*published, color="#e6e6e6", label="published", zorder=0)
    if zero:
        axes.axvline(0, color=BLACK, linewidth=0.8)
    for number, (name, points) in enumerate(series.items()):
        color, marker = MARKS[number % len(MARKS)]
        shift = (number - (len(series) - 1) / 2) * 0.22
        y = np.array([names.index(p[0]) for p in points]) + shift
        mean, low, high = (np.array([p[k] for p in points], float) for k in (1, 2, 3))
        whisker = np.maximum(np.nan_to_num([mean - low, high - mean]), 0)
        axes.errorbar(mean, y, xerr=whisker, fmt=marker, color=color, capsize=3, markersize=5, label=name)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.set_title(title, loc="left")
    axes.grid(axis="y", visible=False)
    if len(series) > 1 or published is not None:
        figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def save_png(draw, path: Path) -> None:
    """Write what ``draw()`` gives, the same bytes every time."""
    with matplotlib.rc_context(STYLE):
        figure = draw()
        path.parent.mkdir(parents=True, exist_ok=True)
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=110, metadata={"Software": "recsim"})
