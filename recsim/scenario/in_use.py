"""Which numbers of a scenario decide nothing, because what they belong to is switched off.

Only what is off for certain is named: a number that is not listed may still matter little.
"""

from __future__ import annotations

from recsim.scenario.campaigns import BotNetwork, PurchasedEngagement
from recsim.scenario.follow import FollowScenario
from recsim.scenario.quantity import Quantity
from recsim.scenario.schema import Scenario


def most(scenario: Scenario, key: str, quantity: Quantity) -> float:
    """Largest value of a quantity in any replicate: in its range, and in the parameter sets of a calibration.

    Args:
        scenario: as resolved. key: dotted key of the quantity in it.
    """
    members = scenario.run.ensemble.members if scenario.run.ensemble else []
    placed = [value for member in members for name, value in member.items() if name in (key, f"{key}.value")]
    if members and len(placed) == len(members):  # in every replicate in place of what was drawn
        return max(placed)
    return max([*quantity.ends, *placed])


def switched_off(scenario: Scenario | FollowScenario) -> tuple[str, ...]:
    """Dotted keys of quantities, or of blocks of them, that no result depends on as the scenario stands."""
    if isinstance(scenario, FollowScenario):
        laws = ("high_risk_share", "high_risk_a", "high_risk_b", "other_a", "other_b")
        return () if scenario.posts.illegal else tuple(f"posts.{name}" for name in laws)
    off = [] if scenario.opinion.enabled else ["opinion"]
    model = scenario.response.model
    off += [] if model == "cascade" else ["response.position_bias", "response.stop"]
    off += [] if model == "fatigue" else ["response.fatigue", "response.memory"]
    table = scenario.audit.robustness
    if scenario.platform.gates.mode == "off" and not (table.enabled and set(table.gates) - {"off"}):
        # The first pool is where new items are tried, with gates or without.
        stages = range(len(scenario.platform.gates.stages))
        off += ["platform.gates.slope", "platform.gates.stages.0.pass_share"]
        off += [f"platform.gates.stages.{number}" for number in stages[1:]]
    if not scenario.audit.stopping.enabled:
        off.append("audit.stopping")
    moderation = scenario.moderation
    off += [] if moderation.reviewers else ["moderation.queue", "moderation.appeals"]
    off += [] if moderation.actions.account == "captcha" else ["moderation.actions.captcha_factor"]
    off += [] if moderation.actions.item == "demote" else ["moderation.actions.demote_factor"]
    for campaign in scenario.campaigns:
        start = f"campaigns.{campaign.id}"
        # A price of zero is one that nobody has declared.
        off += [
            f"{start}.costs.{name}"
            for name in type(campaign.costs).model_fields
            if not most(scenario, f"{start}.costs.{name}", getattr(campaign.costs, name))
        ]
        if isinstance(campaign, PurchasedEngagement):
            off.append(f"{start}.costs.account")  # what is bought is likes and follows, whoever delivers them
        if isinstance(campaign, BotNetwork):
            off += [
                f"{start}.{name}"
                for switch, value, governed in _switches(campaign)
                if not most(scenario, f"{start}.{switch}", value)
                for name in governed
            ]
    return tuple(off)


def _switches(network: BotNetwork) -> tuple[tuple[str, Quantity, tuple[str, ...]], ...]:
    """Numbers of a network that switch something off where they are zero, and what goes with it."""
    return (
        ("tactics.comment", network.tactics.comment, ("comment_targets",)),
        ("tactics.report", network.tactics.report, ("report_targets",)),
        ("posts_per_day", network.posts_per_day, ("posts", "post_variation")),
        ("replacement_share", network.replacement_share, ("replacement_days",)),
        ("aged_share", network.aged_share, ("aged_account_days", "dormant_activity")),
    )
