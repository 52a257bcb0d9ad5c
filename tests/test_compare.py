"""The same worlds under several policies: numbers, files, resuming, refusals, tables and figures."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import fake_world
import numpy as np
import pandas as pd
import pytest
from helpers import here
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from test_experiment import cli

import recsim
from recsim import metrics
from recsim.errors import InputError
from recsim.experiment import run
from recsim.experiment.compare import asked_for, chosen, compare, expected
from recsim.experiment.comparison import Comparison
from recsim.experiment.contrasts import COSTS, candidate_row, direction, frontiers
from recsim.experiment.run import estimate
from recsim.report import write_comparison
from recsim.report.compare_figures import NAMED, pareto
from recsim.report.compare_table import comparison_lines, short
from recsim.report.labels import overlap, place_labels
from recsim.scenario import load

POLICIES = ["dsa38_regional", "popular_decayed", "random", "tiktok_value"]
ALIAS = "recsim.ranking.tiktok_value:tiktok_value"
TABLES = ("compare.csv", "policies.csv", "costs.csv", "shift_by_replicate.csv", "costs_by_replicate.csv")


def numbers_of(value):
    """All numbers of a policy, apart from what it has only because it is compared with another."""
    only = ("policy", "own", "rank", "difference_p_holm", "difference_verdict")
    if isinstance(value, dict):
        return {k: numbers_of(v) for k, v in value.items() if k not in only}
    return [numbers_of(v) for v in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def scenario():
    return load(fake_world.SMALL, ["run.replicates=6"])


def go(scenario, out=None, policies=POLICIES, **options):
    options = {"workers": 1, "store": out is not None, **options}
    return compare(scenario, policies=policies, out=out, simulate=fake_world.simulate, **options)


@pytest.fixture(scope="module")
def done(scenario, tmp_path_factory):
    return go(scenario, tmp_path_factory.mktemp("compare") / "c")


def contents(folder):
    """Bytes of all files that must not depend on how a comparison was done."""
    out = {name: (Path(folder) / name).read_bytes() for name in (*TABLES, "scenario.yaml", "fingerprint.txt")}
    summary = json.loads((Path(folder) / "compare.json").read_text())
    del summary["timing"]
    return out | {"summary": json.dumps(summary)}


def row_of(result, policy, candidate="eva"):
    policy_row = next(p for p in result.summary["policies"] if p["policy"] == policy)
    return policy_row, candidate_row(policy_row, candidate)


# ---- numbers -----------------------------------------------------------------------------------------------------


def test_each_policy_has_the_numbers_of_its_own_run(scenario, done):
    for policy in ("random", "tiktok_value"):
        alone = run(scenario, policy=policy, workers=1, store=False, simulate=fake_world.simulate)
        mine, _ = row_of(done, policy)
        for wanted in alone.summary["candidates"]:
            got = candidate_row(mine, wanted["id"])
            assert {k: got[k] for k in wanted} == wanted
        assert mine["tv_distance"] == alone.summary["tv_distance"]


def test_policies_are_ranked_by_the_size_of_the_shift(done):
    assert done.policies[0] == "dsa38_regional" and done.policies[-1] == "random"
    sizes = [abs(row_of(done, p)[1]["shift_pp"]) for p in done.policies]
    assert sizes == sorted(sizes, reverse=True)
    assert done.summary["own_policy"] == "tiktok_value" and done.summary["replicates"] == 6


def test_contrasts_are_those_of_the_replicates(done):
    """p-values, adjustment, differences and chances, worked out anew from the table by replicate."""
    table = done.frames["shift_by_replicate"]
    wide = table[table["candidate"] == "eva"].pivot_table(index="replicate", columns="policy", values="shift_pp")
    p = {name: metrics.p_value(wide[name].to_numpy()) for name in POLICIES}
    for name in POLICIES:
        smaller = sorted(p.values())
        steps = [(len(p) - k) * v for k, v in enumerate(smaller) if v <= p[name]]
        row = row_of(done, name)[1]
        assert row["p_holm"] == pytest.approx(min(1, max(steps)))
        t = metrics.interval(wide[name].to_numpy(), 1 - 0.05 / 4)
        assert (row["simultaneous_low"], row["simultaneous_high"]) == pytest.approx((t.low, t.high))
        assert row["chance_at_threshold"] == pytest.approx(metrics.chance_at_least(wide[name].to_numpy(), 1.0))
        assert row["replicates_at_threshold"] == pytest.approx((wide[name] >= 1.0).mean())
        difference = (wide[name] - wide["tiktok_value"]).to_numpy()
        assert row["difference_pp"] == pytest.approx(difference.mean(), abs=1e-12)
    regional = metrics.interval((wide["dsa38_regional"] - wide["tiktok_value"]).to_numpy(), 1 - 0.05 / 3)
    row = row_of(done, "dsa38_regional")[1]
    assert row["difference_simultaneous_low"] == pytest.approx(regional.low)
    assert row["difference_verdict"] == "more" and row_of(done, "random")[1]["difference_verdict"] == "less"
    # The fake engine answers both policies alike, with the same luck.
    assert row_of(done, "popular_decayed")[1]["difference_verdict"] == "the same"


def test_amplification_names_its_baselines(done):
    """M6: a ratio of shares without campaigns, against every policy of the set that treats all people alike."""
    table = done.frames["shift_by_replicate"]
    share = table[table["candidate"] == "eva"].pivot(index="replicate", columns="policy", values="share_counterfactual")
    for policy in POLICIES:
        found = row_of(done, policy)[1]["amplification"]
        assert set(found) == {p["policy"] for p in done.summary["policies"] if not p["profiled"]} - {policy}
        for baseline, ratio in found.items():
            assert ratio["value"] == pytest.approx(share[policy].mean() / share[baseline].mean())
            assert ratio["low"] <= ratio["value"] <= ratio["high"]


@pytest.mark.parametrize(
    ("values", "p", "words"),
    [
        ([1.0, 1.2, 0.9], 0.01, "more"), ([-1.0, -1.2], 0.04, "less"), ([1.0, -1.2], 0.6, "no difference shown"),
        ([0.0, 0.0, np.nan], 1.0, "the same"), ([2.0], np.nan, "one replicate"), ([np.nan], np.nan, "undefined"),
    ],
)  # fmt: skip
def test_a_difference_in_words(values, p, words):
    assert direction(np.array(values), p) == words


def test_what_the_campaigns_get_for_their_work(scenario, done):
    _, row = row_of(done, "tiktok_value")
    actions = 7 / (6 * 2) * 6 / scenario.population.scale  # seven per replicate, in the first of two branches
    assert row["counted_actions"] == pytest.approx(actions)
    assert row["excess_per_action"] == pytest.approx(row["excess_impressions"] / actions)
    assert row["excess_per_euro"] == pytest.approx(row["excess_impressions"] / row["spend_eur"])
    assert "excess_per_action" not in row_of(done, "tiktok_value", "ada")[1]


def test_costs_are_those_of_the_world_without_campaigns(done):
    mine = row_of(done, "dsa38_regional")[0]["costs"]["watch_s_per_person_day"]
    assert mine["without"] == pytest.approx(80 + 2.5 + 0.5) and mine["change"] == pytest.approx(-1)
    assert mine["difference"] == pytest.approx(-20) and mine["difference_verdict"] == "less"
    assert mine["difference_p_holm"] == 0 and mine["difference_simultaneous_low"] == pytest.approx(-20)
    own = row_of(done, "tiktok_value")[0]["costs"]["like_rate"]
    assert own["without"] == pytest.approx(0.05) and own["difference_verdict"] == "own"
    nothing = row_of(done, "random")[0]["costs"]["gini_views"]
    assert nothing["without"] is None and nothing["difference_verdict"] == "undefined"


def test_several_beneficiaries_are_one_family(scenario, tmp_path):
    other = scenario.campaigns[0].model_copy(update={"id": "second", "key": "second", "beneficiary": "ada"})
    result = go(scenario.model_copy(update={"campaigns": [*scenario.campaigns, other]}), tmp_path / "c", replicates=3)
    s = result.summary
    assert s["beneficiaries"] == ["ada", "eva"] and s["simultaneous"]["family_shift"] == 8
    assert s["simultaneous"]["family_difference"] == 6
    found = result.shift()
    assert found["p_holm"].notna().sum() == 8 and found["difference_p_holm"].notna().sum() == 6
    p = found[found["beneficiary"]].set_index(["policy", "candidate"])[["p_value", "p_holm"]]
    assert p["p_holm"].tolist() == pytest.approx(metrics.holm(p["p_value"].to_numpy()).tolist())
    write_comparison(result)
    drawn = {path.stem for path in (result.folder / "figures").glob("*.png")}
    assert drawn == {"costs", "pareto_ada", "pareto_eva", "shift_ada", "shift_eva"}
    text = "\n".join(comparison_lines(result))
    assert "Shift of Ada" in text and "Shift of Eva" in text and {"shift_pp.ada", "shift_pp.eva"} <= set(result.table())


def test_the_frontier_holds_who_is_beaten_by_nobody(done):
    best = done.summary["frontier"]["eva"]["watch_s_per_person_day"]
    assert best == ["random", "tiktok_value"]  # dsa38_regional moves more and gives less; popular_decayed gives less


def test_a_policy_without_a_known_shift_is_on_no_frontier(done):
    rows = json.loads(json.dumps(done.summary["policies"]))
    first = next(r for r in rows if r["policy"] == "random")
    next(c for c in first["candidates"] if c["id"] == "eva")["shift_pp"] = None
    assert "random" not in frontiers(rows, ["eva"])["eva"]["watch_s_per_person_day"]


def test_the_same_policy_under_two_names_is_exactly_the_same(scenario):
    declared = load(fake_world.SMALL, ["run.replicates=2", "platform.parameters.w_like=3"])
    for each, simulate in ((scenario, fake_world.simulate), (declared, None)):
        result = compare(each, policies=[ALIAS, "tiktok_value"], workers=1, store=False, simulate=simulate)
        assert row_of(result, ALIAS)[1]["difference_verdict"] == "the same"
        one, two = map(numbers_of, result.summary["policies"])
        assert one == two and one["candidates"][0]["shift_pp"] is not None
    # The declared parameter counts: without it the numbers are others.
    plain = compare(load(fake_world.SMALL), policies=[ALIAS], replicates=2, workers=1, store=False)
    assert row_of(plain, ALIAS)[1]["shift_pp"] != row_of(result, ALIAS)[1]["shift_pp"]


def test_real_worlds_are_shared_and_drawn_alike(small):
    """One real comparison: the shared days' people and parameters are the same, the feeds are not."""
    result = recsim.compare(small, policies=["random", "chrono_following"], replicates=2, workers=1, store=False)
    assert set(result.policies) == {"random", "chrono_following", "tiktok_value"}
    assert any("tiktok_value is added" in note for note in result.notes)
    costs = result.frames["costs_by_replicate"].set_index(["policy", "replicate", "cost"])["counterfactual"]
    for policy in result.policies:
        found = costs[policy].unstack("cost")
        assert found[list(COSTS)].notna().all().all()
        assert (found["effective_topics"] > 1).all() and found["small_creator_share"].between(0, 1).all()
    watch = costs.xs("watch_s_per_person_day", level="cost")
    assert watch["tiktok_value"].mean() > 1.2 * watch["random"].mean() > 1.2 * watch["chrono_following"].mean()
    alone = run(small, policy="random", replicates=2, workers=1, store=False)
    assert row_of(result, "random")[1]["shift_pp"] == alone.shift().set_index("candidate").loc["eva", "shift_pp"]


