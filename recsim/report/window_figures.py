"""Figure of the declared windows: the largest shifts in each, beside those of the whole campaign window."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from recsim.experiment.result import Result
from recsim.report.region_figures import small_multiples
from recsim.report.strings import say
from recsim.scenario.schema import in_days

MOST = 6
"""Candidates that are drawn: beneficiaries, then those with the largest shift in any of the windows."""
WHOLE = ""
"""Stands for the whole campaign window, which no declared one can be called."""


def windows_data(result: Result) -> pd.DataFrame:
    """What the figure shows: window ("" the whole), first, last, candidate, shift_pp, ci_low, ci_high."""
    keep = ["window", "first", "last", "candidate", "shift_pp", "ci_low", "ci_high"]
    first = result.summary["window_first_day"]
    days = {WHOLE: (first, 0)} | {w.id: (w.first, w.last) for w in result.windows}
    table = pd.concat([result.shift().assign(window=WHOLE), result.by("window")], ignore_index=True)
    ends = pd.DataFrame([days[name] for name in table["window"]], columns=["first", "last"], index=table.index)
    return table.assign(**ends)[keep]


def _chosen(result: Result, table: pd.DataFrame) -> list[str]:
    promoted = list(result.summary["beneficiaries"])
    largest = table["shift_pp"].abs().groupby(table["candidate"]).max().sort_values(ascending=False, kind="stable")
    return [*promoted, *(str(name) for name in largest.index if name not in promoted)][:MOST]


def shift_by_window(result: Result) -> Figure | None:
    """Small multiples: the largest shifts in the whole window and in each declared one; None if none is declared."""
    if not result.windows:
        return None
    table, parts = windows_data(result), {}
    for window in dict.fromkeys(table["window"]):
        here = table[table["window"] == window].set_index("candidate")
        days = in_days(int(here["first"].iloc[0]), int(here["last"].iloc[0]))
        parts[say("windows_panel", window=window or say("windows_whole"), days=days)] = here
    return small_multiples(result, parts, _chosen(result, table), say("windows_title"))
