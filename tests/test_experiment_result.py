"""Tidy views of a result: by region, language, age band, day and stance."""

from __future__ import annotations

import fake_world
import numpy as np
import pytest

from recsim.audit.all_metrics import all_metrics
from recsim.errors import InputError
from recsim.experiment import Result, run
from recsim.metrics import interval
from recsim.scenario import load


@pytest.fixture(scope="module")
def result():
    scenario = load(fake_world.SMALL)
    return run(scenario, simulate=fake_world.simulate, workers=1, store=False, robustness=False)


def shifts_of(result, keep, candidate="eva"):
    """Shift per replicate, straight from the rows of the table."""
    e = result.frames["exposure"]
    e = e[keep(e)]
    out = []
    for r in range(4):
        parts = []
        for b in range(2):
            p = []
            for arm in ("factual", "counterfactual"):
                world = e[(e["replicate"] == r) & (e["branch"] == b) & (e["arm"] == arm)]
                p.append(world[world["candidate"] == candidate]["impressions"].sum() / world["impressions"].sum())
            parts.append(100 * (p[0] - p[1]))
        out.append(np.mean(parts))
    return np.array(out)


def row_of(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_shift_is_the_table_of_the_summary(result):
    frame = result.shift()
    assert list(frame["candidate"]) == ["ada", "ben", "eva"]
    expected = interval(shifts_of(result, lambda e: e["day"] <= 0))
    got = row_of(frame, candidate="eva")
    assert (got["shift_pp"], got["ci_low"], got["ci_high"]) == pytest.approx(expected[:3])


@pytest.mark.parametrize("dimension, value", [("region", "north"), ("language", "aa"), ("age_band", "all")])
def test_by_group_pools_only_that_group(result, dimension, value):
    got = row_of(result.by(dimension), candidate="eva", **{dimension: value})
    expected = interval(shifts_of(result, lambda e: e[dimension] == value))
    assert (got["shift_pp"], got["ci_low"], got["ci_high"]) == pytest.approx(expected[:3])
    assert got["share_factual"] - got["share_counterfactual"] == pytest.approx(got["shift_pp"] / 100)


@pytest.mark.parametrize("day, days", [(-1, (-2, -1, 0)), (0, (-1, 0)), (-3, (-3, -2))])
def test_by_day_is_a_centred_three_day_mean_within_the_window(result, day, days):
    got = row_of(result.by("day"), candidate="eva", day=day)
    expected = interval(shifts_of(result, lambda e: e["day"].isin(days)))
    assert (got["shift_pp"], got["ci_low"]) == pytest.approx(expected[:2])
    assert sorted(result.by("day")["day"].unique()) == [-3, -2, -1, 0]


def test_by_stance_adds_up_to_the_shift(result):
    parts = result.by("stance").groupby("candidate")["shift_pp"].sum()
    for row in result.shift().itertuples():
        assert parts[row.candidate] == pytest.approx(row.shift_pp)
    assert row_of(result.by("stance"), candidate="eva", stance="supportive")["ci_low"] > 0


def test_stances_have_shares_that_add_up_and_nothing_has_an_ambiguous_count(result):
    parts = result.by("stance")
    for share in ("share_factual", "share_counterfactual"):
        sums = parts.groupby("candidate")[share].sum()
        for row in result.shift().itertuples():
            assert sums[row.candidate] == pytest.approx(getattr(row, share))
    assert np.allclose(100 * (parts["share_factual"] - parts["share_counterfactual"]), parts["shift_pp"])
    e = result.frames["exposure"]
    e = e[e["arm"] != "shared"]
    for dimension in ("region", "language", "age_band", "stance"):
        frame = result.by(dimension)
        assert "impressions" not in frame  # which in the Parquet tables is one world's, and in summary.csv real units
        assert frame["simulated_impressions"].sum() == e["impressions"].sum()
    near = e[e["day"].isin([-2, -1, 0]) & (e["candidate"] == "eva")]["impressions"].sum()
    assert row_of(result.by("day"), candidate="eva", day=-1)["simulated_impressions"] == near


def test_every_candidate_stands_in_every_group(result):
    for dimension in ("region", "language", "age_band", "day", "stance"):
        frame = result.by(dimension)
        assert (frame.groupby(dimension, observed=True)["candidate"].nunique() == 3).all()
        assert np.isfinite(frame["shift_pp"]).all()


def test_unknown_dimension_is_refused_with_the_nearest(result):
    with pytest.raises(InputError, match=r"'regoin'.*did you mean 'region'"):
        result.by("regoin")


def test_a_group_that_was_shown_nothing_is_undefined(result):
    e = result.frames["exposure"]
    part = e[(e["region"] != "south") | ~((e["replicate"] == 0) & (e["arm"] == "factual"))]
    view = Result(result.scenario, {**result.frames, "exposure": part}, result.summary)
    got = row_of(view.by("region"), candidate="eva", region="south")
    expected = shifts_of(result, lambda e: e["region"] == "south")[1:]
    assert got["shift_pp"] == pytest.approx(expected.mean())
    assert got["share_factual"] - got["share_counterfactual"] == pytest.approx(
        got["shift_pp"] / 100
    )  # of the same replicates
    part = e[~((e["replicate"] == 0) & (e["arm"] == "factual"))]
    view = Result(result.scenario, {**result.frames, "exposure": part}, result.summary)
    got = row_of(view.by("stance"), candidate="eva", stance="supportive")
    assert got["share_factual"] - got["share_counterfactual"] == pytest.approx(got["shift_pp"] / 100)
    rows = all_metrics(view)
    share = rows[(rows["metric"] == "share") & (rows["candidate"] == "eva")].set_index("world")
    assert set(share["replicates"]) == {3}


def test_daily_shares_add_up_and_are_real_units(result):
    daily = result.daily()
    assert np.allclose(daily.groupby(["arm", "day"])["share"].sum(), 1)
    e = result.frames["exposure"]
    own = e[(e["arm"] == "factual") & (e["day"] == -1) & (e["candidate"] == "eva")]["impressions"].sum()
    got = row_of(daily, arm="factual", day=-1, candidate="eva")
    assert got["impressions"] == pytest.approx(own / 8 * 1000)  # four replicates of two branches, one in a thousand
