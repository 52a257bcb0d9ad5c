"""How a question about several arms gets its worlds: resumable tasks, one folder, files that mark it as complete."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from recsim.errors import InputError, unknown
from recsim.experiment.executor import default_workers
from recsim.experiment.files import write_last
from recsim.experiment.folder import ASIDE, RunFolder, plain_errors, read_csv, readable, verified, write_text
from recsim.experiment.run import (
    IMPRESSIONS_PER_SECOND,
    SECONDS_PER_STEP,
    estimate,
    policy_source,
    run_fingerprint,
    source_digest,
)
from recsim.experiment.summary import ENOUGH, beneficiaries, cleaned, covered, removed_campaigns, window_start
from recsim.experiment.tasks import Session, Stored, Task, about_another, compiling, folder_path, joined
from recsim.experiment.worlds import Worlds
from recsim.scenario import dump_yaml
from recsim.scenario import load as load_scenario
from recsim.scenario.schema import Scenario
from recsim.world.arms import Arm

WORLD_BYTES = 20e3
"""Memory for the tables of one world, by simulated person; measured on the Romanian scenario."""


class WorldSet(NamedTuple):
    """One scenario and the arms that are simulated of it; with the same luck in all sets of a question.

    Attributes:
        name: of the folder that keeps its replicates.
        scenario: not realised.
        arms: their names differ between all sets of a question.
    """

    name: str
    scenario: Scenario
    arms: tuple[Arm, ...]


Summarise = Callable[["Question", Worlds], tuple[dict[str, Any], dict[str, pd.DataFrame]]]


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of which worlds.

    Attributes:
        command: "attribute", "dose", "delay" or "tradeoff"; names the files.
        scenario: as resolved.
        sets: of worlds, in order.
        settings: what is asked, apart from the scenario; part of the fingerprint and of the summary.
        candidate: whose shift is reported; the worlds do not depend on it.
        summarise: makes numbers and tables of the worlds.
        texts: further files by name, such as what the question was read from.
        against: by arm, the arm that it is compared with, where that is another than "counterfactual".
    """

    command: str
    scenario: Scenario
    sets: tuple[WorldSet, ...]
    settings: dict[str, Any]
    candidate: str
    summarise: Summarise
    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    against: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def last(self) -> str:
        """Name of the file that is written last."""
        return f"{self.command}.json"


@dataclasses.dataclass
class Answer:
    """What a question leaves behind.

    Attributes:
        scenario: as resolved.
        summary: the content of <command>.json.
        frames: tables by name, written as CSV: "attribution"; "dose"; "delay"; or "tradeoff", "groups" and "moderation"; and
            always "by_replicate", on which all statistics rest.
        folder: where it lies, None if nothing was written.
        notes: what happened on the way, one line each.
        reused: whether the stored result of an earlier call was returned.
    """

    scenario: Scenario
    summary: dict[str, Any]
    frames: dict[str, pd.DataFrame]
    folder: Path | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    reused: bool = False

    @classmethod
    def load(cls, folder: str | Path, command: str) -> Answer:
        """A stored answer.

        Raises:
            InputError: the folder holds none of this command, or a file is missing or was changed.
        """
        folder = Path(folder)
        with readable(folder, command):
            summary, manifest = verified(folder, f"{command}.json", command)
            frames = {name: read_csv(folder / f"{name}.csv") for name in manifest["tables"]}
        return cls(load_scenario(folder / "scenario.yaml"), summary, frames, folder, reused=True)


def chosen_candidate(scenario: Scenario, candidate: str | None) -> str:
    """The candidate asked for, or the beneficiary of most removed campaigns (the first of several).

    Raises:
        InputError: an unknown candidate, or no campaign is removed in the counterfactual.
    """
    promoted = beneficiaries(scenario)
    if not promoted:
        raise InputError(
            "no campaign is removed in the counterfactual, so there is nothing to attribute; add a campaign, or give "
            "one a counterfactual other than 'kept'",
            "campaigns",
        )
    names = [c.id for c in scenario.candidates]
    if candidate is None:
        counts = [c.beneficiary for c in removed_campaigns(scenario)]
        return max(promoted, key=counts.count)
    if candidate not in names:
        raise unknown("candidate", candidate, names, "--candidate")
    return candidate


