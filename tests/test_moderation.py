"""Moderation in the world: detectors on simulated logs, reports, review, sanctions, notices, labels, collateral."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import changed, frames_of, window_shares, world_of

from recsim.agents.cases import ACCOUNT, ACCOUNT_APPEAL, ITEM, ITEM_APPEAL, Verdicts
from recsim.agents.enforcement import NEVER, impose, lift
from recsim.audit import controls
from recsim.errors import InputError
from recsim.scenario.campaigns import PaidInfluencers
from recsim.scenario.moderation import (
    Actions,
    Appeals,
    Detector,
    LabelErrors,
    Notice,
    PoliticalLabels,
    Reviewers,
    ReviewQueue,
)
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.state import INFLUENCER, LABELLED, REMOVED
from recsim.world import takedown
from recsim.world.arms import FACTUAL
from recsim.world.networks import find_targets


def detector(kind="noise", reviewed=False, **parameters):
    return Detector(
        id="d", kind=kind, every_hours=4, reviewed=reviewed, parameters={k: assumed(v) for k, v in parameters.items()}
    )


def moderated(scenario, **moderation):
    return changed(scenario, moderation=moderation)


@pytest.fixture(scope="module")
def strong(small):
    return changed(small, dose=assumed(20.0))


PERFECT = {"recall": 1.0, "false_positive_rate": 0.0}


def team(count=2000.0, **more):
    return {"aa": Reviewers(count=assumed(count), items_per_hour=assumed(60), **more)}


def test_a_perfect_detector_ends_the_campaign_after_its_first_step(strong):
    frames = frames_of(moderated(strong, detectors=[detector(**PERFECT)]))
    acts = frames["campaigns"].groupby("day")["attempted"].sum()
    assert acts.get(-3, 0) > 0 and acts.drop(-3, errors="ignore").sum() == 0
    d = frames["detections"]
    assert (d["inauthentic_flagged"] == d["inauthentic"]).all() and (d["people_flagged"] == 0).all()
    assert d[d["arm"].astype(str) == "factual"]["inauthentic"].iloc[0] > 0
    assert d[d["arm"].astype(str) == "counterfactual"]["inauthentic"].sum() == 0
    shares = {arm: dict(window_shares(frames, arm)) for arm in ("factual", "counterfactual")}
    plain = dict(window_shares(frames_of(strong), "factual"))
    assert (
        abs(shares["factual"]["eva"] - shares["counterfactual"]["eva"]) < plain["eva"] - shares["counterfactual"]["eva"]
    )


def test_roll_back_takes_fake_counts_away(strong):
    kept = world_of(moderated(strong, detectors=[detector(**PERFECT)]), "factual", steps=50).state.counters
    back = moderated(strong, detectors=[detector(**PERFECT)], actions=Actions(rollback="roll_back"))
    taken = world_of(back, "factual", steps=50).state.counters
    assert kept.fake.sum() > 0 and taken.fake.sum() == 0
    assert (taken.total >= 0).all() and (taken.valued >= 0).all()


def test_rolled_back_counts_leave_no_trace(strong):
    """Where everybody else counts in full, weighted decayed counts are the plain ones, whatever was taken back when."""
    slow = detector(**PERFECT).model_copy(update={"every_hours": 24})
    world = world_of(moderated(strong, detectors=[slow], actions=Actions(rollback="roll_back")), "factual", steps=54)
    state = world.state
    assert state.docket.sanctions.kind.size and not state.counters.fake.any() and (state.observed.weight == 1024).all()
    assert np.array_equal(state.weighed.total, state.counters.total)
    assert state.weighed.decayed == pytest.approx(state.counters.decayed, rel=1e-4, abs=0.02)


def test_a_new_sanction_outlives_the_end_of_an_old_one(small):
    """Whether it begins before the old one ends, or in the same step."""
    world = world_of(moderated(small, detectors=[detector(recall=0.0, false_positive_rate=0.0)]), steps=2)
    docket, subject = world.state.docket, world.moderation.register.subject[:3]
    first = impose(docket.sanctions, ACCOUNT, subject, np.full(3, 10))
    ended = lift(first, ACCOUNT, subject, np.full(3, 20))
    docket.sanctions = impose(ended, ACCOUNT, subject[:2], np.array([18, 20]))
    for step in (10, 18, 20):
        world.moderation._enforce(docket, step)
    assert world.state.trust[:4].tolist() == [0, 0, 1, 1]


def test_who_has_won_an_appeal_is_left_alone(small):
    world = world_of(moderated(small, detectors=[detector(recall=0.0, false_positive_rate=0.0)]), steps=2)
    docket, subject = world.state.docket, world.moderation.register.subject[:4]
    kind = np.array([ACCOUNT, ACCOUNT, ACCOUNT_APPEAL, ACCOUNT_APPEAL], np.int8)
    none, found = np.zeros(4), np.array([True, False, True, False])
    verdicts = Verdicts(
        kind, subject, none.astype(np.int8), ~found, none.astype(np.int16), found, none, none, none.astype(np.int32)
    )
    world.moderation._remember(docket, verdicts)
    assert (docket.cleared[:4] > world.now).tolist() == [False, True, False, True]
    assert docket.rounds[:4].tolist() == [1, 1, 0, 0]


def test_false_positives_cost_people_their_voice(small):
    wrong = detector(recall=0.0, false_positive_rate=0.2)
    frames = frames_of(moderated(small, detectors=[wrong]))
    c = frames["collateral"]
    last = c[c["day"] == 0]
    assert last["sanctioned"].sum() / last["people"].sum() == pytest.approx(0.2, abs=0.04)
    assert c["uncounted_actions"].sum() / c["actions"].sum() == pytest.approx(0.2, abs=0.06)
    counted = world_of(moderated(small, detectors=[wrong]), steps=30).state
    assert 0.6 < counted.weighed.total.sum() / counted.counters.total.sum() < 0.95


def test_a_captcha_takes_as_large_a_part_from_people_as_from_networks(small):
    wrong = detector(recall=0.0, false_positive_rate=0.2)
    captcha = Actions(account="captcha", captcha_factor=assumed(0.25))
    world = world_of(moderated(small, detectors=[wrong], actions=captcha), steps=30)
    world.guard.weigh()
    trust, weight = world.state.trust, world.state.observed.weight
    assert set(trust.tolist()) == {0.25, 1.0} and set(weight[trust < 1].tolist()) == {256}
    assert set(weight[trust == 1].tolist()) == {1024}
    # A measure that counts trust by itself does not count it twice.
    weighed = MitigationUse(kind="trust_weight", parameters={"full_age_days": assumed(1.0)})
    both = changed(moderated(small, detectors=[wrong], actions=captcha), platform={"mitigations": [weighed]})
    world = world_of(both, steps=30)
    world.guard.weigh()
    assert set(world.state.observed.weight[world.state.trust < 1].tolist()) == {256}


def test_off_is_off(small):
    assert not world_of(small, steps=2).moderation.active
    assert controls.same(frames_of(small), frames_of(moderated(small, actions=Actions(item="demote"))))
    # A detector that finds nobody changes nothing but the tables about itself.
    idle = frames_of(moderated(small, detectors=[detector(recall=0.0, false_positive_rate=0.0)]))
    plain = frames_of(small)
    for name in ("exposure", "provenance", "engagement", "campaigns", "followers"):
        assert controls.same({name: plain[name]}, {name: idle[name]}), name


def test_reviewers_stand_between_finding_and_sanction(strong):
    """Nobody is sanctioned without reviewers; slow ones let more through; blind ones everything."""

    def acted(**options):
        f = frames_of(moderated(strong, detectors=[detector(reviewed=True, **PERFECT)], **options))
        return f["campaigns"]["attempted"].sum(), f["reviews"]

    alone, nobody = acted()
    many, fast = acted(reviewers=team(sensitivity=assumed(1)))
    blind, _ = acted(reviewers=team(sensitivity=assumed(0)))
    slow, late = acted(reviewers=team(count=20.0, sensitivity=assumed(1)))
    assert alone == blind > slow > many > 0
    assert nobody["decided"].sum() == 0 and nobody["waiting"].max() > 0
    assert fast["rightly_found"].sum() > 0 and fast["missed"].sum() == 0
    assert late["waited_h"].max() > fast["waited_h"].max()


def test_people_report_and_items_come_down(small):
    loud = changed(small, response={"report_rate": assumed(0.05)})
    harsh = team(specificity=assumed(0.0), sensitivity=assumed(1))
    world = world_of(moderated(loud, reviewers=harsh), steps=30)
    removed = np.flatnonzero(world.state.status & REMOVED)
    assert len(removed) > 5
    assert not np.isin(world.state.observed.inbox, removed).any()
    reviews = frames_of(moderated(loud, reviewers=harsh))["reviews"]
    assert (reviews["case"] == "item").all() and reviews["wrongly_found"].sum() > 0
    held = frames_of(moderated(loud, reviewers=harsh))["held"]
    assert held["withdrawn"].sum() > 0
    # What has come down is not seen again.
    seen = world.state.counters.human[removed, 0].copy()
    for _ in range(4):
        world.step()
    assert np.array_equal(world.state.counters.human[removed, 0], seen)


def test_demoted_items_lose_views(small):
    loud = changed(small, response={"report_rate": assumed(0.05)})
    harsh = team(specificity=assumed(0.0))

    def views(action, factor=0.3):
        world = world_of(
            moderated(loud, reviewers=harsh, actions=Actions(item=action, demote_factor=assumed(factor))), steps=50
        )
        rows = np.flatnonzero(world.state.status)
        return world.state.counters.human[rows, 0].sum() / max(1, len(rows)), len(rows)

    assert views("demote")[0] < views("label")[0] and views("label")[1] > 5


def test_a_notice_is_answered_in_part_and_late(strong):
    one = Notice(id="n", day=-3, hour=4, campaign="network", share=assumed(1), compliance=assumed(1), lag_h=assumed(24))
    frames = frames_of(moderated(strong, notices=[one]))
    acts = frames["campaigns"].groupby("day")["attempted"].sum()
    assert acts[-3] > 0 and acts.get(-1, 0) == 0
    half = frames_of(moderated(strong, notices=[one.model_copy(update={"compliance": assumed(0.5)})]))
    later = half["campaigns"].groupby("day")["attempted"].sum()
    assert 0 < later[-1] < frames_of(strong)["campaigns"].groupby("day")["attempted"].sum()[-1]


def test_labels_carry_their_errors(small):
    labels = PoliticalLabels(errors={"eva": LabelErrors(missed=assumed(1.0))}, demotion=assumed(0.2))
    world = world_of(moderated(small, political_labels=labels), steps=30)
    candidate = world.state.items.labels.candidate[24 : int(world.state.born[30])]
    labelled = (world.state.status[24 : int(world.state.born[30])] & LABELLED) > 0
    eva = [c.id for c in world.plan.candidates].index("eva")
    late = slice(int(world.state.born[1]), None)
    candidate, labelled = candidate[late], labelled[late]
    assert not labelled[candidate == eva].any() and not labelled[candidate < 0].any()
    assert labelled[(candidate >= 0) & (candidate != eva)].all()
    shares = dict(window_shares(frames_of(moderated(small, political_labels=labels)), "counterfactual"))
    assert shares["eva"] > dict(window_shares(frames_of(small), "counterfactual"))["eva"]


def test_a_campaigns_first_posts_carry_their_label(small):
    """At the fork the shared world still has what stands in their place, which is about nobody."""
    made = {"id": "paid", "beneficiary": "eva", "start": -3, "influencers": 20000, "followers_mean": 900}
    paid = PaidInfluencers.model_validate(made)
    scenario = moderated(small, political_labels=PoliticalLabels(share=assumed(1.0), wrong_share=assumed(0.0)))
    shared = world_of(scenario.model_copy(update={"campaigns": [paid]}), steps=0)
    shared.run_until(shared.plan.step_of(-3))
    world = shared.fork(FACTUAL, shared.key, keep=False)
    rows = np.arange(*world.state.born[world.now : world.now + 2])
    world.step()
    candidate, kind = world.state.items.labels.candidate[rows], world.state.items.labels.kind[rows]
    labelled = (world.state.status[rows] & LABELLED) > 0
    assert (candidate[kind == INFLUENCER] >= 0).sum() > 10
    assert np.array_equal(labelled, candidate >= 0)


def judged(monkeypatch, world, steps):
    """Kinds and subjects of all verdicts of the next steps."""
    seen, record = [], world.record.reviewed

    def noted(verdicts, waiting):
        seen.extend(zip(verdicts.kind.tolist(), verdicts.subject.tolist(), strict=True))
        record(verdicts, waiting)

    monkeypatch.setattr(world.record, "reviewed", noted)
    world.run_until(world.now + steps)
    return seen


@pytest.mark.parametrize("target", ["accounts", "items"])
def test_whoever_has_been_judged_is_not_judged_again(small, monkeypatch, target):
    """A verdict is felt two days later; until then nobody finds the same again, and afterwards neither."""
    options = {"reviewers": team(20000.0, specificity=assumed(0.0)), "queue": ReviewQueue(delay_h=assumed(48))}
    if target == "accounts":
        options["detectors"] = [detector(reviewed=True, recall=0.0, false_positive_rate=0.2)]
    else:
        options["actions"] = Actions(item="demote")
        small = changed(small, response={"report_rate": assumed(0.05)})
    seen = judged(monkeypatch, world_of(moderated(small, **options), steps=0), 30)
    mine = [subject for kind, subject in seen if kind == (ACCOUNT if target == "accounts" else ITEM)]
    assert len(mine) > 20 and len(set(mine)) == len(mine)


APPEALS = Appeals(wrongly_sanctioned=assumed(1.0), rightly_sanctioned=assumed(1.0), mean_delay_h=assumed(6))


def test_who_is_sanctioned_without_a_review_can_appeal(small, monkeypatch):
    """All do, once, and fair reviewers let the innocent go; without appeals nobody ever goes free."""
    options = {"detectors": [detector(recall=0.0, false_positive_rate=0.2)], "reviewers": team(20000.0, specificity=assumed(1.0))}  # fmt: skip
    for appeals in (None, APPEALS):
        world = world_of(moderated(small, appeals=appeals, **options), steps=0)
        seen = [one for one in judged(monkeypatch, world, 30) if one[0] != ITEM]
        sanctions = world.state.docket.sanctions
        assert len(sanctions.kind) > 50
        if appeals is None:
            assert seen == [] and (sanctions.until == NEVER).all()
            continue
        assert {kind for kind, _ in seen} == {ACCOUNT_APPEAL} and len(set(seen)) == len(seen) > 50
        ended = sanctions.subject[sanctions.until <= world.now]
        assert len(set(sanctions.subject.tolist())) == len(sanctions.subject)  # and are left alone for a week
        place = world.moderation.register.place(ended)
        assert len(ended) > 40 and (world.state.trust[place] == 1).all()
        assert (world.state.docket.rounds[world.moderation.register.place(sanctions.subject)] == 1).all()


def test_a_notice_can_be_appealed_against(small, monkeypatch):
    """Also by authors of items; one appeal, though two notices name the item and one of them is felt earlier."""
    one = Notice(
        id="n",
        day=-5,
        hour=4,
        target="items",
        candidate="ada",
        share=assumed(1),
        compliance=assumed(1),
        lag_h=assumed(12),
    )
    two = one.model_copy(update={"id": "m", "key": "m", "lag_h": assumed(4)})
    world = world_of(
        moderated(small, notices=[one, two], reviewers=team(20000.0, specificity=assumed(1.0)), appeals=APPEALS),
        steps=24,
    )
    seen = [one for one in judged(monkeypatch, world, 24) if one[0] == ITEM_APPEAL]
    sanctions = world.state.docket.sanctions
    assert (sanctions.kind == ITEM).all() and len(sanctions.kind) > 3
    assert (sanctions.since == sanctions.since.min()).all() and world.plan.step_of(-5) + 2 == sanctions.since[0]
    assert len(set(seen)) == len(seen) == len(sanctions.kind) == (sanctions.until < NEVER).sum()
    rows = world.moderation.register.items(sanctions.subject)
    assert not (world.state.status[rows] & REMOVED).any()  # organic posts break no rule


def test_an_appeal_comes_after_the_sanction_is_felt(strong):
    """Of a notice that is felt two days later, when reviewers find the same accounts in its step, and that is felt at once."""
    busy = strong.campaigns[0].model_copy(update={"actions_per_day": assumed(30.0)})
    notice = Notice(
        id="n", day=-3, hour=12, campaign="network", share=assumed(1), compliance=assumed(1), lag_h=assumed(48)
    )
    asked = detector(reviewed=True, **PERFECT).model_copy(update={"every_hours": 16, "start": -3})
    scenario = moderated(
        strong.model_copy(update={"campaigns": [busy]}), detectors=[asked], notices=[notice],
        reviewers=team(20000.0, sensitivity=assumed(1)), appeals=APPEALS,
    )  # fmt: skip
    world = world_of(scenario, "factual", steps=0)
    step = world.plan.step_of(-3) + 3  # of the notice, and the first in which the detector looks
    world.run_until(step + 1)
    sanctions, coming = world.state.docket.sanctions, world.state.docket.queue.coming
    since, subject = (column[sanctions.kind == ACCOUNT] for column in (sanctions.since, sanctions.subject))
    felt = subject[since == step + 1]
    assert len(felt) > 20 and set(since.tolist()) <= {step + 1, step + 12}
    mine = (coming.kind == ACCOUNT_APPEAL) & np.isin(coming.subject, felt)
    assert mine.sum() == len(felt) and coming.entered[mine].min() == step + 1


def test_the_order_of_detectors_and_notices_changes_nothing(strong):
    """Also where one acts at once on accounts that another would bring before reviewers."""
    detectors = [
        detector(recall=0.5, false_positive_rate=0.1),
        detector(reviewed=True, recall=1.0, false_positive_rate=0.3).model_copy(update={"id": "slow", "key": "slow"}),
        detector("account_rate", reviewed=True, rate=2.0).model_copy(update={"id": "rate", "key": "rate"}),
    ]
    some = {"day": -3, "hour": 4, "campaign": "network", "share": assumed(0.6), "compliance": assumed(1)}
    notices = [Notice(id="n", lag_h=assumed(20), **some), Notice(id="m", lag_h=assumed(4), **some)]
    one, other = (
        frames_of(
            moderated(
                strong, detectors=detectors[::way], notices=notices[::way], reviewers=team(200.0), appeals=APPEALS
            )
        )
        for way in (1, -1)
    )
    assert controls.same(one, other)
    cases = one["reviews"].groupby("case")["decided"].sum()
    assert cases["account"] > 100 and cases["account_appeal"] > 20


@pytest.mark.parametrize("kind", ["noise", "synchrony", "account_rate"])
def test_controls_hold(small, kind):
    scenario = moderated(
        small, detectors=[detector(kind, reviewed=True)], reviewers=team(), actions=Actions(rollback="roll_back")
    )
    for control in (controls.zero_dose, controls.exchanged, controls.reordered, controls.threads):
        ok, note = control(scenario)
        assert ok, f"{control.__name__}: {note}"


def test_misspelt_detector(small):
    with pytest.raises(InputError, match=r"unknown detector 'synchroni'.*did you mean 'synchrony'"):
        frames_of(moderated(small, detectors=[detector("synchroni")]))
    with pytest.raises(InputError, match="recal"):
        frames_of(moderated(small, detectors=[detector(recal=0.5)]))


def test_nothing_lost_on_the_way_to_the_desk(strong):
    world = world_of(
        moderated(strong, detectors=[detector(reviewed=True, **PERFECT)], reviewers=team(20.0)), "factual", steps=58
    )
    entered, merged, decided, expired = world.state.docket.queue.ledger.sum(axis=0)
    queue = world.state.docket.queue
    assert entered == merged + decided + expired + len(queue.waiting.kind) + len(queue.hand.kind) > 0
    assert (queue.worked <= queue.offered + 1e-6).all() and ITEM not in queue.waiting.kind


def test_a_lifted_label_leaves_the_political_one(small):
    labels = PoliticalLabels(share=assumed(1.0), wrong_share=assumed(0.0))
    world = world_of(moderated(small, political_labels=labels, actions=Actions(item="label")), steps=30)
    state, moderation = world.state, world.moderation
    rows = np.arange(world.window[0], state.born[world.now])  # what is posted in the step to come is labelled in it
    before = state.status[rows] & LABELLED
    political = state.items.labels.candidate[rows] >= 0
    assert (before[political] > 0).all() and not before[~political].any() and political.any()
    ids, none = state.items.id[rows], np.zeros(0, np.uint64)
    moderation._items(ids, none)
    assert (state.status[rows] & LABELLED > 0).all()
    moderation._items(none, ids)
    assert np.array_equal(state.status[rows] & LABELLED, before)


def test_nobody_acts_on_what_has_been_removed(strong):
    world = world_of(strong, "factual", steps=0)
    network = world.networks[0].network
    world.run_until(network.first_step + 2)
    start, end = world.window

    def own():
        found = find_targets(world.plan, world.state, network, world.now, start, end, False)
        return set(found.item[found.start[0] : found.start[1]].tolist())

    there = own()
    gone = sorted(there)[::2]
    assert len(gone) > 1
    world.state.status[gone] |= REMOVED
    assert own() == there - set(gone)


def test_items_leave_inboxes(small, monkeypatch):
    """Against a loop over everybody's places, with one thread and with two."""
    monkeypatch.setattr(takedown, "ROWS", 64)
    monkeypatch.setattr("recsim.world.feed.APART", 0)
    for threads in (1, 2):
        world = world_of(small, steps=20, threads=threads)
        inbox, gone = world.state.observed.inbox, np.arange(world.window[0], world.window[1])[::3]
        expected = [[-1 if item in set(gone.tolist()) else item for item in row] for row in inbox.tolist()]
        before = inbox.copy()
        takedown.leave_inboxes(world, gone)
        assert inbox.tolist() == expected and (inbox != before).sum() > 50 and (inbox >= 0).any()
