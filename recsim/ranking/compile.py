"""From a plain function to a compiled score loop: a small generated module, named by the hash of all that went in.

Why generate text: a jitted function passed as an argument or closed over never hits Numba's disk cache, and one
imported from another module does hit it but runs stale code after an edit. Here the sources of the policy, of every
helper and constant it reaches, and of the kernels it uses are written into one module whose name is the SHA-256 of
that text and of the versions; an edit anywhere is a new module. Only the features that the policy names are computed.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from recsim.kernels import mathf, philox
from recsim.ranking.array_policy import ArrayPolicy, compile_arrays
from recsim.ranking.compile_module import hook_text, load_rendered, whole_digest
from recsim.ranking.compile_rerank import rerank_rows, rerank_text
from recsim.ranking.compile_shadow import INBOX_SCRATCH, drawing_lines, inbox_lines, shadow_text
from recsim.ranking.compile_source import check_taken, kernel_text, user_text
from recsim.ranking.policy import Policy
from recsim.ranking.vocabulary import CONSTANTS, NEEDS_AFFINITY, SLOTS, features_of


@dataclasses.dataclass(frozen=True)
class CompiledPolicy:
    """A policy's score loop.

    Attributes:
        policy: what was compiled.
        rows: item-level rows the loop reads, in order.
        source: the generated module.
        digest: SHA-256 of the source, the versions and everything else that the policy says of itself.
        module: the generated module, with score_block, score_items, score_features, shadow_block and, if there are
            re-rankers, rerank_block; see its text for their arguments.
    """

    policy: Policy
    rows: tuple[str, ...]
    source: str
    digest: str
    module: ModuleType

    @property
    def score_block(self) -> Callable:
        """Scores of a block of visits."""
        return self.module.score_block

    @property
    def score_items(self) -> Callable:
        """Scores of items for a viewer of average interest."""
        return self.module.score_items

    @property
    def score_features(self) -> Callable:
        """Scores of rows of feature values."""
        return self.module.score_features

    @property
    def shadow_block(self) -> Callable:
        """Scores of a block of visits for several sets of parameters."""
        return self.module.shadow_block

    @property
    def rerank_block(self) -> Callable | None:
        """The re-rank stage, None for a policy without re-rankers; see `recsim.ranking.compile_rerank`."""
        return getattr(self.module, "rerank_block", None)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Parameters in the order of the vector."""
        return tuple(self.policy.parameters)

    def vector(self, values: Mapping[str, float]) -> np.ndarray:
        """Parameters as (K,) float32; see `Policy.vector`."""
        return self.policy.vector(values)


