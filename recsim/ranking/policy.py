"""A policy: a plain function of features and parameters, with what an auditor must know about it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from recsim.errors import InputError, bounds, check_range, unknown
from recsim.ranking.learned import Learned, View
from recsim.ranking.vocabulary import FEATURES, PREDICTED, SLOTS, Feature

if TYPE_CHECKING:
    from recsim.ranking.mitigation import Aggregate
    from recsim.ranking.reranker import Reranker

DOORS = {
    "E1": "counters", "E2": "predictor training", "E3": "follow graph", "E4": "rate thresholds",
    "E5": "negative signals", "E6": "trust seeds",
}  # fmt: skip
PROFILING_SOURCES = {"interest"}
SIGNALS = ("skip", "complete", "like", "comment", "share", "follow", "open_comments", "hide", "report")
"""What can be logged of an impression, in the order of the bits that the kernels use."""
ANY = (-math.inf, math.inf)
POOL_SOURCES = ("interest", "ranked", "trending", "regional", "discovery")


TAGS = {
    "[C]": "read in the publisher's own file", "[P]": "read in a secondary page", "[M]": "from memory", "[D]": "our design",
}  # fmt: skip
"""Evidence tags of formulas, and what they mean."""


def tags_in(evidence: str) -> list[str]:
    """The meaning of every tag in a formula's evidence: "[P]: read in a secondary page"."""
    return [f"{tag}: {text}" for tag, text in TAGS.items() if tag in evidence]


