"""What a checkpoint of a world holds: all that changes once it is built; everything else is drawn again from the seed.

Fields of `State` and of all groups of arrays within it are saved unless they are named here, so a new field is never
forgotten by default; a test walks everything a world refers to and finds what is.
"""

from __future__ import annotations

import dataclasses
import mmap
import sys
from typing import Any

import numpy as np
import pandas as pd

from recsim import aligned
from recsim.kernels.visits import sort_by_stratum
from recsim.rng import Key
from recsim.state import Pages
from recsim.world.arms import Arm
from recsim.world.build import State
from recsim.world.plan import Plan
from recsim.world.seen import idle_pages
from recsim.world.world import World

FIXED = {
    "State": {
        "latent", "cells", "position", "items", "scheduled", "replaced", "born", "standing", "vanishes", "poster",
        "posted", "bought", "first_person", "exchange",
    },
    "Observed": {"group"},
    "Accounts": {"official", "start", "person", "audience"},
    "Roster": {"aged", "delay", "luck", "willing", "address", "language"},
}  # fmt: skip
"""Fields that never change after the state is built, or, as ``State.items``, follow from what is saved: `State.cast`."""
FILLED = {"Accounts": {"newer": "used"}, "Pages": {"entry": "made", "spare": "spares"}}
"""Arrays of which only the first so many rows mean anything, and the field that says how many."""
SUMS = ("exposure", "comments", "provenance", "feed", "shadow", "well")
"""Sums of the day so far, over threads: another session may have another number of them."""
OF_PEOPLE = ("reached", "met", "acted", "lost", "impressions")
OF_RECORD = ("plan", "key", "arm")
"""What a record is made with; all else that it holds is saved."""
OF_PLATFORM = ("arrived", "recent", "passed", "arrivals")
OF_REGISTER = ("seeds",)
"""Taken from the accounts when the register was made, and some accounts' age changes later."""
TYPE, TUPLE, FRAME = "$type", "$tuple", "$frame"
PART = 1 << 24
"""Bytes of a mapped file that are copied at a time."""


def snapshot(world: World) -> dict[str, Any]:
    """Everything that changes in a world, between two steps, as plain dictionaries and lists of arrays and numbers.

    Arrays are the world's own: write them down before it goes on.
    """
    feed, register = world.feed, world.moderation.built
    tally = {name: getattr(feed.tally, name).sum(axis=0) for name in SUMS}
    return {
        "state": packed(world.state),
        "world": packed({name: getattr(world, name) for name in ("began", "first_step", "before", "viewed", "seconds")}),
        "feed": packed({name: getattr(feed, name) for name in ("pools", "pool_topic", "stale")}),
        "tally": tally | {name: getattr(feed.tally, name) for name in OF_PEOPLE},
        "record": packed({name: value for name, value in vars(world.record).items() if name not in OF_RECORD}),
        "platform": packed({name: getattr(world.platform, name) for name in OF_PLATFORM}),
        "guard": {"items": feed.reach.items},
        "register": None if register is None else {name: getattr(register, name) for name in OF_REGISTER},
    }  # fmt: skip


def restored(plan: Plan, state: State, key: Key, arm: Arm, step: int, threads: int, content: dict[str, Any]) -> World:
    """The world of which ``content`` is the snapshot.

    Args:
        plan, key, arm, threads: as of any world.
        state: of the same replicate, at any step and of any arm that is done with; its arrays are written.
        step: at which the snapshot was taken.
        content: from `snapshot`; arrays may be mapped from files, and are copied.
    """
    fill_state(state, content["state"])
    world = World(plan, state, key, arm, step, threads)
    feed, tally = world.feed, content["tally"]
    # A new world sorts people by what is known of them now; until midnight the order of the day goes on.
    state.observed.stratum[:] = content["state"]["observed"]["stratum"]
    sort_by_stratum(state.observed.stratum, len(feed.strata.language), feed.order)
    for name, value in content["world"].items():
        setattr(world, name, made(value))
    feed.pools = merged(feed.pools, content["feed"]["pools"], True)
    feed.pool_topic[:] = content["feed"]["pool_topic"]
    feed.stale = content["feed"]["stale"]
    for name in SUMS:
        getattr(feed.tally, name)[0] = tally[name]
    for name in OF_PEOPLE:
        getattr(feed.tally, name)[:] = tally[name]
    for name, value in content["record"].items():
        setattr(world.record, name, made(value))
    for name in OF_PLATFORM:
        setattr(world.platform, name, made(content["platform"][name]))
    feed.reach.items[:] = content["guard"]["items"]
    if content["register"] is not None:
        for name in OF_REGISTER:
            setattr(world.moderation.register, name, made(content["register"][name]))
    return world


def fill_state(state: State, content: dict[str, Any]) -> None:
    """Give a state of the same replicate the values of a snapshot, in its own arrays as far as their shapes fit.

    Only arrays that every fork of a state has for itself are written; smaller things are made anew.
    """
    for name, value in content.items():
        if name != TYPE:
            mine = getattr(state, name)
            own = isinstance(mine, np.ndarray) or (isinstance(mine, tuple) and hasattr(mine, "_fields"))
            setattr(state, name, merged(mine, value, own))


def size_of(content: Any) -> int:
    """Bytes of all arrays."""
    if isinstance(content, np.ndarray):
        return content.nbytes
    if isinstance(content, dict):
        return sum(size_of(value) for value in content.values())
    return sum(size_of(value) for value in content) if isinstance(content, list) else 0


# ---- from objects to plain values and back -----------------------------------------------------------------------


