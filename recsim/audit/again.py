"""The command that does a stored run again, as printed in its report: same worlds, same plan, same stopping rule."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from recsim.experiment.folder import ASIDE


def run_again(summary: Mapping[str, Any], fixed: bool, audit: Mapping[str, Any], stopping: Mapping[str, Any]) -> str:
    """``python -m recsim run`` with everything that scenario.yaml does not say.

    Args:
        summary: of the run: its seed and replicates.
        fixed: whether ranged parameters were held at their central values.
        audit: content of ``audit.json``.
        stopping: ``first`` and ``most`` of the scenario's stopping rule.
    """
    words = ["python -m recsim run scenario.yaml", f"--seed {summary['seed']}"]
    if not _rule_decides(audit.get("stopping"), stopping):
        words.append(f"--replicates {summary['replicates']}")
    if fixed:
        words.append("--fixed-parameters")
    return " ".join([*words, *under_plan(audit), ASIDE])


def under_plan(audit: Mapping[str, Any]) -> list[str]:
    """Options that hold a command against the plan in the folder; none of a result without one."""
    if audit.get("plan") is None:
        return []
    words = ["--plan plan.yaml"]
    if audit.get("deviations"):
        words.append(f"--deviation {shlex.quote(audit['deviation_reason'])}")
    return words


def _rule_decides(stopped: Mapping[str, Any] | None, rule: Mapping[str, Any]) -> bool:
    """Whether the rule, without a number of replicates, looks as it looked in this run.

    It does not if the run went on from replicates that lay in its folder: its first look was at all of these.
    """
    looks: Sequence[Mapping[str, Any]] = stopped["looks"] if stopped else ()
    return bool(looks) and looks[0]["replicates"] == min(rule["first"], rule["most"])
