"""``recsim check``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from recsim.cli.progress import progress

if TYPE_CHECKING:
    from recsim.cli.run import How
    from recsim.scenario.schema import Scenario


def check_command(scenario: Scenario, quick: bool, how: How) -> None:
    """Say what to expect, run the checks, print each row as soon as it is known, exit 1 if a control fails."""
    from recsim.audit.check import REPLICATES, check, lines_of
    from recsim.cli.run import for_estimate
    from recsim.experiment.run import estimate

    if not quick:
        wanted = min(REPLICATES, scenario.run.replicates)
        text = f"{scenario.name}: controls on a tiny copy, then {wanted} replicates of the whole"
        how.announce(text, estimate(for_estimate(scenario, wanted)), "population.scale with --set, or take --quick")
    section = ""

    def show(row: dict) -> None:
        nonlocal section
        print("\n".join(lines_of(row, section)), flush=True)
        section = row["section"]

    with progress(how.quiet) as say:
        report = check(scenario, say, quick, None if how.as_json else show)
    if how.as_json:
        sys.stdout.write(json.dumps(report.to_dict(), indent=1) + "\n")
    else:
        print("\nall controls passed" if report.passed else "\na control or an account FAILED")
    if not report.passed:
        sys.exit(1)
