"""Figures of a simulated platform that can be held against published ones."""

from __future__ import annotations

import numpy as np

from recsim.metrics import effective_number, gini, largest, share_of, shares, smallest_half, top_share
from recsim.state import ACTIONS, ADVERTISEMENT, FIXED, SECOND, VIEW
from recsim.world.build import NEVER_SET
from recsim.world.shards import of_all
from recsim.world.world import World


def platform_facts(world: World, first_step: int) -> dict[str, float]:
    """Stylised facts of a world from ``first_step`` to now.

    Views per item are those of people, of items whose whole life lies within the period if there are any, else of
    all items created in it.
    """
    plan, state, record = world.plan, world.state, world.record
    days = record.days
    human = sum(d["human"] for d in days).astype(float)
    totals = human.sum(axis=0)
    views = max(1.0, totals[VIEW])
    facts = {f"{name}_rate": totals[ACTIONS.index(name)] / views for name in ACTIONS if name not in ("view", "watch")}
    facts["watched_share"] = totals[ACTIONS.index("watch")] / 1024 / views
    visits, tried, empty, examined = (float(v) for v in record.feed)
    facts["empty_share"] = empty / max(1.0, tried)
    facts["videos_per_visit"] = examined / max(1.0, visits)
    facts["videos_per_day"] = examined / plan.people / max(1, len(days))
    facts["visits_per_day"] = visits / plan.people / max(1, len(days))
    visits_a_day, met = of_all(state.exchange, state.latent.visits, world.feed.tally.met)
    facts["activity_top10_share"] = top_share(visits_a_day, 0.1)
    facts["candidate_exposure_top1_share"] = top_share(met, 0.01)
    facts["candidate_feed_share"] = human[:-1, VIEW].sum() / views
    facts |= people_facts(world, views)

    low = int(state.born[first_step])
    whole = int(state.born[max(first_step, world.now - plan.lifetime)])
    high = whole if whole > low else int(state.born[world.now])
    per_item = state.counters.human[low:high, 0][state.items.labels.present[low:high]].astype(float)
    if per_item.size:
        facts["gini_views"] = gini(per_item)
        facts["top1_share"] = top_share(per_item, 0.01)
        facts["largest_reach"] = float(per_item.max()) / plan.people
        facts["median_views"] = float(np.median(per_item))
        facts["mean_views"] = float(per_item.mean())
    arrivals, passed = world.platform.arrivals, world.platform.passed
    for number in range(len(world.feed.quota_views)):
        if arrivals[number]:
            facts[f"gate_{number + 1}_pass_share"] = float(passed[number] / arrivals[number])
    if world.feed.gated:
        for number in range(len(world.feed.quota_views)):
            if state.threshold[number] <= NEVER_SET:
                facts[f"gate_{number + 1}_never_set"] = 1.0
    candidate = state.items.labels.candidate[low:high]
    for number, who in enumerate(plan.candidates):
        mine = state.counters.human[low:high, 0][candidate == number].astype(float)
        if mine.sum() > 0:
            facts[f"effective_items.{who.id}"] = float(mine.sum() ** 2 / (mine**2).sum())
    kind = state.items.labels.kind[int(state.born[first_step]) : int(state.born[world.now])]
    seen = state.counters.human[int(state.born[first_step]) : int(state.born[world.now]), 0]
    facts["influencer_views"] = float(seen[kind == 4].sum())
    return {name: float(value) for name, value in facts.items()}


def people_facts(world: World, views: float) -> dict[str, float]:
    """What the feed gives people, over all days of the world: watch time, utility, diversity, who is seen.

    The supply behind the last two is all items live at some time in these days. Small creators are the half of its
    authors with the fewest followers at the start of the run (those with the median included), so that they are the
    same accounts under every policy and in both arms. The most emotional items are a tenth of it.

    Args:
        world: at the end of a day.
        views: people's views.
    """
    plan, state, record = world.plan, world.state, world.record
    seconds = float(record.watched[0]) / SECOND
    utility, alike, pairs = (float(v) for v in record.well)
    low = int(state.born[max(0, world.first_step + 1 - plan.lifetime)])
    high = int(state.born[world.now])
    seen = (state.counters.human[:, 0] - world.viewed)[low:high]
    author, items = state.items.author[low:high], state.items
    by_topic = np.bincount(items.primary[low:high], weights=seen, minlength=plan.scenario.content.topics)
    content = items.labels.kind[low:high] != ADVERTISEMENT  # who buys a place is no small creator
    small = smallest_half(state.accounts.audience, np.unique(author[content]))
    return {
        "watch_s_per_view": seconds / views,
        "watch_s_per_person_day": seconds / plan.people / max(1, len(record.days)),
        "utility_per_view": utility / FIXED / max(1.0, float(record.feed[3])),
        "effective_topics": float(effective_number(shares(by_topic))),
        "effective_topics_visit": pairs / alike if alike else float("nan"),
        "small_creator_share": share_of(seen[content], small[author[content]]),
        "emotional_share": share_of(seen, largest(items.emotion[low:high], 0.1, items.labels.present[low:high])),
    }
