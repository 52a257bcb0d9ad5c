"""What a detector is: a function with declared parameters and sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from recsim.agents.detectors.log import Finding
from recsim.errors import InputError, unknown


class Parameter(NamedTuple):
    """One number of a detector."""

    default: float
    unit: str
    low: float
    high: float
    evidence: str  # as in a scenario: documented, published formula, assumption
    source: str
    whole: bool = False


class Detector(NamedTuple):
    """A rule that flags accounts.

    ``find(log, facts, parameters)`` returns a `Finding`; if ``reads_truth`` it takes a `Truth` as fourth argument.
    """

    name: str
    title: str
    find: Callable[..., Finding]
    parameters: Mapping[str, Parameter]
    score: str  # what the score is, with its unit
    evidence: str
    source: str
    published: str  # what has been published about how well it works
    reads_truth: bool = False


def settled(detector: Detector, given: Mapping[str, float], where: str | None = None) -> dict[str, float]:
    """All parameters of a detector: those given, and defaults for the rest.

    Raises:
        InputError: an unknown name, or a value that is no number, out of range or not whole.
    """
    out = {name: one.default for name, one in detector.parameters.items()}
    for name, value in given.items():
        if name not in out:
            raise unknown(f"parameter of detector {detector.name}", name, out, where)
        one = detector.parameters[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"got {name} = {value!r}; a number is needed ({one.unit})", where)
        if not one.low <= value <= one.high:
            raise InputError(f"got {name} = {value:g}, must be in [{one.low:g}, {one.high:g}] {one.unit}", where)
        if one.whole and value != int(value):
            raise InputError(f"got {name} = {value:g}; a whole number is needed ({one.unit})", where)
        out[name] = float(value)
    return out
