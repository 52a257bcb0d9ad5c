"""What campaigns' posts are about, what they say, where their accounts appear to be, and who reads it."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from campaign_mixes import with_campaigns
from helpers import changed, frames_of, world_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_acts import logged
from test_arms import rows
from test_tactics import arms_of, impersonation, posting, same

from recsim.audit import controls
from recsim.errors import InputError
from recsim.experiment import run
from recsim.scenario import parse, realise
from recsim.scenario.campaigns import Impersonation, PaidInfluencers
from recsim.scenario.dump import _plain
from recsim.scenario.posts import PostKind, rescaled
from recsim.scenario.quantity import Quantity, assumed
from recsim.scenario.schema import Ensemble
from recsim.state import BOT, IMPERSONATION, INFLUENCER
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm
from recsim.world.demobilising import demobilised_by_now

ATTACK = [{"id": "attack", "about": "rivals", "stance": "critical"}]
PUT_OFF = [{"id": "put_off", "about": "ada", "stance": "neutral", "demobilising": True}]
MIXED = [
    {"id": "own", "share": 0.4},
    {"id": "attack", "about": "rivals", "stance": "critical", "share": 0.3},
    {"id": "named", "about": "ben", "stance": "neutral", "share": 0.2},
    {"id": "put_off", "about": "rivals", "stance": "critical", "demobilising": True, "share": 0.1},
]


def influencers(small, **fields):
    made = {
        "id": "paid", "beneficiary": "eva", "start": -3, "influencers": 6000, "followers_mean": 5000,
        "posts_per_influencer": 3, **fields,
    }  # fmt: skip
    return with_campaigns(small, [PaidInfluencers.model_validate(made)])


def impostors(small, **fields):
    """Accounts that pose as others, many, and long enough for many posts."""
    return impersonation(small, **{"accounts": 2500, "births_per_day": 0, "lifetime_days": 30, **fields})


MAKERS = {
    "bot": (posting, BOT),
    "impersonation": (impostors, IMPERSONATION),
    "influencer": (influencers, INFLUENCER),
}


def labels_of(scenario, kind):
    """Labels of a campaign's posts, and the candidates' names in order."""
    world = world_of(scenario, "factual", 0)
    labels = world.state.items.labels
    mine = labels.kind == kind
    return {n: getattr(labels, n)[mine] for n in labels._fields}, [c.id for c in world.plan.candidates]


@pytest.mark.parametrize("maker", MAKERS)
def test_kinds_have_their_shares(small, maker):
    """Each kind of posts has its share, its candidate and its stance; rivals by standing among the others."""
    make, kind = MAKERS[maker]
    mine, names = labels_of(make(small, posts=MIXED), kind)
    about, stance, put_off = np.array(names)[mine["candidate"]], mine["stance"], mine["demobilising"]
    n = len(about)
    assert n > 400
    assert np.mean((about == "eva") & (stance == 1) & ~put_off) == pytest.approx(0.4, abs=0.06)
    assert np.mean((stance == -1) & ~put_off) == pytest.approx(0.3, abs=0.06)
    assert np.mean((about == "ben") & (stance == 0)) == pytest.approx(0.2, abs=0.06)
    assert np.mean(put_off) == pytest.approx(0.1, abs=0.04)
    attacked = about[stance == -1]
    assert set(attacked) == {"ada", "ben"} and np.mean(attacked == "ada") == pytest.approx(0.5 / 0.8, abs=0.08)
    plain, _ = labels_of(make(small), kind)
    assert np.array_equal(plain["present"], mine["present"]) and set(plain["stance"]) == {1}
    assert set(np.array(names)[plain["candidate"]]) == {"eva"} and not plain["demobilising"].any()


@pytest.mark.parametrize("maker", MAKERS)
def test_without_the_campaign(small, maker):
    """Dose 0, the tactic off and (of false accounts) a removal on the first day: bitwise the world without the campaign."""
    make, kind = MAKERS[maker]
    scenario = changed(make(small, posts=MIXED), opinion={"enabled": True})
    ok, note = controls.zero_dose(changed(scenario, opinion={"enabled": False}))
    assert ok, note
    frames = arms_of(changed(scenario, dose=assumed(0.0)), FACTUAL, COUNTERFACTUAL)
    assert rows(frames, "opinion", "factual").equals(rows(frames, "opinion", "counterfactual"))
    arms = [Arm("off", tactics=frozenset({"like"}))] + ([Arm("removed", removal_day=-3)] if kind != INFLUENCER else [])
    frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL, *arms)
    assert all(same(frames, arm.name, "counterfactual") for arm in arms) and not same(
        frames, "factual", "counterfactual"
    )
    replaced = world_of(scenario, "counterfactual", 0).state.items.labels
    mine = replaced.kind == kind
    assert not (replaced.demobilising & replaced.present).any()
    assert (replaced.candidate[mine] == -1).all() if kind == INFLUENCER else not replaced.present[mine].any()


@pytest.mark.parametrize("control", ["exchanged", "reordered", "threads"])
def test_luck_hangs_on_keys(small, control):
    """Also with a candidate named, ranges of shares, several campaigns, and places of accounts."""
    span = Quantity(value=0.5, range=(0.2, 0.8))
    kinds = [PostKind(id="z", about="rivals", stance="critical", share=span), PostKind(id="a", about="ada", share=span)]
    bot = posting(small).campaigns[0].model_copy(update={"posts": kinds, "regions": {"south": assumed(0.7)}})
    murky = impersonation(small, posts=PUT_OFF, beneficiary="ben").campaigns[0]
    scenario = changed(with_campaigns(small, [bot, murky]), opinion={"enabled": True})
    ok, note = getattr(controls, control)(scenario)
    assert ok, note


def exposures(frames, arm):
    e = frames["exposure"].astype({"arm": str, "candidate": str, "stance": str})
    return e[e["arm"] == arm].groupby(["candidate", "stance"])["impressions"].sum()


def test_attacks_are_exposure_of_the_attacked(small, tmp_path):
    """Critical posts count for the candidate they are about: in every table, in the headline, and by stance in the summary."""
    scenario = changed(posting(small, posts=[{**ATTACK[0], "about": "ada"}]), run={"replicates": 2})
    result = run(scenario, out=tmp_path / "r", workers=1)
    factual, without = (exposures(result.frames, arm) for arm in ("factual", "counterfactual"))
    assert factual["ada", "critical"] > 3 * without["ada", "critical"]
    rows = {row["id"]: row for row in result.summary["candidates"]}
    assert result.summary["beneficiaries"] == ["eva"] and rows["ada"]["shift_pp"] > 3 > 0 > rows["eva"]["shift_pp"]
    for row in rows.values():
        parts = [row[f"shift_{stance}_pp"] for stance in ("critical", "neutral", "supportive")]
        assert sum(parts) == pytest.approx(row["shift_pp"], abs=1e-9)
    assert rows["ada"]["shift_critical_pp"] > rows["ada"]["shift_pp"]  # what is pushed out was not critical of her
    p = result.frames["provenance"].astype({"arm": str, "kind": str, "candidate": str})
    shown = p[(p["arm"] == "factual") & (p["kind"] == "bot")]
    assert set(shown["candidate"]) == {"ada"} and shown["impressions"].sum() > 100
    total = factual.sum()
    assert total == p[p["arm"] == "factual"]["impressions"].sum()


def test_a_campaign_acts_on_its_own_attacks(small):
    """The rule "own" also holds what the campaign itself posts, whomever it is about; other attacks it does not hold."""
    scenario = posting(small, posts=ATTACK, actions_per_day=60, views_per_action=0)
    other = posting(small, posts=ATTACK).campaigns[0].model_copy(update={"id": "other", "key": "other"})
    world = world_of(with_campaigns(small, [*scenario.campaigns, other]), "factual", 0)
    world.run_until(world.plan.steps)
    labels, eva = world.state.items.labels, [c.id for c in world.plan.candidates].index("eva")
    number = [c.id for c in world.plan.campaigns].index("network")
    roster = next(agent.roster for agent in world.networks if agent.network.campaign == "network")
    item = logged(roster)[:, 1]
    mine = labels.campaign[item] == number
    assert 0.1 < mine.mean() < 1 and (labels.candidate[item][mine] != eva).all()
    assert (labels.candidate[item][~mine] == eva).all() and (labels.stance[item][~mine] >= 0).all()


def test_demobilising_impressions_are_counted_exactly(small):
    """By person and candidate, what was shown of demobilising posts; all of them add up to people's views."""
    kinds = [{**MIXED[0], "share": 0.5}, {**MIXED[3], "share": 0.5}]
    world = world_of(posting(small, posts=kinds), "factual", 0)
    for _ in range(world.plan.steps):
        world.step()
        labels, views = world.state.items.labels, world.state.counters.human[:, 0]
        found = demobilised_by_now(world)
        expected = np.zeros(found.shape[1:], int)
        rows = np.flatnonzero(labels.demobilising)
        np.add.at(expected, (labels.candidate[rows], labels.stance[rows] + 1), views[rows])
        assert np.array_equal(found.sum(axis=0), expected)
    assert len(found) == world.plan.people and found.sum() > 100 and found.max() > 1
    assert len(world.state.demobilised) and world.state.demobilised.sum() < found.sum()
    plain = world_of(posting(small), "factual", 3)
    assert len(plain.state.demobilised) == 0 == len(demobilised_by_now(plain))


