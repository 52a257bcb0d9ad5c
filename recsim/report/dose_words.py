"""What a dose-response and a delay curve say: sentences and tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsim.experiment.dose import ALL
from recsim.experiment.sets import Answer
from recsim.experiment.summary import with_a_share
from recsim.report.table import millions, number
from recsim.report.words import Table, mean_and_span, name_of, percent, span


def _subject(s: dict[str, Any]) -> str:
    return "all removed campaigns" if s["campaign"] == ALL else f"the campaign {s['campaign']}"


def dose_words(result: Answer) -> list[str]:
    """The sentences."""
    s = result.summary
    who, cross, ratio, full = name_of(result), s["crossing"], s["crossing_ratio"], s["saturation"]
    alone = "" if s["campaign"] == ALL else (
        "; the other campaigns act in both worlds" if s["others"] else "; no other campaign acts"
    )  # fmt: skip
    out = [
        f"Each doubling of the accounts of {_subject(s)} adds {number(s['slope']['pp_per_doubling'], '+.2f')} pp "
        f"{span(s['slope'])} to the share of {who} over the whole range{alone}."
    ]
    t = f"The threshold of {s['threshold_pp']:g} pp"
    if all(point["shift_pp"] is None for point in s["points"]):
        out.append("No shift is known: no replicate has a share.")
    elif cross["dose"] is None:
        out.append(f"{t} is not crossed within the range.")
    else:
        low, high = (f"{cross[k]:.2g}" if cross[k] is not None else None for k in ("ci_low", "ci_high"))
        known = f"interval {low or '0'} to {high}" if high else f"from {low or '0'}; no upper end within the range"
        known = known if with_a_share(s) > 1 else "no interval"  # of one replicate every end is open
        at = f", a dose ratio of {ratio['dose']:.2g}" if ratio["dose"] is not None else ""
        out.append(f"{t} is crossed at {cross['dose']:.2g} times the declared accounts ({known}){at}.")
    out.append(
        {
            "saturates": f"From {number(full['dose'], '.2g')} times on no larger dose is told apart (Holm, 5 %); they could "
            f"still differ by up to {number(full['could_differ_pp'], '.1f')} pp.",
            "not within the range": "The curve does not saturate within the range.",
            "no response shown": "No dose is told from zero, so nothing can be said about saturation.",
            "one replicate": "One replicate cannot tell where the curve saturates.",
        }[full["words"]]
    )  # fmt: skip
    reach = s["ratio_range"]
    if reach["lowest"] is not None:
        text = f"Dose ratio: {reach['lowest']:.2g} to {reach['highest']:.2g} inauthentic per organic action on {who}'s items"
        ends = (np.format_float_positional(reach[k], 2, fractional=False, trim="-") for k in ("from", "to"))
        hint = "" if reach["spans"] else "; 0.03 to 30 would be --from {} --to {}".format(*ends)
        out.append(f"{text}{hint}.")
    return out


def dose_tables(result: Answer) -> list[Table]:
    """The tables."""
    s = result.summary
    rows = [
        [
            f"x {p['dose']:.3g}", number(p["dose_ratio"], ".2g"), number(p["shift_pp"], "+.2f"), span(p),
            millions(p["excess_impressions"]), number(p["spend_eur"], ",.0f"), number(p["excess_per_eur"], ".1f"),
            number(p["further_per_eur"], ".1f"),
        ]
        for p in s["points"]
    ]  # fmt: skip
    caption = (
        f"Shift of {name_of(result)} by multiplier of the accounts of {_subject(s)}; ratio: dose ratio, inauthentic per organic action on the "
        "candidate's items; views per euro on average, and of each further euro"
    )
    head = ["dose", "ratio", "shift", "interval", "excess", "EUR", "per EUR", "further"]
    return [Table(caption, head, rows, [9, 9, 7, 19, 9, 11, 8, 8])]


def delay_words(result: Answer) -> list[str]:
    """The sentences."""
    s = result.summary
    who, last = name_of(result), s["declared"]
    day = s["declared_day"]
    when = "as the scenario says" if day is None else f"on day {day:+d}, as the scenario says"
    if day is not None and day > 0:
        when = f"only after the vote, on day {day:+d}, as the scenario says"
    out = [f"With the network removed {when}, the share of {who} shifts by {mean_and_span(last)} pp."]
    halved = [row for row in s["rows"] if row.get("halved") is not None]
    if halved:
        row = halved[len(halved) // 2]
        span_ = "" if row["half_life_low"] is None or row["half_life_high"] is None else f" ({row['half_life_low']:.1f} to {row['half_life_high']:.1f})"  # fmt: skip
        after = f"half of it is gone after {row['half_life_days']:.1f} days{span_}" if row["halved"] else (
            f"more than half of it is left after the {row['days_after']} days that remain"
        )  # fmt: skip
        out.append(
            f"What stays: removed on day {row['removal_day']}, the shift of a day was {row['base_pp']:+.2f} pp just before, and "
            f"{after}."
        )
    else:
        out.append(
            "What stays after removal is not given: no shift at the moment of removal can be told from zero, or too few "
            "days are left."
        )
    known = [row for row in s["rows"] if row["saved"] is not None]
    if not known:
        out.append(
            "What acting earlier would have saved is not given: the excess views cannot be told from zero, and a share of "
            "nothing says nothing."
        )
        return out
    for row in (known[0], known[len(known) // 2], known[-1]) if len(known) > 2 else known:
        earlier = "" if row["days_earlier"] is None else f" ({row['days_earlier']} days earlier)"
        out.append(
            f"Removed on day {row['removal_day']}{earlier}: {percent(row['saved'])} % "
            f"{span(row, 'saved_low', 'saved_high', '.0f', 100)} of the excess views are saved."
        )
    return out


def delay_tables(result: Answer) -> list[Table]:
    """The tables."""
    s = result.summary
    rows = []
    for row in [*s["rows"], s["declared"]]:
        day = "as declared" if row["removal_day"] is None else str(row["removal_day"])
        saved = row.get("saved")
        rows.append(
            [
                day, "-" if row["days_earlier"] is None else str(row["days_earlier"]), number(row["shift_pp"], "+.2f"),
                span(row), millions(row["excess_impressions"]), percent(saved),
                "-" if saved is None else span(row, "saved_low", "saved_high", ".0f", 100),
                percent(row.get("saved_per_day"), ".1f"),
            ]
        )  # fmt: skip
    caption = (
        f"Shift of {name_of(result)} by day of removal (0: the vote); saved: per cent of the excess views under the "
        "scenario's own moderation; a day: what each day up to the next later removal is worth"
    )
    head = ["removed", "earlier", "shift", "interval", "excess", "saved", "interval", "a day"]
    return [Table(caption, head, rows, [12, 8, 7, 19, 8, 6, 13, 6])]
