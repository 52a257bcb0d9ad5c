"""An audit plan: what is to be asked and done, written down and locked before the first result.

Delegated Regulation (EU) 2024/436, Art. 10(2), asks for methodologies designed before any procedure, with their criteria
and materiality thresholds, and for every change made during the audit. A plan is a file with the resolved scenario in it
and a hash over all of it; a run under a plan is compared with it, key by key.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from recsim import __version__
from recsim.errors import InputError
from recsim.experiment.diff import settings_that_differ
from recsim.experiment.folder import read_json, write_text
from recsim.experiment.run import digest_of, source_digest
from recsim.experiment.summary import beneficiaries, removed_campaigns
from recsim.metrics import LEAST_FOR_BELOW
from recsim.ranking import own_code, registry
from recsim.scenario.dump import dump_yaml
from recsim.scenario.load import parse, read_yaml
from recsim.scenario.schema import Scenario, in_days

VERSION, QUESTION_VERSION = 1, 2
"""Of plans of runs, and of plans of questions, which earlier versions of recsim cannot read."""
RUN = "run"
"""Command whose plans name none."""
SHOWN = 5
"""Deviations that an error message names."""
SOURCES = "recsim's simulation sources"
OWN_CODE = "code of policies from outside recsim"
STATISTICS = "recsim's statistics"
STATISTICS_SOURCES = ("experiment", "audit/procedures.py", "audit/evidence.py")
"""Files and folders that decide what is made of simulated worlds; the engine is apart."""
FIXED = "fixed parameters"
STORED = "stored result"
"""Keys of deviations that are no settings."""
REPLICATES = "run.replicates"
SUMMARY = "summary.json"
LASTING = (STORED, REPLICATES)
"""Keys of deviations that are facts about a stored result: showing it again under its plan does not undo them."""
ADDED = "none given: replicates were added without the plan"
FEWER = "none given: replicates were left out without the plan"
"""Reasons of the deviation of a planned run whose number of replicates changed since."""


class Plan(NamedTuple):
    """A plan as read from its file.

    Attributes:
        lock: SHA-256 over everything else in the file.
        about: what was declared, for reading.
        scenario: as resolved when the plan was made.
        text: of its file; "" of one that was only made.
    """

    lock: str
    about: dict[str, Any]
    scenario: Scenario
    text: str = ""

    @property
    def command(self) -> str:
        """The command that it is a plan of."""
        return self.about.get("command", RUN)


class Deviation(NamedTuple):
    """One thing that is done otherwise than planned: dotted key, planned, now."""

    key: str
    planned: Any
    now: Any


def half_width(scenario: Scenario) -> float:
    """Half-width that the stopping rule asks for, percentage points."""
    asked = scenario.audit.stopping.half_width_pp
    return asked.value if asked is not None else scenario.audit.threshold_pp.value / 4


def baseline_of(removed: Sequence[Any]) -> str:
    """What worlds are compared with, in words: the same ones without these campaigns."""
    return "the same worlds and luck without " + ", ".join(f"{c.id} ({c.counterfactual})" for c in removed)


def declared(scenario: Scenario) -> dict[str, Any]:
    """What a plan declares, for reading; everything follows from the scenario.

    Raises:
        InputError: nothing to compare with, or no question or reason is given.
    """
    audit, removed = scenario.audit, removed_campaigns(scenario)
    if not audit.question.strip():
        raise InputError("is empty; a plan needs the question in one sentence", "audit.question")
    if not audit.threshold_reason.strip():
        raise InputError("is empty; a plan needs the reason for its threshold", "audit.threshold_reason")
    if not removed:
        raise InputError("none is removed in the counterfactual, so there is nothing to test", "campaigns")
    family = beneficiaries(scenario)
    rule = audit.stopping
    if rule.enabled:
        size = (
            f"{rule.first} replicates, then {rule.batch} more at a time until half the length of the 95 % interval of "
            f"every candidate of the primary family is at most {half_width(scenario):g} percentage points, at most {rule.most}"
        )
    else:
        size = f"{scenario.run.replicates} replicates"
    return {
        "question": audit.question, "scenario": scenario.name, "policy": scenario.platform.policy,
        "primary_outcome": "shift_pp: share of human impressions of candidate content, factual less counterfactual, "
        "percentage points, campaign window",
        "primary_candidates": family,
        "baseline": baseline_of(removed),
        "threshold_pp": audit.threshold_pp.value, "threshold_reason": audit.threshold_reason, "replicates": size,
        "seed": scenario.run.seed, "segments": list(audit.segments),
        "windows": [f"{w.id}: {in_days(w.first, w.last)}{f' ({w.reason})' if w.reason else ''}" for w in audit.windows],
        "procedures": [
            "95 % interval: Student's t over replicates and, from 10, the studentised bootstrap, whichever reaches further; p by Student's t, two-sided, sign flips beside it; BCa from 30 replicates",
            f"Holm over the primary family ({len(family)}); Benjamini-Hochberg over the other candidates, over the segments, and over "
            "all candidates in all declared windows",
            "exceeds: the 95 % interval lies above the threshold; below: the 90 % intervals (Student's and the studentised "
            f"bootstrap's) lie within the threshold on either side (two one-sided tests), from {LEAST_FOR_BELOW} replicates; else inconclusive",
        ],
    }  # fmt: skip


def _lock(content: Mapping[str, Any]) -> str:
    text = json.dumps({k: content[k] for k in ("plan", "scenario")}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def write_plan(scenario: Scenario, path: str | Path) -> Plan:
    """Lock a scenario into a new file before its first result, as the command ``recsim plan`` does.

    The file holds what is declared, the whole scenario, checksums of recsim's sources and of policies from outside recsim, and
    a SHA-256 over all of it. ``recsim run --plan FILE`` holds a run against it; from Python a plan can be written only.

    Args:
        scenario: from `recsim.load`; it has ``audit.question`` and ``audit.threshold_reason``.
        path: of the new file, YAML.

    Returns:
        The plan: ``lock`` (the SHA-256, 64 hexadecimal digits), ``about`` (what was declared), ``scenario``.

    Source: Delegated Regulation (EU) 2024/436, Art. 10(2); docs/audit-plan.md.

    Raises:
        InputError: the scenario declares too little, or the file is there already: a plan is not written over.
    """
    return lock_into(Path(path), declared(scenario), scenario)


def lock_into(path: Path, declares: Mapping[str, Any], scenario: Scenario, *others: Scenario) -> Plan:
    """Write a plan: what it declares, by which sources it was made, the scenario, and the lock.

    Args:
        path: of the new file. declares: what it declares, for reading; a ``version`` in it replaces that of plans of runs.
        scenario: as resolved. others: scenarios beside it whose policies are to run, too.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    about = {
        "version": VERSION, "recsim": __version__, "source_sha256": source_digest(), "statistics_sha256": digest_of(STATISTICS_SOURCES),
        "own_code_sha256": own_code_digest(scenario, *others), "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), **declares,
    }  # fmt: skip
    if path.exists():
        raise InputError("already exists, and a plan is not written over; name another file", str(path))
    # Read back what will be read, so that the lock is of the text and not of Python's objects.
    content = {"plan": about, "scenario": yaml.safe_load(dump_yaml(scenario))}
    content = yaml.safe_load(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
    lock = _lock(content)
    head = "# Audit plan. The lock is a SHA-256 over all the rest: whoever changes a value makes another plan.\n"
    try:
        write_text(
            path, head + yaml.safe_dump(content | {"lock": lock}, sort_keys=False, allow_unicode=True, width=110)
        )
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", str(path)) from None
    return Plan(lock, about, scenario)


def load_plan(path: Path) -> Plan:
    """Read a plan and check its lock.

    Raises:
        InputError: no plan, of another version, or changed since it was locked.
    """
    content, _ = read_yaml(path)
    if not {"plan", "scenario", "lock"} <= set(content) or not isinstance(content["plan"], dict):
        raise InputError(
            "is no audit plan (plan, scenario and lock are needed); make one with recsim plan, or with --lock of recsim tradeoff and the like",
            str(path),
        )
    if content["plan"].get("version") != (QUESTION_VERSION if "command" in content["plan"] else VERSION):
        text = f"got a plan of version {content['plan'].get('version')}, this recsim reads {VERSION}, and {QUESTION_VERSION} of questions"
        raise InputError(text, str(path))
    if _lock(content) != content["lock"]:
        raise InputError("was changed after it was locked; put it back, or make a new plan", str(path))
    return Plan(
        content["lock"], content["plan"], parse(content["scenario"], str(path)), path.read_text(encoding="utf-8")
    )


def own_code_digest(*scenarios: Scenario) -> str:
    """SHA-256 over the files of the scenarios' policies and re-rankers from outside recsim; "" if they have none.

    Raises:
        InputError: there is no such policy or re-ranker.
    """
    names: list[str] = []
    for platform in (scenario.platform for scenario in scenarios):
        registry.get(platform.policy)  # only what is imported has files
        for name in platform.rerank or []:
            registry.get_reranker(name)
        names += [platform.policy, *(platform.rerank or [])]
    files = own_code.files_of(list(dict.fromkeys(names)))
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest() if files else ""


def deviations(plan: Plan, scenario: Scenario, by_rule: bool = True, fixed: bool = False) -> list[Deviation]:
    """What a run of this scenario, with this recsim, would do otherwise than planned.

    Args:
        plan, scenario: to compare. by_rule: whether the scenario's stopping rule is followed, if it has one.
        fixed: whether ranged parameters are held at their central values; a plan draws them.
    """
    found = settings_deviating(plan, scenario)
    if plan.scenario.audit.stopping.enabled and scenario.audit.stopping.enabled:
        found = [d for d in found if d.key != REPLICATES]  # the rule decides
        if not by_rule:
            found.append(
                Deviation("audit.stopping.enabled", True, f"replaced by --replicates {scenario.run.replicates}")
            )
    return found + code_deviating(plan, fixed, scenario)


def settings_deviating(plan: Plan, scenario: Scenario) -> list[Deviation]:
    """Settings of the scenario that are not those of the plan."""
    return [Deviation(*row) for row in settings_that_differ(plan.scenario, scenario)]


def code_deviating(plan: Plan, fixed: bool, *scenarios: Scenario) -> list[Deviation]:
    """What beside the settings decides numbers and is not as planned.

    Args:
        plan: what was planned. fixed: whether ranged parameters are held at their central values; a plan draws them.
        scenarios: whose policies run.
    """
    found = []
    sources = source_digest()
    if plan.about.get("source_sha256") != sources:
        found.append(Deviation(SOURCES, str(plan.about.get("source_sha256"))[:12], sources[:12]))
    marks = {
        STATISTICS: ("statistics_sha256", digest_of(STATISTICS_SOURCES)),
        OWN_CODE: ("own_code_sha256", own_code_digest(*scenarios)),
    }
    for key, (name, now) in marks.items():
        planned = plan.about.get(name)
        if planned is not None and planned != now:  # plans of earlier versions do not say
            found.append(Deviation(key, planned[:12] or "none", now[:12] or "none"))
    if fixed:
        found.append(Deviation(FIXED, "no", "yes"))
    return found


def stored_record(folder: Path) -> dict[str, Any]:
    """What ``audit.json`` in a run's folder says; nothing if there is none or it is damaged."""
    return _said(folder / "audit.json")


def _said(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, InputError):
        return {}


def _stored(folder: Path, mark: str, last: str) -> dict[str, Any]:
    """Summary of the complete result with this fingerprint in a folder; its record in place of a damaged or missing one; else nothing."""
    either = (_said(folder / last), stored_record(folder))
    return next((one for one in either if one.get("fingerprint") == mark and "replicates" in one), {})


class Recorded(NamedTuple):
    """Deviations that a stored result has for good under its own plan.

    Attributes:
        deviations: all of them; without a rule the number of replicates is looked at anew.
        explained: those for which a reason was given.
        reason: that was given, "" if none was.
    """

    deviations: tuple[Deviation, ...] = ()
    explained: tuple[Deviation, ...] = ()
    reason: str = ""


def recorded(plan: Plan, folder: Path, mark: str, by_rule: bool = True, last: str = SUMMARY) -> Recorded:
    """What the record of a stored result says of its coming about, if it was made under this plan.

    Args:
        plan, folder, mark, by_rule, last: as of `stored_otherwise`.
    """
    said = stored_record(folder)
    if not _stored(folder, mark, last) or (said.get("plan") or {}).get("lock") != plan.lock:
        return Recorded()
    found = tuple(Deviation(**d) for d in said.get("deviations", ()) if d["key"] in LASTING)
    given = reason = said.get("deviation_reason", "")
    for text in (ADDED, FEWER):
        reason = reason.replace(f"; {text}", "").replace(text, "")
    known = found if reason == given else tuple(d for d in found if d.key != REPLICATES)
    lasting = found if by_rule else tuple(d for d in found if d.key != REPLICATES)
    return Recorded(lasting, known if reason else (), reason if known else "")


def stored_otherwise(
    plan: Plan, scenario: Scenario, folder: Path, mark: str, by_rule: bool = True, last: str = SUMMARY
) -> list[Deviation]:
    """What is not as planned because the result lies in its folder already: it would be taken over.

    Args:
        plan, scenario: as of `deviations`. folder: of the result. mark: its fingerprint; another result is not taken over.
        by_rule: whether a stopping rule decides how many replicates. last: name of the file that is written last.
    """
    stored = _stored(folder, mark, last)
    if not stored:
        return []
    has, said, audit = stored["replicates"], stored_record(folder), folder / "audit.json"
    of = (said.get("plan") or {}).get("lock")
    found = []
    # Without audit.json nothing was shown yet, unless from Python: a planned run that was stopped is no deviation.
    made = dt.datetime.fromisoformat(str(plan.about["made"])).timestamp()
    if of != plan.lock and (audit.is_file() or (folder / last).stat().st_mtime < made):
        under = (
            f"the plan {of[:12]}"
            if of is not None
            else "no plan"
            if said or not audit.is_file()
            else "a damaged record"
        )
        found.append(Deviation(STORED, "none", f"{has} replicates were known before, under {under}"))
    if by_rule and of == plan.lock and said.get("stopping") is None:  # it was not the rule that stopped there
        found.append(Deviation(REPLICATES, plan.about["replicates"], has))
    elif not by_rule and has > scenario.run.replicates:
        found.append(Deviation(REPLICATES, plan.scenario.run.replicates, has))
    return found


def reconciled(
    now: list[Deviation], stored: list[Deviation], kept: Recorded, reason: str | None, refusal: Callable[[list[Deviation]], InputError]
) -> tuple[tuple[Deviation, ...], str]:  # fmt: skip
    """All that is not as planned, and the reasons that were given for it.

    Args:
        now: of what is asked. stored: of what lies in the folder, which replace those of the same key. kept: that the record of an
            earlier call holds for good. reason: that is given now. refusal: makes the error for deviations without a reason.

    Raises:
        InputError: that of ``refusal``.
    """
    more = {d.key for d in stored}
    now = [*(d for d in now if d.key not in more), *stored]
    # What is shown has as many replicates as planned, though fewer were asked for: none is taken away.
    now = [d for d in now if d.key != REPLICATES or d.planned != d.now]
    newer = {d.key for d in now}
    found = [*(d for d in kept.deviations if d.key not in newer), *now]
    known = [(d.key, d.now) for d in kept.explained]
    unexplained = [d for d in found if (d.key, d.now) not in known]
    given = (reason or "").strip()
    if unexplained and not given:
        raise refusal(unexplained)
    before = kept.reason if len(unexplained) < len(found) else ""
    reasons = dict.fromkeys(text for text in (before, given) if text and found)
    return tuple(found), "; ".join(reasons)


def check_command(plan: Plan, command: str, path: Path) -> None:
    """Refuse a plan of another command."""
    if plan.command != command:
        text = f"is a plan of recsim {plan.command}, this is recsim {command}; give that command, or make a plan for this one"
        raise InputError(text, str(path))


def refuse(found: list[Deviation], path: Path, what: str = "run") -> InputError:
    """The error for deviations without a reason.

    Args:
        found: these. path: of the plan. what: what it is a plan of.
    """
    named = "; ".join(f"{d.key} (planned {d.planned}, now {d.now})" for d in found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    text = f'this {what} differs from the plan in {named}{more}; undo it, or give the reason with --deviation "..."'
    return InputError(text, str(path))
