"""Figures of a study: the shift against each thing that was varied, and over all settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation

from recsim.experiment.sweep import StudyResult
from recsim.report.compare_table import short
from recsim.report.figures import BLACK, BLUE, GREEN, ORANGE, RED, SKY, STYLE, plain_log
from recsim.report.saving import mark_of, save
from recsim.report.strings import say, size_of

MARK_MOST = 40
"""Cells up to which each is drawn with its interval."""


def caption(result: StudyResult) -> str:
    """What every figure rests on."""
    s = result.summary
    return say("caption_study", cells=s["cells"], size=size_of(s), people=s["people"])


def name_of(result: StudyResult) -> str:
    """The candidate's name."""
    return next(c.name for c in result.scenario.candidates if c.id == result.summary["candidate"])


def file_name(axis: str) -> str:
    """Of an axis's figure."""
    return "axis_" + axis.replace(".", "_")


def _whiskers(rows: pd.DataFrame) -> np.ndarray:
    """(2, K) distances of the intervals from the means, 0 where unknown."""
    low = (rows["shift_pp"] - rows["ci_low"]).fillna(0.0).clip(lower=0)
    high = (rows["ci_high"] - rows["shift_pp"]).fillna(0.0).clip(lower=0)
    return np.array([low, high], float)


def _label(axis: dict[str, Any]) -> str:
    unit = f"\n{axis['description']}" if axis["description"] else ""
    return f"{axis['axis']}{unit}"


