"""The numbers of a run against tables small enough to work out by hand."""

from __future__ import annotations

import itertools
import json
import math
from types import SimpleNamespace

import fake_world
import numpy as np
import pandas as pd
import pytest
from campaign_mixes import with_campaigns
from helpers import ROW_KEYS, SUMMARY_KEYS, TIMING_KEYS, changed
from helpers import frames_of as simulated

from recsim.experiment import run
from recsim.experiment.attribution import spending
from recsim.experiment.folder import read_csv
from recsim.experiment.study import with_settings
from recsim.experiment.summary import Counts, dose_ratio, robustness_range, spend, spent_in_all, summarise, with_a_share
from recsim.scenario import load, realise
from recsim.scenario.campaigns import PurchasedEngagement
from recsim.scenario.quantity import assumed
from recsim.scenario.schema import Ensemble

NAMES = ["ada", "ben", "eva"]


@pytest.fixture(scope="module")
def scenario():
    """Three candidates, one network for eva from day -3, two luck branches, one person in a thousand."""
    return load(fake_world.SMALL)


def exposure_of(cells, day=-1, region="north"):
    """Rows from {(replicate, branch, arm): {(candidate, stance): impressions}}; a quarter also as comment exposures."""
    rows = [
        (r, b, arm, day, region, "aa", "all", candidate, stance, n, n // 4)
        for (r, b, arm), counts in cells.items()
        for (candidate, stance), n in counts.items()
    ]
    names = "replicate branch arm day region language age_band candidate stance impressions comment_exposures"
    return pd.DataFrame(rows, columns=names.split())


def frames_of(exposure, engagement=(), reach=()):
    return {
        "exposure": exposure,
        "engagement": pd.DataFrame(
            list(engagement), columns=["replicate", "branch", "arm", "day", "candidate", "action", "origin", "count"]
        ),
        "reach": pd.DataFrame(
            list(reach),
            columns=["replicate", "branch", "arm", "window", "region", "candidate", "people_reached", "people"],
        ),
        "campaigns": pd.DataFrame(
            columns=[
                "replicate",
                "branch",
                "arm",
                "day",
                "campaign",
                "tactic",
                "attempted",
                "prevented",
                "counted",
                "spend_eur",
            ]
        ),
        "facts": pd.DataFrame(columns=["replicate", "branch", "arm", "name", "value"]),
    }


def metas_of(replicates):
    return [{"replicate": r, "people": 500, "steps": 60, "fork_day": -3, "impressions": 0} for r in replicates]


def summary_of(scenario, frames, replicates, **options):
    return summarise(scenario, frames, metas_of(replicates), "f" * 64, {}, options.get("table"), False)


def supportive(*impressions):
    return {(name, "supportive"): n for name, n in zip(NAMES, impressions, strict=True)}


@pytest.fixture(scope="module")
def by_hand(scenario):
    """Shares of eva: replicate 0 50 v 20 and 40 v 30 %, replicate 1 60 v 20 and 40 v 20 %."""
    cells = {
        (0, 0, "factual"): supportive(30, 20, 50), (0, 0, "counterfactual"): supportive(50, 30, 20),
        (0, 1, "factual"): supportive(40, 20, 40), (0, 1, "counterfactual"): supportive(40, 30, 30),
        (1, 0, "factual"): supportive(80, 80, 240), (1, 0, "counterfactual"): supportive(40, 40, 20),
        (1, 1, "factual"): supportive(30, 30, 40), (1, 1, "counterfactual"): supportive(40, 40, 20),
    }  # fmt: skip
    shared = exposure_of({(r, 0, "shared"): supportive(30, 45, 25) for r in (0, 1)}, day=-5)
    too_early = exposure_of({(r, 0, "shared"): supportive(900, 0, 0) for r in (0, 1)}, day=-8)
    actions = [
        (0, 0, "factual", -1, "eva", "like", "inauthentic", 12), (0, 0, "factual", -1, "eva", "view", "inauthentic", 99),
        (0, 0, "factual", -1, "ben", "like", "inauthentic", 99), (0, 0, "factual", -1, "eva", "like", "human", 99),
        (0, 0, "counterfactual", -1, "eva", "like", "human", 20), (0, 0, "counterfactual", -1, "eva", "share", "volunteer", 4),
    ]  # fmt: skip
    reach = [
        (r, b, arm, "campaign", region, name, 60 if arm == "factual" else 40, 250)
        for r, b, arm in cells
        for region in ("north", "south")
        for name in NAMES
    ]
    return summary_of(scenario, frames_of(pd.concat([exposure_of(cells), shared, too_early]), actions, reach), [0, 1])


def eva(summary):
    return next(row for row in summary["candidates"] if row["id"] == "eva")


def test_shift_is_the_mean_of_branches_then_of_replicates(by_hand):
    row = eva(by_hand)
    # replicate 0: (30 + 10) / 2 = 20; replicate 1: (40 + 20) / 2 = 30
    assert row["shift_pp"] == pytest.approx(25)
    assert row["sd_worlds"] == pytest.approx(math.sqrt(50))
    t = 12.706204736174698  # one degree of freedom
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * t * 5)
    assert 25 - row["prediction_low"] == pytest.approx(t * math.sqrt(50) * math.sqrt(1.5))
    assert row["prediction_high"] == 100  # by Student's t 135; no share can shift by more than 100 points
    assert row["equivalence_high"] - 25 == pytest.approx(6.313751514675043 * 5)
    assert row["share_factual"] == pytest.approx((0.5 + 0.4 + 0.6 + 0.4) / 4)
    assert row["share_factual"] - row["share_counterfactual"] == pytest.approx(0.25)


