"""Young accounts that act a lot. Rate and age limits are our design; platforms keep theirs to themselves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import Facts, Finding, Log, checked_log, steps_of


def account_rate(log: Log, facts: Facts, p: Mapping[str, float]) -> Finding:
    """Accounts with more than ``rate`` actions on a day on which they were younger than ``age``.

    Args:
        log, facts: see `Log`, `Facts`; every row counts. p: parameters of `DETECTOR`.

    Returns:
        score: most actions on one day while young; flagged: above ``rate``; no clusters.
    """
    log = checked_log(log, facts.actors)
    young = (log.step - facts.created[log.actor]) < steps_of(24 * p["age"], facts)
    actor, step = log.actor[young].astype(np.int64), log.step[young].astype(np.int64)
    day = step // max(1, steps_of(24, facts))
    days = int(day.max()) + 1 if day.size else 1
    key, count = np.unique(actor * days + day, return_counts=True)
    score = np.zeros(facts.actors, np.int64)
    np.maximum.at(score, key // days, count)
    return Finding(score, np.asarray(score > p["rate"]), np.full(facts.actors, -1, np.int32))


DETECTOR = Detector(
    "account_rate",
    "young accounts that act often",
    account_rate,
    {
        "age": Parameter(30, "days", 0, 3650, "assumption", "accounts younger than this; ours"),
        "rate": Parameter(30, "actions/day", 0, 100_000, "assumption", "more than this on any day; ours"),
    },
    "most actions on one day while young",
    "assumption",
    "our design",
    "profile features of fake likers (Badri Satya et al. 2016): false-positive rate 0.10, false-negative rate 0.14",
)
