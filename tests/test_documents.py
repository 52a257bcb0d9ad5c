"""Every picture in docs/ says where it comes from, and the command that makes it again exists."""

import json
import re
from pathlib import Path

import pytest
import yaml

from experiments import documents
from experiments.documents import SHOWN, Shown, chosen, digest, make, read_sources, shown_command
from recsim.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_picture_is_listed_as_it_is():
    pictures = {path.stem: digest(path) for path in documents.IMAGES.glob("*.png")}
    listed = read_sources()
    assert {name: row["sha256"] for name, row in listed.items()} == pictures
    assert set(pictures) == {picture for shown in SHOWN for picture in shown.pictures}
    for row in listed.values():
        assert re.fullmatch(r"[0-9a-f]{12}( and changes)?", row["commit"]) and re.fullmatch(
            r"\d{4}-\d\d-\d\d", row["date"]
        )


def test_every_picture_is_shown_on_its_page_and_its_command_has_what_it_names():
    for shown in SHOWN:
        text = (ROOT / "docs" / shown.page).read_text(encoding="utf-8") + PAGES[0].read_text(encoding="utf-8")
        for picture in shown.pictures:
            assert re.search(rf"images/{picture}\.(png|svg)\)", text), picture
        for word in shown.command:
            if word.endswith((".py", ".yaml")):
                assert (ROOT / word).is_file()
    assert len({shown.name for shown in SHOWN}) == len(SHOWN)


def test_pictures_of_answers_are_called_after_their_command():
    from recsim.report.answer_figures import FIGURES

    answers = [shown for shown in SHOWN if shown.command[:2] == ("-m", "recsim") and shown.command[2] in FIGURES]
    assert {shown.command[2] for shown in answers} == {"attribute", "delay", "tradeoff"}
    for shown in answers:
        assert list(shown.pictures.values()) == [f"figures/{shown.command[2]}"], shown.name


def test_pictures_of_studies_are_those_of_their_axes():
    for shown in chosen(["questions", "assumptions"]):
        (file,) = [word for word in shown.command if word.endswith(".yaml")]
        axes = yaml.safe_load((ROOT / file).read_text())["axes"]
        names = {f"figures/axis_{str(axis.get('name', axis.get('key'))).replace('.', '_')}" for axis in axes}
        assert set(shown.pictures.values()) <= names | {"figures/settings"}


WRITER = """
import json, pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
(out / "figures").mkdir(parents=True, exist_ok=True)
(out / "figures" / "shift.png").write_bytes(b"picture")
(out / "summary.csv").write_text("a,b\\n")
(out / "manifest.json").write_text(json.dumps({"fingerprint": "f" * 64, "git_commit": "1" * 40, "git_uncommitted_changes": True}))
"""


def test_what_is_made_is_put_into_place_with_where_it_comes_from(tmp_path):
    (tmp_path / "writer.py").write_text(WRITER)
    one = Shown("one", "a.md", (str(tmp_path / "writer.py"), "--yes"), 1, {"pic": "figures/shift"}, ["summary.csv"])
    images, results = tmp_path / "images", tmp_path / "results"
    make(one, tmp_path / "out", images, results)
    assert (images / "pic.png").read_bytes() == b"picture" and (results / "one" / "summary.csv").read_text() == "a,b\n"
    (row,) = read_sources(images).values()
    assert row["commit"] == "1" * 12 + " and changes" and row["fingerprint"] == "f" * 64
    assert row["sha256"] == digest(images / "pic.png") and "--yes" not in row["command"]
    other = Shown("two", "a.md", one.command, 1, {"another": "figures/missing"})
    with pytest.raises(InputError, match=r"missing\.png: was not written by the command"):
        make(other, tmp_path / "out", images, results)
    assert set(read_sources(images)) == {"pic"}
    (tmp_path / "writer.py").write_text("raise SystemExit(3)")
    with pytest.raises(InputError, match="^one: ended with an error"):
        make(one, tmp_path / "out", images, results)


def test_names(capsys):
    assert [s.name for s in chosen(["labels", "romania"])] == ["romania", "labels"] and len(chosen(["all"])) == len(
        SHOWN
    )
    with pytest.raises(InputError, match="got unknown result 'romanya'.*did you mean 'romania'"):
        chosen(["romanya"])
    documents.main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SHOWN) and all("min" in line and "never" not in line for line in lines)
    assert shown_command(SHOWN[0]) == "python -m recsim run configs/romania.yaml"


def test_stored_tables_are_of_the_results_that_are_listed():
    """Where a result was kept, its fingerprint is the one beside its pictures."""
    listed = read_sources()
    for shown in SHOWN:
        manifest = documents.RESULTS / shown.name / "manifest.json"
        if manifest.is_file():
            fingerprint = json.loads(manifest.read_text())["fingerprint"]
            assert {listed[picture]["fingerprint"] for picture in shown.pictures} == {fingerprint}
