"""The final files of a run directory, and what the manifest says about where they were made."""

from __future__ import annotations

import json
import platform as machine
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from recsim.experiment.folder import SUMS, write_table, write_text
from recsim.experiment.result import Result
from recsim.ranking import own_code, registry
from recsim.scenario import dump_yaml

PACKAGES = (
    "recsim-audit", "numpy", "numba", "llvmlite", "mesa", "pandas", "pyarrow", "scipy", "pydantic", "matplotlib",
)  # fmt: skip


def write_results(
    path: Path, result: Result, metas: list[dict], policy_source: str | None, source_sha256: str, summary_sha256: str,
    fixed: bool,
) -> None:  # fmt: skip
    """Everything but figures and the report; the summary last, since it marks the run as complete.

    Args:
        path: run directory.
        result: what is written.
        metas: one per replicate.
        policy_source: generated module of the policy, if there is one.
        source_sha256: of recsim's simulation sources.
        summary_sha256: of the further sources by which the summary was computed.
        fixed: whether ranged parameters were held at their central values.
    """
    sums = {"scenario.yaml": write_text(path / "scenario.yaml", dump_yaml(result.scenario))}
    if policy_source is not None:
        sums["policy_compiled.py"] = write_text(path / "policy_compiled.py", policy_source)
    for name, frame in result.frames.items():
        sums[f"{name}.parquet"] = write_table(path / f"{name}.parquet", frame)
    if result.robustness is not None:
        sums["robustness.csv"] = write_text(path / "robustness.csv", result.robustness.to_csv(index=False))
    sums["summary.csv"] = write_text(path / "summary.csv", result.shift().to_csv(index=False))
    for name, table in {"shift_by_replicate": result.by_replicate(), "draws": result.draws()}.items():
        if len(table):
            sums[f"{name}.csv"] = write_text(path / f"{name}.csv", table.to_csv(index=False))
    more = {"summary_sha256": summary_sha256, "tables": list(result.frames), "replicate_meta": metas}
    platform = result.scenario.platform
    write_last(
        path, "summary.json", result.summary, source_sha256, fixed, more, sums, [platform.policy], platform.rerank
    )  # fmt: skip


def write_last(
    path: Path, last: str, summary: dict[str, Any], source_sha256: str, fixed: bool, more: dict[str, Any],
    sums: dict[str, str], policies: Iterable[str], rerank: Iterable[str] | None = None,
) -> None:  # fmt: skip
    """Write ``manifest.json`` and then the file that marks the folder as complete.

    Args:
        path: run directory.
        last: name of that file. summary: its content; ``fingerprint``, ``seed``, ``replicates`` and ``timing`` also go
            into the manifest.
        source_sha256: of recsim's simulation sources.
        fixed: whether ranged parameters were held at their central values.
        more: further entries of the manifest.
        sums: SHA-256 of every file written so far, by name.
        policies: names of the policies; the packages whose solvers they call weaken the promise of the same bits. The
            source files of those from outside recsim are kept in ``policies/``.
        rerank: names of the re-rankers, None if there are none.
    """
    policies = list(policies)
    (path / SUMS).unlink(missing_ok=True)  # of what was here before; whoever writes the page makes it anew
    for name, text in own_code.files_of([*policies, *(rerank or ())]).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        sums[name] = write_text(path / name, text)
    commit, changed = git_state()
    outside = tuple(sorted({package for name in policies for package in registry.get(name).outside}))
    manifest: dict[str, Any] = {
        "fingerprint": summary["fingerprint"], "seed": summary["seed"], "replicates": summary["replicates"],
        "fixed_parameters": fixed, "source_sha256": source_sha256,
        "git_commit": commit, "git_uncommitted_changes": changed,
        "versions": {"python": machine.python_version(), **{p: _version(p) for p in (*PACKAGES, *outside)}},
        "machine": {"system": machine.system(), "processor": machine.machine()},
        "bits": f"same bits {promise(outside)}, for any number of workers and threads",
        **more, "timing": summary["timing"], "sha256": sums,
    }  # fmt: skip
    write_text(path / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    write_text(path / last, json.dumps(summary, indent=1, allow_nan=False) + "\n")


def promise(outside: tuple[str, ...]) -> str:
    """Where a run gives the same bits again: everywhere, unless its policy calls the solver of another package."""
    if outside:
        return f"on the same machine with the same versions only (the policy calls {' and '.join(outside)})"
    return "on any x86-64 or ARM machine"


def peak_rss_mib(workers: int) -> float:
    """Upper bound of the memory held at once: this process and ``workers`` times the largest worker, MiB.

    NaN where the system does not tell.
    """
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    return (mine + workers * child) / 2**20


def commit_text() -> str | None:
    """`git_state` in words, for a record: the commit, and whether the sources differ from it."""
    commit, changed = git_state()
    return commit and f"{commit}{' with changes' if changed else ''}"


def git_state() -> tuple[str | None, bool | None]:
    """Commit of the repository that holds recsim's sources, and whether they differ from it; None outside of one."""
    package = Path(__file__).resolve().parent.parent

    def ask(*words: str) -> str:
        call = ["git", "-C", str(package), *words]
        return subprocess.run(call, capture_output=True, text=True, timeout=5, check=True).stdout.strip()

    try:
        if Path(ask("rev-parse", "--show-toplevel")).resolve() != package.parent:
            return None, None  # installed inside somebody else's repository
        return ask("rev-parse", "HEAD"), bool(ask("status", "--porcelain", "--", "."))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
