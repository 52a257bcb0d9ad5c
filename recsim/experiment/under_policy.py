"""A scenario under another policy: what belongs to the former one means nothing to it and is left out."""

from __future__ import annotations

from collections.abc import Collection

from recsim.ranking import registry
from recsim.scenario.schema import Ensemble, Scenario


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
