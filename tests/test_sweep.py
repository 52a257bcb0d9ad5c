"""Sweeps: designs, what is computed and what is taken over, numbers, and what is refused."""

from __future__ import annotations

import json

import fake_world
import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import changed

import recsim
import recsim.experiment.sweep as sweep_module
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment.cells import CellCache, Marks, bare, rows_of
from recsim.experiment.design import cells_of, of_text, work_order
from recsim.experiment.dictionary import described
from recsim.experiment.run import run
from recsim.experiment.sensitivity import indices
from recsim.experiment.study import COLUMNS, Axis, made_study, with_settings
from recsim.experiment.study_summary import undefined_replicates, values_of, variance
from recsim.experiment.sweep import StudyResult, read_design, sweep
from recsim.metrics import interval, wilson
from recsim.report.study import study_lines
from recsim.scenario import load, realise

AXES = {"dose": [0, 1, 2], "platform.policy": ["tiktok_value", "random"]}


pytestmark = pytest.mark.usefixtures("not_rendered")


@pytest.fixture(scope="module")
def scenario():
    return load(fake_world.SMALL, ["run.replicates=3"])


def go(scenario, tmp_path, axes=None, **options):
    given = {"out": tmp_path / "s", "cells": tmp_path / "cells", "workers": 1, "simulate": fake_world.simulate}
    return sweep(scenario, AXES if axes is None else axes, **{**given, **options})


def parts(folder):
    return {p.name: p.read_bytes() for p in sorted((folder / "data").iterdir())}


def written(tmp_path, **fields):
    """A study's file beside a copy of the small scenario."""
    (tmp_path / "small.yaml").write_text(fake_world.SMALL.read_text())
    raw = {"name": "t", "scenario": "small.yaml", "axes": [{"key": "dose", "values": [0, 1]}], **fields}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    return tmp_path / "study.yaml"


# ---- design ------------------------------------------------------------------------------------------------------


def cells(scenario, axes, **more):
    return cells_of(made_study(scenario, axes, **more)[0])


def test_a_grid_reaches_both_ends_on_its_scale(scenario):
    found = cells(scenario, {"platform.predictor.prior_events": {"range": [20, 2000], "scale": "log", "n": 3}})
    assert [c.values["platform.predictor.prior_events"] for c in found] == [20, pytest.approx(200), 2000]
    found = cells(scenario, {"platform.retrieval.pool": {"range": [64, 129], "n": 3, "whole": True}})
    assert [c.settings["platform.retrieval.pool"] for c in found] == [64, 96, 129]
    assert all(isinstance(c.settings["platform.retrieval.pool"], int) for c in found)


def test_the_coarse_grid_comes_first(scenario):
    line = {"dose": {"range": [0, 8], "n": 9}}
    found = cells(scenario, line)
    assert [int(found[n].values["dose"]) for n in work_order(found)] == [0, 8, 4, 2, 6, 1, 3, 5, 7]
    both = cells(scenario, {**line, "platform.policy": ["tiktok_value", "random"]})
    first = [both[n].values for n in work_order(both)[:4]]
    assert {(v["dose"], v["platform.policy"]) for v in first} == {
        (d, p) for d in (0, 8) for p in ("tiktok_value", "random")
    }


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol"])
def test_samples_hang_on_the_seed_and_fill_every_stratum(scenario, method):
    axes = {"dose": {"range": [0, 4]}, "platform.predictor.prior_events": {"range": [20, 2000], "scale": "log"}}
    sample = {"method": method, "n": 16}
    one, same, other = (cells(scenario, axes, sample=sample, seed=s) for s in (1, 1, 2))
    assert one == same and one != other and len(one) == 16
    dose = np.array([c.values["dose"] for c in one])
    assert sorted(np.floor(dose / 4 * 16)) == list(range(16))
    prior = np.log(np.array([c.values["platform.predictor.prior_events"] for c in one]) / 20) / np.log(100)
    assert sorted(np.floor(prior * 16)) == list(range(16))
    assert abs(np.corrcoef(dose, prior)[0, 1]) < 0.5


