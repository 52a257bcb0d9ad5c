"""Engagement ranking amplifies emotional and hostile content; stated preferences take it back (Milli et al. 2025)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.validation.charts import dots
from experiments.validation.exposures import watch, world_of
from experiments.validation.feeds import ask
from experiments.validation.study import Finding, Size, Study, base, difference, wide
from recsim.scenario.schema import Scenario

SOURCE = "Milli et al. 2025 (abstract)"
ENGAGEMENT = ("x_2023_04", "tiktok_value")
OTHERS = {
    "stated preference": ("experiments.validation.feeds:stated_preference", "x_2023_04"),
    "bridging": ("bridging", "tiktok_value"),
}
"""Feeds meant to reduce it, by name: the policy, and the engagement ranking that it is held against."""
PUBLISHED = {"emotion": 0.47, "out_group": 0.24}
"""Standard deviations."""
FIGURES = {
    "emotion": "emotion of items",
    "critical": "critical items",
    "out_group": "critical of viewer's\npreferred candidate",
}
TEXT = """
A browser study compared the first ten items of a platform's ranked feed with what a chronological feed would have shown the same people: authors' anger
was higher by 0.47 standard deviations, hostility towards the other side by 0.24; ranking by what people said they wanted to see took it back. Here:
mean emotion of shown items, the share that is critical of a candidate, and the share critical of the viewer's own first preference, less the same under
the chronological feed of followed accounts, in standard deviations (of emotion over all items; of a yes-or-no variable at the chronological
share). `stated_preference` ranks by utility without what works on people unasked: emotion and the likes of others. That people would not ask for
emotion is *our assumption*; about hostility nothing is assumed. Fixed beforehand: engagement ranking: interval above 0 and mean at least 0.05;
stated preferences: below engagement ranking, interval of the difference excluding 0. `bridging` multiplies the value feed by what people of different
leanings agree on (after Community Notes); whether that takes hostility back is asked by the same rule.
"""


def cells(size: Size) -> dict[str, Scenario]:
    """The chronological feed, engagement ranking, and others."""
    feeds = {"chronological": "chrono_following", **{name: name for name in ENGAGEMENT}}
    feeds |= {name: policy for name, (policy, _) in OTHERS.items()}
    return {name: base(size, policy) for name, policy in feeds.items()}


def measure(scenario: Scenario, replicate: int) -> dict[str, float]:
    """Mean emotion in standard deviations, and shares of impressions, from the sixth day on."""
    world = world_of(scenario, replicate)
    ask(world)
    plan = world.plan
    seen = watch(world, plan.steps).since(5 * plan.steps_per_day)
    items, labels = world.state.items, world.state.items.labels
    critical = (labels.candidate[seen.item] >= 0) & (labels.stance[seen.item] < 0)
    own = labels.candidate[seen.item] == world.state.latent.preference[seen.person]
    political = labels.candidate[seen.item] >= 0
    return {
        "emotion": float(items.emotion[seen.item].mean(dtype=np.float64) / items.emotion.std(dtype=np.float64)),
        "critical": float(critical.mean()), "out_group": float((critical & own).mean()),
        "critical_of_political": float(critical[political].mean()), "political": float(political.mean()),
        "impressions": float(len(seen.step)),
    }  # fmt: skip


def effect(table: pd.DataFrame, over: str, under: str, figure: str) -> tuple[float, float, float]:
    """Difference between two feeds in standard deviations, with its interval."""
    scale = 1.0
    if figure != "emotion":
        p = wide(table, "chronological", figure).mean()
        scale = 1 / np.sqrt(p * (1 - p))
    return difference(wide(table, over, figure), wide(table, under, figure), float(scale))


def judge(table: pd.DataFrame) -> list[Finding]:
    """Amplification by engagement ranking, and what is left of it under other feeds."""
    published = {"emotion": "+0.47 SD (authors' anger)", "out_group": "+0.24 SD (hostility to the other side)"}
    found = []
    for name in ENGAGEMENT:
        for figure, said in published.items():
            t = effect(table, name, "chronological", figure)
            agrees = t[1] > 0 and t[0] >= 0.05
            label = FIGURES[figure].replace("\n", " ")
            note = _note(table, name) if figure == "out_group" else ""
            note = "; ".join(filter(None, [note, why_not(figure, t[0])]))
            found.append(
                Finding(
                    f"{label}, {name} less chronological, SD",
                    said,
                    SOURCE,
                    *t,
                    "interval above 0, mean at least 0.05",
                    agrees,
                    note,
                )
            )
    for name, (_, ranking) in OTHERS.items():
        for figure in published:
            t = effect(table, name, ranking, figure)
            left = effect(table, name, "chronological", figure)
            label = FIGURES[figure].replace("\n", " ")
            agrees = t[2] < 0
            note = f"against chronological {left[0]:+.3f} ({left[1]:+.3f} to {left[2]:+.3f})"
            if not agrees and t[1] > 0:
                note += "; why: emotion moves everybody the same way here, so what all leanings agree on is more emotional, not less"
            elif not agrees:
                note += "; there is little to take back: see the rows above"
            found.append(
                Finding(f"{label}, {name} less {ranking}, SD", "less", SOURCE, *t, "interval below 0", agrees, note)
            )
    return found


def _note(table: pd.DataFrame, name: str) -> str:
    ranked, chrono = (100 * wide(table, cell, "critical_of_political").mean() for cell in (name, "chronological"))
    return f"critical share of candidates' content {ranked:.1f} % ranked, {chrono:.1f} % chronological"


def why_not(figure: str, mean: float) -> str:
    """How far from the published size, and the reason as far as it was found."""
    size = f"{PUBLISHED[figure] / mean:.0f} times smaller than published" if mean > 0 else "of the other sign"
    if figure == "emotion":
        return (
            f"{size}: emotion moves utility by 0.2 of its standard deviation here (range 0 to 0.4, an assumption), and rates of actions say it "
            "with noise"
        )
    return (
        f"{size}: what works here is that most people stand far from any one candidate and like what is critical of him or her; anger, hostile "
        "comments and predictions that know a stance are not in the model"
    )


def chart(table: pd.DataFrame) -> Figure:
    """Effects in standard deviations by feed."""
    feeds = [*ENGAGEMENT, *OTHERS]
    series = {
        name: [(label, *effect(table, name, "chronological", key)) for key, label in FIGURES.items()] for name in feeds
    }
    return dots(
        series, "less chronological, standard deviations (95 % interval)", "Emotion and hostility", (0.24, 0.47)
    )


STUDY = Study("emotion", "Engagement ranking and emotion", TEXT, cells, measure, judge, chart)
