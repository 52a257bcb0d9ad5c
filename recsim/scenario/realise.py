"""One replicate's values of ranged parameters: a keyed draw per dotted path, independent of any order.

Draws of different replicates are independent, or balanced: ten replicates in a row then hold one value from each tenth of
every range, and a hundred one from each hundredth (a Latin hypercube, McKay, Beckman and Conover 1979, that grows with the
number of replicates). Either way a value hangs on its path, the seed and the replicate alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from recsim.errors import InputError, nearest
from recsim.scenario.people import StanceMix
from recsim.scenario.platform import MitigationUse, Retrieval
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


BLOCK = 10
"""Replicates in a row that balanced draws spread over the range."""
STREAMS = {name: hash32(f"parameters.{name}") for name in ("coarse", "fine")}
Uniform = Callable[[str], float]


def independent(seed: int, replicate: int) -> Uniform:
    """A uniform number in [0, 1) by dotted path, drawn anew in every replicate."""

    def draw(path: str) -> float:
        word = philox_word((hash32(path), 0, hash32("parameters"), 0), (seed, replicate))[0]
        return float((word >> 8) * 2.0**-24)

    return draw


def balanced(seed: int, replicate: int) -> Uniform:
    """A uniform number in [0, 1) by dotted path, balanced over replicates.

    Within a block of ten replicates every tenth of the range comes once; within ten blocks every hundredth. Orders are
    drawn for each path and block, so that paths do not go together. Each single value is uniform.
    """
    block, place = divmod(replicate, BLOCK)
    round_, turn = divmod(block, BLOCK)
    within = independent(seed, replicate)

    def draw(path: str) -> float:
        # (seed, 0) as the key: an order belongs to a block, not to one of its replicates.
        coarse = _order(path, "coarse", block, 0, seed)[place]
        fine = _order(path, "fine", round_, coarse, seed)[turn]
        return float((coarse + (fine + within(path)) / BLOCK) / BLOCK)

    return draw


def _order(path: str, stream: str, number: int, part: int, seed: int) -> list[int]:
    """A random order of 0 to 9."""
    words = [philox_word((hash32(path), number, STREAMS[stream], part * BLOCK + k), (seed, 0))[0] for k in range(BLOCK)]
    return sorted(range(BLOCK), key=lambda k: (words[k], k))


Kind = TypeVar("Kind", bound=BaseModel)


def realise(scenario: Kind, seed: int, replicate: int, fixed: bool = False) -> Kind:
    """The scenario with every ranged quantity drawn once.

    The draw hangs on the dotted path, in which candidates and campaigns stand by their key: reordering lists or
    exchanging ids changes nothing.

    Args:
        scenario: validated scenario.
        seed: seed of the run.
        replicate: number of the replicate; the scenario's ``run.draws`` says how its values go with those of others.
        fixed: keep central values.

    Where ``run.ensemble`` holds parameter sets, those of set ``replicate`` modulo their number replace what was drawn.

    Raises:
        InputError: a parameter set names what the scenario does not have.
    """
    run = getattr(scenario, "run", None)
    if not fixed:
        kind = getattr(run, "draws", "independent")
        scenario = _drawn(scenario, "", (balanced if kind == "balanced" else independent)(seed, replicate))
    ensemble = getattr(run, "ensemble", None)
    if ensemble is not None:
        for path, number in ensemble.members[replicate % len(ensemble.members)].items():
            try:
                scenario = _placed(scenario, path.split("."), number)
            except (KeyError, ValueError):
                raise InputError(
                    f"{path} is no number of this scenario{_near(scenario, path)}", "run.ensemble.members"
                ) from None
    return scenario


def _near(scenario: Any, path: str) -> str:
    """The number of the scenario whose key is nearest, as a question; "" if none is near."""
    from recsim.scenario.dump import quantities

    near = nearest(path, (row["key"] for row in quantities(scenario)))
    return f"; did you mean {near!r}?" if near else ""


def _placed(value: Any, path: list[str], number: float) -> Any:
    """The value with one number in it replaced; blocks whose shares add up to 1 are rescaled.

    Raises:
        KeyError: there is nothing of this name, or no number.
    """
    if not path:
        if isinstance(value, Quantity):
            return value.model_copy(update={"value": number, "range": None})
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise KeyError(number)
        return type(value)(number)
    name, rest = path[0], path[1:]
    if isinstance(value, BaseModel):
        if name not in type(value).model_fields:
            raise KeyError(name)
        return _renormalised(value.model_copy(update={name: _placed(getattr(value, name), rest, number)}))
    if isinstance(value, list):
        at = [getattr(member, "id", str(place)) for place, member in enumerate(value)].index(name)
        placed = [*value[:at], _placed(value[at], rest, number), *value[at + 1 :]]
        return rescaled(placed) if isinstance(placed[0], PostKind) else placed
    if isinstance(value, dict):
        return {**value, name: _placed(value[name], rest, number)}
    raise KeyError(name)


def _drawn(value: Any, path: str, uniform: Uniform) -> Any:
    if isinstance(value, Quantity):
        return value if value.range is None else value.at(uniform(path))
    if isinstance(value, BaseModel):
        update = {}
        for name in type(value).model_fields:
            old = getattr(value, name)
            new = _drawn(old, f"{path}.{name}" if path else name, uniform)
            if new is not old:
                update[name] = new
        made = value.model_copy(update=update) if update else value
        return _renormalised(made)
    if isinstance(value, list):
        names = [_name(member, number) for number, member in enumerate(value)]
        drawn = [_drawn(m, f"{path}.{n}", uniform) for m, n in zip(value, names, strict=True)]
        if drawn and isinstance(drawn[0], PostKind):
            drawn = rescaled(drawn)
        return drawn if any(a is not b for a, b in zip(drawn, value, strict=True)) else value
    if isinstance(value, dict):
        drawn_map = {n: _drawn(m, f"{path}.{n}", uniform) for n, m in value.items()}
        return drawn_map if any(drawn_map[n] is not value[n] for n in value) else value
    return value


def _name(member: Any, number: int) -> str:
    """What a draw hangs on for a member of a list: mitigations stand in any order, and each at most once."""
    return member.kind if isinstance(member, MitigationUse) else getattr(member, "key", None) or str(number)


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