def test_samples_are_crossed_with_values_and_can_sample_them(scenario):
    axes = [{"key": "dose", "range": [0, 4]}, {"key": "platform.policy", "values": ["random", "tiktok_value"]}]
    assert len(cells(scenario, axes, sample={"method": "sobol", "n": 8})) == 16
    axes[1]["sampled"] = True
    found = cells(scenario, axes, sample={"method": "sobol", "n": 8})
    assert [c.values["platform.policy"] for c in found].count("random") == 4 and len(found) == 8


def test_campaigns_mitigations_and_several_keys(scenario):
    axes = [
        {"key": "campaigns.network", "values": [True, False]},
        {"key": "platform.mitigations", "name": "measure", "values": {"none": [], "cap": ["engagement_cap"]}},
        {"name": "feed", "sets": {"own": {}, "other": {"platform.policy": "random", "platform.gates.mode": "off"}}},
    ]
    from recsim.ranking.mitigations import MITIGATIONS

    axes[1]["values"]["cap"] = [next(iter(MITIGATIONS))]
    found = cells(scenario, axes)
    assert [tuple(c.values.values()) for c in found][:3] == [
        ("on", "none", "own"),
        ("on", "none", "other"),
        ("on", "cap", "own"),
    ]
    last = with_settings(scenario, found[-1].settings, "x", "study t")
    assert last.campaigns[0].dose.value == 0 and last.platform.mitigations and last.platform.policy == "random"
    assert last.platform.gates.mode == "off"
    assert with_settings(scenario, found[0].settings, "x", "study t").campaigns == scenario.campaigns


def test_a_set_number_has_no_range_and_says_where_it_came_from(scenario):
    made = with_settings(scenario, {"campaigns.network.actions_per_day": 7}, "x", "study t")
    found = made.campaigns[0].actions_per_day
    assert (found.value, found.range, found.source) == (7, None, "study t")
    assert made.population is scenario.population  # untouched blocks are shared


# ---- work --------------------------------------------------------------------------------------------------------


def test_cells_are_what_runs_of_their_scenarios_say(scenario, tmp_path):
    result = go(scenario, tmp_path)
    assert len(result.cells) == 6 and result.summary["rows"] == 6 * 3 * 2 * 3
    row = result.cells[(result.cells["dose"] == 2) & (result.cells["platform.policy"] == "tiktok_value")].iloc[0]
    alone = run(
        with_settings(scenario, {"dose": 2}, "x", "x"),
        store=False,
        robustness=False,
        simulate=fake_world.simulate,
        workers=1,
    )
    eva = alone.shift().set_index("candidate").loc["eva"]
    for name in ("shift_pp", "ci_low", "ci_high", "sd_worlds", "share_factual", "share_counterfactual"):
        assert row[name] == pytest.approx(eva[name])
    assert row["verdict"] == eva["verdict"]


