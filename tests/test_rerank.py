"""Re-rankers: compiled against plain, the whole stage against its twin, published values, properties, worlds."""

import itertools
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from helpers import changed, frames_of, world_of
from hypothesis import given
from hypothesis import strategies as st

import recsim
from recsim.audit import controls
from recsim.errors import InputError
from recsim.kernels import rerank as kernels
from recsim.kernels.counters import log_value
from recsim.kernels.slate import LOWEST, sortable
from recsim.ranking import registry
from recsim.ranking.compile import compile_policy
from recsim.ranking.presets import PRESETS
from recsim.ranking.rerank import RERANKERS
from recsim.ranking.rerank.fa_ir import least_protected
from recsim.ranking.rerank_check import check_rerank, run_compiled, run_plain
from recsim.ranking.reranker import with_rerankers

F = np.float32
ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "recsim" / "ranking" / "conformance").glob("*.json"))
FILES = [f for f in FILES if json.loads(f.read_text())["kind"] == "rerank"]
HALF = 0.5


@recsim.reranker(old_h=24.0, meta={"title": "drops what is old"})
def drop_old(s, p):
    for k in range(len(s.score)):
        if s.age_h[k] > p.old_h:
            s.score[k] = -np.inf


@recsim.reranker(bonus=1.0)
def local_first(s, p):
    for k in range(len(s.score)):
        same = s.region[k] == s.person_region and s.language[k] == s.person_language
        s.score[k] += lift(p.bonus, float(k)) if same or s.in_network[k] else 0.0


def lift(bonus, place):
    return bonus * (1.0 + HALF * np.exp(-place))


@recsim.reranker()
def turned(s, p):
    """Nonsense in the order must do no harm: numbers out of range, numbers twice."""
    m = len(s.score)
    for k in range(m):
        s.order[k] = m - k
    s.order[0] = -7


USERS = {one.name: one for one in (drop_old, local_first, turned)}
EVERY = {**RERANKERS, **USERS}


def slate(seed, m, topics=6, candidates=4, ties=False):
    g = np.random.default_rng(seed)
    topic = np.zeros((topics, m), F)
    for j in range(m):
        a, b = g.choice(topics, 2, replace=False)
        topic[a, j], topic[b, j] = 1, g.uniform(0.2, 0.9)
    topic /= np.sqrt((topic**2).sum(axis=0))
    score = g.normal(size=m).astype(F) if not ties else g.integers(-2, 3, m).astype(F)
    standing = g.random(candidates).astype(F)
    return {
        "score": np.sort(score)[::-1], "topic": topic, "author": g.integers(0, max(1, m // 3), m),
        "candidate": g.integers(-1, candidates, m), "stance": g.integers(-1, 2, m), "language": g.integers(0, 2, m),
        "region": g.integers(0, 2, m), "in_network": g.random(m) < 0.2, "interest": g.normal(size=topics),
        "person_language": 1, "person_region": 0, "standing": standing / standing.sum(), "scale": 0.01,
        "item_scale": 0.1, "age_h": g.random(m) * 48, "author_followers": g.integers(0, 30, m),
        "impressions": g.integers(0, 200, m),
    }  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 40), ties=st.booleans())
def test_compiled_equals_plain(name, seed, m, ties):
    """Bit for bit: plain functions compute in float32 as well, with the same exp and log."""
    one, inputs = EVERY[name], slate(seed, m, ties=ties)
    plain, compiled = run_plain(one, inputs), run_compiled(one, inputs)
    if name == "local_first":  # np.exp is libm's in the plain function
        np.testing.assert_allclose(plain.score, compiled.score, rtol=1e-6, atol=1e-6)
        assert sorted(plain.order) == sorted(compiled.order)
    else:
        assert np.array_equal(plain.score, compiled.score) and plain.order == compiled.order
    assert len(set(compiled.order)) == len(compiled.order) and set(compiled.order) <= set(range(m))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_published_values(file):
    content = json.loads(file.read_text())
    found = check_rerank(file)
    assert len(found) == len(content["vectors"]) > 0 and all(found)
    assert content["tag"] == RERANKERS[file.stem].evidence and content["commit_or_date"] == RERANKERS[file.stem].date


