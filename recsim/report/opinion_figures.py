"""The picture of the opinion layer: swings against assumed effect sizes, published effects marked."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recsim.experiment.result import Result
from recsim.report.figures import BLACK, LINES, ORANGE, RED, SHOWN
from recsim.report.opinion import VOTES, swings
from recsim.report.strings import say

PANELS = ("persuasion", "mobilisation", "demobilisation")


def swing_by_effect(result: Result) -> Figure | None:
    """Swing of every candidate against the assumed size of each effect; None if the layer is off."""
    opinion = result.summary.get("opinion")
    if not opinion:
        return None
    swept = [name for name in PANELS if len(swings(opinion, name, result.scenario.candidates[0].id)) > 1]
    figure = Figure(figsize=(2.75 * len(swept) + 0.6, 4.5), dpi=150, layout="constrained")
    grid = figure.subplots(1, len(swept), squeeze=False)[0]
    for axes, effect in zip(grid, swept, strict=True):
        _panel(result, opinion, effect, axes)
    grid[0].set_ylabel(say("opinion_axis"))
    handles: dict[str, Artist] = {}
    for axes in grid:
        found, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    first = {say("opinion_promoted", name=c.name) for c in result.scenario.candidates}
    other = {say("opinion_one", name=c.name) for c in result.scenario.candidates}
    order = sorted(handles, key=lambda label: (label not in first, label in other, label))
    figure.legend(
        [handles[label] for label in order], order, loc="outside lower center", ncols=2, fontsize=7.5, frameon=False
    )
    figure.suptitle(say("opinion_title"), fontsize=10, x=0.01, ha="left")
    return figure


def _panel(result: Result, opinion: dict, effect: str, axes: Axes) -> None:
    names = {c.id: c.name for c in result.scenario.candidates}
    promoted = result.summary["beneficiaries"][:SHOWN]
    styles = dict(zip(_largest(opinion, names, promoted), LINES, strict=False))
    for name in (n for n in names if n not in promoted):
        x, y = _curve(opinion, effect, name)
        if name not in styles:
            axes.plot(x, y, color="#bbbbbb", linewidth=0.8, label=say("opinion_others"))
            continue
        colour, marker, line = styles[name]
        axes.errorbar(
            x, y, yerr=_bars(opinion, effect, name), linestyle=line, color=colour, marker=marker, markersize=3.5,
            linewidth=1, capsize=2, elinewidth=0.7, label=say("opinion_one", name=names[name]),
        )  # fmt: skip
    for name, colour, marker in zip(promoted, (RED, ORANGE), ("D", "v"), strict=False):
        x, y = _curve(opinion, effect, name)
        axes.errorbar(
            x, y, yerr=_bars(opinion, effect, name), color=colour, marker=marker, markersize=4, linewidth=2, capsize=3,
            label=say("opinion_promoted", name=names[name]),
        )  # fmt: skip
        rows = [row for _, row in swings(opinion, effect, name)]
        if "media_swing_pp" in rows[0]:
            outlet = [_votes(row["media_swing_pp"]) for row in rows]
            axes.plot(
                x,
                outlet,
                color=BLACK,
                linestyle=(0, (2, 1.5)),
                linewidth=1.2,
                label=say("opinion_outlet", name=names[name]),
            )
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.margins(y=0.25)
    axes.set_xlim(left=0)
    _studies(opinion, effect, axes)
    axes.set_xlabel(say(f"opinion_{effect}"))


def _largest(opinion: dict, names: dict[str, str], promoted: list[str]) -> list[str]:
    """The three others whose swings are largest in any panel, the same in every panel."""
    most = {
        name: max(abs(_votes(row["swing_pp"])) for e in opinion["effects"] for row in e["candidates"] if row["id"] == name)
        for name in names if name not in promoted
    }  # fmt: skip
    return sorted(most, key=lambda name: (-np.nan_to_num(most[name]), name))[:3]


def _studies(opinion: dict, effect: str, axes: Axes) -> None:
    """A star on the line of no swing at every published size, and who found it."""
    found: dict[float, list[str]] = {}
    for study in opinion["literature"]:
        if study["axis"] == f"{effect}_pp":
            found.setdefault(study["effect_pp"], []).append(
                study["name"] if study["read"] == "abstract" else say("opinion_unverified", name=study["name"])
            )
    for place, names in found.items():
        axes.axvline(place, color="#666666", linestyle=":", linewidth=1.2)
        axes.plot([place], [0], marker="*", color=BLACK, markersize=10, linestyle="none", clip_on=False, zorder=5,
                  label=say("opinion_study"))  # fmt: skip
        left = place <= axes.get_xlim()[1] / 2
        axes.annotate(
            "\n".join(names), (place, 0.99), xycoords=("data", "axes fraction"), xytext=(4 if left else -4, 0),
            textcoords="offset points", ha="left" if left else "right", va="top", fontsize=6.5, color="#333333",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
        )  # fmt: skip


def _curve(opinion: dict, effect: str, name: str) -> tuple[list[float], list[float]]:
    rows = swings(opinion, effect, name)
    return [size for size, _ in rows], [_votes(row["swing_pp"]) for _, row in rows]


def _bars(opinion: dict, effect: str, name: str) -> np.ndarray:
    """(2, N) lengths of the 95 % interval below and above the curve, 0 where it is unknown."""
    rows = [row for _, row in swings(opinion, effect, name)]
    low = [_votes(row["swing_pp"]) - _votes(row["ci_low"]) for row in rows]
    high = [_votes(row["ci_high"]) - _votes(row["swing_pp"]) for row in rows]
    return np.nan_to_num(np.array([low, high])).clip(0)


def _votes(swing_pp: float | None) -> float:
    """Votes in a million."""
    return float("nan") if swing_pp is None else swing_pp * VOTES
