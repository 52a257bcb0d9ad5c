"""From campaigns of the scenario to what they post and advertise, and when."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from recsim.agents.supply_plans import AdPlan, PostPlan
from recsim.rng import hash32
from recsim.scenario.campaigns import Advertising, Campaign
from recsim.scenario.schema import Scenario
from recsim.state import BOT, IMPERSONATION, INFLUENCER, STANCES, VOLUNTEER


def make_post_plan(
    plan: Campaign, number: int, index: dict[str, int], scenario: Scenario, spd: int, days: int
) -> PostPlan | None:
    """What a campaign's actors post; None if they do not.

    Args:
        plan: the campaign. number: its place in canonical order. index: number of each candidate by id.
        scenario: realised. spd: steps per day. days: simulated days.
    """
    first = (days - 1 + plan.start) * spd
    last = (days + plan.end) * spd
    common: dict[str, Any] = {
        "population": hash32(plan.key), "campaign": number, "candidate": index[plan.beneficiary],
        "keep": min(1.0, 1.0 / scenario.content.items_represented), "first_step": first, "last_step": last,
    }  # fmt: skip
    scale = scenario.population.scale
    if plan.type == "paid_influencers":
        dose = scenario.dose.value * plan.dose.value
        wanted = plan.influencers.value * dose
        return PostPlan(
            kind=INFLUENCER, stance=1 if plan.stance == "supportive" else 0,
            actors=math.ceil(max(plan.influencers.value, wanted)), active=wanted,
            posts_per_actor=plan.posts_per_influencer.value, followers_mean=plan.followers_mean.value * scale,
            followers_spread=plan.followers_spread.value, counterfactual=plan.counterfactual,
            payer=-1 if plan.payer_candidate is None else index[plan.payer_candidate],
            hijacked=plan.hijacked_share.value, disclosed=plan.disclosed_share.value, **common,
        )  # fmt: skip
    if plan.type == "bot_network" and plan.posts_per_day.value > 0:
        wanted = plan.affordable(scenario.dose.value * plan.dose.value)
        return PostPlan(
            kind=BOT, stance=1, actors=math.ceil(max(plan.accounts.value, wanted)), active=wanted,
            posts_per_actor=plan.posts_per_day.value * (last - first) / spd,
            followers_mean=plan.followers_per_account.value * scale, followers_spread=1.0, counterfactual="absent",
            variation=plan.post_variation.value,
            removal=first + round(scenario.moderation.network_removal_days.value * spd), **common,
        )  # fmt: skip
    if plan.type == "impersonation":
        wanted = plan.made * scenario.dose.value * plan.dose.value
        return PostPlan(
            kind=IMPERSONATION, stance={"critical": -1, "neutral": 0, "supportive": 1}[plan.stance],
            actors=math.ceil(max(plan.made, wanted)), active=wanted,
            posts_per_actor=plan.posts_per_day.value * (last - first) / spd,
            followers_mean=plan.followers_mean.value * scale, followers_spread=plan.followers_spread.value,
            counterfactual="absent", variation=plan.post_variation.value,
            initial=plan.accounts.value / max(plan.made, 1e-12), lifetime=plan.lifetime_days.value * spd, **common,
        )  # fmt: skip
    if plan.type == "volunteers":
        volunteers = plan.volunteers.value * plan.dose.value
        actors = math.ceil(volunteers)
        return PostPlan(
            kind=VOLUNTEER, stance=1, actors=actors, active=actors,
            posts_per_actor=plan.posts_per_day.value * (last - first) / spd,
            followers_mean=scenario.activity.follows_per_person.value * scale, followers_spread=1.0,
            counterfactual="kept", **common,
        )  # fmt: skip
    return None


def make_ad_plan(
    plan: Advertising, number: int, beneficiary: int, scenario: Scenario, regions: list[str], languages: list[str],
    lifetime: int,
) -> AdPlan:  # fmt: skip
    """Advertisements are in the language of their audience, the most spoken one if there are several."""
    spd, days = 24 // scenario.run.step_hours, scenario.days.count
    spoken = tuple(sorted({languages.index(name) for name in plan.languages}))
    return AdPlan(
        population=hash32(plan.key), campaign=number, candidate=beneficiary, stance=STANCES.index(plan.stance) - 1,
        language=spoken[0] if spoken else 0, advertisements=max(1, round(plan.advertisements.value)),
        first_step=(days - 1 + plan.start) * spd, last_step=(days + plan.end) * spd, lifetime=lifetime,
        impressions=plan.impressions(scenario.dose.value * plan.dose.value, scenario.population.scale),
        step_share=hours_to_steps(plan.hours, spd),
        regions=tuple(sorted({regions.index(name) for name in plan.regions})), languages=spoken,
    )  # fmt: skip


def hours_to_steps(hours: tuple[int, int], steps_per_day: int) -> np.ndarray:
    """Share of a day's actions in each step when they fall evenly between two hours of the day."""
    weight = np.zeros(24)
    weight[hours[0] : hours[1]] = 1.0 / (hours[1] - hours[0])
    return weight.reshape(steps_per_day, 24 // steps_per_day).sum(axis=1)
