"""Policies: the compiled loop against the plain function, names, caching, staleness."""

import dataclasses
import math
import os
import re
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import changed

import recsim
from recsim.errors import InputError
from recsim.experiment.run import run_fingerprint
from recsim.ranking import registry
from recsim.ranking.array_policy import array_policy
from recsim.ranking.compile import compile_policy
from recsim.ranking.mitigation import Aggregate
from recsim.ranking.policy import Policy
from recsim.ranking.presets import PRESETS
from recsim.ranking.rerank import RERANKERS
from recsim.ranking.vocabulary import CONSTANTS, FEATURES, HEADS, TRUTHS, constants, features_of

F = np.float32


@recsim.policy(w_like=0.5, w_reply=13.5, oon=0.75)
def linear(f, p):
    s = p.w_like * f.p_like + p.w_reply * f.p_comment
    return s if f.in_network else p.oon * s


def boosted(f, p):
    return 2 if f.age_h < 3 else 1


@recsim.policy(a=2.0, meta={"multiply": (boosted,), "ordering": "order"})
def curved(f, p):
    x = f.affinity**2 + np.log(1 + f.d_like) - np.exp(-f.age_h / 24)
    for _ in range(2):
        x = max(x, f.noise) + p.a * (1 if f.same_language else 0)
    return x


@recsim.policy(gravity=1.8, meta={"ordering": "order"})
def powers(f, p):
    return (f.n_like + 1) ** 0.8 / (f.age_h + 2) ** p.gravity + f.d_like**2 - (1 + f.d_share) ** -0.5 + f.same_language


NEVER = -math.inf


@recsim.policy(meta={"ordering": "order"})
def whole_powers(f, p):
    x = -1 - f.d_like
    s = x**-2 + x**2.0 - x ** (-3.0)
    y = f.d_like + 1
    y **= 0.8
    return max(s, NEVER) + y


ALL = [*PRESETS.values(), linear, curved, powers, whole_powers]


def setup(compiled, seed=0, pool=37, slots=3, people=5, strata=2, topics=6, items=80):
    g = np.random.default_rng(seed)
    rows = max(1, len(compiled.rows))
    table = g.random((rows, items)).astype(F) * 3
    for k, name in enumerate(compiled.rows):
        if name in ("language", "region", "is_candidate"):
            table[k] = g.integers(0, 2, items)
    item_topic = g.random((items, topics)).astype(F)
    pool_item = np.sort(np.array([g.choice(items, pool, replace=False) for _ in range(strata)]), axis=1)
    inbox = g.integers(-1, items, (people, slots)).astype(np.int32)
    keys = g.integers(1, 2**32, items).astype(np.uint32)
    return SimpleNamespace(
        person=np.arange(people, dtype=np.int32), stratum=(np.arange(people) % strata).astype(np.int32),
        estimate=g.normal(size=(people, topics)).astype(F), pool_item=pool_item,
        pool_topic=np.ascontiguousarray(item_topic[pool_item].transpose(0, 2, 1)),
        pool_rows=np.ascontiguousarray(table[:, pool_item].transpose(1, 0, 2)), pool_key=keys[pool_item],
        pool_count=np.array([pool, pool - 4], np.int32), inbox=inbox, item_topic=item_topic, rows=table, keys=keys,
        language=g.integers(0, 2, people).astype(np.int8), region=g.integers(0, 2, people).astype(np.int8),
        constants=constants(0.8, dict.fromkeys(HEADS, 0.1), {name: 0.1 * k - 0.4 for k, name in enumerate(TRUTHS, 1)}),
        scores=np.zeros((people, pool + slots), F), match=g.normal(size=(people, pool + slots)).astype(F),
    )  # fmt: skip


def run(compiled, d, params=None):
    compiled.score_block(
        0, len(d.person), d.person, d.stratum, d.estimate, d.pool_topic, d.pool_rows, d.pool_key, d.pool_count, d.inbox,
        d.item_topic, d.rows, d.keys, np.int64(0), d.language, d.region, d.constants,
        compiled.vector({}) if params is None else params, np.uint64(5), np.uint64(6), np.uint64(9), np.uint64(0),
        d.scores,
        *([d.match] if "match" in compiled.policy.score_reads else []),
    )  # fmt: skip
    return d.scores


