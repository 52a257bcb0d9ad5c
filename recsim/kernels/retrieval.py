"""Retrieval: the shared pool of each stratum from named sources with quotas."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import log32
from recsim.kernels.philox import LOW, philox4, rounds, unit_of

F = np.float32
U64 = np.uint64
D_RETRIEVE, D_DISCOVER = U64(6), U64(12)
INTEREST, TRENDING, DISCOVERY, REGIONAL, RANKED = 0, 1, 2, 3, 8
TRIAL = 1 << 20  # places of trial draws, apart from those of discovery
TINY = F(5.9604644775390625e-08)


class Strata(NamedTuple):
    """What a stratum stands for; -1 where a dimension is not used."""

    language: np.ndarray  # (S,) int8
    topic: np.ndarray  # (S,) int16
    region: np.ndarray  # (S,) int8


class Quotas(NamedTuple):
    """Pool positions by source."""

    interest: int  # by the score; of the stratum's topic, or ("ranked") of the whole language where it has none
    trending: int
    discovery: int
    regional: int
    noise: np.float32


@njit(**HELPER)
def ordered(value, place):
    """A float and its place as one sortable integer: larger value first, then smaller place.

    Args:
        value: float32, not NaN. place: int64 in [0, 2^31).
    """
    bits = np.int64(np.float32(value).view(np.int32))
    if bits < 0:
        bits = np.int64(-2147483648) - bits
    return (bits << np.int64(31)) + (np.int64(0x7FFFFFFF) - place)


@njit(**HELPER)
def place_of(code):
    """The place packed by `ordered`."""
    return np.int64(0x7FFFFFFF) - (code & np.int64(0x7FFFFFFF))


@njit(**HELPER)
def keep_largest(codes, count, wanted):
    """Partition ``codes[:count]`` (distinct) so that the ``wanted`` largest come first; quickselect."""
    if wanted >= count:
        return count
    low, high = 0, count - 1
    while low < high:
        pivot = codes[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while codes[i] > pivot:
                i += 1
            while codes[j] < pivot:
                j -= 1
            if i <= j:
                codes[i], codes[j] = codes[j], codes[i]
                i += 1
                j -= 1
        if wanted - 1 <= j:
            high = j
        elif wanted - 1 >= i:
            low = i
        else:
            break
    return wanted


@njit(**HELPER)
def sort_ascending(values, count):
    """Sort ``values[:count]`` in place; Shell sort, because the library's takes a second to compile."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for n in range(gap, count):
            value = values[n]
            at = n
            while at >= gap and values[at - gap] > value:
                values[at] = values[at - gap]
                at -= gap
            values[at] = value
        gap //= 3


@njit(**HELPER)
def add_noise(count, keys, obj, population, moment, key0, key1, noise, values):
    """``values[k] += noise x Gumbel`` by inversion of ``unit(first word of philox4(keys[k], obj, population, moment; key))``.

    All at once and with two arrays only, so that it becomes vector code.

    Args:
        count: how many. keys: (count,) uint32 or longer. obj, population, moment, key0, key1: uint64 holding 32-bit values.
        noise: float32. values: (count,) float32 or longer, written.
    """
    for k in range(count):
        word, _, _, _ = rounds(U64(keys[k]), obj, population, moment, key0, key1)
        values[k] += noise * -log32(-log32(unit_of(word) + TINY))


@njit(**KERNEL)
def trending_codes(count, heat, unit, eligible, window_start, keys, noise, population, key0, key1, step, out):
    """Window items by recent engagement with noise: log(1 + unit x heat) + noise x Gumbel, one code per eligible item.

    Args:
        heat: (W,) float32, decayed engagement. unit: float32, engagements of one real item that 1 of it stands for: the 1 in
            the formula is one of these, so that the same items trend whatever share of people is simulated.
        out: (W,) int64, written from the front.

    Returns:
        The number of codes.
    """
    place, key, score = np.empty(count, np.int32), np.empty(count, np.uint32), np.empty(count, np.float32)
    n = 0
    for w in range(count):
        place[n] = w
        n += eligible[w]
    for k in range(n):
        key[k], score[k] = keys[window_start + place[k]], heat[place[k]]
    for k in range(n):
        score[k] = log32(F(1.0) + unit * score[k])
    add_noise(
        n, key, U64(0xFFFF), population, ((step << U64(16)) | D_RETRIEVE) & LOW, key0 & LOW, key1 & LOW, noise, score
    )
    for k in range(n):
        out[k] = ordered(score[k], place[k])
    return n


