"""A follow-graph scenario resolved into the numbers a world needs, and the state it starts from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from recsim.agents.follow_graph import Edges, followers_of, people_edges, rewired
from recsim.agents.infiltration import PEOPLE, campaign_edges, draw_attributes, infiltrate, powers, target_weights
from recsim.errors import InputError
from recsim.kernels.beta import beta_quantiles
from recsim.ranking import registry
from recsim.ranking.compile import CompiledPolicy, compile_policy
from recsim.rng import Decision, Key, hash32, normals, uniforms
from recsim.scenario.follow import MOST_RATE, FollowerBots, FollowScenario
from recsim.state import Followers, Slots


@dataclasses.dataclass(frozen=True)
class FollowPlan:
    """What stays the same in all worlds of a scenario.

    Attributes:
        scenario: realised.
        compiled: score loop of the policy. parameters: (K,) float32.
        campaigns: by key. accounts: how many each has at the scenario's dose.
    """

    scenario: FollowScenario
    compiled: CompiledPolicy
    parameters: np.ndarray
    campaigns: tuple[FollowerBots, ...]
    accounts: tuple[int, ...]

    @property
    def people(self) -> int:
        """How many people there are."""
        return self.scenario.follow_graph.people

    @property
    def groups(self) -> list[str]:
        """Groups that posts are counted in: people, the campaigns, and people's illegal posts."""
        return [PEOPLE, *(c.id for c in self.campaigns), "illegal"]


def make_follow_plan(scenario: FollowScenario) -> FollowPlan:
    """Resolve names and numbers.

    Raises:
        InputError: an unknown policy or parameter, or a policy that cannot rank slots.
    """
    policy = registry.for_feeds(scenario.platform.policy)
    registry.check_parameters(
        policy, {n: q.ends for n, q in scenario.platform.parameters.items()}, "platform.parameters"
    )
    compiled = compile_policy(policy)
    values = compiled.vector({name: q.value for name, q in scenario.platform.parameters.items()})
    campaigns = tuple(sorted(scenario.campaigns, key=lambda c: c.key))
    people, dose = scenario.follow_graph.people, scenario.dose.value
    accounts = tuple(math.floor(round(c.accounts_share.value * people * dose, 6)) for c in campaigns)
    return FollowPlan(scenario, compiled, values, campaigns, accounts)


@dataclasses.dataclass(frozen=True)
class FollowPeople:
    """What people of a replicate are, in all its worlds.

    Attributes:
        edges: who follows whom among them. won: who follows which account (from 0) of each campaign.
        inner: the campaigns' own graphs.
        rate: (U,) float32, actions a step. illegal: (U,) float32, chance that a post of theirs is illegal.
    """

    edges: Edges
    won: tuple[Edges, ...]
    inner: tuple[Edges, ...]
    rate: np.ndarray
    illegal: np.ndarray


def draw_people(plan: FollowPlan, key: Key) -> FollowPeople:
    """Draw graph, attributes and traits.

    Raises:
        InputError: the graph has no room for so many edges.
    """
    g, people = plan.scenario.follow_graph, plan.people
    a = g.attributes
    attributes = draw_attributes(
        key, people, a.right_share.value, a.rightmost.value, a.leftmost.value, a.right_power.value, a.left_power.value,
        a.misinformation_a.value, a.misinformation_b.value,
    )  # fmt: skip
    try:
        edges = people_edges(
            key, people, "random" if g.rewiring == "all" and g.kind != "growth" else g.kind, g.mean_degree.value,
            g.weight_sigma.value, g.weight_correlation.value, g.friend_share.value,
        )  # fmt: skip
        if g.rewiring == "all" and g.kind == "growth":
            edges = people_edges(key, people, "random", len(edges.follower) / people, 0, 0, 0)
        elif g.rewiring in ("hub", "community"):
            side = (attributes.partisanship > 0).astype(np.int8) if g.rewiring == "community" else None
            edges = rewired(key, edges, people, side)
    except ValueError as error:
        raise InputError(str(error), "follow_graph.mean_degree") from None
    followers = np.bincount(edges.followed, minlength=people)
    won = tuple(
        infiltrate(key, c.key, n, people, c.infiltration.value, target_weights(c.target, attributes, followers))
        for c, n in zip(plan.campaigns, plan.accounts, strict=True)
    )
    inner = tuple(campaign_edges(key, c.key, n, c.links) for c, n in zip(plan.campaigns, plan.accounts, strict=True))
    return FollowPeople(edges, won, inner, *_traits(plan, key))


def _traits(plan: FollowPlan, key: Key) -> tuple[np.ndarray, np.ndarray]:
    """Rate of actions and chance of an illegal post of each person."""
    s, people = plan.scenario, plan.people
    u = uniforms(key, Decision.FOLLOW_TRAIT, hash32(PEOPLE), np.arange(people))
    rate, illegal = np.ones(people, np.float32), np.zeros(people, np.float32)
    if s.activity.law == "pareto":
        drawn = np.float32(s.activity.lowest.value) * powers(u[:, 0], -1 / (s.activity.exponent.value - 1))
        rate = np.minimum(drawn, np.float32(MOST_RATE))
    if s.posts.illegal:
        p = s.posts
        risky = u[:, 1] < np.float32(p.high_risk_share.value)
        first = np.where(risky, p.high_risk_a.value, p.other_a.value)
        second = np.where(risky, p.high_risk_b.value, p.other_b.value)
        share = np.ascontiguousarray(u[:, 2])
        beta_quantiles(share, normals(share), first, second, illegal)
    return rate, illegal


def followers_in(plan: FollowPlan, drawn: FollowPeople, acting: Sequence[int], rate: np.ndarray) -> Followers:
    """Who follows whom in a world where some campaigns (numbers) act; the others' accounts do not exist.

    Args:
        rate: (N,) float32, actions of each agent per step.
    """
    follower, followed, agents = [drawn.edges.follower], [drawn.edges.followed], plan.people
    for number in acting:
        won, inner = drawn.won[number], drawn.inner[number]
        follower += [won.follower, inner.follower + agents]
        followed += [won.followed + agents, inner.followed + agents]
        agents += plan.accounts[number]
    return followers_of(Edges(np.concatenate(follower), np.concatenate(followed)), agents, np.ceil(rate))


def empty_slots(agents: int, slots: int) -> Slots:
    """Feeds in which nothing is."""
    shape = (agents, slots)
    return Slots(
        np.zeros(agents, np.int32), np.full(shape, -1, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32),
        np.full(agents, -1, np.int32),
    )  # fmt: skip
