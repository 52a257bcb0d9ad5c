"""What a checkpoint holds: whatever a world refers to is the same after it was written down and read back, and stays so.

Nothing is listed here that a checkpoint must hold. Everything that a world refers to is compared, but for scratch
space, and that is filled with nonsense before the world goes on.
"""

from __future__ import annotations

import importlib.util
import mmap
import re
from dataclasses import is_dataclass

import numpy as np
import pytest
from campaign_mixes import mixes, with_campaigns
from helpers import changed, world_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_learned import with_policy
from test_moderation import detector

from recsim.experiment.checkpoints import Checkpoints, Every, Place
from recsim.scenario import realise
from recsim.scenario.moderation import Actions, AdsBan, Appeals, Notice, PoliticalLabels, Reviewers
from recsim.scenario.platform import MitigationUse
from recsim.scenario.quantity import assumed
from recsim.world.arms import DOORS, FACTUAL, Arm
from recsim.world.build import build_state
from recsim.world.checkpoint import FILLED, _fill, packed, restored, snapshot
from recsim.world.plan import Plan, make_plan
from recsim.world.world import World

SCRATCH = re.compile(
    r"^world\.(?:"
    r"feed\.(?:rows|gate_rows|age_h|score|value|gate_value|social|proof|eligible|trial|codes|open_item|trial_item"
    r"|open_count|trial_count|pool_rows|scores|shadow_scores|given|constants|visits|predictor\.rates)"
    r"|feed\.tally\.(?:follow_person|follow_author|engaged_person|engaged_item|engaged_value|acts)"
    r"|feed\.reach\.(?:beyond|everywhere|demotes)"
    r"|platform\.(?:values|gate)|networks\.\d+\.(?:times|awake)|people\.(?:visiting|door|about)"
    r")(?:\.|$)"
)
"""Written in every step before it is read."""
OTHER = {"seconds", "pool_of_threads", "first_copy", "decay", "steps"}
"""Of the clock; threads; what follows from the rest; counted by Mesa and read by nobody."""


def contents(thing, path, out, known):
    """Every array, number and text that a world refers to, by the way there."""
    if isinstance(thing, np.ndarray | np.generic) or thing is None or isinstance(thing, bool | int | float | str):
        out[path] = thing
    elif isinstance(thing, Plan) or id(thing) in known:
        return
    else:
        known[id(thing)] = thing
        if isinstance(thing, dict):
            parts = thing
        elif hasattr(thing, "_fields"):
            parts = thing._asdict()
            for name, used in FILLED.get(type(thing).__name__, {}).items():  # beyond it nothing means anything
                parts[name] = parts[name][: int(parts[used][0])]
        elif isinstance(thing, list | tuple):
            parts = dict(enumerate(thing))
        elif isinstance(thing, frozenset):
            parts = dict(enumerate(sorted(thing)))
        elif type(thing).__module__.startswith("recsim.world") or is_dataclass(thing):
            parts = vars(thing)
        else:
            return
        for name, one in parts.items():
            if name not in OTHER and not (isinstance(name, str) and name.startswith("_")):  # Mesa's own
                contents(one, f"{path}.{name}", out, known)


def all_of(world):
    out = {}
    world.moderation.register if world.moderation.active else None  # noqa: B018 made when first needed
    contents(world, "world", out, {})
    return out


def differing(one, other):
    """Ways to what is not the same, bit for bit."""
    one, other = all_of(one), all_of(other)
    found = sorted(one.keys() ^ other.keys())
    for name in one.keys() & other.keys():
        a, b = np.asarray(one[name]), np.asarray(other[name])
        if SCRATCH.match(name) is None and not (
            a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        ):
            found.append(name)
    return [name for name in found if SCRATCH.match(name) is None]


def spoil(world):
    """Fill scratch space with values that would change results if they were read."""
    for name, array in all_of(world).items():
        if SCRATCH.match(name) and isinstance(array, np.ndarray) and array.flags.writeable:
            array[...] = np.nan if array.dtype.kind == "f" else 1


