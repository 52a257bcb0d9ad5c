"""What one block of a scenario says about another: ids, keys, names, sums, and the accounting of the feed."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable

from recsim.errors import InputError, nearest
from recsim.scenario.follow import MOST_AGENTS, FollowScenario, highest_mean_rate
from recsim.scenario.schema import Scenario

MOST_TILES = 40
"""Largest row and column of a map of tiles."""
Refuse = Callable[[tuple, str], InputError]
ABOUT = ("own", "rivals")
"""What a post can be about, beside a candidate's id."""
WITH_ACCOUNTS = ("bot_network", "purchased_engagement", "volunteers")
"""Types of campaigns whose accounts act."""
ROUNDING = 1e-9
"""By how much shares may add up to more than 1."""
MOST_NAMES = 127
"""Regions, languages and age bands: people's are kept in one byte each."""
MOST_ACTIONS = 1e9
"""Actions of a follow-graph world, whose posts are numbered in 32 bits."""


def hash32(text: str) -> int:
    """The same 32-bit population hash as `recsim.rng.hash32`; a test holds the two together."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def _suggest(name: str, allowed: list[str]) -> str:
    near = nearest(name, allowed)
    return f"; allowed: {', '.join(allowed)}" + (f"; did you mean {near!r}?" if near else "")


def check_references(scenario: Scenario, refuse: Refuse) -> None:
    """Raise the first problem that no single block can see.

    Args:
        scenario: a scenario whose blocks are valid by themselves.
        refuse: makes the error from a path and a text.
    """
    _unique(scenario, refuse)
    ids = [c.id for c in scenario.candidates]
    for number, name in enumerate(ids):
        if name in ABOUT:
            raise refuse(
                ("candidates", number, "id"), f"got id {name!r}, a word of posts (own, rivals); choose another"
            )
    for number, campaign in enumerate(scenario.campaigns):
        path = ("campaigns", number)
        if campaign.beneficiary not in ids:
            text = f"got unknown candidate {campaign.beneficiary!r}{_suggest(campaign.beneficiary, ids)}"
            raise refuse((*path, "beneficiary"), text)
        payer = getattr(campaign, "payer_candidate", None)
        if payer is not None and payer not in ids:
            raise refuse((*path, "payer_candidate"), f"got unknown candidate {payer!r}{_suggest(payer, ids)}")
        for place, kind in enumerate(getattr(campaign, "posts", [])):
            if kind.about not in (*ABOUT, *ids):
                text = f"got unknown candidate {kind.about!r}{_suggest(kind.about, [*ABOUT, *ids])}"
                raise refuse((*path, "posts", place, "about"), text)
        topic, topics = getattr(campaign, "segment_topic", 0), scenario.content.topics
        if topic >= topics:
            raise refuse((*path, "segment_topic"), f"got topic {topic}, must be 0 to {topics - 1} (content.topics)")
        if -campaign.start > scenario.days.count - 2:
            first = scenario.days.count - 2
            raise refuse(
                (*path, "start"),
                f"got day {campaign.start}; the run has room for {-first} to 0; set start to {-first} or later, or move "
                f"days.start back to {scenario.days.vote + dt.timedelta(campaign.start - 1)}",
            )
    if sum(c.standing.value for c in scenario.candidates) <= 0:
        raise refuse(("candidates",), "all standings are 0; at least one must be above 0")
    _names(scenario, refuse)
    _tiles(scenario, refuse)
    for number, reference in enumerate(scenario.audit.references):
        for name in reference.shares:
            if name not in ids:
                inside = ("audit", "references", number, "shares", name)
                raise refuse(inside, f"got unknown candidate {name!r}{_suggest(name, ids)}")
    _windows(scenario, refuse)
    _moderation(scenario, refuse)
    about = scenario.candidate_content
    together = (
        (("candidate_content", "media_share"), "official and media shares", about.official_share, about.media_share),
        (
            ("activity", "external_share"), "search and external shares", scenario.activity.search_share,
            scenario.activity.external_share,
        ),
    )  # fmt: skip
    for inside_of, words, *shares in together:
        total = sum(share.value for share in shares)
        if total > 1:
            raise refuse(inside_of, f"{words} add up to {total:g}, must be at most 1")
        reach = sum(share.range[1] if share.range else share.value for share in shares)
        if reach > 1 + ROUNDING:
            raise refuse(
                inside_of, f"{words} can add up to {reach:g} within their ranges, must be at most 1; narrow them"
            )
    simulated, real = scenario.content.items_per_day, min(scenario.content.real_items_per_day.ends)
    if simulated > real:
        # A post of a campaign would have to be several items there.
        raise refuse(
            ("content", "items_per_day"),
            f"got {simulated:,}, must be at most {math.floor(real):,}, the fewest real items a day by content.real_items_per_day: a "
            "simulated item stands for one real item or more; lower items_per_day or raise real_items_per_day",
        )
    if round(scenario.population.people.value * scenario.population.scale) < 10:
        n = scenario.population.people.value * scenario.population.scale
        raise refuse(("population", "scale"), f"leaves {n:g} simulated people, must be at least 10; raise the scale")


def check_follow(scenario: FollowScenario, refuse: Refuse) -> None:
    """Raise the first problem of a follow-graph scenario that no single block can see; arguments as `check_references`."""
    for field in ("id", "key"):
        seen: set[str] = set()
        for number, campaign in enumerate(scenario.campaigns):
            name = getattr(campaign, field)
            if name in seen:
                raise refuse(("campaigns", number, field), f"got {field} {name!r} twice; each must be different")
            if name in ("people", "illegal"):
                raise refuse(
                    ("campaigns", number, field), f"got {field} {name!r}, which names a column; choose another"
                )
            seen.add(name)
    hashes = {hash32("people"): "people", hash32("follow graph"): "follow graph"}
    for number, campaign in enumerate(scenario.campaigns):
        if hash32(campaign.key) in hashes:
            raise refuse(
                ("campaigns", number, "key"),
                f"keys {hashes[hash32(campaign.key)]!r} and {campaign.key!r} have the same hash or are the same; change one",
            )
        hashes[hash32(campaign.key)] = campaign.key
    graph = scenario.follow_graph
    most = graph.people - 1 if graph.kind == "growth" and graph.rewiring != "all" else (graph.people - 1) / 2
    degree = max(graph.mean_degree.ends)
    if degree > most:
        raise refuse(
            ("follow_graph", "mean_degree"),
            f"got {degree:g}, must be at most {most:g} with {graph.people} people; lower it",
        )
    agents = graph.people * (1 + max(scenario.dose.ends) * sum(max(c.accounts_share.ends) for c in scenario.campaigns))
    if agents > 2 * MOST_AGENTS:
        text = (
            f"gives {agents:,.0f} people and accounts, must be at most {2 * MOST_AGENTS:,}; lower it or accounts_share"
        )
        raise refuse(("dose",), text)
    actions = agents + graph.people * (highest_mean_rate(scenario.activity) - 1)
    if actions > MOST_ACTIONS:
        text = f"gives up to {actions:,.0f} actions a step, must be at most {MOST_ACTIONS:,.0f} in all; lower it or the people"
        raise refuse(("activity",), text)
    if actions * scenario.steps.count > MOST_ACTIONS:
        text = (
            f"got {scenario.steps.count}, must be at most {MOST_ACTIONS // actions:.0f} with {agents:,.0f} people and accounts "
            f"and up to {actions:,.0f} actions a step"
        )
        raise refuse(("steps", "count"), text)
    got = max(graph.attributes.leftmost.ends)
    if got > 0:
        raise refuse(("follow_graph", "attributes", "leftmost"), f"got {got:g}, must be in [-1, 0]")
    if scenario.moderation.half_life_steps is not None and not scenario.posts.illegal:
        raise refuse(
            ("moderation", "half_life_steps"), "is set, but nobody posts anything illegal; set posts.illegal to true"
        )


def _unique(scenario: Scenario, refuse: Refuse) -> None:
    moderation = scenario.moderation
    drawn, named = ("id", "key"), ("id",)
    blocks: list[tuple[tuple[str, ...], list, tuple[str, ...]]] = [
        (("candidates",), scenario.candidates, drawn), (("campaigns",), scenario.campaigns, drawn),
        (("moderation", "detectors"), moderation.detectors, drawn), (("moderation", "notices"), moderation.notices, drawn),
        (("audit", "windows"), scenario.audit.windows, named),
    ]  # fmt: skip
    for block, members, fields in blocks:
        for field in fields:
            seen: dict[str, int] = {}
            for number, member in enumerate(members):
                name = getattr(member, field)
                if name in seen:
                    raise refuse((*block, number, field), f"got {field} {name!r} twice; each must be different")
                seen[name] = number
    hashes: dict[int, str] = {}
    keys = (
        [c.key for c in scenario.candidates] + [c.key for c in scenario.campaigns] + ["people", "supply", "parameters"]
    )
    for key in keys:
        if hash32(key) in hashes:
            other = hashes[hash32(key)]
            raise refuse(("candidates",), f"keys {other!r} and {key!r} have the same hash or are the same; change one")
        hashes[hash32(key)] = key


def _names(scenario: Scenario, refuse: Refuse) -> None:
    """Languages, regions and age bands named anywhere exist in the segments."""
    population, segments = scenario.population, scenario.population.segments
    if isinstance(segments, str):
        raise refuse(("population", "segments"), f"file {segments!r} was not read; load the scenario from a file")
    if sum(s.adults for s in segments) <= 0:
        raise refuse(("population", "segments"), "all segments are empty; at least one needs adults")
    languages = sorted({s.language for s in segments})
    regions = sorted({s.region for s in segments})
    ages = sorted({s.age_band for s in segments})
    for what, found in (("regions", regions), ("languages", languages), ("age bands", ages)):
        if len(found) > MOST_NAMES:
            raise refuse(("population", "segments"), f"got {len(found)} {what}, must be at most {MOST_NAMES}")
    _speakers(scenario, languages, refuse)
    named: list[tuple[tuple, list[str], list[str]]] = [
        (("population", "penetration"), list(population.penetration), ages),
        (("population", "language_factor"), list(population.language_factor), languages),
        (("population", "region_factor"), list(population.region_factor), regions),
        (("population", "utc_offset_h"), list(population.utc_offset_h), regions),
        (("content", "language_shares"), list(scenario.content.language_shares), languages),
    ]
    for number, candidate in enumerate(scenario.candidates):
        named.append((("candidates", number, "language_shares"), list(candidate.language_shares), languages))
        named.append((("candidates", number, "audience"), list(candidate.audience), languages))
    for number, campaign in enumerate(scenario.campaigns):
        for field, allowed in (("regions", regions), ("languages", languages)):
            named.append((("campaigns", number, field), list(getattr(campaign, field, [])), allowed))
    reviewers = scenario.moderation.reviewers
    named.append((("moderation", "reviewers"), list(reviewers), languages))
    for language, team in reviewers.items():
        inside = ("moderation", "reviewers", language, "other_languages")
        named.append((inside, list(team.other_languages), languages))
    for path, names, allowed in named:
        for name in names:
            if name not in allowed:
                raise refuse((*path, name), f"got unknown name {name!r}{_suggest(name, allowed)}")


def _speakers(scenario: Scenario, languages: list[str], refuse: Refuse) -> None:
    """Shares by language leave something to somebody."""
    spoken: list[tuple[tuple, dict]] = [(("content", "language_shares"), scenario.content.language_shares)]
    spoken += [(("candidates", k, "language_shares"), c.language_shares) for k, c in enumerate(scenario.candidates)]
    for path, shares in spoken:
        if set(languages) <= set(shares) and not sum(share.value for share in shares.values()):
            raise refuse(path, "all shares are 0; at least one must be above 0")
    for language in languages:
        declared = [c.audience.get(language) for c in scenario.candidates]
        free = sum(c.standing.value for c, share in zip(scenario.candidates, declared, strict=True) if share is None)
        if not free and not sum(share.value for share in declared if share is not None):
            text = f"nobody has an audience among people who speak {language!r}; at least one candidate must"
            raise refuse(("candidates", 0, "audience"), text)


def _tiles(scenario: Scenario, refuse: Refuse) -> None:
    """A map of tiles names every region once, each in a place of its own."""
    tiles, path = scenario.population.tiles, ("population", "tiles")
    regions = sorted({s.region for s in scenario.population.segments if not isinstance(s, str)})
    taken: dict[tuple[int, int], str] = {}
    for name, place in tiles.items():
        if name not in regions:
            raise refuse((*path, name), f"got unknown name {name!r}{_suggest(name, regions)}")
        if min(place) < 0 or max(place) > MOST_TILES:
            raise refuse((*path, name), f"got row and column {list(place)}, must be in [0, {MOST_TILES}]")
        if place in taken:
            raise refuse((*path, name), f"got the place {list(place)}, where {taken[place]!r} is; choose another")
        taken[place] = name
    missing = [name for name in regions if name not in tiles] if tiles else []
    if missing:
        raise refuse(path, f"has no place for {', '.join(missing)}; name row and column of every region, or of none")


def _windows(scenario: Scenario, refuse: Refuse) -> None:
    """Each lies in the campaign window: before it both worlds are the same."""
    starts = [c.start for c in scenario.campaigns if c.counterfactual != "kept"]
    for number, window in enumerate(scenario.audit.windows):
        if starts and window.first < min(starts):
            raise refuse(
                ("audit", "windows", number, "first"),
                f"got day {window.first}, before the first campaign begins on day {min(starts)}: until then both worlds are the same; "
                f"set first to {min(starts)} or later",
            )


def _moderation(scenario: Scenario, refuse: Refuse) -> None:
    """Candidates, campaigns and days named in the moderation block exist; notices differ in luck."""
    moderation = scenario.moderation
    ids, campaigns = [c.id for c in scenario.candidates], [c.id for c in scenario.campaigns]
    types: dict[str | None, str] = {c.id: c.type for c in scenario.campaigns}
    for number, notice in enumerate(moderation.notices):
        path = ("moderation", "notices", number)
        for field, kind, allowed in (("candidate", "candidate", ids), ("campaign", "campaign", campaigns)):
            name = getattr(notice, field)
            if name is not None and name not in allowed:
                raise refuse((*path, field), f"got unknown {kind} {name!r}{_suggest(name, allowed)}")
        if notice.target == "accounts" and types.get(notice.campaign, "") not in WITH_ACCOUNTS:
            about = (
                f"the candidate {notice.candidate!r}" if notice.campaign is None else f"campaign {notice.campaign!r}"
            )
            text = f"got 'accounts', but {about} has none that act; set target to items, or name a campaign of type "
            raise refuse((*path, "target"), text + ", ".join(WITH_ACCOUNTS))
        if -notice.day > scenario.days.count - 1:
            first = scenario.days.count - 1
            back = scenario.days.vote + dt.timedelta(notice.day)
            text = f"got day {notice.day}; the run has room for {-first} to 0; set day to {-first} or later, or move "
            raise refuse((*path, "day"), f"{text}days.start back to {back}")
    labels = moderation.political_labels
    if moderation.actions.item == "label" and labels is None:
        text = (
            "got 'label', but what a label does is said by political_labels; state that block, or choose another action"
        )
        raise refuse(("moderation", "actions", "item"), text)
    for name in labels.errors if labels else {}:
        if name not in ids:
            inside = ("moderation", "political_labels", "errors", name)
            raise refuse(inside, f"got unknown candidate {name!r}{_suggest(name, ids)}")
