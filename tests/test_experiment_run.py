"""Runs and their directories: what is written, reused, resumed, refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import fake_world
import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import changed

import recsim
from recsim import metrics
from recsim.cli.run import How, show
from recsim.cli.verify import report_command
from recsim.errors import InputError, RecsimError
from recsim.experiment import Result, executor, robustness, run
from recsim.experiment.comparison import Comparison
from recsim.experiment.run import configured, expected_work, run_fingerprint
from recsim.experiment.sums import write_sums
from recsim.scenario import load
from recsim.scenario.schema import HeadWeights

TABLES = ["exposure", "provenance", "engagement", "campaigns", "moderation", "followers", "reach", "facts"]


pytestmark = pytest.mark.usefixtures("not_rendered")


@pytest.fixture(scope="module")
def scenario():
    return load(fake_world.SMALL, ["run.replicates=3"])


@pytest.fixture
def simulated(task_log):
    """Replicates simulated since, in order of number."""
    return lambda: sorted(int(p.name.split("-")[0]) for p in task_log.iterdir())


def go(scenario, out, **options):
    return run(scenario, out=out, simulate=fake_world.simulate, **{"workers": 1, **options})


def contents(folder):
    """Bytes of all files that must not depend on how a run was done."""
    names = [
        "scenario.yaml",
        "summary.csv",
        "shift_by_replicate.csv",
        "draws.csv",
        "fingerprint.txt",
        *[f"{name}.parquet" for name in TABLES],
    ]
    out = {name: (Path(folder) / name).read_bytes() for name in names}
    summary = json.loads((Path(folder) / "summary.json").read_text())
    del summary["timing"]
    return out | {"summary": json.dumps(summary)}


def test_the_directory_holds_everything_needed_to_check_or_redo(scenario, tmp_path):
    result = go(scenario, tmp_path / "a")
    folder = result.folder
    present = {p.name for p in folder.iterdir()}
    assert present == {
        "scenario.yaml", "manifest.json", "summary.json", "summary.csv", "fingerprint.txt", "replicates",
        "shift_by_replicate.csv", "draws.csv", *[f"{name}.parquet" for name in TABLES],
    }  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, expected in manifest["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
    assert set(manifest["sha256"]) == present - {"manifest.json", "summary.json", "fingerprint.txt", "replicates"}
    assert manifest["seed"] == 7 and manifest["replicates"] == 3
    assert {"python", "numpy", "numba"} <= set(manifest["versions"])
    assert "same bits" in manifest["bits"] and len(manifest["replicate_meta"]) == 3
    assert load(folder / "scenario.yaml") == result.scenario
    assert json.loads((folder / "summary.json").read_text()) == result.summary
    assert pd.read_csv(folder / "summary.csv")["shift_pp"].tolist() == pytest.approx(
        result.shift()["shift_pp"].tolist()
    )
    assert result.summary["fingerprint"] == (folder / "fingerprint.txt").read_text().strip()


def test_workers_do_not_change_a_byte(scenario, tmp_path):
    one, two = go(scenario, tmp_path / "one", workers=1), go(scenario, tmp_path / "two", workers=2)
    assert contents(one.folder) == contents(two.folder)


def test_the_default_folder_is_named_after_scenario_and_fingerprint(scenario, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(scenario, simulate=fake_world.simulate, workers=1)
    assert result.folder == Path("runs") / f"small-{result.summary['fingerprint'][:12]}"


def test_a_complete_run_is_reused(scenario, tmp_path, simulated):
    first = go(scenario, tmp_path / "a")
    assert simulated() == [0, 1, 2] and not first.reused
    again = go(scenario, tmp_path / "a")
    assert simulated() == [0, 1, 2] and again.reused
    assert again.summary == first.summary and "complete" in again.notes[0]
    fewer = go(scenario, tmp_path / "a", replicates=2)
    assert fewer.summary["replicates"] == 3 and "2 were asked for" in fewer.notes[0]


def test_force_runs_again_in_a_new_folder(scenario, tmp_path, simulated):
    first = go(scenario, tmp_path / "a")
    second, third = (go(scenario, tmp_path / "a", force=True) for _ in range(2))
    assert [r.folder.name for r in (first, second, third)] == ["a", "a-2", "a-3"]
    assert simulated() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert contents(first.folder) == contents(third.folder)


def test_replicates_are_added_to_a_complete_run(scenario, tmp_path, simulated):
    go(scenario, tmp_path / "a", replicates=2)
    more = go(scenario, tmp_path / "a", replicates=4)
    assert simulated() == [0, 1, 2, 3] and more.summary["replicates"] == 4 and not more.reused
    assert contents(more.folder) == contents(go(scenario, tmp_path / "b", replicates=4).folder)


def unfinished(scenario, tmp_path):
    """A run stopped after two of three replicates."""
    folder = go(scenario, tmp_path / "a", replicates=2).folder
    for name in ("summary.json", "manifest.json"):
        (folder / name).unlink()
    return folder


def test_an_unfinished_run_needs_resume(scenario, tmp_path, simulated):
    folder = unfinished(scenario, tmp_path)
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError, match=r"2 replicates done.*--resume"):
        go(scenario, folder)
    assert sorted(folder.rglob("*")) == before and simulated() == [0, 1]
    resumed = go(scenario, folder, resume=True)
    assert simulated() == [0, 1, 2] and "2 finished replicates taken over" in resumed.notes
    assert contents(folder) == contents(go(scenario, tmp_path / "b").folder)


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "index"])
def test_a_damaged_replicate_is_computed_again(scenario, tmp_path, simulated, damage):
    folder = unfinished(scenario, tmp_path)
    file = folder / "replicates" / "00001" / ("meta.json" if damage == "index" else "exposure.parquet")
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        changed = bytes([content[0] ^ 1]) + content[1:] if damage == "changed" else content[: len(content) // 2]
        file.write_bytes(changed)
    resumed = go(scenario, folder, resume=True)
    assert simulated() == [0, 1, 1, 2]
    assert any("replicate 1 was damaged" in note for note in resumed.notes)
    assert contents(folder) == contents(go(scenario, tmp_path / "b").folder)


def test_a_damaged_final_table_is_put_together_again(scenario, tmp_path, simulated):
    folder = go(scenario, tmp_path / "a").folder
    before = contents(folder)
    (folder / "exposure.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"exposure\.parquet is damaged"):
        Result.load(folder)
    mended = go(scenario, folder)
    assert contents(folder) == before and simulated() == [0, 1, 2]
    assert any("exposure.parquet is damaged" in note for note in mended.notes)


@pytest.mark.parametrize("lost", [["exposure.parquet"], ["summary.json"], ["manifest.json", "summary.json"]])
def test_a_damaged_result_keeps_all_its_replicates(scenario, tmp_path, simulated, lost):
    folder = go(scenario, tmp_path / "a").folder
    before = contents(folder)
    for name in lost:
        (folder / name).write_text("{")
    mended = go(scenario, folder, replicates=2)
    assert mended.summary["replicates"] == 3 and contents(folder) == before and simulated() == [0, 1, 2]
    assert any("with all its 3 replicates, 2 were asked for" in note for note in mended.notes)


@pytest.mark.parametrize("content", ["{", "[]", '{"replicates": 3}'])
def test_a_broken_summary_is_an_input_error(scenario, tmp_path, content):
    folder = go(scenario, tmp_path / "a").folder
    (folder / "summary.json").write_text(content)
    with pytest.raises(InputError, match="run"):
        Result.load(folder)


def test_load_gives_back_what_run_gave(scenario, tmp_path):
    made = go(scenario, tmp_path / "a")
    found = Result.load(tmp_path / "a")
    assert found.summary == made.summary and found.scenario == made.scenario and found.reused
    for name in TABLES:
        pd.testing.assert_frame_equal(found.frames[name], made.frames[name], check_dtype=False, check_categorical=False)
    assert found.by("region")["shift_pp"].tolist() == pytest.approx(made.by("region")["shift_pp"].tolist())
    with pytest.raises(InputError, match="no complete run"):
        Result.load(tmp_path)


def test_other_folders_are_refused_and_left_alone(scenario, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match="not a run") as error:
        go(scenario, foreign)
    assert error.value.exit_code == 2 and "\n" not in str(error.value)
    assert [p.name for p in foreign.iterdir()] == ["thesis.docx"]

    other = go(scenario, tmp_path / "other", seed=8).folder
    before = contents(other)
    for options in ({}, {"resume": True}):
        with pytest.raises(InputError, match=r"another run.*--out"):
            go(scenario, other, **options)
    assert contents(other) == before

    file = tmp_path / "file"
    file.write_text("")
    for out in (file, file / "inside"):
        with pytest.raises(InputError, match="--out"):
            go(scenario, out)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert go(scenario, empty).folder == empty


def test_only_one_process_writes_and_a_dead_one_does_not_count(scenario, tmp_path):
    folder = tmp_path / "a"
    go(scenario, folder, replicates=1)
    hold = "import fcntl, os, sys, time\nf = open(sys.argv[1], 'a+')\nfcntl.flock(f, fcntl.LOCK_EX)\nf.truncate(0)\n"
    hold += "f.write(str(os.getpid())); f.flush(); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(folder / ".lock")], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {holder.pid} is writing here"):
            go(scenario, folder)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert (folder / ".lock").read_text() == str(holder.pid)  # left behind by a process that is gone
    assert go(scenario, folder).summary["replicates"] == 3
    assert not (folder / ".lock").exists()


def test_a_full_disk_is_said_and_leaves_earlier_results(scenario, tmp_path, monkeypatch, simulated):
    folder = tmp_path / "a"
    real, count = os.fsync, [0]

    def fsync(handle):
        count[0] += 1
        if count[0] > 15:  # the mark, nine files of the first replicate, some of the second
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(RecsimError, match=r"no space left.*--resume"):
        go(scenario, folder)
    monkeypatch.undo()
    assert [p.name for p in (folder / "replicates").iterdir()] == ["00000"]
    resumed = go(scenario, folder, resume=True)
    assert "1 finished replicates taken over" in resumed.notes
    assert contents(folder) == contents(go(scenario, tmp_path / "b").folder)


def test_what_decides_the_fingerprint(scenario, tmp_path):
    mark = run_fingerprint(scenario, False)
    assert mark == run_fingerprint(scenario, False) and len(mark) == 64

    def of(*overrides, fixed=False):
        return run_fingerprint(load(fake_world.SMALL, list(overrides)), fixed)

    assert of("run.replicates=9") == of() == mark
    others = [of("run.seed=8"), of("dose=2"), of("platform.policy=random"), of("days.start=2024-11-14"), of(fixed=True)]
    assert len({mark, *others}) == 6
    results = [go(scenario, tmp_path / str(n), workers=n, threads=n) for n in (1, 2)]
    assert len({r.summary["fingerprint"] for r in results}) == 1


def test_fixed_parameters_hold_the_central_values(scenario):
    def values_of(**options):
        seen = []

        def spy(drawn, replicate, **rest):
            seen.append(drawn.campaigns[0].actions_per_day.value)
            return fake_world.simulate(drawn, replicate, **rest)

        result = run(scenario, simulate=spy, workers=1, store=False, **options)
        return seen, result.summary["interval_covers"]

    drawn, covers = values_of()
    assert len(set(drawn)) == 3 and all(1 <= v <= 16 for v in drawn) and covers == "luck and declared ranges"
    assert values_of()[0] == drawn
    assert values_of(fixed_parameters=True) == ([4.0] * 3, "luck")


def test_a_dying_worker_is_one_error_and_finished_replicates_are_kept(scenario, tmp_path, monkeypatch, simulated):
    monkeypatch.setenv("FAKE_DIE", "2")
    with pytest.raises(RecsimError, match=r"^replicates 2: a worker process died each of 3 times.*--resume"):
        go(scenario, tmp_path / "a", workers=2, replicates=3)
    monkeypatch.delenv("FAKE_DIE")
    kept = len([p for p in (tmp_path / "a" / "replicates").iterdir() if p.name.isdigit()])
    assert kept == 2
    resumed = go(scenario, tmp_path / "a", resume=True)
    assert f"{kept} finished replicates taken over" in resumed.notes
    assert contents(tmp_path / "a") == contents(go(scenario, tmp_path / "b").folder)


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_never_goes_back_and_ends_at_the_total(scenario, tmp_path, workers):
    seen = []
    go(scenario, tmp_path / "a", workers=workers, progress=lambda done, total, text: seen.append((done, total, text)))
    done = [d for d, _, _ in seen]
    assert done == sorted(done) and done[-1] == seen[-1][1] == 3
    assert seen[-1][2] == "done" and {t for _, t, _ in seen} == {3}


def test_progress_of_a_resumed_run_starts_where_it_stopped(scenario, tmp_path):
    seen = []
    go(scenario, unfinished(scenario, tmp_path), resume=True, progress=lambda done, total, text: seen.append(done))
    assert min(seen) >= 2 and seen[-1] == 3


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"threads": -1}, {"replicates": 0}, {"seed": -1}, {"policy": "randon"}]
)
def test_bad_settings_are_input_errors_and_nothing_is_written(scenario, tmp_path, options):
    with pytest.raises(InputError):
        go(scenario, tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()


def test_store_false_writes_nothing(scenario, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(scenario, simulate=fake_world.simulate, workers=1, store=False)
    assert result.folder is None and list(tmp_path.iterdir()) == []
    stored = go(scenario, tmp_path / "a")
    assert {k: v for k, v in stored.summary.items() if k != "timing"} == {
        k: v for k, v in result.summary.items() if k != "timing"
    }


class TestOtherAssumptions:
    """The table of gates x prior x head weights."""

    @pytest.fixture
    def scenario(self, tmp_path):
        raw = yaml.safe_load(fake_world.SMALL.read_text())
        raw["audit"]["robustness"] = {
            "people": 100, "items_per_day": 50, "videos_per_day": 12, "burn_in_days": 2, "replicates": 2,
            "gates": ["off", "hard"], "prior_events": [40], "head_weights": [{"id": "likes", "parameters": {"w_like": 5}}],
        }  # fmt: skip
        (tmp_path / "s.yaml").write_text(yaml.safe_dump(raw))
        return load(tmp_path / "s.yaml", ["run.replicates=2"])

    def test_another_policy_goes_without_weights_and_shadows_that_it_does_not_have(self, scenario, tmp_path):
        shadows = [{"id": n, "parameters": {n: 2}} for n in ("w_share", "w_base")]
        audit = scenario.audit.model_copy(update={"shadows": [HeadWeights(**one) for one in shadows]})
        result = go(
            scenario.model_copy(update={"audit": audit}), tmp_path / "a", policy="yt_watchtime", robustness=True
        )
        assert set(result.robustness["head_weights"]) == {"as declared"} and not result.scenario.audit.shadows
        assert result.notes[:2] == [
            "audit.shadows without w_share, w_base: policy yt_watchtime does not have these parameters",
            "audit.robustness.head_weights without likes: policy yt_watchtime does not have these parameters",
        ]
        kept = configured(scenario, None, None, "x_2023_04").audit.robustness.head_weights
        assert [one.id for one in kept] == ["likes"]

    def test_wrong_weights_are_refused_before_anything_is_simulated(self, scenario, tmp_path):
        wrong = HeadWeights(id="a", parameters={"w_lik": 1.0})
        robustness = scenario.audit.robustness.model_copy(update={"head_weights": [wrong]})
        audit = scenario.audit.model_copy(update={"robustness": robustness})
        with pytest.raises(InputError, match="did you mean 'w_like'"):
            go(scenario.model_copy(update={"audit": audit}), tmp_path / "a")
        assert not (tmp_path / "a").exists()

    def test_it_has_a_row_per_cell_and_candidate(self, scenario, tmp_path):
        result = go(scenario, tmp_path / "a")
        table = result.robustness
        assert list(table.columns) == [
            "gates",
            "prior_events",
            "head_weights",
            "declared",
            "candidate",
            "shift_pp",
            "ci_low",
            "ci_high",
            "sd",
            "replicates",
        ]
        assert len(table) == (2 * 1 * 2 + 1) * 3 and set(table["replicates"]) == {2}
        assert set(table["head_weights"]) == {"as declared", "likes"}
        mine = table[(table["candidate"] == "eva") & ~table["declared"]]["shift_pp"]
        own = table[(table["candidate"] == "eva") & table["declared"]].iloc[0]
        platform = scenario.platform
        assert (own["gates"], own["prior_events"]) == (platform.gates.mode, platform.predictor.prior_events.value)
        got = result.summary["robustness"]
        assert got["cells"] == 4 and got["eva"] == {
            "lowest_shift_pp": mine.min(), "highest_shift_pp": mine.max(), "declared_shift_pp": own["shift_pp"],
        }  # fmt: skip
        assert pd.read_csv(result.folder / "robustness.csv")["shift_pp"].tolist() == pytest.approx(
            table["shift_pp"].tolist()
        )

    def test_all_cells_share_draws_and_are_smaller(self, scenario, tmp_path, monkeypatch):
        seen = []

        def spy(small, replicate, **options):
            seen.append((replicate, small))
            return fake_world.simulate(small, replicate, **options)

        run(scenario, simulate=spy, workers=1, store=False)
        cells = [(r, s) for r, s in seen if s.run.luck_branches == 1]
        assert len(cells) == 10 and sorted({r for r, _ in cells}) == [0, 1]
        for _, small in cells:
            assert small.run.seed == scenario.run.seed
            assert small.population.people.value * small.population.scale == pytest.approx(100)
            assert small.content.items_per_day == 50
            visits = small.activity.visits_per_day.value * small.activity.videos_per_visit.value
            assert visits == pytest.approx(12)
            assert small.days.count == 1 + 3 + 2  # the vote, three days from the first campaign day, the burn-in
            assert small.campaigns[0].actions_per_day.value == 4  # the central value of a range
        own, others = ([s for _, s in cells if (s.platform.gates.mode == "soft") == wanted] for wanted in (True, False))
        assert {s.platform.gates.mode for s in others} == {"off", "hard"} and scenario.platform.gates.mode == "soft"
        assert {getattr(s.platform.parameters.get("w_like"), "value", None) for s in others} == {None, 5}
        assert {s.platform.predictor.prior_events.value for s in others} == {40}
        assert len(own) == 2  # as declared, at the same size
        for small in own:
            assert small.platform.predictor.prior_events.value == scenario.platform.predictor.prior_events.value != 40
            assert set(small.platform.parameters) == set(scenario.platform.parameters)

    def test_intervals_are_those_of_the_replicates(self):
        shift = [1.0, 2.0, 4.0]
        frame = pd.DataFrame({
            "gates": "off", "prior_events": 40.0, "head_weights": "as declared", "candidate": "eva", "shift_pp": shift,
        })  # fmt: skip
        row = robustness.table(frame, ("off", 40.0, "as declared")).iloc[0]
        expected = metrics.interval(np.array(shift))
        assert (row["shift_pp"], row["ci_low"], row["ci_high"], row["sd"]) == pytest.approx(expected[:4])
        assert row["declared"] and row["replicates"] == 3
        one = robustness.table(frame[:1], ("soft", 40.0, "as declared")).iloc[0]
        assert not one["declared"] and np.isnan(one["ci_low"]) and one["shift_pp"] == 1.0

    def test_the_declared_combination_stands_in_the_table_once(self, scenario):
        assert robustness.cells(scenario)[-1] == robustness.declared(scenario)
        r = scenario.audit.robustness.model_copy(
            update={"gates": ["off", "soft"], "prior_events": [robustness.declared(scenario)[1]]}
        )
        among = changed(scenario, audit={"robustness": r})
        assert robustness.cells(among).count(robustness.declared(among)) == 1 and len(robustness.cells(among)) == 4
        grid = robustness.cells(scenario)[:-1]
        assert expected_work(scenario) > expected_work(changed(scenario, audit={"robustness": r})) and len(grid) == 4

    def test_it_is_stored_resumed_and_left_out_on_request(self, scenario, tmp_path, simulated):
        plain = go(scenario, tmp_path / "a", robustness=False)
        assert plain.robustness is None and not (plain.folder / "robustness.csv").exists() and simulated() == [0, 1]
        added = go(scenario, tmp_path / "a", replicates=1)  # none of the two that are there is lost
        assert len(simulated()) == 2 + 10 and added.robustness is not None and added.summary["replicates"] == 2
        (added.folder / "summary.json").unlink()
        (added.folder / "assumptions" / "00003" / "shift.parquet").unlink()
        resumed = go(scenario, tmp_path / "a", resume=True)
        assert len(simulated()) == 2 + 10 + 1
        pd.testing.assert_frame_equal(resumed.robustness, added.robustness)
        assert Result.load(tmp_path / "a").robustness["shift_pp"].tolist() == pytest.approx(
            added.robustness["shift_pp"].tolist()
        )

    def test_workers_do_not_change_it(self, scenario, tmp_path):
        one, two = (go(scenario, tmp_path / str(n), workers=n) for n in (1, 2))
        assert (one.folder / "robustness.csv").read_bytes() == (two.folder / "robustness.csv").read_bytes()
        assert contents(one.folder) == contents(two.folder)


def test_the_command_line_adds_what_a_run_from_python_lacks(tmp_path):
    """Numbers alone are a complete run, but nobody can read, draw or verify them."""
    written = []
    result = Result(None, {}, {}, tmp_path, reused=True)
    how = How(tmp_path, 1, None, False, False, False, False, False, True)
    show(result, how, written.append, print)
    assert written == [result]
    (tmp_path / "report.html").write_text("page")
    write_sums(tmp_path)
    show(result, how, written.append, print)
    assert len(written) == 1
    (tmp_path / "report.html").unlink()
    show(result, how, written.append, print)
    assert len(written) == 2


def test_more_memory_than_there_is_needs_a_yes(monkeypatch, tmp_path, capsys):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(executor, "LIMIT", limit)
    whole = executor.machine_bytes()  # no such file
    limit.write_text("max\n")
    assert executor.machine_bytes() == whole > 2**28
    limit.write_text(f"{2**28}\n")
    assert executor.machine_bytes() == 2**28
    how, expected = How(None, 1, None, False, False, False, False, False, True), {"seconds": 1.0, "mebibytes": 257.0}
    with pytest.raises(
        InputError, match=r"about 0\.3 GiB expected, this machine has 0\.2; add --yes, or lower --workers"
    ):
        how.announce("a run", expected, "--scale")
    assert capsys.readouterr().err == ""
    how._replace(yes=True).announce("a run", expected, "--scale")
    assert capsys.readouterr().err.startswith("note: about 0.3 GiB expected, this machine has 0.2; it may be")
    how.announce("a run", {"seconds": 1.0, "mebibytes": 256.0}, "--scale")
    how._replace(cluster="tcp://somewhere").announce("a run", expected, "--scale")  # memory of other machines
    assert capsys.readouterr().err == ""


def test_numbers_written_again_leave_no_old_checksums(scenario, tmp_path):
    go(scenario, tmp_path / "a", replicates=1)
    write_sums(tmp_path / "a")
    go(scenario, tmp_path / "a", replicates=2)
    assert not (tmp_path / "a" / "SHA256SUMS").exists()


def test_python_writes_what_the_command_line_writes(scenario, tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr("recsim.report.write", lambda result, notes: called.append((result, notes)))
    monkeypatch.setattr("recsim.report.write_comparison", lambda result: called.append((result, None)))
    for kind in (Result, Comparison):
        result = kind(scenario, {}, {}, tmp_path)
        recsim.write_report(result)
        recsim.write_report(kind(scenario, {}, {}, None))  # nowhere to write
        assert called.pop() == (result, None) and not called


def test_a_list_of_checksums_that_is_new_is_said_to_be(scenario, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("recsim.report.write", lambda result, notes: write_sums(result.folder))
    monkeypatch.setattr(Result, "load", lambda folder: Result(None, {}, {}, folder))
    report_command(tmp_path, [], None)
    assert "held no SHA256SUMS" in capsys.readouterr().err
    report_command(tmp_path, [], None)
    assert capsys.readouterr().err == ""


def test_a_campaign_that_is_over_before_a_small_copy_begins_is_left_out(scenario):
    """Its days would be fewer than none; one that goes on is taken from the first day on."""
    start, vote = scenario.days.start, scenario.days.vote
    room = -(vote - start).days + 1
    one = scenario.campaigns[0]
    old, long = (
        one.model_copy(update={"id": n, "start": room - 9, "end": end}) for n, end in (("old", room - 5), ("long", 0))
    )
    campaigns = robustness.campaigns_from(changed(scenario, campaigns=[old, one, long]), room)
    assert [c.id for c in campaigns] == [one.id, "long"] and campaigns[1].start == room and campaigns[0] == one


def test_an_edited_engine_is_another_run(scenario, tmp_path, monkeypatch):
    """Its file is part of the fingerprint of a run and of the mark of a cell; what was stored of the old one is not shown."""
    from importlib import import_module, reload

    from recsim.experiment.cells import Marks
    from recsim.experiment.task import engine_mark

    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "engine_of_mine.py"
    file.write_text(
        "from fake_world import simulate as other\n\ndef simulate(*given, **more):\n    return other(*given, **more)\n"
    )
    module = import_module("engine_of_mine")
    first = run_fingerprint(scenario, False, module.simulate), Marks(False, module.simulate).mark(scenario)
    made = run(scenario, out=tmp_path / "r", simulate=module.simulate, workers=1, robustness=False)
    assert made.summary["fingerprint"] == first[0] == run_fingerprint(scenario, False, module.simulate)
    file.write_text(file.read_text() + "# edited\n")
    reload(module)
    second = run_fingerprint(scenario, False, module.simulate), Marks(False, module.simulate).mark(scenario)
    assert first[0] != second[0] and first[1] != second[1]
    with pytest.raises(InputError, match="another run"):
        run(scenario, out=tmp_path / "r", simulate=module.simulate, workers=1, robustness=False)
    assert engine_mark(os.getpid).endswith(" no file")
    monkeypatch.delitem(sys.modules, "engine_of_mine")


def test_a_policy_itself_is_taken(scenario, tmp_path, monkeypatch):
    """Under the name by which workers find it; one that no other process can import is refused in a line."""
    from importlib import import_module

    from recsim.experiment.compare import compare
    from recsim.experiment.under_policy import name_of
    from recsim.ranking.presets import PRESETS

    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "policy_of_mine.py").write_text(
        "import recsim\n\n@recsim.policy(w=1.0)\ndef good(f, p):\n    return p.w * f.n_like\n"
    )
    mine = import_module("policy_of_mine").good
    assert name_of(mine) == "policy_of_mine:good" and name_of(PRESETS["random"]) == "random"
    result = go(scenario, tmp_path / "r", policy=mine, robustness=False)
    assert result.scenario.platform.policy == "policy_of_mine:good" and not result.scenario.platform.parameters
    both = compare(scenario, policies=[mine, "random"], store=False, workers=1, simulate=fake_world.simulate)
    assert {"policy_of_mine:good", "random"} < set(both.policies)

    @recsim.policy(w=1.0)
    def inside(f, p):
        return p.w * f.n_like

    for given in (inside, "__main__:inside"):
        with pytest.raises(
            InputError, match=r"policy: got the policy 'inside' of this script.*such as mine.py"
        ) as error:
            go(scenario, tmp_path / "no", policy=given)
        assert "\n" not in str(error.value) and not (tmp_path / "no").exists()
    with pytest.raises(InputError, match="policies: got 3; must be a name"):
        compare(scenario, policies=["random", 3], store=False, simulate=fake_world.simulate)
    monkeypatch.delitem(sys.modules, "policy_of_mine")


def test_a_stopping_rule_that_is_not_followed_is_said(scenario, tmp_path):
    from recsim.experiment.run import NOT_FOLLOWED

    rule = load(fake_world.SMALL, ["audit.stopping.enabled=true", "run.replicates=2"])
    said = NOT_FOLLOWED.format(2)
    for _ in range(2):  # simulated, and shown again
        assert go(rule, tmp_path / "r", robustness=False).notes.count(said) == 1
    assert said not in go(rule, tmp_path / "r", replicates=2, robustness=False).notes
    assert said not in go(scenario, tmp_path / "s", robustness=False).notes


def test_workers_start_where_signals_cannot_be_masked(monkeypatch):
    """As on Windows: neither masks nor the tracker of resources."""
    monkeypatch.setattr(executor, "MASKS", False)
    monkeypatch.delattr("signal.pthread_sigmask")
    monkeypatch.setattr(executor.resource_tracker, "ensure_running", lambda: pytest.fail("is for POSIX only"))
    with executor.without_interrupt():
        pass
    before = signal.getsignal(signal.SIGINT)
    try:
        executor._begin(None)  # what a worker does first
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_stored_result_is_opened_whatever_it_is(scenario, tmp_path):
    from recsim.experiment.compare import compare

    made = go(scenario, tmp_path / "r", robustness=False)
    found = recsim.load_result(tmp_path / "r")
    assert isinstance(found, Result) and found.summary == made.summary and found.reused
    both = compare(scenario, policies=["random"], out=tmp_path / "c", workers=1, simulate=fake_world.simulate)
    assert isinstance(recsim.load_result(tmp_path / "c"), Comparison)
    assert recsim.load_result(tmp_path / "c").summary == both.summary
    with pytest.raises(InputError, match=r"c: holds a comparison, and no complete run \(summary.json is missing\)"):
        Result.load(tmp_path / "c")
    with pytest.raises(InputError, match="c: holds no run but a comparison; the first folder must be a run"):
        report_command(tmp_path / "c", [tmp_path / "r"], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no complete result \(none of summary.json, .*calibration.json"):
        recsim.load_result(tmp_path / "empty")
    with pytest.raises(InputError, match="emty: is no folder; did you mean .*empty"):
        recsim.load_result(tmp_path / "emty")
    (tmp_path / "r" / "summary.json").unlink()
    with pytest.raises(InputError, match="the command that began it goes on with --resume"):
        Result.load(tmp_path / "r")
