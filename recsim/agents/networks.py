"""Networks of accounts that act: which accounts exist, when they are awake, how often they act."""

from __future__ import annotations

import dataclasses

import numpy as np

from recsim import rng
from recsim.kernels.acts import Shift, Tactics
from recsim.rng import Decision, Key

FULL = 1024
"""Weight of an action that counts in full."""
AGED_DAYS, NEW_DAYS = np.float32(2900.0), np.float32(30.0)
"""Age of accounts at the start: created in 2016 as reported; otherwise about a month, an assumption."""


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
    bulk_follows: float  # simulated follows delivered evenly between first and last step


@dataclasses.dataclass
class Roster:
    """The accounts of one network in one world.

    Attributes:
        aged: (N,) bool, created years before. delay: (N,) float32 in [0, 1), order of activation.
        active: (N,) bool, not removed.
        age_days: (N,) float32, age at the start of the run, days. trust: (N,) float32, 0-1, what moderation leaves.
        luck: (N,) float32 in [0, 1), a standing draw.
        weight: (N,) int32, what an action of the account counts for the platform, in 1/1024.
        group: (N,) uint8, group in which the platform counts it.
        log: counted actions, parts of (K, 5) int32: account, item, action (index in `recsim.state.ACTIONS`), weight in
            1/1024, step; never changed once written.
    """

    aged: np.ndarray
    delay: np.ndarray
    active: np.ndarray
    age_days: np.ndarray
    trust: np.ndarray
    luck: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    log: list[np.ndarray]

    def fork(self) -> Roster:
        """A copy whose changes leave this one alone."""
        return dataclasses.replace(
            self,
            active=self.active.copy(),
            trust=self.trust.copy(),
            weight=self.weight.copy(),
            group=self.group.copy(),
            log=list(self.log),
        )


def make_roster(network: Network, key: Key) -> Roster:
    """Who is in a network, all of them active and counted in full."""
    count = int(np.ceil(max(network.accounts, network.at_dose_one)))
    u = rng.uniforms(key, Decision.ACCOUNT, network.population, np.arange(count, dtype=np.uint32))
    aged = u[:, 0] < np.float32(network.aged_share)
    return Roster(
        aged, np.ascontiguousarray(u[:, 1]), np.ones(count, np.bool_),
        np.where(aged, AGED_DAYS, NEW_DAYS), np.ones(count, np.float32), np.ascontiguousarray(u[:, 2]), np.full(count, FULL, np.int32), np.zeros(count, np.uint8), [],
    )  # fmt: skip


def shift_of(network: Network, step: int, acting: bool) -> Shift | None:
    """Who works in this step; None if nobody can.

    Doses are nested: account n acts with weight clip(accounts - n, 0, 1), so half a dose's accounts are among those of
    a full dose.

    Args:
        network: the campaign.
        step: simulated step.
        acting: whether the campaign acts in this world.
    """
    per_step = network.actions_per_day * float(network.hour_share[step % len(network.hour_share)])
    working = acting and network.first_step <= step < min(network.last_step, network.removal_step)
    # Accounts of a network that never acts in this world are never removed from it.
    exists = not acting or step < network.removal_step
    sleeping = network.dormant_activity if exists and network.aged_share > 0 else 0.0
    if per_step <= 0 or not ((working and network.accounts > 0) or sleeping > 0):
        return None
    return Shift(
        np.float64(per_step), bool(working), np.float64(network.accounts), np.float64(step - network.first_step),
        np.float64(network.ramp_steps), np.float64(sleeping), np.float64(network.at_dose_one),
    )  # fmt: skip


def bulk(network: Network, key: Key, step: int, acting: bool) -> int:
    """Follows delivered in this step: the expected number, rounded by a keyed draw."""
    if not acting or not network.first_step <= step < network.last_step:
        return 0
    expected = network.bulk_follows / (network.last_step - network.first_step)
    u = rng.uniforms(key, Decision.BULK, network.population, np.zeros(1, np.uint32), step=step)[0, 0]
    return int(expected) + int(u < expected - int(expected))