@dataclasses.dataclass(frozen=True)
class Policy:
    """A ranking policy.

    Attributes:
        name: short name.
        function: ``score(f, p)`` of features and parameters.
        parameters: defaults. ranges: what each may be, (lowest, highest), ends included; any number where it is silent.
            positive: those that must be above 0.
        multiply: further functions of ``f`` and ``p`` whose values multiply the score.
        gate: function of item and author features and ``p``; where it is not positive an item is not recommended: it is
            neither retrieved nor tried on new people, and reaches only feeds of followers and searches.
        title, source, evidence, date: what it is, who published it, evidence tag ([C] read in the publisher's own
            file, [P] read in a secondary page, [M] from memory, [D] our design), when.
        doors: how inauthentic engagement can enter (E1-E6).
        stratum: people who share a pool: "interest" (language x topic of estimated interest) or "region"
            (region x language).
        sources: shares of the pool by retrieval source; empty: the scenario's. "interest": best by the score among the
            stratum's topic; "ranked": best by the score among the whole language (stratum "region" only);
            "trending": recent engagement; "regional": best by the score in the region; "discovery": drawn evenly.
        uses_pool: whether anything but the inbox is retrieved. Searches and outside links find something either way.
        inbox: how much of the inbox competes.
        gated: whether staged exposure pools decide about promotion.
        explores: whether slate positions are given to new items under trial; without it there is no trial, and every
            item may be ranked at once.
        heats: whether the platform pushes chosen items whatever their score: ``heated_views`` of slots, ``heated_items`` of
            items, both among its parameters.
        refit: function of a `recsim.ranking.learned.View` that returns a `Learned`; called between steps.
        refit_hours: hours between refits; shorter than a step: every step.
        log_days: days of interactions that it sees.
        learns: names of the item-level rows it returns; they are features of this policy.
        signals: actions that are logged for it, 1 as positive, -1 as negative ("skip": passed over at once); empty: likes,
            shares and follows, all positive.
        outside: packages whose solvers it calls; results are then promised to be the same bits only on one machine.
        ordering: "ratio": scores are positive and their logarithm is meaningful; "order": only the order is.
        weight: function ``weight(a, p)`` of a `recsim.ranking.mitigation.AccountView`: what an action of each account
            counts, 0-1; plain NumPy, called once a step.
        aggregate: how counts of random groups of accounts are put together: a `recsim.ranking.mitigation.Aggregate`.
        fatigue: function ``fatigue(days, p)``: factor, 0-1, on items of an author by whom the person hid something that many
            days ago (the latest counts); at 0 they are not served. None: nobody remembers.
        rerank: re-rankers of the best entries of a visit, in order; their parameters are among ``parameters``.
        rerank_top: how many entries they are given.
        choice: in a follow-graph world, how a person picks from the scored slots of her feed: "proportion": drawn in
            proportion to the score; "best": the highest, the newest among equals.
    """

    name: str
    function: Callable
    parameters: Mapping[str, float]
    multiply: tuple[Callable, ...] = ()
    gate: Callable | None = None
    title: str = ""
    source: str = ""
    evidence: str = "[D]"
    date: str = ""
    doors: tuple[str, ...] = ()
    stratum: Literal["interest", "region"] = "interest"
    sources: Mapping[str, float] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    uses_pool: bool = True
    inbox: Literal["all", "some", "none"] = "some"
    gated: bool = False
    explores: bool = True
    heats: bool = False
    ordering: Literal["ratio", "order"] = "ratio"
    refit: Callable[[View], Learned] | None = None
    refit_hours: float = 24.0
    log_days: float = 14.0
    learns: tuple[str, ...] = ()
    signals: Mapping[str, int] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    outside: tuple[str, ...] = ()
    weight: Callable | None = None
    aggregate: Aggregate | None = None
    fatigue: Callable | None = None
    rerank: tuple[Reranker, ...] = ()
    rerank_top: int = 100
    choice: Literal["best", "proportion"] = "best"
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    positive: tuple[str, ...] = ()

    def __call__(self, f: Any, p: Any) -> float:
        """The score by the plain function: the oracle against which compiled code is tested."""
        score = self.function(f, p)
        for factor in self.multiply:
            score = score * factor(f, p)
        return score

    def check_value(self, parameter: str, value: float, where: str) -> None:
        """Refuse a value that the parameter, the policy's own or a re-ranker's, may not have.

        Raises:
            InputError: outside of its range; it lies at the key ``where`` of the scenario.
        """
        low, high, positive = self._range_of(parameter)
        check_range(value, low, high, where, positive=positive)

    def range_text(self, parameter: str) -> str:
        """What the parameter may be, in words; "" for any number."""
        low, high, positive = self._range_of(parameter)
        return bounds(low, high, positive=positive)

    def _range_of(self, parameter: str) -> tuple[float, float, bool]:
        owner = next((one for one in self.rerank if parameter in one.parameters), self)
        return *owner.ranges.get(parameter, ANY), parameter in owner.positive

    def fatigue_factors(self, values: Any, step_days: float, steps: int) -> np.ndarray:
        """(steps + 1,) float32 in [0, 1], `fatigue` by steps since the hide.

        Args:
            values: parameters as attributes. step_days: days of a step. steps: how far back.

        Raises:
            InputError: a factor outside of 0 to 1.
        """
        assert self.fatigue is not None
        table = np.array([self.fatigue(step * step_days, values) for step in range(steps + 1)], np.float32)
        if not ((table >= 0) & (table <= 1)).all():
            raise InputError("the factor of fatigue must be 0 to 1 at any time", f"policy {self.name}")
        return table

    def vector(self, values: Mapping[str, float]) -> np.ndarray:
        """Parameters as (K,) float32, defaults where ``values`` is silent; at least one element.

        Raises:
            InputError: a name the policy does not have, with the nearest one.
        """
        for name in values:
            if name not in self.parameters:
                raise unknown("parameter", name, self.parameters, f"policy {self.name}")
        merged = {**self.parameters, **values}
        return np.array(list(merged.values()) or [0.0], np.float32)

    @property
    def signal_bits(self) -> np.ndarray:
        """(2,) int64, bits of the signals that are positive and negative; (0,) if the policy names none."""
        bits = np.zeros(2 if self.signals else 0, np.int64)
        for name, sign in self.signals.items():
            bits[0 if sign > 0 else 1] |= 1 << SIGNALS.index(name)
        return bits

    @property
    def score_reads(self) -> tuple[str, ...]:
        """Features that score and multipliers name, helpers included, in alphabetical order."""
        return self._named(0)

    @property
    def score_parameters(self) -> tuple[str, ...]:
        """Parameters that score and multipliers name, helpers included, in alphabetical order."""
        return self._named(1)

    def _named(self, argument: int) -> tuple[str, ...]:
        """Attributes of the first or second argument of score and multipliers."""
        return tuple(
            sorted({n for function in (self.function, *self.multiply) for n in attributes_of(function, argument)})
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """What all hooks look at: features of score and gate, and what the re-rankers read of a slate."""
        gate = self.gate_policy.score_reads if self.gate_policy else ()
        return tuple(sorted({*self.score_reads, *gate, *(name for one in self.rerank for name in one.reads)}))

    @property
    def open_doors(self) -> tuple[str, ...]:
        """Doors of the policy and of its re-rankers."""
        return tuple(sorted({*self.doors, *(door for one in self.rerank for door in one.doors)}))

    @property
    def gate_policy(self) -> Policy | None:
        """The gate as a policy of its own, whose score decides; None without a gate."""
        if self.gate is None:
            return None
        return Policy(name=f"{self.name} gate", function=self.gate, parameters=self.parameters)

    @property
    def learned_features(self) -> dict[str, Feature]:
        """Features that only this policy has: the rows its refit returns."""
        return {
            name: Feature("item", (name,), f"{{{name}}}", False, "as learned", "learned by the refit")
            for name in self.learns
        }

    @property
    def predicts(self) -> bool:
        """Whether it reads predicted actions."""
        return any(name in PREDICTED for name in self.score_reads)

    @property
    def of_feeds(self) -> bool:
        """Whether it scores the slots of a follow-graph world."""
        return any(name in SLOTS for name in self.score_reads)

    @property
    def item_only(self) -> bool:
        """Whether the score is the same for everybody, so that one evaluation per item is enough."""
        known = {**FEATURES, **SLOTS, **self.learned_features}
        return all(known[name].scope != "pair" for name in self.score_reads)

    @property
    def profiled(self) -> bool:
        """Whether the feed is based on profiling (Art. 38): decided from features, sources, stratum and re-rankers."""
        return bool(self.why_profiled)

    @property
    def why_profiled(self) -> tuple[str, ...]:
        """What makes the feed one based on profiling; empty if nothing does."""
        known = {**FEATURES, **SLOTS, **self.learned_features}
        # A follow list is the person's own explicit choice.
        found = [f"feature {name}" for name in self.score_reads if known[name].profiling and name != "in_network"]
        if self.uses_pool:
            if self.stratum == "interest":
                found.append("stratum interest")
            found += [f"source {name}" for name in self.sources if name in PROFILING_SOURCES]
        if self.fatigue is not None:
            found.append("memory of hides")
        found += [f"re-ranker {one.name}" for one in self.rerank if one.profiled]
        return tuple(found)


def syntax_of(function: Callable) -> ast.FunctionDef:
    """The function's syntax tree.

    Raises:
        InputError: the source cannot be read, or the function closes over variables.
    """
    function = getattr(function, "py_func", function)
    name = getattr(function, "__name__", repr(function))
    if getattr(function, "__closure__", None):
        held = ", ".join(function.__code__.co_freevars)
        raise InputError(f"policy function {name} closes over {held}; pass them as parameters (p.{held})")
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError) as error:
        raise InputError(f"cannot read the source of {name} ({error}); define it with def in a file") from error
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef):
        raise InputError(f"{name} is not a plain function; define it with def in a file")
    node.decorator_list, node.returns = [], None
    for argument in node.args.args:
        argument.annotation = None
    return node


