"""Vector files beside this one, read and held against the plain function and the compiled loop.

A file ``<id>.json``: {"policy", "kind", "source", "commit_or_date", "tag", "tolerance", "compiled_tolerance", "notes",
"vectors": [{"inputs", "parameters" (optional), "expected"}]}. Tolerances are absolute: the plain one is half a unit of
the last published digit, the compiled one what float32 can hold of the expression, said in the notes. Kinds are a
table: a new kind is one function and one line in `CHECKERS`. Where nothing is published, values are worked out by hand
from the formula, and ``source`` says so.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from recsim.errors import InputError, unknown
from recsim.ranking import registry
from recsim.ranking.compile import compile_policy
from recsim.ranking.presets import PRESETS

FOLDER = Path(__file__).parent
KEYS = ("policy", "kind", "source", "commit_or_date", "tag", "tolerance", "compiled_tolerance", "notes", "vectors")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one vector gave. Values are numbers or lists of numbers of the same length."""

    expected: Any
    plain: Any
    compiled: Any
    plain_passed: bool
    compiled_passed: bool


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        policy, source, commit_or_date, tag: as in the file, or of the policy if it has none.
        status: "passed", "FAILED", "no published vectors", or "not checked" for a kind without a checker.
        total: number of vectors. plain, compiled: how many of them each reproduces.
        failures: one line per vector that fails.
    """

    policy: str
    source: str
    commit_or_date: str
    tag: str
    status: str
    total: int = 0
    plain: int = 0
    compiled: int = 0
    failures: tuple[str, ...] = ()


def load(path: Path) -> dict[str, Any]:
    """One vector file.

    Raises:
        InputError: not JSON, or a key is missing or unknown.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", path.name) from error
    for key in found:
        if key not in KEYS:
            raise unknown("key", key, KEYS, path.name)
    missing = [key for key in KEYS if key not in found]
    if missing:
        raise InputError(f"lacks {', '.join(missing)}", path.name)
    return found


def files() -> list[dict[str, Any]]:
    """All vector files, in the order of their names."""
    return [load(path) for path in sorted(FOLDER.glob("*.json"))]


def near(got: Any, expected: Any, tolerance: float) -> bool:
    """Whether every number lies within ``tolerance``, absolute; false for values that are not finite."""
    a, b = np.asarray(got, float), np.asarray(expected, float)
    return a.shape == b.shape and bool((np.abs(a - b) <= tolerance).all())


def check_scores(file: dict[str, Any]) -> list[Outcome]:
    """Kind "score": inputs are values of exactly the features that the policy reads; expected is its score.

    Raises:
        InputError: a feature is missing or is not read, or a parameter is unknown.
    """
    policy = registry.get(file["policy"])
    compiled = compile_policy(policy)
    reads, where = policy.score_reads, f"conformance of {policy.name}"
    outcomes = []
    for vector in file["vectors"]:
        inputs, given = vector["inputs"], vector.get("parameters", {})
        for name in inputs:
            if name not in reads:
                raise unknown("feature", name, reads, where)
        missing = [name for name in reads if name not in inputs]
        if missing:
            raise InputError(f"lacks {', '.join(missing)}", where)
        parameters = compiled.vector(given)
        plain = policy(SimpleNamespace(**inputs), SimpleNamespace(**{**policy.parameters, **given}))
        features = np.array([[float(inputs[name])] for name in reads], np.float32)
        out = np.zeros(1, np.float32)
        compiled.score_features(features, parameters, out)
        expected = vector["expected"]
        outcomes.append(
            Outcome(
                expected, plain, float(out[0]), near(plain, expected, file["tolerance"]),
                near(out[0], expected, file["compiled_tolerance"]),
            )
        )  # fmt: skip
    return outcomes


def check_reranks(file: dict[str, Any]) -> list[Outcome]:
    """Kind "rerank": inputs are the arrays of a slate; expected are scores or places."""
    from recsim.ranking.rerank_check import check_vectors

    return [Outcome(*checked) for checked in check_vectors(file)]


def check_fatigue(file: dict[str, Any]) -> list[Outcome]:
    """Kind "fatigue": inputs are days since the person hid something by the author; expected is the factor."""
    policy = registry.get(file["policy"])
    outcomes = []
    for vector in file["vectors"]:
        days, expected = vector["inputs"]["days"], vector["expected"]
        values = SimpleNamespace(**{**policy.parameters, **vector.get("parameters", {})})
        assert policy.fatigue is not None
        plain, used = policy.fatigue(days, values), policy.fatigue_factors(values, days, 1)[1]
        outcomes.append(
            Outcome(
                expected, plain, float(used), near(plain, expected, file["tolerance"]),
                near(used, expected, file["compiled_tolerance"]),
            )
        )  # fmt: skip
    return outcomes


CHECKERS: dict[str, Callable[[dict[str, Any]], list[Outcome]]] = {
    "score": check_scores,
    "rerank": check_reranks,
    "fatigue": check_fatigue,
}


def row_of(file: dict[str, Any]) -> Row:
    """The line of one vector file."""
    named = (file["policy"], file["source"], file["commit_or_date"], file["tag"])
    if file["kind"] not in CHECKERS:
        return Row(*named, "not checked", len(file["vectors"]))
    outcomes = CHECKERS[file["kind"]](file)
    failures = tuple(
        f"vector {number}: expected {o.expected}, plain {o.plain}, compiled {o.compiled}"
        for number, o in enumerate(outcomes, 1)
        if not (o.plain_passed and o.compiled_passed)
    )
    plain, compiled = (sum(getattr(o, name) for o in outcomes) for name in ("plain_passed", "compiled_passed"))
    return Row(*named, "FAILED" if failures else "passed", len(outcomes), plain, compiled, failures)


def table(wanted: str | None = None, found: Sequence[dict[str, Any]] | None = None) -> list[Row]:
    """One line per vector file, then one per policy without any.

    Args:
        wanted: only this policy. found: vector files instead of those that ship.

    Raises:
        InputError: nothing is called ``wanted``.
    """
    found = files() if found is None else found
    covered = {file["policy"] for file in found}
    if wanted is not None and wanted not in covered:
        policy = registry.get(wanted)
        return [Row(wanted, policy.source, policy.date, policy.evidence, "no published vectors")]
    rows = [row_of(file) for file in found if wanted in (None, file["policy"])]
    if wanted is None:
        rows += [
            Row(name, p.source, p.date, p.evidence, "no published vectors")
            for name, p in PRESETS.items()
            if name not in covered
        ]
    return rows
