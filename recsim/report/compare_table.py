"""The tables of a comparison on the terminal: readable at 80 columns, without colour, and when piped."""

from __future__ import annotations

from typing import IO, Any

from recsim.audit.enough import enough
from recsim.experiment.comparison import Comparison
from recsim.experiment.contrasts import COSTS, SATISFACTION, ranked
from recsim.report.strings import counted
from recsim.report.table import footer_lines, interval_of, millions, number, wrapped

NAME = 18
"""Columns for a policy's name."""


def print_comparison(result: Comparison, file: IO[str] | None = None) -> None:
    """Print the tables of a comparison."""
    print("\n".join(comparison_lines(result)), file=file)


def short(name: str, width: int = NAME) -> str:
    """A policy's name, its end kept if it is too long (of package.module:function the function says most)."""
    return name if len(name) <= width else ".." + name[2 - width :]


def against(row: dict[str, Any], own: bool) -> str:
    """The difference to the scenario's own policy in words, at most 19 characters."""
    if own:
        return "(own policy)"
    verdict = row["difference_verdict"]
    return f"{number(row['difference_pp'], '+.2f')} {verdict}" if verdict in ("more", "less") else verdict


def comparison_lines(result: Comparison) -> list[str]:
    """The whole text, line by line."""
    s = result.summary
    names = {c.id: c.name for c in result.scenario.candidates}
    lines = [
        *wrapped(result.scenario.title or s["scenario"]),
        *wrapped(
            f"{len(s['policies'])} policies on the same {counted(s['replicates'], 'world')}, "
            f"{counted(s['luck_branches'], 'luck branch', 'luck branches')} each; "
            f"days {s['window_first_day']} to 0 relative to the vote; {s['people']:,} simulated people for "
            f"{s['people_real']:,.0f}; own policy of the scenario: {s['own_policy']}"
        ),
    ]
    for candidate in s["beneficiaries"]:
        lines += ["", *_shifts(s, candidate, names[candidate])]
    lines += ["", *_costs(s), "", *_sentences(s, names), *_footer(result)]
    return [line.rstrip() for line in lines]


def _shifts(s: dict[str, Any], candidate: str, name: str) -> list[str]:
    """One beneficiary: shift under each policy, largest first, and what the campaigns got for their work."""
    rows = ranked(s, candidate)
    head = f"Shift of {name}, percentage points; largest first"
    lines = [
        *wrapped(head),
        f"{'':>2}  {'policy':<{NAME}}{'shift':>7} {'(95 % interval)':<18}{'adj. p':>7} {'against own policy':<19}"
        f"{'P>=T':>5}",
        "-" * 78,
    ]
    for k, (policy, row) in enumerate(rows, 1):
        lines.append(
            f"{k:>2}  {short(policy['policy']):<{NAME}}{number(row['shift_pp'], '+.2f'):>7} {interval_of(row):<18}"
            f"{number(row['p_holm'], '.3f'):>7} {against(row, policy['own']):<19}"
            f"{number(row['chance_at_threshold'], '.2f'):>5}"
        )
    lines += [
        "",
        f"{'':>2}  {'policy':<{NAME}}{'excess views':>13}{'per action':>11}{'per euro':>9}{'luck band':>10}{'TV':>7}{'enough':>8}",
        "-" * 78,
    ]
    for k, (policy, row) in enumerate(rows, 1):
        lines.append(
            f"{k:>2}  {short(policy['policy']):<{NAME}}{millions(row['excess_impressions']):>13}"
            f"{number(row['excess_per_action'], '.2f'):>11}{number(row['excess_per_euro'], '.1f'):>9}"
            f"{number(row['luck_band_pp'], '.2f'):>10}{number(policy['tv_distance'], '.3f'):>7}{_enough(s, policy, row):>8}"
        )
    return lines


