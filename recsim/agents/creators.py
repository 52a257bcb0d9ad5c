"""Supply: every post of the whole run, scheduled when a world is built.

Posts of the ordinary supply are numbered day by day. Both worlds of an experiment share the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recsim import aligned, rng
from recsim.agents.campaign_posts import REPLACEABLE, advertisements, campaign_posts, common_columns, with_alternative
from recsim.agents.followers import draw_followers, make_accounts
from recsim.agents.people import POLITICS_TOPIC, choose
from recsim.agents.supply_plans import NEVER, AdPlan, PostPlan, SupplyTraits
from recsim.rng import Decision, Key
from recsim.state import MEDIA, OFFICIAL, ORGANIC, SUPPORTER, Accounts, ItemLabels, Items


class Supply(NamedTuple):
    """Items and authors, and what the counterfactual puts in the place of campaign posts."""

    items: Items
    replaced: Items
    accounts: Accounts
    vanishes: np.ndarray  # (I,) int32, step from which the item is gone
    poster: np.ndarray  # (I,) int32, number of the actor or advertisement within its campaign, -1 for ordinary items


def _authors(
    traits: SupplyTraits, plans: list[PostPlan], ads: int
) -> tuple[np.ndarray, int, int, list[np.ndarray], int, int]:
    """Author numbers: creators, official accounts, supporters, outlets, each plan's actors, pages of advertisers.

    Actors that a dose above 1 adds come after all others, and numbers that one below 1 leaves free stay free, so that nobody
    else has another number, and other luck, for it.

    Returns:
        Official accounts, the first supporter, the first outlet, each plan's actors, the first page, and how many authors
        there are.
    """
    candidates = len(traits.candidate_weight)
    official = traits.creators + np.arange(candidates)
    supporters = traits.creators + candidates
    outlets = supporters + candidates * traits.supporters
    pages = outlets + traits.outlets + sum(plan.at_dose_one for plan in plans)
    first, added, actors = outlets + traits.outlets, pages + ads, []
    for plan in plans:
        own, more = min(plan.actors, plan.at_dose_one), max(plan.actors - plan.at_dose_one, 0)
        actors.append(np.concatenate([first + np.arange(own), added + np.arange(more)]))
        first, added = first + plan.at_dose_one, added + more
    return official.astype(np.int32), supporters, outlets, actors, pages, added


def build_supply(
    key: Key, traits: SupplyTraits, plans: list[PostPlan], preference: np.ndarray, people_population: int,
    ads: Sequence[AdPlan] = (), mine: range | None = None,
) -> Supply:  # fmt: skip
    """Schedule all items and draw who follows whom.

    Args:
        key: seed and replicate.
        traits: the ordinary supply.
        plans: posts of real actors, in canonical order of their campaigns.
        preference: (P,) int8, all people's first preference: half of an official account's followers share it.
        people_population: hash of the people's population key.
        ads: advertisements, in canonical order of their campaigns; each campaign has one page, which nobody follows at first.
        mine: range of the people whose follows are kept; None: all.
    """
    official, supporters, outlets, actors, pages, authors = _authors(traits, plans, len(ads))
    creator = rng.uniforms(key, Decision.CREATOR, traits.population, np.arange(authors, dtype=np.uint32))
    main_topic = np.minimum((creator[:, 2] * np.float32(traits.topics)).astype(np.int64), traits.topics - 1)
    regions, languages = len(traits.region_share), len(traits.language_share)
    place = rng.uniforms(key, Decision.CREATOR, traits.population, np.arange(authors, dtype=np.uint32), 1)
    region = choose(place[:, 0], traits.region_share)
    language = choose(place[:, 1], traits.language_share)

    columns = [_ordinary(key, traits, creator, main_topic, region, language, official, supporters, outlets)]
    for plan, who in zip(plans, actors, strict=True):
        columns.append(campaign_posts(key, traits, plan, who, main_topic, region))
    columns += [advertisements(key, traits, ad, pages + number) for number, ad in enumerate(ads)]
    table = {name: np.concatenate([c[name] for c in columns]) for name in columns[0]}
    order = np.lexsort((table["id"], table["created"]))
    table = {name: np.ascontiguousarray(column[order]) for name, column in table.items()}
    items = _items(traits, table, "")
    replaced = _items(traits, table, "alt_")
    assert region.max() < regions and language.max() < languages
    start, person, audience = draw_followers(
        key, traits, plans, official, actors, creator, authors, preference, people_population,
        range(len(preference)) if mine is None else mine,
    )  # fmt: skip
    vanishes, poster = table["vanishes"].astype(np.int32), table["poster"].astype(np.int32)
    return Supply(items, replaced, make_accounts(official, start, person, audience), vanishes, poster)


def _ordinary(key, traits, creator, main_topic, region, language, official, supporters, outlets):
    """The ordinary supply, items about candidates included."""
    count = traits.days * traits.items_per_day
    number = np.arange(count, dtype=np.uint32)
    columns = common_columns(key, traits, traits.population, number)
    when = rng.uniforms(key, Decision.ITEM_TIME, traits.population, number)
    what = rng.uniforms(key, Decision.ITEM_PLACE, traits.population, number)
    which = rng.uniforms(key, Decision.ITEM_PLACE, traits.population, number, 1)
    about = what[:, 0] < np.float32(traits.candidate_share)
    candidate = np.where(about, choose(what[:, 1], traits.candidate_weight), -1)
    kind_index = choose(what[:, 2], traits.kind_share)
    stance = 1 - choose(what[:, 3], traits.stance_share[kind_index])

    activity = rng.exponentials(
        rng.logarithms(np.float32(1.0) - creator[: traits.creators, 0]) * np.float32(-1 / (traits.posting_tail - 1))
    )
    edges = np.cumsum(activity.astype(np.float64))  # sequential, unlike np.sum: same bits everywhere
    ordinary = np.searchsorted(edges[:-1] / edges[-1], when[:, 0], side="right")
    supporter = supporters + candidate * traits.supporters + (which[:, 0] * np.float32(traits.supporters)).astype(int)
    outlet = outlets + (which[:, 0] * np.float32(traits.outlets)).astype(int)
    by_kind = np.select([kind_index == 0, kind_index == 1], [official[np.maximum(candidate, 0)], supporter], outlet)
    author = np.where(about, by_kind, ordinary)

    hour = choose(when[:, 1], traits.hour_share)
    per_hour = traits.steps_per_day / 24
    second = np.minimum((when[:, 2] * np.float32(traits.topics)).astype(np.int64), traits.topics - 1)
    primary = np.where(when[:, 3] < np.float32(0.7), main_topic[author], (which[:, 1] * traits.topics).astype(int))
    primary = np.where(about, POLITICS_TOPIC, primary)
    spoken = choose(which[:, 2], traits.candidate_language[np.maximum(candidate, 0)])
    columns.update(
        created=((number // traits.items_per_day) * traits.steps_per_day + (hour * per_hour).astype(int)),
        author=author,
        primary=primary,
        secondary=np.where(second == primary, (second + 1) % traits.topics, second),
        candidate=candidate,
        stance=np.where(about, stance, 0),
        kind=np.where(about, np.array([OFFICIAL, SUPPORTER, MEDIA])[kind_index], ORGANIC),
        language=np.where(about, spoken, language[author]),
        region=np.where(about & (kind_index == 0), -1, region[author]),
        campaign=np.full(count, -1),
        present=np.ones(count, bool),
        disclosed=np.zeros(count, bool),
        demobilising=np.zeros(count, bool),
        vanishes=np.full(count, NEVER),
        poster=np.full(count, -1),
    )
    columns["emotion"] = columns["emotion"] + np.where(about, np.float32(traits.emotion), np.float32(0.0))
    return with_alternative(columns)


def _items(traits: SupplyTraits, table: dict[str, np.ndarray], prefix: str) -> Items:
    """The table as `Items`; with prefix ``alt_`` as the counterfactual has it."""

    def column(name: str) -> np.ndarray:
        return table[prefix + name] if name in REPLACEABLE else table[name]

    count = len(table["id"])
    topic = aligned.zeros((count, traits.topics), np.float32)
    rows = np.arange(count)
    mix = table["mix"]
    length = np.sqrt(np.float32(1.0) + mix * mix)
    topic[rows, column("primary")] = np.float32(1.0) / length
    topic[rows, column("secondary")] = mix / length
    labels = ItemLabels(
        candidate=column("candidate").astype(np.int8),
        stance=column("stance").astype(np.int8),
        kind=table["kind"].astype(np.int8),
        language=table["language"].astype(np.int8),
        region=table["region"].astype(np.int8),
        campaign=table["campaign"].astype(np.int8),
        present=column("present").astype(np.bool_),
        disclosed=column("disclosed").astype(np.bool_),
        demobilising=column("demobilising").astype(np.bool_),
    )
    return Items(
        id=table["id"],
        key=table["key"].astype(np.uint32),
        author=table["author"].astype(np.int32),
        created=table["created"].astype(np.int32),
        topic=topic,
        primary=column("primary").astype(np.int16),
        secondary=column("secondary").astype(np.int16),
        length=table["length"].astype(np.float32),
        quality=table["quality"].astype(np.float32),
        emotion=column("emotion").astype(np.float32),
        labels=labels,
    )


__all__ = ["Supply", "build_supply"]
