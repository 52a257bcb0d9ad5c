"""What acting earlier would have saved: the shift as a function of the day on which the network is removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsim.errors import InputError
from recsim.experiment.attribution import spread
from recsim.experiment.efficacy import saved
from recsim.experiment.persistence import Persistence, daily_shift, persistence, persistence_row
from recsim.experiment.run import configured
from recsim.experiment.sets import Answer, Question, WorldSet, answer, chosen_candidate, without_table
from recsim.experiment.summary import removed_campaigns, window_start
from recsim.experiment.tasks import Progress, Session, Simulate
from recsim.experiment.worlds import Worlds
from recsim.metrics import interval, shift_interval
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm


def declared_day(scenario: Scenario) -> int | None:
    """Day on which the scenario removes the first network of accounts, or its advertisements (after the vote if above 0);
    None: none.
    """
    starts = [c.start for c in removed_campaigns(scenario) if c.type in ("bot_network", "advertising")]
    return min(starts) + round(scenario.moderation.network_removal_days.value) if starts else None


def arm_of(day: int) -> Arm:
    """The world in which everything inauthentic is removed on this day."""
    return Arm(f"removed {day:+d}", removal_day=day)


def question_of(scenario: Scenario, days: Sequence[int] | None = None, candidate: str | None = None) -> Question:
    """The worlds that a delay curve needs.

    Args:
        scenario: as resolved.
        days: of removal relative to the vote; None: every day of the campaign window.
        candidate: whose shift is reported; None: the beneficiary of most campaigns.

    Raises:
        InputError: a day outside the campaign window, or no campaign is removed in the counterfactual.
    """
    who = chosen_candidate(scenario, candidate)
    first = window_start(scenario)
    wanted = sorted(set(range(first, 1) if days is None else days))
    for day in wanted:
        if not first <= day <= 0:
            raise InputError(f"got {day}, must be from {first} (the first campaign starts) to 0 (the vote)", "--days")
    if not wanted:
        raise InputError("got none; name at least one day of removal", "--days")
    # As the scenario says last: if it removes a network in the window, that is one of the curve's days.
    arms = (COUNTERFACTUAL, *(arm_of(day) for day in wanted), FACTUAL)
    worlds = WorldSet("delay", without_table(scenario), arms)
    return Question("delay", scenario, (worlds,), {"days": wanted}, who, _summarise)


def delay(
    scenario: Scenario, *, days: Sequence[int] | None = None, candidate: str | None = None,
    replicates: int | None = None, seed: int | None = None, out: str | Path | None = None, workers: int | None = None,
    threads: int | None = None, fixed_parameters: bool = False, resume: bool = False, force: bool = False,
    progress: Progress | None = None, store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
) -> Answer:  # fmt: skip
    """Fork one run at each day of removal.

    Args:
        scenario: from `recsim.load`.
        days: of removal of the networks, relative to the vote (0), each within the campaign window; None: every day of it.
        candidate: id of the candidate whose shift is reported; None: the beneficiary of most campaigns.
        replicates, seed: override the scenario's.
        out: directory itself; default ``runs/delay-<name>-<fingerprint>``.
        workers, threads, fixed_parameters, resume, force, progress, store, simulate, cluster: as in `recsim.attribute`.

    Returns:
        An `Answer`. ``frames["delay"]`` has one row per candidate and day of removal: ``removal_day``, ``shift_pp`` (percentage
        points) with ``ci_low``, ``ci_high``, ``saved`` (share of the excess impressions that removal on that day saves, a
        ratio of means with Fieller's interval), half-life of what stays, in days; the last row of a candidate, without a day,
        is the scenario as it is. ``frames["by_replicate"]`` as of `recsim.attribute`.

    Source: docs/attribution.md, "Delay"; Fieller 1954.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    session = Session(simulate, fixed_parameters, workers, threads, progress, cluster)
    question = question_of(configured(scenario, replicates, seed, None), days, candidate)
    return answer(question, session, out, resume, force, store)


def _summarise(question: Question, worlds: Worlds) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    days = question.settings["days"]
    declared = declared_day(question.scenario)
    table, summary = [], {}
    for k, candidate in enumerate(worlds.candidates):
        rows = rows_of(worlds, days, k, declared)
        table += [{"candidate": candidate, **row} for row in rows]
        if candidate == question.candidate:
            own = rows[-1]
            undefined = own["undefined_replicates"]
            summary = {
                "declared_day": declared, "rows": rows[:-1], "declared": own, "undefined_replicates": undefined,
            }  # fmt: skip
    return summary, {"delay": pd.DataFrame(table)}


def rows_of(worlds: Worlds, days: Sequence[int], k: int, declared: int | None) -> list[dict[str, Any]]:
    """One row per day of removal, the scenario's own last (its day is None).

    ``saved`` is the share of the excess impressions under the scenario's own moderation that removal on that day saves;
    ``saved_per_day`` the part of it that each day between this day of removal and the next later one is worth (after
    the last: until the end of the vote's day).
    """
    late = worlds.excess(FACTUAL.name)[:, k]
    excess = {day: worlds.excess(arm_of(day).name)[:, k] for day in days}
    rows = []
    window = range(worlds.metas[0]["fork_day"], 1)
    for n, day in enumerate(days):
        found, after = saved(late, excess[day]), excess[days[n + 1]] if n + 1 < len(days) else late
        span = (days[n + 1] if n + 1 < len(days) else 1) - day
        step = saved(late, late - (after - excess[day]) / span)
        rows.append(
            {
                "removal_day": day, "days_earlier": None if declared is None else declared - day,
                **_shift(worlds, arm_of(day).name, k),
                "saved": found.value, "saved_low": found.low, "saved_high": found.high,
                "saved_per_day": step.value, "saved_per_day_low": step.low, "saved_per_day_high": step.high,
                **persistence_row(_after(worlds, arm_of(day).name, k, window, day)),
            }
        )  # fmt: skip
    return [*rows, {"removal_day": None, "days_earlier": 0, **_shift(worlds, FACTUAL.name, k)}]


def _after(worlds: Worlds, arm: str, k: int, window: range, day: int) -> Persistence:
    """How the shift decays once everything was removed: the last day at work is the one before."""
    daily = daily_shift(
        worlds.frames["exposure"], worlds.candidates, worlds.replicates, worlds.scenario.run.luck_branches, window,
        (arm, COUNTERFACTUAL.name),
    )  # fmt: skip
    return persistence(daily[:, :, k], day - 1 - window.start)


def _shift(worlds: Worlds, arm: str, k: int) -> dict[str, Any]:
    shift, excess = shift_interval(worlds.shift_pp(arm)[:, k]), interval(worlds.excess(arm)[:, k])
    return {
        "shift_pp": shift.mean, **spread(shift), "excess_impressions": excess.mean, **spread(excess, "excess_"),
        "undefined_replicates": int(np.isnan(worlds.shift_pp(arm)[:, k]).sum()),
    }  # fmt: skip
