"""Block of a scenario about moderation: what is stopped, detected, reviewed by people, ordered, labelled, banned.

Only ``prevented_share`` and ``network_removal_days`` act by default; every other part is off until it is stated.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from recsim.scenario.quantity import AnyNumber, Keyed, NonNegative, Positive, Share, Strict, assumed


class Detector(Keyed):
    """A detector that looks through the platform's log at intervals; what it finds goes to review."""

    kind: str = Field(description="which detector: a name")
    parameters: dict[str, AnyNumber] = Field(default_factory=dict, description="parameters of the detector, by name")
    every_hours: int = Field(24, ge=1, description="hours from one run of the detector to the next, hours")
    log_days: Positive = Field(assumed(7, 1, 14), description="how far back its log goes, days")
    start: int | None = Field(None, le=0, description="first day relative to the vote, days (null: from the first day)")
    reviewed: bool = Field(True, description="whether people review what it finds; false: it is acted on at once")
    target: Literal["accounts"] = Field("accounts", description="what it looks for")


class Reviewers(Strict):
    """People who review the cases of one language."""

    count: NonNegative = Field(description="reviewers on duty during the hours, real people; 0: nobody")
    items_per_hour: Positive = Field(
        assumed(60, 25, 100, log=True), description="reviews by one reviewer, reviews/hour (25-100: 200-800 in 8 hours)"
    )
    hours: tuple[int, int] = Field((0, 24), description="hours of the day with reviewers on duty, local, from and to")
    share_of_time: Share = Field(assumed(1.0), description="share of their time spent on these cases, 0-1")
    sensitivity: Share = Field(assumed(0.8, 0.6, 0.95), description="chance that a violation is found, 0-1")
    specificity: Share = Field(assumed(0.95, 0.9, 0.99), description="chance that anything else is left alone, 0-1")
    other_languages: dict[str, Share] = Field(
        default_factory=dict,
        description="languages without reviewers of their own that these also review, with the factor of sensitivity, 0-1",
    )

    @model_validator(mode="after")
    def _hours_in_order(self) -> Reviewers:
        first, last = self.hours
        if not 0 <= first < last <= 24:
            raise ValueError(f"got hours [{first}, {last}]; must be two hours of the day, the first before the second")
        return self


class ReviewQueue(Strict):
    """In which order cases are reviewed, and how long that takes."""

    priority: Literal["first_come", "reports_reach", "score"] = Field(
        "first_come", description="order: first come; reports times reach, largest first; a detector's score"
    )
    service: Literal["exponential", "fixed"] = Field(
        "exponential", description="length of a review: exponential around the mean, or always the mean"
    )
    delay_h: NonNegative = Field(assumed(0), description="hours from a verdict to its effect, hours")
    capacity: NonNegative | None = Field(
        None,
        description="cases of one language that can wait, real cases; beyond it the last in order fall out (null: no limit)",
    )
    expires_h: Positive | None = Field(
        None, description="hours after which a waiting case is dropped, hours (null: it waits for ever)"
    )


class Appeals(Strict):
    """Who appeals against a sanction, and when."""

    wrongly_sanctioned: Share = Field(
        assumed(0.3, 0.1, 0.6), description="share of the wrongly sanctioned who ever appeal, 0-1"
    )
    rightly_sanctioned: Share = Field(
        assumed(0.05, 0.0, 0.2), description="share of the rightly sanctioned who ever appeal, 0-1"
    )
    mean_delay_h: Positive = Field(
        assumed(24, 6, 72, log=True), description="hours from the sanction to the appeal, exponential, mean, hours"
    )
    within_h: Positive = Field(assumed(4320), description="hours after which it is too late to appeal, hours")
    work: Positive = Field(assumed(1, 0.5, 2), description="length of its review relative to an ordinary one")
    first: bool = Field(False, description="whether appeals are reviewed before other cases")


