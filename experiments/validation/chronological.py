"""A chronological feed is no baseline with little politics (Guess et al. 2023)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.validation.charts import dots
from experiments.validation.exposures import watch, world_of
from experiments.validation.study import Finding, Size, Study, base, difference, ratio_pct, wide
from recsim.agents.people import POLITICS_TOPIC
from recsim.scenario.schema import Scenario
from recsim.state import SECOND

SOURCE = "Guess et al. 2023, Science (abstract)"
RANKED = ("msi_2020", "tiktok_value")
DEMOTING = "meta_political_2024"
FIGURES = {"watch": "watch time", "politics": "political share", "candidates": "candidates' share"}
TEXT = """
People of one platform were moved from its ranked feed to a chronological one: they spent much less time, and saw *more* political content.
Compared here: the chronological feed of followed accounts with the published points of that platform's ranking (`msi_2020`) and with the value
feed, in the same worlds; a later rule of that platform, which recommends items about candidates by followed accounts only (`meta_political_2024`), shows what
demotion does. Political is what has public affairs as its main topic; the share about candidates stands beside it. Fixed
beforehand: direction only, the interval excludes zero.
"""


def cells(size: Size) -> dict[str, Scenario]:
    """The chronological feed of followed accounts and two ranked ones."""
    return {name: base(size, name) for name in ("chrono_following", *RANKED, DEMOTING)}


def measure(scenario: Scenario, replicate: int) -> dict[str, float]:
    """Seconds watched per person and day, and shares of impressions, from the sixth day on."""
    world = world_of(scenario, replicate)
    plan, first = world.plan, 5 * world.plan.steps_per_day
    watch(world, first)
    before = int(world.record.watched[0])
    seen = watch(world, plan.steps)
    items = world.state.items
    seconds = (int(world.record.watched[0]) - before) / SECOND
    return {
        "watch": seconds / plan.people / (plan.days - 5),
        "politics": float((items.primary[seen.item] == POLITICS_TOPIC).mean()),
        "candidates": float((items.labels.candidate[seen.item] >= 0).mean()),
        "supply": float((items.primary[items.created >= first] == POLITICS_TOPIC).mean()),
        "impressions": float(len(seen.step)),
    }


def judge(table: pd.DataFrame) -> list[Finding]:
    """Time and politics, against each ranked feed."""
    found = []
    for name in RANKED:
        time = ratio_pct(wide(table, "chrono_following", "watch"), wide(table, name, "watch"))
        found.append(
            Finding(
                f"watch time, chronological over {name}, %",
                "down sharply",
                SOURCE,
                *time,
                "interval below 0",
                time[2] < 0,
            )
        )
        chrono, ranked = wide(table, "chrono_following", "politics"), wide(table, name, "politics")
        share = difference(chrono, ranked, 100)
        about = difference(wide(table, "chrono_following", "candidates"), wide(table, name, "candidates"), 100)
        supply = 100 * wide(table, name, "supply").mean()
        note = (
            f"political share {100 * chrono.mean():.1f} % chronological, {100 * ranked.mean():.1f} % ranked, {supply:.1f} % of the "
            f"supply; about candidates {about[0]:+.1f} points ({about[1]:+.1f} to {about[2]:+.1f})"
        )
        agrees = share[1] > 0
        if not agrees:
            note += (
                "; why: three people in ten have a marked interest in politics here and this ranking gives it to them; nothing in its formula holds "
                "politics back, and what a rule that does comes to is in the last row"
            )
        found.append(
            Finding(
                f"political share of the feed, chronological less {name}, points", "political content up", SOURCE, *share,
                "interval above 0", agrees, note,
            )
        )  # fmt: skip
    about = difference(wide(table, "chrono_following", "candidates"), wide(table, DEMOTING, "candidates"), 100)
    found.append(
        Finding(
            f"candidates' share of the feed, chronological less {DEMOTING}, points", "", "ours", *about, "", None,
            "a test of the reason: is a ranking that holds politics back below the chronological feed?",
        )
    )  # fmt: skip
    return found


def chart(table: pd.DataFrame) -> Figure:
    """Relative change of the three figures on the way to the chronological feed."""
    series = {
        f"from {name}": [
            (label, *ratio_pct(wide(table, "chrono_following", key), wide(table, name, key)))
            for key, label in FIGURES.items()
        ]
        for name in RANKED
    }
    return dots(
        series, "change with the chronological feed, % (95 % interval)", "From a ranked to a chronological feed"
    )


STUDY = Study("chronological", "Chronological is not low in politics", TEXT, cells, measure, judge, chart)
