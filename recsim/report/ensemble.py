"""The ensemble for people to look at: a table for the terminal, and a figure per beneficiary."""

from __future__ import annotations

import sys
import textwrap

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from recsim.experiment.ensemble import NO_PREDICTOR, Ensemble
from recsim.report.figures import BLACK, BLUE, GREEN, ORANGE, RED, STYLE
from recsim.report.saving import mark_of, save
from recsim.report.strings import say
from recsim.report.table import number

COLOURS = {"logistic": BLUE, "cascade": ORANGE, "fatigue": GREEN}
MARKERS = {"rates": "o", "logistic": "s", "oracle": "^", NO_PREDICTOR: "D"}
OFFSET = {"rates": -0.26, "logistic": 0.0, "oracle": 0.26, NO_PREDICTOR: 0.0}
NUDGE = {"logistic": -0.07, "cascade": 0.0, "fatigue": 0.07}


def print_ensemble(result: Ensemble) -> None:
    """Shift by policy and predictor (rows) and model of a visit (columns), 80 characters wide."""
    s, write = result.summary, sys.stdout.write
    names = {c.id: c.name for c in result.scenario.candidates}
    for candidate, found in s["beneficiaries"].items():
        frame = result.cells[result.cells["candidate"] == candidate]
        models = list(dict.fromkeys(frame["model"]))
        write(
            f"Shift of {names[candidate]}, percentage points: mean (standard error) of {s['replicates']} small worlds\n\n"
        )
        write(
            f"{'policy':<22}{'predictor':<11}"
            + "".join(f"{m:>15}" for m in models)
            + "\n"
            + "-" * (33 + 15 * len(models))
            + "\n"
        )
        for policy in dict.fromkeys(frame["policy"]):
            for predictor in dict.fromkeys(frame[frame["policy"] == policy]["predictor"]):
                row = frame[(frame["policy"] == policy) & (frame["predictor"] == predictor)].set_index("model")
                label = f"{policy[:19]}{' *' if policy == s['own_policy'] else ''}"
                write(f"{label:<22}{predictor:<11}" + "".join(f"{_cell(row.loc[m]):>15}" for m in models) + "\n")
        if found["lowest_shift_pp"] is None:
            write("\nNo shift is known: a world without content about candidates has no shares.\n\n")
            continue
        spread = found["spread_of_means_pp"]
        text = (
            f"* the scenario's own policy. Range over {s['cells']} combinations: {found['lowest_shift_pp']:+.1f} to "
            f"{found['highest_shift_pp']:+.1f} pp, median {found['median_shift_pp']:+.1f}; above zero in "
            f"{100 * found['cells_above_zero']:.0f} % of them. Means move by {spread['policy']:.1f} pp between policies, "
            f"{spread['predictor']:.1f} between predictors, {spread['model']:.1f} between models of a visit; standard error "
            f'of a cell {number(found["typical_sd_of_a_cell"], ".1f")}: part of every range is luck. Predictor "none": reads no '
            f'prediction; "oracle": knows people, an upper bound that no platform has.'
        )
        write("\n" + textwrap.fill(text, 79) + "\n\n")
    if result.folder is not None:
        write(f"{s['timing']['wall_s']:.0f} s\nresults: {result.folder}\n")


def _cell(row) -> str:
    """Mean shift with its standard error, where there is one."""
    if row["shift_pp"] != row["shift_pp"]:
        return "(no share)"
    return f"{row['shift_pp']:+.2f} ({number(row['sd'] / np.sqrt(row['replicates']), '.2f')})"


def shift_over_ensemble(result: Ensemble, candidate: str) -> Figure:
    """Every combination as a point with its standard error: rows are policies, markers predictors, colours models."""
    name = next(c.name for c in result.scenario.candidates if c.id == candidate)
    frame = result.cells[result.cells["candidate"] == candidate]
    policies = list(dict.fromkeys(frame["policy"]))
    figure = Figure(figsize=(7.2, 0.62 * len(policies) + 2.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for k in range(0, len(policies), 2):
        axes.axhspan(k - 0.5, k + 0.5, color="#f4f4f4", zorder=0)
    for row in frame.itertuples():
        y = policies.index(row.policy) + OFFSET[row.predictor] + NUDGE[row.model]
        axes.errorbar(
            row.shift_pp, y, xerr=row.sd / np.sqrt(row.replicates), fmt=MARKERS[row.predictor], markersize=5,
            color=COLOURS[row.model], linewidth=0.9, markeredgecolor="white", markeredgewidth=0.4,
        )  # fmt: skip
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.axvline(result.summary["threshold_pp"], color=RED, linewidth=1.1, linestyle=":")
    own = result.summary["own_policy"]
    axes.set_yticks(range(len(policies)), [say("ensemble_own", policy=p) if p == own else p for p in policies])
    axes.set_ylim(len(policies) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(say("ensemble_axis", name=name, replicates=result.summary["replicates"]))
    axes.set_title(say("ensemble_title"), loc="left", fontsize=10)
    for predictor in dict.fromkeys(frame["predictor"]):
        axes.plot([], [], MARKERS[predictor], color="#666666", label=say("ensemble_predictor", name=predictor))
    for model in dict.fromkeys(frame["model"]):
        axes.plot([], [], "-", color=COLOURS[model], linewidth=3, label=say("ensemble_visit", name=model))
    axes.plot([], [], ":", color=RED, label=say("threshold_line", threshold=result.summary["threshold_pp"]))
    figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def write_figures(result: Ensemble) -> None:
    """Figures into the folder (nothing if it has none)."""
    if result.folder is None:
        return
    from recsim.experiment.sums import sealed

    s = result.summary
    policies = result.cells["policy"].nunique()
    mark = mark_of(s, say("mark_policies", number=policies, own=s["own_policy"]))
    with sealed(result.folder, result.reused, ["figures/*"]), matplotlib.rc_context(STYLE):
        for candidate in result.summary["beneficiaries"]:
            figure = shift_over_ensemble(result, candidate)
            save(figure, result.folder / "figures", f"ensemble_{candidate}", mark)
