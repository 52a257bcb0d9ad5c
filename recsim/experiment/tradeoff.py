"""What each mitigation or defence takes away of the shift, and what it costs genuine people and creators."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim.errors import InputError, unknown
from recsim.experiment.attribution import spread
from recsim.experiment.collateral import SHARES, by_language, collateral_of, detectors_of, reviews_of
from recsim.experiment.contrasts import adjusted, direction
from recsim.experiment.defences import Defence, dump_defences, read_defences, with_defence
from recsim.experiment.efficacy import Ratio, efficacy, relative_change
from recsim.experiment.run import configured
from recsim.experiment.sets import Answer, Question, WorldSet, answer, chosen_candidate, without_table
from recsim.experiment.tasks import Progress, Session, Simulate, plain_name
from recsim.experiment.worlds import Worlds
from recsim.metrics import interval, shift_interval
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, FACTUAL

REFERENCE = "none"
"""The scenario as it is."""


class Cost(NamedTuple):
    """A figure of harm in worlds without campaigns, where whatever a mitigation changes it does to genuine people."""

    label: str
    unit: str
    relative: bool


COSTS = {
    "utility_per_view": Cost("mean utility of what is examined", "utility units", False),
    "watch_s_per_person_day": Cost("watch time per person and day", "%", True),
    "small_creator_share": Cost("views of small creators", "percentage points", False),
    "effective_topics_visit": Cost("effective topics within a visit", "topics", False),
    "candidate_views": Cost("views of candidate content", "%", True),
    "genuine_actions": Cost("counted actions of people on candidate content", "%", True),
    "people_sanctioned": Cost("people under sanctions", "percentage points", False),
    "actions_uncounted": Cost("actions of people that do not count", "percentage points", False),
    "items_held": Cost("time that genuine items are held back", "percentage points", False),
    "items_demoted": Cost("time that genuine items are demoted", "percentage points", False),
    "items_withdrawn": Cost("time that genuine items are withdrawn", "percentage points", False),
}
GROUPS = ("language", "region")


def arm_names(mitigation: str) -> tuple[str, str]:
    """Names of a mitigation's two arms: campaigns act, and do not."""
    if mitigation == REFERENCE:
        return FACTUAL.name, COUNTERFACTUAL.name
    return f"{mitigation} {FACTUAL.name}", f"{mitigation} {COUNTERFACTUAL.name}"


def chosen_mitigations(scenario: Scenario, names: str | Sequence[str]) -> list[str]:
    """Names of the mitigations to try, in alphabetical order; "all": every one that the scenario does not have itself.

    Raises:
        InputError: an unknown name, or one that the scenario has already.
    """
    from recsim.ranking.mitigations import MITIGATIONS

    own = {one.kind for one in scenario.platform.mitigations}
    given = {names} if isinstance(names, str) else set(names)
    wanted = given - {"all"} | (set(MITIGATIONS) - own if "all" in given else set())
    for name in sorted(wanted):
        if name not in MITIGATIONS:
            raise unknown("mitigation", name, [*MITIGATIONS, "all"], "--mitigations")
        if name in own:
            raise InputError(f"got {name!r}, which the scenario has already; name others", "--mitigations")
    return sorted(wanted)


def with_mitigation(scenario: Scenario, name: str) -> Scenario:
    """The scenario with one more mitigation, its parameters at their defaults."""
    from recsim.scenario.platform import MitigationUse

    used = [*scenario.platform.mitigations, MitigationUse(kind=name)]
    return scenario.model_copy(update={"platform": scenario.platform.model_copy(update={"mitigations": used})})


def question_of(
    scenario: Scenario, names: str | Sequence[str] | None = None, candidate: str | None = None,
    defences: str | Path | Sequence[Defence] = (),
) -> Question:  # fmt: skip
    """The worlds that a trade-off of mitigations by name needs; each is tried alone beside the scenario's own.

    Args:
        scenario: as resolved; the reference.
        names: as of `chosen_mitigations`; None: all, or none where there are defences.
        candidate: whose shift is to be mitigated; None: the beneficiary of most campaigns.
        defences: a file of them, or as read; each is tried alone as well.

    Raises:
        InputError: a bad setting, or no campaign is removed in the counterfactual.
    """
    chosen_candidate(scenario, candidate)
    found = read_defences(defences) if isinstance(defences, str | Path) else list(defences)
    chosen = chosen_mitigations(scenario, ([] if found else "all") if names is None else names)
    mitigated = {name: with_mitigation(scenario, name) for name in chosen}
    return question_for(scenario, mitigated | {d.name: with_defence(scenario, d) for d in found}, candidate, found)


