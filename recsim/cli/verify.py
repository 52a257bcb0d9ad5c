"""``recsim verify``, ``recsim report`` and ``recsim export``: what can be done with stored results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

WORDS = {True: "passed", False: "FAILED", None: "not possible"}


def verify_command(folder: Path, replicate: int | None, again: bool, as_json: bool) -> None:
    """Look at a stored run, print what was found; exit 1 if anything is not as it should be."""
    from recsim.audit.verify import verify

    found = verify(folder, replicate, again)
    passed = all(f.passed is not False for f in found)
    if as_json:
        sys.stdout.write(json.dumps({"passed": passed, "findings": [f._asdict() for f in found]}) + "\n")
    else:
        for f in found:
            print(f"{f.check:<12} {WORDS[f.passed]:<13} {f.detail}")
    if not passed:
        sys.exit(1)


def report_command(folder: Path, others: list[Path], out: Path | None) -> None:
    """Write a report again, in place; or one about several results, into a folder of its own."""
    from recsim.errors import InputError
    from recsim.experiment.folder import SUMS
    from recsim.experiment.result import Result
    from recsim.report import write, write_combined

    if others and out is None:
        raise InputError("is missing; a report about several results needs a folder of its own", "--out")
    result = Result.load(folder)
    if out is None:
        if not (folder / SUMS).is_file():
            text = (
                f"held no {SUMS}, as after a run from Python: the list written now says nothing about the time before"
            )
            sys.stderr.write(f"note: {folder} {text}\n")
        write(result)
    else:
        write_combined(result, others, out)
    print(f"wrote {(out or folder) / 'report.html'}")


def export_command(folder: Path, crate: Path) -> None:
    """Write a stored result as one RO-Crate."""
    from recsim.audit.crate import export_crate

    written = export_crate(folder, crate)
    print(f"wrote {written} ({written.stat().st_size / 2**20:.1f} MiB)")
