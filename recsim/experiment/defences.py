"""Defences that a platform could have mounted: a YAML file of settings, each a scenario beside the one that was run."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from recsim.errors import InputError, unknown
from recsim.experiment.sets import without_table
from recsim.experiment.under_policy import under_policy
from recsim.ranking.mitigation import ARTICLES
from recsim.scenario.dump import _Dumper, _plain
from recsim.scenario.load import parse, read_yaml, set_value
from recsim.scenario.schema import Scenario
from recsim.world.plan import make_plan

FIELDS = ("title", "article", "source", "set")
BLOCKS = ("platform", "moderation", "response")
"""What a platform can decide: how it ranks and counts, how it moderates, what it shows people beside an item."""
NAME = re.compile(r"[A-Za-z0-9_.-]+")


class Defence(NamedTuple):
    """One defence.

    Attributes:
        name: used in results.
        title: what it does, in a few words.
        article: point of DSA Article 35(1) under which it falls.
        source: what documents it, or says that it is an assumption.
        settings: values by dotted key of the scenario.
        where: file and line, for errors.
    """

    name: str
    title: str
    article: str
    source: str
    settings: Mapping[str, Any]
    where: str


def read_defences(path: str | Path) -> list[Defence]:
    """The defences of a file, in its order.

    Raises:
        InputError: missing or malformed file; a bad name, an unknown or missing field, an unknown article, a key
            outside `BLOCKS`, or nothing set.
    """
    raw, lines = read_yaml(path)
    return [_defence(str(name), given, f"{path}:{lines.get((name,), 1)} {name}") for name, given in raw.items()]


def _defence(name: str, given: Any, where: str) -> Defence:
    from recsim.ranking.mitigations import MITIGATIONS

    if not NAME.fullmatch(name):
        raise InputError(f"got {name!r}; use letters, digits, '_', '-' and '.' only", where)
    if name in MITIGATIONS or name in ("none", "all"):
        raise InputError(f"got {name!r}, which is taken; choose another name", where)
    if not isinstance(given, dict):
        raise InputError(f"got {given!r}; a mapping of {', '.join(FIELDS)} is needed", where)
    for field in given:
        if field not in FIELDS:
            raise unknown("key", str(field), FIELDS, where)
    for field in FIELDS:
        if field not in given:
            raise InputError(f"{field!r} is missing; add it", where)
    for field in FIELDS[:-1]:
        if not isinstance(given[field], str) or not given[field].strip():
            raise InputError(f"got {given[field]!r}; text is needed", f"{where}.{field}")
    if given["article"] not in ARTICLES:
        raise unknown("article", given["article"], ARTICLES, f"{where}.article")
    settings = given["set"]
    if not isinstance(settings, dict) or not settings:
        raise InputError(f"got {settings!r}; a mapping of dotted keys of the scenario is needed", f"{where}.set")
    for key in settings:
        block = str(key).partition(".")[0]
        if block not in BLOCKS:
            raise unknown("block", block, BLOCKS, f"{where} {key}")
        if "." not in str(key):
            raise InputError(f"got the whole block; name a key in it, such as {key}.x", f"{where} {key}")
    return Defence(name, given["title"], given["article"], given["source"], settings, where)


def with_defence(scenario: Scenario, defence: Defence) -> Scenario:
    """The scenario with a defence's values set, validated again; everything else is as it was.

    A change of policy leaves out what belongs to the former one, see `under_policy`.

    Raises:
        InputError: file, defence, key, what was got and what is allowed.
    """
    settings = dict(defence.settings)
    policy = settings.get("platform.policy")
    with _placed(defence):
        raw = _plain(under_policy(scenario, policy) if isinstance(policy, str) else scenario)
    for key, value in settings.items():
        set_value(raw, str(key), value, f"{defence.where} {key}", f"defence {defence.name}")
    made = parse(raw, defence.where)
    if made == scenario:
        raise InputError("changes nothing: the scenario has these values already; remove it", defence.where)
    with _placed(defence):
        make_plan(without_table(made))
    return made


@contextlib.contextmanager
def _placed(defence: Defence) -> Iterator[None]:
    """Give errors that name a key of the scenario the defence's file and line."""
    try:
        yield
    except InputError as error:
        raise InputError(error.message, f"{defence.where} {error.where or ''}".rstrip()) from None


def dump_defences(defences: Sequence[Defence]) -> str:
    """The file again, as text."""
    content = {d.name: {**{f: getattr(d, f) for f in FIELDS[:-1]}, "set": _plain(dict(d.settings))} for d in defences}
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**16)


__all__ = ["BLOCKS", "Defence", "dump_defences", "read_defences", "with_defence"]