def opinion_of(frames, arm, **sizes):
    o = frames["opinion"].astype({"arm": str, "candidate": str})
    keep = o["arm"] == arm
    for axis in ("persuasion_pp", "mobilisation_pp", "demobilisation_pp"):
        keep &= o[axis] == sizes.get(axis, 0)
    return o[keep].set_index("candidate")


def test_the_opinion_layer_reads_demobilisation(small):
    """Nothing but the opinion layer knows: all other tables are the same bits; supporters of the candidate are put off."""
    frames = {}
    for off in (False, True):
        kinds = [{**PUT_OFF[0], "demobilising": off}]
        scenario = changed(posting(small, posts=kinds), opinion={"enabled": True, "confidence_radius": assumed(10.0)})
        frames[off] = frames_of(scenario)
    others = [{n: f for n, f in one.items() if n != "opinion"} for one in frames.values()]
    assert controls.same(*others)
    none, some = (opinion_of(one, "factual", demobilisation_pp=0.4) for one in frames.values())
    shown = exposures(frames[True], "factual")
    p = frames[True]["provenance"].astype({"arm": str, "kind": str})
    posts = p[(p["arm"] == "factual") & (p["kind"] == "bot")]["impressions"].sum()
    assert none["putting_off_counted"]["ada"] == shown["ada", "critical"]
    assert some["putting_off_counted"]["ada"] == shown["ada", "critical"] + posts and posts > 100
    assert some["putting_off_counted"]["ben"] == none["putting_off_counted"]["ben"]
    assert some["vote_share"]["ada"] < none["vote_share"]["ada"] and some["turnout"]["ada"] < none["turnout"]["ada"]
    for sizes in ({}, {"persuasion_pp": 2.0}, {"mobilisation_pp": 0.4}):
        one, other = (opinion_of(f, "factual", **sizes) for f in frames.values())
        assert one["vote_share"].equals(other["vote_share"])
    one, other = (opinion_of(f, "counterfactual", demobilisation_pp=0.4) for f in frames.values())
    assert one.equals(other)


