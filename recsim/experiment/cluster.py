"""Tasks on a Dask cluster: checked workers, few tasks handed over ahead, every result fetched as it arrives."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim.errors import InputError, RecsimError, nearest
from recsim.experiment.executor import PATIENCE_S, Report, Results, killed, now, without_interrupt, without_main

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 2
"""Tasks in the cluster's hands, times its workers: enough that no worker waits for the next one."""
CONNECT_S = 10.0
"""How long to wait for the answer of a scheduler, seconds."""
WAIT_S = 600.0
"""How long to go on without a single worker, seconds."""
LOOK_S = 2.0
"""How often workers are counted, seconds."""
KILLS = 2
"""How often a scheduler may give a task up because its workers died; each time it has tried several of them."""

_known: set[str] = set()
_alone = threading.Lock()
"""Held by the one world that a process simulates: Python's own parser, for one, is not safe in two threads (3.11)."""


class WrongWorkerError(RecsimError):
    """A worker that would compute something else."""


def identity() -> dict[str, str]:
    """What must be the same on all workers for the bits to be the same: all sources, not only those that simulate."""
    from recsim.experiment.run import source_digest

    root = Path(__file__).resolve().parents[1]
    whole = hashlib.sha256(source_digest().encode())
    for file in sorted(root.rglob("*.py")):
        whole.update(f"{file.relative_to(root).as_posix()}\n".encode() + file.read_bytes())
    return {
        "recsim": sys.modules["recsim"].__version__, "recsim's sources": whole.hexdigest()[:12],
        "numba": version("numba"), "numpy": version("numpy"),
    }  # fmt: skip


def difference(expected: dict[str, str], found: dict[str, str], worker: str) -> str | None:
    """One line about the first difference, or None."""
    for name, value in expected.items():
        if found.get(name) != value:
            return f"worker {worker} has {name} {found.get(name, 'not at all')}, here it is {value}; install the same there"
    return None


def _work(expected: dict[str, str], function: Callable, task: tuple) -> Any:
    """On a worker: do a task, after looking once whether this process is one of ours; workers may join at any time."""
    with _alone:
        return _alone_work(expected, function, task)


def _alone_work(expected: dict[str, str], function: Callable, task: tuple) -> Any:
    mark = repr(sorted(expected.items()))
    if mark not in _known:
        from distributed import get_worker

        problem = difference(expected, identity(), get_worker().address)
        if problem:
            raise WrongWorkerError(problem)
        _known.add(mark)
    return function(*task, report=None)


