"""The commands and their options; every body imports what it needs when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from recsim.cli import answers, calibrate, design, look_up, measure, sweep
from recsim.cli.options import (
    Cluster,
    Config,
    Dose,
    Every,
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
    Shards,
    Threads,
    Workers,
    Yes,
)
from recsim.errors import InputError

app = typer.Typer(
    help="Measure how much inauthentic engagement shifts what people are shown, under a ranking policy.",
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        from recsim import __version__

        print(f"recsim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Measure how much inauthentic engagement shifts what people are shown, under a ranking policy."""


@app.command()
def run(
    config: Annotated[
        Path | None, typer.Argument(help="scenario file (YAML); default: the scenario in the plan", show_default=False)
    ] = None,
    out: Out = None,
    policy: Policy = None,
    replicates: Replicates = None,
    scale: Scale = None,
    dose: Dose = None,
    set_: Set = None,
    seed: Seed = None,
    ensemble: Annotated[
        Path | None, typer.Option(help="parameter sets of a calibration, ensemble.yaml (see recsim calibrate)")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="audit plan to hold the run against (see recsim plan)")] = None,
    deviation: Annotated[
        str | None, typer.Option(help="reason for running otherwise than planned; recorded with what differs")
    ] = None,
    workers: Workers = None,
    threads: Threads = None,
    cluster: Cluster = None,
    fixed_parameters: Fixed = False,
    resume: Resume = False,
    shards: Shards = 1,
    checkpoint_every: Every = None,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and print what the campaigns changed."""
    from recsim.cli.plan import Under
    from recsim.cli.run import How, What, run_command

    file = config or plan
    if file is None:
        raise InputError("is missing; name a scenario file, or a plan with --plan", "CONFIG")
    what = What(file, list(set_ or []), replicates, scale, dose, seed, ensemble, planned=config is None)
    how = How(
        out, workers, threads, fixed_parameters, resume, force, yes, json_, quiet, cluster, checkpoint_every, shards
    )  # fmt: skip
    run_command(what, policy, how, Under(plan, deviation))


@app.command()
def plan(
    config: Config,
    out: Annotated[Path | None, typer.Option(help="file to write (default: NAME-plan.yaml)")] = None,
    policy: Policy = None,
    replicates: Replicates = None,
    scale: Scale = None,
    dose: Dose = None,
    set_: Set = None,
    seed: Seed = None,
) -> None:
    """Lock question, threshold, stopping rule and scenario into a file before the first result."""
    from recsim.cli.located import located
    from recsim.cli.plan import plan_command
    from recsim.cli.run import What

    scenario = What(config, list(set_ or []), replicates, scale, dose, seed).scenario(policy)
    if replicates is not None and scenario.audit.stopping.enabled:
        text = "the stopping rule decides how many replicates; leave it out, or --set audit.stopping.enabled=false"
        raise InputError(text, "--replicates")
    with located(config, list(set_ or [])):
        plan_command(scenario, out)


@app.command()
def compare(
    config: Config,
    policies: Annotated[
        str, typer.Option(help="names or package.module:function, separated by commas, or all (presets)")
    ] = "all",
    out: Out = None,
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
    """Compare feeds: the same worlds under several policies."""
    from recsim.cli.run import How, What, compare_command

    what = What(config, list(set_ or []), replicates, scale, dose, seed)
    compare_command(
        what, policies, How(out, workers, threads, fixed_parameters, resume, force, yes, json_, quiet, cluster)
    )


@app.command()
def ensemble(
    config: Config,
    policies: Annotated[
        str | None,
        typer.Option(help="comma-separated policies (default: five of different kinds and the scenario's own)"),
    ] = None,
    predictors: Annotated[
        str | None, typer.Option(help="comma-separated: rates, logistic, oracle (default: all)")
    ] = None,
    models: Annotated[
        str | None, typer.Option(help="comma-separated: logistic, cascade, fatigue (default: all)")
    ] = None,
    replicates: Annotated[int, typer.Option(help="replicates of each combination")] = 3,
    out: Out = None,
    set_: Set = None,
    seed: Seed = None,
    workers: Workers = None,
    cluster: Cluster = None,
    resume: Resume = False,
    force: Force = False,
    yes: Yes = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Give the shift as a range over policies, predictors and models of a visit, in small worlds."""
    from recsim.cli.ensemble import ensemble_command
    from recsim.cli.run import How, What

    what = What(config, list(set_ or []), None, None, None, seed)
    how = How(out, workers, None, False, resume, force, yes, json_, quiet, cluster)
    ensemble_command(what, how, policies, predictors, models, replicates)


@app.command()
def validate(config: Config, policy: Policy = None, set_: Set = None) -> None:
    """Check a scenario without running it."""
    from recsim.cli.located import loaded, located
    from recsim.cli.run import What
    from recsim.experiment.validate import validate as look
    from recsim.report.strings import counted
    from recsim.scenario import FollowScenario

    overrides = list(set_ or [])
    what = What(config, overrides)
    scenario: Any
    if what.is_follow():
        scenario = what.follow_scenario(policy)
        with located(config, overrides, {} if policy is None else {"platform.policy": "--policy"}):
            look(scenario)
    else:
        scenario = loaded(config, overrides, policy)
    if isinstance(scenario, FollowScenario):
        print(
            f"{config}: valid; follow-graph world, {scenario.steps.count} steps, {scenario.follow_graph.people:,} people, "
            f"{counted(len(scenario.campaigns), 'campaign')}"
        )
        return
    people = round(scenario.population.people.value * scenario.population.scale)
    print(
        f"{config}: valid; {counted(scenario.days.count, 'day')}, {people:,} simulated people, {len(scenario.candidates)} "
        f"candidates, {counted(len(scenario.campaigns), 'campaign')}"
    )