# ---- files -------------------------------------------------------------------------------------------------------


def test_neither_workers_nor_the_order_of_policies_change_a_byte(scenario, done, tmp_path):
    other = go(scenario, tmp_path / "c", policies=POLICIES[::-1], workers=2)
    assert contents(other.folder) == contents(done.folder)


def test_the_directory_holds_everything_needed_to_check_or_redo(done):
    manifest = json.loads((done.folder / "manifest.json").read_text())
    for name, expected_sum in manifest["sha256"].items():
        assert hashlib.sha256((done.folder / name).read_bytes()).hexdigest() == expected_sum
    assert set(TABLES) | {"scenario.yaml"} == set(manifest["sha256"])
    assert manifest["seed"] == 7 and {"python", "numpy", "numba"} <= set(manifest["versions"])
    assert set(manifest["folders"]) == set(POLICIES) == set(manifest["replicate_meta"])
    for folder in manifest["folders"].values():
        assert len([p for p in (done.folder / folder).iterdir() if p.is_dir()]) == 6
    shift = pd.read_csv(done.folder / "compare.csv")
    assert len(shift) == 4 * 3 and {"policy", "candidate", "shift_pp", "p_holm", "chance_at_threshold"} <= set(shift)
    policies = pd.read_csv(done.folder / "policies.csv")
    assert list(policies["policy"]) == done.policies and {"shift_pp.eva", "watch_s_per_person_day"} <= set(policies)
    assert len(done.costs()) == 4 * len(COSTS)