def test_a_cell_without_dose_is_exactly_zero_in_the_real_engine(small, tmp_path):
    tiny = changed(small, run={"replicates": 1}, content={"items_per_day": 60})
    result = sweep(tiny, {"dose": [0, 3]}, out=tmp_path / "s", cells=tmp_path / "c", workers=1)
    zero, some = result.cells["shift_pp"]
    assert zero == 0 and some != 0
    from recsim.world.pair import simulate_replicate

    dosed = with_settings(tiny, {"dose": 3}, "x", "x")
    plain = rows_of(dosed, simulate_replicate(realise(dosed, dosed.run.seed, 0), 0))["cell"]
    kept = result.dataset().to_table().to_pandas()
    kept = kept[kept["dose"] == 3].drop(columns=["cell", "dose"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, plain, check_exact=True, check_dtype=False)
    assert (plain["inauthentic_actions"] > 0).all() and plain["fact_gini_views"].between(0, 1).all()
    assert plain["reach_factual"].between(0.01, 1).all()


def test_effects_are_paired_means(scenario, tmp_path):
    result = go(scenario, tmp_path)
    data = result.dataset().to_table().to_pandas()
    eva = data[data["candidate"] == "eva"].groupby(["dose", "platform.policy", "replicate"])["shift_pp"].mean()
    by_dose = eva.groupby(["dose", "replicate"]).mean().unstack()
    for dose in (0, 1, 2):
        t, d = interval(by_dose.loc[dose]), interval(by_dose.loc[dose] - by_dose.loc[0])
        row = result.effects[
            (result.effects["axis"] == "dose") & (result.effects["value"].astype(str) == f"{dose:.1f}")
        ].iloc[0]
        assert (row["shift_pp"], row["ci_low"], row["ci_high"]) == pytest.approx((t.mean, t.low, t.high))
        assert (row["change_pp"], row["change_ci_low"]) == pytest.approx((d.mean, d.low))
        assert row["cells"] == 2


def test_no_cell_is_computed_twice_across_studies(scenario, tmp_path, log):
    go(scenario, tmp_path)
    # At dose 0 and 1 and 2, for two policies; the fake engine does not know that dose 0 needs no second policy.
    assert log() == 6 * 3
    other = changed(scenario, title="Another title", audit={"question": "Another question?"})
    again = go(other, tmp_path, {"dose": [1, 2, 3]}, out=tmp_path / "other", name="other")
    assert log() == 6 * 3 + 3
    assert "6 of 9 finished cells and replicates taken over" in again.notes


def test_equal_cells_of_one_study_are_computed_once(scenario, tmp_path, log):
    axes = [{"name": "twice", "sets": {"own": {}, "same": {"dose": 1.0}, "other": {"dose": 2}}}]
    result = go(changed(scenario, dose=with_settings(scenario, {"dose": 1}, "x", "x").dose), tmp_path, axes)
    assert log() == 2 * 3
    assert result.cells["shift_pp"].iloc[0] == result.cells["shift_pp"].iloc[1] != result.cells["shift_pp"].iloc[2]


def test_marks_hang_on_numbers_only(scenario):
    marks = Marks(False)
    own = marks.mark(bare(scenario))
    same = [
        changed(scenario, name="x", title="y"), changed(scenario, run={"replicates": 9}),
        changed(scenario, dose=scenario.dose.model_copy(update={"source": "somebody"})),
        changed(scenario, audit={"threshold_pp": scenario.dose}),
    ]  # fmt: skip
    assert {marks.mark(bare(s)) for s in same} == {own}
    other = [
        changed(scenario, run={"seed": 8}), with_settings(scenario, {"dose": 2}, "x", "x"),
        with_settings(scenario, {"campaigns.network.actions_per_day": 4}, "x", "x"),  # without its range
        with_settings(scenario, {"platform.policy": "random"}, "x", "x"),
    ]  # fmt: skip
    assert len({own, *(marks.mark(bare(s)) for s in other)}) == 5
    assert Marks(True).mark(bare(scenario)) != own


def interrupted(limit):
    """The fake engine, stopped by Ctrl-C after so many replicates."""
    calls = []

    def simulate(scenario, replicate, **options):
        calls.append(1)
        if len(calls) > limit:
            raise KeyboardInterrupt
        return fake_world.simulate(scenario, replicate, **options)

    simulate.__module__, simulate.__qualname__ = fake_world.simulate.__module__, fake_world.simulate.__qualname__
    simulate.__wrapped__ = fake_world.simulate  # whose file is the engine's
    return simulate


def test_a_stopped_study_can_be_read_and_goes_on(scenario, tmp_path, log):
    with pytest.raises(KeyboardInterrupt):
        go(scenario, tmp_path, simulate=interrupted(8))
    early = recsim.load_study(tmp_path / "s").to_table().to_pandas()
    assert len(early[["cell", "replicate"]].drop_duplicates()) == 8
    assert set(early[early["replicate"] == 0]["cell"]) == set(range(6))  # all cells once before any twice
    result = go(scenario, tmp_path)
    assert log() == 6 * 3 and "8 of 18 finished cells and replicates taken over" in result.notes
    whole = go(scenario, tmp_path, out=tmp_path / "w", cells=tmp_path / "c2")
    assert parts(tmp_path / "s") == parts(tmp_path / "w")
    assert result.cells.equals(whole.cells)


@pytest.mark.slow
def test_workers_do_not_change_a_byte(scenario, tmp_path):
    one = go(scenario, tmp_path)
    two = go(scenario, tmp_path, out=tmp_path / "t", cells=tmp_path / "c2", workers=2)
    assert parts(one.folder) == parts(two.folder)
    for name in ("cells.csv", "effects.csv", "scenario.yaml", "study.yaml"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_no_replicates_are_an_error(scenario, tmp_path):
    for start in (scenario, fake_world.SMALL.parent / "studies" / "small-doses.yaml"):
        axes = {"dose": [1]} if start is scenario else None
        with pytest.raises(InputError, match="got 0, must be at least 1"):
            sweep(start, axes, replicates=0, out=tmp_path / "s", simulate=fake_world.simulate)


@pytest.mark.slow
def test_reused_extended_and_put_together_again(scenario, tmp_path, log):
    first = go(scenario, tmp_path)
    again = go(scenario, tmp_path)
    assert again.reused and again.summary == first.summary and log() == 18
    more = go(scenario, tmp_path, replicates=4)
    assert log() == 24 and more.summary["replicates"] == 4
    forced = go(scenario, tmp_path, replicates=4, force=True)
    assert log() == 24 and forced.folder.name == "s-2" and parts(forced.folder) == parts(more.folder)
    other = go(scenario, tmp_path, replicates=4, candidate="ada")
    assert other.summary["candidate"] == "ada" and log() == 24
    fewer = go(scenario, tmp_path, replicates=2)
    assert fewer.summary["candidate"] == "eva" and fewer.summary["replicates"] == 4 and log() == 24


def test_a_stored_study_is_not_shown_against_another_threshold(scenario, tmp_path, log):
    axes = {"dose": [1, 2]}
    go(scenario, tmp_path, axes)
    for more in ({"set": {"audit.threshold_pp": 50.0}}, {"set": {"audit.threshold_pp": 50.0}, "title": "Other"}):
        other = go(scenario, tmp_path, axes, **more)
        assert (
            log() == 6
            and not other.reused
            and other.summary["threshold_pp"] == 50
            and "exceeds" not in set(other.cells["verdict"])
        )
    assert other.summary["title"] == "Other" and go(scenario, tmp_path, axes, **more).reused


def test_indices_rest_on_the_replicates_that_are_known(scenario, tmp_path, monkeypatch):
    seen = []

    def hole(data, candidate, count, replicates, name):
        found = values_of(data, candidate, count, replicates, name).copy()
        found[0, 0] = np.nan
        return found

    monkeypatch.setattr(sweep_module, "values_of", hole)
    monkeypatch.setattr(sweep_module, "indices", lambda study, y: seen.append(y))
    go(scenario, tmp_path)
    assert np.isfinite(seen[0]).all()


def test_exploratory_is_decided_by_the_replicates_that_every_cell_has(scenario, tmp_path, monkeypatch):
    shift = np.zeros((3, 31))
    shift[0] = np.nan  # a setting under which nobody is shown anything about candidates: left out everywhere
    assert undefined_replicates(shift) == 0 and undefined_replicates(shift[:1]) == 31
    shift[1, 4] = shift[2, 4] = shift[2, 5] = np.nan
    assert undefined_replicates(shift) == 2

    def hole(data, candidate, count, replicates, name):
        found = values_of(data, candidate, count, replicates, name).copy()
        found[0, 0] = np.nan
        return found

    monkeypatch.setattr(sweep_module, "values_of", hole)
    monkeypatch.setattr(sweep_module, "ENOUGH", 2)
    for count, few in ((2, True), (3, False)):
        found = go(scenario, tmp_path, replicates=count)
        assert found.summary["undefined_replicates"] == 1 and found.summary["exploratory"] is few
        said = " ".join(" ".join(study_lines(found)).split())
        assert ("exploratory: fewer than 30 replicates with a share" in said) is few


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_cell_is_computed_again(scenario, tmp_path, log, damage):
    first = go(scenario, tmp_path)
    file = sorted((tmp_path / "cells").rglob("*.parquet"))[0]
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        content[40] ^= 1
        file.write_bytes(content)
    again = go(scenario, tmp_path, out=tmp_path / "t")
    assert log() == 19 and any("was damaged and is computed again" in note for note in again.notes)
    assert parts(again.folder) == parts(first.folder)


def test_the_dataset_is_read_lazily(scenario, tmp_path):
    import pyarrow.dataset as ds

    result = go(scenario, tmp_path)
    data = recsim.load_study(result.folder)
    assert isinstance(data, ds.Dataset) and data.count_rows() == result.summary["rows"]
    some = data.to_table(columns=["shift_pp"], filter=(ds.field("dose") > 1) & (ds.field("candidate") == "eva"))
    assert some.num_rows == 2 * 3 * 2 and some.column_names == ["shift_pp"]
    with pytest.raises(InputError, match="no data of a study"):
        recsim.load_study(tmp_path)


def test_every_column_is_described(scenario, tmp_path):
    names = go(scenario, tmp_path, {"dose": [1]}, replicates=1).dataset().schema.names
    assert [name for name in names if name != "dose" and described("study", name) is None] == []
    assert set(COLUMNS) <= set(names)


def test_a_study_loads_again_and_its_file_runs_again(scenario, tmp_path, log):
    first = go(scenario, tmp_path)
    loaded = StudyResult.load(first.folder)
    assert loaded.summary == json.loads(json.dumps(first.summary)) and loaded.study.axes == first.study.axes
    again = read_design(first.folder / "study.yaml", 3)
    assert [c.values for c in again.cells] == [c.values for c in cells_of(first.study)]
    (first.folder / "cells.csv").write_text("x")
    with pytest.raises(InputError, match=r"cells.csv is damaged"):
        StudyResult.load(first.folder)


# ---- statistics --------------------------------------------------------------------------------------------------


def test_values_that_read_like_numbers_stay_text(scenario, tmp_path):
    axes = [
        {"name": "size", "sets": {"1": {"dose": 1.0}, "NA": {"dose": 2.0}}},
        {"key": "dose", "name": "d", "values": [1, 2]},
    ]
    found = go(scenario, tmp_path, axes[:1], replicates=2)
    again = StudyResult.load(found.folder)
    assert list(again.cells["size"]) == list(again.effects["value"]) == ["1", "NA"]
    assert [of_text(Axis(**axis)) for axis in axes] == [True, False]


def test_variance_is_split_as_it_was_made():
    g = np.random.default_rng(5)
    x = 3 * g.normal(size=(400, 1)) + 2 * g.normal(size=(1, 400)) + g.normal(size=(400, 400))
    found = variance(x)
    assert found["settings"] == pytest.approx(9, rel=0.2) and found["shared_luck"] == pytest.approx(4, rel=0.2)
    assert found["own_luck"] == pytest.approx(1, rel=0.02)
    assert found["share_of_settings"] == pytest.approx(9 / 14, rel=0.15)
    assert np.isnan(variance(np.zeros((1, 3)))["settings"])


def test_the_share_of_settings_counts_what_it_says(scenario, tmp_path):
    found = go(scenario, tmp_path).summary["plausible"]
    assert found["settings"] == 6 and found["mean"]["count"] == 2  # tiktok_value at dose 1 and 2
    assert found["mean"]["ci_low"] == pytest.approx(wilson(2, 6)[0])
    assert found["shown"]["count"] + found["below"]["count"] <= 6


@pytest.mark.parametrize("method", ["morris", "saltelli"])
def test_indices_of_a_known_function(scenario, method):
    """y = 4 a + 2 b + 0 c on the unit cube: effects 4, 2, 0; parts of the variance 16, 4, 0 of 20."""
    pytest.importorskip("SALib")
    axes = {
        "dose": {"range": [0, 1]}, "platform.exploration_share": {"range": [0, 1]}, "content.politics_interest": {"range": [0, 1]},
    }  # fmt: skip
    n = 8 if method == "morris" else 512
    study, _ = made_study(scenario, axes, sample={"method": method, "n": n}, seed=3)
    found = cells_of(study)
    assert len(found) == n * (4 if method == "morris" else 5)
    y = np.array([4 * c.values["dose"] + 2 * c.values["platform.exploration_share"] for c in found])
    rows = {row["axis"]: row for row in indices(study, y)["axes"]}
    if method == "morris":
        assert [row["mu_star"] for row in rows.values()] == pytest.approx([4, 2, 0], abs=1e-9)
        assert [row["sigma"] for row in rows.values()] == pytest.approx([0, 0, 0], abs=1e-9)
    else:
        assert [row["st"] for row in rows.values()] == pytest.approx([0.8, 0.2, 0], abs=0.03)
        assert [row["s1"] for row in rows.values()] == pytest.approx([0.8, 0.2, 0], abs=0.05)
    assert indices(study, np.full(len(found), np.nan))["undefined"]


@pytest.mark.parametrize("method", ["morris", "saltelli"])
def test_a_screening_has_its_table_and_picture(scenario, tmp_path, method):
    pytest.importorskip("SALib")
    from recsim.report.study import study_lines, write_study

    axes = [
        {"key": "dose", "range": [0, 2]},
        {"key": "platform.policy", "values": ["random", "tiktok_value"], "sampled": True},
    ]  # fmt: skip
    result = go(scenario, tmp_path, axes, sample={"method": method, "n": 4}, replicates=2)
    write_study(result)
    assert (result.folder / "figures" / "sensitivity.png").exists()
    assert any(line.startswith("axis") and ("effect" in line or "total" in line) for line in study_lines(result))
    rows = {row["axis"]: row for row in result.summary["sensitivity"]["axes"]}
    assert rows["platform.policy"]["mu_star" if method == "morris" else "st"] > 0


def test_without_salib_one_line_says_what_to_install(scenario, monkeypatch):
    import sys

    for name in [n for n in sys.modules if n.startswith("SALib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "SALib", None)
    study, _ = made_study(scenario, {"dose": {"range": [0, 1]}}, sample={"method": "morris", "n": 4})
    with pytest.raises(
        InputError, match=r"needs the package SALib; pip install -c constraints.txt -e '\.\[sensitivity\]'"
    ):
        cells_of(study)


# ---- page and command --------------------------------------------------------------------------------------------


def test_a_figure_per_axis_and_a_page(scenario, tmp_path):
    from recsim.report.study import study_lines, write_study

    axes = [
        {"key": "dose", "range": [0, 4]}, {"key": "platform.predictor.prior_events", "range": [20, 2000], "scale": "log"},
        {"key": "platform.policy", "values": ["tiktok_value", "random"]},
    ]  # fmt: skip
    result = go(scenario, tmp_path, axes, sample={"method": "sobol", "n": 8}, replicates=2)
    write_study(result)
    names = {p.name for p in (result.folder / "figures").glob("*.png")}
    assert names == {
        "settings.png",
        "axis_dose.png",
        "axis_platform_predictor_prior_events.png",
        "axis_platform_policy.png",
    }
    page = (result.folder / "sweep.html").read_text()
    assert page.count("<figure") == 4 and "16 points" not in page and "sobol" in page
    lines = study_lines(result)
    assert max(map(len, lines[:-2])) <= 80 and any("Wilson interval" in line for line in lines)
    assert (result.effects.groupby("axis")["cells"].sum() == 16).all()


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["sweep", *map(str, arguments)])
    assert stopped.value.code == 2
    text = capsys.readouterr().err.strip().splitlines()
    assert len(text) == 1 or (len(text) == 2 and "; expect about" in text[0])
    return text[-1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"axes": [{"key": "dsoe", "values": [1]}]},
            r"study.yaml:\d+ axes.dsoe.*unknown key 'dsoe'.*did you mean 'dose'",
        ),
        ({"axes": [{"key": "platform.predicter.cap", "values": [1]}]}, r"axes.platform.predicter.cap.*'predictor'"),
        (
            {"axes": [{"key": "campaigns.netwrk.start", "values": [-1]}]},
            r"axes.*list member 'netwrk'.*did you mean 'network'",
        ),
        (
            {"axes": [{"key": "platform.policy", "values": ["tiktok_valu"]}]},
            r"axes.platform.policy.*did you mean 'tiktok_value'",
        ),
        ({"axes": [{"key": "platform.parameters.w_lke", "values": [1]}]}, r"axes.platform.parameters.w_lke.*w_lke"),
        (
            {"axes": [{"key": "dose", "values": [1, -1]}]},
            r"study.yaml: cell 1 \(dose=-1\) dose: got -1, must be at least 0",
        ),
        (
            {"axes": [{"key": "platform.parameters.heated_views", "values": [0.1, 1.5]}]},
            r"study.yaml:\d+ axes.platform.parameters.heated_views: got 1.5, must be 0 to 1, in cell 1 \(",
        ),
        (
            {"axes": [{"name": "x", "sets": {"a": {"dose": 1}, "b": {"platform.parameters.heated_items": -1}}}]},
            r"study.yaml:\d+ axes.x: got -1, must be 0 to 1, in cell 1 \(x=b\)",
        ),
        (
            {"set": {"platform.parameters.heated_views": 2}},
            r"study.yaml:\d+ set platform.parameters.heated_views: got 2, must be 0 to 1$",
        ),
        ({"axes": [{"key": "dose", "valus": [1]}]}, r"study.yaml:\d+ axes.0.*'valus'.*did you mean 'values'"),
        ({"axes": [{"key": "dose"}]}, "give one of values, sets, range"),
        ({"axes": [{"key": "dose", "range": [0, 1]}]}, "neither n nor values"),
        ({"axes": [{"key": "dose", "range": [0, 1], "scale": "log", "n": 3}]}, "a log range must start above 0"),
        ({"axes": [{"key": "dose", "range": [0, 1]}], "sample": {"n": 10}}, "powers of 2: 8 or 16"),
        ({"sample": {"n": 8}}, "no axis is sampled"),
        ({"axes": [{"key": "dose", "values": [1, 1.0]}]}, "got 1.0 twice"),
        (
            {"axes": [{"key": "audit.threshold_pp", "values": [1, 2]}]},
            "axes.audit.threshold_pp: audit.threshold_pp changes no world",
        ),
        ({"axes": [{"key": "run.replicates", "values": [1, 2]}]}, "run.replicates changes no world"),
        (
            {"axes": [{"name": "x", "sets": {"a": {"dose": 1}, "b": {"opinion.enabled": True}}}]},
            "opinion.enabled changes no world",
        ),
        ({"axes": [{"key": "platform.mitigations", "values": [[]]}]}, "give values that are lists or mappings a name"),
        ({"axes": [{"key": "run.seed", "name": "cell", "values": [1]}]}, "column of every study"),
        ({"set": {"population.scal": 1}}, r"set.*'scal'.*did you mean 'scale'"),
        ({"candidate": "evva"}, r"study.yaml candidate: .*did you mean 'eva'"),
        ({"scenario": "smal.yaml"}, "no such file.*small.yaml"),
    ],
)
def test_bad_studies_are_one_line(tmp_path, capsys, fields, message):
    import re

    assert re.search(message, refused(capsys, written(tmp_path, **fields)))


