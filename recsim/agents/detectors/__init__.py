"""Detectors of inauthentic accounts: pure functions of a log and of what a platform knows about accounts.

All are integers or fixed point with ties by account number: the same bits on every machine.
"""

from recsim.agents.detectors.detector import Detector, Parameter, settled
from recsim.agents.detectors.log import ACTS, Facts, Finding, Log, Truth, only
from recsim.agents.detectors.measure import Measured, Rate, describe, measure, wilson
from recsim.agents.detectors.registry import DETECTORS, detect, get_detector, listing

__all__ = [
    "ACTS",
    "DETECTORS",
    "Detector",
    "Facts",
    "Finding",
    "Log",
    "Measured",
    "Parameter",
    "Rate",
    "Truth",
    "describe",
    "detect",
    "get_detector",
    "listing",
    "measure",
    "only",
    "settled",
    "wilson",
]
