"""The scenario: everything a run depends on, validated, with units and evidence.

This package knows names, not classes: the policy is a name here and is looked up by the world.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Literal

from pydantic import Field, model_validator

from recsim.scenario.campaigns import Campaign
from recsim.scenario.moderation import Moderation
from recsim.scenario.opinion import Opinion
from recsim.scenario.people import Activity, Candidate, CandidateContent, Content, Population, Response
from recsim.scenario.platform import GATE_MODES, GateMode, Platform
from recsim.scenario.quantity import NonNegative, Positive, Quantity, Share, Strict, assumed

Division = Literal["region", "language", "age_band"]
Optional = Literal["amplification_reach", "prevalence", "view_through", "calibration", "effective_candidates"]
DIVISIONS: tuple[Division, ...] = ("region", "language", "age_band")


class Days(Strict):
    """The simulated period: from the start to the end of the day of the vote."""

    start: dt.date = Field(description="first simulated day, ISO date")
    vote: dt.date = Field(description="day of the vote, last simulated day, ISO date")

    @model_validator(mode="after")
    def _order(self) -> Days:
        if self.vote <= self.start:
            raise ValueError(f"got vote {self.vote} not after start {self.start}; dates must be in order")
        return self

    @property
    def count(self) -> int:
        """Simulated days, the day of the vote included."""
        return (self.vote - self.start).days + 1


class Ensemble(Strict):
    """Parameter sets that a calibration found; `recsim run --ensemble` puts them here."""

    name: str = Field(description="name of the calibration")
    calibration: str = Field("", description="fingerprint of the calibration")
    tolerance: float | None = Field(
        None, gt=0, description="how close the worlds came to the targets, in stated errors"
    )
    targets: list[str] = Field(default_factory=list, description="figures that the parameters were fitted to")
    members: list[dict[str, float]] = Field(
        min_length=1,
        max_length=10_000,
        description="parameter sets: value by dotted key; replicate r takes set r modulo their number",
    )

    def of_policy(self, parameters: Collection[str]) -> Ensemble:
        """The same sets without parameters of a policy other than these."""
        start = "platform.parameters."
        members = [
            {k: v for k, v in m.items() if not k.startswith(start) or k.removeprefix(start) in parameters} for m in self.members
        ]  # fmt: skip
        return self.model_copy(update={"members": members})


class Run(Strict):
    """Settings of the computation; no claims about the world."""

    seed: int = Field(1, ge=0, lt=2**32, description="seed of all draws, 0 to 2^32-1")
    replicates: int = Field(10, ge=1, le=10_000, description="independent replicates")
    luck_branches: int = Field(2, ge=1, le=64, description="luck branches after the fork, averaged, both worlds")
    step_hours: int = Field(1, ge=1, le=24, description="length of a step, hours; must divide 24")
    draws: Literal["independent", "balanced"] = Field(
        "independent",
        description="how ranged numbers are drawn over replicates; balanced: every ten replicates hold each tenth of a range",
    )
    ensemble: Ensemble | None = Field(
        None, description="parameter sets of a calibration, in place of draws of these parameters (null: none)"
    )

    @model_validator(mode="after")
    def _divides(self) -> Run:
        if 24 % self.step_hours:
            raise ValueError(f"got step_hours {self.step_hours}, must divide 24")
        return self


class HeadWeights(Strict):
    """A named alternative for the policy's parameters: in the table of platform assumptions, or as a shadow."""

    id: str = Field(description="name of the alternative")
    parameters: dict[str, float] = Field(description="parameters of the policy")


class Robustness(Strict):
    """The table beside the headline: the shift under other platform assumptions, at a smaller size."""

    enabled: bool = Field(True, description="whether the table is made")
    people: int = Field(500, ge=50, description="simulated people per cell, people")
    items_per_day: int = Field(1000, ge=10, description="simulated items per day in a cell, items/day")
    videos_per_day: float = Field(60, gt=0, description="videos per person and day in a cell, videos/day")
    burn_in_days: int = Field(15, ge=1, description="days before the campaigns in a cell, days")
    replicates: int = Field(2, ge=2, description="replicates per cell")
    gates: list[GateMode] = Field(default_factory=lambda: list(GATE_MODES), description="gate modes")
    prior_events: list[float] = Field(default_factory=lambda: [40.0, 1000.0], description="prior strengths, events")
    head_weights: list[HeadWeights] = Field(default_factory=list, description="alternatives for the policy's weights")


class Stopping(Strict):
    """When enough replicates have been simulated, as declared before the first."""

    enabled: bool = Field(False, description="whether replicates are added until the intervals are narrow enough")
    first: int = Field(30, ge=2, description="replicates before the first look")
    batch: int = Field(10, ge=1, description="replicates added between looks")
    half_width_pp: Positive | None = Field(
        None,
        description="half-width of the 95 % interval to be reached, percentage points; none: a quarter of threshold_pp",
    )
    most: int = Field(500, ge=2, le=10_000, description="replicates at which to stop whatever the width")

    @model_validator(mode="after")
    def _order(self) -> Stopping:
        if self.first > self.most:
            raise ValueError(f"got first {self.first} above most {self.most}; the first look must come before the last")
        return self


