"""The headline as a range: the same question under several policies, predictors and models of a visit.

Every cell is a pair of worlds of the small size that `audit.robustness` declares, with the same seed, replicate numbers and drawn
parameters in all of them. A conclusion that holds in one cell and not in its neighbours is about the cell.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim.errors import InputError, unknown
from recsim.experiment.compare import cell_scenario
from recsim.experiment.executor import default_workers
from recsim.experiment.files import write_last
from recsim.experiment.folder import RunFolder, plain_errors, read_csv, readable, verified, write_text
from recsim.experiment.robustness import cell_scenario as small_scenario
from recsim.experiment.robustness import declared
from recsim.experiment.run import configured, estimate, expected_work, run_fingerprint, source_digest
from recsim.experiment.summary import Counts, beneficiaries, cleaned, removed_campaigns
from recsim.experiment.tasks import Progress, Session, Simulate, Task, compiling, folder_path, joined, plain_name
from recsim.experiment.under_policy import name_of
from recsim.metrics import shift_interval
from recsim.ranking import registry
from recsim.ranking.policy import Policy
from recsim.scenario import dump_yaml, realise
from recsim.scenario import load as load_scenario
from recsim.scenario.schema import Scenario

PREDICTORS = ("rates", "logistic", "oracle")
MODELS = ("logistic", "cascade", "fatigue")
POLICIES = ("tiktok_value", "x_2026_08", "x_2023_04", "msi_2020", "yt_watchtime", "dsa38_regional")
"""Feeds of different kinds, one of them without profiling; the scenario's own is added."""
LAST = "ensemble.json"
COMPILE_S = 15.0
"""Seconds to compile what most policies share."""
NO_PREDICTOR = "none"
FACTORS = ("policy", "predictor", "model")
SIZES = ("population.scale", "content.items_per_day", "content.creators", "activity.visits_per_day")
"""What makes a small scenario small."""


class Cell(NamedTuple):
    """One combination; predictor "none" for a policy that reads no predicted action."""

    policy: str
    predictor: str
    model: str

    @property
    def folder(self) -> str:
        """Name of the folder that keeps its replicates."""
        return "-".join(map(plain_name, self))


class Ensemble(NamedTuple):
    """The result.

    Attributes:
        scenario: as resolved.
        summary: the content of ensemble.json.
        cells: one row per cell and beneficiary: factors, shift in percentage points with interval, replicates.
        folder: where it lies, None if nothing was written.
        notes: what happened on the way.
        reused: whether the stored result of an earlier call was returned.
    """

    scenario: Scenario
    summary: dict[str, Any]
    cells: pd.DataFrame
    folder: Path | None
    notes: list[str]
    reused: bool = False

    @classmethod
    def load(cls, folder: Path) -> Ensemble:
        """A stored ensemble.

        Raises:
            InputError: the folder holds none, or a file is missing or was changed.
        """
        with readable(folder, "ensemble"):
            summary, _ = verified(folder, LAST, "ensemble")
            frame = read_csv(folder / "cells.csv")
        return cls(load_scenario(folder / "scenario.yaml"), summary, frame, folder, [], reused=True)


def cells_of(policies: Sequence[str], predictors: Sequence[str], models: Sequence[str]) -> list[Cell]:
    """All combinations; a policy that reads no predicted action has one predictor, "none"."""
    out = []
    for policy in policies:
        kinds = predictors if registry.get(policy).predicts else (NO_PREDICTOR,)
        out += [Cell(policy, kind, model) for kind in kinds for model in models]
    return out


def scenario_of(scenario: Scenario, cell: Cell) -> Scenario:
    """The small scenario of a cell; gates, priors and weights as the scenario declares them."""
    platform = scenario.platform
    small = cell_scenario(_with_small_members(scenario), cell.policy)
    kept = small.platform.predictor.model_copy(update={"prior_events": platform.predictor.prior_events})
    if cell.predictor != NO_PREDICTOR:
        kept = kept.model_copy(update={"kind": cell.predictor})
    return small.model_copy(
        update={
            "platform": small.platform.model_copy(update={"predictor": kept}),
            "response": small.response.model_copy(update={"model": cell.model}),
        }
    )


