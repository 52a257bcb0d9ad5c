"""The memory of what people have been shown: pages of entries are bits, only smaller."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from campaign_mixes import with_campaigns
from helpers import changed, world_of
from hypothesis import given
from hypothesis import strategies as st
from test_advertising import campaign as advertisements

from recsim import aligned
from recsim.agents import followers
from recsim.audit import controls
from recsim.kernels import shown
from recsim.kernels.slate import has_seen, turn_of
from recsim.kernels.touch import touch_block
from recsim.rng import Key
from recsim.scenario import load
from recsim.scenario.campaigns import BotNetwork
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.scenario.schema import HeadWeights
from recsim.state import Observed, no_pages
from recsim.world import build, seen
from recsim.world.arms import COUNTERFACTUAL, FACTUAL
from recsim.world.pair import simulate_arms
from recsim.world.plan import make_plan
from recsim.world.world import World

CONFIGS = Path(__file__).parent.parent / "configs"
WINDOW = 300
PEOPLE = 7


class Memory:
    """Just enough of a state for `recsim.world.seen`."""

    def __init__(self, pages):
        nothing = np.zeros((PEOPLE, 1), np.int32)
        bits, made = seen.empty_memory(PEOPLE, WINDOW, pages)
        self.observed = Observed(*[nothing] * 4, bits, *[nothing] * 5, made)


@st.composite
def histories(draw):
    """Steps of items created, and what is shown to whom: many to few, so that pages fill and come back."""
    steps = draw(st.integers(3, 14))
    return [(draw(st.integers(0, 90)), draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 3))) for _ in range(steps)]


def shown_to(observed, item, people=PEOPLE):
    """(U,) bool, who has been shown an item."""
    out = np.zeros((people, 1), np.int32)
    shown.count_shown(0, people, observed, np.int64(item), np.zeros(1, np.int64), out)
    assert out.max() <= 1
    return out[:, 0] == 1


def pages_of(pages, person):
    """Numbers of a person's pages, the oldest first."""
    newest, out = int(pages.last[person]), []
    while newest >= 0 and (not out or out[-1] != newest):
        out.append(int(shown.next_page.py_func(pages.entry, out[-1] if out else newest)))
    return out


