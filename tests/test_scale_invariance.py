"""The study of scales: verdicts, pairing, what is trusted, and a small study from start to end, and again from its store."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def scripts():
    sys.path.insert(0, str(ROOT / "experiments"))
    try:
        import scale_answer
        import scale_invariance

        yield scale_answer, scale_invariance
    finally:
        sys.path.remove(str(ROOT / "experiments"))


def rows_of(*shifts):
    """Scales of 100, 1000, ... people with these shifts by world."""
    floors = {"first_pool_views": 2.0}
    return [
        {"scale": 10.0 ** (k - 4), "one_in": 10.0 ** (4 - k), "people": 100 * 10**k, "replicates": len(one), "floors": floors}
        for k, one in enumerate(shifts)
    ], [{"shift_pp": np.array(one, float), "dose_ratio": np.full(len(one), 0.1 * (k + 1)) + 0.001 * np.arange(len(one))}
        for k, one in enumerate(shifts)]  # fmt: skip


def test_verdicts(scripts):
    verdict = scripts[0].verdict
    assert verdict({"low": -0.1, "high": 0.2}, 0.5) == "agrees"
    assert verdict({"low": 0.1, "high": 0.2}, 0.5) == "agrees"  # told from zero, but too small to matter
    assert verdict({"low": 0.1, "high": 0.9}, 0.5) == "differs"
    assert verdict({"low": -0.9, "high": 0.2}, 0.5) == "cannot tell"
    assert verdict({"low": float("nan"), "high": float("nan")}, 0.5) == "cannot tell"


def test_scales_are_compared_world_by_world(scripts):
    # Worlds differ by whole points, scales by hundredths: only pairing tells that they agree.
    rows, values = rows_of([1.0, 3.0, 5.0, 9.0], [1.02, 2.99, 5.01, 9.0], [1.0, 3.01, 5.0])
    found = scripts[0].compared(rows, values, 0.5)
    assert [row["verdict"] for row in rows] == ["agrees", "agrees", "reference"]
    assert rows[0]["shift_pp"]["high"] - rows[0]["shift_pp"]["low"] > 5
    assert rows[0]["difference_pp"]["worlds"] == 3 and rows[0]["to_next_pp"]["worlds"] == 4
    assert found["trusted_from_scale"] == rows[0]["scale"] and found["trusted_below_reference"]
    assert "1:10,000" in scripts[0].told(rows, found)[-1]
    assert rows[0]["moves"]["dose_ratio"]["told_apart"]
    assert rows[0]["moves"]["dose_ratio"]["difference"]["mean"] == pytest.approx(-0.2)


def test_a_gap_in_between_ends_trust(scripts):
    rows, values = rows_of([1.0, 1.1, 1.2], [3.0, 3.1, 3.2], [1.0, 1.1, 1.2], [1.0, 1.1, 1.21])
    found = scripts[0].compared(rows, values, 0.5)
    assert [row["verdict"] for row in rows] == ["agrees", "differs", "agrees", "reference"]
    assert found["trusted_from_scale"] == rows[2]["scale"]


def test_a_scale_of_few_worlds_in_between_ends_trust_too(scripts):
    rows, values = rows_of([1.0, 1.1, 1.2], [9.0], [1.0, 1.1, 1.2], [1.0, 1.1, 1.21])
    found = scripts[0].compared(rows, values, 0.5)
    assert [row["verdict"] for row in rows] == ["agrees", "cannot tell", "agrees", "reference"]
    assert found["trusted_from_scale"] == rows[2]["scale"]


def test_one_large_world_is_no_reference(scripts):
    rows, values = rows_of([1.0, 1.1, 1.2], [1.0, 1.1, 1.2], [4.0])
    found = scripts[0].compared(rows, values, 0.5)
    assert [row["verdict"] for row in rows] == ["agrees", "reference", "cannot tell"]
    assert found["reference_scale"] == rows[1]["scale"]
    assert "(no interval)" in scripts[0].told(rows, found)[2]


def test_drift_per_tenfold(scripts):
    slope = scripts[0].drift([100, 1000, 10_000], [np.array([0.0, 5.0]), np.array([1.0, 6.1]), np.array([2.0, 7.0])])
    assert slope["mean"] == pytest.approx(1.0) and slope["worlds"] == 2
    assert np.isnan(scripts[0].drift([100], [np.array([0.0, 5.0])])["mean"])


@pytest.mark.slow
def test_a_study_and_its_store(scripts, tmp_path, capsys):
    command = [str(ROOT / "configs" / "small.yaml"), "--scales", "own", "1:2000", "--replicates", "3", "3", "--out", str(tmp_path),
               "--set", "run.luck_branches=1", "--workers", "1", "--videos-per-day", "12"]  # fmt: skip
    scripts[1].main(command)
    first = (tmp_path / "scale_invariance.json").read_bytes()
    content = json.loads(first)
    assert [row["people"] for row in content["scales"]] == [250, 500] and content["videos_per_day"] == 12
    assert content["scales"][0]["floors"]["first_pool_views"] == pytest.approx(80 * 30 * 0.0005)
    assert [row["verdict"] for row in content["scales"]][1] == "reference"
    assert len((tmp_path / "by_replicate.csv").read_text().splitlines()) == 1 + 6
    assert (tmp_path / "scale_invariance.svg").exists()
    said = capsys.readouterr().out
    assert "in all about" in said and content["told"][-1] in said
    stored = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    scripts[1].main(command)
    assert (tmp_path / "scale_invariance.json").read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == stored


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scales", "1:0"], "got '1:0', must be own, 1:N"),
        (["--scales", "own", "--replicates", "3", "3"], "got 2 numbers for 1 scales"),
        (["--scales", "own", "--candidate", "zoe", "--replicates", "3"], "got 'zoe', must be one of ada, ben, eva"),
    ],
)
def test_bad_input_is_one_line(scripts, tmp_path, capsys, more, said):
    with pytest.raises(SystemExit) as ended:
        scripts[1].main([str(ROOT / "configs" / "small.yaml"), "--out", str(tmp_path), *more])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.strip()
