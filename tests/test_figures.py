"""What figures must not suggest: that luck is a finding, that a small change is a collapse, that something is cut."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET

import fake_world
import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from recsim.audit.cells import printable
from recsim.experiment import robustness, run
from recsim.experiment.compare import compare
from recsim.report import region_figures
from recsim.report.compare_figures import pareto
from recsim.report.day_figures import activity_and_exposure, share_by_day
from recsim.report.figure_strings import FIGURES
from recsim.report.figures import STYLE, all_figures, not_drawn, other_assumptions, shift_per_candidate
from recsim.report.saving import SIZE, mark_of, save
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


def two(result, *more):
    """The same result with further beneficiaries."""
    names = [BENEFICIARY, *more]
    rows = [{**row, "beneficiary": row["id"] in names} for row in result.summary["candidates"]]
    return dataclasses.replace(result, summary={**result.summary, "beneficiaries": names, "candidates": rows}, _by={})


def test_every_figure_says_what_it_is_of(result, tmp_path):
    """Below the picture and in both files' metadata: simulated, scenario, policy, replicates, fingerprint."""
    s, mark = result.summary, mark_of(result.summary)
    for part in (
        "recsim simulation",
        s["scenario"],
        s["policy"],
        f"{s['replicates']} replicates",
        s["fingerprint"][:12],
    ):
        assert part in mark
    drawn = all_figures(result, tmp_path)
    assert len(drawn) >= 5
    for _, svg, _ in drawn:
        said = "".join(ET.parse(svg).getroot().itertext())
        assert mark in said
        with Image.open(svg.with_suffix(".png")) as picture:
            assert picture.info["Description"] == mark and picture.info["Software"] == "recsim"


@pytest.mark.parametrize("width, words", [(7.2, 1), (7.2, 12), (2.6, 3)])
def test_the_line_below_is_not_cut_and_covers_nothing(tmp_path, width, words):
    """Long names are wrapped; the legend stays above the line, and the picture keeps its size and its content."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, 3), dpi=150, layout="constrained")
        figure.add_subplot().plot([0, 1], [0, 1], label="a line")
        figure.legend(loc="outside lower center", frameon=False)
        figure.canvas.draw()
        save(figure, tmp_path, "f", " · ".join(["Scenario WWW $x_1$"] * words))
    line = figure.texts[-1]
    renderer = figure.canvas.get_renderer()
    box, legend = line.get_window_extent(renderer), figure.legends[0].get_window_extent(renderer)
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= legend.y0 + 1 and box.y1 <= 0
    with Image.open(tmp_path / "f.png") as picture:
        wide, tall = picture.size
        grey = np.asarray(picture.convert("L"), float)
    assert abs(wide - width * 150) <= 1
    strip = tall - 3 * 150
    assert strip >= -box.y0 - 1  # all lines are in the picture
    assert (grey[-strip:] < 200).any() and (grey[-2:] > 250).all() and (grey[:, -2:] > 250).all()
    assert SIZE >= 6


def test_laid_out_figures_keep_their_places(tmp_path):
    """Labels that were placed beside points stand where they were placed."""
    figure = Figure(figsize=(5, 3), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1])
    figure.canvas.draw()
    figure.set_layout_engine("none")
    before = axes.get_position().bounds
    save(figure, tmp_path, "f", "mark " * 60)
    assert axes.get_position().bounds == before


def test_two_beneficiaries_are_apart_without_colour(result):
    both = two(result, "ada")
    lines = [line for line in share_by_day(both).axes[0].lines if line.get_linewidth() > 2]
    assert len(lines) == 2 and len({line.get_marker() for line in lines}) == 2
    assert len({line.get_linestyle() for line in lines}) == 2 and len({line.get_color() for line in lines}) == 2
    bars = activity_and_exposure(both).axes[1].containers
    spans = [{(round(b.get_x(), 6), round(b.get_x() + b.get_width(), 6)) for b in group} for group in bars]
    assert len(bars) == 2 and not spans[0] & spans[1]
    for (a, b), (c, d) in zip(sorted(spans[0]), sorted(spans[1]), strict=True):
        assert b <= c + 1e-6 or d <= a + 1e-6
    assert len({group[0].get_hatch() or "" for group in bars}) == 2


def test_what_has_no_room_is_said(result):
    assert not_drawn(two(result, "ada"), "share_by_day") == ""
    three = two(result, *[c.id for c in result.scenario.candidates if c.id != BENEFICIARY][:2])
    assert not_drawn(three, "share_by_day") == "; not drawn: 1 more beneficiary, see by_day.csv"
    assert "2 more beneficiaries, see robustness.csv" in not_drawn(three, "robustness")
    assert not_drawn(three, "shift") == ""
    assert re.search(r"networks and bought engagement", FIGURES["activity_caption"])


def test_the_shift_by_day_has_its_band(result):
    figure = share_by_day(result)
    above, below = figure.axes
    table = result.by("day")
    mine = table[table["candidate"] == BENEFICIARY].sort_values("day")
    line = next(line for line in below.lines if len(line.get_xdata()) == len(mine))
    assert line.get_ydata() == pytest.approx(mine["shift_pp"].to_numpy())
    corners = below.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(mine["ci_low"].min())
    assert corners[:, 1].max() == pytest.approx(mine["ci_high"].max())
    assert above.get_shared_x_axes().joined(above, below)
    alone = dataclasses.replace(result, summary={**result.summary, "beneficiaries": []}, _by={})
    assert len(share_by_day(alone).axes) == 1


def test_the_luck_band_is_said_to_be_of_a_pair():
    assert "single pair" in FIGURES["luck_band"] and "single pair" in FIGURES["shift_caption"]