def test_a_complete_comparison_is_reused_and_extended(scenario, tmp_path, log):
    first = go(scenario, tmp_path / "c", replicates=2)
    assert log() == 8
    again = go(scenario, tmp_path / "c", replicates=2)
    assert log() == 8 and again.reused and again.summary == first.summary and "complete" in again.notes[0]
    more = go(scenario, tmp_path / "c", replicates=3)
    assert log() == 12 and more.summary["replicates"] == 3
    assert contents(more.folder) == contents(go(scenario, tmp_path / "d", replicates=3).folder)
    assert go(scenario, tmp_path / "c", replicates=3, force=True).folder.name == "c-2"


def test_an_unfinished_comparison_needs_resume(scenario, tmp_path, log):
    folder = go(scenario, tmp_path / "c", replicates=2).folder
    (folder / "compare.json").unlink()
    kept = folder / "policy-random" / "00001"
    (kept / "exposure.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"8 replicates done.*--resume"):
        go(scenario, folder, replicates=2)
    resumed = go(scenario, folder, replicates=2, resume=True)
    assert log() == 8 + 1 and "7 finished replicates taken over" in resumed.notes
    assert any("random: replicate 1 was damaged" in note for note in resumed.notes)
    assert contents(folder) == contents(go(scenario, tmp_path / "d", replicates=2).folder)


def test_ctrl_c_keeps_finished_worlds(scenario, tmp_path, log):
    def stop(done, total, text):
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(scenario, tmp_path / "c", replicates=2, progress=stop)
    # A whole replicate of every policy comes first, so that what is stored can be compared.
    stored = sorted(f"{p.parent.name}/{p.name}" for p in (tmp_path / "c").glob("policy-*/0*"))
    assert stored == [f"policy-{name}/00000" for name in POLICIES[: len(stored)]] and len(stored) >= 3
    before = log()
    resumed = go(scenario, tmp_path / "c", replicates=2, resume=True)
    assert log() == before + 8 - len(stored) and resumed.summary["replicates"] == 2


def test_load_gives_back_what_compare_gave(done, tmp_path):
    found = Comparison.load(done.folder)
    assert found.summary == done.summary and found.scenario == done.scenario and found.reused
    pd.testing.assert_frame_equal(found.shift(), done.shift())
    for name, frame in done.frames.items():
        pd.testing.assert_frame_equal(found.frames[name], frame, check_dtype=False)
    with pytest.raises(InputError, match="no complete comparison"):
        Comparison.load(tmp_path)


def test_a_run_and_a_comparison_do_not_share_a_folder(scenario, done, tmp_path):
    with pytest.raises(InputError, match="another run"):
        run(scenario, out=done.folder, workers=1, simulate=fake_world.simulate)


# ---- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        (["tiktok_valeu"], "did you mean 'tiktok_value'"), (["random", "random"], "got 'random' twice"),
        (["tiktok_value"], "at least one other"), ([], "at least one other"), (["nowhere:x"], "nowhere"),
    ],
)  # fmt: skip
def test_bad_policies_are_refused_before_anything_is_written(scenario, tmp_path, policies, message):
    with pytest.raises(InputError, match=message) as error:
        go(scenario, tmp_path / "c", policies=policies)
    assert "\n" not in str(error.value) and not (tmp_path / "c").exists()


