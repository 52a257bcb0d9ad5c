"""The table of all metrics: against the summary, by hand, small parts hidden, and only what is asked for."""

from __future__ import annotations

import fake_world
import numpy as np
import pandas as pd
import pytest

from recsim import metrics
from recsim.audit.all_metrics import RANGES, _both, all_metrics
from recsim.audit.cells import printable, too_small
from recsim.audit.convergence import running
from recsim.experiment import run
from recsim.experiment.summary import Counts
from recsim.scenario import load

SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=3"]
ASK = "audit.metrics=[amplification_reach, prevalence, view_through, calibration, effective_candidates]"
POLL = "audit.references=[{id: poll, shares: {ada: 0.5, ben: 0.3, eva: 0.2}}]"


@pytest.fixture(scope="module")
def asked():
    return run(load(fake_world.SMALL, [*SETS, ASK, POLL]), store=False, workers=1, robustness=False)


@pytest.fixture(scope="module")
def table(asked):
    return all_metrics(asked)


def one(table, metric, candidate="", world="change", part=""):
    found = table[(table["metric"] == metric) & (table["candidate"] == candidate) & (table["world"] == world) & (table["part"] == part)]  # fmt: skip
    assert len(found) == 1, (metric, candidate, world, part)
    return found.iloc[0]


def test_agrees_with_the_summary(asked, table):
    for row in asked.summary["candidates"]:
        shift = one(table, "shift_pp", row["id"])
        assert (shift["estimate"], shift["ci_low"], shift["ci_high"]) == pytest.approx((row["shift_pp"], row["ci_low"], row["ci_high"]))  # fmt: skip
        assert shift["prediction_low"] == pytest.approx(row["prediction_low"]) and shift["replicates"] == 3
        assert one(table, "share", row["id"], "factual")["estimate"] == pytest.approx(row["share_factual"])
        assert one(table, "reach", row["id"], "counterfactual")["estimate"] == pytest.approx(
            row["reach_counterfactual"]
        )
        for arm in ("factual", "counterfactual"):
            assert one(table, "frequency", row["id"], arm)["estimate"] == pytest.approx(row[f"frequency_{arm}"])
        assert one(table, "excess_impressions", row["id"])["estimate"] == pytest.approx(row["excess_impressions"])
    assert one(table, "tv_distance")["estimate"] == pytest.approx(asked.summary["tv_distance"])
    assert one(table, "js_divergence")["estimate"] == pytest.approx(asked.summary["js_divergence"])


def test_only_what_is_tested_says_so():
    found = all_metrics(run(load(fake_world.SMALL), simulate=fake_world.simulate, workers=1, store=False))
    spread = found[found["metric"] == "spread_pp"]
    tested = spread["note"].str.contains("tested in the section")
    assert set(spread["candidate"]) == {"ada", "ben", "eva"} and set(spread[tested]["candidate"]) == {"eva"}


def test_intervals_end_at_what_a_metric_can_be(table):
    """Also of changes; what has a unit of 0-1 has such ends."""
    ends = table[["ci_low", "ci_high", "prediction_low", "prediction_high"]]
    for unit, factor in (("0-1", 1), ("percentage points", 100)):
        mine = table["unit"] == unit
        level = mine & (table["world"] != "change")
        assert (ends[mine].abs().max(axis=None) <= 2 * factor) and (ends[level].min(axis=None) >= 0)
    assert set(table[table["unit"] == "0-1"]["metric"]) <= {*RANGES, "worlds_at_threshold", "chance_at_threshold"}


def test_rows_are_cut_at_the_range_of_their_metric():
    wide = np.array([[0.2, 0.6], [0.9, 0.1]])
    with_them, without, change = _both("M1", "share", "0-1", wide, "eva")
    assert (with_them.ci_low, with_them.ci_high, without.prediction_low) == (0, 1, 0)
    assert (change.ci_low, change.ci_high) == (-1, 1) and change.estimate == pytest.approx(0.2)
    assert _both("M22", "utility_per_view", "utility units", wide)[0].ci_low < 0


