"""Runs: metrics, directories, resuming, workers."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from helpers import ROW_KEYS, SUMMARY_KEYS, TIMING_KEYS, changed, hear_ctrl_c, here

import recsim
from recsim.errors import InputError
from recsim.experiment import run
from recsim.experiment.diff import diff
from recsim.experiment.folder import RunFolder, _began
from recsim.experiment.result import Result
from recsim.experiment.summary import Counts, naive_before_after
from recsim.scenario.quantity import assumed

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def tiny(small):
    return changed(small, run={"replicates": 3, "luck_branches": 2})


@pytest.fixture(scope="module")
def done(tiny, tmp_path_factory):
    return run(tiny, out=tmp_path_factory.mktemp("run") / "r", workers=1)


# ---- numbers -----------------------------------------------------------------------------------------------------


def test_counts_by_hand():
    rows = []
    for arm, a, b in (("factual", 60, 40), ("counterfactual", 50, 50)):
        rows += [(0, 0, arm, -1, "a", "supportive", a, 2), (0, 0, arm, -1, "b", "critical", b, 0)]
    names = ["replicate", "branch", "arm", "day", "candidate", "stance", "impressions", "comment_exposures"]
    counts = Counts(pd.DataFrame(rows, columns=names), ["a", "b"], [0], 1)
    assert counts.shift_pp.tolist() == [pytest.approx([10, -10])]
    assert counts.stance_shift_pp[0].sum(axis=1) == pytest.approx([10, -10])
    assert counts.comments[0, 0, 0].tolist() == [2, 0]


def test_naive_estimate_by_hand():
    rows = [
        (0, "shared", -4, "a", 1),
        (0, "shared", -4, "b", 3),
        (0, "factual", -1, "a", 2),
        (0, "factual", -1, "b", 2),
    ]
    frame = pd.DataFrame(rows, columns=["replicate", "arm", "day", "candidate", "impressions"])
    assert naive_before_after(frame, ["a", "b"], [0], -2) == {"a": pytest.approx(25), "b": pytest.approx(-25)}


# ---- runs --------------------------------------------------------------------------------------------------------


def test_summary_keys(done):
    s = json.loads((done.folder / "summary.json").read_text())
    assert set(SUMMARY_KEYS) <= set(s)
    assert set(ROW_KEYS) <= set(s["candidates"][0])
    assert set(TIMING_KEYS) <= set(s["timing"])
    assert sum(c["share_factual"] for c in s["candidates"]) == pytest.approx(1)
    assert sum(c["shift_pp"] for c in s["candidates"]) == pytest.approx(0, abs=1e-9)
    for c in s["candidates"]:
        assert sum(c[f"shift_{k}_pp"] for k in ("supportive", "neutral", "critical")) == pytest.approx(c["shift_pp"])
        assert 0 < c["reach_factual"] <= 1
    assert s["people"] == 500 and s["steps"] == 60 and s["replicates"] == 3


def test_shift_equals_the_tables(done):
    """Everything needed to check the headline lies in the run directory."""
    e = pd.read_parquet(done.folder / "exposure.parquet")
    e = e[e["arm"] != "shared"]
    keys = ["replicate", "branch", "arm"]
    x = e.groupby([*keys, "candidate"], observed=True)["impressions"].sum().unstack().fillna(0)
    p = x.div(x.sum(axis=1), axis=0)
    d = 100 * (p.xs("factual", level="arm") - p.xs("counterfactual", level="arm"))
    mean = d.groupby("replicate").mean().mean()
    for row in done.summary["candidates"]:
        assert mean[row["id"]] == pytest.approx(row["shift_pp"])


def test_files_and_checksums(done):
    import hashlib

    m = json.loads((done.folder / "manifest.json").read_text())
    for name, expected in m["sha256"].items():
        assert hashlib.sha256((done.folder / name).read_bytes()).hexdigest() == expected
    for name in ("exposure", "provenance", "engagement", "campaigns", "moderation"):
        assert (done.folder / f"{name}.parquet").exists()
    assert "def score_block" in (done.folder / "policy_compiled.py").read_text()


def test_reuse_resume_and_more_replicates(tiny, done):
    again = run(tiny, out=done.folder, workers=1)
    assert again.reused and again.notes
    assert json.loads(json.dumps(again.summary)) == json.loads((done.folder / "summary.json").read_text())


def test_workers_threads_and_resume_give_the_same_bits(tiny, done, tmp_path):
    other = run(tiny, out=tmp_path / "w", workers=2, threads=2)
    for name, frame in done.frames.items():
        left, right = (
            f.astype({c: str for c in f if str(f[c].dtype) == "category"}) for f in (frame, other.frames[name])
        )
        pd.testing.assert_frame_equal(left, right)
    part = run(tiny, replicates=1, out=tmp_path / "p", workers=1)
    assert part.summary["replicates"] == 1 and part.summary["candidates"][0]["ci_low"] is None
    more = run(tiny, out=tmp_path / "p", workers=1)
    assert [c["shift_pp"] for c in more.summary["candidates"]] == [c["shift_pp"] for c in done.summary["candidates"]]


def test_zero_dose_prints_exact_zero(tiny):
    r = run(changed(tiny, dose=assumed(0.0)), store=False, workers=1)
    for c in r.summary["candidates"]:
        assert (c["shift_pp"], c["ci_low"], c["ci_high"]) == (0, 0, 0)
    assert r.summary["tv_distance"] == 0


def test_damaged_replicate_is_computed_again(tiny, tmp_path):
    r = run(tiny, out=tmp_path / "d", workers=1)
    victim = tmp_path / "d" / "replicates" / "00001" / "exposure.parquet"
    victim.write_bytes(victim.read_bytes()[:100])
    (tmp_path / "d" / "summary.json").unlink()
    again = run(tiny, out=tmp_path / "d", workers=1, resume=True)
    assert any("damaged" in n for n in again.notes)
    assert again.summary["candidates"] == r.summary["candidates"]


def test_foreign_and_unfinished_folders(tiny, done, tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(InputError, match="not a run"):
        run(tiny, out=tmp_path, workers=1)
    assert (tmp_path / "mine.txt").read_text() == "keep me"
    with pytest.raises(InputError, match="holds another run"):
        run(tiny, seed=99, out=done.folder, workers=1)
    unfinished = tmp_path / "u"
    folder = RunFolder(unfinished, done.summary["fingerprint"])
    folder.claim(False)
    folder.store(0, {"a": pd.DataFrame({"x": [1]})}, {})
    with pytest.raises(InputError, match="--resume"):
        run(tiny, out=unfinished, workers=1)


def test_lock(tmp_path):
    folder = RunFolder(tmp_path / "l", "x")
    folder.claim(False)
    with folder.lock():
        pass
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        (tmp_path / "l" / ".lock").write_text(str(other.pid))
        with pytest.raises(InputError, match="is writing here"), folder.lock():
            pass
    finally:
        other.kill()
        other.wait()
    with folder.lock():  # the owner is gone
        assert (tmp_path / "l" / ".lock").read_text() == f"{os.getpid()} {_began(os.getpid())}"
    assert not (tmp_path / "l" / ".lock").exists()


def test_a_lock_of_before_a_restart_stops_nobody(tmp_path, monkeypatch):
    """Another process has the old one's number by then."""
    folder = RunFolder(tmp_path / "l", "x")
    folder.claim(False)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        for proc in (True, False):  # as where the system says it in files, and as where ps does
            if not proc:
                monkeypatch.setattr("recsim.experiment.folder.PROC", tmp_path / "none")
            began = _began(other.pid)
            if not began:
                continue
            (tmp_path / "l" / ".lock").write_text(f"{other.pid} {began}")
            with pytest.raises(InputError, match=f"process {other.pid} is writing here"), folder.lock():
                pass
            (tmp_path / "l" / ".lock").write_text(f"{other.pid} another time")
            with folder.lock():
                pass
    finally:
        other.kill()
        other.wait()


