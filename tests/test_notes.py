"""The auditor's own words: read, refused, printed apart, kept with the result, replaced, taken out; no number moves."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import fake_arms
import fake_world
import pytest
import yaml

import recsim
from recsim.audit.crate import metadata
from recsim.audit.notes import Notes, Recommendation, ThirdParty, notes_block, notes_schema, read_notes, stored_notes
from recsim.audit.verify import verify
from recsim.cli import main
from recsim.cli.run import How, show
from recsim.errors import InputError
from recsim.experiment import Result, run
from recsim.experiment.compare import compare
from recsim.experiment.sums import NOTES, SUMS, compare_sums
from recsim.experiment.tradeoff import tradeoff
from recsim.report import write, write_combined
from recsim.report.notes_words import notes_lines
from recsim.scenario import load

ROOT = Path(__file__).resolve().parent.parent
WORDS = {
    "auditor": "A. Auditor", "organisation": "Institute X", "contact": "x@example.org", "funding": "own means",
    "interests": "none", "service": "the feed of Y", "management_response": "not asked",
    "third_parties": [{"name": "Electoral authority", "role": "consulted about dates"}, {"name": "Laboratory Z"}],
    "limitations": ["no access to weights", "removed accounts only"],
    "recommendations": [
        {"measure": "slow down sharing", "risk": "Art. 34(1)(c)", "timeframe": "six months", "evidence": "friction"},
        {"measure": "publish numbers", "evidence": "summary.csv"},
        {"measure": "open the weights", "evidence": "interviews"},
        {"measure": "say more"},
    ],
    "valid_until": "2999-12-31",
}  # fmt: skip


FAKE = {"workers": 1, "simulate": fake_world.with_followers}


@pytest.fixture(scope="module", autouse=True)
def without_figures():
    """They are tested elsewhere, and take nearly all the time of a report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recsim.report.figures.all_figures", lambda *_: [])
        patch.setattr("recsim.report.beside.parts", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A stored run of invented counts with its report."""
    folder = tmp_path_factory.mktemp("notes") / "r"
    write(run(load(fake_world.SMALL), out=folder, replicates=2, robustness=False, **FAKE))
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "r")


@pytest.fixture
def words(tmp_path):
    return written(tmp_path / "mine.yaml")


def written(path, **changes):
    path.write_text(yaml.safe_dump(WORDS | changes, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def said(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def page_of(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def section(page, key):
    """What stands below a heading of the page."""
    return page.split(f'<h2 id="{key}">')[1].split("<h2 ")[0]


# ---- the file ----------------------------------------------------------------------------------------------------------


def test_the_example_is_whole_and_says_that_it_is_invented(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["init", "--notes"])
    assert "next: python -m recsim report RUN_DIR --notes notes.yaml" in capsys.readouterr().out
    raw = yaml.safe_load(Path(NOTES).read_text(encoding="utf-8"))
    assert set(raw) == set(Notes.model_fields) and set(raw["third_parties"][0]) == set(ThirdParty.model_fields)
    assert set(raw["recommendations"][0]) == set(Recommendation.model_fields)
    assert "invented" in raw["auditor"] and read_notes(NOTES).notes.auditor == raw["auditor"]
    with pytest.raises(SystemExit) as stop:
        main(["init", "--notes"])
    assert stop.value.code == 2 and "already exists" in capsys.readouterr().err
    main(["init", "other.yaml", "--notes"])
    assert "--notes other.yaml" in Path("other.yaml").read_text(encoding="utf-8")
    main(["init"])
    assert load("my-scenario.yaml").name == "my-scenario"
    capsys.readouterr()
    main(["schema", "--notes"])
    schema = json.loads(capsys.readouterr().out)
    assert schema == notes_schema() and set(schema["properties"]) == set(raw)
    assert all(field.get("description") for field in schema["properties"].values())
    main(["schema"])
    assert json.loads(capsys.readouterr().out)["title"] == "Scenario"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nauditr: X\n", r":2 auditr: got unknown key 'auditr'; allowed: auditor, .*; did you mean 'auditor'\?"),
        ("recommendations:\n- risk: x\n", r":2 recommendations\.0\.?(measure)?: is missing; add it"),
        (
            "recommendations:\n- measure: x\n- measure: y\n  timefame: z\n",
            r":4 recommendations\.1\.timefame: got unknown key 'timefame'; allowed: measure, risk, timeframe, evidence; "
            r"did you mean 'timeframe'\?",
        ),
        ("recommendations:\n- measure: ''\n", r":2 recommendations\.0\.measure: got the text ''"),
        ("third_parties: [X]\n", r":1 third_parties\.0: got the text 'X'; a mapping is needed"),
        ("limitations: none\n", r":1 limitations: got the text 'none'; a list is needed"),
        ("contact: 407\n", r":1 contact: got 407; text is needed"),
        ("valid_until: soon\n", r":1 valid_until: got 'soon'; a date such as 2024-11-24 is needed"),
        ('auditor: "a\\e[2Jb"\n', r":1 auditor: got a control character \(U\+001B\); leave it out"),
        ("# only remarks\n", r": the file is empty; `recsim init --notes` writes a commented example"),
        ("- a\n", r"a mapping of keys is needed"),
        ("auditor: a\nauditor: b\n", r":2: key 'auditor' stands twice \(lines 1 and 2\)"),
        ("axes: []\n", r": is a study; use recsim sweep"),
    ],
)  # fmt: skip
def test_what_cannot_stand_there_is_one_line_with_its_place(tmp_path, text, problem):
    path = tmp_path / "n.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_notes(path)
    lines = str(error.value).splitlines()
    assert any(re.search(re.escape(str(path)) + ".*" + problem.removeprefix(":"), line) for line in lines), lines
    assert all(line.startswith(str(path)) for line in lines)


def test_what_is_left_out_is_nothing_and_dates_are_text(tmp_path):
    path = tmp_path / "n.yaml"
    path.write_text(
        "organisation:\nthird_parties:\nlimitations: []\nrecommendations:\n- {measure: m, timeframe: 2027-03-31}\n"
        "valid_until: 2027-06-30\ninterests: |\n  one\n  two\n"
    )
    found = read_notes(path).notes
    assert (found.organisation, found.third_parties, found.limitations) == ("", [], [])
    assert found.recommendations[0].timeframe == "2027-03-31" and str(found.valid_until) == "2027-06-30"
    assert found.interests == "one\ntwo"
    assert read_notes(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and notes_block(None, 3) is None


# ---- in the report of a run ----------------------------------------------------------------------------------------------


def test_words_go_into_the_report_and_move_no_number(folder, words, capsys):
    before = said(folder)
    assert before["notes"] is None and before["recommendations"] == []
    assert "None were given" in section(page_of(folder), "notes")
    main(["report", str(folder), "--notes", str(words)])
    out = capsys.readouterr()
    after = said(folder)
    assert {k: v for k, v in after.items() if k not in ("notes", "recommendations")} == {
        k: v for k, v in before.items() if k not in ("notes", "recommendations")
    }
    notes = after["notes"]
    mark = hashlib.sha256(words.read_bytes()).hexdigest()
    assert (notes.pop("file"), notes.pop("sha256"), notes.pop("replicates"), notes.pop("past")) == (
        NOTES,
        mark,
        2,
        False,
    )
    expected = {k: v for k, v in WORDS.items() if k != "recommendations"}
    expected["third_parties"] = [{"role": "", **one} for one in WORDS["third_parties"]]
    assert notes == expected
    assert [{k: v for k, v in one.items() if v and k != "evidence_in"} for one in after["recommendations"]] == WORDS["recommendations"]  # fmt: skip
    assert [one["evidence_in"] for one in after["recommendations"]] == [None, "folder", None, None]
    page = page_of(folder)
    own, recommended = section(page, "notes"), section(page, "recommendations")
    assert '<div class="own">' in own and mark in own and '<div class="own">' in recommended
    for text in (
        "A. Auditor",
        "Institute X",
        "x@example.org",
        "own means",
        "the feed of Y",
        "not asked",
        "no access to weights",
    ):
        assert text in own
    assert "Electoral authority: consulted about dates" in own and "<li>Laboratory Z</li>" in own
    for one in WORDS["recommendations"]:
        assert one["measure"] in recommended
    assert "summary.csv (part of the results of this report)" in recommended
    assert "interviews (nothing of that name in this report)" in recommended
    # What was declared before the run, or was not, is not mixed with what was said afterwards.
    assert "not declared in the scenario; see “The auditor’s own words”" in section(page, "independence")
    assert after["independence"]["name"] == ""
    shown = " ".join(out.out.split())
    for text in (
        "The auditor’s own words",
        "Auditor: A. Auditor",
        "- slow down sharing [risk addressed: Art. 34(1)(c);",
        "Valid until: 2999",
    ):
        assert text in shown
    assert out.err == "" and all(len(line) <= 80 for line in out.out.splitlines() if "/" not in line)


def test_the_folder_is_verified_with_them_and_a_changed_word_is_found(folder, words):
    recsim.write_report(Result.load(folder), notes=words)
    assert (folder / NOTES).read_bytes() == words.read_bytes()
    assert f"{hashlib.sha256(words.read_bytes()).hexdigest()}  {NOTES}" in (folder / SUMS).read_text().splitlines()
    assert compare_sums(folder).none
    found = {one.check: one.passed for one in verify(folder, again=False, simulate=fake_world.with_followers)}
    assert found == dict.fromkeys(("files", "tables", "summary", "fingerprint"), True)
    (folder / NOTES).write_bytes(words.read_bytes().replace(b"Institute X", b"Institute V"))
    (one,) = verify(folder, again=False)
    assert one.passed is False and NOTES in one.detail
    graph = {part["@id"]: part for part in metadata(folder)["@graph"]}
    assert {"@id": NOTES} in graph["./"]["hasPart"] and {"@id": NOTES} not in graph["#run"]["result"]
    assert "own words" in graph[NOTES]["description"]


def test_stored_words_are_used_again_replaced_and_taken_out(folder, words, tmp_path, capsys):
    before = files(folder)
    main(["report", str(folder), "--notes", str(words)])
    with_them = files(folder)
    assert set(with_them) - set(before) == {NOTES}
    capsys.readouterr()
    main(["report", str(folder)])
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"own words of {folder / NOTES}" in error and "--no-notes" in error
    assert files(folder) == with_them
    other = written(tmp_path / "other.yaml", auditor="B. Auditor")
    main(["report", str(folder), "--notes", str(other)])
    assert said(folder)["notes"]["auditor"] == "B. Auditor" and compare_sums(folder).none
    capsys.readouterr()
    main(["report", str(folder), "--no-notes"])
    assert capsys.readouterr().err == f"note: {folder / NOTES} was deleted\n"
    assert files(folder) == before  # the very report that was there first
    main(["report", str(folder), "--no-notes"])
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folder), "--notes", str(words), "--no-notes"])
    assert stop.value.code == 2 and "choose one of --notes and --no-notes" in capsys.readouterr().err


@pytest.mark.parametrize("stored", [True, False], ids=["changed in place", "put there by hand"])
def test_what_somebody_wrote_into_the_folder_counts_only_if_it_is_named(folder, words, stored, capsys):
    if stored:
        write(Result.load(folder), notes=words)
    written(folder / NOTES, auditor="C. Auditor")
    before = files(folder)
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folder)])
    error = capsys.readouterr().err
    assert (
        stop.value.code == 2 and f"({'changed' if stored else 'added'}: {NOTES})" in error and "--notes FILE" in error
    )
    assert error.count("\n") == 1 and files(folder) == before
    main(["report", str(folder), "--notes", str(folder / NOTES)])
    assert said(folder)["notes"]["auditor"] == "C. Auditor" and compare_sums(folder).none
    written(folder / NOTES, auditor="D. Auditor")
    main(["report", str(folder), "--no-notes"])
    assert not (folder / NOTES).exists() and compare_sums(folder).none and said(folder)["notes"] is None
    (folder / "extra.txt").write_text("x")  # naming words does not vouch for anything else
    with pytest.raises(InputError, match="added: extra.txt"):
        write(Result.load(folder), notes=words)


def test_bad_words_change_nothing(folder, tmp_path, capsys):
    bad = tmp_path / "bad.yaml"
    bad.write_text("recomendations: []\n")
    before = files(folder)
    for command in (["report", str(folder)], ["report", str(folder), "--out", str(tmp_path / "o")]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--notes", str(bad)])
        error = capsys.readouterr().err
        assert stop.value.code == 2 and f"{bad}:1 recomendations:" in error and "'recommendations'" in error
        assert error.count("\n") == 1 and files(folder) == before and not (tmp_path / "o").exists()
    with pytest.raises(SystemExit):
        main(["report", str(folder), "--notes", str(tmp_path / "bat.yaml")])
    assert "no such file; did you mean" in capsys.readouterr().err


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_words_are_text_whatever_they_look_like(folder, tmp_path, capsys):
    """No markup, no template, no format string, no second table cell."""
    bad = """<script>alert(1)</script>"><img src=x onerror=alert(1)>' {{ 7 * 7 }} {sum} </td></div> &amp; | http://example.org"""
    hostile = {
        **dict.fromkeys(("auditor", "organisation", "contact", "funding", "interests", "service", "management_response"), bad),
        "third_parties": [{"name": bad, "role": bad}], "limitations": [bad],
        "recommendations": [dict.fromkeys(("measure", "risk", "timeframe", "evidence"), bad)],
    }  # fmt: skip
    plain = json.loads(json.dumps(hostile).replace("<", "("))
    pages = []
    for name, content in (("hostile", hostile), ("plain", plain)):
        (tmp_path / name).write_text(yaml.safe_dump(content))
        main(["report", str(folder), "--notes", str(tmp_path / name)])
        pages.append(Tags(page_of(folder)).found)
        if name == "hostile":
            page = page_of(folder)
            assert page.count("<script") == 1 and page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 14
            assert "{{ 7 * 7 }} {sum}" in page and "&amp;amp;" in page and 'href="http' not in page
            assert said(folder)["notes"]["auditor"] == bad and said(folder)["recommendations"][0]["measure"] == bad
    assert pages[0] == pages[1] and "img" not in {tag for tag, _ in pages[0]}
    assert "{{ 7 * 7 }} {sum}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("until, past", [("2020-01-01", True), ("2999-12-31", False)])
def test_what_is_no_longer_valid_says_so(folder, tmp_path, until, past, capsys):
    main(["report", str(folder), "--notes", str(written(tmp_path / "n.yaml", valid_until=until))])
    sentence = f"The auditor holds this to be valid until {until}, which is past."
    assert said(folder)["notes"]["past"] is past
    page = page_of(folder)
    (line,) = [attrs for tag, attrs in Tags(page).found if "data-until" in attrs]
    # Else it is shown by the page itself, once the day has passed.
    assert line["data-until"] == until and ("hidden" not in line) is past and sentence in page
    assert '"[data-until]"' in page
    assert (sentence in " ".join(capsys.readouterr().out.split())) is past


def test_words_of_before_more_replicates_say_so(tmp_path, words, capsys):
    scenario, out = load(fake_world.SMALL), tmp_path / "r"
    write(run(scenario, out=out, replicates=2, robustness=False, **FAKE), notes=words)
    assert "It was given when" not in page_of(out)
    more = run(scenario, out=out, replicates=3, robustness=False, **FAKE)
    assert stored_notes(out).replicates == 2
    show(more, How(quiet=True), write, None)
    assert f"own words of {out / NOTES}" in capsys.readouterr().err
    assert said(out)["notes"]["replicates"] == 2 and compare_sums(out).none
    assert "It was given when the run had 2 replicates; now it has 3." in page_of(out)
    main(["report", str(out)])
    assert said(out)["notes"]["replicates"] == 2
    main(["report", str(out), "--notes", str(words)])  # said again, of what there is now
    assert said(out)["notes"]["replicates"] == 3 and "It was given when" not in page_of(out)


def test_what_has_no_report_for_them_is_refused(words, tmp_path):
    with pytest.raises(InputError, match="notes: this kind of result has no audit report"):
        recsim.write_report(
            compare(load(fake_world.SMALL), policies=["random"], replicates=2, out=tmp_path / "c", **FAKE), notes=words
        )
    assert not (tmp_path / "c" / "compare.html").exists()
    with pytest.raises(InputError, match="notes: a result that was not stored"):
        recsim.write_report(
            run(load(fake_world.SMALL), replicates=2, store=False, robustness=False, **FAKE), notes=words
        )


# ---- several results in one report ---------------------------------------------------------------------------------------


def test_one_report_about_several_results(folder, words, tmp_path, capsys):
    saved = tradeoff(
        load(fake_world.SMALL), mitigations=["friction"], replicates=3, out=tmp_path / "saved", workers=1,
        simulate=fake_arms.simulate_arms,
    )  # fmt: skip
    named = written(tmp_path / "n.yaml", recommendations=[{"measure": "m", "evidence": e} for e in ("friction", "saved", "frictoin")])  # fmt: skip
    before = files(folder)
    main(["report", str(folder), str(saved.folder), "--out", str(tmp_path / "a"), "--notes", str(named)])
    assert "Auditor: A. Auditor" in capsys.readouterr().out
    found = said(tmp_path / "a")
    assert [one["evidence_in"] for one in found["recommendations"]] == ["mitigation", "folder", None]
    assert "friction (compared in this report, under Mitigation)" in section(page_of(tmp_path / "a"), "recommendations")
    assert (tmp_path / "a" / NOTES).read_bytes() == named.read_bytes() and compare_sums(tmp_path / "a").none
    assert found["evidence"]["again"] == f"python -m recsim report r saved --out again --notes {NOTES}"
    assert "(notes.yaml: the one in this folder.)" in page_of(tmp_path / "a") and files(folder) == before
    # Those of the first folder, which are left out if that is asked for, and stay there.
    recsim.write_report(Result.load(folder), notes=words)
    before = files(folder)
    write_combined(Result.load(folder), [], tmp_path / "d", notes=named)  # as with --notes; those that are stored stay
    assert (tmp_path / "d" / NOTES).read_bytes() == named.read_bytes() and files(folder) == before
    main(["report", str(folder), "--out", str(tmp_path / "b")])
    assert f"own words of {folder / NOTES}" in capsys.readouterr().err
    assert (tmp_path / "b" / NOTES).read_bytes() == words.read_bytes() and said(tmp_path / "b")["notes"]["auditor"] == "A. Auditor"  # fmt: skip
    main(["report", str(folder), "--out", str(tmp_path / "c"), "--no-notes"])
    found = said(tmp_path / "c")
    assert found["notes"] is None and found["recommendations"] == [] and "--notes" not in found["evidence"]["again"]
    assert not (tmp_path / "c" / NOTES).exists() and capsys.readouterr().err == "" and files(folder) == before


def test_every_key_stands_on_the_page(tmp_path):
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    part = text.split("\n## The auditor's own words\n")[1].split("\n# ")[0]
    block = notes_block(read_notes(written(tmp_path / "n.yaml")), 2)
    for key in {*Notes.model_fields, *block, *Recommendation.model_fields, *ThirdParty.model_fields, "evidence_in"}:
        assert f"`{key}`" in part, key


def test_long_words_are_wrapped_on_the_terminal(tmp_path):
    long = written(tmp_path / "n.yaml", limitations=["word " * 60], interests="first\nsecond " + "word " * 40)
    block = notes_block(read_notes(long), 2)
    lines = notes_lines(block, [])
    assert all(len(line) <= 80 for line in lines) and "  Recommendations: not given" in lines
    assert any(line.startswith("    - word") for line in lines) and "  Interests: first second word" in " ".join(lines)
