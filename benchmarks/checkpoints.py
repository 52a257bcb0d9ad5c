"""What a checkpoint of the Romanian scenario costs: bytes per person, and speed of writing, checking and reading back.

python benchmarks/checkpoints.py [SCALE] [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from recsim.experiment.checkpoints import Checkpoints, Every, Place
from recsim.rng import Key
from recsim.scenario import load, realise
from recsim.world.arms import FACTUAL
from recsim.world.build import build_state
from recsim.world.checkpoint import fill_state, size_of, snapshot
from recsim.world.plan import make_plan
from recsim.world.world import World

ROMANIA = Path(__file__).resolve().parent.parent / "configs" / "romania.yaml"
TIMES = 3


def arrays_of(content, path=""):
    """(name, bytes) of all arrays."""
    if isinstance(content, np.ndarray):
        yield path, content.nbytes
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, one in parts:
        yield from arrays_of(one, f"{path}.{name}".lstrip("."))


def main(scale: float, folder: str | None) -> None:
    """Build a world, write it and read it back some times."""
    plan = make_plan(realise(load(ROMANIA, [f"population.scale={scale}"]), 1, 0))
    began = time.process_time()
    state = build_state(plan, Key(1, 0))
    built = time.process_time() - began
    world = World(plan, state, Key(1, 0), FACTUAL)
    content = snapshot(world)
    size = size_of(content)
    print(
        f"{plan.people:,} people: {size / 1e9:.2f} GB, {size / plan.people:.0f} B each; drawing the state: {built:.1f} s"
    )
    for name, count in sorted(arrays_of(content), key=lambda one: -one[1])[:8]:
        print(f"  {name}: {count / plan.people:.0f} B a person")
    best = {what: [np.inf, np.inf] for what in ("write", "check", "read back")}

    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    with tempfile.TemporaryDirectory(dir=folder) as path:
        store = Checkpoints(Place(Path(path) / "c", "mark", "replicates", 0, Every(hours=1.0), 1.0))
        for number in range(TIMES):
            name, marks = f"step-0000-{number:06d}", [now()]
            store.save(name, lambda: content, {"step": number})
            marks.append(now())
            store.keep({name})
            marks.append(now())
            found = store.load(name)
            marks.append(now())
            if found is None:
                raise SystemExit(f"not read back: {store.notes}")
            fill_state(world.state, found["state"])
            marks.append(now())
            for what, (one, two) in {"write": (0, 1), "check": (2, 3), "read back": (3, 4)}.items():
                for clock in (0, 1):
                    best[what][clock] = min(best[what][clock], marks[two][clock] - marks[one][clock])
    for what, (wall, busy) in best.items():
        print(f"{what}: {size / wall / 1e9:.2f} GB/s by the clock, {busy / size * 1e9:.2f} s of processor time a GB")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.05, sys.argv[2] if len(sys.argv) > 2 else None)
