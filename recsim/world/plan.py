"""From a validated, realised scenario to plain numbers and canonical orders.

Everything inside a world is ordered by key, never by the scenario's lists, so that reordering a list or exchanging
two candidates' ids changes no number, only labels.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from recsim.agents.detectors import Detector, get_detector, settled
from recsim.agents.people import PeopleTraits
from recsim.agents.supply_plans import AdPlan, PostPlan, SupplyTraits
from recsim.errors import InputError
from recsim.kernels.response import Reaction
from recsim.ranking import registry
from recsim.ranking.compile import CompiledPolicy, compile_policy
from recsim.ranking.mitigation import Safeguards
from recsim.ranking.policy import Policy
from recsim.ranking.presets import PRESETS
from recsim.ranking.slate_vocabulary import TABLE, RerankFacts
from recsim.rng import hash32
from recsim.scenario.campaigns import Campaign
from recsim.scenario.people import Candidate, Segment
from recsim.scenario.quantity import Quantity
from recsim.scenario.schema import Scenario
from recsim.world.campaign_plans import Names, make_ad_plan, make_post_plan
from recsim.world.response_plan import make_reaction, visiting_rate


@dataclasses.dataclass(frozen=True)
class Plan:
    """A realised scenario as the engine wants it. Orders: candidates and campaigns by key, cells by name."""

    scenario: Scenario
    policy: Policy
    compiled: CompiledPolicy
    gate: CompiledPolicy | None
    parameters: np.ndarray  # (Q,) float32
    shadows: np.ndarray  # (K, Q) float32, the policy's own parameters, then those of its shadows; empty without shadows
    rerank: RerankFacts
    people: int
    scale: float
    steps_per_day: int
    days: int
    candidates: list[Candidate]
    campaigns: list[Campaign]
    segments: list[Segment]
    regions: list[str]
    languages: list[str]  # most spoken first
    age_bands: list[str]
    names: Names
    traits: PeopleTraits
    supply: SupplyTraits
    posts: list[PostPlan]
    ads: list[AdPlan]
    standing: np.ndarray  # (C,) float32, cumulative
    reaction: Reaction
    safeguards: Safeguards
    lifetime: int  # steps

    @property
    def steps(self) -> int:
        """Steps of the whole period."""
        return self.days * self.steps_per_day

    @property
    def digest(self) -> str:
        """What decides the policy's code: score loop and gate."""
        return self.compiled.digest + (self.gate.digest if self.gate else "")

    @property
    def source(self) -> str:
        """The generated modules, as text."""
        return self.compiled.source + (f"\n\n# ---- gate ----\n\n{self.gate.source}" if self.gate else "")

    @property
    def predictor(self) -> str:
        """Where predicted actions come from."""
        return _predictor(self.scenario, self.policy)

    @property
    def weighs(self) -> bool:
        """Whether events are counted with weights or by groups of accounts."""
        return self.safeguards.weighs or self.sanctions_accounts

    @property
    def sanctions_accounts(self) -> bool:
        """Whether moderation may decide that somebody's actions do not count."""
        moderation = self.scenario.moderation
        return bool(moderation.detectors) or any(n.target == "accounts" for n in moderation.notices)

    @property
    def moderated(self) -> bool:
        """Whether moderation does anything but remove networks late."""
        m = self.scenario.moderation
        return bool(m.detectors or m.reviewers or m.notices or m.political_labels)

    @property
    def watched(self) -> bool:
        """Whether people's actions are logged for detectors."""
        return bool(self.scenario.moderation.detectors)

    @property
    def label_utility(self) -> float:
        """What a label adds to an item's utility for people."""
        labels = self.scenario.moderation.political_labels
        return 0.0 if labels is None else labels.utility.value

    @property
    def label_demotion(self) -> float:
        """Factor on the score of items labelled as political."""
        labels = self.scenario.moderation.political_labels
        return 1.0 if labels is None else labels.demotion.value

    @property
    def demotion(self) -> float:
        """Factor on the score of items that moderation has demoted."""
        return self.scenario.moderation.actions.demote_factor.value

    @property
    def represented(self) -> float:
        """Real items for which one simulated item stands."""
        return self.scenario.content.items_represented

    @property
    def event_weight(self) -> float:
        """Events on one real item for which one event on a simulated item stands."""
        return 1.0 / (self.represented * self.scale)

    def step_of(self, day: int) -> int:
        """First step of a day given relative to the vote."""
        return (self.days - 1 + day) * self.steps_per_day

    @property
    def removed(self) -> list[Campaign]:
        """Campaigns that the counterfactual is without, in canonical order."""
        return [c for c in self.campaigns if c.counterfactual != "kept"]

    @property
    def first_day(self) -> int:
        """First day of the campaign window, relative to the vote; the day of the vote if nothing is removed."""
        return min((c.start for c in self.removed), default=0)