@given(histories(), st.integers(0, 2**20), st.integers(1, 3), st.booleans())
def test_pages_are_sets(history, origin, lifetime, side_by_side):
    """Against sets, whatever is created, shown and swept: every live item that was shown is known, and no other."""
    state, twin = Memory(pages=3), reference.Shown(PEOPLE)
    born = [origin]
    for new, _, _ in history:
        born.append(born[-1] + new)
    for step, (_, seed, threads) in enumerate(history):
        start, end = born[max(0, step + 1 - lifetime)], born[step + 1]
        gen = np.random.default_rng(seed)
        come = np.flatnonzero(gen.random(PEOPLE) < 0.7)
        groups = np.array_split(come, threads)
        parts = seen.hand_out(state, [len(group) for group in groups], 90)
        for part, group in zip(parts, groups, strict=True):
            for person in group:
                row = shown.memory_row(part, person)
                known = {i for i in range(start, end) if has_seen(part.seen, row, i)}
                assert known == twin.live(person, start, end)
                picked = gen.permutation(np.arange(start, end))[: gen.integers(0, 91)]
                told = np.array([*picked, *picked[:3]], np.int64)  # an advertisement comes again
                shown.remember(part, row, person, told, len(told), turn_of(start, part.seen.shape[1]))
                for item in told:
                    twin.remember(person, int(item))
        seen.take_back(state, parts)
        for item in range(start, end, 17):
            assert shown_to(state.observed, item).tolist() == [item in items for items in twin.items]
        column = gen.integers(-1, 3, end - start)
        counts, some = np.zeros((PEOPLE, 3), np.int32), gen.integers(0, PEOPLE)
        shown.count_shown(0, some, state.observed, np.int64(start), column, counts)
        assert not counts[some:].any()
        shown.count_shown(some, PEOPLE, state.observed, np.int64(start), column, counts)
        assert counts.tolist() == [
            [sum(column[item - start] == k for item in twin.live(person, start, end)) for k in range(3)]
            for person in range(PEOPLE)
        ]
        pages = state.observed.pages
        if step % 2:
            start = born[max(0, step + 2 - lifetime)]
            plan = SimpleNamespace(steps_per_day=1, lifetime=lifetime)  # everybody in one turn
            state.born = np.array(born)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(seen, "page_bytes", lambda _: np.inf if side_by_side else 0.0)
                patch.setattr(aligned, "give_back", lambda rows, first, end: rows[first:end].fill(0xFFFF))
                seen.sweep(
                    plan,
                    state,
                    step + 1,
                    lambda work, rows, n=threads: [work(r[0], r[-1] + 1) for r in np.array_split(rows, n)],
                )
            pages = state.observed.pages
            kept = [len(twin.live(person, start, end)) for person in range(PEOPLE)]
            assert seen.pages_in_use(pages) == sum(-(-n // shown.ENTRIES) for n in kept)
            lie = [page for person in range(PEOPLE) for page in pages_of(pages, person)]
            mine = [range(first, end) for whose, first, end in pages.regions if whose == 0]
            assert not side_by_side or lie == [page for part in mine for page in part]  # in the order of people
        everywhere = [
            *pages.spare[: pages.spares[0]],
            *(page for person in range(PEOPLE) for page in pages_of(pages, person)),
        ]
        for whose, first, end in pages.regions:
            everywhere += range(first, end) if whose < 0 else []
        assert sorted(everywhere) == list(range(pages.made[0]))  # each is somewhere, and only there


def test_what_no_turn_needs_is_given_back():
    """Nobody's pages by place: as many as a quarter more than the largest turn has stay, the rest goes."""
    regions = np.array([(0, 0, 10), (-1, 10, 16), (1, 16, 24), (-1, 24, 40), (0, 40, 42), (-1, 50, 55)], np.int64)
    assert seen.idle_pages(regions) == [(33, 40), (50, 55)]  # 12 + 3 stay: six, then nine
    assert seen.idle_pages(regions[:5]) == [(33, 40)] and seen.idle_pages(regions[[0, 1]]) == []
    assert seen.idle_pages(np.zeros((0, 3), np.int64)) == [] and seen.idle_pages(regions[[1]]) == [(10, 16)]


def test_a_fork_leaves_the_first_alone():
    state = Memory(pages=1)
    for number in range(2):
        (part,) = seen.hand_out(state, [PEOPLE], 200)
        for person in range(PEOPLE):
            row = shown.memory_row(part, person)
            told = np.arange(100 * number, 100 * number + 90 + person)
            shown.remember(part, row, person, told, len(told), np.int64(0))
        seen.take_back(state, [part])
        if not number:
            before = state.observed.pages
            state.observed = state.observed._replace(pages=seen.forked(before))
            kept = before.entry[: before.made[0]].copy()
    assert np.array_equal(before.entry[: before.made[0]], kept) and before.filled.tolist() == [
        28,
        29,
        30,
        31,
        32,
        33,
        34,
    ]
    assert state.observed.pages.made[0] > before.made[0] and state.observed.pages.filled[0] == 180 - 2 * shown.ENTRIES


def variants():
    """Scenarios in which something else reads the memory, too."""
    demobilising = BotNetwork.model_validate(
        {
            "id": "posters", "beneficiary": "eva", "start": -3, "accounts": 2000, "actions_per_day": 1, "posts_per_day": 1,
            "tactics": {"like": 1, "comment": 0, "share": 0, "follow": 0},
            "posts": [{"id": "home", "about": "ada", "stance": "critical", "demobilising": True, "share": 1}],
        }
    )  # fmt: skip
    shadows = [HeadWeights(id="likes", parameters={"w_like": 20.0})]
    return {
        "default": lambda s: s,
        "re-ranked": lambda s: changed(s, platform={"policy": "x_2023_04", "parameters": {}}),
        "item formula": lambda s: changed(s, platform={"policy": "reddit_hot", "parameters": {}}),
        "refit": lambda s: changed(s, platform={"policy": "itemknn", "parameters": {}}),
        "demoted": lambda s: changed(s, platform={"mitigations": [MitigationUse(kind="political_downrank")]}),
        "shadows": lambda s: changed(s, audit={"shadows": shadows, "shadow_places": 5}),
        "advertising": lambda s: with_campaigns(s, [advertisements()]),
        "demobilising": lambda s: changed(with_campaigns(s, [demobilising]), opinion={"enabled": True}),
    }


@pytest.mark.parametrize(
    "variant",
    [pytest.param(name, marks=pytest.mark.slow if name in ("shadows", "re-ranked") else ()) for name in variants()],
)
def test_worlds_are_the_same(small, variant, monkeypatch):
    """Bit for bit, over the fork, with one thread and with two."""
    scenario = variants()[variant](small)
    bits = simulate_arms(scenario, 0, [FACTUAL, COUNTERFACTUAL]).frames
    made = []
    hand_out = seen.hand_out

    def counted(*given):
        parts = hand_out(*given)
        made.append(len(parts))
        return parts

    monkeypatch.setattr("recsim.world.feed.hand_out", counted)
    monkeypatch.setattr(build, "keeps_pages", lambda *_: True)
    monkeypatch.setattr("recsim.world.feed.APART", 0)
    for threads in (1, 2):
        made.clear()
        monkeypatch.setattr(seen, "LARGE", 0 if threads == 2 else np.inf)  # side by side, and anywhere
        paged = simulate_arms(scenario, 0, [FACTUAL, COUNTERFACTUAL], threads=threads).frames
        assert controls.same(paged, bits)
        assert set(made) == {threads}


def test_pages_come_back(small):
    """In the long run no more entries are kept than those of live items and of a day."""
    plan = make_plan(small)
    world = World(plan, build.build_state(plan, Key(1, 0), paged=True), Key(1, 0), FACTUAL)
    world.run_until(plan.steps - plan.steps_per_day)
    before = world.record.feed[3]
    world.run_until(plan.steps)
    pages, born = world.state.observed.pages, world.state.born
    entries = (seen.pages_in_use(pages) - (pages.last >= 0).sum()) * shown.ENTRIES + pages.filled.sum()
    other, counts = world_of(small, "factual", plan.steps), np.zeros((plan.people, 1), np.int32)
    start, end = int(born[plan.steps + 1 - plan.lifetime]), int(born[plan.steps])
    shown.count_shown(0, plan.people, other.state.observed, np.int64(start), np.zeros(end - start, np.int64), counts)
    live = int(counts.sum())
    assert live == sum(int(shown_to(other.state.observed, item, plan.people).sum()) for item in range(start, end))
    assert 0 < live <= entries < live + world.record.feed[3] - before  # everybody has been swept within a day


def test_which_is_kept(romania, small):
    """Pages where bits would be large and pages are smaller; never where entries could not tell items apart."""
    tiny = make_plan(small)
    born = np.arange(tiny.steps + 1, dtype=np.int64) * 20
    assert not seen.keeps_pages(tiny, tiny.people, born, 20 * tiny.lifetime)
    large = make_plan(changed(romania, population={"scale": 0.1}))
    born = np.arange(large.steps + 1, dtype=np.int64) * 170
    window = 170 * large.lifetime
    assert seen.keeps_pages(large, large.people, born, window)
    assert not seen.keeps_pages(make_plan(romania), make_plan(romania).people, born, window)
    busy = make_plan(changed(romania, population={"scale": 0.1}, content={"lifetime_days": 0.5}))
    assert not seen.keeps_pages(busy, busy.people, born, 170 * busy.lifetime)  # few live items: bits are smaller
    many = born * 3
    assert seen.can_tell_apart(large, born, window) and not seen.can_tell_apart(large, many, 3 * window)
    assert not no_pages().last.size


def test_only_what_means_anything_has_to_be_kept(small):
    """A saved state may leave out pages that were never made and what lies beyond the top of the stack."""
    plan = make_plan(small)
    worlds = []
    for saved in (False, True):
        world = World(plan, build.build_state(plan, Key(1, 0), paged=True), Key(1, 0), FACTUAL)
        world.run_until(30)
        if saved:
            pages = world.state.observed.pages
            entry, spare = pages.entry[: pages.made[0]].copy(), pages.spare[: pages.spares[0]].copy()
            assert len(spare) < len(entry) < len(pages.entry)
            pages = pages._replace(entry=entry, spare=spare)
            world.state.observed = world.state.observed._replace(pages=pages)
        world.run_until(40)
        worlds.append(world.state)
    one, other = worlds
    assert np.array_equal(one.counters.total, other.counters.total)
    made = int(one.observed.pages.made[0])
    assert made == other.observed.pages.made[0] and np.array_equal(one.observed.pages.last, other.observed.pages.last)


@pytest.mark.parametrize("paged", [True, False])
def test_everything_is_touched(small, paged):
    """Every page of every visitor or every eighth word of her bits, and a number of each of her rows."""
    plan = make_plan(changed(small, content={"items_per_day": 400}))
    world = World(plan, build.build_state(plan, Key(1, 0), paged=paged), Key(1, 0), FACTUAL)
    world.run_until(24)
    world.people.visit()
    state, feed, n = world.state, world.feed, world.people.visiting
    pages, expected, most, bits = state.observed.pages, 0.0, 0, 0
    (start, end), words = world.window, state.observed.seen.shape[1]
    live = (end + 63) // 64 - start // 64
    lines = [*range(0, live, 8), live]
    assert live > 8
    for person in feed.visits.person[5:n].tolist():
        rows = [
            state.latent.taste[person, [0, -1]],
            state.observed.estimate[person, [0, -1]],
            state.latent.position[person, :1],
        ]
        rows += [state.observed.inbox[person, [0, -1]]]
        singles = (
            state.latent.politics, state.latent.susceptibility, state.latent.bias, state.cells.segment, state.cells.region,
            state.cells.language, feed.tally.met, feed.tally.reached,
        )  # fmt: skip
        expected += sum(float(row.sum()) for row in rows) + sum(float(array[person]) for array in singles)
        if not paged:
            bits |= int(np.bitwise_or.reduce(state.observed.seen[person, [(start // 64 + n) % words for n in lines]]))
            continue
        expected += float(pages.filled[person])
        here, count = int(pages.last[person]), 0
        while here >= 0 and (not count or here != pages.last[person]):
            expected += float(pages.entry[here, 0]) + float(pages.entry[here, shown.ENTRIES])
            here, count = int(shown.next_page(pages.entry, here)), count + 1
        most = max(most, count)
    got = touch_block(
        5, n, feed.visits, state.latent, state.cells, state.observed, feed.tally.reached, feed.tally.met, start, end
    )
    assert got == pytest.approx(expected + float(bits), rel=1e-6) and (most > 1 if paged else bits > 0) and n > 50


def test_the_full_scenario_at_a_small_scale():
    """Romania one to one, scaled down: a day of it, in pages and in bits."""
    plan = make_plan(load(CONFIGS / "romania-full.yaml", ["population.scale=0.00004"]))
    totals = []
    for paged in (False, True):
        world = World(plan, build.build_state(plan, Key(1, 0), paged=paged), Key(1, 0), FACTUAL)
        world.run_until(24)
        totals.append(world.state.counters.total)
    assert np.array_equal(*totals) and totals[0][:, 0].sum() > 30 * plan.people


# ---- numbers of a large world -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_counts_of_a_step_fit(small, monkeypatch):
    """From two million people on an item's watch time in a step, in 1/1024, is more than 32 bits hold."""
    from recsim.world import tallies

    assert 8_970_000 * 1024 > 2**31 >= tallies.NARROW * 1024
    monkeypatch.setattr(tallies, "NARROW", small.population.people.value * small.population.scale)
    world = world_of(small, steps=20)
    assert world.feed.tally.items.dtype == np.int64 and world_of(small, steps=0).feed.tally.items.dtype == np.int64
    plain = world.state.counters.total.copy()
    monkeypatch.undo()
    narrow = world_of(small, steps=20)
    assert narrow.feed.tally.items.dtype == np.int32 and np.array_equal(narrow.state.counters.total, plain)
    start, _ = world.window
    many = 2**31 - 5
    world.feed.tally.items[0, :, 9] = many
    world.step()
    viewed = world.state.counters.total[start:, 0] > plain[start:, 0]
    gained = world.state.counters.total[start:, 9] - plain[start:, 9]
    assert viewed.any() and (gained[viewed] >= many).all() and gained[viewed].max() > 2**31


def test_followers_of_many_people():
    """Up to four million people 24 bits of a word say who follows, as ever; beyond that all 32, so that all are as likely."""
    words = np.random.default_rng(2).integers(0, 2**32, 200_000, dtype=np.uint32)
    for people in (7, 1256, 1_000_003, followers.EVEN):
        u = (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        assert np.array_equal(followers._place(words, people), (u.astype(np.float64) * people).astype(np.int64))
    people = 8_970_000
    words = np.append(np.arange(0, 2**32, 997), 2**32 - 1).astype(np.uint32)
    placed = followers._place(words, people)
    assert placed.dtype == np.int32 and placed.max() == people - 1 and (np.diff(placed) >= 0).all()
    # Neighbouring places differ by less than a hundredth in how many of all words lead to them.
    edges = np.array([-(-(place << 32) // people) for place in range(1000, 1102)], np.int64)
    assert np.diff(edges).max() / np.diff(edges).min() < 1.01


def test_follows_grow_with_use(small):
    """There is always room: lists and the graph of new follows become longer between steps, and a fork keeps its own."""
    eager = changed(small, response={"follow_rate": assumed(0.4)})
    world = world_of(eager, steps=6)
    accounts = world.state.accounts
    used = int(accounts.used[0])
    assert len(world.feed.tally.follow_person[0]) > 4096 or used > 1024
    fork = world.state.fork()
    assert fork.accounts.person is accounts.person and len(fork.accounts.newer) == used
    before = accounts.newer[:used].copy()
    other = World(world.plan, fork, world.key, FACTUAL, step=6)
    other.run_until(9)
    assert other.state.accounts.since.sum() > accounts.since.sum()
    assert np.array_equal(accounts.newer[:used], before) and world.state.accounts.used[0] == used
    assert np.diff(accounts.start).sum() == len(accounts.person)
    assert (other.state.accounts.followers >= accounts.followers).all()
