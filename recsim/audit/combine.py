"""Several stored results in one report: a run, other runs beside it, what mitigations save, and the range over an ensemble."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recsim.errors import InputError
from recsim.experiment.diff import settings_that_differ
from recsim.experiment.folder import readable, verified
from recsim.experiment.result import Result
from recsim.scenario import load
from recsim.scenario.schema import Scenario

IGNORED = ("run.replicates",)
"""Settings that do not make another question."""


class Gathered(NamedTuple):
    """What stands beside a run.

    Attributes:
        tradeoff, ensemble: summaries of these commands, or None.
        runs: one block per other run: folder, policy, replicates, shifts of the first run's beneficiaries, settings that
            differ.
    """

    tradeoff: dict[str, Any] | None
    ensemble: dict[str, Any] | None
    runs: list[dict[str, Any]]


def gather(base: Result, folders: Sequence[Path]) -> Gathered:
    """Read the other results.

    Raises:
        InputError: a folder holds nothing that can stand here, two of a kind, another scenario, or a file was changed.
    """
    found: dict[str, Any] = {"tradeoff": None, "ensemble": None}
    runs = []
    for folder in folders:
        kind = _kind(folder)
        if kind == "summary":
            other = Result.load(folder)
            runs.append(_run(base, other, folder, _differences(base.scenario, other.scenario, folder)))
            continue
        if found[kind] is not None:
            raise InputError(f"is a second {kind}; one can stand in a report", str(folder))
        with readable(folder, kind):
            summary, _ = verified(folder, f"{kind}.json", kind)
        differs = _differences(base.scenario, load(folder / "scenario.yaml"), folder)
        found[kind] = summary | {"folder": folder.name, "differs": differs}
    return Gathered(found["tradeoff"], found["ensemble"], runs)


def _kind(folder: Path) -> str:
    for kind in ("summary", "tradeoff", "ensemble"):
        if (folder / f"{kind}.json").is_file():
            return kind
    text = "holds no complete run, trade-off or ensemble (summary.json, tradeoff.json or ensemble.json is missing)"
    raise InputError(text, str(folder))


def _differences(base: Scenario, other: Scenario, folder: Path) -> list[dict[str, Any]]:
    if [c.id for c in base.candidates] != [c.id for c in other.candidates]:
        raise InputError("is about other candidates than the first run; it cannot stand beside it", str(folder))
    rows = settings_that_differ(base, other)
    return [{"key": key, "first": a, "here": b} for key, a, b in rows if key not in IGNORED]


def _run(base: Result, other: Result, folder: Path, differs: list[dict[str, Any]]) -> dict[str, Any]:
    rows = {row["id"]: row for row in other.summary["candidates"]}
    keys = ("id", "shift_pp", "ci_low", "ci_high", "verdict", "excess_impressions")
    return {
        "folder": folder.name, "policy": other.summary["policy"], "replicates": other.summary["replicates"],
        "fingerprint": other.summary["fingerprint"], "differs": differs,
        "candidates": [{k: rows[name][k] for k in keys} for name in base.summary["beneficiaries"]],
    }  # fmt: skip


def stored_audit(result: Result) -> dict[str, Any]:
    """``audit.json`` of a stored run; computed if an older version left none."""
    from recsim.audit.evidence import evidence

    assert result.folder is not None
    path = result.folder / "audit.json"
    if not path.is_file():
        return evidence(result)
    with readable(result.folder, "run"):
        return dict(json.loads(path.read_text(encoding="utf-8")))
