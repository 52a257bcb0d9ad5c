"""Posts go with the accounts that posted them, and come back with those that moderation lets back in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.state import BOT, IMPERSONATION, VOLUNTEER
from recsim.world.acting import removal_step

if TYPE_CHECKING:
    from recsim.world.world import World

INAUTHENTIC = (BOT, IMPERSONATION)
"""Kinds of items whose authors are not who they seem; paid influencers and volunteers are real people, and no date of removal
is theirs."""
OF_ACCOUNTS = (BOT, VOLUNTEER)
"""Kinds of items whose authors are accounts of a network, which moderation may remove one by one."""
ROWS = 1 << 14
"""People whose inboxes are gone through together."""


def take_down(world: World) -> None:
    """Hide live posts of accounts that are gone by now: by their own fate, by moderation, or on the arm's removal day.

    Nobody is recommended such a post any more; lists of search results and of new items are cleared when they are
    rebuilt next. Posts of an account that moderation has removed are there again once it is released, but in no inbox.
    """
    plan, state, now = world.plan, world.state, world.now
    if not any(p.kind in (*INAUTHENTIC, *OF_ACCOUNTS) for p in plan.posts):
        return
    start, end = world.window
    labels, posted = state.items.labels, state.posted[start:end]
    kind = labels.kind[start:end]
    fake = posted & np.isin(kind, INAUTHENTIC)
    state.down[start:end] |= fake & ((state.vanishes[start:end] <= now) | (now >= removal_step(plan, world.arm)))
    away = np.zeros(end - start, bool)
    mine = posted & np.isin(kind, OF_ACCOUNTS)
    for number, campaign in enumerate(plan.campaigns):
        if campaign.id in state.rosters:
            rows = np.flatnonzero(mine & (labels.campaign[start:end] == number))
            away[rows] = ~state.rosters[campaign.id].active[state.poster[start:end][rows]]
    state.away[start:end] = away
    hidden = posted & (state.down[start:end] | away)
    before = posted & ~labels.present[start:end]
    if np.array_equal(hidden, before):
        return
    state.hide(state.down | state.away)
    new = start + np.flatnonzero(hidden & ~before)
    new = new[new < state.born[now]]  # what is posted in this step is delivered after this, and only if it is there
    if len(new):
        leave_inboxes(world, new)


def leave_inboxes(world: World, gone: np.ndarray) -> None:
    """Take items out of everybody's inbox; a place that becomes empty stays so until the next post comes round to it.

    Args:
        world: whose; inboxes are written. gone: (N,) numbers of items.
    """
    away = np.zeros(len(world.state.status) + 1, bool)  # an empty place, -1, reads the last one
    away[gone] = True
    inbox = world.state.observed.inbox

    def some(low: int, high: int) -> None:
        for first in range(low, high, ROWS):
            part = inbox[first : min(first + ROWS, high)]
            part[away[part]] = -1

    world.feed.side_by_side(some)
