"""The auditor's own words about a finished result: a YAML file that goes into its report, without a new simulation.

Who audits, third parties, recommendations, limitations, how long it all is valid: what an audit report has to hold (DSA Art. 37(4);
Delegated Regulation (EU) 2024/436, Annex I) and no simulation can say. It is printed as given and apart from what recsim computed;
no number depends on it, so it is part of no fingerprint.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Collection
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from recsim.errors import InputError
from recsim.experiment.folder import read_json, write_bytes
from recsim.experiment.sums import NOTES
from recsim.scenario.kinds import refuse_other
from recsim.scenario.load import read_yaml
from recsim.scenario.problems import validated
from recsim.scenario.quantity import Strict


def _as_words(raw: Any) -> Any:
    """Text as it will be printed: nothing is no words, what YAML read as a date is text again."""
    if raw is None:
        return ""
    if isinstance(raw, dt.date) and not isinstance(raw, dt.datetime):
        return raw.isoformat()
    if not isinstance(raw, str):
        return raw
    for sign in raw:
        # A terminal would obey some of these, and no page can show them.
        if sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs"):
            raise ValueError(f"got a control character (U+{ord(sign):04X}); leave it out")
    return raw.strip()


def _as_list(raw: Any) -> Any:
    return [] if raw is None else raw


Words = Annotated[str, BeforeValidator(_as_words)]
Needed = Annotated[str, Field(min_length=1), BeforeValidator(_as_words)]


class ThirdParty(Strict):
    """Somebody whom the auditor consulted or relied on."""

    name: Needed = Field(description="person or organisation")
    role: Words = Field("", description="consulted about what, or relied on for what")


class Recommendation(Strict):
    """One recommendation of the auditor."""

    measure: Needed = Field(description="what should be done")
    risk: Words = Field("", description="the risk or finding that it addresses")
    timeframe: Words = Field("", description="until when, or within what time")
    evidence: Words = Field(
        "",
        description="what it rests on: the name of a mitigation or defence of a trade-off, a file of the run's folder, the "
        "folder of another result of the report, or a source of one's own",
    )


class Notes(Strict):
    """The auditor's own words, printed in the report as given."""

    auditor: Words = Field("", description="who audits")
    organisation: Words = Field("", description="auditing organisation, or the body for which the audit is done")
    contact: Words = Field("", description="how the auditor can be reached")
    funding: Words = Field("", description="who pays for the audit")
    interests: Words = Field("", description="declaration of interests and of conflicts of interest")
    service: Words = Field("", description="the service, provider and period that are audited")
    third_parties: Annotated[list[ThirdParty], BeforeValidator(_as_list)] = Field(
        default_factory=list, description="third parties consulted or relied on"
    )
    limitations: Annotated[list[Needed], BeforeValidator(_as_list)] = Field(
        default_factory=list, description="what limits the audit, or could not be audited, and why"
    )
    recommendations: Annotated[list[Recommendation], BeforeValidator(_as_list)] = Field(
        default_factory=list, description="what the auditor recommends"
    )
    management_response: Words = Field("", description="what the audited provider answers, if it was asked")
    valid_until: dt.date | None = Field(
        None, description="last day on which the auditor holds this to be valid, ISO date"
    )


class Given(NamedTuple):
    """Notes as a file says them.

    Attributes:
        notes: what it says.
        content: the file, byte by byte.
        replicates: of the run when they were given; None: as many as it has now.
    """

    notes: Notes
    content: bytes
    replicates: int | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def read_notes(path: str | Path) -> Given:
    """Read and validate a file of the auditor's own words.

    Raises:
        InputError: one line per problem, with file, line and dotted key.
    """
    try:
        raw, lines = read_yaml(path)
    except InputError as error:
        raise InputError(error.message.replace("`recsim init`", "`recsim init --notes`"), error.where) from None
    refuse_other(raw, "notes", str(path))
    return Given(validated(Notes, raw, str(path), lines), Path(path).read_bytes())


def stored_notes(folder: Path) -> Given | None:
    """The notes that a report's folder holds; None if there are none."""
    if not (folder / NOTES).is_file():
        return None
    found = read_notes(folder / NOTES)
    try:
        said = read_json(folder / "report.json")["notes"]
        before = said["replicates"] if said["sha256"] == found.sha256 else None
    except (OSError, InputError, KeyError, TypeError):
        before = None
    return found._replace(replicates=before)


def chosen_notes(notes: str | Path | Literal[False] | None, folder: Path) -> Given | None:
    """The notes of a file; those that the folder holds, for None; none at all, for False."""
    if notes is False:
        return None
    return stored_notes(folder) if notes is None else read_notes(notes)


def keep_notes(given: Given | None, folder: Path) -> None:
    """Make the folder hold these notes, as they are, or none."""
    if given is None:
        (folder / NOTES).unlink(missing_ok=True)
    else:
        write_bytes(folder / NOTES, given.content)


def notes_block(given: Given | None, replicates: int) -> dict[str, Any] | None:
    """What ``report.json`` says of them under ``notes``; None without any.

    Args:
        given: the notes. replicates: of the run.
    """
    if given is None:
        return None
    until = given.notes.valid_until
    return {
        "file": NOTES, "sha256": given.sha256, "replicates": replicates if given.replicates is None else given.replicates,
        **given.notes.model_dump(mode="json", exclude={"recommendations"}),
        "past": until is not None and until < dt.date.today(),
    }  # fmt: skip


def recommended(given: Given | None, measures: Collection[str], held: Collection[str]) -> list[dict[str, Any]]:
    """The auditor's recommendations, each with where in the report its evidence stands.

    Args:
        given: the notes.
        measures: names of mitigations and defences that the report compares.
        held: files of the run's folder, and folders of the results that the report is about.

    Returns:
        One row each: the fields of `Recommendation`, and ``evidence_in``: "mitigation", "folder", or None for what is of
        neither. Only names are compared; whether the evidence bears what is recommended is not looked at.
    """
    rows = []
    for one in () if given is None else given.notes.recommendations:
        place = "mitigation" if one.evidence in measures else "folder" if one.evidence in held else None
        rows.append({**one.model_dump(), "evidence_in": place})
    return rows


def notes_template(file: str | PurePath = NOTES) -> str:
    """A commented example with invented words; the commands at its head name ``file``."""
    from importlib.resources import files

    text = files("recsim.audit").joinpath("notes_template.yaml").read_text(encoding="utf-8")
    return text.replace(f"--notes {NOTES}", f"--notes {file}")


def notes_schema() -> dict[str, Any]:
    """JSON Schema of a file of the auditor's own words, for editors."""
    return Notes.model_json_schema()
