"""Thresholds of exposure pools: from which arrivals they are set, and what is said where there were none."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from helpers import changed, world_of

from recsim.audit import check
from recsim.audit.facts import NUMBERED
from recsim.scenario.quantity import assumed
from recsim.world.build import NEVER_SET
from recsim.world.facts import platform_facts


def thresholds(days, stages, mode="soft", slope=2.0):
    """Twin of `Platform.adapt`: after each day the thresholds, from the fewest latest days that hold 30 arrivals at the gate."""
    out, known = [], [float(NEVER_SET)] * len(stages)
    for last in range(len(days)):
        for number, share in enumerate(stages):
            here = []
            for day in reversed(days[: last + 1]):
                if len(here) < 30:
                    here = [v for v, gate in day if gate == number] + here
            came = any(gate == number for _, gate in days[last])
            if came and len(here) >= 5:
                if mode == "soft":
                    known[number] = reference.soft_threshold(here, slope, share)
                else:
                    known[number] = sorted(here)[min(len(here) - 1, int((1 - share) * len(here)))]
        out.append(list(known))
    return out


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_thresholds_come_from_the_latest_arrivals(small, mode):
    """A day with enough of them stands alone; rare arrivals are kept until they are enough."""
    gen = np.random.default_rng(4)
    counts = [(40, 3), (12, 1), (10, 0), (0, 4), (31, 12), (9, 12), (8, 12), (5, 12)]
    days = [[(float(np.float32(v)), gate) for gate in (0, 1) for v in gen.normal(gate, 1, n[gate])] for n in counts]
    days = [[day[k] for k in gen.permutation(len(day))] for day in days]
    config = small.platform.gates.model_copy(update={"mode": mode, "slope": assumed(2.0)})
    world = world_of(changed(small, platform={"gates": config}), steps=0)
    platform, found = world.platform, []
    for day in days:
        for part in (day[: len(day) // 2], day[len(day) // 2 :]):  # as from two steps
            platform.arrived.append(
                (np.array([v for v, _ in part], np.float32), np.array([g for _, g in part], np.int8))
            )
        platform.adapt()
        found.append(world.state.threshold[:2].tolist())
    wanted = thresholds(days, [0.6, 0.7], mode)
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, abs=2e-3)
    assert found[1][1] == NEVER_SET < found[3][1]
    assert all(sum(map(len, kept)) < 30 + len(kept[0]) for kept in platform.recent)


def test_a_gate_without_a_threshold_is_named(small):
    """Where too few items arrive for one, figures of the world and the check say so."""
    few = world_of(changed(small, content={"items_per_day": 3}), steps=12)
    facts = platform_facts(few, 0)
    assert facts["gate_2_never_set"] == 1.0 and few.state.threshold[1] == NEVER_SET
    (row,) = [row for row in check._run_accounts(facts) if row["name"].startswith("gate 2")]
    assert row["verdict"] == "outside" and row["value"] == "never set" and "every item passes" in row["note"]
    assert NUMBERED.fullmatch("gate_2_never_set")  # a figure that runs compute
    enough = platform_facts(world_of(small, steps=30), 0)
    assert not [name for name in enough if name.endswith("never_set")]
    assert [row["name"] for row in check._run_accounts(enough)] == ["empty_share", "largest_reach"]
