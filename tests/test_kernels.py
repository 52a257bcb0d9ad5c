"""Every kernel against its plain twin."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
import reference
import reference_look
from helpers import changed, frames_of, world_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from recsim.kernels import counters, gates, inbox, look, predictor, retrieval, weighing
from recsim.kernels import visits as visiting
from recsim.kernels.flags import KERNEL
from recsim.ranking.policy import SIGNALS as SIGNAL_NAMES
from recsim.rng import Key
from recsim.scenario.quantity import assumed
from recsim.state import HEATED, SOURCES, Accounts, no_counts

F = np.float32


@njit(**KERNEL)
def list_by_topic(places, window_start, items, edge, out):
    """`retrieval.list_by_topic`, which only kernels call."""
    retrieval.list_by_topic(places, window_start, items, edge, out)


@pytest.fixture(scope="module")
def world(small):
    return world_of(small, steps=27)


def test_visits(world):
    state, feed, plan = world.state, world.feed, world.plan
    people = world.people
    factor = people.hour_factor[world.now % (7 * plan.steps_per_day)]
    world.people.visit()
    expected = reference.visits(
        [int(p) for p in feed.order], state.observed.stratum, state.cells.region, state.latent.visits,
        state.latent.preference, factor, F(plan.scenario.activity.search_share.value),
        F(plan.scenario.activity.external_share.value), plan.standing, plan.traits.population, world.key.words,
        world.now,
    )  # fmt: skip
    n = people.visiting
    v = feed.visits
    got = list(zip(v.person[:n], v.stratum[:n], v.entry[:n], v.about[:n], strict=True))
    assert [tuple(int(x) for x in row) for row in got] == [tuple(int(x) for x in row) for row in expected]
    assert 20 < n < plan.people


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_sort_by_stratum(strata):
    order = np.zeros(len(strata), np.int32)
    visiting.sort_by_stratum(np.array(strata, np.int32), 5, order)
    assert order.tolist() == sorted(range(len(strata)), key=lambda p: (strata[p], p))


def test_interest_strata():
    estimate = np.array([[1, 3, 2], [2, 2, 1], [0, -1, 5]], np.float32)
    out = np.zeros(3, np.int32)
    visiting.assign_interest_strata(estimate, np.array([0, 1, 1], np.int8), out)
    assert out.tolist() == [1, 3 + 0, 3 + 2]


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60),
    st.integers(1, 60),
)
def test_keep_largest(values, wanted):
    codes = np.array([retrieval.ordered(F(v), np.int64(w)) for w, v in enumerate(values)], np.int64)
    n = retrieval.keep_largest(codes, len(values), wanted)
    got = sorted(int(retrieval.place_of(c)) for c in codes[:n])
    # -0.0 and 0.0 are told apart by their bits; the twin must not see them as ties.
    keyed = {w: (v if v != 0 else (0.0 if np.copysign(1, v) > 0 else -1e-300)) for w, v in enumerate(values)}
    assert got == reference.largest(keyed, wanted)


def window_of(world):
    """Keys, languages, regions, first and second topics of the live items, by window place."""
    items, (start, end) = world.state.items, world.window
    columns = (items.key, items.labels.language, items.labels.region, items.primary, items.secondary)
    return tuple([int(v) for v in column[start:end]] for column in columns)


def retrieve(world):
    """The next step's pools and their features, in their places."""
    world.feed.stale = True
    world.feed.item_terms(world.now, *world.window)
    world.feed.retrieve(world.now, *world.window)


def test_pools(world):
    """The pools of a running world: all of a stratum, with its sources."""
    plan, feed = world.plan, world.feed
    start, end = world.window
    retrieve(world)
    count, window = end - start, window_of(world)
    key, population = world.key.words, plan.supply.population
    decayed = feed.books.of("ranking").decayed[:, start:end]
    heat = decayed[2] + F(3) * decayed[4]
    noise = F(plan.scenario.platform.retrieval.trending_noise.value)
    weight = 1 / (plan.represented * plan.scale)
    trends = reference.trending(heat, weight, feed.eligible[:count], window[0], noise, population, key, world.now)
    open_, trial = (
        reference.by_language(window[1], wanted[:count], len(plan.languages)) for wanted in (feed.eligible, feed.trial)
    )
    for stratum in (0, 3, plan.scenario.content.topics - 1):
        chosen, fresh = reference.pool(
            stratum, tuple(int(column[stratum]) for column in feed.strata), feed.quotas, feed.size,
            feed.pools.fresh.shape[1], feed.value, open_, trial, trends, window,
            population, key, world.now,
        )  # fmt: skip
        n, m = feed.pools.size[stratum], feed.pools.fresh_count[stratum]
        got = zip(feed.pools.item[stratum, :n] - start, feed.pools.source[stratum, :n], strict=True)
        assert [(int(w), int(s)) for w, s in got] == sorted(chosen.items())
        assert (feed.pools.fresh[stratum, :m] - start).tolist() == fresh
    check_results(world, heat)


def check_results(world, heat):
    """Results of searches for every candidate, as they stand in the world's pools."""
    labels, pools, (start, end) = world.state.items.labels, world.feed.pools, world.window
    about = [w for w in range(end - start) if labels.candidate[start + w] >= 0 and labels.present[start + w]]
    for c in range(len(pools.entry)):
        sought = labels.candidate[start:end], np.zeros(end - start)
        expected = reference.search_results(c, about, heat, sought, pools.entry.shape[1])
        assert (pools.entry[c, : pools.entry_count[c]] - start).tolist() == expected
    assert pools.entry_count.min() > 1


