"""What a YAML file describes, so that a file given to the wrong command is answered in one line."""

from __future__ import annotations

from collections.abc import Mapping

from recsim.errors import InputError

COMMANDS = {
    "scenario": "recsim run",
    "study": "recsim sweep",
    "calibration": "recsim calibrate",
    "audit plan": "recsim run --plan",
    "ensemble of a calibration": "recsim run SCENARIO --ensemble",
}
"""The command that takes each kind of file."""
_KEYS = (
    ("audit plan", {"plan", "lock"}),
    ("study", {"axes"}),
    ("ensemble of a calibration", {"calibration", "members"}),
    ("calibration", {"scenario", "targets"}),
    ("calibration", {"scenario", "parameters"}),
)
_SCENARIO = {"days", "population", "candidates", "campaigns", "content", "platform", "follow_graph", "base"}


def kind_of(raw: Mapping) -> str | None:
    """The kind of file that has these keys; None: it cannot be told."""
    if _SCENARIO & set(raw):
        return "scenario"
    return next((kind for kind, keys in _KEYS if keys <= set(raw)), None)


def refuse_other(raw: Mapping, wanted: str, where: str) -> None:
    """Refuse a file of another kind.

    Raises:
        InputError: it is one, with the command that takes it.
    """
    found = kind_of(raw)
    if found not in (None, wanted):
        raise InputError(f"is {'an' if found[0] in 'aeiou' else 'a'} {found}; use {COMMANDS[found]}", where)
