"""Controls: what must hold whatever the answer. Run on a small copy of the scenario."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from recsim.experiment.robustness import campaigns_from
from recsim.experiment.summary import Counts, removed_campaigns, window_start
from recsim.metrics import interval
from recsim.scenario import realise
from recsim.scenario.quantity import assumed
from recsim.scenario.schema import Scenario

PEOPLE, ITEMS_PER_DAY, VIDEOS_PER_DAY, BURN_IN_DAYS = 300, 600, 40.0, 6


def small_copy(scenario: Scenario) -> Scenario:
    """The scenario with few people, items, videos and days; everything else as it is."""
    # The first parameter set of a calibration, for good: a control that sets a number must not be overruled by it.
    scenario = realise(scenario, scenario.run.seed, 0, fixed=True)
    first = window_start(scenario, none=-2)
    start = max(scenario.days.start, scenario.days.vote - dt.timedelta(days=BURN_IN_DAYS - first))
    room = -((scenario.days.vote - start).days - 1)
    activity, people = scenario.activity, scenario.population.people.value
    factor = min(1.0, VIDEOS_PER_DAY / (activity.visits_per_day.value * activity.videos_per_visit.value))
    content = scenario.content
    return scenario.model_copy(
        update={
            "population": scenario.population.model_copy(update={"scale": min(scenario.population.scale, PEOPLE / people)}),
            "activity": activity.model_copy(update={"visits_per_day": assumed(activity.visits_per_day.value * factor)}),
            "content": content.model_copy(
                update={"items_per_day": min(content.items_per_day, ITEMS_PER_DAY), "creators": min(content.creators, 200)}
            ),
            "days": scenario.days.model_copy(update={"start": start}),
            "run": scenario.run.model_copy(update={"luck_branches": 1, "ensemble": None}),
            "campaigns": campaigns_from(scenario, room),
        }
    )  # fmt: skip


def _simulate(scenario: Scenario, replicate: int = 0, **options) -> dict[str, pd.DataFrame]:
    from recsim.world.pair import simulate_replicate

    drawn = realise(scenario, scenario.run.seed, replicate)
    return simulate_replicate(drawn, replicate, **options).frames


def same(a: dict[str, pd.DataFrame], b: dict[str, pd.DataFrame], rename: dict[str, str] | None = None) -> bool:
    """Whether two sets of tables hold the same numbers, after renaming candidates in the first."""
    return set(a) == set(b) and all(_canonical(a[n], rename or {}).equals(_canonical(b[n], {})) for n in a)


def _canonical(frame: pd.DataFrame, rename: dict[str, str]) -> pd.DataFrame:
    out = frame.copy()
    for name in out.columns:
        if isinstance(out[name].dtype, pd.CategoricalDtype):
            out[name] = out[name].astype(str)
    if "candidate" in out:
        out["candidate"] = out["candidate"].map(lambda c: rename.get(c, c))
    if "name" in out:  # facts about a candidate carry her id
        out["name"] = out["name"].map(
            lambda n: f"{n.split('.')[0]}.{rename.get(n.split('.', 1)[1], n.split('.', 1)[1])}" if "." in n else n
        )
    return out.sort_values(list(out.columns), kind="stable").reset_index(drop=True)


def zero_dose(scenario: Scenario) -> tuple[bool, str]:
    """With dose 0 the factual world is bit for bit the counterfactual one."""
    frames = _simulate(scenario.model_copy(update={"dose": assumed(0.0)}))
    for name, frame in frames.items():
        arm = frame["arm"].astype(str)
        a = frame[arm == "factual"].drop(columns="arm")
        b = frame[arm == "counterfactual"].drop(columns="arm")
        if not _canonical(a, {}).equals(_canonical(b, {})):
            return False, f"table {name} differs between the worlds"
    return True, "all tables identical"


def exchanged(scenario: Scenario) -> tuple[bool, str]:
    """Two candidates' ids exchanged everywhere permute all outputs and change nothing else."""
    a, b = scenario.candidates[0].id, scenario.candidates[1].id
    swap = {a: b, b: a}
    candidates = [c.model_copy(update={"id": swap.get(c.id, c.id)}) for c in scenario.candidates]
    campaigns = []
    for c in scenario.campaigns:
        named = {n: getattr(c, n, None) for n in ("beneficiary", "payer_candidate")}
        update: dict[str, Any] = {n: swap.get(who, who) for n, who in named.items() if who is not None}
        if hasattr(c, "posts"):
            update["posts"] = [kind.model_copy(update={"about": swap.get(kind.about, kind.about)}) for kind in c.posts]
        campaigns.append(c.model_copy(update=update))
    notices = [
        n.model_copy(update={"candidate": swap.get(n.candidate or "", n.candidate)})
        for n in scenario.moderation.notices
    ]
    moderation = scenario.moderation.model_copy(update={"notices": notices})
    if moderation.political_labels is not None:
        errors = {swap.get(name, name): error for name, error in moderation.political_labels.errors.items()}
        labels = moderation.political_labels.model_copy(update={"errors": errors})
        moderation = moderation.model_copy(update={"political_labels": labels})
    other = scenario.model_copy(update={"candidates": candidates, "campaigns": campaigns, "moderation": moderation})
    ok = same(_simulate(scenario), _simulate(other), swap)
    return ok, f"ids of {a} and {b} exchanged"


def reordered(scenario: Scenario) -> tuple[bool, str]:
    """Reversing every list of the scenario changes no number."""
    population = scenario.population
    campaigns = [
        c.model_copy(update={"posts": c.posts[::-1]}) if hasattr(c, "posts") else c for c in scenario.campaigns[::-1]
    ]
    other = scenario.model_copy(
        update={
            "candidates": scenario.candidates[::-1], "campaigns": campaigns,
            "population": population.model_copy(update={"segments": list(population.segments)[::-1]}),
        }
    )  # fmt: skip
    return same(_simulate(scenario), _simulate(other)), "candidates, campaigns, kinds of posts and segments reversed"


def threads(scenario: Scenario) -> tuple[bool, str]:
    """One and two threads give the same bits."""
    return same(_simulate(scenario, threads=1), _simulate(scenario, threads=2)), "1 and 2 threads"


def placebo(scenario: Scenario, replicates: int = 6) -> tuple[bool, str]:
    """The campaigns' volume spread over all content in proportion to human engagement shifts nobody by more than the bound.

    The 90 % interval of the beneficiary's shift must lie within +/- the bound (two one-sided tests).
    """
    bound, threshold = scenario.audit.placebo_bound_pp.value, scenario.audit.threshold_pp.value
    names = [c.id for c in scenario.candidates]
    who = names.index(removed_campaigns(scenario)[0].beneficiary)
    shifts = [
        Counts(_simulate(scenario, r, placebo=True)["exposure"], names, [r], 1).shift_pp[0, who]
        for r in range(replicates)
    ]
    t = interval(np.array(shifts), 0.90)
    ok = bool(t.low > -bound and t.high < bound)
    return ok, (
        f"90 % interval {t.low:+.2f} to {t.high:+.2f} pp, bound +/- {bound:g} pp ({bound / threshold:.3g} times the threshold of "
        f"{threshold:g} pp), {replicates} replicates"
    )


CONTROLS: dict[str, tuple[Callable[[Scenario], tuple[bool, str]], bool]] = {
    "zero dose is bitwise zero": (zero_dose, True),
    "candidates' ids exchanged": (exchanged, False),
    "lists reordered": (reordered, False),
    "1 and 2 threads": (threads, False),
    "placebo within its bound": (placebo, True),
}
"""Each control, and whether it needs a campaign."""
