"""Reading a scenario: YAML with line numbers, overrides, validation in one line per problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from recsim.errors import InputError, nearest, unknown
from recsim.scenario.base import with_base
from recsim.scenario.follow import FollowScenario
from recsim.scenario.references import check_follow, check_references
from recsim.scenario.schema import Scenario
from recsim.scenario.tables import read_segments, read_tiles

MOST_PROBLEMS = 10
FORMER = {"equivalence_pp": "placebo_bound_pp"}
"""Keys that had another name, which no likeness of letters would find."""
Lines = dict[tuple, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses duplicate keys."""


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
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
        near = nearest(path.name, [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else [])
        hint = f"; did you mean {path.parent / near}?" if near else ""
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
        raise InputError(f"{problem}; check indentation, colons and brackets there", f"{path}{line}") from None
    if raw is None:
        raise InputError("the file is empty; `recsim init` writes a commented example", str(path))
    if not isinstance(raw, dict):
        raise InputError(f"got a {type(raw).__name__} at the top; a mapping of keys is needed", str(path))
    return raw, lines


def load(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read and validate a scenario.

    Args:
        path: YAML file; a segments file is looked for beside it.
        overrides: ``dotted.key=value`` settings, applied before validation; list members by id or number.

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
    for override in overrides:
        apply_override(raw, override)
    return raw, lines


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
    """Validate a mapping.

    Raises:
        InputError: one line per problem, at most ten.
    """
    scenario: Scenario = _validated(Scenario, raw, where, lines or {})
    check_references(scenario, lambda path, text: InputError(text, _where(path, raw, where, lines or {})))
    return scenario


def parse_follow(raw: Mapping, where: str = "scenario", lines: Lines | None = None) -> FollowScenario:
    """Validate a mapping that describes a follow-graph world.

    Raises:
        InputError: one line per problem, at most ten.
    """
    scenario: FollowScenario = _validated(FollowScenario, raw, where, lines or {})
    check_follow(scenario, lambda path, text: InputError(text, _where(path, raw, where, lines or {})))
    return scenario


def _validated(kind: type, raw: Mapping, where: str, lines: Lines) -> Any:
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as error:
        found = [_problem(e, raw, where, lines, kind) for e in error.errors(include_url=False)]
        found = list(dict.fromkeys(found))
        more = [f"... and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
        raise InputError("\n".join(found[:MOST_PROBLEMS] + more)) from None


def _where(path: tuple, raw: Any, file: str, lines: Lines) -> str:
    """``file:line dotted.key`` of a place, with list members called by their id."""
    names: list[str] = []
    node = raw
    for step in path:
        member = node[step] if isinstance(node, list | dict) and _has(node, step) else None
        if isinstance(node, list) and isinstance(member, dict) and "id" in member:
            names.append(str(member["id"]))
        else:
            names.append(str(step))
        node = member
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    spot = f"{file}:{line}" if line else file
    return f"{spot} {'.'.join(names)}" if names else spot


def _has(node: Any, step: Any) -> bool:
    return (isinstance(node, list) and isinstance(step, int) and step < len(node)) or (
        isinstance(node, dict) and step in node
    )


def _real_path(loc: tuple, raw: Any) -> tuple:
    """A pydantic location without the tags that unions put in."""
    path, node = [], raw
    for step in loc:
        if _has(node, step):
            path.append(step)
            node = node[step]
        elif isinstance(node, dict) and step not in _TAGS:
            path.append(step)
            node = None
    return tuple(path)


_TAGS = {"bot_network", "purchased_engagement", "paid_influencers", "volunteers", "list[Segment]", "str"}


def _problem(error: Mapping, raw: Any, file: str, lines: Lines, schema: type = Scenario) -> str:
    path = _real_path(error["loc"], raw)
    kind, got = error["type"], error.get("input")
    if kind == "extra_forbidden":
        allowed = _allowed_keys(error["loc"][:-1], raw, schema)
        name = str(error["loc"][-1])
        near = FORMER[name] if FORMER.get(name) in allowed else nearest(name, allowed)
        listed = f"; allowed: {', '.join(allowed)}" if allowed else ""
        text = f"got unknown key {name!r}{listed}" + (f"; did you mean {near!r}?" if near else "; remove it")
        path = (*path, name) if not path or path[-1] != name else path
    elif kind == "missing":
        text = "is missing; add it (see `recsim init` for an example)"
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        tags = ["bot_network", "purchased_engagement", "paid_influencers", "volunteers"]
        name = str(got.get("type", "nothing")) if isinstance(got, dict) else str(got)
        near = nearest(name, tags)
        text = f"got type {name!r}; allowed: {', '.join(tags)}" + (f"; did you mean {near!r}?" if near else "")
    elif kind == "value_error":
        text = str(error["ctx"]["error"])
    elif kind == "literal_error":
        choices = str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        near = nearest(str(got), choices.split(", "))
        text = f"got {got!r}; allowed: {choices}" + (f"; did you mean {near!r}?" if near else "")
    elif kind == "finite_number":
        text = f"got {got}; a finite number is needed"
    elif kind in _LIMITS:
        limit = next(iter(error["ctx"].values()))
        text = f"got {got}, must be {_LIMITS[kind]} {limit}"
        if kind in ("less_than_equal", "less_than") and isinstance(got, int | float) and got > 1 and limit == 1:
            text += f"; did you mean {got / (10 if got < 10 else 100):g}?"
    elif kind == "string_pattern_mismatch":
        text = f"got {got!r}; use letters, digits, '_', '-' and '.' only"
    elif kind.startswith("date"):
        text = f"got {got!r}; a date such as 2024-11-24 is needed"
    elif kind in ("too_short", "too_long"):
        c = error["ctx"]
        text = f"got {c['actual_length']} entries, must be at {'least' if kind == 'too_short' else 'most'} "
        text += str(c.get("min_length", c.get("max_length")))
    else:
        needed = _NEEDED.get(kind, error["msg"].lower())
        text = f"got {got!r} ({type(got).__name__}); {needed}"
    return f"{_where(path, raw, file, lines)}: {text}"


_LIMITS = {
    "greater_than": "above", "greater_than_equal": "at least", "less_than": "below", "less_than_equal": "at most",
}  # fmt: skip
_NEEDED = {
    "int_type": "a whole number is needed", "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed", "float_type": "a number is needed",
    "float_parsing": "a number is needed", "string_type": "text is needed", "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed", "list_type": "a list is needed", "dict_type": "a mapping is needed",
    "model_type": "a mapping is needed", "model_attributes_type": "a mapping is needed",
    "tuple_type": "a list of two numbers is needed",
}  # fmt: skip


def _allowed_keys(loc: tuple, raw: Any, schema: type = Scenario) -> list[str]:
    """Keys of the block at a location, found by walking the schema's classes."""
    block: Any = schema
    node = raw
    for step in loc:
        if step in _TAGS and not _has(node, step):
            continue
        node = node[step] if _has(node, step) else None
        if isinstance(step, int):
            continue
        fields = getattr(block, "model_fields", {})
        if step not in fields:
            break
        block = _block_of(fields[step].annotation, node)
    if isinstance(node, dict) and isinstance(raw, dict):
        block = _block_of(block, node) if not hasattr(block, "model_fields") else block
    if loc and loc[0] == "campaigns" and len(loc) >= 2 and schema is Scenario:
        block = _campaign_block(raw, loc)
    return list(getattr(block, "model_fields", {}))


def _campaign_block(raw: Any, loc: tuple) -> Any:
    from recsim.scenario import campaigns as c

    node = raw["campaigns"][loc[1]]
    block: Any = {
        "bot_network": c.BotNetwork, "purchased_engagement": c.PurchasedEngagement,
        "paid_influencers": c.PaidInfluencers, "volunteers": c.Volunteers,
        "impersonation": c.Impersonation, "advertising": c.Advertising,
    }.get(node.get("type"), c.CampaignBase)  # fmt: skip
    for step in loc[2:]:
        if step in _TAGS:
            continue
        fields = getattr(block, "model_fields", {})
        if step in fields:
            block = _block_of(fields[step].annotation, None)
    return block


def _block_of(annotation: Any, node: Any) -> Any:
    """The model class inside an annotation such as ``list[Candidate]`` or ``dict[str, Quantity]``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _block_of(part, node)
        if hasattr(found, "model_fields"):
            return found
    return annotation


def apply_override(raw: dict, override: str) -> None:
    """Set one ``dotted.key=value`` in a raw mapping.

    A bare number given to a quantity replaces its value, drops its range and says where it came from.

    Raises:
        InputError: no '=', or a list member that does not exist.
    """
    dotted, value = read_override(override)
    set_value(raw, dotted, value, f"--set {override}", "set on the command line")


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
    except yaml.YAMLError:
        raise InputError(f"got value {text!r}, which is not valid YAML", f"--set {override}") from None


def set_value(raw: dict, dotted: str, value: Any, where: str, source: str) -> None:
    """Set the value of a dotted key in a raw mapping; list members by id or number.

    Args:
        raw: is changed.
        dotted: key.
        value: anything that YAML can hold; a bare number for a quantity replaces its value and drops its range.
        where: names the setting in errors.
        source: noted as the source of a bare number.

    Raises:
        InputError: a list member that does not exist, a key inside something that holds none, or a number that the parameter
            sets of a calibration replace in every replicate.
    """
    check_free(raw, dotted, where)
    *steps, last = dotted.split(".")
    node: Any = raw
    for step in steps:
        node = _member(node, step, where)
    if isinstance(node, list):
        position = _position(node, last, where)
        node[position] = value
        return
    if not isinstance(node, dict):
        raise InputError(f"{'.'.join(steps)} is not a mapping", where)
    old = node.get(last)
    if isinstance(old, dict) and "value" in old and not isinstance(value, dict):
        value = {"value": value, "evidence": "assumption", "source": source}
    node[last] = value


def check_free(raw: dict, dotted: str, where: str) -> None:
    """Refuse a setting that `recsim.scenario.realise` would replace without a word."""
    run = raw.get("run")
    ensemble = run.get("ensemble") if isinstance(run, dict) else getattr(run, "ensemble", None)
    members = ensemble.get("members") if isinstance(ensemble, dict) else getattr(ensemble, "members", None)
    for member in members if isinstance(members, list) else ():
        for key in member if isinstance(member, dict) else ():
            if str(key) == dotted or str(key).startswith(f"{dotted}.") or dotted.startswith(f"{key}."):
                raise InputError(
                    f"{key} is set in every replicate by the parameter sets of a calibration; leave the setting or the ensemble out",
                    where,
                )


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
