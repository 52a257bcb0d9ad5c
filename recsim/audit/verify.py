"""Is a stored run what it says it is: unchanged, of these sources, and the same when it is done again?"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim.errors import InputError
from recsim.experiment.files import promise
from recsim.experiment.folder import RunFolder, read_csv, readable
from recsim.experiment.held import no_folder
from recsim.experiment.result import Result
from recsim.experiment.run import run_fingerprint, source_digest, summary_digest
from recsim.experiment.summary import summarise
from recsim.experiment.sums import SHOWN, compare_sums
from recsim.experiment.tasks import Progress, Simulate, do_task, joined
from recsim.ranking import own_code
from recsim.scenario.load import is_follow, read_scenario

TOLERANCE = 1e-9
"""Relative: of summaries, and of tables where the manifest promises the same bits on the same machine only."""


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        check: what.
        passed: whether it is as it should be; None if it could not be looked at.
        detail: one line.
    """

    check: str
    passed: bool | None
    detail: str


def verify(
    folder: str | Path, replicate: int | None = None, again: bool = True, simulate: Simulate | None = None,
    progress: Progress | None = None, found: Callable[[Finding], None] | None = None,
) -> list[Finding]:  # fmt: skip
    """Look at a stored run.

    Args:
        folder: run directory.
        replicate: which to do again; default one by chance.
        again: whether one is done again at all.
        simulate: another engine, as of `recsim.run`.
        progress: called with (done, total, text) while a replicate is done again.
        found: told every finding as soon as it is known.

    Returns:
        Findings in order: files, tables, summary, fingerprint, and a replicate done again. What rests on a failed one is left
        out; what only the recsim that made the run can say is not looked at by another.

    Raises:
        InputError: the folder holds no result of recsim, or there is no such replicate.
    """
    out = []
    for one in _findings(Path(folder), replicate, again, simulate, progress):
        out.append(one)
        if found is not None:
            found(one)
    return out


def _findings(
    folder: Path, replicate: int | None, again: bool, simulate: Simulate | None, progress: Progress | None
) -> Iterator[Finding]:
    """What `verify` returns, one by one."""
    if not folder.is_dir():
        raise no_folder(folder)
    sums = compare_sums(folder)
    yield Finding("files", sums.none, sums.text or "every file is as it was written")
    if not sums.none:
        return
    if not (folder / "summary.json").is_file():
        yield Finding("replicate", None, "no run: what else is in the folder is not done again")
        return
    if is_follow(read_scenario(folder / "scenario.yaml")[0]):
        yield Finding("replicate", None, "a follow-graph world: its replicates are not done again")
        return
    result = Result.load(folder)
    with readable(folder, "run"):
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stored = RunFolder(folder, manifest["fingerprint"])
    passed = [tables := _tables(result, manifest, stored)]
    yield tables
    if tables.passed:
        passed.append(_summary(result, manifest))
        yield passed[-1]
    platform = result.scenario.platform
    try:
        own_code.refuse([platform.policy, *(platform.rerank or [])], folder)
    except InputError as error:
        yield Finding("policy", None, error.message)
        return
    made_by = _made_by(result, manifest, simulate)
    yield made_by
    if again and made_by.passed and all(f.passed is not False for f in passed):
        yield _again(result, manifest, stored, replicate, simulate, progress)


def _tables(result: Result, manifest: dict[str, Any], stored: RunFolder) -> Finding:
    """Whether the tables are those of the replicates."""
    parts = [stored.fetch(n) for n in range(manifest["replicates"])]
    if any(part is None for part in parts):
        return Finding("tables", False, f"replicate {parts.index(None)} is missing or damaged")
    frames = joined([part[0] for part in parts if part is not None])
    for name, frame in result.frames.items():
        if not _same(frames.get(name), frame, 0.0):
            return Finding("tables", False, f"{name}.parquet is not what the replicates say")
    return Finding("tables", True, f"{len(frames)} tables of {len(parts)} replicates agree")


def _same_summary(manifest: dict[str, Any]) -> bool:
    """Whether this recsim computes summaries as the one that made the run did."""
    return (manifest.get("summary_sha256"), manifest["source_sha256"]) == (summary_digest(), source_digest())