def test_every_shipped_reranker_has_published_values():
    assert {f.stem for f in FILES} == set(RERANKERS)
    assert all(r.title and r.source and r.date and r.evidence for r in RERANKERS.values())


def test_the_check_can_fail(tmp_path):
    content = json.loads(FILES[0].read_text())
    content["vectors"] = content["vectors"][:1]
    content["vectors"][0]["expected"] = [x + 1 for x in content["vectors"][0]["expected"]]
    (tmp_path / "wrong.json").write_text(json.dumps(content))
    assert check_rerank(tmp_path / "wrong.json") == [False]


# The stage: what is taken, how it is written back.


def stage(seed, policy, most=100, pool=23, slots=5, people=6, items=200, topics=6):
    """A small state, its scores before and after, and what the twin needs."""
    g = np.random.default_rng(seed)
    inputs = slate(seed, items, topics)
    start = 140  # the memory of three words wraps around within the live items
    compiled = compile_policy(policy)
    pools = [np.sort(g.choice(np.arange(start - 3, items), pool, replace=False)) for _ in range(2)]
    d = SimpleNamespace(
        start=start, compiled=compiled, inputs=inputs,
        pools=SimpleNamespace(item=np.array(pools, np.int32), size=np.array([pool, pool - 4], np.int32)),
        person=np.arange(people, dtype=np.int32), stratum=(np.arange(people) % 2).astype(np.int32),
        inbox=np.where(g.random((people, slots)) < 0.2, -1, g.integers(start - 3, items, (people, slots))).astype(np.int32), eligible=g.random(items - start) < 0.8,
        seen=np.zeros((people, 3), np.uint64), language=g.integers(0, 2, people).astype(np.int8),
        region=g.integers(0, 2, people).astype(np.int8), estimate=g.normal(size=(people, topics)).astype(F),
    )  # fmt: skip
    d.before = np.round(g.normal(size=(people, pool + slots)) * 3, 1).astype(F)  # rounded, so that there are ties
    d.before[:, :pool][d.stratum == 1, pool - 4 :] = -np.inf
    d.before[:, pool:][d.inbox < start] = -np.inf
    d.shown = [set(g.choice(np.arange(start, items), 8).tolist()) for _ in range(people)]
    for who, shown in enumerate(d.shown):
        for i in shown:
            d.seen[who, (i >> 6) % 3] |= np.uint64(1) << np.uint64(i & 63)
    nothing = np.zeros(items)
    d.rows = np.array([inputs.get(name, nothing)[start:] for name in compiled.rows] or [nothing], F)
    d.after = d.before.copy()
    run_stage(d, most, d.after)
    return d


def run_stage(d, most, scores, first=0, last=None):
    from recsim.kernels.slate import Pools, Visits
    from recsim.ranking.slate_vocabulary import RerankFacts
    from recsim.ranking.vocabulary import HEADS, constants
    from recsim.state import Cells, ItemLabels, Items, Observed

    x, n = d.inputs, len(d.inputs["score"])
    empty = np.zeros(n, np.int32)
    labels = ItemLabels(
        x["candidate"].astype(np.int8), x["stance"].astype(np.int8), empty.astype(np.int8),
        x["language"].astype(np.int8), x["region"].astype(np.int8), empty.astype(np.int8), np.ones(n, np.bool_),
        np.zeros(n, np.bool_), np.zeros(n, np.bool_),
    )  # fmt: skip
    items = Items(
        empty.astype(np.uint64), empty.astype(np.uint32), x["author"].astype(np.int32), empty,
        np.ascontiguousarray(x["topic"].T), empty.astype(np.int16), empty.astype(np.int16), empty.astype(F),
        empty.astype(F), empty.astype(F), labels,
    )  # fmt: skip
    people = len(d.person)
    visits = Visits(d.person, d.stratum, np.zeros(people, np.int8), np.zeros(people, np.int8), np.zeros(0, np.int32))
    pools = Pools(
        d.pools.item, d.pools.item.astype(np.uint32), d.pools.item.astype(np.int8), d.pools.size, d.pools.item,
        d.pools.size, d.pools.item, d.pools.size, d.pools.item, d.pools.size,
    )  # fmt: skip
    observed = Observed(d.estimate, d.stratum, d.inbox, d.stratum, d.seen, d.stratum, d.stratum, *[d.inbox[:, :0]] * 3)
    cells = Cells(d.stratum.astype(np.int16), d.region, d.language, d.region)
    values = d.compiled.policy.parameters
    tables = [one.table_of(values) for one in d.compiled.policy.rerank]
    facts = RerankFacts(np.int64(most), x["standing"], F(x["scale"]), F(x["item_scale"]), np.array(tables, F))
    d.compiled.rerank_block(
        first, people if last is None else last, visits, pools, observed, cells, items, d.eligible, d.rows,
        np.int64(d.start), constants(1.0, dict.fromkeys(HEADS, 0.1)), d.compiled.vector({}), facts, scores,
    )  # fmt: skip


