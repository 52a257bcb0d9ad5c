"""One world in several processes: each has the rows of some people, and everything else whole.

People are cut into contiguous ranges of their numbers, one for each shard. Every shard does every step: its own people
visit and look, and what they did is added up over all shards before anybody learns from it. From there on all shards have
the same counts of items, authors, campaigns and the platform, and do the same with them. Nothing but integers is added,
and lists come together in the order of people, so the result is that of one process, bit for bit.

This file knows nothing of processes and connections: see `recsim.experiment.shards`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from recsim.errors import RecsimError


class Exchange(Protocol):
    """How the shards of a world bring together what they have.

    Attributes:
        shard: number of this one. shards: how many there are.
    """

    shard: int
    shards: int

    def swap(self, sums: Sequence[np.ndarray], lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Wait for all shards.

        Args:
            sums: integer arrays of the same shapes everywhere; each becomes the sum over all shards.
            lists: arrays whose rows may differ in number.

        Returns:
            For each of ``lists`` the rows of all shards, in order of the shards.
        """


class Alone:
    """The exchange of a world that is whole."""

    shard, shards = 0, 1

    def swap(self, sums: Sequence[np.ndarray], lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What there is is all there is."""
        return list(lists)


ALONE = Alone()


def bounds(people: int, shards: int) -> np.ndarray:
    """(S + 1,) int64: shard k has the people numbered from the k-th to before the next."""
    return people * np.arange(shards + 1, dtype=np.int64) // shards


def add_up(exchange: Exchange, *tables: np.ndarray) -> None:
    """Add tables up over shards, which may have different numbers of threads.

    Args:
        tables: (threads, ...) integers. With one shard they stay as they are; else the sum over all threads of all shards
            comes to stand in the row of the first thread, and the others are 0.
    """
    if exchange.shards == 1:
        return
    sums = [table.sum(axis=0, dtype=table.dtype) for table in tables]
    exchange.swap(sums, [])
    for table, total in zip(tables, sums, strict=True):
        table[:] = 0
        table[0] = total


def total_of(exchange: Exchange, number: int) -> int:
    """The sum of one number over all shards."""
    total = np.array([number], np.int64)
    exchange.swap([total], [])
    return int(total[0])


def of_all(exchange: Exchange, *columns: np.ndarray) -> list[np.ndarray]:
    """Columns of all people, in order of their numbers, from those of this shard's people."""
    return exchange.swap([], columns)


def agree(exchange: Exchange, what: str, *arrays: np.ndarray) -> None:
    """Look whether all shards have the same bits where they should.

    Args:
        what: they are, for the error. arrays: which every shard works out for itself.

    Raises:
        RecsimError: they differ: the machines do not compute alike.
    """
    if exchange.shards == 1:
        return
    found = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).digest()
    (all_found,) = exchange.swap([], [np.frombuffer(found, np.uint8)])
    if len(np.unique(all_found.reshape(exchange.shards, -1), axis=0)) > 1:
        raise RecsimError(f"shards of one world have different {what}: their machines do not compute alike")


def in_order_of_visits(
    exchange: Exchange, person: np.ndarray, stratum: Callable[[np.ndarray], np.ndarray], first_person: int, columns: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
    """Lists of what people did in a step, as one process would have written them: visits are sorted by stratum, then number.

    Args:
        person: (N,) int32, rows of this shard's people, in order of visits. stratum: gives theirs.
        first_person: number of the person in row 0.
        columns: (N, ...) what goes with them.

    Returns:
        (M,) int32 numbers of people, and the columns, over all shards; with one, its rows are their numbers.
    """
    if exchange.shards == 1:
        return person, list(columns)
    number = (person.astype(np.int64) + first_person).astype(np.int32)
    group, number, *rest = exchange.swap([], [stratum(person), number, *columns])
    order = np.lexsort((number, group))  # stable: what one person did stays in its order
    return number[order], [column[order] for column in rest]
