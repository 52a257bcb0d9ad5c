"""The figures of a log as text, at most 80 columns."""

from __future__ import annotations

from typing import Any

from recsim.report.table import millions, number, percent, wrapped

VIEWER_WORDS = {"people": ("person", "people"), "donors": ("donor", "donors"), "puppets": ("puppet", "puppets")}


def viewers_of(kind: str, number: int) -> str:
    """So many viewers of a kind, in words."""
    one, many = VIEWER_WORDS[kind]
    return f"{number:,} {one if number == 1 else many}"


def measure_lines(found: dict[str, Any], unused: list[str]) -> list[str]:
    """For reading.

    Args:
        found: from `recsim.audit.measure.measure`. unused: columns of the log that no metric uses.
    """
    out: list[str] = []
    for arm in found["arms"]:
        out += [*_arm(arm, found), ""]
    for one in found["comparisons"]:
        out += [*_comparison(one, found["viewers"]), ""]
    if unused:
        out += wrapped(f"columns not used (recsim measure --schema lists those that are): {', '.join(unused)}")
    for text in found["notes"]:
        out += wrapped(text)
    return out


def _arm(arm: dict[str, Any], found: dict[str, Any]) -> list[str]:
    many = VIEWER_WORDS[found["viewers"]][1]
    stand = f" (weights leave {arm['effective_people']:.1f})" if "effective_people" in arm else ""
    out = [
        f"{arm['arm']}: {viewers_of(found['viewers'], arm['people'])}{stand}, {millions(arm['impressions'])} "
        f"impression{'' if arm['impressions'] == 1 else 's'}",
        f"{'candidate':<22}{'share, %':>9} {'95 % interval':>16}{'per person':>12}{'reach, %':>10}{'times':>8}",
        "-" * 78,
    ]
    rows = sorted(arm["rows"], key=lambda r: -(r["share"] or 0))
    for row in rows:
        out.append(
            f"{row['candidate'][:21]:<22}{number(percent(row['share']), '.1f'):>9} {_percents(row, 'share'):>16}"
            f"{number(percent(row['share_of_persons']), '.1f'):>12}{number(percent(row['reach']), '.0f'):>10}"
            f"{number(row['frequency'], '.1f'):>8}"
        )
    hidden = sorted({(s["division"], s["segment"]) for s in arm["segments"] if s["people"] is None})
    content = arm["candidate_content"]
    part = "" if content is None else f"content about candidates {100 * content:.1f} % of impressions; "
    most = (
        f"; the 1 % most exposed {many} hold {number(percent(arm['exposure_top1_share']), '.1f')} %"
        if "exposure_top1_share" in arm and arm["people"] >= 100
        else ""
    )
    out += wrapped(
        f"{part}parity gap {number(arm['parity_gap_pp'], '.1f')} pp; effective candidates {number(arm['effective_candidates'], '.1f')}{most}"
    )
    for key, name in (("prevalence", "inauthentic content"), ("rank_weighted_stance", "rank-weighted stance")):
        if key in arm:
            low, high = number(arm[f"{key}_low"], ".3f"), number(arm[f"{key}_high"], ".3f")
            out += wrapped(f"{name}: {number(arm[key], '.3f')} ({low} to {high})")
    if hidden:
        out += wrapped(
            f"fewer than {found['least_people']} people, not shown: " + ", ".join(f"{d} {s}" for d, s in hidden)
        )
    return out + _corrected(rows) + _reference(arm, rows) + _pilot(arm)


def _times(value: float | None) -> str:
    """A ratio in at most five letters."""
    if value is not None and value >= 99.95:
        return f"{value:.0f}" if value < 999.5 else "> 999"
    return number(value, ".2f")


def _span(low: float | None, high: float | None, form: str) -> str:
    """An interval, or a dash."""
    return "-" if low is None or high is None else f"{number(low, form)} to {number(high, form)}"


def _percents(row: dict[str, Any], name: str) -> str:
    return _span(percent(row[f"{name}_low"]), percent(row[f"{name}_high"]), ".1f")


def _chance(p: float | None) -> str:
    """A p value: none is exactly zero."""
    return "<.001" if p is not None and p < 0.0005 else number(p, ".3f")


