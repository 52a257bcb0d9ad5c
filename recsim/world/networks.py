"""From campaigns of the scenario to acting networks, and the targets they find."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from recsim.agents.networks import MICRO, NO_LIMIT, Network
from recsim.kernels.acts import ACTIONS_OF, RULES, Tactics, Targets
from recsim.rng import hash32
from recsim.scenario.campaigns import AccountCampaign, BotNetwork, Campaign
from recsim.scenario.tactics import TACTIC_SHARES, UnitCosts
from recsim.state import REMOVED
from recsim.world.campaign_plans import hours_to_steps, place_mix
from recsim.world.plan import Plan

if TYPE_CHECKING:
    from recsim.world.build import State

TACTICS = ACTIONS_OF
"""Tactics of accounts by which actions are counted and paid; camouflage is likes."""
AD, ACCOUNT = len(TACTICS), len(TACTICS) + 1
"""Columns of a campaign's table after those of `TACTICS`: advertisements' impressions, accounts bought in place of removed ones."""
FLOWS = ("attempted", "prevented", "counted")
"""Rows of that table."""


def make_network(plan: Plan, campaign: Campaign) -> Network | None:
    """The acting side of a campaign; None for campaigns that only post."""
    spd, scale = plan.steps_per_day, plan.scale
    dose = plan.scenario.dose.value * campaign.dose.value
    moderation = plan.scenario.moderation
    first, last = plan.step_of(campaign.start), plan.step_of(campaign.end) + spd
    index = {c.id: k for k, c in enumerate(plan.candidates)}
    common: dict[str, Any] = {
        "campaign": campaign.id, "population": hash32(campaign.key), "beneficiary": index[campaign.beneficiary],
        "first_step": first, "last_step": last,
        "place": place_mix(campaign, plan.names) if isinstance(campaign, AccountCampaign) else None,
    }  # fmt: skip
    prevented = moderation.prevented_share.value
    removal = first + round(moderation.network_removal_days.value * spd)
    price = prices(campaign.costs, scale)
    only_likes = cumulative([1.0, *[0.0] * 7])
    if campaign.type == "bot_network":
        account_price = math.ceil(campaign.costs.account.value * MICRO)
        budget = NO_LIMIT if campaign.budget_eur is None else math.floor(campaign.budget_eur.value * MICRO)
        return Network(
            inauthentic=True, accounts=campaign.affordable(dose), at_dose_one=campaign.accounts.value,
            actions_per_day=campaign.actions_per_day.value * scale, aged_share=campaign.aged_share.value,
            dormant_activity=campaign.dormant_activity.value if campaign.counterfactual == "dormant" else 0.0,
            ramp_steps=campaign.ramp_days.value * spd, removal_step=removal,
            hour_share=hours_to_steps(campaign.hours, spd),
            max_age=max(1, round(campaign.target_max_age_days.value * spd)),
            tactics=Tactics(
                cumulative([getattr(campaign.tactics, t).value for t in TACTIC_SHARES] + [0.0]), rules(campaign),
                np.ones(len(TACTICS), np.bool_), price, np.float32(campaign.views_per_action.value),
                np.float32(prevented), np.float32(campaign.camouflage_share.value),
                np.float32(campaign.served_share.value),
            ),
            bulk_bought=0.0, bulk_follows=0.0, segment_topic=campaign.segment_topic,
            burst_share=campaign.burst_share.value, bursts_per_day=campaign.bursts_per_day, budget=budget,
            account_price=account_price, account_age_days=campaign.account_age_days.value,
            aged_account_days=campaign.aged_account_days.value,
            shared_address_accounts=campaign.shared_address_accounts,
            replacement_share=campaign.replacement_share.value,
            replacement_steps=round(campaign.replacement_days.value * spd), **common,
        )  # fmt: skip
    if campaign.type == "purchased_engagement":
        days = (last - first) / spd
        accounts = campaign.likes.value / campaign.likes_per_account.value
        return Network(
            inauthentic=True, accounts=accounts * dose, at_dose_one=accounts,
            actions_per_day=campaign.likes_per_account.value / days * scale, aged_share=0.0, dormant_activity=0.0,
            ramp_steps=0.0, removal_step=last, hour_share=hours_to_steps((0, 24), spd),
            max_age=max(1, round(campaign.target_max_age_days.value * spd)),
            tactics=plain(only_likes, price, campaign.views_per_action.value, prevented),
            bulk_bought=campaign.follows.value * dose * scale,
            bulk_follows=campaign.follows.value * dose * scale * (1 - prevented),
            account_age_days=campaign.account_age_days.value, **common,
        )  # fmt: skip
    if campaign.type == "volunteers":
        volunteers = campaign.volunteers.value * campaign.dose.value
        return Network(
            inauthentic=False, accounts=volunteers, at_dose_one=volunteers,
            actions_per_day=campaign.likes_per_day.value * scale, aged_share=0.0, dormant_activity=0.0,
            ramp_steps=0.0, removal_step=last, hour_share=hours_to_steps((7, 24), spd),
            max_age=max(1, round(campaign.target_max_age_days.value * spd)),
            tactics=plain(only_likes, price, 1.0, 0.0), bulk_bought=0.0, bulk_follows=0.0,
            account_age_days=plan.scenario.activity.account_age_days.value, **common,
        )  # fmt: skip
    return None


def price_list(costs: UnitCosts) -> list[float]:
    """Euros for one real action, by tactic; camouflage costs what likes cost."""
    return [getattr(costs, "like" if name == "camouflage" else name).value for name in TACTICS]


def prices(costs: UnitCosts, scale: float) -> np.ndarray:
    """(K,) int64, millionths of a euro for one simulated action, which stands for 1 / scale real ones; rounded up."""
    return np.array([math.ceil(price / scale * MICRO) for price in price_list(costs)], np.int64)


def cumulative(shares: list[float]) -> np.ndarray:
    """Cumulative float32 shares; the last one above 0 takes what rounding leaves."""
    edges = np.cumsum(np.array(shares)).astype(np.float32)
    edges[max(k for k, share in enumerate(shares) if share > 0) :] = 2.0
    return edges


def rules(campaign: BotNetwork) -> np.ndarray:
    """(K, R) float32, cumulative shares of target rules by tactic."""
    mixes = {"comment": campaign.comment_targets, "report": campaign.report_targets}
    table = [
        cumulative([getattr(mixes.get(tactic, campaign.targets), rule).value for rule in RULES]) for tactic in TACTICS
    ]
    table[TACTICS.index("camouflage")] = cumulative([float(rule == "popular") for rule in RULES])
    return np.stack(table)


def plain(edge: np.ndarray, price: np.ndarray, views: float, prevented: float) -> Tactics:
    """Tactics of accounts that act on the beneficiary's own items alone."""
    own = np.full((len(TACTICS), len(RULES)), 2.0, np.float32)
    return Tactics(
        edge, own, np.ones(len(TACTICS), np.bool_), price, np.float32(views), np.float32(prevented), np.float32(0.0),
        np.float32(0.0),
    )  # fmt: skip


