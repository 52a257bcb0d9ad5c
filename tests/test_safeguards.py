"""Weights, aggregates, holds and demotions around a policy, and doors: who sees inauthentic counts."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
from helpers import changed, frames_of, window_shares, world_of
from hypothesis import given
from hypothesis import strategies as st

import recsim
from recsim.audit import controls
from recsim.errors import InputError
from recsim.kernels import weighing
from recsim.ranking.mitigation import ARTICLES, AccountView, Aggregate
from recsim.ranking.mitigations import MITIGATIONS
from recsim.ranking.registry import safeguards
from recsim.scenario import realise
from recsim.scenario.campaigns import PurchasedEngagement
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.state import HIDE, LIKE
from recsim.world.arms import COUNTERFACTUAL, DOORS, FACTUAL, Arm
from recsim.world.item_rows import fill_row
from recsim.world.pair import simulate_arms


def with_measure(scenario, kind, policy=None, **parameters):
    used = [MitigationUse(kind=kind, parameters={k: assumed(v) for k, v in parameters.items()})]
    update = {"mitigations": used} | ({"policy": policy, "parameters": {}} if policy else {})
    return changed(scenario, platform=update)


@pytest.fixture(scope="module")
def strong(small):
    return changed(small, dose=assumed(20.0))


def same_world(one, other):
    """The same numbers in all tables but those that only exist with measures."""
    names = ("exposure", "provenance", "engagement", "campaigns", "followers", "facts", "reach")
    return controls.same({n: one[n] for n in names}, {n: other[n] for n in names})


def view(age=(0.0, 45.0, 900.0), trust=1.0, today=0.0, yesterday=0.0, luck=0.5, fake=False, per_person=0.0):
    def column(x, kind=np.float32):
        return np.broadcast_to(np.asarray(x, kind), (len(age),)).copy()

    return AccountView(
        column(age), column(trust), column(today), column(yesterday), column(luck), column(fake, bool), per_person
    )


# ---- what each measure does to one account or item --------------------------------------------------------------


def guards(kind, **values):
    return safeguards(_random(), {}, [(kind, values)])


def _random():
    from recsim.ranking.registry import get

    return get("random")


def test_weights_by_the_formula():
    assert guards("trust_weight").weight(view()).tolist() == [0, 512, 1024]
    assert guards("trust_weight").weight(view(trust=0.25)).tolist() == [0, 128, 256]
    assert guards("new_account_discount").weight(view()).tolist() == [102, 1024, 1024]
    assert guards("winsor_users", cap=10).weight(view(today=20.0, yesterday=[0, 40, 5])).tolist() == [512, 256, 512]
    assert guards("rate_limit", actions_per_day=3).weight(view(today=[2, 3, 4])).tolist() == [1024, 0, 0]
    both = safeguards(_random(), {}, [("trust_weight", {}), ("rate_limit", {"actions_per_day": 3})])
    assert both.weight(view(today=[2, 2, 4])).tolist() == [0, 512, 0]


def test_oracle_has_the_declared_precision():
    luck, n = np.linspace(0, 1, 10_000, endpoint=False, dtype=np.float32), 10_000
    one = guards("oracle_removal", recall=0.8, precision=0.9)
    fake = one.weight(view(age=np.ones(n), luck=luck, fake=True, per_person=0.05), removes=True) == 0
    human = one.weight(view(age=np.ones(n), luck=luck, per_person=0.05), removes=True) == 0
    assert fake.mean() == pytest.approx(0.8, abs=1e-3)
    caught, wrongly = 0.05 * fake.mean(), human.mean()
    assert caught / (caught + wrongly) == pytest.approx(0.9, abs=0.01)
    assert (guards("oracle_removal").weight(view(fake=False, luck=0.0), removes=True) == 1024).all()


def test_bad_names_and_clashes():
    with pytest.raises(InputError, match=r"unknown mitigation 'trust_wieght'.*did you mean 'trust_weight'"):
        guards("trust_wieght")
    with pytest.raises(InputError, match=r"unknown parameter 'full_age'.*full_age_days"):
        guards("trust_weight", full_age=3)
    with pytest.raises(InputError, match="twice"):
        safeguards(_random(), {}, [("friction", {}), ("friction", {})])
    with pytest.raises(InputError, match="two measures that put groups together"):
        safeguards(_random(), {}, [("median_segments", {}), ("trimmed_segments", {})])
    with pytest.raises(InputError, match="groups"):
        guards("trimmed_segments", groups=4, trim=2)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("winsor_users", {"cap": 0.0}, r"parameters.cap: got 0, must be above 0"),
        ("trust_weight", {"full_age_days": 0.0}, "must be above 0"),
        ("oracle_removal", {"precision": 0.0}, "must be above 0 and at most 1"),
        ("friction", {"reduction": 2.0}, r"parameters.reduction: got 2, must be 0 to 1"),
        ("cooldown", {"hours": -1.0}, "got -1, must be at least 0"),
        ("new_account_discount", {"factor": 1.5}, "must be 0 to 1"),
    ],
)
def test_parameters_have_ranges(name, given, message):
    with pytest.raises(InputError, match=message):
        guards(name, **given)


def test_every_measure_says_where_it_stands():
    for m in MITIGATIONS.values():
        assert m.article in ARTICLES and m.title and m.source and m.evidence, m.name
        assert any((m.weight, m.aggregate, m.holds, m.demotes, m.keeps_shares, m.served_only, m.cluster_cap)), m.name


# ---- kernels against plain twins ---------------------------------------------------------------------------------


@given(
    st.integers(1, 9), st.sampled_from(["sum", "median", "trimmed"]), st.integers(0, 2**31), st.booleans()
)  # fmt: skip
def test_groups_are_put_together(groups, how, seed, without):
    gen = np.random.default_rng(seed)
    trim = 0 if groups < 3 else int(gen.integers(0, (groups - 1) // 2 + 1))
    valued = gen.integers(0, 5000, (4, groups, 10))
    minus = gen.integers(0, 1000, (4, groups, 10)) if without else np.zeros((0, groups, 10), np.int64)
    total, exact = np.zeros((4, 10), np.int64), np.zeros((4, 10), np.int64)
    code = {"sum": weighing.SUM, "median": weighing.MEDIAN, "trimmed": weighing.TRIMMED}[how]
    weighing.put_together(1, 4, valued, minus, code, trim, total, exact)
    for item, action in itertools.product(range(1, 4), range(10)):
        values = sorted(
            int(v) - (int(minus[item, g, action]) if without else 0) for g, v in enumerate(valued[item, :, action])
        )
        if how == "sum":
            expected = sum(values)
        else:
            middle = values[(groups - 1) // 2 : groups // 2 + 1] if how == "median" else values[trim : groups - trim]
            expected = sum(middle) * groups // len(middle)
        assert exact[item, action] == expected and total[item, action] == (expected + 512) // 1024
    assert not exact[0].any()


def test_the_median_breaks_down_only_at_half():
    """Fewer polluted groups than half leave the count within those of the clean ones."""
    clean = np.array([10, 11, 12, 13, 14, 15, 16, 17, 18]) * 1024
    for polluted in range(9):
        valued = np.zeros((1, 9, 10), np.int64)
        valued[0, :, 2] = clean
        valued[0, :polluted, 2] += 10**9
        total, exact = np.zeros((1, 10), np.int64), np.zeros((1, 10), np.int64)
        weighing.put_together(0, 1, valued, valued[:0], weighing.MEDIAN, 0, total, exact)
        assert (total[0, 2] <= 9 * 18) == (polluted <= 4)


# ---- in the world ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["tiktok_value", "reddit_best"])
def test_full_weights_change_nothing(strong, policy):
    """Counting with weights that are all 1 gives the same bits as counting without."""
    plain = frames_of(changed(strong, platform={"policy": policy, "parameters": {}}))
    assert same_world(plain, frames_of(with_measure(strong, "rate_limit", policy, actions_per_day=1e9)))
    assert same_world(plain, frames_of(with_measure(strong, "trust_weight", policy, full_age_days=1e-9)))
    assert same_world(plain, frames_of(with_measure(strong, "trimmed_segments", policy, groups=9, trim=0)))


def test_weighted_counts_add_up(small):
    world = world_of(with_measure(changed(small, dose=assumed(20.0)), "median_segments", groups=3), "factual", steps=50)
    c = world.state.counters
    assert np.array_equal(c.valued.sum(axis=1), c.total * 1024) and c.fake.sum() > 0
    assert np.array_equal(c.fake_valued.sum(axis=1), c.fake * 1024)


def test_weights_reach_the_policy(small):
    """With no weight on anybody the policy counts nothing, and people see as much as they did."""
    full = world_of(small, steps=30).state
    none = world_of(with_measure(small, "trust_weight", full_age_days=1e9), steps=30).state
    assert none.weighed is not None and none.weighed.total.sum() == 0
    assert none.counters.total[:, 0].sum() == pytest.approx(full.counters.total[:, 0].sum(), rel=0.1)


def test_policies_read_fractions_of_events(small):
    """A like that counts an eighth is an eighth of a like for a formula of votes, too; as it is for decayed counts."""
    world = world_of(with_measure(small, "trust_weight", "reddit_best", full_age_days=1e-9), steps=0)
    (start, end), book, real = world.window, world.books.open, world.plan.event_weight
    rows = {name: np.zeros(end - start, np.float32) for name in ("ups", "downs", "n_like", "impressions")}
    book.exact[start:end, LIKE], book.exact[start:end, HIDE], book.exact[start:end, 0] = 128, 1024 + 512, 3 * 1024
    for name, out in rows.items():
        fill_row(world.feed, name, out, start, end, book)
    assert rows["n_like"] == pytest.approx(real / 8) and rows["ups"] == pytest.approx(1 + real / 8)
    assert rows["downs"] == pytest.approx(1.5 * real) and rows["impressions"] == pytest.approx(3 * real)


@pytest.mark.parametrize("kind", sorted(MITIGATIONS))
def test_controls_hold_around_any_measure(small, kind):
    scenario = with_measure(small, kind)
    for control in (controls.zero_dose, controls.exchanged, controls.threads):
        ok, note = control(scenario)
        assert ok, f"{control.__name__}: {note}"


def capped_likes(small, scale, cap):
    """Likes of a network that a cap on its cluster touches: the cap in a world, and the share of their weight that counts."""
    bots = small.campaigns[0].model_copy(update={"actions_per_day": assumed(40.0)})
    only_likes = bots.tactics.model_copy(update={"like": assumed(1.0), "comment": assumed(0.0), "share": assumed(0.0)})
    scenario = changed(small, population={"scale": scale})
    scenario = scenario.model_copy(update={"campaigns": [bots.model_copy(update={"tactics": only_likes})]})
    world = world_of(with_measure(scenario, "cluster_once", cap=cap, recall=1.0), "factual", steps=0)
    world.run_until(world.plan.steps)
    rows = np.concatenate(world.networks[0].roster.log)
    likes = rows[(rows[:, 2] == LIKE) & (rows[:, 1] >= 0)]
    spent = np.bincount(likes[:, 1], likes[:, 3], minlength=len(world.state.items.key))
    assert np.array_equal(world.networks[0].roster.capped[:, LIKE], spent)
    assert spent.max() == int(world.networks[0].counting().cap)
    return spent.max() / 1024, likes[:, 3].mean() / 1024, len(likes)


def test_a_cap_on_a_cluster_means_real_events(small):
    """The cap is of events on one real item: as large a share of the network's counts at any scale of the simulation."""
    (few, part, number), (many, same, more) = (capped_likes(small, scale, 300.0) for scale in (0.001, 0.004))
    assert few == pytest.approx(300 * 30 * 0.001, abs=1e-3) and many == pytest.approx(300 * 30 * 0.004, abs=1e-3)
    assert number > 150 and more == pytest.approx(4 * number, rel=0.25)
    assert 0.1 < part < 0.8 and part == pytest.approx(same, abs=0.12)


