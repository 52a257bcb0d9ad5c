"""Appeals, notices, sanctions, labels and bans; the moderation block and its way into plain values."""

import math

import numpy as np
import pytest
import yaml
from test_review import KEY, desk, pool, run

from recsim.agents.cases import ACCOUNT, ACCOUNT_APPEAL, ITEM, ITEM_APPEAL, Verdicts, make_cases, no_cases, take
from recsim.agents.enforcement import (
    NEVER,
    Appealing,
    Notice,
    account_effect,
    ads_stopped,
    answer_notice,
    appeals,
    decided,
    follow_verdicts,
    impose,
    in_force,
    item_effect,
    label_political,
    lift,
    no_sanctions,
)
from recsim.agents.review import new_queue, review, seats
from recsim.errors import InputError
from recsim.rng import hash32
from recsim.scenario import dump_yaml, load, realise
from recsim.scenario.moderation import Moderation
from recsim.world.desk import make_appealing, make_desk, make_notice
from recsim.world.plan import make_plan

MANY = np.arange(20_000, dtype=np.uint64) | np.uint64(77 << 32)
RULE = Appealing(wrongly=0.6, rightly=0.1, mean_delay_h=24.0, within_h=72.0, work=2.0, priority=1)


def within(found, chance, deviations=4):
    """A share lies within so many binomial standard errors."""
    return abs(found.mean() - chance) <= deviations * math.sqrt(chance * (1 - chance) / len(found))


def found_verdicts(subject, truth, kind=ACCOUNT, effect=10, found=True):
    n = len(subject)
    return Verdicts(
        np.full(n, kind, np.int8), subject, np.zeros(n, np.int8), np.broadcast_to(truth, n).copy(),
        np.zeros(n, np.int16), np.full(n, found), np.zeros(n), np.full(n, effect - 1.0), np.full(n, effect, np.int32),
    )  # fmt: skip


# ---- appeals -----------------------------------------------------------------------------------------------------


def test_who_appeals_and_when():
    truth = np.arange(len(MANY)) % 2 == 0
    cases = appeals(RULE, found_verdicts(MANY, truth), no_cases(), KEY, 1)
    in_time = 1 - math.exp(-3)
    for true, share in ((True, 0.1), (False, 0.6)):
        assert within(np.isin(MANY[truth == true], cases.subject), share * in_time)
    delay = cases.entered + cases.moment.astype(np.float64) - 10
    assert delay.min() >= 0 and delay.max() <= 72
    for hours in (6, 24, 48):
        assert within(delay <= hours, (1 - math.exp(-hours / 24)) / in_time)
    assert set(cases.kind) == {ACCOUNT_APPEAL} and set(cases.work) == {2.0} and set(cases.priority) == {1}
    items = appeals(RULE, found_verdicts(MANY, truth, ITEM), no_cases(), KEY, 4)
    assert set(items.kind) == {ITEM_APPEAL} and (items.entered - 10).max() <= 18
    for verdicts in (found_verdicts(MANY, truth, found=False), found_verdicts(MANY, truth, ACCOUNT_APPEAL)):
        assert len(appeals(RULE, verdicts, no_cases(), KEY, 1).kind) == 0


def test_appeals_carry_the_reach_of_the_sanctioned():
    about = make_cases(ACCOUNT, MANY, 0, False, 0, reports=np.arange(len(MANY)), reach=7)
    cases = appeals(RULE, found_verdicts(MANY, False), about, KEY, 1)
    assert np.array_equal(cases.reports, (cases.subject & np.uint64(0xFFFFFFFF)).astype(np.int64))
    assert set(cases.reach) == {7}


