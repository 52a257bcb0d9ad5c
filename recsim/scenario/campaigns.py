"""Blocks of a scenario about campaigns: who acts, for whom, when, how much, at what price."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from recsim.scenario.quantity import NonNegative, Positive, Share, Strict, assumed

Target = Literal["own", "rivals", "popular", "placebo"]


class TacticMix(Strict):
    """How the actions of an account divide over tactics; the shares add up to 1."""

    like: Share = Field(assumed(0), description="likes on targets, share of actions 0-1")
    comment: Share = Field(assumed(0), description="comments naming the beneficiary, share of actions 0-1")
    share: Share = Field(assumed(0), description="shares of targets, share of actions 0-1")
    follow: Share = Field(assumed(0), description="follows of the beneficiary's official account, share of actions 0-1")

    @model_validator(mode="after")
    def _adds_up(self) -> TacticMix:
        total = self.like.value + self.comment.value + self.share.value + self.follow.value
        if abs(total - 1) > 1e-6:
            raise ValueError(f"got tactic shares that add up to {total:g}, must add up to 1")
        return self


class TargetMix(Strict):
    """Where comments go; likes and shares always go to the beneficiary's own items."""

    own: Share = Field(assumed(1), description="items about the beneficiary, share of comments 0-1")
    rivals: Share = Field(assumed(0), description="items about other candidates, share of comments 0-1")
    popular: Share = Field(assumed(0), description="popular items about no candidate, share of comments 0-1")

    @model_validator(mode="after")
    def _adds_up(self) -> TargetMix:
        total = self.own.value + self.rivals.value + self.popular.value
        if abs(total - 1) > 1e-6:
            raise ValueError(f"got target shares that add up to {total:g}, must add up to 1")
        return self


class UnitCosts(Strict):
    """Prices, in euro."""

    account: NonNegative = Field(assumed(0), description="price of one account, EUR")
    like: NonNegative = Field(assumed(0), description="price of one like, EUR")
    comment: NonNegative = Field(assumed(0), description="price of one comment, EUR")
    share: NonNegative = Field(assumed(0), description="price of one share, EUR")
    follow: NonNegative = Field(assumed(0), description="price of one follow, EUR")
    per_follower: NonNegative = Field(assumed(0), description="fee of one paid post per follower of its author, EUR")


class CampaignBase(Strict):
    """What every campaign states."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name used in results")
    key: str = Field("", description="name on which luck hangs (default: the id)")
    beneficiary: str = Field(description="id of the candidate whose content is promoted")
    payer: str = Field("unknown", description="who pays, as claimed by the source; never used by the model")
    source: str = Field("", description="what documents the campaign")
    start: int = Field(le=0, description="first day of activity relative to the vote, days (-13 = 13 days before)")
    end: int = Field(0, le=0, description="last day of activity relative to the vote, days")
    costs: UnitCosts = Field(default_factory=lambda: UnitCosts(), description="prices")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, raw: object) -> object:
        return {"key": raw["id"], **raw} if isinstance(raw, dict) and "id" in raw else raw

    @model_validator(mode="after")
    def _order(self) -> CampaignBase:
        if self.end < self.start:
            raise ValueError(f"got end {self.end} before start {self.start}; the end must not come first")
        return self


class BotNetwork(CampaignBase):
    """Accounts that act on items: sleepers, commenting vendors."""

    type: Literal["bot_network"] = Field("bot_network", description="kind of campaign")
    counterfactual: Literal["absent", "dormant"] = Field("dormant", description="what stands in its place")
    accounts: Positive = Field(description="accounts of the network, real accounts")
    actions_per_day: NonNegative = Field(description="actions of an active account, actions/day")
    aged_share: Share = Field(
        assumed(0), description="share of accounts created years before (dormant until the start)"
    )
    dormant_activity: Share = Field(assumed(0.01), description="activity before the start, share of the activity after")
    ramp_days: NonNegative = Field(assumed(0), description="days over which accounts come into action, days")
    tactics: TacticMix = Field(description="what the actions are")
    comment_targets: TargetMix = Field(default_factory=lambda: TargetMix(), description="where comments go")
    target_max_age_days: Positive = Field(assumed(2), description="oldest item that is acted on, days")
    views_per_action: Share = Field(assumed(1), description="completed views that go with one action, views")
    hours: tuple[int, int] = Field((8, 24), description="active hours of the day, local, from and to")


class PurchasedEngagement(CampaignBase):
    """Bought likes and followers: totals delivered evenly between start and end."""

    type: Literal["purchased_engagement"] = Field("purchased_engagement", description="kind of campaign")
    counterfactual: Literal["absent", "dormant"] = Field("absent", description="what stands in its place")
    likes: NonNegative = Field(assumed(0), description="likes delivered in total, real likes")
    follows: NonNegative = Field(assumed(0), description="followers delivered in total, real follows")
    likes_per_account: Positive = Field(assumed(106), description="likes one account delivers in total, likes")
    target_max_age_days: Positive = Field(assumed(2), description="oldest item that is liked, days")
    views_per_action: Share = Field(assumed(0), description="completed views that go with one like, views")


class PaidInfluencers(CampaignBase):
    """Authentic accounts paid to post; their audiences are real."""

    type: Literal["paid_influencers"] = Field("paid_influencers", description="kind of campaign")
    counterfactual: Literal["absent", "ordinary"] = Field("ordinary", description="what stands in its place")
    influencers: Positive = Field(description="influencers, accounts")
    followers_mean: Positive = Field(description="followers of an influencer, real accounts, mean")
    followers_spread: NonNegative = Field(assumed(1.2), description="log-normal sigma of followers, log units")
    posts_per_influencer: Positive = Field(assumed(1), description="paid posts of an influencer, posts")
    disclosed_share: Share = Field(
        assumed(0), description="share of paid posts that disclose payment, 0-1 (recorded, not modelled)"
    )
    stance: Literal["supportive", "neutral"] = Field("supportive", description="stance of the posts")
    hijacked_share: Share = Field(
        assumed(0), description="share of posts turned from the payer's aim to the beneficiary (recorded, not modelled)"
    )


class Volunteers(CampaignBase):
    """Authentic supporters coordinated off-platform: the contrast, kept in both worlds."""

    type: Literal["volunteers"] = Field("volunteers", description="kind of campaign")
    counterfactual: Literal["kept"] = Field("kept", description="authentic: acts in both worlds unless removed by name")
    volunteers: Positive = Field(description="people who take part, real accounts")
    posts_per_day: NonNegative = Field(description="posts of one volunteer, posts/day")
    likes_per_day: NonNegative = Field(
        assumed(2), description="likes of one volunteer on the beneficiary's items, likes/day"
    )
    target_max_age_days: Positive = Field(assumed(2), description="oldest item that is liked, days")


Campaign = Annotated[BotNetwork | PurchasedEngagement | PaidInfluencers | Volunteers, Field(discriminator="type")]
