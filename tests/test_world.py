"""What must hold whatever the answer: zero dose, exchange, order, threads, barrier, accounting, golden counters."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import changed, frames_of, window_shares, world_of

from recsim.agents import followers
from recsim.audit import controls
from recsim.errors import InputError
from recsim.scenario import realise
from recsim.scenario.quantity import assumed
from recsim.state import ACTIONS, TRENDING
from recsim.world.arms import COUNTERFACTUAL, FACTUAL
from recsim.world.hours import hour_factors
from recsim.world.plan import make_plan
from recsim.world.response_plan import leaving_chance, visiting_rate

GOLDEN = Path(__file__).parent / "golden" / "small.json"
POLICIES = ("tiktok_value", "dsa38_regional", "chrono_following", "popular_decayed", "random")


def with_policy(scenario, name):
    return changed(scenario, platform={"policy": name, "parameters": {}})


@pytest.mark.parametrize("policy", POLICIES)
def test_zero_dose_is_bitwise_zero(small, policy):
    ok, note = controls.zero_dose(with_policy(small, policy))
    assert ok, note


def test_a_dose_does_something(small):
    strong = changed(small, dose=assumed(20.0))
    frames = frames_of(strong)
    assert window_shares(frames, "factual")["eva"] > window_shares(frames, "counterfactual")["eva"] + 0.02
    e = frames["engagement"]
    assert e[(e.origin == "inauthentic") & (e.arm.astype(str) == "counterfactual")]["count"].sum() == 0


def test_doses_are_nested(small):
    """A larger dose's counterfactual is the same world: only what acts differs."""
    one, two = frames_of(small), frames_of(changed(small, dose=assumed(2.0)))
    keep = {n: f[f["arm"].astype(str) != "factual"] for n, f in one.items()}
    other = {n: f[f["arm"].astype(str) != "factual"] for n, f in two.items()}
    assert controls.same(keep, other)
    sums = [f["campaigns"]["attempted"].sum() for f in (one, two)]
    assert sums[0] < sums[1]


@pytest.mark.parametrize("control", ["exchanged", "reordered", "threads"])
def test_controls(small, control):
    ok, note = getattr(controls, control)(small)
    assert ok, note


def test_controls_notice_a_difference(small):
    """The comparison behind the controls is not blind: another seed is another world."""
    a = frames_of(small)
    b = frames_of(changed(small, run={"seed": 8}))
    assert not controls.same(a, b)
    assert controls.same(a, a)


def test_romania_controls(romania):
    tiny = controls.small_copy(romania)
    for control in (controls.zero_dose, controls.exchanged):
        ok, note = control(tiny)
        assert ok, note


def test_latent_traits_are_never_seen(small):
    """Permuting the truth leaves scores and pools of the current step unchanged: they are made of what is observed."""
    world = world_of(small, steps=20)
    start, end = world.window
    feed, state = world.feed, world.state

    def scores():
        world.people.visit()
        feed.item_terms(world.now, start, end)
        feed.stale = True
        feed.retrieve(world.now, start, end)
        n = min(64, world.people.visiting)
        key0, key1 = world.key.words
        world.plan.compiled.score_block(
            0, n, feed.visits.person, feed.visits.stratum, state.observed.estimate, feed.pool_topic, feed.pool_rows,
            feed.pools.key, feed.pools.size, state.observed.inbox, state.items.topic, feed.rows, state.items.key,
            np.int64(start), state.cells.language, state.cells.region, feed.constants, world.plan.parameters, key0,
            key1, np.uint64(world.now), np.uint64(0), feed.scores[0],
        )  # fmt: skip
        return feed.scores[0][:n].copy(), feed.pools.item.copy()

    before = scores()
    order = np.random.default_rng(0).permutation(world.plan.people)
    for name in ("taste", "position", "politics", "susceptibility", "bias"):
        array = getattr(state.latent, name)
        array[:] = array[order]
    state.items.quality[:] = state.items.quality[::-1].copy()
    state.items.emotion[:] = 0
    after = scores()
    assert np.array_equal(before[0], after[0]) and np.array_equal(before[1], after[1])


def test_accounting_identities(small):
    frames = frames_of(small)
    keys = ["arm", "branch", "day", "candidate"]
    exposure = frames["exposure"].astype({"arm": str, "candidate": str}).groupby(keys)["impressions"].sum()
    provenance = frames["provenance"].astype({"arm": str, "candidate": str}).groupby(keys)["impressions"].sum()
    assert exposure[exposure > 0].equals(provenance)
    e = frames["engagement"].astype({"arm": str, "candidate": str, "action": str})
    human = e[(e.origin == "human") & (e.action == "view") & (e.candidate != "none")].groupby(keys)["count"].sum()
    assert exposure[exposure > 0].equals(human.rename("impressions"))
    views = e[(e.origin == "human")].pivot_table(index=keys, columns="action", values="count", aggfunc="sum").fillna(0)
    for action in ACTIONS[1:9]:
        if action in views:
            assert (views[action] <= views["view"]).all(), action


