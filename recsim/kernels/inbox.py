"""Follow inboxes, and the follow graph as it grows."""

from __future__ import annotations

from numba import njit

from recsim.kernels.flags import HELPER, KERNEL


@njit(**HELPER)
def _put(inbox, inbox_next, person, item):
    place = inbox_next[person]
    inbox[person, place] = item
    inbox_next[person] = (place + 1) % inbox.shape[1]


@njit(**KERNEL)
def deliver_posts(first, last, author, present, accounts, inbox, inbox_next):
    """Put items first..last-1, in order, into the inbox rings of their authors' followers.

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
        for edge in range(accounts.start[who], accounts.start[who + 1]):
            _put(inbox, inbox_next, accounts.person[edge], item)
        edge = accounts.head[who]
        while edge >= 0:
            _put(inbox, inbox_next, accounts.newer[edge], item)
            edge = accounts.next[edge]


@njit(**KERNEL)
def add_follows(person, author, count, accounts):
    """Add follows that are not there yet.

    Args:
        person, author: (N,) int32, requested follows in canonical order. count: how many.
        accounts: `recsim.state.Accounts`, written.

    Returns:
        Follows that found no room (0 unless the capacity was set too small).
    """
    lost = 0
    for n in range(count):
        who, whom = person[n], author[n]
        low, high = accounts.start[whom], accounts.start[whom + 1]
        while low < high:
            middle = (low + high) // 2
            if accounts.person[middle] < who:
                low = middle + 1
            else:
                high = middle
        known = low < accounts.start[whom + 1] and accounts.person[low] == who
        edge = accounts.head[whom]
        while edge >= 0 and not known:
            known = accounts.newer[edge] == who
            edge = accounts.next[edge]
        if known:
            continue
        place = accounts.used[0]
        if place >= accounts.next.size:
            lost += 1
            continue
        accounts.newer[place] = who
        accounts.next[place] = accounts.head[whom]
        accounts.head[whom] = place
        accounts.used[0] = place + 1
        accounts.followers[whom] += 1
    return lost
