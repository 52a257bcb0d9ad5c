"""Attribution, dose, delay and the same budget for everyone on real worlds of the small scenario."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import changed
from test_experiment import cli

from recsim.errors import InputError
from recsim.experiment import attribution, delay, dose
from recsim.experiment.attribution import attribute
from recsim.experiment.dose import dose_response
from recsim.experiment.sets import worlds_per_day
from recsim.experiment.tradeoff import chosen_mitigations, tradeoff, with_mitigation
from recsim.report.answer_table import answer_lines
from recsim.scenario import load, realise
from recsim.world.pair import simulate_arms
from recsim.world.plan import make_plan
from recsim.world.tree import branching, steps_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def scenario():
    campaigns = [
        {"id": "second", "type": "purchased_engagement", "beneficiary": "eva", "start": -2, "likes": 9000, "follows": 20000},
        {"id": "posts", "type": "paid_influencers", "beneficiary": "eva", "start": -3, "influencers": 30, "followers_mean": 9000},
    ]  # fmt: skip
    from recsim.scenario.dump import _plain
    from recsim.scenario.load import parse

    raw = _plain(
        load(ROOT / "configs" / "small.yaml", ["run.luck_branches=1", "run.replicates=2", "campaigns.0.accounts=20000"])
    )
    raw["campaigns"] += campaigns
    return parse(raw, "small")


def test_no_tactic_and_no_campaign_are_the_counterfactual_and_all_doors_are_the_factual(scenario):
    from recsim.world.arms import COUNTERFACTUAL, DOORS, FACTUAL, Arm

    arms = [
        COUNTERFACTUAL, FACTUAL, Arm("no tactic", tactics=frozenset()), Arm("no campaign", campaigns=frozenset()),
        Arm("all tactics", tactics=frozenset(attribution.players_of(scenario, "tactic"))),
        Arm("all doors", doors=frozenset(DOORS)), Arm("all campaigns", campaigns=frozenset({"network", "second", "posts"})),
        Arm("none", doors=frozenset()), Arm("gates", doors=frozenset({"gates"})), Arm("ranking", doors=frozenset({"ranking"})),
    ]  # fmt: skip
    exposure = simulate_arms(realise(scenario, 7, 1), 1, arms).frames["exposure"].astype({"arm": str})
    tables = {name: part.drop(columns="arm").reset_index(drop=True) for name, part in exposure.groupby("arm")}
    for one, other in (("no tactic", "counterfactual"), ("no campaign", "counterfactual"), ("all tactics", "factual"),
                       ("all doors", "factual"), ("all campaigns", "factual")):  # fmt: skip
        pd.testing.assert_frame_equal(tables[one], tables[other])
    different = ("counterfactual", "factual", "none", "gates", "ranking")
    assert all(not tables[a].equals(tables[b]) for a in different for b in different if a < b)


def test_a_fork_changes_nothing_in_what_goes_on(scenario):
    """Campaigns' posts among the items: whatever is forked off later, the factual world stays what it is."""
    from recsim.world.arms import FACTUAL, Arm

    drawn = realise(changed(scenario, run={"luck_branches": 3}), 7, 1)
    tables = []
    for more in ([], [Arm("late", removal_day=0)], [Arm("early", removal_day=-2), Arm("late", removal_day=-1)]):
        exposure = simulate_arms(drawn, 1, [FACTUAL, *more]).frames["exposure"].astype({"arm": str})
        tables.append(exposure[exposure["arm"] == "factual"].reset_index(drop=True))
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


def test_attribution_of_real_worlds_adds_up(scenario):
    found = attribute(scenario, by="campaign", workers=1, store=False).summary
    assert found["coalitions"] == 8 and found["total"]["shift_pp"] != 0
    assert sum(p["shift_pp"] for p in found["parts"]) == pytest.approx(found["total"]["shift_pp"])
    assert sum(p["excess_impressions"] for p in found["parts"]) == pytest.approx(found["total"]["excess_impressions"])


