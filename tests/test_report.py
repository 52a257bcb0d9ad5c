"""Figures, table and page: complete, self-contained, safe, readable in odd cases."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pandas as pd
import pytest
from helpers import changed

from recsim.experiment import run
from recsim.report import write
from recsim.report.table import summary_lines
from recsim.scenario.quantity import assumed

CASES = {
    "plain": {},
    "one replicate, one branch": {"run": {"replicates": 1, "luck_branches": 1}},
    "zero dose": {"dose": assumed(0.0)},
    "no campaign": {"campaigns": []},
}


@pytest.mark.parametrize("case", CASES)
def test_everything_is_written(small, tmp_path, case):
    scenario = changed(changed(small, run={"replicates": 2, "luck_branches": 2}), **CASES[case])
    hostile = [
        c.model_copy(update={"name": "<script>alert(1)</script>"}) if k == 0 else c
        for k, c in enumerate(scenario.candidates)
    ]
    result = run(changed(scenario, candidates=hostile), out=tmp_path / "r", workers=1)
    write(result)
    for path in (result.folder / "figures").glob("*.svg"):
        ET.parse(path)
    assert len(list((result.folder / "figures").glob("*.png"))) >= 5
    for dimension in ("region", "language", "age_band", "day", "stance"):
        assert {"candidate", "shift_pp"} <= set(pd.read_csv(result.folder / f"by_{dimension}.csv"))
    page = (result.folder / "report.html").read_text()
    HTMLParser().feed(page)
    assert page.count("<script") == 1 and "&lt;script&gt;" in page  # ours, and the hostile name as text
    outside = re.findall(r'(?:src|href)="(?!#|data:text/csv)([^"]+)"', page)
    assert outside == [] and not re.search(r"url\((?!#)", page)
    assert (page.count("<svg") >= 5 and "campaigns.<wbr>network.<wbr>accounts" in page) or case == "no campaign"
    lines = summary_lines(result)
    assert all(len(line) <= 80 for line in lines if "/" not in line), [x for x in lines if len(x) > 80]


def test_robustness_figure(small, tmp_path):
    result = run(changed(small, run={"replicates": 2}), out=tmp_path / "r", workers=1)
    cells = [
        {"gates": g, "prior_events": p, "head_weights": "as declared", "declared": g == "soft" and p == 40, "candidate": "eva",
         "shift_pp": 1.0, "ci_low": 0.5, "ci_high": 1.5, "sd": 0.2, "replicates": 2}
        for g in ("off", "soft") for p in (40.0, 1000.0)
    ]  # fmt: skip
    result.robustness = pd.DataFrame(cells)
    write(result)
    assert (result.folder / "figures" / "robustness.svg").exists()


def test_figures_are_deterministic(small, tmp_path):
    texts = []
    for name in ("a", "b"):
        result = run(changed(small, run={"replicates": 2}), out=tmp_path / name, workers=1)
        write(result)
        texts.append((result.folder / "figures" / "shift.svg").read_bytes())
    assert texts[0] == texts[1]


def test_robustness_table(small):
    robust = small.audit.robustness.model_copy(
        update={
            "enabled": True,
            "people": 100,
            "items_per_day": 60,
            "videos_per_day": 10.0,
            "burn_in_days": 3,
            "gates": ["off", "hard"],
        }
    )
    scenario = changed(small, audit={"robustness": robust}, run={"replicates": 2})
    a = run(scenario, store=False, workers=1)
    assert len(a.robustness) == (2 * 2 + 1) * 3 and set(a.robustness["replicates"]) == {2}
    assert a.summary["robustness"]["cells"] == 4
    low, high = (a.summary["robustness"]["eva"][k] for k in ("lowest_shift_pp", "highest_shift_pp"))
    assert low <= high
