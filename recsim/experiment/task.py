"""One task: a replicate of a scenario, described so that any worker can do it, and done."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from recsim.errors import RecsimError
from recsim.experiment import robustness as other
from recsim.experiment.checkpoints import Checkpoints, Place
from recsim.experiment.worlds import reduced
from recsim.scenario import realise
from recsim.scenario.follow import FollowScenario
from recsim.scenario.schema import Scenario
from recsim.world.arms import Arm

Progress = Callable[[float, float, str], None]
Simulate = Callable[..., Any]
Stored = tuple[dict[str, pd.DataFrame], dict[str, Any]]
Reduce = Callable[..., dict[str, pd.DataFrame]]
NOTES = "notes"
"""What a worker has to say, beside the result."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One replicate of a scenario, or of one cell of the table of other assumptions.

    Attributes:
        kind: folder within the run directory.
        number: within the kind.
        scenario: not realised.
        replicate: number of the replicate.
        cell: of the table of other assumptions, or None.
        weight: its work, for the progress bar only.
        text: what the progress bar says meanwhile.
        arms: of the worlds to simulate; empty: factual and counterfactual, with full tables.
        reduce: makes the tables that are kept, of the scenario and the outcome; module-level; None: all tables.
        name: for errors; by default kind and number.
    """

    kind: str
    number: int
    scenario: Scenario | FollowScenario
    replicate: int
    cell: other.Cell | None = None
    weight: float = 1.0
    text: str = "replicates"
    arms: tuple[Arm, ...] = ()
    reduce: Reduce | None = None
    name: str = ""

    @property
    def called(self) -> str:
        """What an error calls it."""
        return self.name or f"{self.kind} {self.number}"


class Keeper(Protocol):
    """Where finished tasks are kept, such as a `RunFolder`."""

    path: Path

    def store(self, number: int, frames: dict[str, pd.DataFrame], meta: dict[str, Any], kind: str) -> None:
        """Keep one finished task: all of it appears at once."""

    def fetch(self, number: int, kind: str) -> Stored | None:
        """One stored task, or None if any of it is missing or damaged."""


def _engine(arms: tuple[Arm, ...] = ()) -> Simulate:
    from recsim.world import pair

    return pair.simulate_arms if arms else pair.simulate_replicate


def do_task(
    simulate: Simulate | None, scenario: Scenario | FollowScenario, cell: other.Cell | None, replicate: int, fixed: bool, threads: int,
    arms: tuple[Arm, ...] = (), reduce: Reduce | None = None, digest: str | None = None, place: Place | None = None,
    report: Callable[[float], None] | None = None,
) -> Stored:  # fmt: skip
    """One replicate of the scenario (ranged parameters drawn), or of one cell of the table of other assumptions.

    With a ``place`` for checkpoints, notes about them are in the second part under ``notes``.

    Raises:
        RecsimError: the policy's code is not the one with this digest.
    """
    if digest is not None:
        check_policy(scenario, digest)
    simulate = simulate or _engine(arms)
    if cell is not None and isinstance(scenario, Scenario):
        return other.simulate_cell(simulate, scenario, cell, replicate, threads, report)
    drawn = realise(scenario, scenario.run.seed, replicate, fixed)
    store = None if place is None else Checkpoints(place)
    options: dict[str, Any] = {"threads": threads, "report": report} | ({} if store is None else {"store": store})
    outcome = simulate(drawn, replicate, *([arms] if arms else []), **options)
    meta = outcome.meta | ({} if store is None else {NOTES: store.notes})
    if arms:
        return reduced(outcome.frames), meta
    return (outcome.frames if reduce is None else reduce(drawn, outcome)), meta


def engine_mark(simulate: Simulate) -> str:
    """Another engine's name and the SHA-256 of its file, so that results of an edited one are not taken for those of this one.

    What the file imports is not looked at; neither is an engine that has no file.
    """
    try:
        file = inspect.getsourcefile(inspect.unwrap(simulate))
        digest = "no file" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except (TypeError, OSError):
        digest = "no file"
    return f"{simulate.__module__}:{simulate.__qualname__} {digest}"


def policy_digest(scenario: Scenario | FollowScenario) -> str:
    """What the code of a scenario's policy is, in either kind of world."""
    from recsim.world.follow_plan import make_follow_plan
    from recsim.world.plan import make_plan

    return (
        make_follow_plan(scenario).compiled.digest
        if isinstance(scenario, FollowScenario)
        else make_plan(scenario).digest
    )


def check_policy(scenario: Scenario | FollowScenario, digest: str) -> None:
    """On a worker: compare the policy's code with the client's.

    Raises:
        RecsimError: it is another.
    """
    if policy_digest(scenario) != digest:
        raise RecsimError(
            f"the policy {scenario.platform.policy} on {platform.node()} is not the one here; copy its file there and start "
            "the workers again"
        )
