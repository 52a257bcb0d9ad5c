"""What moderation does to advertisements: late removal, notices, reports and reviews; what is not shown is not paid."""

import numpy as np
import pytest
from campaign_mixes import with_campaigns
from helpers import changed, frames_of, world_of
from test_advertising import advertising, campaign, shown, table
from test_moderation import moderated, team
from test_tactics import arms_of, same

from recsim.agents.cases import ITEM
from recsim.agents.enforcement import NEVER
from recsim.audit import controls
from recsim.experiment.delay import declared_day
from recsim.scenario.moderation import Actions, AdsBan, Notice
from recsim.scenario.quantity import assumed
from recsim.state import ADVERTISEMENT, DEMOTED, LABELLED, REMOVED, REPORT
from recsim.world.arms import COUNTERFACTUAL, FACTUAL
from recsim.world.networks import AD


def notice(**fields):
    made = {
        "id": "n",
        "day": -2,
        "hour": 4,
        "target": "items",
        "campaign": "ads",
        "compliance": 1,
        "lag_h": 12,
        **fields,
    }
    return Notice.model_validate(made)


def adds_up(sums, bought=243):
    """What was meant for days with advertisements is either shown, and paid, or prevented."""
    assert sums["attempted"] == sums["counted"] + sums["prevented"] <= bought
    assert sums["spend_eur"] == pytest.approx(sums["counted"] * 1.23)
    return sums


def test_networks_are_removed_with_their_advertisements(small):
    """After the days that a network stays, nothing is shown, asked for or paid."""
    for days, seen in ((0.0, set()), (1.0, {-3}), (2.5, {-3, -2, -1}), (18.0, {-3, -2, -1, 0})):
        scenario = moderated(advertising(small), network_removal_days=assumed(days))
        frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL)
        sums = adds_up(table(frames))
        assert set(shown(frames)["day"]) == seen and sums["prevented"] == 0
        assert (sums["counted"] == 243) == (days == 18.0)
        assert days or same(frames, "factual", "counterfactual")
        assert declared_day(scenario) == -3 + round(days)


def test_a_notice_takes_advertisements_away(small):
    """Shown until the lag is over; a half is named or obeyed, a half goes; a notice about others does nothing."""
    plain = adds_up(table(arms_of(advertising(small, advertisements=200), FACTUAL)))
    sums = {}
    for name, fields in {
        "all": {}, "late": {"lag_h": 36}, "half": {"compliance": 0.5}, "none": {"compliance": 0},
        "about her": {"campaign": None, "candidate": "eva", "content": "advertisement"},
        "any about her": {"campaign": None, "candidate": "eva"},
        "posts of media": {"campaign": None, "candidate": "eva", "content": "media"},
        "another": {"campaign": None, "candidate": "ada", "content": "advertisement"},
        "accounts": {"target": "accounts"},
    }.items():  # fmt: skip
        frames = arms_of(moderated(advertising(small, advertisements=200), notices=[notice(**fields)]), FACTUAL)
        sums[name] = adds_up(table(frames))
        days = shown(frames).groupby("day")["impressions"].sum()
        assert sums[name]["attempted"] == plain["attempted"]
        if name in ("all", "about her", "any about her"):
            assert set(days.index) == {-3, -2} and days[-2] < days[-3]
        if name == "late":
            assert days[-2] > 0 and -1 in days.index and 0 not in days.index
    assert sums["all"]["counted"] < sums["late"]["counted"] < sums["half"]["counted"] < 243
    assert sums["all"].equals(sums["about her"]) and sums["all"].equals(sums["any about her"])
    assert all(sums[name].equals(plain) for name in ("none", "posts of media", "another", "accounts"))


