"""Figures of a run held beside documented ones: the metrics that a scenario's targets may name."""

from __future__ import annotations

from recsim.experiment.observables import documented_facts, platform_facts

__all__ = ["documented_facts", "platform_facts", "verdict"]


def verdict(value: float | None, low: float | None, high: float | None) -> str:
    """inside, outside, or no target."""
    if value is None or (low is None and high is None):
        return "no target"
    inside = (low is None or value >= low) and (high is None or value <= high)
    return "inside" if inside else "outside"