def oracle(policy, compiled, d, who, column, item, in_network, predictor="rates"):
    """The plain function on plain floats."""
    import reference

    row = {name: float(d.rows[k, item]) for k, name in enumerate(compiled.rows)}
    affinity = float(sum(d.estimate[who, k] * d.item_topic[item, k] for k in range(d.item_topic.shape[1])))
    words = reference.draws(who, d.keys[item], 0, 9, 900, (5, 6))
    scope = {
        "affinity": affinity, "in_network": in_network, "noise": float(reference.unit(words[0])),
        "person_language": d.language[who], "person_region": d.region[who],
        "inverse_norm": 1 / np.sqrt(float((d.estimate[who].astype(float) ** 2).sum())), "bias": float(d.estimate[who, -1]),
        "match": float(d.match[who, column]), "F": float, "exp32": np.exp, "sigmoid32": lambda x: 1 / (1 + np.exp(-x)),
        **dict(zip(CONSTANTS, map(float, d.constants), strict=True)),
    }  # fmt: skip
    known = {**features_of(predictor), **policy.learned_features}
    f = {
        n: eval(known[n].expression.format(**{r: repr(v) for r, v in row.items()}), {}, scope)
        for n in policy.score_reads
    }
    return policy(SimpleNamespace(**f), SimpleNamespace(**policy.parameters))


CASES = [
    *((policy, "rates") for policy in ALL),
    *(pytest.param(policy, "oracle", marks=pytest.mark.slow) for policy in ALL if policy.predicts),
]
"""With the oracle only in ``make test-slow``: its logits are held against the response model, head by head, in
`test_predictors.test_the_oracle_knows_the_response_model`, and what policies make of them is the same code as with rates."""


@pytest.mark.parametrize("policy, predictor", CASES, ids=lambda v: getattr(v, "name", v))
def test_compiled_equals_plain(policy, predictor):
    compiled = compile_policy(policy, predictor)
    d = setup(compiled)
    scores = run(compiled, d)
    pool = d.pool_item.shape[1]
    for who in range(5):
        s = d.stratum[who]
        for p in range(0, d.pool_count[s], 5):
            assert scores[who, p] == pytest.approx(
                oracle(policy, compiled, d, who, p, d.pool_item[s, p], False, predictor), rel=2e-5
            )
        assert (scores[who, d.pool_count[s] : pool] == -np.inf).all()
        for j in range(3):
            item = d.inbox[who, j]
            if item < 0:
                assert scores[who, pool + j] == -np.inf
            else:
                assert scores[who, pool + j] == pytest.approx(
                    oracle(policy, compiled, d, who, pool + j, item, True, predictor), rel=2e-5
                )


@pytest.mark.parametrize("policy", ALL, ids=lambda p: p.name)
def test_features_can_be_given(policy):
    """The entry for feature values equals the plain function, without rows and predictions between."""
    compiled = compile_policy(policy)
    g = np.random.default_rng(4)
    table = (g.random((max(1, len(policy.score_reads)), 30)) * 3).astype(F)
    for k, name in enumerate(policy.score_reads):
        if {**FEATURES, **policy.learned_features}[name].unit in ("true or false", "0 or 1"):
            table[k] = g.integers(0, 2, 30)
    out = np.zeros(30, F)
    compiled.score_features(table, compiled.vector({}), out)
    for j in range(30):
        f = SimpleNamespace(**{name: float(table[k, j]) for k, name in enumerate(policy.score_reads)})
        assert out[j] == pytest.approx(policy(f, SimpleNamespace(**policy.parameters)), rel=2e-5)


@pytest.mark.parametrize("policy", ALL, ids=lambda p: p.name)
def test_blocks_and_empty_inputs(policy):
    compiled = compile_policy(policy)
    d = setup(compiled, seed=3)
    whole = run(compiled, d).copy()
    assert np.isfinite(whole[whole != -np.inf]).all()
    none = setup(compiled, seed=3, slots=0)
    none.pool_count[:] = 0
    assert (run(compiled, none) == -np.inf).all()
    out = np.zeros(80, F)
    compiled.score_items(
        80, np.int64(0), d.rows, d.keys, d.constants, compiled.vector({}), np.uint64(5), np.uint64(6), np.uint64(9), out
    )
    assert np.isfinite(out).all()


def test_parameters_do_not_recompile():
    compiled = compile_policy(linear)
    d = setup(compiled)
    first = run(compiled, d).copy()
    second = run(compiled, d, compiled.vector({"w_like": 2.0}))
    assert not np.array_equal(first, second) and len(compiled.score_block.signatures) == 1


def test_only_named_features_are_read():
    assert linear.reads == ("in_network", "p_comment", "p_like")
    assert compile_policy(linear).rows == ("against_comment", "against_like")
    assert set(curved.reads) == {"affinity", "age_h", "d_like", "noise", "same_language"}


