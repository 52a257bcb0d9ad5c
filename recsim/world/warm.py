"""Compile what a scenario needs before its worlds are simulated, or load it from the cache.

The kernel that lets people look takes as long to compile as all others together, so on a machine with two cores the
work is cut there: one process calls `compile_look`, another `warm_without_looking`, and `warm` then finds both in the
disk cache.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recsim.kernels.gates import soft_threshold
from recsim.kernels.look import look_block
from recsim.rng import Key
from recsim.scenario.schema import Scenario
from recsim.world.arms import FACTUAL
from recsim.world.build import build_state
from recsim.world.feed import Feed
from recsim.world.plan import Plan, make_plan


def is_cold() -> bool:
    """Whether the look kernel is not in the disk cache, or is older than its file."""
    source = Path(look_block.py_func.__code__.co_filename)
    found = list(Path(look_block.stats.cache_path).glob("look.look_block-*.nbi"))
    return not any(index.stat().st_mtime > source.stat().st_mtime for index in found)


def warm(scenario: Scenario) -> None:
    """Simulate two days of a tiny copy: everything is compiled that the scenario can call."""
    with _no_collecting():
        _two_days(_tiny(scenario))


def warm_without_looking(scenario: Scenario) -> None:
    """The same without scoring and looking: people see nothing."""
    with _no_collecting():
        _two_days(_tiny(scenario), looking=False)


def compile_look(scenario: Scenario) -> None:
    """Compile the score loop and the look kernel, by letting nobody look."""
    with _no_collecting():
        plan = _tiny(scenario)
        feed = Feed(plan, build_state(plan, Key(0, 0)), Key(0, 0), threads=1)
        feed.show_blocks(0, 0, 0, 0, 0, 0)


def _tiny(scenario: Scenario) -> Plan:
    people, content = scenario.population, scenario.content
    update = {
        "population": people.model_copy(update={"scale": min(people.scale, 60 / people.people.value)}),
        "content": content.model_copy(update={"items_per_day": min(content.items_per_day, 100), "creators": 20}),
        "run": scenario.run.model_copy(update={"luck_branches": 1}),
    }
    return make_plan(scenario.model_copy(update=update))


def _two_days(plan: Plan, looking: bool = True) -> None:
    """The first day, and the last one, on which campaigns act."""
    from recsim.world.world import World  # with Mesa, whose import the process beside can do without

    state = build_state(plan, Key(0, 0))
    day = plan.steps_per_day
    for first, last in ((0, day), (max(plan.steps - day, day), plan.steps)):
        world = World(plan, state, Key(0, 0), FACTUAL, step=first)
        if not looking:
            world.feed.show_blocks = lambda *blocks: None  # type: ignore[method-assign]
        world.run_until(last)
    # So small a world has neither enough arrivals at a gate nor, at times, anything to act on.
    soft_threshold(np.zeros(5, np.float32), np.float32(1.0), np.float32(0.5))
    world.now -= 1
    for network in world.networks:
        network.times[:] = 0
        network.carry_out(*world.window)


@contextlib.contextmanager
def _no_collecting() -> Iterator[None]:
    """Compiling makes millions of objects that live on; going through them again and again takes a tenth of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
