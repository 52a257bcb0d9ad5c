"""Declared windows: parts of the campaign window that are looked at by themselves."""

from __future__ import annotations

import json

import fake_world
import numpy as np
import pandas as pd
import pytest

from recsim.audit.evidence import evidence
from recsim.audit.procedures import benjamini_hochberg
from recsim.errors import InputError
from recsim.experiment import Result, run
from recsim.metrics import p_value
from recsim.report import write
from recsim.report.figures import all_figures
from recsim.report.table import summary_lines
from recsim.report.window_figures import WHOLE, windows_data
from recsim.scenario import load

pytestmark = pytest.mark.usefixtures("not_rendered")
WHOLE_WINDOW, SILENCE = "{id: all_days, first: -3, last: 0}", "{id: silence, first: -1, last: 0, reason: 'the <law>'}"
FAST = {"simulate": fake_world.with_followers, "workers": 1, "robustness": False}


def small(*windows):
    return load(fake_world.SMALL, [f"audit.windows=[{', '.join(windows)}]"])


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    result = run(small(WHOLE_WINDOW, SILENCE), out=tmp_path_factory.mktemp("windows") / "run", **FAST)
    write(result)
    return result


def test_a_window_of_all_days_is_the_campaign_window(stored):
    table = stored.by("window").set_index(["window", "candidate"])
    whole = stored.shift().set_index("candidate")
    for name in ("share_factual", "share_counterfactual", "shift_pp", "ci_low", "ci_high"):
        assert table.loc["all_days"][name].to_numpy() == pytest.approx(whole[name].to_numpy())
    assert table.loc["silence"]["shift_pp"].to_numpy() != pytest.approx(whole["shift_pp"].to_numpy())


def test_a_window_pools_its_days_alone(stored):
    e = stored.frames["exposure"]
    e = e[e["day"].isin([-1, 0])]
    keys = ["replicate", "branch", "arm"]
    p = e[e["candidate"] == "eva"].groupby(keys, observed=True)["impressions"].sum() / e.groupby(keys, observed=True)["impressions"].sum()  # fmt: skip
    wide = p.unstack("arm")
    shifts = (100 * (wide["factual"] - wide["counterfactual"])).groupby("replicate").mean().to_numpy()
    rows = {(row["window"], row["candidate"]): row for row in evidence(stored)["windows"]}
    assert len(rows) == 6 and rows["silence", "eva"]["shift_pp"] == pytest.approx(shifts.mean())
    assert rows["silence", "eva"]["p"] == pytest.approx(p_value(shifts)) and rows["silence", "eva"]["replicates"] == 4
    given = np.array([row["p"] for row in rows.values()])
    assert [row["p_adjusted"] for row in rows.values()] == pytest.approx(benjamini_hochberg(given))


def test_every_place_says_it(stored):
    found = json.loads((stored.folder / "report.json").read_text())
    assert found["results"]["windows"] == evidence(stored)["windows"]
    page = (stored.folder / "report.html").read_text()
    assert 'id="t-windows"' in page and "the &lt;law&gt;" in page and '<figure id="windows"' in page
    assert "by_window.csv" in [table["file"] for table in found["data"]]
    kept = pd.read_csv(stored.folder / "by_window.csv")
    pd.testing.assert_frame_equal(kept, stored.by("window"), check_dtype=False)
    text = " ".join(line.strip() for line in summary_lines(stored))
    shift = stored.by("window").set_index(["window", "candidate"]).loc["silence", "eva"]["shift_pp"]
    assert f"silence (days -1 to 0) {shift:+.2f} pp" in text
    again = Result.load(stored.folder)
    assert again.by("window").equals(stored.by("window"))


def test_the_figure_shows_all_of_them_and_the_whole(stored, tmp_path):
    data = windows_data(stored)
    assert list(dict.fromkeys(data["window"])) == [WHOLE, "all_days", "silence"]
    assert data[data["window"] == WHOLE][["first", "last"]].drop_duplicates().values.tolist() == [[-3, 0]]
    drawn = {name: caption for name, _, caption in all_figures(stored, tmp_path)}
    assert "no independent findings" in " ".join(drawn["windows"].split())


def test_without_windows_nothing_is_said(tmp_path):
    result = run(small(), out=tmp_path / "run", **FAST)
    write(result)
    assert not (tmp_path / "run" / "by_window.csv").exists() and "window" not in result.dimensions
    assert len(result.by("window")) == 0 and evidence(result)["windows"] == []
    assert "t-windows" not in (tmp_path / "run" / "report.html").read_text()
    assert "windows" not in {name for name, *_ in all_figures(result, tmp_path)}


@pytest.mark.parametrize(
    "windows, text",
    [
        (["{id: a, first: -4}"], "audit.windows.*before the first campaign begins on day -3.*set first to -3 or later"),
        (["{id: a, first: -1}", "{id: a, first: -2}"], "got id 'a' twice"),
        (["{id: a, first: -1, last: -2}"], "got first -1 after last -2"),
        (["{id: a, first: -1, last: 1}"], r"audit\.windows\.a\.last"),
        (["{id: 'a b', first: -1}"], r"audit\.windows\.a b\.id"),
        (["{first: -1}"], "audit.windows.0.id"),
    ],
)
def test_what_is_no_window_is_refused(windows, text):
    with pytest.raises(InputError, match=f"(?s){text}"):
        small(*windows)