def read_order(d, who, row):
    """Columns in the order in which the look kernel offers them."""
    size = d.pools.item.shape[1]
    items = [*d.pools.item[d.stratum[who]], *d.inbox[who]]
    taken, _, _ = reference.best_entries(row, size, items, d.shown[who], d.eligible, d.start, len(row))
    return [column for column, _, _ in taken]


CHAINS = [
    pytest.param(["author_diversity"], marks=pytest.mark.slow),
    ["cold_start", "author_diversity", "dpp"],
    pytest.param(["mmr", "drop_old", "turned"], marks=pytest.mark.slow),
    pytest.param(["calibrated", "fa_ir", "local_first", "candidate_parity"], marks=pytest.mark.slow),
]
"""Each is compiled anew, which is what these tests take; a short one is in every run of the tests."""


def check_against_twin(d, chain, most):
    """Top entries, twins, re-rankers in order, and everything else below in its old order."""
    size = d.pools.item.shape[1]
    for who in range(len(d.person)):
        items = [*d.pools.item[d.stratum[who]], *d.inbox[who]]
        taken, _, rest = reference.best_entries(d.before[who], size, items, d.shown[who], d.eligible, d.start, most)
        columns, score = [c for c, _, _ in taken], np.array([v for _, _, v in taken], F)
        for one in chain:
            if not columns:
                break
            places = [items[c] for c in columns]
            x = {**d.inputs, "score": score, "interest": d.estimate[who], "person_language": d.language[who],
                 "person_region": d.region[who], "in_network": np.array([c >= size for c in columns])}  # fmt: skip
            for name, value in d.inputs.items():
                if np.ndim(value) and name not in ("score", "interest", "standing", "in_network"):
                    x[name] = np.asarray(value)[..., places]
            out = run_compiled(one, x)
            columns = [columns[k] for k in out.order]
            score = score[: len(columns)] if "order" in one.names else out.score[out.order]
        assert read_order(d, who, d.after[who]) == columns + rest


@pytest.mark.parametrize("names", CHAINS, ids="-".join)
def test_stage_equals_its_twin(names):
    chain = [EVERY[name] for name in names]
    policy = with_rerankers(PRESETS["popular_decayed"], chain)
    for seed, most in itertools.product(range(4), (7, 100)):
        check_against_twin(stage(seed, policy, most), chain, most)


def test_a_short_chain_equals_its_twin_in_blocks_too():
    """The first of `CHAINS`, for a cut and for a whole slate; people of a block do not know of others."""
    chain = [RERANKERS["author_diversity"]]
    policy = with_rerankers(PRESETS["popular_decayed"], chain)
    for seed, most in ((0, 7), (1, 100)):
        d = stage(seed, policy, most)
        check_against_twin(d, chain, most)
        assert not np.array_equal(d.before, d.after)
        parts = d.before.copy()
        for first, last in ((0, 1), (1, 4), (4, 6)):
            run_stage(d, most, parts[first:], first, last)
        assert np.array_equal(parts, d.after)


