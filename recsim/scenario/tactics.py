"""Blocks of a scenario about what accounts of a campaign do: tactics, targets, classical attacks, prices."""

from __future__ import annotations

from pydantic import Field, model_validator

from recsim.scenario.quantity import NonNegative, Share, Strict, assumed

TACTIC_SHARES = ("like", "comment", "share", "follow", "watch", "report", "search")
TARGET_SHARES = ("own", "rivals", "popular", "random", "segment", "trial")


def _adding_up(block: Strict, names: tuple[str, ...], what: str) -> None:
    total = sum(getattr(block, name).value for name in names)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"got {what} shares that add up to {total:g}, must add up to 1")


class TacticMix(Strict):
    """How the actions of an account divide over tactics; the shares add up to 1."""

    like: Share = Field(assumed(0), description="likes on targets, share of actions 0-1")
    comment: Share = Field(assumed(0), description="comments naming the beneficiary, share of actions 0-1")
    share: Share = Field(assumed(0), description="shares of targets, share of actions 0-1")
    follow: Share = Field(assumed(0), description="follows of the beneficiary's official account, share of actions 0-1")
    watch: Share = Field(assumed(0), description="targets watched to the end and nothing else, share of actions 0-1")
    report: Share = Field(assumed(0), description="reports of targets as abuse, share of actions 0-1")
    search: Share = Field(
        assumed(0), description="searches for rivals in which a target is picked, share of actions 0-1"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> TacticMix:
        _adding_up(self, TACTIC_SHARES, "tactic")
        return self


class TargetMix(Strict):
    """Which items are acted on; the shares add up to 1."""

    own: Share = Field(
        assumed(1),
        description="items about the beneficiary, not critical, and the campaign's posts, share of actions 0-1",
    )
    rivals: Share = Field(assumed(0), description="items about other candidates by recent views, share of actions 0-1")
    popular: Share = Field(
        assumed(0), description="items about no candidate in proportion to recent views, share of actions 0-1"
    )
    random: Share = Field(assumed(0), description="any items, all alike, share of actions 0-1")
    segment: Share = Field(
        assumed(0), description="items of one topic in proportion to recent views, share of actions 0-1"
    )
    trial: Share = Field(
        assumed(0), description="own items in their first exposure pool, youngest first, share of actions 0-1"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> TargetMix:
        _adding_up(self, TARGET_SHARES, "target")
        return self


ATTACKS: dict[str, dict[str, dict[str, float]]] = {
    "random": {"tactics": {"like": 1}, "targets": {"own": 0.5, "random": 0.5}},
    "average": {"tactics": {"like": 1}, "targets": {"own": 0.5, "popular": 0.5}},
    "bandwagon": {"tactics": {"like": 1}, "targets": {"own": 0.5, "popular": 0.25, "random": 0.25}},
    "segment": {"tactics": {"like": 1}, "targets": {"own": 0.5, "segment": 0.5}},
    "love_hate": {
        "tactics": {"like": 0.5, "report": 0.5},
        "targets": {"own": 1},
        "report_targets": {"own": 0, "random": 1},
    },
}
"""Classical attacks on recommenders, for platforms that see actions and not ratings: the item to be pushed is liked; the
other actions make the profile. Source: the table of profiles in Hindawi 2014/845897, in our translation."""


class UnitCosts(Strict):
    """Prices, in euro."""

    account: NonNegative = Field(
        assumed(0), description="price of one account, EUR; read for networks and impersonation alone"
    )
    like: NonNegative = Field(assumed(0), description="price of one like, EUR")
    comment: NonNegative = Field(assumed(0), description="price of one comment, EUR")
    share: NonNegative = Field(assumed(0), description="price of one share, EUR")
    follow: NonNegative = Field(assumed(0), description="price of one follow, EUR")
    watch: NonNegative = Field(assumed(0), description="price of one view to the end, EUR")
    report: NonNegative = Field(assumed(0), description="price of one report, EUR")
    search: NonNegative = Field(assumed(0), description="price of one search with a pick, EUR")
    per_follower: NonNegative = Field(assumed(0), description="fee of one paid post per follower of its author, EUR")