def against_number(result: StudyResult, axis: dict[str, Any]) -> Figure:
    """Every cell as a light point; over them the mean at each value, or in each part of a sampled range, with interval."""
    s, name = result.summary, axis["axis"]
    effects = result.effects[result.effects["axis"] == name]
    effects = effects.assign(value=effects["value"].astype(float)).sort_values("value")
    figure = Figure(figsize=(7.2, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0, color=BLACK, linewidth=0.8)
    _threshold(axes.axhline, s)
    sampled = axis["kind"] == "sample"
    beside = ScaledTranslation(0 if sampled else -5 / 72, 0, figure.dpi_scale_trans)  # else whiskers stand on them
    axes.plot(
        result.cells[name].astype(float), result.cells["shift_pp"], ".", color="#999999", markersize=4, alpha=0.6,
        label=say("study_setting"), transform=axes.transData + beside,
    )  # fmt: skip
    axes.errorbar(
        effects["value"], effects["shift_pp"], yerr=_whiskers(effects), fmt="o-", color=BLUE, capsize=3, markersize=5,
        linewidth=1.6, label=say("study_part" if sampled else "study_value"),
    )  # fmt: skip
    if axis["scale"] == "log":
        plain_log(axes)
        values = result.cells[name].astype(float)
        axes.set_xlim(
            values.min() * (values.min() / values.max()) ** 0.04, values.max() * (values.max() / values.min()) ** 0.04
        )
        if not sampled:
            shown = effects["value"].to_numpy()[:: max(1, -(-len(effects) // 8))]
            axes.set_xticks(shown, [f"{v:.4g}" for v in shown])
            axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(_label(axis))
    axes.set_ylabel(say("study_shift", name=name_of(result)))
    axes.set_title(say("study_against_title", axis=name), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def by_name(result: StudyResult, axis: dict[str, Any]) -> Figure:
    """One row per value: its mean with interval, and every cell that has it as a light point."""
    s, name = result.summary, axis["axis"]
    effects = result.effects[result.effects["axis"] == name].reset_index(drop=True)
    labels = effects["value"].astype(str).tolist()
    figure = Figure(figsize=(7.2, 0.36 * len(labels) + 2.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=BLACK, linewidth=0.8)
    _threshold(axes.axvline, s)
    place = {label: k for k, label in enumerate(labels)}
    axes.plot(
        result.cells["shift_pp"], result.cells[name].astype(str).map(place), "|", color="#999999", markersize=9,
        label=say("study_setting"),
    )  # fmt: skip
    axes.errorbar(
        effects["shift_pp"], effects.index, xerr=_whiskers(effects), fmt="o", color=BLUE, capsize=3, markersize=6,
        label=say("study_value"),
    )  # fmt: skip
    axes.set_yticks(range(len(labels)), [short(label, 34) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(say("study_shift", name=name_of(result)))
    axes.set_title(say("study_by_title", axis=name), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


COLOURS = {"exceeds": RED, "inconclusive": ORANGE, "below": GREEN, "undefined": "#999999"}


def over_settings(result: StudyResult) -> Figure:
    """All settings in order of their shift, coloured by what their intervals say about the threshold."""
    s = result.summary
    table = result.cells.sort_values("shift_pp", kind="stable").reset_index(drop=True)
    figure = Figure(figsize=(7.2, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0, color=BLACK, linewidth=0.8)
    _threshold(axes.axhline, s)
    percent = 100 * (np.arange(len(table)) + 0.5) / len(table)
    markers = {"exceeds": "D", "inconclusive": "o", "below": "s", "undefined": "x"}
    for verdict, colour in COLOURS.items():
        inside = (table["verdict"] == verdict).to_numpy()
        if not inside.any():
            continue
        rows = table[inside]
        text = say(f"study_verdict_{verdict}", number=int(inside.sum()))
        if len(table) <= MARK_MOST:
            axes.errorbar(
                percent[inside], rows["shift_pp"], yerr=_whiskers(rows), fmt=markers[verdict], color=colour, markersize=5,
                capsize=2, linewidth=1, label=text,
            )  # fmt: skip
        else:
            axes.plot(percent[inside], rows["shift_pp"], markers[verdict], color=colour, markersize=3, label=text)
    _cut(axes, table)
    axes.set_xlim(0, 100)
    axes.set_xlabel(say("study_settings_axis"))
    axes.set_ylabel(say("study_shift", name=name_of(result)))
    axes.set_title(say("study_settings_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def sensitivity(result: StudyResult) -> Figure:
    """One bar per axis, the largest first: mean absolute effect and its SD, or total and first-order part of the variance."""
    found = result.summary["sensitivity"]
    morris = found["method"] == "morris"
    bar, mark = ("mu_star", "sigma") if morris else ("st", "s1")
    rows = sorted(found["axes"], key=lambda row: row[bar])
    figure = Figure(figsize=(7.2, 0.42 * len(rows) + 1.8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    y = np.arange(len(rows))
    label = say("study_mu_star" if morris else "study_total")
    axes.barh(
        y, [r[bar] for r in rows], xerr=[r[f"{bar}_half_width"] for r in rows], height=0.6, color=SKY, capsize=3, label=label,
        ecolor="#333333", error_kw={"linewidth": 1.1},
    )  # fmt: skip
    more: dict[str, Any] = {"fmt": "D", "color": RED, "markersize": 5, "capsize": 3, "linewidth": 1.1}
    if morris:
        axes.errorbar([r[mark] for r in rows], y, label=say("study_sigma"), **more)
    else:
        widths = [r[f"{mark}_half_width"] for r in rows]
        axes.errorbar([r[mark] for r in rows], y + 0.18, xerr=widths, label=say("study_first"), **more)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_yticks(y, [short(r["axis"], 34) for r in rows])
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(say("study_morris_axis" if morris else "study_sobol_axis"))
    axes.set_title(say("study_sensitivity_title", name=name_of(result)), loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _threshold(line: Any, s: dict[str, Any]) -> None:
    line(
        s["threshold_pp"],
        color=RED,
        linestyle=":",
        linewidth=1.2,
        label=say("threshold_line", threshold=s["threshold_pp"]),
    )


def _cut(axes: Any, table: pd.DataFrame) -> None:
    """Room for all means; whiskers of few replicates, which can be far longer, are cut."""
    low, high = float(table["shift_pp"].min()), float(table["shift_pp"].max())
    if low != low:
        return
    room = max(0.7 * (high - low), 0.5)
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, low - room), min(top, high + room))


def study_figures(result: StudyResult, folder: Path, prefix: str = "") -> list[tuple[str, Path, str]]:
    """Draw everything.

    Args:
        result: what is drawn. folder: for the files.
        prefix: before the names, where other results' figures lie in the same folder.

    Returns:
        Name, SVG file and caption of each figure.
    """
    text = caption(result)
    mark = mark_of(result.summary, size=say("mark_cells", number=result.summary["cells"], size=size_of(result.summary)))
    drawn = []
    with matplotlib.rc_context(STYLE):
        figure = over_settings(result)
        drawn.append(
            (
                f"{prefix}settings",
                save(figure, folder, f"{prefix}settings", mark),
                say("study_settings_caption" if len(result.cells) <= MARK_MOST else "study_settings_many", rest=text),
            )
        )
        found = result.summary["sensitivity"]
        if found and not found["undefined"]:
            how = say("study_sensitivity_caption", method=found["method"].capitalize(), rest=text)
            name = f"{prefix}sensitivity"
            drawn.append((name, save(sensitivity(result), folder, name, mark), how))
        for axis in result.summary["axes"]:
            figure = (against_number if axis["numeric"] else by_name)(result, axis)
            name = prefix + file_name(axis["axis"])
            drawn.append(
                (name, save(figure, folder, name, mark), say("study_axis_caption", axis=axis["axis"], rest=text))
            )
    return drawn
