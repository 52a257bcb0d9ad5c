"""The refit hook at work: keep the log, let the policy learn from it between steps, serve what it learned."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from recsim import rng
from recsim.kernels import match
from recsim.kernels.acts import Engaged
from recsim.kernels.slate import Pools, Visits
from recsim.ranking.learned import View, checked
from recsim.rng import Decision, Key
from recsim.state import Tally
from recsim.world.books import Books
from recsim.world.build import State
from recsim.world.plan import Plan
from recsim.world.shards import add_up, in_order_of_visits

NOTHING = np.zeros(0, np.int8)
NO_SIGNALS = np.zeros(0, np.int64)
NO_ROOM = Engaged(np.zeros(0, np.int32), np.zeros(0, np.int32), NOTHING, NO_SIGNALS, np.zeros(1, np.int64))


class Learner:
    """One world's log and learned arrays; they live in ``state.memory``.

    Attributes:
        actors: people, and after them the accounts of campaigns: see `account_actors`.
        every: steps between refits.
        reads_match: whether the policy names the feature ``match``. reads_typical: that, or ``typical_match``.
        signed: whether the log says of each interaction if it was positive.
    """

    def __init__(self, plan: Plan, state: State, key: Key, books: Books) -> None:
        assert plan.policy.refit is not None and state.memory is not None
        self.plan, self.state, self.key, self.memory, self.books = plan, state, key, state.memory, books
        self.actors = plan.people
        self.every = max(1, round(plan.policy.refit_hours * plan.steps_per_day / 24))
        self.reads_match = "match" in plan.policy.reads
        self.reads_typical = not {"match", "typical_match"}.isdisjoint(plan.policy.reads)
        self.signed = len(plan.policy.signals) > 0
        self.values = dict(zip(plan.policy.parameters, plan.parameters.tolist(), strict=False))

    def add_network(self, entry: np.ndarray) -> np.ndarray:
        """Log actors of a network's accounts, numbered after everybody so far.

        Accounts that stand together for a real one are one actor of the log: co-engagement needs whole histories.

        Args:
            entry: (N,) int64, which accounts stand together; see `recsim.agents.networks.entries`.

        Returns:
            (N,) int32.
        """
        number = entry.astype(np.int32) + np.int32(self.actors)
        self.actors += max(int(entry.max(initial=-1)) + 1, int(np.ceil(len(entry) * self.plan.scale)))
        return number

    def collect(self, step: int, start: int, end: int, tally: Tally) -> None:
        """Take over the step's interactions of people, in the order of visits."""
        parts = []
        for thread, count in enumerate(tally.engaged_count):
            person, item = tally.engaged_person[thread, :count], tally.engaged_item[thread, :count]
            value = tally.engaged_value[thread, :count] if self.signed else np.zeros(count, np.int8)
            weight = self.state.observed.weight
            if len(weight):  # of what does not count nothing is learned
                counts = weight[person] > 0
                item, person, value = item[counts], person[counts], value[counts]
            parts.append((person, item, value))
        tally.engaged_count[:] = 0
        state = self.state
        person, item, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        person, (item, value) = in_order_of_visits(
            state.exchange, person, lambda rows: state.observed.stratum[rows], int(state.first_person), [item, value]
        )
        self._append(person, item, value, step)
        sums = tally.context[:, : end - start]
        add_up(state.exchange, sums)
        self.memory.context[start:end] += sums.sum(axis=0)
        sums[:] = 0

    def collect_accounts(
        self, step: int, engaged: Engaged, actor: np.ndarray, counts: np.ndarray | None = None
    ) -> None:
        """Take over the step's interactions of one network; ``counts`` (N,) bool, those that count, None: all."""
        rows = np.arange(int(engaged.used[0]))
        if counts is not None:
            rows = rows[counts[rows]]
        value = engaged.value[rows] if self.signed else engaged.value
        self._append(actor[engaged.account[rows]], engaged.item[rows], value, step)

    def room(self, most: int) -> Engaged:
        """Empty space for the log entries of ``most`` acts of a network."""
        signals = self.plan.policy.signal_bits
        return Engaged(
            np.zeros(most, np.int32), np.zeros(most, np.int32), np.zeros(most if self.signed else 0, np.int8), signals,
            np.zeros(1, np.int64),
        )  # fmt: skip

    def _append(self, actor: np.ndarray, item: np.ndarray, value: np.ndarray, step: int) -> None:
        if len(actor):
            part = np.empty((len(actor), 4 if self.signed else 3), np.int32)
            part[:, 0], part[:, 1], part[:, 2] = actor, item, step
            if self.signed:
                part[:, 3] = value
            self.memory.log.append(part)

    def refit(self, step: int, start: int, end: int) -> None:
        """Learn anew if it is time."""
        memory, policy = self.memory, self.plan.policy
        if step % self.every and memory.learned is not None:
            return
        oldest = step - round(policy.log_days * self.plan.steps_per_day)
        log = np.concatenate([np.zeros((0, 4 if self.signed else 3), np.int32), *memory.log])
        log = log[log[:, 2] >= oldest]
        memory.log = [log]
        assert policy.refit is not None
        made = policy.refit(self._view(log, step, start, end))
        memory.learned = checked(made, self.plan.people, end - start, policy.learns, f"policy {policy.name}")
        memory.known = (start, end)
        memory.counted[:end] = self.books.of("learning").total[:end]
        memory.context[:end] = 0
        if self.reads_typical:
            memory.typical = self._typical(end - start)

    def _view(self, log: np.ndarray, step: int, start: int, end: int) -> View:
        state, memory, book = self.state, self.memory, self.books.of("learning")
        items, key = state.items, self.key
        population, live = self.plan.supply.population, items.key[start:end]

        def draw(question: int) -> np.ndarray:
            return rng.uniforms(key, Decision.REFIT, population, live, question, step)

        arrays = {
            "actor": log[:, 0], "item": log[:, 1], "step": log[:, 2],
            "value": log[:, 3] if self.signed else np.broadcast_to(np.int32(1), len(log)), "topic": items.topic, "author": items.author,
            "language": items.labels.language,
            "created": items.created, "counts": book.total, "counted": memory.counted,
            "decayed": book.decayed, "context": memory.context,
        }  # fmt: skip
        return View(
            **{name: _locked(array) for name, array in arrays.items()}, people=self.plan.people, actors=self.actors,
            first=start, last=end, known=memory.known, now=step, step_hours=24 / self.plan.steps_per_day,
            weight=self.plan.event_weight,
            memory=MappingProxyType(dict(memory.learned.memory) if memory.learned else {}),
            parameters=MappingProxyType(self.values), draw=draw,
        )  # fmt: skip

    def _typical(self, window: int) -> np.ndarray:
        learned, out = self.memory.learned, np.zeros(window, np.float32)
        assert learned is not None
        if learned.person is not None:
            match.typical_product(learned.person, learned.item, out)
        elif learned.history is not None:
            match.typical_neighbours(learned.history, learned.neighbour, learned.similarity, out)
        return out

    def fill_row(self, name: str, out: np.ndarray, start: int, end: int) -> None:
        """One learned row for items of the live window; 0 for items posted since the refit."""
        memory = self.memory
        assert memory.learned is not None
        values = memory.typical if name == "typical_match" else memory.learned.rows[name]
        out[: end - start] = 0
        low, high = max(start, memory.known[0]), min(end, memory.known[1])
        if low < high:
            out[low - start : high - start] = values[low - memory.known[0] : high - memory.known[0]]

    def matching(
        self, visits: Visits, pools: Pools, inbox: np.ndarray, out: np.ndarray
    ) -> list[tuple[Callable, tuple]]:
        """What writes the feature ``match`` of a block of visits into out (B, P+M) float32: a kernel and what it takes after the
        range of visits, or none, out being all zero, as long as nothing has been learned.
        """  # fmt: skip
        learned, first = self.memory.learned, np.int64(self.memory.known[0])
        common = (visits.person, visits.stratum, pools.item, pools.size, inbox)
        mine = slice(int(self.state.first_person), None)  # what is learned of people is learned of all
        if learned is not None and learned.person is not None:
            return [(match.product_block, (*common, learned.person[mine], learned.item, first, out))]
        if learned is None or learned.history is None:
            out[:] = 0
            return []
        window = np.int64(self.memory.known[1] - self.memory.known[0])
        return [(match.neighbour_block, (
            *common, learned.history[mine], learned.neighbour, learned.similarity, first, window, out,
        ))]  # fmt: skip


def _locked(array: np.ndarray) -> np.ndarray:
    """The same memory, not to be written through."""
    view = array.view()
    view.setflags(write=False)
    return view
