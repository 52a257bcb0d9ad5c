"""Calibration on models whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from recsim.errors import InputError
from recsim.experiment.inference import (
    Observed,
    Region,
    distance,
    fit_emulator,
    history_matching,
    rank_of,
    resampled,
    sample_posterior,
)

NOISE = 0.1


def normal_model(seed, bias=0.0, noise=NOISE):
    """Two figures: 2a + noise, and a + b + noise."""
    draws = np.random.default_rng(seed)

    def simulate(points, text):
        a, b = points.T
        clean = np.stack([2 * a, a + b], axis=1)
        return clean + bias + noise * draws.standard_normal((len(points), 2))

    return simulate


def posterior(value, error, noise=NOISE, grid=201):
    """Means and standard deviations of a and b by quadrature: uniform prior, normal luck and error."""
    a, b = np.meshgrid(np.linspace(0, 1, grid), np.linspace(0, 1, grid), indexing="ij")
    sd = np.sqrt(np.asarray(error) ** 2 + noise**2)
    log = -0.5 * (((2 * a - value[0]) / sd[0]) ** 2 + ((a + b - value[1]) / sd[1]) ** 2)
    w = np.exp(log - log.max())
    w /= w.sum()
    mean = np.array([(w * a).sum(), (w * b).sum()])
    return mean, np.sqrt(np.array([(w * a * a).sum(), (w * b * b).sum()]) - mean**2)


def test_the_posterior_of_a_normal_model():
    observed = Observed(np.array([0.8, 1.0]), np.array([0.2, 0.1]))
    found = sample_posterior(normal_model(1), Region(observed, 3.0), 2, particles=1500, generations=6, seed=5)
    last = found[-1]
    assert last.tolerance == 1.0 and last.effective >= 375
    mean, sd = posterior(*observed)
    got = last.weight @ last.points
    assert got == pytest.approx(mean, abs=0.012)
    assert np.sqrt(last.weight @ (last.points - got) ** 2) == pytest.approx(sd, rel=0.1)


def test_history_matching_rules_out_what_cannot_be_and_keeps_the_truth():
    truth = np.array([[0.3, 0.6]])
    observed = Observed(np.array([0.6, 0.9]), np.array([0.05, 0.05]))
    region, waves = history_matching(normal_model(2), observed, 2, waves=3, points=64, cut=3.0, seed=1)
    assert len(waves) == 3 and waves[0].left > waves[-1].left and waves[-1].left < 0.4
    assert region.holds(truth).all() and not region.holds(np.array([[0.95, 0.05]])).any()
    assert not region.holds(np.array([[0.3, 1.2]])).any()  # outside the space
    worst = region.implausibility(truth)
    assert (worst < 3).all()
    found = sample_posterior(normal_model(3), region, 2, particles=400, generations=4, seed=1)
    assert region.holds(found[-1].points).all()


def test_targets_that_no_parameters_meet_leave_nothing():
    observed = Observed(np.array([9.0, 9.0]), np.array([0.1, 0.1]))
    region, waves = history_matching(normal_model(2), observed, 2, waves=3, points=64, cut=3.0, seed=1)
    assert len(waves) == 1 and waves[0].left == 0.0
    assert sample_posterior(normal_model(3), region, 2, particles=50, generations=2, seed=1) == []


def test_a_conflict_shows_in_the_tolerance():
    """Far from the targets the kernel cannot come down to the stated errors."""
    observed = Observed(np.array([4.0, 1.0]), np.array([0.1, 0.1]))
    found = sample_posterior(normal_model(4), Region(observed, 3.0), 2, particles=200, generations=3, seed=1)
    assert len(found) == 3 and found[-1].tolerance > 1.5


def ranks(bias, runs=150):
    """Ranks of true parameters among the particles, over data made by the model itself."""
    out = []
    for run in range(runs):
        draws = np.random.default_rng(1000 + run)
        truth, error = draws.random(2), np.array([0.2, 0.2])
        value = normal_model(run)(truth[None], "")[0] + error * draws.standard_normal(2)
        found = sample_posterior(
            normal_model(5000 + run, bias),
            Region(Observed(value, error), 3.0),
            2,
            particles=150,
            generations=4,
            seed=run,
        )
        out.append(rank_of(truth, found[-1]))
    return np.array(out)


def test_simulation_based_calibration():
    """Ranks are uniform; with a model that is a little off they are not."""
    right = ranks(0.0)
    assert all(stats.kstest(right[:, k], "uniform").pvalue > 0.01 for k in range(2))
    assert stats.kstest(ranks(0.3)[:, 0], "uniform").pvalue < 1e-6


def test_the_same_for_any_order_of_computing_and_another_for_another_seed():
    observed = Observed(np.array([0.8, 1.0]), np.array([0.2, 0.1]))

    def model(points, text):
        return np.stack([2 * points[:, 0], points.sum(axis=1)], axis=1)

    one, two, other = (
        sample_posterior(model, Region(observed, 3.0), 2, particles=80, generations=3, seed=seed) for seed in (1, 1, 2)
    )
    assert all(
        np.array_equal(a.points, b.points) and np.array_equal(a.weight, b.weight) for a, b in zip(one, two, strict=True)
    )
    assert not np.array_equal(one[0].points, other[0].points)


def test_an_emulator_knows_what_it_misses():
    draws = np.random.default_rng(1)
    points = draws.random((200, 3))
    clean = np.stack([points[:, 0] * points[:, 1] + points[:, 2] ** 2, np.sin(9 * points[:, 0])], axis=1)
    figures = clean + np.array([0.05, 0.0]) * draws.standard_normal(clean.shape)
    figures[3, 0] = np.nan
    made = fit_emulator(points, figures)
    assert made.cross and made.spread[0] == pytest.approx(0.05, rel=0.2) and made.spread[1] > 0.3
    there = np.delete(np.arange(200), 3)
    assert np.std(made.mean(points)[there, 0] - clean[there, 0]) < 0.02
    with pytest.raises(InputError, match="at least 14"):
        fit_emulator(points[:10], figures[:10])


def test_history_matching_ends_early_where_too_little_is_left():
    """Too few plausible points, or too few worlds with a figure, end it with the waves that there are."""

    def plane(points, text):
        figures = points * np.array([1.0, 2.0, 3.0])
        if text.startswith("wave 2"):
            figures[4:, 1] = np.nan
        return figures

    middle = plane(np.full((1, 3), 0.5), "")[0]
    sharp, wide = Observed(middle, np.full(3, 1e-3)), Observed(middle, np.ones(3))
    assert len(history_matching(plane, sharp, 3, waves=3, points=64, cut=3.0, seed=1)[1]) == 1
    assert len(history_matching(plane, wide, 3, waves=3, points=64, cut=3.0, seed=1)[1]) == 1
    with pytest.raises(InputError, match=r"method.points: got 8 worlds in which a figure is known, at least 14"):
        history_matching(plane, wide, 3, waves=3, points=8, cut=3.0, seed=1)


def test_a_missing_figure_is_far_away():
    observed = Observed(np.array([1.0, 2.0]), np.array([0.5, 1.0]))
    assert distance(np.array([[1.5, 2.0], [1.0, np.nan]]), observed).tolist() == [1.0, np.inf]


def test_resampling_follows_the_weights():
    weight = np.array([0.5, 0.25, 0.25, 0.0])
    counts = np.bincount(resampled(weight, 8, 1), minlength=4)
    assert counts.tolist() == [4, 2, 2, 0]
