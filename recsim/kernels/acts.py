"""Inauthentic and volunteer accounts act on items: who acts, on what, and whether it counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recsim.kernels.counters import place_comment
from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import exp32
from recsim.kernels.philox import LOW, actor_units, philox4, unit

F = np.float32
U64 = np.uint64
D_ACT, D_DETAIL, D_CHECK = U64(8), U64(9), U64(10)
VIEW, COMPLETE, LIKE, COMMENT, SHARE, FOLLOW, REPORT, WATCH = 0, 1, 2, 3, 4, 5, 8, 9
ACTIONS_OF = ("like", "comment", "share", "follow", "watch", "report", "search", "camouflage")
"""Tactics of one action, in the order of every table by tactic."""
T_LIKE, T_COMMENT, T_SHARE, T_FOLLOW, T_WATCH, T_REPORT, T_SEARCH, T_CAMOUFLAGE = range(8)
RULES = ("own", "rivals", "popular", "random", "segment", "trial")
"""Rules by which a target is drawn, in the order of `Targets`; after them, in the last place, whom searches name."""
POPULAR, SEARCHED = 2, 6
FOLLOWED = -2
"""In the log a follow of author a has ``FOLLOWED - a`` in the place of the item."""
MOST_ACTS = 64
LANES = 16


class Tactics(NamedTuple):
    """How one action is decided, by tactic (K, in the order of `ACTIONS_OF`) and rule (R, in the order of `RULES`)."""

    edge: np.ndarray  # (K,) float32, cumulative shares; the last tactic that is used takes the rest
    where: np.ndarray  # (K, R) float32, cumulative shares of the rules; the last rule that is used takes the rest
    uses: np.ndarray  # (K,) bool, whether the tactic has an effect in this world
    price: np.ndarray  # (K,) int64, millionths of a euro for one simulated action
    views_per_action: np.float32
    prevented: np.float32  # of likes and follows
    camouflage: np.float32  # share of actions that are likes of popular items about no candidate
    served: np.float32  # share of actions on items that the account's own feed showed it


class Shift(NamedTuple):
    """Who works in this step, and how much."""

    per_step: np.float64  # simulated actions of one awake account
    acting: bool  # whether awake accounts exist at all now
    accounts: np.float64  # real accounts at the dose in question; account n acts with weight clip(accounts - n, 0, 1)
    elapsed: np.float64  # steps since the campaign began
    ramp_steps: np.float64  # steps over which accounts come into action
    sleeping: np.float64  # activity of aged accounts while not awake, share of the activity when awake
    sleepers: np.float64  # accounts that exist without the campaign
    places: np.int64  # accounts of the network, those that replace others not counted


class Targets(NamedTuple):
    """Items that can be acted on, rule after rule, and candidates whom searches name."""

    item: np.ndarray  # (n,) int32; in the last part numbers of candidates
    edge: np.ndarray  # (n,) int64, weights, cumulative within a rule, with strictly positive increments
    start: np.ndarray  # (R + 2,) int64, first entry of each part, then their number; (R + 3,) with a part for sleepers
    asleep: np.int64 = np.int64(POPULAR)  # part from which sleeping accounts draw


class Engaged(NamedTuple):
    """Counted likes and shares of the step, for policies that learn from interactions; no room: not kept.

    With signals of the policy's own, each act with one of them, as in `recsim.kernels.look.look_block`.
    """

    account: np.ndarray  # (N,) int32, number of the account in its network
    item: np.ndarray  # (N,) int32
    value: np.ndarray  # (N,) int8, 1 positive, 0 negative; N = 0 without signals
    signals: np.ndarray  # (2,) int64, actions that are positive and negative; (0,) without
    used: np.ndarray  # (1,) int64


class Counting(NamedTuple):
    """What the platform counts of an account's events."""

    weight: np.ndarray  # (N,) int32, in 1/1024
    group: np.ndarray  # (N,) uint8
    recognised: np.ndarray  # (N,) bool, known to belong to one cluster
    cap: np.int64  # weight, in 1/1024, that counts of events of a kind on an item from the recognised ones together; below 0: no cap
    spent: np.ndarray  # (I, 10) int32, how much of it is used, in 1/1024, written; I = 0 without cap
    served_only: bool  # events on items that the account was not served count nothing


class Log(NamedTuple):
    """Counted events of the step."""

    row: np.ndarray  # (M, 5) int32: account, item (-1: the official account; else see `FOLLOWED`), action, weight, step
    fake: np.ndarray  # (M,) bool, whether the event is also in ``counters.fake``
    used: np.ndarray  # (1,) int64


