"""A follow-graph world: the step of a ranked world with other sources, the same phases in the same order.

Who visits; who posts; retrieval is the person's own slots; the policy scores them; she picks one and passes it on;
everything is counted; what was emitted enters the followers' slots; moderation takes down. Within a turn everybody sees
the feeds of its start.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import mesa
import numpy as np

from recsim.agents.infiltration import PEOPLE, powers
from recsim.kernels import follow_feed, growth
from recsim.rng import Decision, Key, hash32, logarithms, words
from recsim.world.follow_plan import FollowPeople, FollowPlan, empty_slots, followers_in
from recsim.world.follow_record import FollowRecord

LEGAL = -1
"""Removal step of a post that is not illegal, or is never taken down."""


class FollowWorld(mesa.Model):
    """One world.

    Args:
        plan: the realised scenario.
        drawn: its people.
        key: seed and replicate.
        arm: name in tables.
        acting: numbers of the campaigns that act.
        moderated: whether illegal posts are taken down.
        threads: threads of the delivery; the result does not depend on it.
    """

    def __init__(
        self, plan: FollowPlan, drawn: FollowPeople, key: Key, arm: str, acting: Sequence[int], moderated: bool = True,
        threads: int = 1,
    ) -> None:  # fmt: skip
        super().__init__(rng=0)  # Mesa's own generator is never used
        self.plan, self.drawn, self.key, self.now, self.threads = plan, drawn, key, 0, threads
        half_life = plan.scenario.moderation.half_life_steps
        self.half_life = half_life.value if half_life is not None and moderated else None
        sizes = [plan.people, *(plan.accounts[n] for n in acting)]
        self.size = sum(sizes)
        self.populations = [hash32(PEOPLE), *(hash32(plan.campaigns[n].key) for n in acting)]
        self.bounds = np.concatenate([[0], np.cumsum(sizes)])
        self.population = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
        self.group = np.repeat(np.array([0, *(1 + n for n in acting)], np.int8), sizes)
        self.copies_each = np.repeat(
            np.array([1, *(plan.campaigns[n].flooding for n in acting)], np.int32), sizes
        )  # fmt: skip
        self.deceiving = np.repeat(
            np.array([0, *(plan.campaigns[n].deception.value for n in acting)], np.float32), sizes
        )  # fmt: skip
        self.rate = np.concatenate([drawn.rate, np.ones(self.size - plan.people, np.float32)])
        self.followers = followers_in(plan, drawn, acting, self.rate)
        self.arrived = np.empty(int(self.followers.room[-1]), np.int32)
        self.filled = np.empty(self.size, np.int64)
        self.slots = empty_slots(self.size, plan.scenario.feeds.slots)
        self.posts = Posts(4 * self.size)
        self.record = FollowRecord(plan, arm, key.replicate)
        self.seconds: dict[str, float] = {}
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def step(self) -> None:
        """One tick of simulated time."""
        for actor, ordinal in self._timed("visits", self.visit):
            self._timed("looking", self.record.look, self, actor)  # everything in a visitor's feed is seen
            u = self.draw(Decision.FOLLOW_ACT, actor, ordinal)
            authors = (self.slots.held[actor] == 0) | (u[:, 0] < np.float32(self.post_chance))
            post = np.full(len(actor), -1, np.int32)
            post[authors] = self._timed("posts", self.write, actor[authors], ordinal[authors])
            passed_on = np.flatnonzero(~authors)
            found, features = self._timed("retrieval", self.retrieve, actor[passed_on])
            scores = self._timed("score", self.score, features)
            post[passed_on] = self._timed("select", self.select, found, scores, u[passed_on, 1])
            done = post >= 0  # whoever has only slots that the policy leaves out does nothing
            actor, post, authors = actor[done], post[done], authors[done]
            self._timed("delivery", self.deliver, actor, post)
            self._timed("counting", self.record.act, self, actor, post, authors)
        self._timed("moderation", self.take_down)
        self._timed("recording", self.record.close, self)
        self.now += 1

    def run(self, tick=None) -> None:
        """Step to the end: all steps, or until the scenario's rule stops the world; ``tick()`` after each step."""
        for _ in range(self.plan.scenario.steps.count):
            self.step()
            if tick is not None:
                tick()
            if self.record.settled:
                break
        if self.pool is not None:
            self.pool.shutdown()

    @property
    def post_chance(self) -> float:
        """Chance that an action is a post."""
        return self.plan.scenario.activity.post_chance.value

    def draw(self, decision: Decision, actor: np.ndarray, ordinal: np.ndarray | int = 0) -> np.ndarray:
        """Four float32 in [0, 1) for each of some agents' actions of this step, (A, 4)."""
        return (self.words(decision, actor, ordinal) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)

    def words(self, decision: Decision, actor: np.ndarray, ordinal: np.ndarray | int = 0) -> np.ndarray:
        """The same as 32-bit words."""
        out = np.empty((len(actor), 4), np.uint32)
        which, about = self.population[actor], np.broadcast_to(np.asarray(ordinal), actor.shape)
        for number, population in enumerate(self.populations):
            here = np.flatnonzero(which == number)
            if len(here):
                own = actor[here] - self.bounds[number]
                out[here] = words(self.key, decision, population, own, about[here], self.now)
        return out

    def visit(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Who acts how often, in the step's order of arrival; by turn: agents, and which action of theirs it is."""
        everybody, turns = np.arange(self.size, dtype=np.int32), self.plan.scenario.feeds.turns
        w = self.words(Decision.FOLLOW_VISIT, everybody)
        u = (w[:, 0] >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        often = np.where(self.rate < 1, u < self.rate, np.ceil(self.rate)).astype(np.int64)
        turn = (w[:, 2].astype(np.uint64) * np.uint64(turns)) >> np.uint64(32)
        order = np.argsort((turn << np.uint64(32)) | w[:, 1], kind="stable").astype(np.int32)
        actor = np.repeat(order, often[order])
        ends = np.cumsum(often[order])
        ordinal = np.arange(len(actor)) - np.repeat(ends - often[order], often[order])
        cuts = np.searchsorted(turn[actor], np.arange(turns + 1, dtype=np.uint64))
        return [(actor[a:b], ordinal[a:b]) for a, b in pairwise(cuts) if b > a]

    def write(self, actor: np.ndarray, ordinal: np.ndarray) -> np.ndarray:
        """New posts of some agents; their numbers."""
        p, s, number = self.posts, self.plan.scenario.posts, len(actor)
        u = self.draw(Decision.FOLLOW_POST, actor, ordinal)
        own, human = p.extend(number), self.population[actor] == 0
        quality = np.empty(number, np.int32)
        growth.draw_quality(np.ascontiguousarray(u[:, 0]), np.float32(s.quality_slope.value), quality)
        appeal = np.float32(1) - powers(u[:, 1], 1 / (s.appeal_exponent.value + 1))
        p.quality[own] = np.where(human, quality, 0)
        p.appeal[own] = np.where(u[:, 2] < self.deceiving[actor], np.float32(1), appeal)
        p.group[own] = self.group[actor]
        if s.illegal:
            chance = np.append(self.drawn.illegal, np.float32(0))[np.minimum(actor, self.plan.people)]
            illegal = u[:, 3] < chance
            p.group[own] = np.where(illegal, len(self.plan.groups) - 1, p.group[own])
            if self.half_life is not None and illegal.any():
                p.removal[own] = np.where(illegal, self._removals(actor, ordinal), LEGAL)
        return own.astype(np.int32)

    def _removals(self, actor: np.ndarray, ordinal: np.ndarray) -> np.ndarray:
        """Step at whose end a post would be taken down, (A,) int64: each step with chance 1 - 2^(-1 / half-life)."""
        w = self.words(Decision.FOLLOW_REMOVAL, actor, ordinal)[:, 0]
        u = ((w >> np.uint32(8)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-24)
        halvings = logarithms(u) * np.float32(-1.4426950408889634)
        return self.now + np.floor(halvings * np.float32(self.half_life or 0)).astype(np.int64)

    def retrieve(self, actor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slots of those who pass something on, and features of each: (A, S) posts, (3, A S) age, appeal, shares."""
        size = self.slots.post.shape[1]
        found, out = np.empty((len(actor), size), np.int32), np.empty((3, len(actor) * size), np.float32)
        everywhere = self.plan.scenario.feeds.share_counters == "global"
        follow_feed.gather_slots(actor, self.slots, self.posts.appeal, self.posts.copies, everywhere, found, out)
        return found, out

    def score(self, features: np.ndarray) -> np.ndarray:
        """The policy's score of every slot, (A S,) float32."""
        reads = self.plan.compiled.policy.score_reads
        rows = np.ascontiguousarray(
            features[[("slot_age", "slot_appeal", "slot_shares").index(name) for name in reads]]
        )
        out = np.empty(features.shape[1], np.float32)
        self.plan.compiled.score_features(rows, self.plan.parameters, out)
        return out

    def select(self, found: np.ndarray, scores: np.ndarray, u: np.ndarray) -> np.ndarray:
        """The post each of them passes on."""
        chosen = np.empty(len(found), np.int32)
        proportion = self.plan.compiled.policy.choice == "proportion"
        follow_feed.choose_slots(found, scores, np.ascontiguousarray(u), proportion, chosen)
        return chosen

    def deliver(self, actor: np.ndarray, post: np.ndarray) -> None:
        """What was emitted enters the slots of followers."""
        assert post.min(initial=0) >= 0  # a negative number would be some other post
        p, feeds, width = self.posts, self.plan.scenario.feeds, self.slots.post.shape[1]
        weight, local = self.copies_each[actor], np.empty(len(actor), np.int32)
        follow_feed.number_actions(post, weight, p.local_of, local, p.copies)

        def part(begin: int, end: int) -> int:
            return follow_feed.deliver(
                begin, end, self.now, self.followers, actor, local, weight, post, p.local_of,
                feeds.ageing == "set_to_one", feeds.age_of_reshared == "reset", self.slots, self.arrived, self.filled,
                np.full((len(actor), 2), -1, np.int32), np.empty(width, np.int32), np.empty((3, width), np.int32),
            )  # fmt: skip

        if self.pool is None:
            self.record.deliveries += part(0, self.size)
        else:
            ends = np.linspace(0, self.size, self.threads + 1).astype(int).tolist()
            self.record.deliveries += sum(self.pool.map(part, ends[:-1], ends[1:]))
        p.local_of[post] = -1

    def take_down(self) -> None:
        """Illegal posts whose time has come leave all feeds."""
        if self.half_life is None:
            return
        due = self.posts.removal == self.now
        if due.any():
            follow_feed.remove_posts(due, self.slots)

    def _timed(self, name: str, phase, *args):
        began = time.perf_counter()
        out = phase(*args)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began
        return out


class Posts:
    """All posts of a world, in order of writing; arrays grow by doubling, and never touch an order."""

    FIELDS = (
        ("quality", np.int32, 0), ("appeal", np.float32, 0), ("group", np.int8, 0), ("removal", np.int64, LEGAL),
        ("copies", np.int64, 0), ("local_of", np.int32, -1),
    )  # fmt: skip
    quality: np.ndarray  # (P,) int32, in 2^-24
    appeal: np.ndarray  # (P,) float32 in [0, 1]
    group: np.ndarray  # (P,) int8
    removal: np.ndarray  # (P,) int64, step at whose end it is taken down, LEGAL: never
    copies: np.ndarray  # (P,) int64, emitted by all so far
    local_of: np.ndarray  # (P,) int32, scratch of the delivery, -1 between turns

    def __init__(self, capacity: int) -> None:
        self.used = 0
        for name, kind, value in self.FIELDS:
            setattr(self, name, np.full(max(1, capacity), value, kind))

    def extend(self, number: int) -> np.ndarray:
        """Numbers of ``number`` new posts."""
        while self.used + number > len(self.quality):
            for name, _, value in self.FIELDS:
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.full(len(old), value, old.dtype)]))
        self.used += number
        return np.arange(self.used - number, self.used)
