"""``recsim conformance``, ``recsim score``, ``recsim show`` and ``recsim list``: policies and names, without a scenario."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from recsim.cli.options import Json, Yes


def conformance(
    policy: Annotated[str | None, typer.Option(help="only this policy")] = None,
    json_: Json = False,
) -> None:
    """Hold the policies against published values of their formulas."""
    from recsim.cli.conformance import conformance_command

    conformance_command(policy, json_)


def score(
    policy: Annotated[str, typer.Argument(help="policy: a name or package.module:function", show_default=False)],
    file: Annotated[Path, typer.Argument(help="CSV whose columns are features", show_default=False)],
    param: Annotated[
        list[str] | None, typer.Option("--param", help="a parameter of the policy: name=value (may be repeated)")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file to write (default: standard output)")] = None,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="in float32 as the simulator does, not in double precision")
    ] = False,
) -> None:
    """Score rows of feature values by a policy; no scenario needed."""
    from recsim.cli.score import score_command

    score_command(policy, file, list(param or []), out, compiled)


def show(
    policy: Annotated[str, typer.Argument(help="policy: a name or package.module:function", show_default=False)],
    compiled: Annotated[bool, typer.Option("--compiled", help="print the module that the simulator runs")] = False,
    measure: Annotated[
        Path | None, typer.Option(help="scenario in which to measure how much each parameter matters (Art. 27)")
    ] = None,
    replicates: Annotated[int, typer.Option(help="replicates of that measurement", min=2)] = 3,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Show what a policy reads, whom it profiles, by which doors engagement enters, and what its parameters do."""
    from recsim.cli.show import show_command

    show_command(policy, compiled, json_, measure, replicates, yes)


def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="policies, rerankers, mitigations, detectors, features, campaigns, metrics, figures or runs",
            show_default=False,
        ),
    ],
    json_: Json = False,
) -> None:
    """List policies, re-rankers, mitigations, detectors, features, campaigns, metrics, figures for targets, or stored runs."""
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


def add_to(app: typer.Typer) -> None:
    """Make these commands commands of the program."""
    app.command()(conformance)
    app.command()(score)
    app.command()(show)
    app.command(name="list")(list_)
