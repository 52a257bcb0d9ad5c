"""Where accounts appear to be: the language of their cases and posts, the region of their posts, and who reads it."""

import numpy as np
import pytest
from campaign_mixes import with_campaigns
from helpers import changed, frames_of, world_of
from test_moderation import PERFECT, detector, team
from test_tactics import bots, impersonation, posting

from recsim.audit import controls
from recsim.scenario import parse
from recsim.scenario.campaigns import PurchasedEngagement
from recsim.scenario.dump import _plain
from recsim.state import BOT, IMPERSONATION
from recsim.world.register import Register


@pytest.fixture(scope="module")
def bilingual(small):
    """A fifth of the people speak another language; nobody reviews it."""
    raw = _plain(small)
    raw["population"]["segments"].append({"region": "south", "language": "bb", "age_band": "all", "adults": 125_000})
    return parse(raw)


def test_accounts_appear_where_they_say(bilingual):
    """Shares of accounts by language and region; an account's posts and its cases agree; the rest is in the main language."""
    scenario = posting(bilingual, languages={"bb": 0.7}, regions={"north": 0.9}, followers_per_account=0)
    scenario = changed(scenario, moderation={"detectors": [detector(reviewed=True, **PERFECT)]})
    world = world_of(scenario, "factual", 0)
    languages, regions = world.plan.languages, world.plan.regions
    assert languages == ["aa", "bb"] and regions == ["north", "south"]
    roster = world.networks[0].roster
    assert roster.language.mean() == pytest.approx(0.7, abs=0.04)
    labels, poster = world.state.items.labels, world.state.poster
    mine = np.flatnonzero(labels.kind == BOT)
    assert len(mine) > 400 and np.array_equal(labels.language[mine], roster.language[poster[mine]])
    assert (labels.region[mine] == 0).mean() == pytest.approx(0.9, abs=0.05)
    register = Register(world)
    entries = register.language[register.people :]
    assert np.array_equal(register.language[: register.people], world.state.cells.language)
    lead = np.searchsorted(world.networks[0].entry, np.arange(len(entries)))
    assert len(entries) == 2 and np.array_equal(entries, roster.language[lead])
    murky = world_of(impersonation(bilingual, regions={"south": 1}, languages={"bb": 1}, accounts=2000), "factual", 0)
    labels = murky.state.items.labels
    of_murky = labels.kind == IMPERSONATION
    assert of_murky.sum() > 50 and (labels.language[of_murky] == 1).all() and (labels.region[of_murky] == 1).all()


def test_posts_of_a_region_are_shown_there(small):
    """The regional feed reads the region of the post: the same accounts, seen to be elsewhere, are met elsewhere."""
    seen = {}
    for region in ("north", "south"):
        scenario = posting(small, regions={region: 1}, followers_per_account=0)
        scenario = changed(scenario, platform={"policy": "dsa38_regional", "parameters": {}})
        e = frames_of(scenario)["exposure"].astype({"arm": str, "region": str, "candidate": str})
        e = e[(e["arm"] == "factual") & (e["candidate"] == "eva")].groupby("region")["impressions"].sum()
        seen[region] = e["north"] / e["south"]
    assert seen["north"] > 1.15 * seen["south"]


def test_nobody_reviews_the_other_language(bilingual):
    """Accounts that appear in a language without reviewers are found, and their cases wait for ever."""
    acts, rows = {}, {}
    for share in (0, 1):
        scenario = changed(bots(bilingual, languages={"bb": share}, accounts=20_000), run={"luck_branches": 1})
        moderation = {"detectors": [detector(reviewed=True, **PERFECT)], "reviewers": team()}
        frames = frames_of(changed(scenario, moderation=moderation))
        acts[share] = frames["campaigns"]["attempted"].sum()
        r = frames["reviews"].astype({"arm": str, "case": str, "language": str})
        r = r[(r["arm"] == "factual") & (r["case"] == "account")].groupby("language")[["decided", "waiting"]]
        rows[share] = r.agg({"decided": "sum", "waiting": "max"})
    assert rows[0].loc["aa", "decided"] > 0 and "bb" not in rows[0].index
    assert rows[1].loc["bb", "decided"] == 0 < rows[1].loc["bb", "waiting"] and "aa" not in rows[1].index
    assert acts[1] > 2 * acts[0] > 0


def test_bought_accounts_too(bilingual):
    made = {"id": "bought", "beneficiary": "eva", "start": -2, "likes": 30_000, "languages": {"bb": 1}}
    world = world_of(with_campaigns(bilingual, [PurchasedEngagement.model_validate(made)]), "factual", 0)
    assert (world.networks[0].roster.language == 1).all() and len(world.networks[0].roster.language) > 100


@pytest.mark.parametrize("control", ["zero_dose", "reordered", "exchanged"])
def test_controls(bilingual, control):
    scenario = posting(bilingual, languages={"bb": 0.5}, regions={"south": 0.5})
    ok, note = getattr(controls, control)(scenario)
    assert ok, note


def test_nothing_stated_is_the_main_language_and_the_population(small):
    """Stating what holds anyway changes no bit."""
    stated = posting(small, languages={"aa": 1})
    assert controls.same(frames_of(posting(small)), frames_of(stated))
