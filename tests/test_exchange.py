"""What shards say to each other over real connections, and what happens when one of them is lost."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import changed, hear_ctrl_c
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from test_experiment_run import contents

from recsim.errors import InputError, RecsimError
from recsim.experiment import run
from recsim.experiment.exchange import Hub, Link, Message, packed
from recsim.experiment.shards import digest_of, host_towards
from recsim.scenario import load
from recsim.world.shards import agree, bounds

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "f4", "f8", "?")


@given(st.lists(st.sampled_from(KINDS).flatmap(
    lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
), max_size=4))  # fmt: skip
def test_a_message_is_what_was_sent(sent):
    read = Message(packed(sent, "swap", more=3))
    assert read.head["more"] == 3
    for array in sent:
        found = read.take()
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_few_and_small_numbers_take_few_bytes():
    table = np.zeros((1000, 10), np.int64)
    empty = len(packed([table]))
    table[7, 3] = 5
    assert len(packed([table])) - empty < 12 and empty < 150
    table[:] = 100
    assert len(packed([table])) - empty < 10_100  # a byte each
    table[0, 0] = 40_000
    assert 40_000 <= len(packed([table])) - empty < 40_100


def together(shards, work, host="127.0.0.1"):
    """What ``work(link)`` returns in each of so many threads that share a hub."""
    with Hub(shards, host) as hub, ThreadPoolExecutor(shards) as pool:
        jobs = [pool.submit(lambda k=k: work(Link(k, shards, hub.address, hub.key))) for k in range(shards)]
        found = [job.exception() or job.result() for job in jobs]
    return hub, found


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_sums_and_lists(shards):
    """Sums stay in the caller's arrays, views with gaps among them; lists come in order of the shards."""
    everybody = np.arange(23, dtype=np.float32)
    edges = bounds(23, shards)

    def work(link):
        mine = everybody[edges[link.shard] : edges[link.shard + 1]]
        table, odd = np.full((2, 3), link.shard + 1, np.int32), np.zeros((4, 6), np.int64)
        odd[:, ::2] = 10**12 * (link.shard == 1) - 1
        (found,) = link.swap([table, odd[:, ::2]], [mine])
        link.swap([table], [])
        link.end("same")
        return table, odd, found, link

    hub, found = together(shards, work)
    for table, odd, people, link in found:
        assert table.dtype == np.int32 and (table == shards * sum(range(1, shards + 1))).all()
        assert (odd[:, ::2] == 10**12 * (shards > 1) - shards).all() and not odd[:, 1::2].any()
        assert np.array_equal(people, everybody) and people.dtype == np.float32 and link.rounds == 2
    assert hub.rounds == 2 and hub.why == ""
    assert hub.bytes_in == sum(link.sent for *_, link in found) - shards * len(
        packed([], "hello", shard=1, shards=shards)
    )
    assert hub.bytes_out == sum(link.received for *_, link in found)
    assert hub.waited == [pytest.approx(link.waited, abs=1e-3) for *_, link in found]


def test_shards_that_disagree_or_lose_step_are_found():
    def disagree(link):
        link.end(str(link.shard))

    hub, found = together(2, disagree)
    assert "found different results" in hub.why and all("found different" in str(e) for e in found)

    def lose_step(link):
        link.swap([np.zeros(2, np.int64)] * (1 + link.shard), [])

    hub, found = together(2, lose_step)
    assert "lost step" in hub.why and all(isinstance(e, RecsimError) for e in found)

    def other_shape(link):
        link.swap([np.zeros(2 + link.shard, np.int64)], [])

    hub, found = together(2, other_shape)
    assert "lost step: got int64 of shape (3,), must be int64 of (2,)" in hub.why and all(
        isinstance(e, RecsimError) for e in found
    )


def test_whoever_fails_says_why():
    def work(link):
        if link.shard == 1:
            link.fail("no space")
            return None
        link.swap([np.zeros(2, np.int64)], [])

    hub, found = together(3, work)
    assert hub.why == "no space" and [str(e) for e in found] == ["no space", "None", "no space"]


def test_a_lost_shard_ends_the_others():
    def work(link):
        if link.shard == 1:
            link.line.close()
            return None
        link.swap([np.zeros(2, np.int64)], [])

    hub, found = together(3, work)
    assert "was lost" in hub.why and [isinstance(e, RecsimError) for e in found] == [True, False, True]


def test_a_hub_that_nobody_comes_to_ends_at_once():
    began = time.monotonic()
    with Hub(3) as hub:
        pass
    assert time.monotonic() - began < 3 and not hub._thread.is_alive()
    with pytest.raises(RecsimError, match="shard 0 cannot reach its hub at 127.0.0.1:"):
        Link(0, 1, hub.address, hub.key)


def test_strangers_are_not_heard():
    with Hub(1) as hub:
        with pytest.raises(RecsimError, match="cannot reach its hub"):
            Link(0, 1, hub.address, b"guess")
        link = Link(0, 1, hub.address, hub.key)
        assert link.swap([], [np.arange(3)])[0].tolist() == [0, 1, 2]
        link.end("")


def test_whoever_is_silent_is_not_waited_for(monkeypatch):
    """A stranger who connects and says nothing delays others by a moment, also when the hub is to end."""
    monkeypatch.setattr("recsim.experiment.exchange.HELLO_S", 1.0)
    with Hub(1) as hub:
        silent = socket.create_connection(hub.address)
        link = Link(0, 1, hub.address, hub.key)
        assert link.swap([], [np.arange(3)])[0].tolist() == [0, 1, 2]
        link.end("")
        silent.close()
    began = time.monotonic()
    with Hub(2) as hub:
        silent = socket.create_connection(hub.address)
        time.sleep(0.1)
    assert time.monotonic() - began < 4 and not hub._thread.is_alive()
    silent.close()