def test_put_off_in_the_summary(small, tmp_path):
    """Zero at zero; the put off lose, and the page says what was read."""
    scenario = changed(posting(small, posts=PUT_OFF), opinion={"enabled": True, "confidence_radius": assumed(10.0)}, run={"replicates": 2})  # fmt: skip
    opinion = run(scenario, out=tmp_path / "r", workers=1).summary["opinion"]
    effects = {(e["effect"], e["effect_pp"]): {row["id"]: row for row in e["candidates"]} for e in opinion["effects"]}
    assert effects["demobilisation", 0.0]["ada"]["swing_pp"] == 0 > effects["demobilisation", 0.4]["ada"]["swing_pp"]
    assert opinion["added_putting_off"]["ada"] > 0.1 and list(opinion["added_putting_off"]) == ["ada", "ben", "eva"]


# ---- settings ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.randoms())
@settings(max_examples=50)
def test_shares_add_up_whatever_the_order(weights, random):
    """After draws the shares are one again, bit for bit the same in any order of the list."""
    kinds = [PostKind(id=f"k{n}", share=assumed(w / 9)) for n, w in enumerate(weights)]
    mixed = list(kinds)
    random.shuffle(mixed)
    one, other = ({k.id: k.share.value for k in rescaled(some)} for some in (kinds, mixed))
    assert one == other and sum(one.values()) == pytest.approx(1)


