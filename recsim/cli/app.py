"""The commands and their options; every body imports what it needs when it runs."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from recsim.errors import InputError

app = typer.Typer(
    help="Measure how much inauthentic engagement shifts what people are shown, under a ranking policy.",
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
)  # fmt: skip

Config = Annotated[Path, typer.Argument(help="scenario file (YAML)", show_default=False)]
Set = Annotated[list[str] | None, typer.Option("--set", help="set one value: dotted.key=value (may be repeated)")]
Json = Annotated[bool, typer.Option("--json", help="print JSON on standard output and nothing else there")]


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


def _need(option: str, value: float | None, low: float, allowed: str, whole: bool = False) -> None:
    if value is not None and (not math.isfinite(value) or value < low):
        raise InputError(f"got {value:g}, must be {allowed}", option)


@app.command()
def run(
    config: Config,
    out: Annotated[Path | None, typer.Option(help="run directory itself (default: runs/NAME-FINGERPRINT)")] = None,
    policy: Annotated[str | None, typer.Option(help="ranking policy: a name or package.module:function")] = None,
    replicates: Annotated[int | None, typer.Option(help="independent replicates")] = None,
    scale: Annotated[
        float | None, typer.Option(help="share of the real population simulated (0.01: one in a hundred)")
    ] = None,
    dose: Annotated[float | None, typer.Option(help="multiplier of inauthentic accounts (0: none act)")] = None,
    set_: Set = None,
    seed: Annotated[int | None, typer.Option(help="seed of all draws")] = None,
    workers: Annotated[int | None, typer.Option(help="processes (default: all cores); never changes a result")] = None,
    threads: Annotated[
        int | None, typer.Option(help="threads of each worker (default: by itself); never changes a result")
    ] = None,
    fixed_parameters: Annotated[
        bool, typer.Option("--fixed-parameters", help="hold ranged parameters at their central values")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="continue an unfinished run")] = False,
    force: Annotated[bool, typer.Option("--force", help="run again in a new folder")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="start even if more than 30 minutes are expected")] = False,
    json_: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="no progress and no table")] = False,
) -> None:
    """Run a scenario and print what the campaigns changed."""
    from recsim.cli.run import run_command

    _need("--replicates", replicates, 1, "at least 1")
    _need("--workers", workers, 1, "at least 1")
    _need("--threads", threads, 1, "at least 1")
    _need("--dose", dose, 0, "at least 0")
    _need("--seed", seed, 0, "at least 0")
    if scale is not None and not 0 < scale <= 1:
        raise InputError(f"got {scale:g}, must be above 0 and at most 1", "--scale")
    run_command(
        config, out, policy, replicates, scale, dose, list(set_ or []), seed, workers, threads, fixed_parameters,
        resume, force, yes, json_, quiet,
    )  # fmt: skip


@app.command()
def validate(config: Config, set_: Set = None) -> None:
    """Check a scenario without running it."""
    from recsim.scenario import load

    scenario = load(config, list(set_ or []))
    people = round(scenario.population.people.value * scenario.population.scale)
    print(
        f"{config}: valid; {scenario.days.count} days, {people:,} simulated people, {len(scenario.candidates)} "
        f"candidates, {len(scenario.campaigns)} campaigns"
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario, for editors."""
    from recsim.scenario import json_schema

    print(json.dumps(json_schema(), indent=1))


@app.command()
def init(file: Annotated[Path, typer.Argument(help="where to write it")] = Path("my-scenario.yaml")) -> None:
    """Write a commented scenario to start from."""
    from recsim.scenario import template

    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template())
    except FileExistsError:
        raise InputError("already exists; name another file", str(file)) from None
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", str(file)) from None
    print(f"wrote {file}; next: python -m recsim run {file}")


@app.command()
def check(
    config: Config,
    set_: Set = None,
    json_: Json = False,
    quick: Annotated[bool, typer.Option("--quick", help="controls only, on a tiny copy")] = False,
) -> None:
    """Run the controls and compare the platform's figures with published ones."""
    from recsim.cli.check import check_command

    check_command(config, list(set_ or []), json_, quick)


@app.command()
def diff(run_a: Path, run_b: Path, json_: Json = False) -> None:
    """Compare two runs: settings that differ, and shifts."""
    from recsim.experiment.diff import diff as compare

    found = compare(run_a, run_b)
    print(json.dumps(found.to_dict(), indent=1) if json_ else found.to_text())


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(help="policies, rerankers, campaigns or metrics")], json_: Json = False
) -> None:
    """List policies, re-rankers, kinds of campaigns, or metrics."""
    from recsim.cli.listing import rows_of

    rows = rows_of(what)
    if json_:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        text = "; ".join(
            f"{k}: {', '.join(v) if isinstance(v, list) else v}"
            for k, v in row.items()
            if k != "name" and v not in ("", [])
        )
        sys.stdout.write(f"{row['name']}\n    {text}\n")
