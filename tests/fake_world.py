"""An engine that invents counts at once, with the signature and tables of `recsim.world.pair.simulate_replicate`.

The environment makes it misbehave: FAKE_LOG (folder that gets a file per simulated replicate), FAKE_SLEEP (seconds),
FAKE_DIE (number of a replicate whose process is killed).
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

SMALL = Path(__file__).resolve().parents[1] / "configs" / "small.yaml"
STANCES = ("critical", "neutral", "supportive")
HEAD = ["replicate", "branch", "arm"]


STRENGTH = {"random": 0.0, "dsa38_regional": 2.0}
"""How strongly a policy answers the campaigns; 1 for all others."""
SATISFACTION = {"random": 0.5, "dsa38_regional": 0.8, "popular_decayed": 0.4}


def costs(policy, arm, replicate, branch):
    """Invented figures of what a feed gives people; nothing under chrono_following but watch time."""
    if policy == "chrono_following":
        return {"watch_s_per_person_day": 60.0 + replicate}
    level = SATISFACTION.get(policy.rpartition(":")[2], 1.0)
    return {
        "watch_s_per_person_day": 100 * level + replicate + branch - (arm == "factual"),
        "utility_per_view": level - 1.0 + 0.01 * replicate, "like_rate": 0.05 * level,
    }  # fmt: skip


def simulate(scenario, replicate, *, threads=1, report=None):
    """Independent counts per cell; the factual arm shows the beneficiary more, in proportion to the dose."""
    if "FAKE_LOG" in os.environ:
        Path(os.environ["FAKE_LOG"], f"{replicate}-{uuid.uuid4().hex}").touch()
    time.sleep(float(os.environ.get("FAKE_SLEEP", 0)))
    if os.environ.get("FAKE_DIE") == str(replicate):
        os.kill(os.getpid(), signal.SIGKILL)
    if report is not None:
        report(0.5)
    names = [c.id for c in scenario.candidates]
    removed = [c for c in scenario.campaigns if c.counterfactual != "kept"]
    first, start = min(c.start for c in removed), 1 - scenario.days.count
    promoted = {c.beneficiary for c in removed}
    rows, actions, reach = [], [], []
    arms = [("shared", 0)] + [(a, b) for b in range(scenario.run.luck_branches) for a in ("factual", "counterfactual")]
    for arm, branch in arms:
        days = range(start, first) if arm == "shared" else range(first, 1)
        rng = np.random.default_rng([scenario.run.seed, replicate, branch, arm == "shared"])
        for day in days:
            for region in sorted({s.region for s in scenario.population.segments}):
                for name in names:
                    for stance in STANCES:
                        n = int(rng.poisson(20))
                        if arm == "factual" and name in promoted and stance == "supportive":
                            n += round(30 * scenario.dose.value * STRENGTH.get(scenario.platform.policy, 1.0))
                        rows.append((replicate, branch, arm, day, region, "aa", "all", name, stance, n, n // 4))
            for name in names:
                actions.append((replicate, branch, arm, day, name, "like", "human", 10))
                if arm == "factual" and name in promoted and scenario.dose.value > 0:
                    actions.append((replicate, branch, arm, day, name, "like", "inauthentic", 5))
        if arm != "shared":
            for region in sorted({s.region for s in scenario.population.segments}):
                reach += [
                    (replicate, branch, arm, "campaign", region, n, 100 + 10 * (arm == "factual"), 250) for n in names
                ]
    facts = [(replicate, 0, "shared", "gini_views", 0.5)]
    for arm, branch in arms[1:]:
        found = costs(scenario.platform.policy, arm, replicate, branch)
        facts += [(replicate, branch, arm, name, value) for name, value in found.items()]
    frames = {
        "exposure": _frame(
            rows, "day region language age_band candidate stance impressions comment_exposures", "region language age_band candidate stance"
        ),
        "provenance": _frame([], "day candidate kind source impressions"),
        "engagement": _frame(actions, "day candidate action origin count", "candidate action origin"),
        "campaigns": _frame([(replicate, 0, "factual", first, "network", "like", 9, 2, 7, 0.5)],
                            "day campaign tactic attempted prevented counted spend_eur"),
        "moderation": _frame([], "day campaign accounts_removed"),
        "followers": _frame([], "day candidate followers"),
        "reach": _frame(reach, "window region candidate people_reached people"),
        "facts": _frame(facts, "name value"),
    }  # fmt: skip
    meta = {
        "replicate": replicate, "people": 500, "steps": 60, "fork_day": first, "seconds": {},
        "impressions": int(frames["exposure"]["impressions"].sum()), "own_actions": {},
    }  # fmt: skip
    return SimpleNamespace(frames=frames, meta=meta, weight=1 / scenario.population.scale, window=(first, 0))


def _frame(rows, names, text=""):
    frame = pd.DataFrame(rows, columns=[*HEAD, *names.split()])
    if rows:
        frame = frame.astype({name: "category" for name in ["arm", *text.split()]})
    return frame


def with_followers(scenario, replicate, *, threads=1, report=None):
    """The same with followers of the candidates, which a report asks for."""
    outcome = simulate(scenario, replicate, threads=threads, report=report)
    arms = (("shared", -9), ("factual", 0), ("counterfactual", 0))
    rows = [(replicate, 0, arm, day, c.id, 100 + day) for c in scenario.candidates for arm, day in arms]
    outcome.frames["followers"] = pd.DataFrame(rows, columns=["replicate", "branch", "arm", "day", "candidate", "followers"])  # fmt: skip
    return outcome
