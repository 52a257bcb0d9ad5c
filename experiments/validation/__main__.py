"""Carry out the studies, keep their records and figures, and make the page anew."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from experiments.validation.charts import save_png
from experiments.validation.page import FIGURES, PAGE, RECORDS, write_page
from experiments.validation.studies import STUDIES
from experiments.validation.study import FULL, REDUCED, ROOT, Size, carry_out
from recsim.errors import InputError, unknown

SCRIPTS = {"simsom": ("reproduce_simsom", "--cells", "all"), "takedown": ("reproduce_takedown",)}
"""Scripts beside this package, with their options, that write records of their own, ``<name>.json`` and ``figures/*.png`` in a
folder ``--out``; ``--runs`` and ``--workers`` are theirs, too. Their worlds are of the published size: nothing to reduce. SimSoM's grids
take half an hour on two cores."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help=f"which: {', '.join([*STUDIES, *SCRIPTS])} (default: all)")
    parser.add_argument("--reduced", action="store_true", help="small worlds, printed and not kept, under two minutes")
    parser.add_argument("--replicates", type=int, help=f"independent worlds (default {FULL.replicates}; scripts: 10)")
    parser.add_argument("--workers", type=int, help="processes (default: all cores)")
    parser.add_argument("--keep", type=Path, help="folder for records and figures (default: docs/)")
    options = parser.parse_args()
    try:
        carry_out_all(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def carry_out_all(options: argparse.Namespace) -> None:
    """What the command line asks for.

    Raises:
        InputError: an unknown study, too few replicates, or a study that cannot be reduced.
    """
    for name in options.studies:
        if name not in STUDIES and name not in SCRIPTS:
            raise unknown("study", name, [*STUDIES, *SCRIPTS])
        if options.reduced and name in SCRIPTS:
            raise InputError(f"{name} has worlds of the published size only; leave it out", "--reduced")
    wanted = options.studies or [*([] if options.reduced else SCRIPTS), *STUDIES]
    size = REDUCED if options.reduced else FULL
    if options.replicates is not None:
        if options.replicates < 2:
            raise InputError(f"got {options.replicates}, must be at least 2: intervals are over worlds", "--replicates")
        size = Size(options.replicates, size.overrides)
    keep = None if options.reduced and options.keep is None else (options.keep or ROOT / "docs").resolve()
    records = keep / RECORDS.name if keep else None
    if records is not None:
        records.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        if name in SCRIPTS:
            if keep is not None:  # always, since nothing is reduced
                run_script(name, keep, options.replicates, options.workers)
            continue
        study = STUDIES[name]
        found, table = carry_out(study, size, options.workers)
        report(study.title, found)
        if keep is not None and records is not None:
            (records / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            save_png(lambda s=study, t=table: s.chart(t), keep / FIGURES.name / f"validation-{name}.png")
    if keep == ROOT / "docs":
        write_page(PAGE)


def run_script(name: str, keep: Path, runs: int | None = None, workers: int | None = None) -> None:
    """Run a script of `SCRIPTS`, if it is there, and keep its records and figures.

    Runs are kept in ``runs/``, where an interrupted script goes on.

    Args:
        name: of its records. keep: folder for records and figures. runs: of each cell. workers: processes; None: as the script has it.
    """
    file, *given = SCRIPTS[name]
    script, out = ROOT / "experiments" / f"{file}.py", ROOT / "runs" / name
    if not script.exists():
        return
    for option, value in (("--runs", runs), ("--workers", workers)):
        given += [option, str(value)] if value is not None else []
    subprocess.run([sys.executable, str(script), "--out", str(out), *given], check=True, cwd=ROOT)
    shutil.copyfile(out / f"{name}.json", keep / RECORDS.name / f"{name}.json")
    (keep / FIGURES.name).mkdir(parents=True, exist_ok=True)
    for path in sorted((out / "figures").glob("*.png")):
        shutil.copyfile(path, keep / FIGURES.name / f"validation-{path.name}")


def report(title: str, found: list[dict]) -> None:
    """Records on the terminal, one line each."""
    print(f"\n{title} ({found[0]['seconds']:.0f} s, {max(r['replicates'] for r in found)} replicates)")
    for one in found:
        low, high = one["interval"]
        verdict = {True: "as published", False: "NOT as published", None: "no verdict"}[one["agrees"]]
        print(
            f"  {one['quantity']}: {_figure(one['observed'])} ({_figure(low)} to {_figure(high)})  {verdict}",
            flush=True,
        )


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    main()
