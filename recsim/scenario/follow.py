"""A follow-graph world: people who see only what the accounts they follow post or pass on.

Its own scenario, because most blocks of a ranked video feed (days before a vote, candidates, segments, pools, gates)
mean nothing in it, and a key that means nothing must be an error. What both kinds of world have is the same: named
campaigns, a policy of the registry, quantities with evidence, replicates, keyed luck. The published model that
this block can be set to is described in ``docs/simsom.md``.
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

from pydantic import Field, model_validator

from recsim.scenario.quantity import (
    AnyNumber,
    LogSlope,
    NonNegative,
    Positive,
    Share,
    SignedShare,
    Strict,
    UpToTwo,
    assumed,
)

MOST_AGENTS = 1_000_000
MOST_RATE = 10_000.0
"""Actions a step at which the rates of a Pareto law are cut off; those of the published law end at 1,607."""


class FollowRun(Strict):
    """Settings of the computation; no claims about the world."""

    seed: int = Field(1, ge=0, lt=2**32, description="seed of all draws, 0 to 2^32-1")
    replicates: int = Field(10, ge=1, le=10_000, description="independent replicates")


class Attributes(Strict):
    """Declared laws of two attributes of people, independent of each other and of the graph.

    Partisanship: right of centre with ``right_share``, then ``rightmost * u^right_power``, else
    ``leftmost * u^left_power``. Misinformation: ``(1 - (1 - u)^(1 / b))^(1 / a)`` (Kumaraswamy). u uniform.
    """

    right_share: Share = Field(assumed(0.45), description="people with partisanship above 0, 0-1")
    rightmost: Share = Field(assumed(0.97), description="largest partisanship, 0-1")
    leftmost: SignedShare = Field(assumed(-0.90), description="smallest partisanship, -1 to 0")
    right_power: Positive = Field(assumed(1.0), description="power of the law right of centre")
    left_power: Positive = Field(assumed(1.4843), description="power of the law left of centre (makes the mean 0.019)")
    misinformation_a: Positive = Field(
        assumed(0.9474), description="first parameter of the law of misinformation (mean 0.189, median 0.146)"
    )
    misinformation_b: Positive = Field(assumed(3.934), description="second parameter of the law of misinformation")


class FollowGraph(Strict):
    """Who follows whom among people."""

    people: int = Field(10_006, ge=10, le=MOST_AGENTS, description="people, people")
    kind: Literal["random", "lognormal", "growth"] = Field(
        "random", description="random: uniform digraph; lognormal: directed Chung-Lu; growth: random-walk growth"
    )
    mean_degree: Positive = Field(assumed(181), description="followed accounts per person, mean, accounts")
    weight_sigma: UpToTwo = Field(
        assumed(1.0), description="lognormal: spread of log weights, followed and followers alike, log units"
    )
    weight_correlation: SignedShare = Field(
        assumed(0.5), description="lognormal: correlation of the two log weights of a person, -1 to 1"
    )
    friend_share: Share = Field(
        assumed(0.5), description="growth: links made among those whom the first follows, share 0-1"
    )
    rewiring: Literal["none", "hub", "community", "all"] = Field(
        "none",
        description="hub: same degrees, else random; community: the same within and across sides; all: uniform digraph",
    )
    attributes: Attributes = Field(default_factory=Attributes, description="partisanship and misinformation")


class Feeds(Strict):
    """The feed of each person: slots with an item, its share count and its age."""

    slots: int = Field(15, ge=1, le=500, description="slots of a feed, slots")
    ageing: Literal["set_to_one", "advance"] = Field(
        "set_to_one",
        description="ages when only items arrive that are not there: set_to_one as in SimSoM's code; advance: one more",
    )
    age_of_reshared: Literal["keep", "reset"] = Field(
        "keep", description="an item that arrives again keeps its age (SimSoM's stored runs) or starts anew in front"
    )
    share_counters: Literal["feed", "global"] = Field(
        "feed", description="shares a policy sees: copies that came into this feed, or of the whole platform"
    )
    turns: int = Field(
        1, ge=1, le=1000, description="groups that act one after another within a step; 1: all at once, turns"
    )


class FollowActivity(Strict):
    """How often people act."""

    law: Literal["everybody", "pareto"] = Field(
        "everybody", description="everybody: one action a step; pareto: rates by a Pareto law, cut off at 10,000"
    )
    exponent: Positive = Field(assumed(2.85), description="pareto: exponent of the density of rates, above 1")
    lowest: Positive = Field(assumed(0.2), description="pareto: smallest rate, actions/step")
    post_chance: Share = Field(assumed(0.5), description="chance that an action is a post, not a re-share, 0-1")

    @model_validator(mode="after")
    def _above_one(self) -> FollowActivity:
        if min(self.exponent.ends) <= 1:
            raise ValueError(f"got exponent {min(self.exponent.ends):g}, must be above 1")
        return self


class FollowPosts(Strict):
    """What people post: quality (no causal role), appeal, and whether it is illegal."""

    quality_slope: LogSlope = Field(assumed(10), description="slope of the log density of quality on 0-1")
    appeal_exponent: NonNegative = Field(assumed(4), description="exponent a of the density (a + 1)(1 - x)^a of appeal")
    illegal: bool = Field(False, description="whether people post illegal items at all")
    high_risk_share: Share = Field(assumed(0.1), description="people at high risk of posting illegal items, 0-1")
    high_risk_a: Positive = Field(assumed(3), description="first parameter of the Beta law of their illegal share")
    high_risk_b: Positive = Field(assumed(30), description="second parameter, at least 20")
    other_a: Positive = Field(assumed(0.1), description="first parameter of the Beta law of everybody else's")
    other_b: Positive = Field(assumed(89.9), description="second parameter, at least 20")

    @model_validator(mode="after")
    def _within_the_approximation(self) -> FollowPosts:
        for name in ("high_risk", "other"):
            for a, b in itertools.product(getattr(self, f"{name}_a").ends, getattr(self, f"{name}_b").ends):
                if not (0.05 <= a < 30 and b >= 20):
                    raise ValueError(
                        f"got {name} law Beta({a:g}, {b:g}); the first must be in [0.05, 30), the second at least 20"
                    )
        return self


class Steps(Strict):
    """How long a world runs and over which steps results are taken."""

    count: int = Field(60, ge=1, le=20_000, description="steps (with stop smoothed: at most), steps")
    averaged: int = Field(40, ge=1, description="last steps over which results are means, steps")
    stop: Literal["fixed", "smoothed"] = Field(
        "fixed", description="fixed: all steps; smoothed: SimSoM's rule on smoothed mean quality"
    )
    smoothing: Share = Field(assumed(0.8), description="smoothed: weight of the past, 0-1")
    tolerance: Positive = Field(assumed(1e-4), description="smoothed: relative change at which a world stops")

    @model_validator(mode="after")
    def _inside(self) -> Steps:
        if self.averaged > self.count:
            raise ValueError(f"got averaged {self.averaged}, must be at most count ({self.count})")
        return self


class FollowPlatform(Strict):
    """How people pick what they pass on: the policy scores the slots of a feed."""

    policy: str = Field("simsom_feed", description="ranking policy of feeds: a name, or package.module:function")
    parameters: dict[str, AnyNumber] = Field(default_factory=dict, description="parameters of the policy, by name")


class FollowModeration(Strict):
    """What the platform does about illegal items."""

    half_life_steps: NonNegative | None = Field(
        None, description="time until half of the illegal items are taken down, steps (null: nothing is)"
    )


class FollowerBots(Strict):
    """A network of inauthentic accounts that people follow; in the counterfactual it is absent."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name used in results")
    key: str = Field("", description="name on which luck hangs (default: the id)")
    type: Literal["bot_network"] = Field("bot_network", description="kind of campaign")
    source: str = Field("", description="what documents the campaign")
    counterfactual: Literal["absent"] = Field("absent", description="the accounts do not exist")
    accounts_share: Share = Field(assumed(0.05), description="accounts as a share of people (beta), 0-1")
    infiltration: Share = Field(assumed(0.01), description="chance that a person follows one account (gamma), 0-1")
    deception: Share = Field(assumed(0), description="posts of the accounts that have the highest appeal (phi), 0-1")
    flooding: int = Field(1, ge=1, le=1000, description="copies in which the accounts emit (theta), copies")
    target: Literal["uniform", "hubs", "partisanship", "misinformation", "conservative", "liberal"] = Field(
        "uniform", description="whom the accounts win as followers: drawn evenly, or by this attribute"
    )
    links: int = Field(3, ge=1, le=100, description="accounts of the network that each of them follows, accounts")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, raw: object) -> object:
        return {"key": raw["id"], **raw} if isinstance(raw, dict) and "id" in raw else raw


