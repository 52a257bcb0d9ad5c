"""Pairs of accounts that acted on the same targets at about the same time, linked where they are alike enough."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL

FINE = 1024
JACCARD, MUTUAL = 0, 1


@njit(**HELPER)
def root_of(root, i):
    """The smallest account of i's cluster so far; shortens the path on the way."""
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit(**KERNEL)
def link_pairs(actor, group, group_target, group_step, group_start, mine_start, mine, size, log_size, log_count,
               log_all, rule, window, cap, least, overlap, threshold, out_root, out_score):  # fmt: skip
    """Counts common targets of every pair and joins the pairs that a rule calls alike (single linkage).

    A target is common to i < j if both acted on it within ``window`` steps and j is among the ``cap`` accounts that
    follow i in number in j's group (the accounts that acted on the target in the same step). Rules: JACCARD, c / (n_i +
    n_j - c); MUTUAL, (log c + log N - log(n_i + k) - log(n_j + k)) / (log N - log c). No pair is stored.

    Args:
        actor: (P,) int64, sorted by group, then account; one row per account and target.
        group: (P,) int64, group of the row. group_target, group_step: (G,) int64. group_start: (G+1,) int64.
        mine_start: (A+1,) int64, mine: (P,) int64: rows of each account.
        size: (A,) int64, n. log_size: (A,) int64, log(n + k). log_count: (M,) int64, log of 0..M-1, M > max c.
        log_all: log N. rule: JACCARD or MUTUAL. window, cap, least: integers; least common targets of a pair.
        overlap: least c / min(n_i, n_j) in 1/1024. threshold: least similarity in 1/1024.
        out_root: (A,) int64, 0..A-1 before; afterwards each account's smallest linked account; written.
        out_score: (A,) int64, largest similarity to another account with enough in common, in 1/1024; written.
    """
    accounts = len(size)
    groups = len(group_step)
    common = np.zeros(accounts, np.int64)
    touched = np.empty(accounts, np.int64)
    for i in range(accounts):
        count = 0
        for m in range(mine_start[i], mine_start[i + 1]):
            own = group[mine[m]]
            g = own
            while g > 0 and group_target[g - 1] == group_target[own] and group_step[own] - group_step[g - 1] <= window:
                g -= 1
            while g < groups and group_target[g] == group_target[own] and group_step[g] - group_step[own] <= window:
                low, high = group_start[g], group_start[g + 1]
                end = high
                while low < high:
                    middle = (low + high) // 2
                    if actor[middle] > i:
                        high = middle
                    else:
                        low = middle + 1
                for r in range(low, min(end, low + cap)):
                    j = actor[r]
                    if common[j] == 0:
                        touched[count] = j
                        count += 1
                    common[j] += 1
                g += 1
        for t in range(count):
            j = touched[t]
            c = common[j]
            common[j] = 0
            if c < least or c * FINE < overlap * min(size[i], size[j]):
                continue
            if rule == JACCARD:
                alike = c * FINE // (size[i] + size[j] - c)
                linked = c * FINE >= threshold * (size[i] + size[j] - c)
            else:
                rarity = max(log_all - log_count[c], np.int64(1))
                shared = log_count[c] + log_all - log_size[i] - log_size[j]
                alike = shared * FINE // rarity
                linked = shared * FINE >= threshold * rarity
            out_score[i] = max(out_score[i], alike)
            out_score[j] = max(out_score[j], alike)
            if linked:
                a, b = root_of(out_root, i), root_of(out_root, j)
                out_root[max(a, b)] = min(a, b)
    for i in range(accounts):
        out_root[i] = root_of(out_root, i)
