"""Which parameters fit what was observed: history matching, then sequential sampling with a stated error.

Nothing here knows a scenario: parameters are points of the unit cube, a simulation is a row of figures. Every draw comes
from a generator keyed by seed, stage and number, so that results hang neither on workers nor on where a run was stopped.

Sources: history matching, Craig et al. 1997 and Vernon, Goldstein and Bower 2010 (implausibility, cut 3 by Pukelsheim's rule);
population Monte Carlo, Beaumont et al. 2009; a kernel that is the error of observation makes the sample one of the exact
posterior under that error, Wilkinson 2013; choosing the tolerance by effective sample size, Del Moral, Doucet and Jasra 2012.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import qmc

from recsim.errors import InputError

Simulator = Callable[[np.ndarray, str], np.ndarray]
"""Points (N, D) of the unit cube and what the stage is called; figures (N, K), NaN where a world has none."""
PROPOSALS = 4096
"""Points among which those that are not implausible are looked for; a power of 2."""
DEFENSIVE = 0.1
"""Part of every generation that comes from the prior: weights stay bounded, and no corner is lost for good."""
LEAST_KEPT = 8


class Observed(NamedTuple):
    """What was observed: value and standard deviation of its error by figure, both (K,) on the scale of the figures."""

    value: np.ndarray
    error: np.ndarray


@dataclasses.dataclass(frozen=True)
class Emulator:
    """A quadratic regression of figures on parameters.

    Attributes:
        beta: (T, K) coefficients. cross: whether products of parameters are terms.
        spread: (K,) standard deviation of what it misses, by leaving one point out: its own error and luck together.
    """

    beta: np.ndarray
    cross: bool
    spread: np.ndarray

    def mean(self, points: np.ndarray) -> np.ndarray:
        """(N, K) expected figures at points (N, D)."""
        return _terms(points, self.cross) @ self.beta


def _terms(points: np.ndarray, cross: bool) -> np.ndarray:
    x = 2.0 * points - 1.0
    parts = [np.ones((len(x), 1)), x, x * x]
    if cross:
        first, second = np.triu_indices(x.shape[1], 1)
        parts.append(x[:, first] * x[:, second])
    return np.concatenate(parts, axis=1)


def least_points(size: int) -> int:
    """Worlds that an emulator of ``size`` parameters needs: twice as many as squares and lines have terms."""
    return 2 * (1 + 2 * size)


def _complete(figures: np.ndarray) -> int:
    """Worlds in which a figure is known, of the figure for which they are fewest."""
    return int(np.isfinite(figures).sum(axis=0).min(initial=len(figures)))


def fit_emulator(points: np.ndarray, figures: np.ndarray) -> Emulator:
    """Least squares for every figure by itself, over the points that have it.

    Args:
        points: (N, D). figures: (N, K), NaN where there is none.

    Raises:
        InputError: a figure has fewer than twice as many points as squares and lines have terms.
    """
    size, least = points.shape[1], _complete(figures)
    cross = least >= 2 * (1 + 2 * size + size * (size - 1) // 2)
    if least < least_points(size):
        text = f"got {least} worlds in which a figure is known, at least {least_points(size)} are needed; raise points"
        raise InputError(text, "method.points")
    terms = _terms(points, cross)
    beta, spread = np.zeros((terms.shape[1], figures.shape[1])), np.zeros(figures.shape[1])
    for k in range(figures.shape[1]):
        there = np.isfinite(figures[:, k])
        x, y = terms[there], figures[there, k]
        q, r = np.linalg.qr(x)
        beta[:, k] = np.linalg.solve(r, q.T @ y)
        leverage = np.minimum((q * q).sum(axis=1), 0.99)
        spread[k] = math.sqrt(float(np.mean(((y - x @ beta[:, k]) / (1 - leverage)) ** 2)))
    return Emulator(beta, cross, spread)


@dataclasses.dataclass
class Region:
    """Parameters that no wave has found implausible.

    Attributes:
        observed: the targets. cut: largest implausibility that is let pass. emulators: one per wave so far.
    """

    observed: Observed
    cut: float
    emulators: list[Emulator] = dataclasses.field(default_factory=list)

    def implausibility(self, points: np.ndarray) -> np.ndarray:
        """(N, K) distance of the expected figure from the target in standard deviations of all that may part them; the largest over waves."""
        out = np.zeros((len(points), len(self.observed.value)))
        for emulator in self.emulators:
            sd = np.sqrt(self.observed.error**2 + emulator.spread**2)
            out = np.maximum(out, np.abs(emulator.mean(points) - self.observed.value) / sd)
        return out

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(N,) whether points are not implausible."""
        inside = ((points >= 0) & (points <= 1)).all(axis=1)
        return np.asarray(inside & (self.implausibility(points) <= self.cut).all(axis=1))


