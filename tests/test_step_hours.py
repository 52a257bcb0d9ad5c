"""Hours stay hours whatever the length of a step: half-lives, refits, removals, memories, and what a day comes to."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import changed, world_of
from test_learned import with_policy
from test_moderation import detector, moderated
from test_safeguards import with_measure

from recsim.scenario.quantity import assumed
from recsim.state import FOLLOW, LIKE, VIEW

HOURS = (1, 2, 4)


def stepping(scenario, hours):
    return changed(scenario, run={"step_hours": hours})


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("half_life", [12.0, 36.0])
def test_half_of_a_burst_is_left_after_the_half_life(small, hours, half_life):
    """Of plain and of weighted counts, and of what was picked after searches."""
    scenario = stepping(with_measure(small, "rate_limit", actions_per_day=1e9), hours)
    predictor = scenario.platform.predictor.model_copy(update={"half_life_h": assumed(half_life)})
    world = world_of(changed(scenario, platform={"predictor": predictor}), steps=1)
    state, (start, end) = world.state, world.window
    for book in (world.books.plain, state.weighed):
        book.decayed[:] = 0
    world.platform.learn(start, end)  # whatever the first step has left is in
    before = [book.decayed[LIKE, start] for book in (world.books.plain, state.weighed)]
    state.counters.total[start, LIKE] += 1000
    state.counters.valued[start, 0, LIKE] += 1000 << 10
    world.platform.learn(start, end)
    books = (world.books.plain, state.weighed)
    full = [book.decayed[LIKE, start] for book in books]
    assert full == pytest.approx([1000 + b for b in before], abs=float(max(before)) + 1e-3)
    for _ in range(int(half_life) // hours):
        world.platform.learn(start, end)
    assert [book.decayed[LIKE, start] / f for book, f in zip(books, full, strict=True)] == pytest.approx([0.5] * 2, rel=1e-5)  # fmt: skip


@pytest.mark.parametrize("hours", HOURS)
def test_what_is_due_is_due_at_the_same_hour(small, hours):
    """Rebuilding of pools, refits, removal of networks, start of a campaign, first look of a detector."""
    retrieval = small.platform.retrieval.model_copy(update={"refresh_hours": 8.0})
    scenario = with_policy(changed(small, platform={"retrieval": retrieval}), "itemknn")
    scenario = moderated(scenario, network_removal_days=assumed(1.5), detectors=[
        detector("account_rate").model_copy(update={"every_hours": 12, "start": -7})
    ])  # fmt: skip
    world = world_of(stepping(scenario, hours), steps=0)
    plan, feed, network = world.plan, world.feed, world.networks[0].network
    feed.stale = False
    day = range(0, 72, hours)
    assert [h for h in day if feed.rebuilds(h // hours)] == list(range(0, 72, 8))
    assert feed.learner.every * hours == plan.policy.refit_hours > 4
    assert network.first_step * hours == 6 * 24 and network.removal_step * hours == 7 * 24 + 12
    assert plan.steps * hours == 240 and plan.lifetime * hours == 72
    due = []
    for step in range(72 // hours):
        world.now = step
        due += [(step + 1) * hours] if world.moderation._due(scenario.moderation.detectors[0]) else []
    assert due == [60, 72]  # after the steps that end at noon and at midnight, from the third day on


@pytest.fixture(scope="module")
def days(small):
    """The same ten days in steps of one, two and four hours."""
    scenario = changed(small, dose=assumed(20.0))
    made = {}
    for hours in HOURS:
        world = world_of(stepping(scenario, hours), "factual", steps=0)
        world.run_until(world.plan.steps)
        made[hours] = world
    return made


def figures(world):
    human, total = world.state.counters.human.sum(axis=0), world.state.counters.total.sum(axis=0)
    campaigns, facts = world.record.campaigns(), world.record.feed
    start, end = (
        world.window if world.now < world.plan.steps else (int(world.state.born[-1 - world.plan.lifetime]), None)
    )
    return {
        "likes per view": human[1] / human[0],
        "views per visit": human[0] / facts[0],
        "visits": facts[0],
        "follows": total[FOLLOW],
        "attempted": campaigns["attempted"].sum(),
        "decayed views": world.state.counters.decayed[VIEW, start:end].sum(),
    }


TOLERANCE = {
    "likes per view": 0.1, "views per visit": 0.05, "visits": 0.08, "follows": 0.6, "attempted": 0.15,
    "decayed views": 0.1,
}  # fmt: skip
"""Luck of worlds that share no draws, at their size: four standard errors and what merged visits take away."""


@pytest.mark.parametrize("name", TOLERANCE)
def test_a_day_comes_to_the_same(days, name):
    found = [figures(days[hours])[name] for hours in HOURS]
    assert min(found) > 0 and max(found) / min(found) - 1 < TOLERANCE[name], dict(zip(HOURS, found, strict=True))


@pytest.mark.parametrize("hours", HOURS)
def test_a_detector_forgets_after_the_same_days(small, hours):
    short = detector("account_rate").model_copy(update={"log_days": assumed(1.0)})
    scenario = stepping(moderated(changed(small, campaigns=[]), detectors=[short]), hours)
    world = world_of(scenario, steps=48 // hours)
    steps = np.concatenate(world.state.docket.log)[:, 3]
    last = world.now - 1
    assert steps.max() == last and (last - steps.min()) * hours == 24
