"""The ensemble: its cells, its range, what is stored, and what it refuses."""

from __future__ import annotations

import json

import fake_world
import numpy as np
import pandas as pd
import pytest
from helpers import changed

from recsim.errors import InputError
from recsim.experiment import robustness
from recsim.experiment.compare import folder_of
from recsim.experiment.ensemble import (
    NO_PREDICTOR,
    Cell,
    Ensemble,
    _range,
    cells_of,
    ensemble,
    expected,
    scenario_of,
)
from recsim.report.ensemble import print_ensemble, write_figures
from recsim.scenario import load, realise
from recsim.scenario.schema import Ensemble as CalibratedSets

POLICIES = ["x_2023_04", "dsa38_regional"]


@pytest.fixture(scope="module")
def scenario():
    return load(fake_world.SMALL)


def go(scenario, **more):
    return ensemble(scenario, policies=POLICIES, replicates=2, workers=1, simulate=fake_world.simulate, **more)


def test_policies_without_predictions_have_one_predictor():
    cells = cells_of(["tiktok_value", "random"], ["rates", "oracle"], ["logistic", "cascade", "fatigue"])
    assert len(cells) == 2 * 3 + 3 and len(set(cells)) == len(cells)
    assert {c.predictor for c in cells if c.policy == "random"} == {NO_PREDICTOR}


def test_cells_differ_in_their_factors_only(scenario):
    base = scenario_of(scenario, Cell("tiktok_value", "rates", "logistic"))
    other = scenario_of(scenario, Cell("tiktok_value", "oracle", "fatigue"))
    back = changed(
        other, response={"model": "logistic"},
        platform={"predictor": other.platform.predictor.model_copy(update={"kind": "rates"})},
    )  # fmt: skip
    assert back == base and other != base
    assert base.platform.predictor.prior_events == scenario.platform.predictor.prior_events
    assert base.population.scale <= scenario.population.scale
    assert base.content.items_per_day <= scenario.content.items_per_day
    assert scenario_of(scenario, Cell("random", NO_PREDICTOR, "cascade")).platform.policy == "random"


def test_parameter_sets_of_a_calibration_leave_the_small_worlds_small(scenario):
    own = scenario.platform.predictor.prior_events.value
    key = next(c.id for c in scenario.campaigns)
    members = [
        {"activity.visits_per_day": 40.0, "content.items_per_day": 90_000.0, "platform.predictor.prior_events": own + 7},
        {"activity.videos_per_visit": 200.0}, {f"campaigns.{key}.dose": 0.5},
    ]  # fmt: skip
    sets = CalibratedSets(name="sets", members=members)
    calibrated = changed(scenario, run={"ensemble": sets})
    small = scenario_of(calibrated, Cell("tiktok_value", "rates", "logistic"))
    r = scenario.audit.robustness
    for number in range(3):
        world, alone = realise(small, 1, number, fixed=True), realise(calibrated, 1, number, fixed=True)
        expected_one = robustness.cell_scenario(alone, robustness.declared(alone))
        assert world.activity == expected_one.activity and world.content == expected_one.content
        assert world.population == expected_one.population
        found, wanted = (one.platform.predictor.prior_events.value for one in (world, expected_one))
        assert found == wanted
        activity = world.activity
        assert activity.visits_per_day.value * activity.videos_per_visit.value <= r.videos_per_day * 1.0001
        assert world.content.items_per_day <= r.items_per_day
    assert realise(small, 1, 2, fixed=True).campaigns[0].dose.value == 0.5


def test_range_and_spread(scenario):
    result = go(scenario, store=False)
    frame = result.cells
    assert len(frame) == result.summary["cells"] == 9 + 9 + 3
    found = result.summary["beneficiaries"]["eva"]
    assert found["lowest_shift_pp"] == frame["shift_pp"].min() and found["highest_shift_pp"] == frame["shift_pp"].max()
    means = frame.groupby("policy")["shift_pp"].mean()
    assert found["spread_of_means_pp"]["policy"] == pytest.approx(means.max() - means.min())
    inside = frame[frame["predictor"] != NO_PREDICTOR].groupby("predictor")["shift_pp"].mean()
    assert found["spread_of_means_pp"]["predictor"] == pytest.approx(inside.max() - inside.min())
    assert tuple(found["highest_cell"]) in {(c.policy, c.predictor, c.model) for c in frame.itertuples()}


