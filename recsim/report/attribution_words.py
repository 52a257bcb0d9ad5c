"""What an attribution says: sentences and tables."""

from __future__ import annotations

from recsim.experiment.sets import Answer
from recsim.report.table import millions, number
from recsim.report.words import Table, mean_and_span, name_of, span

KIND_WORDS = {"campaign": "campaigns", "tactic": "tactics", "door": "doors"}


def attribution_words(result: Answer) -> list[str]:
    """The sentences."""
    s = result.summary
    who, total = name_of(result), s["total"]
    out = [
        f"In this model the campaigns change the exposure share of {who} by {mean_and_span(total)} percentage points "
        f"and give {millions(total['excess_impressions'])} excess views."
    ]
    if s["direct"]:
        out.append(
            f"With every door closed {mean_and_span(s['direct'])} pp remain: posts, advertisements, comments and follows that people meet "
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
    gap = f"{s['efficiency_gap']:.0e}" if s["efficiency_gap"] else "0"
    how = "all coalitions were simulated" if s["method"] == "exact" else (
        f"{s['orders']} sampled orders in antithetic pairs, of which the intervals include the error"
    )  # fmt: skip
    out.append(
        f"Parts are Shapley values ({how}); they add up to the total less the direct channel "
        f"(largest relative gap {gap})."
        if s["direct"]
        else f"Parts are Shapley values ({how}); they add up to the total (largest relative gap {gap})."
    )
    return out


def attribution_tables(result: Answer) -> list[Table]:
    """The tables."""
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
        f"Share of each {s['by']} in the shift of {name_of(result)}, percentage points (95 % interval); alone: without "
        "all others; on top: added to all others; EUR per 1,000 excess views",
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
