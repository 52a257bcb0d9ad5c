"""The content of an audit report: one block per section, the same keys in ``report.json`` and ``report.html``.

Sections follow what the Digital Services Act and Delegated Regulation (EU) 2024/436 ask an audit report to hold. A report gives
evidence and a comparison with the threshold; it gives no audit opinion, which is a person's. What persons add, the auditor's own words,
stands under `notes` and `recommendations`.
"""

from __future__ import annotations

import json
import math
import shlex
from typing import Any

import numpy as np

from recsim import __version__, metrics
from recsim.audit import provenance
from recsim.audit.again import run_again
from recsim.audit.all_metrics import all_metrics, what_stays
from recsim.audit.cells import printable
from recsim.audit.claims import Grounds, ladder
from recsim.audit.combine import Gathered, beside_it, stored_audit
from recsim.audit.draws import draw_correlations
from recsim.audit.enough import as_rows, enough, power
from recsim.audit.facts import documented_facts, platform_facts, verdict
from recsim.audit.notes import Given, notes_block, recommended
from recsim.audit.pack import about_assumptions, about_calibration
from recsim.audit.plan import half_width
from recsim.audit.provenance import VERIFY, name_of, own_files
from recsim.experiment.dictionary import CSV, TABLES, described
from recsim.experiment.persistence import persistence_row
from recsim.experiment.result import Result
from recsim.experiment.summary import ENOUGH, cleaned, removed_campaigns, with_a_share
from recsim.experiment.sums import NOTES, files_of
from recsim.ranking import registry
from recsim.ranking.own_code import asked
from recsim.ranking.policy import DOORS, tags_in
from recsim.scenario import quantities
from recsim.scenario.schema import Scenario

SECTIONS = (
    "general", "independence", "summary", "risk_statement", "risk_analysis", "criteria", "plan", "methods", "sampling", "results",
    "mitigation", "recommender_cards", "assurance", "validity", "notes", "recommendations", "data", "evidence", "claims",
)  # fmt: skip
NOTHING = Gathered()


def content(
    result: Result, audit: dict[str, Any], beside: Gathered = NOTHING, notes: Given | None = None
) -> dict[str, Any]:
    """The whole report; NaN is None.

    Args:
        result: a stored run.
        audit: content of its ``audit.json``.
        beside: other results that the report is also about.
        notes: the auditor's own words.
    """
    assert result.folder is not None
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    blocks = {
        "general": _general(result, manifest), "independence": result.scenario.audit.auditor.model_dump(),
        "summary": _summary(result), "risk_statement": _risk(result), "risk_analysis": _risk_analysis(result),
        "criteria": _criteria(result), "plan": {k: audit[k] for k in ("plan", "deviations", "deviation_reason", "stopping")},
        "methods": _methods(result), "sampling": _sampling(result, audit), "results": _results(result, audit) | beside_it(beside),
        "mitigation": _mitigation(result, beside.tradeoff), "recommender_cards": _cards(result, beside),
        "assurance": _assurance(result, audit), "validity": _validity(result, beside, manifest["source_sha256"]),
        "notes": notes_block(notes, result.summary["replicates"]), "recommendations": _recommendations(result, beside, notes),
        "data": _data_of_all(result, beside), "evidence": _provenance(result, manifest, audit, beside, notes is not None), "claims": _claims(result, audit, beside.ensemble),
    }  # fmt: skip
    assert tuple(blocks) == SECTIONS
    return cleaned(blocks)


def _general(result: Result, manifest: dict[str, Any]) -> dict[str, Any]:
    s, scenario = result.summary, result.scenario
    return {
        "title": scenario.title or scenario.name, "question": scenario.audit.question, "scenario": scenario.name,
        "service": f"a simulated feed under the policy {s['policy']}", "policy": s["policy"],
        "first_day": str(scenario.days.start), "vote": str(scenario.days.vote), "window_first_day": s["window_first_day"],
        "people": s["people"], "people_real": s["people_real"], "candidates": [{"id": c.id, "name": c.name} for c in scenario.candidates],
        "removed": [
            {"id": c.id, "kind": c.type, "beneficiary": c.beneficiary, "payer": c.payer, "from_day": c.start, "instead": c.counterfactual}
            for c in removed_campaigns(scenario)
        ],
        "recsim": __version__, "commit": manifest.get("git_commit"), "fingerprint": s["fingerprint"], "exploratory": s["exploratory"],
    }  # fmt: skip


