"""The formula policies inside a world: their inputs, their pools, and what they promise."""

import datetime as dt
import math
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from helpers import changed, world_of

from recsim.kernels import counters as counting
from recsim.kernels.mathf import power32
from recsim.ranking.presets import PRESETS
from recsim.ranking.vocabulary import FEATURES
from recsim.state import HIDE, LIKE, RANKED, REPORT, STOPPED
from recsim.world.item_rows import fill_row

F = np.float32
SHARED = [
    "chrono", "reddit_hot", "reddit_best", "hn_popular", "hn_arc", "lemmy_hot", "mastodon_trends", "simsom",
]  # fmt: skip


def plain(name, parameters=(), **features):
    policy = PRESETS[name]
    return policy(SimpleNamespace(**features), SimpleNamespace(**{**policy.parameters, **dict(parameters)}))


def world_under(small, name, steps=24):
    return world_of(changed(small, platform={"policy": name}), steps=steps)


def test_power():
    g = np.random.default_rng(0)
    for x, y in zip(g.random(500) * 300, g.random(500) * 3, strict=True):
        assert float(power32(F(x), F(y))) == pytest.approx(float(F(x)) ** float(F(y)), rel=4e-6)
    assert power32(F(0), F(1.8)) == 0 and power32(F(-2), F(0.5)) == 0 and power32(F(2), F(-1)) == pytest.approx(0.5)


@pytest.mark.parametrize(("ups", "downs"), [(0, 0), (0, 5), (1, 0), (3, 4), (500, 1), (1e6, 3e5)])
def test_wilson_is_the_textbook_bound(ups, downs):
    z, n = 1.281551565545, ups + downs
    q = ups / n if n else 0
    bound = (q + z * z / 2 / n - z * math.sqrt(q * (1 - q) / n + z * z / 4 / n / n)) / (1 + z * z / n) if n else 0
    assert plain("reddit_best", ups=ups, downs=downs) == pytest.approx(bound, abs=1e-12)


def test_reddit_hot_keeps_the_order_of_hours_in_float32():
    """Seconds have 128 s steps in a float32 row; hours, and half an hour, are still told apart."""
    from recsim.ranking.compile import compile_policy

    made = compile_policy(PRESETS["reddit_hot"])
    for start in (1134028003, 1732406400, 2_100_000_000):
        times = start + 1800 * np.arange(400)
        columns = {"created_s": times, "ups": np.full(400, 40), "downs": np.zeros(400)}
        out = np.zeros(400, F)
        made.score_features(np.array([columns[n] for n in made.policy.score_reads], F), made.vector({}), out)
        assert (np.diff(out) > 0).all()


def test_simsom_draws_in_proportion():
    """The largest of weight over exponential draws is each with probability weight / sum (20,000 draws)."""
    items = [(0, 0.0), (4, 0.0), (1, 5.0), (9, 30.0)]
    weights = np.array([(1 + n) * math.exp(-0.4 * t**0.4) for n, t in items])
    wins = np.zeros(4)
    for person in range(20_000):
        words = reference.draws(person, 1, 0, 0, 900, (3, 4))
        s = [
            plain("simsom", n_share=n, age_h=t, noise=float(reference.unit(w)))
            for (n, t), w in zip(items, words, strict=True)
        ]
        wins[int(np.argmax(s))] += 1
    assert np.abs(wins / wins.sum() - weights / weights.sum()).max() < 4 * 0.5 / math.sqrt(20_000)


def test_mastodon_goes_on_newest_first_below_the_thresholds():
    scores = [
        plain("mastodon_trends", n_like=n, n_share=0, age_h=a, allowed=1)
        for n, a in ((5, 0), (4, 0), (4, 3), (300, 71))
    ]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0 >= scores[1]
    assert plain("mastodon_trends", {"rest": 0}.items(), n_like=4, n_share=0, age_h=3, allowed=1) == 0


def test_reactions_change_a_like_by_their_declared_shares():
    only_like = {"p_like": 1.0, "p_share": 0.0, "p_comment": 0.0, "in_network": True}
    assert plain("msi_2018", **only_like) == pytest.approx(0.8 + 5 * 0.2)
    assert plain("msi_2020", **only_like) == pytest.approx(0.8 + 2 * 0.15)
    assert plain("msi_2018", **{**only_like, "in_network": False}) == pytest.approx(0.5 * 1.8)


@pytest.mark.parametrize("name", ["reddit_hot", "reddit_best", "mastodon_trends", "chrono_following"])
def test_rows_are_what_the_vocabulary_says(small, name):
    world = world_under(small, name, 12)
    start, end = world.window
    world.feed.item_terms(world.now, start, end)
    total, created = world.state.counters.total[start:end], world.state.items.created[start:end]
    within = np.array(
        [
            4 * float(reference.unit(reference.draws(k, 0, world.plan.supply.population, 0, 41, world.key.words)[0]))
            for k in world.state.items.key[start:end]
        ]
    )
    first = dt.datetime.combine(small.days.start, dt.time(), dt.UTC).timestamp()
    real = 1 / (30 * small.population.scale)  # of a simulated item that stands for 30
    expected = {
        "ups": total[:, LIKE] * real + 1,
        "downs": (total[:, HIDE] + total[:, REPORT]) * real,
        "n_like": total[:, LIKE] * real,
        "n_share": total[:, 4] * real,
        "age_h": (world.now + 1 - created) * 4.0 - within,
        "created_h": created * 4.0 + within,
        "created_s": first + (created * 4 + within) * 3600.0,
    }
    if world.state.memory is not None:  # no review: all that was there when the policy was last asked
        expected["allowed"] = (np.arange(start, end) < world.state.memory.known[1]).astype(F)
    for k, row in enumerate(world.plan.compiled.rows):
        assert world.feed.rows[k, : end - start] == pytest.approx(expected[row], rel=1e-6, abs=1e-5), row
    assert within.min() >= 0 and within.max() < 4 and len(set(within)) > 0.99 * len(within)
    assert total[:, LIKE].sum() > 0 and total[:, HIDE].sum() > 0


