"""``recsim ensemble``."""

from __future__ import annotations

from recsim.cli.progress import progress
from recsim.cli.run import How, What, show


def ensemble_command(
    what: What, how: How, policies: str | None, predictors: str | None, models: str | None, replicates: int
) -> None:
    """Load, say what to expect, simulate, print, write."""
    from recsim.experiment.ensemble import cells_of, chosen, ensemble, expected

    how.check()
    feeds, kinds, visits = _parts(policies), _parts(predictors), _parts(models)
    scenario = what.scenario(None, feeds or ())
    cells = cells_of(*chosen(scenario, feeds, kinds, visits))
    text = f"{scenario.name}: {len(cells)} combinations x {replicates} replicates of small worlds"
    how.announce(text, expected(scenario, cells, replicates, how.at_once), "--replicates, or name fewer combinations")
    with progress(how.quiet) as say:
        result = ensemble(
            scenario, policies=feeds, predictors=kinds, models=visits, replicates=replicates, out=how.out,
            workers=how.workers, cluster=how.cluster, resume=how.resume, force=how.force, progress=say,
        )  # fmt: skip
    from recsim.report.ensemble import print_ensemble, write_figures

    show(result, how, write_figures, print_ensemble)


def _parts(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text else None