@njit(**HELPER)
def _pick(targets, rule, word):
    """Target drawn in proportion to weight; -1 if there is none."""
    first, last = targets.start[rule], targets.start[rule + 1] - 1
    if last < first:
        return np.int64(-1)
    # The share of the total that the word, of 32 bits, stands for; in two parts, so that totals up to 2^63 fit.
    total = U64(targets.edge[last])
    goal = np.int64(word * (total >> U64(32)) + ((word * (total & LOW)) >> U64(32)))
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if targets.edge[middle] <= goal:
            low = middle + 1
        else:
            high = middle
    return np.int64(targets.item[low])


@njit(**HELPER)
def _first_above(edges, u):
    """First place whose cumulative share exceeds u; the last one if none does."""
    place = 0
    while place < edges.size - 1 and u >= edges[place]:
        place += 1
    return place


@njit(**HELPER)
def _count(counters, counting, log, account, item, action, units, fake, served, step):
    """One event into totals, weighted totals and the log."""
    counters.total[item, action] += units
    if fake:
        counters.fake[item, action] += units
    weight = np.int64(counting.weight[account])
    if counters.valued.shape[0] > 0:
        if counting.served_only and not served:
            weight = 0
        if weight > 0 and counting.cap >= 0 and counting.recognised[account]:
            weight = min(weight, max(counting.cap - counting.spent[item, action], np.int64(0)))
            counting.spent[item, action] += weight
        group = counting.group[account]
        counters.valued[item, group, action] += weight * units
        if fake:
            counters.fake_valued[item, group, action] += weight * units
    _write(log, account, item, action, weight, step, fake)


@njit(**HELPER)
def _write(log, account, item, action, weight, step, fake):
    k = log.used[0]
    log.row[k, 0] = account
    log.row[k, 1] = item
    log.row[k, 2] = action
    log.row[k, 3] = weight
    log.row[k, 4] = step
    log.fake[k] = fake
    log.used[0] = k + 1


@njit(**KERNEL)
def plan_acts(aged, delay, active, shift, population, key0, key1, step, out_times, out_awake):
    """How often every account acts in this step: Poisson, by inversion of one uniform, at most 64 times.

    Args:
        aged: (N,) bool, accounts created years before. delay: (N,) float32, place in the ramp, 0-1.
        active: (N,) bool, not removed; others do nothing.
        shift: see above. population, key0, key1, step: draw key.
        out_times: (N,) int64, out_awake: (N,) bool; written.

    Returns:
        The number of acts of all accounts.
    """
    total = 0
    u = np.empty(LANES, np.float32)
    rate = np.zeros(LANES, np.float32)
    last_rate, last_term = F(0.0), F(1.0)
    for start in range(0, aged.size, LANES):
        count = min(LANES, aged.size - start)
        anyone = False
        for lane in range(count):
            n = start + lane
            weight = 0.0
            place = n if n < shift.places else n % shift.places  # accounts that replace others stand in their place
            if active[n] and shift.acting and shift.elapsed >= delay[n] * shift.ramp_steps:
                weight = min(max(shift.accounts - place, 0.0), 1.0)
            awake = weight > 0.0
            if active[n] and not awake and aged[n] and n < shift.sleepers:
                weight = shift.sleeping
            rate[lane] = F(shift.per_step * weight)
            anyone = anyone | (weight > 0.0)
            out_awake[n] = awake
            out_times[n] = 0
        if not anyone:
            continue
        actor_units(start, count, population, (step << U64(16)) | D_ACT, key0, key1, u)
        for lane in range(count):
            if rate[lane] <= F(0.0):
                continue
            if rate[lane] != last_rate:
                last_rate, last_term = rate[lane], exp32(-rate[lane])
            term = last_term
            edge = term
            times = 0
            while u[lane] >= edge and times < MOST_ACTS:
                times += 1
                term = term * rate[lane] / F(times)
                if F(times) > rate[lane] and edge + term == edge:
                    break  # rounding has left the sum short of 1, and the largest u beyond it
                edge = edge + term
            out_times[start + lane] = times
            total += times
    return total


