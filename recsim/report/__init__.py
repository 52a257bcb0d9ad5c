"""What people look at: figures, the terminal table, the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from recsim.audit.evidence import Record
    from recsim.experiment.comparison import Comparison
    from recsim.experiment.result import Result
    from recsim.experiment.sets import Answer


def write(result: Result, record: Record | None = None, plan: Path | None = None) -> None:
    """Write figures, tables by segment, ``audit.json`` and ``report.html`` into the run's folder (if it has one).

    Args:
        result: of a run.
        record: under which plan it was run and how it was stopped; None keeps what the folder says.
        plan: the plan's file.
    """
    if result.folder is None:
        return
    from recsim.audit.evidence import write_evidence
    from recsim.experiment.folder import write_text
    from recsim.experiment.result import DIMENSIONS
    from recsim.experiment.sums import write_sums
    from recsim.report.audit_page import write_report
    from recsim.report.figures import all_figures

    for dimension in DIMENSIONS:
        write_text(result.folder / f"by_{dimension}.csv", result.by(dimension).to_csv(index=False))
    drawn = all_figures(result, result.folder / "figures")
    found = write_evidence(result, record, plan)
    assert found is not None
    write_report(result, drawn, found)
    write_sums(result.folder)


def write_comparison(result: Comparison) -> None:
    """Write figures and ``compare.html`` into the comparison's folder (nothing if it has none)."""
    if result.folder is None:
        return
    from recsim.experiment.sums import write_sums
    from recsim.report.compare_figures import comparison_figures
    from recsim.report.html import write_comparison_page

    write_comparison_page(result, comparison_figures(result, result.folder / "figures"))
    write_sums(result.folder)


def write_answer(result: Answer) -> None:
    """Write the figure and the page of an attribution and the like into its folder (nothing if it has none)."""
    if result.folder is None:
        return
    from recsim.experiment.sums import write_sums
    from recsim.report.answer_figures import answer_figures
    from recsim.report.html import write_answer_page

    write_answer_page(result, answer_figures(result, result.folder / "figures"))
    write_sums(result.folder)
