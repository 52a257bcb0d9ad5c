"""The benchmarks measure what they say: equal work on both sides, notes where a reference is missing, one table."""

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import __main__ as whole
from benchmarks.machine import LANES, MULTIPLY_ADDS, SUMS, facts, multiply_adds
from benchmarks.peers import array_people, compare
from benchmarks.rounds import Row, Spent, Spread, interleaved, rates, reference, spread
from benchmarks.scaling import GROUP, chart, save_chart
from benchmarks.scoring import SIZE, Scorer, Selection, dot_product, twelve_heads
from benchmarks.table import amount, head, plain, text


def test_variants_take_turns():
    calls = []
    spent = interleaved({name: lambda name=name: calls.append(name) for name in "ab"}, 3)
    assert "".join(calls) == "ab" + "ababab"  # once without a clock
    assert [len(one) for one in spent.values()] == [3, 3]
    assert rates(10, [Spent(2.0, 5.0)]) == [2.0] and rates(10, [Spent(2.0, 5.0)], "clock") == [5.0]


def test_ratios_are_by_rounds():
    found = reference("other", [10.0, 40.0, 30.0], [5.0, 10.0, 30.0])
    assert found["times_as_fast"] == Spread(2.0, 1.0, 4.0, 3) and found["value"] == spread([5.0, 10.0, 30.0])
    with pytest.raises(ValueError):
        reference("other", [1.0], [1.0, 2.0])


@pytest.mark.slow
def test_both_sides_select_the_same_ten():
    selection = Selection(Scorer(dot_product))
    g = np.random.default_rng(5)
    selection.observed.seen[:] = g.integers(0, 2**63, selection.observed.seen.shape, np.uint64)
    selection.eligible[:] = g.random(len(selection.eligible)) < 0.9
    mine = selection.all().copy()
    assert mine.sum() == 10 * len(selection.scorer.world.person)
    assert np.array_equal(mine, selection.numpy(True))
    assert not np.array_equal(mine, selection.numpy(False))


@pytest.mark.slow
def test_twelve_heads_cost_twelve_chances():
    """One chance is one division in the generated loop: eight of predicted actions, four of the policy's own."""
    from benchmarks.policies import numpy_block

    scorer = Scorer(twelve_heads)
    predicted = [name for name in twelve_heads.score_reads if name.startswith(("p_", "e_"))]
    assert len(predicted) == 8 and scorer.compiled.source.count("chance(p.") == 4
    array = numpy_block(twelve_heads, scorer.compiled.rows, scorer.world)
    assert np.allclose(scorer.block(0)[:SIZE], array(scorer.world.person[:SIZE], 0), rtol=1e-3, atol=1e-3)


def test_numpy_works_out_what_a_policy_reads_and_no_more(monkeypatch):
    """No interest for a policy that does not know any, and no parsing of the policy inside what is timed."""
    from benchmarks import policies

    hot = policies.PRESETS["hn_popular"]
    rows = tuple(row for name in hot.score_reads for row in policies.features_of("rates")[name].rows)
    d = policies.world(rows)
    score = policies.numpy_block(
        hot, rows, SimpleNamespace(**{**vars(d), "estimate": None, "match": None, "language": None})
    )
    monkeypatch.setattr(type(hot), "score_reads", property(lambda self: pytest.fail("parsed again")))
    out = score(d.person[:16], 3)
    assert out.shape == (16, policies.POOL) and out.base is None  # written, not one row shown sixteen times
    assert (out == out[0]).all() and len(np.unique(out[0])) > 100
    text = Path(policies.__file__).read_text()
    assert text.index("os.environ.setdefault") < text.index("import numpy")


@pytest.mark.slow
def test_scoring_the_items_counts_before_scores_are_handed_out(monkeypatch):
    from benchmarks import policies

    calls = []
    score_items = policies.CompiledPolicy.score_items.fget
    monkeypatch.setattr(
        policies.CompiledPolicy, "score_items", property(lambda self: calls.append(1) or score_items(self))
    )
    row = policies.measure("chrono", 1)
    assert len(calls) == policies.ROUNDS + 1 and row["handed_out_pairs_per_s"] > 0


@pytest.mark.parametrize("tool", [array_people.mesa_step, array_people.numpy_step])
def test_peers_do_the_common_task(tool):
    catalogue = array_people.Catalogue(200, 50)
    step = tool(300, catalogue)
    for _ in range(3):
        step()
    assert catalogue.likes.sum() == 900
    assert (catalogue.likes > 0).sum() <= 3 * 50  # no more than was retrieved


