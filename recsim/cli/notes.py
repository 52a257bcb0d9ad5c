"""What commands say of the auditor's own words in the report that they write."""

from __future__ import annotations

import sys
from pathlib import Path


def show_notes(place: Path) -> None:
    """Print what the report in a folder holds of them."""
    from recsim.experiment.folder import read_json
    from recsim.report.notes_words import notes_lines

    found = read_json(place / "report.json")
    print("\n".join(notes_lines(found["notes"], found["recommendations"])))


def say_stored(source: Path) -> None:
    """Say that the report holds notes that nobody named this time.

    Args:
        source: the folder that held them.
    """
    from recsim.experiment.sums import NOTES

    if (source / NOTES).is_file():
        text = f"the report holds the auditor's own words of {source / NOTES}; recsim report --notes FILE replaces them, --no-notes leaves them out"
        sys.stderr.write(f"note: {text}\n")