def test_misspelt_feature():
    with pytest.raises(InputError, match="unknown feature 'p_liek'.*did you mean 'p_like'"):

        @recsim.policy()
        def wrong(f, p):
            return f.p_liek


def test_misspelt_parameter():
    with pytest.raises(InputError, match="unknown parameter 'w_liek'.*did you mean 'w_like'"):

        @recsim.policy(w_like=1.0)
        def wrong(f, p):
            return p.w_liek * f.p_like

    with pytest.raises(InputError, match="did you mean 'oon'"):
        compile_policy(linear).vector({"onn": 1.0})


def test_misused_source():
    with pytest.raises(InputError, match="unknown source 'rank'.*did you mean 'ranked'"):
        recsim.policy(meta={"sources": {"rank": 1.0}, "stratum": "region"})(boosted)
    with pytest.raises(InputError, match="'ranked' with stratum 'interest'"):
        recsim.policy(meta={"sources": {"ranked": 1.0}})(boosted)


def test_two_helpers_of_one_name_are_refused(tmp_path, monkeypatch):
    """In one generated module the second would silently be the first."""
    (tmp_path / "first_home.py").write_text("def helper(x):\n    return 2 * x\ndef a(x):\n    return helper(x)\n")
    (tmp_path / "second_home.py").write_text("def helper(x):\n    return 3 * x\ndef b(x):\n    return helper(x)\n")
    (tmp_path / "third_home.py").write_text(
        "import recsim\nfrom first_home import a\nfrom second_home import b\n\n\n"
        "@recsim.policy()\ndef both(f, p):\n    return a(f.age_h) + b(f.age_h)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from third_home import both

    with pytest.raises(InputError, match="two different things called 'helper'"):
        compile_policy(both)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "TOP = 3.0\ndef score(f, p):\n    return TOP * f.age_h",
            "got the name 'TOP', which the generated module needs",
        ),
        ("def fill(x):\n    return x\ndef score(f, p):\n    return fill(f.age_h)", "got the name 'fill'"),
        ("from math import exp\ndef score(f, p):\n    return exp(f.age_h)", "uses 'exp' by itself; write math.exp"),
        (
            "def half(x):\n    return half(x / 2) if x > 1 else x\ndef score(f, p):\n    return half(f.age_h)",
            "half calls itself",
        ),
    ],
)
def test_what_cannot_be_compiled_is_said_in_a_line(text, message, tmp_path, monkeypatch):
    name = f"home_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(f"import recsim\n{text}\nmade = recsim.policy()(score)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match=re.escape(message)):
        compile_policy(registry.get(f"{name}:made"))


def test_closures_are_refused():
    weight = 3.0

    with pytest.raises(InputError, match="closes over weight"):

        @recsim.policy()
        def wrong(f, p):
            return weight * f.p_like


def test_unknown_policy_and_import_path():
    with pytest.raises(InputError, match="did you mean 'tiktok_value'"):
        registry.get("tiktok_valu")
    assert registry.get("test_policies:linear").name == "linear"
    with pytest.raises(InputError, match="did you mean 'linear'"):
        registry.get("test_policies:linaer")
    with pytest.raises(InputError, match="not a policy"):
        registry.get("test_policies:boosted")
    with pytest.raises(InputError, match="No module named"):
        registry.get("no_such_module_here:x")


NOT_PROFILED = [
    "dsa38_regional", "chrono_following", "popular_decayed", "random", "chrono", "reddit_hot", "reddit_best",
    "hn_popular", "hn_arc", "lemmy_hot", "mastodon_trends", "simsom", "thompson_beta",
]  # fmt: skip


@pytest.mark.parametrize("name", NOT_PROFILED)
def test_not_profiled(name):
    """Art. 38: permuting every behavioural feature of people leaves the scores unchanged."""
    policy = PRESETS[name]
    assert not policy.profiled
    compiled = compile_policy(policy)
    d = setup(compiled)
    before = run(compiled, d).copy()
    d.estimate[:] = d.estimate[::-1].copy()
    assert np.array_equal(before, run(compiled, d))


def test_profiled():
    assert PRESETS["tiktok_value"].profiled and linear.profiled
    assert linear.why_profiled == ("feature p_comment", "feature p_like", "stratum interest")
    for name in ("msi_2018", "msi_2020", "meta_political_2024", "yt_watchtime", "itemknn", "als", "linucb"):
        assert PRESETS[name].profiled


