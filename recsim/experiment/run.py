"""Run a scenario: replicates on all cores, a directory that holds everything needed to check or redo it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import math
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from recsim.errors import InputError
from recsim.experiment import robustness as other
from recsim.experiment.checkpoints import are_wanted, every_of
from recsim.experiment.executor import default_workers
from recsim.experiment.files import write_results
from recsim.experiment.folder import RunFolder, plain_errors
from recsim.experiment.parameter_sets import check_members
from recsim.experiment.result import Result
from recsim.experiment.summary import removed_campaigns, summarise, window_start
from recsim.experiment.task import engine_mark
from recsim.experiment.tasks import Progress, Session, Simulate, Task, compiling, folder_path, joined
from recsim.experiment.under_policy import left_out, name_of, under_policy
from recsim.ranking.policy import Policy
from recsim.scenario import fingerprint
from recsim.scenario.schema import Scenario

SOURCES = (
    "kernels",
    "rng.py",
    "state.py",
    "metrics.py",
    "resampling.py",
    "ranking",
    "agents",
    "opinion",
    "world",
    "scenario",
    "experiment/robustness.py",
)
"""Decide the numbers; the last one what worlds of other assumptions are."""
SUMMARY_SOURCES = ("experiment/summary.py", "experiment/opinion.py", "experiment/by_replicate.py")
"""With some of `SOURCES` these decide what the summary of given tables says, and the tables by replicate beside it."""
CELL_WORK = 0.1
"""Work of one task of the table of other assumptions, replicates; for the progress bar only."""
MOST_SHARDS = 1000
"""Processes among which a world is cut, at most."""
IMPRESSIONS_PER_SECOND = 4.5e6
"""Of one core, feed and counting. With `SECONDS_PER_STEP` it gives the measured time of the default run (98 s on two cores), and
within a third those of 1:100 and one to one; see docs/performance.md."""
GROWTH = 0.1
"""How much longer an impression takes with ten times the people, from 100,000 on; measured up to a million."""
THREAD_GAIN = 0.8
"""What each further thread of a worker adds, of one core."""
NOT_FOLLOWED = "audit.stopping is not followed: {} replicates, as run.replicates says; recsim.run_to_width follows it"
SECONDS_PER_STEP = 2.5e-3
"""Of one core, per step of one arm: item terms, retrieval, gates."""


def source_digest() -> str:
    """SHA-256 over the source files that decide results."""
    return digest_of(SOURCES)


def summary_digest() -> str:
    """SHA-256 over the further source files that decide what a summary says."""
    return digest_of(SUMMARY_SOURCES)


def digest_of(names: Sequence[str]) -> str:
    """SHA-256 over source files and folders of them, named as they lie in the package."""
    root = Path(__file__).resolve().parent.parent
    files = [f for n in names for f in ([root / n] if n.endswith(".py") else sorted((root / n).rglob("*.py")))]
    total = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        total.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


def run_fingerprint(scenario: Scenario, fixed_parameters: bool, simulate: Simulate | None = None) -> str:
    """What decides the numbers of a run; not workers, threads, folder or the number of replicates."""
    from recsim.world.plan import make_plan

    extra = {
        "sources": source_digest(), "policy": make_plan(scenario).digest,
        "numba": version("numba"), "numpy": version("numpy"), "fixed_parameters": str(fixed_parameters),
    }  # fmt: skip
    if simulate is not None:
        extra["simulate"] = engine_mark(simulate)
    return fingerprint(scenario, extra)


def configured(
    scenario: Scenario, replicates: int | None, seed: int | None, policy: str | None, scale: float | None = None,
    dose: float | None = None, named: Collection[str] = (),
) -> Scenario:  # fmt: skip
    """The scenario with command-line settings put in, validated again.

    Args:
        named: parameters that were set for the policy asked for, and so stay; what else belongs to the scenario's policy does
            not, see `under_policy`.
    """
    from recsim.scenario.dump import _plain
    from recsim.scenario.load import check_free, parse

    raw = _plain(scenario if policy is None else under_policy(scenario, policy, named))
    wanted = {"replicates": replicates, "seed": seed}
    raw["run"].update({k: v for k, v in wanted.items() if v is not None})
    if scale is not None:
        raw["population"]["scale"] = scale
    if dose is not None:
        check_free(raw, "dose", "--dose")
        raw["dose"] = {"value": dose, "evidence": "assumption", "source": "set on the command line"}
    made = parse(raw, scenario.name)
    check_members(made)
    return made


def expected_work(scenario: Scenario) -> float:
    """Expected seconds of simulating on one core; within about a factor of two."""
    people = scenario.population.people.value * scenario.population.scale
    a, steps_per_day = scenario.activity, 24 / scenario.run.step_hours
    late = 1 - window_start(scenario)
    days = scenario.days.count - late + 2 * scenario.run.luck_branches * late
    views = people * a.visits_per_day.value * a.videos_per_visit.value * days
    slower = 1 + GROWTH * max(0.0, math.log10(people / 1e5))
    each = slower * views / IMPRESSIONS_PER_SECOND + days * steps_per_day * SECONDS_PER_STEP
    total = each * scenario.run.replicates
    r = scenario.audit.robustness
    if r.enabled:
        span = r.burn_in_days + 2 * late
        cell = r.people * r.videos_per_day * span / IMPRESSIONS_PER_SECOND + span * steps_per_day * SECONDS_PER_STEP / 2
        total += cell * len(other.cells(scenario)) * r.replicates
    return total


def estimate(
    scenario: Scenario, workers: int | None = None, threads: int | None = None, shards: int = 1,
    checkpoint_every: str | None = None,
) -> dict[str, float]:  # fmt: skip
    """Expected seconds and mebibytes of a run, compiling included; within about a factor of two.

    Args:
        scenario, workers, threads, shards, checkpoint_every: as of `run`. Checkpoints save memory: large worlds wait at a
            fork on the disk.
    """
    from recsim.world.footprint import PROCESS, replicate_bytes
    from recsim.world.plan import make_plan

    if shards > 1:  # one replicate at a time, by as many processes
        workers, threads = 1, shards * (threads or max(1, default_workers() // shards))
    cores = max(1, min(workers or default_workers(), scenario.run.replicates))
    if threads is None:
        threads = max(1, default_workers() // cores) if workers is None else 1
    threads = min(threads, default_workers())  # more than cores gain nothing
    work = expected_work(scenario)
    stored = are_wanted(checkpoint_every, work / scenario.run.replicates)
    needed = 1.2 * PROCESS + cores * replicate_bytes(make_plan(scenario), threads, shards, stored)
    pace = cores * (1 + THREAD_GAIN * (threads - 1))
    return {"seconds": work / pace + 15, "mebibytes": needed / 2**20}


def run(
    scenario: Scenario, *, replicates: int | None = None, seed: int | None = None, policy: str | Policy | None = None,
    out: str | Path | None = None, workers: int | None = None, threads: int | None = None,
    fixed_parameters: bool = False, resume: bool = False, force: bool = False, robustness: bool = True,
    progress: Progress | None = None, store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
    checkpoint_every: str | None = None, shards: int = 1,
) -> Result:  # fmt: skip
    """Simulate all replicates and summarise them.

    Args:
        scenario: from `recsim.load`.
        replicates, seed: override the scenario's. With ``replicates`` a stopping rule says nothing; without, `audit.stopping` is
            not followed either, and a note says so: see `recsim.run_to_width`.
        policy: in place of the scenario's: a name, ``package.module:function``, or what `recsim.policy` made in a module that
            worker processes can import. The former policy's parameters are left out.
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
            tests and for other models of the same question. Its file is part of the fingerprint, what that imports is not.
        cluster: None: this machine; "local", "tcp://host:port" or a `distributed.Client`: a Dask cluster. Never changes a
            result.
        checkpoint_every: how often a replicate that is not finished is kept, so that ``resume`` goes on from there:
            "1d" or "12h" of simulated time, "30min" or "90s" of running, or "off". Default: "15min" in replicates that
            are expected to take longer than that. Never changes a result.
        shards: processes, here or on the cluster, among which the people of each replicate are cut; replicates are done one
            after the other. Never changes a result (docs/shards.md).

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    session = Session(simulate, fixed_parameters, workers, threads, progress, cluster, checkpoint_every, shards=shards)
    if shards > 1:
        check_shards(shards, workers, cluster, simulate)
    given, scenario = scenario, configured(scenario, replicates, seed, None if policy is None else name_of(policy))
    told = left_out(given, scenario)
    if replicates is None and scenario.audit.stopping.enabled:
        told.append(NOT_FOLLOWED.format(scenario.run.replicates))
    session.notes += told
    wanted = None if checkpoint_every is None else every_of(checkpoint_every, scenario.run.step_hours)
    elsewhere = cluster is not None and shards == 1
    if wanted is not None and (simulate is not None or not store or elsewhere):
        what = "a cluster" if elsewhere else "another engine" if store else "a run that is not stored"
        raise InputError(f"{what} writes no checkpoints", "--checkpoint-every")
    with compiling(simulate, scenario) as session.compiled:
        mark = run_fingerprint(scenario, fixed_parameters, simulate)
        table = robustness and scenario.audit.robustness.enabled and bool(removed_campaigns(scenario))
        if table:
            other.check_weights(scenario)
        work = Work(scenario, mark, table, session)
        if not store:
            return work.finish(None)
        folder = RunFolder(folder_path(scenario.name, mark, out, force), mark)
        folder.inspect()
        stored = session.stored(folder, Result.load, scenario.run.replicates, "run", work.lacking)
        if stored is not None:
            stored.notes[:0] = told
            return stored
        work.scenario = session.with_all(scenario)
        with folder.lock():
            folder.claim(resume)
            return work.finish(folder)


