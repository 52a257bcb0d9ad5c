"""How a run or a comparison gets its work done: tasks on workers, each kept as it finishes, none done twice."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from recsim.errors import InputError, RecsimError
from recsim.experiment import robustness as other
from recsim.experiment.checkpoints import DEFAULT, LONG_S, Checkpoints, Place, every_of
from recsim.experiment.executor import beside, default_workers, now, run_tasks
from recsim.experiment.files import peak_rss_mib
from recsim.experiment.folder import RunFolder
from recsim.experiment.worlds import reduced
from recsim.scenario import realise
from recsim.scenario.follow import FollowScenario
from recsim.scenario.schema import Scenario
from recsim.world.arms import Arm

Progress = Callable[[float, float, str], None]
Simulate = Callable[..., Any]
Stored = tuple[dict[str, pd.DataFrame], dict[str, Any]]
NOTES = "notes"
"""What a worker has to say, beside the result."""
SMALL_RUN = 5.0
"""Seconds of work below which starting worker processes costs more than they save."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One replicate of a scenario, or of one cell of the table of other assumptions.

    Attributes:
        kind: folder within the run directory.
        number: within the kind.
        scenario: not realised.
        replicate: number of the replicate.
        cell: of the table of other assumptions, or None.
        weight: its work, for the progress bar only.
        text: what the progress bar says meanwhile.
        arms: of the worlds to simulate; empty: factual and counterfactual, with full tables.
    """

    kind: str
    number: int
    scenario: Scenario | FollowScenario
    replicate: int
    cell: other.Cell | None = None
    weight: float = 1.0
    text: str = "replicates"
    arms: tuple[Arm, ...] = ()


def _engine(arms: tuple[Arm, ...] = ()) -> Simulate:
    from recsim.world import pair

    return pair.simulate_arms if arms else pair.simulate_replicate


def do_task(
    simulate: Simulate | None, scenario: Scenario | FollowScenario, cell: other.Cell | None, replicate: int, fixed: bool, threads: int,
    arms: tuple[Arm, ...] = (), place: Place | None = None, report: Callable[[float], None] | None = None,
) -> Stored:  # fmt: skip
    """One replicate of the scenario (ranged parameters drawn), or of one cell of the table of other assumptions.

    With a ``place`` for checkpoints, notes about them are in the second part under ``notes``.
    """
    simulate = simulate or _engine(arms)
    if cell is not None and isinstance(scenario, Scenario):
        return other.simulate_cell(simulate, scenario, cell, replicate, threads, report)
    drawn = realise(scenario, scenario.run.seed, replicate, fixed)
    store = None if place is None else Checkpoints(place)
    options: dict[str, Any] = {"threads": threads, "report": report} | ({} if store is None else {"store": store})
    outcome = simulate(drawn, replicate, *([arms] if arms else []), **options)
    meta = outcome.meta | ({} if store is None else {NOTES: store.notes})
    return reduced(outcome.frames) if arms else outcome.frames, meta


@dataclasses.dataclass
class Session:
    """How tasks are done here and now, and what happened on the way (``notes``).

    Attributes:
        simulate: another engine than the world model, or None.
        fixed: hold ranged parameters at their central values.
        workers, threads: as asked for; None: as many as suit the work.
        progress: called with (done, total, text).
        checkpoint_every: interval of checkpoints as `recsim.run` takes it; None: only in long replicates.
        compiled: waits for the process that compiles beside this one; None if there is none.
        began: when the whole began, seconds.
        compile_s, simulate_s: seconds spent so far.
        simulated: impressions simulated so far.
        busy: most worker processes at once so far.
    """

    simulate: Simulate | None
    fixed: bool = False
    workers: int | None = None
    threads: int | None = None
    progress: Progress | None = None
    checkpoint_every: str | None = None
    compiled: Callable[[], None] | None = None
    began: float = dataclasses.field(default_factory=now)
    notes: list[str] = dataclasses.field(default_factory=list)
    compile_s: float = 0.0
    simulate_s: float = 0.0
    simulated: int = 0
    busy: int = 1

    def __post_init__(self) -> None:
        for name in ("workers", "threads"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise InputError(f"got {number}, must be at least 1", name)

    def suffices(self, found: Any, wanted: int, path: Path, what: str) -> bool:
        """Whether a stored result has replicates enough; says so in its notes, or in ours that some are added."""
        has = found.summary["replicates"]
        if has < wanted:
            self.notes.append(f"adding {wanted - has} replicates to the complete {what} in {path}")
            return False
        more = f"; it has {has} replicates, {wanted} were asked for" if has > wanted else ""
        found.notes.append(f"this {what} is complete; its stored result is shown ({path}){more}")
        return True

    def taken_over(self, folder: RunFolder | None, kind: str, count: int, what: str) -> dict[int, Stored]:
        """Finished tasks that are whole, by number; damaged ones are noted and left to be done again.

        Args:
            folder: where they lie, None if nothing is stored.
            kind: of the tasks. count: only numbers below it.
            what: how a note calls one task.
        """
        if folder is None:
            return {}
        out = {}
        for number in [n for n in folder.finished(kind) if n < count]:
            found = folder.fetch(number, kind)
            if found is not None:
                out[number] = found
                folder.forget_checkpoints(kind, number)  # of a process that was killed just then
            else:
                self.notes.append(f"{what} {number} was damaged and is computed again")
        return out

    def do(
        self, todo: list[Task], total: float, seconds: float, folder: RunFolder | None
    ) -> Generator[tuple[Task, Stored], None, None]:
        """Do tasks, in order of the list as far as workers are free; yield each when it is done and stored.

        Args:
            todo: tasks that are not stored yet.
            total: weight of all tasks, those of earlier sessions included; progress counts these as done.
            seconds: work expected in all.
            folder: where to keep finished tasks, None to keep them in memory only.
        """
        if todo:
            ranked = [t.scenario for t in todo if isinstance(t.scenario, Scenario)]
            scenarios = {(s.platform.policy, s.platform.predictor.kind): s for s in ranked}
            self._warm(list(scenarios.values()))
        start = now()
        # Closed at once if storing fails: workers must not go on while the error is on its way up.
        with contextlib.closing(self._results(todo, total, seconds, folder)) as results:
            for task, found in results:
                self.notes += found[1].pop(NOTES, [])
                self.simulated += found[1]["impressions"]
                yield task, found if folder is None else _kept(folder, task, found)
        self.simulate_s += now() - start

    def _place(self, task: Task, seconds: float, folder: RunFolder | None) -> Place | None:
        """Where a task keeps checkpoints; None if it keeps none.

        Args:
            task: of any kind. seconds: that it is expected to take. folder: of the run.
        """
        if folder is None or self.simulate is not None or not isinstance(task.scenario, Scenario) or task.cell:
            return None
        path, text, hours = (
            folder.checkpoints(task.kind, task.number),
            self.checkpoint_every,
            task.scenario.run.step_hours,
        )
        if text is None and seconds < LONG_S and not path.is_dir():
            return None
        every = every_of(text or DEFAULT, hours)
        if every is None and not path.is_dir():
            return None
        return Place(path, folder.fingerprint, task.kind, task.number, every, hours)

    def _results(
        self, todo: list[Task], total: float, seconds: float, folder: RunFolder | None
    ) -> Generator[tuple[Task, Stored], None, None]:
        cores = default_workers()
        workers = self.workers or (cores if seconds > SMALL_RUN else 1)
        self.busy = min(self.workers or cores, max(1, len(todo)))
        threads = self.threads or max(1, cores // max(1, min(workers, len(todo))))
        tasks = [
            (self.simulate, t.scenario, t.cell, t.replicate, self.fixed, threads, t.arms,
             self._place(t, seconds * t.weight / max(total, 1e-9), folder))
            for t in todo
        ]  # fmt: skip
        weights = [t.weight for t in todo]
        before, ends = total - sum(weights), _running_sums(weights)
        say = self.progress or (lambda done, total, text: None)

        def report(done: float) -> None:
            text = next((t.text for t, end in zip(todo, ends, strict=True) if done < end), todo[-1].text)
            say(before + done, total, text)

        with contextlib.closing(run_tasks(do_task, tasks, workers, report, weights)) as results:
            for number, found in results:
                yield todo[number], found
        say(total, total, "done")

    def _warm(self, scenarios: list[Scenario]) -> None:
        """Fill the compiled caches before workers start, so that each is compiled once.

        Args:
            scenarios: one for each policy and predictor; the kernels that all share are compiled with the first.
        """
        if self.simulate is not None or not scenarios:
            return
        from recsim.world import warm

        began = now()
        if self.progress is not None:
            self.progress(0, 1, "compiling")
        if self.compiled is not None:
            warm.warm_without_looking(scenarios[0])
            self.compiled()
        for scenario in scenarios:
            warm.warm(scenario)
        self.compile_s += now() - began

    def timing(self, impressions: int) -> dict[str, float]:
        """The block of timings of a summary; ``impressions`` are all the result rests on."""
        rate = self.simulated / self.simulate_s if self.simulated else 0.0
        return {
            "wall_s": now() - self.began, "simulate_s": self.simulate_s, "compile_s": self.compile_s,
            "impressions": impressions, "impressions_per_s": rate, "peak_rss_mib": peak_rss_mib(self.busy),
        }  # fmt: skip


def _running_sums(weights: Sequence[float]) -> list[float]:
    total, out = 0.0, []
    for weight in weights:
        total += weight
        out.append(total)
    return out


def _kept(folder: RunFolder, task: Task, found: Stored) -> Stored:
    """Store a finished task and read it back: what a resumed run would get, with the same types and bytes."""
    folder.store(task.number, *found, kind=task.kind)
    kept = folder.fetch(task.number, task.kind)
    if kept is not None:
        folder.forget_checkpoints(task.kind, task.number)
    if kept is None:
        text = f"{folder.path}: {task.kind} {task.number} cannot be read back; check the disk, then use --resume"
        raise RecsimError(text)
    return kept


@contextlib.contextmanager
def compiling(simulate: Simulate | None, scenario: Scenario) -> Iterator[Callable[[], None] | None]:
    """If the cache is cold: half of the compiling goes on in a second process; yields how to wait for its end."""
    if simulate is None and default_workers() > 1:
        from recsim.world import warm

        if warm.is_cold():
            with beside(warm.compile_look, scenario) as wait:
                yield wait
            return
    yield None


def plain_name(name: str) -> str:
    """A policy's name as part of a folder's: without the signs of import paths and addresses."""
    return name.replace(":", "-").replace("/", "-")


def folder_path(name: str, mark: str, out: str | Path | None, force: bool) -> Path:
    """``out``, or ``runs/<name>-<fingerprint>``; with ``force`` the first name beside it that is free."""
    path = Path(out) if out else Path("runs") / f"{name}-{mark[:12]}"
    if force and path.is_dir() and any(path.iterdir()):
        number = 2
        while path.with_name(f"{path.name}-{number}").exists():
            number += 1
        path = path.with_name(f"{path.name}-{number}")
    return path


def joined(parts: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Tables of all replicates under each other; text as categories in alphabetical order, whoever wrote it."""
    out = {}
    for name in parts[0]:
        frame = pd.concat([part[name] for part in parts], ignore_index=True)
        for column in frame.columns:
            if not pd.api.types.is_numeric_dtype(frame[column]):
                text = frame[column].astype(object)
                frame[column] = pd.Categorical(text, categories=sorted(map(str, text.unique())))
        out[name] = frame
    return out
