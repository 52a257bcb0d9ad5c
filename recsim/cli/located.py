"""Where in a file a problem lies that is found only when names are looked up."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.scenario import Scenario

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
        text = error.message + _left_behind(error.message, key, overrides)
        raise InputError(text, (options or {}).get(key) or place_in(config, overrides, key)) from error


def _left_behind(message: str, key: str, overrides: Sequence[str]) -> str:
    """What to add where a policy was set and what belongs to the former one stayed; "" elsewhere."""
    policies = [one.partition("=")[2] for one in overrides if one.partition("=")[0].strip() == "platform.policy"]
    owners = ("platform.parameters.", "audit.robustness.head_weights", "audit.shadows")
    if not policies or "unknown parameter" not in message or not key.startswith(owners):
        return ""
    return f"; --policy {policies[-1]} in place of --set platform.policy leaves out what belongs to the former policy"


def loaded(config: Path, overrides: Sequence[str], policy: str | None = None) -> Scenario:
    """A scenario of which all names are known.

    Args:
        config: scenario file. overrides: settings of ``--set``. policy: in place of the scenario's.

    Raises:
        InputError: it is bad, with file and line; or a policy would come out of a result's folder.
    """
    from recsim.cli.run import What
    from recsim.experiment.validate import validate
    from recsim.scenario import load

    if policy is not None:
        return What(config, list(overrides)).scenario(policy)
    scenario = load(config, list(overrides))
    guard(config, overrides)
    with located(config, overrides):
        validate(scenario)
    warn(scenario)
    return scenario


def warn(scenario: Scenario) -> None:
    """Say on standard error which targets name a figure that no run computes."""
    if not scenario.targets:
        return
    from recsim.audit.facts import targets_not_known

    for name, text in targets_not_known(scenario).items():
        sys.stderr.write(f"note: targets.{name}.metric: {text}\n")
