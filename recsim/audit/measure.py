"""The metrics of a report, computed on a log of exposures: the same code for a platform's data and for simulated people.

In a log there is one world, so the unit is the viewer, and the day if the log has days: intervals cover which viewers and days
were looked at, not what luck or a platform's state would have made of others. A difference between arms is an effect only if
viewers were assigned to arms by chance.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recsim import metrics
from recsim.audit import log_notes
from recsim.audit.clusters import p_of
from recsim.audit.design import NUMBERS
from recsim.audit.exposure_log import CODING, DIVISIONS
from recsim.audit.exposure_table import DAY, SHOWN, VIEWER, Ratio, Table, coded, ratio_in, table_of
from recsim.audit.log_differences import comparison, family
from recsim.audit.log_file import ALIKE
from recsim.audit.pilot import pilot
from recsim.errors import InputError, check_range, unknown
from recsim.experiment.summary import cleaned
from recsim.state import STANCES

LEAST_PEOPLE = 50
"""People below which a cell is not printed, to protect them and because it says little."""
ENGAGED = 0.5
"""Part of an item from which it counts as watched (M10)."""
VIEWERS = ("people", "donors", "puppets")
"""Who the viewers of a log can be: people of a platform's own log, people who gave theirs, accounts of an audit."""
PERSISTENCE = NUMBERS["persistence"].value
"""Correlation from one day to the next under which a pilot is read: what `recsim design` assumes unless it is stated."""


class Labels(NamedTuple):
    """How often a label that says whom an item is about is right: parts, 0-1, of items of a candidate, and of other items."""

    sensitivity: float = 1.0
    specificity: float = 1.0

    @property
    def kept(self) -> float:
        """What labels leave of a difference of shares."""
        return self.sensitivity + self.specificity - 1

    @property
    def wrong(self) -> bool:
        """Whether there are any errors."""
        return self.kept != 1

    def corrected(self, share: Ratio) -> Ratio:
        """A share as true labels would have it, p = (q + sp - 1) / (se + sp - 1) (Rogan and Gladen 1978), cut at 0 and 1."""
        value = (share.value + self.specificity - 1) / self.kept
        return Ratio(float(np.clip(value, 0.0, 1.0)), None, share.error.times(1 / self.kept), value)


def measure(
    log: pd.DataFrame, baseline: str | None = None, *, viewers: str = "people",
    reference: Mapping[str, float] | None = None, sensitivity_pct: float = 100, specificity_pct: float = 100,
) -> dict[str, Any]:  # fmt: skip
    """All metrics that a log allows, by arm; NaN is None.

    Args:
        log: from `read_log`.
        baseline: the arm that others are compared with, which must be named; None: arms are not compared.
        viewers: people; donors, who gave their own logs; or puppets, accounts of an audit, whose cells are shown however few.
        reference: by candidate, shares that somebody holds to be fair; they are made to add up to 1. A candidate whom the log
            does not know was not shown at all.
        sensitivity_pct, specificity_pct: items of a candidate labelled as hers, and others not labelled so, percent: shares
            are given besides as they would be without these errors, taken as known.

    Returns:
        ``arms``: one block per arm: people, impressions, ``rows`` by candidate (shares and reach 0-1 with 95 % intervals over
        viewers, and days if the log has them, frequency in impressions), segments, concentration; ``comparisons``: one per other
        arm, against the baseline, with differences in percentage points; ``estimands``: what of E1 to E3 (docs/audit-design.md)
        is given; ``notes``: what to keep in mind, sentences. Formulas and their sources: docs/measure.md.

    Raises:
        InputError: there is no such arm, kind of viewers or candidate; a number lies outside what is possible.
    """
    if viewers not in VIEWERS:
        raise unknown("kind of viewers", viewers, VIEWERS, "--viewers")
    arms = sorted(log["arm"].unique())
    if baseline is not None and baseline not in arms:
        raise unknown("arm", baseline, arms, "--baseline")
    labels = _labels(sensitivity_pct, specificity_pct)
    known = sorted(set(log["candidate"]) - {""})
    fair = None if reference is None else _fair(reference, known)
    candidates = sorted({*known, *(fair or ())})
    rows = coded(log)
    by_arm = {arm: rows[rows["arm"] == arm] for arm in arms}
    tables = {arm: table_of(by_arm[arm], candidates) for arm in arms}
    least = 1 if viewers == "puppets" else LEAST_PEOPLE
    blocks = []
    for arm in arms:
        block = _arm(by_arm[arm], tables[arm], candidates, labels, least)
        if fair is not None:
            block |= _from_reference(block["rows"], tables[arm], candidates, fair, labels)
        if viewers != "people" and "day" in log:
            block["pilot"] = _pilot(by_arm[arm], candidates, labels)
        blocks.append({"arm": arm, **block})
    against = [] if baseline is None else [
        {"arm": arm, "baseline": baseline, **comparison(tables[arm], tables[baseline], candidates, labels.kept)}
        for arm in arms if arm != baseline
    ]  # fmt: skip
    found = {
        "candidates": candidates, "viewers": viewers, "people": int(log["person"].nunique()), "least_people": least,
        "weighted": "weight" in log, "days": int(log["day"].nunique()) if "day" in log else None,
        "sensitivity_pct": sensitivity_pct, "specificity_pct": specificity_pct, "reference": fair,
        "coding": log.attrs.get(CODING), "estimands": [*(["E2"] if against else []), *(["E3"] if fair else [])],
        "arms": blocks, "comparisons": against,
    }  # fmt: skip
    return cleaned({**found, "notes": log_notes.notes(found)})


