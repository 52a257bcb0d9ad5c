"""Figures as files: PNG and SVG, each with a line that says whether it is simulated, and of what.

Figures leave the page that explains them: the line below each, and the same text in the files' metadata, stay.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from recsim.report.strings import counted, say, size_of

GREY = "#6b6b6b"
"""Of the line: readable on white (5.3 to 1), and below everything that is measured."""
SIZE = 6.5
"""Of its letters, points."""
LETTER = 0.5
"""Mean width of a letter, parts of its size: where the search for lines that fit begins."""
FEWEST = 20
"""Letters of a line, at least."""
MARGIN = 5.0
"""Around it, points."""
SHORT = 12
"""Digits of a fingerprint, as in the names of folders."""


def mark_of(s: Mapping[str, Any], policy: str | None = None, size: str | None = None) -> str:
    """The line of a figure: a simulation by recsim, and which.

    Args:
        s: summary with ``scenario`` and ``fingerprint``; ``policy``, ``replicates`` and ``luck_branches`` unless the next two
            are given.
        policy: what to say of the policy. size: what to say of how much was simulated.
    """
    much = size or (size_of(s) if "luck_branches" in s else counted(s["replicates"], "replicate"))
    return say(
        "mark", scenario=s["scenario"], policy=policy or s["policy"], size=much, fingerprint=s["fingerprint"][:SHORT]
    )


def title_of(figure: Figure) -> str:
    """What a figure is called on itself: its title, or those of its panels."""
    titles = [figure.get_suptitle()] if figure.get_suptitle() else [axes.get_title("left") for axes in figure.axes]
    return "; ".join(" ".join(text.split()) for text in titles if text)


def _strip(figure: Figure, mark: str) -> Bbox:
    """Write the line below the figure; what is then to be saved, inches: the figure and a strip at its foot.

    Nothing of the figure moves, so that labels that were placed in it stay where they are. It must be laid out: no room is
    kept for legends that are anchored.
    """
    width, height = figure.get_size_inches()
    for legend in figure.legends:
        if legend.get_bbox_to_anchor() is figure.bbox:  # else it would slide down to the foot of the taller picture
            legend.set_bbox_to_anchor((0, 0, 1, 1), transform=figure.transFigure)
    line = figure.text(
        MARGIN / (72 * width), -MARGIN / 4 / (72 * height), "", fontsize=SIZE, color=GREY, ha="left", va="top",
        linespacing=1.3, parse_math=False,
    )  # fmt: skip
    letters = max(FEWEST, int((72 * width - 2 * MARGIN) / (LETTER * SIZE)))
    while True:
        line.set_text("\n".join(textwrap.wrap(mark, letters)))
        box = line.get_window_extent()
        if box.x1 <= figure.bbox.width or letters <= FEWEST:
            break
        letters -= 5
    return Bbox.from_extents(0, (box.y0 - MARGIN / 144 * figure.dpi) / figure.dpi, width, height)


def save(figure: Figure, folder: Path, name: str, mark: str = "") -> Path:
    """Write a figure as PNG and SVG into a folder; the SVG file, which has the title as text, too.

    Args:
        figure, mark: as of `write_files`.
        folder: for the files, made if it is not there.
        name: of the files, without their endings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_files(figure, [folder / f"{name}.png", folder / f"{name}.svg"], mark)
    return folder / f"{name}.svg"


def write_files(figure: Figure, files: Sequence[Path], mark: str = "") -> None:
    """Write a figure as PNG or SVG, by the names of the files; the same bytes every time.

    Args:
        figure: what is drawn; its height grows by the line at its foot in the files. It is not to be written again.
        files: ending in ``.png`` or ``.svg``.
        mark: what it is a picture of, as of `mark_of`; empty: it says that it is a simulation, and no more.
    """
    FigureCanvasAgg(figure)
    mark = mark or say("mark_plain")
    about = {"Title": title_of(figure), "Description": mark}
    engine = figure.get_layout_engine()
    if engine is not None:  # once, for all files: laying out costs as much as drawing
        engine.execute(figure)
    figure.set_layout_engine("none")
    whole = _strip(figure, mark)
    for file in files:
        png = file.suffix == ".png"
        by = {"Software": "recsim"} if png else {"Date": None, "Creator": "recsim"}
        figure.savefig(file, dpi=150 if png else "figure", bbox_inches=whole, metadata={**by, **about})
