"""A scenario under another policy: what belongs to the former one means nothing to it and is left out."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

from recsim.errors import InputError
from recsim.ranking import registry
from recsim.ranking.policy import Policy
from recsim.ranking.presets import FEED_PRESETS, PRESETS
from recsim.scenario.schema import Ensemble, Scenario


def name_of(policy: str | Policy, where: str = "policy") -> str:
    """The name by which every process finds a policy.

    Args:
        policy: a name, or a policy itself: a preset, one behind an address, or one that a module holds under some name.
        where: of errors.

    Raises:
        InputError: no policy, or one of a script, a notebook or a function's inside, which no other process can import.
    """
    if isinstance(policy, str):
        module, colon, name = policy.partition(":")
        if colon and module == "__main__":
            raise _only_here(name, where)
        return policy
    if not isinstance(policy, Policy):
        text = f"got {policy!r:.60}; must be a name, package.module:function, or a function decorated with @recsim.policy(...)"
        raise InputError(text, where)
    if {**PRESETS, **FEED_PRESETS}.get(policy.name) is policy or policy.name.startswith(("http://", "https://")):
        return policy.name
    module = policy.function.__module__
    held = vars(sys.modules[module]) if module in sys.modules and module != "__main__" else {}
    there = next((key for key, value in held.items() if value is policy), None)
    if there is None:
        raise _only_here(policy.function.__name__, where)
    return f"{module}:{there}"


def names_of(policies: str | Policy | Sequence[str | Policy], where: str = "policies") -> str | list[str]:
    """The same for one or several."""
    if isinstance(policies, str):
        return name_of(policies, where)
    return [name_of(one, where) for one in ([policies] if isinstance(policies, Policy) else policies)]


def _only_here(name: str, where: str) -> InputError:
    return InputError(
        f"got the policy {name!r} of this script, notebook or function, which worker processes cannot import; define it at the "
        f"top of a file of its own, such as mine.py, and name it 'mine:{name}' or import it from there",
        where,
    )


def under_policy(scenario: Scenario, policy: str, named: Collection[str] = ()) -> Scenario:
    """The scenario under a policy, which takes its default parameters.

    Parameters of re-rankers stay. Others go, from the parameter sets of a calibration, too; so do shadows and head weights
    with parameters that the policy does not have. Another name of the scenario's own policy keeps everything.

    Args:
        scenario: is not changed. policy: its name.
        named: parameters that were set for this policy, and so stay.

    Raises:
        InputError: an unknown policy.
    """
    platform, audit, run = scenario.platform, scenario.audit, scenario.run
    if policy == platform.policy:
        return scenario
    known = registry.configured(policy, platform.rerank, platform.rerank_top).parameters.keys()
    if registry.get(policy) is registry.get(platform.policy):
        return scenario.model_copy(update={"platform": platform.model_copy(update={"policy": policy})})
    reranked = rerank_parameters(scenario)
    kept = {name: value for name, value in platform.parameters.items() if name in {*reranked, *named}}
    table = audit.robustness
    weights = [one for one in table.head_weights if one.parameters.keys() <= known]
    shadows = [one for one in audit.shadows if one.parameters.keys() <= known]
    robustness = table.model_copy(update={"head_weights": weights})
    return scenario.model_copy(
        update={
            "platform": platform.model_copy(update={"policy": policy, "parameters": kept}),
            "audit": audit.model_copy(update={"shadows": shadows, "robustness": robustness}),
            "run": run.model_copy(update={"ensemble": _left(run.ensemble, reranked & kept.keys())}),
        }
    )


def rerank_parameters(scenario: Scenario) -> set[str]:
    """Parameters of the scenario's re-rankers: they stay whatever the policy is."""
    return {name for one in scenario.platform.rerank or [] for name in registry.get_reranker(one).parameters}


def _left(ensemble: Ensemble | None, parameters: Collection[str]) -> Ensemble | None:
    """The parameter sets without a policy's parameters other than these; None if that leaves nothing."""
    made = None if ensemble is None else ensemble.of_policy(parameters)
    return made if made is not None and any(made.members) else None


def left_out(before: Scenario, after: Scenario) -> list[str]:
    """Notes about what `under_policy` has left out beside parameters; none if the policy is the same."""
    was, now = before.audit, after.audit
    pairs = {
        "audit.shadows": ([one.id for one in was.shadows], [one.id for one in now.shadows]),
        "audit.robustness.head_weights": (
            [one.id for one in was.robustness.head_weights], [one.id for one in now.robustness.head_weights],
        ),
        "run.ensemble": (_keys(before.run.ensemble), _keys(after.run.ensemble)),
    }  # fmt: skip
    policy = after.platform.policy
    return [
        f"{key} without {', '.join(gone)}: policy {policy} does not have these parameters"
        for key, (old, new) in pairs.items()
        if (gone := [name for name in old if name not in new])
    ]


def _keys(ensemble: Ensemble | None) -> list[str]:
    return sorted({key for member in ensemble.members for key in member}) if ensemble is not None else []
