"""What a world is told about its supply: traits of the ordinary one, posts of campaigns' actors, advertisements."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEVER = 1 << 30
"""A step after every run."""


class SupplyTraits(NamedTuple):
    """Numbers that describe the ordinary supply, as plain values."""

    population: int  # hash of "supply"
    days: int
    steps_per_day: int
    items_per_day: int
    creators: int
    topics: int
    posting_tail: float
    follower_tail: float
    follows_per_person: float
    quality_spread: float
    length_s: float
    length_spread: float
    emotion: float
    hour_share: np.ndarray  # (24,) float64, adds up to 1
    region_share: np.ndarray  # (R,) float64
    language_share: np.ndarray  # (L,) float64
    candidate_share: float
    candidate_weight: np.ndarray  # (C,) float64, adds up to 1
    candidate_language: np.ndarray  # (C, L) float64
    candidate_population: np.ndarray  # (C,) int64 hashes
    official_followers: np.ndarray  # (C,) float64, simulated people
    kind_share: np.ndarray  # (3,) float64: official, supporter, media
    stance_share: np.ndarray  # (3, 3) float64: rows as kinds; supportive, neutral, critical
    supporters: int
    outlets: int


OWN, RIVALS = -1, -2
"""Whom a kind of posts is about, where it is not one candidate: whom the post promotes, or another one."""


class PostMix(NamedTuple):
    """Kinds of posts of one campaign, in the order of their keys, and how a rival is drawn."""

    share: np.ndarray  # (K,) float64, adds up to 1
    about: np.ndarray  # (K,) int64, OWN, RIVALS, or number of a candidate
    stance: np.ndarray  # (K,) int64, -1, 0, 1
    demobilising: np.ndarray  # (K,) bool
    rival: (
        np.ndarray
    )  # (C, C) float64, chance that a post for the row's candidate is about the column's, 0 on the diagonal


class PlaceMix(NamedTuple):
    """Where accounts of a campaign appear to be."""

    language: np.ndarray  # (L,) float64, share of accounts, adds up to 1
    region: np.ndarray  # (R,) float64, share of accounts, adds up to 1; empty: as authors of the ordinary supply


class PostPlan(NamedTuple):
    """Posts of one campaign's actors: influencers, volunteers, bots, impersonators."""

    population: int
    campaign: int
    kind: int
    candidate: int  # who is promoted
    mix: PostMix
    place: PlaceMix
    actors: int  # at the larger of the dose and dose 1
    at_dose_one: int
    active: float  # the first so many actors post for the campaign, the others what replaces it
    posts_per_actor: float
    followers_mean: float  # simulated people
    followers_spread: float
    keep: float  # probability that a post is among those simulated
    first_step: int
    last_step: int  # exclusive
    counterfactual: str  # kept, absent or ordinary
    payer: int = -1  # candidate of the payer, if another is promoted
    hijacked: float = 1.0  # share of posts turned from the payer's candidate to the promoted one
    disclosed: float = 0.0  # share of posts that say they are paid for
    variation: float = 1.0  # 0: every post is a copy of the template; 1: posts have nothing in common with it
    initial: float = 1.0  # share of the actors that are there from the first step; the others come later, evenly
    lifetime: float = np.inf  # mean steps until an actor is removed
    removal: int = NEVER  # step at which all actors of the campaign are removed


class AdPlan(NamedTuple):
    """Advertisements of one campaign, and what is bought with its budget."""

    population: int
    campaign: int
    candidate: int
    stance: int
    language: int
    advertisements: int
    first_step: int
    last_step: int  # exclusive
    lifetime: int  # steps that an item stays live
    impressions: int  # simulated ones that the budget buys
    step_share: np.ndarray  # (steps per day,) float64, share of a day's impressions in each step, adds up to 1
    regions: tuple[int, ...]  # audience by number of the region; empty: everywhere
    languages: tuple[int, ...]  # audience by number of the language; empty: all
    removal: int = NEVER  # step at which all of them are removed
