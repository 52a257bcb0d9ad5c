"""Does the answer depend on how many people are simulated? The shift at several scales, with intervals, paired by world.

    python experiments/scale_invariance.py configs/romania.yaml                       # its own scale, 1:1000, 1:100, 1:10
    python experiments/scale_invariance.py configs/romania.yaml --scales 1:1000 1:100 --videos-per-day 48 --core-hours 0.5
    python experiments/scale_invariance.py configs/romania.yaml --plan                # what it would take, nothing else

Everything else is held: items, parameters at their central values, seed. Worlds of the same number have the same items and
the same campaigns at every scale, so that scales are compared world by world: that takes out most of what differs
between worlds. The largest scale with at least three worlds is the reference. A smaller one is trusted if the 95 % interval of its
difference to the reference lies within the tolerance, and so do all scales between; an interval that is too wide says
"cannot tell", which is not "agrees".

Larger worlds get fewer replicates: as many as ``--core-hours`` allow for each scale, 3 to 24, or ``--replicates`` one by one. Runs are kept
in ``--out`` world by world, and the same command goes on where it was stopped. Fewer videos a day make large scales
affordable; then it is that scenario whose invariance is shown. Writes ``scale_invariance.json`` (everything), ``by_replicate.csv``
and ``scale_invariance.svg|png``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from scale_answer import FEWEST, chart, compared, spread, told

import recsim as rs
from recsim.cli.progress import progress
from recsim.errors import InputError
from recsim.experiment.executor import default_workers, machine_bytes
from recsim.experiment.folder import write_text
from recsim.experiment.run import estimate, expected_work
from recsim.experiment.sets import without_table
from recsim.experiment.summary import Counts, beneficiaries, cleaned, dose_ratio
from recsim.report.figures import STYLE
from recsim.report.saving import save
from recsim.scenario.schema import Scenario
from recsim.world.plan import make_plan

FACTS = (
    "largest_reach",
    "gini_views",
    "like_rate",
    "candidate_feed_share",
    "empty_share",
    "gate_1_pass_share",
    "videos_per_day",
)
"""Facts of the platform that could move with the number of people, and the shift with them."""
MOST = 24


def scale_of(text: str, scenario: Scenario) -> float:
    """``own``, ``1:1000`` or ``0.001`` as a share of the real people."""
    try:
        value = (
            scenario.population.scale
            if text == "own"
            else 1 / float(text[2:])
            if text.startswith("1:")
            else float(text)
        )
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0 < value <= 1:
        raise InputError(f"got {text!r}, must be own, 1:N or a number above 0 and at most 1", "--scales")
    return value


def at_scale(options: argparse.Namespace, scale: float) -> Scenario:
    """The scenario with so many people, and with the videos a day that are asked for."""
    settings = [*options.set, f"population.scale={scale}"]
    if options.videos_per_day is not None:
        activity = rs.load(options.config, options.set).activity
        settings.append(f"activity.visits_per_day={options.videos_per_day / activity.videos_per_visit.value}")
    return without_table(rs.load(options.config, settings))


def one_world(scenario: Scenario) -> float:
    """Expected seconds of one replicate on one core."""
    return expected_work(scenario.model_copy(update={"run": scenario.run.model_copy(update={"replicates": 1})}))


def memory(scenario: Scenario) -> float:
    """Expected GiB of one worker."""
    return estimate(scenario, 1)["mebibytes"] / 1024


def planned(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Scales, smallest first, with replicates, workers, and what they take.

    Raises:
        InputError: a scale that is none, or replicates that do not fit the scales.
    """
    base = rs.load(options.config, options.set)
    scales = sorted({scale_of(text, base) for text in options.scales})
    if options.replicates and len(options.replicates) != len(scales):
        raise InputError(
            f"got {len(options.replicates)} numbers for {len(scales)} scales, one each, smallest scale first",
            "--replicates",
        )
    there = machine_bytes() / 2**30
    rows = []
    for number, scale in enumerate(scales):
        scenario = at_scale(options, scale)
        each, gib = one_world(scenario), memory(scenario)
        count = (
            options.replicates[number]
            if options.replicates
            else int(np.clip(3600 * options.core_hours / each, FEWEST, MOST))
        )
        workers = max(1, min(options.workers or default_workers(), count, int(0.7 * there / gib)))
        rows.append({
            "scale": scale, "one_in": 1 / scale, "people": max(1, round(base.population.people.value * scale)),
            "replicates": count, "workers": workers, "expected_minutes": count * each / max(workers, default_workers()) / 60,
            "expected_gib": gib * workers, "fits": gib < 0.7 * there, "scenario": scenario,
        })  # fmt: skip
    return rows


def announce(rows: list[dict[str, Any]]) -> None:
    """What the study will take, within about a factor of two."""
    for row in rows:
        print(
            f"1:{row['one_in']:,.0f}  {row['people']:,} people, {row['replicates']} worlds, about {row['expected_minutes']:.1f} min, "
            f"{row['expected_gib']:.1f} GiB" + ("" if row["fits"] else ": more than this machine has, left out (--anyway tries)"),
            flush=True,
        )  # fmt: skip
    print(f"in all about {sum(r['expected_minutes'] for r in rows if r['fits']):.0f} min\n", flush=True)


