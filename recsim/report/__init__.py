"""What people look at: figures, the terminal table, the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    from recsim.audit.all_metrics import all_metrics
    from recsim.audit.cells import printable
    from recsim.audit.evidence import write_evidence
    from recsim.experiment.folder import write_text
    from recsim.experiment.result import DIMENSIONS
    from recsim.experiment.sums import write_sums
    from recsim.report.audit_page import write_report
    from recsim.report.figures import all_figures

    for dimension in DIMENSIONS:
        write_text(result.folder / f"by_{dimension}.csv", printable(result, dimension).to_csv(index=False))
    write_text(result.folder / "metrics.csv", all_metrics(result).to_csv(index=False))
    drawn = all_figures(result, result.folder / "figures")
    found = write_evidence(result, record, plan)
    assert found is not None
    write_report(result, drawn, found)
    write_sums(result.folder)


def write_combined(result: Result, others: Sequence[Path], out: Path) -> None:
    """Write one report about a stored run and other results, with its figures, into a folder of its own.

    Args:
        result: the run that the report is about.
        others: folders of further runs, of one trade-off, of one ensemble.
        out: an empty or new folder.

    Raises:
        InputError: a folder cannot stand beside the run, or ``out`` is not free.
    """
    from recsim.audit.combine import gather, stored_audit
    from recsim.errors import InputError
    from recsim.experiment.folder import plain_errors
    from recsim.experiment.sums import write_sums
    from recsim.report.audit_page import write_report
    from recsim.report.figures import all_figures

    beside = gather(result, others)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("is not empty; choose an empty or new folder with --out", str(out))
    with plain_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        write_report(result, all_figures(result, out / "figures"), stored_audit(result), beside, out)
        write_sums(out)


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
