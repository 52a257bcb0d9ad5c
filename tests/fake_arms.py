"""An engine for arms that invents counts at once, with the signature and tables of `recsim.world.pair.simulate_arms`.

What a door, a tactic or a campaign is worth is written below, so that tests know the answer. FAKE_LOG, FAKE_SLEEP and
FAKE_DIE make it misbehave as `fake_world` does.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from fake_world import _frame

from recsim.scenario import load
from recsim.world.arms import DOORS

SMALL = Path(__file__).resolve().parents[1] / "configs" / "small.yaml"
BY_CAMPAIGN = {"network": 30, "second": 12, "posts": 6}
SECOND = {
    "id": "second", "type": "purchased_engagement", "beneficiary": "eva", "start": -2, "likes": 5000, "follows": 1000,
    "costs": {"like": 0.01, "follow": 0.06},
}  # fmt: skip
POSTS = {
    "id": "posts", "type": "paid_influencers", "beneficiary": "eva", "start": -3, "influencers": 10,
    "followers_mean": 5000, "costs": {"per_follower": 0.005},
}  # fmt: skip


def three_campaigns(*more):
    """The small scenario with three campaigns for one candidate."""
    scenario = load(
        SMALL,
        ["run.replicates=4", "campaigns.0.costs={like: 0.01, comment: 0.08}", "moderation.prevented_share=0", *more],
    )
    from recsim.scenario.dump import _plain
    from recsim.scenario.load import parse

    raw = _plain(scenario)
    raw["campaigns"] += [SECOND, POSTS]
    return parse(raw, "small")


def size(scenario, campaign):
    """The dose at which a campaign acts."""
    return scenario.dose.value * campaign.dose.value


def strength(scenario, arm, day):
    """Supportive views added on one day; whole numbers."""
    acting = [c for c in scenario.campaigns if c.counterfactual != "kept" and arm.acts(c.id) and c.start <= day]
    if arm.removal_day is not None and day >= arm.removal_day:
        acting = [c for c in acting if c.type == "paid_influencers"]
    x, left = 0.0, 1.0 - scenario.moderation.prevented_share.value
    for c in acting:
        mix = {"post": 1.0} if c.type == "paid_influencers" else {"like": 0.75, "follow": 0.25}
        if c.type == "bot_network":
            mix = {"like": 0.8, "comment": 0.15, "share": 0.05}
        used = sum(share for tactic, share in mix.items() if arm.uses(tactic))
        doors = {door: arm.opens(door) for door in DOORS}
        reach = 0.1 + 0.2 * doors["gates"] + 0.1 * doors["ranking"] + 0.6 * doors["gates"] * doors["ranking"]
        x += BY_CAMPAIGN.get(c.id, 10) * used * reach * size(scenario, c) * left
    return round(60 * x / (60 + x)) + 5 * (len(acting) > 2 and x > 0)


def _typed(rows, names):
    """A table whose columns have their types without any rows, too."""
    frame = _frame(rows, names)
    text = {"arm", "region", "language", "detector", "case"}
    return frame if rows else frame.astype({name: "int64" for name in frame.columns if name not in text})


def moderated(scenario, replicate, arms, first):
    """Rows of collateral harm, detections and reviews on each day: none without detectors."""
    harm, found, decided = [], [], []
    for arm in arms:
        for branch in range(scenario.run.luck_branches):
            for day in range(first, 1):
                head = (replicate, branch, arm.name, day)
                for one in scenario.moderation.detectors:
                    acting = 0 if arm.campaigns is not None and not arm.campaigns else 10
                    found.append(
                        (*head, one.id, 40 + acting // 2 + replicate, acting // 2, acting, 40 + replicate, 400)
                    )
                    harm.append((*head, "north", "aa", 300, 30 + replicate, 600, 60.0))
                    harm.append((*head, "north", "bb", 100, 0, 200, 0.0))
                    decided.append((*head, "account", "aa", 8, 5, 2, 1, 7 - day, 0.5 if day else 2.0))
    return harm, found, decided


def simulate_arms(scenario, replicate, arms, *, threads=1, report=None):
    """Independent counts per replicate and branch, the same in all arms, and what the arm adds to them."""
    if "FAKE_LOG" in os.environ:
        Path(os.environ["FAKE_LOG"], f"{replicate}-{uuid.uuid4().hex}").touch()
    time.sleep(float(os.environ.get("FAKE_SLEEP", 0)))
    if os.environ.get("FAKE_DIE") == str(replicate):
        os.kill(os.getpid(), signal.SIGKILL)
    if report is not None:
        report(0.5)
    removed = [c for c in scenario.campaigns if c.counterfactual != "kept"]  # the network first
    first = min(c.start for c in removed)
    names = [c.id for c in scenario.candidates]
    exposure, actions, spent = (
        [(replicate, 0, "shared", first - 1, "north", "aa", "all", "ada", "neutral", 9, 0)],
        [],
        [],
    )
    for arm in arms:
        for branch in range(scenario.run.luck_branches):
            rng = np.random.default_rng([scenario.run.seed, replicate, branch])
            head = (replicate, branch, arm.name)
            for day in range(first, 1):
                added = strength(scenario, arm, day)
                for name in names:
                    for region in ("north", "south"):
                        n = int(
                            rng.poisson(100)
                            * (1 - 0.2 * scenario.moderation.prevented_share.value * (region == "south"))
                        )
                        if added and name == "eva":
                            n += added + int(rng.poisson(3))
                        exposure.append((*head, day, region, "aa", "all", name, "supportive", n, n // 4))
                    actions.append((*head, day, name, "like", "human", 10))
                if added:
                    actions.append((*head, day, "eva", "like", "inauthentic", round(20 * size(scenario, removed[0]))))
                for c in removed:
                    if arm.acts(c.id) and c.start <= day and c.type == "bot_network":
                        k = round(100 * size(scenario, c))
                        spent.append((*head, day, c.id, "like", k, 0, k, 0.01 * k / scenario.population.scale))
                    if arm.acts(c.id) and c.start == day and c.type == "purchased_engagement":
                        euro = c.follows.value * scenario.dose.value * c.dose.value * c.costs.follow.value
                        spent.append((*head, day, c.id, "follow", 1, 0, 1, euro))
    harm, found, decided = moderated(scenario, replicate, arms, first)
    facts = [(replicate, 0, "shared", "gini_views", 0.5)]
    facts += [
        (replicate, b, arm.name, name, value + 0.01 * ((replicate * 7 + len(arm.name)) % 5))
        for arm in arms
        for b in range(scenario.run.luck_branches)
        for name, value in (
            ("utility_per_view", 1 - 0.1 * scenario.moderation.prevented_share.value),
            ("watch_s_per_person_day", 100.0),
            ("small_creator_share", 0.3),
            ("effective_topics_visit", 5.0),
        )
    ]
    frames = {
        "exposure": _frame(
            exposure, "day region language age_band candidate stance impressions comment_exposures",
            "region language age_band candidate stance",
        ),
        "provenance": _frame([(*r[:4], r[7], "organic", "interest", r[9]) for r in exposure],
                             "day candidate kind source impressions", "candidate kind source"),
        "engagement": _frame(actions, "day candidate action origin count", "candidate action origin"),
        "campaigns": _frame(spent, "day campaign tactic attempted prevented counted spend_eur", "campaign tactic"),
        "facts": _frame(facts, "name value"),
        "collateral": _typed(harm, "day region language people sanctioned actions uncounted_actions"),
        "held": _typed([(*r[:4], r[5], 1000, 0, 50, 20) for r in harm], "day language item_steps held demoted withdrawn"),
        "detections": _typed(found, "day detector flagged inauthentic_flagged inauthentic people_flagged people"),
        "reviews": _typed(decided, "day case language decided rightly_found wrongly_found missed waiting waited_h"),
    }  # fmt: skip
    meta = {
        "replicate": replicate, "people": 500, "steps": 60, "fork_day": first, "seconds": {}, "own_actions": {},
        "impressions": int(frames["exposure"]["impressions"].sum()), "forks": [],
    }  # fmt: skip
    return SimpleNamespace(frames=frames, meta=meta, weight=1 / scenario.population.scale, window=(first, 0))
