"""The result of a comparison: summary, tables by replicate, and tidy views."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from recsim.experiment.by_replicate import shift_by_replicate
from recsim.experiment.contrasts import COSTS, Cell, candidate_row, costs_of
from recsim.experiment.folder import ASIDE, read_csv, readable, verified
from recsim.experiment.summary import ARMS
from recsim.scenario import load as load_scenario
from recsim.scenario.schema import Scenario

LAST = "compare.json"
"""Written last; its presence marks a comparison as complete."""


def replicate_tables(scenario: Scenario, cells: Mapping[str, Cell]) -> dict[str, pd.DataFrame]:
    """What all statistics rest on: shares and shifts, and costs, by policy and replicate."""
    shifts: list[pd.DataFrame] = []
    costs: list[tuple[object, ...]] = []
    for policy in sorted(cells):
        cell = cells[policy]
        replicates = sorted(m["replicate"] for m in cell.metas)
        mine = shift_by_replicate(scenario, cell.frames["exposure"], replicates)
        mine.insert(0, "policy", policy)
        shifts.append(mine)
        of_people = costs_of(cell.frames["facts"], replicates)
        for r, number in enumerate(replicates):
            costs += [(policy, number, name, *values[r]) for name, values in of_people.items()]
    return {
        "shift_by_replicate": pd.concat(shifts, ignore_index=True),
        "costs_by_replicate": pd.DataFrame(costs, columns=["policy", "replicate", "cost", *ARMS]),
    }


def again_command(s: Mapping[str, Any], fixed: bool) -> str:
    """The command that does a comparison again, with the ``scenario.yaml`` of its folder.

    Args:
        s: content of ``compare.json``. fixed: whether ranged parameters were held at their central values.
    """
    names = ",".join(sorted(p["policy"] for p in s["policies"]))
    words = ["python -m recsim compare scenario.yaml --policies", names, "--seed", str(s["seed"]), "--replicates"]
    return " ".join([*words, str(s["replicates"]), ASIDE, *(["--fixed-parameters"] if fixed else [])])


@dataclasses.dataclass
class Comparison:
    """What a comparison leaves behind.

    Attributes:
        scenario: as resolved; its own policy is the one all others are compared with.
        summary: the content of compare.json.
        frames: shares, shifts and costs by policy and replicate.
        folder: its directory, None if nothing was written.
        reused: whether the stored result of an earlier comparison was returned.
        notes: what happened on the way, one line each.
    """

    scenario: Scenario
    summary: dict[str, Any]
    frames: dict[str, pd.DataFrame]
    folder: Path | None = None
    reused: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def policies(self) -> list[str]:
        """Names, largest shift of the first beneficiary first."""
        return [row["policy"] for row in self.summary["policies"]]

    def shift(self) -> pd.DataFrame:
        """One row per policy and candidate."""
        rows = [
            {"rank": p["rank"], "policy": p["policy"], "own": p["own"], "candidate": r["id"], **r}
            | {f"amplification.{b}": ratio["value"] for b, ratio in r.get("amplification", {}).items()}
            for p in self.summary["policies"] for r in p["candidates"]
        ]  # fmt: skip
        return pd.DataFrame(rows).drop(columns=["id", "amplification"], errors="ignore")

    def costs(self) -> pd.DataFrame:
        """One row per policy and cost."""
        rows = [
            {"rank": p["rank"], "policy": p["policy"], "own": p["own"], "cost": name, "unit": COSTS[name].unit, **r}
            for p in self.summary["policies"] for name, r in p["costs"].items()
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def table(self) -> pd.DataFrame:
        """One row per policy: shift of each beneficiary (``shift_pp.ID`` and so on), and every cost without campaigns."""
        wanted = (
            "shift_pp", "ci_low", "ci_high", "p_holm", "difference_pp", "difference_ci_low", "difference_ci_high",
            "difference_p_holm", "difference_verdict", "chance_at_threshold", "replicates_at_threshold", "luck_band_pp",
            "excess_impressions", "excess_per_action", "excess_per_euro",
        )  # fmt: skip
        rows = []
        for p in self.summary["policies"]:
            row = {k: p[k] for k in ("rank", "policy", "own", "title", "profiled", "evidence", "tv_distance")}
            for name in self.summary["beneficiaries"]:
                found = candidate_row(p, name)
                row |= {f"{key}.{name}": found.get(key) for key in wanted}
            for name, cost in p["costs"].items():
                row |= {name: cost["without"], f"{name}.difference": cost["difference"]}
                row |= {f"{name}.difference_p_holm": cost["difference_p_holm"], f"{name}.change": cost["change"]}
            rows.append(row)
        return pd.DataFrame(rows)

    @classmethod
    def load(cls, folder: str | Path) -> Comparison:
        """A stored comparison.

        Raises:
            InputError: the folder holds no complete comparison, or a file is missing or was changed.
        """
        folder = Path(folder)
        with readable(folder, "comparison"):
            summary, manifest = verified(folder, LAST, "comparison")
            frames = {name: read_csv(folder / f"{name}.csv") for name in manifest["tables"]}
        return cls(load_scenario(folder / "scenario.yaml"), summary, frames, folder, reused=True)
