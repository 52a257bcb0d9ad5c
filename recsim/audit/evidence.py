"""What a run's replicates say by every declared procedure: the statistics of a report, and ``audit.json`` of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recsim import metrics
from recsim.audit import procedures
from recsim.audit.cells import LEAST_PEOPLE
from recsim.audit.plan import ADDED, FEWER, REPLICATES, Deviation, Plan, stored_record
from recsim.audit.sequential import Stopped
from recsim.experiment.folder import checksum, write_text
from recsim.experiment.result import Result
from recsim.experiment.summary import cleaned
from recsim.metrics import SHIFT_RANGE, shift_interval


class Record(NamedTuple):
    """How a run came about: under which plan, with what deviations and their reason, and how it was stopped."""

    plan: Plan | None = None
    deviations: tuple[Deviation, ...] = ()
    reason: str = ""
    stopped: Stopped | None = None


def evidence(result: Result, record: Record | None = None) -> dict[str, Any]:
    """The content of ``audit.json``; NaN is None, an infinite factor "infinite".

    Args:
        result: of a run.
        record: how it came about.
    """
    record = record or Record()
    names = [c.id for c in result.scenario.candidates]
    counts = result.counts()
    shift, shares = counts.shift_pp, counts.shares.mean(axis=1)
    bound = result.scenario.audit.threshold_pp.value
    family = [names.index(c) for c in result.summary["beneficiaries"]]
    others = [k for k in range(len(names)) if k not in family]
    t = np.array([metrics.p_value(shift[:, k]) for k in range(len(names))])
    adjusted, method = np.full(len(names), np.nan), [""] * len(names)
    for chosen, adjust, name in ((family, metrics.holm, "Holm"), (others, procedures.benjamini_hochberg, "Benjamini-Hochberg")):  # fmt: skip
        if chosen:
            adjusted[chosen] = adjust(t[chosen])
            for k in chosen:
                method[k] = name
    rows = []
    for k, name in enumerate(names):
        flips, same = procedures.sign_flip(shift[:, k]), procedures.equivalence(shift[:, k], bound)
        boot, worth = procedures.bca(shift[:, k]), procedures.variance_reduction(*(100 * shares[:, :, k]).T)
        skewed = procedures.bootstrap_t(shift[:, k])
        mean = shift_interval(shift[:, k])
        rows.append(
            {
                "id": name, "family": "primary" if k in family else "secondary", "replicates": mean.n,
                "shift_pp": mean.mean, "ci_low": mean.low, "ci_high": mean.high, "sd_worlds": mean.sd,
                "prediction_low": mean.next_low, "prediction_high": mean.next_high,
                "p_t": t[k], "p_adjusted": adjusted[k], "adjustment": method[k],
                "p_sign_flip": flips.p, "sign_flips": flips.arrangements, "sign_flips_exact": flips.exact,
                "bca_low": boot.low if boot else None, "bca_high": boot.high if boot else None,
                "bootstrap_t_low": skewed.low if skewed else None, "bootstrap_t_high": skewed.high if skewed else None,
                "equivalence_bound_pp": bound, "p_equivalence": same.p, "equivalence_shown": same.shown,
                "equivalence_low": float(np.clip(same.low, *SHIFT_RANGE)), "equivalence_high": float(np.clip(same.high, *SHIFT_RANGE)),
                "variance_reduction": "infinite" if worth.factor == np.inf else worth.factor,
                "correlation_of_arms": worth.correlation,
                "chance_at_threshold": metrics.chance_at_least(shift[:, k], bound),
                "verdict": metrics.verdict(shift[:, k], bound),
            }
        )  # fmt: skip
    return cleaned(
        {
            "question": result.scenario.audit.question, "fingerprint": result.summary["fingerprint"],
            "replicates": result.summary["replicates"],
            "plan": None if record.plan is None else {"lock": record.plan.lock, **record.plan.about},
            "deviations": [d._asdict() for d in record.deviations], "deviation_reason": record.reason,
            "stopping": None if record.stopped is None else _stopping(record.stopped),
            "candidates": rows, "segments": _segments(result, names, family), "windows": _windows(result, names),
        }
    )  # fmt: skip


def _stopping(stopped: Stopped) -> dict[str, Any]:
    return {
        "reason": stopped.reason, "half_width_pp": stopped.asked_pp, "looks": [look._asdict() for look in stopped.looks],
    }  # fmt: skip


def _segments(result: Result, names: list[str], family: list[int]) -> list[dict[str, Any]]:
    """Whether the shift of each beneficiary differs between regions, languages and age bands.

    Segments with fewer than 50 simulated people are left out of the test and named.
    """
    exposure = result.frames["exposure"]
    rows = []
    for division in result.scenario.audit.segments:
        values = sorted(str(v) for v in exposure[division].unique())
        size = result.scenario.population.simulated(division)
        if len(values) < 2:
            continue
        large = [v for v in values if size.get(v, 0) >= LEAST_PEOPLE]
        by = {}
        for value in large:
            part = exposure[exposure[division] == value]
            by[value] = result.counts(part).shift_pp
        for k in family:
            found = procedures.heterogeneity(np.stack([x[:, k] for x in by.values()], axis=1)) if by else None
            rows.append(
                {
                    "division": division, "candidate": names[k], "segments": large,
                    "too_small": [v for v in values if v not in large],
                    "spread_pp": found.spread if found else None, "p": found.p if found else None,
                    "test": found.test if found else "", "replicates": found.n if found else 0,
                }
            )  # fmt: skip
    adjusted = procedures.benjamini_hochberg(np.array([np.nan if r["p"] is None else r["p"] for r in rows]))
    for row, p in zip(rows, adjusted, strict=True):
        row["p_adjusted"] = float(p)
    return rows


def _windows(result: Result, names: list[str]) -> list[dict[str, Any]]:
    """The shift of every candidate in each declared window: one family of secondary tests."""
    rows = []
    for window, (_, part) in zip(result.windows, result.parts("window"), strict=True):
        shift = result.counts(part).shift_pp
        for k, name in enumerate(names):
            mean = shift_interval(shift[:, k])
            rows.append(
                {
                    "window": window.id, "first": window.first, "last": window.last, "reason": window.reason, "candidate": name,
                    "replicates": mean.n, "shift_pp": mean.mean, "ci_low": mean.low, "ci_high": mean.high, "p": metrics.p_value(shift[:, k]),
                }
            )  # fmt: skip
    adjusted = procedures.benjamini_hochberg(np.array([row["p"] for row in rows]))
    for row, p in zip(rows, adjusted, strict=True):
        row["p_adjusted"] = float(p)
    return rows


def gone_on(kept: dict[str, Any], before: int) -> dict[str, Any]:
    """What becomes of a kept record whose replicates are no longer ``before``: the rule did not stop there, the plan did not ask for it.

    Args:
        kept: the record with the replicates that there are now. before: how many there were.
    """
    if kept["plan"] is None:
        return {"stopping": None}
    other = Deviation(REPLICATES, kept["plan"]["replicates"], kept["replicates"])._asdict()
    others = [d for d in kept["deviations"] if d["key"] != REPLICATES]
    reason, text = kept["deviation_reason"], ADDED if kept["replicates"] > before else FEWER
    if text not in reason:
        reason = f"{reason}; {text}" if reason else text
    return {"stopping": None, "deviations": [*others, other], "deviation_reason": reason}


def _looked_before(now: dict[str, Any] | None, kept: dict[str, Any] | None) -> bool:
    """Whether a rule's only look is the last one of those on record: the result was shown again, nothing was added."""
    return (
        now is not None and kept is not None and len(now["looks"]) == 1 and now["half_width_pp"] == kept["half_width_pp"]
        and now["looks"][0]["replicates"] == kept["looks"][-1]["replicates"]
    )  # fmt: skip