@njit(**HELPER)
def list_by_topic(places, window_start, items, edge, out):
    """Window places in their order, once under each of the two topics of their items.

    Args:
        places: (n,) int32. window_start: number of the oldest live item. items: `recsim.state.Items`.
        edge: (D+1,) int64, written: topic d has ``out[edge[d] : edge[d + 1]]``. out: (2n,) int32 or longer, written.
    """
    edge[:] = 0
    for k in range(places.size):
        first, second = items.primary[window_start + places[k]], items.secondary[window_start + places[k]]
        edge[first + 1] += 1
        if second != first:
            edge[second + 1] += 1
    for d in range(1, edge.size):
        edge[d] += edge[d - 1]
    for k in range(places.size):
        first, second = items.primary[window_start + places[k]], items.secondary[window_start + places[k]]
        out[edge[first]] = places[k]
        edge[first] += 1
        if second != first:
            out[edge[second]] = places[k]
            edge[second] += 1
    for d in range(edge.size - 1, 0, -1):  # each edge has moved to where the next one was
        edge[d] = edge[d - 1]
    edge[0] = 0


@njit(**KERNEL)
def build_pools(
    first,
    last,
    count,
    window_start,
    strata,
    quotas,
    value,
    trending,
    open_item,
    open_count,
    trial_item,
    trial_count,
    everywhere,
    everywhere_count,
    items,
    population,
    key0,
    key1,
    step,
    out_item,
    out_source,
    out_count,
    out_fresh,
    out_fresh_count,
):
    """Fill the pools of strata first..last-1.

    Args:
        count, window_start: live items. strata, quotas: see above.
        value: (W,) float32, retrieval value.
        trending: (1, N) int32, window places of trending items, best first; where strata have regions (L, N), one row for
            each language; -1 after the last.
        open_item: (L, W) int32, window places of items that may be ranked, ascending, by language; open_count: (L,).
        trial_item: (L, W) int32, the same for items under trial; trial_count: (L,).
        everywhere: (W,) int32, window places of items that may be ranked, ascending; everywhere_count: how many.
        items: `recsim.state.Items`.
        out_item (S, P) int32 ascending, out_source (S, P) int8, out_count (S,) int32,
        out_fresh (S, E) int32, out_fresh_count (S,) int32: written.
    """
    labels = items.labels
    size = out_item.shape[1]
    taken = np.zeros(count, np.int8)
    codes = np.empty(count, np.int64)
    chosen = np.empty(size, np.int64)
    spot, key, score = np.empty(count, np.int32), np.empty(count, np.uint32), np.empty(count, np.float32)
    topics = items.topic.shape[1]
    listed, edge, known = np.empty(2 * count, np.int32), np.zeros(topics + 1, np.int64), -1
    moment = ((step << U64(16)) | D_RETRIEVE) & LOW
    discover = (step << U64(16)) | D_DISCOVER
    for s in range(first, last):
        language, topic, region = np.int64(strata.language[s]), np.int64(strata.topic[s]), strata.region[s]
        filled = 0
        best = INTEREST if topic >= 0 else RANKED
        for part in range(2):
            quota = quotas.interest if part == 0 else quotas.regional
            if quota == 0:
                continue
            n = 0
            if part == 0 and topic >= 0:
                if language != known:
                    known = language
                    list_by_topic(open_item[language, : open_count[language]], window_start, items, edge, listed)
                for k in range(edge[topic], edge[topic + 1]):
                    spot[n] = listed[k]
                    n += 1
            else:
                for k in range(open_count[language]):
                    w = open_item[language, k]
                    spot[n] = w
                    n += (taken[w] == 0) & ((part == 0) | (labels.region[window_start + w] == region))
            for k in range(n):
                key[k], score[k] = items.key[window_start + spot[k]], value[spot[k]]
            add_noise(n, key, U64(s), population, moment, key0 & LOW, key1 & LOW, quotas.noise, score)
            for k in range(n):
                codes[k] = ordered(score[k], spot[k])
            n = keep_largest(codes, n, min(quota, size - filled))
            for k in range(n):
                w = place_of(codes[k])
                taken[w] = 1 + (best if part == 0 else REGIONAL)
                chosen[filled] = w
                filled += 1
        wanted = min(quotas.trending, size - filled)
        # A region's people are served in their language: its own list, and draws among its own items.
        row = 0 if region < 0 else language
        available = everywhere_count if region < 0 else np.int64(open_count[language])
        for k in range(trending.shape[1]):
            w = trending[row, k]
            if wanted == 0 or w < 0:
                break
            if taken[w] == 0:
                taken[w] = 1 + TRENDING
                chosen[filled] = w
                filled += 1
                wanted -= 1
        wanted = min(size - filled, available - filled)
        for place in range(4 * size):
            if wanted <= 0:
                break
            a, b, c, d = philox4(U64(s), U64(place), population, discover, key0, key1)
            for word in (a, b, c, d):
                drawn = np.int64((word * U64(available)) >> U64(32))
                w = everywhere[drawn] if region < 0 else open_item[language, drawn]
                if wanted > 0 and taken[w] == 0:
                    taken[w] = 1 + DISCOVERY
                    chosen[filled] = w
                    filled += 1
                    wanted -= 1
        sort_ascending(chosen, filled)
        for n in range(filled):
            w = chosen[n]
            out_item[s, n] = window_start + w
            out_source[s, n] = taken[w] - 1
            taken[w] = 0
        out_count[s] = filled
        for n in range(filled, size):
            out_item[s, n] = window_start
        # Items under trial: drawn evenly, so that every new item has the same chance.
        n = 0
        available = trial_count[language]
        for place in range(4 * out_fresh.shape[1]):
            if n >= out_fresh.shape[1] or n >= available:
                break
            a, b, c, d = philox4(U64(s), U64(place + TRIAL), population, discover, key0, key1)
            for word in (a, b, c, d):
                w = trial_item[language, np.int64((word * U64(available)) >> U64(32))]
                if n < out_fresh.shape[1] and taken[w] == 0:
                    taken[w] = 1
                    out_fresh[s, n] = window_start + w
                    n += 1
        for k in range(n):
            taken[out_fresh[s, k] - window_start] = 0
        out_fresh_count[s] = n


