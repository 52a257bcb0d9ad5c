"""Logs of simulated worlds by day, and what audits with donors would have made of them."""

from __future__ import annotations

import datetime as dt
import math

import fake_world
import numpy as np
import pandas as pd
import pytest
from helpers import changed

from recsim.audit.exposure_log import read_log
from recsim.audit.rehearsal import CHANGE, DISTANCE, DONORS, KEYS, SHARE, inclusion, panels, rates, rehearse
from recsim.audit.simulated_log import simulated_log
from recsim.cli import main
from recsim.errors import InputError
from recsim.scenario import load

SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-17"]
"""Eight days: four before the network, four with it."""


@pytest.fixture(scope="module")
def by_day():
    return simulated_log(load(fake_world.SMALL, SETS), 1, by_day=True, before=True)


def test_days_add_up_to_the_window(by_day):
    whole = simulated_log(load(fake_world.SMALL, SETS), 1)
    keys = ["arm", "person", "candidate", "stance"]
    sums = by_day[by_day["arm"] != "before"].groupby(keys)["impressions"].sum()
    assert sums.equals(whole.groupby(keys)["impressions"].sum()) and "day" not in whole
    assert list(by_day.columns) == [
        "person",
        "arm",
        "day",
        *[name for name in whole.columns if name not in ("person", "arm")],
    ]


def test_days_before_are_as_many_and_earlier(by_day):
    days = by_day.groupby("arm")["day"].unique().map(sorted)
    vote = (np.datetime64("2024-11-24") - np.datetime64(0, "D")).astype(int)
    assert days["factual"] == days["counterfactual"] == list(range(vote - 3, vote + 1))
    assert days["before"] == list(range(vote - 7, vote - 3))
    assert by_day.groupby("arm")["person"].nunique().eq(100).all()
    again = simulated_log(load(fake_world.SMALL, [*SETS, "dose=0"]), 1, by_day=True, before=True)
    arms = [frame.drop(columns="arm").reset_index(drop=True) for _, frame in again.groupby("arm")]
    assert arms[0].equals(by_day[by_day["arm"] == "before"].drop(columns="arm").reset_index(drop=True))
    assert arms[1].equals(arms[2]), "without a dose both arms are one world"


def test_fewer_days_before_than_the_window_are_those_that_there_are():
    late = simulated_log(load(fake_world.SMALL, [*SETS, "days.start=2024-11-19"]), before=True, by_day=True)
    assert late[late["arm"] == "before"]["day"].nunique() == 2
    at_once = changed(load(fake_world.SMALL, SETS), days={"start": dt.date(2024, 11, 21)})
    with pytest.raises(InputError, match="no day is before them"):
        simulated_log(at_once, before=True)


def test_on_the_command_line(tmp_path, capsys):
    file = tmp_path / "log.csv"
    sets = [word for one in SETS for word in ("--set", one)]
    main(["log", str(fake_world.SMALL), *sets, "--replicate", "1", "--before", "--out", str(file), "--quiet"])
    assert "arms before, factual and counterfactual" in capsys.readouterr().out
    assert file.read_text().splitlines()[1].split(",")[2] == "2024-11-17"
    read = read_log(file)
    assert read["day"].nunique() == 8 and set(read["arm"]) == {"before", "factual", "counterfactual"}


@pytest.fixture(scope="module")
def said():
    return rehearse(load(fake_world.SMALL, SETS), 0, 2, (3, 10))


def test_who_asks_everybody_is_right_about_what_was_shown(said):
    """A census has no bias about the share; about what the campaigns changed it has, which only a world without them shows."""
    everybody = said[said["number"] == 100]
    share = everybody[everybody["question"] == SHARE]
    assert len(share) == 4 and share["estimate"].to_numpy() == pytest.approx(share["truth"].to_numpy(), abs=1e-9)
    change = everybody[(everybody["question"] == CHANGE) & everybody["acting"]]
    assert (change["truth"] > 0.1).all() and (change["estimate"] - change["truth"]).abs().min() > 1e-3
    distance = everybody[everybody["question"] == DISTANCE].set_index(["replicate", "acting"])["estimate"]
    shares = share.set_index(["replicate", "acting"])["estimate"]
    assert distance.to_numpy() == pytest.approx((shares - 20).to_numpy()), "Eva's standing is 0.2 of 1"


def test_every_audit_is_said_once(said):
    assert not said.duplicated([*KEYS, "replicate"]).any() and len(said) == 2 * 2 * 3 * (2 * len(DONORS) + 1)
    alike = said[said["donors"].str.startswith("active") & (said["question"] == SHARE)].groupby(
        ["number", "replicate", "acting"]
    )
    assert (alike["estimate"].nunique() == 2).any(), "weights change the estimate of the same people"
    few = said[(said["question"] == CHANGE)]
    assert few[["low", "high"]].isna().all(axis=None), "eight days in all say nothing of how days differ"
    assert said.loc[said["question"] == DISTANCE, "low"].notna().mean() > 0.9
    again = rehearse(load(fake_world.SMALL, SETS), 1, 1, (3, 10))
    pd.testing.assert_frame_equal(again, said[said["replicate"] == 1].reset_index(drop=True))


