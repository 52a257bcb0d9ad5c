"""Controls: what must hold whatever the answer. Run on a small copy of the scenario."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
BLOCK = 8
"""Visits scored together while threads are compared: in an hour of a small copy there are a few dozen, and with the usual
blocks they would be one block, which a second thread has no part in."""


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
    """All candidates' ids passed on in a circle permute all outputs and change nothing else.

    Ids go around the whole ballot, so that whoever a campaign is for trades places like everybody else.
    """
    ids = [c.id for c in scenario.candidates]
    swap = dict(zip(ids, [*ids[1:], ids[0]], strict=True))
    ok = same(_simulate(scenario), _simulate(renamed(scenario, swap)), swap)
    whom = " and ".join(dict.fromkeys(c.beneficiary for c in scenario.campaigns))
    return ok, f"ids of all {len(ids)} candidates passed on" + (f"; campaigns are for {whom}" if whom else "")


def renamed(scenario: Scenario, swap: Mapping[str, str]) -> Scenario:
    """The scenario with other candidates' ids; who they are stays with their keys.

    Args:
        scenario: validated scenario. swap: new id by old one; a permutation of the candidates' ids.
    """
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
    return scenario.model_copy(update={"candidates": candidates, "campaigns": campaigns, "moderation": moderation})


LISTS = {
    "candidates": ("candidates",), "campaigns": ("campaigns",), "segments": ("population", "segments"),
    "detectors": ("moderation", "detectors"), "notices": ("moderation", "notices"),
    "mitigations": ("platform", "mitigations"), "shadows": ("audit", "shadows"),
}  # fmt: skip
"""Lists of a scenario whose order says nothing, by what the control calls them. (Stages of gates, re-rankers and weights of
hours are sequences: there the order is the setting.)"""


def reordered(scenario: Scenario) -> tuple[bool, str]:
    """Reversing every list of the scenario whose order says nothing changes no number."""
    other, turned = backwards(scenario)
    return same(_simulate(scenario), _simulate(other)), f"reversed: {', '.join(turned)}"


def backwards(scenario: Scenario) -> tuple[Scenario, list[str]]:
    """The scenario with every one of `LISTS` and every campaign's kinds of posts reversed, and which have two entries or more."""
    turned, several = scenario, []
    for name, path in LISTS.items():
        block = turned if len(path) == 1 else getattr(turned, path[0])
        rows = list(getattr(block, path[-1]))
        changed = block.model_copy(update={path[-1]: rows[::-1]})
        turned = changed if len(path) == 1 else turned.model_copy(update={path[0]: changed})
        several += [name] if len(rows) > 1 else []
    campaigns = [c.model_copy(update={"posts": c.posts[::-1]}) if hasattr(c, "posts") else c for c in turned.campaigns]
    several += ["kinds of posts"] if any(len(getattr(c, "posts", ())) > 1 for c in campaigns) else []
    return turned.model_copy(update={"campaigns": campaigns}), several


@contextmanager
def in_small_blocks() -> Iterator[Counter[int]]:
    """While it lasts, worlds that are made divide the work even of a small copy among their threads.

    Yields:
        Blocks of visits that each thread has shown so far.
    """
    from recsim.world import feed

    block, apart, show = feed.BLOCK, feed.APART, feed.Feed.show_blocks
    shown: Counter[int] = Counter()

    def counted(self: feed.Feed, step: int, start: int, count: int, thread: int, first: int, last: int) -> None:
        shown[thread] += last - first  # each thread has a place of its own
        show(self, step, start, count, thread, first, last)

    feed.BLOCK, feed.APART, feed.Feed.show_blocks = BLOCK, 0, counted  # type: ignore[method-assign]
    try:
        yield shown
    finally:
        feed.BLOCK, feed.APART, feed.Feed.show_blocks = block, apart, show  # type: ignore[method-assign]


def threads(scenario: Scenario) -> tuple[bool, str]:
    """One and two threads give the same bits, and the second did a part of the work."""
    with in_small_blocks():
        one = _simulate(scenario, threads=1)
    with in_small_blocks() as shown:
        two = _simulate(scenario, threads=2)
    if not shown[1]:
        return False, "1 and 2 threads; the second had nothing to do, so nothing was compared"
    return same(
        one, two
    ), f"1 and 2 threads; the second showed {shown[1]:,} of {sum(shown.values()):,} blocks of visits"


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
    # An error must push one end of an interval of this width over the bound: one of the bound's own size does in 19 of 20 cases.
    even = bound - (t.high - t.low) / 2
    sees = (
        f"; an error of {even:.1f} pp is seen every second time, one of {bound:g} pp 19 times in 20"
        if 0 < even < bound
        else ""
    )
    return ok, (
        f"90 % interval {t.low:+.2f} to {t.high:+.2f} pp, bound +/- {bound:g} pp ({bound / threshold:.3g} times the threshold of "
        f"{threshold:g} pp), {replicates} replicates{sees}"
    )


CONTROLS: dict[str, tuple[Callable[[Scenario], tuple[bool, str]], bool]] = {
    "zero dose is bitwise zero": (zero_dose, True),
    "candidates' ids exchanged": (exchanged, False),
    "lists reordered": (reordered, False),
    "1 and 2 threads": (threads, False),
    "placebo within its bound": (placebo, True),
}
"""Each control, and whether it needs a campaign."""
