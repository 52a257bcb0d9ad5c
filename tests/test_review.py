"""The human review queue: hours, Erlang C, conservation, luck, errors; and a plain twin of the step."""

import math

import numpy as np
import pytest
from reference import draws as plain_draws
from reference import unit

from recsim.agents.cases import ACCOUNT, CASE_KINDS, ITEM, TYPES, draws, make_cases, no_cases, take
from recsim.agents.review import Desk, Pool, new_queue, review, seats
from recsim.kernels.mathf import log32
from recsim.rng import Decision, Key
from recsim.state import copied

KEY = Key(11, 2)
F = np.float32


def pool(people=2.0, per_hour=4.0, opens=0, closes=24, sensitivity=(0.8, 0.8, 0.8), specificity=0.9):
    return Pool(people, per_hour, opens, closes, np.array(sensitivity, F), np.full(len(sensitivity), specificity, F))


def desk(*pools, pool_of=(0, 0, 0), order="first_come", exponential=True, **more):
    settings = {"delay_h": 0.0, "capacity": np.inf, "expires_h": np.inf, "step_hours": 1, **more}
    return Desk(pools or (pool(),), np.array(pool_of, np.int64), order, exponential, **settings)


def some_cases(rng, count, steps, first=0, subjects=None):
    """Random cases of two populations, three languages and all kinds."""
    number = np.arange(count) + first if subjects is None else rng.integers(0, subjects, count)
    population = np.where(number % 3 == 0, 7_000_001, 3_999_999_999).astype(np.uint64)
    return make_cases(
        rng.integers(0, 4, count), (population << np.uint64(32)) | number.astype(np.uint64), number % 5 % 3,
        number % 2 == 0, rng.integers(0, steps, count), moment=rng.random(count, F) * F(0.999),
        priority=rng.integers(0, 2, count), reports=rng.integers(0, 4, count), reach=rng.integers(0, 50, count),
        score=rng.integers(0, 8, count) / 8, work=rng.integers(1, 4, count) / 2,
    )  # fmt: skip


def run(setting, cases, steps, key=KEY, shuffle=None):
    """All steps; verdicts together, and the last queue."""
    queue, verdicts = new_queue(setting), []
    for now in range(steps):
        due = np.flatnonzero(cases.entered == now)
        if shuffle is not None:
            due = shuffle.permutation(due)
        queue, v = review(setting, queue, take(cases, due), now, key)
        verdicts.append(v)
    return type(verdicts[0])(*(np.concatenate(c) for c in zip(*verdicts, strict=True))), queue


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def equal_queues(a, b):
    parts = [(getattr(a, n), getattr(b, n)) for n in a._fields]
    return all(same(x, y) if isinstance(x, tuple) else np.array_equal(x, y) for x, y in parts)


# ---- the plain twin ----------------------------------------------------------------------------------------------


