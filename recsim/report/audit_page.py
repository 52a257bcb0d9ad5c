"""``report.json`` and ``report.html`` of a run: the same content, for machines and for people, each one file by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recsim.audit.combine import Gathered
from recsim.audit.notes import Given
from recsim.audit.report import NOTHING, SECTIONS, content
from recsim.experiment.contrasts import COSTS
from recsim.experiment.folder import write_text
from recsim.experiment.result import Result
from recsim.experiment.tradeoff import COSTS as MITIGATION_COSTS
from recsim.report.beside import Part
from recsim.report.figure_data import data_of
from recsim.report.html import link, opinion_block, render

ORDER = (
    "summary", "general", "independence", "risk_statement", "risk_analysis", "criteria", "plan", "results", "figures", "mitigation",
    "methods", "sampling", "recommender_cards", "assurance", "validity", "claims", "notes", "recommendations", "assumed", "data", "evidence",
)  # fmt: skip
"""Sections of the page, in order; each of `SECTIONS`, the figures, and the table of assumptions."""


def write_report(
    result: Result, figures: list[tuple[str, Path, str]], audit: dict[str, Any], beside: Gathered = NOTHING,
    out: Path | None = None, parts: Sequence[Part] = (), notes: Given | None = None,
) -> Path:  # fmt: skip
    """Write both files.

    Args:
        result: a stored run.
        figures: name, SVG file and caption, in order.
        audit: content of ``audit.json``.
        beside: other results that the report is also about.
        out: folder; default the run's own.
        parts: figures and words of those results, as of `recsim.report.beside.parts`.
        notes: the auditor's own words.
    """
    folder = out or result.folder
    assert folder is not None and set(ORDER) == {*SECTIONS, "figures", "assumed"}
    found = content(result, audit, beside, notes)
    write_text(folder / "report.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    sections = list(ORDER)
    if found["results"]["comparison"]:
        sections.insert(sections.index("results") + 1, "comparison")
    about = [part for part in parts if part.about_assumptions]
    asked = [part for part in parts if part.tables and part not in about]
    if asked:
        sections.insert(sections.index("figures") + 1, "answers")
    rows = sorted(result.summary["candidates"], key=lambda r: -(r["share_factual"] or 0))
    return render(
        "report.html.j2", folder / "report.html", result.scenario, [*figures, *(one for part in parts for one in part.drawn)],
        c=found, rows=rows, sections=sections, opinion=opinion_block(result), costs=COSTS, mitigation_costs=MITIGATION_COSTS,
        downloads={name: link(data_of(result, name)) for name, _, _ in figures} | {k: v for part in parts for k, v in part.downloads.items()},
        answers=asked, about_assumptions=about, placed={part.section: [name for name, _, _ in part.drawn] for part in parts},
    )  # fmt: skip
