"""The parameter sets of a calibration, looked at before the first world: each must be something that can be simulated."""

from __future__ import annotations

from recsim.errors import InputError, nearest
from recsim.ranking import registry
from recsim.ranking.policy import Policy
from recsim.scenario.dump import quantities
from recsim.scenario.realise import _placed
from recsim.scenario.references import check_references
from recsim.scenario.schema import Scenario

MEMBERS = "run.ensemble.members"


def check_members(scenario: Scenario) -> None:
    """Refuse a set that names what is no number of the scenario, gives the policy or a measure a value that it cannot have, or numbers that
    do not fit each other.

    Raises:
        InputError: the first such set; it lies at the key ``run.ensemble.members.N`` of the scenario.
    """
    ensemble, platform = scenario.run.ensemble, scenario.platform
    if ensemble is None:
        return
    policy = registry.configured(platform.policy, platform.rerank, platform.rerank_top)
    for number, member in enumerate(ensemble.members):
        made = scenario
        try:
            for key, value in member.items():
                try:
                    made = _placed(made, key.split("."), value)
                except (KeyError, ValueError):
                    near = nearest(key, (row["key"] for row in quantities(scenario)))
                    hint = f"; did you mean {near!r}?" if near else ""
                    raise InputError(f"holds no number of this scenario{hint}", key) from None
            if made.platform is not platform:
                _check_platform(policy, made)
            check_references(made, lambda path, text: InputError(text, ".".join(map(str, path))))
        except InputError as error:
            text = f"{error.where}: {error.message}" if error.where else error.message
            raise InputError(text, f"{MEMBERS}.{number}") from None


def _check_platform(policy: Policy, made: Scenario) -> None:
    """Values of parameters: of the policy, and of measures around it."""
    values = {name: q.ends for name, q in made.platform.parameters.items()}
    registry.check_parameters(policy, values, "platform.parameters")
    used = [(one.kind, {name: q.value for name, q in one.parameters.items()}) for one in made.platform.mitigations]
    registry.safeguards(policy, {name: q.value for name, q in made.platform.parameters.items()}, used)
