"""Verifying and packing stored runs: a single flipped byte anywhere, and forgery that keeps all checksums right."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import fake_world
import pandas as pd
import pytest
from rocrate.rocrate import ROCrate

import recsim
from recsim.audit.crate import METADATA, export_crate
from recsim.audit.verify import verify
from recsim.cli import main
from recsim.errors import InputError
from recsim.experiment import run
from recsim.experiment.result import Result
from recsim.experiment.run import SOURCES, SUMMARY_SOURCES
from recsim.experiment.sums import SUMS, compare_sums, files_of, finished, sealed, write_sums
from recsim.report import write, write_combined
from recsim.scenario import load

FAST = {"workers": 1, "robustness": False}
SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=2"]


pytestmark = pytest.mark.usefixtures("not_rendered")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A stored run of the real engine with its report."""
    folder = tmp_path_factory.mktemp("verify") / "r"
    write(run(load(fake_world.SMALL, SETS), out=folder, **FAST))
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "r")


def checks(found):
    return {f.check: f.passed for f in found}


def test_an_unchanged_run_passes_anywhere(folder):
    assert checks(verify(folder)) == dict.fromkeys(("files", "tables", "summary", "fingerprint", "replicate"), True)
    assert "replicate 1" in verify(folder, replicate=1)[-1].detail
    with pytest.raises(InputError, match="0 to 1"):
        verify(folder, replicate=2)


def test_a_flipped_byte_in_any_file_is_found(folder):
    names = files_of(folder)
    assert len(names) > 40 and {"manifest.json", "summary.json", "report.html", "replicates/00000/meta.json"} <= set(
        names
    )
    for name in names:
        path = folder / name
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        (found,) = verify(folder)
        assert found.passed is False and name in found.detail
        path.write_bytes(before)
    assert verify(folder, again=False)[0].passed


def test_missing_and_added_files_and_a_damaged_list(folder):
    (folder / "by_day.csv").unlink()
    (folder / "new.txt").write_text("x")
    (found,) = verify(folder)
    assert "missing: by_day.csv" in found.detail and "added: new.txt" in found.detail
    (folder / SUMS).write_text("not a checksum\n")
    with pytest.raises(InputError, match=f"{SUMS}:1"):
        verify(folder)
    (folder / SUMS).unlink()
    with pytest.raises(InputError, match="not a complete result"):
        verify(folder)


def test_the_list_is_read_by_the_usual_tool(folder):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    subprocess.run(["sha256sum", "-c", SUMS, "--quiet"], cwd=folder, check=True)


def forged_table(folder, name="exposure"):
    """More impressions of Eva in one replicate, in every file that says so but the summary."""
    part = folder / "replicates" / "00001"
    frame = pd.read_parquet(part / f"{name}.parquet")
    frame.loc[frame["candidate"].astype(str) == "eva", "impressions"] += 1
    frame.to_parquet(part / f"{name}.parquet", index=False)
    meta = json.loads((part / "meta.json").read_text())
    meta["sha256"][f"{name}.parquet"] = hashlib.sha256((part / f"{name}.parquet").read_bytes()).hexdigest()
    (part / "meta.json").write_text(json.dumps(meta))
    whole = pd.read_parquet(folder / f"{name}.parquet")
    mine = (whole["replicate"] == 1) & (whole["candidate"].astype(str) == "eva")
    whole.loc[mine, "impressions"] += 1
    whole.to_parquet(folder / f"{name}.parquet", index=False)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][f"{name}.parquet"] = hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_sums(folder)


def test_a_forged_table_contradicts_the_summary(folder):
    forged_table(folder)
    found = verify(folder)
    assert checks(found) == {"files": True, "tables": True, "summary": False, "fingerprint": True}
    assert "summary.json" in found[2].detail


def test_a_forged_summary_contradicts_the_tables(folder):
    summary = json.loads((folder / "summary.json").read_text())
    summary["candidates"][2]["shift_pp"] += 1
    (folder / "summary.json").write_text(json.dumps(summary))
    write_sums(folder)
    assert checks(verify(folder))["summary"] is False


