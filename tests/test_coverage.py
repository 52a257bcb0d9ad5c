"""The study of coverage: exact on made-up rows, and on a few real worlds."""

from __future__ import annotations

import fake_world
import numpy as np
import pytest

from recsim.audit.coverage import coverage, drawn_studies, exchangeable, shifts_of
from recsim.audit.procedures import bca, bootstrap_t
from recsim.experiment import run
from recsim.experiment.dose_curve import crossing
from recsim.metrics import further_interval, interval, verdict
from recsim.scenario import load

SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18"]
STUDIES = 1500


def four_errors(share, studies=STUDIES):
    """Four standard errors of a share of independent studies."""
    return 4 * np.sqrt(share * (1 - share) / studies)


@pytest.mark.parametrize("size", [5, 20])
def test_normal_differences_are_covered_as_promised(size):
    x = np.random.default_rng([11, size]).normal(0, 2, STUDIES * size)
    found = coverage(x, size, bootstrap=False, truth=0.0)
    assert found.studies == STUDIES
    assert found.covered == pytest.approx(0.95, abs=four_errors(0.95))
    assert found.predicted == pytest.approx(0.95, abs=four_errors(0.95))
    assert found.rejected_t == pytest.approx(0.05, abs=four_errors(0.05))
    # Of five signs no pattern is rarer than 1 in 16, so sign flips never alarm.
    assert found.rejected_flips == (0 if size == 5 else pytest.approx(0.05, abs=four_errors(0.05)))


def test_too_narrow_intervals_are_found_out():
    """Skewed differences in small studies, and dependence within a study."""
    draw = np.random.default_rng(12)
    skewed = draw.gamma(0.05, 1, 4 * 1500)
    assert coverage(skewed, 4).covered < 0.9
    luck = np.repeat(draw.normal(0, 1, 500), 10) + draw.normal(0, 0.1, 5000)
    assert coverage(luck, 10).rejected_t > 0.5


DRAWN = {
    "normal": lambda draw, n: draw.normal(0, 1, n),
    "skewed": lambda draw, n: draw.gamma(0.4, 1, n) - 0.4,  # as effects of campaigns are: a few worlds shift much
}
PROMISED = {
    # Least share of printed intervals that hold the mean, largest shares of "below" and of "exceeds" at a mean that is the threshold.
    ("normal", 10): (0.95, 0.05, 0.025),
    ("normal", 20): (0.95, 0.05, 0.025),
    ("normal", 30): (0.95, 0.05, 0.025),
    # docs/audit-plan.md says these for a measured world that is as skewed: 90, 94 and 94, and 13, 9 and 8 in a hundred.
    ("skewed", 10): (0.90, 0.13, 0.025),
    ("skewed", 20): (0.94, 0.09, 0.025),
    ("skewed", 30): (0.94, 0.08, 0.025),
}


@pytest.mark.parametrize(
    "kind, size", [pytest.param(*key, marks=() if key[1] == 20 else pytest.mark.slow) for key in PROMISED]
)
def test_the_printed_interval_and_the_verdicts_keep_what_they_promise(kind, size):
    """1,500 studies of one size, whose mean is the threshold; four standard errors beside what is promised."""
    x = DRAWN[kind](np.random.default_rng([13, size]), STUDIES * size) + 1
    held, below, above, by_t = np.zeros((4, STUDIES), bool)
    for k, part in enumerate(x.reshape(STUDIES, size)):
        printed = further_interval(part)
        held[k] = printed.low <= 1 <= printed.high
        said = verdict(part, 1.0)
        below[k], above[k] = said == "below", said == "exceeds"
        by_t[k] = interval(part, 0.9).high < 1
    least, most_below, most_above = PROMISED[kind, size]
    assert least - four_errors(least) <= held.mean() < 1
    assert below.mean() <= most_below + four_errors(most_below)
    assert above.mean() <= most_above + four_errors(most_above)
    assert not (below & ~by_t).any()
    if kind == "skewed":  # what the bootstrap is there for, and that so many studies can tell
        assert below.mean() < by_t.mean() - 0.02


def test_what_coverage_says_of_below_is_what_verdicts_say():
    x = DRAWN["skewed"](np.random.default_rng(14), 200 * 20) + 1
    found = coverage(x, 20, bca=False, truth=1.0)
    parts = x.reshape(200, 20)
    # A study whose lower end is below -1 is not called below; here there is none, so shares are equal.
    assert found.below == np.mean([verdict(part, 1.0) == "below" for part in parts])
    assert found.below_t == np.mean([interval(part, 0.9).high < 1 for part in parts]) > found.below > 0
    turned = coverage(-x, 20, bca=False, truth=-1.0)
    assert (turned.below, turned.below_t) == (found.below, found.below_t)


def test_the_studentised_bootstrap_covers_a_skewed_effect_better():
    skewed = np.random.default_rng(15).gamma(0.4, 1, 20 * 400)
    found = coverage(skewed, 20, bca=False, truth=0.4)
    assert found.covered < 0.92 < found.covered_bootstrap_t


def test_of_two_intervals_the_printed_one_covers_what_either_end_reaches():
    """By plain code: the lower of the lower ends, the higher of the higher ones."""
    x = np.random.default_rng(16).gamma(0.4, 1, 20 * 200)
    found, held = coverage(x, 20, bca=False, truth=0.4), 0
    for part in x.reshape(200, 20):
        t, skewed = interval(part), bootstrap_t(part)
        held += min(t.low, skewed.low) <= 0.4 <= max(t.high, skewed.high)
    assert found.covered_either == held / 200 > max(found.covered, found.covered_bootstrap_t)


@pytest.mark.parametrize("worlds", [10, 30])
def test_the_interval_of_a_crossing_holds_the_true_dose(worlds):
    """300 simulated studies of 0, 1, 2 and 3 points at the doses 1, 2, 4 and 8, so that 2 points are reached at 4."""
    draw, doses = np.random.default_rng([17, worlds]), [1, 2, 4, 8]
    held = 0
    for _ in range(300):
        # A world has its own strength and its own luck at each dose.
        shift = np.arange(4) * draw.normal(1, 0.2, (worlds, 1)) + draw.normal(0, 0.7, (worlds, 4))
        found = crossing(doses, shift, 2.0)
        # None: that end of the intervals does not reach 2 points within the doses.
        low, high = (np.inf if found[end] is None else found[end] for end in ("ci_low", "ci_high"))
        held += low <= 4 <= high
    assert 0.95 - four_errors(0.95, 300) <= held / 300 < 1


def test_studies_drawn_from_a_row_are_independent_and_have_its_mean():
    x = np.random.default_rng(18).normal(2, 1, 3000)
    many = drawn_studies(np.append(x, np.nan), 100, 1900)
    assert many.shape == (190_000,) and set(many) <= set(x) and (many == drawn_studies(x, 100, 1900)).all()
    found = coverage(many, 100, bootstrap=False, truth=float(x.mean()))
    assert found.covered == pytest.approx(0.95, abs=four_errors(0.95, 1900))


def test_bca_only_in_large_studies():
    x = np.random.default_rng(19).normal(0, 1, 120)
    assert np.isnan(coverage(x, 20).covered_bca)
    held = [span.low <= x.mean() <= span.high for span in (bca(part) for part in x.reshape(4, 30))]
    assert coverage(x, 30).covered_bca == np.mean(held) > 0


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