def test_results_without_a_pool(small):
    """A feed of followed accounts alone has no pools, and the results of searches are kept and renewed all the same."""
    scenario = changed(small, platform={"policy": "chrono_following"})
    platform = scenario.platform
    slow = platform.model_copy(update={"retrieval": platform.retrieval.model_copy(update={"refresh_hours": 8.0})})
    world = world_of(scenario.model_copy(update={"platform": slow}), steps=26)
    start, end = world.window
    decayed = world.feed.books.of("ranking").decayed[:, start:end]
    heat = decayed[2] + F(3) * decayed[4]
    assert world.feed.refresh == 2 and not world.feed.rebuilds(world.now) and (heat > 0).any()
    world.feed.retrieve(world.now, start, end)
    check_results(world, heat)
    before = world.feed.pools.entry.copy()
    world.state.counters.decayed[:, start:end] = 0
    world.feed.retrieve(world.now + 1, start, end)  # between two refreshes nothing changes
    assert np.array_equal(world.feed.pools.entry, before)
    world.feed.retrieve(world.now + 2, start, end)
    assert not np.array_equal(world.feed.pools.entry, before)


def results_of(heat, about, first=100, most=4):
    """Numbers of the items that a search finds, of items 100, 101, ... about one candidate."""
    entry, number = np.full((1, most), -1, np.int32), np.zeros(1, np.int32)
    candidate = np.zeros(first + len(heat), np.int8)
    retrieval.entry_lists(
        np.array(about), np.int64(first), candidate, np.array(heat, F), np.zeros((1, 0), F), entry, number
    )
    return entry[0, : number[0]].tolist()


def test_results_without_engagement_are_the_newest():
    assert results_of([0, 0], [0, 1]) == [101, 100]
    assert results_of([0, 0, 3, 0, 1, 0, 0], range(7)) == [102, 104, 106, 105]
    # One old item more that nobody likes takes the place of none.
    assert results_of([0, 0, 3, 0, 1, 0, 0], [2, 3, 4, 5, 6]) == [102, 104, 106, 105]


def test_trends_are_the_same_at_any_scale():
    """A hundredth of the people, a hundredth of the engagement, each of it worth a hundred: the same codes."""
    gen, n = np.random.default_rng(4), 300
    keys, eligible, real = gen.integers(0, 2**32, n).astype(np.uint32), gen.random(n) < 0.8, gen.integers(0, 4000, n)
    codes = np.zeros((3, n), np.int64)
    counts = [
        retrieval.trending_codes(
            n, (real * share).astype(F), F(worth), eligible, np.int64(0), keys, F(2), np.uint64(3), *Key(6, 0).words,
            np.uint64(9), out,
        )
        for out, share, worth in zip(codes, (1, 2**-7, 2**-7), (1, 2**7, 1), strict=True)
    ]  # fmt: skip
    assert counts == [eligible.sum()] * 3
    assert np.array_equal(codes[0], codes[1]) and not np.array_equal(codes[0], codes[2])


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 40), st.tuples(*[st.integers(0, 20)] * 3), st.sampled_from([0.0, 0.7]),
    st.floats(0, 1), st.booleans(),
)  # fmt: skip
def test_pools_of_any_kind(world, seed, size, quotas, noise, share, by_topic):
    """Strata by topic or region, few or many items that may be ranked, any quotas; every source and items under trial."""
    gen, key, step = np.random.default_rng(seed), Key(seed, 1).words, np.uint64(seed % 60_000)
    state, (start, _) = world.state, world.window
    count, population, languages = 120, np.uint64(5), len(world.plan.languages)
    window = tuple(column[:count] for column in window_of(world))
    eligible = gen.random(count) < share
    trial = ~eligible & (gen.random(count) < 0.3)
    interest, trend, regional = quotas
    quota = retrieval.Quotas(interest, trend, 0, regional, F(noise))
    cells = [
        (
            int(gen.integers(languages)),
            int(gen.integers(4)) if by_topic else -1,
            -1 if by_topic else int(gen.integers(3)),
        )
        for _ in range(4)
    ]
    table = np.array(cells)
    strata = retrieval.Strata(table[:, 0].astype(np.int8), table[:, 1].astype(np.int16), table[:, 2].astype(np.int8))
    value, heat = gen.integers(-3, 4, count).astype(F), gen.integers(0, 5, count).astype(F)

    codes, unit = np.zeros(count, np.int64), gen.uniform(0.1, 1000)
    n = retrieval.trending_codes(
        count, heat, F(unit), eligible, np.int64(start), state.items.key, F(noise), population, *key, step, codes
    )
    trends = [int(retrieval.place_of(code)) for code in np.sort(codes[:n])[::-1]]
    assert trends == reference.trending(heat, unit, eligible, window[0], F(noise), population, key, step)
    lists = []
    for wanted in (eligible, trial):
        places, number = np.full((languages, count), -1, np.int32), np.full(languages, 9, np.int32)
        retrieval.by_language(count, np.int64(start), state.items.labels.language, wanted, places, number)
        expected = reference.by_language(window[1], wanted, languages)
        assert [row[:k].tolist() for row, k in zip(places, number, strict=True)] == expected
        lists.append((places, number, expected))
    (open_item, open_count, open_), (trial_item, trial_count, trial_) = lists
    # One list for all languages, or where strata have regions one for each.
    rows = [trends] if by_topic else [[w for w in trends if window[1][w] == one] for one in range(languages)]
    trending = np.full((len(rows), 2 * trend), -1, np.int32)
    for row, mine in zip(trending, rows, strict=True):
        row[: len(mine)] = mine[: len(row)]
    everywhere = np.flatnonzero(eligible).astype(np.int32)
    item, source, fresh = np.zeros((4, size), np.int32), np.zeros((4, size), np.int8), np.zeros((4, 6), np.int32)
    filled, under = np.zeros(4, np.int32), np.zeros(4, np.int32)
    retrieval.build_pools(
        0, 4, count, np.int64(start), strata, quota, value, trending, open_item, open_count, trial_item,
        trial_count, everywhere, len(everywhere), state.items, population, *key, step, item, source, filled, fresh, under,
    )  # fmt: skip
    for s, cell in enumerate(cells):
        chosen, drawn = reference.pool(
            s, cell, quota, size, 6, value, open_, trial_, trends, window, population, key, step
        )
        got = dict(zip((item[s, : filled[s]] - start).tolist(), source[s, : filled[s]].tolist(), strict=True))
        assert got == chosen and list(got) == sorted(got)
        assert (item[s, filled[s] :] == start).all()
        assert (fresh[s, : under[s]] - start).tolist() == drawn


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_lists_by_topic_and_results_of_searches(world, seed, searches):
    gen, (start, _) = np.random.default_rng(seed), world.window
    items, count = world.state.items, 150
    window = tuple(column[:count] for column in window_of(world))
    places = np.flatnonzero(gen.random(count) < 0.6)
    topics = items.topic.shape[1]
    edge, out = np.full(topics + 1, 7, np.int64), np.full(2 * len(places), -1, np.int32)
    list_by_topic(places.astype(np.int32), np.int64(start), items, edge, out)
    got = [out[edge[d] : edge[d + 1]].tolist() for d in range(topics)]
    assert got == reference.by_topic(places.tolist(), *window[3:], topics)

    heat, candidate = gen.integers(0, 4, count).astype(F), items.labels.candidate.copy()
    candidate[start : start + count] = gen.integers(-1, 3, count)
    sought = np.zeros((3, len(candidate) if searches else 0), F)
    if searches:
        sought[:, start : start + count] = gen.integers(-8, 3, (3, count)).clip(0)
    entry, number = np.full((3, 8), -1, np.int32), np.zeros(3, np.int32)
    retrieval.entry_lists(places, np.int64(start), candidate, heat, sought, entry, number)
    for c in range(3):
        picked = sought[c, start : start + count] if searches else np.zeros(count, F)
        expected = reference.search_results(c, places.tolist(), heat, (candidate[start : start + count], picked), 8)
        assert (entry[c, : number[c]] - start).tolist() == expected


