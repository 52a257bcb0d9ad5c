"""Calibration: simulate what history matching and sampling ask for, keep every world, write particles and ensemble."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from recsim.errors import InputError
from recsim.experiment import inference, observables
from recsim.experiment.calibration_file import Calibration, Target, read_calibration
from recsim.experiment.cells import CellCache, Marks, bare
from recsim.experiment.executor import default_workers
from recsim.experiment.files import write_last
from recsim.experiment.folder import RunFolder, plain_errors, read_csv, readable, verified, write_text
from recsim.experiment.run import configured, estimate, expected_work, source_digest
from recsim.experiment.summary import cleaned
from recsim.experiment.tasks import Progress, Session, Simulate, Task, compiling, folder_path
from recsim.scenario import dump_yaml
from recsim.scenario import load as load_scenario
from recsim.scenario.problems import Lines
from recsim.scenario.schema import Scenario

LAST = "calibration.json"
WORLDS = Path("runs") / "calibration-worlds"
"""Where simulated worlds are kept for all calibrations."""
TABLES = ("simulations", "particles")
SAME = 0.9
"""A parameter whose posterior is at least this part as wide as its prior is called not identified, however many particles."""


@dataclasses.dataclass
class CalibrationResult:
    """What a calibration leaves behind.

    Attributes:
        calibration, scenario: what was asked.
        summary: the content of calibration.json.
        simulations: one row per world: stage, number, parameters, figures, distance.
        particles: the last generation: number, parameters, figures, weight.
        folder: where it lies, with ``ensemble.yaml``.
        notes: what happened on the way, one line each.
        reused: whether the stored result of an earlier call was returned.
    """

    calibration: Calibration
    scenario: Scenario
    summary: dict[str, Any]
    simulations: pd.DataFrame
    particles: pd.DataFrame
    folder: Path
    notes: list[str] = dataclasses.field(default_factory=list)
    reused: bool = False

    @classmethod
    def load(cls, folder: str | Path) -> CalibrationResult:
        """A stored calibration.

        Raises:
            InputError: the folder holds no complete one, or a file is missing or was changed.
        """
        folder = Path(folder)
        with readable(folder, "calibration"):
            summary, _ = verified(folder, LAST, "calibration")
            simulations, particles = (read_csv(folder / f"{name}.csv", ["stage"]) for name in TABLES)
            found = read_calibration(folder / "calibration.yaml")[0]
        return cls(found, load_scenario(folder / "scenario.yaml"), summary, simulations, particles, folder, reused=True)


def particles_of(simulations: pd.DataFrame, generations: list[inference.Generation]) -> pd.DataFrame:
    """The worlds of the last generation with their weights; one that was simulated after it and broke off has none."""
    if not generations:
        return simulations.iloc[:0].assign(weight=[])
    last = simulations[simulations["stage"] == f"generation {len(generations)}"]
    return last.assign(weight=generations[-1].weight).reset_index(drop=True)


def expected(calibration: Calibration, scenario: Scenario, workers: int | None = None) -> dict[str, float]:
    """Expected seconds and mebibytes of the whole, within about a factor of two."""
    cores = max(1, workers or default_workers())
    run = scenario.run.model_copy(update={"replicates": cores})
    small = bare(scenario.model_copy(update={"run": run}))
    each = expected_work(small) / cores
    memory = estimate(small, cores)["mebibytes"]
    return {"seconds": calibration.method.simulations * each / cores + 15.0, "mebibytes": memory}


def calibrate(
    path: str | Path, *, out: str | Path | None = None, worlds: str | Path | None = None, workers: int | None = None,
    threads: int | None = None, force: bool = False, progress: Progress | None = None, simulate: Simulate | None = None,
    cluster: Any = None,
) -> CalibrationResult:  # fmt: skip
    """Find the parameters that explain observed figures, each world simulated once and kept.

    Args:
        path: calibration file (YAML); docs/calibration.md.
        out: directory itself; default ``runs/calibration-<name>-<fingerprint>``. One that was stopped goes on there.
        worlds: where simulated worlds are kept for all calibrations; default ``runs/calibration-worlds``.
        workers, threads, progress, simulate, cluster: as in `recsim.run`.
        force: put it together again in a new folder; worlds that are kept are not simulated again.

    Returns:
        A `CalibrationResult`: ``simulations`` (one row per world: parameters and figures), ``particles`` (the sample with its
        weights) and ``summary``; ``ensemble.yaml`` in its folder is what ``recsim run --ensemble`` takes.

    Source: history matching and adaptive approximate Bayesian computation, docs/calibration.md.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died again and again, or the disk is full; finished worlds are kept.
    """
    found, scenario, lines = read_calibration(path)
    session = Session(simulate, found.fixed_parameters, workers, threads, progress, cluster)
    return run_calibration(found, scenario, session, str(path), out, worlds, force, lines)


def run_calibration(
    found: Calibration, scenario: Scenario, session: Session, where: str, out: str | Path | None = None,
    worlds: str | Path | None = None, force: bool = False, lines: Lines | None = None,
) -> CalibrationResult:  # fmt: skip
    """Do what is not kept yet and put the calibration together; arguments and errors as of `calibrate`.

    Args:
        where, lines: the file, and the lines of its entries.
    """
    scenario = configured(scenario, 1, None, None)
    cache = CellCache(Path(worlds) if worlds is not None else WORLDS)
    work = _Work(found, bare(scenario), session, cache, where, lines or {})
    mark = work.fingerprint()
    folder = RunFolder(folder_path(f"calibration-{found.name}", mark, out, force), mark, LAST)
    folder.inspect()
    stored = session.stored(folder, CalibrationResult.load, None, "calibration")
    if stored is not None:
        return stored
    with folder.lock(), compiling(session.simulate, scenario) as session.compiled:
        folder.claim(resume=True)
        with plain_errors(folder.path):
            content = found.model_dump(mode="json", exclude_defaults=True) | {"scenario": "scenario.yaml"}
            content.pop("set", None)
            write_text(folder.path / "calibration.yaml", yaml.safe_dump(content, sort_keys=False, width=2**16))
            write_text(folder.path / "scenario.yaml", dump_yaml(scenario))
        return work.finish(folder, scenario, mark)


@dataclasses.dataclass
class _Work:
    """One calibration under way."""

    found: Calibration
    scenario: Scenario
    session: Session
    cache: CellCache
    where: str
    lines: Lines = dataclasses.field(default_factory=dict)
    rows: list[pd.DataFrame] = dataclasses.field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.marks = Marks(self.found.fixed_parameters, self.session.simulate)
        for end in (0.0, 1.0):  # of all priors: what cannot be simulated is an error now
            _, scenario = self.settings(np.full(len(self.found.parameters), end))
            try:
                self.marks.digest(scenario)
            except InputError as error:
                raise InputError(error.message, self._prior(error.where or "")) from None

    def _prior(self, key: str) -> str:
        """Place of the prior of a key of the scenario; of what has no prior the file and the key."""
        for number, axis in enumerate(self.found.parameters):
            if key == axis.key:
                return f"{self.where}:{self.lines.get(('parameters', number), 1)} parameters.{axis.column}"
        return f"{self.where} {key}".rstrip()

    def fingerprint(self) -> str:
        """What decides the numbers: the file, the scenario's numbers, the sources, the method."""
        content = self.found.model_dump(mode="json", exclude={"title", "scenario"})
        text = "".join(inspect.getsource(module) for module in (inference, observables))
        parts = [content, self.marks.mark(self.scenario), hashlib.sha256(text.encode()).hexdigest()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def settings(self, point: np.ndarray) -> tuple[dict[str, float], Scenario]:
        """Values by column, and the scenario that has them."""
        return self.found.at(self.scenario, point, f"{self.where} parameters")

    def simulate(self, points: np.ndarray, text: str) -> np.ndarray:
        """Figures of the fitted targets, on their scales, of one world for each point, with luck of its own."""
        session, made = self.session, [self.settings(point) for point in points]
        code = inspect.getsource(observables)  # other figures of the same world are another thing to keep
        names = [
            hashlib.sha256(f"observed {self.marks.mark(scenario)} {code}".encode()).hexdigest() for _, scenario in made
        ]  # fmt: skip
        first, done = self.count, dict[int, pd.DataFrame]()
        todo = []
        weight = expected_work(self.scenario)
        for k, (name, (_, scenario)) in enumerate(zip(names, made, strict=True)):
            kept = self.cache.fetch(first + k, name)
            if kept is not None:
                done[k] = kept[0]["cell"]
                continue
            todo.append(
                Task(
                    name,
                    first + k,
                    scenario,
                    first + k,
                    weight=weight,
                    text=text,
                    reduce=_kept,
                    name=f"{text}, world {k}",
                )
            )
        place = {(task.kind, task.number): task.number - first for task in todo}
        with (
            self._of_the_whole(weight),
            contextlib.closing(session.do(todo, weight * len(points), weight * len(todo), self.cache)) as results,
        ):
            for task, (frames, _) in results:
                done[place[task.kind, task.number]] = frames["cell"]
        self.count += len(points)
        figures = pd.concat([done[k] for k in range(len(points))], ignore_index=True)
        values = pd.DataFrame([value for value, _ in made])
        head = pd.DataFrame({"stage": text.split(" of ")[0], "number": np.arange(first, first + len(points))})
        self.rows.append(pd.concat([head, values, figures], axis=1))
        return self.found.scaled(figures)

    @contextlib.contextmanager
    def _of_the_whole(self, weight: float) -> Iterator[None]:
        """Progress of a stage told as progress of the whole calibration, so that the time left is that of all stages."""
        session, say, before = self.session, self.session.progress, self.count * weight
        whole = self.found.method.simulations * weight
        if say is not None:
            session.progress = lambda done, total, text: say(before + done, whole, text)
        try:
            yield
        finally:
            session.progress = say

    def finish(self, folder: RunFolder, scenario: Scenario, mark: str) -> CalibrationResult:
        """History matching, sampling, summary, files."""
        found, method, session = self.found, self.found.method, self.session
        targets = inference.Observed(
            np.array([t.observed for t in found.fitted]), np.array([t.spread for t in found.fitted])
        )
        size = len(found.parameters)
        region, waves = inference.history_matching(
            self.simulate, targets, size, waves=method.waves, points=method.points, cut=method.cut, seed=found.seed
        )
        generations = inference.sample_posterior(
            self.simulate, region, size, particles=method.particles, generations=method.generations, seed=found.seed
        )
        simulations = pd.concat(self.rows, ignore_index=True)
        gap = inference.distance(self.found.scaled(simulations), targets)
        simulations["distance"] = np.where(np.isfinite(gap), np.sqrt(gap / len(targets.value)), np.nan)
        particles = particles_of(simulations, generations)
        summary = self._summary(scenario, mark, waves, generations, simulations, particles)
        result = CalibrationResult(
            found, scenario, cleaned(summary), simulations, particles, folder.path, session.notes
        )
        with plain_errors(folder.path):
            self._write(result, generations)
        return result

    def _summary(
        self, scenario: Scenario, mark: str, waves: list[inference.Wave], generations: list[inference.Generation],
        simulations: pd.DataFrame, particles: pd.DataFrame,
    ) -> dict[str, Any]:  # fmt: skip
        found = self.found
        weight = particles["weight"].to_numpy(float)
        width = inference.width_of(generations[-1]) if generations else np.zeros(0)
        # So few particles of the prior itself look narrower by luck: the standard deviation of n uniform numbers has a
        # relative standard error of sqrt(0.2 / n).
        bound = min(SAME, 1 - 2 * float(np.sqrt(0.2 / generations[-1].effective))) if generations else None
        parameters = []
        for k, axis in enumerate(found.parameters):
            assert axis.range is not None
            row: dict[str, Any] = {
                "name": axis.column, "key": axis.key, "low": axis.range[0], "high": axis.range[1], "scale": axis.scale,
            }  # fmt: skip
            if len(weight):
                values = particles[axis.column].to_numpy(float)
                row |= {f"q{round(100 * q)}": inference.weighted_quantile(values, weight, q) for q in (0.05, 0.5, 0.95)}
                row["width"] = float(width[k])
                row["identified"] = row["width"] < bound
            parameters.append(row)
        targets = []
        for target in found.targets:
            row = target.model_dump() | {"meaning": observables.DOCUMENTED.get(target.metric, "")}
            everywhere = simulations.loc[simulations["stage"] == simulations["stage"].iloc[0], target.metric]
            row["prior_low"], row["prior_high"] = (float(everywhere.quantile(q)) for q in (0.05, 0.95))
            if len(weight):
                values = particles[target.metric].to_numpy(float)
                there = np.isfinite(values)
                row |= {
                    f"q{round(100 * q)}": inference.weighted_quantile(values[there], weight[there], q) for q in (0.05, 0.5, 0.95)
                }  # fmt: skip
                row["predicted_below"] = _predicted_below(target, values, weight)
                row["inside"] = bool(0.05 <= row["predicted_below"] <= 0.95)
            targets.append(row)
        return {
            "command": "calibrate", "calibration": found.name, "title": found.title, "scenario": scenario.name,
            "fingerprint": mark, "policy": scenario.platform.policy, "seed": scenario.run.seed, "sample_seed": found.seed,
            "replicates": len(simulations), "luck_branches": scenario.run.luck_branches,
            "people": max(1, round(scenario.population.people.value * scenario.population.scale)),
            "people_real": scenario.population.people.value,
            "worlds": len(simulations), "parameters": parameters, "identified_below": bound, "targets": targets, "cut": found.method.cut,
            "waves": [{"points": len(w.points), "left": w.left} for w in waves],
            "generations": [
                {"particles": len(g.points), "tolerance": g.tolerance, "effective": g.effective} for g in generations
            ],
            "tolerance": generations[-1].tolerance if generations else None, "members": found.method.members if generations else 0,
            "timing": self.session.timing(self.session.simulated),
        }  # fmt: skip

    def _write(self, result: CalibrationResult, generations: list[inference.Generation]) -> None:
        """Everything but figures and the page; calibration.json last, since it marks the calibration as complete."""
        path, found = result.folder, self.found
        texts = {name: getattr(result, name).to_csv(index=False) for name in TABLES}
        sums = {f"{name}.csv": write_text(path / f"{name}.csv", text) for name, text in texts.items()}
        for name in ("calibration.yaml", "scenario.yaml"):
            sums[name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
        if generations:
            chosen = inference.resampled(generations[-1].weight, found.method.members, found.seed)
            keys = {axis.column: axis.key for axis in found.parameters}
            members = [
                {keys[name]: float(result.particles.at[int(k), name]) for name in keys} for k in chosen
            ]  # fmt: skip
            content = {
                "name": found.name, "calibration": result.summary["fingerprint"], "tolerance": result.summary["tolerance"],
                "targets": [f"{t.metric} = {t.value:g} ({t.source})" for t in found.fitted], "members": members,
            }  # fmt: skip
            head = f"# Parameter sets of the calibration {found.name}: recsim run SCENARIO --ensemble this file; docs/calibration.md\n"
            text = head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=2**16)
            sums["ensemble.yaml"] = write_text(path / "ensemble.yaml", text)
        more = {"tables": list(TABLES), "worlds_folder": str(self.cache.path)}
        write_last(
            path,
            LAST,
            result.summary,
            source_digest(),
            self.session.fixed,
            more,
            sums,
            [result.scenario.platform.policy],
        )


def _predicted_below(target: Target, values: np.ndarray, weight: np.ndarray) -> float:
    """Probability that fitted worlds and the stated error predict a figure of at most what was observed; NaN without a world."""
    values = target.scaled(values)
    there = np.isfinite(values)
    if not weight[there].sum() > 0:
        return float("nan")
    below = stats.norm.cdf((target.observed - values[there]) / target.spread)
    return float(weight[there] @ below / weight[there].sum())


def _kept(scenario: Scenario, outcome: Any) -> dict[str, pd.DataFrame]:
    """What is kept of a world, under the name that the cache of worlds has for it."""
    return {"cell": observables.figures_of(scenario, outcome)["figures"]}