def test_from_a_report_to_a_reinstated_account():
    """Everything at work: reports, review, sanctions, appeals, a second review; rates of each outcome."""
    setting = desk(pool(30.0, 60.0, sensitivity=(0.8,) * 3, specificity=0.7), delay_h=2.0)
    truth = np.arange(len(MANY)) % 2 == 0
    queue, sanctions, appealed = new_queue(setting), no_sanctions(), []
    new = make_cases(ACCOUNT, MANY, 0, truth, 0)
    for now in range(200):
        queue, verdicts = review(setting, queue, new, now, KEY)
        sanctions = follow_verdicts(sanctions, verdicts)
        new = appeals(RULE, verdicts, no_cases(), KEY, 1)
        appealed.append(new.subject)
    asked = np.concatenate(appealed)
    assert queue.ledger[:, 2].sum() == len(MANY) + len(asked) and not len(queue.hours) + len(queue.coming.kind)
    innocent, guilty = MANY[~truth], MANY[truth]
    assert within(np.isin(innocent, sanctions.subject), 0.3) and within(np.isin(guilty, sanctions.subject), 0.8)
    wrongly = sanctions.subject[np.isin(sanctions.subject, innocent)]
    again = np.isin(wrongly, asked)
    assert within(again, 0.6 * (1 - math.exp(-3)))
    back = ~in_force(sanctions, ACCOUNT, wrongly, 10_000)
    assert not back[~again].any() and within(back[again], 0.7)
    rightly = np.intersect1d(np.intersect1d(sanctions.subject, guilty), asked)
    assert within(~in_force(sanctions, ACCOUNT, rightly, 10_000), 0.2)
    assert np.all(sanctions.until > sanctions.since) and sanctions.since.min() == 3


# ---- sanctions ---------------------------------------------------------------------------------------------------


def test_sanctions_over_time():
    a = np.array([5, 9, 5], np.uint64)
    s = impose(no_sanctions(), ACCOUNT, a, np.array([7, 4, 6]))
    everybody = np.array([5, 9, 2], np.uint64)
    state = [in_force(s, ACCOUNT, everybody, step).tolist() for step in (3, 4, 6)]
    assert state == [[False] * 3, [False, True, False], [True, True, False]]
    assert not in_force(s, ITEM, everybody, 9).any()
    earlier = impose(s, ACCOUNT, np.array([9], np.uint64), np.array([2]))
    later = impose(s, ACCOUNT, np.array([9], np.uint64), np.array([8]))
    assert len(earlier.since) == len(later.since) == 2
    assert in_force(earlier, ACCOUNT, everybody, 2)[1] and in_force(later, ACCOUNT, everybody, 4)[1]
    free = lift(s, ACCOUNT, np.array([9, 2], np.uint64), np.array([10, 11]))
    assert [in_force(free, ACCOUNT, everybody, step)[1].item() for step in (9, 10)] == [True, False]
    twice = impose(free, ACCOUNT, np.array([9], np.uint64), np.array([20]))
    assert [in_force(twice, ACCOUNT, everybody, step)[1].item() for step in (9, 15, 20)] == [True, False, True]
    assert in_force(s, ACCOUNT, everybody, 100)[1] and len(lift(s, ITEM, a[:2], np.zeros(2)).until) == 2


def test_effects_of_actions():
    table = {
        (action, back): account_effect(action, back, 0.1)
        for action in ("nothing", "remove", "restrict", "captcha")
        for back in ("none", "freeze", "roll_back")
    }
    assert [k for k, e in table.items() if e.activity == 0] == [("remove", b) for b in ("none", "freeze", "roll_back")]
    assert {k for k, e in table.items() if e.counts} == {("nothing", "none"), ("captcha", "none")}
    assert all(e.keeps == (k[1] != "roll_back") for k, e in table.items())
    assert table["captcha", "none"].activity == 0.1 and table["restrict", "none"].activity == 1.0
    assert item_effect("remove", 0.3) == (False, False, 1.0, False)
    assert item_effect("exclude", 0.3) == (True, False, 1.0, False)
    assert item_effect("demote", 0.3) == (True, True, 0.3, False)
    assert item_effect("label", 0.3) == (True, True, 1.0, True)
    assert item_effect("nothing", 0.3) == (True, True, 1.0, False)
    with pytest.raises(ValueError, match="unknown action 'ban'; allowed: nothing"):
        account_effect("ban", "none", 0.1)