def find_targets(plan: Plan, state: State, network: Network, step: int, start: int, end: int, placebo: bool) -> Targets:
    """Live items that the network can act on in this step, with cumulative integer weights.

    Own items (about the beneficiary and not critical, or posted by the campaign) are drawn evenly, others in proportion to recent views. A placebo draws every target in proportion to
    the item's current human engagement over all content; accounts that sleep have nothing to do with it and do what they do anyway.
    """
    labels, counters = state.items.labels, state.counters
    first = max(start, int(state.born[max(0, step - network.max_age)]))
    candidate = labels.candidate[first:end]
    present = labels.present[first:end] & ((state.status[first:end] & REMOVED) == 0)
    heat = counters.decayed[0, first:end].astype(np.int64)
    even = np.ones_like(heat)
    warm = present & (heat > 0)
    popular = (candidate < 0) & warm
    if placebo:
        human = counters.human[first:end, 1].astype(np.int64) * present
        everything = _weighted(np.flatnonzero(human > 0), human, first)
        asleep = _weighted(np.flatnonzero(popular), heat, first)
        parts_of_placebo = [*[everything] * len(RULES), _searched(plan, -1), asleep]
        return _together(parts_of_placebo)._replace(asleep=np.int64(len(parts_of_placebo) - 1))
    promotes = (candidate == network.beneficiary) & (labels.stance[first:end] >= 0)
    campaign = [c.id for c in plan.campaigns].index(network.campaign)
    mine = (promotes | (labels.campaign[first:end] == campaign)) & present
    wanted = wanted_rules(network)
    parts = {
        "own": (mine, even),
        "rivals": ((candidate >= 0) & (candidate != network.beneficiary) & warm, heat),
        "popular": (popular, heat),
    }
    if "random" in wanted:
        parts["random"] = (present, even)
    if "segment" in wanted:
        parts["segment"] = ((state.items.primary[first:end] == network.segment_topic) & warm, heat)
    if "trial" in wanted:
        # Each hour of age halves the weight, down to a floor that keeps the sum far below 2^31.
        hours = 24 // plan.steps_per_day
        age = np.minimum((step - state.items.created[first:end].astype(np.int64)) * hours, 16)
        parts["trial"] = (mine & (counters.stage[first:end] == 0), np.int64(1) << (16 - age))
    nothing = np.empty(0, np.int32), np.empty(0, np.int64)
    found = [_weighted(np.flatnonzero(parts[r][0]), parts[r][1], first) if r in parts else nothing for r in RULES]
    return _together([*found, _searched(plan, network.beneficiary) if "search" in wanted else nothing])


def wanted_rules(network: Network) -> set[str]:
    """Rules that some tactic of the network may use, and "search" if it searches."""
    share = np.diff(np.minimum(network.tactics.edge, 1), prepend=np.float32(0)) > 0
    where = np.diff(np.minimum(network.tactics.where, 1), prepend=np.float32(0), axis=1) > 0
    found = {rule for number, rule in enumerate(RULES) if where[share, number].any()}
    return found | ({"search"} if share[TACTICS.index("search")] else set())


def searches(plan: Plan) -> bool:
    """Whether any campaign searches, so that picks after searches are kept."""
    return any(c.type == "bot_network" and c.tactics.search.value > 0 for c in plan.campaigns)


def _searched(plan: Plan, beneficiary: int) -> tuple[np.ndarray, np.ndarray]:
    """Candidates whom searches name, by standing as people's searches do, without the beneficiary."""
    share = np.diff(plan.standing, prepend=np.float32(0))
    weight = (share * np.float32(1 << 20)).astype(np.int64) + 1
    others = np.flatnonzero(np.arange(len(weight)) != beneficiary)
    return _weighted(others, weight, 0)


def _together(parts: list[tuple[np.ndarray, np.ndarray]]) -> Targets:
    sizes = [0, *(len(item) for item, _ in parts)]
    return Targets(
        np.concatenate([item for item, _ in parts]), np.concatenate([edge for _, edge in parts]),
        np.cumsum(np.array(sizes, np.int64)),
    )  # fmt: skip


def _weighted(places: np.ndarray, weight: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    return (places + first).astype(np.int32), np.cumsum(weight[places]).astype(np.int64)
