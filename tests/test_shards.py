"""A world in shards is the world in one process, bit for bit, whatever is switched on."""

from __future__ import annotations

import ast
import importlib.util
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from campaign_mixes import mixes, with_campaigns
from helpers import changed
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checkpoint_state import POLICIES, everything
from test_learned import with_policy
from test_seen import variants

from recsim.scenario import realise
from recsim.world import pair
from recsim.world.arms import COUNTERFACTUAL, FACTUAL
from recsim.world.pair import simulate_arms
from recsim.world.shards import Alone, add_up, bounds, in_order_of_visits

ARMS = [FACTUAL, COUNTERFACTUAL]


class Table:
    """Where the shards of one world meet, each in a thread of this process."""

    def __init__(self, shards: int) -> None:
        self.barrier, self.given = threading.Barrier(shards), [None] * shards


class InThread:
    """An exchange at a table: the plainest there can be."""

    def __init__(self, shard: int, shards: int, table: Table) -> None:
        self.shard, self.shards, self.table, self.rounds = shard, shards, table, 0

    def swap(self, sums, lists):
        self.table.given[self.shard] = ([s.copy() for s in sums], [one.copy() for one in lists])
        self.table.barrier.wait(timeout=60)
        given = list(self.table.given)
        assert all(len(s) == len(sums) and len(one) == len(lists) for s, one in given), "shards have lost step"
        for k, mine in enumerate(sums):
            mine[...] = sum(s[k] for s, _ in given)
        out = [np.concatenate([one[k] for _, one in given]) for k in range(len(lists))]
        self.table.barrier.wait(timeout=60)
        self.rounds += 1
        return out


@pytest.fixture(autouse=True, scope="module")
def one_plan_at_a_time():
    """Shards are processes; where they are threads, Python's own parser is not safe in two of them (3.11).

    Plans parse policies, and so does whoever asks later what one reads.
    """
    with pytest.MonkeyPatch.context() as patch:
        for place, name in ((pair, "make_plan"), (ast, "parse")):
            patch.setattr(place, name, alone(getattr(place, name)))
        yield


def alone(function):
    """The function for one thread at a time."""
    lock = threading.Lock()

    def locked(*given, **named):
        with lock:
            return function(*given, **named)

    return locked


def in_shards(scenario, shards, arms=ARMS, threads=1):
    """The frames of every shard."""
    drawn, table = realise(scenario, scenario.run.seed, 0), Table(shards)

    def one(shard):
        exchange = InThread(shard, shards, table)
        try:
            return simulate_arms(drawn, 0, arms, threads=threads, exchange=exchange)
        except BaseException:
            table.barrier.abort()
            raise

    with ThreadPoolExecutor(shards) as pool:
        return list(pool.map(one, range(shards)))


def same(scenario, counts, threads=1):
    """Every shard of every number of shards returns what one process returns."""
    drawn = realise(scenario, scenario.run.seed, 0)
    whole = simulate_arms(drawn, 0, ARMS)
    for shards in counts:
        for outcome in in_shards(scenario, shards, threads=threads):
            assert outcome.frames.keys() == whole.frames.keys()
            for name, frame in whole.frames.items():
                pd.testing.assert_frame_equal(
                    outcome.frames[name], frame, check_exact=True, obj=f"{name}, {shards} shards"
                )
            assert (outcome.meta["impressions"], outcome.meta["visits"]) == (
                whole.meta["impressions"],
                whole.meta["visits"],
            )
            assert outcome.meta["own_actions"] == whole.meta["own_actions"]
    return whole


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_any_number_of_shards(small, shards):
    frames = same(small, [shards]).frames
    assert frames["exposure"].impressions.sum() > 10_000


def test_with_threads(small, monkeypatch):
    """Which share all work within a shard, pages of shown items included."""
    monkeypatch.setattr("recsim.world.build.keeps_pages", lambda *_: True)
    monkeypatch.setattr("recsim.world.feed.APART", 0)
    monkeypatch.setattr("recsim.world.feed.BLOCK", 16)
    same(small, [2], threads=3)


CROWD = """
import numpy as np
import recsim


def half_for_the_busiest(a, p):
    return np.where(a.actions_today > np.quantile(a.actions_today, 0.9), 0.5, 1.0)


@recsim.policy(meta={"weight": half_for_the_busiest})
def crowd(f, p):
    return f.affinity
"""


