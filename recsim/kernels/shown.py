"""What a person has been shown, kept as a list of item numbers instead of one bit per live item.

Bits of all live items of a large world are several times more than the items that people have seen. Here a person has
entries of two bytes, an item's number modulo 65536, in a ring of pages; before a visit is looked at they are laid out as
the row of bits that everything else reads, one for each of these numbers. No page is ever full for good, so nothing is ever forgotten early: pages
are handed out as they are needed and come back when their items have expired.

A page holds ``ENTRIES`` entries, then the number of the next page of the same person in two halves; after the newest page
comes the oldest. Pages are handed out wherever there are any. Where memory is very large, what is slow about reading them is
not how much it is but in how many places it lies; there each person's pages are laid side by side once a day (`gather_pages`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.slate import word_of

ENTRIES = 62
PAGE = 64
TOGETHER = 64
"""People whose pages are read at the same time: some hundreds, which a core's cache holds."""


@njit(**HELPER)
def next_page(entry, page):
    """Number of the page after ``page``."""
    return np.int64(entry[page, ENTRIES]) | (np.int64(entry[page, ENTRIES + 1]) << np.int64(16))


@njit(**HELPER)
def link_page(entry, page, following):
    """Let ``following`` come after ``page``."""
    entry[page, ENTRIES] = np.uint16(following & 0xFFFF)
    entry[page, ENTRIES + 1] = np.uint16(following >> 16)


@njit(**HELPER)
def memory_row(observed, person):
    """Row of ``observed.seen`` that says what the person has been shown: her own, or the first one, laid out for her.

    Args:
        observed: `recsim.state.Observed`; where pages are kept, ``seen`` is (1, 1024) and is written. person: whose.
    """
    pages, seen = observed.pages, observed.seen
    if pages.last.shape[0] == 0:
        return np.int64(person)
    for word in range(seen.shape[1]):
        seen[0, word] = np.uint64(0)
    newest = np.int64(pages.last[person])
    if newest < 0:
        return np.int64(0)
    # A row of bits for all 65,536 numbers: an entry is its place in the ring. No live item has the number of an expired one.
    entry = pages.entry
    page = next_page(entry, newest)
    ahead = entry[page, 0]
    while True:
        # The next page is asked for before this one is gone through: it comes meanwhile.
        following = next_page(entry, page)
        here, ahead = ahead, entry[following, 0]
        filled = np.int64(pages.filled[person]) if page == newest else np.int64(ENTRIES)
        for k in range(1, filled + 1):
            number = np.uint64(here)  # unsigned, because then no index can be a negative one
            seen[0, number >> np.uint64(6)] |= np.uint64(1) << (number & np.uint64(63))
            here = entry[page, k]
        if page == newest:
            break
        page = following
    return np.int64(0)


@njit(**HELPER)
def remember(observed, row, person, items, count, turn):
    """Mark items as shown to the person.

    Many at a time: a call with many arrays, and an atomic count of references to each, cost more than what it does.

    Args:
        observed: `recsim.state.Observed`, written. row: from `memory_row`. person: whose.
        items: (count,) int64 or longer, numbers. turn: from `recsim.kernels.slate.turn_of`.
    """
    pages, seen = observed.pages, observed.seen
    words, paged = seen.shape[1], pages.last.shape[0] > 0
    newest, filled = np.int64(-1), np.int64(ENTRIES)
    if paged:
        newest, filled = np.int64(pages.last[person]), np.int64(pages.filled[person])
    for k in range(count):
        item = items[k]
        word, bit = word_of(item, turn, words), np.uint64(1) << np.uint64(item & 63)
        if paged and seen[row, word] & bit == np.uint64(0):
            if newest < 0 or filled == ENTRIES:
                pages.spares[0] -= 1
                page = np.int64(pages.spare[pages.spares[0]])
                if newest < 0:
                    link_page(pages.entry, page, page)
                else:
                    link_page(pages.entry, page, next_page(pages.entry, newest))
                    link_page(pages.entry, newest, page)
                pages.last[person] = page
                newest, filled = page, np.int64(0)
            pages.entry[newest, filled] = np.uint16(item & 0xFFFF)
            filled += 1
        seen[row, word] |= bit
    if newest >= 0:
        pages.filled[person] = np.uint8(filled)


@njit(**HELPER)
def read_pages(entry, newest, page, count):
    """Read the pages of many people before they are needed: all go one page further at a time, so that reads overlap. A
    person's own pages can only be found one from the other.

    Args:
        entry: of `recsim.state.Pages`. newest: (count,) int64 or longer, the newest page of each person, -1 none.
        page: (count,) int64 or longer, scratch.

    Returns:
        A sum of something of every line read, so that no compiler leaves a read out.
    """
    total, going = np.int64(0), False
    for k in range(count):
        page[k] = newest[k]
        going = going or newest[k] >= 0
    while going:
        going = False
        for k in range(count):
            here = page[k]
            if here >= 0:
                following = next_page(entry, here)
                total += np.int64(entry[here, 0]) + np.int64(entry[here, ENTRIES])
                # The newest page was the first to be read; once it comes again the round is complete.
                done = following == newest[k]
                page[k] = np.int64(-1) if done else following
                going = going or not done
    return total


