"""The ladder of claims follows the result; the printed command does the run again. By hand, nothing is simulated."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

from recsim.audit.again import run_again
from recsim.audit.claims import STEPS, Grounds, ladder
from recsim.audit.provenance import again
from recsim.experiment.folder import ASIDE
from recsim.experiment.summary import ALL_COVERED, CALIBRATED_COVERED
from recsim.metrics import interval, verdict

WORLDS = np.random.default_rng(1).normal(0, 1, 30)
UP = WORLDS - WORLDS.mean() + 5
RULE = {"first": 30, "most": 500}


def steps(shift, bands=(), **grounds):
    """Which steps are reached, and why, for one beneficiary with these shifts."""
    t = interval(shift)
    row = {"id": "eva", "shift_pp": t.mean, "ci_low": t.low, "ci_high": t.high, "verdict": verdict(shift, 1.0)}
    known = Grounds(
        **{"replicates": t.n, "covers": ALL_COVERED, "planned": False, "deviated": False, "threshold_pp": 1.0} | grounds
    )
    found = ladder([row], {"eva": np.asarray(shift, float)}, known, {"eva": list(bands)})
    assert [s["step"] for s in found] == list(STEPS)
    return [s["reached"] for s in found], [s["candidates"][0]["why"] for s in found]


def band(low, high):
    return {"lowest_shift_pp": low, "highest_shift_pp": high}


def test_a_clear_shift_climbs_as_far_as_the_run_reaches():
    assert steps(UP)[0] == [True, True, True, False, False, False]
    assert steps(UP, covers="luck")[0] == [True, True, False, False, False, False]
    assert "central values; intervals cover luck alone" in steps(UP, covers="luck")[1][2]
    assert steps(UP, covers=CALIBRATED_COVERED)[0][2] is False
    assert steps(UP, covers=CALIBRATED_COVERED)[1][2].endswith("intervals cover luck and calibrated parameter sets")
    assert steps(UP, planned=True)[0] == [True, True, True, True, False, False]
    assert steps(UP, planned=True, deviated=True)[0][3] is False
    reached, why = steps(UP[:9])
    assert reached == [True, False, False, False, False, False] and "9 replicates; 30 are asked for" in why[1]
    assert steps(-UP)[0][:3] == [True, True, True]  # a loss is a shift, too


def test_what_cannot_be_told_from_zero_does_not_hold():
    """However many worlds there are, and whatever else was done."""
    reached, why = steps(WORLDS - WORLDS.mean() + 0.1, [band(0.05, 0.2)])
    assert reached == [True, False, False, False, False, False]
    assert "includes zero" in why[1] and "below the threshold of 1 pp" in why[1]
    assert "exceeds the threshold" in steps(UP)[1][1]


def test_what_has_no_share_reaches_nothing():
    """Neither here nor, from a stored summary, in any cell of a table."""
    row = {"id": "eva", "shift_pp": None, "ci_low": None, "ci_high": None, "verdict": "inconclusive"}
    grounds = Grounds(0, ALL_COVERED, True, False, 1.0)
    for shift_pp, bands, why in (
        (None, band(0.1, 2.0), "no shift is known here"),
        (5.0, band(None, None), "under other platforms"),
    ):
        found = ladder([row | {"shift_pp": shift_pp}], {"eva": np.full(3, np.nan)}, grounds, {"eva": [bands]})
        assert not any(s["reached"] for s in found) and why in found[4]["candidates"][0]["why"]


def test_nothing_happens_at_dose_zero():
    reached, why = steps(np.zeros(30), [band(0.0, 0.0)], planned=True)
    assert reached == [False, False, False, True, False, False] and why[0] == "in 0 of 30 worlds"
    assert steps(np.zeros(1))[0] == [False] * 6  # one replicate: no interval either


@pytest.mark.parametrize(
    "bands, reached",
    [
        ([band(1, 7)], True),
        ([band(-0.1, 7)], False),
        ([band(1, 7), band(-2, 3)], False),
        ([band(-7, -1)], False),
        ([], False),
    ],
)
def test_other_platforms_must_agree_on_the_sign(bands, reached):
    """In every cell of every table there is."""
    assert steps(UP, bands)[0][4] is reached
    assert steps(UP, bands, covers="luck")[0][4] is False and steps(UP[:5], bands)[0][4] is False


def test_a_step_is_reached_if_every_beneficiary_reaches_it():
    rows = [
        {"id": "eva", "shift_pp": 5.0, "ci_low": 4.0, "ci_high": 6.0, "verdict": "exceeds"},
        {"id": "ben", "shift_pp": 0.1, "ci_low": -1.0, "ci_high": 1.2, "verdict": "inconclusive"},
    ]
    found = ladder(rows, {"eva": UP, "ben": WORLDS}, Grounds(30, True, False, False, 1.0), {})
    assert [c["reached"] for c in found[1]["candidates"]] == [True, False] and not found[1]["reached"]
    assert found[0]["reached"] and not any(
        s["reached"] for s in ladder([], {}, Grounds(30, True, False, False, 1.0), {})
    )


def test_the_command_does_not_write_into_the_folder_that_is_verified():
    summary = {"seed": 7, "replicates": 2}
    text = run_again(summary, False, {"plan": None, "deviations": [], "stopping": None}, RULE)
    assert text == "python -m recsim run scenario.yaml --seed 7 --replicates 2 --out ../again"
    assert run_again(summary, True, {}, RULE).endswith(f"--replicates 2 --fixed-parameters {ASIDE}")


def test_the_command_names_the_plan_and_the_reason_for_deviating():
    planned = {"plan": {"lock": "x"}, "deviations": [], "deviation_reason": "", "stopping": None}
    assert "--plan plan.yaml --out" in run_again({"seed": 1, "replicates": 30}, False, planned, RULE)
    reason = 'the server\'s "night" was short'
    other = planned | {"deviations": [{"key": "run.seed"}], "deviation_reason": reason}
    assert shlex.split(run_again({"seed": 1, "replicates": 30}, False, other, RULE))[-3:] == [
        reason,
        "--out",
        "../again",
    ]


def test_the_command_leaves_the_number_to_the_rule_that_decided_it():
    stopped = {"looks": [{"replicates": 30}, {"replicates": 40}]}
    assert "--replicates" not in run_again({"seed": 1, "replicates": 40}, False, {"stopping": stopped}, RULE)
    # The first look was at replicates that an earlier run had left: without them the rule looks at others.
    late = {"looks": [{"replicates": 35}, {"replicates": 45}]}
    assert "--replicates 45" in run_again({"seed": 1, "replicates": 45}, False, {"stopping": late}, RULE)
    few = {"looks": [{"replicates": 20}]}
    assert "--replicates" not in run_again(
        {"seed": 1, "replicates": 20}, False, {"stopping": few}, {"first": 30, "most": 20}
    )


def test_a_printed_command_holds_ranges_where_the_result_did(tmp_path):
    """As the manifest says, and not as the words about intervals do."""
    s = {"policies": [{"policy": "random"}], "seed": 1, "replicates": 2, "interval_covers": CALIBRATED_COVERED}
    for fixed in (True, False):
        (tmp_path / "manifest.json").write_text(json.dumps({"fixed_parameters": fixed}))
        for kind, more in (("comparison", {}), ("delay", {"command": "delay", "days": [-2], "candidate": "eva"})):
            assert again(kind, s | more, tmp_path).endswith("--fixed-parameters") is fixed
