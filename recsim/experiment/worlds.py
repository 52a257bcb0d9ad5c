"""Sets of worlds as counts: what is kept of each replicate, and shifts of any arm against any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.experiment.summary import ENGAGEMENT, spend, spent_in_all
from recsim.scenario.schema import Scenario

HEAD = ["replicate", "branch", "arm"]
KEPT = {
    "exposure": (["day", "candidate"], ["impressions", "comment_exposures"]),
    "segments": (["region", "language", "candidate"], ["impressions"]),
    "provenance": (["candidate", "kind"], ["impressions"]),
    "engagement": (["candidate", "action", "origin"], ["count"]),
    "campaigns": (["campaign", "tactic"], ["attempted", "prevented", "counted", "spend_eur"]),
    "collateral": (["language"], ["people", "sanctioned", "actions", "uncounted_actions"]),
    "held": (["language"], ["item_steps", "held", "demoted", "withdrawn"]),
    "detections": (["detector"], ["flagged", "inauthentic_flagged", "inauthentic", "people_flagged", "people"]),
    "reviews": (
        ["case", "language"],
        ["decided", "rightly_found", "wrongly_found", "missed", "waiting", "waited_hours"],
    ),
}
"""Tables kept of a set of worlds: what they are summed by, and what is summed."""


def reduced(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What is kept of one replicate: sums over what no question asks for, without the shared days.

    A set can have dozens of arms; the full tables would be gigabytes.
    """
    out = {}
    for name, (keys, sums) in KEPT.items():
        frame = frames["exposure" if name == "segments" else name]
        frame = frame[frame["arm"] != "shared"]
        if name == "reviews":
            # Who waits is a stock, of which the last day counts; hours add up, their mean does not.
            frame = frame.assign(
                waiting=frame["waiting"].where(frame["day"] == 0, 0),
                waited_hours=(frame["waited_h"] * frame["decided"]).fillna(0.0),
            )
        out[name] = frame.groupby([*HEAD, *keys], observed=True, as_index=False)[sums].sum()
    facts = frames["facts"]
    out["facts"] = facts[facts["arm"] != "shared"].reset_index(drop=True)
    return out


