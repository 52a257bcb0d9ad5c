"""The front of `recsim.kernels.pairs`: from first actions to linked accounts, in the accounts' own numbers."""

from __future__ import annotations

import numpy as np

from recsim import rng
from recsim.agents.detectors.log import First, scrambled, starts
from recsim.kernels import pairs

LOG_UNIT = 1 << 16
"""Logarithms are integers in units of 1/65536."""


def logs(numbers: np.ndarray) -> np.ndarray:
    """Natural logarithms of positive numbers in 1/65536, rounded, (N,) int64."""
    exact = rng.logarithms(np.maximum(numbers, 1).astype(np.float32)).astype(np.float64)
    return np.rint(exact * LOG_UNIT).astype(np.int64)


def paired(
    first: First, actors: int, rule: int, window: int, cap: int, least: int, overlap: int, threshold: int,
    pseudo: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Links between accounts with enough in common.

    Accounts with fewer than ``least`` targets can have no link and are left out first. Accounts are numbered anew by a
    fixed permutation, so that what the cap keeps does not depend on which accounts were registered in one go.

    Args:
        first: first actions. actors: A. rule, window, cap, least, overlap, threshold: see `pairs.link_pairs`.
        pseudo: k of the rule MUTUAL, added to the numbers of targets of both accounts.

    Returns:
        root (A,) int64, smallest account of the linked group, -1 without link; score (A,) int64 in 1/1024.
    """
    size = np.bincount(first.actor, minlength=actors).astype(np.int64)
    everything = len(first.actor)
    keep = size[first.actor] >= least
    place = scrambled(actors)
    actor, target, step = place[first.actor[keep]], first.target[keep], first.step[keep]
    low = int(step.min()) if step.size else 0
    span = int(step.max()) - low + 1 if step.size else 1
    moment = target * span + (step - low)
    order = np.lexsort((actor, moment))
    actor, moment = actor[order], moment[order]
    begins = np.flatnonzero(np.concatenate(([True], moment[1:] != moment[:-1]))) if moment.size else np.zeros(0, int)
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(moment))))
    mine = np.argsort(actor, kind="stable")
    scattered = np.zeros(actors, np.int64)
    scattered[place] = size
    root, score = np.arange(actors, dtype=np.int64), np.zeros(actors, np.int64)
    pairs.link_pairs(
        actor, group, moment[begins] // span, moment[begins] % span, np.append(begins, len(moment)),
        starts(actor[mine], actors), mine, scattered, logs(scattered + pseudo),
        logs(np.arange(int(size.max(initial=0)) + 2)), int(logs(np.array([max(everything, 1)]))[0]), rule, window, cap,
        least, overlap, threshold, root, score,
    )  # fmt: skip
    root = root[place]
    many = np.bincount(root, minlength=actors)[root] > 1
    smallest = np.full(actors, actors, np.int64)
    np.minimum.at(smallest, root, np.arange(actors))
    return np.where(many, smallest[root], -1), score[place]
