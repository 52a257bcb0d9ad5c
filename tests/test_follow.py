"""Follow-graph worlds: the step against its plain twin, graphs and laws, invariances, bad input, commands."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from reference_follow import TwinWorld, grown
from scipy import stats

import recsim
from recsim.agents.follow_graph import Edges, growth_edges, people_edges, random_edges, rewired
from recsim.agents.infiltration import draw_attributes, infiltrate, powers, target_weights
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment.follow import FollowResult, estimate, follow_fingerprint, run_follow
from recsim.kernels import growth
from recsim.kernels.beta import beta_quantiles
from recsim.kernels.follow_feed import choose_slots
from recsim.ranking.presets import FEED_PRESETS
from recsim.ranking.registry import configured, for_feeds
from recsim.report.follow import follow_lines, write_follow
from recsim.rng import Key, normals
from recsim.scenario import dump_yaml, load, load_follow, realise
from recsim.scenario.follow import MOST_RATE, mean_rate
from recsim.world.follow_pair import simulate_follow
from recsim.world.follow_plan import draw_people, make_follow_plan
from recsim.world.follow_world import FollowWorld

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "configs" / "simsom-lognormal.yaml"
TINY = ["follow_graph.people=120", "follow_graph.mean_degree=9", "feeds.slots=5", "steps.count=8", "steps.averaged=4",
        "campaigns.bots.infiltration=0.1", "run.replicates=2"]  # fmt: skip
ILLEGAL = [
    "posts.illegal=true",
    "posts.other_a=5",
    "posts.other_b=20",
    "activity.law=pareto",
    "moderation.half_life_steps=2",
]


def tiny(*overrides):
    return load_follow(CONFIG, [*TINY, *overrides])


def world_of(scenario, acting=None, replicate=0, threads=1, steps=0, moderated=True):
    plan, key = make_follow_plan(scenario), Key(scenario.run.seed, replicate)
    drawn = draw_people(plan, key)
    acting = range(len(plan.campaigns)) if acting is None else acting
    world = FollowWorld(plan, drawn, key, "factual", list(acting), moderated, threads)
    for _ in range(steps):
        world.step()
    return world


def feeds_of(world):
    """What lies in every feed, as lists of (post, shares, age)."""
    s = world.slots
    return [
        [(int(s.post[a, k]), int(s.shares[a, k]), int(s.age[a, k])) for k in range(s.held[a])]
        for a in range(world.size)
    ]


# ---- the step ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        [], ["feeds.ageing=advance", "follow_graph.kind=random"], ["feeds.age_of_reshared=reset", "follow_graph.kind=growth"],
        ["feeds.share_counters=global", "campaigns.bots.flooding=7"], ["feeds.turns=3", "campaigns.bots.deception=0.5"],
        ILLEGAL, ["activity.law=pareto", "activity.lowest=0.7", "feeds.turns=2", "feeds.age_of_reshared=reset"],
        ["follow_graph.mean_degree=1.5", "feeds.slots=15"],
    ],
    ids=["as published", "advance", "reset", "global", "turns", "takedown", "pareto", "sparse"],
)  # fmt: skip
def test_the_step_is_that_of_the_description(overrides):
    scenario = tiny(*overrides)
    world = world_of(scenario)
    twin = TwinWorld(world.plan, world.drawn, world.key, [0])
    for _ in range(8):
        world.step()
        twin.step()
        assert feeds_of(world) == [[tuple(slot) for slot in feed] for feed in twin.feeds]
    p = world.posts
    assert p.used == len(twin.posts)
    assert p.appeal[: p.used].tolist() == [float(post[1]) for post in twin.posts]
    assert ((p.group[: p.used] == 2) == [post[2] for post in twin.posts]).all()
    assert any(slot[1] > 1 for feed in twin.feeds for slot in feed) and any(post[0] >= 120 for post in twin.posts)


def test_tables_count_what_lies_in_feeds():
    world = world_of(tiny(*ILLEGAL), steps=8)
    tables, group = world.record.tables(), world.posts.group
    held = [post for feed in feeds_of(world)[:120] for post, _, _ in feed]
    last = tables["exposure"][tables["exposure"]["step"] == 7].set_index("origin")["slots"]
    for number, name in enumerate(("people", "bots", "illegal")):
        assert last[name] == sum(group[post] == number for post in held) > 0
    row = tables["steps"].iloc[-1]
    assert row["slots"] == len(held) and row["posts_held"] == len(set(held))
    assert row["inauthentic_share"] == pytest.approx(last["bots"] / len(held))
    often = np.array([held.count(post) for post in set(held)]) / len(held)
    assert row["diversity_nats"] == pytest.approx(-(often * np.log(often)).sum(), rel=1e-5)
    assert tables["steps"]["deliveries"].sum() == world.record.deliveries


def test_everybody_sees_her_whole_feed_each_step():
    tables = world_of(tiny(), steps=6).record.tables()
    by_step = tables["exposure"].groupby("step")[["slots", "impressions"]].sum()
    assert by_step["impressions"].iloc[0] == 0
    assert (by_step["impressions"].to_numpy()[1:] == by_step["slots"].to_numpy()[:-1]).all()


def test_reach_and_reshares_of_illegal_posts():
    world = world_of(tiny(*ILLEGAL), steps=8)
    row = world.record.tables()["illegal"].iloc[0]
    assert 0 < row["reach"] <= row["impressions"] and 0 < row["unique_reshares"] <= row["reshares"]
    seen = np.concatenate(world.record.viewed)
    assert (world.posts.group[seen & 0xFFFFFFFF] == 2).all() and (seen >> 32).max() < 120


def test_choosing_a_slot():
    post = np.array([[7, 8, 9, -1], [7, 8, 9, -1], [7, 8, 9, -1], [-1] * 4], np.int32)
    score = np.array([1, 0, 3, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
    chosen = np.empty(4, np.int32)
    choose_slots(post, score, np.array([0.2, 0.3, 0.5, 0.5], np.float32), True, chosen)
    assert chosen.tolist() == [7, 9, 8, -1]  # nothing has a weight in the third: drawn evenly
    choose_slots(post, score, np.zeros(4, np.float32), False, chosen)
    assert chosen.tolist() == [9, 9, 7, -1]


@pytest.mark.parametrize("lost", [np.nan, -np.inf])
def test_a_slot_without_a_score_is_left_out(lost):
    post = np.array([[7, 8, 9, -1]] * 4, np.int32)
    score = np.array([lost, 1, 3, 0, lost, 0, 0, 0, 0, 0, lost, 0, lost, lost, lost, 0], np.float32)
    chosen = np.empty(4, np.int32)
    choose_slots(post, score, np.array([0.2, 0.4, 0.9, 0.5], np.float32), True, chosen)
    assert chosen.tolist() == [8, 8, 8, -1]
    choose_slots(post, score, np.zeros(4, np.float32), False, chosen)
    assert chosen.tolist() == [9, 8, 7, -1]


@recsim.policy(meta={"doors": ("E3",)})
def seasoned(f, p):
    """Only what has been there for a step; nothing new."""
    return f.slot_shares if f.slot_age > 0 else -math.inf


@recsim.policy(never=-1.0, meta={"doors": ("E3",)})
def lost(f, p):
    """No number, whatever it is."""
    return math.sqrt(p.never - f.slot_age)


@pytest.mark.parametrize("policy, extra", [(seasoned, []), (seasoned, ["feeds.share_counters=global"]), (lost, [])])
def test_who_is_left_with_nothing_passes_nothing_on(policy, extra, monkeypatch):
    """Feeds of which every slot is left out: no action, and no post that nobody wrote."""
    monkeypatch.setitem(FEED_PRESETS, policy.name, policy)
    scenario = tiny(f"platform.policy={policy.name}", "activity.post_chance=0.3", *extra)
    world = world_of(scenario)
    for _ in range(6):
        world.step()
        posts = [post for feed in feeds_of(world) for post, _, _ in feed]
        assert all(0 <= post < world.posts.used for post in posts)
    steps, p = world.record.tables()["steps"], world.posts
    assert steps["posts"].sum() == p.used and steps["deliveries"].sum() == world.record.deliveries > 0
    assert (p.copies[: p.used] > 0).all() and (p.copies[p.used :] == 0).all() and (p.local_of == -1).all()
    passed_on = steps["actions"].sum() - p.used
    assert (passed_on == 0) == (policy is lost)
    if policy is lost:
        assert (p.copies[: p.used] == 1).all()  # all that was ever emitted is what its author wrote
    frames = simulate_follow(scenario, 0).frames
    assert set(frames["steps"]["arm"]) == {"factual", "counterfactual"}


# ---- invariances -------------------------------------------------------------------------------------------------


def test_threads_change_nothing():
    one, many = world_of(tiny(), steps=6), world_of(tiny(), steps=6, threads=3)
    assert feeds_of(one) == feeds_of(many) and one.record.deliveries == many.record.deliveries


def two_networks(*overrides):
    second = {"id": "second", "type": "bot_network", "infiltration": 0.05, "flooding": 3}
    first = {"id": "bots", "type": "bot_network", "infiltration": 0.1}
    return tiny(f"campaigns={json.dumps([first, second])}", *overrides), tiny(
        f"campaigns={json.dumps([second, first])}"
    )


def test_the_order_of_campaigns_changes_nothing():
    a, b = two_networks()
    one, other = simulate_follow(a, 0).frames, simulate_follow(b, 0).frames
    for name in one:
        assert one[name].equals(other[name]), name


def test_nobody_infiltrated_is_the_counterfactual_bit_for_bit():
    for overrides in (["campaigns.bots.infiltration=0"], ["dose=0"], ["campaigns.bots.accounts_share=0"]):
        frames = simulate_follow(tiny(*overrides, "feeds.turns=2"), 0).frames
        columns = ["step", "slots", "quality", "inauthentic_share", "posts_held", "diversity_nats"]
        by = {arm: frame[columns].reset_index(drop=True) for arm, frame in frames["steps"].groupby("arm")}
        assert by["factual"].equals(by["counterfactual"]), overrides
        assert (by["factual"]["inauthentic_share"] == 0).all()


def test_people_keep_their_luck_when_bots_come():
    with_them, without = world_of(tiny(), steps=1), world_of(tiny(), acting=[], steps=1)
    mine = with_them.posts.group[:200] == 0
    assert (with_them.posts.appeal[:200][mine][:120].sum()) == without.posts.appeal[:120].sum()
    assert with_them.drawn.edges.follower.tolist() == without.drawn.edges.follower.tolist()


def test_more_infiltration_flooding_and_deception_mean_more_exposure():
    def share(*overrides):
        steps = simulate_follow(tiny("steps.count=20", *overrides), 0, arms=["factual"]).frames["steps"]
        return steps["inauthentic_share"][-10:].mean()

    base = share("campaigns.bots.infiltration=0.03")
    assert 0 < base < share("campaigns.bots.infiltration=0.3")
    assert base < share("campaigns.bots.infiltration=0.03", "campaigns.bots.flooding=64")
    assert base < share("campaigns.bots.infiltration=0.03", "campaigns.bots.deception=1")


def test_published_cell_at_a_reduced_size():
    """Published: 0.940 with 10,006 people and gamma 0.01; gamma N, on which mean field depends, is kept (0.948)."""
    people = 3000
    s = load_follow(
        ROOT / "configs" / "simsom-er.yaml",
        [f"follow_graph.people={people}", f"campaigns.bots.infiltration={0.01 * 10_006 / people}", "steps.count=40"],
    )
    shares = [
        simulate_follow(s, k, arms=["factual"]).frames["steps"]["inauthentic_share"][15:].mean() for k in range(2)
    ]
    assert 1 - np.mean(shares) == pytest.approx(0.940, abs=0.02)
    x = 0.01 * 0.05 * 10_006 / 181
    assert 1 - np.mean(shares) == pytest.approx(0.5 / (0.5 + x), abs=0.02)


# ---- takedown ----------------------------------------------------------------------------------------------------


def test_half_life_of_illegal_posts():
    world = world_of(tiny(*ILLEGAL, "moderation.half_life_steps=3", "steps.count=40"), steps=40)
    p = world.posts
    illegal = np.flatnonzero(p.group[: p.used] == 2)
    assert len(illegal) > 150
    born = np.full(p.used, -1)
    again = world_of(tiny(*ILLEGAL, "moderation.half_life_steps=3", "steps.count=40"))
    for step in range(40):
        before = again.posts.used
        again.step()
        born[before : again.posts.used] = step
    waited = (p.removal[: p.used] - born)[illegal]
    assert waited.min() >= 0
    for steps in (1, 3, 6):
        assert (waited >= steps).mean() == pytest.approx(2 ** (-steps / 3), abs=0.1)
    held = {post for feed in feeds_of(world) for post, _, _ in feed}
    assert not any(0 <= p.removal[post] < 40 for post in held)


def test_takedown_only_takes():
    frames = simulate_follow(tiny(*ILLEGAL, "campaigns=[]", "steps.count=30"), 0).frames["illegal"].set_index("arm")
    assert (
        frames.loc["factual"][["impressions", "reach", "reshares"]]
        < frames.loc["unmoderated"][["impressions", "reach", "reshares"]]
    ).all()
    off = simulate_follow(tiny(*ILLEGAL[:-1]), 0, arms=["factual", "unmoderated"]).frames["steps"].groupby("arm")
    a, b = (frame.drop(columns="arm").reset_index(drop=True) for _, frame in off)
    assert a.equals(b)


# ---- graphs and laws ---------------------------------------------------------------------------------------------

KEY = Key(5, 1)


@pytest.mark.parametrize("kind", ["random", "lognormal"])
def test_edges_are_different_and_no_loops(kind):
    edges = people_edges(KEY, 1000, kind, 30, 1.0, 0.5, 0.5)
    assert len(edges.follower) == 30_000 == len(np.unique(edges.follower * 1000 + edges.followed))
    assert (edges.follower != edges.followed).all()
    followers = np.bincount(edges.followed, minlength=1000)
    following = np.bincount(edges.follower, minlength=1000)
    if kind == "random":
        assert (
            followers.std() == pytest.approx(30**0.5, rel=0.15) and abs(np.corrcoef(followers, following)[0, 1]) < 0.1
        )
    else:  # log-normal weights: spread of logs about 1, correlation about a half
        logs = np.log(followers + 1), np.log(following + 1)
        assert 0.8 < logs[0].std() < 1.15 and 0.8 < logs[1].std() < 1.15
        assert np.corrcoef(*logs)[0, 1] == pytest.approx(0.5, abs=0.1)


def test_a_full_graph_is_found_and_no_more():
    edges = random_edges(KEY, 12, 12 * 11 // 2)
    assert len(np.unique(edges.follower * 12 + edges.followed)) == 66
    with pytest.raises(ValueError, match="no room for"):
        random_edges(KEY, 4, 13)


@pytest.mark.parametrize(("nodes", "links"), [(40, 3), (60, 7), (9, 1)])
def test_growth_is_that_of_the_description(nodes, links):
    edges = growth_edges(KEY, nodes, links, 0.5, "bots")
    found = [edges.followed[edges.follower == n].tolist() for n in range(nodes)]
    assert found == grown(KEY, nodes, links, 0.5, "bots")
    assert len(growth_edges(KEY, links + 1, links, 0.5, "bots").follower) == (links + 1) * links


def test_rewiring_keeps_degrees():
    edges = people_edges(KEY, 400, "lognormal", 25, 1.0, 0.5, 0.5)
    side = (np.arange(400) % 3 == 0).astype(np.int8)
    for given in (None, side):
        other = rewired(KEY, edges, 400, given)
        for name in Edges._fields:
            assert np.array_equal(
                np.bincount(getattr(other, name), minlength=400), np.bincount(getattr(edges, name), minlength=400)
            )
        assert (
            len(np.unique(other.follower * 400 + other.followed)) == 10_000 and (other.follower != other.followed).all()
        )
        assert (other.followed != edges.followed).mean() > 0.5
    kinds = side[edges.follower] * 2 + side[edges.followed], side[other.follower] * 2 + side[other.followed]
    assert np.array_equal(np.bincount(kinds[0]), np.bincount(kinds[1]))


def test_what_is_too_dense_to_rewire_is_one_line():
    whole = ["follow_graph.kind=growth", "follow_graph.people=30", "follow_graph.mean_degree=29"]
    for rewiring in ("hub", "community"):
        plan = make_follow_plan(tiny(*whole, f"follow_graph.rewiring={rewiring}"))
        with pytest.raises(InputError, match="follow_graph.mean_degree: the 870 edges among 30 people are too dense"):
            draw_people(plan, KEY)
    half = make_follow_plan(tiny(*whole, "follow_graph.mean_degree=14", "follow_graph.rewiring=all"))
    edges = draw_people(half, KEY).edges
    assert len(np.unique(edges.follower * 30 + edges.followed)) == len(edges.follower) == 30 * 14 - 14


def test_rates_of_a_heavy_tail_are_cut_off():
    scenario = tiny("activity.law=pareto", "activity.exponent=1.05")
    drawn = draw_people(make_follow_plan(scenario), KEY)
    assert drawn.rate.max() == MOST_RATE and np.isfinite(drawn.rate).all() and drawn.rate.min() >= 0.2
    plain = draw_people(make_follow_plan(tiny("activity.law=pareto")), KEY)
    assert plain.rate.max() < 1700  # the published law is not touched
    light, heavy = estimate(tiny()), estimate(scenario)
    assert heavy["seconds"] - 15 > 100 * (light["seconds"] - 15) and heavy["mebibytes"] > light["mebibytes"]


def test_infiltration():
    few, many = infiltrate(KEY, "bots", 40, 3000, 0.01, None), infiltrate(KEY, "bots", 40, 3000, 0.05, None)
    pairs = [set(zip(e.follower.tolist(), e.followed.tolist(), strict=True)) for e in (few, many)]
    assert pairs[0] < pairs[1] and len(pairs[1]) == pytest.approx(40 * 150, rel=0.1)
    weights = np.where(
        np.arange(3000) < 1000, np.float32(4), np.where(np.arange(3000) < 2000, np.float32(1), np.float32(0))
    )
    drawn = infiltrate(KEY, "bots", 40, 3000, 0.01, weights.astype(np.float32))
    assert np.array_equal(np.bincount(drawn.followed, minlength=40), np.bincount(few.followed, minlength=40))
    assert drawn.follower.max() < 2000 and (drawn.follower < 1000).mean() == pytest.approx(0.8, abs=0.04)
    assert len(pairs[0]) == len(few.follower)
    scarce = np.zeros(3000, np.float32)
    scarce[:2] = 1
    assert len(infiltrate(KEY, "bots", 40, 3000, 0.01, scarce).follower) == 80


def test_attributes_have_the_published_moments():
    a = load_follow(CONFIG).follow_graph.attributes
    drawn = draw_attributes(KEY, 200_000, *(getattr(a, name).value for name in type(a).model_fields))
    party, score = drawn.partisanship, drawn.misinformation
    assert party.mean() == pytest.approx(0.019, abs=0.005) and (party > 0).mean() == pytest.approx(0.45, abs=0.005)
    assert party.min() == pytest.approx(-0.90, abs=0.001) and party.max() == pytest.approx(0.97, abs=0.001)
    assert score.mean() == pytest.approx(0.189, abs=0.003) and np.median(score) == pytest.approx(0.146, abs=0.003)
    followers = np.arange(200_000)
    assert target_weights("uniform", drawn, followers) is None
    assert (target_weights("hubs", drawn, followers) == followers).all()
    left, right = target_weights("liberal", drawn, followers), target_weights("conservative", drawn, followers)
    assert ((left == 1) == (party < 0)).all() and ((right == 1) == (party > 0)).all()
    assert (target_weights("partisanship", drawn, followers) == np.abs(party)).all()
    assert (target_weights("misinformation", drawn, followers) == score).all()


def test_laws_of_posts_and_activity():
    u = ((np.arange(100_000) + 0.5) / 100_000).astype(np.float32)
    quality = np.empty(len(u), np.int32)
    growth.draw_quality(u, np.float32(10), quality)
    q = np.log(1 - u.astype(float) + u * np.exp(10.0)) / 10
    assert np.abs(quality / 2**24 - q).max() < 1e-5 and quality.mean() / 2**24 == pytest.approx(0.90005, abs=1e-4)
    assert np.abs(1 - powers(u, 0.2) - (1 - (1 - u.astype(float)) ** 0.2)).max() < 1e-5
    assert (1 - powers(u, 0.2)).mean() == pytest.approx(1 / 6, abs=1e-3)
    rate = 0.2 * powers(u, -1 / 1.85)
    assert np.median(rate) == pytest.approx(0.2 * 2 ** (1 / 1.85), rel=1e-3)
    assert np.minimum(rate, 1).mean() == pytest.approx(0.375, abs=0.003)  # the published share of people active a day
    for exponent in (1.5, 2.0, 2.85):
        drawn = np.minimum(np.float32(0.2) * powers(u, -1 / (exponent - 1)), np.float32(MOST_RATE))
        law = tiny("activity.law=pareto", f"activity.exponent={exponent}").activity
        assert mean_rate(law) == pytest.approx(drawn.astype(float).mean(), rel=0.01)
    assert (
        mean_rate(tiny().activity) == 1
        and mean_rate(tiny("activity.law=pareto", "activity.lowest=1e6").activity) == MOST_RATE
    )
    for slope in (0.001, 80.0):
        growth.draw_quality(u, np.float32(slope), quality)
        v = u.astype(float)
        assert np.abs(quality / 2**24 - np.log(1 - v + v * np.exp(slope)) / slope).max() < 2e-4
    out = np.empty(999, np.float32)
    p = ((np.arange(999) + 1) / 1000).astype(np.float32)
    for a, b in ((0.1, 89.9), (3.0, 30.0)):
        beta_quantiles(p, normals(p), np.full(999, a), np.full(999, b), out)
        assert np.abs(out - stats.beta.ppf(p, a, b)).max() < 2e-5


# ---- input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("feeds.slot=3", r"^--set feeds.slot=3: got unknown key 'slot'; allowed: slots, .*did you mean 'slots'"),
        ("feeds.ageing=adance", "got 'adance'; allowed: set_to_one, advance; did you mean 'advance'"),
        ("campaigns.bots.infiltraton=1", r"campaigns.bots.infiltraton=1: got unknown key .*did you mean 'infiltration'"),
        ("campaigns.bots.infiltration=2", r"got 2, must be in \[0, 1\]"),
        ("campaigns.bots.target=hub", "did you mean 'hubs'"),
        ("campaigns.bots.flooding=0", "campaigns.bots.flooding=0: got 0, must be at least 1"),
        ("campaigns.bots.key=people", "names a column"),
        ("campaigns=[{id: a, type: bot_network}, {id: a, type: bot_network}]", "id 'a' twice"),
        ("follow_graph.mean_degree=6000", "must be at most 5002.5 with 10006 people"),
        ("follow_graph.weight_sigma=3", r"got 3, must be in \[0, 2\]"),
        ("dose=10000", "dose=10000: gives 5,013,006 people and accounts, must be at most 2,000,000"),
        ("steps={count: 20000, averaged: 1}\nfollow_graph.people=900000", "steps.count: got 20000, must be at most 1058"),
        (
            "activity={law: pareto, exponent: 1.2}\nsteps.count=100", r"must be at most 69 with 10,506 people and accounts "
            "and up to 14,367,345 actions a step",
        ),
        (
            "activity={law: pareto, exponent: {value: 2.85, range: [1.05, 2.85], evidence: assumption}}\nsteps.count=200",
            "steps.count=200: got 200, must be at most 16 with 10,506 people and accounts and up to 61,",
        ),
        (
            "activity={law: pareto, lowest: {value: 0.2, range: [0.2, 9000], evidence: assumption}}\nfollow_graph.people=900000",
            "activity=.*: gives up to 8,.* actions a step, must be at most 1,000,000,000 in all",
        ),
        ("follow_graph={people: 30, kind: growth, mean_degree: 29, rewiring: all}", "must be at most 14.5 with 30 people"),
        ("posts.quality_slope=200", r"got 200, must be in \[0.001, 80\]"),
        ("posts.quality_slope=1e-8", r"got 1e-08, must be in \[0.001, 80\]"),
        ("follow_graph.people=5", "got 5, must be at least 10"),
        ("steps.averaged=61", r"got averaged 61, must be at most count \(60\)"),
        ("moderation.half_life_steps=2", "nobody posts anything illegal"),
        ("posts.other_b=2", "the second at least 20"),
        ("activity.exponent=1", "must be above 1"),
        # Whatever a range lets through is drawn sooner or later.
        ("activity.exponent={value: 2, range: [0.5, 3], evidence: assumption}", "got exponent 0.5, must be above 1"),
        ("posts.other_b={value: 90, range: [2, 100], evidence: assumption}", "the second at least 20"),
        ("follow_graph.mean_degree={value: 181, range: [100, 6000], evidence: assumption}", "got 6000, must be at most 5002.5"),
        ("follow_graph.attributes.leftmost={value: -0.9, range: [-1, 0.5], evidence: assumption}", "got 0.5, must be in"),
        ("dose={value: 1, range: [1, 10000], evidence: assumption}", "gives 5,013,006 people and accounts"),
        ("days.start=2024-01-01", "unknown key 'days'"),
    ],
)  # fmt: skip
def test_one_line_per_problem(override, message):
    with pytest.raises(InputError, match=message) as error:
        load_follow(CONFIG, override.split("\n"))
    assert len(str(error.value).splitlines()) == 1


def test_policies_know_their_world(monkeypatch):
    with pytest.raises(InputError, match="reads no feature of a slot"):
        for_feeds("tiktok_value")
    with pytest.raises(InputError, match="ranks the slots of a follow-graph world"):
        configured("simsom_feed")
    monkeypatch.setitem(FEED_PRESETS, "forgetting", dataclasses.replace(FEED_PRESETS["simsom_feed"], fatigue=print))
    with pytest.raises(InputError, match="has the hook 'fatigue', which a follow-graph world does not call"):
        for_feeds("forgetting")
    with pytest.raises(InputError, match="unknown parameter 'rat'.*did you mean 'rate'"):
        make_follow_plan(tiny("platform.parameters.rat=1"))
    with pytest.raises(InputError, match="reads 'age_h' beside features of a slot"):

        @recsim.policy()
        def mixed(f, p):
            return f.slot_age + f.age_h


def test_round_trip_and_evidence():
    for name in ("simsom-er", "simsom-lognormal"):
        scenario = load_follow(ROOT / "configs" / f"{name}.yaml")
        again = recsim.scenario.parse_follow(__import__("yaml").safe_load(dump_yaml(scenario)))
        assert again == scenario == realise(scenario, 1, 0)
        assert all(q["evidence"] != "unstated" for q in recsim.scenario.quantities(scenario))
    more = scenario.model_copy(update={"run": scenario.run.model_copy(update={"replicates": 99})})
    assert follow_fingerprint(more, False) == follow_fingerprint(scenario, False)
    assert follow_fingerprint(scenario, True) != follow_fingerprint(scenario, False)


# ---- runs and commands -------------------------------------------------------------------------------------------


def test_run_stores_and_resumes(tmp_path):
    scenario = tiny(*ILLEGAL)
    first = run_follow(scenario, out=tmp_path / "a", workers=1)
    assert first.summary["arms"] == ["factual", "counterfactual", "unmoderated"]
    again = FollowResult.load(tmp_path / "a")
    assert again.summary == first.summary and all(again.frames[n].equals(first.frames[n]) for n in first.frames)
    assert run_follow(scenario, out=tmp_path / "a").reused
    more = run_follow(scenario, replicates=3, out=tmp_path / "a", workers=1)
    assert more.summary["replicates"] == 3 and any("taken over" in note for note in more.notes)
    whole = run_follow(scenario, replicates=3, out=tmp_path / "b", workers=1, threads=2)
    assert {k: v for k, v in whole.summary.items() if k != "timing"} == {
        k: v for k, v in more.summary.items() if k != "timing"
    }
    with pytest.raises(InputError, match="holds another run"):
        run_follow(tiny(), out=tmp_path / "a")


def test_smoothed_rule_stops_early_or_at_the_last_step():
    scenario = tiny("steps.stop=smoothed", "steps.count=60", "steps.averaged=1", "steps.tolerance=0.02")
    frames = simulate_follow(scenario, 0, arms=["factual"]).frames
    quality, q, steps = frames["steps"]["quality"].to_numpy(), 1.0, 0
    for value in quality:
        before, q, steps = q, 0.8 * q + 0.2 * value, steps + 1
        if abs(q - before) <= 0.02 * before:
            break
    assert steps == len(quality) == frames["smoothed"]["steps"][0] < 60
    assert frames["smoothed"]["quality"][0] == pytest.approx(q)


def test_smoothed_results_are_called_so_and_add_up():
    rule = ["steps.stop=smoothed", "steps.count=60", "steps.averaged=40", "steps.tolerance=0.02"]
    scenario = load_follow(CONFIG, [*TINY, *rule, "run.replicates=3"])
    twice = two_networks(*rule, "run.replicates=3")[0]
    for one in (scenario, twice):
        found = run_follow(one, store=False, workers=1)
        shares = [row["slot_share"] for row in found.summary["campaigns"]]
        assert sum(shares) == pytest.approx(found.summary["inauthentic_share"], rel=1e-9) and min(shares) > 0
    text = " ".join(" ".join(follow_lines(found)).split())
    assert "by the rule on smoothed quality" in text and "results over the last" not in text
    plain = run_follow(tiny(), store=False, workers=1)
    assert "8 steps, results over the last 4" in " ".join(follow_lines(plain))
    shares = [row["slot_share"] for row in plain.summary["campaigns"]]
    assert sum(shares) == pytest.approx(plain.summary["inauthentic_share"], rel=1e-9)


def test_without_campaigns_the_table_of_takedown_says_what_it_knows():
    found = run_follow(tiny(*ILLEGAL, "campaigns=[]"), store=False, workers=1)
    rows = found.summary["illegal"]
    for name in ("change_percent", "change_percent_ci_low", "change_percent_ci_high"):
        rows["reshares"][name] = None  # as where no world had one
    lines = follow_lines(found)
    assert "No campaign acts, so there is no exposure shift." in lines and "the same" not in " ".join(lines)
    assert next(line for line in lines if line.startswith("re-shares")).rstrip().endswith(" -")


def test_the_page_says_how_to_do_it_again(tmp_path, monkeypatch):
    (tmp_path / "own_feed_b.py").write_text(
        "import recsim\n\n@recsim.policy()\ndef newest(f, p):\n    return 1.0 / (1.0 + f.slot_age)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for policy, before in (("simsom_feed", ">python"), ("own_feed_b:newest", ">PYTHONPATH=policies python")):
        scenario = tiny(f"platform.policy={policy}")
        found = run_follow(scenario, fixed_parameters=True, out=tmp_path / policy[:3], workers=1)
        write_follow(found)
        page = (tmp_path / policy[:3] / "report.html").read_text()
        command = " -m recsim run scenario.yaml --seed 1 --replicates 2 --fixed-parameters --out ../again<"
        assert before + command in page


def test_commands(tmp_path, capsys):
    settings = [part for override in TINY for part in ("--set", override)]
    main(["run", str(CONFIG), *settings, "--out", str(tmp_path / "r"), "--workers", "1", "--dose", "2"])
    text = capsys.readouterr().out
    assert "Inauthentic posts fill" in text and all(
        len(line) <= 80 for line in text.splitlines() if str(tmp_path) not in line
    )
    page = (tmp_path / "r" / "report.html").read_text()
    assert (
        page.count("<svg") == 2
        and "relative quality" in page.lower()
        and "http://" not in page.replace("http://www.w3.org", "")
    )
    main(["run", str(CONFIG), *settings, "--out", str(tmp_path / "r"), "--dose", "2", "--json"])
    assert json.loads(capsys.readouterr().out)["kind"] == "follow_graph"
    main(["validate", str(CONFIG)])
    assert "follow-graph world, 60 steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["compare"], ["attribute"], ["dose"], ["delay"], ["tradeoff"], ["ensemble"], ["check"], ["run", "--scale", "0.1"]],
)
def test_other_commands_refuse_in_one_line(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([words[0], str(CONFIG), *words[1:]])
    text = capsys.readouterr().err
    assert stop.value.code == 2 and len(text.splitlines()) == 1 and "follow" in text


def test_load_says_which_to_use():
    with pytest.raises(InputError, match="recsim.load_follow"):
        load(CONFIG)
    with pytest.raises(InputError, match="describes no follow-graph world"):
        load_follow(ROOT / "configs" / "small.yaml")
