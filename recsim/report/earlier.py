"""Stored results of an earlier recsim, which lack what today's reports need: refused in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from recsim.errors import InputError


def lacks(error: Exception) -> bool:
    """Whether an error says that a result has no entry of some name."""
    from jinja2 import UndefinedError

    return isinstance(error, KeyError | UndefinedError)


def refused(error: Exception, folder: Path | None) -> InputError:
    """The error for a result that lacks something."""
    text = f"was made by an earlier version of recsim (it lacks {error}); run it again into another folder"
    return InputError(text, None if folder is None else str(folder))


@contextlib.contextmanager
def of_this_version(folder: Path | None) -> Iterator[None]:
    """Turn the lack of an entry into one line that says so.

    Raises:
        InputError: something is lacking.
    """
    try:
        yield
    except Exception as error:
        if not lacks(error):
            raise
        raise refused(error, folder) from error