def test_a_cap_that_is_never_reached_changes_nothing(strong):
    assert same_world(frames_of(strong), frames_of(with_measure(strong, "cluster_once", cap=1e12, recall=1.0)))


def test_perfect_removal_is_the_counterfactual(strong):
    frames = frames_of(with_measure(strong, "oracle_removal"))
    shares = [dict(window_shares(frames, arm)) for arm in ("factual", "counterfactual")]
    assert shares[0] == shares[1]
    assert window_shares(frames_of(strong), "factual")["eva"] > shares[0]["eva"] + 0.02


def test_holds_keep_items_out_of_strangers_feeds(small):
    frames = frames_of(with_measure(small, "candidate_account_exclusion"))
    p = frames["provenance"].astype({"kind": str, "source": str})
    official = p[p["kind"] == "official"].groupby("source")["impressions"].sum()
    assert official["inbox"] > 0 and official.drop(["inbox", "search", "external"], errors="ignore").sum() == 0
    plain = frames_of(small)["provenance"].astype({"kind": str, "source": str})
    assert plain[(plain["kind"] == "official") & (plain["source"] == "interest")]["impressions"].sum() > 0


def test_downranking_lowers_politics_beyond_followers(small):
    def political(factor):
        p = frames_of(with_measure(small, "political_downrank", factor=factor))["provenance"].astype({"source": str})
        return p[p["source"] == "interest"]["impressions"].sum()

    assert same_world(frames_of(small), frames_of(with_measure(small, "political_downrank", factor=1.0)))
    assert political(0.0) == 0 < political(0.5) < political(1.0)