def write_evidence(result: Result, record: Record | None, plan: Path | None = None) -> dict[str, Any] | None:
    """Write ``audit.json`` (and ``plan.yaml``) into the run's folder and their checksums into its manifest.

    Args:
        result: a stored run; nothing is written if it has no folder.
        record: how it came about; None keeps what an earlier call recorded in the folder. So does a record without a plan
            where the earlier one had a plan: showing a planned result again does not take its plan away.
        plan: the plan's file.
    """
    if result.folder is None:
        return None
    found, kept = evidence(result, record), stored_record(result.folder)
    if keeps(kept, record):
        found |= taken_over(found, kept)
    elif _looked_before(found["stopping"], kept.get("stopping")):
        found["stopping"] = kept["stopping"]
    store_record(result.folder, found, None if plan is None else plan.read_text(encoding="utf-8"))
    return found


def keeps(kept: dict[str, Any], record: Record | None) -> bool:
    """Whether what an earlier call recorded stays: nothing is said now, or not under which plan, and it was under one."""
    return bool(kept) and (record is None or (record.plan is None and kept.get("plan") is not None))


def taken_over(found: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """What stays of an earlier record, with what changed since.

    Args:
        found: the record as it would be without the earlier one. kept: the earlier one.
    """
    stays: dict[str, Any] = {k: kept[k] for k in ("plan", "deviations", "deviation_reason", "stopping") if k in kept}
    before = kept.get("replicates", found["replicates"])
    return stays if before == found["replicates"] else stays | gone_on(found | stays, before)


def store_record(folder: Path, found: dict[str, Any], plan: str | None) -> None:
    """Write ``audit.json``, and ``plan.yaml`` if there is a text for it; the manifest has the checksums of those that are there.

    Args:
        folder: of the result. found: content of ``audit.json``. plan: text of the plan's file, or None.
    """
    write_text(folder / "audit.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    if plan is not None:
        write_text(folder / "plan.yaml", plan)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["sha256"] |= {
        name: checksum(folder / name) for name in ("audit.json", "plan.yaml") if (folder / name).is_file()
    }
    write_text(folder / "manifest.json", json.dumps(manifest, indent=1) + "\n")
