"""Reading a scenario: YAML with line numbers, overrides, validation in one line per problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from recsim.errors import InputError, nearest, unknown
from recsim.scenario.base import with_base
from recsim.scenario.follow import FollowScenario
from recsim.scenario.kinds import refuse_other
from recsim.scenario.problems import Lines, place_of, validated
from recsim.scenario.quantity import said
from recsim.scenario.references import check_follow, check_references
from recsim.scenario.schema import Scenario
from recsim.scenario.tables import read_segments, read_tiles


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses duplicate keys."""


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if isinstance(key, dict | list):
            raise yaml.constructor.ConstructorError(
                None, None, f"got {said(key)} as a key; a key is one word, in quotes if it begins with a brace or bracket",
                key_node.start_mark,
            )  # fmt: skip
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} stands twice (lines {seen[key]} and {line}); remove one", key_node.start_mark
            )
        seen[key] = line
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _lines(node: yaml.Node, path: tuple, out: Lines) -> None:
    out[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):  # anything else is refused when it is read
                _lines(value, (*path, key.value), out)
                out[(*path, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _lines(value, (*path, number), out)


def read_yaml(path: str | Path) -> tuple[dict, Lines]:
    """A YAML file as a mapping, with the line of every entry.

    Raises:
        InputError: missing, unreadable, malformed, empty, or not a mapping.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        # Stems are compared: all names of YAML files are alike in their endings.
        others = {p.stem: p for p in path.parent.glob("*.y*ml")} if path.parent.is_dir() else {}
        near = nearest(path.stem, others)
        hint = f"; did you mean {others[near]}?" if near else ""
        raise InputError(f"no such file{hint}", str(path)) from None
    except IsADirectoryError:
        raise InputError("got a directory; name a YAML file in it", str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start}); save the file as UTF-8", str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: Lines = {}
        if node is not None:
            _lines(node, (), lines)
        raw = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        if isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError):
            problem += "; check indentation, colons and brackets there"
        raise InputError(problem, f"{path}{line}") from None
    except ValueError as error:  # a date or time that looks like one and is none
        raise InputError(f"holds a date or time that does not exist ({error})", str(path)) from None
    if raw is None:
        raise InputError("the file is empty; `recsim init` writes a commented example", str(path))
    if not isinstance(raw, dict):
        raise InputError(f"got {said(raw)} at the top; a mapping of keys is needed", str(path))
    return raw, lines


def load(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read and validate a scenario.

    Args:
        path: YAML file; a segments file is looked for beside it.
        overrides: ``dotted.key=value`` settings, applied before validation; list members by id or number. ``["dose=3"]`` is the
            command line's ``--dose 3``, ``["population.scale=0.001"]`` its ``--scale 0.001``.

    Returns:
        The scenario: keys, ranges and references are right. Names of policies, parameters, mitigations and detectors are
        looked up by `recsim.validate`, and by everything that simulates before it begins.

    Raises:
        InputError: one line per problem, at most ten, each with file, line and dotted key.
    """
    raw, lines = _overridden(path, overrides)
    if is_follow(raw):
        raise InputError(
            "describes a follow-graph world (block 'follow_graph'), which `recsim run` and `recsim validate` take and "
            "other commands do not yet; from Python: recsim.load_follow and recsim.run_follow",
            str(path),
        )
    population = raw.get("population")
    if isinstance(population, dict) and isinstance(population.get("segments"), str):
        population["segments"] = read_segments(Path(path).parent / population["segments"])
    if isinstance(population, dict) and isinstance(population.get("tiles"), str):
        population["tiles"] = read_tiles(Path(path).parent / population["tiles"])
    return parse(raw, str(path), lines)


def _overridden(path: str | Path, overrides: Sequence[str]) -> tuple[dict, Lines]:
    raw, lines = read_scenario(path)
    refuse_other(raw, "scenario", str(path))
    for override in overrides:
        at = apply_override(raw, override)
        for old in [known for known in lines if known[: len(at)] == at]:
            del lines[old]
        lines |= {at[:n]: f"--set {override}" for n in range(1, len(at) + 1) if n == len(at) or at[:n] not in lines}
    return raw, lines


def place_in(path: str | Path, overrides: Sequence[str], dotted: str) -> str:
    """``file:line dotted.key`` of an entry of a scenario, or the setting that put it there.

    Args:
        path, overrides: as of `load`. dotted: key; list members by id or number, ``a.0.b`` or ``a[0].b``.
    """
    raw, lines = _overridden(path, overrides)
    node: Any = raw
    at: list[Any] = []
    for step in dotted.replace("[", ".").replace("]", "").split("."):
        if isinstance(node, list):
            ids = [str(m.get("id")) if isinstance(m, dict) else str(m) for m in node]
            at.append(ids.index(step) if step in ids else int(step) if step.isdigit() else step)
            node = node[at[-1]] if at[-1] in range(len(node)) else None
        else:
            at.append(step)
            node = node.get(step) if isinstance(node, dict) else None
    return place_of(tuple(at), raw, str(path), lines)


def read_scenario(path: str | Path) -> tuple[dict, Lines]:
    """A scenario file as a mapping, over the file that its key ``base`` names if it has one; lines are its own."""
    return with_base(Path(path), read_yaml)


def is_follow(raw: Mapping) -> bool:
    """Whether a mapping describes a follow-graph world."""
    return "follow_graph" in raw


def load_follow(path: str | Path, overrides: Sequence[str] = ()) -> FollowScenario:
    """Read and validate the scenario of a follow-graph world; arguments and errors as of `load`."""
    raw, lines = _overridden(path, overrides)
    if not is_follow(raw):
        raise InputError("describes no follow-graph world (there is no block 'follow_graph'); use load", str(path))
    return parse_follow(raw, str(path), lines)


def load_any(path: str | Path, overrides: Sequence[str] = ()) -> Scenario | FollowScenario:
    """Read and validate a scenario of either kind."""
    raw, _ = _overridden(path, overrides)
    return load_follow(path, overrides) if is_follow(raw) else load(path, overrides)


def parse(raw: Mapping, where: str = "scenario", lines: Lines | None = None) -> Scenario:
    """Validate a mapping: keys, types, ranges, and references within it; see `recsim.validate` for names of the engine.

    Args:
        raw: as YAML gives it, with segments as a list of cells and no key ``base``; it is not changed.
        where: what errors call it, such as a file.
        lines: line in that file by path of an entry, ``("campaigns", 0, "dose")``, for errors; None: they name keys alone.

    Returns:
        The scenario, with every default put in.

    Raises:
        InputError: one line per problem, at most ten.
    """
    scenario: Scenario = validated(Scenario, raw, where, lines or {})
    check_references(scenario, lambda path, text: InputError(text, place_of(path, raw, where, lines or {})))
    return scenario


def parse_follow(raw: Mapping, where: str = "scenario", lines: Lines | None = None) -> FollowScenario:
    """Validate a mapping that describes a follow-graph world.

    Raises:
        InputError: one line per problem, at most ten.
    """
    scenario: FollowScenario = validated(FollowScenario, raw, where, lines or {})
    check_follow(scenario, lambda path, text: InputError(text, place_of(path, raw, where, lines or {})))
    return scenario


def apply_override(raw: dict, override: str) -> tuple:
    """Set one ``dotted.key=value`` in a raw mapping.

    A bare number given to a quantity replaces its value, drops its range and says where it came from.

    Returns:
        The path of what was set.

    Raises:
        InputError: no '=', or a list member that does not exist.
    """
    dotted, value = read_override(override)
    return set_value(raw, dotted, value, f"--set {override}", "set on the command line")


def read_override(override: str) -> tuple[str, Any]:
    """Dotted key and value of ``dotted.key=value``.

    Raises:
        InputError: no '=', no key, or a value that is not YAML.
    """
    dotted, sign, text = override.partition("=")
    if not sign or not dotted:
        raise InputError("needs the form dotted.key=value", f"--set {override}")
    try:
        return dotted, yaml.safe_load(text)
    except ValueError as error:
        raise InputError(f"got {text!r}, a date or time that does not exist ({error})", f"--set {override}") from None
    except (yaml.YAMLError, TypeError):  # TypeError: a list or mapping as a key
        raise InputError(f"got value {text!r}, which is not valid YAML", f"--set {override}") from None


def set_value(raw: dict, dotted: str, value: Any, where: str, source: str) -> tuple:
    """Set the value of a dotted key in a raw mapping; list members by id or number.

    Args:
        raw: is changed.
        dotted: key.
        value: anything that YAML can hold; a bare number for a quantity replaces its value and drops its range, nothing
            (null) takes the quantity away where there may be none.
        where: names the setting in errors.
        source: noted as the source of a bare number.

    Returns:
        The path of what was set: keys, and places in lists.

    Raises:
        InputError: a list member that does not exist, a key inside something that holds none, or a number that the parameter
            sets of a calibration replace in every replicate.
    """
    check_free(raw, dotted, where)
    *steps, last = dotted.split(".")
    node: Any = raw
    path: list[Any] = []
    for step in steps:
        path.append(_position(node, step, where) if isinstance(node, list) else step)
        node = _member(node, step, where)
    if isinstance(node, list):
        position = _position(node, last, where)
        node[position] = value
        return (*path, position)
    if not isinstance(node, dict):
        raise InputError(f"got {said(node)} in {'.'.join(steps)}; a mapping is needed", where)
    old = node.get(last)
    if isinstance(old, dict) and "value" in old and value is not None and not isinstance(value, dict):
        value = {"value": value, "evidence": "assumption", "source": source}
    node[last] = value
    return (*path, last)


def check_free(raw: dict, dotted: str, where: str) -> None:
    """Refuse a setting that `recsim.scenario.realise` would replace without a word."""
    run = raw.get("run")
    ensemble = run.get("ensemble") if isinstance(run, dict) else getattr(run, "ensemble", None)
    members = ensemble.get("members") if isinstance(ensemble, dict) else getattr(ensemble, "members", None)
    dotted = _by_id(raw, dotted)
    for member in members if isinstance(members, list) else ():
        for key in member if isinstance(member, dict) else ():
            if str(key) == dotted or str(key).startswith(f"{dotted}.") or dotted.startswith(f"{key}."):
                raise InputError(
                    f"{key} is set in every replicate by the parameter sets of a calibration; leave the setting or the ensemble out",
                    where,
                )


def _by_id(node: Any, dotted: str) -> str:
    """A dotted key with list members by their id, where they have one: so parameter sets name them."""
    steps = []
    for step in dotted.split("."):
        if isinstance(node, list):
            ids = [str(m["id"]) if isinstance(m, dict) and "id" in m else str(place) for place, m in enumerate(node)]
            at = ids.index(step) if step in ids else int(step) if step.isdigit() and int(step) < len(ids) else None
            step, node = (step, None) if at is None else (ids[at], node[at])
        else:
            node = node.get(step) if isinstance(node, dict) else None
        steps.append(step)
    return ".".join(steps)


def _member(node: Any, step: str, where: str) -> Any:
    if isinstance(node, list):
        return node[_position(node, step, where)]
    if isinstance(node, dict):
        return node.setdefault(step, {})
    raise InputError(f"{step!r} lies inside something that is not a mapping", where)


def _position(node: list, step: str, where: str) -> int:
    ids = [str(m.get("id")) if isinstance(m, dict) else str(m) for m in node]
    if step in ids:
        return ids.index(step)
    if step.isdigit() and int(step) < len(node):
        return int(step)
    raise unknown("list member", step, ids, where)


__all__ = ["apply_override", "check_free", "load", "parse", "read_scenario", "read_segments", "read_yaml", "set_value"]
