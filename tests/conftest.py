"""Shared fixtures: the small scenario, and how golden files are refreshed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from heavy import HEAVY
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
settings.register_profile("recsim", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("recsim")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write golden counters anew (changes numbers)")


def pytest_configure(config):
    """One private cache of compiled policies for the whole session, shared by the workers of pytest-xdist."""
    if "RECSIM_CACHE_DIR" not in os.environ:
        os.environ["RECSIM_CACHE_DIR"] = folder = tempfile.mkdtemp(prefix="recsim-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the tests of `heavy.HEAVY` slow; a name there that no collected file has is an error."""
    names = {item.nodeid.rpartition("/")[2]: item for item in items}
    for name in HEAVY & names.keys():
        names[name].add_marker(pytest.mark.slow)
    # A name given on the command line collects a part of its file.
    whole = {item.path.name for item in items} if not any("::" in one for one in config.args) else set()
    lost = sorted(name for name in HEAVY - names.keys() if name.partition("::")[0] in whole)
    if lost:
        raise pytest.UsageError(f"tests/heavy.py names tests that are not there: {', '.join(lost)}")


@pytest.fixture(scope="session")
def small():
    """configs/small.yaml with one luck branch."""
    from recsim.scenario import load

    return load(ROOT / "configs" / "small.yaml", ["run.luck_branches=1"])


@pytest.fixture(scope="session")
def romania():
    from recsim.scenario import load

    return load(ROOT / "configs" / "romania.yaml")


@pytest.fixture
def task_log(tmp_path, monkeypatch):
    """Where the fake engine notes each task that it simulates, one file each."""
    folder = tmp_path / "log"
    folder.mkdir()
    monkeypatch.setenv("FAKE_LOG", str(folder))
    return folder


@pytest.fixture
def log(task_log):
    """How many tasks the fake engine has simulated since."""
    return lambda: len(list(task_log.iterdir()))
