"""``recsim calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsim.cli.located import guard
from recsim.cli.options import Cluster, Force, Json, Out, Quiet, Threads, Unneeded, Workers, Yes
from recsim.cli.progress import progress
from recsim.cli.run import How, show


def calibrate(
    file: Annotated[Path, typer.Argument(help="calibration file (YAML); docs/calibration.md", show_default=False)],
    out: Out = None,
    worlds: Annotated[
        Path | None,
        typer.Option(help="folder that keeps simulated worlds for all calibrations (default: runs/calibration-worlds)"),
    ] = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    resume: Unneeded = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find parameters that explain observed figures: history matching, then a sample; one that was stopped goes on."""
    from recsim.experiment.calibration import expected, read_calibration, run_calibration
    from recsim.experiment.tasks import Session

    how = How(out, workers, threads, False, resume, force, yes, json_, quiet, cluster)
    how.check()
    guard(file)
    found, scenario, lines = read_calibration(file)
    m = found.method
    text = f"{found.name}: at most {m.simulations} worlds ({m.waves} waves of {m.points}, {m.generations} generations of {m.particles})"
    how.announce(text, expected(found, scenario, how.at_once), "points, particles, or population.scale in set")
    with progress(how.quiet) as say:
        session = Session(None, found.fixed_parameters, how.workers, how.threads, say, how.cluster)
        result = run_calibration(found, scenario, session, str(file), how.out, worlds, how.force, lines)
    from recsim.report.calibration import print_calibration, write_calibration

    show(result, how, write_calibration, print_calibration)


def add_to(app: typer.Typer) -> None:
    """Make it a command of the program."""
    app.command()(calibrate)
