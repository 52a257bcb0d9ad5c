"""Supply: every post of the whole run, scheduled when a world is built.

Posts of the ordinary supply are numbered day by day; advertisements come in copies, one for each lifetime of an item; posts of campaigns' actors (influencers, volunteers, bots,
impersonators) are kept with the probability that one simulated item stands for them. Both worlds of an experiment share the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recsim import rng
from recsim.agents.people import POLITICS_TOPIC, choose
from recsim.rng import Decision, Key
from recsim.state import (
    ADVERTISEMENT,
    INFLUENCER,
    MEDIA,
    OFFICIAL,
    ORGANIC,
    SUPPORTER,
    VOLUNTEER,
    Accounts,
    ItemLabels,
    Items,
)  # fmt: skip

NEVER = 1 << 30
"""A step after every run."""
TEMPLATE = np.array([0xFFFFFFFF], np.uint32)
"""Number of the post that copies are made from; it is never posted itself."""


class SupplyTraits(NamedTuple):
    """Numbers that describe the ordinary supply, as plain values."""

    population: int  # hash of "supply"
    days: int
    steps_per_day: int
    items_per_day: int
    creators: int
    topics: int
    posting_tail: float
    follower_tail: float
    follows_per_person: float
    quality_spread: float
    length_s: float
    length_spread: float
    emotion: float
    hour_share: np.ndarray  # (24,) float64, adds up to 1
    region_share: np.ndarray  # (R,) float64
    language_share: np.ndarray  # (L,) float64
    candidate_share: float
    candidate_weight: np.ndarray  # (C,) float64, adds up to 1
    candidate_language: np.ndarray  # (C, L) float64
    candidate_population: np.ndarray  # (C,) int64 hashes
    official_followers: np.ndarray  # (C,) float64, simulated people
    kind_share: np.ndarray  # (3,) float64: official, supporter, media
    stance_share: np.ndarray  # (3, 3) float64: rows as kinds; supportive, neutral, critical
    supporters: int
    outlets: int


class PostPlan(NamedTuple):
    """Posts of one campaign's actors: influencers, volunteers, bots, impersonators."""

    population: int
    campaign: int
    kind: int
    candidate: int
    stance: int
    actors: int
    active: float  # the first so many actors post for the campaign, the others what replaces it
    posts_per_actor: float
    followers_mean: float  # simulated people
    followers_spread: float
    keep: float  # probability that a post is among those simulated
    first_step: int
    last_step: int  # exclusive
    counterfactual: str  # kept, absent or ordinary
    payer: int = -1  # candidate of the payer, if another is promoted
    hijacked: float = 1.0  # share of posts turned from the payer's candidate to the promoted one
    disclosed: float = 0.0  # share of posts that say they are paid for
    variation: float = 1.0  # 0: every post is a copy of the template; 1: posts have nothing in common with it
    initial: float = 1.0  # share of the actors that are there from the first step; the others come later, evenly
    lifetime: float = np.inf  # mean steps until an actor is removed
    removal: int = NEVER  # step at which all actors of the campaign are removed


class AdPlan(NamedTuple):
    """Advertisements of one campaign, and what is bought with its budget."""

    population: int
    campaign: int
    candidate: int
    stance: int
    language: int
    advertisements: int
    first_step: int
    last_step: int  # exclusive
    lifetime: int  # steps that an item stays live
    impressions: int  # simulated ones that the budget buys
    step_share: np.ndarray  # (steps per day,) float64, share of a day's impressions in each step, adds up to 1
    regions: tuple[int, ...]  # audience by number of the region; empty: everywhere
    languages: tuple[int, ...]  # audience by number of the language; empty: all


class Supply(NamedTuple):
    """Items and authors, and what the counterfactual puts in the place of campaign posts."""

    items: Items
    replaced: Items
    accounts: Accounts
    vanishes: np.ndarray  # (I,) int32, step from which the item is gone
    poster: np.ndarray  # (I,) int32, number of the actor or advertisement within its campaign, -1 for ordinary items


def _authors(traits: SupplyTraits, plans: list[PostPlan]) -> tuple[np.ndarray, int, int, list[int], int]:
    """First author numbers: creators, official accounts, supporters, outlets, then each plan's actors."""
    candidates = len(traits.candidate_weight)
    official = traits.creators + np.arange(candidates)
    supporters = traits.creators + candidates
    outlets = supporters + candidates * traits.supporters
    first, starts = outlets + traits.outlets, []
    for plan in plans:
        starts.append(first)
        first += plan.actors
    return official.astype(np.int32), supporters, outlets, starts, first


