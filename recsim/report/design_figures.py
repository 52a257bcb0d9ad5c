"""The picture of the design of an audit with accounts: what can be detected, over accounts, for several numbers of days."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from recsim.audit.design import ACCOUNTS_ARE, DAYS, DesignResult
from recsim.report.figures import BLACK, LINES, ORANGE, RED, STYLE, plain_log
from recsim.report.saving import write_files
from recsim.report.strings import counted, say


def detectable_by_accounts(found: DesignResult) -> Figure:
    """Minimum detectable effect over accounts, a curve for each number of days, with what stays however many there are."""
    aim, s = found.aim(), found.settings
    own = s["days"]
    chosen = [days for days in DAYS if days != own and days >= aim.least_days][: len(LINES)]
    last = max(100, 2 * s["accounts"])
    accounts = np.unique(np.round(np.geomspace(2, last, 60)).astype(int))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.4), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        top, named = 0.0, False
        styles = [*zip(chosen, LINES, strict=False), *([(own, (RED, "D", "-"))] if own >= aim.least_days else [])]
        for days, (colour, marker, line) in sorted(styles):
            y = np.array([100 * aim.detectable(int(n), days) for n in accounts])
            if not np.isfinite(y).any():
                continue
            axes.plot(
                accounts, np.where(np.isfinite(y), y, np.nan), line, color=colour, marker=marker, markevery=8, markersize=4,
                linewidth=2.2 if days == own else 1.3, label=say("design_days" if days != 1 else "design_day", days=days),
            )  # fmt: skip
            floor = 100 * aim.detectable(math.inf, days)
            if 0 < floor < math.inf:
                label = None if named else say("design_floor")
                axes.axhline(floor, color=colour, linestyle=":", linewidth=1.1, label=label)
                named = True
            top = max(top, float(np.nanmin(y)), *(v for v in y[accounts >= 5] if math.isfinite(v)))
        if s["compare"] in ("arms", "share"):
            ever = np.array([100 * aim.detectable(int(n), math.inf) for n in accounts])
            axes.plot(accounts, ever, "--", color=BLACK, linewidth=1.0, label=say("design_ever"))
        axes.axhline(
            s["effect_pp"],
            color=ORANGE,
            linewidth=1.4,
            linestyle="-.",
            label=say("design_effect", effect=s["effect_pp"]),
        )
        if math.isfinite(found.mde_pp):
            axes.plot(
                [s["accounts"]], [found.mde_pp], "*", color=BLACK, markersize=11, linestyle="none", zorder=5,
                label=say("design_own", mde=found.mde_pp),
            )  # fmt: skip
            top = max(top, found.mde_pp)
        plain_log(axes)
        axes.set_ylim(0, 1.12 * max(top, 1.5 * s["effect_pp"]))
        rests = say("design_rests", **{row["name"]: row["value"] for row in found.numbers})
        axes.set_xlabel(say(f"design_accounts_{s['compare'].replace('-', '_')}") + f"\n{rests}")
        axes.set_ylabel(say("design_axis", power=100 * aim.power))
        axes.set_title(say("design_title"), loc="left")
        figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def write_figure(found: DesignResult, out: Path) -> None:
    """Draw it and write it as PNG or SVG, by the name; below it stands that nothing was simulated, and which design it is of."""
    s = found.settings
    accounts = f"{s['accounts']} {ACCOUNTS_ARE[s['compare']]}"
    with matplotlib.rc_context(STYLE):
        write_files(
            detectable_by_accounts(found), [out], say("mark_design", accounts=accounts, days=counted(s["days"], "day"))
        )