def test_a_mark_that_is_no_text_is_another_run(tmp_path):
    (tmp_path / "fingerprint.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="holds another run"):
        RunFolder(tmp_path, "x").inspect()


def test_full_disk(tiny, tmp_path, monkeypatch):
    import errno

    from recsim.errors import RecsimError

    def full(*_a, **_k):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(RecsimError, match="no space left"):
        run(tiny, out=tmp_path / "f", workers=1)
    assert not (tmp_path / "f" / "summary.json").exists()
    assert list((tmp_path / "f" / "replicates").iterdir()) == []


def test_by_dimension(done):
    for dimension in ("region", "language", "age_band", "day", "stance"):
        frame = done.by(dimension)
        assert {"candidate", "shift_pp", "ci_low", "ci_high"} <= set(frame) and len(frame) >= 3
    with pytest.raises(InputError, match="did you mean 'region'"):
        done.by("regoin")


def test_load_and_diff(done, tiny, tmp_path):
    loaded = Result.load(done.folder)
    assert loaded.shift()["shift_pp"].tolist() == done.shift()["shift_pp"].tolist()
    other = run(changed(tiny, dose=assumed(4.0)), out=tmp_path / "o", workers=1)
    found = diff(done.folder, other.folder)
    assert [k for k, _, _ in found.settings] == ["dose"] and found.paired
    assert all(len(line) <= 80 for line in found.to_text().splitlines())
    with pytest.raises(InputError, match="no complete run"):
        diff(done.folder, tmp_path)


def test_public_names():
    assert sorted(recsim.__all__) == [
        "Answer", "CalibrationResult", "Comparison", "DesignResult", "Ensemble", "FollowResult", "FollowScenario", "InputError", "Learned", "Policy", "RecsimError",
        "Reranker", "Result", "Scenario", "StudyResult", "View", "array_policy", "attribute", "calibrate", "check", "compare", "delay", "design",
        "diff", "dose_response", "ensemble", "export_crate", "load", "load_follow", "load_result", "load_study", "measure", "parse",
        "policy", "read_log", "reranker", "run", "run_follow", "run_to_width", "simulated_log", "sweep", "tradeoff", "validate",
        "verify", "write_combined", "write_plan", "write_report",
    ]  # fmt: skip
    for name in recsim.__all__:
        assert getattr(recsim, name) is not None


def test_the_readme_says_which_commands_have_functions():
    """Every command stands in "From Python": with the function of its name, or among those that have none."""
    from typer.main import get_command

    from recsim.cli.app import app

    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## From Python")[1].split("\n## ")[0]
    functions, only = section.split("Commands only:")
    only = set(re.findall(r"`(\w+)`", only.split(".")[0]))
    named = set(re.findall(r"`rs\.(\w+)", functions))
    assert {"dose_response", "load"} <= named <= set(recsim.__all__)
    others = {
        "dose": "dose_response", "plan": "write_plan", "log": "simulated_log", "export": "export_crate", "report": "write_report",
    }  # fmt: skip
    assert only == {name for name in get_command(app).commands if others.get(name, name) not in recsim.__all__}
    assert {name for name in get_command(app).commands if others.get(name, name) not in named} == only


def test_the_readme_lists_every_page():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert f"[docs/{path.name}](docs/{path.name})" in page, path.name


def test_a_missing_dependency_is_one_line():
    """As after `make`, without the environment it made."""
    code = "import sys; sys.modules['typer'] = None; sys.argv = ['recsim', 'list', 'policies']; import runpy; runpy.run_module('recsim', run_name='__main__')"
    r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (r.returncode, r.stdout) == (1, "")
    assert r.stderr.count("\n") == 1 and "Traceback" not in r.stderr
    assert "typer" in r.stderr and "source .venv/bin/activate" in r.stderr


# ---- command line ------------------------------------------------------------------------------------------------


def cli(*arguments, cwd=None, **options):
    return subprocess.run(
        [sys.executable, "-m", "recsim", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=120, **options
    )  # fmt: skip


def test_help_is_fast():
    """It waits for none of the packages that take long: each command imports what it needs when it runs."""
    code = "import sys\nfrom recsim.cli import main\ntry:\n    main(['--help'])\nfinally:\n    print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0 and "attribute" in done.stdout, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert "typer" in loaded and not loaded & {
        "numba",
        "numpy",
        "pandas",
        "scipy",
        "matplotlib",
        "pydantic",
        "mesa",
        "jinja2",
    }


def test_run_json_is_only_json(tmp_path):
    r = cli(
        "run", ROOT / "configs" / "small.yaml", "--replicates", 2, "--workers", 1, "--out", tmp_path / "o", "--json"
    )
    assert r.returncode == 0 and json.loads(r.stdout)["replicates"] == 2
    assert (tmp_path / "o" / "report.html").exists()
    again = cli("run", ROOT / "configs" / "small.yaml", "--replicates", 2, "--out", tmp_path / "o")
    assert again.returncode == 0 and "stored result" in again.stderr
    lines = again.stdout.replace(str(tmp_path), "").splitlines()  # how long that path is, is not ours to say
    assert all(len(line) <= 80 for line in lines) and "\x1b" not in again.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "nothing.yaml"], "no such file"),
        (["run", ROOT / "configs/small.yaml", "--policy", "tiktok"], "did you mean 'tiktok_value'"),
        (["run", ROOT / "configs/small.yaml", "--replicates", "0"], "must be at least 1"),
        (["run", ROOT / "configs/small.yaml", "--dose", "nan"], "must be at least 0"),
        (["run", ROOT / "configs/small.yaml", "--scale", "7"], "at most 1"),
        (["run", ROOT / "configs/small.yaml", "--set", "platform.parameters.w_liek=1"], "did you mean 'w_like'"),
        (["run", ROOT / "configs/small.yaml", "--scale", "1", "--replicates", "500"], "--yes"),
        (["rum"], "No such command"),
        (["list", "policy"], "did you mean 'policies'"),
        (["validate", ROOT / "configs"], "got a directory"),
    ],
)
def test_bad_input_exits_2(arguments, text, tmp_path):
    # One as a process of its own, which ends with the code that the others raise.
    r = (cli if arguments[0] == "rum" else here)(*arguments, cwd=tmp_path)
    assert r.returncode == 2 and text in r.stderr and "Traceback" not in r.stderr, r.stderr
    assert not (tmp_path / "runs").exists()


