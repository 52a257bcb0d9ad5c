"""Taking counted events back: what the platform does when it finds out whose they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.agents.networks import FULL, Network, Roster
from recsim.kernels.acts import FOLLOWED
from recsim.state import ACTIONS, FIXED, WATCH

if TYPE_CHECKING:
    from recsim.world.build import State

UNITS = np.array([FIXED if action == WATCH else 1 for action in range(len(ACTIONS))], np.int64)
"""What one logged event adds to ``counters.total``, by action."""


def roll_back(
    state: State, network: Network, roster: Roster, accounts: np.ndarray, recognised: np.ndarray, step: int, factor: float
) -> int:  # fmt: skip
    """Subtract every logged event of some accounts from all counts, and take it out of the log.

    Counts are as if the accounts had never acted (but for decayed counts put together from groups, which fall in the
    proportion of the whole ones); what people and policies did because of them stays. Top comments and
    picks after searches stay too: they are no counts.

    Args:
        state: of the world; counters, ``counted`` and followers written.
        network, roster: whose accounts they are; the roster's log is replaced.
        accounts: (N,) bool, the accounts. recognised: (N,) bool, those whose counted events use up a cap together.
        step: last step whose events are already in the decayed counters (the current one after learning).
        factor: float32, by which decayed counters fall in a step.

    Returns:
        The number of events taken back.
    """
    gone_parts, kept, kept_fake, gone_fake = [], [], [], []
    for part, fake in zip(roster.log, roster.fake, strict=True):
        mine = accounts[part[:, 0]]
        gone_parts.append(part[mine])
        gone_fake.append(fake[mine])
        if not mine.all():
            kept.append(part[~mine] if mine.any() else part)
            kept_fake.append(fake[~mine] if mine.any() else fake)
    roster.log, roster.fake = kept, kept_fake
    if not gone_parts:
        return 0
    gone, fake = np.concatenate(gone_parts), np.concatenate(gone_fake)
    follows = gone[:, 1] < 0
    state.accounts.followers[state.accounts.official[network.beneficiary]] -= int((gone[:, 1] == -1).sum())
    others = gone[:, 1] <= FOLLOWED
    np.subtract.at(state.accounts.followers, FOLLOWED - gone[others, 1].astype(np.int64), 1)
    on_items, fake = gone[~follows], fake[~follows]
    account, item, action, weight, when = on_items.astype(np.int64).T
    units, counters = UNITS[action], state.counters
    np.subtract.at(counters.total, (item, action), units)
    np.subtract.at(counters.fake, (item[fake], action[fake]), units[fake])
    if len(counters.valued):
        group = roster.group[account].astype(np.int64)
        np.subtract.at(counters.valued, (item, group, action), weight * units)
        np.subtract.at(counters.fake_valued, (item[fake], group[fake], action[fake]), (weight * units)[fake])
        spent = recognised[account] & (weight > 0)  # what they used up of the cap is free again
        if spent.any():
            np.subtract.at(roster.capped, (item[spent], action[spent]), weight[spent].astype(np.int32))
    folded = when <= step
    np.subtract.at(state.counted, (item[folded], action[folded]), units[folded])
    worth = weight * units if len(counters.valued) else units * FULL
    books = [(counters.decayed, units * FULL, folded)]
    if counters.valued.shape[1] == 1:  # with more groups a count is no sum; see `recsim.world.books.Books.rolled_back`
        books += [
            (book.decayed, worth, rows)
            for book, rows in ((state.weighed, folded), (state.clean, folded & ~fake))
            if book
        ]
    for decayed, amount, rows in books:
        _take_decayed(decayed, item[rows], action[rows], amount[rows], step - when[rows], np.float32(factor))
    return len(gone)


def _take_decayed(
    decayed: np.ndarray, item: np.ndarray, action: np.ndarray, amount: np.ndarray, age: np.ndarray, factor: np.float32
) -> None:
    """Lower decayed counters by what is left of events worth ``amount`` (N,) int64, in 1/1024, oldest first; whole numbers
    are added up before floats.
    """
    left = np.ones(int(age.max(initial=0)) + 1, np.float32)
    for k in range(1, len(left)):
        left[k] = left[k - 1] * factor
    for old in np.unique(age)[::-1]:
        here = age == old
        place, entry = np.unique(item[here] * len(ACTIONS) + action[here], return_inverse=True)
        where, together = (place % len(ACTIONS), place // len(ACTIONS)), np.zeros(len(place), np.int64)
        np.add.at(together, entry, amount[here])
        gone = (together / FULL).astype(np.float32) * left[old]
        decayed[where] = np.maximum(decayed[where] - gone, np.float32(0.0))