def _check_detector(detector: Detector, parameters: dict[str, Quantity], where: str) -> None:
    """Refuse what a detector cannot have, in the range that is drawn from, too; whole numbers are drawn from none."""
    settled(detector, {name: q.value for name, q in parameters.items()}, where)
    for name, q in parameters.items():
        for end in q.ends:
            settled(detector, {name: end}, where)
        if detector.parameters[name].whole and len(set(q.ends)) > 1:
            raise InputError(f"got a range of {name}; a whole number is needed, leave the range out", where)


def _predictor(scenario: Scenario, policy: Policy) -> str:
    """The scenario's predictor; a policy that reads no predicted action has no use for it."""
    return scenario.platform.predictor.kind if policy.predicts else "rates"


def _shares(named: dict, languages: list[str], default: np.ndarray | None = None) -> np.ndarray:
    """Shares by language: named ones as given, the rest to the main language (or spread as ``default``)."""
    if not named and default is not None:
        return default
    share = np.array([named[name].value if name in named else 0.0 for name in languages])
    rest = max(0.0, 1.0 - float(share.sum()))
    free = [k for k, name in enumerate(languages) if name not in named]
    if free:
        share[free[0]] += rest
    return share / share.sum()


def _preference(candidates: list[Candidate], languages: list[str], standing: np.ndarray) -> np.ndarray:
    """(L, C) first preferences by language: the audience a candidate declares, the rest by standing in polls."""
    rows = []
    for name in languages:
        declared = np.array([c.audience[name].value if name in c.audience else 0.0 for c in candidates])
        free = np.array([name not in c.audience for c in candidates])
        if declared.sum() > 1:
            declared = declared / declared.sum()
        others = np.where(free, standing, 0.0)
        rest = 1.0 - declared.sum()
        total = others.sum()
        row = declared + (rest * others / total if total > 0 else 0.0)
        rows.append(row / row.sum())
    return np.array(rows)


