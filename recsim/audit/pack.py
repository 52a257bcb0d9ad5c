"""Evidence in files of its own, for an audit report: controls of ``recsim check``, importance of ``recsim show --measure``.

Such a file says of which scenario it was made and by which sources, so that a report can tell whether it is about its run.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from recsim import __version__
from recsim.audit.controls import CONTROLS
from recsim.audit.provenance import name_of
from recsim.errors import InputError
from recsim.experiment.diff import differing, flat
from recsim.experiment.files import git_state
from recsim.experiment.folder import read_json, readable
from recsim.experiment.held import a_kind, kind_in
from recsim.experiment.result import Result
from recsim.scenario.schema import Scenario

FOLDER = "evidence"
"""Where the files lie in the folder of a report."""
IGNORED = ("run.replicates",)
"""Settings that do not make another question."""
FACTS = "other figures"
"""Section of rows of a check that nothing is held against."""
TAKEN = "a report takes folders of results and, as files, the JSON of recsim check --json and of recsim show POLICY --measure CONFIG --json"
KINDS = {"check": "check", "importance": "measured importance"}


def made_of(scenario: Scenario) -> dict[str, Any]:
    """Of which scenario something is made, and by what.

    Args:
        scenario: validated scenario.

    Returns:
        ``scenario`` (its name), ``policy``, ``candidates`` (ids), ``fingerprint`` (that of a run of this scenario with drawn
        parameters), ``source_sha256``, ``recsim``, ``commit``, ``uncommitted_changes``, ``versions``, and ``settings``: every
        setting by its dotted key, as of `recsim.experiment.diff.flat`.
    """
    from recsim.experiment.run import run_fingerprint, source_digest

    commit, changed = git_state()
    return {
        "scenario": scenario.name, "policy": scenario.platform.policy, "candidates": [c.id for c in scenario.candidates],
        "fingerprint": run_fingerprint(scenario, False), "source_sha256": source_digest(), "recsim": __version__,
        "commit": commit, "uncommitted_changes": changed, "versions": {name: version(name) for name in ("numba", "numpy")},
        "settings": flat(scenario),
    }  # fmt: skip


class MadeOf(BaseModel):
    """What `made_of` writes."""

    scenario: str
    policy: str
    candidates: list[str]
    fingerprint: str
    source_sha256: str
    recsim: str
    commit: str | None
    uncommitted_changes: bool | None
    versions: dict[str, str]
    settings: dict[str, Any]


class Row(BaseModel):
    """A row of a check."""

    section: str
    name: str
    value: float | str | None
    expected: str
    verdict: Literal["pass", "FAIL", "inside", "outside", "no target", "no campaign", "not computed", ""]
    note: str


class Check(BaseModel):
    """The JSON of ``recsim check``."""

    passed: bool
    quick: bool
    rows: list[Row] = Field(min_length=1)
    made_of: MadeOf


class Moved(BaseModel):
    """What a parameter of a policy does to one candidate; see `recsim.experiment.importance.importance`."""

    parameter: str
    value: float
    reordered: float
    candidate: str
    elasticity: float | None
    ci_low: float | None
    ci_high: float | None
    shift_pp: float | None
    shift_more_pp: float | None
    shift_less_pp: float | None


class Importance(BaseModel):
    """The JSON of ``recsim show --measure``, as far as it was measured."""

    importance: list[Moved] = Field(min_length=1)
    not_measured: list[str]
    first_places: int
    replicates: int
    factor: float
    made_of: MadeOf


class Place(NamedTuple):
    """A policy that a report is about.

    Attributes:
        folder: name of the result's folder.
        scenario: under that policy.
        fingerprint: of the run; None of other results, whose fingerprints are of something else.
    """

    folder: str
    scenario: Scenario
    fingerprint: str | None


class Evidence(NamedTuple):
    """One file.

    Attributes:
        kind: "check" or "importance".
        name: of the file.
        raw: its bytes.
        block: what ``report.json`` says of it: its content, checksum, and whether it is of the same scenario and sources.
        row: where it comes from, for the list of evidence.
    """

    kind: str
    name: str
    raw: bytes
    block: dict[str, Any]
    row: dict[str, Any]


def read(file: Path) -> tuple[str, bytes, Check | Importance]:
    """A file of evidence: its kind, bytes and content.

    Raises:
        InputError: it cannot be read, is something else, is damaged, or an earlier recsim wrote it.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(file)) from error
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        text = f"is no JSON; {TAKEN}; if it is the output of such a command, it was stopped or lacked --json"
        raise InputError(text, str(file)) from error
    kind = _kind(content, file)
    if "made_of" not in content:
        text = f"was made by an earlier version of recsim, which did not say of which scenario; make it again: {_command(kind)}"
        raise InputError(text, str(file))
    try:
        found: Check | Importance = (
            Check.model_validate(content) if kind == "check" else Importance.model_validate(content)
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        text = f"is damaged or of another version of recsim ({at}: {first['msg']}); make it again: {_command(kind)}"
        raise InputError(text, str(file)) from error
    if isinstance(found, Check) and found.passed == bool(failed(found)):
        text = f"says passed: {str(found.passed).lower()}, but its rows say otherwise; it was changed: put it back or make it again"
        raise InputError(text, str(file))
    return kind, raw, found


def _kind(content: Any, file: Path) -> str:
    keys = set(content) if isinstance(content, dict) else set()
    if {"rows", "passed"} <= keys:
        return "check"
    if "importance" in keys:
        return "importance"
    last = kind_in(file.parent)
    if last is not None:
        got = f"is a file of {a_kind(last)}; name its folder, {file.parent}"
    elif {"findings", "passed"} <= keys:
        got = "is the JSON of recsim verify, which is about a folder as it was then"
    elif {"doors", "parameters", "profiled"} <= keys:
        got = "is the card of a policy, and nothing was measured; add --measure CONFIG"
    else:
        got = "is no evidence written by recsim"
    raise InputError(f"{got}; {TAKEN}", str(file))


def _command(kind: str) -> str:
    if kind == "check":
        return "recsim check CONFIG --json > controls.json"
    return "recsim show POLICY --measure CONFIG --json > importance.json"


def failed(found: Check) -> list[str]:
    """Names of the controls and accounts that failed."""
    return [row.name for row in found.rows if row.verdict == "FAIL"]


def gathered(base: Result, files: Sequence[Path], places: Sequence[Place]) -> list[Evidence]:
    """Read files of evidence and hold them against what a report is about.

    Args:
        base: the run that the report is about.
        files: to be read. places: the policies of the report, the run's own first.

    Raises:
        InputError: as of `read`; a second check, or a second measurement of a policy; other candidates than the run's; a
            policy that the report is not about.
    """
    assert base.folder is not None
    with readable(base.folder, "run"):
        source = read_json(base.folder / "manifest.json")["source_sha256"]
    out: list[Evidence] = []
    for file in files:
        kind, raw, found = read(file)
        made = found.made_of
        if sorted(made.candidates) != sorted(c.id for c in base.scenario.candidates):
            text = (
                f"is about other candidates ({', '.join(made.candidates)}) than the first run; it cannot stand beside it: "
                f"make it again with the scenario.yaml in {base.folder}"
            )
            raise InputError(text, str(file))
        if any(one.kind == kind and (kind == "check" or one.block["policy"] == made.policy) for one in out):
            of = "" if kind == "check" else f" of {made.policy}"
            raise InputError(f"is a second {KINDS[kind]}{of}; one can stand in a report", str(file))
        block = _about(made, _nearest(made, places, kind, file), source)
        block |= {"file": file.name, "sha256": hashlib.sha256(raw).hexdigest()}
        if isinstance(found, Check):
            block |= _controls(found)
        else:
            block |= found.model_dump(exclude={"made_of"})
        out.append(Evidence(kind, file.name, raw, block, _row(kind, found, block)))
    return out


def _nearest(made: MadeOf, places: Sequence[Place], kind: str, file: Path) -> Place:
    """Of the policies of the report the one that a file is of: the same policy, with the fewest other settings."""
    same = [one for one in places if one.scenario.platform.policy == made.policy]
    if not same and kind == "importance":
        there = ", ".join(dict.fromkeys(one.scenario.platform.policy for one in places))
        text = f"measures the policy {made.policy}, and this report is about {there}; measure one of these, or add a result of it"
        raise InputError(text, str(file))
    return min(same or places[:1], key=lambda one: len(other_settings(flat(one.scenario), made.settings)))


def other_settings(first: Mapping[str, Any], here: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What ``report.json`` says of settings that are not those of the first result.

    Args:
        first, here: settings by dotted key, as of `recsim.experiment.diff.flat`.
    """
    return [{"key": key, "first": a, "here": b} for key, a, b in differing(first, here) if key not in IGNORED]


def _about(made: MadeOf, place: Place, source: str) -> dict[str, Any]:
    """What a file is of, and in what that is not the result that stands in the report."""
    differs = other_settings(flat(place.scenario), made.settings)
    same = not differs and made.source_sha256 == source
    return {
        "scenario": made.scenario, "policy": made.policy, "fingerprint": made.fingerprint, "source_sha256": made.source_sha256,
        "of": place.folder, "differs": differs, "other_sources": made.source_sha256 != source,
        # Neither a setting nor the sources: a policy's own code, other versions of packages, or parameters held fixed.
        "otherwise": same and place.fingerprint not in (None, made.fingerprint),
    }  # fmt: skip


def _controls(found: Check) -> dict[str, Any]:
    named = {row.name for row in found.rows if row.section == "controls"}
    return {
        "passed": found.passed, "quick": found.quick, "failed": failed(found),
        "lacking": [name for name in CONTROLS if name not in named], "rows": [row.model_dump() for row in found.rows],
    }  # fmt: skip


def _row(kind: str, found: Check | Importance, block: dict[str, Any]) -> dict[str, Any]:
    made, policy = found.made_of, shlex.quote(block["policy"])
    if isinstance(found, Check):
        words = f"check scenario.yaml --policy {policy}{' --quick' if found.quick else ''} --yes"
    else:
        words = f"show {policy} --measure scenario.yaml --replicates {found.replicates} --yes"
    return {
        "file": block["file"], "kind": kind, "sha256": block["sha256"], "of": block["of"],
        **made.model_dump(exclude={"settings", "candidates"}),
        "again": f"python -m recsim {words} --json > ../{shlex.quote(block['file'])}",
    }  # fmt: skip


def about_assumptions(found: dict[str, Any] | None, source: str) -> dict[str, Any] | None:
    """What ``report.json`` says of a study or a calibration: its numbers, and in what it is not of the run.

    Args:
        found: its summary with ``folder``, ``differs`` and ``source_sha256``; None if there is none.
        source: SHA-256 of the sources that the run was made by.
    """
    if found is None:
        return None
    head = {k: found[k] for k in ("folder", "fingerprint", "differs", "source_sha256")}
    numbers = {k: v for k, v in found.items() if k == "fingerprint" or k not in head}
    return head | {"other_sources": found["source_sha256"] != source, "numbers": numbers}


def about_calibration(found: dict[str, Any] | None, scenario: Scenario, source: str) -> dict[str, Any] | None:
    """The same of a calibration, with ``used``: whether the run's parameter sets are its own; None if the run has none."""
    block, sets = about_assumptions(found, source), scenario.run.ensemble
    return block and block | {"used": None if sets is None else sets.calibration == block["fingerprint"]}


def outside_of(files: Sequence[Path], folders: Sequence[Path]) -> None:
    """Refuse a file that was put into a result, whose list of checksums does not know it.

    Raises:
        InputError: a file lies in one of the folders.
    """
    for file in files:
        for folder in folders:
            if folder.resolve() in file.resolve().parents:
                text = f"lies in the folder of a result ({name_of(folder)}), which must stay as it was written; move it beside that folder"
                raise InputError(text, str(file))