def test_gathered_features(world):
    retrieve(world)
    start, _ = world.window
    feed, items = world.feed, world.state.items
    for s in (0, 5):
        for p in (0, int(feed.pools.size[s]) - 1):
            i = int(feed.pools.item[s, p])
            assert np.array_equal(feed.pool_topic[s, :, p], items.topic[i])
            assert feed.pools.key[s, p] == items.key[i]
            assert np.array_equal(feed.pool_rows[s, :, p], feed.rows[:, i - start])


MODELS = {
    "logistic": {},
    "cascade": {"position_bias": np.float32(0.4), "stop": np.float32(1.5), "satisfaction": np.float32(0)},
    "fatigue": {"fatigue": np.float32(1.2), "memory": np.float32(0.7)},
}


SIGNALS = ({"complete", "like", "share"}, {"hide", "report", "skip"})
"""What one of the cases below logs as positive and as negative."""
FOUND = (SOURCES.index("search"), SOURCES.index("external"))


@pytest.mark.parametrize("model, advertising", [*((model, False) for model in MODELS), ("logistic", True)])
def test_looking(model, advertising, small):
    """A whole block of visits: slates, sources, actions, memory and counts, person by person."""
    world = world_of(small, steps=27)
    plan, state, feed = world.plan, world.state, world.feed
    plan = dataclasses.replace(plan, reaction=plan.reaction._replace(**MODELS[model]))
    often = {name: getattr(plan.reaction, name) + F(3) for name in ("comment", "follow", "report")}  # rare ones, else
    plan = dataclasses.replace(plan, reaction=plan.reaction._replace(**often))
    start, end = world.window
    world.people.visit()
    world.creators.post()
    feed.item_terms(world.now, start, end)
    feed.retrieve(world.now, start, end)
    n = min(60, world.people.visiting)
    feed.visits.entry[:n:7] = 1
    feed.visits.entry[3:n:11] = 2
    if model == "fatigue":  # some live items are pushed, some of them seen before
        plan = dataclasses.replace(plan, reaction=plan.reaction._replace(heating=np.uint64(0.2 * 2**32)))
        feed.pools.heated[:, :8] = np.arange(start, end, (end - start) // 8)[:8]
        feed.pools.heated_count[:] = 8
    if advertising:  # any live items will do, some of them seen before
        ads = np.full(len(feed.visits.person), -1, np.int32)
        bits = state.observed.seen
        for v in range(0, n, 2):
            p = int(feed.visits.person[v])
            old = [i for i in range(start, end) if int(bits[p, (i >> 6) % bits.shape[1]]) >> (i & 63) & 1]
            ads[v] = old[0] if v % 4 and old else start + v
        feed.visits = feed.visits._replace(ad=ads)
    key0, key1 = world.key.words
    scores = feed.scores[0]
    plan.compiled.score_block(
        0, n, feed.visits.person, feed.visits.stratum, state.observed.estimate, feed.pool_topic, feed.pool_rows,
        feed.pools.key, feed.pools.size, state.observed.inbox, state.items.topic, feed.rows, state.items.key,
        np.int64(start), state.cells.language, state.cells.region, feed.constants, plan.parameters, key0, key1,
        np.uint64(world.now), np.uint64(0), scores,
    )  # fmt: skip
    bits = state.observed.seen
    live = range(start, end)
    seen = [
        {i for i in live if int(bits[p, (i >> 6) % bits.shape[1]]) >> (i & 63) & 1} for p in range(plan.people)
    ]  # fmt: skip
    arrays = {
        "visits": feed.visits, "items": state.items, "reaction": plan.reaction, "pools": feed.pools,
        "latent": state.latent, "observed": state.observed, "window_start": start, "key": world.key.words,
        "seen": seen, "eligible": feed.eligible, "social": feed.social, "cells": state.cells,
        "position": state.position, "population": plan.traits.population, "step": world.now,
    }  # fmt: skip
    expected = [reference.look(v, scores[v].tolist(), arrays) for v in range(n)]
    known = state.observed.estimate.copy()
    signed = model == "cascade"
    signals = np.array([sum(1 << SIGNAL_NAMES.index(name) for name in side) for side in SIGNALS], np.int64)
    remembers = model == "cascade"
    room = 64 if remembers else 0
    observed = state.observed._replace(
        hidden_author=np.full((plan.people, room), -1, np.int32),
        hidden_step=np.zeros((plan.people, room), np.int32),
        hidden_next=np.zeros((plan.people, 1), np.int32),
    )
    tally = feed.tally._replace(
        engaged_person=np.zeros((1, 3000), np.int32), engaged_item=np.zeros((1, 3000), np.int32),
        engaged_value=np.zeros((1, 3000 if signed else 0), np.int8), signals=signals if signed else signals[:0],
        context=np.zeros((1, feed.window, 3), np.int64),
        impressions=np.zeros((plan.people, len(plan.candidates), 3), np.int32),
        reached=np.zeros(plan.people, np.uint64), met=np.zeros(plan.people, np.int32),
        acts=np.zeros((1, 3000, 3), np.int32), acts_count=np.zeros(1, np.int64),
    )  # fmt: skip
    top_comment = np.random.default_rng(3).integers(-1, 3, state.counters.top_comment.shape).astype(np.int8)
    tables = (tally.items, tally.exposure, tally.comments, tally.provenance, tally.feed, tally.follow_count, tally.well)
    for table in tables:
        table[:] = 0
    before = copy.deepcopy((observed, tally))
    look.look_block(
        0, n, 0, scores, feed.visits, feed.pools, state.latent, state.cells, observed, state.items,
        state.position, feed.proof, feed.eligible, top_comment, plan.reaction,
        np.uint64(plan.traits.population), key0, key1, np.uint64(world.now), np.uint64(0), np.int64(start),
        tally,
    )  # fmt: skip
    names = ("view", "complete", "like", "comment", "share", "follow", "open_comments", "hide", "report")
    context, logged = np.zeros((feed.window, 3), int), []
    hides = {(int(feed.visits.person[v]), int(state.items.author[i])) for v, (shown, _, _) in enumerate(expected)
             for i, _, actions, *_ in shown if "hide" in actions}  # fmt: skip
    rows, _ = np.nonzero(observed.hidden_author >= 0)
    found = {(int(u), int(a)) for u in set(rows.tolist()) for a in observed.hidden_author[u] if a >= 0}
    assert found == (hides if remembers else set()) and (not remembers or len(hides) > 0)
    assert set(observed.hidden_step[observed.hidden_author >= 0].tolist()) <= {world.now}
    for visit, (shown, _, _) in enumerate(expected):
        person = feed.visits.person[visit]
        for item, _, actions, *_ in shown:
            interest = F(0)
            for d in range(known.shape[1]):
                interest = interest + known[person, d] * state.items.topic[item, d]
            a = int(interest * F(1024))
            context[item - start] += (a, a * a, a * ("like" in actions))
            if signed and actions & (SIGNALS[0] | SIGNALS[1]):
                logged.append((person, item, not actions & SIGNALS[1]))
            elif not signed and actions & {"like", "share", "follow"}:
                logged.append((person, item))
    count = int(tally.engaged_count[0])
    columns = [tally.engaged_person, tally.engaged_item, *([tally.engaged_value == 1] if signed else [])]
    assert list(zip(*(column[0, :count] for column in columns), strict=True)) == logged
    assert not signed or {value for *_, value in logged} == {True, False}
    assert np.array_equal(tally.context[0], context) and len(logged) > 10 and context[:, 2].any()
    if signed:  # of what does not count, or counts less, no more is learned
        weight = (np.arange(plan.people, dtype=np.int32) % 3) * 512
        group = np.arange(plan.people).astype(np.uint8) // 3 % 2
        weighed = before[1]._replace(
            valued=np.zeros((1, feed.window, 2, 10), np.int64), acted=np.zeros(plan.people, np.int32),
            lost=np.zeros(plan.people, np.int32),
        )  # fmt: skip
        look.look_block(
            0, n, 0, scores, feed.visits, feed.pools, state.latent, state.cells,
            before[0]._replace(weight=weight, group=group), state.items,
            state.position, feed.proof, feed.eligible, top_comment, plan.reaction._replace(served_only=True),
            np.uint64(plan.traits.population), key0, key1, np.uint64(world.now), np.uint64(0), np.int64(start),
            weighed,
        )  # fmt: skip
        context[:] = 0
        for visit, (shown, _, _) in enumerate(expected):
            person = feed.visits.person[visit]
            for item, source, actions, *_ in shown:
                worth = 0 if source in FOUND else int(weight[person])  # as if only what the feed served counted
                interest = F(0)
                for d in range(known.shape[1]):
                    interest = interest + known[person, d] * state.items.topic[item, d]
                a = int(interest * F(1024))
                context[item - start] += (a * worth >> 10, a * a * worth >> 10, (a * worth >> 10) * ("like" in actions))
        assert np.array_equal(weighed.context[0], context) and 0 < context[:, 1].sum() < tally.context[0, :, 1].sum()
        persons = feed.visits.person[:n].tolist()
        served = [
            (p, i, a)
            for p, (shown, _, _) in zip(persons, expected, strict=True)
            for i, s, a, *_ in shown
            if s not in FOUND
        ]
        kept = [(p, i) for p, i, a in served if a & (SIGNALS[0] | SIGNALS[1])]
        columns = [
            column[0, : weighed.engaged_count[0]].tolist() for column in (weighed.engaged_person, weighed.engaged_item)
        ]
        assert list(zip(*columns, strict=True)) == kept and 0 < len(kept) < len(logged)
        worths = reference_look.weighed(expected, persons, weight, group, start, weighed.valued.shape[1:], FOUND)
        for name, twin in zip(("valued", "acted", "lost"), worths, strict=True):
            got = getattr(weighed, name)
            assert np.array_equal(got[0] if name == "valued" else got, twin) and twin.any(), name
        assert (weighed.valued[0, :, :, 2].sum(axis=0) > 0).all()  # both groups
    tally.engaged_count[:] = 0
    people = feed.visits.person[:n].tolist()
    pace = plan.reaction.learning_rate
    learned = reference_look.estimates(expected, people, known, state.items.topic, pace)
    assert np.array_equal(observed.estimate, learned) and (learned != known).any(axis=1).sum() > n / 2
    same = reference_look.counts(expected, people, state.cells.segment, state.items, top_comment, tally)
    for name, twin in same.items():
        got = getattr(tally, name)
        assert np.array_equal(got if name in ("reached", "met") else got[0], twin) and twin.any(), name
    assert tally.items[0, :, 9].tolist() == reference_look.watched(expected, start, feed.window)
    follows, acts = reference_look.follows(expected, people, state.items.author), reference_look.acts(expected, people)
    number = int(tally.follow_count[0])
    columns = [tally.follow_person[0, :number].tolist(), tally.follow_author[0, :number].tolist()]
    assert list(zip(*columns, strict=True)) == follows and len(follows) > 1
    assert tally.acts[0, : tally.acts_count[0]].tolist() == acts and len(acts) > 10
    assert tally.feed[0, 1] == sum(len(shown) + dry for shown, dry, _ in expected)
    tally.follow_count[:] = 0
    counts = np.zeros((end - start, 9), int)
    by_source = np.zeros(len(SOURCES), int)
    for shown, _, _ in expected:
        for item, source, actions, *_ in shown:
            counts[item - start, 0] += 1
            if state.items.labels.candidate[item] >= 0:
                by_source[source] += 1
            for action in actions - {"skip"}:
                counts[item - start, names.index(action)] += 1
    assert np.array_equal(tally.items[0, : end - start, :9], counts)
    assert np.array_equal(tally.provenance[0].sum(axis=(0, 1)), by_source)
    assert any(source == HEATED for shown, _, _ in expected for _, source, *_ in shown) == (model == "fatigue")
    persons = [feed.visits.person[visit] for visit in range(n)]
    by_person = reference.impressions(expected, persons, state.items.labels, tally.impressions.shape)
    assert np.array_equal(tally.impressions, by_person) and (by_person.sum(axis=(0, 1)) > 0).all()
    assert tally.feed[0, 0] == n
    assert tally.feed[0, 3] == sum(len(shown) for shown, _, _ in expected)
    assert tally.well[0].tolist() == reference.well(expected, state.items.primary)
    assert 0 < tally.well[0, 1] < tally.well[0, 2]
    assert tally.feed[0, 2] == sum(dry for _, dry, _ in expected)
    after = [{i for i in live if int(bits[p, (i >> 6) % bits.shape[1]]) >> (i & 63) & 1} for p in range(plan.people)]
    assert after == seen
    assert counts[:, 2].sum() > 0 and by_source.sum() > 0
    tally.items[:] = 0


def test_delivery_and_follows():
    accounts = Accounts(
        official=np.zeros(1, np.int32), start=np.array([0, 2, 3], np.int64), person=np.array([0, 2, 1], np.int32),
        block=np.zeros(2, np.int32), size=np.zeros(2, np.int32), since=np.zeros(2, np.int32),
        newer=np.empty(10, np.int32), used=np.zeros(1, np.int64), spare=np.full(31, -1, np.int32),
        audience=np.array([2, 1], np.int64), followers=np.array([2, 1], np.int64),
    )  # fmt: skip
    done = inbox.add_follows(np.array([1, 1, 0, 2], np.int32), np.array([0, 0, 0, 1], np.int32), 0, 4, accounts)
    assert done == 4 and accounts.followers.tolist() == [3, 2] and accounts.since.tolist() == [1, 1]
    box, place = np.full((3, 2), -1, np.int32), np.zeros(3, np.int32)
    present = np.array([True, True, False, True])
    inbox.deliver_posts(0, 4, 0, 3, np.array([0, 1, 0, 0], np.int32), present, accounts, box, place)
    # Author 0 is followed by 0, 1, 2; author 1 by 1 and 2. Rings of two keep the newest.
    assert box[0].tolist() == [0, 3] and sorted(box[1].tolist()) == [1, 3] and sorted(box[2].tolist()) == [1, 3]
    # Author 1 has room for three; the fourth needs a block of eight, and two entries are left.
    more = np.array([0, 3, 4], np.int32)
    assert inbox.add_follows(more, np.ones(3, np.int32), 0, 3, accounts) == 2 and accounts.followers[1] == 4
    accounts = accounts._replace(newer=np.append(accounts.newer[:8], np.full(8, 99, np.int32)))
    assert inbox.add_follows(more, np.ones(3, np.int32), 2, 3, accounts) == 3 and accounts.followers[1] == 5
    # The block of four is free again, and another author's first.
    assert accounts.spare[2] == accounts.block.min() + 4 and accounts.used[0] == 16


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 60), st.integers(0, 600))
def test_follows_are_a_set_and_posts_reach_all_of_it(seed, authors, people, asked):
    """The plain twin is a Python set for each author, whatever stands in memory that nobody wrote to."""
    gen = np.random.default_rng(seed)
    first = [np.flatnonzero(gen.random(people) < 0.2).astype(np.int32) for _ in range(authors)]
    start = np.append(0, np.cumsum([len(one) for one in first]))
    accounts = Accounts(
        official=np.zeros(1, np.int32), start=start.astype(np.int64), person=np.concatenate(first),
        block=np.zeros(authors, np.int32), size=np.zeros(authors, np.int32), since=np.zeros(authors, np.int32),
        newer=np.full(4096, 7, np.int32), used=np.zeros(1, np.int64), spare=np.full(31, -1, np.int32),
        audience=np.diff(start), followers=np.diff(start).astype(np.int64),
    )  # fmt: skip
    person, author = (gen.integers(0, n, asked).astype(np.int32) for n in (people, authors))
    assert inbox.add_follows(person, author, 0, asked, accounts) == asked
    twin = [set(one.tolist()) for one in first]
    for who, whom in zip(person.tolist(), author.tolist(), strict=True):
        twin[whom].add(who)
    assert accounts.followers.tolist() == [len(one) for one in twin]
    box, place = np.full((people, authors), -1, np.int32), np.zeros(people, np.int32)
    every = np.arange(authors, dtype=np.int32)
    edges = sorted([0, *gen.integers(0, people + 1, gen.integers(0, 3)), people])
    for low, high in itertools.pairwise(edges):  # whoever delivers to whom
        inbox.deliver_posts(0, authors, low, high, every, np.ones(authors, bool), accounts, box, place)
    assert [set(np.flatnonzero((box == a).any(axis=1)).tolist()) for a in range(authors)] == twin
    assert (box >= 0).sum() == sum(map(len, twin))  # nobody gets a post twice
    # Blocks in use and blocks that wait fill what is in use, without overlapping.
    taken = [(int(b), int(n)) for b, n in zip(accounts.block, accounts.size, strict=True) if n]
    for kind, block in enumerate(accounts.spare.tolist()):
        while block >= 0:
            taken.append((block, 1 << kind))
            block = int(accounts.newer[block])
    edges = sorted(taken)
    assert all(a + n == b for (a, n), (b, _) in itertools.pairwise([*edges, (int(accounts.used[0]), 0)]))