def _enough(s: dict[str, Any], policy: dict[str, Any], row: dict[str, Any]) -> str:
    """Replicates that would tell a shift of the threshold from zero with a chance of 80 %, or a dash."""
    found = enough(
        row["sd_worlds"], s["replicates"] - policy["undefined_replicates"], s["threshold_pp"], s["threshold_pp"]
    )
    return "-" if found is None else ">100000" if found.for_power.about is None else str(found.for_power.about)


COLUMNS = (
    ("watch_s_per_person_day", "watch", "s/day", ".0f", 1.0), ("utility_per_view", "utility", "/item", "+.2f", 1.0),
    ("like_rate", "likes", "/100", ".1f", 100.0), ("effective_topics", "topics", "all", ".1f", 1.0),
    ("effective_topics_visit", "topics", "/visit", ".1f", 1.0), ("gini_views", "Gini", "views", ".2f", 1.0),
    ("small_creator_share", "small", "cr., %", ".0f", 100.0), ("emotional_share", "emot.", "%", ".1f", 100.0),
)  # fmt: skip


def _costs(s: dict[str, Any]) -> list[str]:
    lines = [
        *wrapped(f"What each feed gives people without the campaigns; * differs from {s['own_policy']} (adjusted)"),
        f"{'':<{NAME + 4}}" + "".join(f"{top:>6} " for _, top, *_ in COLUMNS),
        f"{'policy':<{NAME + 4}}" + "".join(f"{below:>6} " for _, _, below, *_ in COLUMNS),
        "-" * 78,
    ]
    for p in s["policies"]:
        cells = ""
        for name, _, _, form, factor in COLUMNS:
            row = p["costs"][name]
            value = None if row["without"] is None else factor * row["without"]
            mark = "*" if row["difference_verdict"] in ("more", "less") else " "
            cells += f"{number(value, form).replace('+', ' '):>6}{mark}"
        lines.append(f"{short(p['policy'], NAME + 3):<{NAME + 4}}{cells}")
    return lines


def _sentences(s: dict[str, Any], names: dict[str, str]) -> list[str]:
    out: list[str] = []
    for candidate in s["beneficiaries"]:
        by_measure: dict[str, list[str]] = {}
        for measure, best in s["frontier"][candidate].items():
            by_measure.setdefault(", ".join(best), []).append(COSTS[measure].label)
        for best_ones, labels in by_measure.items():
            measured = " or ".join(labels)
            out += wrapped(
                f"Frontier for {names[candidate]} (by means, no other feed has both a smaller shift and a larger {measured}): {best_ones}."
                if best_ones
                else f"No frontier for {names[candidate]}: no feed has both a known shift and a known {measured}."
            )
    measure = SATISFACTION[0]
    changes = [
        (abs(row["change"] / row["without"]), p["policy"])
        for p in s["policies"]
        if (row := p["costs"][measure])["change"] is not None and row["without"]
    ]
    if changes:
        most, policy = max(changes)
        out += wrapped(
            f"The campaigns change {COSTS[measure].label} by at most {100 * most:.1f} % ({short(policy, 40)})."
        )
    return out


def _footer(result: Comparison) -> list[str]:
    s = result.summary
    many = s["simultaneous"]
    text = (
        f"adj. p: Holm over {many['family_shift']} shifts; 'more' and 'less': adjusted p below 0.05 over "
        f"{many['family_difference']} paired differences; 'no difference shown' is not proof of equality. Intervals are "
        "per policy; simultaneous (Bonferroni) ones are in compare.csv. P>=T: chance that one further world reaches the "
        f"threshold of {s['threshold_pp']:g} pp. enough: replicates that would tell a shift of that size from zero with a chance of "
        "80 %, by the spread seen, which few replicates give only roughly. small cr.: views of the half of creators with the fewest followers; "
        "emot.: views of the most emotional tenth of items (10 % would be neutral)."
    )
    return ["", *wrapped(text), *footer_lines(result, "compare.html")]
