"""Accounts that choose the same items far more often than chance, in groups that hold together.

Source: Community Notes' code (`post_selection_similarity.py`, `quasi_clique_detection.py`). A pair is linked if it
engaged within a window with at least ``common`` items, with c / min(n_i, n_j) >= ``overlap`` and a smoothed normalised
pointwise mutual information log(c N / ((n_i + k)(n_j + k))) / log(N / c) >= ``npmi``; N is the number of pairs of
account and item. Linked groups are then thinned: an item belongs to a group if at least ``inclusion`` of its accounts
(and four, or all) engaged with it; an account stays if it engaged with at least ``inclusion`` of those items.

Departures: the published code grows a quasi-clique from a pair, one account at a time; this one shrinks a linked group
until it is stable, which asks the same of every member and needs no order. Agreement is having engaged at all, as there
is no helpful or not helpful here. The file we read has a window of 10 minutes and an NPMI of 0.60, the current rules 20
and 0.55; we take 0.55 and a window in hours, because a step of an hour cannot be finer. The pseudo-count 500 belongs to
a log of many millions of ratings; the default is ours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim.agents.detectors.detector import Detector, Parameter
from recsim.agents.detectors.log import FINE, Facts, Finding, First, Log, fine, first_acts, numbered, steps_of
from recsim.agents.detectors.pairing import paired
from recsim.agents.detectors.synchrony import CAP
from recsim.kernels.pairs import MUTUAL

TOGETHER = 4
"""An item of a group needs this many of its accounts, or all of them (as published)."""


def cliques(log: Log, facts: Facts, p: Mapping[str, float]) -> Finding:
    """Groups linked by mutual information of what they chose, thinned to quasi-cliques.

    Args:
        log, facts: see `Log`, `Facts`. p: parameters of `DETECTOR`.

    Returns:
        score: largest smoothed NPMI with another account that has enough in common, in 1/1024; flagged: in a
        quasi-clique.
    """
    first = first_acts(log, facts.actors)
    root, score = paired(
        first, facts.actors, MUTUAL, steps_of(p["window"], facts), int(p["cap"]), int(p["common"]),
        fine(p["overlap"]), fine(p["npmi"]), p["pseudo_count"],
    )  # fmt: skip
    root = thinned(first, root, fine(p["inclusion"]), int(p["items"]), int(p["smallest"]))
    cluster = numbered(root, int(p["smallest"]))
    return Finding(score, np.asarray(cluster >= 0), cluster)


def thinned(first: First, root: np.ndarray, inclusion: int, items: int, smallest: int) -> np.ndarray:
    """Drops accounts until every account left engaged with enough of its group's items.

    Args:
        first: first engagements. root: (A,) int64, group, -1 none. inclusion: in 1/1024.
        items: fewest items of a group. smallest: fewest accounts.

    Returns:
        (A,) int64, -1 for accounts dropped.
    """
    root = root.copy()
    while True:
        group = root[first.actor]
        inside = np.flatnonzero(group >= 0)
        if not inside.size:
            return root
        size = np.bincount(root[root >= 0], minlength=len(root))
        _, pair, count = np.unique(
            group[inside] * first.targets + first.target[inside], return_inverse=True, return_counts=True
        )
        members = size[group[inside]]
        enough = (count[pair] * FINE >= inclusion * members) & (count[pair] >= np.minimum(members, TOGETHER))
        held = np.unique((group[inside] * first.targets + first.target[inside])[enough]) // first.targets
        wanted = np.bincount(held, minlength=len(root))
        mine = np.bincount(first.actor[inside[enough]], minlength=len(root))
        here = np.maximum(root, 0)
        stays = (mine * FINE >= inclusion * wanted[here]) & (wanted[here] >= items) & (size[here] >= smallest)
        dropped = (root >= 0) & ~stays
        if not dropped.any():
            return root
        root[dropped] = -1


CODE = "Community Notes, scoring code"
DETECTOR = Detector(
    "cliques",
    "groups that choose the same items far above chance",
    cliques,
    {
        "window": Parameter(1, "hours", 0, 168, "assumption", "20 minutes there; the step is coarser here"),
        "npmi": Parameter(0.55, "0-1", 0.01, 1, "published formula", CODE),
        "overlap": Parameter(0.4, "0-1", 0, 1, "published formula", CODE),
        "common": Parameter(10, "items", 1, 10_000, "published formula", CODE + " (ratings of an account)", True),
        "pseudo_count": Parameter(20, "items", 0, 100_000, "assumption", "500 there, in a far larger log", True),
        "inclusion": Parameter(0.25, "0-1", 0.01, 1, "published formula", CODE),
        "items": Parameter(25, "items", 1, 10_000, "published formula", CODE, True),
        "smallest": Parameter(5, "accounts", 2, 1_000_000, "published formula", CODE, True),
        "cap": CAP,
    },
    "largest normalised mutual information with another account, 1/1024",
    "published formula",
    "twitter/communitynotes, post_selection_similarity.py and quasi_clique_detection.py",
    "used in production; no precision or recall published",
)
