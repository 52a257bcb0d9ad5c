"""A detector of given recall and false-positive rate: what a real one would be if its errors were pure luck.

Each account is drawn once and for all: a detector that runs every day finds the same accounts every day. Two noise
detectors of one platform are told apart by ``number``; with the same number their findings are nested in both rates.
Real detectors err in groups (a whole network missed, one household flagged); this one does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim import rng
from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import FINE, Facts, Finding, Log, Truth
from recsim.rng import Decision


def noise(log: Log, facts: Facts, p: Mapping[str, float], truth: Truth) -> Finding:
    """Flags inauthentic accounts with chance ``recall`` and the others with chance ``false_positive_rate``.

    Args:
        log: not read. facts: A alone is read. p: parameters of `DETECTOR`. truth: see `Truth`.

    Returns:
        score: 1024 if flagged, else 0; no clusters.
    """
    u = np.empty(facts.actors, np.float32)
    for population in np.unique(truth.population):
        mine = np.flatnonzero(truth.population == population)
        u[mine] = rng.uniforms(truth.key, Decision.DETECTOR, int(population), truth.number[mine], int(p["number"]))[
            :, 0
        ]
    chance = np.where(truth.inauthentic, np.float32(p["recall"]), np.float32(p["false_positive_rate"]))
    flagged = np.asarray(u < chance)
    return Finding(flagged.astype(np.int64) * FINE, flagged, np.full(facts.actors, -1, np.int32))


SATYA = "fake likers: Badri Satya et al. 2016"
DETECTOR = Detector(
    "noise",
    "given recall and false-positive rate, by chance",
    noise,
    {
        "recall": Parameter(0.86, "0-1", 0, 1, "documented", SATYA + ", false-negative rate 0.14"),
        "false_positive_rate": Parameter(0.10, "0-1", 0, 1, "documented", SATYA),
        "number": Parameter(0, "number", 0, 65535, "assumption", "tells several noise detectors apart", True),
    },
    "1024 if flagged",
    "assumption",
    "our noise model; default rates from a published classifier",
    "false-positive rate 0.10, false-negative rate 0.14, accuracy 0.871",
    reads_truth=True,
)
