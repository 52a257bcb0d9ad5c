"""Posts go with the accounts that posted them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.state import BOT, IMPERSONATION
from recsim.world.acting import removal_step

if TYPE_CHECKING:
    from recsim.world.world import World

INAUTHENTIC = (BOT, IMPERSONATION)
"""Kinds of items whose authors are not who they seem; paid influencers are real people, and their posts stay."""


def take_down(world: World) -> None:
    """Hide live posts of accounts that are gone by now: by their own fate, by moderation, or on the arm's removal day.

    Nobody is recommended such a post any more; lists of search results and of new items are cleared when they are
    rebuilt next.
    """
    plan, state, now = world.plan, world.state, world.now
    if not any(p.kind in INAUTHENTIC for p in plan.posts):
        return
    start, end = world.window
    labels = state.items.labels
    kind = labels.kind[start:end]
    there = labels.present[start:end] & ((kind == BOT) | (kind == IMPERSONATION))
    if not there.any():
        return
    gone = there & ((state.vanishes[start:end] <= now) | (now >= removal_step(plan, world.arm)))
    for number, campaign in enumerate(plan.campaigns):
        if campaign.id in state.rosters:
            mine = np.flatnonzero(there & (kind == BOT) & (labels.campaign[start:end] == number))
            gone[mine] |= ~state.rosters[campaign.id].active[state.poster[start:end][mine]]
    if not gone.any():
        return
    state.down[start:end] |= gone
    state.hide(state.down)
    inbox = state.observed.inbox
    inbox[state.down[np.maximum(inbox, 0)] & (inbox >= 0)] = -1
