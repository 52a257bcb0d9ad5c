"""``recsim log`` and ``recsim measure``."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsim.cli.files import new_file
from recsim.cli.options import Json
from recsim.cli.progress import progress
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.cli.run import How
    from recsim.scenario.schema import Scenario


def measure(
    log: Annotated[Path | None, typer.Argument(help="log of exposures, .parquet or .csv", show_default=False)] = None,
    baseline: Annotated[str | None, typer.Option(help="arm that the others are compared with")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="a column of another name: theirs=ours (may be repeated)")
    ] = None,
    coding: Annotated[
        Path | None, typer.Option(help="coding sheet: CSV with item and what coders say of it (candidate, stance ...)")
    ] = None,
    viewers: Annotated[
        str, typer.Option(help="who was shown it: people, donors (of their own logs), puppets (accounts of an audit)")
    ] = "people",
    reference: Annotated[
        Path | None, typer.Option(help="CSV with candidate and share that somebody holds to be fair (poll, airtime)")
    ] = None,
    sensitivity: Annotated[float, typer.Option(help="items of a candidate labelled so, %")] = 100,
    specificity: Annotated[float, typer.Option(help="other items not labelled so, %")] = 100,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="file to write: .json, .csv (one figure per row), or a picture, .png or .svg (may be repeated)"
        ),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="print the columns of a log")] = False,
    json_: Json = False,
) -> None:
    """Compute the metrics of a report on a log of exposures: a platform's, donated, of puppets, or simulated."""
    asked = Asked(
        baseline, tuple(column or ()), coding, viewers, reference, sensitivity, specificity, tuple(out or ()), json_
    )  # fmt: skip
    measure_command(log, asked, schema)


def add_to(app: typer.Typer) -> None:
    """Make it a command of the program."""
    app.command()(measure)


def log_command(
    scenario: Scenario, out: Path, replicate: int, how: How, by_day: bool = False, before: bool = False
) -> None:
    """Say what to expect, simulate one replicate, write its log."""
    import numpy as np

    from recsim.audit.simulated_log import simulated_log
    from recsim.cli.run import for_estimate
    from recsim.experiment.folder import plain_errors, write_bytes, write_table
    from recsim.experiment.run import estimate

    new_file(out, (".parquet", ".csv"))
    if replicate < 0:
        raise InputError(f"got {replicate}, must be at least 0", "--replicate")
    one = for_estimate(scenario, 1)
    one = one.model_copy(update={"run": one.run.model_copy(update={"luck_branches": 1})})
    how.announce(
        f"{scenario.name}: replicate {replicate}, both arms", estimate(one, 1, 1), "population.scale with --set"
    )
    with progress(how.quiet) as say:
        frame = simulated_log(scenario, replicate, progress=say, by_day=by_day, before=before)
    arms = [str(arm) for arm in frame["arm"].unique()]
    if "day" in frame:
        frame["day"] = np.datetime_as_string(frame["day"].to_numpy().astype("datetime64[D]"))
    with plain_errors(out.parent):
        if out.suffix == ".parquet":
            write_table(out, frame)
        else:
            write_bytes(out, frame.to_csv(index=False).encode())
    print(
        f"wrote {out}: {len(frame):,} rows, {frame['person'].nunique():,} simulated people, "
        f"arms {', '.join(arms[:-1])} and {arms[-1]}"
    )


def schema_lines() -> list[str]:
    """The columns of a log, for reading."""
    from recsim.audit.exposure_log import COLUMNS

    return [
        f"{name:<13}{'required' if column.required else 'optional':<10}{column.holds}\n             {column.meaning}"
        for name, column in COLUMNS.items()
    ]


@dataclass(frozen=True)
class Asked:
    """What ``recsim measure`` was asked for.

    Attributes:
        columns: ``theirs=ours``. as_json: print JSON. All others: as the options of these names.
    """

    baseline: str | None = None
    columns: tuple[str, ...] = ()
    coding: Path | None = None
    viewers: str = "people"
    reference: Path | None = None
    sensitivity: float = 100
    specificity: float = 100
    out: tuple[Path, ...] = ()
    as_json: bool = False


def measure_command(log: Path | None, asked: Asked, schema: bool) -> None:
    """Read a log, print the metrics, write them as a table, JSON or a figure."""
    if schema:
        print("\n".join(schema_lines()))
        return
    if log is None:
        raise InputError("is missing; name a .parquet or .csv file, or ask for --schema", "LOG")
    from recsim.audit import measure as by
    from recsim.audit.exposure_log import SEPARATOR, UNUSED, read_log
    from recsim.audit.reference_file import read_reference
    from recsim.report.measure_table import measure_lines
    from recsim.sheets import note

    pairs = [text.partition("=") for text in asked.columns]
    for text, (theirs, between, ours) in zip(asked.columns, pairs, strict=True):
        if not (theirs and between and ours):
            raise InputError(f"got {text!r}; write name_in_the_file=our_name", "--column")
    for file in asked.out:
        new_file(file, KINDS)
    frame = read_log(log, {theirs: ours for theirs, _, ours in pairs}, asked.coding)
    if said := note(log, frame.attrs[SEPARATOR]):
        sys.stderr.write(f"note: {said}\n")
    found = by.measure(
        frame, asked.baseline, viewers=asked.viewers,
        reference=None if asked.reference is None else read_reference(asked.reference),
        sensitivity_pct=asked.sensitivity, specificity_pct=asked.specificity,
    )  # fmt: skip
    unused = frame.attrs[UNUSED]
    text = json.dumps({"log": log.name, UNUSED: unused, **found}, indent=1, allow_nan=False) + "\n"
    _write(log, found, text, asked)
    if asked.as_json:
        sys.stdout.write(text)
    else:
        print("\n".join(measure_lines(found, unused)))


KINDS = (".json", ".csv", ".png", ".svg")


def _write(log: Path, found: dict[str, Any], text: str, asked: Asked) -> None:
    """The files that were asked for."""
    from recsim.audit.log_rows import rows_of
    from recsim.experiment.folder import plain_errors, write_bytes, write_text

    for file in asked.out:
        with plain_errors(file.parent):
            if file.suffix == ".csv":
                write_bytes(file, rows_of(found).to_csv(index=False).encode())
            elif file.suffix == ".json":
                write_text(file, text)
            else:
                from recsim.report.measure_figures import write_measured

                write_measured(found, log.name, file)