@pytest.mark.slow
def test_stage_in_blocks_and_at_the_end_of_the_float_range():
    policy = with_rerankers(PRESETS["popular_decayed"], [RERANKERS["mmr"], RERANKERS["author_diversity"]])
    d = stage(1, policy)
    parts = d.before.copy()
    for first, last in ((0, 1), (1, 4), (4, 6)):
        run_stage(d, 100, parts[first:], first, last)
    assert np.array_equal(parts, d.after)
    for size in (F(3.4e38), F(1e-45), F(-3.4e38)):
        d = stage(2, with_rerankers(PRESETS["popular_decayed"], [turned]), 7)
        old = d.before.copy()
        d.before[np.isfinite(d.before)] = size
        d.after = d.before.copy()
        run_stage(d, 7, d.after)
        for who in range(len(d.person)):
            before, after = read_order(d, who, d.before[who]), read_order(d, who, d.after[who])
            assert len(before) == len(after) and before[7:] == after[7:] and set(before[:7]) == set(after[:7])
            assert after[:7] != before[:7] or len(before) < 3
        assert (np.isinf(d.after) >= np.isinf(old)).all()


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=30), st.floats(-(2.0**100), 2.0**100, width=32))
def test_write_back(values, low):
    row = np.full(len(values) + 1, low, F)
    kernels.write_back(len(values), F(low), row, np.arange(1, len(row)))
    assert (row[0] == F(low)) and (np.diff(row[1:]) < 0).all() and (row[1:] > F(low)).all()
    codes = [sortable(v, c) for c, v in enumerate(row)]
    assert codes[1:] == sorted(codes[1:], reverse=True) and max(codes) == codes[1]


@pytest.mark.parametrize(("values", "followers"), [({"cold_part": 3.0}, 99), ({"cold_place": -30.0}, 9)])
def test_cold_start_stays_within_the_slate(values, followers):
    """A part above 1 is all of it; there is no place below the first."""
    one, inputs = RERANKERS["cold_start"], slate(3, 20) | {"author_followers": np.full(20, followers)}
    plain, compiled = run_plain(one, inputs, values), run_compiled(one, inputs, values)
    assert np.array_equal(plain.score, inputs["score"]) and np.array_equal(compiled.score, inputs["score"])


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_not_a_number_is_left_out(sign):
    """0 / 0 is a negative NaN on some processors and a positive one on others; neither may decide about a place."""
    none = np.copysign(F(np.nan), F(sign))
    assert sortable(none, 3) == sortable(F(-np.inf), 3) == LOWEST < sortable(F(-3e38), 3)
    for ratio in (False, True):
        value = np.zeros(2, F)
        log_value(2, np.array([none, -np.inf], F), ratio, np.zeros(2, F), F(24), value)
        assert value[0] == value[1]


@given(st.lists(st.sampled_from([-np.inf, np.nan, -1.0, 0.0, 2.0, 2.5]), max_size=20))
def test_sort_down(values):
    score, row = np.array(values, F), np.zeros(len(values), F)
    column, item = np.arange(len(values)), np.arange(len(values))
    n = kernels.sort_down(len(values), row, column, item, score)
    good = [k for k, v in enumerate(values) if v > -np.inf]
    assert list(column[:n]) == sorted(good, key=lambda k: -values[k]) and list(item[:n]) == list(column[:n])
    assert [k for k in range(len(values)) if row[k] == -np.inf] == [k for k in range(len(values)) if k not in good]


# Published properties.


def test_mmr_with_lambda_one_keeps_the_order():
    for seed in range(20):
        assert run_compiled(RERANKERS["mmr"], slate(seed, 30, ties=seed % 2), {"mmr_lambda": 1}).order == list(
            range(30)
        )


def test_mmr_spreads_topics():
    def near(weight):
        """Mean over slates of the largest likeness to what stands above, which is what the formula punishes."""
        total = 0.0
        for seed in range(20):
            x = slate(seed, 40)
            likeness = x["topic"].T @ x["topic"]
            order = run_compiled(RERANKERS["mmr"], x, {"mmr_lambda": weight}).order[:10]
            total += sum(likeness[order[k], order[:k]].max() for k in range(1, 10))
        return total

    assert near(0.2) < near(0.7) < near(1.0)


@given(seed=st.integers(0, 10_000), m=st.integers(2, 10))
def test_dpp_is_the_greedy_choice_by_determinants(seed, m):
    x, own, theta, keep = slate(seed, m), 0.05, 0.5, min(4, m)
    order = run_compiled(RERANKERS["dpp"], x, {"dpp_keep": keep, "dpp_own": own, "dpp_theta": theta}).order
    relative = (x["score"].astype(float) - x["score"][-1]) / (x["score"][0] - x["score"][-1])
    quality = np.exp(theta / (2 * (1 - theta)) * relative)
    alike = (1 - own) * (x["topic"].T.astype(float) @ x["topic"])
    np.fill_diagonal(alike, 1.0)
    kernel = quality[:, None] * alike * quality
    chosen = []
    for _ in range(keep):
        value = {j: np.linalg.det(kernel[np.ix_([*chosen, j], [*chosen, j])]) for j in range(m) if j not in chosen}
        best = max(value, key=value.get)
        if sum(v > value[best] * (1 - 1e-4) for v in value.values()) > 1:
            return  # too close for float32
        chosen.append(best)
    assert order == sorted(chosen) + [j for j in range(m) if j not in chosen]


def test_calibration_comes_nearer_as_lambda_grows():
    distances = []
    for weight in (0.0, 0.5, 0.9, 1.0):
        total = 0.0
        for seed in range(10):
            x = slate(seed, 60)
            order = run_compiled(RERANKERS["calibrated"], x, {"calibrated_lambda": weight}).order[:20]
            person = np.exp(x["interest"]) / np.exp(x["interest"]).sum()
            listed = (x["topic"] / x["topic"].sum(axis=0))[:, order].mean(axis=1)
            total += float((person * np.log(person / (0.99 * listed + 0.01 * person))).sum())
        distances.append(total)
    assert distances == sorted(distances, reverse=True) and distances[-1] < 0.7 * distances[0]


def test_fa_ir_minimum_numbers():
    from scipy.stats import binom

    assert least_protected({"fa_ir_share": 0.25, "fa_ir_alpha": 0.1})[:20].tolist() == [0] * 8 + [1] * 6 + [2] * 5 + [3]
    for share, alpha in ((0.25, 0.1), (0.5, 0.05), (0.1, 0.15), (0.9, 0.1), (0.0, 0.1)):
        got = least_protected({"fa_ir_share": share, "fa_ir_alpha": alpha})
        assert got.tolist() == [int(binom.ppf(alpha, n, share)) for n in range(1, 401)]


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.1, 0.25, 0.5, 0.7]))
def test_fa_ir_holds_in_every_prefix(seed, share):
    x = slate(seed, 40)
    order = run_compiled(RERANKERS["fa_ir"], x, {"fa_ir_share": share}).order
    small = x["author_followers"] <= 1000 * x["scale"]
    least = least_protected({"fa_ir_share": share, "fa_ir_alpha": 0.1})
    have = np.cumsum(small[order])
    assert all(have[n] >= min(least[n], small.sum()) for n in range(40))
    for group in (order_of for order_of in ([k for k in order if small[k]], [k for k in order if not small[k]])):
        assert group == sorted(group)


@given(
    seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.0, 0.1, 0.5]), blend=st.sampled_from([0.0, 0.5, 1.0]),
    count=st.integers(1, 8),
)  # fmt: skip
def test_candidate_parity_bound(seed, tolerance, blend, count):
    x = slate(seed, 40, candidates=count)
    order = run_compiled(
        RERANKERS["candidate_parity"], x, {"parity_tolerance": tolerance, "parity_by_standing": blend}
    ).order
    political = [int(x["candidate"][k]) for k in order if x["candidate"][k] >= 0]
    for n in range(1, len(political) + 1):
        for who in range(count):
            share = (1 - blend) / count + blend * x["standing"][who]
            assert political[:n].count(who) <= np.ceil((1 + tolerance) * share * n - 1e-4)
    other = [k for k in order if x["candidate"][k] < 0]
    assert other == [k for k in range(40) if x["candidate"][k] < 0]


