"""What a platform can do about inauthentic engagement without touching the ranking formula: hooks around any policy.

Weights decide what an account's actions count; an aggregate decides how counts of groups of accounts are put together;
holds and demotions act on what is recommended to people who do not follow the author; friction acts on people.
Functions are plain NumPy on arrays: they run once a step, not once a pair.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy as np

from recsim.errors import InputError, unknown
from recsim.ranking.policy import DOORS, attributes_of

ARTICLES = {
    "35(1)(a)": "design, features or functioning of the service", "35(1)(b)": "terms and their enforcement",
    "35(1)(c)": "content moderation", "35(1)(d)": "recommender and other algorithmic systems",
    "35(1)(e)": "advertising systems", "35(1)(f)": "internal processes, testing, detection", "35(1)(g)": "trusted flaggers",
    "35(1)(h)": "codes of conduct, crisis protocols", "35(1)(i)": "awareness, interface", "35(1)(j)": "protection of minors",
    "35(1)(k)": "marking of deepfakes",
}  # fmt: skip
"""Points of DSA Article 35(1) in short, from memory: check the Official Journal before quoting. Under which of them a measure falls is
recsim's reading."""


class AccountView(NamedTuple):
    """Accounts as a weight sees them; one row each: people, or the accounts of one network."""

    age_days: np.ndarray  # (N,) float32, days since the account was created
    trust: np.ndarray  # (N,) float32, 0-1, lowered by moderation
    actions_today: np.ndarray  # (N,) float32, likes, comments, shares and follows since midnight
    actions_yesterday: np.ndarray  # (N,) float32, the same on the day before
    luck: np.ndarray  # (N,) float32 in [0, 1), a standing draw of the account
    oracle_inauthentic: np.ndarray  # (N,) bool, the truth; for upper bounds only
    oracle_per_person: float  # inauthentic accounts per person; for upper bounds only


class ItemView(NamedTuple):
    """Live items as holds and demotions see them."""

    age_h: np.ndarray  # (W,) float32, hours since posting
    is_candidate: np.ndarray  # (W,) bool, about a candidate
    official: np.ndarray  # (W,) bool, by a candidate's own account
    labelled: np.ndarray  # (W,) bool, labelled by moderation
    views_per_h: np.ndarray  # (W,) float32, recent views an hour, as counted
    typical_views_per_h: float  # the mean of it over items that have left their trial


class Aggregate(NamedTuple):
    """How the counts of groups of accounts become one count."""

    how: Literal["sum", "median", "trimmed"] = "sum"
    groups: int = 1
    trim: int = 0  # groups dropped at either end


@dataclasses.dataclass(frozen=True)
class Mitigation:
    """One measure.

    Attributes:
        name, title, source, evidence: as for a policy.
        article: point of DSA Article 35(1) under which it falls.
        closes: doors (E1-E6) that it narrows.
        parameters: defaults. units: unit of each. positive: those that must be above 0.
        weight: ``weight(a, p)`` of an `AccountView`: (N,) in [0, 1], what an action of the account counts.
        aggregate: ``aggregate(p)``: an `Aggregate`.
        holds: ``holds(i, p)`` of an `ItemView`: (W,) bool, not recommended to people who do not follow the author.
        demotes: ``demotes(i, p)``: (W,) in [0, 1], factor on the score for people who do not follow the author.
        keeps_shares: ``keeps_shares(p)``: share of people's shares that survive a prompt, 0-1.
        served_only: events on items that the account was not served do not count.
        cluster_cap: ``cluster_cap(p)``: events of a kind on one real item that count from one recognised cluster of accounts,
            and the share of inauthentic accounts that are recognised.
        removes: accounts whose weight is 0 do nothing at all.
    """

    name: str
    title: str
    article: str
    closes: tuple[str, ...]
    source: str
    evidence: str = "[D]"
    parameters: Mapping[str, float] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    units: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    weight: Callable[[AccountView, Any], Any] | None = None
    aggregate: Callable[[Any], Aggregate] | None = None
    holds: Callable[[ItemView, Any], Any] | None = None
    demotes: Callable[[ItemView, Any], Any] | None = None
    keeps_shares: Callable[[Any], float] | None = None
    served_only: bool = False
    cluster_cap: Callable[[Any], tuple[float, float]] | None = None
    removes: bool = False
    positive: tuple[str, ...] = ()

    def range_of(self, parameter: str) -> tuple[float, float]:
        """What a parameter may be: 0 to 1 if its unit says so, else 0 or more."""
        return (0.0, 1.0) if self.units[parameter].endswith("0-1") else (0.0, math.inf)

    def __post_init__(self) -> None:
        where = f"mitigation {self.name}"
        if self.article not in ARTICLES:
            raise unknown("article", self.article, ARTICLES, where)
        for door in self.closes:
            if door not in DOORS:
                raise unknown("door", door, DOORS, where)
        if set(self.units) != set(self.parameters):
            raise InputError(f"got units for {sorted(self.units)}, must be {sorted(self.parameters)}", where)


