"""Symmetry: the same campaigns, with the same budget, for each candidate in turn.

    python experiments/same_budget_for_everyone.py                       # the Romanian scenario, its 14 candidates
    python experiments/same_budget_for_everyone.py --quick               # a small one, for a look

All campaigns that the counterfactual removes are moved to one candidate after the other; authentic volunteers stay with
theirs, in all worlds. Luck hangs on campaigns' keys, so that all candidates' worlds have the same accounts, hours and
draws, and one world without campaigns serves for all. Never read the shifts without the item counts beside them:
accounts can only act on what there is. Writes ``shifts.csv``, ``by_replicate.csv`` and ``figures/same_budget.svg|png``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from recsim.cli.progress import progress
from recsim.errors import InputError
from recsim.experiment.run import configured
from recsim.experiment.sets import Answer, Question, WorldSet, answer, chosen_candidate, expected, without_table
from recsim.experiment.summary import removed_campaigns
from recsim.experiment.tasks import Session
from recsim.experiment.worlds import Worlds
from recsim.metrics import interval
from recsim.report.figures import BLACK, BLUE, ORANGE, RED, STYLE
from recsim.report.saving import mark_of, save
from recsim.report.table import number
from recsim.rng import Key
from recsim.scenario import load, realise
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, Arm

ROOT = Path(__file__).resolve().parent.parent


def moved(scenario: Scenario, candidate: str) -> Scenario:
    """The scenario with all removed campaigns acting for one candidate."""
    ours = {c.id for c in removed_campaigns(scenario)}
    campaigns = [c.model_copy(update={"beneficiary": candidate}) if c.id in ours else c for c in scenario.campaigns]
    return scenario.model_copy(update={"campaigns": campaigns})


def question_of(scenario: Scenario) -> Question:
    """One set of worlds per candidate, and the world without campaigns with the first of them."""
    own = chosen_candidate(scenario, None)
    small, sets = without_table(scenario), []
    for name in sorted(c.id for c in scenario.candidates):
        arms = [Arm(f"for {name}")] if sets else [COUNTERFACTUAL, Arm(f"for {name}")]
        sets.append(WorldSet(f"for-{name}", moved(small, name), tuple(arms)))
    return Question("same_budget", scenario, tuple(sets), {}, own, summarise)


def summarise(question: Question, worlds: Worlds) -> tuple[dict, dict[str, pd.DataFrame]]:
    """One row per candidate, largest shift first."""
    items = items_of(question.scenario, worlds.replicates)
    rows = []
    for k, candidate in enumerate(question.scenario.candidates):
        name = f"for {candidate.id}"
        t, more = interval(worlds.shift_pp(name)[:, k]), interval(worlds.excess(name)[:, k])
        before = interval(100 * worlds.shares("counterfactual").mean(axis=1)[:, k])
        rows.append(
            {
                "candidate": candidate.id, "items": items[candidate.id], "share_without_pct": before.mean,
                "shift_pp": t.mean, "ci_low": t.low, "ci_high": t.high, "sd_worlds": t.sd,
                "excess_impressions": more.mean, "excess_ci_low": more.low, "excess_ci_high": more.high,
                "dose_ratio": worlds.dose_ratio(name, candidate.id),
                "spend_eur": worlds.spend_eur(name, moved(question.scenario, candidate.id)),
            }
        )  # fmt: skip
    rows.sort(key=lambda row: (-np.nan_to_num(row["shift_pp"]), row["candidate"]))
    return {"rows": rows}, {"shifts": pd.DataFrame(rows)}


def items_of(scenario: Scenario, replicates: list[int]) -> dict[str, float]:
    """Simulated items about each candidate that are posted in the campaign window without campaigns, mean."""
    from recsim.world.build import build_state
    from recsim.world.plan import make_plan

    counts = np.zeros(len(scenario.candidates))
    for replicate in replicates:
        plan = make_plan(realise(scenario, scenario.run.seed, replicate))
        state = build_state(plan, Key(scenario.run.seed, replicate))
        about = state.replaced.labels.candidate[state.born[plan.step_of(plan.first_day)] :]
        counts += np.bincount(about[about >= 0], minlength=len(counts)) / len(replicates)
    return dict(zip((c.id for c in plan.candidates), counts.tolist(), strict=True))


def chart(result: Answer) -> Figure:
    """Shift of each candidate when all campaigns act for the one, beside the items about the candidate."""
    s, names = result.summary, {c.id: c.name for c in result.scenario.candidates}
    rows = s["rows"]
    figure = Figure(figsize=(7.6, 0.34 * len(rows) + 2.0), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2.2, 1])
    for y, row in enumerate(rows):
        mean, low, high = (np.nan if row[k] is None else row[k] for k in ("shift_pp", "ci_low", "ci_high"))
        whisker = np.nan_to_num([[max(0.0, mean - low)], [max(0.0, high - mean)]])
        own = row["candidate"] == s["candidate"]
        left.errorbar(
            mean, y, xerr=whisker, fmt="D" if own else "o", color=RED if own else BLUE, capsize=3, markersize=5
        )  # fmt: skip
    left.axvline(0, color=BLACK, linewidth=0.8)
    left.axvline(s["threshold_pp"], color=RED, linestyle=":", linewidth=1.2)
    left.set_yticks(range(len(rows)), [names[row["candidate"]] for row in rows], fontsize=8.5)
    left.set_ylim(len(rows) - 0.4, -0.6)
    left.set_xlabel("shift if all campaigns act for this candidate,\npercentage points, 95 % interval")
    left.set_title("The same budget for everyone", loc="left")
    right.barh(range(len(rows)), [row["items"] for row in rows], height=0.62, color=ORANGE)
    for y, row in enumerate(rows):
        right.annotate(
            f"{row['items']:.0f}", (row["items"], y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5
        )  # fmt: skip
    right.set_xlim(0, 1.2 * max(row["items"] for row in rows))
    right.set_xlabel("simulated items about\nthe candidate in the window")
    for axes in (left, right):
        axes.grid(axis="y", visible=False)
    left.plot([], [], "D", color=RED, label="beneficiary in the scenario")
    left.plot([], [], "o", color=BLUE, label="other candidate")
    left.plot([], [], ":", color=RED, label=f"threshold {s['threshold_pp']:g} pp")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def lines(result: Answer) -> list[str]:
    """The table, 80 columns."""
    s, names = result.summary, {c.id: c.name for c in result.scenario.candidates}
    out = [
        f"The same budget for each candidate: {s['replicates']} replicates, policy {s['policy']}", "",
        f"{'':<24}{'without':>8}{'shift':>8} {'(95 % interval)':<19}{'items':>7}{'dose':>7}",
        f"{'all campaigns for':<24}{'%':>8}{'pp':>8}{'':<20}{'':>7}{'ratio':>7}", "-" * 74,
    ]  # fmt: skip
    for row in s["rows"]:
        low, high = number(row["ci_low"], "+.2f"), number(row["ci_high"], "+.2f")
        mark = "*" if row["candidate"] == s["candidate"] else " "
        out.append(
            f"{mark}{names[row['candidate']][:22]:<23}{number(row['share_without_pct'], '.1f'):>8}"
            f"{number(row['shift_pp'], '+.2f'):>8} {f'({low} to {high})':<19}{row['items']:>7.0f}"
            f"{number(row['dose_ratio'], '.2g'):>7}"
        )
    return [
        *out,
        "-" * 74,
        "* beneficiary in the scenario; dose ratio: inauthentic per organic action",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, nargs="?", default=None, help="default: configs/romania.yaml")
    parser.add_argument("--replicates", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", type=Path, help="folder (default: one in runs/, named by fingerprint)")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--resume", action="store_true", help="continue an unfinished folder")
    parser.add_argument("--quick", action="store_true", help="configs/small.yaml, two replicates, one luck branch")
    options = parser.parse_args()
    config = options.config or ROOT / "configs" / ("small.yaml" if options.quick else "romania.yaml")
    try:
        scenario = load(config, ["run.luck_branches=1", "run.replicates=2"] if options.quick else [])
        question = question_of(configured(scenario, options.replicates, options.seed, None))
        minutes = expected(question, options.workers)["seconds"] / 60
        print(f"{scenario.name}: {len(question.sets)} candidates; expect about {minutes:.0f} min", file=sys.stderr)
        with progress(False) as say:
            session = Session(None, False, options.workers, None, say)
            result = answer(question, session, options.out, options.resume)
    except InputError as error:
        sys.exit(f"error: {error}")
    with matplotlib.rc_context(STYLE):
        path = save(chart(result), result.folder / "figures", "same_budget", mark_of(result.summary))
    print("\n".join([*lines(result), f"results: {result.folder}", f"figure:  {path}"]))


if __name__ == "__main__":
    main()
