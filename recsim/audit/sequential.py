"""Adding replicates until the answer is sharp enough, by a rule that was declared before the first.

A fixed-width rule: it looks at widths, not at effects, so it favours no direction. The first look comes late (30
replicates by default) because with few replicates a narrow interval is often narrow by luck.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from recsim.audit.plan import half_width
from recsim.errors import InputError
from recsim.experiment.result import Result
from recsim.experiment.run import run
from recsim.experiment.summary import removed_campaigns
from recsim.scenario.schema import Scenario


class Look(NamedTuple):
    """One look: replicates so far, and the widest half-width of the primary family, percentage points."""

    replicates: int
    half_width_pp: float | None


class Stopped(NamedTuple):
    """How a run under a stopping rule ended.

    Attributes:
        reason: "half-width reached" or "most replicates reached".
        asked_pp: half-width asked for, percentage points.
        looks: in order.
    """

    reason: str
    asked_pp: float
    looks: list[Look]


def widest(result: Result) -> float | None:
    """Largest half-width of the 95 % intervals of the beneficiaries, percentage points; None if one is unknown."""
    rows = [row for row in result.summary["candidates"] if row["beneficiary"]]
    widths = [
        None if row["ci_low"] is None or row["ci_high"] is None else (row["ci_high"] - row["ci_low"]) / 2
        for row in rows
    ]  # fmt: skip
    known = [w for w in widths if w is not None]
    return max(known) if known and len(known) == len(widths) else None


def run_to_width(scenario: Scenario, **options: Any) -> tuple[Result, Stopped]:
    """Run a scenario under its stopping rule (`audit.stopping`): replicates are added until the answer is sharp enough.

    After ``first`` replicates, and after every ``batch`` more, up to ``most``, half the length of the 95 % interval of each
    beneficiary's shift is held against ``half_width_pp`` (left out: a quarter of the threshold). Replicates that an earlier run
    left in the folder count: then the first look is at all of them.

    Args:
        scenario: from `recsim.load`; ``audit.stopping.enabled`` is true.
        options: of `recsim.run`, without ``replicates`` and ``store``, which the rule decides.

    Returns:
        The result, and how it stopped: ``reason`` ("half-width reached" or "most replicates reached"), ``asked_pp``
        (percentage points) and ``looks``, each with ``replicates`` and ``half_width_pp`` (None: not known).

    Source: docs/audit-plan.md, "When to stop".

    Raises:
        InputError: the rule is not enabled, nothing is removed in the counterfactual, or what `recsim.run` raises.
    """
    if not scenario.audit.stopping.enabled:
        raise InputError("is false, so there is no rule to follow; set it, or use recsim.run", "audit.stopping.enabled")
    for name in ("replicates", "store"):
        if name in options:
            raise InputError("cannot be given: the stopping rule decides it; leave it out, or use recsim.run", name)
    if not removed_campaigns(scenario):  # known before anything is simulated
        raise InputError("no campaign is removed in the counterfactual; there is no width to reach", "audit.stopping")
    rule, asked = scenario.audit.stopping, half_width(scenario)
    wanted, looks = min(rule.first, rule.most), list[Look]()
    notes: list[str] = []
    while True:
        result = run(scenario, replicates=wanted, **options)
        # Later looks go on in the same folder.
        options |= {"resume": True, "force": False, "out": result.folder}
        width, count = widest(result), result.summary["replicates"]
        looks.append(Look(count, width))
        notes += [note for note in result.notes if note not in notes and not note.startswith("adding ")]
        if width is not None and width <= asked:
            reason = "half-width reached"
        elif count >= rule.most:
            reason = "most replicates reached"
        else:
            wanted = min(count + rule.batch, rule.most)
            continue
        result.notes[:] = notes
        return result, Stopped(reason, asked, looks)