def attributes_of(function: Callable, argument: int, done: frozenset = frozenset()) -> set[str]:
    """Attributes read from one argument, followed through helper functions that receive it."""
    function = getattr(function, "py_func", function)
    if (function, argument) in done:
        return set()
    node = syntax_of(function)
    if argument >= len(node.args.args):
        return set()
    name = node.args.args[argument].arg
    found = {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == name
    }  # fmt: skip
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)):
        helper = function.__globals__.get(call.func.id)  # type: ignore[attr-defined]
        helper = getattr(helper, "py_func", helper)
        for place, value in enumerate(call.args):
            if isinstance(value, ast.Name) and value.id == name and inspect.isfunction(helper):
                found |= attributes_of(helper, place, done | {(function, argument)})
    return found


def policy(*, meta: Mapping[str, Any] | None = None, **parameters: float) -> Callable[[Callable], Policy]:
    """Make a policy of a function ``score(f, p)``.

    Args:
        meta: any attribute of `Policy` except function and parameters, such as ``{"doors": ("E1",)}``;
            ``"rerank"`` takes re-rankers or their names.
        **parameters: names and default values of ``p``.

    Raises:
        InputError: a feature or parameter that does not exist, with the nearest name.

    Example:
        >>> @policy(w_like=0.5, w_comment=13.5)
        ... def my_ranker(f, p):
        ...     return p.w_like * f.p_like + p.w_comment * f.p_comment
    """

    def make(function: Callable) -> Policy:
        known = {field.name for field in dataclasses.fields(Policy)} - {"function", "parameters"}
        for name in meta or {}:
            if name not in known:
                raise unknown("policy attribute", name, known, f"policy {function.__name__}")
        named = (meta or {}).get("rerank", ())
        made = Policy(**{
            "name": function.__name__, "function": function, "parameters": MappingProxyType(dict(parameters)),
            **(meta or {}), "rerank": (),
        })  # fmt: skip
        check_names(made)
        if named:
            from recsim.ranking.reranker import with_rerankers

            made = with_rerankers(made, [_reranker(one) for one in named])
        return made

    return make