def test_init_validate_schema_list(tmp_path):
    assert here("init", "a.yaml", cwd=tmp_path).returncode == 0
    refused = here("init", "a.yaml", cwd=tmp_path)
    assert refused.returncode == 2 and "already exists" in refused.stderr
    assert "valid" in here("validate", "a.yaml", cwd=tmp_path).stdout
    assert json.loads(here("schema").stdout)["title"] == "Scenario"
    for what in ("policies", "campaigns", "metrics"):
        assert len(json.loads(here("list", what, "--json").stdout)) >= 4


def test_what_can_be_named_can_be_listed(tmp_path, monkeypatch, capsys):
    from recsim.agents.detectors import DETECTORS
    from recsim.cli import main
    from recsim.cli.listing import LISTED, rows_of
    from recsim.ranking.vocabulary import FEATURES, SLOTS

    monkeypatch.chdir(tmp_path)
    names = {what: [row["name"] for row in rows_of(what)] for what in LISTED}
    assert names["detectors"] == list(DETECTORS) and set(names["features"]) == {*FEATURES, *SLOTS}
    assert names["runs"] == [] and all(names[what] for what in LISTED if what != "runs")
    assert len(set(names["figures"])) == len(names["figures"])
    run = tmp_path / "runs"
    for name, files in {"a": ["summary"], "b": ["compare"], "c": ["fingerprint"], "d": []}.items():
        (run / name).mkdir(parents=True)
        for file in files:
            (run / name / f"{file}.{'txt' if file == 'fingerprint' else 'json'}").write_text(
                '{"policy": "random", "replicates": 3, "candidates": [{"id": "x", "beneficiary": true, "shift_pp": 1.234}]}'
            )
    (run / "b" / "compare.json").write_text("{")
    main(["list", "runs", "--json"])
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert found["runs/a"]["shift"] == ["x +1.23 pp"] and found["runs/a"]["replicates"] == 3
    assert found["runs/b"]["holds"] == "comparison" and "damaged" in found["runs/b"]
    assert "--resume" in found["runs/c"]["holds"] and "runs/d" not in found
    main(["list", "runs"])
    assert "holds: run; policy: random" in capsys.readouterr().out


