"""Generated modules on disk, and the digests that name them and their policies.

A module is named by the hash of its text and of the versions that compile it, so that an edit anywhere is a new module
and Numba's disk cache never runs stale code.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import inspect
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

from recsim.errors import InputError
from recsim.ranking.policy import Policy


def cache_folder() -> Path:
    """The private folder of generated modules: RECSIM_CACHE_DIR, else the user's cache folder; mode 0700.

    Compiled code is loaded from there, so nobody else may write to it.

    Raises:
        InputError: the folder belongs to somebody else or is open to others for writing.
    """
    chosen = os.environ.get("RECSIM_CACHE_DIR")
    if chosen:
        folder = Path(chosen)
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "recsim"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recsim"
    folder = folder / "policies"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.stat()
    if hasattr(os, "getuid") and (facts.st_uid != os.getuid() or facts.st_mode & 0o022):
        raise InputError(f"cache folder {folder} is not private to you; set RECSIM_CACHE_DIR to one that is")
    return folder


def _load(text: str, digest: str) -> ModuleType:
    """Write the module once, atomically, and import it."""
    name = f"recsim_policy_{digest[:24]}"
    if name in sys.modules:
        return sys.modules[name]
    folder = cache_folder()
    path = folder / f"{name}.py"
    if not path.exists() or path.read_text() != text:
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.lru_cache(maxsize=256)
def load_rendered(policy_text: str) -> tuple[str, ModuleType]:
    """Digest of a generated module and of the versions that compile it, and the module."""
    versions = f"{numba.__version__} {np.__version__} {platform.python_version()}"
    digest = hashlib.sha256((policy_text + versions).encode()).hexdigest()
    return digest, _load(policy_text, digest)


def hook_text(policy: Policy) -> str:
    """Comments that tie the module, and so a run's fingerprint, to the files of refit and fatigue and to outside packages."""
    lines = ""
    for hook, function in (("refit", policy.refit), ("fatigue", policy.fatigue)):
        if function is None:
            continue
        versions = "".join(f", {name} {_installed(name)}" for name in policy.outside) if hook == "refit" else ""
        lines += f"# {hook}: {function.__module__}.{function.__qualname__}, SHA-256 of its file {_file_hash(policy, hook, function)}{versions}\n"
    return lines


def _file_hash(policy: Policy, hook: str, function: Callable) -> str:
    """SHA-256 of the file in which a hook is defined."""
    try:
        text = Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError) as error:
        raise InputError(
            f"cannot read the source of the {hook} of {policy.name}; define it with def in a file"
        ) from error
    return hashlib.sha256(text).hexdigest()


def whole_digest(policy: Policy, code: str) -> str:
    """SHA-256 of the compiled code's digest and of what the policy says of itself beside its code.

    Defaults of parameters, sources, hooks that stay plain NumPy: none of it is in the generated module, all of it decides
    results, and a scenario names no more of it than the policy's name.
    """
    weight = "" if policy.weight is None else _file_hash(policy, "weight", policy.weight)
    return hashlib.sha256(json.dumps([code, _said(policy), weight], sort_keys=True).encode()).hexdigest()


def _said(value: Any) -> Any:
    """A policy's or re-ranker's fields, and what they hold, as plain values; of a function the name only.

    What a parameter may not be decides nothing about what it is.
    """
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.name not in ("ranges", "positive")]
        return {name: _said(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): _said(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_said(one) for one in value]
    return getattr(value, "__qualname__", repr(value))


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
