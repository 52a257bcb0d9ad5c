"""Blocks of a scenario about campaigns: who acts, for whom, when, how much, at what price."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from recsim.errors import nearest
from recsim.scenario.posts import PostKind, kinds_add_up, promoting, shares_fit
from recsim.scenario.quantity import NonNegative, Positive, Share, Strict, assumed
from recsim.scenario.tactics import ATTACKS, TacticMix, TargetMix, UnitCosts


def _in_order(hours: tuple[int, int]) -> tuple[int, int]:
    first, last = hours
    if not 0 <= first < last <= 24:
        raise ValueError(f"got hours [{first}, {last}], must be in order and in 0 to 24")
    return hours


class CampaignBase(Strict):
    """What every campaign states."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name used in results")
    key: str = Field("", description="name on which luck hangs (default: the id)")
    beneficiary: str = Field(description="id of the candidate whose content is promoted")
    payer: str = Field("unknown", description="who pays, as claimed by the source; never used by the model")
    source: str = Field("", description="what documents the campaign")
    start: int = Field(le=0, description="first day of activity relative to the vote, days (-13 = 13 days before)")
    end: int = Field(0, le=0, description="last day of activity relative to the vote, days")
    dose: NonNegative = Field(assumed(1), description="multiplier of the campaign's size, beside the scenario's dose")
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


class AccountCampaign(CampaignBase):
    """What campaigns of accounts state about where these appear to be, wherever they are operated from."""

    languages: dict[str, Share] = Field(
        default_factory=dict,
        description="languages that accounts appear in, share of accounts 0-1 (the rest: the main language)",
    )

    @field_validator("languages")
    @classmethod
    def _languages_fit(cls, value: dict[str, Share]) -> dict[str, Share]:
        return shares_fit(value, "language")


class PostingCampaign(AccountCampaign):
    """What campaigns of accounts that post state about the posts."""

    posts: list[PostKind] = Field(default_factory=promoting, description="what the posts are about, and what they say")
    regions: dict[str, Share] = Field(
        default_factory=dict,
        description="regions that accounts post from, as it appears, share of accounts 0-1 (the rest: by population)",
    )

    _posts_add_up = field_validator("posts")(kinds_add_up)

    @field_validator("regions")
    @classmethod
    def _regions_fit(cls, value: dict[str, Share]) -> dict[str, Share]:
        return shares_fit(value, "region")


