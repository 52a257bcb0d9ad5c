"""What to keep in mind with the figures of a log, in sentences: decided by what the log is, not by what it says."""

from __future__ import annotations

from typing import Any

from recsim.audit.design_needed import LEAST_BEFORE_AFTER

FEW = 10
"""Viewers or days below which an interval over them is said to be rough."""
ROUNDING = 1e-9


def notes(found: dict[str, Any]) -> list[str]:
    """Sentences about one result of `recsim.audit.measure.measure`."""
    return [
        *_over(found),
        *_of_viewers(found),
        *_of_days(found),
        *_of_estimands(found),
        *_of_labels(found),
        *_of_coding(found),
    ]


def _over(found: dict[str, Any]) -> list[str]:
    if not found["days"] or found["days"] < 2:
        out = [
            "Intervals are over viewers of one world: they do not cover what another day or another draw of luck would have shown."
        ]
    else:
        out = [
            f"Intervals are over viewers and {found['days']} days of one world: they do not cover what other weeks or another draw of luck "
            "would have shown, and take days as independent of each other."
        ]
    if any(
        row["share_low"] != row["share_low"] and row["share"] == row["share"]
        for arm in found["arms"]
        for row in arm["rows"]
    ):
        out.append(
            "A share without an interval is one of fewer than two viewers with candidate content, or alike for all of them (all or none "
            "of it): then nothing in the log says how far another viewer's could be."
        )
    return out


def _of_viewers(found: dict[str, Any]) -> list[str]:
    out = []
    if found["viewers"] == "puppets":
        out.append("Puppets show what such accounts are shown, not what people are.")
    if found["viewers"] == "donors" and not found["weighted"]:
        out.append("Donors choose to take part; without weights they stand for themselves alone.")
    if found["weighted"]:
        out.append(
            "Weights are taken as known; they mend who takes part only as far as that depends on what they were made from."
        )
    few = [arm["arm"] for arm in found["arms"] if 1 < arm["people"] < FEW]
    if few:
        out.append(
            f"Fewer than {FEW} viewers ({', '.join(few)}): how they differ is told from few values, so intervals are rough."
        )
    return out


def _of_days(found: dict[str, Any]) -> list[str]:
    out = []
    if found["viewers"] != "people" and not found["days"]:
        out.append(
            "The log has no column 'day': what a day does to all accounts at once is in no interval, so more accounts make them "
            "narrower, not truer."
        )
    single = [arm["arm"] for arm in found["arms"] if arm["days"] == 1]
    if single:
        out.append(f"One day only ({', '.join(single)}): what days share is in no interval of its shares.")
    few = [f"{arm['arm']} {arm['days']}" for arm in found["arms"] if arm["days"] and 1 < arm["days"] < FEW]
    if few:
        out.append(
            f"Fewer than {FEW} days ({', '.join(few)}): how days differ is told from few values, so intervals are rough."
        )
    for one in found["comparisons"]:
        pair = f"{one['arm']} and {one['baseline']}"
        if one["before_after"] and one["days"] < LEAST_BEFORE_AFTER:
            out.append(
                f"{pair} share no day, as a before and an after do; with {one['days']} days in all, below {LEAST_BEFORE_AFTER}, their "
                "difference has no interval."
            )
        elif one["before_after"]:
            out.append(f"{pair} share no day: nothing shows what else changed in between.")
        elif one["days"] is not None and one["shared_days"] < one["days"]:
            out.append(
                f"{pair} share {one['shared_days']} of {one['days']} days; on the others a day's own news is part of their difference."
            )
        if not one["as_many"]:
            out.append(
                f"{pair} last for different numbers of days: their reach and times are not comparable, ratios of impressions are not given."
            )
    return out


def _of_estimands(found: dict[str, Any]) -> list[str]:
    out = []
    if found["comparisons"]:
        out.append(
            "A difference between arms is an effect of the feed (E2) only if viewers were assigned by chance, or accounts "
            "were set up alike; it is not what inauthentic actors caused (E1), which no log shows: all of it was recorded with them."
        )
    if found["reference"]:
        out.append("Which shares would be fair is a norm, not a finding (E3).")
    return out


def _of_labels(found: dict[str, Any]) -> list[str]:
    if found["sensitivity_pct"] == found["specificity_pct"] == 100:
        return []
    sums = [sum(row["share_corrected"] for row in arm["rows"]) for arm in found["arms"]]
    added = ", ".join(f"{100 * total:.0f} %" for total in sums if total == total)
    out = [
        f"Corrected for labels with a sensitivity of {found['sensitivity_pct']:g} % and a specificity of {found['specificity_pct']:g} %, "
        f"taken as known and alike for all candidates. Each candidate is corrected by herself, so shares need not add up (here to {added}; "
        "they are made to for the distance from a reference). Ratios, the parity gap and what is about items are not corrected."
    ]
    least, most = 1 - found["specificity_pct"] / 100, found["sensitivity_pct"] / 100
    for arm in found["arms"]:
        # By the ends of the intervals: of a few impressions any share can come about.
        below = [row["candidate"] for row in arm["rows"] if row["share_high"] < least - ROUNDING]
        above = [row["candidate"] for row in arm["rows"] if row["share_low"] > most + ROUNDING]
        if below:
            out.append(
                f"{arm['arm']}: the share of {', '.join(below)} is below the {100 * least:.1f} % that false labels alone would make: the "
                "specificity must be higher for them."
            )
        if above:
            out.append(
                f"{arm['arm']}: the share of {', '.join(above)} is above the {100 * most:.1f} % that labels would leave of 100: the "
                "sensitivity must be higher for them."
            )
    return out


def _of_coding(found: dict[str, Any]) -> list[str]:
    coding = found["coding"]
    if coding is None:
        return []
    out = []
    if coding["items_not_coded"]:
        out.append(
            f"{coding['items_not_coded']:,} of {coding['items']:,} items ({100 * coding['not_coded']:.1f} % of the impressions) are not in "
            "the coding sheet: if they were left out for what they hold, shares are wrong by it."
        )
    agreed = {name: value for name, value in (coding["agreement"] or {}).items() if value == value}
    if agreed:
        said = "; ".join(f"{name} {value:.2f}" for name, value in agreed.items())
        out.append(
            f"Agreement of coders (Krippendorff's alpha, nominal): {said}. Below .80 conclusions are tentative, below .67 none."
        )
    else:
        out.append("How far coders agree is not known: no item has codes of two of them.")
    return out