class Notice(Keyed):
    """A dated notice by an authority or an organisation, outside the queue."""

    sender: Literal["authority", "organisation"] = Field("authority", description="who sends it")
    source: str = Field("", description="what documents the notice")
    day: int = Field(le=0, description="day of the notice relative to the vote, days")
    hour: int = Field(12, ge=0, le=23, description="hour of the day of the notice, local")
    target: Literal["accounts", "items"] = Field("accounts", description="what it names")
    campaign: str | None = Field(None, description="id of the campaign it is about")
    candidate: str | None = Field(None, description="id of the candidate whose content it is about")
    content: (
        Literal["official", "supporter", "media", "influencer", "volunteer", "bot", "impersonation", "advertisement"]
        | None
    ) = Field(None, description="kind of items it is about (null: any)")
    share: Share = Field(assumed(1.0), description="share of these accounts or items that it names, 0-1")
    compliance: Share = Field(assumed(0.9, 0.58, 0.9), description="chance that the platform acts on a named one, 0-1")
    lag_h: NonNegative = Field(assumed(33, 24, 36), description="hours from the notice to the effect, hours")

    @model_validator(mode="after")
    def _about_somebody(self) -> Notice:
        if (self.campaign is None) == (self.candidate is None):
            raise ValueError("a notice needs a campaign or a candidate, and not both; state one of them")
        return self


class Actions(Strict):
    """What happens to what review or a notice has found."""

    account: Literal["nothing", "remove", "restrict", "captcha"] = Field(
        "remove", description="on an account; restrict: its actions no longer count; captcha: it acts less"
    )
    item: Literal["nothing", "remove", "demote", "exclude", "label"] = Field(
        "remove", description="on an item; exclude: it stays, and no feed recommends it"
    )
    rollback: Literal["none", "freeze", "roll_back"] = Field(
        "none", description="on an account's counts: earlier ones stay; stay and no new ones; are taken back"
    )
    captcha_factor: Share = Field(assumed(0.1), description="activity left under captcha, factor 0-1")
    demote_factor: Share = Field(assumed(0.3), description="factor of a demoted item's score, 0-1")


class LabelErrors(Strict):
    """Errors of political labels on the items about one candidate."""

    missed: Share = Field(assumed(0), description="share of items left without the label they should carry, 0-1")


class PoliticalLabels(Strict):
    """Labels on political content, their errors and what they do."""

    share: Share = Field(assumed(1.0), description="share of political items that are labelled, 0-1")
    wrong_share: Share = Field(assumed(0), description="share of items about no candidate that are labelled, 0-1")
    errors: dict[str, LabelErrors] = Field(default_factory=dict, description="errors by candidate id (default: none)")
    utility: AnyNumber = Field(assumed(0, -0.2, 0.2), description="what a label adds to an item's utility for people")
    demotion: Share = Field(assumed(1, 0.3, 1), description="factor of a labelled item's score, 0-1 (1: none)")


class AdsBan(Strict):
    """A ban on political advertising, as far as it is enforced."""

    enforced_share: Share = Field(description="share of political advertisements that are stopped, 0-1")
    lag_h: NonNegative = Field(assumed(24, 0, 72), description="hours from an advertisement's start to its end, hours")


class Moderation(Strict):
    """What the platform does about abuse."""

    prevented_share: Share = Field(
        assumed(0.0, 0.0, 0.85), description="share of inauthentic likes and follows stopped before they count, 0-1"
    )
    network_removal_days: NonNegative = Field(
        assumed(18, 16, 40),
        description="days from a network's first action to the removal of its accounts or advertisements, days",
    )
    detectors: list[Detector] = Field(default_factory=list, description="detectors of inauthentic accounts")
    reviewers: dict[str, Reviewers] = Field(default_factory=dict, description="reviewers by language")
    queue: ReviewQueue = Field(default_factory=ReviewQueue, description="order and length of reviews")
    appeals: Appeals | None = Field(None, description="appeals against sanctions (null: none)")
    notices: list[Notice] = Field(default_factory=list, description="dated notices by others")
    actions: Actions = Field(default_factory=Actions, description="what happens to what was found")
    political_labels: PoliticalLabels | None = Field(None, description="labels on political content (null: none)")
    ads_ban: AdsBan | None = Field(None, description="ban on political advertising (null: none)")

    @model_validator(mode="after")
    def _one_team_per_language(self) -> Moderation:
        teams: dict[str, str] = {}
        for language, reviewers in sorted(self.reviewers.items()):
            for other in reviewers.other_languages:
                own = self.reviewers.get(other)
                if own is not None and own.count.value > 0:
                    raise ValueError(f"got other language {other!r} for {language!r}; it has reviewers of its own")
                if other in teams:
                    raise ValueError(f"got language {other!r} for both {teams[other]!r} and {language!r}; choose one")
                teams[other] = language
        return self