def test_luck_band_uses_campaign_free_branches(by_hand):
    # eva without the campaign: 20 v 30 % and 20 v 20 %
    assert eva(by_hand)["luck_band_pp"] == pytest.approx(math.sqrt((10**2 + 0) / 2))


def test_impressions_and_comments_are_real_units(by_hand):
    row = eva(by_hand)
    # simulated (50 + 40 + 240 + 40) / 4 = 92.5 and (20 + 30 + 20 + 20) / 4 = 22.5; one person stands for 1000
    assert row["impressions_factual"] == pytest.approx(92_500)
    assert row["impressions_counterfactual"] == pytest.approx(22_500)
    assert row["excess_impressions"] == pytest.approx(70_000)
    assert row["excess_ci_low"] < 70_000 < row["excess_ci_high"]
    assert row["comment_exposures_factual"] == pytest.approx((12 + 10 + 60 + 10) / 4 * 1000)


def test_reach_and_frequency(by_hand):
    row = eva(by_hand)
    assert row["reach_factual"] == pytest.approx(120 / 500) and row["reach_counterfactual"] == pytest.approx(80 / 500)
    assert row["frequency_factual"] == pytest.approx(92.5 / 120)


def test_total_variation_is_the_mean_over_branches_and_replicates(by_hand):
    # halves of sums of |differences|, in points: 30, 10, 40, 20
    assert by_hand["tv_distance"] == pytest.approx(0.25)
    assert by_hand["tv_distance_ci_low"] < 0.25 < by_hand["tv_distance_ci_high"]


def test_the_naive_estimate_compares_with_the_equally_long_span_before(by_hand):
    row = eva(by_hand)
    # before (days -7 to -4): 25 %; with the campaign, branches pooled: 90 of 200 and 280 of 500. Day -8 lies outside.
    assert row["naive_pp"] == pytest.approx((20 + 31) / 2)
    assert row["naive_error_pp"] == pytest.approx(((20 - 20) + (31 - 30)) / 2)
    assert by_hand["naive_before_after"]["eva"] == row["naive_pp"]


def test_dose_counts_fake_per_organic_action_on_the_beneficiary(by_hand):
    assert by_hand["dose_ratio"] == pytest.approx(12 / 24)  # volunteers are organic, views are no action
    assert eva(by_hand)["dose_ratio"] == by_hand["dose_ratio"]
    assert by_hand["candidates"][0]["dose_ratio"] is None


