"""Metrics of a log of exposures: by hand, against the simulator's own, and with a log that is not one."""

from __future__ import annotations

import json
import math

import fake_world
import numpy as np
import pandas as pd
import pytest

from recsim.audit.exposure_log import read_log
from recsim.audit.measure import LEAST_PEOPLE, measure
from recsim.audit.simulated_log import simulated_log
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment.summary import Counts
from recsim.metrics import shares
from recsim.scenario import load, realise
from recsim.world.pair import simulate_replicate

SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18"]
BY_HAND = [  # person, arm, candidate, impressions
    (1, "ranked", "a", 3), (1, "ranked", "b", 1), (2, "ranked", "a", 1), (2, "ranked", "", 5), (3, "ranked", "", 2),
    (1, "plain", "a", 1), (2, "plain", "b", 1), (3, "plain", "b", 2),
]  # fmt: skip


def log_of(rows, tmp_path, columns=("person", "arm", "candidate", "impressions")):
    path = tmp_path / "log.csv"
    pd.DataFrame(rows, columns=list(columns)).to_csv(path, index=False)
    return read_log(path)


def test_by_hand(tmp_path):
    found = measure(log_of(BY_HAND, tmp_path), baseline="plain")
    ranked = next(a for a in found["arms"] if a["arm"] == "ranked")
    a, b = ranked["rows"]
    assert ranked["people"] == 3 and ranked["impressions"] == 12
    assert a["share"] == 0.8 and a["reach"] == pytest.approx(2 / 3) and a["frequency"] == 2
    assert a["share_of_persons"] == pytest.approx((0.75 + 1) / 2)  # who was shown nothing about anybody is not counted
    # Two people were shown somebody: residuals x - p n of 3 - 3.2 and 1 - 0.8, s.e. sqrt(2/1 * 0.08) / 5 = 0.08; t(1) = 12.7.
    assert a["share_low"] == 0 and a["share_high"] == 1  # cut: it would reach from -0.22 to 1.82
    plain = next(a for a in found["arms"] if a["arm"] == "plain")["rows"][0]
    assert plain["share_high"] == 1 and plain["share_low"] == 0  # of 1/4 with three people
    assert ranked["candidate_content"] == pytest.approx(5 / 12)
    assert ranked["parity_gap_pp"] == pytest.approx(60) and ranked["parity_gap_uniform_pp"] == pytest.approx(60)
    assert ranked["effective_candidates"] == pytest.approx(1 / (0.64 + 0.04)) and b["reach"] == pytest.approx(1 / 3)
    (one,) = found["comparisons"]
    assert one["paired"] and one["tv_distance"] == pytest.approx(0.55)
    assert one["rows"][0]["difference_pp"] == pytest.approx(55) and one["rows"][0]["amplification"] == pytest.approx(
        3.2
    )
    assert one["rows"][0]["amplification_reach_pct"] == pytest.approx(50)  # (2 + 1) / (1 + 1) - 1


def test_the_interval_by_hand(tmp_path):
    """Of four people: residuals 3 - 2, 1 - 2, 2 - 2, 2 - 2 over 16; s.e. sqrt(4/3 * 2) / 16; t(3) = 3.182."""
    rows = [
        (i, "x", c, n)
        for i, pair in enumerate(((3, 1), (1, 3), (2, 2), (2, 2)))
        for c, n in zip("ab", pair, strict=True)
    ]
    a = measure(log_of(rows, tmp_path))["arms"][0]["rows"][0]
    half = 3.18245 * math.sqrt(4 / 3 * 2) / 16
    assert (a["share_low"], a["share_high"]) == pytest.approx((0.5 - half, 0.5 + half), rel=1e-4)


def test_people_are_the_unit(tmp_path):
    """Everybody's rows twice: the same shares and intervals; twice as many people: narrower ones."""
    draw = np.random.default_rng(2)
    rows = [(i, "x", c, int(n)) for i in range(80) for c, n in zip("ab", draw.poisson((3, 5)), strict=True)]
    once = measure(log_of(rows, tmp_path))["arms"][0]["rows"][0]
    twice = measure(log_of(rows + rows, tmp_path))["arms"][0]["rows"][0]
    more = measure(log_of(rows + [(i + 80, *r) for i, *r in rows], tmp_path))["arms"][0]["rows"][0]
    assert twice["share"] == once["share"] and twice["share_low"] == pytest.approx(once["share_low"])
    assert more["share_high"] - more["share"] == pytest.approx(
        (once["share_high"] - once["share"]) / math.sqrt(2), rel=0.02
    )


