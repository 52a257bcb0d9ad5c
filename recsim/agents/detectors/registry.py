"""Detectors by name."""

from __future__ import annotations

from collections.abc import Mapping

from recsim.agents.detectors import (
    account_rate,
    cliques,
    dense_block,
    graph_trust,
    noise,
    shared_address,
    synchrony,
)
from recsim.agents.detectors.detector import Detector, settled
from recsim.agents.detectors.log import Facts, Finding, Log, Truth
from recsim.errors import unknown

DETECTORS: dict[str, Detector] = {
    module.DETECTOR.name: module.DETECTOR
    for module in (synchrony, account_rate, cliques, dense_block, graph_trust, shared_address, noise)
}


def get_detector(name: str, where: str | None = None) -> Detector:
    """The detector called ``name``.

    Raises:
        InputError: no such detector, with the nearest name.
    """
    if name not in DETECTORS:
        raise unknown("detector", name, DETECTORS, where)
    return DETECTORS[name]


def detect(
    name: str, log: Log, facts: Facts, parameters: Mapping[str, float] | None = None, truth: Truth | None = None
) -> Finding:
    """What the detector called ``name`` says about a log.

    Args:
        log, facts: see `Log`, `Facts`. parameters: in place of defaults. truth: for the noise model; others never see it.

    Raises:
        InputError: an unknown name or parameter, or a value out of range.
        ValueError: a noise model without truth; a log that is not sorted by step or names unknown accounts.
    """
    detector = get_detector(name)
    chosen = settled(detector, parameters or {})
    if not detector.reads_truth:
        return detector.find(log, facts, chosen)
    if truth is None:
        raise ValueError(f"got no truth; detector {name} needs it")
    return detector.find(log, facts, chosen, truth)


def listing() -> list[dict[str, object]]:
    """One row per detector: name, title, score, evidence, source, published figures, parameters with unit and evidence."""
    return [
        {
            "name": d.name, "title": d.title, "score": d.score, "evidence": d.evidence, "source": d.source,
            "published": d.published,
            "parameters": [f"{n}={q.default:g} {q.unit} ({q.evidence}: {q.source})" for n, q in d.parameters.items()],
        }
        for d in DETECTORS.values()
    ]  # fmt: skip
