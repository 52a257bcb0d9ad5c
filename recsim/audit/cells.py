"""Parts of the people that are large enough to be printed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsim.experiment.result import Result
from recsim.scenario.schema import DIVISIONS

LEAST_PEOPLE = 50
"""Simulated people below which a part of the people is not shown."""


def too_small(result: Result, division: str) -> list[str]:
    """Regions, languages or age bands with fewer than 50 expected simulated people, in alphabetical order."""
    size = result.scenario.population.simulated(division)
    return sorted(name for name, people in size.items() if people < LEAST_PEOPLE)


def printable(result: Result, dimension: str) -> pd.DataFrame:
    """`Result.by` as it may be printed: figures of parts with fewer than 50 simulated people are NaN.

    Args:
        result: of a run.
        dimension: as of `Result.by`.

    Returns:
        Its table; by region, language and age band with ``people``, how many are expected, NaN where that is fewer than 50.
    """
    frame = result.by(dimension)
    if dimension not in DIVISIONS:
        return frame
    size, small = result.scenario.population.simulated(dimension), too_small(result, dimension)
    place = list(frame.columns).index("candidate") + 1
    frame.insert(place, "people", [size.get(str(name), np.nan) for name in frame[dimension]])
    hidden = frame[dimension].astype(str).isin(small)
    for name in frame.columns[place:]:
        frame[name] = frame[name].astype(float).mask(hidden)
    return frame
