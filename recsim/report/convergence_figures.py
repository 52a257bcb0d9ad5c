"""How the estimate settles as replicates are added."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from recsim.audit.convergence import running
from recsim.audit.plan import half_width
from recsim.experiment.result import Result
from recsim.report.figures import BEHIND, BLACK, BLUE, LINES, ORANGE, RED, SHOWN, names_of
from recsim.report.strings import say

MARKED = 40
"""Replicates up to which every one has a mark."""


def convergence(result: Result) -> Figure | None:
    """Running mean with its 95 % interval, and the interval's half-width, by number of replicates.

    None with fewer than three replicates, or without a beneficiary.
    """
    table = running(result)
    promoted = [c for c in result.summary["beneficiaries"][:SHOWN] if c in set(table["candidate"])]
    if not promoted or table["replicates"].max() < 3:
        return None
    figure = Figure(figsize=(7.2, 4.9), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.8, 1])
    ends = [0.0, result.summary["threshold_pp"]]
    for name, colour, (_, marker, line) in zip(promoted, (BLUE, ORANGE), LINES, strict=False):
        mine = table[table["candidate"] == name]
        known = mine[mine["ci_low"].notna()]
        mark = marker if len(mine) <= MARKED else None
        above.fill_between(
            known["replicates"], known["ci_low"], known["ci_high"], color=colour, alpha=0.18, linewidth=0,
            label=say("convergence_interval", name=names_of(result)[name]),
        )  # fmt: skip
        above.plot(
            mine["replicates"], mine["shift_pp"], line, color=colour, marker=mark, markersize=3.5, linewidth=1.6,
            label=say("convergence_mean", name=names_of(result)[name]),
        )  # fmt: skip
        below.plot(known["replicates"], known["half_width_pp"], line, color=colour, marker=mark, markersize=3.5)
        ends += [*known["ci_low"].iloc[1:], *known["ci_high"].iloc[1:], *mine["shift_pp"].iloc[1:]]
    threshold, asked = result.summary["threshold_pp"], half_width(result.scenario)
    above.axhline(0, color=BLACK, linewidth=0.8, zorder=BEHIND)
    above.axhline(threshold, color=RED, linestyle=":", linewidth=1.2, label=say("threshold_line", threshold=threshold))
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    room = 0.06 * (high - low) or 0.1
    above.set_ylim(low - room, high + room)  # the interval of two replicates is cut where it leaves the picture
    above.set_ylabel(say("convergence_axis"))
    above.set_title(say("convergence_title"), loc="left")
    below.axhline(asked, color=RED, linestyle="--", linewidth=1.2, label=say("convergence_asked", asked=asked))
    widths = table[table["candidate"].isin(promoted) & (table["replicates"] > 2)]["half_width_pp"]
    below.set_ylim(0, 1.15 * max([asked, *widths.dropna()]))
    below.set_ylabel(say("convergence_width"))
    below.set_xlabel(say("convergence_replicates"))
    below.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure
