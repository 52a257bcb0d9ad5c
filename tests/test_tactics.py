"""Each tactic does what it says and nothing else; any mix keeps the invariants."""

import numpy as np
import pytest
from campaign_mixes import mixes, with_campaigns
from helpers import changed, frames_of, world_of
from hypothesis import given, settings
from pydantic import ValidationError
from test_acts import logged, of_log
from test_arms import rows

from recsim.agents.cases import ACCOUNT
from recsim.agents.enforcement import account_effect
from recsim.agents.networks import make_roster
from recsim.audit import controls
from recsim.errors import InputError
from recsim.kernels.acts import POPULAR, RULES
from recsim.rng import Key
from recsim.scenario import realise
from recsim.scenario.campaigns import BotNetwork, Impersonation, PaidInfluencers, PurchasedEngagement, Volunteers
from recsim.scenario.moderation import Detector, Notice
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.scenario.references import check_references
from recsim.scenario.tactics import ATTACKS, TACTIC_SHARES, TARGET_SHARES
from recsim.state import BOT, IMPERSONATION, INFLUENCER, REPORT, VOLUNTEER
from recsim.world.arms import COUNTERFACTUAL, DOORS, FACTUAL, Arm
from recsim.world.networks import TACTICS, find_targets, make_network
from recsim.world.pair import simulate_arms
from recsim.world.plan import make_plan
from recsim.world.register import Register
from recsim.world.rollback import roll_back
from recsim.world.world import World

TABLES = ("exposure", "provenance", "engagement", "campaigns", "followers", "facts", "reach")


def bots(small, number="network", **fields):
    """The small scenario with one bot network."""
    made = {
        "id": number, "beneficiary": "eva", "start": -3, "accounts": 2000, "actions_per_day": 30,
        "tactics": {"like": 1}, **fields,
    }  # fmt: skip
    return with_campaigns(small, [BotNetwork.model_validate(made)])


def only(tactic, names=TACTIC_SHARES):
    return {name: float(name == tactic) for name in names}


def arms_of(scenario, *arms):
    return simulate_arms(realise(scenario, scenario.run.seed, 0), 0, arms).frames


def same(frames, one, other):
    def equal(a, b):
        return len(a) == len(b) and (a.empty or a.equals(b))

    return all(equal(rows(frames, name, one), rows(frames, name, other)) for name in TABLES)


@pytest.mark.parametrize("tactic", [*TACTIC_SHARES, "camouflage"])
def test_each_tactic_alone(small, tactic):
    """Dose 0, a tactic switched off and a removal on the first day are bitwise the world without the campaign."""
    camouflage = {"camouflage_share": 1} if tactic == "camouflage" else {"tactics": only(tactic)}
    scenario = bots(small, **camouflage)
    ok, note = controls.zero_dose(scenario)
    assert ok, note
    off = Arm("off", tactics=frozenset(TACTICS) - {tactic})
    alone = Arm("alone", tactics=frozenset({tactic}))
    first_day = Arm("removed", removal_day=-3)
    frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL, off, alone, first_day)
    assert same(frames, "off", "counterfactual") and same(frames, "removed", "counterfactual")
    assert same(frames, "alone", "factual") and not same(frames, "factual", "counterfactual")
    moved = frames["engagement"]
    moved = moved[(moved["origin"].astype(str) == "inauthentic") & (moved["arm"].astype(str) == "factual")]
    expected = {"watch": set(), "search": set(), "camouflage": {"like"}}.get(tactic, {tactic})
    views = set() if tactic == "follow" else {"view", "complete"}
    assert set(moved[moved["count"] > 0]["action"].astype(str)) == views | expected
    assert set(frames["campaigns"]["tactic"]) == {tactic}


def watched(scenario, reviewed=False, **parameters):
    """With a detector that looks once a day, so that the platform keeps a register; it finds nobody unless told to."""
    values = {"recall": 0.0, "false_positive_rate": 0.0, **parameters}
    one = Detector(id="d", kind="noise", reviewed=reviewed, parameters={k: assumed(v) for k, v in values.items()})
    return changed(scenario, moderation={"detectors": [one]})


def share_of(frames, candidate, arm):
    e = frames["exposure"]
    e = e[e["arm"].astype(str) == arm]
    return e[e["candidate"].astype(str) == candidate]["impressions"].sum() / e["impressions"].sum()


@pytest.mark.slow
def test_reports_lower_rivals_where_a_policy_reads_them(small):
    """Reported items fall under policies that read reports, and not at all under one that does not."""
    scenario = bots(small, tactics=only("report"), views_per_action=0, actions_per_day=60)
    shift = {}
    for policy in ("reddit_best", "x_2023_04", "popular_decayed"):
        frames = frames_of(changed(scenario, platform={"policy": policy, "parameters": {}}))
        shift[policy] = share_of(frames, "eva", "factual") - share_of(frames, "eva", "counterfactual")
    assert shift["reddit_best"] > 0.1 and shift["x_2023_04"] > 0.03 and shift["popular_decayed"] == 0


