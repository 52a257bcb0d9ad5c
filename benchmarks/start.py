"""Starting: seconds from the command to the first step of the first replicate, warm and with empty caches.

    python -m benchmarks.start [--rounds 3] [--cold] [--config configs/small.yaml]

``recsim run`` in a process of its own, stopped when the first replicate begins its first step: interpreter, imports, reading and
describing the scenario, loading compiled code or compiling it (on two cores in two processes).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rounds import Row, spread

ROOT = Path(__file__).resolve().parent.parent
UNTIL_FIRST_STEP = """
import sys
sys.argv = ["recsim", "run", sys.argv[1], "--workers", "1", "--out", sys.argv[2]]
from recsim.cli import main
from recsim.world import pair

def first_step(*arguments, **settings):
    raise KeyboardInterrupt

first = pair.simulate_replicate
def simulate(*arguments, **settings):
    from recsim.world.world import World
    World.step = first_step
    return first(*arguments, **settings)

pair.simulate_replicate = simulate
main()
"""


def seconds(config: Path, caches: Path | None) -> tuple[float, float]:
    """By the clock, and of processor time of all processes; ``caches``: folder for compiled code, None: the usual one."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    if caches is not None:
        env |= {"NUMBA_CACHE_DIR": str(caches / "numba"), "RECSIM_CACHE_DIR": str(caches / "recsim")}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", UNTIL_FIRST_STEP, str(config), str(Path(folder) / "run")]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT)
        spent, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 130:
        raise RuntimeError(f"the run did not reach its first step: {done.stderr.strip()[-300:]}")
    return spent, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def rows(rounds: int, cold: bool, config: Path = ROOT / "configs" / "small.yaml") -> list[Row]:
    """Warm starts, and one with empty caches."""
    seconds(config, None)
    warm = [seconds(config, None) for _ in range(rounds)]
    settings = {"scenario": config.name, "workers": 1}
    clock = spread([one[0] for one in warm])
    out = [
        Row(
            "Starting: `recsim run` until the first step", "compiled before", "s", clock, "clock", settings,
            details={"processor": spread([one[1] for one in warm])._asdict()},
        )
    ]  # fmt: skip
    if cold:
        with tempfile.TemporaryDirectory() as folder:
            spent, processor = seconds(config, Path(folder))
        out.append(
            Row(
                "Starting: `recsim run` until the first step", "empty caches: everything is compiled", "s",
                spread([spent]), "clock", settings,
                note=f"{spent - clock.median:.1f} s more than a warm start; {processor:.1f} s of processor time in all processes",
                details={"processor": processor},
            )
        )  # fmt: skip
    return out


def main() -> None:
    from benchmarks.table import text

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "small.yaml")
    options = parser.parse_args()
    print(text(rows(options.rounds, options.cold, options.config.resolve())))


if __name__ == "__main__":
    main()
