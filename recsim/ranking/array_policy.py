"""The slow path: any Python callable on arrays as a ranking policy, for black boxes that cannot be compiled.

The features that it names are computed by compiled code, block by block; the callable gets them as arrays and returns
scores. It may do anything (a model of its own, a call to another program), at the price of that call for every block
of visits: measure it. Whether the same input gives the same scores, and so the same bits, is up to the callable.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np

from recsim.errors import InputError, RecsimError, unknown
from recsim.ranking.compile_module import load_rendered, whole_digest
from recsim.ranking.policy import Policy, check_features, check_ranges
from recsim.ranking.vocabulary import CONSTANTS, features_of

LOWEST = np.float32(-np.inf)
NOTHING = np.zeros(1, np.float32)
COMPILED_ONLY = ("multiply", "rerank", "refit", "learns", "signals")
"""Attributes that need a compiled score loop."""


@dataclasses.dataclass(frozen=True)
class ArrayPolicy(Policy):
    """A policy whose function works on arrays.

    Attributes:
        names: features the function wants.
        source_text: what decides its results, for the fingerprint: the text of the files in which its functions are defined.
        item_function: optional function of item and author features for retrieval and gates, when calling ``function``
            for every live item makes no sense; default ``function`` itself.
    """

    names: tuple[str, ...] = ()
    source_text: str = ""
    item_function: Callable | None = None

    @property
    def score_reads(self) -> tuple[str, ...]:
        """Features that the function wants, in alphabetical order."""
        return tuple(sorted(set(self.names)))


@dataclasses.dataclass(frozen=True)
class ArrayScorer:
    """What `recsim.ranking.compile.CompiledPolicy` is for compiled policies: same attributes, same calls."""

    policy: ArrayPolicy
    rows: tuple[str, ...]
    source: str
    digest: str
    loops: Mapping[str, tuple[Callable, Callable]]
    rerank_block: None = None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Parameters in the order of the vector."""
        return tuple(self.policy.parameters)

    def vector(self, values: Mapping[str, float]) -> np.ndarray:
        """Parameters as (K,) float32; see `Policy.vector`."""
        return self.policy.vector(values)

    def score_block(
        self, first: int, last: int, person: np.ndarray, stratum: np.ndarray, estimate: np.ndarray,
        pool_topic: np.ndarray, pool_rows: np.ndarray, pool_key: np.ndarray, pool_count: np.ndarray, inbox: np.ndarray,
        item_topic: np.ndarray, item_rows: np.ndarray, item_key: np.ndarray, window_start: int, *rest: Any,
    ) -> None:  # fmt: skip
        """Scores of visits first..last-1 into the last argument, (B, P+M) float32; arguments as generated modules have."""
        scores, constants, params, first_person = rest[-1], rest[2], rest[3], rest[-2]
        who, group = person[first:last], stratum[first:last]
        size = pool_rows.shape[2]
        slots = inbox[who] if scores.shape[1] > size else inbox[who, :0]
        there = np.concatenate([np.arange(size) < pool_count[group][:, None], slots >= window_start], axis=1)
        old = np.maximum(slots - int(window_start), 0)
        given: dict[str, np.ndarray] = {"present": there}
        for name in self.policy.score_reads:
            if name in self.loops:
                out = np.empty(there.shape, np.float32)
                self.loops[name][0](
                    first, last, person, stratum, estimate, pool_topic, pool_rows, pool_key, pool_count, inbox,
                    item_topic, item_rows, item_key, window_start, *rest[:3], NOTHING, *rest[4:-1], out,
                )  # fmt: skip
                value = out
            elif name in self.rows:
                k = self.rows.index(name)
                value = np.concatenate([pool_rows[group, k], item_rows[k, old]], axis=1)
            else:
                value = np.broadcast_to(
                    self._plain(name, constants, who[:, None] + np.int64(first_person)), there.shape
                )
            given[name] = np.where(there, value, np.float32(0))
        found = self._call(self.policy.function, given, params, there.shape)
        scores[: last - first] = np.where(there, found, LOWEST)

    def score_items(
        self, count: int, window_start: int, item_rows: np.ndarray, item_key: np.ndarray, constants: np.ndarray,
        params: np.ndarray, key0: np.uint64, key1: np.uint64, step: np.uint64, out: np.ndarray,
    ) -> None:  # fmt: skip
        """Scores of window items for a viewer of average interest who follows nobody; out (W,) float32, written."""
        given: dict[str, np.ndarray] = {"present": np.ones(count, np.bool_)}
        for name in self.policy.score_reads:
            if name in self.loops:
                value = np.empty(len(out), np.float32)
                self.loops[name][1](
                    count, window_start, item_rows, item_key, constants, NOTHING, key0, key1, step, value
                )
                given[name] = value[:count]
            elif name in self.rows:
                given[name] = item_rows[self.rows.index(name), :count].copy()
            else:
                given[name] = np.broadcast_to(self._plain(name, constants, np.zeros(1)), (count,)).copy()
        out[:count] = self._call(self.policy.item_function or self.policy.function, given, params, (count,))

    def _plain(self, name: str, constants: np.ndarray, person: np.ndarray) -> np.ndarray:
        """Features that need no loop: who is looking, and figures of the whole platform."""
        if name == "person":
            return person.astype(np.float32)
        return np.asarray(constants[CONSTANTS.index(name)], np.float32)

    def _call(self, function: Callable, given: dict, params: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        name = self.policy.name
        p = SimpleNamespace(**dict(zip(self.policy.parameters, map(float, params), strict=False)))
        found = np.asarray(function(SimpleNamespace(**given), p), np.float32)
        if found.shape != shape:
            raise RecsimError(
                f"policy {name} returned scores of shape {found.shape}, must be {shape} like its features"
            )
        if np.isnan(found).any():
            raise RecsimError(f"policy {name} returned NaN; scores must be numbers, or minus infinity to leave out")
        return found


def array_policy(
    *names: str, meta: Mapping[str, Any] | None = None, **parameters: float
) -> Callable[[Callable], Policy]:
    """Make a policy of a function ``scores(f, p)`` on arrays.

    ``f`` has one float32 array per feature, all of one shape: (visits, entries) when people's feeds are scored, (items,)
    for retrieval, and ``f.present`` says where there is an item at all (elsewhere features are zero and scores ignored).
    The function must return scores of that shape, elementwise or row by row.

    Args:
        *names: features wanted.
        meta: any attribute of `Policy` but those of a compiled loop (re-rankers, multipliers, a refit and what belongs to it),
            and ``item_function``.
        **parameters: names and default values of ``p``.

    Raises:
        InputError: a feature or attribute that does not exist, with the nearest name.
    """

    def make(function: Callable) -> Policy:
        allowed = {field.name for field in dataclasses.fields(ArrayPolicy)} - {"function", "parameters", "names"}
        for name in meta or {}:
            if name not in allowed:
                raise unknown("policy attribute", name, allowed, f"policy {function.__name__}")
        called = [function, *([(meta or {})["item_function"]] if (meta or {}).get("item_function") else [])]
        made = ArrayPolicy(**{
            "name": function.__name__, "function": function, "parameters": MappingProxyType(dict(parameters)),
            "names": names, "source_text": "\n".join(dict.fromkeys(map(_text_of, called))), **(meta or {}),
        })  # fmt: skip
        if not names:
            raise InputError(f"policy {made.name} names no feature; give at least one to @array_policy")
        for hook in COMPILED_ONLY:
            if getattr(made, hook):
                raise InputError(
                    f"has {hook!r}, which only a compiled policy can have; leave it out", f"policy {made.name}"
                )
        check_features(made)
        check_ranges(made, f"policy {made.name}")
        return made

    return make


def _text_of(function: Callable) -> str:
    try:
        path = inspect.getsourcefile(function)
        return Path(path).read_text(encoding="utf-8") if path else repr(function)
    except (OSError, TypeError):
        return repr(function)


def compile_arrays(policy: ArrayPolicy, predictor: str) -> ArrayScorer:
    """Compile the features of person and item that an array policy wants; the others are rows and constants.

    Args:
        policy: what to wrap. predictor: see `recsim.ranking.compile.compile_policy`.
    """
    from recsim.ranking.compile import render  # which hands array policies on to this module

    known = features_of(predictor)
    rows = tuple(dict.fromkeys(row for name in policy.score_reads for row in known[name].rows))
    loops, texts = {}, []
    for name in policy.score_reads:
        if known[name].scope == "pair" and name != "person":
            text, _ = render(policy, predictor, feature=name)
            texts.append(text)
            module = load_rendered(text)[1]
            loops[name] = (module.score_block, module.score_items)
    whole = "\n".join([policy.source_text, *policy.score_reads, *texts])
    code = hashlib.sha256(whole.encode()).hexdigest()
    return ArrayScorer(policy, rows, whole, whole_digest(policy, code), loops)
