"""What detectors read of people: every deliberate act once, of those who were shown the item, for as long as it is kept."""

from __future__ import annotations

import numpy as np
import pytest
import reference_detectors
from helpers import changed, world_of
from test_moderation import detector, moderated

from recsim.agents.detectors import ACTS, Facts, detect
from recsim.scenario.quantity import assumed
from recsim.state import ACTIONS, HIDE, OPEN
from recsim.world.moderation import _unfolded
from recsim.world.register import Register

RATE = {"rate": 3, "age": 3650}


@pytest.fixture(scope="module")
def watched(small):
    """A world without campaigns in which nothing that a detector finds has an effect."""
    looking = moderated(
        changed(small, campaigns=[], response={"report_rate": assumed(0.01), "comment_rate": assumed(0.01)}),
        detectors=[detector("account_rate", reviewed=True, **RATE)],
    )
    return world_of(looking, steps=30)


def test_every_deliberate_act_is_in_the_log_once(watched):
    """As the counters have it, which are kept apart from it; rows are in order of steps."""
    log, total = np.concatenate(watched.state.docket.log), watched.state.counters.total
    for action in ACTS:
        per_item = np.bincount(log[log[:, 2] == action, 1], minlength=len(total))
        assert np.array_equal(per_item, total[:, action]) and per_item.any(), ACTIONS[action]
    assert (np.diff(log[:, 3]) >= 0).all() and set(log[:, 3].tolist()) == set(range(30))
    assert log[:, 0].min() >= 0 and log[:, 0].max() < watched.plan.people
    assert set(log[:, 2].tolist()) <= {*ACTS, OPEN, HIDE}


def test_only_who_was_shown_an_item_acts_on_it(watched):
    log, (start, end) = np.concatenate(watched.state.docket.log), watched.window
    seen = watched.state.observed.seen
    live = log[(log[:, 1] >= start) & (log[:, 1] < end)]
    person, item = live[:, 0].astype(np.int64), live[:, 1].astype(np.int64)
    shown = seen[person, (item >> 6) % seen.shape[1]] >> (item & 63).astype(np.uint64) & np.uint64(1)
    assert len(live) > 500 and shown.all()
    assert len(np.unique(live[:, :3], axis=0)) == len(live)  # nobody does anything to an item twice
    others = np.random.default_rng(1).permutation(person)
    assert not (seen[others, (item >> 6) % seen.shape[1]] >> (item & 63).astype(np.uint64) & np.uint64(1)).all()


def test_bits_become_rows():
    """One row for each act from a like to a report, whoever else did what; bits as in ``ACTIONS``."""
    acts = np.array([[7, 3, 1 << 2 | 1 << 1], [9, 3, 1 << 8], [7, 4, 1 << 3 | 1 << 5 | 1 << 6], [8, 5, 0b11]], np.int32)
    rows = sorted(map(tuple, _unfolded(acts, 12).tolist()))
    assert rows == [(7, 3, 2, 12), (7, 4, 3, 12), (7, 4, 5, 12), (7, 4, 6, 12), (9, 3, 8, 12)]


def test_a_detector_finds_in_the_world_what_its_twin_finds(watched):
    """On the log of all people, with their ages."""
    register = Register(watched)
    log = register.log(watched.state.docket.log, 0)
    facts = Facts(register.count, register.created, register.address, register.seeds, float(watched.moderation.hours))
    found = detect("account_rate", log, facts, RATE)
    rows = np.stack([log.actor, log.item, log.action, log.step], axis=1).tolist()
    by_actor = {}
    for row in rows:
        by_actor.setdefault(row[0], []).append([0, *row[1:]])
    day = watched.plan.steps_per_day
    most = [
        reference_detectors.account_rate(by_actor.get(a, []), 1, [int(register.created[a])], 3650 * day, day)[0]
        for a in range(register.count)
    ]
    assert register.count == watched.plan.people and found.score.tolist() == most
    assert found.flagged.tolist() == [n > RATE["rate"] for n in most] and 0 < found.flagged.sum() < register.count
    assert watched.record.detections()["people_flagged"].sum() > 0


def test_what_is_older_than_its_memory_is_gone(small):
    """To the step; what is left is what a longer memory has of those days."""
    long, short = (
        np.concatenate(
            world_of(
                moderated(changed(small, campaigns=[]), detectors=[
                    detector("account_rate", reviewed=True, rate=1e5).model_copy(update={"log_days": assumed(days)})
                ]),
                steps=20,
            ).state.docket.log
        )
        for days in (30.0, 1.0)
    )  # fmt: skip
    assert short[:, 3].min() == 13 and long[:, 3].min() == 0  # the last look was in step 19
    assert np.array_equal(short, long[long[:, 3] >= 13])
