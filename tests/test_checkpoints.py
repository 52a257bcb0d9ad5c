"""Runs that are killed within a replicate and resumed from checkpoints; the files; what is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import changed
from test_arms import two_starts  # noqa: F401 a fixture

from recsim.errors import InputError
from recsim.experiment import checkpoints
from recsim.experiment.checkpoints import Checkpoints, Every, Place, every_of
from recsim.experiment.run import run
from recsim.scenario import dump_yaml, load, realise
from recsim.world import legs as walking
from recsim.world.arms import COUNTERFACTUAL, FACTUAL, Arm
from recsim.world.checkpoint import PART, merged
from recsim.world.legs import legs_of, needed
from recsim.world.pair import simulate_arms
from recsim.world.tree import Part

ROOT = Path(__file__).resolve().parent.parent


class Killed(BaseException):
    """In the place of SIGKILL, where only what is on the disk matters."""


def place(folder, hours=8.0, **more):
    return Place(**{"path": folder, "fingerprint": "mark", "kind": "replicates", "number": 0, "every": Every(hours=hours),
                    "step_hours": 4.0, **more})  # fmt: skip


def dying(folder, after, **more):
    """A store that kills the run after so many checkpoints, each time it is opened."""

    class Dying(Checkpoints):
        written = 0

        def save(self, *args):
            done = super().save(*args)
            self.written += 1
            if self.written == after:
                raise Killed
            return done

    return Dying(place(folder, **more))


def resumed(drawn, arms, folder, after, **more):
    """The outcome of a replicate that is killed again and again, and how many sessions it took."""
    for sessions in range(1, 200):
        try:
            store = dying(folder, after, **more)
            return simulate_arms(drawn, 0, arms, store=store, threads=1 + sessions % 2), sessions, store
        except Killed:
            continue
    raise AssertionError("never finished")


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)


@pytest.fixture(scope="module")
def tiny(small):
    return changed(
        small, population={"scale": small.population.scale / 3}, dose=small.dose.model_copy(update={"value": 9})
    )


@pytest.mark.slow
@pytest.mark.parametrize("large", [0, 2**60], ids=["forks on the disk alone", "forks in memory"])
def test_killed_after_every_so_many_checkpoints(two_starts, tmp_path, monkeypatch, large):  # noqa: F811
    """A tree with forks within forks, in two luck branches."""
    monkeypatch.setattr(walking, "ON_DISK", large)
    scenario = changed(two_starts, run={"luck_branches": 2}, population={"scale": two_starts.population.scale / 3})
    drawn = realise(scenario, scenario.run.seed, 0)
    arms = [Arm("early", frozenset({"early"})), Arm("late", frozenset({"late"})), FACTUAL, COUNTERFACTUAL]
    plain = simulate_arms(drawn, 0, arms)
    other, sessions, _ = resumed(drawn, arms, tmp_path, 3, hours=24.0)
    assert sessions > 9
    assert_same(plain.frames, other.frames)
    assert {**plain.meta, "seconds": 0} == {**other.meta, "seconds": 0}


def test_what_is_of_no_more_use_is_deleted(tiny, tmp_path):
    """At most two worlds at once on the disk beside the one at the fork; at the end only what legs leave behind."""
    seen = []

    class Counting(Checkpoints):
        def save(self, *args):
            done = super().save(*args)
            seen.append(self.names())
            return done

    drawn = realise(tiny, tiny.run.seed, 0)
    simulate_arms(drawn, 0, [FACTUAL, COUNTERFACTUAL], store=Counting(place(tmp_path)))
    worlds = [{name for name in names if not name.startswith("leg")} for names in seen]
    assert max(map(len, worlds)) == 3 and all("end-0000" not in one for one in worlds[-5:])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["leg-0000", "leg-0001", "leg-0002"]


def test_what_is_needed():
    arms = (FACTUAL,)
    tree = [Part(10, 20, arms, (Part(20, 30, arms, ()), Part(20, 30, arms, ()))), Part(10, 30, arms, ())]
    legs = legs_of(tree, 2, 10)
    assert [(leg.parent, leg.branch, leg.children) for leg in legs] == [
        (-1, 0, (1, 4, 5, 8)), (0, 0, (2, 3)), (1, 0, ()), (1, 0, ()), (0, 0, ()), (0, 1, (6, 7)), (5, 1, ()),
        (5, 1, ()), (0, 1, ()),
    ]  # fmt: skip
    everything = {"end-0000", "end-0001", "step-0000-000008", "step-0003-000024", "step-0003-000022", "leg-0000"}
    first = needed(legs, {0, 1, 2}, everything)
    assert first == {"leg-0000", "step-0003-000024", "end-0000"}
    # The world at the end of a leg was lost: its last checkpoint is of use again.
    assert needed(legs, {0, 1, 2}, everything - {"end-0000"}) == {"leg-0000", "step-0003-000024", "step-0000-000008"}
    assert needed(legs, set(range(9)), everything) == {"leg-0000"}
    assert needed(legs, {0, 1}, everything) == {"leg-0000", "end-0001", "step-0003-000024", "end-0000"}


@pytest.mark.parametrize(
    "harm", ["a byte", "a file", "the sums", "a list that ends early", "a finished leg", "the fork"]
)
def test_damage_is_noted_and_gone_around(tiny, tmp_path, harm):
    drawn = realise(tiny, tiny.run.seed, 0)
    arms = [FACTUAL, COUNTERFACTUAL]
    plain = simulate_arms(drawn, 0, arms)
    with pytest.raises(Killed):
        simulate_arms(drawn, 0, arms, store=dying(tmp_path, 8, hours=24.0))
    name = {"a finished leg": "leg-0000", "the fork": "end-0000"}.get(harm)
    found = [p for p in tmp_path.iterdir() if (p.name == name if name else p.name.startswith("step"))]
    folder = max(found, key=lambda p: p.name)
    if harm == "the sums":
        (folder / "SHA256SUMS").write_text("nothing")
    elif harm == "a list that ends early":
        (folder / "SHA256SUMS").write_text("")
    elif harm == "a file":
        next(folder.glob("*.npy")).unlink()
    else:
        file = max(folder.iterdir(), key=lambda p: p.stat().st_size)
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    store = Checkpoints(place(tmp_path))
    assert_same(plain.frames, simulate_arms(drawn, 0, arms, store=store).frames)
    assert [str(folder) in note and "damaged" in note for note in store.notes].count(True) == 1


@pytest.mark.parametrize("left", [range(0), range(2), range(1, 3)], ids=["empty", "no last line", "no first line"])
def test_a_list_that_lacks_files_is_damage(tmp_path, left):
    store = Checkpoints(place(tmp_path))
    assert store.save("step-0000-000001", lambda: {"a": np.zeros(10**5), "b": np.ones(3)}, {"step": 1})
    sums = tmp_path / "step-0000-000001" / "SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    assert len(lines) == 3
    sums.write_text("".join(lines[n] for n in left))
    assert store.load("step-0000-000001") is None and not sums.parent.exists()
    assert "was damaged (SHA256SUMS" in store.notes[0]


def test_other_versions_and_other_runs_are_refused(tiny, tmp_path):
    drawn = realise(tiny, tiny.run.seed, 0)
    with pytest.raises(Killed):
        simulate_arms(drawn, 0, [FACTUAL], store=dying(tmp_path, 2))
    for more in ({"fingerprint": "other"}, {"number": 1}):
        with pytest.raises(InputError, match="belongs to another run or replicate"):
            simulate_arms(drawn, 0, [FACTUAL], store=Checkpoints(place(tmp_path, **more)))
    for head in tmp_path.glob("*/checkpoint.json"):
        before = hashlib.sha256(head.read_bytes()).hexdigest()
        head.write_text(head.read_text().replace('"version": 3', '"version": 1'))
        sums = head.with_name("SHA256SUMS")
        sums.write_text(sums.read_text().replace(before, hashlib.sha256(head.read_bytes()).hexdigest()))
    with pytest.raises(InputError, match="got version 1 of the format, must be 3; resume with the recsim that"):
        simulate_arms(drawn, 0, [FACTUAL], store=Checkpoints(place(tmp_path)))


def test_a_full_disk_ends_nothing(tiny, tmp_path, monkeypatch):
    """Neither one that is known to be full nor one that fills up while something is written."""
    drawn = realise(tiny, tiny.run.seed, 0)
    plain = simulate_arms(drawn, 0, [FACTUAL, COUNTERFACTUAL])
    monkeypatch.setattr(walking, "ON_DISK", 0)
    usage = namedtuple("usage", "free")

    def fails(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name, value in (("shutil.disk_usage", lambda path: usage(1000)), ("_written", fails)):
        with monkeypatch.context() as patch:
            patch.setattr(f"recsim.experiment.checkpoints.{name}", value)
            store = Checkpoints(place(tmp_path))
            other = simulate_arms(drawn, 0, [FACTUAL, COUNTERFACTUAL], store=store)
        assert_same(plain.frames, other.frames)
        assert re.fullmatch(
            r"\d+ checkpoints of .* could not be written \(no space left on the disk\); it .*", store.notes[0]
        )
        assert not [p for p in tmp_path.iterdir() if not p.name.startswith("leg")] and len(store.notes) == 1
        shutil.rmtree(tmp_path)


def test_a_third_party_can_read_it(tiny, tmp_path):
    """With NumPy and the standard library, as docs/checkpoints.md says."""
    drawn = realise(tiny, tiny.run.seed, 0)
    with pytest.raises(Killed):
        simulate_arms(drawn, 0, [FACTUAL], store=dying(tmp_path, 2))
    folder = max(tmp_path.glob("step-*"))
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        known, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == known
    head = json.loads((folder / "checkpoint.json").read_text())
    assert (head["format"], head["version"], head["position"]["step"]) == ("recsim checkpoint", 3, 4)
    small = np.load(folder / "small.npz", allow_pickle=False)
    large = {one["array"]: folder / file for file, one in head["files"].items() if "array" in one}
    assert {p.name for p in folder.iterdir()} == {*head["files"], "checkpoint.json", "SHA256SUMS"} and large

    def array(entry):
        name = entry["$array"]
        return np.load(large[name], mmap_mode="r") if name in large else small[name]

    counters = head["content"]["state"]["counters"]
    views, people = array(counters["total"])[:, 0].sum(), array(counters["human"])[:, 0].sum()
    assert views == people > 0
    for file, one in head["files"].items():
        if "array" in one:
            found = np.load(folder / file, mmap_mode="r")
            assert (found.dtype.str, list(found.shape)) == (one["dtype"], one["shape"])


@pytest.mark.parametrize(
    ("text", "found"),
    [("1d", Every(24.0)), ("12h", Every(12.0)), ("1.5 d", Every(36.0)), ("30min", Every(0.0, 1800.0)),
     ("90s", Every(0.0, 90.0)), ("off", None)],
)  # fmt: skip
def test_intervals(text, found):
    assert every_of(text, 4.0) == found


@pytest.mark.parametrize("text", ["", "1", "d", "0d", "-1h", "1m", "1 week", "1e3s", "nan h"])
def test_what_is_no_interval(text):
    with pytest.raises(InputError, match="must be a number with d or h"):
        every_of(text, 4.0)
    with pytest.raises(InputError, match=r"got '1h', a step of this scenario has 4 h"):
        every_of("1h", 4.0)


def test_who_writes_none(small):
    with pytest.raises(InputError, match="a run that is not stored writes no checkpoints"):
        run(small, store=False, checkpoint_every="1d")
    with pytest.raises(InputError, match="another engine writes no checkpoints"):
        run(small, simulate=simulate_arms, checkpoint_every="1d")
    call = [sys.executable, "-m", "recsim", "run", str(ROOT / "configs" / "simsom-er.yaml"), "--checkpoint-every", "1d"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 2 and "a follow-graph world writes no checkpoints" in done.stderr


# ---- whole runs, killed for good ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """A run that nobody disturbed: its scenario's file and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "s.yaml").write_text(dump_yaml(changed(tiny, run={"replicates": 2})))
    run(load(folder / "s.yaml"), out=folder / "run", workers=1)
    return folder / "s.yaml", folder / "run"


