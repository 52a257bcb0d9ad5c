"""A re-ranker: a plain function of the best entries of one visit and of parameters, and wrapping policies with them."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from recsim.errors import InputError, unknown
from recsim.ranking.array_policy import ArrayPolicy
from recsim.ranking.policy import DOORS, Policy, attributes_of, check_names, check_ranges, syntax_of
from recsim.ranking.slate_vocabulary import MOST, SLATE, TABLE, slate_names


@dataclasses.dataclass(frozen=True)
class Reranker:
    """A re-ranker.

    Attributes:
        name: short name.
        function: ``rerank(s, p)`` of a slate and parameters; it writes ``s.score`` or ``s.order``.
        parameters: defaults; their names must be unique over a policy. ranges, positive: as for a policy.
        table: function of the parameters' values (a mapping) whose array is handed over as ``s.table``, computed once.
        title, source, evidence, date: what it is, who published it, evidence tag as for policies, when.
        doors: how inauthentic engagement can enter (E1-E6).
    """

    name: str
    function: Callable
    parameters: Mapping[str, float]
    table: Callable | None = None
    title: str = ""
    source: str = ""
    evidence: str = "[D]"
    date: str = ""
    doors: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    positive: tuple[str, ...] = ()

    def __call__(self, s: Any, p: Any) -> None:
        """Re-rank by the plain function: the oracle against which compiled code is tested."""
        self.function(s, p)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything of the slate that the function names, helpers included, in alphabetical order."""
        return tuple(sorted(attributes_of(self.function, 0)))

    @property
    def reads(self) -> tuple[str, ...]:
        """What it looks at: names that tell something about items or people."""
        known = slate_names()
        return tuple(name for name in self.names if known[name].content)

    @property
    def profiled(self) -> bool:
        """Whether it tells people apart by behaviour or identity (Art. 38); the follow list is their own choice."""
        known = slate_names()
        return any(known[name].profiling for name in self.names if name != "in_network")

    def table_of(self, values: Mapping[str, float]) -> np.ndarray:
        """(TABLE,) float32: the table for these parameters, its last value repeated; zeros if there is none.

        Raises:
            InputError: the table is empty or too long.
        """
        out = np.zeros(TABLE, np.float32)
        if self.table is not None:
            made = np.asarray(self.table({name: values[name] for name in self.parameters}), np.float32)
            if not 0 < made.size <= TABLE:
                raise InputError(f"got a table of {made.size} values, must be 1 to {TABLE}", f"re-ranker {self.name}")
            out[:] = made[-1]
            out[: made.size] = made
        return out


def reranker(*, meta: Mapping[str, Any] | None = None, **parameters: float) -> Callable[[Callable], Reranker]:
    """Make a re-ranker of a function ``rerank(s, p)``.

    Args:
        meta: any attribute of `Reranker` except function and parameters, such as ``{"title": "..."}``.
        **parameters: names and default values of ``p``.

    Raises:
        InputError: a slate array or parameter that does not exist, with the nearest name, or a write to an input.

    Example:
        >>> @reranker(old_after_h=48.0)
        ... def drop_old(s, p):
        ...     for k in range(len(s.score)):
        ...         if s.age_h[k] > p.old_after_h:
        ...             s.score[k] = -np.inf
    """

    def make(function: Callable) -> Reranker:
        known = {field.name for field in dataclasses.fields(Reranker)} - {"function", "parameters"}
        for name in meta or {}:
            if name not in known:
                raise unknown("re-ranker attribute", name, known, f"re-ranker {function.__name__}")
        made = Reranker(**{
            "name": function.__name__, "function": function, "parameters": MappingProxyType(dict(parameters)),
            **(meta or {}),
        })  # fmt: skip
        _check(made)
        return made

    return make


def _check(made: Reranker) -> None:
    where = f"re-ranker {made.name}"
    known = slate_names()
    for name in made.names:
        if name not in known:
            raise unknown("slate array", name, known, where)
    for name in sorted(attributes_of(made.function, 1)):
        if name not in made.parameters:
            raise unknown("parameter", name, made.parameters, where)
    check_ranges(made, where)
    for door in made.doors:
        if door not in DOORS:
            raise unknown("door", door, DOORS, where)
    if ("table" in made.names) != (made.table is not None):
        raise InputError('reads s.table exactly if meta={"table": function} is given', where)
    node = syntax_of(made.function)
    if len(node.args.args) != 2:
        raise InputError(f"takes {len(node.args.args)} arguments, must take two: slate and parameters", where)
    slate = node.args.args[0].arg
    writable = [name for name, entry in SLATE.items() if entry.writable]
    for target in ast.walk(node):
        if not isinstance(target, ast.Subscript) or not isinstance(target.ctx, ast.Store):
            continue
        inner: ast.expr = target
        while isinstance(inner, ast.Subscript):
            inner = inner.value
        if not isinstance(inner, ast.Attribute) or inner.attr in writable:
            continue
        if isinstance(inner.value, ast.Name) and inner.value.id == slate:
            raise InputError(f"writes to {slate}.{inner.attr}; allowed: {', '.join(sorted(writable))}", where)
    if not {"score", "order"} & set(made.names):
        raise InputError("names neither score nor order, so it can change nothing", where)


def with_rerankers(policy: Policy, rerankers: Sequence[Reranker], top: int | None = None) -> Policy:
    """The policy with these re-rankers in place of its own, and their parameters beside its own.

    Args:
        policy: any policy.
        rerankers: in the order in which they are applied.
        top: entries that are re-ranked, 1 to 400; None: the policy's own number.

    Raises:
        InputError: a parameter name that two of them have, a re-ranker named twice, or a policy that is not compiled.
    """
    where = f"policy {policy.name}"
    if isinstance(policy, ArrayPolicy):
        if rerankers:
            raise InputError(
                f"is not compiled, so {rerankers[0].name} cannot re-rank it; leave out the re-rankers", where
            )
        return policy
    owned = {name for r in policy.rerank for name in r.parameters}
    merged = {name: value for name, value in policy.parameters.items() if name not in owned}
    for number, one in enumerate(rerankers):
        if one.name in [other.name for other in rerankers[:number]]:
            raise InputError(f"got re-ranker {one.name!r} twice; name each once", where)
        for name, value in one.parameters.items():
            if name in merged:
                raise InputError(
                    f"re-ranker {one.name} has a parameter {name!r}, and so has the policy or another re-ranker; "
                    "rename one",
                    where,
                )
            merged[name] = value
    most = policy.rerank_top if top is None else top
    if not 1 <= most <= MOST:
        raise InputError(f"got rerank_top {most}, must be 1 to {MOST}", where)
    made = dataclasses.replace(
        policy, rerank=tuple(rerankers), rerank_top=int(most), parameters=MappingProxyType(merged)
    )
    check_names(made)
    return made
