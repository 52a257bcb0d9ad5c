"""Parts of the re-rank stage that every policy shares: take the best entries, put them in order, write them back.

The generated kernel of a policy (see `recsim.ranking.compile_rerank`) holds the text of these functions and calls them
between scoring and looking. A row of scores goes in; a row of scores comes out whose order, as `look_block` reads it,
is the re-ranked one. Which entries compete and how ties are broken is the same as there.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER
from recsim.kernels.slate import LOWEST, has_seen, sortable

GROUP = 16
"""Columns whose best is remembered together."""
LARGEST = 0x7F7FFFFF
"""Bits of the largest finite float32."""


@njit(**HELPER)
def list_codes(row, mine, listed, inbox, seen, eligible, window_start, code):
    """Codes (see `sortable`) of all columns: LOWEST for what was shown before, is held back by a gate or is empty.

    Args:
        row: (P+M,) float32 scores. mine: row of ``seen``. listed: (P,) int32 items of the pool. inbox: (M,) int32.
        seen: (R, B) uint64. eligible: (W,) bool. window_start: number of the oldest live item.
        code: (whole groups of columns,) int64, written.
    """
    size = listed.shape[0]
    words = seen.shape[1]
    # As `has_seen`, with one division for all columns: live items span fewer words than there are.
    oldest = window_start >> 6
    first_word = oldest % words
    for column in range(size):
        i = np.int64(listed[column])
        code[column] = LOWEST
        if i >= window_start and eligible[i - window_start]:
            word = first_word + (i >> 6) - oldest
            word = word - words if word >= words else word
            if (seen[mine, word] >> np.uint64(i & 63)) & np.uint64(1) == np.uint64(0):
                code[column] = sortable(row[column], column)
    for slot in range(inbox.shape[0]):
        if has_seen(seen, mine, max(np.int64(inbox[slot]), window_start)):
            code[size + slot] = LOWEST
        else:
            code[size + slot] = sortable(row[size + slot], size + slot)
    for column in range(size + inbox.shape[0], code.shape[0]):
        code[column] = LOWEST


@njit(**HELPER)
def drop_twins(row, listed, count, inbox, code):
    """Keep only the better place of an item that stands in the pool and in the inbox, or twice in the inbox.

    It would be shown once anyway; a re-ranker must not count it twice.

    Args:
        row: (P+M,) float32, minus infinity written at the lesser place. listed: (P,) int32, ascending up to ``count``.
        inbox: (M,) int32. code: as `list_codes`; LOWEST written at the lesser place.
    """
    size = listed.shape[0]
    for slot in range(inbox.shape[0]):
        i = inbox[slot]
        low, high = np.int64(0), np.int64(count)
        while low < high:
            middle = (low + high) // 2
            if listed[middle] < i:
                low = middle + 1
            else:
                high = middle
        for other in range(-1, slot):
            if other < 0:
                if low >= count or listed[low] != i:
                    continue
                twin = low
            else:
                if inbox[other] != i:
                    continue
                twin = np.int64(size + other)
            if code[size + slot] == LOWEST or code[twin] == LOWEST:
                continue
            lesser = size + slot if code[twin] > code[size + slot] else twin
            code[lesser] = LOWEST
            row[lesser] = -np.inf


@njit(**HELPER)
def take_best(row, listed, inbox, code, group_best, most, column, item, score):
    """The best entries by code, best first.

    Args:
        row: (P+M,) float32. listed: (P,) int32. inbox: (M,) int32. code: as `list_codes`; those taken become LOWEST.
        group_best: (groups,) int64, scratch. most: how many are wanted.
        column: (most,) int64, item: (most,) int64, score: (most,) float32; written.

    Returns:
        How many there are.
    """
    size = listed.shape[0]
    for g in range(group_best.shape[0]):
        top = LOWEST
        for place in range(g * GROUP, (g + 1) * GROUP):
            top = max(top, code[place])
        group_best[g] = top
    for k in range(most):
        top = LOWEST
        for g in range(group_best.shape[0]):
            top = max(top, group_best[g])
        if top == LOWEST:
            return k
        best = np.int64(0xFFFF) - (top & np.int64(0xFFFF))
        code[best] = LOWEST
        g = best // GROUP
        top = LOWEST
        for place in range(g * GROUP, (g + 1) * GROUP):
            top = max(top, code[place])
        group_best[g] = top
        column[k] = best
        item[k] = np.int64(listed[best]) if best < size else np.int64(inbox[best - size])
        score[k] = row[best]
    return most


@njit(**HELPER)
def sort_down(m, row, column, item, score):
    """Entries by falling score; equal ones keep their order. Minus infinity and NaN are taken out of the slate.

    Insertion: re-ranked scores are mostly in order, and no library sort has to be compiled.

    Args:
        m: entries. row: (P+M,) float32, minus infinity written where an entry is taken out.
        column, item, score: first m entries; sorted in place.

    Returns:
        Entries that are left.
    """
    kept = 0
    for k in range(m):
        value, at, i = score[k], column[k], item[k]
        if not value > -np.inf:
            row[at] = -np.inf
            continue
        place = kept
        while place > 0 and score[place - 1] < value:
            score[place] = score[place - 1]
            column[place] = column[place - 1]
            item[place] = item[place - 1]
            place -= 1
        score[place], column[place], item[place] = value, at, i
        kept += 1
    return kept


@njit(**HELPER)
def follow_order(m, order, before, row, column, item, score, old_column, old_item):
    """Entries in the order given; every place keeps the score it had. Minus infinity and NaN are taken out.

    Whatever ``order`` holds, each entry is placed once: numbers out of range or named before are passed over, and
    entries it does not name follow in their earlier order.

    Args:
        m: entries. order: (m,) int32, which entry goes to each place. before: (m,) float32, scores of the places.
        row: (P+M,) float32, as `sort_down`. column, item, score: first m entries; reordered in place.
        old_column, old_item: (m,) int64, scratch.

    Returns:
        Entries that are left.
    """
    for k in range(m):
        old_column[k], old_item[k] = column[k], item[k]
        if not score[k] > -np.inf:
            row[column[k]] = -np.inf
            old_item[k] = -1  # placed nowhere
    kept = 0
    for k in range(2 * m):
        at = np.int64(order[k]) if k < m else np.int64(k - m)
        if at < 0 or at >= m or old_item[at] < 0:
            continue
        column[kept], item[kept] = old_column[at], old_item[at]
        old_item[at] = -1
        kept += 1
    for k in range(kept):
        score[k] = before[k]
    return kept


@njit(**HELPER)
def write_back(m, low, row, column):
    """Scores by which the entries stand in their order, above everything that was not taken.

    The entries get the m float32 numbers that follow ``low``, the smallest score taken; whatever was not taken is at
    most that. Near the end of the float range the others are lowered instead.

    Args:
        m: entries, best first. low: float32. row: (P+M,) float32, written. column: (m,) int64.
    """
    bits = np.int64(np.float32(low).view(np.int32))
    if bits < 0:
        bits = np.int64(-2147483648) - bits
    if bits + m > LARGEST:
        bits = np.int64(LARGEST - m)
        limit = np.int32(bits).view(np.float32)
        for place in range(row.shape[0]):
            row[place] = min(row[place], limit)
    for k in range(m):
        place = bits + np.int64(m - k)
        if place < 0:
            place = np.int64(-2147483648) - place
        row[column[k]] = np.int32(place).view(np.float32)
