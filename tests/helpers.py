"""Small worlds for tests, and the keys that results must have."""

from __future__ import annotations

import signal

import pandas as pd

from recsim.rng import Key
from recsim.scenario import realise
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, SHARED
from recsim.world.build import build_state
from recsim.world.pair import simulate_replicate
from recsim.world.plan import make_plan
from recsim.world.world import World

# Keys of summary.json that others rely on, in the order in which they are written.
SUMMARY_KEYS = [
    "scenario",
    "fingerprint",
    "policy",
    "replicates",
    "seed",
    "people",
    "steps",
    "candidates",
    "tv_distance",
    "timing",
]
ROW_KEYS = [
    "id", "share_factual", "share_counterfactual", "shift_pp", "ci_low", "ci_high", "luck_band_pp", "sd_worlds",
    "impressions_factual", "impressions_counterfactual", "excess_impressions", "reach_factual", "reach_counterfactual",
]  # fmt: skip
TIMING_KEYS = ["wall_s", "simulate_s", "compile_s", "impressions", "impressions_per_s", "peak_rss_mib"]


def hear_ctrl_c():
    """To be called in a new process: a shell's background job ignores the signal, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


ARMS = {arm.name: arm for arm in (SHARED, FACTUAL, COUNTERFACTUAL)}


def world_of(scenario, arm="shared", steps=30, replicate=0, threads=1):
    """A world after some steps."""
    plan = make_plan(realise(scenario, scenario.run.seed, replicate))
    key = Key(scenario.run.seed, replicate)
    world = World(plan, build_state(plan, key), key, ARMS[arm], threads=threads)
    world.run_until(steps)
    return world


def frames_of(scenario, replicate=0, **options):
    drawn = realise(scenario, scenario.run.seed, replicate)
    return simulate_replicate(drawn, replicate, **options).frames


def changed(scenario, **blocks):
    """A copy with fields of blocks replaced: changed(s, content={"items_per_day": 5})."""
    update = {}
    for name, fields in blocks.items():
        block = getattr(scenario, name)
        update[name] = block.model_copy(update=fields) if isinstance(fields, dict) else fields
    return scenario.model_copy(update=update)


def window_shares(frames, arm):
    """Share of window impressions by candidate."""
    e = frames["exposure"]
    sums = e[e["arm"].astype(str) == arm].groupby(e["candidate"].astype(str))["impressions"].sum()
    return sums / sums.sum()


__all__ = ["changed", "frames_of", "pd", "window_shares", "world_of"]
