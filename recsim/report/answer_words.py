"""What an attribution, a dose-response, a delay curve and a trade-off say: sentences and tables, for terminal and page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from recsim.experiment.dose import ALL
from recsim.experiment.sets import Answer
from recsim.report.table import millions, number

TITLES = {
    "attribute": "What did the work", "dose": "Dose and response", "delay": "Acting earlier",
    "tradeoff": "What each mitigation saves, and what it costs",
}  # fmt: skip
KIND_WORDS = {"campaign": "campaigns", "tactic": "tactics", "door": "doors"}
DOOR_WORDS = {
    "gates": "gates of the staged pools", "ranking": "ranking", "learning": "what the platform learns",
    "proof": "social proof on people",
}  # fmt: skip


class Table(NamedTuple):
    """A table: first column text, the rest figures already as text.

    Attributes:
        caption: what it shows.
        head: names of the columns.
        rows: as many cells each.
        widths: columns on a terminal; what is longer is cut.
    """

    caption: str
    head: list[str]
    rows: list[list[str]]
    widths: list[int]


def span(row: dict[str, Any], low: str = "ci_low", high: str = "ci_high", form: str = "+.2f", factor: float = 1) -> str:
    """An interval in brackets."""
    if row.get(low) is None or row.get(high) is None:
        return "(not known)"
    return f"({row[low] * factor:{form}} to {row[high] * factor:{form}})"


def mean_and_span(row: dict[str, Any]) -> str:
    """A shift with its interval."""
    return f"{number(row['shift_pp'], '+.2f')} {span(row)}"


def name_of(result: Answer, candidate: str | None = None) -> str:
    """The name of a candidate, of the one in question by default."""
    wanted = candidate or result.summary["candidate"]
    return next(c.name for c in result.scenario.candidates if c.id == wanted)


def percent(value: float | None, form: str = ".0f") -> str:
    """A share in per cent without the sign."""
    return "-" if value is None or value != value else f"{100 * value:{form}}"


def sentences(result: Answer) -> list[str]:
    """What the numbers say, in words; one paragraph each."""
    return SENTENCES[result.summary["command"]](result)


def tables(result: Answer) -> list[Table]:
    """The tables."""
    return TABLES[result.summary["command"]](result)


def limits(result: Answer) -> str:
    """What the method cannot say."""
    return LIMITS[result.summary["command"]]


def again(result: Answer) -> str:
    """The command that does it again."""
    s = result.summary
    words = [
        "python -m recsim",
        s["command"],
        "scenario.yaml",
        *OPTIONS[s["command"]](s),
        "--candidate",
        s["candidate"],
    ]
    words += ["--seed", str(s["seed"]), "--replicates", str(s["replicates"])]
    return " ".join([*words, *(["--fixed-parameters"] if s["interval_covers"] == "luck" else [])])


# ---- attribution -------------------------------------------------------------------------------------------------


def _attribution_words(result: Answer) -> list[str]:
    s = result.summary
    who, total = name_of(result), s["total"]
    out = [
        f"In this model the campaigns change the exposure share of {who} by {mean_and_span(total)} percentage points "
        f"and give {millions(total['excess_impressions'])} excess views."
    ]
    if s["direct"]:
        out.append(
            f"With every door closed {mean_and_span(s['direct'])} pp remain: posts, comments and follows that people meet "
            "without any counter."
        )
    pairs = [m for m in s["interactions"] if m["shift_pp"] is not None]
    shown = [m for m in pairs if m["ci_low"] is not None and (m["ci_low"] > 0 or m["ci_high"] < 0)]
    if shown:
        most = max(shown, key=lambda m: abs(m["shift_pp"]))
        out.append(
            f"Largest interaction: {' x '.join(most['between'])} {mean_and_span(most)} pp, which none of them has alone "
            "and which the parts share out evenly."
        )
    elif pairs:
        out.append("No interaction is told from zero at this size.")
    how = "all coalitions were simulated" if s["method"] == "exact" else (
        f"{s['orders']} sampled orders in antithetic pairs, of which the intervals include the error"
    )  # fmt: skip
    out.append(
        f"Parts are Shapley values ({how}); they add up to the total less the direct channel "
        f"(largest relative gap {s['efficiency_gap']:.0e})."
        if s["direct"]
        else f"Parts are Shapley values ({how}); they add up to the total (largest relative gap {s['efficiency_gap']:.0e})."
    )
    return out


def _attribution_tables(result: Answer) -> list[Table]:
    s = result.summary
    rows = []
    lines = [*s["parts"]]
    if s["direct"]:
        lines.append({"name": "direct (no door)", **s["direct"]})
    lines.append({"name": "total", **s["total"]})
    for part in lines:
        price = part.get("eur_per_excess")
        rows.append(
            [
                part["name"], number(part["shift_pp"], "+.2f"), span(part), number(part.get("alone_pp"), "+.2f"),
                number(part.get("on_top_pp"), "+.2f"), millions(part["excess_impressions"]),
                "-" if price is None else f"{1000 * price:.2f}",
            ]
        )  # fmt: skip
    main = Table(
        f"Share of each {s['by']} in the shift of {name_of(result)}, percentage points (95 % interval); alone: nothing "
        "else acts; on top: added to all others; EUR per 1,000 excess views",
        [s["by"], "part", "interval", "alone", "on top", "excess", "EUR/1k"], rows, [20, 7, 19, 7, 7, 9, 8],
    )  # fmt: skip
    more = sorted(s["interactions"], key=lambda m: -abs(m["shift_pp"] or 0.0))
    cells = [[" x ".join(m["between"]), number(m["shift_pp"], "+.2f"), span(m)] for m in more[:10]]
    if s["larger"]:
        cells.append(["all larger ones together", number(s["larger"]["shift_pp"], "+.2f"), span(s["larger"])])
    if not cells:
        return [main]
    caption = "Interactions (Harsanyi dividends), percentage points"
    if len(more) > 10:
        caption += f": the ten largest of {len(more)}; all are in attribution.csv"
    return [main, Table(caption, ["between", "shift", "interval"], cells, [46, 9, 21])]


# ---- dose --------------------------------------------------------------------------------------------------------


def _subject(s: dict[str, Any]) -> str:
    return "all removed campaigns" if s["campaign"] == ALL else f"the campaign {s['campaign']}"


def _dose_words(result: Answer) -> list[str]:
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
    if cross["dose"] is None:
        out.append(f"{t} is not crossed within the range.")
    else:
        low, high = (f"{cross[k]:.2g}" if cross[k] is not None else None for k in ("ci_low", "ci_high"))
        known = f"interval {low or '0'} to {high}" if high else f"from {low or '0'}; no upper end within the range"
        at = f", {ratio['dose']:.2g} fake actions per organic one" if ratio["dose"] is not None else ""
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
        text = (
            f"Realised dose: {reach['lowest']:.2g} to {reach['highest']:.2g} fake per organic action on {who}'s items"
        )
        hint = f"; 0.03 to 30 would be --from {reach['from']:.2g} --to {reach['to']:.2g}" if not reach["spans"] else ""
        out.append(f"{text}{hint}.")
    return out


def _dose_tables(result: Answer) -> list[Table]:
    s = result.summary
    rows = [
        [
            f"x {p['dose']:.3g}", number(p["dose_ratio"], ".2g"), number(p["shift_pp"], "+.2f"), span(p),
            millions(p["excess_impressions"]), f"{p['spend_eur']:,.0f}", number(p["excess_per_eur"], ".1f"),
            number(p["further_per_eur"], ".1f"),
        ]
        for p in s["points"]
    ]  # fmt: skip
    caption = (
        f"Shift of {name_of(result)} by multiplier of the accounts of {_subject(s)}; ratio: fake per organic action on the "
        "candidate's items; views per euro on average, and of each further euro"
    )
    head = ["dose", "ratio", "shift", "interval", "excess", "EUR", "per EUR", "further"]
    return [Table(caption, head, rows, [10, 7, 7, 19, 9, 11, 8, 8])]


# ---- delay -------------------------------------------------------------------------------------------------------


def _delay_words(result: Answer) -> list[str]:
    s = result.summary
    who, last = name_of(result), s["declared"]
    day = s["declared_day"]
    when = "as the scenario says" if day is None else f"on day {day:+d}, as the scenario says"
    out = [f"With the network removed {when}, the share of {who} shifts by {mean_and_span(last)} pp."]
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
            f"Removed on day {row['removal_day']:+d}{earlier}: {percent(row['saved'])} % "
            f"{span(row, 'saved_low', 'saved_high', '.0f', 100)} of the excess views are saved."
        )
    return out


def _delay_tables(result: Answer) -> list[Table]:
    s = result.summary
    rows = []
    for row in [*s["rows"], s["declared"]]:
        day = "as declared" if row["removal_day"] is None else f"{row['removal_day']:+d}"
        saved = row.get("saved")
        rows.append(
            [
                day, "-" if row["days_earlier"] is None else str(row["days_earlier"]), number(row["shift_pp"], "+.2f"),
                span(row), millions(row["excess_impressions"]), percent(saved),
                "" if saved is None else span(row, "saved_low", "saved_high", ".0f", 100),
                percent(row.get("saved_per_day"), ".1f"),
            ]
        )  # fmt: skip
    caption = (
        f"Shift of {name_of(result)} by day of removal (0: the vote); saved: per cent of the excess views under the "
        "scenario's own moderation; a day: what each day up to the next later removal is worth"
    )
    head = ["removed", "earlier", "shift", "interval", "excess", "saved", "interval", "a day"]
    return [Table(caption, head, rows, [12, 8, 7, 19, 8, 6, 13, 6])]


SENTENCES = {"attribute": _attribution_words, "dose": _dose_words, "delay": _delay_words}
TABLES = {"attribute": _attribution_tables, "dose": _dose_tables, "delay": _delay_tables}
LIMITS = {
    "attribute": "A part says what a player does in this set of players: with other campaigns, tactics or doors beside it, "
    "the parts would be others. Where players only work together, sharing out is a convention; look at the interactions.",
    "dose": "Other doses are assumptions about what the campaign could have done, not about what it did. That no further "
    "dose differs is no proof that the curve is flat.",
    "delay": "Removal is perfect and at once: every inauthentic account, on the day named. A platform that finds only some "
    "of them, or removes people by mistake, saves less.",
}
OPTIONS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "attribute": lambda s: ["--by", s["by"], *(["--orders", str(s["orders"])] if s["orders"] else [])],
    "dose": lambda s: [
        *([] if s["campaign"] == ALL else ["--campaign", s["campaign"]]), "--from", f"{s['doses'][0]:g}", "--to",
        f"{s['doses'][-1]:g}", "--points", str(len(s["doses"])), *(["--others"] if s["others"] else []),
    ],
    "delay": lambda s: ["--days=" + ",".join(map(str, s["days"]))],
}  # fmt: skip
