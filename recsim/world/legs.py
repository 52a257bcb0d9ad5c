"""A replicate as legs: stretches of simulated time between forks, each done once, in any number of sessions.

The shared days are the first leg; each part of the tree of arms is one leg in every luck branch. With a store, finished
legs and the worlds at forks are kept there, and a leg that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from recsim.rng import Key
from recsim.world.arms import SHARED, Arm
from recsim.world.build import State
from recsim.world.checkpoint import made, packed, restored, size_of, snapshot
from recsim.world.footprint import ON_DISK
from recsim.world.plan import Plan
from recsim.world.shards import total_of
from recsim.world.tree import Part
from recsim.world.world import World


class Leg(NamedTuple):
    """One stretch, from a fork (or the beginning) to the next (or the end)."""

    number: int
    parent: int  # number of the leg whose end it begins at; -1: none
    branch: int  # luck branch; 0 in the shared days
    arms: tuple[Arm, ...]  # () in the shared days
    start: int  # steps
    end: int
    children: tuple[int, ...]


def legs_of(tree: Sequence[Part], branches: int, fork: int) -> list[Leg]:
    """All legs in the order in which they are done: the shared days, then branch by branch, parts before what they split into."""
    legs = [Leg(0, -1, 0, (), 0, fork, ())]

    def grow(part: Part, parent: int, branch: int) -> None:
        number = len(legs)
        legs.append(Leg(number, parent, branch, part.arms, part.start, part.end, ()))
        legs[parent] = legs[parent]._replace(children=(*legs[parent].children, number))
        for child in part.parts:
            grow(child, number, branch)

    for branch in range(branches if tree else 0):
        for part in tree:
            grow(part, 0, branch)
    return legs


class Store(Protocol):
    """Where checkpoints are kept; see `recsim.experiment.checkpoints`."""

    def names(self) -> set[str]:
        """Names of everything that is whole."""

    def save(self, name: str, content: Callable[[], dict[str, Any]], position: Mapping[str, Any]) -> bool:
        """Keep what ``content`` returns under a name, with where in the replicate it belongs; whether that worked."""

    def load(self, name: str) -> Any | None:
        """Content; None if it is damaged, which is noted."""

    def keep(self, names: set[str]) -> None:
        """Delete everything else."""

    def begin(self, step: int) -> None:
        """An interval begins."""

    def due(self, step: int) -> bool:
        """Whether the interval is over."""


def name_of(leg: Leg) -> str:
    """Name of what a finished leg leaves behind."""
    return f"leg-{leg.number:04d}"


def name_of_end(leg: Leg) -> str:
    """Name of the world at the end of a leg."""
    return f"end-{leg.number:04d}"


def name_of_step(leg: Leg, step: int) -> str:
    """Name of the world within a leg."""
    return f"step-{leg.number:04d}-{step:06d}"


def steps_within(leg: Leg, names: set[str]) -> list[str]:
    """Checkpoints within a leg, newest first."""
    return sorted((name for name in names if name.startswith(f"step-{leg.number:04d}-")), reverse=True)


def needed(legs: Sequence[Leg], finished: set[int], names: set[str]) -> set[str]:
    """What of a store is still of use: results of finished legs, and for every other leg the nearest world before it."""
    out = {name for name in names if name.startswith("leg-")}
    for leg in legs:
        at: Leg | None = None if leg.number in finished else leg
        while at is not None:
            within = steps_within(at, names)
            parent = legs[at.parent] if at.parent >= 0 else None
            if within:
                out.add(within[0])
                break
            if parent is not None and name_of_end(parent) in names:
                out.add(name_of_end(parent))
                break
            at = parent
    return out


class Walk:
    """Does all legs of a replicate.

    Args:
        plan: the realised scenario. key: seed and replicate.
        legs: from `legs_of`.
        take: makes of a world at the end of a leg what is kept of the leg: dictionaries, numbers and tables;
            it is given the world, the leg and what the legs before it left, by number.
        threads: threads for the feed.
        report: called with the fraction done after each simulated day.
        store: where to keep checkpoints, or None.
        build: makes the state of the first step.
    """

    def __init__(
        self, plan: Plan, key: Key, legs: Sequence[Leg], take: Callable[[World, Leg, Mapping[int, dict[str, Any]]], dict[str, Any]], threads: int,
        report: Callable[[float], None] | None, store: Store | None, build: Callable[[], State],
    ) -> None:  # fmt: skip
        self.plan, self.key, self.legs, self.take, self.threads, self.store = plan, key, legs, take, threads, store
        self.report, self.build = report, build
        self.held: dict[int, World] = {}
        self.spare: State | None = None  # arrays of a world that is done with
        self.results: dict[int, dict[str, Any]] = {}
        self.steps = max(1, sum(leg.end - leg.start for leg in legs))

    def go(self) -> list[dict[str, Any]]:
        """What is kept of every leg, in order."""
        if self.store is not None:
            for leg in self.legs:
                if name_of(leg) in self.store.names():
                    found = self.store.load(name_of(leg))
                    if found is not None:
                        self.results[leg.number] = made(found)
        for leg in self.legs:
            if leg.number not in self.results:
                self._finish(leg)
        return [self.results[leg.number] for leg in self.legs]

    def _finish(self, leg: Leg) -> None:
        world = self._at_start(leg)
        self._advance(world, leg)
        self.results[leg.number] = self.take(world, leg, self.results)
        if self.store is not None:
            self.store.save(name_of(leg), lambda: packed(self.results[leg.number]), self._position(leg, leg.end))
        if leg.children:
            self._hold(world, leg)
        else:
            self.spare = None if self.held or self.store is None else world.state
            world.close()
        self._tidy()

    def _advance(self, world: World, leg: Leg) -> None:
        if self.store is not None:
            self.store.begin(world.now)
            self._tell(world, leg)  # a resumed leg does not begin at its start
        while world.now < leg.end:
            world.step()
            if world.now % self.plan.steps_per_day == 0:
                self._tell(world, leg)
            if self.store is not None and world.now < leg.end and self.store.due(world.now):
                position = self._position(leg, world.now)
                if self.store.save(name_of_step(leg, world.now), lambda: snapshot(world), position):
                    self._tidy()
                self.store.begin(world.now)

    def _tell(self, world: World, leg: Leg) -> None:
        if self.report is not None:
            done = sum(one.end - one.start for one in self.legs if one.number in self.results)
            here = 0 if leg.number in self.results else world.now - leg.start
            self.report((done + here) / self.steps)

    def _tidy(self) -> None:
        if self.store is not None:
            names = self.store.names()
            self.store.keep(needed(self.legs, set(self.results), names))

    # ---- worlds at forks --------------------------------------------------------------------------------------

    def _at_start(self, leg: Leg) -> World:
        """The world with which a leg begins or goes on."""
        if self.store is not None:
            for name in steps_within(leg, self.store.names()):
                world = self._read(name, leg, int(name.rpartition("-")[2]))
                if world is not None:
                    return world
        if leg.parent < 0:
            return World(self.plan, self.build(), self._key(leg), SHARED, threads=self.threads)
        parent = self.legs[leg.parent]
        world = self._at_end(parent)
        more = any(child != leg.number and child not in self.results for child in parent.children)
        stays = more and not self._only_on_disk(world, parent)
        if not stays:
            del self.held[parent.number]
        return world.fork(leg.arms[0], self._key(leg), keep=stays, same_world=parent.number > 0)

    def _at_end(self, leg: Leg) -> World:
        """The world at a fork: in memory, in the store, or else simulated again."""
        if leg.number not in self.held and self.store is not None and name_of_end(leg) in self.store.names():
            world = self._read(name_of_end(leg), leg, leg.end)
            if world is not None:
                self.held[leg.number] = world
        if leg.number not in self.held:
            world = self._at_start(leg)
            self._advance(world, leg)
            self._hold(world, leg)
        return self.held[leg.number]

    def _hold(self, world: World, leg: Leg) -> None:
        """Keep a world for the legs that begin where it ended."""
        self.held[leg.number] = world
        if self.store is not None and sum(child not in self.results for child in leg.children) > 1:
            self.store.save(name_of_end(leg), lambda: snapshot(world), self._position(leg, leg.end))

    def _only_on_disk(self, world: World, leg: Leg) -> bool:
        """Whether a world at a fork is too large to stay in memory, and safe in the store."""
        if self.store is None or name_of_end(leg) not in self.store.names():
            return False
        exchange = world.state.exchange  # parts differ a little, and all shards have to decide alike
        return total_of(exchange, size_of(packed(world.state))) >= ON_DISK * exchange.shards

    def _read(self, name: str, leg: Leg, step: int) -> World | None:
        assert self.store is not None
        content = self.store.load(name)
        if content is None:
            return None
        state, self.spare = self.spare or self.build(), None
        arm = leg.arms[0] if leg.arms else SHARED
        return restored(self.plan, state, self._key(leg), arm, step, self.threads, content)

    def _key(self, leg: Leg) -> Key:
        return self.key._replace(branch=leg.branch)

    def _position(self, leg: Leg, step: int) -> dict[str, Any]:
        arms = [arm.name for arm in leg.arms] or ["shared"]
        return {"leg": leg.number, "legs": len(self.legs), "branch": leg.branch, "arms": arms, "step": step}


__all__ = ["Leg", "Store", "Walk", "legs_of", "needed"]