def render(policy: Policy, predictor: str, feature: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of the generated module, and the rows it reads.

    With ``feature`` the "score" is the value of that one feature, and the rows are those of all features of the policy.
    """
    known = {**features_of(predictor), **SLOTS, **policy.learned_features}
    scored = [row for name in policy.score_reads for row in known[name].rows]
    rows = tuple(dict.fromkeys([*scored, *rerank_rows(policy)]))
    reads = policy.score_reads if feature is None else (feature,)
    place = {f"{row}": f"rows[{k}, j]" for k, row in enumerate(rows)}
    needs_affinity = any(name in NEEDS_AFFINITY for name in reads)
    needs_noise = "noise" in reads
    # The match is worked out before the loop; without one, the text is as if the feature did not exist.
    takes, given_too, typical = ("", "", "")
    if "match" in reads:
        takes = given_too = ", given"
        typical = f", item_rows[{rows.index('typical_match')} : {rows.index('typical_match') + 1}]"
    functions: dict[str, str] = {}
    if feature is None:
        user_text(policy.function, "score_of", functions)
    else:
        functions["score_of"] = f"@njit(**HELPER)\ndef score_of(f, p):\n    return F(f.{feature})"
    for number, factor in enumerate(policy.multiply):
        user_text(factor, f"factor_{number}", functions)
    names = tuple(policy.parameters) or ("unused",)
    features = reads or ("nothing",)
    expressions = tuple(known[name].expression.format(**place) for name in reads) or ("F(0.0)",)
    values = ", ".join(expressions)
    product = "".join(f" * factor_{k}(f, p)" for k in range(len(policy.multiply)))
    settle = "\n".join(f"    {name} = constants[{k}]" for k, name in enumerate(CONSTANTS))
    columns = ", ".join(f"features[{k}, j]" for k in range(len(features)))
    given = ", ".join(f"params[{k}]" for k in range(len(names)))
    affinity = (
        """
    for j in range(n):
        interest[j] = F(0.0)
    fours = topic.shape[0] & ~3
    for d in range(0, fours, 4):  # four at a time, in the same order: interest is read and written a fourth as often
        e, e1, e2, e3 = estimate[person, d], estimate[person, d + 1], estimate[person, d + 2], estimate[person, d + 3]
        for j in range(n):
            interest[j] = interest[j] + e * topic[d, j] + e1 * topic[d + 1, j] + e2 * topic[d + 2, j] + e3 * topic[d + 3, j]
    for d in range(fours, topic.shape[0]):
        e = estimate[person, d]
        for j in range(n):
            interest[j] += e * topic[d, j]"""
        if needs_affinity
        else ""
    )
    if "cosine" in reads:
        affinity += """
    square = F(0.0)
    for d in range(topic.shape[0]):
        square += estimate[person, d] * estimate[person, d]
    inverse_norm = F(1.0) / F(math.sqrt(max(square, F(1e-12))))"""
    if predictor == "oracle":
        affinity += """
    bias = estimate[person, estimate.shape[1] - 1]  # no item has this coordinate"""
    draws = drawing_lines("out[line, offset:]") if needs_noise else ""
    lane = "affinity = interest[j]" if needs_affinity else "affinity = F(0.0)"
    if "match" in reads:
        lane += "\n        match = given[line, offset + j]"
    if needs_noise:
        lane += "\n        noise = drawn[j]"
    text = f'''"""Score loop of the policy {policy.name!r}, generated by recsim; do not edit."""
import math
from typing import NamedTuple

import numpy as np
from numba import njit

KERNEL = {{"cache": True, "error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True, "nogil": True}}
HELPER = {{"error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}}
INLINE = {{**HELPER, "forceinline": True}}  # a loop around a call is not vector code
F = np.float32
LOWEST = F(-np.inf)

{kernel_text(mathf, ("exp32", "log32", "power32", "sigmoid32"))}

{kernel_text(philox, ("unit_of", "round_of", "rounds", "draw_units"))}


class Features(NamedTuple):
{"".join(f"    {name}: object{chr(10)}" for name in features)}

class Parameters(NamedTuple):
{"".join(f"    {name}: object{chr(10)}" for name in names)}

{(chr(10) * 2).join(functions.values())}


@njit(**HELPER)
def fill(first, last, base, offset, in_network, person_of, language_of, region_of, estimate, topic, rows, keys, n,
         inbox, item_topic, item_rows, item_key, window_start, constants, params, key0, key1, step, first_person, interest,
         out{takes}):
    """Scores of n items, laid side by side, for visits first..last-1: out[visit - base, offset:offset + n] is written.

    Either all visits have the same items (topic (D, n), rows (F, n), keys (n,)), or, in_network, the last n of each
    person's inbox, for which these arrays are scratch. Visits are a loop here, not in the caller: handing arrays over
    counts references to each of them, an atomic write.
    """
{settle}
    p = Parameters({given}{"," if len(names) == 1 else ""})
    for visit in range(first, last):
        person = person_of[visit]
        number = first_person + np.uint64(person)
        person_language, person_region = language_of[person], region_of[person]
        line = visit - base
        if in_network:
{textwrap.indent(inbox_lines("person", "n", "topic", "rows", "keys"), "    ").rstrip()}{textwrap.indent(affinity, "    ")}{textwrap.indent(draws, "    ")}
        for j in range(n):
            {textwrap.indent(lane, "    ").strip()}
            f = Features({values}{"," if len(features) == 1 else ""})
            out[line, offset + j] = score_of(f, p){product}
        if in_network:
            for j in range(n):
                if inbox[person, j] < window_start:
                    out[line, offset + j] = LOWEST


@njit(**KERNEL)
def score_block(first, last, person, stratum, estimate, pool_topic, pool_rows, pool_key, pool_count, inbox,
                item_topic, item_rows, item_key, window_start, person_language, person_region, constants, params,
                key0, key1, step, first_person, scores{takes}):
    """Scores of visits first..last-1: pool positions, then inbox slots; minus infinity where there is nothing.

    person, stratum (V,) int32; estimate (U, D); pool_topic (S, D, P); pool_rows (S, F, P); pool_key (S, P);
    pool_count (S,); inbox (U, M) item numbers, -1 empty; item_topic (I, D); item_rows (F, W); item_key (I,);
    first_person uint64, number of the person in row 0, by which she draws; scores (B, P+M) float32, row visit - first,
    written.
    """
    size = pool_topic.shape[2]
    slots = scores.shape[1] - size
    interest = np.empty(max(size, slots) + 1, np.float32)
{INBOX_SCRATCH}    start = first
    while start < last:
        s = stratum[start]
        stop = start + 1
        while stop < last and stratum[stop] == s:
            stop += 1
        n = np.int64(pool_count[s])
        fill(start, stop, first, 0, False, person, person_language, person_region, estimate, pool_topic[s], pool_rows[s],
             pool_key[s], n, inbox, item_topic, item_rows, item_key, window_start, constants, params, key0, key1, step,
             first_person, interest, scores{given_too})
        for line in range(start - first, stop - first):
            for j in range(n, size):
                scores[line, j] = LOWEST
        start = stop
    if slots > 0:
        fill(first, last, first, size, True, person, person_language, person_region, estimate, inbox_topic, inbox_rows,
             inbox_key, slots, inbox, item_topic, item_rows, item_key, window_start, constants, params, key0, key1, step,
             first_person, interest, scores{given_too})


@njit(**KERNEL)
def score_items(count, window_start, item_rows, item_key, constants, params, key0, key1, step, out):
    """Scores of window items for a viewer of average interest who follows nobody; out (W,) float32, written.

    Her language and region are those of no item, so that context features are neutral for all alike.
    """
    nobody, nowhere = np.zeros(1, np.int32), np.full(1, -2, np.int8)
    none, nothing = np.zeros((1, 0), np.int32), np.zeros((1, 1), np.float32)
    topic = np.zeros((1, count), np.float32)
    interest = np.empty(count + 1, np.float32)
    fill(0, 1, 0, 0, False, nobody, nowhere, nowhere, nothing, topic, item_rows, item_key[window_start:], count, none,
         nothing, item_rows, item_key, window_start, constants, params, key0, key1, step,
         np.uint64(0), interest, out.reshape((1, out.shape[0])){typical})


@njit(**KERNEL)
def score_features(features, params, out):
    """Scores of rows of feature values, nothing predicted: features ({len(features)}, n) float32 in the order of
    `Features`; out (n,) float32, written.
    """
    p = Parameters({given}{"," if len(names) == 1 else ""})
    for j in range(features.shape[1]):
        f = Features({columns}{"," if len(features) == 1 else ""})
        out[j] = score_of(f, p){product}
{hook_text(policy)}'''
    if not takes:
        fixed = tuple(known[name].scope == "global" for name in reads) or (False,)
        text += shadow_text(settle, affinity, lane, reads, expressions, fixed, len(names), product)
    text += rerank_text(policy, rows) if feature is None else ""
    check_taken(text, functions)
    return text, rows


def compile_policy(policy: Policy, predictor: str = "rates") -> CompiledPolicy:
    """Render, load and wrap a policy's score loop. Values of parameters are arguments and never recompile.

    Args:
        policy: what to compile.
        predictor: where predicted actions come from: "rates", "logistic" or "oracle"; see
            `recsim.ranking.vocabulary.features_of`.

    Raises:
        InputError: something in the function cannot be compiled; one line says what.
    """
    if isinstance(policy, ArrayPolicy):
        return compile_arrays(policy, predictor)  # type: ignore[return-value]
    text, rows = render(policy, predictor)
    code, module = load_rendered(text)
    return CompiledPolicy(policy, rows, text, whole_digest(policy, code), module)
