"""t-recs on the common task; run by the interpreter of an environment that has it (``make bench-peers``).

    .venv-trecs/bin/python benchmarks/peers/trecs_people.py content|popularity [--people 10000] [--items 1000] [--steps 2]

Its own models with their defaults: a step ranks the whole catalogue for everybody (it has no retrieval), shows ten items, has
everybody interact with one, and trains again. No measurements are attached.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

warnings.filterwarnings("ignore")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=["content", "popularity"])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()
    from trecs.models import ContentFiltering, PopularityRecommender

    sizes = {"num_users": options.people, "num_items": options.items, "num_items_per_iter": 10, "seed": 1}
    if options.model == "content":
        model = ContentFiltering(num_attributes=16, **sizes)
    else:
        model = PopularityRecommender(**sizes)
    clock, processor = [], []
    for _ in range(options.steps):
        began, busy = time.perf_counter(), time.process_time()
        model.run(timesteps=1, disable_tqdm=True)
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - busy)
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"scored": options.items, "seconds": clock, "processor": processor, "peak_mib": peak}))


if __name__ == "__main__":
    main()
