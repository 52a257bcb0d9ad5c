"""What the shards of a world say to each other, over connections: a hub in the middle adds up and passes on.

Messages are arrays and a small header, no code: integers in as few bytes as they fit, and only those that are not zero where
that is less. See `recsim.world.shards` for what is exchanged and why.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Sequence
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge, wait
from typing import Any

import numpy as np

from recsim.errors import RecsimError

LOOK_S = 0.5
"""How often a hub looks whether it is to end."""
HELLO_S = 10.0
"""How long somebody who connects may take to say who it is, seconds."""
STALLED_S = 120.0
"""How long a message may stop half-way, seconds; machines that are lost without a word are found in about as long."""
LENGTH = struct.Struct("<I")


# ---- messages -------------------------------------------------------------------------------------------------------


def packed(arrays: Sequence[np.ndarray], what: str = "swap", **more: Any) -> bytes:
    """Arrays as one message.

    Args:
        arrays: of numbers, any shapes.
        what: the kind of message; ``more``: what else its header says.
    """
    head, parts = [], []
    for array in arrays:
        sent = _narrow(array)
        flat, places = sent.reshape(-1), None
        if sent.dtype.kind in "iu" and flat.size < 2**32:
            there = np.flatnonzero(flat)
            if there.size * (4 + sent.itemsize) < sent.nbytes:
                places, flat = there.astype("<u4"), flat[there]
        head.append([array.dtype.str, list(array.shape), sent.dtype.str, None if places is None else places.size])
        parts += [places.tobytes()] if places is not None else []
        parts.append(flat.tobytes())
    text = json.dumps({"what": what, "arrays": head, **more}).encode()
    return b"".join([LENGTH.pack(len(text)), text, *parts])


def _narrow(array: np.ndarray) -> np.ndarray:
    """Integers in the smallest signed type that holds them all; anything else as it is."""
    array = np.ascontiguousarray(array)
    if array.dtype.kind not in "iu" or array.itemsize == 1 or not array.size:
        return array
    low, high = int(array.min()), int(array.max())
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max and np.dtype(kind).itemsize < array.itemsize:
            return array.astype(kind)
    return array


class Message:
    """A message as read: ``head`` and, in turn, arrays to be added to others or taken as they are."""

    def __init__(self, text: bytes) -> None:
        (length,) = LENGTH.unpack_from(text)
        self.head = json.loads(text[LENGTH.size : LENGTH.size + length])
        self._text, self._at = text, LENGTH.size + length
        self._next = iter(self.head["arrays"])

    def _read(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self._text, kind, count, self._at)
        self._at += found.nbytes
        return found

    def _entries(self, sent: str, filled: int | None, size: int) -> tuple[Any, np.ndarray]:
        """Which entries of a flat array were sent, and their values."""
        if filled is None:
            return slice(None), self._read(sent, size)
        return self._read("<u4", filled), self._read(sent, filled)

    def add_to(self, total: np.ndarray) -> None:
        """Add the next array to ``total``, of its shape and contiguous."""
        kind, shape, sent, filled = next(self._next)
        if (tuple(shape), np.dtype(kind)) != (total.shape, total.dtype):
            raise RecsimError(
                f"shards have lost step: got {np.dtype(kind)} of shape {tuple(shape)}, must be {total.dtype} of {total.shape}"
            )
        flat = total.reshape(-1)
        where, values = self._entries(sent, filled, flat.size)
        flat[where] += values.astype(flat.dtype)

    def take(self) -> np.ndarray:
        """The next array, with its own type."""
        kind, shape, sent, filled = next(self._next)
        out = np.zeros(shape, kind)
        where, values = self._entries(sent, filled, out.size)
        out.reshape(-1)[where] = values
        return out


# ---- the two ends ---------------------------------------------------------------------------------------------------


def alive(line: Connection, stalled_s: float | None = None) -> socket.socket:
    """Let the system send at once, and find out if the other end is gone without a word; a read or write that stalls may end as
    an error.

    Returns:
        The line as a socket, to be shut down when it is no longer needed.
    """
    made = socket.socket(fileno=os.dup(line.fileno()))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # A message is a length and a body: held back until the length is confirmed, the body would come 40 ms late every time.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 6)):
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if stalled_s is not None:
        for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            made.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", int(stalled_s), 0))
    return made


class Link:
    """A shard's end: an `recsim.world.shards.Exchange`.

    Args:
        shard, shards: number of this shard; how many there are.
        address: of the hub. key: that only its shards know.

    Attributes:
        rounds, sent, received: exchanges so far, and bytes.
        waited: seconds spent in them, packing left out.

    Raises:
        RecsimError: the hub cannot be reached, or another shard was lost.
    """

    def __init__(self, shard: int, shards: int, address: tuple[str, int], key: bytes) -> None:
        self.shard, self.shards = shard, shards
        self.rounds = self.sent = self.received = 0
        self.waited = 0.0
        try:  # the hub is open before any shard begins, and for as long as all go on
            self.line: Connection = Client(address, authkey=key)
        except (OSError, EOFError, AuthenticationError) as error:
            raise RecsimError(f"shard {shard} cannot reach its hub at {address[0]}:{address[1]} ({error})") from error
        alive(self.line).close()
        self._say(packed([], "hello", shard=shard, shards=shards))

    def swap(self, sums: Sequence[np.ndarray], lists: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `recsim.world.shards.Exchange`."""
        text = packed([*sums, *lists], sums=len(sums))
        began = time.perf_counter()
        self._say(text)
        answer = self._hear()
        self.waited += time.perf_counter() - began
        self.rounds += 1
        for array in sums:
            array[...] = answer.take()
        parts = [[answer.take() for _ in range(self.shards)] for _ in lists]
        return [np.concatenate(of_shards) for of_shards in parts]

    def end(self, digest: str) -> None:
        """Say that this shard is done, and what it found; wait for the others.

        Raises:
            RecsimError: they found something else.
        """
        self._say(packed([], "end", digest=digest, waited=self.waited))
        self._hear()
        self.line.close()

    def fail(self, why: str) -> None:
        """Tell the others why they need not go on."""
        with contextlib.suppress(RecsimError):
            self._say(packed([], "failed", why=why))
        self.line.close()

    def _say(self, text: bytes) -> None:
        try:
            self.line.send_bytes(text)
        except OSError as error:
            raise _lost(self.shard) from error
        self.sent += len(text)

    def _hear(self) -> Message:
        try:
            text = self.line.recv_bytes()
        except (EOFError, OSError) as error:
            raise _lost(self.shard) from error
        self.received += len(text)
        answer = Message(text)
        if answer.head["what"] == "failed":
            raise RecsimError(answer.head["why"])
        return answer


