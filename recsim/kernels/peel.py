"""Greedy peeling of a bipartite graph: the prefix with the largest mean weight per node."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL


@njit(**HELPER)
def before(weight, a, b):
    """Whether node a leaves before node b: smaller weight, ties to the smaller number."""
    return weight[a] < weight[b] or (weight[a] == weight[b] and a < b)


@njit(**HELPER)
def rise(heap, place, weight, at):
    """Moves an entry towards the top until its parent leaves before it."""
    node = heap[at]
    while at > 0:
        above = (at - 1) // 2
        if not before(weight, node, heap[above]):
            break
        heap[at] = heap[above]
        place[heap[at]] = at
        at = above
    heap[at] = node
    place[node] = at


@njit(**HELPER)
def sink(heap, place, weight, at, size):
    """Moves an entry down until it leaves before both children."""
    node = heap[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and before(weight, heap[child + 1], heap[child]):
            child += 1
        if not before(weight, heap[child], node):
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    heap[at] = node
    place[node] = at


@njit(**KERNEL)
def peel(account_start, account_item, item_start, item_account, prior, item_weight, out_order, out_best):
    """Removes the node with the smallest weight again and again; keeps the set with the largest f(S) / |S|.

    f(S) = sum of priors of accounts in S + sum of item_weight over edges inside S. Nodes 0..A-1 are accounts, then
    items. The best set has at least half of the largest f / |S| of all sets (Charikar 2000).

    Args:
        account_start: (A+1,) int64, account_item: (E,) int64. item_start: (I+1,) int64, item_account: (E,) int64.
        prior: (A,) int64. item_weight: (I,) int64, weight of each edge at the item. Both at least 0.
        out_order: (A+I,) int64, nodes in order of removal; written.
        out_best: (3,) int64: nodes removed before the best set; f of it; nodes of it; written.
    """
    accounts, items = len(prior), len(item_weight)
    nodes = accounts + items
    weight = np.zeros(nodes, np.int64)
    heap = np.empty(nodes, np.int64)
    place = np.empty(nodes, np.int64)
    total = np.int64(0)
    for i in range(accounts):
        weight[i] = prior[i]
        for e in range(account_start[i], account_start[i + 1]):
            weight[i] += item_weight[account_item[e]]
        total += weight[i]
    for j in range(items):
        weight[accounts + j] = item_weight[j] * (item_start[j + 1] - item_start[j])
    for n in range(nodes):
        heap[n], place[n] = n, n
    for n in range(nodes // 2 - 1, -1, -1):
        sink(heap, place, weight, n, nodes)
    out_best[0], out_best[1], out_best[2] = 0, total, nodes
    for gone in range(nodes):
        node = heap[0]
        out_order[gone] = node
        total -= weight[node]
        size = nodes - gone - 1
        place[node] = -1
        if size > 0:
            heap[0] = heap[size]
            place[heap[0]] = 0
            sink(heap, place, weight, 0, size)
        low = account_start[node] if node < accounts else item_start[node - accounts]
        high = account_start[node + 1] if node < accounts else item_start[node - accounts + 1]
        for e in range(low, high):
            other = accounts + account_item[e] if node < accounts else item_account[e]
            if place[other] >= 0:
                weight[other] -= item_weight[account_item[e]] if node < accounts else item_weight[node - accounts]
                rise(heap, place, weight, place[other])
        if size > 0 and total * out_best[2] > out_best[1] * size:
            out_best[0], out_best[1], out_best[2] = gone + 1, total, size
