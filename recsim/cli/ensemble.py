"""``recsim ensemble``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from recsim.cli.progress import progress
from recsim.cli.run import LONG_RUN_S, _time
from recsim.errors import InputError


def ensemble_command(
    config: Path, overrides: list[str], named: tuple[str | None, str | None, str | None], replicates: int,
    out: Path | None, seed: int | None, workers: int | None, resume: bool, force: bool, yes: bool, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Load, say what to expect, simulate, print, write."""
    from recsim.experiment.ensemble import cells_of, chosen, ensemble, expected
    from recsim.experiment.executor import default_workers
    from recsim.scenario import load

    scenario = load(config, overrides)
    policies, predictors, models = ([part.strip() for part in n.split(",")] if n else None for n in named)
    cells = cells_of(*chosen(scenario, policies, predictors, models))
    seconds = expected(scenario, cells, replicates) / (workers or default_workers()) + 15
    if not quiet:
        sys.stderr.write(
            f"{scenario.name}: {len(cells)} combinations x {replicates} replicates of small worlds; expect about "
            f"{_time(seconds)}\n"
        )
    if seconds > LONG_RUN_S and not yes:
        raise InputError(f"about {_time(seconds)} expected; add --yes, or fewer combinations or --replicates")
    with progress(quiet) as say:
        result = ensemble(
            scenario, policies=policies, predictors=predictors, models=models, replicates=replicates, seed=seed, out=out,
            workers=workers, resume=resume, force=force, progress=say,
        )  # fmt: skip
    from recsim.report.ensemble import print_ensemble, write_figures

    for note in result.notes:
        sys.stderr.write(f"note: {note}\n")
    write_figures(result)
    if as_json:
        sys.stdout.write(json.dumps(result.summary) + "\n")
    elif not quiet:
        print_ensemble(result)
