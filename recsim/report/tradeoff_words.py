"""What a trade-off of mitigations and defences says: sentences and tables."""

from __future__ import annotations

from typing import Any

from recsim.audit.enough import POWER, enough
from recsim.audit.plan import half_width
from recsim.experiment.sets import Answer
from recsim.experiment.summary import with_a_share
from recsim.experiment.tradeoff import REFERENCE, arm_names
from recsim.report.enough_words import in_words
from recsim.report.table import number
from recsim.report.words import Table, mean_and_span, name_of, percent, span

COST_COLUMNS = {
    "utility_per_view": "+.3f", "watch_s_per_person_day": "+.1f", "small_creator_share": "+.1f",
    "effective_topics_visit": "+.2f", "candidate_views": "+.1f", "genuine_actions": "+.1f",
}  # fmt: skip
COLLATERAL_COLUMNS = ("people_sanctioned", "actions_uncounted", "items_held", "items_demoted", "items_withdrawn")


def tradeoff_words(result: Answer) -> list[str]:
    """The sentences."""
    s = result.summary
    who, rows = name_of(result), s["rows"]
    out = [f"Without a further mitigation the share of {who} shifts by {mean_and_span(s['reference'])} pp."]
    if not s["reference"]["shown"]:
        why = "This interval includes zero, so there is nothing of which a mitigation could take away a share"
        why = {0: "No replicate has a share", 1: "One replicate has no interval"}.get(with_a_share(s), why)
        out.append(f"{why}: efficacies are not given.")
    works = [row for row in rows if row["less_verdict"] == "more"]
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
    hurt = [row for row in rows if (row["costs"]["people_sanctioned"]["change"] or 0) > 0]
    if hurt:
        row = max(hurt, key=lambda one: one["costs"]["people_sanctioned"]["change"])
        cost = row["costs"]["people_sanctioned"]
        out.append(
            f"Most genuine people are sanctioned under {row['mitigation']}: {cost['change']:+.1f} "
            f"{span(cost, 'change_low', 'change_high', '+.1f')} pp of all person-days of the window, with no campaign at all."
        )
    return out


def tradeoff_tables(result: Answer) -> list[Table]:
    """The tables."""
    s = result.summary
    rows, costs = [], []
    for row in s["rows"]:
        share = "-" if row["efficacy"] is None else span(row, "efficacy_low", "efficacy_high", ".0f", 100)
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
    work = [{"mitigation": "the scenario itself", **s["reference"]}, *s["rows"]]
    more = [table for table in (_collateral(s["rows"]), _detectors(work), _reviews(work)) if table.rows]
    needed = [table for table in (_enough(result),) if table.rows]
    known = [row for row in s["rows"] if "title" in row]
    if not known:
        return [first, second, *more, *needed]
    what = [[row["mitigation"], row["title"], row["article"]] for row in known]
    third = Table(
        "What they are, and the point of the Digital Services Act", ["mitigation", "what it does", "Art."], what,
        [22, 47, 11], text=(1,),
    )  # fmt: skip
    return [first, second, *more, *needed, third]


def _collateral(rows: list[dict[str, Any]]) -> Table:
    """Harm by moderation and counting; only those that do any."""
    out = []
    for row in rows:
        costs = [row["costs"][name] for name in COLLATERAL_COLUMNS]
        if not any(cost["change"] for cost in costs):
            continue
        cells = [
            number(cost["change"], "+.2f") + ("*" if cost["verdict"] in ("more", "less") else " ") for cost in costs
        ]  # fmt: skip
        groups = row["collateral"].get("people_sanctioned", {})
        out.append([row["mitigation"], *cells, " ".join(f"{k} {number(v['mean'], '.1f')}" for k, v in groups.items())])
    return Table(
        "What it does to genuine people and creators in worlds without campaigns, percentage points; * after Holm; "
        "people: person-days under sanctions, last column by language, %; uncounted: actions of people; held, demoted, "
        "gone: time of genuine items; who is not listed does none of it",
        ["mitigation", "people", "uncounted", "held", "demoted", "gone", "by language"], out, [20, 8, 10, 8, 9, 8, 17],
    )  # fmt: skip


def _detectors(rows: list[dict[str, Any]]) -> Table:
    out = [
        [row["mitigation"], name, *(_rate(one, rate) for rate in ("precision", "recall", "false_positive_rate"))]
        for row in rows
        for name, one in row["detectors"].items()
    ]
    return Table(
        "What detectors find where the campaigns act: precision, recall, false-positive rate among people (Fieller's "
        "95 % interval); accounts are simulated ones, see docs/moderation.md on the scale",
        ["mitigation", "detector", "precision", "recall", "false pos."], out, [20, 12, 16, 16, 16],
    )  # fmt: skip


def _rate(one: dict[str, Any], name: str) -> str:
    if one[name] is None:
        return "-"
    low, high = one[f"{name}_low"], one[f"{name}_high"]
    return f"{one[name]:.2f}" + (f" {low:.2f}-{high:.2f}" if low is not None and high is not None else "")


def _reviews(rows: list[dict[str, Any]]) -> Table:
    names = ("decided", "rightly_found", "wrongly_found", "missed", "waiting")
    out = [
        [row["mitigation"], language, *(number(one[name], ".1f") for name in names), number(one["waited_h"], ".1f")]
        for row in rows
        for language, one in row["reviews"].items()
    ]
    return Table(
        "What reviewers decide where the campaigns act, by language of the case: simulated cases in the window, mean per "
        "world; waiting: at its end; hours waited on average",
        ["mitigation", "lang.", "decided", "rightly", "wrongly", "missed", "waiting", "hours"], out,
        [20, 7, 9, 9, 9, 8, 10, 8],
    )  # fmt: skip


def _enough(result: Answer) -> Table:
    """Replicates for the shift without a further mitigation, and for what each takes away; no rows where nothing is known."""
    s, frame = result.summary, result.frames["by_replicate"]
    mine = frame[frame["candidate"].astype(str) == s["candidate"]].astype({"arm": str})
    wide = mine.pivot(index="replicate", columns="arm", values="shift_pp")
    reference = wide[arm_names(REFERENCE)[0]]
    rows = []
    for name in (REFERENCE, *(row["mitigation"] for row in s["rows"])):
        of = reference if name == REFERENCE else reference - wide[arm_names(name)[0]]
        found = enough(float(of.std()), int(of.count()), s["threshold_pp"], half_width(result.scenario))
        if found is not None:
            rows.append([name, in_words(found.for_width._asdict()), in_words(found.for_power._asdict())])
    return Table(
        f"Replicates that would be enough, by the spread seen (Student's t; in brackets what it leaves open): for a 95 % interval of "
        f"+/- {half_width(result.scenario):.4g} pp of what a mitigation takes away ({REFERENCE}: of the shift itself), and to tell "
        f"{s['threshold_pp']:.4g} pp of it from zero with a chance of {100 * POWER:.0f} %",
        ["mitigation", "for the interval", "for the chance"], rows, [24, 28, 28],
    )  # fmt: skip