class BotNetwork(PostingCampaign):
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
    targets: TargetMix = Field(
        default_factory=lambda: TargetMix(), description="what is liked, shared, watched, and picked after a search"
    )
    comment_targets: TargetMix = Field(default_factory=lambda: TargetMix(), description="where comments go")
    report_targets: TargetMix = Field(
        default_factory=lambda: TargetMix(own=assumed(0), rivals=assumed(1)), description="what is reported"
    )
    segment_topic: int = Field(1, ge=0, description="topic that the target rule segment means, number from 0")
    target_max_age_days: Positive = Field(assumed(2), description="oldest item that is acted on, days")
    views_per_action: Share = Field(assumed(1), description="completed views that go with one action, views")
    camouflage_share: Share = Field(
        assumed(0), description="awake actions that are likes of popular items about no candidate, share 0-1"
    )
    served_share: Share = Field(
        assumed(0), description="actions on items that the account's own feed had shown it, share 0-1"
    )
    hours: tuple[int, int] = Field((8, 24), description="active hours of the day, local, from and to")
    burst_share: Share = Field(assumed(0), description="actions done in bursts, the rest evenly, share 0-1")
    bursts_per_day: int = Field(1, ge=1, le=24, description="bursts of one step each in a day, bursts/day")
    budget_eur: NonNegative | None = Field(None, description="money for accounts and actions, EUR (null: no limit)")
    account_age_days: NonNegative = Field(
        assumed(30), description="age of accounts that are not aged, at the start of the run, days"
    )
    aged_account_days: NonNegative = Field(
        assumed(2900), description="age of aged accounts at the start of the run, days"
    )
    shared_address_accounts: int = Field(1, ge=1, description="accounts behind one network address, accounts")
    posts_per_day: NonNegative = Field(assumed(0), description="posts of an account, posts/day")
    post_variation: Share = Field(
        assumed(0.2), description="how far posts differ from one template, 0 (copies) to 1 (nothing in common)"
    )
    followers_per_account: NonNegative = Field(
        assumed(0), description="people who follow an account and get its posts, real people, mean"
    )

    replacement_share: Share = Field(
        assumed(0), description="removed accounts for which a new one is made, once each, share 0-1"
    )
    replacement_days: NonNegative = Field(assumed(2), description="time from a removal to the new account, days")

    @model_validator(mode="before")
    @classmethod
    def _attack(cls, raw: object) -> object:
        """``attack: NAME`` stands for the tactics and targets of a classical attack."""
        if not isinstance(raw, dict) or "attack" not in raw:
            return raw
        name = raw["attack"]
        if name not in ATTACKS:
            near = nearest(str(name), list(ATTACKS))
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"got unknown attack {name!r}; allowed: {', '.join(ATTACKS)}{hint}")
        named = sorted({"tactics", "targets", "report_targets"} & set(raw))
        if named:
            raise ValueError(
                f"got attack {name!r} and {named[0]}; an attack says which tactics and targets, leave one out"
            )
        return {**{k: v for k, v in raw.items() if k != "attack"}, **ATTACKS[name]}

    _hours = field_validator("hours")(_in_order)

    def affordable(self, dose: float) -> float:
        """Accounts at a dose, as far as the budget pays for them."""
        wanted = self.accounts.value * dose
        price = self.costs.account.value
        if self.budget_eur is None or price <= 0:
            return wanted
        return min(wanted, float(int(self.budget_eur.value * 1_000_000) // math.ceil(price * 1_000_000)))


class PurchasedEngagement(AccountCampaign):
    """Bought likes and followers: totals delivered evenly between start and end."""

    type: Literal["purchased_engagement"] = Field("purchased_engagement", description="kind of campaign")
    counterfactual: Literal["absent", "dormant"] = Field(
        "absent",
        description="what stands in its place: nothing (dormant is the same, for these accounts do nothing of their own)",
    )
    likes: NonNegative = Field(assumed(0), description="likes delivered in total, real likes")
    follows: NonNegative = Field(assumed(0), description="followers delivered in total, real follows")
    likes_per_account: Positive = Field(assumed(106), description="likes one account delivers in total, likes")
    account_age_days: NonNegative = Field(
        assumed(30), description="age of the accounts that deliver, at the start of the run, days"
    )
    target_max_age_days: Positive = Field(assumed(2), description="oldest item that is liked, days")
    views_per_action: Share = Field(assumed(0), description="completed views that go with one like, views")


class PaidInfluencers(PostingCampaign):
    """Authentic accounts paid to post; their audiences are real."""

    type: Literal["paid_influencers"] = Field("paid_influencers", description="kind of campaign")
    counterfactual: Literal["absent", "ordinary"] = Field("ordinary", description="what stands in its place")
    influencers: Positive = Field(description="influencers, accounts")
    followers_mean: Positive = Field(description="followers of an influencer, real accounts, mean")
    followers_spread: NonNegative = Field(assumed(1.2), description="log-normal sigma of followers, log units")
    posts_per_influencer: Positive = Field(assumed(1), description="paid posts of an influencer, posts")
    disclosed_share: Share = Field(
        assumed(0), description="share of paid posts that disclose payment, 0-1; a label of the post"
    )
    payer_candidate: str | None = Field(
        None, description="id of the candidate whom the payer meant to promote (null: the beneficiary)"
    )
    hijacked_share: Share = Field(
        assumed(0), description="share of posts turned from the payer's candidate to the beneficiary, 0-1"
    )


class Impersonation(PostingCampaign):
    """Accounts that pose as the candidate or as fans, come and are removed one by one, and post."""

    type: Literal["impersonation"] = Field("impersonation", description="kind of campaign")
    counterfactual: Literal["absent"] = Field("absent", description="what stands in its place")
    accounts: NonNegative = Field(description="accounts on the first day, real accounts")
    births_per_day: NonNegative = Field(assumed(0), description="accounts that are made on a day, accounts/day")
    lifetime_days: Positive = Field(assumed(30), description="time until an account is removed, days, mean")
    posts_per_day: NonNegative = Field(description="posts of one account, posts/day")
    post_variation: Share = Field(
        assumed(0.5), description="how far posts differ from one template, 0 (copies) to 1 (nothing in common)"
    )
    followers_mean: NonNegative = Field(description="followers of an account, real people, mean")
    followers_spread: NonNegative = Field(assumed(1.5), description="log-normal sigma of followers, log units")

    @property
    def made(self) -> float:
        """Accounts that ever exist at dose 1."""
        return self.accounts.value + self.births_per_day.value * (self.end - self.start + 1)


class Advertising(CampaignBase):
    """Paid advertisements that take one place of a visit, whatever the ranking says."""

    type: Literal["advertising"] = Field("advertising", description="kind of campaign")
    counterfactual: Literal["absent"] = Field("absent", description="what stands in its place")
    budget_eur: NonNegative = Field(description="money for impressions, EUR")
    cpm_eur: Positive = Field(description="price of 1,000 impressions, EUR")
    advertisements: Positive = Field(description="different advertisements, each shown as often, real advertisements")
    stance: Literal["supportive", "neutral", "critical"] = Field(
        "supportive", description="stance of the advertisements"
    )
    hours: tuple[int, int] = Field((8, 24), description="hours of the day in which they are shown, local, from and to")
    regions: list[str] = Field(default_factory=list, description="regions where they are shown (none: everywhere)")
    languages: list[str] = Field(default_factory=list, description="languages of people who get them (none: all)")

    _hours = field_validator("hours")(_in_order)

    def impressions(self, dose: float, scale: float) -> int:
        """Simulated impressions that the budget pays for at a dose; one stands for ``1 / scale`` real ones.

        Counted in whole millionths of a euro, the price rounded up, so that the money is never overspent.
        """
        price = math.ceil(round(self.cpm_eur.value * 1000 / scale, 6))
        return math.floor(round(self.budget_eur.value * dose * 1_000_000, 6)) // price


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


Campaign = Annotated[
    BotNetwork | PurchasedEngagement | PaidInfluencers | Impersonation | Advertising | Volunteers,
    Field(discriminator="type"),
]
