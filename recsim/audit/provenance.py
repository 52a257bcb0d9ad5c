"""Where each result of a combined report comes from: its folder, fingerprint, code, and the commands to run in that folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recsim.audit.again import under_plan
from recsim.audit.plan import stored_record
from recsim.experiment import comparison, sets, tradeoff
from recsim.experiment.dose import ALL
from recsim.experiment.ensemble import NO_PREDICTOR
from recsim.experiment.folder import ASIDE, checksum, readable
from recsim.experiment.held import KINDS
from recsim.experiment.sums import SUMS
from recsim.ranking.own_code import asked, kept

VERIFY = "python -m recsim verify ."


def own_files(folder: Path) -> list[dict[str, str]]:
    """Source files of policies from outside recsim that a result's folder keeps: name and SHA-256."""
    return [{"file": name, "sha256": checksum(folder / name)} for name in kept(folder)]


def row(folder: Path, kind: str, summary: dict[str, Any], again: str) -> dict[str, Any]:
    """One result of a combined report.

    Args:
        folder: of the result.
        kind: one of `recsim.audit.combine.KINDS`.
        summary: content of its JSON file.
        again: the command that does it again in that folder.

    Raises:
        InputError: the manifest cannot be read.
    """
    with readable(folder, kind):
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        versions = manifest["versions"]
        return {
            "folder": name_of(folder), "kind": kind, "fingerprint": summary["fingerprint"],
            "replicates": summary["replicates"], "seed": manifest["seed"], "again": again, "verify": asked(VERIFY, folder),
            "recsim": versions.get("recsim-audit"), "source_sha256": manifest["source_sha256"],
            "commit": manifest.get("git_commit"), "uncommitted_changes": manifest.get("git_uncommitted_changes"),
            "versions": versions, "machine": manifest["machine"], "bits": manifest["bits"],
            "own_policies": own_files(folder), "plan": _plan(folder),
            "sha256": {name: checksum(folder / name) for name in _files(folder, manifest)},
            "sums_sha256": checksum(folder / SUMS) if (folder / SUMS).is_file() else None,
        }  # fmt: skip


def _plan(folder: Path) -> dict[str, Any] | None:
    """Under which plan a result was made, as its record says; None: under none."""
    said = stored_record(folder)
    if not said.get("plan"):
        return None
    plan = {key: said["plan"][key] for key in ("lock", "made", "replicates")}
    return plan | {key: said[key] for key in ("deviations", "deviation_reason")}


def _files(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Names of the files that a result is, without its pages and stored replicates: these `SUMS` lists."""
    there = [f"{last}.json" for last in (*KINDS, "manifest") if (folder / f"{last}.json").is_file()]
    return [*there, *manifest["sha256"]]


def name_of(folder: Path) -> str:
    """What a report calls a folder: its last part, also where it was given as ``.``."""
    return folder.resolve().name


def _ensemble(summary: dict[str, Any], folder: Path) -> str:
    with readable(folder, "ensemble"):
        cells = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["folders"].values()
    policies, predictors, models = (list(dict.fromkeys(values)) for values in zip(*cells, strict=True))
    named = [name for name in predictors if name != NO_PREDICTOR]
    words = ["python -m recsim ensemble scenario.yaml --policies", ",".join(policies)]
    words += [*(["--predictors", ",".join(named)] if named else []), "--models", ",".join(models)]
    return " ".join([*words, "--seed", str(summary["seed"]), "--replicates", str(summary["replicates"]), ASIDE])


OPTIONS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "attribute": lambda s: ["--by", s["by"], *(["--orders", str(s["orders"])] if s["orders"] else [])],
    "dose": lambda s: [
        *([] if s["campaign"] == ALL else ["--campaign", s["campaign"]]), "--from", f"{s['doses'][0]:g}", "--to",
        f"{s['doses'][-1]:g}", "--points", str(len(s["doses"])), *(["--others"] if s["others"] else []),
    ],
    "tradeoff": tradeoff.measures_named,
    "delay": lambda s: ["--days=" + ",".join(map(str, s["days"]))],
}  # fmt: skip
"""What each of these commands is asked, beside what all are."""


def _fixed(kind: str, folder: Path | None) -> bool:
    """Whether ranged parameters were held at their central values, as the manifest says."""
    if folder is None:
        return False
    with readable(folder, kind):
        return bool(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["fixed_parameters"])


def again(kind: str, summary: dict[str, Any], folder: Path | None) -> str:
    """The command that does any result but a run again, in its folder."""
    if kind == "study":
        words = f"python -m recsim sweep study.yaml --replicates {summary['replicates']} {ASIDE}"
    elif kind == "calibration":
        words = f"python -m recsim calibrate calibration.yaml {ASIDE}"
    elif "command" in summary:
        options = [*OPTIONS[summary["command"]](summary), *under_plan({} if folder is None else stored_record(folder))]
        words = sets.again_command(summary, options, _fixed(kind, folder))
    elif kind == "comparison":
        words = comparison.again_command(summary, _fixed(kind, folder))
    else:
        assert folder is not None
        words = _ensemble(summary, folder)
    return asked(words, folder)