# ---- notices, labels, advertisements -------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "compliance"), [(1.0, 0.9), (0.5, 0.58), (0.3, 0.0), (0.0, 1.0)])
def test_notices(share, compliance):
    notice = Notice(hash32("authority"), 100.5, share, compliance, 32.9)
    named, step = answer_notice(notice, MANY, KEY, 4)
    assert within(named, share) and within(step[named] < NEVER, compliance) if share else not named.any()
    assert np.all(step[~named] == NEVER)
    assert set(step[step < NEVER]) <= {34}  # 133.4 h lie in step 33; the next one feels it
    other, _ = answer_notice(notice._replace(population=hash32("ngo")), MANY, KEY, 4)
    wider, _ = answer_notice(notice._replace(share=min(1.0, share + 0.2)), MANY, KEY, 4)
    assert np.all(wider[named]) and (np.array_equal(other, named) == (share in (0.0, 1.0)))


def test_a_notice_becomes_sanctions():
    named, step = answer_notice(Notice(5, 0.0, 0.5, 0.5, 10.0), MANY, KEY, 1)
    acted = step < NEVER
    sanctions = impose(no_sanctions(), ACCOUNT, MANY[acted], step[acted])
    assert not in_force(sanctions, ACCOUNT, MANY, 9).any()
    assert np.array_equal(in_force(sanctions, ACCOUNT, MANY, 10), acted) and acted.sum() < named.sum()


def test_what_is_decided_and_not_yet_felt():
    sanctions = impose(no_sanctions(), ACCOUNT, MANY[:4], np.array([10, 20, 10, 20]))
    sanctions = lift(sanctions, ACCOUNT, MANY[2:4], np.array([15, 25]))
    for step, now, whole in (
        (9, [0, 0, 0, 0], [1, 1, 1, 1]),
        (14, [1, 0, 1, 0], [1, 1, 1, 1]),
        (24, [1, 1, 0, 1], [1, 1, 0, 1]),
    ):
        assert in_force(sanctions, ACCOUNT, MANY[:4], step).tolist() == now
        assert decided(sanctions, ACCOUNT, MANY[:4], step).tolist() == whole
    assert not decided(sanctions, ITEM, MANY, 9).any() and not decided(sanctions, ACCOUNT, MANY[4:], 9).any()


def test_political_labels_and_their_errors():
    about = np.arange(len(MANY)) % 4 - 1
    missed = np.array([0.0, 1.0, 0.25])
    label = label_political(KEY, MANY, about, 0.8, 0.05, missed)
    for candidate, chance in {-1: 0.05, 0: 0.8, 1: 0.0, 2: 0.6}.items():
        assert within(label[about == candidate], chance), candidate
    swapped = label_political(KEY, MANY, np.array([1, 0, 2, -1])[about], 0.8, 0.05, missed[[1, 0, 2]])
    assert np.array_equal(label, swapped)


def test_ban_on_advertisements():
    start = np.arange(len(MANY)) % 100
    stop = ads_stopped(KEY, MANY, start, 0.35, 30.0, 4)
    assert within(stop < NEVER, 0.35)
    assert np.array_equal(stop[stop < NEVER], start[stop < NEVER] + 8)
    assert np.all(ads_stopped(KEY, MANY, start, 0.0, 30.0, 4) == NEVER)
    assert np.array_equal(ads_stopped(KEY, MANY, start, 1.0, 0.0, 4), start)


# ---- the block -----------------------------------------------------------------------------------------------------

BLOCK = """
moderation:
  detectors:
    - {id: fast, kind: account_rate, parameters: {rate: {value: 40, range: [20, 80], evidence: assumption}}, every_hours: 6}
  reviewers:
    aa: {count: 95, share_of_time: 0.05, hours: [8, 24]}
  queue: {priority: reports_reach, service: fixed, delay_h: 2, capacity: 1000, expires_h: 240}
  appeals: {wrongly_sanctioned: 0.4, first: true}
  notices:
    - {id: bureau, day: -3, hour: 12, campaign: network, share: 0.5, lag_h: {value: 32.9, evidence: documented, source: gandul.ro}}
    - {id: ngo, sender: organisation, day: 0, target: items, candidate: eva, content: supporter, compliance: 0.58}
  actions: {account: restrict, item: demote, rollback: roll_back}
  political_labels: {share: 0.9, errors: {eva: {missed: 1}}, wrong_share: 0.1, demotion: 0.3}
  ads_ban: {enforced_share: 0.5}
"""


