"""Figures of a calibration: prior against posterior, observed against simulated, and how it got there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recsim.experiment.calibration import CalibrationResult
from recsim.report.compare_table import short
from recsim.report.figures import BLACK, BLUE, ORANGE, SKY, STYLE, plain_log
from recsim.report.saving import mark_of, save
from recsim.report.strings import say

GREY = "#bbbbbb"


def caption(result: CalibrationResult) -> str:
    """What every figure rests on."""
    s = result.summary
    return say("caption_calibration", worlds=s["worlds"], people=s["people"], policy=s["policy"])


def _place(row: dict[str, Any], value: float) -> float:
    low, high = row["low"], row["high"]
    if row["scale"] == "log":
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def parameters(result: CalibrationResult) -> Figure:
    """One row per parameter: its prior range, and where the particles lie in it."""
    rows = result.summary["parameters"]
    figure = Figure(figsize=(7.2, 0.5 * len(rows) + 1.9), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for k, row in enumerate(rows):
        axes.barh(k, 1.0, height=0.62, color=GREY, alpha=0.45, label=say("calibration_prior") if not k else None)
        low, middle, high = (_place(row, row[q]) for q in ("q5", "q50", "q95"))
        axes.barh(
            k, high - low, left=low, height=0.34, color=BLUE if row["identified"] else SKY,
            label=say("calibration_posterior") if not k else None,
        )  # fmt: skip
        axes.plot(middle, k, "D", color=BLACK, markersize=5, label=say("calibration_median") if not k else None)
        ends = f"{row['low']:.4g}", f"{row['high']:.4g}"
        axes.text(0.005, k + 0.44, ends[0], fontsize=7, va="center", ha="left")
        axes.text(0.995, k + 0.44, ends[1], fontsize=7, va="center", ha="right")
        axes.text(middle, k - 0.42, f"{row['q50']:.3g}", fontsize=7, va="center", ha="center")
    key = {True: "calibration_identified", False: "calibration_not_identified"}
    axes.set_yticks(range(len(rows)), [say(key[row["identified"]], name=short(row["name"], 30)) for row in rows])
    axes.set_ylim(len(rows) - 0.35, -0.65)
    axes.set_xlim(0, 1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(say("calibration_range_axis"))
    axes.set_title(say("calibration_parameters_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def targets(result: CalibrationResult) -> Figure:
    """One row per target: simulated over observed, before and after, beside the stated error."""
    rows = result.summary["targets"]
    figure = Figure(figsize=(7.2, 0.62 * len(rows) + 1.9), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(1.0, color=BLACK, linewidth=0.8)
    tiny = 1e-3
    for k, row in enumerate(rows):
        spread = math.hypot(row["error"], row["discrepancy"])
        if row["scale"] != "log":
            spread = spread / abs(row["value"]) if row["value"] else 0.0
        axes.barh(
            k, math.exp(2 * spread) - math.exp(-2 * spread), left=math.exp(-2 * spread), height=0.8, color=GREY, alpha=0.45,
            label=say("calibration_observed") if not k else None,
        )  # fmt: skip
        for shift, (low, middle, high), colour, label, form in (
            (-0.17, ("prior_low", None, "prior_high"), ORANGE, "calibration_before", "|"),
            (0.17, ("q5", "q50", "q95"), BLUE, "calibration_after", "D"),
        ):
            if row.get(low) is None or row.get(high) is None or not row["value"]:
                continue
            a, b = (max(tiny, row[end] / row["value"]) for end in (low, high))
            line = [max(tiny, row[middle] / row["value"])] if middle else [a, b]
            axes.plot([a, b], [k + shift] * 2, color=colour, linewidth=2.2, label=say(label) if not k else None)
            axes.plot(line, [k + shift] * len(line), form, color=colour, markersize=6)
    name = {"fit": "calibration_fit", "holdout": "calibration_holdout"}
    axes.set_yticks(range(len(rows)), [say(name[row["role"]], metric=short(row["metric"], 36)) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    plain_log(axes)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(say("calibration_ratio_axis"))
    axes.set_title(say("calibration_targets_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def waves(result: CalibrationResult) -> Figure:
    """What history matching left, and the tolerance of each generation."""
    s = result.summary
    figure = Figure(figsize=(7.2, 3.2), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    shares = [100.0, *(100 * wave["left"] for wave in s["waves"])]
    left.plot(range(len(shares)), shares, "o-", color=BLUE)
    left.set_ylim(0, 105)
    left.set_xlabel(say("calibration_wave_axis"))
    left.set_ylabel(say("calibration_left_axis"))
    left.set_title(say("calibration_waves_title"), loc="left")
    widths = [generation["tolerance"] for generation in s["generations"]]
    right.axhline(1.0, color=ORANGE, linestyle="--", linewidth=1)
    right.plot(np.arange(1, len(widths) + 1), widths, "D-", color=BLUE)
    right.set_ylim(0, 1.1 * max([1.0, *widths]))
    right.set_xlabel(say("calibration_generation_axis"))
    right.set_ylabel(say("calibration_tolerance_axis"))
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def calibration_figures(result: CalibrationResult, folder: Path, prefix: str = "") -> list[tuple[str, Path, str]]:
    """Name, file and caption of every figure, written; ``prefix`` stands before the names."""
    rest, fitted = caption(result), bool(result.summary["generations"])
    mark = mark_of(result.summary, size=say("mark_worlds", number=result.summary["worlds"]))
    makers = [("targets", targets, "calibration_targets_caption"), ("waves", waves, "calibration_waves_caption")]
    if fitted:
        makers.insert(0, ("parameters", parameters, "calibration_parameters_caption"))
    with matplotlib.rc_context(STYLE):
        return [
            (f"{prefix}{name}", save(make(result), folder, f"{prefix}{name}", mark), say(text, rest=rest))
            for name, make, text in makers
        ]