def test_searches_lead_to_the_beneficiary(small):
    """Whoever searches for a rival is shown the beneficiary's items; other doors stay as they were at first."""
    scenario = bots(small, tactics=only("search"), views_per_action=0)
    scenario = changed(scenario, activity={"search_share": assumed(0.3)})
    frames = frames_of(scenario)
    p = frames["provenance"]
    p = p[(p["source"].astype(str) == "search") & (p["candidate"].astype(str) == "eva")]
    found = p.groupby(p["arm"].astype(str))["impressions"].sum()
    assert found["factual"] > 1.5 * found["counterfactual"]
    world = world_of(scenario, arm="factual", steps=0)
    world.run_until(world.plan.steps)
    names = [c.id for c in world.plan.candidates]
    eva, labels, pools = names.index("eva"), world.state.items.labels, world.feed.pools
    for c, name in enumerate(names):
        about = labels.candidate[pools.entry[c, : pools.entry_count[c]]]
        assert (about == eva).any() and (name == "eva" or set(about) <= {c, eva})
    assert world.state.sought[eva].max() == 0  # nobody searches for the beneficiary


def test_bursts_and_hours(small):
    """The mean of a day stays; bursts put it into few steps, all of them within the hours."""
    from recsim.agents.networks import day_share

    plan = make_plan(bots(small, burst_share=0.8, bursts_per_day=2, hours=[8, 20]))
    network, key = make_network(plan, plan.campaigns[0]), Key(3, 0)
    spd = plan.steps_per_day
    table = np.array([[day_share(network, key, d * spd + s) for s in range(spd)] for d in range(200)])
    assert table.sum(axis=1) == pytest.approx(1)
    assert np.all(table[:, network.hour_share == 0] == 0)
    assert np.all((table >= 0.39).sum(axis=1) <= 2) and table.max() > 0.8
    assert table.mean(axis=0) == pytest.approx(network.hour_share, abs=0.06)


def test_targets_follow_their_rules(small):
    """What the log says about each rule: whose items, how young, of which topic, how popular."""
    hit = {}
    for rule in TARGET_SHARES:
        fields = {
            "targets": only(rule, TARGET_SHARES),
            "segment_topic": 3,
            "views_per_action": 0,
            "actions_per_day": 120,
        }
        world = world_of(bots(small, **fields), "factual", 0)
        world.run_until(world.plan.steps)
        table = logged(world.networks[0].roster)
        items, eva = world.state.items, [c.id for c in world.plan.candidates].index("eva")
        item = table[:, 1]
        hit[rule] = {
            "own": np.mean(items.labels.candidate[item] == eva), "none": np.mean(items.labels.candidate[item] < 0),
            "segment": np.mean(items.primary[item] == 3), "age": np.mean(table[:, 4] - items.created[item]),
            "items": len(np.unique(item)) / len(item), "critical": np.mean(items.labels.stance[item] < 0),
            "views": np.mean(world.state.counters.human[item, 0]), "count": len(item),
        }  # fmt: skip
    assert all(h["count"] > 100 for h in hit.values())
    assert hit["own"]["own"] == hit["trial"]["own"] == 1 and hit["own"]["critical"] == hit["trial"]["critical"] == 0
    assert hit["rivals"]["own"] == hit["rivals"]["none"] == 0 and hit["popular"]["none"] == 1
    assert hit["segment"]["segment"] == 1 and hit["random"]["segment"] < 0.5
    assert 0 < hit["random"]["own"] < 0.5 < hit["random"]["none"] < 1
    assert hit["trial"]["age"] < 0.6 * hit["own"]["age"]
    assert hit["popular"]["views"] > 1.2 * hit["random"]["views"]


