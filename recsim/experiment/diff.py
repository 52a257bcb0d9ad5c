"""Two runs side by side: which settings differ, and by how much the shifts do."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from recsim.errors import InputError
from recsim.experiment.result import Result
from recsim.experiment.summary import Counts
from recsim.metrics import interval
from recsim.scenario.dump import _plain


@dataclasses.dataclass
class Difference:
    """What `diff` found.

    Attributes:
        settings: dotted key, value in the first and in the second run.
        shifts: candidate, shift in the first and in the second run, difference and its 95 % interval.
        paired: whether replicates share their draws (same seed), so that differences are taken within replicates.
    """

    settings: list[tuple[str, Any, Any]]
    shifts: list[dict[str, Any]]
    paired: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "settings": [{"key": k, "a": a, "b": b} for k, a, b in self.settings], "paired": self.paired,
            "shifts": self.shifts,
        }  # fmt: skip

    def to_text(self) -> str:
        """For reading, at most 80 columns."""
        lines = ["settings that differ:"] if self.settings else ["same settings"]
        for key, a, b in self.settings:
            lines.append(f"  {key}: {str(a)[:30]} -> {str(b)[:30]}")
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
                f"{row['candidate'][:15]:<16}{row['a']:>+9.2f}{row['b']:>+9.2f}{row['b'] - row['a']:>+9.2f}   {span}"
            )
        return "\n".join(lines)


def _flat(value: Any, path: str, out: dict[str, Any]) -> None:
    if isinstance(value, dict) and "evidence" in value and "value" in value:
        out[path] = value["value"] if "range" not in value else f"{value['value']} {value['range']}"
    elif isinstance(value, dict):
        for name, member in value.items():
            _flat(member, f"{path}.{name}" if path else name, out)
    elif isinstance(value, list):
        for number, member in enumerate(value):
            name = member.get("id", number) if isinstance(member, dict) else number
            _flat(member, f"{path}.{name}", out)
    else:
        out[path] = value


def diff(folder_a: str | Path, folder_b: str | Path) -> Difference:
    """Compare two run directories.

    Raises:
        InputError: a folder holds no complete run, or the runs share no candidate.
    """
    a, b = Result.load(folder_a), Result.load(folder_b)
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    _flat(_plain(a.scenario), "", left)
    _flat(_plain(b.scenario), "", right)
    settings = [
        (k, left.get(k, "absent"), right.get(k, "absent"))
        for k in sorted({*left, *right})
        if left.get(k, "absent") != right.get(k, "absent")
    ]
    names = [c.id for c in a.scenario.candidates if c.id in {d.id for d in b.scenario.candidates}]
    if not names:
        raise InputError("the two runs have no candidate in common", f"{folder_a} {folder_b}")
    paired = a.scenario.run.seed == b.scenario.run.seed
    x, y = (Counts(r.frames["exposure"], names, r.replicates, r.scenario.run.luck_branches).shift_pp for r in (a, b))
    shifts = []
    n = min(len(x), len(y))
    for k, name in enumerate(names):
        if paired:
            t = interval(y[:n, k] - x[:n, k])
            low, high = t.low, t.high
        else:
            from scipy.stats import ttest_ind

            if min(len(x), len(y)) > 1:
                found = ttest_ind(y[:, k], x[:, k], equal_var=False).confidence_interval()
                low, high = float(found.low), float(found.high)
            else:
                low = high = float("nan")
        known = np.isfinite(low) and np.isfinite(high)
        shifts.append(
            {
                "candidate": name, "a": float(np.nanmean(x[:, k])), "b": float(np.nanmean(y[:, k])),
                "ci_low": low if known else None, "ci_high": high if known else None,
            }
        )  # fmt: skip
    return Difference(settings, shifts, paired)
