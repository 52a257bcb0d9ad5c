"""Records of reproductions: what agrees, what is a prediction, what is kept; the cells that are asked for."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def scripts():
    sys.path.insert(0, str(ROOT / "experiments"))
    try:
        import reproduce_simsom
        import reproduce_takedown
        import reproduction

        yield reproduction, reproduce_simsom, reproduce_takedown
    finally:
        sys.path.remove(str(ROOT / "experiments"))


def test_records(scripts, tmp_path):
    record = scripts[0].record
    values = np.array([0.90, 0.94, 0.92])
    near = record("s", "q", values, published=0.93, tolerance=0.02, source="x")
    far = record("s", "q", values, published=0.95, tolerance=0.02, source="x")
    none = record("s", "q", values, note="why")
    assert near["agrees"] is True and far["agrees"] is False and none["agrees"] is None
    assert none["note"] == "prediction: no published value at hand; why" and near["note"] == ""
    assert near["observed"] == pytest.approx(0.92) and near["standard_error"] == pytest.approx(0.02 / 3**0.5)
    assert record("s", "q", 0.5, agrees=np.bool_(True))["interval"] is None
    scripts[0].write_records(tmp_path, "out", [near, far, none])
    assert json.loads((tmp_path / "out.json").read_text()) == [near, far, none]
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == ",".join(near)


def test_runs_are_kept_under_their_fingerprint(scripts, tmp_path):
    reproduction, simsom, _ = scripts
    cells = simsom.Cells(60)
    name = cells.add("er", 0.01, 1, 0.0)
    cell = cells.found["er-none"][name]
    assert reproduction._work(simsom.measure, [cell], ["mark"], 2, tmp_path) == 1
    kept = reproduction._stored(tmp_path, cell, "mark", 2)
    found = simsom.measure(cell.scenario, 2, cell.arms)
    assert kept == {"fingerprint": "mark", "seconds": kept["seconds"], **found} and 0 <= kept["share"] < 1
    assert found != simsom.measure(cell.scenario, 3, cell.arms)
    assert (
        reproduction._stored(tmp_path, cell, "other", 2) is None
        and reproduction._stored(tmp_path, cell, "mark", 3) is None
    )


def test_cells(scripts):
    _, simsom, takedown = scripts
    cells = simsom.Cells(None)
    simsom.wanted(cells, "all")
    names = [name for group in cells.found.values() for name in group]
    assert len(names) == len(set(names)) == 154  # docs/simsom.md
    for rows, (_, down), (_, across) in simsom.grids().values():
        assert [len(row) for row in rows] == [len(across)] * len(down) and {n for row in rows for n in row} <= set(
            names
        )
    assert {simsom.name_of(*key) for key in simsom.PUBLISHED} <= set(names)
    cell = cells.found["ln-none"]["ln-g0.01-t64-p0-uniform-none"].scenario.campaigns[0]
    assert (cell.infiltration.value, cell.flooding, cell.deception.value) == (0.01, 64, 0)
    assert len(takedown.cells(None, 10)) == 1 + len(takedown.TAU)


class Every(dict):
    """Any cell, made as it is asked for."""

    def __init__(self, made):
        super().__init__()
        self.made = made

    def __missing__(self, name):
        self[name] = {"fingerprint": name, "seconds": 0.0, **self.made(name)}
        return self[name]


def test_bots_that_do_nothing_agree_with_nothing(scripts):
    """A campaign without effect must not come out as published, in any row."""
    _, simsom, takedown = scripts
    gen = np.random.default_rng(3)
    found = Every(lambda name: {"quality": 0.5 + 0.002 * gen.normal(size=10)})
    records = simsom.records_of(found, simsom.Cells(None), "all")
    assert not [r["quantity"] for r in records if r["agrees"]]
    assert {r["agrees"] for r in records} == {None, False}
    names = takedown.ILLEGAL
    still = Every(lambda name: dict.fromkeys(names, np.full(10, 3.0)))
    assert not [r["quantity"] for r in takedown.records_of(still, 100, None) if r["agrees"]]


def test_what_is_smaller_than_its_error_gets_no_verdict(scripts):
    record, beyond = scripts[0].record, scripts[0].beyond
    x = np.array([0.97, 0.98, 0.99])
    none = record("s", "q", x, published=0.999, tolerance=0.05, inert=1.0)
    assert none["agrees"] is None and none["note"].startswith("too small to tell") and none["tolerance"] == 0.0005
    assert record("s", "q", x, published=0.94, tolerance=0.05, inert=1.0)["agrees"] is False  # half of .06, not .05
    assert record("s", "q", x, published=0.9, tolerance=0.05, inert=1.0)["tolerance"] == 0.05
    # Student's t with two degrees of freedom.
    assert none["interval"] == pytest.approx([0.98 - 4.302653 * 0.01 / 3**0.5, 0.98 + 4.302653 * 0.01 / 3**0.5])
    assert beyond(x, x - 0.02) == 1 and beyond(x - 0.02, x) == -1 and beyond(x, x - 0.01) == 0
    assert beyond(x[:1], x - 5) == 0  # one run: nothing is known about its error


def test_targets_are_milder_beyond_their_error_only(scripts):
    _, simsom, _ = scripts
    z = np.linspace(-0.01, 0.01, 10)

    def judged(shifts):
        quality = {
            simsom.name_of("ln", 0.01, 1, 0.0, t): 0.88 + s + z for t, s in zip(simsom.TARGETS, shifts, strict=True)
        }
        found = Every(lambda name: {"quality": quality.get(name, np.ones(10))})
        return simsom.milder_record(found, 0.01, "")["agrees"]

    assert judged([0, 0.001, 0.001, 0.001, -0.001, -0.001]) is None  # a coin toss
    assert judged([0, 0.1, 0.1, 0.1, -0.1, 0]) is True
    assert judged([0, 0.1, 0.1, -0.1, -0.1, -0.1]) is False


def test_order(scripts):
    _, simsom, _ = scripts
    found = {"x-a-none": {"quality": np.array([0.5, 0.52])}, "x-b-none": {"quality": np.array([0.8, 0.82])}}
    found["x-none-none"] = {"quality": np.ones(2)}
    assert simsom.order_record(found, "q", [["x-b-none"], ["x-a-none"]], "")["agrees"] is True
    assert simsom.order_record(found, "q", [["x-a-none"], ["x-b-none"]], "")["agrees"] is False
    flat = {name: {"quality": found["x-a-none"]["quality"]} for name in ("x-a-none", "x-b-none")} | {
        "x-none-none": found["x-none-none"]
    }
    assert simsom.order_record(flat, "q", [["x-b-none"], ["x-a-none"]], "")["agrees"] is False  # nothing falls
    # One row falls and the other by less than can be told: no verdict.
    more = found | {"x-c-none": {"quality": np.array([0.79, 0.83])}, "x-d-none": {"quality": np.array([0.49, 0.53])}}
    some = simsom.order_record(more, "q", [["x-b-none", "x-c-none"], ["x-a-none", "x-d-none"]], "why")
    assert (
        some["agrees"] is None and some["note"] == "2 of 4 rows and columns do not fall by more than their error; why"
    )
