"""Accounts that do the same to the same targets at about the same time, again and again.

Source: SynchroTrap (Cao, Yang, Yu, Palow, CCS 2014): actions match if they have the same target and lie within T;
similarity of two accounts is the Jaccard index of their action sets; clusters are joined by single linkage. Its
defaults are not given where we read, so those here are ours. A target is an item with an action. Sets hold each
account's first action on a target. Beside the published rule a pair needs ``common`` matching actions, because one
like in common is a Jaccard index of 1 between two accounts that did nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import Facts, Finding, Log, fine, first_acts, numbered, steps_of
from recsim.agents.detectors.pairing import paired
from recsim.kernels.pairs import JACCARD


def synchrony(log: Log, facts: Facts, p: Mapping[str, float]) -> Finding:
    """Single-linkage clusters of accounts with |A_i and A_j| / |A_i or A_j| >= ``similarity``, matched within a window.

    Args:
        log, facts: see `Log`, `Facts`. p: parameters of `DETECTOR`.

    Returns:
        score: largest similarity to another account with enough in common, in 1/1024; flagged: in a cluster of at
        least ``smallest`` accounts.
    """
    first = first_acts(log, facts.actors, by_action=True)
    root, score = paired(
        first, facts.actors, JACCARD, steps_of(p["window"], facts), int(p["cap"]), int(p["common"]), 0,
        fine(p["similarity"]),
    )  # fmt: skip
    cluster = numbered(root, int(p["smallest"]))
    return Finding(score, np.asarray(cluster >= 0), cluster)


CAP = Parameter(
    100, "accounts", 1, 100_000, "assumption",
    "an account is compared with this many others in each target and step; less work, can lose links but never makes one",
    True,
)  # fmt: skip
DETECTOR = Detector(
    "synchrony",
    "same actions on the same targets at about the same time",
    synchrony,
    {
        "window": Parameter(1, "hours", 0, 168, "assumption", "T; ours"),
        "similarity": Parameter(0.5, "0-1", 0.01, 1, "assumption", "least Jaccard index; ours"),
        "common": Parameter(4, "actions", 1, 10_000, "assumption", "least matching actions of a pair; ours", True),
        "smallest": Parameter(10, "accounts", 2, 1_000_000, "assumption", "fewest accounts of a cluster; ours", True),
        "cap": CAP,
    },
    "largest similarity to another account, 1/1024",
    "published formula",
    "Cao, Yang, Yu, Palow: Uncovering large groups of active malicious accounts (SynchroTrap), CCS 2014",
    "more than 2 million accounts in 1156 campaigns within a month, precision above 99 %",
)
