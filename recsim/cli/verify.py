"""``recsim verify``, ``recsim report`` and ``recsim export``: what can be done with stored results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recsim.cli.progress import progress
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.cli.run import How

WORDS = {True: "passed", False: "FAILED", None: "not possible"}


def verify_command(folder: Path, replicate: int | None, again: bool, how: How) -> None:
    """Look at a stored run, print each finding as soon as it is known; exit 1 if anything is not as it should be."""
    from recsim.audit.verify import Finding, verify

    if again:
        _announce(folder, how)

    def show(one: Finding) -> None:
        print(f"{one.check:<12} {WORDS[one.passed]:<13} {one.detail}", flush=True)

    with progress(how.quiet) as say:
        found = verify(folder, replicate, again, progress=say, found=None if how.as_json else show)
    passed = all(f.passed is not False for f in found)
    if how.as_json:
        sys.stdout.write(json.dumps({"passed": passed, "findings": [f._asdict() for f in found]}) + "\n")
    if not passed:
        sys.exit(1)


def _announce(folder: Path, how: How) -> None:
    """Say what doing a replicate again takes; nothing where there is no run to be done again, which is said later."""
    from recsim.cli.run import for_estimate
    from recsim.experiment.run import estimate, source_digest
    from recsim.ranking import own_code
    from recsim.scenario import load

    try:
        if json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["source_sha256"] != source_digest():
            return  # made by other sources: none is done again
        scenario = load(folder / "scenario.yaml")
        own_code.refuse([scenario.platform.policy, *(scenario.platform.rerank or [])], folder)
        expected = estimate(for_estimate(scenario, 1), workers=1)
    except (InputError, OSError, ValueError, KeyError, TypeError):
        return
    how.announce(f"{folder}: checksums, tables, and one replicate again", expected, "the work with --files-only")


def report_command(
    folder: Path, others: list[Path], out: Path | None, notes: Path | None = None, no_notes: bool = False
) -> None:
    """Write a report again, in place; or one about several results, into a folder of its own."""
    from recsim.cli.notes import say_stored, show_notes
    from recsim.experiment.folder import SUMS
    from recsim.experiment.held import a_kind, kind_in
    from recsim.experiment.result import Result
    from recsim.experiment.sums import NOTES
    from recsim.report import write, write_combined

    if notes is not None and no_notes:
        raise InputError("choose one of --notes and --no-notes", "report")
    if others and out is None:
        raise InputError("is missing; a report about several results needs a folder of its own", "--out")
    if folder.is_file():
        raise InputError(
            "is a file; the first must be the folder of a run, files of evidence may follow it", str(folder)
        )
    held = kind_in(folder)
    if others and held not in (None, "summary"):
        text = f"holds no run but {a_kind(held)}; the first folder must be a run, others may follow it"
        raise InputError(text, str(folder))
    result = Result.load(folder)
    if out is None:
        if not (folder / SUMS).is_file():
            text = (
                f"held no {SUMS}, as after a run from Python: the list written now says nothing about the time before"
            )
            sys.stderr.write(f"note: {folder} {text}\n")
        held_notes = (folder / NOTES).is_file()
        write(result, notes=False if no_notes else notes)
        if no_notes and held_notes:
            sys.stderr.write(f"note: {folder / NOTES} was deleted\n")
    else:
        write_combined(result, others, out, False if no_notes else notes)
        _say_what_failed(out)
    print(f"wrote {(out or folder) / 'report.html'}")
    if notes is not None:
        show_notes(out or folder)
    elif not no_notes:
        say_stored(folder)


def _say_what_failed(out: Path) -> None:
    """A control that failed is said on the terminal as it is at the top of the report."""
    found = json.loads((out / "report.json").read_text(encoding="utf-8"))["validity"]["check"]
    if found is not None and found["failed"]:
        names = ", ".join(found["failed"])
        sys.stderr.write(
            f"note: {found['file']} says that a control or an account FAILED ({names}); the report says so at its top\n"
        )


def export_command(folder: Path, crate: Path) -> None:
    """Write a stored result as one RO-Crate."""
    from recsim.audit.crate import export_crate

    written = export_crate(folder, crate)
    print(f"wrote {written} ({written.stat().st_size / 2**20:.1f} MiB)")
