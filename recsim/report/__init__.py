"""What people look at: figures, the terminal table, the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Literal

    from recsim.audit.evidence import Record
    from recsim.audit.notes import Given
    from recsim.errors import InputError
    from recsim.experiment.calibration import CalibrationResult
    from recsim.experiment.comparison import Comparison
    from recsim.experiment.ensemble import Ensemble
    from recsim.experiment.follow import FollowResult
    from recsim.experiment.result import Result
    from recsim.experiment.sets import Answer
    from recsim.experiment.sweep import StudyResult

PAGE = ("report.html", "report.json", "figures/*")
"""Files of an audit report, as patterns."""


def write_report(
    result: Result | Comparison | Answer | FollowResult | Ensemble | StudyResult | CalibrationResult,
    notes: str | Path | Literal[False] | None = None,
) -> None:
    """Write what the command line writes beside the numbers: figures, tables, page and checksums; nothing without a folder.

    Args:
        result: as returned by `recsim.run`, `recsim.compare`, `recsim.attribute` and the like.
        notes: YAML file of the auditor's own words for the report of a run (``recsim init --notes`` writes an example); it is
            copied into the folder, and no number depends on it. None: those that the folder holds, if any. False: none, and
            those that the folder holds are deleted.

    Source: DSA Art. 37(4); Delegated Regulation (EU) 2024/436, Annex I; docs/outputs.md.

    Raises:
        InputError: the notes are not as they should be (one line per problem, with file, line and key), or the result is no run,
            or has no folder, and so no report for them; or a stored result was changed since it was written, or made by an
            earlier version. Nothing is written then.
    """
    from recsim.errors import InputError
    from recsim.experiment.comparison import Comparison
    from recsim.experiment.ensemble import Ensemble
    from recsim.experiment.follow import FollowResult
    from recsim.experiment.result import Result
    from recsim.experiment.sets import Answer
    from recsim.experiment.sweep import StudyResult

    if notes and (result.folder is None or not isinstance(result, Result)):
        kind = "a result that was not stored" if result.folder is None else "this kind of result"
        raise InputError(f"{kind} has no audit report for them; recsim.write_combined puts it beside a run", "notes")
    if result.folder is None:
        return
    if isinstance(result, Result):
        write(result, notes=notes)
    elif isinstance(result, Comparison):
        write_comparison(result)
    elif isinstance(result, Answer):
        write_answer(result)
    elif isinstance(result, FollowResult):
        from recsim.report.follow import write_follow

        write_follow(result)
    elif isinstance(result, Ensemble):
        from recsim.report.ensemble import write_figures

        write_figures(result)
    elif isinstance(result, StudyResult):
        from recsim.report.study import write_study

        write_study(result)
    else:
        from recsim.report.calibration import write_calibration

        write_calibration(result)


def write(
    result: Result, record: Record | None = None, plan: Path | None = None,
    notes: str | Path | Literal[False] | None = None,
) -> None:  # fmt: skip
    """Write figures, tables by segment, ``audit.json`` and ``report.html`` into the run's folder (if it has one).

    Args:
        result: of a run.
        record: under which plan it was run and how it was stopped; None keeps what the folder says.
        plan: the plan's file.
        notes: as of `write_report`.

    Raises:
        InputError: the notes are not as they should be; a stored run was changed since it was written, or made by an earlier
            version. Nothing is written then.
    """
    if result.folder is None:
        return
    from recsim.audit.all_metrics import all_metrics
    from recsim.audit.cells import printable
    from recsim.audit.evidence import evidence, write_evidence
    from recsim.audit.notes import NOTES, chosen_notes, keep_notes
    from recsim.audit.report import content
    from recsim.experiment.folder import write_text
    from recsim.experiment.sums import sealed
    from recsim.ranking import own_code
    from recsim.report.audit_page import write_report
    from recsim.report.earlier import of_this_version
    from recsim.report.figures import all_figures

    platform = result.scenario.platform
    own_code.refuse([platform.policy, *(platform.rerank or [])], result.folder)
    made = [f"by_{dimension}.csv" for dimension in result.dimensions]
    words = chosen_notes(notes, result.folder)
    with sealed(
        result.folder, result.reused, [*made, "metrics.csv", *PAGE], ["audit.json", "manifest.json", "plan.yaml"],
        [] if notes is None else [NOTES],
    ):  # fmt: skip
        if result.reused:
            with of_this_version(result.folder):
                content(result, evidence(result, record))
        for dimension, name in zip(result.dimensions, made, strict=True):
            write_text(result.folder / name, printable(result, dimension).to_csv(index=False))
        write_text(result.folder / "metrics.csv", all_metrics(result).to_csv(index=False))
        drawn = all_figures(result, result.folder / "figures")
        found = write_evidence(result, record, plan)
        assert found is not None
        keep_notes(words, result.folder)
        write_report(result, drawn, found, notes=words)


def write_combined(
    result: Result, others: Sequence[str | Path], out: str | Path, notes: str | Path | Literal[False] | None = None
) -> None:
    """Write one report about a stored run and other results, with its figures, into a folder of its own.

    Args:
        result: the run that the report is about, stored in a folder (`recsim.load_result`).
        others: folders of further runs, and of one comparison, trade-off, attribution, dose-response, delay, ensemble, study and
            calibration each; files of evidence: the JSON of ``recsim check`` and of ``recsim show --measure``.
        out: an empty or new folder.
        notes: YAML file of the auditor's own words, copied into ``out``; None: those that the folder of ``result`` holds, if
            any; False: none.

    Raises:
        InputError: ``result`` is no run or lies in no folder, the notes are not as they should be, a folder or file cannot stand
            beside it, was changed since it was written or made by an earlier version, or ``out`` is not free. Nothing is
            written then.
    """
    import shutil
    import tempfile
    from pathlib import Path

    from recsim.audit.notes import chosen_notes
    from recsim.errors import InputError
    from recsim.experiment.folder import plain_errors
    from recsim.experiment.result import Result
    from recsim.experiment.sums import write_sums
    from recsim.report.earlier import lacks

    if not isinstance(result, Result) or result.folder is None:
        text = "is no stored run; the report is about a run in a folder (recsim.run, or recsim.load_result of one)"
        raise InputError(text, "result")
    folders, place = [Path(one) for one in others], Path(out)
    words = chosen_notes(notes, result.folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError("is not empty; choose an empty or new folder with --out", str(place))
    with plain_errors(place), tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        try:
            _combine(result, folders, made, words)
        except Exception as error:
            if not lacks(error):
                raise
            raise _of_one(result, folders, words, error) from error
        place.mkdir(parents=True, exist_ok=True)
        for part in made.iterdir():
            shutil.move(part, place / part.name)
        write_sums(place)


def _combine(result: Result, others: Sequence[Path], made: Path, words: Given | None) -> None:
    from recsim.audit.combine import gather, stored_audit
    from recsim.audit.notes import keep_notes
    from recsim.audit.pack import FOLDER
    from recsim.experiment.folder import write_bytes
    from recsim.report.audit_page import write_report
    from recsim.report.beside import parts
    from recsim.report.figures import all_figures

    beside = gather(result, others)
    drawn, others_drawn = all_figures(result, made / "figures"), parts(beside, made / "figures")
    keep_notes(words, made)
    write_report(result, drawn, stored_audit(result), beside, made, others_drawn, words)
    for one in beside.pack:
        (made / FOLDER).mkdir(exist_ok=True)
        write_bytes(made / FOLDER / one.name, one.raw)


def _of_one(result: Result, others: Sequence[Path], words: Given | None, error: Exception) -> InputError:
    """Which of several results is the one that lacks something: the run itself, or the first with which it fails alone."""
    import tempfile
    from pathlib import Path

    from recsim.report.earlier import lacks, refused

    for folder in (None, *others):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                _combine(result, [] if folder is None else [folder], Path(scratch), words)
            except Exception as its:
                if lacks(its):
                    return refused(its, folder or result.folder)
    return refused(error, result.folder)


def write_comparison(result: Comparison) -> None:
    """Write figures and ``compare.html`` into the comparison's folder (nothing if it has none)."""
    if result.folder is None:
        return
    from recsim.experiment.sums import sealed
    from recsim.report.compare_figures import comparison_figures
    from recsim.report.html import write_comparison_page

    with sealed(result.folder, result.reused, ["compare.html", "figures/*"]):
        write_comparison_page(result, comparison_figures(result, result.folder / "figures"))


def write_answer(result: Answer, record: Record | None = None) -> None:
    """Write the figure, ``audit.json`` and the page of an attribution and the like into its folder (nothing if it has none).

    Args:
        result: of `recsim.attribute` and the like.
        record: under which plan it was asked; None keeps what the folder says.
    """
    if result.folder is None:
        return
    from recsim.audit.question_plan import write_record
    from recsim.experiment.sums import sealed
    from recsim.report.answer_figures import answer_figures
    from recsim.report.html import write_answer_page

    renewed = ["audit.json", "manifest.json", "plan.yaml"]
    with sealed(result.folder, result.reused, [f"{result.summary['command']}.html", "figures/*"], renewed):
        audit = write_record(result, record)
        write_answer_page(result, answer_figures(result, result.folder / "figures"), audit)
