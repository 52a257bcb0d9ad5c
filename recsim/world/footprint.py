"""How much memory a world needs, array by array, from its plan alone: nothing is built."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim import rng
from recsim.agents.networks import places_of
from recsim.state import ACTIONS, HIDDEN
from recsim.world.acting import EVENTS
from recsim.world.demobilising import demobilises
from recsim.world.hours import hour_factors
from recsim.world.networks import make_network
from recsim.world.plan import Plan
from recsim.world.seen import SMALL, page_bytes, words_of

PROCESS = 300e6
"""Bytes of a process that has imported and compiled everything, before its first world."""
ITEM, ITEM_COPIED = 500, 300
"""Bytes of an item of the run, both arms' columns included, and what of it a fork has of its own."""
WEIGHED, OF_GROUP, OF_CLUSTER = 360, 160, 40
"""Bytes of an item more where the platform weighs events: its books, its counts of each group of accounts, what each network has
used up of a cap on clusters; a fork has its own."""
ACCOUNT = 50
"""Bytes of an account of a network, or of an author who posts for a campaign."""
EVENT = 21
"""Bytes of an event in a network's log, which is kept for the whole run."""
SHOWN, REGISTER = "shown items", "register of accounts"
OF_EVERYBODY = 13
"""Bytes of every person in every shard: her preference and her place among those who share it while follows are drawn; her visits
and impressions, which come together for concentration figures at the end."""
LATER = 3
"""Follows in a run for each that the declared mean rate gives: feeds show people what they like best."""


ON_DISK = 2**30
"""Bytes of a world from which on it is kept at a fork in the store alone, where there is one (`recsim.world.legs`): it is read
back in seconds, and memory that holds two of them is dear."""
SETTLED = 0.7
"""Share of a person's pages that are still needed once a run is older than an item's life; measured with the default feed.
At the start of a run all items are new, so what is shown stays live for longest."""


class Part(NamedTuple):
    """Memory of one kind.

    Attributes:
        name: what is kept. each: bytes per person. copied: whether a fork has its own.
    """

    name: str
    each: float
    copied: bool


def people_parts(plan: Plan) -> list[Part]:
    """What a world keeps of people, at its fullest; the follow graph apart.

    Not counted: what a policy that refits has learned, its log, and detectors' logs, which grow with what people do.
    """
    topics, table = plan.scenario.content.topics, 4 * len(plan.candidates) * 3
    hides = 0 if plan.policy.fatigue is None else HIDDEN
    known = plan.weighs or plan.moderated
    come = busiest_share(plan)
    acts = come * plan.scenario.activity.videos_per_visit.value * _act_rate(plan)
    rows = [
        ("taste", 4 * topics, False),
        ("other traits", 8 + 4 * 4 + 1, False),
        ("segment, region, language, age band", 5, False),
        ("vectors of the oracle", 4 * (topics + len(plan.languages) + 6) * (plan.predictor == "oracle"), False),
        ("account age, standing draw", 8 * known, False),
        ("estimated taste", 4 * topics, True),
        ("inbox", 4 * int(plan.reaction.inbox) + 4, True),
        (SHOWN, seen_bytes(plan), True),
        ("hidden authors", (8 * hides + 4) * (hides > 0), True),
        ("weight, group, trust, actions", 21 * plan.weighs, True),
        (REGISTER, 49 * known, True),
        ("stratum, order", 8, True),
        ("reach, impressions of candidates", 12, True),
        ("impressions by candidate and stance", table * plan.scenario.opinion.enabled, True),
        ("demobilising impressions", table * demobilises(plan), True),
        ("visits of a step", come * (10 + 4 * bool(plan.ads)), True),
        ("acts and follows of a step", acts * (8 + 12 * plan.watched), True),
        ("log of a step", acts * 9 * (plan.policy.refit is not None), True),
    ]
    return [Part(name, float(each), copied) for name, each, copied in rows if each]


def seen_bytes(plan: Plan) -> float:
    """Bytes per person for what she has been shown: bits or pages, whichever the world will keep."""
    bits, pages = 8.0 * words_of(expected_window(plan)), page_bytes(plan)
    return pages if plan.people * bits > SMALL and pages < bits else bits


def expected_window(plan: Plan) -> int:
    """Live items, campaigns' left out: they are few."""
    return round(plan.supply.items_per_day * plan.lifetime / plan.steps_per_day)


