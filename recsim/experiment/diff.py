"""Two runs side by side: which settings differ, and by how much the shifts do."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np

from recsim.errors import InputError
from recsim.experiment.folder import readable
from recsim.experiment.result import Result
from recsim.experiment.summary import Counts
from recsim.metrics import defined_mean, interval
from recsim.scenario.dump import _plain
from recsim.scenario.schema import Scenario


@dataclasses.dataclass
class Difference:
    """What `diff` found.

    Attributes:
        made_by: what the runs were made by that is not a setting, of both: commit, sources, versions and the like, where
            they differ.
        settings: dotted key, value in the first and in the second run.
        shifts: candidate, shift in the first (a) and in the second run (b), difference b - a and its 95 % interval,
            percentage points; None where it is not known.
        paired: whether replicates share their draws (same seed): then only replicates of both runs are compared, and
            differences are taken within replicates.
    """

    settings: list[tuple[str, Any, Any]]
    shifts: list[dict[str, Any]]
    paired: bool
    made_by: list[tuple[str, Any, Any]] = dataclasses.field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "made_by": [{"key": k, "a": a, "b": b} for k, a, b in self.made_by],
            "settings": [{"key": k, "a": a, "b": b} for k, a, b in self.settings], "paired": self.paired,
            "shifts": self.shifts,
        }  # fmt: skip

    def to_text(self) -> str:
        """For reading, at most 80 columns."""
        lines = ["not made by the same, which alone can move the shifts:"] if self.made_by else []
        for key, a, b in self.made_by:
            lines += [f"  {key[:76]}", "    " + " -> ".join("not known" if x is None else _short(x) for x in (a, b))]
        lines += ["settings that differ:"] if self.settings else ["same settings"]
        for key, a, b in self.settings:
            lines += [f"  {key[:76]}", f"    {_short(a)} -> {_short(b)}"]
        how = "paired by replicate" if self.paired else "different seeds, not paired"
        lines += [
            "",
            f"shift in percentage points ({how})",
            f"{'candidate':<16}{'a':>9}{'b':>9}{'b - a':>9}   95 % interval",
        ]
        for row in self.shifts:
            low, high = row["ci_low"], row["ci_high"]
            span = "not known" if low is None else f"{low:+.2f} to {high:+.2f}"
            lines.append(
                f"{row['candidate'][:15]:<16}{_signed(row['a'])}{_signed(row['b'])}{_signed(row['difference'])}   {span}"
            )
        return "\n".join(lines)


def _flat(value: Any, path: str, out: dict[str, Any]) -> None:
    if isinstance(value, dict) and "evidence" in value and "value" in value:
        scale = f" {value['scale']}" if "scale" in value else ""
        out[path] = value["value"] if "range" not in value else f"{value['value']} {value['range']}{scale}"
    elif isinstance(value, dict):
        for name, member in value.items():
            _flat(member, f"{path}.{name}" if path else name, out)
    elif isinstance(value, list):
        for number, member in enumerate(value):
            name = member.get("id", number) if isinstance(member, dict) else number
            _flat(member, f"{path}.{name}", out)
    else:
        out[path] = str(value) if isinstance(value, dt.date) else value  # what differs goes into JSON


def settings_that_differ(a: Scenario, b: Scenario) -> list[tuple[str, Any, Any]]:
    """Dotted key and value in either scenario, of every setting that is not the same in both."""
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    _flat(_plain(a), "", left)
    _flat(_plain(b), "", right)
    return [
        (k, left.get(k, "absent"), right.get(k, "absent"))
        for k in sorted({*left, *right})
        if left.get(k, "absent") != right.get(k, "absent")
    ]


LOOP = "policy as compiled (SHA-256)"
MADE_BY = {
    "source_sha256": "sources (SHA-256)", "summary_sha256": "sources of the summary (SHA-256)",
    "git_commit": "commit", "git_uncommitted_changes": "uncommitted changes",
    "fixed_parameters": "fixed parameters", "bits": "bits",
}  # fmt: skip
"""Entries of a manifest that decide numbers beside the settings, and what they are called."""


def made_by_that_differs(folder_a: Path, folder_b: Path) -> list[tuple[str, Any, Any]]:
    """What two stored runs were made by, where it differs: name and value of either; None where a folder does not say.

    Raises:
        InputError: a manifest cannot be read.
    """
    found = []
    for folder in (folder_a, folder_b):
        with readable(folder, "run"):
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            versions = {("recsim" if k == "recsim-audit" else k): v for k, v in manifest["versions"].items()}
            loop = {LOOP: manifest["sha256"].get("policy_compiled.py")}
            found.append(versions | {text: manifest.get(key) for key, text in MADE_BY.items()} | loop)
    a, b = found
    return [(key, a.get(key), b.get(key)) for key in {**a, **b} if a.get(key) != b.get(key)]


def diff(folder_a: str | Path, folder_b: str | Path) -> Difference:
    """Compare two run directories.

    Raises:
        InputError: a folder holds no complete run, or the runs share no candidate.
    """
    a, b = Result.load(folder_a), Result.load(folder_b)
    settings = settings_that_differ(a.scenario, b.scenario)
    names = [c.id for c in a.scenario.candidates if c.id in {d.id for d in b.scenario.candidates}]
    if not names:
        raise InputError("the two runs have no candidate in common", f"{folder_a} {folder_b}")
    paired = a.scenario.run.seed == b.scenario.run.seed
    x, y = (_shifts(r, names) for r in (a, b))
    shifts = []
    if paired:
        both = [r for r in a.replicates if r in b.replicates]
        x, y = (s[[found.replicates.index(r) for r in both]] for s, found in ((x, a), (y, b)))
    for k, name in enumerate(names):
        if paired:
            t = interval(y[:, k] - x[:, k])
            low, high = t.low, t.high
        else:
            low, high = welch(x[:, k], y[:, k])
        shifts.append(
            {
                "candidate": name, "a": _known(defined_mean(x[:, k])), "b": _known(defined_mean(y[:, k])),
                "difference": _known(defined_mean(y[:, k]) - defined_mean(x[:, k])),
                "ci_low": _known(low), "ci_high": _known(high),
            }
        )  # fmt: skip
    made_by = made_by_that_differs(Path(folder_a), Path(folder_b))
    if any(
        key.startswith("platform.") for key, _, _ in settings
    ):  # another policy is a setting, and so is what it compiles to
        made_by = [row for row in made_by if row[0] != LOOP]
    return Difference(settings, shifts, paired, made_by)


def _shifts(result: Result, names: list[str]) -> np.ndarray:
    """(R, C) shift of the named candidates; shares are still over all candidates of the run."""
    everyone = [c.id for c in result.scenario.candidates]
    counts = Counts(result.frames["exposure"], everyone, result.replicates, result.scenario.run.luck_branches)
    return counts.shift_pp[:, [everyone.index(name) for name in names]]


def welch(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """95 % interval of mean(y) - mean(x) of independent samples with unequal variances (Welch); NaN below two each.

    Two samples without spread give the difference exactly.
    """
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    if min(len(x), len(y)) < 2:
        return float("nan"), float("nan")
    if np.ptp(x) == 0 and np.ptp(y) == 0:
        return float(y[0] - x[0]), float(y[0] - x[0])
    from scipy.stats import ttest_ind

    found = ttest_ind(y, x, equal_var=False).confidence_interval()
    return float(found.low), float(found.high)


def _known(value: float | np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None


def _signed(value: float | None) -> str:
    return f"{'-':>9}" if value is None else f"{value:>+9.2f}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 34 else text[:31] + "..."