class FollowScenario(Strict):
    """A whole scenario of a follow-graph world."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name, used in folder names")
    title: str = Field("", description="one line for reports")
    run: FollowRun = Field(default_factory=FollowRun, description="settings of the computation")
    follow_graph: FollowGraph = Field(description="who follows whom")
    feeds: Feeds = Field(default_factory=Feeds, description="the feed of each person")
    activity: FollowActivity = Field(default_factory=FollowActivity, description="how often people act")
    posts: FollowPosts = Field(default_factory=FollowPosts, description="what people post")
    steps: Steps = Field(default_factory=Steps, description="how long a world runs")
    platform: FollowPlatform = Field(default_factory=FollowPlatform, description="the recommender system")
    campaigns: list[FollowerBots] = Field(default_factory=list, max_length=20, description="coordinated campaigns")
    dose: NonNegative = Field(assumed(1.0), description="multiplier of the accounts of campaigns (0: none act)")
    moderation: FollowModeration = Field(default_factory=FollowModeration, description="takedown of illegal items")


def mean_rate(activity: FollowActivity) -> float:
    """Actions of a person in a step, mean of the law of their rates as it is cut off."""
    if activity.law == "everybody":
        return 1.0
    return _mean_of_pareto(activity.lowest.value, activity.exponent.value)


def highest_mean_rate(activity: FollowActivity) -> float:
    """The most that `mean_rate` can be in a replicate, whatever its law is drawn from."""
    if activity.law == "everybody":
        return 1.0
    return _mean_of_pareto(max(activity.lowest.ends), min(activity.exponent.ends))


def _mean_of_pareto(low: float, exponent: float) -> float:
    if low >= MOST_RATE:
        return MOST_RATE
    power, beyond = exponent - 1, math.log(MOST_RATE / low)
    if abs(power - 1) > 1e-9:
        beyond = -math.expm1((1 - power) * beyond) / (power - 1)
    return low * (1 + beyond)
