"""What a follow-graph world leaves behind: counts by step and group, as whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recsim.kernels import follow_feed
from recsim.rng import logarithms
from recsim.world.follow_plan import FollowPlan

if TYPE_CHECKING:
    from recsim.world.follow_world import FollowWorld

ONE = 2.0**24
"""Unit of quality."""


class FollowRecord:
    """Counts of one world.

    Attributes:
        deliveries: emissions delivered so far, one per follower.
        settled: whether the scenario's stopping rule is met.
        smoothed: quality and inauthentic share after smoothing, from 1 and 0.
    """

    def __init__(self, plan: FollowPlan, arm: str, replicate: int) -> None:
        self.plan, self.arm, self.replicate = plan, arm, replicate
        groups = len(plan.groups)
        self.deliveries, self.settled = 0, False
        self.smoothed = np.array([1.0, 0.0])
        self.people = np.arange(plan.people, dtype=np.int32)
        self.seen = np.zeros((2, groups, 2), np.int64)  # by people and by others, this step
        self.acts = np.zeros(3, np.int64)  # actions, posts, re-shares of illegal posts, this step
        self.before = 0
        self.exposure: list[tuple] = []
        self.steps: list[tuple] = []
        self.viewed: list[np.ndarray] = []  # person and illegal post, by view
        self.reshared: list[np.ndarray] = []

    def look(self, world: FollowWorld, actor: np.ndarray) -> None:
        """Every visitor sees her whole feed, once a turn."""
        who = actor[np.append(True, actor[1:] != actor[:-1])] if len(actor) else actor
        for place, part in enumerate((who[who < self.plan.people], who[who >= self.plan.people])):
            follow_feed.count_slots(part, world.slots, world.posts.group, world.posts.quality, self.seen[place])
        if self.plan.scenario.posts.illegal:
            part = np.sort(who[who < self.plan.people])
            held = world.slots.post[part]
            there = np.arange(held.shape[1]) < world.slots.held[part][:, None]
            hit = there & (world.posts.group[held] == len(self.plan.groups) - 1)
            self.viewed.append((part[np.nonzero(hit)[0]].astype(np.int64) << 32) | held[hit])

    def act(self, world: FollowWorld, actor: np.ndarray, post: np.ndarray, authors: np.ndarray) -> None:
        """Count actions, and re-shares of illegal posts."""
        illegal = (world.posts.group[post] == len(self.plan.groups) - 1) & ~authors
        self.acts += (len(actor), int(authors.sum()), int(illegal.sum()))
        if illegal.any():
            self.reshared.append((actor[illegal].astype(np.int64) << 32) | post[illegal])

    def close(self, world: FollowWorld) -> None:
        """End of a step: count what lies in people's feeds."""
        rule, slots, posts = self.plan.scenario.steps, world.slots, world.posts
        held = np.zeros((len(self.plan.groups), 2), np.int64)
        follow_feed.count_slots(self.people, slots, posts.group, posts.quality, held)
        total = int(held[:, 0].sum())
        quality = float(held[:, 1].sum() / ONE / total) if total else 1.0
        share = float(held[1:-1, 0].sum() / total) if total else 0.0
        unique, illegal, diversity = self._distinct(world)
        for k, name in enumerate(self.plan.groups):
            if held[k, 0] or self.seen[:, k, 0].any() or name != "illegal":
                row = (world.now, name, int(held[k, 0]), int(self.seen[0, k, 0]), int(self.seen[1, k, 0]))
                self.exposure.append(row)
        made, delivered = tuple(int(n) for n in self.acts), self.deliveries - self.before
        self.steps.append((world.now, total, quality, share, unique, illegal, diversity, *made, delivered))
        self.seen[:] = 0
        self.acts[:] = 0
        self.before = self.deliveries
        weight = rule.smoothing.value
        was = self.smoothed[0]
        self.smoothed = weight * self.smoothed + (1 - weight) * np.array([quality, share])
        self.settled = rule.stop == "smoothed" and abs(self.smoothed[0] - was) <= rule.tolerance.value * abs(was)

    def _distinct(self, world: FollowWorld) -> tuple[int, int, float]:
        """Different posts in people's feeds, illegal ones among them, Shannon entropy of posts over slots in nats."""
        held = world.slots.post[: self.plan.people]
        there = np.arange(held.shape[1]) < world.slots.held[: self.plan.people, None]
        often = np.bincount(held[there], minlength=1)
        which = np.flatnonzero(often)
        illegal = int((world.posts.group[which] == len(self.plan.groups) - 1).sum())
        sizes = np.bincount(often[which])
        c = np.flatnonzero(sizes)
        total = int((c * sizes[c]).sum())
        if not total:
            return 0, 0, 0.0
        logs = logarithms(np.append(c, total).astype(np.float32)).astype(np.float64)
        parts = sizes[c] * c * (logs[-1] - logs[:-1]) / total
        return len(which), illegal, float(np.cumsum(parts)[-1])

    def tables(self) -> dict[str, pd.DataFrame]:
        """``exposure`` by step and origin, ``steps`` by step, ``illegal`` over the whole run; arm and replicate in front."""
        names = ["step", "origin", "slots", "impressions", "inauthentic_impressions"]
        exposure = pd.DataFrame(self.exposure, columns=names)
        columns = [
            "step", "slots", "quality", "inauthentic_share", "posts_held", "illegal_held", "diversity_nats", "actions",
            "posts", "illegal_reshares", "deliveries",
        ]  # fmt: skip
        steps = pd.DataFrame(self.steps, columns=columns)
        last = int(steps["step"].max())
        pairs = [np.concatenate(p) if p else np.empty(0, np.int64) for p in (self.viewed, self.reshared)]
        inside = exposure[exposure["origin"] == "illegal"]
        window = steps[steps["step"] > last - self.plan.scenario.steps.averaged]
        hidden = inside[inside["step"] > last - self.plan.scenario.steps.averaged]
        illegal = pd.DataFrame(
            {
                "impressions": [int(inside["impressions"].sum())], "reach": [len(np.unique(pairs[0]))],
                "reshares": [len(pairs[1])], "unique_reshares": [len(np.unique(pairs[1]))],
                "prevalence_posts": [float(window["illegal_held"].sum() / max(1, window["posts_held"].sum()))],
                "prevalence_slots": [float(hidden["slots"].sum() / max(1, window["slots"].sum()))],
            }
        )  # fmt: skip
        out = {"exposure": exposure, "steps": steps, "illegal": illegal}
        for frame in out.values():
            frame.insert(0, "arm", self.arm)
            frame.insert(0, "replicate", self.replicate)
        return out