def test_campaign_flows_add_up(small):
    c = frames_of(changed(small, moderation={"prevented_share": assumed(0.5)}))["campaigns"]
    assert (c.attempted == c.prevented + c.counted).all()
    likes, comments = (c[c.tactic == t] for t in ("like", "comment"))
    assert 0 < likes.prevented.sum() < likes.attempted.sum() and comments.prevented.sum() == 0


def test_memory_never_repeats_an_item(small):
    world = world_of(small, steps=60)
    assert world.state.counters.human[:, 0].max() <= world.plan.people


def test_feed_that_follows_only(small):
    frames = frames_of(with_policy(small, "chrono_following"))
    sources = set(frames["provenance"]["source"].astype(str))
    assert sources <= {"inbox", "search", "external"} and "inbox" in sources


@pytest.mark.parametrize("policy", POLICIES)
def test_people_search_under_every_policy(small, policy):
    """Visits that begin with a search or a link find something, whether the policy retrieves a pool or not."""
    activity = {"search_share": assumed(0.3), "external_share": assumed(0.2)}
    world = world_of(changed(with_policy(small, policy), activity=activity), steps=30)
    p = world.record.provenance().astype({"source": str})
    found = p[p["source"].isin(["search", "external"])].groupby("source")["impressions"].sum()
    assert found["search"] > found["external"] > 0
    assert found.sum() > 0.1 * world.state.counters.human[:, 0].sum()


def test_clocks_between_two_hours(small):
    """Half an hour off is the mean of both hours; every clock has a whole week."""
    factors = {}
    for offset in (0.0, 1.0, 0.5, -1.0, -2.0, -1.25):
        scenario = changed(small, population={"utc_offset_h": {"north": offset}})
        factors[offset] = hour_factors(make_plan(realise(scenario, 7, 0)))
    north = {offset: table[:, 0] for offset, table in factors.items()}
    assert north[0.5] == pytest.approx((north[0.0] + north[1.0]) / 2, rel=1e-6)
    assert north[-1.25] == pytest.approx(0.75 * north[-1.0] + 0.25 * north[-2.0], rel=1e-6)
    assert not np.allclose(north[0.0], north[1.0])
    assert all(table.sum(axis=0) == pytest.approx(7, rel=1e-5) for table in factors.values())
    assert all(np.array_equal(table[:, 1], factors[0.0][:, 1]) for table in factors.values())


def test_languages_and_regions_shape_the_regional_feed(small):
    world = world_of(with_policy(small, "dsa38_regional"), steps=30)
    pools, items = world.feed.pools, world.state.items
    for s in range(len(world.feed.strata.language)):
        region = world.feed.strata.region[s]
        local = pools.source[s, : pools.size[s]] == 3
        inside = items.labels.region[pools.item[s, : pools.size[s]]]
        assert (inside[local] == region).all() and local.any()


def test_equal_candidates_have_equal_shares(small):
    """Two candidates with identical blocks and different keys are alike on average."""
    one = small.candidates[0]
    twins = [one.model_copy(update={"id": n, "key": n, "standing": assumed(0.5)}) for n in ("one", "two")]
    scenario = changed(small, candidates=twins, campaigns=[])
    from recsim.scenario import realise
    from recsim.world.pair import simulate_replicate

    differences = []
    for replicate in range(16):
        e = simulate_replicate(realise(scenario, 3, replicate), replicate).frames["exposure"]
        sums = e.groupby(e["candidate"].astype(str))["impressions"].sum()
        differences.append((sums["one"] - sums["two"]) / sums.sum())
    from scipy.stats import ttest_1samp

    assert ttest_1samp(differences, 0).pvalue > 0.01