@dataclasses.dataclass(frozen=True)
class Measure:
    """A mitigation with its values, as a scenario has it."""

    mitigation: Mitigation
    values: Mapping[str, float]

    @property
    def p(self) -> SimpleNamespace:
        """The parameters."""
        return SimpleNamespace(**{k: np.float32(v) for k, v in self.values.items()})


@dataclasses.dataclass(frozen=True)
class Safeguards:
    """Everything around a policy: its own weight and aggregate, and the scenario's mitigations.

    Attributes:
        measures: in alphabetical order of names.
        aggregate: how groups are put together.
        reads_trust: whether a weight looks at what moderation has left of an account's trust.
    """

    measures: tuple[Measure, ...]
    aggregate: Aggregate
    reads_trust: bool

    @property
    def weighs(self) -> bool:
        """Whether events are counted with weights or by groups."""
        # A measure that removes accounts also takes people for such accounts unless it is perfectly precise.
        exact = [m.mitigation.removes and m.values.get("precision") == 1 for m in self.measures]
        by_weight = any(m.mitigation.weight and not sure for m, sure in zip(self.measures, exact, strict=True))
        return by_weight or self.aggregate.groups > 1 or self.served_only or self.cluster_cap is not None

    @property
    def removes(self) -> bool:
        """Whether a measure takes accounts away."""
        return any(m.mitigation.removes for m in self.measures)

    @property
    def served_only(self) -> bool:
        """Whether only events on served items count."""
        return any(m.mitigation.served_only for m in self.measures)

    @property
    def cluster_cap(self) -> tuple[float, float] | None:
        """Events that count from one recognised cluster, and the share of accounts recognised; None: no cap."""
        found = [m.mitigation.cluster_cap(m.p) for m in self.measures if m.mitigation.cluster_cap]
        return found[0] if found else None

    @property
    def keeps_shares(self) -> float:
        """Share of people's shares that survive."""
        kept = 1.0
        for m in self.measures:
            if m.mitigation.keeps_shares:
                kept *= float(m.mitigation.keeps_shares(m.p))
        return kept

    def weight(self, view: AccountView, removes: bool = False) -> np.ndarray:
        """(N,) int32, what an action of each account counts, in 1/1024: the product of all weights.

        Args:
            view: the accounts.
            removes: the product over measures that remove accounts, instead of over the others.
        """
        whole = np.ones(len(view.age_days), np.float32)
        for m in self.measures:
            if m.mitigation.weight and m.mitigation.removes == removes:
                whole = whole * np.clip(np.asarray(m.mitigation.weight(view, m.p), np.float32), 0, 1)
        return np.rint(whole * np.float32(1024)).astype(np.int32)

    def held(self, view: ItemView) -> np.ndarray | None:
        """(W,) bool, not recommended beyond followers; None if no measure holds anything."""
        parts = [np.asarray(m.mitigation.holds(view, m.p), bool) for m in self.measures if m.mitigation.holds]
        return np.logical_or.reduce(parts) if parts else None

    def demotion(self, view: ItemView) -> np.ndarray | None:
        """(W,) float32 in [0, 1], factor on the score beyond followers; None if no measure demotes."""
        parts = [m.mitigation.demotes(view, m.p) for m in self.measures if m.mitigation.demotes]
        if not parts:
            return None
        whole = np.ones(len(view.age_h), np.float32)
        for part in parts:
            whole = whole * np.clip(np.asarray(part, np.float32), 0, 1)
        return whole


def own_measure(name: str, function: Callable, parameters: Mapping[str, float]) -> Measure:
    """A policy's own ``weight`` hook as a measure.

    Raises:
        InputError: it names something that accounts do not have, or a parameter that the policy does not have.
    """
    where = f"policy {name}"
    for found in sorted(attributes_of(function, 0)):
        if found not in AccountView._fields:
            raise unknown("account feature", found, AccountView._fields, where)
    for found in sorted(attributes_of(function, 1)):
        if found not in parameters:
            raise unknown("parameter", found, parameters, where)
    made = Mitigation(
        name=f"{name} weight", title="the policy's own weight", article="35(1)(d)", closes=("E1",), source="the policy",
        parameters=parameters, units=dict.fromkeys(parameters, ""), weight=function,
    )  # fmt: skip
    return Measure(made, parameters)