def test_a_message_that_stops_half_way_ends_the_world(monkeypatch):
    monkeypatch.setattr("recsim.experiment.exchange.STALLED_S", 1.0)

    def work(link):
        if link.shard == 1:
            os.write(link.line.fileno(), struct.pack("!i", 1000) + b"half")
            time.sleep(2.5)
            return None
        link.swap([np.zeros(2, np.int64)], [])

    hub, found = together(2, work)
    assert "was lost" in hub.why and isinstance(found[0], RecsimError)


def test_a_fault_of_the_hub_is_said(monkeypatch):
    def broken(heard):
        raise MemoryError("no room")

    monkeypatch.setattr("recsim.experiment.exchange._together", broken)
    hub, found = together(2, lambda link: link.swap([np.zeros(2, np.int64)], []))
    assert hub.why == "the exchange between shards failed: no room" and all("no room" in str(e) for e in found)


def test_other_bits_are_found():
    def work(link):
        agree(link, "counts", np.arange(5), np.zeros(3, np.float32))
        agree(link, "counts", np.full(3, 0.1 + (link.shard == 1) * 1e-9))

    _, found = together(2, work)
    assert all("shards of one world have different counts" in str(e) for e in found)


def test_host():
    assert host_towards("tcp://127.0.0.1:8786") == host_towards("ws://127.0.0.1:8786/ws") == "127.0.0.1"
    with pytest.raises(InputError, match="cannot be told where this process is"):
        host_towards("inproc://somewhere/1/2")


# ---- whole runs ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(small):
    return changed(small, run={"replicates": 2})


@pytest.mark.parametrize("robustness", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_run_in_shards_is_the_run(two, tmp_path, robustness):
    """The same fingerprint, files and bytes; a run begun whole goes on in shards, with what other shards say noted."""
    go = functools.partial(run, robustness=robustness)
    whole = go(two, out=tmp_path / "whole", workers=1)
    parts = go(two, out=tmp_path / "parts", shards=2)
    assert (
        contents(parts.folder) == contents(whole.folder)
        and whole.summary["fingerprint"] == parts.summary["fingerprint"]
    )
    assert digest_of(parts.frames) == digest_of(whole.frames)
    if not robustness:
        return
    more = go(two, replicates=3, out=tmp_path / "parts", shards=3)
    assert any("1 replicates" in note or "taken over" in note for note in more.notes)
    assert contents(more.folder) == contents(go(two, replicates=3, out=tmp_path / "three", workers=1).folder)


@pytest.mark.slow
def test_on_a_cluster(two, tmp_path):
    """Each shard on a worker of its own; too few workers are refused."""
    pytest.importorskip("distributed")
    whole = run(two, out=tmp_path / "whole", workers=1, robustness=False)
    parts = run(two, out=tmp_path / "parts", shards=2, workers=2, cluster="local", robustness=False)
    assert contents(parts.folder) == contents(whole.folder)
    with pytest.raises(InputError, match="got 3 shards, the cluster has 1 workers; each shard needs one"):
        run(two, out=tmp_path / "few", shards=3, workers=1, cluster="local", robustness=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": 0}, "shards: got 0, must be at least 1"), ({"shards": 2000}, "shards: got 2000, must be at most 1000"),
        ({"shards": 2, "workers": 2}, "each shard is a process"),
        ({"shards": 2, "checkpoint_every": "1d", "store": False}, "a run that is not stored writes no checkpoints"),
        ({"shards": 2, "simulate": print}, "another engine cannot be cut"),
    ],
)  # fmt: skip
def test_what_is_refused(two, options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(two, out=tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()


COMMAND = [sys.executable, "-m", "recsim", "run", "configs/small.yaml", "--replicates", "40", "--shards", "2"]


def begun(folder):
    """The command in a process of its own, once it has a finished replicate."""
    process = subprocess.Popen(
        [*COMMAND, "--out", str(folder)], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None and not (folder / "replicates" / "00000").is_dir():
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()
    return process


def children(pid):
    found = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout.splitlines()[
        1:
    ]
    rows = [line.split(None, 2) for line in found]
    return [int(row[0]) for row in rows if int(row[1]) == pid and "spawn_main" in row[2]]


@pytest.mark.parametrize("how", [pytest.param("a shard is killed", marks=pytest.mark.slow), "Ctrl-C"])
def test_what_was_finished_stays(tmp_path, how):
    """One line, no process left behind, and the run goes on from its finished replicates, in shards or whole."""
    process = begun(tmp_path / "r")
    shards: list[int] = []
    until = time.monotonic() + 60
    while len(shards) < 2 and time.monotonic() < until:  # each replicate has processes of its own
        shards = children(process.pid)
    assert len(shards) == 2
    if how == "Ctrl-C":
        process.send_signal(signal.SIGINT)  # once: one pressed while processes start must not be lost
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        for pid in (
            children(process.pid)[-1:] if how != "Ctrl-C" else ()
        ):  # those of a replicate that has just ended are not missed
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (130 if how == "Ctrl-C" else 1), said
    assert "Traceback" not in said
    if how != "Ctrl-C":
        assert said.splitlines()[-1].startswith("error: replicate ") and "was lost" in said.splitlines()[-1]
    assert not any(Path(f"/proc/{pid}").exists() for pid in shards) or sys.platform == "darwin"
    small = load(ROOT / "configs" / "small.yaml", ["run.replicates=2"])
    again = run(small, out=tmp_path / "r", resume=True, workers=1, robustness=False)
    assert any("taken over" in note for note in again.notes)
