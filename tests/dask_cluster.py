"""A real scheduler and worker processes on loopback, for tests; workers can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent


class DaskCluster:
    """A scheduler and some workers, each a process of its own.

    Args:
        folder: for the scheduler's file and logs.
        threads: one worker for each number, with so many threads. env: of the workers, beside this process's.
    """

    def __init__(self, folder, threads=(), env=None):
        self.folder = folder
        path = os.pathsep.join([str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")])
        self.env = {**os.environ, "PYTHONPATH": path, **(env or {})}
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        deadline = time.monotonic() + 60
        while not self.file.exists() or not self.file.read_text().strip():
            assert self.scheduler.poll() is None and time.monotonic() < deadline, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        options = ("--no-nanny", "--host", "127.0.0.1", "--nthreads")
        self.workers = [self._start("worker", *options, str(count)) for count in threads]

    def _start(self, kind, *options):
        log = (self.folder / f"{kind}.log").open("ab")
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{kind}",
            "--scheduler-file",
            str(self.file),
            "--no-dashboard",
        ]
        return subprocess.Popen([*command, *options], env=self.env, stdout=log, stderr=log, cwd=self.folder)

    def wait(self, client):
        client.wait_for_workers(len(self.workers), timeout=120)

    def kill(self, number):
        self.workers[number].send_signal(signal.SIGKILL)
        self.workers[number].wait()

    def close(self):
        for process in [*self.workers, self.scheduler]:
            if process.poll() is None:
                process.kill()
            process.wait()
