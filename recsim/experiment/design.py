"""The cells of a study: levels crossed, ranges sampled, and the order in which they are worth computing."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from recsim.errors import InputError
from recsim.experiment.study import Axis, Sample, Study

Settings = dict[str, Any]


class Level(NamedTuple):
    """One value of an axis: what the results call it, and what it sets."""

    label: float | str
    settings: Settings


class Cell(NamedTuple):
    """One setting of all axes.

    Attributes:
        number: in the order of the design.
        values: by axis, as in the results.
        settings: by dotted key.
        stage: how early it is worth computing; all cells of a stage cover the whole space.
    """

    number: int
    values: dict[str, float | str]
    settings: Settings
    stage: int

    @property
    def name(self) -> str:
        """For errors: number and values."""
        inside = ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in self.values.items())
        return f"cell {self.number} ({inside})"


def numeric(axis: Axis) -> bool:
    """Whether the axis has numbers for values."""
    if axis.range is not None:
        return True
    return isinstance(axis.values, list) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in axis.values
    )


def of_text(axis: Axis) -> bool:
    """Whether all values of the axis are text: names, or settings that are."""
    return axis.sets is not None or (axis.values is not None and all(isinstance(v, str) for v in axis.values))


def kind_of(axis: Axis) -> str:
    """How an axis is covered: sample, grid or list."""
    return "sample" if axis.is_sampled else "grid" if axis.range is not None else "list"


def levels_of(axis: Axis) -> list[Level]:
    """The values of an axis that is listed or a grid.

    Raises:
        InputError: a value that needs a name.
    """
    if axis.sets is not None:
        return [Level(name, dict(settings)) for name, settings in axis.sets.items()]
    if axis.range is not None:
        assert axis.n is not None
        points = [_along(axis, k / (axis.n - 1)) for k in range(axis.n)]
        return [Level(v, {axis.key: _whole(axis, v)}) for v in dict.fromkeys(points)]
    if isinstance(axis.values, dict):
        return [Level(name, {axis.key: value}) for name, value in axis.values.items()]
    out = []
    for value in axis.values or []:
        if isinstance(value, list | dict):
            raise InputError(
                f"got {value!r}; give values that are lists or mappings a name: values: {{name: value}}", axis.column
            )
        label = (
            float(value)
            if numeric(axis)
            else {True: "on", False: "off"}.get(value, str(value))
            if isinstance(value, bool)
            else str(value)
        )
        out.append(Level(label, {axis.key: value}))
    labels = [level.label for level in out]
    for n, label in enumerate(labels):
        if label in labels[:n]:
            raise InputError(f"got {label!r} twice; name each value once", axis.column)
    return out


def _along(axis: Axis, u: float) -> float:
    """The value at a part of the range; twelve digits, so that the ends are what was written."""
    assert axis.range is not None
    low, high = axis.range
    value = math.exp(math.log(low) + u * math.log(high / low)) if axis.scale == "log" else low + u * (high - low)
    value = float(f"{value:.12g}")
    return float(round(value)) if axis.whole else value


def _whole(axis: Axis, value: float) -> float | int:
    return round(value) if axis.whole else value


def _drawn(axis: Axis, u: float) -> Level:
    """The value of a sampled axis at a uniform number in [0, 1)."""
    if axis.range is None:
        levels = levels_of(axis)
        return levels[min(int(u * len(levels)), len(levels) - 1)]
    value = _along(axis, u)
    return Level(value, {axis.key: _whole(axis, value)})


def points_of(sample: Sample, axes: int, seed: int) -> np.ndarray:
    """(N, axes) points of the unit cube; the first ones already cover it.

    Raises:
        InputError: SALib is needed and not installed.
    """
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    if sample.method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(axes, rng=rng).random(sample.n))
    if sample.method == "sobol":
        return np.asarray(qmc.Sobol(axes, scramble=True, rng=rng).random(sample.n))
    from recsim.experiment.sensitivity import points

    return points(sample.method, sample.n, axes, seed)


def cells_of(study: Study) -> list[Cell]:
    """All cells: every point of the sample with every combination of listed and gridded values.

    Raises:
        InputError: two levels of an axis that are the same, or a value without a name.
    """
    crossed = [axis for axis in study.axes if not axis.is_sampled]
    sampled = [axis for axis in study.axes if axis.is_sampled]
    parts: list[list[tuple[dict[str, Level], int]]] = []
    if sampled:
        assert study.sample is not None
        cube = points_of(study.sample, len(sampled), study.seed)
        parts.append(
            [
                ({axis.column: _drawn(axis, float(u)) for axis, u in zip(sampled, row, strict=True)}, n.bit_length())
                for n, row in enumerate(cube)
            ]
        )
    for axis in crossed:
        levels = levels_of(axis)
        stages = _stages(len(levels)) if kind_of(axis) == "grid" else [0] * len(levels)
        parts.append([({axis.column: level}, stage) for level, stage in zip(levels, stages, strict=True)])
    order = [axis.column for axis in study.axes]
    out = []
    for number, combination in enumerate(itertools.product(*parts)):
        chosen = {name: level for found, _ in combination for name, level in found.items()}
        settings = {k: v for name in order for k, v in chosen[name].settings.items()}
        values = {name: chosen[name].label for name in order}
        out.append(Cell(number, values, settings, max(stage for _, stage in combination)))
    return out


def _stages(count: int) -> list[int]:
    """When each point of a grid comes: ends first, then the middle, then what halves the gaps."""
    stages, step, stage = [-1] * count, count - 1, 0
    while -1 in stages and step >= 1:
        for k in range(0, count, step):
            if stages[k] < 0:
                stages[k] = stage
        stages[count - 1] = max(stages[count - 1], 0)
        step, stage = step // 2, stage + 1
    return stages


def work_order(cells: list[Cell]) -> list[int]:
    """Numbers of the cells, coarse coverage of the whole space first."""
    return sorted(range(len(cells)), key=lambda n: (cells[n].stage, n))
