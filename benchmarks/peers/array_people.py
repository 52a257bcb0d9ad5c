"""The common task with one Mesa agent per person, and as plain NumPy over blocks of people.

    python -m benchmarks.peers.array_people mesa|numpy [--people 10000] [--items 1000] [--scored 1000] [--steps 10]

In each step everybody scores the catalogue (interest times attributes, plus the logarithm of likes), is shown the best ten,
likes one of them with chances that follow the scores, and moves a little towards it. With ``--scored`` below the catalogue,
the platform first retrieves that many items for everybody, by likes. float32 throughout, random numbers of one generator.
The work of the engine that is left out here: reactions to the other nine items, memory of what was shown, and any record.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from benchmarks.rounds import peak_bytes

TOP, ATTRIBUTES, DRIFT = 10, 16, np.float32(0.01)
BLOCK = 1024


class Catalogue:
    """Items with fixed attributes and a count of likes; what the platform puts before everybody in this step."""

    def __init__(self, items: int, scored: int) -> None:
        self.attributes = np.random.default_rng(1).random((items, ATTRIBUTES), np.float32)
        self.likes = np.zeros(items, np.float32)
        self.draws = np.random.default_rng(2)
        self.scored = scored
        self.retrieve()

    def retrieve(self) -> None:
        """At the start of a step: the items that compete, and the part of their score that all people share."""
        worth = np.log1p(self.likes)
        if self.scored < len(worth):
            self.items = np.argpartition(worth, -self.scored)[-self.scored :]
        else:
            self.items = np.arange(len(worth))
        self.open, self.worth = self.attributes[self.items], worth[self.items]


def interests(people: int) -> np.ndarray:
    """(U, A) float32."""
    return np.random.default_rng(3).random((people, ATTRIBUTES), np.float32)


def mesa_step(people: int, catalogue: Catalogue):
    """A Mesa model of people as agents; its step."""
    import mesa

    class Person(mesa.Agent):
        def __init__(self, model, interest):
            super().__init__(model)
            self.interest = interest
            self.liked = []

        def visit(self):
            here = self.model.catalogue
            score = here.open @ self.interest
            score += here.worth
            shown = np.argpartition(score, -TOP)[-TOP:]
            weight = np.exp(score[shown] - score[shown].max()).cumsum()
            one = here.items[shown[np.searchsorted(weight, here.draws.random() * weight[-1])]]
            here.likes[one] += 1
            self.liked.append(one)
            self.interest += DRIFT * (here.attributes[one] - self.interest)

    class Platform(mesa.Model):
        def __init__(self):
            super().__init__(rng=1)
            self.catalogue = catalogue
            for interest in interests(people):
                Person(self, interest.copy())

        def step(self):
            self.catalogue.retrieve()
            self.agents.shuffle_do("visit")

    return Platform().step


def numpy_step(people: int, catalogue: Catalogue):
    """The same for blocks of people at once."""
    interest = interests(people)

    def step() -> None:
        catalogue.retrieve()
        open_t, worth = np.ascontiguousarray(catalogue.open.T), catalogue.worth
        for low in range(0, people, BLOCK):
            mine = interest[low : low + BLOCK]
            score = mine @ open_t
            score += worth
            shown = np.argpartition(score, -TOP, axis=1)[:, -TOP:]
            best = np.take_along_axis(score, shown, 1)
            weight = np.exp(best - best.max(axis=1, keepdims=True)).cumsum(axis=1)
            pick = (weight < catalogue.draws.random((len(mine), 1)) * weight[:, -1:]).sum(axis=1)
            one = catalogue.items[shown[np.arange(len(mine)), pick]]
            np.add.at(catalogue.likes, one, np.float32(1))
            mine += DRIFT * (catalogue.attributes[one] - mine)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", choices=["mesa", "numpy"])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--scored", type=int)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    catalogue = Catalogue(options.items, options.scored or options.items)
    step = (mesa_step if options.tool == "mesa" else numpy_step)(options.people, catalogue)
    step()
    clock, processor = [], []
    for _ in range(options.steps):
        began, busy = time.perf_counter(), time.process_time()
        step()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - busy)
    if catalogue.likes.sum() != options.people * (options.steps + 1):
        raise RuntimeError("not everybody has liked one item in every step")
    found = {"scored": catalogue.scored, "seconds": clock, "processor": processor, "peak_mib": peak_bytes() // 2**20}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
