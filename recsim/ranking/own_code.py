"""Source files of policies and re-rankers from outside recsim: kept in the folder of what they made, not run from there unasked.

The file of ``package.module:function`` is kept as ``policies/package/module.py``. Running code out of a folder that somebody
else wrote is for a person to decide: she reads the file and puts the folder ``policies`` on PYTHONPATH.
"""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from recsim.errors import InputError

FOLDER = "policies"


def files_of(names: Iterable[str]) -> dict[str, str]:
    """What has to be kept so that policies can be run again: text by name of the file within a result's folder.

    Args:
        names: of policies and re-rankers; only those called ``package.module:function`` have files, and these only unless
            they are of an installed package. Modules that a file imports from its own folder are kept, too.
    """
    out: dict[str, str] = {}
    for module in sorted({name.partition(":")[0] for name in names if _own(name)}):
        _keep(module, out)
    return out


def kept(folder: Path) -> list[str]:
    """Names of the files of this kind in a result's folder."""
    return sorted(p.relative_to(folder).as_posix() for p in (folder / FOLDER).rglob("*.py"))


def asked(command: str, folder: Path | None) -> str:
    """A command as it has to be called in a result's folder: with its own policies allowed, if it keeps any."""
    return f"PYTHONPATH={FOLDER} {command}" if folder is not None and kept(folder) else command


def allowed(folder: Path) -> bool:
    """Whether somebody has put the folder's own policies on PYTHONPATH."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return (folder / FOLDER).resolve() in {Path(entry).resolve() for entry in given if entry}


def refuse(names: Iterable[str], folder: Path) -> None:
    """Refuse to run policies whose code would come out of a result's folder, unless that was allowed.

    Args:
        names: of policies and re-rankers that are to be imported.
        folder: of the result.

    Raises:
        InputError: with the file to read and how to allow it.
    """
    inside, policies = folder.resolve(), (folder / FOLDER).resolve()
    for name in names:
        if not _own(name):
            continue
        module = name.partition(":")[0]
        found, file = _origin(module.partition(".")[0]), _file(module)
        if found is None and (folder / file).is_file():
            found = policies
        if found is None or not found.is_relative_to(inside) or (found.is_relative_to(policies) and allowed(folder)):
            continue
        text = (
            f"needs the policy {name}, whose code is in this folder ({file}) and is not run unasked; read that file, then set "
            f"PYTHONPATH={(folder / FOLDER).as_posix()}"
        )
        raise InputError(text, str(folder))


def hint(module: str) -> str:
    """What to add to an error about a module that cannot be found: where a result's folder, if this is one, keeps it."""
    file = _file(module)
    return f"; its source is kept in {file}: read it, then set PYTHONPATH={FOLDER}" if Path(file).is_file() else ""


def _own(name: str) -> bool:
    return ":" in name and not name.startswith(("http://", "https://", "recsim.", "recsim:"))


def _file(module: str) -> str:
    return f"{FOLDER}/{module.replace('.', '/')}.py"


def _origin(top: str) -> Path | None:
    """Where a module or package of the first level is, or would be imported from; None if nowhere."""
    module = sys.modules.get(top)
    if module is not None and getattr(module, "__file__", None):
        return Path(str(module.__file__)).resolve()
    here = str(Path.cwd())
    spec = PathFinder.find_spec(top, sys.path if here in sys.path else [here, *sys.path])  # as the registry looks
    if spec is None:
        return None
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
    return Path(places[0]).resolve() if places else None


def _keep(name: str, out: dict[str, str]) -> None:
    module = sys.modules.get(name)
    source = _source(module)
    if source is None or _file(name) in out:
        return
    try:
        text = source.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return
    out[_file(name)] = text
    package = name.rpartition(".")[0]
    for node in ast.walk(tree):
        named: list[str] = []
        if isinstance(node, ast.Import):
            named = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            named = [node.module]
        elif isinstance(node, ast.ImportFrom) and node.level == 1 and package:
            parts = [node.module] if node.module else [one.name for one in node.names]
            named = [f"{package}.{part}" for part in parts]
        for other in named:
            beside = _source(sys.modules.get(other))
            if beside is not None and beside.parent == source.parent:
                _keep(other, out)


def _source(module: ModuleType | None) -> Path | None:
    """The file of a module that is nobody's installed package; None if there is none."""
    file = getattr(module, "__file__", None)
    if file is None or not str(file).endswith(".py"):
        return None
    path = Path(str(file)).resolve()
    installed = [Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "purelib", "platlib")]
    return None if any(path.is_relative_to(one) for one in installed) else path
