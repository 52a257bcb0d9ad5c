"""Blocks of accounts and items that are denser than anything else in the graph of who engaged with what.

Source: FRAUDAR (Hooi, Song, Beutel, Shah, Shin, Faloutsos, KDD 2016): maximise (sum of a_i + sum of c_ij) / |S| with
c_ij = 1 / log(d_j + 5), d_j engagements with item j; camouflage on popular items weighs little. Greedy peeling reaches
at least half of the maximum. The constant 5 is from memory. The log is natural. a_i = 0: no suspicion from outside.
Several blocks: the accounts of a block are removed with all they did and the search is repeated.

Some set is always the densest, also where nobody cheats: the most active people and the most popular posts. A block is
reported only if its accounts engaged with at least ``fill`` of its items on average; this condition is ours. ``follows``
1 uses follows alone, which is nearer to the graphs of the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import FINE, Facts, Finding, Log, fine, first_acts, numbered, only, starts
from recsim.agents.detectors.pairing import LOG_UNIT, logs
from recsim.kernels.peel import peel
from recsim.state import FOLLOW


class Block(NamedTuple):
    """The densest set that peeling finds."""

    accounts: np.ndarray  # (n,) int64
    items: np.ndarray  # (m,) int64, dense numbers
    weight: int  # f(S) in 1/65536
    edges: int  # inside S


def densest(actor: np.ndarray, item: np.ndarray) -> Block:
    """Greedy peeling of one bipartite graph.

    Args:
        actor, item: (E,) int64, edges, each once.
    """
    accounts, a = np.unique(actor, return_inverse=True)
    items, j = np.unique(item, return_inverse=True)
    by_account, by_item = np.lexsort((j, a)), np.lexsort((a, j))
    degree = np.bincount(j, minlength=len(items))
    weight = np.rint(LOG_UNIT * LOG_UNIT / logs(degree + 5)).astype(np.int64)
    order, best = np.empty(len(accounts) + len(items), np.int64), np.zeros(3, np.int64)
    peel(
        starts(a[by_account], len(accounts)), j[by_account], starts(j[by_item], len(items)), a[by_item],
        np.zeros(len(accounts), np.int64), weight, order, best,
    )  # fmt: skip
    kept = np.sort(order[best[0] :])
    cut = int(np.searchsorted(kept, len(accounts)))
    inside = np.zeros(len(order), bool)
    inside[kept] = True
    edges = int(np.count_nonzero(inside[a] & inside[len(accounts) + j]))
    return Block(accounts[kept[:cut]], items[kept[cut:] - len(accounts)], int(best[1]), edges)


def dense_block(log: Log, facts: Facts, p: Mapping[str, float]) -> Finding:
    """The densest blocks, one after the other.

    Args:
        log, facts: see `Log`, `Facts`. p: parameters of `DETECTOR`.

    Returns:
        score: density of the account's reported block, 0 outside, in 1/1024; flagged: in a reported block; cluster: the block.
    """
    first = first_acts(only(log, (FOLLOW,)) if p["follows"] else log, facts.actors)
    actor, item = first.actor, first.target
    root = np.full(facts.actors, -1, np.int64)
    score = np.zeros(facts.actors, np.int64)
    left = np.ones(len(actor), bool)
    for number in range(int(p["blocks"])):
        actor, item = actor[left], item[left]
        if not actor.size:
            break
        block = densest(actor, item)
        gone = np.zeros(facts.actors, bool)
        gone[block.accounts] = True
        left = ~gone[actor]
        if block.edges * FINE >= fine(p["fill"]) * len(block.accounts) * len(block.items):
            root[block.accounts] = number
            score[block.accounts] = block.weight * FINE // (LOG_UNIT * (len(block.accounts) + len(block.items)))
    cluster = numbered(root, 2)
    return Finding(score, np.asarray(cluster >= 0), cluster)


DETECTOR = Detector(
    "dense_block",
    "blocks of accounts and items denser than the rest",
    dense_block,
    {
        "blocks": Parameter(
            5, "blocks", 1, 1000, "assumption", "blocks that are looked for, one after the other; ours", True
        ),
        "fill": Parameter(0.2, "0-1", 0, 1, "assumption", "least edges of a block over accounts times items; ours"),
        "follows": Parameter(0, "0 or 1", 0, 1, "assumption", "1: edges are follows alone", True),
    },
    "density of the account's block, 1/1024",
    "published formula",
    "Hooi et al.: FRAUDAR, KDD 2016; constant 5 from memory",
    "more than 4000 accounts in a graph of 1.47 billion edges, most with traces of bought followers; >= 1/2 of the "
    "optimum; co-clustering of the like graph misses stealthy farms (Ikram et al.)",
)