def test_intervals_cover(tmp_path):
    """Repeated draws of 120 people: the interval holds the true share about 95 times in 100."""
    draw = np.random.default_rng(4)
    hits = 0
    for _ in range(300):
        busy = draw.gamma(0.7, 10, 120)
        lean = np.clip(draw.normal(0.4, 0.2, 120), 0.01, 0.99)
        a, b = draw.poisson(busy * lean), draw.poisson(busy * (1 - lean))
        frame = pd.DataFrame({"person": np.tile(np.arange(120).astype(str), 2), "arm": "x", "candidate": ["a"] * 120 + ["b"] * 120, "impressions": np.concatenate([a, b])})  # fmt: skip
        row = measure(frame)["arms"][0]["rows"][0]
        hits += row["share_low"] <= 0.4 <= row["share_high"]
    assert 0.915 <= hits / 300 <= 0.985


def test_small_cells_are_not_shown(tmp_path):
    rows = [(i, "a" if i % 2 else "b", "north" if i < LEAST_PEOPLE else "south") for i in range(2 * LEAST_PEOPLE - 1)]
    found = measure(log_of(rows, tmp_path, ("person", "candidate", "region")))["arms"][0]["segments"]
    north, south = ([r for r in found if r["segment"] == s] for s in ("north", "south"))
    assert all(r["people"] == LEAST_PEOPLE and r["share"] is not None for r in north)
    assert all(r["people"] is None and r["share"] is None for r in south)


def test_what_is_undefined_stays_so(tmp_path):
    found = measure(log_of([(1, "x", "", 4), (2, "y", "a", 1)], tmp_path), baseline="x")
    x = next(a for a in found["arms"] if a["arm"] == "x")
    assert x["rows"][0]["share"] is None and x["parity_gap_pp"] is None and x["candidate_content"] == 0
    assert found["comparisons"][0]["rows"][0]["difference_pp"] is None
    json.dumps(found, allow_nan=False)


def test_stances_and_items(tmp_path):
    rows = [(1, "a", "critical", 7), (1, "a", "supportive", 7), (2, "a", "critical", 8), (2, "", "", 9)]
    arm = measure(log_of(rows, tmp_path, ("person", "candidate", "stance", "item")))["arms"][0]
    assert arm["rows"][0]["critical_share"] == pytest.approx(2 / 3) and arm["rows"][0]["neutral_share"] == 0
    assert arm["gini_items"] == pytest.approx(1 / 6)  # 2, 1, 1


def test_watching_prevalence_and_creators_by_hand(tmp_path):
    rows = [  # person, candidate, creator, watched, inauthentic, impressions
        (1, "a", "x", 0.5, "true", 3), (1, "a", "x", 0.49, "no", 1), (2, "a", "y", None, None, 4), (2, "", "z", 0.9, "1", 2),
    ]  # fmt: skip
    arm = measure(log_of(rows, tmp_path, ("person", "candidate", "creator", "watched", "inauthentic", "impressions")))[
        "arms"
    ][0]
    assert arm["rows"][0]["view_through"] == 0.75  # 3 of 4; rows that do not say are left out
    assert arm["prevalence"] == 0.5 and arm["prevalence_candidates"] == 3 / 8 and arm["prevalence_people"] == 1
    assert arm["gini_creators"] == pytest.approx(2 * (1 * 2 + 2 * 4 + 3 * 4) / (3 * 10) - 4 / 3)
    assert arm["gini_people"] == 0  # four each, of content about candidates


def test_rank_weighted_stance_by_hand(tmp_path):
    """SERP-MS of lists of two and three: (2 * 1 - 1) / 3 and (3 * -1) / 6; a person's mean, then people's."""
    rows = [
        (1, "a", "supportive", "p", 1), (1, "a", "critical", "p", 2), (1, "a", "critical", "q", 1), (1, "", "", "q", 2),
        (1, "b", "neutral", "q", 3), (2, "b", "supportive", "p", 1),
    ]  # fmt: skip
    arm = measure(log_of(rows, tmp_path, ("person", "candidate", "stance", "visit", "rank")))["arms"][0]
    assert arm["rank_weighted_stance"] == pytest.approx(((1 / 3 - 1 / 2) / 2 + 1) / 2)


