"""A replicate in shards: as many processes as shards, here or on a cluster, all at the same time."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import socket
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from recsim.errors import InputError, RecsimError
from recsim.experiment.checkpoints import Checkpoints, Place
from recsim.experiment.exchange import Hub, Link
from recsim.experiment.executor import WorkersDiedError
from recsim.experiment.shard_checkpoints import ShardCheckpoints, part_of
from recsim.experiment.task import NOTES, Stored, Task, check_policy
from recsim.scenario import realise
from recsim.scenario.schema import Scenario

if TYPE_CHECKING:
    from recsim.experiment.executor import Executor

SHARDS = "shards"
"""Of a replicate's meta: what the exchange took."""


def do_shard(
    scenario: Scenario, replicate: int, fixed: bool, threads: int, digest: str | None, shard: int, shards: int,
    address: tuple[str, int], key: bytes, place: Place | None = None, report: Callable[[float], None] | None = None,
) -> Stored | None:  # fmt: skip
    """One shard of a replicate; the first returns the result that all have, the others nothing.

    Args:
        scenario, replicate, fixed, threads, digest, report: as of `recsim.experiment.task.do_task`.
        shard, shards: number of this one; how many there are.
        address, key: of the hub.
        place: of the task's checkpoints, which all shards reach; None: there are none.

    Raises:
        RecsimError: another shard was lost or found something else, the policy's code is not the one with this digest, or the
            place cannot be seen from here.
    """
    from recsim.world.arms import COUNTERFACTUAL, FACTUAL
    from recsim.world.pair import simulate_arms

    if digest is not None:
        check_policy(scenario, digest)
    drawn = realise(scenario, scenario.run.seed, replicate, fixed)
    link = Link(shard, shards, address, key)
    arms = [FACTUAL, COUNTERFACTUAL]
    try:
        store = None if place is None else ShardCheckpoints(Checkpoints(part_of(_seen(place), shard)), link)
        outcome = simulate_arms(drawn, replicate, arms, threads=threads, report=report, store=store, exchange=link)
        link.end(digest_of(outcome.frames))
    except Exception as error:
        text = str(error) or type(error).__name__
        link.fail(text if isinstance(error, RecsimError) else f"shard {shard} failed: {text}")
        if isinstance(error, MemoryError):
            raise RecsimError(f"shard {shard} ran out of memory ({text})") from error
        raise
    if shard:
        return None
    return outcome.frames, outcome.meta | ({} if store is None else {NOTES: store.notes})


def _seen(place: Place) -> Place:
    """The place, if its run directory is there: on a worker elsewhere, too, it has to be the one of the client."""
    run = place.path.parent.parent
    if not run.is_dir():
        text = f"{run} cannot be seen on {platform.node()}; checkpoints of shards need a disk that all workers share: leave out"
        raise RecsimError(f"{text} --checkpoint-every, or choose --out there")
    return place


def digest_of(frames: dict[str, pd.DataFrame]) -> str:
    """SHA-256 of all tables, bit for bit."""
    found = hashlib.sha256()
    for name, frame in sorted(frames.items()):
        found.update(name.encode())
        for column, values in frame.items():
            plain = values.to_numpy()
            text = plain.tobytes() if plain.dtype.kind in "iufb" else "\n".join(map(str, plain.tolist())).encode()
            found.update(str(column).encode() + text)
    return found.hexdigest()


def in_shards(
    executor: Executor, task: Task, fixed: bool, threads: int, digest: str | None, shards: int, report: Callable[[float], None],
    place: Place | None = None,
) -> Stored:  # fmt: skip
    """Simulate one replicate in shards.

    Args:
        executor: with a worker for each shard.
        task: without a cell. fixed, threads, digest: as of `recsim.experiment.task.do_task`; threads of each shard.
        shards: how many. report: told the share that is done. place: of checkpoints, None: there are none.

    Raises:
        InputError: fewer workers than shards. RecsimError: a shard was lost; its world has to be simulated again.
    """
    assert isinstance(task.scenario, Scenario)
    if executor.slots < shards:
        raise InputError(
            f"got {shards} shards, the cluster has {executor.slots} workers; each shard needs one", "--shards"
        )
    with Hub(shards, executor.host) as hub:
        tasks = [
            (task.scenario, task.replicate, fixed, threads, digest, shard, shards, hub.address, hub.key, place)
            for shard in range(shards)
        ]
        names = [f"shard {shard} of {task.called}" for shard in range(shards)]
        found: Stored | None = None
        try:
            running: Generator[tuple[int, Any], None, None] = executor.run(
                do_shard, tasks, report, [1 / shards] * shards, names, apart=True
            )
            with contextlib.closing(running) as results:
                for _, one in results:
                    found = one or found
        except InputError:
            raise
        except RecsimError as error:
            lost = isinstance(error, WorkersDiedError)
            why = hub.why or ("a shard was lost (it failed, or ran out of memory)" if lost else error)
            raise RecsimError(
                f"replicate {task.replicate}: {why}; what finished is kept, use --resume, with more --shards if memory was short"
            ) from error
        assert found is not None
        frames, meta = found
        took = {
            "shards": shards, "rounds": hub.rounds, "bytes_in": hub.bytes_in, "bytes_out": hub.bytes_out,
            "waited_s": [float(np.round(s, 3)) for s in hub.waited],
        }  # fmt: skip
        return frames, meta | {SHARDS: took}


def host_towards(address: str) -> str:
    """The address by which machines near ``scheme://host:port`` reach this one; nothing is sent.

    Raises:
        InputError: no machine can be meant by it.
    """
    parts = urlsplit(address)
    try:
        kind, _, _, _, place = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(kind, socket.SOCK_DGRAM) as probe:
            probe.connect(place)
            return str(probe.getsockname()[0])
    except (OSError, ValueError) as error:
        raise InputError(f"workers at {address} cannot be told where this process is ({error})", "--shards") from error
