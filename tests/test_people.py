"""People, hours and supply as they are drawn: against plain twins and against the shares that a scenario states."""

from __future__ import annotations

import datetime as dt
import math
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from helpers import world_of

from recsim.agents.people import (
    DISTANCE_WITHIN,
    POLITICS_TOPIC,
    PeopleTraits,
    build_people,
    draw_taste,
    first_estimate,
    place_in_cells,
)
from recsim.rng import Decision, Key
from recsim.scenario import load
from recsim.scenario.quantity import assumed
from recsim.state import ACTIONS, LIKE, MEDIA, OFFICIAL, SUPPORTER, VIEW
from recsim.world.build import build_state
from recsim.world.hours import hour_factors
from recsim.world.plan import _preference, _shares, make_plan

F = np.float32
KEY = Key(5, 0)


# Hours


@pytest.mark.parametrize("step_hours", [1, 4, 24])
@pytest.mark.parametrize("start", [dt.date(2024, 11, 16), dt.date(2024, 11, 20)], ids=["Saturday", "Wednesday"])
def test_hours_of_the_week_by_each_regions_own_clock(step_hours, start):
    """Hour by hour with the calendar of the standard library."""
    hours, week = list(range(1, 25)), [1, 2, 3, 4, 5, 20, 30]  # from Monday on
    offset = {"west": -5.0, "east": 2.0}
    plan = SimpleNamespace(
        steps_per_day=24 // step_hours, regions=["east", "home", "west"],
        scenario=SimpleNamespace(
            activity=SimpleNamespace(hour_weights=hours, weekday_weights=week), days=SimpleNamespace(start=start),
            population=SimpleNamespace(utc_offset_h=offset),
        ),
    )  # fmt: skip
    found = hour_factors(plan)
    assert found.shape == (7 * 24 // step_hours, 3) and found.dtype == F
    for number, region in enumerate(plan.regions):
        expected = np.zeros(len(found))
        for hour in range(7 * 24):
            there = dt.datetime.combine(start, dt.time()) + dt.timedelta(hours=hour + offset.get(region, 0.0))
            expected[hour // step_hours] += hours[there.hour] / sum(hours) * week[there.weekday()] / (sum(week) / 7)
        assert found[:, number] == pytest.approx(expected, rel=1e-6)
    days = found[:, 1].reshape(7, -1).sum(axis=1)  # the region whose clock is that of the run
    assert days == pytest.approx([7 * week[(start.weekday() + d) % 7] / sum(week) for d in range(7)], rel=1e-6)


# People


def traits_of(**fields):
    """Three cells, two languages, three candidates."""
    plain = PeopleTraits(
        population=77, segment_weight=np.array([0.5, 0.3, 0.2]), region=np.array([0, 1, 1], np.int8),
        language=np.array([0, 0, 1], np.int8), age_band=np.array([0, 1, 0], np.int8), topics=7, visits_per_day=3.0,
        visits_spread=0.6, action_spread=0.5, politics_interest=0.3, taste_concentration=1.5,
        preference=np.array([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0]]),
    )  # fmt: skip
    return plain._replace(**fields)


def near(share, wanted, count):
    """Within four standard errors of a share of so many independent draws."""
    return abs(share - wanted) <= 4 * math.sqrt(wanted * (1 - wanted) / count) + 1e-12


@pytest.mark.parametrize("count", [1, 7, 500, 12_345])
def test_cells_have_their_shares_to_one_person(count):
    weight = np.array([0.123, 0.4, 0.0, 0.277, 0.2])
    found = place_in_cells(np.arange(count, dtype=np.uint32), count, weight)
    assert found.dtype == np.int16 and (np.diff(found) >= 0).all()
    assert (np.abs(np.bincount(found, minlength=5) - weight * count) < 1).all() and not (found == 2).any()
    for who in range(0, count, max(1, count // 50)):
        cell, edge = 0, weight[0]
        while (who + 0.5) / count >= edge and cell < 4:
            cell += 1
            edge += weight[cell]
        assert found[who] == cell
    late = np.arange(count // 2, count, dtype=np.uint32)  # a shard's people are those of the whole
    assert np.array_equal(place_in_cells(late, count, weight), found[count // 2 :])


def test_tastes_are_standardised_and_few_things_are_liked_much():
    traits, who = traits_of(), np.arange(20_000, dtype=np.uint32)
    taste = draw_taste(KEY, Decision.TASTE, traits, who).astype(float)
    assert taste.shape == (20_000, 7)
    assert np.abs(taste.mean(axis=1)).max() < 1e-5 and taste.std(axis=1) == pytest.approx(
        np.full(20_000, 1.5), rel=1e-4
    )
    # Everybody is alike in the mean, so topics are; exponential weights lean to the right.
    assert np.abs(taste.mean(axis=0)).max() < 4 * 1.5 / math.sqrt(20_000)
    assert (taste.max(axis=1) > -taste.min(axis=1)).mean() > 0.7
    assert np.array_equal(draw_taste(KEY, Decision.TASTE, traits, who[40:41])[0], taste[40].astype(F))


@pytest.mark.parametrize("accuracy", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_what_is_known_at_first_correlates_with_the_truth_as_stated(accuracy):
    traits = traits_of(topics=16)
    taste = draw_taste(KEY, Decision.TASTE, traits, np.arange(5000, dtype=np.uint32))
    known = first_estimate(KEY, traits, taste, accuracy).astype(float)
    each = [np.corrcoef(a, b)[0, 1] for a, b in zip(known[:800], taste[:800], strict=True)]
    # Ratio of sums over 80,000 numbers: a standard error of at most 0.004.
    assert (known * taste).sum() / math.sqrt((known**2).sum() * (taste.astype(float) ** 2).sum()) == pytest.approx(
        accuracy, abs=0.016
    )
    assert np.mean(each) == pytest.approx(accuracy, abs=0.04)
    assert known.std() == pytest.approx(1.5, rel=0.02)
    some = first_estimate(KEY, traits, taste[1000:1010], accuracy, first_person=1000)
    assert np.array_equal(some, known[1000:1010].astype(F))


def test_people_have_the_traits_that_are_stated():
    traits, count = traits_of(), 60_000
    position = np.array([[1, 0], [0, 1], [-1, 0]], F)
    latent, cells = build_people(KEY, traits, count, position)
    assert np.array_equal(cells.region, traits.region[cells.segment]) and np.array_equal(
        cells.language, traits.language[cells.segment]
    )
    assert np.array_equal(cells.age_band, traits.age_band[cells.segment])
    for spoken, shares in enumerate(traits.preference):  # what is declared for one language is not applied to the other
        mine = latent.preference[cells.language == spoken]
        assert all(near((mine == c).mean(), share, len(mine)) for c, share in enumerate(shares))
    # Log-normal with mean 3: its standard deviation is 3 sqrt(exp(0.36) - 1).
    assert latent.visits.mean() == pytest.approx(3, abs=4 * 3 * math.sqrt((math.exp(0.36) - 1) / count))
    assert np.log(latent.visits).std() == pytest.approx(0.6, rel=4 / math.sqrt(2 * count))
    assert latent.bias.mean() == pytest.approx(0, abs=4 * 0.5 / math.sqrt(count))
    assert latent.bias.std() == pytest.approx(0.5, rel=4 / math.sqrt(2 * count))
    marked = latent.politics >= 1
    assert near(marked.mean(), 0.3, count) and set(latent.politics[~marked].tolist()) == {float(F(0.2))}
    assert latent.politics[marked].max() < 2 and latent.politics[marked].mean() == pytest.approx(
        1.5, abs=4 * 0.29 / math.sqrt(0.3 * count)
    )
    plain = draw_taste(KEY, Decision.TASTE, traits, np.arange(count, dtype=np.uint32))
    more = latent.taste - plain
    assert not np.delete(more, POLITICS_TOPIC, axis=1).any()
    assert more[:, POLITICS_TOPIC] == pytest.approx(np.where(marked, 1.0, -0.4), abs=1e-5)
    away = (latent.position - position[latent.preference]).astype(float)
    assert away.std() == pytest.approx(float(DISTANCE_WITHIN), rel=4 / math.sqrt(4 * count))
    assert np.abs(away.mean(axis=0)).max() < 4 * 0.4 / math.sqrt(count)
    traits_of_nobody = [
        np.corrcoef(a, b)[0, 1]
        for a, b in ((latent.visits, latent.bias), (latent.bias, latent.politics), (latent.visits, latent.politics))
    ]
    assert np.abs(traits_of_nobody).max() < 4 / math.sqrt(count)


def candidate(**audience):
    return SimpleNamespace(audience={name: assumed(value) for name, value in audience.items()})


def test_first_preferences_by_language():
    languages, standing = ["aa", "bb"], np.array([0.5, 0.3, 0.2])
    assert _preference([candidate()] * 3, languages, standing).tolist() == [standing.tolist()] * 2
    # Of those who speak bb 60 % prefer the second; the others share the rest as they stand in polls.
    found = _preference([candidate(), candidate(bb=0.6), candidate()], languages, standing)
    assert found[0] == pytest.approx(standing) and found[1] == pytest.approx([0.4 * 5 / 7, 0.6, 0.4 * 2 / 7])
    assert _preference([candidate(bb=0.9), candidate(bb=0.6), candidate()], languages, standing)[1] == pytest.approx(
        [0.6, 0.4, 0]
    )
    none = _preference([candidate(aa=0.0), candidate(), candidate()], languages, standing)
    assert none[0] == pytest.approx([0, 0.6, 0.4]) and none[1] == pytest.approx(standing)


def test_shares_by_language():
    languages = ["aa", "bb", "cc"]

    def shares(default=None, **named):
        return _shares({name: assumed(value) for name, value in named.items()}, languages, default).tolist()

    assert shares() == [1, 0, 0] and shares(default=np.array([0.6, 0.3, 0.1])) == [0.6, 0.3, 0.1]
    assert shares(bb=0.25) == [0.75, 0.25, 0] and shares(aa=0.25) == [0.25, 0.75, 0]
    assert shares(np.array([0.6, 0.3, 0.1]), cc=0.5) == [0.5, 0, 0.5]
    assert shares(aa=0.2, bb=0.2, cc=0.4) == pytest.approx([0.25, 0.25, 0.5])


# Supply

SETS = ["run.luck_branches=1", "population.scale=0.0004", "content.items_per_day=200", "days.start=2024-11-18"]
BANDS = [
    {"region": region, "language": language, "age_band": band, "adults": 100_000}
    for region, language, band in (("north", "aa", "young"), ("south", "aa", "old"), ("south", "bb", "old"))
]


def scenario_with(*settings):
    return load(ROOT / "configs" / "small.yaml", [*SETS, f"population.segments={BANDS}", *settings])


def test_items_have_the_shares_that_are_stated():
    drawn = scenario_with(
        "content.items_per_day=6000", "content.real_items_per_day=6000", "candidate_content.share_of_supply=0.3", "candidate_content.standing_weight=0.5",
        "candidate_content.official_share=0.2", "candidate_content.media_share=0.3",
        "candidate_content.media={supportive: 0.1, neutral: 0.3, critical: 0.6}", "candidates.0.language_shares={bb: 0.4}",
    )  # fmt: skip
    plan = make_plan(drawn)
    labels = build_state(plan, KEY).items.labels
    ordinary = labels.campaign < 0
    candidate, kind, stance = labels.candidate[ordinary], labels.kind[ordinary], labels.stance[ordinary]
    about = candidate >= 0
    assert len(about) == 6000 * 7 and near(about.mean(), 0.3, len(about))
    whose = [c.id for c in plan.candidates]
    standing = {"ada": 0.5, "ben": 0.3, "eva": 0.2}
    for number, name in enumerate(whose):
        assert near((candidate[about] == number).mean(), 0.5 * standing[name] + 0.5 / 3, about.sum())
    for one, share in ((OFFICIAL, 0.2), (SUPPORTER, 0.5), (MEDIA, 0.3)):
        assert near((kind[about] == one).mean(), share, about.sum())
    media = stance[about & (kind == MEDIA)]
    assert all(near((media == s).mean(), share, len(media)) for s, share in ((1, 0.1), (0, 0.3), (-1, 0.6)))
    assert (stance[about & (kind == OFFICIAL)] == 1).all() and not stance[~about].any()
    hers = about & (candidate == whose.index("ada"))
    assert near((labels.language[ordinary][hers] == plan.languages.index("bb")).mean(), 0.4, hers.sum())
    assert (labels.language[ordinary][about & ~hers] == plan.languages.index("aa")).all()


# Every key moves what it is about


def concentration(counts):
    """Share of the largest twentieth."""
    counts = np.sort(counts)[::-1]
    return counts[: max(1, len(counts) // 20)].sum() / counts.sum()


def ordinary(s, plan):
    return s.items.author[(s.items.labels.campaign < 0) & (s.items.labels.candidate < 0)]


def about(s):
    return s.items.labels.candidate >= 0


def kinds(s, kind):
    return (s.items.labels.kind[about(s)] == kind).mean()


def in_region(s, plan, name):
    return (s.cells.region == plan.regions.index(name)).mean()


DRAWN = {
    # Key: a value above the default or, after a minus sign, below it; and the figure that must rise (fall) with it.
    "population.penetration={old: 0.3}": lambda s, p: (s.cells.age_band == p.age_bands.index("young")).mean(),
    "population.language_factor={bb: 3.0}": lambda s, p: (s.cells.language == p.languages.index("bb")).mean(),
    "population.region_factor={north: 3.0}": lambda s, p: in_region(s, p, "north"),
    "activity.spread=1.2": lambda s, p: np.log(s.latent.visits).std(),
    "activity.visits_per_day=5": lambda s, p: s.latent.visits.mean(),
    "activity.video_length_s=90": lambda s, p: s.items.length.mean(),
    "activity.video_length_spread=1.5": lambda s, p: np.log(s.items.length).std(),
    "activity.follows_per_person=80": lambda s, p: len(s.accounts.person) / p.people,
    "-content.posting_tail=6": lambda s, p: concentration(np.bincount(ordinary(s, p), minlength=p.supply.creators)),
    "-content.follower_tail=6": lambda s, p: concentration(s.accounts.audience[: p.supply.creators]),
    "content.quality_spread=2": lambda s, p: s.items.quality.std(),
    "content.taste_concentration=2": lambda s, p: s.latent.taste.std(),
    "content.politics_interest=0.9": lambda s, p: (s.latent.politics >= 1).mean(),
    "response.action_spread=2": lambda s, p: s.latent.bias.std(),
    "platform.predictor.initial_accuracy=0.95": lambda s, p: np.corrcoef(s.observed.estimate.ravel(), s.latent.taste.ravel())[0, 1],
    "candidate_content.share_of_supply=0.3": lambda s, p: about(s).mean(),
    "-candidate_content.standing_weight=0": lambda s, p: (s.items.labels.candidate[about(s)] == [c.id for c in p.candidates].index("ada")).mean(),
    "candidate_content.official_share=0.4": lambda s, p: kinds(s, OFFICIAL),
    "candidate_content.media_share=0.6": lambda s, p: kinds(s, MEDIA),
    "candidate_content.emotion=3": lambda s, p: s.items.emotion[about(s)].mean(),
    "candidates.2.followers=60000": lambda s, p: s.accounts.audience[s.accounts.official[[c.id for c in p.candidates].index("eva")]],
}  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    plan = make_plan(scenario_with())
    return build_state(plan, KEY), plan


@pytest.mark.parametrize("setting", DRAWN)
def test_a_key_moves_what_is_drawn(plain, setting):
    figure, sign = DRAWN[setting], -1 if setting.startswith("-") else 1
    plan = make_plan(scenario_with(setting.removeprefix("-")))
    before, after = figure(*plain), figure(build_state(plan, KEY), plan)
    assert sign * (after - before) > 0.1 * abs(before), f"{before} and {after}"


def rate(w, action):
    """Of an action per view."""
    total = w.state.counters.total.sum(axis=0)
    return total[ACTIONS.index(action)] / total[VIEW]


def better_liked(w):
    """How much better liked items are than seen ones, standard deviations of quality."""
    total, quality = w.state.counters.total, w.state.items.quality
    return np.average(quality, weights=total[:, LIKE]) - np.average(quality, weights=total[:, VIEW])


def learned(w):
    """How far what is known of people has moved since the start."""
    return np.abs(w.state.observed.estimate - build_state(w.plan, w.key).observed.estimate).mean()


ACTED = {
    "response.like_rate=0.15": lambda w: rate(w, "like"),
    "response.comment_rate=0.02": lambda w: rate(w, "comment"),
    "response.share_rate=0.02": lambda w: rate(w, "share"),
    "response.follow_rate=0.02": lambda w: rate(w, "follow"),
    "response.hide_rate=0.03": lambda w: rate(w, "hide"),
    "response.report_rate=0.02": lambda w: rate(w, "report"),
    "response.open_comments_rate=0.5": lambda w: rate(w, "open_comments"),
    "-response.skip_rate=0.7": lambda w: rate(w, "watch"),
    "response.watched_mean=5": lambda w: rate(w, "watch"),
    "response.quality=2": better_liked,
    "-response.action_slope=0": better_liked,
    "-platform.predictor.learning_rate=0": learned,
    "activity.videos_per_visit=16": lambda w: w.state.counters.total[:, VIEW].sum(),
    "activity.visits_per_day=5": lambda w: w.state.counters.total[:, VIEW].sum(),
    "activity.search_share=0.3": lambda w: entries(w, "search"),
    "activity.external_share=0.3": lambda w: entries(w, "external"),
}  # fmt: skip


def entries(w, source):
    """Share of impressions that come from a source."""
    table = w.record.provenance()
    return table.loc[table["source"].astype(str) == source, "impressions"].sum() / table["impressions"].sum()


@pytest.fixture(scope="module")
def two_days():
    return world_of(scenario_with(), steps=12)


@pytest.mark.parametrize("setting", ACTED)
def test_a_key_moves_what_people_do(two_days, setting):
    figure, sign = ACTED[setting], -1 if setting.startswith("-") else 1
    before, after = figure(two_days), figure(world_of(scenario_with(setting.removeprefix("-")), steps=12))
    assert sign * (after - before) > 0.1 * abs(before), f"{before} and {after}"