def test_influencers_and_volunteers(romania):
    """Posts of real actors are thinned to the resolution; the counterfactual has ordinary posts in their place."""
    from recsim.rng import Key
    from recsim.world.build import build_state

    plan = make_plan(changed(romania, content={"real_items_per_day": assumed(4000.0), "items_per_day": 4000}))
    state = build_state(plan, Key(1, 0))
    labels, other = state.items.labels, state.replaced.labels
    paid = labels.kind == 4
    assert 80 <= paid.sum() <= 150 and (labels.candidate[paid] >= 0).all() and (other.candidate[paid] == -1).all()
    volunteer = labels.kind == 5
    assert volunteer.sum() > 1000 and np.array_equal(labels.candidate[volunteer], other.candidate[volunteer])
    rest = ~paid
    assert np.array_equal(labels.candidate[rest], other.candidate[rest])
    assert np.array_equal(state.items.topic[rest], state.replaced.topic[rest])
    assert (np.diff(state.items.created) >= 0).all() and len(np.unique(state.items.id)) == len(state.items.id)
    none = make_plan(changed(romania, dose=assumed(0.0)))
    empty = build_state(none, Key(1, 0))
    assert np.array_equal(empty.items.labels.candidate, empty.replaced.labels.candidate)


@pytest.mark.parametrize(("mean", "slate"), [(5, 20), (24, 50), (49, 50)])
def test_leaving_chance(mean, slate):
    p = leaving_chance(mean, slate)
    assert sum((1 - p) ** k for k in range(slate)) == pytest.approx(mean, rel=1e-6)


def test_visiting_rate_makes_up_for_merged_visits():
    share = np.full(6, 1 / 6)
    rate = visiting_rate(3.0, 0.0, share)
    assert 6 * (1 - np.exp(-rate / 6)) == pytest.approx(3.0, rel=1e-3) and rate > 3
    for mean in (6.0, 7.0):
        with pytest.raises(InputError, match=f"got {mean:g} visits a day, more than 6 steps"):
            visiting_rate(mean, 0.5, share)
    with pytest.raises(InputError, match="more than 5 steps"):
        visiting_rate(5.0, 0.6, np.array([0, 0.2, 0.2, 0.2, 0.2, 0.2]))


def test_visits_match_the_scenario(small):
    frames = frames_of(changed(small, campaigns=[]))
    f = frames["facts"]
    facts = f[f["arm"].astype(str) == "shared"].set_index("name")["value"]
    assert facts["visits_per_day"] == pytest.approx(3, rel=0.06)


def test_what_a_feed_gives_people(small):
    """Facts of an arm from what its people did, item by item, since it began; not since the run began."""
    from recsim.world.facts import people_facts

    before = world_of(small, steps=24)
    plan, state = before.plan, before.state
    world = type(before)(plan, state.fork(), before.key, FACTUAL, step=24)
    items, start = world.state.items, [world.state.counters.human.copy()]
    views, seconds, exactly, respond = np.zeros(len(items.id)), 0.0, 0.0, world.people.respond

    def watch(first, last):
        nonlocal seconds, exactly
        events = world.feed.tally.items.sum(axis=0)
        length = np.floor(items.length[first:last] * np.float32(16) + np.float32(0.5)) / 16  # to the nearest 1/16 s
        seconds += float((events[: last - first, 9] / 1024 * length.astype(float)).sum())
        exactly += float((events[: last - first, 9] / 1024 * items.length[first:last]).sum())
        views[first:last] += events[: last - first, 0]
        respond(first, last)

    world.people.respond = watch
    world.run_until(36)
    total = views.sum()
    facts = people_facts(world, total)
    assert total > 1000 and (start[0][:, 0].sum() > 0)
    assert facts["watch_s_per_view"] == pytest.approx(seconds / total, rel=1e-9)
    assert facts["watch_s_per_person_day"] == pytest.approx(seconds / plan.people / 2, rel=1e-9)
    assert seconds == pytest.approx(exactly, rel=5e-4) and seconds != exactly
    by_topic = np.array([views[items.primary == d].sum() for d in range(plan.scenario.content.topics)])
    assert facts["effective_topics"] == pytest.approx(total**2 / (by_topic**2).sum())
    live = slice(int(state.born[25 - plan.lifetime]), int(state.born[36]))
    assert views[: live.start].sum() == 0 == views[live.stop :].sum()
    followers = np.diff(state.accounts.start)
    posting = np.unique(items.author[live])
    small_ones = [a for a in posting if followers[a] <= np.median(followers[posting])]
    assert facts["small_creator_share"] == pytest.approx(views[np.isin(items.author, small_ones)].sum() / total)
    present = np.flatnonzero(items.labels.present[live]) + live.start
    top = present[np.argsort(-items.emotion[present])][: round(len(present) / 10)]
    assert facts["emotional_share"] == pytest.approx(views[top].sum() / total)
    assert 1 < facts["effective_topics_visit"] < 2 * plan.scenario.content.topics
    assert -2 < facts["utility_per_view"] < 2


