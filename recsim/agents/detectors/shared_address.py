"""Many accounts behind one network address. Our design; households, schools and mobile networks share addresses too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import Facts, Finding, Log, numbered


def shared_address(log: Log, facts: Facts, p: Mapping[str, float]) -> Finding:
    """Accounts whose address has more than ``accounts`` accounts; unknown addresses (-1) are shared with nobody.

    Args:
        log: not read. facts: see `Facts`. p: parameters of `DETECTOR`.

    Returns:
        score: accounts at the address, 0 if it is unknown; flagged: above ``accounts``; cluster: the address.
    """
    known = facts.address >= 0
    score = np.zeros(facts.actors, np.int64)
    if known.any():
        _, label, count = np.unique(facts.address[known], return_inverse=True, return_counts=True)
        score[known] = count[label]
    flagged = np.asarray(score > p["accounts"])
    return Finding(score, flagged, numbered(np.where(flagged, facts.address, -1).astype(np.int64), 1))


DETECTOR = Detector(
    "shared_address",
    "many accounts at one network address",
    shared_address,
    {"accounts": Parameter(5, "accounts", 1, 1_000_000, "assumption", "more than this at one address; ours", True)},
    "accounts at the address",
    "assumption",
    "our design",
    "none published",
)