def test_figures_that_no_run_computes_are_named(tmp_path, capsys):
    """What a world computes is known by its names; a misspelt target is warned of, one declared as not computed is not."""
    from recsim.audit.facts import NUMBERED, figures, targets_not_known
    from recsim.cli import main
    from recsim.scenario import load

    known = {row["name"] for row in figures()}
    small = load(
        ROOT / "configs" / "small.yaml",
        ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18"],
    )
    found = recsim.run(small, replicates=1, store=False, robustness=False, workers=1)
    computed = set(found.frames["facts"]["name"].astype(str))
    assert computed and not {name for name in computed - known if not NUMBERED.fullmatch(name)}
    for name in ("romania", "small"):
        assert targets_not_known(load(ROOT / "configs" / f"{name}.yaml")) == {}
    assert all(row["what"] and row["unit"] for row in figures())
    wrong = ["--set", "targets=[{id: T9, metric: gini_veiws, low: 0, source: nobody}]"]
    main(["validate", str(ROOT / "configs" / "small.yaml"), *wrong])
    said = capsys.readouterr()
    assert "valid" in said.out
    assert (
        said.err
        == "note: targets.T9.metric: got 'gini_veiws', which no run computes; did you mean 'gini_views'? (recsim list figures)\n"
    )


def test_only_commands_that_can_resume_speak_of_it(monkeypatch, capsys):
    from typer.main import get_command

    from recsim.cli import GO_ON_BY_THEMSELVES, RESUMES, main
    from recsim.cli.app import app

    commands = get_command(app).commands
    assert {n for n, c in commands.items() if any("--resume" in p.opts for p in c.params)} == {
        *RESUMES,
        *GO_ON_BY_THEMSELVES,
    }

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("recsim.cli.check.check_command", stopped)
    monkeypatch.setattr("recsim.cli.run.run_command", stopped)
    monkeypatch.setattr("recsim.experiment.sweep.read_design", stopped)
    with pytest.raises(SystemExit):
        main(["sweep", str(ROOT / "experiments" / "questions" / "labels.yaml")])
    assert "error: stopped; finished worlds are kept: the same command continues" in capsys.readouterr().err
    for name, resumes in (("check", False), ("run", True)):
        with pytest.raises(SystemExit) as stop:
            main([name, str(ROOT / "configs/small.yaml")])
        error = capsys.readouterr().err
        assert stop.value.code == 130 and error.startswith("error: stopped") and ("--resume" in error) == resumes


