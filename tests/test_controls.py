"""The controls of `recsim check` can fail: each is shown a fault of the kind that it is there for, and says so."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

import numpy as np
import pytest
from campaign_mixes import with_campaigns
from helpers import changed, frames_of, world_of
from test_acts import logged
from test_moderation import PERFECT, detector, moderated, team

from recsim.audit import controls
from recsim.scenario import realise
from recsim.scenario.campaigns import BotNetwork
from recsim.scenario.moderation import Actions, Notice
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.scenario.schema import HeadWeights
from recsim.scenario.tactics import TARGET_SHARES
from recsim.state import BOT, COMMENT, LIKE, REMOVED, SHARE
from recsim.world import feed, world
from recsim.world.arms import COUNTERFACTUAL, FACTUAL
from recsim.world.networks import RULES, find_targets, make_network
from recsim.world.pair import simulate_arms
from recsim.world.world import World

PLACEBO = dataclasses.replace(FACTUAL, placebo=True)


@pytest.fixture(scope="module")
def quick(small):
    """A third of the people, six days, and a campaign that is strong enough to change something."""
    start = small.days.vote - dt.timedelta(days=5)
    scale = small.population.scale / 3
    return changed(small, days={"start": start}, population={"scale": scale}, dose=assumed(10.0))


# ---- threads -----------------------------------------------------------------------------------------------------


def test_the_second_thread_works_in_an_hourly_world(quick):
    """In an hour there are some twenty visits: with blocks of 128 the second thread would never get one."""
    hourly = changed(quick, run={"step_hours": 1})
    ok, note = controls.threads(hourly)
    assert ok, note
    with controls.in_small_blocks() as shown:
        controls._simulate(hourly, threads=2)
    assert 0.3 < shown[1] / sum(shown.values()) < 0.7 and f"showed {shown[1]:,} of" in note
    assert (feed.BLOCK, feed.APART) == (128, 1 << 14) and feed.Feed.show_blocks.__name__ == "show_blocks"


def test_a_thread_that_does_not_do_its_work_is_noticed(quick, monkeypatch):
    show = feed.Feed.show_blocks

    def lazy(self, step, start, count, thread, first, last):
        if thread == 0 or step != 20:
            show(self, step, start, count, thread, first, last)

    monkeypatch.setattr(feed.Feed, "show_blocks", lazy)
    assert not controls.threads(quick)[0]


def test_work_that_is_never_divided_is_no_comparison(quick, monkeypatch):
    monkeypatch.setattr(controls, "BLOCK", 1 << 14)
    ok, note = controls.threads(quick)
    assert not ok and "nothing to do" in note


# ---- exchange ----------------------------------------------------------------------------------------------------

CAMPAIGN = {
    "id": "bots", "beneficiary": "eva", "start": -3, "accounts": 2000, "actions_per_day": 20, "tactics": {"like": 1},
}  # fmt: skip
UNDER = {
    "preset chrono": {"policy": "chrono"},
    "preset popular_decayed": {"policy": "popular_decayed"},
    "preset dsa38_regional": {"policy": "dsa38_regional"},
    "preset reddit_hot": {"policy": "reddit_hot"},
    "preset linucb": {"policy": "linucb"},
    "re-ranker": {"policy": "popular_decayed", "rerank": ["candidate_parity"]},
}
"""Platforms; the re-ranker that reads candidates beside a policy of which only the order means something."""


@pytest.mark.parametrize("block", UNDER)
def test_who_a_candidate_is_does_not_matter(quick, block):
    """The beneficiary trades places like everybody else, under each kind of policy."""
    scenario = changed(quick, platform={"parameters": {}, **UNDER[block]})
    ok, note = controls.exchanged(scenario)
    assert ok and "for eva" in note, note


@pytest.mark.parametrize("kind", ["logistic", "oracle"])
def test_nor_for_what_predicts(quick, kind):
    predictor = quick.platform.predictor.model_copy(update={"kind": kind})
    ok, note = controls.exchanged(changed(quick, platform={"predictor": predictor}))
    assert ok, note


@pytest.mark.parametrize("model", ["cascade", "fatigue"])
def test_nor_for_how_people_respond(quick, model):
    ok, note = controls.exchanged(changed(quick, response={"model": model}))
    assert ok, note


@pytest.mark.parametrize("mode", ["off", "hard"])
def test_nor_for_gates(quick, mode):
    gates = quick.platform.gates.model_copy(update={"mode": mode})
    ok, note = controls.exchanged(changed(quick, platform={"gates": gates}))
    assert ok, note


def test_ids_go_around_the_whole_ballot(small):
    """Nobody keeps an id, and everything that names a candidate follows."""
    ids = [c.id for c in small.candidates]
    swap = dict(zip(ids, [*ids[1:], ids[0]], strict=True))
    notice = Notice(id="n", day=-1, candidate="eva", target="items")
    other = controls.renamed(moderated(small, notices=[notice]), swap)
    assert all(a.id != b.id and a.key == b.key for a, b in zip(small.candidates, other.candidates, strict=True))
    assert other.campaigns[0].beneficiary == other.moderation.notices[0].candidate == "ada"


def test_a_beneficiary_left_behind_is_noticed(quick, monkeypatch):
    """With everything exchanged but whom the campaign is for, the numbers are others."""
    whole = controls.renamed

    def in_part(scenario, swap):
        return whole(scenario, swap).model_copy(update={"campaigns": scenario.campaigns})

    monkeypatch.setattr(controls, "renamed", in_part)
    assert not controls.exchanged(quick)[0]


def test_a_draw_that_hangs_on_the_beneficiary_is_noticed(quick, monkeypatch):
    """Accounts whose luck is that of the name of whom they work for."""

    def named(plan, campaign):
        made = make_network(plan, campaign)
        return dataclasses.replace(made, population=sum(map(ord, campaign.beneficiary)))

    monkeypatch.setattr(world, "make_network", named)
    assert not controls.exchanged(quick)[0]


# ---- order of lists ----------------------------------------------------------------------------------------------


def found_by(kind, name, reviewed, **parameters):
    return detector(kind, reviewed, **parameters).model_copy(update={"id": name})


@pytest.fixture(scope="module")
def listed(quick):
    """Something in every list: detectors that find the same accounts, notices about the same network, and so on."""
    detectors = [
        found_by("noise", "at_once", False, recall=0.5, false_positive_rate=0.1),
        found_by("account_rate", "young", True, rate=0, age=3650),
        found_by("noise", "doubtful", True, recall=1.0, false_positive_rate=0.05),
    ]
    notices = [
        Notice(id=name, day=day, campaign="network", share=assumed(0.5), compliance=assumed(0.6), lag_h=assumed(8))
        for name, day in (("first", -2), ("second", -2), ("third", -1))
    ]
    measures = [
        MitigationUse(kind=kind, parameters={})
        for kind in ("trust_weight", "new_account_discount", "winsor_users", "political_downrank", "cooldown")
    ]
    shadows = [HeadWeights(id=f"w{k}", parameters={"w_share": float(k)}) for k in range(3)]
    scenario = moderated(
        quick, detectors=detectors, notices=notices, reviewers=team(), actions=Actions(rollback="roll_back")
    )
    second = BotNetwork.model_validate({**CAMPAIGN, "beneficiary": "ada", "posts": [
        {"id": "a", "about": "own", "share": 0.5}, {"id": "b", "about": "rivals", "stance": "critical", "share": 0.5},
    ], "posts_per_day": 1})  # fmt: skip
    scenario = with_campaigns(scenario, [*scenario.campaigns, second])
    return changed(scenario, platform={"mitigations": measures}, audit={"shadows": shadows, "shadow_places": 5})


def test_the_order_of_no_list_matters(listed):
    ok, note = controls.reordered(listed)
    assert note == f"reversed: {', '.join(controls.LISTS)}, kinds of posts"
    assert ok, note


@pytest.mark.parametrize("name", ["notices", "mitigations", "shadows"])
def test_the_order_of_one_list_alone(listed, name, monkeypatch):
    """What is beside detectors."""
    monkeypatch.setattr(controls, "LISTS", {name: controls.LISTS[name]})
    scenario = moderated(listed, detectors=listed.moderation.detectors[1:2])
    ok, note = controls.reordered(scenario)
    assert ok and note == f"reversed: {name}, kinds of posts", note


@pytest.mark.parametrize("second", ["account_rate", "noise"])
def test_the_order_of_two_detectors(quick, second):
    """One acts at once, one asks reviewers, and both find the same accounts in the same step."""
    values = {"rate": 0, "age": 3650} if second == "account_rate" else PERFECT
    both = [found_by("noise", "at_once", False, **PERFECT), found_by(second, "asked", True, **values)]
    scenario = moderated(quick, detectors=both, reviewers=team(sensitivity=assumed(0.5)))
    assert frames_of(scenario)["detections"]["flagged"].sum() > 0
    ok, note = controls.reordered(scenario)
    assert ok, note


def test_a_list_whose_order_decides_is_noticed(quick, monkeypatch):
    """Luck by place in the list instead of by key."""
    plain = make_network

    def by_place(plan, campaign):
        return dataclasses.replace(
            plain(plan, campaign), population=[c.id for c in plan.scenario.campaigns].index(campaign.id)
        )

    monkeypatch.setattr(world, "make_network", by_place)
    other = BotNetwork.model_validate({**CAMPAIGN, "beneficiary": "ben"})
    assert not controls.reordered(with_campaigns(quick, [*quick.campaigns, other]))[0]


# ---- placebo -----------------------------------------------------------------------------------------------------


def started(scenario, arm, steps=4):
    """A world with its campaign, some steps after it began."""
    before = world_of(scenario, steps=0)
    made = World(before.plan, before.state, before.key, arm)
    made.run_until(made.networks[0].network.first_step + steps)
    return made


def spread(one):
    """Items that a placebo of the world's network may hit, and people's likes of each: from the definition."""
    state, network = one.state, one.networks[0].network
    start, end = one.window
    first = max(start, int(state.born[max(0, one.now - network.max_age)]))
    there = [
        i
        for i in range(first, end)
        if state.items.labels.present[i] and not state.status[i] & REMOVED and state.counters.human[i, 1] > 0
    ]
    return np.array(there), state.counters.human[there, 1].astype(int)


def test_a_placebo_aims_at_what_people_like(quick):
    """Every rule of every tactic draws from all content, each item by people's likes of it and by nothing else."""
    one = started(quick, PLACEBO)
    start, end = one.window
    there, likes = spread(one)
    one.state.status[there[::5]] |= REMOVED
    there, likes = spread(one)
    found = find_targets(one.plan, one.state, one.networks[0].network, one.now, start, end, True)
    assert len(there) > 30 and len(set(likes.tolist())) > 3
    for low, high in itertools.pairwise(found.start[: len(RULES) + 1]):
        assert np.array_equal(found.item[low:high], there)
        assert np.array_equal(np.diff(found.edge[low:high], prepend=0), likes)
    low, high = found.start[len(RULES) : len(RULES) + 2]  # searches: of anybody, the beneficiary too, by standing
    assert found.item[low:high].tolist() == list(range(len(one.plan.candidates)))
    about = one.state.items.labels.candidate[there]
    assert (about < 0).any() and len(set(about[about >= 0].tolist())) > 1


