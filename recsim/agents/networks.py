"""Networks of accounts that act: which accounts exist, when they are awake, how often they act."""

from __future__ import annotations

import dataclasses

import numpy as np

from recsim import rng
from recsim.kernels.acts import Tactics
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
    return u[:, 0] < np.float32(network.aged_share), u[:, 1]


def activity(
    network: Network, aged: np.ndarray, delay: np.ndarray, step: int, acting: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Expected actions of each account in this step, and which accounts are awake.

    Args:
        network: the campaign.
        aged, delay: from `roster`.
        step: simulated step.
        acting: whether the campaign acts in this world.

    Returns:
        rate (N,) float32 and awake (N,) bool. Doses are nested: account n acts with weight clip(dose - n, 0, 1).
    """
    number = np.arange(len(aged))
    per_step = network.actions_per_day * float(network.hour_share[step % len(network.hour_share)])
    weight = np.zeros(len(aged))
    if acting and network.first_step <= step < min(network.last_step, network.removal_step):
        ready = step >= network.first_step + delay * network.ramp_steps
        weight = np.clip(network.accounts - number, 0.0, 1.0) * ready
    awake = weight > 0
    exists = aged & (number < network.at_dose_one) & (step < network.removal_step)
    dormant = np.where(exists & ~awake, network.dormant_activity, 0.0)
    return (per_step * (weight + dormant)).astype(np.float32), awake


def bulk(network: Network, key: Key, step: int, acting: bool) -> int:
    """Follows delivered in this step: the expected number, rounded by a keyed draw."""
    if not acting or not network.first_step <= step < network.last_step:
        return 0
    expected = network.bulk_follows / (network.last_step - network.first_step)
    u = rng.uniforms(key, Decision.BULK, network.population, np.zeros(1, np.uint32), step=step)[0, 0]
    return int(expected) + int(u < expected - int(expected))
