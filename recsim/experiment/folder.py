"""Run directories: atomic writes, one lock, replicates that survive whatever happens next."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from recsim.errors import InputError, RecsimError

MARK = "fingerprint.txt"


@contextlib.contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into one line that says so.

    Raises:
        RecsimError: no space left. InputError: no permission.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RecsimError(
                f"{folder}: no space left on the disk; finished replicates are kept, free space and use --resume"
            ) from error
        if isinstance(error, PermissionError):
            raise InputError(
                f"cannot write: {error.strerror}; choose another folder with --out", str(folder)
            ) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files private; results are to be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a Parquet file completely or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        frame.to_parquet(temporary, index=False)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class RunFolder:
    """One run's directory.

    Args:
        path: the directory itself.
        fingerprint: of what is to be run.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint

    @property
    def complete(self) -> bool:
        """Whether a summary has been written."""
        return (self.path / "summary.json").exists()

    def claim(self, resume: bool) -> None:
        """Make the folder ours, or refuse without touching anything.

        Raises:
            InputError: it holds another run, other files, or an unfinished run without ``resume``.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InputError("is a file; --out needs a folder", str(self.path))
        if self.path.exists() and any(self.path.iterdir()):
            mark = self.path / MARK
            if not mark.exists():
                raise InputError(
                    "holds files that are not a run; choose an empty or new folder with --out", str(self.path)
                )
            found = mark.read_text().strip()
            if found != self.fingerprint:
                raise InputError(
                    f"holds another run ({found[:12]}, this one is {self.fingerprint[:12]}); choose another folder with --out",
                    str(self.path),
                )
            if not self.complete and not resume and self.finished():
                n = len(self.finished())
                raise InputError(
                    f"holds an unfinished run ({n} replicates done); continue it with --resume", str(self.path)
                )
        with plain_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            write_text(self.path / MARK, self.fingerprint + "\n")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder alone; the lock of a process that is gone is taken over.

        Raises:
            InputError: another process is writing here.
        """
        path = self.path / ".lock"
        try:
            with path.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            owner = path.read_text().strip()
            if owner.isdigit() and int(owner) != os.getpid() and _alive(int(owner)):
                raise InputError(
                    f"process {owner} is writing here; wait for it or choose another --out", str(self.path)
                ) from None
            path.write_text(str(os.getpid()))
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def _replicate(self, number: int) -> Path:
        return self.path / "replicates" / f"{number:05d}"

    def finished(self) -> list[int]:
        """Numbers of the stored replicates."""
        root = self.path / "replicates"
        if not root.is_dir():
            return []
        return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())

    def store(self, number: int, frames: dict[str, pd.DataFrame], meta: dict[str, Any]) -> None:
        """Keep one replicate: all of it appears at once."""
        target = self._replicate(number)
        with plain_errors(self.path):
            target.parent.mkdir(exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
            try:
                for name, frame in frames.items():
                    frame.to_parquet(temporary / f"{name}.parquet", index=False)
                sums = {p.name: checksum(p) for p in sorted(temporary.iterdir())}
                write_text(temporary / "meta.json", json.dumps({"meta": meta, "sha256": sums}))
                if target.exists():
                    shutil.rmtree(target)
                os.replace(temporary, target)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise

    def fetch(self, number: int) -> tuple[dict[str, pd.DataFrame], dict[str, Any]] | None:
        """One stored replicate, or None if any of it is missing or damaged."""
        folder = self._replicate(number)
        try:
            record = json.loads((folder / "meta.json").read_text())
            frames = {}
            for name, expected in record["sha256"].items():
                if checksum(folder / name) != expected:
                    return None
                frames[name.removesuffix(".parquet")] = pd.read_parquet(folder / name)
        except (OSError, ValueError, KeyError):
            return None
        return frames, record["meta"]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
