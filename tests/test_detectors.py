"""Detectors: against plain twins, small examples worked by hand, invariances, published bounds, rates and intervals."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import reference_detectors as twin
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim.agents.detectors import (
    DETECTORS,
    Facts,
    Finding,
    Log,
    Truth,
    describe,
    detect,
    get_detector,
    listing,
    measure,
    only,
    settled,
    wilson,
)
from recsim.agents.detectors.dense_block import densest
from recsim.agents.detectors.graph_trust import TOTAL, split, spread
from recsim.agents.detectors.log import first_acts, starts
from recsim.agents.detectors.pairing import logs
from recsim.errors import InputError
from recsim.kernels.peel import peel
from recsim.rng import Key
from recsim.scenario.quantity import Evidence
from recsim.state import FOLLOW, LIKE, VIEW

ACCOUNTS = 9
ROW = st.tuples(st.integers(0, ACCOUNTS - 1), st.integers(0, 5), st.sampled_from([0, 2, 2, 2, 3, 5]), st.integers(0, 8))
ROWS = st.lists(ROW, max_size=70).map(lambda rows: sorted(rows, key=lambda r: r[3]))
EDGES = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=14)
REAL = [n for n, d in DETECTORS.items() if not d.reads_truth]
LOOSE = {
    "synchrony": {"similarity": 0.4, "common": 2, "smallest": 2},
    "cliques": {"npmi": 0.05, "overlap": 0.2, "common": 2, "pseudo_count": 0, "items": 2, "smallest": 2},
    "dense_block": {"fill": 0.5},
    "graph_trust": {"lowest": 0.3},
    "account_rate": {"rate": 3},
    "shared_address": {"accounts": 1},
}


def log_of(rows):
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Log(*(c.astype(t) for c, t in zip(columns, (np.int32, np.int32, np.int8, np.int32), strict=True)))


def facts_of(accounts=ACCOUNTS, seeds=(0, 3), address=None, created=None, step_hours=1.0):
    known = np.zeros(accounts, bool)
    known[list(seeds)] = True
    return Facts(
        accounts, np.full(accounts, -5, np.int32) if created is None else np.asarray(created, np.int32),
        np.arange(accounts, dtype=np.int32) // 2 if address is None else np.asarray(address, np.int32), known, step_hours,
    )  # fmt: skip


def groups(finding):
    return {
        frozenset(np.flatnonzero(finding.cluster == k).tolist()) for k in range(finding.cluster.max(initial=-1) + 1)
    }


def log_unit(n):
    return int(logs(np.array([n]))[0])


# against the twins


@given(ROWS, st.integers(0, 3), st.sampled_from([0.2, 0.5, 1.0]), st.integers(1, 3), st.sampled_from([1, 2, 100]))
def test_synchrony_is_its_twin(rows, window, similarity, common, cap):
    p = {"window": window, "similarity": similarity, "common": common, "smallest": 3, "cap": cap}
    found = detect("synchrony", log_of(rows), facts_of(), p)
    clusters, score = twin.synchrony(rows, ACCOUNTS, **p)
    assert groups(found) == set(clusters) and found.score.tolist() == score
    assert set(np.flatnonzero(found.flagged)) == set().union(*clusters)


@pytest.mark.parametrize("cap", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_crowded_targets_are_as_in_the_twins(cap, seed):
    """Many accounts at once on few targets, and some with too few targets to be compared: the cap binds."""
    g = np.random.default_rng(seed)
    rows = sorted(zip(*(g.integers(0, n, 120).tolist() for n in (12, 8, 1, 2)), strict=True), key=lambda r: r[3])
    rows = [(a if g.random() < 0.8 else 12 + k % 12, i, LIKE, t) for k, (a, i, _, t) in enumerate(rows)]
    p = {"window": 0, "similarity": 0.25, "common": 3, "smallest": 2, "cap": cap}
    found = detect("synchrony", log_of(rows), facts_of(24), p)
    clusters, score = twin.synchrony(rows, 24, **p)
    assert groups(found) == set(clusters) and found.score.tolist() == score and clusters
    p = {
        "window": 1, "npmi": 0.1, "overlap": 0.3, "common": 3, "pseudo_count": 1, "inclusion": 0.5, "items": 2,
        "smallest": 2, "cap": cap,
    }  # fmt: skip
    found = detect("cliques", log_of(rows), facts_of(24), p)
    clusters, score = twin.cliques(rows, 24, **p, log=log_unit)
    assert groups(found) == set(clusters) and found.score.tolist() == score and any(score)


@given(ROWS, st.integers(0, 4), st.sampled_from([0.05, 0.3, 0.6]), st.sampled_from([0, 2]), st.sampled_from([1, 100]))
def test_cliques_is_its_twin(rows, window, npmi, pseudo, cap):
    p = {
        "window": window, "npmi": npmi, "overlap": 0.4, "common": 2, "pseudo_count": pseudo, "inclusion": 0.5, "items": 2,
        "smallest": 3, "cap": cap,
    }  # fmt: skip
    found = detect("cliques", log_of(rows), facts_of(), p)
    clusters, score = twin.cliques(rows, ACCOUNTS, **p, log=log_unit)
    assert groups(found) == set(clusters) and found.score.tolist() == score


def test_logarithms_are_the_natural_ones_in_fixed_point():
    n = np.unique(np.concatenate((np.arange(1, 3000), np.geomspace(3000, 1e7, 400).astype(int))))
    assert np.abs(logs(n) - np.array([65536 * math.log(i) for i in n])).max() < 1


@given(EDGES)
def test_dense_block_is_its_twin_and_has_half_of_the_best_density(edges):
    actor, item = np.array(sorted(edges)).T
    found = densest(actor, item)
    accounts, items = twin.peeled(edges, log_unit)
    assert set(found.accounts) == accounts and set(found.items) == items
    weight = twin.edge_weights(edges, log_unit)
    f, n = twin.density(edges, weight, accounts, items)
    assert found.weight == f and found.edges == sum(a in accounts and i in items for a, i in edges)
    left, right = sorted(set(actor.tolist())), sorted(set(item.tolist()))
    best = 0.0
    for some in itertools.chain.from_iterable(itertools.combinations(left, k) for k in range(1, len(left) + 1)):
        # Given the accounts, the best items are those with the most weight: no need to try every set.
        gains = sorted((sum(weight[i] for a, i in edges if a in some and i == j) for j in right), reverse=True)
        best = max(best, *(sum(gains[:k]) / (len(some) + k) for k in range(len(right) + 1)))
    assert 2 * f / n >= best * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_peeling_of_a_larger_graph_is_its_twin(seed):
    g = np.random.default_rng(seed)
    edges = {(int(a), int(i)) for a, i in zip(*(g.integers(0, n, 150) ** 2 // n for n in (30, 20)), strict=True)}
    found = densest(*np.array(sorted(edges)).T)
    assert (set(found.accounts), set(found.items)) == twin.peeled(edges, log_unit)
    assert 2 < len(found.accounts) < len({a for a, _ in edges})


@settings(max_examples=150)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 999))
def test_peeling_removes_the_smallest_each_time(n, m, seed):
    """The whole order, with priors and weights that tie often."""
    g = np.random.default_rng(seed)
    use = g.random((n, m)) < 0.4
    actor, item = np.nonzero(use)
    prior, weight = g.integers(0, 4, n), g.integers(1, 4, m)
    order, best = np.empty(n + m, np.int64), np.zeros(3, np.int64)
    by_item = np.argsort(item, kind="stable")
    peel(starts(actor, n), item, starts(item[by_item], m), actor[by_item], prior, weight, order, best)
    left, means = set(range(n + m)), []
    for node in order.tolist():
        here = np.isin(np.arange(n + m), list(left))
        inside = use & here[:n, None] & here[None, n:]
        mine = np.concatenate((prior + inside @ weight, weight * inside.sum(0)))
        assert node == min(left, key=lambda k: (mine[k], k))
        means.append((int(prior[here[:n]].sum() + (inside @ weight).sum()), len(left)))
        left.remove(node)
    top = max(Fraction(*mean) for mean in means)
    first = next(k for k, mean in enumerate(means) if Fraction(*mean) == top)
    assert best.tolist() == [first, *means[first]]


@given(EDGES, st.integers(0, 5))
def test_trust_is_its_twin_and_is_conserved(edges, steps):
    actor, item = np.array(sorted(edges)).T
    seeds = sorted({int(actor[0]), int(actor[-1])})
    start = np.zeros(5, np.int64)
    start[seeds] = split(np.array([TOTAL]), np.array([0, len(seeds)]))
    after = spread(start, actor, item, 5, steps)
    assert after.tolist() == twin.trust(edges, 5, seeds, steps)
    assert after.sum() == TOTAL
    # The published walk on the weighted graph of accounts, in floats.
    use = np.zeros((5, 5))
    use[actor, item] = 1
    degree, spread_by = use.sum(1), use / np.maximum(use.sum(0), 1)
    w = use @ spread_by.T
    assert np.allclose(w, w.T) and np.allclose(w.sum(1), degree)
    t = start.astype(float)
    for _ in range(steps):
        t = w.T @ np.divide(t, degree, out=np.zeros(5), where=degree > 0)
    assert np.allclose(after, t, atol=100)


@given(ROWS, st.integers(0, 3))
def test_graph_trust_flags_the_lowest(rows, steps):
    edges = {(a, i) for a, i, action, _ in rows if action in twin.ACTS}
    seeds = [a for a in (0, 3) if any(b == a for b, _ in edges)]
    found = detect("graph_trust", log_of(rows), facts_of(), {"steps": steps, "lowest": 0.3})
    ranked = sorted({a for a, _ in edges})
    if not seeds:
        assert not found.flagged.any()
        return
    have = twin.trust(edges, ACCOUNTS, seeds, steps or (len(ranked) - 1).bit_length())
    ratio = {a: have[a] * 1024 // sum(b == a for b, _ in edges) for a in ranked}
    last = sorted(ratio.values())[max(1, int(0.3 * len(ranked))) - 1]
    assert set(np.flatnonzero(found.flagged)) == {a for a in ranked if ratio[a] <= last}
    assert all(found.score[a] == max(ratio.values()) - ratio[a] for a in ranked)


@given(ROWS, st.lists(st.integers(-50, 8), min_size=ACCOUNTS, max_size=ACCOUNTS), st.sampled_from([1.0, 6.0]))
def test_account_rate_is_its_twin(rows, created, step_hours):
    found = detect(
        "account_rate", log_of(rows), facts_of(created=created, step_hours=step_hours), {"age": 1, "rate": 2}
    )
    most = twin.account_rate(rows, ACCOUNTS, created, 24 / step_hours, 24 // step_hours)
    assert found.score.tolist() == most and found.flagged.tolist() == [n > 2 for n in most]


@given(st.lists(st.integers(-1, 4), min_size=ACCOUNTS, max_size=ACCOUNTS), st.integers(1, 4))
def test_shared_address_counts_accounts(address, limit):
    found = detect("shared_address", log_of([]), facts_of(address=address), {"accounts": limit})
    assert found.score.tolist() == [0 if a < 0 else address.count(a) for a in address]
    assert found.flagged.tolist() == [n > limit for n in found.score]
    many = {a for a in address if a >= 0 and address.count(a) > limit}
    assert groups(found) == {frozenset(i for i, b in enumerate(address) if b == a) for a in many}


def truth_of(count, seed=7):
    g = np.random.default_rng(seed)
    population = np.where(np.arange(count) < count // 2, 11, 99).astype(np.uint32)
    number = np.arange(count, dtype=np.uint32) % np.uint32(max(1, count // 2))
    return Truth(g.random(count) < 0.3, population, number, Key(seed, 1))


def test_noise_is_its_twin():
    truth, p = truth_of(200), {"recall": 0.6, "false_positive_rate": 0.3, "number": 4}
    found = detect("noise", log_of([]), facts_of(200), p, truth)
    expected = twin.noise(truth.inauthentic, truth.population, truth.number, 4, 0.6, 0.3, (7, 1))
    assert found.flagged.tolist() == expected


# small examples


def together(accounts, items, step, action=LIKE):
    return [(a, i, action, step) for i in items for a in accounts]


def test_synchrony_by_hand():
    """Three accounts like four posts in one hour, a fourth three hours later, a fifth likes one of them only."""
    rows = [*together([1, 2, 3], range(4), 5), (5, 0, LIKE, 5), *together([4], range(4), 8)]
    p = {"smallest": 3, "common": 4, "similarity": 0.5}
    found = detect("synchrony", log_of(rows), facts_of(), {**p, "window": 1})
    assert groups(found) == {frozenset({1, 2, 3})} and found.score[[1, 4, 5]].tolist() == [1024, 0, 0]
    wider = detect("synchrony", log_of(rows), facts_of(), {**p, "window": 3})
    assert groups(wider) == {frozenset({1, 2, 3, 4})}
    # Four other likes each: 4 / 12 in common is less than a half.
    more = sorted(rows + [(a, 10 * a + k, LIKE, 6) for a in (1, 2, 3) for k in range(4)], key=lambda r: r[3])
    assert not detect("synchrony", log_of(more), facts_of(), {**p, "window": 1}).flagged.any()
    viewed = [(a, i, VIEW, t) for a, i, _, t in rows]
    assert not detect("synchrony", log_of(viewed), facts_of(), {**p, "window": 1}).flagged.any()


def test_hours_become_steps():
    rows = together([1, 2], range(4), 5) + together([3], range(4), 6)
    p = {"smallest": 2, "common": 4, "window": 1}
    assert groups(detect("synchrony", log_of(rows), facts_of(step_hours=1.0), p)) == {frozenset({1, 2, 3})}
    assert groups(detect("synchrony", log_of(rows), facts_of(step_hours=2.0), p)) == {frozenset({1, 2})}


def test_single_linkage_chains():
    """1 is like 2 and 2 like 3, 1 and 3 have nothing in common: one cluster all the same."""
    rows = together([1, 2], [0, 1], 0) + together([2, 3], [2, 3], 0)
    p = {"smallest": 3, "common": 2, "similarity": 0.5}
    assert groups(detect("synchrony", log_of(rows), facts_of(), p)) == {frozenset({1, 2, 3})}


def test_cliques_drop_who_hangs_on_by_one_friend():
    """Six accounts share thirty posts; a seventh shares ten others with one of them and is linked, but not a member."""
    rows = together(range(6), range(30), 0) + together([0, 6], range(100, 110), 0)
    p = {"pseudo_count": 0, "npmi": 0.05, "overlap": 0.25}
    assert groups(detect("cliques", log_of(rows), facts_of(), p)) == {frozenset(range(6))}
    assert not detect("cliques", log_of(rows), facts_of(), {**p, "items": 31}).flagged.any()


def test_dense_block_finds_a_planted_block_and_leaves_the_crowd():
    g = np.random.default_rng(2)
    crowd = [(int(a), int(i), LIKE, 0) for a, i in zip(g.integers(0, 300, 900), g.integers(0, 300, 900), strict=True)]
    block = [(a, i, LIKE, 0) for a in range(300, 340) for i in range(400, 420)]
    disguise = [(a, int(i), LIKE, 0) for a in range(300, 340) for i in g.integers(0, 300, 5)]
    found = detect("dense_block", log_of(crowd + block + disguise), facts_of(340))
    assert groups(found) == {frozenset(range(300, 340))}
    assert not detect("dense_block", log_of(crowd), facts_of(340)).flagged.any()
    followed = [(a, i, FOLLOW, t) for a, i, _, t in block]
    assert detect("dense_block", log_of(crowd + followed), facts_of(340), {"follows": 1}).flagged.sum() == 40
    assert not detect("dense_block", log_of(crowd + block), facts_of(340), {"follows": 1}).flagged.any()


def test_trust_does_not_reach_an_island():
    """Accounts 6-8 like only posts that nobody else likes."""
    rows = together(range(6), range(3), 0) + together([6, 7, 8], [10, 11], 0)
    found = detect("graph_trust", log_of(rows), facts_of(), {"lowest": 0.3})
    assert set(np.flatnonzero(found.flagged)) == {6, 7, 8}
    assert not detect("graph_trust", log_of(rows), facts_of(seeds=()), {}).flagged.any()


def test_a_cap_only_loses_links():
    g = np.random.default_rng(3)
    rows = [(int(a), int(i), LIKE, 0) for a, i in zip(g.integers(0, 60, 1500), g.integers(0, 40, 1500), strict=True)]
    p = {"similarity": 0.3, "common": 2, "smallest": 2}
    found = [detect("synchrony", log_of(rows), facts_of(60), {**p, "cap": cap}) for cap in (1, 3, 10, 60)]
    for less, more in itertools.pairwise(found):
        assert (less.score <= more.score).all()
        assert all(any(a <= b for b in groups(more)) for a in groups(less))
    assert found[0].flagged.sum() < found[-1].flagged.sum()


def test_a_cap_still_finds_a_large_network_on_popular_posts():
    """200 accounts that like the same 12 posts as 800 others who each like one of them, compared with 40 at a time."""
    g = np.random.default_rng(4)
    accounts = g.permutation(1000)
    rows = together(accounts[:200].tolist(), range(12), 0) + [
        (int(a), int(g.integers(12)), LIKE, 0) for a in accounts[200:]
    ]
    found = detect("synchrony", log_of(rows), facts_of(1000), {"cap": 40})
    assert groups(found) == {frozenset(accounts[:200].tolist())}


# what must not matter


@pytest.mark.parametrize("name", REAL)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_order_within_a_step_does_not_matter(name, rows, seed):
    g = np.random.default_rng(seed)
    mixed = sorted((rows[k] for k in g.permutation(len(rows))), key=lambda r: r[3])
    a, b = (detect(name, log_of(x), facts_of(), LOOSE[name]) for x in (rows, mixed))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", [n for n in REAL if n != "account_rate"])
@given(rows=ROWS, seed=st.integers(0, 99))
def test_repeating_an_action_does_not_matter(name, rows, seed):
    g = np.random.default_rng(seed)
    later = [(a, i, action, t + int(g.integers(0, 4))) for a, i, action, t in rows if g.random() < 0.5]
    a, b = (detect(name, log_of(x), facts_of(), LOOSE[name]) for x in (rows, sorted(rows + later, key=lambda r: r[3])))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["synchrony", "cliques", "account_rate", "shared_address"])
@given(rows=ROWS, seed=st.integers(0, 99))
def test_account_numbers_do_not_matter(name, rows, seed):
    g = np.random.default_rng(seed)
    new, items = g.permutation(ACCOUNTS), g.permutation(6)
    back = np.argsort(new)
    facts = facts_of()
    moved = Facts(ACCOUNTS, facts.created[back], facts.address[back], facts.seeds[back], 1.0)
    a = detect(name, log_of(rows), facts, LOOSE[name])
    b = detect(name, log_of([(new[r[0]], items[r[1]], r[2], r[3]) for r in rows]), moved, LOOSE[name])
    assert np.array_equal(a.score, b.score[new]) and np.array_equal(a.flagged, b.flagged[new])
    assert {frozenset(int(new[k]) for k in group) for group in groups(a)} == groups(b)


@given(ROWS, st.integers(0, 99))
def test_account_numbers_hardly_matter_to_trust(rows, seed):
    """Remainders go to the first neighbours: a few parts of 2^-40."""
    new = np.random.default_rng(seed).permutation(ACCOUNTS)
    a = detect("graph_trust", log_of(rows), facts_of(), {})
    b = detect("graph_trust", log_of([(new[r[0]], *r[1:]) for r in rows]), facts_of(seeds=new[[0, 3]]), {})
    assert np.abs(a.score - b.score[new]).max() <= 1024 * 200


@pytest.mark.parametrize("name", REAL)
@given(rows=ROWS)
def test_clusters_are_a_partition_of_flagged_accounts(name, rows):
    found = detect(name, log_of(rows), facts_of(), LOOSE[name])
    assert found.score.dtype == np.int64 and found.flagged.dtype == bool and found.cluster.dtype == np.int32
    assert all(len(column) == ACCOUNTS for column in found)
    assert (found.cluster >= 0).sum() in (0, found.flagged.sum()) and not (found.cluster >= 0)[~found.flagged].any()
    smallest = [min(np.flatnonzero(found.cluster == k)) for k in range(found.cluster.max() + 1)]
    assert smallest == sorted(smallest)


@pytest.mark.parametrize("name", REAL)
def test_an_empty_log(name):
    facts = facts_of(address=np.full(ACCOUNTS, -1))
    for log in (log_of([]), log_of([(0, 0, VIEW, 0)])):
        found = detect(name, log, facts)
        assert not found.flagged.any() and not found.score.any() and (found.cluster == -1).all()


# the noise model


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 50))
def test_noise_has_the_rates_it_is_given(recall, false_positive_rate, seed):
    """Within 4.5 standard deviations of the binomial, and of one account."""
    truth = truth_of(4000, seed)
    p = {"recall": recall, "false_positive_rate": false_positive_rate}
    found = detect("noise", log_of([]), facts_of(4000), p, truth)
    for rate, among in ((recall, truth.inauthentic), (false_positive_rate, ~truth.inauthentic)):
        n = among.sum()
        assert abs(found.flagged[among].sum() - n * rate) <= 4.5 * math.sqrt(n * rate * (1 - rate)) + 1


def test_noise_is_nested_and_stays_with_the_account():
    truth = truth_of(2000)
    facts, log = facts_of(2000), log_of([])
    low, high = (
        detect("noise", log, facts, {"recall": r, "false_positive_rate": r / 2}, truth).flagged for r in (0.3, 0.6)
    )
    assert low.sum() > 100 and not (low & ~high).any()
    keep = np.r_[0:500, 1200:2000]  # other accounts of both populations leave
    fewer = Truth(truth.inauthentic[keep], truth.population[keep], truth.number[keep], truth.key)
    again = detect("noise", log, facts_of(len(keep)), {"recall": 0.6, "false_positive_rate": 0.3}, fewer).flagged
    assert np.array_equal(again, high[keep])
    other = detect("noise", log, facts, {"recall": 0.6, "false_positive_rate": 0.3, "number": 1}, truth).flagged
    assert 0 < (other & high).sum() < min(other.sum(), high.sum())


# rates, registry, errors


def test_measure_by_hand():
    bad = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    flagged = np.array([1, 1, 0, 1, 0, 0, 0, 0], bool)
    m = measure(Finding(np.zeros(8, np.int64), flagged, np.full(8, -1, np.int32)), bad)
    assert [(r.hits, r.of) for r in m] == [(2, 3), (2, 3), (1, 5)]
    assert describe(m)["false_positive_rate"] == "0.200 [0.036-0.624] 1/5"
    nobody = measure(Finding(np.zeros(8, np.int64), np.zeros(8, bool), np.full(8, -1, np.int32)), np.zeros(8, bool))
    assert (
        math.isnan(nobody.precision.value) and math.isnan(nobody.recall.low) and nobody.false_positive_rate.value == 0
    )
    assert describe(nobody)["precision"] == "undefined"


@given(st.integers(1, 500), st.floats(0, 1))
def test_wilson_bounds_are_where_the_score_test_turns(of, share):
    hits = round(of * share)
    rate = wilson(hits, of)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    for bound in (rate.low, rate.high):
        if 0 < bound < 1:
            z = abs(hits / of - bound) / math.sqrt(bound * (1 - bound) / of)
            assert z == pytest.approx(1.959964, rel=1e-4)


def test_parameters_are_checked():
    assert get_detector("synchrony").name == "synchrony"
    with pytest.raises(InputError, match="did you mean 'synchrony'"):
        get_detector("sinchrony")
    with pytest.raises(InputError, match="did you mean 'window'"):
        detect("synchrony", log_of([]), facts_of(), {"windw": 1})
    with pytest.raises(InputError, match=r"got similarity = 2, must be in \[0.01, 1\]"):
        settled(DETECTORS["synchrony"], {"similarity": 2})
    with pytest.raises(InputError, match="whole number"):
        settled(DETECTORS["synchrony"], {"smallest": 2.5})
    with pytest.raises(InputError, match="a number is needed"):
        settled(DETECTORS["synchrony"], {"window": "an hour"})
    with pytest.raises(ValueError, match="needs it"):
        detect("noise", log_of([]), facts_of())
    with pytest.raises(ValueError, match="sorted by step"):
        detect("synchrony", log_of([(0, 0, LIKE, 3), (0, 1, LIKE, 2)]), facts_of())
    with pytest.raises(ValueError, match="account numbers from 0 to 9"):
        detect("cliques", log_of([(0, 0, LIKE, 3), (9, 1, LIKE, 3)]), facts_of())


def test_every_parameter_says_where_it_comes_from():
    for detector in DETECTORS.values():
        assert detector.source and detector.published and detector.evidence in Evidence.__args__
        for name, one in detector.parameters.items():
            assert one.low <= one.default <= one.high and one.unit and one.source, (detector.name, name)
            assert one.evidence in Evidence.__args__ and (not one.whole or one.default == int(one.default))
    assert [row["name"] for row in listing()] == list(DETECTORS)


def test_only_and_first_acts():
    log = log_of([(1, 5, LIKE, 0), (0, 5, VIEW, 0), (1, 5, FOLLOW, 1), (1, 5, LIKE, 2), (0, 5, LIKE, 3)])
    assert only(log, (FOLLOW,)).step.tolist() == [1]
    both = first_acts(log, 2)
    assert both.actor.tolist() == [1, 0] and both.step.tolist() == [0, 3] and both.targets == 1
    assert first_acts(log, 2, by_action=True).targets == 2


def test_a_share_of_nobody_flags_nobody():
    rows = [(account, item, LIKE, 0) for account in range(6) for item in (account // 2, 9)]
    found = detect("graph_trust", log_of(rows), facts_of(), {"lowest": 0.0})
    assert not found.flagged.any() and found.score.any()
