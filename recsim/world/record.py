"""What a world writes down, day by day, and the tables made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from recsim.agents.cases import CASE_KINDS, Cases, Verdicts
from recsim.agents.networks import FULL
from recsim.rng import Key
from recsim.state import ACTIONS, KINDS, SOURCES, STANCES
from recsim.world.networks import FLOWS, TACTICS, price_list
from recsim.world.plan import Plan
from recsim.world.shards import add_up

REVIEW_COLUMNS = ("decided", "rightly_found", "wrongly_found", "missed")
FOUND_COLUMNS = ("flagged", "inauthentic_flagged", "inauthentic", "people_flagged", "people")


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
        languages, detectors = len(plan.languages), len(plan.scenario.moderation.detectors)
        self.reviews = np.zeros((len(CASE_KINDS), languages, len(REVIEW_COLUMNS)), np.int64)
        self.waiting = np.zeros((len(CASE_KINDS), languages), np.int64)
        self.waited_h = np.zeros((len(CASE_KINDS), languages))
        self.found = np.zeros((detectors, 5), np.int64)
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
        """(3, K + 2) int64 of the current day: attempted, prevented and counted actions by tactic, then impressions of ads, and
        accounts bought in place of removed ones.
        """
        return self.by_campaign.setdefault(campaign, np.zeros((len(FLOWS), len(TACTICS) + 2), np.int64))

    def close_day(self, world) -> None:
        """Move the day's sums into the tables and clear them."""
        tally, plan, state = world.feed.tally, self.plan, world.state
        day = world.now // plan.steps_per_day - plan.days
        add_up(state.exchange, tally.exposure, tally.comments, tally.provenance, tally.feed, tally.shadow, tally.well)
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
                "reviews": self.reviews.copy(),
                "waiting": self.waiting.copy(),
                "waited_h": self.waited_h.copy(),
                "found": self.found.copy(),
                "people": self._people(world),
                "items": world.feed.reach.items.copy(),
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
        world.feed.reach.items[:] = 0
        self.reviews[:], self.waited_h[:], self.found[:] = 0, 0, 0

    # ---- moderation -------------------------------------------------------------------------------------------

    def reviewed(self, verdicts: Verdicts, waiting: Cases) -> None:
        """Verdicts of a step, and who waits after it."""
        for kind, language in {(int(k), int(n)) for k, n in zip(verdicts.kind, verdicts.language, strict=True)}:
            mine = (verdicts.kind == kind) & (verdicts.language == language)
            found, truth = verdicts.found[mine], verdicts.truth[mine]
            row = (len(found), int((found & truth).sum()), int((found & ~truth).sum()), int((~found & truth).sum()))
            self.reviews[kind, language] += np.array(row)
            self.waited_h[kind, language] += float(np.cumsum(verdicts.waited_h[mine])[-1])
        self.waiting[:] = 0
        np.add.at(self.waiting, (waiting.kind, waiting.language), 1)

    def detected(self, number: int, flagged: np.ndarray, acting: np.ndarray, people: int) -> None:
        """What a run of a detector found.

        Args:
            number: of the detector. flagged: (A,) bool. acting: (A,) bool, inauthentic accounts at work.
            people: the first so many accounts are people.
        """
        hit = int((flagged & acting).sum())
        self.found[number] += (int(flagged.sum()), hit, int(acting.sum()), int(flagged[:people].sum()), people)

    def _people(self, world) -> np.ndarray:
        """(R, L, 4) int64: people, those sanctioned, actions of the day, what of them did not count in 1/1024."""
        plan, state = self.plan, world.state
        out = np.zeros((len(plan.regions), len(plan.languages), 4), np.int64)
        if not plan.weighs:
            return out
        tally = world.feed.tally
        acted = tally.acted.astype(np.int64)
        cells = state.cells.region, state.cells.language
        for column, value in enumerate((np.ones_like(acted), (state.trust < 1).astype(np.int64), acted, tally.lost)):
            np.add.at(out[..., column], cells, value)
        add_up(state.exchange, out[None])
        return out

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

    def table(self, name: str) -> pd.DataFrame:
        """A table by the name of its file."""
        return self.reviews_table() if name == "reviews" else getattr(self, name)()

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
        price_of = {
            c.id: [
                *price_list(c.costs),
                c.cpm_eur.value / 1000 if c.type == "advertising" else 0.0,
                c.costs.account.value,
            ]
            for c in self.plan.campaigns
        }
        for day in self.days:
            for campaign, table in sorted(day["campaigns"].items()):
                for number, tactic in enumerate((*TACTICS, "ad", "account")):
                    attempted, prevented, counted = (int(v) for v in table[:, number])
                    if attempted:
                        # Real actions are simulated ones over the scale; that is what is paid for. Of advertisements
                        # only what was shown is paid. Accounts are as many as in reality.
                        paid = counted if tactic == "ad" else attempted
                        spend = paid / (1.0 if tactic == "account" else self.plan.scale) * price_of[campaign][number]
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

    def reviews_table(self) -> pd.DataFrame:
        """Reviews by day, kind of case and language, and how many wait at the end of the day."""
        rows = []
        for day in self.days:
            for kind, language in zip(*np.nonzero(day["reviews"].any(axis=2) | (day["waiting"] > 0)), strict=True):
                decided = day["reviews"][kind, language]
                mean = day["waited_h"][kind, language] / decided[0] if decided[0] else np.nan
                waiting = int(day["waiting"][kind, language])
                rows.append((day["day"], CASE_KINDS[kind], self.plan.languages[language], *decided, waiting, mean))
        names = ["day", "case", "language", *REVIEW_COLUMNS, "waiting", "waited_h"]
        return self._frame(_columns(rows, names, {"case", "language"}, {"waited_h"}))

    def detections(self) -> pd.DataFrame:
        """What detectors found by day: accounts flagged, inauthentic ones among them and at work, people flagged."""
        rows = []
        for day in self.days:
            for one, found in zip(self.plan.scenario.moderation.detectors, day["found"], strict=True):
                if found.any():
                    rows.append((day["day"], one.id, *found))
        names = ["day", "detector", *FOUND_COLUMNS]
        return self._frame(_columns(rows, names, {"detector"}, set()))

    def collateral(self) -> pd.DataFrame:
        """What measures cost people by day, region and language: sanctions, and actions that did not count."""
        rows = []
        for day in self.days:
            for region, language in zip(*np.nonzero(day["people"][..., 0]), strict=True):
                people, sanctioned, actions, lost = (int(v) for v in day["people"][region, language])
                place = (self.plan.regions[region], self.plan.languages[language])
                rows.append((day["day"], *place, people, sanctioned, actions, lost / FULL))
        names = ["day", "region", "language", "people", "sanctioned", "actions", "uncounted_actions"]
        return self._frame(_columns(rows, names, {"region", "language"}, {"uncounted_actions"}))

    def held(self) -> pd.DataFrame:
        """What measures cost genuine creators by day and language: steps that live items were held, demoted, taken away."""
        rows = [
            (day["day"], self.plan.languages[language], *(int(v) for v in day["items"][language]))
            for day in self.days
            for language in np.flatnonzero(day["items"].any(axis=1))
        ]
        names = ["day", "language", "item_steps", "held", "demoted", "withdrawn"]
        return self._frame(_columns(rows, names, {"language"}, set()))

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


def _columns(rows: list[tuple], names: list[str], text: set[str], real: set[str]) -> dict[str, np.ndarray]:
    """Columns of rows, with their types even if there are none."""
    kind = {name: object if name in text else float if name in real else np.int64 for name in names}
    return {name: np.array([row[k] for row in rows], kind[name]) for k, name in enumerate(names)}
