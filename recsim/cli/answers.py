"""``recsim attribute``, ``recsim dose``, ``recsim delay`` and ``recsim tradeoff``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from recsim.cli.located import located
from recsim.cli.options import (
    Candidate,
    Cluster,
    Config,
    Dose,
    Fixed,
    Force,
    Json,
    Out,
    Policy,
    Quiet,
    Replicates,
    Resume,
    Scale,
    Seed,
    Set,
    Threads,
    Workers,
    Yes,
)
from recsim.cli.plan import say_deviations, say_locked
from recsim.cli.progress import progress
from recsim.cli.run import How, What, show
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.experiment.sets import Question
    from recsim.scenario.schema import Scenario


Lock = Annotated[
    Path | None,
    typer.Option(help="audit plan to write: the question is locked before its first result, nothing is simulated"),
]
Planned = Annotated[Path | None, typer.Option(help="audit plan to hold the question against (see --lock)")]
Deviating = Annotated[
    str | None, typer.Option(help="reason for asking otherwise than planned; recorded with what differs")
]


class Planning(NamedTuple):
    """What is to be done about a plan: the file to lock the question into, or to hold it against, and a reason to deviate."""

    lock: Path | None = None
    plan: Path | None = None
    reason: str | None = None


def answer_command(
    what: What, policy: str | None, how: How, ask: Callable[[Scenario], Question], fewer: str, planning: Planning
) -> None:
    """Load, say what to expect, simulate, print, write.

    Args:
        policy: in place of the scenario's.
        what, how: is to be done.
        ask: makes the question of the scenario.
        fewer: what the user can lower if it takes too long.
        planning: what is to be done about a plan.
    """
    from recsim.audit.question_plan import held_to
    from recsim.experiment.sets import answer, expected
    from recsim.experiment.tasks import Session

    how.check()
    question = ask(what.scenario(policy))
    if planning.lock is not None:
        with located(what.config, what.overrides):
            lock_command(question, planning, how)
        return
    record = held_to(question, planning.plan, planning.reason, how.fixed, how.out, how.force)
    worlds = sum(len(one.arms) for one in question.sets) * question.scenario.run.luck_branches
    text = f"{question.scenario.name}: {question.scenario.run.replicates} replicates of {worlds} worlds"
    how.announce(text, expected(question, how.at_once), f"--scale or --replicates{fewer}")
    with progress(how.quiet) as say:
        session = Session(None, how.fixed, how.workers, how.threads, say, how.cluster)
        result = answer(question, session, how.out, how.resume, how.force)
    from recsim.report import write_answer
    from recsim.report.answer_table import print_answer

    planned = planning.plan is not None
    say_deviations(record)
    show(result, how, partial(write_answer, record=record if planned else None), print_answer, again=planned)


def lock_command(question: Question, planning: Planning, how: How) -> None:
    """Lock a question into a plan, say what was declared and how to ask it.

    Raises:
        InputError: an option that has no place beside --lock, or the question cannot be locked.
    """
    from recsim.audit.question_plan import write_question_plan

    beside = {
        "--plan": planning.plan, "--deviation": planning.reason, "--out": how.out, "--resume": how.resume or None,
        "--force": how.force or None, "--json": how.as_json or None,
    }  # fmt: skip
    for option, given in beside.items():
        if given is not None:
            raise InputError(
                "cannot stand with --lock, which writes a plan and simulates nothing; leave it out", option
            )
    if how.fixed:
        raise InputError("a plan draws ranged parameters; leave it out", "--fixed-parameters")
    assert planning.lock is not None
    made = write_question_plan(question, planning.lock)
    say_locked(
        made, planning.lock, f"the same command with --plan {shlex.quote(str(planning.lock))} in place of --lock"
    )


MOST_DAYS = 10_000
"""Days that a span of ``--days`` may hold."""


def days_of(text: str | None) -> list[int] | None:
    """Days of removal from "-13,-7,0" or "-5:0" (both ends counted).

    Raises:
        InputError: something else.
    """
    if text is None:
        return None
    out: list[int] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, colon, last = part.partition(":")
        try:
            days = range(int(first), int(last if colon else first) + 1)
        except ValueError:
            raise InputError(f"got {part!r}, must be days such as -7 or -5:0", "--days") from None
        if days.stop - days.start > MOST_DAYS:
            raise InputError(f"got {part!r}, must be at most {MOST_DAYS} days", "--days")
        out += days
    return out


def attribute(
    config: Config,
    by: Annotated[str, typer.Option(help="campaign, tactic or door")] = "campaign",
    candidate: Candidate = None,
    orders: Annotated[
        int, typer.Option(help="sampled orders if there are more than four players and many coalitions (even)")
    ] = 8,
    out: Out = None,
    policy: Policy = None,
    replicates: Replicates = None,
    scale: Scale = None,
    dose: Dose = None,
    set_: Set = None,
    seed: Seed = None,
    lock: Lock = None,
    plan: Planned = None,
    deviation: Deviating = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    fixed_parameters: Fixed = False,
    resume: Resume = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Share the shift out among campaigns, tactics or doors (Shapley values)."""
    what = What(config, list(set_ or []), replicates, scale, dose, seed)
    how = How(out, workers, threads, fixed_parameters, resume, force, yes, json_, quiet, cluster)
    from recsim.experiment.attribution import question_of

    planning = Planning(lock, plan, deviation)
    answer_command(what, policy, how, lambda scenario: question_of(scenario, by, candidate, orders), "", planning)