class OnCluster:
    """A cluster of workers, wherever they are; see `Executor`.

    Args:
        client: connected to the scheduler.
        note: told what happened, such as a worker that was lost.
    """

    def __init__(self, client: Client, note: Callable[[str], None]) -> None:
        self.client, self.note = client, note
        self.state, self.slots = "", 0
        self.workers: dict[str, int] = {}
        self.apart = False  # whether each task has a worker of its own
        self._looked = self._seen = now()
        self._await_one()
        self._check()

    def threads_for(self, tasks: int) -> int:
        """All that the smallest worker has: a worker does one task at a time."""
        return min(self.workers.values(), default=1)

    def _await_one(self) -> None:
        began = now()
        while not self._count():
            if now() - began > WAIT_S:
                raise RecsimError(f"the cluster at {self._address} has had no worker for {WAIT_S:.0f} s")
            time.sleep(PATIENCE_S)

    @property
    def host(self) -> str:
        """The address by which workers find this process: that of the network on which the scheduler is."""
        from recsim.experiment.shards import host_towards

        if self._address.startswith("inproc"):  # its workers share a process, which does one task at a time
            raise InputError("a cluster within one process cannot hold shards", "--shards")
        return host_towards(str(self.client.scheduler_info()["address"]))

    @property
    def _address(self) -> str:
        return str(getattr(self.client.scheduler, "address", "?"))

    def _count(self) -> int:
        """Look which workers there are; notes those that are gone."""
        try:
            found = dict(self.client.nthreads())
        except (OSError, TimeoutError, AttributeError) as error:
            raise self._lost() from error
        self._looked = now()
        for gone in sorted(set(self.workers) - set(found)):
            self.note(f"worker {gone} was lost" + ("" if self.apart else "; its tasks are done again elsewhere"))
        self.workers = found
        self.slots = len(found)
        if found:
            self._seen = now()
        self.state = "" if found else "waiting for workers"
        return len(found)

    def _lost(self) -> RecsimError:
        return RecsimError(
            f"lost the scheduler at {self._address}; what finished is kept, use --resume when it is back"
        )

    def _check(self) -> None:
        """Hold every worker against this process.

        Raises:
            InputError: one has another version, other sources, or no recsim at all.
        """
        expected = identity()
        for worker, found in sorted(self.client.run(identity, on_error="return").items()):
            if isinstance(found, OSError):
                continue  # it died meanwhile
            if isinstance(found, Exception):
                text = " ".join(str(found).split())
                raise InputError(f"worker {worker} cannot run recsim: {type(found).__name__}: {text}", "--cluster")
            problem = difference(expected, found, worker)
            if problem:
                raise InputError(problem, "--cluster")
        self._expected = expected

    def run(
        self, function: Callable, tasks: Sequence[tuple], report: Report, weights: Sequence[float] | None = None,
        names: Sequence[str] | None = None, apart: bool = False,
    ) -> Results:  # fmt: skip
        """See `Executor.run`."""
        self.apart = apart
        work = _Work(self, function, tasks, names, sorted(self.workers)[: len(tasks)] if apart else None)
        weight = [1.0] * len(tasks) if weights is None else weights
        done = 0.0
        try:
            for number, result in work.results():
                if number is not None:
                    yield number, result
                    done += weight[number]
                report(done)
        finally:
            work.stop()


