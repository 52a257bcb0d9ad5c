"""What a policy may learn from between steps, and what it may return: the two sides of the ``refit`` hook."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from recsim.errors import InputError, unknown

CONTEXT_UNIT = 1024
"""`View.context` counts known interest in units of 1/1024."""


class View(NamedTuple):
    """What the platform has logged; read-only. Nothing latent is in it.

    Items are numbered through the whole run; those alive now are ``first`` to ``last - 1`` (W of them). Actors below
    ``people`` are people; those above are accounts of campaigns, which the platform cannot tell apart. One such actor
    stands for as many real accounts as a simulated person for real people, with the full activity of one account.
    """

    actor: np.ndarray  # (N,) int32, likes, shares and follows (or the policy's signals) in the order they happened
    item: np.ndarray  # (N,) int32
    step: np.ndarray  # (N,) int32
    value: np.ndarray  # (N,) int32, 1 positive, 0 negative; all 1 unless the policy names signals
    people: int
    actors: int
    first: int
    last: int
    known: tuple[int, int]  # live items at the refit before; (0, 0) at the first one
    now: int  # step
    step_hours: float
    topic: np.ndarray  # (I, D) float32
    author: np.ndarray  # (I,) int32
    language: np.ndarray  # (I,) int8, most spoken first
    created: np.ndarray  # (I,) int32, step
    counts: np.ndarray  # (I, 10) int64, counted events by anybody, in the order of `recsim.state.ACTIONS`
    counted: np.ndarray  # (I, 10) int64, the same at the refit before
    decayed: np.ndarray  # (10, I) float32
    context: np.ndarray  # (I, 3) int64, people's impressions since then: sums of a, a^2, a x liked; a: interest x 1024
    weight: float  # events of one real item for one counted event of a simulated item
    memory: Mapping[str, np.ndarray]  # what the refit before returned as memory; empty at the first one
    parameters: Mapping[str, float]
    draw: Callable[[int], np.ndarray]  # draw(n): (W, 4) float32 in [0, 1), keyed by item, step and question n


@dataclasses.dataclass(frozen=True)
class Learned:
    """What a refit returns; all of it is optional. H places of history, K neighbours, R factors, N items of a table.

    Attributes:
        rows: by name, (W,) float32 values of the live items; the names are those in the policy's ``learns``.
        person, item: (U, R) and (W, R) float32; the feature ``match`` is their product.
        history: (U, H) int32, rows of the table below of which a person's ``match`` is the sum; -1 nothing.
        neighbour: (N, K) int32, places in the live window, 0 to W - 1; -1 nothing more in this row.
        similarity: (N, K) float32.
        memory: arrays for the next refit, by any name.

    Without any of these, ``match`` is 0. An item posted since the last refit has 0 everywhere.
    """

    rows: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    person: np.ndarray | None = None
    item: np.ndarray | None = None
    history: np.ndarray | None = None
    neighbour: np.ndarray | None = None
    similarity: np.ndarray | None = None
    memory: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


def checked(made: Learned, people: int, window: int, learns: tuple[str, ...], where: str) -> Learned:
    """The same, in C order and the dtypes the kernels want.

    Args:
        made: what a refit returned. people, window: U and W. learns: names of rows it promised. where: for messages.

    Raises:
        InputError: a row that is missing or not declared, a shape that does not fit, a number that is not finite.
    """
    if not isinstance(made, Learned):
        raise InputError(f"got {type(made).__name__} from the refit, must be a recsim.Learned", where)
    for name in made.rows:
        if name not in learns:
            raise unknown("learned row", name, learns, where)
    wanted: dict[str, tuple[np.dtype, tuple[int | None, ...]]] = {
        **{name: (np.dtype(np.float32), (window,)) for name in learns},
        "person": (np.dtype(np.float32), (people, None)), "item": (np.dtype(np.float32), (window, None)),
        "history": (np.dtype(np.int32), (people, None)), "neighbour": (np.dtype(np.int32), (None, None)),
        "similarity": (np.dtype(np.float32), (None, None)),
    }  # fmt: skip
    found: dict[str, np.ndarray | None] = {}
    for name, (dtype, shape) in wanted.items():
        value = made.rows.get(name) if name in learns else getattr(made, name)
        if value is None and name in learns:
            raise InputError(f"got no learned row {name!r} from the refit; it is declared in learns", where)
        found[name] = None if value is None else _array(value, dtype, shape, name, where)
    person, item = found["person"], found["item"]
    history, near, similarity = found["history"], found["neighbour"], found["similarity"]
    if (person is None) != (item is None) or (
        person is not None and item is not None and person.shape[1] != item.shape[1]
    ):
        raise InputError("the refit must return person (U, R) and item (W, R) together, with the same R", where)
    table = (history, near, similarity)
    if any(t is None for t in table) and any(t is not None for t in table):
        raise InputError("the refit must return history, neighbour and similarity together", where)
    if near is not None and similarity is not None and history is not None:
        if near.shape != similarity.shape:
            raise InputError(f"got neighbour {near.shape} and similarity {similarity.shape}, must be the same", where)
        if near.max(initial=-1) >= window or history.max(initial=-1) >= len(near):
            raise InputError("a neighbour must be below W, a place in the history below the rows of neighbour", where)
        if person is not None:
            raise InputError("the refit must return either person and item or a history, not both", where)
    return Learned({name: _there(found[name]) for name in learns}, person, item, history, near, similarity,
                   {name: np.array(value) for name, value in made.memory.items()})  # fmt: skip


def _there(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    return array


def _array(value: np.ndarray, dtype: np.dtype, shape: tuple[int | None, ...], name: str, where: str) -> np.ndarray:
    array = np.ascontiguousarray(value, dtype)
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(f"got {name} of shape {array.shape} from the refit, must be ({wanted})", where)
    if not np.isfinite(array).all():
        raise InputError(f"got {name} with numbers that are not finite from the refit", where)
    return array


class Pairs(NamedTuple):
    """Who engaged with what, each pair once, the newest ``most`` items of every actor; P pairs, N distinct items."""

    actor: np.ndarray  # (P,) int64, ascending
    place: np.ndarray  # (P,) int64, place in ``items``; newest first within an actor
    rank: np.ndarray  # (P,) int64, 0 for an actor's newest
    items: np.ndarray  # (N,) int64, item numbers, ascending
    value: np.ndarray  # (P,) int64, 1 positive, 0 negative, of the latest interaction


def distinct_pairs(view: View, most: int) -> Pairs:
    """The log without repetitions.

    Args:
        view: what is logged. most: items kept per actor, at least 1; a bound on what one busy account can weigh.
    """
    actor, item = view.actor[::-1].astype(np.int64), view.item[::-1].astype(np.int64)
    # Newest first, so the first index of a pair is its latest interaction.
    _, latest = np.unique(actor * (1 << 32) + item, return_index=True)
    latest = np.sort(latest)
    actor, item, value = actor[latest], item[latest], view.value[::-1].astype(np.int64)[latest]
    order = np.argsort(actor, kind="stable")
    actor, item, value = actor[order], item[order], value[order]
    rank = np.arange(len(actor)) - np.searchsorted(actor, actor)
    kept = rank < most
    items = np.unique(item[kept])
    return Pairs(actor[kept], np.searchsorted(items, item[kept]), rank[kept], items, value[kept])
