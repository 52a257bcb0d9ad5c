"""Tables by replicate: the interval of the summary can be worked out from them, and draws are those of the worlds."""

from __future__ import annotations

import dataclasses

import fake_world
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from recsim import metrics
from recsim.audit.draws import draw_correlations
from recsim.experiment import Result, run
from recsim.experiment.by_replicate import DRAWS, SHIFTS, drawn_keys, draws
from recsim.scenario import load, quantities, realise
from recsim.scenario.schema import Ensemble

FAST = {"simulate": fake_world.simulate, "workers": 1, "robustness": False}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_replicate") / "r"
    return run(load(fake_world.SMALL, ["run.replicates=4"]), out=folder, **FAST)


def test_every_number_of_the_summary_follows_from_the_shifts(result):
    table = pd.read_csv(result.folder / "shift_by_replicate.csv")
    assert list(table.columns) == list(SHIFTS) and len(table) == 4 * len(result.scenario.candidates)
    for row in result.summary["candidates"]:
        mine = table[table["candidate"] == row["id"]].sort_values("replicate")
        t = metrics.shift_interval(mine["shift_pp"].to_numpy())
        assert (row["shift_pp"], row["ci_low"], row["ci_high"]) == pytest.approx((t.mean, t.low, t.high))
        assert row["sd_worlds"] == pytest.approx(mine["shift_pp"].std())
        assert row["excess_impressions"] == pytest.approx(mine["excess_impressions"].mean())
        assert mine["shift_pp"].to_numpy() == pytest.approx(
            100 * (mine["share_factual"] - mine["share_counterfactual"]).to_numpy()
        )
        assert row["share_factual"] == pytest.approx(mine["share_factual"].mean())


def test_a_replicate_without_content_is_empty_and_no_zero(result):
    exposure = result.frames["exposure"].copy()
    exposure.loc[exposure["replicate"] == 2, "impressions"] = 0
    found = dataclasses.replace(result, frames={**result.frames, "exposure": exposure}, _by={}).by_replicate()
    assert found[found["replicate"] == 2]["shift_pp"].isna().all()
    assert found[found["replicate"] != 2]["shift_pp"].notna().all()


def test_draws_are_what_the_worlds_were_built_with(result):
    table = pd.read_csv(result.folder / "draws.csv")
    assert list(table.columns) == list(DRAWS)
    ranged = [q["key"] for q in quantities(result.scenario) if q["range"] is not None]
    assert ranged and drawn_keys(result.scenario, False) == ranged
    assert len(table) == 4 * len(ranged)
    for number in range(4):
        made = {q["key"]: q["value"] for q in quantities(realise(result.scenario, result.summary["seed"], number))}
        mine = table[table["replicate"] == number].set_index("key")["value"]
        assert set(mine.index) == set(ranged)
        for key in ranged:
            assert mine[key] == pytest.approx(made[key], rel=1e-12)
    assert (table.groupby("key")["value"].nunique() > 1).all()


def test_nothing_is_written_where_nothing_is_drawn(tmp_path):
    held = run(load(fake_world.SMALL, ["run.replicates=2"]), out=tmp_path / "r", fixed_parameters=True, **FAST)
    assert not len(held.draws()) and not (held.folder / "draws.csv").exists()
    assert (held.folder / "shift_by_replicate.csv").exists()
    assert not len(Result.load(held.folder).draws())


def test_parameter_sets_are_among_the_draws():
    scenario = load(fake_world.SMALL)
    key = next(q["key"] for q in quantities(scenario) if q["range"] is not None)
    low, high = next(q["range"] for q in quantities(scenario) if q["key"] == key)
    ensemble = Ensemble(name="two", calibration="x", members=[{key: low}, {key: high}])
    made = scenario.model_copy(update={"run": scenario.run.model_copy(update={"ensemble": ensemble})})
    table = draws(made, [0, 1, 2], fixed=True)
    assert table["key"].unique().tolist() == [key] and table["value"].tolist() == [low, high, low]


@pytest.mark.parametrize("replicates, known", [(29, False), (30, True)])
def test_rank_correlations_need_thirty_replicates_and_find_what_decides(replicates, known, monkeypatch):
    found = run(load(fake_world.SMALL, [f"run.replicates={replicates}", "run.luck_branches=1"]), store=False, **FAST)
    if not known:
        assert draw_correlations(found) == []
        return
    off = {q["key"] for q in quantities(found.scenario) if not q["in_use"]}
    drawn = found.draws()
    keys = [k for k in drawn["key"].unique() if k not in off]
    wide = drawn.pivot(index="replicate", columns="key", values="value")
    # A shift that falls with one of the numbers, whatever else is drawn.
    table = found.by_replicate()
    mine = table["candidate"] == found.summary["beneficiaries"][0]
    table.loc[mine, "shift_pp"] = -np.log(wide[keys[0]].to_numpy())
    monkeypatch.setattr(Result, "by_replicate", lambda _: table)
    rows = draw_correlations(found)
    assert {row["key"] for row in rows} == set(keys)
    assert rows[0]["key"] == keys[0] and rows[0]["rank_correlation"] == pytest.approx(-1)
    other = rows[-1]
    expected = spearmanr(wide[other["key"]].to_numpy(), table.loc[mine, "shift_pp"].to_numpy())
    assert (other["rank_correlation"], other["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert all(row["p"] <= row["p_adjusted"] <= 1 for row in rows)
