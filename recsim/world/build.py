"""The state of a world at its first step."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from recsim import aligned, rng
from recsim.agents.advertising import impressions_by_step
from recsim.agents.creators import build_supply
from recsim.agents.networks import FULL, Roster, make_roster
from recsim.agents.people import blocks_of, build_people, first_estimate, place_candidates
from recsim.errors import RecsimError
from recsim.kernels import inbox
from recsim.rng import Decision, Key
from recsim.state import (
    ACTIONS,
    ADVERTISEMENT,
    HIDDEN,
    STOPPED,
    Accounts,
    Cells,
    Counters,
    Items,
    Latent,
    Observed,
    copied,
    no_counts,
)
from recsim.world.books import Book, weighing_book
from recsim.world.demobilising import no_demobilising
from recsim.world.memory import Memory
from recsim.world.networks import make_network, searches
from recsim.world.plan import Plan
from recsim.world.seen import empty_memory, first_pages, forked, keeps_pages
from recsim.world.shards import ALONE, Exchange, agree, bounds, of_all

if TYPE_CHECKING:
    from recsim.world.moderation import Docket

FIRST = np.uint64(0)
NEVER_SET = np.float32(-1e30)
"""Threshold of a gate at which too few items have arrived for one: everything passes."""
PROBED = 256
"""People whom every shard draws, whoever has them, to see whether machines compute alike."""


@dataclasses.dataclass
class State:
    """All arrays of one world. Latent traits, cells and positions never change and are shared between forks."""

    latent: Latent
    cells: Cells
    position: np.ndarray  # (C, 2) float32
    observed: Observed
    items: Items  # as this world has them
    scheduled: Items  # as they are if every campaign acts
    replaced: Items  # as they are if none does
    accounts: Accounts
    counters: Counters
    counted: np.ndarray  # (I, 10) int64, totals already folded into the decayed counters
    threshold: np.ndarray  # (J,) float32, log values of the gates
    recent: np.ndarray  # (10,) int64, people's actions of the last full day, for base rates
    head_weight: np.ndarray  # (10, 3) float64, weights of the online logistic predictor
    head_precision: np.ndarray  # (10, 3, 3) float64, their precision
    born: np.ndarray  # (steps + 1,) int64, first item created at or after each step
    status: np.ndarray  # (I,) uint8, flags REMOVED, EXCLUDED, DEMOTED, LABELLED
    trust: np.ndarray  # (U,) float32, 0-1, what moderation leaves of people's trust; U = 0 if nobody weighs
    acted: np.ndarray  # (U,) int32, people's actions of the day before; U = 0 if nobody weighs
    standing: (
        np.ndarray
    )  # (U, 2) float32, age of people's accounts at the start in days; a standing draw; U = 0 if nobody
    # weighs or moderates; never changes
    sought: np.ndarray  # (C, I) float32, decayed picks after searches for a candidate; I = 0 if no campaign searches
    vanishes: np.ndarray  # (I,) int32, step from which an item is gone with its account; never changes
    poster: (
        np.ndarray
    )  # (I,) int32, number of the account or advertisement within its campaign, -1 for ordinary items; never changes
    down: np.ndarray  # (I,) bool, gone for good with its account
    away: np.ndarray  # (I,) bool, hidden with an account that has been removed and may be released
    posted: np.ndarray  # (I,) bool, exists in this world, hidden or not; never written
    demobilised: (
        np.ndarray
    )  # (U, C, 3) int32, impressions of demobilising posts no longer live, by person, candidate and
    # stance; U = 0 without such posts
    rosters: dict[str, Roster]  # accounts of each campaign that has any, by its id
    bought: list[np.ndarray]  # (steps,) int64 each, impressions meant for each step, as `Plan.ads`; never changes
    weighed: Book | None = None  # what a platform with weights counts
    clean: Book | None = None  # what it counts without inauthentic events, if this arm hides them from some reader
    bare: np.ndarray | None = None  # (I, 10) int64, unweighted events without inauthentic ones, where `clean` weighs
    docket: Docket | None = None  # what moderation knows and has pending, if it does anything
    memory: Memory | None = None  # log and learned arrays, if the policy refits
    first_person: np.uint64 = FIRST  # number of the person in row 0: the rows of other people are in other shards
    exchange: Exchange = ALONE  # with these

    def cast(self, acting: np.ndarray) -> None:
        """Give this world the posts of some campaigns, and what replaces those of the others.

        Args:
            acting: (K,) bool, by number of the campaign.
        """
        campaign = self.scheduled.labels.campaign
        away = (campaign >= 0) & ~np.append(acting, True)[campaign]
        if not away.any():
            self.items = self.scheduled
        elif away[campaign >= 0].all():
            self.items = self.replaced
        else:
            self.items = _merged(self.replaced, self.scheduled, away)
        self.posted = self.items.labels.present
        gone = self.down | self.away
        if gone.any():
            self.hide(gone)

    def hide(self, gone: np.ndarray) -> None:
        """Say which items are not there now, of those that exist in this world; (I,) bool."""
        labels = self.items.labels
        self.items = self.items._replace(labels=labels._replace(present=self.posted & ~gone))

    def fork(self) -> State:
        """A copy whose changes leave this state alone."""
        return dataclasses.replace(
            self, observed=self._forked_observed(), accounts=self._forked_accounts(), counters=copied(self.counters),
            counted=self.counted.copy(), threshold=self.threshold.copy(), recent=self.recent.copy(),
            head_weight=self.head_weight.copy(), head_precision=self.head_precision.copy(),
            status=self.status.copy(), trust=self.trust.copy(), acted=self.acted.copy(),
            docket=None if self.docket is None else self.docket.fork(),
            weighed=None if self.weighed is None else self.weighed.fork(),
            clean=None if self.clean is None else self.clean.fork(),
            bare=None if self.bare is None else self.bare.copy(),
            sought=self.sought.copy(), down=self.down.copy(), away=self.away.copy(), demobilised=self.demobilised.copy(),
            rosters={name: one.fork() for name, one in self.rosters.items()},
            memory=None if self.memory is None else self.memory.fork(),
        )  # fmt: skip

    def add_follows(self, person: np.ndarray, author: np.ndarray, count: int) -> None:
        """Add the first ``count`` of the requested follows, (N,) int32 each, as far as they are not there yet."""
        done = inbox.add_follows(person, author, 0, count, self.accounts)
        while done < count:
            used = int(self.accounts.used[0])
            # The largest block that can be asked for is twice the largest there is; what is not written to takes no memory.
            room = used + max(used // 4, 2 * int(self.accounts.size.max()), 1024)
            if room > np.iinfo(np.int32).max:
                raise RecsimError(
                    f"got room for {room} new follows, one process takes {np.iinfo(np.int32).max}; use more shards"
                )
            newer = np.empty(room, np.int32)
            newer[:used] = self.accounts.newer[:used]
            self.accounts = self.accounts._replace(newer=newer)
            done = inbox.add_follows(person, author, done, count, self.accounts)

    def _forked_observed(self) -> Observed:
        """A copy of what the platform knows; groups never change."""
        old = self.observed
        changes = {name: aligned.copy(array) for name, array in old._asdict().items() if name not in ("group", "pages")}
        return Observed(**changes, group=old.group, pages=forked(old.pages))

    def _forked_accounts(self) -> Accounts:
        """A copy of the authors; the follow graph of the start never changes, and of room for follows only what is used."""
        old = self.accounts
        own = {name: getattr(old, name).copy() for name in ("block", "size", "since", "used", "spare", "followers")}
        return old._replace(newer=old.newer[: old.used[0]].copy(), **own)


def _merged(one: Any, other: Any, where: np.ndarray) -> Any:
    """Rows of ``one`` where the mask holds, else of ``other``; columns that both share are not copied."""
    columns = []
    for a, b in zip(one, other, strict=True):
        if isinstance(a, tuple):
            columns.append(_merged(a, b, where))
        elif np.array_equal(a, b):
            columns.append(b)
        else:
            columns.append(np.where(where.reshape(-1, *[1] * (a.ndim - 1)), a, b))
    return type(one)(*columns)


def build_state(plan: Plan, key: Key, paged: bool | None = None, exchange: Exchange = ALONE) -> State:
    """Draw people, supply and the follow graph of one replicate.

    Args:
        plan, key: of the replicate.
        paged: whether what people have been shown is kept in pages instead of bits; None: see `keeps_pages`. It changes
            no number.
        exchange: with the other shards of the world; only the people of this one get rows.
    """
    traits, activity, guards = plan.traits, plan.scenario.activity, plan.safeguards
    mine = range(*bounds(plan.people, exchange.shards)[exchange.shard : exchange.shard + 2].tolist())
    people, first = len(mine), mine.start
    position = place_candidates(key, plan.supply.candidate_population)
    latent, cells = build_people(key, traits, plan.people, position, mine)
    if exchange.shards > 1:
        some = build_people(key, traits, plan.people, position, range(min(PROBED, plan.people)))
        agree(exchange, "people", *some[0], *some[1])
    (preference,) = of_all(exchange, latent.preference)
    supply = build_supply(key, plan.supply, plan.posts, preference, traits.population, plan.ads, mine)
    items = len(supply.items.id)
    born = np.searchsorted(supply.items.created, np.arange(plan.steps + 1)).astype(np.int64)
    accuracy = plan.scenario.platform.predictor.initial_accuracy.value
    estimate = first_estimate(key, traits, latent.taste, accuracy, first)
    remembered = 0 if plan.policy.fatigue is None else HIDDEN
    window = largest_window(plan, born)
    paged = keeps_pages(plan, people, born, window) if paged is None else paged
    seen, pages = empty_memory(people, window, first_pages(plan, people) if paged else 0)
    observed = Observed(
        estimate=estimate,
        stratum=np.zeros(people, np.int32),
        inbox=aligned.full((people, int(plan.reaction.inbox)), -1, np.int32),
        inbox_next=np.zeros(people, np.int32),
        seen=seen,
        weight=np.full(people if plan.weighs else 0, FULL, np.int32),
        group=group_of(key, traits.population, people if plan.weighs else 0, guards.aggregate.groups, first),
        hidden_author=np.full((people, remembered), -1, np.int32),
        hidden_step=np.zeros((people, remembered), np.int32),
        hidden_next=np.zeros((people if remembered else 0, 1), np.int32),
        pages=pages,
    )
    counters = no_counts(items, guards.aggregate.groups if plan.weighs else 0)
    # No gate ever waits for an advertisement's views.
    counters.stage[supply.items.labels.kind == ADVERTISEMENT] = STOPPED
    return State(
        latent=latent, cells=cells, position=position, observed=observed, items=supply.items,
        scheduled=supply.items, replaced=supply.replaced, accounts=supply.accounts, counters=counters,
        counted=np.zeros((items, len(ACTIONS)), np.int64), threshold=np.full(4, NEVER_SET),
        recent=nominal_actions(plan), head_weight=first_weights(nominal_actions(plan)),
        head_precision=np.zeros((len(ACTIONS), 3, 3)), born=born,
        status=np.zeros(items, np.uint8), trust=np.ones(people if plan.weighs else 0, np.float32),
        acted=np.zeros(people if plan.weighs else 0, np.int32),
        standing=standing_of(
            key, traits.population, people if plan.weighs or plan.moderated else 0, activity.account_age_days.value, first
        ),
        weighed=weighing_book(items, nominal_actions(plan)) if plan.weighs else None,
        vanishes=supply.vanishes, poster=supply.poster, down=np.zeros(items, np.bool_),
        away=np.zeros(items, np.bool_), posted=supply.items.labels.present,
        demobilised=no_demobilising(plan, people),
        sought=np.zeros((len(plan.candidates), items if searches(plan) else 0), np.float32),
        rosters=make_rosters(plan, key, items),
        bought=[impressions_by_step(key, ad, plan.steps) for ad in plan.ads],
        memory=None if plan.policy.refit is None else Memory.empty(items),
        first_person=np.uint64(first), exchange=exchange,
    )  # fmt: skip


def make_rosters(plan: Plan, key: Key, items: int) -> dict[str, Roster]:
    """Accounts of each campaign that has any, in random groups where the platform counts by groups."""
    out = {}
    for campaign in plan.campaigns:
        network = make_network(plan, campaign)
        if network is not None:
            roster = make_roster(network, key)
            roster.group[:] = group_of(key, network.population, len(roster.group), plan.safeguards.aggregate.groups)
            if plan.safeguards.cluster_cap is not None and network.inauthentic:
                roster.capped = np.zeros((items, len(ACTIONS)), np.int32)
            out[network.campaign] = roster
    return out


def standing_of(key: Key, population: int, accounts: int, mean_days: float, first: int = 0) -> np.ndarray:
    """(N, 2) float32: age of accounts in days, exponential; a standing draw in [0, 1). Numbers count from ``first``."""
    out = np.empty((accounts, 2), np.float32)
    for rows, who in blocks_of(accounts, first):
        u = rng.uniforms(key, Decision.STANDING, population, who)
        out[rows, 0] = -rng.logarithms(np.float32(1.0) - u[:, 0]) * np.float32(mean_days)
        out[rows, 1] = u[:, 1]
    return out


def group_of(key: Key, population: int, accounts: int, groups: int, first: int = 0) -> np.ndarray:
    """(N,) uint8, the random group in which an account is counted; numbers count from ``first``."""
    out = np.empty(accounts, np.uint8)
    for rows, who in blocks_of(accounts, first):
        u = rng.words(key, Decision.STANDING, population, who)[:, 2]
        out[rows] = (u.astype(np.uint64) * np.uint64(groups)) >> np.uint64(32)
    return out


def largest_window(plan: Plan, born: np.ndarray) -> int:
    """Most items that are ever live at once."""
    live = born[plan.lifetime :] - born[: max(0, len(born) - plan.lifetime)]
    return int(max(live.max(initial=1), born[min(plan.lifetime, plan.steps)], 1)) + 1


def nominal_actions(plan: Plan) -> np.ndarray:
    """Actions in a million views at the declared mean rates: base rates until a day has been counted."""
    r = plan.scenario.response
    stays = 1 - r.skip_rate.value
    complete = stays * float(rng.exponentials(np.array([-1 / r.watched_mean.value], np.float32))[0])
    rates = [
        1.0, complete, r.like_rate.value, r.comment_rate.value, r.share_rate.value, r.follow_rate.value,
        r.open_comments_rate.value, r.hide_rate.value, r.report_rate.value, 0.45 * 1024,
    ]  # fmt: skip
    return np.array([max(1, round(rate * 1e6)) for rate in rates], np.int64)


def first_weights(recent: np.ndarray) -> np.ndarray:
    """Weights of the online logistic predictor before it has seen anything: the declared mean rates, no slopes.

    Args:
        recent: (10,) int64, actions per million views; watch time in 1/1024.

    Returns:
        (10, 3) float64.
    """
    rate = (recent / recent[0]).astype(np.float32)
    rate[-1] = rate[-1] / np.float32(1024)
    rate = np.clip(rate, np.float32(1e-6), np.float32(0.99))
    out = np.zeros((len(ACTIONS), 3))
    out[:, 0] = rng.logarithms(rate / (np.float32(1.0) - rate))
    return out
