"""What recsim's own source says about itself: phases of a step, arrays of the state, first lines of docstrings.

A description made from here cannot drift from the code: there is no second copy to forget.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from typing import NamedTuple

SHAPED = re.compile(r"(\([^)]*\) \w+)[,:]? ?(.*)")
"""Shape and dtype, then what it is."""


class Phase(NamedTuple):
    """One phase of a step: its name, and what its line says."""

    name: str
    about: str


class Field(NamedTuple):
    """One array of the state: name, shape and dtype, meaning."""

    name: str
    form: str
    about: str


def phases() -> list[Phase]:
    """The phases of one step of the world, in order, with the comments that stand on their lines."""
    from recsim.world.world import World

    lines, _ = inspect.getsourcelines(World.step)
    out: list[Phase] = []
    for line in lines:
        if "self._timed(" not in line:
            continue
        name = line.split('self._timed("', 1)[1].split('"', 1)[0]
        about = line.partition("#")[2].strip().lstrip("0123456789- ")
        if not any(one.name == name for one in out):
            out.append(Phase(name, about))
    return out


def state_groups() -> dict[str, tuple[str, list[Field]]]:
    """Groups of arrays by name: what the group is, and its fields as its source declares them."""
    from recsim import state

    text = inspect.getsource(state)
    lines = text.splitlines()
    out: dict[str, tuple[str, list[Field]]] = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.ClassDef) or not any(getattr(b, "id", "") == "NamedTuple" for b in node.bases):
            continue
        fields = []
        for part in node.body:
            if not isinstance(part, ast.AnnAssign) or not isinstance(part.target, ast.Name):
                continue
            end = (part.end_lineno or part.lineno) - 1
            note = lines[end].partition("#")[2].strip()
            at = end + 1
            while at < len(lines) and lines[at].strip().startswith("#"):  # a comment that goes on below its line
                note += " " + lines[at].strip().lstrip("# ")
                at += 1
            found = SHAPED.match(note)
            fields.append(Field(part.target.id, *(found.groups() if found else ("", note))))
        out[node.name] = ((ast.get_docstring(node) or "").strip(), fields)
    return out


def first_line(name: str) -> str:
    """First sentence of a module's docstring, on one line.

    Args:
        name: of the module, with dots.
    """
    text = inspect.getdoc(importlib.import_module(name)) or ""
    return " ".join(text.split("\n\n")[0].split())