def test_reach_counts_whom_an_arm_has_shown_something(small):
    """By region and candidate, from impressions person by person; of what came before the arm began nothing is in it."""
    from recsim.world.pair import _reach_frame

    before = world_of(changed(small, opinion={"enabled": True}), steps=42)
    plan, state, regions = before.plan, before.state, before.state.cells.region
    met = {}
    assert before.feed.tally.reached.any()
    for arm in (FACTUAL, COUNTERFACTUAL):
        world = type(before)(plan, state.fork(), before.key, arm, step=42)
        assert not world.feed.tally.reached.any() and not world.feed.tally.met.any()
        world.run_until(48)
        shown = world.feed.tally.impressions.sum(axis=2) > 0
        frame = _reach_frame(world)
        for row in frame.itertuples():
            inside = regions == plan.regions.index(row.region)
            who = [c.id for c in plan.candidates].index(row.candidate)
            assert (row.people_reached, row.people) == (shown[inside, who].sum(), inside.sum())
        assert len(frame) == len(plan.regions) * len(plan.candidates) and 0 < shown.mean() < 1
        e = world.record.exposure()
        assert world.feed.tally.met.sum() == e["impressions"].sum() == world.feed.tally.impressions.sum()
        met[arm.name] = world.feed.tally.met.copy()
    assert not np.array_equal(met["factual"], met["counterfactual"])


def test_every_candidate_starts_with_the_followers_that_are_stated(small):
    """However many, and though half of them are among the candidate's own supporters, who are drawn again and again."""
    stated = {"ada": 400_000, "ben": 120_000, "eva": 60_000}
    candidates = [c.model_copy(update={"followers": assumed(stated[c.id])}) for c in small.candidates]
    scenario = small.model_copy(update={"candidates": candidates})
    accounts = world_of(scenario, steps=0).state.accounts
    order = [c.id for c in sorted(candidates, key=lambda c: c.key)]
    assert [accounts.audience[number] for number in accounts.official] == [stated[name] / 1000 for name in order]
    for number in accounts.official:
        own = accounts.person[accounts.start[number] : accounts.start[number + 1]]
        assert (np.diff(own) > 0).all() and own.max() < 500


def test_different_people_are_the_first_of_a_sequence(monkeypatch):
    """In blocks of any size: the same ones."""
    sequence = np.random.default_rng(1).integers(0, 50, 5000).astype(np.int32)
    first = np.sort(np.array(list(dict.fromkeys(sequence.tolist()))[:40]))
    for block in (1, 7, 1000):
        monkeypatch.setattr(followers, "BLOCK", block)
        found = followers._different(lambda start, size: sequence[start : start + size], 40, 50)
        np.testing.assert_array_equal(found, first)


def test_golden_counters(small, request):
    """Integer counters of one small replicate; refreshed only on purpose."""
    frames = frames_of(small, replicate=1)
    e = frames["engagement"].astype(str).astype({"count": int})
    got = {
        "impressions": int(frames["exposure"]["impressions"].sum()),
        "comment_exposures": int(frames["exposure"]["comment_exposures"].sum()),
        "reached": int(frames["reach"]["people_reached"].sum()),
        "attempted": int(frames["campaigns"]["attempted"].sum()),
        **{f"{arm}.{action}": int(n) for (arm, action), n in e.groupby(["arm", "action"])["count"].sum().items()},
    }
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(got, indent=1) + "\n")
    assert got == json.loads(GOLDEN.read_text())


def test_items_may_outlive_the_run(small):
    assert world_of(changed(small, content={"lifetime_days": 15.0}), steps=1).window[0] == 0


@pytest.mark.parametrize("policy", ["popular_decayed", "dsa38_regional"])
def test_small_languages_have_full_lists(small, policy):
    """A region's trending items and draws are those of its language, however few people speak it."""
    segments = [
        *small.population.segments,
        small.population.segments[0].model_copy(update={"language": "bb", "adults": 40_000}),
    ]
    scenario = changed(small, population={"segments": segments}, platform={"policy": policy, "parameters": {}})
    scenario = changed(scenario, content={"language_shares": {"bb": assumed(0.1)}})
    world = world_of(scenario, steps=20)
    feed, quotas = world.feed, world.feed.quotas
    strange = np.flatnonzero(feed.strata.language == world.plan.languages.index("bb"))
    assert len(strange)
    for s in strange:
        item, source = feed.pools.item[s, : feed.pools.size[s]], feed.pools.source[s, : feed.pools.size[s]]
        assert (world.state.items.labels.language[item] == feed.strata.language[s]).all()
        here = feed.open_count[feed.strata.language[s]]
        assert (source == TRENDING).sum() >= min(quotas.trending, 0.5 * here - quotas.regional)
        assert len(item) >= min(0.9 * here, feed.pools.item.shape[1])