@pytest.mark.parametrize("policy", ["hn_popular", "chrono"])
def test_demotion_means_the_same_in_retrieval_and_in_the_feed(small, policy):
    """Policies of which only the order means something: the score itself is lowered, not a logarithm added to it."""
    world = world_of(
        changed(with_measure(small, "political_downrank", factor=0.8), platform={"policy": policy}), steps=26
    )
    feed, (start, end) = world.feed, world.window
    feed.stale, count = True, end - start
    feed.item_terms(world.now, start, end)
    score, factor = feed.score[:count], feed.reach.beyond[:count]
    assert (factor == np.float32(0.8)).any() and (factor == 1).any()
    assert np.array_equal(feed.value[:count], np.where(score >= 0, score * factor, score / factor))


def test_follows_of_official_accounts_are_in_the_base_rate(strong):
    """Full weights change nothing either where accounts follow and follows are bought."""
    bots = strong.campaigns[0].model_copy(update={"tactics": strong.campaigns[0].tactics.model_copy(update={"like": assumed(0.3), "follow": assumed(0.5)})})  # fmt: skip
    bought = PurchasedEngagement.model_validate({"id": "b", "beneficiary": "eva", "start": -3, "follows": 200_000})
    scenario = strong.model_copy(update={"campaigns": [bots, bought]})
    one = world_of(scenario, "factual", steps=0)
    other = world_of(with_measure(scenario, "rate_limit", actions_per_day=1e9), "factual", steps=0)
    for world in (one, other):
        world.run_until(54)
    assert one.state.recent.tolist() == other.state.weighed.recent.tolist()
    assert np.array_equal(one.state.counters.total, other.state.counters.total)