class Reference(Strict):
    """Shares of exposure that somebody holds to be fair; which they are is a norm, not a finding."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="name of the reference, such as poll or airtime")
    shares: dict[str, Share] = Field(
        description="share by candidate, 0-1; candidates left out have 0; they add up to 1"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Reference:
        total = sum(q.value for q in self.shares.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"got shares that add up to {total:g}, must add up to 1")
        return self


def in_days(first: int, last: int) -> str:
    """Days from one to another in words: "days -1 to 0", "day 0"."""
    return f"day {first}" if first == last else f"days {first} to {last}"


class Window(Strict):
    """A part of the campaign window that is looked at by itself, such as the silence before the vote; whole days."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="name of the window, such as silence")
    first: int = Field(le=0, description="first day, relative to the vote (0)")
    last: int = Field(0, le=0, description="last day, relative to the vote (0)")
    reason: str = Field("", description="why these days, with a source if there is one")

    @model_validator(mode="after")
    def _order(self) -> Window:
        if self.first > self.last:
            raise ValueError(f"got first {self.first} after last {self.last}; days must be in order")
        return self


class Auditor(Strict):
    """Who asks, and who pays for it; printed in reports as given."""

    name: str = Field("", description="who ran the audit")
    organisation: str = Field("", description="for which body")
    funding: str = Field("", description="who paid for it")
    interests: str = Field("", description="declaration of interests")


UNDECLARED = "default of recsim: nobody declared a threshold"


class Audit(Strict):
    """What the auditor declares before looking."""

    auditor: Auditor = Field(default_factory=Auditor, description="who asks")
    question: str = Field("", description="the question in one sentence; a plan needs one")
    threshold_pp: Positive = Field(
        Quantity(value=1.0, evidence="assumption", source=UNDECLARED),
        description="materiality threshold of a shift, percentage points",
    )
    threshold_reason: str = Field("", description="why this threshold")
    placebo_bound_pp: Positive = Field(
        assumed(5.0), description="bound of the placebo test of `recsim check`, percentage points"
    )
    shadows: list[HeadWeights] = Field(
        default_factory=list,
        max_length=64,
        description="other parameters of the policy, scored beside it but never shown",
    )
    shadow_places: int = Field(10, ge=1, le=64, description="first places that shadows are compared on, positions")
    segments: list[Division] = Field(
        default_factory=lambda: list(DIVISIONS),
        description="divisions of the people in which the shift is tested for differences",
    )
    metrics: list[Optional] = Field(
        default_factory=list,
        description="metrics that are only computed where asked for: people reached (M5), prevalence of inauthentic content "
        "(M9), view-through (M10), calibration to people's own history (M14), effective candidates (M17)",
    )
    references: list[Reference] = Field(
        default_factory=list, description="shares that exposure is held against (M11), beside equal ones"
    )
    windows: list[Window] = Field(
        default_factory=list,
        max_length=16,
        description="parts of the campaign window whose shift is given besides; tested as secondary questions",
    )
    stopping: Stopping = Field(default_factory=Stopping, description="when enough replicates have been simulated")
    robustness: Robustness = Field(default_factory=Robustness, description="other plausible platform assumptions")

    @property
    def threshold_declared(self) -> bool:
        """Whether somebody declared the threshold; without one recsim compares with a default, and says so."""
        return self.threshold_pp.source != UNDECLARED


class TargetFact(Strict):
    """A documented or published figure that `recsim check` prints beside the simulated one."""

    id: str = Field(description="short name, such as T1")
    metric: str = Field(description="name of the simulated figure (see `recsim list metrics`)")
    low: float | None = Field(None, description="lowest value that counts as inside, in the metric's unit")
    high: float | None = Field(None, description="highest value that counts as inside, in the metric's unit")
    source: str = Field(description="who published the figure")


class Scenario(Strict):
    """A whole scenario."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="short name, used in folder names")
    title: str = Field("", description="one line for reports")
    run: Run = Field(default_factory=Run, description="settings of the computation")
    days: Days = Field(description="simulated period")
    population: Population = Field(description="who the simulated people stand for")
    activity: Activity = Field(default_factory=Activity, description="how often people come")
    response: Response = Field(default_factory=Response, description="how people respond")
    content: Content = Field(default_factory=Content, description="ordinary supply")
    candidate_content: CandidateContent = Field(default_factory=CandidateContent, description="supply about candidates")
    candidates: list[Candidate] = Field(min_length=2, max_length=63, description="the candidates on the ballot")
    campaigns: list[Campaign] = Field(default_factory=list, max_length=127, description="coordinated campaigns")
    dose: NonNegative = Field(
        assumed(1.0), description="multiplier of the accounts of inauthentic campaigns (0: none act)"
    )
    platform: Platform = Field(default_factory=Platform, description="the recommender system")
    moderation: Moderation = Field(default_factory=Moderation, description="what the platform does against abuse")
    audit: Audit = Field(default_factory=Audit, description="what the auditor declares")
    opinion: Opinion = Field(default_factory=Opinion, description="optional layer of opinion, apart from exposure")
    targets: list[TargetFact] = Field(default_factory=list, description="documented figures to compare with")