def _labels(sensitivity_pct: float, specificity_pct: float) -> Labels:
    for option, value in (("--sensitivity", sensitivity_pct), ("--specificity", specificity_pct)):
        check_range(value, 0, 100, option)
    if sensitivity_pct + specificity_pct <= 100:
        raise InputError(
            f"got {sensitivity_pct:g} with a specificity of {specificity_pct:g} %: labels no better than chance; the two must add up to "
            "more than 100",
            "--sensitivity",
        )
    return Labels(sensitivity_pct / 100, specificity_pct / 100)


def _fair(reference: Mapping[str, float], known: list[str]) -> dict[str, float]:
    """Shares that add up to 1 by candidate, those of the log that the reference leaves out with 0.

    A name that the log does not know may be of somebody who was not shown; one that is nearly another's is refused.
    """
    for name, value in reference.items():
        near = [] if name in known else difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
        if near:
            raise InputError(
                f"got candidate {name!r}, whom the log does not know; did you mean {near[0]!r}?", "--reference"
            )
        check_range(value, 0, math.inf, f"--reference: {name}")
    total = sum(reference.values())
    if not 0 < total < math.inf:
        raise InputError(f"got shares that add up to {total:g}, must add up to more than 0", "--reference")
    return {name: reference.get(name, 0.0) / total for name in sorted({*known, *reference})}


def _from_reference(
    rows: list[dict[str, Any]], table: Table, candidates: list[str], fair: dict[str, float], labels: Labels
) -> dict[str, float]:
    """E3: how far shares are from those that somebody holds to be fair; into the rows, and of all candidates (M11).

    With errors of labels it is the corrected shares; for M11 they are made to add up to 1, which candidate by candidate they do not.
    """
    shares = [labels.corrected(share) if labels.wrong else share for share in table.shares]
    tests = []
    for row, name, share in zip(rows, candidates, shares, strict=True):
        low, high = share.interval()
        q = fair[name]
        row |= {
            "reference": q, "from_reference_pp": 100 * (share.value - q), "from_reference_low": 100 * (low - q),
            "from_reference_high": 100 * (high - q),
        }  # fmt: skip
        tests.append(p_of(share.uncut - q, share.error))
    for row, p, after in zip(rows, tests, family(tests, complements=not labels.wrong), strict=True):
        row |= {"from_reference_p": p, "from_reference_p_holm": after}
    values = np.array([share.value for share in shares])
    total = values.sum() if labels.wrong else 1.0
    whole = values / total if total > 0 else np.full(len(values), math.nan)
    return {"parity_to_reference_pp": 100 * float(np.abs(whole - [fair[name] for name in candidates]).sum())}