class Wave(NamedTuple):
    """One wave of history matching: its points (N, D), their figures (N, K), and the part of the space left after it."""

    points: np.ndarray
    figures: np.ndarray
    left: float


def history_matching(
    simulate: Simulator, observed: Observed, size: int, *, waves: int, points: int, cut: float, seed: int
) -> tuple[Region, list[Wave]]:
    """Rule out parameters from which the targets cannot be expected, wave by wave.

    Args:
        simulate: see `Simulator`. observed: the targets. size: D. waves, points: how many, and of each.
        cut: implausibility above which parameters are ruled out. seed: of the designs.

    Returns:
        What is left, and the waves. It ends early where too few of 4,096 points are left for another emulator, or too few
        worlds of a wave have all figures.

    Raises:
        InputError: too few worlds of the first wave have all figures.
    """
    region, done = Region(observed, cut), list[Wave]()
    for number in range(waves):
        cube = _cover(size, seed, 1, number)
        kept = cube[region.holds(cube)]
        if len(kept) < LEAST_KEPT or (number and len(kept) < least_points(size)):
            break
        design = kept[:points]
        figures = simulate(design, f"wave {number + 1} of {waves}")
        if number and _complete(figures) < least_points(size):
            break
        region.emulators.append(fit_emulator(design, figures))
        check = _cover(size, seed, 2, number)
        done.append(Wave(design, figures, float(region.holds(check).mean())))
    return region, done


class Generation(NamedTuple):
    """Particles of one generation.

    Attributes:
        points: (N, D). figures: (N, K). weight: (N,), adding up to 1.
        tolerance: in units of the stated errors; 1 is the posterior under these errors.
        effective: effective sample size, 1 / sum of squared weights.
    """

    points: np.ndarray
    figures: np.ndarray
    weight: np.ndarray
    tolerance: float
    effective: float


def distance(figures: np.ndarray, observed: Observed) -> np.ndarray:
    """(N,) squared distance from the targets in stated errors, summed over figures; infinite where one is missing."""
    gap = (figures - observed.value) / observed.error
    return np.where(np.isfinite(gap).all(axis=1), (gap**2).sum(axis=1), np.inf)


def sample_posterior(
    simulate: Simulator, region: Region, size: int, *, particles: int, generations: int, seed: int, share: float = 0.25
) -> list[Generation]:
    """ABC by population Monte Carlo with a normal kernel whose width comes down to the stated errors.

    A generation is drawn from the one before, each particle moved by twice its weighted covariance, and a tenth from
    the prior, which is uniform over what history matching left. Each particle is simulated once, so that luck is
    integrated over. Its weight is prior x exp(-distance / (2 tolerance^2)) / proposal. The tolerance is the smallest
    one of at least 1 with which the effective size is at least ``share`` of the particles.

    Args:
        simulate: see `Simulator`. region: from `history_matching`, or one without emulators. size: D.
        particles: N of every generation. generations: at most; it ends with the first after the second whose tolerance is 1.
        seed: of the proposals.

    Returns:
        The generations; the last one is the answer. Empty if too little of the space is left to draw from.
    """
    done = list[Generation]()
    for number in range(generations):
        last = done[-1] if done else None
        points = _proposals(region, size, particles, last, _generator(seed, 3, number))
        if points is None:
            break
        figures = simulate(points, f"generation {number + 1} of {generations}")
        against = 1.0 / _density(points, last)
        gap = distance(figures, region.observed)
        if not np.isfinite(gap).any():
            break
        tolerance, weight = _tolerance(gap, against, share * particles)
        done.append(Generation(points, figures, weight, tolerance, float(1 / (weight**2).sum())))
        if tolerance <= 1.0 and number >= 1:
            break
    return done