def _lost(shard: int) -> RecsimError:
    return RecsimError(f"shard {shard} has lost the others of its world (one of them failed, or ran out of memory)")


class Hub:
    """Where the shards of one world meet; a thread of this process while it is open.

    Args:
        shards: how many there are. host: where they find this process.

    Attributes:
        address: host and port. key: for its shards only.
        rounds, bytes_in, bytes_out: exchanges so far, and what they took.
        waited: seconds that each shard spent in them, once all have ended.
        why: what went wrong, "" if nothing.
    """

    def __init__(self, shards: int, host: str = "127.0.0.1") -> None:
        self.shards, self.key = shards, os.urandom(32)
        self.rounds = self.bytes_in = self.bytes_out = 0
        self.waited = [0.0] * shards
        self.why = ""
        self._listener = Listener((host, 0), backlog=shards)
        self._lines: dict[int, Connection] = {}
        self._sockets: list[socket.socket] = []
        self.address: tuple[str, int] = self._listener.address
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            socket.create_connection(self.address, timeout=1).close()  # wakes the thread if it waits for a shard
        self._thread.join(timeout=1)
        for line in self._sockets:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # wakes it wherever else it waits
            line.close()
        self._thread.join(timeout=HELLO_S)

    def _serve(self) -> None:
        try:
            lines = self._all_there()
            while lines and self._round(lines):
                pass
        except (EOFError, OSError):
            self.why = "a shard of the world was lost (it failed, or ran out of memory)"
        except RecsimError as error:
            self.why = str(error)
        except Exception as error:
            self.why = f"the exchange between shards failed: {error or type(error).__name__}"
        finally:
            for line in self._lines.values():
                if self.why:
                    with contextlib.suppress(OSError):
                        line.send_bytes(packed([], "failed", why=self.why))
                line.close()
            self._listener.close()  # whoever comes now comes too late

    def _all_there(self) -> list[Connection]:
        """Connections of all shards in order; none if this is to end."""
        while len(self._lines) < self.shards:
            line = self._listener.accept()
            if self._closed:
                line.close()
                return []
            self._sockets.append(alive(line, HELLO_S))
            try:
                deliver_challenge(line, self.key)
                answer_challenge(line, self.key)
                shard = Message(line.recv_bytes()).head["shard"]
            except (AuthenticationError, EOFError, OSError, ValueError, KeyError, struct.error):
                line.close()
                continue  # not one of ours, or gone again
            if shard in self._lines:
                raise RecsimError(f"shard {shard} was begun a second time")
            self._lines[shard] = line
            alive(line, STALLED_S).close()
        return [self._lines[k] for k in range(self.shards)]

    def _hear(self, lines: list[Connection]) -> list[Message] | None:
        """A message of each shard, in order; None if this is to end."""
        heard: dict[int, Message] = {}
        while len(heard) < len(lines):
            if self._closed:
                return None
            ready = wait([line for k, line in enumerate(lines) if k not in heard], LOOK_S)
            for k, line in enumerate(lines):
                if k not in heard and line in ready:
                    text = line.recv_bytes()
                    self.bytes_in += len(text)
                    heard[k] = Message(text)
                    if heard[k].head["what"] == "failed":  # the others need not be waited for
                        raise RecsimError(heard[k].head["why"])
        return [heard[k] for k in range(len(lines))]

    def _round(self, lines: list[Connection]) -> bool:
        """One exchange; False after the last."""
        heard = self._hear(lines)
        if heard is None:
            return False
        kinds = {message.head["what"] for message in heard}
        if kinds == {"end"}:
            self.waited = [float(message.head["waited"]) for message in heard]
            if len({message.head["digest"] for message in heard}) > 1:
                raise RecsimError("shards of one world found different results: their machines do not compute alike")
            self._tell(lines, packed([], "end"))
            return False
        counts = {(len(message.head["arrays"]), message.head.get("sums")) for message in heard}
        if len(kinds) > 1 or len(counts) > 1:
            raise RecsimError("shards of one world have lost step")
        self._tell(lines, _together(heard))
        self.rounds += 1
        return True

    def _tell(self, lines: list[Connection], text: bytes) -> None:
        for line in lines:
            line.send_bytes(text)
        self.bytes_out += len(text) * len(lines)


def _together(heard: Sequence[Message]) -> bytes:
    """The answer to a round: sums over shards, then of each list the part of every shard."""
    first = heard[0]
    sums, lists = first.head["sums"], len(first.head["arrays"]) - first.head["sums"]
    totals = []
    for _ in range(sums):
        total = first.take()
        for message in heard[1:]:
            message.add_to(total)
        totals.append(total)
    parts = [message.take() for _ in range(lists) for message in heard]
    return packed([*totals, *parts])
