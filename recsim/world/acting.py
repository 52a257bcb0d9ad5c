"""A campaign's accounts at work in the world: what they do in a step, and what of it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np

from recsim.agents import networks as accounts_of
from recsim.kernels import acts
from recsim.state import ACTIONS
from recsim.world.networks import TACTICS, find_targets
from recsim.world.refit import NO_ROOM

if TYPE_CHECKING:
    from recsim.world.world import World


class Network(mesa.Agent):
    """One campaign's acting accounts."""

    model: World

    def __init__(self, model: World, network: accounts_of.Network) -> None:
        super().__init__(model)
        self.network = network
        self.roster = model.state.rosters[network.campaign]
        count = len(self.roster.active)
        self.times = np.zeros(count, np.int64)
        self.awake = np.zeros(count, np.bool_)
        learner = model.feed.learner
        self.actor = None if learner is None else learner.add_network(count)

    def act(self, start: int, end: int) -> None:
        """Like, comment, share and follow, as far as the plan of the campaign says."""
        world, network = self.model, self.network
        now, state, record = world.now, world.state, world.record
        acting = world.arm.acts(network.campaign) or not network.inauthentic
        shift = accounts_of.shift_of(network, now, acting)
        key0, key1 = world.key.words
        planned = shift is not None and acts.plan_acts(
            self.roster.aged,
            self.roster.delay,
            shift,
            np.uint64(network.population),
            key0,
            key1,
            np.uint64(now),
            self.times,
            self.awake,
        )
        if planned:
            self.carry_out(start, end)
        follows = accounts_of.bulk(network, world.key, now, acting)
        if follows:
            table = record.tactics(network.campaign)
            table[[0, 2], TACTICS.index("follow")] += follows
            state.accounts.followers[state.accounts.official[network.beneficiary]] += follows
            record.inauthentic[network.beneficiary, ACTIONS.index("follow")] += follows

    def carry_out(self, start: int, end: int) -> None:
        """What each account does this step (``times``), on targets of the live window."""
        world, network, state, record = self.model, self.network, self.model.state, self.model.record
        key0, key1 = world.key.words
        apart = world.arm.placebo and network.inauthentic
        targets = find_targets(world.plan, state, network, world.now, start, end, apart)
        table = record.tactics(network.campaign)
        learner, engaged = world.feed.learner, NO_ROOM
        if learner is not None:
            room = int(self.times.sum())
            engaged = acts.Engaged(np.zeros(room, np.int32), np.zeros(room, np.int32), np.zeros(1, np.int64))
        acts.act(
            self.times, self.awake, network.tactics, targets, network.beneficiary, -1 if apart else network.beneficiary,
            network.inauthentic, np.uint64(network.population), key0, key1, np.uint64(world.now), state.items.key,
            state.items.labels.candidate, state.counters, state.accounts,
            record.inauthentic if network.inauthentic else record.volunteer,
            table[0], table[1], table[2], record.own_actions, engaged,
        )  # fmt: skip
        if learner is not None and self.actor is not None:
            learner.collect_accounts(world.now, engaged, self.actor)
