"""Inauthentic and volunteer accounts act on items: who acts, on what, and whether it counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recsim.kernels.counters import place_comment
from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import exp32
from recsim.kernels.philox import philox4, philox_lanes, unit

F = np.float32
U64 = np.uint64
D_ACT, D_DETAIL, D_CHECK = U64(8), U64(9), U64(10)
VIEW, COMPLETE, LIKE, COMMENT, SHARE, FOLLOW, WATCH = 0, 1, 2, 3, 4, 5, 9
MOST_ACTS = 64
LANES = 16


class Tactics(NamedTuple):
    """Cumulative shares by which one action is decided; float32 scalars."""

    like: np.float32
    comment: np.float32  # like + comment
    share: np.float32  # like + comment + share; the rest are follows
    own: np.float32
    rivals: np.float32  # own + rivals; the rest goes to popular items
    views_per_action: np.float32
    prevented: np.float32


class Shift(NamedTuple):
    """Who works in this step, and how much."""

    per_step: np.float64  # simulated actions of one awake account
    acting: bool  # whether awake accounts exist at all now
    accounts: np.float64  # real accounts at the dose in question; account n acts with weight clip(accounts - n, 0, 1)
    elapsed: np.float64  # steps since the campaign began
    ramp_steps: np.float64  # steps over which accounts come into action
    sleeping: np.float64  # activity of aged accounts while not awake, share of the activity when awake
    sleepers: np.float64  # accounts that exist without the campaign


class Targets(NamedTuple):
    """Items that can be acted on, with cumulative weights (int64, strictly positive increments)."""

    own: np.ndarray  # (n,) int32
    own_edge: np.ndarray  # (n,) int64
    rivals: np.ndarray
    rivals_edge: np.ndarray
    popular: np.ndarray
    popular_edge: np.ndarray


class Engaged(NamedTuple):
    """Counted likes and shares of the step, for policies that learn from interactions; no room: not kept."""

    account: np.ndarray  # (N,) int32, number of the account in its network
    item: np.ndarray  # (N,) int32
    used: np.ndarray  # (1,) int64


@njit(**HELPER)
def _pick(items, edge, word):
    """Item drawn in proportion to weight; -1 if there is none."""
    n = items.size
    if n == 0:
        return np.int64(-1)
    # The word has 32 bits and total weights stay far below 2^31, so the product fits.
    goal = np.int64((word * U64(edge[n - 1])) >> U64(32))
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if edge[middle] <= goal:
            low = middle + 1
        else:
            high = middle
    return np.int64(items[low])


@njit(**KERNEL)
def plan_acts(aged, delay, shift, population, key0, key1, step, out_times, out_awake):
    """How often every account acts in this step: Poisson, by inversion of one uniform, at most 64 times.

    Args:
        aged: (N,) bool, accounts created years before. delay: (N,) float32, place in the ramp, 0-1.
        shift: see above. population, key0, key1, step: draw key.
        out_times: (N,) int64, out_awake: (N,) bool; written.

    Returns:
        The number of acts of all accounts.
    """
    total = 0
    c0 = np.empty(LANES, np.uint64)
    c1 = np.empty(LANES, np.uint64)
    c2 = np.empty(LANES, np.uint64)
    c3 = np.empty(LANES, np.uint64)
    rate = np.zeros(LANES, np.float32)
    last_rate, last_term = F(0.0), F(1.0)
    for start in range(0, aged.size, LANES):
        count = min(LANES, aged.size - start)
        anyone = False
        for lane in range(count):
            n = start + lane
            weight = 0.0
            if shift.acting and shift.elapsed >= delay[n] * shift.ramp_steps:
                weight = min(max(shift.accounts - n, 0.0), 1.0)
            awake = weight > 0.0
            if not awake and aged[n] and n < shift.sleepers:
                weight = shift.sleeping
            rate[lane] = F(shift.per_step * weight)
            anyone = anyone | (weight > 0.0)
            out_awake[n] = awake
            out_times[n] = 0
        if not anyone:
            continue
        for lane in range(LANES):
            c0[lane] = U64(start + lane)
            c1[lane] = U64(0)
            c2[lane] = population
            c3[lane] = (step << U64(16)) | D_ACT
        philox_lanes(c0, c1, c2, c3, key0, key1)
        for lane in range(count):
            if rate[lane] <= F(0.0):
                continue
            if rate[lane] != last_rate:
                last_rate, last_term = rate[lane], exp32(-rate[lane])
            u = unit(c0[lane])
            term = last_term
            edge = term
            times = 0
            while u >= edge and times < MOST_ACTS:
                times += 1
                term = term * rate[lane] / F(times)
                edge = edge + term
            out_times[start + lane] = times
            total += times
    return total


@njit(**KERNEL)
def act(
    times_of, awake_of, tactics, targets, beneficiary, named, inauthentic, population, key0, key1, step, keys, candidate,
    counters, accounts, by_action, out_attempted, out_prevented, out_counted, out_own, engaged,
):  # fmt: skip
    """All accounts of one campaign act within one step.

    Sleeping accounts like popular items about no candidate, which is what keeps them looking ordinary.

    Args:
        times_of: (N,) int64, awake_of: (N,) bool: from `plan_acts`.
        tactics, targets: see above. beneficiary: index of the candidate; named: whom comments name, -1 nobody.
        inauthentic: bool (volunteers' actions are authentic and never prevented).
        population, key0, key1, step: draw key. keys: (I,) uint32. candidate: (I,) int8.
        counters: `recsim.state.Counters`; totals and top comments written.
        accounts: `recsim.state.Accounts`; the beneficiary's official followers are raised by follows.
        by_action: (C+1, 10) int64, counted events by candidate, written.
        out_attempted, out_prevented, out_counted: (4,) int64 by tactic (like, comment, share, follow), added to.
        out_own: (1,) int64, counted actions on the beneficiary's own items, added to.
        engaged: see above; written from ``engaged.used`` on.
    """
    nobody = by_action.shape[0] - 1
    for n in range(times_of.size):
        times = times_of[n]
        awake = awake_of[n]
        for time in range(times):
            a, b, c, d = philox4(U64(n), U64(time), population, (step << U64(16)) | D_DETAIL, key0, key1)
            e, _, _, _ = philox4(U64(n), U64(time), population, (step << U64(16)) | D_CHECK, key0, key1)
            tactic = unit(a)
            kind = (
                0
                if tactic < tactics.like
                else (1 if tactic < tactics.comment else (2 if tactic < tactics.share else 3))
            )
            item = np.int64(-1)
            if not awake:
                kind = 0
                item = _pick(targets.popular, targets.popular_edge, c)
            elif kind == 3:
                item = -2
            elif kind == 1:
                where = unit(b)
                if where < tactics.own:
                    item = _pick(targets.own, targets.own_edge, c)
                elif where < tactics.rivals:
                    item = _pick(targets.rivals, targets.rivals_edge, c)
                else:
                    item = _pick(targets.popular, targets.popular_edge, c)
            else:
                item = _pick(targets.own, targets.own_edge, c)
            if item == -1:
                continue
            if awake:
                out_attempted[kind] += 1
            if inauthentic and (kind == 0 or kind == 3) and unit(e) < tactics.prevented:
                if awake:
                    out_prevented[kind] += 1
                continue
            if awake:
                out_counted[kind] += 1
            if kind == 3:
                accounts.followers[accounts.official[beneficiary]] += 1
                by_action[beneficiary, FOLLOW] += 1
                continue
            about = candidate[item]
            row = about if about >= 0 else nobody
            if about == beneficiary:
                out_own[0] += 1
            if kind != 1 and engaged.used[0] < engaged.item.size:
                engaged.account[engaged.used[0]] = n
                engaged.item[engaged.used[0]] = item
                engaged.used[0] += 1
            if unit(d) < tactics.views_per_action:
                counters.total[item, VIEW] += 1
                counters.total[item, COMPLETE] += 1
                counters.total[item, WATCH] += 1024
                by_action[row, VIEW] += 1
                by_action[row, COMPLETE] += 1
            if kind == 0:
                counters.total[item, LIKE] += 1
                by_action[row, LIKE] += 1
            elif kind == 2:
                counters.total[item, SHARE] += 1
                by_action[row, SHARE] += 1
            else:
                ordinal = counters.total[item, COMMENT]
                counters.total[item, COMMENT] += 1
                by_action[row, COMMENT] += 1
                place_comment(counters.top_comment, item, named, ordinal, population, key0, key1, keys)
