"""Mastodon's review of trends: who is asked about, when the answer comes, and that without review nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import frames_of, world_of
from test_learned import view_of, with_policy

import recsim
from recsim.ranking import mastodon_trends as file
from recsim.ranking.presets import PRESETS
from recsim.state import LIKE, SHARE


@recsim.policy(
    threshold=5.0, expected=1.0, half_life_h=2.0, decay_threshold=0.3, rest=1.0,
    meta={"stratum": "region", "inbox": "none", "ordering": "order", "sources": {"ranked": 0.75, "discovery": 0.25}},
)  # fmt: skip
def without_review(f, p):
    observed = f.n_share + f.n_like
    if observed < p.threshold or observed < p.expected:
        return -p.rest * f.age_h
    surplus = observed - p.expected
    score = surplus * surplus / p.expected * 0.5 ** (f.age_h / p.half_life_h)
    return score if score >= p.decay_threshold else -p.rest * f.age_h


def test_without_review_nothing_changes(small):
    """The same formula without the queue, bit for bit; with review the feed differs."""
    plain = frames_of(with_policy(small, "test_trends_review:without_review"))
    off = frames_of(with_policy(small, "mastodon_trends"))
    reviewed = frames_of(with_policy(small, "mastodon_trends", reviewed=1, review_h=24))
    for name in ("exposure", "engagement", "provenance", "reach"):
        assert plain[name].equals(off[name]), name
    assert not off["exposure"].equals(reviewed["exposure"])


def test_before_their_review_posts_do_not_trend():
    """With answers that never come, or are never yes, the row is zero; the score is then that of age alone."""
    p = PRESETS["mastodon_trends"].parameters
    assert p["reviewed"] == 0, "off unless asked for"
    for change in ({"review_h": 1e9}, {"approved": 0.0}):
        seen = sequence(np.full((6, 12), 30), np.zeros(12, int), **change)
        assert not np.any(seen)


def twin(counts, language, created, step_h, p, verdicts):
    """Plain Python, post by post: what may trend in each step."""
    asked, out = {}, []
    for now, row in enumerate(counts):

        def score(k, row=row, now=now):
            o = row[k]
            if o < p["threshold"] or o < p["expected"]:
                return 0.0
            s = (o - p["expected"]) ** 2 / p["expected"] * 0.5 ** ((now - created[k]) * step_h / p["half_life_h"])
            return s if s >= p["decay_threshold"] else 0.0

        def allowed(k, now=now):
            return k in asked and (now - asked[k]) * step_h >= p["review_h"] and verdicts[asked[k]][k] < p["approved"]

        before = {k for k in range(len(row)) if allowed(k)}
        for tongue in set(language.tolist()):
            ranked = sorted(
                (k for k in range(len(row)) if language[k] == tongue and score(k) > 0), key=lambda k: (-score(k), k)
            )
            among = [k for k in ranked[: int(p["review_rank"])] if k in before]
            least = score(among[-1]) if among else 0.0
            for k in ranked:
                if score(k) > least:
                    asked.setdefault(k, now)
        out.append([float(k in before or (p["review_h"] <= 0 and allowed(k))) for k in range(len(row))])
    return out  # fmt: skip


def verdicts_of(steps, posts, seed=4):
    return np.random.default_rng(seed).random((steps, posts, 4)).astype(np.float32)


def sequence(counts, language, created=None, step_h=2.0, verdicts=None, **parameters):
    """The refit, step after step, with what it remembers."""
    steps, posts = counts.shape
    verdicts = verdicts_of(steps, posts) if verdicts is None else verdicts
    values = {**PRESETS["mastodon_trends"].parameters, "reviewed": 1.0, **parameters}
    memory, known, seen = {}, (0, 0), []
    for now in range(steps):
        table = np.zeros((posts, 10), np.int64)
        table[:, LIKE], table[:, SHARE] = counts[now] - counts[now] // 3, counts[now] // 3
        view = view_of([], [], 1, last=posts, policy="mastodon_trends", **values)._replace(
            now=now, step_hours=step_h, weight=1.0, counts=table, language=np.asarray(language, np.int8), memory=memory, known=known,
            created=np.zeros(posts, np.int32) if created is None else created, draw=lambda _, now=now: verdicts[now],
        )  # fmt: skip
        made = file.review(view)
        memory, known = made.memory, (0, posts)
        seen.append(made.rows["allowed"].tolist())
    return seen


@pytest.mark.parametrize("change", [{}, {"review_h": 0.0}, {"review_h": 4.0, "approved": 0.5}, {"review_rank": 1.0}])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_queue_is_its_twin(seed, change):
    g = np.random.default_rng(seed)
    steps, posts = 9, 40
    counts = np.cumsum(g.poisson(g.gamma(0.5, 6, posts), (steps, posts)), axis=0)
    language = np.arange(posts) % 2
    values = {**PRESETS["mastodon_trends"].parameters, **change}
    expected = twin(counts, language, np.zeros(posts), 2.0, values, verdicts_of(steps, posts)[..., 0])
    got = sequence(counts, language, **change)
    assert got == expected
    assert 0 < np.mean(got[-1]) < 1


def test_one_allowed_among_three_stops_requests_below_it():
    """Three large posts are let through at once; a smaller one in their language waits for ever, another language's does not."""
    counts = np.array([[50, 40, 30, 0, 0], [50, 40, 30, 10, 10], [50, 40, 30, 10, 10]])
    seen = sequence(counts, [0, 0, 0, 0, 1], review_h=0.0)
    assert seen[0] == [1, 1, 1, 0, 0] and seen[-1] == [1, 1, 1, 0, 1]


def test_memory_moves_with_the_window():
    """Posts keep their numbers as others expire and come."""
    view = view_of([], [], 1, first=3, last=8, policy="mastodon_trends")._replace(
        known=(1, 6), memory={"asked": np.arange(1, 6)}
    )
    assert file._kept(view, "asked", -1).tolist() == [3, 4, 5, -1, -1]
    assert file._kept(view, "passes", 0).tolist() == [0] * 5


def test_review_delays_trends_in_a_world(small):
    """A post may trend in the step in which it is asked about only if the answer comes at once."""
    for hours in (0, 12):
        world = world_of(with_policy(small, "mastodon_trends", reviewed=1, review_h=hours), steps=45)
        made = world.state.memory.learned
        allowed, asked = made.rows["allowed"] > 0, made.memory["asked"]
        assert allowed.any() and not allowed.all() and (asked[allowed] >= 0).all()
        assert (44 - asked[allowed]).min() >= hours / 4 and ((asked == 44) & allowed).any() == (hours == 0)
