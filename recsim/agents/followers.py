"""Who follows whom at the start of a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsim import rng
from recsim.rng import Decision
from recsim.state import Accounts

BLOCK = 1 << 18
"""Follows drawn at a time."""
EVEN = 1 << 22
"""People among whom 24 random bits still choose evenly: some are at most a quarter more likely than others."""


def draw_followers(key, traits, plans, official, actors, creator, authors, preference, people_population, mine):
    """Followers of every author at the start.

    An official account has as many as the scenario says. Others lose who is drawn twice, up to about one in fifty.

    Args:
        actors: (N,) int64 author numbers of each plan's actors.
        preference: (P,) int8, of all people. mine: range of the people whose follows are kept; all are drawn.

    Returns:
        (A + 1,) int64 and (E,) int32: of the people in ``mine`` the rows, counted from the first of them, author by author,
        sorted within one; (A,) int64, followers of every author among all people.
    """
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
    for plan, those in zip(plans, actors, strict=True):
        spread = np.float32(plan.followers_spread)
        draw = rng.normals(creator[those, 1]) * spread - spread * spread / 2
        expected[those] = plan.followers_mean * rng.exponentials(draw)
    expected = np.minimum(expected, 0.9 * people)
    counts = expected.astype(np.int64) + (creator[:, 3] < expected - np.floor(expected))
    leaning = {int(number): np.flatnonzero(preference == c).astype(np.int32) for c, number in enumerate(official)}
    # Room for all that are drawn, were they spread evenly; a person drawn twice follows once, and what is not written to
    # takes no memory.
    person = np.empty(int(counts.sum() * len(mine) / max(1, people)) + 1, np.int32)
    start, audience = np.zeros(authors + 1, np.int64), np.zeros(authors, np.int64)
    for author, count in enumerate(counts):

        def draw(first: int, size: int, author: int = author) -> np.ndarray:
            number = np.arange(first, first + size)
            drawn = rng.words(key, Decision.FOLLOWS, people_population, np.full(size, author, np.uint32), number)
            return _followers(drawn, people, leaning.get(author))

        if author in leaning:
            kept = _different(draw, int(count), people)
        else:
            who = np.empty(count, np.int32)
            for first in range(0, int(count), BLOCK):
                who[first : first + BLOCK] = draw(first, min(BLOCK, int(count) - first))
            who.sort()
            kept = who[np.append(True, who[1:] != who[:-1])] if count else who
        audience[author] = len(kept)
        low, high = np.searchsorted(kept, (mine.start, mine.stop))
        start[author + 1] = start[author] + high - low
        if start[author + 1] > len(person):
            more = np.empty(int(start[author + 1]) + len(person) // 4, np.int32)
            more[: start[author]] = person[: start[author]]
            person = more
        person[start[author] : start[author + 1]] = kept[low:high] - np.int32(mine.start)
    return start, person[: start[-1]], audience


def _different(draw: Callable[[int, int], np.ndarray], count: int, people: int) -> np.ndarray:
    """(count,) int32, sorted: the first so many different people in a sequence of draws.

    Args:
        draw: of a first number in the sequence and how many.
    """
    taken, first, found = np.zeros(people, np.bool_), 0, 0
    while found < count:
        size = min(BLOCK, count - found)  # no more than are missing, so that the blocks decide nothing
        taken[draw(first, size)] = True
        first, found = first + size, int(np.count_nonzero(taken))
    return np.flatnonzero(taken).astype(np.int32)


def _followers(drawn: np.ndarray, people: int, supporters: np.ndarray | None) -> np.ndarray:
    """(N,) int32 people drawn by (N, 4) uint32 words; half of them among ``supporters`` if there are any."""
    who = _place(drawn[:, 0], people)
    if supporters is not None and len(supporters):
        inside = supporters[_place(drawn[:, 1], len(supporters))]
        who = np.where((drawn[:, 2] >> np.uint32(8)) < np.uint32(1 << 23), inside, who)
    return who


def _place(word: np.ndarray, places: int) -> np.ndarray:
    """(N,) int32, one of so many places; the upper 24 bits of a word decide, all 32 where 24 would favour some places."""
    used = 24 if places <= EVEN else 32
    return (((word >> np.uint32(32 - used)).astype(np.uint64) * np.uint64(places)) >> np.uint64(used)).astype(np.int32)


def make_accounts(
    official: np.ndarray, start: np.ndarray, person: np.ndarray, audience: np.ndarray | None = None
) -> Accounts:
    """Authors with their followers, nobody followed anew.

    Args:
        official: (C,) int32, author numbers. start: (A + 1,) int64. person: (E,) int32, followers, sorted within an author.
        audience: (A,) int64, followers of each; None: those given are all.
    """
    authors = len(start) - 1
    audience = np.diff(start) if audience is None else audience
    return Accounts(
        official=official,
        start=start,
        person=person,
        block=np.zeros(authors, np.int32),
        size=np.zeros(authors, np.int32),
        since=np.zeros(authors, np.int32),
        newer=np.empty(0, np.int32),
        used=np.zeros(1, np.int64),
        spare=np.full(31, -1, np.int32),
        audience=audience,
        followers=audience.copy(),
    )
