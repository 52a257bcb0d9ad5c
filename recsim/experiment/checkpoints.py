"""Checkpoints on the disk: one folder each, of NumPy files and one JSON file, with a checksum of every file.

A checkpoint appears whole or not at all: it is written into a folder of another name, synchronised and renamed, and the
one before it is deleted after that. See docs/checkpoints.md for the format.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from recsim.errors import InputError
from recsim.experiment.folder import FULL, PART, SUMS

FORMAT, VERSION = "recsim checkpoint", 3
HEAD, SMALL = "checkpoint.json", "small.npz"
LARGE = 65_536
"""Bytes from which on an array has a file of its own."""
CHUNK = 1 << 20
"""Bytes written and summed up at once: what fits a core's cache costs the system half as much as 16 MiB."""
ARRAY = "$array"
DEFAULT = "15min"
LONG_S = 900.0
"""Expected seconds of one replicate from which on checkpoints are written by default."""


class Every(NamedTuple):
    """How often a checkpoint is due: hours of simulated time or seconds of running; the other is 0."""

    hours: float = 0.0
    seconds: float = 0.0


def every_of(text: str, step_hours: float) -> Every | None:
    """The interval that a text names: ``1d``, ``12h`` of simulated time, ``30min``, ``90s`` of running; None for ``off``.

    Raises:
        InputError: it names none, or one shorter than a step.
    """
    where = "--checkpoint-every"
    if text == "off":
        return None
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)(d|h|min|s)", text.strip().replace(" ", ""))
    if found is None or float(found[1]) <= 0:
        allowed = "a number with d or h (simulated days or hours), or with min or s (time of running), or off"
        raise InputError(f"got {text!r}, must be {allowed}", where)
    number = float(found[1])
    if found[2] in ("min", "s"):
        return Every(seconds=number * (60 if found[2] == "min" else 1))
    hours = number * (24 if found[2] == "d" else 1)
    if hours < step_hours:
        raise InputError(f"got {text!r}, a step of this scenario has {step_hours:g} h; must be at least that", where)
    return Every(hours=hours)


