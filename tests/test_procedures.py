"""Statistical procedures: against scipy, statsmodels, hand-made values and what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.multivariate import test_mvmean as mv_mean
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_paired

from recsim import metrics
from recsim.audit import procedures as p
from recsim.metrics import wilson
from recsim.resampling import resamples


def drawn(seed):
    """A generator for one test alone, so that what it sees does not hang on which tests ran before it."""
    return np.random.default_rng(seed)


def quantiles_of(distribution, n):
    """(n,) a sample that is shaped like the distribution, whatever the luck."""
    return distribution.ppf((np.arange(n) + 0.5) / n)


def test_t_against_scipy():
    x = drawn(1).normal(0.4, 1, 17)
    found = stats.ttest_1samp(x, 0)
    assert metrics.p_value(x) == pytest.approx(found.pvalue, rel=1e-10)
    assert metrics.interval(x)[1:3] == pytest.approx(tuple(found.confidence_interval(0.95)), rel=1e-10)


def test_sign_flip_exact_by_hand():
    # Of the 8 patterns of 1, 2, 4 only all plus and all minus reach a sum of 7.
    assert p.sign_flip(np.array([1.0, 2, 4])) == (0.25, 8, True)
    # 1, 1, -1: every pattern has an absolute sum of at least 1.
    assert p.sign_flip(np.array([1.0, 1, -1])).p == 1
    assert p.sign_flip(np.zeros(6)).p == 1
    assert math.isnan(p.sign_flip(np.array([1.0, np.nan])).p)


@pytest.mark.parametrize("n", [9, 40])
def test_sign_flip_against_scipy(n):
    x = drawn(n).normal(0.3, 1, n)
    found = stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=9999, rng=5)
    mine = p.sign_flip(x)
    assert mine.exact == (n == 9)
    # Of 10,000 random patterns each: four standard errors of the difference of two shares.
    chance = 4 * math.sqrt(2 * mine.p * (1 - mine.p) / 10_000)
    assert mine.p == pytest.approx(found.pvalue, abs=1e-12 if n == 9 else chance)
    assert p.sign_flip(-x).p == mine.p


def test_bca_only_from_thirty_replicates():
    x = quantiles_of(stats.gamma(2), 40)
    assert p.bca(x[:29]) is None
    low, high = p.bca(x)
    found = stats.bootstrap((x,), np.mean, method="BCa", n_resamples=20_000, rng=1).confidence_interval
    # An end of 10,000 resamples has a standard error of about 0.01 where the tail is long.
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.045)
    assert p.bca(x) == (low, high)
    assert p.bca(np.full(30, 2.0)) == (2, 2)


def test_bootstrap_t_leans_with_the_skew():
    x = quantiles_of(stats.gamma(0.5), 40)
    low, high = p.bootstrap_t(x)
    t = metrics.interval(x)
    assert high - t.mean > 1.2 * (t.mean - low) and high > t.high
    turned = p.bootstrap_t(-x)
    assert turned == pytest.approx((-high, -low))
    assert p.bootstrap_t(3 * x + 2) == pytest.approx((3 * low + 2, 3 * high + 2))
    assert p.bootstrap_t(quantiles_of(stats.norm, 400)) == pytest.approx(
        metrics.interval(quantiles_of(stats.norm, 400))[1:3], abs=0.015
    )
    assert p.bootstrap_t(x[:9]) is None and p.bootstrap_t(np.full(12, 1.5)) == (1.5, 1.5)


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_bootstrap_t_by_its_definition(level):
    """With the draws that it makes to the last digit; with others to four standard errors of a far quantile of 2,000."""
    x = drawn(4).gamma(0.5, 1, 40)
    for again, near in ((resamples(40), 1e-12), (drawn(9).integers(0, 40, (20_000, 40)), 0.09)):
        sample = x[again]
        z = (sample.mean(axis=1) - x.mean()) / (sample.std(axis=1, ddof=1) / np.sqrt(40))
        own = x.std(ddof=1) / np.sqrt(40)
        ends = x.mean() - np.quantile(z, 0.5 + level / 2) * own, x.mean() - np.quantile(z, 0.5 - level / 2) * own
        assert p.bootstrap_t(x, level) == pytest.approx(ends, abs=near)


@pytest.mark.parametrize("mean, bound", [(0.1, 1.0), (0.8, 1.0), (2.0, 1.0)])
def test_equivalence_against_statsmodels(mean, bound):
    x = drawn(round(10 * mean)).normal(mean, 1, 25)
    found, *_ = ttost_paired(x, np.zeros(25), -bound, bound)
    mine = p.equivalence(x, bound)
    assert mine.p == pytest.approx(found, rel=1e-9)
    skewed = p.bootstrap_t(x, 0.9)
    both = found < 0.05 and -bound < skewed.low and skewed.high < bound
    assert mine.shown == both == (metrics.verdict(x, bound) == "below")


def test_equivalence_at_the_edges():
    assert p.equivalence(np.zeros(5), 0.1)[:] == (0, 0, 0, True)
    assert not p.equivalence(np.full(5, 0.2), 0.1).shown
    assert not p.equivalence(np.array([0.0]), 1).shown
    with pytest.raises(ValueError, match="above 0"):
        p.equivalence(np.zeros(5), 0)


def test_adjustments_against_statsmodels():
    x = drawn(12).random(12) ** 2
    assert metrics.holm(x) == pytest.approx(multipletests(x, method="holm")[1])
    assert p.benjamini_hochberg(x) == pytest.approx(multipletests(x, method="fdr_bh")[1])
    some = np.insert(x, 3, np.nan)
    assert np.isnan(p.benjamini_hochberg(some)[3])
    assert np.delete(p.benjamini_hochberg(some), 3) == pytest.approx(p.benjamini_hochberg(x))
    assert np.isnan(p.benjamini_hochberg(np.array([np.nan]))).all()


def test_variance_reduction():
    shared, a, b = drawn(10).normal(0, 3, (3, 10_000)) * np.array([[1], [1 / 3], [1 / 3]])
    found = p.variance_reduction(shared + a, shared + b)
    # (9 + 1 + 9 + 1) / (1 + 1), a ratio of variances of 10,000 differences: standard errors of 2 % and of 0.002.
    assert found.factor == pytest.approx(10, rel=0.08)
    assert found.correlation == pytest.approx(0.9, abs=0.008)
    assert p.variance_reduction(shared, shared).factor == math.inf
    assert math.isnan(p.variance_reduction(np.ones(3), np.ones(3)).factor)


def test_heterogeneity_against_statsmodels():
    x = drawn(30).normal(0, 1, (30, 4)) + drawn(31).normal(0, 5, (30, 1))  # luck of a replicate is shared
    contrast = x[:, :-1] - x[:, -1:]
    assert p.heterogeneity(x).p == pytest.approx(mv_mean(contrast, np.zeros(3)).pvalue, rel=1e-9)
    assert p.heterogeneity(x).p > 0.001
    assert p.heterogeneity(x + np.array([0, 0, 0, 3])).p < 1e-6
    few = p.heterogeneity(x[:4])
    assert few.test == "Friedman" and few.p == pytest.approx(stats.friedmanchisquare(*x[:4].T).pvalue)
    assert p.heterogeneity(np.repeat(x[:, :1], 3, axis=1))[:3] == (0, 1, "Hotelling")
    assert p.heterogeneity(x[:2, :2]).test == ""


def test_wilson():
    assert wilson(7, 20) == pytest.approx(proportion_confint(7, 20, method="wilson"))
    assert wilson(0, 10) == (0, pytest.approx(0.27753, abs=1e-5)) and wilson(10, 10)[1] == 1
    assert wilson(5, 10) == (pytest.approx(0.23659, abs=1e-5), pytest.approx(0.76341, abs=1e-5))
    assert np.isnan(wilson(0, 0)).all()


def test_decay():
    assert p.decay(np.array([8.0, 6, 4, 2])) == (2, 12)
    assert p.decay(np.array([-8.0, -6, -1])).half_life == pytest.approx(1 + 2 / 5)
    assert p.decay(np.array([2.0, 1.9, 1.8])).half_life == math.inf
    assert math.isnan(p.decay(np.array([0.0, 1.0])).half_life)
    assert math.isnan(p.decay(np.array([])).half_life)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.floats(0.01, 50))
def test_procedures_agree_on_what_is_known(values, scale):
    """Scaling changes no p-value, turning the sign neither; an interval within the bound is what equivalence says."""
    x = np.round(np.array(values), 3)
    test = p.sign_flip(x)
    assert test.p == pytest.approx(p.sign_flip(scale * x).p)
    assert test.p == pytest.approx(p.sign_flip(-x).p)
    assert 0 < test.p <= 1
    same = p.equivalence(x, 10)
    assert same.shown == (same.low > -10 and same.high < 10)
    if x.std() > 1e-6:
        assert same.shown == (same.p < 0.05)