def question_for(
    scenario: Scenario, mitigated: Mapping[str, Scenario], candidate: str | None = None,
    defences: Sequence[Defence] = (),
) -> Question:  # fmt: skip
    """The worlds that a trade-off needs, from scenarios that are made already.

    Args:
        scenario: the reference.
        mitigated: by name of the mitigation or defence.
        candidate: whose shift is to be mitigated; None: the beneficiary of most campaigns.
        defences: those of the names that are defences, for the record.

    Raises:
        InputError: no mitigation, or no campaign is removed in the counterfactual.
    """
    who = chosen_candidate(scenario, candidate)
    if not mitigated:
        raise InputError("got none; name at least one mitigation, or all", "--mitigations")
    sets = []
    for name, one in {REFERENCE: scenario, **{name: mitigated[name] for name in sorted(mitigated)}}.items():
        acting, without = arm_names(name)
        arms = (dataclasses.replace(FACTUAL, name=acting), dataclasses.replace(COUNTERFACTUAL, name=without))
        sets.append(WorldSet(f"mitigation-{plain_name(name)}", without_table(one), arms))
    told = {d.name: {"title": d.title, "article": d.article, "source": d.source} for d in defences}
    settings = {"mitigations": sorted(mitigated), "defences": told}
    texts = {"defences.yaml": dump_defences(defences)} if defences else {}
    return Question("tradeoff", scenario, tuple(sets), settings, who, _summarise, texts)


def tradeoff(
    scenario: Scenario, *, mitigations: str | Sequence[str] | None = None, candidate: str | None = None,
    defences: str | Path | Sequence[Defence] = (), replicates: int | None = None, seed: int | None = None, out: str | Path | None = None, workers: int | None = None,
    threads: int | None = None, fixed_parameters: bool = False, resume: bool = False, force: bool = False,
    progress: Progress | None = None, store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
) -> Answer:  # fmt: skip
    """Simulate the same worlds under each mitigation and defence, with and without the campaigns.

    Args:
        scenario: from `recsim.load`; its own mitigations stay on in all worlds.
        mitigations: names, or "all"; None: all, or none where there are defences.
        candidate: id of the candidate whose shift is to be mitigated; None: the beneficiary of most campaigns.
        defences: a YAML file of them, or as read by `recsim.experiment.defences.read_defences`.
        replicates, seed: override the scenario's.
        out: directory itself; default ``runs/tradeoff-<name>-<fingerprint>``.
        workers, threads, fixed_parameters, resume, force, progress, store, simulate, cluster: as in `recsim.attribute`.

    Returns:
        An `Answer`. ``frames["tradeoff"]`` has one row per measure: ``shift_pp`` left, ``less_pp`` taken away (percentage points)
        with intervals and ``p_holm``, ``efficacy`` (share of the shift, Fieller's interval) and the costs to genuine people with
        intervals; ``frames["groups"]`` the costs by group of people, ``frames["moderation"]`` what moderation did,
        ``frames["by_replicate"]`` as of `recsim.attribute`.

    Source: docs/attribution.md, "Trade-off"; Fieller 1954, Holm 1979.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    session = Session(simulate, fixed_parameters, workers, threads, progress, cluster)
    question = question_of(configured(scenario, replicates, seed, None), mitigations, candidate, defences)
    return answer(question, session, out, resume, force, store)


def measures_named(s: Mapping[str, Any]) -> list[str]:
    """Options that name the mitigations and the file of defences, which lies beside the scenario.

    Args:
        s: content of ``tradeoff.json``.
    """
    named = [name for name in s["mitigations"] if name not in s["defences"]]
    return [
        *(["--mitigations", ",".join(named)] if named else []),
        *(["--defences", "defences.yaml"] if s["defences"] else []),
    ]


def _summarise(question: Question, worlds: Worlds) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    k = worlds.candidates.index(question.candidate)
    names: Sequence[str] = question.settings["mitigations"]
    told: Mapping[str, dict[str, str]] = question.settings["defences"]
    shift = {name: worlds.shift_pp(*arm_names(name))[:, k] for name in (REFERENCE, *names)}
    costs = {name: costs_of(worlds, arm_names(name)[1]) for name in shift}
    groups = {name: groups_of(worlds, arm_names(name)[1]) for name in shift}
    removed = {name: shift[REFERENCE] - shift[name] for name in names}
    p, p_costs = adjusted(removed), {
        cost: adjusted({name: costs[name][cost] - costs[REFERENCE][cost] for name in names}) for cost in COSTS
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for name in names:
        t, less, share = shift_interval(shift[name]), interval(removed[name]), efficacy(shift[REFERENCE], shift[name])
        rows.append(
            {
                "mitigation": name, **told.get(name, about(name)), "shift_pp": t.mean, **spread(t),
                "less_pp": less.mean, **spread(less, "less_"), "p_holm": p[name],
                "less_verdict": direction(removed[name], p[name]),
                "efficacy": share.value, "efficacy_low": share.low, "efficacy_high": share.high,
                "costs": {c: _cost(costs[REFERENCE][c], costs[name][c], c, p_costs[c][name]) for c in COSTS},
                "groups": _groups(groups[REFERENCE], groups[name]),
                "collateral": by_language(worlds, arm_names(name)[1]), **_at_work(worlds, arm_names(name)[0]),
            }
        )  # fmt: skip
    rows.sort(key=lambda row: (-np.nan_to_num(row["less_pp"], nan=-np.inf), row["mitigation"]))
    t = shift_interval(shift[REFERENCE])
    summary = {
        "reference": {
            "shift_pp": t.mean, **spread(t), "shown": bool(t.low > 0 or t.high < 0), **_at_work(worlds, FACTUAL.name)
        },
        "rows": rows, "undefined_replicates": int(np.isnan(shift[REFERENCE]).sum()),
    }  # fmt: skip
    return summary, {"tradeoff": _table(rows), "groups": _group_table(rows), "moderation": _moderation_table(rows)}


def _at_work(worlds: Worlds, arm: str) -> dict[str, Any]:
    """How well detectors and reviewers do where the campaigns act."""
    return {"detectors": detectors_of(worlds, arm), "reviews": reviews_of(worlds, arm)}


def about(name: str) -> dict[str, Any]:
    """Title, DSA article and evidence of a mitigation; nothing if it is not one of recsim's."""
    from recsim.ranking.mitigations import MITIGATIONS

    one = MITIGATIONS.get(name)
    return {} if one is None else {"title": one.title, "article": one.article, "evidence": one.evidence}


