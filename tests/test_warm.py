"""Compiling before a run: two processes share it, and nothing is left for the first replicate."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from recsim.experiment.executor import beside

COLD_RUN = """
from numba.core import event

class Listener(event.Listener):
    def __init__(self):
        self.names = []
    def on_start(self, e):
        self.names.append(e.data["dispatcher"].py_func.__name__)
    def on_end(self, e):
        pass

listener = Listener()
event.register("numba:compile", listener)
import recsim as rs
from recsim.world import pair, warm

import importlib
tasks = importlib.import_module("recsim.experiment.tasks")
tasks.default_workers = lambda: 2
assert warm.is_cold()
first = pair.simulate_replicate
seen = []
def watched(*args, **kwargs):
    if not seen:
        seen.append(len(listener.names))
    return first(*args, **kwargs)
pair.simulate_replicate = watched
rs.run(rs.load("configs/small.yaml"), replicates=1, workers=1, store=False)
assert not warm.is_cold()
print("here", "look_block" in listener.names, "build_pools" in listener.names, "late", listener.names[seen[0]:])
"""


@pytest.mark.slow
def test_two_processes_compile_everything_before_the_first_replicate(tmp_path):
    places = {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "RECSIM_CACHE_DIR": str(tmp_path / "recsim")}
    done = subprocess.run(
        [sys.executable, "-c", COLD_RUN], env={**os.environ, **places}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "here False True late []"


def _touch(path):
    path.write_text("done")


def _fail():
    raise RuntimeError("never seen")


def test_beside_runs_elsewhere_and_ends(tmp_path):
    with beside(_touch, tmp_path / "file") as wait:
        wait()
        assert (tmp_path / "file").read_text() == "done"


def test_beside_is_stopped_when_the_body_fails(tmp_path):
    import time

    began = time.monotonic()
    with pytest.raises(ValueError), beside(time.sleep, 600):
        raise ValueError
    assert time.monotonic() - began < 60


def test_what_fails_beside_is_not_reported(capfd):
    with beside(_fail) as wait:
        wait()
    assert "never seen" not in capfd.readouterr().err
