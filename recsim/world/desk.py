"""From the moderation block of a scenario to plain values of the review queue and of what follows from it."""

from __future__ import annotations

import numpy as np

from recsim.agents.enforcement import Appealing, Notice
from recsim.agents.review import Desk, Pool
from recsim.rng import hash32
from recsim.scenario.moderation import Appeals, Moderation
from recsim.scenario.moderation import Notice as NoticeBlock

FIRST = 1
"""Class of cases that are reviewed before others."""


def make_desk(moderation: Moderation, languages: list[str], capacity_scale: float, step_hours: int) -> Desk:
    """Review as the scenario states it, at the size of the simulation.

    A language is reviewed by its own reviewers, or, if it has none, by those that list it among their other
    languages, with their sensitivity times the factor stated there; else by nobody.

    Args:
        moderation: the block, realised.
        languages: names in the order of their numbers.
        capacity_scale: simulated cases per real case: reviewers and the length of the queue are multiplied by it.
        step_hours: hours of a step.
    """
    number = {language: n for n, language in enumerate(languages)}
    pool_of = np.full(len(languages), -1, np.int64)
    pools: list[Pool] = []
    for language, team in sorted(moderation.reviewers.items()):
        people = team.count.value * team.share_of_time.value * capacity_scale
        if people <= 0:
            continue
        sensitivity = np.full(len(languages), team.sensitivity.value, np.float32)
        pool_of[number[language]] = len(pools)
        for other, factor in team.other_languages.items():
            pool_of[number[other]] = len(pools)
            sensitivity[number[other]] *= np.float32(factor.value)
        specificity = np.full(len(languages), team.specificity.value, np.float32)
        pools.append(Pool(people, team.items_per_hour.value, *team.hours, sensitivity, specificity))
    queue = moderation.queue
    return Desk(
        pools=tuple(pools), pool_of=pool_of, order=queue.priority, exponential=queue.service == "exponential",
        delay_h=queue.delay_h.value, step_hours=step_hours,
        capacity=np.inf if queue.capacity is None else queue.capacity.value * capacity_scale,
        expires_h=np.inf if queue.expires_h is None else queue.expires_h.value,
    )  # fmt: skip


def make_appealing(appeals: Appeals) -> Appealing:
    """Appeals as plain values."""
    return Appealing(
        appeals.wrongly_sanctioned.value, appeals.rightly_sanctioned.value, appeals.mean_delay_h.value,
        appeals.within_h.value, appeals.work.value, FIRST if appeals.first else 0,
    )  # fmt: skip


def make_notice(notice: NoticeBlock, days: int) -> Notice:
    """A notice as plain values.

    Args:
        notice: the block, realised.
        days: simulated days; the last is the day of the vote, day 0.
    """
    sent = float((days - 1 + notice.day) * 24 + notice.hour)
    return Notice(hash32(notice.key), sent, notice.share.value, notice.compliance.value, notice.lag_h.value)
