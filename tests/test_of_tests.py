"""Rules about the tests themselves."""

import ast
from pathlib import Path

import heavy
import pytest

FILES = sorted(Path(__file__).parent.glob("*.py"))
GENERATORS = {"default_rng", "RandomState", "Generator", "Random"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_generator_is_shared_by_tests(path):
    """What a test draws would hang on which tests ran before it in the same process."""
    for statement in ast.parse(path.read_text()).body:
        # A row of numbers that is drawn once and then stays is no generator.
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Call):
            made = ast.unparse(statement.value.func).rpartition(".")[2]
            assert made not in GENERATORS, f"{path.name}:{statement.lineno}"


def test_a_heavy_test_without_a_sister_is_found(monkeypatch):
    monkeypatch.setattr(
        heavy, "HEAVY", frozenset({"a.py::one[x]", "a.py::two[x]", "a.py::three", "a.py::gone", "b.py::elsewhere"})
    )
    monkeypatch.setattr(heavy, "ALONE", {"a.py::three": "a.py::one"})
    slow, stay, whole = {"a.py::one[x]", "a.py::two[x]", "a.py::two[y]", "a.py::three"}, {"a.py::one[y]"}, {"a.py"}
    assert heavy.faults(slow, stay, whole) == [
        "HEAVY names a.py::gone, which is not there",
        "no variant of a.py::two stays in make test, and ALONE names no other test that shows it",
    ]
    assert heavy.faults(slow, stay, set()) == []
    monkeypatch.setattr(
        heavy,
        "ALONE",
        {"a.py::one": "a.py::two", "a.py::two": "a.py::one", "a.py::three": "a.py::two", "a.py::four": "b.py::none"},
    )
    assert heavy.faults(slow, stay, whole)[1:] == [
        "ALONE names a.py::four, which HEAVY does not",
        "ALONE names a.py::one, of which a variant stays",
        "ALONE says that a.py::two shows what a.py::one does, and it is not in make test",
        "ALONE says that a.py::two shows what a.py::three does, and it is not in make test",
    ]
