"""``SHA256SUMS``: a checksum of every file of a result's folder, in the form that ``sha256sum -c SHA256SUMS`` reads."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from recsim.errors import InputError
from recsim.experiment.folder import PART, SUMS, write_text

NOTES = "notes.yaml"
"""The auditor's own words (`recsim.audit.notes`): given from outside, so they may be replaced at any time."""
SHOWN = 5
"""Names of a kind that a line of text holds."""


class Differences(NamedTuple):
    """What in a folder is not as it was written: names with ``/`` between folders, in order."""

    changed: list[str]
    missing: list[str]
    added: list[str]

    @property
    def none(self) -> bool:
        """Whether everything is as it was."""
        return not (self.changed or self.missing or self.added)

    @property
    def text(self) -> str:
        """The same on one line; "" if there is none."""
        kinds = [(f"{kind}:", names) for kind, names in self._asdict().items() if names]
        return "; ".join(
            f"{kind} {', '.join(names[:SHOWN])}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
            for kind, names in kinds
        )


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


def finished(folder: Path | None) -> bool:
    """Whether all that belongs to a result is there: the list is written last, and every file on it is present.

    A result that is nowhere (None) lacks nothing.
    """
    return folder is None or ((folder / SUMS).is_file() and not set(_listed(folder)) - set(files_of(folder)))


@contextlib.contextmanager
def sealed(
    folder: Path, stored: bool, made: Sequence[str], renewed: Sequence[str] = (), replaced: Sequence[str] = ()
) -> Iterator[None]:
    """Around writing the pages of a result: afterwards the list holds all files.

    Whoever writes the page of a stored result again must not vouch for what somebody else changed in it: then files
    are held against the list before, and the list changes for what is written here only.

    Args:
        folder: of the result.
        stored: whether the result lay there before, rather than having just been made.
        made: patterns of names, as of `fnmatch`, of files that are written here from others; they may be changed or
            missing before.
        renewed: names of further files that are written here; they must be as they were before.
        replaced: names of files that are written or deleted here, whatever they were before.

    Raises:
        InputError: a file was changed, is missing or was added since the result was written.
    """
    if not stored or not (folder / SUMS).is_file():
        yield
        write_sums(folder)
        return

    refuse_changed(folder, made, replaced)
    known = _listed(folder)
    yield
    lines = []
    for name in files_of(folder):
        if name in (*renewed, *replaced) or any(fnmatchcase(name, pattern) for pattern in made):
            lines.append(f"{_sum(folder / name)}  {name}\n")
        elif name in known:
            lines.append(f"{known[name]}  {name}\n")
    write_text(folder / SUMS, "".join(lines))


def refuse_changed(folder: Path, made: Sequence[str] = (), replaced: Sequence[str] = ()) -> None:
    """Refuse a folder whose files are not those on its list; one without a list passes.

    Args:
        folder: of a result.
        made: patterns of names of files that may be changed or missing, because they are made from the others.
        replaced: names of files that may be changed, missing or new, because whatever they are does not stay.

    Raises:
        InputError: a file was changed, is missing or was added.
    """
    if not (folder / SUMS).is_file():
        return
    found = Differences(*([name for name in names if name not in replaced] for names in compare_sums(folder)))

    def others(names: list[str]) -> list[str]:
        return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in made)]

    left = Differences(others(found.changed), others(found.missing), found.added)
    if not left.none:
        fix = "put back what was changed, or run the scenario again elsewhere"
        if {*left.changed, *left.missing, *left.added} == {NOTES}:
            fix = f"put it back, or give your words with recsim report {folder} --notes FILE (or --no-notes)"
        raise InputError(f"is not as it was written ({left.text}); {fix}", str(folder))


def compare_sums(folder: Path) -> Differences:
    """Hold every file against the list.

    Raises:
        InputError: there is no list, or it cannot be understood.
    """
    known, here = _listed(folder), set(files_of(folder))
    return Differences(
        [name for name in sorted(known) if name in here and _sum(folder / name) != known[name]],
        sorted(set(known) - here), sorted(here - set(known)),
    )  # fmt: skip


def _listed(folder: Path) -> dict[str, str]:
    """Checksums on the list by name; errors as of `compare_sums`."""
    path = folder / SUMS
    if not path.is_file():
        raise InputError(f"holds no {SUMS}; it is not a complete result of recsim", str(folder))
    known: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        value, between, name = line[:64], line[64:66], line[66:]
        if between != "  " or not name or set(value) - set("0123456789abcdef"):
            raise InputError("is not a line of checksum and name; the list is damaged", f"{path}:{number}")
        known[name] = value
    return known
