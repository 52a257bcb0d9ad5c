"""``recsim run`` and ``recsim compare``."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recsim.cli.located import guard, located, warn
from recsim.cli.plan import Under, held_against, run_under
from recsim.cli.progress import progress
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.scenario.follow import FollowScenario
    from recsim.scenario.schema import Scenario

LONG_RUN_S = 1800


class What(NamedTuple):
    """What is to be simulated.

    Attributes:
        config: scenario file; the audit plan itself where ``planned``: then the scenario in it is meant.
        overrides: settings of ``--set``.
        replicates, scale, dose, seed, ensemble, defences: as of the options; None: as the scenario says.
    """

    config: Path
    overrides: list[str]
    replicates: int | None = None
    scale: float | None = None
    dose: float | None = None
    seed: int | None = None
    ensemble: Path | None = None
    defences: Path | None = None
    planned: bool = False

    def scenario(self, policy: str | None = None, others: Iterable[str] = ()) -> Scenario:
        """The scenario with all settings put in, and all its names looked up.

        Args:
            policy: in place of the scenario's. others: policies that are to run, too.

        Raises:
            InputError: a setting out of its range, or a bad scenario, with file and line; or a policy would come out of a
                result's folder.
        """
        from recsim.experiment.run import configured
        from recsim.experiment.under_policy import left_out
        from recsim.experiment.validate import validate
        from recsim.scenario import load

        self._check()
        if self.scale is not None and not 0 < self.scale <= 1:
            raise InputError(f"got {self.scale:g}, must be above 0 and at most 1", "--scale")
        start = "platform.parameters."
        named = [o.removeprefix(start).partition("=")[0] for o in self.overrides if o.startswith(start)]
        given = self._in_plan() if self.planned else load(self.config, self.overrides)
        guard(self.config, self.overrides, [policy, *others], self.defences)
        with (
            contextlib.nullcontext()
            if self.planned
            else located(self.config, self.overrides, {} if policy is None else {"platform.policy": "--policy"})
        ):
            made = configured(given, self.replicates, self.seed, policy, self.scale, self.dose, named)
            validate(made)
        for note in left_out(given, made):
            sys.stderr.write(f"note: {note}\n")
        warn(made)
        if self.ensemble is None:
            return made
        from recsim.experiment.calibration_file import with_ensemble

        set_here = [(override.partition("=")[0].strip(), f"--set {override}") for override in self.overrides]
        if self.dose is not None:
            set_here.append(("dose", "--dose"))
        return with_ensemble(made, self.ensemble, set_here)

    def _in_plan(self) -> Scenario:
        """The scenario that lies in the plan."""
        from recsim.audit.plan import load_plan

        if self.overrides:
            raise InputError("needs the scenario file; name it before the options", f"--set {self.overrides[0]}")
        return load_plan(self.config).scenario

    def _check(self) -> None:
        _need("--replicates", self.replicates, 1)
        _need("--dose", self.dose, 0)
        _need("--seed", self.seed, 0)

    def is_follow(self) -> bool:
        """Whether the file describes a follow-graph world."""
        from recsim.scenario.load import is_follow, read_scenario

        return not self.planned and is_follow(read_scenario(self.config)[0])

    def follow_scenario(self, policy: str | None = None) -> FollowScenario:
        """The scenario of a follow-graph world with all settings put in.

        Raises:
            InputError: a setting out of its range, or a bad scenario; or the policy would come out of a result's folder.
        """
        from recsim.scenario import load_follow

        self._check()
        if self.ensemble is not None:
            raise InputError("a follow-graph world takes no ensemble; leave it out", "--ensemble")
        if self.scale is not None:
            raise InputError("a follow-graph world has no scale; set follow_graph.people with --set", "--scale")
        settings = {
            "run.replicates": self.replicates, "run.seed": self.seed, "dose": self.dose, "platform.policy": policy,
        }  # fmt: skip
        more = [f"{name}={value}" for name, value in settings.items() if value is not None]
        made = load_follow(self.config, [*self.overrides, *more])
        guard(self.config, self.overrides, [policy])
        return made


class How(NamedTuple):
    """How it is to be simulated, and what is to be printed."""

    out: Path | None = None
    workers: int | None = None
    threads: int | None = None
    fixed: bool = False
    resume: bool = False
    force: bool = False
    yes: bool = False
    as_json: bool = False
    quiet: bool = False
    cluster: str | None = None
    every: str | None = None
    shards: int = 1

    def check(self) -> None:
        """Refuse numbers out of their range."""
        _need("--workers", self.workers, 1)
        _need("--threads", self.threads, 1)
        _need("--shards", self.shards, 1)

    def announce(self, text: str, expected: dict[str, float], lower: str) -> None:
        """Say what to expect; refuse to start what takes long, or more memory than there is, without --yes."""
        from recsim.experiment.executor import machine_bytes

        about, memory = _time(expected["seconds"]), expected["mebibytes"] / 1024
        if not self.quiet:
            sys.stderr.write(f"{text}; expect about {about} and {memory:.1f} GiB (figures of a 2026 server core)\n")
        if expected["seconds"] > LONG_RUN_S and not self.yes:
            raise InputError(f"about {about} expected; add --yes, or lower {lower}")
        there = machine_bytes() / 2**30
        if self.cluster is None and memory > there:
            short = f"about {memory:.1f} GiB expected, this machine has {there:.1f}"
            if not self.yes:
                raise InputError(f"{short}; add --yes, or lower --workers or the number of people")
            sys.stderr.write(f"note: {short}; it may be ended when that is used up\n")

    @property
    def at_once(self) -> int | None:
        """Tasks that are done at once, for the estimate; None: as many as this machine has cores.

        Raises:
            InputError: no scheduler answers, or a worker is not like this process.
        """
        if self.cluster is None or self.cluster == "local" or self.workers is not None:
            return self.workers
        from recsim.experiment.cluster import slots_of

        return slots_of(self.cluster)

    @property
    def options(self) -> dict:
        """Keyword arguments of `recsim.run` and `recsim.compare`."""
        return {
            "out": self.out, "workers": self.workers, "threads": self.threads, "fixed_parameters": self.fixed,
            "resume": self.resume, "force": self.force, "cluster": self.cluster,
        } | ({} if self.every is None else {"checkpoint_every": self.every}) | (
            {} if self.shards == 1 else {"shards": self.shards}
        )  # fmt: skip


def for_estimate(scenario: Scenario, replicates: int) -> Scenario:
    """The scenario with so many replicates and no table of other assumptions, for estimates."""
    robustness = scenario.audit.robustness.model_copy(update={"enabled": False})
    audit = scenario.audit.model_copy(update={"robustness": robustness})
    run = scenario.run.model_copy(update={"replicates": replicates})
    return scenario.model_copy(update={"audit": audit, "run": run})


def _need(option: str, value: float | None, low: float) -> None:
    if value is not None and (not math.isfinite(value) or value < low):
        raise InputError(f"got {value:g}, must be at least {low:g}", option)


def run_command(what: What, policy: str | None, how: How, under: Under) -> None:
    """Load, say what to expect, run, print, write."""
    from recsim.experiment.run import configured, estimate
    from recsim.report.strings import counted

    how.check()
    if what.is_follow():
        if under != Under():
            option = "--plan" if under.plan is not None else "--deviation"
            raise InputError("a follow-graph world cannot be held against a plan; leave it out", option)
        return follow_command(what, policy, how)
    scenario = what.scenario(policy)
    rule = scenario.audit.stopping
    by_rule = rule.enabled and what.replicates is None
    record = held_against(scenario, under, by_rule, how.fixed, how.out, how.force)
    least = configured(scenario, rule.first, None, None) if by_rule else scenario
    number = f"{rule.first} to {rule.most}" if by_rule else scenario.run.replicates
    text = f"{scenario.name}: {counted(number, 'replicate')}, policy {scenario.platform.policy}"
    if by_rule:
        text += f"; for the first {rule.first}"
    every = "off" if how.cluster is not None and how.shards == 1 else how.every
    how.announce(text, estimate(least, how.at_once, how.threads, how.shards, every), "--scale or --replicates")
    with progress(how.quiet) as say:
        result, record = run_under(scenario, record, by_rule, progress=say, **how.options)
    from recsim.report import write
    from recsim.report.table import print_summary

    audited = under.plan is not None or by_rule
    write_all = partial(write, record=record if audited else None, plan=under.plan)
    show(result, how, write_all, print_summary, again=audited)


def follow_command(what: What, policy: str | None, how: How) -> None:
    """The same for a follow-graph world."""
    if how.every not in (None, "off"):
        text = "a follow-graph world writes no checkpoints; leave it out: finished replicates are kept for --resume"
        raise InputError(text, "--checkpoint-every")
    if how.shards > 1:
        raise InputError("a follow-graph world cannot be cut into shards; leave it out", "--shards")
    how = how._replace(every=None)
    from recsim.experiment.follow import estimate, run_follow
    from recsim.experiment.validate import validate
    from recsim.report.follow import print_follow, write_follow
    from recsim.report.strings import counted

    scenario = what.follow_scenario(policy)
    with located(what.config, what.overrides, {} if policy is None else {"platform.policy": "--policy"}):
        validate(scenario)
    text = f"{scenario.name}: {counted(scenario.run.replicates, 'replicate')}, policy {scenario.platform.policy}"
    how.announce(text, estimate(scenario, how.at_once), "--replicates or follow_graph.people")
    with progress(how.quiet) as say:
        result = run_follow(scenario, progress=say, **how.options)
    show(result, how, write_follow, print_follow)


def compare_command(what: What, policies: str, how: How) -> None:
    """Load, say what to expect, compare, print, write."""
    from recsim.experiment.compare import chosen, compare, expected

    how.check()
    wanted = policies if policies == "all" else [name.strip() for name in policies.split(",") if name.strip()]
    scenario = what.scenario(None, () if wanted == "all" else wanted)
    names = chosen(scenario, wanted)
    text = f"{scenario.name}: {scenario.run.replicates} replicates of each of {len(names)} policies"
    how.announce(text, expected(scenario, names, how.at_once), "--scale or --replicates, or name fewer policies")
    with progress(how.quiet) as say:
        result = compare(scenario, policies=wanted, progress=say, **how.options)
    from recsim.report import write_comparison
    from recsim.report.compare_table import print_comparison

    show(result, how, write_comparison, print_comparison)


def show(result: Any, how: How, write: Callable, display: Callable, again: bool = False) -> None:
    """Say what happened, write what belongs to it unless all is there (or ``again``), print the summary or the tables."""
    from recsim.cli.notes import say_stored
    from recsim.experiment.sums import finished
    from recsim.report.earlier import of_this_version

    for note in result.notes:
        sys.stderr.write(f"note: {note}\n")
    with of_this_version(result.folder) if result.reused else contextlib.nullcontext():
        if again or not result.reused or not finished(result.folder):  # a run from Python has written numbers only
            write(result)
            if result.folder is not None:
                say_stored(result.folder)
        if how.as_json:
            sys.stdout.write(json.dumps(result.summary) + "\n")
        elif not how.quiet:
            display(result)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
