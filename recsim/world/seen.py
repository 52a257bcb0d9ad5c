"""The memory of what people have been shown: a bit for every live item, or pages of entries where those are smaller.

Which of the two it is changes no number: neither ever forgets a live item. Pages are made, and handed out to threads,
between steps; within a step every thread takes pages from a stack of its own.

Once a day, in the turn of a person's row, what has expired is dropped. In worlds of many gigabytes, where a look at memory costs most by
the number of places it has to look at, her pages are also laid side by side then, in a region of pages of those who have the same
turn; the region they had before becomes nobody's, and the next turn's. The pages of what she is shown until then lie anywhere.
What is nobody's and more than the next turns need is given back to the system.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recsim import aligned
from recsim.kernels import shown
from recsim.state import Observed, Pages, no_pages

if TYPE_CHECKING:
    from recsim.world.build import State
    from recsim.world.plan import Plan

NUMBERS = 1 << 16
"""Item numbers that an entry tells apart."""
SMALL = 256 * 2**20
"""Bytes of bits that are no burden: worlds up to this size keep bits, which are a little faster to look up."""

LARGE = 5 * 2**30
"""Bytes of pages from which on they are laid side by side: with 4.5 GB the time that saves is just what it takes."""


def words_of(window: int) -> int:
    """Words of 64 bits that hold any window of so many items."""
    return window // 64 + 3


def expected_entries(plan: Plan, late: float = 0.0) -> float:
    """Entries of the average person: what she is shown in an item's life, were it all new when she saw it.

    Args:
        late: days for which she keeps what has expired.
    """
    activity = plan.scenario.activity
    a_day = activity.visits_per_day.value * min(activity.videos_per_visit.value, float(plan.reaction.slate))
    return a_day * (plan.lifetime / plan.steps_per_day + late)


def page_bytes(plan: Plan) -> float:
    """Bytes of the average person's pages at most: entries, a half-empty page, and who has which.

    People are swept once a day, so that they keep what has expired for half a day on average; and those of one turn can have
    twice as many pages as they need.
    """
    each = expected_entries(plan, late=0.5) / shown.ENTRIES + 0.5
    return 2 * shown.PAGE * each * (1 + 1 / plan.steps_per_day) + 5


def keeps_pages(plan: Plan, people: int, born: np.ndarray, window: int) -> bool:
    """Whether pages take the place of bits: where those would be large, and pages are smaller and can tell items apart.

    Args:
        plan: the scenario. people: rows. born: (steps + 1,) int64, first item created at or after each step. window: most
            live items.
    """
    bits = 8 * words_of(window)
    return people * bits > SMALL and page_bytes(plan) < bits and can_tell_apart(plan, born, window)


def can_tell_apart(plan: Plan, born: np.ndarray, window: int) -> bool:
    """Whether an item that expired since the last sweep can have the number of a live one modulo 65536: then pages cannot
    be kept.
    """
    day, steps = plan.steps_per_day, len(born) - 1
    oldest = born[np.maximum(np.arange(steps + 1) + 1 - plan.lifetime, 0)]
    left = oldest[np.minimum(np.arange(steps + 1) + day + 1, steps)] - oldest
    return int(left.max(initial=0)) + 64 * words_of(window) <= NUMBERS


def empty_memory(people: int, window: int, pages: int) -> tuple[np.ndarray, Pages]:
    """Nobody has been shown anything.

    Args:
        people: U. window: most items that are ever live at once. pages: room for so many at first; 0: bits are kept.

    Returns:
        ``seen`` and ``pages`` of `recsim.state.Observed`.
    """
    if not pages:
        return aligned.zeros((people, words_of(window)), np.uint64), no_pages()
    # What is not written to takes no memory: room may be generous.
    return aligned.zeros((1, NUMBERS // 64), np.uint64), Pages(
        entry=aligned.empty((pages, shown.PAGE), np.uint16), last=np.full(people, -1, np.int32),
        filled=np.zeros(people, np.uint8), spare=np.empty(pages, np.int32), spares=np.zeros(1, np.int64),
        made=np.zeros(1, np.int64), regions=np.zeros((0, 3), np.int64),
    )  # fmt: skip


def first_pages(plan: Plan, people: int) -> int:
    """Room for pages at the start of a run: more than so many people are expected to need at most.

    Moving to a larger place needs memory for both, and what is not written to takes none; so nobody is thought to be swept before
    the day is over, and one turn has its pages twice while they are laid side by side.
    """
    each = expected_entries(plan, late=1.0) / shown.ENTRIES + 0.75
    return int(people * each * (1 + 1 / plan.steps_per_day)) + 1024


def forked(pages: Pages) -> Pages:
    """A copy whose changes leave these alone; what was never handed out is not copied."""
    entry, spare = aligned.empty(pages.entry.shape, np.uint16), np.empty_like(pages.spare)
    made, spares = int(pages.made[0]), int(pages.spares[0])
    entry[:made], spare[:spares] = pages.entry[:made], pages.spare[:spares]
    return Pages(
        entry, pages.last.copy(), pages.filled.copy(), spare, pages.spares.copy(), pages.made.copy(), pages.regions.copy()
    )  # fmt: skip


def sweep(plan: Plan, state: State, now: int, side_by_side: Callable[..., None]) -> None:
    """Take expired items out of the pages of some people, and in large worlds lay side by side what is left; everybody has her
    turn once a day.

    Args:
        plan: the scenario. state: its pages are changed. now: the step that comes next.
        side_by_side: calls a function for ranges of rows, see `recsim.world.feed.Feed.side_by_side`.
    """
    day, people = plan.steps_per_day, len(state.observed.pages.last)
    turn = now % day
    if not people:
        return
    oldest = np.int64(state.born[max(0, now + 1 - plan.lifetime)])
    window = np.int64(state.born[now]) - oldest  # of the items that anybody can have been shown
    rows = range(people * turn // day, people * (turn + 1) // day)
    pages = _with_a_whole_stack(state)
    own = np.ascontiguousarray(pages.regions[pages.regions[:, 0] == turn, 1:])
    parts: dict[tuple[int, int], Pages] = {}
    left: dict[tuple[int, int], int] = {}

    def drop(low: int, high: int) -> None:
        # Pages that nobody needs any more go on a stack of the range's own; what is not written to takes no memory.
        parts[low, high] = part = pages._replace(spare=np.empty_like(pages.spare), spares=np.zeros(1, np.int64))
        left[low, high], _ = shown.drop_expired(np.int64(low), np.int64(high), part, own, oldest, window)

    side_by_side(drop, rows)
    _put_all_back(pages, parts)
    if len(pages.last) * page_bytes(plan) < LARGE:
        return
    ranges = sorted(left)
    to, taken = _new_region(state, turn, sum(left.values()))
    ends = np.cumsum([left[one] for one in ranges])
    pages = state.observed.pages

    def gather(low: int, high: int) -> None:
        parts[low, high] = part = pages._replace(spare=np.empty_like(pages.spare), spares=np.zeros(1, np.int64))
        mine = ranges.index((low, high))
        shown.gather_pages(np.int64(low), np.int64(high), part, own, to[ends[mine] - left[low, high] : ends[mine]])

    side_by_side(gather, rows)
    _put_all_back(pages, parts)
    state.observed = state.observed._replace(pages=pages._replace(regions=taken))
    for first, end in idle_pages(taken):
        aligned.give_back(pages.entry, first, end)


def idle_pages(regions: np.ndarray) -> list[tuple[int, int]]:
    """Pages that are nobody's, beyond what any turn is likely to move into next: they are taken by place, so these come last.

    After the first days people have fewer entries than ever before, since they are shown items of all ages by then, no new ones alone.
    """
    owned = regions[regions[:, 0] >= 0]
    of_turn = np.bincount(owned[:, 0], owned[:, 2] - owned[:, 1])
    kept, idle = int(1.25 * of_turn.max(initial=0)), []
    for _, first, end in regions[regions[:, 0] < 0].tolist():
        stays = min(kept, end - first)
        kept -= stays
        if first + stays < end:
            idle.append((first + stays, end))
    return idle


def _new_region(state: State, turn: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pages that nobody has for a turn: of the regions that are nobody's, then new ones.

    Returns:
        (count,) int64, the pages; and the regions as they are once the turn has moved there.
    """
    found, rest, missing = [], [], count
    for whose, first, end in state.observed.pages.regions.tolist():
        if whose == turn:  # left behind by the move
            rest.append((-1, first, end))
        elif whose >= 0 or not missing:
            rest.append((whose, first, end))
        else:
            take = min(missing, end - first)
            found.append((turn, first, first + take))
            missing -= take
            if first + take < end:
                rest.append((-1, first + take, end))
    if missing:
        pages = _with_room(state.observed.pages, missing)
        state.observed = state.observed._replace(pages=pages)
        made = int(pages.made[0])
        found.append((turn, made, made + missing))
        pages.made[0] = made + missing
    to = np.concatenate([np.arange(first, end) for _, first, end in found] or [np.zeros(0, np.int64)]).astype(np.int64)
    return to, _joined([*rest, *found])


