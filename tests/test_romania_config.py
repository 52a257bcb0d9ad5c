"""The Romanian scenario: complete, traceable, even-handed, and free of vote shares."""

import csv
import importlib.util
import io
import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from recsim.audit.facts import platform_facts
from recsim.scenario import load, quantities, realise
from recsim.scenario.quantity import Quantity
from recsim.scenario.schema import Scenario

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "configs" / "romania.yaml"
DATA = ROOT / "configs" / "data"
INSCOP = {"ciolacu": 24.1, "simion": 20.7, "lasconi": 15.0, "geoana": 18.1, "ciuca": 8.2}
CIRA = {"ciolacu": 29, "simion": 17, "lasconi": 16, "geoana": 9, "ciuca": 19, "georgescu": 1, "kelemen": 1}
REGISTERED = {
    "Nord-Est": 3_261_988, "Sud-Est": 2_258_460, "Sud-Muntenia": 2_514_361, "Sud-Vest Oltenia": 1_720_209,
    "Vest": 1_627_045, "Nord-Vest": 2_294_982, "Centru": 2_120_528, "Bucuresti-Ilfov": 2_210_907,
}  # fmt: skip
PRESENT_ABROAD = 791_391


@pytest.fixture(scope="module")
def build():
    """The script that makes the segments, as a module."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "experiments" / "build_romania_segments.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def private_data(build, monkeypatch, tmp_path):
    """The script at work on a copy of the county file; returns a function that rewrites every row of the copy."""
    monkeypatch.setattr(build, "DATA", tmp_path)
    with (DATA / "romania_r1_by_county.csv").open(newline="", encoding="utf-8") as file:
        counties = list(csv.DictReader(file))

    def write(change):
        rows = [change(dict(row)) for row in counties]
        with (tmp_path / "romania_r1_by_county.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path

    return write


OUTSIDE = {
    "Gini of views": "gini_views", "share of the top 1 % of items": "top1_share",
    "largest reach of an item": "largest_reach",
    "T1, views before": "beneficiary_views_before_M_per_day", "T1, views late": "beneficiary_views_late_M_per_day",
    "T3, views against the next candidate": "view_ratio_beneficiary_to_second", "T4, views of paid posts": "influencer_views_M",
}  # fmt: skip
"""Rows of docs/romania.md, "What falls outside", and the figure of `recsim check` that they give."""


def test_the_page_says_what_the_check_says():
    """What falls outside, and by how much, is on the page as in the stored output of `recsim check`."""
    text = (ROOT / "docs" / "romania-check.txt").read_text(encoding="utf-8")
    said = re.findall(r"^ +[^\n:]+: (\w+) +(\S+) +(inside|outside)$", text, re.M)
    check = {metric: (float(value), verdict) for metric, value, verdict in said}
    printed = {
        metric: next(m for m in check if metric.startswith(m)) for metric in OUTSIDE.values()
    }  # long names are cut
    page = (ROOT / "docs" / "romania.md").read_text(encoding="utf-8")
    section = page.split("## What falls outside")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")
    ][1:]
    figures = {row[0]: row[1] for row in rows if not row[0].startswith("T5")}
    assert set(figures) == set(OUTSIDE)
    for label, metric in OUTSIDE.items():
        value, verdict = check[printed[metric]]
        number = re.match(r"[\d.]+", figures[label]).group()
        places = len(number.partition(".")[2])
        assert (number, verdict) == (f"{value:.{places}f}", "outside"), label
    assert {m for m, (_, verdict) in check.items() if verdict == "outside"} == set(printed.values())


def test_pages_say_how_many_replicates_and_the_same_interval():
    questions = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    studies = sorted((ROOT / "experiments" / "questions").glob("*.yaml"))
    assert len(studies) == questions.count("recsim sweep experiments/questions/")
    for path in studies:
        number = yaml.safe_load(path.read_text(encoding="utf-8"))["replicates"]
        assert f"experiments/questions/{path.name}` ({number} replicates; " in questions, path.name
    page, speed = ((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("romania", "performance"))
    low, high = map(float, re.search(r"a shift of \S+ points \((\S+) to (\S+)\)", page).groups())
    assert f"interval\nis {(high - low) / 2:.2f} points ({low:+.2f} to {high:+.2f})" in speed


def rows_of(text):
    return [{**row, "adults": float(row["adults"])} for row in csv.DictReader(io.StringIO(text))]


def adults_by(rows, *names):
    sums = {}
    for row in rows:
        cell = tuple(row[n] for n in names) if len(names) > 1 else row[names[0]]
        sums[cell] = sums.get(cell, 0.0) + row["adults"]
    return sums


# ---- the statement is complete -----------------------------------------------------------------------------------


def unwritten(value, raw, path=""):
    """Keys of the schema that the file leaves to a default."""
    if isinstance(value, Quantity):
        return []
    if isinstance(value, BaseModel):
        found = []
        for name in type(value).model_fields:
            here = f"{path}.{name}".lstrip(".")
            found += unwritten(getattr(value, name), raw[name], here) if name in raw else [here]
        return found
    if isinstance(value, list) and isinstance(raw, list):
        return [k for n, (v, r) in enumerate(zip(value, raw, strict=True)) for k in unwritten(v, r, f"{path}.{n}")]
    return []


def test_every_field_is_written_out(romania):
    """Only names that follow from the id, empty tables and curves without room for evidence stay with the schema."""
    allowed = (
        r"(candidates|campaigns)\.\d+(\.posts\.\d+)?\.key", r"candidates\.\d+\.(language_shares|audience)",
        r"activity\.(hour|weekday)_weights", r"targets\.\d+\.(low|high)",
    )  # fmt: skip
    left = unwritten(romania, yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
    assert [k for k in left if not any(re.fullmatch(a, k) for a in allowed)] == []


def test_the_walk_finds_what_is_left_out(romania):
    raw = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    del raw["platform"]["gates"]["slope"], raw["campaigns"][1]["ramp_days"], raw["response"]
    left = unwritten(romania, raw)
    assert {"platform.gates.slope", "campaigns.1.ramp_days", "response"} <= set(left)


def names_in(text):
    """Words that look like names of bodies and outlets: a capital, a dot or a digit inside, not a date or a number."""
    words = {w.strip(".") for w in re.findall(r"[A-Za-z][\w.-]+", text)}
    return {w for w in words if len(w) > 2 and re.search(r"[A-Z.\d]", w)} - {"Nov", "November", "Jan", "January"}


def test_documented_quantities_have_a_listed_source(romania):
    """What is called documented, and every campaign, names a body or outlet that docs/sources.md lists."""
    listed = names_in((ROOT / "docs" / "sources.md").read_text(encoding="utf-8"))
    claims = {q["key"]: q["source"] for q in quantities(romania) if q["evidence"] == "documented"}
    claims |= {c.id: c.source for c in romania.campaigns}
    assert len(claims) >= 15
    assert [k for k, source in claims.items() if not names_in(source) & listed] == []
    assert not names_in("somebody said so in Nov 2024") & listed


def test_campaigns_and_targets_are_explained(romania):
    page = (ROOT / "docs" / "romania.md").read_text(encoding="utf-8")
    for campaign in romania.campaigns:
        assert campaign.source and f"`{campaign.id}`" in page, campaign.id
        assert campaign.payer
    for number in range(1, 7):
        assert re.search(rf"\bT{number}\b", page), number
    assert romania.audit.threshold_reason


# ---- candidates --------------------------------------------------------------------------------------------------


def test_the_ballot_is_complete(romania):
    """Ids are the names of the ballot: the header of the official file, of which only this test reads the names."""
    header = (DATA / "romania_r1_by_county.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    ballot = {name.removeprefix("votes_").lower() for name in header if name.startswith("votes_")}
    assert len(ballot) == 14 and {c.id for c in romania.candidates} == ballot
    assert all(c.name.isascii() and " " in c.name for c in romania.candidates)


def test_standings_are_early_polls_or_one_prior(romania):
    standing = {c.id: c.standing for c in romania.candidates}
    for who, share in CIRA.items():
        polls = [share, INSCOP[who]] if who in INSCOP else [share]
        assert standing[who].value == pytest.approx(sum(polls) / len(polls) / 100), who
        ends = (min(polls), max(polls)) if who in INSCOP else (share / 2, share * 2)
        assert [100 * end for end in standing[who].range] == pytest.approx(ends), who
    # The same polls, the same statement: nobody's is made of a poll that another one's is not.
    assert standing["georgescu"] == standing["kelemen"]
    unlisted = [c for c in romania.candidates if c.id not in CIRA]
    assert len(unlisted) == 7
    for candidate in unlisted:
        assert candidate.standing == unlisted[0].standing, "a prior that tells these apart would know the result"
        assert candidate.followers == unlisted[0].followers
        assert candidate.standing.evidence == "assumption" and candidate.standing.range == (0.005, 0.03)


@pytest.mark.parametrize("who", sorted({*CIRA, "diaconescu", "orban", "predoiu"}))
def test_any_candidate_can_be_the_beneficiary(who):
    ids = ("sleepers", "eve_vendor", "bought_engagement", "influencers", "volunteers")
    changed = load(CONFIG, [f"campaigns.{name}.beneficiary={who}" for name in ids])
    assert {c.beneficiary for c in changed.campaigns} == {who}


# ---- numbers follow from the facts they name -----------------------------------------------------------------------


def test_derived_numbers(romania):
    c = {campaign.id: campaign for campaign in romania.campaigns}
    assert c["sleepers"].aged_share.value == pytest.approx(797 / 25_000, abs=2e-4)
    vendor = c["eve_vendor"]
    days = vendor.end - vendor.start + 1
    assert vendor.accounts.value * vendor.actions_per_day.value * days == pytest.approx(2_000_000)
    assert vendor.actions_per_day.range[1] == pytest.approx(2_000_000 / vendor.accounts.value)
    bought = c["bought_engagement"]
    fortnight = (bought.end - bought.start + 1) / 91
    assert bought.likes.value == pytest.approx(0.1 * 7e6 * fortnight, rel=0.1)
    assert bought.follows.value == pytest.approx(0.1 * 10e6 * fortnight, rel=0.1)
    assert bought.likes_per_account.value == pytest.approx(7e6 / 66_000, rel=0.01)
    paid = c["influencers"]
    assert paid.influencers.value * paid.followers_mean.value == pytest.approx(8e6, rel=0.01)
    assert paid.costs.per_follower.range == pytest.approx((80 / 20_000, 100 / 20_000))
    for campaign in (c["sleepers"], vendor, bought):
        prices = campaign.costs
        package = {"comment": 3_530, "like": 25_750, "watch": 20_000, "follow": 5_100}
        whole = sum(getattr(prices, kind).value * count for kind, count in package.items())
        assert whole == pytest.approx(300, rel=0.01), "the money is counted once"
        assert all(getattr(prices, k).value * n == pytest.approx(75, rel=0.01) for k, n in package.items())
    a = romania.activity
    videos = a.visits_per_day.value * a.videos_per_visit.value
    minutes = 32 * 60 / 30.4
    assert videos == pytest.approx(3 * minutes, rel=0.05)
    # A feed that values watching shows videos about twice as long as those posted.
    shown = 2.2 * a.video_length_s.value
    assert shown * 0.45 * videos / 60 == pytest.approx(minutes, rel=0.1)


def test_sleepers_stay_below_what_the_platform_removed(romania):
    """Central rate: less than all fake likes removed a day, for all purposes and by all networks (7 M in 91 days)."""
    sleepers = next(c for c in romania.campaigns if c.id == "sleepers")
    assert sleepers.accounts.value * sleepers.actions_per_day.value < 7e6 / 91
    assert sleepers.start == -13 and romania.days.vote.isoformat() == "2024-11-24"


def test_vote_day_and_campaign_days_in_every_draw(romania):
    for replicate in range(3):
        drawn = realise(romania, romania.run.seed, replicate)
        assert isinstance(drawn, Scenario) and drawn.days == romania.days
        assert [(c.id, c.start, c.end) for c in drawn.campaigns] == [(c.id, c.start, c.end) for c in romania.campaigns]


def test_targets_name_figures_that_are_computed(romania, small):
    """A target with bounds has a metric that the engine or the audit writes; others are named as not computed."""
    import pandas as pd

    from recsim.audit.facts import documented_facts
    from recsim.world.pair import simulate_replicate

    drawn = realise(small, small.run.seed, 0)
    frames = {name: pd.DataFrame(frame) for name, frame in simulate_replicate(drawn, 0).frames.items()}
    known = set(platform_facts(frames["facts"])) | set(documented_facts(drawn, frames, 1))
    bounded = {t.metric for t in romania.targets if t.low is not None or t.high is not None}
    assert bounded <= known, sorted(bounded - known)
    assert all(t.low <= t.high for t in romania.targets if t.low is not None and t.high is not None)
    assert all(t.source for t in romania.targets) and len({t.id for t in romania.targets}) == len(romania.targets)


# ---- the population table ------------------------------------------------------------------------------------------


def test_people_per_region(romania):
    rows = [s.model_dump() for s in romania.population.segments]
    by_region = adults_by(rows, "region")
    assert by_region.pop("Abroad") == pytest.approx(PRESENT_ABROAD, abs=5)
    assert by_region.keys() == REGISTERED.keys()
    for region, registered in REGISTERED.items():
        assert by_region[region] == pytest.approx(registered, abs=5), region


def test_ages_follow_the_voters_present(build, romania):
    """Within a region both languages have the ages of the voters present."""
    counties = build.read_counties()
    cells = adults_by([s.model_dump() for s in romania.population.segments], "region", "language", "age_band")
    for region in ("Centru", "Vest", "Sud-Est", "Abroad"):
        names = ("Diaspora",) if region == "Abroad" else (region,)
        own = [c for c in counties if c["development_region"] in names]
        present = {a: sum(float(c[f"{s}_{k}"]) for c in own for s in "mf") for a, k in build.AGES.items()}
        total = sum(present.values())
        for language in ("hu", "ro"):
            people = {a: cells.get((region, language, a), 0.0) for a in present}
            if sum(people.values()) == 0:
                assert language == "hu" and region in ("Sud-Est", "Abroad")
                continue
            for age, count in people.items():
                assert count / sum(people.values()) == pytest.approx(present[age] / total, abs=1e-4)


def test_hungarian_speakers(build, romania):
    """The six documented counties and the census total come out again."""
    shares = {"HR": 79.5, "CV": 66.7, "MS": 31.8, "SM": 28.3, "BH": 20.4, "SJ": 19.1}
    assert {k: round(100 * v, 1) for k, v in build.HUNGARIAN.items()} == shares
    rows = [s.model_dump() for s in romania.population.segments]
    by = adults_by(rows, "region", "language")
    home = sum(REGISTERED.values())
    hungarian = sum(v for (_, language), v in by.items() if language == "hu")
    assert hungarian == pytest.approx(1_002_151 / 19_053_815 * home, rel=1e-4)
    assert {r for r, language in by if language == "hu"} == {"Centru", "Nord-Vest", "Vest"}
    assert by["Centru", "hu"] > by["Nord-Vest", "hu"] > by["Vest", "hu"]


def test_votes_are_not_read(build, private_data):
    """Other votes, or none, give the same table; other voters do not."""
    stored = (DATA / "romania_segments.csv").read_text(encoding="utf-8")
    votes = re.compile("votes_|valid_votes")
    private_data(lambda row: {k: "999" if votes.match(k) else v for k, v in row.items()})
    assert build.build(build.read_counties()) == stored
    private_data(lambda row: {k: v for k, v in row.items() if not votes.match(k)})
    assert build.build(build.read_counties()) == stored
    private_data(lambda row: {**row, "m_18_24": str(float(row["m_18_24"]) * 2)})
    assert build.build(build.read_counties()) != stored


def test_check_flag(build, private_data, monkeypatch, capsys):
    folder = private_data(lambda row: row)
    monkeypatch.setattr("sys.argv", ["build"])
    assert build.main() == 0
    table = folder / "romania_segments.csv"
    assert table.read_bytes() == (DATA / "romania_segments.csv").read_bytes()
    monkeypatch.setattr("sys.argv", ["build", "--check"])
    assert build.main() == 0
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    assert build.main() == 1 and "differs" in capsys.readouterr().out


def test_the_county_file_is_never_opened(monkeypatch):
    """Loading the scenario opens the scenario and the segments, nothing else beside them."""
    opened = []
    plain = io.open

    def watched(file, *args, **options):
        opened.append(Path(str(file)).name)
        return plain(file, *args, **options)

    monkeypatch.setattr("io.open", watched)
    monkeypatch.setattr("builtins.open", watched)
    load(CONFIG)
    assert {"romania.yaml", "romania_segments.csv"} <= set(opened)
    assert "romania_r1_by_county.csv" not in opened
    for source in (ROOT / "recsim").rglob("*.py"):
        assert "by_county" not in source.read_text(encoding="utf-8"), source


# ---- one to one ---------------------------------------------------------------------------------------------------


def test_the_full_scenario_differs_in_what_it_says(romania):
    """Everything else is that of configs/romania.yaml, by construction and in fact."""
    full = load(ROOT / "configs" / "romania-full.yaml")
    assert full.population.scale == 1 and full.run.replicates == full.run.luck_branches == 1
    assert full.activity.visits_per_day.value * full.activity.videos_per_visit.value == 60
    said = {
        "name": romania.name, "title": romania.title, "run": romania.run,
        "population": full.population.model_copy(update={"scale": romania.population.scale}),
        "activity": full.activity.model_copy(update={"visits_per_day": romania.activity.visits_per_day}),
        "audit": full.audit.model_copy(
            update={"robustness": full.audit.robustness.model_copy(update={"enabled": True})}
        ),
    }  # fmt: skip
    assert full.model_copy(update=said) == romania
    assert not full.audit.robustness.enabled and full.run.seed == romania.run.seed


def test_the_full_scenario_fits(romania):
    """At most 1,000 bytes per person and world, the follow graph excepted; and 16 GiB in all."""
    from recsim.experiment.run import estimate
    from recsim.world.footprint import person_bytes, table
    from recsim.world.plan import make_plan

    full = load(ROOT / "configs" / "romania-full.yaml")
    plan = make_plan(full)
    assert plan.people == 8_970_000 and 600 < person_bytes(plan) <= 1000
    assert "shown items" in table(plan) and f"{person_bytes(plan):.1f}" in table(plan)
    both, one = (estimate(full, 1, checkpoint_every=every)["mebibytes"] / 1024 for every in ("off", None))
    assert 8 < one < 12 < both < 16  # with checkpoints a world waits at the fork on the disk alone
    assert (
        estimate(romania, 1)["mebibytes"] == estimate(romania, 1, checkpoint_every="1d")["mebibytes"]
    )  # small ones stay
    assert person_bytes(make_plan(romania)) > 2500  # bits, where they are small in all
    # Accounts grow with the dose and are announced, too.
    assert estimate(load(CONFIG, ["dose=1e6"]), 1)["mebibytes"] > 1e6
