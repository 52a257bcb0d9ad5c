"""What people look at: figures, the terminal table, the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsim.experiment.result import Result


def write(result: Result) -> None:
    """Write figures and ``report.html`` into the run's folder (nothing if the result has none)."""
    if result.folder is None:
        return
    from recsim.report.figures import all_figures
    from recsim.report.html import write_page

    drawn = all_figures(result, result.folder / "figures")
    write_page(result, drawn)
