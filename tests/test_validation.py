"""The studies that hold the engine against published results: what they measure, what they found, and the page."""

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from experiments.validation import __main__ as whole  # noqa: E402
from experiments.validation import (  # noqa: E402
    amplification,
    chronological,
    concentration,
    contamination,
    emotion,
    puppets,
    study,
    stylised,
)
from experiments.validation.exposures import by_followed, follows_of, member, watch, world_of  # noqa: E402
from experiments.validation.page import PAGE, RECORDS, page_text, seconds_of  # noqa: E402
from experiments.validation.studies import STUDIES  # noqa: E402
from recsim.errors import InputError  # noqa: E402
from recsim.scenario import realise  # noqa: E402

GOLDEN = Path(__file__).parent / "golden" / "validation.json"
KEYS = {
    "study", "quantity", "published", "source", "observed", "tolerance", "agrees", "note", "version", "fingerprint", "date", "seconds",
}  # fmt: skip


def small(policy=None, replicate=0, **more):
    scenario = study.base(study.REDUCED, policy, [f"{k}={v}" for k, v in more.items()])
    return realise(scenario, scenario.run.seed, replicate)


# ---- what the studies measure ---------------------------------------------------------------------------------------


def test_every_impression_is_found():
    """The log read from the feed's memory is what the engine counted: per item, in all, and nothing twice."""
    world = world_of(small(), 0)
    world.run_until(9)
    before = world.state.counters.human[:, 0].copy()
    examined = int(world.feed.tally.feed[:, 3].sum() + world.record.feed[3])
    seen = watch(world, world.plan.steps)
    views = world.state.counters.human[:, 0] - before
    assert np.array_equal(np.bincount(seen.item, minlength=len(views)), views) and views.sum() > 50_000
    assert len(seen.item) == int(world.record.feed[3]) - examined
    code = seen.person.astype(np.int64) * len(views) + seen.item
    assert len(np.unique(code)) == len(code)
    created = world.state.items.created[seen.item]
    assert (created <= seen.step).all() and (seen.step - created <= world.plan.lifetime).all()
    # Follows given during the run count as well.
    accounts, links = world.state.accounts, follows_of(world)
    assert len(links) == int(accounts.start[-1] + accounts.since.sum()) and accounts.since.any()
    assert len(np.unique(links)) == len(links) and not by_followed(world, seen).all()


def test_a_following_feed_is_by_followed_accounts():
    """No impression of a feed of followed accounts is by a stranger where nobody searches."""
    world = world_of(small("chrono_following", **{"activity.search_share": 0, "activity.external_share": 0}), 0)
    at_first = follows_of(world)
    seen = watch(world, world.plan.steps)
    assert by_followed(world, seen).all()
    author = world.state.items.author[seen.item].astype(np.int64)
    stranger = (author + 1) % len(world.state.accounts.since)
    assert not member(at_first, stranger * world.plan.people + seen.person).all()


def test_scripts_change_nobody_elses_draws_and_nothing_before():
    """The informed continuation is the world itself; a script leaves the world it starts from alone."""
    scenario = small()
    world = world_of(scenario, 0)
    world.run_until(48)
    who = np.array([3, 40])
    blind = puppets.scripted(world, who, 0, "blind")
    watched = watch(blind, 56)
    informed = watch(puppets.scripted(world, who, 0, "informed"), 56)
    assert np.array_equal(world.state.latent.taste, world_of(scenario, 0).state.latent.taste)
    mine, own = (np.isin(s.person, who) for s in (watched, informed))
    # In the first step only what these accounts do differs: everybody is shown the same.
    first = watched.step == 48, informed.step == 48
    others = [set(zip(s.person[f & ~m], s.item[f & ~m], strict=True)) for s, f, m in
              ((watched, first[0], mine), (informed, first[1], own))]  # fmt: skip
    assert others[0] == others[1] and others[0]
    assert not np.array_equal(watched.item, informed.item)


def test_ratio_is_per_cent_with_an_interval_on_logarithms():
    over, under = np.array([2.0, 4.0, 8.0]), np.array([1.0, 2.0, 2.0])
    mean, low, high = study.ratio_pct(over, under)
    x = np.log([2, 2, 4])
    half = 4.302652729911275 * x.std(ddof=1) / math.sqrt(3)  # t with 2 degrees of freedom
    assert mean == pytest.approx(100 * (math.exp(x.mean()) - 1))
    assert (low, high) == pytest.approx(tuple(100 * (math.exp(x.mean() + s * half) - 1) for s in (-1, 1)))