class _Work:
    """The tasks of one call: which wait, which the cluster has, which may have killed workers."""

    def __init__(
        self, cluster: OnCluster, function: Callable, tasks: Sequence[tuple], names: Sequence[str] | None,
        places: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.cluster, self.function, self.tasks, self.names, self.places = cluster, function, tasks, names, places
        self.token = uuid.uuid4().hex[:12]
        self.waiting = deque(range(len(tasks)))
        self.suspects: deque[int] = deque()
        self.kills: Counter[int] = Counter()
        self.held: dict[int, Future] = {}
        self.arrived: queue.SimpleQueue[int] = queue.SimpleQueue()

    def submit(self, number: int) -> None:
        key = f"recsim-{self.token}-{number}-{self.kills[number]}"
        arguments = (self.cluster._expected, self.function, self.tasks[number])
        where = {} if self.places is None else {"workers": [self.places[number]]}
        future = self.cluster.client.submit(_work, *arguments, key=key, pure=False, **where)
        self._watch(number, future)

    def _watch(self, number: int, future: Future) -> None:
        self.held[number] = future
        future.add_done_callback(lambda _: self.arrived.put(number))

    def results(self) -> Iterator[tuple[int | None, Any]]:
        from distributed import KilledWorker

        cluster = self.cluster
        while self.waiting or self.suspects or self.held:
            while self.waiting and len(self.held) < max(1, AHEAD * cluster.slots):
                self.submit(self.waiting.popleft())
            if self.suspects and not self.held:
                self.submit(self.suspects.popleft())
            number = self._next()
            if number is None:
                yield None, None
                continue
            future = self.held.pop(number)
            if future.status in ("lost", "pending"):  # its worker died with the result; the scheduler begins it again
                self._watch(number, future)
                continue
            try:
                if future.status not in ("finished", "error"):
                    raise cluster._lost()
                result = future.result()
            except KilledWorker:
                # A scheduler blames every task that a lost worker had; alone, at the end, the guilty one shows.
                self.kills[number] += 1
                if self.kills[number] >= KILLS:
                    yield from self._rest()
                    text = killed(number, self.names, "the cluster's workers died", self.kills[number])
                    raise RecsimError(text) from None
                self.suspects.append(number)
            except Exception:
                yield from self._rest()
                raise
            else:
                yield number, result

    def _next(self) -> int | None:
        """The next task that ended, None if there is none for a while."""
        cluster = self.cluster
        if now() - cluster._looked > LOOK_S:
            cluster._count()
            gone = sorted(set(self.places or ()) - set(cluster.workers))
            if gone:  # what runs beside it would wait for it for ever
                raise RecsimError(f"worker {gone[0]} of the cluster at {cluster._address} was lost")
            if now() - cluster._seen > WAIT_S:
                raise RecsimError(
                    f"the cluster at {cluster._address} has had no worker for {WAIT_S:.0f} s; what finished is kept, use --resume"
                )
        try:
            return self.arrived.get(timeout=PATIENCE_S)
        except queue.Empty:
            if cluster.client.status not in ("running", "newly-created"):
                raise cluster._lost() from None
            return None

    def _rest(self) -> Results:
        """What has arrived beside a failure, so that it is kept."""
        with contextlib.suppress(queue.Empty):
            while True:
                number = self.arrived.get_nowait()
                future = self.held.pop(number, None)
                if future is not None and future.status == "finished":
                    yield number, future.result()

    def stop(self) -> None:
        """Take back what has not ended."""
        with contextlib.suppress(Exception):
            self.cluster.client.cancel(list(self.held.values()))
        self.held.clear()


@contextlib.contextmanager
def opened(cluster: Any, workers: int, note: Callable[[str], None]) -> Iterator[OnCluster]:
    """A cluster as an executor, for as long as this is open.

    Args:
        cluster: "local": started here; "tcp://host:port": a scheduler that runs; or a connected `distributed.Client`,
            which stays open.
        workers: processes of a local cluster.
        note: told what happened.

    Raises:
        InputError: dask is not installed, no scheduler answers, or a worker is not like this process.
    """
    distributed = _distributed()
    if isinstance(cluster, distributed.Client):
        if cluster.asynchronous:
            raise InputError("got an asynchronous client; make one with asynchronous=False", "cluster")
        yield OnCluster(cluster, note)
        return
    if not isinstance(cluster, str):
        raise InputError(
            f"got {type(cluster).__name__}; allowed: 'local', 'tcp://host:port' or a distributed.Client", "cluster"
        )
    with contextlib.ExitStack() as stack:
        if cluster == "local":
            stack.enter_context(without_main())  # for as long as it lives: it replaces workers that die
            options = {"processes": True, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
            with without_interrupt():
                local = distributed.LocalCluster(n_workers=workers, threads_per_worker=1, **options)
            place = stack.enter_context(local)
        else:
            place = _checked(cluster)
        try:
            client = stack.enter_context(distributed.Client(place, timeout=CONNECT_S, set_as_default=False))
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(f"no scheduler answers at {place} ({error})", "--cluster") from error
        yield OnCluster(client, note)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            f"needs the package {error.name}; pip install -c constraints.txt -e '.[cluster]'", "--cluster"
        ) from None
    return distributed


def _checked(address: str) -> str:
    scheme, sign, rest = address.partition("://")
    if not sign or not rest or scheme not in ("tcp", "tls", "ws", "wss", "ucx"):
        near = nearest(address, ["local"])
        hint = f"; did you mean {near!r}?" if near else ""
        raise InputError(f"got {address!r}; allowed: local, or a scheduler such as tcp://host:8786{hint}", "--cluster")
    return address


def slots_of(address: str) -> int:
    """Tasks that a running cluster does at once."""
    with opened(address, 1, lambda text: None) as found:
        return found.slots
