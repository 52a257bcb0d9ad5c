"""What figures must not suggest: that luck is a finding, that a small change is a collapse, that something is cut."""

from __future__ import annotations

import dataclasses

import fake_world
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from recsim.audit.cells import printable
from recsim.experiment import robustness, run
from recsim.experiment.compare import compare
from recsim.report import region_figures
from recsim.report.compare_figures import pareto
from recsim.report.day_figures import activity_and_exposure
from recsim.report.figure_strings import FIGURES
from recsim.report.figures import other_assumptions, shift_per_candidate
from recsim.scenario import load

BENEFICIARY = "eva"


@pytest.fixture(scope="module")
def result():
    return run(load(fake_world.SMALL), simulate=fake_world.simulate, workers=1, store=False, robustness=False)


def changed(result, **frames):
    return dataclasses.replace(result, frames={**result.frames, **frames}, _by={})


def test_tiles_are_coloured_by_what_is_told_from_zero(result, monkeypatch):
    table = printable(result, "region").astype({"region": str})
    mine = table["candidate"] == BENEFICIARY
    for region, values in {"north": (4.0, -9.0, 17.0), "south": (1.5, 1.0, 2.0)}.items():
        table.loc[mine & (table["region"] == region), ["shift_pp", "ci_low", "ci_high"]] = values
    monkeypatch.setattr(region_figures, "printable", lambda *_: table)
    figure = region_figures.region_tiles(result)
    north, south = (np.array(p.get_facecolor()[:3]) for p in figure.axes[0].patches if isinstance(p, Rectangle))
    assert north.min() > 0.6 > south.min()  # the largest estimate is pale, since luck alone would do
    north, south = (p for p in figure.axes[0].patches)
    assert south.get_linewidth() > north.get_linewidth()
    bar = figure.axes[-1]
    assert bar.get_xlim() == pytest.approx((-1.5, 1.5))  # the scale ends at what is told from zero, not at +4


def test_activity_is_drawn_from_zero_unless_it_spans_a_decade(result):
    days = range(result.summary["window_first_day"], 1)

    def above(*counted):
        table = pd.DataFrame({"arm": "factual", "campaign": "network", "day": days, "counted": counted})
        return activity_and_exposure(changed(result, campaigns=table)).axes[0]

    axes = above(*[100] * (len(days) - 1), 87)
    assert axes.get_yscale() == "linear" and axes.get_ylim()[0] == 0
    assert axes.get_ylabel() == FIGURES["activity_actions"]
    axes = above(*[1000] * (len(days) - 1), 87)
    assert axes.get_yscale() == "log" and axes.get_ylabel() == FIGURES["activity_actions_log"]


def test_the_widest_luck_band_ends_inside_the_frame(result):
    rows = [{**row, "luck_band_pp": 30.0} for row in result.summary["candidates"]]
    wide = dataclasses.replace(result, summary={**result.summary, "candidates": rows})
    low, high = shift_per_candidate(wide).axes[0].get_xlim()
    assert low < -30.5 and high > 30.5


def test_whiskers_of_other_assumptions_are_intervals(result):
    cells = [("off", 40.0), ("hard", 40.0), ("soft", 200.0)]
    frame = pd.DataFrame(
        [(g, p, "as declared", BENEFICIARY, shift) for g, p in cells for shift in (1.0, 2.0, 4.0)],
        columns=["gates", "prior_events", "head_weights", "candidate", "shift_pp"],
    )
    table = robustness.table(frame, ("soft", 200.0, "as declared"))
    figure = other_assumptions(dataclasses.replace(result, robustness=table))
    spans = [c.get_segments()[0][:, 0] for c in figure.axes[0].collections]
    assert len(spans) == 3
    for span in spans:
        assert span == pytest.approx([table["ci_low"][0], table["ci_high"][0]])
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert "soft" in names[0] and FIGURES["robustness_declared"] in [
        t.get_text() for t in figure.legends[0].get_texts()
    ]
    older = table.drop(columns="declared")
    assert len(other_assumptions(dataclasses.replace(result, robustness=older)).axes[0].collections) == 3


def test_the_own_policys_whisker_is_above_the_zero_line():
    scenario = load(fake_world.SMALL, ["run.replicates=3"])
    found = compare(scenario, policies=["random", "tiktok_value"], simulate=fake_world.simulate, workers=1, store=False)
    axes = pareto(found, BENEFICIARY).axes[0]
    zero = next(line for line in axes.lines if list(line.get_ydata()) == [0, 0])
    orange = to_rgb("#E69F00")
    own = [c for c in axes.collections if np.allclose(c.get_color()[0][:3], orange)]
    assert own and all(c.get_zorder() > zero.get_zorder() for c in own)
    assert min(c.get_linewidth()[0] for c in own) > 2 * zero.get_linewidth()
