"""Draws as functions of events: who, about what, in which population, when, which question.

``counter = (actor, object, population, step << 16 | decision)``, ``key = (seed, replicate + branch << 20)``.
No generator object, no order, no state (design section 3): adding a bot, a thread or a policy moves nobody's luck.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from recsim.kernels import normal, philox

BRANCH_SHIFT = 20


class Decision(IntEnum):
    """One member per question asked of an event. Values are never reused or renumbered.

    Questions about a step carry the step; questions about a standing potential outcome carry step 0.
    """

    VISIT = 1  # does the person come this step; by which door; about whom; by standing or her own preference
    SLOT = 2  # person, slot: is it given to a new item; which; does she leave after it; is it given to a heated one
    WOULD = 4  # person, item, no step: would she like, comment, share, follow
    LOOK = 5  # person, item, no step: open comments; hide or report; skip; watch
    RETRIEVE = 6  # item, stratum: noise of retrieval
    GATE = 7  # item, stage: does a soft gate let it pass
    ACT = 8  # account: how many actions this step
    DETAIL = 9  # account, act: tactic; kind of target; which target; counted view
    CHECK = 10  # account, act: stopped before it counts; camouflage; was it served; whom a search names
    COMMENT_PLACE = 11  # item, ordinal of the comment: does it become a top comment; which
    DISCOVER = 12  # stratum, position: which item is drawn for discovery
    BULK = 13  # campaign: rounding of a bulk delivery
    BURST = 14  # day, number of the burst: when it comes; (spare)
    BIRTH = 15  # actor who posts: there from the start; when she comes; how long she lasts; (spare)

    PERSON = 20  # language-independent traits: activity, politics, susceptibility, action bias
    TASTE = 21  # person, block of four topics
    KNOWN = 22  # person, block of four topics: noise of the platform's first estimate
    PREFERENCE = 23  # first preference; position noise; position noise; marked interest
    FOLLOWS = 24  # author, number of the follower: who; whether a supporter
    CREATOR = 30  # author: activity; followers; main topic; language and region
    ITEM_TIME = 31  # item: author, hour, second topic, primary or not; post of a campaign: varied, -, topic, disclosed
    ITEM_LOOK = 32  # item: quality, length, emotion, topic mix
    ITEM_PLACE = 33  # item: candidate, kind, stance, language
    ITEM_KEEP = 34  # post of a campaign: is it among those simulated; when; does the actor act; turned or not
    ACCOUNT = 35  # account: aged; order of activation; standing draw; does it replace a removed one
    POST_KIND = 36  # post of a campaign: of which kind; about which rival; (spare)
    ACCOUNT_PLACE = 37  # account of a campaign: language, and region, that it appears in; (spare)
    ITEM_MOMENT = 41  # item: moment of posting within its step; (spare)
    HEATED = 42  # item, no step: does the platform push it; (spare)
    REVIEW_TIME = 50  # case, kind and round, no step: length of its review
    REVIEW_VERDICT = 51  # case, kind and round, no step: would a reviewer find a violation
    APPEAL = 52  # sanctioned account or item, kind and round, no step: would it appeal; after how long
    NOTICE = 53  # account or item, notice, no step: is it named; does the platform comply
    POLITICAL_LABEL = 54  # item, no step: is it labelled as political
    ADS_BAN = 55  # advertisement, no step: is it stopped
    REFIT = 60  # live item, number of the question: a draw of a policy's refit
    STANDING = 61  # account: age; standing draw; group in which it is counted; (spare)
    ADVERTISEMENT = 62  # person, campaign: her place in the order of those who are shown one; which one; (spare)
    AD_STEP = 63  # impression of a campaign, no step: the step it is meant for; (spare)
    DETECTOR = 71  # account, number of the detector, no step: is it found; (spare)
    FOLLOW_VISIT = 80  # agent of a follow-graph world: how many actions this step; place in the order; turn; (spare)
    FOLLOW_ACT = 81  # agent, action: posts or passes on; which slot; (spare)
    FOLLOW_POST = 82  # agent, action: quality, appeal, deception, illegal or not
    FOLLOW_REMOVAL = 83  # agent, action: when its post is taken down if it is illegal; (spare)
    FOLLOW_TRAIT = 84  # person: rate of actions; at high risk; share of illegal posts; (spare)
    FOLLOW_ATTRIBUTE = 85  # person: side, partisanship, misinformation, (spare)
    FOLLOW_WEIGHT = 86  # person: weight of following, of followers; (spare)
    FOLLOW_EDGE = 87  # edge, attempt: follower, followed; (spare)
    FOLLOW_GROW = 88  # new account, number of the draw: whom it follows; (spare)
    FOLLOW_REWIRE = 89  # edge, round: place among those exchanged; partner of a repair; (spare)
    INFILTRATE = 90  # account of a campaign, person: followed or not; place among those won; (spare)
    ORDER = 800  # player, pair of orders: place in a sampled order of an attribution; (spare)
    POLICY_NOISE = 900  # noise feature of a policy: person, item, step


class Key(NamedTuple):
    """Seed words of every draw of one world and branch."""

    seed: int
    replicate: int
    branch: int = 0

    @property
    def words(self) -> tuple[np.uint64, np.uint64]:
        """The two key words of Philox."""
        return np.uint64(self.seed), np.uint64(self.replicate + (self.branch << BRANCH_SHIFT))


def hash32(text: str) -> int:
    """The 32-bit hash of a population's key: first four bytes of SHA-256, little endian."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def moment(step: int, decision: Decision) -> np.uint64:
    """The fourth counter word.

    Raises:
        ValueError: the step does not fit in 16 bits.
    """
    if not 0 <= step < 1 << 16:
        raise ValueError(f"got step {step}, must be in [0, 65535]")
    return np.uint64((step << 16) | int(decision))


