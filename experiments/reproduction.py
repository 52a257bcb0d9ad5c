"""What the reproductions of other groups' results share: cells kept one by one, records, means with their error.

A *cell* is a name, a scenario and the arms to simulate; each of its runs is kept in ``<out>/runs/<cell>/<replicate>.json``
under the scenario's fingerprint, so that an interrupted reproduction goes on where it stopped and another fingerprint
starts anew. A *record* is one comparison: see `record`.
"""

from __future__ import annotations

import csv
import datetime
import functools
import json
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import recsim
from recsim.experiment.executor import default_workers
from recsim.experiment.files import git_state
from recsim.experiment.folder import write_text
from recsim.experiment.follow import follow_fingerprint, warm
from recsim.metrics import interval
from recsim.scenario.follow import FollowScenario

FIELDS = (
    "study", "quantity", "published", "source", "observed", "standard_error", "interval", "runs", "tolerance", "agrees",
    "note", "version", "commit", "fingerprint", "date", "seconds",
)  # fmt: skip


class Cell(NamedTuple):
    """One setting."""

    name: str
    scenario: FollowScenario
    arms: tuple[str, ...]


Measure = Callable[[FollowScenario, int, tuple[str, ...]], dict[str, float]]


def _work(measure: Measure, cells: Sequence[Cell], marks: Sequence[str], replicate: int, folder: Path) -> int:
    """All missing cells of one replicate, one after another: they share its graph."""
    for cell, mark in zip(cells, marks, strict=True):
        began = time.perf_counter()
        found = measure(cell.scenario, replicate, cell.arms)
        kept = {"fingerprint": mark, "seconds": time.perf_counter() - began, **found}
        path = folder / "runs" / cell.name / f"{replicate:03d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(kept) + "\n")
    return len(cells)


def _stored(folder: Path, cell: Cell, mark: str, replicate: int) -> dict[str, Any] | None:
    path = folder / "runs" / cell.name / f"{replicate:03d}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    return found if found["fingerprint"] == mark else None


def measured(
    measure: Measure, groups: Sequence[Sequence[Cell]], runs: int, folder: Path, workers: int | None = None
) -> dict[str, dict[str, Any]]:
    """Simulate what is missing and give all of it.

    Args:
        measure: module-level; named numbers of one run.
        groups: cells of which each group shares its graph.
        runs: replicates of each cell.
        folder: where runs are kept.
        workers: processes; default all cores.

    Returns:
        By cell: fingerprint, seconds, and (runs,) arrays by name.
    """
    marks = {cell.name: follow_fingerprint(cell.scenario, False) for group in groups for cell in group}
    tasks = []
    for replicate in range(runs):
        for group in groups:
            todo = [c for c in group if _stored(folder, c, marks[c.name], replicate) is None]
            if todo:
                tasks.append((measure, todo, [marks[c.name] for c in todo], replicate, folder))
    if tasks:
        warm(groups[0][0].scenario)
        total, done, began = sum(len(t[1]) for t in tasks), 0, time.perf_counter()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers or default_workers(), mp_context=context) as pool:
            for future in as_completed([pool.submit(_work, *task) for task in tasks]):
                done += future.result()
                print(f"{done} of {total} runs after {time.perf_counter() - began:.0f} s", flush=True)
    out: dict[str, dict[str, Any]] = {}
    for group in groups:
        for cell in group:
            rows = [_stored(folder, cell, marks[cell.name], k) for k in range(runs)]
            assert all(row is not None for row in rows)
            kept = [row for row in rows if row is not None]
            names = [n for n in kept[0] if n not in ("fingerprint", "seconds")]
            out[cell.name] = {n: np.array([row[n] for row in kept], float) for n in names}
            out[cell.name] |= {"fingerprint": marks[cell.name], "seconds": sum(row["seconds"] for row in kept)}
    return out


def standard_error(values: np.ndarray) -> float | None:
    """Standard error of the mean, None with one value."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def beyond(one: np.ndarray, other: np.ndarray) -> int:
    """1 if the first mean lies above the second by more than twice the error of their difference, -1 if below, else 0."""
    off = float(np.mean(one) - np.mean(other))
    errors = standard_error(one), standard_error(other)
    if errors[0] is None or errors[1] is None or abs(off) <= 2 * float(np.hypot(*errors)) + 1e-9:
        return 0
    return 1 if off > 0 else -1


def record(
    study: str, quantity: str, values: np.ndarray | float, *, published: float | None = None, source: str = "",
    tolerance: float | None = None, inert: float | None = None, agrees: bool | None = None, note: str = "", fingerprint: str = "",
    seconds: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """One comparison with a published value, or a prediction where there is none.

    Args:
        study, quantity: what was reproduced.
        values: one per run, or one number.
        published, source: value and where it stands; neither: prediction.
        tolerance: largest difference that counts as agreement; never more than half of the published effect.
        inert: the value if nothing had any effect, from which the published effect is counted. There is no verdict if the 95 %
            interval reaches further than half of that effect: the same runs could then not tell it from none.
        agrees: for statements without a number; else worked out from the tolerance.
        note: what the reader must know.
    """
    x = np.atleast_1d(np.asarray(values, float))
    error, t = standard_error(x), interval(x)
    if agrees is None and published is not None and tolerance is not None:
        half = round(abs(published - inert) / 2, 6) if inert is not None else math.inf
        tolerance = min(tolerance, half)
        if error is not None and t.high - t.mean > half:
            note = f"too small to tell: half of the published effect is {half:.3g}, half of the interval here {t.high - t.mean:.3g}; {note}".rstrip(
                "; "
            )
        else:
            agrees = bool(abs(t.mean - published) <= tolerance)
    if published is None and agrees is None and not source:
        note = f"prediction: no published value at hand; {note}".rstrip("; ")
    return {
        "study": study, "quantity": quantity, "published": published, "source": source, "observed": t.mean,
        "standard_error": error, "interval": None if error is None else [t.low, t.high],
        "runs": len(x), "tolerance": tolerance,
        "agrees": None if agrees is None else bool(agrees), "note": note, "version": recsim.__version__, "commit": _commit(),
        "fingerprint": fingerprint, "date": datetime.date.today().isoformat(), "seconds": round(seconds, 1),
    }  # fmt: skip


@functools.cache
def _commit() -> str | None:
    """Commit of recsim's sources, and whether they differ from it; asked once."""
    commit, changed = git_state()
    return commit and f"{commit}{' with changes' if changed else ''}"


def write_records(folder: Path, name: str, records: list[dict[str, Any]]) -> None:
    """Write ``<name>.json`` and ``<name>.csv``."""
    write_text(folder / f"{name}.json", json.dumps(records, indent=1) + "\n")
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(records)


def print_records(records: list[dict[str, Any]]) -> None:
    """Print what was compared, one line each."""
    for r in records:
        error = "" if r["standard_error"] is None else f" +/- {r['standard_error']:.4f}"
        against = "prediction" if r["published"] is None and r["agrees"] is None else f"published {r['published']}"
        if r["agrees"] is not None:
            against += ", agrees" if r["agrees"] else ", DOES NOT AGREE"
        print(f"{r['study']}: {r['quantity']}: {r['observed']:.4f}{error} ({against})")
