"""Items that the same actors engaged with: counts of common actors, cosine, the nearest few of every item."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL

F = np.float32


@njit(**KERNEL)
def nearest_items(actor_start, actor_place, item_start, item_actor, live, out_place, out_similarity):
    """For every item the K live items with the largest cosine of their columns of the actor x item matrix of zeros and ones.

    cos(i, j) = c_ij / sqrt(n_i n_j), with c_ij actors in common and n_i actors of item i (itself left out; ties to the
    smaller place). Counts are integers, so the order of actors cannot matter.

    Args:
        actor_start: (M+1,) int64, actor_place: (P,) int64: places of the items of each actor.
        item_start: (N+1,) int64, item_actor: (P,) int64: actors of each item.
        live: (N,) int64, place of the item in the live window, -1 for items that have expired.
        out_place: (N, K) int32, places in the live window, best first, -1 where there are fewer; written.
        out_similarity: (N, K) float32, written.
    """
    items, most = out_place.shape
    common = np.zeros(items, np.int64)
    touched = np.empty(items, np.int64)
    best = np.empty(most, np.int64)
    value = np.empty(most, np.float64)
    for i in range(items):
        count = 0
        for a in range(item_start[i], item_start[i + 1]):
            actor = item_actor[a]
            for b in range(actor_start[actor], actor_start[actor + 1]):
                j = actor_place[b]
                if j == i or live[j] < 0:
                    continue
                if common[j] == 0:
                    touched[count] = j
                    count += 1
                common[j] += 1
        kept = 0
        mine = np.float64(item_start[i + 1] - item_start[i])
        for t in range(count):
            j = touched[t]
            cosine = common[j] / np.sqrt(mine * np.float64(item_start[j + 1] - item_start[j]))
            common[j] = 0
            at = kept
            while at > 0 and (cosine > value[at - 1] or (cosine == value[at - 1] and j < best[at - 1])):
                at -= 1
            if at == most:
                continue
            kept = min(kept + 1, most)
            for place in range(kept - 1, at, -1):
                value[place], best[place] = value[place - 1], best[place - 1]
            value[at], best[at] = cosine, j
        for k in range(most):
            out_place[i, k] = np.int32(live[best[k]]) if k < kept else np.int32(-1)
            out_similarity[i, k] = F(value[k]) if k < kept else F(0.0)