def test_a_weight_that_compares_people(small, tmp_path, monkeypatch):
    """A policy's own weight may be any NumPy: here those who did more than nine tenths of all people count half."""
    (tmp_path / "crowd_policy.py").write_text(CROWD)
    monkeypatch.syspath_prepend(tmp_path)
    frames = same(with_policy(small, "crowd_policy:crowd"), [3]).frames
    assert frames["collateral"].uncounted_actions.sum() > 0


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(name, marks=pytest.mark.slow if name in ("re-ranked", "refit") else ())
        for name in variants()
        if name != "default"
    ],
)
def test_whatever_reads_what_was_shown(small, variant):
    same(variants()[variant](small), [3])


def test_with_pages(small, monkeypatch):
    monkeypatch.setattr("recsim.world.build.keeps_pages", lambda *_: True)
    same(small, [2])


def test_with_everything_in_a_few_days(small):
    """The same as the next in five days: a shard's detectors, sanctions and weights are those of the whole world."""
    scenario = everything(changed(small, days={"start": small.days.vote.replace(day=20)}))
    frames = same(scenario, [2]).frames
    assert frames["collateral"].actions.sum() > 0 and len(frames["detections"]) and len(frames["opinion"])


@pytest.mark.parametrize("shards", [3, pytest.param(7, marks=pytest.mark.slow)])
def test_with_everything(small, shards):
    """Detectors that read people's log, sanctions on people, weights, opinion, figures of single people."""
    scenario = everything(small)
    metrics = [*scenario.audit.metrics, "calibration"]
    frames = same(changed(scenario, audit={"metrics": metrics}), [shards]).frames
    assert frames["detections"].people_flagged.sum() > 0 and len(frames["persons"]) and len(frames["opinion"])


SLOW = {"x_2023_04", "bridging", "mastodon_trends", "tiktok_value"}


@pytest.mark.parametrize(
    ("policy", "parameters"),
    [pytest.param(*one, id=one[0], marks=pytest.mark.slow if one[0] in SLOW else ()) for one in POLICIES],
)
def test_with_each_kind_of_policy(small, policy, parameters):
    """Refits run on the log of all shards, in the order in which one process would have written it."""
    if policy == "als" and importlib.util.find_spec("implicit") is None:
        pytest.skip("the extra als is not installed")
    same(with_policy(small, policy, **parameters), [3])


@pytest.mark.parametrize("predictor", ["oracle", "logistic"])
def test_with_other_predictors(small, predictor):
    config = small.platform.predictor.model_copy(update={"kind": predictor})
    same(changed(small, platform={"predictor": config}), [2])


@pytest.mark.slow
@settings(max_examples=8)
@given(campaigns=mixes(), shards=st.integers(2, 5))
def test_any_mix_of_campaigns(small, campaigns, shards):
    scenario = changed(with_campaigns(small, campaigns), population={"scale": small.population.scale / 3})
    same(scenario, [shards])


def test_more_shards_than_people_of_a_kind(small):
    """Shards may be empty."""
    same(changed(small, population={"scale": 5 / small.population.people.value}), [7])


# ---- the pieces -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_everybody_is_in_one_shard(people, shards):
    edges = bounds(people, shards)
    assert edges[0] == 0 and edges[-1] == people and (np.diff(edges) >= 0).all()
    assert np.diff(edges).max() - np.diff(edges).min() <= 1


def test_alone_changes_nothing():
    table, lists = np.arange(6).reshape(2, 3), [np.arange(3)]
    add_up(Alone(), table)
    assert table.tolist() == [[0, 1, 2], [3, 4, 5]] and Alone().swap([table], lists)[0] is lists[0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=40), st.integers(1, 5))
def test_lists_come_together_in_order_of_visits(acts, shards):
    """Twin: sort what everybody did by stratum, then number, leaving each person's own order."""
    people = 10
    group = np.array([person % 4 for person in range(people)])
    log = [(person, place) for place, (_, person) in enumerate(acts)]
    expected = sorted(log, key=lambda row: (group[row[0]], row[0]))
    edges, table = bounds(people, shards), Table(shards)

    def one(shard):
        first, last = edges[shard : shard + 2]
        mine = [row for row in expected if first <= row[0] < last]
        person = np.array([row[0] - first for row in mine], np.int32)
        place = np.array([row[1] for row in mine], np.int32)
        exchange = InThread(shard, shards, table)
        who, (where,) = in_order_of_visits(exchange, person, lambda rows: group[first + rows], int(first), [place])
        return list(zip(who.tolist(), where.tolist(), strict=True))

    with ThreadPoolExecutor(shards) as pool:
        assert list(pool.map(one, range(shards))) == [expected] * shards