def _with_small_members(scenario: Scenario) -> Scenario:
    """The small scenario; the parameter sets of a calibration, which are put in last, get the size of small worlds, too."""
    small, ensemble = small_scenario(scenario, declared(scenario)), scenario.run.ensemble
    if ensemble is None:
        return small
    members = []
    for number, member in enumerate(ensemble.members):
        whole = realise(scenario, 0, number, fixed=True)
        its = small_scenario(whole, declared(whole))
        kept = {
            path: value for path, value in member.items() if _number(its, path) is not None
        }  # not of a campaign that is over
        members.append(kept | {path: _number(its, path) for path in SIZES})
    run = small.run.model_copy(update={"ensemble": ensemble.model_copy(update={"members": members})})
    return small.model_copy(update={"run": run})


def _number(value: Any, path: str) -> Any:
    """What stands at a dotted path; None if nothing does."""
    for name in path.split("."):
        if isinstance(value, list):
            value = next((one for place, one in enumerate(value) if getattr(one, "id", str(place)) == name), None)
        else:
            value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return getattr(value, "value", value)


def chosen(
    scenario: Scenario, policies: Sequence[str] | None, predictors: Sequence[str] | None, models: Sequence[str] | None
) -> tuple[list[str], list[str], list[str]]:  # fmt: skip
    """Names checked, without repetitions, the scenario's own policy among them.

    Raises:
        InputError: an unknown name, or no campaign to remove.
    """
    if not removed_campaigns(scenario):
        raise InputError("no campaign is removed in the counterfactual, so there is no shift to ask about", "campaigns")
    names = list(dict.fromkeys([scenario.platform.policy, *(policies or POLICIES)]))
    for name in names:
        registry.get(name)
    kinds, visits = list(dict.fromkeys(predictors or PREDICTORS)), list(dict.fromkeys(models or MODELS))
    for given, allowed, what in ((kinds, PREDICTORS, "predictor"), (visits, MODELS, "model")):
        for name in given:
            if name not in allowed:
                raise unknown(what, name, allowed)
    return names, kinds, visits


def _work(scenario: Scenario, cells: Sequence[Cell], replicates: int) -> float:
    """Expected seconds of simulating on one core; within about a factor of two."""
    return sum(expected_work(scenario_of(scenario, cell)) / scenario.run.replicates for cell in cells) * replicates


def expected(
    scenario: Scenario, cells: Sequence[Cell], replicates: int, workers: int | None = None
) -> dict[str, float]:
    """Expected seconds and mebibytes, compiling included; within about a factor of two."""
    one = estimate(scenario_of(scenario, cells[0]), workers)
    return {**one, "seconds": _work(scenario, cells, replicates) / (workers or default_workers()) + COMPILE_S}