def _joined(regions: list[tuple[int, int, int]]) -> np.ndarray:
    """(K, 3) int64, regions by place, those that touch and have one owner as one."""
    out: list[tuple[int, int, int]] = []
    for whose, first, end in sorted(regions, key=lambda one: one[1]):
        if out and out[-1][0] == whose and out[-1][2] == first:
            out[-1] = (whose, out[-1][1], end)
        else:
            out.append((whose, first, end))
    return np.array(out, np.int64).reshape(-1, 3)


def _put_all_back(pages: Pages, parts: dict[tuple[int, int], Pages]) -> None:
    """Put the stacks of ranges on that of all, in the order of their rows."""
    for rows in sorted(parts):
        _put_back(pages, parts[rows])


def pages_in_use(pages: Pages) -> int:
    """Pages that people have."""
    nobodys = pages.regions[pages.regions[:, 0] < 0]
    return int(pages.made[0] - pages.spares[0] - (nobodys[:, 2] - nobodys[:, 1]).sum())


def hand_out(state: State, visits: Sequence[int], slate: int) -> list[Observed]:
    """What the platform knows, as each thread has it: with pages for all that its visits may show, and a row of bits.

    Args:
        state: its pages become more if there are too few.
        visits: of each thread. slate: most items of a visit.

    Returns:
        One for each thread; none where bits are kept.
    """
    pages = _with_a_whole_stack(state)
    if not len(pages.last):
        return []
    needs = [count * -(-slate // shown.ENTRIES) for count in visits]
    missing = sum(needs) - int(pages.spares[0])
    if missing > 0:
        pages = _with_more(pages, missing)
        state.observed = state.observed._replace(pages=pages)
    parts, top = [], int(pages.spares[0])
    for need in needs:
        own = pages._replace(spare=pages.spare[top - need : top].copy(), spares=np.full(1, need, np.int64))
        parts.append(state.observed._replace(pages=own, seen=aligned.zeros(state.observed.seen.shape, np.uint64)))
        top -= need
    pages.spares[0] = top
    return parts


def take_back(state: State, parts: Sequence[Observed]) -> None:
    """Put the pages that threads did not need back on the stack."""
    for part in reversed(parts):
        _put_back(state.observed.pages, part.pages)


def _put_back(pages: Pages, part: Pages) -> None:
    """Put what is on the stack of a part on that of all."""
    left, top = int(part.spares[0]), int(pages.spares[0])
    pages.spare[top : top + left] = part.spare[:left]
    pages.spares[0] = top + left


def _with_a_whole_stack(state: State) -> Pages:
    """The pages of a state, with room on the stack for all there are: a state that was saved has only what was on it."""
    pages = state.observed.pages
    if len(pages.spare) < len(pages.entry):
        spare = np.empty(len(pages.entry), np.int32)
        spare[: len(pages.spare)] = pages.spare
        pages = pages._replace(spare=spare)
        state.observed = state.observed._replace(pages=pages)
    return pages


def _with_more(pages: Pages, missing: int) -> Pages:
    """Put ``missing`` new pages on the stack, under those that are there."""
    pages = _with_room(pages, missing)
    made, spares = int(pages.made[0]), int(pages.spares[0])
    pages.spare[missing : missing + spares] = pages.spare[:spares].copy()
    pages.spare[:missing] = np.arange(made + missing - 1, made - 1, -1, dtype=np.int32)
    pages.spares[0], pages.made[0] = spares + missing, made + missing
    return pages


def _with_room(pages: Pages, missing: int) -> Pages:
    """The same with room for ``missing`` new pages; moves all to a larger place if it must."""
    made, spares, room = int(pages.made[0]), int(pages.spares[0]), len(pages.entry)
    if made + missing <= room:
        return pages
    room = max(made + missing, room + room // 8)
    entry, spare = aligned.empty((room, shown.PAGE), np.uint16), np.empty(room, np.int32)
    entry[:made], spare[:spares] = pages.entry[:made], pages.spare[:spares]
    return pages._replace(entry=entry, spare=spare)