def _proposals(
    region: Region, size: int, count: int, last: Generation | None, draws: np.random.Generator
) -> np.ndarray | None:
    """Points that the region holds; what falls outside has no prior and is drawn again. None if hardly any does."""
    found, tries = list[np.ndarray](), 0
    step = None if last is None else _step(last)
    while len(found) < count:
        if tries > 400:
            return None
        tries += 1
        batch = draws.random((PROPOSALS // 8, size))
        if last is not None and step is not None:
            moved = draws.random(len(batch)) >= DEFENSIVE
            start = last.points[np.searchsorted(np.cumsum(last.weight), draws.random(len(batch))).clip(max=count - 1)]
            batch[moved] = (start + draws.standard_normal(batch.shape) @ step.T)[moved]
        found += list(batch[region.holds(batch)])
    return np.array(found[:count])


def _step(last: Generation) -> np.ndarray:
    """(D, D) factor of twice the weighted covariance."""
    middle = last.weight @ last.points
    gap = last.points - middle
    cover = 2.0 * (gap.T * last.weight) @ gap / max(1e-9, 1 - (last.weight**2).sum())
    return np.linalg.cholesky(cover + 1e-8 * np.eye(len(middle)))


def _density(points: np.ndarray, last: Generation | None) -> np.ndarray:
    """(N,) density from which the points were drawn; the prior's is 1 in the cube."""
    if last is None:
        return np.ones(len(points))
    step = _step(last)
    gap = np.linalg.solve(step, (points[:, None] - last.points[None]).reshape(-1, points.shape[1]).T)
    scale = (2 * math.pi) ** (points.shape[1] / 2) * float(np.prod(np.diag(step)))
    kernel = np.exp(-0.5 * (gap**2).sum(axis=0)).reshape(len(points), -1) / scale
    return DEFENSIVE + (1 - DEFENSIVE) * kernel @ last.weight


def _tolerance(gap: np.ndarray, against: np.ndarray, least: float) -> tuple[float, np.ndarray]:
    """The smallest tolerance of at least 1 that leaves an effective size of at least ``least``, and its weights."""

    def weights(tolerance: float) -> np.ndarray:
        # Shifted by the smallest distance, so that not all weights vanish.
        raw = against * np.exp(-0.5 * (gap - gap.min()) / tolerance**2)
        return raw / raw.sum()

    def effective(tolerance: float) -> float:
        return float(1 / (weights(tolerance) ** 2).sum())

    if effective(1.0) >= least:
        return 1.0, weights(1.0)
    low, high = 1.0, 2.0
    while effective(high) < least and high < 1e6:
        low, high = high, 2 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if effective(middle) < least else (low, middle)
    return high, weights(high)


def resampled(weight: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count,) numbers of particles, each as often as its weight says (systematic resampling, Kitagawa 1996)."""
    start = float(_generator(seed, 4, 0).random())
    places = (start + np.arange(count)) / count
    return np.searchsorted(np.cumsum(weight), places).clip(max=len(weight) - 1)


def weighted_quantile(values: np.ndarray, weight: np.ndarray, q: float) -> float:
    """The smallest value below or at which lies at least the part ``q`` of the weight; NaN of nothing.

    Args:
        values: (N,). weight: (N,), at least 0. q: in [0, 1].
    """
    if not len(values) or weight.sum() <= 0:
        return float("nan")
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(share, q - 1e-12)), len(values) - 1)])


def width_of(generation: Generation) -> np.ndarray:
    """(D,) weighted standard deviation of the particles over that of the prior, 1 / sqrt(12) in the unit cube."""
    gap = generation.points - generation.weight @ generation.points
    return np.sqrt(12 * (generation.weight @ gap**2))


def rank_of(truth: np.ndarray, generation: Generation) -> np.ndarray:
    """(D,) weighted part of the particles below the true parameters: uniform over repetitions if the method is right.

    Source: simulation-based calibration, Talts et al. 2018.
    """
    return ((generation.points < truth) * generation.weight[:, None]).sum(axis=0)


def _cover(size: int, seed: int, stage: int, number: int) -> np.ndarray:
    """Points that cover the unit cube evenly: a scrambled Sobol sequence."""
    draws = np.random.default_rng(np.random.SeedSequence([seed, stage, number]))
    return qmc.Sobol(size, scramble=True, rng=draws).random(PROPOSALS)


def _generator(seed: int, stage: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, (stage << 32) + number]))