def _reranker(one: Any) -> Reranker:
    """A re-ranker by name, or itself: presets name theirs as objects, since the registry knows the presets."""
    if not isinstance(one, str):
        return one
    from recsim.ranking.registry import get_reranker

    return get_reranker(one)


def check_features(made: Policy) -> None:
    """Raise InputError for a feature, source or door that does not exist, and for a hook that lacks what it needs."""
    where = f"policy {made.name}"
    known = {**FEATURES, **SLOTS, **made.learned_features}
    for name in made.score_reads:
        if name not in known:
            raise unknown("feature", name, known, where)
    mixed = [name for name in made.score_reads if name not in SLOTS]
    if made.of_feeds and mixed:
        raise InputError(
            f"reads {mixed[0]!r} beside features of a slot; a follow-graph world has only {', '.join(SLOTS)}", where
        )
    for name in made.learns:
        if name in FEATURES or not name.isidentifier():
            raise InputError(f"got {name!r} in learns, must be a new name of a feature", where)
    if made.refit is None and (made.learns or {"match", "typical_match"} & {*made.score_reads, *made.reads}):
        raise InputError("learned features need a refit; see docs/policies.md", where)
    for name, sign in made.signals.items():
        if name not in SIGNALS:
            raise unknown("signal", name, SIGNALS, where)
        if sign not in (1, -1):
            raise InputError(f"got {sign!r} for signal {name}, must be 1 or -1", where)
    if made.signals and made.refit is None:
        raise InputError("signals are logged for a refit; there is none", where)
    for source in made.sources:
        if source not in POOL_SOURCES:
            raise unknown("source", source, POOL_SOURCES, where)
    if "ranked" in made.sources and made.stratum != "region":
        raise InputError(f"got source 'ranked' with stratum {made.stratum!r}; it needs stratum 'region'", where)
    for door in made.doors:
        if door not in DOORS:
            raise unknown("door", door, DOORS, where)
    for name in made.gate_policy.score_reads if made.gate_policy else ():
        if name not in FEATURES:
            raise unknown("feature", name, FEATURES, where)
        if FEATURES[name].scope == "pair":
            raise InputError(f"the gate reads {name!r}; a gate decides about items, for everybody alike", where)
    for name in ("heated_views", "heated_items") if made.heats else ():
        if name not in made.parameters:
            raise InputError(f"heats needs a parameter {name}", where)
    if made.weight is not None:
        from recsim.ranking.mitigation import own_measure

        own_measure(made.name, made.weight, made.parameters)


def check_ranges(made: Policy | Reranker, where: str) -> None:
    """Raise InputError for a range of a parameter that does not exist, or a default outside of its own range."""
    for name in (*made.ranges, *made.positive):
        if name not in made.parameters:
            raise unknown("parameter", name, made.parameters, where)
        low, high = made.ranges.get(name, ANY)
        check_range(made.parameters[name], low, high, f"{where}, {name}", positive=name in made.positive)


def check_names(made: Policy) -> None:
    """Raise InputError for a feature, parameter or door that does not exist."""
    where = f"policy {made.name}"
    check_features(made)
    check_ranges(made, where)
    hooks = [hook for hook in (made.gate, made.fatigue) if hook]
    for function in (made.function, *made.multiply, *hooks):
        for name in sorted(attributes_of(function, 1)):
            if name not in made.parameters:
                raise unknown("parameter", name, made.parameters, where)