def _summary(result: Result, manifest: dict[str, Any]) -> Finding:
    """Whether the summary is what the tables say, if this recsim computes it as the one that made the run did."""
    if not _same_summary(manifest):
        return Finding("summary", None, "made by another recsim, which may compute it otherwise: it is not compared")
    said = result.summary
    again = summarise(
        result.scenario, result.frames, manifest["replicate_meta"], said["fingerprint"], said["timing"],
        result.robustness, manifest["fixed_parameters"],
    )  # fmt: skip
    other = [key for key in {**said, **again} if not _agree(said.get(key), again.get(key))]
    if other:
        return Finding("summary", False, f"summary.json is not what the tables say: {', '.join(other[:SHOWN])}")
    assert result.folder is not None
    for name, made in {"shift_by_replicate.csv": result.by_replicate, "draws.csv": result.draws}.items():
        if name in manifest["sha256"] and not _same(read_csv(result.folder / name), made(), TOLERANCE):
            return Finding("summary", False, f"{name} is not what tables and scenario say")
    return Finding("summary", True, "summary.json is what the tables say")


def _agree(a: Any, b: Any) -> bool:
    """Whether two parts of a summary are the same; last bits of its statistics may hang on the machine and on scipy."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_agree(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_agree, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(a == b)


def _made_by(result: Result, manifest: dict[str, Any], simulate: Simulate | None) -> Finding:
    sources, now = manifest["source_sha256"], source_digest()
    if sources != now:
        where = f" at commit {manifest['git_commit'][:12]}" if manifest.get("git_commit") else ""
        text = f"made by other sources{where} ({sources[:12]}, here {now[:12]}): a replicate cannot be compared here"
        return Finding("sources", None, text)
    mark = run_fingerprint(result.scenario, manifest["fixed_parameters"], simulate)
    same = mark == manifest["fingerprint"]
    versions = ", ".join(f"{name} {manifest['versions'].get(name)}" for name in ("numba", "numpy"))
    text = "scenario, policy, sources and versions give the fingerprint" if same else (
        f"scenario, policy, sources or versions ({versions}) give another fingerprint ({mark[:12]})"
    )  # fmt: skip
    return Finding("fingerprint", same, text)


def _again(
    result: Result, manifest: dict[str, Any], stored: RunFolder, replicate: int | None, simulate: Simulate | None,
    progress: Progress | None = None,
) -> Finding:  # fmt: skip
    count = manifest["replicates"]
    if replicate is not None and not 0 <= replicate < count:
        raise InputError(f"got {replicate}, must be 0 to {count - 1}", "--replicate")
    # Any one would do; by chance, so that nobody can prepare for it.
    number = random.SystemRandom().randrange(count) if replicate is None else replicate
    before = stored.fetch(number)
    assert before is not None
    say = progress or (lambda done, total, text: None)
    frames, _ = do_task(
        simulate, result.scenario, None, number, manifest["fixed_parameters"], threads=1,
        report=lambda fraction: say(fraction, 1.0, f"replicate {number} again"),
    )  # fmt: skip
    everywhere = promise(()) in manifest["bits"]
    for name, frame in before[0].items():
        if not _same(joined([{name: frames[name]}])[name], joined([{name: frame}])[name], 0.0 if everywhere else TOLERANCE):  # fmt: skip
            return Finding("replicate", False, f"replicate {number}, done again, has another {name}")
    how = "bit for bit" if everywhere else f"within {TOLERANCE:g} (its policy promises no more)"
    return Finding("replicate", True, f"replicate {number}, done again, is the same {how}")


def _same(a: pd.DataFrame | None, b: pd.DataFrame, tolerance: float) -> bool:
    if a is None or list(a.columns) != list(b.columns) or len(a) != len(b):
        return False
    for name in a.columns:
        x, y = a[name].to_numpy(), b[name].to_numpy()
        if tolerance and np.issubdtype(x.dtype, np.floating):
            if not np.allclose(x, y, rtol=tolerance, atol=0, equal_nan=True):
                return False
        elif not pd.Series(x).astype(object).equals(pd.Series(y).astype(object)):
            return False
    return True
