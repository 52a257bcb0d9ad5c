"""A calibration: which parameters are to be found, which observed figures they have to explain, and how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from recsim.errors import InputError, unknown
from recsim.experiment.cells import bare
from recsim.experiment.design import _drawn
from recsim.experiment.observables import DOCUMENTED, PLATFORM
from recsim.experiment.parameter_sets import MEMBERS, check_members
from recsim.experiment.study import Axis, with_settings
from recsim.ranking import registry
from recsim.scenario.dump import _plain
from recsim.scenario.kinds import refuse_other
from recsim.scenario.load import check_free, load, read_yaml
from recsim.scenario.problems import Lines, validated
from recsim.scenario.quantity import Strict
from recsim.scenario.schema import Ensemble, Scenario

VOTES = ("vote", "ballot", "turnout", "poll", "seat")


class Target(Strict):
    """One observed figure."""

    metric: str = Field(description="name of the figure; docs/calibration.md lists them")
    value: float = Field(description="what was observed, in the figure's unit")
    error: float = Field(
        gt=0, description="standard deviation of its error; on a log scale of the natural logarithm, about a share"
    )
    discrepancy: float = Field(
        0.0, ge=0, description="standard deviation of what the model itself may miss, on the same scale"
    )
    scale: Literal["log", "linear"] = Field("log", description="scale of the figure and its error")
    role: Literal["fit", "holdout"] = Field(
        "fit", description="holdout: only looked at afterwards, never used in fitting"
    )
    source: str = Field(description="who published the figure")

    @model_validator(mode="after")
    def _positive(self) -> Target:
        if self.scale == "log" and self.value <= 0:
            raise ValueError(f"got value {self.value:g} on a log scale; it must be above 0, or say scale: linear")
        return self

    @property
    def observed(self) -> float:
        """The value on its scale."""
        return math.log(self.value) if self.scale == "log" else self.value

    @property
    def spread(self) -> float:
        """Standard deviation of error and discrepancy together, on the scale."""
        return math.hypot(self.error, self.discrepancy)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Simulated figures (N,) on the scale; NaN for what has no logarithm."""
        return np.log(np.where(values > 0, values, np.nan)) if self.scale == "log" else values


class Method(Strict):
    """Sizes of history matching and of the sample of the posterior."""

    waves: int = Field(2, ge=0, le=20, description="waves of history matching; 0: none")
    points: int = Field(64, ge=8, le=4096, description="worlds simulated in a wave")
    cut: float = Field(3.0, gt=0, description="implausibility above which parameters are ruled out")
    particles: int = Field(64, ge=8, le=100_000, description="worlds simulated in a generation")
    generations: int = Field(3, ge=2, le=50, description="generations at most")
    members: int = Field(32, ge=1, le=10_000, description="parameter sets of the ensemble that is written")

    @property
    def simulations(self) -> int:
        """Worlds at most."""
        return self.waves * self.points + self.generations * self.particles


