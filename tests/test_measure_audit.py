"""Coding sheets, and the whole command on what an audit from outside has: files, words, table, picture."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from test_log_viewers import log_of

from recsim.audit.coding import krippendorff, read_sheet
from recsim.audit.log_rows import COLUMNS, rows_of
from recsim.audit.measure import measure
from recsim.cli import main
from recsim.errors import InputError
from recsim.report.measure_figures import shares_of_log
from recsim.report.measure_table import measure_lines

KRIPPENDORFF = {  # Krippendorff 2011, example C: four observers, twelve units, "." not coded
    "A": "1 2 3 3 2 1 4 1 2 . . .", "B": "1 2 3 3 2 2 4 1 2 5 . 3", "C": ". 3 3 3 2 3 4 2 2 5 1 .", "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}  # fmt: skip


def test_agreement_of_coders_is_the_published_one():
    rows = [(unit, code) for codes in KRIPPENDORFF.values() for unit, code in enumerate(codes.split()) if code != "."]
    frame = pd.DataFrame(rows, columns=["item", "code"])
    assert krippendorff(frame["item"], frame["code"]) == pytest.approx(0.743, abs=5e-4)
    same = pd.Series(["1", "1", "2", "2"])
    assert krippendorff(same, pd.Series(list("aabb"))) == 1 and math.isnan(krippendorff(same, pd.Series(list("aaaa"))))
    assert math.isnan(krippendorff(pd.Series(["1", "2"]), pd.Series(["a", "b"])))


def test_a_coding_sheet(tmp_path):
    """What coders say of items takes the place of the log's columns; what nobody coded does not count, and is counted."""
    rows = [("p1", "v1", 3), ("p1", "v2", 1), ("p2", "v2", 2), ("p2", "v9", 40), ("p3", "v9", 1)]
    (tmp_path / "sheet.csv").write_text("item,candidate,stance\nv1,a,critical\nv2,b,\nv3,a,neutral\n")
    log = log_of(rows, tmp_path, ("person", "item", "impressions"), coding=tmp_path / "sheet.csv")
    assert log["candidate"].tolist() == ["a", "b", "b", "", ""] and log["impressions"].tolist() == [3, 1, 2, 0, 0]
    found = measure(log, viewers="puppets")
    arm = found["arms"][0]
    assert arm["rows"][0]["share"] == 0.5 and arm["people"] == 3 and arm["rows"][0]["critical_share"] == 1
    assert found["coding"]["items"] == 3 and found["coding"]["items_not_coded"] == 1
    assert any("1 of 3 items (87.2 % of the impressions)" in text for text in found["notes"])  # 41 of 47
    assert any("How far coders agree is not known" in text for text in found["notes"])
    assert found["coding"]["agreement"] is None


SHEETS = [
    ("video,candidate\nv1,a\n", "no column 'item'"),
    ("item,candidat\nv1,a\n", "got column 'candidat'; did you mean 'candidate'"),
    ("item,candidate\n", "sheet.csv: has no rows below the header"),
    ("item,candidate,stance\nv1,a,pro\n", "sheet.csv:2: column stance: got 'pro', which is none of critical"),
    ("item,inauthentic\nv1,perhaps\n", "sheet.csv:2: column inauthentic: got 'perhaps', which is neither"),
    ("item\nv1\n", "codes nothing"),
    ("item,candidate\nv1,a\nv1,b\n", "sheet.csv:3: item 'v1' stands twice; name who coded"),
    ("item,coder,candidate\nv1,x,a\nv1,x,b\n", "sheet.csv:3: item 'v1' stands twice by the same coder"),
    ("item,candidate\n,a\n", "sheet.csv:2: column item: is empty"),
    ("item,coder,candidate\nv1,x,a\nv1,y,b\nv2,x,a\n", "sheet.csv:3: column candidate: coders differ on item 'v1'; settle it"),
    ("item,candidate\nv7,a\n", "no item of the log is in it"),
]  # fmt: skip


