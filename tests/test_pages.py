"""The pages for who starts: what they say is what the code does, and what they show runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

import recsim
from recsim.errors import InputError
from recsim.scenario import load, parse, template
from recsim.scenario.base import over
from recsim.scenario.quantity import Evidence
from recsim.scenario.schema import Scenario

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "configs" / "small.yaml"
STARTING = ("README.md", "docs/scenario.md", "docs/python.md", "docs/first-audit.md")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, language=""):
    """Code blocks of a page."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", text_of(page), flags=re.S | re.M)
    return [text for kind, text in found if kind == language]


def table_of(page, heading):
    """Cells of the first table below a heading."""
    lines = text_of(page).split(f"\n## {heading}\n")[1].split("\n## ")[0].splitlines()
    rows = [line.strip("|").split(" | ") for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize("page", STARTING)
def test_commands_have_the_options_that_pages_show(page):
    from typer.main import get_command

    from recsim.cli.app import app

    commands, seen = get_command(app).commands, 0
    for block in blocks(page):
        for line in block.splitlines():
            for part in line.partition("#")[0].split("&&"):
                if not part.strip().startswith("python -m recsim "):
                    continue  # what is printed, or another program's
                words = shlex.split(part)
                options = {name for p in commands[words[3]].params for name in p.opts}
                assert {w.partition("=")[0] for w in words[4:] if w.startswith("--")} <= options, line
                seen += 1
    assert seen or page == "docs/python.md"


def test_links_lead_somewhere():
    """Relative links, anchors and images of all pages."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in link:
                continue
            file, _, anchor = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in _anchors(target), f"{page.name}: {link}"


def _anchors(page):
    """Names of a page's headings, as hosts of repositories make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    heads = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


# ---- what a scenario file is -----------------------------------------------------------------------------------------


def test_the_smallest_scenario_is_one():
    made = parse(yaml.safe_load(blocks("docs/scenario.md", "yaml")[0]))
    needed = {name for name, field in Scenario.model_fields.items() if field.is_required()}
    assert not made.campaigns and set(yaml.safe_load(blocks("docs/scenario.md", "yaml")[0])) == needed


def test_every_block_and_every_word_of_evidence_stands_on_the_page():
    named = {name for row in table_of("docs/scenario.md", "The blocks") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == {*Scenario.model_fields, "base"}
    assert {row[0].strip("`") for row in table_of("docs/scenario.md", "Evidence")} == set(get_args(Evidence))


def test_settings_of_the_page_can_be_set():
    found = re.findall(r"`--set (?:'([^']+)'|([^` ]+[^=`]))`", text_of("docs/scenario.md"))
    settings = [quoted or plain for quoted, plain in found]
    assert len(settings) >= 6 and not any(setting.endswith("=") for setting in settings)
    for setting in settings:
        if setting != "dotted.key=value":
            load(SMALL, [setting])


def test_a_bare_number_that_is_set_loses_its_range_and_says_where_it_came_from():
    """As docs/scenario.md has it, for what the file writes as a mapping, as a bare number, and not at all."""
    was = load(SMALL).campaigns[0].actions_per_day
    made = load(
        SMALL, ["campaigns.network.actions_per_day=5", "campaigns.network.accounts=9", "content.posting_tail=3"]
    )
    assert was.range == (1, 16)
    network = made.campaigns[0]
    assert network.actions_per_day.model_dump() == {
        "value": 5, "range": None, "scale": "linear", "evidence": "assumption", "source": "set on the command line",
    }  # fmt: skip
    assert network.accounts.evidence == made.content.posting_tail.evidence == "unstated"


# ---- from Python -----------------------------------------------------------------------------------------------------


def test_every_public_name_stands_on_the_page():
    named = set(re.findall(r"`rs\.(\w+)", text_of("docs/python.md")))
    assert set(recsim.__all__) <= named, set(recsim.__all__) - named
    assert named <= {*recsim.__all__, "__version__"}, named - set(recsim.__all__)


def test_the_page_from_python_runs(tmp_path, monkeypatch):
    """The script as it stands, then the further blocks where it has run."""
    script, *more = blocks("docs/python.md", "python")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, cwd=tmp_path, timeout=540, env=_with_sources()
    )
    assert done.returncode == 0, done.stderr
    assert "chrono_following" in done.stdout and "fingerprint True" in done.stdout
    assert (tmp_path / "runs" / "first" / "report.html").is_file()
    monkeypatch.chdir(tmp_path)
    names = {"rs": recsim}
    for block in more:
        exec(block, names)
    assert names["scenario"].run.ensemble is not None and names["counts"].shift_pp.shape == (4, 3)


def _with_sources():
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


# ---- a first audit ---------------------------------------------------------------------------------------------------


def audited():
    """The scenario of the page: its numbers in place of the template's."""
    (numbers,) = blocks("docs/first-audit.md", "yaml")
    return parse(over(yaml.safe_load(template("my.yaml")), yaml.safe_load(numbers)), "my.yaml")


def test_the_election_of_the_page_can_be_planned():
    from recsim.audit.plan import declared

    made = audited()
    about = declared(made)
    assert about["replicates"] == "30 replicates" and about["primary_candidates"] == ["eva"]
    assert made.audit.threshold_declared and made.targets[0].metric == "like_rate"
    assert "locked in plan.yaml" in text_of("docs/first-audit.md")


def test_lines_that_the_page_explains_are_printed():
    from recsim.audit.claims import STEPS
    from recsim.audit.controls import CONTROLS
    from recsim.report.strings import ENGLISH

    page = text_of("docs/first-audit.md")
    printed = text_of("recsim/report/table.py")
    rows = page.split("\n## 6. Run\n")[1].split("\n## 7.")[0].splitlines()
    quoted = [part for row in rows if row.startswith("| ") for part in re.findall(r'"([^"]+)"', row.split(" | ")[0])]
    assert len(quoted) >= 7
    for words in quoted:
        for part in words.split(" ... "):
            assert part.replace(" Eva", "").removesuffix(" is ...") in printed, part
    for name in CONTROLS:
        assert f"`{name}`" in page, name
    for name in re.findall(r"^\| `(\w+)` \|", page.split("\n## 8. Verify\n")[1].split("\n## 9.")[0], flags=re.M):
        assert f'Finding("{name}"' in text_of("recsim/audit/verify.py"), name
    for section in re.findall(r"\*\*([^*]+)\*\*", page.split("\n## 7. Report\n")[1].split("\n## 8.")[0]):
        assert section in ENGLISH.values(), section
    assert "a ladder of six steps" in page and len(STEPS) == 6


def _error(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    return str(error.value)


def _missing():
    raw = yaml.safe_load(template("my.yaml"))
    del raw["days"]["vote"]
    return _error(parse, raw, "my.yaml")


def _table(folder, content):
    path = folder / "mine.csv"
    path.write_bytes(content)
    return _error(load, SMALL, [f"population.segments={path}"])


def _folder(folder, mark, replicates=0):
    from recsim.experiment.folder import MARK, RunFolder

    folder.mkdir()
    (folder / MARK).write_text(mark)
    for number in range(replicates):
        (folder / "replicates" / f"{number:05d}").mkdir(parents=True)
    return _error(RunFolder(folder, "9b41d2c8e05a").claim, False)


def _changed(folder):
    from recsim.experiment.folder import verified

    folder.mkdir()
    (folder / "summary.csv").write_text("edited")
    (folder / "summary.json").write_text("{}")
    (folder / "manifest.json").write_text('{"sha256": {"summary.csv": "0"}}')
    return _error(verified, folder, "summary.json", "run")


def _announced(seconds, gibibytes):
    from recsim.cli.run import How

    how = How(None, None, None, False, False, False, False, False, True)
    return _error(how.announce, "", {"seconds": seconds, "mebibytes": gibibytes * 1024}, "--scale or --replicates")


def test_messages_of_the_page_are_those_that_come(tmp_path, monkeypatch):
    """What is provoked here stands on the page, word for word."""
    from recsim.audit.accounting import accounting
    from recsim.audit.plan import Deviation, refuse
    from recsim.cli import GO_ON, MISSING, _with_resume
    from recsim.experiment import executor

    monkeypatch.setattr(executor, "machine_bytes", lambda: 15.5 * 2**30)
    plan = refuse([Deviation("run.replicates", 30, 40)], Path("plan.yaml"))
    messages = {
        "got unknown key 'scal'": _error(load, SMALL, ["population.scal=1"]),
        "did you mean 'scale'?": _error(load, SMALL, ["population.scal=1"]),
        "days.vote: is missing; add it (see `recsim init` for an example)": _missing(),
        "got 1.2, must be in [0, 1]": _error(load, SMALL, ["candidate_content.share_of_supply=1.2"]),
        "evidence is 'documented' but no source is given; add source: \"...\"": _error(load, SMALL, ["dose={value: 1, evidence: documented}"]),
        "got value 4 outside its own range [5, 16]": _error(load, SMALL, ["dose={value: 4, range: [5, 16]}"]),
        "got unknown candidate 'evaa'; allowed: ada, ben, eva; did you mean 'eva'?": _error(load, SMALL, ["campaigns.network.beneficiary=evaa"]),
        "got day -20; the run has room for -8 to 0; set start to -8 or later, or move days.start back to 2024-11-03": _error(load, SMALL, ["campaigns.network.start=-20"]),
        "leaves 5 simulated people, must be at least 10; raise the scale": _error(load, SMALL, ["population.scale=0.00001"]),
        "segments file cannot be read: No such file or directory": _error(load, SMALL, ["population.segments=none.csv"]),
        "column 'adults' is missing; needed: region, language, age_band, adults": _table(tmp_path, b"region,language,age_band\n"),
        "; save the file as UTF-8": _table(tmp_path, "region,language,age_band,adults\nCôte,aa,all,1\n".encode("latin-1")),
        "about 45 min expected; add --yes, or lower --scale or --replicates": _announced(2700, 0),
        "about 30.0 GiB expected, this machine has 15.5;": _announced(1, 30),
        "stopped; finished replicates are kept: the same command with --resume continues": _with_resume("stopped", ["run"], GO_ON),
        "holds an unfinished run (12 replicates done); continue it with --resume": _folder(tmp_path / "a", "9b41d2c8e05a", 12),
        "holds another run (3f2a9c01b7de, this one is 9b41d2c8e05a); choose another folder with --out": _folder(tmp_path / "b", "3f2a9c01b7de"),
        'this run differs from the plan in run.replicates (planned 30, now 40); undo it, or give the reason with --deviation "..."': str(plan),
        "summary.csv is damaged or was changed; run the scenario again into this folder": _changed(tmp_path / "c"),
        "the package 'typer' is not installed for ": MISSING.format(name="typer", python="python"),
    }  # fmt: skip
    names = {row["name"] for row in accounting(load(SMALL))}
    page = text_of("docs/first-audit.md").split("## When something goes wrong")[-1]
    for words, message in messages.items():
        assert words in message, (words, message)
        assert words in page, words
    for name in ("first-pool quota, views per item", "items opened to all, per day"):
        assert name in names and name in page
    assert len(re.findall(r"^\| \d+ \|", page, flags=re.M)) == 15
