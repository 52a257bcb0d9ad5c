"""Metrics as pure functions of arrays. Formulas in the docstrings; humans only in every denominator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim.resampling import studentised


def gini(values: np.ndarray) -> float:
    """Gini coefficient of non-negative values, zeros included; NaN if all are zero or there are none.

    sum_i (2 i - n - 1) x_(i) / (n sum x) with x sorted ascending and i from 1.
    """
    x = np.sort(np.asarray(values, float))
    total = x.sum()
    if x.size == 0 or total <= 0:
        return float("nan")
    i = np.arange(1, x.size + 1)
    return float(((2 * i - x.size - 1) * x).sum() / (x.size * total))


def top_share(values: np.ndarray, share: float) -> float:
    """Part of the total held by the largest ``share`` of the values (at least one); NaN if the total is zero."""
    x = np.sort(np.asarray(values, float))[::-1]
    total = x.sum()
    if x.size == 0 or total <= 0:
        return float("nan")
    return float(x[: max(1, round(share * x.size))].sum() / total)


LORENZ_POINTS = (*(k / 10 for k in range(10)), 0.95, 0.99, 1.0)
"""Parts of the units, smallest first, at which Lorenz curves are kept."""


def lorenz(values: np.ndarray, points: tuple[float, ...] = LORENZ_POINTS) -> np.ndarray:
    """M16, part of the total held by the smallest ``points`` of non-negative values, zeros included.

    Linear between units, so that 0 holds 0 and 1 holds 1; NaN if the total is zero.

    Args:
        values: (N,). points: shares of the units, 0-1.
    """
    x = np.sort(np.asarray(values, float))
    total = x.sum()
    if x.size == 0 or total <= 0:
        return np.full(len(points), np.nan)
    held = np.concatenate([[0.0], np.cumsum(x)]) / total
    return np.interp(np.asarray(points) * x.size, np.arange(x.size + 1), held)


def share_of(values: np.ndarray, chosen: np.ndarray) -> float:
    """Part of the total of non-negative values that the chosen ones hold; NaN if the total is zero.

    Args:
        values: (N,) counts. chosen: (N,) bool.
    """
    total = float(np.sum(values))
    return float(np.sum(np.where(chosen, values, 0))) / total if total > 0 else float("nan")


def largest(values: np.ndarray, share: float, among: np.ndarray) -> np.ndarray:
    """Which values reach the smallest of the largest ``share`` of those in ``among`` (at least one of them).

    Args:
        values: (N,). share: 0-1. among: (N,) bool.

    Returns:
        (N,) bool, False outside ``among``; all False if there are none.
    """
    inside = np.sort(np.asarray(values)[among])
    if not inside.size:
        return np.zeros(len(values), bool)
    return np.asarray(among & (values >= inside[-max(1, round(share * inside.size))]))


def smallest_half(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which values are at most the median of those in ``among``.

    Ties at the median count, so that the order of the values cannot matter; more than half may be chosen then.

    Args:
        values: (N,). among: (M,) int, places of the values that are compared.

    Returns:
        (N,) bool, False outside ``among``.
    """
    chosen = np.zeros(len(values), bool)
    if len(among):
        chosen[among] = values[among] <= np.median(values[among])
    return chosen


def shares(impressions: np.ndarray) -> np.ndarray:
    """M1, exposure share p_c = X_c / sum_c X_c along the last axis; NaN where nothing was shown."""
    x = np.asarray(impressions, float)
    total = x.sum(axis=-1, keepdims=True)
    return np.divide(x, total, out=np.full_like(x, np.nan), where=total > 0)


