"""One replicate of one cell: what is kept of it, under which name, and where it is never computed twice."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recsim.experiment.contrasts import COSTS
from recsim.experiment.folder import plain_errors, write_bytes
from recsim.experiment.parameter_sets import check_members
from recsim.experiment.summary import ARMS, Counts, removed_campaigns, without_ads
from recsim.experiment.task import engine_mark
from recsim.ranking import registry
from recsim.ranking.policy import Policy
from recsim.scenario.dump import _Flow, _plain, _same_numbers
from recsim.scenario.schema import Scenario

FACTS = (*COSTS, "candidate_feed_share", "candidate_exposure_top1_share", "largest_reach", "empty_share")
"""Figures of the world with the campaigns that every row carries, as ``fact_<name>``."""
FORM = 1
"""Of what is kept; another number is another cell."""
KEPT_META = ("impressions", "people", "fork_day", "replicate", "steps")


def bare(scenario: Scenario) -> Scenario:
    """The scenario without what decides no number of a cell: shadows, other assumptions, opinion, targets."""
    audit = scenario.audit
    robustness = audit.robustness.model_copy(update={"enabled": False})
    return scenario.model_copy(
        update={
            "audit": audit.model_copy(update={"shadows": [], "robustness": robustness}),
            "opinion": scenario.opinion.model_copy(update={"enabled": False}), "targets": [],
        }
    )  # fmt: skip


class Marks:
    """Names of cells: what decides their numbers, and nothing else.

    Unlike the fingerprint of a run, a mark leaves out names, titles, evidence, sources and everything under `audit`,
    so that a cell is found again by another study, whatever it is called there.

    Args:
        fixed: whether ranged parameters are held at their central values.
        simulate: another engine, or None.
    """

    def __init__(self, fixed: bool, simulate: Any = None) -> None:
        from recsim.experiment.run import source_digest

        self.fixed = fixed
        self.common = {
            "form": str(FORM), "sources": source_digest(), "numba": version("numba"), "numpy": version("numpy"),
            "fixed_parameters": str(fixed),
        }  # fmt: skip
        if simulate is not None:
            self.common["simulate"] = engine_mark(simulate)
        self.digests: dict[str, str] = {}
        self.policies: dict[str, Policy] = {}

    def digest(self, scenario: Scenario) -> str:
        """What decides the policy's code; looked up once for everything that it can hang on.

        Values of parameters are looked at every time: the code does not hang on them, but a world would end by them.

        Raises:
            InputError: an unknown policy or parameter, or a value that the parameter cannot have.
        """
        from recsim.world.plan import make_plan

        p = scenario.platform
        name = json.dumps([p.policy, p.rerank, p.rerank_top])
        if name not in self.policies:
            self.policies[name] = registry.configured(p.policy, p.rerank, p.rerank_top)
        values = {parameter: q.ends for parameter, q in p.parameters.items()}
        registry.check_parameters(self.policies[name], values, "platform.parameters")
        key = json.dumps(
            [
                p.policy, p.rerank, p.rerank_top, p.predictor.kind, sorted(p.parameters),
                _plain(p.mitigations), _plain(scenario.moderation.detectors),
            ]
        )  # fmt: skip
        if key not in self.digests:
            self.digests[key] = make_plan(scenario).digest
            check_members(scenario)
        return self.digests[key]

    def mark(self, scenario: Scenario) -> str:
        """SHA-256 of what decides the numbers of a cell.

        Raises:
            InputError: as of `digest`.
        """
        content = _same_numbers(_numbers(_plain(scenario)))
        for name in ("name", "title", "targets", "audit", "opinion"):
            content.pop(name)
        content["run"].pop("replicates")
        text = json.dumps([content, {**self.common, "policy": self.digest(scenario)}], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _numbers(value: Any) -> Any:
    """A plain scenario with quantities reduced to what is drawn from."""
    if isinstance(value, _Flow):
        return {k: v for k, v in value.items() if k not in ("evidence", "source")}
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return value


def rows_of(scenario: Scenario, outcome: Any) -> dict[str, pd.DataFrame]:
    """What is kept of a replicate: one row per luck branch and candidate, of the campaign window.

    Impressions and actions are real units, shares and reach fractions, shifts percentage points, facts of the world with
    the campaigns; NaN where a world has no such figure.
    """
    frames, replicate = outcome.frames, outcome.meta["replicate"]
    names, branches = [c.id for c in scenario.candidates], scenario.run.luck_branches
    weight = 1.0 / scenario.population.scale
    counts = Counts(frames["exposure"], names, [replicate], branches)
    x, p = counts.impressions[0] * weight, counts.shares[0]
    reach = _reach(frames["reach"], names, branches)
    acts = without_ads(frames["campaigns"])
    acts = acts[
        (acts["arm"].astype(str) == "factual") & acts["campaign"].isin([c.id for c in removed_campaigns(scenario)])
    ]
    sums = acts.groupby("branch")[["counted"]].sum().reindex(range(branches), fill_value=0.0)
    facts = frames["facts"]
    facts = facts[facts["arm"].astype(str) == "factual"].astype({"name": str})
    wide = facts.pivot_table(index="branch", columns="name", values="value").reindex(
        index=range(branches), columns=FACTS
    )
    rows: dict[str, Any] = {
        "replicate": np.full(branches * len(names), replicate, np.int32),
        "branch": np.repeat(np.arange(branches, dtype=np.int16), len(names)),
        "candidate": names * branches,
    }  # fmt: skip
    for a, arm in enumerate(ARMS):
        rows[f"share_{arm}"] = p[:, a].ravel()
    rows["shift_pp"] = 100 * (p[:, 0] - p[:, 1]).ravel()
    for a, arm in enumerate(ARMS):
        rows[f"impressions_{arm}"] = x[:, a].ravel()
    for a, arm in enumerate(ARMS):
        rows[f"comment_exposures_{arm}"] = counts.comments[0, :, a].ravel() * weight
    for a, arm in enumerate(ARMS):
        rows[f"reach_{arm}"] = reach[:, a].ravel()
    rows["inauthentic_actions"] = np.repeat(sums["counted"].to_numpy(float) * weight, len(names))
    for name in FACTS:
        rows[f"fact_{name}"] = np.repeat(wide[name].to_numpy(float), len(names))
    return {"cell": pd.DataFrame(rows)}


def _reach(frame: pd.DataFrame, names: list[str], branches: int) -> np.ndarray:
    """(B, 2, C) part of the people who saw anything about a candidate in the window; NaN where it was not counted."""
    sums = (
        frame.astype({"arm": str, "candidate": str})
        .groupby(["branch", "arm", "candidate"])[["people_reached", "people"]]
        .sum()
    )
    full = pd.MultiIndex.from_product([range(branches), ARMS, names], names=["branch", "arm", "candidate"])
    sums = sums.reindex(full)
    return (sums["people_reached"] / sums["people"]).to_numpy(float).reshape(branches, len(ARMS), len(names))


class CellCache:
    """Finished replicates of cells in a folder, ``<mark>/<replicate>.parquet``; studies share it.

    A file appears whole or not at all; its pages carry checksums, and one that is damaged counts as missing.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _file(self, kind: str, number: int) -> Path:
        return self.path / kind[:2] / kind / f"{number:05d}.parquet"

    def has(self, number: int, kind: str) -> bool:
        """Whether there is a file, whole or not."""
        return self._file(kind, number).exists()

    def store(self, number: int, frames: dict[str, pd.DataFrame], meta: dict[str, Any], kind: str) -> None:
        """Keep one replicate of the cell with mark ``kind``."""
        table = pa.Table.from_pandas(frames["cell"], preserve_index=False)
        kept = json.dumps({name: meta[name] for name in KEPT_META if name in meta})
        table = table.replace_schema_metadata({"recsim": kept})
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, write_page_checksum=True, compression="zstd")
        target = self._file(kind, number)
        with plain_errors(self.path):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(target, buffer.getvalue().to_pybytes())

    def fetch(self, number: int, kind: str) -> tuple[dict[str, pd.DataFrame], dict[str, Any]] | None:
        """One stored replicate, or None if it is missing or damaged."""
        try:
            content = self._file(kind, number).read_bytes()
            table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
            meta = json.loads(table.schema.metadata[b"recsim"])
            return {"cell": table.replace_schema_metadata(None).to_pandas()}, meta
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            return None
