"""Random campaign mixes for Hypothesis: any tactics, targets, hours, bursts and budgets, for several candidates at once."""

from __future__ import annotations

from hypothesis import strategies as st

from recsim.scenario.campaigns import (
    Advertising,
    BotNetwork,
    Impersonation,
    PaidInfluencers,
    PurchasedEngagement,
    Volunteers,
)
from recsim.scenario.schema import Scenario
from recsim.scenario.tactics import TACTIC_SHARES, TARGET_SHARES


@st.composite
def shares(draw, names):
    """Shares over some of the names that add up to 1; the others are 0."""
    weights = draw(st.lists(st.integers(0, 4), min_size=len(names), max_size=len(names)).filter(any))
    return {name: weight / sum(weights) for name, weight in zip(names, weights, strict=True)}


@st.composite
def kinds_of_posts(draw, candidates=("ada", "ben", "eva")):
    """One to three kinds of posts: about anybody, of any stance, some of which tell people not to vote."""
    weights = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    return [
        {
            "id": f"kind{number}",
            "about": draw(st.sampled_from(["own", "rivals", *candidates])),
            "stance": draw(st.sampled_from(["critical", "neutral", "supportive"])),
            "demobilising": draw(st.booleans()),
            "share": weight / sum(weights),
        }
        for number, weight in enumerate(weights)
    ]


@st.composite
def bot_networks(draw, number=0, candidates=("ada", "ben", "eva"), **fixed):
    """One bot network; ``fixed`` fields are as given."""
    first = draw(st.integers(0, 20))
    drawn = {
        "accounts": draw(st.integers(1, 3000)),
        "actions_per_day": draw(st.floats(0.5, 20)),
        "aged_share": draw(st.sampled_from([0, 0.3, 1])),
        "dormant_activity": draw(st.sampled_from([0, 0.1])),
        "ramp_days": draw(st.sampled_from([0, 1])),
        "tactics": draw(shares(TACTIC_SHARES)),
        "targets": draw(shares(TARGET_SHARES)),
        "comment_targets": draw(shares(TARGET_SHARES)),
        "report_targets": draw(shares(TARGET_SHARES)),
        "segment_topic": draw(st.integers(0, 7)),
        "camouflage_share": draw(st.sampled_from([0, 0.5, 1])),
        "views_per_action": draw(st.sampled_from([0, 0.5, 1])),
        "hours": (first, draw(st.integers(first + 1, 24))),
        "burst_share": draw(st.sampled_from([0, 0.7, 1])),
        "bursts_per_day": draw(st.integers(1, 4)),
        "budget_eur": draw(st.sampled_from([None, 0, 20, 300])),
        "costs": {
            "account": draw(st.sampled_from([0, 0.1])),
            "like": 0.01,
            "comment": 0.08,
            "report": 0.05,
            "watch": 0.003,
        },
        "dose": draw(st.sampled_from([0.5, 1, 3])),
        "counterfactual": draw(st.sampled_from(["dormant", "absent"])),
        "start": draw(st.integers(-3, 0)),
        "posts_per_day": draw(st.sampled_from([0, 0, 1])),
        "post_variation": draw(st.sampled_from([0, 0.5])),
        "posts": draw(kinds_of_posts(candidates)),
        "regions": draw(st.sampled_from([{}, {"south": 0.9}])),
        "languages": draw(st.sampled_from([{}, {"aa": 0.5}])),
        "followers_per_account": draw(st.sampled_from([0, 100])),
        "replacement_share": draw(st.sampled_from([0, 0, 0.6])),
        "replacement_days": draw(st.sampled_from([0, 1])),
        **fixed,
    }
    return BotNetwork.model_validate({"id": f"bots{number}", "beneficiary": draw(st.sampled_from(candidates)), **drawn})


@st.composite
def mixes(draw, candidates=("ada", "ben", "eva")):
    """One to three bot networks, sometimes with bought engagement and volunteers beside them."""
    out = [draw(bot_networks(number, candidates)) for number in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        fields = {"id": "bought", "beneficiary": draw(st.sampled_from(candidates)), "start": -2, "likes": 3000}
        out.append(PurchasedEngagement.model_validate({**fields, "follows": 2000}))
    if draw(st.booleans()):
        fields = {"id": "paid", "beneficiary": draw(st.sampled_from(candidates)), "start": -1, "influencers": 400}
        fields |= {"payer_candidate": draw(st.sampled_from([None, *candidates])), "hijacked_share": 0.5}
        fields |= {"posts": draw(kinds_of_posts(candidates))}
        out.append(PaidInfluencers.model_validate({**fields, "followers_mean": 5000, "disclosed_share": 0.3}))
    if draw(st.booleans()):
        fields = {"id": "murky", "beneficiary": draw(st.sampled_from(candidates)), "start": -3, "accounts": 200}
        fields |= {"births_per_day": 100, "lifetime_days": draw(st.sampled_from([0.5, 30])), "posts_per_day": 3}
        fields |= {"posts": draw(kinds_of_posts(candidates)), "regions": draw(st.sampled_from([{}, {"north": 1}]))}
        out.append(Impersonation.model_validate({**fields, "followers_mean": 300}))
    if draw(st.booleans()):
        fields = {"id": "ads", "beneficiary": draw(st.sampled_from(candidates)), "start": -2, "advertisements": 30}
        fields |= {
            "regions": draw(st.sampled_from([[], ["north"]])),
            "stance": draw(st.sampled_from(["neutral", "critical"])),
        }
        out.append(
            Advertising.model_validate({**fields, "budget_eur": draw(st.sampled_from([0, 50, 900])), "cpm_eur": 1.2})
        )
    if draw(st.booleans()):
        fields = {"id": "helpers", "beneficiary": draw(st.sampled_from(candidates)), "start": -5, "volunteers": 300}
        out.append(Volunteers.model_validate({**fields, "posts_per_day": 0.1}))
    return out


def with_campaigns(scenario: Scenario, campaigns: list) -> Scenario:
    """The scenario with these campaigns instead of its own."""
    return scenario.model_copy(update={"campaigns": campaigns})
