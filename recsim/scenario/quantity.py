"""A number that carries its unit, its evidence and, where it is uncertain, its declared range.

In YAML a quantity is either a bare number or a mapping::

    like_rate: 0.045
    like_rate: {value: 0.045, range: [0.02, 0.07], evidence: assumption, source: "..."}

The range is what `Scenario.realise` draws from, once per replicate.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Evidence = Literal["documented", "published formula", "assumption", "computed", "unstated"]


class Strict(BaseModel):
    """Base of every block of a scenario: unknown keys are errors, objects are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Keyed(Strict):
    """A member of a list that results and luck know by name."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name used in results")
    key: str = Field("", description="name on which luck hangs (default: the id)")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, raw: object) -> object:
        return {"key": raw["id"], **raw} if isinstance(raw, dict) and "id" in raw else raw


class Quantity(Strict):
    """One number of a scenario with its evidence.

    Raises:
        ValueError: the value lies outside its own range, a range is inverted, a logarithmic range
            touches zero, or a claim is called documented without a source.
    """

    value: float = Field(description="central value, in the unit of the field that holds it")
    range: tuple[float, float] | None = Field(None, description="lowest and highest plausible value")
    scale: Literal["linear", "log"] = Field("linear", description="how a value is drawn from the range")
    evidence: Evidence = Field("unstated", description="where the number comes from")
    source: str | None = Field(None, description="who says so; required for documented numbers")

    @model_validator(mode="after")
    def _consistent(self) -> Quantity:
        if self.range is not None:
            low, high = self.range
            if not low <= high:
                raise ValueError(f"got range [{low:g}, {high:g}]; the first must not exceed the second")
            if not low <= self.value <= high:
                raise ValueError(f"got value {self.value:g} outside its own range [{low:g}, {high:g}]")
            if self.scale == "log" and low <= 0:
                raise ValueError(f"got a log range from {low:g}; a log range must start above 0")
        if self.evidence == "documented" and not self.source:
            raise ValueError("evidence is 'documented' but no source is given; add source: \"...\"")
        return self

    @property
    def ends(self) -> tuple[float, ...]:
        """What a replicate can have at least and at most, and the central value."""
        return (self.value, *(self.range or ()))

    def at(self, u: float) -> Quantity:
        """This quantity with its value at quantile ``u`` in [0, 1) of the range (itself if it has none)."""
        if self.range is None:
            return self
        low, high = self.range
        if self.scale == "log":
            drawn = math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        else:
            drawn = low + u * (high - low)
        return self.model_copy(update={"value": min(max(drawn, low), high)})

    def times(self, factor: float) -> Quantity:
        """This quantity with value and range multiplied by ``factor`` (at least 0)."""
        scaled = None if self.range is None else (self.range[0] * factor, self.range[1] * factor)
        scale = self.scale if factor > 0 else "linear"
        return self.model_copy(update={"value": self.value * factor, "range": scaled, "scale": scale})


TINY = 1e-12
"""Least value of what must be above 0."""


def said(value: Any) -> str:
    """A value of a YAML file in plain words, for errors."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value!r}"
    return "a list" if isinstance(value, list | tuple) else "a mapping" if isinstance(value, dict) else str(value)


def _wrap(raw: Any) -> Any:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return {"value": raw}
    if isinstance(raw, dict | Quantity):
        return raw
    raise ValueError(f"got {said(raw)}; a number is needed, or a mapping with 'value'")


def _within(low: float | None, high: float | None) -> AfterValidator:
    def check(quantity: Quantity) -> Quantity:
        for number in quantity.ends:
            if (low is not None and number < low) or (high is not None and number > high):
                if low is not None and high is not None:
                    allowed = f"in [{low:g}, {high:g}]"
                elif low is not None:
                    allowed = "above 0" if low == TINY else f"at least {low:g}"
                else:
                    allowed = f"at most {high:g}"
                raise ValueError(f"got {number:g}, must be {allowed}")
        return quantity

    return AfterValidator(check)


def _off(raw: Any) -> Any:
    return "off" if raw is False else raw


Off = BeforeValidator(_off)
"""Beside words of which one is ``off``, which YAML 1.1 reads as false."""


def bounded(low: float | None = None, high: float | None = None) -> Any:
    """The annotated type of a quantity whose value and range lie in [low, high]."""
    return Annotated[Quantity, BeforeValidator(_wrap), _within(low, high)]


Share = bounded(0.0, 1.0)
SignedShare = bounded(-1.0, 1.0)
Points = bounded(0.0, 100.0)
PointsBelow50 = bounded(0.0, 49.0)
UpToTwo = bounded(0.0, 2.0)
LogSlope = bounded(0.001, 80.0)
"""Slope of the log of a density on 0-1, as far as float32 can tell its quantiles."""
NonNegative = bounded(0.0)
Positive = bounded(TINY)
Tail = bounded(1.01)
"""Exponent of a density that falls as a power: only above 1 does it add up to 1."""
AnyNumber = bounded()


def assumed(value: float, low: float | None = None, high: float | None = None, log: bool = False) -> Quantity:
    """A default that is our assumption, with its plausible range."""
    span = None if low is None or high is None else (low, high)
    return Quantity(value=value, range=span, scale="log" if log else "linear", evidence="assumption")