def test_without_a_campaign_to_remove_there_is_nothing_to_compare(scenario):
    kept = [c.model_copy(update={"counterfactual": "kept"}) for c in scenario.campaigns]
    for campaigns in ([], kept):
        with pytest.raises(InputError, match="no campaign is removed"):
            chosen(scenario.model_copy(update={"campaigns": campaigns}), "all")
    with pytest.raises(InputError, match="no campaign is removed"):
        go(scenario.model_copy(update={"campaigns": []}))


def test_all_stands_for_every_preset(scenario):
    from recsim.ranking.presets import PRESETS

    assert chosen(scenario, "all") == sorted(PRESETS) == chosen(scenario, ["all"])
    assert chosen(scenario, ["all", ALIAS]) == sorted([*PRESETS, ALIAS])


def test_all_stands_for_what_is_installed(monkeypatch):
    from recsim.ranking import registry

    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    assert "als" not in asked_for("all") and "als" in asked_for(["als"]) and "itemknn" in asked_for("all")


def test_the_expected_time_grows_with_the_policies(scenario):
    one = estimate(scenario, 1)["seconds"]
    two, four = (expected(scenario, POLICIES[:n], 1)["seconds"] for n in (2, 4))
    assert one < two < four < 4 * one + 20


# ---- what people look at -----------------------------------------------------------------------------------------


