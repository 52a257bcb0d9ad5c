"""Scaling in people: time per impression and memory per person, each size in a process of its own.

    python -m benchmarks.scaling [--people 10000 100000 1000000] [--figure docs/images]

The number of items is the same at every size. One thread, processor time; the smallest size is measured again at the end, so
that a drift of the machine is not taken for one of the engine. Ten million people need `--people ... 10000000` and the memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.rounds import Row, Spread, peak_bytes, spread

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10_000, 100_000, 1_000_000)
GROUP = "Scaling in people, `tiktok_value`, all phases"


def measure(people: int, rounds: int, cores: int = 2) -> dict[str, Any]:
    """Nanoseconds per impression of one thread by round, and the largest memory of this process."""
    from benchmarks.throughput import STEPS, counted_step, make_world, with_threads

    world = with_threads(make_world(people, threads=cores), 1, keep=False)
    each, examined, visits = [], 0, 0
    for _ in range(rounds):
        spent = positions = 0.0
        for _ in range(STEPS):
            took, seen, came = counted_step(world)
            spent, positions, visits = spent + took.processor, positions + seen, visits + came
        each.append(1e9 * spent / positions)
        examined += int(positions)
    plan = world.plan
    return {
        "people": people, "ns_per_impression": each, "mean_examined": examined / visits, "pool": world.feed.size,
        "slate": int(plan.reaction.slate), "topics": plan.scenario.content.topics,
        "heads": sum(row.startswith("against_") for row in plan.compiled.rows),
        "peak_bytes": peak_bytes(),
    }  # fmt: skip


def elsewhere(people: int, rounds: int) -> dict[str, Any]:
    """The same in a new process."""
    few = min(rounds, 3) if people >= 1_000_000 else rounds  # a round of a million people takes many seconds
    command = [sys.executable, "-m", "benchmarks.scaling", "--one", str(people), "--rounds", str(few)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(
            f"{people:,} people: " + (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def rows(sizes: list[int], rounds: int) -> list[Row]:
    """One row per size, then growth from the smallest to the largest."""
    found = [elsewhere(people, rounds) for people in sizes]
    again = elsewhere(sizes[0], rounds)
    out = []
    for one in found:
        out.append(
            Row(
                GROUP, f"{one['people']:,} people", "ns/impression", spread(one["ns_per_impression"]), "processor",
                {
                    "threads": 1, "P": one["pool"], "K": one["slate"], "D": one["topics"], "heads": one["heads"],
                    "mean examined": round(one["mean_examined"], 1),
                },
                note=f"at most {one['peak_bytes'] / 2**30:.2f} GiB",
                details=one,
            )
        )  # fmt: skip
    small, large = found[0], found[-1]
    first = small["ns_per_impression"] + again["ns_per_impression"]
    drift = spread(again["ns_per_impression"]).median / spread(small["ns_per_impression"]).median
    growth = spread(large["ns_per_impression"]).median / spread(first).median
    each = (large["peak_bytes"] - small["peak_bytes"]) / (large["people"] - small["people"])
    out.append(
        Row(
            GROUP, f"time per impression, {large['people']:,} people over {small['people']:,}", "times",
            Spread(growth, growth, growth, 1), "processor", {"people": large["people"]},
            note=f"the smallest size again at the end: {drift:.2f} times as slow; each further person takes {each / 1e3:.2f} kB",
            details={"again": again, "bytes_per_further_person": each},
        )
    )  # fmt: skip
    return out


def chart(rows: list[dict[str, Any]]):
    """Time per impression and memory against people.

    Args:
        rows: of the group `GROUP`, as stored.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    from recsim.report.figures import BLUE, RED, STYLE

    sizes = [row["details"] for row in rows if "people" in row["details"]]
    people = [one["people"] for one in sizes]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), dpi=150, layout="constrained")
        left, right = figure.subplots(1, 2)
        values = [spread(one["ns_per_impression"]) for one in sizes]
        middle = [v.median for v in values]
        off = [[v.median - v.low for v in values], [v.high - v.median for v in values]]
        left.errorbar(people, middle, yerr=off, color=BLUE, marker="o", capsize=3, linewidth=1.4)
        left.set_ylim(0, 1.25 * max(v.high for v in values))
        left.set_ylabel("processor time per impression, ns")
        left.set_title("Time, one thread", loc="left")
        memory = [one["peak_bytes"] / 2**20 for one in sizes]
        right.plot(people, memory, color=RED, marker="D", linewidth=1.4)
        right.set_yscale("log")
        right.set_ylim(min(memory) / 2, 2.5 * max(memory))
        right.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        right.set_ylabel("largest memory, MiB")
        right.set_title("Memory, one world", loc="left")
        for axes, numbers, tops in ((left, middle, [v.high for v in values]), (right, memory, memory)):
            axes.set_xscale("log")
            axes.set_xlim(min(people) / 2, max(people) * 2)
            axes.set_xticks(people, [f"{p:,}" for p in people])
            axes.minorticks_off()
            axes.set_xlabel("simulated people")
            for x, y, top in zip(people, numbers, tops, strict=True):
                axes.annotate(
                    f"{y:,.0f}", (x, top), xytext=(0, 7), textcoords="offset points", ha="center", va="bottom", fontsize=8
                )  # fmt: skip
    return figure


def save_chart(rows: list[dict[str, Any]], folder: Path) -> Path:
    """Write ``scaling.svg`` and ``scaling.png``; the SVG file."""
    import matplotlib

    from recsim.report.figures import STYLE
    from recsim.report.saving import save

    with matplotlib.rc_context(STYLE):
        return save(chart(rows), folder, "scaling")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", type=int, help="one size, in this process, as JSON")
    parser.add_argument("--figure", type=Path, help="folder for scaling.svg and scaling.png")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.rounds)))
        return
    from benchmarks.table import plain, text

    found = rows(sorted(options.people), options.rounds)
    print(text(found))
    if options.figure:
        print(save_chart(plain(found), options.figure))


if __name__ == "__main__":
    main()
