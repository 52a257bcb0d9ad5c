"""Metrics against values worked out by hand, and intervals against what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from recsim import metrics
from recsim.metrics import interval


def test_gini_of_equal_values_is_zero_and_of_one_holder_is_almost_one():
    assert metrics.gini(np.array([3.0, 3, 3, 3])) == 0
    assert metrics.gini(np.array([0.0, 0, 0, 5])) == pytest.approx(0.75)
    # (2i - n - 1) x: -2*1 + 0*2 + 2*6 = 10, over n sum = 27
    assert metrics.gini(np.array([6.0, 1, 2])) == pytest.approx(10 / 27)


@pytest.mark.parametrize("values", [[], [0.0, 0.0]])
def test_concentration_of_nothing_is_undefined(values):
    assert math.isnan(metrics.gini(np.array(values)))
    assert math.isnan(metrics.top_share(np.array(values), 0.01))


def test_top_share_counts_at_least_one_item():
    x = np.array([1.0, 2, 3, 4])
    assert metrics.top_share(x, 0.01) == pytest.approx(0.4)
    assert metrics.top_share(x, 0.5) == pytest.approx(0.7)


def test_shares_are_undefined_where_nothing_was_shown():
    p = metrics.shares(np.array([[1.0, 3], [0, 0]]))
    assert p[0].tolist() == [0.25, 0.75]
    assert np.isnan(p[1]).all()


def test_total_variation_is_half_the_absolute_differences():
    assert metrics.total_variation(np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])) == pytest.approx(0.3)
    assert metrics.total_variation(np.array([1.0, 0]), np.array([0, 1.0])) == 1


def test_effective_number_of_equal_shares_is_their_number():
    assert metrics.effective_number(np.full(14, 1 / 14)) == pytest.approx(14)
    got = metrics.effective_number(np.array([[0.5, 0.5, 0], [0, 0, 0], [np.nan] * 3]))
    assert got[0] == pytest.approx(2) and np.isnan(got[1:]).all()


def test_js_divergence_is_smoothed_and_symmetric():
    p, q = np.array([1.0, 0]), np.array([0, 1.0])
    one = 5 / 6  # (1 + 0.25) / 1.5
    entropy = -(one * math.log2(one) + (1 - one) * math.log2(1 - one))
    assert metrics.js_divergence(p, q) == pytest.approx(1 - entropy)
    assert metrics.js_divergence(p, p) == 0
    a, b = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    assert metrics.js_divergence(a, b) == pytest.approx(metrics.js_divergence(b, a))
    mixed = [(x + 1 / 6) / 1.5 for x in (a, b)]
    assert metrics.js_divergence(a, b) == pytest.approx(jensenshannon(*mixed, base=2) ** 2)


def test_interval_by_hand():
    t = 4.302652729911275  # 97.5 % point of Student's t with two degrees of freedom
    got = interval(np.array([1.0, 2, 3]))
    assert got.mean == 2 and got.sd == 1 and got.n == 3
    assert (got.low, got.high) == pytest.approx((2 - t / math.sqrt(3), 2 + t / math.sqrt(3)))
    assert (got.next_low, got.next_high) == pytest.approx((2 - t * math.sqrt(4 / 3), 2 + t * math.sqrt(4 / 3)))


def test_interval_agrees_with_scipy():
    x = np.random.default_rng(1).normal(3, 2, 12)
    expected = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    got = interval(x, 0.9)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("value", [0.0, -1.7, 0.1])
def test_a_degenerate_interval_is_exactly_its_value(value):
    got = interval(np.full(7, value))
    assert (got.mean, got.low, got.high, got.next_low, got.next_high) == (value,) * 5
    assert got.sd == 0


def test_one_replicate_has_no_interval_and_none_has_no_mean():
    one = interval(np.array([2.5]))
    assert one.mean == 2.5 and one.n == 1
    assert all(math.isnan(v) for v in (one.low, one.high, one.sd, one.next_low, one.next_high))
    assert math.isnan(interval(np.array([])).mean) and interval(np.array([np.nan])).n == 0


def test_undefined_replicates_are_left_out():
    assert interval(np.array([1.0, np.nan, 3])) == interval(np.array([1.0, 3]))


def test_intervals_cover_what_they_promise():
    rng = np.random.default_rng(20241124)
    covered = ahead = 0
    runs = 3000
    for _ in range(runs):
        x = rng.normal(5, 3, 11)
        got = interval(x[:10])
        covered += got.low <= 5 <= got.high
        ahead += got.next_low <= x[10] <= got.next_high
    # Four standard errors of a share of .95 over 3000 runs are .016.
    assert covered / runs == pytest.approx(0.95, abs=0.016)
    assert ahead / runs == pytest.approx(0.95, abs=0.016)


def test_luck_band_is_the_root_mean_square_difference_of_branches():
    two = np.array([[[0.5, 0.5], [0.3, 0.7]], [[0.4, 0.6], [0.4, 0.6]]])  # differences 20 and 0 points
    assert metrics.luck_band(two) == pytest.approx([math.sqrt(200)] * 2)
    three = np.array([[[0.1], [0.2], [0.4]]])  # 10, 30, 20
    assert metrics.luck_band(three) == pytest.approx([math.sqrt(1400 / 3)])


def test_luck_band_leaves_out_undefined_branches_and_needs_two():
    p = np.array([[[0.5], [0.3]], [[np.nan], [0.4]]])
    assert metrics.luck_band(p) == pytest.approx([20])
    assert np.isnan(metrics.luck_band(p[:, :1])).all()
    assert np.isnan(metrics.luck_band(np.full((2, 2, 1), np.nan))).all()


def test_luck_band_estimates_the_spread_of_differences():
    rng = np.random.default_rng(3)
    p = 0.5 + rng.normal(0, 0.02, (4000, 2, 1))  # the difference of two has a standard deviation of 2.83 points
    assert metrics.luck_band(p)[0] == pytest.approx(100 * 0.02 * math.sqrt(2), rel=0.04)


def test_verdict_needs_the_whole_interval():
    assert metrics.verdict(np.array([3.0, 3.1, 2.9, 3.0]), 1) == "exceeds"
    assert metrics.verdict(np.array([0.1, -0.1, 0.0, 0.05] * 3), 1) == "below"
    assert metrics.verdict(np.array([-3.0, -3.1, -2.9]), 1) == "inconclusive"
    assert metrics.verdict(np.array([0.0, 4.0, -2.0]), 1) == "inconclusive"
    assert metrics.verdict(np.array([3.0]), 1) == "inconclusive"
    assert metrics.verdict(np.zeros(10), 1) == "below"


def test_few_replicates_show_no_absence():
    """Nine worlds within the threshold are not called below it, ten are; the reason is told apart from a wide interval."""
    x = np.array([0.1, -0.1] * 5)
    assert metrics.verdict(x[:9], 1) == "inconclusive" and metrics.verdict(x, 1) == "below"
    assert metrics.verdict(np.append(x[:9], np.nan), 1) == "inconclusive"  # a world without a share is none
    # One world of ten with a large shift: Student's 90 % interval lies within one point, that of the studentised bootstrap does not.
    rare = np.array([1.12, -0.13, 2.38, -0.01, 0.39, -0.14, 0.21, 0.18, 0.16, -0.21])
    low, high = metrics.further_interval(rare, 0.9)[1:3]
    assert metrics.interval(rare, 0.9).high < 1 < high and low == metrics.interval(rare, 0.9).low
    assert metrics.verdict(rare, 1) == "inconclusive" and metrics.further_interval(-rare, 0.9)[1:3] == pytest.approx(
        (-high, -low)
    )
    assert (
        metrics.further_interval(x[:9], 0.9)[1:3] == metrics.interval(x[:9], 0.9)[1:3]
        and np.isnan(metrics.further_interval(x[:1])[1:3]).all()
    )
    assert metrics.too_few_for_below(-0.5, 0.5, 9, 1) and not metrics.too_few_for_below(-0.5, 0.5, 10, 1)
    assert not metrics.too_few_for_below(-0.5, 1.5, 9, 1) and not metrics.too_few_for_below(None, None, 1, 1)


def test_intervals_end_at_what_is_possible():
    t = metrics.interval(np.array([0.2, 0.9]))
    assert t.low < 0 and t.high > 1
    cut = t.within(0, 1)
    assert (cut.mean, cut.low, cut.high, cut.next_low, cut.next_high) == (t.mean, 0, 1, 0, 1)
    assert (cut.sd, cut.n) == (t.sd, t.n) and t.within(-np.inf, np.inf) == t
    assert np.isnan(metrics.interval(np.array([0.5])).within(0, 1).low)  # one replicate still cannot tell
    assert metrics.shift_interval(np.array([-80.0, 90.0]))[1:3] == (-100, 100)


def test_defined_mean_skips_nan_without_a_warning():
    x = np.array([[1.0, np.nan], [3.0, np.nan]])
    assert metrics.defined_mean(x) == 2
    got = metrics.defined_mean(x, axis=0)
    assert got[0] == 2 and np.isnan(got[1])
    assert np.isnan(metrics.defined_mean(np.array([])))


def test_listing_names_every_metric_once_with_formula_and_unit():
    rows = metrics.listing()
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names)
    assert all(row["formula"] and row["unit"] for row in rows)
    assert {"shift_pp", "tv_distance", "luck_band_pp", "js_divergence", "naive_error_pp"} <= set(names)


def test_holm_against_known_values():
    # Three hypotheses: 0.01 x 3, then max(0.03, 0.03 x 2), then max(0.06, 0.04 x 1).
    assert metrics.holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    # .01 x 5, .02 x 4, .03 x 3, and no later one may be smaller.
    got = metrics.holm(np.array([0.01, 0.02, 0.03, 0.04, 0.05]))
    assert got.tolist() == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert metrics.holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert metrics.holm(np.array([])).size == 0


def test_holm_leaves_undefined_hypotheses_out_of_the_family():
    got = metrics.holm(np.array([0.01, np.nan, 0.02]))
    assert got[[0, 2]].tolist() == pytest.approx([0.02, 0.02]) and np.isnan(got[1])


def test_holm_keeps_the_error_rate_of_the_family():
    """With 6 true null hypotheses some adjusted p falls below 5 % in about 5 % of families, unadjusted in 26 %."""
    x = np.random.default_rng(7).normal(size=(1500, 6, 12))
    p = np.array([[metrics.p_value(v) for v in family] for family in x])
    wrong = np.array([metrics.holm(family).min() < 0.05 for family in p]).mean()
    assert wrong == pytest.approx(0.05, abs=0.02) and (p.min(axis=1) < 0.05).mean() > 0.2


def test_p_value_against_scipy():
    x = np.random.default_rng(2).normal(0.4, 1, 9)
    assert metrics.p_value(x) == pytest.approx(stats.ttest_1samp(x, 0).pvalue)
    assert metrics.p_value(np.append(x, np.nan)) == metrics.p_value(x)
    assert metrics.p_value(np.zeros(4)) == 1 and metrics.p_value(np.full(4, 0.1)) == 0
    assert math.isnan(metrics.p_value(np.array([1.0])))


def test_chance_of_a_further_world():
    x = np.array([1.0, 2, 3])
    assert metrics.chance_at_least(x, 2) == pytest.approx(0.5)
    assert metrics.chance_at_least(x, 1) == pytest.approx(1 - stats.t.cdf((1 - 2) / math.sqrt(4 / 3), 2))
    assert metrics.chance_at_least(x, interval(x).next_high) == pytest.approx(0.025)
    assert metrics.chance_at_least(np.full(3, 2.0), 2) == 1 and metrics.chance_at_least(np.full(3, 2.0), 2.1) == 0
    assert math.isnan(metrics.chance_at_least(np.array([5.0]), 1))


def test_shares_of_views():
    views = np.array([5, 0, 3, 2])
    assert metrics.share_of(views, np.array([True, True, False, False])) == pytest.approx(0.5)
    assert math.isnan(metrics.share_of(np.zeros(2), np.array([True, False])))
    values, among = np.array([9.0, 1, 2, 3, 4]), np.array([False, True, True, True, True])
    assert metrics.largest(values, 0.5, among).tolist() == [False, False, False, True, True]
    assert metrics.largest(values, 0.01, among).tolist() == [False, False, False, False, True]
    assert not metrics.largest(values, 0.5, np.zeros(5, bool)).any()


def test_the_small_half_counts_ties_and_only_those_compared():
    followers = np.array([0, 7, 0, 9, 100, 3])
    assert metrics.smallest_half(followers, np.array([0, 1, 2, 3])).tolist() == [True, False, True, False, False, False]
    assert metrics.smallest_half(np.zeros(4, int), np.array([1, 2])).tolist() == [False, True, True, False]
    assert not metrics.smallest_half(followers, np.array([], int)).any()