def test_only_removal_and_exclusion_take_the_bought_place(small):
    """A place that was bought does not hang on a score: demoting and labelling leave it; all copies carry the flag."""
    counted = {}
    for item in ("remove", "exclude", "demote", "label", "nothing"):
        scenario = moderated(advertising(small, start=-5), notices=[notice()], actions=Actions(item=item))
        world = world_of(scenario, "factual", 0)
        world.run_until(world.plan.steps)
        mine = np.flatnonzero(world.state.items.labels.kind == ADVERTISEMENT)
        copies = len(mine) // 40
        assert copies > 1 and len(np.unique(world.state.status[mine])) == 1
        flag = {"remove": REMOVED, "demote": DEMOTED, "label": LABELLED}.get(item)
        assert flag is None or (world.state.status[mine] & flag).all()
        counted[item] = sum(
            int(day["campaigns"]["ads"][2, AD]) for day in world.record.days if "ads" in day["campaigns"]
        )
    assert counted["remove"] == counted["exclude"] < counted["demote"] == counted["label"] == counted["nothing"]


def reported(small, **moderation):
    """Few advertisements, seen by many, where people report much and somebody reviews."""
    scenario = changed(advertising(small, budget_eur=3000, advertisements=6), response={"report_rate": assumed(0.02)})
    sure = team(count=50_000.0, sensitivity=assumed(1), specificity=assumed(1))
    return moderated(scenario, **{"reviewers": sure, **moderation})


def test_reported_advertisements_are_reviewed(small):
    """They break the rules where political ones are banned, and only there; a verdict takes all copies and saves the money."""
    ban = AdsBan(enforced_share=assumed(0), lag_h=assumed(0))
    frames, waits = {}, {}
    for name, moderation in {
        "nobody": {"reviewers": {}},
        "allowed": {},
        "banned": {"ads_ban": ban},
        "nothing done": {"ads_ban": ban, "actions": Actions(item="nothing")},
    }.items():
        scenario = reported(small, **moderation)
        world = world_of(scenario, "factual", 0)
        world.run_until(world.plan.steps)
        mine = np.flatnonzero(world.state.items.labels.kind == ADVERTISEMENT)
        reports, gone = world.state.counters.total[mine, REPORT], (world.state.status[mine] & REMOVED) > 0
        assert reports.sum() > 0 and len(mine) == 12
        assert gone.any() == (name == "banned")
        if name == "banned":
            assert np.array_equal(gone[:6], gone[6:])
            sanctions = world.state.docket.sanctions
            ads = np.isin(sanctions.subject, world.state.items.id[mine[:6]])
            assert ads.sum() == gone[:6].sum() and (sanctions.kind[ads] == ITEM).all()
            assert (sanctions.until[ads] == NEVER).all()
        frames[name] = table(arms_of(scenario, FACTUAL))
        if world.state.docket is not None:
            waits[name] = int(world.state.docket.queue.ledger.sum(axis=0)[2])
    assert frames["banned"]["counted"] < 0.8 * frames["allowed"]["counted"] and frames["banned"]["prevented"] > 0
    assert frames["nobody"]["counted"] == frames["allowed"]["counted"] == frames["nothing done"]["counted"]
    assert waits["allowed"] > 0 and waits["nothing done"] > 0


def test_controls(small):
    """With notices and reviews of advertisements of two candidates' campaigns."""
    scenario = reported(
        with_campaigns(small, [campaign(), campaign(id="more", beneficiary="ada", budget_eur=900)]),
        notices=[notice(campaign=None, candidate="ada", share=0.5)], ads_ban=AdsBan(enforced_share=assumed(0.2)),
    )  # fmt: skip
    scenario = with_campaigns(scenario, [campaign(), campaign(id="more", beneficiary="ada", budget_eur=900)])
    for control in (controls.zero_dose, controls.threads, controls.reordered, controls.exchanged):
        ok, note = control(scenario)
        assert ok, f"{control.__name__}: {note}"


def test_taken_away_at_once_is_the_world_without(small):
    """A notice on the day before, that is obeyed at once, finds none; on the first day, without a lag, it saves nearly all."""
    early = moderated(advertising(small), notices=[notice(day=-4, lag_h=0)])
    assert adds_up(table(frames_of(early)))["counted"] == 243  # a notice names what is live
    at_once = moderated(advertising(small), notices=[notice(day=-3, hour=0, lag_h=0)])
    frames = arms_of(at_once, FACTUAL, COUNTERFACTUAL)
    assert set(shown(frames)["day"]) <= {-3} and adds_up(table(frames))["counted"] < 20