def test_nobody_acts_where_the_dose_is_zero():
    none = rehearse(load(fake_world.SMALL, [*SETS, "dose=0"]), 0, 1, (10,))
    sides = [side.drop(columns="acting").reset_index(drop=True) for _, side in none.groupby("acting")]
    pd.testing.assert_frame_equal(*sides)
    assert (none.loc[none["question"] != SHARE, "truth"] == 0).all()


def test_without_a_campaign_there_is_nothing_to_look_for():
    small = load(fake_world.SMALL, SETS)
    kept = [c.model_copy(update={"counterfactual": "kept"}) for c in small.campaigns]
    for campaigns in ([], kept):
        with pytest.raises(InputError, match="there is nothing to look for"):
            rehearse(changed(small, campaigns=campaigns), 0, 1, (3,))
    with pytest.raises(InputError, match="got 100 donors, must be below the 100 people"):
        rehearse(small, 0, 1, (3, 100))


def test_rates_by_hand():
    rows = [  # estimate, low, high, truth
        (2.0, 1.0, 3.0, 0.0), (0.5, -0.5, 1.5, 0.0), (-3.0, -4.0, -2.0, 0.0), (1.0, math.nan, math.nan, 0.0),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["estimate", "low", "high", "truth"])
    frame = frame.assign(question=CHANGE, donors="at random", number=3, acting=False)
    row = rates(pd.concat([frame, frame.assign(question=SHARE)])).set_index("question")
    change = row.loc[CHANGE]
    assert change["worlds"] == 4 and change["with_interval"] == 3
    assert change["bias"] == pytest.approx(0.125) and change["rmse"] == pytest.approx(math.sqrt((4 + 0.25 + 9 + 1) / 4))
    assert change["sd"] == pytest.approx(np.std([2, 0.5, -3, 1], ddof=1))
    assert change["bias_se"] == pytest.approx(change["sd"] / 2)
    assert (change["covered"], change["above"], change["apart"]) == pytest.approx((1 / 3, 1 / 3, 2 / 3))
    assert change["apart_low"] < 2 / 3 < change["apart_high"] and math.isnan(row.loc[SHARE, "apart"])


def test_chances_to_be_asked_are_those_that_come_about():
    """Rosén's approximation against drawing itself: people with the largest ln w plus Gumbel numbers."""
    draw, w, number, times = np.random.default_rng(3), np.exp(np.linspace(-2.5, 2.5, 60)), 12, 4000
    largest = np.argsort(-(np.log(w) + draw.gumbel(size=(times, 60))), axis=1)[:, :number]
    found = np.bincount(largest.ravel(), minlength=60) / times
    chance = inclusion(w, number)
    assert chance.sum() == pytest.approx(number) and (np.diff(chance) > 0).all()
    assert np.abs(found - chance).max() < 0.035, "of 0.02 to 0.9"
    assert inclusion(np.ones(60), number) == pytest.approx(0.2)


def test_panels_hold_whom_they_say():
    shown = {"quiet": (1, 0), "busy": (40, 0), "hers": (0, 12)}  # of ada, of eva
    rows = [
        (f"{kind}{k:02}", arm, candidate, count)
        for kind, both in shown.items() for k in range(20) for arm in ("before", "factual")
        for candidate, count in zip(("ada", "eva"), both, strict=True) if count
    ]  # fmt: skip
    log = pd.DataFrame(rows, columns=["person", "arm", "candidate", "impressions"])
    given = {(p.kind, len(p.people)): p for p in panels(log, "eva", 2, (5, 20), np.random.default_rng(1))}
    assert len(given) == 2 * len(DONORS) + 1 and len(given["at random", 60].people) == 60
    kinds = {key: pd.Series(panel.people).str[:-2].value_counts() for key, panel in given.items()}
    assert kinds["active", 20].idxmax() == "busy" and kinds["active", 20].get("quiet", 0) < 4
    assert kinds["leaning", 20].idxmax() == "hers"
    for kind in DONORS:
        assert set(given[kind, 5].people) < set(given[kind, 20].people)
    weighted = given["active, weighted", 20]
    assert (weighted.people == given["active", 20].people).all()
    own = pd.Series(weighted.weight, pd.Index(weighted.people).str[:-2]).groupby(level=0).first()
    assert own["busy"] < own["hers"] and given["active", 20].weight is None
