"""Tasks whose results are kept in files: a second call does only those that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recsim.cli.progress import progress
from recsim.experiment.executor import run_tasks


def kept(
    function: Callable, tasks: Sequence[tuple], files: Sequence[Path], write: Callable[[Path, Any], Any], workers: int, text: str
) -> None:  # fmt: skip
    """Do the tasks whose files are not there; a file gets its name when it is whole.

    Args:
        function, workers: as of `recsim.experiment.executor.run_tasks`. tasks: arguments, one for each of ``files``, which lie in one
            folder. write: a result into the path that it is given. text: what the tasks are, beside the progress.
    """
    files[0].parent.mkdir(parents=True, exist_ok=True)
    todo = [k for k, file in enumerate(files) if not file.exists()]
    done = len(files) - len(todo)
    with progress(False) as say:
        missing = [tasks[k] for k in todo]
        for number, found in run_tasks(function, missing, workers, lambda d: say(done + d, len(files), text)):
            part = files[todo[number]].with_suffix(".part")
            write(part, found)
            part.rename(files[todo[number]])
