"""The state of a world: groups of C-contiguous arrays, with shapes and dtypes in one place.

Axis words: U people, I items of the whole run (sorted by step of creation, then id), W items of the live window,
A authors, C candidates, D topics, S strata, P pool positions, F rows a policy reads, G segments, T threads.

Items are scheduled for the whole run when a world is built, so an item has the same number in every world of
an experiment, leaves by age only, and capacity can never overflow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

ACTIONS = ("view", "complete", "like", "comment", "share", "follow", "open_comments", "hide", "report", "watch")
VIEW, COMPLETE, LIKE, COMMENT, SHARE, FOLLOW, OPEN, HIDE, REPORT, WATCH = range(10)
KINDS = (
    "organic", "official", "supporter", "media", "influencer", "volunteer", "bot", "impersonation", "advertisement",
)  # fmt: skip
ORGANIC, OFFICIAL, SUPPORTER, MEDIA, INFLUENCER, VOLUNTEER, BOT, IMPERSONATION, ADVERTISEMENT = range(9)
SOURCES = (
    "interest", "trending", "discovery", "regional", "exploration", "inbox", "search", "external", "ranked",
    "advertisement", "heated",
)  # fmt: skip
INTEREST, TRENDING, DISCOVERY, REGIONAL, EXPLORATION, INBOX, SEARCH, EXTERNAL, RANKED, SPONSORED, HEATED = range(11)
STANCES = ("critical", "neutral", "supportive")  # index = stance + 1
STOPPED = 100
"""Stage of an item that a gate has stopped."""
REMOVED, EXCLUDED, DEMOTED, LABELLED = (np.uint8(1 << k) for k in range(4))
"""Flags of an item's status: taken down; not recommended; recommended less; labelled."""
HIDDEN = 64
"""Authors that a person's memory of hides holds, if a policy asks for one."""
FIXED = 1024
"""Watch time is counted in units of 1/1024 of a video's length."""
SECOND = 16 * FIXED
"""A second of `recsim.world.record.Record.watched`: lengths count in it to the nearest 1/16 s."""


class Latent(NamedTuple):
    """What people are; no policy ever sees it."""

    taste: np.ndarray  # (U, D) float32, standardised within a person
    position: np.ndarray  # (U, 2) float32, political position
    politics: np.ndarray  # (U,) float32, interest in politics, >= 0
    susceptibility: np.ndarray  # (U,) float32, response to emotion, >= 0
    bias: np.ndarray  # (U,) float32, propensity to act, log odds
    visits: np.ndarray  # (U,) float32, visits per day
    preference: np.ndarray  # (U,) int8, first preference among candidates


class Cells(NamedTuple):
    """Where people stand in the population table; language and region are also context a platform sees."""

    segment: np.ndarray  # (U,) int16
    region: np.ndarray  # (U,) int8
    language: np.ndarray  # (U,) int8
    age_band: np.ndarray  # (U,) int8


class Pages(NamedTuple):
    """What people have been shown, where a bit for every live item would be too much; see `recsim.kernels.shown`."""

    entry: np.ndarray  # (N, 64) uint16, item numbers modulo 65536; the last two are the number of the next page
    last: np.ndarray  # (U,) int32, newest page of each person, -1 none; U = 0 where bits are kept
    filled: np.ndarray  # (U,) uint8, entries in the newest page
    spare: np.ndarray  # (N,) int32, pages that nobody has, as a stack
    spares: np.ndarray  # (1,) int64, how many
    made: np.ndarray  # (1,) int64, pages that have ever been handed out to a stack or a region, the first ones
    regions: (
        np.ndarray
    )  # (K, 3) int64, pages that lie together: whose they are (a turn of `sweep`; -1 nobody's), first, end


def no_pages() -> Pages:
    """Bits are kept."""
    return Pages(
        np.zeros((0, 64), np.uint16), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int32),
        np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros((0, 3), np.int64),
    )  # fmt: skip


