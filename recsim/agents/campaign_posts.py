"""Items that campaigns bring: posts of their actors, and advertisements.

Posts of actors (influencers, volunteers, bots, impersonators) are kept with the probability that one simulated item
stands for them; advertisements come in copies, one for each lifetime of an item.
"""

from __future__ import annotations

import numpy as np

from recsim import rng
from recsim.agents.people import POLITICS_TOPIC, choose
from recsim.agents.supply_plans import NEVER, OWN, RIVALS, AdPlan, PlaceMix, PostPlan, SupplyTraits
from recsim.rng import Decision, Key
from recsim.state import ADVERTISEMENT

TEMPLATE = np.array([0xFFFFFFFF], np.uint32)
"""Number of the post that copies are made from; it is never posted itself."""
REPLACEABLE = ("candidate", "stance", "primary", "secondary", "emotion", "present", "disclosed", "demobilising")
"""Columns that a counterfactual may replace."""


def common_columns(key: Key, traits: SupplyTraits, population: int, number: np.ndarray) -> dict[str, np.ndarray]:
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


def campaign_posts(
    key: Key, traits: SupplyTraits, plan: PostPlan, authors: np.ndarray, main_topic: np.ndarray, region: np.ndarray
) -> dict[str, np.ndarray]:
    """Posts of one campaign's actors, thinned to the resolution of the supply and to the time an actor exists.

    Args:
        authors: (N,) int64, author numbers of the actors. main_topic, region: (A,) int64, of all authors.
    """
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
    columns = common_columns(key, traits, plan.population, number)
    author = authors[actor]
    count = len(number)
    day = rng.uniforms(key, Decision.ITEM_TIME, plan.population, number)
    second = np.minimum((day[:, 2] * np.float32(traits.topics)).astype(np.int64), traits.topics - 1)
    if plan.variation < 1:
        template = common_columns(key, traits, plan.population, TEMPLATE)
        for name in ("quality", "length", "emotion", "mix"):
            columns[name] = template[name] + np.float32(plan.variation) * (columns[name] - template[name])
        topic = rng.uniforms(key, Decision.ITEM_TIME, plan.population, TEMPLATE)[0, 2]
        second = np.where(
            day[:, 0] < np.float32(plan.variation), second, min(int(topic * traits.topics), traits.topics - 1)
        )
    turned = keep[:, 3] < np.float32(plan.hijacked)
    promoted = np.where(turned | (plan.payer < 0), plan.candidate, plan.payer)
    candidate, stance, demobilising = _kinds(key, plan, number, promoted)
    language, where = places_of_accounts(key, plan.population, plan.actors, plan.place)
    columns.update(
        created=created,
        author=author,
        primary=np.full(count, POLITICS_TOPIC),
        secondary=np.where(second == POLITICS_TOPIC, 1, second),
        candidate=candidate,
        stance=stance,
        kind=np.full(count, plan.kind),
        language=language[actor],
        region=region[author] if where is None else where[actor],
        campaign=np.full(count, plan.campaign),
        present=np.ones(count, bool),
        disclosed=day[:, 3] < np.float32(plan.disclosed),
        demobilising=demobilising,
        vanishes=goes[actor],
        poster=actor.astype(int),
    )
    columns["emotion"] = columns["emotion"] + np.float32(traits.emotion)
    columns = with_alternative(columns)
    if plan.counterfactual == "ordinary":
        columns["alt_candidate"] = np.full(count, -1)
        columns["alt_stance"] = np.zeros(count, int)
        columns["alt_primary"] = main_topic[author]
        columns["alt_secondary"] = (main_topic[author] + 1) % traits.topics
        columns["alt_emotion"] = columns["emotion"] - np.float32(traits.emotion)
        columns["alt_disclosed"] = np.zeros(count, bool)
        columns["alt_demobilising"] = np.zeros(count, bool)
    elif plan.counterfactual == "absent":
        columns["alt_present"] = np.zeros(count, bool)
    # Nested doses: the actor at the edge posts for the campaign with the remaining fraction of a whole.
    acts = np.clip(plan.active - actor, 0.0, 1.0) > keep[:, 2]
    for name in REPLACEABLE:
        columns[name] = np.where(acts, columns[name], columns[f"alt_{name}"])
    return columns


def advertisements(key: Key, traits: SupplyTraits, plan: AdPlan, page: int) -> dict[str, np.ndarray]:
    """Copies of a campaign's advertisements, one for each lifetime of an item; copies of one look the same.

    They are not content of the feed (``present`` is false): no pool, inbox or search has them, in any world. What a
    person does with a copy is drawn anew.
    """
    copies = -(-(plan.last_step - plan.first_step) // plan.lifetime)
    number = np.arange(copies * plan.advertisements, dtype=np.uint32)
    copy, ad = (number // plan.advertisements).astype(np.int64), number % plan.advertisements
    columns = common_columns(key, traits, plan.population, number)
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
        demobilising=np.zeros(count, bool),
        vanishes=np.full(count, NEVER),
        poster=ad.astype(int),
    )
    columns["emotion"] = columns["emotion"] + np.float32(traits.emotion)
    return with_alternative(columns)


def _kinds(
    key: Key, plan: PostPlan, number: np.ndarray, promoted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whom each post is about, its stance, and whether it tells people not to vote; (N,) each.

    Args:
        number: (N,) uint32, of the posts. promoted: (N,) int, candidate whom each post promotes.
    """
    mix = plan.mix
    u = rng.uniforms(key, Decision.POST_KIND, plan.population, number)
    kind = choose(u[:, 0], mix.share)
    about = mix.about[kind]
    candidate = np.where(about == OWN, promoted, about)
    attacks = about == RIVALS
    if attacks.any():
        candidate[attacks] = choose(u[attacks, 1], mix.rival[promoted[attacks]])
    return candidate, mix.stance[kind], mix.demobilising[kind]


def places_of_accounts(
    key: Key, population: int, accounts: int, place: PlaceMix
) -> tuple[np.ndarray, np.ndarray | None]:
    """Language that each account of a campaign appears in, and the region if the campaign names any; (N,) int64."""
    u = rng.uniforms(key, Decision.ACCOUNT_PLACE, population, np.arange(accounts, dtype=np.uint32))
    return choose(u[:, 0], place.language), choose(u[:, 1], place.region) if len(place.region) else None


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


def with_alternative(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns, and beside each one that a counterfactual may replace the same again, as ``alt_...``."""
    return {**columns, **{f"alt_{name}": columns[name] for name in REPLACEABLE}}