def test_ctrl_c_keeps_finished_replicates(tmp_path):
    command = [sys.executable, "-m", "recsim", "run", str(ROOT / "configs/small.yaml"), "--out", "o", "--workers", "1"]
    command += ["--replicates", "400"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)
    folder = tmp_path / "o" / "replicates"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (folder / "00001").exists():
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=30)
    assert process.returncode == 130 and "--resume" in text, text
    kept = len([p for p in folder.iterdir() if p.name.isdigit()])
    assert kept >= 2 and not (tmp_path / "o" / "summary.json").exists()
    r = cli(*command[3:5], "--out", "o", "--workers", 1, "--replicates", kept, "--resume", "--json", cwd=tmp_path)
    assert r.returncode == 0 and json.loads(r.stdout)["replicates"] == kept


def test_check_quick():
    r = cli("check", ROOT / "configs" / "small.yaml", "--quick", "--json")
    report = json.loads(r.stdout)
    assert r.returncode == 0 and report["passed"]
    assert sum(row["section"] == "controls" and row["verdict"] == "pass" for row in report["rows"]) == 5


def test_rows_of_a_check_are_printed_as_they_come(monkeypatch, capsys):
    """What was found stays on the terminal when the long part is stopped; the whole table is the same text."""
    from recsim.audit.check import check, lines_of
    from recsim.cli import main
    from recsim.scenario import load

    path = ROOT / "configs" / "small.yaml"
    told = []
    # Real controls are in the test above.
    controls = {"one": (lambda _: (True, "fine"), False), "two": (lambda _: (False, "with its reason"), True)}
    monkeypatch.setattr("recsim.audit.check.CONTROLS", controls)
    report = check(load(path), quick=True, found=told.append)
    assert told == report.rows and len(told) > 5 and [row["verdict"] for row in told[:2]] == ["pass", "FAIL"]
    sections = ["", *(row["section"] for row in told)]
    printed = [line for row, before in zip(told, sections, strict=False) for line in lines_of(row, before)]
    assert report.to_text() == "\n".join(printed) and printed[0] == "CONTROLS" and "" in printed

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["recsim.experiment.run"], "run", stopped)
    with pytest.raises(SystemExit):
        main(["check", str(path)])
    said = capsys.readouterr()
    assert "CONTROLS" in said.out and "expect about" in said.err and "2 replicates of the whole" in said.err
    monkeypatch.setattr("recsim.cli.run.LONG_RUN_S", 0)
    for command in (["check"], ["log", "--out", "x.csv"], ["show", "tiktok_value", "--measure"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, str(path)])
        assert stop.value.code == 2 and "add --yes, or lower" in capsys.readouterr().err
