"""Networks of accounts that act: which accounts exist, when they are awake, how often they act."""

from __future__ import annotations

import dataclasses

import numpy as np

from recsim import rng
from recsim.kernels.acts import Shift, Tactics
from recsim.rng import Decision, Key


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


def roster(network: Network, key: Key) -> tuple[np.ndarray, np.ndarray]:
    """Aged accounts and order of activation.

    Returns:
        aged (N,) bool and delay (N,) float32 in [0, 1).
    """
    count = int(np.ceil(max(network.accounts, network.at_dose_one)))
    u = rng.uniforms(key, Decision.ACCOUNT, network.population, np.arange(count, dtype=np.uint32))
    return u[:, 0] < np.float32(network.aged_share), np.ascontiguousarray(u[:, 1])


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