def again_command(s: Mapping[str, Any], options: Sequence[str], fixed: bool) -> str:
    """The command that does an answer again, with the ``scenario.yaml`` of its folder.

    Args:
        s: content of ``<command>.json``.
        options: of the command alone.
        fixed: whether ranged parameters were held at their central values.
    """
    words = ["python -m recsim", s["command"], "scenario.yaml", *options, "--candidate", s["candidate"]]
    words += ["--seed", str(s["seed"]), "--replicates", str(s["replicates"]), ASIDE]
    return " ".join([*words, *(["--fixed-parameters"] if fixed else [])])


def without_table(scenario: Scenario) -> Scenario:
    """The scenario without the table of other assumptions and without shadows, which these questions do not make."""
    robustness = scenario.audit.robustness.model_copy(update={"enabled": False})
    audit = scenario.audit.model_copy(update={"robustness": robustness, "shadows": []})
    return scenario.model_copy(update={"audit": audit})


def worlds_per_day(scenario: Scenario, arms: Sequence[Arm]) -> list[int]:
    """Different worlds of one luck branch on each day of the campaign window: arms that nothing tells apart are one."""
    removed = removed_campaigns(scenario)
    out = []
    for day in range(window_start(scenario), 1):
        kinds = set()
        for arm in arms:
            acting = frozenset(c.id for c in removed if c.start <= day and arm.acts(c.id))
            gone = arm.removal_day if arm.removal_day is not None and arm.removal_day <= day else None
            kinds.add((acting, arm.tactics, arm.doors, arm.placebo, gone) if acting else None)
        out.append(len(kinds))
    return out


def expected_seconds(one: WorldSet) -> float:
    """Expected seconds of simulating one replicate of a set on one core; within about a factor of two."""
    s = one.scenario
    views = (
        s.population.people.value
        * s.population.scale
        * s.activity.visits_per_day.value
        * s.activity.videos_per_visit.value
    )
    per_day = worlds_per_day(s, one.arms)
    days = s.days.count - len(per_day) + s.run.luck_branches * sum(per_day)
    return days * (views / IMPRESSIONS_PER_SECOND + 24 / s.run.step_hours * SECONDS_PER_STEP)


def expected(question: Question, workers: int | None = None) -> dict[str, float]:
    """Expected seconds and mebibytes, compiling included; within about a factor of two."""
    replicates = question.scenario.run.replicates
    cores = max(1, min(workers or default_workers(), replicates * len(question.sets)))
    work = replicates * sum(map(expected_seconds, question.sets))
    memory = estimate(without_table(question.scenario), workers)["mebibytes"]
    population, branches = question.scenario.population, question.scenario.run.luck_branches
    most = max(len(one.arms) for one in question.sets) * branches
    tables = (1 + cores) * most * WORLD_BYTES * population.people.value * population.scale / 2**20
    return {"seconds": work / cores + 15, "mebibytes": memory + tables}


