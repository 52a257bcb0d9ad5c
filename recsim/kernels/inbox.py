"""Follow inboxes, and the follow graph as it grows.

Followers at the start stand in one sorted list for each author; a search halves it. Who followed since stands in a hash
table of the author's own: linear probing in a block of 2^k entries, at most three quarters of them filled. So a follow costs
the same however many an author has, and a table is read from end to end to deliver a post. A follow takes 5 to 21 bytes, as
tables fill and blocks that were outgrown wait for other authors; 8 to 9 where authors are as unequal as in the scenarios here.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.search import first_from

SHIFT = 14
BLOCK = 1 << SHIFT
"""Rows of people to whom posts are delivered together: their inboxes, 36 bytes each as a rule, stay in a core's cache."""
SMALLEST = 2
"""Logarithm to base 2 of the entries of an author's first block."""
I64, U32 = np.int64, np.uint32
GOLDEN = U32(2654435769)
"""2^32 / golden ratio: neighbouring numbers fall far apart (Knuth, The Art of Computer Programming 3, 6.4)."""


@njit(**HELPER)
def _put(inbox, inbox_next, person, item):
    place = inbox_next[person]
    inbox[person, place] = item
    inbox_next[person] = place + 1 if place + 1 < inbox.shape[1] else 0  # a remainder takes longer than all the rest


@njit(**KERNEL)
def deliver_posts(first, last, low, high, author, present, accounts, inbox, inbox_next):
    """Put items first..last-1, in order, into the inbox rings of those of their authors' followers who are in rows
    low..high-1: calls for different rows may run side by side.

    Followers of an author lie scattered over all rows. So rows are taken a block at a time, small enough for a core's cache,
    and all items are delivered there before the next; each person still gets them in order.

    Args:
        author: (I,) int32. present: (I,) bool, whether the item exists in this world.
        accounts: `recsim.state.Accounts`.
        inbox: (U, M) int32, written. inbox_next: (U,) int32, ring position, written.
    """
    if inbox.shape[1] == 0:
        return
    blocks = (high - low + BLOCK - 1) // BLOCK
    # Who followed since the start, by block and then item: tables are read once, not once for each block.
    start = np.zeros(blocks + 1, np.int64)
    for item in range(first, last):
        if present[item]:
            begin = I64(accounts.block[author[item]])
            for entry in range(begin, begin + accounts.size[author[item]]):
                person = I64(accounts.newer[entry])
                if person >= low and person < high:
                    start[((person - low) >> SHIFT) + 1] += 1
    for block in range(blocks):
        start[block + 1] += start[block]
    newer, what, filled = np.empty(start[blocks], np.int32), np.empty(start[blocks], np.int32), start.copy()
    edge = np.empty(last - first, np.int64)
    for item in range(first, last):
        edge[item - first] = first_from(
            accounts.person, accounts.start[author[item]], accounts.start[author[item] + 1], low
        )
        if present[item]:
            begin = I64(accounts.block[author[item]])
            for entry in range(begin, begin + accounts.size[author[item]]):
                person = I64(accounts.newer[entry])
                if person >= low and person < high:
                    place = filled[(person - low) >> SHIFT]
                    newer[place], what[place] = person, item
                    filled[(person - low) >> SHIFT] = place + 1
    for block in range(blocks):
        end, place = min(high, low + (block + 1) * BLOCK), start[block]
        for item in range(first, last):
            if not present[item]:
                continue
            at, after = edge[item - first], accounts.start[author[item] + 1]
            while at < after and accounts.person[at] < end:
                _put(inbox, inbox_next, accounts.person[at], item)
                at += 1
            edge[item - first] = at
            while place < start[block + 1] and what[place] == item:
                _put(inbox, inbox_next, newer[place], item)
                place += 1


@njit(**HELPER)
def _entry_of(newer, block, size, person):
    """Where a person stands in a hash table, or the empty entry where she would.

    Args:
        newer: (N,) int32. block, size: int64, the table is ``newer[block : block + size]``. person: int32.
    """
    mixed = U32(U32(person) * GOLDEN)
    entry = I64((mixed ^ (mixed >> U32(15))) & U32(size - 1))  # the lower bits of a product know only lower bits
    while newer[block + entry] >= 0 and newer[block + entry] != person:
        entry = (entry + 1) & (size - 1)
    return block + entry


@njit(**HELPER)
def _enlarge(accounts, whom):
    """Give an author a block twice as large; False if there is no room for one."""
    newer, size = accounts.newer, I64(accounts.size[whom])
    larger, kind = I64(1) << SMALLEST, SMALLEST
    while larger <= size:
        larger, kind = larger << 1, kind + 1
    place = I64(accounts.spare[kind])
    if place >= 0:
        accounts.spare[kind] = newer[place]
    else:
        place = accounts.used[0]
        if place + larger > newer.size:
            return False
        accounts.used[0] = place + larger
    newer[place : place + larger] = -1
    block = I64(accounts.block[whom])
    for entry in range(block, block + size):
        if newer[entry] >= 0:
            newer[_entry_of(newer, place, larger, newer[entry])] = newer[entry]
    if size:  # the old block waits for the next author who needs one of its size
        newer[block] = accounts.spare[kind - 1]
        accounts.spare[kind - 1] = block
    accounts.block[whom], accounts.size[whom] = place, larger
    return True


@njit(**KERNEL)
def add_follows(person, author, first, count, accounts):
    """Add follows that are not there yet.

    Args:
        person, author: (N,) int32, requested follows in canonical order; first..count-1 are looked at.
        accounts: `recsim.state.Accounts`, written.

    Returns:
        ``count``, or the request that found no room: call again from there, with a longer ``accounts.newer``.
    """
    for n in range(first, count):
        who, whom = person[n], author[n]
        after = accounts.start[whom + 1]
        edge = first_from(accounts.person, accounts.start[whom], after, who)
        if edge < after and accounts.person[edge] == who:
            continue
        size = I64(accounts.size[whom])
        if size and accounts.newer[_entry_of(accounts.newer, I64(accounts.block[whom]), size, who)] == who:
            continue
        if 4 * (I64(accounts.since[whom]) + 1) > 3 * size and not _enlarge(accounts, whom):
            return n
        block, size = I64(accounts.block[whom]), I64(accounts.size[whom])
        accounts.newer[_entry_of(accounts.newer, block, size, who)] = who
        accounts.since[whom] += 1
        accounts.followers[whom] += 1
    return count
