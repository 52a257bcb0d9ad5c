"""Run a scenario: replicates on all cores, a directory that holds everything needed to check or redo it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform as machine
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from recsim.experiment import robustness as other
from recsim.experiment.executor import default_workers, now, run_tasks
from recsim.experiment.folder import RunFolder, checksum, plain_errors, write_table, write_text
from recsim.experiment.result import Result
from recsim.experiment.summary import summarise
from recsim.scenario import dump_yaml, fingerprint, realise
from recsim.scenario.schema import Scenario

Progress = Callable[[float, float, str], None]
SOURCES = ("kernels", "rng.py", "state.py", "ranking", "agents", "world", "scenario")
IMPRESSIONS_PER_SECOND = 2.2e6
"""Of one core, feed and counting, measured on the Romanian scenario; see docs/performance.md."""
SMALL_RUN = 20.0
"""Seconds below which starting worker processes costs more than they save."""
SECONDS_PER_STEP = 1.5e-3
"""Of one core, per step of one arm: item terms, retrieval, gates."""


def source_digest() -> str:
    """SHA-256 over the source files that decide results."""
    root = Path(__file__).resolve().parent.parent
    files = [
        f for name in SOURCES for f in ([root / name] if name.endswith(".py") else sorted((root / name).glob("*.py")))
    ]
    total = hashlib.sha256()
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def run_fingerprint(scenario: Scenario, fixed_parameters: bool) -> str:
    """What decides the numbers of a run; not workers, threads, folder or the number of replicates."""
    from recsim.world.plan import make_plan

    extra = {
        "sources": source_digest(), "policy": make_plan(scenario).compiled.digest,
        "numba": version("numba"), "numpy": version("numpy"), "fixed_parameters": str(fixed_parameters),
    }  # fmt: skip
    return fingerprint(scenario, extra)


def configured(
    scenario: Scenario, replicates: int | None, seed: int | None, policy: str | None, scale: float | None = None,
    dose: float | None = None,
) -> Scenario:  # fmt: skip
    """The scenario with command-line settings put in, validated again."""
    from recsim.scenario.dump import _plain
    from recsim.scenario.load import parse

    raw = _plain(scenario)
    wanted = {"replicates": replicates, "seed": seed}
    raw["run"].update({k: v for k, v in wanted.items() if v is not None})
    if policy is not None and policy != raw["platform"]["policy"]:
        raw["platform"].update(policy=policy, parameters={})
    if scale is not None:
        raw["population"]["scale"] = scale
    if dose is not None:
        raw["dose"] = {"value": dose, "evidence": "assumption", "source": "set on the command line"}
    return parse(raw, scenario.name)


def estimate(scenario: Scenario, workers: int | None = None) -> dict[str, float]:
    """Expected seconds and mebibytes of a run, without compiling; within about a factor of two."""
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
    cores = max(1, min(workers or default_workers(), scenario.run.replicates))
    items = scenario.content.items_per_day * scenario.days.count
    bytes_each = (
        250e6
        + items * 330
        + people
        * (scenario.content.items_per_day * scenario.content.lifetime_days / 8 + 12 * scenario.content.topics + 200)
        * 2
    )
    return {"seconds": total / cores + 15, "mebibytes": (1 + cores) * bytes_each / 2**20}


def simulate(scenario: Scenario, replicate: int, fixed: bool, threads: int, report=None) -> tuple:
    """One replicate in a worker: realise the ranged parameters, then simulate."""
    from recsim.world.pair import simulate_replicate

    outcome = simulate_replicate(
        realise(scenario, scenario.run.seed, replicate, fixed), replicate, threads=threads, report=report
    )
    return outcome.frames, outcome.meta


def run(
    scenario: Scenario, *, replicates: int | None = None, seed: int | None = None, policy: str | None = None,
    out: str | Path | None = None, workers: int | None = None, threads: int = 1, fixed_parameters: bool = False,
    resume: bool = False, force: bool = False, robustness: bool = True, progress: Progress | None = None,
    store: bool = True,
) -> Result:  # fmt: skip
    """Simulate all replicates and summarise them.

    Args:
        scenario: from `recsim.load`.
        replicates, seed, policy: override the scenario's.
        out: run directory itself; default ``runs/<name>-<fingerprint>``.
        workers: processes; default all cores. Never changes a result.
        threads: threads of each worker. Never changes a result.
        fixed_parameters: hold ranged parameters at their central values.
        resume: continue an unfinished run.
        force: run again in a new folder although the same run is complete.
        robustness: whether to make the table of other platform assumptions.
        progress: called with (done, total, text).
        store: whether to write a directory at all.

    Raises:
        InputError: bad settings, or a folder that holds something else.
    """
    began = now()
    scenario = configured(scenario, replicates, seed, policy)
    mark = run_fingerprint(scenario, fixed_parameters)
    folder = RunFolder(_folder(scenario, mark, out, force), mark) if store else None
    wanted = list(range(scenario.run.replicates))
    notes: list[str] = []
    if folder is not None and folder.path.exists() and folder.complete and not force:
        folder.claim(resume)
        stored = Result.load(folder.path)
        if stored.summary["replicates"] >= len(wanted):
            stored.notes.append(f"this run is complete; its stored result is shown ({folder.path})")
            return stored
        notes.append(f"adding replicates to the complete run in {folder.path}")
    if folder is not None:
        folder.claim(resume)
    with folder.lock() if folder is not None else contextlib.nullcontext():
        return _run(
            scenario, mark, folder, wanted, workers, threads, fixed_parameters, robustness, progress, began, notes
        )


def _folder(scenario: Scenario, mark: str, out: str | Path | None, force: bool) -> Path:
    path = Path(out) if out else Path("runs") / f"{scenario.name}-{mark[:12]}"
    if force and path.exists() and any(path.iterdir()):
        number = 2
        while path.with_name(f"{path.name}-{number}").exists():
            number += 1
        path = path.with_name(f"{path.name}-{number}")
    return path


def _run(scenario, mark, folder, wanted, workers, threads, fixed, robustness, progress, began, notes) -> Result:
    from recsim.world.pair import compiled_source, warm

    say = progress or (lambda done, total, text: None)
    cells = (
        other.cells(scenario)
        if robustness and scenario.audit.robustness.enabled and other.removed_campaigns(scenario)
        else []
    )
    extra = [(cell, k) for cell in cells for k in range(scenario.audit.robustness.replicates)]
    total = float(len(wanted)) + 0.1 * len(extra)
    say(0, total, "compiling")
    compile_s = warm(scenario)
    done: dict[int, tuple] = {}
    for number in wanted:
        stored = folder.fetch(number) if folder is not None else None
        if stored is not None:
            done[number] = stored
        elif folder is not None and number in folder.finished():
            notes.append(f"replicate {number} was damaged and is computed again")
    if done:
        notes.append(f"{len(done)} finished replicates taken over")
    todo = [n for n in wanted if n not in done]
    cores = workers or default_workers()
    if workers is None and estimate(scenario, 1)["seconds"] < SMALL_RUN:
        cores = 1
    start = now()
    tasks = [(scenario, n, fixed, threads) for n in todo]
    for number, (frames, meta) in run_tasks(
        simulate, tasks, cores, lambda d: say(len(wanted) - len(todo) + d, total, "replicates")
    ):
        if folder is not None:
            folder.store(todo[number], frames, meta)
        done[todo[number]] = (frames, meta)
    simulate_s = now() - start
    rows: list[dict] = []
    if cells:
        jobs = [(scenario, cell, k) for cell, k in extra]
        for _, part in sorted(
            run_tasks(
                other.simulate_cell, jobs, cores, lambda d: say(len(wanted) + 0.1 * d, total, "other assumptions")
            )
        ):
            rows.extend(part)
    table = other.table(rows) if rows else None
    frames = _joined(done, wanted)
    metas = [done[n][1] for n in wanted]
    impressions = sum(m["impressions"] for m in metas)
    timing = {
        "wall_s": now() - began, "simulate_s": simulate_s, "compile_s": compile_s, "impressions": impressions,
        "impressions_per_s": sum(done[n][1]["impressions"] for n in todo) / max(simulate_s, 1e-9),
        "peak_rss_mib": peak_rss_mib(min(cores, max(1, len(todo)))),
    }  # fmt: skip
    summary = summarise(scenario, frames, metas, mark, timing, table, fixed)
    result = Result(scenario, frames, summary, folder.path if folder is not None else None, table, notes=notes)
    if folder is not None:
        with plain_errors(folder.path):
            _write(folder, result, metas, compiled_source(scenario), fixed)
    say(total, total, "done")
    return result


def _joined(done: dict[int, tuple], wanted: list[int]) -> dict[str, pd.DataFrame]:
    names = list(done[wanted[0]][0])
    return {name: pd.concat([done[n][0][name] for n in wanted], ignore_index=True) for name in names}


def peak_rss_mib(workers: int) -> float:
    """Upper bound of the memory held at once: this process and ``workers`` times the largest worker, MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    return (mine + workers * child) / 2**20


