"""Shared fixtures: the small scenario, and how golden files are refreshed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from heavy import HEAVY, faults
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
settings.register_profile("recsim", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=300, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "recsim"))
"""`make test` always looks at the same examples; `make test-slow` at others each time ("explore"), and what fails there becomes an
`@example`. Tests that say how many examples they want, because one of theirs is a whole world, get so many in both."""


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write golden counters anew (changes numbers)")


def pytest_configure(config):
    """One private cache of compiled policies for the whole session, shared by the workers of pytest-xdist."""
    if "RECSIM_CACHE_DIR" not in os.environ:
        os.environ["RECSIM_CACHE_DIR"] = folder = tempfile.mkdtemp(prefix="recsim-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the tests of `heavy.HEAVY` slow; a name there that no collected file has, or a property that only slow tests show, is an error."""
    names = {f"{item.path.name}::{item.nodeid.partition('::')[2]}": item for item in items}
    for name in HEAVY & names.keys():
        names[name].add_marker(pytest.mark.slow)
    slow = {name for name, item in names.items() if item.get_closest_marker("slow")}
    # A name given on the command line collects a part of its file.
    whole = set() if any("::" in one for one in config.args) else {item.path.name for item in items}
    if lines := faults(slow, names.keys() - slow, whole):
        raise pytest.UsageError("tests/heavy.py: " + "; ".join(lines))


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


@pytest.fixture(scope="module")
def not_rendered():
    """For whole modules (`pytestmark`): figures are made, and an empty drawing is written in their place."""
    from helpers import figures_not_rendered

    with figures_not_rendered():
        yield
