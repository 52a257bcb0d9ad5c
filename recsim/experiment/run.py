"""Run a scenario: replicates on all cores, a directory that holds everything needed to check or redo it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Generator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from recsim.errors import InputError, RecsimError
from recsim.experiment import robustness as other
from recsim.experiment.executor import beside, default_workers, now, run_tasks
from recsim.experiment.files import peak_rss_mib, write_results
from recsim.experiment.folder import RunFolder, plain_errors
from recsim.experiment.result import Result
from recsim.experiment.summary import summarise
from recsim.scenario import fingerprint, realise
from recsim.scenario.schema import Scenario

Progress = Callable[[float, float, str], None]
Simulate = Callable[..., Any]
Stored = tuple[dict[str, pd.DataFrame], dict[str, Any]]
SOURCES = ("kernels", "rng.py", "state.py", "metrics.py", "ranking", "agents", "world", "scenario")
CELL_WORK = 0.1
"""Work of one task of the table of other assumptions, replicates; for the progress bar only."""
IMPRESSIONS_PER_SECOND = 2.2e6
"""Of one core, feed and counting, measured on the Romanian scenario; see docs/performance.md."""
SMALL_RUN = 5.0
"""Seconds of work below which starting worker processes costs more than they save."""
SECONDS_PER_STEP = 1.5e-3
"""Of one core, per step of one arm: item terms, retrieval, gates."""


def source_digest() -> str:
    """SHA-256 over the source files that decide results."""
    root = Path(__file__).resolve().parent.parent
    files = [
        f for name in SOURCES for f in ([root / name] if name.endswith(".py") else sorted((root / name).rglob("*.py")))
    ]
    total = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        total.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


def run_fingerprint(scenario: Scenario, fixed_parameters: bool, simulate: Simulate | None = None) -> str:
    """What decides the numbers of a run; not workers, threads, folder or the number of replicates."""
    from recsim.world.plan import make_plan

    extra = {
        "sources": source_digest(), "policy": make_plan(scenario).compiled.digest,
        "numba": version("numba"), "numpy": version("numpy"), "fixed_parameters": str(fixed_parameters),
    }  # fmt: skip
    if simulate is not None:
        extra["simulate"] = f"{simulate.__module__}:{simulate.__qualname__}"
    return fingerprint(scenario, extra)


def configured(
    scenario: Scenario, replicates: int | None, seed: int | None, policy: str | None, scale: float | None = None,
    dose: float | None = None,
) -> Scenario:  # fmt: skip
    """The scenario with command-line settings put in, validated again."""
    from recsim.ranking.registry import get_reranker
    from recsim.scenario.dump import _plain
    from recsim.scenario.load import parse

    raw = _plain(scenario)
    wanted = {"replicates": replicates, "seed": seed}
    raw["run"].update({k: v for k, v in wanted.items() if v is not None})
    if policy is not None and policy != raw["platform"]["policy"]:
        # The policy's own parameters mean nothing to another one; those of the scenario's re-rankers stay.
        rerankers = [get_reranker(name) for name in raw["platform"]["rerank"] or []]
        kept = {k: v for k, v in raw["platform"]["parameters"].items() if any(k in r.parameters for r in rerankers)}
        raw["platform"].update(policy=policy, parameters=kept)
    if scale is not None:
        raw["population"]["scale"] = scale
    if dose is not None:
        raw["dose"] = {"value": dose, "evidence": "assumption", "source": "set on the command line"}
    return parse(raw, scenario.name)


def expected_work(scenario: Scenario) -> float:
    """Expected seconds of simulating on one core; within about a factor of two."""
    people = scenario.population.people.value * scenario.population.scale
    a, steps_per_day = scenario.activity, 24 / scenario.run.step_hours
    removed = other.removed_campaigns(scenario)
    late = 1 - min((c.start for c in removed), default=1)
    days = scenario.days.count - late + 2 * scenario.run.luck_branches * late
    views = people * a.visits_per_day.value * a.videos_per_visit.value * days
    each = views / IMPRESSIONS_PER_SECOND + days * steps_per_day * SECONDS_PER_STEP
    total = each * scenario.run.replicates
    r = scenario.audit.robustness
    if r.enabled:
        span = r.burn_in_days + 2 * late
        cell = r.people * r.videos_per_day * span / IMPRESSIONS_PER_SECOND + span * steps_per_day * SECONDS_PER_STEP / 2
        total += cell * len(other.cells(scenario)) * r.replicates
    return total


def estimate(scenario: Scenario, workers: int | None = None) -> dict[str, float]:
    """Expected seconds and mebibytes of a run, compiling included; within about a factor of two."""
    people = scenario.population.people.value * scenario.population.scale
    cores = max(1, min(workers or default_workers(), scenario.run.replicates))
    items = scenario.content.items_per_day * scenario.days.count
    seen = scenario.content.items_per_day * scenario.content.lifetime_days / 8
    bytes_each = 250e6 + items * 330 + people * (seen + 12 * scenario.content.topics + 200) * 2
    return {"seconds": expected_work(scenario) / cores + 15, "mebibytes": (1 + cores) * bytes_each / 2**20}


def _engine() -> Simulate:
    from recsim.world.pair import simulate_replicate

    return simulate_replicate


def do_task(
    simulate: Simulate | None, scenario: Scenario, cell: other.Cell | None, number: int, fixed: bool, threads: int,
    report: Callable[[float], None] | None = None,
) -> Stored:  # fmt: skip
    """One replicate of the run (ranged parameters drawn), or of one cell of the table of other assumptions."""
    simulate = simulate or _engine()
    if cell is not None:
        return other.simulate_cell(simulate, scenario, cell, number, threads, report)
    drawn = realise(scenario, scenario.run.seed, number, fixed)
    outcome = simulate(drawn, number, threads=threads, report=report)
    return outcome.frames, outcome.meta


def run(
    scenario: Scenario, *, replicates: int | None = None, seed: int | None = None, policy: str | None = None,
    out: str | Path | None = None, workers: int | None = None, threads: int | None = None,
    fixed_parameters: bool = False, resume: bool = False, force: bool = False, robustness: bool = True,
    progress: Progress | None = None, store: bool = True, simulate: Simulate | None = None,
) -> Result:  # fmt: skip
    """Simulate all replicates and summarise them.

    Args:
        scenario: from `recsim.load`.
        replicates, seed, policy: override the scenario's.
        out: run directory itself; default ``runs/<name>-<fingerprint>``.
        workers: processes; default all cores. Never changes a result.
        threads: threads of each worker; default 1, more if there are fewer tasks than cores. Never changes a result.
        fixed_parameters: hold ranged parameters at their central values.
        resume: continue an unfinished run.
        force: run again in a new folder although the same run is complete.
        robustness: whether to make the table of other platform assumptions.
        progress: called with (done, total, text).
        store: whether to write a directory at all.
        simulate: another engine with the signature of `recsim.world.pair.simulate_replicate`, importable by name; for
            tests and for other models of the same question.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    began = now()
    for name, number in (("workers", workers), ("threads", threads)):
        if number is not None and number < 1:
            raise InputError(f"got {number}, must be at least 1", name)
    scenario = configured(scenario, replicates, seed, policy)
    with _compiling(simulate, scenario) as compiled:
        mark = run_fingerprint(scenario, fixed_parameters, simulate)
        table = robustness and scenario.audit.robustness.enabled and bool(other.removed_campaigns(scenario))
        work = Work(scenario, mark, fixed_parameters, simulate, table, workers, threads, progress, began, compiled)
        if not store:
            return work.finish(None)
        folder = RunFolder(_folder(scenario, mark, out, force), mark)
        folder.inspect()
        stored = work.stored(folder) if folder.complete else None
        if stored is not None:
            return stored
        with folder.lock():
            folder.claim(resume)
            return work.finish(folder)


