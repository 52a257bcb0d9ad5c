"""What people read: singulars, small counts, tags, the bound of the placebo, why a shift is not called below the threshold."""

from __future__ import annotations

import re
from types import SimpleNamespace

import fake_world
import numpy as np
import pytest

from recsim.audit import controls
from recsim.experiment import run
from recsim.ranking import registry
from recsim.ranking.policy import TAGS, tags_in
from recsim.report import html
from recsim.report.strings import counted
from recsim.report.table import millions, number, summary_lines
from recsim.scenario import load


@pytest.mark.parametrize(
    "value, text",
    [(3, "3"), (0, "0"), (999.4, "999"), (999.6, "1 k"), (-3, "-3"), (48_300, "48 k"), (1.7e6, "1.7 M"), (None, "-")],
)
def test_small_counts_are_printed_as_they_are(value, text):
    assert millions(value) == text


def test_one_of_something():
    assert counted(1, "world") == "1 world" and counted("1", "percentage point") == "1 percentage point"
    assert counted(0.5, "point") == "0.5 points" and counted(2, "luck branch", "luck branches") == "2 luck branches"


def test_numbers_have_no_more_digits_than_they_bear():
    assert number(-0.001, "+.2f") == "+0.00" and number(-1, ".0f") == "-1" and number(-0.2, ",.0f") == "0"
    assert html._between(-4.283, 31.39) == "-4.3 to +31.4" and html._between(-0.75, 2.38) == "-0.75 to +2.38"
    assert html._between(None, None) == html._between(float("nan"), 1.0) == "–"
    assert html._chance(0.0004) == "<0.001" and html._chance(0.0006) == "0.001" and html._chance(None) == "–"
    assert [html._views(v) for v in (1_664_000, 83_750, 999_800, 12, None)] == ["1.66 M", "83.8 k", "1 M", "12", "–"]
    assert html._beside(2.74e-05, 0.0713) == "+0.0000" and html._beside(-4.6, 462.0) == "-5"
    assert html._beside(0.004, 0.0) == "+0.004" and html._beside(None, 3.0) == "–"
    assert html._within(-0.000438, -0.0115, 0.0106) == "+0.000" and html._within(-68.7, -79.2, -57.1) == "-69"
    assert html._within(0.0, 0.0, 0.0) == "+0" and html._within(None, 0.0, 1.0) == "–"


@pytest.mark.parametrize("box, tall", [("0 0 518.4 266.4", False), ("0 0 533 1166", True), ("0 0 518.4 518.4", False)])
def test_a_tall_figure_is_printed_upright(box, tall):
    assert ('class="tall"' in html._head('<svg role="img" viewBox="{}">', box)) is tall


def test_every_tag_of_a_policy_is_explained():
    assert tags_in("[P] [M]") == ["[P]: read in a secondary page", "[M]: from memory"]
    used = {tag for name in registry.installed() for tag in re.findall(r"\[\w\]", registry.get(name).evidence)}
    assert used and used <= set(TAGS)


def test_the_placebo_is_bounded_in_points_and_in_thresholds(monkeypatch):
    monkeypatch.setattr(controls, "_simulate", lambda *_, **__: {"exposure": None})
    monkeypatch.setattr(controls, "Counts", lambda *_: SimpleNamespace(shift_pp=np.full((1, 3), 0.5)))
    scenario = load(fake_world.SMALL, ["audit.threshold_pp=2", "audit.placebo_bound_pp=5"])
    ok, text = controls.placebo(scenario)
    assert ok and "bound +/- 5 pp (2.5 times the threshold of 2 pp)" in text
    assert not controls.placebo(load(fake_world.SMALL, ["audit.placebo_bound_pp=0.4"]))[0]


@pytest.mark.parametrize("replicates, said", [(4, True), (10, False)])
def test_the_terminal_says_why_a_shift_is_not_below(replicates, said):
    scenario = load(fake_world.SMALL, [f"run.replicates={replicates}", "dose=0"])
    result = run(scenario, simulate=fake_world.simulate, workers=1, store=False, robustness=False)
    text = " ".join(" ".join(summary_lines(result)).split())
    assert ("but 4 replicates cannot show that; at least 10 can" in text) is said
    assert ("is below the declared threshold" in text) is not said
    assert "Being below is judged by 90 % intervals that allow for skewed effects, +0.00 to +0.00 pp" in text
    assert "Views by people of content about Eva in the window" in text
    assert (
        "Dose ratio: 0.00" in text and "with a probability of about 95 %, one further world would lie between" in text
    )
