"""``recsim show``."""

from __future__ import annotations

import json


def show_command(name: str, compiled: bool, as_json: bool) -> None:
    """Print what an auditor must know about a policy, or the module that the simulator runs.

    Raises:
        InputError: no such policy.
    """
    from recsim.ranking import registry

    policy = registry.get(name)
    if compiled:
        from recsim.ranking.compile import compile_policy

        made = compile_policy(policy)
        text = json.dumps({"name": policy.name, "sha256": made.digest, "source": made.source}, indent=1)
        print(text if as_json else made.source, end="\n" if as_json else "")
        return
    facts = facts_of(policy)
    print(json.dumps(facts, indent=1) if as_json else text_of(facts))


def facts_of(policy) -> dict:
    """Everything shown, as plain values."""
    from recsim.ranking.policy import DOORS
    from recsim.ranking.vocabulary import FEATURES

    return {
        "name": policy.name,
        "title": policy.title,
        "source": policy.source,
        "date": policy.date,
        "evidence": policy.evidence,
        "doors": {door: DOORS[door] for door in policy.doors},
        "parameters": dict(policy.parameters),
        "features": [
            {
                "name": name, "scope": FEATURES[name].scope, "profiling": FEATURES[name].profiling,
                "unit": FEATURES[name].unit, "what": FEATURES[name].doc,
            }
            for name in policy.reads
        ],
        "sources": dict(policy.sources) if policy.uses_pool else {},
        "pool": policy.uses_pool,
        "inbox": policy.inbox,
        "stratum": policy.stratum,
        "gated": policy.gated,
        "explores": policy.explores,
        "ordering": policy.ordering,
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
        f"  parameters  {', '.join(f'{name}={value:g}' for name, value in facts['parameters'].items()) or 'none'}",
        f"  profiles    {'yes (DSA Art. 38): ' + why if facts['profiled'] else 'no (DSA Art. 38)'}",
        f"  pool        {pool if facts['pool'] else 'none'}; inbox: {facts['inbox']}",
        f"  stratum     {facts['stratum']}: people of one {strata[facts['stratum']]} share a pool",
        f"  gates       {'staged exposure pools' if facts['gated'] else 'none'}; "
        f"new items {'tried in exploration positions' if facts['explores'] else 'ranked at once'}",
        f"  ordering    {facts['ordering']}",
        "  features",
    ]
    for f in facts["features"]:
        mark = "  [follow list]" if f["name"] == "in_network" else "  [profiling]" if f["profiling"] else ""
        lines.append(f"    {f['name']:<18}{f['scope']:<8}{f['what']} ({f['unit']}){mark}")
    return "\n".join(lines)