def costs_of(worlds: Worlds, arm: str) -> dict[str, np.ndarray]:
    """(R,) figures of one arm without campaigns; NaN where there is none; shares in per cent."""
    actions = worlds.of("engagement", arm)
    human = actions[actions["origin"].astype(str) != "inauthentic"]
    counted = human.groupby("replicate")["count"].sum().reindex(worlds.replicates, fill_value=0).to_numpy(float)
    views = worlds.sums("segments", arm, "impressions")
    own = ("candidate_views", "genuine_actions", *SHARES)
    out = {name: worlds.fact(arm, name) for name in COSTS if name not in own}
    out["small_creator_share"] = 100 * out["small_creator_share"]
    nothing = np.zeros(len(worlds.replicates))
    found = {"candidate_views": views.get("all", nothing), "genuine_actions": counted}
    return out | found | collateral_of(worlds, arm)


def groups_of(worlds: Worlds, arm: str) -> dict[str, dict[str, np.ndarray]]:
    """(R,) views of candidate content by language and by region, in one arm."""
    return {by: worlds.sums("segments", arm, "impressions", by) for by in GROUPS}


def _cost(before: np.ndarray, after: np.ndarray, name: str, p: float) -> dict[str, Any]:
    if COSTS[name].relative:
        found = relative_change(before, after)
        change = Ratio(100 * found.value, 100 * found.low, 100 * found.high, found.n)
    else:
        t = interval(after - before)
        change = Ratio(t.mean, t.low, t.high, t.n)
    return {
        "without": interval(before).mean, "change": change.value, "change_low": change.low, "change_high": change.high,
        "p_holm": p, "verdict": direction(after - before, p),
    }  # fmt: skip


def _groups(
    before: dict[str, dict[str, np.ndarray]], after: dict[str, dict[str, np.ndarray]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Relative change of the views of candidate content in each language and region, per cent."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for by, parts in before.items():
        out[by] = {}
        for name, x in parts.items():
            found = relative_change(x, after[by].get(name, np.zeros_like(x)))
            out[by][name] = {
                "change": 100 * found.value, "change_low": 100 * found.low, "change_high": 100 * found.high
            }  # fmt: skip
    return out


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    flat = []
    for row in rows:
        line = {k: v for k, v in row.items() if k not in ("costs", "groups", "collateral", "detectors", "reviews")}
        for name, cost in row["costs"].items():
            line |= {f"{name}.{k}": v for k, v in cost.items()}
        flat.append(line)
    return pd.DataFrame(flat)


def _group_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"mitigation": row["mitigation"], "by": by, "group": name, **change}
            for row in rows
            for by, parts in row["groups"].items()
            for name, change in parts.items()
        ]
    )


def _moderation_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Detectors, reviewers and collateral harm by language: one row per figure."""
    flat = [
        (row["mitigation"], part, who, name, value)
        for row in rows
        for part in ("detectors", "reviews")
        for who, figures in row[part].items()
        for name, value in figures.items()
    ]
    flat += [
        (row["mitigation"], f"collateral {name}", language, key, value)
        for row in rows
        for name, languages in row["collateral"].items()
        for language, figures in languages.items()
        for key, value in figures.items()
    ]
    return pd.DataFrame(flat, columns=["mitigation", "part", "of", "figure", "value"])
