"""Predictors: the oracle against the response model, the online fit against plain code and known truth, invariances."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import changed, frames_of, world_of

import recsim
from recsim.audit import controls
from recsim.kernels import predictor as kernel
from recsim.ranking.compile import compile_policy
from recsim.scenario.moderation import PoliticalLabels
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.state import ACTIONS, LABELLED
from recsim.world.item_rows import fill_row
from recsim.world.predict import Predictor, true_vectors

KINDS = ("rates", "logistic", "oracle")


def with_predictor(scenario, kind, **more):
    platform = scenario.platform
    fields = {"predictor": platform.predictor.model_copy(update={"kind": kind}), **more}
    return changed(scenario, platform=fields)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def chances(world, person, item):
    """What the response model would do, in double precision, from its definition."""
    r, state = world.plan.reaction, world.state
    latent, items, labels = state.latent, state.items, state.items.labels
    start, _ = world.window
    u = float(r.affinity) * float(latent.taste[person].astype(float) @ items.topic[item].astype(float))
    u += float(r.quality) * items.quality[item] + float(r.emotion) * latent.susceptibility[person] * items.emotion[item]
    u += float(r.social_proof) * float(world.feed.social[item - start]) - float(r.typical_utility)
    if labels.language[item] != state.cells.language[person]:
        u -= float(r.language_mismatch)
    if state.status[item] & LABELLED:
        u += world.plan.label_utility
    candidate = labels.candidate[item]
    if candidate >= 0:
        away = ((latent.position[person].astype(float) - state.position[candidate]) ** 2).sum()
        u += float(r.closeness) * latent.politics[person] * labels.stance[item] * (1 - away)
    stays = 1 - logistic(r.skip - r.skip_slope * u)
    mean = r.watched_mean * np.exp(r.watched_slope * u)
    act = {
        n: stays * logistic(getattr(r, n) + latent.bias[person] + r.act_slope * u)
        for n in ("like", "comment", "share", "follow")
    }
    act["share"] *= float(r.keeps_shares)
    return SimpleNamespace(
        **{f"p_{n}": v for n, v in act.items()},
        p_hide=logistic(r.hide - r.hide_slope * u), p_report=logistic(r.report - r.hide_slope * u),
        p_complete=stays * np.exp(-1 / mean),
        e_play=items.length[item] * (0.05 * (1 - stays) + stays * mean * (1 - np.exp(-1 / mean))),
    )  # fmt: skip


@recsim.policy(like=0.0, comment=0.0, share=0.0, follow=0.0, hide=0.0, report=0.0, complete=0.0, play=0.0)
def every_head(f, p):
    s = p.like * f.p_like + p.comment * f.p_comment + p.share * f.p_share + p.follow * f.p_follow
    return s + p.hide * f.p_hide + p.report * f.p_report + p.complete * f.p_complete + p.play * f.e_play


def test_the_oracle_knows_the_response_model(small):
    """Under labels that people heed and a prompt before sharing, too."""
    labels = PoliticalLabels(share=assumed(1.0), wrong_share=assumed(0.0), utility=assumed(-0.8))
    scenario = changed(
        small, moderation={"political_labels": labels}, platform={"mitigations": [MitigationUse(kind="friction")]}
    )
    world = world_of(with_predictor(scenario, "oracle"), steps=20)
    start, end = world.window
    world.feed.item_terms(world.now, start, end)
    assert world.plan.reaction.keeps_shares < 1 and (world.state.status[start:end] & LABELLED).any()
    compiled = compile_policy(every_head, "oracle")
    count = end - start
    rows = np.zeros((len(compiled.rows), world.feed.window), np.float32)
    for k, name in enumerate(compiled.rows):
        fill_row(world.feed, name, rows[k], start, end, world.books.open)
    people, state, feed = 12, world.state, world.feed
    pool = np.arange(start, end)
    heads = list(every_head.parameters)
    candidate_items = 0
    for head in heads:
        scores = np.zeros((people, count), np.float32)
        who = np.arange(people, dtype=np.int32)
        key = np.uint64(1)
        compiled.score_block(
            0, people, who, np.zeros(people, np.int32), feed.predictor.person,
            np.ascontiguousarray(feed.predictor.item[pool].T[None]), np.ascontiguousarray(rows[None, :, :count]),
            state.items.key[pool][None], np.array([count], np.int32), np.zeros((people, 0), np.int32),
            feed.predictor.item, rows, state.items.key, np.int64(start), state.cells.language, state.cells.region,
            feed.predictor.constants(), compiled.vector({head: 1.0}), key, key, key, np.uint64(0), scores,
        )  # fmt: skip
        for person in range(people):
            for item in range(start, end, 7):
                expected = getattr(chances(world, person, item), "e_play" if head == "play" else f"p_{head}")
                assert scores[person, item - start] == pytest.approx(expected, rel=3e-4, abs=1e-7), head
                candidate_items += state.items.labels.candidate[item] >= 0
    assert candidate_items > 20


def test_vectors_tell_languages_and_stances_apart(small):
    world = world_of(with_predictor(small, "oracle"), steps=2)
    person, item = true_vectors(world.plan, world.state)
    assert person.dtype == item.dtype == np.float32 and person.shape[1] == item.shape[1]
    assert (item[:, -1] == 0).all(), "no item has the coordinate that holds the propensity to act"
    labels = world.state.items.labels
    flipped = labels._replace(stance=(-labels.stance).astype(np.int8))
    world.state.items = world.state.items._replace(labels=flipped)
    _, other = true_vectors(world.plan, world.state)
    assert np.array_equal(other[:, -5:-1], -item[:, -5:-1])


def random_counts(g, items=300, truth=(-3.0, 0.4, -0.3)):
    counted = np.zeros((items, len(ACTIONS)), np.int64)
    counted[:, 0] = g.integers(0, 5000, items)
    counted[:, 2] = g.binomial(counted[:, 0], 0.03)
    new = g.integers(0, 400, items)
    x = np.stack([np.ones(items), np.log1p(counted[:, 2]), np.log1p(counted[:, 0])], 1)
    total = counted.copy()
    total[:, 0] += new
    total[:, 2] += g.binomial(new, logistic(x @ np.array(truth)))
    return counted, total, x


def test_fit_is_a_newton_step():
    """Against the formula written with matrices."""
    g = np.random.default_rng(1)
    counted, total, x = random_counts(g)
    weight, precision = np.zeros((10, 3)), np.zeros((10, 3, 3))
    weight[:, 0], weight[2] = -3.2, (-3.1, 0.35, -0.28)
    precision[2] = np.diag([5.0, 2.0, 1.0])
    before = weight[2].copy()
    v, e = total[:, 0] - counted[:, 0], total[:, 2] - counted[:, 2]
    p = logistic(x @ before)
    system = 0.9 * np.diag([5.0, 2.0, 1.0]) + (x * (v * p * (1 - p))[:, None]).T @ x
    kernel.fit_heads(0, len(v), counted, total, 0.9, 10.0, weight, precision)
    assert precision[2] == pytest.approx(system, rel=1e-4)
    step = np.linalg.solve(system + 10 * np.eye(3), x.T @ (e - v * p))
    assert np.abs(step).max() < kernel.LIMIT
    assert weight[2] - before == pytest.approx(step, rel=2e-3, abs=1e-5)


def test_fit_finds_the_truth_and_is_calibrated():
    g = np.random.default_rng(2)
    truth = (-2.0, 0.5, -0.35)
    weight, precision = np.zeros((10, 3)), np.zeros((10, 3, 3))
    weight[:, 0] = -4.0
    for _ in range(60):
        counted, total, x = random_counts(g, truth=truth)
        kernel.fit_heads(0, len(x), counted, total, 0.98, 10.0, weight, precision)
    error = np.sqrt(np.diag(np.linalg.inv(precision[2])))
    assert (np.abs(weight[2] - truth) < 4 * error).all() and error.max() < 0.1
    counted, total, x = random_counts(g, items=4000, truth=truth)
    out = np.zeros(len(x), np.float32)
    kernel.logistic_logits(0, len(x), 0, counted, 2, weight, out)
    assert out == pytest.approx(x @ weight[2], abs=2e-5)
    predicted = logistic(out.astype(float))
    new, events = total[:, 0] - counted[:, 0], total[:, 2] - counted[:, 2]
    for tenth in np.array_split(np.argsort(predicted), 10):
        expected = (predicted[tenth] * new[tenth]).sum()
        assert abs(events[tenth].sum() - expected) < 5 * np.sqrt(expected) + 0.03 * expected


def test_nothing_new_changes_nothing():
    counted = np.full((5, 10), 7, np.int64)
    weight, precision = np.full((10, 3), 0.5), np.zeros((10, 3, 3))
    kernel.fit_heads(0, 5, counted, counted.copy(), 0.9, 10.0, weight, precision)
    assert (weight == 0.5).all() and (precision == 0).all()


def test_inauthentic_events_teach_the_predictor(small):
    """Door E2: the factual world's weights leave those of the world without the campaign."""
    scenario = with_predictor(small, "logistic")
    a = world_of(scenario, arm="factual", steps=60).state.head_weight
    b = world_of(scenario, arm="counterfactual", steps=60).state.head_weight
    assert np.isfinite(a).all() and not np.array_equal(a, b)


