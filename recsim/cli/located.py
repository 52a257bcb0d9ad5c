"""Where in a file a problem lies that is found only when names are looked up."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.scenario import FollowScenario, Scenario


@contextlib.contextmanager
def located(config: Path, overrides: Sequence[str] = (), options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Give errors that name a key of the scenario its file and line, or the setting or option that put it there.

    Args:
        config: scenario file. overrides: settings of ``--set``.
        options: what stood on the command line by key, such as ``{"platform.policy": "--policy"}``.
    """
    from recsim.scenario import FollowScenario, Scenario
    from recsim.scenario.load import place_in

    try:
        yield
    except InputError as error:
        key = error.where or ""
        known = {*Scenario.model_fields, *FollowScenario.model_fields}
        if re.split(r"[.\[]", key)[0] not in known:
            raise
        raise InputError(error.message, (options or {}).get(key) or place_in(config, overrides, key)) from error


def loaded(config: Path, overrides: Sequence[str]) -> Scenario:
    """A scenario of which all names are known.

    Raises:
        InputError: it is bad, with file and line.
    """
    from recsim.scenario import load

    scenario = load(config, list(overrides))
    with located(config, overrides):
        look_up(scenario)
    return scenario


def look_up(scenario: Scenario | FollowScenario) -> None:
    """Look up all names: policy, parameters and alternatives to them, re-rankers, mitigations, detectors.

    Raises:
        InputError: one of them is unknown.
    """
    from recsim.experiment.robustness import check_weights
    from recsim.scenario import FollowScenario
    from recsim.world.follow_plan import make_follow_plan
    from recsim.world.plan import make_plan

    if isinstance(scenario, FollowScenario):
        make_follow_plan(scenario)
        return
    make_plan(scenario)
    if scenario.audit.robustness.enabled:
        check_weights(scenario)