def test_counting():
    gen = np.random.default_rng(5)
    events = gen.integers(0, 3, (2, 6, 10)).astype(np.int32)
    events[:, 4] = 0
    events[:, events[:, :, 0].sum(axis=0) == 0] = 0  # nothing happens to an item without a view
    candidate = np.array([-1, -1, 0, 1, -1, 1, 0, -1], np.int8)
    made = no_counts(8)
    total, human, by = np.zeros((8, 10), int), np.zeros((8, 2), int), np.zeros((3, 10), int)
    length, watched = np.array([9, 9, 1.5, 20, 3, 0.25, 60, 0.001], F), np.full(1, 7, np.int64)
    seconds = 7 + reference.count(events.copy(), candidate, total, human, by, 2, 8, length)
    by_candidate = np.zeros((3, 10), np.int64)
    counters.count_people(
        2, 8, events, candidate, made, by_candidate, np.uint64(1), *Key(1, 1).words, np.arange(8, dtype=np.uint32),
        length, watched,
    )  # fmt: skip
    assert np.array_equal(made.total, total) and np.array_equal(made.human, human)
    assert np.array_equal(by_candidate, by)
    assert watched[0] == seconds > 7
    assert events.sum() == 0
    # A second watched is 2^14: 400 million people may watch for an hour a day, a year long.
    events[0, 0, 0], events[0, 0, 9], watched[0] = 1, 1024, 0
    counters.count_people(
        0, 6, events, candidate, made, by_candidate, np.uint64(1), *Key(1, 1).words, np.arange(8, dtype=np.uint32),
        np.ones(8, F), watched,
    )  # fmt: skip
    assert watched[0] == 2**14 < np.iinfo(np.int64).max // (400_000_000 * 365 * 3600)


