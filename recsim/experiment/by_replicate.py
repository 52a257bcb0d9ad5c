"""What the statistics of a run rest on, replicate by replicate: shares and shifts, and what was drawn from declared ranges."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from recsim.experiment.summary import Counts
from recsim.scenario.dump import quantities
from recsim.scenario.realise import realise
from recsim.scenario.schema import Scenario

SHIFTS = ("replicate", "candidate", "share_factual", "share_counterfactual", "shift_pp", "excess_impressions")
DRAWS = ("replicate", "key", "value")


def shift_by_replicate(scenario: Scenario, exposure: pd.DataFrame, replicates: Sequence[int]) -> pd.DataFrame:
    """One row per replicate and candidate, columns `SHIFTS`.

    Shares (0-1) and shift (percentage points) are means over luck branches, NaN if a branch showed no content about
    candidates; a mean of ``shift_pp`` over replicates without those is the shift of the summary. ``excess_impressions`` are
    real units.

    Args:
        scenario: as resolved.
        exposure: the table, all replicates, simulated units.
        replicates: their numbers, in order.
    """
    names = [c.id for c in scenario.candidates]
    counts = Counts(exposure, names, list(replicates), scenario.run.luck_branches)
    p, shift, x = counts.shares.mean(axis=1), counts.shift_pp, counts.impressions.mean(axis=1)
    rows = [
        (number, name, p[r, 0, k], p[r, 1, k], shift[r, k], (x[r, 0, k] - x[r, 1, k]) / scenario.population.scale)
        for r, number in enumerate(replicates)
        for k, name in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=list(SHIFTS))


def drawn_keys(scenario: Scenario, fixed: bool) -> list[str]:
    """Dotted keys of what differs between replicates by declaration: ranges, unless they are held, and parameter sets.

    Args:
        scenario: as resolved, not realised. fixed: whether ranges are held at their central values.
    """
    ranged = [] if fixed else [q["key"] for q in quantities(scenario) if q["range"] is not None]
    ensemble = scenario.run.ensemble
    sets = [] if ensemble is None else [key for member in ensemble.members for key in member]
    return list(dict.fromkeys([*ranged, *sets]))


def draws(scenario: Scenario, replicates: Sequence[int], fixed: bool) -> pd.DataFrame:
    """One row per replicate and key that is drawn, columns `DRAWS`; no rows where nothing is.

    Values are those that the worlds were built with, in the units of the key: shares that must add up to 1 are rescaled.

    Args:
        scenario: as resolved, not realised.
        replicates: their numbers. fixed: whether ranges are held at their central values.
    """
    keys, rows = drawn_keys(scenario, fixed), []
    for number in replicates if keys else ():
        made = realise(scenario, scenario.run.seed, number, fixed)
        values = {q["key"]: q["value"] for q in quantities(made)}
        if scenario.run.ensemble is not None:  # which may name numbers that are no quantities
            members = scenario.run.ensemble.members
            values = {**members[number % len(members)], **values}
        rows += [(number, key, float(values[key])) for key in keys if key in values]
    return pd.DataFrame(rows, columns=list(DRAWS))