@njit(**KERNEL)
def act(
    times_of, awake_of, tactics, targets, beneficiary, named, inauthentic, population, key0, key1, step, keys, candidate,
    author, counters, accounts, by_action, flows, out_own, engaged, counting, sought, purse, log,
):  # fmt: skip
    """All accounts of one campaign act within one step.

    Sleeping accounts like popular items about no candidate, which is what keeps them looking ordinary. An act that
    cannot be paid is not done. A tactic that has no effect in this world still takes its money and its draws, so that
    nothing else changes.

    Args:
        times_of: (N,) int64, awake_of: (N,) bool: from `plan_acts`.
        tactics, targets: see above. beneficiary: index of the candidate.
        named: whom comments name; -1: they name nobody, and follows are of authors of drawn items, as a placebo has it.
        inauthentic: bool (volunteers' actions are authentic and never prevented).
        population, key0, key1, step: draw key. keys: (I,) uint32. candidate: (I,) int8. author: (I,) int32.
        counters: `recsim.state.Counters`; totals, fake and weighted ones, and top comments written.
        accounts: `recsim.state.Accounts`; followers of the official account, or of those authors, are raised by follows.
        by_action: (C+1, 10) int64, counted events by candidate, written.
        flows: (3, K) int64: attempted, prevented and counted actions by tactic, added to.
        out_own: (1,) int64, counted actions on the beneficiary's own items, added to.
        engaged, counting, log: see above; written from ``used`` on. The log needs room for four events an act.
        sought: (C, I) float32, how often an item was picked after a search for a candidate, added to.
        purse: (2,) int64, spent and budget in millionths of a euro, written.
    """
    nobody = by_action.shape[0] - 1
    keeps_values = engaged.signals.size > 0
    positive = np.int64(1 << LIKE | 1 << SHARE)
    negative = np.int64(0)
    if keeps_values:
        positive, negative = engaged.signals[0], engaged.signals[1]
    for n in range(times_of.size):
        times = times_of[n]
        awake = awake_of[n]
        fake = awake and inauthentic
        for time in range(times):
            a, b, c, d = philox4(U64(n), U64(time), population, (step << U64(16)) | D_DETAIL, key0, key1)
            e, f, g, h = philox4(U64(n), U64(time), population, (step << U64(16)) | D_CHECK, key0, key1)
            kind = _first_above(tactics.edge, unit(a))
            if not awake:
                kind = T_LIKE
            elif unit(f) < tactics.camouflage:
                kind = T_CAMOUFLAGE
            item = np.int64(-2)
            if not awake:
                item = _pick(targets, targets.asleep, c)
            elif kind != T_FOLLOW or named < 0:
                item = _pick(targets, _first_above(tactics.where[kind], unit(b)), c)
            if item == -1:
                continue
            if awake:
                if purse[0] + tactics.price[kind] > purse[1]:
                    continue
                purse[0] += tactics.price[kind]
                if not tactics.uses[kind]:
                    continue
                flows[0, kind] += 1
            stoppable = kind in (T_LIKE, T_FOLLOW, T_CAMOUFLAGE)
            if inauthentic and stoppable and unit(e) < tactics.prevented:
                if awake:
                    flows[1, kind] += 1
                continue
            if awake:
                flows[2, kind] += 1
            if kind == T_FOLLOW and named >= 0:
                accounts.followers[accounts.official[beneficiary]] += 1
                by_action[beneficiary, FOLLOW] += 1
                _write(log, n, -1, FOLLOW, counting.weight[n], step, fake)
                continue
            about = candidate[item]
            row = about if about >= 0 else nobody
            if kind == T_FOLLOW:
                accounts.followers[author[item]] += 1
                by_action[row, FOLLOW] += 1
                _write(log, n, np.int64(FOLLOWED) - author[item], FOLLOW, counting.weight[n], step, fake)
                continue
            served = unit(g) < tactics.served
            if about == beneficiary:
                out_own[0] += 1
            likes = kind in (T_LIKE, T_CAMOUFLAGE)
            done = np.int64(0)
            if kind == T_WATCH or unit(d) < tactics.views_per_action:
                _count(counters, counting, log, n, item, VIEW, 1, fake, served, step)
                _count(counters, counting, log, n, item, COMPLETE, 1, fake, served, step)
                _count(counters, counting, log, n, item, WATCH, 1024, fake, served, step)
                by_action[row, VIEW] += 1
                by_action[row, COMPLETE] += 1
                by_action[row, WATCH] += 1024
                done = np.int64(1 << COMPLETE)
            action = -1
            if likes:
                action = LIKE
            elif kind == T_SHARE:
                action = SHARE
            elif kind == T_COMMENT:
                action = COMMENT
                place_comment(
                    counters.top_comment, item, named, counters.total[item, COMMENT], population, key0, key1, keys
                )
            elif kind == T_REPORT:
                action = REPORT
            elif kind == T_SEARCH and sought.shape[1] > 0:
                whom = _pick(targets, SEARCHED, h)
                if whom >= 0:
                    sought[whom, item] += F(1.0)
            if action >= 0:
                _count(counters, counting, log, n, item, action, 1, fake, served, step)
                by_action[row, action] += 1
                done |= np.int64(1) << action
            learned = served or not counting.served_only  # of what does not count nothing is learned
            if learned and done & (positive | negative) and engaged.used[0] < engaged.item.size:
                engaged.account[engaged.used[0]] = n
                engaged.item[engaged.used[0]] = item
                if keeps_values:
                    engaged.value[engaged.used[0]] = np.int8(done & negative == 0)
                engaged.used[0] += 1
