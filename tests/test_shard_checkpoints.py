"""Checkpoints of worlds in shards: whatever is killed, lost or damaged in one of them, all go on from the same."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import changed
from test_checkpoints import Killed, assert_same
from test_exchange import children
from test_experiment_run import contents
from test_shards import ARMS, InThread, Table, alone

from recsim.errors import InputError, RecsimError
from recsim.experiment import run
from recsim.experiment.checkpoints import Checkpoints, Every, Place
from recsim.experiment.folder import RunFolder
from recsim.experiment.shard_checkpoints import ShardCheckpoints, part_of
from recsim.experiment.shards import _seen
from recsim.scenario import dump_yaml, realise
from recsim.world import legs as walking
from recsim.world import pair
from recsim.world.pair import simulate_arms

ROOT = Path(__file__).resolve().parent.parent


def place(folder, **every):
    return Place(folder, "f" * 64, "replicates", 0, Every(**every) if every else Every(hours=24.0), 4.0)


@pytest.fixture(autouse=True)
def one_parser(monkeypatch):
    """Shards are processes; where they are threads, Python's own parser is not safe in two of them (3.11): policies are parsed
    with it, and NumPy reads the heads of its files with it.
    """
    for home, name in ((pair, "make_plan"), (ast, "parse")):
        monkeypatch.setattr(home, name, alone(getattr(home, name)))


class Dying(Checkpoints):
    """Is killed before or after its save number ``after``."""

    after, before = 10**9, False

    def save(self, *what):
        self.after -= 1
        if self.before and self.after == 0:
            raise Killed
        done = super().save(*what)
        if self.after == 0:
            raise Killed
        return done


def session(drawn, shards, folder, prepare=lambda shard, store: None, threads=1, **every):
    """One session of a replicate in shards, each in a thread: (frames and notes of every shard), or the first error."""
    table = Table(shards)

    def one(shard):
        try:
            own = Dying(part_of(place(folder, **every), shard))
            prepare(shard, own)
            exchange = InThread(shard, shards, table)
            store = ShardCheckpoints(own, exchange)
            found = simulate_arms(drawn, 0, ARMS, threads=threads, store=store, exchange=exchange)
            return found.frames, store.notes
        except BaseException:
            table.barrier.abort()
            raise

    with ThreadPoolExecutor(shards) as pool:
        jobs = [pool.submit(one, shard) for shard in range(shards)]
        errors = [job.exception() for job in jobs]
    for error in errors:
        if error is not None and not isinstance(error, threading.BrokenBarrierError):
            raise error
    return [job.result() for job in jobs]


@pytest.fixture(scope="module")
def tiny(small):
    small = changed(small, population={"scale": small.population.scale / 3}, run={"luck_branches": 2})
    return realise(small, small.run.seed, 0)


@pytest.fixture(scope="module")
def whole(tiny):
    return simulate_arms(tiny, 0, ARMS).frames


@pytest.mark.parametrize(
    ("every", "large"),
    [
        pytest.param({"seconds": 0.05}, 0, id="by the clock, forks on the disk alone", marks=pytest.mark.slow),
        pytest.param({"hours": 48.0}, 0, id="simulated days, forks on the disk alone", marks=pytest.mark.slow),
        pytest.param({"hours": 48.0}, 2**60, id="simulated days, forks in memory", marks=pytest.mark.slow),
    ],
)
def test_killed_again_and_again(tiny, whole, tmp_path, monkeypatch, large, every):
    """Another shard each time, before or after it has written its part, which the others may or may not have."""
    monkeypatch.setattr(walking, "ON_DISK", large)
    for number in range(60):

        def prepare(shard, store, number=number):
            if shard == number % 3:
                store.after, store.before = 2, bool(number % 2)

        try:
            found = session(tiny, 3, tmp_path, prepare, threads=1 + number % 2, **every)
            break
        except Killed:
            continue
    assert number > 3
    for frames, _ in found:
        assert_same(frames, whole)


def test_what_one_shard_alone_has_is_not_used(tiny, whole, tmp_path):
    """A part that is missing or damaged in one shard makes all go on from an older world, and the first says so."""

    def stop(shard, store):
        store.after = 6

    with pytest.raises(Killed):
        session(tiny, 2, tmp_path, stop, hours=24.0)
    steps = [sorted(p.name for p in (tmp_path / f"shard-000{k}").iterdir()) for k in range(2)]
    newest = max(set(steps[0]) & set(steps[1]))
    array = max((tmp_path / "shard-0001" / newest).iterdir(), key=lambda p: p.stat().st_size)
    content = bytearray(array.read_bytes())
    content[len(content) // 2] ^= 1
    array.write_bytes(content)
    (first, notes), (second, other) = session(tiny, 2, tmp_path)
    assert_same(first, whole)
    assert_same(second, whole)
    assert f"checkpoint {newest} was damaged in another shard and not used" in notes
    assert any("was damaged (" in note for note in other)


def test_a_full_disk_of_one_shard(tiny, whole, tmp_path):
    """Nothing counts that not everybody has; the run goes on without, and the first shard says so."""

    def full(shard, store):
        if shard == 1:
            store._write = lambda *_: (_ for _ in ()).throw(OSError("no room here"))

    (first, notes), (_, other) = session(tiny, 2, tmp_path, full)
    assert_same(first, whole)
    assert notes == ["a checkpoint could not be written by another shard; it went on without"]
    assert len(other) == 1 and "could not be written (no room here)" in other[0]
    assert not any((tmp_path / "shard-0001").glob("*/SHA256SUMS"))


@pytest.fixture(scope="module")
def two(small):
    return changed(small, run={"replicates": 1, "luck_branches": 5})


def test_a_lost_shard_costs_an_interval(two, tmp_path):
    """In real processes: one shard is killed; resumed in as many shards the replicate goes on, and nothing is left."""
    scenario, out = tmp_path / "s.yaml", tmp_path / "r"
    scenario.write_text(dump_yaml(two))
    expected = run(two, out=tmp_path / "whole", workers=1, robustness=False)
    call = [sys.executable, "-m", "recsim", "run", str(scenario), "--out", str(out), "--shards", "2", "--quiet"]
    process = subprocess.Popen(
        [*call, "--checkpoint-every", "4h"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < until:
        if list(out.glob("checkpoints/replicates-00000-in-2/shard-0001/step-*")):
            break
        time.sleep(0.01)
    os.kill(children(process.pid)[-1], signal.SIGKILL)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and "error: replicate 0:" in said, said
    with pytest.raises(InputError, match=r"holds an unfinished run \(0 replicates done, 1 begun\)"):
        run(two, out=out, workers=1)
    result = run(two, out=out, shards=2, resume=True, robustness=False)
    assert any("replicates-00000 went on from its checkpoint after" in note for note in result.notes), result.notes
    assert not (out / "checkpoints").exists() and contents(out) == contents(expected.folder)


def test_where_they_lie(tmp_path):
    """Those of a whole run and of each number of shards stand apart, are one task, and go together."""
    folder = RunFolder(tmp_path, "f" * 64)
    for shards in (1, 2, 12):
        path = folder.checkpoints("replicates", 3, shards)
        inside = path / "end-0000" if shards == 1 else path / "shard-0001" / "end-0000"
        inside.mkdir(parents=True)
        (inside / "SHA256SUMS").write_text("")
    assert folder.begun() == ["replicates-00003"]
    folder.forget_checkpoints("replicates", 3)
    assert not (tmp_path / "checkpoints").exists()


def test_a_worker_that_does_not_see_the_disk(tmp_path):
    here = place(tmp_path / "run" / "checkpoints" / "replicates-00000-in-2")
    with pytest.raises(
        RecsimError, match="run cannot be seen on .*; checkpoints of shards need a disk that all workers"
    ):
        _seen(here)
    (tmp_path / "run").mkdir()
    assert _seen(here) is here


def test_no_names_at_all(tmp_path):
    table = Table(2)

    def one(shard):
        return ShardCheckpoints(Checkpoints(part_of(place(tmp_path), shard)), InThread(shard, 2, table)).names()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one, range(2))) == [set(), set()]
    assert np.array_equal(list(tmp_path.iterdir()), [])
