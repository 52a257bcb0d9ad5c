"""Figures of single people in one world, only where the scenario asks for them: each person counts alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recsim.metrics import calibration, shares
from recsim.scenario.schema import Scenario
from recsim.world.shards import of_all

if TYPE_CHECKING:
    from recsim.world.world import World

ASKED = "calibration"


def keeps_people(scenario: Scenario) -> bool:
    """Whether impressions are counted person by person: the opinion layer reads them, and the calibration metric."""
    return scenario.opinion.enabled or ASKED in scenario.audit.metrics


def persons_table(world: World, history: np.ndarray) -> pd.DataFrame:
    """Mean over people of M14 and of each candidate's share (M1, everybody alike).

    Args:
        world: at its end.
        history: (P, C) impressions by person and candidate before the world began; people without any, or without any
            since, are not in the mean of M14.

    Returns:
        name (calibration, share), candidate ("none" for the former), value, people (over whom the mean is).
    """
    (shown,) = of_all(world.state.exchange, world.feed.tally.impressions.sum(axis=2))
    bits, own = calibration(history, shown), shares(shown)
    rows = [(ASKED, "none", bits), *(("share", c.id, own[:, k]) for k, c in enumerate(world.plan.candidates))]
    known = [values[~np.isnan(values)] for *_, values in rows]
    return world.record._frame(
        {
            "name": np.array([name for name, *_ in rows], object), "candidate": np.array([who for _, who, _ in rows], object),
            "value": np.array([values.mean() if len(values) else np.nan for values in known]),
            "people": np.array([len(values) for values in known], np.int64),
        }
    )  # fmt: skip
