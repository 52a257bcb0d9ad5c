"""A study that was checked: its cells, their scenarios, how long they take, and what is missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recsim.errors import InputError
from recsim.experiment.cells import CellCache, Marks, bare
from recsim.experiment.design import Cell, cells_of, work_order
from recsim.experiment.executor import default_workers
from recsim.experiment.run import configured, estimate, expected_work
from recsim.experiment.sets import chosen_candidate
from recsim.experiment.study import Study, check_names, read_study, with_settings
from recsim.experiment.tasks import Simulate
from recsim.scenario.schema import Scenario

COMPILE_S = 15.0
NO_WORLD = ("audit", "opinion", "targets", "name", "title")
"""Blocks of a scenario that no world hangs on."""


@dataclasses.dataclass(frozen=True)
class Design:
    """A study that was checked: its cells, their scenarios, and the names under which they are kept.

    Attributes:
        study, scenario: what is varied, of what; the scenario has what the study sets.
        candidate: whose shift is reported.
        cells: in order of their number.
        scenarios, marks: of the cells.
    """

    study: Study
    scenario: Scenario
    candidate: str
    cells: list[Cell]
    scenarios: list[Scenario]
    marks: list[str]

    @property
    def replicates(self) -> int:
        """Of every cell."""
        return self.scenario.run.replicates

    def missing(self, cache: CellCache) -> Iterator[tuple[int, int]]:
        """Cell and replicate of what is not kept yet, in the order of the work; equal cells are named once."""
        for replicate in range(self.replicates):
            seen: set[str] = set()
            for number in work_order(self.cells):
                mark = self.marks[number]
                if mark not in seen and not cache.has(replicate, mark):
                    yield number, replicate
                seen.add(mark)

    def expected(self, cache: CellCache, workers: int | None = None) -> dict[str, float]:
        """Expected seconds and mebibytes of what is not kept yet, compiling included; within about a factor of two."""
        each: dict[int, float] = {}
        seconds = tasks = 0.0
        for number, _ in self.missing(cache):
            if number not in each:
                each[number] = expected_work(self.scenarios[number]) / self.replicates
            seconds, tasks = seconds + each[number], tasks + 1
        cores = max(1, workers or default_workers())
        largest = max(self.scenarios, key=lambda s: s.population.scale * s.content.items_per_day)
        run = largest.run.model_copy(update={"replicates": cores})  # as many worlds at once as there are workers
        memory = estimate(largest.model_copy(update={"run": run}), cores)["mebibytes"]
        return {"seconds": seconds / cores + (COMPILE_S if tasks else 0.0), "mebibytes": memory, "tasks": tasks}


def design(
    study: Study,
    scenario: Scenario,
    where: str,
    lines: Mapping[tuple, int | str] | None = None,
    simulate: Simulate | None = None,
) -> Design:
    """All cells of a study, each validated before the first is simulated.

    Args:
        study: what is varied.
        scenario: with what the study sets.
        where: file, for errors. lines: of its entries.
        simulate: another engine, or None.

    Raises:
        InputError: an unknown key, named with the axis; a value that is not allowed, named with the cell.
    """
    check_names(study, where)
    try:
        candidate = chosen_candidate(scenario, study.candidate)
    except InputError as error:
        raise InputError(error.message, f"{where} candidate") from None
    marks = Marks(study.fixed_parameters, simulate)
    source = f"study {study.name}"
    cells = cells_of(study)
    spots = {key: f"{where}:{lines.get(('set', key), 1)} set {key}" for key in study.set if lines}
    for number, axis in enumerate(study.axes):
        keys = axis.sets[str(cells[0].values[axis.column])] if axis.sets else [axis.key]
        line = (lines or {}).get(("axes", number))
        spot = f"{where}{f':{line}' if line else ''} axes.{axis.column}"
        for key in sorted({key for one in axis.sets.values() for key in one}) if axis.sets else [axis.key]:
            spots[key] = spot
            if key.partition(".")[0] in NO_WORLD or key == "run.replicates":
                raise InputError(
                    f"{key} changes no world, so all its values would give the same; put it under set", spot
                )
        try:
            marks.digest(bare(with_settings(scenario, {k: cells[0].settings[k] for k in keys}, spot, source)))
        except InputError as error:
            text = str(error)
            if (
                "got unknown" in text or "a mapping" in text
            ):  # other problems another axis may solve; the cells will tell
                raise InputError(text if text.startswith(spot) else f"{spot}: {text}") from None
    scenarios, names = [], []
    for cell in cells:
        spot = f"{where}: {cell.name}"
        try:
            made = bare(with_settings(scenario, cell.settings, spot, source))
            names.append(marks.mark(made))
        except InputError as error:
            if error.where in spots:
                which = "" if error.where in study.set else f", in {cell.name}"
                raise InputError(error.message + which, spots[error.where]) from None
            text = str(error)
            raise InputError(text if text.startswith(spot) else f"{spot}: {text}") from None
        if {c.id for c in made.candidates} != {c.id for c in scenario.candidates}:
            raise InputError("got other candidates than the scenario's; they must stay the same", spot)
        scenarios.append(made)
    return Design(study, scenario, candidate, cells, scenarios, names)


def read_design(path: str | Path, replicates: int | None = None, overrides: Mapping[str, Any] | None = None) -> Design:
    """The design of a study's file.

    Args:
        path: YAML file.
        replicates: override the study's.
        overrides: further values by dotted key, in all cells.

    Raises:
        InputError: one line per problem.
    """
    study, scenario, lines = read_study(path)
    if overrides:
        scenario = with_settings(scenario, overrides, "--set", "set on the command line")
    wanted = study.replicates if replicates is None else replicates
    return design(study, configured(scenario, wanted, None, None), str(path), lines)
