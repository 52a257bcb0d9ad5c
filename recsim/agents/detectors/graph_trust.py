"""Trust that spreads from accounts the platform is sure of; who gets little of it for his activity is suspect.

Source: SybilRank (Cao, Sirivianos, Yang, Pregueiro, NSDI 2012): T_{i+1}(v) = sum over neighbours u of T_i(u) / deg(u),
stopped after ceil(log2 n) steps, before trust has mixed; accounts are ranked by T / deg. Form from memory.

The published graph is one of mutual friendships, where a fake account needs the consent of real people. A log has no
such graph. Here accounts are neighbours if they engaged with the same item: in a step an account splits its trust evenly
over its items and an item splits what it has over its accounts, which is the published walk on the graph with weights
w_uv = sum over common items of 1 / d_item (and w_uu), whose degrees are the accounts' numbers of items. Anybody can like
a popular post: such edges cost nothing and need nobody's consent, so the published figure is not to be expected as it
stands. Trust also mixes faster over posts than over friendships: the published number of steps (``steps`` 0) is too many
here, and the default is ours, chosen on the made-up logs of ``benchmarks/detectors.py``. ``follows`` 1 uses follows alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import FINE, Facts, Finding, Log, first_acts, only, starts
from recsim.state import FOLLOW

TOTAL = 1 << 40
"""Trust in the graph, in units that are never lost: what does not divide evenly goes to the first neighbours."""


def split(amount: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Splits each node's amount over its edges, remainders to the first ones.

    Args:
        amount: (M,) int64. start: (M+1,) int64, CSR; a node without edges must have amount 0.

    Returns:
        (E,) int64, with the same sum.
    """
    degree = np.diff(start)
    share, rest = np.divmod(amount, np.maximum(degree, 1))
    nth = np.arange(start[-1]) - np.repeat(start[:-1], degree)
    return np.repeat(share, degree) + (nth < np.repeat(rest, degree))


def spread(trust: np.ndarray, actor: np.ndarray, item: np.ndarray, items: int, steps: int) -> np.ndarray:
    """The walk: accounts to items to accounts, so many times.

    Args:
        trust: (A,) int64, 0 for accounts without edges. actor, item: (E,) int64, edges sorted by account, then item.

    Returns:
        (A,) int64 with the same sum.
    """
    by_item = np.argsort(item, kind="stable")
    back = np.argsort(by_item, kind="stable")
    actor_start, item_start = starts(actor, len(trust)), starts(item[by_item], items)
    for _ in range(steps):
        at_item = summed(split(trust, actor_start)[by_item], item_start)
        trust = summed(split(at_item, item_start)[back], actor_start)
    return trust


def summed(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Sums of integers between starts, (M,) int64."""
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
    return np.asarray(total[start[1:]] - total[start[:-1]])


def graph_trust(log: Log, facts: Facts, p: Mapping[str, float]) -> Finding:
    """Accounts with the least trust per degree among those that have edges.

    Args:
        log, facts: see `Log`, `Facts`; seeds without edges hold no trust. p: parameters of `DETECTOR`.

    Returns:
        score: largest T / deg of the graph minus the account's own, in 2^-50 of all trust, 0 without edges; flagged: the
        ``lowest`` share, and whoever ties with its last account; nobody if no seed has edges.
    """
    first = first_acts(only(log, (FOLLOW,)) if p["follows"] else log, facts.actors)
    order = np.lexsort((first.target, first.actor))
    actor, item = first.actor[order], first.target[order]
    degree = np.bincount(actor, minlength=facts.actors).astype(np.int64)
    ranked = np.flatnonzero(degree > 0)
    none = Finding(np.zeros(facts.actors, np.int64), np.zeros(facts.actors, bool), np.full(facts.actors, -1, np.int32))
    seeds = np.flatnonzero(facts.seeds & (degree > 0))
    if not seeds.size:
        return none
    trust = np.zeros(facts.actors, np.int64)
    trust[seeds] = split(np.array([TOTAL]), np.array([0, len(seeds)]))
    steps = int(p["steps"]) or (len(ranked) - 1).bit_length()
    trust = spread(trust, actor, item, first.targets, steps)
    ratio = trust[ranked] * FINE // degree[ranked]
    none.score[ranked] = ratio.max() - ratio
    if p["lowest"] > 0:
        last = np.sort(ratio)[max(1, int(p["lowest"] * len(ranked))) - 1]
        none.flagged[ranked] = ratio <= last
    return none


DETECTOR = Detector(
    "graph_trust",
    "accounts that trust from known accounts hardly reaches",
    graph_trust,
    {
        "lowest": Parameter(0.02, "0-1", 0, 1, "assumption", "share of ranked accounts that is flagged; ours"),
        "steps": Parameter(4, "steps", 0, 60, "assumption", "ours; 0: ceil(log2 n), as published", True),
        "follows": Parameter(0, "0 or 1", 0, 1, "assumption", "1: edges are follows alone", True),
    },
    "largest trust per degree minus the account's own, 2^-50 of all trust",
    "published formula",
    "Cao, Sirivianos, Yang, Pregueiro: Aiding the detection of fake accounts (SybilRank), NSDI 2012; form from memory",
    "about 90 % of the 200,000 lowest-ranked accounts of a friendship graph were fake, against about 5 % of user reports",
)
