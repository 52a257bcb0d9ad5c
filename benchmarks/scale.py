"""Processor time per impression by the number of people: what does not fit the caches any more.

    python benchmarks/scale.py [--people 100000 1000000] [--memory bits pages]

Worlds of configs/romania-full.yaml of different sizes are put into the middle of a run (items have been seen and passed
their gates, people have been shown what 60 videos a day leave in their memory, in pages all over the place) and take turns, a
step each, in one process. The best step of each phase counts, because a shared machine only ever slows things down.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numba import njit

from recsim.kernels.shown import ENTRIES, link_page
from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.plan import make_plan
from recsim.world.seen import hand_out, take_back
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent
DAY = 6
SHOWN = 210
DAY_SHARE = 0.25  # of what she has been shown, this part was within a day
PHASES = ("visits", "posts", "feed", "counting")


@njit(error_model="numpy")
def fill_pages(pages, number, item):
    """Give everybody the items of her row, in pages taken from ``number`` in turn."""
    place = 0
    page, first = np.int64(0), np.int64(0)
    for person in range(item.shape[0]):
        for k in range(item.shape[1]):
            if k % ENTRIES == 0:
                page = np.int64(number[place])
                place += 1
                first = page if k == 0 else first
                link_page(pages.entry, page, first)
                if k > 0:
                    link_page(pages.entry, np.int64(pages.last[person]), page)
                pages.last[person] = page
            pages.entry[page, k % ENTRIES] = np.uint16(item[person, k] & 0xFFFF)
        pages.filled[person] = (item.shape[1] - 1) % ENTRIES + 1


@njit(error_model="numpy")
def fill_bits(seen, item):
    """The same in bits."""
    for person in range(item.shape[0]):
        for k in range(item.shape[1]):
            i = item[person, k]
            seen[person, (i >> 6) % seen.shape[1]] |= np.uint64(1) << np.uint64(i & 63)


def make(people: int, paged: bool) -> World:
    """A world in the middle of its run."""
    scenario = load(ROOT / "configs" / "romania-full.yaml", [f"population.scale={people / 8_970_000}"])
    plan = make_plan(scenario)
    state, now = build_state(plan, Key(1, 0), paged=paged), DAY * plan.steps_per_day + 17
    start, end = int(state.born[now + 1 - plan.lifetime]), int(state.born[now])
    gen = np.random.default_rng(1)
    views = gen.lognormal(0, 1.5, end) * people * 60 / 4000
    rates = np.array([1, 0.4, 0.04, 0.002, 0.003, 0.0005, 0.05, 0.003, 0.0001, 460])
    state.counters.total[:end] = views[:, None] * rates
    state.counted[:end] = state.counters.total[:end]
    state.counters.decayed[:, :end] = state.counters.total[:end].T / 3
    state.counters.stage[:end] = len(plan.scenario.platform.gates.stages)
    # The newest items and the most viewed ones are seen most; which ones hardly matters here.
    item = start + (np.sqrt(gen.random((people, SHOWN), np.float32)) * np.float32(end - start)).astype(np.int32)
    if paged:
        each = -(-SHOWN // ENTRIES)
        (part,) = hand_out(state, [people * each], ENTRIES)
        # As after a turn of `recsim.world.seen.sweep`: a person's pages lie side by side but for those of the day.
        order = np.sort(part.pages.spare[: people * each]).reshape(people, each)
        today = min(each, max(1, round(each * DAY_SHARE)))
        order[:, -today:] = gen.permutation(order[:, -today:].ravel()).reshape(people, today)
        order = order.ravel()
        part.pages.spares[0] = 0
        fill_pages(state.observed.pages, order, item)
        take_back(state, [part])
    else:
        fill_bits(state.observed.seen, item)
    for author in range(len(state.accounts.since)):  # inboxes as they would be
        who = state.accounts.person[state.accounts.start[author] : state.accounts.start[author + 1]]
        mine = np.flatnonzero(state.items.author[start:end] == author)[-1:]
        if len(mine):
            slot = gen.integers(0, state.observed.inbox.shape[1], len(who))
            state.observed.inbox[who, slot] = start + mine[0]
    return World(plan, state, Key(1, 0), SHARED, now)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--memory", nargs="+", choices=("bits", "pages"), default=["pages"])
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    clock, time.perf_counter = time.perf_counter, time.process_time  # phases are timed in processor time
    worlds = {(n, kind): make(n, kind == "pages") for n in options.people for kind in options.memory}
    best: dict[tuple, dict[str, float]] = {name: {} for name in worlds}
    for step in range(options.steps + 1):
        for name, world in worlds.items():
            world.seconds.clear()
            before = world.feed.tally.feed[0].copy()
            world.step()
            examined = int((world.feed.tally.feed[0] - before)[3])
            for phase in PHASES if step else ():
                spent = world.seconds[phase] / max(1, examined) * 1e9
                best[name][phase] = min(best[name].get(phase, np.inf), spent)
    time.perf_counter = clock
    print("nanoseconds of processor time per impression")
    print(f"{'people':>10}{'memory':>8}" + "".join(f"{phase:>10}" for phase in PHASES) + f"{'all':>10}{'ratio':>8}")
    first = None
    for (people, kind), row in best.items():
        total = sum(row.values())
        first = first or total
        cells = "".join(f"{row[phase]:>10.1f}" for phase in PHASES)
        print(f"{people:>10}{kind:>8}{cells}{total:>10.1f}{total / first:>8.2f}")


if __name__ == "__main__":
    main()