def test_calibration_and_log_ratio_by_hand(tmp_path):
    (one,) = measure(log_of(BY_HAND, tmp_path), baseline="plain")["comparisons"]
    # Person 1 saw only a and is shown 3/4 a; person 2 saw only b and is shown a; person 3 is shown nobody.
    bits = [-math.log2(0.99 * 0.75 + 0.01), -math.log2(0.01)]
    assert one["calibration_bits"] == pytest.approx(np.mean(bits)) and one["calibration_people"] == 2
    assert one["rows"][0]["log_exposure_ratio"] == pytest.approx(math.log(4.5 / 1.5))
    other = log_of([(1, "x", "a", 1), (2, "y", "a", 3)], tmp_path)
    (two,) = measure(other, baseline="x")["comparisons"]
    assert "calibration_bits" not in two and two["rows"][0]["log_exposure_ratio"] == pytest.approx(math.log(3.5 / 1.5))


def test_a_simulated_log_says_what_the_run_says(tmp_path):
    scenario = load(fake_world.SMALL, SETS)
    log = simulated_log(scenario, 1)
    frames = simulate_replicate(realise(scenario, scenario.run.seed, 1), 1).frames
    names = [c.id for c in scenario.candidates]
    counts = Counts(frames["exposure"], names, [1], scenario.run.luck_branches)
    for a, arm in enumerate(("factual", "counterfactual")):
        mine = log[log["arm"] == arm]
        assert mine["person"].nunique() == 100
        sums = mine.groupby("candidate")["impressions"].sum().reindex(names)
        assert (sums.to_numpy() == counts.impressions[0, 0, a]).all()
        by_region = mine.groupby("region")["impressions"].sum()
        e = frames["exposure"]
        e = e[(e["arm"].astype(str) == arm) & (e["branch"] == 0)].groupby("region", observed=True)["impressions"].sum()
        assert by_region.to_dict() == e.to_dict()
    log.to_parquet(tmp_path / "log.parquet", index=False)
    found = measure(read_log(tmp_path / "log.parquet"), baseline="counterfactual")
    p = shares(counts.impressions[0, 0])
    got = [row["difference_pp"] for row in found["comparisons"][0]["rows"]]
    assert got == pytest.approx(100 * (p[0] - p[1])) and found["comparisons"][0]["paired"]


@pytest.mark.parametrize(
    "columns, rows, text",
    [
        (("person", "cand"), [(1, "a")], "no column 'candidate'.*--column cand=candidate"),
        (
            ("person", "candidate", "impressions"),
            [(1, "a", 1), (2, "a", -1)],
            r"log.csv:3: column impressions: got -1, which is not",
        ),
        (("person", "candidate", "impressions"), [(1, "a", 1.5)], "whole number"),
        (("person", "candidate"), [(1, "a"), (None, "b")], "log.csv:3: column person: is empty"),
        (("person", "candidate", "stance"), [(1, "a", "pro")], "got 'pro', which is none of critical"),
        (
            ("person", "candidate", "region"),
            [(77, "a", "n"), (77, "a", "s")],
            "log.csv:3: column region: got 's', which is not the same as 'n' of the same person in [^ ]*log.csv:2$",
        ),
        (
            ("person", "candidate", "watched"),
            [(1, "a", 0.5), (1, "a", 1.5)],
            "log.csv:3: column watched: got 1.5, which is not between",
        ),
        (
            ("person", "candidate", "inauthentic"),
            [(1, "a", "perhaps")],
            "got 'perhaps', which is neither true nor false",
        ),
        (("person", "candidate", "rank"), [(1, "a", 1)], "'rank' without 'visit' and 'stance'"),
        (
            ("person", "candidate", "stance", "visit", "rank"),
            [(1, "a", "neutral", 1, 0)],
            "log.csv:2: column rank: got 0",
        ),
        (("person", "candidate", "stance", "visit", "rank"), [(1, "a", "neutral", 1, 1.5)], "not a whole number"),
        (("person", "candidate", "impressions"), [(1, "a", 10**20)], "got 1.*, which is above 1,000,000,000,000"),
        (("person", "candidate"), [], "no rows"),
    ],
)
def test_what_is_no_log(tmp_path, columns, rows, text):
    with pytest.raises(InputError, match=text):
        log_of(rows, tmp_path, columns)


