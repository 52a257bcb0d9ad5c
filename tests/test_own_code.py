"""Policies from outside recsim: their source is kept with what they made, and not run from there unasked."""

from __future__ import annotations

import json
import sys

import fake_world
import pytest

from recsim.audit.verify import verify
from recsim.cli import located, main
from recsim.errors import InputError
from recsim.experiment import run
from recsim.experiment.files import write_last
from recsim.experiment.sums import write_sums
from recsim.ranking import own_code, registry
from recsim.scenario import load

HELPER = "def double(x):\n    return 2 * x\n"
POLICY = """import recsim
from own_helper_a import double

@recsim.policy(w=1.0)
def good(f, p):
    return p.w * double(f.n_like)
"""
SUMMARY = {"fingerprint": "x", "seed": 1, "replicates": 2, "timing": {}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a result of an own policy, whose module is then forgotten and gone."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "own_policy_a.py").write_text(POLICY)
    (here / "own_helper_a.py").write_text(HELPER)
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert registry.get("own_policy_a:good").name == "good"
    run = tmp_path / "run"
    run.mkdir()
    (run / "SHA256SUMS").write_text("of an earlier run\n")
    write_last(run, "summary.json", SUMMARY, "s", False, {}, {}, ["own_policy_a:good", "random"])
    for name in ("own_policy_a", "own_helper_a"):
        del sys.modules[name]
        (here / f"{name}.py").unlink()
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return run


def test_source_and_what_it_imports_from_beside_are_kept(folder):
    assert own_code.kept(folder) == ["policies/own_helper_a.py", "policies/own_policy_a.py"]
    assert (folder / "policies" / "own_policy_a.py").read_text() == POLICY
    assert set(json.loads((folder / "manifest.json").read_text())["sha256"]) == set(own_code.kept(folder))
    assert not (folder / "SHA256SUMS").exists()  # of what is no longer so
    assert own_code.asked("python -m recsim verify .", folder) == "PYTHONPATH=policies python -m recsim verify ."
    assert own_code.asked("x", folder.parent) == own_code.asked("x", None) == "x"


def test_names_without_files(tmp_path):
    names = ["tiktok_value", "recsim.ranking.tiktok_value:tiktok_value", "http://localhost:1/rank", "numpy:array", "json:loads"]  # fmt: skip
    assert own_code.files_of(names) == {}
    own_code.refuse(names, tmp_path)


def test_code_of_a_folder_is_not_run_unasked(folder, monkeypatch):
    names = ["random", "own_policy_a:good"]
    with pytest.raises(InputError, match=r"policies/own_policy_a\.py.*read that file, then set PYTHONPATH=") as error:
        own_code.refuse(names, folder)
    assert "\n" not in str(error.value) and "own_policy_a" not in sys.modules
    monkeypatch.setenv("PYTHONPATH", str(folder / "policies"))
    own_code.refuse(names, folder)
    monkeypatch.setattr(sys, "path", [str(folder / "policies"), *sys.path])
    own_code.refuse(names, folder)
    (folder / "own_policy_a.py").write_text("raise SystemExit")  # not the file that was read
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    with pytest.raises(InputError, match="not run unasked"):
        own_code.refuse(names, folder)


def test_inside_the_folder_the_error_says_where_the_source_is(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=r"kept in policies/own_policy_a\.py: read it, then set PYTHONPATH=policies"):
        registry.get("own_policy_a:good")


def test_whatever_can_be_imported_is_looked_at():
    long = "x" * 300 + ": " + "y" * 300
    raw = {
        "title": "policies: a title",
        "a": [{"b": "my-mod:f"}, "my mod: f", long],
        "c": {"source": "figures: x", "d": 1},
    }
    assert located._own_names([raw, None, "a.b:c"]) == ["my-mod:f", "my mod: f", "a.b:c"]


def test_a_file_from_elsewhere_is_the_users_own(folder, tmp_path, monkeypatch):
    (tmp_path / "own_policy_a.py").write_text("")
    monkeypatch.chdir(tmp_path)
    own_code.refuse(["own_policy_a:good"], folder)


def test_a_stored_run_is_verified_and_redone_only_if_allowed(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [str(folder / "policies"), *sys.path])
    scenario = load(fake_world.SMALL, ["run.replicates=2"])
    out = tmp_path / "own"
    run(scenario, policy="own_policy_a:good", out=out, workers=1, simulate=fake_world.simulate, robustness=False)
    write_sums(out)
    assert own_code.kept(out) == own_code.kept(folder)

    def forget(*path):
        for name in ("own_policy_a", "own_helper_a"):
            sys.modules.pop(name, None)
        monkeypatch.setattr(sys, "path", [*path, *sys.path[1:]])

    forget("")
    found = {f.check: f for f in verify(out, simulate=fake_world.simulate)}
    assert found["files"].passed and found["tables"].passed and found["policy"].passed is None
    assert "policies/own_policy_a.py" in found["policy"].detail and "PYTHONPATH" in found["policy"].detail
    for command in (["run", str(out / "scenario.yaml")], ["report", str(out)]):
        with pytest.raises(SystemExit) as stop:
            main(command)
        error = capsys.readouterr().err
        assert stop.value.code == 2 and "policies/own_policy_a.py" in error and error.count("\n") == 1
    forget(str(out / "policies"))
    monkeypatch.setenv("PYTHONPATH", str(out / "policies"))
    assert [f.passed for f in verify(out, simulate=fake_world.simulate)] == [True] * 5
    (out / "policies" / "own_policy_a.py").write_text(POLICY.replace("w=1.0", "w=2.0"))
    assert verify(out, simulate=fake_world.simulate)[0].detail == "changed: policies/own_policy_a.py"


@pytest.mark.parametrize(
    "command",
    [
        ["run", "simsom.yaml"], ["run", "scenario.yaml"], ["run", "small.yaml", "--set", "platform.policy=own_policy_a:good"],
        ["run", "small.yaml", "--set", "platform.rerank=[own_policy_a:good]"], ["check", "scenario.yaml"],
        ["compare", "small.yaml", "--policies", "own_policy_a:good"], ["log", "scenario.yaml", "--out", "new.csv"],
        ["ensemble", "small.yaml", "--policies", "own_policy_a:good"], ["validate", "scenario.yaml"],
        ["validate", "simsom.yaml"], ["plan", "scenario.yaml", "--out", "new.yaml"], ["describe", "scenario.yaml", "--odd"],
        ["sweep", "study.yaml"], ["sweep", "../study.yaml"], ["sweep", "values.yaml"], ["calibrate", "calibration.yaml"],
        ["show", "own_policy_a:good", "--measure", "small.yaml"],
        ["tradeoff", "small.yaml", "--defences", "defences.yaml"], ["tradeoff", "../small.yaml", "--defences", "reranked.yaml"],
        ["tradeoff", "small.yaml", "--defences", "../defences.yaml"],
    ],
)  # fmt: skip
def test_no_command_runs_code_of_a_folder_unasked(folder, monkeypatch, capsys, command):
    base, own = fake_world.SMALL.resolve().parent, "platform: {policy: own_policy_a:good}\n"
    for name, start in (("scenario", "small"), ("simsom", "simsom-er")):
        (folder / f"{name}.yaml").write_text(f"base: {base / start}.yaml\n{own}")
    (folder / "small.yaml").write_text(f"base: {base / 'small'}.yaml\n")
    axis = "name: x\nscenario: {}\naxes: [{{key: {}, values: [{}]}}]\n"
    (folder / "study.yaml").write_text(axis.format("scenario.yaml", "population.scale", 0.01))
    (folder.parent / "study.yaml").write_text(axis.format("run/scenario.yaml", "population.scale", 0.01))
    (folder / "values.yaml").write_text(axis.format("small.yaml", "platform.policy", "own_policy_a:good"))
    (folder / "calibration.yaml").write_text("name: x\nscenario: scenario.yaml\n")
    (folder.parent / "small.yaml").write_text(f"base: {base / 'small'}.yaml\n")
    defence = "d: {{title: x, article: 35(1)(d), source: assumption, set: {{{}}}}}\n"
    for where in (folder, folder.parent):
        (where / "defences.yaml").write_text(defence.format("platform.policy: own_policy_a:good"))
    (folder / "reranked.yaml").write_text(defence.format("platform.rerank: [own_policy_a:good]"))
    (folder / "policies" / "own_policy_a.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(sys, "path", [str(folder / "policies"), *sys.path])
    with pytest.raises(SystemExit) as stop:
        main([str(folder / part) if part.endswith((".yaml", ".csv")) else part for part in command])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "policies/own_policy_a.py" in error and "not run unasked" in error
    assert "own_policy_a" not in sys.modules and not list(folder.glob("new.*"))
