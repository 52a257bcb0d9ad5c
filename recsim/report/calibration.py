"""A calibration for people to look at: the terminal, figures, one page."""

from __future__ import annotations

from typing import IO

from recsim.experiment.calibration import CalibrationResult
from recsim.report.answer_table import table_lines
from recsim.report.calibration_figures import calibration_figures
from recsim.report.strings import counted
from recsim.report.table import wrapped
from recsim.report.words import Table

LIMITS = (
    "Fitted to figures of exposure, not to votes: with one election, appeal and amplification cannot be told apart in a vote share. "
    "A parameter that is not identified keeps its prior, and what fits here may fit for other reasons in reality. Observed figures "
    "are noisy aggregates whose errors are assumptions. It does not establish the conduct of any real service."
)


def sentences(result: CalibrationResult) -> list[str]:
    """What the numbers say, one paragraph each."""
    s = result.summary
    out = []
    if s["waves"]:
        out.append(
            f"History matching left {100 * s['waves'][-1]['left']:.1f} % of the parameter space after {counted(len(s['waves']), 'wave')} "
            f"(implausibility up to {s['cut']:g})."
        )
    if not s["generations"]:
        out.append(
            "No parameters in the ranges can be expected to give all fitted figures: either the ranges, the stated errors or the model "
            "are wrong. There is no ensemble."
        )
        return out
    last = s["generations"][-1]
    met = "the particles are a sample of the posterior under the stated errors" if last["tolerance"] <= 1 else (
        "closer to all targets at once the worlds did not come; errors that many times as large as stated, or more particles, are needed"
    )  # fmt: skip
    out.append(
        f"Tolerance {last['tolerance']:.2f} stated errors after {counted(len(s['generations']), 'generation')}: {met}. Effective size "
        f"{last['effective']:.0f} of {last['particles']}."
    )
    known = [row["name"] for row in s["parameters"] if row["identified"]]
    unknown = [row["name"] for row in s["parameters"] if not row["identified"]]
    if known:
        out.append(f"The targets say something about {', '.join(known)}.")
    if unknown:
        out.append(
            f"Not identified, not narrower than the prior as far as so few particles can tell (width below "
            f"{s['identified_below']:.2f} of it): {', '.join(unknown)}. These targets cannot tell."
        )
    held = [row for row in s["targets"] if row["role"] == "holdout"]
    if held:
        inside = [row["metric"] for row in held if row["inside"]]
        outside = [row["metric"] for row in held if not row["inside"]]
        text = "Held out and never fitted"
        if inside:
            text += f"; within 5 to 95 % of what fitted worlds and the stated error predict: {', '.join(inside)}"
        if outside:
            text += f"; outside: {', '.join(outside)}"
        out.append(f"{text}.")
    return out


def tables(result: CalibrationResult) -> list[Table]:
    """Parameters and targets."""
    s = result.summary
    fitted = bool(s["generations"])
    rows = [
        [
            row["name"], f"{row['low']:.4g} to {row['high']:.4g}", *([f"{row[q]:.4g}" for q in ("q5", "q50", "q95")] if fitted else ["-"] * 3),
            ("yes" if row["identified"] else "no") if fitted else "-",
        ]
        for row in s["parameters"]
    ]  # fmt: skip
    first = Table(
        "Parameters: prior range, and 5, 50 and 95 % of the weighted particles",
        ["parameter", "prior", "5 %", "median", "95 %", "identified"], rows, [24, 18, 9, 9, 9, 11],
    )  # fmt: skip
    rows = [
        [
            row["metric"], row["role"], f"{row['value']:.4g}", f"{row['prior_low']:.3g} to {row['prior_high']:.3g}" if row["prior_low"] is not None else "-",
            f"{row['q5']:.3g} to {row['q95']:.3g}" if fitted else "-",
        ]
        for row in s["targets"]
    ]  # fmt: skip
    second = Table(
        "Targets: observed, and 5 to 95 % of simulated worlds before and after fitting",
        ["figure", "role", "observed", "before", "after"], rows, [26, 8, 10, 18, 18],
    )  # fmt: skip
    return [first, second]


def print_calibration(result: CalibrationResult, file: IO[str] | None = None) -> None:
    """Print tables and sentences."""
    s = result.summary
    lines = wrapped(f"Calibration {s['calibration']}: {s['title'] or s['scenario']}")
    lines += wrapped(
        f"{s['worlds']} worlds of {s['people']:,} simulated people for {s['people_real']:,.0f}; policy {s['policy']}"
    )
    for table in tables(result):
        lines += ["", *table_lines(table)]
    for text in (*sentences(result), LIMITS):
        lines += ["", *wrapped(text)]
    lines += ["", f"{s['timing']['wall_s']:.0f} s", f"results: {result.folder}"]
    if s["generations"]:
        lines.append(f"ensemble: {result.folder / 'ensemble.yaml'}")
    lines.append(f"report:  {result.folder / 'calibration.html'}")
    print("\n".join(line.rstrip() for line in lines), file=file)


def write_calibration(result: CalibrationResult) -> None:
    """Write figures and ``calibration.html`` into the folder."""
    from recsim.experiment.sums import sealed
    from recsim.report.html import render

    with sealed(result.folder, result.reused, ["calibration.html", "figures/*"]):
        drawn = calibration_figures(result, result.folder / "figures")
        render(
            "calibration.html.j2", result.folder / "calibration.html", result.scenario, drawn, s=result.summary,
            sentences=sentences(result), tables=tables(result), limits=LIMITS,
            again=f"python -m recsim calibrate {result.folder.as_posix()}/calibration.yaml",
        )  # fmt: skip
