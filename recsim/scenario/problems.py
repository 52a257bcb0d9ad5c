"""What is wrong with a scenario: one line per problem, with the file, the line or the setting, and the dotted key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from recsim.errors import InputError, nearest
from recsim.scenario.base import BASE
from recsim.scenario.follow import FollowScenario
from recsim.scenario.quantity import said
from recsim.scenario.schema import Scenario

MOST_PROBLEMS = 10
FORMER = {"equivalence_pp": "placebo_bound_pp"}
"""Keys that had another name, which no likeness of letters would find."""
Lines = dict[tuple, int | str]
"""Where entries of a mapping come from, by path: the line of a file, or the setting that put them there (``--set a.b=1``)."""


def validated(kind: type, raw: Mapping, where: str, lines: Lines) -> Any:
    """A mapping as an object of a class of the schema.

    Args:
        kind: the class. raw: the mapping. where: name of its file. lines: where its entries come from.

    Raises:
        InputError: one line per problem, at most ten.
    """
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as error:
        found = [_problem(e, raw, where, lines, kind) for e in error.errors(include_url=False)]
        found = list(dict.fromkeys(found))
        more = [f"... and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
        raise InputError("\n".join(found[:MOST_PROBLEMS] + more)) from None


def place_of(path: tuple, raw: Any, file: str, lines: Lines) -> str:
    """``file:line dotted.key`` of an entry, or ``--set key=value`` if a setting put it there; list members by their id."""
    names: list[str] = []
    node = raw
    for step in path:
        member = node[step] if isinstance(node, list | dict) and _has(node, step) else None
        if isinstance(node, list) and isinstance(member, dict) and "id" in member:
            names.append(str(member["id"]))
        else:
            names.append(str(step))
        node = member
    dotted = ".".join(names)
    found = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    source = None if found is None else lines[found]
    inside = [at for at, setting in lines.items() if isinstance(setting, str) and path and at[: len(path)] == path]
    if not isinstance(source, str) and inside:  # a block that does not fit together since something in it was set
        source, found = lines[inside[-1]], inside[-1]
    if isinstance(source, str):
        return source if found == path or not dotted else f"{source} {dotted}"
    spot = f"{file}:{source}" if source else file
    return f"{spot} {dotted}" if dotted else spot


def _has(node: Any, step: Any) -> bool:
    return (isinstance(node, list) and isinstance(step, int) and step < len(node)) or (
        isinstance(node, dict) and step in node
    )


def _real_path(loc: tuple, raw: Any) -> tuple:
    """A pydantic location without the tags that unions put in."""
    path, node = [], raw
    for step in _untagged(loc):
        if _has(node, step):
            path.append(step)
            node = node[step]
        elif isinstance(node, dict) and step not in _TAGS:
            path.append(step)
            node = None
    return tuple(path)


def _untagged(loc: tuple) -> tuple:
    """A location without the type of the campaign, which a field may share its name with (volunteers)."""
    return (*loc[:2], *loc[3:]) if len(loc) > 2 and loc[0] == "campaigns" and loc[2] in _CAMPAIGN_TAGS else loc


def _kinds(annotation: Any) -> dict[str, Any]:
    """Classes of a union that its members' ``type`` tells apart, by that type, wherever in an annotation it stands."""
    found: dict[str, Any] = {}
    for part in get_args(annotation):
        field = getattr(part, "model_fields", {}).get("type")
        if field is not None and get_origin(field.annotation) is Literal:
            found |= dict.fromkeys(get_args(field.annotation), part)
        elif get_origin(part) is not None:
            found |= _kinds(part)
    return found


CAMPAIGNS: dict[type, dict[str, Any]] = {
    kind: _kinds(kind.model_fields["campaigns"].annotation) for kind in (Scenario, FollowScenario)
}
"""Kinds of campaigns of either world, as its schema has them."""
_CAMPAIGN_TAGS = {name for kinds in CAMPAIGNS.values() for name in kinds}
_TAGS = {"list[Segment]", "str"}


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
        text = "is missing; add it" + (" (see `recsim init` for an example)" if schema is Scenario else "")
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        tags = list(CAMPAIGNS[schema]) if schema in CAMPAIGNS else []
        name = str(got.get("type", "nothing")) if isinstance(got, dict) else str(got)
        near = nearest(name, tags)
        text = f"got type {name!r}; allowed: {', '.join(tags)}" + (f"; did you mean {near!r}?" if near else "")
        if isinstance(got, dict) and "type" in got:
            path = (*path, "type")
    elif kind == "value_error":
        text = str(error["ctx"]["error"])
    elif kind == "literal_error":
        choices = str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        near = nearest(str(got), choices.split(", "))
        shown = repr(got) if isinstance(got, str) else said(got)
        text = f"got {shown}; allowed: {choices}" + (f"; did you mean {near!r}?" if near else "")
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
        text = f"got {repr(got) if isinstance(got, str) else said(got)}; a date such as 2024-11-24 is needed"
    elif kind in ("too_short", "too_long"):
        c = error["ctx"]
        text = f"got {c['actual_length']} entries, must be at {'least' if kind == 'too_short' else 'most'} "
        text += str(c.get("min_length", c.get("max_length")))
    else:
        text = f"got {said(got)}; {_NEEDED.get(kind, error['msg'].lower())}"
    return f"{place_of(path, raw, file, lines)}: {text}"


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
    for step in _untagged(loc):
        if step in _TAGS and not _has(node, step):
            continue
        node = node[step] if _has(node, step) else None
        if isinstance(step, int):
            kinds = CAMPAIGNS.get(schema, {}) if loc[0] == "campaigns" and len(loc) >= 2 and step == loc[1] else {}
            block = kinds.get(str(node.get("type")), block) if isinstance(node, dict) and kinds else block
            continue
        fields = getattr(block, "model_fields", {})
        if step not in fields:
            break
        block = _block_of(fields[step].annotation)
    if isinstance(node, dict) and isinstance(raw, dict):
        block = block if hasattr(block, "model_fields") else _block_of(block)
    more = [BASE] * (schema in CAMPAIGNS) + ["follow_graph"] * (schema is Scenario) if not loc else []
    return [*getattr(block, "model_fields", {}), *more]


def _block_of(annotation: Any) -> Any:
    """The model class inside an annotation such as ``list[Candidate]`` or ``dict[str, Quantity]``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _block_of(part)
        if hasattr(found, "model_fields"):
            return found
    return annotation