def test_a_thorough_forgery_is_found_by_doing_it_again(folder):
    """Tables, summary and all checksums agree; only the simulation does not."""
    from recsim.experiment.summary import summarise

    forged_table(folder)
    result = Result.load(folder)
    metas = json.loads((folder / "manifest.json").read_text())["replicate_meta"]
    said = result.summary
    new = summarise(result.scenario, result.frames, metas, said["fingerprint"], said["timing"], None, False)
    (folder / "summary.json").write_text(json.dumps(new))
    stored_again(folder, "shift_by_replicate.csv", result.by_replicate())
    assert all(checks(verify(folder, replicate=0)).values())
    found = verify(folder, replicate=1)[-1]
    assert found.passed is False and "exposure" in found.detail


def stored_again(folder, name, table):
    """A CSV file with other numbers and the checksums of these."""
    (folder / name).write_text(table.to_csv(index=False))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_sums(folder)


@pytest.mark.parametrize("name, column", [("shift_by_replicate.csv", "shift_pp"), ("draws.csv", "value")])
def test_forged_tables_by_replicate_are_found(folder, name, column):
    table = pd.read_csv(folder / name)
    stored_again(folder, name, table)
    assert checks(verify(folder, again=False))["summary"] is True  # what was read and written again is the same
    table.loc[0, column] += 0.001
    stored_again(folder, name, table)
    found = verify(folder, again=False)
    assert checks(found)["summary"] is False and name in found[2].detail


def made_by_another(folder, lost=(), **entries):
    """The run as another recsim would have left it: with one more number in its summary."""
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"of_another_version": 1}))
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {key: value for key, value in manifest.items() if key not in lost}
    (folder / "manifest.json").write_text(json.dumps(kept | entries))
    write_sums(folder)


def test_other_sources_cannot_be_compared(folder):
    made_by_another(folder, source_sha256="0" * 64)
    found = verify(folder)
    assert checks(found) == {"files": True, "tables": True, "summary": None, "sources": None}
    assert "another recsim" in found[2].detail
    forged_table(folder)
    part = folder / "replicates" / "00001" / "meta.json"
    part.write_text("{}")  # tables are compared with replicates all the same
    write_sums(folder)
    assert checks(verify(folder)) == {"files": True, "tables": False, "sources": None}


@pytest.mark.parametrize("change", [{"summary_sha256": "0" * 64}, {"lost": ["summary_sha256"]}])
def test_a_summary_of_another_recsim_is_not_called_forged(folder, change):
    """What the summary is computed with is no part of the sources that decide a replicate, which is done again."""
    made_by_another(folder, **change)
    assert checks(verify(folder)) == {
        "files": True, "tables": True, "summary": None, "fingerprint": True, "replicate": True,
    }  # fmt: skip


def test_the_summary_says_by_which_sources_it_was_computed():
    """Whatever the summary is computed with is of the sources of the engine or of its own."""
    root, known = Path(recsim.__file__).parent, (*SOURCES, *SUMMARY_SOURCES)
    for name in SUMMARY_SOURCES:
        for node in ast.walk(ast.parse((root / name).read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.module.startswith("recsim"):
                continue
            for module in [f"recsim.{one.name}" for one in node.names] if node.module == "recsim" else [node.module]:
                path = module.removeprefix("recsim.").replace(".", "/")
                assert f"{path}.py" in known or path.partition("/")[0] in known, module


def test_another_scenario_under_the_same_fingerprint(folder):
    text = (folder / "scenario.yaml").read_text()
    (folder / "scenario.yaml").write_text(text.replace("seed: 7", "seed: 8", 1))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["scenario.yaml"] = hashlib.sha256((folder / "scenario.yaml").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_sums(folder)
    found = verify(folder)
    assert checks(found)["fingerprint"] is False and "replicate" not in checks(found)


def test_findings_are_told_as_they_come(folder, monkeypatch, capsys):
    """A replicate that takes long, or a Ctrl-C in it, loses no finding before it; how far it is can be seen."""
    told, done = [], []
    found = verify(folder, progress=lambda *far: done.append(far), found=told.append)
    assert told == found and len(found) == 5 and done[-1][0] == done[-1][1] and len(done) > 3

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("recsim.audit.verify.do_task", stopped)
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(folder)])
    said = capsys.readouterr()
    assert stop.value.code == 130
    assert [line.split()[0] for line in said.out.splitlines()] == ["files", "tables", "summary", "fingerprint"]
    assert "one replicate again; expect about" in said.err
    monkeypatch.setattr("recsim.cli.run.LONG_RUN_S", 0)
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(folder)])
    assert stop.value.code == 2 and "add --yes, or lower the work with --files-only" in capsys.readouterr().err
    main(["verify", str(folder), "--files-only"])
    with pytest.raises(InputError, match="rr: is no folder; did you mean .*r?"):
        verify(folder.with_name("rr"))


