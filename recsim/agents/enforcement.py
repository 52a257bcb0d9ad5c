"""What follows from a verdict, a notice, a label or a ban: sanctions and their effects, appeals, notices, labels.

Pure functions on plain values; every draw is a standing one about the account or item, so that a higher share or a
better chance only ever adds cases, and the same ones in every world of a branch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsim.agents.cases import ACCOUNT, ITEM, Cases, Verdicts, draws, exponential, joined, make_cases, question, take
from recsim.rng import Decision, Key

NEVER = 2**31 - 1
"""Step of something that does not happen."""
ACCOUNT_ACTIONS = ("nothing", "remove", "restrict", "captcha")
ITEM_ACTIONS = ("nothing", "remove", "demote", "exclude", "label")
ROLLBACKS = ("none", "freeze", "roll_back")


class AccountEffect(NamedTuple):
    """What a sanction does to an account."""

    activity: float  # multiplier of its actions
    removed: (
        bool  # whether it is gone, its posts with it, and may be replaced; else at activity 0 it is held up for ever
    )
    counts: bool  # whether its new actions count
    keeps: bool  # whether its earlier counts stay


class ItemEffect(NamedTuple):
    """What a sanction does to an item."""

    present: bool  # whether it exists
    recommended: bool  # whether feeds may show it
    factor: float  # multiplier of its score
    labelled: bool  # whether people see a label


def account_effect(action: str, rollback: str, captcha_factor: float) -> AccountEffect:
    """Effect of a sanction on an account.

    Args:
        action: one of ACCOUNT_ACTIONS; ``restrict``: it acts, and nothing new counts.
        rollback: ``none``: earlier counts stay; ``freeze``: they stay and nothing new counts, whatever the action;
            ``roll_back``: they are taken back and nothing new counts.
        captcha_factor: activity left under ``captcha``, 0-1.

    Raises:
        ValueError: unknown action or rollback.
    """
    _known("action", action, ACCOUNT_ACTIONS)
    _known("rollback", rollback, ROLLBACKS)
    activity = {"remove": 0.0, "captcha": captcha_factor}.get(action, 1.0)
    return AccountEffect(
        activity, action == "remove", action in ("nothing", "captcha") and rollback == "none", rollback != "roll_back"
    )


def item_effect(action: str, demote_factor: float) -> ItemEffect:
    """Effect of a sanction on an item.

    Args:
        action: one of ITEM_ACTIONS; ``exclude``: it exists, and no feed recommends it.
        demote_factor: multiplier of the score under ``demote``, 0-1.

    Raises:
        ValueError: unknown action.
    """
    _known("action", action, ITEM_ACTIONS)
    gone = action in ("remove", "exclude")
    return ItemEffect(action != "remove", not gone, demote_factor if action == "demote" else 1.0, action == "label")


def _known(what: str, name: str, allowed: tuple[str, ...]) -> None:
    if name not in allowed:
        raise ValueError(f"got unknown {what} {name!r}; allowed: {', '.join(allowed)}")


class Sanctions(NamedTuple):
    """Which accounts and items are or were sanctioned; grows, and is never written in place."""

    kind: np.ndarray  # (N,) int8, ACCOUNT or ITEM
    subject: np.ndarray  # (N,) uint64
    since: np.ndarray  # (N,) int32, first step
    until: np.ndarray  # (N,) int32, first step without; NEVER while it stands


def no_sanctions() -> Sanctions:
    """An empty table."""
    return Sanctions(np.empty(0, np.int8), np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32))


def impose(sanctions: Sanctions, kind: int, subject: np.ndarray, since: np.ndarray) -> Sanctions:
    """Sanctions with these added; a subject whose sanction stands keeps it, from the earlier step.

    Args:
        sanctions: before. kind: ACCOUNT or ITEM. subject: (N,) uint64. since: (N,) steps.
    """
    order = np.lexsort((since, subject))
    subject, since = subject[order], since[order].astype(np.int32)
    first = np.ones(len(subject), bool)
    first[1:] = subject[1:] != subject[:-1]
    subject, since = subject[first], since[first]
    rows = np.flatnonzero((sanctions.kind == kind) & (sanctions.until == NEVER))
    rows = rows[np.isin(sanctions.subject[rows], subject)]
    start = sanctions.since.copy()
    start[rows] = np.minimum(start[rows], since[np.searchsorted(subject, sanctions.subject[rows])])
    new = ~np.isin(subject, sanctions.subject[rows])
    count = int(new.sum())
    added = Sanctions(np.full(count, kind, np.int8), subject[new], since[new], np.full(count, NEVER, np.int32))
    return joined(sanctions._replace(since=start), added)


def lift(sanctions: Sanctions, kind: int, subject: np.ndarray, at: np.ndarray) -> Sanctions:
    """Sanctions with those that stand against these subjects ended.

    Args:
        sanctions: before. kind: ACCOUNT or ITEM. subject: (N,) uint64, each once. at: (N,) first steps without.
    """
    order = np.argsort(subject, kind="stable")
    rows = np.flatnonzero((sanctions.kind == kind) & (sanctions.until == NEVER))
    rows = rows[np.isin(sanctions.subject[rows], subject)]
    until = sanctions.until.copy()
    until[rows] = at[order][np.searchsorted(subject[order], sanctions.subject[rows])]
    return sanctions._replace(until=until)


def follow_verdicts(sanctions: Sanctions, verdicts: Verdicts) -> Sanctions:
    """Sanctions after a step's verdicts: what was found is sanctioned, an appeal that finds nothing ends it."""
    for kind in (ACCOUNT, ITEM):
        v = take(verdicts, (verdicts.kind == kind) & verdicts.found)
        sanctions = impose(sanctions, kind, v.subject, v.effect)
        v = take(verdicts, (verdicts.kind == kind + 2) & ~verdicts.found)
        sanctions = lift(sanctions, kind, v.subject, v.effect)
    return sanctions


