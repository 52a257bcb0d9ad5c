"""The table on the terminal: readable at 80 columns, without colour, and when piped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from recsim.experiment.comparison import Comparison
from recsim.experiment.result import Result
from recsim.experiment.sets import Answer
from recsim.experiment.summary import with_a_share
from recsim.metrics import LEAST_FOR_BELOW, too_few_for_below
from recsim.report.enough_words import enough_text
from recsim.report.opinion import opinion_lines
from recsim.report.strings import counted, say, size_of
from recsim.scenario.schema import in_days

WIDTH = 80


def print_summary(result: Result, file: IO[str] | None = None) -> None:
    """Print the summary of a run."""
    print("\n".join(summary_lines(result)), file=file)


def number(value: float | None, form: str) -> str:
    """A number in a format, or a dash if it is unknown; what rounds to zero has no minus."""
    if value is None or value != value:
        return "-"
    sign = form[:1] if form[:1] in ("+", "-") else ""
    return format(float(value), f"{sign}z{form[len(sign) :]}")


def millions(value: float | None) -> str:
    """A count in millions, in thousands if small, or as it is below a thousand."""
    if value is None or value != value:
        return "-"
    if abs(value) < 999.5:
        return f"{value:.0f}"
    return f"{value / 1e6:.1f} M" if abs(value) >= 1e6 else f"{value / 1e3:.0f} k"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of at most 80 columns."""
    import textwrap

    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def summary_lines(result: Result) -> list[str]:
    """The whole text, line by line."""
    s = result.summary
    names = {c.id: c.name for c in result.scenario.candidates}
    title = result.scenario.title or s["scenario"]
    lines = [
        *wrapped(title),
        *wrapped(
            f"policy {s['policy']}; "
            + (f"days {s['window_first_day']} to 0 relative to the vote; " if s["removed"] else "")
            + f"{s['people']:,} simulated people for {s['people_real']:,.0f}"
        ),
    ]
    lines += [
        "",
        f"{'':<21}{'share, %':>15}   {'shift, percentage points':<25}{'luck':>6}{'reach':>8}",
        f"{'candidate':<21}{'without':>8}{'with':>7}   {'mean   (95 % interval)':<25}{'band':>6}{'with, %':>8}",
    ]
    lines.append("-" * 78)
    for row in sorted(s["candidates"], key=lambda r: -(r["share_factual"] or 0)):
        mark = "*" if row["beneficiary"] else " "
        lines.append(
            f"{mark}{names[row['id']][:19]:<20}{number(percent(row['share_counterfactual']), '.1f'):>8}"
            f"{number(percent(row['share_factual']), '.1f'):>7}   {number(row['shift_pp'], '+.2f'):>6} {interval_of(row):<18}"
            f"{number(row['luck_band_pp'], '.2f'):>6}{number(percent(row['reach_factual']), '.0f'):>8}"
        )
    lines.append("-" * 78)
    lines += _below(result)
    return [line.rstrip() for line in lines]


def interval_of(row: Mapping[str, Any]) -> str:
    """The interval of a candidate's shift in brackets, or why there is none."""
    low, high = number(row["ci_low"], "+.2f"), number(row["ci_high"], "+.2f")
    return (
        f"({low} to {high})"
        if low != "-"
        else "(no share)"
        if number(row["shift_pp"], "") == "-"
        else "(one replicate)"
    )


def percent(value: float | None) -> float | None:
    """A share in per cent."""
    return None if value is None else 100 * value