def test_commands(folder, tmp_path, capsys):
    main(["verify", str(folder), "--replicate", "0", "--json"])
    assert json.loads(capsys.readouterr().out)["passed"]
    main(["export", str(folder), "--ro-crate", str(tmp_path / "r.zip")])
    (folder / "summary.csv").write_text("x")
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(folder)])
    assert stop.value.code == 1 and "changed: summary.csv" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["export", str(folder), "--ro-crate", str(tmp_path / "s.zip")])
    assert stop.value.code == 2 and not (tmp_path / "s.zip").exists()


def test_a_report_does_not_vouch_for_what_somebody_changed(folder, capsys):
    before = (folder / SUMS).read_bytes()
    manifest = folder / "manifest.json"
    kept = manifest.read_bytes()
    manifest.write_text(json.dumps(json.loads(kept) | {"git_commit": "0" * 40}, indent=1))
    (folder / "notes.txt").write_text("x")
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folder)])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "changed: manifest.json; added: notes.txt" in error and error.count("\n") == 1
    assert (folder / SUMS).read_bytes() == before
    with pytest.raises(InputError, match="changed: manifest.json"):
        write_combined(Result.load(folder), [], folder.parent / "combined")
    assert not (folder.parent / "combined").exists()
    manifest.write_bytes(kept)
    (folder / "notes.txt").unlink()
    (folder / "report.html").unlink()  # what is made from the rest may be lost or damaged: it is made again
    (folder / "metrics.csv").write_text("x")
    main(["report", str(folder)])
    assert (folder / SUMS).read_bytes() == before and compare_sums(folder).none


def test_checksums_of_what_is_not_written_here_stay(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("numbers.csv", "page.html", "figures/a.svg"):
        (tmp_path / name).write_text(name)
    write_sums(tmp_path)
    assert finished(tmp_path) and finished(None)
    with sealed(tmp_path, True, ["page.html", "figures/*"]):
        (tmp_path / "page.html").write_text("again")
        (tmp_path / "numbers.csv").write_text("changed meanwhile")
    assert compare_sums(tmp_path) == (["numbers.csv"], [], [])
    with pytest.raises(InputError, match="changed: numbers.csv"), sealed(tmp_path, True, ["page.html"]):
        raise AssertionError("nothing is written")
    (tmp_path / "page.html").unlink()
    assert not finished(tmp_path)
    (tmp_path / SUMS).unlink()
    assert not finished(tmp_path)


def test_a_crate_holds_everything_and_says_what_it_is(kept, tmp_path):
    out = export_crate(kept, tmp_path / "r.zip")
    crate = ROCrate(out)  # the field's own library reads it
    assert crate.name == "Three invented candidates and one bot network"
    names = {e.id for e in crate.data_entities if e.type == "File"}
    with zipfile.ZipFile(out) as packed:
        assert set(packed.namelist()) == names | {METADATA}
        for e in crate.data_entities:
            content = packed.read(e.id)
            assert int(e["contentSize"]) == len(content)
            assert e.id == SUMS or e["sha256"] == hashlib.sha256(content).hexdigest()
        packed.extractall(tmp_path / "again")
    run_ = crate.dereference("#run")
    assert run_["instrument"].id == "#recsim" and [o.id for o in run_["object"]] == ["scenario.yaml"]
    assert {o.id for o in run_["result"]} == names - {"scenario.yaml"}
    (tmp_path / "again" / METADATA).unlink()
    assert compare_sums(tmp_path / "again").none
    with pytest.raises(InputError, match="already exists"):
        export_crate(kept, out)
