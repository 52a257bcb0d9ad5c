"""``recsim sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsim.cli.located import guard
from recsim.cli.options import Cluster, Force, Json, Out, Quiet, Replicates, Set, Threads, Unneeded, Workers, Yes
from recsim.cli.progress import progress
from recsim.cli.run import How, show
from recsim.errors import InputError


def sweep(
    study: Annotated[Path, typer.Argument(help="study file (YAML); docs/studies.md", show_default=False)],
    out: Out = None,
    cells: Annotated[
        Path | None, typer.Option(help="folder that keeps finished cells for all studies (default: runs/cells)")
    ] = None,
    replicates: Replicates = None,
    set_: Set = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    resume: Unneeded = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Vary settings of a scenario: every cell in the same worlds, none computed twice; one that was stopped goes on."""
    from recsim.experiment.cells import CellCache
    from recsim.experiment.sweep import CELLS, read_design, simulate_study
    from recsim.experiment.tasks import Session
    from recsim.scenario.load import read_override

    if replicates is not None and replicates < 1:
        raise InputError(f"got {replicates}, must be at least 1", "--replicates")
    how = How(out, workers, threads, False, resume, force, yes, json_, quiet, cluster)
    how.check()
    guard(study, list(set_ or []))
    plan = read_design(study, replicates, dict(map(read_override, set_ or [])))
    kept = CellCache(cells or CELLS)
    expected = plan.expected(kept, how.at_once)
    tasks, whole = int(expected["tasks"]), len(plan.cells) * plan.replicates
    text = f"{plan.study.name}: {len(plan.cells)} cells x {plan.replicates} replicates, {whole - tasks} of {whole} kept already"
    how.announce(text, expected, "replicates, the number of points, or population.scale in set")
    with progress(how.quiet) as say:
        session = Session(None, plan.study.fixed_parameters, how.workers, how.threads, say, how.cluster)
        result = simulate_study(plan, session, how.out, kept.path, how.force)
    from recsim.report.study import print_study, write_study

    show(result, how, write_study, print_study)


def add_to(app: typer.Typer) -> None:
    """Make it a command of the program."""
    app.command()(sweep)
