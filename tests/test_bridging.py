"""Bridging: the factorisation of ratings against the published loss, a plain twin and another solver; the policy in a world."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import changed, frames_of, world_of
from test_learned import view_of, with_policy

from recsim.kernels.bridging import fit_ratings
from recsim.ranking import bridging as file
from recsim.ranking.policy import SIGNALS
from recsim.ranking.presets import PRESETS
from recsim.scenario.quantity import assumed

W_INTERCEPT, W_FACTOR = 0.15, 0.03


def loss(r, rater, item, mu, a, b, c, d):
    """The published loss: intercepts a, c and factors b, d of raters and items."""
    left = r - mu - a[rater] - c[item] - b[rater] * d[item]
    penalty = W_INTERCEPT * ((a**2).mean() + (c**2).mean() + mu**2) + W_FACTOR * ((b**2).mean() + (d**2).mean())
    return (left**2).mean() + penalty


def rounds_of(r, rater, item, start, rounds):
    """The plain twin: ridge regressions by `numpy.linalg.solve`, in turn."""
    mu, n, raters, items = 0.0, len(r), rater.max() + 1, item.max() + 1
    a, b, c, d = np.zeros(raters), np.zeros(raters), np.zeros(items), start.copy()
    losses = []
    for _ in range(rounds):
        for mine, theirs, own, other in ((rater, item, (a, b), (c, d)), (item, rater, (c, d), (a, b))):
            for k in range(len(own[0])):
                rows = mine == k
                x = np.column_stack([np.ones(rows.sum()), other[1][theirs[rows]]])
                ridge = np.diag([W_INTERCEPT, W_FACTOR]) * n / len(own[0])
                own[0][k], own[1][k] = np.linalg.solve(
                    x.T @ x + ridge, x.T @ (r[rows] - mu - other[0][theirs[rows]])
                )  # fmt: skip
        mu = (r - a[rater] - c[item] - b[rater] * d[item]).sum() / (n * (1 + W_INTERCEPT))
        losses.append(loss(r, rater, item, mu, a, b, c, d))
    return mu, a, b, c, d, losses


def by_descent(r, rater, item, steps=3000, rate=0.02):
    """Another solver of the same loss: gradients with moments, from another start."""
    g = np.random.default_rng(5)
    raters, items, n = rater.max() + 1, item.max() + 1, len(r)
    x = [np.zeros(1), np.zeros(raters), 0.2 * g.normal(size=raters), np.zeros(items), 0.2 * g.normal(size=items)]
    first, second = [np.zeros_like(v) for v in x], [np.zeros_like(v) for v in x]
    for t in range(1, steps + 1):
        mu, a, b, c, d = x
        e = -2 * (r - mu - a[rater] - c[item] - b[rater] * d[item]) / n
        grads = [
            np.array([e.sum() + 2 * W_INTERCEPT * mu[0]]),
            np.bincount(rater, e, raters) + 2 * W_INTERCEPT * a / raters,
            np.bincount(rater, e * d[item], raters) + 2 * W_FACTOR * b / raters,
            np.bincount(item, e, items) + 2 * W_INTERCEPT * c / items,
            np.bincount(item, e * b[rater], items) + 2 * W_FACTOR * d / items,
        ]
        for k, grad in enumerate(grads):
            first[k] = 0.9 * first[k] + 0.1 * grad
            second[k] = 0.999 * second[k] + 0.001 * grad**2
            x[k] = x[k] - rate * (first[k] / (1 - 0.9**t)) / (np.sqrt(second[k] / (1 - 0.999**t)) + 1e-10)
    return x


def fitted(r, rater, item, start, most=500, tolerance=1e-12):
    """The kernel on ratings in any order."""
    order, back = np.lexsort((item, rater)), np.lexsort((rater, item))
    raters, items = rater.max() + 1, item.max() + 1
    a, b, c, d = np.zeros(raters), np.zeros(raters), np.zeros(items), start.copy()
    mu, value, rounds = fit_ratings(
        np.searchsorted(rater[order], np.arange(raters + 1)), item[order], r[order],
        np.searchsorted(item[back], np.arange(items + 1)), rater[back], r[back], W_INTERCEPT, W_FACTOR, tolerance, most,
        a, b, c, d,
    )  # fmt: skip
    return mu, a, b, c, d, value, rounds


def two_camps(raters=60, items=24, seed=2):
    """Items for the left, for the right, for both and for nobody, each liked with 0.9 or 0.1 by whom it is for."""
    g = np.random.default_rng(seed)
    camp, kind = np.arange(raters) % 2, np.arange(items) % 4
    rater, item = (axis.ravel() for axis in np.meshgrid(np.arange(raters), np.arange(items), indexing="ij"))
    for_it = (kind[item] == 2) | (kind[item] == camp[rater])
    r = (g.random(len(rater)) < np.where(for_it, 0.9, 0.1)).astype(float)
    kept = g.random(len(r)) < 0.8
    return r[kept], rater[kept], item[kept], camp, kind


def test_the_kernel_is_its_twin():
    r, rater, item, *_ = two_camps(20, 12)
    start = np.random.default_rng(1).uniform(-0.5, 0.5, 12)
    mu, a, b, c, d, losses = rounds_of(r, rater, item, start, 12)
    got = fitted(r, rater, item, start, 12, 0.0)
    assert got[0] == pytest.approx(mu, rel=1e-9) and got[6] == 12
    for mine, theirs in zip(got[1:5], (a, b, c, d), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-8, abs=1e-10)
    assert got[5] == pytest.approx(losses[-1], rel=1e-9)
    assert (np.diff(losses) < 0).all(), "each round is nearer to the minimum"


def test_the_kernel_minimises_the_published_loss():
    """Nothing near is better, and gradient descent from another start ends in the same place."""
    r, rater, item, *_ = two_camps()
    start = np.random.default_rng(1).uniform(-0.5, 0.5, item.max() + 1)
    *made, value, rounds = fitted(r, rater, item, start)
    assert value == pytest.approx(loss(r, rater, item, *made), rel=1e-12) and rounds < 500
    g = np.random.default_rng(3)
    for size in (0.01, 0.1):
        for _ in range(20):
            moved = [v + size * g.normal(size=np.shape(v)) for v in made]
            assert loss(r, rater, item, *moved) > value
    other = by_descent(r, rater, item)
    assert loss(r, rater, item, other[0][0], *other[1:]) == pytest.approx(value, abs=1e-4)
    assert np.corrcoef(other[3], made[3])[0, 1] > 0.99
    assert abs(np.corrcoef(other[4], made[4])[0, 1]) > 0.99


def ratings_view(r, rater, item, repeat=1, **more):
    """A view of ratings in which each stands ``repeat`` times, the last one right."""
    wrong = [1 - r] * (repeat - 1)
    return view_of(
        np.tile(rater, repeat), np.tile(item, repeat), rater.max() + 1, last=item.max() + 1, policy="bridging",
        value=np.concatenate([*wrong, r]), **more,
    )  # fmt: skip


@pytest.mark.parametrize("repeat", [1, 3])
def test_agreement_of_both_camps_is_what_counts(repeat):
    """Liked by one camp and liked by half of both are alike in votes; only agreement lifts the intercept."""
    r, rater, item, _, kind = two_camps()
    rows = file.agreement(ratings_view(r, rater, item, repeat)).rows
    intercept, factor = rows["note_intercept"], rows["note_factor"]
    assert intercept[kind == 2].min() > intercept[kind < 2].max() + 0.1
    assert intercept[kind == 3].max() < intercept[kind < 2].min() - 0.1
    assert abs(factor[kind < 2]).min() > 3 * abs(factor[kind >= 2]).max()
    assert len(set(np.sign(factor[kind == 0]))) == 1 and set(np.sign(factor[kind < 2])) == {-1.0, 1.0}


def test_one_camp_grown_large_lifts_its_items_less_than_votes():
    """Many more raters of one camp: their items gain little intercept, though most votes are theirs."""
    r, rater, item, camp, kind = two_camps(120)
    kept = (camp[rater] == 0) | (rater < 20)
    r, rater, item = r[kept], rater[kept], item[kept]
    intercept = file.agreement(ratings_view(r, rater, item)).rows["note_intercept"]
    votes = np.bincount(item, r) / np.bincount(item)
    assert votes[kind == 0].mean() > 0.75, "by votes they are nearly as good as what both like"
    gain = intercept[kind == 0].mean() - intercept[kind == 3].mean()
    assert gain < 0.75 * (intercept[kind == 2].mean() - intercept[kind == 3].mean())


def test_too_few_ratings_are_left_out():
    """Items with four raters, and raters with nine ratings, explain nothing and are not explained."""
    r, rater, item, *_ = two_camps(40, 20)
    full = file.agreement(ratings_view(r, rater, item)).rows["note_intercept"]
    last = item.max()
    rare = np.flatnonzero(item == last)[4:]
    few = np.delete(np.arange(len(r)), rare)
    got = file.agreement(ratings_view(r[few], rater[few], item[few])).rows
    without = file.agreement(ratings_view(*(x[item < last] for x in (r, rater, item)))).rows
    assert got["note_intercept"][last] == got["note_factor"][last] == 0 != full[last]
    assert np.allclose(got["note_intercept"][:last], without["note_intercept"], atol=1e-3)
    newcomer = np.full(9, rater.max() + 1)
    more = (np.append(r, np.zeros(9)), np.append(rater, newcomer), np.append(item, np.arange(9)))
    assert np.array_equal(file.agreement(ratings_view(*more)).rows["note_intercept"], full)
    nothing = file.agreement(view_of([], [], 5, last=7, policy="bridging", value=[]))
    assert not nothing.rows["note_intercept"].any() and len(nothing.rows["note_factor"]) == 7


def test_expired_items_teach_and_are_not_returned():
    r, rater, item, _, kind = two_camps()
    rows = file.agreement(ratings_view(r, rater, item, first=8)).rows
    assert len(rows["note_intercept"]) == 16
    assert rows["note_intercept"][kind[8:] == 2].min() > rows["note_intercept"][kind[8:] < 2].max() + 0.1


def test_without_weight_it_is_the_default_feed(small):
    """Bit for bit, log and refits and all; with its weights it is not."""
    plain = frames_of(small)
    same = frames_of(with_policy(small, "bridging", bridge=0, label=0))
    other = frames_of(with_policy(small, "bridging"))
    for name in ("exposure", "engagement", "provenance", "reach"):
        assert plain[name].equals(same[name]), name
    assert not plain["exposure"].equals(other["exposure"])


def test_the_log_holds_what_the_policy_names(small):
    """Against the counters: positive entries are at least the likes, negative ones at least the hides of an item."""
    world = world_of(with_policy(changed(small, campaigns=[]), "bridging"), steps=28)
    log, total = np.concatenate(world.state.memory.log), world.state.counters.total
    assert set(log[:, 3]) == {0, 1} and log.shape[1] == 4
    up, down = (np.bincount(log[log[:, 3] == sign, 1], minlength=len(total)) for sign in (1, 0))
    column = {name: total[:, SIGNALS.index(name)] for name in SIGNALS[1:]}
    assert (down >= column["hide"] + column["report"]).all() and (up <= column["complete"] + column["like"] + column["share"] + column["follow"]).all()  # fmt: skip
    assert (up + down >= np.maximum(column["complete"], column["like"])).all() and (up + down <= total[:, 0]).all()
    assert 0.2 < up.sum() / len(log) < 0.6


def test_reports_by_accounts_are_negative_ratings(small):
    """Doors E2 and E5: two log actors for 2000 accounts; likes say yes, reports say no."""
    campaign = small.campaigns[0]
    for tactic, sign in (("like", 1), ("report", 0)):
        mix = {name: assumed(float(name == tactic)) for name in type(campaign.tactics).model_fields}
        one = campaign.model_copy(update={"tactics": campaign.tactics.model_copy(update=mix)})
        world = world_of(with_policy(changed(small, campaigns=[one]), "bridging"), arm="factual", steps=60)
        log = np.concatenate(world.state.memory.log)
        theirs = log[log[:, 0] >= world.plan.people]
        assert set(theirs[:, 0]) == {world.plan.people, world.plan.people + 1} and set(theirs[:, 3]) == {sign}


def test_statuses():
    """The published thresholds, at the border."""
    p = SimpleNamespace(**PRESETS["bridging"].parameters)
    cases = ((0.40, 0.49, 1), (0.40, 0.50, 0), (0.399, 0.0, 0), (-0.0501, 0.0, -1), (-0.44, -0.5, 0), (-0.46, -0.5, -1))
    for intercept, factor, expected in cases:
        assert file.status(intercept, factor, p) == expected