def test_all_doses_share_one_counterfactual(scenario):
    """The world without campaigns is simulated with one dose only: it is the same with every other, bit for bit."""
    frames = {}
    for one in dose.question_of(scenario, first=0.25, last=1, points=3).sets:
        from recsim.world.arms import COUNTERFACTUAL

        table = simulate_arms(realise(one.scenario, 7, 0), 0, [COUNTERFACTUAL]).frames["exposure"]
        frames[one.name] = table[table["arm"].astype(str) == "counterfactual"].reset_index(drop=True)
    first, *others = frames.values()
    assert len(others) == 2
    for other in others:
        pd.testing.assert_frame_equal(first, other)
    found = dose_response(scenario, first=0, last=4, points=4, workers=1, store=False).summary
    ratios = [p["dose_ratio"] for p in found["points"]]
    assert ratios == sorted(ratios) and ratios[0] == 0 < ratios[-1]


def exposure_of(scenario, arms):
    """Exposure of one replicate by arm, the shared days among them."""
    table = simulate_arms(realise(scenario, 7, 0), 0, arms).frames["exposure"].astype({"arm": str})
    return {name: part.drop(columns="arm").reset_index(drop=True) for name, part in table.groupby("arm")}


def test_doses_above_one_are_compared_with_worlds_of_the_same_people(scenario):
    """Influencers whom a dose above 1 adds post ordinary things in its own world without campaigns, and nobody else changes."""
    question = dose.question_of(scenario, first=0.5, last=4, points=4)
    assert [[arm.name for arm in one.arms] for one in question.sets] == [
        ["x0.5"], ["x1", "counterfactual"], ["x2", "counterfactual-x2"], ["x4", "counterfactual-x4"]
    ]  # fmt: skip
    half, one, _, four = (exposure_of(s.scenario, [*s.arms, *question.sets[1].arms[1:]][:2]) for s in question.sets)
    pd.testing.assert_frame_equal(half["counterfactual"], one["counterfactual"])
    pd.testing.assert_frame_equal(half["shared"], one["shared"])
    # The same days before the campaigns in every world, so that doses differ by what is done alone.
    pd.testing.assert_frame_equal(one["shared"], four["shared"])
    assert not one["counterfactual"].equals(four["counterfactual-x4"])
    found = dose_response(scenario, first=0, last=2, points=3, workers=1, store=False)
    rows = found.frames["by_replicate"].set_index("arm")
    assert (rows.loc[["counterfactual", "counterfactual-x2"], "shift_pp"] == 0).all()
    two = rows.loc["x2", "share"].to_numpy() - rows.loc["counterfactual-x2", "share"].to_numpy()
    assert rows.loc["x2", "shift_pp"].to_numpy() == pytest.approx(100 * two)


def test_accounts_that_the_world_without_campaigns_lacks_leave_it_as_it_is_at_any_dose(scenario):
    """Posting accounts of a network and impersonators: one world without campaigns for all doses, bit for bit."""
    from recsim.scenario.dump import _plain
    from recsim.scenario.load import parse
    from recsim.world.arms import COUNTERFACTUAL

    raw = _plain(scenario)
    raw["campaigns"][0] |= {"accounts": 300, "posts_per_day": 1, "followers_per_account": 2000}
    raw["campaigns"][2] = {"id": "fans", "type": "impersonation", "beneficiary": "eva", "start": -3, "accounts": 40,
                           "posts_per_day": 1, "followers_mean": 4000}  # fmt: skip
    raw["campaigns"].append({"id": "z", "type": "paid_influencers", "beneficiary": "eva", "start": -3, "influencers": 30,
                             "followers_mean": 9000, "dose": 0.5})  # fmt: skip
    posting = parse(raw)
    sets = dose.question_of(posting, first=1, last=2, points=2).sets
    assert sum(len(one.arms) for one in sets) == 3
    first, second = (exposure_of(one.scenario, [COUNTERFACTUAL]) for one in sets)
    for arm in ("shared", "counterfactual"):
        pd.testing.assert_frame_equal(first[arm], second[arm])


