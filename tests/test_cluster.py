"""Dask: the same bits on a real scheduler with worker processes, whatever dies in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_world
import pytest
from helpers import changed
from test_experiment_run import contents

from recsim.errors import InputError, RecsimError
from recsim.experiment import cluster as dask_cluster
from recsim.experiment import run, task, tasks
from recsim.scenario import load, load_follow
from recsim.world.follow_pair import simulate_follow

distributed = pytest.importorskip("distributed")
from dask_cluster import DaskCluster  # noqa: E402

REPLICATES = 10


@pytest.fixture(scope="module")
def tiny(small):
    """A third of a second per replicate."""
    return changed(small, run={"replicates": REPLICATES})


@pytest.fixture(scope="module")
def scenario():
    return load(fake_world.SMALL, ["run.replicates=3"])


@pytest.fixture(scope="module")
def plain(tiny, tmp_path_factory):
    """The plain loop's result."""
    return contents(run(tiny, out=tmp_path_factory.mktemp("plain") / "r", workers=1, robustness=False).folder)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Where workers log the replicates they simulate with the fake engine."""
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def dask(tmp_path_factory, plain, log):
    """Three workers, the last with two threads; ``plain`` has filled the compiled caches."""
    made = DaskCluster(tmp_path_factory.mktemp("dask"), (1, 1, 2), env={"FAKE_LOG": str(log), "FAKE_SLEEP": "0.25"})
    with distributed.Client(made.address, set_as_default=False) as client:
        made.wait(client)
    yield made
    made.close()


def simulated(log):
    return sorted(int(p.name.split("-")[0]) for p in log.iterdir())


def stored(folder):
    root = folder / "replicates"
    return [p.name for p in root.iterdir() if p.name.isdigit()] if root.is_dir() else []


@pytest.mark.slow
def test_a_killed_worker_costs_only_what_it_was_doing_and_no_bit(tiny, plain, dask, tmp_path):
    """Replicates of the real engine, one of the processes with two threads; another is killed when three are stored."""
    left = [lambda: dask.kill(0)]

    def progress(done, total, text):
        if done >= 3 and left:
            left.pop()()

    result = run(tiny, out=tmp_path / "r", robustness=False, cluster=dask.address, progress=progress)
    assert not left and contents(result.folder) == plain


@pytest.mark.slow
def test_a_lost_worker_is_noted_and_every_replicate_is_there_once(scenario, dask, tmp_path, log):
    left = [lambda: dask.kill(1)]

    def progress(done, total, text):
        if done >= 4 and left:
            left.pop()()

    options = {"simulate": fake_world.simulate, "replicates": 24}
    result = run(scenario, out=tmp_path / "r", cluster=dask.address, progress=progress, **options)
    assert any("was lost; its tasks are done again elsewhere" in note for note in result.notes)
    # One replicate was in its hands; others of the few that the cluster had may have been done and not yet fetched.
    assert len(simulated(log)) <= 24 + dask_cluster.AHEAD * 3
    assert contents(result.folder) == contents(run(scenario, out=tmp_path / "p", workers=1, **options).folder)


def test_three_executors_give_the_same_bytes(scenario, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    options = {"simulate": fake_world.simulate}
    here = contents(run(scenario, out=tmp_path / "h", workers=1, **options).folder)
    assert contents(run(scenario, out=tmp_path / "p", workers=2, **options).folder) == here
    assert contents(run(scenario, out=tmp_path / "l", workers=2, cluster="local", **options).folder) == here


def test_a_client_in_python_stays_the_callers(scenario, dask):
    with distributed.Client(dask.address, set_as_default=False) as client:
        run(scenario, store=False, cluster=client, simulate=fake_world.simulate)
        assert client.status == "running"


CLIENT = """
import sys
import fake_world
from recsim.experiment import run
from recsim.scenario import load, load_follow
from recsim.world.follow_pair import simulate_follow
run(load(fake_world.SMALL), replicates=24, simulate=fake_world.simulate, out=sys.argv[1], cluster=sys.argv[2])
"""


@pytest.mark.slow
def test_a_killed_client_resumes_with_what_is_stored(scenario, dask, tmp_path, log):
    folder = tmp_path / "r"
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(folder), dask.address], env=dask.env)
    deadline = time.monotonic() + 60
    while len(stored(folder)) < 5:
        assert client.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    client.send_signal(signal.SIGKILL)
    client.wait()
    kept = len(stored(folder))
    assert kept < 24
    time.sleep(0.6)  # what the workers had in their hands ends
    before = len(simulated(log))
    options = {"simulate": fake_world.simulate, "replicates": 24}
    result = run(scenario, out=folder, cluster=dask.address, resume=True, **options)
    assert f"{kept} finished replicates taken over" in result.notes
    assert len(simulated(log)) - before == 24 - kept
    assert contents(folder) == contents(run(scenario, out=tmp_path / "p", workers=1, **options).folder)


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_named(scenario, tmp_path, monkeypatch):
    import dask

    monkeypatch.setenv("FAKE_DIE", "2")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        pytest.raises(RecsimError, match=r"^replicates 2: the cluster's workers died each of 2 times.*--resume"),
    ):
        run(scenario, out=tmp_path / "r", simulate=fake_world.simulate, workers=2, cluster="local")
    # Whether the first two were fetched before their workers died is luck; none of them is lost or half there.
    kept = stored(tmp_path / "r")
    assert set(kept) <= {"00000", "00001"}
    monkeypatch.delenv("FAKE_DIE")
    options = {"simulate": fake_world.simulate, "workers": 1}
    result = run(scenario, out=tmp_path / "r", resume=True, **options)
    assert not kept or f"{len(kept)} finished replicates taken over" in result.notes
    assert contents(result.folder) == contents(run(scenario, out=tmp_path / "p", **options).folder)


def test_an_error_in_a_task_is_raised_here(tiny, dask):
    wrong = changed(tiny, platform={"policy": "tiktok_value"}, run={"replicates": 2})
    with pytest.raises(TypeError):
        run(wrong, store=False, robustness=False, cluster=dask.address, simulate=time.sleep)


@pytest.mark.parametrize("name", ["recsim", "recsim's sources", "numba", "numpy"])
def test_a_worker_that_differs_is_named(scenario, dask, monkeypatch, name):
    true = dask_cluster.identity()
    with distributed.Client(dask.address, set_as_default=False) as client:
        found = dask_cluster.OnCluster(client, print)
        monkeypatch.setattr(dask_cluster, "difference", lambda e, f, w: DIFFERENCE({**true, name: "9.9"}, f, w))
        with pytest.raises(InputError, match=rf"worker tcp://127.*has {name} \S+, here it is 9.9") as caught:
            found._check()
        assert "\n" not in str(caught.value)


DIFFERENCE = dask_cluster.difference


def test_a_worker_that_joins_late_is_looked_at_too(scenario, dask, monkeypatch):
    """The workers are told what to be; here, something else."""
    expected = {**dask_cluster.identity(), "numpy": "9.9"}
    monkeypatch.setattr(dask_cluster.OnCluster, "_check", lambda self: setattr(self, "_expected", expected))
    with pytest.raises(RecsimError, match=r"worker tcp://\S+ has numpy \S+, here it is 9.9"):
        run(scenario, store=False, simulate=fake_world.simulate, cluster=dask.address)


def test_a_policy_that_differs_on_a_worker_is_an_error(small):
    """Its digest is computed here and compared there; here both are this process."""
    mine = changed(small, platform={"policy": "recsim.ranking.random_order:random"})
    session = tasks.Session(None, cluster="local")
    assert session._digest(small) is None
    digest = session._digest(mine)
    assert digest is not None
    task.check_policy(mine, digest)
    with pytest.raises(RecsimError, match=r"the policy \S+ on \S+ is not the one here"):
        task.check_policy(mine, "another")


def test_a_feed_policy_that_differs_on_a_worker_is_an_error():
    shipped = load_follow(fake_world.SMALL.with_name("simsom-er.yaml"))
    mine = load_follow(
        fake_world.SMALL.with_name("simsom-er.yaml"), ["platform.policy=recsim.ranking.simsom_feed:simsom_feed"]
    )
    session = tasks.Session(simulate_follow, cluster="local")
    assert session._digest(shipped) is None and tasks.Session(simulate_follow)._digest(mine) is None
    digest = session._digest(mine)
    assert digest is not None
    task.check_policy(mine, digest)
    with pytest.raises(RecsimError, match=r"the policy \S+ on \S+ is not the one here"):
        task.check_policy(mine, "another")


def test_no_worker_at_all(dask, tmp_path, monkeypatch, scenario):
    monkeypatch.setattr(dask_cluster, "WAIT_S", 0.5)
    made = DaskCluster(tmp_path)
    try:
        with pytest.raises(RecsimError, match=r"the cluster at tcp://127\S+ has had no worker"):
            run(scenario, store=False, simulate=fake_world.simulate, cluster=made.address)
    finally:
        made.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("lokal", "did you mean 'local'"),
        ("host:8786", "tcp://host:8786"),
        (7, "got int; allowed: 'local'"),
    ],
)
def test_bad_clusters_are_refused(scenario, given, message):
    with pytest.raises(InputError, match=message):
        run(scenario, store=False, simulate=fake_world.simulate, cluster=given)


def test_nobody_there(scenario, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 1)
    with pytest.raises(InputError, match="no scheduler answers at tcp://127.0.0.1:1 "):
        run(scenario, store=False, simulate=fake_world.simulate, cluster="tcp://127.0.0.1:1")


def test_without_dask_one_line_says_what_to_install(scenario, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        InputError, match=r"needs the package distributed; pip install -c constraints.txt -e '\.\[cluster\]'"
    ):
        run(scenario, store=False, simulate=fake_world.simulate, cluster="local")
