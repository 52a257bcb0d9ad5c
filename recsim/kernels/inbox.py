"""Follow inboxes, and the follow graph as it grows.

Followers at the start stand in one sorted list for each author; a search halves it. Who followed since stands in a hash
table of the author's own: linear probing in a block of 2^k entries, at most three quarters of them filled. So a follow costs
the same however many an author has, a table is read from end to end to deliver a post, and a follow takes 5 to 11 bytes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL

SMALLEST = 2
"""Logarithm to base 2 of the entries of an author's first block."""
I32, I64, U32 = np.int32, np.int64, np.uint32
GOLDEN = U32(2654435769)
"""2^32 / golden ratio: neighbouring numbers fall far apart (Knuth, The Art of Computer Programming 3, 6.4)."""


@njit(**HELPER)
def _put(inbox, inbox_next, person, item):
    place = inbox_next[person]
    inbox[person, place] = item
    inbox_next[person] = (place + 1) % inbox.shape[1]


@njit(**HELPER)
def _first_from(person, low, high, bound):
    """First place in [low, high) of sorted ``person`` that holds at least ``bound``; ``high`` if none does."""
    while low < high:
        middle = (low + high) // 2
        if person[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@njit(**KERNEL)
def deliver_posts(first, last, low, high, author, present, accounts, inbox, inbox_next):
    """Put items first..last-1, in order, into the inbox rings of those of their authors' followers who are in rows
    low..high-1: calls for different rows may run side by side.

    Args:
        author: (I,) int32. present: (I,) bool, whether the item exists in this world.
        accounts: `recsim.state.Accounts`.
        inbox: (U, M) int32, written. inbox_next: (U,) int32, ring position, written.
    """
    if inbox.shape[1] == 0:
        return
    for item in range(first, last):
        if not present[item]:
            continue
        who = author[item]
        after = accounts.start[who + 1]
        edge = _first_from(accounts.person, accounts.start[who], after, low)
        while edge < after and accounts.person[edge] < high:
            _put(inbox, inbox_next, accounts.person[edge], item)
            edge += 1
        block = accounts.block[who]
        for entry in range(block, block + accounts.size[who]):
            if accounts.newer[entry] >= low and accounts.newer[entry] < high:
                _put(inbox, inbox_next, accounts.newer[entry], item)


@njit(**HELPER)
def _entry_of(newer, block, size, person):
    """Where a person stands in the hash table ``newer[block : block + size]``, or the empty entry where she would."""
    entry = I64(U32(U32(person) * GOLDEN) & U32(size - 1))
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
        edge = _first_from(accounts.person, accounts.start[whom], after, who)
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