def through_disk(world, folder):
    """The snapshot of a world as read back."""
    place = Place(folder, "mark", "replicates", 0, Every(hours=1.0), 1.0)
    assert Checkpoints(place).save("step-0000-000001", lambda: snapshot(world), {"step": 1})
    return Checkpoints(place).load("step-0000-000001")


def check(scenario, folder, steps, arm=FACTUAL):
    """A world that goes on, and one that is restored at the same step."""
    drawn = realise(scenario, scenario.run.seed, 0)
    plan = make_plan(drawn)
    one = world_of(scenario, steps=0)
    one = World(plan, one.state, one.key, arm)
    one.run_until(steps)
    content = through_disk(one, folder)
    other = restored(plan, build_state(plan, one.key), one.key, arm, steps, 1, content)
    assert differing(one, other) == []
    spoil(other)
    for world in (one, other):
        world.run_until(plan.steps)
    assert differing(one, other) == []
    return one


def everything(small):
    """Detectors, reviews, appeals, notices, labels, a ban, weights, holds, opinion, several campaigns."""
    made = small.campaigns[0].model_dump() | {
        "dose": 10, "replacement_share": 0.6, "replacement_days": 0.5, "posts_per_day": 2, "budget_eur": 500,
        "burst_share": 0.5, "served_share": 0.3, "costs": {"account": 0.1, "like": 0.01},
        "tactics": {"like": 0.5, "comment": 0.1, "share": 0.1, "report": 0.1, "watch": 0.1, "search": 0.1},
    }  # fmt: skip
    bots = type(small.campaigns[0]).model_validate(made)
    people = Reviewers(count=assumed(300), items_per_hour=assumed(20))
    moderation = {
        "detectors": [
            detector(reviewed=True, recall=0.3, false_positive_rate=0.05),
            detector("account_rate").model_copy(update={"id": "fast"}),
        ],
        "reviewers": {"aa": people}, "appeals": Appeals(), "ads_ban": AdsBan(enforced_share=assumed(0.5)), "political_labels": PoliticalLabels(),
        "notices": [Notice.model_validate({"id": "n", "day": -2, "target": "items", "candidate": "ada", "compliance": 1})],
        "actions": Actions(rollback="roll_back", item="demote"),
    }  # fmt: skip
    measures = [MitigationUse(kind=kind) for kind in ("trust_weight", "winsor_users")]
    return changed(
        small.model_copy(update={"campaigns": [bots]}), moderation=moderation, opinion={"enabled": True},
        platform={"mitigations": measures},
    )  # fmt: skip


def test_with_everything(small, tmp_path):
    """In the middle of a day and in the middle of the campaign."""
    world = check(everything(small), tmp_path, 41)
    assert world.state.docket.sanctions.kind.size and world.state.weighed is not None


@pytest.mark.parametrize("measure", [False, True])
def test_with_doors(small, tmp_path, measure):
    scenario = everything(small) if measure else changed(small, dose=assumed(10.0))
    check(scenario, tmp_path, 44, Arm("some", doors=frozenset(DOORS[:2]), removal_day=-1))


POLICIES = [
    ("itemknn", {}), ("linucb", {}), ("bridging", {}), ("als", {}), ("x_2023_04", {}), ("mastodon_trends", {}),
    ("tiktok_value", {"heated_views": 0.1, "heated_items": 0.05}), ("dsa38_regional", {}),
]  # fmt: skip
"""Rows, a history, vectors and a memory that are learned; tiredness of authors; a gate; pushed items; one page a region."""


@pytest.mark.parametrize(
    ("policy", "parameters"),
    [pytest.param(*one, id=one[0], marks=pytest.mark.slow if one[0] == "x_2023_04" else ()) for one in POLICIES],
)
def test_with_each_kind_of_policy(small, tmp_path, policy, parameters):
    if policy == "als" and importlib.util.find_spec("implicit") is None:
        pytest.skip("the extra als is not installed")
    check(with_policy(small, policy, **parameters), tmp_path, 38)


