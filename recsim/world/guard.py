"""Safeguards at work in a world: what accounts' actions count in this step, and what is held back or demoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recsim import rng
from recsim.agents.networks import FULL
from recsim.ranking.mitigation import AccountView, ItemView
from recsim.state import DEMOTED, EXCLUDED, FOLLOW, LABELLED, LIKE, OFFICIAL, REMOVED, VOLUNTEER
from recsim.world.shards import of_all

if TYPE_CHECKING:
    from recsim.world.acting import Network
    from recsim.world.feed import Feed
    from recsim.world.world import World

LN2 = np.float32(0.6931472)


class Guard:
    """The safeguards of one world."""

    def __init__(self, world: World) -> None:
        self.world, self.measures = world, world.plan.safeguards
        self.weights = any(m.mitigation.weight and not m.mitigation.removes for m in self.measures.measures)
        networks = [a.network for a in world.networks if a.network.inauthentic and world.arm.acts(a.network.campaign)]
        self.per_person = sum(n.accounts for n in networks) * world.plan.scale / world.plan.people

    def weigh(self) -> None:
        """Set what everybody's actions count, from what is known at the start of the step."""
        world = self.world
        if self.measures.removes:
            self._remove()
        if not self.world.plan.weighs:
            return
        state = world.state
        # Whoever has lost all trust counts nothing, whatever the measures say; of people who have lost a part of it, that
        # part does not count. (Of a network as large a part of the accounts has stopped.)
        weight = self._weight_of_people(removes=False) if self.weights else FULL
        left = np.sign(state.trust) if self.measures.reads_trust else state.trust
        state.observed.weight[:] = np.rint(weight * left)
        for agent in world.networks:
            weight = self.measures.weight(self._accounts(agent)) if self.weights else FULL
            agent.roster.weight[:] = np.where(agent.roster.trust > 0, weight, 0)

    def _remove(self) -> None:
        """Accounts that a measure takes away do nothing from the first step of the arm on; people's no longer count.

        Once more in every step, so that nothing else brings them back; nor are accounts made that would be taken away.
        """
        world = self.world
        if world.arm.name == "shared":
            return
        for agent in world.networks:
            gone = self.measures.weight(self._accounts(agent), removes=True) == 0
            agent.roster.active &= ~gone
            agent.roster.joined |= gone
        if len(world.state.observed.weight):
            world.state.trust[self._weight_of_people(removes=True) == 0] = 0.0

    def _weight_of_people(self, removes: bool) -> np.ndarray:
        """(U,) int32. A weight may compare accounts with one another, so it is shown the people of all shards."""
        state, view = self.world.state, self._people()
        if state.exchange.shards > 1:
            *columns, per_person = view
            whole: list[Any] = [*of_all(state.exchange, *columns), per_person]
            view = AccountView(*whole)
        first = int(state.first_person)
        return self.measures.weight(view, removes)[first : first + len(state.latent.visits)]

    def _people(self) -> AccountView:
        state, world = self.world.state, self.world
        people = len(state.latent.visits)
        none = np.zeros(people, np.float32)
        acted = world.feed.tally.acted
        return AccountView(
            age_days=state.standing[:, 0] + np.float32(world.now / world.plan.steps_per_day), trust=state.trust,
            actions_today=acted.astype(np.float32) if len(acted) else none,
            actions_yesterday=state.acted.astype(np.float32) if len(state.acted) else none,
            luck=state.standing[:, 1], oracle_inauthentic=np.zeros(people, np.bool_),
            oracle_per_person=self.per_person,
        )  # fmt: skip

    def _accounts(self, agent: Network) -> AccountView:
        """A network's accounts; what those did that stand together for a real one is counted together."""
        world, roster, together = self.world, agent.roster, agent.entry
        count = len(roster.active)
        midnight = world.now - world.now % world.plan.steps_per_day
        done = []
        for low, high in ((midnight, world.now + 1), (midnight - world.plan.steps_per_day, midnight)):
            parts = [p for p in roster.log if len(p) and low <= p[0, 4] < high]
            table = np.concatenate(parts) if parts else np.zeros((0, 5), np.int32)
            table = table[(table[:, 2] >= LIKE) & (table[:, 2] <= FOLLOW)]
            each = np.bincount(together[table[:, 0]], minlength=int(together[-1]) + 1) if count else np.zeros(0)
            done.append(each[together].astype(np.float32) if count else np.zeros(0, np.float32))
        return AccountView(
            age_days=roster.age_days + np.float32(world.now / world.plan.steps_per_day), trust=roster.trust,
            actions_today=done[0], actions_yesterday=done[1], luck=roster.luck,
            oracle_inauthentic=np.full(count, agent.network.inauthentic), oracle_per_person=self.per_person,
        )  # fmt: skip


