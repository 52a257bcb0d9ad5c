"""The same worlds under several policies: every replicate of every policy is a task, stored as it finishes."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recsim.errors import InputError
from recsim.experiment.comparison import LAST, Comparison, replicate_tables
from recsim.experiment.contrasts import Cell, needed, summarise_comparison
from recsim.experiment.files import write_last
from recsim.experiment.folder import RunFolder, plain_errors, write_text
from recsim.experiment.run import (
    configured,
    estimate,
    expected_work,
    policy_source,
    run_fingerprint,
    source_digest,
)
from recsim.experiment.summary import removed_campaigns
from recsim.experiment.tasks import (
    Progress,
    Session,
    Simulate,
    Stored,
    Task,
    compiling,
    folder_path,
    joined,
    plain_name,
)
from recsim.experiment.under_policy import names_of, under_policy
from recsim.ranking import registry
from recsim.ranking.policy import Policy
from recsim.ranking.presets import PRESETS
from recsim.scenario import dump_yaml
from recsim.scenario.schema import Scenario

COMPILE_S = 2.0
"""Seconds to compile the score loop of one more policy; none if it is in the cache."""


def chosen(scenario: Scenario, policies: str | Sequence[str]) -> list[str]:
    """Names of the policies to compare, in alphabetical order, the scenario's own among them.

    Args:
        scenario: its own policy is the one all others are compared with.
        policies: names or package.module:function; "all": every preset whose package is installed.

    Raises:
        InputError: an unknown policy, the same twice, fewer than two, or no campaign to remove.
    """
    own = scenario.platform.policy
    if not removed_campaigns(scenario):
        raise InputError(
            "no campaign is removed in the counterfactual, so no policy can show a shift; add a campaign, or give one "
            "a counterfactual other than 'kept'",
            "campaigns",
        )
    given = [policies] if isinstance(policies, str) else list(policies)
    for number, name in enumerate(given):
        if name in given[:number]:
            raise InputError(f"got {name!r} twice; name each policy once", "policies")
    names = sorted({*asked_for(policies), own})
    for name in names:
        registry.get(name)
    if len(names) < 2:
        raise InputError(f"got {own!r} only; name at least one other policy, or all", "policies")
    return names


def asked_for(policies: str | Sequence[str]) -> set[str]:
    """The names given, "all" among them standing for every preset whose optional package is installed."""
    given = {policies} if isinstance(policies, str) else set(policies)
    return given - {"all"} | (set(registry.installed()) if "all" in given else set())


def cell_scenario(scenario: Scenario, policy: str) -> Scenario:
    """The scenario under another policy, as of `under_policy`; without the table of other assumptions, shadows and the layer of
    opinion.
    """
    scenario = under_policy(scenario, policy)
    audit = scenario.audit
    robustness = audit.robustness.model_copy(update={"enabled": False})
    return scenario.model_copy(
        update={
            "audit": audit.model_copy(update={"robustness": robustness, "shadows": []}),
            "opinion": scenario.opinion.model_copy(update={"enabled": False}),
        }
    )


def expected(scenario: Scenario, policies: Sequence[str], workers: int | None = None) -> dict[str, float]:
    """Expected seconds and mebibytes of a comparison, compiling included; within about a factor of two."""
    one = cell_scenario(scenario, scenario.platform.policy)
    run = one.run.model_copy(update={"replicates": one.run.replicates * len(policies)})
    found = estimate(one.model_copy(update={"run": run}), workers)
    return {**found, "seconds": found["seconds"] + COMPILE_S * (len(policies) - 1)}


def folder_of(policy: str) -> str:
    """Name of the folder that keeps a policy's replicates."""
    return "policy-" + plain_name(policy)


