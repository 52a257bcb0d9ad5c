"""The estimate after one, two, three ... replicates."""

from __future__ import annotations

import pandas as pd

from recsim.experiment.result import Result
from recsim.metrics import shift_interval


def running(result: Result) -> pd.DataFrame:
    """Mean shift of every beneficiary over the first so many replicates, with its 95 % interval (`recsim.metrics.shift_interval`).

    Replicates without a defined share are left out. Intervals of different rows rest on the same replicates: that they
    all hold the truth is not promised.

    Returns:
        candidate, replicates (1, 2, ...), shift_pp, ci_low, ci_high, half_width_pp; NaN where one replicate cannot tell.
    """
    names = [c.id for c in result.scenario.candidates]
    counts = result.counts()
    rows = []
    for name in result.summary["beneficiaries"]:
        shift = counts.shift_pp[:, names.index(name)]
        known = shift[shift == shift]
        for n in range(1, len(known) + 1):
            t = shift_interval(known[:n])
            rows.append((name, n, t.mean, t.low, t.high, (t.high - t.low) / 2))
    return pd.DataFrame(rows, columns=["candidate", "replicates", "shift_pp", "ci_low", "ci_high", "half_width_pp"])
