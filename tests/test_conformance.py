"""Every published value, by the plain function and by the compiled loop; and that a wrong one is noticed."""

import copy
import json

import pytest

from recsim.cli import main
from recsim.errors import InputError
from recsim.ranking.conformance import vectors
from recsim.ranking.presets import PRESETS

FILES = vectors.files()
CHECKED = [file for file in FILES if file["kind"] in vectors.CHECKERS]
CASES = [(file, k) for file in CHECKED for k in range(len(file["vectors"]))]


@pytest.mark.parametrize(("file", "k"), CASES, ids=[f"{f['policy']}-{k + 1}" for f, k in CASES])
def test_vector(file, k):
    (outcome,) = vectors.CHECKERS[file["kind"]]({**file, "vectors": [file["vectors"][k]]})
    assert outcome.plain == pytest.approx(outcome.expected, abs=file["tolerance"], rel=0)
    assert outcome.compiled == pytest.approx(outcome.expected, abs=file["compiled_tolerance"], rel=0)
    assert outcome.plain_passed and outcome.compiled_passed
    if file["kind"] == "score" and file["policy"] not in COARSE:
        # An absolute tolerance says little of a score that is small beside it, such as X's for negative sums.
        assert outcome.compiled == pytest.approx(outcome.plain, rel=2e-5, abs=1e-9)


COARSE = ("reddit_hot",)
"""Formulas that subtract times of which float32 holds multiples of 128 s; their files' tolerances are what can be had."""


def test_all_but_the_draw_have_values():
    assert set(PRESETS) - {file["policy"] for file in FILES} == {"random"}


def test_files_say_what_they_are():
    assert {f["policy"] for f in CHECKED if f["kind"] == "score"} >= {
        "reddit_hot", "reddit_best", "hn_popular", "hn_arc", "lemmy_hot", "mastodon_trends", "simsom", "msi_2018",
        "msi_2020", "meta_political_2024",
    }  # fmt: skip
    for file in CHECKED:
        assert file["source"] and file["commit_or_date"] and file["notes"] and file["vectors"]
        assert file["tag"].split()[0] in ("[C]", "[P]", "[M]", "[D]")
        # A tolerance so wide that any answer would pass checks nothing.
        assert 0 < file["tolerance"] <= 1e-4 and 0 < file["compiled_tolerance"] <= 5e-3


@pytest.mark.parametrize("file", CHECKED, ids=lambda f: f"{f['policy']}-{f['kind']}")
def test_a_wrong_value_fails(file):
    """Of every kind; the first and the last vector."""
    for place in (0, len(file["vectors"]) - 1):
        wrong = copy.deepcopy(file)
        vector = wrong["vectors"][place]
        many = isinstance(vector["expected"], list)
        vector["expected"] = [x + 1 for x in vector["expected"]] if many else vector["expected"] + 0.01
        row = vectors.row_of(wrong)
        assert row.status == "FAILED" and row.plain == row.compiled == row.total - 1
        assert row.failures[0].startswith(f"vector {place + 1}: expected")


def test_wrong_files(tmp_path):
    file = next(f for f in FILES if f["policy"] == "hn_popular")
    missing = copy.deepcopy(file)
    del missing["vectors"][0]["inputs"]["age_h"]
    with pytest.raises(InputError, match="hn_popular: lacks age_h"):
        vectors.row_of(missing)
    other = copy.deepcopy(file)
    other["vectors"][0]["inputs"]["up"] = 1
    with pytest.raises(InputError, match="unknown feature 'up'.*did you mean 'ups'"):
        vectors.row_of(other)
    path = tmp_path / "x.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"x\.json: is not JSON"):
        vectors.load(path)
    path.write_text(json.dumps({k: v for k, v in file.items() if k != "tag"}))
    with pytest.raises(InputError, match="lacks tag"):
        vectors.load(path)
    path.write_text(json.dumps({**file, "tolerence": 1}))
    with pytest.raises(InputError, match="did you mean 'tolerance'"):
        vectors.load(path)


def test_unknown_kinds_are_not_checked():
    file = {**FILES[0], "kind": "of_another_time"}
    (row, *rest) = vectors.table(found=[file])
    assert row.status == "not checked" and row.total == len(file["vectors"]) and row.plain == 0
    assert {r.policy for r in rest} == set(PRESETS) - {file["policy"]}


def test_lists_are_compared_number_by_number():
    assert vectors.near([1.0, 2.0], [1.0, 2.05], 0.1) and not vectors.near([1.0, 2.0], [1.0, 2.05], 0.01)
    assert not vectors.near([1.0], [1.0, 1.0], 1.0) and not vectors.near(float("nan"), 0.0, 1.0)


def test_command(capsys, monkeypatch):
    main(["conformance", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] and {r["policy"] for r in found["rows"]} >= set(PRESETS)
    main(["conformance", "--policy", "hn_arc"])
    assert "4/4" in capsys.readouterr().out
    main(["conformance", "--policy", "random"])
    assert "no published vectors" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["conformance", "--policy", "hn_arcc"])
    assert stopped.value.code == 2 and "did you mean 'hn_arc'" in capsys.readouterr().err
    wrong = copy.deepcopy(next(f for f in FILES if f["policy"] == "hn_arc"))
    wrong["vectors"][2]["expected"] = 0.6
    monkeypatch.setattr(vectors, "files", lambda: [wrong])
    with pytest.raises(SystemExit) as stopped:
        main(["conformance"])
    out = capsys.readouterr().out
    assert stopped.value.code == 1 and "FAILED" in out and "hn_arc: vector 3: expected 0.6" in out