@given(seed=st.integers(0, 10_000), order=st.permutations(range(4)))
def test_candidate_parity_treats_labels_alike(seed, order):
    x = slate(seed, 30)
    other = {**x, "candidate": np.array([order[c] if c >= 0 else -1 for c in x["candidate"]])}
    standing = np.zeros(4, F)
    standing[list(order)] = x["standing"]
    other["standing"] = standing
    for blend in (0.0, 1.0):
        a, b = (run_compiled(RERANKERS["candidate_parity"], y, {"parity_by_standing": blend}) for y in (x, other))
        assert a.order == b.order


# Names, parameters, what counts as profiling, staleness.


def test_misspelt_and_misused():
    with pytest.raises(InputError, match="unknown slate array 'auhtor'.*did you mean 'author'"):

        @recsim.reranker()
        def wrong(s, p):
            s.score[0] = s.auhtor[0]

    with pytest.raises(InputError, match="unknown parameter 'bonsu'.*did you mean 'bonus'"):

        @recsim.reranker(bonus=1.0)
        def wrong2(s, p):
            s.score[0] = p.bonsu

    with pytest.raises(InputError, match=r"writes to s\.topic; allowed: .*score"):

        @recsim.reranker()
        def wrong3(s, p):
            s.score[0] = 1.0
            s.topic[0, 0] = 2.0

    with pytest.raises(InputError, match="names neither score nor order"):

        @recsim.reranker()
        def wrong4(s, p):
            s.scratch[0, 0] = 1.0

    with pytest.raises(InputError, match="unknown re-ranker attribute 'titel'.*did you mean 'title'"):
        recsim.reranker(meta={"titel": "x"})(drop_old.function)
    with pytest.raises(InputError, match="did you mean 'author_diversity'"):
        registry.get_reranker("author_diversty")
    with pytest.raises(InputError, match="not a re-ranker"):
        registry.get_reranker("test_rerank:lift")
    with pytest.raises(InputError, match="did you mean 'drop_old'"):
        registry.get_reranker("test_rerank:drop_odl")
    assert registry.get_reranker("test_rerank:drop_old").name == "drop_old"


def test_parameter_names_are_unique():
    clash = recsim.reranker(mmr_lambda=0.1)(drop_order)
    with pytest.raises(InputError, match="'mmr_lambda'.*another re-ranker"):
        with_rerankers(PRESETS["random"], [RERANKERS["mmr"], clash])
    with pytest.raises(InputError, match="'mmr' twice"):
        with_rerankers(PRESETS["random"], [RERANKERS["mmr"], RERANKERS["mmr"]])
    with pytest.raises(InputError, match="rerank_top 0"):
        with_rerankers(PRESETS["random"], [RERANKERS["mmr"]], 0)
    with pytest.raises(InputError, match="did you mean 'mmr_lambda'"):
        compile_policy(with_rerankers(PRESETS["random"], [RERANKERS["mmr"]])).vector({"mmr_lamda": 1.0})


def drop_order(s, p):
    s.score[0] = p.mmr_lambda


def test_what_policies_look_at():
    plain = PRESETS["popular_decayed"]
    fair = with_rerankers(plain, [RERANKERS["author_diversity"], RERANKERS["cold_start"]])
    assert not fair.profiled and {"author", "author_followers", "impressions"} <= set(fair.reads)
    assert fair.score_reads == plain.reads and fair.open_doors == ("E1", "E4")
    assert with_rerankers(plain, [RERANKERS["calibrated"]]).profiled
    assert [r.name for r in RERANKERS.values() if r.profiled] == ["calibrated"]


def test_a_policy_names_its_rerankers():
    @recsim.policy(w=1.0, meta={"rerank": ("author_diversity", drop_old), "rerank_top": 30})
    def mine(f, p):
        return p.w * f.noise

    assert [r.name for r in mine.rerank] == ["author_diversity", "drop_old"] and mine.rerank_top == 30
    assert set(mine.parameters) == {"w", "author_decay", "author_floor", "old_h"}
    other = with_rerankers(mine, [RERANKERS["mmr"]])
    assert set(other.parameters) == {"w", "mmr_lambda", "mmr_length"} and other.rerank_top == 30
    assert compile_policy(with_rerankers(mine, [])).rerank_block is None


