"""What other results put into a combined report: their figures, and of answers to single questions their words and tables."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from recsim.audit.combine import VALIDITY, Gathered
from recsim.audit.provenance import name_of
from recsim.experiment.calibration import CalibrationResult
from recsim.experiment.comparison import Comparison
from recsim.experiment.sets import Answer
from recsim.experiment.sweep import StudyResult
from recsim.report import calibration, study
from recsim.report.answer_figures import answer_figures
from recsim.report.answer_words import TITLES, limits, sentences, tables
from recsim.report.calibration_figures import calibration_figures
from recsim.report.compare_figures import comparison_figures
from recsim.report.html import answer_link, comparison_link
from recsim.report.strings import counted, size_of
from recsim.report.study_figures import study_figures
from recsim.report.words import Table

Drawn = list[tuple[str, Path, str]]
COMPARED = "compared_"
"""Before the names of a comparison's figures, some of which a run's have, too."""


class Part(NamedTuple):
    """One other result.

    Attributes:
        section: where its figures stand: "comparison", "mitigation" or, for the other answers, the command; "study" and
            "calibration", under validity.
        folder: name of its folder.
        drawn: name, SVG file and caption of each figure.
        downloads: addresses of their data, by name.
        title, sentences, tables, limits: an answer in words; empty of others.
        size: what a study or a calibration simulated.
    """

    section: str
    folder: str
    drawn: Drawn
    downloads: dict[str, str]
    title: str = ""
    sentences: list[str] = []
    tables: list[Table] = []
    limits: str = ""
    size: str = ""

    @property
    def about_assumptions(self) -> bool:
        """Whether it stands under validity."""
        return self.section in VALIDITY


def parts(beside: Gathered, folder: Path) -> list[Part]:
    """Draw and word what stands beside the run; runs and the ensemble, which are tables only, are not among it.

    Args:
        beside: what was gathered.
        folder: for the figures.
    """
    found = [_answer(one, folder) for one, _ in beside.answers]
    about = [
        _study(one, folder) if isinstance(one, StudyResult) else _calibration(one, folder) for one in beside.loaded
    ]
    return [*([] if beside.compared is None else [_comparison(beside.compared, folder)]), *found, *about]


def _study(one: StudyResult, folder: Path) -> Part:
    s = one.summary
    drawn, size = study_figures(one, folder, "study_"), f"{counted(s['cells'], 'cell')} x {size_of(s)}"
    title = f"Sensitivity: study {s['study']}"
    return Part(
        "study", name_of(one.folder), drawn, {}, title, study.sentences(one), study.tables(one), study.LIMITS, size
    )


def _calibration(one: CalibrationResult, folder: Path) -> Part:
    s = one.summary
    drawn, size = calibration_figures(one, folder, "calibration_"), counted(s["worlds"], "world")
    words = calibration.sentences(one), calibration.tables(one), calibration.LIMITS
    return Part("calibration", name_of(one.folder), drawn, {}, f"Calibration {s['calibration']}", *words, size)


def _comparison(one: Comparison, folder: Path) -> Part:
    assert one.folder is not None
    drawn = comparison_figures(one, folder, COMPARED)
    data = {name: comparison_link(one, name.removeprefix(COMPARED)) for name, _, _ in drawn}
    return Part("comparison", name_of(one.folder), drawn, data)


def _answer(one: Answer, folder: Path) -> Part:
    assert one.folder is not None
    command, drawn = one.summary["command"], answer_figures(one, folder)
    data = {name: answer_link(one, name) for name, _, _ in drawn}
    if command == "tradeoff":  # whose tables stand under mitigation already
        return Part("mitigation", name_of(one.folder), drawn, data)
    return Part(command, name_of(one.folder), drawn, data, TITLES[command], sentences(one), tables(one), limits(one))