def test_top_comments_are_a_uniform_sample():
    hits = np.zeros(10)
    keys = np.arange(3000, dtype=np.uint32)
    for item in range(3000):
        top = np.full((3000, 2), -1, np.int8)
        for ordinal in range(10):
            counters.place_comment(top, item, ordinal, ordinal, np.uint64(9), *Key(1, 1).words, keys)
        hits[top[item]] += 1
    assert np.allclose(hits / 3000, 0.2, atol=0.03)


def test_top_comments_are_their_twin():
    key, abouts = Key(5, 1).words, [int(v) for v in np.random.default_rng(4).integers(-1, 3, 12)]
    keys = np.arange(7, 47, dtype=np.uint32)
    top = np.full((40, 2), -1, np.int8)
    for item in range(40):
        for ordinal, about in enumerate(abouts):
            counters.place_comment(top, item, about, ordinal, np.uint64(9), *key, keys)
        assert top[item].tolist() == reference.top_comments(abouts, keys[item], 9, key)


def test_decay():
    gen = np.random.default_rng(1)
    total = gen.integers(0, 50, (4, 10)).astype(np.int64)
    before = total - gen.integers(0, 5, (4, 10))
    decayed = gen.random((10, 4)).astype(F)
    expected = decayed * F(0.5) + (total - before).T.astype(F)
    counters.decay_and_add(0, 4, before, F(0.5), total, decayed, F(1.0))
    assert np.array_equal(decayed, expected) and np.array_equal(before, total)