class Observed(NamedTuple):
    """What the platform knows about people."""

    estimate: np.ndarray  # (U, D) float32, estimated taste
    stratum: np.ndarray  # (U,) int32
    inbox: np.ndarray  # (U, M) int32, newest posts of followed accounts, -1 empty
    inbox_next: np.ndarray  # (U,) int32, ring position
    seen: (
        np.ndarray
    )  # (U, B) uint64, one bit per live item that was shown; item number modulo 64 B; where pages are kept
    # instead, (1, B), scratch
    weight: np.ndarray  # (U,) int32, what an action of the person counts, in 1/1024; U = 0 if nobody weighs
    group: np.ndarray  # (U,) uint8, group in which it is counted; U = 0 if nobody weighs
    hidden_author: (
        np.ndarray
    )  # (U, H) int32, authors by whom the person last hid something, -1 empty; H = 0 if no policy
    # asks
    hidden_step: np.ndarray  # (U, H) int32, when
    hidden_next: np.ndarray  # (U, 1) int32, ring position; U = 0 if no policy asks
    pages: Pages = no_pages()


class Items(NamedTuple):
    """Everything about items that does not change."""

    id: np.ndarray  # (I,) uint64, identity: population hash << 32 | number
    key: np.ndarray  # (I,) uint32, luck
    author: np.ndarray  # (I,) int32
    created: np.ndarray  # (I,) int32, step
    topic: np.ndarray  # (I, D) float32, unit length, non-negative
    primary: np.ndarray  # (I,) int16, main topic
    secondary: np.ndarray  # (I,) int16, second topic
    length: np.ndarray  # (I,) float32, seconds
    quality: np.ndarray  # (I,) float32
    emotion: np.ndarray  # (I,) float32
    labels: ItemLabels


class ItemLabels(NamedTuple):
    """What items are about and by whom; the part a counterfactual may replace."""

    candidate: np.ndarray  # (I,) int8, -1 none
    stance: np.ndarray  # (I,) int8, -1, 0, 1
    kind: np.ndarray  # (I,) int8, index in KINDS
    language: np.ndarray  # (I,) int8
    region: np.ndarray  # (I,) int8
    campaign: np.ndarray  # (I,) int8, -1 none
    present: np.ndarray  # (I,) bool, exists in this world as content of the feed; advertisements are not
    disclosed: np.ndarray  # (I,) bool, says that it is paid for
    demobilising: np.ndarray  # (I,) bool, tells supporters of the candidate not to vote


class Accounts(NamedTuple):
    """Authors and who follows them."""

    official: np.ndarray  # (C,) int32, author number of each candidate's official account
    start: np.ndarray  # (A+1,) int64, CSR of followers at the start
    person: np.ndarray  # (E,) int32, sorted within an author
    block: np.ndarray  # (A,) int32, where in ``newer`` the author's followers since the start begin
    size: np.ndarray  # (A,) int32, entries there: 0 or a power of two
    since: np.ndarray  # (A,) int32, how many of them are filled: followers since the start
    newer: np.ndarray  # (N,) int32, hash tables of persons, one for each author, -1 empty: `recsim.kernels.inbox`
    used: np.ndarray  # (1,) int64, entries of ``newer`` in use
    spare: (
        np.ndarray
    )  # (31,) int32, by log2 of its size the first block that is free again, -1 none; each names the next
    audience: np.ndarray  # (A,) int64, followers at the start, of all shards
    followers: np.ndarray  # (A,) int64, followers now, of all shards, inauthentic ones included


class Counters(NamedTuple):
    """What has been counted, per item."""

    total: np.ndarray  # (I, 10) int64, counted events: people and whatever passed as people
    fake: np.ndarray  # (I, 10) int64, the part of ``total`` that campaigns did; never seen by a policy
    valued: np.ndarray  # (I, G, 10) int64, events weighted in 1/1024, by group of accounts; I = 0 if nobody weighs
    fake_valued: np.ndarray  # (I, G, 10) int64, the part of ``valued`` that campaigns did; I = 0 if nobody weighs
    human: np.ndarray  # (I, 2) int32, views and likes by people alone; never seen by a policy
    decayed: np.ndarray  # (10, I) float32
    stage: np.ndarray  # (I,) int8, exposure pool, STOPPED, or the number of pools when open to all
    stage_views: np.ndarray  # (I,) int32, views when the stage began
    top_comment: np.ndarray  # (I, 2) int8, candidate named by a top comment, -1 none


