"""Ratios of paired means, and figures of a dose-response curve, against plain computations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from recsim import metrics
from recsim.experiment.dose_curve import crossing, doublings, first_crossing, saturation, slope
from recsim.experiment.efficacy import efficacy, fieller, relative_change, saved


def told_apart(a, b, q):
    """Whether the mean of a - q b is told from zero by a t test."""
    return stats.ttest_1samp(a - q * b, 0).pvalue < 0.05


@given(st.integers(0, 500), st.integers(3, 12), st.floats(0.0, 2.0))
def test_fieller_is_the_set_of_ratios_that_a_t_test_cannot_refuse(seed, n, ratio):
    rng = np.random.default_rng(seed)
    b = 5 + rng.normal(size=n)
    a = ratio * b + rng.normal(size=n)
    found = fieller(a, b)
    assume(found.value == found.value)
    assert found.low <= found.value <= found.high and found.n == n
    width = found.high - found.low
    for q, inside in ((found.low + 0.02 * width, True), (found.high - 0.02 * width, True),
                      (found.low - 0.02 * width, False), (found.high + 0.02 * width, False)):  # fmt: skip
        assert told_apart(a, b, q) != inside


def test_fieller_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(600):
        b = 4 + rng.normal(size=8)
        found = fieller(0.5 * 4 + rng.normal(size=8) + 0.5 * (b - 4), b)
        hits += found.low <= 0.5 <= found.high
    assert 0.925 < hits / 600 < 0.975


def test_no_ratio_where_the_denominator_may_be_zero():
    rng = np.random.default_rng(0)
    for b in (rng.normal(size=10), np.zeros(5), np.array([3.0]), np.array([np.nan, 2.0])):
        found = fieller(np.ones(len(b)), b)
        assert np.isnan([found.value, found.low, found.high]).all()
    assert np.isnan(efficacy(rng.normal(size=10), np.zeros(10)).low)


def test_no_efficacy_where_the_printed_interval_includes_zero():
    """A few worlds shift much downwards: Student's interval leaves zero out, the studentised bootstrap's does not."""
    reference = np.array([2.0, 2, 2, 4, 3, 3, 4, -2, 3, 2, 3, -1])
    assert metrics.interval(reference).low > 0 > metrics.shift_interval(reference).low
    assert np.isnan(efficacy(reference, reference / 2).value)


def test_efficacy_of_nothing_all_and_half():
    reference = np.array([2.0, 3.0, 4.0, 5.0])
    assert tuple(efficacy(reference, reference))[:3] == pytest.approx((0, 0, 0), abs=1e-7)
    assert tuple(efficacy(reference, 0 * reference))[:3] == pytest.approx((1, 1, 1))
    half = efficacy(reference, reference / 2 + [0.1, -0.1, 0.1, -0.1])
    assert half.low < half.value < half.high and half.value == pytest.approx(0.5)
    worse = efficacy(-reference, -2 * reference)
    assert worse.value == pytest.approx(-1)  # a shift below zero that doubles
    late = 10 * reference
    assert saved(late, late * 0.75).value == pytest.approx(0.25)
    assert relative_change(late, late * 1.1).value == pytest.approx(0.1)
    holes = np.array([np.nan, 3.0, 4.0, 5.0])
    assert efficacy(holes, holes / 2).n == 3


# ---- dose-response ------------------------------------------------------------------------------------------------


def test_slope_of_a_line_over_doublings():
    doses = [0, 0.5, 1, 2, 8]
    shift = np.array([[0, -1, 0, 1, 3], [0, -2, 0, 2, 6.0]])
    found = slope(doses, shift)
    assert found["pp_per_doubling"] == pytest.approx(1.5)
    t = metrics.interval(np.array([1.0, 2.0]))
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((t.low, t.high))
    noisy = np.random.default_rng(0).normal(size=(4, 5))
    wanted = [np.polyfit(np.log2(doses[1:]), row[1:], 1)[0] for row in noisy]
    assert slope(doses, noisy)["pp_per_doubling"] == pytest.approx(np.mean(wanted))
    assert np.isnan(slope([0, 1], shift[:, :2])["pp_per_doubling"])
    assert doublings([0, 1, 4, None])[:3].tolist() == [-np.inf, 0, 2] and np.isnan(doublings([None])[0])


def test_crossing_is_read_off_the_logarithmic_line():
    assert first_crossing([1, 4], np.array([0.0, 2.0]), 1.0) == pytest.approx(2)
    assert first_crossing([0, 1, 4], np.array([0.0, 2.0, 3.0]), 1.0) == pytest.approx(0.5)
    assert first_crossing([1, 4], np.array([1.5, 2.0]), 1.0) == 1
    assert first_crossing([1, 4], np.array([0.0, 0.5]), 1.0) is None
    assert first_crossing([1, 2, 4, 8], np.array([0, 2.0, 0, 2.0]), 1.0) == pytest.approx(2**0.5)
    rng = np.random.default_rng(1)
    shift = np.array([0, 0.5, 1.5, 2.5]) + rng.normal(0, 0.2, (10, 1))
    found = crossing([0, 1, 2, 4], shift, 1.0)
    assert found["words"] == "crossed" and found["ci_low"] < found["dose"] < found["ci_high"]
    # At both ends of the interval, and nowhere between, the threshold lies inside the interval of the shift.
    t = [metrics.shift_interval(column) for column in shift.T]
    ends = [first_crossing([0, 1, 2, 4], np.array([getattr(one, k) for one in t]), 1.0) for k in ("high", "low")]
    assert [found["ci_low"], found["ci_high"]] == ends
    assert crossing([0, 1, 2, 4], shift, 9.0) == {"dose": None, "ci_low": None, "ci_high": None, "words": "not crossed"}
    assert crossing([1, 2], np.array([[0.0, 0.0], [0.0, 4.0]]), 1.0)["words"] == "crossed by the mean only"


def test_saturation_by_its_rule():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.05, (8, 6))
    found = saturation([0.25, 0.5, 1, 2, 4, 8], np.array([1, 2, 3, 3, 3, 3.0]) + noise)
    assert found["dose"] == 1 and found["words"] == "saturates" and 0.01 < found["could_differ_pp"] < 0.2
    rising = saturation([0.25, 0.5, 1, 2, 4, 8], np.arange(6.0) + noise)
    assert rising["words"] == "not within the range" and rising["dose"] is None
    assert saturation([1, 2, 4], np.tile([[1.0], [-1.0]], (4, 3)) + 0.1 * noise[:, :3])["words"] == "no response shown"
    assert saturation([1, 2, 4], np.ones((1, 3)))["words"] == "one replicate"
    assert saturation([1, 2, 4], np.ones((3, 3)))["dose"] == 1