def _pilot(log: pd.DataFrame, candidates: list[str], labels: Labels) -> list[dict[str, Any]]:
    """By candidate, what `recsim design` asks for: of impressions as they were counted, without weights."""
    keys = [VIEWER, "day"]
    about = log["impressions"].where(log["candidate"] != "", 0)
    n = about.groupby([log[key] for key in keys]).sum()
    account, day = (n.index.get_level_values(level).to_numpy() for level in (0, 1))
    out = []
    for name in candidates:
        x = about.where(log["candidate"] == name, 0).groupby([log[key] for key in keys]).sum()
        found = pilot(x.to_numpy(float), n.to_numpy(float), account, day, PERSISTENCE)
        share = 100 * (found.share_pct / 100 + labels.specificity - 1) / labels.kept
        spreads = {key: getattr(found, key) / labels.kept for key in ("between_pp", "within_pp", "shared_pp")}
        told = found._replace(share_pct=float(np.clip(share, 0, 100)), **spreads)
        out.append({"candidate": name, **told._asdict(), "persistence": PERSISTENCE})
    return out


def _arm(log: pd.DataFrame, table: Table, candidates: list[str], labels: Labels, least: int) -> dict[str, Any]:
    """One arm.

    Args:
        log: its rows, from `coded`. table: of it. candidates: names. labels: their errors. least: people of a segment that
            is shown.
    """
    per_person = table.x.sum(axis=1)
    shown = per_person > 0
    total = table.x.sum(axis=0)
    p = metrics.shares(total)
    people = float(table.weight.sum())
    rows = []
    for k, name in enumerate(candidates):
        share, reached = table.shares[k], table.x[:, k] > 0
        low, high = share.interval()
        own = np.divide(table.x[:, k], per_person, out=np.zeros(len(shown)), where=shown)[shown]
        mine, who = log[log["candidate"] == name], float(table.weight[reached].sum())
        rows.append(
            {
                "candidate": name, "impressions": float(mine["impressions"].sum()), "share": share.value, "share_low": low,
                "share_high": high, **_corrected(share, labels),
                "share_of_persons": float(np.average(own, weights=table.weight[shown])) if len(own) else math.nan,
                "reach": who / people, "frequency": total[k] / who if who else math.nan,
                **_stances(mine), **_view_through(mine),
            }
        )  # fmt: skip
    # A log of candidate content alone says nothing about its part of the whole.
    content = table.content() if table.other.any() else None
    low, high = (math.nan, math.nan) if content is None else content.interval()
    out: dict[str, Any] = {
        "people": len(table.people), "days": int(log["day"].nunique()) if "day" in log else None,
        "impressions": float(log["impressions"].sum()), **_weights(table),
        "candidate_content": math.nan if content is None else content.value, "candidate_content_low": low,
        "candidate_content_high": high,
        "parity_gap_pp": 100 * float(p.max() - p.min()) if len(p) else math.nan,
        "parity_gap_uniform_pp": 100 * float(np.abs(p - 1 / len(p)).sum()) if len(p) else math.nan,
        "effective_candidates": float(metrics.effective_number(p)) if len(p) else math.nan,
        "rows": rows,
    }  # fmt: skip
    there = log[log[SHOWN] > 0]
    for name, key in (("item", "items"), ("creator", "creators")):
        if name in log:
            sums = there[there[name] != ""].groupby(name)[SHOWN].sum().to_numpy()
            out |= {f"gini_{key}": metrics.gini(sums), f"top1_{key}_share": metrics.top_share(sums, 0.01)}
    if "weight" not in log:  # who holds how much is of the people looked at, not of those for whom they stand
        out |= {"exposure_top1_share": metrics.top_share(per_person, 0.01), "gini_people": metrics.gini(per_person)}
        out |= _rank_weighted(log)
    out |= _prevalence(log)
    out["segments"] = _segments(log, candidates, least)
    return out


