"""The result of a run: summary, tables, and tidy views with intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsim.errors import unknown
from recsim.experiment.by_replicate import draws, shift_by_replicate
from recsim.experiment.folder import read_csv, readable, verified
from recsim.experiment.robustness import with_intervals
from recsim.experiment.summary import ALL_COVERED, Counts
from recsim.metrics import defined_mean, shares, shift_interval
from recsim.scenario import load as load_scenario
from recsim.scenario.schema import Scenario, Window
from recsim.state import STANCES

DIMENSIONS = ("region", "language", "age_band", "day", "stance", "window")
COLUMNS = (
    "candidate",
    "share_factual",
    "share_counterfactual",
    "shift_pp",
    "ci_low",
    "ci_high",
    "simulated_impressions",
)
"""Of `Result.by`, after the dimension itself."""


@dataclasses.dataclass
class Result:
    """What a run leaves behind.

    Attributes:
        scenario: as resolved.
        frames: tidy tables in simulated counts, all replicates.
        summary: the content of summary.json.
        folder: run directory, None if nothing was written.
        robustness: shift under other platform assumptions, None if not asked for.
        reused: whether the stored result of an earlier run was returned.
        notes: what happened on the way, one line each.
    """

    scenario: Scenario
    frames: dict[str, pd.DataFrame]
    summary: dict[str, Any]
    folder: Path | None = None
    robustness: pd.DataFrame | None = None
    reused: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)
    _by: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )

    def shift(self) -> pd.DataFrame:
        """One row per candidate: shares, shift in percentage points with its 95 % interval, reach."""
        table = pd.DataFrame(self.summary["candidates"]).rename(columns={"id": "candidate"})
        # A column of which nothing is known is one of numbers, too.
        return table.astype(dict.fromkeys(table.columns.difference(["candidate", "beneficiary", "verdict"]), float))

    @property
    def replicates(self) -> list[int]:
        """Numbers of the replicates."""
        return sorted(int(r) for r in self.frames["exposure"]["replicate"].unique())

    def by(self, dimension: str) -> pd.DataFrame:
        """Shift by region, language, age band, day, stance or declared window, with 95 % intervals over replicates.

        Days are centred three-day means within the window (two days at its ends), because single days are dominated by
        luck. Shares are NaN where a cell was shown no candidate content. By stance they are parts of the impressions of all
        candidates' content, so that the three add up to the candidate's share and shift. Windows are those of ``audit.windows``,
        of shares within their days; no rows if none is declared. ``simulated_impressions`` is
        what the row rests on, not a size: impressions of the candidate in both arms, all replicates and branches, not
        scaled to real units; by day those of the same three days, so that days overlap.

        Raises:
            InputError: an unknown dimension.
        """
        if dimension not in DIMENSIONS:
            raise unknown("dimension", dimension, DIMENSIONS)
        return self.kept(dimension, lambda result: result._computed(dimension))

    @property
    def dimensions(self) -> list[str]:
        """Dimensions of `by` of which this run has anything to say."""
        return [name for name in DIMENSIONS if name != "window" or self.windows]

    @property
    def windows(self) -> list[Window]:
        """Declared windows; none where no campaign is removed in the counterfactual, since then there is no campaign window."""
        return self.scenario.audit.windows if self.summary["removed"] else []

    def counts(self, part: pd.DataFrame | None = None) -> Counts:
        """Counts of this run by replicate, branch, arm, candidate and stance.

        Args:
            part: rows of the exposure table; None: all.
        """
        names = [c.id for c in self.scenario.candidates]
        rows = self.frames["exposure"] if part is None else part
        return Counts(rows, names, self.replicates, self.scenario.run.luck_branches)

    def by_replicate(self) -> pd.DataFrame:
        """What all statistics of shifts rest on: shares, shift and excess of every replicate and candidate.

        See `recsim.experiment.by_replicate.shift_by_replicate`; ``shift_by_replicate.csv`` of a stored run.
        """
        return self.kept("by_replicate", lambda r: shift_by_replicate(r.scenario, r.frames["exposure"], r.replicates))

    def draws(self) -> pd.DataFrame:
        """What every replicate drew from declared ranges: replicate, dotted key, value; ``draws.csv`` of a stored run.

        No rows where ranges were held at their central values, or none are declared.
        """
        return draws(self.scenario, self.replicates, self.summary["interval_covers"] != ALL_COVERED)

    def kept(self, name: str, make: Callable[[Result], pd.DataFrame]) -> pd.DataFrame:
        """A table that several parts of a report ask for, made once for as long as the exposure table is the same."""
        found = self._by.get(name)
        if found is None or found[0] is not self.frames["exposure"]:
            found = self._by[name] = (self.frames["exposure"], make(self))
        return found[1].copy()

    def _computed(self, dimension: str) -> pd.DataFrame:
        candidates = [c.id for c in self.scenario.candidates]
        if dimension == "stance":
            return self._by_stance(candidates)
        rows = []
        for value, part in self.parts(dimension):
            counts = self.counts(part)
            p = counts.paired_shares
            for k, name in enumerate(candidates):
                t = shift_interval(counts.shift_pp[:, k])
                rows.append(
                    (value, name, float(defined_mean(p[:, 0, k])), float(defined_mean(p[:, 1, k])), t.mean, t.low, t.high, counts.impressions[..., k].sum())
                )  # fmt: skip
        return pd.DataFrame(rows, columns=[dimension, *COLUMNS])

    def parts(self, dimension: str) -> Iterator[tuple[Any, pd.DataFrame]]:
        """Rows of the exposure table by value of a dimension, as `by` pools them; days with those beside them."""
        exposure = self.frames["exposure"]
        if dimension == "window":
            for window in self.windows:
                yield window.id, exposure[exposure["day"].between(window.first, window.last)]
            return
        for value in sorted(exposure[dimension].unique(), key=lambda v: (str(type(v)), v)):
            if dimension != "day":
                yield value, exposure[exposure[dimension] == value]
            elif value >= self.summary["window_first_day"]:
                yield value, exposure[(exposure["day"] - value).abs() <= 1]

    def _by_stance(self, candidates: list[str]) -> pd.DataFrame:
        counts = self.counts()
        p, shift, seen = counts.stance_shares.mean(axis=1), counts.stance_shift_pp, counts.x.sum(axis=(0, 1, 2))
        p = np.where(np.isnan(p).any(axis=(1, 2, 3), keepdims=True), np.nan, p)  # both arms from the same replicates
        rows = []
        for k, name in enumerate(candidates):
            for s, stance in enumerate(STANCES):
                t = shift_interval(shift[:, k, s])
                share = [float(defined_mean(p[:, arm, k, s])) for arm in (0, 1)]
                rows.append((stance, name, *share, t.mean, t.low, t.high, seen[k, s]))
        return pd.DataFrame(rows, columns=["stance", *COLUMNS])

    def daily(self) -> pd.DataFrame:
        """Exposure share and real impressions by day, arm and candidate: centred three-day means over replicates."""
        return self.kept("daily", Result._daily)

    def _daily(self) -> pd.DataFrame:
        exposure, candidates = self.frames["exposure"], [c.id for c in self.scenario.candidates]
        table = exposure.groupby(["arm", "day", "replicate", "branch", "candidate"], observed=True)["impressions"].sum()
        rows = []
        for arm in ("shared", "factual", "counterfactual"):
            if arm not in table.index.get_level_values("arm"):
                continue
            wide = table.loc[arm].unstack("candidate", fill_value=0).reindex(columns=candidates, fill_value=0)
            if arm != "shared":
                wide = pd.concat([self._last_shared_day(table, wide, candidates), wide])
            days = sorted(wide.index.get_level_values("day").unique())
            branches = wide.reset_index()[["replicate", "branch"]].drop_duplicates().shape[0]
            for day in [d for d in days if arm == "shared" or d >= self.summary["window_first_day"]]:
                near = wide[np.abs(wide.index.get_level_values("day") - day) <= 1]
                pooled = near.groupby(["replicate", "branch"]).sum()
                p = defined_mean(shares(pooled.to_numpy()), axis=0)
                here = wide[wide.index.get_level_values("day") == day].sum().to_numpy() / max(1, branches)
                for k, name in enumerate(candidates):
                    rows.append((arm, day, name, p[k], here[k] / self.scenario.population.scale))
        return pd.DataFrame(rows, columns=["arm", "day", "candidate", "share", "impressions"])

    def _last_shared_day(self, table: pd.Series, wide: pd.DataFrame, candidates: list[str]) -> pd.DataFrame:
        """The day before the fork, once for every branch: both arms' first three-day means begin with it."""
        if "shared" not in table.index.get_level_values("arm"):
            return wide.iloc[:0]
        shared = table.loc["shared"].unstack("candidate", fill_value=0).reindex(columns=candidates, fill_value=0)
        last = shared[shared.index.get_level_values("day") == self.summary["window_first_day"] - 1]
        copies = []
        for branch in sorted(wide.index.get_level_values("branch").unique()):
            copy = last.reset_index()
            copy["branch"] = branch
            copies.append(copy.set_index(["day", "replicate", "branch"])[candidates])
        return pd.concat(copies)

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """A stored run.

        Raises:
            InputError: the folder holds no complete run, or a file is missing or was changed since it was written.
        """
        folder = Path(folder)
        with readable(folder, "run"):
            summary, manifest = verified(folder, "summary.json", "run")
            frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in manifest["tables"]}
            stored = "robustness.csv" in manifest["sha256"]
            table = with_intervals(read_csv(folder / "robustness.csv")) if stored else None
        scenario = load_scenario(folder / "scenario.yaml")
        return cls(scenario, frames, summary, folder, table, reused=True)
