"""Run directories: atomic writes, one lock, replicates that survive whatever happens next."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd

from recsim.errors import InputError, RecsimError
from recsim.experiment.held import lacking

MARK = "fingerprint.txt"
LOCK = ".lock"
SUMS = "SHA256SUMS"
PART = ".part-"
PROC = Path("/proc")
"""Where Linux says what processes there are."""
CHECKPOINTS = "checkpoints"
ASIDE = "--out ../again"
"""What a command says that does a result again from within its folder: into that folder it would add files."""
FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))


@contextlib.contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into one line that says so.

    Raises:
        RecsimError: no space left, or the disk fails. InputError: no permission, or a file where a folder is needed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise RecsimError(
                f"{folder}: no space left on the disk; finished replicates are kept, free space and use --resume"
            ) from error
        if isinstance(error, PermissionError | NotADirectoryError | FileExistsError) or error.errno == errno.EROFS:
            raise InputError(
                f"cannot write: {error.strerror}; choose another folder with --out", str(folder)
            ) from error
        raise RecsimError(f"{folder}: cannot write: {error.strerror or error}; finished replicates are kept") from error


def write_bytes(path: Path, content: bytes) -> str:
    """Write a file completely or not at all.

    Returns:
        SHA-256 of the content.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files private; results are to be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return hashlib.sha256(content).hexdigest()


def write_text(path: Path, text: str) -> str:
    """Write a text file as UTF-8, completely or not at all; SHA-256 of it."""
    return write_bytes(path, text.encode())


def write_table(path: Path, frame: pd.DataFrame) -> str:
    """Write a Parquet file, completely or not at all; SHA-256 of it."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return write_bytes(path, buffer.getvalue())


TEXTS = (
    "candidate", "policy", "cost", "name", "arm", "mitigation", "by", "group", "part", "of", "figure", "gates", "head_weights",
    "predictor", "model", "stage", "key",
)  # fmt: skip
"""Columns of stored CSV files that hold names; those of studies have their own."""


def read_csv(path: Path, texts: Sequence[str] = TEXTS) -> pd.DataFrame:
    """A CSV file that recsim wrote: names stay text, whether they read like a number or like a missing value.

    Args:
        texts: columns that hold text, as far as they are there.
    """
    return pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=[""])


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def readable(folder: Path, what: str) -> Iterator[None]:
    """Turn a file that is missing or cannot be understood into one line that says so.

    Raises:
        InputError: always in the place of an error of reading.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError):
            name = Path(error.filename).name if error.filename else "a file"
            problem = f"{name} is missing" if isinstance(error, FileNotFoundError) else f"{name}: {error.strerror}"
        else:
            problem = f"it lacks {error}" if isinstance(error, KeyError) else "a file in it is damaged"
        article = "an" if what[0] in "aeiou" else "a"
        text = f"cannot be read as {article} {what}: {problem}; run the scenario again into this folder"
        raise InputError(text, str(folder)) from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a folder.

    Raises:
        InputError: it is damaged. OSError: it cannot be read; see `readable`.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        text = f"{path.name} is damaged (no JSON object); run the scenario again into this folder"
        raise InputError(text, str(path.parent)) from error