def _rows(result: Result) -> list[dict[str, Any]]:
    return [row for row in result.summary["candidates"] if row["beneficiary"]]


def _summary(result: Result) -> list[dict[str, Any]]:
    """One finding per beneficiary."""
    s, out = result.summary, []
    for row in _rows(result):
        keys = (
            "id", "shift_pp", "ci_low", "ci_high", "verdict", "prediction_low", "prediction_high", "luck_band_pp", "excess_impressions",
            "equivalence_low", "equivalence_high", "impressions_counterfactual", "impressions_factual", "shift_supportive_pp", "shift_neutral_pp", "shift_critical_pp",
            "dose_ratio",
        )  # fmt: skip
        found = {k: row[k] for k in keys}
        few = metrics.too_few_for_below(
            row["equivalence_low"], row["equivalence_high"], with_a_share(s), s["threshold_pp"]
        )  # fmt: skip
        found["too_few_for_below"] = metrics.LEAST_FOR_BELOW if few else None
        band = (s["robustness"] or {}).get(row["id"])
        out.append(
            found | {"threshold_pp": s["threshold_pp"], "before_after_pp": s["naive_before_after"][row["id"]], "other_assumptions": band}
        )  # fmt: skip
    return out


def _risk(result: Result) -> dict[str, Any]:
    """The risk, its factors, how severe and how likely in this model."""
    scenario = result.scenario
    shift = _shift_by_candidate(result)
    threshold = scenario.audit.threshold_pp.value
    return {
        "risk": "civic discourse and electoral processes (DSA Art. 34(1)(c))",
        "factors": "recommender systems (Art. 34(2)(a)); intentional manipulation of the service, inauthentic use included (Art. 34(2))",
        "regions": sorted({c.region for c in scenario.population.segments if not isinstance(c, str)}),
        "languages": sorted({c.language for c in scenario.population.segments if not isinstance(c, str)}),
        "severity": [{"id": row["id"], "shift_pp": row["shift_pp"], "excess_impressions": row["excess_impressions"]} for row in _rows(result)],
        "probability": [
            {"id": row["id"], "chance_at_threshold": metrics.chance_at_least(shift[row["id"]], threshold), "threshold_pp": threshold}
            for row in _rows(result)
        ],
    }  # fmt: skip


def _shift_by_candidate(result: Result) -> dict[str, np.ndarray]:
    names = [c.id for c in result.scenario.candidates]
    shift = result.counts().shift_pp
    return {name: shift[:, k] for k, name in enumerate(names)}


def _risk_analysis(result: Result) -> dict[str, Any]:
    threshold, n = result.scenario.audit.threshold_pp.value, with_a_share(result.summary)
    rows = []
    for row in _rows(result):
        sd = math.nan if row["sd_worlds"] is None else row["sd_worlds"]
        found = enough(sd, n, threshold, half_width(result.scenario))
        rows.append({"id": row["id"], "power": power(sd, n, threshold), "enough": found and as_rows(found)})
    return {"inherent": None, "control": None, "power": rows, "threshold_pp": threshold, "replicates": n}


def _criteria(result: Result) -> dict[str, Any]:
    audit = result.scenario.audit
    return {
        "outcome": "shift_pp", "threshold_pp": audit.threshold_pp.value, "threshold_evidence": audit.threshold_pp.evidence,
        "threshold_declared": audit.threshold_declared, "threshold_reason": audit.threshold_reason, "placebo_bound_pp": audit.placebo_bound_pp.value,
    }  # fmt: skip


