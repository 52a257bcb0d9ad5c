"""Advertisements: what is bought is shown, beside the ranking, and nothing else; a ban takes its share."""

from pathlib import Path

import numpy as np
import pytest
from campaign_mixes import with_campaigns
from helpers import changed, world_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tactics import arms_of, same

from recsim.agents.advertising import choose_people, impressions_by_step, shared_fairly
from recsim.audit import controls
from recsim.audit.accounting import accounting
from recsim.errors import InputError
from recsim.experiment.attribution import attribute, players_of, tactics_of
from recsim.experiment.run import run
from recsim.rng import Key
from recsim.scenario import load
from recsim.scenario.campaigns import Advertising, BotNetwork
from recsim.scenario.moderation import AdsBan
from recsim.scenario.quantity import assumed
from recsim.scenario.references import check_references
from recsim.state import ADVERTISEMENT
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm
from recsim.world.networks import TACTICS
from recsim.world.plan import make_plan

ROOT = Path(__file__).resolve().parent.parent


def campaign(**fields):
    made = {
        "id": "ads", "beneficiary": "eva", "start": -3, "budget_eur": 300, "cpm_eur": 1.23, "advertisements": 40, **fields,
    }  # fmt: skip
    return Advertising.model_validate(made)


def advertising(small, **fields):
    return with_campaigns(small, [campaign(**fields)])


def table(frames, arm="factual"):
    """Sums of the campaign table for tactic "ad"."""
    c = frames["campaigns"]
    c = c[(c["arm"].astype(str) == arm) & (c["tactic"].astype(str) == "ad")]
    return c[["attempted", "prevented", "counted", "spend_eur"]].sum()


def shown(frames, arm="factual"):
    p = frames["provenance"]
    return p[(p["arm"].astype(str) == arm) & (p["kind"].astype(str) == "advertisement")]


def test_what_is_bought_is_shown(small):
    """Impressions add up in all tables, come through no other door, and cost what they should."""
    scenario = advertising(small)
    frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL)
    bought, sums, seen = scenario.campaigns[0].impressions(1.0, small.population.scale), table(frames), shown(frames)
    assert bought == 243 == sums["attempted"] == sums["counted"] and sums["prevented"] == 0
    assert seen["impressions"].sum() == 243 and set(seen["source"].astype(str)) == {"advertisement"}
    assert set(seen["candidate"].astype(str)) == {"eva"} and set(seen["day"]) == {-3, -2, -1, 0}
    assert 0.99 * 300 < sums["spend_eur"] <= 300
    assert not len(shown(frames, "counterfactual")) and table(frames, "counterfactual")["attempted"] == 0
    total = {
        k: frames[k][frames[k]["arm"].astype(str) == "factual"]["impressions"].sum() for k in ("exposure", "provenance")
    }
    assert total["exposure"] == total["provenance"]


def test_dose_zero_and_removal(small):
    """Without money, without the tactic, removed on the first day, or as a placebo: bitwise the world without it."""
    scenario = advertising(small)
    ok, note = controls.zero_dose(scenario)
    assert ok, note
    arms = [
        Arm("off", tactics=frozenset(TACTICS) | {"post"}),
        Arm("removed", removal_day=-3),
        Arm("placebo", placebo=True),
    ]
    late, alone = Arm("late", removal_day=-1), Arm("alone", tactics=frozenset({"ad"}))
    frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL, *arms, late, alone)
    assert all(same(frames, arm.name, "counterfactual") for arm in arms)
    assert same(frames, "alone", "factual") and not same(frames, "factual", "counterfactual")
    assert set(shown(frames, "late")["day"]) == {-3, -2}
    assert table(frames, "late")["attempted"] == shown(frames, "late")["impressions"].sum() < 200


def test_luck_hangs_on_keys(small):
    """Threads, reordered lists and exchanged ids change nothing, with several campaigns and too few visits for all."""
    campaigns = [campaign(budget_eur=4000), campaign(id="more", beneficiary="ada", budget_eur=2000, hours=(8, 12))]
    campaigns.append(campaign(id="north", beneficiary="ben", regions=["north"], advertisements=1, stance="critical"))
    scenario = with_campaigns(small, campaigns)
    for control in (controls.threads, controls.reordered, controls.exchanged):
        ok, note = control(scenario)
        assert ok, f"{control.__name__}: {note}"
    sums = table(arms_of(scenario, FACTUAL))
    assert 500 < sums["counted"] < 0.9 * sums["attempted"] and sums["spend_eur"] < 0.9 * 6300