def test_verdicts_follow_the_numbers():
    """A world in which ranking does nothing is reported as not agreeing, with a reason."""
    rows = [
        {
            "cell": c,
            "replicate": r,
            "reach.ada": 10.0 + r,
            "views.ada": 20.0,
            "reach": 10.0 + r + f,
            "views": 20.0,
            "impressions": 9.0,
        }
        for c, f in (("chronological", 0), ("followed, ranked", 0), ("x_2023_04", 9), ("tiktok_value", 90))
        for r in range(3)
    ]
    found = {f.quantity.split(",")[0] + f.quantity: f for f in amplification.judge(pd.DataFrame(rows))}
    verdict = {name: f.agrees for name, f in found.items()}
    assert [verdict[k] for k in found] == [False, True, False]
    assert all(("why" in f.note or "beyond" in f.note or "favours" in f.note) for f in found.values() if not f.agrees)


def test_an_unknown_cell_is_refused():
    with pytest.raises(InputError, match="nothing"):
        study.wide(pd.DataFrame({"cell": ["a"], "replicate": [0], "x": [1.0]}), "nothing", "x")


# ---- the engine has not drifted -------------------------------------------------------------------------------------


def only(one, names):
    """The study with some of its cells."""
    return dataclasses.replace(one, cells=lambda size: {n: cell for n, cell in one.cells(size).items() if n in names})


@pytest.mark.slow
def test_reduced_studies_show_the_same_and_count_the_same(request):
    """The reduced worlds in one go: directions of large effects, and whole numbers of impressions, which show any drift."""
    wanted = (
        (amplification.STUDY, 5, ("chronological", "x_2023_04", "tiktok_value")),
        (chronological.STUDY, 3, ("chrono_following", "msi_2020")),
        (contamination.STUDY, 2, ("linucb", "itemknn", "chrono", "chrono_following")),
    )
    tables = {
        one.name: study.table_of(only(one, names), study.Size(replicates, study.REDUCED.overrides), 1)
        for one, replicates, names in wanted
    }
    table = tables["amplification"]
    for name in ("x_2023_04", "tiktok_value"):
        mean, low, _ = study.ratio_pct(study.wide(table, name, "reach"), study.wide(table, "chronological", "reach"))
        assert low > 0 and 10 < mean < 400, name
    table = tables["chronological"]
    assert 48 * 3 < study.wide(table, "msi_2020", "watch").mean() < 48 * 100  # seconds; 48 videos a day
    assert (
        study.ratio_pct(study.wide(table, "chrono_following", "watch"), study.wide(table, "msi_2020", "watch"))[2] < 0
    )
    table = tables["contamination"]
    for name in contamination.CHRONOLOGICAL:
        assert (study.wide(table, name, "differ.all") == 0).all()
    for name in ("linucb", "itemknn"):
        assert (study.wide(table, name, "differ.all") > 0).all()

    now = {
        name: {
            cell: [int(v) for v in part.sort_values("replicate")["impressions"]] for cell, part in table.groupby("cell")
        }
        for name, table in tables.items()
    }
    # Counts, and shares of counts in millionths: the same on every machine.
    for one, cell, figures in (
        (concentration.STUDY, "chrono_following", ["exposures", "touched"]),
        (emotion.STUDY, "x_2023_04", ["political", "out_group"]),
        (puppets.STUDY, "tiktok_value", [f"politics.{b}" for b in puppets.BEHAVIOURS]),
    ):
        scenario = one.cells(study.Size(2, study.REDUCED.overrides))[cell]
        found = one.measure(realise(scenario, scenario.run.seed, 0), 0)
        now[one.name] = {cell: [int(found["impressions"]), *(round(1e6 * found[name]) for name in figures)]}
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(now, indent=1) + "\n")
    assert now == json.loads(GOLDEN.read_text())


def test_only_a_reduced_size_has_smaller_worlds():
    """Fewer replicates are the same worlds; a reduced size is a small one however many there are."""
    days = {name: stylised.cells(size)[stylised.ROMANIA].days for name, size in (
        ("full", study.FULL), ("few", study.Size(6)), ("reduced", study.REDUCED), ("many", study.Size(8, study.REDUCED.overrides)),
    )}  # fmt: skip
    assert days["few"] == days["full"] != days["reduced"] == days["many"]


def options_of(**more):
    given = {"studies": [], "reduced": False, "replicates": None, "workers": None, "keep": None}
    return argparse.Namespace(**(given | more))


