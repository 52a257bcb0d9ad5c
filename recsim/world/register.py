"""All accounts a platform has to do with, in one numbering: people, then the accounts of each network."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from recsim.agents.cases import ACCOUNT
from recsim.agents.detectors import Log
from recsim.agents.enforcement import AccountEffect
from recsim.agents.networks import Network as NetworkPlan
from recsim.agents.networks import places_of
from recsim.kernels.acts import FOLLOWED
from recsim.rng import hash32
from recsim.state import ADVERTISEMENT, BOT, IMPERSONATION, INFLUENCER, KINDS
from recsim.world.shards import of_all

if TYPE_CHECKING:
    from recsim.scenario.moderation import Notice
    from recsim.world.acting import Network
    from recsim.world.world import World

SHIFT = np.uint64(32)


def removed(world: World, network: NetworkPlan) -> bool:
    """Whether a network is gone as a whole, by its documented date; one that replaces its accounts goes on with those."""
    bots = {c.id for c in world.plan.campaigns if c.type == "bot_network"}
    due = network.campaign in bots and world.now >= network.removal_step and network.replacement_share == 0
    return due and network.accounts > 0 and world.arm.acts(network.campaign)


class Register:
    """Accounts of one world.

    ``1 / scale`` accounts of a network act as often as one real account, since their actions are thinned; they are one
    entry. Numbers do not depend on the order of campaigns in the scenario, and not on the arm.

    Attributes:
        people: entries that are people, the first ones.
        count: A, all entries.
        subject: (A,) uint64, identity. population, number: (A,) uint32, its two halves.
        address: (A,) int32, network address. seeds: (A,) bool, known to be people.
        inauthentic: (A,) bool. language: (A,) int8, of people theirs, of a network's accounts the one they appear in.
    """

    def __init__(self, world: World) -> None:
        plan, state = world.plan, world.state
        self.world, self.people = world, plan.people
        self.first, self.groups, self.lead = [], [], []
        population = [np.full(plan.people, hash32("people"), np.uint32)]
        number = [np.arange(plan.people, dtype=np.uint32)]
        age_of_people, language_of_people = of_all(state.exchange, state.standing[:, 0], state.cells.language)
        age = [age_of_people]
        fake = [np.zeros(plan.people, bool)]
        address = [np.arange(plan.people, dtype=np.int32)]
        language = [language_of_people]
        count = plan.people
        for agent in world.networks:
            roster = agent.roster
            accounts = len(roster.active)
            group = agent.entry
            size = int(group[-1]) + 1 if accounts else 0
            self.first.append(count)
            self.groups.append(group)
            lead = np.searchsorted(group, np.arange(size))
            population.append(np.full(size, agent.network.population, np.uint32))
            number.append(np.arange(size, dtype=np.uint32))
            self.lead.append(lead)
            age.append(roster.age_days[lead])
            language.append(roster.language[lead])
            fake.append(np.full(size, agent.network.inauthentic))
            shared = max(1, round(getattr(agent.network, "shared_address_accounts", 1)))
            address.append((count + np.arange(size) // shared).astype(np.int32))
            count += size
        self.count = count
        self.population, self.number = np.concatenate(population), np.concatenate(number)
        self.subject = (self.population.astype(np.uint64) << SHIFT) | self.number
        self.age_of_people, days = age_of_people, np.concatenate(age)
        self.address = np.concatenate(address)
        self.inauthentic = np.concatenate(fake)
        self.language = np.concatenate(language)
        # A platform knows some of its oldest accounts.
        self.seeds = (~self.inauthentic) & (days >= np.float32(3 * 365))
        self.order = np.argsort(self.subject, kind="stable")
        self.in_order = self.subject[self.order]

    def place(self, subject: np.ndarray) -> np.ndarray:
        """(N,) entries of identities."""
        return self.order[np.searchsorted(self.in_order, subject)]

    @property
    def created(self) -> np.ndarray:
        """(A,) int32, step of creation as of now: accounts that replace removed ones are made during the run."""
        age = [self.age_of_people]
        age += [agent.roster.age_days[lead] for agent, lead in zip(self.world.networks, self.lead, strict=True)]
        steps = np.concatenate(age) * np.float32(self.world.plan.steps_per_day)
        return -np.minimum(steps, np.float32(2**30)).astype(np.int32)

    def there(self) -> np.ndarray:
        """(A,) bool, accounts that have not been removed."""
        out = np.ones(self.count, bool)
        for agent, first, group in zip(self.world.networks, self.first, self.groups, strict=True):
            gone = removed(self.world, agent.network)
            out[first + np.unique(group)] = False
            out[first + np.unique(group[agent.roster.active & (not gone)])] = True
        return out

    def acting(self) -> np.ndarray:
        """(A,) bool, inauthentic accounts whose campaign acts in this world by now, and that still exist."""
        out = np.zeros(self.count, bool)
        for agent, first, group in zip(self.world.networks, self.first, self.groups, strict=True):
            network = agent.network
            if network.inauthentic and self.world.arm.acts(network.campaign) and network.first_step <= self.world.now:
                place = np.arange(len(group)) % places_of(network)  # who replaces an account stands in its place
                out[first + np.unique(group[agent.roster.active & (place < network.accounts)])] = True
        return out & self.there()

    def log(self, parts: list[np.ndarray], since: int) -> Log:
        """People's and networks' actions from step ``since`` on, as a detector sees them.

        A follow is on no item; the account that is followed stands in its place, numbered behind all items: official ones,
        then authors (whom a placebo follows).
        """
        items, candidates = len(self.world.state.items.id), len(self.world.plan.candidates)
        tables = [np.zeros((0, 4), np.int32), *parts]
        for agent, first, group in zip(self.world.networks, self.first, self.groups, strict=True):
            for part in agent.roster.log:
                if len(part) and part[0, 4] >= since:
                    target = np.where(part[:, 1] == -1, items + agent.network.beneficiary, part[:, 1])
                    target = np.where(part[:, 1] <= FOLLOWED, items + candidates + FOLLOWED - part[:, 1], target)
                    columns = [first + group[part[:, 0]], target, part[:, 2], part[:, 4]]
                    tables.append(np.stack(columns, axis=1).astype(np.int32))
        table = np.concatenate(tables)
        table = table[np.argsort(table[:, 3], kind="stable")]
        return Log(
            np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]), table[:, 2].astype(np.int8),
            np.ascontiguousarray(table[:, 3]),
        )  # fmt: skip

    def of_networks(self, place: np.ndarray) -> list[tuple[Network, np.ndarray]]:
        """Networks with any of these entries, and which of their accounts, of those that exist: (N,) bool each."""
        out: list[tuple[Network, np.ndarray]] = []
        if not len(place):
            return out
        for agent, first, group in zip(self.world.networks, self.first, self.groups, strict=True):
            mask = np.isin(group + first, place) & agent.roster.joined
            if mask.any():
                out.append((agent, mask))
        return out

    def sanction(self, place: np.ndarray, effect: AccountEffect) -> None:
        """Let a sanction begin. A person under one goes on watching: what she does counts less, or not at all.

        Accounts that wait to replace removed ones do not exist yet, so nothing happens to them.
        """
        people = self._rows(place)
        trust = np.float32(0.0 if not effect.counts else effect.activity)
        self.world.state.trust[people] = np.minimum(self.world.state.trust[people], trust)
        for agent, mask in self.of_networks(place):
            roster = agent.roster
            if not effect.counts:
                roster.trust[mask] = 0.0
            if effect.removed:
                roster.active[mask] = False
            else:
                roster.idle[mask] = roster.luck[mask] >= np.float32(effect.activity)

    def _rows(self, place: np.ndarray) -> np.ndarray:
        """Rows of the people among these entries; those of other shards have theirs there."""
        state = self.world.state
        rows = place[place < self.people] - int(state.first_person)
        return rows[(rows >= 0) & (rows < len(state.trust))]

    def release(self, place: np.ndarray) -> None:
        """Let a sanction end. Accounts that are gone for another reason are taken away again in the next step."""
        self.world.state.trust[self._rows(place)] = 1.0
        for agent, mask in self.of_networks(place):
            roster = agent.roster
            roster.trust[mask], roster.active[mask], roster.idle[mask] = 1.0, True, False
            roster.since[mask] = -1  # nobody has to replace it any more

    def items(self, subject: np.ndarray) -> np.ndarray:
        """(N,) item numbers of identities."""
        ids = self.world.state.items.id
        if not len(subject):
            return np.zeros(0, np.int64)
        if not hasattr(self, "_item_order"):
            self._item_order = np.argsort(ids, kind="stable")
        return self._item_order[np.searchsorted(ids[self._item_order], subject)]

    @functools.cached_property
    def first_copy(self) -> np.ndarray:
        """(I,) int64, by which item cases and notices know each item: of an advertisement its first copy, else itself."""
        first = np.arange(len(self.world.state.items.id))
        for copies in self.world.advertising.copies:
            first[copies] = copies[0]
        return first

    def copies(self, rows: np.ndarray) -> np.ndarray:
        """Items and, of the advertisements among them, all copies."""
        ads = self.world.state.items.labels.kind[rows] == ADVERTISEMENT
        if not ads.any():
            return rows
        return np.concatenate([rows[~ads], np.flatnonzero(np.isin(self.first_copy, rows[ads]))])

    def violates(self, rows: np.ndarray) -> np.ndarray:
        """(N,) bool: posts that break the rules: by inauthentic accounts, or paid for and not disclosed; advertisements
        where political ones are banned.
        """
        labels = self.world.state.items.labels
        candidate, kind, campaign = labels.candidate[rows], labels.kind[rows], labels.campaign[rows]
        banned = self.world.plan.scenario.moderation.ads_ban is not None
        breaks = np.isin(kind, (BOT, IMPERSONATION)) | ((kind == INFLUENCER) & ~labels.disclosed[rows])
        breaks |= (kind == ADVERTISEMENT) & banned
        return np.asarray((campaign >= 0) & (candidate >= 0) & breaks)

    def named(self, block: Notice, kind: int) -> np.ndarray:
        """Identities that a notice is about: a network's accounts so far, or live items, advertisements among them."""
        world = self.world
        if kind == ACCOUNT:
            for agent, first, group in zip(world.networks, self.first, self.groups, strict=True):
                if agent.network.campaign == block.campaign:
                    return self.subject[first + np.unique(group[agent.roster.joined])]
            return np.zeros(0, np.uint64)
        start, end = world.window
        labels = world.state.items.labels
        there = labels.present[start:end] | (labels.kind[start:end] == ADVERTISEMENT)
        keep = there & (labels.candidate[start:end] >= 0)
        if block.campaign is not None:
            numbers = [k for k, c in enumerate(world.plan.campaigns) if c.id == block.campaign]
            keep &= np.isin(labels.campaign[start:end], numbers)
        if block.candidate is not None:
            keep &= labels.candidate[start:end] == [c.id for c in world.plan.candidates].index(block.candidate)
        if block.content is not None:
            keep &= labels.kind[start:end] == KINDS.index(block.content)
        return world.state.items.id[np.unique(self.first_copy[start:end][keep])]