class Reach:
    """What measures hold back or demote among the live items; rows of the window."""

    def __init__(self, feed: Feed) -> None:
        self.feed, self.measures = feed, feed.plan.safeguards
        self.beyond = np.ones(feed.window, np.float32)
        self.everywhere = np.ones(feed.window, np.float32)
        self.demotes = False
        # Genuine items by language: live, held back, demoted, taken down or excluded; item-steps of the day.
        self.items = np.zeros((len(feed.plan.languages), 4), np.int64)
        acts = [m.mitigation for m in self.measures.measures]
        self.wanted = any(m.holds or m.demotes for m in acts)

    def apply(self, start: int, end: int) -> None:
        """Take held items out of what may be recommended, and set the factors of the others."""
        feed, state, count = self.feed, self.feed.state, end - start
        status = state.status[start:end]
        self.demotes = False
        if not (self.wanted or self.measures.removes or feed.plan.moderated):
            return  # nothing is ever held back
        labels = state.items.labels
        volunteers = labels.kind[start:end] == VOLUNTEER
        withdrawn = state.away[start:end] & volunteers  # with an account that moderation or a measure has removed
        genuine = (labels.present[start:end] | withdrawn) & ((labels.campaign[start:end] < 0) | volunteers)
        language = labels.language[start:end][genuine]
        self._count(0, language, np.ones(len(language), bool))
        if status.any() or withdrawn.any():
            gone = ((status & (REMOVED | EXCLUDED)) > 0) | withdrawn
            feed.eligible[:count] &= ~gone
            feed.trial[:count] &= ~gone
            self._count(3, language, gone[genuine])
            factors = np.where(status & DEMOTED, np.float32(feed.plan.demotion), np.float32(1.0))
            factors = factors * np.where(status & LABELLED, np.float32(feed.plan.label_demotion), np.float32(1.0))
            if (factors != 1).any():
                self.everywhere[:count] = factors
                self.beyond[:count], self.demotes = 1.0, True
        view = self._view(start, end) if self.wanted else None
        held = self.measures.held(view) if view is not None else None
        if held is not None:
            self._count(1, language, held[genuine])
            feed.eligible[:count] &= ~held
            feed.trial[:count] &= ~held
        lowered = self.measures.demotion(view) if view is not None else None
        if lowered is not None and (lowered != 1).any():
            self.beyond[:count] = lowered
            if not self.demotes:
                self.everywhere[:count] = 1.0
            self.demotes = True
        if self.demotes:
            lower = self.beyond[:count] * self.everywhere[:count] < 1
            self._count(2, language, lower[genuine])

    def _count(self, column: int, language: np.ndarray, where: np.ndarray) -> None:
        self.items[:, column] += np.bincount(language[where], minlength=len(self.items))

    def _view(self, start: int, end: int) -> ItemView:
        feed, state, count = self.feed, self.feed.state, end - start
        labels = state.items.labels
        pace = LN2 / np.float32(feed.plan.scenario.platform.predictor.half_life_h.value)
        views = feed.books.of("gates").decayed[0, start:end] * pace
        opened = views[feed.eligible[:count]]
        # Integers: a sum of floats could depend on the machine.
        mean = int((opened * np.float32(1024)).astype(np.int64).sum()) / 1024 / max(1, len(opened))
        return ItemView(
            age_h=feed.age_h[:count], is_candidate=labels.candidate[start:end] >= 0,
            official=labels.kind[start:end] == OFFICIAL, labelled=(state.status[start:end] & LABELLED) > 0,
            views_per_h=views, typical_views_per_h=mean,
        )  # fmt: skip

    def log_factors(self, count: int) -> np.ndarray:
        """(W,) float32, logarithm of the factors, for the order of retrieval."""
        factor = np.maximum(self.beyond[:count] * self.everywhere[:count], np.float32(1e-6))
        return rng.logarithms(factor)


__all__ = ["Guard", "Reach"]
