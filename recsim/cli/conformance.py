"""``recsim conformance``."""

from __future__ import annotations

import dataclasses
import json
import sys


def conformance_command(policy: str | None, as_json: bool) -> None:
    """Print whether published values are reproduced; exit 1 if one is not."""
    from recsim.ranking.conformance.vectors import table

    rows = table(policy)
    failed = any(row.status == "FAILED" for row in rows)
    if as_json:
        print(json.dumps({"passed": not failed, "rows": [dataclasses.asdict(row) for row in rows]}, indent=1))
    else:
        cells: list[tuple[str, ...]] = [("policy", "tag", "plain", "compiled", "result", "commit or date", "source")]
        for row in rows:
            counts = (
                f"{n}/{row.total}" if row.status in ("passed", "FAILED") else "-" for n in (row.plain, row.compiled)
            )
            cells.append((row.policy, row.tag, *counts, row.status, row.commit_or_date or "-", row.source))
        width = [max(len(line[k]) for line in cells) for k in range(len(cells[0]) - 1)]
        for line in cells:
            print("  ".join([*(text.ljust(w) for text, w in zip(line, width, strict=False)), line[-1]]))
        for row in rows:
            for failure in row.failures:
                print(f"{row.policy}: {failure}")
    if failed:
        sys.exit(1)