@pytest.mark.parametrize("kind", [F, float])
def test_decay_rounds_each_sum_once(kind):
    """The world's factor is a Python float: then the sum is worked out in double precision and rounded when it is kept."""
    gen = np.random.default_rng(2)
    total = gen.integers(0, 2000, (1300, 10)).astype(np.int64)
    before = total - np.where(gen.random((1300, 10)) < 0.05, gen.integers(1, 9, (1300, 10)), 0)
    decayed = (50 * gen.random((10, 1300))).astype(F)
    factor, fresh = kind(F(0.98349673)), (total - before).T.astype(F)
    expected = decayed.copy()
    expected[:, 7:1290] = (decayed.astype(kind) * factor + fresh)[:, 7:1290].astype(F)
    twice = decayed * F(factor) + fresh
    counters.decay_and_add(7, 1290, before, factor, total, decayed, F(1.0))
    assert np.array_equal(decayed, expected)
    assert np.array_equal(before[7:1290], total[7:1290]) and not np.array_equal(before, total)
    assert (kind is F) == np.array_equal(twice[:, 7:1290], expected[:, 7:1290])


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.5, 50))
def test_head_logits(events, views, prior):
    decayed = np.zeros((10, 1), F)
    decayed[0, 0], decayed[2, 0] = views, events
    out = np.zeros(1, F)
    counters.head_logits(0, 1, 0, decayed, 2, F(0.04), F(prior), F(4.0), out)
    assert out[0] == pytest.approx(reference.logit_rate(events, views, 0.04, prior, 4.0), rel=1e-4, abs=1e-4)


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40), st.booleans(), st.floats(1, 96, width=32))
def test_values_and_odds_of_items(scores, ratio, half_life):
    """What retrieval sorts by, the odds against an action, and the item's part of utility."""
    score = np.array(scores, F)
    age, out, odds = np.arange(len(score)).astype(F), np.zeros(len(score), F), score.copy()
    counters.log_value(len(score), score, ratio, age, F(half_life), out)
    assert out.tolist() == [
        reference.retrieval_value(s, ratio, a, F(half_life)) for s, a in zip(score, age, strict=True)
    ]
    counters.odds_against(len(score), odds)
    assert np.allclose(odds, np.exp(-score.astype(float)), rtol=1e-5)
    predictor.true_utility(3, 3 + len(score), 3, np.append(np.zeros(3, F), score), age, F(0.5), F(0.25), F(2), out)
    assert out.tolist() == [F(F(0.5) * s + F(0.25) * a) - F(2) for s, a in zip(score, age, strict=True)]


