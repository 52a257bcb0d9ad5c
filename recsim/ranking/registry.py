"""Finding a policy: by short name, ``package.module:function``, entry point ``recsim.policies``, or a ranker's URL."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import entry_points
from pathlib import Path

from recsim.errors import InputError, unknown
from recsim.ranking.http_ranker import http_ranker
from recsim.ranking.policy import Policy
from recsim.ranking.presets import PRESETS


def get(name: str) -> Policy:
    """The policy called ``name``.

    Raises:
        InputError: no such policy, module or function, with the nearest name.
    """
    if name in PRESETS:
        return PRESETS[name]
    if name.startswith(("http://", "https://")):
        return http_ranker(name)
    if ":" in name:
        return _imported(name)
    plugins = {point.name: point for point in entry_points(group="recsim.policies")}
    if name in plugins:
        return _checked(plugins[name].load(), name)
    raise unknown("policy", name, [*PRESETS, *plugins])


def _imported(name: str) -> Policy:
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # a policy in a scratch file beside the scenario
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(f"got policy {name!r}, but {error}; write package.module:function") from error
    if not hasattr(module, attribute):
        raise unknown("policy function", attribute, [n for n, v in vars(module).items() if isinstance(v, Policy)], name)
    return _checked(getattr(module, attribute), name)


def _checked(found: object, name: str) -> Policy:
    if not isinstance(found, Policy):
        raise InputError(f"got {name!r}, which is not a policy; decorate the function with @recsim.policy(...)")
    return found


def listing() -> list[dict[str, object]]:
    """One row per policy: name, title, evidence tag, whether it profiles, doors, source."""
    plugins = {point.name: point.load() for point in entry_points(group="recsim.policies")}
    return [
        {
            "name": p.name, "title": p.title, "evidence": p.evidence, "profiled": p.profiled,
            "doors": list(p.doors), "source": p.source,
        }
        for p in [*PRESETS.values(), *plugins.values()]
    ]  # fmt: skip
