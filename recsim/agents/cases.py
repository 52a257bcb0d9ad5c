"""Cases for review, who reviews them and what comes of it: the tables, and the draws that hang on a case."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from recsim import rng
from recsim.rng import Decision, Key

ACCOUNT, ITEM, ACCOUNT_APPEAL, ITEM_APPEAL = range(4)
CASE_KINDS = ("account", "item", "account_appeal", "item_appeal")
PRIORITIES = ("first_come", "reports_reach", "score")


class Cases(NamedTuple):
    """What is to be reviewed, one row each."""

    kind: np.ndarray  # (N,) int8, index in CASE_KINDS
    subject: np.ndarray  # (N,) uint64, identity: population hash << 32 | number, as `recsim.state.Items.id`
    language: np.ndarray  # (N,) int8
    truth: np.ndarray  # (N,) bool, really inauthentic or violating; no policy, detector or reviewer sees it
    entered: np.ndarray  # (N,) int32, step
    moment: np.ndarray  # (N,) float32, part of the step that had passed, [0, 1)
    priority: np.ndarray  # (N,) int16, class; larger first, whatever the order within a class
    reports: np.ndarray  # (N,) int64
    reach: np.ndarray  # (N,) int64, people or views
    score: np.ndarray  # (N,) float32, of a detector
    round: np.ndarray  # (N,) int16, earlier reviews of the same subject; luck hangs on it
    work: np.ndarray  # (N,) float32, length relative to an ordinary review; or real cases that this one stands for


class Pool(NamedTuple):
    """Reviewers who share a queue, as plain values."""

    people: float  # full-time reviewers on these cases, in simulated units; any number from 0
    items_per_hour: float
    opens: int  # hours of the day, 0-24, opens < closes
    closes: int
    sensitivity: np.ndarray  # (L,) float32 by language of the case: chance that a violation is found
    specificity: np.ndarray  # (L,) float32: chance that anything else is left alone


class Desk(NamedTuple):
    """How review is organised, as plain values."""

    pools: tuple[Pool, ...]
    pool_of: np.ndarray  # (L,) int64, which pool reviews a language; -1 nobody
    order: str  # one of PRIORITIES, largest first; ties by time of entry, kind, subject
    exponential: bool  # length of a review: exponential, or always the mean
    delay_h: float  # hours from verdict to effect
    capacity: float  # cases of one language that can wait; beyond it the last in order fall out
    expires_h: float  # hours after which a waiting case is dropped
    step_hours: int


class Verdicts(NamedTuple):
    """Reviews that ended in a step, by time, kind, subject."""

    kind: np.ndarray  # (N,) int8
    subject: np.ndarray  # (N,) uint64
    language: np.ndarray  # (N,) int8
    truth: np.ndarray  # (N,) bool
    round: np.ndarray  # (N,) int16
    found: np.ndarray  # (N,) bool: judged a violation; of an appeal: the sanction stays
    waited_h: np.ndarray  # (N,) float64, hours from entry to the start of the review
    decided_h: np.ndarray  # (N,) float64, hours since the start of the run
    effect: np.ndarray  # (N,) int32, first step that feels it, always a later one


TYPES = {
    "kind": np.int8, "subject": np.uint64, "language": np.int8, "truth": np.bool_, "entered": np.int32,
    "moment": np.float32, "priority": np.int16, "reports": np.int64, "reach": np.int64, "score": np.float32,
    "round": np.int16, "work": np.float32,
}  # fmt: skip


def make_cases(kind: Any, subject: Any, language: Any, truth: Any, entered: Any, **more: Any) -> Cases:
    """Cases from columns; single values stand for every row.

    Args:
        kind, subject, language, truth, entered: columns of `Cases`.
        more: other columns; moment, priority, score and round default to 0, reports, reach and work to 1.

    Raises:
        ValueError: unknown column, a moment outside [0, 1), work not above 0, a negative number of reports or reach,
            or a score that is not finite.
    """
    given = {"moment": 0, "priority": 0, "reports": 1, "reach": 1, "score": 0, "round": 0, "work": 1, **more}
    given |= {"kind": kind, "subject": subject, "language": language, "truth": truth, "entered": entered}
    for name in given:
        if name not in TYPES:
            raise ValueError(f"got unknown column {name!r}; allowed: {', '.join(TYPES)}")
    subject = np.asarray(subject, np.uint64).ravel()
    columns: dict[str, Any] = {
        n: np.array(np.broadcast_to(np.asarray(given[n], t), subject.shape)) for n, t in TYPES.items()
    }
    for name, bad, rule in (
        ("moment", (columns["moment"] < 0) | (columns["moment"] >= 1), "in [0, 1)"),
        ("work", ~(columns["work"] > 0), "above 0"),
        ("reports", columns["reports"] < 0, "at least 0"),
        ("reach", columns["reach"] < 0, "at least 0"),
        ("score", ~np.isfinite(columns["score"]), "finite"),
    ):
        if bad.any():
            raise ValueError(f"got {name} {columns[name][bad][0]}, must be {rule}")
    return Cases(**columns)


def no_cases() -> Cases:
    """An empty table."""
    return make_cases(0, np.empty(0, np.uint64), 0, False, 0)


def take(group: Any, rows: Any) -> Any:
    """The same group of columns with only these rows."""
    return type(group)(*(column[rows] for column in group))


def joined(*groups: Any) -> Any:
    """Rows of several groups of one kind, one after the other."""
    return type(groups[0])(*(np.concatenate(columns) for columns in zip(*groups, strict=True)))


def same_subject(cases: Any, others: Any) -> np.ndarray:
    """(N,) bool: whether a case of the same kind about the same subject is among the others.

    Args:
        cases, others: tables with columns ``kind`` and ``subject``: `Cases`, `Verdicts`, sanctions.
    """
    found = np.zeros(len(cases.kind), bool)
    for kind in np.unique(others.kind):
        wanted = np.sort(others.subject[others.kind == kind])
        at = np.minimum(np.searchsorted(wanted, cases.subject), len(wanted) - 1)
        found |= (cases.kind == kind) & (wanted[at] == cases.subject)
    return found


def draws(key: Key, decision: Decision, subject: np.ndarray, obj: np.ndarray | int = 0) -> np.ndarray:
    """Four float32 in [0, 1) per subject, whatever populations the subjects belong to; standing, without a step.

    Args:
        key: seed, replicate and branch.
        decision: the question.
        subject: (N,) uint64, population hash << 32 | number.
        obj: (N,) integers or one, what the question is about.
    """
    population = subject >> np.uint64(32)
    number = (subject & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    about = np.broadcast_to(np.asarray(obj), subject.shape)
    out = np.empty((subject.size, 4), np.float32)
    for p in np.unique(population):
        rows = np.flatnonzero(population == p)
        out[rows] = rng.uniforms(key, decision, int(p), number[rows], about[rows])
    return out


def question(kind: np.ndarray, round_: np.ndarray) -> np.ndarray:
    """What a draw about a case hangs on beside its subject: kind and round, (N,) int64."""
    return kind.astype(np.int64) + 4 * round_.astype(np.int64)


def exponential(u: np.ndarray) -> np.ndarray:
    """Standard exponential draws from float32 uniforms in [0, 1), float64, by our own logarithm."""
    return -rng.logarithms(np.float32(1.0) - u).astype(np.float64)