def test_a_peer_that_cannot_be_had_is_a_note(monkeypatch, tmp_path):
    mine = {
        "variants": [
            {"threads": t, "scored": s, "seconds": [0.5, 0.7, 0.6], "processor": [1.2]}
            for t in (1, 2)
            for s in (1000, 256)
        ]
    }

    allowed = []

    def said(command, cores):
        if "benchmarks.peers.recsim_people" in command:
            return mine
        allowed.append(cores)
        if cores == 2 and "mesa" in command:  # the second thread spins: its time is not what is compared
            return {"seconds": [2.0], "processor": [5.0], "peak_mib": 5}
        return {"failed": "broken"} if "numpy" in command else {"seconds": [2.0], "processor": [2.5], "peak_mib": 5}

    monkeypatch.setattr(compare, "said", said)
    monkeypatch.setattr(compare.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    rows = compare.rows(2, 60, 3, tmp_path / "nowhere")
    assert [row.value.median for row in rows] == [50.0, 100.0, 50.0, 100.0]
    assert [row.time for row in rows] == ["processor", "clock"] * 2 and set(allowed) == {1, 2}
    assert [row.details["peers_may_use_threads"] for row in rows] == [1, 2] * 2
    shown = text(rows)
    assert "beside t-recs content, all |  |  |  | not measured: `make bench-peers`" in shown
    assert "beside NumPy in blocks, all |  |  |  | not measured: broken" in shown
    assert "| - beside Mesa, all | 30.0 user-steps/s | 30.0 to 30.0 | 3.33 (3.33 to 3.33) | at most 5 MiB |" in shown
    assert "| - beside Mesa, all | 24.0 user-steps/s | 24.0 to 24.0 | 2.08 (2.08 to 2.08) | at most 5 MiB |" in shown


def test_a_program_that_fails_says_why():
    found = compare.said([sys.executable, "-c", "raise SystemExit('no such thing')"], 1)
    assert found == {"failed": "no such thing"}
    assert compare.said(["/nowhere/python"], 1)["failed"]
    assert compare.said(
        [sys.executable, "-c", "import os; print('{\"n\": ' + os.environ['OMP_NUM_THREADS'] + '}')"], 2
    ) == {"n": 2}


def test_the_table_and_its_record():
    row = Row("A group", "a thing", "pairs/s", Spread(3.62e6, 3.5e6, 4e6, 5), "clock", {"P": 256, "re-rankers": []},
              [reference("NumPy", [4e6], [2e6])], "a note")  # fmt: skip
    shown = text([row, dataclasses.replace(row, unit="s", value=spread([2000.0]), beside=[])])
    assert "| a thing | 3.62 M pairs/s | 3.50 M to 4.00 M |  | P 256, re-rankers none, clock time; a note |" in shown
    assert "| - beside NumPy | 2.00 M pairs/s | once | 2 (2 to 2) |  |" in shown
    assert "| a thing | 2000 s | once |" in shown
    assert amount(0.0154, "times") == "0.02" and amount(97e9, "pairs/s") == "97.0 G"
    stored = json.loads(json.dumps(plain([row])))
    assert stored[0]["value"] == {"median": 3.62e6, "low": 3.5e6, "high": 4e6, "rounds": 5}
    assert stored[0]["beside"][0]["times_as_fast"]["median"] == 2.0


def test_the_head_says_what_makes_figures_too_low():
    about = {**facts(), "load_before": 3.0, "load_after": 1.0, "quick": True}
    assert "busy with other work" in head(about) and "quick: fewer sizes" in head(about)
    assert about["cpu"] in head(about) and f"numpy {np.__version__}" in head(about) and about["blas"] != "unknown"
    calm = head({**about, "load_before": 0.1, "quick": False})
    assert "busy" not in calm and "quick" not in calm


def test_the_peak_is_that_of_multiply_adds():
    """Compiled to as many vector multiply-adds as are counted, in a loop that nothing was taken out of."""
    multiply_adds(1)
    assembly = next(iter(multiply_adds.inspect_asm().values()))
    if MULTIPLY_ADDS // SUMS == LANES and "vfmadd" in assembly:
        assert assembly.count("vfmadd") >= SUMS
    assert np.isfinite(multiply_adds(100)) and multiply_adds(100) != multiply_adds(200)


def test_the_page_keeps_what_stands_around_the_table():
    page = f"before\n{whole.BEGIN}\nold\n{whole.END}\nafter\n"
    assert whole.put(page, "new\n") == f"before\n{whole.BEGIN}\n\nnew\n\n{whole.END}\nafter\n"
    assert whole.put(whole.put(page, "x"), "new") == whole.put(page, "new")
    kept = whole.PAGE.read_text(encoding="utf-8")
    assert kept.count(whole.BEGIN) == kept.count(whole.END) == 1


def test_the_scaling_curve(tmp_path):
    rows = [
        {"group": GROUP, "details": {"people": people, "ns_per_impression": [ns, ns + 9.0], "peak_bytes": memory}}
        for people, ns, memory in ((10_000, 500.0, 3e8), (100_000, 480.0, 6e8), (1_000_000, 520.0, 3.5e9))
    ]
    figure = chart([*rows, {"group": GROUP, "details": {"bytes_per_further_person": 3000}}])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["10,000", "100,000", "1,000,000"]
    first = save_chart(rows, tmp_path / "a").read_bytes()
    assert save_chart(rows, tmp_path / "b").read_bytes() == first


@pytest.mark.parametrize("more", [["--quick"], ["--only", "start"]])
def test_part_of_the_table_is_not_kept(monkeypatch, capsys, more):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--out", str(whole.DOCS), *more])
    with pytest.raises(SystemExit) as ended:
        whole.main()
    assert ended.value.code == 2 and "only the whole table is kept" in capsys.readouterr().err


@pytest.mark.slow
def test_worlds_that_differ_in_threads_do_the_same_work():
    from benchmarks.throughput import measure

    rows = measure("tiktok_value", 300, [1, 2], 1, "content.items_per_day=400")
    assert [row.name.split(", ")[-1] for row in rows] == ["1 thread", "2 threads"]
    assert rows[0].settings["P"] == 256 and rows[0].settings["heads"] == 5 and rows[0].settings["mean examined"] > 15
    shares = rows[0].details["phase_shares"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.1) and {"looking", "scores", "retrieval"} <= set(shares)
    assert rows[1].beside[0]["name"] == "1 thread" and rows[1].beside[0]["times_as_fast"].rounds == 1