def _below(result: Result) -> list[str]:
    s = result.summary
    names = {c.id: c.name for c in result.scenario.candidates}
    rows = {r["id"]: r for r in s["candidates"]}
    out: list[str] = []
    if not s["removed"]:
        return [
            *wrapped("No campaign is removed in the counterfactual, so both worlds are the same."),
            *footer_lines(result, "report.html"),
        ]
    kind = (
        "the declared threshold"
        if result.scenario.audit.threshold_declared
        else "the default threshold (nobody declared one)"
    )
    threshold = f"{kind} of {s['threshold_pp']:g} pp"
    removed = "; ".join(f"{r['id']} (instead: {r['instead']})" for r in s["removed"])
    out += wrapped(f"* beneficiary. Removed in the counterfactual: {removed}.")
    for name in s["beneficiaries"]:
        row = rows[name]
        meaning = {
            "exceeds": f"exceeds {threshold}", "below": f"is below {threshold}, either way",
            "inconclusive": f"whether it reaches {threshold} cannot be told",
        }[row["verdict"]]  # fmt: skip
        if row["ci_high"] is not None and row["ci_high"] < -s["threshold_pp"]:
            meaning = f"lowers the share by more than {threshold} (the rule counts only shifts upward as “exceeds”)"
        out.append("")
        text = f"In this model the shift of {names[name]} is {number(row['shift_pp'], '+.2f')} pp and {meaning}"
        if row["prediction_low"] is not None:
            low, high = number(row["prediction_low"], "+.1f"), number(row["prediction_high"], "+.1f")
            text += f"; with a probability of about 95 %, one further world would lie between {low} and {high} pp"
        out += wrapped(f"{text}.")
        out += _within(s, row)
        if s["exploratory"] or row["verdict"] == "inconclusive":
            out += wrapped(enough_text(result.scenario, names[name], row["sd_worlds"], with_a_share(s)))
        band = s["robustness"].get(name) if s["robustness"] else None
        if band:
            out += wrapped(
                f"Under {s['robustness']['cells']} other combinations of gates, prior and head weights, at a smaller "
                f"size: {number(band['lowest_shift_pp'], '+.1f')} to {number(band['highest_shift_pp'], '+.1f')} pp"
                + (
                    f" (as declared, at that size: {number(band['declared_shift_pp'], '+.1f')} pp)"
                    if "declared_shift_pp" in band
                    else ""
                )
                + "."
            )
        out += wrapped(
            f"Views by people of content about {names[name]} in the window: {millions(row['impressions_counterfactual'])} without, "
            f"{millions(row['impressions_factual'])} with, excess {millions(row['excess_impressions'])}; comment "
            f"exposures {millions(row['comment_exposures_counterfactual'])} without, "
            f"{millions(row['comment_exposures_factual'])} with."
        )
        out += _windows(result, name)
        naive = s["naive_before_after"].get(name)
        out += wrapped(
            f"An outsider comparing before and after would say {number(naive, '+.2f')} pp; the difference between "
            f"the worlds is {number(row['shift_pp'], '+.2f')} pp."
        )
    out += wrapped(
        f"Dose ratio: {number(s['dose_ratio'], '.2f')} inauthentic actions per organic action on the beneficiary's items."
    )
    return [*out, *opinion_lines(result), *footer_lines(result, "report.html")]


def _windows(result: Result, name: str) -> list[str]:
    """A candidate's shift in each declared window, in one paragraph."""
    if not result.windows:
        return []
    rows = result.by("window")
    found = rows[rows["candidate"] == name].set_index("window").to_dict("index")
    parts = [
        f"{w.id} ({in_days(w.first, w.last)}) {number(found[w.id]['shift_pp'], '+.2f')} pp {interval_of(found[w.id])}"
        for w in result.windows
    ]
    return wrapped(f"On the days of declared windows: {'; '.join(parts)}.")


def _within(s: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """The interval that the rule for "below" uses, where it can be told."""
    low, high = row["equivalence_low"], row["equivalence_high"]
    if low is None or high is None or row["verdict"] == "exceeds":
        return []
    text = f"Being below is judged by 90 % intervals that allow for skewed effects, {low:+.2f} to {high:+.2f} pp"
    if too_few_for_below(low, high, with_a_share(s), s["threshold_pp"]):
        few = counted(with_a_share(s), "replicate")
        text += f": it lies within the threshold, but {few} cannot show that; at least {LEAST_FOR_BELOW} can"
    return wrapped(f"{text}.")


def footer_lines(result: Result | Comparison | Answer, page: str) -> list[str]:
    """How sure this is, how long it took, where the files are.

    Args:
        result: of a run, a comparison or a question about arms.
        page: name of its page.
    """
    s = result.summary
    kind = f"exploratory: {say('few')}; " if s["exploratory"] else ""
    t = s["timing"]
    out = ["", *wrapped(
        f"{size_of(s)} ({kind}the interval covers {s['interval_covers']}). "
        f"Intervals are per candidate, not simultaneous: {say('misses')}. "
        "Simulated evidence under stated assumptions; it does not establish the conduct of any real service."
    )]  # fmt: skip
    out += wrapped(
        f"{t['wall_s']:.0f} s, {t['impressions_per_s'] / 1e6:.1f} M impressions/s, at most {t['peak_rss_mib']:.0f} MiB"
    )
    if result.folder is not None:
        out += [f"results: {result.folder}", f"report:  {result.folder / page}"]
    return out