def test_a_policy_without_a_share_is_said_to_have_none(done):
    summary = json.loads(json.dumps(done.summary))
    for policy in summary["policies"]:
        row = next(c for c in policy["candidates"] if c["id"] == "eva")
        row |= {"ci_low": None, "ci_high": None} | ({"shift_pp": None} if policy["policy"] == "random" else {})
    lines = comparison_lines(dataclasses.replace(done, summary=summary))
    (first,) = [line for line in lines if "random" in line and "(no share)" in line]
    assert len(first) <= 80 and "\n".join(lines).count("(one replicate)") == len(POLICIES) - 1
    summary["frontier"] = {who: {key: [] for key in found} for who, found in summary["frontier"].items()}
    text = " ".join(" ".join(comparison_lines(dataclasses.replace(done, summary=summary))).split())
    assert "No frontier for Eva" in text and "no feed has both a known shift and a known" in text and ": ." not in text


def test_tables_fit_the_terminal(done):
    lines = comparison_lines(done)
    assert all(len(line) <= 80 for line in lines if "/" not in line), [x for x in lines if len(x) > 80]
    text = "\n".join(lines)
    for policy in POLICIES:
        assert text.count(policy) >= 3
    ranks = [line.split()[1] for line in lines if re.match(r" \d  \w", line)]
    assert ranks == done.policies * 2
    assert re.search(r"random .* less", text) and "(own policy)" in text and "the same" in text
    assert short("package.module:a_very_long_function", 18) == "..ry_long_function"


def test_many_policies_get_ranks_and_a_key(scenario, tmp_path):
    result = go(scenario, policies=["all", *(f"recsim.ranking.presets:{name}" for name in POLICIES)], replicates=2)
    assert len(result.policies) > NAMED
    texts = [t.get_text() for f in pareto(result, "eva").findobj(SubFigure) for t in f.texts]
    assert len(texts) == 1 and [line.split()[0] for line in texts[0].splitlines()] == [
        str(k + 1) for k in range(len(result.policies))
    ]