def test_one_run_is_forked_at_each_day_of_removal(scenario):
    question = delay.question_of(scenario)
    (one,) = question.sets
    plan = make_plan(realise(one.scenario, 7, 0))
    tree = branching(plan, one.arms, plan.step_of(plan.first_day))
    assert sum(worlds_per_day(scenario, one.arms)) * plan.steps_per_day == steps_of(tree)
    found = delay.delay(scenario, workers=1, store=False)
    table = found.frames["by_replicate"].pivot_table(index=["replicate", "candidate"], columns="arm", values="share")
    assert not np.array_equal(table["removed -1"], table["factual"])
    alone = changed(scenario, campaigns=scenario.campaigns[:1])
    zero = delay.delay(alone, days=[-3], workers=1, store=False).summary["rows"][0]
    assert zero["shift_pp"] == 0  # a network that is removed before it acts


def test_mitigations_by_name(scenario):
    four = changed(scenario, run={"replicates": 4})  # of two pairs little can be said
    found = tradeoff(four, mitigations=["oracle_removal", "political_downrank"], workers=1, store=False)
    rows = {row["mitigation"]: row for row in found.summary["rows"]}
    assert rows["oracle_removal"]["article"] == "35(1)(c)" and set(rows) == {"oracle_removal", "political_downrank"}
    # Without campaigns nobody is inauthentic, so the oracle costs nothing at all; the down-rank costs views.
    oracle, down = (rows[name]["costs"] for name in ("oracle_removal", "political_downrank"))
    assert all(cost["change"] == 0 for cost in oracle.values())
    assert oracle["candidate_views"]["verdict"] == "the same" and down["candidate_views"]["change"] < -20
    assert all(len(line) <= 80 for line in answer_lines(found))
    with pytest.raises(InputError, match="did you mean 'oracle_removal'"):
        tradeoff(scenario, mitigations=["oracle_remova"], store=False)
    assert "all" not in chosen_mitigations(scenario, "all") and len(chosen_mitigations(scenario, "all")) > 10
    with pytest.raises(InputError, match="has already"):
        tradeoff(with_mitigation(scenario, "friction"), mitigations=["friction"], store=False)
    assert "friction" not in chosen_mitigations(with_mitigation(scenario, "friction"), ["all"])


def test_the_command_prints_json_and_writes_a_page(tmp_path):
    found = cli("attribute", ROOT / "configs" / "small.yaml", "--by", "tactic", "--replicates", "2", "--workers", "1", "--set",
                "run.luck_branches=1", "--out", tmp_path / "a", "--json")  # fmt: skip
    assert found.returncode == 0, found.stderr
    summary = json.loads(found.stdout)
    assert {p["name"] for p in summary["parts"]} == {"like", "comment", "share"} and "expect about" in found.stderr
    assert (tmp_path / "a" / "attribute.html").exists() and (tmp_path / "a" / "policy_compiled.py").exists()


def test_the_same_budget_for_everyone(tmp_path):
    script = ROOT / "experiments" / "same_budget_for_everyone.py"
    found = subprocess.run(
        [sys.executable, script, "--quick", "--workers", "1", "--out", tmp_path / "o"], capture_output=True, text=True,
        timeout=300, env=None,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    table = pd.read_csv(tmp_path / "o" / "shifts.csv")
    assert set(table["candidate"]) == {"ada", "ben", "eva"} and (table["items"] > 10).all()
    assert table["spend_eur"].nunique(dropna=False) == 1 and (table["dose_ratio"] > 0).all()
    assert (tmp_path / "o" / "figures" / "same_budget.svg").exists()
    assert all(len(line) <= 80 for line in found.stdout.splitlines() if not line.startswith(("results", "figure")))


def test_the_world_without_campaigns_does_not_know_for_whom_they_would_have_acted(scenario):
    sys.path.insert(0, str(ROOT / "experiments"))
    from same_budget_for_everyone import moved

    from recsim.world.arms import COUNTERFACTUAL

    tables = [
        simulate_arms(realise(moved(scenario, name), 7, 0), 0, [COUNTERFACTUAL]).frames["exposure"]
        for name in ("eva", "ada")
    ]
    pd.testing.assert_frame_equal(*tables)