@pytest.mark.parametrize(
    "text, said",
    [
        ("person,candidate\na,x,z\nb,y\n", "log.csv:2: got 3 cells, the header names 2"),
        ("person,candidate\n\na,x\nb\n", "log.csv:4: got 1 cells"),
        ("person,candidate,person\na,x,b\n", "log.csv:1: column 'person' stands twice"),
        ("person,candidate,impresions\na,x,3\n", "got column 'impresions'; did you mean 'impressions'"),
        ("person,candidate,Region\na,x,n\n", "did you mean 'region'.*--column Region=region"),
        ('person,candidate,watched\n"a\nb",x,0\n\nc,x,2\n', "log.csv:5: column watched"),
        ("", "is empty; the first line"),
    ],
)
def test_text_that_is_no_log(tmp_path, text, said):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_log(path)


def test_a_candidate_may_be_called_na(tmp_path):
    """And a region; elsewhere such words stand for none, as R writes it."""
    path = tmp_path / "log.csv"
    path.write_text(
        "person,candidate,watched,inauthentic,region\n1,NA,NA,NA,NA\n2,None,0.5,true,None\n3,null,,,\n4,nan,1,no,x\n5,,1,no,x\n"
    )
    log = read_log(path)
    assert list(log["candidate"]) == ["NA", "None", "null", "nan", ""]
    assert list(log["region"]) == ["NA", "None", "", "x", "x"] and log["watched"].isna().sum() == 2
    assert list(log["inauthentic"]) == [0, 1, 0, 0, 0]
    assert [row["candidate"] for row in measure(log)["arms"][0]["rows"]] == ["NA", "None", "nan", "null"]


def test_what_is_missing_is_nobody(tmp_path):
    """One creator or person called NA would be the largest of all."""
    path = tmp_path / "log.csv"
    rows = "".join(f"{n},a,{'NA' if n > 2 else f'c{n}'},NA,NA\n" for n in range(1, 60))
    path.write_text("person,candidate,creator,item,stance\n" + rows)
    log = read_log(path)
    assert set(log["creator"]) == {"c1", "c2", ""} and set(log["item"]) == set(log["stance"]) == {""}
    assert measure(log)["arms"][0]["gini_creators"] == 0.0
    path.write_text("viewer,candidate\n1,x\nNA,x\n")
    with pytest.raises(InputError, match=r"log.csv:3: column person: is empty"):
        read_log(path, {"viewer": "person"})
    path.write_text("person,about,candidate_note\n1,NA,x\n")
    assert list(read_log(path, {"about": "candidate"})["candidate"]) == ["NA"]


def test_a_person_without_a_name_is_refused_in_parquet_too(tmp_path):
    pd.DataFrame({"person": ["a", ""], "candidate": ["x", "x"]}).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(InputError, match="row 2: column person: is empty"):
        read_log(tmp_path / "log.parquet")


def test_columns_that_are_not_used_are_named(tmp_path, capsys):
    """A column that looks like one which the log has is somebody's own; pseudonyms keep their zeros."""
    path = tmp_path / "log.csv"
    path.write_text("who, candidate,candidates,weather,\n007,x,1,dry,5\n7,y,2,wet,6\n")
    log = read_log(path, {"who": "person"})
    assert sorted(log["person"]) == ["007", "7"] and list(log["candidate"]) == ["x", "y"]
    main(["measure", str(path), "--column", "who=person"])
    assert "candidates, weather, (column 5 has no name)" in " ".join(capsys.readouterr().out.split())
    main(["measure", str(path), "--column", "who=person", "--json"])
    assert json.loads(capsys.readouterr().out)["unused_columns"][:2] == ["candidates", "weather"]


