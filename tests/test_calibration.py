"""Calibration of small worlds: kept, resumed, the same for any workers; ensembles; what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from recsim.errors import InputError
from recsim.experiment.calibration import CalibrationResult, calibrate
from recsim.experiment.calibration_file import read_calibration, with_ensemble
from recsim.experiment.observables import DOCUMENTED, PLATFORM
from recsim.report.calibration import print_calibration, write_calibration
from recsim.scenario import realise

CONTENT = {
    "name": "tiny",
    "scenario": str(ROOT / "configs" / "small.yaml"),
    "set": {
        "run.luck_branches": 1,
        "population.scale": 0.0001,
        "days.start": "2024-11-18",
        "content.items_per_day": 40,
    },
    "parameters": [
        {"key": "dose", "range": [0.25, 16], "scale": "log"},
    ],
    "targets": [
        {"metric": "beneficiary_views_late_M_per_day", "value": 0.05, "error": 0.5, "source": "made up"},
        {"metric": "like_rate", "value": 0.045, "error": 0.2, "role": "holdout", "source": "made up"},
    ],
    "method": {"waves": 1, "points": 8, "particles": 8, "generations": 2, "members": 5},
}


def written(folder, **changes):
    """The file with blocks replaced."""
    path = folder / "calibration.yaml"
    path.write_text(yaml.safe_dump({**CONTENT, **changes}))
    return path


def bytes_of(result):
    return {name: (result.folder / name).read_bytes() for name in ("ensemble.yaml", "particles.csv", "simulations.csv")}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished calibration, and where its worlds are kept."""
    folder = tmp_path_factory.mktemp("calibration")
    result = calibrate(written(folder), out=folder / "a", worlds=folder / "w", workers=1)
    write_calibration(result)
    return result, folder


def test_what_is_written(done, capsys):
    result, folder = done
    simulations = pd.read_csv(folder / "a" / "simulations.csv")
    assert (
        len(simulations) == 24
        and simulations["stage"].tolist() == ["wave 1"] * 8 + ["generation 1"] * 8 + ["generation 2"] * 8
    )
    assert simulations["number"].tolist() == list(range(24))  # every world has luck of its own
    assert simulations["dose"].between(0.25, 16).all() and {*DOCUMENTED, *PLATFORM} <= set(simulations)
    particles = pd.read_csv(folder / "a" / "particles.csv")
    assert particles["weight"].sum() == pytest.approx(1) and len(particles) == 8
    ensemble = yaml.safe_load((folder / "a" / "ensemble.yaml").read_text())
    assert len(ensemble["members"]) == 5 and {m["dose"] for m in ensemble["members"]} <= set(particles["dose"])
    assert "made up" in ensemble["targets"][0] and len(ensemble["targets"]) == 1  # the held-out figure is no target
    page = (folder / "a" / "calibration.html").read_text()
    assert "held out" in page and page.count("<svg") == 3
    print_calibration(result)
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines() if str(folder) not in line) and "like_rate" in text


def test_a_stored_one_is_shown_and_its_worlds_are_used_again(done):
    result, folder = done
    again = calibrate(folder / "calibration.yaml", out=folder / "a", worlds=folder / "w")
    assert again.reused and again.summary == result.summary

    def none(*arguments, **settings):
        raise AssertionError("a world was simulated twice")

    before = sorted((folder / "w").rglob("*.parquet"))
    elsewhere = calibrate(folder / "calibration.yaml", out=folder / "b", worlds=folder / "w", workers=1)
    assert sorted((folder / "w").rglob("*.parquet")) == before and len(before) == 24
    assert bytes_of(elsewhere) | {"ensemble.yaml": b""} == bytes_of(result) | {"ensemble.yaml": b""}
    loaded = CalibrationResult.load(folder / "b")
    assert loaded.particles.equals(pd.read_csv(folder / "b" / "particles.csv"))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_stopped_and_gone_on_with(done, tmp_path, workers):
    result, folder = done

    def stop(finished, total, text):
        if text.startswith("generation 1") and finished > 0:
            raise KeyboardInterrupt

    path = folder / "calibration.yaml"
    with pytest.raises(KeyboardInterrupt):
        calibrate(path, out=tmp_path / "a", worlds=tmp_path / "w", workers=1, progress=stop)
    kept = len(list((tmp_path / "w").rglob("*.parquet")))
    assert 8 <= kept < 24 and not (tmp_path / "a" / "calibration.json").exists()
    resumed = calibrate(path, out=tmp_path / "a", worlds=tmp_path / "w", workers=workers)
    assert bytes_of(resumed) == bytes_of(result)