def test_dose_without_organic_actions_is_undefined():
    table = pd.DataFrame(
        [("factual", "eva", "like", "inauthentic", 3)], columns=["arm", "candidate", "action", "origin", "count"]
    )
    assert math.isnan(dose_ratio(table, ["eva"]))


def test_parts_by_stance_add_up_to_the_shift(scenario):
    stances = ("supportive", "neutral", "critical")
    rng = np.random.default_rng(5)
    cells = {
        key: {pair: int(rng.integers(5, 50)) for pair in itertools.product(NAMES, stances)}
        for key in itertools.product((0, 1, 2), (0, 1), ("factual", "counterfactual"))
    }
    got = summary_of(scenario, frames_of(exposure_of(cells)), [0, 1, 2])
    for row in got["candidates"]:
        assert sum(row[f"shift_{s}_pp"] for s in stances) == pytest.approx(row["shift_pp"])
    # by hand for one part: critical impressions of ben over all candidate impressions
    parts = []
    for r, b in itertools.product((0, 1, 2), (0, 1)):
        with_, without = cells[r, b, "factual"], cells[r, b, "counterfactual"]
        parts.append(
            with_["ben", "critical"] / sum(with_.values()) - without["ben", "critical"] / sum(without.values())
        )
    assert got["candidates"][1]["shift_critical_pp"] == pytest.approx(100 * np.mean(parts))


def test_replicates_without_candidate_content_are_left_out_and_counted(scenario):
    cells = {
        (0, 0, "factual"): supportive(30, 20, 50), (0, 0, "counterfactual"): supportive(50, 30, 20),
        (0, 1, "factual"): supportive(30, 20, 50), (0, 1, "counterfactual"): supportive(50, 30, 20),
        (1, 0, "factual"): supportive(0, 0, 0), (1, 0, "counterfactual"): supportive(50, 30, 20),
        (1, 1, "factual"): supportive(9, 1, 0), (1, 1, "counterfactual"): supportive(50, 30, 20),
    }  # fmt: skip
    got = summary_of(scenario, frames_of(exposure_of(cells)), [0, 1])
    assert got["undefined_replicates"] == 1
    assert eva(got)["shift_pp"] == pytest.approx(30) and eva(got)["ci_low"] is None
    assert eva(got)["share_factual"] - eva(got)["share_counterfactual"] == pytest.approx(0.3)
    assert eva(got)["reach_factual"] is None and got["dose_ratio"] is None
    json.dumps(got, allow_nan=False)


def test_exploratory_is_decided_by_the_replicates_that_have_a_share(scenario):
    """Of thirty worlds one has no content about candidates: 29 replicates carry the result."""
    cells = {(r, b, arm): supportive(r > 0, 1, 1) if r or arm == "factual" else supportive(0, 0, 0) for r in range(31) for b in (0, 1) for arm in ("factual", "counterfactual")}  # fmt: skip
    for count, few in ((30, True), (31, False)):
        got = summary_of(scenario, frames_of(exposure_of(cells)), list(range(count)))
        assert with_a_share(got) == count - 1 and got["exploratory"] is few


def test_frequency_is_the_mean_of_ratios(scenario):
    """As in metrics.csv: ten views of one person and ten of ten are 5.5 a person, not 20 of eleven."""
    cells = {(r, b, arm): supportive(1, 1, 10) for r in (0, 1) for b in (0, 1) for arm in ("factual", "counterfactual")}
    reach = [(r, b, arm, "campaign", "north", "eva", 10 if r else 1, 250) for r, b, arm in cells]
    got = summary_of(scenario, frames_of(exposure_of(cells), (), reach), [0, 1])
    assert eva(got)["frequency_factual"] == pytest.approx(5.5)


def test_nothing_shown_at_all_is_null_and_not_a_crash(scenario):
    got = summary_of(scenario, frames_of(exposure_of({})), [0, 1])
    assert eva(got)["shift_pp"] is None and eva(got)["share_factual"] is None and got["tv_distance"] is None
    assert eva(got)["impressions_factual"] == 0