def build_supply(
    key: Key, traits: SupplyTraits, plans: list[PostPlan], preference: np.ndarray, people_population: int,
    spare_follows: int, ads: Sequence[AdPlan] = (),
) -> Supply:  # fmt: skip
    """Schedule all items and draw who follows whom.

    Args:
        key: seed and replicate.
        traits: the ordinary supply.
        plans: posts of real actors, in canonical order of their campaigns.
        preference: (U,) int8, people's first preference: half of an official account's followers share it.
        people_population: hash of the people's population key.
        spare_follows: capacity for follows during the run.
        ads: advertisements, in canonical order of their campaigns; each campaign has one page, which nobody follows at first.
    """
    official, supporters, outlets, starts, pages = _authors(traits, plans)
    authors = pages + len(ads)
    creator = rng.uniforms(key, Decision.CREATOR, traits.population, np.arange(authors, dtype=np.uint32))
    main_topic = np.minimum((creator[:, 2] * np.float32(traits.topics)).astype(np.int64), traits.topics - 1)
    regions, languages = len(traits.region_share), len(traits.language_share)
    place = rng.uniforms(key, Decision.CREATOR, traits.population, np.arange(authors, dtype=np.uint32), 1)
    region = choose(place[:, 0], traits.region_share)
    language = choose(place[:, 1], traits.language_share)

    columns = [_ordinary(key, traits, creator, main_topic, region, language, official, supporters, outlets)]
    for plan, start in zip(plans, starts, strict=True):
        columns.append(_posts(key, traits, plan, start, main_topic, region))
    columns += [_advertisements(key, traits, ad, pages + number) for number, ad in enumerate(ads)]
    table = {name: np.concatenate([c[name] for c in columns]) for name in columns[0]}
    order = np.lexsort((table["id"], table["created"]))
    table = {name: np.ascontiguousarray(column[order]) for name, column in table.items()}
    items = _items(traits, table, "")
    replaced = _items(traits, table, "alt_")
    assert region.max() < regions and language.max() < languages
    followers = _followers(key, traits, plans, official, starts, creator, authors, preference, people_population)
    vanishes, poster = table["vanishes"].astype(np.int32), table["poster"].astype(np.int32)
    return Supply(items, replaced, _accounts(official, followers, spare_follows), vanishes, poster)


def _common(key: Key, traits: SupplyTraits, population: int, number: np.ndarray) -> dict[str, np.ndarray]:
    """Columns that every item has, whoever posts it."""
    look = rng.uniforms(key, Decision.ITEM_LOOK, population, number)
    spread = np.float32(traits.length_spread)
    log_length = rng.normals(look[:, 1]) * spread - spread * spread / 2
    return {
        "id": (np.uint64(population) << np.uint64(32)) | number.astype(np.uint64),
        "key": np.maximum(rng.words(Key(0, 0), Decision.ITEM_LOOK, population, number)[:, 0], 1),
        "quality": rng.normals(look[:, 0]) * np.float32(traits.quality_spread),
        "length": np.float32(traits.length_s) * rng.exponentials(log_length),
        "emotion": rng.normals(look[:, 2]),
        "mix": np.float32(0.2) + np.float32(0.5) * look[:, 3],
    }


def _ordinary(key, traits, creator, main_topic, region, language, official, supporters, outlets):
    """The ordinary supply, items about candidates included."""
    count = traits.days * traits.items_per_day
    number = np.arange(count, dtype=np.uint32)
    columns = _common(key, traits, traits.population, number)
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
        vanishes=np.full(count, NEVER),
        poster=np.full(count, -1),
    )
    columns["emotion"] = columns["emotion"] + np.where(about, np.float32(traits.emotion), np.float32(0.0))
    return _with_alternative(columns)


