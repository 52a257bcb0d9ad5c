"""How a run or a comparison gets its work done: tasks on workers, each kept as it finishes, none done twice."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from recsim.errors import InputError, RecsimError
from recsim.experiment.checkpoints import DEFAULT, Place, are_wanted, every_of
from recsim.experiment.executor import Executor, Local, beside, default_workers, now
from recsim.experiment.files import peak_rss_mib
from recsim.experiment.folder import RunFolder
from recsim.experiment.task import NOTES, Keeper, Progress, Simulate, Stored, Task, do_task, policy_digest
from recsim.scenario.follow import FollowScenario
from recsim.scenario.schema import Scenario

S = TypeVar("S", Scenario, FollowScenario)
SMALL_RUN = 5.0
"""Seconds of work below which starting worker processes costs more than they save."""


@dataclasses.dataclass
class Session:
    """How tasks are done here and now, and what happened on the way (``notes``).

    Attributes:
        simulate: another engine than the world model, or None.
        fixed: hold ranged parameters at their central values.
        workers, threads: as asked for; None: as many as suit the work.
        progress: called with (done, total, text).
        cluster: None: this machine; else as of `recsim.experiment.cluster.opened`.
        checkpoint_every: interval of checkpoints as `recsim.run` takes it; None: only in long replicates.
        compiled: waits for the process that compiles beside this one; None if there is none.
        began: when the whole began, seconds.
        compile_s, simulate_s: seconds spent so far.
        simulated: impressions simulated so far.
        busy: most worker processes at once so far.
        marks: what policies from outside recsim must be on workers elsewhere.
        shards: processes among which the people of each replicate are cut; 1: none are.
        least: replicates of a stored result that is written again, which are not to become fewer.
    """

    simulate: Simulate | None
    fixed: bool = False
    workers: int | None = None
    threads: int | None = None
    progress: Progress | None = None
    cluster: Any = None
    checkpoint_every: str | None = None
    compiled: Callable[[], None] | None = None
    began: float = dataclasses.field(default_factory=now)
    notes: list[str] = dataclasses.field(default_factory=list)
    compile_s: float = 0.0
    simulate_s: float = 0.0
    simulated: int = 0
    busy: int = 1
    marks: Any = None
    shards: int = 1
    least: int = 0

    def __post_init__(self) -> None:
        for name in ("workers", "threads", "shards"):
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

    def stored(
        self, folder: RunFolder, load: Callable[[Path], Any], wanted: int | None, what: str,
        other: Callable[[Any], str] | None = None,
    ) -> Any:  # fmt: skip
        """The stored result if it answers what is asked; None, with a note, if it has to be made or written again.

        Args:
            folder: where it lies; None is the answer unless it is complete.
            load: of a folder; raises InputError where something is missing or damaged.
            wanted: replicates; None: as many as there are. what: how a note calls the result.
            other: what about a loaded result is not what is asked; "" if nothing.
        """
        if not folder.complete:
            return None
        try:
            found = load(folder.path)
        except InputError as error:
            text = f"{error.message}: the files are written again"
            self.notes.append(text + self._with_all_of(folder.said_to_have(), wanted))
            return None
        reason = other(found) if other is not None else ""
        if reason:
            self.notes.append(reason + self._with_all_of(found.summary["replicates"], wanted))
            return None
        enough = self.suffices(found, found.summary["replicates"] if wanted is None else wanted, folder.path, what)
        return found if enough else None

    def _with_all_of(self, has: int, wanted: int | None) -> str:
        """Let a result that is written again keep its replicates; what a note adds about that."""
        if wanted is None or has <= wanted:
            return ""
        self.least = has
        return f"; with all its {has} replicates, {wanted} were asked for"

    def with_all(self, scenario: S) -> S:
        """The scenario with no fewer replicates than the stored result that is written again has."""
        if scenario.run.replicates >= self.least:
            return scenario
        return scenario.model_copy(update={"run": scenario.run.model_copy(update={"replicates": self.least})})

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
        self, todo: list[Task], total: float, seconds: float, folder: Keeper | None
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

    @contextlib.contextmanager
    def _executor(self, workers: int) -> Iterator[Executor]:
        if self.cluster is None:
            yield Local(self.shards if self.shards > 1 else workers)
            return
        from recsim.experiment.cluster import opened

        with opened(self.cluster, self.workers or default_workers(), self.notes.append) as executor:
            yield executor

    def _place(self, task: Task, seconds: float, folder: Keeper | None) -> Place | None:
        """Where a task keeps checkpoints; None if it keeps none.

        Args:
            task: of any kind. seconds: that it is expected to take. folder: of the run.
        """
        # A worker elsewhere need not see our disk; for shards there it can be asked for.
        asked = self.shards > 1 and self.checkpoint_every is not None
        ours = self.simulate is None and (self.cluster is None or asked)
        if not ours or not isinstance(folder, RunFolder) or not isinstance(task.scenario, Scenario) or task.cell:
            return None
        path, hours = folder.checkpoints(task.kind, task.number, self.shards).absolute(), task.scenario.run.step_hours
        if not are_wanted(self.checkpoint_every, seconds) and not path.is_dir():
            return None
        every = every_of(self.checkpoint_every or DEFAULT, hours)
        return Place(path, folder.fingerprint, task.kind, task.number, every, hours)

    def _results(
        self, todo: list[Task], total: float, seconds: float, folder: Keeper | None
    ) -> Generator[tuple[Task, Stored], None, None]:
        say = self.progress or (lambda done, total, text: None)
        if todo:
            workers = self.workers or (default_workers() if seconds > SMALL_RUN else 1)
            places = [self._place(t, seconds * t.weight / max(total, 1e-9), folder) for t in todo]
            with (
                self._executor(workers) as executor,
                contextlib.closing(self._from(executor, todo, total, places, say)) as found,
            ):
                yield from found
        say(total, total, "done")

    def _from(
        self, executor: Executor, todo: list[Task], total: float, places: list[Place | None], say: Progress
    ) -> Generator[tuple[Task, Stored], None, None]:
        if self.shards > 1:  # small worlds, such as those of other assumptions, are whole
            self.busy, before = self.shards, total - sum(t.weight for t in todo)
            yield from self._sharded(
                executor, [(t, place) for t, place in zip(todo, places, strict=True) if t.cell is None],
                lambda done, text: say(before + done, total, text),
            )  # fmt: skip
            kept = [(t, place) for t, place in zip(todo, places, strict=True) if t.cell is not None]
            todo, places = [t for t, _ in kept], [place for _, place in kept]
            if not todo:
                return
        self.busy = min(self.workers or default_workers(), len(todo))
        threads = self.threads or executor.threads_for(len(todo))
        tasks = [
            (self.simulate, t.scenario, t.cell, t.replicate, self.fixed, threads, t.arms, t.reduce,
             self._digest(t.scenario), place)
            for t, place in zip(todo, places, strict=True)
        ]  # fmt: skip
        weights = [t.weight for t in todo]
        before, ends = total - sum(weights), _running_sums(weights)

        def report(done: float) -> None:
            text = executor.state or todo[min(bisect.bisect_right(ends, done), len(todo) - 1)].text
            say(before + done, total, text)

        names = [t.called for t in todo]
        with contextlib.closing(executor.run(do_task, tasks, report, weights, names)) as results:
            for number, found in results:
                yield todo[number], found

    def _sharded(
        self, executor: Executor, todo: list[tuple[Task, Place | None]], say: Callable[[float, str], None]
    ) -> Generator[tuple[Task, Stored], None, None]:
        """Replicates one after the other, each in shards; ``say`` is told the work done."""
        from recsim.experiment.shards import in_shards

        threads = self.threads or executor.threads_for(self.shards)
        done = 0.0
        for task, place in todo:

            def report(share: float, before: float = done, task: Task = task) -> None:
                say(before + task.weight * share, executor.state or task.text)

            digest = self._digest(task.scenario)
            yield task, in_shards(executor, task, self.fixed, threads, digest, self.shards, report, place)
            done += task.weight

    def _digest(self, scenario: Scenario | FollowScenario) -> str | None:
        """What the code of a policy from outside recsim must be on a worker elsewhere; None where nobody needs to look."""
        if self.cluster is None:
            return None
        from recsim.ranking.presets import FEED_PRESETS, PRESETS

        if isinstance(scenario, FollowScenario):
            return None if scenario.platform.policy in FEED_PRESETS else policy_digest(scenario)
        if self.simulate is not None:
            return None
        from recsim.experiment.cells import Marks

        names = [scenario.platform.policy, *(name for name in scenario.platform.rerank or [] if ":" in name)]
        if all(name in PRESETS for name in names):
            return None
        if self.marks is None:
            self.marks = Marks(self.fixed)
        return self.marks.digest(scenario)

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


def _kept(folder: Keeper, task: Task, found: Stored) -> Stored:
    """Store a finished task and read it back: what a resumed run would get, with the same types and bytes."""
    folder.store(task.number, *found, kind=task.kind)
    kept = folder.fetch(task.number, task.kind)
    if kept is None:
        text = f"{folder.path}: {task.kind} {task.number} cannot be read back; check the disk, then use --resume"
        raise RecsimError(text)
    if isinstance(folder, RunFolder):
        folder.forget_checkpoints(task.kind, task.number)
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


def about_another(candidate: str) -> Callable[[Any], str]:
    """For `Session.stored`: whether a result is about another candidate; its worlds serve for this one, too."""

    def told(found: Any) -> str:
        same = found.summary["candidate"] == candidate
        return "" if same else f"the same worlds, now for {candidate}: the files are written again"

    return told


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
