"""Table, figure and page of a follow-graph world."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from recsim.audit.again import run_again
from recsim.experiment.follow import ILLEGAL, FollowResult
from recsim.ranking.own_code import asked
from recsim.report.figures import BLACK, BLUE, RED, STYLE
from recsim.report.html import link, write_page
from recsim.report.saving import mark_of, save
from recsim.report.strings import counted, say
from recsim.report.table import number, wrapped

WORDS = {
    "prevalence_posts": "illegal among different posts in feeds", "prevalence_slots": "illegal among slots of feeds",
    "impressions": "impressions of illegal posts", "reach": "person and illegal post, seen at least once",
    "unique_reshares": "person and illegal post, passed on", "reshares": "re-shares of illegal posts",
}  # fmt: skip


def print_follow(result: FollowResult, file: IO[str] | None = None) -> None:
    """Print the summary of a run, at 80 columns."""
    print("\n".join(line.rstrip() for line in follow_lines(result)), file=file)


def _span(row: dict[str, Any], name: str, form: str, factor: float = 1.0) -> str:
    """The interval in brackets; nothing beside a quantity that no replicate defines."""
    low, high = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    if row[name] is None:
        return ""
    return "(one replicate)" if low is None else f"({low * factor:{form}} to {high * factor:{form}})"


def _over(result: FollowResult) -> str:
    """How long the worlds ran, and over which steps results are taken."""
    s = result.summary
    if s["stop"] == "fixed":
        return f"{s['steps']} steps, results over the last {s['averaged_steps']}"
    ends = result.frames["smoothed"]["steps"]
    least, most = int(ends.min()), int(ends.max())
    span = counted(most, "step") if least == most else f"{least} to {most} steps"
    return f"stopped after {span} (at most {s['steps']}) by the rule on smoothed quality; quality and shares of slots are smoothed"


def _again(result: FollowResult) -> str:
    """The command that does it again, in the folder of the result."""
    fixed = result.summary["interval_covers"] == "luck"
    return asked(run_again(result.summary, fixed, {}, {}), result.folder)


def follow_lines(result: FollowResult) -> list[str]:
    """The whole text, line by line."""
    s, scenario = result.summary, result.scenario
    g = scenario.follow_graph
    lines = [
        *wrapped(scenario.title or s["scenario"]),
        *wrapped(
            f"policy {s['policy']}; {_over(result)}; {s['people']:,} people, "
            f"{g.kind} graph, mean degree {g.mean_degree.value:g}, rewiring {g.rewiring}"
        ),
        "",
    ]
    if s["campaigns"]:
        lines += [f"{'campaign':<24}{'share of slots, %':>18}   {'95 % interval':<20}{'of views, %':>12}", "-" * 78]
        for row in s["campaigns"]:
            share, seen = (
                number(100 * (row["slot_share"] or 0), ".2f"),
                number(100 * (row["impression_share"] or 0), ".2f"),
            )
            lines.append(
                f"{row['campaign'][:23]:<24}{share:>18}   {_span(row, 'slot_share', '.2f', 100):<20}{seen:>12}"
            )
        lines += ["-" * 78]
        lines += wrapped(
            f"Inauthentic posts fill {100 * s['inauthentic_share']:.2f} % {_span(s, 'inauthentic_share', '.2f', 100)} of the "
            "slots of people's feeds; without the campaigns none exist, so this is the exposure shift."
        )
        lines += wrapped(
            f"Relative quality: {s['relative_quality']:.3f} as 1 minus that share, {number(s['quality_ratio'], '.3f')} "
            f"{_span(s, 'quality_ratio', '.3f')} as mean quality with the campaigns over mean quality without."
        )
    else:
        lines += wrapped("No campaign acts, so there is no exposure shift.")
    if "illegal" in s:
        lines += ["", f"{'illegal posts':<46}{'value':>12}  {'change by takedown, %':<20}", "-" * 78]
        for name in ILLEGAL:
            row = s["illegal"][name]
            change = ""
            if "change_percent" in row:
                change = f"{number(row['change_percent'], '+.1f')} {_span(row, 'change_percent', '+.1f')}"
            lines.append(f"{WORDS[name]:<46}{row['value']:>12.4g}  {change}")
    kind = "exploratory: fewer than 30 replicates; " if s["exploratory"] else ""
    t = s["timing"]
    lines += ["", *wrapped(
        f"{s['replicates']} replicates ({kind}the interval covers {s['interval_covers']}). Simulated evidence under stated "
        "assumptions; it does not establish the conduct of any real service."
    )]  # fmt: skip
    lines += wrapped(
        f"{t['wall_s']:.0f} s, {s['actions'] / 1e6:.1f} M actions, {s['deliveries'] / 1e6:.0f} M deliveries"
    )
    if result.folder is not None:
        lines += [f"results: {result.folder}", f"report:  {result.folder / 'report.html'}"]
    return lines


def share_by_step(result: FollowResult) -> Figure:
    """Inauthentic (or illegal) share of the slots of people's feeds by step, each replicate and their mean."""
    steps = result.frames["steps"]
    illegal = not result.scenario.campaigns and result.scenario.posts.illegal
    figure = Figure(figsize=(7.2, 3.8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for arm, colour, line in (("factual", RED, "-"), ("counterfactual", BLUE, "--"), ("unmoderated", BLACK, ":")):
        mine = steps[steps["arm"].astype(str) == arm]
        if not len(mine):
            continue
        value = mine["illegal_held"] / mine["posts_held"].clip(lower=1) if illegal else mine["inauthentic_share"]
        wide = mine.assign(value=100 * value).pivot(index="step", columns="replicate", values="value")
        if arm == "factual":
            axes.plot(wide.index, wide.to_numpy(), color=colour, linewidth=0.5, alpha=0.35)
        axes.plot(wide.index, wide.mean(axis=1), line, color=colour, linewidth=1.8, label=say("steps_mean", arm=arm))
    first = result.summary["steps"] - result.summary["averaged_steps"]
    if result.summary["stop"] == "fixed":
        axes.axvspan(first, result.summary["steps"] - 1, color="#eeeeee", zorder=0, label=say("steps_averaged"))
    axes.set_xlabel(say("steps_axis"))
    axes.set_ylabel(say("steps_illegal" if illegal else "steps_inauthentic"))
    axes.set_ylim(0, None)
    axes.set_title(say("steps_title"), loc="left")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _by_step(result: FollowResult) -> pd.DataFrame:
    """Means over replicates by arm and step, so that the page stays small."""
    columns = ["inauthentic_share", "quality", "posts_held", "illegal_held"]
    return result.frames["steps"].astype({"arm": str}).groupby(["arm", "step"])[columns].mean().reset_index()


def qualities(result: FollowResult) -> pd.DataFrame:
    """Relative quality by replicate: 1 - inauthentic share of slots, and quality with over quality without the campaigns."""
    from recsim.experiment.follow import window_means

    found = {arm: window_means(result.scenario, result.frames, arm) for arm in ("factual", "counterfactual")}
    ratio = found["factual"]["quality"].to_numpy(float) / found["counterfactual"]["quality"].to_numpy(float)
    shares = 1 - found["factual"]["inauthentic_share"].to_numpy(float)
    return pd.DataFrame({"replicate": range(len(shares)), "from_slots": shares, "from_quality": ratio})


def slots_by_replicate(result: FollowResult) -> Figure | None:
    """Relative quality of every replicate, both ways of reckoning it."""
    if not result.scenario.campaigns:
        return None
    found = qualities(result)
    shares, ratio = found["from_slots"].to_numpy(), found["from_quality"].to_numpy()
    figure = Figure(figsize=(7.2, 2.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    names = (say("quality_slots"), say("quality_ratio"))
    for place, (values, colour, marker) in enumerate(((shares, RED, "o"), (ratio, BLUE, "s"))):
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else [0.0]
        axes.plot(values, place + np.asarray(spread), marker, color=colour, markersize=4, linestyle="")
        axes.plot([values.mean()] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2)
    axes.set_yticks([0, 1], names)
    axes.set_ylim(-0.6, 1.6)
    axes.set_xlabel(say("quality_axis"))
    axes.set_title(say("quality_title"), loc="left")
    return figure


def write_follow(result: FollowResult) -> None:
    """Write figures and ``report.html`` into the run's folder (nothing if it has none)."""
    if result.folder is None:
        return
    from recsim.experiment.sums import sealed

    with sealed(result.folder, result.reused, ["report.html", "figures/*"]):
        s = result.summary
        rest = say("caption_follow", size=counted(s["replicates"], "replicate"), people=s["people"], policy=s["policy"])
        drawn: list[tuple[str, Path, str]] = []
        with matplotlib.rc_context(STYLE):
            for name, make, text in (
                ("share_by_step", share_by_step, say("steps_caption", rest=rest)),
                ("relative_quality", slots_by_replicate, say("quality_caption", rest=rest)),
            ):
                figure = make(result)
                if figure is not None:
                    drawn.append((name, save(figure, result.folder / "figures", name, mark_of(s)), text))
        data = {"share_by_step": _by_step, "relative_quality": qualities}
        write_page(
            "follow.html.j2", result.folder / "report.html", result.scenario, drawn,
            downloads={name: link(data[name](result)) for name, *_ in drawn}, s=s, words=WORDS,
            over=_over(result), again=_again(result),
        )  # fmt: skip
