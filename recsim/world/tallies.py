"""Room for what people do in a step and a day, thread by thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.state import ACTIONS, KINDS, SOURCES, Tally
from recsim.world.persons import keeps_people

if TYPE_CHECKING:
    from recsim.world.plan import Plan

ROOM = 4096
"""Room for entries of the step's lists at first; before a step it grows to what its visits may need at most."""
NARROW = (1 << 31) // 1024
"""People up to whom the watch time of an item in one step, in 1/1024, fits 32 bits."""
LISTS = ("follow_person", "follow_author", "engaged_person", "engaged_item", "engaged_value", "acts")


def empty_tally(plan: Plan, people: int, window: int, threads: int, signals: np.ndarray) -> Tally:
    """Nothing counted yet.

    Args:
        plan: the realised scenario. people: rows, of this shard. window: most live items. threads: of the feed.
        signals: see `recsim.state.Tally`.
    """
    candidates, segments, shadows = len(plan.candidates), len(plan.segments), len(plan.shadows)
    learns = plan.policy.refit is not None
    kept = ROOM if learns else 0
    groups = plan.safeguards.aggregate.groups
    return Tally(
        items=np.zeros((threads, window, len(ACTIONS)), np.int32 if plan.people < NARROW else np.int64),
        exposure=np.zeros((threads, segments, candidates, 3), np.int64),
        comments=np.zeros((threads, segments, candidates), np.int64),
        provenance=np.zeros((threads, candidates, len(KINDS), len(SOURCES)), np.int64),
        feed=np.zeros((threads, 4), np.int64), follow_person=np.zeros((threads, ROOM), np.int32),
        follow_author=np.zeros((threads, ROOM), np.int32), follow_count=np.zeros(threads, np.int64),
        shadow=np.zeros((threads, shadows, candidates + 2), np.int64), reached=np.zeros(people, np.uint64),
        met=np.zeros(people, np.int32), well=np.zeros((threads, 3), np.int64),
        engaged_person=np.zeros((threads, kept), np.int32), engaged_item=np.zeros((threads, kept), np.int32),
        engaged_value=np.zeros((threads, kept if len(signals) else 0), np.int8), signals=signals,
        engaged_count=np.zeros(threads, np.int64),
        valued=np.zeros((threads, window if plan.weighs else 0, groups, len(ACTIONS)), np.int64),
        acted=np.zeros(people if plan.weighs else 0, np.int32),
        lost=np.zeros(people if plan.weighs else 0, np.int32),
        acts=np.zeros((threads, ROOM if plan.watched else 0, 3), np.int32), acts_count=np.zeros(threads, np.int64),
        context=np.zeros((threads, window if learns else 0, 3), np.int64),
        impressions=np.zeros((people if keeps_people(plan.scenario) else 0, candidates, 3), np.int32),
    )  # fmt: skip


def with_room(tally: Tally, entries: int) -> Tally:
    """The same with room for so many entries of each thread in the lists of the step, which are empty; unused room takes
    no memory.
    """
    larger = {}
    for name, array in tally._asdict().items():
        if name in LISTS and 0 < array.shape[1] < entries:
            larger[name] = np.empty((len(array), entries, *array.shape[2:]), array.dtype)
    return tally._replace(**larger)