def busiest_share(plan: Plan) -> float:
    """Share of people who come in the busiest step; mean over the spread of visits, by its quantiles."""
    spread = np.float32(plan.traits.visits_spread)
    middle = rng.normals(((np.arange(50) + 0.5) / 50).astype(np.float32))
    rate = np.float32(plan.traits.visits_per_day * float(hour_factors(plan).max()))
    rates = rate * rng.exponentials(middle * spread - spread * spread / 2)
    return 1.0 - float(rng.exponentials(-rates).mean())


def _act_rate(plan: Plan) -> float:
    r = plan.scenario.response
    return 2 * sum(q.value for q in (r.like_rate, r.comment_rate, r.share_rate, r.follow_rate, r.report_rate))


def person_bytes(plan: Plan) -> float:
    """Bytes per person of one world, the follow graph apart."""
    return sum(part.each for part in people_parts(plan))


def graph_bytes(plan: Plan) -> float:
    """Bytes of the follow graph: 4 for a follow at the start, 9 for one in the run."""
    audiences = float(plan.supply.official_followers.sum()) + sum(p.followers_mean * p.actors for p in plan.posts)
    activity, rate = plan.scenario.activity, plan.scenario.response.follow_rate.value
    views = activity.visits_per_day.value * activity.videos_per_visit.value * plan.days
    return 4 * (plan.people * plan.supply.follows_per_person + audiences) + 9 * LATER * rate * views * plan.people


def account_bytes(plan: Plan) -> float:
    """Bytes of campaigns' accounts, of the log of what they do, and of their posts, which all grow with the dose: one world, and
    an arm beside it, which shares the log.
    """
    networks = [n for n in (make_network(plan, c) for c in plan.campaigns) if n is not None]
    accounts = sum(places_of(n) * (2 if n.replacement_share > 0 else 1) for n in networks)
    posts = sum(p.actors * (p.posts_per_actor * min(1.0, p.keep) * (ITEM + ITEM_COPIED) + ACCOUNT) for p in plan.posts)
    acts = sum(
        n.accounts * n.actions_per_day * (min(n.last_step, plan.steps) - n.first_step) / plan.steps_per_day
        for n in networks
    )
    return 2 * ACCOUNT * accounts + posts + EVENT * EVENTS * acts


def replicate_bytes(plan: Plan, threads: int = 1, shards: int = 1, stored: bool = False) -> float:
    """Bytes of what simulates one replicate at its fullest: one world, or later that world and an arm beside it.

    Args:
        plan: of the whole world. threads: of each process. shards: processes, see `recsim.world.shards`: people are cut among them,
            and each has everything else, and a few figures of everybody.
        stored: whether checkpoints are written, so that large worlds wait at a fork on the disk alone.
    """
    parts = people_parts(plan)
    pages = seen_bytes(plan) == page_bytes(plan)
    later = [p._replace(each=p.each * SETTLED) if p.name == SHOWN and pages else p for p in parts]
    alone = stored and plan.people * sum(p.each for p in later if p.copied) >= ON_DISK * shards
    most = max(sum(p.each for p in parts), sum(p.each * (1 + (p.copied and not alone)) for p in later))
    guards = plan.safeguards
    groups = guards.aggregate.groups if plan.weighs else 0
    weighed = plan.weighs * (
        WEIGHED + OF_GROUP * groups + OF_CLUSTER * len(plan.campaigns) * (guards.cluster_cap is not None)
    )
    items = plan.supply.items_per_day * plan.days * (ITEM + ITEM_COPIED + 2 * weighed)
    tallies = 2 * threads * expected_window(plan) * len(ACTIONS) * 8 * (1 + groups)
    each = PROCESS + items + tallies + account_bytes(plan)
    if shards > 1:
        known = sum(p.each * (1 + p.copied) for p in parts if p.name == REGISTER)
        each += plan.people * (OF_EVERYBODY + known)
    return shards * each + plan.people * most + graph_bytes(plan)


def table(plan: Plan) -> str:
    """The parts as text, one a line, with their sum."""
    parts = people_parts(plan)
    lines = [f"{part.name:<42}{part.each:>8.1f}  {'each arm' if part.copied else 'shared'}" for part in parts]
    return "\n".join([*lines, f"{'bytes per person':<42}{person_bytes(plan):>8.1f}"])
