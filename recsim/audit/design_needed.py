"""How many accounts and days an effect needs, and which split of a budget is cheapest."""

from __future__ import annotations

from typing import NamedTuple

from recsim.audit.design_power import Compare, Model, detectable, parts_of, power_of

MOST_ACCOUNTS = 100_000
"""Accounts of an arm up to which is searched."""
LONGEST = 365
"""Days up to which is searched."""
LEAST_BEFORE_AFTER = 10
"""Days in all below which a comparison of before and after is not made: its error rests on how days differ."""


class Aim(NamedTuple):
    """What is to be found, and how surely.

    Attributes:
        compare: the comparison. model: what is assumed. items: a day and account.
        effect, level, power: shares, 0-1. normal: as in `power_of`.
    """

    compare: Compare
    model: Model
    items: float
    effect: float
    level: float
    power: float
    normal: bool = False

    def reached(self, accounts: float, days: float) -> bool:
        """Whether so many accounts on so many days find the effect with the power asked for."""
        parts = parts_of(self.compare, self.model, accounts, days, self.items)
        return power_of(parts, self.effect, self.level, self.normal) >= self.power

    def detectable(self, accounts: float, days: float) -> float:
        """The smallest effect that they find with that power, as a share."""
        parts = parts_of(self.compare, self.model, accounts, days, self.items)
        return detectable(parts, self.level, self.power, self.normal)

    @property
    def groups(self) -> int:
        """Accounts that one counted account stands for: two with arms and twins."""
        return 2 if self.compare in ("arms", "twins") else 1

    @property
    def least_days(self) -> int:
        """Days of the shortest design that is judged at all."""
        return LEAST_BEFORE_AFTER if self.compare == "before-after" else 1


def accounts_needed(aim: Aim, days: float, most: int = MOST_ACCOUNTS) -> int | None:
    """The fewest accounts (of an arm) that find the effect in so many days; None: not even ``most`` do."""
    if days < aim.least_days or not aim.reached(most, days):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if aim.reached(middle, days) else (middle, high)
    return high


def days_needed(aim: Aim, accounts: int) -> int | None:
    """The fewest days, up to a year, in which so many accounts find the effect; None: they do not in a year."""
    if not aim.reached(accounts, LONGEST):
        return None
    return next(days for days in range(aim.least_days, LONGEST + 1) if aim.reached(accounts, days))


class Split(NamedTuple):
    """Accounts of an arm, days, and what they cost in all."""

    accounts: int
    days: int
    cost: float


def cheapest(aim: Aim, of_account: float, of_day: float) -> Split | None:
    """The cheapest design that finds the effect, among all of up to a year; the shorter one of equals. None: there is none.

    Args:
        aim: what is to be found.
        of_account, of_day: cost of setting up one account, and of running one for a day; in one unit, 0 or more.
    """
    best: Split | None = None
    most = MOST_ACCOUNTS
    for days in range(aim.least_days, LONGEST + 1):
        if most > 1 and aim.reached(most, days) and not aim.reached(most - 1, days):
            accounts: int | None = most  # as many as with a day less
        else:
            accounts = accounts_needed(aim, days, most)
        if accounts is None:
            continue
        most = accounts
        cost = aim.groups * accounts * (of_account + of_day * days)
        if best is None or cost < best.cost:
            best = Split(accounts, days, cost)
    return best
