"""Who was shown what: every impression of a world, read from the memory in which the feed keeps what it has shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim.rng import Key
from recsim.scenario.schema import Scenario
from recsim.world.arms import SHARED, Arm
from recsim.world.build import build_state
from recsim.world.plan import make_plan
from recsim.world.world import World


class Exposures(NamedTuple):
    """Impressions in order of step, person and item."""

    step: np.ndarray  # (N,) int32
    person: np.ndarray  # (N,) int32
    item: np.ndarray  # (N,) int32

    def since(self, step: int) -> Exposures:
        """Those from a step on."""
        return Exposures(*(column[self.step >= step] for column in self))


def world_of(scenario: Scenario, replicate: int, arm: Arm = SHARED) -> World:
    """A world at its first step.

    Args:
        scenario: realised. replicate: number from 0. arm: who acts.
    """
    plan, key = make_plan(scenario), Key(scenario.run.seed, replicate)
    return World(plan, build_state(plan, key), key, arm)


def watch(world: World, last: int) -> Exposures:
    """Step a world to step ``last`` and note every impression.

    A feed remembers exactly what it has shown to whom, one bit per person and live item, and shows nothing twice; bits
    that a step has set are its impressions. Advertisements are the exception: they come again and are counted once.

    Args:
        world: changed in place. last: step.
    """
    state, parts = world.state, []
    while world.now < last:
        now, born = world.now, (int(state.born[world.now]), int(state.born[world.now + 1]))
        before = state.observed.seen.copy()
        size = before.shape[1]
        before[:, np.arange((born[0] + 63) // 64, (born[1] + 63) // 64) % size] = 0
        start, _ = world.window
        world.step()
        new = state.observed.seen & ~before
        person, word = np.nonzero(new)
        bits = np.unpackbits(new[person, word].astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
        row, bit = np.nonzero(bits)
        # The live window is shorter than the memory, so a place stands for one live item.
        item = start + (word[row] * 64 + bit - start) % (64 * size)
        parts.append((np.full(len(row), now), person[row], item))
    return Exposures(*(np.concatenate([p[k] for p in parts]).astype(np.int32) for k in range(3)))


def follows_of(world: World) -> np.ndarray:
    """(E,) int64, sorted: author x people + person for every follow there is."""
    accounts, people = world.state.accounts, world.plan.people
    author = np.repeat(np.arange(len(accounts.since), dtype=np.int64), np.diff(accounts.start))
    codes = [author * people + accounts.person]
    for number in np.flatnonzero(accounts.since):
        newer = accounts.newer[accounts.block[number] :][: accounts.size[number]]
        codes.append(number * people + newer[newer >= 0].astype(np.int64))
    return np.sort(np.concatenate(codes))


def by_followed(world: World, seen: Exposures) -> np.ndarray:
    """(N,) bool: the viewer follows the author now."""
    author = world.state.items.author[seen.item].astype(np.int64)
    return member(follows_of(world), author * world.plan.people + seen.person)


def member(codes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(N,) bool, which of ``wanted`` are among sorted ``codes``."""
    if not len(codes):
        return np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    return codes[at] == wanted
