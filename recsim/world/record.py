"""What a world writes down, day by day, and the tables made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from recsim.rng import Key
from recsim.state import ACTIONS, KINDS, SOURCES, STANCES
from recsim.world.networks import TACTICS, price_list
from recsim.world.plan import Plan

FLOWS = ("attempted", "prevented", "counted")


class Record:
    """Daily integer tables of one arm of one branch of one replicate."""

    def __init__(self, plan: Plan, key: Key, arm: str) -> None:
        self.plan, self.key, self.arm = plan, key, arm
        rows = len(plan.candidates) + 1
        self.human = np.zeros((rows, len(ACTIONS)), np.int64)
        self.inauthentic = np.zeros((rows, len(ACTIONS)), np.int64)
        self.volunteer = np.zeros((rows, len(ACTIONS)), np.int64)
        self.own_actions = np.zeros(1, np.int64)
        self.by_campaign: dict[str, np.ndarray] = {}
        self.removed: dict[str, int] = {}
        self.days: list[dict] = []
        self.feed = np.zeros(4, np.int64)
        self.shadow = np.zeros((len(plan.shadows), rows + 1), np.int64)
        self.well = np.zeros(3, np.int64)
        self.watched = np.zeros(1, np.int64)

    def resume(self, other: Record) -> None:
        """Go on from what another record holds at the end of a day."""
        self.days = list(other.days)
        for name in ("own_actions", "feed", "shadow", "well", "watched"):
            getattr(self, name)[:] = getattr(other, name)

    def tactics(self, campaign: str) -> np.ndarray:
        """(3, K) int64 of the current day: attempted, prevented and counted actions by tactic."""
        return self.by_campaign.setdefault(campaign, np.zeros((len(FLOWS), len(TACTICS)), np.int64))

    def close_day(self, world) -> None:
        """Move the day's sums into the tables and clear them."""
        tally, plan, state = world.feed.tally, self.plan, world.state
        day = world.now // plan.steps_per_day - plan.days
        self.days.append(
            {
                "day": day,
                "exposure": tally.exposure.sum(axis=0),
                "comments": tally.comments.sum(axis=0),
                "provenance": tally.provenance.sum(axis=0),
                "human": self.human.copy(),
                "inauthentic": self.inauthentic.copy(),
                "volunteer": self.volunteer.copy(),
                "campaigns": {name: table.copy() for name, table in self.by_campaign.items()},
                "removed": dict(self.removed),
                "followers": state.accounts.followers[state.accounts.official].copy(),
            }
        )
        self.feed += tally.feed.sum(axis=0)
        self.shadow += tally.shadow.sum(axis=0)
        self.well += tally.well.sum(axis=0)
        state.recent[:] = (self.human + self.inauthentic + self.volunteer).sum(axis=0)
        for table in (tally.exposure, tally.comments, tally.provenance, tally.feed, tally.shadow, tally.well):
            table[:] = 0
        for table in (self.human, self.inauthentic, self.volunteer, *self.by_campaign.values()):
            table[:] = 0
        self.removed.clear()

    # ---- tables -----------------------------------------------------------------------------------------------

    def _frame(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        size = len(next(iter(columns.values())))
        head = {
            "replicate": np.full(size, self.key.replicate, np.int64),
            "branch": np.full(size, self.key.branch, np.int64),
            "arm": pd.Categorical.from_codes(np.zeros(size, np.int8), categories=pd.Index([self.arm])),
        }  # fmt: skip
        return pd.DataFrame({**head, **columns})

    def _named(self, codes: np.ndarray, names: list[str]) -> Any:
        return pd.Categorical.from_codes(codes.astype(np.int16), categories=pd.Index(names))

    def _stack(self, name: str) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
        """Days, indices and values of the non-zero entries of a daily table."""
        table = np.stack([d[name] for d in self.days])
        where = np.nonzero(table)
        days = np.array([d["day"] for d in self.days], np.int64)
        return days[where[0]], where[1:], table[where]

    def exposure(self) -> pd.DataFrame:
        """Impressions by day, segment, candidate and stance; comment exposures beside them."""
        plan = self.plan
        names = [c.id for c in plan.candidates]
        table = np.stack([d["exposure"] for d in self.days])  # (days, G, C, 3)
        comments = np.zeros_like(table)
        comments[..., 1] = np.stack([d["comments"] for d in self.days])
        where = np.nonzero(table + comments)
        days = np.array([d["day"] for d in self.days], np.int64)
        segment = where[1]
        lookup = plan.traits
        return self._frame(
            {
                "day": days[where[0]],
                "region": self._named(lookup.region[segment], plan.regions),
                "language": self._named(lookup.language[segment], plan.languages),
                "age_band": self._named(lookup.age_band[segment], plan.age_bands),
                "candidate": self._named(where[2], names),
                "stance": self._named(where[3], list(STANCES)),
                "impressions": table[where],
                "comment_exposures": comments[where],
            }
        )

    def provenance(self) -> pd.DataFrame:
        """Impressions by day, candidate, kind of author and retrieval source."""
        day, (candidate, kind, source), value = self._stack("provenance")
        names = [c.id for c in self.plan.candidates]
        return self._frame(
            {
                "day": day, "candidate": self._named(candidate, names), "kind": self._named(kind, list(KINDS)),
                "source": self._named(source, list(SOURCES)), "impressions": value,
            }
        )  # fmt: skip

    def engagement(self) -> pd.DataFrame:
        """Counted actions by day, candidate, action and origin."""
        names = [c.id for c in self.plan.candidates] + ["none"]
        origins, parts = ["human", "inauthentic", "volunteer"], []
        for number, origin in enumerate(origins):
            day, (candidate, action), value = self._stack(origin)
            keep = action < ACTIONS.index("watch")
            parts.append(
                self._frame(
                    {
                        "day": day[keep], "candidate": self._named(candidate[keep], names),
                        "action": self._named(action[keep], list(ACTIONS)),
                        "origin": self._named(np.full(int(keep.sum()), number), origins), "count": value[keep],
                    }
                )
            )  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    def campaigns(self) -> pd.DataFrame:
        """Attempted, prevented and counted actions by day, campaign and tactic, and what they cost."""
        rows = []
        price_of = {c.id: price_list(c.costs) for c in self.plan.campaigns}
        for day in self.days:
            for campaign, table in sorted(day["campaigns"].items()):
                for number, tactic in enumerate(TACTICS):
                    attempted, prevented, counted = (int(v) for v in table[:, number])
                    if attempted:
                        # Real actions are simulated ones over the scale; that is what is paid for.
                        spend = attempted / self.plan.scale * price_of[campaign][number]
                        rows.append((day["day"], campaign, tactic, attempted, prevented, counted, spend))
        names = ["day", "campaign", "tactic", "attempted", "prevented", "counted", "spend_eur"]
        columns = {name: np.array([r[k] for r in rows]) for k, name in enumerate(names)}
        if not rows:
            columns = {name: np.empty(0, object if name in ("campaign", "tactic") else np.int64) for name in names}
        return self._frame(columns)

    def moderation(self) -> pd.DataFrame:
        """Accounts removed by day and campaign."""
        rows = [(d["day"], name, n) for d in self.days for name, n in sorted(d["removed"].items())]
        return self._frame(
            {
                "day": np.array([r[0] for r in rows], np.int64),
                "campaign": np.array([r[1] for r in rows], object),
                "accounts_removed": np.array([r[2] for r in rows], np.int64),
            }
        )

    def shadows(self) -> pd.DataFrame:
        """First places by shadow and candidate, over all days of the arm; no rows without shadows.

        The first shadow is the policy itself ("as declared"). Two more rows each: "all" places, and those "in_common"
        with the policy itself.
        """
        names = [c.id for c in self.plan.candidates] + ["all", "in_common"]
        shadows = ["as declared", *(s.id for s in self.plan.scenario.audit.shadows)]
        k, c = (axis.ravel() for axis in np.indices(self.shadow.shape))
        return self._frame(
            {
                "shadow": np.array(shadows, object)[k], "candidate": self._named(c, names),
                "places": self.shadow.ravel(),
            }
        )  # fmt: skip

    def followers(self) -> pd.DataFrame:
        """Followers of official accounts at the end of each day."""
        names = [c.id for c in self.plan.candidates]
        table = np.stack([d["followers"] for d in self.days])
        days = np.repeat([d["day"] for d in self.days], len(names))
        codes = np.tile(np.arange(len(names)), len(self.days))
        return self._frame({"day": days, "candidate": self._named(codes, names), "followers": table.ravel()})
