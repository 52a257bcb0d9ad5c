"""Advertisements at work in a world: each takes the first place of an ordinary visit, beside the ranking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from recsim.agents.advertising import choose_people, shared_fairly
from recsim.agents.enforcement import NEVER, ads_stopped
from recsim.agents.supply_plans import AdPlan
from recsim.state import ADVERTISEMENT, EXCLUDED, REMOVED
from recsim.world.acting import removal_step
from recsim.world.networks import AD, FLOWS
from recsim.world.shards import add_up, of_all

if TYPE_CHECKING:
    from recsim.world.world import World


class Advertising:
    """All campaigns that advertise, the smallest audience first, then in canonical order.

    A visit has one place to sell. Impressions that find no free visit of their audience, and those of advertisements
    that a ban or moderation has stopped, are not made up for: the money stays unspent.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        plan, labels = world.plan, world.state.items.labels
        self.acting = [
            number for number, ad in enumerate(plan.ads)
            if world.arm.acts(plan.campaigns[ad.campaign].id) and world.arm.uses("ad") and not world.arm.placebo
        ]  # fmt: skip
        # Whoever has the smallest audience is served first: others can be shown to people whom it cannot reach.
        self.acting.sort(key=lambda number: self._audience(plan.ads[number]))
        # Items are ordered by creation and then identity, so a campaign's are in order of copy and advertisement.
        mine = [np.flatnonzero((labels.kind == ADVERTISEMENT) & (labels.campaign == ad.campaign)) for ad in plan.ads]
        self.copies = [rows.reshape(-1, ad.advertisements) for rows, ad in zip(mine, plan.ads, strict=True)]
        self.stops = [self._stops(ad, rows) for ad, rows in zip(plan.ads, self.copies, strict=True)]

    def _audience(self, ad: AdPlan) -> float:
        """Share of people whom an advertisement may be shown to, as expected."""
        traits = self.world.plan.traits
        inside = np.ones(len(traits.segment_weight), bool)
        if ad.regions:
            inside &= np.isin(traits.region, ad.regions)
        if ad.languages:
            inside &= np.isin(traits.language, ad.languages)
        return math.fsum(traits.segment_weight[inside].tolist())

    def _stops(self, ad: AdPlan, copies: np.ndarray) -> np.ndarray:
        """(N,) int32, first step without each advertisement under the scenario's ban."""
        world, ban = self.world, self.world.plan.scenario.moderation.ads_ban
        if ban is None:
            return np.full(ad.advertisements, NEVER, np.int32)
        return ads_stopped(
            world.key._replace(branch=0), world.state.items.id[copies[0]], np.full(ad.advertisements, ad.first_step),
            ban.enforced_share.value, ban.lag_h.value, 24 // world.plan.steps_per_day,
        )  # fmt: skip

    def place(self, visiting: int) -> None:
        """Put advertisements into this step's first ``visiting`` visits."""
        world, plan, now = self.world, self.world.plan, self.world.now
        visits, cells = world.feed.visits, world.state.cells
        visits.ad[:visiting] = -1
        if now >= removal_step(plan, world.arm):
            return
        there = [now < plan.ads[number].removal for number in self.acting]
        wanted = np.array([world.state.bought[number][now] for number in self.acting], np.int64) * there
        if not wanted.any():
            return
        exchange, first = world.state.exchange, np.int32(world.state.first_person)
        free = visits.entry[:visiting] == 0
        places = free.sum(keepdims=True)[None]
        add_up(exchange, places)
        granted = shared_fairly(wanted, int(places.sum()))
        for number, asked, count in zip(self.acting, wanted, granted, strict=True):
            if not asked:
                continue
            ad, person = plan.ads[number], visits.person[:visiting]
            inside = free.copy()
            if ad.regions:
                inside &= np.isin(cells.region[person], ad.regions)
            if ad.languages:
                inside &= np.isin(cells.language[person], ad.languages)
            open_ = np.flatnonzero(inside)
            # Chosen among the visits of all shards; each puts it into its own.
            everybody, shard = of_all(exchange, person[open_] + first, np.full(len(open_), exchange.shard, np.int32))
            place, which = choose_people(world.key, ad, plan.traits.population, everybody, int(count), now)
            goes = (self.stops[number][which] > now) & ~taken_down(world.state.status[self.copies[number][0]])[which]
            here = goes & (shard[place] == exchange.shard)
            visit = open_[place[here] - np.searchsorted(shard, exchange.shard)]
            visits.ad[visit] = self.copies[number][(now - ad.first_step) // ad.lifetime][which[here]]
            free[visit] = False
            flows = {"attempted": int(asked), "prevented": int((~goes).sum()), "counted": int(goes.sum())}
            world.record.tactics(plan.campaigns[ad.campaign].id)[:, AD] += [flows[name] for name in FLOWS]


def taken_down(status: np.ndarray) -> np.ndarray:
    """(N,) bool, from flags of status: removed, or not to be recommended."""
    return np.asarray((status & (REMOVED | EXCLUDED)) > 0)