def test_a_zero_dose_is_exactly_zero(scenario):
    zero = scenario.model_copy(update={"dose": scenario.dose.model_copy(update={"value": 0.0})})
    got = run(zero, simulate=fake_world.simulate, workers=1, store=False, robustness=False).summary
    for row in got["candidates"]:
        assert [row[k] for k in ("shift_pp", "ci_low", "ci_high", "sd_worlds", "excess_impressions")] == [0.0] * 5
        assert row["prediction_low"] == row["prediction_high"] == 0
    assert got["tv_distance"] == got["tv_distance_ci_low"] == got["dose_ratio"] == 0


def test_one_replicate_has_a_shift_and_no_interval(scenario):
    got = run(scenario, replicates=1, simulate=fake_world.simulate, store=False, robustness=False).summary
    row = eva(got)
    assert row["shift_pp"] > 0 and row["luck_band_pp"] > 0
    assert [row[k] for k in ("ci_low", "ci_high", "sd_worlds", "prediction_low")] == [None] * 4
    assert row["verdict"] == "inconclusive"


def test_one_branch_has_no_luck_band(scenario):
    one = scenario.model_copy(update={"run": scenario.run.model_copy(update={"luck_branches": 1})})
    got = run(one, simulate=fake_world.simulate, workers=1, store=False, robustness=False).summary
    assert eva(got)["luck_band_pp"] is None and eva(got)["shift_pp"] > 0


def test_the_summary_has_the_promised_keys_and_is_json(scenario):
    got = run(scenario, simulate=fake_world.simulate, workers=1, store=False, robustness=False).summary
    assert [k for k in got if k in SUMMARY_KEYS] == SUMMARY_KEYS
    assert list(got["timing"]) == TIMING_KEYS
    for row in got["candidates"]:
        assert [k for k in row if k in ROW_KEYS] == ROW_KEYS
    assert [row["id"] for row in got["candidates"]] == NAMES
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    assert eva(got)["beneficiary"] is True and got["candidates"][0]["beneficiary"] is False


def test_counts_refuse_a_candidate_they_do_not_know(scenario):
    table = exposure_of({(0, 0, "factual"): supportive(1, 2, 3)})
    with pytest.raises(ValueError, match="candidates"):
        Counts(table, ["ada", "ben"], [0], 1)
    assert Counts(table, NAMES, [0, 1], 1).impressions[1].sum() == 0


def test_costs_that_nobody_declared_are_not_zero(scenario):
    """Without a price there is no cost; with one, a campaign that does nothing costs nothing."""
    frames = frames_of(exposure_of({(0, 0, "factual"): supportive(1, 2, 3)}))
    assert spend(frames, scenario, [0], False) == {"network": None}
    network = scenario.campaigns[0]
    priced = network.model_copy(update={"costs": network.costs.model_copy(update={"account": assumed(0.5)})})
    paid = scenario.model_copy(update={"campaigns": [priced]})
    assert spend(frames, paid, [0], False) == {"network": 0.5 * network.accounts.value}
    assert spend(frames, paid.model_copy(update={"dose": assumed(0.0)}), [0], False) == {"network": 0.0}
    # Ranges: what the replicates drew, not the central value; with central values held, that.
    ranged = network.model_copy(update={"accounts": assumed(100, 50, 400), "costs": priced.costs})
    wide = scenario.model_copy(update={"campaigns": [ranged]})
    drawn = [realise(wide, wide.run.seed, r).campaigns[0].accounts.value for r in (0, 3)]
    assert spend(frames, wide, [0, 3], False) == {"network": pytest.approx(0.5 * sum(drawn) / 2)}
    assert spend(frames, wide, [0, 3], True) == {"network": 0.5 * 100}
    ensemble = Ensemble(name="doses", members=[{"dose": 2.0}, {"dose": 4.0}])
    several = paid.model_copy(update={"run": paid.run.model_copy(update={"ensemble": ensemble})})
    assert spend(frames, several, [0, 1], True) == {"network": 3 * 0.5 * network.accounts.value}
    assert spent_in_all({"a": None, "b": 2.0}) == 2 and spent_in_all({"a": None, "b": 2.0}, ["a"]) is None


