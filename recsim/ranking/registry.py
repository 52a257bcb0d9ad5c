"""Finding a policy or a re-ranker: by short name, ``package.module:function``, entry point, or a ranker's URL.

Entry points: ``recsim.policies`` and ``recsim.rerankers``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from recsim.errors import InputError, check_range, unknown
from recsim.ranking import own_code
from recsim.ranking.array_policy import ArrayPolicy
from recsim.ranking.http_ranker import http_ranker
from recsim.ranking.mitigation import Aggregate, Measure, Safeguards, own_measure
from recsim.ranking.mitigations import MITIGATIONS
from recsim.ranking.policy import Policy, attributes_of
from recsim.ranking.presets import FEED_PRESETS, PRESETS
from recsim.ranking.rerank import RERANKERS
from recsim.ranking.reranker import Reranker, with_rerankers

Found = TypeVar("Found")


def get(name: str) -> Policy:
    """The policy called ``name``.

    Raises:
        InputError: no such policy, module or function, with the nearest name.
    """
    if name in PRESETS:
        return PRESETS[name]
    if name in FEED_PRESETS:
        return FEED_PRESETS[name]
    if name.startswith(("http://", "https://")):
        return http_ranker(name)
    if ":" in name:
        return _imported(name)
    plugins = {point.name: point for point in entry_points(group="recsim.policies")}
    if name in plugins:
        return _checked(plugins[name].load(), name)
    raise unknown("policy", name, [*PRESETS, *FEED_PRESETS, *plugins])


def missing(policy: Policy) -> list[str]:
    """Optional packages that the policy needs and this environment lacks."""
    return [name for name in policy.outside if importlib.util.find_spec(name) is None]


def installed() -> list[str]:
    """Names of the presets that can run here: all but those whose optional package is missing."""
    return [name for name, policy in PRESETS.items() if not missing(policy)]


def get_reranker(name: str | Reranker) -> Reranker:
    """The re-ranker called ``name``; a re-ranker is returned as it is.

    Raises:
        InputError: no such re-ranker, module or function, with the nearest name.
    """
    if isinstance(name, Reranker):
        return name
    if name in RERANKERS:
        return RERANKERS[name]
    plugins = {point.name: point for point in entry_points(group="recsim.rerankers")}
    if ":" not in name and name not in plugins:
        raise unknown("re-ranker", name, [*RERANKERS, *plugins])
    found = _attribute(name, "re-ranker", Reranker) if ":" in name else plugins[name].load()
    if not isinstance(found, Reranker):
        raise InputError(f"got {name!r}, which is not a re-ranker; decorate the function with @recsim.reranker(...)")
    return found


def for_feeds(name: str) -> Policy:
    """The policy of a follow-graph world called ``name``.

    Raises:
        InputError: no such policy, or one that needs what such a world does not have.
    """
    where = "platform.policy"
    policy = _placed(lambda: get(name), where)
    if not policy.of_feeds:
        allowed = ", ".join(FEED_PRESETS)
        raise InputError(
            f"policy {name} reads no feature of a slot, so it cannot rank the feeds of a follow-graph world; allowed: "
            f"{allowed}, or a policy of your own",
            where,
        )
    if isinstance(policy, ArrayPolicy):
        raise InputError(f"policy {name} works on arrays, which a follow-graph world does not have", where)
    for hook in ("gate", "refit", "weight", "aggregate", "fatigue", "rerank"):
        if getattr(policy, hook):
            raise InputError(f"policy {name} has the hook {hook!r}, which a follow-graph world does not call", where)
    return policy


def configured(name: str, rerank: Sequence[str] | None = None, top: int | None = None) -> Policy:
    """The policy as a scenario names it.

    Args:
        name: of the policy.
        rerank: re-rankers in place of the policy's own; None: its own.
        top: entries that are re-ranked; None: the policy's own number.

    Raises:
        InputError: an unknown name, or parameter names that collide.
    """
    policy = _placed(lambda: get(name), "platform.policy")
    if policy.of_feeds:
        raise InputError(
            f"policy {name} ranks the slots of a follow-graph world (block 'follow_graph'), not a pool",
            "platform.policy",
        )
    if rerank is None and top is None:
        return policy
    own = [_placed(partial(get_reranker, one), f"platform.rerank[{number}]") for number, one in enumerate(rerank or [])]
    return with_rerankers(policy, policy.rerank if rerank is None else own, top)


def _placed(find: Callable[[], Found], where: str) -> Found:
    """What is found; an error that names no place gets the key of the scenario that asks for it."""
    try:
        return find()
    except InputError as error:
        raise error if error.where else InputError(error.message, where) from error


def check_parameters(policy: Policy, values: Mapping[str, Sequence[float]], where: str) -> None:
    """Refuse names that are no parameters of a policy, and values that a parameter cannot have.

    Args:
        policy: whose. values: by name, all that a parameter may get: its value, and the ends of the range that it is drawn
            from. where: key of the scenario that holds them.

    Raises:
        InputError: the first such name, with the nearest one, or value; it lies at the key ``where`` of the scenario.
    """
    for name, possible in values.items():
        if name not in policy.parameters:
            error = unknown("parameter", name, policy.parameters)
            text = error.message.replace(f"{name!r};", f"{name!r} of policy {policy.name};", 1)
            raise InputError(text, f"{where}.{name}")
        for value in possible:
            policy.check_value(name, value, f"{where}.{name}")


def safeguards(
    policy: Policy, values: Mapping[str, float], named: Sequence[tuple[str, Mapping[str, float]]]
) -> Safeguards:
    """What stands around a policy: its own weight and aggregate, and mitigations by name.

    Args:
        policy: the policy. values: its parameters as the scenario has them.
        named: names of mitigations with the parameters that differ from their defaults; order does not matter.

    Raises:
        InputError: an unknown mitigation or parameter, with the nearest name; one named twice; two aggregates, or two
            caps on clusters.
    """
    measures = []
    for number, (name, given) in enumerate(named):
        where = f"platform.mitigations[{number}]"
        if name not in MITIGATIONS:
            raise unknown("mitigation", name, MITIGATIONS, f"{where}.kind")
        if name in [other for other, _ in named[:number]]:
            raise InputError(f"got {name!r} twice; each mitigation can stand once", f"{where}.kind")
        one = MITIGATIONS[name]
        for key in given:
            if key not in one.parameters:
                raise unknown("parameter", key, one.parameters, f"{where}.parameters.{key}")
            check_range(given[key], *one.range_of(key), f"{where}.parameters.{key}", positive=key in one.positive)
        measures.append(Measure(one, {**one.parameters, **given}))
    measures.sort(key=lambda m: m.mitigation.name)
    if policy.weight is not None:
        measures.append(own_measure(policy.name, policy.weight, {**policy.parameters, **values}))
    found = [m.mitigation.aggregate(m.p) for m in measures if m.mitigation.aggregate]
    found += [policy.aggregate] if policy.aggregate else []
    if len(found) > 1:
        raise InputError("got two measures that put groups together; keep one", "platform.mitigations")
    aggregate = found[0] if found else Aggregate()
    if not 1 <= aggregate.groups <= 64 or not 0 <= 2 * aggregate.trim < aggregate.groups:
        raise InputError(
            f"got {aggregate.groups} groups, {aggregate.trim} dropped at either end; 1 to 64 groups, of which some remain",
            "platform.mitigations",
        )
    weights = [m.mitigation.weight for m in measures if m.mitigation.weight]
    return Safeguards(tuple(measures), aggregate, any("trust" in attributes_of(one, 0) for one in weights))


def mitigation_listing() -> list[dict[str, object]]:
    """One row per mitigation: name, title, DSA article, doors, parameters with units, evidence tag, source."""
    return [
        {
            "name": m.name, "title": m.title, "article": m.article, "doors": list(m.closes),
            "parameters": [f"{name}={value:g} {m.units[name]}" for name, value in m.parameters.items()],
            "evidence": m.evidence, "source": m.source,
        }
        for m in MITIGATIONS.values()
    ]  # fmt: skip


def _imported(name: str) -> Policy:
    return _checked(_attribute(name, "policy", Policy), name)


def _attribute(name: str, kind: str, wanted: type) -> object:
    """What ``package.module:function`` names."""
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # a policy in a scratch file beside the scenario
    try:
        module = importlib.import_module(module_name)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        fix = own_code.hint(module_name) or "; write package.module:function"
        raise InputError(f"got {kind} {name!r}, but {error}{fix}") from error
    except SyntaxError as error:
        raise InputError(f"{error.msg}; {kind} {name!r} is defined there", f"{_shown(error.filename)}:{error.lineno}") from error  # fmt: skip
    except Exception as error:  # whatever a person's own file does while it is imported
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error}; {kind} {name!r} cannot be imported"
        raise InputError(text, f"{_shown(frame.filename)}:{frame.lineno}") from error
    if not hasattr(module, attribute):
        raise unknown(
            f"{kind} function", attribute, [n for n, v in vars(module).items() if isinstance(v, wanted)], name
        )
    return getattr(module, attribute)


def _shown(file: str | None) -> str:
    """A file, from here if it lies below."""
    path = Path(file or "")
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _checked(found: object, name: str) -> Policy:
    if not isinstance(found, Policy):
        raise InputError(f"got {name!r}, which is not a policy; decorate the function with @recsim.policy(...)")
    return found


def listing() -> list[dict[str, object]]:
    """One row per policy: name, title, evidence tag, whether it profiles, doors, source."""
    plugins = {point.name: point.load() for point in entry_points(group="recsim.policies")}
    return [
        {
            "name": p.name, "title": p.title, "evidence": p.evidence, "profiled": p.profiled,
            "doors": list(p.open_doors), "source": p.source, "rerank": [one.name for one in p.rerank],
        }
        for p in [*PRESETS.values(), *FEED_PRESETS.values(), *plugins.values()]
    ]  # fmt: skip


def reranker_listing() -> list[dict[str, object]]:
    """One row per re-ranker: name, title, evidence tag, what it reads, whether it profiles, doors, parameters, source."""
    plugins = {point.name: point.load() for point in entry_points(group="recsim.rerankers")}
    return [
        {
            "name": r.name, "title": r.title, "evidence": r.evidence, "date": r.date, "profiled": r.profiled,
            "doors": list(r.doors), "reads": list(r.reads),
            "parameters": [f"{name}={value:g}" for name, value in r.parameters.items()], "source": r.source,
        }
        for r in [*RERANKERS.values(), *plugins.values()]
    ]  # fmt: skip
