"""Which arms can be simulated together, and until when: the tree of forks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from recsim.world.arms import Arm
from recsim.world.plan import Plan


class Part(NamedTuple):
    """Arms that nothing tells apart from step ``start`` to ``end``, and what they split into then."""

    start: int
    end: int
    arms: tuple[Arm, ...]
    parts: tuple[Part, ...]


def branching(plan: Plan, arms: Sequence[Arm], fork: int) -> list[Part]:
    """The parts that begin at the fork.

    Args:
        plan: the realised scenario.
        arms: all arms.
        fork: step at which the first campaign starts.
    """
    times = {plan.step_of(c.start) for c in plan.removed}
    times |= {plan.step_of(arm.removal_day) for arm in arms if arm.removal_day is not None}
    return _split(plan, tuple(arms), fork, sorted(t for t in times if fork < t < plan.steps))


def steps_of(parts: Sequence[Part]) -> int:
    """Steps to simulate in all."""
    return sum(part.end - part.start + steps_of(part.parts) for part in parts)


def _split(plan: Plan, arms: tuple[Arm, ...], start: int, times: list[int]) -> list[Part]:
    groups: dict[Any, list[Arm]] = {}
    for arm in arms:
        groups.setdefault(_signature(plan, arm, start), []).append(arm)
    return [_part(plan, tuple(group), start, times) for group in groups.values()]


def _part(plan: Plan, arms: tuple[Arm, ...], start: int, times: list[int]) -> Part:
    """Go on together until something differs."""
    for place, time in enumerate(times):
        if len(arms) > 1 and len({_signature(plan, arm, time) for arm in arms}) > 1:
            return Part(start, time, arms, tuple(_split(plan, arms, time, times[place + 1 :])))
    return Part(start, plan.steps, arms, ())


def _signature(plan: Plan, arm: Arm, step: int) -> Any:
    """All that tells an arm from others by the end of ``step``."""
    ever = frozenset(c.id for c in plan.removed if arm.acts(c.id))
    acting = frozenset(c.id for c in plan.removed if plan.step_of(c.start) <= step and c.id in ever)
    # How many people an oracle takes for inauthentic goes by all accounts that the arm ever has.
    known = ever if plan.safeguards.removes else frozenset()
    if not acting:
        return known or None
    removed = None if arm.removal_day is None else plan.step_of(arm.removal_day)
    gone = removed if removed is not None and removed <= step else None
    return acting, known, arm.tactics, arm.doors, arm.placebo, gone