def test_ranges_of_shares_are_drawn(small):
    span = Quantity(value=0.5, range=(0.1, 0.9))
    kinds = [PostKind(id="own", share=span), PostKind(id="attack", about="rivals", stance="critical", share=span)]
    scenario = with_campaigns(small, [posting(small).campaigns[0].model_copy(update={"posts": kinds})])
    drawn = [realise(scenario, 5, r).campaigns[0].posts for r in range(20)]
    assert all(sum(k.share.value for k in one) == pytest.approx(1) for one in drawn)
    assert len({one[0].share.value for one in drawn}) == 20
    # A parameter set replaces one share, and the rest makes room.
    member = {f"campaigns.{scenario.campaigns[0].id}.posts.attack.share": 1.5}
    ensemble = Ensemble(name="e", members=[member])
    placed = realise(changed(scenario, run={"ensemble": ensemble}), 5, 0, True).campaigns[0].posts
    assert [k.share.value for k in placed] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"posts": []}, "got no kind of posts"),
        ({"posts": [{"id": "a", "share": 0.5}]}, "got post shares that add up to 0.5, must add up to 1"),
        ({"posts": [{"id": "a", "share": 0.5}, {"id": "a", "share": 0.5}]}, "got id 'a' twice; each must be different"),
        ({"posts": [{"id": "a", "about": "adda"}]}, "got unknown candidate 'adda'; allowed: own, rivals, ada, ben, eva; did you mean 'ada'?"),
        ({"posts": [{"id": "a", "stance": "critcal"}]}, "did you mean 'critical'?"),
        ({"posts": [{"id": "a", "stanze": "critical"}]}, "did you mean 'stance'?"),
        ({"regions": {"nort": 0.5}}, "got unknown name 'nort'; allowed: north, south; did you mean 'north'?"),
        ({"regions": {"north": 0.7, "south": 0.7}}, "got region shares that add up to 1.4, must be at most 1"),
        ({"languages": {"ab": 1}}, "got unknown name 'ab'; allowed: aa; did you mean 'aa'?"),
    ],
)  # fmt: skip
def test_bad_settings(small, fields, message):
    raw = _plain(small)
    raw["campaigns"][0].update(fields)
    with pytest.raises(InputError) as error:
        parse(raw)
    assert message in str(error.value) and "campaigns" in str(error.value) and "\n" not in str(error.value)


def test_a_candidate_is_no_word_of_posts(small):
    raw = _plain(small)
    raw["candidates"][0].update(id="rivals", key="ada")
    with pytest.raises(InputError, match="got id 'rivals', a word of posts"):
        parse(raw)
    with pytest.raises(ValidationError, match="stance"):
        Impersonation.model_validate({**_plain(impersonation(small).campaigns[0]), "stance": "critical"})


def test_the_example_of_the_docs(small):
    """Every campaign that docs/campaigns.md writes out is valid, and the one with posts says what the page says."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "campaigns.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block)["campaigns"] for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    assert len(blocks) == 2
    for campaigns in blocks:
        for one in campaigns:
            first = -8  # the example of advertisements is of a longer run
            one["start"] = max(one["start"], first)
        made = parse({**_plain(small), "campaigns": campaigns}).campaigns
        if made[0].type == "bot_network":
            assert [(k.about, k.stance, k.demobilising, k.share.value) for k in made[0].posts] == [
                ("own", "supportive", False, 0.5), ("rivals", "critical", False, 0.3), ("ada", "neutral", True, 0.2),
            ]  # fmt: skip