def test_weighted_events_are_folded_and_cleared():
    gen = np.random.default_rng(6)
    events, valued = gen.integers(0, 3, (2, 5, 3, 10)), gen.integers(0, 9, (8, 3, 10))
    events[events[..., 0] == 0] = 0  # nothing happens to an item without a view
    expected = valued.copy()
    expected[2:7] += events.sum(axis=0)
    weighing.fold_weighed(2, 7, events, valued)
    assert np.array_equal(valued, expected) and not events.any()


def test_demoted_scores(small):
    """Factors for all and, for pool positions only, for strangers; what was shown, has expired or is not there stays."""
    world = world_of(small, steps=27)
    feed, (start, end), gen = world.feed, world.window, np.random.default_rng(7)
    world.people.visit()
    feed.item_terms(world.now, start, end)
    feed.retrieve(world.now, start, end)
    n, observed, pools = min(50, world.people.visiting), world.state.observed, feed.pools
    pools.size[::2] -= 3
    beyond, everywhere = (gen.choice([0, 0.5, 1, 1], end - start).astype(F) for _ in range(2))
    before = gen.normal(size=(n, feed.scores[0].shape[1])).astype(F)
    scores = before.copy()
    weighing.demote_block(0, n, feed.visits, pools, observed, np.int64(start), beyond, everywhere, scores)
    width = pools.item.shape[1]
    for visit in range(n):
        person, stratum = feed.visits.person[visit], feed.visits.stratum[visit]
        places = [(j, int(pools.item[stratum, j]), beyond) for j in range(pools.size[stratum])]
        places += [(width + j, int(i), None) for j, i in enumerate(observed.inbox[person])]
        expected = before[visit].copy()
        for column, item, factor in places:
            seen = int(observed.seen[person, (item >> 6) % observed.seen.shape[1]]) >> (item & 63) & 1
            if item < start or (factor is None and seen):
                continue
            both = everywhere[item - start] * (F(1) if factor is None else factor[item - start])
            expected[column] = reference.demoted(before[visit, column], both)
        assert np.array_equal(scores[visit], expected)
    assert (scores[:, width:] != before[:, width:]).any() and (scores[:, :width] != before[:, :width]).any()


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=60), st.floats(1, 8), st.floats(0.1, 0.9))
def test_soft_threshold(values, slope, share):
    got = gates.soft_threshold(np.array(values, F), F(slope), F(share))
    assert got == pytest.approx(reference.soft_threshold(values, slope, share), abs=2e-3)


@pytest.mark.parametrize("hard", [False, True])
def test_gates(hard):
    n = 4000
    total = np.zeros((n, 10), np.int64)
    total[:, 0] = np.arange(n) % 7
    stage, stage_views = np.zeros(n, np.int8), np.zeros(n, np.int32)
    stage[::5] = 1
    value = np.linspace(-1, 1, n).astype(F)
    passed = np.zeros(4, np.int64)
    values, where = np.zeros(n, F), np.zeros(n, np.int8)
    before = stage.copy()
    arrivals = counters.pass_gates(
        0, n, value, total, np.array([3, 5], F), np.zeros(4, F), F(3), hard, np.uint64(1), *Key(2, 2).words,
        np.arange(n, dtype=np.uint32), stage, stage_views, values, where, passed,
    )  # fmt: skip
    reached = np.where(before == 0, total[:, 0] >= 3, total[:, 0] >= 5)
    assert arrivals == reached.sum() and np.array_equal(stage[~reached], before[~reached])
    promoted = stage[reached] == before[reached] + 1
    words = Key(2, 2).words
    assert promoted.tolist() == [
        bool(reference.passes(value[k], F(0), F(3), hard, k, int(before[k]), 1, words)) for k in np.flatnonzero(reached)
    ]
    if hard:
        assert np.array_equal(promoted, value[reached] >= 0)
    else:
        expected = 1 / (1 + np.exp(-3 * value[reached].astype(float)))
        assert promoted.mean() == pytest.approx(expected.mean(), abs=0.03)
        assert np.corrcoef(promoted, expected)[0, 1] > 0.4
    assert passed.sum() == promoted.sum() and set(stage[reached][~promoted]) <= {100}


