"""A study: which settings of one scenario are varied, and how; read from YAML or made in Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from recsim.errors import InputError
from recsim.experiment.under_policy import under_policy
from recsim.scenario.dump import _plain
from recsim.scenario.kinds import refuse_other
from recsim.scenario.load import load, parse, read_yaml, set_value
from recsim.scenario.problems import Lines, validated
from recsim.scenario.quantity import Strict
from recsim.scenario.schema import Scenario

NAME = re.compile(r"[A-Za-z0-9_.-]+")
CAMPAIGN = re.compile(r"campaigns\.([A-Za-z0-9_-]+)")
METHODS = ("latin_hypercube", "sobol", "morris", "saltelli")
COLUMNS = (
    "cell", "replicate", "branch", "candidate", "share_factual", "share_counterfactual", "shift_pp",
    "impressions_factual", "impressions_counterfactual", "comment_exposures_factual", "comment_exposures_counterfactual",
    "reach_factual", "reach_counterfactual", "inauthentic_actions",
)  # fmt: skip
"""Columns of a study's dataset beside those of the axes and the facts."""
Method = Literal["latin_hypercube", "sobol", "morris", "saltelli"]


class Axis(Strict):
    """One thing that is varied: listed values, an even grid over a range, or a range that the study's sample covers."""

    key: str = Field(
        "", description="dotted key of the scenario; campaigns.ID alone takes true and false (acts or not)"
    )
    name: str = Field("", description="column in the results (default: the key)")
    values: list[Any] | dict[str, Any] | None = Field(
        None, description="values in order; or name: value, for values that are lists or mappings"
    )
    sets: dict[str, dict[str, Any]] | None = Field(
        None, description="in place of key and values: name: {dotted key: value, ...}, several keys at once"
    )
    range: tuple[float, float] | None = Field(None, description="lowest and highest value, in the unit of the key")
    scale: Literal["linear", "log"] = Field("linear", description="along which the range is divided or sampled")
    n: int | None = Field(None, ge=2, le=10_000, description="points of an even grid over the range, both ends counted")
    whole: bool = Field(False, description="round to whole numbers")
    sampled: bool | None = Field(
        None, description="whether the study's sample covers it (default: a range without n is sampled)"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Axis:
        given = [k for k in ("values", "sets", "range") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"got {' and '.join(given) or 'none of them'}; give one of values, sets, range")
        if bool(self.key) == (self.sets is not None):
            raise ValueError("sets names its own keys; remove key" if self.key else "key is missing; add it")
        if self.sets is not None and not self.name:
            raise ValueError("sets need a name for their column; add name")
        found = self.values if self.values is not None else self.sets
        if found is not None and not len(found):
            raise ValueError("got no value; name at least one")
        if self.range is not None:
            low, high = self.range
            if not low < high:
                raise ValueError(f"got range [{low:g}, {high:g}]; the first must be below the second")
            if self.scale == "log" and low <= 0:
                raise ValueError(f"got a log range from {low:g}; a log range must start above 0")
        elif self.n is not None or self.scale != "linear" or self.whole:
            raise ValueError("n, scale and whole belong to a range; remove them or give a range")
        if self.n is not None and self.sampled:
            raise ValueError("got n and sampled; a sampled range takes its number from the study's sample")
        return self

    @property
    def column(self) -> str:
        """Name in the results."""
        return self.name or self.key

    @property
    def is_sampled(self) -> bool:
        """Whether the study's sample covers it."""
        return bool(self.sampled) if self.sampled is not None else self.range is not None and self.n is None


class Sample(Strict):
    """How all sampled axes together are covered."""

    method: Method = Field(
        "sobol",
        description="latin_hypercube, sobol (scrambled, n a power of 2); morris, saltelli (for indices, need SALib)",
    )
    n: int = Field(64, ge=2, le=1_000_000, description="points; for morris trajectories, for saltelli base points")

    @model_validator(mode="after")
    def _balanced(self) -> Sample:
        if self.method in ("sobol", "saltelli") and self.n & (self.n - 1):
            low = 1 << (self.n.bit_length() - 1)
            raise ValueError(f"got n {self.n}; a Sobol sequence is balanced at powers of 2: {low} or {2 * low}")
        return self


class Study(Strict):
    """Which settings of one scenario are varied, and how."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name, used in folder names")
    title: str = Field("", description="one line for the page")
    scenario: str = Field(description="scenario file, relative to the study's own file")
    set: dict[str, Any] = Field(default_factory=dict, description="values by dotted key that hold in all cells")
    replicates: int | None = Field(
        None, ge=1, le=10_000, description="replicates of each cell (default: the scenario's)"
    )
    seed: int = Field(1, ge=0, lt=2**32, description="seed of the sample; the worlds' own seed is run.seed")
    fixed_parameters: bool = Field(
        False, description="hold ranged parameters that are not varied at their central values"
    )
    candidate: str | None = Field(
        None, description="whose shift is reported (default: the beneficiary of most campaigns)"
    )
    sample: Sample | None = Field(None, description="how the sampled axes are covered")
    axes: list[Axis] = Field(min_length=1, description="what is varied")

    @model_validator(mode="after")
    def _fits(self) -> Study:
        names = [axis.column for axis in self.axes]
        for n, name in enumerate(names):
            if name in names[:n]:
                raise ValueError(f"got two axes {name!r}; give one of them another name")
            if name in COLUMNS or name.startswith("fact_"):
                raise ValueError(f"got an axis {name!r}, which is a column of every study; give it a name")
        sampled = [axis.column for axis in self.axes if axis.is_sampled]
        if sampled and self.sample is None:
            raise ValueError(
                f"axis {sampled[0]!r} has neither n nor values; give it n, or the study a sample: {{method: sobol, n: 64}}"
            )
        if self.sample is not None and not sampled:
            raise ValueError("got a sample, but no axis is sampled; give an axis a range without n, or remove sample")
        if self.sample is not None and self.sample.method in ("morris", "saltelli") and len(sampled) < len(names):
            raise ValueError(f"{self.sample.method} needs all axes sampled; add sampled: true to the others")
        return self


def read_study(path: str | Path) -> tuple[Study, Scenario, Lines]:
    """A study, the scenario it starts from with what it sets, and the lines of its entries.

    Raises:
        InputError: one line per problem, with file, line and key.
    """
    raw, lines = read_yaml(path)
    refuse_other(raw, "study", str(path))
    study: Study = validated(Study, raw, str(path), lines)
    base = load(Path(path).parent / study.scenario)
    where = f"{path}:{lines.get(('set',), 1)} set"
    return study, with_settings(base, study.set, where, f"study {study.name}"), lines


def made_study(
    scenario: Scenario, axes: Mapping[str, Any] | Sequence[Mapping[str, Any]], **more: Any
) -> tuple[Study, Scenario]:
    """A study made in Python.

    Args:
        scenario: from `recsim.load`.
        axes: dotted key: list of values, or a mapping of the other fields of an axis; or a list of whole axes.
        more: other fields of a study.

    Raises:
        InputError: one line per problem.
    """
    if isinstance(axes, Mapping):
        rows = [{"key": k, **(dict(v) if isinstance(v, Mapping) else {"values": list(v)})} for k, v in axes.items()]
    else:
        rows = [dict(axis) for axis in axes]
    given = {k: v for k, v in more.items() if v is not None}
    raw = {"name": scenario.name, "scenario": "scenario.yaml", "axes": rows, **given}
    study: Study = validated(Study, raw, "sweep", {})
    return study, with_settings(scenario, study.set, "sweep set", f"study {study.name}")


def with_settings(scenario: Scenario, settings: Mapping[str, Any], where: str, source: str) -> Scenario:
    """The scenario with values set and validated again; blocks that no setting touches are shared with it.

    A change of policy leaves out what belongs to the former one, see `under_policy`.

    Args:
        scenario: is not changed.
        settings: value by dotted key; `campaigns.ID: false` lets none of a campaign's accounts act.
        where: for errors.
        source: noted as the source of the numbers.

    Raises:
        InputError: an unknown key, or a value that is not allowed.
    """
    settings = dict(pair for key, value in settings.items() for pair in _plain_settings(str(key), value))
    if not settings:
        return scenario
    policy = settings.get("platform.policy")
    if isinstance(policy, str):
        try:
            scenario = under_policy(scenario, policy)
        except InputError as error:
            raise InputError(error.message, f"{where} {error.where or 'platform.policy'}") from None
    raw: dict[str, Any] = {name: getattr(scenario, name) for name in type(scenario).model_fields}
    for block in {key.partition(".")[0] for key in settings} & set(raw):
        raw[block] = _plain(raw[block])
    for key, value in settings.items():
        set_value(raw, key, value, f"{where} {key}", source)
    return parse(raw, where)


def _plain_settings(key: str, value: Any) -> list[tuple[str, Any]]:
    """A setting as such; whether a campaign acts as its dose."""
    if CAMPAIGN.fullmatch(key) and isinstance(value, bool):
        return [] if value else [(f"{key}.dose", 0.0)]
    return [(key, value)]


def dump_study(study: Study) -> str:
    """A study as YAML that runs beside the ``scenario.yaml`` of its folder, in which what it sets is in place already."""
    content = study.model_dump(mode="json", exclude_defaults=True)
    content.pop("set", None)
    content["scenario"] = "scenario.yaml"
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=2**16)


def check_names(study: Study, where: str) -> None:
    """Names of values become labels and file names.

    Raises:
        InputError: a name with other signs than letters, digits, "_", "-" and ".".
    """
    for axis in study.axes:
        named = axis.sets if axis.sets is not None else axis.values
        for name in named if isinstance(named, dict) else ():
            if not NAME.fullmatch(str(name)):
                raise InputError(
                    f"got {name!r}; use letters, digits, '_', '-' and '.' only", f"{where} axes.{axis.column}"
                )