def compare(
    scenario: Scenario, *, policies: str | Policy | Sequence[str | Policy] = "all", replicates: int | None = None,
    seed: int | None = None, out: str | Path | None = None, workers: int | None = None, threads: int | None = None,
    fixed_parameters: bool = False, resume: bool = False, force: bool = False, progress: Progress | None = None,
    store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
) -> Comparison:  # fmt: skip
    """Simulate the same worlds under several policies and say how far the campaigns move exposure under each.

    Worlds are the same: seed and replicate numbers, hence people, supply, luck and drawn parameters, are shared.

    Args:
        scenario: from `recsim.load`; its own policy is the one all others are compared with, and is always among them.
        policies: names, ``package.module:function``, or policies themselves (as of `recsim.run`); "all": every preset whose
            optional package is installed.
        replicates, seed: override the scenario's.
        out: directory itself; default ``runs/compare-<name>-<fingerprint>``.
        workers, threads, fixed_parameters, resume, force, progress, store, simulate, cluster: as in `recsim.run`.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    session = Session(simulate, fixed_parameters, workers, threads, progress, cluster)
    scenario = configured(scenario, replicates, seed, None)
    policies = names_of(policies)
    names = chosen(scenario, policies)
    own = scenario.platform.policy
    if own not in asked_for(policies):
        session.notes.append(f"the scenario's own policy {own} is added: all others are compared with it")
    if "all" in ({policies} if isinstance(policies, str) else set(policies)):
        for name in sorted(set(PRESETS) - set(registry.installed()) - set(names)):
            needs = ", ".join(registry.missing(PRESETS[name]))
            session.notes.append(f"{name} is left out: it needs {needs}; pip install -c constraints.txt -e '.[{name}]'")
    cells = {name: cell_scenario(scenario, name) for name in names}
    with compiling(simulate, scenario) as session.compiled:
        marks = {name: run_fingerprint(cell, fixed_parameters, simulate) for name, cell in cells.items()}
        mark = hashlib.sha256(json.dumps([own, marks], sort_keys=True).encode()).hexdigest()
        work = Work(scenario, cells, mark, session)
        if not store:
            return work.finish(None)
        folder = RunFolder(folder_path(f"compare-{scenario.name}", mark, out, force), mark, LAST)
        folder.inspect()
        stored = session.stored(folder, Comparison.load, scenario.run.replicates, "comparison")
        if stored is not None:
            return stored
        work.scenario = session.with_all(scenario)
        with folder.lock():
            folder.claim(resume, [folder_of(name) for name in names])
            return work.finish(folder)


@dataclasses.dataclass
class Work:
    """One comparison: what is wanted and how to get it."""

    scenario: Scenario
    cells: dict[str, Scenario]
    mark: str
    session: Session

    def finish(self, folder: RunFolder | None) -> Comparison:
        """Do what is not stored yet, put everything together, write it."""
        session, wanted = self.session, range(self.scenario.run.replicates)
        done: dict[str, dict[int, Stored]] = {}
        for name in self.cells:
            found = session.taken_over(folder, folder_of(name), len(wanted), f"{name}: replicate")
            done[name] = {n: (needed(frames), meta) for n, (frames, meta) in found.items()}
        if before := sum(map(len, done.values())):
            session.notes.append(f"{before} finished replicates taken over")
        # One replicate of every policy after the other: what is stored when it stops can be compared.
        todo = [
            Task(folder_of(name), n, cell, n, text=name[:18])
            for n in wanted for name, cell in self.cells.items() if n not in done[name]
        ]  # fmt: skip
        total, seconds = float(len(wanted) * len(self.cells)), expected_work(next(iter(self.cells.values())))
        with contextlib.closing(session.do(todo, total, seconds * len(self.cells), folder)) as results:
            for task, (frames, meta) in results:
                done[task.scenario.platform.policy][task.number] = (needed(frames), meta)
        whole = {}
        for name, scenario in self.cells.items():
            parts = [done[name][n] for n in wanted]
            whole[name] = Cell(scenario, joined([frames for frames, _ in parts]), [meta for _, meta in parts])
        timing = session.timing(sum(m["impressions"] for cell in whole.values() for m in cell.metas))
        summary = summarise_comparison(self.scenario, whole, self.mark, timing, session.fixed)
        path = folder.path if folder is not None else None
        result = Comparison(self.scenario, summary, replicate_tables(self.scenario, whole), path, notes=session.notes)
        if path is not None:
            with plain_errors(path):
                self._write(result, path, {name: cell.metas for name, cell in whole.items()})
        return result

    def _write(self, result: Comparison, path: Path, metas: dict[str, list[dict]]) -> None:
        """Everything but figures and the page; compare.json last, since it marks the comparison as complete."""
        texts = {
            "scenario.yaml": dump_yaml(self.scenario),
            "compare.csv": result.shift().to_csv(index=False),
            "policies.csv": result.table().to_csv(index=False),
            "costs.csv": result.costs().to_csv(index=False),
            **{f"{name}.csv": frame.to_csv(index=False) for name, frame in result.frames.items()},
        }
        for name, scenario in self.cells.items():
            source = policy_source(scenario, self.session.simulate)
            if source is not None:
                texts[f"{folder_of(name)}/policy_compiled.py"] = source
        sums = {name: write_text(path / name, text) for name, text in texts.items()}
        more = {
            "own_policy": self.scenario.platform.policy, "folders": {name: folder_of(name) for name in self.cells},
            "tables": list(result.frames), "replicate_meta": metas,
        }  # fmt: skip
        rerank = self.scenario.platform.rerank
        write_last(path, LAST, result.summary, source_digest(), self.session.fixed, more, sums, self.cells, rerank)
