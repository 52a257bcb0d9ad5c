"""`recsim score` and `recsim show`."""

import csv
import io
import json

import numpy as np
import pytest

from recsim.cli import main
from recsim.ranking.presets import PRESETS


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "items.csv"
        path.write_text(text)
        return str(path)

    return write


def scores(capsys, *arguments):
    main(["score", *arguments])
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["score", *arguments])
    captured = capsys.readouterr()
    assert stopped.value.code == 2 and captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_other_columns_stay(table, capsys):
    rows = scores(capsys, "hn_popular", table('id,title,ups,age_h\n7,"a, b",30,0\n8,c,60,6\n'))
    assert [r["title"] for r in rows] == ["a, b", "c"] and list(rows[0]) == ["id", "title", "ups", "age_h", "score"]
    assert float(rows[0]["score"]) == 29 / 2**1.8 and float(rows[1]["score"]) == pytest.approx(1.397301, abs=5e-7)


def test_parameters(table, capsys):
    file = table("ups,age_h\n30,0\n")
    assert float(scores(capsys, "hn_popular", file, "--param", "gravity=1")[0]["score"]) == 14.5
    assert "did you mean 'gravity'" in refused(capsys, "hn_popular", file, "--param", "gravty=1")
    assert "write name=value" in refused(capsys, "hn_popular", file, "--param", "gravity")
    assert "got 'x', must be a number" in refused(capsys, "hn_popular", file, "--param", "gravity=x")
    beside = refused(capsys, "x_2026_08", file, "--param", "dpp_theta=0.9")
    assert "the score of x_2026_08 does not read dpp_theta" in beside
    assert "did you mean 'hn_popular'" in refused(capsys, "hn_populer", file)


def test_times(table, capsys):
    text = "ups,downs,created_s\n10,0,1134028003\n10,0,2005-12-08T07:46:43\n10,0,2005-12-08T09:46:43+02:00\n"
    assert [float(r["score"]) for r in scores(capsys, "reddit_hot", table(text))] == [1, 1, 1]
    text = "ups,created_s,now\n30,2024-11-24T00:00:00Z,2024-11-24T06:00:00Z\n30,0,21600\n"
    both = [float(r["score"]) for r in scores(capsys, "hn_popular", table(text))]
    assert both == [29 / 8**1.8] * 2
    text = "created_s\n1970-01-02\n7200\n"
    assert [float(r["score"]) for r in scores(capsys, "chrono", table(text))] == [24, 2]


def test_compiled_is_float32_of_the_same(table, capsys):
    g = np.random.default_rng(0)
    names = ["in_network", *(n for n in PRESETS["msi_2018"].reads if n != "in_network")]
    lines = [
        ",".join([str(g.random() < 0.5).lower(), *(repr(float(x)) for x in g.random(len(names) - 1))])
        for _ in range(50)
    ]
    file = table("\n".join([",".join(names), *lines]))
    plain = np.array([float(r["score"]) for r in scores(capsys, "msi_2018", file)])
    single = np.array([float(r["score"]) for r in scores(capsys, "msi_2018", file, "--compiled")])
    assert np.allclose(plain, single, rtol=1e-6, atol=0) and (plain != single).any()
    assert np.array_equal(single.astype(np.float32).astype(float), np.round(single, 12).astype(np.float32))
    more = np.array([float(r["score"]) for r in scores(capsys, "msi_2018", file, "--compiled", "--param", "w_like=9")])
    assert (more > single).all()