def answer(
    question: Question, session: Session, out: str | Path | None = None, resume: bool = False, force: bool = False,
    store: bool = True,
) -> Answer:  # fmt: skip
    """Simulate what a question needs, as far as it is not stored, and answer it.

    Args:
        question: what is asked.
        session: how tasks are done.
        out: directory itself; default ``runs/<command>-<name>-<fingerprint>``.
        resume: continue an unfinished folder.
        force: answer again in a new folder.
        store: whether to write a directory at all.

    Raises:
        InputError: a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    scenario, simulate = question.scenario, session.simulate
    with compiling(simulate, scenario) as session.compiled:
        mark = fingerprint_of(question, session)
        if not store:
            return _finish(question, mark, session, None)
        folder = RunFolder(folder_path(f"{question.command}-{scenario.name}", mark, out, force), mark, question.last)
        folder.inspect()
        load = partial(Answer.load, command=question.command)
        stored = session.stored(
            folder, load, scenario.run.replicates, question.command, about_another(question.candidate)
        )
        if stored is not None:
            return stored
        question = dataclasses.replace(question, scenario=session.with_all(scenario))
        with folder.lock():
            folder.claim(resume, [one.name for one in question.sets])
            return _finish(question, mark, session, folder)


def fingerprint_of(question: Question, session: Session) -> str:
    """What decides the numbers; not workers, threads, folder, the number of replicates or the candidate looked at."""
    marks = {
        one.name: [run_fingerprint(one.scenario, session.fixed, session.simulate), [_plain(arm) for arm in one.arms]]
        for one in question.sets
    }
    text = json.dumps([question.command, question.settings, marks], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(arm: Arm) -> dict[str, Any]:
    fields = dataclasses.asdict(arm)
    return {k: sorted(v) if isinstance(v, frozenset) else v for k, v in fields.items()}


def _finish(question: Question, mark: str, session: Session, folder: RunFolder | None) -> Answer:
    """Do what is not stored yet, put everything together, write it."""
    scenario, wanted = question.scenario, range(question.scenario.run.replicates)
    done: dict[str, dict[int, Stored]] = {
        one.name: session.taken_over(folder, one.name, len(wanted), f"{one.name}: replicate") for one in question.sets
    }
    if before := sum(map(len, done.values())):
        session.notes.append(f"{before} finished replicates taken over")
    cost = {one.name: expected_seconds(one) for one in question.sets}
    # One replicate of every set after the other: what is stored when it stops can be compared.
    todo = [
        Task(one.name, n, one.scenario, n, weight=cost[one.name], text=one.name[:18], arms=one.arms)
        for n in wanted for one in question.sets if n not in done[one.name]
    ]  # fmt: skip
    total = len(wanted) * sum(cost.values())
    with contextlib.closing(session.do(todo, total, total, folder)) as results:
        for task, found in results:
            done[task.kind][task.number] = found
    parts = [done[one.name][n] for one in question.sets for n in wanted]
    worlds = Worlds(
        scenario, joined([frames for frames, _ in parts]), [meta for _, meta in parts],
        [arm.name for one in question.sets for arm in one.arms], session.fixed, question.against,
    )  # fmt: skip
    numbers, frames = question.summarise(question, worlds)
    summary = cleaned(
        {
            **_head(question, worlds, mark, session, numbers.get("undefined_replicates", 0)), **question.settings, **numbers,
            "timing": session.timing(sum(meta["impressions"] for meta in worlds.metas)),
        }
    )  # fmt: skip
    frames = {**frames, "by_replicate": worlds.by_replicate()}
    result = Answer(scenario, summary, frames, folder.path if folder else None, session.notes)
    if folder is not None:
        with plain_errors(folder.path):
            _write(question, result, folder.path, session, worlds.metas)
    return result


def _head(question: Question, worlds: Worlds, mark: str, session: Session, undefined: int) -> dict[str, Any]:
    """What every summary begins with; of its replicates so many have no share."""
    scenario, meta = question.scenario, worlds.metas[0]
    removed = removed_campaigns(scenario)
    return {
        "command": question.command, "scenario": scenario.name, "fingerprint": mark, "policy": scenario.platform.policy,
        "candidate": question.candidate, "replicates": len(worlds.replicates), "seed": scenario.run.seed,
        "people": meta["people"], "people_real": scenario.population.people.value,
        "luck_branches": scenario.run.luck_branches, "window_first_day": meta["fork_day"], "window_last_day": 0,
        "removed": [{"id": c.id, "beneficiary": c.beneficiary, "instead": c.counterfactual} for c in removed],
        "interval_covers": covered(scenario, session.fixed),
        "exploratory": len(worlds.replicates) - undefined < ENOUGH, "threshold_pp": scenario.audit.threshold_pp.value,
        "worlds": sum(scenario.run.luck_branches * len(one.arms) for one in question.sets),
    }  # fmt: skip


def _write(question: Question, result: Answer, path: Path, session: Session, metas: list[dict[str, Any]]) -> None:
    """Everything but figures and the page; the summary last, since it marks the folder as complete."""
    texts = {"scenario.yaml": dump_yaml(question.scenario), **question.texts}
    texts |= {f"{name}.csv": frame.to_csv(index=False) for name, frame in result.frames.items()}
    source = policy_source(question.scenario, session.simulate)
    if source is not None:
        texts["policy_compiled.py"] = source
    sums = {name: write_text(path / name, text) for name, text in texts.items()}
    more = {
        "tables": list(result.frames), "replicate_meta": metas,
        "sets": {one.name: [_plain(arm) for arm in one.arms] for one in question.sets},
    }  # fmt: skip
    platform = question.scenario.platform
    write_last(
        path, question.last, result.summary, source_digest(), session.fixed, more, sums, [platform.policy], platform.rerank
    )  # fmt: skip