def are_wanted(text: str | None, seconds: float) -> bool:
    """Whether a new replicate keeps checkpoints.

    Args:
        text: the interval asked for, as `every_of` takes it; None: as suits. seconds: that the replicate is expected to take.
    """
    return seconds >= LONG_S if text is None else text != "off"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the checkpoints of one task are, and how often one is due.

    Attributes:
        path: folder of the task's checkpoints, see `RunFolder.checkpoints`. fingerprint: of the run.
        kind, number: of the task.
        every: None to go on from what there is and write nothing.
        step_hours: hours of a step.
    """

    path: Path
    fingerprint: str
    kind: str
    number: int
    every: Every | None
    step_hours: float

    @property
    def called(self) -> str:
        """What notes call the task."""
        return f"{self.kind}-{self.number:05d}"


class Checkpoints:
    """A store for `recsim.world.legs`: the checkpoints of one task.

    Attributes:
        failed: checkpoints that could not be written. failure: the same in words, with the last reason.
    """

    def __init__(self, place: Place) -> None:
        self.place, self.path = place, place.path
        self._notes: list[str] = []
        self.failed, self.failure = 0, ""
        self.last = (0, time.monotonic())
        for left in self.path.glob(f"{PART}*"):  # of a process that was killed while it wrote
            shutil.rmtree(left, ignore_errors=True)

    @property
    def notes(self) -> list[str]:
        """What happened, one line each."""
        return [*self._notes, *([self.failure] if self.failed else [])]

    def names(self) -> set[str]:
        """Checkpoints that were written to their end."""
        return {p.parent.name for p in self.path.glob(f"*/{SUMS}") if not p.parent.name.startswith(PART)}

    def begin(self, step: int) -> None:
        """An interval begins."""
        self.last = (step, time.monotonic())

    def due(self, step: int) -> bool:
        """Whether the interval is over."""
        every, (since, then) = self.place.every, self.last
        if every is None:
            return False
        if every.seconds:
            return time.monotonic() - then >= every.seconds
        return (step - since) * self.place.step_hours >= every.hours

    def keep(self, names: set[str]) -> None:
        """Delete all others."""
        for name in self.names() - names:
            (self.path / name / SUMS).unlink(missing_ok=True)  # from now on it is not whole
            shutil.rmtree(self.path / name, ignore_errors=True)

    # ---- writing ----------------------------------------------------------------------------------------------

    def save(self, name: str, content: Callable[[], dict[str, Any]], position: Mapping[str, Any]) -> bool:
        """Write a checkpoint; False if the disk does not take it, or it holds what is no number, which ends nothing."""
        if self.place.every is None:
            return False
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write(name, content(), position)
        except (OSError, TypeError) as error:
            full = isinstance(error, OSError) and error.errno in FULL
            why = "no space left on the disk" if full else str(error)
            self.failed += 1
            self.failure = (
                f"{self.failed} checkpoints of {self.place.called} could not be written ({why}); it went on without"
            )
            return False
        return True

    def _write(self, name: str, content: dict[str, Any], position: Mapping[str, Any]) -> None:
        arrays: dict[str, np.ndarray] = {}
        tree = _parted(content, "", arrays)
        size = sum(array.nbytes for array in arrays.values())
        if shutil.disk_usage(self.path).free < size + (size >> 4) + LARGE:
            raise OSError(errno.ENOSPC, "no space left")
        temporary = Path(tempfile.mkdtemp(dir=self.path, prefix=PART))
        try:
            files: dict[str, dict[str, Any]] = {}
            small = {key: array for key, array in arrays.items() if array.nbytes < LARGE}
            for number, (key, array) in enumerate(arrays.items()):
                if key not in small:
                    # A name within the content may hold anything; that of a file should not.
                    file = f"{number:03d}-{re.sub('[^A-Za-z0-9_.]', '-', key)[:80]}.npy"
                    files[file] = {"array": key, "dtype": array.dtype.str, "shape": list(array.shape)}
                    files[file] |= _written(temporary / file, array)
            buffer = io.BytesIO()
            np.savez(buffer, **cast(Any, small))
            files[SMALL] = {"arrays": len(small), "bytes": buffer.tell()}
            files[SMALL]["sha256"] = _flushed(temporary / SMALL, buffer.getvalue())
            place = self.place
            head = {
                "format": FORMAT, "version": VERSION, "recsim": version("recsim-audit"),
                "fingerprint": place.fingerprint, "task": {"kind": place.kind, "number": place.number},
                "position": dict(position), "files": files, "content": tree,
            }  # fmt: skip
            lines = [f"{one['sha256']}  {file}" for file, one in files.items()]
            lines.append(f"{_flushed(temporary / HEAD, json.dumps(head).encode())}  {HEAD}")
            _flushed(temporary / SUMS, ("\n".join(lines) + "\n").encode())
            _sync(temporary)
            os.chmod(temporary, 0o755)
            target = self.path / name
            if target.exists():
                shutil.rmtree(target)
            os.replace(temporary, target)
            _sync(self.path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    # ---- reading ----------------------------------------------------------------------------------------------

    def load(self, name: str) -> Any | None:
        """The content of a checkpoint, large arrays mapped from their files; None if it is damaged, which is noted.

        Raises:
            InputError: it is of another version of the format or of another run.
        """
        folder = self.path / name
        try:
            lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
            listed = {file: known for known, file in (line.split("  ", 1) for line in lines)}
            _hold(folder, HEAD, listed)  # the head first: what is not ours is not read to its end
            head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
            self._check(head, folder)
            if listed.keys() != {*head["files"], HEAD}:
                raise ValueError(f"{SUMS} lists other files than {HEAD}")
            for file in head["files"]:
                _hold(folder, file, listed)
            with np.load(folder / SMALL, allow_pickle=False) as zipped:
                arrays = {key: zipped[key] for key in zipped.files}
            for file, one in head["files"].items():
                if file != SMALL:
                    arrays[one["array"]] = np.load(folder / file, mmap_mode="r", allow_pickle=False)
            content = _joined(head["content"], arrays)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._notes.append(f"checkpoint {folder} was damaged ({error}) and not used")
            shutil.rmtree(folder, ignore_errors=True)
            return None
        if name.startswith("step"):
            day = head["position"]["step"] * self.place.step_hours / 24
            self._notes.append(
                f"{self.place.called} went on from its checkpoint after {day:g} simulated days of a world"
            )
        return content

    def _check(self, head: dict[str, Any], folder: Path) -> None:
        """Refuse what cannot be gone on from, instead of beginning anew in silence."""
        way = f"resume with the recsim that wrote it, or delete {self.path} to begin this replicate anew"
        if head["format"] == FORMAT and head["version"] != VERSION:
            raise InputError(f"got version {head['version']} of the format, must be {VERSION}; {way}", str(folder))
        task = {"kind": self.place.kind, "number": self.place.number}
        if head["fingerprint"] != self.place.fingerprint or head["task"] != task:
            text = f"belongs to another run or replicate ({head['fingerprint'][:12]}, {head['task']['kind']} "
            raise InputError(f"{text}{head['task']['number']}); delete {self.path}", str(folder))


def _hold(folder: Path, file: str, listed: Mapping[str, str]) -> None:
    """Compare a file with its checksum in the list.

    Raises:
        ValueError: it is not listed, or another. OSError: it cannot be read.
    """
    if file not in listed:
        raise ValueError(f"{SUMS} does not list {file}")
    if _checksum(folder / file) != listed[file]:
        raise ValueError(f"{file} was changed")


def _parted(content: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """The content with names in the place of arrays, which are collected."""
    if isinstance(content, np.ndarray):
        arrays[path] = content
        return {ARRAY: path}
    if isinstance(content, dict):
        return {name: _parted(one, f"{path}.{name}" if path else name, arrays) for name, one in content.items()}
    if isinstance(content, list):
        return [_parted(one, f"{path}.{number}", arrays) for number, one in enumerate(content)]
    return content


def _joined(content: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(content, dict):
        if ARRAY in content:
            return arrays[content[ARRAY]]
        return {name: _joined(one, arrays) for name, one in content.items()}
    return [_joined(one, arrays) for one in content] if isinstance(content, list) else content


def _written(path: Path, array: np.ndarray) -> dict[str, Any]:
    """Write an .npy file, its checksum made beside; bytes and SHA-256."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {**np.lib.format.header_data_from_array_1_0(array[:0]), "shape": array.shape}
    )
    total, size = hashlib.sha256(), 0
    with path.open("wb") as file, ThreadPoolExecutor(1) as beside:
        for part in (head.getvalue(), *_chunks(array)):
            summing = beside.submit(total.update, part)
            size += file.write(part)
            summing.result()
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": size, "sha256": total.hexdigest()}


def _chunks(array: np.ndarray) -> Iterator[Any]:
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for start in range(0, len(flat), CHUNK):
        yield flat[start : start + CHUNK].data


def _flushed(path: Path, content: bytes) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def _sync(folder: Path) -> None:
    """Let the names within a folder reach the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
