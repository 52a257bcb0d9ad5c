"""Plans of questions about several worlds: attribution, dose, delay and trade-off.

What is asked beside the scenario (measures, days, doses ...) is locked with it, so that nobody can look first and choose the
question afterwards. The plan's file, its deviations and their reason go into the folder of the answer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

from recsim.audit.evidence import Record, gone_on
from recsim.audit.plan import (
    ADDED,
    FEWER,
    REPLICATES,
    STORED,
    Deviation,
    Plan,
    code_deviating,
    declared,
    load_plan,
    lock_into,
    refuse,
    settings_deviating,
    stored_record,
)
from recsim.errors import InputError
from recsim.experiment.diff import differing
from recsim.experiment.folder import read_json, write_text
from recsim.experiment.sets import Answer, Question, fingerprint_of
from recsim.experiment.task import Simulate
from recsim.experiment.tasks import Session, folder_path

RECORD = "audit.json"
OUTCOMES = {
    "attribute": "part_pp: what each player adds to the shift on arrival, averaged over orders of arrival (Shapley), percentage points, campaign window",
    "dose": "shift_pp at each dose against the world without campaigns, percentage points, campaign window; percentage points per doubling; dose at the threshold",
    "delay": "shift_pp and saved excess views by the day on which everything inauthentic is removed, campaign window",
    "tradeoff": "less_pp: shift without a measure less shift with it, percentage points, campaign window; efficacy; costs in worlds without campaigns",
}
"""What each command reports first; names of columns of its tables."""
PROCEDURES = {
    "attribute": [
        "parts: Student's t over replicates, from sampled orders also over pairs of orders; shifts: Student's t and, from 10 replicates, the studentised bootstrap, whichever reaches further",
    ],
    "dose": [
        "shifts: Student's t and, from 10 replicates, the studentised bootstrap, whichever reaches further; slope: Student's t over worlds",
        "saturation: the smallest dose whose paired differences to all larger ones have a Holm-adjusted p of 0.05 or more",
    ],
    "delay": [
        "shifts: Student's t and, from 10 replicates, the studentised bootstrap, whichever reaches further; saved: Fieller's interval, none where that of the denominator includes zero",
    ],
    "tradeoff": [
        "less_pp: Student's t over replicates, paired within worlds; Holm over the measures; efficacy: Fieller's interval, none where that of the shift without a measure includes zero",
        "costs: paired differences in worlds without campaigns, Student's t; Holm over the measures",
    ],
}  # fmt: skip


def write_question_plan(question: Question, path: Path) -> Plan:
    """Lock a question into a new file before its first result, as ``recsim tradeoff ... --lock FILE`` does.

    Args:
        question: of one of the commands of `OUTCOMES`. path: of the new file, YAML.

    Raises:
        InputError: the scenario declares too little, or the file is there already.
    """
    scenario = question.scenario
    told = {
        **declared(scenario), "primary_outcome": OUTCOMES[question.command], "primary_candidates": [question.candidate],
        "replicates": f"{scenario.run.replicates} replicates", "segments": [], "procedures": PROCEDURES[question.command],
    }  # fmt: skip
    return lock_into(path, {"command": question.command, "asked": _asked(question), **told}, scenario)


def _asked(question: Question) -> dict[str, Any]:
    """What is asked beside the scenario, as YAML and JSON hold it; of a file that it was read from, such as defences, the checksum."""
    files = {f"{name} (SHA-256)": hashlib.sha256(text.encode()).hexdigest() for name, text in question.texts.items()}
    return json.loads(json.dumps({**question.settings, **files, "candidate": question.candidate}))


def question_deviations(plan: Plan, question: Question, fixed: bool = False) -> list[Deviation]:
    """What would be asked, of which worlds, otherwise than planned.

    Args:
        plan: of this command. question: as it would be asked now. fixed: whether ranged parameters are held fixed.
    """
    here = {f"{question.command}.{k}": v for k, v in _asked(question).items()}
    planned = {f"{question.command}.{k}": v for k, v in plan.about["asked"].items()}
    found = [Deviation(*row) for row in differing(planned, here)]
    return [*found, *settings_deviating(plan, question.scenario), *code_deviating(plan, question.scenario, fixed)]


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
    if plan.command != question.command:
        raise InputError(f"is a plan of recsim {plan.command}; this is recsim {question.command}", str(plan_file))
    mark = fingerprint_of(question, Session(simulate, fixed))
    folder = folder_path(f"{question.command}-{question.scenario.name}", mark, out, force)
    before = _stored_deviations(plan, question, mark, folder)
    newer = {d.key for d in before}
    found = [*(d for d in question_deviations(plan, question, fixed) if d.key not in newer), *before]
    explained, earlier = _explained(plan, folder)
    open_ = [d for d in found if (d.key, d.now) not in explained]
    given = (reason or "").strip()
    if open_ and not given:
        raise refuse(open_, plan_file)
    before_now = earlier if len(open_) < len(found) else ""
    return Record(plan, tuple(found), "; ".join(dict.fromkeys(text for text in (before_now, given) if text and found)))


def _explained(plan: Plan, folder: Path) -> tuple[list[tuple[str, Any]], str]:
    """Deviations for which a reason was given before under this plan, key and value, and the reason."""
    said = stored_record(folder)
    if (said.get("plan") or {}).get("lock") != plan.lock:
        return [], ""
    given = reason = said.get("deviation_reason", "")
    for text in (ADDED, FEWER):
        reason = reason.replace(f"; {text}", "").replace(text, "")
    rows = [(d["key"], d["now"]) for d in said.get("deviations", ()) if reason == given or d["key"] != REPLICATES]
    return (rows, reason) if reason else ([], "")


def _stored_deviations(plan: Plan, question: Question, mark: str, folder: Path) -> list[Deviation]:
    """What is not as planned because the answer lies in its folder already: it would be taken over."""
    try:
        stored = read_json(folder / question.last)
    except (OSError, InputError):
        return []
    if stored.get("fingerprint") != mark or "replicates" not in stored:
        return []
    said, has = stored_record(folder), stored["replicates"]
    of = (said.get("plan") or {}).get("lock")
    found = []
    if of == plan.lock:
        found += [Deviation(**d) for d in said.get("deviations", ()) if d["key"] == STORED]
    else:
        made = dt.datetime.fromisoformat(str(plan.about["made"])).timestamp()
        if said or (folder / question.last).stat().st_mtime < made:
            under = f"the plan {of[:12]}" if of is not None else "no plan"
            found.append(Deviation(STORED, "none", f"{has} replicates were known before, under {under}"))
    if has > question.scenario.run.replicates:
        found.append(Deviation(REPLICATES, plan.scenario.run.replicates, has))
    return found


def write_record(result: Answer, record: Record | None, plan_file: Path | None) -> dict[str, Any] | None:
    """Write how an answer came about into its folder, ``audit.json`` and ``plan.yaml``, with their checksums in its manifest.

    Args:
        result: a stored answer.
        record: under which plan; None, or one without a plan, keeps what the folder says.
        plan_file: the plan's file.

    Returns:
        The content of ``audit.json``; None of an answer that never had a plan.
    """
    assert result.folder is not None
    kept, s = stored_record(result.folder), result.summary
    head = {"question": result.scenario.audit.question, "fingerprint": s["fingerprint"], "replicates": s["replicates"]}
    if record is not None and record.plan is not None:
        found = head | {
            "plan": {"lock": record.plan.lock, **record.plan.about},
            "deviations": [d._asdict() for d in record.deviations], "deviation_reason": record.reason,
        }  # fmt: skip
    elif kept:
        found = kept | head
        if kept["replicates"] != s["replicates"]:
            found |= gone_on({**kept, "replicates": s["replicates"]}, kept["replicates"])
            found.pop("stopping")
    else:
        return None
    if found == kept and plan_file is None:
        return found
    sums = {RECORD: write_text(result.folder / RECORD, json.dumps(found, indent=1, allow_nan=False) + "\n")}
    if plan_file is not None:
        sums["plan.yaml"] = write_text(result.folder / "plan.yaml", plan_file.read_text(encoding="utf-8"))
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["sha256"] |= sums
    write_text(result.folder / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    return found