def test_no_rerankers_no_text():
    """Who has none gets the module there was before, byte for byte."""
    plain = PRESETS["tiktok_value"]
    assert compile_policy(with_rerankers(plain, [])).digest == compile_policy(plain).digest
    assert "rerank" not in compile_policy(plain).source


def test_edited_helper_is_never_stale(tmp_path):
    """Helpers of one name in two files stay apart, and an edit of either is seen."""
    for name, value in (("one", 2.0), ("two", 5.0)):
        (tmp_path / f"help_{name}.py").write_text(f"W = {value}\ndef weight(x):\n    return W * x\n")
        (tmp_path / f"{name}.py").write_text(
            textwrap.dedent(f"""
            import recsim
            from help_{name} import weight
            @recsim.reranker()
            def {name}(s, p):
                for k in range(len(s.score)):
                    s.score[k] = weight(s.score[k])
            """)
        )
    script = textwrap.dedent("""
        import numpy as np
        from recsim.ranking.compile import compile_policy
        from recsim.ranking.presets import PRESETS
        from recsim.ranking.reranker import with_rerankers
        import one, two
        c = compile_policy(with_rerankers(PRESETS["random"], [one.one, two.two]))
        x = np.ones(1, np.float32)
        c.module.rerank_0(c.module.Slate0(x), c.module.Parameters(np.float32(0)))
        c.module.rerank_1(c.module.Slate1(x), c.module.Parameters(np.float32(0)))
        print(x[0])
        """)
    env = {**os.environ, "RECSIM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": f"{tmp_path}:{ROOT}"}

    def call():
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert call() == 10.0
    (tmp_path / "help_two.py").write_text("W = 7.0\ndef weight(x):\n    return W * x\n")
    assert call() == 14.0


# Whole worlds.


def with_rerank(scenario, *names, policy="tiktok_value", **more):
    return changed(scenario, platform={"policy": policy, "parameters": {}, "rerank": list(names), **more})


ALL = tuple(RERANKERS)


@pytest.mark.slow
@pytest.mark.parametrize("control", ["zero_dose", "threads", "exchanged"])
def test_controls_with_every_reranker(small, control):
    ok, note = getattr(controls, control)(with_rerank(small, *ALL))
    assert ok, note


@pytest.mark.slow
def test_controls_under_parity_alone(small):
    ok, note = controls.exchanged(with_rerank(small, "candidate_parity", policy="popular_decayed"))
    assert ok, note


@pytest.mark.parametrize(
    ("size", "names"), [(7, ("dpp",)), *(pytest.param(size, ALL, marks=pytest.mark.slow) for size in (1, 7))]
)
def test_block_size_changes_nothing(small, monkeypatch, size, names):
    from recsim.world import feed

    scenario = with_rerank(small, *names, policy="popular_decayed")
    whole = world_of(scenario, steps=14).state
    monkeypatch.setattr(feed, "BLOCK", size)
    parts = world_of(scenario, steps=14).state
    assert np.array_equal(whole.counters.total, parts.counters.total)
    assert np.array_equal(whole.observed.seen, parts.observed.seen)


@pytest.mark.parametrize(
    "name",
    [
        *("fa_ir", "dpp", "test_rerank:drop_old"),
        *(pytest.param(n, marks=pytest.mark.slow) for n in RERANKERS if n not in ("fa_ir", "dpp")),
    ],
)
def test_each_reranker_changes_a_world(small, name):
    # Room to choose from: people of the small scenario see nearly everything otherwise.
    scenario = changed(small, content={"items_per_day": 600}, population={"scale": 0.0002})
    update = {
        "fa_ir_followers": 20_000.0,
        "fa_ir_share": 0.9,
        "cold_followers": 20_000.0,
        "parity_tolerance": 0.0,
        "dpp_theta": 0.1,
    }
    from recsim.scenario.quantity import assumed

    short = name.split(":")[-1]
    given_ = {k: assumed(v) for k, v in update.items() if k in registry.get_reranker(name).parameters}
    other = with_rerank(scenario, name, policy="popular_decayed", **({"parameters": given_} if given_ else {}))
    plain, changed_ = world_of(with_rerank(scenario, policy="popular_decayed"), steps=12), world_of(other, steps=12)
    assert changed_.plan.policy.rerank[0].name == short
    assert not np.array_equal(plain.state.counters.total, changed_.state.counters.total)