def test_a_price_of_what_a_campaign_does_not_buy_is_none(scenario):
    """Likes are bought whoever delivers them: with a price of accounts alone nobody knows what they cost."""
    frames = frames_of(exposure_of({(0, 0, "factual"): supportive(1, 2, 3)}))
    head = {"id": "c", "beneficiary": "eva", "start": -2}
    bought = {**head, "type": "purchased_engagement", "likes": 5.0}
    paid = {**head, "type": "paid_influencers", "influencers": 2, "followers_mean": 10}
    for campaign, price, euro in (
        (bought, "account", None), (bought, "per_follower", None), (bought, "like", 0.0),
        (paid, "account", None), (paid, "like", None), (paid, "per_follower", 20.0),
    ):  # fmt: skip
        made = with_settings(scenario, {"campaigns": [{**campaign, "costs": {price: 1.0}}]}, "here", "test")
        assert spend(frames, made, [0], False) == {"c": euro}, (campaign["type"], price)


def test_no_price_no_cost_of_a_part():
    """In attributions, too: nothing is divided by a cost that nobody declared."""
    undeclared = SimpleNamespace(spend_by_campaign=lambda arm: {"network": None, "other": None})
    assert spending(undeclared, "campaign", ["network", "other"]) == {"total": None, "network": None, "other": None}
    assert spending(undeclared, "tactic", ["like"]) == {"total": None}


def test_names_that_read_like_numbers_or_like_nothing_are_stored_as_text(tmp_path):
    """`recsim verify` makes the summary again from the stored table."""
    frame = pd.DataFrame({"gates": "off", "prior_events": 1.0, "head_weights": "as declared", "declared": False, "candidate": ["1", "NA", "007"], "shift_pp": [1.0, np.nan, -2.0]})  # fmt: skip
    frame.to_csv(tmp_path / "robustness.csv", index=False)
    found = read_csv(tmp_path / "robustness.csv")
    pd.testing.assert_frame_equal(found, frame, check_dtype=False)
    assert robustness_range(found, ["1", "007"]) == robustness_range(frame, ["1", "007"])


def test_robustness_range_spans_the_means_of_the_cells():
    cells = [("off", 40, "as declared"), ("soft", 40, "as declared"), ("hard", 40, "as declared")]
    rows = [
        (*cell, name, shift) for cell, shift in zip(cells, (1.0, 7.5, -2.0), strict=True) for name in ("eva", "ada")
    ]
    table = pd.DataFrame(rows, columns=["gates", "prior_events", "head_weights", "candidate", "shift_pp"])
    got = robustness_range(table, ["eva"])
    assert got == {"cells": 3, "eva": {"lowest_shift_pp": -2.0, "highest_shift_pp": 7.5}}
    assert robustness_range(None, ["eva"]) == {}
    table["declared"] = table["gates"] == "soft"
    got = robustness_range(table, ["eva"])
    assert got == {"cells": 2, "eva": {"lowest_shift_pp": -2.0, "highest_shift_pp": 1.0, "declared_shift_pp": 7.5}}
    assert robustness_range(table[table["declared"]], ["eva"]) == {}


def test_bought_follows_are_paid_for_once(small):
    """As many as were bought, those that a platform stops included, at the price of one."""
    bought = PurchasedEngagement.model_validate({
        "id": "bought", "beneficiary": "eva", "start": -3, "likes": 0.0, "follows": 40_000, "costs": {"follow": 0.05},
    })  # fmt: skip
    scenario = changed(with_campaigns(small, [bought]), moderation={"prevented_share": assumed(0.5)})
    frames = simulated(scenario)
    table = frames["campaigns"]
    follows = table[(table["arm"].astype(str) == "factual") & (table["tactic"].astype(str) == "follow")]
    branches, real = scenario.run.luck_branches, 1 / scenario.population.scale
    assert follows["attempted"].sum() / branches * real == pytest.approx(40_000, rel=0.05)
    assert (follows["attempted"] == follows["prevented"] + follows["counted"]).all()
    assert follows["counted"].sum() == pytest.approx(follows["attempted"].sum() / 2, rel=0.1)
    assert spend(frames, scenario, [0], False) == {"bought": pytest.approx(2_000, rel=0.05)}
