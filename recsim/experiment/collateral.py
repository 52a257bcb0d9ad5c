"""What moderation and mitigations do to genuine people and creators, and how well detectors and reviewers do."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsim.experiment.efficacy import fieller
from recsim.experiment.worlds import Worlds
from recsim.metrics import interval

SHARES = {
    "people_sanctioned": ("collateral", "sanctioned", "people"),
    "actions_uncounted": ("collateral", "uncounted_actions", "actions"),
    "items_held": ("held", "held", "item_steps"),
    "items_demoted": ("held", "demoted", "item_steps"),
    "items_withdrawn": ("held", "withdrawn", "item_steps"),
}
"""Table, numerator and denominator of each figure of collateral harm."""
RATES = {
    "precision": ("inauthentic_flagged", "flagged"),
    "recall": ("inauthentic_flagged", "inauthentic"),
    "false_positive_rate": ("people_flagged", "people"),
}


def collateral_of(worlds: Worlds, arm: str) -> dict[str, np.ndarray]:
    """(R,) each of `SHARES` in one arm, per cent of all days of the window; 0 where nothing can be sanctioned or held."""
    return {name: shares["all"] for name, shares in _shares(worlds, arm, None).items()}


def by_language(worlds: Worlds, arm: str) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and 95 % interval of each of `SHARES` in one arm by language, per cent; nothing where there is nothing."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for name, shares in _shares(worlds, arm, "language").items():
        for language, x in shares.items():
            t = interval(x)
            out.setdefault(name, {})[language] = {"mean": t.mean, "ci_low": t.low, "ci_high": t.high}
    return out


def _shares(worlds: Worlds, arm: str, by: str | None) -> dict[str, dict[str, np.ndarray]]:
    out: dict[str, dict[str, np.ndarray]] = {}
    for name, (table, above, below) in SHARES.items():
        parts, wholes = worlds.sums(table, arm, above, by), worlds.sums(table, arm, below, by)
        out[name] = {
            group: 100 * np.divide(parts[group], whole, out=np.zeros_like(whole), where=whole > 0)
            for group, whole in wholes.items()
        }
        if by is None:
            out[name].setdefault("all", np.zeros(len(worlds.replicates)))
    return out


def detectors_of(worlds: Worlds, arm: str) -> dict[str, dict[str, Any]]:
    """Precision, recall and false-positive rate of each detector in one arm, over all its runs in the window.

    Runs count accounts, so an account that every run flags counts once a run. Recall is of the inauthentic accounts that
    have acted within the detector's log. Sums over replicates, with Fieller's interval where the denominator is told
    from zero. Empty without detectors.
    """
    columns = {name for pair in RATES.values() for name in pair}
    sums = {name: worlds.sums("detections", arm, name, "detector") for name in columns}
    out: dict[str, dict[str, Any]] = {}
    for detector in sorted(sums["flagged"]):
        row: dict[str, Any] = {"flagged": float(sums["flagged"][detector].mean())}
        for rate, (above, below) in RATES.items():
            a, b = sums[above][detector], sums[below][detector]
            found = fieller(a, b)
            row[rate] = float(a.sum() / b.sum()) if b.sum() else None
            row[f"{rate}_low"], row[f"{rate}_high"] = (float(np.clip(end, 0.0, 1.0)) for end in (found.low, found.high))
        out[detector] = row
    return out


def reviews_of(worlds: Worlds, arm: str) -> dict[str, dict[str, float]]:
    """What reviewers decide in one arm by language; simulated cases, means over replicates and luck branches.

    ``decided``, ``wrongly_found``, ``missed`` in the campaign window; ``waiting`` at its end; ``waited_h`` hours on
    average. Empty where nobody reviews.
    """
    names = ("decided", "rightly_found", "wrongly_found", "missed", "waiting", "waited_hours")
    sums = {name: worlds.sums("reviews", arm, name, "language") for name in names}
    out: dict[str, dict[str, float]] = {}
    for language in sorted(sums["decided"]):
        row = {name: float(sums[name][language].mean()) for name in names}
        hours, decided = row.pop("waited_hours"), row["decided"]
        out[language] = {**row, "waited_h": hours / decided if decided else float("nan")}
    return out


__all__ = ["RATES", "SHARES", "by_language", "collateral_of", "detectors_of", "reviews_of"]