@contextlib.contextmanager
def _compiling(simulate: Simulate | None, scenario: Scenario) -> Iterator[Callable[[], None] | None]:
    """If the cache is cold: half of the compiling goes on in a second process; yields how to wait for its end."""
    if simulate is None and default_workers() > 1:
        from recsim.world import warm

        if warm.is_cold():
            with beside(warm.compile_look, scenario) as wait:
                yield wait
            return
    yield None


def _folder(scenario: Scenario, mark: str, out: str | Path | None, force: bool) -> Path:
    path = Path(out) if out else Path("runs") / f"{scenario.name}-{mark[:12]}"
    if force and path.is_dir() and any(path.iterdir()):
        number = 2
        while path.with_name(f"{path.name}-{number}").exists():
            number += 1
        path = path.with_name(f"{path.name}-{number}")
    return path


@dataclasses.dataclass
class Work:
    """One run: what is wanted, how to get it, and what happened on the way (``notes``).

    ``compiled`` waits for the process that compiles beside this one; None if there is none.
    """

    scenario: Scenario
    mark: str
    fixed: bool
    simulate: Simulate | None
    table: bool
    workers: int | None
    threads: int | None
    progress: Progress | None
    began: float
    compiled: Callable[[], None] | None
    notes: list[str] = dataclasses.field(default_factory=list)

    def stored(self, folder: RunFolder) -> Result | None:
        """The stored result if it answers what is asked; None if something is missing or damaged."""
        try:
            found = Result.load(folder.path)
        except InputError as error:
            self.notes.append(f"{error.message}: the files are written again")
            return None
        has, wanted = found.summary["replicates"], self.scenario.run.replicates
        if has < wanted:
            self.notes.append(f"adding {wanted - has} replicates to the complete run in {folder.path}")
            return None
        if self.table and found.robustness is None:
            self.notes.append(f"adding the table of other assumptions to the complete run in {folder.path}")
            return None
        more = f"; it has {has} replicates, {wanted} were asked for" if has > wanted else ""
        found.notes.append(f"this run is complete; its stored result is shown ({folder.path}){more}")
        return found

    def finish(self, folder: RunFolder | None) -> Result:
        """Do what is not stored yet, put everything together, write it."""
        r = self.scenario.audit.robustness
        wanted = list(range(self.scenario.run.replicates))
        cells = other.cells(self.scenario) if self.table else []
        extra = [(cell, k) for cell in cells for k in range(r.replicates)]
        done = self._taken_over(folder, "replicates", len(wanted))
        rows = self._taken_over(folder, "assumptions", len(extra))
        if done:
            self.notes.append(f"{len(done)} finished replicates taken over")
        todo = [("replicates", n) for n in wanted if n not in done]
        todo += [("assumptions", n) for n in range(len(extra)) if n not in rows]
        compile_s = self._warm() if todo else 0.0
        start, simulated = now(), 0
        total = len(wanted) + CELL_WORK * len(extra)
        # Closed at once if storing fails: workers must not go on while the error is on its way up.
        with contextlib.closing(self._results(todo, extra, total)) as results:
            for (kind, number), found in results:
                simulated += found[1]["impressions"]
                kept = found if folder is None else _kept(folder, kind, number, found)
                (done if kind == "replicates" else rows)[number] = kept
        simulate_s = now() - start
        frames, metas = joined([done[n][0] for n in wanted]), [done[n][1] for n in wanted]
        table = other.table(pd.concat([rows[n][0]["shift"] for n in range(len(extra))])) if extra else None
        impressions = sum(m["impressions"] for m in metas) + sum(part[1]["impressions"] for part in rows.values())
        timing = {
            "wall_s": now() - self.began, "simulate_s": simulate_s, "compile_s": compile_s,
            "impressions": impressions, "impressions_per_s": simulated / simulate_s if simulated else 0.0,
            "peak_rss_mib": peak_rss_mib(min(self.workers or default_workers(), max(1, len(todo)))),
        }  # fmt: skip
        summary = summarise(self.scenario, frames, metas, self.mark, timing, table, self.fixed)
        path = folder.path if folder is not None else None
        result = Result(self.scenario, frames, summary, path, table, notes=self.notes)
        if path is not None:
            with plain_errors(path):
                write_results(path, result, metas, self._source(), source_digest(), self.fixed)
        return result

    def _taken_over(self, folder: RunFolder | None, kind: str, count: int) -> dict[int, Stored]:
        """Finished tasks that are whole; damaged ones are noted and left to be done again."""
        if folder is None:
            return {}
        out = {}
        for number in [n for n in folder.finished(kind) if n < count]:
            found = folder.fetch(number, kind)
            if found is not None:
                out[number] = found
            else:
                what = "replicate" if kind == "replicates" else "part of the table of other assumptions"
                self.notes.append(f"{what} {number} was damaged and is computed again")
        return out

    def _results(
        self, todo: list[tuple[str, int]], extra: list, total: float
    ) -> Generator[tuple[tuple[str, int], Stored], None, None]:
        """Run tasks, replicates first; progress counts work of earlier sessions as done."""
        cores = default_workers()
        workers = self.workers or (cores if expected_work(self.scenario) > SMALL_RUN else 1)
        threads = self.threads or max(1, cores // max(1, min(workers, len(todo))))
        tasks = []
        for kind, number in todo:
            cell, replicate = (None, number) if kind == "replicates" else extra[number]
            tasks.append((self.simulate, self.scenario, cell, replicate, self.fixed, threads))
        weights = [1.0 if kind == "replicates" else CELL_WORK for kind, _ in todo]
        before, main = total - sum(weights), sum(1.0 for kind, _ in todo if kind == "replicates")
        say = self.progress or (lambda done, total, text: None)

        def report(done: float) -> None:
            say(before + done, total, "replicates" if done < main else "other assumptions")

        with contextlib.closing(run_tasks(do_task, tasks, workers, report, weights)) as results:
            for number, found in results:
                yield todo[number], found
        say(total, total, "done")

    def _warm(self) -> float:
        """Fill the compiled caches before workers start, so that each is compiled once; seconds."""
        if self.simulate is not None:
            return 0.0
        from recsim.world import warm

        began = now()
        if self.progress is not None:
            self.progress(0, 1, "compiling")
        if self.compiled is not None:
            warm.warm_without_looking(self.scenario)
            self.compiled()
        warm.warm(self.scenario)
        return now() - began

    def _source(self) -> str | None:
        if self.simulate is not None:
            return None
        from recsim.world.pair import compiled_source

        return compiled_source(self.scenario)


def _kept(folder: RunFolder, kind: str, number: int, found: Stored) -> Stored:
    """Store a finished task and read it back: what a resumed run would get, with the same types and bytes."""
    folder.store(number, *found, kind=kind)
    kept = folder.fetch(number, kind)
    if kept is None:
        raise RecsimError(f"{folder.path}: {kind} {number} cannot be read back; check the disk, then use --resume")
    return kept


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