def _git_commit() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=5, check=True
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _write(folder: RunFolder, result: Result, metas: list[dict], source: str, fixed: bool) -> None:
    """Everything but figures and the report; the summary last, since it marks the run as complete."""
    path = folder.path
    write_text(path / "scenario.yaml", dump_yaml(result.scenario))
    write_text(path / "policy_compiled.py", source)
    for name, frame in result.frames.items():
        write_table(path / f"{name}.parquet", frame)
    if result.robustness is not None:
        write_text(path / "robustness.csv", result.robustness.to_csv(index=False))
    write_text(path / "summary.csv", result.shift().to_csv(index=False))
    tables = [f"{name}.parquet" for name in result.frames]
    packages = (
        "recsim-audit",
        "numpy",
        "numba",
        "llvmlite",
        "mesa",
        "pandas",
        "pyarrow",
        "scipy",
        "pydantic",
        "matplotlib",
    )
    manifest: dict[str, Any] = {
        "fingerprint": folder.fingerprint, "seed": result.scenario.run.seed, "replicates": result.summary["replicates"],
        "fixed_parameters": fixed, "source_sha256": source_digest(), "git_commit": _git_commit(),
        "versions": {"python": machine.python_version(), **{p: _version(p) for p in packages}},
        "machine": {"system": machine.system(), "processor": machine.machine()},
        "bits": "same bits on any x86-64 or ARM machine, for any number of workers and threads",
        "tables": list(result.frames), "timing": result.summary["timing"], "replicate_meta": metas,
        "sha256": {n: checksum(path / n) for n in ["scenario.yaml", "policy_compiled.py", "summary.csv", *tables]},
    }  # fmt: skip
    write_text(path / "manifest.json", json.dumps(manifest, indent=1))
    write_text(path / "summary.json", json.dumps(result.summary, indent=1))
