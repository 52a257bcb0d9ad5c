"""``recsim check``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from recsim.cli.progress import progress


def check_command(config: Path, overrides: list[str], as_json: bool, quick: bool) -> None:
    """Run the checks, print the table, exit 1 if a control fails."""
    from recsim.audit.check import check
    from recsim.cli.located import loaded

    scenario = loaded(config, overrides)
    with progress(False) as say:
        report = check(scenario, say, quick)
    if as_json:
        sys.stdout.write(json.dumps({"passed": report.passed, "rows": report.rows}, indent=1, default=float) + "\n")
    else:
        print(report.to_text())
        print("\nall controls passed" if report.passed else "\na control or an account FAILED")
    if not report.passed:
        sys.exit(1)