@njit(**KERNEL)
def drop_expired(first, last, pages, region, window_start, window):
    """Take expired items out of the memories of people first..last-1, and back the pages that nobody needs any more.

    Args:
        first, last: int64. pages: `recsim.state.Pages`, written. region: (K, 2) int64, first and end of pages that are not put on the
            stack, since they stay together. window_start: int64, number of the oldest live item. window: items from there on that are kept.

    Returns:
        Pages that these people still have, and a number that means nothing: see `read_pages`.
    """
    newest, page = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    kept, total = np.int64(0), np.int64(0)
    for start in range(first, last, TOGETHER):
        count = min(last - start, TOGETHER)
        for k in range(count):
            newest[k] = pages.last[start + k]
        total += read_pages(pages.entry, newest, page, count)
        kept += _drop(start, start + count, pages, region, window_start, window)
    return kept, total


@njit(**HELPER)
def _free(pages, region, page):
    """Put a page on the stack, unless it belongs to a region."""
    for k in range(region.shape[0]):
        if region[k, 0] <= page < region[k, 1]:
            return
    pages.spare[pages.spares[0]] = page
    pages.spares[0] += 1


@njit(**HELPER)
def _drop(first, last, pages, region, window_start, window):
    """`drop_expired` of people whose pages are in the cache; how many they still have."""
    base = window_start & np.int64(0xFFFF)
    entry, left = pages.entry, np.int64(0)
    for person in range(first, last):
        newest = np.int64(pages.last[person])
        if newest < 0:
            continue
        oldest = next_page(entry, newest)
        page, into, kept = oldest, oldest, np.int64(0)
        left += 1
        while True:
            filled = np.int64(pages.filled[person]) if page == newest else np.int64(ENTRIES)
            for k in range(filled):
                item = entry[page, k]
                if ((np.int64(item) - base) & np.int64(0xFFFF)) < window:
                    if kept == ENTRIES:
                        into, kept = next_page(entry, into), np.int64(0)
                        left += 1
                    if into != page or kept != k:
                        entry[into, kept] = item
                    kept += 1
            if page == newest:
                break
            page = next_page(entry, page)
        page = next_page(entry, into)
        while page != oldest:
            _free(pages, region, page)
            page = next_page(entry, page)
        if kept == 0:
            _free(pages, region, oldest)
            left -= 1
            pages.last[person] = -1
        else:
            link_page(entry, into, oldest)
            pages.last[person] = into
        pages.filled[person] = np.uint8(kept)
    return left


@njit(**KERNEL)
def gather_pages(first, last, pages, region, to):
    """Lay the pages of people first..last-1 side by side, each person's in their order.

    Args:
        first, last: int64. pages: `recsim.state.Pages`, written; pages that are left go on its stack. region: as for `drop_expired`.
        to: (N,) int64, pages that nobody has, as many as these people have, in which theirs are put.

    Returns:
        A number that means nothing: see `read_pages`.
    """
    newest, page = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    total, done = np.int64(0), np.int64(0)
    entry = pages.entry
    for start in range(first, last, TOGETHER):
        count = min(last - start, TOGETHER)
        for k in range(count):
            newest[k] = pages.last[start + k]
        total += read_pages(entry, newest, page, count)
        for k in range(count):
            if newest[k] < 0:
                continue
            here, oldest = next_page(entry, newest[k]), to[done]
            while True:
                into, following = to[done], next_page(entry, here)
                done += 1
                for place in range(ENTRIES):
                    entry[into, place] = entry[here, place]
                _free(pages, region, here)
                if here == newest[k]:
                    link_page(entry, into, oldest)
                    pages.last[start + k] = into
                    break
                link_page(entry, into, to[done])
                here = following
    return total


@njit(**KERNEL)
def count_shown(first, last, observed, start, column, out):
    """Count which of some items people first..last-1 have been shown, in one pass; calls for different people may run side by side.

    Args:
        first, last: int64. observed: `recsim.state.Observed`. start: int64, number of an item.
        column: (N,) int64, where in a row of ``out`` item start + n is counted, -1 nowhere; N at most 65,536, and all of
            these items still remembered.
        out: (U, K) int32, added to: 1 for each item.
    """
    pages, seen = observed.pages, observed.seen
    words, count = seen.shape[1], np.int64(column.size)
    if pages.last.shape[0] == 0:
        wanted, some = np.empty(count, np.int64), 0
        for n in range(count):
            if column[n] >= 0:
                wanted[some] = n
                some += 1
        for person in range(first, last):
            for k in range(some):
                item = start + wanted[k]
                bit = np.uint64(1) << np.uint64(item & 63)
                if seen[person, (item >> 6) % words] & bit != np.uint64(0):
                    out[person, column[wanted[k]]] += 1
        return
    entry, base = pages.entry, start & np.int64(0xFFFF)
    for person in range(first, last):
        newest = np.int64(pages.last[person])
        if newest < 0:
            continue
        page = next_page(entry, newest)
        while True:
            filled = np.int64(pages.filled[person]) if page == newest else np.int64(ENTRIES)
            for k in range(filled):
                n = (np.int64(entry[page, k]) - base) & np.int64(0xFFFF)
                if n < count and column[n] >= 0:
                    out[person, column[n]] += 1
            if page == newest:
                break
            page = next_page(entry, page)
