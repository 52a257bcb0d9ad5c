"""Checkpoints of a world in shards: each shard writes its own part, and one is there only when all have theirs.

What one shard has and another has not is never gone on from, and nothing old is deleted before everybody has the new: a
kill at any moment leaves at least one checkpoint that is whole everywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from recsim.experiment.checkpoints import Checkpoints, Place
from recsim.world.shards import Exchange, total_of

END = 0
"""Between the names of one shard and those of the next."""


def part_of(place: Place, shard: int) -> Place:
    """Where one shard keeps its part; ``place`` is that of the task."""
    return dataclasses.replace(place, path=place.path / f"shard-{shard:04d}")


class ShardCheckpoints:
    """A store for `recsim.world.legs`: every shard of a world has one, and calls it when the others do.

    Args:
        store: this shard's own. exchange: with the others.
    """

    def __init__(self, store: Checkpoints, exchange: Exchange) -> None:
        self.store, self.exchange = store, exchange
        self._notes: list[str] = []
        self._common = self._in_all(store.names())

    def _in_all(self, names: set[str]) -> set[str]:
        text = np.frombuffer("\n".join(sorted(names)).encode() + bytes([END]), np.uint8)
        (found,) = self.exchange.swap([], [text])
        of_shards = found.tobytes().decode().split(chr(END))[:-1]
        return set.intersection(*(set(one.split("\n")) for one in of_shards)) - {""}

    @property
    def notes(self) -> list[str]:
        """What happened, one line each."""
        return [*self.store.notes, *self._notes]

    def names(self) -> set[str]:
        """Checkpoints that all shards have."""
        return set(self._common)

    def begin(self, step: int) -> None:
        """An interval begins."""
        self.store.begin(step)

    def due(self, step: int) -> bool:
        """Whether the interval is over; by the clock of the first shard, since clocks differ."""
        every = self.store.place.every
        if every is None or not every.seconds:
            return self.store.due(step)
        return total_of(self.exchange, int(self.exchange.shard == 0 and self.store.due(step))) > 0

    def keep(self, names: set[str]) -> None:
        """Delete all others of this shard."""
        self.store.keep(names)
        self._common &= names

    def save(self, name: str, content: Callable[[], dict[str, Any]], position: Mapping[str, Any]) -> bool:
        """Write a checkpoint; False, and it counts for nobody, if one of the shards could not."""
        if self.store.place.every is None:
            return False
        done = self.store.save(name, content, position)
        if total_of(self.exchange, int(done)) < self.exchange.shards:
            if done:
                self._note("a checkpoint could not be written by another shard; it went on without")
            return False
        self._common.add(name)
        return True

    def load(self, name: str) -> Any | None:
        """This shard's part; None if a part of any shard is damaged, which is noted."""
        content = self.store.load(name)
        if total_of(self.exchange, int(content is not None)) < self.exchange.shards:
            if content is not None:
                self._note(f"checkpoint {name} was damaged in another shard and not used")
            self._common.discard(name)
            return None
        return content

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)