def check_shards(shards: int, workers: int | None, cluster: Any, simulate: Simulate | None) -> None:
    """Refuse what cannot be cut into shards.

    Raises:
        InputError: of more shards than make sense, with workers of their own, or of another engine.
    """
    if shards > MOST_SHARDS:
        raise InputError(f"got {shards}, must be at most {MOST_SHARDS}", "shards")
    if workers is not None and cluster is None:
        raise InputError("each shard is a process, so their number is that of the shards; leave out workers", "shards")
    if simulate is not None:
        raise InputError("another engine cannot be cut into shards", "shards")


@dataclasses.dataclass
class Work:
    """One run: what is wanted and how to get it."""

    scenario: Scenario
    mark: str
    table: bool
    session: Session

    @property
    def notes(self) -> list[str]:
        """What happened on the way."""
        return self.session.notes

    def lacking(self, found: Result) -> str:
        """What a stored result has not, in a note; "" if it is whole."""
        if self.table and found.robustness is None:
            return f"adding the table of other assumptions to the complete run in {found.folder}"
        return ""

    def finish(self, folder: RunFolder | None) -> Result:
        """Do what is not stored yet, put everything together, write it."""
        r = self.scenario.audit.robustness
        wanted = list(range(self.scenario.run.replicates))
        cells = other.cells(self.scenario) if self.table else []
        extra = [(cell, k) for cell in cells for k in range(r.replicates)]
        session = self.session
        done = session.taken_over(folder, "replicates", len(wanted), "replicate")
        rows = session.taken_over(folder, "assumptions", len(extra), "part of the table of other assumptions")
        if done:
            self.notes.append(f"{len(done)} finished replicates taken over")
        todo = [Task("replicates", n, self.scenario, n) for n in wanted if n not in done]
        todo += [
            Task("assumptions", n, self.scenario, replicate, cell, CELL_WORK, "other assumptions")
            for n, (cell, replicate) in enumerate(extra)
            if n not in rows
        ]
        total = len(wanted) + CELL_WORK * len(extra)
        with contextlib.closing(session.do(todo, total, expected_work(self.scenario), folder)) as results:
            for task, found in results:
                (done if task.kind == "replicates" else rows)[task.number] = found
        frames, metas = joined([done[n][0] for n in wanted]), [done[n][1] for n in wanted]
        parts = [rows[n][0]["shift"] for n in range(len(extra))]
        table = other.table(pd.concat(parts), other.declared(self.scenario)) if extra else None
        impressions = sum(m["impressions"] for m in metas) + sum(part[1]["impressions"] for part in rows.values())
        summary = summarise(self.scenario, frames, metas, self.mark, session.timing(impressions), table, session.fixed)
        path = folder.path if folder is not None else None
        result = Result(self.scenario, frames, summary, path, table, notes=self.notes)
        if path is not None:
            with plain_errors(path):
                loop = policy_source(self.scenario, session.simulate)
                write_results(path, result, metas, loop, source_digest(), summary_digest(), session.fixed)
        return result


def policy_source(scenario: Scenario, simulate: Simulate | None) -> str | None:
    """The compiled score loop of the scenario's policy; None for an engine that has none."""
    if simulate is not None:
        return None
    from recsim.world.pair import compiled_source

    return compiled_source(scenario)
