"""The study of coverage: exact on made-up rows, and on a few real worlds."""

from __future__ import annotations

import fake_world
import numpy as np
import pytest

from recsim.audit.coverage import coverage, drawn_studies, exchangeable, shifts_of
from recsim.experiment import run
from recsim.scenario import load

draw = np.random.default_rng(11)
SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18"]


@pytest.mark.parametrize("size", [5, 20])
def test_normal_differences_are_covered_as_promised(size):
    """1,900 studies: 95 % within one point (two standard errors), 5 % false alarms likewise."""
    x = draw.normal(0, 2, 1900 * size)
    found = coverage(x - x.mean(), size)
    assert found.studies == 1900
    assert found.covered == pytest.approx(0.95, abs=0.0101)
    assert found.predicted == pytest.approx(0.95, abs=0.0151)
    assert found.rejected_t == pytest.approx(0.05, abs=0.0101)
    # Of five signs no pattern is rarer than 1 in 16, so sign flips never alarm.
    assert found.rejected_flips == (0 if size == 5 else pytest.approx(0.05, abs=0.0151))


def test_too_narrow_intervals_are_found_out():
    """Skewed differences in small studies, and dependence within a study."""
    skewed = draw.gamma(0.05, 1, 4 * 1500)
    assert coverage(skewed, 4).covered < 0.9
    luck = np.repeat(draw.normal(0, 1, 500), 10) + draw.normal(0, 0.1, 5000)
    assert coverage(luck, 10).rejected_t > 0.5


def test_the_studentised_bootstrap_covers_a_skewed_effect_better():
    skewed = draw.gamma(0.4, 1, 20 * 400)
    found = coverage(skewed, 20)
    assert found.covered < 0.92 < found.covered_bootstrap_t


def test_one_of_two_intervals_covers_at_least_as_often():
    found = coverage(draw.gamma(0.4, 1, 20 * 400), 20)
    assert max(found.covered, found.covered_bootstrap_t) <= found.covered_either < 1


def test_studies_drawn_from_a_row_are_independent_and_have_its_mean():
    x = draw.normal(2, 1, 3000)
    many = drawn_studies(np.append(x, np.nan), 100, 1900)
    assert many.shape == (190_000,) and set(many) <= set(x) and (many == drawn_studies(x, 100, 1900)).all()
    found = coverage(many, 100, bootstrap=False, truth=float(x.mean()))
    assert found.covered == pytest.approx(0.95, abs=0.0151)


def test_bootstrap_only_in_large_studies():
    x = draw.normal(0, 1, 60)
    assert np.isnan(coverage(x, 20).covered_bca)
    assert coverage(x, 30).covered_bca in (0, 0.5, 1)


def test_shifts_are_those_of_a_run():
    scenario = load(fake_world.SMALL, SETS)
    result = run(scenario, replicates=3, store=False, workers=1, robustness=False)
    found = shifts_of(scenario, 0, 3)
    assert found.mean(axis=0) == pytest.approx([row["shift_pp"] for row in result.summary["candidates"]])
    assert (found == np.concatenate([shifts_of(scenario, 0, 1), shifts_of(scenario, 1, 2)])).all()


def test_exchangeable_candidates_share_one_shift():
    scenario = exchangeable(load(fake_world.SMALL, SETS))
    assert [c.id for c in scenario.candidates] == ["one", "other"]
    a, b = scenario.candidates
    assert a.model_copy(update={"id": "x", "name": "x", "key": "x"}) == b.model_copy(update={"id": "x", "name": "x", "key": "x"})  # fmt: skip
    found = shifts_of(scenario, 0, 2)
    assert found.sum(axis=1) == pytest.approx(0, abs=1e-9) and found.any()


def test_zero_dose_leaves_nothing_to_chance():
    found = coverage(shifts_of(load(fake_world.SMALL, [*SETS, "dose=0"]), 0, 4)[:, 2], 2)
    assert found.covered == 1 and found.rejected_t == 0 and found.half_width == 0