def test_nothing_is_written_over(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("person,candidate\n1,a\n")
    for out, said in ((path, "already exists"), (tmp_path, f"{tmp_path}: is a folder"), (tmp_path / "no" / "x", "no: is no folder")):  # fmt: skip
        with pytest.raises(SystemExit) as stop:
            main(["measure", str(path), "--out", str(out)])
        error = capsys.readouterr().err
        assert stop.value.code == 2 and said in error and "replicates" not in error
    assert path.read_text() == "person,candidate\n1,a\n"


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "x.parquet").write_text("no parquet")
    for name, text in (
        ("x.parquet", "cannot be read"),
        ("y.csv", "no such file"),
        ("z.txt", "allowed: .parquet, .csv"),
    ):
        with pytest.raises(InputError, match=text):
            read_log(tmp_path / name)


def test_commands(tmp_path, capsys):
    path = tmp_path / "log.csv"
    sets = [x for one in SETS for x in ("--set", one)]
    main(["log", str(fake_world.SMALL), *sets, "--out", str(path)])
    main(["measure", str(path), "--baseline", "counterfactual", "--json", "--out", str(tmp_path / "m.json")])
    said = capsys.readouterr().out
    assert json.loads(said[said.index("{") :]) == json.loads((tmp_path / "m.json").read_text())
    main(["measure", str(path), "--baseline", "counterfactual"])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines) and any("factual against counterfactual" in x for x in lines)
    main(["measure", "--schema"])
    assert "candidate" in capsys.readouterr().out
    pd.read_csv(path).rename(columns={"candidate": "cand"}).to_csv(tmp_path / "other.csv", index=False)
    main(["measure", str(tmp_path / "other.csv"), "--column", "cand=candidate", "--json"])
    for bad in (["measure"], ["measure", str(path), "--column", "x"], ["measure", str(path), "--baseline", "z"], ["log", str(fake_world.SMALL), "--out", str(path)]):  # fmt: skip
        with pytest.raises(SystemExit) as stop:
            main(bad)
        assert stop.value.code == 2


@pytest.mark.parametrize("separator, comma", [(";", ","), (";", "."), ("\t", ",")])
def test_a_log_as_european_spreadsheets_write_it(tmp_path, capsys, separator, comma):
    """Separator and decimal comma are seen in the file; the same log comes of it, with the same places in errors."""
    rows = ["person,candidate,impressions,watched,region", "007,x,3,0.25,a", '8,"x, y",1,,b', "8,,0,1,b"]
    (tmp_path / "plain.csv").write_text("\n".join(rows))
    plain = read_log(tmp_path / "plain.csv")
    cells = [["person", "candidate", "impressions", "watched", "region"], ["007", "x", "3", "0.25", "a"], ["8", "x, y", "1", "", "b"], ["8", "", "0", "1", "b"]]  # fmt: skip
    text = "\n".join(separator.join(cell.replace("0.25", f"0{comma}25") for cell in row) for row in cells)
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8-sig")
    log = read_log(path)
    pd.testing.assert_frame_equal(log, plain)
    assert (plain.attrs["separator"], log.attrs["separator"]) == (",", separator)
    main(["measure", str(path), "--json"])
    assert f"separated by {'tabs' if separator != ';' else 'semicolons'}" in capsys.readouterr().err
    path.write_text(text.replace(f"0{comma}25", f"1{comma}25"))
    with pytest.raises(InputError, match=r"log.csv:2: column watched: got '1.25', which is not between 0 and 1"):
        read_log(path)


def test_files_of_spreadsheets_say_what_to_do(tmp_path):
    (tmp_path / "log.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"a CSV file is needed \(in Excel: Save as, CSV UTF-8\)"):
        read_log(tmp_path / "log.xlsx")
    (tmp_path / "log.csv").write_bytes(
        "person,candidate\n1,\u0219\n".encode("latin2", "replace").replace(b"?", b"\xba")
    )
    with pytest.raises(InputError, match="log.csv: not UTF-8 text; save the file as UTF-8"):
        read_log(tmp_path / "log.csv")
    with pytest.raises(InputError, match=r"logs.csv: no such file; did you mean .*log.csv"):
        read_log(tmp_path / "logs.csv")


def test_a_simulated_log_tells_how_far_it_is():
    said = []
    simulated_log(load(fake_world.SMALL, SETS), progress=lambda done, total, text: said.append((done, total)))
    assert said[-1][0] == said[-1][1] == len(said) > 2 and [done for done, _ in said] == sorted(
        done for done, _ in said
    )
    with pytest.raises(InputError, match="got -1, must be at least 0"):
        simulated_log(load(fake_world.SMALL, SETS), -1)
