"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from recsim.errors import InputError


def new_file(out: Path) -> Path:
    """The file, if it can be made: nothing that exists is written over.

    Raises:
        InputError: it exists, or its folder does not.
    """
    if out.is_dir():
        raise InputError("is a folder; name a file in it", str(out))
    if out.exists():
        raise InputError("already exists; name another file", str(out))
    if not out.parent.is_dir():
        raise InputError("is no folder; make it first, or name another file", str(out.parent))
    return out