def in_force(sanctions: Sanctions, kind: int, subject: np.ndarray, step: int) -> np.ndarray:
    """(N,) bool: whether each subject is sanctioned in a step."""
    now = (sanctions.kind == kind) & (sanctions.since <= step) & (step < sanctions.until)
    return np.isin(subject, sanctions.subject[now])


def decided(sanctions: Sanctions, kind: int, subject: np.ndarray, step: int) -> np.ndarray:
    """(N,) bool: whether each subject is sanctioned in a step, or will be by what has been decided and not yet felt."""
    there = (sanctions.kind == kind) & (step < sanctions.until)
    return np.isin(subject, sanctions.subject[there])


class Appealing(NamedTuple):
    """Who appeals, as plain values."""

    wrongly: float  # share of the wrongly sanctioned who ever would, 0-1
    rightly: float  # share of the rightly sanctioned who ever would, 0-1
    mean_delay_h: float  # hours from the effect of the sanction to the appeal, exponential, mean; above 0
    within_h: float  # hours after which it is too late
    work: float  # length of its review relative to an ordinary one
    priority: int  # its class in the queue


def appeals(rule: Appealing, verdicts: Verdicts, cases: Cases, key: Key, step_hours: int) -> Cases:
    """Appeals against a step's sanctions, as cases that enter later; pass them to `recsim.agents.review.review` at once.

    A share of the sanctioned would appeal, with an exponential delay, so by t hours after the effect
    ``share * (1 - exp(-t / mean))`` have.

    Args:
        rule: who appeals.
        verdicts: those by which sanctions were imposed in the step, or what stands for them where nobody reviewed; only
            findings about accounts and items count, an appeal is final.
        cases: reports and reach of the sanctioned, rows as ``verdicts``; or an empty table: 1 each.
        key: seed, replicate and branch. step_hours: hours of a step.
    """
    rows = np.flatnonzero(verdicts.found & (verdicts.kind <= ITEM))
    v = take(verdicts, rows)
    u = draws(key, Decision.APPEAL, v.subject, question(v.kind, v.round))
    delay = rule.mean_delay_h * exponential(u[:, 1])
    share = np.where(v.truth, np.float32(rule.rightly), np.float32(rule.wrongly))
    would = (u[:, 0] < share) & (delay <= rule.within_h)
    v, delay = take(v, would), delay[would]
    at = v.effect.astype(np.float64) + delay / step_hours
    step = np.floor(at)
    moment = np.minimum((at - step).astype(np.float32), np.float32(1.0 - 2.0**-24))
    about = take(cases, rows[would]) if len(cases.kind) else None
    return make_cases(
        v.kind + 2, v.subject, v.language, v.truth, step.astype(np.int32), moment=moment, priority=rule.priority,
        reports=about.reports if about else 1, reach=about.reach if about else 1, round=v.round, work=rule.work,
    )  # fmt: skip


