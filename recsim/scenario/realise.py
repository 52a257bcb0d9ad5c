"""One replicate's values of ranged parameters: a keyed draw per dotted path, independent of any order."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from recsim.scenario.people import StanceMix
from recsim.scenario.platform import Retrieval
from recsim.scenario.posts import PostKind, rescaled
from recsim.scenario.quantity import Quantity
from recsim.scenario.references import hash32
from recsim.scenario.tactics import TACTIC_SHARES, TARGET_SHARES, TacticMix, TargetMix

MASK = 0xFFFFFFFF
RENORMALISED: dict[type, tuple[str, ...]] = {
    TacticMix: TACTIC_SHARES,
    TargetMix: TARGET_SHARES,
    StanceMix: ("supportive", "neutral", "critical"),
    Retrieval: ("interest_share", "trending_share", "discovery_share"),
}
"""Blocks whose shares must still add up to 1 after each was drawn; they are rescaled."""


def philox_word(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 in plain Python: the same function as `recsim.kernels.philox`, which this layer may not import."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


Kind = TypeVar("Kind", bound=BaseModel)


def realise(scenario: Kind, seed: int, replicate: int, fixed: bool = False) -> Kind:
    """The scenario with every ranged quantity drawn once.

    The draw hangs on the dotted path, in which candidates and campaigns stand by their key: reordering lists or
    exchanging ids changes nothing.

    Args:
        scenario: validated scenario.
        seed: seed of the run.
        replicate: number of the replicate.
        fixed: keep central values.
    """
    if fixed:
        return scenario
    return _drawn(scenario, "", seed, replicate)


def _drawn(value: Any, path: str, seed: int, replicate: int) -> Any:
    if isinstance(value, Quantity):
        if value.range is None:
            return value
        word = philox_word((hash32(path), 0, hash32("parameters"), 0), (seed, replicate))[0]
        return value.at((word >> 8) * 2.0**-24)
    if isinstance(value, BaseModel):
        update = {}
        for name in type(value).model_fields:
            old = getattr(value, name)
            new = _drawn(old, f"{path}.{name}" if path else name, seed, replicate)
            if new is not old:
                update[name] = new
        made = value.model_copy(update=update) if update else value
        return _renormalised(made)
    if isinstance(value, list):
        names = [getattr(member, "key", None) or str(number) for number, member in enumerate(value)]
        drawn = [_drawn(m, f"{path}.{n}", seed, replicate) for m, n in zip(value, names, strict=True)]
        if drawn and isinstance(drawn[0], PostKind):
            drawn = rescaled(drawn)
        return drawn if any(a is not b for a, b in zip(drawn, value, strict=True)) else value
    if isinstance(value, dict):
        drawn_map = {n: _drawn(m, f"{path}.{n}", seed, replicate) for n, m in value.items()}
        return drawn_map if any(drawn_map[n] is not value[n] for n in value) else value
    return value


def _renormalised(block: Any) -> Any:
    names = RENORMALISED.get(type(block))
    if names is None:
        return block
    total = sum(getattr(block, name).value for name in names)
    if total <= 0 or abs(total - 1) < 1e-12:
        return block
    return block.model_copy(
        update={n: getattr(block, n).model_copy(update={"value": getattr(block, n).value / total}) for n in names}
    )
