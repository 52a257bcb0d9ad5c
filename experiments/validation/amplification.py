"""A ranked feed raises politicians' reach over a chronological one (Huszar et al. 2022)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.validation.charts import dots
from experiments.validation.exposures import watch, world_of
from experiments.validation.study import Finding, Size, Study, base, ratio_pct, wide
from recsim.scenario.schema import Scenario
from recsim.state import OFFICIAL

SOURCE = "Huszar et al. 2022, PNAS (abstract, and figures as quoted in secondary pages)"
RANKED = {
    "followed, ranked": "experiments.validation.feeds:ranked_following",
    "x_2023_04": "x_2023_04",
    "tiktok_value": "tiktok_value",
}
PUBLISHED = (43.0, 176.0)
TEXT = """
Amplification is reach in the ranked feed over reach in the chronological feed of followed accounts, less one; reach is the number of
people shown at least one post of a candidate's official account on a day. The original compared users of one platform, of whom 1 % had been
kept on the chronological feed by chance; here all people of a world have the one feed or the other, and both worlds share
people, posts, follows and luck. Its feed of the time ranked mainly followed accounts, so the first row is the nearest; the formula is the one
that was published in 2023. Fixed beforehand: the interval excludes zero and the mean lies between 10 and 250 %.
"""


def cells(size: Size) -> dict[str, Scenario]:
    """The chronological feed and the ranked ones."""
    chosen = {"chronological": "chrono_following", **RANKED}
    return {name: base(size, policy) for name, policy in chosen.items()}


def measure(scenario: Scenario, replicate: int) -> dict[str, float]:
    """People reached a day and views of official accounts' posts, by candidate, from the sixth day on."""
    world = world_of(scenario, replicate)
    plan = world.plan
    seen = watch(world, plan.steps).since(5 * plan.steps_per_day)
    labels = world.state.items.labels
    official = labels.kind[seen.item] == OFFICIAL
    candidate, day = labels.candidate[seen.item], seen.step // plan.steps_per_day
    out = {}
    for number, one in enumerate(plan.candidates):
        mine = official & (candidate == number)
        out[f"reach.{one.id}"] = len(np.unique(day[mine] * plan.people + seen.person[mine])) / (plan.days - 5)
        out[f"views.{one.id}"] = float(mine.sum())
    out["reach"] = sum(v for k, v in out.items() if k.startswith("reach."))
    out["views"] = sum(v for k, v in out.items() if k.startswith("views."))
    return out | {"impressions": float(len(seen.step))}


def judge(table: pd.DataFrame) -> list[Finding]:
    """One finding per ranked feed."""
    found = []
    for name in RANKED:
        mean, low, high = ratio_pct(wide(table, name, "reach"), wide(table, "chronological", "reach"))
        each = {c: ratio_pct(wide(table, name, c), wide(table, "chronological", c))[0] for c in _candidates(table)}
        views = ratio_pct(wide(table, name, "views"), wide(table, "chronological", "views"))[0]
        agrees = low > 0 and 10 <= mean <= 250
        note = "by candidate " + ", ".join(f"{c.removeprefix('reach.')} {v:+.0f} %" for c, v in each.items())
        note += f"; views instead of reach {views:+.0f} %"
        if not agrees:
            note += "; " + why_not(name, mean, low)
        found.append(
            Finding(
                f"reach of candidates, {name} over chronological, %", "+43 to +176 % by party group (4 groups, 2 countries)", SOURCE,
                mean, low, high, "interval above 0, mean 10 to 250", agrees, note,
            )
        )  # fmt: skip
    return found


def why_not(name: str, mean: float, low: float) -> str:
    """The reason for a deviation, as far as it was found."""
    if mean > 250:
        return "a feed beyond followed accounts shows a post to people who never followed; followers are 1.5 to 10 % of people here"
    if low <= 0:
        return "ranking the same items by predicted actions favours no official account: in this model their posts are drawn like other posts about candidates"
    return "smaller than published"


def _candidates(table: pd.DataFrame) -> list[str]:
    return [c for c in table.columns if c.startswith("reach.")]


def chart(table: pd.DataFrame) -> Figure:
    """Amplification by candidate and feed."""
    series = {
        name: [
            (c.removeprefix("reach."), *ratio_pct(wide(table, name, c), wide(table, "chronological", c)))
            for c in [*_candidates(table), "reach"]
        ]
        for name in RANKED
    }
    series = {n: [("all" if p[0] == "reach" else p[0], *p[1:]) for p in points] for n, points in series.items()}
    return dots(
        series,
        "people reached a day, ranked over chronological, % (95 % interval)",
        "Reach of official accounts",
        PUBLISHED,
    )


STUDY = Study("amplification", "Ranking raises politicians' reach", TEXT, cells, measure, judge, chart)