def test_uncounted_actions_are_those_that_did_not_count(small):
    """A weight that falls within the day takes away what came afterwards, and nothing before."""
    world = world_of(with_measure(small, "rate_limit", actions_per_day=1.0), steps=30)
    counters, table = world.state.counters, world.record.collateral()
    lost = counters.total * 1024 - counters.valued.sum(axis=1)
    assert table["uncounted_actions"].sum() * 1024 == lost[:, 2:6].sum() > 0
    assert table["actions"].sum() == counters.total[:, 2:6].sum()


def test_only_what_the_feed_served_counts(small):
    """Neither acts of accounts elsewhere nor what people found by a search or a link, in no count and no log."""
    scenario = with_measure(changed(small, dose=assumed(20.0)), "served_only", "itemknn")
    scenario = changed(scenario, activity={"search_share": assumed(0.3), "external_share": assumed(0.2)})
    world = world_of(scenario, "factual", steps=0)
    world.run_until(54)
    (agent,), counters = world.networks, world.state.counters
    assert agent.roster.log and not np.concatenate(agent.roster.log)[:, 3].any()
    assert (np.concatenate(world.state.memory.log)[:, 0] < world.plan.people).all()
    # All results are about candidates, so the table of their impressions has all of them.
    p = world.record.provenance().astype({"source": str})
    found = p[p["source"].isin(["search", "external"])]["impressions"].sum()
    people = counters.human[:, 0].sum() - counters.valued.sum(axis=1)[:, 0].sum() / 1024
    assert people == found > 0