def words(
    key: Key, decision: Decision, population: int, actor: np.ndarray, obj: np.ndarray | int = 0, step: int = 0
) -> np.ndarray:
    """Four 32-bit words per event.

    Args:
        key: seed, replicate and branch.
        decision: the question asked.
        population: 32-bit hash of the population's key.
        actor: (R,) integers in [0, 2^32), index in the population in canonical order.
        obj: (R,) integers in [0, 2^32) or one of them, what the draw is about.
        step: simulated step, 0 for standing traits.

    Returns:
        (R, 4) uint32.
    """
    actor = np.ascontiguousarray(actor, dtype=np.uint32)
    about = np.ascontiguousarray(np.broadcast_to(np.asarray(obj), actor.shape), dtype=np.uint32)
    out = np.empty((actor.size, 4), np.uint32)
    philox.draw_words(actor, about, np.uint64(population), moment(step, decision), *key.words, out)
    return out


def uniforms(
    key: Key, decision: Decision, population: int, actor: np.ndarray, obj: np.ndarray | int = 0, step: int = 0
) -> np.ndarray:
    """Four float32 in [0, 1) per event; arguments as `words`."""
    return (words(key, decision, population, actor, obj, step) >> np.uint32(8)).astype(np.float32) * np.float32(
        2.0**-24
    )


def normals(u: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of float32 uniforms, same shape, by `recsim.kernels.normal`."""
    out = np.empty(u.size, np.float32)
    normal.quantiles(np.ascontiguousarray(u, np.float32).ravel(), out)
    return out.reshape(u.shape)


def exponentials(x: np.ndarray) -> np.ndarray:
    """exp(x), float32, same shape, by our own polynomial (never libm: see `recsim.kernels.mathf`)."""
    out = np.empty(x.size, np.float32)
    normal.exp_rows(np.ascontiguousarray(x, np.float32).ravel(), out)
    return out.reshape(x.shape)


def logarithms(x: np.ndarray) -> np.ndarray:
    """log(x), float32, same shape, for x > 0, by our own polynomial."""
    out = np.empty(x.size, np.float32)
    normal.log_rows(np.ascontiguousarray(x, np.float32).ravel(), out)
    return out.reshape(x.shape)