def _methods(result: Result) -> dict[str, Any]:
    scenario = result.scenario
    numbers = quantities(scenario)
    count = {name: sum(q["evidence"] == name and q["in_use"] for q in numbers) for name in ("documented", "published formula", "computed", "assumption", "unstated")}  # fmt: skip
    return {
        "estimand": "share of human impressions of candidate content in the campaign window, factual less counterfactual",
        "predictor": scenario.platform.predictor.kind, "response": scenario.response.model,
        "mitigations": [m.kind for m in scenario.platform.mitigations], "moderation": moderation_at_work(scenario), "step_hours": scenario.run.step_hours,
        "ensemble": scenario.run.ensemble.model_dump(exclude={"members"}) | {"members": len(scenario.run.ensemble.members)} if scenario.run.ensemble else None,
        "interval_covers": result.summary["interval_covers"], "evidence": count, "quantities": numbers, "not_in_use": sum(not q["in_use"] for q in numbers),
        "again": "recsim describe scenario.yaml --odd",
    }  # fmt: skip


def _sampling(result: Result, audit: dict[str, Any]) -> dict[str, Any]:
    s, population = result.summary, result.scenario.population
    parts = {}
    for division in result.scenario.audit.segments:
        small = {name for row in audit["segments"] if row["division"] == division for name in row["too_small"]}
        parts[division] = [{"name": n, "people": p, "too_small": n in small} for n, p in population.simulated(division).items()]  # fmt: skip
    return {
        "replicates": s["replicates"], "with_a_share": with_a_share(s), "luck_branches": s["luck_branches"], "seed": s["seed"], "people": s["people"],
        "people_real": s["people_real"], "steps": s["steps"], "undefined_replicates": s["undefined_replicates"],
        "divisions": parts,
    }  # fmt: skip


def _results(result: Result, audit: dict[str, Any]) -> dict[str, Any]:
    s = result.summary
    kept = (
        "tv_distance", "tv_distance_ci_low", "tv_distance_ci_high", "js_divergence", "dose_ratio", "inauthentic_actions", "spend_eur",
    )  # fmt: skip
    return {
        "candidates": s["candidates"], "tests": audit["candidates"], "segments": audit["segments"], "windows": audit.get("windows", []), **{k: s[k] for k in kept},
        "robustness": None if result.robustness is None else result.robustness.to_dict("records"),
        "metrics": all_metrics(result).to_dict("records"),
        "draws": draw_correlations(result),
        "persistence": [{"id": name, **persistence_row(found)} for name, found in what_stays(result).items()], "opinion": s.get("opinion"),
    }  # fmt: skip


def moderation_at_work(scenario: Scenario) -> list[str]:
    """What of the block ``moderation`` acts in the scenario, each as "key value" or "key: members"; two act unless set to nothing."""
    found, out = scenario.moderation, []
    for name in ("prevented_share", "network_removal_days"):
        q = getattr(found, name)
        if max(q.ends) > 0 or name == "network_removal_days":
            span = f" ({q.range[0]:g} to {q.range[1]:g})" if q.range else ""
            out.append(f"{name} {q.value:g}{span}")
    members = {
        "detectors": [one.id for one in found.detectors], "reviewers": sorted(found.reviewers),
        "notices": [one.id for one in found.notices],
    }  # fmt: skip
    out += [f"{name}: {', '.join(ids)}" for name, ids in members.items() if ids]
    return out + [name for name in ("appeals", "political_labels", "ads_ban") if getattr(found, name) is not None]


def _mitigation(result: Result, tradeoff: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "in_place": [m.kind for m in result.scenario.platform.mitigations], "moderation": moderation_at_work(result.scenario),
        "compared": None if tradeoff is None else {k: tradeoff[k] for k in ("folder", "fingerprint", "replicates", "differs", "candidate", "reference", "rows")},
        "again": "recsim tradeoff scenario.yaml --mitigations all",
    }  # fmt: skip


def _cards(result: Result, beside: Gathered) -> list[dict[str, Any]]:
    """One card per policy as set; in a report about several results with the folders of those that are about it."""
    if not beside.combined:
        return [_card(result.scenario) | {"results": [], "importance": None}]
    runs = [(name_of(one.folder), one.scenario) for one in (result, *beside.results) if one.folder is not None]
    cards: list[dict[str, Any]] = []
    for name, scenario in (*runs, *beside.cells):
        card = _card(scenario)
        same = next((one for one in cards if {**one, "results": None} == card | {"results": None}), None)
        if same is None:
            cards.append(card | {"results": [name]})
        elif name not in same["results"]:
            same["results"].append(name)
    measured = [one.block for one in beside.pack if one.kind == "importance"]
    for card in cards:
        mine = [m for m in measured if m["policy"] == card["policy"] and m["of"] in card["results"]]
        card["importance"] = mine[0] if mine else None
    return cards