def test_friction_takes_its_share(small):
    def shared(**kind):
        e = frames_of(with_measure(small, "friction", **kind))["engagement"].astype({"action": str, "origin": str})
        return e[(e["action"] == "share") & (e["origin"] == "human")]["count"].sum()

    assert shared(reduction=0.5) == pytest.approx(0.5 * shared(reduction=0.0), rel=0.25)


# ---- a policy's own hooks ----------------------------------------------------------------------------------------


def half_for_new(a, p):
    return np.where(a.age_days < p.young_days, 0.5, 1.0)


def misspelt(a, p):
    return a.age_dais


def test_a_policy_brings_its_own_weight_and_aggregate():
    @recsim.policy(young_days=30.0, meta={"weight": half_for_new, "aggregate": Aggregate("median", 3)})
    def mine(f, p):
        return f.d_like

    found = safeguards(mine, {"young_days": 60.0}, [])
    assert found.weight(view()).tolist() == [512, 512, 1024] and found.aggregate.groups == 3 and found.weighs
    with pytest.raises(InputError, match=r"unknown account feature 'age_dais'.*age_days"):

        @recsim.policy(meta={"weight": misspelt})
        def other(f, p):
            return f.d_like


# ---- doors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["tiktok_value", "reddit_best"])
@pytest.mark.parametrize("measure", [None, "winsor_users"])
def test_with_all_doors_closed_nothing_happens(strong, policy, measure):
    """This campaign only raises counts: if nobody sees them, the world is the counterfactual, bit for bit."""
    scenario = changed(strong, platform={"policy": policy, "parameters": {}})
    scenario = scenario if measure is None else with_measure(scenario, measure)
    only_likes = scenario.campaigns[0].model_copy(
        update={
            "tactics": scenario.campaigns[0].tactics.model_copy(
                update={"like": assumed(1), "comment": assumed(0), "share": assumed(0)}
            )
        }
    )
    drawn = realise(scenario.model_copy(update={"campaigns": [only_likes]}), 7, 0)
    arms = [Arm("closed", doors=frozenset()), COUNTERFACTUAL, FACTUAL, Arm("open", doors=frozenset(DOORS))]
    frames = simulate_arms(drawn, 0, arms).frames
    shares = {arm.name: dict(window_shares(frames, arm.name)) for arm in arms}
    assert shares["closed"] == shares["counterfactual"] and shares["open"] == shares["factual"]
    assert shares["factual"] != shares["counterfactual"]


def test_each_door_is_one_reader(strong):
    arms = [Arm(door, doors=frozenset({door})) for door in DOORS] + [COUNTERFACTUAL]
    drawn = realise(strong, strong.run.seed, 1)  # in some so small worlds no pass is decided by likes
    frames = simulate_arms(drawn, 1, arms).frames
    shares = {arm.name: dict(window_shares(frames, arm.name)) for arm in arms}
    for door in ("gates", "ranking", "proof"):
        assert shares[door] != shares["counterfactual"], door


# ---- documentation -----------------------------------------------------------------------------------------------

DOC = Path(__file__).resolve().parent.parent / "docs" / "mitigations.md"


def test_every_measure_and_parameter_is_documented():
    text = DOC.read_text()
    for m in MITIGATIONS.values():
        for name in (m.name, *m.parameters):
            assert f"`{name}`" in text, name
        assert m.article in text


def test_the_example_on_the_page_works(tmp_path):
    code = DOC.read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "mine.py").write_text(code)
    spec = importlib.util.spec_from_file_location("mine", tmp_path / "mine.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = safeguards(module.careful, {}, [])
    assert found.aggregate == Aggregate("median", 9) and found.weight(view()).tolist() == [512, 1024, 1024]
