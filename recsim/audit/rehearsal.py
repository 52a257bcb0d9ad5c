"""Audits from outside, rehearsed: what donated logs of a simulated world would have said, beside what is true in it.

In a world both arms are known, with the campaigns and without, and what everybody was shown. An audit knows what some donors were
shown, with the campaigns or, in a world where nobody acted, without. `recsim.audit.measure.measure` makes of it what it would of a
real audit's log. Two questions are asked: what was people's exposure (the share of a candidate in all that people were shown about
candidates), and what did the campaigns change (estimand E1 of docs/audit-design.md), for which nothing outside is made but
what is often taken for it: the change since before, and the distance from a reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.audit.measure import measure
from recsim.audit.simulated_log import BEFORE, simulated_log
from recsim.errors import InputError
from recsim.scenario.schema import Scenario

SHARE, CHANGE, DISTANCE = "share", "change since before", "distance from a poll"
DONORS = ("at random", "active", "active, weighted", "leaning")
"""Who gives a log. At random: everybody alike. Active: in proportion to exp(z), z the standardised logarithm of 1 + what she was shown about
candidates before; weighted: the same people, with the inverse of that. Leaning: z of the beneficiary's share in it. That donors are active
and interested people is an assumption about the direction; how much, too."""
KEYS = ["question", "donors", "number", "acting"]


def rehearse(
    scenario: Scenario, first: int, count: int, numbers: Sequence[int], *, report: Callable[[float], None] | None = None
) -> pd.DataFrame:
    """What audits would have said in some worlds.

    Args:
        scenario: with a campaign, whose first beneficiary is looked at; the reference is the candidates' standing in it.
        first, count: replicates. numbers: of donors; everybody is asked besides, at random.
        report: called with the part that is done.

    Returns:
        One row per world and `KEYS`: replicate; question (`SHARE`, `CHANGE`, `DISTANCE`), donors, number, acting (whether the campaigns
        did); estimate, low, high (95 %, NaN: none) and truth, percent or percentage points.

    Raises:
        InputError: no campaign for a candidate, or no day before it.
    """
    whom = next((c.beneficiary for c in scenario.campaigns if c.beneficiary), None)
    if whom is None:
        raise InputError("no campaign is for a candidate: there is nothing to look for", "campaigns")
    total = sum(c.standing.value for c in scenario.candidates)
    poll = {c.id: c.standing.value / total for c in scenario.candidates}
    parts = []
    for replicate in range(first, first + count):
        log = simulated_log(scenario, replicate, by_day=True, before=True)
        draw = np.random.default_rng([scenario.run.seed, replicate])
        parts.append(pd.DataFrame(_of_world(log, whom, poll, numbers, draw)).assign(replicate=replicate))
        if report is not None:
            report((replicate + 1 - first) / count)
    return pd.concat(parts, ignore_index=True)


def _of_world(
    log: pd.DataFrame, whom: str, poll: Mapping[str, float], numbers: Sequence[int], draw: np.random.Generator
) -> Iterator[dict[str, Any]]:
    keys = ["person", "arm", "day", "candidate"]
    log = log.groupby(keys, sort=True, observed=True)["impressions"].sum().reset_index()
    true = {arm: _share(log[log["arm"] == arm], whom) for arm in (BEFORE, "factual", "counterfactual")}
    moved = {"factual": true["factual"] - true["counterfactual"], "counterfactual": 0.0}
    people = np.sort(log["person"].unique())
    everybody = [("at random", len(people), people, None)]
    for donors, number, chosen, weight in (*_donors(log, whom, people, numbers, draw), *everybody):
        given = log[log["person"].isin(chosen)]
        if weight is not None:
            given = given.assign(weight=given["person"].map(dict(zip(chosen.tolist(), weight.tolist(), strict=True))))
        for arm, shift in moved.items():
            found = measure(given[given["arm"].isin([BEFORE, arm])], BEFORE, viewers="donors", reference=poll)
            own = _row(next(block for block in found["arms"] if block["arm"] == arm), whom)
            against = _row(found["comparisons"][0], whom)
            head = {"donors": donors, "number": number, "acting": arm == "factual"}
            yield head | _said(SHARE, own, ("share", "share_low", "share_high"), true[arm], 100)
            names = ("difference_pp", "difference_low", "difference_high")
            yield head | _said(CHANGE, against, names, shift)
            names = ("from_reference_pp", "from_reference_low", "from_reference_high")
            yield head | _said(DISTANCE, own, names, shift)


def _donors(
    log: pd.DataFrame, whom: str, people: np.ndarray, numbers: Sequence[int], draw: np.random.Generator
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray | None]]:
    """Who gives a log and what she stands for; the more donors are the fewer and others.

    Drawn one after another in proportion to what is left (Gumbel's largest values), so that of few people among many each is in it
    about in proportion, which is what weights take to be so.
    """
    before = log[log["arm"] == BEFORE]
    shown = before.groupby("person")["impressions"].sum().reindex(people, fill_value=0).to_numpy(float)
    hers = before[before["candidate"] == whom].groupby("person")["impressions"].sum().reindex(people, fill_value=0)
    active, leaning = _z(np.log1p(shown)), _z((hers.to_numpy() + 1) / (shown + 3))
    chance = {"at random": np.zeros(len(people)), "active": active, "leaning": leaning}
    order = {name: np.argsort(-(z + draw.gumbel(size=len(people))), kind="stable") for name, z in chance.items()}
    for name in DONORS:
        kind = name.removesuffix(", weighted")
        for number in numbers:
            chosen = order[kind][:number]
            yield name, number, people[chosen], np.exp(-active[chosen]) if kind != name else None


def _z(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def _share(log: pd.DataFrame, whom: str) -> float:
    """Percent of all impressions about candidates."""
    total = log["impressions"].sum()
    return 100 * float(log.loc[log["candidate"] == whom, "impressions"].sum() / total) if total else math.nan


def _row(block: Mapping[str, Any], whom: str) -> dict[str, Any]:
    return next((row for row in block["rows"] if row["candidate"] == whom), {})


def _said(
    question: str, row: Mapping[str, Any], names: tuple[str, str, str], truth: float, factor: float = 1
) -> dict[str, Any]:
    values = (row.get(name) for name in names)
    estimate, low, high = (math.nan if value is None else factor * value for value in values)
    return {"question": question, "estimate": estimate, "low": low, "high": high, "truth": truth}


def rates(said: pd.DataFrame) -> pd.DataFrame:
    """How right audits were, over worlds.

    Args:
        said: from `rehearse`, of all worlds.

    Returns:
        One row per `KEYS`: worlds; with_interval: of them with one; truth: mean; bias and bias_se: of the estimate, with the error that
        so few worlds leave it; sd: of the error; rmse; covered: part of the intervals that hold the truth; above, apart: part that lies above 0, that
        leaves out 0 (of a share: NaN), each with Wilson's 95 % interval.
    """
    rows = []
    for key, group in said.groupby(KEYS, sort=False):
        error = (group["estimate"] - group["truth"]).dropna()
        told = group.dropna(subset=["estimate", "low", "high"])
        n = len(told)
        holds = int(((told["low"] <= told["truth"]) & (told["truth"] <= told["high"])).sum())
        above, below = int((told["low"] > 0).sum()), int((told["high"] < 0).sum())
        row = dict(zip(KEYS, key, strict=True)) | {
            "worlds": len(group), "with_interval": n, "truth": float(group["truth"].mean()), "bias": float(error.mean()),
            "bias_se": float(error.std(ddof=1) / math.sqrt(len(error))) if len(error) > 1 else math.nan,
            "sd": float(error.std(ddof=1)), "rmse": float(np.sqrt(np.square(error).mean())), **_part("covered", holds, n),
        }  # fmt: skip
        asked = 0 if key[0] == SHARE else n
        rows.append(
            row | _part("above", above if asked else 0, asked) | _part("apart", above + below if asked else 0, asked)
        )
    return pd.DataFrame(rows)


def _part(name: str, hits: int, of: int) -> dict[str, float]:
    low, high = metrics.wilson(hits, of)
    return {name: hits / of if of else math.nan, f"{name}_low": low, f"{name}_high": high}
