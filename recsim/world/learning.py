"""The platform learns: counts into rates, items through the gates of exposure pools."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import mesa
import numpy as np

from recsim.kernels import counters as counting
from recsim.kernels import gates

if TYPE_CHECKING:
    from recsim.world.world import World


LEAST, ENOUGH = 5, 30
"""Arrivals at a gate without which no threshold is set, and those that it is set from, if need be of several days: a share of
few values is mostly luck."""


class Platform(mesa.Agent):
    """The platform's side of learning: rates, exposure pools."""

    model: World

    def __init__(self, model: World) -> None:
        super().__init__(model)
        # Log values of the step's arrivals at the gates, and which: an item arrives at most once in a step.
        self.values = np.zeros(model.feed.window, np.float32)
        self.gate = np.zeros(model.feed.window, np.int8)
        self.arrived: list[tuple[np.ndarray, np.ndarray]] = []
        self.passed = np.zeros(4, np.int64)
        self.arrivals = np.zeros(4, np.int64)
        self.frozen = model.arm.name != "shared"
        # By gate, log values of its arrivals on the latest days, oldest first: as few days as hold `ENOUGH`.
        self.recent: list[list[np.ndarray]] = []

    @functools.cached_property
    def decay(self) -> float:
        """Factor by which decayed counters fall in a step; float32 as a Python float, so that sums are rounded once."""
        plan = self.model.plan
        half_life = plan.scenario.platform.predictor.half_life_h.value * plan.steps_per_day / 24
        return float(counting.exp_of(np.float32(-0.6931472 / half_life)))

    def learn(self, start: int, end: int) -> None:
        """Decay engagement, add the step's, and let items pass the gates they have reached."""
        world, state, feed, plan = self.model, self.model.state, self.model.feed, self.model.plan
        factor = self.decay
        world.books.sum_up(start, end)
        feed.predictor.learn(start, end, float(factor))
        world.books.fold(start, end, factor)
        state.sought[:, start:end] *= factor
        quota = feed.quota_views
        gates_config = plan.scenario.platform.gates
        # Without gates everything passes, also what the policy leaves out for now: its score may be another later.
        threshold = state.threshold if feed.gated else np.full(4, -np.inf, np.float32)
        key0, key1 = world.key.words
        n = counting.pass_gates(
            start, end, feed.gate_value, world.books.visible("gates"), quota, threshold,
            np.float32(gates_config.slope.value), (gates_config.mode == "hard") or not feed.gated,
            np.uint64(plan.supply.population), key0, key1, state.items.key, state.counters.stage,
            state.counters.stage_views, self.values, self.gate, self.passed,
        )  # fmt: skip
        if n:
            self.arrived.append((self.values[:n].copy(), self.gate[:n].copy()))
            self.arrivals += np.bincount(self.gate[:n], minlength=4)[:4]

    def adapt(self) -> None:
        """Set thresholds so that the declared share of the latest arrivals passes; frozen once worlds are forked."""
        plan, state = self.model.plan, self.model.state
        arrived, self.arrived = self.arrived, []
        if self.frozen or not self.model.feed.gated or not arrived:
            return
        config = plan.scenario.platform.gates
        values = np.concatenate([v for v, _ in arrived])
        gate = np.concatenate([g for _, g in arrived])
        self.recent += [[] for _ in config.stages[len(self.recent) :]]
        for number, stage in enumerate(config.stages):
            today, days = values[gate == number], self.recent[number]
            if not len(today):
                continue
            days.append(today)
            while sum(map(len, days[1:])) >= ENOUGH:
                days.pop(0)
            here = np.concatenate(days)
            if len(here) < LEAST:
                continue
            share = stage.pass_share.value
            if config.mode == "soft":
                state.threshold[number] = gates.soft_threshold(here, np.float32(config.slope.value), np.float32(share))
            else:
                state.threshold[number] = np.sort(here)[min(len(here) - 1, int((1 - share) * len(here)))]
