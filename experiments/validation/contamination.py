"""Bots that nobody follows move exposure through what a ranker learns from them (Pescetelli et al. 2022)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.validation.charts import dots
from experiments.validation.study import Finding, Size, Study, base, wide, with_campaign
from recsim.metrics import interval
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm
from recsim.world.pair import simulate_arms

SOURCE = "Pescetelli, Barkoczi, Cebrian 2022, Applied Network Science (abstract)"
LEARNING = ("linucb", "itemknn", "tiktok_value")
CHRONOLOGICAL = ("chrono", "chrono_following")
TARGET = "eva"
CAMPAIGN = {
    "id": "bots", "type": "bot_network", "beneficiary": TARGET, "start": -9, "counterfactual": "absent",
    "accounts": {"value": 10_000, "evidence": "assumption"}, "actions_per_day": {"value": 2, "evidence": "assumption"},
    "tactics": {"like": 1, "comment": 0, "share": 0, "follow": 0},
}  # fmt: skip
ARMS = {"all": FACTUAL, "learning": Arm("learning", doors=frozenset({"learning"})), "none": COUNTERFACTUAL}
TEXT = """
There, one bot among a hundred accounts, linked to nobody, shifted opinions only by contaminating the data that a recommender learns from. Here one account in
a hundred likes posts about one candidate, about as often as people like anything, for ten days; nobody follows it and it posts nothing. The same worlds
are run without it. Nobody is shown counts of likes (`response.social_proof` 0) and nobody
searches (results of a search are ordered by likes under every feed), so a feed that reads no count must be the same to the last impression. For
learning feeds the bots' likes are also hidden from everything but what the ranker is trained on (door `learning`; with the value feed, whose rates are
counters, this leaves the mean rates of the platform only). Fixed beforehand: chronological feeds: not one impression differs; learning feeds: the interval of the shift lies
above zero.
"""


def cells(size: Size) -> dict[str, Scenario]:
    """The same bots under learning and chronological feeds."""
    quiet = ["response.social_proof=0", "activity.search_share=0", "activity.external_share=0"]
    return {name: with_campaign(base(size, name, quiet), CAMPAIGN) for name in (*LEARNING, *CHRONOLOGICAL)}


def measure(scenario: Scenario, replicate: int) -> dict[str, float]:
    """Shifts of the target's exposure share in points, and impressions that differ between worlds with and without bots."""
    exposure = simulate_arms(scenario, replicate, list(ARMS.values())).frames["exposure"]
    keys = ["day", "region", "candidate", "stance"]
    tables = {
        name: exposure[exposure["arm"] == arm.name].groupby(keys, observed=True)["impressions"].sum()
        for name, arm in ARMS.items()
    }
    share = {name: float(t.xs(TARGET, level="candidate").sum() / t.sum()) for name, t in tables.items()}
    out = {f"shift.{name}": 100 * (share[name] - share["none"]) for name in ("all", "learning")}
    for name in ("all", "learning"):
        out[f"differ.{name}"] = float(tables[name].sub(tables["none"], fill_value=0).abs().sum())
    return {**out, "share": share["none"], "impressions": float(tables["none"].sum())}


def judge(table: pd.DataFrame) -> list[Finding]:
    """Shifts under learning feeds, differing impressions under chronological ones."""
    found = []
    for name in LEARNING:
        for door in ("all", "learning"):
            t = interval(wide(table, name, f"shift.{door}"))
            note = f"{100 * wide(table, name, 'share').mean():.1f} % without bots"
            agrees: bool | None = t.low > 0
            if door == "learning" and name == "tiktok_value":
                agrees, note = None, note + "; the feed has no trained part under the predictor `rates`: a control"
            elif not agrees:
                note += f"; shift has this sign in {int((wide(table, name, f'shift.{door}') > 0).sum())} of {t.n} worlds; {why_not(name)}"
            doors = "every door" if door == "all" else "door learning alone"
            found.append(
                Finding(
                    f"shift of the target's exposure share, {name}, {doors}, points", "moved", SOURCE, t.mean, t.low, t.high,
                    "interval above 0" if agrees is not None else "", agrees, note,
                )
            )  # fmt: skip
    for name in CHRONOLOGICAL:
        differ = wide(table, name, "differ.all")
        t = interval(differ)
        found.append(
            Finding(
                f"impressions that differ with and without bots, {name}, count", "not moved", SOURCE, t.mean, t.low, t.high,
                "exactly 0", bool((differ == 0).all()), f"of {wide(table, name, 'impressions').mean():,.0f} about candidates in a world",
            )
        )  # fmt: skip
    return found


def why_not(name: str) -> str:
    """The reason for a deviation, as far as it was found."""
    if name == "itemknn":
        return (
            "why: neighbours come from accounts that liked two items; bots that like one candidate's posts alone only bind these to each other, "
            "and reach those who liked one already"
        )
    return "why: at this dose the shift is not told from luck, since worlds that differ in one impression drift apart"


def chart(table: pd.DataFrame) -> Figure:
    """Shifts by feed and door."""
    series = {}
    for door, label in (("all", "every door open"), ("learning", "door learning alone")):
        rows = [(name, interval(wide(table, name, f"shift.{door}"))) for name in (*LEARNING, *CHRONOLOGICAL)]
        series[label] = [(name, t.mean, t.low, t.high) for name, t in rows]
    return dots(
        series, "shift of the target's exposure share, percentage points (95 % interval)", "Bots that nobody follows"
    )


STUDY = Study("contamination", "Bots without followers", TEXT, cells, measure, judge, chart)