@njit(**KERNEL)
def gather_pools(first, last, window_start, item, topic, rows, keys, with_topic, out_topic, out_rows, out_key):
    """Lay the pools' features side by side for the score loop.

    Args:
        item: (S, P) int32. topic: (I, D) float32. rows: (F, W) float32. keys: (I,) uint32.
        with_topic: bool, whether the pools themselves changed.
        out_topic (S, D, P) float32, out_rows (S, F, P) float32, out_key (S, P) uint32: written.
    """
    place = np.empty(item.shape[1], np.uint64)  # unsigned, because then no index can be a negative one
    for s in range(first, last):
        for p in range(item.shape[1]):
            i = item[s, p]
            place[p] = U64(max(i - window_start, 0))  # expired ones are never shown
            if with_topic:
                out_key[s, p] = keys[i]
                for d in range(topic.shape[1]):
                    out_topic[s, d, p] = topic[i, d]
        for f in range(rows.shape[0]):
            source, out = rows[f], out_rows[s, f]
            for p in range(place.size):
                out[p] = source[place[p]]


@njit(**KERNEL)
def hand_out_scores(first, last, person, stratum, pool_item, pool_count, inbox, score, window_start, scores):
    """Scores that are the same for everybody, copied to each visit's entries: pool positions, then inbox slots.

    Args:
        first, last: range of visits. person, stratum: (V,) int32. pool_item: (S, P) int32. pool_count: (S,) int32.
        inbox: (U, M) int32. score: (W,) float32, of window items. window_start: number of the oldest live item.
        scores: (B, P+M) float32, row visit - first, written; minus infinity where there is nothing.
    """
    size = pool_item.shape[1]
    for visit in range(first, last):
        who, s = person[visit], stratum[visit]
        row = scores[visit - first]
        for j in range(size):
            w = max(pool_item[s, j] - window_start, 0)  # expired ones are never shown
            row[j] = score[w] if j < pool_count[s] else F(-np.inf)
        for j in range(row.size - size):
            w = inbox[who, j] - window_start
            row[size + j] = score[w] if w >= 0 else F(-np.inf)


@njit(**KERNEL)
def entry_lists(about, window_start, candidate, heat, sought, out_entry, out_count):
    """Results of a search for each candidate, most recent engagement first, and among equals the newest.

    Results are items about her, and any that were picked after searches for her; such picks count like engagement. Few
    items have any where few people are simulated: the order among the others then decides most of the list.

    Args:
        about: (n,) int64, window places of items about any candidate or ever picked, ascending. candidate: (I,) int8.
        heat: (W,) float32. sought: (C, I) float32, recent picks after searches; I = 0: none.
        out_entry: (C, Q) int32, out_count: (C,) int32; written.
    """
    codes, last = np.empty(about.size, np.int64), about.size - 1
    for c in range(out_entry.shape[0]):
        n = 0
        for k in range(about.size):
            w = about[k]
            picked = sought[c, window_start + w] if sought.shape[1] > 0 else F(0.0)
            if candidate[window_start + w] == c or picked > F(0.0):
                codes[n] = ordered(heat[w] + picked, last - k)  # places from the newest on: ties go to the smaller
                n += 1
        n = keep_largest(codes, n, out_entry.shape[1])
        sort_ascending(codes, n)
        for k in range(n):
            out_entry[c, k] = window_start + about[last - place_of(codes[n - 1 - k])]
        out_count[c] = n


@njit(**KERNEL)
def by_language(count, window_start, language, wanted, out_item, out_count):
    """Window places of the wanted items by language, ascending.

    Args:
        language: (I,) int8. wanted: (W,) bool. out_item: (L, W) int32, out_count: (L,) int32; written.
    """
    out_count[:] = 0
    for w in range(count):
        if wanted[w]:
            spoken = language[window_start + w]
            out_item[spoken, out_count[spoken]] = w
            out_count[spoken] += 1
