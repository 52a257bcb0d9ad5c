"""The response model of a scenario as plain numbers, and the calibration of visits."""

from __future__ import annotations

import numpy as np

from recsim import rng
from recsim.errors import InputError
from recsim.kernels.response import Reaction
from recsim.ranking.mitigation import Safeguards
from recsim.ranking.policy import Policy
from recsim.scenario.schema import Scenario


def _logit(p: float) -> float:
    p = min(max(p, 1e-9), 1 - 1e-9)
    return float(rng.logarithms(np.array([p / (1 - p)], np.float32))[0])


def leaving_chance(mean: float, slate: int) -> float:
    """Chance p of leaving after each position so that a visit of at most ``slate`` positions has mean length ``mean``.

    The truncated geometric mean (1 - (1 - p)^slate) / p falls in p; solved by bisection.
    """
    low, high = 1e-9, 1.0
    for _ in range(60):
        p = (low + high) / 2
        stay, total = 1.0, 0.0
        for _ in range(slate):
            total += stay
            stay *= 1 - p
        low, high = (p, high) if total > mean else (low, p)
    return (low + high) / 2


def typical_rank(mean: float) -> float:
    """Mean of log(position) over a visit of ``mean`` positions: position bias takes from late ones what it gives to early
    ones.
    """
    logs = rng.logarithms(np.arange(1, max(1, round(mean)) + 1, dtype=np.float32))
    return float(np.cumsum(logs)[-1]) / len(logs)


def visiting_rate(mean: float, spread: float, step_share: np.ndarray) -> float:
    """Visits a day to aim at so that the realised mean is ``mean``.

    A person visits at most once per step, so high rates are cut off: 1 - exp(-rate) per step. Solved by bisection over
    33 quantiles of the log-normal activity and the steps of an average day.

    Args:
        mean: visits per day wanted. spread: log-normal sigma. step_share: (steps,) shares of a day's visits.

    Raises:
        InputError: more visits than steps can hold.
    """
    u = ((np.arange(33) + 0.5) / 33).astype(np.float32)
    each = rng.exponentials(rng.normals(u) * np.float32(spread) - np.float32(spread * spread / 2))
    rates = np.outer(each, step_share).astype(np.float32)

    def realised(level: float) -> float:
        return float(np.cumsum(1.0 - rng.exponentials(-np.float32(level) * rates))[-1]) / len(each)

    steps = int(np.count_nonzero(step_share))  # in which anybody comes
    too_many = InputError(
        f"got {mean:g} visits a day, more than {steps} steps a day can hold; use shorter steps",
        "activity.visits_per_day",
    )
    if mean >= steps:  # rounding would let a rate at which nobody ever stays away reach it
        raise too_many
    low, high = mean, mean
    while realised(high) < mean:
        high *= 2
        if high > 1000 * mean:
            raise too_many
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if realised(middle) < mean else (low, middle)
    return (low + high) / 2


def make_reaction(scenario: Scenario, policy: Policy, guards: Safeguards) -> Reaction:
    """The response model; rates hold per view, and only videos that are not skipped are acted on."""
    r, platform = scenario.response, scenario.platform
    stays = 1 - r.skip_rate.value
    slate = platform.retrieval.slate
    inbox = {"all": scenario.activity.inbox, "some": min(8, scenario.activity.inbox), "none": 0}[policy.inbox]
    number = np.float32
    return Reaction(
        affinity=number(r.affinity.value),
        closeness=number(r.closeness.value),
        quality=number(r.quality.value),
        emotion=number(r.emotion.value),
        social_proof=number(r.social_proof.value),
        repetition=number(r.repetition.value),
        language_mismatch=number(r.language_mismatch.value),
        typical_utility=number(r.typical_utility.value),
        like=number(_logit(r.like_rate.value / stays)),
        comment=number(_logit(r.comment_rate.value / stays)),
        share=number(_logit(r.share_rate.value / stays)),
        follow=number(_logit(r.follow_rate.value / stays)),
        open_comments=number(_logit(r.open_comments_rate.value)),
        hide=number(_logit(r.hide_rate.value)),
        report=number(_logit(r.report_rate.value)),
        skip=number(_logit(r.skip_rate.value)),
        leave=number(_logit(leaving_chance(min(scenario.activity.videos_per_visit.value, slate), slate))),
        act_slope=number(r.action_slope.value),
        open_slope=number(r.open_slope.value),
        hide_slope=number(r.hide_slope.value),
        skip_slope=number(r.skip_slope.value),
        watched_mean=number(r.watched_mean.value),
        watched_slope=number(r.watched_slope.value),
        satisfaction=number(0.0 if r.model == "cascade" else r.satisfaction.value),
        position_bias=number(r.position_bias.value if r.model == "cascade" else 0.0),
        typical_rank=number(typical_rank(min(scenario.activity.videos_per_visit.value, slate))),
        stop=number(r.stop.value if r.model == "cascade" else 0.0),
        typical_act=number(r.like_rate.value + r.comment_rate.value + r.share_rate.value + r.follow_rate.value),
        fatigue=number(r.fatigue.value if r.model == "fatigue" else 0.0),
        memory=number(r.memory.value if r.model == "fatigue" else 0.0),
        keeps_shares=number(guards.keeps_shares),
        served_only=guards.served_only,
        exploration=number(platform.exploration_share.value if policy.explores else 0.0),
        learning_rate=number(platform.predictor.learning_rate.value),
        slate=np.int64(slate),
        inbox=np.int64(inbox),
        heating=np.uint64(round(2**32 * heated_views(scenario, policy))),
    )


def heated_views(scenario: Scenario, policy: Policy) -> float:
    """Share of slots that the policy gives to heated items."""
    return policy_value(scenario, policy, "heated_views") if policy.heats else 0.0


def policy_value(scenario: Scenario, policy: Policy, name: str) -> float:
    """A parameter of the policy as the scenario has it.

    Raises:
        InputError: a share outside of 0 to 1.
    """
    declared = scenario.platform.parameters
    value = declared[name].value if name in declared else policy.parameters[name]
    if not 0 <= value <= 1:
        raise InputError(f"got {value:g}, must be a share, 0-1", f"platform.parameters.{name}")
    return value
