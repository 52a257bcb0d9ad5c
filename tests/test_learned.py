"""Policies that learn between steps: the log, the refit hook, and the four that ship, against plain code and formulas."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import changed, frames_of, world_of

import recsim
from recsim.audit import controls
from recsim.errors import InputError
from recsim.experiment.files import promise
from recsim.kernels import bandit, beta, match
from recsim.ranking import als as als_file
from recsim.ranking import learned, registry
from recsim.ranking.itemknn import neighbours
from recsim.ranking.learned import Learned, View, distinct_pairs
from recsim.ranking.policy import Policy
from recsim.ranking.presets import PRESETS
from recsim.rng import normals
from recsim.scenario.quantity import assumed
from recsim.world import plan as planning
from recsim.world.refit import Learner

F = np.float32
NEEDS = pytest.mark.skipif(importlib.util.find_spec("implicit") is None, reason="the extra als is not installed")
LEARNERS = [
    pytest.param(name, marks=NEEDS) if name == "als" else name
    for name in ("itemknn", "als", "linucb", "thompson_beta", "bridging")
]
ALSO_SLOW = [
    *("itemknn", "linucb"),
    *(pytest.param(n, marks=[NEEDS, pytest.mark.slow]) for n in ("als", "bridging", "thompson_beta")),
]
"""Each learner is compiled by itself; where two of them show it, the others are left to ``make test-slow``."""


def with_policy(scenario, name, **parameters):
    values = {key: assumed(float(value)) for key, value in parameters.items()}
    return changed(scenario, platform={"policy": name, "parameters": values})


def view_of(actor, item, people, first=0, last=20, actors=None, policy="itemknn", value=None, **parameters):
    """A view with a log and nothing else."""
    n, g = len(actor), np.random.default_rng(0)
    return View(
        actor=np.array(actor, np.int32), item=np.array(item, np.int32), step=np.arange(n, dtype=np.int32),
        value=np.ones(n, np.int32) if value is None else np.array(value, np.int32), people=people,
        actors=actors or people, first=first, last=last, known=(0, 0), now=n, step_hours=1.0,
        topic=np.zeros((last, 2), F), author=np.zeros(last, np.int32), language=np.zeros(last, np.int8), created=np.zeros(last, np.int32),
        counts=np.zeros((last, 10), np.int64), counted=np.zeros((last, 10), np.int64), decayed=np.zeros((10, last), F),
        context=np.zeros((last, 3), np.int64), weight=1.0, memory={},
        parameters={**PRESETS[policy].parameters, **parameters}, draw=lambda n: g.random((last - first, 4)).astype(F),
    )  # fmt: skip


def random_log(seed=0, actors=30, items=20, events=260):
    g = np.random.default_rng(seed)
    return g.integers(0, actors, events), (items * g.random(events) ** 1.5).astype(int)


def matches(made, people, first, last):
    """(people, W) match of every person and live item, by the kernels that serve the feed."""
    pool = np.arange(first, last, dtype=np.int32)[None]
    out = np.full((people, last - first + 1), np.nan, F)
    inbox = np.full((people, 1), first + 1, np.int32)
    common = (0, people, np.arange(people, dtype=np.int32), np.zeros(people, np.int32), pool,
              np.array([last - first], np.int32), inbox)  # fmt: skip
    if made.person is not None:
        match.product_block(*common, made.person, made.item, np.int64(first), out)
    else:
        match.neighbour_block(
            *common, made.history, made.neighbour, made.similarity, np.int64(first), last - first, out
        )
    assert np.array_equal(out[:, -1], out[:, 1]), "an item scores the same in the inbox and in the pool"
    return out[:, :-1]


# The log


def test_pairs_are_the_newest_of_every_actor():
    actor, item = random_log(1)
    for most in (3, 1000):
        found = distinct_pairs(view_of(actor, item, 30), most)
        expected = {}
        for a, i in zip(actor[::-1], item[::-1], strict=True):
            mine = expected.setdefault(a, [])
            if i not in mine and len(mine) < most:
                mine.append(i)
        got = {}
        for a, place, rank in zip(found.actor, found.place, found.rank, strict=True):
            assert rank == len(got.setdefault(a, []))
            got[a].append(found.items[place])
        assert got == expected and (np.diff(found.actor) >= 0).all()
    assert not len(distinct_pairs(view_of([], [], 30), 5).items)


def logged(world):
    return np.concatenate([np.zeros((0, 3), np.int32), *world.state.memory.log])


@pytest.mark.slow
def test_the_log_holds_every_like_share_and_follow(small):
    """Against the counters, which are kept apart from it; actors are people alone when no campaign acts."""
    world = world_of(with_policy(changed(small, campaigns=[]), "itemknn"), steps=40)
    log, total = logged(world), world.state.counters.total
    assert (log[:, 0] < world.plan.people).all() and (np.diff(log[:, 2]) >= 0).all()
    per_item = np.bincount(log[:, 1], minlength=len(total))
    assert (per_item >= total[:, [2, 4, 5]].max(axis=1)).all() and (per_item <= total[:, [2, 4, 5]].sum(axis=1)).all()
    assert 0 < per_item.sum() < total[:, [2, 4, 5]].sum()


def test_keeping_a_log_changes_nothing_else(small):
    """The default policy with a refit that learns nothing shows everybody the same as without one."""
    plain = frames_of(small)
    PRESETS["watched"] = dataclasses.replace(PRESETS["tiktok_value"], name="watched", refit=learns_nothing)
    try:
        watched = frames_of(with_policy(small, "watched"))
    finally:
        del PRESETS["watched"]
    for name in ("exposure", "engagement", "provenance", "reach"):
        assert plain[name].equals(watched[name]), name


def learns_nothing(view):
    return Learned()


def test_the_log_is_forgotten_after_its_days(small):
    PRESETS["short"] = dataclasses.replace(PRESETS["itemknn"], name="short", log_days=1.0)
    try:
        world = world_of(with_policy(small, "short"), steps=13)
    finally:
        del PRESETS["short"]
    assert logged(world)[:, 2].min() == 12 - 6 and world.state.memory.known[1] == world.state.born[13]


def test_a_refit_has_the_days_of_its_log():
    """Rows of the last day, its first step among them, in their order; older ones are gone for good. Between refits all stays."""
    rows = np.array([[0, 7, 4], [1, 7, 5], [2, 6, 6], [0, 5, 6], [3, 7, 11]], np.int32)
    seen, empty = [], np.zeros((8, 10), np.int64)
    memory = SimpleNamespace(log=[rows[:2], rows[2:4], rows[4:]], learned=None, known=(0, 0), counted=empty, context=empty.copy())  # fmt: skip
    policy = dataclasses.replace(PRESETS["itemknn"], log_days=1.0, refit=lambda view: Learned())
    learner = SimpleNamespace(
        memory=memory, plan=SimpleNamespace(policy=policy, steps_per_day=6, people=5), every=6, signed=False, reads_typical=False,
        books=SimpleNamespace(of=lambda name: SimpleNamespace(total=empty + 1)), _view=lambda log, *window: seen.append(log),
    )  # fmt: skip
    Learner.refit(learner, 12, 3, 8)
    assert seen[0].tolist() == rows[2:].tolist() and memory.known == (3, 8) and (memory.counted == 1).all()
    (kept,) = memory.log
    assert kept.tolist() == rows[2:].tolist()
    Learner.refit(learner, 17, 3, 8)
    assert len(seen) == 1 and len(memory.log[0]) == 3
    Learner.refit(learner, 18, 3, 8)
    assert not len(seen[1]) and not len(memory.log[0])


def test_accounts_of_campaigns_enter_the_log(small):
    """Doors E2 and E3: two log actors for 2000 accounts at scale 0.001, each with the activity of one account."""
    scenario = with_policy(changed(small, days={"start": small.days.vote.replace(day=20)}), "itemknn")
    worlds = {arm: world_of(scenario, arm=arm, steps=30) for arm in ("factual", "counterfactual")}
    log = logged(worlds["factual"])
    people = worlds["factual"].plan.people
    assert worlds["factual"].feed.learner.actors == people + 2
    theirs = log[log[:, 0] >= people]
    assert set(theirs[:, 0]) == {people, people + 1}
    labels = worlds["factual"].state.items.labels
    beneficiary = worlds["factual"].networks[0].network.beneficiary
    assert (labels.candidate[theirs[:, 1]] == beneficiary).all()
    counted = worlds["factual"].record.own_actions[0]
    assert 0.5 * counted < len(theirs) <= counted, "likes and shares, not comments"
    assert (logged(worlds["counterfactual"])[:, 0] < people).all()


# The hook


def test_a_view_is_read_only_and_shows_nothing_latent(small):
    seen = {}

    def peek(view):
        seen.update(view._asdict())
        return Learned()

    policy = dataclasses.replace(PRESETS["itemknn"], refit=peek)
    world = world_of(with_policy(small, "itemknn"), steps=10)
    world.plan = world.feed.learner.plan = dataclasses.replace(world.plan, policy=policy)
    world.feed.learner.refit(0, *world.window)
    hidden = [*world.state.latent, world.state.items.quality, world.state.items.emotion, world.state.counters.human]
    arrays = [value for value in seen.values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 12
    for array in arrays:
        assert not array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in hidden)


@recsim.policy(near=0.5, meta={"refit": learns_nothing, "ordering": "order", "refit_hours": 12})
def with_everything(f, p):
    return f.match + p.near * f.typical_match + f.p_like * f.affinity


@recsim.policy(neighbours=20, history=20, meta={"refit": neighbours, "ordering": "order", "refit_hours": 12})
def what_people_get(f, p):
    return f.typical_match


def test_the_average_alone_can_be_read(small):
    """A policy that reads ``typical_match`` and not ``match`` gets it all the same."""
    world = world_of(with_policy(small, "test_learned:what_people_get"), steps=8)
    assert world.state.memory.typical.any() and not world.feed.learner.reads_match


def test_match_stands_beside_other_features(small):
    """A policy may read a match, predictions and interest together; nothing learned is zero match."""
    world = world_of(with_policy(small, "test_learned:with_everything"), steps=8)
    assert world.feed.learner.every == 3 and world.record.feed[3] + world.feed.tally.feed[:, 3].sum() > 0
    assert not world.state.memory.typical.any() and not world.feed.given[0].any()


@pytest.mark.parametrize(
    "made, message",
    [
        (None, "got NoneType from the refit, must be a recsim.Learned"),
        (Learned(rows={"mien": np.zeros(6)}), "unknown learned row 'mien'.*did you mean 'mine'"),
        (Learned(), "no learned row 'mine'"),
        (Learned(rows={"mine": np.zeros(5)}), r"got mine of shape \(5,\) from the refit, must be \(6\)"),
        (Learned(rows={"mine": np.full(6, np.nan)}), "not finite"),
        (Learned(rows={"mine": np.zeros(6)}, person=np.zeros((4, 2))), "together, with the same R"),
        (Learned(rows={"mine": np.zeros(6)}, person=np.zeros((4, 2)), item=np.zeros((6, 3))), "together, with the same R"),
        (Learned(rows={"mine": np.zeros(6)}, history=np.zeros((4, 2))), "history, neighbour and similarity together"),
        (
            Learned(
                rows={"mine": np.zeros(6)}, history=np.zeros((4, 2)), neighbour=np.full((1, 2), 6),
                similarity=np.zeros((1, 2)),
            ),
            "a neighbour must be below W",
        ),
    ],
)  # fmt: skip
def test_what_a_refit_returns_is_checked(made, message):
    with pytest.raises(InputError, match=message):
        learned.checked(made, 4, 6, ("mine",), "policy x")


def test_policies_that_cannot_learn_are_refused():
    with pytest.raises(InputError, match="learned features need a refit"):
        recsim.policy()(reads_match)
    with pytest.raises(InputError, match="must be a new name"):
        recsim.policy(meta={"refit": learns_nothing, "learns": ("age_h",)})(reads_match)


def reads_match(f, p):
    return f.match


def test_items_posted_since_the_refit_have_zero(small):
    world = world_of(with_policy(small, "itemknn"), steps=58)
    learner, memory = world.feed.learner, world.state.memory
    start, end = world.window
    first, last = memory.known
    assert first < start < last < end
    out = np.full(world.feed.window, 9, F)
    learner.fill_row("typical_match", out, start, end)
    assert (
        np.array_equal(out[: last - start], memory.typical[start - first :])
        and (out[last - start : end - start] == 0).all()
    )
    assert out[: last - start].max() > 0


@pytest.mark.parametrize("name", ALSO_SLOW)
def test_controls_hold(small, name):
    """Zero dose is bitwise zero; exchange of candidates and threads change nothing."""
    scenario = with_policy(small, name)
    for control in (controls.zero_dose, controls.exchanged, controls.threads):
        ok, note = control(scenario)
        assert ok, note


@pytest.mark.parametrize("name", ALSO_SLOW)
def test_a_fork_learns_apart(small, name):
    world = world_of(with_policy(small, name), steps=30)
    fork = world.state.fork()
    kept = world.state.memory.fork()
    arrays = [a for a in vars(fork.memory.learned).values() if isinstance(a, np.ndarray)]
    arrays += [*fork.memory.learned.rows.values(), *fork.memory.learned.memory.values(), fork.memory.counted]
    for array in [*arrays, fork.memory.context, fork.memory.typical]:
        array += 1
    fork.memory.log.append(np.zeros((1, 3), np.int32))
    mine = world.state.memory
    assert np.array_equal(mine.counted, kept.counted) and np.array_equal(mine.context, kept.context)
    assert np.array_equal(mine.typical, kept.typical) and len(mine.log) == len(kept.log) == len(fork.memory.log) - 1
    for field in dataclasses.fields(Learned):
        a, b = getattr(mine.learned, field.name), getattr(kept.learned, field.name)
        if isinstance(a, np.ndarray):
            assert np.array_equal(a, b)
        elif a is not None:
            assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_feed_is_not_dry_and_learning_pays(small, name):
    """Full slates, and more likes per view than in random order."""
    rates = {}
    for policy in (name, "random"):
        world = world_of(with_policy(small, policy), steps=59)
        tried, dry = (world.record.feed + world.feed.tally.feed.sum(axis=0))[1:3]
        assert dry < 0.01 * tried
        views, _, likes = world.state.counters.total.sum(axis=0)[:3]
        rates[policy] = likes / views
    assert rates[name] > 1.15 * rates["random"]


def test_the_page_on_refit_works(small, tmp_path, monkeypatch):
    """The code block of docs/policies.md, pasted into a file, learns what people like."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "policies.md").read_text()
    code = next(b for b in re.findall(r"```python\n(.*?)```", page, flags=re.S) if '"refit"' in b)
    (tmp_path / "page_on_refit.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    world = world_of(with_policy(small, "page_on_refit:my_learner"), steps=40)
    made, taste = world.state.memory.learned, world.state.latent.taste
    busy = made.person.sum(axis=1) > 20
    agree = [np.corrcoef(made.person[u], taste[u])[0, 1] for u in np.flatnonzero(busy)]
    assert len(agree) > 20 and np.mean(agree) > 0.5


# Nearest neighbours


def dense_cosine(actor, item, actors, items, first, most):
    """Similarities by matrices: zero on the diagonal, towards live items only, the largest ``most`` of every row."""
    table = np.zeros((actors, items))
    table[actor, item] = 1
    norm = np.sqrt(table.sum(axis=0))
    cosine = (table.T @ table) / np.maximum(np.outer(norm, norm), 1e-9)
    np.fill_diagonal(cosine, 0)
    cosine[:, :first] = 0
    for row in cosine:
        row[np.argsort(-row, kind="stable")[most:]] = 0
    return table, cosine


@pytest.mark.parametrize("most", [3, 20])
def test_itemknn_is_the_dense_cosine(most):
    actor, item = random_log()
    first = 4  # items 0 to 3 have expired: they count as history, and are nobody's neighbours
    table, cosine = dense_cosine(actor, item, 30, 20, first, most)
    made = learned.checked(neighbours(view_of(actor, item, 30, first, neighbours=most)), 30, 16, (), "")
    expected = (table @ cosine)[:, first:]
    got = matches(made, 30, first, 20)
    assert got == pytest.approx(expected, rel=1e-5, abs=1e-6) and (expected > 0).mean() > 0.3
    typical = np.zeros(16, F)
    match.typical_neighbours(made.history, made.neighbour, made.similarity, typical)
    assert typical == pytest.approx(expected.mean(axis=0), rel=1e-5)


def test_products_are_products():
    g = np.random.default_rng(3)
    made = Learned(person=g.normal(size=(7, 5)).astype(F), item=g.normal(size=(9, 5)).astype(F))
    assert matches(made, 7, 30, 39) == pytest.approx(made.person @ made.item.T, rel=1e-4, abs=1e-5)
    typical = np.zeros(9, F)
    match.typical_product(made.person, made.item, typical)
    assert typical == pytest.approx((made.person @ made.item.T).mean(axis=0), rel=1e-4, abs=1e-5)
    out = np.full((1, 5), np.nan, F)
    pool, inbox = np.array([[28, 31, 40]], np.int32), np.array([[-1, 38]], np.int32)
    who = np.zeros(1, np.int32)
    match.product_block(0, 1, who, who, pool, np.array([3], np.int32), inbox, made.person, made.item, np.int64(30), out)
    assert out[0, [0, 2, 3]].tolist() == [0, 0, 0], "items outside of the window of the refit"
    assert out[0, [1, 4]] == pytest.approx((made.person[:1] @ made.item[[1, 8]].T)[0], rel=1e-4)


CAMOUFLAGE, TARGET, FANS = (2, 3, 4), 11, range(10)


def co_engagement(name, bots):
    """Match of people 0 to 9, who like the camouflage, and 10 to 19, who like other things, with the target."""
    actor, item = [], []
    for person in range(20):
        for n in CAMOUFLAGE if person in FANS else (6, 7, 8):
            actor.append(person), item.append(n)
    actor.append(19), item.append(TARGET)
    for bot in range(20, 20 + bots):
        for n in (*CAMOUFLAGE, TARGET):
            actor.append(bot), item.append(n)
    view = view_of(actor, item, 20, actors=20 + bots, policy=name, **({"factors": 4} if name == "als" else {}))
    made = PRESETS[name].refit(view)
    got = matches(learned.checked(made, 20, 20, (), ""), 20, 0, 20)[:, TARGET]
    return got[:10].mean(), got[10:19].mean()


@pytest.mark.parametrize("name", LEARNERS[:2])
def test_co_engagement_by_bots_reaches_those_who_liked_the_camouflage(name):
    """Door E3: accounts that like popular videos and the target make it a neighbour of the popular ones."""
    fans, others = co_engagement(name, 0)
    assert others > fans
    attacked, untouched = co_engagement(name, 5)
    assert attacked > fans + 0.05 and attacked > untouched + 0.1
    if name == "itemknn":
        # The one honest like shares its three neighbours with nobody of the fans, and loses weight to five bots.
        assert fans == 0 and untouched == pytest.approx(others / np.sqrt(6))
        assert attacked == pytest.approx(3 * 5 / np.sqrt(15 * 6), rel=1e-5)


# Alternating least squares


def loss_of(made, table, alpha, penalty):
    x, y = made.person.astype(float), made.item.astype(float)
    return ((1 + alpha * table) * (table - x @ y.T) ** 2).sum() + penalty * ((x**2).sum() + (y**2).sum())


@NEEDS
def test_als_minimises_its_loss():
    actor, item = random_log(5)
    table = np.zeros((30, 20))
    table[actor, item] = 1

    def fit(**parameters):
        return als_file.factorise(view_of(actor, item, 30, policy="als", factors=6, **parameters))

    losses = [loss_of(fit(iterations=n, alpha=5.0), table, 5.0, 0.01) for n in (1, 2, 5, 15, 60)]
    assert (np.diff(losses) < 0).all()
    made = fit(iterations=200, alpha=5.0, regularization=0.1)
    x, y = made.person.astype(float), made.item.astype(float)
    for person in range(0, 30, 6):
        confidence = 1 + 5.0 * table[person]
        system = (y.T * confidence) @ y + 0.1 * np.eye(6)
        assert x[person] == pytest.approx(np.linalg.solve(system, y.T @ (confidence * table[person])), abs=3e-3)
    for n in range(0, 20, 4):
        confidence = 1 + 5.0 * table[:, n]
        system = (x.T * confidence) @ x + 0.1 * np.eye(6)
        assert y[n] == pytest.approx(np.linalg.solve(system, x.T @ (confidence * table[:, n])), abs=3e-3)
    assert np.abs(x).max() > 0.1


@NEEDS
def test_als_repeats_itself_and_survives_an_empty_log():
    actor, item = random_log(6)
    a, b = (als_file.factorise(view_of(actor, item, 30, 4, policy="als")) for _ in range(2))
    assert np.array_equal(a.person, b.person) and np.array_equal(a.item, b.item) and a.item.shape == (16, 32)
    none = als_file.factorise(view_of([], [], 30, policy="als"))
    assert not none.person.any() and not none.item.any()


def test_als_without_its_package(small, monkeypatch):
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs the package implicit.*pip install -c constraints.txt -e '\.\[als\]'"):
        planning.make_plan(with_policy(small, "als"))
    assert planning.make_plan(with_policy(small, "itemknn")).policy.name == "itemknn"


def test_the_manifest_promises_less_for_an_outside_solver():
    assert (
        promise(PRESETS["als"].outside) == "on the same machine with the same versions only (the policy calls implicit)"
    )
    others = [p for p in PRESETS.values() if p.name != "als"]
    assert all(promise(p.outside) == "on any x86-64 or ARM machine" for p in others) and len(others) > 8


# LinUCB


def test_linucb_sums_and_inverse():
    """A = I + sum x x' over single impressions; its inverse, theta and the bound by linear algebra."""
    g = np.random.default_rng(8)
    items, views = 12, 400
    decayed = g.random((10, items)).astype(F) * 50
    age = g.random(items).astype(F) * 72
    context = np.zeros((items, 3))
    bandit.contexts(0, items, decayed, age, context)
    rate = 100 * decayed[2].astype(float) / (decayed[0] + 1.0)
    assert context == pytest.approx(np.stack([np.ones(items), np.log1p(rate), np.exp(-age / 24)], 1), rel=1e-5)
    shown, a = g.integers(0, items, views), g.integers(-2000, 4000, views)
    by_bots = g.random(views) < 0.1
    a[by_bots] = 0
    liked = (g.random(views) < 0.2).astype(int)
    x = np.column_stack([context[shown], a / 1024])
    counts, sums = np.zeros((items, 10), np.int64), np.zeros((items, 3), np.int64)
    np.add.at(counts, (shown, 0), 1)
    np.add.at(counts, (shown, 2), liked)
    np.add.at(sums, shown, np.stack([a, a * a, a * liked], 1))
    precision, reward, theta = np.zeros((4, 4)), np.zeros(4), np.zeros(4)
    bandit.add_impressions(0, context, counts, np.zeros_like(counts), sums, precision, reward)
    assert precision == pytest.approx(x.T @ x, rel=1e-10) and reward == pytest.approx(x.T @ liked, rel=1e-10)
    inverted = bandit.ridge_estimate(precision, reward, theta)
    direct = np.linalg.inv(np.eye(4) + x.T @ x)
    assert inverted == pytest.approx(direct, rel=1e-8, abs=1e-12) and theta == pytest.approx(direct @ (x.T @ liked))
    parts = np.zeros((5, items), F)
    bandit.split_bound(context, theta, inverted, parts)
    p = SimpleNamespace(alpha=2.0)
    for w in range(items):
        for interest in (-1.5, 0.0, 2.5):
            f = SimpleNamespace(
                affinity=interest, expected=parts[0, w], per_interest=parts[1, w], width_0=parts[2, w],
                width_1=parts[3, w], width_2=parts[4, w],
            )  # fmt: skip
            here = np.array([*context[w], interest])
            expected = here @ theta + 2.0 * np.sqrt(here @ direct @ here)
            assert PRESETS["linucb"](f, p) == pytest.approx(expected, rel=1e-4)


def test_linucb_misses_no_impression(small):
    """The corner of A counts the impressions up to the last refit; theta finds that interest makes people like."""
    world = world_of(with_policy(changed(small, campaigns=[]), "linucb"), steps=40)
    memory = world.state.memory
    made = memory.learned
    assert made.memory["precision"][0, 0] == memory.counted[:, 0].sum() > 50_000
    assert made.memory["reward"][0] == memory.counted[:, 2].sum()
    assert (made.rows["per_interest"] > 0.01).all() and (made.rows["expected"] > 0).all()


def test_linucb_explores_what_it_does_not_know(small):
    """A large alpha gathers more evidence in the direction of contexts about which least is known."""
    least = []
    for alpha in (0.0, 300.0):
        made = world_of(with_policy(small, "linucb", alpha=alpha), steps=40).state.memory.learned
        a = made.memory["precision"]
        least.append(np.linalg.eigvalsh(a / a[0, 0])[0])
    assert least[1] > 1.3 * least[0]


# Thompson sampling


@pytest.mark.parametrize(
    "low, high, bound", [(0.05, 0.5, 5e-4), (0.5, 2, 5e-4), (2, 29.99, 5e-4), (30, 300, 5e-3), (300, 1e6, 5e-4)]
)
def test_beta_quantiles(low, high, bound):
    """Relative error against SciPy over parameters and probabilities, far tails included: always below half a percent."""
    from scipy.stats import beta as exact

    g = np.random.default_rng(2)
    n = 30_000
    a, b = np.exp(g.uniform(np.log(low), np.log(high), n)), np.exp(g.uniform(np.log(20), np.log(1e7), n))
    u = (g.integers(0, 2**24, n) * 2.0**-24).astype(F)
    u[:4] = 0, 2.0**-24, 0.5, 1 - 2.0**-24
    out = np.zeros(n, F)
    beta.beta_quantiles(u, normals(u), a, b, out)
    expected = exact.ppf(u.astype(float) + 2.0**-25, a, b)
    counts = expected > 1e-25
    assert counts.mean() > (0.999 if low >= 0.5 else 0.8)
    assert (out[~counts] < 2e-25).all()
    assert (np.abs(out - expected)[counts] < bound * expected[counts]).all()
    assert ((out >= 0) & (out <= 1)).all()


def test_log_and_log_gamma():
    from scipy.special import gammaln

    for x in np.exp(np.random.default_rng(4).uniform(-7, 18, 500)):
        assert beta.log64(x) == pytest.approx(np.log(x), rel=1e-14, abs=1e-15)
        assert beta.log_gamma(x) == pytest.approx(gammaln(x), rel=1e-12, abs=1e-12)


def test_thompson_draws_from_the_posterior():
    """Mean and spread over many draws; a like on an unseen video moves more than one on a seen one."""
    n = 20_000
    g = np.random.default_rng(1)
    view = view_of([], [], 4, last=n, policy="thompson_beta")
    counts = np.zeros((n, 10), np.int64)
    counts[:, 0], counts[:, 2] = 40, 3
    view = view._replace(counts=counts, weight=2.5, draw=lambda k: g.random((n, 4)).astype(F))
    drawn = PRESETS["thompson_beta"].refit(view).rows["drawn_rate"].astype(float)
    a, b = 0.75 + 2.5 * 3, 49.25 + 2.5 * 37
    assert drawn.mean() == pytest.approx(a / (a + b), rel=0.01)
    assert drawn.var() == pytest.approx(a * b / ((a + b) ** 2 * (a + b + 1)), rel=0.05)
    counts[:, 2] = 50  # more likes than views: bought without being watched
    assert PRESETS["thompson_beta"].refit(view).rows["drawn_rate"].min() > drawn.mean()


def test_thompson_draws_are_keyed_by_item_and_step(small):
    world = world_of(with_policy(small, "thompson_beta"), steps=20)
    learner, memory = world.feed.learner, world.state.memory
    start, end = world.window

    def drawn(step):
        learner.refit(step, start, end)
        return memory.learned.rows["drawn_rate"].copy()

    first, again, later = drawn(20), drawn(20), drawn(21)
    assert np.array_equal(first, again) and not np.array_equal(first, later)
    key = world.state.items.key.copy()
    key[start + 1], key[start + 2] = key[start + 2], key[start + 1]
    world.state.items = world.state.items._replace(key=key)
    world.state.counters.total[start + 1] = world.state.counters.total[start + 2]
    moved = drawn(20)
    assert moved[1] == first[2] and np.array_equal(moved[3:], first[3:])


def test_thompson_refuses_priors_it_cannot_draw_from(small):
    with pytest.raises(InputError, match="prior_likes: got 0, must be at least 0.5"):
        world_of(with_policy(small, "thompson_beta", prior_likes=0.0), steps=1)


def test_presets_say_what_they_are():
    for name in ("itemknn", "als", "linucb", "thompson_beta"):
        made = PRESETS[name]
        assert isinstance(made, Policy) and made.refit is not None and made.ordering == "order"
    assert {name: PRESETS[name].profiled for name in ("itemknn", "als", "linucb", "thompson_beta")} == {
        "itemknn": True, "als": True, "linucb": True, "thompson_beta": False,
    }  # fmt: skip
    assert "E3" in PRESETS["itemknn"].doors and "E3" in PRESETS["als"].doors and "E4" in PRESETS["thompson_beta"].doors