def test_a_range_of_nothing_is_none(scenario, capsys):
    """Worlds without content about candidates have no shares."""
    result = go(scenario, store=False)
    cells = result.cells.assign(shift_pp=np.nan)
    none = _range(cells[cells["candidate"] == "eva"])
    found = result.summary["beneficiaries"]["eva"]
    assert (
        set(none) == set(found)
        and none["lowest_shift_pp"] is None
        and set(none["spread_of_means_pp"]) == set(found["spread_of_means_pp"])
    )
    print_ensemble(result._replace(cells=cells, summary=result.summary | {"beneficiaries": {"eva": none}}))
    assert "No shift is known" in capsys.readouterr().out
    few = result.cells.assign(replicates=1, sd=np.nan)
    few.loc[few.index[0], "shift_pp"] = np.nan
    print_ensemble(
        result._replace(
            cells=few, summary=result.summary | {"beneficiaries": {"eva": found | {"typical_sd_of_a_cell": None}}}
        )
    )
    text = capsys.readouterr().out
    assert "nan" not in text and text.count("(no share)") == 1 and "(-)" in text


def test_stored_reused_and_extended(scenario, tmp_path, capsys):
    first = go(scenario, out=tmp_path / "e")
    write_figures(first)
    assert (tmp_path / "e" / "figures" / "ensemble_eva.png").stat().st_size > 10_000
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "e").rglob("*.*")}
    again = go(scenario, out=tmp_path / "e")
    assert {
        p: p.stat().st_mtime_ns for p in (tmp_path / "e").rglob("*.*")
    } == before and "stored result" in again.notes[0]
    assert again.reused and not first.reused
    assert again.summary == json.loads((tmp_path / "e" / "ensemble.json").read_text())
    pd.testing.assert_frame_equal(Ensemble.load(tmp_path / "e").cells, first.cells, check_exact=False)
    for name in ("cells.csv", "scenario.yaml", "manifest.json"):
        kept = (tmp_path / "e" / name).rename(tmp_path / name)
        with pytest.raises(InputError, match=f"cannot be read as an ensemble: {name} is missing"):
            Ensemble.load(tmp_path / "e")
        kept.rename(tmp_path / "e" / name)
    more = ensemble(
        scenario, policies=POLICIES, replicates=3, workers=1, simulate=fake_world.simulate, out=tmp_path / "e"
    )  # fmt: skip
    assert any("adding 1 replicates" in note for note in more.notes) and more.summary["replicates"] == 3
    print_ensemble(more)
    text = capsys.readouterr().out
    lines = [line for line in text.splitlines() if not line.startswith("results:")]
    assert all(len(line) <= 80 for line in lines) and "x_2023_04" in text and "nan" not in text


def test_order_of_names_and_workers_change_nothing(scenario):
    a = go(scenario, store=False).cells
    b = ensemble(
        scenario, policies=POLICIES[::-1], replicates=2, workers=2, store=False, simulate=fake_world.simulate,
        predictors=["oracle", "rates", "logistic"],
    ).cells  # fmt: skip
    keys = ["policy", "predictor", "model"]
    pd.testing.assert_frame_equal(
        a.sort_values(keys, ignore_index=True), b.sort_values(keys, ignore_index=True), check_exact=True
    )


def test_real_worlds(scenario):
    result = ensemble(
        scenario, policies=["tiktok_value"], predictors=["rates", "oracle"], models=["cascade"], replicates=2, workers=1,
        store=False,
    )  # fmt: skip
    assert len(result.cells) == 2 and result.cells["shift_pp"].nunique() == 2 and result.cells["replicates"].eq(2).all()
    assert result.summary["timing"]["impressions"] > 1000
    assert expected(scenario, cells_of(["tiktok_value"], ["rates"], ["cascade"]), 2)["seconds"] > 0


def test_an_address_or_an_import_path_is_one_folder():
    cell = Cell("http://127.0.0.1:8000/rank", NO_PREDICTOR, "cascade")
    assert "/" not in cell.folder and ":" not in cell.folder
    assert folder_of("http://127.0.0.1:8000/rank").count("/") == 0 and folder_of("mine:ranker") == "policy-mine-ranker"


def test_bad_input(scenario):
    with pytest.raises(InputError, match="did you mean 'oracle'"):
        ensemble(scenario, predictors=["oracel"])
    with pytest.raises(InputError, match="did you mean 'fatigue'"):
        ensemble(scenario, models=["fatige"])
    with pytest.raises(InputError, match="did you mean 'tiktok_value'"):
        ensemble(scenario, policies=["tiktok_valu"])
    with pytest.raises(InputError, match="at least 2"):
        ensemble(scenario, replicates=1)
    with pytest.raises(InputError, match="no campaign is removed"):
        ensemble(changed(scenario, campaigns=[]))