def _posts(key: Key, traits: SupplyTraits, plan: PostPlan, start: int, main_topic: np.ndarray, region: np.ndarray):
    """Posts of one campaign's actors, thinned to the resolution of the supply and to the time an actor exists."""
    whole = int(plan.posts_per_actor)
    each = whole + 1
    number = np.arange(plan.actors * each, dtype=np.uint32)
    actor, turn = number // each, number % each
    keep = rng.uniforms(key, Decision.ITEM_KEEP, plan.population, number)
    expected = np.where(turn < whole, 1.0, plan.posts_per_actor - whole) * plan.keep
    created = plan.first_step + (keep[:, 1] * np.float32(plan.last_step - plan.first_step)).astype(int)
    comes, goes = _lives(key, plan)
    kept = (keep[:, 0] < expected) & (comes[actor] <= created) & (created < goes[actor])
    number, actor, keep, created = number[kept], actor[kept], keep[kept], created[kept]
    columns = _common(key, traits, plan.population, number)
    author = start + actor
    count = len(number)
    day = rng.uniforms(key, Decision.ITEM_TIME, plan.population, number)
    second = np.minimum((day[:, 2] * np.float32(traits.topics)).astype(np.int64), traits.topics - 1)
    if plan.variation < 1:
        template = _common(key, traits, plan.population, TEMPLATE)
        for name in ("quality", "length", "emotion", "mix"):
            columns[name] = template[name] + np.float32(plan.variation) * (columns[name] - template[name])
        topic = rng.uniforms(key, Decision.ITEM_TIME, plan.population, TEMPLATE)[0, 2]
        second = np.where(
            day[:, 0] < np.float32(plan.variation), second, min(int(topic * traits.topics), traits.topics - 1)
        )
    turned = keep[:, 3] < np.float32(plan.hijacked)
    columns.update(
        created=created,
        author=author,
        primary=np.full(count, POLITICS_TOPIC),
        secondary=np.where(second == POLITICS_TOPIC, 1, second),
        candidate=np.where(turned | (plan.payer < 0), plan.candidate, plan.payer),
        stance=np.full(count, plan.stance),
        kind=np.full(count, plan.kind),
        language=np.zeros(count, int),
        region=region[author],
        campaign=np.full(count, plan.campaign),
        present=np.ones(count, bool),
        disclosed=day[:, 3] < np.float32(plan.disclosed),
        vanishes=goes[actor],
        poster=actor.astype(int),
    )
    columns["emotion"] = columns["emotion"] + np.float32(traits.emotion)
    columns = _with_alternative(columns)
    if plan.counterfactual == "ordinary":
        columns["alt_candidate"] = np.full(count, -1)
        columns["alt_stance"] = np.zeros(count, int)
        columns["alt_primary"] = main_topic[author]
        columns["alt_secondary"] = (main_topic[author] + 1) % traits.topics
        columns["alt_emotion"] = columns["emotion"] - np.float32(traits.emotion)
        columns["alt_disclosed"] = np.zeros(count, bool)
    elif plan.counterfactual == "absent":
        columns["alt_present"] = np.zeros(count, bool)
    # Nested doses: the actor at the edge posts for the campaign with the remaining fraction of a whole.
    acts = np.clip(plan.active - actor, 0.0, 1.0) > keep[:, 2]
    for name in REPLACEABLE:
        columns[name] = np.where(acts, columns[name], columns[f"alt_{name}"])
    return columns