def verified(folder: Path, last: str, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file that marks a folder as complete, and its manifest, after all checksums were compared.

    Args:
        folder: a run directory.
        last: name of the file that is written last.
        what: "run" or "comparison".

    Raises:
        InputError: it is not complete, or a file was changed since it was written.
    """
    if not (folder / last).exists():
        raise lacking(folder, last, what, MARK)
    summary, manifest = read_json(folder / last), read_json(folder / "manifest.json")
    for name, expected in manifest["sha256"].items():
        if checksum(folder / name) != expected:
            raise InputError(f"{name} is damaged or was changed; run the scenario again into this folder", str(folder))
    if summary["fingerprint"] != manifest["fingerprint"] or summary["replicates"] != manifest["replicates"]:
        raise InputError(
            f"{last} and manifest.json are of different runs; run the scenario again into this folder", str(folder)
        )
    return summary, manifest


class RunFolder:
    """One run's directory.

    Finished tasks lie in ``<kind>/<number>`` (``replicates``, ``assumptions``, or one kind per policy): tables, and a ``meta.json`` with their
    SHA-256. Each appears whole or not at all.

    Args:
        path: the directory itself.
        fingerprint: of what is to be run.
        last: name of the file that is written last and marks the folder as complete.
    """

    def __init__(self, path: Path, fingerprint: str, last: str = "summary.json") -> None:
        self.path, self.fingerprint, self.last = path, fingerprint, last

    @property
    def complete(self) -> bool:
        """Whether the last file has been written."""
        return (self.path / self.last).exists()

    def inspect(self) -> None:
        """Look whether the folder is free or ours, touching nothing.

        Raises:
            InputError: it is a file, or holds another run or other files.
        """
        with plain_errors(self.path):
            self._inspect()

    def _inspect(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise InputError("is a file; --out needs a folder", str(self.path))
        mark = self.path / MARK
        if mark.exists():
            found = mark.read_text(encoding="utf-8", errors="replace").strip()
            if found != self.fingerprint:
                raise InputError(
                    f"holds another run ({found[:12]}, this one is {self.fingerprint[:12]}); choose another folder with --out",
                    str(self.path),
                )
            return
        ours = (LOCK, f".{MARK}.")  # left by a run that was stopped before it had begun
        if self.path.is_dir() and any(not p.name.startswith(ours) for p in self.path.iterdir()):
            raise InputError("holds files that are not a run; choose an empty or new folder with --out", str(self.path))

    def claim(self, resume: bool, kinds: Sequence[str] = ("replicates",)) -> None:
        """Make the folder ours, or refuse without touching anything.

        Args:
            resume: continue an unfinished run.
            kinds: of tasks whose presence makes it an unfinished run.

        Raises:
            InputError: it holds another run, other files, or an unfinished run without ``resume``.
        """
        self.inspect()
        done, begun = sum(len(self.finished(kind)) for kind in kinds), len(self.begun())
        if not self.complete and not resume and (done or begun):
            more = f", {begun} begun" if begun else ""
            text = f"holds an unfinished run ({done} replicates done{more}); continue it with --resume"
            raise InputError(text, str(self.path))
        with plain_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if not (self.path / MARK).exists():
                write_text(self.path / MARK, self.fingerprint + "\n")
            for left in self.path.glob(f"*/{PART}*"):  # of a process that was killed while it stored something
                shutil.rmtree(left, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder alone; a lock ends with its process, however that ends.

        Raises:
            InputError: another process is writing here, or the folder is not free or ours.
        """
        self.inspect()
        with plain_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            file = self._locked()
        try:
            yield
        finally:
            (self.path / LOCK).unlink(missing_ok=True)
            file.close()

    def _locked(self) -> IO[str]:
        """The lock file, opened, locked, and with our process number and the time of its beginning in it."""
        path = self.path / LOCK
        while True:
            file = path.open("a+")
            file.seek(0)
            owner, _, began = file.read().strip().partition(" ")
            # The process counts too, because some network disks pretend to lock.
            if not _only_holder(file) or _alive(owner, began):
                file.close()
                text = f"process {owner or 'of another user'} is writing here; wait for it or choose another --out"
                raise InputError(text, str(self.path))
            # Between our opening and our locking the last holder may have removed the file: then ours is not the lock.
            if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                break
            file.close()
        file.truncate(0)
        file.write(f"{os.getpid()} {_began(os.getpid())}".strip())
        file.flush()
        return file

    def _task(self, kind: str, number: int) -> Path:
        return self.path / kind / f"{number:05d}"

    def checkpoints(self, kind: str, number: int, shards: int = 1) -> Path:
        """Where the checkpoints of a task lie while it is not stored; those of so many shards go on in as many only."""
        return self.path / CHECKPOINTS / (f"{kind}-{number:05d}" + (f"-in-{shards}" if shards > 1 else ""))

    def begun(self) -> list[str]:
        """Tasks of which there are checkpoints, by name of their folder."""
        root = self.path / CHECKPOINTS
        found = [p for depth in ("*/*", "*-in-*/*/*") for p in root.glob(f"{depth}/{SUMS}")]
        tasks = {p.relative_to(root).parts[0] for p in found if not p.parent.name.startswith(PART)}
        return sorted({name.partition("-in-")[0] for name in tasks})

    def forget_checkpoints(self, kind: str, number: int) -> None:
        """Delete the checkpoints of a task that is stored."""
        path = self.checkpoints(kind, number)
        for there in [one for one in (path, *path.parent.glob(f"{path.name}-in-*")) if one.is_dir()]:
            shutil.rmtree(there, ignore_errors=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # only if nothing else is in it

    def finished(self, kind: str = "replicates") -> list[int]:
        """Numbers of the stored tasks of a kind, "replicates" or "assumptions"."""
        root = self.path / kind
        if not root.is_dir():
            return []
        return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())

    def said_to_have(self) -> int:
        """Replicates of a complete result some of whose files are damaged: as it says itself, or else those that are stored."""
        for name in ("manifest.json", self.last):
            with contextlib.suppress(OSError, InputError):
                number = read_json(self.path / name).get("replicates")
                if isinstance(number, int):
                    return number
        return len(self.finished())

    def store(
        self, number: int, frames: dict[str, pd.DataFrame], meta: dict[str, Any], kind: str = "replicates"
    ) -> None:
        """Keep one finished task: all of it appears at once."""
        target = self._task(kind, number)
        with plain_errors(self.path):
            target.parent.mkdir(exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=PART))
            try:
                sums = {f"{name}.parquet": write_table(temporary / f"{name}.parquet", f) for name, f in frames.items()}
                write_text(temporary / "meta.json", json.dumps({"meta": meta, "sha256": sums}))
                os.chmod(temporary, 0o755)
                if target.exists():
                    shutil.rmtree(target)
                os.replace(temporary, target)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise

    def fetch(self, number: int, kind: str = "replicates") -> tuple[dict[str, pd.DataFrame], dict[str, Any]] | None:
        """One stored task, or None if any of it is missing or damaged."""
        folder = self._task(kind, number)
        try:
            record = json.loads((folder / "meta.json").read_text())
            frames = {}
            for name, expected in record["sha256"].items():
                content = (folder / name).read_bytes()
                if hashlib.sha256(content).hexdigest() != expected:
                    return None
                frames[name.removesuffix(".parquet")] = pd.read_parquet(io.BytesIO(content))
            return frames, record["meta"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _only_holder(file: IO[str]) -> bool:
    """Lock an open file for this process alone; False if another holds it. The system frees it with the process."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _began(number: int) -> str:
    """When the process of this number began, in the system's words; "" where it does not say. After a restart none has the same."""
    try:
        fields = (PROC / str(number) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return f"{(PROC / 'sys/kernel/random/boot_id').read_text(encoding='ascii').strip()} {fields[19]}"
    except (OSError, IndexError):
        pass
    try:
        words = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}  # whoever asks, in the same words
        found = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(number)], capture_output=True, text=True, env=words, check=False
        )
        return found.stdout.strip()
    except OSError:
        return ""


def _alive(owner: str, began: str = "") -> bool:
    """Whether another process of this machine has this number, and is not known to have begun at another time than ``began``."""
    if sys.platform == "win32" or not owner.isdigit() or int(owner) == os.getpid():
        return False
    try:
        os.kill(int(owner), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    now = _began(int(owner))
    return not (began and now) or now == began
