"""A study for people to look at: the terminal, figures, one page."""

from __future__ import annotations

from typing import IO, Any

from recsim.experiment.summary import with_a_share
from recsim.experiment.sweep import StudyResult
from recsim.metrics import LEAST_FOR_BELOW
from recsim.report.answer_table import table_lines
from recsim.report.strings import say, size_of
from recsim.report.study_figures import name_of, study_figures
from recsim.report.table import number, wrapped
from recsim.report.words import Table, mean_and_span, percent, span

ROWS = 60
"""Most values of an axis that a table shows; effects.csv has all."""
LIMITS = (
    "A share of settings weighs them as the study lays them out: it says how far the finding hangs on what was varied, and is no "
    "probability that it is true of a real platform. What was not varied is as the scenario says. Means over settings hide "
    "interactions between axes; the dataset has every cell."
)


def sentences(result: StudyResult) -> list[str]:
    """What the numbers say, one paragraph each."""
    s, name = result.summary, name_of(result)
    p, v = s["plausible"], s["variance"]
    out = []
    if p["settings"]:
        few = f" (which takes {LEAST_FOR_BELOW} replicates or more)" if with_a_share(s) < LEAST_FOR_BELOW else ""
        out.append(
            f"In {p['mean']['count']} of {p['settings']} settings ({percent(p['mean']['share'])} %; 95 % Wilson interval "
            f"{percent(p['mean']['ci_low'])} to {percent(p['mean']['ci_high'])}) the mean shift of {name} exceeds the declared threshold "
            f"of {p['threshold_pp']:g} pp; in {p['shown']['count']} the whole interval does, in {p['below']['count']} it is below "
            f"the threshold either way{few}. It is above zero in {percent(p['above_zero']['share'])} %."
        )
        low, high = s["lowest"], s["highest"]
        out.append(
            f"Mean shifts go from {mean_and_span(low)} at {_values(low)} to {mean_and_span(high)} at {_values(high)}; "
            f"the median setting has {number(s['median_shift_pp'], '+.2f')}."
        )
    if v["share_of_settings"] is not None:
        out.append(
            f"Of the variance of one world's shift, {percent(v['share_of_settings'])} % lies between settings; the rest is luck "
            f"(SD {number((v['shared_luck'] + v['own_luck']) ** 0.5, '.2f')} pp between replicates of one setting)."
        )
    if s["sensitivity"] and s["sensitivity"]["undefined"]:
        out.append("Sensitivity indices are undefined: a cell has no shift, or all have the same.")
    if s["undefined"]:
        out.append(f"{s['undefined']} replicates of cells showed no candidate content and have no shift.")
    return out


def _values(row: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v if isinstance(v, str) else format(v, '.4g')}" for k, v in row["values"].items())


def tables(result: StudyResult) -> list[Table]:
    """One table per axis."""
    out = _sensitivity(result.summary["sensitivity"])
    for axis in result.summary["axes"]:
        rows = result.effects[result.effects["axis"] == axis["axis"]].to_dict("records")
        numeric = axis["numeric"]
        cells = [
            [
                f"{float(r['value']):.4g}" if numeric else str(r["value"]), str(r["cells"]), number(r["shift_pp"], "+.2f"), _span(_known(r)),
                number(r["change_pp"], "+.2f"), _span(_known(r), "change_ci_low", "change_ci_high"),
            ]
            for r in rows[:ROWS]
        ]  # fmt: skip
        of = "in parts of its range" if axis["kind"] == "sample" and axis["range"] else "by value"
        caption = (
            f"{axis['axis']}: mean shift over all settings, {of}, and change against the first row, percentage points"
        )
        out.append(
            Table(caption, ["value", "cells", "shift", "interval", "change", "interval"], cells, [18, 7, 8, 19, 8, 19])
        )
    return out


def _sensitivity(found: dict[str, Any] | None) -> list[Table]:
    """The indices, the largest first."""
    if not found or found["undefined"]:
        return []
    morris = found["method"] == "morris"
    bar, other = ("mu_star", "sigma") if morris else ("st", "s1")
    rows = [
        [
            row["axis"], number(row[bar], ".3f"), f"+/- {number(row[f'{bar}_half_width'], '.3f')}", number(row[other], ".3f"),
            number(row["mu"], "+.3f") if morris else f"+/- {number(row['s1_half_width'], '.3f')}",
        ]
        for row in sorted(found["axes"], key=lambda row: -row[bar])
    ]  # fmt: skip
    if morris:
        text = (
            "Morris: elementary effects over the whole range, percentage points, with 95 % half-widths over the design"
        )
        return [Table(text, ["axis", "mean |effect|", "", "SD", "mean effect"], rows, [30, 15, 11, 10, 13])]
    text = "Sobol: parts of the variance of the mean shift, with 95 % half-widths over the design"
    return [Table(text, ["axis", "total", "", "first order", ""], rows, [30, 10, 13, 13, 13])]


def _span(row: dict[str, Any], low: str = "ci_low", high: str = "ci_high") -> str:
    """An interval that fits its column."""
    wide = max(abs(row[k] or 0.0) for k in (low, high)) >= 100
    return span(row, low, high, "+.1f" if wide else "+.2f")


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """NaN as None."""
    return {k: None if v != v else v for k, v in row.items()}


def print_study(result: StudyResult, file: IO[str] | None = None) -> None:
    """Print tables and sentences."""
    print("\n".join(study_lines(result)), file=file)


def study_lines(result: StudyResult) -> list[str]:
    """The whole text, 80 columns, line by line."""
    s = result.summary
    lines = [
        *wrapped(f"Study {s['study']}: {s['title'] or result.scenario.title or s['scenario']}"),
        *wrapped(
            f"{s['cells']} cells x {size_of(s)}, {s['people']:,} simulated "
            f"people for {s['people_real']:,.0f}; intervals cover {s['interval_covers']}"
        ),
    ]
    for table in tables(result):
        lines += ["", *table_lines(table)]
    for text in sentences(result):
        lines += ["", *wrapped(text)]
    kind = f"exploratory: {say('few')}; " if s["exploratory"] else ""
    lines += ["", *wrapped(
        f"{kind}intervals are per row, not simultaneous: {say('misses')}. {LIMITS} It does not establish the conduct "
        "of any real service."
    )]  # fmt: skip
    lines += [f"{s['timing']['wall_s']:.0f} s", f"results: {result.folder}", f"report:  {result.folder / 'sweep.html'}"]
    return [line.rstrip() for line in lines]


def write_study(result: StudyResult) -> None:
    """Write figures and ``sweep.html`` into the study's folder."""
    from recsim.experiment.sums import sealed
    from recsim.report.html import render

    with sealed(result.folder, result.reused, ["sweep.html", "figures/*"]):
        drawn = study_figures(result, result.folder / "figures")
        render(
            "study.html.j2", result.folder / "sweep.html", result.scenario, drawn, s=result.summary, size=size_of(result.summary), sentences=sentences(result),
            tables=tables(result), limits=LIMITS, again=f"python -m recsim sweep {result.folder.as_posix()}/study.yaml",
        )  # fmt: skip