def test_forks_learn_apart(small):
    world = world_of(with_predictor(small, "logistic"), steps=12)
    fork = world.state.fork()
    kept = world.state.head_weight.copy()
    fork.head_weight += 1
    fork.head_precision += 1
    assert np.array_equal(world.state.head_weight, kept)


@pytest.mark.parametrize("kind", KINDS)
def test_zero_dose_and_threads(small, kind):
    """In all tables. (Exchange of candidates: tests/test_controls.py.)"""
    for control in (controls.zero_dose, controls.threads):
        ok, note = control(with_predictor(small, kind))
        assert ok, f"{control.__name__}: {note}"


def test_predictors_differ_and_the_oracle_satisfies_most(small):
    """People like more of what the oracle shows them; a policy without predictions does not care."""
    rates = {}
    for kind in KINDS:
        facts = frames_of(with_predictor(small, kind))["facts"]
        shared = facts[(facts["arm"] == "shared") & (facts["name"] == "like_rate")]
        rates[kind] = float(shared["value"].iloc[0])
    assert len(set(rates.values())) == 3 and rates["oracle"] == max(rates.values())
    frames = [frames_of(with_predictor(small, kind, policy="popular_decayed"))["exposure"] for kind in KINDS]
    assert frames[0].equals(frames[1]) and frames[0].equals(frames[2])


def test_the_interface_holds_for_all(small):
    for kind in KINDS:
        world = world_of(with_predictor(small, kind), steps=6)
        found = Predictor(world.plan, world.state, world.books)
        assert found.person.shape[1] == found.item.shape[1] and len(found.constants()) == 23