@pytest.fixture(scope="module")
def loud(quick):
    """A campaign that likes, comments, shares and posts."""
    fields = {"accounts": 20_000, "tactics": {"like": 0.5, "comment": 0.3, "share": 0.2}, "posts_per_day": 0.2}
    fields["comment_targets"] = {rule: float(rule == "popular") for rule in TARGET_SHARES}
    return with_campaigns(changed(quick, dose=assumed(1.0)), [BotNetwork.model_validate({**CAMPAIGN, **fields})])


def test_a_placebo_in_a_world(loud):
    """Its acts fall on the beneficiary as people's likes do; nobody posts, and no comment names anybody."""
    one = started(loud, PLACEBO, steps=0)
    eva = [c.id for c in one.plan.candidates].index("eva")
    labels = one.state.items.labels
    expected = variance = acts = hits = 0.0
    seen = len(logged(one.networks[0].roster))
    while one.now < one.plan.steps:
        one.step()
        one.now -= 1  # accounts act on what the step's people have liked
        there, likes = spread(one)
        one.now += 1
        rows = logged(one.networks[0].roster)
        seen, rows = len(rows), rows[seen:]
        rows = rows[np.isin(rows[:, 2], (LIKE, COMMENT, SHARE))]
        share = likes[labels.candidate[there] == eva].sum() / max(1, likes.sum())
        acts, hits = acts + len(rows), hits + (labels.candidate[rows[:, 1]] == eva).sum()
        expected, variance = expected + share * len(rows), variance + share * (1 - share) * len(rows)
    assert acts > 300 and expected > 5
    assert abs(hits - expected) < 4 * np.sqrt(variance)
    real = started(loud, FACTUAL, steps=12)
    for made, posts in ((one, False), (real, True)):
        found = made.state.items.labels
        assert (found.kind[found.present] == BOT).any() == posts
        # People's comments name whom the item is about.
        named, about = made.state.counters.top_comment, found.candidate[:, None]
        strange = (named >= 0) & (named != about)
        assert strange.any() == posts and set(named[strange].tolist()) <= {eva}