def tables(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.parquet"))}


def child(work):
    """The status of a process that does something beside this one, and is killed over it."""
    number = os.fork()
    if number == 0:
        try:
            work()
        finally:
            os._exit(1)
    return os.waitpid(number, 0)[1]


def test_killed_at_any_moment(whole, tmp_path):
    """By the clock, with two workers; then resumed to the same bytes."""
    scenario, expected = whole
    out = tmp_path / "run"
    call = [sys.executable, "-m", "recsim", "run", str(scenario), "--out", str(out), "--workers", "2", "--quiet"]
    process = subprocess.Popen(
        [*call, "--checkpoint-every", "4h"], cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not list(out.glob("checkpoints/*/step-*")):
        time.sleep(0.01)
    time.sleep(random.Random(5).uniform(0, 0.6))
    os.killpg(process.pid, signal.SIGKILL)
    said = process.communicate()[1]
    assert process.returncode == -signal.SIGKILL, said
    with pytest.raises(InputError, match=r"holds an unfinished run \(0 replicates done, \d begun\); continue it with"):
        run(load(scenario), out=out, workers=1)
    told = []
    result = run(load(scenario), out=out, workers=1, resume=True, progress=lambda *said: told.append(said))
    assert any("went on from its checkpoint after" in note for note in result.notes)
    # What the earlier session did counts from the first thing said after compiling.
    done = [done for done, _, text in told if text == "replicates"]
    assert done[0] > 0 and done == sorted(done)
    assert tables(out) == tables(expected) and not (out / "checkpoints").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what is mapped")
@pytest.mark.parametrize("there", [True, False])
def test_reading_keeps_little_of_the_file_in_memory(tmp_path, there):
    """A world that is read back is in memory once: what was copied out of its file is let go of."""

    def mapped():
        return int(re.search(r"RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10

    saved = np.arange(10_000_019).reshape(-1, 1)
    np.save(tmp_path / "a.npy", saved)
    content, before = np.load(tmp_path / "a.npy", mmap_mode="r"), mapped()
    assert content.nbytes > 4 * PART
    found = merged(np.zeros_like(saved) if there else None, content, True)
    assert mapped() - before < 2 * PART and np.array_equal(found, saved)
    assert np.array_equal(content[::1000], saved[::1000]), "it can be read again"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that begin in the middle of a program")
def test_killed_again_and_again_while_it_writes(whole, tmp_path, monkeypatch):
    """Half of a file is there, and nothing that says the checkpoint is whole; before, in and after a rename too."""
    scenario, expected = whole
    out, plain, dice = tmp_path / "run", (checkpoints._flushed, os.replace), random.Random(1)

    def dies(at, real, half):
        left = [at]

        def call(path, content):
            left[0] -= 1
            if left[0] == 0:
                half(path, content)
                os.kill(os.getpid(), signal.SIGKILL)
            return real(path, content)

        return call

    torn = 0
    for number in range(5):
        files = dies(
            dice.randint(1, 40), plain[0], lambda path, content: path.write_bytes(content[: len(content) // 2])
        )
        names = dies(dice.randint(2, 15), plain[1], plain[1] if number % 2 else lambda *_: None)
        monkeypatch.setattr(checkpoints, "_flushed", files)
        monkeypatch.setattr(os, "replace", names)
        status = child(lambda: run(load(scenario), out=out, workers=1, resume=True, checkpoint_every="4h"))
        monkeypatch.undo()
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        torn += len(list(out.glob("checkpoints/*/.part-*")))
    assert torn >= 2
    result = run(load(scenario), out=out, workers=1, resume=True, checkpoint_every="1d")
    assert any("went on" in note for note in result.notes) and not any("damaged" in note for note in result.notes)
    assert tables(out) == tables(expected) and not (out / "checkpoints").exists()


def test_long_replicates_keep_them_unasked(tiny, tmp_path, monkeypatch):
    """By default only where one replicate is expected to take long; "off" writes none."""
    written = []
    plain = Checkpoints.save
    monkeypatch.setattr(Checkpoints, "save", lambda self, *args: written.append(self.place.every) or plain(self, *args))
    one = changed(tiny, run={"replicates": 1})
    run(one, out=tmp_path / "a", workers=1)
    assert not written
    monkeypatch.setattr("recsim.experiment.checkpoints.LONG_S", 0.0)
    run(one, out=tmp_path / "b", workers=1, checkpoint_every="off")
    assert not written
    run(one, out=tmp_path / "c", workers=1)
    assert set(written) == {Every(0.0, 900.0)} and tables(tmp_path / "a") == tables(tmp_path / "c")
    assert checkpoints.DEFAULT == "15min"
