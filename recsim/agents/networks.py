"""Networks of accounts that act: which accounts exist, when they are awake, how often they act."""

from __future__ import annotations

import dataclasses

import numpy as np

from recsim import rng
from recsim.agents.campaign_posts import places_of_accounts
from recsim.agents.supply_plans import PlaceMix
from recsim.kernels.acts import Shift, Tactics
from recsim.rng import Decision, Key

FULL = 1024
"""Weight of an action that counts in full."""
MICRO = 1_000_000
"""Millionths of a euro in a euro: money is counted in whole ones."""
NO_LIMIT = 1 << 62
"""Budget, in millionths of a euro, that is never reached."""


@dataclasses.dataclass(frozen=True)
class Network:
    """One campaign's acting accounts, as plain values; actions are already in simulated units.

    Accounts stay whole and their actions are thinned by the scale of the simulation, so that a network of twelve
    never disappears by rounding.
    """

    campaign: str
    population: int
    beneficiary: int
    inauthentic: bool
    accounts: float  # real accounts at the dose in question
    at_dose_one: float  # real accounts at dose 1: those exist, dormant, in every world
    actions_per_day: float  # simulated actions of one awake account
    aged_share: float
    dormant_activity: float
    ramp_steps: float
    first_step: int
    last_step: int  # exclusive
    removal_step: int
    hour_share: np.ndarray  # (steps per day,) float64, share of a day's actions in each step of the day
    max_age: int  # steps
    tactics: Tactics
    bulk_bought: float  # simulated follows bought, evenly between first and last step
    bulk_follows: float  # those of them that are delivered
    segment_topic: int = 0
    burst_share: float = 0.0  # of a day's actions
    bursts_per_day: int = 1
    budget: int = NO_LIMIT  # millionths of a euro
    account_price: int = 0  # millionths of a euro for one real account
    account_age_days: float = 30.0  # at the start of the run; where accounts are people's, the mean of an exponential
    aged_account_days: float = 2900.0
    shared_address_accounts: int = 1
    replacement_share: float = 0.0
    replacement_steps: int = 0
    place: PlaceMix | None = None  # where accounts appear to be; None: all in the main language


@dataclasses.dataclass
class Roster:
    """The accounts of one network in one world.

    Attributes:
        aged: (N,) bool, created years before. delay: (N,) float32 in [0, 1), order of activation.
        active: (N,) bool, not removed. idle: (N,) bool, held up by a captcha: not removed, and does nothing.
        age_days: (N,) float32, age at the start of the run, days. trust: (N,) float32, 0-1, what moderation leaves.
        luck: (N,) float32 in [0, 1), a standing draw.
        weight: (N,) int32, what an action of the account counts for the platform, in 1/1024.
        group: (N,) uint8, group in which the platform counts it.
        joined: (N,) bool, not (or no longer) waiting to replace a removed account. since: (N,) int64, step at which the
            account was found removed, -1 not. willing: (N,) bool, takes a removed account's place when its time comes.
        address: (N,) int32, network address, numbered within the network.
        language: (N,) int8, that the account appears in; never changes.
        capped: (I, 10) int32, weight of the events that a recognised cluster of these accounts has counted, in 1/1024; I = 0
            without a cap.
        purse: (2,) int64, spent and budget, millionths of a euro.
        log: counted actions, parts of (K, 5) int32: account, item, action (index in `recsim.state.ACTIONS`), weight in
            1/1024, step; never changed once written. Item -1: the beneficiary's official account; below: another author, see
            `recsim.kernels.acts.FOLLOWED`. Watch: a whole item.
        fake: beside each part of the log (K,) bool, whether the event is also among those that campaigns did.
    """

    aged: np.ndarray
    delay: np.ndarray
    active: np.ndarray
    idle: np.ndarray
    age_days: np.ndarray
    trust: np.ndarray
    luck: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    joined: np.ndarray
    since: np.ndarray
    willing: np.ndarray
    address: np.ndarray
    language: np.ndarray
    purse: np.ndarray
    capped: np.ndarray
    log: list[np.ndarray]
    fake: list[np.ndarray]

    def fork(self) -> Roster:
        """A copy whose changes leave this one alone."""
        return dataclasses.replace(
            self,
            active=self.active.copy(),
            idle=self.idle.copy(),
            trust=self.trust.copy(),
            weight=self.weight.copy(),
            group=self.group.copy(),
            age_days=self.age_days.copy(),
            joined=self.joined.copy(),
            since=self.since.copy(),
            purse=self.purse.copy(),
            capped=self.capped.copy(),
            log=list(self.log),
            fake=list(self.fake),
        )


def entries(accounts: int, places: int, scale: float) -> np.ndarray:
    """(N,) int64, which accounts of a network stand together for one real account, numbered from 0.

    Accounts stay whole while their actions are thinned by the scale of the simulation, so ``1 / scale`` of them together
    act as often as one real account. Those that replace removed ones never stand together with the first ones: what
    was found out about these says nothing about them.

    Args:
        accounts: N, those that replace others included. places: of the first ones. scale: of the simulation, 0-1.
    """
    first = np.floor(np.arange(places) * scale).astype(np.int64)
    return np.concatenate([first, first[: accounts - places] + first[-1:].max(initial=-1) + 1])


def places_of(network: Network) -> int:
    """Accounts of a network at the larger of its dose and dose 1."""
    return int(np.ceil(max(network.accounts, network.at_dose_one)))


