"""Accounts that follow recommendations blindly overstate exposure (Ribeiro et al. 2023)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.validation.charts import dots
from experiments.validation.exposures import watch, world_of
from experiments.validation.study import Finding, Size, Study, base, difference, wide
from recsim.agents.people import POLITICS_TOPIC
from recsim.metrics import interval
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL
from recsim.world.world import World

SOURCE = "Ribeiro, Veselovsky, West 2023 (abstract)"
FEEDS = ("tiktok_value", "x_2023_04")
TARGETS = {"politics": POLITICS_TOPIC, "another": 5}
PUPPETS = 3
"""Accounts per target, those of the people who like the topic best. More of them would move the platform themselves: ten in
a thousand, liking everything, add ten points to the topic's share in the feeds of all others."""
STRONG = np.float32(6.0)
"""Taste of a script: 97 in 100 items are watched and most of them liked, or 95 in 100 are skipped."""
BEHAVIOURS = ("informed", "blind", "seeking")
TEXT = """
Audits with scripted accounts find that recommendations lead into a niche; people are found there far less. The paper's simulation shows why: accounts that take
whatever is recommended are led there, those that choose by utility are not. Here three accounts (more would move the platform themselves) of people who like a topic best are continued from the
middle of a run three times, with the same history, follows and luck. *Informed*: as the people they are. *Blind*: nearly everything shown is watched and
most of it liked. *Seeking*: whatever is about the topic is watched and liked, nearly everything else skipped, as in audits whose script has a target. Measured: the topic's share of what
these accounts are shown in the last five days. Scripts are very strong tastes (6 standard deviations), so chance hardly matters; nobody else's draws change. Fixed
beforehand: the interval of the difference to *informed* lies above zero. Not reproduced: Bouchaud and Ramaciotti 2024 (*Auditing the audits*, Applied Network Science; abstract), the closest relative of
this project, try parameters of such accounts on a simulated platform that ranks for engagement, and find that what an audit says depends on how many accounts they follow and how long
their sessions are; accounts here keep the follows and visits of the people whom they continue.
"""


def cells(size: Size) -> dict[str, Scenario]:
    """Two ranked feeds."""
    return {name: base(size, name) for name in FEEDS}


def scripted(world: World, who: np.ndarray, topic: int, behaviour: str) -> World:
    """The world's continuation in which some accounts follow a script.

    Args:
        world: left alone. who: (K,) numbers of the accounts. topic: the target. behaviour: one of `BEHAVIOURS`.
    """
    other = world.fork(COUNTERFACTUAL, world.key, keep=True)
    if behaviour != "informed":
        latent = other.state.latent
        taste, politics = latent.taste.copy(), latent.politics.copy()
        taste[who] = STRONG if behaviour == "blind" else -STRONG
        taste[who, topic] = STRONG
        politics[who] = 0  # a script has no candidate
        other.state.latent = latent._replace(taste=taste, politics=politics)
    return other


def measure(scenario: Scenario, replicate: int) -> dict[str, float]:
    """Share of the target topic in what the accounts are shown in the last five days, by target and behaviour."""
    world = world_of(scenario, replicate)
    plan = world.plan
    half = plan.steps // (2 * plan.steps_per_day) * plan.steps_per_day
    world.run_until(half)
    out = {"impressions": float(world.record.feed[3])}
    for name, topic in TARGETS.items():
        who = np.sort(np.argsort(-world.state.latent.taste[:, topic], kind="stable")[:PUPPETS])
        for behaviour in BEHAVIOURS:
            other = scripted(world, who, topic, behaviour)
            seen = watch(other, plan.steps).since((plan.days - 5) * plan.steps_per_day)
            mine = np.isin(seen.person, who)
            about = other.state.items.primary[seen.item] == topic
            out[f"{name}.{behaviour}"] = float(about[mine].mean())
            out[f"{name}.{behaviour}.others"] = float(about[~mine].mean())
            other.close()
    return out


def judge(table: pd.DataFrame) -> list[Finding]:
    """Difference to people of the same taste, by feed, target and script."""
    found = []
    for feed in FEEDS:
        for target in TARGETS:
            own = 100 * wide(table, feed, f"{target}.informed")
            others = 100 * wide(table, feed, f"{target}.informed.others")
            for script in BEHAVIOURS[1:]:
                t = difference(100 * wide(table, feed, f"{target}.{script}"), own)
                agrees = t[1] > 0
                moved = difference(100 * wide(table, feed, f"{target}.{script}.others"), others)
                note = (
                    f"informed {own.mean():.1f} %, {script} {own.mean() + t[0]:.1f} %, other people {others.mean():.1f} %; what these accounts like "
                    f"moves other people's share by {moved[0]:+.1f} points ({moved[1]:+.1f} to {moved[2]:+.1f})"
                )
                if not agrees:
                    note += "; " + why_not(script)
                found.append(
                    Finding(
                        f"share of the topic '{target}' shown to {script} accounts less informed ones, {feed}, points", "overstated", SOURCE, *t,
                        "interval above 0", agrees, note,
                    )
                )  # fmt: skip
    return found


def why_not(script: str) -> str:
    """The reason for a deviation, as far as it was found."""
    if script == "blind":
        return (
            "why: the platform learns interest from what is watched and liked; who likes everything is taken for somebody of broad taste and "
            "is shown less of the niche than people who choose it"
        )
    return (
        "why: not established; an account that skips nearly everything leaves sooner and follows fewer authors than one that likes everything, and this "
        "feed prefers followed authors"
    )


def chart(table: pd.DataFrame) -> Figure:
    """Share of the topic shown, by behaviour."""
    series = {}
    for behaviour in BEHAVIOURS:
        rows = [
            (f"{target}, {feed}", interval(100 * wide(table, feed, f"{target}.{behaviour}")))
            for feed in FEEDS
            for target in TARGETS
        ]
        series[behaviour] = [(label, t.mean, t.low, t.high) for label, t in rows]
    return dots(
        series,
        "share of the target topic in what the accounts are shown, % (95 % interval)",
        "Scripted accounts",
        zero=False,
    )


STUDY = Study("puppets", "Blind puppets", TEXT, cells, measure, judge, chart)