def ensemble(
    scenario: Scenario, *, policies: Sequence[str | Policy] | None = None, predictors: Sequence[str] | None = None,
    models: Sequence[str] | None = None, replicates: int = 3, seed: int | None = None, out: str | Path | None = None,
    workers: int | None = None, resume: bool = False, force: bool = False, progress: Progress | None = None,
    store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
) -> Ensemble:  # fmt: skip
    """Simulate every combination and say how far the shift moves between them.

    Args:
        scenario: from `recsim.load`; its own policy is always among the policies, with its declared parameters.
        policies: names, ``package.module:function``, or policies themselves (as of `recsim.run`); default: six of different
            kinds.
        predictors: of "rates", "logistic", "oracle". models: of a visit, of "logistic", "cascade", "fatigue". Default: all.
        replicates: per cell, at least 2; the same worlds in all cells.
        seed, out, workers, resume, force, progress, store, simulate, cluster: as in `recsim.run`.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    if replicates < 2:
        raise InputError(f"got {replicates}, must be at least 2", "--replicates")
    session = Session(simulate, False, workers, None, progress, cluster)
    scenario = configured(scenario, None, seed, None)
    feeds = None if policies is None else [name_of(one, "policies") for one in policies]
    cells = cells_of(*chosen(scenario, feeds, predictors, models))
    made = {cell: scenario_of(scenario, cell) for cell in cells}
    with compiling(simulate, scenario) as session.compiled:
        marks = [[*cell, run_fingerprint(small, False, simulate)] for cell, small in made.items()]
        mark = hashlib.sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()
        folder = RunFolder(folder_path(f"ensemble-{scenario.name}", mark, out, force), mark, LAST) if store else None
        if folder is None:
            return _finish(scenario, made, mark, replicates, session, None)
        folder.inspect()
        found = session.stored(folder, Ensemble.load, replicates, "ensemble")
        if found is not None:
            return found
        with folder.lock():
            folder.claim(resume, [cell.folder for cell in cells])
            return _finish(scenario, made, mark, max(replicates, session.least), session, folder)


def _finish(
    scenario: Scenario, made: dict[Cell, Scenario], mark: str, replicates: int, session: Session,
    folder: RunFolder | None,
) -> Ensemble:  # fmt: skip
    """Do what is not stored yet, put everything together, write it."""
    done = {
        cell: session.taken_over(folder, cell.folder, replicates, f"{' / '.join(cell)}: replicate") for cell in made
    }
    if before := sum(len(found) for found in done.values()):
        session.notes.append(f"{before} finished replicates taken over")
    by_folder = {cell.folder: cell for cell in made}
    todo = [
        Task(cell.folder, n, small, n, text=cell.policy[:18])
        for n in range(replicates) for cell, small in made.items() if n not in done[cell]
    ]  # fmt: skip
    seconds = _work(scenario, list(made), replicates)
    with contextlib.closing(session.do(todo, float(replicates * len(made)), seconds, folder)) as results:
        for task, found in results:
            done[by_folder[task.kind]][task.number] = found
    frame = pd.concat([_rows(scenario, cell, joined([done[cell][n][0] for n in range(replicates)])) for cell in made])
    frame = frame.reset_index(drop=True)
    impressions = sum(done[cell][n][1]["impressions"] for cell in made for n in range(replicates))
    summary = cleaned(
        {
            "scenario": scenario.name, "fingerprint": mark, "replicates": replicates, "seed": scenario.run.seed,
            "own_policy": scenario.platform.policy, "people": done[next(iter(made))][0][1]["people"],
            "cells": len(made), "threshold_pp": scenario.audit.threshold_pp.value,
            "beneficiaries": {name: _range(frame[frame["candidate"] == name]) for name in beneficiaries(scenario)},
            "timing": session.timing(impressions),
        }
    )  # fmt: skip
    result = Ensemble(scenario, summary, frame, folder.path if folder else None, session.notes)
    if folder is not None:
        with plain_errors(folder.path):
            texts = {"scenario.yaml": dump_yaml(scenario), "cells.csv": frame.to_csv(index=False)}
            sums = {name: write_text(folder.path / name, text) for name, text in texts.items()}
            more = {"folders": {cell.folder: list(cell) for cell in made}}
            feeds, rerank = {cell.policy for cell in made}, scenario.platform.rerank
            write_last(folder.path, LAST, summary, source_digest(), False, more, sums, feeds, rerank)
    return result


def _rows(scenario: Scenario, cell: Cell, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    names = [c.id for c in scenario.candidates]
    replicates = sorted(int(r) for r in frames["exposure"]["replicate"].unique())
    shift = Counts(frames["exposure"], names, replicates, 1).shift_pp
    rows = []
    for name in beneficiaries(scenario):
        t = shift_interval(shift[:, names.index(name)])
        rows.append(
            {**cell._asdict(), "candidate": name, "shift_pp": t.mean, "ci_low": t.low, "ci_high": t.high, "sd": t.sd, "replicates": t.n}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _range(frame: pd.DataFrame) -> dict[str, Any]:
    """Range over the cells, and how far the mean moves with each factor alone; None where no cell has a shift."""
    if not frame["shift_pp"].notna().any():
        numbers = ("lowest", "highest", "median")
        return dict.fromkeys([*(f"{name}_shift_pp" for name in numbers), "lowest_cell", "highest_cell", "cells_above_zero", "typical_sd_of_a_cell"]) | {"spread_of_means_pp": dict.fromkeys(FACTORS)}  # fmt: skip
    lowest, highest = frame.loc[frame["shift_pp"].idxmin()], frame.loc[frame["shift_pp"].idxmax()]
    spread = {}
    for factor in FACTORS:
        inside = frame[frame["predictor"] != NO_PREDICTOR] if factor == "predictor" else frame
        means = inside.groupby(factor)["shift_pp"].mean()
        spread[factor] = float(means.max() - means.min()) if len(means) else 0.0
    return {
        "lowest_shift_pp": lowest["shift_pp"], "lowest_cell": [lowest[f] for f in FACTORS],
        "highest_shift_pp": highest["shift_pp"], "highest_cell": [highest[f] for f in FACTORS],
        "median_shift_pp": float(frame["shift_pp"].median()),
        "cells_above_zero": float((frame["shift_pp"] > 0).mean()),
        "typical_sd_of_a_cell": float(np.sqrt(np.nanmean(frame["sd"] ** 2 / frame["replicates"]))),
        "spread_of_means_pp": spread,
    }  # fmt: skip