@pytest.mark.parametrize("case", ["plain", "one replicate", "zero dose"])
def test_figures_and_page_are_complete(scenario, tmp_path, case):
    names = [c.model_copy(update={"name": "<b>x</b>"}) if c.id == "eva" else c for c in scenario.candidates]
    hostile = scenario.model_copy(update={"candidates": names})
    if case == "zero dose":
        hostile = hostile.model_copy(update={"dose": hostile.dose.model_copy(update={"value": 0.0})})
    result = go(hostile, tmp_path / "c", [*POLICIES, ALIAS, "chrono_following"], replicates=1 if case[0] == "o" else 3)
    write_comparison(result)
    drawn = sorted(p.name for p in (result.folder / "figures").iterdir())
    assert drawn == [f"{n}.{e}" for n in ("costs", "pareto_eva", "shift_eva") for e in ("png", "svg")]
    for path in (result.folder / "figures").glob("*.svg"):
        ET.parse(path)
    page = (result.folder / "compare.html").read_text()
    assert "<b>x" not in page and "&lt;b&gt;x" in page and page.count("<svg") == 3
    assert re.findall(r'(?:src|href)="(?!#|data:text/csv)([^"]+)"', page) == []
    assert "campaigns.<wbr>network.<wbr>accounts" in page and ALIAS in page and "--policies" in page
    assert all(len(line) <= 80 for line in comparison_lines(result) if "/" not in line)


def test_labels_cover_neither_each_other_nor_points():
    figure = Figure(figsize=(7, 4), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    rng = np.random.default_rng(0)
    crowd = [(x, y, f"some_policy_{k}") for k, (x, y) in enumerate(rng.normal(0, [0.02, 1], (25, 2)))]
    axes.set_xlim(-0.1, 3)
    axes.set_ylim(-4, 4)
    boxes = place_labels(axes, crowd)
    assert not any(overlap(a, b) for k, a in enumerate(boxes) for b in boxes[:k])
    spots = axes.transData.transform([(x, y) for x, y, _ in crowd])
    assert not any(overlap(box, (x - 3, y - 3, x + 3, y + 3)) for box in boxes for x, y in spots)
    left, low, right, high = axes.get_window_extent().extents
    assert all(left < b[0] and low < b[1] and b[2] < right and b[3] < high for b in boxes)


# ---- command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_json_and_nothing_else(tmp_path):
    done = cli("compare", fake_world.SMALL, "--policies", "random,tiktok_value", "--replicates", "2", "--workers", "1",
                "--set", "run.luck_branches=1", "--out", tmp_path / "c", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert {p["policy"] for p in summary["policies"]} == {"random", "tiktok_value"}
    assert "2 replicates of each of 2 policies; expect about" in done.stderr
    assert (tmp_path / "c" / "compare.html").exists() and (tmp_path / "c" / "figures" / "pareto_eva.png").exists()
    assert (tmp_path / "c" / "policy-random" / "policy_compiled.py").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--policies", "randm"], "did you mean 'random'"), (["--replicates", "0"], "must be at least 1"),
        (["--scale", "2"], "must be above 0 and at most 1"), (["--set", "campaigns=[]"], "no campaign is removed"),
        (["--replicates", "9999"], "add --yes"),
    ],
)  # fmt: skip
def test_the_command_refuses_in_one_line(tmp_path, options, message):
    done = here("compare", fake_world.SMALL, "--out", tmp_path / "c", "--quiet", *options)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "c").exists()


def test_all_leaves_out_what_is_not_installed(scenario, monkeypatch):
    from recsim.ranking import registry

    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    result = compare(scenario, policies="all", replicates=2, workers=1, store=False, simulate=fake_world.simulate)
    assert any("als is left out: it needs implicit" in note for note in result.notes)
