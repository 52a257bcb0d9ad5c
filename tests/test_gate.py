"""A policy's gate: what it stops is not recommended, but still reaches followers and searches."""

from __future__ import annotations

import dataclasses
import math

import pytest
from helpers import changed, frames_of, world_of

import recsim
from recsim.errors import InputError
from recsim.ranking import registry
from recsim.ranking.compile import compile_policy
from recsim.state import SOURCES, STOPPED

FOUND = {"inbox", "search", "external"}


def no_politics(f, p):
    return 1 - f.is_candidate


def old_enough(f, p):
    return f.age_h - p.cooldown_h


@recsim.policy(meta={"gate": no_politics})
def without_politics(f, p):
    return f.p_like


@recsim.policy(cooldown_h=12.0, meta={"gate": old_enough, "gated": False})
def cooling(f, p):
    return f.p_like


@recsim.policy(meta={"ordering": "order"})
def ripe(f, p):
    return -math.inf if f.age_h < 12.0 else f.created_h


@recsim.policy()
def plain(f, p):
    return f.p_like


@pytest.fixture
def presets(monkeypatch):
    for policy in (without_politics, cooling, plain, ripe):
        monkeypatch.setitem(registry.PRESETS, policy.name, policy)


@pytest.mark.slow
def test_what_is_stopped_reaches_only_followers_and_searches(small, presets):
    frames = frames_of(changed(small, platform={"policy": "without_politics"}))
    by_source = frames["provenance"].astype({"source": str}).groupby("source")["impressions"].sum()
    assert set(by_source[by_source > 0].index) <= FOUND and by_source.sum() > 0
    open_feed = frames_of(changed(small, platform={"policy": "plain"}))["provenance"]
    assert set(open_feed["source"].astype(str)) - FOUND
    assert set(by_source.index) <= set(SOURCES)


def test_what_is_left_out_while_it_is_tried_is_not_lost(small, presets):
    """Without gates every item may be ranked after its trial, whatever its score was when the trial ended."""
    world = world_of(changed(small, platform={"policy": "ripe"}), steps=30)
    start, end = world.window
    stage, present = world.state.counters.stage[start:end], world.state.items.labels.present[start:end]
    tried = stage > 0
    assert tried.any() and not (stage == STOPPED).any()
    world.feed.item_terms(world.now, start, end)
    old = tried & present & (world.feed.age_h[: end - start] > 16)
    assert old.any() and world.feed.eligible[: end - start][old].all()
    provenance = world.record.provenance().astype({"source": str})
    assert (provenance[provenance["source"] == "interest"]["impressions"] > 0).any()


def test_cooldown_holds_back_new_items(small, presets):
    world = world_of(changed(small, platform={"policy": "cooling"}), steps=30)
    start, end = world.window
    world.feed.item_terms(world.now, start, end)
    count = end - start
    young = world.feed.age_h[:count] + 24 / world.plan.steps_per_day <= 12  # whenever in its step it was posted
    assert young.any() and not world.feed.eligible[:count][young].any() and not world.feed.trial[:count][young].any()
    old = (
        (world.feed.age_h[:count] > 12)
        & (world.state.counters.stage[start:end] > 0)
        & (world.state.counters.stage[start:end] < 100)
    )
    assert world.feed.eligible[:count][old].all() and old.any()


def test_gate_parameters_come_from_the_scenario(small, presets):
    from recsim.scenario.quantity import assumed

    never = changed(small, platform={"policy": "cooling", "parameters": {"cooldown_h": assumed(1e6)}})
    world = world_of(never, steps=30)
    world.feed.item_terms(world.now, *world.window)
    assert not world.feed.eligible.any() and not world.feed.trial.any()


def test_a_gate_is_about_items():
    with pytest.raises(InputError, match="about items"):

        @recsim.policy(meta={"gate": lambda_of_people})
        def wrong(f, p):
            return f.p_like

    with pytest.raises(InputError, match="did you mean 'is_candidate'"):

        @recsim.policy(meta={"gate": misspelt})
        def worse(f, p):
            return f.p_like

    with pytest.raises(InputError, match="learned features need a refit"):

        @recsim.policy(meta={"gate": learned})
        def worst(f, p):
            return f.p_like


def learned(f, p):
    return f.typical_match


def lambda_of_people(f, p):
    return f.affinity


def the_young(f, p):
    return 24 - f.age_h


def misspelt(f, p):
    return f.is_candidat


def test_gates_are_part_of_the_fingerprint(small, presets):
    from recsim.experiment.run import run_fingerprint

    bare = dataclasses.replace(without_politics, gate=None)
    other = dataclasses.replace(without_politics, gate=the_young)
    marks = set()
    for policy in (without_politics, bare, other):
        registry.PRESETS["without_politics"] = policy
        marks.add(run_fingerprint(changed(small, platform={"policy": "without_politics"}), False))
    assert len(marks) == 3
    assert compile_policy(without_politics.gate_policy).digest != compile_policy(cooling.gate_policy).digest
    assert without_politics.gate_policy.score_reads == ("is_candidate",) and plain.gate_policy is None
