"""The opinion layer on the terminal: one paragraph after everything else, and called what it is."""

from __future__ import annotations

from typing import Any

from recsim.experiment.result import Result

HEADING = "Opinion layer: assumed effect sizes, not a finding and not a forecast"
VOTES = 1e4
"""Votes in a million that make one percentage point."""
SENTENCES = {
    "persuasion": "one hundred impressions that count moved a voter who stands at one half by {sizes} points",
    "mobilisation": "one hundred supportive impressions added {sizes} points to the turnout of the candidate's supporters",
    "demobilisation": "one hundred critical or demobilising impressions took {sizes} points from the turnout of the candidate's supporters",
}


def per_million(swing_pp: float | None) -> str:
    """A swing in percentage points as votes in a million, two digits and a sign; exactly zero is 0, unknown a dash."""
    if swing_pp is None or swing_pp != swing_pp:
        return "-"
    votes = swing_pp * VOTES
    if votes == 0:
        return "0"
    return f"{votes:+,.0f}" if abs(votes) >= 99.5 else f"{votes:+.2g}" if abs(votes) >= 0.01 else f"{votes:+.2f}"


def listed(words: list[str]) -> str:
    """Words with commas, the last after "or"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def swings(opinion: dict[str, Any], effect: str, candidate: str) -> list[tuple[float, dict[str, Any]]]:
    """Effect sizes of one effect, rising from 0, each with the candidate's row."""
    return [
        (e["effect_pp"], next(row for row in e["candidates"] if row["id"] == candidate))
        for e in opinion["effects"] if e["effect"] == effect
    ]  # fmt: skip


def study_text(study: dict[str, Any]) -> str:
    """One published effect, and whether the publication was read."""
    return f"{study['name']}: {study['found']}" + (
        "" if study["read"] == "abstract" else f" ({study['read']}, not verified)"
    )


def sentence(opinion: dict[str, Any], effect: str, candidate: str, name: str) -> str | None:
    """The if-then sentence of one effect and one candidate; None if the effect is not swept."""
    rows = swings(opinion, effect, candidate)
    if len(rows) < 2:
        return None
    moved = listed([per_million(row["swing_pp"]) for _, row in rows])
    last = rows[-1][1]
    text = f"In this model, if {SENTENCES[effect].format(sizes=listed([f'{size:g}' for size, _ in rows]))}, then the "
    text += f"campaigns would have moved the expected vote of {name} among the simulated people by {moved} votes in a million"
    if last["ci_low"] is not None:
        text += f" (at {rows[-1][0]:g}: 95 % interval {per_million(last['ci_low'])} to {per_million(last['ci_high'])})"
    if last.get("media_swing_pp") is not None:
        text += f"; an outlet that leans to {name}, at {rows[-1][0]:g}: {per_million(last['media_swing_pp'])}"
    return text + "."


def opinion_lines(result: Result) -> list[str]:
    """The paragraph, or nothing if the layer is off or nobody is promoted."""
    from recsim.report.table import wrapped

    opinion = result.summary.get("opinion")
    if not opinion or not result.summary["beneficiaries"]:
        return []
    names = {c.id: c.name for c in result.scenario.candidates}
    out = ["", "-" * 78, *wrapped(HEADING)]
    for candidate in result.summary["beneficiaries"]:
        for effect in SENTENCES:
            text = sentence(opinion, effect, candidate, names[candidate])
            out += wrapped(text) if text else []
    out += wrapped("Published: " + "; ".join(study_text(study) for study in opinion["literature"]) + ".")
    return [*out, "-" * 78]
