"""Runs that are killed or stopped in the middle, and scripts that start workers carelessly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fake_world
import pytest
from helpers import hear_ctrl_c
from test_experiment_run import contents, go

from recsim.experiment.executor import without_interrupt
from recsim.scenario import load

ROOT = fake_world.SMALL.parents[1]
# Without a guard on purpose: a short script must not fail, or run twice, for want of one.
SCRIPT = """
import sys
import fake_world
from recsim.experiment import run
from recsim.scenario import load

scenario = load(fake_world.SMALL, ["run.replicates=6"])
try:
    result = run(scenario, out=sys.argv[1], workers=int(sys.argv[2]), simulate=fake_world.simulate)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
print("replicates", result.summary["replicates"], flush=True)
"""


@pytest.fixture
def start(tmp_path):
    """Start the script with two workers (or ``workers``), each replicate taking ``sleep`` seconds."""
    running = []

    def begin(folder, sleep, workers=2, stdin=False):
        log = tmp_path / "log"
        log.mkdir(exist_ok=True)
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        env = {**os.environ, "PYTHONPATH": path, "FAKE_SLEEP": str(sleep), "FAKE_LOG": str(log)}
        call = [sys.executable, "-" if stdin else str(script), str(folder), str(workers)]
        process = subprocess.Popen(
            call, env=env, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=hear_ctrl_c,
        )  # fmt: skip
        if stdin:
            process.stdin.write(SCRIPT)
        process.stdin.close()
        process.stdin = None
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def finished(folder):
    root = Path(folder) / "replicates"
    return [p.name for p in root.iterdir() if p.name.isdigit()] if root.is_dir() else []


def alive_in_group(group):
    """Processes of a group that still run, zombies aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, pgrp = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except (OSError, ValueError):
                continue
            if int(pgrp) == group and state != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_killed_run_is_resumed_to_the_same_bytes(tmp_path, start, workers):
    folder = tmp_path / "a"
    process = start(folder, 0.7, workers)
    wait_for(lambda: finished(folder))
    process.kill()
    process.wait()
    kept = len(finished(folder))
    assert 1 <= kept < 6 and not (folder / "summary.json").exists()
    scenario = load(fake_world.SMALL, ["run.replicates=6"])
    resumed = go(scenario, folder, resume=True)
    assert f"{kept} finished replicates taken over" in resumed.notes
    assert contents(folder) == contents(go(scenario, tmp_path / "b").folder)
    assert not list(folder.rglob(".part-*"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_workers_end_with_a_killed_parent(tmp_path, start):
    process = start(tmp_path / "a", 2.0)
    wait_for(lambda: len(list((tmp_path / "log").iterdir())) >= 2)
    assert len(alive_in_group(process.pid)) >= 3
    process.kill()
    process.wait()
    wait_for(lambda: not alive_in_group(process.pid), 5)


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_ctrl_c_keeps_finished_replicates_and_is_passed_on(tmp_path, start, workers):
    folder = tmp_path / "a"
    process = start(folder, 0.7, workers)
    wait_for(lambda: finished(folder))
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to workers too
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and out == "interrupted\n"
    assert "Traceback" not in err
    assert 1 <= len(finished(folder)) < 6 and not (folder / "summary.json").exists()
    resumed = go(load(fake_world.SMALL, ["run.replicates=6"]), folder, resume=True)
    assert resumed.summary["replicates"] == 6


@pytest.mark.parametrize("taker", ["this thread", "another thread"])
def test_ctrl_c_while_processes_start_waits(taker):
    """It is heard after the start, once; what was started does not hear one that comes later."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    if taker == "another thread":
        other.start()  # its mask is from before: the system hands it the signal
    started = "import signal, sys; sys.exit(signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    steps = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    try:
        with pytest.raises(KeyboardInterrupt), without_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            steps.append(subprocess.run([sys.executable, "-c", started], check=False).returncode)
        assert steps == [0]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        done.set()
        signal.signal(signal.SIGINT, before)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize("stdin", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_script_without_a_main_guard_runs_once(tmp_path, start, stdin):
    process = start(tmp_path / "a", 0.0, stdin=stdin)
    out, err = process.communicate(timeout=60)
    assert out == "replicates 6\n", err
    assert len(list((tmp_path / "log").iterdir())) == 6