def test_thresholds_are_of_all_arrivals(small):
    """However many items reach a gate in one step, each counts for its threshold."""
    content = {"items_per_day": 12_000, "real_items_per_day": assumed(12_000.0)}
    scenario = changed(
        small, content=content, platform={"gates": small.platform.gates.model_copy(update={"mode": "hard"})}
    )
    world = world_of(scenario, steps=5)  # the first day is not over: no threshold has been set
    platform, state, (start, end) = world.platform, world.state, world.window
    count, before = end - start, platform.arrivals.sum()
    stage = state.counters.stage[start:end]
    stage[:] = np.arange(count) % 2
    state.counters.total[start:end, 0] = 10**6
    world.feed.gate_value[:count] = np.random.default_rng(1).permutation(count)
    known = [values[gate == number].tolist() for values, gate in platform.arrived for number in (0, 1)]
    platform.learn(start, end)
    assert platform.arrivals.sum() - before == count > 4096
    platform.adapt()
    for number, share in enumerate((0.6, 0.7)):
        here = np.sort([*world.feed.gate_value[number:count:2], *itertools.chain(*known[number::2])])
        assert state.threshold[number] == here[int((1 - share) * len(here))]


@given(st.floats(0.01, 5), st.floats(0, 0.9990000128746033, width=32))
def test_poisson_twin(rate, u):
    """The inversion that campaigns use has the right distribution function."""
    from scipy.stats import poisson

    n = reference.poisson(F(u), rate)
    assert poisson.cdf(n, rate) > u - 1e-5 and (n == 0 or poisson.cdf(n - 1, rate) <= u + 1e-5)


def test_planned_acts():
    """Who acts how often: dose nested, dormant aged accounts, ramp; against the plain inversion."""
    from recsim.kernels.acts import Shift, plan_acts

    n, key = 50, Key(4, 1)
    gen = np.random.default_rng(2)
    aged, delay = gen.random(n) < 0.4, gen.random(n).astype(F)
    shift = Shift(
        np.float64(1.7),
        True,
        np.float64(30.5),
        np.float64(6),
        np.float64(10),
        np.float64(0.3),
        np.float64(40),
        np.int64(50),
    )
    times, awake = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    active = gen.random(n) < 0.9
    total = plan_acts(aged, delay, active, shift, np.uint64(77), *key.words, np.uint64(5), times, awake)
    for who in range(n):
        ready = float(delay[who]) * 10 <= 6
        weight = min(max(30.5 - who, 0), 1) if ready and active[who] else 0.0
        assert awake[who] == (weight > 0)
        if weight == 0 and aged[who] and active[who] and who < 40:
            weight = 0.3
        u = reference.unit(reference.draws(who, 0, 77, 5, 8, key.words)[0])
        assert times[who] == (reference.poisson(u, F(1.7 * weight)) if weight else 0)
    assert total == times.sum() > 10 and not active.all()


def test_the_largest_draw_is_few_acts():
    """Chances that add up to a little less than 1 in float32 leave no room for an account to act on and on."""
    from recsim.kernels.acts import Shift, plan_acts

    n, key, step = 1298, Key(9, 2), 3385
    assert reference.unit(reference.draws(n - 1, 0, 123, step, 8, key.words)[0]) == F(1 - 2**-24)
    rate, everyone = np.float64(0.028756220908444614), np.float64(n)
    shift = Shift(rate, True, everyone, np.float64(0), np.float64(0), np.float64(0), everyone, np.int64(n))
    times, none = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    plan_acts(none, np.zeros(n, F), ~none, shift, np.uint64(123), *key.words, np.uint64(step), times, none.copy())
    assert 3 <= times[-1] <= 6 and times[:-1].max() <= 3


def test_models_of_a_visit_do_what_they_say(small):
    """Cascade: early positions earn more likes per view; fatigue: visits of the same topics please less. Rates stay near."""
    facts = {}
    for model in ("logistic", "cascade", "fatigue"):
        frames = frames_of(changed(small, response={"model": model}))
        shared = frames["facts"][frames["facts"]["arm"] == "shared"]
        facts[model] = dict(zip(shared["name"], shared["value"], strict=True))
    assert len({f["like_rate"] for f in facts.values()}) == 3
    for f in facts.values():
        assert f["like_rate"] == pytest.approx(facts["logistic"]["like_rate"], rel=0.4)
        assert f["videos_per_visit"] == pytest.approx(facts["logistic"]["videos_per_visit"], rel=0.3)


@pytest.mark.parametrize("policy", ["popular_decayed", "chrono_following", "tiktok_value"])
def test_scores_that_are_the_same_for_everybody(small, policy):
    """Handing out one score per item gives the bits that scoring every pair gives, and only where nobody's taste counts."""
    world = world_of(changed(small, platform={"policy": policy}), steps=27)
    feed, (start, end) = world.feed, world.window
    assert feed.hoisted == (policy != "tiktok_value")
    world.people.visit()
    feed.item_terms(world.now, start, end)
    feed.stale = True
    feed.hoisted, hoisted = False, feed.hoisted
    feed.retrieve(world.now, start, end)
    n = min(60, world.people.visiting)
    feed.score_block(world.now, start, 0, 0, n)
    pairs = feed.scores[0][:n].copy()
    feed.scores[0][:] = 7
    retrieval.hand_out_scores(
        0, n, feed.visits.person, feed.visits.stratum, feed.pools.item, feed.pools.size, world.state.observed.inbox,
        feed.score, np.int64(start), feed.scores[0],
    )  # fmt: skip
    handed = feed.scores[0][:n]
    assert np.array_equal(np.isinf(handed), np.isinf(pairs)) and np.isfinite(handed).any()
    assert np.array_equal(handed, pairs) == hoisted
    for v in range(0, n, 9):
        for j in range(feed.pools.item.shape[1]):
            filled = j < feed.pools.size[feed.visits.stratum[v]]
            expected = feed.score[feed.pools.item[feed.visits.stratum[v], j] - start] if filled else -np.inf
            assert handed[v, j] == expected
