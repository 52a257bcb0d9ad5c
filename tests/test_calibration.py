"""Calibration of small worlds: kept, resumed, the same for any workers; ensembles; what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from scipy import stats

from recsim.audit.controls import small_copy
from recsim.audit.ranks import repetition, uniformity
from recsim.errors import InputError
from recsim.experiment import inference
from recsim.experiment.calibration import CalibrationResult, _predicted_below, calibrate, particles_of
from recsim.experiment.calibration_file import Target, read_calibration, with_ensemble
from recsim.experiment.compare import cell_scenario
from recsim.experiment.dose import ALL, dosed
from recsim.experiment.observables import DOCUMENTED, PLATFORM, documented_facts
from recsim.experiment.robustness import simulate_cell
from recsim.experiment.run import configured
from recsim.experiment.study import with_settings
from recsim.experiment.summary import covered
from recsim.report.calibration import print_calibration, write_calibration
from recsim.scenario import realise
from recsim.scenario.schema import Ensemble

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


NOTHING = pd.DataFrame(
    {
        name: [value]
        for name, value in {
            "replicate": 0,
            "branch": 0,
            "arm": "factual",
            "day": 0,
            "candidate": "ada",
            "stance": "neutral",
            "impressions": 0,
            "comment_exposures": 0,
        }.items()
    }
)


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


def test_a_stored_one_is_shown_and_its_worlds_are_used_again(done, tmp_path, monkeypatch):
    result, folder = done
    again = calibrate(folder / "calibration.yaml", out=folder / "a", worlds=folder / "w")
    assert again.reused and again.summary == result.summary

    def none(*arguments, **settings):
        raise AssertionError("a world was simulated twice")

    monkeypatch.setattr("recsim.experiment.tasks.do_task", none)
    with pytest.raises(AssertionError, match="simulated twice"):  # what a world that is not kept would do
        calibrate(folder / "calibration.yaml", out=tmp_path / "b", worlds=tmp_path / "w", workers=1)
    before = sorted((folder / "w").rglob("*.parquet"))
    elsewhere = calibrate(folder / "calibration.yaml", out=folder / "b", worlds=folder / "w", workers=1)
    assert sorted((folder / "w").rglob("*.parquet")) == before and len(before) == 24
    assert bytes_of(elsewhere) | {"ensemble.yaml": b""} == bytes_of(result) | {"ensemble.yaml": b""}
    loaded = CalibrationResult.load(folder / "b")
    assert loaded.particles.equals(pd.read_csv(folder / "b" / "particles.csv"))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_stopped_and_gone_on_with(done, tmp_path, workers):
    result, folder = done
    told = []

    def stop(finished, total, text):
        if text.startswith("generation 1"):
            told.append(finished / total)
            if finished / total > 0.4:  # a third is done with the wave
                raise KeyboardInterrupt

    path = folder / "calibration.yaml"
    with pytest.raises(KeyboardInterrupt):
        calibrate(path, out=tmp_path / "a", worlds=tmp_path / "w", workers=1, progress=stop)
    kept = len(list((tmp_path / "w").rglob("*.parquet")))
    assert told[0] >= 8 / 24 and 9 <= kept < 24 and not (tmp_path / "a" / "calibration.json").exists()
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


@pytest.mark.slow
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
    checked = subprocess.run([*call, "verify", out], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
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
    path = written(tmp_path, parameters=[{"key": "platform.parameters.heated_views", "range": [0, 2]}])
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "heated_views" in text)
    with pytest.raises(
        InputError, match=f"calibration.yaml:{line} parameters.platform.parameters.heated_views: got 2, must be 0 to 1"
    ):
        calibrate(path, out=tmp_path / "a", worlds=tmp_path / "w")
    assert not (tmp_path / "a").exists() and not (tmp_path / "w").exists()
    path = tmp_path / "e.yaml"
    for members, text in (([{"dosis": 2}], "did you mean 'dose'"), ([{"dose": -1}], "at least 0"), ([], "members")):
        path.write_text(yaml.safe_dump({"name": "e", "members": members}))
        with pytest.raises(InputError, match=text):
            with_ensemble(small, path)


def test_numbers_set_by_hand_are_not_overruled_without_a_word(done, tmp_path, small):
    """Settings, doses, studies: what a parameter set would replace is refused, or takes the sets with it."""
    path = done[1] / "a" / "ensemble.yaml"
    scenario = with_ensemble(small, path)
    with pytest.raises(InputError, match="^--dose: dose is set in every replicate"):
        with_ensemble(small, path, [("dose", "--dose")])
    with pytest.raises(InputError, match="--dose: dose is set"):
        configured(scenario, None, None, None, dose=2.0)
    with pytest.raises(InputError, match="dose is set in every replicate"):
        with_settings(scenario, {"dose": 2.0}, "here", "test")
    # List members by number are the same members.
    one = {"name": "e", "members": [{"campaigns.network.dose": 3.0}]}
    several = tmp_path / "several.yaml"
    several.write_text(yaml.safe_dump(one))
    for name in ("campaigns.0.dose", "campaigns.0", "campaigns.network.dose.value"):
        with pytest.raises(InputError, match="campaigns.network.dose is set in every replicate"):
            with_ensemble(small, several, [(name, f"--set {name}")])
    with pytest.raises(InputError, match="campaigns.network.dose is set in every replicate"):
        with_settings(with_ensemble(small, several), {"campaigns.0.dose": 5.0}, "here", "test")
    assert with_settings(scenario, {"platform.exploration_share": 0.1}, "here", "test").run.ensemble is not None
    doses = [m["dose"] for m in scenario.run.ensemble.members]
    assert [realise(dosed(scenario, ALL, 3.0), 1, r).dose.value for r in range(5)] == [3 * d for d in doses]
    assert realise(small_copy(scenario), 1, 1).dose.value == doses[0]
    assert with_ensemble(scenario, path).run.ensemble == scenario.run.ensemble  # a second one replaces the first


def test_a_parameter_that_the_scenario_leaves_to_its_policy(small, tmp_path):
    assert "w_like" not in small.platform.parameters
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump({"name": "e", "members": [{"platform.parameters.w_like": 2.5}]}))
    assert realise(with_ensemble(small, path), 1, 0).platform.parameters["w_like"].value == 2.5


@pytest.mark.parametrize(
    "key, value, text",
    [
        ("platform.parameters.heated_views", 1.5, "platform.parameters.heated_views: got 1.5, must be 0 to 1"),
        ("platform.mitigations.0.parameters.recall", -1.0, "got -1, must be 0 to 1"),
        ("platform.policy", 1.0, "platform.policy: holds no number of this scenario"),
    ],
)
def test_a_set_that_cannot_be_simulated_is_refused_before_the_first_world(small, tmp_path, key, value, text):
    """In the file of a calibration, with its line; and in a scenario that holds the sets already."""
    small = with_settings(
        small,
        {
            "platform.parameters": {"heated_views": 0.1},
            "platform.mitigations": [{"kind": "oracle_removal", "parameters": {"recall": 1.0}}],
        },
        "here",
        "test",
    )
    good, bad = {"dose": 2.0}, {"dose": 1.0, key: value}
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump({"name": "e", "members": [good, bad]}))
    if key != "platform.policy":
        with pytest.raises(InputError, match=rf"e.yaml:\d+ members.1.: .*{text}"):
            with_ensemble(small, path)
    run = small.run.model_copy(update={"ensemble": Ensemble(name="e", members=[good, bad])})
    with pytest.raises(InputError, match=rf"^run.ensemble.members.1: .*{text}"):
        configured(small.model_copy(update={"run": run}), 1, None, None)


def test_a_set_whose_numbers_do_not_fit_the_others_is_refused(small):
    """A simulated item would stand for less than a real one; the scenario may have changed since the set was found."""
    run = small.run.model_copy(update={"ensemble": Ensemble(name="e", members=[{"content.real_items_per_day": 10.0}])})
    with pytest.raises(
        InputError, match=r"^run.ensemble.members.0: content.items_per_day: got 120, must be at most 10"
    ):
        configured(small.model_copy(update={"run": run}), 1, None, None)


def test_the_table_of_other_assumptions_takes_the_sets_in_turn(done, small):
    scenario = with_ensemble(small, done[1] / "a" / "ensemble.yaml")
    seen = []

    def engine(world, replicate, **options):
        seen.append(world.dose.value)
        return SimpleNamespace(frames={"exposure": NOTHING}, meta={"impressions": 0})

    for replicate in range(6):
        simulate_cell(engine, scenario, ("off", 80.0, "as declared"), replicate, 1)
    assert seen == [scenario.run.ensemble.members[r % 5]["dose"] for r in range(6)]


def test_parameters_of_a_policy_stay_with_it(small):
    members = [{"platform.parameters.w_like": 2.0, "dose": 3.0}]
    run = small.run.model_copy(update={"ensemble": Ensemble(name="e", members=members)})
    scenario = with_settings(small, {"platform.parameters": {"w_like": 1.0}}, "here", "test").model_copy(
        update={"run": run}
    )
    assert realise(scenario, 1, 0).platform.parameters["w_like"].value == 2.0
    other = cell_scenario(scenario, "random")
    assert other.run.ensemble.members == [{"dose": 3.0}] and realise(other, 1, 0).dose.value == 3.0
    assert covered(scenario, False) == "luck and declared ranges"
    assert covered(scenario, True) == "luck and calibrated parameter sets" and covered(small, True) == "luck"
    run = run.model_copy(update={"ensemble": Ensemble(name="e", members=[{"dosis": 3.0}])})
    with pytest.raises(InputError, match="dosis is no number of this scenario"):
        realise(small.model_copy(update={"run": run}), 1, 0)


def test_views_of_days_that_all_arms_share(small):
    """Days -6 to -4 come before the campaigns of this world and belong to both."""
    rows = [("shared", day, 1000) for day in range(-9, -3)]
    rows += [(arm, day, n) for arm, n in (("factual", 3000), ("counterfactual", 1000)) for day in range(-3, 1)]
    frame = pd.DataFrame([(a, d, "eva", n) for a, d, n in rows], columns=["arm", "day", "candidate", "impressions"])
    followers = pd.DataFrame({"arm": ["shared", "factual"], "day": [-9, 0], "candidate": "eva", "followers": [10, 30]})
    facts = pd.DataFrame({"arm": ["factual"], "name": ["like_rate"], "value": [0.1]})
    frames = {"exposure": frame, "followers": followers, "facts": facts}
    one = small.model_copy(update={"run": small.run.model_copy(update={"luck_branches": 1})})
    found = documented_facts(one, frames, 1)
    assert found["beneficiary_views_before_M_per_day"] == pytest.approx(
        1.0
    )  # six days, a thousand simulated views each
    assert found["beneficiary_views_late_M_per_day"] == pytest.approx((3 * 1 + 2 * 3) / 5)
    assert "view_ratio_beneficiary_to_second" not in found  # nobody else was seen: undefined, and not a huge number
    assert found["excess_views_last5_M"] == pytest.approx(4.0) and found["follower_growth_factor_14d"] == 3


def test_particles_are_of_the_generation_whose_weights_they_have():
    """A generation that is simulated and breaks off comes last in the table and has no weights."""
    stages = ["wave 1", "wave 1", "generation 1", "generation 1", "generation 2", "generation 2"]
    table = pd.DataFrame({"stage": stages, "x": range(6)})
    one = inference.Generation(np.zeros((2, 1)), np.zeros((2, 1)), np.array([0.25, 0.75]), 1.0, 1.6)
    assert particles_of(table, [one]).to_dict("list") == {
        "stage": ["generation 1"] * 2,
        "x": [2, 3],
        "weight": [0.25, 0.75],
    }
    assert list(particles_of(table, [one, one])["x"]) == [4, 5] and not len(particles_of(table, []))


def test_few_particles_do_not_pass_for_knowledge(done):
    """Of eight particles the prior itself may look a quarter narrower."""
    summary = done[0].summary
    effective = summary["generations"][-1]["effective"]
    assert summary["identified_below"] == pytest.approx(min(0.9, 1 - 2 * (0.2 / effective) ** 0.5))
    for row in summary["parameters"]:
        assert row["identified"] == (row["width"] < summary["identified_below"])


def test_what_is_predicted_counts_the_stated_error():
    target = Target(metric="like_rate", value=1.0, error=0.5, source="made up")
    values, weight = np.array([1.0, np.e**-0.5, np.nan]), np.array([0.25, 0.5, 0.25])
    below = (0.25 * 0.5 + 0.5 * stats.norm.cdf(1.0)) / 0.75
    assert _predicted_below(target, values, weight) == pytest.approx(below)
    assert np.isnan(_predicted_below(target, values[2:], weight[2:]))


def test_the_shipped_calibration_is_whole():
    found, scenario, _ = read_calibration(ROOT / "configs" / "calibrations" / "romania.yaml")
    assert found.method.simulations <= 320 and len(found.fitted) == 4
    assert scenario.run.luck_branches == 1 and len(found.targets) > len(found.fitted)


def test_a_known_truth_is_found_again(done):
    """One repetition of simulation-based calibration, and the summary of many."""
    found, scenario, _ = read_calibration(done[1] / "calibration.yaml")
    told = []
    one = repetition(found, scenario, 3, report=told.append)
    assert told == pytest.approx([1 / 25, 9 / 25, 17 / 25, 0.99])  # the truth's world, a wave, two generations
    assert 0 <= one.rank[0] <= 1 and one.tolerance >= 1 and 0 < one.left <= 1
    table = uniformity([one._replace(rank=[r]) for r in (0.125, 0.375, 0.625, 0.875)], ["dose"])
    assert table.at[0, "mean_rank"] == 0.5 and table.at[0, "variance_ratio"] == pytest.approx(15 / 16)
    assert table.at[0, "ks_p"] > 0.9
    assert uniformity([one._replace(rank=[0.01])] * 8, ["dose"]).at[0, "ks_p"] < 1e-6