@pytest.mark.parametrize("name", ["n_hide", "n_report"])
def test_negative_counts_can_be_read(small, name):
    world = world_under(small, "reddit_hot", 12)
    start, end = world.window
    out = np.zeros(end - start, F)
    fill_row(world.feed, name, out, start, end, world.books.open)
    counted = world.state.counters.total[start:end, {"n_hide": HIDE, "n_report": REPORT}[name]]
    assert counted.any() and out == pytest.approx(counted / (30 * small.population.scale), rel=1e-6)


VOTES = ("n_like", "n_comment", "n_share", "n_hide", "n_report", "ups", "downs", "impressions", "d_like", "d_comment",
         "d_share", "d_views")  # fmt: skip


@pytest.mark.parametrize("policy", ["lemmy_hot", "reddit_best"])
def test_formulas_of_votes_read_real_ones(small, policy):
    """Items with the same real counts have the same features and scores whatever share of people is simulated."""
    g, rows, scores = np.random.default_rng(2), {}, {}
    base = g.integers(0, 40, (3000, 10))
    for times in (1, 4):
        world = world_under(changed(small, population={"scale": 0.0005 * times}), policy, 0)
        start, end = world.window
        counters, count = world.state.counters, len(world.state.counters.total)
        counters.total[:] = base[:count] * times
        counters.decayed[:] = (base[:count] * times).T / 2
        world.feed.item_terms(world.now, start, end)
        scores[times] = world.feed.score[: end - start].copy()
        rows[times] = np.zeros((len(VOTES), world.feed.window), F)
        for name, out in zip(VOTES, rows[times], strict=True):
            fill_row(world.feed, name, out, start, end, world.books.open)
    assert end - start > 3 and len(np.unique(scores[1])) > 2
    assert rows[4] == pytest.approx(rows[1], rel=1e-5) and rows[1].max() > 40 * 30
    assert scores[4] == pytest.approx(scores[1], rel=1e-5)


def test_chrono_pools_are_the_newest_of_the_language(small):
    world = world_under(small, "chrono", 24)
    feed, state = world.feed, world.state
    start, end = world.window
    feed.stale = True
    feed.item_terms(world.now, start, end)
    feed.retrieve(world.now, start, end)
    wanted = feed.quotas.interest
    assert wanted == round(0.75 * feed.size)
    for s in range(len(feed.strata.language)):
        n = feed.pools.size[s]
        got = feed.pools.item[s, :n][feed.pools.source[s, :n] == RANKED]
        fits = [
            i for i in range(start, end)
            if state.items.labels.present[i] and state.items.labels.language[i] == feed.strata.language[s]
        ]  # fmt: skip
        newest = sorted(fits, key=lambda i: (-state.items.created[i], -feed.within_h[i]))[:wanted]
        assert sorted(got) == sorted(newest) and n == feed.size


@pytest.mark.parametrize("stages", [0, 1, 3])
def test_eligibility(stages):
    """Twin of the item terms: without pools nothing is under trial and everything present may be ranked."""
    g = np.random.default_rng(1)
    total = g.integers(0, 50, (40, 10))
    stage = g.choice([0, 1, 3, STOPPED], 40).astype(np.int8)
    present = g.random(40) < 0.8
    social, eligible, trial = np.zeros(40, F), np.zeros(40, bool), np.zeros(40, bool)
    counting.proof_and_eligibility(0, 40, total, stage, present, stages, social, eligible, trial)
    for i in range(40):
        open_ = stages == 0 or (stage[i] > 0 and stage[i] != STOPPED)
        assert eligible[i] == (present[i] and open_)
        assert trial[i] == (present[i] and stages > 0 and stage[i] == 0)
        assert social[i] == pytest.approx(math.log(1 + total[i, LIKE]), rel=1e-6)


@pytest.mark.parametrize("name", SHARED)
def test_shared_formulas_do_not_profile_and_feed_everybody(small, name):
    assert not PRESETS[name].profiled and not PRESETS[name].why_profiled
    world = world_under(small, name, 30)
    visits, tried, empty, examined = world.record.feed
    assert visits > 500 and examined > 1000 and empty < 0.02 * tried


def test_no_candidate_items_from_strangers(small):
    """Meta's rule: beside search, links and followed accounts, hardly any item about a candidate is shown."""

    def views(name, **parameters):
        scenario = changed(small, platform={"policy": name})
        if parameters:
            scenario = scenario.model_copy(update={"platform": scenario.platform.model_copy(update={
                "parameters": {k: type(scenario.dose)(value=v) for k, v in parameters.items()}})})  # fmt: skip
        table = world_of(scenario, steps=30).record.provenance()
        strangers = ~table["source"].astype(str).isin(["search", "external", "inbox"])
        return table.loc[strangers, "impressions"].sum(), table.loc[~strangers, "impressions"].sum()

    strict, reversed_ = views("meta_political_2024"), views("meta_political_2024", political_oon=1.0)
    assert strict[0] < 0.03 * reversed_[0] and strict[1] > 0.5 * reversed_[1] > 0


def test_every_feature_and_policy_is_documented():
    from conftest import ROOT

    page = (ROOT / "docs" / "policies.md").read_text()
    assert [name for name in (*FEATURES, *PRESETS) if f"`{name}`" not in page] == []
