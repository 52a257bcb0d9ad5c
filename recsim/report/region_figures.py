"""Where the shift is: a map of tiles, and small multiples by region."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.patches
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from recsim.audit.cells import LEAST_PEOPLE, printable, too_small
from recsim.experiment.result import Result
from recsim.report.figures import BLACK, BLUE, RED, SHOWN, names_of
from recsim.report.strings import say

COLOURS = "PuOr_r"
"""Purple below zero, orange above: apart for every common kind of colour blindness, and in grey by the sign printed."""
STEPS = 41
"""Shades, the middle one around zero."""
LARGE, SMALL = 5, 9
"""Columns up to which tiles hold names and intervals, and from which letters are smallest."""
PALE = 0.3
"""How much of its colour a tile keeps whose interval includes zero; the rest is white."""


def region_tiles(result: Result) -> Figure | None:
    """Shift of the beneficiaries in every region, as tiles that lie as the regions do; None without such a map."""
    tiles, promoted = result.scenario.population.tiles, result.summary["beneficiaries"][:SHOWN]
    if not tiles or not promoted:
        return None
    table, small = printable(result, "region"), too_small(result, "region")
    rows, columns = (1 + max(place[k] for place in tiles.values()) for k in (0, 1))
    wide, tall = (7.0 / max(columns, LARGE), 0.98) if columns <= LARGE else (7.0 / columns, 0.74)
    figure = Figure(figsize=(7.2, len(promoted) * (rows * tall + 0.55) + 0.95), dpi=150, layout="constrained")
    panels = figure.subplots(len(promoted), 1, squeeze=False)[:, 0]
    shown = table[table["candidate"].isin(promoted)]
    # To the threshold, so that what is small looks pale, and beyond it only for what is told from zero: the largest
    # estimates stand where few people are and luck is largest.
    most = float(np.nanmax([result.summary["threshold_pp"], *shown[_apart(shown)]["shift_pp"].abs()]))
    colours = ScalarMappable(Normalize(-most, most), _colours())
    for axes, name in zip(panels, promoted, strict=True):
        mine = table[table["candidate"] == name].set_index("region")
        for region, (row, column) in tiles.items():
            found = mine.loc[region] if region in mine.index else None
            _tile(axes, row, column, region, found, region in small, colours, columns <= LARGE, tall / wide)
        axes.set_xlim(-0.04, max(columns, LARGE) + 0.04)  # few columns stand to the left, where a phone shows them
        axes.set_ylim(rows * tall / wide + 0.04, -0.04)
        axes.set_aspect("equal")
        axes.set_axis_off()
        axes.set_title(say("tiles_title", name=names_of(result)[name]), loc="left")
    beyond = "both" if (shown["shift_pp"].abs() > most).any() else "neither"
    bar = figure.colorbar(
        colours, ax=list(panels), orientation="horizontal", fraction=0.05, pad=0.02, aspect=45, extend=beyond
    )
    bar.set_label(say("tiles_axis"))
    bar.outline.set_visible(False)
    figure.legend(
        handles=[
            matplotlib.patches.Patch(facecolor="white", edgecolor=BLACK, linewidth=2, label=say("tiles_apart")),
            matplotlib.patches.Patch(facecolor=_pale(_of(most, colours)), edgecolor="#888888", label=say("tiles_open")),
            matplotlib.patches.Patch(facecolor="white", edgecolor="#888888", hatch="////", label=say("tiles_hidden", least=LEAST_PEOPLE)),
        ],
        loc="outside lower center", ncols=2, fontsize=8, frameon=False,
    )  # fmt: skip
    return figure


def _apart(found: pd.DataFrame | pd.Series) -> pd.Series | bool:
    """Whether the 95 % interval leaves out zero; not where there is none."""
    return (found["ci_low"] > 0) | (found["ci_high"] < 0)


def _of(shift: float, colours: ScalarMappable) -> tuple[float, ...]:
    """The colour of a shift."""
    return tuple(float(part) for part in colours.to_rgba(np.array([shift]))[0])


def _pale(colour: tuple[float, ...]) -> tuple[float, ...]:
    """A colour among much white."""
    return (*(1 - PALE * (1 - part) for part in colour[:3]), 1.0)


def _colours() -> LinearSegmentedColormap:
    """The map without its darkest ends, in steps: few enough for a legend that is drawn as lines, not as an image."""
    found = matplotlib.colormaps[COLOURS](np.linspace(0.08, 0.92, STEPS))
    return LinearSegmentedColormap.from_list("shift", [tuple(colour) for colour in found], STEPS)


def _tile(
    axes: Axes, row: int, column: int, region: str, found: pd.Series | None, small: bool, colours: ScalarMappable,
    large: bool, ratio: float,
) -> None:  # fmt: skip
    """One region: its colour, name, shift and, where there is room, interval; hatched where too few people are in it."""
    known = found is not None and not small and found["shift_pp"] == found["shift_pp"]
    colour: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    if known and found is not None:
        colour = _of(found["shift_pp"], colours)
    apart = known and found is not None and bool(_apart(found))
    if not apart:
        colour = _pale(colour)
    axes.add_patch(
        matplotlib.patches.Rectangle(
            (column + 0.03, (row + 0.03) * ratio), 0.94, 0.94 * ratio, facecolor=colour, hatch="////" if small else None,
            edgecolor=BLACK if apart else "#888888", linewidth=2 if apart else 0.6,
        )
    )  # fmt: skip
    dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.5
    ink, middle = "white" if dark else BLACK, column + 0.5
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if small else None
    size = 9 if large else 8.5 if axes.get_xlim()[1] < SMALL else 8
    name = "\n".join(textwrap.wrap(region, 16)) if large else region[:7]
    axes.text(middle, (row + (0.27 if large else 0.33)) * ratio, name, ha="center", va="center", color=ink, fontsize=size, bbox=box)  # fmt: skip
    if not known or found is None:
        if not small:
            axes.text(middle, (row + 0.66) * ratio, say("tiles_undefined"), ha="center", va="center", fontsize=size)
        return
    value = say("tiles_value", shift=found["shift_pp"])
    axes.text(middle, (row + (0.59 if large else 0.7)) * ratio, value, ha="center", va="center", color=ink, fontsize=size + (2 if large else 0), fontweight="bold")  # fmt: skip
    if large and found["ci_low"] == found["ci_low"]:
        span = say("tiles_span", low=found["ci_low"], high=found["ci_high"])
        axes.text(middle, (row + 0.82) * ratio, span, ha="center", va="center", color=ink, fontsize=7.5)


def shift_by_region(result: Result) -> Figure | None:
    """Small multiples: the largest shifts in each region that has people enough; None if none has."""
    table, small = printable(result, "region"), too_small(result, "region")
    regions = [name for name in dict.fromkeys(table["region"].astype(str)) if name not in small]
    if not regions:
        return None
    overall = result.shift().set_index("candidate")["shift_pp"].abs().sort_values(ascending=False)
    chosen = list(overall.index[: min(6, len(overall))])
    parts = {region: table[table["region"] == region].set_index("candidate") for region in regions}
    return small_multiples(result, parts, chosen, say("regions_title"))


def small_multiples(result: Result, parts: Mapping[str, pd.DataFrame], chosen: Sequence[str], title: str) -> Figure:
    """Shifts of some candidates with their intervals, one panel per part, three in a row.

    Args:
        parts: by the panel's title shift_pp, ci_low and ci_high by candidate. chosen: candidates, from above. title: of the figure.
    """
    names = names_of(result)
    columns = min(3, len(parts))
    rows = -(-len(parts) // columns)
    figure = Figure(figsize=(7.4, 0.2 * rows * len(chosen) + 0.75 * rows + 0.9), dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(parts) :]:
        axes.set_visible(False)
    for axes, (head, here) in zip(grid.flat, parts.items(), strict=False):
        for place, name in enumerate(reversed(chosen)):
            promoted = name in result.summary["beneficiaries"]
            shift, low, high = here.loc[name, ["shift_pp", "ci_low", "ci_high"]].astype(float)
            below, above = np.nan_to_num([shift - low, high - shift])
            axes.errorbar(
                shift, place, xerr=[[max(0, below)], [max(0, above)]], fmt="D" if promoted else "o",
                color=RED if promoted else BLUE, capsize=2, markersize=4,
            )  # fmt: skip
        axes.axvline(0, color=BLACK, linewidth=0.8)
        axes.set_title(str(head), fontsize=9, loc="left")
        axes.set_yticks(range(len(chosen)), [names[n] for n in reversed(chosen)], fontsize=8)
        axes.set_ylim(-0.6, len(chosen) - 0.4)
    figure.supxlabel(say("regions_axis"), fontsize=9)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure
