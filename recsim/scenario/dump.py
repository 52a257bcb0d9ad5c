"""Writing a scenario: resolved YAML with evidence, JSON Schema, a template, and the fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from recsim.scenario.base import BASE
from recsim.scenario.follow import FollowScenario
from recsim.scenario.in_use import switched_off
from recsim.scenario.quantity import Quantity
from recsim.scenario.schema import Scenario
from recsim.scenario.tactics import ATTACKS

TOP = ("Scenario", "FollowScenario")
"""Classes of a whole file."""


class _Flow(dict):
    """A mapping written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML with quantities on one line and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity):
        out = _Flow(value=_number(value.value))
        if value.range is not None:
            out["range"] = [_number(v) for v in value.range]
        if value.scale != "linear":
            out["scale"] = value.scale
        out["evidence"] = value.evidence
        if value.source:
            out["source"] = value.source
        return out
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else value


def dump_yaml(scenario: Scenario | FollowScenario) -> str:
    """The whole scenario as YAML, defaults and evidence included; loads back to an equal scenario."""
    return yaml.dump(_plain(scenario), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**16)


def json_schema() -> dict:
    """JSON Schema of a scenario file of either kind, for editors: what may stand in the file, not what a loaded scenario holds."""
    _, schema = models_json_schema([(Scenario, "validation"), (FollowScenario, "validation")])
    defs = schema["$defs"]
    defs["Quantity"] = {"anyOf": [{"type": "number"}, defs["Quantity"]]}
    defs["MitigationUse"] = {"anyOf": [{"type": "string"}, defs["MitigationUse"]]}
    tiles = defs["Population"]["properties"]["tiles"]
    defs["Population"]["properties"]["tiles"] = {"anyOf": [{"type": "string"}, tiles]}
    network = defs["BotNetwork"]
    network["properties"]["attack"] = {
        "enum": list(ATTACKS),
        "description": "a classical attack, in place of tactics and targets",
    }
    network["required"].remove("tactics")
    network["anyOf"] = [{"required": ["tactics"]}, {"required": ["attack"]}]
    # A file that names another one as its base may leave out whatever that one says.
    needed = {name: defs[name].pop("required", []) for name in (*TOP, "Population", "Days", "FollowGraph")}
    inside = {"population": {"required": needed["Population"]}, "days": {"required": needed["Days"]}}
    for name in TOP:
        defs[name]["properties"][BASE] = {
            "type": "string",
            "description": "scenario file that says what this one leaves out",
        }
        defs[name]["anyOf"] = [
            {"required": [BASE]},
            {"required": needed[name], "properties": inside if name == "Scenario" else {}},
        ]
    first, second = ({"$ref": f"#/$defs/{name}"} for name in TOP)
    return {"$defs": defs, "title": "Scenario", "if": {"required": ["follow_graph"]}, "then": second, "else": first}


def fingerprint(scenario: Scenario | FollowScenario, extra: Mapping[str, str]) -> str:
    """SHA-256 of the resolved scenario (without the number of replicates) and of ``extra``.

    Args:
        scenario: validated scenario.
        extra: sources and versions that decide results, by name.
    """
    content = _same_numbers(_plain(scenario))
    content["run"].pop("replicates")
    text = json.dumps([content, dict(sorted(extra.items()))], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _same_numbers(value: Any) -> Any:
    """Numbers as floats throughout: 60 and 60.0 are the same setting."""
    if isinstance(value, dict):
        return {name: _same_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_same_numbers(member) for member in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def template(file: str | PurePath = "my-scenario.yaml") -> str:
    """A small commented scenario that runs in seconds; the commands at its head name ``file``."""
    from importlib.resources import files

    text = files("recsim.scenario").joinpath("template.yaml").read_text(encoding="utf-8")
    return text.replace("my-scenario.yaml", str(file))


def quantities(scenario: Scenario | FollowScenario) -> list[dict[str, Any]]:
    """Every number of the scenario that carries evidence.

    Returns:
        One row each: ``key`` (dotted), ``value``, ``range``, ``evidence``, ``source``, ``description``, and ``in_use``: False if
        what it belongs to is switched off.
    """
    rows: list[dict[str, Any]] = []
    off = switched_off(scenario)

    def walk(value: Any, path: str, description: str) -> None:
        if isinstance(value, Quantity):
            rows.append(
                {
                    "key": path, "value": value.value, "range": value.range, "evidence": value.evidence,
                    "source": value.source or "", "description": description,
                    "in_use": not any(path == key or path.startswith(f"{key}.") for key in off),
                }
            )  # fmt: skip
        elif isinstance(value, BaseModel):
            for name, field in type(value).model_fields.items():
                walk(getattr(value, name), f"{path}.{name}" if path else name, field.description or "")
        elif isinstance(value, dict):
            for name, member in value.items():
                walk(member, f"{path}.{name}", description)
        elif isinstance(value, list):
            for number, member in enumerate(value):
                walk(member, f"{path}.{getattr(member, 'id', number)}", description)

    walk(scenario, "", "")
    return rows
