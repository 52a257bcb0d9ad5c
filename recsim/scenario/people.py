"""Blocks of a scenario about people: how many, who, how active, how they respond."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from recsim.scenario.quantity import AnyNumber, NonNegative, Positive, Quantity, Share, Strict, Tail, assumed


class Segment(Strict):
    """One viewer cell: region x language x age band, with its weight."""

    region: str = Field(description="name of the region")
    language: str = Field(description="language code of the cell's people")
    age_band: str = Field(description="name of the age band")
    adults: float = Field(ge=0, description="adults in the cell, people (only ratios between cells matter)")


class Population(Strict):
    """Who the simulated people stand for."""

    people: Positive = Field(description="people who use the platform in reality, persons")
    scale: float = Field(gt=0, le=1, description="share of the real people that is simulated, 0-1")
    segments: str | list[Segment] = Field(
        description="cells of region x language x age band: a list, or a CSV file beside the scenario"
    )
    penetration: dict[str, Share] = Field(
        default_factory=dict, description="share of adults of an age band who use the platform, 0-1 (default 1)"
    )
    language_factor: dict[str, NonNegative] = Field(
        default_factory=dict, description="multiplier of the weight of a language's cells (default 1)"
    )
    region_factor: dict[str, NonNegative] = Field(
        default_factory=dict, description="multiplier of the weight of a region's cells (default 1)"
    )
    utc_offset_h: dict[str, float] = Field(
        default_factory=dict,
        description="clock of a region relative to the scenario's, hours, parts of one too (default 0)",
    )

    tiles: dict[str, tuple[int, int]] = Field(
        default_factory=dict,
        description="place of every region on a map of tiles: row and column, from 0; a mapping, or a CSV file beside the scenario",
    )

    def weight(self, segment: Segment) -> float:
        """How many people use the platform in a cell, up to a factor that all cells share."""
        factors = (
            (self.penetration, segment.age_band), (self.language_factor, segment.language),
            (self.region_factor, segment.region),
        )  # fmt: skip
        out = segment.adults
        for table, name in factors:
            out *= table[name].value if name in table else 1.0
        return out

    def simulated(self, division: str) -> dict[str, float]:
        """Expected simulated people by region, language or age band.

        Args:
            division: "region", "language" or "age_band".
        """
        cells = [c for c in self.segments if isinstance(c, Segment)]
        total = sum(map(self.weight, cells))
        out: dict[str, float] = {}
        for cell in cells:
            name = getattr(cell, division)
            out[name] = out.get(name, 0.0) + self.people.value * self.scale * self.weight(cell) / total
        return out


FLAT_HOURS = [1.0] * 24
DAY_SHAPE = [0.5, 0.25, 0.15, 0.1, 0.1, 0.2, 0.5, 0.9, 1.0, 1.0, 1.0, 1.1]
DAY_SHAPE += [1.2, 1.2, 1.1, 1.1, 1.2, 1.3, 1.5, 1.7, 1.9, 1.9, 1.6, 1.0]


def _some(weights: list[float]) -> list[float]:
    if not all(math.isfinite(w) and w >= 0 for w in weights) or not any(weights):
        raise ValueError("weights must be finite and at least 0, and not all of them 0")
    return weights


Weights = Annotated[list[float], AfterValidator(_some)]
"""Relative frequencies."""


class Activity(Strict):
    """How often people come and how long they stay."""

    visits_per_day: Positive = Field(assumed(8, 4, 12), description="visits of a person, visits/day, mean")
    videos_per_visit: Positive = Field(assumed(24), description="slate positions examined in a visit, videos, mean")
    spread: NonNegative = Field(assumed(0.6), description="log-normal sigma of visits between people, log units")
    hour_weights: Weights = Field(
        default_factory=lambda: list(DAY_SHAPE),
        min_length=24,
        max_length=24,
        description="relative frequency of visits by local hour 0-23",
    )
    weekday_weights: Weights = Field(
        default_factory=lambda: [1.0] * 5 + [1.1, 1.15],
        min_length=7,
        max_length=7,
        description="relative frequency of visits Monday to Sunday",
    )
    video_length_s: Positive = Field(assumed(44, 30, 60), description="length of a video, seconds, mean")
    video_length_spread: NonNegative = Field(assumed(0.8), description="log-normal sigma of video length, log units")
    search_share: Share = Field(assumed(0.02, 0.01, 0.05), description="share of visits that begin with a search, 0-1")
    external_share: Share = Field(
        assumed(0.01, 0.0, 0.03), description="share of visits that begin with a link from elsewhere, 0-1"
    )
    follows_per_person: NonNegative = Field(
        assumed(40, 20, 80), description="accounts a person follows, accounts, mean"
    )
    account_age_days: Positive = Field(assumed(900, 600, 1200), description="mean age of people's accounts, days")
    inbox: int = Field(16, ge=1, le=256, description="slots of a person's inbox of followed accounts' posts, items")


class Response(Strict):
    """How people respond to what they are shown: logistic in utility, under one of three models of a visit.

    ``logistic``: every position counts alike; a satisfied person stays. ``cascade``: attention falls down the slate, and a
    person who has acted tends to stop there. ``fatigue``: more of the same topics is worth less, and leaving follows a
    running mean of satisfaction.
    """

    model: Literal["logistic", "cascade", "fatigue"] = Field(
        "logistic", description="model of a visit; results must not hang on one"
    )
    like_rate: Share = Field(assumed(0.045, 0.03, 0.06), description="likes per view, mean, 0-1")
    comment_rate: Share = Field(assumed(0.002, 0.001, 0.004), description="comments per view, mean, 0-1")
    share_rate: Share = Field(assumed(0.003, 0.001, 0.005), description="shares per view, mean, 0-1")
    follow_rate: Share = Field(assumed(0.001, 0.0003, 0.003), description="follows of the author per view, mean, 0-1")
    open_comments_rate: Share = Field(
        assumed(0.05, 0.02, 0.1), description="openings of the comments per view, mean, 0-1"
    )
    hide_rate: Share = Field(assumed(0.003, 0.001, 0.006), description="'not interested' per view, mean, 0-1")
    report_rate: Share = Field(assumed(0.0001, 0.00002, 0.0005), description="reports per view, mean, 0-1")
    skip_rate: Share = Field(assumed(0.35, 0.25, 0.45), description="views ended within the first tenth, mean, 0-1")
    watched_mean: Positive = Field(
        assumed(0.95, 0.7, 1.3), description="mean of the exponential watch time, video lengths, before the cap at 1"
    )
    affinity: NonNegative = Field(assumed(1.0, 0.6, 1.4), description="weight of taste x topic in utility (a)")
    closeness: NonNegative = Field(
        assumed(0.5, 0.2, 0.8), description="weight of political closeness x interest x stance in utility (b)"
    )
    quality: NonNegative = Field(assumed(0.4, 0.2, 0.6), description="weight of item quality in utility (c)")
    emotion: NonNegative = Field(
        assumed(0.2, 0.0, 0.4), description="weight of emotion x susceptibility in utility (d)"
    )
    social_proof: NonNegative = Field(
        assumed(0.1, 0.0, 0.2), description="weight of log(1 + visible likes) in utility (e)"
    )
    repetition: NonNegative = Field(
        assumed(0.1, 0.0, 0.2), description="utility lost per earlier video of the same candidate in the visit (f)"
    )
    language_mismatch: NonNegative = Field(
        assumed(1.0, 0.5, 1.6), description="utility lost on an item in another language (g)"
    )
    typical_utility: AnyNumber = Field(
        assumed(1.0), description="utility at which the mean rates above hold: that of an item as usually shown"
    )
    action_slope: NonNegative = Field(
        assumed(0.8, 0.5, 1.1), description="slope of the log odds of liking, commenting, sharing, following on utility"
    )
    open_slope: NonNegative = Field(assumed(0.3), description="slope of the log odds of opening comments on utility")
    hide_slope: NonNegative = Field(
        assumed(0.8), description="slope of the log odds of not hiding or reporting on utility"
    )
    skip_slope: NonNegative = Field(assumed(0.5), description="slope of the log odds of not skipping on utility")
    watched_slope: NonNegative = Field(assumed(0.2), description="slope of log watch time on utility")
    action_spread: NonNegative = Field(
        assumed(0.7), description="standard deviation between people of the propensity to act, log odds"
    )
    satisfaction: NonNegative = Field(
        assumed(0.5, 0.0, 1.0), description="how much more a satisfied person stays: slope of the log odds of leaving"
    )
    position_bias: NonNegative = Field(
        assumed(0.3, 0.1, 0.5), description="cascade only: utility lost per unit of log position, around its mean"
    )
    stop: NonNegative = Field(
        assumed(1.0, 0.5, 1.5), description="cascade only: how much likelier a person leaves after acting, log odds"
    )
    fatigue: NonNegative = Field(
        assumed(1.0, 0.5, 1.5), description="fatigue only: utility lost per unit of likeness to what was just watched"
    )
    memory: Share = Field(
        assumed(0.7, 0.5, 0.9),
        description="fatigue only: weight of earlier satisfaction in the mood that keeps a person",
    )


class Content(Strict):
    """The supply of items by ordinary creators."""

    items_per_day: int = Field(3000, ge=1, description="items simulated per day (resolution), items/day")
    real_items_per_day: Positive = Field(
        assumed(90_000, 30_000, 270_000, log=True),
        description="items posted per day in reality, items/day: one simulated item stands for the ratio",
    )
    creators: int = Field(1500, ge=1, description="ordinary creators, accounts")
    posting_tail: Tail = Field(
        assumed(2.85), description="Pareto exponent (density) of creators' posting activity, above 1"
    )
    follower_tail: Tail = Field(assumed(2.276), description="exponent (density) of creators' follower counts, above 1")
    topics: int = Field(16, ge=2, le=64, description="topics, and dimensions of taste")
    lifetime_days: float = Field(5.0, gt=0, description="days an item can be recommended, days")
    quality_spread: NonNegative = Field(assumed(1.0, 0.6, 1.4), description="standard deviation of item quality")
    taste_concentration: Positive = Field(assumed(1.0), description="how narrow tastes are; larger is narrower")
    language_shares: dict[str, Share] = Field(
        default_factory=dict, description="share of ordinary items in a language; the first language takes the rest"
    )
    politics_interest: Share = Field(
        assumed(0.3, 0.15, 0.45), description="share of people with a marked interest in politics, 0-1"
    )

    @property
    def items_represented(self) -> float:
        """Real items for which one simulated item stands."""
        return self.real_items_per_day.value / self.items_per_day


class StanceMix(Strict):
    """Shares of supportive, neutral and critical items of one kind of author."""

    supportive: Share
    neutral: Share
    critical: Share

    @model_validator(mode="after")
    def _adds_up(self) -> StanceMix:
        total = self.supportive.value + self.neutral.value + self.critical.value
        if abs(total - 1) > 1e-6:
            raise ValueError(f"got shares that add up to {total:g}, must add up to 1")
        return self


def _mix(supportive: float, neutral: float, critical: float) -> StanceMix:
    return StanceMix(supportive=assumed(supportive), neutral=assumed(neutral), critical=assumed(critical))


class CandidateContent(Strict):
    """The organic supply of items about candidates, the same rules for every candidate."""

    share_of_supply: Share = Field(
        assumed(0.03, 0.02, 0.06), description="share of all items that are about a candidate, 0-1"
    )
    standing_weight: Share = Field(
        assumed(0.8, 0.6, 1.0), description="how far supply follows early standing (1) rather than being equal (0)"
    )
    official_share: Share = Field(assumed(0.10), description="share of candidate items by official accounts, 0-1")
    media_share: Share = Field(assumed(0.30, 0.2, 0.4), description="share of candidate items by media, 0-1")
    official: StanceMix = Field(default_factory=lambda: _mix(1, 0, 0), description="stances of official accounts")
    supporters: StanceMix = Field(default_factory=lambda: _mix(0.8, 0.1, 0.1), description="stances of supporters")
    media: StanceMix = Field(default_factory=lambda: _mix(0.2, 0.6, 0.2), description="stances of media")
    supporters_per_candidate: int = Field(40, ge=1, description="supporter accounts per candidate, accounts")
    media_outlets: int = Field(30, ge=1, description="media accounts, shared by all candidates, accounts")
    emotion: AnyNumber = Field(
        assumed(0.5, 0.0, 1.0), description="mean emotion of candidate items, standard deviations"
    )


class Candidate(Strict):
    """One electoral candidate. Only exposure-side facts: vote shares are never an input."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name used in results")
    name: str = Field("", description="name printed in reports (default: the id)")
    key: str = Field("", description="name on which luck hangs (default: the id)")
    standing: Share = Field(description="share in early polls, 0-1; rescaled so that all candidates add up to 1")
    followers: NonNegative = Field(description="followers of the official account at the start, real accounts")
    language_shares: dict[str, Share] = Field(
        default_factory=dict, description="share of this candidate's items in a language; the first takes the rest"
    )
    audience: dict[str, Share] = Field(
        default_factory=dict,
        description="share of a language's people whose first preference this candidate is, instead of the polls'",
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, raw: object) -> object:
        if isinstance(raw, dict) and "id" in raw:
            raw = {"name": raw["id"], "key": raw["id"], **raw}
        return raw


__all__ = [
    "Activity", "Candidate", "CandidateContent", "Content", "Population", "Quantity", "Response", "Segment",
    "StanceMix",
]  # fmt: skip