@pytest.mark.parametrize("text, said", SHEETS)
def test_what_is_no_coding_sheet(tmp_path, text, said):
    (tmp_path / "sheet.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        log_of([("p1", "v1")], tmp_path, ("person", "item"), coding=tmp_path / "sheet.csv")


def test_coders_settle(tmp_path):
    (tmp_path / "sheet.csv").write_text("item,coder,candidate\nv1,x,a\nv1,y,b\nv1,final,b\nv2,x,a\nv2,y,a\nv3,x,b\n")
    sheet, alpha = read_sheet(tmp_path / "sheet.csv")
    assert dict(zip(sheet["item"], sheet["candidate"], strict=True)) == {"v1": "b", "v2": "a", "v3": "b"}
    # Pairs of two items, codes a, b and a, a: observed 2 of 4, expected (16 - 9 - 1) / 12.
    assert alpha["candidate"] == pytest.approx(1 - 0.5 / 0.5)
    for columns, said in ((("person", "video"), "no column 'item', which a coding sheet"), (("person", "item", "candidate"), "has a column 'candidate', as the coding sheet")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            log_of([("p1", "v1", "a")[: len(columns)]], tmp_path, columns, coding=tmp_path / "sheet.csv")
    with pytest.raises(InputError, match="no column 'candidate'.*add --coding SHEET"):
        log_of([("p1", "v1")], tmp_path, ("person", "item"))
    with pytest.raises(InputError, match="has no rows"):
        log_of([], tmp_path, ("person", "item"), coding=tmp_path / "sheet.csv")


def test_a_final_row_may_hold_only_what_was_in_dispute(tmp_path):
    (tmp_path / "sheet.csv").write_text(
        "item,coder,candidate,stance\nv1,x,a,critical\nv1,y,a,neutral\nv1,final,,supportive\nv2,x,a,\nv2,y,,\nv2,final,,\nv3,final,b,neutral\n"
    )
    codes = read_sheet(tmp_path / "sheet.csv").codes.set_index("item")
    assert codes.loc["v1"].tolist() == ["a", "supportive"]  # on the candidate they agreed
    assert codes.loc["v2"].tolist() == ["", ""] and codes.loc["v3"].tolist() == [
        "b",
        "neutral",
    ]  # settled: about nobody


def test_agreement_on_stances_is_of_items_that_have_one(tmp_path):
    """That neither coder wrote down a stance of what is about nobody is no agreement on stances."""
    rows = [f"v{k},{coder}," for k in range(80) for coder in "xy"]
    rows += [
        f"w{k},x,{one}\nw{k},y,{other}\nw{k},final,neutral"
        for k, (one, other) in enumerate(itertools.product(("critical", "neutral"), repeat=2))
    ]
    (tmp_path / "sheet.csv").write_text("item,coder,stance\n" + "\n".join(rows) + "\n")
    assert read_sheet(tmp_path / "sheet.csv").agreement["stance"] == pytest.approx(1 - 0.5 / (32 / 56))


def test_a_sheet_of_stances_alone_takes_nothing_away(tmp_path):
    """The log says whom items are about; ids that a spreadsheet turned into numbers are the same ids."""
    pd.DataFrame({"item": [12.0, 13.0], "stance": ["critical", ""], "url": ["x", "y"]}).to_parquet(
        tmp_path / "sheet.parquet"
    )
    log = log_of(
        [("p1", "12", "a"), ("p1", " 14 ", "a")],
        tmp_path,
        ("person", "item", "candidate"),
        coding=tmp_path / "sheet.parquet",
    )
    assert log["impressions"].tolist() == [1, 1] and log["stance"].tolist() == ["critical", ""]
    with pytest.raises(InputError, match="no item of the log is in it; .* 'x1', the sheet '12': write both alike"):
        log_of([("p1", "x1", "a")], tmp_path, ("person", "item", "candidate"), coding=tmp_path / "sheet.parquet")


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    """Log, coding sheet and poll of an invented audit: two arms of six puppets, twelve days."""
    folder = tmp_path_factory.mktemp("audit")
    draw = np.random.default_rng(8)
    items = {f"v{k}": ("a candidate with a very long name" if k % 3 else "b", "neutral") for k in range(30)}
    rows = [
        (f"{arm}{i}", arm, f"2024-11-{1 + day:02}", f"v{int(draw.integers(0, 33))}")
        for arm, i, day, _ in itertools.product(("plain", "ranked"), range(6), range(12), range(8))
    ]
    pd.DataFrame(rows, columns=["person", "arm", "day", "item"]).to_csv(folder / "log.csv", index=False)
    pd.DataFrame([(item, *codes) for item, codes in items.items()], columns=["item", "candidate", "stance"]).to_csv(folder / "sheet.csv", index=False)  # fmt: skip
    (folder / "poll.csv").write_text("candidate,share\na candidate with a very long name,60\nb,40\n")
    return folder


def asked(audit, *more):
    return [
        "measure", str(audit / "log.csv"), "--coding", str(audit / "sheet.csv"), "--viewers", "puppets", "--baseline", "plain",
        "--reference", str(audit / "poll.csv"), "--sensitivity", "95", "--specificity", "97", *more,
    ]  # fmt: skip


def test_the_command_on_an_audit(audit, tmp_path, capsys):
    files = [tmp_path / name for name in ("m.json", "m.png", "m.csv", "m.svg")]
    main(asked(audit, "--out", str(files[0]), "--out", str(files[1]), "--json"))
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(files[0].read_text()) and found["estimands"] == ["E2", "E3"] and found["days"] == 12
    main(asked(audit, "--out", str(files[2]), "--out", str(files[3])))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    text = " ".join(" ".join(lines).split())
    for said in ("ranked: 6 puppets", "against the reference", "without errors of labels", "for recsim design", "p (Holm)", "not what people are", "(E1)"):  # fmt: skip
        assert said in text, said
    table = pd.read_csv(files[2])
    assert tuple(table.columns) == COLUMNS and table["unit"].notna().all()
    row = table[(table["measure"] == "difference_pp") & (table["candidate"] == "b")].iloc[0]
    one = next(r for r in found["comparisons"][0]["rows"] if r["candidate"] == "b")
    assert (row["value"], row["low"], row["high"]) == pytest.approx((one["difference_pp"], one["difference_low"], one["difference_high"]))  # fmt: skip
    assert set(rows_of(found)["measure"]) == set(table["measure"])
    assert "simulat" not in files[3].read_text().lower() and "recsim measure" in files[3].read_text()
    with pytest.raises(SystemExit) as stop:
        main(asked(audit, "--out", str(tmp_path / "m.pdf")))
    assert stop.value.code == 2 and "allowed: .json, .csv, .png, .svg" in capsys.readouterr().err
    assert not (tmp_path / "m.pdf").exists()


def test_every_figure_of_a_result_is_in_the_table(audit, capsys):
    """Numbers of arms, candidates and comparisons that the JSON has are measures of the table, or ends of their intervals."""
    main(asked(audit, "--json"))
    found = json.loads(capsys.readouterr().out)
    table = rows_of(found)
    named = set(table["measure"])
    blocks = [
        *found["arms"],
        *found["comparisons"],
        *(row for one in (*found["arms"], *found["comparisons"]) for row in one["rows"]),
    ]
    blocks += [row for one in found["arms"] for row in (*one["pilot"], *one["segments"])]
    numbers = {key for block in blocks for key, value in block.items() if type(value) in (int, float)}
    ends = {key for key in numbers if key.endswith(("_low", "_high"))}
    assert numbers - ends - named <= {"reference"}


def test_the_picture(audit, capsys):
    main(asked(audit, "--json"))
    found = json.loads(capsys.readouterr().out)
    figure = shares_of_log(found)
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["a candidate with a very lon…", "b"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["plain", "ranked", "reference"]
    assert "without errors of labels" in left.get_xlabel()  # what is held against the reference
    drawn = next(line for line in left.lines if line.get_label() == "ranked").get_xdata()
    rows = {row["candidate"]: row for row in found["arms"][1]["rows"]}
    assert list(drawn) == pytest.approx(
        [100 * rows[name]["share_corrected"] for name in ("a candidate with a very long name", "b")]
    )
    assert "plain" in right.get_xlabel() and "%" in left.get_xlabel()
    alone = shares_of_log({**found, "comparisons": [], "reference": None})
    assert len(alone.axes) == 1
    many = shares_of_log(
        {**found, "arms": [{**found["arms"][0], "arm": f"arm {k}"} for k in range(6)], "comparisons": []}
    )
    assert "not drawn: 2 more" in [text.get_text() for text in many.legends[0].get_texts()]


def test_lines_of_a_log_that_says_nothing(tmp_path):
    log = log_of([("1", "x", ""), ("2", "y", "")], tmp_path, ("person", "arm", "candidate"))
    found = measure(log, "x")
    assert all(len(line) <= 80 for line in measure_lines(found, [])) and len(rows_of(found)) > 0
    shares_of_log(found)
