"""``recsim show``."""

from __future__ import annotations

import json
from pathlib import Path


def show_command(
    name: str, compiled: bool, as_json: bool, measure: Path | None = None, replicates: int = 3, yes: bool = False
) -> None:
    """Print what an auditor must know about a policy, or the module that the simulator runs.

    Args:
        name: policy. compiled: print the module only. as_json: as JSON.
        measure: scenario in which to measure how much each parameter matters, or None.
        replicates: for the measurement. yes: measure even if that takes more than half an hour.

    Raises:
        InputError: no such policy, or a bad scenario.
    """
    from recsim.cli.located import guard
    from recsim.ranking import registry

    if measure is not None:
        guard(measure, named=[name])
    policy = registry.get(name)
    if compiled:
        from recsim.ranking.compile import compile_policy

        made = compile_policy(policy)
        text = json.dumps({"name": policy.name, "sha256": made.digest, "source": made.source}, indent=1)
        print(text if as_json else made.source, end="\n" if as_json else "")
        return
    facts = facts_of(policy)
    if measure is not None:
        facts |= _measured(name, measure, replicates, yes)
    print(json.dumps(facts, indent=1) if as_json else text_of(facts))


def _measured(name: str, measure: Path, replicates: int, yes: bool) -> dict:
    """Rows of `recsim.experiment.importance.importance`, NaN as None; what it left out, the places it looked at, and of what."""
    from recsim.audit.pack import made_of
    from recsim.cli.progress import progress
    from recsim.cli.run import How, What, for_estimate
    from recsim.experiment.importance import FACTOR, importance, not_measured
    from recsim.experiment.run import estimate

    scenario = What(measure, []).scenario(name)
    text = f"{scenario.name}: {replicates} replicates with {name} and its parameters changed one at a time"
    How(yes=yes).announce(text, estimate(for_estimate(scenario, replicates)), "--replicates")
    with progress(quiet=False) as say:
        frame = importance(scenario, replicates=replicates, progress=say)
    return {
        "importance": json.loads(frame.to_json(orient="records")), "not_measured": not_measured(scenario),
        "first_places": scenario.audit.shadow_places, "replicates": replicates, "factor": FACTOR, "made_of": made_of(scenario),
    }  # fmt: skip


def facts_of(policy) -> dict:
    """Everything shown, as plain values."""
    from recsim.ranking.policy import DOORS
    from recsim.ranking.vocabulary import FEATURES, SLOTS

    known = {**FEATURES, **SLOTS, **policy.learned_features}
    return {
        "name": policy.name,
        "title": policy.title,
        "source": policy.source,
        "date": policy.date,
        "evidence": policy.evidence,
        "doors": {door: DOORS[door] for door in policy.open_doors},
        "parameters": dict(policy.parameters),
        "ranges": {name: found for name in policy.parameters if (found := policy.range_text(name))},
        "features": [
            {
                "name": name, "scope": known[name].scope, "profiling": known[name].profiling,
                "unit": known[name].unit, "what": known[name].doc,
            }
            for name in policy.score_reads
        ],
        "gate": list(policy.gate_policy.score_reads) if policy.gate_policy else [],
        "rerank": {one.name: list(one.reads) for one in policy.rerank},
        "sources": dict(policy.sources) if policy.uses_pool else {},
        "pool": policy.uses_pool,
        "inbox": policy.inbox,
        "stratum": policy.stratum,
        "gated": policy.gated,
        "explores": policy.explores,
        "heats": policy.heats,
        "learns_from": dict(policy.signals) or (dict.fromkeys(("like", "share", "follow"), 1) if policy.refit and policy.log_days else {}),
        "remembers_hides": policy.fatigue is not None,
        "ordering": policy.ordering,
        "feeds": policy.choice if policy.of_feeds else "",
        "profiled": policy.profiled,
        "why_profiled": list(policy.why_profiled),
    }  # fmt: skip


