"""Bought impressions: for which step each is meant, and who of those who come is shown which advertisement."""

from __future__ import annotations

import numpy as np

from recsim import rng
from recsim.agents.supply_plans import AdPlan
from recsim.rng import Decision, Key

TOGETHER = 1 << 20
"""Impressions drawn at once: a country's month would not fit in memory."""


def impressions_by_step(key: Key, plan: AdPlan, steps: int) -> np.ndarray:
    """Impressions meant for each step of the run.

    Each has a standing draw of its own step, evenly over the days and by hours within a day, so the sum is exactly
    what the budget buys and a larger budget only adds.

    Args:
        key: seed and replicate.
        plan: of the campaign.
        steps: of the run.

    Returns:
        (steps,) int64.
    """
    out = np.zeros(steps, np.int64)
    days = (plan.last_step - plan.first_step) // len(plan.step_share)
    edge = np.cumsum(np.tile(plan.step_share, days))
    edge = edge / edge[-1]
    for first in range(0, plan.impressions, TOGETHER):
        number = np.arange(first, min(plan.impressions, first + TOGETHER), dtype=np.uint32)
        word = rng.words(key._replace(branch=0), Decision.AD_STEP, plan.population, number)[:, 0]
        place = np.searchsorted(edge, word.astype(np.float64) / 2.0**32, side="right")
        out[plan.first_step : plan.last_step] += np.bincount(place, minlength=plan.last_step - plan.first_step)
    return out


def shared_fairly(wanted: np.ndarray, free: int) -> np.ndarray:
    """Impressions of each campaign in a step with ``free`` places: cut in proportion if there are too few.

    Args:
        wanted: (K,) int64, at least 0. free: places.

    Returns:
        (K,) int64 with a sum of at most ``free``, none above ``wanted``.
    """
    total = int(wanted.sum())
    if total <= free:
        return wanted
    return np.array([int(n) * free // total for n in wanted], np.int64)


def choose_people(key: Key, plan: AdPlan, people: int, person: np.ndarray, count: int, step: int) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Who is shown an advertisement of a campaign in a step, and which.

    People stand in an order drawn for the person, the campaign and the step, so that more impressions reach the same
    people and others.

    Args:
        key: seed, replicate and branch.
        plan: of the campaign.
        people: hash of the people's population key.
        person: (N,) int32, who could be shown one.
        count: impressions wanted.
        step: of the run.

    Returns:
        (M,) int64 places in ``person`` and (M,) int64 numbers of advertisements; M is at most ``count``.
    """
    word = rng.words(key, Decision.ADVERTISEMENT, people, person, plan.population, step)
    place = np.lexsort((person, word[:, 0]))[:count]
    which = (word[place, 1].astype(np.uint64) * np.uint64(plan.advertisements)) >> np.uint64(32)
    return place, which.astype(np.int64)
