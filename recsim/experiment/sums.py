"""``SHA256SUMS``: a checksum of every file of a result's folder, in the form that ``sha256sum -c SHA256SUMS`` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from recsim.errors import InputError
from recsim.experiment.folder import PART, SUMS, write_text


class Differences(NamedTuple):
    """What in a folder is not as it was written: names with ``/`` between folders, in order."""

    changed: list[str]
    missing: list[str]
    added: list[str]

    @property
    def none(self) -> bool:
        """Whether everything is as it was."""
        return not (self.changed or self.missing or self.added)


def files_of(folder: Path) -> list[str]:
    """Every file of a result, by name within the folder; not the list itself, locks and half-written ones."""
    names = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith((".", PART)) or part == "__pycache__" for part in name.parts)
        if path.is_file() and not hidden and name.as_posix() != SUMS:
            names.append(name.as_posix())
    return sorted(names)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> Path:
    """Write the list of all files as they are now; call it last."""
    write_text(folder / SUMS, "".join(f"{_sum(folder / name)}  {name}\n" for name in files_of(folder)))
    return folder / SUMS


def compare_sums(folder: Path) -> Differences:
    """Hold every file against the list.

    Raises:
        InputError: there is no list, or it cannot be understood.
    """
    path = folder / SUMS
    if not path.is_file():
        raise InputError(f"holds no {SUMS}; it is not a complete result of recsim", str(folder))
    known: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        value, between, name = line[:64], line[64:66], line[66:]
        if between != "  " or not name or set(value) - set("0123456789abcdef"):
            raise InputError("is not a line of checksum and name; the list is damaged", f"{path}:{number}")
        known[name] = value
    here = set(files_of(folder))
    return Differences(
        [name for name in sorted(known) if name in here and _sum(folder / name) != known[name]],
        sorted(set(known) - here), sorted(here - set(known)),
    )  # fmt: skip