def _card(scenario: Scenario) -> dict[str, Any]:
    platform = scenario.platform
    found = registry.configured(platform.policy, platform.rerank, platform.rerank_top)
    values = {**found.parameters, **{name: q.value for name, q in platform.parameters.items()}}
    return {
        "policy": platform.policy, "title": found.title, "source": found.source, "evidence": found.evidence, "tags": tags_in(found.evidence), "reads": list(found.reads),
        "profiled": found.profiled, "doors": [{"id": d, "name": DOORS[d]} for d in found.open_doors],
        "parameters": [{"name": name, "value": value} for name, value in values.items()],
        "rerank": [{"name": r.name, "title": r.title, "source": r.source, "evidence": r.evidence} for r in found.rerank],
        "rerank_top": found.rerank_top, "again": f"recsim show {platform.policy} --measure scenario.yaml --json > ../importance.json",
    }  # fmt: skip


def _assurance(result: Result, audit: dict[str, Any]) -> dict[str, Any]:
    """What was reached and what could not be examined; the second list is never empty."""
    missing = [
        "the conduct, weights and data of any real service", "minds, attitudes and votes",
        "whether the assumptions hold for the groups most affected (Delegated Regulation (EU) 2024/436, Art. 13: to be tested with them)",
        "whether results carry over to another platform than the one described",
    ]  # fmt: skip
    if result.robustness is None:
        missing.append("other platform assumptions (no table of them was made)")
    if audit["plan"] is None:
        missing.append("a plan locked before the run (there was none: no test confirms what was asked beforehand)")
    n = with_a_share(result.summary)
    if n < ENOUGH:
        missing.append(
            f"enough worlds for a claim ({n} {'replicate' if n == 1 else 'replicates'}; {ENOUGH} are asked for)"
        )
    small = sorted({n for row in audit["segments"] for n in row["too_small"]})
    if small:
        missing.append(f"segments of fewer than 50 simulated people: {', '.join(small)}")
    return {"not_examined": missing, "undefined_replicates": result.summary["undefined_replicates"]}


def _validity(result: Result, beside: Gathered, source: str) -> dict[str, Any]:
    ensemble = beside.ensemble
    facts = platform_facts(result.frames["facts"])
    facts |= documented_facts(result.scenario, result.frames, result.summary["replicates"])
    rows = [
        {"id": t.id, "metric": t.metric, "value": facts.get(t.metric), "low": t.low, "high": t.high, "source": t.source,
         "verdict": verdict(facts.get(t.metric), t.low, t.high)}
        for t in result.scenario.targets
    ]  # fmt: skip
    return {
        "patterns": rows, "robustness": result.summary["robustness"] or None,
        "ensemble": None if ensemble is None else {k: ensemble[k] for k in ("folder", "differs", "cells", "beneficiaries")},
        "controls": "recsim check scenario.yaml --json > ../controls.json",
        "check": next((one.block for one in beside.pack if one.kind == "check"), None),
        "study": about_assumptions(beside.validity.get("study"), source),
        "calibration": about_calibration(beside.validity.get("calibration"), result.scenario, source),
    }  # fmt: skip


def _data(result: Result) -> list[dict[str, Any]]:
    """The data dictionary: every table of this run, Parquet and CSV, with every column."""
    tables = {f"by_{dimension}": printable(result, dimension) for dimension in result.dimensions}
    tables |= {"summary": result.shift(), "metrics": all_metrics(result), "robustness": result.robustness}
    assert result.folder is not None
    for name, make in {"shift_by_replicate": result.by_replicate, "draws": result.draws}.items():
        if (result.folder / f"{name}.csv").exists():  # not in results of earlier versions
            tables[name] = make()
    found_csv = {name: tables[name] for name in CSV if tables.get(name) is not None}
    out = []
    for name, frame in [*found_csv.items(), *result.frames.items()]:
        columns = []
        for column in frame.columns:
            found = described(name, str(column))
            columns.append(
                {"name": str(column), "unit": found.unit if found else "", "meaning": found.meaning if found else ""}
            )
        out.append(
            {
                "table": name,
                "file": f"{name}.{'csv' if name in CSV else 'parquet'}",
                "row": TABLES[name].row if name in TABLES else "",
                "rows": len(frame),
                "columns": columns,
            }
        )
    return out


