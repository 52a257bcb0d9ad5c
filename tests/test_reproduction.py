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


def test_order(scripts):
    _, simsom, _ = scripts
    found = {"x-a-none": {"quality": np.array([0.5, 0.52])}, "x-b-none": {"quality": np.array([0.8, 0.82])}}
    found["x-none-none"] = {"quality": np.ones(2)}
    assert simsom.order_record(found, "q", [["x-b-none"], ["x-a-none"]], "")["agrees"] is True
    assert simsom.order_record(found, "q", [["x-a-none"], ["x-b-none"]], "")["agrees"] is False