class PlainQueue:
    """The same queue from its description: one event at a time, the best case found by looking at all."""

    def __init__(self, setting):
        self.d, self.waiting, self.busy, self.coming = setting, {}, {}, []
        self.seats = []
        for number, p in enumerate(setting.pools):
            n = math.ceil(p.people)
            self.seats += [(number, p.people / n)] * n
        self.counts = {name: 0 for name in ("entered", "merged", "decided", "expired")}
        self.work = [0.0] * len(self.seats)

    def luck(self, case, decision):
        about = int(case["kind"]) + 4 * int(case["round"])
        return unit(plain_draws(case["subject"] & 0xFFFFFFFF, about, case["subject"] >> 32, 0, decision, KEY.words)[0])

    def time(self, case):
        return (float(case["entered"]) + float(case["moment"])) * self.d.step_hours

    def place(self, case):
        value = {"first_come": 0, "score": case["score"], "reports_reach": case["reports"] * case["reach"]}[
            self.d.order
        ]
        return (-case["priority"], -value, case["entered"], case["moment"], case["kind"], case["subject"])

    def enter(self, case):
        self.counts["entered"] += 1
        name = (case["kind"], case["subject"])
        if any((c["kind"], c["subject"]) == name for c, _, _, _ in self.busy.values()):
            self.counts["merged"] += 1
        elif name in self.waiting:
            self.counts["merged"] += 1
            old = self.waiting[name]
            old["reports"] += case["reports"]
            for field in ("reach", "score", "priority"):
                old[field] = max(old[field], case[field])
        else:
            self.waiting[name] = case

    def step(self, arrivals, now):
        begin, d = now * self.d.step_hours, self.d
        for case in sorted(arrivals, key=lambda c: (c["entered"], c["moment"], c["round"])):
            self.enter(case)
        for name in [n for n, c in self.waiting.items() if begin - self.time(c) >= d.expires_h]:
            del self.waiting[name]
            self.counts["expired"] += 1
        out = []
        for number, p in enumerate(d.pools):
            day = begin // 24 * 24
            opens = max(begin, day + p.opens)
            closes = max(opens, min(begin + d.step_hours, day + p.closes))
            mine = [s for s, (who, _) in enumerate(self.seats) if who == number]
            if opens == closes or not mine:
                continue
            clock = float(opens)
            for s in mine:
                if s in self.busy:
                    case, left, start, _ = self.busy[s]
                    self.busy[s] = (case, left, start, clock + left / self.seats[s][1])
            while True:
                there = [c for c in self.waiting.values() if d.pool_of[c["language"]] == number]
                now_there = sorted((c for c in there if self.time(c) <= clock), key=self.place)
                idle = [s for s in mine if s not in self.busy]
                for s, case in zip(idle, now_there, strict=False):
                    del self.waiting[case["kind"], case["subject"]]
                    mean = float(case["work"]) / p.items_per_hour
                    length = -float(log32(F(1) - self.luck(case, 50))) * mean if d.exponential else mean
                    self.busy[s] = (case, length, clock, clock + length / self.seats[s][1])
                later = [self.time(c) for c in there if self.time(c) > clock]
                events = sorted([(self.busy[s][3], 0, s) for s in mine if s in self.busy] + [(t, 1, 0) for t in later])
                if not events or events[0][0] >= closes:
                    break
                clock, what, s = events[0]
                if what == 0:
                    case, _, start, _ = self.busy.pop(s)
                    u, c = self.luck(case, 51), case["language"]
                    found = u < p.sensitivity[c] if case["truth"] else u >= p.specificity[c]
                    felt = max(now + 1, math.ceil((clock + d.delay_h) / d.step_hours))
                    out.append((clock, case["kind"], case["subject"], bool(found), start - self.time(case), felt))
                    self.counts["decided"] += 1
            for s in mine:
                if s in self.busy:
                    case, _, start, finish = self.busy[s]
                    self.busy[s] = (case, (finish - closes) * self.seats[s][1], start, finish)
        lines = [[c for c in self.waiting.values() if c["language"] == k] for k in range(len(d.pool_of))]
        over = []
        for line in lines:
            room = d.capacity
            for case in sorted(line, key=self.place):
                if room <= 0:
                    over.append(case)
                room -= float(case["work"])
        for case in over:
            del self.waiting[case["kind"], case["subject"]]
            self.counts["expired"] += 1
        return sorted(out)


SETTINGS = [
    desk(pool(1.7, 3.0), exponential=False),
    desk(pool(3.0, 2.0, 8, 20), order="reports_reach", step_hours=4, delay_h=7.0),
    desk(pool(0.4, 6.0), order="score", expires_h=9.0),
    desk(pool(2.3, 1.0, 0, 11), pool(1.0, 5.0, 9, 24, (0.5, 0.3, 0.9)), pool_of=(0, -1, 1), capacity=6.0, step_hours=2),
]


