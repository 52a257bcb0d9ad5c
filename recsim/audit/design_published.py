"""Published audits with accounts, judged by the same formulas: what each design could show, apart from what it found.

What an audit did not state, or was not read, is assumed and listed as such. The verdict is about the design under these
assumptions, not about whether the finding is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scipy.special import betaincinv

from recsim.audit.design import DesignResult, design


@dataclass(frozen=True)
class Published:
    """A design as published.

    Attributes:
        name: authors, place, year. source: where it was read. found: the published result.
        settings: arguments of `design` that it states. assumed: those that it does not, and why these values.
        counted: items of the side in question and all items, where the share is a count; None: not known.
    """

    name: str
    source: str
    found: str
    settings: dict[str, Any]
    assumed: dict[str, tuple[Any, str]] = field(default_factory=dict)
    counted: tuple[int, int] | None = None

    def judge(self, **numbers: float) -> DesignResult:
        """The design by formula; ``numbers`` replace assumptions (as in `design`)."""
        return design(**{**self.settings, **{name: value for name, (value, _) in self.assumed.items()}, **numbers})


_DAY = (1, "one session, or not stated")
_ITEMS = (30, "items about the question a day: not stated")
_SPLIT = "equal arms: not stated"
PUBLISHED = (
    Published(
        "Global Witness, Romania, December 2024", "globalwitness.org, 6 December 2024",
        "23 of 27 items that supported a candidate were for one of two; one new account, 10 minutes, 54 items",
        {"accounts": 1, "days": 1, "items": 27, "effect_pp": 35, "compare": "share"}, {}, (23, 27),
    ),
    Published(
        "Global Witness, Romania, May 2025", "secondary account (romaniaobserver.com)",
        "74 % of 65 political items for one side; three new accounts, 30 minutes in all",
        {"accounts": 3, "effect_pp": 24, "items": 65 / 3, "compare": "share"}, {"days": _DAY}, (48, 65),
    ),
    Published(
        "Global Witness, Germany, February 2025", "secondary accounts",
        "74 % of partisan items on one service leaned right; three accounts on each of three services",
        {"accounts": 3, "effect_pp": 24, "compare": "share"}, {"days": _DAY, "items": _ITEMS},
    ),
    Published(
        "Ye, Luceri and Ferrara 2025, X, United States", "arXiv 2411.01852, abstract",
        "neutral accounts lean right; 120 accounts in four groups, six weeks",
        {"accounts": 30, "days": 42, "compare": "arms"},
        {"items": _ITEMS, "effect_pp": (5, "the effect that would matter: ours")},
    ),
    Published(
        "Ibrahim et al. 2025, TikTok, United States", "arXiv 2501.17831, abstract",
        "11.8 % more items of the own side for one party's accounts, 7.5 % more of the other side for the other's; 323 experiments, 394,000 items",
        {"effect_pp": 7.5, "compare": "arms"},
        {"accounts": (161, _SPLIT), "days": (7, "length of an experiment: not read"), "items": _ITEMS},
    ),
    Published(
        "Morosini et al. 2026, X", "arXiv 2606.30801, abstract",
        "right-leaning and toxic content amplified against the chronological feed; 1,120 agents, three arms, 200,000 exposures",
        {"compare": "arms"},
        {"accounts": (373, _SPLIT), "days": _DAY, "items": _ITEMS, "effect_pp": (5, "the effect that would matter: ours")},
    ),
)  # fmt: skip


def exact_interval(found: int, of: int, level: float = 0.05) -> tuple[float, float]:
    """Interval of a share if every item were independent (Clopper and Pearson 1934).

    Args:
        found: items of one side. of: all items, at least 1. level: 0-1, chance of missing.

    Returns:
        Both ends, 0-1.
    """
    low = float(betaincinv(found, of - found + 1, level / 2)) if found else 0.0
    high = float(betaincinv(found + 1, of - found, 1 - level / 2)) if found < of else 1.0
    return low, high


def back_test(**numbers: float) -> list[dict[str, Any]]:
    """Every published design judged.

    Args:
        numbers: that replace the assumptions of `design` in all of them, such as ``between_pp``.

    Returns:
        One row each: name, source, found, counted_low and counted_high (share if items were independent, 0-1; None), assumed
        (name: value and why), and ``design``, the whole of `DesignResult.to_dict`.

    Raises:
        InputError: a number out of its bounds.
    """
    rows = []
    for one in PUBLISHED:
        low, high = (None, None) if one.counted is None else exact_interval(*one.counted)
        rows.append(
            {
                "name": one.name, "source": one.source, "found": one.found, "counted_low": low, "counted_high": high,
                "assumed": {name: {"value": value, "why": why} for name, (value, why) in one.assumed.items()},
                "design": one.judge(**numbers).to_dict(),
            }
        )  # fmt: skip
    return rows
