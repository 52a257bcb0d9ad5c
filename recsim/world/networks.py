"""From campaigns of the scenario to acting networks, and the targets they find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recsim.agents.networks import Network
from recsim.kernels.acts import Tactics, Targets
from recsim.rng import hash32
from recsim.scenario.campaigns import Campaign
from recsim.world.plan import Plan

if TYPE_CHECKING:
    from recsim.world.build import State

TACTICS = ("like", "comment", "share", "follow")


def make_network(plan: Plan, campaign: Campaign) -> Network | None:
    """The acting side of a campaign; None for campaigns that only post."""
    spd, scale, dose = plan.steps_per_day, plan.scale, plan.scenario.dose.value
    moderation = plan.scenario.moderation
    first, last = plan.step_of(campaign.start), plan.step_of(campaign.end) + spd
    index = {c.id: k for k, c in enumerate(plan.candidates)}
    common: dict[str, Any] = {
        "campaign": campaign.id, "population": hash32(campaign.key), "beneficiary": index[campaign.beneficiary],
        "first_step": first, "last_step": last,
    }  # fmt: skip
    prevented = np.float32(moderation.prevented_share.value)
    removal = first + round(moderation.network_removal_days.value * spd)
    one = np.float32(1.0)
    if campaign.type == "bot_network":
        t, where = campaign.tactics, campaign.comment_targets
        like, comment, share = t.like.value, t.comment.value, t.share.value
        return Network(
            inauthentic=True, accounts=campaign.accounts.value * dose, at_dose_one=campaign.accounts.value,
            actions_per_day=campaign.actions_per_day.value * scale, aged_share=campaign.aged_share.value,
            dormant_activity=campaign.dormant_activity.value if campaign.counterfactual == "dormant" else 0.0,
            ramp_steps=campaign.ramp_days.value * spd, removal_step=removal,
            hour_share=hours_to_steps(campaign.hours, spd),
            max_age=max(1, round(campaign.target_max_age_days.value * spd)),
            tactics=Tactics(
                np.float32(like), np.float32(like + comment), np.float32(like + comment + share),
                np.float32(where.own.value), np.float32(where.own.value + where.rivals.value),
                np.float32(campaign.views_per_action.value), prevented,
            ),
            bulk_follows=0.0, **common,
        )  # fmt: skip
    if campaign.type == "purchased_engagement":
        days = (last - first) / spd
        accounts = campaign.likes.value / campaign.likes_per_account.value
        return Network(
            inauthentic=True, accounts=accounts * dose, at_dose_one=accounts,
            actions_per_day=campaign.likes_per_account.value / days * scale, aged_share=0.0, dormant_activity=0.0,
            ramp_steps=0.0, removal_step=last, hour_share=hours_to_steps((0, 24), spd),
            max_age=max(1, round(campaign.target_max_age_days.value * spd)),
            tactics=Tactics(one, one, one, one, one, np.float32(campaign.views_per_action.value), prevented),
            bulk_follows=campaign.follows.value * dose * scale * (1 - moderation.prevented_share.value), **common,
        )  # fmt: skip
    if campaign.type == "volunteers":
        return Network(
            inauthentic=False, accounts=campaign.volunteers.value, at_dose_one=campaign.volunteers.value,
            actions_per_day=campaign.likes_per_day.value * scale, aged_share=0.0, dormant_activity=0.0,
            ramp_steps=0.0, removal_step=last, hour_share=hours_to_steps((7, 24), spd),
            max_age=max(1, round(campaign.target_max_age_days.value * spd)),
            tactics=Tactics(one, one, one, one, one, one, np.float32(0.0)), bulk_follows=0.0, **common,
        )  # fmt: skip
    return None


def hours_to_steps(hours: tuple[int, int], steps_per_day: int) -> np.ndarray:
    """Share of a day's actions in each step when they fall evenly between two hours of the day."""
    weight = np.zeros(24)
    weight[hours[0] : hours[1]] = 1.0 / (hours[1] - hours[0])
    return weight.reshape(steps_per_day, 24 // steps_per_day).sum(axis=1)


def find_targets(plan: Plan, state: State, network: Network, step: int, start: int, end: int, placebo: bool) -> Targets:
    """Live items that the network can act on in this step, with cumulative integer weights.

    Own items are drawn evenly, others in proportion to recent views. A placebo draws every target in proportion to
    the item's current human engagement over all content.
    """
    labels, counters = state.items.labels, state.counters
    first = max(start, int(state.born[max(0, step - network.max_age)]))
    candidate, present = labels.candidate[first:end], labels.present[first:end]
    heat = counters.decayed[0, first:end].astype(np.int64)
    if placebo:
        human = counters.human[first:end, 1].astype(np.int64) * present
        everything = _weighted(np.flatnonzero(human > 0), human, first)
        return Targets(*everything, *everything, *everything)
    mine = (candidate == network.beneficiary) & (labels.stance[first:end] >= 0) & present
    own = np.flatnonzero(mine)
    rivals = np.flatnonzero((candidate >= 0) & (candidate != network.beneficiary) & present & (heat > 0))
    popular = np.flatnonzero((candidate < 0) & present & (heat > 0))
    return Targets(
        *_weighted(own, np.ones_like(heat), first), *_weighted(rivals, heat, first), *_weighted(popular, heat, first)
    )


def _weighted(places: np.ndarray, weight: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    return (places + first).astype(np.int32), np.cumsum(weight[places]).astype(np.int64)
