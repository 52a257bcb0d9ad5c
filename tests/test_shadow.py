"""Shadow policies: the same scores as the policy itself with those parameters, and nothing shown."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import changed, frames_of, world_of
from test_policies import curved, linear, run, setup

import recsim
from recsim.cli.show import _importance_lines
from recsim.errors import InputError
from recsim.experiment.importance import importance, not_measured
from recsim.experiment.importance import with_shadows as with_shadows_of
from recsim.kernels.shadow import count_top
from recsim.ranking import registry
from recsim.ranking.compile import compile_policy
from recsim.ranking.presets import PRESETS
from recsim.scenario.schema import HeadWeights
from recsim.world.plan import make_plan


def with_shadows(scenario, **weights):
    shadows = [HeadWeights(id=name, parameters=given) for name, given in weights.items()]
    return changed(scenario, audit={"shadows": shadows, "shadow_places": 5})


@pytest.mark.parametrize("policy", [linear, curved, PRESETS["tiktok_value"]], ids=lambda p: p.name)
def test_shadow_scores_are_the_policys_own(policy):
    compiled = compile_policy(policy)
    d = setup(compiled)
    name = next(iter(policy.parameters))
    sets = np.array([compiled.vector({}), compiled.vector({name: 3.5})])
    scores = np.zeros((5, 2, d.scores.shape[1]), np.float32)
    compiled.shadow_block(
        0, 5, d.person, d.stratum, d.estimate, d.pool_topic, d.pool_rows, d.pool_key, d.pool_count, d.inbox,
        d.item_topic, d.rows, d.keys, np.int64(0), d.language, d.region, d.constants, sets, np.uint64(5), np.uint64(6),
        np.uint64(9), np.uint64(0), scores,
    )  # fmt: skip
    for k in range(2):
        own = run(compiled, d, sets[k])
        assert np.array_equal(np.isinf(scores[:, k]), np.isinf(own))
        there = np.isfinite(own)
        assert scores[:, k][there] == pytest.approx(own[there], rel=1e-6)
    assert not np.array_equal(scores[:, 0], scores[:, 1])


def twin(world, scores, places, visit, k):
    """First places of one visit, by sorting."""
    feed, state = world.feed, world.state
    start, _ = world.window
    person, stratum = int(feed.visits.person[visit]), int(feed.visits.stratum[visit])
    size, bits = feed.pools.item.shape[1], state.observed.seen
    rows = []
    for column in range(scores.shape[2]):
        pool = column < size
        i = int(feed.pools.item[stratum, column] if pool else state.observed.inbox[person, column - size])
        if i < start or (pool and not feed.eligible[i - start]):
            continue
        if int(bits[person, (i >> 6) % bits.shape[1]]) >> (i & 63) & 1:
            continue
        if scores[visit, k, column] > -np.inf:
            rows.append((-scores[visit, k, column], column, i))
    return list(dict.fromkeys(i for _, _, i in sorted(rows)))[:places]  # as people look: best first, nothing twice


def test_first_places(small):
    """Against sorting, visit by visit; ties go by column."""
    world = world_of(small, steps=27)
    state, feed = world.state, world.feed
    start, end = world.window
    world.people.visit()
    feed.item_terms(world.now, start, end)
    feed.retrieve(world.now, start, end)
    n = min(50, world.people.visiting)
    scores = np.random.default_rng(3).normal(size=(n, 2, feed.scores[0].shape[1])).astype(np.float32)
    scores[:, 1] = np.round(scores[:, 1])
    scores[:, 0, ::5] = -np.inf
    for visit in range(0, n, 3):  # in a pool too: the first has its better place there, the second in the inbox
        person, stratum = feed.visits.person[visit], feed.visits.stratum[visit]
        state.observed.inbox[person, :2] = feed.pools.item[stratum, 3:5]
        scores[visit, :, 3:5] = [5.0, -9.0]
        scores[visit, :, -state.observed.inbox.shape[1] :][:, :2] = [-9.0, 5.0]
    candidate = state.items.labels.candidate
    out = np.zeros((2, 2, 5), np.int64)
    count_top(0, n, 1, scores, feed.visits, feed.pools, state.observed, feed.eligible, candidate, start, 5, out)
    for k in range(2):
        shown = [i for visit in range(n) for i in twin(world, scores, 5, visit, k)]
        expected = [sum(candidate[i] == c for i in shown) for c in range(3)]
        common = sum(len(set(twin(world, scores, 5, v, 0)) & set(twin(world, scores, 5, v, k))) for v in range(n))
        assert out[1, k].tolist() == [*expected, len(shown), common] and sum(expected) > 5
    assert out[1, 0, 3] == out[1, 0, 4] > out[1, 1, 4] > 0
    assert (out[0] == 0).all()


def test_nothing_is_shown(small):
    plain = frames_of(small)
    frames = frames_of(with_shadows(small, same={}, likes={"w_like": 20.0}))
    assert plain["exposure"].equals(frames["exposure"])
    assert len(plain["shadows"]) == 0
    table = frames["shadows"].set_index(["branch", "arm", "shadow", "candidate"])["places"].unstack("shadow")
    everything = table.xs("all", level="candidate")
    assert table["as declared"].equals(table["same"].rename("as declared"))
    common = table.xs("in_common", level="candidate")
    assert (common["same"] == everything["same"]).all() and (common["likes"] < everything["likes"]).all()
    assert (everything["same"] == everything["likes"]).all() and (everything > 0).all(axis=None)
    assert not (table["same"] == table["likes"]).all()
    threads = frames_of(with_shadows(small, same={}, likes={"w_like": 20.0}), threads=2)
    assert threads["shadows"].equals(frames["shadows"])


def test_zero_dose_under_shadows(small):
    scenario = with_shadows(small, likes={"w_like": 20.0})
    none = scenario.model_copy(update={"dose": scenario.dose.model_copy(update={"value": 0.0})})
    frames = frames_of(none)
    table = frames["shadows"].set_index(["branch", "shadow", "arm", "candidate"])["places"].unstack("arm")
    assert (table["factual"] == table["counterfactual"]).all() and table["factual"].sum() > 0
    # Nothing of a shadow is shown: without it everybody sees the same.
    assert frames["exposure"].equals(frames_of(changed(none, audit={"shadows": []}))["exposure"])


def test_unknown_parameter_of_a_shadow(small):
    with pytest.raises(InputError, match="did you mean 'w_like'"):
        make_plan(with_shadows(small, wrong={"w_liek": 1.0}))


@recsim.policy(w=2.0, idle=0.0, meta={"stratum": "region", "sources": {"trending": 0.5, "discovery": 0.5}})
def one_weight(f, p):
    return p.w * (f.d_like + 0.1) + p.idle


@recsim.policy(w_near=1.0, w_about=3.0, meta={"stratum": "region", "sources": {"trending": 0.5, "discovery": 0.5}})
def about(f, p):
    return p.w_near * f.d_like + p.w_about * f.is_candidate + 0.01


@pytest.mark.slow
def test_importance(small, monkeypatch):
    """A common factor of all weights moves nothing; a weight on candidate content makes the feed more political."""
    for policy in (one_weight, about):
        monkeypatch.setitem(registry.PRESETS, policy.name, policy)
    none = importance(changed(small, platform={"policy": "one_weight"}), replicates=2, workers=1)
    assert set(none["parameter"]) == {"w"} and none["reordered"].max() < 1e-3
    assert len(none) == 4 and none["elasticity"].abs().max() < 1e-2
    frame = importance(changed(small, platform={"policy": "about"}), replicates=2, workers=1, factor=1.5)
    more = frame[(frame["parameter"] == "w_about") & (frame["candidate"] == "political")].iloc[0]
    assert more["elasticity"] > 0.02 and more["reordered"] > 0.01
    both = frame[frame["candidate"] == "political"]["elasticity"]
    assert both.sum() == pytest.approx(0, abs=0.3 * both.abs().max())
    assert frame["reordered"].is_monotonic_decreasing


def test_importance_without_a_campaign_and_with_what_it_cannot_measure(small, monkeypatch, capsys):
    """One world, which has no shift; parameters beside the score are named, not shown as without effect."""
    monkeypatch.setitem(registry.PRESETS, "one_weight", one_weight)
    scenario = changed(
        small, platform={"policy": "one_weight"}, campaigns=[], population={"scale": 0.0002},
        days={"start": small.days.vote.replace(day=22)},
    )  # fmt: skip
    frame = importance(scenario, replicates=2, workers=1, factor=1.5)
    assert set(frame["parameter"]) == {"w"} and (frame["shift_pp"] == 0).all() and not_measured(scenario) == ["idle"]
    text = "\n".join(_importance_lines(json.loads(frame.to_json(orient="records")), ["idle"], 7))
    assert "first 7 places" in text and "not measured (zero, at a limit, or acting beside the score): idle" in text


@recsim.policy(share=0.6, weight=1.0, meta={"ranges": {"share": (0, 1)}})
def within(f, p):
    return p.share * f.n_like + p.weight * f.n_share


def test_what_is_not_measured_hangs_on_the_factor(small, monkeypatch):
    monkeypatch.setitem(registry.PRESETS, "within", within)
    scenario = changed(small, platform={"policy": "within"})
    assert not_measured(scenario) == [] and not_measured(scenario, 2.0) == ["share"]
    assert {s.id for s in with_shadows_of(scenario, 2.0).audit.shadows} == {"more weight", "less weight"}


def test_importance_needs_something_to_change(small):
    with pytest.raises(InputError, match="learns a match of person and item, so it has no shadows"):
        make_plan(changed(with_shadows(small, a={}), platform={"policy": "itemknn"}))
    x = changed(small, platform={"policy": "x_2026_08", "rerank": []})
    assert not_measured(x) == [] and len(make_plan(with_shadows_of(x)).shadows) == 1 + 2 * len(
        registry.configured("x_2026_08", []).parameters
    )
    x = changed(small, platform={"policy": "x_2026_08"})
    assert {"author_decay", "cold_place", "dpp_theta"} <= set(not_measured(x)) and "w_like" not in not_measured(x)
    with pytest.raises(InputError, match="no parameter"):
        importance(changed(small, platform={"policy": "random"}))
    with pytest.raises(InputError, match="at least 2"):
        importance(small, replicates=1)
