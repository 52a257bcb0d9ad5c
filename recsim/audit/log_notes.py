"""What to keep in mind with the figures of a log, in sentences: decided by what the log is, not by what it says."""

from __future__ import annotations

from typing import Any

from recsim.audit.design_needed import LEAST_BEFORE_AFTER

FEW_CLUSTERS = 10
"""Viewers or days below which an interval over them is said to be rough."""


def notes(found: dict[str, Any]) -> list[str]:
    """Sentences about one result of `recsim.audit.measure.measure`."""
    out = [_OVER["days" if found["days"] else "viewers"].format(**found)]
    if found["viewers"] == "puppets":
        out.append("Puppets show what such accounts are shown, not what people are.")
    if found["viewers"] == "donors" and not found["weighted"]:
        out.append("Donors choose to take part; without weights they stand for themselves alone.")
    if found["weighted"]:
        out.append(
            "Weights are taken as known; they mend who takes part only as far as that depends on what they were made from."
        )
    out += _of_days(found)
    if found["comparisons"]:
        out.append(
            "A difference between arms is an effect of the feed (E2) only if viewers were assigned by chance, or accounts "
            "were set up alike; it is not what inauthentic actors caused (E1), which no log shows: all of it was recorded with them."
        )
    if found["reference"]:
        out.append("Which shares would be fair is a norm, not a finding (E3).")
    return out + _of_labels(found) + _of_coding(found)


_OVER = {
    "viewers": "Intervals are over viewers of one world: they do not cover what another day or another draw of luck would have shown.",
    "days": "Intervals are over viewers and {days} days of one world: they do not cover what other weeks or another draw of luck would "
    "have shown, and take days as independent of each other.",
}


def _of_days(found: dict[str, Any]) -> list[str]:
    out = []
    if found["viewers"] != "people" and not found["days"]:
        out.append(
            "The log has no column 'day': what a day does to all accounts at once is in no interval, so more accounts make them "
            "narrower, not truer."
        )
    if found["days"] == 1:
        out.append("All rows are of one day, so what days share is in no interval.")
    elif found["days"] and found["days"] < FEW_CLUSTERS:
        out.append(
            f"With {found['days']} days intervals are rough: how days differ is told from {found['days']} values."
        )
    for one in found["comparisons"]:
        if one["before_after"] and one["days"] < LEAST_BEFORE_AFTER:
            out.append(
                f"{one['arm']} and {one['baseline']} share no day, a before and an after on {one['days']} days in all: below "
                f"{LEAST_BEFORE_AFTER} their difference has no interval."
            )
        elif one["before_after"]:
            out.append(f"{one['arm']} and {one['baseline']} share no day: nothing shows what else changed in between.")
        elif one["days"] is not None and one["shared_days"] < one["days"]:
            out.append(
                f"{one['arm']} and {one['baseline']} share {one['shared_days']} of {one['days']} days; on the others a day's own "
                "news is part of their difference."
            )
    return out


def _of_labels(found: dict[str, Any]) -> list[str]:
    if found["sensitivity_pct"] == found["specificity_pct"] == 100:
        return []
    out = [
        f"Corrected for labels with a sensitivity of {found['sensitivity_pct']:g} % and a specificity of {found['specificity_pct']:g} %, "
        "taken as known and alike for all candidates; each candidate by herself, so corrected shares need not add up to 100 %."
    ]
    fewest = 1 - found["specificity_pct"] / 100
    for arm in found["arms"]:
        below = [row["candidate"] for row in arm["rows"] if row["share"] < fewest]
        if below:
            out.append(
                f"{arm['arm']}: the share of {', '.join(below)} is below the {100 * fewest:.1f} % that false labels alone would make: the "
                "specificity must be higher for them."
            )
    return out


def _of_coding(found: dict[str, Any]) -> list[str]:
    coding = found["coding"]
    if coding is None:
        return []
    out = []
    if coding["items_not_coded"]:
        out.append(
            f"{coding['items_not_coded']:,} of {coding['items']:,} items ({100 * coding['rows_not_coded']:.1f} % of the rows) are not in "
            "the coding sheet and count as not shown: if they were left out for what they hold, shares are wrong by it."
        )
    agreed = {name: value for name, value in coding["agreement"].items() if value == value}
    if agreed:
        said = "; ".join(f"{name} {value:.2f}" for name, value in agreed.items())
        out.append(
            f"Agreement of coders (Krippendorff's alpha, nominal): {said}. Below .80 conclusions are tentative, below .67 none."
        )
    return out