def test_held_out_figures_change_nothing(done, tmp_path):
    result, folder = done
    fit, held = CONTENT["targets"]
    path = written(tmp_path, targets=[fit, {**held, "value": 0.2, "error": 0.01}])
    other = calibrate(path, out=tmp_path / "a", worlds=folder / "w", workers=1)
    assert other.particles.equals(result.particles) and not other.summary["targets"][1]["inside"]


def test_targets_out_of_reach_leave_no_ensemble(done, tmp_path, capsys):
    fit = {**CONTENT["targets"][0], "value": 1e6, "error": 0.1}
    result = calibrate(written(tmp_path, targets=[fit]), out=tmp_path / "a", worlds=done[1] / "w", workers=1)
    write_calibration(result)
    print_calibration(result)
    assert not (tmp_path / "a" / "ensemble.yaml").exists() and "There is no ensemble" in capsys.readouterr().out


def test_replicates_take_members_in_turn(done, small):
    scenario = with_ensemble(small, done[1] / "a" / "ensemble.yaml")
    members = scenario.run.ensemble.members
    for fixed in (False, True):
        doses = [realise(scenario, 1, r, fixed).dose.value for r in range(7)]
        assert doses == [members[r % 5]["dose"] for r in range(7)]


def test_a_run_over_an_ensemble(done, tmp_path):
    """The parameter sets become part of the run's own scenario, and its report says so."""
    call = [sys.executable, "-m", "recsim"]
    config, out = str(ROOT / "configs" / "small.yaml"), str(tmp_path / "r")
    ensemble = str(done[1] / "a" / "ensemble.yaml")
    ran = subprocess.run(
        [*call, "run", config, "--ensemble", ensemble, "--replicates", "2", "--set", "run.luck_branches=1", "--out", out, "--json",
         "--quiet"], capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["replicates"] == 2
    stored = yaml.safe_load((tmp_path / "r" / "scenario.yaml").read_text())
    assert len(stored["run"]["ensemble"]["members"]) == 5
    assert "Calibrated parameters: the ensemble tiny" in (tmp_path / "r" / "report.html").read_text()


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"targets": [{**CONTENT["targets"][0], "metric": "vote_share"}]}, "votes cannot be a target"),
        ({"targets": [{**CONTENT["targets"][0], "metric": "like_rat"}]}, "did you mean 'like_rate'"),
        ({"targets": [{**CONTENT["targets"][0], "role": "holdout"}]}, "no target has role fit"),
        ({"targets": [CONTENT["targets"][0]] * 2}, "got two targets"),
        ({"targets": [{**CONTENT["targets"][0], "value": 0}]}, "log scale; it must be above 0"),
        ({"parameters": [{"key": "dose", "values": [1, 2]}]}, "needs a range"),
        ({"method": {"points": 8, "waves": 1}, "parameters": [{"key": f"x{k}", "range": [0, 1]} for k in range(3)]}, "at least 14 are needed"),
        ({"method": {"wave": 1}}, "did you mean 'waves'"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, changes, text):
    with pytest.raises(InputError, match=text) as caught:
        read_calibration(written(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_unknown_keys_are_named(done, tmp_path, small):
    path = written(tmp_path, parameters=[{"key": "dosis", "range": [1, 2]}])
    with pytest.raises(InputError, match="did you mean 'dose'"):
        calibrate(path, out=tmp_path / "a", worlds=tmp_path / "w")
    assert not (tmp_path / "a").exists()
    path = tmp_path / "e.yaml"
    for members, text in (([{"dosis": 2}], "did you mean 'dose'"), ([{"dose": -1}], "at least 0"), ([], "members")):
        path.write_text(yaml.safe_dump({"name": "e", "members": members}))
        with pytest.raises(InputError, match=text):
            with_ensemble(small, path)


def test_the_shipped_calibration_is_whole():
    found, scenario, _ = read_calibration(ROOT / "configs" / "calibrations" / "romania.yaml")
    assert found.method.simulations <= 320 and len(found.fitted) == 4
    assert scenario.run.luck_branches == 1 and len(found.targets) > len(found.fitted)