def make_roster(network: Network, key: Key) -> Roster:
    """Who is in a network, all of them active and counted in full."""
    places = places_of(network)
    count = places * (2 if network.replacement_share > 0 else 1)
    u = rng.uniforms(key, Decision.ACCOUNT, network.population, np.arange(count, dtype=np.uint32))
    first = np.arange(count) < places
    aged = (u[:, 0] < np.float32(network.aged_share)) & first
    language = np.zeros(count, np.int64)
    if network.place is not None:
        language, _ = places_of_accounts(key, network.population, count, network.place)
    age = np.where(aged, np.float32(network.aged_account_days), np.float32(network.account_age_days))
    if not network.inauthentic:  # real people: their accounts are as old as anybody's
        u_age = rng.uniforms(key, Decision.STANDING, network.population, np.arange(count, dtype=np.uint32))[:, 0]
        age = -rng.logarithms(np.float32(1.0) - u_age) * np.float32(network.account_age_days)
    return Roster(
        aged=aged, delay=np.where(first, u[:, 1], np.float32(0.0)), active=first.copy(), idle=np.zeros(count, np.bool_),
        age_days=age,
        trust=np.ones(count, np.float32), luck=np.ascontiguousarray(u[:, 2]), weight=np.full(count, FULL, np.int32),
        group=np.zeros(count, np.uint8), joined=first.copy(), since=np.full(count, -1, np.int64),
        willing=~first & (u[:, 3] < np.float32(network.replacement_share)),
        address=np.arange(count, dtype=np.int32) // network.shared_address_accounts,
        language=language.astype(np.int8),
        purse=np.array([0, network.budget], np.int64), capped=np.zeros((0, 10), np.int32), log=[], fake=[],
    )  # fmt: skip


def replace_removed(network: Network, roster: Roster, step: int, steps_per_day: int) -> int:
    """Make new accounts for those that were removed long enough ago, as far as the money lasts; how many are made.

    The new account n + N stands in for account n of N, is of age 0 and paid for like any other.
    """
    places = places_of(network)
    old, new = slice(0, places), slice(places, 2 * places)
    roster.since[old][~roster.active[old] & (roster.since[old] < 0)] = step
    waited = (roster.since[old] >= 0) & (step >= roster.since[old] + network.replacement_steps)
    due = np.flatnonzero(waited & roster.willing[new] & ~roster.joined[new] & (np.arange(places) < network.accounts))
    if network.account_price > 0:
        due = due[: max(0, int((roster.purse[1] - roster.purse[0]) // network.account_price))]
    roster.purse[0] += len(due) * network.account_price
    roster.active[due + places] = roster.joined[due + places] = True
    roster.age_days[due + places] = np.float32(-step / steps_per_day)
    return len(due)


def day_share(network: Network, key: Key, step: int) -> float:
    """Share of a day's actions that falls into this step: evenly over the active hours, and in bursts of one step.

    A burst may come in any active step, in proportion to the even share.
    """
    even = network.hour_share
    now = step % len(even)
    if network.burst_share <= 0:
        return float(even[now])
    day, number = step // len(even), np.arange(network.bursts_per_day)
    u = rng.uniforms(key, Decision.BURST, network.population, np.full(len(number), day, np.uint32), number)[:, 0]
    edges = np.cumsum(even)
    when = np.minimum(np.searchsorted(edges, u.astype(np.float64) * edges[-1], side="right"), len(even) - 1)
    bursts = int((when == now).sum()) / network.bursts_per_day
    return float((1 - network.burst_share) * even[now] + network.burst_share * bursts)


def shift_of(network: Network, key: Key, step: int, acting: bool) -> Shift | None:
    """Who works in this step; None if nobody can.

    Doses are nested: account n acts with weight clip(accounts - n, 0, 1), so half a dose's accounts are among those of
    a full dose.

    Args:
        network: the campaign.
        key: draw key.
        step: simulated step.
        acting: whether the campaign acts in this world.
    """
    per_step = network.actions_per_day * day_share(network, key, step)
    # Accounts of a network that never acts in this world are never removed from it; one that replaces its accounts goes
    # on after the removal, which is then a matter of each account.
    exists = not acting or step < network.removal_step or network.replacement_share > 0
    working = acting and exists and network.first_step <= step < network.last_step
    sleeping = network.dormant_activity if exists and network.aged_share > 0 else 0.0
    if per_step <= 0 or not ((working and network.accounts > 0) or sleeping > 0):
        return None
    return Shift(
        np.float64(per_step), bool(working), np.float64(network.accounts), np.float64(step - network.first_step),
        np.float64(network.ramp_steps), np.float64(sleeping), np.float64(network.at_dose_one), np.int64(places_of(network)),
    )  # fmt: skip


def bulk(network: Network, key: Key, step: int, acting: bool) -> tuple[int, int]:
    """Follows bought and delivered in this step: the expected numbers, rounded by one keyed draw."""
    if not acting or not network.bulk_bought or not network.first_step <= step < network.last_step:
        return 0, 0
    u = rng.uniforms(key, Decision.BULK, network.population, np.zeros(1, np.uint32), step=step)[0, 0]

    def rounded(follows: float) -> int:
        expected = follows / (network.last_step - network.first_step)
        return int(expected) + int(u < expected - int(expected))

    return rounded(network.bulk_bought), rounded(network.bulk_follows)