class Calibration(Strict):
    """Which parameters, which targets, how."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name, used in folder names")
    title: str = Field("", description="one line for the page")
    scenario: str = Field(description="scenario file, relative to this file")
    set: dict[str, Any] = Field(default_factory=dict, description="values by dotted key that hold in all worlds")
    seed: int = Field(1, ge=0, lt=2**32, description="seed of designs and proposals; the worlds' own seed is run.seed")
    fixed_parameters: bool = Field(
        False, description="hold ranged parameters that are not calibrated at their central values"
    )
    parameters: list[Axis] = Field(min_length=1, description="dotted key and prior range of each; uniform on its scale")
    targets: list[Target] = Field(min_length=1, description="observed figures")
    method: Method = Field(default_factory=Method, description="how many worlds")

    @model_validator(mode="after")
    def _fits(self) -> Calibration:
        names = [axis.column for axis in self.parameters]
        for n, axis in enumerate(self.parameters):
            if axis.column in names[:n]:
                raise ValueError(f"got two parameters {axis.column!r}; give one of them another name")
            if axis.range is None or axis.n is not None:
                raise ValueError(f"parameter {axis.column!r} needs a range and no n")
        metrics = [target.metric for target in self.targets]
        for n, metric in enumerate(metrics):
            if metric in metrics[:n]:
                raise ValueError(f"got two targets {metric!r}; keep one")
        if not any(target.role == "fit" for target in self.targets):
            raise ValueError("no target has role fit; give one")
        least = 2 * (1 + 2 * len(names))
        if self.method.waves and self.method.points < least:
            raise ValueError(
                f"got {self.method.points} points for {len(names)} parameters; at least {least} are needed"
            )
        return self

    @property
    def fitted(self) -> list[Target]:
        """Targets that parameters are fitted to."""
        return [target for target in self.targets if target.role == "fit"]

    def scaled(self, figures: pd.DataFrame) -> np.ndarray:
        """(N, K) fitted figures on the scales of their targets; NaN for what has no logarithm."""
        return np.stack([target.scaled(figures[target.metric].to_numpy(float)) for target in self.fitted], axis=1)

    def at(self, scenario: Scenario, point: np.ndarray, where: str) -> tuple[dict[str, float], Scenario]:
        """Values by column, and the scenario that has them, at a point (D,) of the unit cube.

        Raises:
            InputError: a key that the scenario does not have, or a value that it does not allow.
        """
        values, settings = {}, dict[str, Any]()
        for axis, u in zip(self.parameters, point.tolist(), strict=True):
            level = _drawn(axis, u)
            values[axis.column] = float(level.label)
            settings |= level.settings
        return values, bare(with_settings(scenario, settings, where, f"calibration {self.name}"))


def read_calibration(path: str | Path) -> tuple[Calibration, Scenario, Lines]:
    """A calibration, the scenario it starts from with what it sets, and the lines of its entries.

    Raises:
        InputError: one line per problem, with file, line and key; also where votes are to be fitted.
    """
    raw, lines = read_yaml(path)
    refuse_other(raw, "calibration", str(path))
    found: Calibration = validated(Calibration, raw, str(path), lines)
    for number, target in enumerate(found.targets):
        check_metric(target.metric, f"{path}:{lines.get(('targets', number), 1)} targets[{number}].metric")
    base = load(Path(path).parent / found.scenario)
    where = f"{path}:{lines.get(('set',), 1)} set"
    return found, with_settings(base, found.set, where, f"calibration {found.name}"), lines


def with_ensemble(scenario: Scenario, path: str | Path, settings: Sequence[tuple[str, str]] = ()) -> Scenario:
    """The scenario with the parameter sets of a calibration, every one of them tried.

    Args:
        scenario: from `recsim.load`; sets that it has already are replaced. path: ``ensemble.yaml`` of a calibration.
        settings: dotted keys that were set by hand, with what an error calls each; the sets must leave them alone.

    Raises:
        InputError: not such a file, a key that the scenario does not have, a value that it does not allow, or a number that was
            set by hand.
    """
    scenario = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": None})})
    raw, lines = read_yaml(path)
    ensemble: Ensemble = validated(Ensemble, raw, str(path), lines)
    scenario = _with_defaults(scenario, ensemble, str(path))
    for number, member in enumerate(ensemble.members):
        line = lines.get(("members", number), 1)
        with_settings(scenario, member, f"{path}:{line} members[{number}]", f"calibration {ensemble.name}")
    made = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": ensemble})})
    try:
        check_members(made)
    except InputError as error:
        number = int((error.where or "").removeprefix(f"{MEMBERS}."))
        raise InputError(error.message, f"{path}:{lines.get(('members', number), 1)} members[{number}]") from None
    plain = _plain(made) if settings else {}
    for key, where in settings:
        check_free(plain, key, where)
    return made


def _with_defaults(scenario: Scenario, ensemble: Ensemble, where: str) -> Scenario:
    """The scenario with the policy's own values of parameters that the sets name and it leaves out: only what stands there can
    be replaced.
    """
    platform, start = scenario.platform, "platform.parameters."
    own = registry.configured(platform.policy, platform.rerank, platform.rerank_top).parameters
    named = {key.removeprefix(start) for member in ensemble.members for key in member if key.startswith(start)}
    missing = {start + name: own[name] for name in sorted(named & set(own) - set(platform.parameters))}
    return with_settings(scenario, missing, where, f"default of {platform.policy}") if missing else scenario


def check_metric(name: str, where: str) -> None:
    """Whether a figure can be a target.

    Raises:
        InputError: there is no such figure, or it is about votes.
    """
    if any(word in name.lower() for word in VOTES):
        raise InputError(
            f"got {name!r}; votes cannot be a target: with one election, appeal and amplification are not separable, and "
            "fitting one would pass for measuring the other",
            where,
        )
    known = (*DOCUMENTED, *PLATFORM)
    if name not in known:
        raise unknown("metric", name, known, where)
