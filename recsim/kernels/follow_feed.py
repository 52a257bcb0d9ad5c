"""Feeds of a follow-graph world: what a person passes on, and how what arrives enters her slots.

A step has actions in order of arrival; `deliver` works by recipient, so threads share nothing that is written.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL


@njit(**KERNEL)
def gather_slots(actor, slots, appeal, copies, everywhere, post, out):
    """Features of all slots of acting agents, one row of S slots per action; zeros where a slot is empty.

    Args:
        actor: (A,) int32. slots: `recsim.state.Slots`. appeal: (P,) float32 by post. copies: (P,) int64 emitted so far.
        everywhere: bool, whether shares are those of the whole platform.
        post: (A, S) int32, -1 where empty, written. out: (3, A * S) float32, age, appeal and shares, written.
    """
    size = slots.post.shape[1]
    for action in range(actor.size):
        who = actor[action]
        for k in range(size):
            place = action * size + k
            if k >= slots.count[who]:
                post[action, k] = -1
                out[0, place] = out[1, place] = out[2, place] = np.float32(0.0)
                continue
            one = slots.post[who, k]
            post[action, k] = one
            out[0, place] = np.float32(slots.age[who, k])
            out[1, place] = appeal[one]
            out[2, place] = np.float32(copies[one] if everywhere else slots.shares[who, k])


@njit(**KERNEL)
def choose_slots(post, score, u, proportion, chosen):
    """The post that each action passes on.

    Args:
        post: (A, S) int32, -1 where empty; filled slots first. score: (A * S,) float32; below 0 counts as 0.
        u: (A,) float32 in [0, 1). proportion: bool, drawn in proportion to the score, evenly if all are 0; else the
            highest, the first among equals.
        chosen: (A,) int32, written; -1 where the feed is empty.
    """
    size = post.shape[1]
    for action in range(post.shape[0]):
        row = score[action * size : (action + 1) * size]
        filled = 0
        total = np.float32(0.0)
        best = 0
        for k in range(size):
            if post[action, k] < 0:
                break
            filled += 1
            total += max(row[k], np.float32(0.0))
            if row[k] > row[best]:
                best = k
        if filled == 0:
            chosen[action] = -1
            continue
        if proportion and total > np.float32(0.0):
            goal, passed = u[action] * total, np.float32(0.0)
            best = -1
            for k in range(filled):
                if row[k] > np.float32(0.0):
                    passed += row[k]
                    best = k
                    if passed > goal:
                        break
        elif proportion:
            best = min(np.int64(u[action] * np.float32(filled)), filled - 1)
        chosen[action] = post[action, best]


@njit(**HELPER)
def _collect(recipient, lists, first, last, local, weight, stamp, found):
    """Distinct posts that arrived: copies and first arrival of each; how many they are, and how many emissions."""
    distinct, emissions = 0, 0
    for edge in range(lists.start[recipient], lists.start[recipient + 1]):
        whom = lists.followed[edge]
        for action in range(first[whom], last[whom]):
            one = local[action]
            emissions += 1
            if stamp[one, 0] != recipient:
                stamp[one, 0] = recipient
                stamp[one, 1] = weight[action]
                stamp[one, 2] = action
                found[distinct] = one
                distinct += 1
            else:
                stamp[one, 1] += weight[action]
                stamp[one, 2] = min(stamp[one, 2], action)
    return distinct, emissions


@njit(**HELPER)
def _earliest(found, distinct, stamp, size, place):
    """Fill ``place`` with the earliest ``size`` of the distinct posts that are still stamped; how many."""
    kept = 0
    for n in range(distinct):
        one = found[n]
        when = stamp[one, 2]
        if when < 0 or (kept == size and when > stamp[place[size - 1], 2]):
            continue
        k = kept if kept < size else size - 1
        while k > 0 and stamp[place[k - 1], 2] > when:
            place[k] = place[k - 1]
            k -= 1
        place[k] = one
        kept = min(kept + 1, size)
    return kept


@njit(**KERNEL)
def deliver(begin, end, now, lists, first, last, local, weight, posts, local_of, to_one, reset, slots, scratch):
    """What arrives enters the feeds of recipients begin..end-1.

    Nothing arrived: the feed stays. Only posts that are not there: the old ones' ages become 1 (``to_one``) or advance;
    else they advance by 1, and those that came again gain the copies and, with ``reset``, go to the front with age 0.
    Then what is new goes in front in order of arrival, and the newest S stay. Ages advance once a step at most.

    Args:
        begin, end: recipients. now: step. lists: `recsim.state.FollowLists`.
        first, last: (N,) int32, actions of each agent. local: (A,) int32, first action of the step with the same post.
        weight: (A,) int32, copies. posts: (A,) int32, post of each action. local_of: (P,) int32, local number of a post
            that was emitted now, -1.
        to_one, reset: bool. slots: `recsim.state.Slots`, written.
        scratch: (A, 3) int32 for stamps, filled with -1; two of (A,) and (S + 1,) int32; three of (S,) int32.

    Returns:
        Emissions delivered, one per follower.
    """
    stamp, found, place, old_post, old_shares, old_age = scratch
    size = slots.post.shape[1]
    delivered = 0
    for who in range(begin, end):
        distinct, emissions = _collect(who, lists, first, last, local, weight, stamp, found)
        delivered += emissions
        if distinct == 0:
            continue
        held = slots.count[who]
        post, shares, age = slots.post[who], slots.shares[who], slots.age[who]
        overlap = 0
        for k in range(held):
            one = local_of[post[k]]
            if one >= 0 and stamp[one, 0] == who:
                shares[k] += stamp[one, 1]
                stamp[one, 2] = -1 - k  # it is here already
                overlap += 1
        advance = slots.aged[who] != now
        for k in range(held):
            if advance:
                age[k] = np.int32(1) if to_one and overlap == 0 else age[k] + np.int32(1)
            old_post[k], old_shares[k], old_age[k] = post[k], shares[k], age[k]
        slots.aged[who] = now
        kept = _earliest(found, distinct, stamp, size, place)
        if kept == 0 and not (reset and overlap):
            continue
        n = 0
        if reset and overlap:
            for k in range(held):
                one = local_of[old_post[k]]
                if one >= 0 and stamp[one, 0] == who:
                    post[n], shares[n], age[n] = old_post[k], old_shares[k], np.int32(0)
                    n += 1
        for k in range(min(kept, size - n)):
            one = place[k]
            post[n], shares[n], age[n] = posts[one], stamp[one, 1], np.int32(0)
            n += 1
        for k in range(held):
            if n == size:
                break
            one = local_of[old_post[k]]
            if reset and one >= 0 and stamp[one, 0] == who:
                continue
            post[n], shares[n], age[n] = old_post[k], old_shares[k], old_age[k]
            n += 1
        slots.count[who] = n
    return delivered


@njit(**KERNEL)
def remove_posts(removed, slots):
    """Take removed posts out of all feeds; what is left closes up. removed: (P,) bool; slots written."""
    for who in range(slots.count.size):
        n = 0
        for k in range(slots.count[who]):
            if removed[slots.post[who, k]]:
                continue
            slots.post[who, n] = slots.post[who, k]
            slots.shares[who, n] = slots.shares[who, k]
            slots.age[who, n] = slots.age[who, k]
            n += 1
        slots.count[who] = n


@njit(**KERNEL)
def count_slots(agents, slots, group, quality, out):
    """Add up what lies in the feeds of some agents.

    Args:
        agents: (R,) int32. slots: `recsim.state.Slots`. group: (P,) int8 of each post. quality: (P,) int32, in 2^-24.
        out: (G, 2) int64, slots and quality by group, added to.
    """
    for n in range(agents.size):
        who = agents[n]
        for k in range(slots.count[who]):
            one = slots.post[who, k]
            out[group[one], 0] += 1
            out[group[one], 1] += quality[one]


@njit(**KERNEL)
def number_actions(actor, posts, weight, first, last, local_of, local, copies):
    """Where each agent's actions stand, and which action of the turn was the first with each post.

    Args:
        actor: (A,) int32, actions in order of arrival, those of an agent together. posts: (A,) int32.
        weight: (A,) int32, copies of each emission.
        first, last: (N,) int32, all 0, written. local_of: (P,) int32, all -1, written. local: (A,) int32, written.
        copies: (P,) int64, copies emitted by all, added to.
    """
    for action in range(actor.size):
        who, one = actor[action], posts[action]
        if last[who] == 0:
            first[who] = action
        last[who] = action + 1
        if local_of[one] < 0:
            local_of[one] = action
        local[action] = local_of[one]
        copies[one] += weight[action]


@njit(**KERNEL)
def forget_actions(actor, posts, first, last, local_of):
    """Undo what `number_actions` wrote, but for the copies."""
    for action in range(actor.size):
        first[actor[action]] = last[actor[action]] = 0
        local_of[posts[action]] = -1
