"""Files that commands write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsim.errors import InputError


def new_file(out: Path, kinds: Sequence[str] = ()) -> Path:
    """The file, if it can be made: nothing that exists is written over.

    Args:
        out: the file. kinds: allowed endings of its name; none: all.

    Raises:
        InputError: it exists, or its folder does not, or it is of another kind.
    """
    if out.is_dir():
        raise InputError("is a folder; name a file in it", str(out))
    if out.exists():
        raise InputError("already exists; name another file", str(out))
    if not out.parent.is_dir():
        raise InputError("is no folder; make it first, or name another file", str(out.parent))
    if kinds and out.suffix not in kinds:
        raise InputError(f"got a file of kind {out.suffix or 'none'!r}; allowed: {', '.join(kinds)}", "--out")
    return out
