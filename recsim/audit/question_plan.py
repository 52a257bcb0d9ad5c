"""Plans of questions about several worlds: attribution, dose, delay and trade-off.

What is asked beside the scenario (measures, days, doses ...) is locked with it, so that nobody can look first and choose the
question afterwards. The plan's file, its deviations and their reason go into the folder of the answer.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from recsim.audit.evidence import Record, keeps, store_record, taken_over
from recsim.audit.plan import (
    QUESTION_VERSION,
    Deviation,
    Plan,
    baseline_of,
    check_command,
    code_deviating,
    declared,
    load_plan,
    lock_into,
    reconciled,
    recorded,
    refuse,
    settings_deviating,
    stored_otherwise,
    stored_record,
)
from recsim.errors import InputError
from recsim.experiment.diff import differing
from recsim.experiment.sets import Answer, Question, fingerprint_of, without_table
from recsim.experiment.summary import removed_campaigns
from recsim.experiment.task import Simulate
from recsim.experiment.tasks import Session, folder_path
from recsim.scenario.schema import Scenario

OTHER_CANDIDATE = "none given: another candidate was asked about without the plan"
"""Reason of the deviation of a planned answer that was made again for another candidate since."""
DIGITS = 12
"""Significant digits of a locked number: the last ones of a logarithm may be others on another machine."""
SHIFTS = "shifts: Student's t and, from 10 replicates, the studentised bootstrap, whichever reaches further"
OUTCOMES = {
    "attribute": "parts: what each player adds to the shift on arrival, averaged over orders of arrival (Shapley), percentage points, campaign window",
    "dose": "shift at each dose against the world of the baseline, percentage points, campaign window; percentage points per doubling; dose at the threshold; saturation",
    "delay": "shift, and part of the excess views that is saved, by the day on which everything inauthentic is removed, campaign window",
    "tradeoff": "less_pp: shift without a measure less shift with it, percentage points, campaign window; efficacy; costs in worlds without campaigns",
}  # fmt: skip
"""What each command reports first."""
PROCEDURES = {
    "attribute": ["parts: Student's t over replicates, from sampled orders also over pairs of orders", SHIFTS],
    "dose": [
        f"{SHIFTS}; slope: Student's t over worlds; threshold: from where the upper ends of the intervals reach it to where the lower ends do",
        "saturation: the smallest dose whose paired differences to all larger ones have a Holm-adjusted p of 0.05 or more",
    ],
    "delay": [SHIFTS, "saved: Fieller's interval, none where that of the denominator includes zero; the threshold is drawn, not tested"],
    "tradeoff": [
        "less_pp: Student's t over replicates, paired within worlds; Holm over the measures; efficacy: Fieller's interval, none where that of the shift without a measure includes zero",
        "costs: paired differences in worlds without campaigns, relative ones with Fieller's interval; Holm over the measures; the threshold decides how many replicates would be enough, nothing else",
    ],
}  # fmt: skip


def write_question_plan(question: Question, path: Path) -> Plan:
    """Lock a question into a new file before its first result, as ``recsim tradeoff ... --lock FILE`` does.

    Args:
        question: of one of the commands of `OUTCOMES`. path: of the new file, YAML.

    Raises:
        InputError: the scenario declares too little, or the file is there already.
    """
    scenario = without_table(question.scenario)
    told = {
        **declared(scenario), "primary_outcome": OUTCOMES[question.command], "primary_candidates": [question.candidate],
        "baseline": _baseline(question), "replicates": f"{scenario.run.replicates} replicates", "segments": [], "windows": [],
        "procedures": PROCEDURES[question.command],
    }  # fmt: skip
    first = {"version": QUESTION_VERSION, "command": question.command, "asked": _asked(question)}
    return lock_into(path, {**first, **told}, scenario, *_scenarios(question))


def _baseline(question: Question) -> str:
    """What worlds are compared with, in words."""
    removed = removed_campaigns(question.scenario)
    if not question.settings.get("others"):
        return baseline_of(removed)
    alone = [c for c in removed if c.id == question.settings["campaign"]]
    return f"{baseline_of(alone)}; the other campaigns act in both"


def _scenarios(question: Question) -> list[Scenario]:
    return [one.scenario for one in question.sets]


def _asked(question: Question) -> dict[str, Any]:
    """What is asked beside the scenario, as YAML and JSON hold it; of a file that it was read from, such as defences, the checksum."""
    settings = {k: v for k, v in question.settings.items() if f"{k}.yaml" not in question.texts}
    files = {f"{name} (SHA-256)": _digest(text) for name, text in question.texts.items()}
    asked: dict[str, Any] = _plain({**settings, **files, "candidate": question.candidate})
    return asked


def _digest(text: str) -> str:
    """SHA-256 of what a YAML file says: neither the order of its keys nor how its numbers are written matters."""
    return hashlib.sha256(json.dumps(_plain(yaml.safe_load(text)), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Mappings, lists, text, and numbers to `DIGITS` digits, alike however they were made."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, str | bool):
        return value
    number = float(f"{float(value):.{DIGITS}g}")
    return int(number) if number.is_integer() and abs(number) < 10**DIGITS else number


def question_deviations(plan: Plan, question: Question, fixed: bool = False) -> list[Deviation]:
    """What would be asked, of which worlds, otherwise than planned.

    Args:
        plan: of this command. question: as it would be asked now. fixed: whether ranged parameters are held fixed.

    Raises:
        InputError: there is no policy or re-ranker of a name.
    """
    here, planned = (
        {f"{question.command}.{k}": v for k, v in told.items()} for told in (_asked(question), plan.about["asked"])
    )
    found = [Deviation(*row) for row in differing(planned, here)]
    scenario = without_table(question.scenario)
    return [*found, *settings_deviating(plan, scenario), *code_deviating(plan, fixed, scenario, *_scenarios(question))]


def held_to(
    question: Question, plan_file: Path | None, reason: str | None, fixed: bool = False, out: Path | None = None,
    force: bool = False, simulate: Simulate | None = None,
) -> Record:  # fmt: skip
    """Compare a question, and what is stored of it, with its plan, if there is one.

    Args:
        question: as it is to be asked. plan_file: its plan's. reason: for deviating.
        fixed, out, force, simulate: as of `recsim.tradeoff`.

    Raises:
        InputError: the plan is of another command; it deviates and no reason is given, or a reason without a plan.
    """
    if plan_file is None:
        if reason is not None:
            raise InputError("is given without a plan; add --plan FILE", "--deviation")
        return Record()
    plan = load_plan(plan_file)
    check_command(plan, question.command, plan_file)
    mark = fingerprint_of(question, Session(simulate, fixed))
    folder = folder_path(f"{question.command}-{question.scenario.name}", mark, out, force)
    found, reasons = reconciled(
        question_deviations(plan, question, fixed),
        stored_otherwise(plan, question.scenario, folder, mark, False, question.last),
        recorded(plan, folder, mark, False, question.last), reason, partial(refuse, path=plan_file, what="question"),
    )  # fmt: skip
    return Record(plan, found, reasons)


def write_record(result: Answer, record: Record | None) -> dict[str, Any]:
    """Write how an answer came about into its folder: ``audit.json``, and ``plan.yaml`` if it was asked under one.

    Args:
        result: a stored answer.
        record: under which plan; None, or one without a plan, keeps what the folder says.

    Returns:
        The content of ``audit.json``: ``question``, ``fingerprint``, ``replicates``, ``candidate``, ``plan`` (None without),
        ``deviations``, ``deviation_reason``.
    """
    assert result.folder is not None
    kept, s = stored_record(result.folder), result.summary
    plan = None if record is None else record.plan
    found: dict[str, Any] = {
        "question": result.scenario.audit.question,
        **{key: s[key] for key in ("fingerprint", "replicates", "candidate")},
        "plan": None if plan is None else {"lock": plan.lock, **plan.about},
        "deviations": [] if record is None else [d._asdict() for d in record.deviations],
        "deviation_reason": "" if record is None else record.reason,
    }  # fmt: skip
    if keeps(kept, record):
        found |= taken_over(found, kept)
        found.pop("stopping", None)
        if found["plan"] is not None and kept["candidate"] != s["candidate"]:
            found |= _of_another(found, s["candidate"], f"{s['command']}.candidate")
    store_record(result.folder, found, plan.text if plan is not None and plan.text else None)
    return found


def _of_another(kept: dict[str, Any], candidate: str, key: str) -> dict[str, Any]:
    """What becomes of the record of a planned answer that is made again for another candidate without the plan."""
    planned = kept["plan"]["asked"]["candidate"]
    others = [d for d in kept["deviations"] if d["key"] != key]
    reason = kept["deviation_reason"].replace(f"; {OTHER_CANDIDATE}", "").replace(OTHER_CANDIDATE, "")
    if candidate == planned:
        return {"deviations": others, "deviation_reason": reason}
    other = Deviation(key, planned, candidate)._asdict()
    return {
        "deviations": [*others, other],
        "deviation_reason": f"{reason}; {OTHER_CANDIDATE}" if reason else OTHER_CANDIDATE,
    }
