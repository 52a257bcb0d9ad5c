"""Labels beside points that cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

STEP = 7.0
"""Points (1/72 inch) between the rings of places that are tried."""


def place_labels(axes: Axes, x: Sequence[float], y: Sequence[float], texts: Sequence[str], size: float = 7.5) -> None:
    """Write a label near each point, at the first free place on rings around it, with a thin line if it is far.

    The figure is laid out first and must keep its layout afterwards: nothing is moved by this.

    Args:
        axes: with its final limits.
        x, y: points, data units. texts: one per point. size: of the letters, points.
    """
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    scale = figure.dpi / 72
    points = axes.transData.transform(np.column_stack([x, y]))
    inside = axes.get_window_extent(renderer)
    taken = [(px - 4 * scale, py - 4 * scale, px + 4 * scale, py + 4 * scale) for px, py in points]
    for k in np.argsort(-points[:, 1], kind="stable"):
        probe = axes.text(0, 0, texts[k], fontsize=size)
        box = probe.get_window_extent(renderer)
        probe.remove()
        left, low, far = _free_place(points[k], (box.width, box.height), taken, inside.extents, STEP * scale)
        taken.append((left, low, left + box.width, low + box.height))
        middle = (left + box.width / 2, low + box.height / 2)
        axes.annotate(
            texts[k], axes.transData.inverted().transform(points[k]), xytext=tuple((np.array(middle) - points[k]) / scale),
            textcoords="offset points", ha="center", va="center", fontsize=size, color="#222222",
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3} if far else None,
        )  # fmt: skip


def _free_place(
    point: np.ndarray, size: tuple[float, float], taken: list, bounds: np.ndarray, step: float
) -> tuple[float, float, bool]:
    """Lower left corner of the first free place, pixels, and whether it needs a line; the nearest inside if none is."""
    width, height = size
    fallback = (float(point[0]) + step, float(point[1]) + step, False)
    for ring in range(1, 26):
        for angle in np.radians([0, 180, 45, 315, 135, 225, 90, 270, 20, 340, 160, 200, 65, 295, 115, 245]):
            reach = ring * step
            cx = point[0] + np.cos(angle) * (reach + width / 2)
            cy = point[1] + np.sin(angle) * (reach + height / 2)
            left, low = cx - width / 2, cy - height / 2
            box = (left, low, left + width, low + height)
            if box[0] < bounds[0] or box[1] < bounds[1] or box[2] > bounds[2] or box[3] > bounds[3]:
                continue
            if not any(overlap(box, other) for other in taken):
                return float(left), float(low), ring > 2
    return fallback


def overlap(a: tuple, b: tuple) -> bool:
    """Whether two boxes (left, low, right, high) share a point of their inside."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
