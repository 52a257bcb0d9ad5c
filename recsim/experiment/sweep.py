"""Sweeps: every cell of a study in the same worlds, each computed once for all studies, in an order that is soon useful."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from recsim.errors import InputError
from recsim.experiment.cells import CellCache, rows_of
from recsim.experiment.design import of_text, work_order
from recsim.experiment.files import write_last
from recsim.experiment.folder import RunFolder, plain_errors, read_csv, readable, verified, write_text
from recsim.experiment.parts import Parts, load_study
from recsim.experiment.run import configured, expected_work, source_digest
from recsim.experiment.sensitivity import indices
from recsim.experiment.study import Study, dump_study, made_study, read_study
from recsim.experiment.study_plan import Design, design, read_design
from recsim.experiment.study_summary import (
    LISTED,
    axis_rows,
    cell_table,
    effect_table,
    plausible,
    undefined_replicates,
    values_of,
    variance,
)
from recsim.experiment.summary import ENOUGH, cleaned, covered, removed_campaigns
from recsim.experiment.tasks import Progress, Session, Simulate, Task, about_another, compiling, folder_path
from recsim.metrics import defined_mean
from recsim.scenario import dump_yaml, quantities
from recsim.scenario import load as load_scenario
from recsim.scenario.schema import Scenario

LAST = "study.json"
CELLS = Path("runs") / "cells"
"""Where finished cells are kept for all studies."""
TABLES = ("cells", "effects")


@dataclasses.dataclass
class StudyResult:
    """What a sweep leaves behind.

    Attributes:
        study: what was varied.
        scenario: from which all cells start.
        summary: the content of study.json.
        cells: one row per cell: values of the axes, mean shift with interval, shares, verdict.
        effects: one row per axis and value.
        folder: where it lies.
        notes: what happened on the way, one line each.
        reused: whether the stored result of an earlier call was returned.
    """

    study: Study
    scenario: Scenario
    summary: dict[str, Any]
    cells: pd.DataFrame
    effects: pd.DataFrame
    folder: Path
    notes: list[str] = dataclasses.field(default_factory=list)
    reused: bool = False

    def dataset(self) -> ds.Dataset:
        """Every cell, replicate, luck branch and candidate, read only when asked; see `recsim.load_study`."""
        return load_study(self.folder)

    @classmethod
    def load(cls, folder: str | Path) -> StudyResult:
        """A stored study.

        Raises:
            InputError: the folder holds no complete one, or a file is missing or was changed.
        """
        folder = Path(folder)
        with readable(folder, "study"):
            summary, _ = verified(folder, LAST, "study")
            study = read_study(folder / "study.yaml")[0]
            named = [axis.column for axis in study.axes if of_text(axis)]
            # The values of all axes share one column: with a name among them it is text.
            texts = {"cells": named, "effects": ["axis", *(["value"] if named else [])]}
            frames = [read_csv(folder / f"{name}.csv", texts[name]) for name in TABLES]
        return cls(study, load_scenario(folder / "scenario.yaml"), summary, frames[0], frames[1], folder, reused=True)


def sweep(
    study: str | Path | Scenario, axes: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None, *,
    replicates: int | None = None, seed: int | None = None, out: str | Path | None = None,
    cells: str | Path | None = None, workers: int | None = None, threads: int | None = None, force: bool = False,
    progress: Progress | None = None, simulate: Simulate | None = None, cluster: Any = None, **more: Any,
) -> StudyResult:  # fmt: skip
    """Simulate every cell of a study in the same worlds, as far as it is not kept already.

    Args:
        study: a study's YAML file; or a scenario from `recsim.load`, to be varied along ``axes``.
        axes: by dotted key a list of values, or a mapping of the fields of an axis: values, range, n, scale, whole.
        replicates: of every cell; override the study's.
        seed: of all draws; overrides the scenario's.
        out: directory itself; default ``runs/sweep-<name>-<fingerprint>``. A study that was stopped goes on there.
        cells: where finished cells are kept for all studies; default ``runs/cells``.
        workers, threads, progress, simulate, cluster: as in `recsim.run`.
        force: put the study together again in a new folder; cells that are kept are not computed again.
        more: further fields of a study, such as ``name``, ``sample`` and ``set``.

    Returns:
        A `StudyResult`: tables by cell and by axis with 95 % intervals, ``summary``, and ``dataset()`` with one row per cell,
        replicate, luck branch and candidate. Source of samples and indices: docs/studies.md.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died again and again, or the disk is full; finished cells are kept.
    """
    if isinstance(study, Scenario):
        if axes is None:
            raise InputError("needs axes: {dotted key: values}", "sweep")
        made, scenario = made_study(study, axes, **more)
        found = design(
            made,
            configured(scenario, made.replicates if replicates is None else replicates, seed, None),
            "sweep",
            None,
            simulate,
        )
    else:
        if axes is not None or more or seed is not None:
            raise InputError("got a file and axes or other fields; write them into the file", "sweep")
        found = read_design(study, replicates)
        if simulate is not None:
            found = design(found.study, found.scenario, str(study), None, simulate)
    session = Session(simulate, found.study.fixed_parameters, workers, threads, progress, cluster)
    return simulate_study(found, session, out, cells, force)


def simulate_study(
    plan: Design, session: Session, out: str | Path | None = None, cells: str | Path | None = None, force: bool = False
) -> StudyResult:
    """Do what is not kept yet and put the study together; arguments and errors as of `sweep`."""
    cache = CellCache(Path(cells) if cells is not None else CELLS)
    mark = _fingerprint(plan)
    folder = RunFolder(folder_path(f"sweep-{plan.study.name}", mark, out, force), mark, LAST)
    folder.inspect()
    found = session.stored(folder, StudyResult.load, plan.replicates, "study", lambda found: _otherwise(plan, found))
    if found is not None:
        return found
    plan = dataclasses.replace(plan, scenario=session.with_all(plan.scenario))
    with folder.lock(), compiling(session.simulate, plan.scenarios[0]) as session.compiled:
        folder.claim(resume=True)
        return _Work(plan, session, cache, folder, mark).finish()


def _otherwise(plan: Design, found: StudyResult) -> str:
    """What about a stored study is not what is asked though its cells are the same, in a note; "" if nothing."""
    for name, wanted in (("threshold_pp", plan.scenario.audit.threshold_pp.value), ("title", plan.study.title)):
        if found.summary[name] != wanted:
            return f"the stored study in {found.folder} has another {name.removesuffix('_pp')}; its files are written again"
    return about_another(plan.candidate)(found)


def _fingerprint(plan: Design) -> str:
    """What decides the numbers and their labels; not the number of replicates or the candidate looked at."""
    rows = [[cell.values, mark] for cell, mark in zip(plan.cells, plan.marks, strict=True)]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


@dataclasses.dataclass
class _Work:
    """One sweep: what is wanted and how to get it."""

    plan: Design
    session: Session
    cache: CellCache
    folder: RunFolder
    mark: str

    def finish(self) -> StudyResult:
        """Simulate, write parts as they fill, summarise, write the rest."""
        plan, path = self.plan, self.folder.path
        for name in ("study.yaml", "scenario.yaml"):  # first, so that a stopped study can be read and continued
            with plain_errors(path):
                write_text(path / name, self._texts()[name])
        order = work_order(plan.cells)
        parts = Parts(path, plan.cells, order)
        try:
            self._simulate(parts, order)
        finally:
            parts.flush()
        result = self._summarised(path)
        with plain_errors(path):
            self._write(result)
        return result

    def _simulate(self, parts: Parts, order: list[int]) -> None:
        plan, session = self.plan, self.session
        same: dict[str, list[int]] = {}
        for number in order:
            same.setdefault(plan.marks[number], []).append(number)
        todo, taken = [], 0
        for replicate in range(plan.replicates):
            whole = {b for b in {parts.block_of(n) for n in order} if parts.complete(replicate, b)}
            for mark, numbers in same.items():
                waiting = [n for n in numbers if parts.block_of(n) not in whole]
                if not waiting:
                    taken += 1
                    continue
                found = self.cache.fetch(replicate, mark)
                if found is None:
                    if self.cache.has(replicate, mark):
                        session.notes.append(
                            f"{plan.cells[numbers[0]].name}, replicate {replicate} was damaged and is computed again"
                        )
                    todo.append(self._task(numbers[0], replicate))
                    continue
                taken += 1
                for number in waiting:
                    parts.add(number, replicate, found[0]["cell"])
        if taken:
            session.notes.append(f"{taken} of {taken + len(todo)} finished cells and replicates taken over")
        seconds = sum(task.weight for task in todo)
        total = seconds + sum(expected_work(plan.scenarios[0]) / plan.replicates for _ in range(taken))
        with contextlib.closing(session.do(todo, total, seconds, self.cache)) as results:
            for task, (frames, _) in results:
                for number in same[task.kind]:
                    parts.add(number, task.number, frames["cell"])

    def _task(self, number: int, replicate: int) -> Task:
        plan = self.plan
        scenario = plan.scenarios[number]
        return Task(
            plan.marks[number], replicate, scenario, replicate, weight=expected_work(scenario) / plan.replicates,
            text=f"replicate {replicate + 1} of {plan.replicates}", reduce=rows_of,
            name=f"{plan.cells[number].name}, replicate {replicate}",
        )  # fmt: skip

    def _summarised(self, path: Path) -> StudyResult:
        plan, session, data = self.plan, self.session, load_study(path)
        replicates, count = plan.replicates, len(plan.cells)
        shift, with_them, without = (
            values_of(data, plan.candidate, count, replicates, name)
            for name in ("shift_pp", "share_factual", "share_counterfactual")
        )
        threshold = plan.scenario.audit.threshold_pp.value
        cells = cell_table(plan.cells, shift, with_them, without, threshold)
        effects = effect_table(plan.study, plan.cells, shift)
        known = cells[cells["shift_pp"].notna()]
        scenario, unknown = plan.scenario, undefined_replicates(shift)
        removed = removed_campaigns(scenario)
        lowest, highest = (
            known.loc[getattr(known["shift_pp"], which)()] if len(known) else None for which in ("idxmin", "idxmax")
        )
        columns = [axis.column for axis in plan.study.axes]
        units = {row["key"]: row["description"] for row in quantities(scenario)}
        summary = {
            "command": "sweep", "study": plan.study.name, "title": plan.study.title, "scenario": scenario.name,
            "fingerprint": self.mark, "policy": scenario.platform.policy, "candidate": plan.candidate,
            "replicates": replicates, "seed": scenario.run.seed, "sample_seed": plan.study.seed,
            "people": max(1, round(scenario.population.people.value * scenario.population.scale)),
            "people_real": scenario.population.people.value, "luck_branches": scenario.run.luck_branches,
            "removed": [{"id": c.id, "beneficiary": c.beneficiary, "instead": c.counterfactual} for c in removed],
            "interval_covers": covered(scenario, plan.study.fixed_parameters, "luck and declared ranges that are not varied"),
            "exploratory": replicates - unknown < ENOUGH, "undefined_replicates": unknown, "threshold_pp": threshold, "cells": count, "rows": data.count_rows(),
            "axes": axis_rows(plan.study, units),
            "sample": plan.study.sample.model_dump() if plan.study.sample else None,
            "lowest": _extreme(lowest, columns), "highest": _extreme(highest, columns),
            "median_shift_pp": float(known["shift_pp"].median()) if len(known) else None,
            "undefined": int(np.isnan(shift).sum()), "sensitivity": indices(plan.study, defined_mean(shift, axis=1)), "plausible": plausible(cells, threshold), "variance": variance(shift),
            "by_cell": cells.to_dict("records") if count <= LISTED else None,
            "timing": session.timing(session.simulated),
        }  # fmt: skip
        return StudyResult(plan.study, scenario, cleaned(summary), cells, effects, path, session.notes)

    def _texts(self) -> dict[str, str]:
        return {"study.yaml": dump_study(self.plan.study), "scenario.yaml": dump_yaml(self.plan.scenario)}

    def _write(self, result: StudyResult) -> None:
        """Everything but figures and the page; study.json last, since it marks the study as complete."""
        path = self.folder.path
        texts = {
            **self._texts(),
            "cells.csv": result.cells.to_csv(index=False),
            "effects.csv": result.effects.to_csv(index=False),
        }
        sums = {name: write_text(path / name, text) for name, text in texts.items()}
        more = {"tables": list(TABLES), "marks": self.plan.marks, "cells_folder": str(self.cache.path)}
        policies = sorted({s.platform.policy for s in self.plan.scenarios})
        fixed = self.session.fixed
        write_last(path, LAST, result.summary, source_digest(), fixed, more, sums, policies)


def _extreme(row: pd.Series | None, columns: list[str]) -> dict[str, Any] | None:
    if row is None:
        return None
    values = {name: v if isinstance(v := row[name], str) else float(v) for name in columns}
    return {"cell": int(row["cell"]), **{k: row[k] for k in ("shift_pp", "ci_low", "ci_high")}, "values": values}
