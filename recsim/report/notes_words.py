"""The auditor's own words on the terminal: as in the page, marked off from what recsim computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recsim.report.strings import say
from recsim.report.table import wrapped


def notes_lines(found: dict[str, Any], recommended: Sequence[dict[str, Any]]) -> list[str]:
    """The whole text, line by line, at most 80 columns.

    Args:
        found: block ``notes`` of ``report.json``. recommended: its ``recommendations``.
    """
    none = say("not_given")
    fields = {
        "notes_auditor": "auditor", "notes_organisation": "organisation", "notes_contact": "contact", "auditor_funding": "funding",
        "auditor_interests": "interests", "notes_service": "service", "notes_until": "valid_until",
    }  # fmt: skip
    third = [f"{one['name']}: {one['role']}" if one["role"] else one["name"] for one in found["third_parties"]]
    out = [say("notes"), *wrapped(say("notes_are", file=found["file"], sum=found["sha256"]))]
    if found["past"]:
        out += wrapped(say("notes_past", until=found["valid_until"]))
    for label, key in fields.items():
        out += wrapped(f"{say(label)}: {found[key] or none}", "  ")
    out += [*_listed(say("notes_third_parties"), third), *_listed(say("notes_limitations"), found["limitations"])]
    if found["management_response"]:
        out += wrapped(f"{say('notes_response')}: {found['management_response']}", "  ")
    return out + _listed(say("recommendations"), [_recommendation(one) for one in recommended])


def _recommendation(one: dict[str, Any]) -> str:
    place = {"mitigation": "evidence_compared", "folder": "evidence_held", None: "evidence_elsewhere"}[
        one["evidence_in"]
    ]
    parts = [
        f"risk addressed: {one['risk']}" if one["risk"] else "",
        f"timeframe: {one['timeframe']}" if one["timeframe"] else "",
        f"evidence: {one['evidence']} ({say(place)})" if one["evidence"] else "",
    ]
    more = "; ".join(part for part in parts if part)
    return f"{one['measure']} [{more}]" if more else one["measure"]


def _listed(head: str, texts: Sequence[str]) -> list[str]:
    """A heading and its entries, or that there are none."""
    if not texts:
        return wrapped(f"{head}: {say('not_given')}", "  ")
    return [*wrapped(f"{head}:", "  "), *(line for text in texts for line in wrapped(f"- {text}", "    "))]