def make_plan(scenario: Scenario) -> Plan:
    """Resolve names, orders and units.

    Raises:
        InputError: an unknown policy or parameter; a policy whose optional package is not installed.
    """
    policy = registry.configured(scenario.platform.policy, scenario.platform.rerank, scenario.platform.rerank_top)
    for name in registry.missing(policy):
        extra = f"-c constraints.txt -e '.[{policy.name}]'" if policy.name in PRESETS else name
        raise InputError(
            f"policy {policy.name} needs the package {name}, which is not installed; pip install {extra}",
            "platform.policy",
        )
    registry.check_parameters(
        policy, {n: q.ends for n, q in scenario.platform.parameters.items()}, "platform.parameters"
    )
    for number, shadow in enumerate(scenario.audit.shadows):
        given = {name: (value,) for name, value in shadow.parameters.items()}
        registry.check_parameters(policy, given, f"audit.shadows[{number}].parameters")
    compiled = compile_policy(policy, _predictor(scenario, policy))
    parameters = compiled.vector({name: q.value for name, q in scenario.platform.parameters.items()})
    declared = {name: q.value for name, q in scenario.platform.parameters.items()}
    shadows = [compiled.vector({**declared, **one.parameters}) for one in scenario.audit.shadows]
    if shadows and (not isinstance(compiled, CompiledPolicy) or "match" in policy.score_reads):
        reason = "learns a match of person and item" if isinstance(compiled, CompiledPolicy) else "is not compiled"
        raise InputError(f"policy {policy.name} {reason}, so it has no shadows", "audit.shadows")
    if shadows:
        shadows.insert(0, parameters)
    used = [(m.kind, {k: q.value for k, q in m.parameters.items()}) for m in scenario.platform.mitigations]
    guards = registry.safeguards(policy, declared, used)
    for number, use in enumerate(scenario.platform.mitigations):
        for key, q in use.parameters.items():
            for end in q.ends[1:]:  # every end of a range, beside the values of the others
                changed = (use.kind, {**used[number][1], key: end})
                registry.safeguards(policy, declared, [*used[:number], changed, *used[number + 1 :]])
    for number, one in enumerate(scenario.moderation.detectors):
        where = f"moderation.detectors[{number}]"
        _check_detector(get_detector(one.kind, f"{where}.kind"), one.parameters, where)
    candidates = sorted(scenario.candidates, key=lambda c: c.key)
    campaigns = sorted(scenario.campaigns, key=lambda c: c.key)
    spd, days, scale = 24 // scenario.run.step_hours, scenario.days.count, scenario.population.scale

    population = scenario.population
    assert not isinstance(population.segments, str)  # the loader reads the file
    segments = sorted(population.segments, key=lambda s: (s.region, s.language, s.age_band))
    weight = np.array([population.weight(s) for s in segments])
    weight = weight / weight.sum()
    regions = sorted({s.region for s in segments})
    spoken = {name: sum(w for w, s in zip(weight, segments, strict=True) if s.language == name)
              for name in {s.language for s in segments}}  # fmt: skip
    languages = sorted(spoken, key=lambda name: (-spoken[name], name))
    age_bands = sorted({s.age_band for s in segments})
    region_share = np.array([sum(w for w, s in zip(weight, segments, strict=True) if s.region == r) for r in regions])

    standing = np.array([c.standing.value for c in candidates])
    standing = standing / standing.sum()
    hours = np.array(scenario.activity.hour_weights)
    step_share = (hours / hours.sum()).reshape(spd, 24 // spd).sum(axis=1)
    rate = visiting_rate(scenario.activity.visits_per_day.value, scenario.activity.spread.value, step_share)
    traits = PeopleTraits(
        population=hash32("people"), segment_weight=weight,
        region=np.array([regions.index(s.region) for s in segments], np.int8),
        language=np.array([languages.index(s.language) for s in segments], np.int8),
        age_band=np.array([age_bands.index(s.age_band) for s in segments], np.int8),
        topics=scenario.content.topics, visits_per_day=rate,
        visits_spread=scenario.activity.spread.value, action_spread=scenario.response.action_spread.value,
        politics_interest=scenario.content.politics_interest.value,
        taste_concentration=scenario.content.taste_concentration.value,
        preference=_preference(candidates, languages, standing),
    )  # fmt: skip
    content, about = scenario.content, scenario.candidate_content
    follow_weight = about.standing_weight.value
    mixes = (about.official, about.supporters, about.media)
    supporters_share = 1 - about.official_share.value - about.media_share.value
    supply = SupplyTraits(
        population=hash32("supply"), days=days, steps_per_day=spd, items_per_day=content.items_per_day,
        creators=content.creators, topics=content.topics, posting_tail=content.posting_tail.value,
        follower_tail=content.follower_tail.value, follows_per_person=scenario.activity.follows_per_person.value,
        quality_spread=content.quality_spread.value, length_s=scenario.activity.video_length_s.value,
        length_spread=scenario.activity.video_length_spread.value, emotion=about.emotion.value,
        hour_share=hours / hours.sum(), region_share=region_share,
        language_share=_shares(content.language_shares, languages, np.array([spoken[name] for name in languages])),
        candidate_share=about.share_of_supply.value,
        candidate_weight=follow_weight * standing + (1 - follow_weight) / len(candidates),
        candidate_language=np.array([_shares(c.language_shares, languages) for c in candidates]),
        candidate_population=np.array([hash32(c.key) for c in candidates]),
        official_followers=np.array([c.followers.value * scale for c in candidates]),
        kind_share=np.array([about.official_share.value, supporters_share, about.media_share.value]),
        stance_share=np.array([[m.supportive.value, m.neutral.value, m.critical.value] for m in mixes]),
        supporters=about.supporters_per_candidate, outlets=about.media_outlets,
    )  # fmt: skip
    names = Names([c.id for c in candidates], regions, languages, standing, region_share)
    posts = [make_post_plan(c, k, names, scenario, spd, days) for k, c in enumerate(campaigns)]
    lifetime = max(1, round(content.lifetime_days * spd))
    ads = [make_ad_plan(c, k, names, scenario, lifetime) for k, c in enumerate(campaigns) if c.type == "advertising"]
    return Plan(
        scenario=scenario, policy=policy, compiled=compiled, parameters=parameters,
        gate=compile_policy(policy.gate_policy) if policy.gate_policy else None,
        shadows=np.array(shadows, np.float32).reshape(len(shadows), len(parameters)),
        rerank=_rerank_facts(scenario, policy, standing),
        people=max(1, round(population.people.value * scale)), scale=scale, steps_per_day=spd, days=days,
        candidates=candidates, campaigns=campaigns, segments=segments, regions=regions, languages=languages,
        age_bands=age_bands, names=names, traits=traits, supply=supply, posts=[p for p in posts if p is not None],
        ads=ads,
        standing=np.cumsum(standing).astype(np.float32), reaction=make_reaction(scenario, policy, guards),
        safeguards=guards,
        lifetime=lifetime,
    )  # fmt: skip


def _rerank_facts(scenario: Scenario, policy: Policy, standing: np.ndarray) -> RerankFacts:
    """What re-rankers are told: shares of the candidates, the simulated size, and their own tables."""
    scale = scenario.population.scale
    values = {**policy.parameters, **{name: q.value for name, q in scenario.platform.parameters.items()}}
    return RerankFacts(
        top=np.int64(policy.rerank_top), standing=standing.astype(np.float32), scale=np.float32(scale),
        item_scale=np.float32(1.0),  # what a slate holds of an item is of one real item already
        table=np.array([one.table_of(values) for one in policy.rerank], np.float32).reshape(-1, TABLE),
    )  # fmt: skip
