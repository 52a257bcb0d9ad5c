"""The response model: its numbers, and its chances and watch times for a chunk of items as vector code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER
from recsim.kernels.mathf import exp32, log32, sigmoid32
from recsim.kernels.philox import unit

CHUNK = 16
"""Items answered at once: draws and responses run as vector code."""
F = np.float32


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
    exploration: np.float32
    learning_rate: np.float32
    slate: np.int64
    inbox: np.int64
    heating: np.uint64  # share of slots given to heated items, in units of 2^-32; 0: none


# Short loops over few arrays: a loop over many arrays is not compiled to vector code, because whether they overlap
# would have to be checked for every pair.


@njit(**HELPER)
def units(words, out):
    """``out[n] = unit(words[n])``."""
    for n in range(CHUNK):
        out[n] = unit(words[n])


@njit(**HELPER)
def chances(utility, slope, intercept, out):
    """``out[n] = 1 / (1 + exp(-(intercept + slope * utility[n])))``."""
    for n in range(CHUNK):
        out[n] = sigmoid32(intercept + slope * utility[n])


@njit(**HELPER)
def watch_times(utility, slope, mean, u, out):
    """Share of the video watched if it is not skipped: exponential, its mean growing with utility, at most 1."""
    for n in range(CHUNK):
        out[n] = min(F(1.0), -log32(F(1.0) - u[n]) * (mean * exp32(slope * utility[n])))
