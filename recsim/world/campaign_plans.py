"""From campaigns of the scenario to what they post and advertise, and when."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from recsim.agents.supply_plans import OWN, RIVALS, AdPlan, PlaceMix, PostMix, PostPlan
from recsim.rng import hash32
from recsim.scenario.campaigns import AccountCampaign, Advertising, Campaign
from recsim.scenario.posts import PostKind, promoting
from recsim.scenario.schema import Scenario
from recsim.state import BOT, IMPERSONATION, INFLUENCER, STANCES, VOLUNTEER


@dataclasses.dataclass(frozen=True)
class Names:
    """Names of a scenario in canonical order, and what is drawn by them.

    Attributes:
        candidates, regions, languages: names; their places are the numbers used everywhere else.
        standing: (C,) float64, adds up to 1. region_share: (R,) float64, share of people, adds up to 1.
    """

    candidates: list[str]
    regions: list[str]
    languages: list[str]
    standing: np.ndarray
    region_share: np.ndarray


def place_mix(campaign: AccountCampaign, names: Names) -> PlaceMix:
    """Where a campaign's accounts appear to be: as stated, the rest in the main language, and in other regions as people."""
    language = np.array([campaign.languages[n].value if n in campaign.languages else 0.0 for n in names.languages])
    language[0] += max(0.0, 1.0 - float(np.cumsum(language)[-1]))
    stated = getattr(campaign, "regions", {})
    if not stated:
        return PlaceMix(language / np.cumsum(language)[-1], np.empty(0))
    region = np.array([stated[n].value if n in stated else 0.0 for n in names.regions])
    free = np.where([n in stated for n in names.regions], 0.0, names.region_share)
    total = float(np.cumsum(free)[-1])
    if total > 0:
        region += max(0.0, 1.0 - float(np.cumsum(region)[-1])) * free / total
    return PlaceMix(language / np.cumsum(language)[-1], region / np.cumsum(region)[-1])


def rivals_of(standing: np.ndarray) -> np.ndarray:
    """(C, C) float64: by standing among the others, who is drawn as a rival of the row's candidate; rows add up to 1."""
    others = np.where(np.eye(len(standing)) > 0, 0.0, standing)
    total = np.cumsum(others, axis=1)[:, -1:]
    alone = np.where(np.eye(len(standing)) > 0, 0.0, 1.0 / (len(standing) - 1))
    return np.where(total > 0, others / np.where(total > 0, total, 1.0), alone)


def post_mix(kinds: list[PostKind], names: Names) -> PostMix:
    """What posts are about, in the order of their kinds' keys."""
    kinds = sorted(kinds, key=lambda kind: kind.key)
    words = {"own": OWN, "rivals": RIVALS, **{name: number for number, name in enumerate(names.candidates)}}
    return PostMix(
        share=np.array([kind.share.value for kind in kinds]),
        about=np.array([words[kind.about] for kind in kinds], np.int64),
        stance=np.array([STANCES.index(kind.stance) - 1 for kind in kinds], np.int64),
        demobilising=np.array([kind.demobilising for kind in kinds], np.bool_), rival=rivals_of(names.standing),
    )  # fmt: skip