def text_of(facts: dict) -> str:
    """The same as text for a terminal."""
    strata = {"interest": "language and topic of estimated interest", "region": "region and language"}
    pool = ", ".join(f"{name} {share:g}" for name, share in facts["sources"].items()) or "shares of the scenario"
    why = "; ".join(facts["why_profiled"])
    lines = [
        f"{facts['name']}: {facts['title']}",
        f"  source      {facts['source']}",
        f"  date        {facts['date'] or '-'}",
        f"  evidence    {facts['evidence']}",
        f"  doors       {', '.join(f'{door} {words}' for door, words in facts['doors'].items()) or 'none'}",
        f"  parameters  {', '.join(_parameter(facts, name) for name in facts['parameters']) or 'none'}",
        f"  profiles    {'yes (DSA Art. 38): ' + why if facts['profiled'] else 'no (DSA Art. 38)'}",
        f"  pool        {pool if facts['pool'] else 'none'}; inbox: {facts['inbox']}",
        f"  stratum     {facts['stratum']}: people of one {strata[facts['stratum']]} share a pool",
        f"  gates       {'staged exposure pools' if facts['gated'] else 'none'}; "
        f"new items {'tried in exploration positions' if facts['explores'] else 'ranked at once'}",
        f"  ordering    {facts['ordering']}",
        *(["  heating     a declared share of slots goes to pushed items (heated_views)"] if facts["heats"] else []),
        *([f"  learns from {', '.join(named)}"] if (named := _signs(facts["learns_from"])) else []),
        *(["  memory      authors by whom a person hid something"] if facts["remembers_hides"] else []),
        *([f"  feeds       of a follow-graph world only; choice: {facts['feeds']}"] if facts["feeds"] else []),
        *([f"  gate reads  {', '.join(facts['gate'])}"] if facts["gate"] else []),
        *(f"  re-ranker   {name}: reads {', '.join(reads)}" for name, reads in facts["rerank"].items()),
        "  features",
    ]
    for f in facts["features"]:
        mark = "  [follow list]" if f["name"] == "in_network" else "  [profiling]" if f["profiling"] else ""
        lines.append(f"    {f['name']:<18}{f['scope']:<8}{f['what']} ({f['unit']}){mark}")
    if "importance" in facts:
        lines += _importance_lines(facts["importance"], facts["not_measured"], facts["first_places"])
    return "\n".join(lines)


def _parameter(facts: dict, name: str) -> str:
    """A parameter with its default, and what it may be if that is not any number."""
    bounds = f" ({facts['ranges'][name]})" if name in facts["ranges"] else ""
    return f"{name}={facts['parameters'][name]:g}{bounds}"


def _signs(signals: dict[str, int]) -> list[str]:
    """Logged actions with their signs."""
    return [f"{'+' if sign > 0 else '-'}{name}" for name, sign in signals.items()]


def _importance_lines(rows: list[dict], left_out: list[str], places: int) -> list[str]:
    """One line per parameter, and her elasticity for each candidate whose interval excludes zero; what was not measured."""
    lines = [
        f"  importance  first {places} places that change when the parameter rises by a quarter; candidates whose share of",
        "              candidate places then rises (+) or falls (-), per cent per per cent, 95 % interval without zero",
    ]
    for name in dict.fromkeys(row["parameter"] for row in rows):
        mine = [row for row in rows if row["parameter"] == name]
        clear = [
            f"{row['candidate']} {row['elasticity']:+.2f}" for row in mine
            if row["ci_low"] is not None and (row["ci_low"] > 0 or row["ci_high"] < 0)
        ]  # fmt: skip
        lines.append(f"    {name:<18}{100 * mine[0]['reordered']:5.1f} %  {', '.join(clear) or 'no candidate clearly'}")
    if left_out:
        lines.append(f"    not measured (zero, at a limit, or acting beside the score): {', '.join(left_out)}")
    return lines
