"""The slate vocabulary: everything a re-ranker may look at, and how the generated kernel gathers it.

A re-ranker gets the arrays it names, and only those are filled. ``m`` is the number of entries, best first; ``D`` the
number of topics, ``C`` of candidates. Item and author features of the policies' vocabulary are slate arrays too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim.ranking.vocabulary import FEATURES

TABLE = 512
"""Places of a re-ranker's table."""
MOST = 400
"""Largest number of entries that are re-ranked."""
SCRATCH = {"scratch": (8, np.float32), "marks": (4, np.int32)}
"""Rows of the scratch arrays over entries."""


class SlateName(NamedTuple):
    """One entry of the vocabulary.

    Attributes:
        shape: shape and dtype, for readers.
        buffer: statements before the visits: what is allocated once per block.
        fill: statements before every call.
        value: what the re-ranker gets.
        content: whether it tells anything about items or people.
        profiling: whether it tells people apart by behaviour or identity.
        writable: whether a re-ranker may write to it.
        doc: one line.
    """

    shape: str
    buffer: str
    fill: str
    value: str
    content: bool
    profiling: bool
    writable: bool
    doc: str


def _entry(name: str, dtype: str, expression: str, doc: str, profiling: bool = False) -> SlateName:
    fill = f"for k in range(m):\n    i = item[k]\n    b_{name}[k] = {expression}"
    return SlateName(
        f"(m,) {dtype}", f"b_{name} = np.empty(most, np.{dtype})", fill, f"b_{name}[:m]", True, profiling, False, doc
    )


def _scratch(name: str, rows: str, columns: str, room: str, dtype: str, doc: str) -> SlateName:
    fill = f"for k in range({rows} * {columns}):\n    b_{name}[k] = 0"
    value = f"b_{name}[:{rows} * {columns}].reshape(({rows}, {columns}))"
    buffer = f"b_{name} = np.empty({rows.replace('m', 'most')} * {room}, np.{dtype})"
    return SlateName(f"({rows}, {columns}) {dtype}", buffer, fill, value, False, False, True, doc)


def _fixed(shape: str, value: str, doc: str, content: bool = True) -> SlateName:
    return SlateName(shape, "", "", value, content, False, False, doc)


SLATE: dict[str, SlateName] = {
    "score": SlateName("(m,) float32", "", "", "score[:m]", False, False, True, "score, falling; writing it re-ranks; minus infinity takes the entry out"),
    "order": SlateName("(m,) int32", "b_order = np.empty(most, np.int32)", "for k in range(m):\n    b_order[k] = -1", "b_order[:m]", False, False, True, "which entry goes to each place, -1 at first; entries not named follow in their earlier order; places keep their scores"),
    "topic": SlateName(
        "(D, m) float32", "b_topic = np.empty(items.topic.shape[1] * most, np.float32)",
        "for k in range(m):\n    i = item[k]\n    for d in range(items.topic.shape[1]):\n        b_topic[d * m + k] = items.topic[i, d]",
        "b_topic[:items.topic.shape[1] * m].reshape((items.topic.shape[1], m))", True, False, False,
        "topics of the items, unit length, not negative",
    ),
    "author": _entry("author", "int32", "items.author[i]", "number of the author"),
    "candidate": _entry("candidate", "int32", "items.labels.candidate[i]", "candidate it is about, -1 none"),
    "stance": _entry("stance", "int32", "items.labels.stance[i]", "-1 critical, 0 neutral, 1 supportive"),
    "language": _entry("language", "int32", "items.labels.language[i]", "language of the item"),
    "region": _entry("region", "int32", "items.labels.region[i]", "region of the item"),
    "in_network": _entry("in_network", "bool_", "column[k] >= pools.item.shape[1]", "reached through a followed account"),
    "interest": SlateName(
        "(D,) float32", "b_interest = np.empty(observed.estimate.shape[1], np.float32)",
        "for d in range(observed.estimate.shape[1]):\n    b_interest[d] = observed.estimate[who, d]", "b_interest",
        True, True, False, "the person's estimated interest by topic, about -2 to 4",
    ),
    "person_language": _fixed("int", "np.int64(cells.language[who])", "language of the person"),
    "person_region": _fixed("int", "np.int64(cells.region[who])", "region of the person"),
    "standing": _fixed("(C,) float32", "facts.standing", "registered share of each candidate, adding up to 1"),
    "scale": _fixed("float32", "facts.scale", "simulated people for each real one", False),
    "item_scale": _fixed("float32", "facts.item_scale", "views of an item in `impressions` for each view of one real item: 1 in a simulation", False),
    "table": _fixed(f"({TABLE},) float32", "facts.table[{number}]", "the re-ranker's own table, see `recsim.reranker`", False),
    **{
        name: _scratch(name, str(rows), "m", "most", np.dtype(dtype).name, "scratch space, zero at first")
        for name, (rows, dtype) in SCRATCH.items()
    },
    "matrix": _scratch("matrix", "m", "m", "most", "float32", "scratch space, zero at first"),
    "topic_scratch": _scratch("topic_scratch", "4", "items.topic.shape[1]", "items.topic.shape[1]", "float32", "scratch space by topic, zero at first"),
    "candidate_scratch": _scratch("candidate_scratch", "4", "facts.standing.shape[0]", "facts.standing.shape[0]", "int32", "scratch space by candidate, zero at first"),
}  # fmt: skip


def slate_names() -> dict[str, SlateName]:
    """Everything a re-ranker can name: the slate's own arrays, and item and author features as (m,) float32.

    A feature's expression is filled in by the compiler, which knows the rows.
    """
    features = {
        name: _entry(name, "float32", feature.expression, f"{feature.doc}; {feature.unit}", feature.profiling)
        for name, feature in FEATURES.items()
        if feature.scope in ("item", "author")
    }
    return {**features, **SLATE}


class RerankFacts(NamedTuple):
    """What the re-rank stage is told besides the state of the world."""

    top: np.int64  # entries that are re-ranked
    standing: np.ndarray  # (C,) float32, registered shares
    scale: np.float32
    item_scale: np.float32
    table: np.ndarray  # (re-rankers, TABLE) float32
