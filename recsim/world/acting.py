"""A campaign's accounts at work in the world: what they do in a step, and what of it counts."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import mesa
import numpy as np

from recsim.agents import networks as accounts_of
from recsim.kernels import acts
from recsim.state import FOLLOW
from recsim.world.arms import Arm
from recsim.world.networks import ACCOUNT, TACTICS, find_targets
from recsim.world.plan import Plan
from recsim.world.refit import NO_ROOM

if TYPE_CHECKING:
    from recsim.world.world import World

EVENTS = 4
"""Events that one act can be: a view, a view to the end, its watch time, and the action."""
NEVER = 2**31 - 1
"""Cap, in 1/1024 of an event, that no cluster reaches: two million events of a kind on an item; `Roster.capped` can hold it."""


class Network(mesa.Agent):
    """One campaign's acting accounts."""

    model: World

    def __init__(self, model: World, network: accounts_of.Network) -> None:
        super().__init__(model)
        uses = np.array([model.arm.uses(tactic) for tactic in TACTICS]) | (not network.inauthentic)
        self.network = dataclasses.replace(network, tactics=network.tactics._replace(uses=uses))
        self.roster = model.state.rosters[network.campaign]
        count = len(self.roster.active)
        self.entry = accounts_of.entries(count, accounts_of.places_of(network), model.plan.scale)
        self.times = np.zeros(count, np.int64)
        self.awake = np.zeros(count, np.bool_)
        learner = model.feed.learner
        self.actor = None if learner is None else learner.add_network(self.entry)

    def act(self, start: int, end: int) -> None:
        """Do what the plan of the campaign says for this step."""
        world, network, roster = self.model, self.network, self.roster
        now = world.now
        acts_here = world.arm.acts(network.campaign) or not network.inauthentic
        acting = acts_here and network.accounts > 0  # a dose of zero is the world without the campaign
        ended = network.inauthentic and now >= removal_step(world.plan, world.arm)
        if acting and ended:
            roster.active[:] = False
            return
        if acting and network.replacement_share > 0 and now >= network.first_step:
            if now >= network.removal_step:
                roster.active[: accounts_of.places_of(network)] = False
            made = accounts_of.replace_removed(network, roster, now, world.plan.steps_per_day)
            if made:
                world.record.tactics(network.campaign)[0, ACCOUNT] += made
        if acting and now == network.first_step:
            roster.purse[0] += math.ceil(network.accounts * network.account_price)
        shift = accounts_of.shift_of(network, world.key, now, acting)
        key0, key1 = world.key.words
        planned = shift is not None and acts.plan_acts(
            roster.aged, roster.delay, roster.active & ~roster.idle, shift, np.uint64(network.population), key0, key1, np.uint64(now),
            self.times, self.awake,
        )  # fmt: skip
        if planned:
            self.carry_out(start, end)
        bought, follows = accounts_of.bulk(network, world.key, now, acts_here and not ended)
        if bought and network.tactics.uses[TACTICS.index("follow")]:
            table = world.record.tactics(network.campaign)
            table[:, TACTICS.index("follow")] += (bought, bought - follows, follows)
            if world.arm.placebo and network.inauthentic:
                return  # they are bought and paid, and nobody gets them
            world.state.accounts.followers[world.state.accounts.official[network.beneficiary]] += follows
            world.record.inauthentic[network.beneficiary, FOLLOW] += follows
            self.note_follows(follows * accounts_of.FULL)

    def note_follows(self, worth: int) -> None:
        """Follows of official accounts, in 1/1024, are on no item: the base rate of follows has them all the same."""
        book = self.model.state.weighed
        if book is not None and book.today is not None:
            book.today[FOLLOW] += worth

    def carry_out(self, start: int, end: int) -> None:
        """What each account does this step (``times``), on targets of the live window."""
        world, network, state, record = self.model, self.network, self.model.state, self.model.record
        key0, key1 = world.key.words
        apart = world.arm.placebo and network.inauthentic
        targets = find_targets(world.plan, state, network, world.now, start, end, apart)
        table = record.tactics(network.campaign)
        most = int(self.times.sum())
        learner, engaged = world.feed.learner, NO_ROOM
        if learner is not None:
            engaged = learner.room(most)
        log = acts.Log(np.zeros((EVENTS * most, 5), np.int32), np.zeros(EVENTS * most, np.bool_), np.zeros(1, np.int64))
        acts.act(
            self.times, self.awake, network.tactics, targets, network.beneficiary, -1 if apart else network.beneficiary,
            network.inauthentic, np.uint64(network.population), key0, key1, np.uint64(world.now), state.items.key,
            state.items.labels.candidate, state.items.author, state.counters, state.accounts,
            record.inauthentic if network.inauthentic else record.volunteer,
            table, record.own_actions, engaged, self.counting(), state.sought, self.roster.purse, log,
        )  # fmt: skip
        used = int(log.used[0])
        if used:
            self.roster.log.append(log.row[:used].copy())
            self.roster.fake.append(log.fake[:used].copy())
            self.note_follows(int(log.row[:used, 3][log.row[:used, 1] < 0].sum()))
        if learner is not None and self.actor is not None:
            # Of what does not count for the platform nothing is learned.
            counts = self.roster.weight[engaged.account] > 0 if world.plan.weighs else None
            if not world.arm.opens("learning") and network.inauthentic:
                counts = ~self.awake[engaged.account] & (True if counts is None else counts)
            learner.collect_accounts(world.now, engaged, self.actor, counts)

    @property
    def recognised(self) -> np.ndarray:
        """(N,) bool, accounts that the platform knows to belong to one cluster, whose events it caps together."""
        cap = self.model.plan.safeguards.cluster_cap
        return self.roster.luck < np.float32(cap[1] if cap and len(self.roster.capped) > 0 else 0.0)

    def counting(self) -> acts.Counting:
        """What the platform counts of an account's events, by its weights and the measures around the policy."""
        roster, guards = self.roster, self.model.plan.safeguards
        cap = np.int64(-1)
        if guards.cluster_cap and len(roster.capped) > 0:
            # Events on one real item; what is capped are events of a sample, on an item that stands for several.
            cap = np.int64(min(round(guards.cluster_cap[0] * accounts_of.FULL / self.model.plan.event_weight), NEVER))
        return acts.Counting(
            roster.weight, roster.group, self.recognised, cap, roster.capped,
            guards.served_only and self.network.inauthentic,
        )  # fmt: skip


def removal_step(plan: Plan, arm: Arm) -> int:
    """Step from which an arm is without inauthentic accounts; after the run if it keeps them."""
    return plan.steps if arm.removal_day is None else plan.step_of(arm.removal_day)