def test_formulas(asked, table):
    names = [c.id for c in asked.scenario.candidates]
    counts = Counts(asked.frames["exposure"], names, asked.replicates, asked.scenario.run.luck_branches)
    x, p = counts.impressions, counts.shares
    k = names.index("eva")
    ratio = np.log((x[:, :, 0, k] + 0.5) / (x[:, :, 1, k] + 0.5)).mean()
    assert one(table, "log_exposure_ratio", "eva")["estimate"] == pytest.approx(ratio)
    odds = np.log(p[:, :, 0, k] / (1 - p[:, :, 0, k])) - np.log(p[:, :, 1, k] / (1 - p[:, :, 1, k]))
    assert one(table, "log_odds_shift", "eva")["estimate"] == pytest.approx(odds.mean())
    gap = 100 * (p.max(-1) - p.min(-1))[:, :, 0].mean()
    assert one(table, "parity_gap_pp", world="factual")["estimate"] == pytest.approx(gap)
    poll = 100 * np.abs(p - np.array([0.5, 0.3, 0.2])).sum(-1)[:, :, 0].mean()
    assert one(table, "parity_to_reference_pp", world="factual", part="reference poll")["estimate"] == pytest.approx(
        poll
    )
    effective = (1 / np.square(p).sum(-1))[:, :, 0].mean()
    assert one(table, "effective_candidates", world="factual")["estimate"] == pytest.approx(effective)
    reach = asked.frames["reach"].astype({"arm": str, "candidate": str})
    reached = reach[reach["candidate"] == "eva"].groupby(["arm", "replicate", "branch"])["people_reached"].sum()
    more = 100 * ((reached["factual"] + 1) / (reached["counterfactual"] + 1) - 1).mean()
    assert one(table, "amplification_reach", "eva")["estimate"] == pytest.approx(more)
    e = asked.frames["engagement"].astype({"arm": str, "candidate": str, "action": str, "origin": str})
    e = e[(e["candidate"] == "eva") & (e["origin"] == "human") & (e["arm"] == "factual")]
    n = e.groupby(["action", "replicate", "branch"])["count"].sum()
    through = one(table, "view_through", "eva", "factual", "watched to the end")["estimate"]
    assert through == pytest.approx((n["complete"] / n["view"]).mean())


def test_people_alike_and_their_history(asked, table):
    """Everybody's share adds up to one; a person who is shown what she was shown before has no divergence."""
    shares = [one(table, "share_of_persons", c.id, "factual")["estimate"] for c in asked.scenario.candidates]
    assert sum(shares) == pytest.approx(1)
    assert 0 < one(table, "calibration", world="factual", part="against people's own days before")["estimate"] < 7
    same = np.array([[3, 1, 0], [0, 0, 0], [0, 5, 5]])
    found = metrics.calibration(same, 2 * same)
    assert found[[0, 2]] == pytest.approx(0, abs=1e-12) and np.isnan(found[1])
    assert metrics.calibration(np.array([[1, 0]]), np.array([[0, 4]]))[0] == pytest.approx(np.log2(100))


def test_small_parts_are_not_printed(asked, table):
    assert too_small(asked, "region") == ["south"]  # 40 of 100 people
    south = table[table["part"] == "region south"]
    assert len(south) == 3 and south["estimate"].isna().all() and south["note"].str.contains("not printed").all()
    assert table[table["part"] == "region north"]["estimate"].notna().all()
    frame = printable(asked, "region").set_index(["region", "candidate"])
    assert frame.loc["south"].isna().all(axis=None) and frame.loc["north"]["people"].tolist() == [60, 60, 60]
    assert printable(asked, "day").equals(asked.by("day"))


def test_only_what_is_asked_for():
    plain = run(load(fake_world.SMALL, [*SETS, "run.replicates=1"]), store=False, workers=1, robustness=False)
    found = all_metrics(plain)
    assert "persons" not in plain.frames
    assert not set(found["number"]) & {"M5", "M9", "M10", "M14", "M17"}
    assert set(found["number"]) == {f"M{k}" for k in (1, 2, 3, 4, 7, 8, 11, 12, 13, 15, 16, 18, 19, 22, 24)}
    assert one(found, "shift_pp", "eva")["replicates"] == 1 and np.isnan(one(found, "shift_pp", "eva")["ci_low"])


def test_lorenz_curves(asked):
    frame = asked.frames["lorenz"].astype({"of": str, "arm": str})
    for _, curve in frame.groupby(["replicate", "branch", "arm", "of"]):
        held = curve.sort_values("smallest")["held"].to_numpy()
        assert (
            held[0] == 0 and held[-1] == 1 and (np.diff(held) >= 0).all() and (held <= curve["smallest"] + 1e-12).all()
        )
    assert metrics.lorenz(np.array([0, 0, 1, 3]), (0.0, 0.5, 0.75, 0.875, 1.0)).tolist() == [0, 0, 0.25, 0.625, 1]
    assert np.isnan(metrics.lorenz(np.zeros(3))).all()
    people = (
        frame[(frame["of"] == "people") & (frame["arm"] == "factual")].groupby(["replicate", "branch"])["gini"].first()
    )
    assert people.between(0, 1).all()


def test_convergence_ends_at_the_result(asked):
    found = running(asked)
    assert found["replicates"].tolist() == [1, 2, 3] and set(found["candidate"]) == {"eva"}
    row = next(r for r in asked.summary["candidates"] if r["id"] == "eva")
    assert found.iloc[-1][["shift_pp", "ci_low", "ci_high"]].tolist() == pytest.approx([row["shift_pp"], row["ci_low"], row["ci_high"]])  # fmt: skip
    assert np.isnan(found.iloc[0]["ci_low"])


def test_without_a_campaign_there_is_nothing_to_yield():
    none = run(
        load(fake_world.SMALL, [*SETS, "campaigns=[]", "run.replicates=2"]), store=False, workers=1, robustness=False
    )
    found = all_metrics(none)
    assert isinstance(found, pd.DataFrame) and not set(found["number"]) & {"M19", "M24"}
    assert found[found["metric"] == "shift_pp"]["estimate"].fillna(0).eq(0).all()
