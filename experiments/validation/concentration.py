"""Few people take most of the exposures to inauthentic posts (Eady et al. 2023)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.validation.charts import dots
from experiments.validation.exposures import watch, world_of
from experiments.validation.study import Finding, Size, Study, base, wide, with_campaign
from recsim.metrics import interval, top_share
from recsim.scenario.schema import Scenario
from recsim.state import BOT
from recsim.world.arms import FACTUAL

SOURCE = "Eady et al. 2023, Nature Communications"
FEEDS = ("chrono_following", "x_2023_04", "tiktok_value")
CAMPAIGN = {
    "id": "posters", "type": "bot_network", "beneficiary": "eva", "start": -13, "counterfactual": "absent",
    "accounts": {"value": 30, "evidence": "assumption"}, "actions_per_day": {"value": 0, "evidence": "assumption"},
    "tactics": {"like": 1, "comment": 0, "share": 0, "follow": 0},
    "posts_per_day": {"value": 1, "evidence": "assumption"},
    "followers_per_account": {"value": 10_000, "evidence": "assumption"},
}  # fmt: skip
TEXT = """
Of all exposures to posts of a foreign state's accounts on one platform in 2016, 1 % of its users took 70 %. Here a network of thirty accounts posts
once a day; each is followed by ten in a thousand people on average (log-normal). Every exposure of every person is counted, and the share of
the most exposed 1 % taken; beside it that of all exposures to candidates' content and of all exposures whatever. Fixed beforehand: 50 to 90 %.
"""


def cells(size: Size) -> dict[str, Scenario]:
    """The same network under three feeds; in a short run it starts later."""
    scenarios = {name: base(size, name) for name in FEEDS}
    return {
        name: with_campaign(one, {**CAMPAIGN, "start": max(CAMPAIGN["start"], 3 - one.days.count)})
        for name, one in scenarios.items()
    }


def measure(scenario: Scenario, replicate: int) -> dict[str, float]:
    """Shares of the most exposed 1 % of people in exposures to bots' posts, candidates' content and everything."""
    world = world_of(scenario, replicate, FACTUAL)
    plan = world.plan
    seen = watch(world, plan.steps).since(plan.step_of(plan.first_day))
    labels = world.state.items.labels
    bots = np.bincount(seen.person[labels.kind[seen.item] == BOT], minlength=plan.people)
    about = np.bincount(seen.person[labels.candidate[seen.item] >= 0], minlength=plan.people)
    return {
        "inauthentic": top_share(bots, 0.01), "candidates": top_share(about, 0.01),
        "all": top_share(np.bincount(seen.person, minlength=plan.people), 0.01),
        "touched": float((bots > 0).mean()), "exposures": float(bots.sum()), "impressions": float(len(seen.step)),
    }  # fmt: skip


def judge(table: pd.DataFrame) -> list[Finding]:
    """The share of the top 1 %, under each feed."""
    found = []
    for name in FEEDS:
        t = interval(100 * wide(table, name, "inauthentic"))
        touched, everything = (100 * wide(table, name, k).mean() for k in ("touched", "all"))
        note = (
            f"{touched:.0f} % of people met one; the top 1 % take {100 * wide(table, name, 'candidates').mean():.1f} % of candidates' "
            f"content and {everything:.1f} % of everything"
        )
        agrees = 50 <= t.mean <= 90
        if not agrees:
            note += (
                "; why: people here follow independently of each other and of how much they read, and readers differ by a log-normal factor of "
                "sigma 0.6 only; nobody seeks such accounts out"
            )
        found.append(
            Finding(
                f"share of exposures to inauthentic posts taken by 1 % of people, {name}, %", "70 %", SOURCE, t.mean, t.low, t.high,
                "50 to 90", agrees, note,
            )
        )  # fmt: skip
    return found


def chart(table: pd.DataFrame) -> Figure:
    """The share of the top 1 % by kind of exposure and feed."""
    kinds = {"inauthentic": "inauthentic posts", "candidates": "candidates' content", "all": "everything"}
    series = {}
    for name in FEEDS:
        rows = [(label, interval(100 * wide(table, name, key))) for key, label in kinds.items()]
        series[name] = [(label, t.mean, t.low, t.high) for label, t in rows]
    return dots(series, "share of exposures taken by the most exposed 1 % of people, %", "Concentration", (69, 71))


STUDY = Study("concentration", "Few people take most exposures", TEXT, cells, measure, judge, chart)
