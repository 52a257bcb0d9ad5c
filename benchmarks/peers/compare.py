"""recsim beside Mesa, plain NumPy and t-recs on the common task, each in a process of its own, in turn.

    python -m benchmarks.peers.compare [--rounds 3] [--people 10000] [--trecs .venv-trecs/bin/python]

recsim with one thread is compared by processor time with peers that may use one, with all cores by the clock with peers that may
use all, though only NumPy's products do. A second thread that waits for work spins, which would count as work of the peer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rounds import Row, reference, spread

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
TRECS = Path(os.environ.get("TRECS_PYTHON", ROOT / ".venv-trecs" / "bin" / "python")).absolute()
ITEMS, RETRIEVED = 1000, 256
GROUP = "Beside other tools: everybody scores {items:,} items a step, is shown the best 10, and reacts"
LIMIT = 600
"""Seconds after which a peer is given up."""


def said(command: list[str], cores: int) -> dict[str, Any]:
    """What a program prints; ``{"failed": reason}`` if it does not."""
    threads = {name: str(cores) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    env = {**os.environ, **threads, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    try:
        with tempfile.TemporaryDirectory() as folder:  # t-recs leaves a log where it is run
            done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=LIMIT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"failed": " ".join(str(error).split())[:160]}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:160]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def peers(people: int, steps: int, trecs: Path) -> dict[str, list[str]]:
    """Commands of the other tools by name."""
    array = [sys.executable, "-m", "benchmarks.peers.array_people"]
    size = ["--people", str(people), "--items", str(ITEMS), "--steps"]
    out = {}
    for items, text in ((ITEMS, "all"), (RETRIEVED, f"{RETRIEVED} retrieved")):
        out[f"Mesa, {text}"] = [*array, "mesa", *size, str(steps), "--scored", str(items)]
        out[f"NumPy in blocks, {text}"] = [*array, "numpy", *size, str(steps), "--scored", str(items)]
    for model, few in (("content", max(1, steps // 5)), ("popularity", max(2, steps // 3))):
        out[f"t-recs {model}, all"] = [str(trecs), str(HERE / "trecs_people.py"), model, *size, str(few)]
    return out


def rows(rounds: int, people: int, steps: int, trecs: Path = TRECS) -> list[Row]:
    """Rows of recsim, one thread and all cores, with the peers beside them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    mine = [sys.executable, "-m", "benchmarks.peers.recsim_people", "--people", str(people), "--items", str(ITEMS)]
    mine += ["--retrieved", str(RETRIEVED), "--steps", str(steps)]
    commands = peers(people, steps, trecs)
    found: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    peak: dict[str, int] = {}
    for _ in range(rounds):
        own = said(mine, 1)
        if "failed" in own:
            raise RuntimeError(f"recsim could not be measured: {own['failed']}")
        for variant in own["variants"]:
            text = "all" if variant["scored"] == ITEMS else f"{RETRIEVED} retrieved"
            clock = "seconds" if variant["threads"] > 1 else "processor"
            found.setdefault(f"{text}, {variant['threads']}", []).append(people / statistics.median(variant[clock]))
        for name, command in commands.items():
            if name in failed:
                continue
            if name.startswith("t-recs") and not trecs.exists():
                failed[name] = "not measured: `make bench-peers` makes the environment it needs"
                continue
            for threads, clock in ((1, "processor"), (cores, "seconds")):
                answer = said(command, threads)
                if "failed" in answer:
                    failed[name] = f"not measured: {answer['failed']}"
                    break
                found.setdefault(f"{name}, {clock}", []).append(people / statistics.median(answer[clock]))
                peak[name] = max(peak.get(name, 0), answer["peak_mib"])
    out = []
    for text in ("all", f"{RETRIEVED} retrieved"):
        for threads in sorted({1, cores}):
            values = found[f"{text}, {threads}"]
            beside = []
            for name in commands:
                same = name.endswith(text)
                if not same and not (text != "all" and name.startswith("t-recs")):
                    continue
                if name in failed:
                    beside.append({"name": name, "note": failed[name]})
                else:
                    note = f"at most {peak[name]:,} MiB" + ("" if same else "; it has no retrieval")
                    clock = "seconds" if threads > 1 else "processor"
                    beside.append(reference(name, values, found[f"{name}, {clock}"], note))
            out.append(
                Row(
                    GROUP.format(items=ITEMS),
                    f"recsim, {'the whole catalogue' if text == 'all' else text}, {threads} thread{'s' * (threads > 1)}",
                    "user-steps/s", spread(values), "clock" if threads > 1 else "processor",
                    {"people": people, "P": ITEMS if text == "all" else RETRIEVED, "K": 10, "D": 16},
                    beside, "all phases; ten responses each and no repeats, where peers have one interaction",
                    {"peak_mib": peak, "peers_may_use_threads": threads},
                )
            )  # fmt: skip
    return out


def main() -> None:
    from benchmarks.table import text

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--trecs", type=Path, default=TRECS, help="interpreter of an environment with t-recs")
    options = parser.parse_args()
    print(text(rows(options.rounds, options.people, options.steps, options.trecs.absolute())))


if __name__ == "__main__":
    main()