def test_out(table, capsys, tmp_path):
    out = tmp_path / "scored.csv"
    assert scores(capsys, "hn_popular", table("ups,age_h\n2,0\n"), "--out", str(out)) == []
    assert out.read_text().startswith("ups,age_h,score\n2,0,0.287")
    assert "already exists" in refused(capsys, "hn_popular", table("ups,age_h\n3,0\n"), "--out", str(out))
    assert out.read_text().startswith("ups,age_h,score\n2,0,0.287")
    assert "no: is no folder" in refused(
        capsys, "hn_popular", table("ups,age_h\n2,0\n"), "--out", str(tmp_path / "no" / "x.csv")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("upps,age_h\n1,2\n", "items.csv:1: lacks column 'ups'.*did you mean your column 'upps'"),
        ("ups,created_s\n1,2\n", r"lacks column 'age_h' \(or created_s and now\)"),
        ("ups,age_h\n1,2\n3,x\n", "items.csv:3: column age_h: got 'x', must be a number"),
        ("ups,age_h\n1,nan\n", "items.csv:2: column age_h: got 'nan'"),
        ("ups,age_h\n1,\n", "items.csv:2: column age_h: got ''"),
        ("ups,age_h\n1\n", "items.csv:2: got 1 cells, the header names 2"),
        ("ups,ups,age_h\n1,1,1\n", "items.csv:1: has a column 'ups' twice"),
        ("ups,age_h,score\n1,1,1\n", "has a column 'score' already"),
        ("", "is empty"),
        ("ups,created_s,now\n1,2024-13-01,0\n", "column created_s: got '2024-13-01', must be seconds"),
        ("ups,age_h\n1,-2\n", "items.csv:2: policy hn_popular has no score for this row"),
        ("ups,age_h\n1,-5.5\n", "items.csv:2: policy hn_popular has no score for this row: the root of a negative"),
    ],
)
def test_bad_tables(table, capsys, text, message):
    import re

    assert re.search(message, refused(capsys, "hn_popular", table(text)))


def test_missing_file(capsys, tmp_path):
    assert "cannot be read: No such file" in refused(capsys, "hn_popular", str(tmp_path / "none.csv"))


def test_show(capsys):
    main(["show", "meta_political_2024", "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["doors"] == {"E1": "counters", "E2": "predictor training", "E3": "follow graph"}
    assert (
        facts["profiled"] and "stratum interest" in facts["why_profiled"] and "feature p_like" in facts["why_profiled"]
    )
    assert {f["name"]: f["profiling"] for f in facts["features"]}["is_candidate"] is False
    assert facts["parameters"]["political_oon"] == 0
    main(["show", "mastodon_trends"])
    text = capsys.readouterr().out
    assert "profiles    no" in text and "E1 counters" in text and "threshold=5" in text and "ranked 0.75" in text


def test_show_compiled_is_what_runs(capsys):
    from recsim.ranking.compile import compile_policy

    main(["show", "hn_arc", "--compiled"])
    assert capsys.readouterr().out == compile_policy(PRESETS["hn_arc"]).source
    with pytest.raises(SystemExit) as stopped:
        main(["show", "hn_ark"])
    assert stopped.value.code == 2 and "did you mean 'hn_arc'" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_policy_can_be_shown(name, capsys):
    main(["show", name])
    text = capsys.readouterr().out
    assert all(feature in text for feature in PRESETS[name].reads) and PRESETS[name].source in text


def test_a_table_as_european_spreadsheets_write_it(table, capsys):
    """Semicolons and decimal commas are read, and written back; other columns stay as they are."""
    plain = scores(capsys, "hn_popular", table("id,ups,age_h\n7,30,0.5\n8,60,6\n"))
    main(["score", "hn_popular", table('id;"title";ups;age_h\n7;"a; 1,5";30;0,5\n8;c;60;6\n')])
    said = capsys.readouterr()
    assert said.err.startswith("note: ") and "separated by semicolons" in said.err
    rows = list(csv.DictReader(io.StringIO(said.out), delimiter=";"))
    assert [row["title"] for row in rows] == ["a; 1,5", "c"] and rows[0]["age_h"] == "0,5"
    assert [float(row["score"].replace(",", ".")) for row in rows] == [float(row["score"]) for row in plain]
    assert "," in rows[0]["score"] and "." not in rows[0]["score"]
    main(["score", "hn_popular", table("id\tups\tage_h\n7\t30\t0,5\n8\t60\t6\n")])
    tabs = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    assert [row["score"] for row in tabs] == [row["score"] for row in plain]
    main(["score", "hn_popular", table("id;ups;age_h\n7;30;0.5\n")])  # a point is a decimal sign here, too
    assert capsys.readouterr().out.splitlines()[1].split(";")[3] == plain[0]["score"]


def test_other_files_of_spreadsheets(tmp_path, capsys):
    (tmp_path / "items.xlsx").write_bytes(b"PK")
    assert "is a spreadsheet; a CSV file is needed (in Excel: Save as, CSV UTF-8)" in refused(
        capsys, "hn_popular", str(tmp_path / "items.xlsx")
    )
    (tmp_path / "items.csv").write_bytes("ups,age_h\n1,2\n".encode("utf-16"))
    assert "not UTF-8 text; save the file as UTF-8" in refused(capsys, "hn_popular", str(tmp_path / "items.csv"))
    assert "did you mean" in refused(capsys, "hn_popular", str(tmp_path / "item.csv"))
