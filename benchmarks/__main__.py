"""One table for all speed claims, with the references measured in the same run.

    python -m benchmarks [--quick] [--only worlds scoring peers scaling start] [--out docs]

Written to ``runs/benchmarks`` as ``benchmarks.json``, ``benchmarks.md`` and the picture of the scaling curve. ``--out docs`` keeps them: record
and picture in docs/, the table in docs/performance.md. Full: under ten minutes on two idle cores; ``--quick``: under two, fewer
rounds and sizes. NumPy's products have one thread, but in the rows of other tools.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import scaling, scoring, start, throughput
from benchmarks.machine import facts, load
from benchmarks.peers import compare
from benchmarks.rounds import Row
from benchmarks.table import head, plain, text
from recsim.experiment.folder import write_text

ROOT = Path(__file__).resolve().parent.parent
DOCS, PAGE = ROOT / "docs", ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- the table: made by `python -m benchmarks --out docs` -->", "<!-- end of the table -->"


def parts(quick: bool, huge: bool) -> dict[str, Callable[[], list[Row]]]:
    """What is measured, by the names of ``--only``."""
    sizes = [10_000, 100_000] if quick else [*scaling.SIZES, *([10_000_000] if huge else [])]
    return {
        "worlds": lambda: throughput.rows(quick, 3 if quick else 5),
        "scoring": lambda: scoring.rows(5 if quick else 15),
        "peers": lambda: compare.rows(1 if quick else 3, 2_000 if quick else 10_000, 5 if quick else 10),
        "scaling": lambda: scaling.rows(sizes, 2 if quick else 5),
        "start": lambda: start.rows(1 if quick else 3, cold=not quick),
    }


def main() -> None:
    names = list(parts(True, False))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds, under two minutes")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="PART", help=", ".join(names))
    parser.add_argument("--huge", action="store_true", help="scaling up to ten million people: an hour, 40 GiB")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "benchmarks", help="folder (default runs/benchmarks)"
    )
    options = parser.parse_args()
    kept = options.out.resolve() == DOCS
    if kept and (options.quick or options.only != names):
        parser.error("only the whole table is kept in docs/: without --quick and --only")
    began, about = time.monotonic(), {**facts(), "load_before": load()}
    found: list[Row] = []
    seconds = {}
    for name in options.only:
        start_of_part = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        found += parts(options.quick, options.huge)[name]()
        seconds[name] = round(time.monotonic() - start_of_part, 1)
    about |= {"load_after": load(), "date": dt.date.today().isoformat(), "quick": options.quick, "seconds": seconds}
    stored = plain(found)
    table = f"{head(about)}\n{about['date']}, {time.monotonic() - began:.0f} s\n\n{text(found)}"
    print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(options.out / "benchmarks.json", json.dumps({"machine": about, "rows": stored}, indent=1) + "\n")
    if kept:
        write_text(PAGE, put(PAGE.read_text(encoding="utf-8"), table))
    else:
        write_text(options.out / "benchmarks.md", table)
    if "scaling" in options.only:
        curve = [row for row in stored if row["group"] == scaling.GROUP]
        scaling.save_chart(curve, DOCS / "images" if kept else options.out)


def put(page: str, table: str) -> str:
    """The page with the table between its marks."""
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return f"{before}{BEGIN}\n\n{table.rstrip()}\n\n{END}{after}"


if __name__ == "__main__":
    main()