def dose_(
    config: Config,
    campaign: Annotated[
        str, typer.Option(help="campaign whose accounts are multiplied (all: all removed ones)")
    ] = "all",
    from_: Annotated[float, typer.Option("--from", help="lowest multiplier (0: none act, then doublings)")] = 0.0,
    to: Annotated[float, typer.Option(help="highest multiplier")] = 4.0,
    points: Annotated[int, typer.Option(help="multipliers, evenly spaced on a logarithmic scale")] = 9,
    others: Annotated[bool, typer.Option("--others", help="the other campaigns act, too, in both worlds")] = False,
    candidate: Candidate = None,
    out: Out = None,
    policy: Policy = None,
    replicates: Replicates = None,
    scale: Scale = None,
    set_: Set = None,
    seed: Seed = None,
    lock: Lock = None,
    plan: Planned = None,
    deviation: Deviating = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    fixed_parameters: Fixed = False,
    resume: Resume = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Give the shift at several sizes of a campaign: slope, threshold, saturation."""
    what = What(config, list(set_ or []), replicates, scale, None, seed)
    how = How(out, workers, threads, fixed_parameters, resume, force, yes, json_, quiet, cluster)
    from recsim.experiment.dose import question_of

    answer_command(
        what,
        policy,
        how,
        lambda scenario: question_of(scenario, campaign, from_, to, points, candidate, others),
        " or --points",
        Planning(lock, plan, deviation),
    )


def delay(
    config: Config,
    days: Annotated[
        str | None,
        typer.Option(help="days of removal relative to the vote: -7,-3,0 or -5:0 (default: every day)"),
    ] = None,
    candidate: Candidate = None,
    out: Out = None,
    policy: Policy = None,
    replicates: Replicates = None,
    scale: Scale = None,
    dose: Dose = None,
    set_: Set = None,
    seed: Seed = None,
    lock: Lock = None,
    plan: Planned = None,
    deviation: Deviating = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    fixed_parameters: Fixed = False,
    resume: Resume = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Give the shift by the day on which the network is removed."""
    what = What(config, list(set_ or []), replicates, scale, dose, seed)
    how = How(out, workers, threads, fixed_parameters, resume, force, yes, json_, quiet, cluster)
    from recsim.experiment.delay import question_of

    answer_command(
        what,
        policy,
        how,
        lambda scenario: question_of(scenario, days_of(days), candidate),
        " or name fewer --days",
        Planning(lock, plan, deviation),
    )


def tradeoff(
    config: Config,
    mitigations: Annotated[
        str | None,
        typer.Option(
            help="comma-separated names, or all; see recsim list mitigations (default: all, or none beside --defences)"
        ),
    ] = None,
    defences: Annotated[
        Path | None, typer.Option(help="YAML file of defences, each a set of values; docs/attribution.md")
    ] = None,
    candidate: Candidate = None,
    out: Out = None,
    policy: Policy = None,
    replicates: Replicates = None,
    scale: Scale = None,
    dose: Dose = None,
    set_: Set = None,
    seed: Seed = None,
    lock: Lock = None,
    plan: Planned = None,
    deviation: Deviating = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    fixed_parameters: Fixed = False,
    resume: Resume = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Give what each mitigation or defence takes away of the shift, and what it costs genuine people."""
    what = What(config, list(set_ or []), replicates, scale, dose, seed, None, defences)
    how = How(out, workers, threads, fixed_parameters, resume, force, yes, json_, quiet, cluster)
    from recsim.experiment.tradeoff import question_of

    names = None if mitigations is None else [name.strip() for name in mitigations.split(",") if name.strip()]
    answer_command(
        what,
        policy,
        how,
        lambda scenario: question_of(scenario, names, candidate, defences or ()),
        " or name fewer --mitigations",
        Planning(lock, plan, deviation),
    )


def add_to(app: typer.Typer) -> None:
    """Make these commands commands of the program."""
    app.command()(attribute)
    app.command(name="dose")(dose_)
    app.command()(delay)
    app.command()(tradeoff)