@app.command()
def describe(
    config: Config,
    odd: Annotated[bool, typer.Option("--odd", help="the ODD protocol (Grimm et al. 2020)")] = False,
    card: Annotated[bool, typer.Option("--card", help="a model card (Mitchell et al. 2019)")] = False,
    policy: Policy = None,
    set_: Set = None,
) -> None:
    """Describe a scenario as Markdown, from its values and recsim's own sources."""
    from recsim.audit.describe import model_card
    from recsim.audit.describe import odd as protocol
    from recsim.cli.located import loaded

    if odd == card:
        raise InputError("choose one of --odd and --card", "describe")
    print((protocol if odd else model_card)(loaded(config, set_ or [], policy)))


@app.command()
def schema(
    notes: Annotated[bool, typer.Option("--notes", help="of a file of the auditor's own words instead")] = False,
) -> None:
    """Print the JSON Schema of a scenario, for editors."""
    if notes:
        from recsim.audit.notes import notes_schema as wanted
    else:
        from recsim.scenario import json_schema as wanted

    print(json.dumps(wanted(), indent=1))


@app.command()
def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="where to write it (default: my-scenario.yaml; with --notes notes.yaml)", show_default=False
        ),
    ] = None,
    notes: Annotated[
        bool, typer.Option("--notes", help="a file of the auditor's own words instead, for recsim report --notes")
    ] = False,
) -> None:
    """Write a commented scenario to start from."""
    if notes:
        from recsim.audit.notes import notes_template as template
    else:
        from recsim.scenario import template

    file = file or Path("notes.yaml" if notes else "my-scenario.yaml")
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template(file))
    except FileExistsError:
        raise InputError("already exists; name another file", str(file)) from None
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", str(file)) from None
    use = f"report RUN_DIR --notes {file}" if notes else f"run {file}"
    print(f"wrote {file}; next: python -m recsim {use}")


@app.command()
def check(
    config: Config,
    policy: Policy = None,
    set_: Set = None,
    json_: Json = False,
    quick: Annotated[bool, typer.Option("--quick", help="controls only, on a tiny copy")] = False,
    yes: Yes = False,
) -> None:
    """Run the controls and compare the platform's figures with published ones."""
    from recsim.cli.check import check_command
    from recsim.cli.located import loaded
    from recsim.cli.run import How

    check_command(loaded(config, set_ or [], policy), quick, How(yes=yes, as_json=json_))


@app.command()
def diff(run_a: Path, run_b: Path, json_: Json = False) -> None:
    """Compare two runs: settings that differ, and shifts."""
    from recsim.experiment.diff import diff as difference

    found = difference(run_a, run_b)
    print(json.dumps(found.to_dict(), indent=1) if json_ else found.to_text())


@app.command()
def verify(
    run_dir: Annotated[Path, typer.Argument(help="folder of a stored run", show_default=False)],
    replicate: Annotated[int | None, typer.Option(help="replicate to do again (default: one by chance)")] = None,
    files_only: Annotated[bool, typer.Option("--files-only", help="do no replicate again")] = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Check that a stored run is unchanged, and that a replicate done again is the same bit for bit."""
    from recsim.cli.run import How
    from recsim.cli.verify import verify_command

    verify_command(run_dir, replicate, not files_only, How(yes=yes, as_json=json_))


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="folder of a stored run", show_default=False)],
    others: Annotated[
        list[Path] | None,
        typer.Argument(
            help="folders of other runs; of a comparison, trade-off, attribution, dose-response, delay, ensemble, study, "
            "calibration; JSON files of recsim check and recsim show --measure",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write into; needed if there are others")] = None,
    notes: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of the auditor's own words to put into the report (recsim init --notes writes one)"
        ),
    ] = None,
    no_notes: Annotated[
        bool,
        typer.Option("--no-notes", help="without the auditor's own words that the folder holds; in place, delete them"),
    ] = False,
) -> None:
    """Write the report of a stored run again, or one report about several results."""
    from recsim.cli.verify import report_command

    report_command(run_dir, others or [], out, notes, no_notes)


@app.command()
def export(
    run_dir: Annotated[Path, typer.Argument(help="folder of a stored result", show_default=False)],
    ro_crate: Annotated[Path, typer.Option("--ro-crate", help="zip file to write", show_default=False)],
) -> None:
    """Pack a stored result with its provenance into one file (RO-Crate)."""
    from recsim.cli.verify import export_command

    export_command(run_dir, ro_crate)


@app.command()
def log(
    config: Config,
    out: Annotated[Path, typer.Option(help="file to write, .parquet or .csv", show_default=False)],
    replicate: Annotated[int, typer.Option(help="number of the replicate")] = 0,
    by_day: Annotated[bool, typer.Option("--by-day", help="rows of single days, with a column day")] = False,
    before: Annotated[
        bool,
        typer.Option(
            "--before",
            help="an arm more, 'before': as many days before the campaigns as from then to the vote; with --by-day",
        ),
    ] = False,
    policy: Policy = None,
    set_: Set = None,
    yes: Yes = False,
    quiet: Quiet = False,
) -> None:
    """Write who was shown what in one simulated replicate, as a platform's log of exposures would say it."""
    from recsim.cli.located import loaded
    from recsim.cli.measure import log_command
    from recsim.cli.run import How

    log_command(loaded(config, set_ or [], policy), out, replicate, How(yes=yes, quiet=quiet), by_day, before)


look_up.add_to(app)
measure.add_to(app)
answers.add_to(app)
sweep.add_to(app)
calibrate.add_to(app)
design.add_to(app)