def packed(value: Any) -> Any:
    """Groups of arrays, lists, dictionaries and tables as plain values; arrays are not copied.

    Raises:
        TypeError: something that is none of these, or an array of Python objects.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.hasobject:
            raise TypeError("got an array of Python objects, a checkpoint holds numbers only")
        return np.asarray(value)
    if isinstance(value, pd.DataFrame):
        return {FRAME: [[name, _column(value[name])] for name in value.columns]}
    fields = _fields(value)
    if fields is not None:
        kind, filled = type(value), FILLED.get(type(value).__name__, {})
        out: dict[str, Any] = {TYPE: f"{kind.__module__}:{kind.__qualname__}"}
        for name in fields:
            if name not in FIXED.get(kind.__name__, ()):
                one = getattr(value, name)
                out[name] = packed(one[: int(getattr(value, filled[name])[0])] if name in filled else one)
        return out
    if isinstance(value, tuple):
        return {TUPLE: [packed(one) for one in value]}
    if isinstance(value, list):
        return [packed(one) for one in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: packed(one) for name, one in value.items()}
    raise TypeError(f"got {type(value).__name__}, a checkpoint holds numbers, text and arrays only")


def made(content: Any) -> Any:
    """New objects from plain values; arrays are copied."""
    return merged(None, content, False)


def merged(mine: Any, content: Any, own: bool) -> Any:
    """New objects from plain values, with what these leave out from ``mine``.

    Args:
        mine: the object in whose place the new one comes, or None.
        content: from `packed`.
        own: whether arrays of ``mine`` may be written.
    """
    if isinstance(content, np.ndarray):
        return _array(mine if own else None, content)
    if isinstance(content, list):
        return [made(one) for one in content]
    if not isinstance(content, dict):
        return content
    if TUPLE in content:
        return tuple(made(one) for one in content[TUPLE])
    if FRAME in content:
        return pd.DataFrame({name: _column_of(one) for name, one in content[FRAME]})
    if TYPE not in content:
        there = mine if isinstance(mine, dict) else {}
        return {name: merged(there.get(name), one, own) for name, one in content.items()}
    kind = _kind(content[TYPE])
    filled, values = FILLED.get(kind.__name__, {}), {}
    for name in _fields(kind) or ():
        old = getattr(mine, name, None)
        if name not in content:
            values[name] = old
        elif name in filled and own and isinstance(old, np.ndarray) and len(old) >= len(content[name]):
            _fill(old, content[name], idle_pages(content["regions"]) if (kind, name) == (Pages, "entry") else [])
            values[name] = old
        else:
            values[name] = merged(old, content[name], own)
    return kind(**values)


def _fill(mine: np.ndarray, saved: np.ndarray, idle: list[tuple[int, int]]) -> None:
    """Copy the rows that were saved over the first ones, but for those that nobody has, which the system gets back: a world may just
    fit into memory without them.
    """
    begin = 0
    for first, end in [*idle, (len(saved), len(saved))]:
        _copy(mine[begin:first], saved[begin:first])
        begin = end
    for first, end in idle:
        aligned.give_back(mine, first, end)


def _array(mine: Any, saved: np.ndarray) -> np.ndarray:
    if isinstance(mine, np.ndarray) and mine.shape == saved.shape and mine.dtype == saved.dtype:
        _copy(mine, saved)
        return mine
    if not saved.ndim:
        return saved[()]
    new = np.empty(saved.shape, saved.dtype)
    _copy(new, saved)
    return new


def _copy(into: np.ndarray, saved: np.ndarray) -> None:
    """Copy an array; of one that is mapped from a file no more than a part stays in memory, where it would count as in use."""
    mapping: Any = saved
    while isinstance(mapping, np.ndarray):
        mapping = mapping.base
    if not isinstance(mapping, mmap.mmap) or not hasattr(mapping, "madvise") or not saved.ndim or saved.nbytes <= PART:
        into[...] = saved
        return
    rows = max(1, PART * len(saved) // saved.nbytes)
    for first in range(0, len(saved), rows):
        into[first : first + rows] = saved[first : first + rows]
        mapping.madvise(mmap.MADV_DONTNEED)


def _fields(value: Any) -> tuple[str, ...] | None:
    """Names of the fields of a NamedTuple or dataclass, or of one of its objects; None for anything else."""
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    return getattr(value, "_fields", None)


def _kind(name: str) -> type:
    """A NamedTuple or dataclass of recsim by module and name."""
    module, _, cls = name.partition(":")
    found = getattr(sys.modules.get(module), cls, None) if module.startswith("recsim.") else None
    if not isinstance(found, type) or _fields(found) is None:
        raise ValueError(f"got {name!r}, which is no group of arrays of recsim")
    return found


def _column(column: pd.Series) -> dict[str, Any]:
    """A column of a table; text as a list, categories as their codes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        of = column.cat.categories
        return {"codes": column.cat.codes.to_numpy(), "categories": [str(c) for c in of], "text": str(of.dtype)}
    if pd.api.types.is_numeric_dtype(column.dtype):
        return {"values": column.to_numpy()}
    values = column.to_list()
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"got column {column.name!r} of mixed values, a checkpoint holds numbers and text only")
    return {"values": values, "text": str(column.dtype)}


def _column_of(content: dict[str, Any]) -> Any:
    if "codes" in content:
        categories = pd.Index(content["categories"], dtype=content["text"])
        return pd.Categorical.from_codes(np.array(content["codes"]), categories=categories)
    if "text" in content:
        return pd.Series(content["values"], dtype=content["text"])
    return np.array(content["values"])


__all__ = ["fill_state", "made", "merged", "packed", "restored", "size_of", "snapshot"]
