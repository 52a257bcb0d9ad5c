"""What a study is: worlds to measure, what was published, and a verdict fixed beforehand."""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
import hashlib
import inspect
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import recsim
from recsim.errors import InputError
from recsim.experiment.executor import default_workers, run_tasks
from recsim.experiment.files import git_state
from recsim.experiment.run import configured, run_fingerprint
from recsim.metrics import interval
from recsim.scenario import load, parse, realise
from recsim.scenario.dump import _plain
from recsim.scenario.schema import Scenario

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "validation.yaml"


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the worlds of a study are.

    Attributes:
        replicates: independent worlds. overrides: settings of the scenario.
    """

    replicates: int
    overrides: tuple[str, ...] = ()


FULL = Size(12)
REDUCED = Size(4, ("population.scale=0.0005", "content.items_per_day=400", "content.real_items_per_day=400",
                   "content.creators=250", "days.start=2022-10-19"))  # fmt: skip
"""Half the people and the items, twelve days: enough for the direction of large effects."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One number beside what was published.

    Attributes:
        quantity: what was measured, with its unit.
        published: what the source says. source: who says it.
        observed: mean. low, high: 95 % interval over replicates.
        tolerance: what counts as agreement, fixed beforehand; empty: reported without a verdict.
        agrees: whether it does; None without a verdict.
        note: how it was measured, or why it differs.
        kind: "fitted" if the scenario was made to agree, "held out" if not; empty where nothing could be fitted.
        replicates: worlds behind it; 0: as many as the study has.
    """

    quantity: str
    published: str
    source: str
    observed: float
    low: float
    high: float
    tolerance: str
    agrees: bool | None
    note: str = ""
    kind: str = ""
    replicates: int = 0


@dataclasses.dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        name: of its files. title: as a heading. text: question and method, in Markdown.
        cells: from a size to scenarios by name, not realised; each says how many replicates it has.
        measure: figures of one replicate of a realised scenario; module-level, so that workers find it.
        judge: findings from a table (cell, replicate, figures).
        chart: the figure from the same table.
    """

    name: str
    title: str
    text: str
    cells: Callable[[Size], Mapping[str, Scenario]]
    measure: Callable[[Scenario, int], Mapping[str, float]]
    judge: Callable[[pd.DataFrame], list[Finding]]
    chart: Callable[[pd.DataFrame], Figure]


def base(size: Size, policy: str | None = None, overrides: Sequence[str] = (), config: Path = CONFIG) -> Scenario:
    """The scenario of the studies at a size, under a policy.

    Raises:
        InputError: an unknown setting or policy.
    """
    return configured(load(config, [*size.overrides, *overrides]), size.replicates, None, policy)


def with_campaign(scenario: Scenario, campaign: Mapping[str, Any]) -> Scenario:
    """The scenario with one campaign more."""
    raw = _plain(scenario)
    raw["campaigns"] = [*raw["campaigns"], dict(campaign)]
    return parse(raw, scenario.name)


def _measured(measure: Callable, scenario: Scenario, replicate: int, report: Callable[[float], None]) -> dict:
    """One replicate, ranged parameters drawn."""
    return dict(measure(realise(scenario, scenario.run.seed, replicate), replicate))


def table_of(study: Study, size: Size, workers: int | None = None) -> pd.DataFrame:
    """Figures of all cells and replicates: the same worlds in every cell, under another feed or with other actors."""
    cells = study.cells(size)
    most = max(cell.run.replicates for cell in cells.values())
    keys = [(name, r) for r in range(most) for name, cell in cells.items() if r < cell.run.replicates]
    tasks = [(study.measure, cells[name], r) for name, r in keys]
    rows: dict[int, dict] = {}
    for number, found in run_tasks(_measured, tasks, workers or default_workers(), lambda done: None):
        rows[number] = found
    return pd.DataFrame([{"cell": name, "replicate": r, **rows[k]} for k, (name, r) in enumerate(keys)])


WORDS = {"judge", "chart", "why_not", "_note", "TEXT", "WHY", "SOURCE", "FACTS", "PUBLISHED"}
"""What a study's file says about figures; the rest decides them."""


def deciding_code(source: str) -> str:
    """The part of a study's file that decides its figures: without docstrings, comments, verdicts, texts and pictures."""
    tree = ast.parse(source)
    kept = []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        named = {getattr(node, "name", None), *(getattr(target, "id", None) for target in targets)}
        if not named & WORDS:
            kept.append(node)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return "\n".join(ast.dump(node) for node in kept)


def fingerprint_of(study: Study, size: Size) -> str:
    """What decides the figures of a study: scenarios, engine, and the study's own code; 12 hexadecimal digits."""
    marks = {name: run_fingerprint(cell, False) for name, cell in study.cells(size).items()}
    own = inspect.getsource(inspect.getmodule(study.measure))  # type: ignore[arg-type]
    code = [deciding_code(text) for text in (own, (Path(__file__).parent / "exposures.py").read_text(encoding="utf-8"))]
    text = json.dumps([marks, code, size.replicates], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def carry_out(study: Study, size: Size, workers: int | None = None) -> tuple[list[dict], pd.DataFrame]:
    """Measure, judge, and put the records together.

    Returns:
        Records as `docs/validation/*.json` hold them, and the table they rest on. `commit` is None outside of a repository, and says
        where recsim's sources were not those of the commit; records of before 30 November 2026 have none.
    """
    began = time.perf_counter()
    table = table_of(study, size, workers)
    seconds = time.perf_counter() - began
    head = {"study": study.name}
    commit, changed = git_state()
    tail = {
        "version": recsim.__version__, "commit": commit and f"{commit}{' with changes' if changed else ''}", "fingerprint": fingerprint_of(study, size),
        "date": dt.date.today().isoformat(), "seconds": round(seconds, 1),
    }  # fmt: skip
    return [
        {**head, **_record(f), **tail, "replicates": f.replicates or size.replicates} for f in study.judge(table)
    ], table


def _record(finding: Finding) -> dict:
    f = finding
    agrees = None if f.agrees is None else bool(f.agrees)  # comparisons of NumPy numbers are not JSON
    return {
        "quantity": f.quantity, "published": f.published, "source": f.source, "observed": _short(f.observed),
        "interval": [_short(f.low), _short(f.high)], "tolerance": f.tolerance, "agrees": agrees, "note": f.note,
        **({"kind": f.kind} if f.kind else {}),
    }  # fmt: skip


def _short(value: float) -> float | None:
    """Six significant digits; None for what is undefined."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def wide(table: pd.DataFrame, cell: str, figure: str) -> np.ndarray:
    """(R,) a figure of one cell by replicate."""
    rows = table[table["cell"] == cell].sort_values("replicate")
    if rows.empty:
        raise InputError(f"got cell {cell!r}, which the study has not", "study")
    return rows[figure].to_numpy(float)


def ratio_pct(over: np.ndarray, under: np.ndarray) -> tuple[float, float, float]:
    """Per cent by which one figure exceeds another of the same worlds, with a 95 % interval.

    exp(mean of log(over / under)) - 1, Student's t on the logarithms over replicates.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = interval(np.log(over / under))
    return tuple(100 * (math.exp(v) - 1) for v in (t.mean, t.low, t.high))  # type: ignore[return-value]


def difference(over: np.ndarray, under: np.ndarray, scale: float = 1.0) -> tuple[float, float, float]:
    """Mean paired difference times ``scale``, with a 95 % t interval over replicates."""
    t = interval(scale * (over - under))
    return float(t.mean), float(t.low), float(t.high)
