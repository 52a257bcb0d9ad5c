"""Throughput of whole worlds, all phases: impressions and scored pairs per second with one thread and with two.

    python -m benchmarks.throughput [--policies tiktok_value x_2026_08] [--people 20000] [--threads 1 2] [--rounds 5]

An impression is a slate position that a person actually examined. A world is built and warmed up for a day and a third; then
worlds that differ only in threads take turns step by step, so that they do the same work under the same conditions. (The
figures by processor time are what one thread would do on an idle machine; several threads can only be timed by the clock.)
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.rounds import Row, Spent, reference, spread, timed
from benchmarks.table import amount, text
from recsim.rng import Key
from recsim.scenario import load
from recsim.world.arms import SHARED
from recsim.world.build import build_state
from recsim.world.feed import BLOCK
from recsim.world.plan import make_plan
from recsim.world.world import World

ROOT = Path(__file__).resolve().parent.parent
WARM = 24 + 8
STEPS = 3
"""Steps of one round; a round must not close the day."""


def make_world(people: int, policy: str = "tiktok_value", threads: int = 1, until: int = WARM, *settings: str) -> World:
    """The Romanian scenario with so many people, from the eighth of November, warmed up.

    Args:
        people: simulated ones; the number of items is as in the file.
        policy: its name. threads: of the feed. until: first step that is not yet done.
        *settings: further ones, as on the command line.
    """
    chosen = [f"population.scale={people / 8_970_000}", "days.start=2024-11-08", "campaigns.volunteers.start=-14"]
    chosen += [
        f"platform.policy={policy}",
        *(["platform.parameters={}"] if policy != "tiktok_value" else []),
        *settings,
    ]
    plan = make_plan(load(ROOT / "configs" / "romania.yaml", chosen))
    world = World(plan, build_state(plan, Key(1, 0)), Key(1, 0), SHARED, threads=threads)
    world.run_until(until)
    return world


def with_threads(world: World, threads: int, keep: bool) -> World:
    """The same world going on with other threads; with ``keep`` beside it, otherwise in its place."""
    state = world.state.fork() if keep else world.state
    other = World(world.plan, state, world.key, world.arm, world.now, threads)
    other.feed.resume(world.feed)
    return other


def counted_step(world: World) -> tuple[Spent, int, int]:
    """One step: seconds, positions examined, visits."""
    before = world.feed.tally.feed.sum(axis=0)
    spent = timed(world.step)
    after = world.feed.tally.feed.sum(axis=0)
    if after[0] < before[0]:  # the day was closed within this step
        before = before * 0
    return spent, int(after[3] - before[3]), int(after[0] - before[0])


def split_feed(world: World) -> dict[str, float]:
    """One more step of a world of one thread, its kernels called one after the other from here: seconds of scores and looking."""
    feed, spent = world.feed, {"scores": 0.0, "looking": 0.0}

    def noting(step: int, start: int, count: int, thread: int, first: int, last: int) -> None:
        for low in range(first * BLOCK, min(count, last * BLOCK), BLOCK):
            block = (step, start, thread, low, min(count, low + BLOCK))
            for part, work in (("scores", feed.score_block), ("looking", feed.look)):
                began = time.perf_counter()
                work(*block)
                spent[part] += time.perf_counter() - began

    feed.show_blocks = noting  # type: ignore[method-assign]
    world.step()
    return spent


def measure(policy: str, people: int, threads: list[int], rounds: int, *settings: str) -> list[Row]:
    """One row per number of threads, the first of them the reference of the others."""
    if rounds * STEPS > 15:
        raise ValueError("at most five rounds fit into the day")
    first = make_world(people, policy, max(threads), WARM, *settings)
    worlds = [with_threads(first, number, keep=k > 0) for k, number in reversed(list(enumerate(threads)))][::-1]
    begun = [dict(world.seconds) for world in worlds]
    clock: list[list[float]] = [[] for _ in worlds]
    processor: list[list[float]] = [[] for _ in worlds]
    examined = visits = 0
    for _ in range(rounds):
        seen, spent = [0] * len(worlds), [(0.0, 0.0)] * len(worlds)
        for _ in range(STEPS):
            for k, world in enumerate(worlds):
                took, positions, came = counted_step(world)
                spent[k] = spent[k][0] + took.clock, spent[k][1] + took.processor
                seen[k] += positions
                examined, visits = examined + positions, visits + came
        if len(set(seen)) > 1:
            raise RuntimeError("worlds that differ in threads only have shown different numbers of items")
        for k in range(len(worlds)):
            clock[k].append(seen[k] / spent[k][0])
            processor[k].append(seen[k] / spent[k][1])
    plan, out = worlds[0].plan, []
    width = worlds[0].feed.size + int(plan.reaction.inbox)
    ended = [dict(world.seconds) for world in worlds]
    for k, number in enumerate(threads):
        phases = {n: s - begun[k].get(n, 0.0) for n, s in ended[k].items()}
        whole = sum(phases.values())
        note = ""
        if number == 1:  # several threads do both at the same time
            halves, feed = split_feed(worlds[k]), phases.pop("feed")
            reranked = "scores and re-rankers" if plan.policy.rerank else "scores"
            share = halves["scores"] / (halves["scores"] + halves["looking"])
            phases |= {"looking": feed * (1 - share), reranked: feed * share}
            note = f"{amount(spread(processor[k]).median, 'impressions/s')} by processor time: "
        largest = sorted(phases.items(), key=lambda kv: -kv[1])
        name = f"`{policy}`{' without its re-rankers' if 'platform.rerank=[]' in settings else ''}, {plan.people:,} people, {number} thread{'s' * (number > 1)}"
        out.append(
            Row(
                "Whole worlds, all phases", name, "impressions/s", spread(clock[k]), "clock",
                {
                    "P": worlds[0].feed.size, "K": int(plan.reaction.slate),
                    "D": plan.scenario.content.topics, "heads": sum(r.startswith("against_") for r in plan.compiled.rows),
                    "re-rankers": [one.name for one in plan.policy.rerank],
                    "mean examined": round(examined / visits, 1), "items a day": plan.supply.items_per_day,
                },
                [reference(f"{threads[0]} thread", clock[k], clock[0])] if k else [],
                note and note + ", ".join(f"{n} {100 * s / whole:.0f} %" for n, s in largest if s > 0.015 * whole),
                {
                    "by_processor_time": spread(processor[k])._asdict(),
                    "pairs_per_s": spread([r * width * visits / examined for r in clock[k]])._asdict(),
                    "phase_shares": {n: round(s / whole, 4) for n, s in largest},
                },
            )
        )  # fmt: skip
    return out


def rows(quick: bool, rounds: int) -> list[Row]:
    """The rows of the table."""
    out = []
    for policy in ("tiktok_value", "x_2026_08"):
        for people in (20_000,) if quick else (20_000, 100_000):
            out += measure(policy, people, [1, 2], rounds)
    return out + measure("x_2026_08", 20_000, [1, 2], rounds, "platform.rerank=[]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[20_000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--policies", nargs="+", default=["tiktok_value"])
    options = parser.parse_args()
    for policy in options.policies:
        for people in options.people:
            print(text(measure(policy, people, options.threads, options.rounds)))


if __name__ == "__main__":
    main()
