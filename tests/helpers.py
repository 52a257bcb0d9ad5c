"""Small worlds for tests, and the keys that results must have."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from types import SimpleNamespace

import pandas as pd
import pytest

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


def here(*arguments, cwd=None):
    """A command in this process, which spares the second that a new one takes to start: its exit code and what it printed."""
    from recsim.cli import main

    out, error, code, before = io.StringIO(), io.StringIO(), 0, os.getcwd()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            os.chdir(cwd or before)
            main([str(one) for one in arguments])
        except SystemExit as end:
            code = end.code or 0
        finally:
            os.chdir(before)
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=error.getvalue())


EMPTY = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="4pt" height="3pt" viewBox="0 0 4 3"><title>empty</title></svg>\n'
)


@contextlib.contextmanager
def figures_not_rendered():
    """Figures are made as always, but an empty drawing is written in their place, which spares most of the time of a page.

    For tests of what stands around them; that they are rendered is shown by test_report, test_figures, test_answers, test_compare.
    """

    def write(figure, files, mark=""):
        for file in files:
            file.write_text(EMPTY if file.suffix == ".svg" else "no picture")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recsim.report.saving.write_files", write)
        yield


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


__all__ = ["changed", "figures_not_rendered", "frames_of", "here", "pd", "window_shares", "world_of"]
