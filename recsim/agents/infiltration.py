"""Attributes of people in a follow-graph world, and which of them follow a campaign's accounts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim.agents.follow_graph import Edges, growth_edges
from recsim.kernels import growth
from recsim.rng import Decision, Key, hash32, logarithms, uniforms, words

PEOPLE = "people"
LINK_SHARE = 0.5
"""Share of a campaign's inner links made among those whom the first follows, as in the published model."""


class Attributes(NamedTuple):
    """What may attract inauthentic followers."""

    partisanship: np.ndarray  # (U,) float32 in [-1, 1]
    misinformation: np.ndarray  # (U,) float32 in [0, 1]


def powers(u: np.ndarray, power: float) -> np.ndarray:
    """``(1 - u) ** power`` for uniforms u, float32."""
    out = np.empty(len(u), np.float32)
    growth.power_law(np.ascontiguousarray(u), np.float32(power), out)
    return out


def draw_attributes(
    key: Key, people: int, right_share: float, rightmost: float, leftmost: float, right_power: float, left_power: float,
    misinformation_a: float, misinformation_b: float,
) -> Attributes:  # fmt: skip
    """Attributes by the laws of `recsim.scenario.follow.Attributes`."""
    u = uniforms(key, Decision.FOLLOW_ATTRIBUTE, hash32(PEOPLE), np.arange(people))
    right = np.float32(rightmost) * powers(u[:, 1], right_power)
    left = np.float32(leftmost) * powers(u[:, 1], left_power)
    inner = np.float32(1) - powers(u[:, 2], 1 / misinformation_b)
    score = powers(np.float32(1) - inner, 1 / misinformation_a)
    return Attributes(np.where(u[:, 0] < np.float32(right_share), right, left), score)


def target_weights(target: str, attributes: Attributes, followers: np.ndarray) -> np.ndarray | None:
    """Weights (U,) float32 by which a campaign wins followers; None: all alike.

    Args:
        target: as in `recsim.scenario.follow.FollowerBots`. followers: (U,) int64, followers among people.
    """
    party = attributes.partisanship
    return {
        "uniform": None, "hubs": followers.astype(np.float32), "partisanship": np.abs(party),
        "misinformation": attributes.misinformation, "conservative": (party > 0).astype(np.float32),
        "liberal": (party < 0).astype(np.float32),
    }[target]  # fmt: skip


def infiltrate(key: Key, campaign: str, accounts: int, people: int, chance: float, weights: np.ndarray | None) -> Edges:
    """Who among people (follower) follows which account (followed, from 0) of a campaign.

    Each account wins Binomial(people, chance) followers: as many as there are people whose own draw says yes. All alike:
    those people; else as many drawn without replacement by weight, by the smallest exponential draw over the weight
    (Efraimidis and Spirakis, 2006); those of weight 0 never, even if too few are left. A larger chance adds followers
    and removes none.

    Args:
        campaign: its key. accounts, people: how many. chance: gamma.
        weights: from `target_weights`.
    """
    follower, followed = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    population, person = hash32(campaign), np.arange(people)
    bound = round(chance * 2.0**32)
    open_to = None if weights is None else np.flatnonzero(weights > 0)
    for account in range(accounts if bound else 0):
        w = words(key, Decision.INFILTRATE, population, np.full(people, account), person)
        won = np.flatnonzero(w[:, 0].astype(np.int64) < bound)
        if open_to is not None and weights is not None:
            u = ((w[open_to, 1] >> np.uint32(8)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-24)
            place = -logarithms(u) / weights[open_to]
            won = np.sort(open_to[np.argsort(place, kind="stable")[: len(won)]])
        follower.append(won)
        followed.append(np.full(len(won), account))
    return Edges(np.concatenate(follower), np.concatenate(followed))


def campaign_edges(key: Key, campaign: str, accounts: int, links: int) -> Edges:
    """The campaign's own graph, numbered from 0: random-walk growth; it follows nobody outside."""
    return growth_edges(key, accounts, links, LINK_SHARE, campaign)
