"""Arms: who acts in a world, with what, and who notices."""

from __future__ import annotations

import dataclasses

DOORS = ("gates", "ranking", "learning", "proof")
"""Readers of inauthentic counts: the gates of staged pools; the features a policy ranks by; what predictors and learning
policies are trained on; people, who see how often an item was liked. (Follows and posts need no door.)"""


@dataclasses.dataclass(frozen=True)
class Arm:
    """One version of what happens after the shared days; everything not said is as the scenario has it.

    Attributes:
        name: label in the column "arm" of every table.
        campaigns: ids of those that act, of the ones the counterfactual is without; None: all.
        tactics: tactics that have an effect; None: all.
        doors: readers that see inauthentic counts; None: all of `DOORS`.
        removal_day: day relative to the vote on which all inauthentic accounts are removed; None: as the scenario says.
        placebo: targets are drawn in proportion to human engagement over all content, and posts are left out.
    """

    name: str
    campaigns: frozenset[str] | None = None
    tactics: frozenset[str] | None = None
    doors: frozenset[str] | None = None
    removal_day: int | None = None
    placebo: bool = False

    def acts(self, campaign: str) -> bool:
        """Whether a campaign acts that the counterfactual is without."""
        return self.campaigns is None or campaign in self.campaigns

    def uses(self, tactic: str) -> bool:
        """Whether a tactic has an effect."""
        return self.tactics is None or tactic in self.tactics

    def opens(self, door: str) -> bool:
        """Whether a reader sees inauthentic counts."""
        return self.doors is None or door in self.doors


SHARED = Arm("shared", campaigns=frozenset())
FACTUAL = Arm("factual")
COUNTERFACTUAL = Arm("counterfactual", campaigns=frozenset())
