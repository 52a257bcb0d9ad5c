"""Labels beside points that cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

Box = tuple[float, float, float, float]
STEP = 6.0
"""Points (1/72 inch) between the rings of places that are tried."""
RINGS = 30
ANGLES = np.radians([30, 330, 150, 210, 60, 300, 120, 240, 0, 180, 90, 270, 15, 345, 165, 195])


def place_labels(
    axes: Axes, points: Sequence[tuple[float, float, str]], lines: Sequence[Box] = (), size: float = 7.5
) -> list[Box]:
    """Write a label near each point, at the first free place on rings around it, with a thin line if it is far.

    The figure is laid out first and must keep its layout afterwards: nothing is moved by this.

    Args:
        axes: with its final limits.
        points: x, y (data units) and text of each.
        lines: x0, y0, x1, y1 (data units) of upright or level lines, which are covered only if nothing else is free.
        size: of the letters, points.

    Returns:
        Boxes of the labels in pixels: left, low, right, high.
    """
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    scale = figure.dpi / 72
    spots = [axes.transData.transform((x, y)) for x, y, _ in points]
    ends = [axes.transData.transform([line[:2], line[2:]]).ravel() for line in lines]
    thin = [(float(a) - 1, float(b) - 1, float(c) + 1, float(d) + 1) for a, b, c, d in ends]
    bounds = np.asarray(axes.get_window_extent(renderer).extents)
    taken = [_around(spot[0], spot[1], 4.5 * scale, 4.5 * scale) for spot in spots]
    boxes: list[Box] = [(0.0, 0.0, 0.0, 0.0)] * len(points)
    for k in sorted(range(len(points)), key=lambda k: (-spots[k][1], spots[k][0], points[k][2])):
        x, y, text = points[k]
        probe = axes.text(0, 0, text, fontsize=size)
        extent = probe.get_window_extent(renderer)
        probe.remove()
        ring, box = _place(spots[k], extent.width / 2, extent.height / 2, STEP * scale, bounds, taken, thin)
        taken.append(box)
        boxes[k] = box
        away = ((box[0] + box[2]) / 2 - spots[k][0], (box[1] + box[3]) / 2 - spots[k][1])
        line = {"arrowstyle": "-", "color": "#888888", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            text, (x, y), xytext=(away[0] / scale, away[1] / scale), textcoords="offset points", ha="center", va="center",
            fontsize=size, color="#222222", arrowprops=line if ring > 2 else None,
        )  # fmt: skip
    return boxes


def _place(
    spot: np.ndarray, width: float, height: float, step: float, bounds: np.ndarray, taken: list[Box], thin: list[Box]
) -> tuple[int, Box]:
    """Ring and box of the best place: clear of lines and near, else clear of labels and points, else inside."""
    places = []
    for ring in range(1, RINGS):
        for a in ANGLES:
            dx, dy = np.cos(a) * (ring * step + width), np.sin(a) * (ring * step + height)
            places.append((ring, _around(spot[0] + dx, spot[1] + dy, width, height)))
    inside = [
        (n, b) for n, b in places if b[0] > bounds[0] and b[1] > bounds[1] and b[2] < bounds[2] and b[3] < bounds[3]
    ]  # fmt: skip
    free = [(n, b) for n, b in inside if not any(overlap(b, other) for other in taken)]
    clear = [(n, b) for n, b in free if n <= RINGS // 3 and not any(overlap(b, line) for line in thin)]
    return (clear or free or inside or places)[0]


def _around(x: float, y: float, half_width: float, half_height: float) -> Box:
    return float(x) - half_width, float(y) - half_height, float(x) + half_width, float(y) + half_height


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes (left, low, right, high) share a point of their inside."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