def test_items_under_trial_are_found_by_their_age_in_hours(small):
    """The same hours have the same weights, however long a step is."""
    weights = {}
    for hours in (1, 4):
        scenario = bots(small, targets=only("trial", TARGET_SHARES))
        scenario = changed(scenario, run={"step_hours": hours}, content={"items_per_day": 1200})
        world = world_of(scenario, "factual", 0)
        state, network, step = world.state, world.networks[0].network, world.plan.steps - 1
        start, end = int(state.born[step - 24 // hours]), int(state.born[step + 1])
        targets = find_targets(world.plan, state, network, step, start, end, False)
        part = slice(*targets.start[RULES.index("trial") :][:2])
        age = (step - state.items.created[targets.item[part]]) * hours
        weight = np.diff(targets.edge[part], prepend=0)
        weights[hours] = {int(a): set(weight[age == a].tolist()) for a in np.unique(age)}
    for hours, found in weights.items():
        assert sum(age < 16 for age in found) >= 12 // hours
        assert found == {age: {2 ** (16 - min(age, 16))} for age in found}


def test_a_budget_ends_the_work(small):
    """Half the money buys about half the likes, and never more than it pays for."""
    done = {}
    for budget in (None, 200.0, 100.0):
        scenario = bots(small, budget_eur=budget, costs={"like": 0.01, "account": 0.01}, camouflage_share=0.3)
        frames = frames_of(scenario)
        done[budget] = frames["campaigns"]["attempted"].sum() / scenario.population.scale
    assert done[None] > 50_000
    assert 16_000 < done[200.0] <= (200 - 20) / 0.01 and 6_000 < done[100.0] <= (100 - 20) / 0.01


def posting(small, **fields):
    """The small scenario, with bots that post much and do nothing else."""
    fields = {
        "posts_per_day": 2,
        "actions_per_day": 0,
        "followers_per_account": 300,
        "costs": {"account": 0.5},
        **fields,
    }
    return bots(small, **fields)


def impersonation(small, **fields):
    made = {
        "id": "murky", "type": "impersonation", "beneficiary": "eva", "start": -3, "accounts": 300, "births_per_day": 200,
        "lifetime_days": 1.0, "posts_per_day": 4, "followers_mean": 400, **fields,
    }  # fmt: skip
    return with_campaigns(small, [Impersonation.model_validate(made)])


def shown(frames, kind, arm, source=None):
    p = frames["provenance"]
    p = p[(p["kind"].astype(str) == kind) & (p["arm"].astype(str) == arm)]
    return int((p if source is None else p[p["source"].astype(str) == source])["impressions"].sum())


@pytest.mark.parametrize("make, kind", [(posting, "bot"), (impersonation, "impersonation")])
def test_posts_of_false_accounts(small, make, kind):
    """They enter with the campaign, reach followers' inboxes, and leave no trace without it or if removed at once."""
    scenario = make(small)
    ok, note = controls.zero_dose(scenario)
    assert ok, note
    arms = {"removed": Arm("removed", removal_day=-3), "late": Arm("late", removal_day=-1)}
    arms["off"] = Arm("off", tactics=frozenset(TACTICS))
    frames = arms_of(scenario, FACTUAL, COUNTERFACTUAL, *arms.values())
    assert same(frames, "removed", "counterfactual") and same(frames, "off", "counterfactual")
    assert shown(frames, kind, "factual") > 100 and shown(frames, kind, "factual", "inbox") > 3
    assert shown(frames, kind, "counterfactual") == 0 < shown(frames, kind, "late") < shown(frames, kind, "factual")
    last = frames["provenance"]
    last = last[(last["arm"].astype(str) == "late") & (last["kind"].astype(str) == kind)]
    assert last["day"].min() == -3 and last["day"].max() == -2
    alone = simulate_arms(realise(scenario, scenario.run.seed, 0), 0, [arms["late"]]).frames
    assert all(rows(alone, t, "late").equals(rows(frames, t, "late")) for t in TABLES if len(rows(alone, t, "late")))
    ids = []
    for dose in (0.5, 1):
        items = world_of(make(small, dose=dose), steps=0).state.scheduled
        ids.append(set(items.id[items.labels.present & (items.labels.campaign == 0)].tolist()))
    assert ids[0] < ids[1] and len(ids[0]) / len(ids[1]) == pytest.approx(0.5, abs=0.1)


def test_copies_are_alike(small):
    """Variation 0: all posts are the template; 1: they spread like other items; the spread grows between."""
    spread = []
    for variation in (0, 0.5, 1):
        state = world_of(posting(small, post_variation=variation), steps=0).state
        mine = state.scheduled.labels.kind == BOT
        spread.append((state.scheduled.quality[mine].std(), len(np.unique(state.scheduled.secondary[mine]))))
    assert spread[0] == (pytest.approx(0, abs=1e-6), 1) and 0.4 < spread[1][0] / spread[2][0] < 0.6
    assert 1 < spread[1][1] <= spread[2][1]


def test_false_accounts_come_and_go(small):
    """Births are spread over the campaign; an account posts, and its posts are there, only while it exists."""
    world = world_of(impersonation(small, lifetime_days=0.7), "factual", 0)
    state, plan = world.state, world.plan
    mine = np.flatnonzero(state.scheduled.labels.kind == IMPERSONATION)
    created, gone = state.scheduled.created[mine], state.vanishes[mine]
    assert np.all(created < gone) and len(np.unique(gone)) > 5
    first, last = created.min(), created.max()
    assert last - first > 2.5 * plan.steps_per_day
    world.run_until(plan.steps - 1)
    there = world.state.items.labels.present[mine]
    assert not there[(gone < world.now) & (created >= world.window[0])].any() and there[gone > world.now].all()
    assert (gone < world.now).any() and (gone > world.now).any()
    steady = impersonation(small, births_per_day=0, lifetime_days=1e9, accounts=1100)
    assert (world_of(steady, "factual", 0).state.scheduled.labels.kind == IMPERSONATION).sum() > 2 * len(mine)


def test_removed_bots_lose_their_posts(small):
    """An account that moderation takes away is gone with everything it posted."""
    world = world_of(posting(small), "factual", 0)
    world.run_until(world.plan.steps - 6)
    live = slice(*world.window)
    labels, poster = world.state.items.labels, world.state.poster[live]
    mine = (labels.kind[live] == BOT) & labels.present[live] & (world.state.items.created[live] < world.now)
    gone = mine & (poster % 2 == 0)
    assert gone.any() and (mine & ~gone).any()
    world.networks[0].roster.active[::2] = False
    world.step()
    present = world.state.items.labels.present[live]
    assert not present[gone].any() and present[mine & ~gone].all()
    inbox = world.state.observed.inbox
    assert not np.isin(inbox, np.flatnonzero(gone) + live.start).any()


def test_a_hijacked_campaign(small):
    """Posts that are not turned stay with the payer's candidate; disclosed posts say so."""
    made = {
        "id": "paid", "type": "paid_influencers", "beneficiary": "eva", "payer_candidate": "ada", "start": -3,
        "influencers": 4000, "followers_mean": 5000, "posts_per_influencer": 3,
    }  # fmt: skip
    for share in (0.0, 0.3, 1.0):
        fields = {**made, "hijacked_share": share, "disclosed_share": 0.25}
        world = world_of(with_campaigns(small, [PaidInfluencers.model_validate(fields)]), "factual", 0)
        labels, names = world.state.items.labels, [c.id for c in world.plan.candidates]
        mine = labels.kind == INFLUENCER
        assert mine.sum() > 200
        assert np.mean(labels.candidate[mine] == names.index("eva")) == pytest.approx(share, abs=0.09)
        assert np.all(np.isin(labels.candidate[mine], [names.index("eva"), names.index("ada")]))
        assert labels.disclosed[mine].mean() == pytest.approx(0.25, abs=0.09) and not labels.disclosed[~mine].any()
        assert not world.state.replaced.labels.disclosed.any()
    broken = PaidInfluencers.model_validate({**made, "payer_candidate": "adda"})
    with pytest.raises(InputError, match="unknown candidate 'adda'.*did you mean 'ada'"):
        check_references(with_campaigns(small, [broken]), lambda path, text: InputError(text, ".".join(map(str, path))))


def test_removed_accounts_are_replaced(small):
    """New accounts come after the delay, as many as the share and the money say, and are new."""
    fields = {"replacement_share": 0.5, "replacement_days": 1, "costs": {"account": 0.1}, "actions_per_day": 60}
    scenario = bots(small, **fields)
    idle = Detector(id="idle", kind="noise", parameters={n: assumed(0.0) for n in ("recall", "false_positive_rate")})
    scenario = changed(scenario, moderation={"network_removal_days": assumed(1.0), "detectors": [idle]})
    world = world_of(scenario, "factual", 0)
    network, spd = world.networks[0].network, world.plan.steps_per_day
    world.run_until(world.plan.steps)
    roster = world.networks[0].roster
    table = logged(roster)
    old = table[:, 0] < 2000
    removal = network.first_step + spd
    assert table[old, 4].min() == network.first_step + 2 and table[old, 4].max() == removal - 1
    assert table[~old, 4].min() >= removal + spd and (~old).sum() > 20
    assert not roster.active[:2000].any() and roster.active[2000:].mean() == pytest.approx(0.5, abs=0.05)
    made = roster.active[2000:]
    assert set(roster.age_days[2000:][made] * spd) == {-float(removal + spd)} and not roster.aged.any()
    assert roster.purse[0] == 100_000 * (2000 + made.sum())
    bought = world.record.campaigns().set_index("tactic")["spend_eur"]
    assert bought["account"].sum() == pytest.approx(0.1 * made.sum())
    # Detectors see new accounts as new, and what they find of them as found.
    register = Register(world)
    mine = slice(register.first[0], None)
    new = np.unique(register.groups[0][2000:][made])
    assert set(register.created[mine][new[1:]].tolist()) == {removal + spd}
    assert register.acting()[mine][new].all()
    short = make_plan(bots(small, **fields, budget_eur=210)).campaigns[0]
    assert short.affordable(1.0) == 2000
    world = world_of(
        changed(bots(small, **fields, budget_eur=210), moderation={"network_removal_days": assumed(1.0)}), "factual", 0
    )
    world.run_until(world.plan.steps)
    assert world.networks[0].roster.active.sum() == 100 and world.networks[0].roster.purse[0] == 210_000_000
    gone = arms_of(scenario, COUNTERFACTUAL, Arm("removed", removal_day=-3))
    assert same(gone, "removed", "counterfactual")


@pytest.mark.parametrize("replacement", [0, 0.5])
def test_no_dose_is_the_counterfactual_after_a_removal_too(small, replacement):
    """Nothing is removed from a network without accounts, and its sleepers go on as in the world without it."""
    fields = {"aged_share": 1, "dormant_activity": 0.5, "replacement_share": replacement}
    scenario = changed(bots(small, **fields), moderation={"network_removal_days": assumed(2.0)})
    ok, note = controls.zero_dose(scenario)
    assert ok, note
    assert len(frames_of(scenario)["moderation"]) == 1


def test_sanctions_leave_accounts_alone_that_do_not_exist(small):
    """Accounts that wait to replace others are neither named nor sanctioned, and an appeal does not bring them in."""
    world = world_of(watched(bots(small, replacement_share=1)), "factual", 0)
    register, roster = Register(world), world.networks[0].roster
    notice = Notice(id="n", day=-2, campaign="network")
    everybody = register.subject[register.people :]
    named = register.named(notice, ACCOUNT)
    assert len(everybody) == 4 and len(named) == 2
    remove = account_effect("remove", "none", 0.0)
    register.sanction(register.place(everybody), remove)
    assert not roster.active.any() and not roster.trust[:2000].any() and (roster.trust[2000:] == 1).all()
    register.release(register.place(everybody))
    assert np.array_equal(roster.active, roster.joined) and (roster.trust == 1).all()


@pytest.mark.parametrize("accounts", [300, 2500])
def test_accounts_that_replace_others_are_judged_by_themselves(small, accounts):
    """However many accounts stand together for a real one: what was found out about the first says nothing about them."""
    world = world_of(watched(bots(small, accounts=accounts, replacement_share=1)), "factual", 0)
    (agent,), register = world.networks, Register(world)
    roster, first = agent.roster, register.first[0]
    assert accounts * world.plan.scale % 1 and len(agent.entry) == 2 * accounts
    assert not set(agent.entry[:accounts]) & set(agent.entry[accounts:])
    remove = account_effect("remove", "none", 0.0)
    register.sanction(first + np.unique(agent.entry[:accounts]), remove)
    roster.joined[accounts:] = roster.active[accounts:] = True
    assert (roster.trust[accounts:] == 1).all() and register.there()[register.people :].sum() == agent.entry[
        -1
    ] - agent.entry[accounts - 1]
    register.sanction(first + np.unique(agent.entry[accounts:]), remove)
    assert not roster.active.any() and not roster.trust.any() and not register.there()[register.people :].any()


def test_a_captcha_that_nobody_solves_removes_nobody(small):
    world = world_of(watched(bots(small, replacement_share=1, replacement_days=0)), "factual", 0)
    register, roster = Register(world), world.networks[0].roster
    register.sanction(register.place(register.subject[register.people :]), account_effect("captcha", "none", 0.0))
    assert roster.active[:2000].all() and roster.idle[:2000].all() and register.there()[register.people :][:2].all()


def test_a_captcha_holds_accounts_up_and_does_not_remove_them(small):
    """A part does nothing; their posts stay, nobody replaces them, and they go on when it ends."""
    world = world_of(watched(bots(small, replacement_share=1, replacement_days=0, posts_per_day=2)), "factual", 0)
    network, roster, register = world.networks[0].network, world.networks[0].roster, Register(world)
    world.run_until(network.first_step + 4)
    mine = register.place(register.subject[register.people :])
    register.sanction(mine, account_effect("captcha", "none", 0.25))
    held = roster.idle.copy()
    assert held[:2000].mean() == pytest.approx(0.75, abs=0.03)
    before = world.now
    world.run_until(before + 4)
    rows = logged(roster)
    rows = rows[rows[:, 4] >= before]
    assert len(rows) and not held[rows[:, 0]].any() and not roster.joined[2000:].any()
    assert not world.state.down.any() and not world.state.away.any()
    register.release(mine)
    assert not roster.idle.any() and np.array_equal(roster.active, roster.joined)


def test_who_is_released_in_time_is_not_replaced(small):
    world = world_of(watched(bots(small, replacement_share=1, replacement_days=1)), "factual", 0)
    roster, register = world.networks[0].roster, Register(world)
    world.run_until(world.networks[0].network.first_step + 2)
    mine = register.place(register.subject[register.people :])
    register.sanction(mine, account_effect("remove", "none", 0.0))
    world.run_until(world.now + 2)
    register.release(mine)
    world.run_until(world.plan.steps)
    assert roster.active[:2000].all() and not roster.joined[2000:].any()


def test_the_oracle_lets_nobody_be_replaced(small):
    """With perfect recall the upper bound is the world without the network, however fast it replaces its accounts."""
    fields = {"replacement_share": 1, "replacement_days": 0, "actions_per_day": 60}
    scenario = changed(bots(small, **fields), platform={"mitigations": [MitigationUse(kind="oracle_removal")]})
    world = world_of(scenario, "factual", 0)
    world.run_until(world.plan.steps)
    assert not world.networks[0].roster.log and not world.networks[0].roster.active.any()


def test_genuine_posts_that_an_oracle_takes_are_counted(small):
    """Volunteers are real: what goes with those whom it takes for bots is a loss of genuine creators, without moderation too."""

    def lost(precision):
        oracle = MitigationUse(kind="oracle_removal", parameters={"precision": assumed(precision)})
        busy = [*bots(small, accounts=20_000).campaigns, supporters()]
        world = world_of(changed(with_campaigns(small, busy), platform={"mitigations": [oracle]}), "factual", 0)
        world.run_until(world.plan.steps)
        table = world.record.table("held")
        return table["withdrawn"].sum(), table["item_steps"].sum()

    (none, live), (some, as_many) = lost(1.0), lost(0.2)
    assert none == 0 < some < as_many and live > 0


def test_removed_networks_are_not_looked_for(small):
    """Accounts that a network has lost are neither missed by a detector nor brought before reviewers."""
    scenario = changed(watched(bots(small), True, recall=1.0), moderation={"network_removal_days": assumed(1.0)})
    world = world_of(scenario, "factual", 0)
    removal = world.networks[0].network.removal_step
    world.run_until(removal)
    register = world.moderation.register
    assert register.acting().sum() == 0 and not register.there()[register.people :].any()
    frames = frames_of(scenario)["detections"]
    mine = frames[frames["arm"].astype(str) == "factual"]
    assert set(mine[mine["inauthentic"] > 0]["day"]) == {-3} == set(mine[mine["flagged"] > 0]["day"])


def test_detectors_see_follows_of_official_accounts(small):
    """A network that does nothing but follow is in the log, on a target that nothing else has."""
    scenario = watched(bots(small, tactics={"follow": 1}), recall=1.0)
    world = world_of(scenario, "factual", 0)
    world.run_until(world.networks[0].network.first_step + 8)
    log = Register(world).log([], 0)
    assert len(log.item) and set(log.item.tolist()) == {
        len(world.state.items.id) + world.networks[0].network.beneficiary
    }
    found = frames_of(scenario)["detections"]
    assert found["inauthentic_flagged"].sum() > 0


def test_a_notice_about_accounts_that_nobody_has(small):
    """Bought follows come from no accounts of the simulation: nothing happens."""
    bought = PurchasedEngagement.model_validate({"id": "b", "beneficiary": "eva", "start": -3, "follows": 3000})
    world = world_of(watched(with_campaigns(small, [bought])), "factual", 0)
    assert len(Register(world).named(Notice(id="n", day=-2, campaign="b"), ACCOUNT)) == 0
    frames = arms_of(with_campaigns(small, [bought]), FACTUAL, COUNTERFACTUAL, Arm("removed", removal_day=-3))
    assert same(frames, "removed", "counterfactual") and not same(frames, "factual", "counterfactual")


def test_disclosed_posts_break_no_rule(small):
    made = {"id": "paid", "beneficiary": "eva", "start": -3, "influencers": 4000, "followers_mean": 900}
    paid = PaidInfluencers.model_validate({**made, "disclosed_share": 0.4})
    world = world_of(watched(with_campaigns(small, [paid])), "factual", 0)
    labels = world.state.items.labels
    rows = np.flatnonzero(labels.kind == INFLUENCER)
    assert np.array_equal(Register(world).violates(rows), ~labels.disclosed[rows])
    assert 0 < labels.disclosed[rows].mean() < 1


def supporters(**fields):
    made = {"id": "h", "beneficiary": "eva", "start": -3, "volunteers": 3000, "posts_per_day": 2, **fields}
    return Volunteers.model_validate(made)


def test_accounts_of_volunteers_are_as_old_as_peoples(small):
    """They are people; bought likes come from accounts as old as the campaign says."""
    bought = {"id": "b", "beneficiary": "eva", "start": -3, "likes": 50000, "account_age_days": 700}
    scenario = with_campaigns(small, [supporters(), PurchasedEngagement.model_validate(bought)])
    scenario = changed(scenario, platform={"mitigations": [MitigationUse(kind="trust_weight")]})
    world = world_of(scenario, "factual", 1)
    old = {name: roster.age_days for name, roster in world.state.rosters.items()}
    assert old["h"].dtype == np.float32 and len(np.unique(old["h"])) > 2000 and set(old["b"].tolist()) == {700}
    assert old["h"].mean() == pytest.approx(world.plan.scenario.activity.account_age_days.value, rel=0.06)
    world.guard.weigh()
    people, theirs = world.state.observed.weight.mean(), world.state.rosters["h"].weight.mean()
    assert theirs == pytest.approx(people, rel=0.03) and theirs < 1000
    older = changed(scenario, activity={"account_age_days": assumed(3000.0)})
    ages = make_roster(make_network(make_plan(older), older.campaigns[0]), Key(0, 0)).age_days
    assert (ages > 3 * 365).mean() == pytest.approx(np.exp(-3 * 365 / 3000), abs=0.03)


@pytest.mark.parametrize("kind", [BOT, VOLUNTEER])
def test_posts_go_and_come_back_with_their_account(small, kind):
    """Whoever is removed has no posts any more, new ones neither; whoever is released has them all again."""
    scenario = (
        bots(small, posts_per_day=2, followers_per_account=300)
        if kind == BOT
        else with_campaigns(small, [supporters()])
    )
    world = world_of(watched(scenario), "factual", 0)
    world.run_until(world.networks[0].network.first_step + 8)
    register, roster, state = world.moderation.register, world.networks[0].roster, world.state

    def live():
        """Numbers of the last step's live posts, which of their accounts exist, and which of them are there."""
        start, end = live_before(world)
        rows = start + np.flatnonzero((state.items.labels.kind[start:end] == kind) & state.posted[start:end])
        return rows, roster.active[state.poster[rows]], state.items.labels.present[rows]

    rows, exists, there = live()
    assert len(rows) > 100 and exists.all() and there.all() and np.isin(state.observed.inbox, rows).any()
    half = register.place(register.subject[register.people :][::2])
    register.sanction(half, account_effect("remove", "none", 0.0))
    for _ in range(2):
        world.step()
        rows, exists, there = live()
        assert np.array_equal(there, exists) and 20 < exists.sum() < len(rows) - 20
        assert not np.isin(state.observed.inbox, rows[~exists]).any()
        assert np.isin(state.observed.inbox, rows[exists]).any()
    counted = world.feed.reach.items[:, 3].sum()
    assert counted > 20 if kind == VOLUNTEER else counted == 0  # what genuine creators lost
    gone = rows[~exists]
    register.release(half)
    world.step()
    rows, exists, there = live()
    assert exists.all() and there.all() and len(np.intersect1d(rows, gone)) > 10 and not state.down.any()
    assert not np.isin(state.observed.inbox, gone).any()  # they were delivered once
    fork = world.fork(FACTUAL, world.key, keep=True)
    assert np.array_equal(fork.state.items.labels.present, state.items.labels.present)


def test_a_removed_account_stays_removed_in_a_fork(small):
    world = world_of(watched(bots(small, posts_per_day=2)), "factual", 0)
    world.run_until(world.networks[0].network.first_step + 4)
    register = world.moderation.register
    register.sanction(register.place(register.subject[register.people :]), account_effect("remove", "none", 0.0))
    world.step()
    fork = world.fork(FACTUAL, world.key, keep=True)
    for one in (fork, world):
        assert one.state.away.any() and not one.state.items.labels.present[one.state.away].any()
    fork.moderation.register.release(register.place(register.subject[register.people :]))
    fork.step()
    world.step()
    assert not fork.state.away.any() and world.state.away.any()


def test_a_placebo_gives_nobody_followers_by_aim(small):
    """Follows are of those who posted what was drawn, bought ones of nobody; whoever sleeps does what he does without it."""
    bought = PurchasedEngagement.model_validate({"id": "b", "beneficiary": "eva", "start": -3, "follows": 30000})
    mix = {"like": 0.5, "follow": 0.5}
    scenario = with_campaigns(
        small, [*bots(small, tactics=mix, aged_share=0.5, dormant_activity=0.5).campaigns, bought]
    )
    scenario = changed(scenario, response={"follow_rate": assumed(1e-9)})
    new = {}
    for arm in (FACTUAL, COUNTERFACTUAL, Arm("placebo", placebo=True)):
        world = world_of(scenario, steps=0)
        world = World(world.plan, world.state, world.key, arm)
        start = world.state.accounts.followers.copy()
        world.run_until(world.plan.steps)
        new[arm.name] = world.state.accounts.followers - start
    plan, state = world.plan, world.state
    eva = state.accounts.official[[c.id for c in plan.candidates].index("eva")]
    assert new["factual"][eva] > 100 and new["counterfactual"].sum() == 0
    network, roster = (
        next(a.network for a in world.networks if a.network.campaign == "network"),
        state.rosters["network"],
    )
    rows, fake = logged(roster), logged(roster, fake=True)
    assert not (rows[:, 1] == -1).any() and (rows[:, 2] == 5).sum() == (rows[:, 1] < -1).sum() > 50
    follows = -2 - rows[rows[:, 1] < -1, 1]
    assert np.array_equal(new["placebo"], np.bincount(follows, minlength=len(start)))
    assert new["placebo"][eva] < 0.1 * len(follows) and len(set(follows.tolist())) > 10
    # Whoever sleeps likes what is popular and about nobody, as in the counterfactual; whoever is awake, anything.
    about = state.items.labels.candidate
    assert (about[fake[fake[:, 1] >= 0, 1]] >= 0).any() and len(rows) > len(fake) + 20
    mine, others = (find_targets(plan, state, network, world.now - 1, *live_before(world), p) for p in (True, False))
    asleep = mine.item[mine.start[mine.asleep] : mine.start[mine.asleep + 1]]
    assert np.array_equal(asleep, others.item[others.start[POPULAR] : others.start[POPULAR + 1]]) and len(asleep) > 20
    assert (about[asleep] < 0).all() and mine.asleep != POPULAR == others.asleep
    # Taken back, they are nobody's followers any more.
    everybody = np.ones(len(roster.active), bool)
    roll_back(state, network, roster, everybody, ~everybody, world.now - 1, 0.9)
    assert np.array_equal(state.accounts.followers, start)


def live_before(world):
    """Window of the last step of a world that has come to its end."""
    born = world.state.born
    return int(born[world.now - world.plan.lifetime]), int(born[world.now])


def test_detectors_see_whom_a_placebo_follows(small):
    world = world_of(watched(bots(small, tactics=only("follow"))), steps=0)
    world = World(world.plan, world.state, world.key, Arm("placebo", placebo=True))
    world.run_until(world.plan.steps)
    log = world.moderation.register.log([], 0)
    items, candidates = len(world.state.items.id), len(world.plan.candidates)
    rows = logged(world.networks[0].roster)
    assert len(log.item) == len(rows) > 50 and len(set(log.item.tolist())) > 5
    assert np.array_equal(np.sort(log.item), np.sort(items + candidates - 2 - rows[:, 1]))


def test_more_volunteers_leave_others_who_they_are(small):
    """Their own dose gives nobody else another author's number, and so another region and other followers."""

    def authors(dose):
        made = [
            Volunteers.model_validate({"id": "a", "beneficiary": "eva", "start": -3, "volunteers": 10, "posts_per_day": 3, "dose": dose}),
            BotNetwork.model_validate({"id": "b", "beneficiary": "eva", "start": -3, "accounts": 20, "actions_per_day": 1, "posts_per_day": 5, "tactics": {"like": 1}}),
        ]  # fmt: skip
        state = world_of(with_campaigns(small, made), "factual", 0).state
        of_bots = state.items.labels.kind == BOT
        return np.unique(state.items.author[of_bots]).tolist()

    assert authors(1) == authors(3) == authors(0.4) and len(authors(1)) > 3


def test_volunteers_teach_the_policy_whoever_sees_fake_counts(small):
    """The door "learning" is about inauthentic events alone."""
    helpers = Volunteers.model_validate({"id": "h", "beneficiary": "eva", "start": -3, "volunteers": 4000, "posts_per_day": 0, "likes_per_day": 40})  # fmt: skip
    scenario = changed(with_campaigns(small, [helpers]), platform={"policy": "itemknn", "parameters": {}})
    world = world_of(scenario, steps=0)
    closed = World(world.plan, world.state, world.key, Arm("closed", doors=frozenset(DOORS) - {"learning"}))
    closed.run_until(closed.plan.steps)
    assert (np.concatenate(closed.state.memory.log)[:, 0] >= closed.plan.people).any()


def test_what_a_search_brought_up_can_be_anything(small):
    """Items about nobody appear in results, too, once they were picked after searches."""
    scenario = bots(small, tactics=only("search"), targets=only("popular", TARGET_SHARES), actions_per_day=60)
    world = world_of(scenario, "factual", 0)
    world.run_until(world.plan.steps)
    pools, labels = world.feed.pools, world.state.items.labels
    shown = np.concatenate([pools.entry[c, : pools.entry_count[c]] for c in range(len(world.plan.candidates))])
    assert (labels.candidate[shown] < 0).any()


def test_classical_attacks(small):
    """About half of each profile pushes the beneficiary's items; the other half is what the attack is named after."""
    spread, views = {}, {}
    for name in ATTACKS:
        made = {"id": "n", "beneficiary": "eva", "start": -3, "accounts": 2000, "actions_per_day": 150, "attack": name}
        campaign = BotNetwork.model_validate({**made, "segment_topic": 3, "views_per_action": 0})
        scenario = changed(with_campaigns(small, [campaign]), moderation={"prevented_share": assumed(0.0)})
        world = world_of(scenario, "factual", 0)
        world.run_until(world.plan.steps)
        table, items = logged(world.networks[0].roster), world.state.items
        own = items.labels.candidate[table[:, 1]] == [c.id for c in world.plan.candidates].index("eva")
        filler = table[~own, 1]
        assert len(table) > 800 and 0.4 < own.mean() < 0.6
        hates = (table[:, 2] == REPORT).mean()
        assert (0.4 < hates < 0.6) if name == "love_hate" else hates == 0
        assert name != "love_hate" or np.all(table[~own, 2] == REPORT)
        about = items.labels.candidate[filler] >= 0
        assert (about.mean() > 0.02) == (name in ("random", "bandwagon", "love_hate"))
        assert (len(np.unique(items.primary[filler])) == 1) == (name == "segment")
        spread[name] = len(np.unique(filler)) / len(filler)
        views[name] = world.state.counters.human[filler, 0].mean()
    # The filler of an average attack is drawn by views, that of a random one is not; a bandwagon has both.
    assert views["random"] * 1.1 < views["bandwagon"] < views["average"]
    assert spread["segment"] < spread["average"] < spread["bandwagon"] < spread["random"] and spread["love_hate"] > 0.4


def test_a_topic_must_exist(small):
    with pytest.raises(InputError, match=r"campaigns.0.segment_topic.*got topic 8, must be 0 to 7"):
        check_references(bots(small, segment_topic=8), lambda path, text: InputError(text, ".".join(map(str, path))))


def test_attacks_are_named(small):
    made = {"id": "n", "beneficiary": "eva", "start": -3, "accounts": 2000, "actions_per_day": 100}
    with pytest.raises(ValidationError, match="unknown attack 'bandwaggon'.*did you mean 'bandwagon'"):
        BotNetwork.model_validate({**made, "attack": "bandwaggon"})
    with pytest.raises(ValidationError, match="got attack 'random' and tactics"):
        BotNetwork.model_validate({**made, "attack": "random", "tactics": {"like": 1}})


@pytest.mark.slow
@settings(max_examples=12)
@given(campaigns=mixes())
def test_any_mix_keeps_the_invariants(small, campaigns):
    """Zero dose is bitwise zero, lists and threads do not matter, counters are people and log, budgets hold."""
    scenario = changed(with_campaigns(small, campaigns), population={"scale": small.population.scale / 3})
    for control in (controls.zero_dose, controls.reordered, controls.threads, controls.exchanged):
        if control is controls.zero_dose and all(c.counterfactual == "kept" for c in campaigns):
            continue
        ok, note = control(scenario)
        assert ok, f"{control.__name__}: {note}"
    removable = [c for c in campaigns if c.counterfactual != "kept"]
    if removable and not any(
        c.type == "paid_influencers" or getattr(c, "aged_share", assumed(0)).value for c in campaigns
    ):
        first = min(c.start for c in removable)
        frames = arms_of(scenario, COUNTERFACTUAL, Arm("removed", removal_day=first))
        assert same(frames, "removed", "counterfactual")
    world = world_of(scenario, arm="factual", steps=0)
    world.run_until(world.plan.steps)
    counters, count = world.state.counters, len(world.state.counters.total)
    tables = [of_log(logged(agent.roster), count) for agent in world.networks]
    people = counters.total - sum(tables)
    assert people.min() >= 0 and np.array_equal(people[:, [0, 2]], counters.human)
    assert np.array_equal(counters.fake, sum(of_log(logged(a.roster, fake=True), count) for a in world.networks))
    for agent in world.networks:
        spent, budget = agent.roster.purse
        assert 0 <= spent <= budget
        costs = next(c for c in campaigns if c.id == agent.network.campaign).costs
        mine = rows({"campaigns": world.record.campaigns()}, "campaigns", "factual")
        paid = mine[mine["campaign"] == agent.network.campaign]["spend_eur"].sum() if len(mine) else 0
        accounts = agent.roster.joined.sum() if agent.network.replacement_share > 0 else 0
        accounts = max(0, accounts - len(agent.roster.joined) // 2) * costs.account.value if spent else 0
        accounts += agent.network.accounts * costs.account.value if spent else 0
        assert paid + accounts <= spent / 1e6 + 1e-6
