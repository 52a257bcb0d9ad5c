"""How well a finding agrees with the truth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recsim.agents.detectors.log import Finding

Z = 1.959963984540054
NAN = float("nan")


class Rate(NamedTuple):
    """A share of counted accounts with its 95 % interval; NaN if there was nobody to count."""

    value: float
    low: float
    high: float
    hits: int
    of: int


class Measured(NamedTuple):
    """Rates of one finding."""

    precision: Rate  # inauthentic among flagged
    recall: Rate  # flagged among inauthentic
    false_positive_rate: Rate  # flagged among the others


def wilson(hits: int, of: int) -> Rate:
    """A share with its Wilson score interval (95 %).

    (q + z^2 / 2n -+ z sqrt(q (1 - q) / n + z^2 / 4 n^2)) / (1 + z^2 / n), q = hits / n (Wilson 1927). It treats accounts
    as independent; networks are caught or missed as a whole, so over repeated worlds rates vary more than it says.

    Args:
        hits: 0 to ``of``. of: accounts counted.
    """
    if of == 0:
        return Rate(NAN, NAN, NAN, 0, 0)
    q, z2 = hits / of, Z * Z
    centre = q + z2 / (2 * of)
    half = Z * math.sqrt(q * (1 - q) / of + z2 / (4 * of * of))
    low, high = (centre - half) / (1 + z2 / of), (centre + half) / (1 + z2 / of)
    return Rate(q, max(0.0, min(low, q)), min(1.0, max(high, q)), hits, of)


def measure(finding: Finding, inauthentic: np.ndarray) -> Measured:
    """Precision, recall and false-positive rate with Wilson intervals.

    Args:
        finding: of A accounts. inauthentic: (A,) bool.
    """
    both = int(np.count_nonzero(finding.flagged & inauthentic))
    flagged, guilty = int(np.count_nonzero(finding.flagged)), int(np.count_nonzero(inauthentic))
    return Measured(wilson(both, flagged), wilson(both, guilty), wilson(flagged - both, len(inauthentic) - guilty))


def describe(measured: Measured) -> dict[str, str]:
    """One cell of a table per rate, such as ``0.982 [0.950-0.994] 120/122``; ``undefined`` if there was nobody."""
    return {
        name: f"{r.value:.3f} [{r.low:.3f}-{r.high:.3f}] {r.hits}/{r.of}" if r.of else "undefined"
        for name, r in measured._asdict().items()
    }
