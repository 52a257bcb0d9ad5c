"""``recsim plan``, and what a plan and a stopping rule add to ``recsim run``."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.audit.evidence import Record
    from recsim.audit.plan import Plan
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
    say_locked(made, path, f"python -m recsim run --plan {shlex.quote(str(path))}")


def say_locked(made: Plan, path: Path, then: str) -> None:
    """Print what a plan declares, its lock, and what to do next."""
    for key in ("question", "primary_outcome", "baseline", "threshold_pp", "threshold_reason", "replicates"):
        print(f"{key.replace('_', ' ')}: {made.about[key]}")
    print(f"locked in {path}: {made.lock[:12]}")
    print(f"next: {then}")


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
    from recsim.audit.plan import (
        RUN,
        check_command,
        deviations,
        load_plan,
        reconciled,
        recorded,
        refuse,
        stored_otherwise,
    )
    from recsim.experiment.run import run_fingerprint
    from recsim.experiment.tasks import folder_path

    if under.plan is None:
        if under.reason is not None:
            raise InputError("is given without a plan; add --plan FILE", "--deviation")
        return Record()
    plan = load_plan(under.plan)
    check_command(plan, RUN, under.plan)
    mark = run_fingerprint(scenario, fixed, simulate)
    folder = folder_path(scenario.name, mark, out, force)
    decided = by_rule and scenario.audit.stopping.enabled
    found, reasons = reconciled(
        deviations(plan, scenario, by_rule, fixed), stored_otherwise(plan, scenario, folder, mark, decided),
        recorded(plan, folder, mark, decided), under.reason, partial(refuse, path=under.plan),
    )  # fmt: skip
    return Record(plan, found, reasons)


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
    say_deviations(record)
    return result, record


def say_deviations(record: Record) -> None:
    """Say on the terminal what was done otherwise than planned."""
    for d in record.deviations:
        sys.stderr.write(f"note: differs from the plan: {d.key} (planned {d.planned}, now {d.now}); recorded\n")
