"""``recsim plan``, and what a plan and a stopping rule add to ``recsim run``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.audit.evidence import Record
    from recsim.experiment.result import Result
    from recsim.experiment.task import Simulate
    from recsim.scenario.schema import Scenario


class Under(NamedTuple):
    """What a run is held against: a plan's file and the reason for deviating from it."""

    plan: Path | None = None
    reason: str | None = None


def plan_command(scenario: Scenario, out: Path | None) -> None:
    """Lock a scenario into a plan, say what was declared and how to run it: the plan holds all settings, so it needs no others."""
    from recsim.audit.plan import write_plan

    path = out or Path(f"{scenario.name}-plan.yaml")
    made = write_plan(scenario, path)
    for key in ("question", "primary_outcome", "baseline", "threshold_pp", "threshold_reason", "replicates"):
        print(f"{key.replace('_', ' ')}: {made.about[key]}")
    print(f"locked in {path}: {made.lock[:12]}")
    print(f"next: python -m recsim run --plan {shlex.quote(str(path))}")


def held_against(
    scenario: Scenario, under: Under, by_rule: bool = True, fixed: bool = False, out: Path | None = None, force: bool = False,
    simulate: Simulate | None = None,
) -> Record:  # fmt: skip
    """Compare a scenario, and what is stored of it, with its plan, if there is one.

    What the stored record says of how that result came about stays, with its reason: it is not undone by asking again.

    Args:
        by_rule: whether the scenario's stopping rule is followed, if it has one.
        fixed, out, force, simulate: as of `recsim.run`.

    Raises:
        InputError: it deviates and no reason is given, or a reason is given without a plan.
    """
    from recsim.audit.evidence import Record
    from recsim.audit.plan import RUN, deviations, load_plan, recorded, refuse, stored_otherwise
    from recsim.experiment.run import run_fingerprint
    from recsim.experiment.tasks import folder_path

    if under.plan is None:
        if under.reason is not None:
            raise InputError("is given without a plan; add --plan FILE", "--deviation")
        return Record()
    plan = load_plan(under.plan)
    if plan.command != RUN:
        raise InputError(f"is a plan of recsim {plan.command}; this is recsim run", str(under.plan))
    mark = run_fingerprint(scenario, fixed, simulate)
    folder = folder_path(scenario.name, mark, out, force)
    decided = by_rule and scenario.audit.stopping.enabled
    kept = recorded(plan, folder, mark, decided)
    stored = stored_otherwise(plan, scenario, folder, mark, decided)
    more = {d.key for d in stored}
    now = [*(d for d in deviations(plan, scenario, by_rule, fixed) if d.key not in more), *stored]
    newer = {d.key for d in now}
    found = [*(d for d in kept.deviations if d.key not in newer), *now]
    known = [(d.key, d.now) for d in kept.explained]
    unexplained = [d for d in found if (d.key, d.now) not in known]
    given = (under.reason or "").strip()
    if unexplained and not given:
        raise refuse(unexplained, under.plan)
    before = kept.reason if len(unexplained) < len(found) else ""
    reasons = dict.fromkeys(text for text in (before, given) if text and found)
    return Record(plan, tuple(found), "; ".join(reasons))


def run_under(scenario: Scenario, record: Record, by_rule: bool, **options: Any) -> tuple[Result, Record]:
    """Run a scenario, by its stopping rule if it has one and no number of replicates was asked for."""
    from recsim.experiment.run import run

    if by_rule:
        from recsim.audit.sequential import run_to_width

        result, stopped = run_to_width(scenario, **options)
        record = record._replace(stopped=stopped)
        looks = ", ".join(
            f"{look.replicates}: {'unknown' if look.half_width_pp is None else format(look.half_width_pp, '.2f')}"
            for look in stopped.looks
        )
        result.notes.append(
            f"stopped, {stopped.reason}; replicates and half-width, pp, asked for {stopped.asked_pp:.2f}: {looks}"
        )
    else:
        result = run(scenario, replicates=scenario.run.replicates, **options)  # asked for: no word about a rule
    for d in record.deviations:
        sys.stderr.write(f"note: differs from the plan: {d.key} (planned {d.planned}, now {d.now}); recorded\n")
    return result, record
