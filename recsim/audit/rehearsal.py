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
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from recsim import metrics
from recsim.audit.measure import measure
from recsim.audit.simulated_log import BEFORE, simulated_log
from recsim.errors import InputError
from recsim.experiment.summary import removed_campaigns
from recsim.scenario.schema import Scenario

SHARE, CHANGE, DISTANCE = "share", "change since before", "distance from a poll"
DONORS = ("at random", "active", "active, weighted", "leaning")
"""Who gives a log. At random: everybody alike. Active: in proportion to exp(z), z the standardised logarithm of 1 + what she was shown about
candidates before; weighted: the same people, with the inverse of their chance to be asked. Leaning: z of the beneficiary's share in it,
(x + 1) / (n + C) of C candidates. That active people, or a candidate's, give more often is an assumption, and so is how much."""
KEYS = ["question", "donors", "number", "acting"]


class Panel(NamedTuple):
    """Donors of an audit.

    Attributes:
        kind: one of `DONORS`. people: (n,) who. weight: (n,) whom they stand for; None: all alike.
    """

    kind: str
    people: np.ndarray
    weight: np.ndarray | None


def rehearse(
    scenario: Scenario, first: int, count: int, numbers: Sequence[int], *, report: Callable[[float], None] | None = None
) -> pd.DataFrame:
    """What audits would have said in some worlds.

    Args:
        scenario: with a campaign that the counterfactual is without, whose beneficiary is looked at; of several the first. The
            reference is the candidates' standing.
        first, count: replicates. numbers: of donors, each below the number of people; everybody is asked besides.
        report: called with the part that is done.

    Returns:
        One row per world and `KEYS`: replicate; question (`SHARE`, `CHANGE`, `DISTANCE`), donors, number, acting (whether the campaigns
        did); estimate, low, high (95 %, NaN: none) and truth, percent or percentage points. Intervals of a share are over donors alone,
        since it is these days that are asked about; those of the others are over donors and days.

    Raises:
        InputError: no such campaign, no day before it, or not as many people.
    """
    whom = next((c.beneficiary for c in removed_campaigns(scenario)), None)
    if whom is None:
        raise InputError(
            "no campaign for a candidate is taken out in the counterfactual: there is nothing to look for", "campaigns"
        )
    total = sum(c.standing.value for c in scenario.candidates)
    poll = {c.id: c.standing.value / total for c in scenario.candidates}
    parts = []
    for replicate in range(first, first + count):
        log = simulated_log(scenario, replicate, before=True)
        people = log["person"].nunique()
        if max(numbers, default=0) >= people:
            raise InputError(f"got {max(numbers)} donors, must be below the {people} people of the world", "numbers")
        draw = np.random.default_rng([scenario.run.seed, replicate])
        parts.append(pd.DataFrame(_of_world(log, whom, poll, numbers, draw)).assign(replicate=replicate))
        if report is not None:
            report((replicate + 1 - first) / count)
    return pd.concat(parts, ignore_index=True)


def _of_world(
    log: pd.DataFrame, whom: str, poll: Mapping[str, float], numbers: Sequence[int], draw: np.random.Generator
) -> Iterator[dict[str, Any]]:
    log = log.groupby(["person", "arm", "day", "candidate"], sort=True)["impressions"].sum().reset_index()
    true = {arm: _share(log[log["arm"] == arm], whom) for arm in (BEFORE, "factual", "counterfactual")}
    moved = {"factual": true["factual"] - true["counterfactual"], "counterfactual": 0.0}
    for panel in panels(log, whom, len(poll), numbers, draw):
        given = log[log["person"].isin(panel.people)]
        if panel.weight is not None:
            stands_for = dict(zip(panel.people.tolist(), panel.weight.tolist(), strict=True))
            given = given.assign(weight=given["person"].map(stands_for))
        for arm, shift in moved.items():
            mine = given[given["arm"].isin([BEFORE, arm])]
            shown = measure(mine[mine["arm"] == arm].drop(columns="day"), viewers="donors")
            found = measure(mine, BEFORE, viewers="donors", reference=poll)
            head = {"donors": panel.kind, "number": len(panel.people), "acting": arm == "factual"}
            own, change = _row(_arm(shown, arm), whom), _row(found["comparisons"][0], whom)
            yield head | _said(SHARE, own, ("share", "share_low", "share_high"), true[arm], 100)
            yield head | _said(CHANGE, change, ("difference_pp", "difference_low", "difference_high"), shift)
            names = ("from_reference_pp", "from_reference_low", "from_reference_high")
            yield head | _said(DISTANCE, _row(_arm(found, arm), whom), names, shift)


def panels(
    log: pd.DataFrame, whom: str, candidates: int, numbers: Sequence[int], draw: np.random.Generator
) -> Iterator[Panel]:
    """Who gives a log: of every kind so many, the more holding the fewer, and everybody.

    People are drawn one after another in proportion to what is left (those with the largest of ln w plus a Gumbel number), so who has
    w is among n with a chance of about 1 - exp(-t w), t such that these add up to n (Rosén 1997).

    Args:
        log: by person, arm and candidate. whom: candidate. candidates: how many there are. numbers: of donors. draw: of all chance.
    """
    before, people = log[log["arm"] == BEFORE], np.sort(log["person"].unique())
    shown = before.groupby("person")["impressions"].sum().reindex(people, fill_value=0).to_numpy(float)
    hers = before[before["candidate"] == whom].groupby("person")["impressions"].sum()
    leaning = _z((hers.reindex(people, fill_value=0).to_numpy() + 1) / (shown + candidates))
    chance = {"at random": np.zeros(len(people)), "active": _z(np.log1p(shown)), "leaning": leaning}
    order = {name: np.argsort(-(z + draw.gumbel(size=len(people))), kind="stable") for name, z in chance.items()}
    for kind in DONORS:
        drawn_as = kind.removesuffix(", weighted")
        for number in numbers:
            chosen = order[drawn_as][:number]
            weight = 1 / inclusion(np.exp(chance[drawn_as]), number)[chosen] if kind != drawn_as else None
            yield Panel(kind, people[chosen], weight)
    yield Panel("at random", people, None)


def inclusion(w: np.ndarray, number: int) -> np.ndarray:
    """Chance of each to be among ``number`` drawn one after another in proportion to what is left of w, 1 - exp(-t w), (P,) 0-1.

    Args:
        w: (P,) above 0. number: below P.
    """
    most = 2.0
    while -np.expm1(-most * w).sum() < number:
        most *= 2
    return -np.expm1(-brentq(lambda t: -np.expm1(-t * w).sum() - number, 0.0, most) * w)


def _z(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def _share(log: pd.DataFrame, whom: str) -> float:
    """Percent of all impressions about candidates."""
    total = log["impressions"].sum()
    return 100 * float(log.loc[log["candidate"] == whom, "impressions"].sum() / total) if total else math.nan


def _arm(found: Mapping[str, Any], arm: str) -> dict[str, Any]:
    return next(block for block in found["arms"] if block["arm"] == arm)


def _row(block: Mapping[str, Any], whom: str) -> dict[str, Any]:
    """The candidate's; empty if none of these donors was shown anything about her."""
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
        asked = 0 if row["question"] == SHARE else n
        rows.append(row | _part("above", above, asked) | _part("apart", above + below, asked))
    return pd.DataFrame(rows)


def _part(name: str, hits: int, of: int) -> dict[str, float]:
    """Part with its interval; of nothing NaN."""
    low, high = metrics.wilson(hits, of)
    return {name: hits / of if of else math.nan, f"{name}_low": low, f"{name}_high": high}