def measure(row: dict[str, Any], candidate: str, out: Path) -> dict[str, np.ndarray]:
    """Simulate one scale, or take it over from ``out``; values by replicate."""
    scenario = row["scenario"]
    folder = out / f"one-in-{row['one_in']:.0f}"
    with progress(False) as say:
        result = rs.run(
            scenario, replicates=row["replicates"], out=folder, resume=True, robustness=False, fixed_parameters=True,
            workers=row["workers"], threads=max(1, default_workers() // row["workers"]), progress=say,
        )  # fmt: skip
    row["fingerprint"], names = result.summary["fingerprint"], [c.id for c in scenario.candidates]
    replicates = list(range(row["replicates"]))
    counts, k = Counts(result.frames["exposure"], names, replicates, scenario.run.luck_branches), names.index(candidate)
    values = {"shift_pp": counts.shift_pp[:, k]}
    for arm, name in enumerate(("share_with_pct", "share_without_pct")):
        values[name] = 100 * counts.shares[:, :, arm, k].mean(axis=1)
    engagement = result.frames["engagement"]
    values["dose_ratio"] = np.array(
        [dose_ratio(engagement[engagement["replicate"] == r], [candidate]) for r in replicates]
    )
    facts = result.frames["facts"]
    shared = facts[facts["arm"].astype(str) == "shared"].groupby(["name", "replicate"], observed=True)["value"].mean()
    for name in FACTS:
        if name in shared.index.get_level_values("name"):
            values[name] = shared[name].reindex(replicates).to_numpy(float)
    return values


def floors(scenario: Scenario, candidate: str) -> dict[str, Any]:
    """What whole numbers do to a small world: views that fill the first pool before the floor of one view, followers."""
    plan = make_plan(scenario)
    stages = scenario.platform.gates.stages
    followers = next(c for c in scenario.candidates if c.id == candidate).followers.value
    return {
        "first_pool_views": stages[0].viewers.value * plan.represented * plan.scale if stages else None,
        "followers_of_beneficiary": followers * plan.scale,
    }  # fmt: skip


def study(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that the command line asks for; the content of the JSON file."""
    rows = planned(options)
    announce(rows)
    rows = [row for row in rows if row["fits"] or options.anyway]
    if options.plan or not rows:
        return {}
    base = rows[0]["scenario"]
    candidate = options.candidate or beneficiaries(base)[0]
    if candidate not in [c.id for c in base.candidates]:
        raise InputError(f"got {candidate!r}, must be one of {', '.join(c.id for c in base.candidates)}", "--candidate")
    tolerance = options.tolerance if options.tolerance is not None else base.audit.threshold_pp.value / 2
    values = []
    for row in rows:
        row["floors"] = floors(row["scenario"], candidate)
        values.append(measure(row, candidate, options.out))
        t = spread(values[-1]["shift_pp"])
        print(f"1:{row['one_in']:,.0f}: shift {t['mean']:+.2f} ({t['low']:+.2f} to {t['high']:+.2f}) pp", flush=True)
    found = compared(rows, values, tolerance)
    lines = told(rows, found)
    print("\n" + "\n".join(lines))
    a = base.activity
    videos = a.visits_per_day.value * a.videos_per_visit.value
    content = {
        "scenario": base.name, "candidate": candidate, "policy": base.platform.policy, "videos_per_day": videos, "settings": options.set,
        **found, "told": lines, "scales": [{k: v for k, v in row.items() if k not in ("scenario", "fits")} for row in rows],
    }  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(options.out / "scale_invariance.json", json.dumps(cleaned(content), indent=1) + "\n")
    parts = [
        pd.DataFrame({"scale": row["scale"], "people": row["people"], "replicate": range(row["replicates"]), **mine})
        for row, mine in zip(rows, values, strict=True)
    ]
    write_text(options.out / "by_replicate.csv", pd.concat(parts, ignore_index=True).to_csv(index=False))
    with matplotlib.rc_context(STYLE):
        save(
            chart(rows, found, next(c.name for c in base.candidates if c.id == candidate), videos),
            options.out,
            "scale_invariance",
        )
    return content


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--scales", nargs="+", default=["own", "1:1000", "1:100", "1:10"], help="own, 1:N or shares")
    parser.add_argument(
        "--videos-per-day", type=float, help="of a person; fewer make large scales affordable (default: the scenario's)"
    )
    parser.add_argument(
        "--core-hours", type=float, default=1.0, help="for each scale; decides the number of worlds (default 1)"
    )
    parser.add_argument("--replicates", type=int, nargs="+", help="worlds of each scale, smallest scale first")
    parser.add_argument("--tolerance", type=float, help="points (default: half of the scenario's threshold)")
    parser.add_argument("--candidate", help="whose shift (default: the first beneficiary)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the scenario")
    parser.add_argument("--workers", type=int, help="processes (default: all cores, fewer where memory is short)")
    parser.add_argument("--plan", action="store_true", help="say what it takes and stop")
    parser.add_argument("--anyway", action="store_true", help="also scales that do not fit into this machine's memory")
    parser.add_argument("--out", type=Path, default=Path("runs/scale-invariance"))
    try:
        study(parser.parse_args(arguments))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