@pytest.mark.parametrize("setting", SETTINGS, ids=["fixed", "shifts", "fraction", "two pools"])
def test_plain_twin(setting):
    steps = 30
    cases = some_cases(np.random.default_rng(4), 400, steps, subjects=150)
    queue, plain = new_queue(setting), PlainQueue(setting)
    decided = 0
    for now in range(steps):
        due = take(cases, cases.entered == now)
        queue, v = review(setting, queue, due, now, KEY)
        rows = [{n: getattr(due, n)[r].item() for n in TYPES} | {"hours": 0} for r in range(len(due.kind))]
        expected = plain.step(rows, now)
        decided += len(expected)
        assert [e[1:4] for e in expected] == list(
            zip(v.kind.tolist(), v.subject.tolist(), v.found.tolist(), strict=True)
        )
        assert v.decided_h == pytest.approx([e[0] for e in expected])
        assert v.waited_h == pytest.approx([e[4] for e in expected])
        assert v.effect.tolist() == [e[5] for e in expected]
        line = sorted(plain.waiting.values(), key=plain.place)
        assert queue.waiting.subject.tolist() == [c["subject"] for c in line]
        assert queue.waiting.reports.tolist() == [c["reports"] for c in line]
        assert queue.ledger.sum(axis=0).tolist() == list(plain.counts.values())
    assert decided > 40 and plain.counts["merged"] > 5


# ---- hours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [0.03, 0.5, 1.0, 2.25, 95 * 0.05])
def test_nobody_works_more_than_the_hours(people):
    """Under a flood every reviewer works each hour of the shift, and no more, in every single step."""
    setting = desk(pool(people, 5.0, 8, 18), step_hours=4)
    queue, share = new_queue(setting), seats(setting)[1]
    cases = some_cases(np.random.default_rng(1), 3000, 1)
    before = queue.worked
    for now in range(30):
        queue, _ = review(setting, queue, cases if now == 0 else no_cases(), now, KEY)
        open_hours = max(0, min(18, now * 4 % 24 + 4) - max(8, now * 4 % 24))
        assert np.all(queue.worked - before <= share * open_hours + 1e-9)
        assert queue.worked - before == pytest.approx(share * open_hours)
        before = queue.worked
    assert queue.worked.sum() == pytest.approx(people * 10 * 5)
    assert queue.offered == pytest.approx(queue.worked)


def test_idle_time_is_not_saved():
    setting = desk(pool(0.5, 1.0), exponential=False)
    number = np.arange(50, dtype=np.uint64)
    _, early = run(setting, make_cases(ITEM, number, 0, True, 0), 40)
    late, queue = run(setting, make_cases(ITEM, number, 0, True, 20), 40)
    assert early.worked.sum() == pytest.approx(20) and queue.worked.sum() == pytest.approx(10)
    assert late.decided_h.tolist() == [22, 24, 26, 28, 30, 32, 34, 36, 38]


def test_a_fraction_of_a_reviewer():
    """Capacity may be any number: the rate of reviews follows it exactly, and reviewers are rounded up."""
    for people, count in ((0.01, 1), (0.999, 1), (1.0, 1), (1.001, 2), (4.75, 5), (3 * (1 / 3) * 2, 2)):
        setting = desk(pool(people, 10.0), exponential=False)
        pool_of, share = seats(setting)
        assert len(share) == count and share.sum() == pytest.approx(people) and np.all(pool_of == 0)
        cases = make_cases(ACCOUNT, np.arange(5000, dtype=np.uint64), 0, True, 0)
        verdicts, _ = run(setting, cases, 100)
        assert len(verdicts.kind) == pytest.approx(people * 1000, abs=count + 1)


def test_long_reviews_go_on_over_nights():
    """Work that outlasts a shift is continued the next day: 30 h of work in shifts of 8 h end on the fourth day."""
    setting = desk(pool(1.0, 1.0, 9, 17), exponential=False)
    verdicts, _ = run(setting, make_cases(ITEM, np.array([5]), 0, True, 0, work=30), 24 * 5)
    assert verdicts.decided_h.tolist() == [3 * 24 + 9 + 6] and verdicts.waited_h.tolist() == [9]


# ---- Erlang C ----------------------------------------------------------------------------------------------------


def erlang_wait(servers, load, rate):
    """Mean wait of M/M/c (Erlang C); load = arrivals / rate of one server."""
    tail = load**servers / math.factorial(servers) * servers / (servers - load)
    wait = tail / (sum(load**k / math.factorial(k) for k in range(servers)) + tail)
    return wait / (servers * rate - load * rate)


@pytest.mark.parametrize(
    ("people", "busy", "tolerance"), [(1, 0.5, 0.06), (1, 0.8, 0.17), (3, 0.7, 0.08), (8, 0.85, 0.15), (3.5, 0.7, 0.08)]
)
def test_mean_wait_is_that_of_erlang_c(people, busy, tolerance):
    """Stationary, first come, Poisson arrivals; three and a half reviewers are four at seven eighths of the rate.

    Tolerance: about three standard errors of the mean of 40,000 autocorrelated waits. For M/M/1 and a load of 0.8 their
    asymptotic variance is load (2 + 5 load - 4 load^2 + load^3) / (1 - load)^4 per rate^2: an error of 5.6 %.
    """
    rate, count, servers = 30.0, 40_000, math.ceil(people)
    generator = np.random.default_rng(17)
    arrival = np.cumsum(generator.exponential(1 / (people * busy * rate), count))
    step = np.floor(arrival).astype(np.int32)
    moment = np.minimum((arrival - step).astype(F), F(1 - 2**-24))
    cases = make_cases(ACCOUNT, np.arange(count, dtype=np.uint64), 0, False, step, moment=moment)
    verdicts, queue = run(desk(pool(people, rate)), cases, int(step[-1]) + 100)
    assert len(verdicts.kind) == count and queue.ledger[0].tolist() == [count, 0, count, 0]
    expected = erlang_wait(servers, servers * busy, rate * people / servers)
    assert verdicts.waited_h.mean() == pytest.approx(expected, rel=tolerance)


