"""The picture of a log: shares of candidates by arm, what a reference has, and differences against the baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recsim.report.figures import BLACK, BLUE, GREEN, PINK, RED, STYLE
from recsim.report.measure_table import viewers_of
from recsim.report.saving import write_files
from recsim.report.strings import say

ARMS = ((BLUE, "o"), (RED, "D"), (GREEN, "s"), (PINK, "^"))
"""Colour and marker of an arm; further arms are not drawn, and the picture says so."""


def shares_of_log(found: dict[str, Any]) -> Figure:
    """Shares with 95 % intervals by candidate and arm; beside them, if arms were compared, their differences.

    Args:
        found: from `recsim.audit.measure.measure`.
    """
    names = _order(found)
    arms = found["arms"][: len(ARMS)]
    looks = dict(zip([arm["arm"] for arm in arms], ARMS, strict=False))
    compared = [one for one in found["comparisons"] if one["arm"] in looks]
    corrected = "_corrected" if any("share_corrected" in row for arm in arms for row in arm["rows"]) else ""
    share = f"share{corrected}"
    with matplotlib.rc_context(STYLE):
        height = (0.26 + 0.11 * len(arms)) * max(len(names), 2) + 1.9
        figure = Figure(figsize=(8.6 if compared else 7.2, height), dpi=150, layout="constrained")
        panels = list(figure.subplots(1, 2 if compared else 1, sharey=True, squeeze=False)[0])
        for place, arm in zip(_places(len(arms)), arms, strict=True):
            rows = {row["candidate"]: row for row in arm["rows"]}
            _points(
                panels[0], [rows.get(name) for name in names], (share, f"{share}_low", f"{share}_high"), 100.0, place, looks[arm["arm"]],
                _short(arm["arm"], 28),
            )  # fmt: skip
        if found["reference"]:
            shares = [100 * found["reference"][name] for name in names]
            panels[0].plot(
                shares,
                np.arange(len(names)),
                "|",
                color=BLACK,
                markersize=13,
                markeredgewidth=2,
                label=say("log_reference"),
            )
        panels[0].set_yticks(np.arange(len(names)), [_short(name, 28) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        panels[0].set_xlim(left=0)
        panels[0].set_xlabel(say("log_share_axis_corrected" if corrected else "log_share_axis"))
        panels[0].set_title(say("log_title"), loc="left")
        if compared:
            axes = panels[1]
            axes.axvline(0, color=BLACK, linewidth=0.8)
            keys = (f"difference{corrected}_pp", f"difference{corrected}_low", f"difference{corrected}_high")
            for place, one in zip(_places(len(compared)), compared, strict=True):
                rows = {row["candidate"]: row for row in one["rows"]}
                _points(axes, [rows.get(name) for name in names], keys, 1.0, place, looks[one["arm"]], None)
            axes.set_xlabel(say("log_difference_axis", baseline=_short(compared[0]["baseline"], 20)))
            axes.set_title(say("log_difference_title"), loc="left")
        left_out = len(found["arms"]) - len(arms)
        if left_out:
            panels[0].plot([], [], " ", label=say("log_not_drawn", number=left_out))
        figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _short(name: str, most: int) -> str:
    """A name that leaves room for the rest."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _order(found: dict[str, Any]) -> list[str]:
    """Candidates by their largest share in any arm."""
    most = {
        name: max(
            (row["share"] or 0.0 for arm in found["arms"] for row in arm["rows"] if row["candidate"] == name),
            default=0.0,
        )
        for name in found["candidates"]
    }
    return sorted(found["candidates"], key=lambda name: (-most[name], name))


def _places(number: int) -> np.ndarray:
    """Where the marks of several arms stand beside each other."""
    return (np.arange(number) - (number - 1) / 2) * 0.2


def _points(
    axes: Axes, rows: list[dict[str, Any] | None], keys: tuple[str, str, str], factor: float, place: float, look: tuple[str, str],
    label: str | None,
) -> None:  # fmt: skip
    """Values with their intervals, from top to bottom; what is not known is left out."""
    colour, marker = look
    values, lows, highs = (
        factor * np.array([np.nan if row is None or row[key] is None else row[key] for row in rows], float)
        for key in keys
    )
    y = np.arange(len(rows)) + place
    axes.hlines(y, lows, highs, color=colour, linewidth=1.6)
    axes.plot(values, y, marker, color=colour, markersize=5, linestyle="none", label=label, clip_on=False, zorder=3)


def write_measured(found: dict[str, Any], log: str, out: Path) -> None:
    """Draw it and write it as PNG or SVG, by the name; below it stands which log it is of, and who the viewers are."""
    days = say("log_days", days=found["days"]) if found["days"] and found["days"] > 1 else ""
    mark = say("mark_log", log=log, viewers=viewers_of(found["viewers"], found["people"]), days=days)
    with matplotlib.rc_context(STYLE):
        write_files(shares_of_log(found), [out], mark)
