"""Precision and recall of detectors on the networks of a scenario at several scales of the simulation, items fixed.

    python benchmarks/detectors_at_scale.py configs/romania.yaml --scales 0.00014 0.0004 0.001
    python benchmarks/detectors_at_scale.py configs/romania.yaml --set campaigns.sleepers.actions_per_day=20

Detectors only look: nobody reviews what they find. One replicate with central values; the factual arm; sums over the
daily runs of the campaign window. Numbers: docs/moderation.md.
"""

from __future__ import annotations

import argparse
import datetime
import time

from recsim.scenario import load, realise
from recsim.world.arms import FACTUAL
from recsim.world.pair import simulate_arms

DETECTORS = [
    "{id: synchrony, kind: synchrony}",
    "{id: synchrony_wide, kind: synchrony, parameters: {window: 48, similarity: 0.2, common: 3, smallest: 3}}",
    "{id: cliques, kind: cliques}", "{id: dense_block, kind: dense_block}", "{id: graph_trust, kind: graph_trust}",
    "{id: noise, kind: noise}",
]  # fmt: skip


def measured(config: str, scale: float, days: int, overrides: list[str]) -> dict[str, tuple[float, ...]]:
    """Sums of what each detector found: flagged, inauthentic among them, inauthentic at work, people flagged, people."""
    base = load(config)
    start = base.days.vote - datetime.timedelta(days=days - 1)
    # A campaign begins a day after the run at the earliest.
    late = [f"campaigns.{c.id}.start={2 - days}" for c in base.campaigns if c.start < 2 - days]
    scenario = load(
        config,
        [
            f"population.scale={scale}", f"days.start={start}", "run.luck_branches=1", *late,
            f"moderation.detectors=[{', '.join(DETECTORS)}]", *overrides,
        ],
    )  # fmt: skip
    frames = simulate_arms(realise(scenario, scenario.run.seed, 0, fixed=True), 0, [FACTUAL]).frames
    table = frames["detections"]
    table = table[table["arm"].astype(str) == "factual"]
    columns = ["flagged", "inauthentic_flagged", "inauthentic", "people_flagged", "people"]
    last = table[table["day"] == 0].groupby("detector")["inauthentic"].first()
    return {
        str(name): (*map(float, row), float(last[name])) for name, row in table.groupby("detector")[columns].sum().iterrows()
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config")
    parser.add_argument("--scales", type=float, nargs="+", default=[0.00014, 0.0004, 0.001])
    parser.add_argument(
        "--days",
        type=int,
        default=18,
        help="simulated days, the vote the last of them; campaigns that begin earlier begin with them",
    )
    parser.add_argument("--set", action="append", default=[], help="dotted.key=value")
    given = parser.parse_args()
    print("| scale | at work on the last day | detector | precision | recall | false positives | seconds |")
    print("|---|---|---|---|---|---|---|")
    for scale in given.scales:
        began = time.perf_counter()
        found = measured(given.config, scale, given.days, given.set)
        seconds = time.perf_counter() - began
        for name, (flagged, hit, acting, wrong, people, last) in found.items():
            precision = f"{hit / flagged:.2f}" if flagged else "-"
            print(
                f"| {scale:g} | {last:.0f} | `{name}` | {precision} | {hit / acting:.2f} | {wrong / people:.4f} | "
                f"{seconds:.0f} |", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
