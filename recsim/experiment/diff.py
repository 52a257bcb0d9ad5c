"""Two runs side by side: which settings differ, and by how much the shifts do."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recsim.errors import InputError
from recsim.experiment.folder import read_csv, read_json, readable
from recsim.experiment.result import Result
from recsim.metrics import defined_mean, interval
from recsim.scenario import load
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
        settings_known: whether both folders keep their scenario; else ``settings`` is empty.
        by_replicate: whether both folders say what the shift is in each replicate; else there is no interval.
    """

    settings: list[tuple[str, Any, Any]]
    shifts: list[dict[str, Any]]
    paired: bool
    made_by: list[tuple[str, Any, Any]] = dataclasses.field(default_factory=list)
    settings_known: bool = True
    by_replicate: bool = True

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "made_by": [{"key": k, "a": a, "b": b} for k, a, b in self.made_by],
            "settings": [{"key": k, "a": a, "b": b} for k, a, b in self.settings], "paired": self.paired,
            "shifts": self.shifts, "settings_known": self.settings_known, "by_replicate": self.by_replicate,
        }  # fmt: skip

    def to_text(self) -> str:
        """For reading, at most 80 columns."""
        lines = ["not made by the same, which alone can move the shifts:"] if self.made_by else []
        for key, a, b in self.made_by:
            lines += [f"  {key[:76]}", "    " + " -> ".join("not known" if x is None else _short(x) for x in (a, b))]
        same = "same settings" if self.settings_known else "settings not known: a folder keeps no scenario.yaml"
        lines += ["settings that differ:"] if self.settings else [same]
        for key, a, b in self.settings:
            lines += [f"  {key[:76]}", f"    {_short(a)} -> {_short(b)}"]
        how = "paired by replicate" if self.paired else "different seeds, not paired"
        how = how if self.by_replicate else "means alone: a folder keeps no shifts by replicate"
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


def flat(scenario: Scenario) -> dict[str, Any]:
    """Every setting of a scenario by its dotted key: plain values that JSON can hold; a range stands in its number's value."""
    out: dict[str, Any] = {}
    _flat(_plain(scenario), "", out)
    return out


def settings_that_differ(a: Scenario, b: Scenario) -> list[tuple[str, Any, Any]]:
    """Dotted key and value in either scenario, of every setting that is not the same in both."""
    return differing(flat(a), flat(b))


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The same of settings as of `flat`."""
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


class Side(NamedTuple):
    """What is known of a run that is compared.

    Attributes:
        scenario: as resolved; None where a folder keeps the summary without it.
        candidates: ids. seed: of all draws.
        replicates: their numbers; empty where only means are kept.
        shifts: (R, C) shift by replicate and candidate, percentage points; (1, C) means where there are no replicates.
    """

    scenario: Scenario | None
    candidates: list[str]
    seed: int
    replicates: list[int]
    shifts: np.ndarray


BY_REPLICATE = "shift_by_replicate.csv"


def side(folder: Path) -> Side:
    """A stored run, or what is kept of one: its summary, with or without the shifts of its replicates and its scenario.

    Raises:
        InputError: neither is there, or a file is damaged.
    """
    if (folder / "exposure.parquet").is_file() or not (folder / "summary.json").is_file():
        run = Result.load(folder)
        names = [c.id for c in run.scenario.candidates]
        return Side(run.scenario, names, run.scenario.run.seed, run.replicates, run.counts().shift_pp)
    scenario = load(folder / "scenario.yaml") if (folder / "scenario.yaml").is_file() else None
    with readable(folder, "run"):
        said = read_json(folder / "summary.json")
        names, seed = [row["id"] for row in said["candidates"]], int(said["seed"])
        if not (folder / BY_REPLICATE).is_file():
            means = [np.nan if row["shift_pp"] is None else row["shift_pp"] for row in said["candidates"]]
            return Side(scenario, names, seed, [], np.array([means], float))
        table = read_csv(folder / BY_REPLICATE).pivot(index="replicate", columns="candidate", values="shift_pp")
        return Side(scenario, names, seed, [int(n) for n in table.index], table[names].to_numpy(float))


def diff(folder_a: str | Path, folder_b: str | Path) -> Difference:
    """Compare two run directories; of either no more than the summary need be there (``summary.json``).

    With a summary alone there is no interval; with ``shift_by_replicate.csv`` beside it there is. Settings are compared where
    both folders keep ``scenario.yaml``, what made them where both keep ``manifest.json``.

    Args:
        folder_a, folder_b: of the first and of the second run.

    Raises:
        InputError: a folder holds no complete run, a file was changed, or the runs share no candidate.
    """
    a, b = side(Path(folder_a)), side(Path(folder_b))
    known = a.scenario is not None and b.scenario is not None
    settings = settings_that_differ(a.scenario, b.scenario) if a.scenario is not None and b.scenario is not None else []
    names = [name for name in a.candidates if name in b.candidates]
    if not names:
        raise InputError("the two runs have no candidate in common", f"{folder_a} {folder_b}")
    by_replicate = bool(a.replicates and b.replicates)
    paired = a.seed == b.seed and by_replicate
    x, y = (one.shifts[:, [one.candidates.index(name) for name in names]] for one in (a, b))
    shifts = []
    if paired:
        both = [r for r in a.replicates if r in b.replicates]
        x, y = (s[[found.replicates.index(r) for r in both]] for s, found in ((x, a), (y, b)))
    for k, name in enumerate(names):
        low = high = float("nan")
        if paired:
            t = interval(y[:, k] - x[:, k])
            low, high = t.low, t.high
        elif by_replicate:
            low, high = welch(x[:, k], y[:, k])
        shifts.append(
            {
                "candidate": name, "a": _known(defined_mean(x[:, k])), "b": _known(defined_mean(y[:, k])),
                "difference": _known(defined_mean(y[:, k]) - defined_mean(x[:, k])),
                "ci_low": _known(low), "ci_high": _known(high),
            }
        )  # fmt: skip
    both_say = all((Path(folder) / "manifest.json").is_file() for folder in (folder_a, folder_b))
    made_by = made_by_that_differs(Path(folder_a), Path(folder_b)) if both_say else []
    if any(
        key.startswith("platform.") for key, _, _ in settings
    ):  # another policy is a setting, and so is what it compiles to
        made_by = [row for row in made_by if row[0] != LOOP]
    return Difference(settings, shifts, paired, made_by, known, by_replicate)


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
