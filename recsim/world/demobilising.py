"""Who has met posts that tell people not to vote, counted from the exact memory of what each person was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.kernels import shown
from recsim.state import STANCES

if TYPE_CHECKING:
    from recsim.world.plan import Plan
    from recsim.world.world import World


def demobilises(plan: Plan) -> bool:
    """Whether any campaign has posts that tell people not to vote."""
    return any(bool(post.mix.demobilising.any()) for post in plan.posts)


def no_demobilising(plan: Plan, people: int) -> np.ndarray:
    """(U, C, 3) int32 zeros; U = 0 if no campaign has such posts."""
    return np.zeros((people if demobilises(plan) else 0, len(plan.candidates), len(STANCES)), np.int32)


def add_seen(world: World, start: int, end: int, out: np.ndarray) -> None:
    """Count the people to whom demobilising posts were shown. A post is shown to a person at most once.

    Args:
        world: with what people have been shown, and what the items are.
        start, end: numbers of the items; all of them must still be remembered.
        out: (U, C, 3) int32, by candidate and stance; added to.
    """
    observed, labels = world.state.observed, world.state.items.labels
    candidate = labels.candidate[start:end].astype(np.int64)
    wanted = labels.demobilising[start:end] & (candidate >= 0)
    if not wanted.any():
        return
    kinds = len(STANCES)
    column = np.where(wanted, candidate * kinds + labels.stance[start:end] + 1, -1)
    table = out.reshape(len(out), out.shape[1] * kinds)
    world.feed.side_by_side(
        lambda low, high: shown.count_shown(low, high, observed, np.int64(start), column, table)
    )  # fmt: skip


def note_leaving(world: World) -> None:
    """Add the items that leave the live window after this step; they are about to be forgotten."""
    state, plan, now = world.state, world.plan, world.now
    if not len(state.demobilised):
        return
    start = int(state.born[max(0, now + 1 - plan.lifetime)])
    after = int(state.born[max(0, now + 2 - plan.lifetime)])
    add_seen(world, start, after, state.demobilised)


def demobilised_by_now(world: World) -> np.ndarray:
    """(U, C, 3) int32, demobilising impressions since the world began, items that are still live included.

    Args:
        world: between two steps.
    """
    out, state = world.state.demobilised.copy(), world.state
    if len(out):
        start, end = (int(state.born[max(0, s)]) for s in (world.now + 1 - world.plan.lifetime, world.now))
        add_seen(world, start, end, out)
    return out