@pytest.fixture
def stated(tmp_path, request):
    """A file of the small scenario with every part of the block stated."""
    path = tmp_path / "moderated.yaml"
    path.write_text((request.config.rootpath / "configs" / "small.yaml").read_text() + BLOCK)
    return path


def test_the_block_is_off_by_default(small):
    block = small.moderation
    assert not block.detectors and not block.reviewers and not block.notices
    assert block.appeals is None and block.political_labels is None and block.ads_ban is None
    nobody = make_desk(block, ["aa"], 1.0, 4)
    assert nobody.pools == () and nobody.pool_of.tolist() == [-1] and len(seats(nobody)[0]) == 0
    drawn = realise(small, 3, 0).moderation
    update = {n: getattr(block, n) for n in ("prevented_share", "network_removal_days")}
    assert drawn.model_copy(update=update) == block, "no part that is off draws anything"


def test_the_block_reads_writes_and_draws(stated, tmp_path):
    scenario = load(stated)
    again = tmp_path / "again.yaml"
    again.write_text(dump_yaml(scenario))
    assert load(again) == scenario
    drawn = [realise(scenario, 1, r).moderation for r in range(4)]
    assert len({m.detectors[0].parameters["rate"].value for m in drawn}) == 4
    assert len({m.reviewers["aa"].sensitivity.value for m in drawn}) == 4
    assert {m.notices[0].lag_h.value for m in drawn} == {32.9}
    turned = scenario.moderation.model_copy(update={"notices": scenario.moderation.notices[::-1]})
    other = realise(scenario.model_copy(update={"moderation": turned}), 1, 0).moderation
    assert other.notices[::-1] == drawn[0].notices


def test_a_stated_scenario_can_be_planned(stated):
    assert make_plan(realise(load(stated), 1, 0)).languages == ["aa"]


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("synchrony", "common: {value: 4, range: [3, 6], evidence: assumption}", "got a range of common; a whole number is needed"),
        ("account_rate", "rate: {value: 40, range: [20, 1e9], evidence: assumption}", "got rate = 1e\\+09, must be in"),
    ],
)  # fmt: skip
def test_ranges_of_detectors_are_looked_at_before_anything_is_drawn(stated, kind, parameters, message):
    scenario = load(stated, [f"moderation.detectors=[{{id: d, kind: {kind}, parameters: {{{parameters}}}}}]"])
    with pytest.raises(InputError, match=message):
        make_plan(scenario)


def test_from_the_block_to_the_desk(stated):
    block = load(stated).moderation
    setting = make_desk(block, ["aa", "bb"], 0.01, 1)
    (only,) = setting.pools
    assert only.people == pytest.approx(0.0475) and (only.opens, only.closes) == (8, 24)
    assert setting.pool_of.tolist() == [0, -1] and setting.capacity == 10 and setting.expires_h == 240
    assert setting.order == "reports_reach" and not setting.exponential and setting.delay_h == 2
    cases = make_cases(ACCOUNT, MANY[:200], np.arange(200) % 2, True, 0)
    verdicts, queue = run(setting, cases, 241)
    assert len(verdicts.kind) == 10 and queue.ledger[:, 3].tolist() == [90, 100]
    assert make_appealing(block.appeals)[:2] == (0.4, 0.05) and make_appealing(block.appeals).priority == 1
    first, last = (make_notice(n, 10) for n in block.notices)
    assert first.sent_h == 6 * 24 + 12 and last.sent_h == 9 * 24 + 12 and first.lag_h == 32.9
    assert (first.share, last.compliance, last.population) == (0.5, 0.58, hash32("ngo"))


