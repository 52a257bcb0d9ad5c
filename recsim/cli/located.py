"""Where in a file a problem lies that is found only when names are looked up."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.scenario import FollowScenario, Scenario

PROSE = ("title", "source")
"""Keys of words that nobody imports."""


def guard(
    file: Path, overrides: Sequence[str] = (), named: Iterable[str | None] = (), defences: Path | None = None
) -> None:
    """Refuse to run policies out of the folder of a stored result unasked; nothing of it may have been imported yet.

    Args:
        file: scenario; or a study or calibration, whose scenario is looked at, too.
        overrides: settings of ``--set``. named: further policies of the command line.
        defences: file of defences, which may set policies, too.

    Raises:
        InputError: with the file to read, and how to allow it.
    """
    from recsim.ranking import own_code
    from recsim.scenario.load import read_override, read_scenario, read_yaml

    raw, folders = read_scenario(file)[0], [file.parent]
    there: list[Any] = [raw, *named, *(read_override(text)[1] for text in overrides)]
    start = raw.get("scenario")
    if isinstance(start, str):
        folders.append((file.parent / start).parent)
        there.append(read_scenario(file.parent / start)[0])
    if defences is not None:
        folders.append(defences.parent)
        there.append(read_yaml(defences)[0])
    for folder in folders:
        if (folder / "manifest.json").is_file():  # a policy in a scratch file beside a scenario is the user's own
            own_code.refuse(_own_names(there), folder)


def _own_names(value: Any) -> list[str]:
    """Everything in a plain value that may name a policy of one's own, ``package.module:function``, wherever it stands."""
    if isinstance(value, str):
        module, colon, _ = value.partition(":")
        named = colon and all(len(part.encode()) < 250 for part in module.split("."))  # longer ones are no file's name
        return [value] if named else []
    if isinstance(value, dict):
        value = [one for key, one in value.items() if key not in PROSE]
    return [name for one in value for name in _own_names(one)] if isinstance(value, list) else []


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
        InputError: it is bad, with file and line; or a policy would come out of a result's folder.
    """
    from recsim.scenario import load

    scenario = load(config, list(overrides))
    guard(config, overrides)
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