def test_a_placebo_shows_no_posts(loud):
    frames = simulate_arms(realise(loud, loud.run.seed, 0), 0, [PLACEBO, COUNTERFACTUAL]).frames
    p = frames["provenance"].astype({"kind": str, "arm": str})
    assert not (p["kind"] == "bot").any() and (p["arm"] == "factual").any()
    acts = frames["campaigns"].astype({"arm": str})
    assert acts[acts["arm"] == "factual"]["counted"].sum() > 100


def test_a_placebo_that_is_the_attack_is_noticed(small, monkeypatch):
    """The power of the control: a bound of 2 points lets the placebo of a strong campaign pass, and not the campaign itself."""
    strong = changed(small, dose=assumed(60.0), audit={"placebo_bound_pp": assumed(2.0)})
    ok, note = controls.placebo(strong, replicates=4)
    assert ok, note
    simulate = controls._simulate
    monkeypatch.setattr(controls, "_simulate", lambda scenario, replicate, placebo: simulate(scenario, replicate))
    ok, note = controls.placebo(strong, replicates=4)
    assert not ok, note


def test_the_control_says_what_it_can_see(small, monkeypatch):
    """Half the width of its interval below the bound an error is seen every second time."""
    shifts = iter([-1.0, 0.0, 1.0, -1.0, 0.0, 1.0])
    monkeypatch.setattr(controls, "_simulate", lambda *_, **__: {"exposure": None})
    monkeypatch.setattr(
        controls, "Counts", lambda *_: type("Given", (), {"shift_pp": np.full((1, 3), next(shifts))})
    )  # fmt: skip
    ok, note = controls.placebo(small)
    half = 2.015 * np.sqrt(0.8) / np.sqrt(6)  # Student's t with 5 degrees of freedom
    assert ok and f"an error of {5 - half:.1f} pp is seen every second time, one of 5 pp 19 times in 20" in note
