"""Figures of a run; with the other files of figures the only ones that import matplotlib.

Okabe-Ito colours, which stay apart for colour-blind readers, together with markers and line styles, so that the
figures read in grey as well.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from recsim.experiment.result import Result
from recsim.experiment.summary import removed_campaigns

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
LINES = ((BLUE, "o", "-"), (GREEN, "s", "-"), (PINK, "^", "-"), (SKY, "D", "-"))
STYLE = {
    "svg.hashsalt": "recsim", "svg.fonttype": "path", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "figure.facecolor": "white",
}  # fmt: skip


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write a figure as PNG and SVG, the same bytes every time; the SVG file."""
    folder.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": "recsim"})
    FigureCanvasSVG(figure).print_svg(folder / f"{name}.svg", metadata={"Date": None, "Creator": "recsim"})
    return folder / f"{name}.svg"


def _names(result: Result) -> dict[str, str]:
    return {c.id: c.name for c in result.scenario.candidates}


def _caption(result: Result) -> str:
    s = result.summary
    return (
        f"campaign window: days {s['window_first_day']} to 0; {s['replicates']} replicates x {s['luck_branches']} luck "
        f"branches; {s['people']:,} simulated people; policy {s['policy']}"
    )


def shift_per_candidate(result: Result) -> Figure:
    """Shift of every candidate with its interval, the luck band behind it, and the threshold."""
    names = _names(result)
    table = result.shift().sort_values("shift_pp", key=lambda v: v.fillna(0)).reset_index(drop=True)
    figure = Figure(figsize=(7.2, 0.34 * len(table) + 1.9), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    y = np.arange(len(table))
    band = table["luck_band_pp"].astype(float).fillna(0).to_numpy()
    axes.barh(
        y, 2 * band, left=-band, height=0.8, color="#e6e6e6", label="luck band: no campaign, other luck (+/- 1 SD)"
    )
    threshold = result.summary["threshold_pp"]
    for k, place in enumerate((-threshold, threshold)):
        axes.axvline(
            place, color=RED, linestyle=":", linewidth=1.1, label=f"threshold {threshold:g} pp" if k == 0 else None
        )
    axes.axvline(0, color=BLACK, linewidth=0.8)
    for promoted, colour, marker, label in (
        (False, BLUE, "o", "other candidate"),
        (True, RED, "D", "beneficiary of the campaigns"),
    ):
        rows = table[table["beneficiary"] == promoted]
        if not len(rows):
            continue
        low = (rows["shift_pp"] - rows["ci_low"].astype(float)).fillna(0).clip(lower=0)
        high = (rows["ci_high"].astype(float) - rows["shift_pp"]).fillna(0).clip(lower=0)
        axes.errorbar(
            rows["shift_pp"], rows.index, xerr=np.array([low, high]), fmt=marker, color=colour, capsize=3,
            markersize=5, label=f"{label}, 95 % interval",
        )  # fmt: skip
    axes.set_yticks(y, [names[c] for c in table["candidate"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel("shift of exposure share, percentage points (factual - counterfactual)")
    axes.set_title("What the campaigns changed, in this model", loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _events(result: Result, axes, top: float) -> None:
    """Start of each campaign and the vote; labels stepped so that they do not overlap."""
    starts: dict[int, list[str]] = {}
    for c in result.scenario.campaigns:
        starts.setdefault(c.start, []).append(c.id.replace("_", " "))
    first = min(axes.get_xlim()[0], *starts, 0) if starts else axes.get_xlim()[0]
    for row, (day, labels) in enumerate(sorted(starts.items(), reverse=True)):
        if day < axes.get_xlim()[0]:
            continue
        axes.axvline(day, color="#666666", linestyle="--", linewidth=0.9)
        near_right = day > first / 2
        axes.annotate(
            ", ".join(labels), (day, top * (0.99 - 0.075 * row)), xytext=(-3 if near_right else 3, 0),
            textcoords="offset points", ha="right" if near_right else "left", va="top", fontsize=7.5, color="#333333",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
        )  # fmt: skip
    axes.axvline(0, color=BLACK, linewidth=1.2)


def share_by_day(result: Result) -> Figure:
    """Exposure share by day: the beneficiary in both worlds, and the largest others."""
    daily, names = result.daily(), _names(result)
    promoted = result.summary["beneficiaries"][:2]
    others = [c for c in result.shift().sort_values("share_factual", ascending=False)["candidate"] if c not in promoted]
    figure = Figure(figsize=(7.2, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for name, (colour, marker, line) in zip(others[:3], LINES, strict=False):
        one = daily[(daily["candidate"] == name) & daily["arm"].isin(["shared", "factual"])].sort_values("day")
        axes.plot(
            one["day"],
            100 * one["share"],
            line,
            color=colour,
            marker=marker,
            markevery=4,
            markersize=3.5,
            linewidth=1.1,
            label=names[name],
        )
    for number, name in enumerate(promoted):
        mine = daily[daily["candidate"] == name]
        both = mine[mine["arm"].isin(["shared", "factual"])].sort_values("day")
        without = mine[mine["arm"] == "counterfactual"].sort_values("day")
        colour = (RED, ORANGE)[number]
        axes.plot(
            both["day"],
            100 * both["share"],
            color=colour,
            linewidth=2.2,
            marker="D",
            markevery=4,
            markersize=4,
            label=f"{names[name]}, campaigns act",
        )
        axes.plot(
            without["day"],
            100 * without["share"],
            color=colour,
            linewidth=1.8,
            linestyle=(0, (2, 1.5)),
            label=f"{names[name]}, without them",
        )
    axes.set_xlim(daily["day"].min(), 0.6)
    top = axes.get_ylim()[1] * 1.25
    axes.set_ylim(0, top)
    _events(result, axes, top)
    axes.set_xlabel("day relative to the vote (0)")
    axes.set_ylabel("share of candidate impressions, %\n(centred 3-day mean)")
    axes.set_title("Exposure share by day", loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def shift_by_region(result: Result) -> Figure:
    """Small multiples: the largest shifts in each region."""
    table, names = result.by("region"), _names(result)
    regions = list(dict.fromkeys(table["region"]))
    overall = result.shift().set_index("candidate")["shift_pp"].abs().sort_values(ascending=False)
    chosen = list(overall.index[: min(6, len(overall))])
    columns = min(3, len(regions))
    rows = -(-len(regions) // columns)
    figure = Figure(figsize=(7.4, 0.2 * rows * len(chosen) + 0.75 * rows + 0.9), dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(regions):
            axes.set_visible(False)
            continue
        here = table[table["region"] == regions[number]].set_index("candidate")
        for place, name in enumerate(reversed(chosen)):
            row = here.loc[name]
            promoted = name in result.summary["beneficiaries"]
            low, high = np.nan_to_num([row["shift_pp"] - row["ci_low"], row["ci_high"] - row["shift_pp"]])
            axes.errorbar(
                row["shift_pp"], place, xerr=[[max(0, low)], [max(0, high)]], fmt="D" if promoted else "o",
                color=RED if promoted else BLUE, capsize=2, markersize=4,
            )  # fmt: skip
        axes.axvline(0, color=BLACK, linewidth=0.8)
        axes.set_title(str(regions[number]), fontsize=9, loc="left")
        axes.set_yticks(range(len(chosen)), [names[n] for n in reversed(chosen)], fontsize=8)
    figure.supxlabel("shift of exposure share, percentage points, 95 % interval", fontsize=9)
    figure.suptitle("Shift by region: the largest overall", fontsize=10, x=0.01, ha="left")
    return figure


def activity_and_exposure(result: Result) -> Figure:
    """Counted inauthentic actions a day by campaign, above the beneficiary's excess views a day."""
    scale = result.scenario.population.scale
    table = result.frames["campaigns"]
    table = table[table["arm"].astype(str) == "factual"]
    runs = result.summary["replicates"] * result.summary["luck_branches"]
    first = result.summary["window_first_day"]
    days = np.arange(first, 1)
    figure = Figure(figsize=(7.2, 4.6), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.1, 1])
    removed = [c.id for c in removed_campaigns(result.scenario) if c.type in ("bot_network", "purchased_engagement")]
    for name, style in zip(removed, LINES, strict=False):
        counted = (
            table[table["campaign"] == name].groupby("day")["counted"].sum().reindex(days, fill_value=0) / runs / scale
        )
        shown = counted.where(counted > 0)
        above.plot(days, shown, style[2], color=style[0], marker=style[1], markersize=4, label=name.replace("_", " "))
    above.set_yscale("log")
    above.set_ylabel("counted actions a day\n(real units, log scale)")
    if removed:
        above.legend(fontsize=8, frameon=False)
    above.set_title("Campaign activity against exposure", loc="left")
    daily = result.daily()
    for name, colour in zip(result.summary["beneficiaries"][:2], (RED, ORANGE), strict=False):
        mine = daily[daily["candidate"] == name].pivot_table(
            index="day", columns="arm", values="impressions", observed=True
        )
        if "factual" in mine:
            excess = (mine["factual"] - mine["counterfactual"]).reindex(days) / 1e6
            below.bar(days, excess, color=colour, width=0.8, label=_names(result)[name])
    below.axhline(0, color=BLACK, linewidth=0.8)
    below.set_ylabel("excess views a day,\nmillion (real units)")
    below.set_xlabel("day relative to the vote (0)")
    below.set_xticks(days[:: max(1, len(days) // 14)])
    if result.summary["beneficiaries"]:
        below.legend(fontsize=8, frameon=False)
    return figure


def other_assumptions(result: Result) -> Figure | None:
    """The beneficiary's shift in every cell of gates x prior x head weights."""
    table = result.robustness
    promoted = result.summary["beneficiaries"]
    if table is None or not len(table) or not promoted:
        return None
    mine = table[table["candidate"] == promoted[0]].reset_index(drop=True)
    gates = list(dict.fromkeys(mine["gates"]))
    pairs = list(dict.fromkeys(zip(mine["prior_events"], mine["head_weights"], strict=True)))
    figure = Figure(figsize=(7.2, 0.42 * len(gates) * len(pairs) / 2 + 2.4), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    place, ticks, labels = 0.0, [], []
    for gate in gates:
        for number, (prior, weights) in enumerate(pairs):
            row = mine[
                (mine["gates"] == gate) & (mine["prior_events"] == prior) & (mine["head_weights"] == weights)
            ].iloc[0]
            colour, marker, _ = LINES[number % len(LINES)]
            axes.errorbar(
                row["shift_pp"], place, xerr=np.nan_to_num(row["sd"]), fmt=marker, color=colour, capsize=3, markersize=5
            )
            ticks.append(place)
            labels.append(f"gates {gate}, prior {prior:g}, {weights}")
            place += 1
        place += 0.5
    axes.axvline(0, color=BLACK, linewidth=0.8)
    head = result.shift().set_index("candidate").loc[promoted[0], "shift_pp"]
    if head == head:
        axes.axvline(head, color=RED, linewidth=1.4, linestyle="--", label="headline (full size, default assumptions)")
    axes.set_yticks(ticks, labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(
        f"shift of {_names(result)[promoted[0]]}, percentage points (mean +/- SD of {int(mine['replicates'].max())} replicates)"
    )
    axes.set_title("Under other platform assumptions (smaller, noisier worlds)", loc="left")
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return figure


def stance_parts(result: Result) -> Figure:
    """Supportive, neutral and critical parts of the largest shifts."""
    names = _names(result)
    table = result.shift()
    table = table.reindex(table["shift_pp"].abs().sort_values(ascending=False).index).head(8).iloc[::-1]
    figure = Figure(figsize=(7.2, 0.36 * len(table) + 1.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    parts = (("supportive", GREEN, ""), ("neutral", "#999999", "//"), ("critical", ORANGE, ".."))
    y = np.arange(len(table))
    height = 0.26
    for number, (stance, colour, hatch) in enumerate(parts):
        axes.barh(
            y + (1 - number) * height, table[f"shift_{stance}_pp"], height, color=colour, hatch=hatch,
            edgecolor="white", label=f"{stance} items",
        )  # fmt: skip
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_yticks(y, [names[c] for c in table["candidate"]])
    axes.set_xlabel("part of the shift, percentage points (the three add up to the shift)")
    axes.set_title("Shift by stance of the items: the largest", loc="left")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def all_figures(result: Result, folder: Path) -> list[tuple[str, Path, str]]:
    """Draw everything.

    Returns:
        Name, SVG file and caption of each figure.
    """
    from recsim.report.opinion_figures import swing_by_effect

    caption = _caption(result)
    makers = {
        "shift": (shift_per_candidate, f"Shift of exposure share per candidate; {caption}."),
        "robustness": (other_assumptions, "Gates x prior strength x head weights at a smaller size; a single number alone would be an artefact."),
        "share_by_day": (share_by_day, f"Exposure share by day, campaigns' first days marked; {caption}."),
        "regions": (shift_by_region, f"Shift by region for the largest shifts; {caption}."),
        "activity": (activity_and_exposure, f"Inauthentic actions that counted, and excess views; {caption}."),
        "stances": (stance_parts, f"Shift by stance; {caption}."),
        "opinion": (swing_by_effect, f"Swing against assumed effect sizes, each from zero; 0 at 0 by construction; {caption}."),
    }  # fmt: skip
    drawn = []
    with matplotlib.rc_context(STYLE):
        for name, (make, text) in makers.items():
            figure = make(result)
            if figure is not None:
                drawn.append((name, save(figure, folder, name), text))
    return drawn
