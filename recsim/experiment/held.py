"""What a folder of results holds, by the file that is written last."""

from __future__ import annotations

from pathlib import Path

from recsim.errors import InputError, nearest

KINDS = {
    "summary": "run", "compare": "comparison", "tradeoff": "trade-off", "attribute": "attribution", "dose": "dose-response",
    "delay": "delay curve", "ensemble": "ensemble", "study": "study", "calibration": "calibration",
}  # fmt: skip
"""Kinds of results by the name, without ``.json``, of the file that marks one as complete."""


def kind_in(folder: Path) -> str | None:
    """Key of `KINDS` of what a folder holds; None if nothing in it is complete."""
    return next((last for last in KINDS if (folder / f"{last}.json").is_file()), None)


def lacking(folder: Path, last: str, what: str, begun: str) -> InputError:
    """The error for a folder without the file that marks a result as complete: what it holds instead, and what to do.

    Args:
        folder: that was named. last: the file that is missing. what: kind of result that was asked for.
        begun: name of the file that is there from the beginning of any result.
    """
    if not folder.is_dir():
        return no_folder(folder)
    other = kind_in(folder)
    if other is not None:
        return InputError(f"holds {a_kind(other)}, and no complete {what} ({last} is missing)", str(folder))
    fix = (
        "the command that began it goes on with --resume"
        if (folder / begun).is_file()
        else "recsim list runs names those in runs/"
    )
    return InputError(f"holds no complete {what} ({last} is missing); {fix}", str(folder))


def no_folder(folder: Path) -> InputError:
    """The error for a folder that is not there."""
    return InputError(f"is no folder{did_you_mean(folder)}", str(folder))


def did_you_mean(folder: Path) -> str:
    """The folder in the same place whose name is nearest, as a question; "" if none is near."""
    there = [p.name for p in folder.parent.iterdir() if p.is_dir()] if folder.parent.is_dir() else []
    near = nearest(folder.name, there)
    return f"; did you mean {folder.with_name(near)}?" if near else ""


def a_kind(last: str) -> str:
    """What a key of `KINDS` stands for, with its article."""
    kind = KINDS[last]
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