def test_scripts_are_given_what_the_command_line_says(monkeypatch, tmp_path):
    commands, pages = [], []
    monkeypatch.setattr(whole.subprocess, "run", lambda command, **more: commands.append(command))
    monkeypatch.setattr(whole.shutil, "copyfile", lambda one, other: None)
    monkeypatch.setattr(whole, "write_page", pages.append)
    whole.carry_out_all(options_of(studies=["simsom"], replicates=4, workers=1, keep=tmp_path))
    assert commands[0][-6:] == ["--cells", "all", "--runs", "4", "--workers", "1"] and not pages
    monkeypatch.chdir(ROOT)
    whole.carry_out_all(options_of(studies=["takedown"], keep=Path("docs")))
    assert "--runs" not in commands[1] and pages == [PAGE]


def test_what_has_one_size_is_not_reduced():
    with pytest.raises(InputError, match="published size"):
        whole.carry_out_all(options_of(studies=["simsom"], reduced=True))


# ---- records and page -----------------------------------------------------------------------------------------------


def test_the_page_is_made_of_the_records():
    assert PAGE.read_text(encoding="utf-8") == page_text(), "run python -m experiments.validation.page"


def test_every_study_has_records_with_all_keys_and_a_reason_for_every_deviation():
    for name in STUDIES:
        records = json.loads((RECORDS / f"{name}.json").read_text())
        for one in records:
            assert one.keys() >= KEYS and one["study"] == name, one
            assert one["agrees"] in (True, False, None) and len(one["fingerprint"]) == 12
            assert one["agrees"] is not False or one["note"], one["quantity"]
            low, high = one["interval"]
            assert low <= one["observed"] <= high
        assert (ROOT / "docs" / "images" / f"validation-{name}.png").exists()


def test_the_page_shows_what_a_record_says(tmp_path):
    """Also of records by other scripts: a standard error, no verdict, no interval."""
    one = {
        "study": "other", "quantity": "a | b", "published": 0.94, "source": "somebody", "observed": 0.5, "standard_error": 0.01,
        "tolerance": 0.02, "agrees": False, "note": "because", "version": "9.9", "fingerprint": "f" * 64, "date": "2030-01-02", "seconds": 3,
    }  # fmt: skip
    (tmp_path / "other.json").write_text(json.dumps([one, {**one, "agrees": None, "quantity": "c", "note": ""}]))
    text = page_text(tmp_path, tmp_path)
    row = "| a / b | 0.94 | somebody | 0.02 | 0.5 (s.e. 0.01) | **no** | 9.9, `ffffffffffff`{} | 2030-01-02 | 3 |"
    assert row.format("") in text
    (tmp_path / "other.json").write_text(json.dumps([{**one, "commit": "c" * 40 + " with changes"}]))
    assert row.format(", commit cccccccccccc with changes") in page_text(tmp_path, tmp_path)
    assert "- **a | b**: because" in text and "| [other](#other) | 2 | 0 | 1 | 1 | 3 |" in text
    assert "## The published takedown curve and the Romanian delay curve" in text


def test_seconds_of_the_same_runs_count_once():
    runs = {"fingerprint": "a", "seconds": 3.0}
    assert (
        seconds_of(
            [
                {"study": "one", **runs},
                {"study": "another, of the same runs", **runs},
                {"fingerprint": "b", "seconds": 4.0},
            ]
        )
        == 7
    )


def test_a_long_table_says_why_there_is_no_verdict(tmp_path):
    one = {
        "study": "other",
        "quantity": "q",
        "published": 0.999,
        "source": "somebody",
        "observed": 1.0,
        "agrees": None,
        "note": "too small",
    }
    (tmp_path / "other.json").write_text(json.dumps([one] + 30 * [{**one, "source": "", "quantity": "r"}]))
    text = page_text(tmp_path, tmp_path)
    assert "Published, and without verdict:\n\n- q: too small\n" in text and "- r: too small" not in text


def test_fingerprints_stand_for_figures_not_for_words():
    source = (ROOT / "experiments" / "validation" / "puppets.py").read_text()
    same = (
        source.replace("not established", "unknown")
        .replace('"""Two ranked feeds."""', '"""Feeds."""')
        .replace("  # a script", "  # it")
    )
    other = source.replace("politics[who] = 0", "politics[who] = 1")
    assert same != source != other
    assert study.deciding_code(same) == study.deciding_code(source) != study.deciding_code(other)
