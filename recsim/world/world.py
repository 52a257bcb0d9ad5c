"""The world: one step as a story, one line per phase.

Mesa's Model is the shell; one Mesa agent stands for a whole population and holds its rows of the arrays, because one
Python object per person costs tens of milliseconds per empty step. Within a step everybody sees the counters of its
start.
"""

from __future__ import annotations

import time

import mesa
import numpy as np

from recsim.kernels import counters as counting
from recsim.kernels import inbox, weighing
from recsim.kernels.slate import forget
from recsim.kernels.visits import draw_doors, line_up_visits
from recsim.rng import Key
from recsim.state import Tally
from recsim.world.acting import Network
from recsim.world.advertising import Advertising
from recsim.world.arms import Arm
from recsim.world.books import Books
from recsim.world.build import State
from recsim.world.demobilising import note_leaving
from recsim.world.feed import Feed
from recsim.world.guard import Guard
from recsim.world.hours import hour_factors
from recsim.world.learning import Platform
from recsim.world.moderation import Moderation
from recsim.world.networks import make_network
from recsim.world.plan import Plan
from recsim.world.record import Record
from recsim.world.seen import sweep
from recsim.world.shards import add_up, agree
from recsim.world.takedown import take_down


class World(mesa.Model):
    """One world from some step on.

    Args:
        plan: the realised scenario.
        state: arrays, changed in place.
        key: seed, replicate and luck branch.
        arm: who acts, with what, and who notices.
        step: first step.
        threads: threads for the feed.
    """

    def __init__(self, plan: Plan, state: State, key: Key, arm: Arm, step: int = 0, threads: int = 1) -> None:
        super().__init__(rng=0)  # Mesa's own generator is never used
        self.plan, self.state, self.key, self.arm, self.now = plan, state, key, arm, step
        # Before anything takes hold of the items: predictors and policies keep their columns.
        state.cast(np.array([c.counterfactual == "kept" or posts(arm, c.id) for c in plan.campaigns], bool))
        self.books = Books(plan, state, arm)
        self.feed = Feed(plan, state, key, threads, self.books)
        self.people = People(self)
        self.creators = Creators(self)
        self.networks = [Network(self, n) for c in plan.campaigns if (n := make_network(plan, c)) is not None]
        self.advertising = Advertising(self)
        self.platform = Platform(self)
        self.guard = Guard(self)
        self.record = Record(plan, key, arm.name)
        self.moderation = Moderation(self)
        self.seconds: dict[str, float] = {}
        self.began = self.first_step = step
        self.before = (0, 0)
        self.viewed = state.counters.human[:, 0].copy()  # people's views of items before this world began
        self.feed.sort_people()
        # Mesa numbers agents by a table of the class that would hold every model, and all its arrays, for ever.
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    def fork(self, arm: Arm, key: Key, *, keep: bool, same_world: bool = False) -> World:
        """Another world that goes on from here.

        Args:
            arm, key: of the new world.
            keep: whether this one is still needed; if not, the new one takes over its arrays.
            same_world: whether the new one also takes over what this one has recorded.
        """
        other = World(self.plan, self.state.fork() if keep else self.state, key, arm, self.now, self.feed.threads)
        other.feed.resume(self.feed)
        if same_world:
            other.first_step, other.viewed = self.first_step, self.viewed
            other.record.resume(self.record)
            other.before = (int(self.record.feed[0]), int(self.record.feed[3]))
            for name in ("reached", "met", "impressions"):
                getattr(other.feed.tally, name)[:] = getattr(self.feed.tally, name)
            for name in ("arrivals", "passed"):
                getattr(other.platform, name)[:] = getattr(self.platform, name)
        if not keep:
            self.close()
        return other

    @property
    def window(self) -> tuple[int, int]:
        """Numbers of the live items: from the oldest not yet expired to those created by now."""
        born = self.state.born
        return int(born[max(0, self.now + 1 - self.plan.lifetime)]), int(born[self.now + 1])

    def step(self) -> None:
        """One tick of simulated time."""
        start, end = self.window
        self._timed("weights", self.guard.weigh)  # what everybody's actions count
        self._timed("takedown", take_down, self)  # what has been removed is not there any more
        self._timed("labels", self.moderation.label)  # what is new carries its label as political content
        self._timed("visits", self.people.visit)  # 1 who visits
        if self.plan.ads:
            self._timed("advertising", self.advertising.place, self.people.visiting)  # a place of some visits is sold
        self._timed("posts", self.creators.post)  # 2 posts enter, inboxes filled
        if self.feed.learner is not None:  # what the policy learned from the steps before
            self._timed("refit", self.feed.learner.refit, self.now, start, end)  # models fitted to its log
        self._timed("item terms", self.feed.item_terms, self.now, start, end)  # 3 once per item
        self._timed("retrieval", self.feed.retrieve, self.now, start, end)  # 4 pools per stratum
        self._timed("feed", self.feed.show, self.now, start, self.people.visiting)  # 5-7 score, select, look
        self._timed("counting", self.people.respond, start, end)  # 8 people's events into counters
        for network in self.networks:  # 9 campaigns act through the same action types
            self._timed("campaigns", network.act, start, end)  # their events into the same counters
        self._timed("learning", self.platform.learn, start, end)  # 10 the platform learns: rates, gates
        self._timed("moderation", self.moderation.review)  # 11 detect, review, act; networks removed
        note_leaving(self)
        self.now += 1
        sweep(self.plan, self.state, self.now, self.feed.side_by_side)
        if self.now % self.plan.steps_per_day == 0:
            self._timed("recording", self.end_day)  # the day's tables; people sorted anew

    def run_until(self, step: int, tick=None) -> None:
        """Step until ``step``; ``tick()`` is called after each day."""
        while self.now < step:
            self.step()
            if tick is not None and self.now % self.plan.steps_per_day == 0:
                tick()

    def end_day(self) -> None:
        """Close the day's tables, set gate thresholds while they still adapt, and sort people anew."""
        self.record.close_day(self)
        self.books.end_day()
        if len(self.state.acted):
            self.state.acted[:] = self.feed.tally.acted
            self.feed.tally.acted[:] = self.feed.tally.lost[:] = 0
        self.platform.adapt()
        self.feed.sort_people()
        agree(
            self.state.exchange, "counts", self.state.counters.decayed, self.state.threshold, self.state.counters.stage,
            self.feed.pools.item, self.feed.score,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the arrays: Mesa's model and agents refer to each other, so they would wait for the collector."""
        del self.feed.reach  # it refers to the feed
        del self.state, self.feed, self.books, self.guard, self.advertising
        self.moderation.built = None
        self.networks.clear()
        self.remove_all_agents()

    def _timed(self, name: str, phase, *args) -> None:
        began = time.perf_counter()
        phase(*args)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


class People(mesa.Agent):
    """All human viewers."""

    model: World

    def __init__(self, model: World) -> None:
        super().__init__(model)
        self.visiting = 0
        self.hour_factor = hour_factors(model.plan)
        self.door, self.about = (np.empty(len(model.state.latent.visits), np.int8) for _ in range(2))

    def visit(self) -> None:
        """Decide who comes."""
        world, plan = self.model, self.model.plan
        state, feed, activity = world.state, world.feed, plan.scenario.activity
        slot = world.now % (7 * plan.steps_per_day)
        key0, key1 = world.key.words
        observed, latent = state.observed, state.latent
        feed.side_by_side(
            lambda low, high: draw_doors(
                low, high, state.cells.region, latent.visits, latent.preference, self.hour_factor[slot],
                np.float32(activity.search_share.value), np.float32(activity.external_share.value), plan.standing,
                np.uint64(plan.traits.population), key0, key1, np.uint64(world.now), state.first_person, self.door,
                self.about,
            )
        )  # fmt: skip
        self.visiting = line_up_visits(
            feed.order, observed.stratum, self.door, self.about, feed.visits.person, feed.visits.stratum,
            feed.visits.entry, feed.visits.about,
        )  # fmt: skip

    def respond(self, start: int, end: int) -> None:
        """Fold what people did into the counters, and add their follows."""
        world, tally = self.model, self.model.feed.tally
        key0, key1 = world.key.words
        state = world.state
        before = self.follow(tally)
        if world.feed.learner is not None:
            world.feed.learner.collect(world.now, start, end, tally)
        if (
            state.exchange.shards > 1
        ):  # nobody has learned anything of this step yet: what all shards saw comes together
            count, others = end - start, state.accounts.followers - before
            add_up(state.exchange, tally.items[:, :count], tally.valued[:, :count], others[None])
            state.accounts.followers[:] = before + others
        counting.count_people(
            start, end, tally.items, state.items.labels.candidate, state.counters, world.record.human,
            np.uint64(world.plan.traits.population), key0, key1, state.items.key, state.items.length,
            world.record.watched,
        )  # fmt: skip
        if len(state.counters.valued):
            weighing.fold_weighed(start, end, tally.valued, state.counters.valued)

    def follow(self, tally: Tally) -> np.ndarray:
        """Add the step's follows; returns the followers of every author before, (A,) int64."""
        state = self.model.state
        before = state.accounts.followers.copy() if state.exchange.shards > 1 else state.accounts.followers
        for thread, count in enumerate(tally.follow_count):
            state.add_follows(tally.follow_person[thread], tally.follow_author[thread], int(count))
        tally.follow_count[:] = 0
        return before


class Creators(mesa.Agent):
    """All authors: their posts were scheduled when the world was built."""

    model: World

    def post(self) -> None:
        """Deliver the step's posts to followers' inboxes."""
        state, now = self.model.state, self.model.now
        if not len(state.observed.pages.last):
            forget(state.observed.seen, int(state.born[now]), int(state.born[now + 1]))
        first, last, items = int(state.born[now]), int(state.born[now + 1]), state.items
        if first < last:
            self.model.feed.side_by_side(
                lambda low, high: inbox.deliver_posts(
                    first, last, low, high, items.author, items.labels.present, state.accounts, state.observed.inbox,
                    state.observed.inbox_next,
                )
            )  # fmt: skip


def posts(arm: Arm, campaign: str) -> bool:
    """Whether a campaign's posts enter. A placebo leaves them out: it spreads what the accounts do, nothing else."""
    return arm.acts(campaign) and arm.uses("post") and not arm.placebo
