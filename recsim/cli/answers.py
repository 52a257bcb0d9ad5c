"""``recsim attribute``, ``recsim dose``, ``recsim delay`` and ``recsim tradeoff``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from recsim.cli.progress import progress
from recsim.cli.run import How, What, show
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.experiment.sets import Question
    from recsim.scenario.schema import Scenario


def answer_command(what: What, policy: str | None, how: How, ask: Callable[[Scenario], Question], fewer: str) -> None:
    """Load, say what to expect, simulate, print, write.

    Args:
        policy: in place of the scenario's.
        what, how: is to be done.
        ask: makes the question of the scenario.
        fewer: what the user can lower if it takes too long.
    """
    from recsim.experiment.sets import answer, expected
    from recsim.experiment.tasks import Session

    how.check()
    question = ask(what.scenario(policy))
    worlds = sum(len(one.arms) for one in question.sets) * question.scenario.run.luck_branches
    text = f"{question.scenario.name}: {question.scenario.run.replicates} replicates of {worlds} worlds"
    how.announce(text, expected(question, how.at_once), f"--scale or --replicates{fewer}")
    with progress(how.quiet) as say:
        session = Session(None, how.fixed, how.workers, how.threads, say, how.cluster)
        result = answer(question, session, how.out, how.resume, how.force)
    from recsim.report import write_answer
    from recsim.report.answer_table import print_answer

    show(result, how, write_answer, print_answer)


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

    answer_command(what, policy, how, lambda scenario: question_of(scenario, by, candidate, orders), "")


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
        what, policy, how, lambda scenario: question_of(scenario, days_of(days), candidate), " or name fewer --days"
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
    )


def add_to(app: typer.Typer) -> None:
    """Make these commands commands of the program."""
    app.command()(attribute)
    app.command(name="dose")(dose_)
    app.command()(delay)
    app.command()(tradeoff)
