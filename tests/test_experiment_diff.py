"""Two runs side by side."""

from __future__ import annotations

import json
import shutil

import fake_world
import numpy as np
import pytest
from scipy import stats
from test_experiment_run import go

from recsim.errors import InputError
from recsim.experiment.diff import diff, settings_that_differ, welch
from recsim.metrics import interval
from recsim.scenario import load


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The small scenario, and with a double dose, with another seed, and without ben."""
    folder = tmp_path_factory.mktemp("runs")
    base = load(fake_world.SMALL)
    double = base.model_copy(update={"dose": base.dose.model_copy(update={"value": 2.0})})
    pair = base.model_copy(update={"candidates": [c for c in base.candidates if c.id != "ben"]})
    return {
        "base": go(base, folder / "base"),
        "double": go(double, folder / "double", replicates=6),
        "seed": go(base, folder / "seed", seed=8),
        "pair": go(pair, folder / "pair"),
    }


def shifts(result, candidate):
    """Shift per replicate from the table, over all candidates of the run."""
    e = result.frames["exposure"].astype({"arm": str, "candidate": str})
    x = e[e["arm"] != "shared"].groupby(["replicate", "branch", "arm", "candidate"])["impressions"].sum().unstack()
    p = (x[candidate] / x.sum(axis=1)).unstack("arm")
    return (100 * (p["factual"] - p["counterfactual"])).groupby("replicate").mean().to_numpy()


def row_of(found, candidate):
    return next(row for row in found.shifts if row["candidate"] == candidate)


def test_same_seeds_are_compared_within_replicates(runs):
    a, b = runs["base"], runs["double"]
    found = diff(a.folder, b.folder)
    assert found.paired and ("dose", 1, 2) in found.settings
    x, y = shifts(a, "eva"), shifts(b, "eva")[:4]  # the second run has two more replicates
    expected = interval(y - x)
    row = row_of(found, "eva")
    assert (row["a"], row["b"], row["difference"]) == pytest.approx((x.mean(), y.mean(), expected.mean))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high))


def test_another_first_day_can_be_written_as_json():
    later = load(fake_world.SMALL, ["days.start=2024-11-12"])
    (row,) = settings_that_differ(load(fake_world.SMALL), later)
    assert json.loads(json.dumps(row)) == ["days.start", "2024-11-15", "2024-11-12"]


def test_different_seeds_are_compared_as_independent_samples(runs):
    found = diff(runs["base"].folder, runs["seed"].folder)
    assert not found.paired and found.settings == [("run.seed", 7, 8)]
    x, y = shifts(runs["base"], "eva"), shifts(runs["seed"], "eva")
    expected = stats.ttest_ind(y, x, equal_var=False).confidence_interval()
    row = row_of(found, "eva")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high))


def test_a_run_and_itself_do_not_differ(runs):
    found = diff(runs["base"].folder, runs["base"].folder)
    assert found.settings == []
    assert all((r["difference"], r["ci_low"], r["ci_high"]) == (0, 0, 0) for r in found.shifts)
    assert found.to_text().startswith("same settings")


def test_other_code_is_said_first(runs, tmp_path):
    other = shutil.copytree(runs["base"].folder, tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["versions"]["recsim-audit"] = "0.0.9"
    (other / "manifest.json").write_text(json.dumps(manifest | {"source_sha256": "0" * 64, "git_commit": None}))
    found = diff(runs["base"].folder, other)
    assert found.settings == [] and {key for key, *_ in found.made_by} >= {"recsim", "sources (SHA-256)"}
    lines = found.to_text().splitlines()
    assert lines[0].startswith("not made by the same") and "  recsim" in lines and "same settings" in lines
    assert all(len(line) <= 80 for line in lines)
    assert found.to_dict()["made_by"][0]["b"] == "0.0.9"
    assert diff(runs["base"].folder, runs["base"].folder).made_by == []


def test_candidates_in_common_keep_the_shares_of_their_own_run(runs):
    found = diff(runs["base"].folder, runs["pair"].folder)
    assert [row["candidate"] for row in found.shifts] == ["ada", "eva"]
    assert row_of(found, "eva")["a"] == pytest.approx(shifts(runs["base"], "eva").mean())
    assert row_of(found, "eva")["b"] == pytest.approx(shifts(runs["pair"], "eva").mean())


def test_text_fits_and_dict_is_json(runs):
    found = diff(runs["base"].folder, runs["double"].folder)
    text = found.to_text()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "dose" in text and "paired by replicate" in text and "eva" in text
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["paired"] is True


def test_one_replicate_each_has_a_difference_and_no_interval(runs, tmp_path):
    base = load(fake_world.SMALL)
    one, two = (go(base, tmp_path / str(seed), seed=seed, replicates=1) for seed in (1, 2))
    row = row_of(diff(one.folder, two.folder), "eva")
    assert row["difference"] == pytest.approx(row["b"] - row["a"]) and row["ci_low"] is None
    assert "not known" in diff(one.folder, two.folder).to_text()


def test_folders_that_are_no_runs_are_refused(runs, tmp_path):
    with pytest.raises(InputError, match="no complete run"):
        diff(runs["base"].folder, tmp_path)
    with pytest.raises(InputError, match=r"bases: is no folder; did you mean .*/base\?"):
        diff(runs["base"].folder.with_name("bases"), runs["base"].folder)


def test_runs_without_a_common_candidate_are_refused(runs, tmp_path):
    base = load(fake_world.SMALL)
    renamed = [c.model_copy(update={"id": f"{c.id}2"}) for c in base.candidates]
    network = base.campaigns[0].model_copy(update={"beneficiary": "eva2"})
    other = go(base.model_copy(update={"candidates": renamed, "campaigns": [network]}), tmp_path / "o")
    with pytest.raises(InputError, match="no candidate in common"):
        diff(runs["base"].folder, other.folder)


def test_welch_by_hand_and_at_the_edges():
    x, y = np.array([1.0, 2, 3]), np.array([2.0, 4, 6, 8])
    standard = np.sqrt(1 / 3 + (20 / 3) / 4)
    freedom = standard**4 / ((1 / 3) ** 2 / 2 + ((20 / 3) / 4) ** 2 / 3)
    half = stats.t.ppf(0.975, freedom) * standard
    assert welch(x, y) == pytest.approx((3 - half, 3 + half))
    assert welch(np.zeros(3), np.ones(3)) == (1, 1)
    assert np.isnan(welch(np.array([1.0]), y)).all()
    assert welch(np.array([1.0, np.nan, 2, 3]), y) == pytest.approx((3 - half, 3 + half))


def test_a_run_is_held_against_what_is_kept_of_another(runs, tmp_path):
    """A published summary, with or without shifts by replicate and scenario beside it."""
    a, b = runs["base"], runs["double"]
    whole = diff(a.folder, b.folder)
    shutil.copy(b.folder / "summary.json", tmp_path)
    found = diff(a.folder, tmp_path)
    row, expected = row_of(found, "eva"), shifts(b, "eva")
    assert row["a"] == pytest.approx(shifts(a, "eva").mean()) and row["b"] == pytest.approx(expected.mean())
    assert row["difference"] == pytest.approx(row["b"] - row["a"]) and row["ci_low"] is None
    assert not found.settings_known and not found.by_replicate and found.settings == found.made_by == []
    assert "settings not known" in found.to_text() and "means alone" in found.to_text()

    table = "".join(f"{n},{name},{x}\n" for name in ("eva", "ada", "ben") for n, x in enumerate(shifts(b, name)))
    (tmp_path / "shift_by_replicate.csv").write_text("replicate,candidate,shift_pp\n" + table)
    shutil.copy(b.folder / "scenario.yaml", tmp_path)
    again = diff(a.folder, tmp_path)
    assert again.paired and again.settings == whole.settings
    for row in again.shifts:
        assert row == pytest.approx(row_of(whole, row["candidate"]))
    (tmp_path / "shift_by_replicate.csv").write_text("replicate,candidate,shift_pp\n0,eva,1\n")
    with pytest.raises(InputError, match="cannot be read as a run"):
        diff(a.folder, tmp_path)
