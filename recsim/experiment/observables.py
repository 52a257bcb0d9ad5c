"""What can be observed of a platform from outside, measured on simulated worlds in the same units.

These figures are held beside documented ones (`recsim check`) and are what a calibration may be fitted to. Votes are not
among them: with one election, appeal and amplification cannot be told apart in a vote share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recsim.experiment.summary import removed_campaigns, window_start
from recsim.scenario.schema import Scenario

ARMS = ("shared", "factual", "counterfactual")


def platform_facts(facts: pd.DataFrame) -> dict[str, float]:
    """Facts of the campaign-free world, mean over replicates and branches; shared days where there is no other."""
    arm = facts["arm"].astype(str)
    free = facts[arm == "counterfactual"] if (arm == "counterfactual").any() else facts[arm == "shared"]
    out = {str(k): float(v) for k, v in free.groupby("name")["value"].mean().items()}
    shared = facts[arm == "shared"].groupby("name")["value"].mean()
    for name in ("candidate_feed_share", "empty_share"):
        out[name] = float(shared.get(name, out.get(name, float("nan"))))
    return out


def documented_facts(scenario: Scenario, frames: dict[str, pd.DataFrame], replicates: int) -> dict[str, float]:
    """The targets T1 to T4 of the first beneficiary, real units, mean over replicates and branches."""
    removed = removed_campaigns(scenario)
    if not removed:
        return {}
    who, scale = removed[0].beneficiary, scenario.population.scale
    exposure = frames["exposure"]
    first = window_start(scenario)
    runs = {"shared": replicates, "factual": replicates * scenario.run.luck_branches}
    runs["counterfactual"] = runs["factual"]
    sums = exposure.groupby(["arm", "day", "candidate"], observed=True)["impressions"].sum().reset_index()

    def views(name: str, low: int, high: int, candidate: str) -> float:
        """Million views of days that an arm has, with those before it began, which all arms share."""
        inside = (sums["day"] >= low) & (sums["day"] <= high) & (sums["candidate"] == candidate)
        arms = dict.fromkeys(("shared", name))
        each = [float(sums.loc[inside & (sums["arm"] == arm), "impressions"].sum()) / runs[arm] for arm in arms]
        return sum(each) / scale / 1e6

    before = min(7, first - 1 + scenario.days.count)
    out = {
        "beneficiary_views_before_M_per_day": views("shared", first - 7, first - 1, who) / max(before, 1),
        "beneficiary_views_late_M_per_day": views("factual", -6, -2, who) / 5,
        "excess_views_last5_M": views("factual", -6, -2, who) - views("counterfactual", -6, -2, who),
    }
    others = [views("factual", first, 0, c.id) for c in scenario.candidates if c.id != who]
    second = max(others, default=0.0)
    out["view_ratio_beneficiary_to_second"] = views("factual", first, 0, who) / second if second else float("nan")
    followers = frames["followers"]
    mine = followers[(followers["candidate"].astype(str) == who) & (followers["arm"].astype(str) != "counterfactual")]
    start = mine[mine["day"] == max(-14, int(mine["day"].min()))]["followers"].mean()
    end = mine[(mine["day"] == 0) & (mine["arm"].astype(str) == "factual")]["followers"].mean()
    out["follower_growth_factor_14d"] = float(end / start) if start else float("nan")
    facts = frames["facts"]
    paid = facts[(facts["name"] == "influencer_views") & (facts["arm"].astype(str) == "factual")]["value"]
    out["influencer_views_M"] = float(paid.mean()) / scale / 1e6 if len(paid) else float("nan")
    return {k: v for k, v in out.items() if np.isfinite(v)}


DOCUMENTED = {
    "beneficiary_views_before_M_per_day": "million views of items about the beneficiary a day, in the week before the campaigns",
    "beneficiary_views_late_M_per_day": "million views of items about the beneficiary a day, days -6 to -2",
    "excess_views_last5_M": "million views of these more than without the campaigns, days -6 to -2",
    "view_ratio_beneficiary_to_second": "views of the beneficiary over those of the candidate with the most other views, in the window",
    "follower_growth_factor_14d": "followers of the beneficiary's accounts on day 0 over those on day -14",
    "influencer_views_M": "million views of paid posts",
}
"""Figures about the beneficiary, with their units."""
PLATFORM = (
    "like_rate",
    "comment_rate",
    "share_rate",
    "follow_rate",
    "hide_rate",
    "report_rate",
    "watched_share",
    "empty_share",
    "videos_per_visit",
    "videos_per_day",
    "visits_per_day",
    "activity_top10_share",
    "candidate_exposure_top1_share",
    "candidate_feed_share",
    "gini_views",
    "top1_share",
    "largest_reach",
    "median_views",
    "mean_views",
    "watch_s_per_view",
    "watch_s_per_person_day",
    "effective_topics",
    "effective_topics_visit",
    "small_creator_share",
    "emotional_share",
)
"""Figures of the whole platform, of the world without the campaigns, as in `recsim.world.facts`."""


def figures_of(scenario: Scenario, outcome: Any) -> dict[str, pd.DataFrame]:
    """One row with every observable of one replicate, NaN where the world has none.

    Args:
        scenario: with ranged numbers drawn. outcome: of `recsim.world.pair.simulate_replicate`.
    """
    facts = platform_facts(outcome.frames["facts"]) | documented_facts(scenario, outcome.frames, 1)
    return {"figures": pd.DataFrame([{name: facts.get(name, np.nan) for name in (*DOCUMENTED, *PLATFORM)}])}