def _corrected(rows: list[dict[str, Any]]) -> list[str]:
    if not rows or "share_corrected" not in rows[0]:
        return []
    return ["", f"{'without errors of labels':<26}{'share, %':>9} {'95 % interval':>16}", "-" * 52] + [
        f"{row['candidate'][:25]:<26}{number(percent(row['share_corrected']), '.1f'):>9} {_percents(row, 'share_corrected'):>16}"
        for row in rows
    ]


def _reference(arm: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    if "parity_to_reference_pp" not in arm:
        return []
    out = [
        "", f"{'against the reference':<22}{'it has, %':>10}{'off by, pp':>12} {'95 % interval':>18}{'p (Holm)':>10}", "-" * 73,
    ]  # fmt: skip
    for row in rows:
        span = _span(row["from_reference_low"], row["from_reference_high"], "+.1f")
        out.append(
            f"{row['candidate'][:21]:<22}{number(percent(row['reference']), '.1f'):>10}{number(row['from_reference_pp'], '+.1f'):>12} "
            f"{span:>18}{_chance(row['from_reference_p_holm']):>10}"
        )
    return [*out, *wrapped(f"in all {number(arm['parity_to_reference_pp'], '.1f')} pp from the reference")]


def _pilot(arm: dict[str, Any]) -> list[str]:
    """What `recsim design` asks for, from this log."""
    if not arm.get("pilot"):
        return []
    out = [
        "", f"{'for recsim design':<22}{'--items':>9}{'--share':>9}{'--between':>11}{'--within':>10}{'--shared':>10}", "-" * 71,
    ]  # fmt: skip
    for row in arm["pilot"]:
        cells = [number(row[key], ".3g") for key in ("items", "share_pct", "between_pp", "within_pp", "shared_pp")]
        out.append(f"{row['candidate'][:21]:<22}{cells[0]:>9}{cells[1]:>9}{cells[2]:>11}{cells[3]:>10}{cells[4]:>10}")
    accounts, days = max((row["accounts"], row["days"]) for row in arm["pilot"])
    told = f"estimated from {accounts} accounts on {days} days under --persistence {arm['pilot'][0]['persistence']:g}; rough with few of either"
    few = "too few accounts and days with two items about candidates to tell how they differ"
    return out + wrapped(told if accounts > 1 and days > 1 else few)


def _comparison(one: dict[str, Any], viewers: str) -> list[str]:
    many = VIEWER_WORDS[viewers][1]
    shared = one["shared_people"]
    how = (
        f"the same {many}"
        if one["paired"]
        else f"{viewers_of(viewers, shared)} in both"
        if shared
        else f"different {many}"
    )
    out = [
        *wrapped(
            f"{one['arm']} against {one['baseline']} ({how}); total variation {number(one['tv_distance'], '.3f')}"
        ),
        f"{'candidate':<20}{'diff., pp':>10} {'95 % interval':>17}{'p (Holm)':>9}{'ratio':>7} {'95 %':>14}",
        "-" * 78,
    ]
    for row in sorted(one["rows"], key=lambda r: -abs(r["difference_pp"] or 0)):
        span = _span(row["difference_low"], row["difference_high"], "+.2f")
        ratio = (
            "-"
            if row["amplification_low"] is None
            else f"{_times(row['amplification_low'])} to {_times(row['amplification_high'])}"
        )
        out.append(
            f"{row['candidate'][:19]:<20}{number(row['difference_pp'], '+.2f'):>10} {span:>17}{_chance(row['difference_p_holm']):>9}"
            f"{_times(row['amplification']):>7} {ratio:>14}"
        )
    if one["rows"] and "difference_corrected_pp" in one["rows"][0]:
        out += ["", f"{'without errors of labels':<26}{'diff., pp':>10} {'95 % interval':>18}", "-" * 55]
        for row in one["rows"]:
            span = _span(row["difference_corrected_low"], row["difference_corrected_high"], "+.2f")
            out.append(f"{row['candidate'][:25]:<26}{number(row['difference_corrected_pp'], '+.2f'):>10} {span:>18}")
    return out