def test_a_dose_doubles_impressions(small):
    """Twice the money, twice the impressions; the smaller number is among the larger in every step and visit."""
    worlds = []
    for dose in (1, 2):
        world = world_of(advertising(small, dose=dose), "factual", 0)
        placed = []
        for _ in range(world.plan.steps):
            world.step()
            ad, person = world.feed.visits.ad[: world.people.visiting], world.feed.visits.person
            placed.append({(int(person[v]), int(ad[v])) for v in np.flatnonzero(ad >= 0)})
        worlds.append(placed)
    assert all(one <= two for one, two in zip(*worlds, strict=True))
    count = [sum(map(len, placed)) for placed in worlds]
    assert count[0] == 243 and count[1] in (486, 487)


def test_advertisements_are_beside_the_feed(small):
    """No pool, inbox or search result holds one; people act on them; each copy is shown while it is live."""
    world = world_of(advertising(small, budget_eur=3000, advertisements=3, start=-5), "factual", 0)
    plan, labels = world.plan, world.state.items.labels
    mine = np.flatnonzero(labels.kind == ADVERTISEMENT)
    copies = -(-6 * plan.steps_per_day // plan.lifetime)
    assert len(mine) == 3 * copies > 3 and not labels.present[mine].any() and labels.disclosed[mine].all()
    quality = world.state.items.quality[mine].reshape(copies, 3)
    assert np.all(quality == quality[0]) and len(np.unique(quality[0])) == 3
    for _ in range(plan.steps):
        start, end = world.window
        world.step()
        pools, inbox = world.feed.pools, world.state.observed.inbox
        assert not np.isin(np.concatenate([pools.item.ravel(), pools.fresh.ravel(), inbox.ravel()]), mine).any()
        assert all(not np.isin(pools.entry[c, : pools.entry_count[c]], mine).any() for c in range(len(plan.candidates)))
        ad = world.feed.visits.ad[: world.people.visiting]
        assert np.all((ad[ad >= 0] >= start) & (ad[ad >= 0] < end))
    views = world.state.counters.total[mine, 0].reshape(copies, 3)
    likes = world.state.counters.total[mine, 2].sum()
    assert views.sum() > 2000 and views.min() > 0 and likes > 20
    # Whoever sees an advertisement again does not like it again: fewer likes per view than people with many different ones.
    many = world_of(advertising(small, budget_eur=3000, advertisements=2000, start=-5), "factual", 0)
    many.run_until(many.plan.steps)
    other = np.flatnonzero(many.state.items.labels.kind == ADVERTISEMENT)
    rate = many.state.counters.total[other, 2].sum() / many.state.counters.total[other, 0].sum()
    assert likes / views.sum() < 0.8 * rate
    assert likes <= plan.people * len(mine)


def test_a_ban_takes_its_share(small):
    """Stopped advertisements are shown until the lag is over and not paid for afterwards; more enforcement only adds."""
    sums, days = {}, {}
    for share, lag in ((0.0, 0), (0.5, 0), (0.9, 0), (1.0, 0), (1.0, 24)):
        scenario = changed(
            advertising(small, advertisements=200),
            moderation={"ads_ban": AdsBan(enforced_share=assumed(share), lag_h=assumed(lag))},
        )
        frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL)
        sums[share, lag], days[share, lag] = table(frames), set(shown(frames)["day"])
        assert sums[share, lag]["attempted"] == 243 == sums[share, lag]["prevented"] + sums[share, lag]["counted"]
        assert sums[share, lag]["spend_eur"] == pytest.approx(sums[share, lag]["counted"] * 1.23)
        assert (share, lag) != (1.0, 0) or same(frames_without_table(frames), "factual", "counterfactual")
    assert sums[0.0, 0]["counted"] == 243 and sums[1.0, 0]["counted"] == 0
    assert 0.35 < sums[0.5, 0]["prevented"] / 243 < 0.65 and 0.8 < sums[0.9, 0]["prevented"] / 243 < 0.98
    assert days[1.0, 24] == {-3} and days[0.5, 0] == {-3, -2, -1, 0}


