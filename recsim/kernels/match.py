"""The learned match of persons and items: products of vectors, or sums over the neighbours of what a person liked."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL

F = np.float32


@njit(**KERNEL)
def product_block(first, last, person, stratum, pool_item, pool_count, inbox, who, what, item_first, out):
    """Products of a person's and an item's vector, for visits first..last-1.

    Args:
        first, last: range of visits. person, stratum: (V,) int32.
        pool_item: (S, P) int32. pool_count: (S,) int32. inbox: (U, M) int32, -1 empty.
        who: (U, R) float32. what: (W, R) float32, row item - item_first. item_first: int64.
        out: (B, P+M) float32, row visit - first, written; 0 for items without a row.
    """
    size, factors = pool_item.shape[1], who.shape[1]
    laid = np.zeros((factors, size), np.float32)
    here = np.int64(-1)
    for visit in range(first, last):
        p, s = person[visit], np.int64(stratum[visit])
        row = out[visit - first]
        if s != here:  # visits are sorted by stratum: its pool is laid side by side once
            here = s
            for j in range(pool_count[s]):
                w = pool_item[s, j] - item_first
                inside = 0 <= w < what.shape[0]
                for d in range(factors):
                    laid[d, j] = what[w, d] if inside else F(0.0)
        row[:] = F(0.0)
        for d in range(factors):
            x = who[p, d]
            for j in range(pool_count[s]):
                row[j] += x * laid[d, j]
        for m in range(row.size - size):
            w = inbox[p, m] - item_first
            if 0 <= w < what.shape[0]:
                for d in range(factors):
                    row[size + m] += who[p, d] * what[w, d]


@njit(**KERNEL)
def neighbour_block(
    first, last, person, stratum, pool_item, pool_count, inbox, history, neighbour, similarity, item_first, window, out
):  # fmt: skip
    """Sums of similarity over a person's history, for visits first..last-1; arguments as `product_block`.

    Args:
        history: (U, H) int32, rows of the table; -1 nothing.
        neighbour: (N, K) int32, places in the window of the last refit; -1 ends a row. similarity: (N, K) float32.
        window: W, items of that window.
    """
    size = pool_item.shape[1]
    total = np.zeros(window, np.float32)
    for visit in range(first, last):
        p, s = person[visit], stratum[visit]
        row = out[visit - first]
        row[:] = F(0.0)
        for h in range(history.shape[1]):
            n = history[p, h]
            if n < 0:
                continue
            for k in range(neighbour.shape[1]):
                if neighbour[n, k] < 0:
                    break
                total[neighbour[n, k]] += similarity[n, k]
        for j in range(pool_count[s]):
            w = pool_item[s, j] - item_first
            if 0 <= w < window:
                row[j] = total[w]
        for m in range(row.size - size):
            w = inbox[p, m] - item_first
            if 0 <= w < window:
                row[size + m] = total[w]
        for h in range(history.shape[1]):
            n = history[p, h]
            if n < 0:
                continue
            for k in range(neighbour.shape[1]):
                if neighbour[n, k] < 0:
                    break
                total[neighbour[n, k]] = F(0.0)


@njit(**KERNEL)
def typical_product(who, what, out):
    """The mean over people of their product with each item; float64 sums in the order of people.

    Args:
        who: (U, R) float32. what: (W, R) float32. out: (W,) float32, written.
    """
    mean = np.zeros(who.shape[1], np.float64)
    for p in range(who.shape[0]):
        for d in range(who.shape[1]):
            mean[d] += who[p, d]
    for d in range(mean.size):
        mean[d] /= who.shape[0]
    for w in range(what.shape[0]):
        total = 0.0
        for d in range(mean.size):
            total += mean[d] * what[w, d]
        out[w] = F(total)


@njit(**KERNEL)
def typical_neighbours(history, neighbour, similarity, out):
    """The mean over people of their sum for each item: how often a row stands in a history, times its similarities.

    Args:
        history, neighbour, similarity: see `neighbour_block`. out: (W,) float32, written.
    """
    times = np.zeros(neighbour.shape[0], np.int64)
    for p in range(history.shape[0]):
        for h in range(history.shape[1]):
            if history[p, h] >= 0:
                times[history[p, h]] += 1
    total = np.zeros(out.size, np.float64)
    for n in range(neighbour.shape[0]):
        for k in range(neighbour.shape[1]):
            if neighbour[n, k] < 0:
                break
            total[neighbour[n, k]] += times[n] * np.float64(similarity[n, k])
    for w in range(out.size):
        out[w] = F(total[w] / max(1, history.shape[0]))