def _advertisements(key: Key, traits: SupplyTraits, plan: AdPlan, page: int) -> dict[str, np.ndarray]:
    """Copies of a campaign's advertisements, one for each lifetime of an item; copies of one look the same.

    They are not content of the feed (``present`` is false): no pool, inbox or search has them, in any world. What a
    person does with a copy is drawn anew.
    """
    copies = -(-(plan.last_step - plan.first_step) // plan.lifetime)
    number = np.arange(copies * plan.advertisements, dtype=np.uint32)
    copy, ad = (number // plan.advertisements).astype(np.int64), number % plan.advertisements
    columns = _common(key, traits, plan.population, number)
    for name in ("quality", "length", "emotion", "mix"):
        columns[name] = columns[name][ad]
    second = rng.uniforms(key, Decision.ITEM_TIME, plan.population, ad)[:, 2]
    second = np.minimum((second * np.float32(traits.topics)).astype(np.int64), traits.topics - 1)
    count = len(number)
    columns.update(
        created=plan.first_step + copy * plan.lifetime,
        author=np.full(count, page),
        primary=np.full(count, POLITICS_TOPIC),
        secondary=np.where(second == POLITICS_TOPIC, 1, second),
        candidate=np.full(count, plan.candidate),
        stance=np.full(count, plan.stance),
        kind=np.full(count, ADVERTISEMENT),
        language=np.full(count, plan.language),
        region=np.full(count, -1),
        campaign=np.full(count, plan.campaign),
        present=np.zeros(count, bool),
        disclosed=np.ones(count, bool),
        vanishes=np.full(count, NEVER),
        poster=ad.astype(int),
    )
    columns["emotion"] = columns["emotion"] + np.float32(traits.emotion)
    return _with_alternative(columns)


REPLACEABLE = ("candidate", "stance", "primary", "secondary", "emotion", "present", "disclosed")


def _lives(key: Key, plan: PostPlan) -> tuple[np.ndarray, np.ndarray]:
    """First step of every actor, and the step from which it is removed with all its posts; (N,) int64 each."""
    u = rng.uniforms(key, Decision.BIRTH, plan.population, np.arange(plan.actors, dtype=np.uint32))
    later = (u[:, 1] * np.float32(plan.last_step - plan.first_step)).astype(np.int64)
    comes = plan.first_step + np.where(u[:, 0] < np.float32(plan.initial), 0, later)
    goes = np.full(plan.actors, plan.removal, np.int64)
    if plan.lifetime < np.inf:
        lasts = -rng.logarithms(np.float32(1.0) - u[:, 2]) * np.float32(plan.lifetime)
        goes = np.minimum(goes, comes + np.maximum(1, lasts.astype(np.int64)))
    return comes, goes


def _with_alternative(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**columns, **{f"alt_{name}": columns[name] for name in REPLACEABLE}}


def _items(traits: SupplyTraits, table: dict[str, np.ndarray], prefix: str) -> Items:
    """The table as `Items`; with prefix ``alt_`` as the counterfactual has it."""

    def column(name: str) -> np.ndarray:
        return table[prefix + name] if name in REPLACEABLE else table[name]

    count = len(table["id"])
    topic = np.zeros((count, traits.topics), np.float32)
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


def _followers(key, traits, plans, official, starts, creator, authors, preference, people_population):
    """Followers of every author at the start: list of sorted person numbers."""
    people = len(preference)
    expected = np.zeros(authors)
    # Ordinary creators, supporters and outlets share the follows that people give; official accounts have their own.
    first = traits.creators + len(official)
    last = first + len(official) * traits.supporters + traits.outlets
    ordinary = np.concatenate([np.arange(traits.creators), np.arange(first, last)])
    audience = rng.exponentials(
        rng.logarithms(np.float32(1.0) - creator[ordinary, 1]) * np.float32(-1 / (traits.follower_tail - 1))
    ).astype(np.float64)
    audience = np.minimum(audience, 2000.0)
    expected[ordinary] = audience / np.cumsum(audience)[-1] * traits.follows_per_person * people
    for number, followers in zip(official, traits.official_followers, strict=True):
        expected[number] = followers
    for plan, start in zip(plans, starts, strict=True):
        spread = np.float32(plan.followers_spread)
        draw = rng.normals(creator[start : start + plan.actors, 1]) * spread - spread * spread / 2
        expected[start : start + plan.actors] = plan.followers_mean * rng.exponentials(draw)
    expected = np.minimum(expected, 0.9 * people)
    leaning = {int(number): np.flatnonzero(preference == c) for c, number in enumerate(official)}
    result = []
    for author in range(authors):
        count = int(expected[author]) + int(creator[author, 3] < expected[author] - int(expected[author]))
        if count == 0:
            result.append(np.empty(0, np.int32))
            continue
        u = rng.uniforms(key, Decision.FOLLOWS, people_population, np.full(count, author, np.uint32), np.arange(count))
        who = np.minimum((u[:, 0].astype(np.float64) * people).astype(np.int64), people - 1)
        supporters = leaning.get(author)
        if supporters is not None and len(supporters):
            inside = supporters[(u[:, 1].astype(np.float64) * len(supporters)).astype(np.int64)]
            who = np.where(u[:, 2] < np.float32(0.5), inside, who)
        result.append(np.unique(who).astype(np.int32))
    return result


def _accounts(official: np.ndarray, followers: list[np.ndarray], spare: int) -> Accounts:
    counts = np.array([len(f) for f in followers], np.int64)
    return Accounts(
        official=official,
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        person=np.concatenate(followers).astype(np.int32),
        head=np.full(len(followers), -1, np.int32),
        next=np.full(spare, -1, np.int32),
        newer=np.full(spare, -1, np.int32),
        used=np.zeros(1, np.int64),
        followers=counts,
    )


__all__ = ["INFLUENCER", "VOLUNTEER", "AdPlan", "PostPlan", "Supply", "SupplyTraits", "build_supply"]