def test_overload_grows_at_the_rate_of_what_is_left_over():
    """Twice as many cases as can be reviewed: half of them wait at the end, whatever the scale."""
    for scale in (1.0, 0.1):
        count = round(40_000 * scale)
        cases = make_cases(ITEM, np.arange(count, dtype=np.uint64), 0, True, np.arange(count) * 400 // count)
        verdicts, _ = run(desk(pool(2 * scale, 25.0)), cases, 400)
        assert len(verdicts.kind) == pytest.approx(count / 2, rel=0.05)
        assert verdicts.waited_h[-200:].mean() == pytest.approx(200, rel=0.08)


# ---- nothing is lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS, ids=["fixed", "shifts", "fraction", "two pools"])
def test_cases_in_are_decided_or_wait_or_went(setting):
    cases = some_cases(np.random.default_rng(8), 900, 40, subjects=500)
    queue, decided = new_queue(setting), 0
    for now in range(40):
        queue, v = review(setting, queue, take(cases, cases.entered == now), now, KEY)
        decided += len(v.kind)
        entered, merged, out, expired = queue.ledger.T
        inside = np.bincount(np.concatenate([queue.waiting.language, queue.hand.language]), minlength=3)
        assert np.array_equal(entered, merged + out + expired + inside)
        assert entered.sum() == (cases.entered <= now).sum() and out.sum() == decided
        assert len(queue.hours) == len(queue.waiting.kind) and len(queue.seat) == len(set(queue.seat.tolist()))
    assert decided > 50
    assert (expired.sum() > 0) == (np.isfinite(setting.capacity) or np.isfinite(setting.expires_h))


def test_cases_that_come_later_wait_outside():
    setting, cases = desk(), some_cases(np.random.default_rng(3), 60, 20)
    by_step, _ = run(setting, cases, 40)
    queue, at_once = new_queue(setting), []
    for now in range(40):
        queue, v = review(setting, queue, cases if now == 0 else no_cases(), now, KEY)
        at_once.append(v)
    assert all(np.array_equal(np.concatenate(c), b) for c, b in zip(zip(*at_once, strict=True), by_step, strict=True))


# ---- luck --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS, ids=["fixed", "shifts", "fraction", "two pools"])
def test_order_of_arrival_within_a_step_changes_nothing(setting):
    cases = some_cases(np.random.default_rng(6), 500, 30, subjects=400)
    cases = cases._replace(moment=np.round(cases.moment * 2) / F(4))  # many at the same moment
    plain, queue = run(setting, cases, 30)
    for seed in range(3):
        mixed, other = run(setting, cases, 30, shuffle=np.random.default_rng(seed))
        assert same(plain, mixed) and equal_queues(queue, other)
    assert not same(plain, run(setting, cases, 30, key=Key(12, 2))[0])


def test_a_fork_moves_nothing():
    setting = SETTINGS[1]
    cases = some_cases(np.random.default_rng(9), 300, 20)
    _, middle = run(setting, cases, 10)
    fork = copied(middle)
    ends = []
    for queue in (middle, fork):
        for now in range(10, 20):
            queue, _ = review(setting, queue, take(cases, cases.entered == now), now, KEY)
        ends.append(queue)
    assert equal_queues(*ends) and equal_queues(middle, fork) and not equal_queues(middle, ends[0])


def test_luck_hangs_on_the_case_alone():
    """With another 200 cases in the queue each of the first 100 gets the same verdict, later."""
    setting = desk(pool(3.0, 20.0))
    few = some_cases(np.random.default_rng(2), 100, 1)
    more = some_cases(np.random.default_rng(5), 200, 1, first=100)
    alone, _ = run(setting, few, 40)
    cases = make_cases(*(np.concatenate(c) for c in zip(few[:5], more[:5], strict=True)))
    crowd, _ = run(setting, cases, 40)
    verdict = {(k, s): f for k, s, f in zip(crowd.kind, crowd.subject, crowd.found, strict=True)}
    assert len(alone.kind) == 100 and len(crowd.kind) == 300
    assert [verdict[k, s] for k, s in zip(alone.kind, alone.subject, strict=True)] == alone.found.tolist()
    again, _ = run(setting, few._replace(round=few.round + np.int16(1)), 40)
    assert not np.array_equal(np.sort(again.waited_h), np.sort(alone.waited_h))


def test_draws_are_those_of_each_population():
    cases = some_cases(np.random.default_rng(2), 50, 1)
    u = draws(KEY, Decision.NOTICE, cases.subject, 9)
    for row, subject in enumerate(cases.subject.tolist()):
        words = plain_draws(subject & 0xFFFFFFFF, 9, subject >> 32, 0, 53, KEY.words)
        assert u[row].tolist() == [unit(w) for w in words]


# ---- errors of reviewers, priorities, languages --------------------------------------------------------------------


def test_sensitivity_and_specificity_by_language():
    count, setting = 30_000, desk(pool(1.0, 1e6, sensitivity=(0.8, 0.4, 0.0), specificity=0.93))
    number = np.arange(count, dtype=np.uint64)
    truth = number % np.uint64(2) == 0
    verdicts, _ = run(setting, make_cases(ACCOUNT, number, number % np.uint64(3), truth, 0), 1)
    for language, sensitivity in enumerate((0.8, 0.4, 0.0)):
        for true, chance in ((True, sensitivity), (False, 0.07)):
            found = verdicts.found[(verdicts.language == language) & (verdicts.truth == true)]
            assert len(found) == 5000
            assert abs(found.mean() - chance) <= 4 * math.sqrt(chance * (1 - chance) / 5000)


def test_better_reviewers_find_the_same_and_more():
    cases = some_cases(np.random.default_rng(5), 2000, 1)
    worse = run(desk(pool(1.0, 1e6, sensitivity=(0.5,) * 3, specificity=0.8)), cases, 1)[0]
    better = run(desk(pool(1.0, 1e6, sensitivity=(0.7,) * 3, specificity=0.9)), cases, 1)[0]
    assert np.array_equal(worse.subject, better.subject)
    assert np.all(better.found[worse.truth] >= worse.found[worse.truth])
    assert np.all(better.found[~worse.truth] <= worse.found[~worse.truth])
    assert worse.found.sum() != better.found.sum()


@pytest.mark.parametrize("order", ["first_come", "reports_reach", "score"])
def test_order_of_reviews(order):
    cases = some_cases(np.random.default_rng(5), 300, 1)._replace(moment=np.zeros(300, F))
    verdicts, _ = run(desk(pool(1.0, 10.0), order=order, exponential=False), cases, 60)
    value = {"first_come": cases.reports * 0, "reports_reach": cases.reports * cases.reach, "score": cases.score}[order]
    expected = sorted(range(300), key=lambda r: (-cases.priority[r], -value[r], cases.kind[r], cases.subject[r]))
    assert verdicts.subject.tolist() == cases.subject[expected].tolist()


def test_a_language_without_reviewers_waits_for_ever():
    cases = some_cases(np.random.default_rng(5), 300, 1)
    verdicts, queue = run(desk(pool(5.0, 100.0), pool_of=(0, -1, 0)), cases, 50)
    assert np.all(verdicts.language != 1) and np.all(queue.waiting.language == 1)
    assert len(queue.hours) == (cases.language == 1).sum() > 50
    for nobody in (desk(pool(0.0, 5.0)), Desk((), np.full(3, -1), "score", True, 0.0, np.inf, np.inf, 1)):
        verdicts, queue = run(nobody, cases, 5)
        assert len(verdicts.kind) == 0 and len(queue.hours) == 300 and len(queue.worked) == 0
    dropped = run(desk(pool(5.0, 100.0), pool_of=(0, -1, 0), expires_h=10.0), cases, 50)[1]
    assert len(dropped.hours) == 0 and dropped.ledger[1, 3] == (cases.language == 1).sum()


def test_delay_comes_before_the_effect():
    cases = make_cases(ITEM, np.arange(4), 0, True, 0)
    verdicts, _ = run(desk(pool(1.0, 2.0), exponential=False, delay_h=5.0, step_hours=3), cases, 5)
    assert verdicts.decided_h.tolist() == [0.5, 1.0, 1.5, 2.0] and verdicts.effect.tolist() == [2, 2, 3, 3]
    assert verdicts.found.dtype == bool and CASE_KINDS[verdicts.kind[0]] == "item"


def test_the_effect_is_always_in_a_later_step():
    """A review that ends just as a step begins is felt in the next one: this one has already run."""
    verdicts, _ = run(desk(pool(1.0, 1.0), exponential=False), make_cases(ITEM, np.arange(3), 0, True, 0), 5)
    assert verdicts.decided_h.tolist() == [1, 2, 3] and verdicts.effect.tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"moment": 1.0}, r"got moment 1.0, must be in \[0, 1\)"),
        ({"work": 0.0}, "got work 0.0, must be above 0"),
        ({"score": math.nan}, "got score nan, must be finite"),
        ({"reports": -1}, "got reports -1, must be at least 0"),
        ({"weight": 1}, "got unknown column 'weight'; allowed: kind, "),
    ],
)
def test_bad_cases(columns, message):
    with pytest.raises(ValueError, match=message):
        make_cases(ITEM, np.arange(2), 0, True, 0, **columns)
    with pytest.raises(ValueError, match=r"got language 3, must be in \[0, 2\]"):
        review(desk(), new_queue(desk()), make_cases(ITEM, np.arange(2), 3, True, 0), 0, KEY)


@pytest.mark.parametrize(("capacity", "work", "left"), [(2.0, 1.0, 2), (2.0, 0.2, 10), (0.7, 1.0, 1), (0.0, 1.0, 0)])
def test_room_in_the_line_is_for_real_cases(capacity, work, left):
    """A case that stands for a fifth of a real one takes a fifth of the room; a part of a place is one that can be taken."""
    setting = desk(pool(0.001, 0.001), capacity=capacity)
    cases = make_cases(ITEM, np.arange(20, dtype=np.uint64), 0, False, 0, work=work)
    queue, _ = review(setting, new_queue(setting), cases, 0, KEY)
    assert len(queue.waiting.kind) + len(queue.hand.kind) - 1 == left
