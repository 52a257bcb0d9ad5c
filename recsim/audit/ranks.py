"""Does a calibration find parameters that are known? Simulation-based calibration on worlds of the simulator itself.

Parameters are drawn from the prior, a world is simulated with them, its figures get the stated error, and the whole method
is run on these figures as if they had been published. Over many repetitions the rank of the true parameters among the
weighted particles is uniform if the method is right; humped if its spread is too wide, U-shaped if too narrow, sloped if it
is biased.

Source: Talts, Betancourt, Simpson, Vehtari and Gelman 2018, arXiv 1804.06788.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from recsim.experiment import inference, observables
from recsim.experiment.calibration_file import Calibration
from recsim.experiment.task import do_task
from recsim.scenario.schema import Scenario

WORLDS = 100_000
"""Replicate numbers set apart for each repetition, so that no two share luck."""


class Repetition(NamedTuple):
    """One calibration to figures whose parameters are known.

    Attributes:
        truth: (D,) place of the true parameters in the prior, in the unit cube.
        rank: (D,) weighted part of the particles below them.
        width: (D,) standard deviation of the particles over that of the prior.
        tolerance, effective: of the last generation.
        left: part of the space that history matching left. held: whether the truth was in it.
    """

    truth: list[float]
    rank: list[float]
    width: list[float]
    tolerance: float
    effective: float
    left: float
    held: bool


def repetition(
    found: Calibration, scenario: Scenario, number: int, error_factor: float = 1.0, *,
    report: Callable[[float], None] | None = None,
) -> Repetition | None:  # fmt: skip
    """Repetition ``number``: draw the truth, simulate it, add the stated error, calibrate; None if nothing is left.

    Args:
        found: the calibration; its targets' values are not used. scenario: with what it sets.
        error_factor: errors that are added to the figures, in those that the method is told; another number than 1 must show
            in the ranks.
    """
    first, size = number * WORLDS, len(found.parameters)
    draws = np.random.Generator(
        np.random.Philox(key=[found.seed, (5 << 32) + number])
    )  # stages below 5 are the method's
    used = 0

    def simulate(points: np.ndarray, text: str) -> np.ndarray:
        nonlocal used
        rows = []
        for point in points:
            rows.append(_figures(found, scenario, point, first + used))
            used += 1
        if report is not None:
            report(min(0.99, used / (found.method.simulations + 1)))
        return np.array(rows)

    truth = draws.random(size)
    spread = np.array([target.spread for target in found.fitted])
    value = simulate(truth[None], "truth")[0] + error_factor * spread * draws.standard_normal(len(spread))
    if not np.isfinite(value).all():
        return None
    observed, method = inference.Observed(value, spread), found.method
    region, waves = inference.history_matching(
        simulate, observed, size, waves=method.waves, points=method.points, cut=method.cut, seed=found.seed + number
    )
    generations = inference.sample_posterior(
        simulate, region, size, particles=method.particles, generations=method.generations, seed=found.seed + number
    )
    if not generations:
        return None
    last = generations[-1]
    return Repetition(
        truth.tolist(), inference.rank_of(truth, last).tolist(), inference.width_of(last).tolist(), last.tolerance, last.effective,
        waves[-1].left if waves else 1.0, bool(region.holds(truth[None])[0]),
    )  # fmt: skip


def _figures(found: Calibration, scenario: Scenario, point: np.ndarray, replicate: int) -> np.ndarray:
    """Figures of the fitted targets on their scales, of one world."""
    _, made = found.at(scenario, point, "ranks")
    frames, _ = do_task(None, made, None, replicate, found.fixed_parameters, 1, reduce=observables.figures_of)
    return found.scaled(frames["figures"])[0]


def uniformity(rows: Sequence[Repetition], names: Sequence[str]) -> pd.DataFrame:
    """One row per parameter: mean rank (1/2 without bias), its variance over 1/12, Kolmogorov-Smirnov p.

    The variance over 1/12 is 1 with the right spread and endless particles, and ``variance_expected`` = 1 + 2 / n with n of
    them (a rank among n draws is one of n + 1 numbers); n is the mean effective size.

    Args:
        rows: repetitions. names: of the parameters.
    """
    rank = np.array([row.rank for row in rows])
    truth = np.array([row.truth for row in rows])
    size = float(np.mean([row.effective for row in rows]))
    out = []
    for k, name in enumerate(names):
        out.append(
            {
                "parameter": name, "repetitions": len(rows), "mean_rank": float(rank[:, k].mean()),
                "variance_ratio": float(12 * ((rank[:, k] - 0.5) ** 2).mean()),
                "variance_expected": 1 + 2 / size, "ks_p": float(stats.kstest(rank[:, k], "uniform").pvalue),
                "mean_width": float(np.mean([row.width[k] for row in rows])),
                "truth_ks_p": float(stats.kstest(truth[:, k], "uniform").pvalue),
            }
        )  # fmt: skip
    return pd.DataFrame(out)
