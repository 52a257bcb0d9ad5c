"""What a world remembers for policies that learn from interactions; worlds without such a policy have none."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from recsim.ranking.learned import Learned


@dataclasses.dataclass
class Memory:
    """The log, and what the last refit made of it.

    Attributes:
        log: parts of the log, each (K, 3) int32: actor, item, step; a fourth column says whether the interaction was
            positive if the policy names its signals; never changed once written.
        counted: (I, 10) int64, counted events at the last refit.
        context: (I, 3) int64, sums of known interest since the last refit.
        known: live items at the last refit.
        learned: what it returned; None before the first.
        typical: (W,) float32, mean match over people.
    """

    log: list[np.ndarray]
    counted: np.ndarray
    context: np.ndarray
    known: tuple[int, int] = (0, 0)
    learned: Learned | None = None
    typical: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.float32))

    @classmethod
    def empty(cls, items: int) -> Memory:
        """Nothing logged, nothing learned."""
        return cls([], np.zeros((items, 10), np.int64), np.zeros((items, 3), np.int64))

    def fork(self) -> Memory:
        """A copy whose changes leave this one alone."""
        return dataclasses.replace(
            self, log=list(self.log), counted=self.counted.copy(), context=self.context.copy(),
            learned=copy.deepcopy(self.learned), typical=self.typical.copy(),
        )  # fmt: skip