class Worlds:
    """Everything simulated for one question.

    Args:
        scenario: as resolved.
        frames: reduced tables of all sets and replicates, arms with different names.
        metas: of all tasks.
        arms: names, in the order of ``impressions``.
        fixed: whether ranged parameters were held at their central values.
        against: by arm, the arm that it is compared with, where that is another than "counterfactual".

    Attributes:
        candidates: ids in the order of the scenario.
        replicates: numbers, ascending.
        impressions: (R, B, A, C) simulated impressions of the campaign window.

    Raises:
        ValueError: the tables name an arm or a candidate that is not among those asked for.
    """

    def __init__(
        self, scenario: Scenario, frames: dict[str, pd.DataFrame], metas: list[dict[str, Any]], arms: Sequence[str],
        fixed: bool = False, against: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.scenario, self.frames, self.metas, self.arms = scenario, frames, metas, list(arms)
        self.fixed, self._against = fixed, dict(against or {})
        self.candidates = [c.id for c in scenario.candidates]
        self.replicates = sorted({int(m["replicate"]) for m in metas})
        self.weight = 1.0 / scenario.population.scale
        self._place = {name: k for k, name in enumerate(self.arms)}
        shape = (len(self.replicates), scenario.run.luck_branches, len(self.arms), len(self.candidates))
        self.impressions = np.zeros(shape)
        exposure = frames["exposure"]
        place = (
            pd.Index(self.replicates).get_indexer(pd.Index(exposure["replicate"])), exposure["branch"].to_numpy(int),
            pd.Index(self.arms).get_indexer(pd.Index(exposure["arm"].astype(str))),
            pd.Index(self.candidates).get_indexer(pd.Index(exposure["candidate"].astype(str))),
        )  # fmt: skip
        # get_indexer says -1 for a name it does not know, which would count for the last one.
        if any((index < 0).any() for index in place):
            raise ValueError("the tables name a replicate, an arm or a candidate that was not asked for")
        np.add.at(self.impressions, place, exposure["impressions"].to_numpy())

    def shares(self, arm: str) -> np.ndarray:
        """(R, B, C) exposure shares."""
        return metrics.shares(self.impressions[:, :, self._place[arm]])

    def baseline(self, arm: str) -> str:
        """The arm that another one is compared with unless something else is asked for."""
        return self._against.get(arm, "counterfactual")

    def shift_pp(self, arm: str, against: str | None = None) -> np.ndarray:
        """(R, C) difference of exposure shares, percentage points, mean over luck branches; NaN if one is undefined."""
        return 100 * (self.shares(arm) - self.shares(against or self.baseline(arm))).mean(axis=1)

    def excess(self, arm: str, against: str | None = None) -> np.ndarray:
        """(R, C) difference of impressions, real units, mean over luck branches."""
        x, against = self.impressions, against or self.baseline(arm)
        return (x[:, :, self._place[arm]] - x[:, :, self._place[against]]).mean(axis=1) * self.weight

    def of(self, name: str, arm: str) -> pd.DataFrame:
        """The rows of one arm in a table."""
        frame = self.frames[name]
        return frame[frame["arm"] == arm]

    def fact(self, arm: str, name: str) -> np.ndarray:
        """(R,) a figure of what the feed gives people, mean over luck branches; NaN where a world has none."""
        rows = self.of("facts", arm)
        rows = rows[rows["name"].astype(str) == name]
        return rows.groupby("replicate")["value"].mean().reindex(self.replicates).to_numpy(float)

    def sums(self, name: str, arm: str, column: str, by: str | None = None) -> dict[str, np.ndarray]:
        """(R,) sums of a column of a table, mean over luck branches, by the values of another column ("all": none)."""
        rows = self.of(name, arm)
        labels = rows[by].astype(str) if by else pd.Series("all", index=rows.index)
        wide = rows.groupby([rows["replicate"], labels])[column].sum().unstack(fill_value=0.0)
        wide = wide.reindex(self.replicates, fill_value=0.0) / self.scenario.run.luck_branches
        return {str(label): wide[label].to_numpy(float) for label in sorted(wide.columns)}

    def spend_eur(
        self, arm: str, scenario: Scenario | None = None, acting: Sequence[str] | None = None
    ) -> float | None:
        """Euro spent in one arm, mean over replicates and branches; None where no price is declared.

        Args:
            arm: name.
            scenario: in which it was simulated; None: the one of the question.
            acting: ids of the campaigns that act in it; None: all.
        """
        return spent_in_all(self.spend_by_campaign(arm, scenario), acting)

    def spend_by_campaign(self, arm: str, scenario: Scenario | None = None) -> dict[str, float | None]:
        """Euro by removed campaign, as if all of them acted in the arm; None where no price is declared."""
        return spend(
            {"campaigns": self.of("campaigns", arm).assign(arm="factual")},
            scenario or self.scenario,
            self.replicates,
            self.fixed,
        )

    def dose_ratio(self, arm: str, candidate: str, against: str | None = None) -> float:
        """Inauthentic actions per organic action (like, comment, share) on a candidate's items, pooled.

        Organic actions are those of the world without campaigns, as in `summary.dose_ratio`.
        """

        def count(name: str, inauthentic: bool) -> float:
            rows = self.of("engagement", name)
            rows = rows[(rows["candidate"].astype(str) == candidate) & rows["action"].isin(ENGAGEMENT)]
            return float(rows[(rows["origin"].astype(str) == "inauthentic") == inauthentic]["count"].sum())

        organic = count(against or self.baseline(arm), False)
        return count(arm, True) / organic if organic else float("nan")

    def by_replicate(self) -> pd.DataFrame:
        """What all statistics rest on: one row per arm, replicate and candidate."""
        rows = []
        for arm in self.arms:
            p, shift, excess = self.shares(arm).mean(axis=1), self.shift_pp(arm), self.excess(arm)
            for r, number in enumerate(self.replicates):
                rows += [
                    (arm, number, name, p[r, k], shift[r, k], excess[r, k]) for k, name in enumerate(self.candidates)
                ]
        names = ["arm", "replicate", "candidate", "share", "shift_pp", "excess_impressions"]
        return pd.DataFrame(rows, columns=names)
