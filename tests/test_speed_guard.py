"""What speed rests on, whatever the machine: ratios within one run, allocations, signatures, compiles on a warm cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numba.core.runtime import _nrt_python as runtime
from numba.core.runtime import rtsys

from recsim.rng import Key
from recsim.world import warm
from recsim.world.arms import FACTUAL
from recsim.world.build import build_state
from recsim.world.feed import BLOCK
from recsim.world.plan import make_plan
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent

ONE_RUN = """
import importlib, json, pkgutil, sys
from numba.core import event

class Listener(event.Listener):
    compiled = []
    def on_start(self, e):
        self.compiled.append(e.data["dispatcher"].py_func.__name__)
    def on_end(self, e):
        pass

event.register("numba:compile", Listener())
import recsim as rs
import recsim.kernels as package
rs.run(rs.load("configs/small.yaml"), replicates=1, workers=1, store=False)
signatures = {}
for info in pkgutil.iter_modules(package.__path__):
    module = importlib.import_module(f"recsim.kernels.{info.name}")
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", "") == module.__name__ and getattr(thing, "targetoptions", {}).get("nogil"):
            signatures[f"{info.name}.{name}"] = len(thing.signatures)
print(json.dumps({"compiled": Listener.compiled, "signatures": signatures}))
"""


@pytest.fixture(scope="module")
def one_run(small):
    """A run in a process of its own after everything has been compiled: what it compiled, and signatures by kernel."""
    warm.warm(small)
    done = subprocess.run(
        [sys.executable, "-c", ONE_RUN], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_warm_cache_leaves_nothing_to_compile(one_run):
    assert one_run["compiled"] == []


def test_every_kernel_of_a_run_has_one_signature(one_run):
    used = {name: count for name, count in one_run["signatures"].items() if count}
    assert {"look.look_block", "retrieval.build_pools", "counters.count_people", "visits.draw_doors"} <= set(used)
    assert set(used.values()) == {1}, used


@pytest.fixture
def world(small):
    """A world in its third day, with this step's visits and pools ready."""
    plan = make_plan(small)
    world = World(plan, build_state(plan, Key(1, 0)), Key(1, 0), FACTUAL)
    world.run_until(2 * plan.steps_per_day + plan.steps_per_day // 2)
    world.people.visit()
    start, end = world.window
    world.feed.item_terms(world.now, start, end)
    world.feed.retrieve(world.now, start, end)
    return world


def allocations(work) -> int:
    """Blocks of memory that compiled code asks for in one call."""
    counted = runtime.memsys_stats_enabled()
    runtime.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        work()
        after = rtsys.get_allocation_stats()
    finally:
        if not counted:
            runtime.memsys_disable_stats()
    assert after.alloc - before.alloc == after.free - before.free, "a kernel keeps memory"
    return after.alloc - before.alloc


@pytest.mark.parametrize("phase", ["score_block", "look"])
def test_no_visit_allocates(world, phase):
    """A block of visits takes as many allocations as a single visit: scratch is made once per call."""
    start, _ = world.window
    visits = min(world.people.visiting, BLOCK)
    assert visits >= 60, "the scenario has become too small for this test"
    work = getattr(world.feed, phase)
    work(world.now, start, 0, 0, 1)
    one = allocations(lambda: work(world.now, start, 0, 0, 1))
    many = allocations(lambda: work(world.now, start, 0, 1, visits))
    assert one > 0, "allocations are not counted"
    assert many == one


def best_of(rounds: int, *variants) -> list[float]:
    """Least processor time of this thread for each variant, in turns: what other programs do only ever adds to it."""
    times: list[list[float]] = [[] for _ in variants]
    for _ in range(rounds + 1):
        for number, work in enumerate(variants):
            began = time.thread_time()
            work()
            times[number].append(time.thread_time() - began)
    return [min(one[1:]) for one in times]


def test_compiled_scoring_beats_numpy():
    """The claim of docs/performance.md is about three times as fast; vector code that is lost costs more than the margin."""
    from benchmarks.policies import numpy_block
    from benchmarks.scoring import SIZE, STRATA, Scorer
    from recsim.ranking.presets import PRESETS

    scorer = Scorer(PRESETS["tiktok_value"])
    array, person = numpy_block(scorer.policy, scorer.compiled.rows, scorer.world), scorer.world.person
    scores = scorer.block(0)[:SIZE].copy()
    assert np.allclose(scores, array(person[:SIZE], 0), rtol=1e-4)

    def numpy() -> None:
        for s in range(STRATA):
            array(person[s * SIZE : (s + 1) * SIZE], s)

    compiled, blocked = best_of(6, scorer.all, numpy)
    assert blocked / compiled > 1.5, f"{blocked / compiled:.2f} times as fast as NumPy"


def test_a_follow_costs_the_same_however_many_an_author_has():
    """One author with 60,000 new followers against a thousand with 60: a search one after the other takes 500 times as long."""
    from recsim.agents.followers import make_accounts
    from recsim.kernels import inbox

    follows, many = 60_000, 1000
    person = np.random.default_rng(1).permutation(follows).astype(np.int32)

    def adding(authors: int):
        author = np.arange(follows, dtype=np.int32) % authors

        def work() -> None:
            accounts = make_accounts(np.zeros(1, np.int32), np.zeros(authors + 1, np.int64), np.zeros(0, np.int32))
            accounts = accounts._replace(newer=np.empty(8 * follows, np.int32))
            assert inbox.add_follows(person, author, 0, follows, accounts) == follows
            assert accounts.followers.sum() == follows

        return work

    one, apart = best_of(5, adding(1), adding(many))
    assert one < 10 * apart, f"{one / apart:.1f} times as long"
