"""``recsim run``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from recsim.cli.progress import progress
from recsim.errors import InputError

LONG_RUN_S = 1800


def run_command(
    config: Path, out: Path | None, policy: str | None, replicates: int | None, scale: float | None,
    dose: float | None, overrides: list[str], seed: int | None, workers: int | None, threads: int | None, fixed: bool,
    resume: bool, force: bool, yes: bool, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Load, say what to expect, run, print, write."""
    from recsim.experiment.run import configured, estimate, run
    from recsim.scenario import load

    scenario = configured(load(config, overrides), replicates, seed, policy, scale, dose)
    expected = estimate(scenario, workers)
    if not quiet:
        sys.stderr.write(
            f"{scenario.name}: {scenario.run.replicates} replicates, policy {scenario.platform.policy}; expect about "
            f"{_time(expected['seconds'])} and {expected['mebibytes'] / 1024:.1f} GiB (figures of a 2026 server core)\n"
        )
    if expected["seconds"] > LONG_RUN_S and not yes:
        raise InputError(f"about {_time(expected['seconds'])} expected; add --yes, or lower --scale or --replicates")
    with progress(quiet) as say:
        result = run(
            scenario, out=out, workers=workers, threads=threads, fixed_parameters=fixed, resume=resume, force=force,
            progress=say,
        )  # fmt: skip
    for note in result.notes:
        sys.stderr.write(f"note: {note}\n")
    from recsim.report import write

    if not result.reused:
        write(result)
    if as_json:
        sys.stdout.write(json.dumps(result.summary) + "\n")
    elif not quiet:
        from recsim.report.table import print_summary

        print_summary(result)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