def test_a_value_that_was_looked_at_under_another_policy_is_looked_at_again(scenario):
    """The code that is looked up once hangs on names of parameters only; what they may be hangs on the policy."""
    marks = Marks(False)
    for value in (0.5, 1.0):
        marks.digest(with_settings(scenario, {"platform.parameters.heated_views": value}, "here", "test"))
    with pytest.raises(InputError, match="platform.parameters.heated_views: got 1.5, must be 0 to 1"):
        marks.digest(with_settings(scenario, {"platform.parameters.heated_views": 1.5}, "here", "test"))
    ranged = {"value": 0.5, "range": [0, 2], "evidence": "assumption"}
    with pytest.raises(InputError, match="platform.parameters.heated_views: got 2"):
        marks.digest(with_settings(scenario, {"platform.parameters.heated_views": ranged}, "here", "test"))


def test_values_that_fit_together_only_are_allowed(tmp_path):
    """Each of two shares alone would not add up to 1 with the rest."""
    shares = [
        {"key": "platform.retrieval.interest_share", "values": [0.7]},
        {"key": "platform.retrieval.trending_share", "values": [0.15]},
    ]
    assert len(read_design(written(tmp_path, axes=shares)).cells) == 1


def test_half_an_hour_asks_first(tmp_path, capsys):
    file = written(tmp_path, replicates=2000, axes=[{"key": "dose", "range": [0, 4], "n": 20}])
    text = refused(capsys, file, "--cells", tmp_path / "c")
    assert "expected; add --yes" in text


def test_the_examples_are_valid():
    for file in sorted((fake_world.SMALL.parent / "studies").glob("*.yaml")):
        plan = read_design(file)
        assert plan.cells and plan.expected(CellCache(file.parent / "none"), 2)["seconds"] < 1800, file
