"""What a study of scales says: paired differences between scales, verdicts, sentences and the picture.

Used by `scale_invariance`, which simulates. A scale is a dictionary (see `scale_invariance.planned`); values are by world.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from recsim.metrics import interval
from recsim.report.figures import BLACK, BLUE, ORANGE, RED

FEWEST = 3
"""Worlds that a reference must have."""
SIGNS = {"reference": (RED, "D", RED), "agrees": (BLUE, "o", BLUE), "cannot tell": (ORANGE, "s", "white"), "differs": (ORANGE, "X", ORANGE)}  # fmt: skip
"""Colour, marker and filling by verdict."""


def spread(values: np.ndarray) -> dict[str, float]:
    """Mean, 95 % interval, standard deviation between worlds, worlds."""
    t = interval(values)
    return {"mean": t.mean, "low": t.low, "high": t.high, "sd": t.sd, "worlds": t.n}


def apart(one: dict[str, float]) -> bool:
    """Whether an interval leaves out zero."""
    return bool(np.isfinite(one["low"]) and (one["low"] > 0 or one["high"] < 0))


def verdict(difference: dict[str, float], tolerance: float) -> str:
    """What an interval of a difference says: "agrees", "differs", or "cannot tell"."""
    if np.isfinite(difference["low"]) and -tolerance <= difference["low"] and difference["high"] <= tolerance:
        return "agrees"
    return "differs" if apart(difference) else "cannot tell"


def paired(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """`spread` of the differences of worlds that both have."""
    common = min(len(one), len(other))
    return spread(one[:common] - other[:common])


def compared(rows: list[dict[str, Any]], values: list[dict[str, np.ndarray]], tolerance: float) -> dict[str, Any]:
    """Intervals, paired differences and verdicts put into ``rows``; what holds for all of them.

    The reference is the largest scale with at least `FEWEST` worlds. Trusted is the smallest scale that agrees with it together
    with all scales in between, however few worlds these have.

    Args:
        rows: scales, smallest first; changed in place. values: by name, (worlds,) each.
        tolerance: points.
    """
    several = [k for k, row in enumerate(rows) if row["replicates"] >= FEWEST] or [len(rows) - 1]
    reference = several[-1]
    shifts = [mine["shift_pp"] for mine in values]
    for k, (row, mine) in enumerate(zip(rows, values, strict=True)):
        row["shift_pp"] = spread(shifts[k])
        row["difference_pp"] = paired(shifts[k], shifts[reference])
        row["to_next_pp"] = paired(shifts[k], shifts[k + 1]) if k + 1 < len(rows) else None
        row["verdict"] = "reference" if k == reference else verdict(row["difference_pp"], tolerance)
        row["moves"] = {}
        for name in mine:
            if name != "shift_pp" and name in values[reference]:
                off = paired(mine[name], values[reference][name])
                row["moves"][name] = {"mean": spread(mine[name])["mean"], "difference": off, "told_apart": apart(off)}
    trusted = reference
    for k in reversed(range(reference)):
        if rows[k]["verdict"] != "agrees":
            break
        trusted = k
    return {
        "reference_scale": rows[reference]["scale"], "trusted_from_scale": rows[trusted]["scale"],
        "trusted_below_reference": trusted != reference, "tolerance_pp": tolerance,
        "drift_pp_per_tenfold": drift([rows[k]["people"] for k in several], [shifts[k] for k in several]),
    }  # fmt: skip


def drift(people: list[int], shifts: list[np.ndarray]) -> dict[str, float]:
    """Slope of the shift on the decimal logarithm of people, within each world that all scales have; `spread` of slopes."""
    common = min(len(one) for one in shifts)
    x = np.log10(people)
    x = x - x.mean()
    if len(people) < 2:
        return spread(np.full(common, np.nan))
    return spread(x @ np.array([one[:common] for one in shifts]) / (x @ x))


def ranged(one: dict[str, float]) -> str:
    """Mean and interval as text."""
    if not np.isfinite(one["low"]):
        return f"{one['mean']:+.2f} (no interval)"
    return f"{one['mean']:+.2f} ({one['low']:+.2f} to {one['high']:+.2f})"


def told(rows: list[dict[str, Any]], found: dict[str, Any]) -> list[str]:
    """The answer in sentences."""
    lines = []
    for row in rows:
        line = f"1:{row['one_in']:,.0f}, {row['people']:,} people: shift {ranged(row['shift_pp'])} pp in {row['shift_pp']['worlds']} worlds"
        if row["verdict"] != "reference":
            off = row["difference_pp"]
            line += f"; to the reference {ranged(off)} in {off['worlds']} pairs"
        lines.append(f"{line}: {row['verdict']}")
    slope = found["drift_pp_per_tenfold"]
    if np.isfinite(slope["low"]):
        lines.append(
            f"drift per tenfold of people: {ranged(slope)} pp, {'told' if apart(slope) else 'not told'} from none"
        )
    for row in rows:
        moved = [
            f"{name} {one['mean']:.3g} ({one['difference']['mean']:+.2g})"
            for name, one in row["moves"].items()
            if one["told_apart"]
        ]
        views = row["floors"]["first_pool_views"]
        if views is not None and views < 1:
            moved.append(f"first pool filled by {views:.2f} views, where no fewer than 1 can be counted")
        if moved and row["verdict"] != "reference":
            lines.append(f"1:{row['one_in']:,.0f} differs from the reference, each by itself, in: " + ", ".join(moved))
    lines.append(
        f"smallest scale at which the answer is trusted within {found['tolerance_pp']:g} pp: 1:{1 / found['trusted_from_scale']:,.0f}"
        + ("" if found["trusted_below_reference"] else " (the reference itself: no smaller one agrees for certain)")
    )
    return lines


def chart(rows: list[dict[str, Any]], found: dict[str, Any], name: str, videos: float) -> Figure:
    """Shift against people, and the differences to the reference against the tolerance.

    Args:
        rows, found: see `compared`. name: of the candidate. videos: per person and day.
    """
    figure = Figure(figsize=(7.2, 5.2), dpi=150, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.25, 1])
    for axes, key in ((upper, "shift_pp"), (lower, "difference_pp")):
        axes.axhline(0, color=BLACK, linewidth=0.8)
        for row in rows:
            if key == "difference_pp" and row["verdict"] == "reference":
                continue
            t, (colour, marker, filling) = row[key], SIGNS[row["verdict"]]
            axes.errorbar(
                row["people"], t["mean"], yerr=np.nan_to_num([[t["mean"] - t["low"]], [t["high"] - t["mean"]]]),
                color=colour, marker=marker, markerfacecolor=filling, markersize=6, capsize=4, linestyle="none",
            )  # fmt: skip
    tolerance = found["tolerance_pp"]
    lower.axhspan(-tolerance, tolerance, color="#e6e6e6", zorder=0)
    upper.set_ylabel(f"shift of {name},\npercentage points")
    lower.set_ylabel("difference to the\nreference, points")
    title = f"Shift and number of simulated people ({videos:.0f} videos a day, 95 % intervals)"
    upper.set_title(title, loc="left", fontsize=10)
    lower.set_title(f"World by world; grey: +/- {tolerance:g} points", loc="left", fontsize=9)
    people = [row["people"] for row in rows]
    lower.set_xscale("log")
    lower.set_xlim(min(people) / 1.8, max(people) * 1.8)
    lower.set_xticks(people, [f"{row['people']:,}\n1:{row['one_in']:,.0f}" for row in rows])
    lower.minorticks_off()
    lower.set_xlabel("simulated people and scale (items held fixed)")
    handles = [
        upper.plot([], [], marker=marker, color=colour, markerfacecolor=filling, linestyle="none", label=text)[0]
        for text, (colour, marker, filling) in SIGNS.items()
        if text in {row["verdict"] for row in rows}
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure
