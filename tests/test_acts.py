"""What accounts do, act by act: against a plain twin, and taken back again."""

import numpy as np
import pytest
import reference
from helpers import changed, world_of
from hypothesis import given
from hypothesis import strategies as st

from recsim.agents.followers import make_accounts
from recsim.kernels import acts
from recsim.kernels.acts import ACTIONS_OF, RULES, Counting, Engaged, Log, Tactics, Targets, act
from recsim.kernels.counters import exp_of
from recsim.rng import Key
from recsim.scenario.quantity import assumed
from recsim.state import no_counts
from recsim.world.rollback import UNITS, roll_back

F = np.float32
POOLS = {"own": [2, 4], "rivals": [5, 6], "popular": [0, 7], "random": [0, 2, 5], "segment": [3, 6], "trial": [4]}
NAMED, ASLEEP = [1], [1, 6]
AUTHOR = np.array([2, 0, 1, 2, 2, 0, 1, 0], np.int32)


def targets(placebo=False):
    """Items by rule; in a placebo sleepers have some of their own."""
    parts = [*POOLS.values(), NAMED, *([ASLEEP] if placebo else [])]
    edges = [np.cumsum([1 + 3 * k for k in range(len(p))]) for p in parts]
    starts = np.cumsum([0, *map(len, parts)])
    made = Targets(np.concatenate(parts).astype(np.int32), np.concatenate(edges).astype(np.int64), starts)
    return made._replace(asleep=np.int64(len(parts) - 1)) if placebo else made


def pick(pool, word):
    weights = [1 + 3 * k for k in range(len(pool))]
    goal = word * sum(weights) >> 32
    return next(item for k, item in enumerate(pool) if goal < sum(weights[: k + 1]))


def twin(times, awake, t, counting, key, population, step, budget, inauthentic, signals=(), placebo=False):
    """The same acts in plain Python: totals, fake, weighted, log, flows, searches, spending."""
    total, fake = np.zeros((8, 10), int), np.zeros((8, 10), int)
    valued, fake_valued = np.zeros((8, 2, 10), int), np.zeros((8, 2, 10), int)
    log, flows, engaged, sought, spent, used, followed = [], np.zeros((3, 8), int), [], {}, 0, {}, []
    for n, count in enumerate(times):
        for time in range(count):
            a, b, c, d = reference.draws(n, time, population, step, 9, key)
            e, f, g, h = reference.draws(n, time, population, step, 10, key)
            tactic = next(k for k, edge in zip(ACTIONS_OF, t.edge, strict=True) if reference.unit(a) < edge)
            if not awake[n]:
                tactic = "like"
            elif reference.unit(f) < t.camouflage:
                tactic = "camouflage"
            k = ACTIONS_OF.index(tactic)
            rule = next(r for r, edge in zip(RULES, t.where[k], strict=True) if reference.unit(b) < edge)
            item = None if tactic == "follow" and not placebo else pick(POOLS[rule], c)
            if not awake[n]:
                item = pick(ASLEEP if placebo else POOLS["popular"], c)
            if awake[n]:
                if spent + t.price[k] > budget:
                    continue
                spent += t.price[k]
                if not t.uses[k]:
                    continue
            prevented = inauthentic and tactic in ("like", "follow", "camouflage") and reference.unit(e) < t.prevented
            if awake[n]:
                flows[[0, 1 if prevented else 2], k] += 1
            if prevented:
                continue
            if tactic == "follow":
                log.append((n, -1 if item is None else -2 - AUTHOR[item], 5, counting.weight[n], step))
                followed.append(item)
                continue
            events = [0, 1, 9] if tactic == "watch" or reference.unit(d) < t.views_per_action else []
            events += {"like": [2], "camouflage": [2], "comment": [3], "share": [4], "report": [8]}.get(tactic, [])
            if tactic == "search":
                sought[pick(NAMED, h), item] = sought.get((pick(NAMED, h), item), 0) + 1
            good, bad = (set(events) & set(s) for s in signals or ({2, 4}, set()))
            learned = not counting.served_only or reference.unit(g) < t.served
            if learned and (good or bad):
                engaged.append((n, item, not bad) if signals else (n, item))
            for action in events:
                weight = int(counting.weight[n])
                if counting.served_only and not reference.unit(g) < t.served:
                    weight = 0
                if weight and counting.cap >= 0 and counting.recognised[n]:
                    weight = min(weight, int(counting.cap) - used.get((item, action), 0))
                    used[item, action] = used.get((item, action), 0) + weight
                units = 1024 if action == 9 else 1
                log.append((n, item, action, weight, step))
                for table, weighted, counts in ((total, valued, True), (fake, fake_valued, awake[n] and inauthentic)):
                    if counts:
                        table[item, action] += units
                        weighted[item, counting.group[n], action] += weight * units
    return total, fake, valued, fake_valued, log, flows, engaged, sought, spent, followed


@pytest.mark.parametrize("placebo", [False, True])
@pytest.mark.parametrize("signals", [(), ({1, 2, 4}, {8}), ({4}, {1, 3})])
@pytest.mark.parametrize("budget, served_only, cap, inauthentic", [(1 << 60, False, -1, True), (900, True, 700, True), (1 << 60, False, 1500, False)])  # fmt: skip
def test_acting_counts_and_targets(budget, served_only, cap, inauthentic, signals, placebo):
    """Every act lands where its draws say, is paid, counted, weighed and logged once."""
    key, population, step = Key(9, 2), 123, 7
    times = np.array([3, 0, 5, 1] * 20, np.int64)
    awake = np.array([True, True, True, False] * 20)
    candidate = np.array([-1, -1, 0, -1, 0, 1, 1, -1], np.int8)
    made = no_counts(8, 2)
    accounts = make_accounts(np.array([0, 1], np.int32), np.zeros(4, np.int64), np.zeros(0, np.int32))
    where = np.tile(np.array([0.3, 0.5, 0.6, 0.75, 0.9, 2.0], F), (8, 1))
    tactics = Tactics(
        np.array([0.25, 0.45, 0.55, 0.65, 0.75, 0.85, 2.0, 2.0], F), where, np.arange(8) != 1,
        np.arange(8, dtype=np.int64), F(0.5), F(0.25), F(0.1), F(0.5),
    )  # fmt: skip
    n = np.arange(80)
    counting = Counting(
        (n * 11 % 1025).astype(np.int32), (n % 2).astype(np.uint8), n % 3 == 0, np.int64(cap),
        np.zeros((8 if cap >= 0 else 0, 10), np.int32), served_only,
    )  # fmt: skip
    bits = np.array([sum(1 << action for action in side) for side in signals], np.int64)
    engaged = Engaged(
        np.zeros(200, np.int32), np.zeros(200, np.int32), np.zeros(200 if signals else 0, np.int8), bits,
        np.zeros(1, np.int64),
    )  # fmt: skip
    log = Log(np.zeros((800, 5), np.int32), np.zeros(800, np.bool_), np.zeros(1, np.int64))
    by, flows, mine = np.zeros((3, 10), np.int64), np.zeros((3, 8), np.int64), np.zeros(1, np.int64)
    sought, purse = np.zeros((2, 8), F), np.array([0, budget], np.int64)
    act(
        times, awake, tactics, targets(placebo), 0, -1 if placebo else 0, inauthentic, np.uint64(population), *key.words, np.uint64(step),
        np.arange(8, dtype=np.uint32), candidate, AUTHOR, made, accounts, by, flows, mine, engaged, counting, sought, purse, log,
    )  # fmt: skip
    total, fake, valued, fake_valued, rows, wanted, liked, found, spent, followed = twin(
        times, awake, tactics, counting, key.words, population, step, budget, inauthentic, signals, placebo
    )
    assert np.array_equal(made.total, total) and np.array_equal(made.fake, fake) and np.array_equal(flows, wanted)
    assert np.array_equal(made.valued, valued) and np.array_equal(made.fake_valued, fake_valued)
    assert cap < 0 or (counting.spent.max() == cap and any(0 < r[3] < counting.weight[r[0]] for r in rows))
    count = log.used[0]
    assert [tuple(r) for r in log.row[:count]] == rows and count > 50
    assert {(int(c), int(i)): float(sought[c, i]) for c, i in zip(*np.nonzero(sought), strict=True)} == found and found
    assert purse[0] == spent <= budget and spent > 100
    used = engaged.used[0]
    columns = [engaged.account, engaged.item, *([engaged.value == 1] if signals else [])]
    assert list(zip(*(column[:used] for column in columns), strict=True)) == liked and used > 20
    assert not signals or {value for *_, value in liked} == {True, False}
    if placebo:  # whoever posted what was drawn is followed
        authors, about = AUTHOR[followed], candidate[followed]
        assert accounts.followers.tolist() == np.bincount(authors, minlength=3).tolist() and len(set(authors)) > 1
        assert by[:, 5].tolist() == np.bincount(np.where(about < 0, 2, about), minlength=3).tolist()
    else:
        assert accounts.followers.tolist() == [len(followed), 0, 0] and by[0, 5] == len(followed) > 0
    assert by[:, [1, 2, 3, 4, 8]].sum() == total[:, [1, 2, 3, 4, 8]].sum()
    assert made.fake.any() == inauthentic and flows[0, 1] == 0
    for k in set(range(8)) - {1}:
        assert flows[0, k] > 0, ACTIONS_OF[k]


def busy(small, **fields):
    """The small scenario with one bot network that does everything, strongly."""
    bots = small.campaigns[0]
    mix = {"like": 0.3, "comment": 0.2, "share": 0.1, "follow": 0.1, "watch": 0.1, "report": 0.1, "search": 0.1}
    tactics = bots.tactics.model_copy(update={name: assumed(share) for name, share in mix.items()})
    bots = bots.model_copy(update={"tactics": tactics, "dose": assumed(5.0), **fields})
    return changed(small.model_copy(update={"campaigns": [bots]}))


@pytest.fixture(scope="module")
def acted(small):
    world = world_of(busy(small), arm="factual", steps=0)
    world.run_until(world.plan.steps - 2)
    return world


def logged(roster, fake=False):
    parts = [part[np.ones(len(part), bool) if not fake else f] for part, f in zip(roster.log, roster.fake, strict=True)]
    return np.concatenate([np.zeros((0, 5), np.int32), *parts]).astype(np.int64)


def of_log(rows, items):
    table = np.zeros((items, 10), np.int64)
    rows = rows[rows[:, 1] >= 0]
    np.add.at(table, (rows[:, 1], rows[:, 2]), UNITS[rows[:, 2]])
    return table


def test_counters_are_people_and_log(acted):
    """Whatever is counted was done by people or is logged; what is fake was done awake by campaigns."""
    counters = acted.state.counters
    roster = acted.networks[0].roster
    people = counters.total - of_log(logged(roster), len(counters.total))
    assert people.min() >= 0 and np.array_equal(people[:, [0, 2]], counters.human)
    assert np.array_equal(counters.fake, of_log(logged(roster, fake=True), len(counters.total)))
    assert counters.fake.sum() > 0 and np.all(counters.fake <= counters.total)


def test_rolled_back_accounts_have_never_acted(acted):
    """All: only people's events are left. Some: theirs are left out. Followers and decayed counts go with them."""
    state = acted.state.fork()
    roster, network = state.rosters[acted.networks[0].network.campaign], acted.networks[0].network
    factor = exp_of(F(-0.6931472 / (acted.plan.scenario.platform.predictor.half_life_h.value * acted.plan.steps_per_day / 24)))  # fmt: skip
    step = acted.now - 1
    before, items = state.counters.total.copy(), len(state.counters.total)
    some = np.arange(len(roster.active)) % 2 == 0
    nobody = np.zeros(len(some), bool)
    everything = logged(roster)
    follows = state.accounts.followers[state.accounts.official[network.beneficiary]]
    decayed = state.counters.decayed.copy()
    back = roll_back(state, network, roster, some, nobody, step, factor)
    mine = everything[some[everything[:, 0]]]
    assert back == len(mine) > 0 and len(logged(roster)) == len(everything) - back
    assert np.array_equal(before - state.counters.total, of_log(mine, items))
    official = state.accounts.official[network.beneficiary]
    assert follows - state.accounts.followers[official] == (mine[:, 1] < 0).sum() > 0
    # The part that is left of each event, from its age.
    expected = np.zeros((10, items))
    for _, item, action, _, when in mine[mine[:, 1] >= 0]:
        expected[action, item] += UNITS[action] * float(factor) ** (step - when)
    assert decayed - state.counters.decayed == pytest.approx(np.minimum(expected, decayed), rel=1e-3, abs=2e-2)
    assert state.counters.decayed.min() >= 0 and np.all(state.counted <= state.counters.total)
    roll_back(state, network, roster, np.ones(len(some), bool), nobody, step, factor)
    people = before - of_log(everything, items)
    assert np.array_equal(state.counters.total, people) and state.counters.fake.max() == 0
    assert roster.log == [] and roll_back(state, network, roster, some, nobody, step, factor) == 0
    assert np.array_equal(acted.state.counters.total, before) and len(acted.networks[0].roster.log) > 0


def test_weighted_counts_are_taken_back_too(acted):
    """Of weighted counts exactly the weight that the log says, in the account's group."""
    state = acted.state.fork()
    network = acted.networks[0].network
    roster = state.rosters[network.campaign]
    roster.group[:] = np.arange(len(roster.group)) % 2
    gen = np.random.default_rng(3)
    roster.log = [part.copy() for part in roster.log]
    for part in roster.log:
        part[:, 3] = gen.integers(0, 1025, len(part))

    def weighted(keep, fake):
        table = np.zeros((len(state.counters.total), 2, 10), np.int64)
        rows = logged(roster, fake)
        rows = rows[(rows[:, 1] >= 0) & keep[rows[:, 0]]]
        np.add.at(table, (rows[:, 1], roster.group[rows[:, 0]], rows[:, 2]), rows[:, 3] * UNITS[rows[:, 2]])
        return table

    everyone, some = np.ones(len(roster.group), bool), gen.random(len(roster.group)) < 0.5
    state.counters = state.counters._replace(valued=weighted(everyone, False) + 5, fake_valued=weighted(everyone, True))
    left, fake_left = weighted(~some, False) + 5, weighted(~some, True)
    recognised = gen.random(len(some)) < 0.5

    def capped(keep):
        table, rows = np.zeros((len(state.counters.total), 10), np.int32), logged(roster)
        rows = rows[(rows[:, 1] >= 0) & (rows[:, 3] > 0) & (keep & recognised)[rows[:, 0]]]
        np.add.at(table, (rows[:, 1], rows[:, 2]), rows[:, 3].astype(np.int32))
        return table

    roster.capped, free_again = capped(everyone), capped(~some)
    roll_back(state, network, roster, some, recognised, acted.now - 1, 0.9)
    assert np.array_equal(state.counters.valued, left) and np.array_equal(state.counters.fake_valued, fake_left)
    assert fake_left.any() and (left > 5).any()
    assert np.array_equal(roster.capped, free_again) and free_again.any()


def test_inactive_accounts_do_nothing(small):
    """Neither awake nor asleep."""
    world = world_of(busy(small, aged_share=assumed(1.0), dormant_activity=assumed(1.0)), arm="factual", steps=0)
    roster = world.networks[0].roster
    roster.active[::2] = False
    world.run_until(world.plan.steps)
    rows = logged(roster)
    assert len(rows) > 0 and np.all(rows[:, 0] % 2 == 1)
    assert (rows[:, 4] < world.networks[0].network.first_step).any()


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 2**40), min_size=1, max_size=5))
def test_targets_are_drawn_from_totals_of_any_size(word, weights):
    """The sum of recent views of a large world is beyond 32 bits."""
    edges = np.cumsum(np.array(weights, np.int64))
    start = np.zeros(len(RULES) + 2, np.int64)
    start[1:] = len(weights)
    found = acts._pick(Targets(np.arange(len(weights), dtype=np.int32), edges, start), 0, np.uint64(word))
    goal = word * int(edges[-1]) >> 32
    assert found == next(k for k, edge in enumerate(edges.tolist()) if goal < edge)
