"""The response model: its numbers, and what a person does with a few items at once, as vector code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER
from recsim.kernels.mathf import exp32, log32, sigmoid32
from recsim.kernels.philox import unit_of

CHUNK = 16
"""Items answered at once: draws and responses run as vector code."""
F, I32 = np.float32, np.int32


TYPICAL_WATCH = F(0.45)
TYPICAL_SAME = F(0.3)
"""Likeness of an item to what was just watched that tires nobody more than usual."""
WORN = F(0.8)
"""How much of what was watched is still present one item later."""


class Reaction(NamedTuple):
    """Intercepts (log odds) and slopes of the response model; float32 scalars.

    Three models are settings of one kernel. Logistic: position_bias, stop, fatigue and memory are 0. Cascade: attention
    falls with the logarithm of the position, and whoever has acted is more likely to stop; watching more keeps nobody.
    Fatigue: more of the same topics is worth less, and leaving follows a running mean of satisfaction.
    """

    affinity: np.float32
    closeness: np.float32
    quality: np.float32
    emotion: np.float32
    social_proof: np.float32
    repetition: np.float32
    language_mismatch: np.float32
    typical_utility: np.float32
    like: np.float32
    comment: np.float32
    share: np.float32
    follow: np.float32
    open_comments: np.float32
    hide: np.float32
    report: np.float32
    skip: np.float32
    leave: np.float32
    act_slope: np.float32
    open_slope: np.float32
    hide_slope: np.float32
    skip_slope: np.float32
    watched_mean: np.float32
    watched_slope: np.float32
    satisfaction: np.float32
    position_bias: np.float32
    typical_rank: np.float32
    stop: np.float32
    typical_act: np.float32
    fatigue: np.float32
    memory: np.float32
    keeps_shares: np.float32
    served_only: bool  # events on what a search or an outside link brought up count nothing
    exploration: np.float32
    learning_rate: np.float32
    slate: np.int64
    inbox: np.int64
    heating: np.uint64  # share of slots given to heated items, in units of 2^-32; 0: none


# The number of lanes is an argument even where it is always 16: a loop whose length the compiler knows is unrolled
# before it can become vector code, and then stays scalar, eight times slower.


@njit(**HELPER)
def answers(utility, would, looks, bias, reaction, lanes, acts, parts):
    """What a person does with each of a few items if she looks at it.

    Args:
        utility: (N,) float32. would, looks: (4, N) uint32, words of her two draws about each item.
        bias: float32, her propensity to act. reaction: `Reaction`. lanes: items, a multiple of 8.
        acts: (N,) int32, written: bits as in `recsim.state.ACTIONS`, but the first one is a quick skip.
        parts: (N,) float32, written: share of the video that she watches. If she does not skip it, it is exponential, its
            mean growing with utility, at most 1.
    """
    skip_slope, act_slope, hide_slope = -reaction.skip_slope, reaction.act_slope, -reaction.hide_slope
    like, comment = reaction.like + bias, reaction.comment + bias
    share, follow = reaction.share + bias, reaction.follow + bias
    for n in range(lanes):
        value = utility[n]
        skips = unit_of(looks[2, n]) < sigmoid32(reaction.skip + skip_slope * value)
        u = unit_of(looks[3, n])
        watched = -log32(F(1.0) - u) * (reaction.watched_mean * exp32(reaction.watched_slope * value))
        watched = min(F(1.0), watched)
        act = I32(watched >= F(1.0)) << I32(1)
        act |= I32(unit_of(would[0, n]) < sigmoid32(like + act_slope * value)) << I32(2)
        act |= I32(unit_of(would[1, n]) < sigmoid32(comment + act_slope * value)) << I32(3)
        act |= I32(unit_of(would[2, n]) < sigmoid32(share + act_slope * value) * reaction.keeps_shares) << I32(4)
        act |= I32(unit_of(would[3, n]) < sigmoid32(follow + act_slope * value)) << I32(5)
        act = I32(1) if skips else act
        act |= I32(unit_of(looks[0, n]) < sigmoid32(reaction.open_comments + reaction.open_slope * value)) << I32(6)
        anger = unit_of(looks[1, n])
        p_report = sigmoid32(reaction.report + hide_slope * value)
        p_hide = sigmoid32(reaction.hide + hide_slope * value)
        act |= I32(256) if anger < p_report else (I32(128) if anger < p_report + p_hide else I32(0))
        acts[n] = act
        parts[n] = F(0.1) * u if skips else watched


@njit(**HELPER)
def leaving(words, odds, n):
    """The first of ``n`` positions after which she leaves, ``n`` if none.

    Args:
        words: (4, N) uint32, draws about positions; the third says. odds: (N,) float32, log odds of leaving.
    """
    last = n
    for k in range(n):
        leaves = unit_of(words[2, k]) < sigmoid32(odds[k])
        last = min(last, k if leaves else n)
    return last


@njit(**HELPER)
def learned_from(act):
    """What a platform takes from the acts on an item: watched to the end 1, skipped -1; a like 1; comment, share or follow
    another 1; hide or report -2.
    """
    more = I32((act & I32(8 | 16 | 32)) != I32(0))
    less = I32((act & I32(128 | 256)) != I32(0))
    return F(((act >> I32(1)) & I32(1)) - (act & I32(1)) + ((act >> I32(2)) & I32(1)) + more - I32(2) * less)
