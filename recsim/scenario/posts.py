"""Blocks of a scenario about the posts of a campaign's accounts: about whom, with what stance, from where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from recsim.scenario.quantity import Keyed, Share, assumed


class PostKind(Keyed):
    """One kind of posts: about whom they are, what they say of her, and how many of all posts are of this kind."""

    about: str = Field(
        "own",
        description="own: whom the post promotes; rivals: another candidate, drawn by standing; or a candidate's id",
    )
    stance: Literal["critical", "neutral", "supportive"] = Field(
        "supportive", description="stance towards the candidate it is about"
    )
    demobilising: bool = Field(
        False, description="whether it tells supporters of that candidate not to vote; read by the opinion layer alone"
    )
    share: Share = Field(assumed(1), description="share of the campaign's posts, 0-1; the kinds together are 1")


def promoting() -> list[PostKind]:
    """Posts that promote the beneficiary, and no others."""
    return [PostKind(id="own")]


def kinds_add_up(kinds: list[PostKind]) -> list[PostKind]:
    """The kinds, checked.

    Raises:
        ValueError: none, an id or key twice, or shares that do not add up to 1.
    """
    if not kinds:
        raise ValueError("got no kind of posts; state at least one, or leave posts out")
    for field in ("id", "key"):
        names = [getattr(kind, field) for kind in kinds]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"got {field} {twice[0]!r} twice; each must be different")
    total = sum(kind.share.value for kind in kinds)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"got post shares that add up to {total:g}, must add up to 1")
    return kinds


def rescaled(kinds: Sequence[PostKind]) -> list[PostKind]:
    """Kinds whose shares add up to 1 again after each was drawn, whatever their order; unchanged if they do."""
    total = sum(kind.share.value for kind in sorted(kinds, key=lambda kind: kind.key))
    if total <= 0 or abs(total - 1) < 1e-12:
        return list(kinds)
    return [
        kind.model_copy(update={"share": kind.share.model_copy(update={"value": kind.share.value / total})})
        for kind in kinds
    ]


def shares_fit(shares: dict[str, Share], what: str) -> dict[str, Share]:
    """Shares by name, checked.

    Raises:
        ValueError: together more than 1.
    """
    total = sum(share.value for share in shares.values())
    if total > 1 + 1e-6:
        raise ValueError(f"got {what} shares that add up to {total:g}, must be at most 1")
    return shares