def no_counts(items: int, groups: int = 0) -> Counters:
    """Counters of items that nobody has seen yet; with ``groups`` above 0 also weighted ones."""
    weighed = (items if groups else 0, max(1, groups), len(ACTIONS))
    return Counters(
        total=np.zeros((items, len(ACTIONS)), np.int64), fake=np.zeros((items, len(ACTIONS)), np.int64),
        valued=np.zeros(weighed, np.int64), fake_valued=np.zeros(weighed, np.int64),
        human=np.zeros((items, 2), np.int32), decayed=np.zeros((len(ACTIONS), items), np.float32),
        stage=np.zeros(items, np.int8), stage_views=np.zeros(items, np.int32),
        top_comment=np.full((items, 2), -1, np.int8),
    )  # fmt: skip


class Tally(NamedTuple):
    """Sums of a day, by thread; integers, so that their order cannot matter."""

    items: np.ndarray  # (T, W, 10) int32, events of the step on window items
    exposure: np.ndarray  # (T, G, C, 3) int64, impressions
    comments: np.ndarray  # (T, G, C) int64, comment exposures
    provenance: np.ndarray  # (T, C, 9, 11) int64, impressions by kind and source
    feed: np.ndarray  # (T, 4) int64: visits, positions tried, positions empty, positions examined
    follow_person: np.ndarray  # (T, N) int32
    follow_author: np.ndarray  # (T, N) int32
    follow_count: np.ndarray  # (T,) int64
    reached: np.ndarray  # (U,) uint64, bit per candidate within the window
    shadow: (
        np.ndarray
    )  # (T, K, C + 2) int64: first places by shadow and candidate; all; in common with the policy's own
    met: np.ndarray  # (U,) int32, impressions of candidate content since the world began
    well: np.ndarray  # (T, 3) int64: utility of examined items in 1/1024, pairs of items within a visit that share the
    # main topic, all pairs within a visit
    engaged_person: np.ndarray  # (T, N) int32, interactions of the step for the log; N = 0 if nobody reads them
    engaged_item: np.ndarray  # (T, N) int32
    engaged_value: np.ndarray  # (T, N) int8, 1 positive, 0 negative; N = 0 if only positive ones are logged
    signals: np.ndarray  # (2,) int64, actions logged as positive and as negative, bits as in look_block; (0,) likewise
    engaged_count: np.ndarray  # (T,) int64
    valued: np.ndarray  # (T, W, G, 10) int64, weighted events of the step; W = 0 if nobody weighs
    acts: np.ndarray  # (T, N, 3) int32, deliberate actions of the step: person, item, bits as ACTIONS; N = 0: not kept
    acts_count: np.ndarray  # (T,) int64
    acted: np.ndarray  # (U,) int32, likes, comments, shares and follows of the person since midnight; U = 0 likewise
    lost: np.ndarray  # (U,) int32, the part of them that did not count, in 1/1024; U = 0 likewise
    context: np.ndarray  # (T, W, 3) int64, sums of known interest; see look_block; W = 0 if nobody reads them
    impressions: np.ndarray  # (U, C, 3) int32, by person, candidate and stance since the world began; U = 0 if nobody
    # reads them


def copied(group: Any) -> Any:
    """The same group with every array copied (nested groups too): a fork of the state."""
    return type(group)(*(copied(v) if isinstance(v, tuple) else v.copy() for v in group))


class Followers(NamedTuple):
    """Who follows each agent of a follow-graph world. Agents: people first, then campaigns' accounts (N in all)."""

    start: np.ndarray  # (N+1,) int64
    follower: np.ndarray  # (E,) int32, agent numbers, sorted within an agent; a double edge delivers twice
    room: np.ndarray  # (N+1,) int64, where what arrives at each agent in one turn can be put: at most so many emissions


class Slots(NamedTuple):
    """The feeds of a follow-graph world, newest first; S slots each."""

    held: np.ndarray  # (N,) int32, filled slots
    post: np.ndarray  # (N, S) int32, number of the post
    shares: np.ndarray  # (N, S) int32, copies that came into this feed
    age: np.ndarray  # (N, S) int32, steps
    aged: np.ndarray  # (N,) int32, last step in which ages advanced
