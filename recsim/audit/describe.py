"""A scenario described: the ODD protocol, and a model card. Everything is read from scenario, registry and source.

ODD: Overview, Design concepts, Details (Grimm et al. 2020), the form in which agent-based models are described so that others can
build them again. A model card (Mitchell et al. 2019) says what a model is for, on what it rests and where it must not be used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from recsim import __version__
from recsim.audit.sources import first_line, phases, state_groups
from recsim.experiment.run import source_digest
from recsim.experiment.summary import beneficiaries, removed_campaigns
from recsim.ranking import registry
from recsim.ranking.policy import DOORS
from recsim.scenario import quantities
from recsim.scenario.schema import Scenario

SUBMODELS = (
    "recsim.agents.people", "recsim.agents.creators", "recsim.kernels.visits", "recsim.kernels.retrieval", "recsim.kernels.gates",
    "recsim.kernels.look", "recsim.kernels.response", "recsim.kernels.acts", "recsim.kernels.counters", "recsim.kernels.predictor",
    "recsim.agents.networks", "recsim.agents.advertising", "recsim.agents.review", "recsim.agents.enforcement",
)  # fmt: skip
"""Modules whose first lines are the list of submodels; their docstrings hold formulas and sources."""
EVIDENCE = ("documented", "published formula", "computed", "assumption", "unstated")


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    head = list(head)
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    out += ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return [*out, ""]


def _parameters(scenario: Scenario) -> list[str]:
    rows = [
        (f"`{q['key']}`", f"{q['value']:g}", "" if q["range"] is None else f"{q['range'][0]:g} to {q['range'][1]:g}", q["evidence"] + ("" if q["in_use"] else ", not in use"), q["description"], q["source"])
        for q in quantities(scenario)
    ]  # fmt: skip
    return _table(["key", "value", "range", "evidence", "meaning, unit", "source"], rows)


def _size(scenario: Scenario) -> str:
    people = round(scenario.population.people.value * scenario.population.scale)
    return (
        f"{people:,} simulated people for {scenario.population.people.value:,.0f} (scale {scenario.population.scale:g}), "
        f"{scenario.content.items_per_day:,} items a day, {len(scenario.candidates)} candidates, {len(scenario.campaigns)} campaign{'' if len(scenario.campaigns) == 1 else 's'}; "
        f"{scenario.days.count} days ({scenario.days.start} to {scenario.days.vote}, the day of the vote) in steps of "
        f"{scenario.run.step_hours} h"
    )


def _votes(scenario: Scenario) -> str:
    said = "Nothing is said about minds or votes."
    if scenario.opinion.enabled:
        said += " An optional layer, reported apart, works out expected votes under assumed sizes of effects."
    return said


def _evidence(scenario: Scenario) -> Counter[str]:
    return Counter(q["evidence"] for q in quantities(scenario) if q["in_use"])


def odd(scenario: Scenario) -> str:
    """The ODD protocol of a scenario, Markdown."""
    platform = scenario.platform
    policy = registry.configured(platform.policy, platform.rerank, platform.rerank_top)
    removed = removed_campaigns(scenario)
    out = [
        f"# ODD protocol: {scenario.title or scenario.name}", "",
        f"Made by recsim {__version__} from the scenario `{scenario.name}` and its own sources (SHA-256 `{source_digest()[:12]}`), after "
        "Grimm et al. 2020.", "",
        "## 1. Purpose and patterns", "",
        f"{scenario.audit.question or 'How much do the campaigns shift what people are shown about each candidate?'} The answer is the "
        "exposure shift: a candidate's share of human impressions of candidate content in the campaign window with the campaigns, "
        "less the same share in the same world without them, in percentage points. " + _votes(scenario), "",
    ]  # fmt: skip
    if scenario.targets:
        out += ["Patterns that simulated figures are held against (`recsim check`):", ""]
        out += _table(
            ["pattern", "figure", "from", "to", "source"],
            [(t.id, f"`{t.metric}`", _bound(t.low), _bound(t.high), t.source) for t in scenario.targets],
        )
    else:
        out += ["This scenario names no patterns to be held against.", ""]
    out += ["## 2. Entities, state variables, scales", "", f"{_size(scenario)}.", ""]
    for name, (about, fields) in state_groups().items():
        out += [f"**{name}.** {about}", ""]
        out += _table(["variable", "shape, type", "meaning"], [(f"`{f.name}`", f.form, f.about) for f in fields])
    out += ["## 3. Process overview and scheduling", ""]
    out += ["Within a step everybody sees the counters of its start; what follows happens in this order.", ""]
    out += _table(["#", "phase", "what"], [(k, p.name, p.about) for k, p in enumerate(phases(), 1)])
    out += [
        "## 4. Design concepts", "",
        "- **Basic principle.** Paired worlds: factual and counterfactual share every draw, which is a function of the event and of "
        "nothing else, so that a difference is the campaigns' doing.",
        "- **Emergence.** Exposure shares, reach and concentration emerge from ranking, people's responses and counts.",
        "- **Adaptation, learning.** The platform learns interests and rates from events; people do not change their tastes. "
        f"Predictor of actions: `{platform.predictor.kind}`.",
        "- **Sensing.** A policy sees what the platform knows, never what people are. This one reads: "
        + (", ".join(f"`{name}`" for name in policy.reads) or "nothing") + f"; {'' if policy.profiled else 'not '}based on profiling (DSA Art. 38).",
        "- **Interaction.** People meet campaigns through items, comments under items, counters that people see (social proof) and "
        "counters that the platform reads. Doors of this policy: " + (", ".join(f"{d} ({DOORS[d]})" for d in policy.open_doors) or "none") + ".",
        "- **Stochasticity.** Visits, tastes, supply, responses and campaigns; Philox4x32-10 keyed by event. Ranged parameters are drawn once "
        "per replicate.",
        f"- **Collectives.** Regions, languages, age bands; one agent stands for a whole population. Model of a visit: `{scenario.response.model}`.",
        f"- **Observation.** Impressions by day, segment, candidate and stance; {scenario.run.replicates} replicates, "
        f"{scenario.run.luck_branches} luck branches each.", "",
        "## 5. Initialisation", "",
        "The platform starts empty of counts and warms up on the days before the first campaign; gate thresholds adapt until then (a gate at "
        "which fewer than five items have arrived by then has none and lets everything pass; `recsim check` names it). The "
        f"counterfactual is without: {', '.join(f'{c.id} (instead: {c.counterfactual})' for c in removed) or 'nothing'}.", "",
        "## 6. Input data", "",
        f"{len(scenario.population.segments)} cells of region x language x age band. No time series drives the model.", "",
        "## 7. Submodels", "",
    ]  # fmt: skip
    out += _table(["module", "what"], [(f"`{name}`", first_line(name)) for name in SUBMODELS])
    out += [f"**Ranking policy `{platform.policy}`.** {policy.title}. Source: {policy.source} {policy.evidence}.", ""]
    if scenario.campaigns:
        rows = [(c.id, c.type.replace("_", " "), c.beneficiary, c.start, c.counterfactual, (type(c).__doc__ or "").splitlines()[0]) for c in scenario.campaigns]  # fmt: skip
        out += _table(["campaign", "kind", "for", "from day", "instead", "what it is"], rows)
    out += ["Every number, with its evidence:", "", *_parameters(scenario)]
    return "\n".join(out)


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def model_card(scenario: Scenario) -> str:
    """A model card of a scenario, Markdown."""
    found = _evidence(scenario)
    total = sum(found.values())
    ranged = sum(1 for q in quantities(scenario) if q["range"] is not None and q["in_use"])
    names = {c.id: c.name for c in scenario.candidates}
    platform = scenario.platform
    policy = registry.configured(platform.policy, platform.rerank, platform.rerank_top)
    out = [
        f"# Model card: {scenario.title or scenario.name}", "",
        f"recsim {__version__}, scenario `{scenario.name}`, sources `{source_digest()[:12]}`. After Mitchell et al. 2019.", "",
        "## What it is", "",
        f"A simulation of people, creators, campaigns and a ranked feed: {_size(scenario)}. It measures how much campaigns shift exposure "
        f"toward {', '.join(names[c] for c in beneficiaries(scenario)) or 'candidates'}, under the policy `{platform.policy}` ({policy.title}).", "",
        "## What it is for", "",
        "Comparing worlds with and without inauthentic engagement under stated assumptions; comparing ranking policies and mitigations; "
        "risk assessment, mitigation and audit under the Digital Services Act (Art. 34, 35, 37). It answers what would follow from the "
        "assumptions, with uncertainty.", "",
        "## What it must not be used for", "",
        "- Claims about the conduct of a real service or person: weights and pools of real platforms are not public.",
        "- Forecasts of votes, or shares of votes as a target: exposure is not persuasion.",
        "- Planning operations: doses are aggregates, and nothing here describes how to act on a real service.", "",
        "## On what it rests", "",
    ]  # fmt: skip
    out += _table(
        ["evidence", "quantities", "share, %"],
        [(name, found[name], f"{100 * found[name] / total:.0f}") for name in EVIDENCE if found[name]],
    )
    out += [
        f"{ranged} of {total} quantities in use have a declared range and are drawn anew in every replicate. The policy's formula: {policy.source} "
        f"{policy.evidence}.", "",
        "## How it is measured", "",
        f"Exposure shift in percentage points against a threshold of {scenario.audit.threshold_pp.value:g} "
        f"({scenario.audit.threshold_reason or ('no reason given' if scenario.audit.threshold_declared else 'the default: nobody declared one')}). The replicate is the unit; Student's t, sign flips, equivalence tests. "
        f"{scenario.run.replicates} replicates are declared; fewer than 30 are exploratory.", "",
        "## Controls", "",
        "Zero dose is bit for bit the counterfactual; exchanging candidates' names exchanges results; a placebo of the same volume must lie "
        f"within +/- {scenario.audit.placebo_bound_pp.value:g} pp (it bounds errors of the simulator; the threshold is {scenario.audit.threshold_pp.value:g} pp); results "
        "do not depend on threads, workers or the order of lists. `recsim check` runs them.", "",
        "## Fairness between candidates", "",
        f"All {len(names)} candidates are treated alike: positions and luck hang on keys, not on names; what differs between them is "
        "declared below `candidates` with its evidence.", "",
        "## Known limits", "",
        "One page of a feed stands for all surfaces but search and comments; people do not change their tastes; detection and moderation "
        "are simulated processes with declared errors. What falls outside published figures is printed by `recsim check` and in the "
        "documentation of the scenario.", "",
    ]  # fmt: skip
    return "\n".join(out)
