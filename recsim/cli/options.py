"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Argument(help="scenario file (YAML)", show_default=False)]
Set = Annotated[list[str] | None, typer.Option("--set", help="set one value: dotted.key=value (may be repeated)")]
Json = Annotated[bool, typer.Option("--json", help="print JSON on standard output and nothing else there")]
Out = Annotated[Path | None, typer.Option(help="result folder itself (default: one in runs/, named by fingerprint)")]
Policy = Annotated[
    str | None,
    typer.Option(help="ranking policy in place of the scenario's: a name or package.module:function"),
]
Replicates = Annotated[int | None, typer.Option(help="independent replicates")]
Scale = Annotated[
    float | None, typer.Option(help="share of the real population simulated (0.01: one in a hundred)")
]  # fmt: skip
Dose = Annotated[float | None, typer.Option(help="multiplier of inauthentic accounts (0: none act)")]
Seed = Annotated[int | None, typer.Option(help="seed of all draws")]
Workers = Annotated[int | None, typer.Option(help="processes (default: all cores); never changes a result")]
Threads = Annotated[
    int | None, typer.Option(help="threads of each worker (default: by itself); never changes a result")
]  # fmt: skip
Cluster = Annotated[
    str | None, typer.Option(help="a Dask cluster: local, or tcp://host:port (docs/cluster.md); never changes a result")
]  # fmt: skip
Shards = Annotated[
    int,
    typer.Option(
        help="processes among which the people of each replicate are cut, for worlds larger than a machine (docs/shards.md); "
        "never changes a result"
    ),
]
Fixed = Annotated[bool, typer.Option("--fixed-parameters", help="hold ranged parameters at their central values")]
Resume = Annotated[bool, typer.Option("--resume", help="continue an unfinished run")]
Unneeded = Annotated[
    bool, typer.Option("--resume", help="accepted for likeness with run: what was stopped goes on by itself")
]
Every = Annotated[
    str | None,
    typer.Option(
        "--checkpoint-every",
        help="how often an unfinished replicate is kept for --resume: 1d, 12h (simulated), 30min (of running), off "
        "(default: 15min in replicates expected to take longer)",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="run again in a new folder")]
Yes = Annotated[bool, typer.Option("--yes", help="start even if more than 30 minutes are expected")]
Candidate = Annotated[
    str | None, typer.Option(help="whose shift is reported (default: the beneficiary of most campaigns)")
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress and no table")]