def frames_without_table(frames):
    """Without the table of the campaign, which alone says what was prevented."""
    return {**frames, "campaigns": frames["campaigns"].iloc[:0]}


def test_an_audience(small):
    scenario = advertising(small, regions=["south"], budget_eur=500)
    frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL)
    e = frames["exposure"].astype({"arm": str, "region": str})
    first = e[(e["day"] == -3) & (e["candidate"].astype(str) == "eva")].groupby(["arm", "region"])["impressions"].sum()
    assert first["factual", "south"] > 1.5 * first["counterfactual", "south"]
    assert first["factual", "north"] < 1.3 * first["counterfactual", "north"]
    for field, name, hint in (("regions", "sout", "south"), ("languages", "aaa", "aa")):
        broken = advertising(small, **{field: [name]})
        with pytest.raises(InputError, match=f"campaigns.0.{field}.*unknown name '{name}'.*did you mean '{hint}'"):
            check_references(broken, lambda path, text: InputError(text, ".".join(map(str, path))))
    with pytest.raises(ValueError, match=r"got hours \[9, 7\]"):
        campaign(hours=(9, 7))


@given(
    budget=st.floats(0, 3e5), cpm=st.floats(0.01, 50), dose=st.floats(0, 5), scale=st.floats(0.0005, 1),
)  # fmt: skip
def test_money_is_never_overspent(budget, cpm, dose, scale):
    """In whole millionths of a euro: what is bought is paid for, and one more would not be."""
    one = campaign(budget_eur=budget, cpm_eur=cpm)
    bought = one.impressions(dose, scale)
    price = int(np.ceil(round(cpm * 1000 / scale, 6)))
    money = int(np.floor(round(budget * dose * 1e6, 6)))
    assert isinstance(bought, int) and bought * price <= money < (bought + 1) * price
    assert bought / scale * cpm / 1000 <= budget * dose * (1 + 1e-9) + 1e-6
    assert bought <= one.impressions(dose * 2, scale)


@settings(max_examples=15)
@given(start=st.integers(-5, 0), first=st.integers(0, 20), hours=st.integers(1, 4), budget=st.floats(0, 2000))
def test_the_plan_of_impressions(small, start, first, hours, budget):
    """All that is bought has a step within days and hours; the smaller budget is part of the larger in every step."""
    plans = [
        make_plan(advertising(small, start=start, hours=(first, first + hours), budget_eur=money)) for money in (budget, 2 * budget)
    ]  # fmt: skip
    one, two = (impressions_by_step(Key(1, 0), plan.ads[0], plan.steps) for plan in plans)
    spd, ad = plans[0].steps_per_day, plans[0].ads[0]
    assert one.sum() == ad.impressions and np.all(one <= two) and two.sum() == plans[1].ads[0].impressions
    outside = np.ones(plans[0].steps, bool)
    span = 24 // spd
    inside = [s % spd for s in range(spd) if s * span < first + hours and (s + 1) * span > first]
    outside[[s for s in range(ad.first_step, ad.last_step) if s % spd in inside]] = False
    assert two[outside].sum() == 0


def test_even_over_days(small):
    plan = make_plan(advertising(small, start=-4, budget_eur=50_000))
    by_day = impressions_by_step(Key(2, 0), plan.ads[0], plan.steps).reshape(-1, plan.steps_per_day)
    assert by_day.sum(axis=1)[-5:] == pytest.approx(by_day.sum() / 5, rel=0.05) and by_day[:-5].sum() == 0
    assert by_day.sum(axis=0) / by_day.sum() == pytest.approx(plan.ads[0].step_share, abs=0.01)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.integers(0, 2000))
def test_places_are_shared_fairly(wanted, free):
    got = shared_fairly(np.array(wanted, np.int64), free)
    assert got.sum() <= free or got.sum() == sum(wanted) <= free
    assert np.all(got <= wanted) and (sum(wanted) > free or got.tolist() == wanted)
    assert sum(wanted) <= free or got.sum() > free - len(wanted)


