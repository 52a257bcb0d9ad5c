"""Several stored results in one report: a run, other runs and policies, answers to single questions, an ensemble, evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recsim.audit.pack import TAKEN, Evidence, Place, gathered, other_settings, outside_of
from recsim.audit.provenance import name_of
from recsim.errors import InputError
from recsim.experiment.calibration import CalibrationResult
from recsim.experiment.compare import cell_scenario
from recsim.experiment.comparison import Comparison
from recsim.experiment.diff import flat
from recsim.experiment.folder import readable, verified
from recsim.experiment.held import did_you_mean, kind_in
from recsim.experiment.result import Result
from recsim.experiment.sets import Answer
from recsim.experiment.sums import refuse_changed
from recsim.experiment.sweep import StudyResult
from recsim.experiment.under_policy import under_policy
from recsim.ranking import own_code
from recsim.scenario import load
from recsim.scenario.schema import Scenario

KINDS = {
    "summary": "run", "compare": "comparison", "tradeoff": "tradeoff", "ensemble": "ensemble", "attribute": "attribution",
    "dose": "dose", "delay": "delay", "study": "study", "calibration": "calibration",
}  # fmt: skip
"""What the report calls the kinds of results, by key of `recsim.experiment.held.KINDS`."""
VALIDITY: dict[str, type[StudyResult | CalibrationResult]] = {"study": StudyResult, "calibration": CalibrationResult}
"""Results that say how far a finding hangs on what was assumed; they stand under validity."""


class Gathered(NamedTuple):
    """What stands beside a run.

    Attributes:
        tradeoff, ensemble: summaries of these commands, or None; with ``folder`` and settings that differ (``differs``).
        runs: one block per other run: folder, policy, replicates, shifts of the first run's beneficiaries, settings that
            differ.
        comparison: summary of a comparison of policies, or None; ``compared`` is the comparison itself.
        answers: the trade-off, attribution, dose-response and delay, in the order given, each with settings that differ.
        results: the other runs.
        cells: folder and scenario of every policy that another result but a run is about.
        sources: folder of every other result in the order given, its kind and its summary.
        validity: by kind the summaries of a study and a calibration, with ``folder``, ``differs`` and ``source_sha256``;
            ``loaded``: these themselves.
        pack: files of evidence.
        combined: whether the report is one about several results, in a folder of its own.
    """

    tradeoff: dict[str, Any] | None = None
    ensemble: dict[str, Any] | None = None
    runs: Sequence[dict[str, Any]] = ()
    comparison: dict[str, Any] | None = None
    compared: Comparison | None = None
    answers: Sequence[tuple[Answer, list[dict[str, Any]]]] = ()
    results: Sequence[Result] = ()
    cells: Sequence[tuple[str, Scenario]] = ()
    sources: Sequence[tuple[Path, str, dict[str, Any]]] = ()
    validity: Mapping[str, dict[str, Any]] = {}
    loaded: Sequence[StudyResult | CalibrationResult] = ()
    pack: Sequence[Evidence] = ()
    combined: bool = False


def gather(base: Result, others: Sequence[Path]) -> Gathered:
    """Read the other results, and files of evidence.

    Args:
        base: the run that the report is about.
        others: folders of results; files as of `recsim.audit.pack`.

    Raises:
        InputError: a folder or file holds nothing that can stand here, two of a kind, another scenario, a file was changed, or
            two have the same name.
    """
    found: dict[str, Any] = {}
    compared: Comparison | None = None
    runs, answers, results, cells, sources = [], [], [], [], []
    loaded: list[StudyResult | CalibrationResult] = []
    assert base.folder is not None
    places = [Place(name_of(base.folder), base.scenario, base.summary["fingerprint"])]
    files, folders = ([one for one in others if one.is_file() == which] for which in (True, False))
    outside_of(files, [base.folder, *folders])
    named: dict[str, Path] = {}
    for folder in (base.folder, *others):
        if not folder.exists():
            raise InputError(f"is no folder and no file{did_you_mean(folder)}; {TAKEN}", str(folder))
        twin = named.setdefault(name_of(folder), folder)
        if twin.resolve() != folder.resolve():
            text = f"has the same last name as {twin}, by which the report would call both; rename one"
            raise InputError(text, str(folder))
    for folder in (base.folder, *folders):
        refuse_changed(folder)
    own_code.refuse(_code(base.scenario), base.folder)
    for folder in folders:
        last = _last(folder)
        kind = KINDS[last]
        if kind == "run":
            other = Result.load(folder)
            own_code.refuse(_code(other.scenario), folder)
            runs.append(_run(base, other, folder, _differences(base.scenario, other.scenario, folder)))
            results.append(other)
            places.append(Place(name_of(folder), other.scenario, other.summary["fingerprint"]))
            sources.append((folder, kind, other.summary))
            continue
        if kind in found:
            raise InputError(f"is a second {kind}; one can stand in a report", str(folder))
        with readable(folder, kind):
            summary, manifest = verified(folder, f"{last}.json", kind)
            policies = _policies(kind, summary, manifest)
        scenario = load(folder / "scenario.yaml")
        own_code.refuse([*policies, *_code(scenario)], folder)
        differs = _differences(base.scenario, scenario, folder)
        source = manifest["source_sha256"]
        found[kind] = summary | {"folder": name_of(folder), "differs": differs, "source_sha256": source}
        if kind == "comparison":
            compared = Comparison.load(folder)
        elif kind in VALIDITY:
            loaded.append(VALIDITY[kind].load(folder))
            sources.append((folder, kind, summary))
            continue
        elif "command" in summary:
            answers.append((Answer.load(folder, last), differs))
        sources.append((folder, kind, summary))
        cells += [(name_of(folder), cell_scenario(scenario, name)) for name in policies]
        places += [Place(name_of(folder), under_policy(scenario, name), None) for name in policies]
    return Gathered(
        found.get("tradeoff"), found.get("ensemble"), runs, found.get("comparison"), compared, answers, results, cells, sources,
        {kind: found[kind] for kind in VALIDITY if kind in found}, loaded, gathered(base, files, places), combined=True,
    )  # fmt: skip


def _code(scenario: Scenario) -> list[str]:
    return [scenario.platform.policy, *(scenario.platform.rerank or [])]


def _policies(kind: str, summary: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    """Names of the policies that a result is about."""
    if kind == "comparison":
        return [p["policy"] for p in summary["policies"]]
    if kind == "ensemble":
        return list(dict.fromkeys(cell[0] for cell in manifest["folders"].values()))
    if kind == "study":
        varied = [axis["values"] for axis in summary["axes"] if axis["key"] == "platform.policy"]
        return [summary["policy"], *(name for values in varied for name in values)]
    return [summary["policy"]]


def _last(folder: Path) -> str:
    """Which file marks the folder as complete, without its ending."""
    last = kind_in(folder)
    if last is not None:
        return last
    files = ", ".join(f"{last}.json" for last in KINDS)
    raise InputError(
        f"holds no complete run, comparison, trade-off, attribution, dose-response, delay, ensemble, study or calibration (none of "
        f"{files} is there); {TAKEN}",
        str(folder),
    )


def _differences(base: Scenario, other: Scenario, folder: Path) -> list[dict[str, Any]]:
    if [c.id for c in base.candidates] != [c.id for c in other.candidates]:
        raise InputError("is about other candidates than the first run; it cannot stand beside it", str(folder))
    return other_settings(flat(base), flat(other))


def _run(base: Result, other: Result, folder: Path, differs: list[dict[str, Any]]) -> dict[str, Any]:
    rows = {row["id"]: row for row in other.summary["candidates"]}
    keys = ("id", "shift_pp", "ci_low", "ci_high", "verdict", "excess_impressions")
    return {
        "folder": name_of(folder), "policy": other.summary["policy"], "replicates": other.summary["replicates"],
        "fingerprint": other.summary["fingerprint"], "differs": differs,
        "candidates": [{k: rows[name][k] for k in keys} for name in base.summary["beneficiaries"]],
    }  # fmt: skip


def beside_it(found: Gathered) -> dict[str, Any]:
    """What the results of a report say about other runs and other policies."""
    s = found.comparison
    answers = [
        {"folder": name_of(one.folder), "differs": differs, "numbers": one.summary}
        for one, differs in found.answers
        if one.folder is not None and one.summary["command"] != "tradeoff"  # which stands under mitigation
    ]
    if s is None:
        return {"runs": list(found.runs), "comparison": None, "answers": answers}
    kept = (
        "id", "share_counterfactual", "share_factual", "shift_pp", "ci_low", "ci_high", "p_holm", "difference_pp",
        "difference_ci_low", "difference_ci_high", "chance_at_threshold", "excess_impressions",
    )  # fmt: skip
    policies = []
    for p in s["policies"]:
        rows = [r for r in p["candidates"] if r["beneficiary"]]
        policies.append(
            {k: p[k] for k in ("rank", "policy", "own", "title", "profiled")}
            | {"candidates": [{k: r[k] for k in kept} | {"difference_verdict": r.get("difference_verdict", "own")} for r in rows]}
            | {"costs": p["costs"]}
        )  # fmt: skip
    head = ("folder", "fingerprint", "replicates", "own_policy", "threshold_pp", "simultaneous", "differs")
    return {
        "runs": list(found.runs),
        "comparison": {k: s[k] for k in head} | {"policies": policies},
        "answers": answers,
    }


def stored_audit(result: Result) -> dict[str, Any]:
    """``audit.json`` of a stored run; computed if an older version left none."""
    from recsim.audit.evidence import evidence

    assert result.folder is not None
    path = result.folder / "audit.json"
    if not path.is_file():
        return evidence(result)
    with readable(result.folder, "run"):
        return dict(json.loads(path.read_text(encoding="utf-8")))
