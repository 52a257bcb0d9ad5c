"""Who has met posts that tell people not to vote, counted from the exact memory of what each person was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.kernels import shown
from recsim.state import STANCES

if TYPE_CHECKING:
    from recsim.state import Items, Observed
    from recsim.world.plan import Plan
    from recsim.world.world import World


def demobilises(plan: Plan) -> bool:
    """Whether any campaign has posts that tell people not to vote."""
    return any(bool(post.mix.demobilising.any()) for post in plan.posts)


def no_demobilising(plan: Plan, people: int) -> np.ndarray:
    """(U, C, 3) int32 zeros; U = 0 if no campaign has such posts."""
    return np.zeros((people if demobilises(plan) else 0, len(plan.candidates), len(STANCES)), np.int32)


def add_seen(observed: Observed, items: Items, start: int, end: int, out: np.ndarray) -> None:
    """Count the people to whom demobilising posts were shown. A post is shown to a person at most once.

    Args:
        observed: with what people have been shown. items: as the world has them.
        start, end: numbers of the items; all of them must still be remembered.
        out: (U, C, 3) int32, by candidate and stance; added to.
    """
    labels, who = items.labels, np.zeros(len(out), np.bool_)
    for item in start + np.flatnonzero(labels.demobilising[start:end] & (labels.candidate[start:end] >= 0)):
        shown.to_whom(observed, np.int64(item), who)
        out[:, labels.candidate[item], labels.stance[item] + 1] += who


def note_leaving(world: World) -> None:
    """Add the items that leave the live window after this step; they are about to be forgotten."""
    state, plan, now = world.state, world.plan, world.now
    if not len(state.demobilised):
        return
    start = int(state.born[max(0, now + 1 - plan.lifetime)])
    after = int(state.born[max(0, now + 2 - plan.lifetime)])
    add_seen(state.observed, state.items, start, after, state.demobilised)


def demobilised_by_now(world: World) -> np.ndarray:
    """(U, C, 3) int32, demobilising impressions since the world began, items that are still live included.

    Args:
        world: between two steps.
    """
    out, state = world.state.demobilised.copy(), world.state
    if len(out):
        start, end = (int(state.born[max(0, s)]) for s in (world.now + 1 - world.plan.lifetime, world.now))
        add_seen(state.observed, state.items, start, end, out)
    return out