def test_who_is_chosen(small):
    """Whatever the order of visits, the same people; all alike in the long run, and all advertisements too."""
    ad = make_plan(advertising(small)).ads[0]
    person = np.arange(500, dtype=np.int32)
    mixed = person[np.argsort(person * 7919 % 500)]
    often, of_ad = np.zeros(500, int), np.zeros(ad.advertisements, int)
    for step in range(200):
        place, which = choose_people(Key(5, 0), ad, 77, person, 100, step)
        other, same_ads = choose_people(Key(5, 0), ad, 77, mixed, 100, step)
        assert np.array_equal(person[place], mixed[other]) and np.array_equal(which, same_ads)
        fewer, _ = choose_people(Key(5, 0), ad, 77, person, 40, step)
        assert np.array_equal(fewer, place[:40]) and len(set(place.tolist())) == 100
        often[place] += 1
        of_ad += np.bincount(which, minlength=ad.advertisements)
    assert often.mean() == 40 and often.std() == pytest.approx((200 * 0.2 * 0.8) ** 0.5, rel=0.15)
    assert of_ad == pytest.approx(500, rel=0.2)


def test_attribution_knows_them(small):
    """The only tactic has the whole shift and all of the money."""
    scenario = advertising(small, budget_eur=1500)
    assert tactics_of(scenario, scenario.campaigns[0]) == ["ad"] == players_of(scenario, "tactic")
    bots = BotNetwork.model_validate({
        "id": "b", "beneficiary": "eva", "start": -3, "accounts": 10, "actions_per_day": 1, "posts_per_day": 1,
        "camouflage_share": 0.5, "tactics": {"like": 1, "comment": 0, "share": 0, "follow": 0},
    })  # fmt: skip
    assert tactics_of(scenario, bots) == ["like", "camouflage", "post"]
    few = bots.model_copy(update={"posts_per_day": assumed(0.0), "camouflage_share": assumed(0.0)})
    assert tactics_of(scenario, few) == ["like"]
    found = attribute(scenario, by="tactic", replicates=2, workers=1, store=False).summary
    assert [part["name"] for part in found["parts"]] == ["ad"]
    assert found["parts"][0]["shift_pp"] == found["total"]["shift_pp"] > 1
    assert 0.95 * 1500 < found["parts"][0]["spend_eur"] == found["total"]["spend_eur"] <= 1500
    summary = run(scenario, replicates=2, workers=1, store=False, robustness=False).summary
    assert summary["inauthentic_actions"] == {}  # an impression is no action
    assert summary["spend_eur"]["ads"] == pytest.approx(found["total"]["spend_eur"])


def test_the_check_counts_what_acts_and_the_pools_that_there_are():
    path = ROOT / "configs" / "small.yaml"

    def rows(*sets):
        return {row["name"]: row for row in accounting(load(path, list(sets)))}

    actions = "network: simulated actions"
    one, eight = rows(), rows("dose=4", "campaigns.network.dose=2")
    assert eight[actions]["value"] == pytest.approx(8 * one[actions]["value"]) and rows("dose=0")[actions]["value"] == 0
    pools = {
        "first-pool quota, views per item",
        "items opened to all, per day",
        "capacity of the stages, views per day",
    }
    assert pools <= set(one)
    items = load(path).content.items_per_day
    for ungated in ("platform.gates.mode='off'", "platform.policy=random"):
        assert rows(ungated)["items opened to all, per day"]["value"] == items
        assert rows(ungated)["capacity of the stages, views per day"]["verdict"] == "pass"
    assert not pools & set(rows("platform.policy=chrono_following"))


def test_the_check_says_how_much_is_sold(small):
    rows = {row["name"]: row for row in accounting(advertising(small, budget_eur=30_000))}
    activity = small.activity
    places = 500 * activity.visits_per_day.value * 4 * (1 - activity.search_share.value - activity.external_share.value)
    assert rows["ads: share of visits with one"]["value"] == pytest.approx(24_390 / places) and places < 24_390
    assert "unspent" in rows["ads: share of visits with one"]["note"]
    assert rows["ads: simulated impressions"]["value"] == 24_390


def test_the_smallest_audience_is_served_first(small):
    """Others can still be shown to people whom it cannot reach, and names decide nothing."""
    for wide, narrow in (("a", "b"), ("b", "a")):
        campaigns = [campaign(id=wide), campaign(id=narrow, regions=["south"])]
        world = world_of(with_campaigns(small, campaigns), "factual", 0)
        order = [world.plan.campaigns[world.plan.ads[n].campaign].id for n in world.advertising.acting]
        assert order == [narrow, wide]
