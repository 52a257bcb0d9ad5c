"""What a trade-off of mitigations says: sentences and tables."""

from __future__ import annotations

from textwrap import shorten

from recsim.experiment.sets import Answer
from recsim.report.table import number
from recsim.report.words import Table, mean_and_span, name_of, percent, span

COST_COLUMNS = {
    "utility_per_view": "+.3f", "watch_s_per_person_day": "+.1f", "small_creator_share": "+.1f",
    "effective_topics_visit": "+.2f", "candidate_views": "+.1f", "genuine_actions": "+.1f",
}  # fmt: skip


def tradeoff_words(result: Answer) -> list[str]:
    """The sentences."""
    s = result.summary
    who, rows = name_of(result), s["rows"]
    out = [f"Without a further mitigation the share of {who} shifts by {mean_and_span(s['reference'])} pp."]
    if not s["reference"]["shown"]:
        out.append(
            "This interval includes zero, so there is nothing of which a mitigation could take away a share: efficacies "
            "are not given."
        )
    works = [row for row in rows if row["verdict"] == "more"]
    if works:
        best = works[0]
        share = f", {percent(best['efficacy'])} % of it" if best["efficacy"] is not None else ""
        out.append(
            f"Most is taken away by {best['mitigation']}: {number(best['less_pp'], '+.2f')} pp "
            f"{span(best, 'less_ci_low', 'less_ci_high')}{share}."
        )
    out.append(f"{len(works)} of {len(rows)} mitigations make the shift smaller after Holm's adjustment.")
    worst = [
        (group["change"], group, f"{by} {name}", row["mitigation"])
        for row in rows for by, parts in row["groups"].items() for name, group in parts.items()
        if group["change"] is not None and group["change_high"] is not None and group["change_high"] < 0
    ]  # fmt: skip
    if worst:
        change, group, where, name = min(worst, key=lambda one: one[0])
        out.append(
            f"Most views of candidate content are lost in {where} under {name}: {change:+.0f} % "
            f"{span(group, 'change_low', 'change_high', '+.0f')}."
        )
    return out


def tradeoff_tables(result: Answer) -> list[Table]:
    """The tables."""
    s = result.summary
    rows, costs = [], []
    for row in s["rows"]:
        share = "" if row["efficacy"] is None else span(row, "efficacy_low", "efficacy_high", ".0f", 100)
        rows.append(
            [
                row["mitigation"], number(row["shift_pp"], "+.2f"), number(row["less_pp"], "+.2f"),
                span(row, "less_ci_low", "less_ci_high"), percent(row["efficacy"]), share, number(row["p_holm"], ".3f"),
            ]
        )  # fmt: skip
        cells = []
        for name, form in COST_COLUMNS.items():
            cost = row["costs"][name]
            mark = "*" if cost["verdict"] in ("more", "less") else " "
            cells.append(number(cost["change"], form) + mark)
        costs.append([row["mitigation"], *cells])
    first = Table(
        f"What each mitigation takes away of the shift of {name_of(result)}, percentage points (95 % interval), and its "
        "efficacy: share of the shift in per cent (Fieller); adjusted p (Holm)",
        ["mitigation", "shift", "less by", "interval", "effic.", "interval", "adj. p"], rows, [20, 7, 8, 19, 7, 12, 7],
    )  # fmt: skip
    second = Table(
        "What it costs genuine people and creators: change in worlds without campaigns; * after Holm; small: views of "
        "small creators, pp; political: views of candidate content; counted: people's counted actions on it",
        ["mitigation", "utility", "watch, %", "small", "topics", "political, %", "counted, %"], costs,
        [20, 9, 10, 8, 8, 13, 12],
    )  # fmt: skip
    known = [row for row in s["rows"] if "title" in row]
    if not known:
        return [first, second]
    what = [[row["mitigation"], f"{shorten(row['title'], 46, placeholder=' ..'):<46}", row["article"]] for row in known]
    third = Table(
        "What they are, and the point of the Digital Services Act", ["mitigation", "", "Art."], what, [22, 47, 11]
    )
    return [first, second, third]
