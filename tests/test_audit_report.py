"""The audit report: every section, the numbers it adds, several results in one, and its sentences."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import fake_world
import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

import recsim.report
from recsim.audit.combine import gather
from recsim.audit.evidence import write_evidence
from recsim.audit.report import SECTIONS, content, detection_risk
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment import run
from recsim.experiment.dictionary import described
from recsim.experiment.sums import compare_sums
from recsim.report import write, write_combined
from recsim.report.figure_strings import FIGURES
from recsim.report.strings import ENGLISH, say
from recsim.scenario import load

FAST = {"workers": 1, "robustness": False}
SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=2"]
TEMPLATES = Path(recsim.report.__file__).parent / "templates"
FIGURE_MODULES = [p for p in TEMPLATES.parent.glob("*.py") if "matplotlib" in p.read_text()]


def small(*more):
    return load(fake_world.SMALL, [*SETS, *more])


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    one = run(small("opinion.enabled=true"), out=folder / "one", **FAST)
    write(one)
    other = run(small("platform.policy=random"), out=folder / "other", **FAST)
    write(other)
    return one, other


def test_every_section_is_there_in_both_files(stored):
    one, _ = stored
    found = json.loads((one.folder / "report.json").read_text())
    assert tuple(found) == SECTIONS
    page = (one.folder / "report.html").read_text()
    for key in SECTIONS:
        assert f'<h2 id="{key}">{ENGLISH[key]}</h2>' in page
    for q in found["methods"]["quantities"]:
        assert f'<th scope="row">{q["key"]}</th>' in page.replace("<wbr>", "")
    assert found["results"]["candidates"] == one.summary["candidates"]
    assert found["summary"][0]["shift_pp"] == one.summary["candidates"][2]["shift_pp"]
    for file in ("policy_compiled.py", "exposure.parquet"):
        assert found["evidence"]["sha256"][file] in page


def test_every_column_of_every_table_is_described(stored):
    one, _ = stored
    for name, frame in one.frames.items():
        for column in frame.columns:
            assert described(name, str(column)) is not None, f"{name}.{column}"


@pytest.mark.parametrize("sd, threshold, n", [(1.0, 0.5, 10), (2.0, 1.0, 30), (0.5, 1.0, 5)])
def test_detection_risk_against_statsmodels(sd, threshold, n):
    x = np.random.default_rng(1).normal(0, 1, n)
    x = x / x.std(ddof=1) * sd
    power = TTestPower().power(effect_size=threshold / sd, nobs=n, alpha=0.05)
    assert detection_risk(x, threshold) == pytest.approx(1 - power, abs=1e-6)
    assert detection_risk(np.zeros(4), 1) == 0 and np.isnan(detection_risk(np.array([1.0]), 1))


def test_claims_and_the_command_are_those_of_the_run(stored):
    """Two worlds show that it happens, and no more; the command writes elsewhere, so that the folder still verifies."""
    one, _ = stored
    found = json.loads((one.folder / "report.json").read_text())
    page = (one.folder / "report.html").read_text()
    happened = found["summary"][0]["shift_pp"] != 0
    assert [step["reached"] for step in found["claims"]] == [happened, False, False, False, False, False]
    assert "2 replicates; 30 are asked for" in found["claims"][1]["candidates"][0]["why"]
    assert found["evidence"]["again"].endswith("--replicates 2 --out ../again") and found["evidence"]["again"] in page
    audit = json.loads((one.folder / "audit.json").read_text())
    planned = content(one, audit | {"plan": {"lock": "x"}})
    assert "--plan plan.yaml" in planned["evidence"]["again"]


def test_what_is_not_declared_or_not_in_use_is_said(stored):
    _, other = stored
    found = json.loads((other.folder / "report.json").read_text())
    page = (other.folder / "report.html").read_text().replace("<wbr>", "")
    assert found["results"]["spend_eur"] == {"network": None} and "<td>not declared</td>" in page
    unused = [q["key"] for q in found["methods"]["quantities"] if not q["in_use"]]
    assert "opinion.turnout" in unused and "campaigns.network.accounts" not in unused
    assert f"{len(unused)} more belong to what is switched off" in page and "assumption, not in use" in page
    assert sum(found["methods"]["evidence"].values()) == len(found["methods"]["quantities"]) - len(unused)
    (card,) = found["recommender_cards"]
    assert card["tags"] == ["[D]: our design"] and "[D] ([D]: our design)" in page
    assert "1 percentage point (" in page and "Realised dose" in page and "With 95 %, one further world" in page


def test_several_results_in_one(stored, tmp_path):
    one, other = stored
    main(["report", str(one.folder), str(other.folder), "--out", str(tmp_path / "both")])
    found = json.loads((tmp_path / "both" / "report.json").read_text())
    (beside,) = found["results"]["runs"]
    assert beside["policy"] == "random" and {d["key"] for d in beside["differs"]} == {
        "platform.policy",
        "opinion.enabled",
    }
    eva = next(r for r in other.summary["candidates"] if r["id"] == "eva")
    assert beside["candidates"][0]["shift_pp"] == eva["shift_pp"]
    assert compare_sums(tmp_path / "both").none and "platform.policy: random" in (tmp_path / "both" / "report.html").read_text()  # fmt: skip
    with pytest.raises(InputError, match="not empty"):
        write_combined(one, [], tmp_path / "both")
    with pytest.raises(SystemExit):
        main(["report", str(one.folder), str(other.folder)])


def test_what_cannot_stand_beside_a_run(stored, tmp_path):
    one, _ = stored
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no complete run, trade-off or ensemble"):
        gather(one, [tmp_path / "empty"])
    fewer = [c for c in small().candidates if c.id != "ada"]
    scenario = small().model_copy(update={"candidates": fewer})
    run(scenario, out=tmp_path / "fewer", **FAST)
    with pytest.raises(InputError, match="other candidates"):
        gather(one, [tmp_path / "fewer"])


def test_written_again_it_is_the_same(stored):
    one, _ = stored
    before = {
        name: (one.folder / name).read_bytes() for name in ("report.html", "report.json", "audit.json", "SHA256SUMS")
    }
    main(["report", str(one.folder)])
    assert before == {name: (one.folder / name).read_bytes() for name in before}
    assert write_evidence(one, None) == json.loads(before["audit.json"])


def test_sentences_are_used_and_complete():
    """Every sentence is said by a template or is a section's name; every one that is said is there with its values."""
    text = "".join(p.read_text() for p in TEMPLATES.glob("*.j2"))
    said = set(re.findall(r'say\("(\w+)"', text)) | set(re.findall(r'head\("(\w+)"', text))
    verdicts = {"exceeds", "below", "inconclusive"}
    assert said <= set(ENGLISH) and set(ENGLISH) == said | verdicts | set(SECTIONS)
    for key in ENGLISH:
        fields = [name for _, name, _, _ in string.Formatter().parse(ENGLISH[key]) if name]
        assert say(key, **dict.fromkeys(fields, "x"))
    with pytest.raises(KeyError):
        say("finding")


def test_words_of_figures_are_used_and_complete():
    """Every text of a figure is said by a module that draws, by its whole name or one put together; none is written there."""
    modules = {p.name: p.read_text() for p in FIGURE_MODULES}
    code = "".join(modules.values())
    whole = set(re.findall(r'"(\w+)"', code)) & set(FIGURES)
    put_together = re.findall(r'say\(\s*f"([^"]+)"', code)
    patterns = [re.compile(re.sub(r"\{.*?\}", r"[a-z_]+", text)) for text in put_together]
    made = {key for key in FIGURES if any(p.fullmatch(key) for p in patterns)}
    assert set(FIGURES) == whole | made and not set(FIGURES) & set(ENGLISH)
    assert set(re.findall(r'say\(\s*"(\w+)"', code)) <= set(FIGURES)
    for key, text in FIGURES.items():
        fields = [(name, form) for _, name, form, _ in string.Formatter().parse(text) if name]
        assert say(key, **{name: 1.0 if form else "x" for name, form in fields})
    written = r"(?:set_title|set_xlabel|set_ylabel|supxlabel|suptitle|label=)\(?f?\"[^\"]*[a-z]{3}"
    assert {name: re.findall(written, text) for name, text in modules.items() if re.findall(written, text)} == {}
