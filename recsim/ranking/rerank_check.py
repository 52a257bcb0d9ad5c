"""A re-ranker on one slate, by its plain function and compiled; and checking it against a file of published values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from recsim.errors import InputError, unknown
from recsim.kernels.rerank import follow_order, sort_down
from recsim.ranking.compile import compile_policy
from recsim.ranking.presets import PRESETS
from recsim.ranking.registry import get_reranker
from recsim.ranking.reranker import Reranker, with_rerankers
from recsim.ranking.slate_vocabulary import SCRATCH, SLATE, slate_names

DEFAULTS = {"scale": 1.0, "item_scale": 1.0, "person_language": 0, "person_region": 0}


class Outcome(NamedTuple):
    """What a re-ranker made of a slate.

    Attributes:
        score: (m,) float32, score of each entry as the re-ranker left it, entries as they were given.
        order: entries by place, best first; without those it takes out.
    """

    score: np.ndarray
    order: list[int]


def slate_of(one: Reranker, inputs: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """The arrays that the re-ranker names, from plain lists.

    Args:
        one: re-ranker.
        inputs: arrays by name; ``score`` (m,), falling, always; ``topic`` as D rows of m.
        values: parameters by name, for the table.

    Raises:
        InputError: an array that it names is missing, or one that does not exist is given.
    """
    known, where = slate_names(), f"inputs of re-ranker {one.name}"
    for name in inputs:
        if name not in known:
            raise unknown("slate array", name, known, where)
    m = len(inputs["score"])
    topics, candidates = len(inputs.get("topic", inputs.get("interest", [0]))), len(inputs.get("standing", [0]))
    made: dict[str, Any] = {
        **{name: np.zeros((rows, m), dtype) for name, (rows, dtype) in SCRATCH.items()},
        "matrix": np.zeros((m, m), np.float32), "topic_scratch": np.zeros((4, topics), np.float32),
        "candidate_scratch": np.zeros((4, candidates), np.int32), "order": np.full(m, -1, np.int32),
        "table": one.table_of(values),
    }  # fmt: skip
    for name in one.names:
        if name in made:
            continue
        if name not in inputs and name not in DEFAULTS:
            raise InputError(f"slate array {name!r} is missing", where)
        shape = SLATE[name].shape if name in SLATE else "(m,) float32"
        value = inputs.get(name, DEFAULTS.get(name))
        made[name] = int(value) if shape == "int" else np.array(value, shape.split()[-1].rstrip("_"))
        if shape == "float32":
            made[name] = np.float32(value)
    made.setdefault("score", np.array(inputs["score"], np.float32))
    return {name: made[name] for name in {*one.names, "score"}}


def run_plain(one: Reranker, inputs: Mapping[str, Any], parameters: Mapping[str, float] | None = None) -> Outcome:
    """The re-ranker's plain function on one slate; arguments as `run_compiled`."""
    values = {**one.parameters, **(parameters or {})}
    slate = slate_of(one, inputs, values)
    before = [float(x) for x in slate["score"]]
    with np.errstate(all="ignore"):
        one(SimpleNamespace(**slate), SimpleNamespace(**{name: np.float32(x) for name, x in values.items()}))
    stays = [k for k in range(len(before)) if slate["score"][k] > -np.inf]
    if "order" in one.names:
        named = dict.fromkeys(int(k) for k in slate["order"])
        order = list(dict.fromkeys([*(k for k in named if k in stays), *stays]))
    else:
        order = sorted(stays, key=lambda k: -slate["score"][k])
    return Outcome(slate["score"], order)


def run_compiled(one: Reranker, inputs: Mapping[str, Any], parameters: Mapping[str, float] | None = None) -> Outcome:
    """The compiled re-ranker on one slate.

    Args:
        one: re-ranker.
        inputs: arrays by name, see `slate_of`.
        parameters: values that differ from the defaults.

    Raises:
        InputError: an unknown parameter or array, with the nearest name.
    """
    compiled = compile_policy(with_rerankers(PRESETS["random"], [one]))
    vector = compiled.vector(parameters or {})
    slate = slate_of(one, inputs, {**one.parameters, **(parameters or {})})
    score = slate["score"]
    m = len(score)
    before = score.copy()
    names = compiled.parameter_names
    given = compiled.module.Parameters(*(vector if names else [np.float32(0.0)]))
    compiled.module.rerank_0(compiled.module.Slate0(*(slate[name] for name in one.names)), given)
    left = score.copy()
    row, column, item = np.zeros(m, np.float32), np.arange(m), np.arange(m)
    if "order" in one.names:
        n = follow_order(m, slate["order"], before, row, column, item, score, column.copy(), column.copy())
    else:
        n = sort_down(m, row, column, item, score)
    return Outcome(left, [int(k) for k in column[:n]])


class Checked(NamedTuple):
    """One vector of a file: what was expected, what both ways gave, and whether it is near enough."""

    expected: Any
    plain: Any
    compiled: Any
    plain_passed: bool
    compiled_passed: bool


def check_vectors(content: Mapping[str, Any]) -> list[Checked]:
    """Every vector of a file of published values, by the plain and by the compiled re-ranker.

    The file names the re-ranker (``policy``), tolerances, and vectors: ``inputs`` (slate arrays), ``parameters``,
    ``expected``. With ``"expects": "score"`` these are scores of the entries as given, with ``"order"`` entries by
    place; if not stated, scores for a re-ranker that writes scores and places for one that writes the order.
    """
    one = get_reranker(content["policy"])
    found = []
    for vector in content["vectors"]:
        expects = vector.get("expects", "order" if "order" in one.names else "score")
        got: list[Any] = []
        passed: list[bool] = []
        for run, tolerance in ((run_plain, content["tolerance"]), (run_compiled, content["compiled_tolerance"])):
            outcome = run(one, vector["inputs"], vector["parameters"])
            value = outcome.order if expects == "order" else [float(x) for x in outcome.score]
            ok = len(value) == len(vector["expected"])
            got.append(value)
            passed.append(ok and bool(np.allclose(value, vector["expected"], rtol=tolerance, atol=tolerance)))
        found.append(Checked(vector["expected"], got[0], got[1], passed[0], passed[1]))
    return found


def check_rerank(file: Path) -> list[bool]:
    """Whether plain and compiled re-ranker give each vector of a file; see `check_vectors`."""
    content = json.loads(Path(file).read_text(encoding="utf-8"))
    return [c.plain_passed and c.compiled_passed for c in check_vectors(content)]