def total_variation(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """M12, half the sum of absolute differences of shares along the last axis, 0-1."""
    return 0.5 * np.abs(np.asarray(p, float) - np.asarray(q, float)).sum(axis=-1)


def effective_number(p: np.ndarray) -> np.ndarray:
    """M17, 1 / sum p^2 along the last axis; NaN where the shares are undefined or all zero."""
    squares = np.asarray(np.square(np.asarray(p, float)).sum(axis=-1))
    return np.divide(1.0, squares, out=np.full_like(squares, np.nan), where=squares > 0)


def js_divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """M13, Jensen-Shannon divergence H((p + q) / 2) - (H(p) + H(q)) / 2 in bits along the last axis, 0-1.

    Both are smoothed first: 0.5 / C is added to each of the C shares, and they are rescaled to add up to 1.
    """
    a, b = _smoothed(p), _smoothed(q)
    return _entropy((a + b) / 2) - (_entropy(a) + _entropy(b)) / 2


def _smoothed(p: np.ndarray) -> np.ndarray:
    x = np.asarray(p, float)
    x = x + 0.5 / x.shape[-1]
    return x / x.sum(axis=-1, keepdims=True)


def _entropy(p: np.ndarray) -> np.ndarray:
    """Shannon entropy in bits of strictly positive shares."""
    return -(p * np.log2(p)).sum(axis=-1)


def defined_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Mean of the entries that are not NaN along an axis (all axes if None); NaN where none is, without a warning."""
    x = np.asarray(values, float)
    known = ~np.isnan(x)
    count = np.asarray(known.sum(axis=axis))
    total = np.asarray(np.where(known, x, 0.0).sum(axis=axis))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def calibration(history: np.ndarray, shown: np.ndarray, mixed: float = 0.01) -> np.ndarray:
    """M14, KL(p || (1 - a) q + a p) in bits: how far what a person is shown (q) is from what she was shown before (p).

    0: the same mix of candidates; the part a of p keeps it finite (Steck 2018).

    Args:
        history, shown: (P, C) impressions by person and candidate. mixed: a, 0-1.

    Returns:
        (P,), NaN for people without impressions in either.
    """
    p, q = shares(history), shares(shown)
    ratio = np.divide(p, (1 - mixed) * q + mixed * p, out=np.ones_like(p), where=p > 0)
    return (p * np.log2(ratio)).sum(axis=-1)


class Interval(NamedTuple):
    """A mean over replicates with its uncertainty; NaN where one replicate cannot tell.

    Attributes:
        mean: mean over replicates.
        low, high: 95 % interval of the mean: Student's t, or as the function that made it says.
        sd: standard deviation between worlds.
        next_low, next_high: 95 % prediction interval for one further world.
        n: replicates that are not NaN.
    """

    mean: float
    low: float
    high: float
    sd: float
    next_low: float
    next_high: float
    n: int

    def within(self, low: float, high: float) -> Interval:
        """The same with its ends cut at the bounds of what the metric can be.

        What lies outside is not possible, so the cut takes nothing from the coverage; Student's t does not know the bounds.

        Args:
            low, high: bounds, in the unit of the values; infinite where there is none.
        """
        cut = np.clip([self.low, self.high, self.next_low, self.next_high], low, high).tolist()
        return Interval(self.mean, cut[0], cut[1], self.sd, cut[2], cut[3], self.n)


SHIFT_RANGE = (-100.0, 100.0)
"""What a difference of two shares can be, percentage points."""


def further_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """`interval` that ends where Student's or, from 10 replicates, the studentised bootstrap's reaches further.

    Effects of campaigns are skewed: a few worlds shift much. Student's interval of replicates without such a world ends too
    low; of 10, 20, 30 and 50 replicates in the measured world it held the mean 84, 89, 90 and 92 times in a hundred, this one 90,
    94, 94 and 95 times (docs/audit-plan.md).

    Args:
        values: (R,) one difference per replicate; NaN are left out. level: of both.
    """
    t, skewed = interval(values, level), studentised(values, level)
    return t if skewed is None else t._replace(low=min(t.low, skewed[0]), high=max(t.high, skewed[1]))


def shift_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """`further_interval` of shifts in percentage points, cut at -100 and 100."""
    return further_interval(values, level).within(*SHIFT_RANGE)


def interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Mean of paired differences over replicates with t and prediction intervals.

    m +/- t s / sqrt(R) and m +/- t s sqrt(1 + 1/R), R - 1 degrees of freedom. If all values are equal the interval is
    that value exactly; with fewer than two values it is NaN.
    """
    x = np.asarray(values, float)
    x = x[~np.isnan(x)]
    n, nan = len(x), float("nan")
    if n == 0:
        return Interval(nan, nan, nan, nan, nan, nan, 0)
    if n == 1:
        return Interval(float(x[0]), nan, nan, nan, nan, nan, 1)
    if np.all(x == x[0]):
        return Interval(*(float(x[0]),) * 3, 0.0, *(float(x[0]),) * 2, n)
    from scipy.special import stdtrit  # the quantile of scipy.stats.t, without its half second of importing

    mean, sd = float(x.mean()), float(x.std(ddof=1))
    t = float(stdtrit(n - 1, 0.5 + level / 2))
    half, ahead = t * sd / np.sqrt(n), t * sd * np.sqrt(1 + 1 / n)
    return Interval(mean, mean - half, mean + half, sd, mean - ahead, mean + ahead, n)


def wilson(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927), by scipy; NaN of nothing."""
    if of == 0:
        return float("nan"), float("nan")
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def p_value(values: np.ndarray) -> float:
    """Two-sided p of the hypothesis that the mean of paired differences is zero (Student's t over replicates).

    NaN with fewer than two values; without spread 1 if all values are 0, else 0.
    """
    x = np.asarray(values, float)
    x = x[~np.isnan(x)]
    if len(x) < 2:
        return float("nan")
    if np.all(x == x[0]):
        return 1.0 if x[0] == 0 else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(len(x) - 1, -abs(x.mean()) / (x.std(ddof=1) / np.sqrt(len(x)))))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted p-values of one family of hypotheses.

    max over j <= i of min(1, (m - j + 1) p_(j)) with p ascending and j from 1 (Holm 1979). Undefined ones (NaN) stay
    NaN and are not counted in m.

    Args:
        p: (M,) p-values.
    """
    given = np.asarray(p, float)
    out = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    steps = np.minimum(1.0, np.arange(len(order), 0, -1) * given[order])
    out[order] = np.maximum.accumulate(steps) if len(order) else steps
    return out


def chance_at_least(values: np.ndarray, threshold: float) -> float:
    """Chance that one further world reaches the threshold, by the predictive Student's t.

    1 - T((threshold - m) / (s sqrt(1 + 1/R))), R - 1 degrees of freedom; NaN with fewer than two values; without
    spread 0 or 1.
    """
    t = interval(values)
    if t.n < 2:
        return float("nan")
    if t.sd == 0:
        return float(t.mean >= threshold)
    from scipy.special import stdtr

    return float(stdtr(t.n - 1, (t.mean - threshold) / (t.sd * np.sqrt(1 + 1 / t.n))))


def luck_band(shares_by_branch: np.ndarray) -> np.ndarray:
    """SD of the difference in shares between two campaign-free branches of the same world, percentage points.

    Args:
        shares_by_branch: (R, B, C) shares of counterfactual arms.

    Returns:
        (C,): root mean square of all pairwise differences (their expectation is zero); NaN with one branch.
    """
    p = np.asarray(shares_by_branch, float)
    branches = p.shape[1]
    if branches < 2:
        return np.full(p.shape[-1], np.nan)
    pairs = [100 * (p[:, a] - p[:, b]) for a in range(branches) for b in range(a)]
    return np.sqrt(defined_mean(np.square(np.concatenate(pairs)), axis=0))


LEAST_FOR_BELOW = 10
"""Replicates from which a shift can be called below the threshold: the spread of fewer is too uncertain to show absence."""


def verdict(values: np.ndarray, threshold: float) -> str:
    """Compare a shift with the declared threshold.

    Args:
        values: (R,) shifts, percentage points; NaN are left out.
        threshold: above 0, percentage points.

    Returns:
        "exceeds" if the 95 % interval (`further_interval`) lies above the threshold, "below" if there are at least
        `LEAST_FOR_BELOW` values and the 90 % interval lies within +/- the threshold (two one-sided tests at 5 %, by Student
        and by bootstrap), else "inconclusive".
    """
    wide, narrow = further_interval(values), further_interval(values, 0.90)
    if wide.low > threshold:
        return "exceeds"
    if narrow.n >= LEAST_FOR_BELOW and narrow.low > -threshold and narrow.high < threshold:
        return "below"
    return "inconclusive"


def too_few_for_below(low: float | None, high: float | None, replicates: int, threshold: float) -> bool:
    """Whether a shift is not called below the threshold only because there are fewer than `LEAST_FOR_BELOW` replicates.

    Args:
        low, high: 90 % `further_interval`; None or NaN where it is not known.
        replicates: with a defined share. threshold: percentage points.
    """
    if low is None or high is None:
        return False
    return replicates < LEAST_FOR_BELOW and -threshold < low and high < threshold


METRICS = {
    "share": ("M1", "p_c = X_c / sum_c X_c over the campaign window", "0-1"),
    "shift_pp": ("M2", "100 (p_c factual - p_c counterfactual), mean over luck branches", "percentage points"),
    "excess_impressions": ("M3", "X_c factual - X_c counterfactual", "impressions, real units"),
    "reach": ("M7", "share of people with at least one impression in the window", "0-1"),
    "frequency": ("M8", "impressions per person reached", "impressions"),
    "tv_distance": ("M12", "1/2 sum_c |p_c factual - p_c counterfactual|", "0-1"),
    "js_divergence": ("M13", "H((p+q)/2) - (H(p)+H(q))/2 of factual and counterfactual shares", "bits"),
    "effective_candidates": ("M17", "1 / sum p^2 over candidates' exposure shares", "candidates"),
    "sd_worlds": ("", "standard deviation of the shift between replicates", "percentage points"),
    "prediction": ("", "m +/- t s sqrt(1 + 1/R): where one further world would lie", "percentage points"),
    "gini_views": ("M22", "Gini of views over items whose whole life lies in the days looked at, zeros included", "0-1"),
    "top1_share": ("M16", "share of views of the 1 % most viewed items", "0-1"),
    "effective_items": ("M17", "1 / sum p^2 over a candidate's items", "items"),
    "luck_band_pp": ("", "SD of the share difference between two campaign-free branches", "percentage points"),
    "dose_ratio": ("", "dose ratio: inauthentic actions per organic action on the beneficiary's items", "ratio"),
    "naive_before_after_pp": ("", "share in the window - share in the equally long span before, factual", "percentage points"),
    "naive_error_pp": ("", "naive before/after estimate - causal shift", "percentage points"),
    "comment_exposures": ("", "openings of comments in which a top comment names the candidate", "exposures"),
    "largest_reach": ("", "views of the most viewed item / people", "0-1"),
    "empty_share": ("", "slate positions for which the feed had nothing unseen", "0-1"),
    "like_rate": ("", "likes / views of people", "0-1"),
    "comment_rate": ("", "comments / views of people", "0-1"),
    "share_rate": ("", "shares / views of people", "0-1"),
    "complete_rate": ("", "videos watched to the end / views", "0-1"),
    "watched_share": ("", "mean share of a video's length that is watched", "0-1"),
    "videos_per_visit": ("", "positions examined / visits", "videos"),
    "videos_per_day": ("", "positions examined / people / days", "videos"),
    "visits_per_day": ("", "visits / people / days", "visits"),
    "candidate_feed_share": ("", "views of candidate items / all views", "0-1"),
    "watch_s_per_view": ("M22", "watch time of people / views", "seconds"),
    "watch_s_per_person_day": ("M22", "watch time of people / people / days", "seconds"),
    "utility_per_view": ("M22", "mean utility of examined items, 0 for the typical item", "utility units"),
    "effective_topics": ("M22", "1 / sum p^2 over main topics' shares of people's views", "topics"),
    "effective_topics_visit": ("M22", "1 / chance that two items examined in one visit share the main topic", "topics"),
    "small_creator_share": ("M22", "share of views of authors with at most the median of followers at the start", "0-1"),
    "emotional_share": ("M22", "share of views of the tenth of items with the most emotion", "0-1"),
    "p_holm": ("", "Holm's step-down adjusted p over all policies and beneficiaries", "0-1"),
    "chance_at_threshold": ("M24", "1 - T((threshold - m) / (s sqrt(1 + 1/R))): one further world reaches it", "0-1"),
    "activity_top10_share": ("", "share of expected visits of the 10 % most active people", "0-1"),
    "candidate_exposure_top1_share": ("", "share of candidate impressions held by the 1 % most exposed people", "0-1"),
    "gate_1_pass_share": ("", "promotions / arrivals at the first exposure pool", "0-1"),
    "excess_views_last5_M": ("T1", "beneficiary's excess views, days -6 to -2", "million"),
    "beneficiary_views_before_M_per_day": ("T1", "beneficiary's views a day in the week before the campaigns", "million/day"),
    "beneficiary_views_late_M_per_day": ("T1", "beneficiary's views a day, days -6 to -2, factual", "million/day"),
    "follower_growth_factor_14d": ("T2", "followers of the beneficiary's account, day 0 over day -14", "ratio"),
    "view_ratio_beneficiary_to_second": ("T3", "views of the beneficiary over those of the best-placed other candidate", "ratio"),
    "influencer_views_M": ("T4", "views of paid influencers' posts", "million"),
}  # fmt: skip


def listing() -> list[dict[str, str]]:
    """One row per metric: name, number in the audit literature, formula, unit."""
    return [{"name": n, "number": m, "formula": f, "unit": u} for n, (m, f, u) in METRICS.items()]
