"""A follow-graph world in plain Python, from the published description: lists and dictionaries, one agent at a time.

It shares the keyed draws and the float32 exp and log with recsim, nothing else.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.rng import Decision, exponentials, hash32, logarithms, words

F = np.float32
UNIT = F(2.0**-24)


def unit(word) -> F:
    return F(int(word) >> 8) * UNIT


def exp(x) -> F:
    return exponentials(np.array([x], F))[0]


def power(x, y) -> F:
    return F(0) if x <= 0 else exp(F(y) * logarithms(np.array([x], F))[0])


def weight(appeal, shares, age) -> F:
    """SimSoM's weight in single precision, in the order in which its formula is written."""
    return F(appeal) * F(shares) * exp(-F(0.4) * power(max(F(age), F(0)), F(0.4)))


class TwinWorld:
    """The same world as `recsim.world.follow_world.FollowWorld`."""

    def __init__(self, plan, drawn, key, acting, moderated=True):
        self.plan, self.drawn, self.key, self.now = plan, drawn, key, 0
        self.s = plan.scenario
        self.who = [("people", n, None) for n in range(plan.people)]
        edges = list(zip(drawn.edges.follower.tolist(), drawn.edges.followed.tolist(), strict=True))
        for number in acting:
            base, campaign = len(self.who), plan.campaigns[number]
            self.who += [(campaign.key, n, campaign) for n in range(plan.accounts[number])]
            won, inner = drawn.won[number], drawn.inner[number]
            edges += [(a, base + b) for a, b in zip(won.follower.tolist(), won.followed.tolist(), strict=True)]
            edges += [
                (base + a, base + b) for a, b in zip(inner.follower.tolist(), inner.followed.tolist(), strict=True)
            ]
        self.followers = [[] for _ in self.who]
        for a, b in edges:
            self.followers[b].append(a)
        self.feeds = [[] for _ in self.who]  # slots [post, shares, age], newest first
        self.aged = [-1] * len(self.who)
        self.posts = []  # author, appeal, illegal, removal
        self.copies = {}
        half = self.s.moderation.half_life_steps
        self.half_life = half.value if half is not None and moderated else None

    def draw(self, decision, agent, ordinal=0):
        population, number, _ = self.who[agent]
        return words(self.key, decision, hash32(population), np.array([number]), ordinal, self.now)[0]

    def rate(self, agent):
        return self.drawn.rate[agent] if agent < self.plan.people else F(1)

    def step(self):
        turns = self.s.feeds.turns
        order = []
        for agent in range(len(self.who)):
            w = self.draw(Decision.FOLLOW_VISIT, agent)
            rate = self.rate(agent)
            often = int(unit(w[0]) < rate) if rate < 1 else math.ceil(rate)
            order += [((int(w[2]) * turns) >> 32, int(w[1]), agent, k) for k in range(often)]
        order.sort()
        for turn in range(turns):
            self.turn([(agent, k) for t, _, agent, k in order if t == turn])
        if self.half_life is not None:
            gone = {n for n, post in enumerate(self.posts) if post[3] == self.now}
            self.feeds = [[slot for slot in feed if slot[0] not in gone] for feed in self.feeds]
        self.now += 1

    def turn(self, actions):
        emitted, fresh = [], []
        for agent, k in actions:
            w = self.draw(Decision.FOLLOW_ACT, agent, k)
            if not self.feeds[agent] or unit(w[0]) < F(self.s.activity.post_chance.value):
                emitted.append((agent, len(self.posts) + len(fresh)))
                fresh.append(self.write(agent, k))
            else:
                emitted.append((agent, self.choose(agent, unit(w[1]))))
        self.posts += fresh
        arrivals = [[] for _ in self.who]
        for agent, post in emitted:
            campaign = self.who[agent][2]
            copies = 1 if campaign is None else campaign.flooding
            self.copies[post] = self.copies.get(post, 0) + copies
            for follower in self.followers[agent]:
                arrivals[follower].append((post, copies))
        for agent, arrived in enumerate(arrivals):
            self.receive(agent, arrived)

    def write(self, agent, k):
        campaign = self.who[agent][2]
        w = self.draw(Decision.FOLLOW_POST, agent, k)
        appeal = F(1) - power(F(1) - unit(w[1]), 1 / (self.s.posts.appeal_exponent.value + 1))
        if campaign is not None and unit(w[2]) < F(campaign.deception.value):
            appeal = F(1)
        illegal = self.s.posts.illegal and campaign is None and unit(w[3]) < self.drawn.illegal[agent]
        removal = -1
        if illegal and self.half_life is not None:
            u = (F(int(self.draw(Decision.FOLLOW_REMOVAL, agent, k)[0]) >> 8) + F(0.5)) * UNIT
            halvings = logarithms(np.array([u], F))[0] * F(-1.4426950408889634)
            removal = self.now + math.floor(halvings * F(self.half_life))
        return (agent, appeal, bool(illegal), removal)

    def choose(self, agent, u):
        feed = self.feeds[agent]
        everywhere = self.s.feeds.share_counters == "global"
        weights = [weight(self.posts[p][1], self.copies[p] if everywhere else n, age) for p, n, age in feed]
        total = F(0)
        for w in weights:
            total = total + w
        goal, passed = u * total, F(0)
        for (post, _, _), w in zip(feed, weights, strict=True):
            passed = passed + w
            if w > 0 and passed > goal:
                return post
        raise AssertionError("no weight at all")

    def receive(self, agent, arrived):
        if not arrived:
            return
        count = {}
        for post, copies in arrived:
            count[post] = count.get(post, 0) + copies
        feed = self.feeds[agent]
        known = {slot[0] for slot in feed}
        overlap = known & set(count)
        if self.aged[agent] != self.now:
            for slot in feed:
                slot[2] = 1 if self.s.feeds.ageing == "set_to_one" and not overlap else slot[2] + 1
        self.aged[agent] = self.now
        for slot in feed:
            slot[1] += count.get(slot[0], 0)
        again = []
        if self.s.feeds.age_of_reshared == "reset":
            again = [[p, n, 0] for p, n, _ in feed if p in overlap]
            feed = [slot for slot in feed if slot[0] not in overlap]
        new = [[post, n, 0] for post, n in count.items() if post not in known]
        together = (
            sorted(again + new + feed, key=lambda slot: slot[2])
            if self.s.feeds.age_of_reshared == "keep"
            else again + new + feed
        )
        self.feeds[agent] = together[: self.s.feeds.slots]


def grown(key, nodes, links, share, population):
    """Random-walk growth with Floyd's draws, from the description; whom each node follows."""
    friends = [[other for other in range(links) if other != node] for node in range(links)]

    def word(node, number):
        return int(words(key, Decision.FOLLOW_GROW, hash32(population), np.array([node]), number)[0, 0])

    def distinct(node, number, count, bound):
        picks = []
        for k in range(count):
            top = bound - count + k
            pick = (word(node, number + k) * (top + 1)) >> 32
            picks.append(top if pick in picks else pick)
        return picks

    for node in range(links, nodes):
        target = (word(node, 0) * node) >> 32
        near = sum(unit(word(node, 1 + k)) < F(share) for k in range(links - 1))
        of_target = distinct(node, links, near, len(friends[target]))
        rest = distinct(node, links + near, links - 1 - near, node)
        friends.append([target, *(friends[target][k] for k in of_target), *rest])
    return friends
