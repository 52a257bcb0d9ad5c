"""What is counted, by reader: people see all counts; a platform may weigh them; an arm may hide inauthentic ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from recsim.kernels import counters as counting
from recsim.kernels import weighing
from recsim.ranking.mitigation import Aggregate
from recsim.state import ACTIONS
from recsim.world.arms import Arm

if TYPE_CHECKING:
    from recsim.world.build import State
    from recsim.world.plan import Plan

HOW = {"sum": weighing.SUM, "median": weighing.MEDIAN, "trimmed": weighing.TRIMMED}
WHOLE, FRACTION = np.float32(1.0), np.float32(1 / 1024)


@dataclasses.dataclass
class Book:
    """Counts as one reader has them.

    Attributes:
        total: (I, 10) int64, events so far.
        counted: (I, 10) int64, those at the end of the step before.
        decayed: (10, I) float32, decayed events.
        exact: (I, 10) int64, weighted events so far in 1/1024; None where every event counts in full.
        folded: (I, 10) int64, those already in ``decayed``.
        recent: (10,) int64, actions of the last full day. today: (10,) int64, actions since, in the unit of ``exact``.
    """

    total: np.ndarray
    counted: np.ndarray
    decayed: np.ndarray
    recent: np.ndarray
    exact: np.ndarray | None = None
    folded: np.ndarray | None = None
    today: np.ndarray | None = None

    def fork(self) -> Book:
        """A copy whose changes leave this one alone."""
        arrays: dict[str, Any] = {name: None if array is None else array.copy() for name, array in vars(self).items()}
        return Book(**arrays)

    def events(self, rows: slice, action: int) -> np.ndarray:
        """(len(rows),) events of a kind so far; fractions count where events are weighed."""
        return self.total[rows, action] if self.exact is None else self.exact[rows, action] / 1024

    def fold(self, start: int, end: int, factor: float) -> None:
        """Decay, and add what is new since the last call."""
        if self.exact is None or self.folded is None:
            counting.decay_and_add(start, end, self.counted, factor, self.total, self.decayed, WHOLE)
            return
        assert self.today is not None
        self.today += (self.exact[start:end] - self.folded[start:end]).sum(axis=0)
        counting.decay_and_add(start, end, self.folded, factor, self.exact, self.decayed, FRACTION)
        self.counted[start:end] = self.total[start:end]

    def end_day(self) -> None:
        """Take over the day's actions, if this book counts them itself."""
        if self.today is not None:
            self.recent[:] = (self.today + 512) >> 10
            self.today[:] = 0


def plain_book(state: State) -> Book:
    """All events in full: what people see, and what a platform without safeguards counts."""
    return Book(state.counters.total, state.counted, state.counters.decayed, state.recent)


def weighing_book(items: int, recent: np.ndarray) -> Book:
    """An empty book of weighted events."""
    shape = (items, len(ACTIONS))
    return Book(
        np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape[::-1], np.float32), recent.copy(),
        np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(len(ACTIONS), np.int64),
    )  # fmt: skip


class Books:
    """The books of one world, kept in its state; ``of(door)`` is the one that a reader has."""

    def __init__(self, plan: Plan, state: State, arm: Arm) -> None:
        self.state, self.arm, self.weighs = state, arm, plan.weighs
        self.aggregate: Aggregate = plan.safeguards.aggregate
        self.plain = plain_book(state)
        if arm.doors is not None and state.clean is None:
            # Until now nothing that a door could hide has happened.
            state.clean = self.open.fork()
            if not self.weighs:
                state.clean.exact, state.clean.folded = state.clean.total.copy() << 10, state.clean.counted.copy() << 10
                state.clean.today = np.zeros(len(ACTIONS), np.int64)
            else:
                state.bare = state.counters.total - state.counters.fake
        if arm.doors is None:
            state.clean = state.bare = None

    @property
    def open(self) -> Book:
        """What the platform counts."""
        return self.plain if self.state.weighed is None else self.state.weighed

    def of(self, door: str) -> Book:
        """The counts behind a door of `recsim.world.arms.DOORS`."""
        return self.open if self.arm.opens(door) or self.state.clean is None else self.state.clean

    def visible(self, door: str) -> np.ndarray:
        """(I, 10) int64, unweighted counts behind a door."""
        if self.arm.opens(door) or self.state.clean is None:
            return self.state.counters.total
        return self.state.clean.total if self.state.bare is None else self.state.bare

    def sum_up(self, start: int, end: int) -> None:
        """Bring totals up to date with the step's events."""
        counters, state = self.state.counters, self.state
        how, trim = HOW[self.aggregate.how], self.aggregate.trim
        if state.weighed is not None:
            weighing.put_together(
                start,
                end,
                counters.valued,
                counters.fake_valued[:0],
                how,
                trim,
                state.weighed.total,
                state.weighed.exact,
            )
        if state.clean is not None:
            if self.weighs:
                weighing.put_together(
                    start, end, counters.valued, counters.fake_valued, how, trim, state.clean.total, state.clean.exact
                )
            else:
                np.subtract(counters.total[start:end], counters.fake[start:end], out=state.clean.total[start:end])
                assert state.clean.exact is not None
                np.left_shift(state.clean.total[start:end], 10, out=state.clean.exact[start:end])
        if state.bare is not None:
            np.subtract(counters.total[start:end], counters.fake[start:end], out=state.bare[start:end])

    def fold(self, start: int, end: int, factor: float) -> None:
        """Decay all books and add the step's events."""
        for book in (self.plain, self.state.weighed, self.state.clean):
            if book is not None:
                book.fold(start, end, factor)

    def rolled_back(self, start: int, end: int) -> None:
        """Take over counts that were lowered, and not as news. Decayed sums have been lowered with them; what is put together
        from groups is no sum, and falls in the same proportion.
        """
        books = [book for book in (self.state.weighed, self.state.clean) if book is not None]
        before = [np.maximum(book.exact[start:end], 1) for book in books if book.exact is not None]
        self.sum_up(start, end)
        for book, old in zip(books, before, strict=True):
            assert book.exact is not None and book.folded is not None
            if self.aggregate.groups > 1:
                left = np.clip(book.exact[start:end] / old, 0.0, 1.0).astype(np.float32)
                book.decayed[:, start:end] *= left.T
            book.folded[start:end] = book.exact[start:end]
            book.counted[start:end] = book.total[start:end]

    def end_day(self) -> None:
        """Base rates of the day that ends, where a book counts its own."""
        for book in (self.state.weighed, self.state.clean):
            if book is not None:
                book.end_day()


__all__ = ["Book", "Books", "plain_book", "weighing_book"]
