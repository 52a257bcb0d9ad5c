"""Scored pairs per second of every policy, compiled, against the same formula in blocked NumPy, in one run.

The NumPy version is made from the policy's own source: conditional expressions become ``np.where``, ``min`` and ``max``
their NumPy namesakes. It is written as one would write it by hand: interest by matrix product for a block of people who
share a pool, item-level figures once per pool and not once per pair, only what the policy reads, float32 throughout, and a
score written for every pair. Policies that treat everybody alike are scored once per item by the engine and then handed out, both
of which count; for them both ways are shown.

    python benchmarks/policies.py [--json] [--policies a,b] [--threads 1]
"""

# ruff: noqa: E402
from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported; a script does not run benchmarks/__init__.py

import argparse
import ast
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np

from recsim.kernels.retrieval import hand_out_scores
from recsim.ranking.compile import CompiledPolicy, compile_policy
from recsim.ranking.policy import syntax_of
from recsim.ranking.presets import PRESETS
from recsim.ranking.vocabulary import CONSTANTS, HEADS, constants, features_of
from recsim.world.feed import BLOCK

PEOPLE, STRATA, POOL, SLOTS, TOPICS, ITEMS, ROUNDS = 4096, 32, 256, 8, 16, 20_000, 5
F = np.float32


class _Vector(ast.NodeTransformer):
    """Scalar Python to array Python."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        text = f"np.where({ast.unparse(node.test)}, {ast.unparse(node.body)}, {ast.unparse(node.orelse)})"
        return ast.parse(text, mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func)
        change = {"min": "np.minimum", "max": "np.maximum", "abs": "np.abs"}.get(name, name.replace("math.", "np."))
        node.func = ast.parse(change, mode="eval").body
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        raise NotImplementedError("an if statement")

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        word = "np.logical_and" if isinstance(node.op, ast.And) else "np.logical_or"
        text = ast.unparse(node.values[0])
        for value in node.values[1:]:
            text = f"{word}({text}, {ast.unparse(value)})"
        return ast.parse(text, mode="eval").body


def vectorised(function, done: dict) -> str:
    """Define the array version of a function and of the helpers it calls in ``done``; returns its name."""
    node = syntax_of(function)
    for call in {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}:
        helper = function.__globals__.get(call)
        if hasattr(helper, "__code__") and call not in done:
            vectorised(helper, done)
    for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
        value = function.__globals__.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            done[name] = F(value)
    tree = ast.fix_missing_locations(ast.Module([_Vector().visit(node)], []))
    exec(compile(tree, function.__name__, "exec"), done)
    return node.name


def numpy_block(policy, rows: tuple[str, ...], d: SimpleNamespace):
    """Scores of the block of people ``who`` of one stratum, as a closure over the world ``d``."""
    done: dict = {"np": np, "math": math}
    names = [vectorised(policy.function, done)] + [vectorised(factor, done) for factor in policy.multiply]
    known = {**features_of("rates"), **policy.learned_features}
    scope = {
        "F": F, "np": np, "sigmoid32": lambda x: F(1) / (F(1) + np.exp(-x)), "exp32": np.exp, "log32": np.log,
        **dict(zip(CONSTANTS, d.constants, strict=True)),
    }  # fmt: skip
    place = {row: f"rows[{k}]" for k, row in enumerate(rows)}
    code = {n: compile(known[n].expression.format(**place), n, "eval") for n in policy.score_reads}
    p = SimpleNamespace(**{k: F(v) for k, v in policy.parameters.items()})

    made = {
        "affinity": lambda who, stratum: d.estimate[who] @ d.pool_topic[stratum],
        "rows": lambda who, stratum: d.pool_rows[stratum],
        "in_network": lambda who, stratum: False,
        "person_language": lambda who, stratum: d.language[who, None],
        "person_region": lambda who, stratum: d.region[who, None],
        "number": lambda who, stratum: who[:, None],
        "match": lambda who, stratum: d.match[: len(who), :POOL],
        "inverse_norm": lambda who, stratum: F(1) / np.sqrt((d.estimate[who] ** 2).sum(1, keepdims=True)),
        # Any draw: NumPy has no keyed ones.
        "noise": lambda who, stratum: np.random.default_rng(0).random((len(who), POOL), F),
    }
    needed = [name for name in made if any(name in c.co_names for c in code.values())]

    def score(who: np.ndarray, stratum: int) -> np.ndarray:
        here = {name: made[name](who, stratum) for name in needed}
        f = SimpleNamespace(**{n: eval(c, scope, here) for n, c in code.items()})
        out = done[names[0]](f, p)
        for name in names[1:]:
            out = out * done[name](f, p)
        full = (len(who), POOL)
        own = isinstance(out, np.ndarray) and out.shape == full and out.base is None
        return out if own else np.broadcast_to(out, full).copy()

    return score


def world(rows: tuple[str, ...]) -> SimpleNamespace:
    """Arrays of the sizes of the Romanian scenario."""
    g = np.random.default_rng(1)
    table = g.random((max(1, len(rows)), ITEMS), F) + F(1)
    item = np.sort(g.integers(0, ITEMS, (STRATA, POOL)), axis=1).astype(np.int32)
    topic = g.random((ITEMS, TOPICS), F)
    return SimpleNamespace(
        person=np.arange(PEOPLE, dtype=np.int32), stratum=np.repeat(np.arange(STRATA, dtype=np.int32), PEOPLE // STRATA),
        estimate=g.normal(size=(PEOPLE, TOPICS)).astype(F), item=item,
        pool_topic=np.ascontiguousarray(topic[item].transpose(0, 2, 1)),
        pool_rows=np.ascontiguousarray(table[:, item].transpose(1, 0, 2)),
        pool_key=g.integers(1, 2**32, (STRATA, POOL)).astype(np.uint32), pool_count=np.full(STRATA, POOL, np.int32),
        inbox=g.integers(0, ITEMS, (PEOPLE, SLOTS)).astype(np.int32), topic=topic, rows=table,
        match=g.normal(size=(BLOCK, POOL + SLOTS)).astype(F), key=g.integers(1, 2**32, ITEMS).astype(np.uint32), language=g.integers(0, 2, PEOPLE).astype(np.int8),
        region=g.integers(0, 9, PEOPLE).astype(np.int8), constants=constants(1.0, dict.fromkeys(HEADS, 0.1)),
    )  # fmt: skip


def best(function, pairs: int) -> float:
    """Pairs per second, best of `ROUNDS`."""
    function()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return pairs / min(times)


def measure(name: str, threads: int) -> dict:
    """One row of the table."""
    policy = PRESETS[name]
    began = time.perf_counter()
    compiled = compile_policy(policy)
    if not isinstance(compiled, CompiledPolicy):
        return {"policy": name, "note": "not compiled"}
    d = world(compiled.rows)
    one, params = np.uint64(1), compiled.vector({})
    buffers = [np.empty((BLOCK, POOL + SLOTS), F) for _ in range(threads)]
    score = np.zeros(ITEMS, F)

    given = [d.match] if "match" in policy.score_reads else []  # worked out before the loop

    def block(low: int, out: np.ndarray) -> None:
        compiled.score_block(
            low, low + BLOCK, d.person, d.stratum, d.estimate, d.pool_topic, d.pool_rows, d.pool_key, d.pool_count, d.inbox,
            d.topic, d.rows, d.key, np.int64(0), d.language, d.region, d.constants, params, one, one, one, np.uint64(0), out,
            *given,
        )  # fmt: skip

    def handed(low: int, out: np.ndarray) -> None:
        hand_out_scores(low, low + BLOCK, d.person, d.stratum, d.item, d.pool_count, d.inbox, score, np.int64(0), out)

    def scored_and_handed() -> None:
        compiled.score_items(ITEMS, np.int64(0), d.rows, d.key, d.constants, params, one, one, one, score)
        everybody(handed)

    def everybody(work):
        with ThreadPoolExecutor(threads) as pool:
            edges = [PEOPLE // BLOCK * t // threads for t in range(threads + 1)]
            jobs = [
                pool.submit(lambda t=t: [work(b * BLOCK, buffers[t]) for b in range(edges[t], edges[t + 1])])
                for t in range(threads)
            ]
            for job in jobs:
                job.result()

    block(0, buffers[0])
    row = {"policy": name, "compile_s": round(time.perf_counter() - began, 2)}
    pairs = PEOPLE * (POOL + SLOTS)
    row["compiled_pairs_per_s"] = best(lambda: everybody(block), pairs)
    if policy.item_only:
        row["handed_out_pairs_per_s"] = best(scored_and_handed, pairs)
    try:
        array = numpy_block(policy, compiled.rows, d)
    except NotImplementedError as reason:
        return {**row, "note": f"no NumPy version: {reason}"}
    size = PEOPLE // STRATA

    def blocked() -> None:
        for s in range(STRATA):
            array(d.person[s * size : (s + 1) * size], s)

    with np.errstate(all="ignore"):
        row["numpy_pairs_per_s"] = best(blocked, PEOPLE * POOL)
    fastest = row.get("handed_out_pairs_per_s", row["compiled_pairs_per_s"])
    row["ratio"] = round(fastest / row["numpy_pairs_per_s"], 1)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--policies", default=",".join(PRESETS))
    parser.add_argument("--threads", type=int, default=1, help="of the compiled version; NumPy uses one")
    options = parser.parse_args()
    rows = [measure(name, options.threads) for name in options.policies.split(",")]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print(
        f"{PEOPLE} people, {STRATA} pools of {POOL}, {SLOTS} inbox slots, {TOPICS} topics, {options.threads} thread(s)"
    )
    print(f"{'policy':24s}{'compile':>9s}{'compiled':>12s}{'handed out':>12s}{'NumPy':>12s}{'ratio':>8s}")
    for row in rows:
        speed = [
            f"{row[k] / 1e6:9.0f} M/s" if k in row else f"{'-':>12s}"
            for k in ("compiled_pairs_per_s", "handed_out_pairs_per_s", "numpy_pairs_per_s")
        ]
        print(
            f"{row['policy']:24s}{row.get('compile_s', 0):7.1f} s{''.join(speed)}{row.get('ratio', ''):>8}  {row.get('note', '')}"
        )


if __name__ == "__main__":
    main()