def _data_of_all(result: Result, beside: Gathered) -> list[dict[str, Any]]:
    """The data dictionary of every run of the report: a table stands once, with its rows by folder."""
    out = [one | {"results": {}} for one in _data(result)]
    if not beside.combined:
        return out
    for run in (result, *beside.results):
        assert run.folder is not None
        for one in _data(run):
            same = [x for x in out if (x["table"], x["columns"]) == (one["table"], one["columns"])]
            if not same:
                out.append(one | {"results": {}})
                same = out[-1:]
            same[0]["results"][name_of(run.folder)] = one["rows"]
    return out


def _recommendations(result: Result, beside: Gathered, notes: Given | None) -> list[dict[str, Any]]:
    """The auditor's, each with where its evidence stands."""
    assert result.folder is not None
    measures = {row["mitigation"] for row in beside.tradeoff["rows"]} if beside.tradeoff else set()
    held = {
        *files_of(result.folder),
        *(name_of(folder) for folder, _, _ in beside.sources),
        *(one.name for one in beside.pack),
    }
    return recommended(
        notes, measures, held - {"report.html", "report.json", NOTES}
    )  # a report is no evidence of itself


def _provenance(
    result: Result, manifest: dict[str, Any], audit: dict[str, Any], beside: Gathered, noted: bool
) -> dict[str, Any]:
    """How to do a run again and check it; of a report about several results: the same of each, in its own folder."""
    assert result.folder is not None
    found = _evidence(result, manifest, audit)
    again = asked(found["again"], result.folder)
    if not beside.combined:
        verify = asked(found["verify"], result.folder)
        return found | {
            "again": again,
            "verify": verify,
            "own_policies": own_files(result.folder),
            "results": [],
            "files": [],
        }
    rows, runs = [provenance.row(result.folder, "run", result.summary, again)], iter(beside.results)
    for folder, kind, summary in beside.sources:
        if kind == "run":
            run = next(runs)
            its = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            again = asked(_evidence(run, its, stored_audit(run))["again"], folder)
        else:
            again = provenance.again(kind, summary, folder)
        rows.append(provenance.row(folder, kind, summary, again))
    files = [one.row for one in beside.pack]
    words = [
        "python -m recsim report",
        *(one["folder"] for one in rows),
        *(shlex.quote(one["file"]) for one in files),
        "--out again",
        *([f"--notes {NOTES}"] if noted else []),
    ]
    return {"again": " ".join(words), "verify": VERIFY, "results": rows, "files": files}


def _evidence(result: Result, manifest: dict[str, Any], audit: dict[str, Any]) -> dict[str, Any]:
    s, rule = result.summary, result.scenario.audit.stopping.model_dump()
    return {
        "again": run_again(s, manifest["fixed_parameters"], audit, rule),
        "verify": "python -m recsim verify .", "fingerprint": s["fingerprint"], "source_sha256": manifest["source_sha256"],
        "commit": manifest.get("git_commit"), "uncommitted_changes": manifest.get("git_uncommitted_changes"),
        "versions": manifest["versions"], "machine": manifest["machine"], "bits": manifest["bits"], "sha256": manifest["sha256"],
        "timing": s["timing"],
    }  # fmt: skip


def _claims(result: Result, audit: dict[str, Any], ensemble: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The ladder of claims, lowest first: which step this report reaches for every beneficiary, and why."""
    s = result.summary
    grounds = Grounds(
        with_a_share(s), s["interval_covers"], audit["plan"] is not None,
        bool(audit["deviations"]), s["threshold_pp"],
    )  # fmt: skip
    tables = [s["robustness"] or {}, (ensemble or {}).get("beneficiaries", {})]
    bands = {name: [table[name] for table in tables if name in table] for name in s["beneficiaries"]}
    return ladder(_rows(result), _shift_by_candidate(result), grounds, bands)
