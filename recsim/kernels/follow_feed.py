"""Feeds of a follow-graph world: what a person passes on, and how what arrives enters her slots.

A step has actions in order of arrival; `deliver` works by recipient, so threads share nothing that is written.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.search import first_from

LOWEST = np.float32(-np.inf)


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
            if k >= slots.held[who]:
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
        post: (A, S) int32, -1 where empty; filled slots first. score: (A * S,) float32; below 0 counts as 0, and a slot
            whose score is no number, or minus infinity, is left out.
        u: (A,) float32 in [0, 1). proportion: bool, drawn in proportion to the score, evenly if all are 0; else the
            highest, the first among equals.
        chosen: (A,) int32, written; -1 where nothing is left.
    """
    size = post.shape[1]
    for action in range(post.shape[0]):
        row = score[action * size : (action + 1) * size]
        filled = left = 0
        total = np.float32(0.0)
        best = -1
        for k in range(size):
            if post[action, k] < 0:
                break
            filled += 1
            if row[k] > LOWEST:  # false for what is no number
                left += 1
                total += max(row[k], np.float32(0.0))
                if best < 0 or row[k] > row[best]:
                    best = k
        if best < 0:
            chosen[action] = -1
            continue
        if proportion and total > np.float32(0.0):
            goal, passed = u[action] * total, np.float32(0.0)
            for k in range(filled):
                if row[k] > np.float32(0.0):
                    passed += row[k]
                    best = k
                    if passed > goal:
                        break
        elif proportion:
            skip = min(np.int64(u[action] * np.float32(left)), left - 1)
            for k in range(filled):
                if row[k] > LOWEST:
                    best = k
                    if skip == 0:
                        break
                    skip -= 1
        chosen[action] = post[action, best]


@njit(**HELPER)
def _emit(begin, end, actor, followers, arrived, filled):
    """Put every action's number into the rows of its actor's followers begin..end-1, in order of arrival."""
    everybody = begin == 0 and end == filled.size
    for who in range(begin, end):
        filled[who] = followers.room[who]
    for action in range(actor.size):
        low, high = followers.start[actor[action]], followers.start[actor[action] + 1]
        if not everybody:
            low = first_from(followers.follower, low, high, begin)
            high = first_from(followers.follower, low, high, end)
        for edge in range(low, high):
            who = followers.follower[edge]
            place = filled[who]
            arrived[place] = action
            filled[who] = place + 1


@njit(**KERNEL)
def deliver(
    begin,
    end,
    now,
    followers,
    actor,
    local,
    weight,
    posts,
    local_of,
    to_one,
    reset,
    slots,
    arrived,
    filled,
    stamp,
    found,
    old,
):
    """What the actions of a turn emit enters the feeds of recipients begin..end-1.

    Nothing arrived: the feed stays. Only posts that are not there: the old ones' ages become 1 (``to_one``) or advance;
    else they advance by 1, and those that came again gain the copies and, with ``reset``, go to the front with age 0.
    Then what is new goes in front in order of arrival, and the newest S stay. Ages advance once a step at most.

    Args:
        begin, end: recipients. now: step. followers: `recsim.state.Followers`.
        actor, posts, weight: (A,) int32, who acts in order of arrival, with which post, in how many copies.
        local: (A,) int32, first action of the turn with the same post. local_of: (P,) int32, the same by post, -1.
        to_one, reset: bool. slots: `recsim.state.Slots`, written.
        arrived: (room,) int32, filled: (N,) int64, scratch shared by threads, each writing its recipients' part.
        stamp: (A, 2) int32 scratch, filled with -1; found: (S,) int32; old: (3, S) int32.

    Returns:
        Emissions delivered, one per follower.
    """
    _emit(begin, end, actor, followers, arrived, filled)
    size = slots.post.shape[1]
    delivered = 0
    for who in range(begin, end):
        first, last = followers.room[who], filled[who]
        delivered += last - first
        if first == last:
            continue
        held = slots.held[who]
        post, shares, age = slots.post[who], slots.shares[who], slots.age[who]
        for k in range(held):  # posts that are here already are not new when they arrive
            one = local_of[post[k]]
            if one >= 0:
                stamp[one, 0] = who
                stamp[one, 1] = 0
        kept = 0
        for place in range(first, last):
            action = arrived[place]
            one = local[action]
            if stamp[one, 0] == who:
                stamp[one, 1] += weight[action]
            else:
                stamp[one, 0] = who
                stamp[one, 1] = weight[action]
                if kept < size:
                    found[kept] = one
                    kept += 1
        overlap = False
        for k in range(held):
            one = local_of[post[k]]
            if one >= 0 and stamp[one, 1] > 0:
                shares[k] += stamp[one, 1]
                overlap = True
        advance = slots.aged[who] != now
        slots.aged[who] = now
        for k in range(held):
            if advance:
                age[k] = np.int32(1) if to_one and not overlap else age[k] + np.int32(1)
            old[0, k], old[1, k], old[2, k] = post[k], shares[k], age[k]
        front = 0
        if reset and overlap:
            for k in range(held):
                one = local_of[old[0, k]]
                if one >= 0 and stamp[one, 1] > 0:
                    post[front], shares[front], age[front] = old[0, k], old[1, k], np.int32(0)
                    front += 1
        n = front
        for k in range(min(kept, size - front)):
            one = found[k]
            post[n], shares[n], age[n] = posts[one], stamp[one, 1], np.int32(0)
            n += 1
        for k in range(held):
            if n == size:
                break
            one = local_of[old[0, k]]
            if reset and one >= 0 and stamp[one, 1] > 0:
                continue
            post[n], shares[n], age[n] = old[0, k], old[1, k], old[2, k]
            n += 1
        slots.held[who] = n
    return delivered


@njit(**KERNEL)
def remove_posts(removed, slots):
    """Take removed posts out of all feeds; what is left closes up. removed: (P,) bool; slots written."""
    for who in range(slots.held.size):
        n = 0
        for k in range(slots.held[who]):
            if removed[slots.post[who, k]]:
                continue
            slots.post[who, n] = slots.post[who, k]
            slots.shares[who, n] = slots.shares[who, k]
            slots.age[who, n] = slots.age[who, k]
            n += 1
        slots.held[who] = n


@njit(**KERNEL)
def count_slots(agents, slots, group, quality, out):
    """Add up what lies in the feeds of some agents.

    Args:
        agents: (R,) int32. slots: `recsim.state.Slots`. group: (P,) int8 of each post. quality: (P,) int32, in 2^-24.
        out: (G, 2) int64, slots and quality by group, added to.
    """
    for n in range(agents.size):
        who = agents[n]
        for k in range(slots.held[who]):
            one = slots.post[who, k]
            out[group[one], 0] += 1
            out[group[one], 1] += quality[one]


@njit(**KERNEL)
def number_actions(posts, weight, local_of, local, copies):
    """Which action of the turn was the first with each post.

    Args:
        posts: (A,) int32, in order of arrival. weight: (A,) int32, copies of each emission.
        local_of: (P,) int32, all -1, written. local: (A,) int32, written.
        copies: (P,) int64, copies emitted by all, added to.
    """
    for action in range(posts.size):
        one = posts[action]
        if local_of[one] < 0:
            local_of[one] = action
        local[action] = local_of[one]
        copies[one] += weight[action]
