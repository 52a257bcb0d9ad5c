"""Who follows whom at the start of a run."""

from __future__ import annotations

import numpy as np

from recsim import rng
from recsim.rng import Decision
from recsim.state import Accounts


def draw_followers(key, traits, plans, official, starts, creator, authors, preference, people_population):
    """Followers of every author at the start: list of sorted person numbers."""
    people = len(preference)
    expected = np.zeros(authors)
    # Ordinary creators, supporters and outlets share the follows that people give; official accounts have their own.
    first = traits.creators + len(official)
    last = first + len(official) * traits.supporters + traits.outlets
    ordinary = np.concatenate([np.arange(traits.creators), np.arange(first, last)])
    audience = rng.exponentials(
        rng.logarithms(np.float32(1.0) - creator[ordinary, 1]) * np.float32(-1 / (traits.follower_tail - 1))
    ).astype(np.float64)
    audience = np.minimum(audience, 2000.0)
    expected[ordinary] = audience / np.cumsum(audience)[-1] * traits.follows_per_person * people
    for number, followers in zip(official, traits.official_followers, strict=True):
        expected[number] = followers
    for plan, start in zip(plans, starts, strict=True):
        spread = np.float32(plan.followers_spread)
        draw = rng.normals(creator[start : start + plan.actors, 1]) * spread - spread * spread / 2
        expected[start : start + plan.actors] = plan.followers_mean * rng.exponentials(draw)
    expected = np.minimum(expected, 0.9 * people)
    leaning = {int(number): np.flatnonzero(preference == c) for c, number in enumerate(official)}
    result = []
    for author in range(authors):
        count = int(expected[author]) + int(creator[author, 3] < expected[author] - int(expected[author]))
        if count == 0:
            result.append(np.empty(0, np.int32))
            continue
        u = rng.uniforms(key, Decision.FOLLOWS, people_population, np.full(count, author, np.uint32), np.arange(count))
        who = np.minimum((u[:, 0].astype(np.float64) * people).astype(np.int64), people - 1)
        supporters = leaning.get(author)
        if supporters is not None and len(supporters):
            inside = supporters[(u[:, 1].astype(np.float64) * len(supporters)).astype(np.int64)]
            who = np.where(u[:, 2] < np.float32(0.5), inside, who)
        result.append(np.unique(who).astype(np.int32))
    return result


def make_accounts(official: np.ndarray, followers: list[np.ndarray], spare: int) -> Accounts:
    """Authors with their followers, nobody followed anew.

    Args:
        official: (C,) int32, author numbers. followers: of each author, sorted person numbers. spare: room for follows.
    """
    counts = np.array([len(f) for f in followers], np.int64)
    return Accounts(
        official=official,
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        person=np.concatenate(followers).astype(np.int32),
        head=np.full(len(followers), -1, np.int32),
        next=np.full(spare, -1, np.int32),
        newer=np.full(spare, -1, np.int32),
        used=np.zeros(1, np.int64),
        followers=counts,
    )