def test_other_languages_are_reviewed_less_well():
    team = {"count": 2, "sensitivity": 0.8, "other_languages": {"bb": 0.5}}
    block = Moderation.model_validate({"reviewers": {"cc": {"count": 1}, "aa": team}})
    setting = make_desk(block, ["aa", "bb", "cc", "dd"], 1.0, 1)
    assert setting.pool_of.tolist() == [0, 0, 1, -1]
    assert setting.pools[0].sensitivity[:2] == pytest.approx([0.8, 0.4])
    number = np.arange(8000, dtype=np.uint64)
    verdicts, queue = run(setting, make_cases(ACCOUNT, number, number % np.uint64(4), True, 0), 80)
    assert np.all(queue.waiting.language == 3) and len(verdicts.kind) == 6000
    for language, chance in enumerate((0.8, 0.4, 0.8)):
        assert within(take(verdicts, verdicts.language == language).found, chance)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("moderation.reviewers.xx={count: 5}", r": got unknown name 'xx'; allowed: aa"),
        ("moderation.reviewers.aa.other_languages={bb: 1}", r"other_languages.bb: got unknown name 'bb'"),
        ("moderation.reviewers.aa.other_languages={aa: 1}", "got other language 'aa' for 'aa'; it has reviewers of its own"),
        ("moderation.reviewers.aa.hours=[20, 4]", r"got hours \[20, 4\]; must be two hours of the day"),
        ("moderation.reviewers.aa.cuont=4", "unknown key 'cuont'; allowed: count, .*; did you mean 'count'"),
        ("moderation.reviewers.aa.sensitivity=1.2", r"got 1.2, must be in \[0, 1\]"),
        ("moderation.queue.priority=reach", "got 'reach'; allowed: first_come, reports_reach, score"),
        ("moderation.queue.capacity=-1", "got -1, must be at least 0"),
        ("moderation.notices.bureau.campaign=netwrk", "notices.bureau.campaign=netwrk: got unknown campaign 'netwrk'; .*'network'"),
        ("moderation.notices.ngo.candidate=evaa", "notices.ngo.candidate=evaa: got unknown candidate 'evaa'; .*'eva'"),
        ("moderation.notices.ngo.campaign=network", "needs a campaign or a candidate, and not both"),
        ("moderation.notices.ngo.target=accounts", "ngo.target=accounts: got 'accounts', but the candidate 'eva' has none that act; set target to items, or"),
        ("moderation.notices.ngo.day=-10", "notices.ngo.day=-10: got day -10; the run has room for -9 to 0; set day to -9 or later"),
        ("moderation.notices.ngo.id=bureau", "notices.ngo.id=bureau: got id 'bureau' twice"),
        ("moderation.political_labels.errors.evaa={missed: 1}", ": got unknown candidate 'evaa'"),
        ("moderation.political_labels.errors.eva={wrong: 1}", "unknown key 'wrong'"),
        ("moderation.actions.account=ban", "got 'ban'; allowed: nothing, remove, restrict, captcha"),
        ("moderation.ads_ban={}", "ads_ban.enforced_share: is missing"),
        ("moderation.detectors.fast.every_hours=0", "got 0, must be at least 1"),
    ],
)  # fmt: skip
def test_one_line_per_problem(stated, override, message):
    with pytest.raises(InputError, match=message) as error:
        load(stated, [override])
    assert "\n" not in str(error.value) and f"--set {override}" in str(error.value)


def test_a_label_without_an_effect(request):
    small = request.config.rootpath / "configs" / "small.yaml"
    with pytest.raises(
        InputError, match="actions.item=label: got 'label', but what a label does is said by political_labels"
    ):
        load(small, ["moderation.actions.item=label"])
    load(small, ["moderation.actions.item=label", "moderation.political_labels={demotion: 0.5}"])


def test_words_of_the_block_are_not_yaml_truths(stated):
    """No key or choice is one that YAML reads as true or false (on, off, yes, no)."""
    raw = yaml.safe_load(stated.read_text())["moderation"]

    def keys(value):
        if isinstance(value, dict):
            return [k for name, member in value.items() for k in (name, *keys(member))]
        return [k for member in value for k in keys(member)] if isinstance(value, list) else []

    assert all(isinstance(k, str) for k in keys(raw))