@pytest.mark.slow
def test_parity_evens_out_a_world(small):
    """One candidate posts most; parity brings her share of impressions down."""

    def largest(scenario):
        e = frames_of(changed(scenario, campaigns=[]))["exposure"]
        sums = e.groupby(e["candidate"].astype(str))["impressions"].sum()
        return sums.max() / sums.sum()

    lopsided = changed(small, content={"items_per_day": 600}, candidate_content={"share_of_supply": _assumed(0.5)})
    assert largest(with_rerank(lopsided, "candidate_parity")) < largest(with_rerank(lopsided)) - 0.03


def _assumed(value):
    from recsim.scenario.quantity import assumed

    return assumed(value)


@pytest.mark.slow
def test_command_line(tmp_path):
    """A run by --set, its stored source and card; the list; an unknown name."""

    def call(*words):
        return subprocess.run(
            [sys.executable, "-m", "recsim", *words], cwd=ROOT, capture_output=True, text=True, timeout=300
        )

    out = tmp_path / "run"
    done = call("run", "configs/small.yaml", "--policy", "popular_decayed", "--set", "platform.rerank=[mmr]", "--set",
                "platform.parameters={mmr_lambda: 0.5}", "--set", "audit.robustness.enabled=false", "--replicates", "2", "--out", str(out), "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "def rerank_block" in (out / "policy_compiled.py").read_text()
    assert "maximal marginal relevance" in (out / "report.html").read_text()
    rows = json.loads(call("list", "rerankers", "--json").stdout)
    assert [r["name"] for r in rows] == list(RERANKERS) and all(r["title"] and r["source"] for r in rows)
    wrong = call("run", "configs/small.yaml", "--set", "platform.rerank=[mrr]", "--out", str(tmp_path / "x"), "--quiet")
    assert wrong.returncode == 2 and "did you mean 'mmr'" in wrong.stderr and wrong.stderr.count("\n") == 1


def test_another_policy_keeps_the_parameters_of_the_rerankers(small):
    from recsim.experiment.run import configured

    scenario = with_rerank(small, "mmr", parameters={"mmr_lambda": _assumed(0.2), "w_like": _assumed(3.0)})
    other = configured(scenario, None, None, "popular_decayed").platform
    assert {k: q.value for k, q in other.parameters.items()} == {"mmr_lambda": 0.2} and other.rerank == ["mmr"]


def test_fingerprint_tells_rerankers_apart(small):
    from recsim.experiment.run import run_fingerprint

    marks = {
        run_fingerprint(with_rerank(small, *names), False) for names in ((), ("mmr",), ("mmr", "dpp"), ("dpp", "mmr"))
    }
    assert len(marks) == 4


def test_the_page_on_writing_a_reranker_works(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "policies.md").read_text()
    code = next(b for b in re.findall(r"```python\n(.*?)```", text, flags=re.S) if "@recsim.reranker" in b)
    (tmp_path / "mine_reranker.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    scenario = recsim.load(
        ROOT / "configs/small.yaml", ["platform.rerank=[mine_reranker:fresh_first]", "run.luck_branches=1"]
    )
    scenario = with_rerank(scenario, "mine_reranker:fresh_first", policy="popular_decayed")
    done = recsim.run(scenario, replicates=1, workers=1, robustness=False, out=tmp_path / "run")
    assert done.summary["replicates"] == 1
    assert "fresh_first" in (tmp_path / "run" / "policy_compiled.py").read_text()


def test_the_table_of_the_page_is_complete():
    text = (ROOT / "docs" / "policies.md").read_text()
    for name, one in RERANKERS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert one.evidence in row
        assert all(f"`{p}` {v:g}" in row for p, v in one.parameters.items()), row
        assert ("| yes |" in row) == one.profiled
