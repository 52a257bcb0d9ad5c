"""Whether a scenario can be run: names that only the engine knows are looked up at once."""

from __future__ import annotations

from recsim.experiment.robustness import check_weights
from recsim.scenario.follow import FollowScenario
from recsim.scenario.schema import Scenario
from recsim.world.follow_plan import make_follow_plan
from recsim.world.plan import make_plan


def validate(scenario: Scenario | FollowScenario) -> None:
    """Look up everything that a scenario names, as the command ``recsim validate`` does; nothing is simulated.

    `recsim.load` looks at keys, ranges and references within the file. Here the policy, its parameters and the alternatives
    to them, re-rankers, mitigations and detectors are looked up; whatever simulates does the same before it begins.

    Args:
        scenario: from `recsim.load`, `recsim.load_follow` or `recsim.parse`.

    Raises:
        InputError: an unknown name, with the nearest one, or a value that a parameter cannot have; ``where`` is the dotted key.
    """
    if isinstance(scenario, FollowScenario):
        make_follow_plan(scenario)
        return
    make_plan(scenario)
    if scenario.audit.robustness.enabled:
        check_weights(scenario)
