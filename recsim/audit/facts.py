"""Figures of a run held beside documented ones: the metrics that a scenario's targets may name."""

from __future__ import annotations

import re

from recsim.errors import nearest
from recsim.experiment.observables import DOCUMENTED, PLATFORM, documented_facts, platform_facts
from recsim.metrics import METRICS
from recsim.scenario.schema import Scenario
from recsim.state import ACTIONS

__all__ = ["documented_facts", "figures", "platform_facts", "targets_not_known", "verdict"]

NOT_COMPUTED = ("two_candidate_test_account",)
"""Documented figures that a scenario may name although no run computes them: they need audit instruments in the simulator."""
NUMBERED = re.compile(r"gate_[1-9]\d*_(pass_share|never_set)|effective_items\..+")
"""Figures of which there is one by exposure pool or by candidate."""
_FURTHER = {
    "median_views": ("median views of an item", "views"),
    "mean_views": ("mean views of an item", "views"),
    "influencer_views": ("views of paid posts", "simulated views"),
    "effective_items.CANDIDATE": ("1 / sum p^2 over views of a candidate's items", "items"),
    "gate_NUMBER_pass_share": ("promotions / arrivals at an exposure pool, counted from 1", "0-1"),
    "gate_NUMBER_never_set": ("1 where too few arrived at it for a threshold, so that everything passes", "0-1"),
}
"""Meaning and unit of figures that are no metric."""


def verdict(value: float | None, low: float | None, high: float | None) -> str:
    """inside, outside, or no target."""
    if value is None or (low is None and high is None):
        return "no target"
    inside = (low is None or value >= low) and (high is None or value <= high)
    return "inside" if inside else "outside"


def figures() -> list[dict[str, str]]:
    """One row per figure that a target can name: name, what it is, unit, and whether a calibration can be fitted to it."""
    rates = [f"{name}_rate" for name in ACTIONS if name not in ("view", "watch")]
    names = dict.fromkeys([*DOCUMENTED, *PLATFORM, *rates, "utility_per_view", *_FURTHER])
    return [
        {
            "name": name, "what": _meaning(name)[0], "unit": _meaning(name)[1],
            "calibration": "can be fitted" if name in (*DOCUMENTED, *PLATFORM) else "",
        }
        for name in names
    ]  # fmt: skip


def _meaning(name: str) -> tuple[str, str]:
    if name in METRICS:
        return METRICS[name][1], METRICS[name][2]
    return _FURTHER.get(name, (f"{name.removesuffix('_rate')} / views of people", "0-1"))


def targets_not_known(scenario: Scenario) -> dict[str, str]:
    """By id of the target what is wrong with a metric that no run computes; those declared as not computed are left out."""
    known = [row["name"] for row in figures()]
    out = {}
    for target in scenario.targets:
        name = target.metric
        if name in known or name in NOT_COMPUTED or NUMBERED.fullmatch(name):
            continue
        near = nearest(name, known)
        hint = f"; did you mean {near!r}?" if near else ""
        out[target.id] = f"got {name!r}, which no run computes{hint} (recsim list figures)"
    return out