@pytest.mark.parametrize("predictor", ["oracle", "logistic"])
def test_with_other_predictors(small, tmp_path, predictor):
    config = small.platform.predictor.model_copy(update={"kind": predictor})
    check(changed(small, platform={"predictor": config}), tmp_path, 40)


def test_with_pages(small, tmp_path, monkeypatch):
    """What people were shown is in pages, handed out and given back, where bits would be large."""
    monkeypatch.setattr("recsim.world.build.keeps_pages", lambda *args: True)
    monkeypatch.setattr("recsim.world.seen.LARGE", 0)
    # What nobody has any more holds whatever the system leaves there, by its own pages: here zeros, by rows.
    monkeypatch.setattr("recsim.aligned.give_back", lambda rows, first, end: rows[first:end].fill(0))
    pages = check(small, tmp_path, 40).state.observed.pages
    assert pages.made[0] > 0 and len(pages.regions)


@settings(max_examples=5)
@given(campaigns=mixes(), steps=st.integers(30, 58))
def test_any_mix_of_campaigns(small, tmp_path_factory, campaigns, steps):
    scenario = changed(with_campaigns(small, campaigns), population={"scale": small.population.scale / 3})
    check(scenario, tmp_path_factory.mktemp("mix"), steps)


def test_what_is_no_number_is_refused(tmp_path):
    """A policy may keep such things; the run goes on without checkpoints."""
    store = Checkpoints(Place(tmp_path, "mark", "replicates", 0, Every(hours=1.0), 1.0))
    assert not store.save("step-0000-000001", lambda: packed({"a": np.array([object()])}), {"step": 1})
    assert store.notes == [
        "1 checkpoints of replicates-00000 could not be written (got an array of Python objects, a checkpoint holds numbers "
        "only); it went on without"
    ]
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match="Python objects"):
        packed({"a": np.array([object()])})
    with pytest.raises(TypeError, match="got function"):
        packed([lambda: 1])


def test_another_number_of_threads(small, tmp_path):
    one = world_of(small, steps=22)
    content = through_disk(one, tmp_path)
    other = restored(one.plan, build_state(one.plan, one.key), one.key, one.arm, 22, 3, content)
    for world in (one, other):
        world.run_until(30)
        world.feed.threads, world.feed.pool_of_threads = 0, None
    for name in ("exposure", "provenance", "engagement", "followers"):
        assert one.record.table(name).equals(other.record.table(name)), name


def test_what_nobody_has_is_not_read_back(monkeypatch):
    monkeypatch.setattr("recsim.aligned.give_back", lambda rows, first, end: rows[first:end].fill(0))
    mine, saved = np.full((10, 64), 7, np.uint16), np.full((8, 64), 3, np.uint16)
    _fill(mine, saved, [(2, 4), (6, 8)])
    assert mine[:, 0].tolist() == [3, 3, 0, 0, 3, 3, 0, 0, 7, 7] and (mine == mine[:, :1]).all()
    _fill(mine, saved, [])
    assert (mine[:8] == 3).all() and (mine[8:] == 7).all()


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="the system cannot be asked")
def test_a_mapped_part_leaves_memory_as_it_is_copied(tmp_path, monkeypatch):
    """Also where it is a part of an array, and not the whole."""
    monkeypatch.setattr("recsim.world.checkpoint.PART", 4096)
    told = []

    class Mapping(mmap.mmap):
        def madvise(self, *what):
            told.append(what)
            return super().madvise(*what)

    (tmp_path / "rows").write_bytes(np.arange(40_000, dtype=np.int32).tobytes())
    monkeypatch.setattr("mmap.mmap", Mapping)
    saved = np.memmap(tmp_path / "rows", np.int32, "r").reshape(-1, 4)
    mine = np.zeros((10_000, 4), np.int32)
    _fill(mine, saved, [(0, 5_000)])
    assert (mine[:5_000] == 0).all() and (mine[5_000:] == saved[5_000:]).all()
    assert told == [(mmap.MADV_DONTNEED,)] * 20  # 5,000 rows, 256 at a time