def make_post_plan(
    plan: Campaign, number: int, names: Names, scenario: Scenario, spd: int, days: int
) -> PostPlan | None:
    """What a campaign's actors post; None if they do not.

    Args:
        plan: the campaign. number: its place in canonical order. names: of candidates, regions, languages.
        scenario: realised. spd: steps per day. days: simulated days.
    """
    first = (days - 1 + plan.start) * spd
    last = (days + plan.end) * spd
    candidate = names.candidates.index
    nowhere = PlaceMix(np.eye(len(names.languages))[0], np.empty(0))
    common: dict[str, Any] = {
        "population": hash32(plan.key), "campaign": number, "candidate": candidate(plan.beneficiary),
        "mix": post_mix(getattr(plan, "posts", None) or promoting(), names),
        "place": place_mix(plan, names) if isinstance(plan, AccountCampaign) else nowhere,
        "keep": min(1.0, 1.0 / scenario.content.items_represented), "first_step": first, "last_step": last,
    }  # fmt: skip
    scale = scenario.population.scale
    if plan.type == "paid_influencers":
        dose = scenario.dose.value * plan.dose.value
        wanted = plan.influencers.value * dose
        return PostPlan(
            kind=INFLUENCER, active=wanted, **_numbers(plan.influencers.value, wanted),
            posts_per_actor=plan.posts_per_influencer.value, followers_mean=plan.followers_mean.value * scale,
            followers_spread=plan.followers_spread.value, counterfactual=plan.counterfactual,
            payer=-1 if plan.payer_candidate is None else candidate(plan.payer_candidate),
            hijacked=plan.hijacked_share.value, disclosed=plan.disclosed_share.value, **common,
        )  # fmt: skip
    if plan.type == "bot_network" and plan.posts_per_day.value > 0:
        wanted = plan.affordable(scenario.dose.value * plan.dose.value)
        return PostPlan(
            kind=BOT, active=wanted, **_numbers(plan.accounts.value, wanted),
            posts_per_actor=plan.posts_per_day.value * (last - first) / spd,
            followers_mean=plan.followers_per_account.value * scale, followers_spread=1.0, counterfactual="absent",
            variation=plan.post_variation.value,
            removal=first + round(scenario.moderation.network_removal_days.value * spd), **common,
        )  # fmt: skip
    if plan.type == "impersonation":
        wanted = plan.made * scenario.dose.value * plan.dose.value
        return PostPlan(
            kind=IMPERSONATION, active=wanted, **_numbers(plan.made, wanted),
            posts_per_actor=plan.posts_per_day.value * (last - first) / spd,
            followers_mean=plan.followers_mean.value * scale, followers_spread=plan.followers_spread.value,
            counterfactual="absent", variation=plan.post_variation.value,
            initial=plan.accounts.value / max(plan.made, 1e-12), lifetime=plan.lifetime_days.value * spd, **common,
        )  # fmt: skip
    if plan.type == "volunteers":
        volunteers = plan.volunteers.value * plan.dose.value
        return PostPlan(
            kind=VOLUNTEER, active=math.ceil(volunteers), actors=math.ceil(volunteers),
            at_dose_one=math.ceil(plan.volunteers.value),
            posts_per_actor=plan.posts_per_day.value * (last - first) / spd,
            followers_mean=scenario.activity.follows_per_person.value * scale, followers_spread=1.0,
            counterfactual="kept", **common,
        )  # fmt: skip
    return None


def _numbers(declared: float, wanted: float) -> dict[str, Any]:
    """How many actors there are, and how many of them at dose 1."""
    return {"actors": math.ceil(max(declared, wanted)), "at_dose_one": math.ceil(declared)}


def make_ad_plan(
    plan: Advertising, number: int, names: Names, scenario: Scenario, lifetime: int
) -> AdPlan:  # fmt: skip
    """Advertisements are in the language of their audience, the most spoken one if there are several."""
    spd, days = 24 // scenario.run.step_hours, scenario.days.count
    spoken = tuple(sorted({names.languages.index(name) for name in plan.languages}))
    return AdPlan(
        population=hash32(plan.key), campaign=number, candidate=names.candidates.index(plan.beneficiary),
        stance=STANCES.index(plan.stance) - 1,
        language=spoken[0] if spoken else 0, advertisements=max(1, round(plan.advertisements.value)),
        first_step=(days - 1 + plan.start) * spd, last_step=(days + plan.end) * spd, lifetime=lifetime,
        impressions=plan.impressions(scenario.dose.value * plan.dose.value, scenario.population.scale),
        step_share=hours_to_steps(plan.hours, spd),
        regions=tuple(sorted({names.regions.index(name) for name in plan.regions})), languages=spoken,
        removal=(days - 1 + plan.start) * spd + round(scenario.moderation.network_removal_days.value * spd),
    )  # fmt: skip


def hours_to_steps(hours: tuple[int, int], steps_per_day: int) -> np.ndarray:
    """Share of a day's actions in each step when they fall evenly between two hours of the day."""
    weight = np.zeros(24)
    weight[hours[0] : hours[1]] = 1.0 / (hours[1] - hours[0])
    return weight.reshape(steps_per_day, 24 // steps_per_day).sum(axis=1)