class Notice(NamedTuple):
    """A notice by an authority or an organisation, as plain values."""

    population: int  # 32-bit hash of the notice's key
    sent_h: float  # hours since the start of the run
    share: float  # share of the subjects that it names, 0-1
    compliance: float  # chance that the platform acts on a named one, 0-1
    lag_h: float  # hours from the notice to the effect


def answer_notice(notice: Notice, subject: np.ndarray, key: Key, step_hours: int) -> tuple[np.ndarray, np.ndarray]:
    """What a notice leads to.

    Args:
        notice: see above. subject: (N,) uint64, the accounts or items it is about.
        key: seed, replicate and branch. step_hours: hours of a step.

    Returns:
        named (N,) bool, and first step that feels it (N,) int32, NEVER where the platform does not act.
    """
    u = draws(key, Decision.NOTICE, subject, notice.population)
    named = u[:, 0] < np.float32(notice.share)
    acts = named & (u[:, 1] < np.float32(notice.compliance))
    return named, np.where(acts, first_step_after(notice.sent_h + notice.lag_h, step_hours), NEVER).astype(np.int32)


def first_step_after(hours: float, step_hours: int) -> int:
    """First step that begins at or after a time, hours since the start of the run."""
    return min(int(np.ceil(hours / step_hours)), NEVER)


def label_political(
    key: Key, subject: np.ndarray, candidate: np.ndarray, share: float, wrong_share: float, missed: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Which items carry a label as political content.

    ``P(label) = share * (1 - missed[c])`` of an item about candidate c, and ``wrong_share`` of one about none.

    Args:
        key: seed, replicate and branch. subject: (N,) uint64, items.
        candidate: (N,) index of the candidate the item is about, -1 none.
        share, wrong_share: shares of items about candidates, and about none, that are labelled, 0-1.
        missed: (C,) float, labels left out by candidate, 0-1.

    Returns:
        (N,) bool.
    """
    rightly = share * (1.0 - np.append(missed, 0.0)[candidate])
    chance = np.where(candidate >= 0, rightly, wrong_share).astype(np.float32)
    return draws(key, Decision.POLITICAL_LABEL, subject)[:, 0] < chance


def ads_stopped(key: Key, subject: np.ndarray, start: np.ndarray, enforced: float, lag_h: float, step_hours: int) -> np.ndarray:  # fmt: skip
    """First step without each political advertisement under a ban.

    Args:
        key: seed, replicate and branch. subject: (N,) uint64, advertisements.
        start: (N,) first steps. enforced: share that is stopped, 0-1. lag_h: hours from start to stop.
        step_hours: hours of a step.

    Returns:
        (N,) int32; NEVER where the ban is not enforced.
    """
    hit = draws(key, Decision.ADS_BAN, subject)[:, 0] < np.float32(enforced)
    stop = np.minimum(start + np.ceil(lag_h / step_hours), NEVER)
    return np.where(hit, stop, NEVER).astype(np.int32)
