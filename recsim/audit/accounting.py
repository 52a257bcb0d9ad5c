"""Accounting of a feed at load: does what the platform promises fit what people look at?"""

from __future__ import annotations

from recsim.ranking import registry
from recsim.scenario.schema import Scenario


def accounting(scenario: Scenario) -> list[dict]:
    """Rows of the load-time table: name, value, what is expected, verdict, note; none of pools that the policy does not have."""
    people = scenario.population.people.value * scenario.population.scale
    a, platform, content = scenario.activity, scenario.platform, scenario.content
    each = a.visits_per_day.value * min(a.videos_per_visit.value, platform.retrieval.slate)
    views = people * each
    scale = content.items_represented * scenario.population.scale
    policy = registry.configured(platform.policy, platform.rerank, platform.rerank_top)
    gated = policy.gated and platform.gates.mode != "off"
    rows = []
    if policy.explores:
        stages = platform.gates.stages if gated else platform.gates.stages[:1]
        quota = max(1.0, stages[0].viewers.value * scale)
        budget = platform.exploration_share.value * views / content.items_per_day
        rows.append(
            _row("first-pool quota, views per item", quota, f"<= {budget / 2:.3g} (half of exploration x views / items)", quota <= budget / 2, "else nothing leaves the first pool")
        )  # fmt: skip
        share, capacity = 1.0, 0.0
        for stage in stages:
            capacity += share * max(1.0, stage.viewers.value * scale) * content.items_per_day
            share *= stage.pass_share.value if gated else 1.0
        opened = share * content.items_per_day
        rows.append(
            _row("items opened to all, per day", opened, f">= {2 * each:.3g} (twice a person's videos per day)", not gated or opened >= 2 * each, "else everybody sees everything and the feed runs dry")
        )  # fmt: skip
        reachable = capacity + opened * people
        rows.append(
            _row("capacity of the stages, views per day", reachable, f">= {views:.3g} (views per day)", reachable >= views, "pools plus open items times people")
        )  # fmt: skip
    for c in scenario.campaigns:
        for name, count in _actors(c, scenario):
            rows.append(
                _row(f"{c.id}: {name}", count, "actors stay whole, actions are thinned", None, "fewer than 5 in the whole run: read with care" if count < 5 else "")
            )  # fmt: skip
        if c.type == "advertising":
            doors = 1 - a.search_share.value - a.external_share.value
            places = people * a.visits_per_day.value * (c.end - c.start + 1) * doors
            sold = c.impressions(scenario.dose.value * c.dose.value, scenario.population.scale) / max(places, 1e-9)
            note = "more than there are: part of the money stays unspent" if sold > 1 else ""
            rows.append(_row(f"{c.id}: share of visits with one", sold, "<= 1", None, note))
    shares = content.items_per_day * scenario.candidate_content.share_of_supply.value
    standing = sum(x.standing.value for x in scenario.candidates)
    weight = scenario.candidate_content.standing_weight.value
    for one in scenario.candidates:
        mine = shares * (weight * one.standing.value / standing + (1 - weight) / len(scenario.candidates))
        if mine * 2 < 5:
            rows.append(
                _row(
                    f"{one.id}: items of the last two days",
                    2 * mine,
                    "targets of a network",
                    None,
                    "fewer than 5: a network for this candidate may lack targets; it then keeps its budget",
                )
            )
    return rows


def _actors(c, scenario: Scenario) -> list[tuple[str, float]]:
    """Expected simulated actions and posts of a campaign at its dose."""
    scale, represented = scenario.population.scale, scenario.content.items_represented
    days, dose = c.end - c.start + 1, scenario.dose.value * c.dose.value
    if c.type == "bot_network":
        return [("simulated actions", c.affordable(dose) * c.actions_per_day.value * days * scale)]
    if c.type == "purchased_engagement":
        return [
            ("simulated likes", c.likes.value * dose * scale),
            ("simulated follows", c.follows.value * dose * scale),
        ]
    if c.type == "paid_influencers":
        return [("simulated posts", c.influencers.value * dose * c.posts_per_influencer.value / represented)]
    if c.type == "impersonation":
        return [("simulated posts", c.made * dose * c.posts_per_day.value * days / represented)]
    if c.type == "advertising":
        return [("simulated impressions", float(c.impressions(dose, scale)))]
    volunteers = c.volunteers.value * c.dose.value  # authentic: the dose of inauthentic campaigns is not theirs
    return [
        ("simulated posts", volunteers * c.posts_per_day.value * days / represented),
        ("simulated likes", volunteers * c.likes_per_day.value * days * scale),
    ]


def _row(name: str, value: float, expected: str, ok: bool | None, note: str) -> dict:
    verdict = "" if ok is None else ("pass" if ok else "FAIL")
    return {
        "section": "accounting",
        "name": name,
        "value": value,
        "expected": expected,
        "verdict": verdict,
        "note": "" if ok else note,
    }