def test_edited_helper_is_never_stale(tmp_path):
    """A helper in another file is edited between two processes; the second sees the new result, from a warm cache."""
    (tmp_path / "helper.py").write_text("W = 2.0\ndef twice(x):\n    return W * x\n")
    (tmp_path / "mine.py").write_text(
        textwrap.dedent("""
        import recsim
        from helper import twice
        @recsim.policy()
        def pol(f, p):
            return twice(f.age_h)
        """)
    )
    script = textwrap.dedent("""
        import numpy as np
        from recsim.ranking.compile import compile_policy
        from recsim.ranking.vocabulary import HEADS, constants
        import mine
        c = compile_policy(mine.pol)
        out = np.zeros(1, np.float32)
        c.score_items(1, np.int64(0), np.full((1, 1), 5, np.float32), np.ones(1, np.uint32),
                      constants(1.0, dict.fromkeys(HEADS, .1)), c.vector({}), np.uint64(1), np.uint64(1), np.uint64(1), out)
        print(out[0], sum(c.score_items.stats.cache_hits.values()))
        """)
    env = {**os.environ, "RECSIM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    env.pop("NUMBA_CACHE_DIR", None)

    def call():
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert call() == ["10.0", "0"]
    assert call() == ["10.0", "1"]
    (tmp_path / "helper.py").write_text("W = 3.0\ndef twice(x):\n    return W * x\n")
    assert call() == ["15.0", "0"]


@pytest.mark.parametrize(
    "edit",
    [
        {"parameters": {**linear.parameters, "w_reply": 50.0}}, {"sources": {"trending": 1.0}}, {"stratum": "region"}, {"inbox": "all"},
        {"gated": True}, {"explores": False}, {"ordering": "order"}, {"refit_hours": 1.0}, {"log_days": 2.0}, {"uses_pool": False},
        {"signals": {"hide": -1}}, {"rerank_top": 5}, {"aggregate": Aggregate("median", 5)}, {"rerank": (RERANKERS["mmr"],)},
    ],
    ids=lambda edit: next(iter(edit)),
)  # fmt: skip
def test_an_edited_default_or_attribute_is_another_policy(edit, small, monkeypatch):
    """Neither the score loop nor a scenario that names the policy holds them; a stored run must not be taken for this one."""
    monkeypatch.setitem(registry.PRESETS, "mine", linear)
    mine = changed(small, platform={"policy": "mine"})
    before = run_fingerprint(mine, False)
    assert run_fingerprint(mine, False) == before
    monkeypatch.setitem(registry.PRESETS, "mine", dataclasses.replace(linear, **edit))
    assert run_fingerprint(mine, False) != before


def test_an_edited_weight_is_another_policy(tmp_path, monkeypatch):
    (tmp_path / "weighing_home.py").write_text("def weigh(a, p):\n    return a.trust\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from weighing_home import weigh

    made = dataclasses.replace(linear, weight=weigh)
    slow = array_policy("age_h", meta={"item_function": weigh})(boosted)
    before, slowly = compile_policy(made), slow.source_text
    (tmp_path / "weighing_home.py").write_text("def weigh(a, p):\n    return a.trust * 0.5\n")
    after = compile_policy(made)
    assert after.digest != before.digest and after.source == before.source
    assert array_policy("age_h", meta={"item_function": weigh})(boosted).source_text != slowly


def test_listing_is_complete():
    rows = registry.listing()
    assert {r["name"] for r in rows} >= set(PRESETS)
    assert all(r["title"] and r["evidence"] and r["source"] for r in rows)
    assert all(isinstance(p, Policy) for p in PRESETS.values())


def test_the_page_on_writing_a_policy_works(tmp_path, monkeypatch):
    """The code blocks of the pages, pasted into a file beside one, run by name."""
    from pathlib import Path

    root = Path(__file__).resolve().parent.parent
    array = ("docs/policies.md", "@recsim.array_policy", "my_array_ranker")
    monkeypatch.chdir(tmp_path)
    for n, (page, word, name) in enumerate((
        ("docs/policies.md", "@recsim.policy", "my_ranker"),
        array,
        ("README.md", "@recsim.policy", "my_ranker"),
    )):  # fmt: skip
        blocks = re.findall(r"```python\n(.*?)```", (root / page).read_text(), flags=re.S)
        code = next(b for b in blocks if word in b)
        (tmp_path / f"mine_{n}.py").write_text(code)
        scenario = recsim.load(root / "configs" / "small.yaml", ["run.luck_branches=1"])
        done = recsim.run(
            scenario, policy=f"mine_{n}:{name}", replicates=1, workers=1, robustness=False, store=False
        )  # fmt: skip
        assert done.summary["policy"] == f"mine_{n}:{name}" and done.summary["replicates"] == 1