def _corrected(share: Ratio, labels: Labels) -> dict[str, float]:
    """The share as it would be without errors of labels; nothing where labels have none."""
    if not labels.wrong:
        return {}
    found = labels.corrected(share)
    low, high = found.interval()
    return {"share_corrected": found.value, "share_corrected_low": low, "share_corrected_high": high}


def _weights(table: Table) -> dict[str, float]:
    """How many people weights leave, (sum w)^2 / sum w^2 (Kish 1965); nothing without weights."""
    if not table.weighted:
        return {}
    return {"effective_people": float(table.weight.sum() ** 2 / np.square(table.weight).sum())}


def _stances(mine: pd.DataFrame) -> dict[str, float]:
    if "stance" not in mine:
        return {}
    sums, total = mine.groupby("stance")[SHOWN].sum(), float(mine[SHOWN].sum())
    return {f"{name}_share": float(sums.get(name, 0)) / total if total else math.nan for name in STANCES}


def _view_through(mine: pd.DataFrame) -> dict[str, float]:
    """M10: part of the impressions whose item was watched to at least one half; rows that do not say are left out."""
    if "watched" not in mine:
        return {}
    known = mine[mine["watched"].notna()]
    found = ratio_in(known, known[SHOWN] * (known["watched"] >= ENGAGED), known[SHOWN])
    low, high = found.interval()
    return {"view_through": found.value, "view_through_low": low, "view_through_high": high}


def _prevalence(log: pd.DataFrame) -> dict[str, float]:
    """M9: part of the impressions, and of those of candidate content, whose item is known to come from a campaign; and of people."""
    if "inauthentic" not in log:
        return {}
    bad, out = log[SHOWN] * log["inauthentic"], dict[str, float]()
    for name, chosen in (("prevalence", np.ones(len(log), bool)), ("prevalence_candidates", (log["candidate"] != "").to_numpy())):  # fmt: skip
        found = ratio_in(log[chosen], bad[chosen], log[SHOWN][chosen])
        low, high = found.interval()
        out |= {name: found.value, f"{name}_low": low, f"{name}_high": high}
    met = bad.groupby(log[VIEWER]).sum() > 0
    weight = log.groupby(VIEWER)["weight"].first() if "weight" in log else None
    return {**out, "prevalence_people": float(np.average(met, weights=weight))}


def _rank_weighted(log: pd.DataFrame) -> dict[str, float]:
    """M23 of each list, sum s (n - r + 1) / (n (n + 1) / 2), -1 to 1; mean over a person's lists, then over people."""
    if "rank" not in log:
        return {}
    ranked = log[log["rank"].notna()]
    of_list = [VIEWER, "visit", *([DAY] if DAY in log else [])]  # visits may be numbered anew each day
    n = ranked.groupby(of_list)["rank"].transform("max")  # places of items that nobody coded, too
    score = ranked["stance"].map({"supportive": 1.0, "critical": -1.0}).fillna(0.0)
    weight = (n - ranked["rank"] + 1) / (n * (n + 1) / 2)
    each = (score * weight)[ranked["impressions"] > 0].groupby([ranked[key] for key in of_list]).sum()
    t = metrics.interval(each.groupby(level=0).mean().to_numpy()).within(-1, 1)
    return {"rank_weighted_stance": t.mean, "rank_weighted_stance_low": t.low, "rank_weighted_stance_high": t.high}


def _segments(log: pd.DataFrame, candidates: list[str], least: int) -> list[dict[str, Any]]:
    """Shares by region, language and age band; cells with too few people are named, not shown."""
    rows = []
    for division in DIVISIONS:
        if division not in log:
            continue
        for value in sorted(log[division].unique()):
            table = table_of(log[log[division] == value], candidates)
            people = len(table.people)
            for k, name in enumerate(candidates):
                row: dict[str, Any] = {"division": division, "segment": value, "candidate": name}
                if people < least:
                    rows.append({**row, "people": None, "share": None, "share_low": None, "share_high": None})
                    continue
                share = table.shares[k]
                low, high = share.interval()
                rows.append({**row, "people": people, "share": share.value, "share_low": low, "share_high": high})
    return rows
